#include "manager/sim_simulated.h"

/* The world, its clock, its trouble, what must hold at the end. */

/* --- Chance: splitmix64 --------------------------------------------------------------------- */

uint64_t sim_random(sim_t *sim)
{
    uint64_t z = sim->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t sim_draw(sim_t *sim, uint64_t below)
{
    return sim_random(sim) % below;
}

int64_t sim_between(sim_t *sim, int64_t from, int64_t to)
{
    return from + (int64_t)sim_draw(sim, (uint64_t)(to - from + 1));
}

bool sim_chance(sim_t *sim, unsigned permille)
{
    return !sim->healthy && permille && sim_draw(sim, 1000) < permille;
}

/* --- When a promise is broken --------------------------------------------------------------- */

static double hours(int64_t ms)
{
    return (double)(ms - SIM_START_MS) / (double)SIM_HOUR_MS;
}

static void tell_messages(const sim_t *sim, uint64_t number)
{
    for (size_t i = 0; i < sim->message_cnt; i++)
        for (size_t n = 0; n < sim->messages[i]->cnt; n++)
            if (sim->messages[i]->numbers[n] == number)
                fprintf(stderr, "  message %s: %s, landed %d at %" PRId64 ", exit %" PRId64 "\n",
                        sim->messages[i]->row.key,
                        slk_message_state_text(sim->messages[i]->row.state),
                        sim->messages[i]->landed, sim->messages[i]->landed_height,
                        sim->messages[i]->exit_code);
}

static void tell_sector(const sim_t *sim, uint64_t number)
{
    static const char *const kinds[] = {"EVENT", "JOB", "BATCH", "WAIT", "REST"};
    const sim_row_t *row = &sim->rows[number];
    const size_t from = row->log_cnt > 60 ? row->log_cnt - 60 : 0;
    fprintf(stderr, "sector %" PRIu64 " in %s, the last of its %zu steps:\n", number,
            slk_sector_state_name(sim_state(row)), row->log_cnt);
    for (size_t i = from; i < row->log_cnt; i++)
        fprintf(stderr, "  %9.3f h %6" PRId64 " %s -> %s (%s)%s %s\n", hours(row->log[i].ms),
                row->log[i].height, slk_sector_state_name(row->log[i].from),
                slk_sector_state_name(row->log[i].to), slk_event_name(row->log[i].event),
                row->log[i].step == SLK_STEP_TAKEN ? "" : " NOT TAKEN", row->log[i].text);
    const size_t said = row->said_cnt > SIM_LAST ? row->said_cnt - SIM_LAST : 0;
    for (size_t i = said; i < row->said_cnt; i++) {
        const sim_said_t *s = &row->last[i % SIM_LAST];
        fprintf(stderr, "  %9.3f h decided %s%s %s\n", hours(s->ms), kinds[s->kind],
                s->trouble ? " (trouble)" : "", s->why);
    }
    for (size_t f = 0; f < row->file_cnt; f++)
        fprintf(stderr, "  file %s in %s at w%u\n", slk_file_type_name(row->files[f].type),
                sim->stores[row->files[f].store].id,
                (unsigned)sim->stores[row->files[f].store].worker);
    for (size_t j = 0; j < sim->job_cnt; j++)
        if (sim->jobs[j].view.number == number && sim->jobs[j].view.state < SLK_JOB_DONE)
            fprintf(stderr, "  job %s %s %s\n", sim->jobs[j].view.key,
                    slk_job_state_name(sim->jobs[j].view.state), sim->jobs[j].view.worker);
    tell_messages(sim, number);
}

void sim_broken(sim_t *sim, uint64_t number, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "seed %" PRIu64 ", after %.3f hours, epoch %" PRId64 ": %s\n", sim->seed,
            hours(sim->now_ms), sim->height, text);
    if (number < sim->next_number)
        tell_sector(sim, number);
    fprintf(stderr, "replay: test_lives_simulated %" PRIu64 " %zu\n", sim->seed, sim->lives);
    fail_msg("seed %" PRIu64 ": %s", sim->seed, text);
    abort();
}

/* --- The world ------------------------------------------------------------------------------ */

static unsigned some(sim_t *sim, unsigned most)
{
    return sim_draw(sim, 3) ? (unsigned)sim_draw(sim, most + 1) : 0;
}

