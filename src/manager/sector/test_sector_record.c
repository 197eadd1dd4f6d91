#include "codec/json.h"
#include "manager/sector/test_sector.h"

static slk_diag_t diag;

static void test_names(void **unused)
{
    (void)unused;
    for (unsigned s = 0; s < SLK_STATE_CNT; s++) {
        slk_sector_state_t state = SLK_STATE_CNT;
        const char *name = slk_sector_state_name((slk_sector_state_t)s);
        assert_true(slk_sector_state_from_name(&state, name));
        assert_int_equal(state, s);
        assert_true(*slk_sector_state_what(state));
        assert_true(*slk_state_class_name(slk_sector_state_class(state)));
    }
    for (unsigned e = 0; e < SLK_EVENT_CNT; e++) {
        slk_event_type_t type = SLK_EVENT_CNT;
        assert_true(slk_event_from_name(&type, slk_event_name((slk_event_type_t)e)));
        assert_int_equal(type, e);
    }
    slk_sector_state_t state;
    slk_event_type_t type;
    assert_false(slk_sector_state_from_name(&state, "proving"));
    assert_false(slk_event_from_name(&type, "Ticket"));
}

static void round_trip(const slk_sector_info_t *record)
{
    slk_arena_t arena;
    slk_sector_info_t again;
    char *text, *text_again;
    slk_arena_init(&arena, 1 << 22);
    assert_ok(slk_sector_info_to_text(&text, record, &diag), diag);
    assert_ok(slk_sector_info_from_text(&again, text, strlen(text), &arena, &diag), diag);
    assert_ok(slk_sector_info_to_text(&text_again, &again, &diag), diag);
    assert_string_equal(text, text_again);
    free(text);
    free(text_again);
    slk_arena_free(&arena);
}

static void test_round_trip(void **unused)
{
    (void)unused;
    slk_arena_t arena;
    test_random_t random = {5};
    slk_arena_init(&arena, 1 << 22);
    round_trip(&(slk_sector_info_t){0});
    for (unsigned s = 0; s < SLK_STATE_CNT; s++) {
        slk_sector_info_t record = test_record(&random, (slk_sector_state_t)s, &arena);
        round_trip(&record);
    }
    /* All that a record has of each kind of piece, and the largest numbers. */
    slk_sector_info_t record = test_record(&random, SLK_STATE_PROVING, &arena), again;
    for (unsigned kind = 0; kind < 3; kind++)
        record.pieces.items[kind] = test_piece(&random, kind, &arena);
    record.sector_number = INT64_MAX;
    record.visit = UINT64_MAX;
    record.ticket_epoch = INT64_MIN;
    char *text;
    assert_ok(slk_sector_info_to_text(&text, &record, &diag), diag);
    assert_ok(slk_sector_info_from_text(&again, text, strlen(text), &arena, &diag), diag);
    free(text);
    assert_int_equal(again.visit, UINT64_MAX);
    assert_int_equal(again.ticket_epoch, INT64_MIN);
    assert_null(again.pieces.items[0].deal_info);
    const slk_piece_deal_info_t *market = again.pieces.items[1].deal_info,
                                *direct = again.pieces.items[2].deal_info;
    assert_int_equal(market->deal_id, record.pieces.items[1].deal_info->deal_id);
    assert_true(slk_address_eq(&market->deal_proposal->client,
                               &record.pieces.items[1].deal_info->deal_proposal->client));
    assert_null(market->piece_activation_manifest);
    assert_true(market->keep_unsealed);
    assert_null(direct->deal_proposal);
    assert_false(slk_cid_defined(&direct->publish_cid));
    assert_int_equal(direct->piece_activation_manifest->verified_allocation_key->client, 1001);
    assert_int_equal(direct->piece_activation_manifest->notify.count, 1);
    assert_memory_equal(again.proof.b, record.proof.b, record.proof.len);
    assert_int_equal(slk_bigint_cmp(&again.pre_commit_deposit, &record.pre_commit_deposit), 0);
    slk_arena_free(&arena);
}

