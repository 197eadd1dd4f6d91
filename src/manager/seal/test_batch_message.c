/* The message of a batch, over a simulated world: what is in it, who pays what, who does not go along. */

#include "manager/seal/test_world_simulated.h"

#include "codec/actors/verifreg.h"

enum { MANY = 20 };

typedef struct {
    sim_t sim;
    slk_arena_t arena;
    slk_sector_info_t s[MANY];
    const slk_sector_info_t *at[MANY];
    slk_batch_message_t out;
} batch_t;

static batch_t b;

static void open_batch(slk_sector_state_t state, size_t cnt)
{
    sim_init(&b.sim);
    slk_arena_init(&b.arena, (size_t)64 << 20);
    for (size_t i = 0; i < cnt; i++) {
        b.s[i] = sim_record(&b.sim, i, state);
        b.at[i] = &b.s[i];
    }
}

static void close_batch(void)
{
    slk_arena_free(&b.arena);
    sim_free(&b.sim);
}

static void build(slk_batch_kind_t kind, size_t cnt)
{
    slk_diag_t diag = {0};
    const slk_world_t world = sim_world(&b.sim);
    assert_ok(slk_batch_message(&world, kind, b.at, cnt, &b.arena, &b.out, &diag), diag);
    assert_true(*b.out.why);
}

static void assert_amount(slk_bigint_t amount, uint64_t want)
{
    const slk_bigint_t number = slk_bigint_u64(want);
    assert_string_equal(slk_bigint_text(&amount).s, slk_bigint_text(&number).s);
}

static void assert_from(uint64_t id)
{
    const slk_address_t want = slk_address_id(id);
    assert_true(slk_address_eq(&b.out.want.from, &want));
}

/* --- Pre-commits --------------------------------------------------------------------------- */

static void test_pre_commits(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_pre_commit_sector_batch2_params_t all;
    char key[SLK_MESSAGE_KEY_MAX + 1];
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 3);
    slk_piece_deal_info_t deal = {.deal_schedule = {.start_epoch = 9000, .end_epoch = 900000}};
    slk_piece_activation_manifest_t manifest = {.cid = b.s[1].pieces.items[0].piece.piece_cid,
                                                .size = 2048};
    deal.piece_activation_manifest = &manifest;
    b.s[1].pieces.items[0].deal_info = &deal;
    build(SLK_BATCH_PRE_COMMIT, 3);
    assert_true(b.out.has_message);
    assert_int_equal(b.out.want.method, 28);
    assert_int_equal(b.out.want.confidence, 5);
    assert_amount(b.out.want.value, 2100);
    assert_amount(b.out.want.max_fee, 1030);
    assert_from(SIM_WORKER);
    assert_int_equal(b.out.step_cnt, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(b.out.steps[i].sector, i);
        assert_int_equal(b.out.steps[i].event.type, SLK_EVENT_PRE_COMMIT_BATCH_SENT);
        assert_string_equal(b.out.steps[i].event.key, b.out.want.key);
        assert_amount(b.out.steps[i].event.amount, 700);
    }
    assert_ok(slk_record_decode(&all, &slk_pre_commit_sector_batch2_params_type, b.out.want.params,
                                b.out.want.params_len, &b.arena, &diag),
              diag);
    for (size_t i = 0; i < 3; i++) {
        const slk_sector_pre_commit_info_t *info = &all.sectors.items[i];
        assert_int_equal(info->sector_number, i);
        assert_int_equal(info->seal_proof, SIM_PROOF);
        assert_int_equal(info->seal_rand_epoch, b.s[i].ticket_epoch);
        assert_true(slk_cid_eq(&info->sealed_cid, &b.s[i].comm_r));
        assert_int_equal(slk_cid_defined(&info->unsealed_cid), i == 1);
        assert_int_equal(info->expiration, i == 1 ? 900000 : 5000 + 3680640 - 5760);
    }
    /* The same sectors in the same visits are the same message; in another visit another. */
    snprintf(key, sizeof key, "%s", b.out.want.key);
    build(SLK_BATCH_PRE_COMMIT, 3);
    assert_string_equal(b.out.want.key, key);
    b.s[2].visit++;
    build(SLK_BATCH_PRE_COMMIT, 3);
    assert_string_not_equal(b.out.want.key, key);
    build(SLK_BATCH_PRE_COMMIT, 2);
    assert_string_not_equal(b.out.want.key, key);
    close_batch();
}