static void draw_trouble(sim_t *sim)
{
    sim->trouble = (sim_trouble_t){.fail = some(sim, 120),
                                   .bad_input = some(sim, 15),
                                   .permanent = some(sim, 15),
                                   .wrong_result = some(sim, 15),
                                   .no_answer = some(sim, 60),
                                   .null_round = some(sim, 100),
                                   .reorg = some(sim, 200),
                                   .deep_reorg = sim_draw(sim, 6) ? 0 : some(sim, 30),
                                   .refused = some(sim, 50),
                                   .lost = some(sim, 200),
                                   .late = some(sim, 100),
                                   .out_of_gas = some(sim, 60),
                                   .loses_nonce = some(sim, 30),
                                   .node_trouble = some(sim, 20),
                                   .die = some(sim, 200),
                                   .meddling = some(sim, 30),
                                   .person = some(sim, 60),
                                   .node_hours = some(sim, 40),
                                   .worker_hours = some(sim, 10),
                                   .disk_hours = some(sim, 10),
                                   .pause_hours = some(sim, 20)};
}

static void draw_config(sim_t *sim)
{
    sim->policy = *slk_policy_by_name("mainnet");
    if (sim_draw(sim, 4) == 0) /* so that pre-commits expire */
        sim->policy.max_prove_commit_duration = sim_between(sim, 500, 3000);
    sim->config = (slk_miner_config_t){
        .actor = SIM_MINER,
        .enabled = true,
        .finalize_early = sim_draw(sim, 2),
        .make_cc_sectors_available = sim_draw(sim, 2),
        .always_keep_unsealed_copy = sim_draw(sim, 2),
        .wait_deals_delay_ms = sim_between(sim, 1, 6) * SIM_HOUR_MS,
        .start_epoch_sealing_buffer = 480,
        .max_pre_commit_batch = (uint64_t)sim_between(sim, 1, 60),
        .max_commit_batch = (uint64_t)sim_between(sim, 1, 60),
        .terminate_batch_min = 1,
        .terminate_batch_max = 30,
        .pre_commit_batch_wait_ms = sim_between(sim, 1, 120) * 60000,
        .pre_commit_batch_slack_ms = 3 * SIM_HOUR_MS,
        .commit_batch_wait_ms = sim_between(sim, 1, 120) * 60000,
        .commit_batch_slack_ms = SIM_HOUR_MS,
        .terminate_batch_wait_ms = 5 * 60000,
        .require_activation_success = sim_draw(sim, 2),
        .collateral_from_miner_balance = sim_draw(sim, 2),
        .max_pre_commit_batch_gas_fee = {slk_bigint_u64(1000), slk_bigint_u64(10)},
        .max_commit_batch_gas_fee = {slk_bigint_u64(2000), slk_bigint_u64(20)},
        .max_terminate_gas_fee = slk_bigint_u64(3000),
        .message_confidence = 5,
        .retry_cooldown_ms = 60000};
}

static void begin(sim_t *sim, uint64_t seed, size_t lives, bool tell)
{
    slk_diag_t diag;
    *sim = (sim_t){.seed = seed,
                   .rng = seed,
                   .lives = lives,
                   .tell = tell,
                   .now_ms = SIM_START_MS,
                   .send_ms = SIM_NEVER,
                   .node_back_ms = SIM_NEVER,
                   .sched_ms = SIM_NEVER};
    draw_trouble(sim);
    draw_config(sim);
    sim->rows = calloc(lives, sizeof *sim->rows);
    sim->actors = calloc(SIM_LIVES_MAX, sizeof *sim->actors);
    assert_true(sim->rows && sim->actors);
    assert_ok(slk_eta_new(&sim->eta, &diag), diag);
    const int64_t all_ms = (int64_t)lives * (int64_t)sim_between(sim, 3, 15) * 60000;
    sim->heal_ms = SIM_START_MS + all_ms + SIM_DAY_MS;
    sim_chain_begin(sim);
    sim_workers_begin(sim);
    int64_t at = SIM_START_MS;
    for (size_t i = 0; i < lives; i++) {
        sim->rows[i].due_ms = SLK_SECTOR_NEVER;
        sim->rows[i].begins_ms = at;
        sim->rows[i].with_piece = sim_draw(sim, 4) == 0;
        sim->rows[i].will_terminate = sim_draw(sim, 20) == 0;
        at += (int64_t)sim_draw(sim, (uint64_t)(2 * all_ms / (int64_t)lives));
    }
}

static void end(sim_t *sim)
{
    for (size_t i = 0; i < sim->lives; i++) {
        slk_arena_free(&sim->rows[i].arena);
        free(sim->rows[i].log);
    }
    for (size_t i = 0; i < sim->job_cnt; i++) {
        json_decref(sim->jobs[i].params);
        json_decref(sim->jobs[i].view.result);
    }
    for (size_t i = 0; i < sim->message_cnt; i++) {
        slk_message_row_free(&sim->messages[i]->row);
        slk_arena_free(&sim->messages[i]->arena);
        free(sim->messages[i]);
    }
    slk_eta_free(sim->eta);
    free(sim->rows);
    free(sim->actors);
    free(sim->messages);
    free(sim->by_nonce);
    free(sim->tipsets);
    free(sim->undos);
    free(sim->jobs);
    free(sim->job_slots);
}

