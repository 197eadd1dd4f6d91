/* The history of a recorded miner (tests/vectors/lotus-rpc): its window PoSts, faults, recoveries,
 * extension and termination are run again as messages at the recorded epochs, with the recorded proofs,
 * which are verified. After each part the roots of its deadlines and sectors are those that the real
 * node had, and power and market are told the same. Sectors are put on chain without seals. */

#include "devnet/actors/miner/test_miner.h"

#define MINER UINT64_C(1000)

static test_machine_t tm;

/* --- Recorded randomness --------------------------------------------------------------------------------- */

typedef struct {
    bool beacon;
    int64_t epoch;
    slk_node_t drawn;
} draw_t;

static draw_t draws[16];
static size_t draw_cnt;

static slk_err_t recorded_draw(void *ctx, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                               const void *entropy, size_t len, slk_diag_t *diag)
{
    for (size_t i = 0; i < draw_cnt; i++)
        if (draws[i].beacon == beacon && draws[i].epoch == epoch) {
            *out = draws[i].drawn;
            return SLK_OK;
        }
    return test_draw(ctx, out, beacon, tag, epoch, entropy, len, diag);
}

static json_t *message(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", name);
    return test_vectors(path);
}

static void read_draws(void)
{
    draw_cnt = 0;
    for (unsigned i = 1; i <= 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "SubmitWindowedPoSt-%u", i);
        json_t *json = message(name), *inputs = json_object_get(json, "inputs");
        int64_t epoch = json_integer_value(json_object_get(inputs, "challenge_epoch"));
        draws[draw_cnt++] = (draw_t){
            true, epoch,
            node_from_hex(json_string_value(json_object_get(inputs, "post_randomness_hex")))};
        draws[draw_cnt++] = (draw_t){
            false, epoch,
            node_from_hex(json_string_value(json_object_get(inputs, "commit_randomness_hex")))};
        json_decref(json);
    }
}

/* --- Messages ------------------------------------------------------------------------------------------------ */

/* What the miner told the power actor (method 3) and the market, in order, as in the recording. */
static void compare_calls(const json_t *json, const char *name)
{
    size_t at = 1;
    const json_t *sub = json_object_get(json_object_get(json, "calls"), "sub");
    for (size_t i = 0; i < json_array_size(sub); i++) {
        const json_t *call = json_array_get(sub, i);
        char to[32], *hex;
        if (at == tm.applied.call_cnt)
            fail_msg("%s: call %zu of the recording was not made", name, i);
        const slk_call_t *got = &tm.applied.calls[at++];
        snprintf(to, sizeof to, "t0%" PRIu64, got->to);
        assert_string_equal(to, json_string_value(json_object_get(call, "to")));
        assert_int_equal(got->method, json_integer_value(json_object_get(call, "method")));
        assert_int_equal(got->exit, SLK_EXIT_OK);
        if (got->method != 3 && got->to != SLK_ID_MARKET)
            continue; /* amounts depend on the whole network's economy */
        const char *want = json_string_value(json_object_get(call, "params_hex"));
        hex = malloc(2 * got->params.len + 1);
        slk_hex_encode(hex, got->params.b, got->params.len);
        assert_string_equal(hex, want);
        free(hex);
    }
    assert_int_equal(at, tm.applied.call_cnt);
}

/* broken: the proof's last point has the other sign; 32 bytes of randomness and an epoch follow it. */
static void run_with(const char *name, bool broken)
{
    json_t *json = message(name);
    const json_t *calls = json_object_get(json, "calls");
    const char *hex = json_string_value(json_object_get(calls, "params_hex"));
    int64_t epoch =
        json_integer_value(json_object_get(json_object_get(json, "included_in"), "height"));
    size_t len = strlen(hex) / 2;
    uint8_t *params = malloc(len);
    assert_true(slk_hex_decode(params, len, hex));
    if (broken)
        params[len - 34 - 3 - 48] ^= 0x20;
    assert_true(epoch >= tm.env.epoch);
    test_ticks(&tm, epoch - tm.env.epoch);
    if (test_send_bytes(&tm, &tm.accounts[0], slk_address_id(MINER),
                        (uint64_t)json_integer_value(json_object_get(calls, "method")),
                        (slk_bytes_t){params, len}, slk_bigint_u64(0)) != SLK_EXIT_OK)
        fail_msg("%s: exit %d, %s", name, tm.applied.exit, tm.applied.text);
    compare_calls(json, name);
    free(params);
    json_decref(json);
}

static void run(const char *name)
{
    run_with(name, false);
}

/* What gas estimation said to wrong parameters at epoch 939, word for word; also to right ones, which
 * change nothing. */
