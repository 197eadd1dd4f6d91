#ifndef SLK_APP_NODE_CALLS_H
#define SLK_APP_NODE_CALLS_H

/* What the commands `chain` and `message` ask of a node, with their results as JSON. Apart from the
 * commands, which read the command line and print: here nothing knows of options, there nothing of
 * clients and records of the chain. */

#include "selkie/err.h"
#include "selkie/job.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *api_info; /* as FULLNODE_API_INFO */
    const slk_job_t *job; /* cancels */
} slk_node_use_t;

/* *result is a new object or array; fields: see the tables of cmd_chain.c and cmd_message.c. */
SLK_CHECK_RESULT slk_err_t slk_node_chain_head(const slk_node_use_t *use, json_t **result,
                                               slk_diag_t *diag);
/* *synced: the node's head is not older than a few epochs. */
SLK_CHECK_RESULT slk_err_t slk_node_chain_sync(const slk_node_use_t *use, bool *synced,
                                               json_t **result, slk_diag_t *diag);
/* what: an epoch, or the CID of a block or message. SLK_ERR_INPUT: neither. */
SLK_CHECK_RESULT slk_err_t slk_node_chain_get(const slk_node_use_t *use, const char *what,
                                              json_t **result, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_node_chain_actor(const slk_node_use_t *use, const char *address,
                                                json_t **result, slk_diag_t *diag);

/* from: an address or NULL. */
SLK_CHECK_RESULT slk_err_t slk_node_message_pending(const slk_node_use_t *use, const char *from,
                                                    json_t **result, slk_diag_t *diag);
/* *found: it is on chain. */
SLK_CHECK_RESULT slk_err_t slk_node_message_search(const slk_node_use_t *use, const char *cid,
                                                   bool *found, json_t **result, slk_diag_t *diag);
/* Wait until it has so many epochs on top. seconds 0: for ever; SLK_ERR_TIMEOUT. */
SLK_CHECK_RESULT slk_err_t slk_node_message_wait(const slk_node_use_t *use, const char *cid,
                                                 uint64_t confidence, double seconds,
                                                 json_t **result, slk_diag_t *diag);
/* Replace a message of the node's pool by one of a higher fee, signed by the node's wallet. max_fee: an
 * amount as people write it. SLK_ERR_NOTFOUND: not in the pool. */
SLK_CHECK_RESULT slk_err_t slk_node_message_replace(const slk_node_use_t *use, const char *cid,
                                                    const char *max_fee, json_t **result,
                                                    slk_diag_t *diag);

/* Unfinished messages of selkie's own database; and ask its sender for a higher fee. */
SLK_CHECK_RESULT slk_err_t slk_store_message_pending(const char *store, json_t **result,
                                                     slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_store_message_replace(const char *store, const char *what,
                                                     const char *max_fee, json_t **result,
                                                     slk_diag_t *diag);

#endif /* SLK_APP_NODE_CALLS_H */
