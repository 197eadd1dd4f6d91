/* A new miner (spec chain.md 4.4, 9.1). */

#include "base/bytes.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/control.h"
#include "devnet/actors/miner/money.h"
#include "devnet/actors/state_map.h"
#include "selkie/post.h"
#include "selkie/r1cs.h"

#include <blake2.h>
#include <string.h>

/* The start of the proving period of now: offsets are spread over the day by a hash of who is
 * made when. */
static int64_t period_start(slk_rt_t *rt)
{
    const int64_t period = slk_rt_policy(rt)->proving_period, now = slk_rt_epoch(rt);
    const slk_address_t self = slk_address_id(slk_rt_receiver(rt));
    slk_buf_t buf = {0};
    uint8_t epoch[8], digest[32];
    slk_cbor_put_address(&buf, &self);
    slk_store_be64(epoch, (uint64_t)now);
    blake2b_state hash;
    blake2b_init(&hash, sizeof digest);
    blake2b_update(&hash, buf.bytes, buf.len);
    blake2b_update(&hash, epoch, sizeof epoch);
    blake2b_final(&hash, digest, sizeof digest);
    slk_buf_free(&buf);
    const int64_t offset = (int64_t)(slk_load_be64(digest) % (uint64_t)period);
    const int64_t since = (now % period - offset + period) % period;
    return now - since;
}

static slk_exit_t make_info(slk_rt_t *rt, const slk_miner_constructor_params_t *params,
                            slk_miner_info_t *info)
{
    slk_post_t post;
    *info = (slk_miner_info_t){.peer_id = params->peer_id,
                               .multiaddrs = params->multiaddrs,
                               .window_post_proof_type = params->window_post_proof_type,
                               .consensus_fault_elapsed = -1};
    SLK_RT_TRY(slk_miner_resolve(rt, &params->owner_addr, "owner address", &info->owner));
    SLK_RT_TRY(slk_miner_resolve_worker(rt, &params->worker_addr, &info->worker));
    SLK_RT_TRY(slk_miner_resolve_all(rt, &params->control_addrs, &info->control_addresses));
    info->beneficiary = info->owner;
    SLK_RT_LIB(slk_post_by_id(&post, (int)params->window_post_proof_type, slk_rt_diag(rt)));
    info->sector_size = post.size->bytes;
    info->window_post_partition_sectors = slk_window_sectors(post.size);
    return SLK_EXIT_OK;
}

static slk_exit_t empty_state(slk_rt_t *rt, slk_miner_state_t *st)
{
    const slk_value_bitfield_t none = {0};
    *st = (slk_miner_state_t){.proving_period_start = period_start(rt)};
    st->current_deadline = (uint64_t)((slk_rt_epoch(rt) - st->proving_period_start) /
                                      slk_rt_policy(rt)->challenge_window);
    SLK_RT_LIB(slk_empty_map(&st->pre_committed_sectors, SLK_MAP_WIDTH, slk_rt_store(rt),
                             slk_rt_diag(rt)));
    SLK_RT_TRY(
        slk_array_empty(rt, SLK_WIDTH_PRECOMMIT_CLEAN_UP, &st->pre_committed_sectors_clean_up));
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_SECTORS, &st->sectors));
    SLK_RT_LIB(slk_object_put(&st->allocated_sectors, &slk_value_bitfield_type, &none,
                              slk_rt_store(rt), slk_rt_diag(rt)));
    return slk_deadlines_new(rt, &st->deadlines);
}

/* Enough for the deposit that every new miner pays (FIP-0077). */
static slk_exit_t check_deposit(slk_rt_t *rt, slk_bigint_t *deposit)
{
    slk_miner_network_t network;
    const slk_bigint_t balance = slk_rt_balance(rt);
    SLK_RT_TRY(slk_miner_network(rt, &network));
    *deposit = slk_miner_initial_pledge(&network,
                                        slk_bigint_u64(slk_rt_policy(rt)->creation_deposit_power));
    if (slk_bigint_cmp(&balance, deposit) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "not enough balance to lock for create miner deposit: sent balance %s "
                            "< deposit %s",
                            slk_bigint_text(&balance).s, slk_bigint_text(deposit).s);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_constructor(slk_rt_t *rt)
{
    const uint64_t init = SLK_ID_INIT;
    slk_miner_constructor_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_bigint_t deposit, unlocked;
    SLK_RT_TRY(slk_rt_require_caller(rt, &init, 1));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_miner_constructor_params_type));
    SLK_RT_TRY(slk_miner_check_controls(rt, &params.control_addrs));
    SLK_RT_TRY(slk_miner_check_peer(rt, params.peer_id, &params.multiaddrs));
    if (!slk_window_post_allowed(slk_rt_policy(rt), params.window_post_proof_type))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "proof type %s not allowed for new miner actors",
                            slk_post_proof_name(params.window_post_proof_type).s);
    SLK_RT_TRY(check_deposit(rt, &deposit));
    SLK_RT_TRY(make_info(rt, &params, &info));
    SLK_RT_TRY(empty_state(rt, &st));
    SLK_RT_TRY(slk_miner_lock_funds(rt, &st, deposit, &unlocked));
    SLK_RT_TRY(slk_miner_save_info(rt, &st, &info));
    return slk_miner_save(rt, &st);
}
