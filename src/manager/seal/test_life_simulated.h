#ifndef SLK_MANAGER_SEAL_TEST_LIFE_SIMULATED_H
#define SLK_MANAGER_SEAL_TEST_LIFE_SIMULATED_H

/* Whole lives of sectors: decisions and steps in a loop over a simulated world, which executes their jobs and
 * messages, with the trouble that a test puts in. Nothing may be sent twice. */

#include "manager/seal/test_world_simulated.h"

enum { LIFE_SECTORS = 8, LIFE_ROUNDS = 60000 };

typedef struct {
    sim_sector_t before[SIM_SECTORS]; /* of what a message changed */
    uint64_t numbers[SIM_SECTORS];
    size_t cnt;
} undo_t;

typedef struct {
    sim_t sim;
    slk_sector_info_t s[LIFE_SECTORS];
    size_t cnt;
    slk_arena_t records;
    bool seen[LIFE_SECTORS][SLK_STATE_CNT];
    undo_t undo[SIM_MESSAGES];
    slk_decision_t last[LIFE_SECTORS];
    bool waits[LIFE_SECTORS]; /* last is a WAIT, BATCH or REST */
    unsigned troubles[LIFE_SECTORS];
    uint64_t rng;
    /* Trouble to come. */
    slk_failure_t fail_with[SLK_TASK_CNT];
    unsigned fail_times[SLK_TASK_CNT];
    unsigned bad_proofs;  /* C2 answers with a proof that does not hold */
    int64_t stall_epochs; /* jobs of stall_task are not begun before this height */
    slk_task_t stall_task;
    int64_t next_exit[8]; /* of the messages that land next; -1: refused, -2: replaced */
    size_t exit_cnt;
    bool random;   /* jobs fail for passing reasons, messages in all ways */
    uint64_t hard; /* one of so many jobs fails in any way, one of so many proofs is bad; 0: none */
    /* Counts. */
    unsigned jobs[SLK_TASK_CNT], sent[SLK_BATCH_CNT], pre_commits[SIM_SECTORS];
    int64_t waited_epochs;
} life_t;

static uint64_t draw(life_t *life, uint64_t below)
{
    life->rng = life->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (life->rng >> 33) % below;
}

/* --- Steps --------------------------------------------------------------------------------- */

static slk_sector_state_t state_of(const life_t *life, size_t i)
{
    return slk_sector_state(&life->s[i]);
}

static void step(life_t *life, size_t i, const slk_event_t *event)
{
    slk_step_t taken;
    slk_diag_t why = {0};
    const slk_sector_state_t from = state_of(life, i);
    assert_ok(slk_sector_step(&life->s[i], event, life->sim.now_ms, &life->records, &taken, &why),
              why);
    if (taken != SLK_STEP_TAKEN)
        fail_msg("%s in %s was not taken: %s", slk_event_name(event->type),
                 slk_sector_state_name(from), why.text);
    const slk_sector_state_t to = state_of(life, i);
    life->seen[i][to] = true;
    life->waits[i] = false;
    if (getenv("SIM_TELL"))
        fprintf(stderr, "%6" PRId64 " %zu %s --%s--> %s: %s\n", life->sim.net.height, i,
                slk_sector_state_name(from), slk_event_name(event->type), slk_sector_state_name(to),
                event->text ? event->text : "");
}

static void force(life_t *life, size_t i, slk_event_type_t type)
{
    const slk_event_t event = {.type = type, .text = "by the test"};
    step(life, i, &event);
}

/* --- The chain executes messages ------------------------------------------------------------- */

