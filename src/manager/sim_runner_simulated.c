#include "manager/sim_simulated.h"

/* The loops of manager/runner.c and manager/runner_batch.c over the simulated tables, line by
 * line, with a death of the manager possible between any two of them. */

#define TROUBLE_MS 10000

bool sim_dies(sim_t *sim)
{
    if (sim->dying)
        return true;
    if (sim->healthy || !sim->trouble.die || sim_draw(sim, 100000) >= sim->trouble.die)
        return false;
    sim->dying = true;
    sim->counts.deaths++;
    return true;
}

void sim_starts(sim_t *sim)
{
    sim->down = sim->dying = false;
    sim->sched_due = true;
    sim->sched_ms = SIM_NEVER;
    sim->served_cnt = 0;
    memset(sim->batch_ms, 0, sizeof sim->batch_ms);
    memset(sim->batch_seen, 0, sizeof sim->batch_seen);
    sim->send_ms = sim->now_ms;
    for (uint64_t n = 0; n < sim->next_number; n++)
        if (!sim->rows[n].over || sim_draw(sim, 8) == 0)
            sim_reread(sim, &sim->rows[n]);
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        if (sim->workers[w].silent_ms != SIM_NEVER)
            sim->workers[w].silent_ms = sim->now_ms;
        sim_stir(sim, &sim->workers[w]);
    }
    for (uint32_t s = 0; s < sim->store_cnt; s++)
        sim->stores[s].reported = 0; /* what is free is told by the next beat */
    sim_wake_all(sim);
}

/* --- Decisions ------------------------------------------------------------------------------ */

static void remember(sim_t *sim, sim_row_t *row, const slk_decision_t *d)
{
    sim_said_t *said = &row->last[row->said_cnt++ % SIM_LAST];
    *said = (sim_said_t){.ms = sim->now_ms, .kind = (uint8_t)d->kind, .trouble = d->trouble};
    snprintf(said->why, sizeof said->why, "%s%s%.150s",
             d->kind == SLK_DECIDE_EVENT ? slk_event_name(d->event.type)
             : d->kind == SLK_DECIDE_JOB ? d->job.key
                                         : "",
             d->kind == SLK_DECIDE_EVENT || d->kind == SLK_DECIDE_JOB ? ": " : "", d->why);
}

static bool same(const slk_decision_t *a, const slk_decision_t *b)
{
    return a->kind == b->kind && a->event.type == b->event.type && a->batch == b->batch &&
           a->batch_cutoff == b->batch_cutoff && a->until_epoch == b->until_epoch &&
           !strcmp(a->kind == SLK_DECIDE_JOB ? a->job.key : "",
                   b->kind == SLK_DECIDE_JOB ? b->job.key : "");
}

/* Asked twice of the same world, it says the same. */
static void check_again(sim_t *sim, const slk_world_t *world, const sim_row_t *row,
                        const slk_decision_t *d)
{
    slk_arena_t arena;
    slk_decision_t again;
    slk_diag_t diag;
    if (sim->trouble.node_trouble || sim_draw(sim, 8))
        return;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    assert_ok(slk_decide(world, &row->info, &arena, &again, &diag), diag);
    SIM_CHECK(sim, row->info.sector_number, same(d, &again),
              "it decides once so (%s), once so (%s)", d->why, again.why);
    slk_decision_fini(&again);
    slk_arena_free(&arena);
}

static void check_decision(sim_t *sim, sim_row_t *row, const slk_decision_t *d)
{
    const uint64_t number = row->info.sector_number;
    sim->counts.decisions++;
    SIM_CHECK(sim, number, *d->why, "a decision without a sentence");
    SIM_CHECK(sim, number,
              d->kind != SLK_DECIDE_JOB ||
                  (d->job.number == number && d->job.miner == SIM_MINER && d->job.params),
              "a job for another sector: %s", d->job.key);
    const bool waits = d->kind == SLK_DECIDE_WAIT && !d->until_ms && !d->until_epoch && !d->trouble;
    const bool rests = d->kind == SLK_DECIDE_REST && !row->over;
    const bool for_person =
        (waits && (strstr(d->why, "person") || strstr(d->why, "remove"))) ||
        ((waits || rests) && slk_sector_state_class(sim_state(row)) == SLK_CLASS_FAILED);
    if (for_person && !row->for_person)
        row->person_ms = sim->now_ms + SIM_HOUR_MS;
    row->for_person = for_person;
}

