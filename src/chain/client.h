#ifndef SLK_CHAIN_CLIENT_H
#define SLK_CHAIN_CLIENT_H

/* One object that keeps up with the chain: a thread that follows the head of the best node (over a
 * websocket, by polling where there is none), stores it and tells listeners; and one that moves
 * messages on, so that a slow estimate does not hold up the head.
 *
 *     slk_chain_start(&chain, &opts, diag);
 *     ... slk_message_add(my_db, ...); slk_chain_wake(chain); ...
 *     slk_chain_stop(chain);
 *
 * Each thread has a connection of its own to the database. Everything a listener is told it is told in
 * the first thread, in the transaction that stores the step (chain/head_store.h); `final` is called in
 * the second, in the transaction that ends the message. */

#include "chain/head_store.h"
#include "chain/sender_node.h"

typedef struct slk_chain slk_chain_t;

typedef struct {
    const char *api_info; /* as FULLNODE_API_INFO */
    const char *database; /* as slk_db_open */
    slk_signer_t signer;  /* ops NULL: the node's wallet; slk_chain_stop stops it */
    const slk_head_listener_t *listeners;
    size_t listener_cnt; /* at most 16; copied */
    slk_err_t (*final)(void *ctx, slk_db_t *db, const slk_message_row_t *row, slk_diag_t *diag);
    void *final_ctx;  /* see slk_sender_opts_t; may be NULL */
    uint32_t poll_ms; /* between polls and passes over the messages; 0: 2000 */
    bool no_websocket;
    /* Told what goes on: trouble, recovered, another node. From the thread; may be NULL. */
    void (*log)(void *ctx, slk_err_t err, const char *text);
    void *log_ctx;
} slk_chain_opts_t;

/* Open the database, bring its tables up, start the thread. Nodes need not be there yet. */
SLK_CHECK_RESULT slk_err_t slk_chain_start(slk_chain_t **chain, const slk_chain_opts_t *opts,
                                           slk_diag_t *diag);
/* End the thread, whatever it waits for. NULL is a no-op. */
void slk_chain_stop(slk_chain_t *chain);

/* Look at the messages now. Any thread. */
void slk_chain_wake(slk_chain_t *chain);

typedef struct {
    bool following; /* our head was the node's head at the last look */
    bool lost;      /* see chain/head_follow.h: a person has to act */
    bool websocket;
    slk_head_t head;            /* ours; height -1: none yet */
    uint64_t applied, reverted; /* since the start */
    char node[SLK_NODE_NAME_MAX];
    char trouble[512];         /* in following; empty: none */
    char message_trouble[512]; /* in moving messages as a whole (the rows tell their own) */
} slk_chain_status_t;
void slk_chain_status(slk_chain_t *chain, slk_chain_status_t *status);

/* The nodes, for calls of one's own. Borrowed, until slk_chain_stop. */
slk_nodes_t *slk_chain_nodes(slk_chain_t *chain);

#endif /* SLK_CHAIN_CLIENT_H */