static bool runs_pre_commit(life_t *life, const slk_message_row_t *row)
{
    sim_t *sim = &life->sim;
    slk_pre_commit_sector_batch2_params_t all;
    slk_diag_t diag = {0};
    assert_ok(slk_record_decode(&all, &slk_pre_commit_sector_batch2_params_type, row->params,
                                row->params_len, &sim->arena, &diag),
              diag);
    const int64_t now = sim->net.height;
    for (size_t i = 0; i < all.sectors.count; i++) {
        const slk_sector_pre_commit_info_t *info = &all.sectors.items[i];
        const int64_t act = now + sim->net.policy.max_prove_commit_duration;
        if (sim->sectors[info->sector_number].allocated)
            return false;
        /* The actor's rules; a message of ours never breaks them. */
        assert_true(info->seal_rand_epoch < now && info->seal_rand_epoch >= now - 3780);
        assert_true(info->expiration - act >= sim->net.policy.min_sector_expiration);
        assert_true(info->expiration <= now + sim->net.policy.max_sector_extension);
        assert_int_equal(info->deal_ids.count, 0);
    }
    for (size_t i = 0; i < all.sectors.count; i++) {
        sim_sector_t *c = &sim->sectors[all.sectors.items[i].sector_number];
        c->pre_committed = c->allocated = true;
        c->pre_commit = (slk_sector_pre_commit_on_chain_info_t){.info = all.sectors.items[i],
                                                                .pre_commit_deposit = sim->deposit,
                                                                .pre_commit_epoch = now};
        life->pre_commits[all.sectors.items[i].sector_number]++;
    }
    return true;
}

static bool runs_commit(life_t *life, const slk_message_row_t *row)
{
    sim_t *sim = &life->sim;
    slk_prove_commit_sectors3_params_t all;
    slk_diag_t diag = {0};
    size_t good = 0;
    assert_ok(slk_record_decode(&all, &slk_prove_commit_sectors3_params_type, row->params,
                                row->params_len, &sim->arena, &diag),
              diag);
    for (size_t i = 0; i < all.sector_activations.count; i++) {
        const uint64_t number = all.sector_activations.items[i].sector_number;
        sim_sector_t *c = &sim->sectors[number];
        const int64_t seed_epoch = c->pre_commit.pre_commit_epoch + 10;
        const slk_node_t seed = sim_node("seed", SIM_MINER, seed_epoch, sim->fork);
        if (!c->pre_committed || sim->net.height <= seed_epoch ||
            memcmp(all.sector_proofs.items[i].b, seed.b, 32) != 0)
            continue;
        good++;
        c->pre_committed = false;
        c->proven = c->live = true;
        c->at = (slk_api_sector_location_t){.deadline = 20 + number % 20, .partition = number % 3};
        c->on_chain = (slk_sector_on_chain_info_t){.sector_number = number,
                                                   .sealed_cid = c->pre_commit.info.sealed_cid,
                                                   .expiration = c->pre_commit.info.expiration};
    }
    return good > 0;
}

static bool runs_terminate(life_t *life, const slk_message_row_t *row)
{
    uint64_t numbers[SIM_SECTORS];
    const size_t cnt = sim_numbers(9, row->params, row->params_len, numbers, &life->sim.arena);
    for (size_t i = 0; i < cnt; i++)
        life->sim.sectors[numbers[i]].live = false;
    return true;
}

static void execute(life_t *life, size_t m)
{
    sim_t *sim = &life->sim;
    sim_message_t *message = &sim->messages[m];
    undo_t *undo = &life->undo[m];
    undo->cnt = sim_numbers(message->row.method, message->row.params, message->row.params_len,
                            undo->numbers, &sim->arena);
    for (size_t i = 0; i < undo->cnt; i++)
        undo->before[i] = sim->sectors[undo->numbers[i]];
    message->row.exit_code = message->exit_code;
    if (!message->exit_code) {
        const bool ok = message->row.method == 28   ? runs_pre_commit(life, &message->row)
                        : message->row.method == 34 ? runs_commit(life, &message->row)
                                                    : runs_terminate(life, &message->row);
        message->row.exit_code = ok ? 0 : 16;
    }
    message->row.state = SLK_MESSAGE_LANDED;
    message->row.landed_height = sim->net.height;
    message->row.landed_cid = sim_cid(message->row.key);
}

