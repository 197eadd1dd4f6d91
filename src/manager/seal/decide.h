#ifndef SLK_MANAGER_SEAL_DECIDE_H
#define SLK_MANAGER_SEAL_DECIDE_H

/* What a sector has to do next: from its record and a look at the world (manager/seal/world.h) to one
 * decision. Nothing is changed here and nothing remembered: whoever asks again, after a crash or because
 * something happened, gets the decision that fits the world as it is now. Jobs, messages and batches have
 * keys made of sector, visit and purpose, so that wanting one twice is wanting it once.
 *
 *   EVENT  feed it to slk_sector_step
 *   JOB    slk_job_add (it may be there already, then this changes nothing), then wait for it: asked again
 *          when it ended, or as with WAIT
 *   BATCH  be a candidate of the batch until sent (manager/seal/batch_message.h has its step); asked again as
 *          with WAIT, since what it was checked for may change
 *   WAIT   ask again at until_ms, at epoch until_epoch, when the message or the job moved, or when a person
 *          sends an event
 *   REST   nothing to do in this state
 *
 * Source: spec lotus-miner.md 1.2 to 1.10, whose pauses after trouble of the API become WAITs with back-off.
 */

#include "manager/job/job_store.h"
#include "manager/seal/batch.h"
#include "manager/seal/world.h"
#include "manager/sector/event.h"

typedef enum {
    SLK_DECIDE_EVENT,
    SLK_DECIDE_JOB,
    SLK_DECIDE_BATCH,
    SLK_DECIDE_WAIT,
    SLK_DECIDE_REST
} slk_decide_kind_t;

typedef struct {
    slk_decide_kind_t kind;
    slk_event_t event;  /* EVENT; memory in the arena */
    slk_job_want_t job; /* JOB; params is owned by the decision */
    slk_batch_kind_t batch;
    int64_t batch_cutoff;          /* BATCH: epoch by which the message must be on chain */
    int64_t until_ms, until_epoch; /* all but EVENT, REST: whichever comes first; 0: not by this */
    bool trouble;                  /* WAIT: something is wrong outside; back off */
    char why[512];                 /* one honest sentence of what is waited for: for people */
} slk_decision_t;

/* SLK_OK with a decision; errors are those of memory and of the database only, as trouble outside is a
 * decision to WAIT. May block on the network: not in a transaction. */
SLK_CHECK_RESULT slk_err_t slk_decide(const slk_world_t *world, const slk_sector_info_t *sector,
                                      slk_arena_t *arena, slk_decision_t *decision,
                                      slk_diag_t *diag);
void slk_decision_fini(slk_decision_t *decision);

/* The pause after so many decisions in a row that met trouble: 1 s, 2 s, ... 5 min. */
int64_t slk_decide_pause_ms(unsigned troubles);

#endif /* SLK_MANAGER_SEAL_DECIDE_H */
