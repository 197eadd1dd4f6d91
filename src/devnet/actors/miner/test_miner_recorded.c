/* The recorded chain of a real node played again: its pre-commits and proofs, with its
 * randomness, epochs and estimates of reward and power, on a miner in the same situation. Calls,
 * deposits, pledges, deadlines, exit codes, returns and events have to be those of the
 * recording; proofs are verified with the recorded keys. */

#include "devnet/actors/miner/test_miner.h"

#include "base/bytes.h"
#include "codec/actors/init.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "devnet/actors/miner/money.h"
#include "devnet/actors/miner/precommit.h"

#include <inttypes.h>

#define MINER   1000u
#define CONTROL "t1k7fdz4yr6zxm4sjb6rbwa53ugipneccr5bmil6i"

/* --- Recordings ------------------------------------------------------------------------------- */

typedef struct {
    bool beacon;
    int64_t tag, epoch;
    slk_node_t value;
} drawn_t;

/* All randomness of the recordings. */
static drawn_t draws[64];
static size_t draw_cnt;

static slk_err_t recorded_draw(void *ctx, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                               const void *entropy, size_t len, slk_diag_t *diag)
{
    (void)ctx;
    static const uint8_t miner[] = {0x43, 0x00, 0xe8, 0x07}; /* t01000 */
    assert_int_equal(len, sizeof miner);
    assert_memory_equal(entropy, miner, sizeof miner);
    for (size_t i = 0; i < draw_cnt; i++)
        if (draws[i].beacon == beacon && draws[i].tag == tag && draws[i].epoch == epoch) {
            *out = draws[i].value;
            return SLK_OK;
        }
    return slk_fail(diag, SLK_ERR_NOTFOUND, "nothing was recorded for epoch %" PRId64, epoch);
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text)
        fail_msg("recording without \"%s\"", key);
    return text;
}

