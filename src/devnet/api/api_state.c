/* State...: the network, actors, addresses, randomness, calls. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "codec/actors/account.h"
#include "codec/actors/init.h"
#include "codec/actors/method.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/vm/basic_state.h"

#include <inttypes.h>

#define NETWORK_VERSION 28

/* --- The network ------------------------------------------------------------------------------------------------ */

/* Upgrades lie below the genesis, the next one is not in sight, as on a new 2k network. */
static const struct {
    const char *name;
    int height;
} upgrades[] = {
    {"UpgradeSmokeHeight", -1},       {"UpgradeBreezeHeight", -1},
    {"UpgradeIgnitionHeight", -2},    {"UpgradeLiftoffHeight", -6},
    {"UpgradeAssemblyHeight", -5},    {"UpgradeRefuelHeight", -3},
    {"UpgradeTapeHeight", -4},        {"UpgradeKumquatHeight", -7},
    {"BreezeGasTampingDuration", 0},  {"UpgradeCalicoHeight", -9},
    {"UpgradePersianHeight", -10},    {"UpgradeOrangeHeight", -11},
    {"UpgradeClausHeight", -12},      {"UpgradeTrustHeight", -13},
    {"UpgradeNorwegianHeight", -14},  {"UpgradeTurboHeight", -15},
    {"UpgradeHyperdriveHeight", -16}, {"UpgradeChocolateHeight", -17},
    {"UpgradeOhSnapHeight", -18},     {"UpgradeSkyrHeight", -19},
    {"UpgradeSharkHeight", -20},      {"UpgradeHyggeHeight", -21},
    {"UpgradeLightningHeight", -22},  {"UpgradeThunderHeight", -23},
    {"UpgradeWatermelonHeight", -24}, {"UpgradeDragonHeight", -25},
    {"UpgradePhoenixHeight", -26},    {"UpgradeWaffleHeight", -27},
    {"UpgradeTuktukHeight", -28},     {"UpgradeTeepHeight", -29},
    {"UpgradeTockHeight", -30},       {"UpgradeGoldenWeekHeight", -31},
    {"UpgradeFireHorseHeight", -32},  {"UpgradeXxHeight", 99999999},
};

static json_t *fork_params(void)
{
    json_t *json = json_object();
    for (size_t i = 0; i < SLK_COUNT(upgrades); i++)
        json_object_set_new(json, upgrades[i].name, json_integer(upgrades[i].height));
    return json;
}

/* What a scaled proving period changes, beyond what the node answers. */
static json_t *policy_params(const slk_devnet_t *net)
{
    const slk_policy_t *p = &net->policy;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "WPoStProvingPeriod",
        (json_int_t)p->proving_period, "WPoStPeriodDeadlines", (json_int_t)p->deadlines,
        "WPoStChallengeWindow", (json_int_t)p->challenge_window, "WPoStChallengeLookback",
        (json_int_t)p->challenge_lookback, "FaultDeclarationCutoff",
        (json_int_t)p->fault_declaration_cutoff, "WPoStDisputeWindow",
        (json_int_t)p->dispute_window, "FaultMaxAge", (json_int_t)p->fault_max_age,
        "MinSectorExpiration", (json_int_t)p->min_sector_expiration, "MaxSectorExpirationExtension",
        (json_int_t)p->max_sector_extension, "MaxProveCommitDuration",
        (json_int_t)p->max_prove_commit_duration, "OptimisticPoSt", p->optimistic_post);
}

