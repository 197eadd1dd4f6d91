/* Decisions about files, terminations and what has gone wrong for good: spec lotus-miner.md 1.2, 3.7, 3.8. */

#include "manager/seal/test_decide_simulated.h"

static slk_message_row_t *give_message(slk_message_state_t state)
{
    s.terminate_key = sim_text("k");
    sim.message_cnt = 0;
    return &sim_add_message(&sim, "k", state)->row;
}

/* --- Finalization ---------------------------------------------------------------------------- */

static void hold_sealing(void)
{
    sim_hold(&sim, 5, SLK_FT_SEALED, "seal", "w1", false);
    sim_hold(&sim, 5, SLK_FT_CACHE, "seal", "w1", false);
}

static void settle_files(void)
{
    for (size_t i = 0; i < sim.holder_cnt; i++)
        sim.holders[i].at =
            (slk_holder_t){.id = "store", .can_store = true, .can_final = true, .primary = true};
}

static void test_finalize(void **state)
{
    (void)state;
    open_sector(SLK_STATE_FINALIZE_SECTOR);
    expect_event(FINALIZE_FAILED); /* nobody has its files */
    hold_sealing();
    sim_job_t *fin = take_job("t01000-5/11/FIN");
    assert_true(json_is_false(json_object_get(fin->params, "KeepUnsealed")));
    sim_job_done(&sim, fin, json_object());
    sim_job_t *get = take_job("t01000-5/11/GET");
    expect_pending(GET);
    sim_job_done(&sim, get, json_object());
    expect_event(FINALIZE_FAILED); /* it says it moved them, and they are where they were */
    settle_files();
    expect_event(FINALIZED);
    sim.config.make_cc_sectors_available = true;
    expect_event(FINALIZED_AVAILABLE);
    give_deal();
    expect_event(FINALIZED);
    /* Finalized early: all is in its place, and no job is wanted. */
    s.visit++;
    expect_job(FIN);
    s.finalized = true;
    expect_event(FINALIZED);
    close_sector();
}

static void test_finalize_failures(void **state)
{
    (void)state;
    static const slk_sector_state_t states[][2] = {
        {SLK_STATE_FINALIZE_SECTOR, SLK_STATE_FINALIZE_FAILED},
        {SLK_STATE_COMMIT_FINALIZE, SLK_STATE_COMMIT_FINALIZE_FAILED}};
    for (size_t i = 0; i < 2; i++) {
        open_sector(states[i][0]);
        hold_sealing();
        sim_job_t *job = take_job("t01000-5/11/FIN");
        sim_job_fails(&sim, job, SLK_FAILURE_PERMANENT);
        expect_event(FINALIZE_FAILED);
        sim_job_fails(&sim, job, SLK_FAILURE_NO_SPACE);
        expect_job(FIN);
        sim_enter(&sim, &s, states[i][1]);
        cool();
        expect_event(RETRY_FINALIZE);
        close_sector();
    }
}

static void test_unsealed(void **state)
{
    (void)state;
    open_sector(SLK_STATE_FINALIZE_SECTOR);
    give_deal();
    hold_sealing();
    sim_job_t *fin = take_job("t01000-5/11/FIN");
    assert_true(json_is_false(json_object_get(fin->params, "KeepUnsealed")));
    slk_piece_deal_info_t *info = s.pieces.items[0].deal_info;
    info->keep_unsealed = true;
    s.visit++;
    fin = take_job("t01000-5/12/FIN");
    assert_true(json_is_true(json_object_get(fin->params, "KeepUnsealed")));
    info->keep_unsealed = false;
    sim.config.always_keep_unsealed_copy = true;
    s.visit++;
    fin = take_job("t01000-5/13/FIN");
    assert_true(json_is_true(json_object_get(fin->params, "KeepUnsealed")));
    close_sector();
}

/* Copies elsewhere go when the sector is in its place; one beside the good copy stays. */
static void test_copies(void **state)
{
    (void)state;
    open_sector(SLK_STATE_FINALIZE_SECTOR);
    s.finalized = true;
    sim_hold(&sim, 5, SLK_FT_SEALED, "store", "w2", true);
    sim_hold(&sim, 5, SLK_FT_CACHE, "store", "w2", true);
    sim_hold(&sim, 5, SLK_FT_SEALED, "seal", "w1", false);
    sim_hold(&sim, 5, SLK_FT_CACHE, "seal2", "w2", false);
    sim_hold(&sim, 5, SLK_FT_UNSEALED, "seal", "w1", false);
    expect_job(RM);
    assert_string_equal(d.job.only_worker, "w1");
    json_t *types = json_object_get(d.job.params, "Types");
    assert_int_equal(json_array_size(types), 2);
    assert_string_equal(json_string_value(json_array_get(types, 0)), "unsealed");
    assert_string_equal(json_string_value(json_array_get(types, 1)), "sealed");
    sim_job_done(&sim, sim_add_job(&sim, &d.job), json_object());
    /* The copy beside the good one goes by the name of its path. */
    expect_job(RM);
    assert_string_equal(d.job.only_worker, "w2");
    assert_int_equal(json_array_size(json_object_get(d.job.params, "Types")), 0);
    json_t *file = json_array_get(json_object_get(d.job.params, "Files"), 0);
    assert_string_equal(json_string_value(json_object_get(file, "Type")), "cache");
    assert_string_equal(json_string_value(json_object_get(file, "Store")), "seal2");
    sim_job_done(&sim, sim_add_job(&sim, &d.job), json_object());
    expect_event(FINALIZED);
    close_sector();
}

