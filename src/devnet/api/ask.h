#ifndef SLK_DEVNET_API_ASK_H
#define SLK_DEVNET_API_ASK_H

/* One call of a method of the API: its parameters, read before the method runs, and how it answers.
 *
 *     static slk_err_t chain_get_block(slk_ask_t *ask)
 *     {
 *         slk_block_header_t header;
 *         slk_err_t err = slk_chain_block(&header, ask->chain, &ask->args[0].cid, &ask->arena, &ask->diag);
 *         return err == SLK_OK ? slk_ask_record(ask, &slk_block_header_type, &header) : err;
 *     }
 *     {"Filecoin.ChainGetBlock", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_block},
 *
 * An error is answered with code 1, or ask->code, and ask->diag as its text, which is therefore the node's. */

#include "chain/api_types.h"
#include "devnet/api/devnet_impl.h"

/* --- Parameters ------------------------------------------------------------------------------------------ */

/* Letters of a method's parameters:
 *     a address       c CID          b bool         d double       s text     x bytes (base64)
 *     i signed        u unsigned     j any JSON     f bit field or null
 *     T tipset, its key read and looked up; null and [] are the head
 *     K L the same, but without a key it is an error, of other words with L
 *     m message       M signed message              S spec of sending, or null
 *     p pre-commit    t block template              B block     g signature   n list of numbers
 * Records (m M S p t B) are in `record`, NULL for null. */
#define SLK_ASK_ARGS_MAX 4

typedef struct {
    json_t *json; /* as it was sent; borrowed */
    slk_address_t address;
    slk_cid_t cid;
    slk_tip_t *tip; /* given back after the call */
    int64_t i;
    uint64_t u;
    bool flag;
    double real;
    slk_bytes_t bytes; /* of text too, zero-terminated there */
    slk_bitfield_t bits;
    slk_signature_t signature;
    slk_u64_list_t numbers;
    void *record;
} slk_arg_t;

typedef struct {
    slk_devnet_t *net;
    slk_chain_t *chain; /* net's */
    slk_rpc_call_t *rpc;
    unsigned version; /* of the API: 0, 1, 2 */
    slk_arena_t arena;
    slk_diag_t diag;
    slk_arg_t args[SLK_ASK_ARGS_MAX];
    int64_t code;   /* of an error; 1 at first */
    json_t *result; /* owned; NULL: null */
    bool answered;  /* the method did it by itself */
} slk_ask_t;

/* --- Methods ------------------------------------------------------------------------------------------------ */

#define SLK_V0   1u
#define SLK_V1   2u
#define SLK_V2   4u
#define SLK_V01  (SLK_V0 | SLK_V1)
#define SLK_VALL (SLK_V0 | SLK_V1 | SLK_V2)

typedef slk_err_t slk_ask_fn_t(slk_ask_t *ask);

typedef struct {
    const char *name; /* whole; NULL ends a table */
    slk_perms_t need;
    uint8_t apis;   /* of SLK_V0 ... */
    uint32_t flags; /* SLK_RPC_CHANNEL, SLK_RPC_WAITS */
    const char *params;
    slk_ask_fn_t *fn;
} slk_ask_method_t;

/* The groups, a file each. */
extern const slk_ask_method_t slk_ask_chain[], slk_ask_state[], slk_ask_miner[], slk_ask_sectors[],
    slk_ask_pledge[], slk_ask_market[], slk_ask_messages[], slk_ask_call[], slk_ask_gas[],
    slk_ask_mpool[], slk_ask_wallet[], slk_ask_mining[], slk_ask_node[], slk_ask_events[],
    slk_ask_notify[], slk_ask_control[];
extern const slk_ask_method_t *const slk_ask_groups[];
extern const size_t slk_ask_group_cnt;

/* The method of a name in one version of the API; NULL. */
const slk_ask_method_t *slk_ask_find(const char *name, unsigned version);

/* Serves all methods: a slk_rpc_fn_t whose ctx is a slk_devnet_api_t. */
void slk_ask_serve(slk_rpc_call_t *call, void *ctx);

/* --- Answers: one of these, or none for null -------------------------------------------------------------- */

slk_err_t slk_ask_record(slk_ask_t *ask, const slk_type_t *type, const void *record);
slk_err_t slk_ask_json(slk_ask_t *ask, json_t *json); /* takes it; NULL: out of memory */
slk_err_t slk_ask_amount(slk_ask_t *ask, slk_bigint_t amount);
slk_err_t slk_ask_address(slk_ask_t *ask, const slk_address_t *address);
slk_err_t slk_ask_cid(slk_ask_t *ask, const slk_cid_t *cid);
slk_err_t slk_ask_text(slk_ask_t *ask, const char *text);
slk_err_t slk_ask_bytes(slk_ask_t *ask, const void *bytes, size_t len);
/* JSON as text, which is empty afterwards. */
slk_err_t slk_ask_take_text(slk_ask_t *ask, slk_text_t *text);

/* An error with a code of Lotus': `return slk_ask_fail(ask, 11, "actor not found")`. */
slk_err_t slk_ask_fail(slk_ask_t *ask, int64_t code, const char *fmt, ...) SLK_PRINTF(3, 4);
/* Put a text in front of ask->diag; err itself. */
slk_err_t slk_ask_wrap(slk_ask_t *ask, slk_err_t err, const char *fmt, ...) SLK_PRINTF(3, 4);

/* Add a record to an object or an array; false: out of memory. */
SLK_CHECK_RESULT slk_err_t slk_ask_put(slk_ask_t *ask, json_t *object, const char *name,
                                       const slk_type_t *type, const void *record);
/* The letter of this network's addresses. */
slk_network_t slk_ask_network(const slk_ask_t *ask);
const char *slk_ask_address_text(slk_ask_t *ask, const slk_address_t *address); /* in the arena */

#endif /* SLK_DEVNET_API_ASK_H */