static slk_err_t state_network_params(slk_ask_t *ask)
{
    const slk_policy_t *p = slk_chain_policy(ask->chain);
    const slk_bigint_t least = slk_bigint_u64(p->consensus_min_power);
    return slk_ask_json(
        ask,
        json_pack("{s:s, s:I, s:s, s:I, s:o, s:I, s:I, s:o, s:I}", "NetworkName",
                  slk_chain_network_name(ask->chain), "BlockDelaySecs",
                  (json_int_t)p->block_delay_s, "ConsensusMinerMinPower", slk_bigint_text(&least).s,
                  "PreCommitChallengeDelay", (json_int_t)p->precommit_challenge_delay,
                  "ForkUpgradeParams", fork_params(), "Eip155ChainID", (json_int_t)p->eip155,
                  "GenesisTimestamp", (json_int_t)slk_chain_genesis_time(ask->chain),
                  "SelkieDevnetPolicy", policy_params(ask->net), "SelkieDevnetBlockMillis",
                  (json_int_t)slk_producer_status(ask->net->producer).block_ms));
}

static slk_err_t state_network_name(slk_ask_t *ask)
{
    return slk_ask_text(ask, slk_chain_network_name(ask->chain));
}

static slk_err_t state_network_version(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_integer(NETWORK_VERSION));
}

static slk_err_t state_actor_code_cids(slk_ask_t *ask)
{
    if (ask->args[0].u != NETWORK_VERSION)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "unsupported network version %" PRIu64,
                            ask->args[0].u);
    slk_err_t err = slk_ask_json(ask, json_object());
    for (unsigned i = 0; err == SLK_OK && i < SLK_ACTOR_COUNT; i++) {
        const slk_api_cid_t code = {slk_actor_devnet_code((slk_actor_kind_t)i)};
        err = slk_ask_put(ask, ask->result, slk_actor_name((slk_actor_kind_t)i), &slk_api_cid_type,
                          &code);
    }
    return err;
}

/* --- Actors ------------------------------------------------------------------------------------------------------- */

/* Whether the address stands for an id, which need not be that of an actor. */
static slk_err_t find_actor(slk_ask_t *ask, slk_actor_state_t *actor, uint64_t *id, bool *found)
{
    return slk_chain_actor(actor, id, found, ask->chain, slk_tip_parent_state(ask->args[1].tip),
                           &ask->args[0].address, &ask->diag);
}

static slk_err_t get_actor(slk_ask_t *ask, slk_actor_state_t *actor)
{
    bool found;
    uint64_t id;
    const slk_address_t *address = &ask->args[0].address;
    slk_err_t err = find_actor(ask, actor, &id, &found);
    if (err != SLK_OK || found)
        return err;
    if (slk_address_defined(address) && slk_address_protocol(address) == SLK_ADDRESS_ID)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "actor not found");
    const char *text = slk_ask_address_text(ask, address);
    return slk_ask_fail(ask, SLK_RPC_ERROR,
                        "resolution lookup failed (%s): resolve address %s: actor not found", text,
                        text);
}

static slk_err_t state_get_actor(slk_ask_t *ask)
{
    slk_actor_state_t actor;
    slk_err_t err = get_actor(ask, &actor);
    return err == SLK_OK ? slk_ask_record(ask, &slk_actor_state_type, &actor) : err;
}

static slk_err_t state_lookup_id(slk_ask_t *ask)
{
    slk_state_tree_t *tree = NULL;
    uint64_t id = 0;
    bool found = false;
    slk_err_t err =
        slk_chain_state(&tree, ask->chain, slk_tip_parent_state(ask->args[1].tip), &ask->diag);
    if (err == SLK_OK)
        err = slk_state_tree_resolve(tree, &ask->args[0].address, &id, &found, &ask->diag);
    slk_state_tree_free(tree);
    if (err != SLK_OK)
        return err;
    if (!found)
        return slk_ask_fail(ask, 11, "actor not found");
    const slk_address_t address = slk_address_id(id);
    return slk_ask_address(ask, &address);
}

