/* A miner's deadlines through random messages, window PoSts and cron of a network with short periods:
 * after each step every sum is what its sectors say, and every sector is where it belongs. Proofs are
 * taken on trust here, until they are disputed. */

#include "devnet/actors/miner/test_miner.h"

#define SECTOR_SIZE UINT64_C(2048)

static test_machine_t tm;
static uint64_t miner, seed;

static uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* --- Invariants ---------------------------------------------------------------------------------------- */

/* Sums over a deadline, and over the miner. */
typedef struct {
    slk_rt_t *rt;
    slk_sectors_t sectors;
    uint64_t live, total, terminated;
    slk_power_pair_t live_power, faulty_power, active_power;
    slk_bigint_t daily_fee, pledge;
} sums_t;

static void assert_power(const slk_power_pair_t *got, const slk_power_pair_t *want,
                         const char *what)
{
    if (!slk_power_equal(got, want))
        fail_msg("%s power: %s %s, expected %s %s", what, slk_bigint_text(&got->raw).s,
                 slk_bigint_text(&got->qa).s, slk_bigint_text(&want->raw).s,
                 slk_bigint_text(&want->qa).s);
}

static slk_sector_refs_t infos_of(sums_t *sums, const slk_bitfield_t *set)
{
    slk_sector_refs_t refs;
    assert_rt(sums->rt, slk_sectors_load(&sums->sectors, set, &refs));
    return refs;
}

static slk_power_pair_t power_of(sums_t *sums, const slk_bitfield_t *set)
{
    return slk_sectors_power(SECTOR_SIZE, infos_of(sums, set));
}

/* One entry of a partition's queue. */
static void check_set(sums_t *sums, const slk_partition_t *part, const slk_expiration_set_t *set,
                      slk_bitfield_t *seen)
{
    slk_rt_t *rt = sums->rt;
    slk_bitfield_t all, faulty, healthy;
    slk_bigint_t pledge = {0}, fees = {0};
    assert_rt(rt, slk_rt_union(rt, &all, &set->on_time_sectors, &set->early_sectors));
    assert_false(slk_bitfield_is_empty(&all));
    assert_false(slk_bitfield_intersects(&set->on_time_sectors, &set->early_sectors));
    assert_false(slk_bitfield_intersects(seen, &all));
    assert_rt(rt, slk_rt_union(rt, seen, seen, &all));
    assert_true(slk_bitfield_is_subset(&set->early_sectors, &part->faults));
    assert_rt(rt, slk_rt_intersection(rt, &faulty, &all, &part->faults));
    assert_rt(rt, slk_rt_difference(rt, &healthy, &all, &faulty));
    slk_power_pair_t power = power_of(sums, &faulty);
    assert_power(&set->faulty_power, &power, "faulty, of an expiration set");
    power = power_of(sums, &healthy);
    assert_power(&set->active_power, &power, "active, of an expiration set");
    slk_sector_refs_t refs = infos_of(sums, &all);
    for (size_t i = 0; i < refs.cnt; i++) {
        slk_amount_add_to(&fees, &refs.items[i]->daily_fee);
        if (slk_bitfield_contains(&set->on_time_sectors, refs.items[i]->sector_number))
            slk_amount_add_to(&pledge, &refs.items[i]->initial_pledge);
    }
    assert_bigint(set->on_time_pledge, pledge);
    assert_bigint(set->fee_deduction, fees);
    slk_amount_add_to(&sums->daily_fee, &fees);
}

static bool partition_expires(sums_t *sums, const slk_deadline_t *deadline, uint64_t epoch,
                              uint64_t index)
{
    slk_value_bitfield_t entry = {0};
    slk_amt_t *amt;
    bool found;
    assert_rt(sums->rt, slk_array_load(sums->rt, &amt, SLK_WIDTH_DEADLINE_EXPIRATIONS,
                                       &deadline->expirations_epochs));
    assert_rt(sums->rt,
              slk_array_get(sums->rt, amt, epoch, &entry, &slk_value_bitfield_type, &found));
    slk_amt_free(amt);
    return found && slk_bitfield_contains(&entry.value, index);
}

