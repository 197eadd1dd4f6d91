/* Pre-commits in a miner's state. */

#include "base/assert.h"
#include "codec/ipld/hamt.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/bitfield_queue.h"
#include "devnet/actors/miner/precommit.h"
#include "devnet/actors/state_map.h"

#include <inttypes.h>
#include <string.h>

/* --- Seals and CIDs --------------------------------------------------------------------------- */

bool slk_seal_porep(int64_t seal_proof, slk_porep_t *porep)
{
    slk_diag_t diag;
    return seal_proof >= 0 && seal_proof <= INT32_MAX &&
           slk_porep_by_id(porep, (int)seal_proof, &diag) == SLK_OK;
}

int64_t slk_max_prove_commit(const slk_policy_t *policy, int64_t seal_proof)
{
    slk_porep_t porep;
    if (!slk_seal_porep(seal_proof, &porep) || porep.version == SLK_API_V1_0 ||
        porep.feature == SLK_FEATURE_NI || !(policy->sector_sizes & porep.size->bytes))
        return 0;
    return policy->max_prove_commit_duration;
}

static bool is_commitment(const slk_cid_t *cid, slk_cid_kind_t kind)
{
    slk_node_t comm;
    slk_diag_t diag;
    return slk_cid_to_commitment(&comm, kind, cid, &diag) == SLK_OK;
}

bool slk_is_sealed_cid(const slk_cid_t *cid)
{
    return is_commitment(cid, SLK_CID_SEALED);
}

bool slk_is_unsealed_cid(const slk_cid_t *cid)
{
    return is_commitment(cid, SLK_CID_UNSEALED);
}

slk_exit_t slk_declared_comm_d(slk_rt_t *rt, const slk_cid_t *unsealed, int64_t seal_proof,
                               slk_node_t *comm_d)
{
    if (!slk_cid_defined(unsealed))
        return slk_rt_comm_d(rt, seal_proof, NULL, 0, comm_d);
    return slk_rt_err(rt,
                      slk_cid_to_commitment(comm_d, SLK_CID_UNSEALED, unsealed, slk_rt_diag(rt)),
                      SLK_EXIT_USR_ILLEGAL_ARGUMENT);
}

slk_exit_t slk_number_set_add(slk_rt_t *rt, slk_number_set_t *set, uint64_t number, bool *added)
{
    size_t low = 0, high = set->cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (set->numbers[mid] < number)
            low = mid + 1;
        else
            high = mid;
    }
    *added = low == set->cnt || set->numbers[low] != number;
    if (!*added)
        return SLK_EXIT_OK;
    if (set->cnt == set->cap) {
        uint64_t *more;
        const size_t cap = set->cap ? 2 * set->cap : 16;
        SLK_RT_TRY(slk_rt_alloc(rt, &more, cap, sizeof *more));
        if (set->cnt)
            memcpy(more, set->numbers, set->cnt * sizeof *more);
        set->numbers = more;
        set->cap = cap;
    }
    memmove(set->numbers + low + 1, set->numbers + low, (set->cnt - low) * sizeof *set->numbers);
    set->numbers[low] = number;
    set->cnt++;
    return SLK_EXIT_OK;
}

/* --- The map ---------------------------------------------------------------------------------- */

