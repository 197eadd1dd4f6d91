/* Methods of actors: recorded parameters and returns of messages and of the calls they made, the
 * node's answers about miners and deals, numbers, names. */
#include "codec/actors/account.h"
#include "codec/actors/exit_code.h"
#include "codec/actors/init.h"
#include "codec/actors/market.h"
#include "codec/actors/method.h"
#include "codec/actors/miner.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"

#include "test_util.h"

#include <dirent.h>

static slk_diag_t diag;
static size_t checked_cnt;

static uint8_t *hex_bytes(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_true(slk_hex_decode(bytes, *len, hex));
    return bytes;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        fail_msg("the recording has no text %s", name);
    return text;
}

/* Bytes decode to a record which encodes to the same bytes, also by way of JSON. */
static void both_ways(const slk_type_t *type, const uint8_t *bytes, size_t len, const char *where)
{
    slk_arena_t arena;
    slk_buf_t buf = {0};
    json_t *json;
    slk_arena_init(&arena, 1 << 22);
    void *record = slk_arena_alloc(&arena, type->size);
    if (slk_record_decode(record, type, bytes, len, &arena, &diag) != SLK_OK)
        fail_msg("%s: %s", where, diag.text);
    assert_ok(slk_record_encode(&buf, type, record, &diag), diag);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    assert_ok(slk_record_to_json(&json, type, record, SLK_TESTNET, &diag), diag);
    memset(record, 0xff, type->size);
    assert_ok(slk_record_from_json(record, type, json, &arena, &diag), diag);
    slk_buf_clear(&buf);
    assert_ok(slk_record_encode(&buf, type, record, &diag), diag);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    json_decref(json);
    slk_buf_free(&buf);
    slk_arena_free(&arena);
    checked_cnt++;
}

/* The kind of actor at an address of the recorded chain. */
static slk_actor_kind_t kind_of(const char *text)
{
    slk_address_t address;
    slk_actor_kind_t kind;
    assert_ok(slk_address_from_text(&address, text, &diag), diag);
    if (slk_actor_of_singleton(&kind, &address))
        return kind;
    return strcmp(text, "t01000") == 0 || strcmp(text, "t01004") == 0 ? SLK_ACTOR_MINER
                                                                      : SLK_ACTOR_ACCOUNT;
}

static void one_value(const slk_method_t *method, const slk_type_t *type, const char *hex,
                      bool is_params)
{
    size_t len;
    uint8_t *bytes = hex_bytes(hex, &len);
    json_t *json;
    slk_bytes_t span = {bytes, len};
    assert_ok(is_params ? slk_method_params_to_json(&json, method, span, SLK_TESTNET, &diag)
                        : slk_method_return_to_json(&json, method, span, SLK_TESTNET, &diag),
              diag);
    if (type)
        both_ways(type, bytes, len, method->name);
    if (is_params) {
        slk_buf_t buf = {0};
        assert_ok(slk_method_params_from_json(&buf, method, json, &diag), diag);
        assert_int_equal(buf.len, len);
        if (len)
            assert_memory_equal(buf.bytes, bytes, len);
        slk_buf_free(&buf);
    }
    json_decref(json);
    free(bytes);
}

static void one_call(const json_t *call)
{
    uint64_t number = (uint64_t)json_integer_value(json_object_get(call, "method"));
    const slk_method_t *method = slk_method_by_number(kind_of(text_of(call, "to")), number);
    if (!method)
        fail_msg("%s has no method %d", text_of(call, "to"), (int)number);
    one_value(method, method->params, text_of(call, "params_hex"), true);
    if (json_integer_value(json_object_get(call, "exit")) == 0)
        one_value(method, method->ret, text_of(call, "return_hex"), false);
    json_t *sub;
    size_t i;
    json_array_foreach(json_object_get(call, "sub"), i, sub) one_call(sub);
}

static void calls(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(SLK_VECTORS "/lotus-rpc/messages", &names, NULL, alphasort);
    assert_true(n > 0);
    checked_cnt = 0;
    for (int i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, "lotus-rpc/messages/%s", names[i]->d_name);
        if (strstr(names[i]->d_name, ".json")) {
            json_t *file = test_vectors(path);
            one_call(json_object_get(file, "calls"));
            json_decref(file);
        }
        free(names[i]);
    }
    free(names);
    assert_true(checked_cnt > 80);
}

