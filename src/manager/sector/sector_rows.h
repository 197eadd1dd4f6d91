#ifndef SLK_MANAGER_SECTOR_SECTOR_ROWS_H
#define SLK_MANAGER_SECTOR_SECTOR_ROWS_H

/* What the files of sector_store.h share. */

#include "manager/sector/sector_store.h"

/* Values of the column urgency, 0 comes first. */
#define SLK_SECTOR_URGENCIES 4

#define SLK_SECTOR_KEY(miner, number) slk_val_i64((int64_t)(miner)), slk_val_i64((int64_t)(number))

/* An entry of the log, counted; above the limit the middle goes. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_sector_log_add(slk_db_t *db, const slk_sector_log_t *entry,
                                              slk_diag_t *diag);

/* That of an event and what the step made of it. */
SLK_CHECK_RESULT slk_err_t slk_sector_log_event(slk_db_t *db, const slk_event_t *event,
                                                const slk_sector_outcome_t *outcome, int64_t now_ms,
                                                slk_arena_t *arena, slk_diag_t *diag);

#endif /* SLK_MANAGER_SECTOR_SECTOR_ROWS_H */
