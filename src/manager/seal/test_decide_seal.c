/* Decisions from the first piece to PC2: known answers of spec lotus-miner.md 1.2 to 1.6. */

#include "manager/seal/test_decide_simulated.h"

/* --- WaitDeals, AddPiece, Packing ------------------------------------------------------------ */

static void test_wait_deals(void **state)
{
    (void)state;
    open_sector(SLK_STATE_WAIT_DEALS);
    s.pieces.count = 0;
    expect_wait(); /* takes pieces, without a limit of time */
    assert_int_equal(d.until_ms, 0);

    s.pieces.count = 1;
    s.pieces.items[0].piece.size = 512;
    give_deal();
    s.creation_time = sim.now_ms / 1000;
    expect_wait();
    assert_int_equal(d.until_ms, sim.now_ms + sim.config.wait_deals_delay_ms);
    assert_true(why_has("512 of 2048 bytes"));
    /* The deal begins at 50000; 480 epochs before, in 44520 * 4 s, it has to be sealed: that is later. With
     * 5600 it is 120 epochs from now. */
    s.pieces.items[0].deal_info->deal_proposal->start_epoch = 5600;
    expect_wait();
    assert_int_equal(d.until_ms, sim.now_ms + 120 * 4000);
    s.pieces.items[0].deal_info->deal_proposal->start_epoch = 5480;
    expect_event(START_PACKING);
    s.pieces.items[0].deal_info->deal_proposal->start_epoch = 50000;
    sim.now_ms += sim.config.wait_deals_delay_ms;
    expect_event(START_PACKING);
    sim.now_ms -= sim.config.wait_deals_delay_ms;
    expect_wait();
    s.start_packing = true;
    expect_event(START_PACKING);
    s.start_packing = false;
    s.pieces.items[0].piece.size = 2048;
    expect_event(START_PACKING);
    s.pieces.items[0].piece.size = 512;
    s.assigned = s.pieces;
    expect_event(ADD_PIECE);
    assert_int_equal(d.event.pieces.count, 0);
    close_sector();
}

/* The earliest of several deals counts, and an allocation's expiration as well. */
static void test_wait_deals_earliest(void **state)
{
    (void)state;
    open_sector(SLK_STATE_WAIT_DEALS);
    slk_verified_allocation_key_t key = {555, 1};
    slk_piece_activation_manifest_t manifest = {.size = 256, .verified_allocation_key = &key};
    slk_piece_deal_info_t early = {.deal_schedule = {.start_epoch = 5700}},
                          late = {.deal_schedule = {.start_epoch = 9000}};
    slk_sector_piece_t pieces[] = {{.piece = {.size = 256}, .deal_info = &early},
                                   {.piece = {.size = 256}, .deal_info = &late}};
    early.piece_activation_manifest = late.piece_activation_manifest = &manifest;
    s.pieces = (slk_sector_piece_list_t){pieces, 2};
    s.creation_time = sim.now_ms / 1000;
    expect_wait();
    assert_int_equal(d.until_ms, sim.now_ms + 220 * 4000);
    sim.has_allocation = true;
    sim.allocation.expiration = 5500;
    expect_wait();
    assert_int_equal(d.until_ms, sim.now_ms + 20 * 4000);
    close_sector();
}

