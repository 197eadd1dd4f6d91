/* Decisions from the pre-commit to the sector on chain: known answers of spec lotus-miner.md 1.2, 1.6. */

#include "manager/seal/test_decide_simulated.h"

/* A message of the record: the key "k", in this state. */
static slk_message_row_t *give_message(slk_bytes_t *key, slk_message_state_t state)
{
    *key = sim_text("k");
    sim.message_cnt = 0;
    return &sim_add_message(&sim, "k", state)->row;
}

/* What other programs sent is known by its CID alone. */
static void give_lookup(slk_cid_t *cid, int64_t height, int64_t exit_code)
{
    static slk_cid_t block;
    block = sim_cid("block");
    *cid = sim_cid("sent by another program");
    sim.has_lookup = true;
    sim.lookup = (slk_msg_lookup_t){.message = *cid,
                                    .receipt = {.exit_code = exit_code},
                                    .tipset = {{&block, 1}},
                                    .height = height};
}

/* --- SubmitPreCommitBatch --------------------------------------------------------------------- */

static void test_pre_committing(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMITTING);
    expect_event(PRE_COMMIT_BATCH);
    close_sector();
}

static void test_submit_pre_commit(void **state)
{
    (void)state;
    open_sector(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH);
    expect_batch(PRE_COMMIT);
    assert_int_equal(d.batch_cutoff, 4100 + 3780);
    assert_int_equal(d.until_epoch, 5020);
    assert_true(why_has("by epoch 7880"));
    give_deal();
    sim.deal.proposal.start_epoch = s.pieces.items[0].deal_info->deal_proposal->start_epoch = 6000;
    expect_batch(PRE_COMMIT);
    assert_int_equal(d.batch_cutoff, 6000);
    sim.deal.proposal.start_epoch = 5000;
    expect_event(DEALS_EXPIRED);
    sim.has_deal = false;
    expect_event(INVALID_DEAL_IDS);
    assert_int_equal(d.event.state, SLK_STATE_PRE_COMMITTING);
    s.pieces.items[0].deal_info = NULL;

    s.ticket_epoch = 5000 - 3780;
    expect_batch(PRE_COMMIT);
    s.ticket_epoch--;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    s.ticket_epoch = 4100;
    const slk_cid_t comm_d = s.comm_d;
    s.comm_d = s.comm_r;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    s.comm_d = comm_d;
    sim.sectors[5].allocated = true;
    expect_person();
    sim_pre_committed(&sim, &s, 4900);
    expect_event(PRE_COMMIT_LANDED);
    s.ticket_epoch = 4101;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    close_sector();
}

/* An earlier message that still may land is the message. */
static void test_submit_pre_commit_again(void **state)
{
    (void)state;
    static const slk_message_state_t going[] = {SLK_MESSAGE_QUEUED, SLK_MESSAGE_SIGNED,
                                                SLK_MESSAGE_HANDING, SLK_MESSAGE_PENDING,
                                                SLK_MESSAGE_LANDED};
    open_sector(SLK_STATE_SUBMIT_PRE_COMMIT_BATCH);
    s.pre_commit_deposit = slk_bigint_u64(77);
    for (size_t i = 0; i < SLK_COUNT(going); i++) {
        give_message(&s.pre_commit_key, going[i]);
        expect_event(PRE_COMMIT_BATCH_SENT);
        assert_string_equal(d.event.key, "k");
        assert_int_equal(slk_bigint_cmp(&d.event.amount, &s.pre_commit_deposit), 0);
    }
    give_message(&s.pre_commit_key, SLK_MESSAGE_REFUSED);
    expect_batch(PRE_COMMIT);
    give_message(&s.pre_commit_key, SLK_MESSAGE_FAILED)->exit_code = 7;
    expect_batch(PRE_COMMIT);
    close_sector();
}

/* --- PreCommitBatchWait ------------------------------------------------------------------------ */

