/* Whole lives: every one has to end where it should, whatever happens on the way. */

#include "manager/seal/test_life_simulated.h"

/* --- Lives --------------------------------------------------------------------------------- */

static life_t life;

static void test_capacity(void **state)
{
    (void)state;
    begin(&life, 3);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_false(failed_once(&life));
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    assert_int_equal(life.jobs[SLK_TASK_AP], 0);
    for (slk_task_t task = 0; task < SLK_TASK_CNT; task++)
        if (task != SLK_TASK_AP && task != SLK_TASK_RM && task != SLK_TASK_WDP)
            assert_int_equal(life.jobs[task], 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(life.s[i].pieces.count, 1);
        assert_int_equal(life.s[i].pieces.items[0].piece.size, 2048);
        assert_true(life.s[i].finalized);
    }
    end(&life);
}

static void test_early(void **state)
{
    (void)state;
    begin(&life, 1);
    life.sim.config.finalize_early = true;
    life.sim.config.make_cc_sectors_available = true;
    live_on(&life);
    all_are(&life, SLK_STATE_AVAILABLE);
    assert_true(life.seen[0][SLK_STATE_COMMIT_FINALIZE]);
    assert_true(life.seen[0][SLK_STATE_FINALIZE_SECTOR]);
    /* What is in its place is not touched again. */
    assert_int_equal(life.jobs[SLK_TASK_FIN], 1);
    assert_int_equal(life.jobs[SLK_TASK_GET], 1);
    end(&life);
}

static slk_sector_piece_t make_piece(sim_t *sim, const char *name, uint64_t size)
{
    slk_node_t comm = sim_node(name, size, 0, 0);
    slk_piece_deal_info_t *info = slk_arena_alloc(&sim->arena, sizeof *info);
    slk_piece_activation_manifest_t *manifest = slk_arena_alloc(&sim->arena, sizeof *manifest);
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm);
    *manifest = (slk_piece_activation_manifest_t){.cid = cid, .size = size};
    *info = (slk_piece_deal_info_t){.deal_schedule = {.start_epoch = sim->net.height + 100000,
                                                      .end_epoch = sim->net.height + 800000},
                                    .piece_activation_manifest = manifest};
    return (slk_sector_piece_t){.piece = {.size = size, .piece_cid = cid},
                                .deal_info = info,
                                .source = sim_text("/pieces/x"),
                                .payload_size = 100};
}

static void begin_with_pieces(const uint64_t *sizes, size_t cnt)
{
    slk_sector_piece_t pieces[4];
    begin(&life, 0);
    life.cnt = 1;
    life.sim.config.max_pre_commit_batch = life.sim.config.max_commit_batch = 1;
    const slk_event_t start = {
        .type = SLK_EVENT_START, .miner = SIM_MINER, .number = 0, .sector_type = SIM_PROOF};
    step(&life, 0, &start);
    for (size_t i = 0; i < cnt; i++)
        pieces[i] = make_piece(&life.sim, "piece", sizes[i]);
    const slk_event_t add = {.type = SLK_EVENT_ADD_PIECE, .pieces = {pieces, cnt}};
    step(&life, 0, &add);
}

static void test_pieces(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {128, 512};
    /* 128, fillers 128 and 256, 512, then the rest. */
    static const uint64_t want[] = {128, 128, 256, 512, 1024};
    static const bool data[] = {true, false, false, true, false};
    begin_with_pieces(sizes, 2);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_false(failed_once(&life));
    assert_int_equal(life.jobs[SLK_TASK_AP], 1);
    assert_int_equal(life.s[0].pieces.count, SLK_COUNT(want));
    for (size_t i = 0; i < SLK_COUNT(want); i++) {
        assert_int_equal(life.s[0].pieces.items[i].piece.size, want[i]);
        assert_int_equal(life.s[0].pieces.items[i].deal_info != NULL, data[i]);
    }
    assert_int_equal(life.s[0].assigned.count, 0);
    /* It waited for more pieces for WaitDealsDelay, not longer. */
    const int64_t delay = life.sim.config.wait_deals_delay_ms / life.sim.net.block_ms;
    assert_true(life.waited_epochs > delay && life.waited_epochs < delay + 100);
    end(&life);
}

static void test_full(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1024, 1024};
    begin_with_pieces(sizes, 2);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_int_equal(life.s[0].pieces.count, 2);
    assert_true(life.waited_epochs < 100);
    end(&life);
}

/* --- Jobs that fail -------------------------------------------------------------------------- */