static void test_add_piece(void **state)
{
    (void)state;
    open_sector(SLK_STATE_ADD_PIECE);
    give_deal();
    slk_sector_piece_t first = s.pieces.items[0], add[2] = {first, first};
    first.piece.size = 128;
    first.deal_info = NULL;
    add[0].piece.size = 256;
    add[0].source = sim_text("/p/a");
    add[0].payload_size = 200;
    add[1].piece.size = 512;
    s.pieces = (slk_sector_piece_list_t){&first, 1};
    s.assigned = (slk_sector_piece_list_t){add, 2};
    sim_job_t *job = take_job("t01000-5/11/AP");
    assert_int_equal(d.job.priority, 1024);
    const json_t *list = json_object_get(job->params, "Add");
    assert_int_equal(json_array_size(json_object_get(job->params, "Existing")), 1);
    static const json_int_t sizes[] = {128, 256, 512};
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(list, i), "Size")),
                         sizes[i]);
    assert_null(json_object_get(json_array_get(list, 0), "Source"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "Source")),
                        "/p/a");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "PayloadSize")),
                     200);

    expect_pending(AP);
    sim_job_done(&sim, job, sim_result(&s, job));
    expect_event(PIECE_ADDED);
    assert_int_equal(d.event.pieces.count, 3);
    assert_null(d.event.pieces.items[0].deal_info);
    assert_non_null(d.event.pieces.items[1].deal_info);
    /* One more was assigned meanwhile: it is not among those written. */
    slk_sector_piece_t more[3] = {add[0], add[1], add[0]};
    s.assigned = (slk_sector_piece_list_t){more, 3};
    more[2].piece.size = 128;
    expect_event(PIECE_ADDED);
    assert_int_equal(d.event.pieces.count, 3);
    /* Another piece than was asked for. */
    json_object_set_new(json_array_get(json_object_get(job->view.result, "Pieces"), 2), "Size",
                        json_integer(64));
    expect_event(ADD_PIECE_FAILED);
    close_sector();
}

static void test_add_piece_fails(void **state)
{
    (void)state;
    open_sector(SLK_STATE_ADD_PIECE);
    slk_sector_piece_t add = s.pieces.items[0];
    s.pieces.count = 0;
    s.assigned = (slk_sector_piece_list_t){&add, 1};
    sim_job_fails(&sim, take_job("t01000-5/11/AP"), SLK_FAILURE_INPUT);
    expect_event(ADD_PIECE_FAILED);
    assert_true(why_has("input"));
    add.piece.size = 4096; /* does not fit */
    expect_event(ADD_PIECE_FAILED);
    s.assigned.count = 0;
    expect_event(PIECE_ADDED);
    assert_int_equal(d.event.pieces.count, 0);
    sim_enter(&sim, &s, SLK_STATE_ADD_PIECE_FAILED);
    cool();
    expect_event(RETRY_WAIT_DEALS);
    close_sector();
}

static void test_packing(void **state)
{
    (void)state;
    slk_node_t zero;
    open_sector(SLK_STATE_PACKING);
    s.pieces.count = 0;
    slk_piece_zero(&zero, 2048);
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &zero);
    expect_event(PACKED);
    assert_int_equal(d.event.pieces.count, 1);
    assert_int_equal(d.event.pieces.items[0].piece.size, 2048);
    assert_true(slk_cid_eq(&d.event.pieces.items[0].piece.piece_cid, &cid));
    assert_int_equal(sim.calls, 0);
    s.pieces.count = 1;
    s.pieces.items[0].piece.size = 512;
    expect_event(PACKED);
    assert_int_equal(d.event.pieces.count, 2); /* 512, 1024 */
    s.pieces.items[0].piece.size = 4096;
    expect_person();
    close_sector();
}

/* --- GetTicket ------------------------------------------------------------------------------- */

static void test_get_ticket(void **state)
{
    (void)state;
    open_sector(SLK_STATE_GET_TICKET);
    expect_event(TICKET);
    assert_int_equal(d.event.epoch, 4100);
    const slk_node_t want = sim_node("ticket", SIM_MINER, 4100, 0);
    assert_memory_equal(&d.event.hash, &want, sizeof want);
    /* A young chain: a negative epoch, never 0, which would be none. */
    sim.net.height = 100;
    expect_event(TICKET);
    assert_int_equal(d.event.epoch, -800);
    sim.net.height = 900;
    expect_event(TICKET);
    assert_int_equal(d.event.epoch, -1);
    sim.net.height = 5000;

    /* Pre-committed: the ticket that is on chain. */
    s.ticket_epoch = 3000;
    sim_pre_committed(&sim, &s, 4000);
    expect_event(TICKET);
    assert_int_equal(d.event.epoch, 3000);
    sim.net.height = 4000 + 86410;
    expect_event(TICKET);
    sim.net.height++;
    expect_event(REMOVE);
    s.commit_message = sim_cid("commit");
    expect_event(COMMIT_FAILED);
    s.commit_message = (slk_cid_t){0};
    sim.sectors[5].pre_committed = false;
    expect_event(REMOVE);
    s.commit_key = sim_text("k");
    expect_event(COMMIT_FAILED);
    sim.away = true;
    expect_wait();
    assert_true(d.trouble);
    close_sector();
}