/* --- Time ----------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_of_manager(const sim_t *sim)
{
    int64_t next = earlier(sim->send_ms, sim->sched_due ? sim->now_ms : sim->sched_ms);
    for (uint64_t n = 0; n < sim->next_number; n++)
        next = earlier(next, sim->rows[n].due_ms);
    for (unsigned kind = 0; kind < SLK_BATCH_CNT; kind++)
        if (sim->batch_seen[kind] && sim->batch_ms[kind] > sim->now_ms)
            next = earlier(next, sim->batch_ms[kind]);
    return next;
}

static void advance(sim_t *sim)
{
    int64_t next = earlier(sim->next_epoch_ms, sim_workers_next(sim));
    next = earlier(next, sim->node_back_ms);
    next = earlier(next, sim->down ? sim->up_ms : next_of_manager(sim));
    sim->still = next > sim->now_ms ? 0 : sim->still + 1;
    SIM_CHECK(sim, UINT64_MAX, sim->still < 2000, "time stands still");
    if (next > sim->now_ms)
        sim->now_ms = next;
}

static void node_trouble(sim_t *sim)
{
    if (sim->node_back_ms <= sim->now_ms) {
        sim->node_away = false;
        sim->node_back_ms = SIM_NEVER;
    }
    if (!sim->trouble.node_hours || sim->now_ms < sim->next_node_ms)
        return;
    if (sim->next_node_ms && !sim->node_away) {
        sim->node_away = true;
        sim->node_back_ms = sim->now_ms + sim_between(sim, 60000, 2 * SIM_HOUR_MS);
    }
    sim->next_node_ms =
        sim->now_ms + sim_between(sim, 1, 2 * sim->trouble.node_hours * SIM_HOUR_MS);
}

static void heal(sim_t *sim)
{
    sim->healthy = true;
    sim->node_away = false;
    sim->node_back_ms = SIM_NEVER;
    sim_workers_heal(sim);
}

static void trouble(sim_t *sim)
{
    if (!sim->healthy && sim->now_ms >= sim->heal_ms)
        heal(sim);
    if (sim->healthy)
        return;
    node_trouble(sim);
    sim_workers_trouble(sim);
    if (sim->trouble.person && sim->now_ms >= sim->next_person_ms && !sim->down) {
        if (sim->next_person_ms)
            sim_person_meddles(sim);
        sim->next_person_ms =
            sim->now_ms + sim_between(sim, 1, 2 * SIM_DAY_MS / (int64_t)sim->trouble.person);
    }
}

/* --- Sectors as people want them ------------------------------------------------------------ */

/* An operator forced it to where nothing is: it would be tried for ever, every minute, as in
 * Lotus. */
static bool has_lost_files(const sim_row_t *row)
{
    slk_file_types_t has = 0;
    for (size_t f = 0; f < row->file_cnt; f++)
        has |= row->files[f].type;
    return row->ends_by_person && (~has & (SLK_FT_SEALED | SLK_FT_CACHE));
}

static void people(sim_t *sim)
{
    if (sim->next_number < sim->lives && sim->rows[sim->next_number].begins_ms <= sim->now_ms)
        sim_create(sim, &sim->rows[sim->next_number]);
    for (uint64_t n = 0; n < sim->next_number; n++) {
        sim_row_t *row = &sim->rows[n];
        const slk_sector_state_t state = sim_state(row);
        if ((row->for_person && sim->now_ms >= row->person_ms) ||
            (state == SLK_STATE_FINALIZE_FAILED && has_lost_files(row)))
            sim_person_decides(sim, row);
        if (!row->will_terminate || (state != SLK_STATE_PROVING && state != SLK_STATE_AVAILABLE) ||
            sim->now_ms < row->info.entered_ms + SIM_HOUR_MS)
            continue;
        row->will_terminate = false;
        sim_step(sim, row, &(slk_event_t){.type = SLK_EVENT_TERMINATE, .text = "an operator"});
    }
}

static void manager(sim_t *sim)
{
    if (sim->down) {
        if (sim->now_ms < sim->up_ms)
            return;
        sim_starts(sim);
    }
    sim_leases(sim);
    sim_follow(sim);
    people(sim);
    if (!sim->dying && sim->send_ms <= sim->now_ms)
        sim_send(sim);
    if (!sim->dying)
        sim_runner(sim);
    if (!sim->dying)
        sim_batcher(sim);
    if (!sim->dying)
        sim_schedule(sim);
    if (!sim->dying)
        return;
    sim->down = true;
    sim->up_ms = sim->now_ms + (sim_draw(sim, 4) ? sim_between(sim, 100, 60000)
                                                 : sim_between(sim, 60000, 3 * SIM_HOUR_MS));
}