static void check_queue(sums_t *sums, const slk_deadline_t *deadline, const slk_partition_t *part,
                        uint64_t index, slk_quant_t quant)
{
    slk_rt_t *rt = sums->rt;
    slk_array_entry_t *entries;
    slk_bitfield_t seen = {0}, live;
    slk_amt_t *amt;
    size_t cnt;
    assert_rt(rt,
              slk_array_load(rt, &amt, SLK_WIDTH_PARTITION_EXPIRATIONS, &part->expirations_epochs));
    assert_rt(rt, slk_array_entries(rt, amt, UINT64_MAX, &slk_expiration_set_type, &entries, &cnt));
    slk_amt_free(amt);
    for (size_t i = 0; i < cnt; i++) {
        int64_t epoch = (int64_t)entries[i].index;
        assert_int_equal(slk_quant_up(quant, epoch), epoch);
        assert_true(epoch >= tm.env.epoch);
        assert_true(partition_expires(sums, deadline, entries[i].index, index));
        check_set(sums, part, entries[i].record, &seen);
    }
    assert_rt(rt, slk_partition_live(rt, part, &live));
    assert_true(slk_bitfield_equal(&seen, &live));
}

/* Ended early and not paid for: their pledge is still there. */
static bool check_terminations(sums_t *sums, const slk_partition_t *part)
{
    slk_rt_t *rt = sums->rt;
    slk_array_entry_t *entries;
    slk_amt_t *amt;
    size_t cnt;
    assert_rt(rt, slk_array_load(rt, &amt, SLK_WIDTH_EARLY_TERMINATED, &part->early_terminated));
    assert_rt(rt, slk_array_entries(rt, amt, UINT64_MAX, &slk_value_bitfield_type, &entries, &cnt));
    slk_amt_free(amt);
    for (size_t i = 0; i < cnt; i++) {
        const slk_value_bitfield_t *entry = entries[i].record;
        assert_true(slk_bitfield_is_subset(&entry->value, &part->terminated));
        slk_sector_refs_t refs = infos_of(sums, &entry->value);
        for (size_t k = 0; k < refs.cnt; k++)
            slk_amount_add_to(&sums->pledge, &refs.items[k]->initial_pledge);
    }
    return cnt > 0;
}

static bool check_partition(sums_t *sums, const slk_deadline_t *deadline, uint64_t index,
                            slk_quant_t quant)
{
    slk_rt_t *rt = sums->rt;
    slk_partition_t part;
    slk_bitfield_t live, active;
    assert_rt(rt, slk_deadline_partition(rt, deadline, index, &part));
    assert_rt(rt, slk_partition_check(rt, &part));
    assert_false(slk_bitfield_intersects(&part.unproven, &part.faults));
    assert_rt(rt, slk_partition_live(rt, &part, &live));
    assert_rt(rt, slk_partition_active(rt, &part, &active));
    const struct {
        const slk_bitfield_t *set;
        slk_power_pair_t power;
        const char *name;
    } rows[] = {{&live, part.live_power, "live"},
                {&part.faults, part.faulty_power, "faulty"},
                {&part.unproven, part.unproven_power, "unproven"},
                {&part.recoveries, part.recovering_power, "recovering"},
                {&active, slk_partition_active_power(&part), "active"}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_power_pair_t power = power_of(sums, rows[i].set);
        assert_power(&rows[i].power, &power, rows[i].name);
    }
    slk_sector_refs_t refs = infos_of(sums, &live);
    for (size_t i = 0; i < refs.cnt; i++)
        slk_amount_add_to(&sums->pledge, &refs.items[i]->initial_pledge);
    sums->live += slk_bitfield_count(&live);
    sums->total += slk_bitfield_count(&part.sectors);
    slk_power_add_to(&sums->live_power, &part.live_power);
    slk_power_add_to(&sums->faulty_power, &part.faulty_power);
    slk_power_add_to(&sums->active_power, &rows[4].power);
    check_queue(sums, deadline, &part, index, quant);
    return check_terminations(sums, &part);
}