/* --- Removing ---------------------------------------------------------------------------------- */

static void test_removing(void **state)
{
    (void)state;
    open_sector(SLK_STATE_REMOVING);
    expect_event(REMOVED);
    sim_hold(&sim, 5, SLK_FT_SEALED, "a", "w1", false);
    sim_hold(&sim, 5, SLK_FT_CACHE, "a", "w1", false);
    sim_hold(&sim, 5, SLK_FT_CACHE, "b", "w2", true);
    sim_hold(&sim, 5, SLK_FT_UPDATE, "b", "w2", true);
    static const struct {
        const char *worker, *types[2];
    } want[] = {{"w1", {"sealed", "cache"}}, {"w2", {"cache", "update"}}};
    for (size_t i = 0; i < 2; i++) {
        expect_job(RM);
        assert_string_equal(d.job.only_worker, want[i].worker);
        json_t *types = json_object_get(d.job.params, "Types");
        assert_int_equal(json_array_size(types), 2);
        for (size_t n = 0; n < 2; n++)
            assert_string_equal(json_string_value(json_array_get(types, n)), want[i].types[n]);
        sim_job_t *job = sim_add_job(&sim, &d.job);
        expect_pending(RM);
        assert_true(d.until_ms > sim.now_ms); /* the worker may never come back */
        sim_job_done(&sim, job, json_object());
    }
    expect_event(REMOVE_FAILED); /* they are still there */
    sim.holder_cnt = 0;
    expect_event(REMOVED);
    sim.busy = "w3"; /* whatever it leaves of a job that was taken from it */
    expect_job(RM);
    assert_string_equal(d.job.only_worker, "w3");
    assert_int_equal(json_array_size(json_object_get(d.job.params, "Types")), SLK_FT_CNT);
    sim_job_t *behind = sim_add_job(&sim, &d.job);
    expect_pending(RM);
    sim_job_done(&sim, behind, json_object());
    expect_event(REMOVED);
    sim.busy = NULL;
    sim_enter(&sim, &s, SLK_STATE_REMOVE_FAILED);
    cool();
    expect_event(REMOVE);
    sim_enter(&sim, &s, SLK_STATE_REMOVED);
    expect_rest();
    close_sector();
}

static void test_abort_upgrade(void **state)
{
    (void)state;
    open_sector(SLK_STATE_ABORT_UPGRADE);
    s.cc_update = true;
    sim_hold(&sim, 5, SLK_FT_SEALED, "store", "w1", true);
    expect_event(REVERT_UPGRADE_TO_PROVING);
    sim_hold(&sim, 5, SLK_FT_UPDATE, "seal", "w1", false);
    expect_job(RM);
    assert_int_equal(json_array_size(json_object_get(d.job.params, "Types")), 1);
    sim_job_t *job = sim_add_job(&sim, &d.job);
    sim_job_fails(&sim, job, SLK_FAILURE_PERMANENT);
    expect_event(REVERT_UPGRADE_TO_PROVING); /* what is left there harms nobody */
    close_sector();
}

/* --- Termination ---------------------------------------------------------------------------------- */

