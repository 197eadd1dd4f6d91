#ifndef SLK_CHAIN_MESSAGE_H
#define SLK_CHAIN_MESSAGE_H

/* Messages on their way to the chain: rows of the table `message`, and the state machine of one.
 *
 *   Queued ---- SIGN ----> Signed <--- PUSH, REPRICE ---> Pending -- SEARCH --> Landed -- CONFIRM --+
 *      |                                                    ^  ^                   |                |
 *      '- BIND -> Handing ------------- HAND ---------------'  '-- revert, gone ---'     Done, Failed
 *      |             |                                       \
 *      '-- Refused --'                                        '-- another message took the nonce: Replaced
 *
 * How it is sent is a property of its sender:
 *   own nonce   we choose the nonce and have it signed (local key or the node's wallet by
 *               WalletSignMessage), any node pushes it. The signed bytes are stored before the first
 *               push and only these bytes, or ones of the same nonce with a higher fee, are ever pushed.
 *   node nonce  the node chooses it (MpoolPushMessage). The message is bound to one node before the
 *               first call and repeated there alone, with one MsgUuid, so that the node recognises it.
 *               For addresses that other programs use as well.
 *
 * The step function is pure: slk_message_next says what to do, somebody does it, slk_message_took
 * puts the result into the row, which is then stored. Whatever crashes in between, the stored row
 * gives the same effect again, and each effect may be repeated:
 *   SIGN, BIND, REPRICE  leave nothing outside; what they made is lost
 *   PUSH                 the same bytes: the pool knows them already
 *   HAND                 the same MsgUuid at the same node
 *   SEARCH, CONFIRM      only look
 *
 * Replaced: the sender's nonce on chain is past the message's, and for `confidence` epochs the chain
 * was searched at each new head without finding any version of it.
 *
 * Confidence: a message is Done or Failed (exit code not 0) when the tipset that carries its receipt
 * has `confidence` epochs on top. Until then a revert brings it back to Pending. */

#include "chain/gas.h"
#include "chain/head.h"
#include "codec/address.h"
#include "codec/cid.h"

/* Name in the database and for people, is it the end, what it means. Append only. */
#define SLK_MESSAGE_STATES(X)                                                                      \
    X(QUEUED, "Queued", false, "stored; nothing has left")                                         \
    X(SIGNED, "Signed", false, "has its nonce and is signed; no pool has acknowledged it")         \
    X(HANDING, "Handing", false, "being handed to one node, which chooses the nonce")              \
    X(PENDING, "Pending", false, "in a node's message pool")                                       \
    X(LANDED, "Landed", false, "on chain, waiting for confidence")                                 \
    X(DONE, "Done", true, "executed with exit code 0")                                             \
    X(FAILED, "Failed", true, "executed with another exit code")                                   \
    X(REPLACED, "Replaced", true, "another message took its nonce; it was not executed")           \
    X(REFUSED, "Refused", true, "it would fail, or is too expensive; nothing was sent")

typedef enum {
#define SLK_X(name, text, final, what) SLK_MESSAGE_##name,
    SLK_MESSAGE_STATES(SLK_X)
#undef SLK_X
        SLK_MESSAGE_STATE_CNT
} slk_message_state_t;

const char *slk_message_state_text(slk_message_state_t state);
const char *slk_message_state_what(slk_message_state_t state);
bool slk_message_state_final(slk_message_state_t state);
/* False: no such name. */
bool slk_message_state_from_text(slk_message_state_t *state, const char *text);

typedef enum { SLK_OWN_NONCE, SLK_NODE_NONCE } slk_nonce_mode_t;

#define SLK_MESSAGE_KEY_MAX      120
#define SLK_MESSAGE_PARAMS_MAX   65536 /* a pool takes no larger message */
#define SLK_MESSAGE_ATTEMPTS_MAX 20

/* What somebody wants sent; borrowed. */
typedef struct {
    const char *key; /* his name for it: the same key is the same message, for ever */
    slk_address_t from, to;
    slk_bigint_t value; /* attoFIL */
    uint64_t method;
    const void *params;
    size_t params_len;
    slk_nonce_mode_t mode;
    slk_bigint_t max_fee; /* 0: slk_gas_default_max_fee */
    int64_t confidence;   /* epochs on top of the receipt; 1 to 900 */
    int64_t stuck_epochs; /* raise the fee when it did not land for so long; 0: never */
} slk_message_want_t;