/* --- PC1 ------------------------------------------------------------------------------------- */

static void test_pc1(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    sim.typical[SLK_TASK_PC1] = 1000000;
    sim.typical[SLK_TASK_PC2] = 500000;
    sim_job_t *job = take_job("t01000-5/11/PC1");
    assert_int_equal(d.job.priority, 0);
    assert_string_equal(json_string_value(json_object_get(job->params, "Ticket")),
                        slk_node_hex(&s.ticket_value).s);
    assert_int_equal(json_array_size(json_object_get(job->params, "Pieces")), 1);
    /* The ticket of 4100 expires at 7880; ten epochs to land, and PC2 before that. */
    assert_int_equal(job->deadline_ms, sim.now_ms + (7870 - 5000) * INT64_C(4000) - 250000);
    assert_int_equal(d.until_epoch, 5020);
    expect_pending(PC1);
    assert_true(why_has("PC1 waits for a worker"));
    assert_int_equal(d.until_epoch, 5020);
    sim_job_runs(&sim, job);
    job->view.done = 1;
    job->view.total = 4;
    sim.now_ms += 400000;
    expect_pending(PC1);
    assert_true(why_has("on worker w1 since 7 min, 25 %; done in about 10 min"));

    sim_job_done(&sim, job, sim_result(&s, job));
    expect_event(PRE_COMMIT1);
    assert_int_equal(d.event.bytes.len, strlen("{\"labels\":1}"));
    json_object_set_new(job->view.result, "CommD", sim_hex(&s.ticket_value));
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    assert_true(why_has("not that of the pieces"));
    json_object_del(job->view.result, "CommD");
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    close_sector();
}

static void test_pc1_ticket(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    s.ticket_epoch = 5000 - 3780;
    sim.typical[SLK_TASK_PC1] = 0;
    /* As old as is allowed, yet no message could land any more. */
    expect_event(OLD_TICKET);
    s.ticket_epoch = 5000 - 3781;
    expect_event(OLD_TICKET);
    assert_true(why_has("3781 epochs old"));
    /* Pre-committed with it: its age does not matter, until that has expired. */
    sim_pre_committed(&sim, &s, 4000);
    expect_job(PC1);
    sim.sectors[5].pre_commit.info.seal_rand_epoch++; /* with another one: that is the sector's */
    expect_event(OLD_TICKET);
    sim.sectors[5].pre_commit.info.seal_rand_epoch--;
    sim.net.height = 4000 + 86411;
    expect_event(OLD_TICKET);
    s.ticket_epoch = 0;
    expect_event(OLD_TICKET);
    close_sector();
}