/* --- Money --------------------------------------------------------------------------------- */

static void test_collateral(void **state)
{
    (void)state;
    static const struct {
        bool from_miner, no_fallback;
        uint64_t available, buffer, want;
    } rows[] = {
        {false, false, 9999, 0, 1400}, {true, false, 9999, 0, 0},     {true, false, 1000, 0, 400},
        {true, false, 1000, 300, 700}, {true, false, 100, 500, 1400}, {true, true, 0, 0, 0},
    };
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 2);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        b.sim.config.collateral_from_miner_balance = rows[i].from_miner;
        b.sim.config.disable_collateral_fallback = rows[i].no_fallback;
        b.sim.available = slk_bigint_u64(rows[i].available);
        b.sim.config.available_balance_buffer = slk_bigint_u64(rows[i].buffer);
        build(SLK_BATCH_PRE_COMMIT, 2);
        assert_amount(b.out.want.value, rows[i].want);
    }
    close_batch();
}

static void test_sender(void **state)
{
    (void)state;
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 1);
    slk_miner_config_t *config = &b.sim.config;
    snprintf(config->pre_commit_control[0], sizeof config->pre_commit_control[0], "t0102");
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_CONTROL);
    /* It has too little: the worker. 1010 of fee and 700 of value are wanted. */
    b.sim.balance[2] = slk_bigint_u64(1709);
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_WORKER);
    b.sim.balance[2] = slk_bigint_u64(1710);
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_CONTROL);
    b.sim.has_key[2] = false;
    b.sim.has_key[1] = false;
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_OWNER);
    config->disable_owner_fallback = true;
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_true(b.out.trouble);
    assert_false(b.out.has_message);
    assert_int_equal(b.out.step_cnt, 0);
    assert_true(b.out.until_ms > b.sim.now_ms);
    /* Nobody has enough: the richest. */
    b.sim.has_key[1] = b.sim.has_key[2] = true;
    b.sim.balance[1] = slk_bigint_u64(10);
    b.sim.balance[2] = slk_bigint_u64(9);
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_WORKER);
    config->disable_worker_fallback = true;
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_from(SIM_CONTROL);
    /* An address of another miner's is none of ours. */
    snprintf(config->pre_commit_control[0], sizeof config->pre_commit_control[0], "t0999");
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_true(b.out.trouble);
    snprintf(config->pre_commit_control[0], sizeof config->pre_commit_control[0], "nonsense");
    build(SLK_BATCH_PRE_COMMIT, 1);
    assert_true(b.out.trouble);
    close_batch();
}

/* --- Halves and exclusions ------------------------------------------------------------------ */

static void test_halves(void **state)
{
    (void)state;
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 12);
    b.sim.fit_max = 4;
    build(SLK_BATCH_PRE_COMMIT, 12); /* 12, 6, 3 */
    assert_true(b.out.has_message);
    assert_int_equal(b.out.step_cnt, 3);
    assert_int_equal(b.out.rest, 9);
    assert_int_equal(b.sim.estimates, 3);
    /* A sector too much for any message is what is wrong. */
    b.sim.fit_max = 0;
    build(SLK_BATCH_PRE_COMMIT, 2);
    assert_false(b.out.has_message);
    assert_int_equal(b.out.step_cnt, 2);
    assert_int_equal(b.out.steps[0].event.type, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED);
    assert_int_equal(b.out.rest, 0);
    close_batch();
}