static void store_event(sim_t *sim, sim_row_t *row, const slk_decision_t *d)
{
    const slk_step_t step = sim_step(sim, row, &d->event);
    SIM_CHECK(sim, row->info.sector_number, step == SLK_STEP_TAKEN,
              "%s decides for %s, which is not taken", slk_sector_state_name(sim_state(row)),
              slk_event_name(d->event.type));
}

static void store_decision(sim_t *sim, sim_row_t *row, const slk_decision_t *d)
{
    slk_sector_wait_t wait = slk_sector_wait_none();
    wait.why = d->why;
    switch (d->kind) {
    case SLK_DECIDE_EVENT:
        store_event(sim, row, d);
        return;
    case SLK_DECIDE_JOB:
        wait.job = d->job.key;
        wait.until_ms = d->until_ms;
        wait.until_epoch = d->until_epoch;
        sim_job_add(sim, &d->job);
        break;
    case SLK_DECIDE_BATCH:
        wait.batch = (int)d->batch;
        wait.batch_cutoff = d->batch_cutoff;
        wait.until_ms = d->until_ms;
        wait.until_epoch = d->until_epoch;
        break;
    case SLK_DECIDE_WAIT:
        wait.until_ms = d->until_ms;
        wait.until_epoch = d->until_epoch;
        wait.trouble = d->trouble;
        break;
    case SLK_DECIDE_REST:
        wait.rest = true;
        break;
    }
    sim_store_wait(sim, row, &wait);
}

/* False: the manager died. */
static bool move_on(sim_t *sim, sim_row_t *row)
{
    slk_arena_t arena;
    slk_decision_t d = {.kind = SLK_DECIDE_REST};
    slk_diag_t diag;
    const int64_t version = row->version;
    const slk_world_t world = sim_world(sim, (unsigned)(row->trouble + 1));
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    if (sim_dies(sim))
        return false;
    assert_ok(slk_decide(&world, &row->info, &arena, &d, &diag), diag);
    check_decision(sim, row, &d);
    remember(sim, row, &d);
    check_again(sim, &world, row, &d);
    if (sim_chance(sim, sim->trouble.meddling))
        sim_wake(sim, row); /* something happened meanwhile */
    if (!sim_dies(sim)) {
        if (row->version == version)
            store_decision(sim, row, &d);
        else
            sim->counts.stale_stores++;
    }
    slk_decision_fini(&d);
    slk_arena_free(&arena);
    return !sim_dies(sim);
}

void sim_runner(sim_t *sim)
{
    for (uint64_t n = 0; n < sim->next_number; n++)
        while (sim->rows[n].due_ms <= sim->now_ms)
            if (!move_on(sim, &sim->rows[n]))
                return;
}

/* --- Batches -------------------------------------------------------------------------------- */

typedef struct {
    slk_batch_kind_t kind;
    uint64_t numbers[SIM_LIVES_MAX];
    int64_t versions[SIM_LIVES_MAX];
    slk_batch_candidate_t candidates[SIM_LIVES_MAX];
    size_t cnt;
    size_t chosen[SIM_LIVES_MAX];
    const slk_sector_info_t *infos[SIM_LIVES_MAX];
    slk_arena_t arena;
    slk_batch_message_t message;
} round_t;