static int64_t number_of(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static slk_bytes_t hex_of(test_machine_t *tm, const json_t *json, const char *key)
{
    const char *hex = text_of(json, key);
    const size_t len = strlen(hex) / 2;
    uint8_t *bytes = slk_arena_alloc(&tm->arena, len + 1);
    assert_non_null(bytes);
    assert_true(slk_hex_decode(bytes, len, hex));
    return (slk_bytes_t){bytes, len};
}

static void note_draw(bool beacon, int64_t tag, int64_t epoch, const char *hex)
{
    assert_true(draw_cnt < SLK_COUNT(draws));
    draws[draw_cnt++] = (drawn_t){beacon, tag, epoch, node_from_hex(hex)};
}

static json_t *load_message(const char *name)
{
    char path[128];
    size_t i;
    json_t *input;
    snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", name);
    json_t *message = test_vectors(path);
    json_array_foreach(json_object_get(message, "inputs"), i, input)
    {
        const json_t *info = json_object_get(json_object_get(input, "precommit"), "Info");
        if (!info)
            continue;
        note_draw(false, 5, number_of(info, "SealRandEpoch"), text_of(input, "ticket_hex"));
        note_draw(true, 6, number_of(input, "seed_epoch"), text_of(input, "seed_hex"));
    }
    return message;
}

/* --- The machine ------------------------------------------------------------------------------ */

/* Have what changed in tm->env hold. */
static void reopen(test_machine_t *tm)
{
    slk_cid_t root;
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    slk_machine_free(tm->machine);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
}

static void decode_hex(test_machine_t *tm, const json_t *call, void *record, const slk_type_t *type)
{
    slk_bytes_t ret = hex_of(tm, call, "return_hex");
    assert_ok(slk_record_decode(record, type, ret.b, ret.len, &tm->arena, &tm->diag), tm->diag);
}

/* Make the reward and the power actor answer as recorded. */
static void set_network(test_machine_t *tm, const json_t *call)
{
    const char *to = text_of(call, "to");
    size_t i;
    json_t *sub;
    if (!strcmp(to, "t02") && number_of(call, "method") == 3) {
        slk_this_epoch_reward_return_t ret;
        slk_reward_state_t st;
        decode_hex(tm, call, &ret, &slk_this_epoch_reward_return_type);
        test_read_state(tm, SLK_ID_REWARD, &st, &slk_reward_state_type);
        st.this_epoch_reward_smoothed = ret.this_epoch_reward_smoothed;
        st.this_epoch_baseline_power = ret.this_epoch_baseline_power;
        test_write_state(tm, SLK_ID_REWARD, &st, &slk_reward_state_type);
    }
    if (!strcmp(to, "t04") && number_of(call, "method") == 9) {
        slk_current_total_power_return_t ret;
        slk_power_state_t st;
        decode_hex(tm, call, &ret, &slk_current_total_power_return_type);
        test_read_state(tm, SLK_ID_POWER, &st, &slk_power_state_type);
        st.this_epoch_raw_byte_power = ret.raw_byte_power;
        st.this_epoch_quality_adj_power = ret.quality_adj_power;
        st.this_epoch_pledge_collateral = ret.pledge_collateral;
        st.this_epoch_qa_power_smoothed = ret.quality_adj_power_smoothed;
        st.ramp_start_epoch = ret.ramp_start_epoch;
        st.ramp_duration_epochs = ret.ramp_duration_epochs;
        test_write_state(tm, SLK_ID_POWER, &st, &slk_power_state_type);
    }
    json_array_foreach(json_object_get(call, "sub"), i, sub) set_network(tm, sub);
}

/* The least circulating supply that gives the sectors' recorded fees: it is not recorded itself. */
static void set_supply(test_machine_t *tm, const json_t *message)
{
    size_t i;
    json_t *input;
    json_array_foreach(json_object_get(message, "inputs"), i, input)
    {
        const json_t *sector = json_object_get(input, "sector_on_chain");
        if (!json_is_object(sector))
            continue;
        const slk_bigint_t per_atto = slk_bigint_u64(UINT64_C(2048) * 161817);
        slk_bigint_t scaled = slk_bigint_mul(test_atto(text_of(sector, "DailyFee")),
                                             test_atto("1000000000000000000000000000000"));
        scaled = slk_bigint_add(scaled, slk_bigint_sub(per_atto, slk_bigint_u64(1)));
        tm->env.supply = slk_bigint_div_floor(scaled, per_atto);
    }
    reopen(tm);
}

/* A miner with the recorded number, and two sectors in deadline 0 as the presealed ones. */
static void open_recorded(test_machine_t *tm)
{
    static char keys[1024];
    slk_sector_on_chain_info_t infos[2];
    json_t *presealed = test_vectors("lotus-rpc/StateMinerSectors.json");
    const json_t *first = json_array_get(json_object_get(presealed, "calls"), 0);
    const json_t *sectors = json_object_get(json_object_get(first, "response"), "result");
    test_machine_open(tm, NULL);
    draw_cnt = 0;
    snprintf(keys, sizeof keys, "%s/vk", SLK_VECTORS);
    tm->env.params_dir = keys;
    tm->env.draw = recorded_draw;
    reopen(tm);
    assert_int_equal(test_new_miner(tm, 0, 10), MINER);
    for (size_t i = 0; i < 2; i++)
        assert_ok(slk_record_from_json(&infos[i], &slk_sector_on_chain_info_type,
                                       json_array_get(sectors, i), &tm->arena, &tm->diag),
                  tm->diag);
    json_decref(presealed);
    test_add_sectors(tm, MINER, infos, 2);
    slk_rt_t rt = test_rt(tm, MINER);
    slk_miner_state_t st;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    st.deadline_cron_active = true;
    const uint64_t numbers[] = {0, 1};
    slk_bitfield_t used;
    assert_rt(&rt, slk_rt_bits(&rt, &used, numbers, 2));
    assert_rt(&rt, slk_miner_allocate_numbers(&rt, &st, &used, false));
    /* Genesis pre-commits them, too. */
    assert_rt(&rt, slk_precommits_clean_up_at(&rt, &st,
                                              tm->policy.max_prove_commit_duration +
                                                  tm->policy.expired_precommit_delay,
                                              &used));
    assert_rt(&rt, slk_miner_save(&rt, &st));
}

/* --- Playing ---------------------------------------------------------------------------------- */

static void check_bytes(slk_bytes_t got, const json_t *want, const char *key)
{
    char hex[8192];
    assert_true(2 * got.len < sizeof hex);
    slk_hex_encode(hex, got.b, got.len);
    assert_string_equal(hex, text_of(want, key));
}

/* A call and those that it makes, from calls[*at] on. */
static void check_call(const slk_applied_t *applied, size_t *at, const json_t *want, unsigned depth)
{
    char id[32];
    size_t i;
    json_t *sub;
    if (*at >= applied->call_cnt)
        fail_msg("no call of method %" PRId64 " of %s", number_of(want, "method"),
                 text_of(want, "to"));
    const slk_call_t *call = &applied->calls[(*at)++];
    assert_int_equal(call->depth, depth);
    snprintf(id, sizeof id, "t0%" PRIu64, call->from);
    assert_string_equal(id, text_of(want, "from"));
    snprintf(id, sizeof id, "t0%" PRIu64, call->to);
    assert_string_equal(id, text_of(want, "to"));
    assert_int_equal(call->method, number_of(want, "method"));
    assert_bigint(call->value, test_atto(text_of(want, "value")));
    assert_int_equal(call->exit, number_of(want, "exit"));
    check_bytes(call->params, want, "params_hex");
    check_bytes(call->ret, want, "return_hex");
    json_array_foreach(json_object_get(want, "sub"), i, sub)
        check_call(applied, at, sub, depth + 1);
}

static void check_events(test_machine_t *tm, const json_t *message)
{
    const json_t *want = json_object_get(
        json_object_get(json_object_get(message, "lookup"), "Receipt"), "EventsRoot");
    slk_cid_t root;
    if (!json_is_object(want))
        return;
    assert_ok(slk_events_root(&root, &tm->store, &tm->applied, &tm->diag), tm->diag);
    assert_string_equal(slk_cid_text(&root).s, text_of(want, "/"));
}

/* One recorded message from account 0 to the miner. */
static json_t *play(test_machine_t *tm, const char *name)
{
    size_t at = 0;
    json_t *message = load_message(name);
    const json_t *call = json_object_get(message, "calls");
    set_network(tm, call);
    set_supply(tm, message);
    test_set_epoch(tm, number_of(json_object_get(message, "included_in"), "height"));
    test_send_bytes(tm, &tm->accounts[0], slk_address_id(MINER),
                    (uint64_t)number_of(call, "method"), hex_of(tm, call, "params_hex"),
                    test_atto(text_of(call, "value")));
    if (tm->applied.exit != number_of(call, "exit"))
        fail_msg("%s: exit %d, %s", name, tm->applied.exit, tm->applied.text);
    check_call(&tm->applied, &at, call, 0);
    assert_int_equal(at, tm->applied.call_cnt);
    check_events(tm, message);
    return message;
}

/* The record as the node's API shows it: all that is recorded of it is equal. */
static void check_record(const void *record, const slk_type_t *type, const json_t *want)
{
    json_t *json;
    slk_diag_t diag;
    const char *key;
    json_t *value;
    assert_ok(slk_record_to_json(&json, type, record, SLK_TESTNET, &diag), diag);
    json_object_foreach((json_t *)want, key, value)
    {
        if (json_is_object(value) && !json_object_get(value, "/"))
            continue;
        if (!json_equal(value, json_object_get(json, key))) {
            char *got = json_dumps(json_object_get(json, key), JSON_ENCODE_ANY);
            char *expected = json_dumps(value, JSON_ENCODE_ANY);
            fail_msg("%s: %s, expected %s", key, got ? got : "nothing", expected);
        }
    }
    json_decref(json);
}

static void play_precommit(test_machine_t *tm, const char *name)
{
    size_t i;
    json_t *input, *message = play(tm, name);
    slk_rt_t rt = test_rt(tm, MINER);
    slk_miner_state_t st;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    json_array_foreach(json_object_get(message, "inputs"), i, input)
    {
        const json_t *want = json_object_get(input, "on_chain");
        const uint64_t number = (uint64_t)number_of(input, "number");
        slk_sector_pre_commit_on_chain_info_t info;
        bool found;
        assert_rt(&rt, slk_precommits_find(&rt, &st, &number, 1, &info, &found));
        assert_true(found);
        check_record(&info, &slk_sector_pre_commit_on_chain_info_type, want);
        check_record(&info.info, &slk_sector_pre_commit_info_type, json_object_get(want, "Info"));
    }
    json_decref(message);
}

static void play_prove(test_machine_t *tm, const char *name)
{
    size_t i;
    json_t *input, *message = play(tm, name);
    slk_rt_t rt = test_rt(tm, MINER);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    json_array_foreach(json_object_get(message, "inputs"), i, input)
    {
        const json_t *want = json_object_get(input, "sector_on_chain");
        const json_t *where = json_object_get(input, "partition");
        const uint64_t number = (uint64_t)number_of(input, "number");
        slk_sector_on_chain_info_t info;
        uint64_t deadline, partition;
        bool found;
        assert_rt(&rt, slk_sectors_get(&sectors, number, &info, &found));
        assert_int_equal(found, json_is_object(want));
        if (!found)
            continue;
        check_record(&info, &slk_sector_on_chain_info_type, want);
        assert_rt(&rt, slk_deadlines_find(&rt, &deadlines, number, &deadline, &partition, &found));
        assert_true(found);
        assert_int_equal(deadline, number_of(where, "Deadline"));
        assert_int_equal(partition, number_of(where, "Partition"));
    }
    slk_sectors_close(&sectors);
    json_decref(message);
}

/* --- State ------------------------------------------------------------------------------------ */

/* These fields of a miner's state are as a node showed them; NULL: all of them. */
static void check_state(test_machine_t *tm, uint64_t miner, const char *note,
                        const char *const *fields)
{
    json_t *all = test_vectors("lotus-rpc/StateReadState.json"), *call, *state, *want = NULL;
    slk_miner_state_t st;
    const char *key;
    json_t *value;
    size_t i;
    json_array_foreach(json_object_get(all, "calls"), i, call)
    {
        if (!strcmp(text_of(call, "note"), note))
            want = json_object_get(json_object_get(json_object_get(call, "response"), "result"),
                                   "State");
    }
    assert_non_null(want);
    test_read_state(tm, miner, &st, &slk_miner_state_type);
    assert_ok(slk_record_to_json(&state, &slk_miner_state_type, &st, SLK_TESTNET, &tm->diag),
              tm->diag);
    json_object_foreach(want, key, value)
    {
        bool asked = !fields;
        for (size_t k = 0; fields && fields[k]; k++)
            asked |= !strcmp(fields[k], key);
        if (asked && !json_equal(value, json_object_get(state, key))) {
            char *got = json_dumps(json_object_get(state, key), JSON_ENCODE_ANY);
            char *expected = json_dumps(value, JSON_ENCODE_ANY);
            fail_msg("%s, %s: %s, expected %s", note, key, got, expected);
        }
    }
    json_decref(state);
    json_decref(all);
}

static const char *const sector_roots[] = {"PreCommitDeposits",
                                           "PreCommittedSectors",
                                           "PreCommittedSectorsCleanUp",
                                           "AllocatedSectors",
                                           "Sectors",
                                           "InitialPledge",
                                           NULL};
/* Once sectors were extended and terminated. */
static const char *const precommit_roots[] = {"PreCommitDeposits", "PreCommittedSectors",
                                              "PreCommittedSectorsCleanUp", "AllocatedSectors",
                                              NULL};

/* --- Errors ----------------------------------------------------------------------------------- */

/* Texts that are not word for word the node's, with the reason. */
static bool text_differs(const json_t *wrong)
{
    static const char *const notes[] = {
        "trailing byte",                /* the decoder's own sentence */
        "zero proof",                   /* replica updates are not verified yet */
        "aggregate of 4, bad aggregate" /* neither are aggregates */
    };
    for (size_t i = 0; i < SLK_COUNT(notes); i++)
        if (!strcmp(text_of(wrong, "note"), notes[i]))
            return true;
    return false;
}

/* The recorded answer holds the code and our text, the way through the calls included. */
static void check_error(test_machine_t *tm, const json_t *wrong)
{
    const json_t *error = json_object_get(wrong, "error");
    const char *name = text_of(wrong, "name"), *note = text_of(wrong, "note");
    char code[32];
    if (!json_is_object(error)) {
        if (tm->applied.exit != SLK_EXIT_OK)
            fail_msg("%s, %s: exit %d, %s", name, note, tm->applied.exit, tm->applied.text);
        return;
    }
    const char *message = text_of(error, "message");
    snprintf(code, sizeof code, "(RetCode=%d)", tm->applied.exit);
    if (!strstr(message, code) || (!text_differs(wrong) && !strstr(message, tm->applied.text)))
        fail_msg("%s, %s: exit %d, %s\nexpected %s", name, note, tm->applied.exit, tm->applied.text,
                 message);
}

/* Account 0 stands for t0100, whose key is another here. */
static void try_wrong(test_machine_t *tm, const json_t *wrong)
{
    slk_address_t from = tm->accounts[0];
    const uint64_t to = !strcmp(text_of(wrong, "to"), "t04") ? SLK_ID_POWER : MINER;
    slk_cid_t root;
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    test_set_epoch(tm, number_of(wrong, "head") - 1);
    if (!strcmp(text_of(wrong, "from"), CONTROL))
        assert_ok(slk_address_from_text(&from, CONTROL, &tm->diag), tm->diag);
    test_send_bytes(tm, &from, slk_address_id(to), (uint64_t)number_of(wrong, "method"),
                    hex_of(tm, wrong, "params_hex"), test_atto(text_of(wrong, "value")));
    check_error(tm, wrong);
    slk_machine_free(tm->machine);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
}

/* Those of methods that are this test's, recorded at heads from `from` to `to`; how many. */
static unsigned try_all(test_machine_t *tm, int64_t from, int64_t to)
{
    static const int64_t methods[] = {2, 6, 16, 25, 28, 33, 34, 35};
    json_t *all = test_vectors("lotus-rpc/actor-errors.json"), *wrong;
    unsigned cnt = 0;
    size_t i;
    json_array_foreach(all, i, wrong)
    {
        bool ours = false;
        for (size_t k = 0; k < SLK_COUNT(methods); k++)
            ours |= number_of(wrong, "method") == methods[k];
        if (!ours || number_of(wrong, "head") < from || number_of(wrong, "head") > to)
            continue;
        try_wrong(tm, wrong);
        cnt++;
    }
    json_decref(all);
    return cnt;
}

static void set_next_id(test_machine_t *tm, uint64_t id)
{
    slk_init_state_t st;
    test_read_state(tm, SLK_ID_INIT, &st, &slk_init_state_type);
    st.next_id = id;
    test_write_state(tm, SLK_ID_INIT, &st, &slk_init_state_type);
}

/* The recorded control address, f01003; t01004 was another miner. */
static void set_control(test_machine_t *tm)
{
    slk_address_t control;
    json_t *message = test_vectors("lotus-rpc/messages/ChangeWorkerAddress-1.json");
    const json_t *call = json_object_get(message, "calls");
    assert_ok(slk_address_from_text(&control, CONTROL, &tm->diag), tm->diag);
    set_next_id(tm, 1003);
    assert_int_equal(test_send_from(tm, &tm->accounts[1], control, 0, NULL, NULL, test_fil(1)),
                     SLK_EXIT_OK);
    assert_int_equal(test_send_bytes(tm, &tm->accounts[0], slk_address_id(MINER), 3,
                                     hex_of(tm, call, "params_hex"), slk_bigint_u64(0)),
                     SLK_EXIT_OK);
    assert_int_equal(tm->applied.call_cnt, 2); /* asks the worker for its key, as recorded */
    set_next_id(tm, 1005);
    json_decref(message);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_sectors_of_the_recorded_chain(void **state)
{
    (void)state;
    test_machine_t tm;
    open_recorded(&tm);
    play_precommit(&tm, "PreCommitSectorBatch2-1");
    check_state(&tm, MINER, "with precommitted sectors", sector_roots);
    play_prove(&tm, "ProveCommitSectors3-1");
    check_state(&tm, MINER, "sector 4 proven commit, before its first window PoSt", sector_roots);
    json_decref(play(&tm, "PreCommitSectorBatch2-2"));
    play_prove(&tm, "ProveCommitSectors3-2");
    play_prove(&tm, "ProveCommitSectors3-3");
    check_state(&tm, MINER, "sector 3 committed, before its first window PoSt", sector_roots);
    json_decref(play(&tm, "ChangePeerID-1"));
    json_decref(play(&tm, "WithdrawBalance-1"));
    play_precommit(&tm, "PreCommitSectorBatch2-3");
    check_state(&tm, MINER, "sector 1 recovered by a window PoSt", precommit_roots);
    play_prove(&tm, "ProveCommitSectors3-4"); /* with data */
    check_state(&tm, MINER, "sector 5 data sector, before its first window PoSt", precommit_roots);
    play_precommit(&tm, "PreCommitSectorBatch2-4");
    play_prove(&tm, "ProveCommitSectors3-5"); /* a bad proof */
    play_precommit(&tm, "PreCommitSectorBatch2-5");
    play_prove(&tm, "ProveCommitSectors3-6"); /* a bad and a good one */
    play_precommit(&tm, "PreCommitSectorBatch2-6");
    play_precommit(&tm, "PreCommitSectorBatch2-7");
    play_prove(&tm, "ProveCommitSectors3-7");
    test_machine_close(&tm);
}

static void test_errors_of_the_recorded_chain(void **state)
{
    (void)state;
    test_machine_t tm;
    open_recorded(&tm);
    play_precommit(&tm, "PreCommitSectorBatch2-1");
    play_prove(&tm, "ProveCommitSectors3-1");
    play_prove(&tm, "ProveCommitSectors3-2");
    play_prove(&tm, "ProveCommitSectors3-3");
    set_control(&tm);
    assert_int_equal(try_all(&tm, 0, 3000), 41);
    play_precommit(&tm, "PreCommitSectorBatch2-4");
    json_decref(load_message("ProveCommitSectors3-5")); /* draws */
    assert_int_equal(try_all(&tm, 3000, 4000), 16);
    test_machine_close(&tm);
}

/* The recorded second miner: all of its first state, block for block. */
static void test_the_recorded_new_miner(void **state)
{
    (void)state;
    test_machine_t tm;
    slk_create_miner_params_t params;
    slk_address_t created;
    open_recorded(&tm);
    json_t *message = load_message("CreateMiner-1");
    const json_t *call = json_object_get(message, "calls");
    slk_bytes_t bytes = hex_of(&tm, call, "params_hex");
    assert_ok(slk_record_decode(&params, &slk_create_miner_params_type, bytes.b, bytes.len,
                                &tm.arena, &tm.diag),
              tm.diag);
    set_next_id(&tm, 1002);
    assert_int_equal(
        test_send_from(&tm, &tm.accounts[1], params.worker, 0, NULL, NULL, test_fil(1)),
        SLK_EXIT_OK);
    params.owner = slk_address_id(100); /* whose key is another here */
    set_network(&tm, call);
    set_next_id(&tm, 1004);
    test_set_epoch(&tm, number_of(json_object_get(message, "included_in"), "height"));
    if (test_send(&tm, 0, SLK_ID_POWER, 2, &params, &slk_create_miner_params_type,
                  test_atto(text_of(call, "value"))) != SLK_EXIT_OK)
        fail_msg("%s", tm.applied.text);
    slk_create_miner_return_t ret;
    test_read_return(&tm, &ret, &slk_create_miner_return_type);
    created = slk_address_id(1004);
    assert_true(slk_address_eq(&ret.id_address, &created));
    check_state(&tm, 1004, "miner just created", NULL);
    assert_bigint(test_balance(&tm, 1004), test_atto(text_of(call, "value")));
    json_decref(message);
    test_machine_close(&tm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sectors_of_the_recorded_chain),
        cmocka_unit_test(test_errors_of_the_recorded_chain),
        cmocka_unit_test(test_the_recorded_new_miner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