static void test_culprit(void **state)
{
    (void)state;
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 8);
    for (uint64_t bad = 0; bad < 8; bad++) {
        bool gone[8] = {false};
        size_t left = 8, sent = 0, failed = 0;
        b.sim.bad_number = bad;
        /* As the manager does: until nobody is left over. */
        while (left) {
            size_t cnt = 0;
            for (size_t i = 0; i < 8; i++)
                if (!gone[i])
                    b.at[cnt++] = &b.s[i];
            build(SLK_BATCH_PRE_COMMIT, cnt);
            assert_true(b.out.step_cnt > 0);
            for (size_t i = 0; i < b.out.step_cnt; i++) {
                const uint64_t number = b.at[b.out.steps[i].sector]->sector_number;
                const bool ok = b.out.steps[i].event.type == SLK_EVENT_PRE_COMMIT_BATCH_SENT;
                assert_int_equal(ok, number != bad);
                gone[number] = true;
                sent += ok;
                failed += !ok;
            }
            left -= b.out.step_cnt;
            assert_int_equal(b.out.rest, left);
        }
        assert_int_equal(sent, 7);
        assert_int_equal(failed, 1);
    }
    close_batch();
}

static void test_money_is_missing(void **state)
{
    (void)state;
    static const int64_t exits[] = {6, 19};
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 4);
    for (size_t i = 0; i < SLK_COUNT(exits); i++) {
        b.sim.bad_exit = exits[i];
        build(SLK_BATCH_PRE_COMMIT, 4);
        assert_true(b.out.trouble); /* and no sector is to blame */
        assert_int_equal(b.out.step_cnt, 0);
        assert_non_null(strstr(b.out.why, "exit="));
    }
    close_batch();
}

static void test_node_away(void **state)
{
    (void)state;
    open_batch(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, 2);
    b.sim.away = true;
    b.sim.troubles = 3;
    build(SLK_BATCH_PRE_COMMIT, 2);
    assert_true(b.out.trouble);
    assert_int_equal(b.out.until_ms, b.sim.now_ms + 8000);
    assert_int_equal(b.out.step_cnt, 0);
    close_batch();
}

/* --- Prove-commits -------------------------------------------------------------------------- */

static void prove_all(size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        sim_pre_committed(&b.sim, &b.s[i], 4900);
        sim_prove(&b.sim, &b.s[i]);
    }
}

static void decode_commit(slk_prove_commit_sectors3_params_t *all)
{
    slk_diag_t diag = {0};
    assert_ok(slk_record_decode(all, &slk_prove_commit_sectors3_params_type, b.out.want.params,
                                b.out.want.params_len, &b.arena, &diag),
              diag);
}

static void test_commits(void **state)
{
    (void)state;
    slk_prove_commit_sectors3_params_t all;
    open_batch(SLK_STATE_SUBMIT_COMMIT_AGGREGATE, 4);
    prove_all(4);
    b.sim.sectors[1].pre_committed = false;
    b.sim.sectors[3].pre_commit.pre_commit_deposit =
        slk_bigint_u64(5000); /* more than the pledge */
    build(SLK_BATCH_COMMIT, 4);
    assert_true(b.out.has_message);
    assert_int_equal(b.out.want.method, 34);
    assert_amount(b.out.want.value, 600); /* twice 1000 less 700 */
    assert_amount(b.out.want.max_fee, 2060);
    decode_commit(&all);
    assert_int_equal(all.sector_activations.count, 3);
    assert_int_equal(all.sector_proofs.count, 3);
    assert_int_equal(all.aggregate_proof.len, 0);
    assert_null(all.aggregate_proof_type);
    assert_true(all.require_activation_success);
    assert_false(all.require_notification_success);
    static const uint64_t numbers[] = {0, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(all.sector_activations.items[i].sector_number, numbers[i]);
        assert_int_equal(all.sector_activations.items[i].pieces.count, 0);
        assert_memory_equal(all.sector_proofs.items[i].b, b.s[numbers[i]].seed_value.b, 32);
    }
    assert_int_equal(b.out.step_cnt, 4);
    assert_int_equal(b.out.steps[0].sector, 1);
    assert_int_equal(b.out.steps[0].event.type, SLK_EVENT_COMMIT_FAILED);
    assert_int_equal(b.out.steps[3].event.type, SLK_EVENT_COMMIT_AGGREGATE_SENT);
    assert_int_equal(b.out.rest, 0);
    close_batch();
}

