/* GasEstimate...: what a message will need and what it should offer. */

#include "devnet/api/estimate.h"

#include "base/assert.h"
#include "codec/actors/exit_code.h"
#include "devnet/vm/gas.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_GAS_TARGET   INT64_C(5000000000)
#define LEAST_PREMIUM      UINT64_C(100000)
#define DEFAULT_MAX_FEE    UINT64_C(70000000000000000) /* 0.07 FIL */
#define BLOCKS_INCLUDE     10                          /* a message's premium is to do for */
#define BLOCKS_QUEUE       20                          /* its fee cap */
#define BLOCKS_MOST        1000
#define FEE_CAP_GROWTH_256 UINT64_C(2699) /* floor((1 + 1/8)^20 * 256) */
#define PENDING_MOST       1000u

/* --- Exit codes --------------------------------------------------------------------------------------------------- */

slk_exit_label_t slk_exit_label(int64_t exit)
{
    static const struct {
        int exit;
        const char *name;
    } names[] = {
        {SLK_EXIT_OK, "Ok"},
        {SLK_EXIT_SYS_SENDER_INVALID, "SysErrSenderInvalid"},
        {SLK_EXIT_SYS_SENDER_STATE_INVALID, "SysErrSenderStateInvalid"},
        {SLK_EXIT_SYS_ILLEGAL_INSTRUCTION, "SysErrIllegalInstruction"},
        {SLK_EXIT_SYS_INVALID_RECEIVER, "SysErrInvalidReceiver"},
        {SLK_EXIT_SYS_INSUFFICIENT_FUNDS, "SysErrInsufficientFunds"},
        {SLK_EXIT_SYS_OUT_OF_GAS, "SysErrOutOfGas"},
        {SLK_EXIT_USR_ILLEGAL_ARGUMENT, "ErrIllegalArgument"},
        {SLK_EXIT_USR_NOT_FOUND, "ErrNotFound"},
        {SLK_EXIT_USR_FORBIDDEN, "ErrForbidden"},
        {SLK_EXIT_USR_INSUFFICIENT_FUNDS, "ErrInsufficientFunds"},
        {SLK_EXIT_USR_ILLEGAL_STATE, "ErrIllegalState"},
        {SLK_EXIT_USR_SERIALIZATION, "ErrSerialization"},
        {SLK_EXIT_USR_UNHANDLED_MESSAGE, "ErrUnhandledMessage"},
        {SLK_EXIT_USR_UNSPECIFIED, "ErrUnspecified"},
        {SLK_EXIT_USR_ASSERTION_FAILED, "ErrAssertionFailed"},
        {SLK_EXIT_USR_READ_ONLY, "ErrReadOnly"},
        {SLK_EXIT_USR_NOT_PAYABLE, "ErrNotPayable"},
    };
    slk_exit_label_t label;
    snprintf(label.s, sizeof label.s, "%" PRId64, exit);
    for (size_t i = 0; i < SLK_COUNT(names); i++)
        if (names[i].exit == exit)
            snprintf(label.s, sizeof label.s, "%s(%" PRId64 ")", names[i].name, exit);
    return label;
}

/* --- Limit ---------------------------------------------------------------------------------------------------------- */

/* Messages of the sender that will be executed before. */
static slk_err_t get_prior(slk_ask_t *ask, const slk_address_t *from, slk_message_t **prior,
                           size_t *cnt)
{
    slk_address_t key;
    bool found = false;
    slk_pending_list_t pending;
    slk_tip_t *head = slk_chain_head(ask->chain);
    *cnt = 0;
    slk_err_t err = slk_chain_account_key(&key, &found, ask->chain, &head->state, from, &ask->diag);
    slk_tip_unref(head);
    if (err != SLK_OK || !found)
        return err;
    err = slk_mpool_pending(&pending, ask->net->pool, &key, &ask->arena, &ask->diag);
    if (err != SLK_OK)
        return err;
    *prior = slk_arena_array(&ask->arena, pending.count + 1, sizeof **prior);
    if (!*prior)
        return slk_ask_json(ask, NULL);
    for (size_t i = 0; i < pending.count && i < PENDING_MOST; i++)
        (*prior)[(*cnt)++] = pending.items[i].message.message;
    return SLK_OK;
}

static slk_err_t tell_exit(slk_ask_t *ask, const slk_called_t *called)
{
    const slk_exit_t exit = called->applied.exit;
    if (exit == SLK_EXIT_SYS_OUT_OF_GAS)
        return slk_ask_fail(ask, 2, "message execution failed: out of gas");
    return slk_ask_fail(ask, 3, "message execution failed (exit=[%s], vm error=[%s])",
                        slk_exit_label(exit).s, called->applied.text);
}

