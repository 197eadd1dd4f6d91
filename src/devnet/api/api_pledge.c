/* What sectors cost: deposits, pledge, what a miner has left; and what is in circulation. Formulas are those of the
 * actors (devnet/actors/miner/money.h) on the state of the tipset asked for. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "codec/actors/market.h"
#include "codec/actors/method.h"
#include "codec/economics/quality.h"
#include "devnet/actors/miner/money.h"
#include "selkie/proof_types.h"

#include <inttypes.h>

/* The node adds a tenth, as prices move between the question and the message. */
static slk_bigint_t with_margin(slk_bigint_t amount)
{
    return slk_bigint_div_trunc(slk_bigint_mul(amount, slk_bigint_u64(110)), slk_bigint_u64(100));
}

/* --- The network ------------------------------------------------------------------------------------------------- */

static slk_err_t get_supply(slk_ask_t *ask, const slk_tip_t *tip, slk_supply_t *supply)
{
    return slk_chain_supply(supply, ask->chain, slk_tip_parent_state(tip), tip->height, &ask->diag);
}

/* What the actors would ask reward and power for in this tipset. */
static slk_err_t get_network(slk_ask_t *ask, const slk_tip_t *tip, slk_miner_network_t *network)
{
    slk_err_t err;
    slk_reward_state_t reward;
    slk_power_state_t power;
    slk_supply_t supply;
    SLK_TRY(slk_view_singleton(ask, tip, SLK_ID_REWARD, &slk_reward_state_type, &reward));
    SLK_TRY(slk_view_singleton(ask, tip, SLK_ID_POWER, &slk_power_state_type, &power));
    SLK_TRY(get_supply(ask, tip, &supply));
    *network = (slk_miner_network_t){
        .reward = {.this_epoch_reward_smoothed = reward.this_epoch_reward_smoothed,
                   .this_epoch_baseline_power = reward.this_epoch_baseline_power},
        .power = {.raw_byte_power = power.this_epoch_raw_byte_power,
                  .quality_adj_power = power.this_epoch_quality_adj_power,
                  .pledge_collateral = power.this_epoch_pledge_collateral,
                  .quality_adj_power_smoothed = power.this_epoch_qa_power_smoothed,
                  .ramp_start_epoch = power.ramp_start_epoch,
                  .ramp_duration_epochs = power.ramp_duration_epochs},
        .supply = supply.circulating,
        .now = tip->height,
    };
out:
    return err;
}

/* --- Sectors ------------------------------------------------------------------------------------------------------- */

static slk_err_t sector_size(slk_ask_t *ask, int64_t seal_proof, uint64_t *size)
{
    slk_porep_t porep;
    *size = 0;
    if (seal_proof < 0 || seal_proof > INT32_MAX ||
        slk_porep_by_id(&porep, (int)seal_proof, NULL) != SLK_OK)
        return slk_ask_fail(ask, SLK_RPC_ERROR,
                            "failed to get resolve size: unsupported proof type: %" PRId64,
                            seal_proof);
    *size = porep.size->bytes;
    return SLK_OK;
}

static slk_bigint_t quality_power(uint64_t size, int64_t epochs, uint64_t verified_bytes)
{
    mpz_t qa, weight;
    slk_bigint_t out;
    mpz_init(qa);
    mpz_init_set_ui(weight, verified_bytes);
    mpz_mul_ui(weight, weight, (unsigned long)epochs);
    slk_qa_power(qa, size, epochs, weight);
    bool fits = slk_bigint_from_mpz(&out, qa);
    SLK_ASSERT(fits);
    mpz_clear(qa);
    mpz_clear(weight);
    return out;
}

static slk_err_t state_pre_commit_deposit(slk_ask_t *ask)
{
    uint64_t size = 0;
    slk_miner_network_t network;
    const slk_sector_pre_commit_info_t *info = ask->args[1].record;
    slk_err_t err = sector_size(ask, info->seal_proof, &size);
    if (err == SLK_OK)
        err = get_network(ask, ask->args[2].tip, &network);
    return err == SLK_OK
               ? slk_ask_amount(ask, with_margin(slk_miner_precommit_deposit(&network, size)))
               : err;
}