static void test_passing_failures(void **state)
{
    (void)state;
    static const slk_failure_t passing[] = {SLK_FAILURE_TEMPORARY, SLK_FAILURE_NO_SPACE,
                                            SLK_FAILURE_RESTARTED, SLK_FAILURE_LOST};
    static const slk_task_t tasks[] = {SLK_TASK_PC1, SLK_TASK_PC2, SLK_TASK_C1,
                                       SLK_TASK_C2,  SLK_TASK_FIN, SLK_TASK_GET};
    for (size_t f = 0; f < SLK_COUNT(passing); f++) {
        begin(&life, 1);
        for (size_t i = 0; i < SLK_COUNT(tasks); i++) {
            life.fail_with[tasks[i]] = passing[f];
            life.fail_times[tasks[i]] = 5;
        }
        live_on(&life);
        all_are(&life, SLK_STATE_PROVING);
        assert_false(failed_once(&life));
        for (size_t i = 0; i < SLK_COUNT(tasks); i++)
            assert_int_equal(life.jobs[tasks[i]], 6);
        end(&life);
    }
}

/* Task, failure, how often, the failed state it must pass through, PC1s in the end. */
static const struct {
    slk_task_t task;
    slk_failure_t failure;
    unsigned times;
    slk_sector_state_t through;
    unsigned pc1s;
} hard[] = {
    {SLK_TASK_PC1, SLK_FAILURE_PERMANENT, 1, SLK_STATE_SEAL_PRE_COMMIT1_FAILED, 2},
    {SLK_TASK_PC1, SLK_FAILURE_CANCELLED, 1, SLK_STATE_SEAL_PRE_COMMIT1_FAILED, 2},
    {SLK_TASK_PC2, SLK_FAILURE_PERMANENT, 1, SLK_STATE_SEAL_PRE_COMMIT2_FAILED, 1},
    {SLK_TASK_PC2, SLK_FAILURE_PERMANENT, 4, SLK_STATE_SEAL_PRE_COMMIT2_FAILED, 2},
    {SLK_TASK_PC2, SLK_FAILURE_INPUT, 1, SLK_STATE_SEAL_PRE_COMMIT2_FAILED, 2},
    {SLK_TASK_C1, SLK_FAILURE_PERMANENT, 1, SLK_STATE_COMPUTE_PROOF_FAILED, 1},
    {SLK_TASK_C2, SLK_FAILURE_PERMANENT, 1, SLK_STATE_COMPUTE_PROOF_FAILED, 1},
    {SLK_TASK_C1, SLK_FAILURE_INPUT, 3, SLK_STATE_SEAL_PRE_COMMIT1_FAILED, 2},
    {SLK_TASK_FIN, SLK_FAILURE_PERMANENT, 2, SLK_STATE_FINALIZE_FAILED, 1},
    {SLK_TASK_GET, SLK_FAILURE_PERMANENT, 2, SLK_STATE_FINALIZE_FAILED, 1},
};

static void test_hard_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(hard); i++) {
        begin(&life, 1);
        life.fail_with[hard[i].task] = hard[i].failure;
        life.fail_times[hard[i].task] = hard[i].times;
        live_on(&life);
        all_are(&life, SLK_STATE_PROVING);
        if (!life.seen[0][hard[i].through])
            fail_msg("row %zu did not pass through %s", i, slk_sector_state_name(hard[i].through));
        if (life.jobs[SLK_TASK_PC1] != hard[i].pc1s)
            fail_msg("row %zu: %u PC1s, expected are %u", i, life.jobs[SLK_TASK_PC1], hard[i].pc1s);
        assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
        assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
        end(&life);
    }
}

/* After the fourth failure of PC1 the sector waits for a person, who gives it up. */
static void test_pc1_gives_up(void **state)
{
    (void)state;
    begin(&life, 1);
    life.fail_with[SLK_TASK_PC1] = SLK_FAILURE_PERMANENT;
    life.fail_times[SLK_TASK_PC1] = 1000;
    live_on(&life);
    all_are(&life, SLK_STATE_SEAL_PRE_COMMIT1_FAILED);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 4);
    force(&life, 0, SLK_EVENT_REMOVE);
    live_on(&life);
    all_are(&life, SLK_STATE_REMOVED);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 4);
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 0);
    end(&life);
}

static void test_bad_proofs(void **state)
{
    (void)state;
    begin(&life, 1);
    life.bad_proofs = 1;
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_true(life.seen[0][SLK_STATE_COMMIT_FAILED]);
    assert_int_equal(life.jobs[SLK_TASK_C2], 2);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    end(&life);

    /* Twice: everything is sealed again, with the ticket that is on chain. */
    begin(&life, 1);
    life.bad_proofs = 2;
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_true(life.seen[0][SLK_STATE_SEAL_PRE_COMMIT1_FAILED]);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 2);
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    end(&life);
}

/* --- The chain ------------------------------------------------------------------------------- */