static void test_pre_commit_wait(void **state)
{
    (void)state;
    static const slk_sector_state_t states[] = {SLK_STATE_PRE_COMMIT_WAIT,
                                                SLK_STATE_PRE_COMMIT_BATCH_WAIT};
    for (size_t i = 0; i < 2; i++) {
        open_sector(states[i]);
        expect_event(CHAIN_PRE_COMMIT_FAILED); /* no message is known */
        give_message(&s.pre_commit_key, SLK_MESSAGE_PENDING);
        expect_wait();
        assert_true(why_has("the message is Pending: in a node's message pool"));
        give_message(&s.pre_commit_key, SLK_MESSAGE_LANDED);
        expect_wait();
        assert_true(why_has("landed at epoch 4990") && why_has("sure at epoch 4995"));
        give_message(&s.pre_commit_key, SLK_MESSAGE_DONE);
        expect_event(CHAIN_PRE_COMMIT_FAILED); /* and yet it is not there */
        sim_pre_committed(&sim, &s, 4900);
        expect_event(PRE_COMMIT_LANDED);
        assert_int_equal(d.event.bytes.len, 3);
        assert_memory_equal(d.event.bytes.b, "abc", 3);
        const slk_cid_t landed = sim_cid("k");
        assert_true(slk_cid_eq(&d.event.cid, &landed));
        static const struct {
            int64_t exit;
            slk_event_type_t event;
        } exits[] = {{6, SLK_EVENT_RETRY_PRE_COMMIT},
                     {7, SLK_EVENT_RETRY_PRE_COMMIT},
                     {16, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED},
                     {18, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED},
                     {19, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED}};
        for (size_t e = 0; e < SLK_COUNT(exits); e++) {
            give_message(&s.pre_commit_key, SLK_MESSAGE_FAILED)->exit_code = exits[e].exit;
            expect_event_at(exits[e].event, __LINE__);
        }
        give_message(&s.pre_commit_key, SLK_MESSAGE_REPLACED);
        expect_event(CHAIN_PRE_COMMIT_FAILED);
        give_message(&s.pre_commit_key, SLK_MESSAGE_REFUSED);
        expect_event(CHAIN_PRE_COMMIT_FAILED);
        close_sector();
    }
}

static void test_pre_commit_wait_by_cid(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT_WAIT);
    sim_pre_committed(&sim, &s, 4900);
    give_lookup(&s.pre_commit_message, 4996, 0);
    expect_wait();
    assert_int_equal(d.until_epoch, 5001);
    sim.lookup.height = 4995;
    expect_event(PRE_COMMIT_LANDED);
    assert_true(d.event.bytes.len > 30);
    sim.lookup.receipt.exit_code = 7;
    expect_event(RETRY_PRE_COMMIT);
    sim.has_lookup = false;
    expect_wait();
    assert_int_equal(d.until_epoch, 5001);
    assert_false(d.trouble);
    close_sector();
}

/* --- WaitSeed ---------------------------------------------------------------------------------- */

static void test_wait_seed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_WAIT_SEED);
    expect_event(CHAIN_PRE_COMMIT_FAILED);
    sim_pre_committed(&sim, &s, 4985);
    expect_wait();
    assert_int_equal(d.until_epoch, 4985 + 10 + 6);
    assert_true(why_has("of epoch 4995, drawn at 5001, in about 4 s"));
    sim_epochs(&sim, 1);
    expect_event(SEED_READY);
    assert_int_equal(d.event.epoch, 4995);
    const slk_node_t want = sim_node("seed", SIM_MINER, 4995, 0);
    assert_memory_equal(&d.event.hash, &want, sizeof want);
    sim.fork = 1;
    expect_event(SEED_READY);
    assert_memory_not_equal(&d.event.hash, &want, sizeof want);
    close_sector();
}

/* --- PreCommitFailed ---------------------------------------------------------------------------- */

static void test_pre_commit_failed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_PRE_COMMIT_FAILED);
    cool();
    expect_event(RETRY_PRE_COMMIT);
    give_message(&s.pre_commit_key, SLK_MESSAGE_PENDING);
    expect_event(RETRY_PRE_COMMIT_WAIT);
    give_message(&s.pre_commit_key, SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_event(RETRY_PRE_COMMIT);

    sim_pre_committed(&sim, &s, 4900);
    sim_enter(&sim, &s, SLK_STATE_PRE_COMMIT_FAILED);
    cool();
    expect_event(RETRY_WAIT_SEED);
    sim.sectors[5].pre_commit.info.sealed_cid = s.comm_d;
    expect_person();
    s.pre_commit_key.len = 0;
    expect_event(PRE_COMMIT_LANDED);
    sim.sectors[5].pre_committed = false;
    expect_person(); /* the number is used up */
    sim.sectors[5].allocated = false;
    give_lookup(&s.pre_commit_message, 4900, 0);
    sim.has_lookup = false;
    expect_event(RETRY_PRE_COMMIT_WAIT);
    s.pre_commit_message = (slk_cid_t){0};

    s.ticket_epoch = 1;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    s.ticket_epoch = 4100;
    give_deal();
    sim.has_deal = false;
    expect_event(INVALID_DEAL_IDS);
    assert_int_equal(d.event.state, SLK_STATE_PRE_COMMIT_FAILED);
    sim.has_deal = true;
    sim.deal.proposal.start_epoch = 4000;
    expect_event(DEALS_EXPIRED);
    close_sector();
}

