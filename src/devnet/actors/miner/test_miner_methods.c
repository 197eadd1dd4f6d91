/* Methods of the miner about its sectors, by messages: who may call them, wrong proofs and disputes,
 * limits, terminations in parts, expiry. */

#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "devnet/actors/miner/money.h"
#include "devnet/actors/miner/test_miner.h"

static test_machine_t tm;
static uint64_t miner;

static void open_machine(bool optimistic)
{
    slk_policy_t policy = *slk_policy_by_name("2k");
    policy.optimistic_post = optimistic;
    policy.sectors_per_message = 4;
    test_machine_open(&tm, &policy);
    tm.env.params_dir = SLK_VECTORS "/vk";
    slk_cid_t root;
    assert_ok(slk_machine_flush(tm.machine, &root, &tm.diag), tm.diag);
    slk_machine_free(tm.machine);
    assert_ok(slk_machine_new(&tm.machine, &tm.env, &root, &tm.diag), tm.diag);
    miner = test_new_miner(&tm, 0, 10);
}

static int setup(void **state)
{
    (void)state;
    open_machine(false);
    return 0;
}

static int setup_optimistic(void **state)
{
    (void)state;
    open_machine(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_machine_close(&tm);
    return 0;
}

/* Sectors from `first` on that live for `life` epochs. */
static void add(uint64_t first, size_t cnt, int64_t life)
{
    slk_sector_on_chain_info_t infos[16] = {0};
    slk_node_t comm_r = test_bytes32("comm_r");
    comm_r.b[31] &= 0x3f;
    for (size_t i = 0; i < cnt; i++)
        infos[i] = (slk_sector_on_chain_info_t){.sector_number = first + i,
                                                .seal_proof = 5,
                                                .sealed_cid =
                                                    slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                                                .activation = tm.env.epoch,
                                                .power_base_epoch = tm.env.epoch,
                                                .expiration = tm.env.epoch + life,
                                                .initial_pledge = slk_bigint_u64(1000),
                                                .daily_fee = slk_bigint_u64(10),
                                                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    test_add_sectors(&tm, miner, infos, cnt);
}

static void expect(slk_exit_t exit, const char *text)
{
    if (tm.applied.exit != exit || (text && !strstr(tm.applied.text, text)))
        fail_msg("exit %d, %s; expected %d, %s", tm.applied.exit, tm.applied.text, exit,
                 text ? text : "");
}

static void send(unsigned account, uint64_t method, const void *params, const slk_type_t *type)
{
    test_send(&tm, account, miner, method, params, type, slk_bigint_u64(0));
}

static slk_bitfield_t range(uint64_t first, uint64_t cnt)
{
    slk_bitfield_t set;
    assert_int_equal(slk_bitfield_from_range(&set, first, cnt, &tm.arena), SLK_OK);
    return set;
}

static slk_bigint_t claimed(void)
{
    slk_value_u64_t id = {miner};
    slk_miner_power_return_t claim;
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, 36284446, &id, &slk_value_u64_type, slk_bigint_u64(0)),
        SLK_EXIT_OK);
    test_read_return(&tm, &claim, &slk_miner_power_return_type);
    return claim.raw_byte_power;
}

static slk_miner_state_t load(void)
{
    slk_miner_state_t st;
    test_read_state(&tm, miner, &st, &slk_miner_state_type);
    return st;
}

static slk_deadline_t deadline(uint64_t index)
{
    slk_miner_state_t st = load();
    slk_deadlines_t all;
    slk_deadline_t dl;
    test_read_object(&tm, &st.deadlines, &all, &slk_deadlines_type);
    test_read_object(&tm, &all.due.items[index], &dl, &slk_deadline_type);
    return dl;
}

/* Cron until `epochs` into the next opening of deadline 0, where the first sectors go. */
static void go_to_deadline_0(int64_t epochs)
{
    slk_miner_state_t st = load();
    slk_deadline_info_t dl = slk_deadline_next_not_elapsed(
        &tm.policy, slk_deadline_info(&tm.policy, st.proving_period_start, 0, tm.env.epoch));
    test_ticks(&tm, dl.open + epochs - tm.env.epoch);
}

/* --- Window PoSts ----------------------------------------------------------------------------------------- */

