#include "manager/runner_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "manager/seal/batch_message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The thread that sends batches. Candidates are rows of the database; what is kept here only saves asking. */

#define LOOK_MS    500
#define TROUBLE_MS 10000
#define CANDIDATES_MAX                                                                             \
    4096 /* of one kind looked at in one pass; those beyond come with the next message */

typedef struct {
    slk_runner_t *runner;
    slk_db_t *db;
    slk_world_node_t *world;
} batcher_t;

/* Candidates of one kind and miner, and the chosen ones with their records. */
typedef struct {
    slk_batch_kind_t kind;
    uint64_t miner;
    int64_t now_ms;
    slk_miner_config_t config;
    slk_sector_row_t *rows;
    size_t row_cnt;
    slk_arena_t arena;
    const slk_sector_info_t **infos;
    slk_sector_row_t *chosen;
    size_t chosen_cnt;
    slk_batch_message_t message;
    slk_sector_outcome_t *outcomes;
} round_t;

/* --- Memory ------------------------------------------------------------------------------------------ */

/* Lock held. */
static slk_batch_memory_t *memory_of(slk_runner_t *runner, uint64_t miner)
{
    for (size_t i = 0; i < runner->batch_cnt; i++)
        if (runner->batches[i].miner == miner)
            return &runner->batches[i];
    if (runner->batch_cnt == SLK_CONFIG_MINERS_MAX)
        return NULL;
    runner->batches[runner->batch_cnt] = (slk_batch_memory_t){.miner = miner};
    return &runner->batches[runner->batch_cnt++];
}

static void remember(slk_runner_t *runner, const round_t *round, const char *why, int64_t until_ms)
{
    pthread_mutex_lock(&runner->lock);
    slk_batch_memory_t *memory = memory_of(runner, round->miner);
    if (memory) {
        snprintf(memory->why[round->kind], sizeof memory->why[0], "%s", why);
        memory->until_ms[round->kind] = until_ms;
        memory->cnt[round->kind] = round->row_cnt;
    }
    pthread_mutex_unlock(&runner->lock);
}

static bool take_flush(slk_runner_t *runner, const round_t *round)
{
    pthread_mutex_lock(&runner->lock);
    slk_batch_memory_t *memory = memory_of(runner, round->miner);
    bool flush = memory && memory->flush[round->kind];
    if (flush)
        memory->flush[round->kind] = false;
    pthread_mutex_unlock(&runner->lock);
    return flush;
}

/* Nothing new since the last look, and its time has not come. */
static bool may_skip(slk_runner_t *runner, const round_t *round, bool flush)
{
    pthread_mutex_lock(&runner->lock);
    slk_batch_memory_t *memory = memory_of(runner, round->miner);
    bool skip = !flush && memory && memory->cnt[round->kind] == round->row_cnt &&
                round->now_ms < memory->until_ms[round->kind];
    pthread_mutex_unlock(&runner->lock);
    return skip;
}

void slk_runner_flush(slk_runner_t *runner, uint64_t miner, slk_batch_kind_t kind)
{
    pthread_mutex_lock(&runner->lock);
    slk_batch_memory_t *memory = memory_of(runner, miner);
    if (memory)
        memory->flush[kind] = true;
    pthread_mutex_unlock(&runner->lock);
    slk_runner_wake(runner);
}

void slk_runner_batch_why(slk_runner_t *runner, uint64_t miner, slk_batch_kind_t kind, char *out,
                          size_t cap)
{
    pthread_mutex_lock(&runner->lock);
    slk_batch_memory_t *memory = memory_of(runner, miner);
    snprintf(out, cap, "%s", memory ? memory->why[kind] : "");
    pthread_mutex_unlock(&runner->lock);
}

/* --- Planning ------------------------------------------------------------------------------------------ */