/* --- Committing ---------------------------------------------------------------------------------- */

static void open_committing(void)
{
    open_sector(SLK_STATE_COMMITTING);
    sim_pre_committed(&sim, &s, 4900);
    sim_prove(&sim, &s);
    s.proof = (slk_bytes_t){0};
}

static void test_committing(void **state)
{
    (void)state;
    open_committing();
    sim_job_t *c1 = take_job("t01000-5/11/C1");
    assert_int_equal(json_object_size(c1->params), 4);
    assert_string_equal(json_string_value(json_object_get(c1->params, "Seed")),
                        slk_node_hex(&s.seed_value).s);
    /* By 4900 + 86410, ten epochs before. */
    assert_int_equal(c1->deadline_ms, sim.now_ms + (4900 + 86410 - 10 - 5000) * INT64_C(4000));
    expect_pending(C1);
    assert_int_equal(d.until_epoch, 5020);
    sim_job_done(&sim, c1, json_object());
    sim_job_t *c2 = take_job("t01000-5/11/C2");
    assert_int_equal(json_integer_value(json_object_get(c2->params, "C1")), c1->view.id);
    expect_pending(C2);
    sim.net.height = 4925; /* not long after the seed: each head is looked at */
    expect_pending(C2);
    assert_int_equal(d.until_epoch, 4926);
    sim.net.height = 5000;
    sim_job_done(&sim, c2, sim_result(&s, c2));
    expect_event(COMMITTED);
    assert_int_equal(d.event.bytes.len, SIM_PROOF_SZ);
    sim.config.finalize_early = true;
    expect_event(PROOF_READY);

    /* A proof that does not hold, one of another length, none. */
    sim.no_vk = SLK_LOOK_TROUBLE;
    expect_wait();
    assert_true(d.trouble && why_has("no verifying key"));
    sim.no_vk = SLK_LOOK_FOUND;
    json_object_set_new(c2->view.result, "Proof", json_string("AAAA"));
    expect_event(COMPUTE_PROOF_FAILED);
    char zeros[SLK_BASE64_LEN(SIM_PROOF_SZ) + 1];
    slk_base64_encode(zeros, (const uint8_t[SIM_PROOF_SZ]){0}, SIM_PROOF_SZ);
    json_object_set_new(c2->view.result, "Proof", json_string(zeros));
    expect_event(COMMIT_FAILED);
    assert_true(why_has("does not hold, it is not sent"));
    json_object_del(c2->view.result, "Proof");
    expect_event(COMPUTE_PROOF_FAILED);
    static const slk_failure_t hard[] = {SLK_FAILURE_INPUT, SLK_FAILURE_PERMANENT,
                                         SLK_FAILURE_CANCELLED};
    for (size_t i = 0; i < SLK_COUNT(hard); i++) {
        sim_job_fails(&sim, c2, hard[i]);
        expect_event(COMPUTE_PROOF_FAILED);
        sim_job_fails(&sim, c1, hard[i]);
        expect_event(COMPUTE_PROOF_FAILED);
        c1->view.state = SLK_JOB_DONE;
    }
    close_sector();
}

static void test_committing_reorg(void **state)
{
    (void)state;
    open_committing();
    expect_job(C1);
    sim.fork = 1;
    expect_event(SEED_READY);
    assert_int_equal(d.event.epoch, 4910);
    sim.fork = 0;
    sim.net.height = 4909; /* the chain went back: nothing is known of the seed for a while */
    expect_wait();
    assert_int_equal(d.until_epoch, 4911);
    assert_false(d.trouble);
    sim.net.height = 5000;
    /* The pre-commit landed again, at another epoch. */
    sim.sectors[5].pre_commit.pre_commit_epoch = 4950;
    expect_event(SEED_READY);
    assert_int_equal(d.event.epoch, 4960);
    sim.sectors[5].pre_commit.pre_commit_epoch = 4990; /* its seed is not there yet */
    expect_event(COMMIT_FAILED);
    sim.sectors[5].pre_committed = false;
    expect_event(COMMIT_FAILED);
    sim.away = true;
    expect_wait();
    assert_true(d.trouble);
    close_sector();
}

