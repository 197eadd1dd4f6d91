#ifndef SLK_DEVNET_API_DEVNET_IMPL_H
#define SLK_DEVNET_API_DEVNET_IMPL_H

/* What the files of this folder share of a development network. */

#include "codec/base58.h"
#include "devnet/api/api.h"
#include "devnet/api/fault.h"
#include "net/jsonrpc_server.h"
#include "net/net.h"

typedef struct slk_notify slk_notify_t;

/* One version of the API. */
typedef struct {
    slk_devnet_t *net;
    unsigned version;
    slk_rpc_method_t *methods;
    size_t method_cnt;
    slk_rpc_api_t *api;
} slk_devnet_api_t;

#define SLK_DEVNET_APIS 3

struct slk_devnet {
    char dir[4096];
    slk_policy_t policy;
    slk_chain_t *chain;
    slk_mpool_t *pool;
    slk_producer_t *producer;
    slk_keystore_t *wallet;
    pthread_mutex_t wallet_lock; /* of changes to the wallet */

    slk_pool_t *threads;
    slk_job_t job;
    atomic_bool stopping, told_to_end;

    slk_token_key_t key;
    char api_info[SLK_TOKEN_TEXT_MAX + 256];
    slk_devnet_api_t apis[SLK_DEVNET_APIS];
    slk_http_server_t *server;
    uint16_t port;
    slk_notify_t *notify;
    slk_fault_t fault;

    char peer_id[SLK_BASE58_TEXT_SZ], session[40], start_time[64];
};

/* Serve; net->server. */
SLK_CHECK_RESULT slk_err_t slk_devnet_serve(slk_devnet_t *net, const slk_devnet_options_t *options,
                                            slk_diag_t *diag);
void slk_devnet_unserve(slk_devnet_t *net);

/* Those who listen to ChainNotify and MpoolSub (notify.c). */
SLK_CHECK_RESULT slk_err_t slk_notify_new(slk_notify_t **notify, slk_devnet_t *net,
                                          slk_diag_t *diag);
/* All channels end; new ones may come. */
void slk_notify_drop(slk_notify_t *notify);
/* All channels end for good; before the server is freed. */
void slk_notify_cut(slk_notify_t *notify);
void slk_notify_free(slk_notify_t *notify);

#endif /* SLK_DEVNET_API_DEVNET_IMPL_H */