/* A row. */
typedef struct {
    int64_t id;
    char key[SLK_MESSAGE_KEY_MAX + 1];
    char uuid[37];          /* random, for MsgUuid: keys are only unique in one database */
    slk_address_t from, to; /* from: as wanted, possibly an id */
    slk_bigint_t value;
    uint64_t method;
    uint8_t *params; /* owned */
    size_t params_len;
    slk_nonce_mode_t mode;
    slk_bigint_t max_fee;
    int64_t confidence, stuck_epochs;

    slk_message_state_t state;
    char node[256];       /* HANDING and later of node nonce: the one it is bound to */
    slk_address_t signer; /* the key address that from stands for; undefined before a nonce */
    bool has_nonce;
    uint64_t nonce;
    slk_gas_t gas;     /* of the newest attempt */
    slk_cid_t cid;     /* of the newest attempt */
    int64_t attempts;  /* how many signed versions were stored */
    bool acknowledged; /* one of them was in a pool */
    bool uncertain;    /* HAND: a call had no answer */
    bool at_limit;     /* the fee cannot be raised within max_fee */
    bool bump;         /* raise the fee now */
    int64_t pushed;    /* head when it was pushed last */
    int64_t looked;    /* head at the last search that found nothing */
    int64_t other;     /* head since which another message has its nonce; 0: none has */

    slk_cid_t landed_cid;
    slk_tipset_key_t landed_tipset; /* the tipset that carries the receipt, and its height */
    int64_t landed_height;
    int64_t exit_code, gas_used;
    uint8_t *result; /* return value, owned */
    size_t result_len;

    int64_t tries;      /* failed ones in a row */
    int64_t retry_ms;   /* not before this time (ms since 1970) */
    char error[512];    /* the last trouble, in a sentence; empty: none */
    int64_t error_code; /* the node's code of it, 0: none */
} slk_message_row_t;

void slk_message_row_free(slk_message_row_t *row);

/* --- The machine --------------------------------------------------------------------------- */

typedef enum {
    SLK_DO_NOTHING,
    SLK_DO_SIGN,    /* estimate, choose the nonce, sign */
    SLK_DO_BIND,    /* choose the node */
    SLK_DO_HAND,    /* MpoolPushMessage at that node */
    SLK_DO_PUSH,    /* MpoolPush of the newest attempt */
    SLK_DO_REPRICE, /* sign once more, same nonce, higher fee */
    SLK_DO_SEARCH,  /* StateSearchMsg */
    SLK_DO_CONFIRM  /* the same at the end */
} slk_message_effect_t;

/* What the world looks like. */
typedef struct {
    int64_t height;       /* of our head */
    bool know_nonce;      /* the sender's nonce at our head is known */
    uint64_t chain_nonce; /* messages below it were executed */
    int64_t now_ms;       /* since 1970 */
} slk_message_view_t;

typedef enum {
    SLK_OUT_OK,
    SLK_OUT_RETRY,     /* nothing happened, or nothing that repeating could harm */
    SLK_OUT_NO_ANSWER, /* it may have happened */
    SLK_OUT_REFUSED,   /* answered with a no */
    SLK_OUT_KNOWN,     /* PUSH: the pool has it */
    SLK_OUT_TOO_LOW,   /* PUSH: the nonce was used on chain */
    SLK_OUT_TAKEN, /* PUSH: the pool has another message of this nonce, and ours pays too little */
    SLK_OUT_LIMIT, /* REPRICE: more than max_fee */
    SLK_OUT_FOUND, /* SEARCH, CONFIRM */
    SLK_OUT_NOT_FOUND, /* the whole way back to where the nonce was free */
    SLK_OUT_OTHER      /* another call has this nonce on chain */
} slk_message_outcome_t;

typedef struct {
    slk_message_outcome_t outcome;
    char node[256];       /* BIND */
    slk_address_t signer; /* SIGN, HAND */
    uint64_t nonce;       /* SIGN, HAND */
    slk_gas_t gas;        /* SIGN, HAND, REPRICE */
    slk_cid_t cid;        /* SIGN, HAND, REPRICE; FOUND: of what landed */
    uint8_t *bytes; /* SignedMessage in CBOR: SIGN, HAND, REPRICE. FOUND: return value. Owned */
    size_t bytes_len;
    slk_tipset_key_t tipset; /* FOUND */
    int64_t height, exit_code, gas_used;
    int64_t code;    /* of an error answer */
    slk_diag_t diag; /* sentence of anything that went wrong */
} slk_message_result_t;

void slk_message_result_free(slk_message_result_t *result);

/* What to do for this row now. */
slk_message_effect_t slk_message_next(const slk_message_row_t *row, const slk_message_view_t *view);

/* Put the result of that effect into the row. True when it is a new attempt, whose bytes must be
 * stored with the row. Takes the return value out of a FOUND. */
bool slk_message_took(slk_message_row_t *row, slk_message_effect_t effect,
                      slk_message_result_t *result, const slk_message_view_t *view);

/* A tipset of this height was reverted. True when that changed the row. */
bool slk_message_reverted(slk_message_row_t *row, int64_t height);

#endif /* SLK_CHAIN_MESSAGE_H */
