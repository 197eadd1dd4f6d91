#ifndef SLK_DEVNET_CHAIN_CHAIN_IMPL_H
#define SLK_DEVNET_CHAIN_CHAIN_IMPL_H

/* The inside of a chain, for the files of this folder.
 *
 * Locks, outermost first: `change` (slk_chain_lock), `lock`, that of the block database. `lock` is
 * never held while the database or the store is asked. */

#include "base/assert.h"
#include "crypto/keys/key.h"
#include "devnet/chain/chain.h"

#include <pthread.h>

#define SLK_RING      1024u /* heights whose tipsets on the chain are in memory */
#define SLK_TIPS_MAX  2048u /* tipsets in memory, those of the ring included */
#define SLK_TIP_SLOTS 4096u /* a power of two */
#define SLK_TIP_LIMIT ((size_t)4 << 20)

typedef struct slk_tip_box slk_tip_box_t;
struct slk_tip_box {
    slk_tip_t tip; /* first */
    atomic_uint refs;
    slk_arena_t arena;
    slk_tip_box_t *chain;         /* next of its slot; lock */
    slk_tip_box_t *older, *newer; /* by use; lock */
};

/* A message of a tipset, for the index. */
typedef struct {
    slk_cid_t cid;
    slk_address_t sender;
    uint64_t nonce;
} slk_mined_t;

/* Executed, not on the disk yet. */
typedef struct slk_fresh {
    struct slk_fresh *next;
    slk_tip_t *tip;
    slk_mined_t *mined;
    size_t mined_cnt;
} slk_fresh_t;

typedef struct slk_subscriber {
    struct slk_subscriber *next;
    uint64_t id;
    slk_head_fn_t *fn;
    void *ctx;
} slk_subscriber_t;

struct slk_chain {
    slk_policy_t policy;
    char *network_name, *params_dir;
    slk_node_t seed;
    uint64_t genesis_time;
    const slk_job_t *job;

    int folder_lock;
    slk_db_t *db;
    slk_block_db_t *blocks;
    slk_blockstore_t store;

    pthread_mutex_t change; /* recursive */
    slk_fresh_t *fresh;     /* newest first; change */
    slk_subscriber_t *subscribers;
    uint64_t last_subscriber;
    slk_tip_t *checkpoint; /* NULL: none; change */

    pthread_mutex_t lock;
    pthread_cond_t moved; /* the head, or stopping */
    bool stopping;
    slk_tip_t *head, *genesis;
    slk_tip_t *ring[SLK_RING]; /* by height */
    int64_t ring_from;         /* the ring is complete from here to the head */
    unsigned rewriting;        /* odd while rows below the ring change; counts */
    slk_tip_box_t *slots[SLK_TIP_SLOTS], *newest, *oldest;
    size_t tip_cnt;
    uint64_t executed;
    double execute_seconds;
};

/* --- tips.c ----------------------------------------------------------------------------------- */

/* A tipset of blocks in their order, without weight and results; its own, with one reference. The
 * blocks are copied by way of their CBOR. */
SLK_CHECK_RESULT slk_err_t slk_tip_make(slk_tip_t **tip, const slk_block_header_t *blocks,
                                        size_t cnt, slk_diag_t *diag);
/* Into the cache, where it may already be: the one that is there is then given instead. Takes the
 * reference. */
slk_tip_t *slk_tips_add(slk_chain_t *chain, slk_tip_t *tip);
void slk_tips_free(slk_chain_t *chain);
SLK_CHECK_RESULT slk_err_t slk_tip_by_key(slk_tip_t **tip, slk_chain_t *chain, slk_bytes_t key,
                                          slk_diag_t *diag);
/* The bytes of a key. Append only. */
void slk_tip_key_bytes(slk_buf_t *out, const slk_tip_t *tip);

/* The row of an executed tipset; in a transaction. */
SLK_CHECK_RESULT slk_err_t slk_tip_insert(slk_db_t *db, const slk_tip_t *tip, slk_diag_t *diag);

/* --- execute.c -------------------------------------------------------------------------------- */

