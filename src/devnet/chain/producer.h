#ifndef SLK_DEVNET_CHAIN_PRODUCER_H
#define SLK_DEVNET_CHAIN_PRODUCER_H

/* The built-in producer of blocks: one an epoch, by SLK_PRODUCER_ID, which needs no power and says
 * so: its blocks have neither ElectionProof nor WinPoStProof, so that no other node would accept
 * them. Their tickets are real VRFs and their signatures real, of BLS keys derived from the seed:
 * number 0 at first, and another one after every forced reorg or step back, so that tickets differ
 * between branches.
 *
 * Time: the chain's epochs tick every block_ms while the producer runs; paused (or with no
 * process) they stand still. Timestamps in headers are genesis time + height * BlockDelaySecs
 * whatever the real time is.
 *
 * With the same seed and the same commands and messages at the same heights the blocks are the
 * same. Any thread; commands wait for each other. */

#include "devnet/chain/mpool.h"

typedef struct slk_producer slk_producer_t;

typedef struct {
    uint32_t block_ms;       /* 0: the policy's block delay */
    double null_probability; /* of an epoch to be a null round, from the seed */
    bool paused;             /* at first */
    bool external; /* make no blocks: epochs tick, and are null rounds unless somebody submits */
} slk_producer_options_t;

/* Starts its thread. Chain and pool must outlive it. */
SLK_CHECK_RESULT slk_err_t slk_producer_new(slk_producer_t **producer, slk_chain_t *chain,
                                            slk_mpool_t *pool,
                                            const slk_producer_options_t *options,
                                            slk_diag_t *diag);
/* Ends the thread. NULL allowed. */
void slk_producer_free(slk_producer_t *producer);

/* Ends slk_producer_mine, too. */
void slk_producer_pause(slk_producer_t *producer);
void slk_producer_resume(slk_producer_t *producer);
void slk_producer_set_block_ms(slk_producer_t *producer, uint32_t block_ms);
void slk_producer_set_external(slk_producer_t *producer, bool external);
void slk_producer_set_null_probability(slk_producer_t *producer, double probability);

/* Go on by n epochs as fast as they can be made, also when paused before; listeners hear of some
 * dozens at once, and what they hear of stays whatever ends it. SLK_ERR_CANCELLED: stop(ctx), which is
 * asked several times a second (NULL: nobody), was true, or slk_producer_pause was called meanwhile. */
typedef bool slk_mine_stop_t(void *ctx);
SLK_CHECK_RESULT slk_err_t slk_producer_mine(slk_producer_t *producer, uint64_t n,
                                             slk_mine_stop_t *stop, void *ctx, slk_diag_t *diag);

/* The next n epochs are null rounds. */
void slk_producer_null(slk_producer_t *producer, uint64_t n);

/* Epochs between a block and its parent, at most: it carries a beacon entry for each. */
#define SLK_NULLS_MAX 8000

/* What becomes of the messages of reverted tipsets. */
typedef enum {
    SLK_REORG_AGAIN, /* the new branch takes them at once */
    SLK_REORG_LATER, /* the new branch is empty; they are pending again */
    SLK_REORG_LOSE   /* they are forgotten */
} slk_reorg_t;

/* Revert n tipsets and make n + 1 others in their place; listeners see one change. SLK_ERR_INPUT:
 * the chain has not so many. */
SLK_CHECK_RESULT slk_err_t slk_producer_reorg(slk_producer_t *producer, uint64_t n,
                                              slk_reorg_t messages, slk_diag_t *diag);

/* The head goes back by n tipsets; the next block comes on top of it, at the epoch that is due.
 * SLK_ERR_INPUT: the chain has not so many, or more null rounds would follow than a block can span
 * (8000). */
SLK_CHECK_RESULT slk_err_t slk_producer_rewind(slk_producer_t *producer, uint64_t n,
                                               slk_diag_t *diag);

typedef struct {
    int64_t epoch; /* that ticked last; head height or above */
    uint32_t block_ms;
    double null_probability;
    bool paused, external, stopped; /* stopped: production failed, `why` says it */
    uint64_t branch;                /* number of the key at work */
    uint64_t mined, to_mine;        /* of slk_producer_mine; 0, 0: it is not at work */
    char why[1536];
} slk_producer_status_t;
slk_producer_status_t slk_producer_status(slk_producer_t *producer);

/* The epoch of the chain's clock: blocks above the next one are "from the future". */
int64_t slk_producer_epoch(slk_producer_t *producer);

#endif /* SLK_DEVNET_CHAIN_PRODUCER_H */