static slk_err_t estimate_limit(slk_ask_t *ask, const slk_tip_t *tip, const slk_message_t *message,
                                int64_t *used)
{
    slk_err_t err;
    size_t cnt = 0;
    slk_message_t *prior = NULL, m = *message;
    slk_called_t *called = NULL;
    m.gas_limit = SLK_GAS_LIMIT_MAX;
    m.gas_fee_cap = m.gas_premium = slk_bigint_u64(0);
    SLK_TRY(get_prior(ask, &m.from, &prior, &cnt));
    err = slk_chain_call(&called, ask->chain, tip, SLK_CALL_AFTER, &m, prior, cnt, &ask->diag);
    if (err != SLK_OK)
        return slk_ask_wrap(ask, err, "CallWithGas failed");
    if (called->applied.exit != SLK_EXIT_OK)
        err = tell_exit(ask, called);
    else
        *used = called->applied.gas_used;
out:
    slk_called_free(called);
    return err;
}

/* --- Premium ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_gas_paid_t *items;
    size_t cnt, cap;
} paid_t;

static int by_premium(const void *a, const void *b)
{
    const slk_gas_paid_t *x = a, *y = b;
    return slk_bigint_cmp(&y->premium, &x->premium);
}

static slk_err_t add_paid(slk_ask_t *ask, const slk_tip_t *tip, paid_t *paid)
{
    slk_arena_t arena;
    slk_chain_message_list_t all;
    slk_arena_init(&arena, (size_t)256 << 20);
    slk_err_t err = slk_chain_messages(&all, ask->chain, tip, &arena, &ask->diag);
    for (size_t i = 0; err == SLK_OK && i < all.count; i++) {
        if (paid->cnt == paid->cap) {
            const size_t cap = paid->cap ? 2 * paid->cap : 256;
            slk_gas_paid_t *items = realloc(paid->items, cap * sizeof *items);
            if (!items) {
                err = slk_fail(&ask->diag, SLK_ERR_NOMEM, "out of memory for premiums");
                break;
            }
            paid->items = items;
            paid->cap = cap;
        }
        paid->items[paid->cnt++] =
            (slk_gas_paid_t){all.items[i].message.gas_premium, all.items[i].message.gas_limit};
    }
    slk_arena_free(&arena);
    return err;
}

/* The premium a little below the middle of what fills half of the blocks. */
static slk_bigint_t middle(paid_t *paid, int64_t blocks)
{
    slk_bigint_t last = slk_bigint_u64(0), before = slk_bigint_u64(0);
    int64_t at = BLOCK_GAS_TARGET * blocks / 2 + BLOCK_GAS_TARGET * blocks / 40;
    if (paid->cnt)
        qsort(paid->items, paid->cnt, sizeof *paid->items, by_premium);
    for (size_t i = 0; i < paid->cnt && at >= 0; i++) {
        before = last;
        last = paid->items[i].premium;
        at -= paid->items[i].limit;
    }
    if (slk_bigint_sign(&before))
        last = slk_bigint_shr(slk_bigint_add(last, before), 1);
    return last;
}

static slk_err_t estimate_premium(slk_ask_t *ask, const slk_tip_t *from, uint64_t within,
                                  slk_bigint_t *premium)
{
    slk_err_t err = SLK_OK;
    paid_t paid = {0};
    int64_t blocks = 0;
    slk_tip_t *tip = slk_tip_ref((slk_tip_t *)from);
    if (!within)
        within = 1;
    for (uint64_t i = 0; err == SLK_OK && i < 2 * within && i < 2 * BLOCKS_MOST && tip->height;
         i++) {
        slk_tip_t *parent = NULL;
        err = slk_chain_parent(&parent, ask->chain, tip, &ask->diag);
        if (err != SLK_OK)
            break;
        slk_tip_unref(tip);
        tip = parent;
        blocks += (int64_t)tip->key.cids.count;
        err = add_paid(ask, tip, &paid);
    }
    *premium = middle(&paid, blocks);
    const slk_bigint_t least = slk_bigint_u64(LEAST_PREMIUM);
    if (slk_bigint_cmp(premium, &least) < 0)
        *premium = slk_bigint_u64(within == 1   ? 2 * LEAST_PREMIUM
                                  : within == 2 ? LEAST_PREMIUM * 3 / 2
                                                : LEAST_PREMIUM);
    slk_tip_unref(tip);
    free(paid.items);
    return err;
}

/* --- Fee cap ----------------------------------------------------------------------------------------------------------- */

/* What the base fee grows to when that many blocks in a row are full; (9/8)^n in 1/256. */
static slk_bigint_t growth(uint64_t blocks)
{
    slk_bigint_t num = slk_bigint_u64(256), den = slk_bigint_u64(1);
    if (blocks == BLOCKS_QUEUE)
        return slk_bigint_u64(FEE_CAP_GROWTH_256);
    for (uint64_t i = 0; i < blocks && i < 100; i++) {
        num = slk_bigint_mul(num, slk_bigint_u64(9));
        den = slk_bigint_mul(den, slk_bigint_u64(8));
    }
    return slk_bigint_div_floor(num, den);
}

