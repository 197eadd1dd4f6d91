#ifndef SLK_MANAGER_POST_POST_STORE_H
#define SLK_MANAGER_POST_POST_STORE_H

/* The table `post_partition`: one row a partition and window that was ever asked for, so that whoever is
 * started again goes on with what is proven. A row is changed in the transaction that adds its job or message.
 * Connections as in store/db.h. Memory of loaded rows is the caller's arena. */

#include "codec/bitfield.h"
#include "manager/post/schedule.h"
#include "store/db.h"

#define SLK_POST_PROOF_MAX ((size_t)64 << 10)

typedef struct {
    uint64_t miner;
    slk_post_window_t window; /* fault_cutoff is not kept */
    uint64_t partition;
    slk_post_state_t state;
    slk_node_t randomness;         /* of the chain at Challenge, as it gave it */
    slk_bitfield_t asked;          /* sectors that are, or were, to be proven by `job` */
    slk_bitfield_t skipped;        /* sectors left out: they become faulty */
    const char *reasons;           /* of these: JSON {"NUMBER": why} */
    char job[SLK_JOB_KEY_MAX + 1]; /* key; empty: none */
    int64_t tries;                 /* jobs so far that did not give a proof */
    int64_t jobs;                  /* jobs so far */
    slk_bytes_t proof;             /* PROVEN and later */
    char message[SLK_MESSAGE_KEY_MAX + 1];
    int64_t sends; /* messages that came to nothing */
    int64_t retry_epoch;
    int64_t asked_ms, proven_ms, done_ms; /* since 1970; 0: not yet */
    char why[SLK_POST_WHY_MAX];
} slk_post_row_t;

SLK_CHECK_RESULT slk_err_t slk_post_migrate(slk_db_t *db, slk_diag_t *diag);

/* Insert, or replace the row of the same miner, Open and partition. */
SLK_CHECK_RESULT slk_err_t slk_post_put(slk_db_t *db, const slk_post_row_t *row, slk_diag_t *diag);

/* Rows of one window, ascending by partition. */
SLK_CHECK_RESULT slk_err_t slk_post_load(slk_db_t *db, uint64_t miner, int64_t open,
                                         slk_arena_t *arena, slk_post_row_t **rows, size_t *cnt,
                                         slk_diag_t *diag);

/* Windows of a miner that have closed by `head` with rows that are neither done nor missed; at most max. */
SLK_CHECK_RESULT slk_err_t slk_post_unfinished(slk_db_t *db, uint64_t miner, int64_t head,
                                               slk_post_window_t *windows, size_t max, size_t *cnt,
                                               slk_diag_t *diag);

/* All sectors of a miner that were in a proof whose message has landed, of what was not purged yet. */
SLK_CHECK_RESULT slk_err_t slk_post_windowed(slk_db_t *db, uint64_t miner, slk_bitfield_t *sectors,
                                             slk_arena_t *arena, slk_diag_t *diag);

/* Remove the rows of windows that opened before `epoch`. Only reads where there are none. */
SLK_CHECK_RESULT slk_err_t slk_post_purge(slk_db_t *db, uint64_t miner, int64_t epoch,
                                          slk_diag_t *diag);

#endif /* SLK_MANAGER_POST_POST_STORE_H */