static slk_err_t state_account_key(slk_ask_t *ask)
{
    slk_actor_state_t actor;
    slk_actor_kind_t kind;
    slk_address_t key;
    bool found;
    if (slk_address_is_key(&ask->args[0].address))
        return slk_ask_address(ask, &ask->args[0].address);
    slk_err_t err = get_actor(ask, &actor);
    const char *text = slk_ask_address_text(ask, &ask->args[0].address);
    if (err != SLK_OK)
        return slk_ask_wrap(ask, err, "failed to find actor %s", text);
    if (!slk_actor_from_devnet_code(&kind, &actor.code) || kind != SLK_ACTOR_ACCOUNT)
        return slk_ask_fail(ask, SLK_RPC_ERROR,
                            "failed to get account actor state for %s: actor code is not account: "
                            "%s",
                            text,
                            slk_actor_from_devnet_code(&kind, &actor.code) ? slk_actor_name(kind)
                                                                           : "unknown");
    err = slk_chain_account_key(&key, &found, ask->chain, slk_tip_parent_state(ask->args[1].tip),
                                &ask->args[0].address, &ask->diag);
    if (err == SLK_OK && !found)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "actor not found");
    return err == SLK_OK ? slk_ask_address(ask, &key) : err;
}

/* The address in init's map that leads to an id. */
typedef struct {
    uint64_t id;
    slk_address_t address;
} robust_t;

static slk_err_t look_robust(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                             slk_diag_t *diag)
{
    robust_t *robust = ctx;
    uint64_t id;
    slk_cbor_t r = slk_cbor_reader(value.b, value.len, diag);
    slk_err_t err = slk_cbor_uint(&r, &id);
    if (err != SLK_OK || id != robust->id)
        return err;
    *stop = true;
    return slk_address_from_bytes(&robust->address, key.b, key.len, diag);
}

static slk_err_t state_lookup_robust(slk_ask_t *ask)
{
    robust_t robust = {0};
    slk_init_state_t init;
    if (!slk_address_to_id(&ask->args[0].address, &robust.id))
        return slk_ask_address(ask, &ask->args[0].address);
    slk_err_t err =
        slk_view_singleton(ask, ask->args[1].tip, SLK_ID_INIT, &slk_init_state_type, &init);
    if (err == SLK_OK)
        err = slk_view_map_each(ask, &init.address_map, SLK_MAP_WIDTH, look_robust, &robust);
    if (err == SLK_OK && !slk_address_defined(&robust.address))
        return slk_ask_fail(ask, SLK_RPC_ERROR, "address %s not found",
                            slk_ask_address_text(ask, &ask->args[0].address));
    return err == SLK_OK ? slk_ask_address(ask, &robust.address) : err;
}

static slk_err_t add_actor(void *ctx, uint64_t id, const slk_actor_state_t *actor, slk_diag_t *diag)
{
    slk_ask_t *ask = ctx;
    const slk_api_address_t address = {slk_address_id(id)};
    (void)actor, (void)diag;
    return slk_ask_put(ask, ask->result, NULL, &slk_api_address_type, &address);
}

static slk_err_t state_list_actors(slk_ask_t *ask)
{
    slk_state_tree_t *tree = NULL;
    slk_err_t err =
        slk_chain_state(&tree, ask->chain, slk_tip_parent_state(ask->args[0].tip), &ask->diag);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_array());
    if (err == SLK_OK)
        err = slk_state_tree_foreach(tree, add_actor, ask, &ask->diag);
    slk_state_tree_free(tree);
    return err;
}

/* --- State in JSON ------------------------------------------------------------------------------------------------- */

static const struct {
    slk_actor_kind_t kind;
    const slk_type_t *type;
} states[] = {
    {SLK_ACTOR_SYSTEM, &slk_system_state_type},     {SLK_ACTOR_INIT, &slk_init_state_type},
    {SLK_ACTOR_REWARD, &slk_reward_state_type},     {SLK_ACTOR_CRON, &slk_cron_state_type},
    {SLK_ACTOR_POWER, &slk_power_state_type},       {SLK_ACTOR_MARKET, &slk_market_state_type},
    {SLK_ACTOR_VERIFREG, &slk_verifreg_state_type}, {SLK_ACTOR_DATACAP, &slk_datacap_state_type},
    {SLK_ACTOR_ACCOUNT, &slk_account_state_type},   {SLK_ACTOR_MINER, &slk_miner_state_type},
};