static void check_deadline(sums_t *all, const slk_miner_state_t *st,
                           const slk_deadlines_t *deadlines, uint64_t index)
{
    slk_rt_t *rt = all->rt;
    sums_t sums = {.rt = rt, .sectors = all->sectors};
    slk_deadline_t deadline;
    slk_amt_t *amt;
    assert_rt(rt, slk_deadlines_get(rt, deadlines, index, &deadline));
    assert_rt(rt, slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    uint64_t cnt = slk_amt_count(amt);
    slk_amt_free(amt);
    for (uint64_t i = 0; i < cnt; i++)
        if (check_partition(&sums, &deadline, i, slk_miner_quant(rt, st, index)))
            assert_true(slk_bitfield_contains(&deadline.early_terminations, i));
    if (!slk_bitfield_is_empty(&deadline.early_terminations))
        assert_true(slk_bitfield_contains(&st->early_terminations, index));
    assert_int_equal(deadline.live_sectors, sums.live);
    assert_int_equal(deadline.total_sectors, sums.total);
    assert_power(&deadline.live_power, &sums.live_power, "live, of a deadline");
    assert_power(&deadline.faulty_power, &sums.faulty_power, "faulty, of a deadline");
    assert_bigint(deadline.daily_fee, sums.daily_fee);
    all->total += sums.total;
    slk_power_add_to(&all->active_power, &sums.active_power);
    slk_amount_add_to(&all->pledge, &sums.pledge);
}

static void check_miner(void)
{
    slk_value_u64_t id = {miner};
    slk_miner_power_return_t claim;
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, 36284446, &id, &slk_value_u64_type, slk_bigint_u64(0)),
        SLK_EXIT_OK);
    test_read_return(&tm, &claim, &slk_miner_power_return_type);
    slk_rt_t rt = test_rt(&tm, miner);
    sums_t sums = {.rt = &rt};
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sums.sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    for (uint64_t i = 0; i < deadlines.due.count; i++)
        check_deadline(&sums, &st, &deadlines, i);
    assert_int_equal(slk_amt_count(sums.sectors.amt), sums.total);
    assert_bigint(st.initial_pledge, sums.pledge);
    slk_power_pair_t claimed = {claim.raw_byte_power, claim.quality_adj_power};
    assert_power(&claimed, &sums.active_power, "claimed");
    slk_sectors_close(&sums.sectors);
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
}

/* --- Steps ------------------------------------------------------------------------------------------------ */

static uint64_t next_number, step_cnt[8][2], out_of_gas;

static void add_sectors(void)
{
    slk_sector_on_chain_info_t infos[8] = {0};
    size_t cnt = 1 + rnd(8);
    for (size_t i = 0; i < cnt; i++) {
        int64_t life = 1 + (int64_t)rnd(1500);
        infos[i] = (slk_sector_on_chain_info_t){.sector_number = next_number,
                                                .seal_proof = 5,
                                                .activation = tm.env.epoch,
                                                .power_base_epoch = tm.env.epoch,
                                                .expiration =
                                                    tm.env.epoch + tm.policy.proving_period + life,
                                                .initial_pledge = slk_bigint_u64(1 + rnd(1000000)),
                                                .daily_fee = slk_bigint_u64(rnd(1000)),
                                                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
        slk_node_t comm_r = test_bytes32("comm_r");
        infos[i].sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r);
        if (!rnd(3)) /* a quarter of it verified */
            infos[i].verified_deal_weight = slk_bigint_mul(
                slk_bigint_u64(512), slk_bigint_i64(infos[i].expiration - tm.env.epoch));
        next_number += 1 + rnd(2);
    }
    test_add_sectors(&tm, miner, infos, cnt);
}

/* A partition; *cnt partitions of its deadline. false: there is none. */
static bool pick_partition(uint64_t deadline, uint64_t *partition, slk_partition_t *part,
                           slk_deadline_t *dl)
{
    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_amt_t *amt;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, deadline, dl));
    assert_rt(&rt, slk_array_load(&rt, &amt, SLK_WIDTH_PARTITIONS, &dl->partitions));
    uint64_t cnt = slk_amt_count(amt);
    slk_amt_free(amt);
    if (!cnt)
        return false;
    *partition = rnd(cnt);
    assert_rt(&rt, slk_deadline_partition(&rt, dl, *partition, part));
    return true;
}

