/* Lives of pre-committed sectors: proven with a real proof, proven wrongly, never proven.
 * Sectors, proofs, ticket and seed are recorded ones; the chain of these tests draws that ticket
 * and that seed at all epochs. */

#include "base/bytes.h"
#include "codec/actors/market.h"
#include "codec/actors/verifreg.h"
#include "crypto/keys/signature.h"
#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/precommit.h"
#include "devnet/actors/miner/test_miner.h"

#include <inttypes.h>

#define MINER  1000u
#define SECTOR 4u

typedef struct {
    test_machine_t tm;
    json_t *message;
    slk_node_t ticket, seed;
    slk_prove_commit_sectors3_params_t params; /* as recorded */
    slk_sector_pre_commit_info_t info;
    slk_bytes_t proof;
} life_t;

/* --- A chain ---------------------------------------------------------------------------------- */

static slk_err_t draw(void *ctx, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                      const void *entropy, size_t len, slk_diag_t *diag)
{
    const life_t *life = ctx;
    (void)epoch;
    (void)entropy;
    (void)len;
    (void)diag;
    assert_int_equal(tag, beacon ? 6 : 5);
    *out = beacon ? life->seed : life->ticket;
    return SLK_OK;
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    return text;
}

static slk_cid_t cid_of(const json_t *json, const char *key)
{
    slk_cid_t cid = {0};
    slk_diag_t diag;
    const json_t *value = json_object_get(json, key);
    if (!json_is_null(value))
        assert_ok(slk_cid_from_text(&cid, text_of(value, "/"), &diag), diag);
    return cid;
}

/* What was recorded of a proof of one sector. */
static void load(life_t *life, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", name);
    life->message = test_vectors(path);
    const json_t *input = json_array_get(json_object_get(life->message, "inputs"), 0);
    const json_t *info = json_object_get(json_object_get(input, "precommit"), "Info");
    const char *hex = text_of(life->message, "params_hex");
    uint8_t *bytes = slk_arena_alloc(&life->tm.arena, strlen(hex));
    assert_true(slk_hex_decode(bytes, strlen(hex) / 2, hex));
    assert_ok(slk_record_decode(&life->params, &slk_prove_commit_sectors3_params_type, bytes,
                                strlen(hex) / 2, &life->tm.arena, &life->tm.diag),
              life->tm.diag);
    life->ticket = node_from_hex(text_of(input, "ticket_hex"));
    life->seed = node_from_hex(text_of(input, "seed_hex"));
    life->proof = life->params.sector_proofs.items[0];
    life->info = (slk_sector_pre_commit_info_t){
        .seal_proof = 5,
        .sector_number = life->params.sector_activations.items[0].sector_number,
        .sealed_cid = cid_of(info, "SealedCID"),
        .seal_rand_epoch = -1,
        .unsealed_cid = cid_of(info, "UnsealedCid")};
}

static void open_life(life_t *life, const slk_policy_t *policy, const char *name)
{
    static char keys[1024];
    slk_cid_t root;
    test_machine_t *tm = &life->tm;
    test_machine_open(tm, policy);
    load(life, name);
    snprintf(keys, sizeof keys, "%s/vk", SLK_VECTORS);
    tm->env.params_dir = keys;
    tm->env.draw = draw;
    tm->env.draw_ctx = life;
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    slk_machine_free(tm->machine);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
    assert_int_equal(test_new_miner(tm, 0, 10), MINER);
    life->info.expiration =
        tm->policy.max_prove_commit_duration + tm->policy.min_sector_expiration + 1000;
}

static void close_life(life_t *life)
{
    json_decref(life->message);
    test_machine_close(&life->tm);
}

/* --- Messages --------------------------------------------------------------------------------- */

static slk_exit_t precommit(life_t *life)
{
    const slk_pre_commit_sector_batch2_params_t params = {{&life->info, 1}};
    return test_send(&life->tm, 0, MINER, 28, &params, &slk_pre_commit_sector_batch2_params_type,
                     slk_bigint_u64(0));
}

static slk_exit_t prove(life_t *life)
{
    life->params.sector_proofs.items[0] = life->proof;
    return test_send(&life->tm, 0, MINER, 34, &life->params, &slk_prove_commit_sectors3_params_type,
                     slk_bigint_u64(0));
}