static bool move_messages(life_t *life)
{
    sim_t *sim = &life->sim;
    bool moved = false;
    for (size_t m = 0; m < sim->message_cnt; m++) {
        slk_message_row_t *row = &sim->messages[m].row;
        const int64_t age = sim->net.height - sim->messages[m].added;
        if (slk_message_state_final(row->state))
            continue;
        moved = true;
        if (row->state == SLK_MESSAGE_QUEUED && age >= 1) {
            row->state = sim->messages[m].exit_code == -1   ? SLK_MESSAGE_REFUSED
                         : sim->messages[m].exit_code == -2 ? SLK_MESSAGE_REPLACED
                                                            : SLK_MESSAGE_PENDING;
        } else if (row->state == SLK_MESSAGE_PENDING && age >= 2) {
            execute(life, m);
        } else if (row->state == SLK_MESSAGE_LANDED &&
                   sim->net.height >= row->landed_height + row->confidence) {
            row->state = row->exit_code ? SLK_MESSAGE_FAILED : SLK_MESSAGE_DONE;
        }
    }
    return moved;
}

/* The last epochs are another chain now: randomness differs, what had landed there has not. */
static void reorganise(life_t *life, int64_t epochs)
{
    sim_t *sim = &life->sim;
    sim->fork++;
    for (size_t m = sim->message_cnt; m-- > 0;) {
        slk_message_row_t *row = &sim->messages[m].row;
        if (row->state != SLK_MESSAGE_LANDED || row->landed_height <= sim->net.height - epochs)
            continue;
        for (size_t i = 0; i < life->undo[m].cnt && !row->exit_code; i++) {
            sim->sectors[life->undo[m].numbers[i]] = life->undo[m].before[i];
            if (row->method == 28)
                life->pre_commits[life->undo[m].numbers[i]]--;
        }
        row->state = SLK_MESSAGE_PENDING;
        sim->messages[m].added = sim->net.height;
    }
}

/* --- Workers ------------------------------------------------------------------------------- */

static void move_file(life_t *life, uint64_t number, slk_file_types_t type)
{
    for (size_t h = 0; h < life->sim.holder_cnt; h++)
        if (life->sim.holders[h].type == type && life->sim.holders[h].number == number)
            life->sim.holders[h].at = (slk_holder_t){
                .id = "store", .can_store = true, .can_final = true, .primary = true};
}

static size_t count_files(const life_t *life, uint64_t number)
{
    size_t cnt = 0;
    for (size_t h = 0; h < life->sim.holder_cnt; h++)
        cnt += life->sim.holders[h].number == number;
    return cnt;
}

static void files_of(life_t *life, const sim_job_t *job, uint64_t number)
{
    sim_t *sim = &life->sim;
    if (job->task == SLK_TASK_PC1 && !count_files(life, number)) {
        sim_hold(sim, number, SLK_FT_SEALED, "seal", "w1", false);
        sim_hold(sim, number, SLK_FT_CACHE, "seal", "w1", false);
    } else if (job->task == SLK_TASK_GET) {
        move_file(life, number, SLK_FT_SEALED);
        move_file(life, number, SLK_FT_CACHE);
    } else if (job->task == SLK_TASK_RM) {
        assert_string_equal(job->only_worker, "w1");
        for (size_t h = sim->holder_cnt; h-- > 0;)
            if (sim->holders[h].number == number)
                sim->holders[h] = sim->holders[--sim->holder_cnt];
    }
}

static void finish(life_t *life, sim_job_t *job, size_t i)
{
    json_t *result = sim_result(&life->s[i], job);
    if (job->task == SLK_TASK_C2 && life->hard && draw(life, life->hard) == 0)
        life->bad_proofs++;
    if (job->task == SLK_TASK_C2 && life->bad_proofs) {
        life->bad_proofs--;
        char text[SLK_BASE64_LEN(SIM_PROOF_SZ) + 1];
        const uint8_t wrong[SIM_PROOF_SZ] = {0xff};
        slk_base64_encode(text, wrong, sizeof wrong);
        json_object_set_new(result, "Proof", json_string(text));
    }
    sim_job_done(&life->sim, job, result);
    files_of(life, job, life->s[i].sector_number);
}

