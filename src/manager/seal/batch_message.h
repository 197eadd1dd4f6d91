#ifndef SLK_MANAGER_SEAL_BATCH_MESSAGE_H
#define SLK_MANAGER_SEAL_BATCH_MESSAGE_H

/* The one message for the sectors of a batch: parameters, money, sender, gas. Nothing is changed here; who
 * calls stores message and steps in one transaction. Sources: spec lotus-miner.md 1.6 to 1.8, 1.10, 4.3.
 *
 * A sector that cannot go (allocation gone, no pre-commit, it alone makes the message fail) gets the event
 * that says so, the others are sent. A message that does not fit (gas, 64 KiB) is halved until it does; those
 * left over are in no step: they stay candidates, and `rest` says to build again at once. */

#include "manager/seal/batch.h"
#include "manager/seal/world.h"
#include "manager/sector/event.h"

typedef struct {
    size_t sector;     /* index into the sectors that were given */
    slk_event_t event; /* *_SENT with the message's key, or what is wrong with this one */
} slk_batch_step_t;

typedef struct {
    bool has_message;
    slk_message_want_t want; /* memory is the arena's */
    slk_batch_step_t *steps;
    size_t step_cnt;
    size_t rest;  /* sectors left over: build again with them now */
    bool trouble; /* nothing can be sent now: look again at until_ms */
    int64_t
        until_ms; /* also without trouble, where some have to wait (terminations of a closed deadline) */
    char why[512];
} slk_batch_message_t;

/* sectors: records of one miner in the state of the kind, cnt > 0, ascending by number. Errors are those of
 * memory and of the database. May block on the network: not in a transaction. */
SLK_CHECK_RESULT slk_err_t slk_batch_message(const slk_world_t *world, slk_batch_kind_t kind,
                                             const slk_sector_info_t *const *sectors, size_t cnt,
                                             slk_arena_t *arena, slk_batch_message_t *out,
                                             slk_diag_t *diag);

#endif /* SLK_MANAGER_SEAL_BATCH_MESSAGE_H */