/* 192 bytes that are no proof. */
static void submit_wrong(unsigned account)
{
    static uint8_t bytes[192];
    slk_miner_state_t st = load();
    slk_deadline_info_t dl =
        slk_deadline_current(&tm.policy, st.proving_period_start, tm.env.epoch);
    slk_node_t base = test_draw_base(false, dl.challenge);
    slk_node_t rand = slk_draw(base.b, 32, (slk_tag_t)9, dl.challenge, NULL, 0);
    slk_post_partition_t part = {0};
    slk_post_proof_t proof = {10, {bytes, sizeof bytes}};
    memset(bytes, 0xc0, sizeof bytes);
    slk_submit_windowed_post_params_t params = {.deadline = dl.index,
                                                .partitions = {&part, 1},
                                                .proofs = {&proof, 1},
                                                .chain_commit_epoch = dl.challenge,
                                                .chain_commit_rand = {rand.b, 32}};
    send(account, 5, &params, &slk_submit_windowed_post_params_type);
}

static void test_strict(void **state)
{
    (void)state;
    add(1, 2, 600000);
    test_start_cron(&tm, miner);
    go_to_deadline_0(5);
    submit_wrong(1);
    expect(SLK_EXIT_USR_FORBIDDEN, "caller f0101 is not one of supported");
    submit_wrong(0);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "strict mode");
    assert_bigint(claimed(), slk_bigint_u64(0));
    slk_deadline_t dl = deadline(0);
    assert_true(slk_bitfield_is_empty(&dl.partitions_posted));
}

static void dispute(unsigned account, uint64_t index, uint64_t post)
{
    const slk_dispute_windowed_post_params_t params = {index, post};
    send(account, 24, &params, &slk_dispute_windowed_post_params_type);
}

/* What power that was claimed wrongly costs. */
static slk_bigint_t penalty_for(uint64_t qa)
{
    slk_reward_state_t reward;
    slk_power_state_t power;
    test_read_state(&tm, SLK_ID_REWARD, &reward, &slk_reward_state_type);
    test_read_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    return slk_miner_dispute_penalty(&reward.this_epoch_reward_smoothed,
                                     &power.this_epoch_qa_power_smoothed, slk_bigint_u64(qa));
}

/* The calls of the last message that brought money from the miner. */
static slk_bigint_t paid_to(uint64_t to)
{
    slk_bigint_t sum = slk_bigint_u64(0);
    for (size_t i = 0; i < tm.applied.call_cnt; i++) {
        const slk_call_t *call = &tm.applied.calls[i];
        if (call->from == miner && call->to == to && call->method == 0)
            sum = slk_bigint_add(sum, call->value);
    }
    return sum;
}

/* Two sectors whose wrong proof was taken; a minute after the window. */
static void wrong_proof_taken(uint64_t fil)
{
    add(1, 2, 600000);
    assert_int_equal(test_send(&tm, 0, miner, 0, NULL, NULL, test_fil(fil)), SLK_EXIT_OK);
    test_start_cron(&tm, miner);
    go_to_deadline_0(5);
    submit_wrong(0);
    expect(SLK_EXIT_OK, NULL);
    assert_bigint(claimed(), slk_bigint_u64(4096));
}

