#include "manager/sector/sector_rows.h"

/* Who is due already keeps his place. */
#define WAKE                                                                                       \
    "UPDATE sector SET version = version + 1, "                                                    \
    "due_ms = CASE WHEN due_ms < ?1 THEN due_ms ELSE ?1 END"

slk_err_t slk_sector_wake(slk_db_t *db, uint64_t miner, uint64_t number, int64_t now_ms,
                          int64_t *woken, slk_diag_t *diag)
{
    return slk_db_run(db, WAKE " WHERE miner = ?2 AND number = ?3",
                      SLK_VALS(slk_val_i64(now_ms), SLK_SECTOR_KEY(miner, number)), woken, diag);
}

slk_err_t slk_sector_wake_epoch(slk_db_t *db, int64_t epoch, int64_t now_ms, int64_t *woken,
                                slk_diag_t *diag)
{
    return slk_db_run(db, WAKE ", wait_epoch = NULL WHERE wait_epoch <= ?2",
                      SLK_VALS(slk_val_i64(now_ms), slk_val_i64(epoch)), woken, diag);
}

slk_err_t slk_sector_wake_reverted(slk_db_t *db, int64_t now_ms, int64_t *woken, slk_diag_t *diag)
{
    return slk_db_run(db, WAKE " WHERE wait_epoch IS NOT NULL", SLK_VALS(slk_val_i64(now_ms)),
                      woken, diag);
}

slk_err_t slk_sector_wake_job(slk_db_t *db, const char *key, int64_t now_ms, int64_t *woken,
                              slk_diag_t *diag)
{
    return slk_db_run(db, WAKE " WHERE wait_job = ?2",
                      SLK_VALS(slk_val_i64(now_ms), slk_val_text(key)), woken, diag);
}

slk_err_t slk_sector_wake_message(slk_db_t *db, const char *key, int64_t now_ms, int64_t *woken,
                                  slk_diag_t *diag)
{
    return slk_db_run(db,
                      WAKE " WHERE (miner, number) IN "
                           "(SELECT miner, number FROM sector_message WHERE key = ?2)",
                      SLK_VALS(slk_val_i64(now_ms), slk_val_text(key)), woken, diag);
}

slk_err_t slk_sector_wake_troubled(slk_db_t *db, int64_t now_ms, int64_t *woken, slk_diag_t *diag)
{
    return slk_db_run(db, WAKE ", trouble = 0 WHERE trouble > 0 AND due_ms IS NOT NULL",
                      SLK_VALS(slk_val_i64(now_ms)), woken, diag);
}

slk_err_t slk_sector_wake_all(slk_db_t *db, bool also_resting, int64_t now_ms, int64_t *woken,
                              slk_diag_t *diag)
{
    return slk_db_run(db,
                      also_resting ? WAKE ", trouble = 0 WHERE state <> 'Removed'"
                                   : WAKE
                          ", trouble = 0 WHERE due_ms IS NOT NULL AND state <> 'Removed'",
                      SLK_VALS(slk_val_i64(now_ms)), woken, diag);
}