/* Which sector's job this is, as long as its state wants it; else it is dropped. */
static bool owner(life_t *life, const sim_job_t *job, size_t *i)
{
    for (*i = 0; *i < life->cnt; ++*i) {
        char begin[64];
        snprintf(begin, sizeof begin, "t0%d-%" PRIu64 "/%" PRIu64 "/", SIM_MINER,
                 life->s[*i].sector_number, life->s[*i].visit);
        if (!strncmp(job->key, begin, strlen(begin)))
            return true;
    }
    return false;
}

static bool move_jobs(life_t *life)
{
    sim_t *sim = &life->sim;
    bool moved = false;
    for (size_t j = 0; j < sim->job_cnt; j++) {
        sim_job_t *job = &sim->jobs[j];
        size_t i;
        if (job->view.state != SLK_JOB_QUEUED && job->view.state != SLK_JOB_RUNNING)
            continue;
        if (!owner(life, job, &i)) {
            job->view.state = SLK_JOB_DROPPED;
            continue;
        }
        if (job->task == life->stall_task && sim->net.height < life->stall_epochs)
            continue;
        moved = true;
        if (sim->now_ms < job->not_before_ms)
            continue;
        if (job->view.state == SLK_JOB_QUEUED) {
            sim_job_runs(sim, job);
            continue;
        }
        if (life->fail_times[job->task]) {
            life->fail_times[job->task]--;
            sim_job_fails(sim, job, life->fail_with[job->task]);
        } else if (life->hard && draw(life, life->hard) == 0) {
            sim_job_fails(sim, job, (slk_failure_t)draw(life, SLK_FAILURE_CNT));
        } else if (life->random && draw(life, 6) == 0) {
            sim_job_fails(sim, job, (slk_failure_t)draw(life, SLK_FAILURE_INPUT));
        } else {
            finish(life, job, i);
        }
    }
    return moved;
}

/* --- Decisions ----------------------------------------------------------------------------- */

/* True: it was not there before. */
static bool add_job(life_t *life, size_t i, const slk_job_want_t *want)
{
    const size_t before = life->sim.job_cnt;
    assert_int_equal(want->number, life->s[i].sector_number);
    sim_add_job(&life->sim, want);
    life->jobs[want->task] += life->sim.job_cnt != before;
    return life->sim.job_cnt != before;
}

/* Decide for one sector until it waits. */
static void settle(life_t *life, size_t i)
{
    for (unsigned turns = 0; turns < 50; turns++) {
        slk_arena_t arena;
        slk_decision_t *d = &life->last[i];
        slk_arena_init(&arena, (size_t)16 << 20);
        life->sim.troubles = life->troubles[i];
        sim_decide(&life->sim, &life->s[i], &arena, d);
        life->troubles[i] = d->kind == SLK_DECIDE_WAIT && d->trouble ? life->troubles[i] + 1 : 0;
        bool again = d->kind == SLK_DECIDE_EVENT;
        if (again)
            step(life, i, &d->event);
        else if (d->kind == SLK_DECIDE_JOB)
            again = add_job(life, i, &d->job);
        life->waits[i] = !again;
        slk_decision_fini(d);
        slk_arena_free(&arena);
        if (!again)
            return;
    }
    fail_msg("sector %zu goes round and round in %s", i, slk_sector_state_name(state_of(life, i)));
}

