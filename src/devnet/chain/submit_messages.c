/* The messages of a miner's block (lotus:chain/consensus, checkBlockMessages). */

#include "devnet/chain/submit.h"

#include "base/assert.h"
#include "crypto/keys/bls.h"
#include "crypto/keys/signature.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/chain/mpool_impl.h"
#include "devnet/vm/gas.h"

#include <inttypes.h>
#include <stdlib.h>

/* A sender and the nonce that it has to use next. */
typedef struct {
    slk_address_t from;
    uint64_t nonce;
} sender_t;

typedef struct {
    slk_submit_t *submit;
    slk_state_tree_t *tree; /* what the messages run on */
    sender_t *senders;
    size_t sender_cnt;
    int64_t gas;
} check_t;

static slk_err_t wrong(const check_t *c, const slk_cid_t *cid, const char *why)
{
    return slk_fail(c->submit->diag, SLK_ERR_INPUT, "block had invalid messages: message %s: %s",
                    slk_cid_text(cid).s, why);
}

/* --- One message ------------------------------------------------------------------------------ */

static slk_err_t first_nonce(check_t *c, sender_t *sender, const slk_chain_message_t *m)
{
    uint64_t id;
    bool found;
    slk_actor_state_t actor;
    slk_diag_t *diag = c->submit->diag;
    slk_err_t err = slk_state_tree_resolve(c->tree, &m->message.from, &id, &found, diag);
    if (err == SLK_OK && found)
        err = slk_state_tree_get(c->tree, id, &actor, &found, diag);
    if (err != SLK_OK)
        return err;
    if (!found)
        return wrong(c, &m->cid, "failed to lookup sender: actor not found");
    if (slk_actor_kind_of_code(&actor.code) != SLK_ACTOR_ACCOUNT)
        return wrong(c, &m->cid, "Sender must be an account actor");
    *sender = (sender_t){m->message.from, actor.nonce};
    return SLK_OK;
}

static slk_err_t check_nonce(check_t *c, const slk_chain_message_t *m)
{
    size_t i = 0;
    while (i < c->sender_cnt && !slk_address_eq(&c->senders[i].from, &m->message.from))
        i++;
    if (i == c->sender_cnt) {
        slk_err_t err = first_nonce(c, &c->senders[i], m);
        if (err != SLK_OK)
            return err;
        c->sender_cnt++;
    }
    if (c->senders[i].nonce != m->message.nonce)
        return slk_fail(c->submit->diag, SLK_ERR_INPUT,
                        "block had invalid messages: wrong nonce (exp: %" PRIu64 ", got: %" PRIu64
                        ")",
                        c->senders[i].nonce, m->message.nonce);
    c->senders[i].nonce++;
    return SLK_OK;
}

static slk_err_t check_message(check_t *c, const slk_chain_message_t *m)
{
    slk_err_t err = slk_pool_check_form(&m->message, "block had invalid messages", c->submit->diag);
    if (err != SLK_OK)
        return err;
    if (!slk_address_is_key(&m->message.from))
        return wrong(c, &m->cid, "the sender must be given as a key address");
    if (m->message.gas_limit < slk_pool_least_gas(m->len))
        return wrong(c, &m->cid,
                     "'GasLimit' field cannot be less than the cost of storing a "
                     "message on chain");
    c->gas += m->message.gas_limit; /* each at most 10^10, and at most 10000 of them */
    if (c->gas > SLK_GAS_LIMIT_MAX)
        return slk_fail(c->submit->diag, SLK_ERR_INPUT,
                        "block had invalid messages: block gas limit exceeded");
    return check_nonce(c, m);
}

/* --- Signatures ------------------------------------------------------------------------------- */

static slk_err_t check_secpk(const check_t *c, const slk_chain_message_t *m)
{
    slk_cid_t bare;
    bool ok = false;
    slk_err_t err = slk_message_cid(&bare, &m->message, c->submit->diag);
    if (err == SLK_OK)
        err = slk_signature_verify(&ok, &m->message.from, &m->signature, bare.b, bare.len,
                                   c->submit->diag);
    if (err == SLK_OK && !(ok && m->signature.type == SLK_SIGNATURE_SECP256K1))
        return wrong(c, &m->cid, "failed to validate signature");
    return err;
}

