#ifndef SLK_CHAIN_SENDER_H
#define SLK_CHAIN_SENDER_H

/* Moves the rows of the table `message` on: asks chain/message.h what each needs, does it through
 * functions that its owner gives (a node, or a simulation in tests), and stores the result in one
 * transaction. Between a row and the world there is nothing but the database: a sender that is killed
 * at any point and started again goes on from the rows.
 *
 * One sender a database. Thread: that of the connection. */

#include "chain/message_store.h"

/* What the outside does. Each function fills result->outcome and, unless that is OK or FOUND, a
 * sentence in result->diag; it returns something other than SLK_OK only to end the turn at once
 * (stopped). Outcomes as in chain/message.h. */
typedef struct {
    /* BIND: a node with a wallet: OK (node), RETRY. */
    slk_err_t (*bind)(void *ctx, slk_message_result_t *result);
    /* The key address that row->from stands for: OK (signer), RETRY, REFUSED. */
    slk_err_t (*resolve)(void *ctx, const slk_message_row_t *row, slk_message_result_t *result);
    /* Gas limit, fee cap and premium of row, sent by result->signer: OK (gas), RETRY, REFUSED (it would
     * fail). row->gas.gas_limit set: that limit is kept and nothing is executed. */
    slk_err_t (*estimate)(void *ctx, const slk_message_row_t *row, slk_message_result_t *result);
    /* The nonce that the node would choose next for result->signer: OK (nonce), RETRY. */
    slk_err_t (*next_nonce)(void *ctx, slk_message_result_t *result);
    /* Sign row with result's signer, nonce and gas: OK (bytes, cid), RETRY, REFUSED. */
    slk_err_t (*sign)(void *ctx, const slk_message_row_t *row, slk_message_result_t *result);
    /* MpoolPushMessage at row->node with MsgUuid row->uuid: OK (signer, nonce, gas, bytes,
     * cid), RETRY (it did not leave), NO_ANSWER, REFUSED. */
    slk_err_t (*hand)(void *ctx, const slk_message_row_t *row, slk_message_result_t *result);
    /* MpoolPush: OK, KNOWN, TOO_LOW, TAKEN, REFUSED, NO_ANSWER, RETRY. */
    slk_err_t (*push)(void *ctx, const void *bytes, size_t len, slk_message_result_t *result);
    /* Look back from `head` for the messages: FOUND, NOT_FOUND, OTHER, RETRY. */
    slk_err_t (*search)(void *ctx, const slk_head_t *head, const slk_cid_t *cids, size_t cnt,
                        slk_message_result_t *result);
    /* The nonce of `signer` in the state of `head`: OK (nonce), RETRY. */
    slk_err_t (*chain_nonce)(void *ctx, const slk_head_t *head, const slk_address_t *signer,
                             slk_message_result_t *result);
} slk_sender_ops_t;

/* Nonces on chain at one head, so that each is asked for once a head and not once a turn. {0} is empty;
 * the sender fills it. */
#define SLK_SENDER_SIGNERS 16
typedef struct {
    slk_tipset_key_t head;
    struct {
        slk_address_t signer;
        uint64_t nonce;
        bool known;
    } signers[SLK_SENDER_SIGNERS];
    size_t cnt;
} slk_sender_memory_t;

typedef struct {
    const slk_sender_ops_t *ops;
    void *ctx;
    slk_sender_memory_t *memory; /* kept between turns; NULL: none */
    unsigned in_flight_max;      /* signed and not yet landed messages of one sender; 0: 50 */
    /* Is this head still on the chain that is followed? Called in the transaction in which what was
     * seen from it is stored; without, the answer is yes. For senders with a thread of their own. */
    slk_err_t (*still)(void *ctx, slk_db_t *db, const slk_head_t *head, bool *still,
                       slk_diag_t *diag);
    void *still_ctx;
    /* Called in the transaction in which a row becomes final; other than SLK_OK rolls it back and ends
     * the turn. May be NULL. */
    slk_err_t (*final)(void *ctx, slk_db_t *db, const slk_message_row_t *row, slk_diag_t *diag);
    void *final_ctx;
} slk_sender_opts_t;

/* One pass over all unfinished messages, on top of `head`. *busy: something changed, another pass may
 * find more to do. SLK_OK although single messages have trouble (their rows say which); errors are
 * those of the database and of functions that ended the turn. */
SLK_CHECK_RESULT slk_err_t slk_sender_turn(const slk_sender_opts_t *opts, slk_db_t *db,
                                           const slk_head_t *head, int64_t now_ms, bool *busy,
                                           slk_diag_t *diag);

#endif /* SLK_CHAIN_SENDER_H */