/* What cannot be done in time is not begun, or stopped: at twice the usual speed even. */
static void test_pc1_in_time(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    s.ticket_epoch = 4000;
    const int64_t left = (7770 - 5000) * INT64_C(4000);
    sim.typical[SLK_TASK_PC2] = 2000;
    sim.typical[SLK_TASK_PC1] = 2 * (left - 1000);
    sim_job_t *job = take_job("t01000-5/11/PC1");
    assert_int_equal(job->deadline_ms, sim.now_ms + left - 1000);
    sim.typical[SLK_TASK_PC1] += 2;
    expect_event(OLD_TICKET);
    assert_true(why_has("its ticket would be too old"));
    /* Running since a while, what is left counts. */
    sim_job_runs(&sim, job);
    job->view.started_ms -= 1;
    expect_pending(PC1);
    job->view.started_ms += 1;
    expect_event(OLD_TICKET);
    /* Longer than the newest ticket is good for: then no new one would help, and it is tried. */
    sim.typical[SLK_TASK_PC1] = 2 * ((3780 - 900 - 10) * INT64_C(4000) - 1000);
    expect_event(OLD_TICKET);
    sim.typical[SLK_TASK_PC1] += 2;
    expect_pending(PC1);
    sim_epochs(&sim, 2770);
    expect_pending(PC1);
    sim_epochs(&sim, 1);
    expect_event(OLD_TICKET);
    close_sector();
}

/* For want of workers the scheduler gives a job up that cannot be in time: PC1 did not fail. */
static void test_pc1_given_up(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    s.ticket_epoch = 4000;
    sim.typical[SLK_TASK_PC1] = 3600000;
    sim_job_t *job = take_job("t01000-5/11/PC1");
    job->view.deadline_ms = job->deadline_ms;
    sim_job_fails(&sim, job, SLK_FAILURE_CANCELLED);
    expect_event(SEAL_PRE_COMMIT1_FAILED); /* by a person, long before */
    job->view.ended_ms = job->deadline_ms - 3600000;
    expect_event(OLD_TICKET);
    assert_true(why_has("given up"));
    s.ticket_epoch = 4081; /* a new ticket would not be much newer: not round and round */
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    s.ticket_epoch = 4000;
    sim_pre_committed(&sim, &s, 4900); /* what is late now are deals: its ticket is used */
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    close_sector();
}

/* A deal that begins before it is proven: 10 epochs of delay and 10 to land, and what the steps take. */
static void test_pc1_deal_in_time(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    give_deal();
    sim.typical[SLK_TASK_PC1] = 2000;
    sim.typical[SLK_TASK_PC2] = 6000;
    s.pieces.items[0].deal_info->deal_proposal->start_epoch = 5020;
    expect_event(DEALS_EXPIRED);
    s.pieces.items[0].deal_info->deal_proposal->start_epoch = 5021;
    expect_job(PC1);
    sim.typical[SLK_TASK_C2] = 2;
    expect_event(DEALS_EXPIRED);
    assert_true(why_has("before it is proven"));
    close_sector();
}

static void test_pc1_pieces(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT1);
    give_deal();
    expect_job(PC1);
    assert_int_equal(d.job.priority, 1024);
    slk_deal_proposal_t good = sim.deal.proposal;
    sim.deal.proposal.provider = slk_address_id(1001);
    expect_event(INVALID_DEAL_IDS);
    assert_int_equal(d.event.state, SLK_STATE_PRE_COMMIT1);
    sim.deal.proposal = good;
    sim.deal.proposal.piece_size = 1024;
    expect_event(INVALID_DEAL_IDS);
    sim.deal.proposal = good;
    sim.deal.proposal.piece_cid = sim_cid("another");
    expect_event(INVALID_DEAL_IDS);
    sim.deal.proposal = good;
    sim.has_deal = false;
    expect_event(INVALID_DEAL_IDS);
    sim.has_deal = true;
    sim.deal.proposal.start_epoch = 5000;
    expect_event(DEALS_EXPIRED);
    sim.deal.proposal.start_epoch = 50000;
    sim.away = true;
    expect_wait();
    assert_true(d.trouble);
    sim.away = false;

    /* Data with a manifest. */
    slk_verified_allocation_key_t key = {555, 1};
    slk_piece_activation_manifest_t manifest = {.size = 2048, .verified_allocation_key = &key};
    slk_piece_deal_info_t info = {.piece_activation_manifest = &manifest};
    s.pieces.items[0].deal_info = &info;
    expect_job(PC1); /* an allocation that is not there is looked at later */
    sim.has_allocation = true;
    sim.allocation = (slk_allocation_t){.provider = SIM_MINER, .size = 2048, .expiration = 50000};
    expect_job(PC1);
    sim.allocation.provider++;
    expect_event(INVALID_DEAL_IDS);
    sim.allocation.provider--;
    sim.allocation.size = 1024;
    expect_event(INVALID_DEAL_IDS);
    sim.allocation.size = 2048;
    sim.allocation.expiration = 5000;
    expect_event(DEALS_EXPIRED);

    /* A filler that is none, pieces that are too few: nothing that a machine could mend. */
    s.pieces.items[0].deal_info = NULL;
    expect_job(PC1);
    const slk_cid_t zeros = s.pieces.items[0].piece.piece_cid;
    s.pieces.items[0].piece.piece_cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &s.ticket_value);
    expect_person();
    s.pieces.items[0].piece.piece_cid = zeros;
    s.pieces.count = 0;
    expect_person();
    close_sector();
}