static slk_err_t check_aggregate(const check_t *c, const slk_chain_message_t *messages, size_t cnt)
{
    slk_submit_t *s = c->submit;
    const slk_signature_t *sum = &s->header->bls_aggregate;
    bool ok = false;
    slk_bls_claim_t *claims = slk_arena_array(&s->arena, cnt, sizeof *claims);
    if (!claims)
        return slk_fail(s->diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    for (size_t i = 0; i < cnt; i++) {
        const slk_chain_message_t *m = &messages[i];
        if (slk_address_protocol(&m->message.from) != SLK_ADDRESS_BLS)
            return wrong(c, &m->cid, "failed to load bls public to validate block");
        claims[i] = (slk_bls_claim_t){m->message.from.b + 1, m->cid.b, m->cid.len};
    }
    slk_err_t err = SLK_OK;
    if (sum->type == SLK_SIGNATURE_BLS && sum->data.len == SLK_BLS_SIG_SZ)
        err = slk_bls_verify_aggregate(&ok, sum->data.b, claims, cnt, s->diag);
    if (err == SLK_OK && !ok)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "block had invalid messages: bls aggregate signature was invalid");
    return err;
}

/* --- All of them ------------------------------------------------------------------------------ */

static slk_err_t load(slk_chain_message_t *to, slk_submit_t *s, const slk_cid_list_t *cids,
                      bool signed_ones)
{
    slk_diag_t why;
    for (size_t i = 0; i < cids->count; i++) {
        slk_err_t err = slk_chain_message(&to[i], s->chain, &cids->items[i], &s->arena, &why);
        if (err == SLK_OK && (to[i].signature.type != 0) != signed_ones)
            err = slk_fail(&why, SLK_ERR_NOTFOUND, "%s is on the wrong list",
                           slk_cid_text(&cids->items[i]).s);
        if (err != SLK_OK)
            return slk_fail(s->diag, err == SLK_ERR_NOTFOUND ? SLK_ERR_INPUT : err,
                            "failed to load %s messages: %s", signed_ones ? "secpk" : "bls",
                            why.text);
    }
    return SLK_OK;
}

static slk_err_t check_all(check_t *c, const slk_chain_message_t *list, size_t bls, size_t cnt)
{
    slk_err_t err;
    SLK_TRY(check_aggregate(c, list, bls));
    for (size_t i = 0; i < cnt; i++) {
        SLK_TRY(check_message(c, &list[i]));
        if (i >= bls)
            SLK_TRY(check_secpk(c, &list[i]));
    }
out:
    return err;
}

slk_err_t slk_submit_messages(slk_submit_t *s)
{
    slk_err_t err;
    slk_cid_t root;
    const slk_cid_list_t *bls = &s->block->bls_messages, *secpk = &s->block->secpk_messages;
    const size_t cnt = bls->count + secpk->count;
    check_t c = {.submit = s};
    if (cnt > SLK_BLOCK_MESSAGES_MAX)
        return slk_fail(s->diag, SLK_ERR_INPUT, "block contains too many messages (%zu)", cnt);
    slk_chain_message_t *list = slk_arena_array(&s->arena, cnt, sizeof *list);
    c.senders = slk_arena_array(&s->arena, cnt, sizeof *c.senders);
    if (!list || !c.senders)
        return slk_fail(s->diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    SLK_TRY(load(list, s, bls, false));
    SLK_TRY(load(list + bls->count, s, secpk, true));
    SLK_TRY(slk_message_root(&root, &s->chain->store, bls, secpk, s->diag));
    if (!slk_cid_eq(&root, &s->header->messages)) {
        err = slk_fail(s->diag, SLK_ERR_INPUT,
                       "provided messages did not match block: messages didn't match message root "
                       "in header");
        goto out;
    }
    SLK_TRY(slk_state_tree_load(&c.tree, &s->chain->store, &s->base->state, s->diag));
    SLK_TRY(check_all(&c, list, bls->count, cnt));
out:
    slk_state_tree_free(c.tree);
    return err;
}