#define assert_exit(want, call, words)                                                             \
    do {                                                                                           \
        slk_exit_t assert_exit_got = (call);                                                       \
        if (assert_exit_got != (want) || !strstr(life.tm.applied.text, (words)))                   \
            fail_msg("%s: exit %d, %s", #call, assert_exit_got, life.tm.applied.text);             \
    } while (0)

static bool more(slk_bigint_t a, slk_bigint_t b)
{
    return slk_bigint_cmp(&a, &b) > 0;
}

static slk_miner_state_t state_of(life_t *life)
{
    slk_miner_state_t st;
    test_read_state(&life->tm, MINER, &st, &slk_miner_state_type);
    return st;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void check_sector(life_t *life)
{
    slk_rt_t rt = test_rt(&life->tm, MINER);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_sector_on_chain_info_t info;
    slk_deadlines_t deadlines;
    uint64_t deadline, partition;
    bool found, active;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_sectors_get(&sectors, SECTOR, &info, &found));
    slk_sectors_close(&sectors);
    assert_true(found);
    assert_int_equal(info.activation, life->tm.env.epoch);
    assert_int_equal(info.power_base_epoch, life->tm.env.epoch);
    assert_bigint(st.initial_pledge, info.initial_pledge);
    assert_bigint(info.initial_pledge, test_atto("59604643840"));
    assert_bigint(st.pre_commit_deposits, slk_bigint_u64(0));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_find(&rt, &deadlines, SECTOR, &deadline, &partition, &found));
    assert_true(found);
    /* It is there, healthy, and not proven: no power. */
    assert_rt(&rt, slk_miner_sector_active(&rt, &st, deadline, partition, SECTOR, false, &active));
    assert_true(active);
    assert_rt(&rt, slk_miner_sector_active(&rt, &st, deadline, partition, SECTOR, true, &active));
    assert_false(active);
}

static void test_a_real_proof(void **state)
{
    (void)state;
    life_t life = {0};
    open_life(&life, NULL, "ProveCommitSectors3-1");
    const slk_bigint_t all = test_all_balances(&life.tm);
    test_set_epoch(&life.tm, 100);
    assert_exit(SLK_EXIT_OK, precommit(&life), "");
    const slk_bigint_t deposit = state_of(&life).pre_commit_deposits;
    assert_true(more(deposit, slk_bigint_u64(0)));
    assert_true(state_of(&life).deadline_cron_active);

    test_set_epoch(&life.tm, 110);
    assert_exit(SLK_EXIT_USR_FORBIDDEN, prove(&life), "too early to prove sector");
    test_set_epoch(&life.tm, 111);
    const slk_bytes_t good = life.proof;
    uint8_t bad[192];
    assert_int_equal(good.len, sizeof bad);
    memcpy(bad, good.b + 96, 96); /* points of the curve, in the wrong places */
    memcpy(bad + 96, good.b, 96);
    life.proof = (slk_bytes_t){bad, sizeof bad};
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "no valid proofs specified");
    life.proof = good;
    life.seed.b[3] ^= 1;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "no valid proofs specified");
    life.seed.b[3] ^= 1;
    life.ticket.b[3] ^= 1;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "no valid proofs specified");
    life.ticket.b[3] ^= 1;

    assert_exit(SLK_EXIT_OK, prove(&life), "");
    check_sector(&life);
    assert_exit(SLK_EXIT_USR_NOT_FOUND, prove(&life), "loading precommits: sector 4 not found");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, precommit(&life), "already allocated");
    assert_bigint(test_all_balances(&life.tm), all);
    close_life(&life);
}

/* A chain without the keys for a proof refuses it and goes on. */
static void test_no_verifying_key(void **state)
{
    (void)state;
    life_t life = {0};
    slk_cid_t root;
    open_life(&life, NULL, "ProveCommitSectors3-1");
    test_machine_t *tm = &life.tm;
    test_set_epoch(tm, 100);
    assert_exit(SLK_EXIT_OK, precommit(&life), "");
    tm->env.params_dir = "/nowhere";
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    slk_machine_free(tm->machine);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
    test_set_epoch(tm, 111);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "/nowhere/v28-stacked-proof");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, precommit(&life), "already allocated");
    close_life(&life);
}