static void test_dispute(void **state)
{
    (void)state;
    wrong_proof_taken(100);
    submit_wrong(0);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "failed to process post submission for deadline 0: partition already proven: "
           "BitField { ranges: [0..1], set: {}, unset: {} }");
    dispute(1, 0, 0);
    expect(SLK_EXIT_USR_FORBIDDEN, "can only dispute window posts during the dispute window (1800 "
                                   "epochs after the challenge window closes)");
    test_ticks(&tm, 60);
    dispute(1, 48, 0);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid deadline 48 of 48");
    dispute(1, 0, 1);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to load proof for dispute: proof 1 not found");
    dispute(1, 0, UINT64_MAX);
    expect(SLK_EXIT_USR_ILLEGAL_STATE,
           "failed to load proof for dispute: failed to retrieve proof");
    const slk_bigint_t before = test_balance(&tm, miner), penalty = penalty_for(4096);
    const slk_bigint_t locked = load().locked_funds;
    dispute(1, 0, 0);
    expect(SLK_EXIT_OK, NULL);
    assert_bigint(paid_to(101), test_fil(4));
    assert_bigint(paid_to(SLK_ID_BURNT), penalty);
    assert_bigint(slk_bigint_sub(before, test_balance(&tm, miner)),
                  slk_bigint_add(penalty, test_fil(4)));
    assert_bigint(load().fee_debt, slk_bigint_u64(0));
    /* Taken from what is vesting first. */
    assert_bigint(slk_bigint_sub(locked, load().locked_funds),
                  slk_bigint_min(locked, slk_bigint_add(penalty, test_fil(4))));
    assert_bigint(claimed(), slk_bigint_u64(0));
    slk_deadline_t dl = deadline(0);
    assert_bigint(dl.faulty_power.raw, slk_bigint_u64(4096));
    assert_int_equal(dl.live_sectors, 2);
    dispute(1, 0, 0);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to load proof for dispute: proof 0 not found");
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

/* The last epoch of the window for it, and the first after it. */
static void test_dispute_in_time(void **state)
{
    (void)state;
    wrong_proof_taken(100);
    const int64_t close = tm.env.epoch - 5 + tm.policy.challenge_window;
    test_ticks(&tm, close + tm.policy.dispute_window - tm.env.epoch);
    dispute(1, 0, 0);
    expect(SLK_EXIT_USR_FORBIDDEN, "can only dispute window posts during the dispute window");
    assert_bigint(claimed(), slk_bigint_u64(4096));
    test_set_epoch(&tm, tm.env.epoch - 1);
    dispute(1, 0, 0);
    expect(SLK_EXIT_OK, NULL);
    assert_bigint(claimed(), slk_bigint_u64(0));
}

/* Whoever cannot pay owes the rest; the reporter comes first. */
static void test_dispute_of_poor(void **state)
{
    (void)state;
    const slk_miner_withdraw_balance_params_t all = {test_fil(1000)};
    wrong_proof_taken(0);
    test_ticks(&tm, 60);
    send(0, 16, &all, &slk_miner_withdraw_balance_params_type);
    expect(SLK_EXIT_OK, NULL);
    slk_miner_state_t st = load();
    const slk_bigint_t keep = slk_bigint_add(st.initial_pledge, st.pre_commit_deposits);
    slk_bigint_t has = slk_bigint_sub(test_balance(&tm, miner), keep);
    const slk_bigint_t owed = slk_bigint_add(penalty_for(4096), test_fil(4));
    assert_true(slk_bigint_sign(&has) > 0 && slk_bigint_cmp(&has, &owed) < 0);
    dispute(1, 0, 0);
    expect(SLK_EXIT_OK, NULL);
    const slk_bigint_t reward = slk_bigint_min(has, test_fil(4));
    assert_bigint(paid_to(101), reward);
    assert_bigint(paid_to(SLK_ID_BURNT), slk_bigint_sub(has, reward));
    assert_bigint(load().fee_debt, slk_bigint_sub(owed, has));
    assert_bigint(load().locked_funds, slk_bigint_u64(0));
    assert_bigint(test_balance(&tm, miner), keep);
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

/* A proof that brings back power is verified even where others are taken unverified. */
static void test_recovery_is_verified(void **state)
{
    (void)state;
    slk_sector_declaration_t row = {.sectors = range(1, 1)};
    const slk_declare_faults_params_t params = {{&row, 1}};
    add(1, 2, 600000);
    test_start_cron(&tm, miner);
    send(0, 10, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_OK, NULL);
    send(0, 11, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_OK, NULL);
    go_to_deadline_0(5);
    submit_wrong(0);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "-- invalid post was submitted (16)");
    send(0, 10, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "failed fault declaration at deadline 0: late fault or recovery declaration");
    send(0, 11, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "failed recovery declaration at deadline 0: late fault or recovery declaration");
    submit_wrong(2);
    expect(SLK_EXIT_USR_FORBIDDEN, NULL);
}

/* --- Terminations and expiry ---------------------------------------------------------------------------------- */