static slk_err_t pledge(slk_ask_t *ask, const slk_tip_t *tip, uint64_t size, int64_t epochs,
                        uint64_t verified_bytes)
{
    slk_miner_network_t network;
    slk_err_t err = get_network(ask, tip, &network);
    if (err != SLK_OK)
        return err;
    const slk_bigint_t qa = quality_power(size, epochs, verified_bytes);
    return slk_ask_amount(ask, with_margin(slk_miner_initial_pledge(&network, qa)));
}

/* Of a sector without deals in its pre-commit, which no sector has any more. */
static slk_err_t state_initial_pledge(slk_ask_t *ask)
{
    uint64_t size = 0;
    const slk_tip_t *tip = ask->args[2].tip;
    const slk_sector_pre_commit_info_t *info = ask->args[1].record;
    slk_err_t err = sector_size(ask, info->seal_proof, &size);
    if (err != SLK_OK)
        return err;
    if (info->expiration <= tip->height)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "sector duration must greater than 0");
    return pledge(ask, tip, size, info->expiration - tip->height, 0);
}

static slk_err_t state_initial_pledge_for_sector(slk_ask_t *ask)
{
    const int64_t epochs = ask->args[0].i;
    const uint64_t size = ask->args[1].u, verified = ask->args[2].u;
    if (epochs <= 0)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "sector duration must greater than 0");
    if (!size)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "sector size must be non-zero");
    if (verified > size)
        return slk_ask_fail(ask, SLK_RPC_ERROR,
                            "verified deal size must be less than or equal to sector size");
    return pledge(ask, ask->args[3].tip, size, epochs, verified);
}

static slk_err_t state_creation_deposit(slk_ask_t *ask)
{
    slk_miner_network_t network;
    slk_err_t err = get_network(ask, ask->args[0].tip, &network);
    if (err != SLK_OK)
        return err;
    const slk_bigint_t qa = slk_bigint_u64(slk_chain_policy(ask->chain)->creation_deposit_power);
    return slk_ask_amount(ask, slk_miner_initial_pledge(&network, qa));
}

/* --- What a miner has left ------------------------------------------------------------------------------------------- */

/* Funds that have vested and that no message has unlocked yet. */
static slk_err_t vested(slk_ask_t *ask, const slk_view_miner_t *miner, slk_bigint_t *sum)
{
    slk_vesting_funds_tail_t tail;
    const slk_vesting_funds_t *funds = miner->state.vesting_funds;
    *sum = slk_bigint_u64(0);
    if (!funds)
        return SLK_OK;
    slk_err_t err = slk_view_object(ask, &funds->tail, &slk_vesting_funds_tail_type, &tail);
    if (err == SLK_OK && funds->head.epoch < miner->tip->height)
        *sum = slk_bigint_add(*sum, funds->head.amount);
    for (size_t i = 0; err == SLK_OK && i < tail.funds.count; i++)
        if (tail.funds.items[i].epoch < miner->tip->height)
            *sum = slk_bigint_add(*sum, tail.funds.items[i].amount);
    return err;
}

static slk_bigint_t unlocked(const slk_view_miner_t *miner)
{
    slk_bigint_t left = slk_bigint_sub(miner->actor.balance, miner->state.locked_funds);
    left = slk_bigint_sub(left, miner->state.pre_commit_deposits);
    left = slk_bigint_sub(left, miner->state.initial_pledge);
    return slk_bigint_sub(left, miner->state.fee_debt);
}

static slk_err_t state_available_balance(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_bigint_t sum;
    slk_err_t err = slk_view_miner(ask, ask->args[1].tip, &ask->args[0].address, &miner);
    if (err == SLK_OK)
        err = vested(ask, &miner, &sum);
    return err == SLK_OK ? slk_ask_amount(ask, slk_bigint_add(sum, unlocked(&miner))) : err;
}

/* --- Circulation -------------------------------------------------------------------------------------------------------- */

static slk_err_t put_amount(slk_ask_t *ask, const char *name, const slk_bigint_t *amount)
{
    return slk_ask_put(ask, ask->result, name, &slk_api_bigint_type, &(slk_api_bigint_t){*amount});
}