/* A network with short periods, so that pre-commits run out soon. */
static slk_policy_t short_policy(void)
{
    slk_policy_t policy = slk_policy_scaled(slk_policy_by_name("2k"), 6, 10);
    policy.max_prove_commit_duration = 60;
    policy.expired_precommit_delay = 20;
    return policy;
}

static void test_a_pre_commit_that_expires(void **state)
{
    (void)state;
    life_t life = {0};
    const slk_policy_t policy = short_policy();
    open_life(&life, &policy, "ProveCommitSectors3-1");
    const slk_bigint_t all = test_all_balances(&life.tm);
    test_ticks(&life.tm, 5);
    assert_exit(SLK_EXIT_OK, precommit(&life), "");
    const slk_bigint_t deposit = state_of(&life).pre_commit_deposits;
    test_ticks(&life.tm, 61);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "no valid precommits specified");
    life.params.require_activation_success = true;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life),
                "invalid pre-commit 0 while requiring activation success");
    life.params.require_activation_success = false;

    /* 5 + 60 + 20, rounded up to the end of a deadline, and cleaned up at most one deadline
     * later. */
    const slk_bigint_t locked = state_of(&life).locked_funds;
    slk_bigint_t burnt = test_balance(&life.tm, SLK_ID_BURNT);
    while (more(state_of(&life).pre_commit_deposits, slk_bigint_u64(0))) {
        burnt = test_balance(&life.tm, SLK_ID_BURNT);
        assert_true(life.tm.env.epoch < 105);
        test_ticks(&life.tm, 1);
    }
    assert_true(life.tm.env.epoch >= 85);
    /* The deposit is burnt, out of what was vesting first. */
    assert_bigint(slk_bigint_sub(test_balance(&life.tm, SLK_ID_BURNT), burnt), deposit);
    assert_true(more(locked, state_of(&life).locked_funds));
    assert_exit(SLK_EXIT_USR_NOT_FOUND, prove(&life), "sector 4 not found");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, precommit(&life), "already allocated");
    assert_bigint(test_all_balances(&life.tm), all);
    close_life(&life);
}

/* Take what is free away: all of it becomes pledge. */
static void lock_everything(life_t *life)
{
    slk_rt_t rt = test_rt(&life->tm, MINER);
    slk_miner_state_t st;
    slk_bigint_t unlocked;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_miner_unlocked_balance(&rt, &st, &unlocked));
    assert_rt(&rt, slk_miner_add_pledge(&rt, &st, unlocked));
    assert_rt(&rt, slk_miner_save(&rt, &st));
}

/* As if the pre-commit had cost next to nothing. */
static void lower_deposit(life_t *life)
{
    slk_rt_t rt = test_rt(&life->tm, MINER);
    slk_miner_state_t st;
    slk_sector_pre_commit_on_chain_info_t info;
    const uint64_t number = SECTOR;
    bool found;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_precommits_find(&rt, &st, &number, 1, &info, &found));
    assert_rt(&rt, slk_precommits_delete(&rt, &st, &number, 1));
    info.pre_commit_deposit = slk_bigint_u64(1);
    assert_rt(&rt, slk_precommits_put(&rt, &st, &info, 1));
    assert_rt(&rt, slk_miner_save(&rt, &st));
}

static void set_debt(life_t *life, uint64_t debt)
{
    slk_miner_state_t st = state_of(life);
    st.fee_debt = slk_bigint_u64(debt);
    test_write_state(&life->tm, MINER, &st, &slk_miner_state_type);
}

static void test_no_money(void **state)
{
    (void)state;
    life_t life = {0};
    open_life(&life, NULL, "ProveCommitSectors3-1");
    const slk_bigint_t burnt = test_balance(&life.tm, SLK_ID_BURNT);
    test_set_epoch(&life.tm, 100);
    set_debt(&life, 7);
    assert_exit(SLK_EXIT_OK, precommit(&life), ""); /* debt is paid first */
    assert_bigint(state_of(&life).fee_debt, slk_bigint_u64(0));
    assert_true(more(test_balance(&life.tm, SLK_ID_BURNT), burnt));

    lock_everything(&life);
    lower_deposit(&life);
    test_set_epoch(&life.tm, 111);
    assert_exit(SLK_EXIT_USR_INSUFFICIENT_FUNDS, prove(&life),
                "insufficient funds for aggregate initial pledge requirement 0.00000005960464384, "
                "available: 0.000000000000000001");
    life.info.sector_number = 5;
    assert_exit(SLK_EXIT_USR_INSUFFICIENT_FUNDS, precommit(&life),
                "insufficient funds 0 for pre-commit deposit: ");
    set_debt(&life, 7);
    assert_exit(SLK_EXIT_USR_INSUFFICIENT_FUNDS, precommit(&life),
                "unlocked balance can not repay fee debt (0 < 0.000000000000000007)");
    close_life(&life);
}

