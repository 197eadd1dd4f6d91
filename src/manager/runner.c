#include "manager/runner_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "manager/holders.h"
#include "manager/seal/decide.h"
#include "net/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS   250  /* how often is looked whether something is due, without a wake */
#define PAUSE_MS  1000 /* after trouble with the database */
#define NO_SECTOR UINT64_MAX

/* What a thread that decides has. */
typedef struct {
    slk_runner_t *runner;
    unsigned index;
    slk_db_t *db;
    slk_world_node_t *world;
} decider_t;

int64_t slk_runner_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Steps ---------------------------------------------------------------------------------------- */

static slk_err_t drop_jobs(slk_db_t *db, const slk_sector_change_t *change, void *ctx,
                           slk_diag_t *diag)
{
    (void)ctx;
    return slk_job_drop(db, change->after->miner, change->after->sector_number, NULL,
                        change->now_ms, diag);
}

static const slk_sector_hook_t hook_rows[] = {{drop_jobs, NULL}};
const slk_sector_hooks_t slk_runner_hooks = {hook_rows, SLK_COUNT(hook_rows)};

void slk_runner_log_step(const slk_sector_outcome_t *outcome, uint64_t miner, uint64_t number,
                         const slk_event_t *event)
{
    const char *why = event->text ? event->text : "";
    if (outcome->step == SLK_STEP_REFUSED) {
        slk_log_sector(SLK_LOG_WARN, "sector", miner, number, "%s", outcome->why.text);
        return;
    }
    if (outcome->step == SLK_STEP_IGNORED)
        return;
    bool bad = slk_sector_state_class(outcome->to) == SLK_CLASS_FAILED;
    slk_log_sector(bad ? SLK_LOG_WARN : SLK_LOG_INFO, "sector", miner, number, "%s -> %s (%s)%s%s",
                   slk_sector_state_name(outcome->from), slk_sector_state_name(outcome->to),
                   slk_event_name(event->type), *why ? ": " : "", why);
}

/* --- Storing a decision ------------------------------------------------------------------------------ */

typedef struct {
    const slk_sector_row_t *row;
    const slk_decision_t *decision;
    int64_t now_ms;
    slk_arena_t arena; /* of the step */
    slk_sector_outcome_t outcome;
} store_t;

static slk_err_t store_wait(slk_db_t *db, const store_t *store, const slk_sector_wait_t *wait,
                            slk_diag_t *diag)
{
    return slk_sector_store_wait(db, store->row->miner, store->row->number, store->row->version,
                                 wait, store->now_ms, diag);
}

static slk_err_t store_event(slk_db_t *db, store_t *store, slk_diag_t *diag)
{
    const slk_sector_row_t *row = store->row;
    slk_arena_free(&store->arena);
    slk_err_t err = slk_sector_store_step(db, row->miner, row->number, row->version,
                                          &store->decision->event, store->now_ms, &slk_runner_hooks,
                                          &store->arena, &store->outcome, diag);
    if (err != SLK_OK || store->outcome.step == SLK_STEP_TAKEN)
        return err;
    /* The machine did not want what was decided: not at once again. */
    slk_sector_wait_t wait = slk_sector_wait_none();
    wait.trouble = true;
    wait.why =
        store->outcome.step == SLK_STEP_REFUSED ? store->outcome.why.text : store->decision->why;
    return store_wait(db, store, &wait, diag);
}

static slk_err_t store_decision(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    store_t *store = ctx;
    const slk_decision_t *decision = store->decision;
    slk_sector_wait_t wait = slk_sector_wait_none();
    int64_t id;
    slk_err_t err = SLK_OK;
    wait.why = decision->why;
    switch (decision->kind) {
    case SLK_DECIDE_EVENT:
        return store_event(db, store, diag);
    case SLK_DECIDE_JOB:
        wait.job = decision->job.key;
        wait.until_ms = decision->until_ms;
        wait.until_epoch = decision->until_epoch;
        err = slk_job_add(db, &decision->job, store->now_ms, &id, diag);
        break;
    case SLK_DECIDE_BATCH:
        wait.batch = (int)decision->batch;
        wait.batch_cutoff = decision->batch_cutoff;
        wait.until_ms = decision->until_ms;
        wait.until_epoch = decision->until_epoch;
        break;
    case SLK_DECIDE_WAIT:
        wait.until_ms = decision->until_ms;
        wait.until_epoch = decision->until_epoch;
        wait.trouble = decision->trouble;
        break;
    case SLK_DECIDE_REST:
        wait.rest = true;
        break;
    }
    return err == SLK_OK ? store_wait(db, store, &wait, diag) : err;
}

