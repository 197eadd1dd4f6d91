#ifndef SLK_MANAGER_SEAL_WORLD_H
#define SLK_MANAGER_SEAL_WORLD_H

/* What a decision may look at: the chain, jobs, messages, files, one miner's settings. A context and a
 * table of functions, so that decisions can be tested against a simulated world; the real one is
 * manager/seal/world_node.h.
 *
 * A function answers that it is so, that it is not, or that it cannot tell now. In the latter case diag has
 * the sentence, and asking again later is all there is to do. Everything about the chain is as of the head
 * that `net` gave last, so that one decision sees one state. Functions may block on the network. A world
 * belongs to one thread. */

#include "chain/api_types.h"
#include "chain/head.h"
#include "chain/message.h"
#include "codec/policy.h"
#include "manager/config.h"
#include "manager/job/job_store.h"
#include "selkie/verify.h"
#include "storage/finalize_plan.h"

typedef enum {
    SLK_LOOK_FOUND,   /* yes; *out is filled */
    SLK_LOOK_NONE,    /* no: it is known not to be there */
    SLK_LOOK_TROUBLE, /* not known now: node away, no verifying key, ... */
    SLK_LOOK_BROKEN   /* no memory, or our own database failed: no decision can be made */
} slk_look_t;

/* The head and what the network goes by. */
typedef struct {
    int64_t height;
    int64_t head_ms; /* time of the head's blocks, ms since 1970 */
    slk_tipset_key_t key;
    slk_policy_t policy; /* of a scaled devnet: its own */
    int64_t block_ms;    /* of an epoch, as it passes in fact */
} slk_world_net_t;

/* Who holds the files of a sector: lists by slk_file_type_index, and beside them the name of a worker that
 * has each holder. Memory is the arena's. */
typedef struct {
    slk_holders_t by[SLK_FT_CNT];
    const char *const *workers[SLK_FT_CNT];
    /* Workers from which a job of the sector was taken a moment ago: they may still be ending it, and what it
     * leaves is not known yet. */
    const char **busy;
    size_t busy_cnt;
} slk_world_holders_t;

/* What a message would need. Fees in attoFIL a unit of gas. */
typedef struct {
    slk_gas_t gas;
    /* NONE: */
    bool out_of_gas;   /* it needs more than a block's gas */
    int64_t exit_code; /* with which it would fail; 0: not known */
} slk_world_gas_t;

typedef struct {
    slk_look_t (*net)(void *ctx, slk_world_net_t *out, slk_diag_t *diag);

    /* Chain. Randomness: of tickets at the seal ticket's epoch, of the beacon at the seed's; both with the
     * miner's entropy. NONE: that epoch is not there yet. */
    slk_look_t (*ticket)(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                         slk_diag_t *diag);
    slk_look_t (*seed)(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out, slk_diag_t *diag);
    slk_look_t (*miner_info)(void *ctx, uint64_t miner, slk_arena_t *arena,
                             slk_api_miner_info_t *out, slk_diag_t *diag);
    slk_look_t (*pre_commit)(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                             slk_sector_pre_commit_on_chain_info_t *out, slk_diag_t *diag);
    slk_look_t (*on_chain)(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                           slk_sector_on_chain_info_t *out, slk_diag_t *diag);
    /* FOUND: the number was used before. */
    slk_look_t (*allocated)(void *ctx, uint64_t miner, uint64_t number, slk_diag_t *diag);
    slk_look_t (*location)(void *ctx, uint64_t miner, uint64_t number,
                           slk_api_sector_location_t *out, slk_diag_t *diag);
    /* The present deadline, and the partitions of any. */
    slk_look_t (*deadline)(void *ctx, uint64_t miner, slk_api_deadline_info_t *out,
                           slk_diag_t *diag);
    slk_look_t (*partitions)(void *ctx, uint64_t miner, uint64_t deadline, slk_arena_t *arena,
                             slk_api_partitions_t *out, slk_diag_t *diag);
    slk_look_t (*deal)(void *ctx, uint64_t id, slk_arena_t *arena, slk_market_deal_t *out,
                       slk_diag_t *diag);
    slk_look_t (*allocation)(void *ctx, uint64_t client, uint64_t id, slk_arena_t *arena,
                             slk_allocation_t *out, slk_diag_t *diag);
    /* The allocation that a market deal has before it is active. */
    slk_look_t (*deal_allocation)(void *ctx, uint64_t deal, uint64_t *id, slk_diag_t *diag);
    /* A message of this CID, or one that took its place with the same call. */
    slk_look_t (*search)(void *ctx, const slk_cid_t *cid, slk_arena_t *arena, slk_msg_lookup_t *out,
                         slk_diag_t *diag);

    /* Money, attoFIL. Deposit and pledge as the node answers them: a tenth above what the actor takes. */
    slk_look_t (*deposit)(void *ctx, uint64_t miner, const slk_sector_pre_commit_info_t *info,
                          slk_bigint_t *out, slk_diag_t *diag);
    slk_look_t (*pledge)(void *ctx, int64_t epochs, uint64_t sector_size, uint64_t verified_bytes,
                         slk_bigint_t *out, slk_diag_t *diag);
    slk_look_t (*available)(void *ctx, uint64_t miner, slk_bigint_t *out, slk_diag_t *diag);
    /* Of an address that messages may come from: its id, what it has. NONE: it is not on chain, or we have no
     * key for it. */
    slk_look_t (*sender)(void *ctx, const slk_address_t *address, slk_address_t *id,
                         slk_bigint_t *balance, slk_diag_t *diag);
    /* NONE: it would fail, as diag tells. */
    slk_look_t (*estimate)(void *ctx, const slk_message_want_t *want, slk_world_gas_t *out,
                           slk_diag_t *diag);

    /* Ours. message: to be freed with slk_message_row_free; job: view->result to be given back. Never
     * TROUBLE. */
    slk_look_t (*message)(void *ctx, const char *key, slk_message_row_t *out, slk_diag_t *diag);
    slk_look_t (*job)(void *ctx, const char *key, slk_job_view_t *out, slk_diag_t *diag);
    /* How long this task takes here for such a sector, from what was measured; NONE: nothing was. */
    slk_look_t (*typical)(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                          slk_diag_t *diag);
    slk_look_t (*holders)(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                          slk_world_holders_t *out, slk_diag_t *diag);

    /* Does this proof hold? NONE: no, as diag tells. */
    slk_look_t (*verify)(void *ctx, const slk_seal_claim_t *claim, const void *proof, size_t len,
                         slk_diag_t *diag);
} slk_world_ops_t;

typedef struct {
    const slk_world_ops_t *ops;
    void *ctx;
    const slk_miner_config_t *config; /* of the sector's miner */
    int64_t now_ms;                   /* ms since 1970 */
    unsigned troubles; /* decisions in a row for this sector that met some: pauses grow with it */
    slk_nonce_mode_t nonces; /* of messages */
} slk_world_t;

#endif /* SLK_MANAGER_SEAL_WORLD_H */
