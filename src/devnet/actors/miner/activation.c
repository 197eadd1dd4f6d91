#include "devnet/actors/miner/activation.h"

#include "codec/actors/verifreg.h"
#include "devnet/actors/batch.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/precommit.h"

#include <inttypes.h>
#include <string.h>

#define VERIFREG_CLAIM_ALLOCATIONS 9u

size_t slk_activations_left(const slk_activations_t *list)
{
    size_t left = 0;
    for (size_t i = 0; i < list->cnt; i++)
        left += list->items[i].code == SLK_EXIT_OK;
    return left;
}

slk_exit_t slk_return_activations(slk_rt_t *rt, const slk_activations_t *list)
{
    slk_batch_t batch = {0};
    for (size_t i = 0; i < list->cnt; i++)
        SLK_RT_TRY(slk_batch_add(rt, &batch, list->items[i].code));
    return slk_rt_return_record(rt, &batch.ret, &slk_batch_return_type);
}

/* --- CommD ------------------------------------------------------------------------------------ */

slk_exit_t slk_pieces_comm_d(slk_rt_t *rt, int64_t seal_proof,
                             const slk_piece_activation_manifest_list_t *pieces, slk_node_t *comm_d)
{
    static const char failed[] = "failed to compute unsealed sector CID";
    slk_rt_piece_t *rows;
    SLK_RT_TRY(slk_rt_alloc(rt, &rows, pieces->count, sizeof *rows));
    for (size_t i = 0; i < pieces->count; i++) {
        rows[i].size = pieces->items[i].size;
        SLK_RT_TRY(
            slk_rt_wrap(rt,
                        slk_rt_err(rt,
                                   slk_cid_to_commitment(&rows[i].comm_p, SLK_CID_UNSEALED,
                                                         &pieces->items[i].cid, slk_rt_diag(rt)),
                                   SLK_EXIT_USR_ILLEGAL_ARGUMENT),
                        "%s", failed));
    }
    return slk_rt_wrap(rt, slk_rt_comm_d(rt, seal_proof, rows, pieces->count, comm_d), "%s",
                       failed);
}

static slk_exit_t check_declared(slk_rt_t *rt, const slk_activation_t *one)
{
    slk_node_t computed, declared;
    SLK_RT_TRY(slk_pieces_comm_d(rt, one->seal_proof, &one->pieces, &computed));
    SLK_RT_TRY(slk_declared_comm_d(rt, one->declared, one->seal_proof, &declared));
    if (!memcmp(&computed, &declared, sizeof computed))
        return SLK_EXIT_OK;
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &computed);
    const bool none = !slk_cid_defined(one->declared);
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "unsealed CID does not match pieces for sector %" PRIu64
                        ", computed Cid(%s) declared CompactCommD(%s%s%s)",
                        one->sector, slk_cid_text(&cid).s, none ? "None" : "Some(Cid(",
                        slk_cid_text(one->declared).s, none ? "" : "))");
}

/* --- Claims ----------------------------------------------------------------------------------- */

static slk_exit_t make_claims(slk_rt_t *rt, const slk_activation_t *one,
                              slk_sector_allocation_claims_t *claims)
{
    *claims = (slk_sector_allocation_claims_t){.sector = one->sector, .expiry = one->expiration};
    SLK_RT_TRY(
        slk_rt_alloc(rt, &claims->claims.items, one->pieces.count, sizeof *claims->claims.items));
    for (size_t i = 0; i < one->pieces.count; i++) {
        const slk_piece_activation_manifest_t *piece = &one->pieces.items[i];
        const slk_verified_allocation_key_t *key = piece->verified_allocation_key;
        if (key)
            claims->claims.items[claims->claims.count++] =
                (slk_allocation_claim_t){key->client, key->id, piece->cid, piece->size};
    }
    return SLK_EXIT_OK;
}