/* --- One sector ---------------------------------------------------------------------------------------- */

static void after_commit(slk_runner_t *runner, const store_t *store)
{
    const slk_decision_t *decision = store->decision;
    if (decision->kind == SLK_DECIDE_EVENT)
        slk_runner_log_step(&store->outcome, store->row->miner, store->row->number,
                            &decision->event);
    else if (decision->kind == SLK_DECIDE_WAIT && decision->trouble)
        slk_log_sector(SLK_LOG_WARN, "sector", store->row->miner, store->row->number, "%s",
                       decision->why);
    if (decision->kind == SLK_DECIDE_EVENT || decision->kind == SLK_DECIDE_JOB)
        slk_dispatch_wake(runner->opts.dispatch);
    if (decision->kind == SLK_DECIDE_EVENT || decision->kind == SLK_DECIDE_BATCH)
        slk_runner_wake(runner);
}

/* A miner that is ours no more: its sectors are left alone. */
static void not_ours(slk_decision_t *decision, uint64_t miner)
{
    *decision = (slk_decision_t){.kind = SLK_DECIDE_WAIT, .trouble = true};
    snprintf(decision->why, sizeof decision->why,
             "miner f0%" PRIu64 " is not in the configuration; add it to [[Miners]] again", miner);
}

static slk_err_t move_on(decider_t *me, const slk_sector_ref_t *ref, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_sector_row_t row;
    slk_miner_config_t config;
    slk_decision_t decision = {.kind = SLK_DECIDE_REST};
    const int64_t now = slk_runner_now();
    store_t store = {.row = &row, .decision = &decision, .now_ms = now};
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    slk_arena_init(&store.arena, SLK_SECTOR_ROOM);
    SLK_TRY(slk_sector_load(me->db, ref->miner, ref->number, &arena, &row, diag));
    if (row.due_ms > now)
        goto out;
    if (me->runner->opts.config(me->runner->opts.config_ctx, ref->miner, &config)) {
        slk_world_t world =
            slk_world_node_view(me->world, &config, now, (unsigned)(row.trouble + 1));
        SLK_TRY(slk_decide(&world, row.info, &arena, &decision, diag));
    } else {
        not_ours(&decision, ref->miner);
    }
    err = slk_db_transact(me->db, store_decision, &store, diag);
    if (err == SLK_OK)
        after_commit(me->runner, &store);
    else if (err == SLK_ERR_STATE) /* something happened meanwhile: decided on anew */
        err = SLK_OK;
out:
    slk_decision_fini(&decision);
    slk_arena_free(&store.arena);
    slk_arena_free(&arena);
    return err;
}

/* --- Threads ------------------------------------------------------------------------------------------- */

void slk_runner_wake(slk_runner_t *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->wakes++;
    pthread_cond_broadcast(&runner->something);
    pthread_mutex_unlock(&runner->lock);
}

bool slk_runner_wait(slk_runner_t *runner, uint64_t *seen, int64_t ms)
{
    struct timespec until = slk_net_after_ms((uint64_t)ms);
    pthread_mutex_lock(&runner->lock);
    while (!atomic_load(&runner->stop) && runner->wakes == *seen)
        if (pthread_cond_timedwait(&runner->something, &runner->lock, &until) == ETIMEDOUT)
            break;
    *seen = runner->wakes;
    pthread_mutex_unlock(&runner->lock);
    return !atomic_load(&runner->stop);
}

static bool is_taken(const slk_runner_t *runner, const slk_sector_ref_t *ref)
{
    for (unsigned i = 0; i < SLK_RUNNER_THREADS_MAX; i++)
        if (runner->taken[i].miner == ref->miner && runner->taken[i].number == ref->number)
            return true;
    return false;
}

/* Take the first of the queue that nobody has; lock held. */
static bool take(slk_runner_t *runner, unsigned index, slk_sector_ref_t *out)
{
    while (runner->queue_cnt) {
        slk_sector_ref_t ref = runner->queue[0];
        runner->queue_cnt--;
        memmove(runner->queue, runner->queue + 1, runner->queue_cnt * sizeof *runner->queue);
        if (is_taken(runner, &ref))
            continue;
        runner->taken[index] = ref;
        *out = ref;
        return true;
    }
    return false;
}