static void look_at(round_t *round, const sim_t *sim)
{
    for (uint64_t n = 0; n < sim->next_number; n++) {
        const sim_row_t *row = &sim->rows[n];
        if (row->batch != (int)round->kind)
            continue;
        round->numbers[round->cnt] = n;
        round->versions[round->cnt] = row->version;
        round->candidates[round->cnt++] = (slk_batch_candidate_t){
            .number = n, .since_ms = row->batch_since_ms, .cutoff = row->batch_cutoff};
    }
}

static void keep(sim_t *sim, const round_t *round, int64_t until_ms)
{
    sim->batch_ms[round->kind] = until_ms;
    sim->batch_seen[round->kind] = round->cnt;
}

/* The transaction: message and steps, or nothing. */
static void store_batch(sim_t *sim, round_t *round, const slk_batch_plan_t *plan)
{
    const slk_batch_message_t *message = &round->message;
    for (size_t i = 0; i < message->step_cnt; i++) {
        const size_t at = round->chosen[message->steps[i].sector];
        if (sim->rows[round->numbers[at]].version == round->versions[at])
            continue;
        keep(sim, round, 0);
        return;
    }
    if (message->has_message)
        sim_message_add(sim, &message->want);
    for (size_t i = 0; i < message->step_cnt; i++) {
        const slk_event_t *event = &message->steps[i].event;
        SIM_CHECK(sim, UINT64_MAX, message->steps[i].sector < plan->cnt, "a step for nobody");
        sim_row_t *row = &sim->rows[round->numbers[round->chosen[message->steps[i].sector]]];
        SIM_CHECK(sim, row->info.sector_number, sim_step(sim, row, event) != SLK_STEP_REFUSED,
                  "%s of its batch is refused", slk_event_name(event->type));
    }
    keep(sim, round, message->until_ms);
}

static void send(sim_t *sim, round_t *round, const slk_world_t *world, const slk_batch_plan_t *plan)
{
    slk_diag_t diag;
    for (size_t i = 0; i < plan->cnt; i++)
        round->infos[i] = &sim->rows[round->numbers[round->chosen[i]]].info;
    assert_ok(slk_batch_message(world, round->kind, round->infos, plan->cnt, &round->arena,
                                &round->message, &diag),
              diag);
    SIM_CHECK(sim, UINT64_MAX, round->message.step_cnt || *round->message.why,
              "a batch that says nothing");
    if (sim_dies(sim))
        return;
    if (round->message.step_cnt)
        store_batch(sim, round, plan);
    else
        keep(sim, round, round->message.until_ms);
}

static void one_round(sim_t *sim, round_t *round)
{
    slk_batch_rules_t rules;
    slk_batch_plan_t plan;
    slk_world_net_t net;
    slk_diag_t diag;
    look_at(round, sim);
    if (!round->cnt ||
        (sim->batch_seen[round->kind] == round->cnt && sim->now_ms < sim->batch_ms[round->kind])) {
        if (!round->cnt)
            keep(sim, round, 0);
        return;
    }
    const slk_world_t world = sim_world(sim, 1);
    if (world.ops->net(world.ctx, &net, &diag) != SLK_LOOK_FOUND) {
        keep(sim, round, sim->now_ms + TROUBLE_MS);
        return;
    }
    const slk_batch_clock_t clock = {sim->now_ms, net.height, net.head_ms, net.block_ms};
    slk_batch_rules(&rules, round->kind, &sim->config);
    slk_batch_plan(&plan, round->chosen, &rules, round->kind, round->candidates, round->cnt, &clock,
                   false);
    if (!plan.send)
        keep(sim, round, plan.until_ms);
    else if (!sim_dies(sim))
        send(sim, round, &world, &plan);
}

void sim_batcher(sim_t *sim)
{
    static round_t round;
    for (slk_batch_kind_t kind = 0; kind < SLK_BATCH_CNT && !sim->dying; kind++) {
        memset(&round, 0, offsetof(round_t, candidates));
        round.kind = kind;
        round.cnt = 0;
        slk_arena_init(&round.arena, (size_t)64 << 20);
        one_round(sim, &round);
        slk_arena_free(&round.arena);
    }
}
