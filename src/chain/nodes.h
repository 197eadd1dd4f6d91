#ifndef SLK_CHAIN_NODES_H
#define SLK_CHAIN_NODES_H

/* Calls to one of several nodes of the Lotus API, with fail-over.
 *
 * A node is checked before its first call is made: its API version, and that its genesis is that of
 * the others (and of slk_nodes_expect). What is safe to repeat is repeated with growing pauses, at
 * another node where there is one (chain/node_health.h); what is not is only repeated when not a byte
 * of it had left. An error that a node answers is an answer, with Lotus' code and text, and no reason to
 * ask another.
 *
 * Threads: any number. Tokens appear in no message. */

#include "chain/head.h"
#include "net/jsonrpc_client.h"

#define SLK_NODES_MAX     16
#define SLK_NODE_NAME_MAX 256

typedef struct slk_nodes slk_nodes_t;

/* api_info: as in FULLNODE_API_INFO (net/api_info.h). */
SLK_CHECK_RESULT slk_err_t slk_nodes_new(slk_nodes_t **nodes, const char *api_info,
                                         slk_diag_t *diag);
/* No call may be running. NULL is a no-op. */
void slk_nodes_free(slk_nodes_t *nodes);
/* End running and later calls with SLK_ERR_CANCELLED. Any thread. */
void slk_nodes_stop(slk_nodes_t *nodes);

/* Use nodes of this genesis only. Before the first call. */
void slk_nodes_expect(slk_nodes_t *nodes, const slk_tipset_key_t *genesis);

/* No call of a class with a limit takes longer than this; 0: the class's own. Before the first call. */
void slk_nodes_limit(slk_nodes_t *nodes, uint32_t ms);

/* What kind of call it is: how long it may take, and whether twice is as good as once. */
#define SLK_CALL_CLASSES(X)                                                                        \
    X(READ, 30000, true)   /* looks something up */                                                \
    X(SLOW, 180000, true)  /* executes messages, walks the chain */                                \
    X(WAIT, 0, true)       /* waits for something to happen; no limit */                           \
    X(PUSH, 60000, false)  /* changes something; its caller knows when to repeat it */             \
    X(HAND, 300000, false) /* the same, and executes messages */
typedef enum {
#define SLK_X(name, ms, repeat) SLK_CALL_##name,
    SLK_CALL_CLASSES(SLK_X)
#undef SLK_X
} slk_call_class_t;

typedef struct {
    const char *method; /* whole: "Filecoin.ChainHead" */
    slk_call_class_t kind;
    const char *params;   /* JSON array; NULL: [] */
    const char *node;     /* only this one, by its name; NULL: any */
    const slk_job_t *job; /* cancels; may be NULL */
} slk_node_call_t;

typedef struct {
    slk_rpc_answer_t rpc;         /* outcome is valid after errors too */
    char node[SLK_NODE_NAME_MAX]; /* who answered or failed last; empty: nobody was asked */
} slk_node_answer_t;

/* SLK_OK: a node answered, possibly with an error (answer->rpc.failed). SLK_ERR_IO, SLK_ERR_TIMEOUT: no
 * node did. SLK_ERR_PERM: token not accepted. SLK_ERR_MISMATCH: all nodes are of another network or
 * version. SLK_ERR_NOTFOUND: no node of that name. SLK_ERR_CANCELLED. Free the answer in any case. */
SLK_CHECK_RESULT slk_err_t slk_nodes_call(slk_nodes_t *nodes, const slk_node_call_t *call,
                                          slk_node_answer_t *answer, slk_diag_t *diag);
void slk_node_answer_free(slk_node_answer_t *answer);

/* An error answer as an error: SLK_ERR_PERM with what to do where a right is missing, else
 * SLK_ERR_STATE with the node's text, code and name. SLK_OK when it is none. */
SLK_CHECK_RESULT slk_err_t slk_node_answer_check(const slk_node_answer_t *answer,
                                                 const char *method, slk_diag_t *diag);

/* Ask every node that may be asked for its head, so that a choice can be made. */
void slk_nodes_survey(slk_nodes_t *nodes, const slk_job_t *job);
/* The head of the node in use was seen at this height. */
void slk_nodes_saw(slk_nodes_t *nodes, const char *node, int64_t height);

/* The node that the next call goes to: name, address for a websocket, token. SLK_ERR_IO: none now. */
typedef struct {
    char name[SLK_NODE_NAME_MAX];
    char ws_url[768];
    char token[1024];
} slk_node_place_t;
SLK_CHECK_RESULT slk_err_t slk_nodes_place(slk_nodes_t *nodes, const slk_job_t *job,
                                           slk_node_place_t *place, slk_diag_t *diag);

#endif /* SLK_CHAIN_NODES_H */
