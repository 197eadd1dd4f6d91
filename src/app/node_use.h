#ifndef SLK_APP_NODE_USE_H
#define SLK_APP_NODE_USE_H

/* What commands that ask a node share. */

#include "app/app.h"
#include "app/node_calls.h"

/* The node of --api-info or FULLNODE_API_INFO, and a job that signals cancel. */
SLK_CHECK_RESULT slk_err_t slk_node_use(slk_node_use_t *use, slk_app_t *app,
                                        const slk_args_t *args);

/* SLK_ERR_INPUT is wrong usage. */
slk_err_t slk_node_usage(slk_app_t *app, slk_err_t err);

/* The signer by RPC that --signer names, or with `env` WALLET_API_INFO; NULL: none. */
const char *slk_signer_use(const slk_args_t *args, bool env);

#endif /* SLK_APP_NODE_USE_H */