static void run_errors(void)
{
    static const uint64_t methods[] = {5, 9, 10, 11, 19, 24, 32};
    json_t *list = test_vectors("lotus-rpc/actor-errors.json");
    size_t seen = 0;
    test_ticks(&tm, 939 - tm.env.epoch);
    draws[draw_cnt++] =
        (draw_t){false, 878,
                 node_from_hex("f78826265bf1b18d31f4fe13ecf7118f8a865da852780f07c45010e59cff40cc")};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i), *error = json_object_get(row, "error");
        uint64_t method = (uint64_t)json_integer_value(json_object_get(row, "method"));
        const char *hex = json_string_value(json_object_get(row, "params_hex"));
        const char *note = json_string_value(json_object_get(row, "note"));
        uint8_t params[1024];
        bool ours = false;
        for (size_t k = 0; k < SLK_COUNT(methods); k++)
            ours |= methods[k] == method;
        if (!ours)
            continue;
        seen++;
        size_t len = strlen(hex) / 2;
        assert_true(len <= sizeof params && slk_hex_decode(params, len, hex));
        slk_exit_t exit = test_send_bytes(&tm, &tm.accounts[0], slk_address_id(MINER), method,
                                          (slk_bytes_t){params, len}, slk_bigint_u64(0));
        if (json_is_null(error)) {
            if (exit != SLK_EXIT_OK)
                fail_msg("%s: %s", note, tm.applied.text);
            continue;
        }
        const char *want = json_string_value(json_object_get(error, "message"));
        if (exit == SLK_EXIT_OK || !strstr(want, tm.applied.text))
            fail_msg("%s: exit %d, %s\n expected %s", note, exit, tm.applied.text, want);
    }
    json_decref(list);
    assert_int_equal(seen, 27);
}

/* --- Sectors and roots ------------------------------------------------------------------------------------------ */

/* A sector as it was when it came on chain. */
static slk_sector_on_chain_info_t sector(unsigned number, const char *note)
{
    json_t *json = test_vectors("lotus-rpc/StateSectorGetInfo.json");
    const json_t *list = json_object_get(json, "calls");
    slk_sector_on_chain_info_t info = {.sector_number = UINT64_MAX};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *call = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(call, "note")), note))
            continue;
        assert_ok(slk_record_from_json(&info, &slk_sector_on_chain_info_type,
                                       json_object_get(json_object_get(call, "response"), "result"),
                                       &tm.arena, &tm.diag),
                  tm.diag);
    }
    json_decref(json);
    assert_int_equal(info.sector_number, number);
    return info;
}

static void add(slk_sector_on_chain_info_t info)
{
    assert_int_equal(tm.env.epoch, info.activation);
    test_add_sectors(&tm, MINER, &info, 1);
}

static void assert_roots(const char *note)
{
    json_t *json = test_vectors("lotus-rpc/StateReadState.json");
    const json_t *list = json_object_get(json, "calls");
    slk_miner_state_t st;
    bool seen = false;
    test_read_state(&tm, MINER, &st, &slk_miner_state_type);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *call = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(call, "note")), note))
            continue;
        const json_t *state =
            json_object_get(json_object_get(json_object_get(call, "response"), "result"), "State");
        seen = true;
        const struct {
            const char *name;
            const slk_cid_t *cid;
        } rows[] = {{"Sectors", &st.sectors}, {"Deadlines", &st.deadlines}};
        for (size_t k = 0; k < SLK_COUNT(rows); k++) {
            const char *want =
                json_string_value(json_object_get(json_object_get(state, rows[k].name), "/"));
            if (strcmp(slk_cid_text(rows[k].cid).s, want))
                fail_msg("%s: %s %s, expected %s", note, rows[k].name, slk_cid_text(rows[k].cid).s,
                         want);
        }
        assert_int_equal(st.proving_period_start,
                         json_integer_value(json_object_get(state, "ProvingPeriodStart")));
        assert_int_equal(st.current_deadline,
                         json_integer_value(json_object_get(state, "CurrentDeadline")));
    }
    json_decref(json);
    assert_true(seen);
}

/* --- The beginning ------------------------------------------------------------------------------------------------- */

