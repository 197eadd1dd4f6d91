#include "devnet/actors/miner/sectors.h"

#include "base/assert.h"
#include "codec/economics/quality.h"

#include <inttypes.h>
#include <string.h>

/* --- Power --------------------------------------------------------------------------------------------- */

bool slk_power_is_zero(const slk_power_pair_t *power)
{
    return !slk_bigint_sign(&power->raw) && !slk_bigint_sign(&power->qa);
}

bool slk_power_equal(const slk_power_pair_t *a, const slk_power_pair_t *b)
{
    return !slk_bigint_cmp(&a->raw, &b->raw) && !slk_bigint_cmp(&a->qa, &b->qa);
}

slk_power_pair_t slk_power_sub(const slk_power_pair_t *a, const slk_power_pair_t *b)
{
    return (slk_power_pair_t){slk_bigint_sub(a->raw, b->raw), slk_bigint_sub(a->qa, b->qa)};
}

void slk_power_add_to(slk_power_pair_t *sum, const slk_power_pair_t *part)
{
    sum->raw = slk_bigint_add(sum->raw, part->raw);
    sum->qa = slk_bigint_add(sum->qa, part->qa);
}

void slk_power_sub_from(slk_power_pair_t *sum, const slk_power_pair_t *part)
{
    *sum = slk_power_sub(sum, part);
}

void slk_amount_add_to(slk_bigint_t *sum, const slk_bigint_t *part)
{
    *sum = slk_bigint_add(*sum, *part);
}

void slk_amount_sub_from(slk_bigint_t *sum, const slk_bigint_t *part)
{
    *sum = slk_bigint_sub(*sum, *part);
}

slk_bigint_t slk_sector_qa_power(uint64_t sector_size, const slk_sector_on_chain_info_t *sector)
{
    mpz_t qa, weight;
    slk_bigint_t out;
    int64_t epochs = sector->expiration - sector->power_base_epoch;
    SLK_ASSERT(epochs > 0);
    if (!slk_bigint_sign(&sector->verified_deal_weight))
        return slk_bigint_u64(sector_size); /* quality 1 exactly */
    mpz_init(qa);
    slk_qa_power(qa, sector_size, epochs, slk_bigint_view(weight, &sector->verified_deal_weight));
    SLK_ASSERT(slk_bigint_from_mpz(&out, qa));
    mpz_clear(qa);
    return out;
}

slk_power_pair_t slk_sector_power(uint64_t sector_size, const slk_sector_on_chain_info_t *sector)
{
    return (slk_power_pair_t){slk_bigint_u64(sector_size),
                              slk_sector_qa_power(sector_size, sector)};
}

/* --- Lists --------------------------------------------------------------------------------------------- */

slk_power_pair_t slk_sectors_power(uint64_t sector_size, slk_sector_refs_t sectors)
{
    slk_power_pair_t sum = {0};
    for (size_t i = 0; i < sectors.cnt; i++) {
        slk_power_pair_t power = slk_sector_power(sector_size, sectors.items[i]);
        slk_power_add_to(&sum, &power);
    }
    return sum;
}

slk_sector_on_chain_info_t *slk_sectors_find(slk_sector_refs_t sectors, uint64_t number)
{
    size_t low = 0, high = sectors.cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sectors.items[mid]->sector_number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < sectors.cnt && sectors.items[low]->sector_number == number ? sectors.items[low]
                                                                            : NULL;
}

slk_exit_t slk_sectors_select(slk_rt_t *rt, slk_sector_refs_t *out, slk_sector_refs_t sectors,
                              const slk_bitfield_t *set)
{
    *out = (slk_sector_refs_t){0};
    SLK_RT_TRY(slk_rt_alloc(rt, &out->items, sectors.cnt, sizeof *out->items));
    for (size_t i = 0; i < sectors.cnt; i++)
        if (slk_bitfield_contains(set, sectors.items[i]->sector_number))
            out->items[out->cnt++] = sectors.items[i];
    uint64_t want = slk_bitfield_count(set);
    if (out->cnt == want)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                        "failed to find %" PRIu64 " expected sectors", want - out->cnt);
}

/* --- The tree ------------------------------------------------------------------------------------------ */

slk_exit_t slk_sectors_open(slk_sectors_t *sectors, slk_rt_t *rt, const slk_cid_t *root)
{
    sectors->rt = rt;
    return slk_array_load(rt, &sectors->amt, SLK_WIDTH_SECTORS, root);
}

void slk_sectors_close(slk_sectors_t *sectors)
{
    slk_amt_free(sectors->amt);
    sectors->amt = NULL;
}

