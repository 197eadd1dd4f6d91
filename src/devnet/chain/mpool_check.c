/* Which messages the pool takes, with the texts of lotus' chain/messagepool and chain/types. */

#include "devnet/chain/mpool_impl.h"

#include "codec/fil.h"
#include "crypto/keys/signature.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/vm/gas.h"

#include <inttypes.h>

#define ALL_FIL UINT64_C(2000000000)

int64_t slk_pool_least_gas(size_t len)
{
    return 38863 + 1000 * (36 + (int64_t)len);
}

/* --- Without the chain ------------------------------------------------------------------------ */

static slk_bigint_t all_atto(void)
{
    return slk_bigint_mul(slk_bigint_u64(ALL_FIL), slk_bigint_u64(UINT64_C(1000000000000000000)));
}

/* types.Message.ValidForBlockInclusion but for the least gas. NULL: fine. */
static const char *what_is_wrong(const slk_message_t *m)
{
    const slk_bigint_t all = all_atto();
    if (m->version != 0)
        return "'Version' unsupported";
    if (!slk_address_defined(&m->to))
        return "'To' address cannot be empty";
    if (!slk_address_defined(&m->from))
        return "'From' address cannot be empty";
    if (slk_bigint_sign(&m->value) < 0)
        return "'Value' field cannot be negative";
    if (slk_bigint_cmp(&m->value, &all) > 0)
        return "'Value' field cannot be greater than total filecoin supply";
    if (slk_bigint_sign(&m->gas_fee_cap) < 0)
        return "'GasFeeCap' field cannot be negative";
    if (slk_bigint_sign(&m->gas_premium) < 0)
        return "'GasPremium' field cannot be negative";
    if (slk_bigint_cmp(&m->gas_premium, &m->gas_fee_cap) > 0)
        return "'GasFeeCap' less than 'GasPremium'";
    return NULL;
}

slk_err_t slk_pool_check_form(const slk_message_t *m, const char *whose, slk_diag_t *diag)
{
    const char *wrong = what_is_wrong(m);
    if (wrong)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: %s", whose, wrong);
    if (m->gas_limit > SLK_GAS_LIMIT_MAX)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: 'GasLimit' field cannot be greater than a block's gas limit (%" PRId64
                        " > %" PRId64 ")",
                        whose, m->gas_limit, SLK_GAS_LIMIT_MAX);
    if (m->gas_limit <= 0)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: 'GasLimit' field %" PRId64 " must be positive",
                        whose, m->gas_limit);
    return SLK_OK;
}

static slk_err_t check_signature(const slk_signed_message_t *message, const slk_cid_t *cid,
                                 slk_diag_t *diag)
{
    slk_cid_t bare;
    bool ok = false;
    const slk_signature_t *sig = &message->signature;
    if (!slk_address_is_key(&message->message.from))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "signature verification failed: failed to validate signature: the sender "
                        "must be given as a key address");
    slk_err_t err = slk_message_cid(&bare, &message->message, diag);
    if (err == SLK_OK)
        err = slk_signature_verify(&ok, &message->message.from, sig, bare.b, bare.len, diag);
    if (err == SLK_ERR_INPUT || err == SLK_ERR_UNSUPPORTED)
        err = SLK_OK;
    if (err == SLK_OK && !ok)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "signature verification failed: failed to validate signature: invalid "
                        "signature for message %s (type %u): %s",
                        slk_cid_text(cid).s, sig->type,
                        sig->type == SLK_SIGNATURE_BLS ? "bls signature failed to verify"
                                                       : "signature did not match");
    return err;
}