static void test_committing_sent(void **state)
{
    (void)state;
    open_committing();
    give_message(&s.commit_key, SLK_MESSAGE_PENDING);
    expect_event(RETRY_COMMIT_WAIT);
    give_message(&s.commit_key, SLK_MESSAGE_DONE);
    expect_job(C1); /* the message did, this sector did not */
    sim.sectors[5].proven = true;
    expect_event(RETRY_COMMIT_WAIT);
    give_message(&s.commit_key, SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_job(C1);
    close_sector();
}

static void test_committing_in_time(void **state)
{
    (void)state;
    open_committing();
    sim.typical[SLK_TASK_C1] = 8000;
    sim.typical[SLK_TASK_C2] = 80000;
    sim_epochs(&sim, 4900 + 86410 - 10 - 11 - 5000);
    expect_job(C1);
    sim_epochs(&sim, 1);
    expect_event(COMMIT_FAILED);
    assert_true(why_has("has to be proven on chain by epoch 91310"));
    /* It is not begun again, and given up when the epoch has passed. */
    sim_enter(&sim, &s, SLK_STATE_COMMIT_FAILED);
    sim.now_ms += sim.config.retry_cooldown_ms;
    expect_wait();
    assert_int_equal(d.until_epoch, 91311);
    sim_epochs(&sim, 91311 - sim.net.height);
    expect_event(TICKET_EXPIRED);
    close_sector();
}

/* A piece without a deal was promised to begin earlier: the chain takes it late too, and a deposit is there. */
static void test_committing_behind_schedule(void **state)
{
    slk_piece_activation_manifest_t manifest = {0};
    slk_piece_deal_info_t info = {.piece_activation_manifest = &manifest,
                                  .deal_schedule = {4990, 700000}};
    (void)state;
    open_committing();
    s.pieces.items[0].deal_info = &info;
    manifest.cid = s.pieces.items[0].piece.piece_cid;
    manifest.size = s.pieces.items[0].piece.size;
    sim.typical[SLK_TASK_C1] = 8000;
    sim.typical[SLK_TASK_C2] = 80000;
    expect_job(C1);
    assert_int_equal(d.job.deadline_ms,
                     sim.now_ms + (4900 + 86410 - 10 - 5000) * INT64_C(4000) - 40000);
    /* Also where it failed because of something else. */
    sim_enter(&sim, &s, SLK_STATE_COMMIT_FAILED);
    cool();
    expect_event(RETRY_INVALID_PROOF);
    close_sector();
}

/* --- SubmitCommitAggregate ------------------------------------------------------------------------ */

static void test_submit_commit(void **state)
{
    (void)state;
    open_sector(SLK_STATE_SUBMIT_COMMIT);
    expect_event(SUBMIT_COMMIT_AGGREGATE);
    sim_enter(&sim, &s, SLK_STATE_SUBMIT_COMMIT_AGGREGATE);
    expect_event(COMMIT_FAILED); /* no pre-commit */
    sim_pre_committed(&sim, &s, 4900);
    sim_prove(&sim, &s);
    expect_batch(COMMIT);
    assert_int_equal(d.batch_cutoff, 4900 + 86410);
    assert_int_equal(d.until_epoch, 5020);
    give_deal();
    expect_batch(COMMIT);
    assert_int_equal(d.batch_cutoff, 50000);
    s.pieces.items[0].deal_info = NULL;
    sim.fork = 1;
    expect_event(COMMIT_FAILED);
    sim.fork = 0;
    const slk_bytes_t proof = s.proof;
    s.proof = (slk_bytes_t){0};
    expect_event(COMMIT_FAILED);
    s.proof = proof;
    sim.net.height = 4900 + 86411;
    expect_event(COMMIT_FAILED);
    sim.net.height = 5000;
    give_message(&s.commit_key, SLK_MESSAGE_PENDING);
    expect_event(COMMIT_AGGREGATE_SENT);
    assert_string_equal(d.event.key, "k");
    give_message(&s.commit_key, SLK_MESSAGE_DONE);
    expect_batch(COMMIT);
    sim.sectors[5].proven = true;
    expect_event(COMMIT_AGGREGATE_SENT);
    close_sector();
}

/* --- CommitAggregateWait --------------------------------------------------------------------------- */

static void test_commit_wait(void **state)
{
    (void)state;
    open_sector(SLK_STATE_COMMIT_AGGREGATE_WAIT);
    expect_event(COMMIT_FAILED);
    give_message(&s.commit_key, SLK_MESSAGE_PENDING);
    expect_wait();
    give_message(&s.commit_key, SLK_MESSAGE_DONE);
    expect_event(COMMIT_FAILED);
    sim.sectors[5].proven = true;
    expect_event(PROVING);
    assert_true(slk_cid_defined(&d.event.cid));
    give_message(&s.commit_key, SLK_MESSAGE_FAILED)->exit_code = 7;
    expect_event(RETRY_SUBMIT_COMMIT);
    give_message(&s.commit_key, SLK_MESSAGE_FAILED)->exit_code = 6;
    expect_event(RETRY_SUBMIT_COMMIT);
    give_message(&s.commit_key, SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_event(COMMIT_FAILED);
    give_message(&s.commit_key, SLK_MESSAGE_REFUSED);
    cool();
    expect_event(RETRY_SUBMIT_COMMIT);
    give_message(&s.commit_key, SLK_MESSAGE_REPLACED);
    expect_event(RETRY_SUBMIT_COMMIT);
    close_sector();
}

/* --- Failures ---------------------------------------------------------------------------------------- */

static void test_compute_failed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_COMPUTE_PROOF_FAILED);
    s.invalid_proofs = 1;
    cool();
    expect_event(RETRY_COMPUTE_PROOF);
    s.invalid_proofs = 2;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    sim_enter(&sim, &s, SLK_STATE_REMOTE_COMMIT_FAILED);
    cool();
    expect_event(RETRY_COMPUTE_PROOF);
    close_sector();
}

