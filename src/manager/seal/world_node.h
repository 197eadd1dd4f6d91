#ifndef SLK_MANAGER_SEAL_WORLD_NODE_H
#define SLK_MANAGER_SEAL_WORLD_NODE_H

/* The real world of decisions: nodes of the Lotus API, a database, the verifying keys of the parameter
 * cache. What the chain answered is kept for as long as the head stays, so that thousands of sectors that
 * ask the same cost one call. One thread; each thread makes its own. */

#include "chain/api.h"
#include "crypto/keys/signer.h"
#include "manager/seal/world.h"

typedef struct slk_world_node slk_world_node_t;

typedef struct {
    slk_api_t api;           /* nodes, letter of addresses, job that cancels */
    slk_db_t *db;            /* tables of messages and jobs */
    slk_signer_t signer;     /* ops NULL: the node's wallet */
    slk_nonce_mode_t nonces; /* of messages */
    const char *params_dir;  /* of verifying keys; NULL: slk_params_dir */
    /* The head that the chain's client follows (chain/client.h). False: none is known. NULL: the node is
     * asked. */
    bool (*head)(void *ctx, slk_head_t *head);
    void *head_ctx;
    /* Manager's index of files, and measured durations; by its owner. As the world's functions. */
    slk_look_t (*holders)(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                          slk_world_holders_t *out, slk_diag_t *diag);
    void *holders_ctx;
    slk_look_t (*typical)(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                          slk_diag_t *diag);
    void *typical_ctx; /* typical NULL: nothing was measured */
} slk_world_node_opts_t;

SLK_CHECK_RESULT slk_err_t slk_world_node_new(slk_world_node_t **node,
                                              const slk_world_node_opts_t *opts, slk_diag_t *diag);
/* NULL is a no-op. */
void slk_world_node_free(slk_world_node_t *node);

/* Before each decision: takes the newest head, drops what was kept of another one. */
slk_world_t slk_world_node_view(slk_world_node_t *node, const slk_miner_config_t *config,
                                int64_t now_ms, unsigned troubles);

#endif /* SLK_MANAGER_SEAL_WORLD_NODE_H */