/* Ask the registry; its answer has a space for each sector that succeeded, in order. */
static slk_exit_t claim(slk_rt_t *rt, slk_activations_t *list,
                        const slk_claim_allocations_params_t *params)
{
    slk_claim_allocations_return_t ret;
    slk_bytes_t bytes;
    size_t asked = 0, claimed = 0;
    SLK_RT_TRY(slk_rt_wrap(rt,
                           slk_rt_call_record(rt, SLK_ID_VERIFREG, VERIFREG_CLAIM_ALLOCATIONS,
                                              params, &slk_claim_allocations_params_type,
                                              slk_bigint_u64(0), &bytes),
                           "error claiming allocations on batch"));
    SLK_RT_LIB(slk_record_decode(&ret, &slk_claim_allocations_return_type, bytes.b, bytes.len,
                                 slk_rt_arena(rt), slk_rt_diag(rt)));
    for (size_t i = 0; i < list->cnt; i++) {
        slk_activation_t *one = &list->items[i];
        if (one->code != SLK_EXIT_OK)
            continue;
        one->code = (slk_exit_t)slk_batch_exit_code(&ret.sector_results, asked++);
        if (one->code == SLK_EXIT_OK && claimed < ret.sector_claims.count)
            one->verified_space = ret.sector_claims.items[claimed++].claimed_space;
    }
    return SLK_EXIT_OK;
}

static void count_unverified(slk_activation_t *one)
{
    for (size_t i = 0; i < one->pieces.count; i++)
        if (!one->pieces.items[i].verified_allocation_key)
            one->unverified_space =
                slk_bigint_add(one->unverified_space, slk_bigint_u64(one->pieces.items[i].size));
}

slk_exit_t slk_activate_data(slk_rt_t *rt, slk_activations_t *list, bool whole)
{
    slk_claim_allocations_params_t params = {.all_or_nothing = whole};
    bool any = false;
    SLK_RT_TRY(slk_rt_alloc(rt, &params.sectors.items, list->cnt, sizeof *params.sectors.items));
    for (size_t i = 0; i < list->cnt; i++) {
        slk_activation_t *one = &list->items[i];
        if (one->code != SLK_EXIT_OK)
            continue;
        if (one->declared)
            SLK_RT_TRY(check_declared(rt, one));
        slk_sector_allocation_claims_t *claims = &params.sectors.items[params.sectors.count++];
        SLK_RT_TRY(make_claims(rt, one, claims));
        any |= claims->claims.count > 0;
        count_unverified(one);
    }
    if (any)
        SLK_RT_TRY(claim(rt, list, &params));
    if (!slk_activations_left(list))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "all data activations failed");
    return SLK_EXIT_OK;
}

/* --- Events ----------------------------------------------------------------------------------- */

/* CBOR values of an event, one behind the other in a buffer. */
typedef struct {
    slk_buf_t buf;
    slk_event_entry_t *entries;
    size_t *starts;
    size_t cnt;
} event_t;

static void begin(event_t *event, const char *key)
{
    event->starts[event->cnt] = event->buf.len;
    event->entries[event->cnt++].key = key;
}

static slk_exit_t emit(slk_rt_t *rt, event_t *event)
{
    SLK_RT_LIB(slk_buf_check(&event->buf, slk_rt_diag(rt)));
    for (size_t i = 0; i < event->cnt; i++) {
        const size_t end = i + 1 < event->cnt ? event->starts[i + 1] : event->buf.len;
        event->entries[i].value =
            (slk_bytes_t){event->buf.bytes + event->starts[i], end - event->starts[i]};
    }
    return slk_rt_event(rt, event->entries, event->cnt);
}

slk_exit_t slk_activation_event(slk_rt_t *rt, const char *type, uint64_t sector,
                                const slk_cid_t *unsealed,
                                const slk_piece_activation_manifest_list_t *pieces)
{
    event_t event = {0};
    const size_t max = 3 + 2 * pieces->count;
    SLK_RT_TRY(slk_rt_alloc(rt, &event.entries, max, sizeof *event.entries));
    SLK_RT_TRY(slk_rt_alloc(rt, &event.starts, max, sizeof *event.starts));
    begin(&event, "$type");
    slk_cbor_put_text(&event.buf, type, strlen(type));
    begin(&event, "sector");
    slk_cbor_put_uint(&event.buf, sector);
    begin(&event, "unsealed-cid");
    if (slk_cid_defined(unsealed))
        slk_cbor_put_cid(&event.buf, unsealed);
    else
        slk_cbor_put_null(&event.buf);
    for (size_t i = 0; i < pieces->count; i++) {
        begin(&event, "piece-cid");
        slk_cbor_put_cid(&event.buf, &pieces->items[i].cid);
        begin(&event, "piece-size");
        event.entries[event.cnt - 1].plain = true;
        slk_cbor_put_uint(&event.buf, pieces->items[i].size);
    }
    slk_exit_t exit = emit(rt, &event);
    slk_buf_free(&event.buf);
    return exit;
}