/* Parameters with which a node was asked to estimate: also those that the actor refuses are CBOR. */
static void estimates(void **state)
{
    (void)state;
    json_t *file = test_vectors("lotus-rpc/actor-errors.json"), *entry;
    size_t i, removed = 0, malformed = 0;
    checked_cnt = 0;
    json_array_foreach(file, i, entry)
    {
        uint64_t number = (uint64_t)json_integer_value(json_object_get(entry, "method"));
        const slk_method_t *method = slk_method_by_number(kind_of(text_of(entry, "to")), number);
        if (!method) {
            assert_string_equal(text_of(entry, "name"), "removed method");
            removed++;
            continue;
        }
        assert_string_equal(text_of(entry, "name"), method->name);
        size_t len;
        uint8_t *bytes = hex_bytes(text_of(entry, "params_hex"), &len);
        const char *error =
            json_string_value(json_object_get(json_object_get(entry, "error"), "message"));
        json_t *json;
        if (error && strstr(error, "ErrSerialization(21)")) {
            /* What the actor could not read is refused here too. */
            assert_err(SLK_ERR_FORMAT,
                       slk_method_params_to_json(&json, method, (slk_bytes_t){bytes, len},
                                                 SLK_TESTNET, &diag));
            malformed++;
        } else {
            one_value(method, method->params, text_of(entry, "params_hex"), true);
        }
        free(bytes);
    }
    assert_int_equal(removed, 3);
    assert_int_equal(malformed, 1);
    assert_true(checked_cnt > 75);
    json_decref(file);
}

static void json_both_ways(const slk_type_t *type, const json_t *json)
{
    slk_arena_t arena;
    json_t *got;
    slk_arena_init(&arena, 1 << 22);
    void *record = slk_arena_alloc(&arena, type->size);
    assert_ok(slk_record_from_json(record, type, json, &arena, &diag), diag);
    assert_ok(slk_record_to_json(&got, type, record, SLK_TESTNET, &diag), diag);
    if (!json_equal(got, (json_t *)json)) {
        char *text = json_dumps(got, 0), *want = json_dumps(json, 0);
        fail_msg("%s:\n%s\nexpected\n%s", type->name, text, want);
    }
    json_decref(got);
    slk_arena_free(&arena);
    checked_cnt++;
}

/* Objects in results of recorded calls: the result, or the elements or members of it. */
static void recorded(const char *method, const slk_type_t *type, bool inside)
{
    char path[256];
    snprintf(path, sizeof path, "lotus-rpc/%s.json", method);
    json_t *file = test_vectors(path), *call, *value;
    const char *key;
    size_t i, k;
    checked_cnt = 0;
    json_array_foreach(json_object_get(file, "calls"), i, call)
    {
        json_t *result = json_object_get(json_object_get(call, "response"), "result");
        if (!inside && json_is_object(result))
            json_both_ways(type, result);
        if (inside)
            json_array_foreach(result, k, value) json_both_ways(type, value);
        if (inside)
            json_object_foreach(result, key, value) json_both_ways(type, value);
    }
    if (!checked_cnt)
        fail_msg("%s: nothing recorded", method);
    json_decref(file);
}

static void answers(void **state)
{
    (void)state;
    recorded("StateMinerInfo", &slk_api_miner_info_type, false);
    recorded("StateMinerSectors", &slk_sector_on_chain_info_type, true);
    recorded("StateSectorPreCommitInfo", &slk_sector_pre_commit_on_chain_info_type, false);
    recorded("StateMarketStorageDeal", &slk_market_deal_type, false);
    recorded("StateGetClaims", &slk_claim_type, true);
}

