#include "app/actor_calls_impl.h"

#include "base/assert.h"
#include "codec/base58.h"
#include "codec/multiaddr.h"

#include <string.h>

static json_t *text_json(const slk_bigint_t *number)
{
    return json_string(slk_bigint_text(number).s);
}

/* --- Parts --------------------------------------------------------------------------------- */

static void roles_json(json_t *json, const slk_miner_talk_t *miner)
{
    const slk_api_miner_info_t *info = &miner->info;
    slk_network_t network = miner->talk.api.network;
    json_t *controls = json_array();
    for (size_t i = 0; i < info->control_addresses.count; i++)
        json_array_append_new(controls,
                              slk_address_json(&info->control_addresses.items[i], network));
    slk_json_set(json, "actor", slk_address_json(&miner->id, network));
    slk_json_set(json, "owner", slk_address_json(&info->owner, network));
    slk_json_set(json, "worker", slk_address_json(&info->worker, network));
    slk_json_set(json, "controls", controls);
    slk_json_set(json, "new_worker", slk_address_json(&info->new_worker, network));
    slk_json_set(json, "worker_change_epoch",
                 slk_address_defined(&info->new_worker) ? json_integer(info->worker_change_epoch)
                                                        : json_null());
    slk_json_set(json, "pending_owner", slk_address_json(&info->pending_owner_address, network));
}

static void beneficiary_json(json_t *json, const slk_miner_talk_t *miner)
{
    const slk_api_miner_info_t *info = &miner->info;
    slk_network_t network = miner->talk.api.network;
    const slk_beneficiary_term_t *term = info->beneficiary_term;
    const slk_pending_beneficiary_change_t *pending = info->pending_beneficiary_term;
    slk_json_set(json, "beneficiary", slk_address_json(&info->beneficiary, network));
    if (term && !slk_address_eq(&info->beneficiary, &info->owner)) {
        slk_amount_json(json, "beneficiary_quota", &term->quota);
        slk_amount_json(json, "beneficiary_used_quota", &term->used_quota);
        slk_json_set(json, "beneficiary_expiration", json_integer(term->expiration));
    }
    if (!pending)
        return;
    slk_json_set(json, "pending_beneficiary", slk_address_json(&pending->new_beneficiary, network));
    slk_amount_json(json, "pending_quota", &pending->new_quota);
    slk_json_set(json, "pending_expiration", json_integer(pending->new_expiration));
    slk_json_set(json, "approved_by_beneficiary", json_boolean(pending->approved_by_beneficiary));
    slk_json_set(json, "approved_by_nominee", json_boolean(pending->approved_by_nominee));
}

static void place_json(json_t *json, const slk_miner_talk_t *miner)
{
    const slk_api_miner_info_t *info = &miner->info;
    char text[SLK_MULTIADDR_TEXT_SZ];
    json_t *addrs = json_array();
    bool fits = info->peer_id.len && info->peer_id.len <= SLK_BASE58_BYTES_MAX;
    if (fits)
        slk_base58_encode(text, info->peer_id.b, info->peer_id.len);
    slk_json_set(json, "peer_id", fits ? json_string(text) : json_null());
    for (size_t i = 0; i < info->multiaddrs.count; i++) {
        const slk_bytes_t *bytes = &info->multiaddrs.items[i];
        bool ok = slk_multiaddr_to_text(text, bytes->b, bytes->len, NULL) == SLK_OK;
        json_array_append_new(addrs, json_string(ok ? text : "(no multiaddr)"));
    }
    slk_json_set(json, "multiaddrs", addrs);
    slk_json_set(json, "sector_size", json_integer((json_int_t)info->sector_size));
    slk_json_set(json, "window_post_proof_type", json_integer(info->window_post_proof_type));
    slk_json_set(json, "consensus_fault_elapsed", json_integer(info->consensus_fault_elapsed));
}

/* Nodes need not show an actor's state; then only what can be withdrawn and the balance are known. */
static slk_err_t funds_json(json_t *json, slk_miner_talk_t *miner, slk_diag_t *diag)
{
    slk_api_bigint_t available;
    slk_actor_state_t actor;
    slk_miner_funds_t funds;
    slk_diag_t why;
    slk_node_talk_t *talk = &miner->talk;
    slk_err_t err;
    SLK_TRY(slk_api_StateMinerAvailableBalance(&talk->api, &miner->id, NULL, &talk->arena,
                                               &available, diag));
    slk_amount_json(json, "available", &available.v);
    if (slk_miner_funds(miner, &funds, &why) == SLK_OK) {
        slk_amount_json(json, "balance", &funds.balance);
        slk_amount_json(json, "locked", &funds.locked);
        slk_amount_json(json, "deposits", &funds.deposits);
        slk_amount_json(json, "pledge", &funds.pledge);
        slk_amount_json(json, "fee_debt", &funds.fee_debt);
        return SLK_OK;
    }
    SLK_TRY(slk_api_StateGetActor(&talk->api, &miner->id, NULL, &talk->arena, &actor, diag));
    slk_amount_json(json, "balance", &actor.balance);
    static const char *const missing[] = {"locked", "deposits", "pledge", "fee_debt"};
    for (size_t i = 0; i < SLK_COUNT(missing); i++)
        slk_json_set(json, missing[i], json_null());
out:
    return err;
}