/* The recorded sector with data: what its piece may ask for. */
static void test_data_of_a_sector(void **state)
{
    (void)state;
    life_t life = {0};
    open_life(&life, NULL, "ProveCommitSectors3-4");
    test_set_epoch(&life.tm, 100);
    assert_exit(SLK_EXIT_OK, precommit(&life), "");
    test_set_epoch(&life.tm, 111);

    slk_sector_activation_manifest_t *sector = &life.params.sector_activations.items[0];
    slk_piece_activation_manifest_t *piece = &sector->pieces.items[0];
    const slk_cid_t cid = piece->cid;
    sector->pieces.count = 0;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life),
                "unsealed CID does not match pieces for sector 5");
    sector->pieces.count = 1;
    piece->cid = life.info.sealed_cid;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life),
                "failed to compute unsealed sector CID");
    piece->cid = cid;
    const uint64_t size = piece->size;
    piece->size = 4096;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life),
                "failed to compute unsealed sector CID");
    piece->size = size;

    slk_verified_allocation_key_t allocation = {.client = 101, .id = 7};
    piece->verified_allocation_key = &allocation;
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, prove(&life), "all data activations failed");
    life.params.require_activation_success = true;
    assert_int_not_equal(prove(&life), SLK_EXIT_OK);
    life.params.require_activation_success = false;
    piece->verified_allocation_key = NULL;

    const uint8_t deal[] = {0x18, 0x63};
    slk_data_activation_notification_t notice = {slk_address_id(SLK_ID_MARKET),
                                                 {deal, sizeof deal}};
    piece->notify = (slk_data_activation_notification_list_t){&notice, 1};
    life.params.require_notification_success = true;
    assert_exit(SLK_EXIT_MINER_NOTIFICATION_REJECTED, prove(&life),
                "sector change rejected by f05 for sector 5 piece ");
    notice.address = slk_address_id(99999);
    assert_exit(SLK_EXIT_MINER_NOTIFICATION_SEND_FAILED, prove(&life), "send error");
    notice.address = slk_address_id(SLK_ID_POWER);
    assert_exit(SLK_EXIT_MINER_NOTIFICATION_RECEIVER_ABORTED, prove(&life),
                "receiver aborted with 22");
    life.params.require_notification_success = false;
    assert_exit(SLK_EXIT_OK, prove(&life), "");
    assert_int_equal(life.tm.applied.calls[life.tm.applied.call_cnt - 1].method, 2034386435);
    close_life(&life);
}

/* --- A verified deal -------------------------------------------------------------------------- */

static void must_send(life_t *life, const slk_address_t *from, uint64_t to, uint64_t method,
                      const void *params, const slk_type_t *type, slk_bigint_t value)
{
    if (test_send_from(&life->tm, from, slk_address_id(to), method, params, type, value) !=
        SLK_EXIT_OK)
        fail_msg("%s", life->tm.applied.text);
}

/* Account 1 gets data cap, and both sides money in the market. */
static void fund_deal(life_t *life)
{
    const slk_address_t *keys = life->tm.accounts;
    const slk_bigint_t none = slk_bigint_u64(0);
    const slk_verifier_params_t verifier = {keys[3], slk_bigint_u64(1 << 20)};
    const slk_verifier_params_t client = {keys[1], slk_bigint_u64(2048)};
    const slk_value_address_t provider = {slk_address_id(MINER)}, payer = {keys[1]};
    assert_int_equal(test_send_from(&life->tm, &keys[5], life->tm.root, 0, NULL, NULL, test_fil(5)),
                     SLK_EXIT_OK);
    must_send(life, &life->tm.root, SLK_ID_VERIFREG, 2, &verifier, &slk_verifier_params_type, none);
    must_send(life, &keys[3], SLK_ID_VERIFREG, 4, &client, &slk_verifier_params_type, none);
    must_send(life, &keys[0], SLK_ID_MARKET, 2, &provider, &slk_value_address_type, test_fil(1));
    must_send(life, &keys[1], SLK_ID_MARKET, 2, &payer, &slk_value_address_type, test_fil(1));
}

