#ifndef SLK_APP_SEND_MESSAGE_H
#define SLK_APP_SEND_MESSAGE_H

/* One message for a command: into a database, from there by chain/client.h to a node and onto the chain.
 * The node's wallet signs and chooses the nonce; or a keystore here signs, or a signer by RPC.
 *
 * With a database of one's own (store) nothing is sent twice: a command that was killed and is given
 * again finds its message by what it says and goes on with it. Without one the database is a temporary
 * one. Apart from the commands for the reason of node_calls.h. */

#include "app/node_calls_impl.h"
#include "app/wallet_calls.h"
#include "chain/message.h"

typedef struct {
    slk_wallet_use_t wallet; /* .use: the node */
    const char *store;       /* NULL: none; other signers need one */
    const char *max_fee;     /* as people write amounts; NULL: the node's default */
    uint64_t confidence;     /* 1 to 900 */
    double timeout;          /* seconds; 0: none */
    bool no_wait;            /* until a pool has it */
} slk_send_use_t;

typedef struct {
    const char *name;   /* of the method */
    slk_address_t from; /* a key address */
    slk_address_t to;
    slk_bigint_t value;
    uint64_t method;
    slk_bytes_t params;
} slk_send_call_t;

/* Is what the options say in range? SLK_ERR_INPUT. */
SLK_CHECK_RESULT slk_err_t slk_send_check(const slk_send_use_t *use, slk_diag_t *diag);

/* Send and wait. *row: what became of it, final but for no_wait; slk_message_row_free in any case.
 * SLK_ERR_STATE: refused before it was sent, diag has the actor's or the node's text; or another took its
 * place. SLK_ERR_NOTFOUND: no key to sign with. SLK_ERR_TIMEOUT, SLK_ERR_CANCELLED: diag says where it
 * is. */
SLK_CHECK_RESULT slk_err_t slk_send_message(const slk_send_use_t *use, const slk_send_call_t *call,
                                            slk_message_row_t *row, slk_diag_t *diag);

/* What would be sent, and what was. */
json_t *slk_send_json(const slk_send_call_t *call, slk_network_t network);
void slk_send_add_row(json_t *json, const slk_message_row_t *row);

/* Add to json what the message would cost. SLK_ERR_STATE with the actor's text: it would fail. */
SLK_CHECK_RESULT slk_err_t slk_send_estimate(slk_node_talk_t *talk, const slk_send_call_t *call,
                                             json_t *json, slk_diag_t *diag);

#endif /* SLK_APP_SEND_MESSAGE_H */