/* --- Tries ------------------------------------------------------------------------------------ */

static void test_tries(void **state)
{
    (void)state;
    static const slk_failure_t passing[] = {SLK_FAILURE_TEMPORARY, SLK_FAILURE_NO_SPACE,
                                            SLK_FAILURE_RESTARTED, SLK_FAILURE_LOST};
    open_sector(SLK_STATE_PRE_COMMIT2);
    for (unsigned i = 0; i < 60; i++) {
        char key[64];
        snprintf(key, sizeof key, i ? "t01000-5/11/PC2.%u" : "t01000-5/11/PC2", i + 1);
        sim_job_t *job = take_job(key);
        const int64_t pause = i ? 5000 << (i - 1 < 6 ? i - 1 : 6) : 0;
        assert_int_equal(job->not_before_ms,
                         i ? sim.now_ms + (pause < 300000 ? pause : 300000) : 0);
        sim_job_fails(&sim, job, passing[i % 4]);
    }
    sim_job_t *job = take_job("t01000-5/11/PC2.61");
    assert_true(why_has("(61), not before"));
    job->view.state = SLK_JOB_DROPPED;
    take_job("t01000-5/11/PC2.62");
    assert_int_equal(d.job.not_before_ms, 0);
    close_sector();
}

/* --- PC2 and failures ---------------------------------------------------------------------------- */

static void test_pc2(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT2);
    const slk_cid_t want = s.comm_r;
    sim_job_t *job = take_job("t01000-5/11/PC2");
    sim_job_done(&sim, job, sim_result(&s, job));
    expect_event(PRE_COMMIT2);
    assert_true(slk_cid_eq(&d.event.comm_r, &want));
    assert_true(slk_cid_eq(&d.event.comm_d, &s.comm_d));
    json_object_set_new(job->view.result, "CommD", sim_hex(&s.ticket_value));
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    json_object_set_new(job->view.result, "CommR", json_string("12"));
    expect_event(SEAL_PRE_COMMIT2_FAILED);
    sim_job_fails(&sim, job, SLK_FAILURE_PERMANENT);
    expect_event(SEAL_PRE_COMMIT2_FAILED);
    sim_job_fails(&sim, job, SLK_FAILURE_INPUT);
    expect_event(SEAL_PRE_COMMIT2_FAILED);
    /* The ticket gets too old while it is computed. */
    job->view.state = SLK_JOB_RUNNING;
    job->view.started_ms = sim.now_ms;
    expect_pending(PC2);
    sim_epochs(&sim, 2900);
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    close_sector();
}

static void test_pc1_failed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_SEAL_PRE_COMMIT1_FAILED);
    s.last_err = sim_text("the disk broke");
    s.pre_commit1_fails = 3;
    cool();
    assert_true(why_has("the disk broke"));
    expect_event(RETRY_SEAL_PRE_COMMIT1);
    s.pre_commit1_fails = 4;
    expect_person(); /* nothing is thrown away by a machine */
    assert_true(why_has("update-state --really-do-it 5 PreCommit1"));
    assert_true(why_has("remove --really-do-it 5"));
    assert_true(why_has("the disk broke"));
    assert_false(why_has("deposit"));
    sim_pre_committed(&sim, &s, 4900);
    expect_person();
    assert_true(why_has("deposit"));
    close_sector();
}