static slk_bigint_t estimate_fee_cap(slk_ask_t *ask, const slk_bigint_t *premium, uint64_t blocks)
{
    slk_tip_t *head = slk_chain_head(ask->chain);
    slk_bigint_t fee = head->tipset.blocks.items[0].parent_base_fee;
    slk_tip_unref(head);
    fee = slk_bigint_shr(slk_bigint_mul(fee, growth(blocks)), 8);
    return slk_bigint_add(fee, *premium);
}

/* Keep within what may be spent, or use it up. */
static void cap_fee(const slk_message_send_spec_t *spec, slk_message_t *m)
{
    const bool given = spec && slk_bigint_sign(&spec->max_fee) > 0;
    const slk_bigint_t most = given ? spec->max_fee : slk_bigint_u64(DEFAULT_MAX_FEE);
    const slk_bigint_t limit = slk_bigint_i64(m->gas_limit);
    const slk_bigint_t total = slk_bigint_mul(m->gas_fee_cap, limit);
    if ((spec && spec->maximize_fee_cap) || slk_bigint_cmp(&total, &most) > 0)
        m->gas_fee_cap = slk_bigint_div_floor(most, limit);
    m->gas_premium = slk_bigint_min(m->gas_premium, m->gas_fee_cap);
}

slk_err_t slk_estimate_message(slk_ask_t *ask, const slk_tip_t *tip,
                               const slk_message_send_spec_t *spec, slk_message_t *m)
{
    slk_err_t err = SLK_OK;
    if (m->gas_limit == 0) {
        int64_t used = 0;
        err = estimate_limit(ask, tip, m, &used);
        if (err != SLK_OK)
            return ask->code == SLK_RPC_ERROR ? slk_ask_wrap(ask, err, "gas estimation failed")
                                              : err;
        m->gas_limit = used + used / 4;
        if (m->gas_limit > SLK_GAS_LIMIT_MAX)
            m->gas_limit = SLK_GAS_LIMIT_MAX;
    }
    if (!slk_bigint_sign(&m->gas_premium))
        err = estimate_premium(ask, tip, BLOCKS_INCLUDE, &m->gas_premium);
    if (err == SLK_OK && !slk_bigint_sign(&m->gas_fee_cap))
        m->gas_fee_cap = estimate_fee_cap(ask, &m->gas_premium, BLOCKS_QUEUE);
    if (err == SLK_OK)
        cap_fee(spec, m);
    return err;
}

/* --- Methods ------------------------------------------------------------------------------------------------------------ */

static slk_err_t gas_estimate_message(slk_ask_t *ask)
{
    slk_message_t m = *(slk_message_t *)ask->args[0].record;
    slk_err_t err = slk_estimate_message(ask, ask->args[2].tip, ask->args[1].record, &m);
    return err == SLK_OK ? slk_ask_record(ask, &slk_message_type, &m) : err;
}

static slk_err_t gas_estimate_limit(slk_ask_t *ask)
{
    int64_t used = 0;
    slk_err_t err = estimate_limit(ask, ask->args[1].tip, ask->args[0].record, &used);
    return err == SLK_OK ? slk_ask_json(ask, json_integer(used)) : err;
}

static slk_err_t gas_estimate_premium(slk_ask_t *ask)
{
    slk_bigint_t premium;
    slk_err_t err = estimate_premium(ask, ask->args[3].tip, ask->args[0].u, &premium);
    return err == SLK_OK ? slk_ask_amount(ask, premium) : err;
}

static slk_err_t gas_estimate_fee_cap(slk_ask_t *ask)
{
    const slk_message_t *m = ask->args[0].record;
    const int64_t blocks = ask->args[1].i;
    return slk_ask_amount(
        ask, estimate_fee_cap(ask, &m->gas_premium, blocks < 0 ? 0 : (uint64_t)blocks));
}

const slk_ask_method_t slk_ask_gas[] = {
    {"Filecoin.GasEstimateMessageGas", SLK_PERM_READ, SLK_V01, 0, "mST", gas_estimate_message},
    {"Filecoin.GasEstimateGasLimit", SLK_PERM_READ, SLK_V01, 0, "mT", gas_estimate_limit},
    {"Filecoin.GasEstimateGasPremium", SLK_PERM_READ, SLK_V01, 0, "uaiT", gas_estimate_premium},
    {"Filecoin.GasEstimateFeeCap", SLK_PERM_READ, SLK_V01, 0, "miT", gas_estimate_fee_cap},
    {0},
};