static const slk_type_t *state_type(const slk_cid_t *code)
{
    slk_actor_kind_t kind;
    if (slk_actor_from_devnet_code(&kind, code))
        for (size_t i = 0; i < SLK_COUNT(states); i++)
            if (states[i].kind == kind)
                return states[i].type;
    return NULL;
}

static slk_err_t state_read_state(slk_ask_t *ask)
{
    slk_actor_state_t actor;
    slk_err_t err = get_actor(ask, &actor);
    if (err != SLK_OK)
        return slk_ask_wrap(ask, err, "getting actor");
    const slk_type_t *type = state_type(&actor.code);
    if (!type)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "dumping actor state: unknown type of actor %s",
                            slk_cid_text(&actor.code).s);
    void *state = slk_arena_alloc(&ask->arena, type->size);
    if (!state)
        return slk_ask_json(ask, NULL);
    err = slk_view_object(ask, &actor.head, type, state);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_pack("{s:s}", "Balance", slk_bigint_text(&actor.balance).s));
    if (err == SLK_OK)
        err =
            slk_ask_put(ask, ask->result, "Code", &slk_api_cid_type, &(slk_api_cid_t){actor.code});
    return err == SLK_OK ? slk_ask_put(ask, ask->result, "State", type, state) : err;
}

/* --- Parameters of methods -------------------------------------------------------------------------------------------- */

static slk_err_t method_of(slk_ask_t *ask, const slk_cid_t *code, uint64_t number,
                           const slk_method_t **method)
{
    slk_actor_kind_t kind;
    *method = slk_actor_from_devnet_code(&kind, code) ? slk_method_by_number(kind, number) : NULL;
    return *method ? SLK_OK
                   : slk_ask_fail(ask, SLK_RPC_ERROR, "method %" PRIu64 " not found on actor %s",
                                  number, slk_cid_text(code).s);
}

/* (to, method, params, tipset) */
static slk_err_t state_decode_params(slk_ask_t *ask)
{
    bool found;
    slk_actor_state_t actor;
    const slk_method_t *method;
    slk_err_t err =
        slk_chain_actor(&actor, NULL, &found, ask->chain, slk_tip_parent_state(ask->args[3].tip),
                        &ask->args[0].address, &ask->diag);
    if (err == SLK_OK && !found)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "getting actor: actor not found");
    if (err == SLK_OK)
        err = method_of(ask, &actor.code, ask->args[1].u, &method);
    return err == SLK_OK ? slk_method_params_to_json(&ask->result, method, ask->args[2].bytes,
                                                     slk_ask_network(ask), &ask->diag)
                         : err;
}

/* (code, method, params as JSON) */
static slk_err_t state_encode_params(slk_ask_t *ask)
{
    slk_buf_t buf = {0};
    const slk_method_t *method;
    slk_err_t err = method_of(ask, &ask->args[0].cid, ask->args[1].u, &method);
    if (err == SLK_OK)
        err = slk_method_params_from_json(&buf, method, ask->args[2].json, &ask->diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, &ask->diag);
    if (err == SLK_OK)
        err = slk_ask_bytes(ask, buf.bytes, buf.len);
    slk_buf_free(&buf);
    return err;
}

/* --- Randomness -------------------------------------------------------------------------------------------------------- */

static const char *randomness_of(bool beacon)
{
    return beacon ? "getting beacon randomness" : "getting chain randomness";
}

static slk_err_t draw(slk_ask_t *ask, const slk_tip_t *from, bool beacon, const slk_arg_t *args)
{
    slk_node_t out;
    slk_err_t err = slk_chain_draw(&out, ask->chain, from, beacon, args[0].i, args[1].i,
                                   args[2].bytes.b, args[2].bytes.len, &ask->diag);
    return err == SLK_OK ? slk_ask_bytes(ask, out.b, sizeof out.b)
                         : slk_ask_wrap(ask, err, "%s", randomness_of(beacon));
}