static void test_terminating(void **state)
{
    (void)state;
    open_sector(SLK_STATE_TERMINATING);
    expect_event(REMOVE); /* not on chain */
    sim_pre_committed(&sim, &s, 4900);
    expect_event(TERMINATE_FAILED);
    sim.sectors[5].pre_committed = false;
    sim.sectors[5].proven = sim.sectors[5].live = true;
    sim.sectors[5].at = (slk_api_sector_location_t){20, 2};
    expect_batch(TERMINATE);
    assert_int_equal(d.batch_cutoff, SLK_BATCH_NO_CUTOFF);
    give_message(SLK_MESSAGE_PENDING);
    expect_event(TERMINATING);
    assert_string_equal(d.event.key, "k");
    give_message(SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_batch(TERMINATE);
    sim.sectors[5].live = false;
    expect_event(TERMINATING);
    assert_null(d.event.key);
    close_sector();
}

static void test_terminate_wait(void **state)
{
    (void)state;
    open_sector(SLK_STATE_TERMINATE_WAIT);
    expect_event(TERMINATED); /* dead already: now */
    assert_int_equal(d.event.epoch, 5000);
    give_message(SLK_MESSAGE_PENDING);
    expect_wait();
    give_message(SLK_MESSAGE_DONE);
    expect_event(TERMINATED);
    assert_int_equal(d.event.epoch, 4990);
    give_message(SLK_MESSAGE_FAILED)->exit_code = 16;
    expect_event(TERMINATE_FAILED);
    give_message(SLK_MESSAGE_REPLACED);
    expect_event(TERMINATE_FAILED);

    sim_enter(&sim, &s, SLK_STATE_TERMINATE_FINALITY);
    s.terminated_at = 4990;
    expect_wait();
    assert_int_equal(d.until_epoch, 4990 + 900);
    sim_epochs(&sim, 890);
    expect_event(REMOVE);
    sim.sectors[5].proven = sim.sectors[5].live = true;
    expect_event(TERMINATE_FAILED); /* a long reorganisation undid it */

    sim_enter(&sim, &s, SLK_STATE_TERMINATE_FAILED);
    cool();
    expect_event(TERMINATE);
    sim_pre_committed(&sim, &s, 4900);
    expect_person();
    close_sector();
}

/* --- Deals ----------------------------------------------------------------------------------------- */

static void test_deals_expired(void **state)
{
    (void)state;
    static const slk_sector_state_t states[] = {SLK_STATE_DEALS_EXPIRED, SLK_STATE_PACKING_FAILED};
    for (size_t i = 0; i < 2; i++) {
        open_sector(states[i]);
        expect_event(REMOVE);
        sim.sectors[5].proven = true;
        expect_person();
        close_sector();
    }
}

static void test_recover(void **state)
{
    (void)state;
    /* [[77, 300], {0, 1}]: CBOR of the return of PublishStorageDeals. */
    static const uint8_t published[] = {0x82, 0x82, 0x18, 0x4d, 0x19, 0x01, 0x2c, 0x42, 0x50, 0x02};
    open_sector(SLK_STATE_RECOVER_DEAL_IDS);
    s.return_state = sim_text("PreCommit1");
    give_deal();
    expect_event(REMOVE); /* the message of its publication is not found */
    sim.has_lookup = true;
    sim.lookup = (slk_msg_lookup_t){.receipt = {.ret = {published, sizeof published}}};
    expect_event(UPDATE_DEAL_IDS);
    assert_int_equal(d.event.pieces.count, 1);
    assert_int_equal(d.event.pieces.items[0].deal_info->deal_id, 77);
    assert_int_equal(s.pieces.items[0].deal_info->deal_id, 7);
    sim.deal.proposal.end_epoch++; /* other deals were published */
    expect_event(REMOVE);
    sim.deal.proposal.end_epoch--;
    sim.lookup.receipt.exit_code = 16;
    expect_event(REMOVE);
    sim.lookup.receipt.exit_code = 0;
    sim.lookup.receipt.ret.len--;
    expect_event(REMOVE);
    sim.lookup.receipt.ret.len++;
    sim.deal.proposal.provider = slk_address_id(1);
    expect_event(REMOVE); /* found, and still not ours */
    sim.away = true;
    expect_wait();
    assert_true(d.trouble);
    close_sector();
}

/* --- The rest ---------------------------------------------------------------------------------------- */

static void test_quiet_states(void **state)
{
    (void)state;
    static const slk_sector_state_t quiet[] = {SLK_STATE_PROVING,
                                               SLK_STATE_AVAILABLE,
                                               SLK_STATE_FAULTY,
                                               SLK_STATE_FAULTED_FINAL,
                                               SLK_STATE_FAILED_UNRECOVERABLE,
                                               SLK_STATE_UNDEFINED};
    static const slk_sector_state_t snap[] = {
        SLK_STATE_SNAP_DEALS_WAIT_DEALS, SLK_STATE_UPDATE_REPLICA, SLK_STATE_WAIT_MUTABLE,
        SLK_STATE_REPLICA_UPDATE_FAILED, SLK_STATE_SNAP_DEALS_DEALS_EXPIRED};
    for (size_t i = 0; i < SLK_COUNT(quiet); i++) {
        open_sector(quiet[i]);
        expect_rest();
        assert_int_equal(sim.calls, 0);
        close_sector();
    }
    for (size_t i = 0; i < SLK_COUNT(snap); i++) {
        open_sector(snap[i]);
        expect_person();
        assert_true(why_has("replica updates are not available yet"));
        close_sector();
    }
}

static void test_fault_reported(void **state)
{
    (void)state;
    open_sector(SLK_STATE_FAULT_REPORTED);
    expect_person();
    s.fault_report_msg = sim_cid("report");
    expect_wait();
    assert_int_equal(d.until_epoch, 5001);
    sim.has_lookup = true;
    sim.lookup.height = 4900;
    expect_event(FAULTED_FINAL);
    close_sector();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finalize),      cmocka_unit_test(test_finalize_failures),
        cmocka_unit_test(test_unsealed),      cmocka_unit_test(test_copies),
        cmocka_unit_test(test_removing),      cmocka_unit_test(test_abort_upgrade),
        cmocka_unit_test(test_terminating),   cmocka_unit_test(test_terminate_wait),
        cmocka_unit_test(test_deals_expired), cmocka_unit_test(test_recover),
        cmocka_unit_test(test_quiet_states),  cmocka_unit_test(test_fault_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