/* Each bit of a set with probability 1/n. */
static slk_bitfield_t some_of(const slk_bitfield_t *set, uint64_t n)
{
    slk_bitfield_t out = {0};
    slk_bit_iter_t it = slk_bitfield_iter(set);
    for (uint64_t bit; slk_bit_next(&it, &bit);)
        if (!rnd(n))
            assert_int_equal(slk_bitfield_set(&out, &out, bit, &tm.arena), SLK_OK);
    return out;
}

/* A message, one time in four with less gas than it needs: then nothing of it may stay. */
static bool send(uint64_t method, const void *params, const slk_type_t *type)
{
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, type, params, &tm.diag), tm.diag);
    slk_message_t message = test_message(&tm, &tm.accounts[0], slk_address_id(miner), method,
                                         (slk_bytes_t){buf.bytes, buf.len}, slk_bigint_u64(0));
    if (!rnd(4))
        message.gas_limit = 600000 + (int64_t)rnd(20000000);
    slk_exit_t exit = test_apply(&tm, &message);
    slk_buf_free(&buf);
    out_of_gas += exit == SLK_EXIT_SYS_OUT_OF_GAS;
    return exit == SLK_EXIT_OK;
}

/* DeclareFaults, DeclareFaultsRecovered, TerminateSectors have the same parameters. */
static bool declare(uint64_t method)
{
    slk_sector_declaration_t row = {.deadline = rnd(tm.policy.deadlines)};
    slk_declare_faults_params_t params = {{&row, 1}};
    slk_partition_t part;
    slk_deadline_t dl;
    if (!pick_partition(row.deadline, &row.partition, &part, &dl))
        return false;
    slk_bitfield_t live;
    assert_int_equal(slk_bitfield_difference(&live, &part.sectors, &part.terminated, &tm.arena),
                     SLK_OK);
    row.sectors = some_of(method == 9 ? &live : &part.sectors, method == 9 ? 3 : 2);
    return send(method, &params, &slk_declare_faults_params_type);
}

static bool extend(void)
{
    slk_expiration_extension2_t row = {.deadline = rnd(tm.policy.deadlines)};
    slk_extend_sector_expiration2_params_t params = {{&row, 1}};
    slk_partition_t part;
    slk_deadline_t dl;
    if (!pick_partition(row.deadline, &row.partition, &part, &dl))
        return false;
    row.sectors = some_of(&part.sectors, 2);
    row.new_expiration = tm.env.epoch + (int64_t)rnd(2500);
    return send(32, &params, &slk_extend_sector_expiration2_params_type);
}

/* Rather a partition that may be compacted. */
static bool compact(void)
{
    slk_compact_partitions_params_t params = {0};
    slk_partition_t part = {0};
    slk_deadline_t dl = {0};
    uint64_t partition = 0;
    for (unsigned tries = 0; tries < 10; tries++) {
        params.deadline = rnd(tm.policy.deadlines);
        if (pick_partition(params.deadline, &partition, &part, &dl) &&
            slk_bitfield_is_empty(&part.faults) && slk_bitfield_is_empty(&part.unproven) &&
            slk_bitfield_is_empty(&dl.early_terminations))
            break;
    }
    assert_int_equal(slk_bitfield_from_bits(&params.partitions, &partition, 1, &tm.arena), SLK_OK);
    return send(19, &params, &slk_compact_partitions_params_type);
}

/* Keep a proof that is none, to be disputed. */
static void keep_post(slk_rt_t *rt, slk_deadline_t *deadline, const slk_post_result_t *result)
{
    static const uint8_t bytes[192] = {0xc0};
    slk_post_proof_t proof = {10, {bytes, sizeof bytes}};
    const slk_windowed_post_t post = {result->partitions, {&proof, 1}};
    slk_bitfield_t proven;
    assert_rt(rt, slk_rt_difference(rt, &proven, &result->sectors, &result->ignored));
    if (slk_power_is_zero(&result->recovered_power) && !slk_bitfield_is_empty(&proven))
        assert_rt(rt, slk_deadline_keep_post(rt, deadline, &post));
}

/* Prove a partition of the open deadline: what SubmitWindowedPoSt does after the proof was taken, on
 * trust or not. */