/* The same sector is in no other unfinished message for the same. */
static void check_alone(life_t *life, const slk_message_want_t *want)
{
    sim_t *sim = &life->sim;
    uint64_t ours[SIM_SECTORS], theirs[SIM_SECTORS];
    const size_t cnt = sim_numbers(want->method, want->params, want->params_len, ours, &sim->arena);
    assert_null(sim_find_message(sim, want->key));
    for (size_t m = 0; m < sim->message_cnt; m++) {
        const slk_message_row_t *row = &sim->messages[m].row;
        if (row->method != want->method || slk_message_state_final(row->state))
            continue;
        const size_t n =
            sim_numbers(row->method, row->params, row->params_len, theirs, &sim->arena);
        for (size_t a = 0; a < cnt; a++)
            for (size_t b = 0; b < n; b++)
                if (ours[a] == theirs[b])
                    fail_msg("sector %" PRIu64 " is in two messages for the same", ours[a]);
    }
}

static void queue(life_t *life, slk_batch_kind_t kind, const slk_message_want_t *want)
{
    sim_t *sim = &life->sim;
    check_alone(life, want);
    sim_message_t *m = sim_add_message(sim, want->key, SLK_MESSAGE_QUEUED);
    m->row.method = want->method;
    m->row.params = malloc(want->params_len);
    memcpy(m->row.params, want->params, want->params_len);
    m->row.params_len = want->params_len;
    m->row.confidence = want->confidence;
    if (life->exit_cnt)
        m->exit_code = life->next_exit[--life->exit_cnt];
    else if (life->random && draw(life, 5) == 0)
        m->exit_code = (const int64_t[]){7, 6, -1, -2, 16}[draw(life, 5)];
    life->sent[kind]++;
}

static bool send_batch(life_t *life, slk_batch_kind_t kind)
{
    slk_batch_candidate_t candidates[LIFE_SECTORS];
    size_t of[LIFE_SECTORS], chosen[SIM_SECTORS], cnt = 0;
    const slk_sector_info_t *sectors[LIFE_SECTORS];
    slk_batch_rules_t rules;
    slk_batch_plan_t plan;
    slk_batch_message_t message;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    for (size_t i = 0; i < life->cnt; i++) {
        if (!life->waits[i] || life->last[i].kind != SLK_DECIDE_BATCH ||
            life->last[i].batch != kind)
            continue;
        of[cnt] = i;
        candidates[cnt++] = (slk_batch_candidate_t){.number = life->s[i].sector_number,
                                                    .since_ms = life->s[i].entered_ms,
                                                    .cutoff = life->last[i].batch_cutoff};
    }
    if (!cnt)
        return false;
    slk_batch_rules(&rules, kind, &life->sim.config);
    const slk_batch_clock_t clock = {life->sim.now_ms, life->sim.net.height, life->sim.net.head_ms,
                                     life->sim.net.block_ms};
    slk_batch_plan(&plan, chosen, &rules, kind, candidates, cnt, &clock, false);
    if (!plan.send)
        return true;
    for (size_t i = 0; i < plan.cnt; i++)
        sectors[i] = &life->s[of[chosen[i]]];
    slk_arena_init(&arena, (size_t)16 << 20);
    const slk_world_t world = sim_world(&life->sim);
    assert_ok(slk_batch_message(&world, kind, sectors, plan.cnt, &arena, &message, &diag), diag);
    if (message.has_message)
        queue(life, kind, &message.want);
    for (size_t i = 0; i < message.step_cnt; i++)
        step(life, of[chosen[message.steps[i].sector]], &message.steps[i].event);
    slk_arena_free(&arena);
    return true;
}

/* --- Time ---------------------------------------------------------------------------------- */

/* At rest; or left to a person, who has to find out why PC1 fails. */
static bool is_over(const life_t *life, size_t i)
{
    const slk_sector_state_t state = state_of(life, i);
    const slk_decision_t *d = &life->last[i];
    return state == SLK_STATE_PROVING || state == SLK_STATE_AVAILABLE ||
           state == SLK_STATE_REMOVED ||
           (state == SLK_STATE_SEAL_PRE_COMMIT1_FAILED && life->waits[i] &&
            d->kind == SLK_DECIDE_WAIT && !d->until_ms && !d->until_epoch);
}

