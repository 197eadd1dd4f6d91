#ifndef SLK_MANAGER_SECTOR_STEP_H
#define SLK_MANAGER_SECTOR_STEP_H

/* The state machine of a sector: a table of (state, event) -> state, and what each event writes into the
 * record. Pure: no clock, no database, no chain. What a state has to do next is not the step's to say but
 * manager/seal/decide.h's, which reads the record; so a step needs to be stored, and nothing else. */

#include "manager/sector/event.h"

typedef enum {
    SLK_STEP_TAKEN,   /* the record changed; it may be the same state again */
    SLK_STEP_IGNORED, /* the event means nothing in this state and does no harm */
    SLK_STEP_REFUSED  /* the state does not take the event; the record is as it was */
} slk_step_t;

/* Apply an event at time now_ms (ms since 1970; goes into the record only). New memory comes from the
 * arena, which must live as long as the record. A step that enters a state, also the same one again, counts
 * visit up. why (may be NULL): a sentence where it was refused. SLK_ERR_NOMEM: the record may not be used.
 */
SLK_CHECK_RESULT slk_err_t slk_sector_step(slk_sector_info_t *sector, const slk_event_t *event,
                                           int64_t now_ms, slk_arena_t *arena, slk_step_t *step,
                                           slk_diag_t *why);

/* The table itself, for tests, documents and simulations: does this state take this event, and where
 * does it lead? False: it does not. *to is SLK_STATE_CNT where the event or the record names the state. */
bool slk_sector_edge(slk_sector_state_t from, slk_event_type_t event, slk_sector_state_t *to);

#endif /* SLK_MANAGER_SECTOR_STEP_H */