static slk_err_t load_candidates(batcher_t *me, round_t *round, slk_diag_t *diag)
{
    slk_sector_filter_t filter = {
        .miner = round->miner, .candidates = true, .batch = (int)round->kind};
    round->rows = calloc(CANDIDATES_MAX, sizeof *round->rows);
    if (!round->rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    return slk_sector_list(me->db, &filter, NULL, CANDIDATES_MAX, NULL, round->rows,
                           &round->row_cnt, diag);
}

static slk_err_t plan(const round_t *round, const slk_batch_clock_t *clock, bool flush,
                      slk_batch_plan_t *out, size_t **chosen, slk_diag_t *diag)
{
    slk_batch_rules_t rules;
    slk_batch_rules(&rules, round->kind, &round->config);
    slk_batch_candidate_t *candidates = calloc(round->row_cnt, sizeof *candidates);
    *chosen = calloc(rules.max ? rules.max : 1, sizeof **chosen);
    if (!candidates || !*chosen) {
        free(candidates);
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < round->row_cnt; i++)
        candidates[i] = (slk_batch_candidate_t){.number = round->rows[i].number,
                                                .since_ms = round->rows[i].batch_since_ms,
                                                .cutoff = round->rows[i].batch_cutoff};
    slk_batch_plan(out, *chosen, &rules, round->kind, candidates, round->row_cnt, clock, flush);
    free(candidates);
    return SLK_OK;
}

/* Records of the chosen ones as they are now; those that are candidates no more are left out. */
static slk_err_t load_chosen(batcher_t *me, round_t *round, const size_t *chosen, size_t cnt,
                             slk_diag_t *diag)
{
    slk_err_t err;
    round->chosen = calloc(cnt, sizeof *round->chosen);
    round->infos = calloc(cnt, sizeof *round->infos);
    round->outcomes = calloc(cnt, sizeof *round->outcomes);
    if (!round->chosen || !round->infos || !round->outcomes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_arena_free(&round->arena);
    slk_arena_init(&round->arena, SLK_SECTOR_ROOM + cnt * ((size_t)1 << 20));
    for (size_t i = 0; i < cnt; i++) {
        const slk_sector_row_t *row = &round->rows[chosen[i]];
        slk_sector_row_t *to = &round->chosen[round->chosen_cnt];
        SLK_TRY(slk_sector_load(me->db, row->miner, row->number, &round->arena, to, diag));
        if (to->version == row->version)
            round->infos[round->chosen_cnt++] = to->info;
    }
    err = SLK_OK;
out:
    return err;
}

/* --- Sending ------------------------------------------------------------------------------------------ */

static slk_err_t store_batch(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    round_t *round = ctx;
    slk_err_t err = SLK_OK;
    int64_t id;
    slk_arena_t arena;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    if (round->message.has_message)
        SLK_TRY(slk_message_add(db, &round->message.want, round->now_ms, &id, diag));
    for (size_t i = 0; i < round->message.step_cnt; i++) {
        const slk_batch_step_t *step = &round->message.steps[i];
        const slk_sector_row_t *row = &round->chosen[step->sector];
        slk_arena_free(&arena);
        SLK_TRY(slk_sector_store_step(db, row->miner, row->number, row->version, &step->event,
                                      round->now_ms, &slk_runner_hooks, &arena, &round->outcomes[i],
                                      diag));
        if (round->outcomes[i].step == SLK_STEP_REFUSED) {
            err = slk_fail(diag, SLK_ERR_STATE, "sector %" PRIu64 ": %s", row->number,
                           round->outcomes[i].why.text);
            goto out;
        }
    }
out:
    slk_arena_free(&arena);
    return err;
}

static slk_err_t send_batch(batcher_t *me, round_t *round, const slk_world_t *world,
                            slk_diag_t *diag)
{
    slk_err_t err = slk_batch_message(world, round->kind, round->infos, round->chosen_cnt,
                                      &round->arena, &round->message, diag);
    if (err != SLK_OK)
        return err;
    if (round->message.step_cnt) {
        err = slk_db_transact(me->db, store_batch, round, diag);
        if (err == SLK_ERR_STATE) { /* one of them moved meanwhile: planned anew */
            remember(me->runner, round, diag->text, 0);
            return SLK_OK;
        }
        if (err != SLK_OK)
            return err;
        for (size_t i = 0; i < round->message.step_cnt; i++) {
            const slk_batch_step_t *step = &round->message.steps[i];
            slk_runner_log_step(&round->outcomes[i], round->miner,
                                round->chosen[step->sector].number, &step->event);
        }
        slk_chain_wake(me->runner->opts.chain);
        slk_runner_wake(me->runner);
    }
    /* What did not fit goes with the next message, at once. */
    if (round->message.rest)
        slk_runner_flush(me->runner, round->miner, round->kind);
    if (round->message.trouble)
        slk_log(SLK_LOG_WARN, "manager", "miner f0%" PRIu64 ", batch of %ss: %s", round->miner,
                slk_batch_kind_name(round->kind), round->message.why);
    remember(me->runner, round, round->message.why, round->message.until_ms);
    return SLK_OK;
}

static slk_err_t one_round(batcher_t *me, round_t *round, slk_diag_t *diag)
{
    slk_err_t err;
    slk_batch_plan_t planned = {.send = false};
    slk_world_net_t net;
    size_t *chosen = NULL;
    slk_diag_t trouble = {0};
    SLK_TRY(load_candidates(me, round, diag));
    bool flush = take_flush(me->runner, round);
    if (!round->row_cnt) {
        remember(me->runner, round, "", 0);
        goto out;
    }
    if (may_skip(me->runner, round, flush))
        goto out;
    slk_world_t world = slk_world_node_view(me->world, &round->config, round->now_ms, 1);
    slk_look_t look = world.ops->net(world.ctx, &net, &trouble);
    if (look != SLK_LOOK_FOUND) {
        remember(me->runner, round, trouble.text, round->now_ms + TROUBLE_MS);
        if (flush)
            slk_runner_flush(me->runner, round->miner, round->kind);
        goto out;
    }
    slk_batch_clock_t clock = {round->now_ms, net.height, net.head_ms, net.block_ms};
    SLK_TRY(plan(round, &clock, flush, &planned, &chosen, diag));
    if (!planned.send) {
        remember(me->runner, round, planned.why, planned.until_ms);
        goto out;
    }
    SLK_TRY(load_chosen(me, round, chosen, planned.cnt, diag));
    if (round->chosen_cnt)
        err = send_batch(me, round, &world, diag);
out:
    free(chosen);
    return err;
}

/* --- The thread ---------------------------------------------------------------------------------------- */

static void pass(batcher_t *me)
{
    uint64_t miners[SLK_CONFIG_MINERS_MAX];
    const slk_runner_opts_t *opts = &me->runner->opts;
    size_t cnt = opts->miners(opts->config_ctx, miners, SLK_CONFIG_MINERS_MAX);
    for (size_t i = 0; i < cnt; i++) {
        for (slk_batch_kind_t kind = 0; kind < SLK_BATCH_CNT; kind++) {
            slk_diag_t diag = {0};
            round_t round = {.kind = kind, .miner = miners[i], .now_ms = slk_runner_now()};
            slk_arena_init(&round.arena, SLK_SECTOR_ROOM);
            if (opts->config(opts->config_ctx, miners[i], &round.config) &&
                one_round(me, &round, &diag) != SLK_OK && !atomic_load(&me->runner->stop))
                slk_log(SLK_LOG_ERROR, "manager", "miner f0%" PRIu64 ", batch of %ss: %s",
                        miners[i], slk_batch_kind_name(kind), diag.text);
            free(round.rows);
            free(round.chosen);
            free(round.infos);
            free(round.outcomes);
            slk_arena_free(&round.arena);
        }
    }
}

void *slk_runner_batcher(void *arg)
{
    batcher_t me = {.runner = arg};
    slk_diag_t diag = {0};
    uint64_t seen = 0;
    slk_err_t err = slk_db_open(&me.db, me.runner->database, &diag);
    if (err == SLK_OK)
        err = slk_runner_world(me.runner, me.db, &me.world, &diag);
    if (err != SLK_OK)
        slk_log(SLK_LOG_ERROR, "manager", "batches cannot be sent: %s", diag.text);
    else
        do
            pass(&me);
        while (slk_runner_wait(me.runner, &seen, LOOK_MS));
    slk_world_node_free(me.world);
    slk_db_close(me.db);
    return NULL;
}