static void test_market_piece(void **state)
{
    (void)state;
    static const uint8_t deal_300[] = {0x19, 0x01, 0x2c};
    slk_prove_commit_sectors3_params_t all;
    open_batch(SLK_STATE_SUBMIT_COMMIT_AGGREGATE, 1);
    prove_all(1);
    slk_sector_piece_t *piece = &b.s[0].pieces.items[0];
    slk_deal_proposal_t proposal = {.piece_cid = piece->piece.piece_cid,
                                    .piece_size = 2048,
                                    .client = slk_address_id(555),
                                    .provider = slk_address_id(SIM_MINER),
                                    .start_epoch = 9000};
    slk_piece_deal_info_t info = {.deal_id = 300, .deal_proposal = &proposal};
    piece->deal_info = &info;
    b.sim.has_deal = true;
    b.sim.deal.proposal = proposal;
    build(SLK_BATCH_COMMIT, 1);
    decode_commit(&all);
    const slk_piece_activation_manifest_t *manifest =
        &all.sector_activations.items[0].pieces.items[0];
    const slk_address_t market = slk_address_id(5);
    assert_int_equal(all.sector_activations.items[0].pieces.count, 1);
    assert_true(slk_cid_eq(&manifest->cid, &piece->piece.piece_cid));
    assert_int_equal(manifest->size, 2048);
    assert_null(manifest->verified_allocation_key);
    assert_int_equal(manifest->notify.count, 1);
    assert_true(slk_address_eq(&manifest->notify.items[0].address, &market));
    assert_int_equal(manifest->notify.items[0].payload.len, sizeof deal_300);
    assert_memory_equal(manifest->notify.items[0].payload.b, deal_300, sizeof deal_300);
    assert_amount(b.out.want.value, 300);

    /* With data cap the allocation is claimed, and the pledge is that of verified bytes. */
    b.sim.deal_allocation = 77;
    b.sim.has_allocation = true;
    b.sim.allocation = (slk_allocation_t){.client = 555,
                                          .provider = SIM_MINER,
                                          .size = 2048,
                                          .term_min = 600000,
                                          .term_max = 800000,
                                          .expiration = 99999};
    build(SLK_BATCH_COMMIT, 1);
    decode_commit(&all);
    manifest = &all.sector_activations.items[0].pieces.items[0];
    assert_int_equal(manifest->verified_allocation_key->client, 555);
    assert_int_equal(manifest->verified_allocation_key->id, 77);
    assert_amount(b.out.want.value, 9300);

    /* What is wrong with an allocation is this sector's failure. */
    for (int wrong = 0; wrong < 5; wrong++) {
        const slk_allocation_t good = b.sim.allocation;
        slk_allocation_t *a = &b.sim.allocation;
        *(wrong == 0 ? &a->provider : &a->size) += wrong < 2 ? 1 : 0;
        a->term_min = wrong == 2 ? 700000 : a->term_min; /* the sector has 699900 */
        a->term_max = wrong == 3 ? 699899 : a->term_max;
        b.sim.has_allocation = wrong != 4;
        build(SLK_BATCH_COMMIT, 1);
        assert_false(b.out.has_message);
        assert_int_equal(b.out.step_cnt, 1);
        assert_int_equal(b.out.steps[0].event.type, SLK_EVENT_COMMIT_FAILED);
        assert_true(*b.out.steps[0].event.text);
        *a = good;
        b.sim.has_allocation = true;
    }
    b.sim.has_deal = false;
    build(SLK_BATCH_COMMIT, 1);
    assert_int_equal(b.out.steps[0].event.type, SLK_EVENT_COMMIT_FAILED);
    close_batch();
}