/* How long nothing happens: all wait for a time or an epoch. At least one epoch. */
static int64_t idle_epochs(const life_t *life, bool busy)
{
    int64_t until = INT64_MAX;
    for (size_t i = 0; i < life->cnt; i++) {
        const slk_decision_t *d = &life->last[i];
        if (!life->waits[i] || d->kind == SLK_DECIDE_BATCH)
            return 1;
        if (d->until_epoch && d->until_epoch - life->sim.net.height < until)
            until = d->until_epoch - life->sim.net.height;
        if (d->until_ms) {
            const int64_t epochs = (d->until_ms - life->sim.now_ms + life->sim.net.block_ms - 1) /
                                   life->sim.net.block_ms;
            until = epochs < until ? epochs : until;
        }
    }
    return busy || until == INT64_MAX || until < 1 ? 1 : until;
}

/* One round; false: everything has come to its end. */
static bool live(life_t *life)
{
    bool busy = false, all = true;
    for (size_t i = 0; i < life->cnt; i++)
        settle(life, i);
    for (slk_batch_kind_t kind = 0; kind < SLK_BATCH_CNT; kind++)
        busy |= send_batch(life, kind);
    busy |= move_jobs(life);
    busy |= move_messages(life);
    const int64_t epochs = idle_epochs(life, busy);
    life->waited_epochs += epochs;
    sim_epochs(&life->sim, epochs);
    for (size_t i = 0; i < life->cnt; i++)
        all &= is_over(life, i);
    return !all;
}

static void live_on(life_t *life)
{
    for (int rounds = 0; rounds < LIFE_ROUNDS; rounds++)
        if (!live(life))
            return;
    for (size_t i = 0; i < life->cnt; i++)
        print_message("sector %zu: %s, %s\n", i, slk_sector_state_name(state_of(life, i)),
                      life->last[i].why);
    fail_msg("they do not come to an end");
}

static void live_until(life_t *life, size_t i, slk_sector_state_t state)
{
    for (int rounds = 0; rounds < LIFE_ROUNDS && state_of(life, i) != state; rounds++)
        live(life);
    assert_string_equal(slk_sector_state_name(state_of(life, i)), slk_sector_state_name(state));
}

static void begin(life_t *life, size_t cnt)
{
    memset(life, 0, sizeof *life);
    sim_init(&life->sim);
    slk_arena_init(&life->records, (size_t)256 << 20);
    life->cnt = cnt;
    life->rng = 1;
    life->stall_task = SLK_TASK_CNT;
    life->sim.config.max_pre_commit_batch = cnt;
    life->sim.config.max_commit_batch = cnt;
    for (size_t i = 0; i < cnt; i++) {
        const slk_event_t start = {
            .type = SLK_EVENT_START_CC, .miner = SIM_MINER, .number = i, .sector_type = SIM_PROOF};
        step(life, i, &start);
    }
}

static void end(life_t *life)
{
    sim_free(&life->sim);
    slk_arena_free(&life->records);
}

static void all_are(const life_t *life, slk_sector_state_t state)
{
    for (size_t i = 0; i < life->cnt; i++)
        assert_string_equal(slk_sector_state_name(state_of(life, i)), slk_sector_state_name(state));
}

static bool seen(const life_t *life, slk_sector_state_t state)
{
    bool any = false;
    for (size_t i = 0; i < life->cnt; i++)
        any |= life->seen[i][state];
    return any;
}

static bool failed_once(const life_t *life)
{
    bool any = false;
    for (slk_sector_state_t state = 0; state < SLK_STATE_CNT; state++)
        any |= slk_sector_state_class(state) == SLK_CLASS_FAILED && seen(life, state);
    return any;
}

#endif /* SLK_MANAGER_SEAL_TEST_LIFE_SIMULATED_H */
