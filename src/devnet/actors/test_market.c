/* Deals and verified data: the story of a real network's presealed sectors gives the real
 * network's state, and the life of deals that end in each way. */

#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"
#include "codec/ipld/hamt.h"
#include "crypto/keys/signature.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/actors/market_state.h"
#include "devnet/vm/test_machine.h"

#define CREATE_MINER     2u
#define ADD_BALANCE      2u
#define WITHDRAW_BALANCE 3u
#define PUBLISH          4u
#define TERMINATED       7u
#define CONTENT_CHANGED  2034386435u
#define SETTLE           1900091594u
#define GET_BALANCE      726108461u
#define GET_ACTIVATION   2567238399u
#define GET_SECTOR       2611213344u
#define ADD_VERIFIER     2u
#define ADD_CLIENT       4u
#define REMOVE_ALLOCS    8u
#define CLAIM            9u
#define GET_CLAIMS       10u
#define EXTEND_TERMS     11u
#define REMOVE_CLAIMS    12u

#define WINDOW_POST_2K 10
#define PROVIDER       1000u /* the first miner; owner 100, worker 101 */
#define CLIENT         102u

static test_machine_t tm;

static slk_bigint_t none(void)
{
    return slk_bigint_u64(0);
}

static void make_miner(void)
{
    const slk_create_miner_params_t params = {.owner = tm.accounts[0],
                                              .worker = tm.accounts[1],
                                              .window_post_proof_type = WINDOW_POST_2K};
    slk_create_miner_return_t ret;
    uint64_t id;
    if (test_send(&tm, 0, SLK_ID_POWER, CREATE_MINER, &params, &slk_create_miner_params_type,
                  test_fil(1)) != SLK_EXIT_OK)
        fail_msg("%s", tm.applied.text);
    test_read_return(&tm, &ret, &slk_create_miner_return_type);
    assert_true(slk_address_to_id(&ret.id_address, &id));
    assert_int_equal(id, PROVIDER);
}

static int setup(void **state)
{
    (void)state;
    test_machine_open(&tm, NULL);
    make_miner();
    return 0;
}

/* Days of 16 epochs. */
static int setup_scaled(void **state)
{
    const slk_policy_t policy = slk_policy_scaled(slk_policy_by_name("2k"), 4, 4);
    (void)state;
    test_machine_open(&tm, &policy);
    make_miner();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    test_machine_close(&tm);
    return 0;
}

static void assert_cid(slk_cid_t cid, const char *text)
{
    assert_string_equal(slk_cid_text(&cid).s, text);
}

static void assert_exit(slk_exit_t got, slk_exit_t want)
{
    if (got != want)
        fail_msg("exit %d, expected %d: %s", got, want, tm.applied.text);
}

/* --- Deals ------------------------------------------------------------------------------------ */

static slk_cid_t piece_cid(const char *name)
{
    slk_node_t comm = test_bytes32(name);
    comm.b[31] &= 0x3f;
    return slk_cid_of_commitment(SLK_CID_UNSEALED, &comm);
}

static slk_deal_proposal_t proposal_of(const char *name)
{
    const int64_t day = tm.policy.proving_period, start = tm.env.epoch + 100;
    return (slk_deal_proposal_t){
        .piece_cid = piece_cid(name),
        .piece_size = 2048,
        .client = tm.accounts[2],
        .provider = slk_address_id(PROVIDER),
        .label = {{(const uint8_t *)name, strlen(name)}, false},
        .start_epoch = start,
        .end_epoch = start + 200 * day,
        .storage_price_per_epoch = slk_bigint_u64(7),
        .provider_collateral = slk_bigint_u64(UINT64_C(5000000000)),
        .client_collateral = slk_bigint_u64(11),
    };
}

/* A proposal with the signature of account i; the signature's bytes lie in the arena. */
static slk_client_deal_proposal_t sign(slk_deal_proposal_t proposal, unsigned i)
{
    slk_buf_t buf = {0};
    slk_key_sig_t *sig = slk_arena_alloc(&tm.arena, sizeof *sig);
    assert_ok(slk_record_encode(&buf, &slk_deal_proposal_type, &proposal, &tm.diag), tm.diag);
    assert_ok(slk_key_sign(sig, &tm.keys[i], buf.bytes, buf.len, &tm.diag), tm.diag);
    slk_buf_free(&buf);
    return (slk_client_deal_proposal_t){proposal, slk_key_sig_view(sig)};
}

static slk_exit_t publish(unsigned from, slk_client_deal_proposal_t *deals, size_t cnt)
{
    const slk_publish_storage_deals_params_t params = {{deals, cnt}};
    return test_send(&tm, from, SLK_ID_MARKET, PUBLISH, &params,
                     &slk_publish_storage_deals_params_type, none());
}

static void add_escrow(unsigned from, slk_address_t whose, slk_bigint_t amount)
{
    const slk_value_address_t params = {whose};
    assert_exit(
        test_send(&tm, from, SLK_ID_MARKET, ADD_BALANCE, &params, &slk_value_address_type, amount),
        SLK_EXIT_OK);
}