/* Run a tipset that has no results yet, and set them, weight included. mined: one a message, to be
 * freed. */
SLK_CHECK_RESULT slk_err_t slk_tip_execute(slk_chain_t *chain, slk_tip_t *tip, slk_mined_t **mined,
                                           size_t *mined_cnt, slk_diag_t *diag);

/* A machine on the state before a tipset, after the cron of null rounds: the first message can be
 * applied. store and draw must outlive it. */
typedef struct {
    slk_chain_t *chain;
    const slk_tip_t *from;
} slk_draw_ctx_t;
SLK_CHECK_RESULT slk_err_t slk_machine_begin(slk_machine_t **machine, slk_draw_ctx_t *draw,
                                             const slk_blockstore_t *store, const slk_job_t *job,
                                             slk_diag_t *diag);
/* The same for any root and epoch. */
SLK_CHECK_RESULT slk_err_t slk_machine_on(slk_machine_t **machine, slk_draw_ctx_t *draw,
                                          const slk_cid_t *root, int64_t epoch,
                                          const slk_bigint_t *base_fee,
                                          const slk_blockstore_t *store, const slk_job_t *job,
                                          slk_diag_t *diag);

/* The reward of a block whose messages were run, none for the built-in producer's. */
SLK_CHECK_RESULT slk_err_t slk_machine_award(slk_machine_t *machine,
                                             const slk_block_header_t *block,
                                             const slk_bigint_t *penalty, const slk_bigint_t *tips,
                                             slk_diag_t *diag);

/* --- messages.c ------------------------------------------------------------------------------- */

/* Write what Messages of a header names, for messages by their CIDs. */
SLK_CHECK_RESULT slk_err_t slk_message_root(slk_cid_t *root, const slk_blockstore_t *store,
                                            const slk_cid_list_t *bls, const slk_cid_list_t *secpk,
                                            slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_receipt_root(slk_cid_t *root, const slk_blockstore_t *store,
                                            const slk_receipt_t *receipts, size_t cnt,
                                            slk_diag_t *diag);
/* Bytes that a message has on the chain: bare, or with a secp256k1 signature. */
SLK_CHECK_RESULT slk_err_t slk_message_len(size_t *len, const slk_message_t *message, bool bls,
                                           slk_diag_t *diag);

/* --- walk.c ----------------------------------------------------------------------------------- */

/* Fill the ring for a new head and publish it; the caller holds `change`. steps: how the head got
 * there. */
void slk_walk_publish(slk_chain_t *chain, slk_tip_t *head, const slk_step_t *steps, size_t cnt);

/* --- genesis.c -------------------------------------------------------------------------------- */

/* The first block; its state is stored. */
SLK_CHECK_RESULT slk_err_t slk_genesis_block(slk_block_header_t *block, slk_chain_t *chain,
                                             const slk_chain_options_t *options, slk_arena_t *arena,
                                             slk_diag_t *diag);

/* Key number n of the built-in producer. */
SLK_CHECK_RESULT slk_err_t slk_producer_key(slk_key_t *key, const slk_chain_t *chain, uint64_t n,
                                            slk_diag_t *diag);

/* --- checkpoint.c ------------------------------------------------------------------------------ */

/* What was set before the process ended. */
SLK_CHECK_RESULT slk_err_t slk_chain_load_checkpoint(slk_chain_t *chain, slk_diag_t *diag);
/* Whether a tipset may become the head; the caller holds `change`. */
SLK_CHECK_RESULT slk_err_t slk_chain_checkpoint_allows(bool *allows, slk_chain_t *chain,
                                                       const slk_tip_t *tip, slk_diag_t *diag);

/* --- head.c ----------------------------------------------------------------------------------- */

void slk_fresh_free(slk_chain_t *chain);
/* Write tipsets that were put in to the disk, with the head where it is. */
SLK_CHECK_RESULT slk_err_t slk_fresh_write(slk_chain_t *chain, slk_diag_t *diag);

#endif /* SLK_DEVNET_CHAIN_CHAIN_IMPL_H */