/* Ask the database who is due; lock not held. */
static slk_err_t look(decider_t *me, slk_diag_t *diag)
{
    slk_runner_t *runner = me->runner;
    slk_sector_ref_t due[SLK_COUNT(runner->queue)];
    size_t cnt = 0;
    slk_err_t err = slk_sector_due(me->db, slk_runner_now(), due, SLK_COUNT(due), &cnt, diag);
    pthread_mutex_lock(&runner->lock);
    if (err == SLK_OK) {
        memcpy(runner->queue, due, cnt * sizeof *due);
        runner->queue_cnt = cnt;
    }
    pthread_mutex_unlock(&runner->lock);
    return err;
}

/* Until something is due this one looks, others wait for it. A wake may come from inside of a transaction, so
 * that there is nothing to be seen yet: it is looked again soon after. */
static slk_err_t look_until_due(decider_t *me, slk_sector_ref_t *ref, bool *found, slk_diag_t *diag)
{
    static const int64_t soon[] = {20, 60, LOOK_MS};
    slk_runner_t *runner = me->runner;
    uint64_t seen = 0;
    for (size_t step = 0;;) {
        slk_err_t err = look(me, diag);
        pthread_mutex_lock(&runner->lock);
        *found = err == SLK_OK && take(runner, me->index, ref);
        pthread_mutex_unlock(&runner->lock);
        if (*found || err != SLK_OK)
            return err;
        const uint64_t before = seen;
        if (!slk_runner_wait(runner, &seen, soon[step]))
            return SLK_OK;
        step = seen != before ? 0 : step + 1 < SLK_COUNT(soon) ? step + 1 : step;
    }
}

/* The next sector for this thread. *found false: stop, or an error. */
static slk_err_t next_sector(decider_t *me, slk_sector_ref_t *ref, bool *found, slk_diag_t *diag)
{
    slk_runner_t *runner = me->runner;
    pthread_mutex_lock(&runner->lock);
    while (!(*found = take(runner, me->index, ref)) && runner->looking &&
           !atomic_load(&runner->stop)) {
        struct timespec until = slk_net_after_ms(PAUSE_MS);
        pthread_cond_timedwait(&runner->something, &runner->lock, &until);
    }
    if (*found || atomic_load(&runner->stop)) {
        pthread_mutex_unlock(&runner->lock);
        return SLK_OK;
    }
    runner->looking = true;
    pthread_mutex_unlock(&runner->lock);
    slk_err_t err = look_until_due(me, ref, found, diag);
    pthread_mutex_lock(&runner->lock);
    runner->looking = false;
    pthread_cond_broadcast(&runner->something);
    pthread_mutex_unlock(&runner->lock);
    return err;
}

static void give_back(decider_t *me)
{
    pthread_mutex_lock(&me->runner->lock);
    me->runner->taken[me->index] = (slk_sector_ref_t){NO_SECTOR, NO_SECTOR};
    pthread_mutex_unlock(&me->runner->lock);
}

static void decide_until_stopped(decider_t *me)
{
    uint64_t seen = 0;
    slk_diag_t diag;
    while (!atomic_load(&me->runner->stop)) {
        slk_sector_ref_t ref;
        bool found;
        diag.text[0] = 0;
        slk_err_t err = next_sector(me, &ref, &found, &diag);
        if (err == SLK_OK && found) {
            err = move_on(me, &ref, &diag);
            give_back(me);
            if (err != SLK_OK && err != SLK_ERR_NOTFOUND)
                slk_log_sector(SLK_LOG_ERROR, "sector", ref.miner, ref.number, "%s: %s",
                               slk_err_text(err), diag.text);
        } else if (err != SLK_OK) {
            slk_log(SLK_LOG_ERROR, "manager", "looking for due sectors: %s", diag.text);
        }
        if (err != SLK_OK && err != SLK_ERR_NOTFOUND)
            slk_runner_wait(me->runner, &seen, PAUSE_MS);
    }
}

/* The manager's index of files, for decisions. */
static slk_look_t no_duration(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                              slk_diag_t *diag)
{
    bool found;
    if (slk_job_typical(ctx, task, seal_proof, &found, ms, diag) != SLK_OK)
        return SLK_LOOK_BROKEN;
    return found ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
}

