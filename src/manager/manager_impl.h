#ifndef SLK_MANAGER_MANAGER_IMPL_H
#define SLK_MANAGER_MANAGER_IMPL_H

/* Shared by manager.c and api*.c. */

#include "manager/job/token_store.h"
#include "manager/manager.h"
#include "manager/post/post_runner.h"
#include "net/jsonrpc_server.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

struct slk_manager {
    char dir[PATH_MAX], database[PATH_MAX], pieces[PATH_MAX], output[PATH_MAX];
    char version[64], address[320];
    int lock_fd;

    pthread_rwlock_t config_lock;
    slk_manager_config_t *config;

    slk_chain_t *chain;
    slk_dispatch_t *dispatch;
    _Atomic(slk_runner_t *) runner; /* hooks may come before it is there */
    _Atomic(slk_poster_t *) poster; /* as the runner */
    slk_token_store_t *tokens;
    slk_token_key_t key, transfer_key;
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    atomic_bool told_to_end;
    int64_t started_ms;
    _Atomic int64_t block_ms; /* 0: not asked yet */

    /* Looks after what is to happen by itself: autopledge, sectors that wait for the chain to be back. */
    pthread_t keeper;
    bool keeper_runs;
    atomic_bool stop;
};

/* The settings of a miner now. False: none of ours. */
bool slk_manager_miner(slk_manager_t *manager, uint64_t actor, slk_miner_config_t *out);
size_t slk_manager_miners(slk_manager_t *manager, uint64_t *out, size_t max);

/* Pledge so many sectors; numbers has room. */
SLK_CHECK_RESULT slk_err_t slk_manager_pledge(slk_manager_t *manager, uint64_t miner, size_t cnt,
                                              uint64_t *numbers, slk_diag_t *diag);

/* The nodes, for one call of one's own. */
slk_api_t slk_manager_node(slk_manager_t *manager);

/* The server's routes and methods. */
SLK_CHECK_RESULT slk_err_t slk_manager_serve(slk_manager_t *manager,
                                             const slk_manager_config_t *config, const char *listen,
                                             slk_diag_t *diag);

#endif /* SLK_MANAGER_MANAGER_IMPL_H */
