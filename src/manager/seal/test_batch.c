/* When a batch is sent, texts for people, expirations, layout: all of it pure. */

#include "manager/seal/batch.h"

#include "codec/policy.h"
#include "manager/seal/batch_impl.h"
#include "manager/seal/pieces.h"
#include "manager/seal/text.h"
#include "test_util.h"

static const slk_batch_clock_t clock_at = {
    .now_ms = 1000000000, .height = 5000, .head_ms = 1000000000, .block_ms = 4000};

static const slk_batch_rules_t rules = {.max = 3, .min = 1, .wait_ms = 60000, .slack_ms = 400000};

static slk_batch_candidate_t candidate(uint64_t number, int64_t waited_ms, int64_t cutoff)
{
    return (slk_batch_candidate_t){number, clock_at.now_ms - waited_ms, cutoff};
}

static slk_batch_plan_t plan(const slk_batch_rules_t *with, slk_batch_kind_t kind,
                             const slk_batch_candidate_t *candidates, size_t cnt, bool flush,
                             size_t chosen[16])
{
    slk_batch_plan_t out;
    slk_batch_plan(&out, chosen, with, kind, candidates, cnt, &clock_at, flush);
    assert_true(*out.why);
    return out;
}

static void test_waits(void **state)
{
    (void)state;
    size_t chosen[16];
    slk_batch_candidate_t c[] = {candidate(7, 1000, SLK_BATCH_NO_CUTOFF),
                                 candidate(3, 20000, 9000)};
    slk_batch_plan_t p = plan(&rules, SLK_BATCH_PRE_COMMIT, c, 2, false, chosen);
    assert_false(p.send);
    assert_int_equal(p.until_ms, clock_at.now_ms + 40000); /* of the oldest */
    assert_int_equal(p.until_epoch, 0);
    assert_string_equal(p.why, "in a batch of 2 pre-commits; sent when 3 are there, or at "
                               "13:47:20 UTC, in about 40 s");

    /* Epoch 5105 is 420 s away, 20 s before the slack begins. */
    c[0].cutoff = 5105;
    p = plan(&rules, SLK_BATCH_PRE_COMMIT, c, 2, false, chosen);
    assert_false(p.send);
    assert_int_equal(p.until_ms, clock_at.now_ms + 20000);
    assert_int_equal(p.until_epoch, 5105);
    assert_non_null(strstr(p.why, "as epoch 5105 comes near"));
    c[0].cutoff = 5100;
    assert_true(plan(&rules, SLK_BATCH_PRE_COMMIT, c, 2, false, chosen).send);
    c[0].cutoff = 4000; /* too late for it; the message says so */
    assert_true(plan(&rules, SLK_BATCH_PRE_COMMIT, c, 2, false, chosen).send);
}

static void test_sends(void **state)
{
    (void)state;
    size_t chosen[16];
    const slk_batch_candidate_t c[] = {
        candidate(9, 10, SLK_BATCH_NO_CUTOFF), candidate(8, 20, SLK_BATCH_NO_CUTOFF),
        candidate(7, 10, 50000), candidate(6, 30, SLK_BATCH_NO_CUTOFF),
        candidate(5, 5, SLK_BATCH_NO_CUTOFF)};
    slk_batch_plan_t p = plan(&rules, SLK_BATCH_COMMIT, c, 5, false, chosen);
    assert_true(p.send);
    assert_int_equal(p.cnt, 3);
    assert_int_equal(p.rest, 2);
    /* The one with a cutoff, then the oldest two, by number. */
    assert_int_equal(c[chosen[0]].number, 6);
    assert_int_equal(c[chosen[1]].number, 7);
    assert_int_equal(c[chosen[2]].number, 8);

    p = plan(&rules, SLK_BATCH_COMMIT, c, 2, false, chosen);
    assert_false(p.send);
    p = plan(&rules, SLK_BATCH_COMMIT, c, 2, true, chosen);
    assert_true(p.send);
    assert_int_equal(p.cnt, 2);
    assert_int_equal(c[chosen[0]].number, 8);
    const slk_batch_candidate_t old = candidate(1, 60000, SLK_BATCH_NO_CUTOFF);
    assert_true(plan(&rules, SLK_BATCH_COMMIT, &old, 1, false, chosen).send);
}