static slk_err_t from_tickets(slk_ask_t *ask)
{
    return draw(ask, ask->args[3].tip, false, ask->args);
}

static slk_err_t from_beacon(slk_ask_t *ask)
{
    return draw(ask, ask->args[3].tip, true, ask->args);
}

static slk_err_t from_tickets_v0(slk_ask_t *ask)
{
    return draw(ask, ask->args[0].tip, false, ask->args + 1);
}

static slk_err_t from_beacon_v0(slk_ask_t *ask)
{
    return draw(ask, ask->args[0].tip, true, ask->args + 1);
}

static slk_err_t digest(slk_ask_t *ask, bool beacon)
{
    slk_node_t out;
    slk_err_t err =
        slk_chain_digest(&out, ask->chain, ask->args[1].tip, beacon, ask->args[0].i, &ask->diag);
    return err == SLK_OK ? slk_ask_bytes(ask, out.b, sizeof out.b)
                         : slk_ask_wrap(ask, err, "%s", randomness_of(beacon));
}

static slk_err_t digest_from_tickets(slk_ask_t *ask)
{
    return digest(ask, false);
}

static slk_err_t digest_from_beacon(slk_ask_t *ask)
{
    return digest(ask, true);
}

const slk_ask_method_t slk_ask_state[] = {
    {"Filecoin.StateNetworkName", SLK_PERM_READ, SLK_VALL, 0, "", state_network_name},
    {"Filecoin.StateNetworkVersion", SLK_PERM_READ, SLK_V01, 0, "T", state_network_version},
    {"Filecoin.StateGetNetworkParams", SLK_PERM_READ, SLK_V01, 0, "", state_network_params},
    {"Filecoin.StateActorCodeCIDs", SLK_PERM_READ, SLK_V01, 0, "u", state_actor_code_cids},
    {"Filecoin.StateGetActor", SLK_PERM_READ, SLK_V01, 0, "aT", state_get_actor},
    {"Filecoin.StateLookupID", SLK_PERM_READ, SLK_V01, 0, "aT", state_lookup_id},
    {"Filecoin.StateAccountKey", SLK_PERM_READ, SLK_V01, 0, "aT", state_account_key},
    {"Filecoin.StateLookupRobustAddress", SLK_PERM_READ, SLK_V1, 0, "aT", state_lookup_robust},
    {"Filecoin.StateListActors", SLK_PERM_READ, SLK_V01, 0, "T", state_list_actors},
    {"Filecoin.StateReadState", SLK_PERM_READ, SLK_V01, 0, "aT", state_read_state},
    {"Filecoin.StateDecodeParams", SLK_PERM_READ, SLK_V01, 0, "auxT", state_decode_params},
    {"Filecoin.StateEncodeParams", SLK_PERM_READ, SLK_V1, 0, "cuj", state_encode_params},
    {"Filecoin.StateGetRandomnessFromTickets", SLK_PERM_READ, SLK_V01, 0, "iixL", from_tickets},
    {"Filecoin.StateGetRandomnessFromBeacon", SLK_PERM_READ, SLK_V01, 0, "iixT", from_beacon},
    {"Filecoin.ChainGetRandomnessFromTickets", SLK_PERM_READ, SLK_V0, 0, "Tiix", from_tickets_v0},
    {"Filecoin.ChainGetRandomnessFromBeacon", SLK_PERM_READ, SLK_V0, 0, "Tiix", from_beacon_v0},
    {"Filecoin.StateGetRandomnessDigestFromTickets", SLK_PERM_READ, SLK_V1, 0, "iT",
     digest_from_tickets},
    {"Filecoin.StateGetRandomnessDigestFromBeacon", SLK_PERM_READ, SLK_V1, 0, "iT",
     digest_from_beacon},
    {0},
};