static bool prove(void)
{
    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_partition_t part;
    slk_post_partition_t post = {0};
    slk_post_partition_list_t posts = {&post, 1};
    slk_post_result_t result;
    slk_sectors_t sectors = {0};
    assert_rt(&rt, slk_miner_load(&rt, &st));
    slk_deadline_info_t dl = slk_miner_deadline(&rt, &st);
    if (!pick_partition(dl.index, &post.index, &part, &deadline) ||
        slk_bitfield_contains(&deadline.partitions_posted, post.index))
        return false;
    post.skipped = some_of(&part.sectors, 6);
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    const slk_proving_t on = {&rt, &sectors, SECTOR_SIZE, slk_deadline_quant(&tm.policy, &dl)};
    assert_rt(&rt, slk_deadline_record_proven(&on, &deadline,
                                              slk_deadline_last(&dl) + tm.policy.fault_max_age,
                                              &posts, &result));
    keep_post(&rt, &deadline, &result);
    slk_sectors_close(&sectors);
    assert_rt(&rt, slk_deadlines_put(&rt, &deadlines, dl.index, &deadline));
    assert_rt(&rt, slk_deadlines_save(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    slk_update_claimed_power_params_t delta = {result.power_delta.raw, result.power_delta.qa};
    assert_int_equal(test_call_as(&tm, miner, SLK_ID_POWER, 3, &delta,
                                  &slk_update_claimed_power_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
    return true;
}

static bool dispute(void)
{
    const slk_dispute_windowed_post_params_t params = {rnd(tm.policy.deadlines), rnd(2)};
    return send(24, &params, &slk_dispute_windowed_post_params_type);
}

static void step(void)
{
    unsigned kind = (unsigned)rnd(22);
    bool ok = true;
    if (kind < 2) {
        add_sectors();
        kind = 0;
    } else if (kind < 12) {
        ok = prove();
        kind = 1;
    } else if (kind < 14) {
        ok = declare(10);
        kind = 2;
    } else if (kind < 17) {
        ok = declare(11);
        kind = 3;
    } else if (kind == 17) {
        ok = declare(9);
        kind = 4;
    } else if (kind == 18) {
        ok = extend();
        kind = 5;
    } else if (kind == 19) {
        ok = compact();
        kind = 6;
    } else {
        ok = dispute();
        kind = 7;
    }
    step_cnt[kind][ok]++;
}

/* With keys that proofs are found wrong by. */
static void open_machine(const slk_policy_t *policy)
{
    slk_cid_t root;
    test_machine_open(&tm, policy);
    tm.env.params_dir = SLK_VECTORS "/vk";
    assert_ok(slk_machine_flush(tm.machine, &root, &tm.diag), tm.diag);
    slk_machine_free(tm.machine);
    assert_ok(slk_machine_new(&tm.machine, &tm.env, &root, &tm.diag), tm.diag);
}

static void test_random(void **state)
{
    (void)state;
    static const char *const names[] = {"add",       "prove",  "fault",   "recover",
                                        "terminate", "extend", "compact", "dispute"};
    memset(step_cnt, 0, sizeof step_cnt);
    next_number = 0;
    for (uint64_t run = 1; run <= 2; run++) {
        slk_policy_t policy = slk_policy_scaled(slk_policy_by_name("2k"), 5, 12);
        seed = run * UINT64_C(0x9e3779b97f4a7c15);
        policy.fault_max_age = 4 * policy.proving_period;
        policy.min_sector_expiration = 2 * policy.proving_period;
        policy.sectors_per_message = 6; /* so that terminations are left for later */
        open_machine(&policy);
        miner = test_new_miner(&tm, 0, 10);
        assert_int_equal(test_send(&tm, 0, miner, 0, NULL, NULL, test_fil(100000)), SLK_EXIT_OK);
        add_sectors();
        test_start_cron(&tm, miner);
        for (unsigned i = 0; i < 900; i++) {
            step();
            if (!rnd(3))
                test_ticks(&tm, 1 + (int64_t)rnd(4));
            if (i % 2)
                check_miner();
        }
        test_machine_close(&tm);
    }
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        print_message("%-9s %4" PRIu64 " done, %4" PRIu64 " refused\n", names[i], step_cnt[i][1],
                      step_cnt[i][0]);
        assert_true(step_cnt[i][1] >= 3);
    }
    print_message("%" PRIu64 " of those refused ran out of gas\n", out_of_gas);
    assert_true(out_of_gas >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