/* Sectors 0 and 1 are proven in the first state, without a window PoSt. */
static void preseal(void)
{
    slk_rt_t rt = test_rt(&tm, MINER);
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_partition_t part;
    slk_amt_t *amt;
    add(sector(0, "presealed sector 0"));
    add(sector(1, "sector 1 declared faulty"));
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, 0, &deadline));
    assert_rt(&rt, slk_deadline_partition(&rt, &deadline, 0, &part));
    slk_power_pair_t power = slk_partition_activate_unproven(&part);
    assert_rt(&rt, slk_array_load(&rt, &amt, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    assert_rt(&rt, slk_array_set(&rt, amt, 0, &part, &slk_partition_type));
    assert_rt(&rt, slk_array_flush(&rt, amt, &deadline.partitions));
    slk_amt_free(amt);
    assert_rt(&rt, slk_deadlines_put(&rt, &deadlines, 0, &deadline));
    assert_rt(&rt, slk_deadlines_save(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    slk_update_claimed_power_params_t claim = {power.raw, power.qa};
    assert_int_equal(test_call_as(&tm, MINER, SLK_ID_POWER, 3, &claim,
                                  &slk_update_claimed_power_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
}

static void open_machine(bool optimistic)
{
    slk_policy_t policy = *slk_policy_by_name("2k");
    slk_cid_t root;
    policy.optimistic_post = optimistic;
    read_draws();
    test_machine_open(&tm, &policy);
    assert_ok(slk_machine_flush(tm.machine, &root, &tm.diag), tm.diag);
    slk_machine_free(tm.machine);
    tm.env.draw = recorded_draw;
    tm.env.params_dir = SLK_VECTORS "/vk";
    assert_ok(slk_machine_new(&tm.machine, &tm.env, &root, &tm.diag), tm.diag);
    assert_int_equal(test_new_miner(&tm, 0, 10), MINER);
    preseal();
    test_start_cron(&tm, MINER);
}

static void test_history(void **state)
{
    (void)state;
    open_machine(false);
    assert_roots("miner actor");
    test_ticks(&tm, 500);
    add(sector(4, "sector 4 proven commit, before its first window PoSt"));
    test_ticks(&tm, 60);
    assert_roots("sector 4 proven commit, before its first window PoSt");
    test_ticks(&tm, 40);
    slk_sector_on_chain_info_t two = sector(2, "sector 2 after a replica update (snap)");
    slk_sector_on_chain_info_t snapped = two;
    two.sealed_cid = two.sector_key_cid;
    two.sector_key_cid = (slk_cid_t){0};
    two.deal_weight = slk_bigint_u64(0);
    two.power_base_epoch = two.activation;
    add(two);
    test_ticks(&tm, 6);
    add(sector(3, "sector 3 committed, before its first window PoSt"));
    assert_roots("sector 3 committed, before its first window PoSt");

    run("SubmitWindowedPoSt-1");
    run("SubmitWindowedPoSt-2"); /* leaves sector 4 out */
    assert_roots("sector 0 presealed, window PoSt done");
    run("SubmitWindowedPoSt-3");
    run("DeclareFaultsRecovered-1"); /* 4 */
    assert_roots("sector 4 faulty, recovery declared");
    run("ExtendSectorExpiration2-1"); /* 3 */
    run_errors();
    run("DeclareFaults-1"); /* 1 */
    assert_roots("sector 1 declared faulty");
    run("DeclareFaultsRecovered-2"); /* 1 */
    run("TerminateSectors-1");       /* 3 */
    assert_roots("sector 3 terminated");
    run("SubmitWindowedPoSt-4"); /* 1 */
    assert_roots("sector 1 recovered by a window PoSt");
    run("SubmitWindowedPoSt-5"); /* 4 */
    assert_roots("sector 4 recovered by a window PoSt");

    test_ticks(&tm, 3774 - tm.env.epoch);
    add(sector(5, "sector 5 data sector, before its first window PoSt"));
    test_ticks(&tm, 3805 - tm.env.epoch);
    slk_rt_t rt = test_rt(&tm, MINER);
    slk_miner_state_t st;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_miner_put_sectors(&rt, &st, (slk_sector_on_chain_info_list_t){&snapped, 1}));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    assert_roots("sector 5 data sector, before its first window PoSt");
    run("TerminateSectors-2"); /* 5 */
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    test_machine_close(&tm);
}

static void dispute(unsigned account)
{
    const slk_dispute_windowed_post_params_t params = {0, 0};
    test_send(&tm, account, MINER, 24, &params, &slk_dispute_windowed_post_params_type,
              slk_bigint_u64(0));
}

static slk_bigint_t claimed(void)
{
    slk_value_u64_t id = {MINER};
    slk_miner_power_return_t claim;
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, 36284446, &id, &slk_value_u64_type, slk_bigint_u64(0)),
        SLK_EXIT_OK);
    test_read_return(&tm, &claim, &slk_miner_power_return_type);
    return claim.raw_byte_power;
}

/* A recorded proof taken unverified and disputed: as it is, and broken. */
static void test_dispute(void **state)
{
    (void)state;
    for (int broken = 0; broken < 2; broken++) {
        open_machine(true);
        run_with("SubmitWindowedPoSt-1", broken);
        assert_bigint(claimed(), slk_bigint_u64(4096));
        test_ticks(&tm, 720 - tm.env.epoch);
        dispute(1);
        if (broken) {
            if (tm.applied.exit != SLK_EXIT_OK)
                fail_msg("exit %d, %s", tm.applied.exit, tm.applied.text);
            assert_bigint(claimed(), slk_bigint_u64(0));
        } else {
            assert_int_equal(tm.applied.exit, SLK_EXIT_USR_ILLEGAL_ARGUMENT);
            assert_non_null(strstr(tm.applied.text, "-- failed to dispute valid post (16)"));
            dispute(1); /* it is still there */
            assert_non_null(strstr(tm.applied.text, "-- failed to dispute valid post (16)"));
            assert_bigint(claimed(), slk_bigint_u64(4096));
        }
        test_machine_close(&tm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_history),
                                       cmocka_unit_test(test_dispute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