static slk_err_t power_json(json_t *json, slk_miner_talk_t *miner, slk_diag_t *diag)
{
    slk_api_miner_power_t power;
    slk_api_sector_count_t sectors;
    slk_node_talk_t *talk = &miner->talk;
    slk_err_t err;
    SLK_TRY(slk_api_StateMinerPower(&talk->api, &miner->id, NULL, &talk->arena, &power, diag));
    SLK_TRY(
        slk_api_StateMinerSectorCount(&talk->api, &miner->id, NULL, &talk->arena, &sectors, diag));
    slk_json_set(json, "raw_power", text_json(&power.miner_power.raw_byte_power));
    slk_json_set(json, "qa_power", text_json(&power.miner_power.quality_adj_power));
    slk_json_set(json, "network_raw_power", text_json(&power.total_power.raw_byte_power));
    slk_json_set(json, "network_qa_power", text_json(&power.total_power.quality_adj_power));
    slk_json_set(json, "has_min_power", json_boolean(power.has_min_power));
    slk_json_set(json, "live_sectors", json_integer((json_int_t)sectors.live));
    slk_json_set(json, "active_sectors", json_integer((json_int_t)sectors.active));
    slk_json_set(json, "faulty_sectors", json_integer((json_int_t)sectors.faulty));
out:
    return err;
}

static slk_err_t deadline_json(json_t *json, slk_miner_talk_t *miner, slk_diag_t *diag)
{
    slk_api_deadline_info_t deadline;
    slk_err_t err = slk_api_StateMinerProvingDeadline(&miner->talk.api, &miner->id, NULL,
                                                      &miner->talk.arena, &deadline, diag);
    if (err != SLK_OK)
        return err;
    slk_json_set(json, "epoch", json_integer(deadline.current_epoch));
    slk_json_set(json, "period_start", json_integer(deadline.period_start));
    slk_json_set(json, "deadline", json_integer((json_int_t)deadline.index));
    slk_json_set(json, "deadline_open", json_integer(deadline.open));
    slk_json_set(json, "deadline_close", json_integer(deadline.close));
    return SLK_OK;
}

slk_err_t slk_actor_info(const slk_actor_use_t *use, json_t **result, slk_diag_t *diag)
{
    slk_miner_talk_t miner;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    json_t *json = *result = json_object();
    roles_json(json, &miner);
    beneficiary_json(json, &miner);
    place_json(json, &miner);
    SLK_TRY(funds_json(json, &miner, diag));
    SLK_TRY(power_json(json, &miner, diag));
    err = deadline_json(json, &miner, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

/* --- control list -------------------------------------------------------------------------- */

static slk_err_t add_role(json_t *rows, slk_miner_talk_t *miner, const char *role,
                          const slk_address_t *id, slk_diag_t *diag)
{
    slk_node_talk_t *talk = &miner->talk;
    slk_actor_state_t actor;
    slk_address_t key;
    slk_diag_t why;
    slk_err_t err = slk_api_StateGetActor(&talk->api, id, NULL, &talk->arena, &actor, diag);
    if (err != SLK_OK)
        return err;
    bool has_key = slk_resolve_key(talk, id, &key, &why) == SLK_OK;
    json_t *row = json_object();
    slk_json_set(row, "name", json_string(role));
    slk_json_set(row, "id", slk_address_json(id, talk->api.network));
    slk_json_set(row, "key", has_key ? slk_address_json(&key, talk->api.network) : json_null());
    slk_amount_json(row, "balance", &actor.balance);
    json_array_append_new(rows, row);
    return SLK_OK;
}

slk_err_t slk_actor_control_list(const slk_actor_use_t *use, json_t **result, slk_diag_t *diag)
{
    slk_miner_talk_t miner;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    const slk_api_miner_info_t *info = &miner.info;
    json_t *rows = *result = json_array();
    SLK_TRY(add_role(rows, &miner, "owner", &info->owner, diag));
    SLK_TRY(add_role(rows, &miner, "worker", &info->worker, diag));
    if (slk_address_defined(&info->beneficiary))
        SLK_TRY(add_role(rows, &miner, "beneficiary", &info->beneficiary, diag));
    for (size_t i = 0; i < info->control_addresses.count; i++) {
        char role[32];
        snprintf(role, sizeof role, "control-%zu", i);
        SLK_TRY(add_role(rows, &miner, role, &info->control_addresses.items[i], diag));
    }
out:
    slk_miner_talk_close(&miner);
    return err;
}