static slk_exit_t open_map(slk_rt_t *rt, const slk_miner_state_t *st, slk_hamt_t **map)
{
    return slk_rt_err(rt,
                      slk_hamt_load(map, slk_rt_store(rt), SLK_MAP_WIDTH,
                                    &st->pre_committed_sectors, slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

static slk_exit_t flush_map(slk_rt_t *rt, slk_miner_state_t *st, slk_hamt_t *map)
{
    return slk_rt_err(rt, slk_hamt_flush(map, &st->pre_committed_sectors, slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

static slk_exit_t put_one(slk_rt_t *rt, slk_hamt_t *map,
                          const slk_sector_pre_commit_on_chain_info_t *info)
{
    slk_buf_t buf = {0};
    slk_hamt_key_room_t room;
    bool added = false;
    const slk_bytes_t key = slk_hamt_key_uint(&room, info->info.sector_number);
    slk_err_t err =
        slk_record_encode(&buf, &slk_sector_pre_commit_on_chain_info_type, info, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_hamt_set_if_absent(map, key, (slk_bytes_t){buf.bytes, buf.len}, &added,
                                     slk_rt_diag(rt));
    slk_buf_free(&buf);
    SLK_RT_TRY(slk_rt_err(rt, err, SLK_EXIT_FATAL));
    if (!added)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "failed to write pre-committed sectors: sector %" PRIu64
                            " already pre-commited",
                            info->info.sector_number);
    return SLK_EXIT_OK;
}

slk_exit_t slk_precommits_put(slk_rt_t *rt, slk_miner_state_t *st,
                              const slk_sector_pre_commit_on_chain_info_t *infos, size_t cnt)
{
    slk_hamt_t *map = NULL;
    slk_exit_t exit;
    SLK_RT_GOTO(open_map(rt, st, &map));
    for (size_t i = 0; i < cnt; i++)
        SLK_RT_GOTO(put_one(rt, map, &infos[i]));
    SLK_RT_GOTO(flush_map(rt, st, map));
out:
    slk_hamt_free(map);
    return exit;
}

static slk_exit_t find_one(slk_rt_t *rt, slk_hamt_t *map, uint64_t sector,
                           slk_sector_pre_commit_on_chain_info_t *info, bool *found)
{
    slk_hamt_key_room_t room;
    slk_bytes_t value;
    SLK_RT_LIB(slk_hamt_get(map, &value, slk_hamt_key_uint(&room, sector), slk_rt_diag(rt)));
    *found = value.b != NULL;
    if (*found)
        SLK_RT_LIB(slk_record_decode(info, &slk_sector_pre_commit_on_chain_info_type, value.b,
                                     value.len, slk_rt_arena(rt), slk_rt_diag(rt)));
    return SLK_EXIT_OK;
}

slk_exit_t slk_precommits_find(slk_rt_t *rt, const slk_miner_state_t *st, const uint64_t *sectors,
                               size_t cnt, slk_sector_pre_commit_on_chain_info_t *infos,
                               bool *found)
{
    slk_hamt_t *map = NULL;
    slk_exit_t exit;
    SLK_RT_GOTO(open_map(rt, st, &map));
    for (size_t i = 0; i < cnt; i++)
        SLK_RT_GOTO(find_one(rt, map, sectors[i], &infos[i], &found[i]));
out:
    slk_hamt_free(map);
    return exit;
}

slk_exit_t slk_precommits_delete(slk_rt_t *rt, slk_miner_state_t *st, const uint64_t *sectors,
                                 size_t cnt)
{
    slk_hamt_t *map = NULL;
    slk_exit_t exit;
    SLK_RT_GOTO(open_map(rt, st, &map));
    for (size_t i = 0; i < cnt; i++) {
        slk_hamt_key_room_t room;
        const slk_bytes_t key = slk_hamt_key_uint(&room, sectors[i]);
        bool found = false;
        SLK_RT_GOTO(
            slk_rt_err(rt, slk_hamt_delete(map, key, &found, slk_rt_diag(rt)), SLK_EXIT_FATAL));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                     "sector %" PRIu64 " not pre-committed", sectors[i]));
    }
    SLK_RT_GOTO(flush_map(rt, st, map));
out:
    slk_hamt_free(map);
    return exit;
}

/* --- Clean-up --------------------------------------------------------------------------------- */

slk_exit_t slk_precommits_clean_up_at(slk_rt_t *rt, slk_miner_state_t *st, int64_t epoch,
                                      const slk_bitfield_t *sectors)
{
    return slk_bitfield_queue_add(rt, &st->pre_committed_sectors_clean_up,
                                  SLK_WIDTH_PRECOMMIT_CLEAN_UP,
                                  slk_miner_quant_every_deadline(rt, st), epoch, sectors);
}

slk_exit_t slk_miner_clean_up_precommits(slk_rt_t *rt, slk_miner_state_t *st,
                                         slk_bigint_t *deposits)
{
    slk_bitfield_t due;
    slk_sector_pre_commit_on_chain_info_t *infos;
    uint64_t *numbers;
    bool *found;
    size_t cnt = 0, left = 0;
    *deposits = slk_bigint_u64(0);
    SLK_RT_TRY(slk_bitfield_queue_pop(rt, &st->pre_committed_sectors_clean_up,
                                      SLK_WIDTH_PRECOMMIT_CLEAN_UP, slk_rt_epoch(rt), &due, NULL));
    const size_t due_cnt = (size_t)slk_bitfield_count(&due);
    if (!due_cnt)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_rt_alloc(rt, &infos, due_cnt, sizeof *infos));
    SLK_RT_TRY(slk_rt_alloc(rt, &numbers, due_cnt, sizeof *numbers));
    SLK_RT_TRY(slk_rt_alloc(rt, &found, due_cnt, sizeof *found));
    slk_bit_iter_t it = slk_bitfield_iter(&due);
    while (cnt < due_cnt && slk_bit_next(&it, &numbers[cnt]))
        cnt++;
    SLK_RT_TRY(slk_precommits_find(rt, st, numbers, cnt, infos, found));
    for (size_t i = 0; i < cnt; i++)
        if (found[i]) { /* the others have been proven */
            *deposits = slk_bigint_add(*deposits, infos[i].pre_commit_deposit);
            numbers[left++] = numbers[i];
        }
    SLK_RT_TRY(slk_precommits_delete(rt, st, numbers, left));
    return slk_rt_wrap(rt, slk_miner_add_deposit(rt, st, slk_bigint_neg(*deposits)),
                       "pre-commit clean up caused negative deposits");
}