slk_err_t slk_pool_check(const slk_signed_message_t *message, const slk_cid_t *cid,
                         slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    const slk_message_t *m = &message->message;
    const slk_bigint_t all = all_atto(), least_fee = slk_bigint_u64(SLK_MIN_BASE_FEE);
    SLK_TRY(slk_pool_check_form(m, "message not valid for block inclusion", diag));
    SLK_TRY(slk_record_encode(&buf, &slk_signed_message_type, message, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    if (buf.len > SLK_MPOOL_MESSAGE_MAX)
        err = slk_fail(diag, SLK_ERR_INPUT, "mpool message too large (%zuB): message too big",
                       buf.len);
    else if (slk_bigint_cmp(&m->value, &all) >= 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "cannot send more filecoin than will ever exist");
    else if (slk_bigint_cmp(&m->gas_fee_cap, &least_fee) < 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "gas fee cap too low");
    else
        err = check_signature(message, cid, diag);
out:
    slk_buf_free(&buf);
    return err;
}

/* --- On a state ------------------------------------------------------------------------------- */

static slk_err_t check_gas(const slk_signed_message_t *message, slk_diag_t *diag)
{
    size_t len;
    bool bls = message->signature.type == SLK_SIGNATURE_BLS;
    slk_err_t err = slk_message_len(&len, &message->message, bls, diag);
    if (err == SLK_OK && message->message.gas_limit < slk_pool_least_gas(len))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "verify msg failed: message will not be included in a block: 'GasLimit' "
                        "field cannot be less than the cost of storing a message on chain %" PRId64
                        " < %" PRId64,
                        message->message.gas_limit, slk_pool_least_gas(len));
    return err;
}

static slk_bigint_t required(const slk_message_t *m)
{
    return slk_bigint_mul(m->gas_fee_cap, slk_bigint_i64(m->gas_limit));
}

static slk_err_t too_poor(const char *how, const slk_bigint_t *need, const slk_bigint_t *balance,
                          const char *what, slk_diag_t *diag)
{
    char a[SLK_FIL_TEXT_SZ], b[SLK_FIL_TEXT_SZ];
    slk_fil_format(a, need);
    slk_fil_format(b, balance);
    return slk_fail(diag, SLK_ERR_INPUT,
                    "failed to check balance: not enough funds%s (required: %s, balance: %s): %s",
                    how, a, b, what);
}

/* What other pending messages may cost counts, their value does not. */
static slk_err_t check_balance(const slk_bigint_t *balance, const slk_pool_set_t *set,
                               const slk_message_t *m, slk_diag_t *diag)
{
    slk_bigint_t need = required(m);
    if (slk_bigint_cmp(balance, &need) < 0)
        return too_poor("", &need, balance, "not enough funds to execute transaction", diag);
    for (size_t i = 0; set && i < set->cnt; i++)
        if (set->items[i]->message.message.nonce != m->nonce)
            need = slk_bigint_add(need, required(&set->items[i]->message.message));
    if (slk_bigint_cmp(balance, &need) < 0)
        return too_poor(" including pending messages", &need, balance, "validation failure", diag);
    return SLK_OK;
}

static slk_err_t check_replace(const slk_entry_t *there, const slk_message_t *m,
                               const slk_cid_t *cid, slk_network_t letter, slk_diag_t *diag)
{
    const slk_bigint_t *old = &there->message.message.gas_premium;
    const slk_bigint_t least = slk_mpool_replace_premium(old, SLK_REPLACE_BY_FEE_MIN);
    const slk_address_text_t from = slk_address_text(&m->from, letter);
    if (slk_cid_eq(cid, &there->cid))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "failed to add locked: message from %s with nonce %" PRIu64
                        " already in mpool: message with nonce already exists",
                        from.s, m->nonce);
    if (slk_bigint_cmp(&m->gas_premium, &least) >= 0)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT,
                    "failed to add locked: message from %s with nonce %" PRIu64
                    " already in mpool, increase GasPremium to %s from %s to trigger replace by "
                    "fee: replace by fee has too low GasPremium",
                    from.s, m->nonce, slk_bigint_text(&least).s,
                    slk_bigint_text(&m->gas_premium).s);
}

static slk_err_t check_place(slk_network_t letter, const slk_pool_set_t *set, uint64_t state_nonce,
                             const slk_message_t *m, const slk_cid_t *cid, slk_push_t how,
                             slk_diag_t *diag)
{
    const bool strict = how != SLK_PUSH_LOCAL, untrusted = how == SLK_PUSH_UNTRUSTED;
    const uint64_t next = slk_pool_next_nonce(set, state_nonce);
    const uint64_t gap = untrusted ? 0 : SLK_MPOOL_NONCE_GAP;
    const size_t most = untrusted ? SLK_MPOOL_ACTOR_PENDING / 10 : SLK_MPOOL_ACTOR_PENDING;
    const slk_entry_t *there = slk_pool_at(set, m->nonce);
    if (strict && m->nonce > next + gap)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "failed to add locked: message nonce has too big a gap from expected nonce "
                        "(Nonce: %" PRIu64 ", nextNonce: %" PRIu64 "): unfulfilled nonce gap",
                        m->nonce, next);
    if (there && strict && m->nonce > next)
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "failed to add locked: rejecting replace by fee because of nonce gap (Nonce: "
            "%" PRIu64 ", nextNonce: %" PRIu64 "): unfulfilled nonce gap",
            m->nonce, next);
    if (there)
        return check_replace(there, m, cid, letter, diag);
    if (set && set->cnt >= most)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "failed to add locked: too many pending messages for actor");
    return SLK_OK;
}

slk_err_t slk_pool_check_on(slk_chain_t *chain, const slk_tip_t *head, const slk_pool_set_t *set,
                            const slk_signed_message_t *message, const slk_cid_t *cid,
                            slk_push_t how, slk_diag_t *diag)
{
    slk_err_t err;
    slk_actor_state_t sender;
    bool found;
    const slk_message_t *m = &message->message;
    const slk_network_t letter = slk_chain_policy(chain)->letter;
    SLK_TRY(slk_chain_actor(&sender, NULL, &found, chain, &head->state, &m->from, diag));
    if (!found)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "failed to look up actor state nonce: resolution lookup failed (%s): "
                        "resolve address %s: actor not found: validation failure",
                        slk_address_text(&m->from, letter).s, slk_address_text(&m->from, letter).s);
    if (sender.nonce > m->nonce)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "minimum expected nonce is %" PRIu64 ", got %" PRIu64
                        ": message nonce too low",
                        sender.nonce, m->nonce);
    if (slk_actor_kind_of_code(&sender.code) != SLK_ACTOR_ACCOUNT)
        return slk_fail(diag, SLK_ERR_INPUT, "sender actor %s is not a valid top-level sender",
                        slk_address_text(&m->from, letter).s);
    SLK_TRY(check_gas(message, diag));
    SLK_TRY(check_balance(&sender.balance, set, m, diag));
    SLK_TRY(check_place(letter, set, sender.nonce, m, cid, how, diag));
out:
    return err;
}
