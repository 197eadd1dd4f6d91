/* What proofs of new sectors share, with and without pre-commits. */

#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/array.h"

#define AGGREGATE_MIN    4u
#define AGGREGATE_MAX    819u
#define AGGREGATE_NI_MIN 1u
#define AGGREGATE_NI_MAX 65u
#define AGGREGATE_BYTES  81960u

#define TAG_TICKET 5
#define TAG_SEED   6

/* --- Randomness ------------------------------------------------------------------------------- */

typedef slk_exit_t draw_t(slk_rt_t *rt, slk_node_t *out, int64_t tag, int64_t epoch,
                          const void *entropy, size_t len);

/* The entropy is the miner's ID address. */
static slk_exit_t draw(slk_rt_t *rt, draw_t *from, int64_t tag, int64_t epoch, slk_node_t *out)
{
    slk_buf_t buf = {0};
    const slk_address_t self = slk_address_id(slk_rt_receiver(rt));
    slk_cbor_put_address(&buf, &self);
    slk_exit_t exit = slk_rt_err(rt, slk_buf_check(&buf, slk_rt_diag(rt)), SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = from(rt, out, tag, epoch, buf.bytes, buf.len);
    slk_buf_free(&buf);
    return exit;
}

slk_exit_t slk_seal_ticket(slk_rt_t *rt, int64_t epoch, slk_node_t *ticket)
{
    return draw(rt, slk_rt_ticket_randomness, TAG_TICKET, epoch, ticket);
}

slk_exit_t slk_seal_seed(slk_rt_t *rt, int64_t epoch, slk_node_t *seed)
{
    return draw(rt, slk_rt_beacon_randomness, TAG_SEED, epoch, seed);
}

/* --- Aggregates ------------------------------------------------------------------------------- */

slk_exit_t slk_check_aggregate(slk_rt_t *rt, slk_bytes_t proof, size_t sector_cnt, bool interactive)
{
    const size_t least = interactive ? AGGREGATE_MIN : AGGREGATE_NI_MIN;
    const size_t most = interactive ? AGGREGATE_MAX : AGGREGATE_NI_MAX;
    if (sector_cnt > most)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "too many sectors addressed, addressed %zu want <= %zu", sector_cnt,
                            most);
    if (sector_cnt < least)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "too few sectors addressed, addressed %zu want >= %zu", sector_cnt,
                            least);
    if (proof.len > AGGREGATE_BYTES)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "sector prove-commit proof of size %zu exceeds max size of %u",
                            proof.len, AGGREGATE_BYTES);
    return SLK_EXIT_OK;
}

slk_exit_t slk_verify_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                int64_t aggregate_type, slk_bytes_t proof)
{
    static const char failed[] = "aggregate seal verify failed";
    bool ok;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_rt_verify_aggregate(rt, infos, cnt, aggregate_type, proof, &ok),
                           "%s", failed));
    if (!ok)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "%s: failed to verify aggregate: illegal argument", failed);
    return SLK_EXIT_OK;
}

/* --- Sectors ---------------------------------------------------------------------------------- */

slk_sector_on_chain_info_t slk_new_sector(const slk_miner_network_t *network,
                                          const slk_miner_info_t *info,
                                          const slk_activation_t *activation,
                                          const slk_cid_t *sealed)
{
    const slk_bigint_t duration = slk_bigint_i64(activation->expiration - network->now);
    slk_sector_on_chain_info_t sector = {
        .sector_number = activation->sector,
        .seal_proof = activation->seal_proof,
        .sealed_cid = *sealed,
        .activation = network->now,
        .expiration = activation->expiration,
        .deal_weight = slk_bigint_mul(activation->unverified_space, duration),
        .verified_deal_weight = slk_bigint_mul(activation->verified_space, duration),
        .power_base_epoch = network->now,
        .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    const slk_bigint_t power = slk_sector_qa_power(info->sector_size, &sector);
    sector.initial_pledge = slk_miner_initial_pledge(network, power);
    sector.daily_fee = slk_miner_daily_fee(network->supply, power);
    return sector;
}

slk_exit_t slk_miner_lock_pledge(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta)
{
    slk_bigint_t unlocked;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlocked_balance(rt, st, &unlocked),
                           "failed to calculate unlocked balance"));
    if (slk_bigint_sign(&delta) > 0 && slk_bigint_cmp(&unlocked, &delta) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "insufficient funds for aggregate initial pledge requirement %s, "
                            "available: %s",
                            slk_fil_text(&delta).s, slk_fil_text(&unlocked).s);
    return slk_rt_wrap(rt, slk_miner_add_pledge(rt, st, delta), "failed to add initial pledge");
}