/* A deal about this piece: number 0, allocation 1. */
static void publish_deal(life_t *life, const slk_piece_activation_manifest_t *piece)
{
    slk_client_deal_proposal_t deal = {
        .proposal = {.piece_cid = piece->cid,
                     .piece_size = piece->size,
                     .verified_deal = true,
                     .client = life->tm.accounts[1],
                     .provider = slk_address_id(MINER),
                     .start_epoch = 200,
                     .end_epoch = 520200,
                     .provider_collateral = slk_bigint_u64(UINT64_C(5000000000))}};
    slk_publish_storage_deals_params_t params = {{&deal, 1}};
    slk_buf_t buf = {0};
    slk_key_sig_t sig;
    assert_ok(slk_record_encode(&buf, &slk_deal_proposal_type, &deal.proposal, &life->tm.diag),
              life->tm.diag);
    assert_ok(slk_key_sign(&sig, &life->tm.keys[1], buf.bytes, buf.len, &life->tm.diag),
              life->tm.diag);
    slk_buf_free(&buf);
    deal.client_signature = slk_key_sig_view(&sig);
    must_send(life, &life->tm.accounts[0], SLK_ID_MARKET, 4, &params,
              &slk_publish_storage_deals_params_type, slk_bigint_u64(0));
}

static void test_a_verified_deal(void **state)
{
    (void)state;
    life_t life = {0};
    open_life(&life, NULL, "ProveCommitSectors3-4");
    slk_piece_activation_manifest_t *piece =
        &life.params.sector_activations.items[0].pieces.items[0];
    test_set_epoch(&life.tm, 100);
    fund_deal(&life);
    publish_deal(&life, piece);
    assert_exit(SLK_EXIT_OK, precommit(&life), "");
    test_set_epoch(&life.tm, 111);
    const uint8_t deal[] = {0};
    slk_data_activation_notification_t notice = {slk_address_id(SLK_ID_MARKET),
                                                 {deal, sizeof deal}};
    slk_verified_allocation_key_t allocation = {.client = 101, .id = 1};
    piece->verified_allocation_key = &allocation;
    piece->notify = (slk_data_activation_notification_list_t){&notice, 1};
    life.params.require_activation_success = life.params.require_notification_success = true;
    assert_exit(SLK_EXIT_OK, prove(&life), "");

    /* All of the sector counts tenfold, and so does its pledge. */
    slk_rt_t rt = test_rt(&life.tm, MINER);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_sector_on_chain_info_t info;
    bool found;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_sectors_get(&sectors, 5, &info, &found));
    slk_sectors_close(&sectors);
    assert_true(found);
    assert_bigint(info.deal_weight, slk_bigint_u64(0));
    assert_bigint(info.verified_deal_weight, slk_bigint_i64(2048 * (info.expiration - 111)));
    assert_bigint(info.initial_pledge, test_atto("596046438400"));
    /* The registry claimed, the market took note, in this order. */
    const slk_call_t *calls = life.tm.applied.calls;
    size_t claimed = 0, told = 0;
    for (size_t i = 0; i < life.tm.applied.call_cnt; i++) {
        if (calls[i].to == SLK_ID_VERIFREG && calls[i].method == 9)
            claimed = i;
        if (calls[i].to == SLK_ID_MARKET && calls[i].method == 2034386435)
            told = i;
    }
    assert_true(claimed > 0 && told > claimed);
    assert_int_equal(calls[told].ret.len, 3); /* [[true]] */
    assert_memory_equal(calls[told].ret.b, "\x81\x81\xf5", 3);
    close_life(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_verifying_key),          cmocka_unit_test(test_a_real_proof),
        cmocka_unit_test(test_a_pre_commit_that_expires), cmocka_unit_test(test_no_money),
        cmocka_unit_test(test_data_of_a_sector),          cmocka_unit_test(test_a_verified_deal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
