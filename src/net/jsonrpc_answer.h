#ifndef SLK_NET_JSONRPC_ANSWER_H
#define SLK_NET_JSONRPC_ANSWER_H

/* What the two JSON-RPC clients share. */

#include "net/jsonrpc_client.h"

/* Fill in an answer from its JSON; takes root. SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_rpc_answer_read(slk_rpc_answer_t *answer, json_t *root,
                                               const char *method, slk_diag_t *diag);

/* Append a request; params NULL: []. */
bool slk_rpc_write_request(slk_text_t *out, uint64_t id, const char *method, const char *params);

#endif /* SLK_NET_JSONRPC_ANSWER_H */