static void test_old_ticket(void **state)
{
    (void)state;
    begin(&life, 1);
    life.stall_task = SLK_TASK_PC1;
    life.stall_epochs = life.sim.net.height + 3000; /* 900 old when drawn */
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_false(failed_once(&life));
    assert_int_equal(life.jobs[SLK_TASK_PC1], 2);
    end(&life);

    begin(&life, 1);
    life.stall_task = SLK_TASK_PC2;
    life.stall_epochs = life.sim.net.height + 3000;
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_true(life.seen[0][SLK_STATE_SEAL_PRE_COMMIT1_FAILED]);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 2);
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
    end(&life);
}

/* Durations that were measured on a very bad day end nothing. */
static void test_bad_measurements(void **state)
{
    (void)state;
    begin(&life, 2);
    life.sim.typical[SLK_TASK_PC1] = life.sim.typical[SLK_TASK_PC2] = INT64_C(10) * 86400000;
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 2);
    end(&life);
}

/* The pre-commit expires before a proof is there: the sector is given up, nothing is sent. */
static void test_too_late(void **state)
{
    (void)state;
    begin(&life, 1);
    life.stall_task = SLK_TASK_C1;
    life.stall_epochs = INT64_MAX;
    live_on(&life);
    all_are(&life, SLK_STATE_REMOVED);
    assert_true(life.seen[0][SLK_STATE_COMMIT_FAILED]);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 0);
    assert_int_equal(life.jobs[SLK_TASK_PC1], 1);
    end(&life);
}

static void test_reorg(void **state)
{
    (void)state;
    begin(&life, 2);
    live_until(&life, 0, SLK_STATE_COMMITTING);
    reorganise(&life, 3);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_false(failed_once(&life));
    assert_true(life.jobs[SLK_TASK_C1] > 2);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    end(&life);

    /* While a batch waits: the proofs are made again. */
    begin(&life, 1);
    life.sim.config.max_commit_batch = 5;
    live_until(&life, 0, SLK_STATE_SUBMIT_COMMIT_AGGREGATE);
    reorganise(&life, 3);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_int_equal(life.jobs[SLK_TASK_C2], 2);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    end(&life);

    /* The pre-commit lands again, later: another seed. */
    begin(&life, 1);
    live_until(&life, 0, SLK_STATE_PRE_COMMIT_BATCH_WAIT);
    for (int i = 0; i < 4; i++)
        live(&life);
    reorganise(&life, 10);
    live_on(&life);
    all_are(&life, SLK_STATE_PROVING);
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
    assert_int_equal(life.pre_commits[0], 1);
    end(&life);
}

static void test_node_away(void **state)
{
    (void)state;
    begin(&life, 2);
    /* Away every other while, for up to an hour. */
    for (int rounds = 0; rounds < LIFE_ROUNDS; rounds++) {
        life.sim.away = (life.sim.net.height / 400) % 2 == 1;
        if (!live(&life))
            break;
    }
    all_are(&life, SLK_STATE_PROVING);
    assert_false(failed_once(&life));
    assert_int_equal(life.sent[SLK_BATCH_PRE_COMMIT], 1);
    assert_int_equal(life.sent[SLK_BATCH_COMMIT], 1);
    end(&life);
}

static void test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        int64_t exits[2]; /* of the pre-commit, of the prove-commit */
        unsigned pre_commits, commits, c2s;
    } rows[] = {
        {{7, 0}, 2, 1, 1},  {{6, 0}, 2, 1, 1},  {{16, 0}, 2, 1, 1}, {{-1, 0}, 2, 1, 1},
        {{-2, 0}, 2, 1, 1}, {{0, 7}, 1, 2, 1},  {{0, 6}, 1, 2, 1},  {{0, 16}, 1, 2, 1},
        {{0, -1}, 1, 2, 1}, {{0, -2}, 1, 2, 1},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        begin(&life, 1);
        life.exit_cnt = 0;
        if (!rows[i].exits[1]) {
            life.next_exit[life.exit_cnt++] = rows[i].exits[0];
        } else {
            life.next_exit[life.exit_cnt++] = rows[i].exits[1];
            life.next_exit[life.exit_cnt++] = 0;
        }
        live_on(&life);
        all_are(&life, SLK_STATE_PROVING);
        if (life.sent[SLK_BATCH_PRE_COMMIT] != rows[i].pre_commits ||
            life.sent[SLK_BATCH_COMMIT] != rows[i].commits || life.jobs[SLK_TASK_C2] != rows[i].c2s)
            fail_msg("row %zu: %u pre-commits, %u prove-commits, %u proofs", i,
                     life.sent[SLK_BATCH_PRE_COMMIT], life.sent[SLK_BATCH_COMMIT],
                     life.jobs[SLK_TASK_C2]);
        assert_int_equal(life.pre_commits[0], 1);
        end(&life);
    }
}