static slk_err_t state_vm_supply(slk_ask_t *ask)
{
    slk_supply_t supply;
    slk_err_t err = get_supply(ask, ask->args[0].tip, &supply);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_object());
    const struct {
        const char *name;
        const slk_bigint_t *amount;
    } rows[] = {{"FilVested", &supply.vested},
                {"FilMined", &supply.mined},
                {"FilBurnt", &supply.burnt},
                {"FilLocked", &supply.locked},
                {"FilCirculating", &supply.circulating},
                {"FilReserveDisbursed", &supply.reserve_disbursed}};
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(rows); i++)
        err = put_amount(ask, rows[i].name, rows[i].amount);
    return err;
}

/* What accounts have, what the market has not locked, what miners could withdraw. */
typedef struct {
    slk_ask_t *ask;
    const slk_tip_t *tip;
    slk_bigint_t sum;
} circulating_t;

static slk_bigint_t unlocked_of_market(const slk_market_state_t *market, slk_bigint_t balance)
{
    balance = slk_bigint_sub(balance, market->total_client_locked_collateral);
    balance = slk_bigint_sub(balance, market->total_provider_locked_collateral);
    return slk_bigint_sub(balance, market->total_client_storage_fee);
}

static slk_err_t add_actor(void *ctx, uint64_t id, const slk_actor_state_t *actor, slk_diag_t *diag)
{
    circulating_t *c = ctx;
    slk_actor_kind_t kind;
    slk_view_miner_t miner;
    slk_market_state_t market;
    slk_bigint_t part = actor->balance;
    slk_err_t err = SLK_OK;
    (void)diag;
    if (id == SLK_ID_BURNT || id == SLK_ID_RESERVE ||
        !slk_actor_from_devnet_code(&kind, &actor->code))
        return SLK_OK;
    if (kind == SLK_ACTOR_MINER) {
        const slk_address_t address = slk_address_id(id);
        err = slk_view_miner(c->ask, c->tip, &address, &miner);
        part =
            err == SLK_OK ? slk_bigint_max(unlocked(&miner), slk_bigint_u64(0)) : slk_bigint_u64(0);
    } else if (kind == SLK_ACTOR_MARKET) {
        err = slk_view_object(c->ask, &actor->head, &slk_market_state_type, &market);
        if (err == SLK_OK)
            part = unlocked_of_market(&market, part);
    } else if (kind != SLK_ACTOR_ACCOUNT) {
        return SLK_OK;
    }
    c->sum = slk_bigint_add(c->sum, part);
    return err;
}

static slk_err_t state_circulating_supply(slk_ask_t *ask)
{
    slk_state_tree_t *tree = NULL;
    circulating_t c = {ask, ask->args[0].tip, slk_bigint_u64(0)};
    slk_err_t err = slk_chain_state(&tree, ask->chain, slk_tip_parent_state(c.tip), &ask->diag);
    if (err == SLK_OK)
        err = slk_state_tree_foreach(tree, add_actor, &c, &ask->diag);
    slk_state_tree_free(tree);
    return err == SLK_OK ? slk_ask_amount(ask, c.sum) : err;
}

const slk_ask_method_t slk_ask_pledge[] = {
    {"Filecoin.StateMinerPreCommitDepositForPower", SLK_PERM_READ, SLK_V01, 0, "apT",
     state_pre_commit_deposit},
    {"Filecoin.StateMinerInitialPledgeCollateral", SLK_PERM_READ, SLK_V01, 0, "apT",
     state_initial_pledge},
    {"Filecoin.StateMinerInitialPledgeForSector", SLK_PERM_READ, SLK_V1, 0, "iuuT",
     state_initial_pledge_for_sector},
    {"Filecoin.StateMinerCreationDeposit", SLK_PERM_READ, SLK_V1, 0, "T", state_creation_deposit},
    {"Filecoin.StateMinerAvailableBalance", SLK_PERM_READ, SLK_V01, 0, "aT",
     state_available_balance},
    {"Filecoin.StateVMCirculatingSupplyInternal", SLK_PERM_READ, SLK_V01, 0, "T", state_vm_supply},
    {"Filecoin.StateCirculatingSupply", SLK_PERM_READ, SLK_V01, 0, "T", state_circulating_supply},
    {0},
};
