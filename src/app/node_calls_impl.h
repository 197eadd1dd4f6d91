#ifndef SLK_APP_NODE_CALLS_IMPL_H
#define SLK_APP_NODE_CALLS_IMPL_H

/* Shared by node_calls.c and message_calls.c. */

#include "app/node_calls.h"
#include "chain/api.h"

/* A connection for one command. */
typedef struct {
    slk_nodes_t *nodes;
    slk_api_t api;
    slk_api_last_t last;
    slk_arena_t arena;
    char network[128];
} slk_node_talk_t;

/* In place; close it in any case. */
SLK_CHECK_RESULT slk_err_t slk_node_talk_open(slk_node_talk_t *talk, const slk_node_use_t *use,
                                              slk_diag_t *diag);
void slk_node_talk_close(slk_node_talk_t *talk);

/* Arguments. SLK_ERR_INPUT with what was expected. */
SLK_CHECK_RESULT slk_err_t slk_read_cid(slk_cid_t *cid, const char *text, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_read_address(slk_address_t *address, const char *text,
                                            slk_diag_t *diag);

/* Set a field, taking value; without memory the field is missing. */
void slk_json_set(json_t *object, const char *name, json_t *value);

#endif /* SLK_APP_NODE_CALLS_IMPL_H */