/* The state that StateReadState shows has, as CBOR, the CID that StateGetActor names. */
static void one_state(const slk_type_t *type, const char *note)
{
    json_t *states = test_vectors("lotus-rpc/StateReadState.json"),
           *actors = test_vectors("lotus-rpc/StateGetActor.json"), *call;
    const json_t *json = NULL, *actor = NULL;
    slk_arena_t arena;
    slk_cid_t head;
    size_t i;
    json_array_foreach(json_object_get(states, "calls"), i,
                       call) if (strcmp(text_of(call, "note"), note) == 0) json =
        json_object_get(json_object_get(json_object_get(call, "response"), "result"), "State");
    json_array_foreach(json_object_get(actors, "calls"), i,
                       call) if (strcmp(text_of(call, "note"), note) == 0) actor =
        json_object_get(json_object_get(call, "response"), "result");
    assert_non_null(json);
    assert_non_null(actor);
    json_both_ways(type, json);
    slk_arena_init(&arena, 1 << 16);
    void *record = slk_arena_alloc(&arena, type->size);
    assert_ok(slk_record_from_json(record, type, json, &arena, &diag), diag);
    assert_ok(slk_record_cid(&head, type, record, &diag), diag);
    assert_string_equal(slk_cid_text(&head).s, text_of(json_object_get(actor, "Head"), "/"));
    slk_arena_free(&arena);
    json_decref(states);
    json_decref(actors);
}

static void states_of_actors(void **state)
{
    (void)state;
    one_state(&slk_miner_state_type, "miner actor");
    one_state(&slk_miner_state_type, "miner just created");
    static const struct {
        const char *note;
        const slk_type_t *type;
    } rows[] = {
        {"singleton t01", &slk_init_state_type},     {"singleton t02", &slk_reward_state_type},
        {"singleton t04", &slk_power_state_type},    {"singleton t05", &slk_market_state_type},
        {"singleton t06", &slk_verifreg_state_type}, {"singleton t099", &slk_account_state_type}};
    json_t *file = test_vectors("lotus-rpc/StateReadState.json"), *call;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        size_t i, seen = 0;
        json_array_foreach(json_object_get(file, "calls"), i, call)
        {
            if (strcmp(text_of(call, "note"), rows[k].note) != 0)
                continue;
            json_both_ways(
                rows[k].type,
                json_object_get(json_object_get(json_object_get(call, "response"), "result"),
                                "State"));
            seen++;
        }
        assert_int_equal(seen, 1);
    }
    json_decref(file);
}

/* A miner's info on the chain and as the API shows it. */
static void miner_info_of_the_chain(void **state)
{
    (void)state;
    slk_address_t control = slk_address_id(103);
    slk_worker_key_change_t change = {slk_address_id(105), 77};
    slk_miner_info_t info = {
        .owner = slk_address_id(100),
        .worker = slk_address_id(101),
        .control_addresses = {&control, 1},
        .peer_id = {(const uint8_t *)"\x00\x24\x08\x01", 4},
        .window_post_proof_type = 10,
        .sector_size = 2048,
        .window_post_partition_sectors = 2,
        .consensus_fault_elapsed = -1,
        .beneficiary = slk_address_id(100),
    };
    slk_buf_t buf = {0};
    char hex[256];
    assert_ok(slk_record_encode(&buf, &slk_miner_info_type, &info, &diag), diag);
    slk_hex_encode(hex, buf.bytes, buf.len);
    assert_string_equal(hex, "8e4200644200658142006"
                             "7f64400240801800a19080002"
                             "20f6420064"
                             "83404000"
                             "f6");
    both_ways(&slk_miner_info_type, buf.bytes, buf.len, "MinerInfo");
    slk_buf_free(&buf);
    slk_api_miner_info_t api = slk_miner_info_to_api(&info);
    assert_false(slk_address_defined(&api.new_worker));
    assert_true(api.worker_change_epoch == -1);
    info.pending_worker_key = &change;
    api = slk_miner_info_to_api(&info);
    assert_true(slk_address_eq(&api.new_worker, &change.new_worker));
    assert_true(api.worker_change_epoch == 77);
}

static void numbers(void **state)
{
    (void)state;
    size_t exported = 0;
    for (slk_actor_kind_t kind = 0; kind < SLK_ACTOR_COUNT; kind++) {
        size_t count;
        const slk_method_t *methods = slk_actor_methods(kind, &count);
        for (size_t i = 0; i < count; i++) {
            assert_ptr_equal(slk_method_by_number(kind, methods[i].number), &methods[i]);
            assert_ptr_equal(slk_method_by_name(kind, methods[i].name), &methods[i]);
            assert_int_equal(methods[i].number >= 1u << 24, methods[i].frc42 != NULL);
            if (!methods[i].frc42)
                continue;
            assert_true(slk_frc42_number(methods[i].frc42) == methods[i].number);
            exported++;
        }
    }
    assert_true(exported > 50);
    /* Of the specification. */
    assert_true(slk_frc42_number("MarketNotifyDeal") == 4186741094);
    assert_true(slk_frc42_number("AuthenticateMessage") == 2643134072);
    assert_string_equal(slk_method_by_number(SLK_ACTOR_MINER, 0)->name, "Send");
    assert_null(slk_method_by_number(SLK_ACTOR_MINER, 33));
    assert_null(slk_method_by_name(SLK_ACTOR_MINER, "CreateMiner"));
}