static void test_limits(void **state)
{
    (void)state;
    slk_sector_declaration_t rows[2] = {{.sectors = range(1, 5)}, {.deadline = 48}};
    slk_declare_faults_params_t params = {{rows, 1}};
    const uint64_t methods[] = {9, 10, 11};
    add(1, 2, 600000);
    for (size_t i = 0; i < SLK_COUNT(methods); i++) {
        rows[0].sectors = range(1, 5);
        params.faults.count = 1;
        send(0, methods[i], &params, &slk_declare_faults_params_type);
        expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
               "cannot process requested parameters: too many sectors 5, max 4");
        rows[0].sectors = range(0, UINT64_MAX - 1);
        send(0, methods[i], &params, &slk_declare_faults_params_type);
        expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "too many sectors");
        rows[0].sectors = range(1, 1);
        params.faults.count = 2;
        send(0, methods[i], &params, &slk_declare_faults_params_type);
        expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
               "failed to process deadline 48, partition 0: invalid deadline 48");
        params.faults.count = 1;
        send(3, methods[i], &params, &slk_declare_faults_params_type);
        expect(SLK_EXIT_USR_FORBIDDEN, "caller f0103 is not one of supported");
    }
}

static void test_terminate(void **state)
{
    (void)state;
    slk_terminate_sectors_return_t ret;
    slk_sector_declaration_t rows[2];
    const slk_declare_faults_params_t params = {{rows, 2}};
    add(1, 4, 600000); /* two to a deadline */
    for (uint64_t i = 0; i < 2; i++)
        rows[i] = (slk_sector_declaration_t){.deadline = i, .sectors = range(1 + 2 * i, 2)};
    rows[1].sectors = range(3, 1);
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    send(0, 9, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_OK, NULL);
    test_read_return(&tm, &ret, &slk_terminate_sectors_return_type);
    assert_true(ret.done);
    assert_int_equal(tm.applied.event_cnt, 3);
    assert_string_equal(tm.applied.events[0].entries[0].key, "$type");
    assert_memory_equal(tm.applied.events[0].entries[0].value.b, "\x71sector-terminated", 18);
    assert_memory_equal(tm.applied.events[2].entries[1].value.b, "\x03", 1);
    slk_miner_state_t st = load();
    assert_bigint(st.initial_pledge, slk_bigint_u64(1000));
    assert_true(slk_bitfield_is_empty(&st.early_terminations));
    slk_bigint_t paid = test_balance(&tm, SLK_ID_BURNT);
    assert_true(slk_bigint_cmp(&paid, &burnt) > 0);
    send(0, 9, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "failed to terminate sectors in deadline 0: failed to terminate sectors in partition 0: "
           "can only terminate live sectors");
    rows[0].partition = 7;
    send(0, 9, &params, &slk_declare_faults_params_type);
    expect(SLK_EXIT_USR_NOT_FOUND,
           "failed to terminate sectors in deadline 0: failed to find partition 7");
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

/* Two sectors that were faulty for too long end with their deadline; one is worked off at once, the
 * other by cron in the next epoch. */
static void test_terminate_in_parts(void **state)
{
    (void)state;
    tm.policy.fault_max_age = 2880;
    tm.policy.sectors_per_message = 1;
    add(1, 2, 600000);
    test_start_cron(&tm, miner);
    go_to_deadline_0(2880 + 59);
    slk_miner_state_t st = load();
    assert_bigint(st.initial_pledge, slk_bigint_u64(2000));
    test_ticks(&tm, 1);
    st = load();
    assert_bigint(st.initial_pledge, slk_bigint_u64(1000));
    assert_false(slk_bitfield_is_empty(&st.early_terminations));
    slk_deadline_t dl = deadline(0);
    assert_int_equal(dl.live_sectors, 0);
    assert_bigint(dl.faulty_power.raw, slk_bigint_u64(0));
    test_ticks(&tm, 1);
    st = load();
    assert_bigint(st.initial_pledge, slk_bigint_u64(0));
    assert_true(slk_bitfield_is_empty(&st.early_terminations));
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

/* On time: pledge is free again and power gone; the sectors stay until compaction. */
static void test_expiry(void **state)
{
    (void)state;
    slk_check_sector_proven_params_t proven = {1};
    slk_compact_partitions_params_t compact = {0, range(0, 1)};
    add(1, 2, 4000);
    test_start_cron(&tm, miner);
    go_to_deadline_0(5);
    submit_wrong(0);
    expect(SLK_EXIT_OK, NULL);
    assert_bigint(claimed(), slk_bigint_u64(4096));
    go_to_deadline_0(2880 + 5);
    submit_wrong(0);
    expect(SLK_EXIT_OK, NULL);
    test_ticks(&tm, 2880);
    submit_wrong(0);
    assert_bigint(load().initial_pledge, slk_bigint_u64(2000));
    test_ticks(&tm, 60);
    assert_bigint(load().initial_pledge, slk_bigint_u64(0));
    assert_bigint(claimed(), slk_bigint_u64(0));
    slk_deadline_t dl = deadline(0);
    assert_int_equal(dl.live_sectors, 0);
    assert_int_equal(dl.total_sectors, 2);
    assert_bigint(dl.daily_fee, slk_bigint_u64(0));
    send(0, 19, &compact, &slk_compact_partitions_params_type);
    expect(SLK_EXIT_USR_FORBIDDEN, "cannot compact deadline 0 during its challenge window");
    send(3, 13, &proven, &slk_check_sector_proven_params_type);
    expect(SLK_EXIT_OK, NULL);
    test_ticks(&tm, 1860);
    compact.partitions = range(0, 2);
    send(0, 19, &compact, &slk_compact_partitions_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "partition index 1 out of range [0, 1)");
    compact.partitions = range(0, 1);
    send(0, 19, &compact, &slk_compact_partitions_params_type);
    expect(SLK_EXIT_OK, NULL);
    assert_int_equal(deadline(0).total_sectors, 0);
    send(3, 13, &proven, &slk_check_sector_proven_params_type);
    expect(SLK_EXIT_USR_NOT_FOUND, "sector 1 not proven");
}

/* --- Others ------------------------------------------------------------------------------------------------------ */

static void test_small_methods(void **state)
{
    (void)state;
    slk_compact_sector_numbers_params_t mask = {range(10, 20)};
    slk_value_bitfield_t used;
    slk_miner_state_t st;
    send(0, 20, &mask, &slk_compact_sector_numbers_params_type);
    expect(SLK_EXIT_OK, NULL);
    st = load();
    test_read_object(&tm, &st.allocated_sectors, &used, &slk_value_bitfield_type);
    assert_true(slk_bitfield_equal(&used.value, &mask.mask_sector_numbers));
    send(2, 20, &mask, &slk_compact_sector_numbers_params_type);
    expect(SLK_EXIT_USR_FORBIDDEN, NULL);
    mask.mask_sector_numbers = (slk_bitfield_t){0};
    send(0, 20, &mask, &slk_compact_sector_numbers_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid mask bitfield");
    mask.mask_sector_numbers = range(SLK_SECTOR_NUMBER_MAX + 1, 1);
    send(0, 20, &mask, &slk_compact_sector_numbers_params_type);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "masked sector number 9223372036854775808 exceeded max sector number");

    const slk_deferred_cron_event_params_t cron = {0};
    send(0, 12, &cron, &slk_deferred_cron_event_params_type);
    expect(SLK_EXIT_USR_FORBIDDEN, NULL);
    send(0, 33, NULL, NULL);
    expect(SLK_EXIT_USR_UNHANDLED_MESSAGE, "invalid method: 33");
}

/* --- Consensus faults ------------------------------------------------------------------------------------------- */

/* A signed block of the miner; what says how it differs from others. */
static slk_bytes_t block(int64_t height, const slk_cid_t *parents, size_t parent_cnt,
                         uint64_t timestamp, const slk_key_t *key)
{
    slk_block_header_t header = {
        .miner = slk_address_id(miner),
        .parents = {(slk_cid_t *)(uintptr_t)parents, parent_cnt},
        .height = height,
        .timestamp = timestamp,
        .parent_state_root = slk_cid_of_cbor("a", 1),
        .parent_message_receipts = slk_cid_of_cbor("b", 1),
        .messages = slk_cid_of_cbor("c", 1),
    };
    slk_buf_t buf = {0};
    slk_key_sig_t sig;
    assert_ok(slk_block_unsigned(&buf, &header, &tm.diag), tm.diag);
    assert_ok(slk_key_sign(&sig, key, buf.bytes, buf.len, &tm.diag), tm.diag);
    slk_buf_free(&buf);
    header.block_sig = (slk_signature_t){SLK_SIGNATURE_BLS, {sig.b, sig.len}};
    assert_ok(slk_record_encode(&buf, &slk_block_header_type, &header, &tm.diag), tm.diag);
    slk_bytes_t out = {slk_arena_copy(&tm.arena, buf.bytes, buf.len), buf.len};
    slk_buf_free(&buf);
    return out;
}

static slk_cid_t cid_of(slk_bytes_t bytes)
{
    return slk_cid_of_cbor(bytes.b, bytes.len);
}

static void report(slk_bytes_t a, slk_bytes_t b, slk_bytes_t extra)
{
    const slk_report_consensus_fault_params_t params = {a, b, extra};
    send(1, 15, &params, &slk_report_consensus_fault_params_type);
}

static void test_consensus_fault(void **state)
{
    (void)state;
    static const char none[] = "No consensus fault found";
    const slk_bytes_t nothing = {0}, junk = {(const uint8_t *)"\x80", 1};
    const slk_key_t *key = &tm.keys[0];
    slk_cid_t p = slk_cid_of_cbor("p", 1), q = slk_cid_of_cbor("q", 1);
    slk_bytes_t a = block(10, &p, 1, 1, key), fork = block(10, &p, 1, 2, key);
    slk_bytes_t other = block(11, &q, 1, 1, key), late = block(12, &p, 1, 1, key);
    slk_cid_t a_cid = cid_of(a), sibling_cid = cid_of(fork), both[2] = {a_cid, sibling_cid};
    slk_bytes_t left_out = block(11, &sibling_cid, 1, 1, key), honest = block(11, both, 2, 1, key);
    assert_int_equal(test_send(&tm, 0, miner, 0, NULL, NULL, test_fil(1000)), SLK_EXIT_OK);
    test_set_epoch(&tm, 20);
    const slk_bytes_t cases[][3] = {{a, a, nothing},
                                    {a, junk, nothing},
                                    {other, a, nothing},
                                    {a, other, nothing},
                                    {a, left_out, nothing},
                                    {a, honest, fork},
                                    {a, left_out, other},
                                    {a, left_out, junk},
                                    {a, block(10, &p, 1, 2, &tm.keys[1]), nothing}};
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        report(cases[i][0], cases[i][1], cases[i][2]);
        expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, none);
    }
    slk_bytes_t future = block(20, &p, 1, 1, key);
    report(a, future, nothing);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid fault epoch 20 ahead of current 20");

    slk_bigint_t before = test_balance(&tm, 101);
    report(a, left_out, fork);
    expect(SLK_EXIT_OK, NULL);
    slk_bigint_t got = slk_bigint_sub(test_balance(&tm, 101), before), least = test_fil(1);
    assert_true(slk_bigint_cmp(&got, &least) > 0);
    slk_miner_state_t st = load();
    slk_miner_info_t info;
    test_read_object(&tm, &st.info, &info, &slk_miner_info_type);
    assert_int_equal(info.consensus_fault_elapsed, 920);
    report(a, fork, nothing);
    expect(SLK_EXIT_USR_FORBIDDEN, "fault epoch 10 is too old, last exclusion period ended at 920");
    test_set_epoch(&tm, 1000);
    report(block(950, &p, 1, 1, key), block(951, &p, 1, 1, key), nothing);
    expect(SLK_EXIT_OK, NULL);
    report(a, late, nothing);
    expect(SLK_EXIT_USR_FORBIDDEN, "is too old");
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_strict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dispute, setup_optimistic, teardown),
        cmocka_unit_test_setup_teardown(test_dispute_in_time, setup_optimistic, teardown),
        cmocka_unit_test_setup_teardown(test_dispute_of_poor, setup_optimistic, teardown),
        cmocka_unit_test_setup_teardown(test_recovery_is_verified, setup_optimistic, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminate_in_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup_optimistic, teardown),
        cmocka_unit_test_setup_teardown(test_small_methods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consensus_fault, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