/* --- The way out ----------------------------------------------------------------------------- */

static void test_terminate(void **state)
{
    (void)state;
    begin(&life, 2);
    live_on(&life);
    force(&life, 0, SLK_EVENT_TERMINATE);
    life.sim.deadline.index = 40;
    for (int i = 0; i < LIFE_ROUNDS && state_of(&life, 0) != SLK_STATE_REMOVED; i++)
        live(&life);
    assert_int_equal(state_of(&life, 0), SLK_STATE_REMOVED);
    assert_int_equal(state_of(&life, 1), SLK_STATE_PROVING);
    assert_true(life.seen[0][SLK_STATE_TERMINATE_FINALITY]);
    assert_int_equal(life.sent[SLK_BATCH_TERMINATE], 1);
    assert_true(life.s[0].terminated_at > 0);
    end(&life);
}

static void test_removed_while_sealing(void **state)
{
    (void)state;
    begin(&life, 1);
    live_until(&life, 0, SLK_STATE_PRE_COMMIT2);
    force(&life, 0, SLK_EVENT_REMOVE);
    live_on(&life);
    all_are(&life, SLK_STATE_REMOVED);
    assert_int_equal(count_files(&life, 0), 0);
    end(&life);
}

/* --- Everything at once -------------------------------------------------------------------- */

/* One life of many sectors with trouble of all kinds, the same for the same seed. */
static void live_at_random(uint64_t seed, uint64_t one_of)
{
    begin(&life, LIFE_SECTORS);
    life.rng = seed;
    life.random = true;
    life.hard = one_of;
    life.sim.config.finalize_early = seed % 2;
    life.sim.config.max_pre_commit_batch = 1 + seed % 4;
    life.sim.config.max_commit_batch = 1 + seed % 5;
    life.sim.fit_max = 1 + seed % 3;
    int64_t away_until = 0;
    for (int rounds = 0; rounds < LIFE_ROUNDS; rounds++) {
        if (draw(&life, 200) == 0)
            away_until = life.sim.net.height + (int64_t)draw(&life, 300);
        life.sim.away = life.sim.net.height < away_until;
        if (!life.sim.away && draw(&life, 100) == 0)
            reorganise(&life, 1 + (int64_t)draw(&life, 4));
        if (!live(&life))
            break;
    }
    for (size_t i = 0; i < life.cnt; i++) {
        if (!is_over(&life, i))
            fail_msg("seed %" PRIu64 ", sector %zu ends in %s: %s", seed, i,
                     slk_sector_state_name(state_of(&life, i)), life.last[i].why);
        assert_true(life.pre_commits[i] <= 1);
        /* What is proven is on chain, what was removed is not. */
        const slk_sector_state_t at = state_of(&life, i);
        assert_int_equal(life.sim.sectors[i].live,
                         at == SLK_STATE_PROVING || at == SLK_STATE_AVAILABLE);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        live_at_random(seed, 0);
        all_are(&life, SLK_STATE_PROVING); /* none of these troubles is worth a sector */
        end(&life);
    }
}

/* Jobs fail for good as well, and proofs are bad: some sectors wait for a person, none is lost. */
static void test_random_hard(void **state)
{
    (void)state;
    unsigned ends[SLK_STATE_CNT] = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        live_at_random(seed, 1 + seed % 8);
        for (size_t i = 0; i < life.cnt; i++)
            ends[state_of(&life, i)]++;
        end(&life);
    }
    if (getenv("SIM_TELL"))
        fprintf(stderr, "%u proving, %u removed, %u left to a person\n", ends[SLK_STATE_PROVING],
                ends[SLK_STATE_REMOVED], ends[SLK_STATE_SEAL_PRE_COMMIT1_FAILED]);
    assert_true(ends[SLK_STATE_PROVING] > 150);
    assert_true(ends[SLK_STATE_SEAL_PRE_COMMIT1_FAILED] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity),         cmocka_unit_test(test_early),
        cmocka_unit_test(test_pieces),           cmocka_unit_test(test_full),
        cmocka_unit_test(test_passing_failures), cmocka_unit_test(test_hard_failures),
        cmocka_unit_test(test_pc1_gives_up),     cmocka_unit_test(test_bad_proofs),
        cmocka_unit_test(test_old_ticket),       cmocka_unit_test(test_bad_measurements),
        cmocka_unit_test(test_too_late),         cmocka_unit_test(test_reorg),
        cmocka_unit_test(test_node_away),        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_terminate),        cmocka_unit_test(test_removed_while_sealing),
        cmocka_unit_test(test_random),           cmocka_unit_test(test_random_hard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