/* Parameters longer than a pool takes are halved without asking the node. */
static void test_long(void **state)
{
    (void)state;
    static uint8_t proof[4000];
    open_batch(SLK_STATE_SUBMIT_COMMIT_AGGREGATE, MANY);
    prove_all(MANY);
    for (size_t i = 0; i < MANY; i++)
        b.s[i].proof = (slk_bytes_t){proof, sizeof proof};
    build(SLK_BATCH_COMMIT, MANY);
    assert_true(b.out.has_message);
    assert_int_equal(b.out.step_cnt, MANY / 2);
    assert_int_equal(b.out.rest, MANY / 2);
    assert_int_equal(b.sim.estimates, 1);
    assert_true(b.out.want.params_len < SLK_MESSAGE_PARAMS_MAX);
    close_batch();
}

/* --- Terminations --------------------------------------------------------------------------- */

static void test_terminations(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_terminate_sectors_params_t all;
    static const struct {
        uint64_t deadline, partition;
        bool live;
    } places[] = {{20, 1, true}, {20, 1, true}, {20, 0, true}, {10, 0, true},
                  {11, 0, true}, {9, 0, true},  {15, 3, true}, {30, 0, false}};
    open_batch(SLK_STATE_TERMINATING, SLK_COUNT(places));
    for (size_t i = 0; i < SLK_COUNT(places); i++) {
        b.sim.sectors[i].proven = true;
        b.sim.sectors[i].live = places[i].live;
        b.sim.sectors[i].at.deadline = places[i].deadline;
        b.sim.sectors[i].at.partition = places[i].partition;
    }
    build(SLK_BATCH_TERMINATE, SLK_COUNT(places));
    assert_true(b.out.has_message);
    assert_int_equal(b.out.want.method, 9);
    assert_amount(b.out.want.value, 0);
    assert_amount(b.out.want.max_fee, 3000);
    assert_ok(slk_record_decode(&all, &slk_terminate_sectors_params_type, b.out.want.params,
                                b.out.want.params_len, &b.arena, &diag),
              diag);
    /* 15/3 {6}, 20/0 {2}, 20/1 {0, 1}; 9, 10 and 11 are held back: 10 is the present one. */
    assert_int_equal(all.terminations.count, 3);
    assert_int_equal(all.terminations.items[0].deadline, 15);
    assert_int_equal(all.terminations.items[0].partition, 3);
    assert_int_equal(all.terminations.items[1].partition, 0);
    assert_int_equal(all.terminations.items[2].partition, 1);
    assert_int_equal(slk_bitfield_count(&all.terminations.items[2].sectors), 2);
    assert_true(slk_bitfield_contains(&all.terminations.items[2].sectors, 1));
    assert_int_equal(b.out.step_cnt, 5);
    assert_int_equal(b.out.steps[0].sector, 7); /* dead already */
    assert_int_equal(b.out.steps[0].event.type, SLK_EVENT_TERMINATING);
    assert_null(b.out.steps[0].event.key);
    assert_non_null(b.out.steps[1].event.key);
    assert_int_equal(b.out.rest, 0);
    assert_int_equal(b.out.until_ms, b.sim.now_ms + 40 * 4000); /* when deadline 10 closes */

    build(SLK_BATCH_TERMINATE, 1);
    assert_true(b.out.has_message);
    b.sim.sectors[0].at.deadline = 10;
    build(SLK_BATCH_TERMINATE, 1);
    assert_false(b.out.has_message);
    assert_false(b.out.trouble);
    assert_int_equal(b.out.step_cnt, 0);
    assert_true(b.out.until_ms > b.sim.now_ms);
    close_batch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pre_commits),  cmocka_unit_test(test_collateral),
        cmocka_unit_test(test_sender),       cmocka_unit_test(test_halves),
        cmocka_unit_test(test_culprit),      cmocka_unit_test(test_money_is_missing),
        cmocka_unit_test(test_node_away),    cmocka_unit_test(test_commits),
        cmocka_unit_test(test_market_piece), cmocka_unit_test(test_long),
        cmocka_unit_test(test_terminations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
