#ifndef SLK_MANAGER_SEAL_TEST_DECIDE_SIMULATED_H
#define SLK_MANAGER_SEAL_TEST_DECIDE_SIMULATED_H

/* One sector, one decision at a time, over the simulated world. */

#include "manager/seal/test_world_simulated.h"

static sim_t sim;
static slk_sector_info_t s;
static slk_arena_t decision_arena;
static slk_decision_t d;

static inline void open_sector(slk_sector_state_t state)
{
    sim_init(&sim);
    slk_arena_init(&decision_arena, (size_t)16 << 20);
    s = sim_record(&sim, 5, state);
}

static inline void close_sector(void)
{
    slk_decision_fini(&d);
    slk_arena_free(&decision_arena);
    sim_free(&sim);
}

static inline void ask_next(void)
{
    slk_decision_fini(&d);
    sim_decide(&sim, &s, &decision_arena, &d);
}

static inline const char *kind_name(slk_decide_kind_t kind)
{
    static const char *const names[] = {"EVENT", "JOB", "BATCH", "WAIT", "REST"};
    return names[kind];
}

/* The event is one that the state takes: it is fed to the machine, to a copy. */
static inline void expect_event_at(slk_event_type_t type, int line)
{
    slk_sector_info_t copy = s;
    slk_step_t step;
    slk_diag_t why = {0};
    ask_next();
    if (d.kind != SLK_DECIDE_EVENT || d.event.type != type)
        fail_msg("line %d: %s %s (%s), expected the event %s", line, kind_name(d.kind),
                 d.kind == SLK_DECIDE_EVENT ? slk_event_name(d.event.type) : "", d.why,
                 slk_event_name(type));
    assert_ok(slk_sector_step(&copy, &d.event, sim.now_ms, &decision_arena, &step, &why), why);
    if (step != SLK_STEP_TAKEN)
        fail_msg("line %d: the state does not take it: %s", line, why.text);
}
#define expect_event(type) expect_event_at(SLK_EVENT_##type, __LINE__)

static inline void expect_kind_at(slk_decide_kind_t kind, int line)
{
    ask_next();
    if (d.kind != kind)
        fail_msg("line %d: %s %s (%s), expected %s", line, kind_name(d.kind),
                 d.kind == SLK_DECIDE_EVENT ? slk_event_name(d.event.type) : "", d.why,
                 kind_name(kind));
}
#define expect_wait() expect_kind_at(SLK_DECIDE_WAIT, __LINE__)
#define expect_rest() expect_kind_at(SLK_DECIDE_REST, __LINE__)

/* Waits for a person: no time, no epoch, no trouble. */
static inline void expect_person_at(int line)
{
    expect_kind_at(SLK_DECIDE_WAIT, line);
    if (d.until_ms || d.until_epoch || d.trouble)
        fail_msg("line %d: waits for something: %s", line, d.why);
}
#define expect_person() expect_person_at(__LINE__)

static inline void expect_job_at(slk_task_t task, int line)
{
    expect_kind_at(SLK_DECIDE_JOB, line);
    if (d.job.task != task)
        fail_msg("line %d: job %s, expected %s", line, slk_tasks[d.job.task].name,
                 slk_tasks[task].name);
}
#define expect_job(task) expect_job_at(SLK_TASK_##task, __LINE__)

static inline void expect_batch_at(slk_batch_kind_t kind, int line)
{
    expect_kind_at(SLK_DECIDE_BATCH, line);
    if (d.batch != kind)
        fail_msg("line %d: the batch of %ss", line, slk_batch_kind_name(d.batch));
}
#define expect_batch(kind) expect_batch_at(SLK_BATCH_##kind, __LINE__)

/* Waits for a job that is there already. */
static inline void expect_pending_at(slk_task_t task, int line)
{
    expect_job_at(task, line);
    if (!sim_find_job(&sim, d.job.key))
        fail_msg("line %d: %s is not there yet", line, d.job.key);
}
#define expect_pending(task) expect_pending_at(SLK_TASK_##task, __LINE__)

/* The cooldown of a failed state is over. */
static inline void cool(void)
{
    expect_wait();
    assert_int_equal(d.until_ms, s.entered_ms + sim.config.retry_cooldown_ms);
    sim.now_ms = d.until_ms;
}

/* The job that is wanted now comes to be; it is what the key says. */
static inline sim_job_t *take_job(const char *key)
{
    ask_next();
    assert_int_equal(d.kind, SLK_DECIDE_JOB);
    assert_string_equal(d.job.key, key);
    assert_int_equal(d.job.miner, SIM_MINER);
    assert_int_equal(d.job.number, 5);
    assert_int_equal(d.job.seal_proof, SIM_PROOF);
    return sim_add_job(&sim, &d.job);
}

static inline bool why_has(const char *text)
{
    return strstr(d.why, text) != NULL;
}

/* A market deal of the whole sector, good on chain. */
static inline void give_deal(void)
{
    static slk_deal_proposal_t proposal;
    static slk_piece_deal_info_t info;
    proposal = (slk_deal_proposal_t){.piece_cid = s.pieces.items[0].piece.piece_cid,
                                     .piece_size = 2048,
                                     .client = slk_address_id(555),
                                     .provider = slk_address_id(SIM_MINER),
                                     .start_epoch = 50000,
                                     .end_epoch = 700000};
    info = (slk_piece_deal_info_t){
        .deal_id = 7, .deal_proposal = &proposal, .publish_cid = sim_cid("publish")};
    s.pieces.items[0].deal_info = &info;
    sim.has_deal = true;
    sim.deal.proposal = proposal;
}

#endif /* SLK_MANAGER_SEAL_TEST_DECIDE_SIMULATED_H */