/* What Lotus' API calls these fields; a record of an older program has fewer. */
static void test_from_text(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"{\"State\":\"Provng\"}", "SectorInfo.State: \"Provng\" is no state"},
        {"{\"Return\":\"x\"}", "SectorInfo.Return: \"x\" is no state"},
        {"{\"State\":\"Proving\\u0000\"}", "SectorInfo"},
        {"{\"SectorNumber\":-1}", "SectorInfo.SectorNumber"},
        {"{\"Pieces\":[{\"Piece\":{\"Size\":\"x\"}}]}", "SectorInfo.Pieces"},
        {"[]", "expected an object"},
        {"{\"State\":", "SectorInfo: byte"},
    };
    slk_arena_t arena;
    slk_sector_info_t record;
    slk_arena_init(&arena, 1 << 20);
    const char *text = "{\"State\":\"WaitSeed\",\"SectorNumber\":7,\"CommD\":null,\"Pieces\":null,"
                       "\"Unknown\":[1]}";
    assert_ok(slk_sector_info_from_text(&record, text, strlen(text), &arena, &diag), diag);
    assert_int_equal(slk_sector_state(&record), SLK_STATE_WAIT_SEED);
    assert_int_equal(record.sector_number, 7);
    assert_false(slk_cid_defined(&record.comm_d));
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        assert_err(SLK_ERR_FORMAT, slk_sector_info_from_text(&record, bad[i].text,
                                                             strlen(bad[i].text), &arena, &diag));
        if (!strstr(diag.text, bad[i].why))
            fail_msg("%s: expected %s", diag.text, bad[i].why);
    }
    slk_arena_free(&arena);
}

static void test_clean(void **unused)
{
    (void)unused;
    static const struct {
        const char *in;
        size_t max;
        const char *out;
    } rows[] = {
        {NULL, 9, ""},
        {"plain", 9, "plain"},
        {"plain", 3, "pla"},
        {"a\xc3\xa4z", 4, "a\xc3\xa4z"},
        {"a\xc3\xa4", 2, "a"}, /* not half a character */
        {"\xe2\x82\xac", 3, "\xe2\x82\xac"},
        {"\xf0\x9f\xa6\xad!", 9, "\xf0\x9f\xa6\xad!"},
        {"\xff\xfe", 9, "??"},
        {"\xc0\x80", 9, "??"},           /* longer than it needs to be */
        {"\xed\xa0\x80", 9, "???"},      /* half of a pair */
        {"\xf4\x90\x80\x80", 9, "????"}, /* above the last character */
        {"\xe2\x82", 9, "??"},           /* ends too early */
    };
    slk_arena_t arena;
    slk_arena_init(&arena, 1 << 12);
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        assert_string_equal(slk_sector_text(&arena, rows[i].in, rows[i].max), rows[i].out);
    slk_arena_free(&arena);
}

static void test_event_json(void **unused)
{
    (void)unused;
    static const struct {
        const char *event, *fields;
    } rows[] = {
        {"SectorStartCC", "ID SectorType"},
        {"SectorTicket", "TicketValue TicketEpoch"},
        {"SectorPreCommit2", "Sealed Unsealed"},
        {"SectorPreCommitBatchSent", "Message Key PreCommitDeposit"},
        {"SectorForceState", "State"},
        {"SectorInvalidDealIDs", "Return"},
        {"SectorPacked", "FillerPieces"},
        {"SectorTerminated", "TerminatedAt"},
        {"SectorReceive", "State"},
        {"SectorRemove", ""},
        {"SectorComputeProofFailed", ""},
    };
    slk_arena_t arena;
    test_random_t random = {6};
    slk_arena_init(&arena, 1 << 22);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_event_type_t type = SLK_EVENT_CNT;
        char names[256] = "";
        const char *name;
        json_t *json, *value;
        assert_true(slk_event_from_name(&type, rows[i].event));
        slk_event_t event = test_event(&random, type, NULL, &arena);
        assert_ok(slk_event_to_json(&json, &event, &diag), diag);
        json_object_foreach(json_object_get(json, "User"), name, value)
        {
            strcat(names, *names ? " " : "");
            strcat(names, name);
        }
        assert_string_equal(names, rows[i].fields);
        json_decref(json);
    }
    /* None of them fails, also of an event that brings nothing. */
    for (unsigned e = 0; e < SLK_EVENT_CNT; e++) {
        json_t *json;
        slk_event_t event = {.type = (slk_event_type_t)e};
        assert_ok(slk_event_to_json(&json, &event, &diag), diag);
        json_decref(json);
    }
    slk_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_from_text),  cmocka_unit_test(test_clean),
        cmocka_unit_test(test_event_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
