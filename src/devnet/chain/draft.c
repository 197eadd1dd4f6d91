#include "devnet/chain/draft.h"

#include "crypto/keys/bls.h"
#include "devnet/chain/chain_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

slk_err_t slk_draft_beacon(slk_beacon_entry_list_t *entries, int64_t parent, int64_t epoch,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const size_t cnt = (size_t)(epoch - parent);
    if (epoch <= parent || cnt > SLK_CBOR_ELEMENTS_MAX)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a block at epoch %" PRId64 " cannot follow one at %" PRId64
                        ": it carries a beacon entry for each epoch in between",
                        epoch, parent);
    *entries = (slk_beacon_entry_list_t){slk_arena_array(arena, cnt, sizeof *entries->items), cnt};
    if (!entries->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for beacon entries");
    for (size_t i = 0; i < cnt; i++)
        SLK_TRY(slk_chain_beacon_entry(&entries->items[i], parent + 1 + (int64_t)i, arena, diag));
out:
    return err;
}

uint64_t slk_draft_timestamp(const slk_chain_t *chain, int64_t epoch)
{
    return slk_chain_genesis_time(chain) + (uint64_t)epoch * slk_chain_policy(chain)->block_delay_s;
}

/* --- Messages --------------------------------------------------------------------------------- */

typedef struct {
    slk_cid_list_t bls, secpk;
    uint8_t (*sigs)[SLK_BLS_SIG_SZ]; /* of the BLS ones */
} parts_t;

static slk_err_t add(parts_t *parts, slk_chain_t *chain, const slk_signed_message_t *message,
                     slk_diag_t *diag)
{
    slk_err_t err;
    slk_cid_t cid;
    const slk_signature_t *sig = &message->signature;
    SLK_TRY(slk_signed_message_cid(&cid, message, diag));
    SLK_TRY(slk_chain_put_message(chain, message, diag));
    if (sig->type == SLK_SIGNATURE_BLS && sig->data.len == SLK_BLS_SIG_SZ) {
        memcpy(parts->sigs[parts->bls.count], sig->data.b, SLK_BLS_SIG_SZ);
        parts->bls.items[parts->bls.count++] = cid;
    } else if (sig->type == SLK_SIGNATURE_SECP256K1) {
        parts->secpk.items[parts->secpk.count++] = cid;
    } else {
        err = slk_fail(diag, SLK_ERR_INPUT, "unknown sig type: %u", sig->type);
    }
out:
    return err;
}

static slk_err_t split(parts_t *parts, slk_chain_t *chain, const slk_signed_message_t *messages,
                       size_t stride, size_t cnt, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *parts = (parts_t){{slk_arena_array(arena, cnt, sizeof(slk_cid_t)), 0},
                       {slk_arena_array(arena, cnt, sizeof(slk_cid_t)), 0},
                       slk_arena_array(arena, cnt, sizeof *parts->sigs)};
    if (!parts->bls.items || !parts->secpk.items || !parts->sigs)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    for (size_t i = 0; i < cnt; i++)
        SLK_TRY(add(parts, chain,
                    (const slk_signed_message_t *)((const char *)messages + i * stride), diag));
out:
    return err;
}

static slk_err_t aggregate(slk_signature_t *out, const parts_t *parts, slk_arena_t *arena,
                           slk_diag_t *diag)
{
    uint8_t *sum = slk_arena_alloc(arena, SLK_BLS_SIG_SZ);
    if (!sum)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a signature");
    *out = (slk_signature_t){SLK_SIGNATURE_BLS, {sum, SLK_BLS_SIG_SZ}};
    slk_err_t err = slk_bls_aggregate(sum, (const uint8_t(*)[SLK_BLS_SIG_SZ])parts->sigs,
                                      parts->bls.count, diag);
    return err == SLK_ERR_FORMAT ? SLK_ERR_INPUT : err;
}

/* --- Headers ---------------------------------------------------------------------------------- */

slk_err_t slk_draft_fill(slk_block_header_t *header, slk_cid_list_t *bls, slk_cid_list_t *secpk,
                         slk_chain_t *chain, const slk_tip_t *parent, int64_t epoch,
                         const slk_signed_message_t *messages, size_t stride, size_t cnt,
                         slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    parts_t parts;
    const slk_cid_list_t *key = &parent->key.cids;
    header->height = epoch;
    header->parents = (slk_cid_list_t){
        slk_arena_copy(arena, key->items, key->count * sizeof *key->items), key->count};
    if (!header->parents.items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block");
    header->parent_weight = parent->weight;
    header->parent_state_root = parent->state;
    header->parent_message_receipts = parent->receipts;
    header->parent_base_fee = parent->base_fee;
    header->timestamp = slk_draft_timestamp(chain, epoch);
    SLK_TRY(split(&parts, chain, messages, stride, cnt, arena, diag));
    SLK_TRY(aggregate(&header->bls_aggregate, &parts, arena, diag));
    SLK_TRY(slk_message_root(&header->messages, slk_chain_store(chain), &parts.bls, &parts.secpk,
                             diag));
    *bls = parts.bls;
    *secpk = parts.secpk;
out:
    return err;
}