slk_exit_t slk_sectors_flush(slk_sectors_t *sectors, slk_cid_t *root)
{
    return slk_array_flush(sectors->rt, sectors->amt, root);
}

slk_exit_t slk_sectors_get(slk_sectors_t *sectors, uint64_t number,
                           slk_sector_on_chain_info_t *info, bool *found)
{
    *found = false;
    if (number > SLK_AMT_INDEX_MAX)
        return SLK_EXIT_OK;
    return slk_array_get(sectors->rt, sectors->amt, number, info, &slk_sector_on_chain_info_type,
                         found);
}

static slk_exit_t append(slk_rt_t *rt, slk_sector_refs_t *list, size_t *cap,
                         slk_sector_on_chain_info_t *info)
{
    if (list->cnt == *cap) {
        slk_sector_on_chain_info_t **items;
        *cap = *cap ? 2 * *cap : 16;
        SLK_RT_TRY(slk_rt_alloc(rt, &items, *cap, sizeof(*items)));
        if (list->cnt)
            memcpy(items, list->items, list->cnt * sizeof(*items));
        list->items = items;
    }
    list->items[list->cnt++] = info;
    return SLK_EXIT_OK;
}

slk_exit_t slk_sectors_load(slk_sectors_t *sectors, const slk_bitfield_t *set,
                            slk_sector_refs_t *out)
{
    slk_bit_iter_t it = slk_bitfield_iter(set);
    size_t cap = 0;
    *out = (slk_sector_refs_t){0};
    for (uint64_t number; slk_bit_next(&it, &number);) {
        slk_sector_on_chain_info_t *info;
        bool found;
        SLK_RT_TRY(slk_rt_alloc(sectors->rt, &info, 1, sizeof *info));
        SLK_RT_TRY(slk_sectors_get(sectors, number, info, &found));
        if (!found)
            return slk_rt_abort(sectors->rt, SLK_EXIT_USR_NOT_FOUND, "sector not found: %" PRIu64,
                                number);
        SLK_RT_TRY(append(sectors->rt, out, &cap, info));
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_sectors_store(slk_sectors_t *sectors, slk_sector_refs_t infos)
{
    for (size_t i = 0; i < infos.cnt; i++)
        SLK_RT_TRY(slk_array_set(sectors->rt, sectors->amt, infos.items[i]->sector_number,
                                 infos.items[i], &slk_sector_on_chain_info_type));
    return SLK_EXIT_OK;
}

slk_exit_t slk_sectors_delete(slk_sectors_t *sectors, const slk_bitfield_t *set)
{
    slk_bit_iter_t it = slk_bitfield_iter(set);
    for (uint64_t number; slk_bit_next(&it, &number);) {
        bool found;
        SLK_RT_TRY(slk_array_delete(sectors->rt, sectors->amt, number, &found));
        if (!found)
            return slk_rt_abort(sectors->rt, SLK_EXIT_USR_NOT_FOUND, "sector not found: %" PRIu64,
                                number);
    }
    return SLK_EXIT_OK;
}

static slk_exit_t post_sector(slk_sectors_t *sectors, uint64_t number, slk_post_sector_t *out)
{
    slk_sector_on_chain_info_t info;
    bool found;
    SLK_RT_TRY(slk_sectors_get(sectors, number, &info, &found));
    if (!found)
        return slk_rt_abort(sectors->rt, SLK_EXIT_USR_NOT_FOUND, "sector %" PRIu64 " not found",
                            number);
    *out = (slk_post_sector_t){.sector = number, .seal_proof = info.seal_proof};
    return slk_rt_err(sectors->rt,
                      slk_cid_to_commitment(&out->comm_r, SLK_CID_SEALED, &info.sealed_cid,
                                            slk_rt_diag(sectors->rt)),
                      SLK_EXIT_FATAL);
}

slk_exit_t slk_sectors_for_proof(slk_sectors_t *sectors, const slk_bitfield_t *proven,
                                 const slk_bitfield_t *ignored, slk_post_sector_t **out,
                                 size_t *cnt)
{
    slk_rt_t *rt = sectors->rt;
    slk_bitfield_t good;
    *cnt = 0;
    SLK_RT_TRY(slk_rt_difference(rt, &good, proven, ignored));
    SLK_RT_TRY(slk_rt_alloc(rt, out, slk_bitfield_count(&good), sizeof **out));
    slk_bit_iter_t it = slk_bitfield_iter(&good);
    for (uint64_t number; slk_bit_next(&it, &number); (*cnt)++)
        SLK_RT_TRY(post_sector(sectors, number, &(*out)[*cnt]));
    return SLK_EXIT_OK;
}