/* --- The end -------------------------------------------------------------------------------- */

static bool all_over(const sim_t *sim)
{
    for (size_t i = 0; i < sim->lives; i++)
        if (!sim->rows[i].over)
            return false;
    return true;
}

static void check_hanging(sim_t *sim)
{
    if (!sim->healthy || sim->now_ms < sim->heal_ms + SIM_BOUND_MS)
        return;
    for (size_t i = 0; i < sim->lives; i++)
        SIM_CHECK(sim, i, sim->rows[i].over, "it hangs in a healthy world, in %s",
                  slk_sector_state_name(sim_state(&sim->rows[i])));
}

/* Files of a proven sector are in long-term storage and nowhere else, of a removed one nowhere. */
static void check_files(sim_t *sim, const sim_row_t *row)
{
    slk_file_types_t final = 0;
    const uint64_t number = row->info.sector_number;
    const bool removed = sim_state(row) == SLK_STATE_REMOVED;
    for (size_t f = 0; f < row->file_cnt; f++) {
        const sim_store_t *store = &sim->stores[row->files[f].store];
        SIM_CHECK(sim, number, !removed, "it is removed and has files");
        SIM_CHECK(sim, number, store->can_final || row->ends_by_person,
                  "%s is in %s, which is not for long", slk_file_type_name(row->files[f].type),
                  store->id);
        if (store->can_final)
            final |= row->files[f].type;
    }
    SIM_CHECK(sim, number,
              removed || row->ends_by_person ||
                  (final & (SLK_FT_SEALED | SLK_FT_CACHE)) == (SLK_FT_SEALED | SLK_FT_CACHE),
              "it is proven, and its files are not in long-term storage");
}

static void check_sector(sim_t *sim, const sim_row_t *row)
{
    const uint64_t number = row->info.sector_number;
    const sim_actor_t *a = &sim->actors[number];
    const slk_sector_state_t state = sim_state(row);
    const bool proven = state == SLK_STATE_PROVING || state == SLK_STATE_AVAILABLE;
    check_files(sim, row);
    SIM_CHECK(sim, number, !proven || (a->proven && !a->pre_committed) || row->ends_by_person,
              "it is proven here and not on chain");
    SIM_CHECK(sim, number, proven || !a->live || row->ends_by_person,
              "it is proven on chain, and removed here");
    SIM_CHECK(sim, number, proven == (state != SLK_STATE_REMOVED), "it ends in %s",
              slk_sector_state_name(state));
    sim->counts.proving += state == SLK_STATE_PROVING;
    sim->counts.available += state == SLK_STATE_AVAILABLE;
    sim->counts.removed += state == SLK_STATE_REMOVED;
    sim->counts.by_person += row->ends_by_person;
}

/* A deposit is given back, or was lost because nobody could prove in time, or because a person
 * said so. */
static void check_money(sim_t *sim)
{
    int64_t locked = 0, lost = 0;
    for (uint64_t n = 0; n < sim->next_number; n++) {
        const sim_row_t *row = &sim->rows[n];
        const bool loses = row->pre_commits && !row->commits;
        locked += (int64_t)sim->actors[n].deposit;
        lost += loses ? SIM_DEPOSIT : 0;
        SIM_CHECK(sim, n, !loses || row->expired || row->ends_by_person || sim->trouble.deep_reorg,
                  "it ended, and its deposit is lost");
    }
    SIM_CHECK(sim, UINT64_MAX, locked == sim->locked && lost == sim->locked + sim->burnt,
              "deposits: %" PRId64 " are locked, %" PRId64 " were lost; it should be %" PRId64
              " and %" PRId64,
              locked, lost, sim->locked, sim->locked + sim->burnt);
    sim->counts.lost_deposits += (uint64_t)(lost / SIM_DEPOSIT);
}

static void add_counts(sim_counts_t *to, const sim_counts_t *from)
{
    const uint64_t *f = (const uint64_t *)from;
    uint64_t *t = (uint64_t *)to;
    for (size_t i = 0; i < sizeof *to / sizeof *t; i++)
        t[i] += f[i];
}

void sim_run(uint64_t seed, size_t lives, bool tell, sim_counts_t *counts)
{
    static sim_t sim;
    begin(&sim, seed, lives, tell);
    while (!all_over(&sim)) {
        advance(&sim);
        trouble(&sim);
        if (sim.now_ms >= sim.next_epoch_ms)
            sim_chain_epoch(&sim);
        sim_workers(&sim);
        manager(&sim);
        check_hanging(&sim);
    }
    for (size_t i = 0; i < lives; i++)
        check_sector(&sim, &sim.rows[i]);
    check_money(&sim);
    add_counts(counts, &sim.counts);
    end(&sim);
}