static void test_pc2_failed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT2);
    sim_job_t *job = take_job("t01000-5/11/PC2");
    sim_job_fails(&sim, job, SLK_FAILURE_PERMANENT);
    sim_enter(&sim, &s, SLK_STATE_SEAL_PRE_COMMIT2_FAILED);
    s.pre_commit2_fails = 3;
    cool();
    expect_event(RETRY_SEAL_PRE_COMMIT2);
    s.pre_commit2_fails = 4;
    expect_event(RETRY_SEAL_PRE_COMMIT1);
    s.pre_commit2_fails = 1;
    job->view.failure = SLK_FAILURE_INPUT; /* what PC1 left is damaged */
    expect_event(RETRY_SEAL_PRE_COMMIT1);
    close_sector();
}

/* --- Trouble and errors -------------------------------------------------------------------------- */

static void test_pauses(void **state)
{
    (void)state;
    open_sector(SLK_STATE_GET_TICKET);
    sim.away = true;
    int64_t last = 0;
    for (sim.troubles = 0; sim.troubles < 40; sim.troubles++) {
        expect_wait();
        assert_true(d.trouble);
        const int64_t pause = d.until_ms - sim.now_ms;
        assert_true(pause >= last && pause <= 300000);
        last = pause;
    }
    assert_int_equal(last, 300000);
    assert_true(why_has("node A does not answer"));
    close_sector();
}

static void test_broken(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_decision_t decision;
    open_sector(SLK_STATE_PRE_COMMIT1);
    sim.broken = true;
    const slk_world_t world = sim_world(&sim);
    assert_err(SLK_ERR_IO, slk_decide(&world, &s, &decision_arena, &decision, &diag));
    assert_string_equal(diag.text, "the database is gone");
    sim.broken = false;
    /* An arena that is full is an error, not a decision. */
    slk_arena_t small;
    slk_arena_init(&small, 8);
    const slk_err_t err = slk_decide(&world, &s, &small, &decision, &diag);
    assert_int_equal(err, SLK_ERR_NOMEM);
    slk_arena_free(&small);
    s.sector_type = 77;
    expect_person();
    close_sector();
}

/* Every state gives a decision with a sentence, also where nothing is there and where nothing answers. */
static void test_every_state(void **state)
{
    (void)state;
    for (int away = 0; away < 2; away++) {
        for (slk_sector_state_t at = 0; at < SLK_STATE_CNT; at++) {
            open_sector(at);
            sim.away = away;
            ask_next();
            if (d.kind == SLK_DECIDE_EVENT) {
                slk_sector_state_t to;
                if (!slk_sector_edge(at, d.event.type, &to))
                    fail_msg("%s does not take %s", slk_sector_state_name(at),
                             slk_event_name(d.event.type));
            }
            assert_true(away ? !d.until_epoch || !d.trouble : !d.trouble);
            close_sector();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_deals),
        cmocka_unit_test(test_wait_deals_earliest),
        cmocka_unit_test(test_add_piece),
        cmocka_unit_test(test_add_piece_fails),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_get_ticket),
        cmocka_unit_test(test_pc1),
        cmocka_unit_test(test_pc1_ticket),
        cmocka_unit_test(test_pc1_in_time),
        cmocka_unit_test(test_pc1_given_up),
        cmocka_unit_test(test_pc1_deal_in_time),
        cmocka_unit_test(test_pc1_pieces),
        cmocka_unit_test(test_tries),
        cmocka_unit_test(test_pc2),
        cmocka_unit_test(test_pc1_failed),
        cmocka_unit_test(test_pc2_failed),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