static void test_minimum(void **state)
{
    (void)state;
    size_t chosen[16];
    const slk_batch_rules_t few = {.max = 9, .min = 2, .wait_ms = 60000};
    const slk_batch_candidate_t c[] = {candidate(1, 90000, SLK_BATCH_NO_CUTOFF),
                                       candidate(2, 0, SLK_BATCH_NO_CUTOFF)};
    slk_batch_plan_t p = plan(&few, SLK_BATCH_TERMINATE, c, 1, false, chosen);
    assert_false(p.send);
    assert_int_equal(p.until_ms, clock_at.now_ms + 60000);
    assert_true(plan(&few, SLK_BATCH_TERMINATE, c, 2, false, chosen).send);
    assert_true(plan(&few, SLK_BATCH_TERMINATE, c, 1, true, chosen).send);
}

static void test_rules(void **state)
{
    (void)state;
    const slk_miner_config_t config = {.max_pre_commit_batch = 0,
                                       .max_commit_batch = 100000,
                                       .terminate_batch_min = 50,
                                       .terminate_batch_max = 20,
                                       .commit_batch_slack_ms = 7};
    slk_batch_rules_t r;
    slk_batch_rules(&r, SLK_BATCH_PRE_COMMIT, &config);
    assert_int_equal(r.max, 1);
    slk_batch_rules(&r, SLK_BATCH_COMMIT, &config);
    assert_int_equal(r.max, 8192);
    assert_int_equal(r.slack_ms, 7);
    slk_batch_rules(&r, SLK_BATCH_TERMINATE, &config);
    assert_int_equal(r.max, 20);
    assert_int_equal(r.min, 20);
}

/* --- Expiration (spec lotus-miner.md 1.6, main network) --------------------------------------- */

static void test_expiration(void **state)
{
    (void)state;
    const slk_policy_t *p = slk_policy_by_name("mainnet");
    enum { HEAD = 4000000, TICKET = HEAD - 900, LEAST = TICKET + 3780 + 86550 + 518400 };
    slk_piece_deal_info_t deal = {.deal_schedule = {.start_epoch = 1, .end_epoch = 0}};
    slk_sector_piece_t piece = {.piece = {.size = 2048}};
    slk_sector_info_t s = {.ticket_epoch = TICKET, .pieces = {&piece, 1}};
    static const struct {
        int64_t lifetime, deal_end, want;
    } rows[] = {
        {0, 0, HEAD + 3680640 - 5760},       /* the longest, two proving periods less */
        {1000000, 0, HEAD + 1000000 - 5760}, /* as asked for */
        {100, 0, LEAST},                     /* at least what the actor takes when it lands late */
        {9999999, 0, HEAD + 3680640},        /* at most what there is */
        {0, HEAD + 2000000, HEAD + 2000000}, /* of a deal: its end */
        {0, HEAD + 10, LEAST},
        {0, HEAD - 10, HEAD + 3680640 - 5760}, /* one that has ended does not count */
        {0, HEAD + 4000000, HEAD + 3680640},   /* not above what is taken now */
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        deal.deal_schedule.end_epoch = rows[i].deal_end;
        piece.deal_info = rows[i].deal_end ? &deal : NULL;
        const int64_t got = slk_batch_expiration(&s, p, HEAD, rows[i].lifetime);
        if (got != rows[i].want)
            fail_msg("row %zu: %" PRId64 ", expected %" PRId64, i, got, rows[i].want);
    }
    /* A ticket of now: the head's rule is weaker, the ticket's counts. */
    s.ticket_epoch = HEAD;
    piece.deal_info = NULL;
    assert_int_equal(slk_batch_expiration(&s, p, HEAD, 100), HEAD + 3780 + 86550 + 518400);
}

/* A scaled network for development: whatever its numbers, the actor takes it (spec chain.md 9.2). */
static void test_expiration_scaled(void **state)
{
    (void)state;
    const slk_sector_info_t s = {.ticket_epoch = 100};
    for (uint32_t deadlines = 3; deadlines <= 48; deadlines += 5) {
        const slk_policy_t p = slk_policy_scaled(slk_policy_by_name("2k"), deadlines, 4);
        const int64_t end = slk_batch_expiration(&s, &p, 1000, 0);
        const int64_t latest = 100 + p.max_precommit_lookback + p.max_prove_commit_duration;
        assert_true(end <= 1000 + p.max_sector_extension);
        if (latest + p.min_sector_expiration <= 1000 + p.max_sector_extension)
            assert_true(end - latest >= p.min_sector_expiration);
    }
}