static void test_commit_failed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_COMMIT_FAILED);
    expect_event(RETRY_PRE_COMMIT); /* no pre-commit, and the number is free */
    sim.sectors[5].allocated = true;
    expect_event(TICKET_EXPIRED);
    sim_pre_committed(&sim, &s, 4900);
    expect_event(RETRY_WAIT_SEED); /* no seed */
    sim_prove(&sim, &s);
    sim.fork = 1;
    expect_event(RETRY_WAIT_SEED);
    sim.fork = 0;
    cool();
    expect_event(RETRY_SUBMIT_COMMIT);
    give_message(&s.commit_key, SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_event(RETRY_SUBMIT_COMMIT);
    s.proof.len--;
    expect_event(RETRY_INVALID_PROOF);
    s.invalid_proofs = 1;
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    give_message(&s.commit_key, SLK_MESSAGE_LANDED);
    expect_event(RETRY_COMMIT_WAIT);
    give_message(&s.commit_key, SLK_MESSAGE_DONE);
    expect_event(SEAL_PRE_COMMIT1_FAILED);
    sim.sectors[5].proven = true;
    expect_event(RETRY_COMMIT_WAIT);
    s.commit_key.len = 0;
    give_deal();
    sim.has_deal = false;
    expect_event(INVALID_DEAL_IDS);
    assert_int_equal(d.event.state, SLK_STATE_COMMIT_FAILED);
    sim.has_deal = true;
    sim.deal.proposal.start_epoch = 1;
    expect_event(DEALS_EXPIRED);
    sim.net.height = 4900 + 86411;
    expect_event(TICKET_EXPIRED);
    close_sector();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pre_committing),
        cmocka_unit_test(test_submit_pre_commit),
        cmocka_unit_test(test_submit_pre_commit_again),
        cmocka_unit_test(test_pre_commit_wait),
        cmocka_unit_test(test_pre_commit_wait_by_cid),
        cmocka_unit_test(test_wait_seed),
        cmocka_unit_test(test_pre_commit_failed),
        cmocka_unit_test(test_committing),
        cmocka_unit_test(test_committing_reorg),
        cmocka_unit_test(test_committing_sent),
        cmocka_unit_test(test_committing_in_time),
        cmocka_unit_test(test_committing_behind_schedule),
        cmocka_unit_test(test_submit_commit),
        cmocka_unit_test(test_commit_wait),
        cmocka_unit_test(test_compute_failed),
        cmocka_unit_test(test_commit_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