static void names(void **state)
{
    (void)state;
    for (slk_actor_kind_t kind = 0; kind < SLK_ACTOR_COUNT; kind++) {
        slk_actor_kind_t again;
        slk_cid_t code = slk_actor_devnet_code(kind);
        assert_true(slk_actor_from_devnet_code(&again, &code) && again == kind);
        assert_true(slk_actor_from_name(&again, slk_actor_name(kind)) && again == kind);
    }
    slk_actor_kind_t kind;
    slk_address_t address = slk_address_id(1000);
    assert_false(slk_actor_of_singleton(&kind, &address));
    assert_false(slk_actor_from_name(&kind, "miner"));
    assert_string_equal(slk_exit_name(SLK_EXIT_USR_ILLEGAL_ARGUMENT), "USR_ILLEGAL_ARGUMENT");
    assert_string_equal(slk_exit_name(4711), "UNKNOWN");
    assert_string_equal(slk_exit_text(0), "ok");
}

static void batch_codes(void **state)
{
    (void)state;
    /* The return of ProveCommitSectors3 with one bad proof of two. */
    slk_arena_t arena;
    slk_batch_return_t batch;
    slk_arena_init(&arena, 4096);
    assert_ok(slk_record_decode(&batch, &slk_batch_return_type, "\x82\x01\x81\x82\x00\x10", 6,
                                &arena, &diag),
              diag);
    assert_true(batch.success_count == 1);
    assert_true(slk_batch_exit_code(&batch, 0) == SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_true(slk_batch_exit_code(&batch, 1) == SLK_EXIT_OK);
    slk_arena_free(&arena);
}

static void refused(void **state)
{
    (void)state;
    const slk_method_t *terminate = slk_method_by_name(SLK_ACTOR_MINER, "TerminateSectors"),
                       *repay = slk_method_by_name(SLK_ACTOR_MINER, "RepayDebt");
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        {"", 0, "TerminateSectorsParams: CBOR byte 0: expected an array, found the end"},
        {"\x80", 1, "TerminateSectorsParams: CBOR byte 0: an array of 0, expected one of 1"},
        {"\x81\x80\x00", 3, "TerminateSectorsParams: CBOR byte 2: 1 bytes follow the end"},
        {"\x81\xf6", 2, "TerminateSectorsParams.Terminations: CBOR byte 1: expected an array"},
        {"\x81\x81\x83\x20\x00\x40", 6,
         "TerminateSectorsParams.Terminations[0].Deadline: CBOR byte 3: expected an unsigned"},
        {"\x81\x81\x83\x00\x00\x41\x00", 7, "TerminateSectorsParams.Terminations[0].Sectors: "},
        {"\x81\x99\x20\x00\x83", 5, "TerminateSectorsParams.Terminations: CBOR byte 1: 8192 elem"},
    };
    json_t *json;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        slk_bytes_t bytes = {(const uint8_t *)rows[i].bytes, rows[i].len};
        assert_err(SLK_ERR_FORMAT,
                   slk_method_params_to_json(&json, terminate, bytes, SLK_TESTNET, &diag));
        if (strncmp(diag.text, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("\"%s\", expected \"%s\"", diag.text, rows[i].why);
    }
    slk_bytes_t some = {(const uint8_t *)"\xf6", 1}, none = {0};
    assert_err(SLK_ERR_FORMAT, slk_method_params_to_json(&json, repay, some, SLK_TESTNET, &diag));
    assert_ok(slk_method_params_to_json(&json, repay, none, SLK_TESTNET, &diag), diag);
    assert_true(json_is_null(json));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),
        cmocka_unit_test(estimates),
        cmocka_unit_test(answers),
        cmocka_unit_test(miner_info_of_the_chain),
        cmocka_unit_test(states_of_actors),
        cmocka_unit_test(numbers),
        cmocka_unit_test(names),
        cmocka_unit_test(refused),
        cmocka_unit_test(batch_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