/* --- Pieces -------------------------------------------------------------------------------- */

static slk_sector_piece_t sized(uint64_t size)
{
    slk_node_t comm;
    slk_piece_zero(&comm, 64);
    return (slk_sector_piece_t){
        .piece = {.size = size, .piece_cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm)}};
}

static void test_layout(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    slk_sector_piece_t items[] = {sized(128), sized(1024), sized(128), sized(256)};
    slk_sector_piece_list_t add = {items, 4}, out;
    slk_node_t comm_d;
    slk_arena_init(&arena, 1 << 20);
    static const uint64_t want[] = {128, 128, 256, 512, 1024, 128, 128, 256};
    assert_ok(slk_sector_layout(&out, 0, &add, 4096, &arena, &diag), diag);
    assert_int_equal(out.count, SLK_COUNT(want));
    uint64_t at = 0;
    for (size_t i = 0; i < out.count; i++) {
        assert_int_equal(out.items[i].piece.size, want[i]);
        assert_int_equal(at % want[i], 0);
        at += want[i];
    }
    assert_int_equal(slk_sector_used(&out), 2560);
    /* Its CommD is that of the pieces alone at their offsets: fillers are zeros. */
    slk_piece_t alone[4];
    for (size_t i = 0; i < 4; i++) {
        assert_ok(slk_cid_to_commitment(&alone[i].comm_p, SLK_CID_UNSEALED,
                                        &items[i].piece.piece_cid, &diag),
                  diag);
        alone[i].padded = items[i].piece.size;
    }
    slk_node_t by_offsets;
    assert_ok(slk_piece_comm_d(&by_offsets, 4096, alone, 4, &diag), diag);
    assert_ok(slk_sector_comm_d(&comm_d, &out, 4096, &diag), diag);
    assert_memory_equal(&comm_d, &by_offsets, sizeof comm_d);

    assert_err(SLK_ERR_LENGTH, slk_sector_layout(&out, 2048, &add, 4096, &arena, &diag));
    items[0].piece.size = 100;
    assert_err(SLK_ERR_INPUT, slk_sector_layout(&out, 0, &add, 4096, &arena, &diag));
    slk_arena_free(&arena);
}

static void test_fill(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    slk_sector_piece_list_t out;
    slk_node_t zero;
    slk_arena_init(&arena, 1 << 20);
    assert_ok(slk_sector_fill(&out, 0, UINT64_C(34359738368), &arena, &diag), diag);
    assert_int_equal(out.count, 1);
    slk_piece_zero(&zero, UINT64_C(34359738368));
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &zero);
    assert_true(slk_cid_eq(&cid, &out.items[0].piece.piece_cid));
    assert_ok(slk_sector_fill(&out, 640, 2048, &arena, &diag), diag);
    assert_int_equal(out.count, 3); /* 128, 256, 1024 */
    assert_int_equal(out.items[0].piece.size, 128);
    assert_int_equal(out.items[2].piece.size, 1024);
    assert_ok(slk_sector_fill(&out, 2048, 2048, &arena, &diag), diag);
    assert_int_equal(out.count, 0);
    assert_err(SLK_ERR_LENGTH, slk_sector_fill(&out, 4096, 2048, &arena, &diag));
    slk_arena_free(&arena);
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(slk_span_text(-5).s, "0 s");
    assert_string_equal(slk_span_text(25400).s, "25 s");
    assert_string_equal(slk_span_text(180000).s, "3 min");
    assert_string_equal(slk_span_text(7500000).s, "2 h 5 min");
    assert_string_equal(slk_span_text(INT64_C(273600000)).s, "3 d 4 h");
    assert_string_equal(slk_time_text(50710000, 50000000).s, "14:05:10 UTC");
    assert_string_equal(slk_time_text(50710000, INT64_C(500000000)).s, "1970-01-01 14:05:10 UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),      cmocka_unit_test(test_sends),
        cmocka_unit_test(test_minimum),    cmocka_unit_test(test_rules),
        cmocka_unit_test(test_expiration), cmocka_unit_test(test_expiration_scaled),
        cmocka_unit_test(test_layout),     cmocka_unit_test(test_fill),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