static void assert_escrow(slk_address_t whose, slk_bigint_t balance, slk_bigint_t locked)
{
    const slk_value_address_t params = {whose};
    slk_get_balance_return_t ret;
    assert_exit(test_call_as(&tm, 100, SLK_ID_MARKET, GET_BALANCE, &params, &slk_value_address_type,
                             none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_get_balance_return_type);
    assert_bigint(ret.balance, balance);
    assert_bigint(ret.locked, locked);
}

/* The miner shows a piece of a deal in a sector; whether the market takes it. */
static bool show(uint64_t sector, int64_t until, slk_cid_t data, uint64_t size, uint64_t deal)
{
    slk_buf_t buf = {0};
    slk_cbor_put_uint(&buf, deal);
    slk_piece_change_t piece = {data, size, {buf.bytes, buf.len}};
    slk_sector_changes_t change = {sector, until, {&piece, 1}};
    const slk_sector_content_changed_params_t params = {{&change, 1}};
    slk_sector_content_changed_return_t ret;
    assert_exit(test_call_as(&tm, PROVIDER, SLK_ID_MARKET, CONTENT_CHANGED, &params,
                             &slk_sector_content_changed_params_type, none()),
                SLK_EXIT_OK);
    slk_buf_free(&buf);
    test_read_return(&tm, &ret, &slk_sector_content_changed_return_type);
    assert_int_equal(ret.sectors.count, 1);
    assert_int_equal(ret.sectors.items[0].added.count, 1);
    return ret.sectors.items[0].added.items[0];
}

/* What settling one deal gives: the exit code, the payment, whether it is over. */
static int64_t settle(uint64_t deal, slk_bigint_t *payment, bool *completed)
{
    slk_value_bitfield_t params;
    slk_settle_deal_payments_return_t ret;
    assert_ok(slk_bitfield_from_bits(&params.value, &deal, 1, &tm.arena), tm.diag);
    assert_exit(test_send(&tm, 5, SLK_ID_MARKET, SETTLE, &params, &slk_value_bitfield_type, none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_settle_deal_payments_return_type);
    if (ret.settlements.count) {
        *payment = ret.settlements.items[0].payment;
        *completed = ret.settlements.items[0].completed;
    }
    return slk_batch_exit_code(&ret.results, 0);
}

/* Cron of the market alone, which makes up for null rounds. */
static void market_tick(void)
{
    assert_exit(test_call_as(&tm, SLK_ID_CRON, SLK_ID_MARKET, 9, NULL, NULL, none()), SLK_EXIT_OK);
}

/* --- The recorded network --------------------------------------------------------------------- */

static const char *const recorded_pieces[] = {
    "baga6ea4seaqe5ddvv5vli4ow24jylheyaammbxwligkvvxkedpe6xyn3oqvxoei",
    "baga6ea4seaqh7rywwgawi3cmi5jsyxhdbcv6ulsiysxtcivrl3myzwzvprcmgmq"};
#define RECORDED_END 3675537

/* Data cap for the client by verifier f081, whom the root makes. */
static void recorded_datacap(void)
{
    slk_verifier_params_t params = {slk_address_id(81), slk_bigint_u64(4096)};
    slk_actor_state_t account = test_actor(&tm, 103);
    account.balance = none();
    assert_ok(slk_state_tree_set(slk_machine_tree(tm.machine), 81, &account, &tm.diag), tm.diag);
    assert_exit(test_call_as(&tm, 80, SLK_ID_VERIFREG, ADD_VERIFIER, &params,
                             &slk_verifier_params_type, none()),
                SLK_EXIT_OK);
    params.address = tm.accounts[0];
    assert_exit(test_call_as(&tm, 81, SLK_ID_VERIFREG, ADD_CLIENT, &params,
                             &slk_verifier_params_type, none()),
                SLK_EXIT_OK);
}

static void recorded_deals(void)
{
    slk_client_deal_proposal_t deals[2];
    for (unsigned i = 0; i < 2; i++) {
        slk_deal_proposal_t p = {.piece_size = 2048,
                                 .verified_deal = true,
                                 .client = tm.accounts[0],
                                 .provider = slk_address_id(PROVIDER),
                                 .label = {{(const uint8_t *)(i ? "1" : "0"), 1}, false},
                                 .end_epoch = RECORDED_END};
        assert_ok(slk_cid_from_text(&p.piece_cid, recorded_pieces[i], &tm.diag), tm.diag);
        deals[i] = sign(p, 0);
    }
    assert_exit(publish(1, deals, 2), SLK_EXIT_OK);
}

static void recorded_claims(void)
{
    slk_allocation_claim_t claims[2];
    slk_sector_allocation_claims_t sectors[2];
    slk_claim_allocations_return_t ret;
    for (unsigned i = 0; i < 2; i++) {
        claims[i] = (slk_allocation_claim_t){.client = 100, .allocation_id = i + 1, .size = 2048};
        assert_ok(slk_cid_from_text(&claims[i].data, recorded_pieces[i], &tm.diag), tm.diag);
        sectors[i] = (slk_sector_allocation_claims_t){i, RECORDED_END, {&claims[i], 1}};
        assert_true(show(i, RECORDED_END, claims[i].data, 2048, i));
    }
    const slk_claim_allocations_params_t params = {{sectors, 2}, true};
    assert_exit(test_call_as(&tm, PROVIDER, SLK_ID_VERIFREG, CLAIM, &params,
                             &slk_claim_allocations_params_type, none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_claim_allocations_return_type);
    assert_int_equal(ret.sector_results.success_count, 2);
    assert_bigint(ret.sector_claims.items[1].claimed_space, slk_bigint_u64(2048));
}

/* Roots that StateReadState showed of f05, f06 and f07 at epoch 23. */
static void test_recorded_state(void **state)
{
    (void)state;
    const char *empty = "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay";
    slk_market_state_t market;
    slk_verifreg_state_t verifreg;
    slk_datacap_state_t datacap;
    test_set_supply(&tm, none());
    recorded_datacap();
    recorded_deals();
    recorded_claims();
    test_ticks(&tm, 23);

    test_read_state(&tm, SLK_ID_MARKET, &market, &slk_market_state_type);
    assert_cid(market.proposals, "bafy2bzacecgbgz7o6ui5lc6qvs7s2bssca7zc5sc4s2ca6j6bjzyymovb562c");
    assert_cid(market.states, "bafy2bzaceby62jay4um3jyecctjpot6ha2ip65rciw53fwkudykjnyfx2hpwe");
    assert_cid(market.pending_proposals, empty);
    assert_cid(market.escrow_table, empty);
    assert_cid(market.locked_table,
               "bafy2bzacedno57gcsxuuttxnodxidicyphggyaxp2f3motuamskfyv27cc53g");
    assert_int_equal(market.next_id, 2);
    assert_cid(market.deal_ops_by_epoch, empty);
    assert_int_equal(market.last_cron, 22);
    assert_cid(market.pending_deal_allocation_ids, empty);
    assert_cid(market.provider_sectors,
               "bafy2bzacedvgfwg2hgje7hohl56umpxkmzhzqepmvsv3njvv2wd7btwr2kvii");

    test_read_state(&tm, SLK_ID_VERIFREG, &verifreg, &slk_verifreg_state_type);
    assert_cid(verifreg.verifiers,
               "bafy2bzaceahv6zclw7xaqw2ln63dlhc33xgwadgsiyxf5mk744h6esu2wy5a2");
    assert_cid(verifreg.allocations, empty);
    assert_int_equal(verifreg.next_allocation_id, 3);
    assert_cid(verifreg.claims, "bafy2bzacebyffhu7wdrof744if334od7kcnpkbtlf4a2v5hypxqxqqkplc5eo");

    test_read_state(&tm, SLK_ID_DATACAP, &datacap, &slk_datacap_state_type);
    assert_bigint(datacap.token.supply, none());
    assert_cid(datacap.token.balances, empty);
    assert_cid(datacap.token.allowances,
               "bafy2bzaceaox6k2mz7pao7dox6y7mrw3cmypp2jk7r6q7ppcgaq5y43h2z5i6");
}

/* --- Escrow ----------------------------------------------------------------------------------- */

static void test_escrow(void **state)
{
    (void)state;
    const slk_value_address_t nothing = {tm.accounts[2]};
    slk_market_withdraw_balance_params_t params = {slk_address_id(PROVIDER), test_fil(7)};
    slk_value_bigint_t taken;
    assert_exit(
        test_send(&tm, 2, SLK_ID_MARKET, ADD_BALANCE, &nothing, &slk_value_address_type, none()),
        SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(tm.applied.text, "balance to add must be greater than zero was: 0"));
    add_escrow(3, slk_address_id(PROVIDER), test_fil(5));
    add_escrow(3, slk_address_id(PROVIDER), test_fil(4));
    assert_escrow(slk_address_id(PROVIDER), test_fil(9), none());
    assert_bigint(test_balance(&tm, SLK_ID_MARKET), test_fil(9));

    /* Who put it in has no right to it; the worker has, and the owner gets it. */
    assert_exit(test_send(&tm, 3, SLK_ID_MARKET, WITHDRAW_BALANCE, &params,
                          &slk_market_withdraw_balance_params_type, none()),
                SLK_EXIT_USR_FORBIDDEN);
    slk_bigint_t before = test_balance(&tm, 100);
    assert_exit(test_send(&tm, 1, SLK_ID_MARKET, WITHDRAW_BALANCE, &params,
                          &slk_market_withdraw_balance_params_type, none()),
                SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, 100), slk_bigint_add(before, test_fil(7)));
    assert_exit(test_send(&tm, 1, SLK_ID_MARKET, WITHDRAW_BALANCE, &params,
                          &slk_market_withdraw_balance_params_type, none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &taken, &slk_value_bigint_type);
    assert_bigint(taken.value, test_fil(2));
    params.amount = slk_bigint_i64(-1);
    assert_exit(test_send(&tm, 1, SLK_ID_MARKET, WITHDRAW_BALANCE, &params,
                          &slk_market_withdraw_balance_params_type, none()),
                SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_escrow(slk_address_id(PROVIDER), none(), none());
}

/* StateDealProviderCollateralBounds of 2 KiB, which is a tenth more, at a supply and baseline
 * near it. */
static void test_least_collateral(void **state)
{
    (void)state;
    slk_bigint_t least = slk_deal_least_collateral(2048, test_atto("2888932692907561888"),
                                                   test_atto("560638722233364586483923530"));
    least = slk_bigint_div_floor(slk_bigint_mul(least, slk_bigint_u64(110)), slk_bigint_u64(100));
    assert_bigint(least, test_atto("4371880716"));
    assert_bigint(slk_deal_least_collateral(1 << 20, slk_bigint_u64(5), test_fil(100)),
                  test_fil(1));
}

/* --- Publishing ------------------------------------------------------------------------------- */

static void fund(void)
{
    add_escrow(0, slk_address_id(PROVIDER), test_fil(1));
    add_escrow(2, tm.accounts[2], test_fil(1));
}

/* What one deal of proposal_of locks of the client. */
static slk_bigint_t client_locks(void)
{
    return slk_bigint_i64(11 + 7 * 200 * tm.policy.proving_period);
}

static void test_publish(void **state)
{
    (void)state;
    slk_client_deal_proposal_t deals[4];
    slk_publish_storage_deals_return_t ret;
    slk_market_state_t market;
    fund();
    deals[0] = sign(proposal_of("a"), 2);
    deals[1] = sign(proposal_of("b"), 3); /* not by the client */
    deals[2] = sign(proposal_of("c"), 2);
    deals[3] = deals[0]; /* twice in one message */
    assert_exit(publish(3, deals, 1), SLK_EXIT_USR_FORBIDDEN);
    assert_exit(publish(1, deals, 0), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_exit(publish(1, deals + 1, 1), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(tm.applied.text, "All deal proposals invalid"));
    assert_exit(publish(1, deals, 4), SLK_EXIT_OK);
    assert_int_equal(tm.applied.event_cnt, 2);
    test_read_return(&tm, &ret, &slk_publish_storage_deals_return_type);
    assert_int_equal(ret.ids.count, 2);
    assert_int_equal(ret.ids.items[1], 1);
    assert_true(slk_bitfield_contains(&ret.valid_deals, 0) &&
                slk_bitfield_contains(&ret.valid_deals, 2));
    assert_int_equal(slk_bitfield_count(&ret.valid_deals), 2);
    assert_escrow(tm.accounts[2], test_fil(1), slk_bigint_add(client_locks(), client_locks()));
    assert_escrow(slk_address_id(PROVIDER), test_fil(1), slk_bigint_u64(UINT64_C(10000000000)));
    test_read_state(&tm, SLK_ID_MARKET, &market, &slk_market_state_type);
    assert_bigint(market.total_client_locked_collateral, slk_bigint_u64(22));
    assert_bigint(market.total_provider_locked_collateral, slk_bigint_u64(UINT64_C(10000000000)));

    assert_exit(publish(1, deals, 1), SLK_EXIT_USR_ILLEGAL_ARGUMENT); /* twice on the chain */
    slk_deal_proposal_t of_secp = proposal_of("s");
    of_secp.client = tm.accounts[4];
    add_escrow(4, tm.accounts[4], test_fil(1));
    deals[0] = sign(of_secp, 4);
    assert_exit(publish(1, deals, 1), SLK_EXIT_OK);
}

static void test_bad_proposals(void **state)
{
    (void)state;
    const slk_deal_proposal_t good = proposal_of("a");
    slk_deal_proposal_t bad[] = {good, good, good, good, good, good, good, good, good, good};
    static uint8_t label[SLK_LABEL_MAX];
    bad[0].piece_size = 2049;
    bad[1].piece_size = 64;
    bad[2].piece_cid = slk_cid_of_cbor("\x80", 1);
    bad[3].start_epoch = tm.env.epoch - 1;
    bad[4].end_epoch = bad[4].start_epoch + tm.policy.min_deal_duration - 1;
    bad[5].end_epoch = bad[5].start_epoch + tm.policy.max_deal_duration + 1;
    bad[6].storage_price_per_epoch = slk_bigint_i64(-1);
    bad[7].provider_collateral = slk_bigint_u64(UINT64_C(3000000000)); /* below 1 % of its share */
    bad[8].client_collateral = test_fil(2); /* more than there is in escrow */
    bad[9].provider = slk_address_id(100);
    fund();
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        slk_client_deal_proposal_t deal = sign(bad[i], 2);
        if (publish(1, &deal, 1) != SLK_EXIT_USR_ILLEGAL_ARGUMENT)
            fail_msg("bad proposal %zu: exit %d", i, tm.applied.exit);
    }
    slk_deal_proposal_t last = good;
    last.end_epoch = last.start_epoch + tm.policy.min_deal_duration;
    last.label = (slk_label_t){{label, sizeof label}, true};
    slk_client_deal_proposal_t deal = sign(last, 2);
    assert_exit(publish(1, &deal, 1), SLK_EXIT_OK);
}

/* --- A deal's life ---------------------------------------------------------------------------- */

static void publish_one(const slk_deal_proposal_t *proposal)
{
    slk_client_deal_proposal_t deal = sign(*proposal, 2);
    fund();
    assert_exit(publish(1, &deal, 1), SLK_EXIT_OK);
}

static void test_activation_and_payments(void **state)
{
    (void)state;
    const slk_deal_proposal_t p = proposal_of("a");
    const slk_value_u64_t id = {0}, other = {1};
    slk_get_deal_activation_return_t when;
    slk_bigint_t payment;
    bool completed;
    publish_one(&p);
    assert_exit(test_call_as(&tm, 100, SLK_ID_MARKET, GET_SECTOR, &id, &slk_value_u64_type, none()),
                SLK_EXIT_MARKET_DEAL_NOT_ACTIVATED);
    assert_exit(
        test_call_as(&tm, 100, SLK_ID_MARKET, GET_SECTOR, &other, &slk_value_u64_type, none()),
        SLK_EXIT_USR_NOT_FOUND);
    assert_false(show(5, p.end_epoch, piece_cid("other"), 2048, 0));
    assert_false(show(5, p.end_epoch, p.piece_cid, 4096, 0));
    assert_false(show(5, p.end_epoch - 1, p.piece_cid, 2048, 0));
    assert_false(show(5, p.end_epoch, p.piece_cid, 2048, 1));
    test_set_epoch(&tm, p.start_epoch);
    assert_true(show(5, p.end_epoch, p.piece_cid, 2048, 0));
    assert_false(show(6, p.end_epoch, p.piece_cid, 2048, 0));
    assert_exit(
        test_call_as(&tm, 100, SLK_ID_MARKET, GET_ACTIVATION, &id, &slk_value_u64_type, none()),
        SLK_EXIT_OK);
    test_read_return(&tm, &when, &slk_get_deal_activation_return_type);
    assert_int_equal(when.activated, p.start_epoch);

    test_set_epoch(&tm, p.start_epoch + 1000);
    assert_int_equal(settle(0, &payment, &completed), 0);
    assert_bigint(payment, slk_bigint_u64(7000));
    assert_false(completed);
    test_set_epoch(&tm, p.end_epoch + 5);
    assert_int_equal(settle(0, &payment, &completed), 0);
    assert_bigint(payment, slk_bigint_i64(7 * (200 * tm.policy.proving_period - 1000)));
    assert_true(completed);
    assert_int_equal(settle(0, &payment, &completed), SLK_EXIT_MARKET_DEAL_EXPIRED);
    slk_bigint_t fee = slk_bigint_i64(7 * 200 * tm.policy.proving_period);
    assert_escrow(tm.accounts[2], slk_bigint_sub(test_fil(1), fee), none());
    assert_escrow(slk_address_id(PROVIDER), slk_bigint_add(test_fil(1), fee), none());
    assert_exit(test_call_as(&tm, 100, SLK_ID_MARKET, GET_SECTOR, &id, &slk_value_u64_type, none()),
                SLK_EXIT_MARKET_DEAL_EXPIRED);
    test_ticks(&tm, 1); /* what cron remembers of the deal does no harm */
}

/* Not in a sector in time: the provider's collateral is burnt in the first tick of the deal's
 * turn. */
static void test_time_out(void **state)
{
    (void)state;
    const slk_deal_proposal_t p = proposal_of("a");
    slk_market_state_t market;
    publish_one(&p);
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    test_set_epoch(&tm, tm.policy.deal_updates_interval - 1);
    test_ticks(&tm, 1);
    assert_escrow(slk_address_id(PROVIDER), test_fil(1), p.provider_collateral);
    test_ticks(&tm, 1); /* deal 0's turn: multiples of the interval */
    assert_bigint(test_balance(&tm, SLK_ID_BURNT), slk_bigint_add(burnt, p.provider_collateral));
    assert_escrow(slk_address_id(PROVIDER), slk_bigint_sub(test_fil(1), p.provider_collateral),
                  none());
    assert_escrow(tm.accounts[2], test_fil(1), none());
    test_read_state(&tm, SLK_ID_MARKET, &market, &slk_market_state_type);
    assert_bigint(market.total_client_storage_fee, none());
    assert_bigint(market.total_client_locked_collateral, none());
    assert_bigint(market.total_provider_locked_collateral, none());
}

static void test_termination(void **state)
{
    (void)state;
    const slk_deal_proposal_t p = proposal_of("a");
    slk_on_miner_sectors_terminate_params_t params;
    const uint64_t sectors[] = {4, 5};
    publish_one(&p);
    assert_true(show(5, p.end_epoch, p.piece_cid, 2048, 0));
    test_set_epoch(&tm, p.start_epoch + 10);
    params.epoch = tm.env.epoch;
    assert_ok(slk_bitfield_from_bits(&params.sectors, sectors, 2, &tm.arena), tm.diag);
    assert_exit(test_call_as(&tm, 100, SLK_ID_MARKET, TERMINATED, &params,
                             &slk_on_miner_sectors_terminate_params_type, none()),
                SLK_EXIT_USR_FORBIDDEN);
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    assert_exit(test_call_as(&tm, PROVIDER, SLK_ID_MARKET, TERMINATED, &params,
                             &slk_on_miner_sectors_terminate_params_type, none()),
                SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, SLK_ID_BURNT), slk_bigint_add(burnt, p.provider_collateral));
    assert_escrow(tm.accounts[2], slk_bigint_sub(test_fil(1), slk_bigint_u64(70)), none());
    slk_bigint_t left = slk_bigint_sub(test_fil(1), p.provider_collateral);
    assert_escrow(slk_address_id(PROVIDER), slk_bigint_add(left, slk_bigint_u64(70)), none());
    test_ticks(&tm, 1);
}

/* --- Verified data ---------------------------------------------------------------------------- */

static slk_exit_t verifier(unsigned from, const slk_address_t *key, uint64_t method,
                           slk_address_t whom, uint64_t bytes)
{
    const slk_verifier_params_t params = {whom, slk_bigint_u64(bytes)};
    const slk_address_t *sender = key ? key : &tm.accounts[from];
    return test_send_from(&tm, sender, slk_address_id(SLK_ID_VERIFREG), method, &params,
                          &slk_verifier_params_type, none());
}

/* The registry's events of the last message: cnt of this type, in which these numbers, and they alone,
 * are not indexed (builtin-actors, verifreg/src/emit.rs). */
static void assert_registry_events(const char *type, size_t cnt)
{
    static const char *const plain[] = {"balance",  "piece-size", "term-min",
                                        "term-max", "expiration", "term-start"};
    for (size_t i = 0; i < tm.applied.event_cnt; i++) {
        const slk_event_t *event = &tm.applied.events[i];
        const slk_bytes_t of = event->entries[0].value; /* CBOR text of less than 24 bytes */
        if (event->emitter != SLK_ID_VERIFREG)
            continue;
        cnt -= of.len == 1 + strlen(type) && !memcmp(of.b + 1, type, strlen(type));
        for (size_t k = 0; k < event->cnt; k++) {
            bool want = false;
            for (size_t j = 0; j < SLK_COUNT(plain); j++)
                want |= !strcmp(event->entries[k].key, plain[j]);
            if (event->entries[k].plain != want)
                fail_msg("%s: %s", type, event->entries[k].key);
        }
    }
    assert_int_equal(cnt, 0);
}

/* The root's key is on the chain and can pay; account 3 gives the client data cap. */
static void give_datacap(uint64_t bytes)
{
    assert_exit(test_send_from(&tm, &tm.accounts[5], tm.root, 0, NULL, NULL, test_fil(5)),
                SLK_EXIT_OK);
    assert_exit(verifier(0, NULL, ADD_VERIFIER, tm.accounts[3], 1 << 20), SLK_EXIT_USR_FORBIDDEN);
    assert_exit(verifier(0, &tm.root, ADD_VERIFIER, tm.accounts[3], 255),
                SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_exit(verifier(0, &tm.root, ADD_VERIFIER, tm.accounts[3], 1 << 20), SLK_EXIT_OK);
    assert_exit(verifier(2, NULL, ADD_CLIENT, tm.accounts[2], bytes), SLK_EXIT_USR_NOT_FOUND);
    assert_exit(verifier(3, NULL, ADD_CLIENT, tm.accounts[2], (1 << 20) + 1),
                SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_exit(verifier(3, NULL, ADD_CLIENT, tm.accounts[2], bytes), SLK_EXIT_OK);
    assert_registry_events("verifier-balance", 1);
    assert_exit(verifier(0, &tm.root, ADD_VERIFIER, tm.accounts[2], 1 << 20),
                SLK_EXIT_USR_ILLEGAL_ARGUMENT); /* a client is no verifier */
}

static slk_bigint_t datacap_of(uint64_t id)
{
    const slk_value_address_t params = {slk_address_id(id)};
    slk_value_bigint_t ret;
    assert_exit(test_call_as(&tm, 100, SLK_ID_DATACAP, 3261979605, &params, &slk_value_address_type,
                             none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_value_bigint_type);
    return slk_bigint_div_floor(ret.value, slk_bigint_u64(SLK_DATACAP_UNIT));
}

/* One verified deal of 2048 bytes, allocation 1. */
static slk_deal_proposal_t publish_verified(void)
{
    slk_deal_proposal_t p = proposal_of("v"), too_much = proposal_of("w");
    slk_client_deal_proposal_t deals[2];
    p.verified_deal = too_much.verified_deal = true;
    give_datacap(3000);
    fund();
    deals[0] = sign(p, 2);
    deals[1] = sign(too_much, 2);
    assert_exit(publish(1, deals, 2), SLK_EXIT_OK); /* the second has no data cap left */
    assert_registry_events("allocation", 1);
    assert_bigint(datacap_of(CLIENT), slk_bigint_u64(952));
    assert_bigint(datacap_of(SLK_ID_VERIFREG), slk_bigint_u64(2048));
    return p;
}

static slk_claim_allocations_return_t claim(slk_allocation_claim_t what, int64_t expiry)
{
    slk_sector_allocation_claims_t sector = {9, expiry, {&what, 1}};
    const slk_claim_allocations_params_t params = {{&sector, 1}, false};
    slk_claim_allocations_return_t ret;
    assert_exit(test_call_as(&tm, PROVIDER, SLK_ID_VERIFREG, CLAIM, &params,
                             &slk_claim_allocations_params_type, none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_claim_allocations_return_type);
    return ret;
}

static void test_claims(void **state)
{
    (void)state;
    const slk_deal_proposal_t p = publish_verified();
    const int64_t term = p.end_epoch - p.start_epoch;
    slk_allocation_claim_t what = {CLIENT, 1, p.piece_cid, 2048};
    slk_claim_allocations_return_t ret = claim(what, tm.env.epoch + term - 1);
    assert_int_equal(slk_batch_exit_code(&ret.sector_results, 0), SLK_EXIT_USR_FORBIDDEN);
    what.allocation_id = 2;
    ret = claim(what, tm.env.epoch + term);
    assert_int_equal(slk_batch_exit_code(&ret.sector_results, 0), SLK_EXIT_USR_NOT_FOUND);
    what.allocation_id = 1;
    ret = claim(what, tm.env.epoch + term);
    assert_registry_events("claim", 1);
    assert_int_equal(ret.sector_results.success_count, 1);
    assert_bigint(datacap_of(SLK_ID_VERIFREG), none());

    slk_claim_term_t term_max = {PROVIDER, 1, tm.policy.max_allocation_term};
    const slk_extend_claim_terms_params_t extend = {{&term_max, 1}};
    slk_batch_return_t batch;
    assert_exit(test_send(&tm, 2, SLK_ID_VERIFREG, EXTEND_TERMS, &extend,
                          &slk_extend_claim_terms_params_type, none()),
                SLK_EXIT_OK);
    assert_registry_events("claim-updated", 1);
    test_read_return(&tm, &batch, &slk_batch_return_type);
    assert_int_equal(batch.success_count, 1);
    uint64_t ids[] = {1, 7};
    slk_claims_params_t ask = {PROVIDER, {ids, 2}};
    slk_get_claims_return_t claims;
    assert_exit(
        test_send(&tm, 5, SLK_ID_VERIFREG, GET_CLAIMS, &ask, &slk_claims_params_type, none()),
        SLK_EXIT_OK);
    test_read_return(&tm, &claims, &slk_get_claims_return_type);
    assert_int_equal(claims.claims.count, 1);
    assert_int_equal(slk_batch_exit_code(&claims.batch_info, 1), SLK_EXIT_USR_NOT_FOUND);
    assert_int_equal(claims.claims.items[0].client, CLIENT);
    assert_int_equal(claims.claims.items[0].sector, 9);
    assert_int_equal(claims.claims.items[0].term_min, term);
    assert_int_equal(claims.claims.items[0].term_max, tm.policy.max_allocation_term);

    slk_remove_expired_claims_return_t removed;
    test_set_epoch(&tm, tm.env.epoch + tm.policy.max_allocation_term);
    ask.claim_ids.count = 0;
    assert_exit(
        test_send(&tm, 5, SLK_ID_VERIFREG, REMOVE_CLAIMS, &ask, &slk_claims_params_type, none()),
        SLK_EXIT_OK);
    assert_registry_events("claim-removed", 1);
    test_read_return(&tm, &removed, &slk_remove_expired_claims_return_type);
    assert_int_equal(removed.considered.count, 1);
    slk_verifreg_state_t st;
    test_read_state(&tm, SLK_ID_VERIFREG, &st, &slk_verifreg_state_type);
    assert_cid(st.claims, "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
}

static void test_expired_allocation(void **state)
{
    (void)state;
    const slk_deal_proposal_t p = publish_verified();
    const slk_remove_expired_allocations_params_t params = {.client = CLIENT};
    slk_remove_expired_allocations_return_t ret;
    test_set_epoch(&tm, p.start_epoch - 1);
    assert_exit(test_send(&tm, 5, SLK_ID_VERIFREG, REMOVE_ALLOCS, &params,
                          &slk_remove_expired_allocations_params_type, none()),
                SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_remove_expired_allocations_return_type);
    assert_int_equal(ret.considered.count, 0);
    test_set_epoch(&tm, p.start_epoch);
    assert_exit(test_send(&tm, 5, SLK_ID_VERIFREG, REMOVE_ALLOCS, &params,
                          &slk_remove_expired_allocations_params_type, none()),
                SLK_EXIT_OK);
    assert_registry_events("allocation-removed", 1);
    test_read_return(&tm, &ret, &slk_remove_expired_allocations_return_type);
    assert_int_equal(ret.considered.count, 1);
    assert_bigint(ret.data_cap_recovered, slk_bigint_u64(2048));
    assert_bigint(datacap_of(CLIENT), slk_bigint_u64(3000));
}

/* --- Anything --------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;

static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static slk_err_t add_amount(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                            slk_diag_t *diag)
{
    slk_bigint_t *sum = ctx;
    slk_value_bigint_t amount;
    (void)key;
    (void)stop;
    assert_ok(
        slk_record_decode(&amount, &slk_value_bigint_type, value.b, value.len, &tm.arena, diag),
        *diag);
    assert_true(slk_bigint_sign(&amount.value) >= 0);
    *sum = slk_bigint_add(*sum, amount.value);
    return SLK_OK;
}

static slk_bigint_t sum_of(const slk_cid_t *table)
{
    slk_hamt_t *map;
    slk_bigint_t sum = none();
    assert_ok(slk_hamt_load(&map, &tm.store, 6, table, &tm.diag), tm.diag);
    assert_ok(slk_hamt_foreach(map, add_amount, &sum, &tm.diag), tm.diag);
    slk_hamt_free(map);
    return sum;
}

/* Escrow is what the actor has; locked is what the totals say. */
static void assert_books_balance(void)
{
    slk_market_state_t st;
    test_read_state(&tm, SLK_ID_MARKET, &st, &slk_market_state_type);
    assert_bigint(sum_of(&st.escrow_table), test_balance(&tm, SLK_ID_MARKET));
    slk_bigint_t locked =
        slk_bigint_add(st.total_client_locked_collateral, st.total_provider_locked_collateral);
    assert_bigint(sum_of(&st.locked_table), slk_bigint_add(locked, st.total_client_storage_fee));
}

static void random_deal(slk_deal_proposal_t *proposals, size_t *cnt)
{
    char name[24];
    snprintf(name, sizeof name, "deal %zu", *cnt);
    slk_deal_proposal_t p = proposal_of(name);
    p.label = (slk_label_t){{(const uint8_t *)"", 0}, false};
    p.client_collateral = slk_bigint_u64(chance(1000));
    p.storage_price_per_epoch = slk_bigint_u64(chance(1000));
    p.start_epoch += (int64_t)chance(60);
    p.end_epoch = p.start_epoch + tm.policy.min_deal_duration + (int64_t)chance(120);
    slk_client_deal_proposal_t deal = sign(p, 2);
    assert_exit(publish(1, &deal, 1), SLK_EXIT_OK);
    proposals[(*cnt)++] = p;
}

static unsigned activated, paid;

static void random_step(const slk_deal_proposal_t *proposals, size_t cnt)
{
    const uint64_t deal = chance(2) ? cnt - 1 : chance(cnt);
    const slk_deal_proposal_t *p = &proposals[deal];
    slk_bigint_t payment;
    bool completed;
    slk_on_miner_sectors_terminate_params_t end = {.epoch = tm.env.epoch};
    const uint64_t sector = deal % 7;
    switch (chance(5)) {
    case 0:
        if (!settle(deal, &payment, &completed) && slk_bigint_sign(&payment) > 0)
            paid++;
        break;
    case 1:
        if (chance(3))
            break;
        assert_ok(slk_bitfield_from_bits(&end.sectors, &sector, 1, &tm.arena), tm.diag);
        assert_exit(test_call_as(&tm, PROVIDER, SLK_ID_MARKET, TERMINATED, &end,
                                 &slk_on_miner_sectors_terminate_params_type, none()),
                    SLK_EXIT_OK);
        break;
    default:
        activated += show(sector, p->end_epoch, p->piece_cid, p->piece_size, deal);
    }
}

/* Deals published, activated, settled, terminated, forgotten, in any order: in the end nothing
 * is locked. */
static void test_random_deals(void **state)
{
    (void)state;
    static slk_deal_proposal_t proposals[60];
    size_t cnt = 0;
    slk_market_state_t st;
    fund();
    while (cnt < SLK_COUNT(proposals)) {
        random_deal(proposals, &cnt);
        for (unsigned i = 0; i < 6; i++)
            random_step(proposals, cnt);
        test_set_epoch(&tm, tm.env.epoch + (int64_t)chance(200));
        market_tick();
        assert_books_balance();
    }
    if (!(activated > 20 && activated < cnt && paid > 5))
        fail_msg("of %zu deals %u activated, %u paid", cnt, activated, paid);
    test_set_epoch(&tm, tm.env.epoch + tm.policy.max_deal_duration);
    market_tick();
    for (size_t deal = 0; deal < cnt; deal++) {
        slk_bigint_t payment;
        bool completed;
        settle(deal, &payment, &completed);
    }
    assert_books_balance();
    test_read_state(&tm, SLK_ID_MARKET, &st, &slk_market_state_type);
    assert_bigint(sum_of(&st.locked_table), none());
    const char *empty = "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay";
    assert_cid(st.pending_proposals, empty);
    assert_cid(st.deal_ops_by_epoch, empty);
    assert_cid(st.pending_deal_allocation_ids, empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recorded_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escrow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_least_collateral, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_proposals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_activation_and_payments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_termination, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_allocation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_deals, setup_scaled, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