static bool followed_head(void *ctx, slk_head_t *head)
{
    slk_chain_status_t status;
    slk_chain_status(ctx, &status);
    *head = status.head;
    return status.following && status.head.height >= 0;
}

slk_err_t slk_runner_world(slk_runner_t *runner, slk_db_t *db, slk_world_node_t **world,
                           slk_diag_t *diag)
{
    slk_world_node_opts_t opts = {
        .api = {.nodes = slk_chain_nodes(runner->opts.chain),
                .network = SLK_TESTNET,
                .job = &runner->job},
        .db = db,
        .signer = runner->opts.signer,
        .nonces = runner->opts.nonces,
        .params_dir = runner->opts.params_dir,
        .head = followed_head,
        .head_ctx = runner->opts.chain,
        .holders = slk_manager_holders,
        .holders_ctx = db,
        .typical = no_duration,
        .typical_ctx = db,
    };
    return slk_world_node_new(world, &opts, diag);
}

static void *decider(void *arg)
{
    decider_t *me = arg;
    slk_diag_t diag = {0};
    slk_err_t err = slk_db_open(&me->db, me->runner->database, &diag);
    if (err == SLK_OK)
        err = slk_runner_world(me->runner, me->db, &me->world, &diag);
    if (err == SLK_OK)
        decide_until_stopped(me);
    else
        slk_log(SLK_LOG_ERROR, "manager", "a thread that decides cannot work: %s", diag.text);
    slk_world_node_free(me->world);
    slk_db_close(me->db);
    free(me);
    return NULL;
}

/* --- Start, stop ------------------------------------------------------------------------------------------ */

static slk_err_t wake_all(slk_runner_t *runner, slk_diag_t *diag)
{
    slk_db_t *db;
    slk_err_t err = slk_db_open(&db, runner->database, diag);
    if (err != SLK_OK)
        return err;
    err = slk_sector_wake_all(db, false, slk_runner_now(), NULL, diag);
    slk_db_close(db);
    return err;
}

static slk_err_t start_threads(slk_runner_t *runner, unsigned cnt, slk_diag_t *diag)
{
    for (unsigned i = 0; i <= cnt; i++) {
        decider_t *me = i ? calloc(1, sizeof *me) : NULL;
        if (i && !me)
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        if (i)
            *me = (decider_t){.runner = runner, .index = i - 1};
        int rc = i ? slk_net_thread(&runner->threads[i], decider, me)
                   : slk_net_thread(&runner->threads[i], slk_runner_batcher, runner);
        if (rc != 0) {
            free(me);
            return slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
        }
        runner->thread_cnt++;
    }
    return SLK_OK;
}

slk_err_t slk_runner_start(slk_runner_t **out, const slk_runner_opts_t *opts, slk_diag_t *diag)
{
    slk_err_t err;
    unsigned cnt = opts->threads ? opts->threads : 4;
    slk_runner_t *runner = calloc(1, sizeof *runner);
    *out = NULL;
    if (!runner)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    runner->opts = *opts;
    runner->job.cancel = &runner->stop;
    pthread_mutex_init(&runner->lock, NULL);
    slk_net_cond_init(&runner->something);
    for (unsigned i = 0; i < SLK_RUNNER_THREADS_MAX; i++)
        runner->taken[i] = (slk_sector_ref_t){NO_SECTOR, NO_SECTOR};
    runner->database = strdup(opts->database);
    runner->batches = calloc(SLK_CONFIG_MINERS_MAX, sizeof *runner->batches);
    if (!runner->database || !runner->batches) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(wake_all(runner, diag));
    SLK_TRY(start_threads(runner, cnt < SLK_RUNNER_THREADS_MAX ? cnt : SLK_RUNNER_THREADS_MAX - 1,
                          diag));
    *out = runner;
    return SLK_OK;
out:
    slk_runner_free(runner);
    return err;
}

void slk_runner_stop(slk_runner_t *runner)
{
    if (!runner)
        return;
    atomic_store(&runner->stop, true);
    slk_runner_wake(runner);
    for (unsigned i = 0; i < runner->thread_cnt; i++)
        pthread_join(runner->threads[i], NULL);
    runner->thread_cnt = 0;
}

void slk_runner_free(slk_runner_t *runner)
{
    if (!runner)
        return;
    slk_runner_stop(runner);
    pthread_cond_destroy(&runner->something);
    pthread_mutex_destroy(&runner->lock);
    free(runner->batches);
    free(runner->database);
    free(runner);
}
