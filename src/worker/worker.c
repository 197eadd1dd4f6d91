/* A worker from start to end, and its talk with the manager. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "codec/base64.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MIN_MS 500u
#define IDLE_SECONDS 300   /* after which a processor without a job ends */
#define LEAVE_MS     5000u /* for the manager to hear that the worker leaves */

static slk_bytes_t bytes_of(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

static bool stopping(const slk_worker_t *w)
{
    return atomic_load(w->stop) || atomic_load(&w->stop_here);
}

/* --- Limits --------------------------------------------------------------------------------- */

unsigned slk_worker_default_limit(const char *task)
{
    slk_task_t id;
    return slk_task_from_name(&id, task) && !slk_tasks[id].heavy ? 4 : 1;
}

unsigned slk_worker_limit(const slk_worker_opts_t *opts, slk_task_t task)
{
    slk_task_t named;
    for (size_t i = 0; i < opts->limit_cnt; i++)
        if (slk_task_from_name(&named, opts->limits[i].task) && named == task)
            return opts->limits[i].limit;
    /* As Lotus' --no-default: what only touches files, and C1, is always taken. */
    if (opts->no_default && slk_tasks[task].heavy && task != SLK_TASK_C1)
        return 0;
    return slk_worker_default_limit(slk_tasks[task].name);
}

static slk_err_t check_opts(const slk_worker_opts_t *opts, slk_diag_t *diag)
{
    slk_task_t task;
    if (!opts->repo || !opts->manager)
        return slk_fail(diag, SLK_ERR_INPUT, "a worker needs a folder and a manager's address");
    if (!opts->token && !opts->token_file)
        return slk_fail(diag, SLK_ERR_INPUT, "a worker needs the manager's token");
    for (size_t i = 0; i < opts->limit_cnt; i++)
        if (!slk_task_from_name(&task, opts->limits[i].task))
            return slk_fail(diag, SLK_ERR_INPUT, "limit of '%s': there is no such task",
                            opts->limits[i].task);
    return SLK_OK;
}

/* --- Registering ---------------------------------------------------------------------------- */

static slk_err_t fill_register(slk_register_t *in, slk_worker_t *w, slk_arena_t *arena,
                               slk_diag_t *diag)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *in = (slk_register_t){
        .protocol = SLK_CLUSTER_PROTOCOL,
        .version = bytes_of(w->version),
        .worker = bytes_of(w->repo.id),
        .session = bytes_of(w->session),
        .name = bytes_of(w->name),
        .url = bytes_of(w->remote_url),
        .clock_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
        .cores = w->cores.cnt,
        .memory = w->memory,
        .numa_nodes = w->numa_nodes,
        .miners = {(uint64_t *)w->opts->miners, w->opts->miner_cnt},
    };
    in->tasks.items = slk_arena_array(arena, SLK_TASK_CNT, sizeof *in->tasks.items);
    if (!in->tasks.items)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < SLK_TASK_CNT; i++) {
        unsigned limit = slk_worker_limit(w->opts, (slk_task_t)i);
        if (limit)
            in->tasks.items[in->tasks.count++] =
                (slk_task_limit_t){bytes_of(slk_tasks[i].name), limit};
    }
    return slk_stores_report(&in->stores, w->stores, arena, diag);
}

static slk_err_t take_registered(slk_worker_t *w, const slk_registered_t *out, slk_diag_t *diag)
{
    slk_token_key_t key = {.len = 0};
    struct timespec now;
    size_t len = 0;
    if (out->protocol != SLK_CLUSTER_PROTOCOL)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "the manager (%.*s) speaks protocol %" PRIu64 ", this worker (%s) %d: the "
                        "%s is older and is to be brought up to date",
                        (int)out->version.len, (const char *)out->version.b, out->protocol,
                        w->version, SLK_CLUSTER_PROTOCOL,
                        out->protocol < SLK_CLUSTER_PROTOCOL ? "manager" : "worker");
    if (SLK_BASE64_ROOM(out->transfer_key.len) > sizeof key.bytes ||
        !slk_base64_decode(key.bytes, &len, (const char *)out->transfer_key.b,
                           out->transfer_key.len) ||
        len < 16)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "Selkie.WorkerRegister: TransferKey: expected 16 "
                        "bytes or more in base64");
    key.len = (uint32_t)len;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t skew = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - out->clock_ms;
    if (out->clock_ms && (skew > 60000 || skew < -60000))
        slk_log(SLK_LOG_WARN, "worker",
                "this clock is %" PRId64 " s %s that of the manager: one "
                "of them is wrong, which does no harm here",
                (skew < 0 ? -skew : skew) / 1000, skew < 0 ? "behind" : "ahead of");
    slk_worker_lock(w);
    w->beat_ms = out->beat_ms >= 100 && out->beat_ms <= 600000 ? (uint32_t)out->beat_ms : 3000;
    w->lease_ms = out->lease_ms <= UINT32_MAX ? (uint32_t)out->lease_ms : UINT32_MAX;
    slk_worker_unlock(w);
    if (!w->own_grace && out->trash_grace_ms)
        slk_stores_set_grace(w->stores, out->trash_grace_ms / 1000);
    slk_err_t err = slk_worker_use_key(w, &key, diag);
    slk_token_key_wipe(&key);
    return err;
}

static slk_err_t take_token(slk_worker_t *w, slk_diag_t *diag)
{
    char token[SLK_LINK_TOKEN_MAX];
    if (w->opts->token)
        return slk_link_set_token(&w->link, w->opts->token, diag);
    slk_err_t err = slk_worker_read_token(token, sizeof token, w->opts->token_file, diag);
    if (err == SLK_OK)
        err = slk_link_set_token(&w->link, token, diag);
    explicit_bzero(token, sizeof token);
    return err;
}

static slk_err_t register_once(slk_worker_t *w, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_register_t in;
    slk_registered_t out;
    slk_job_t job = {.cancel = w->stop};
    slk_err_t err;
    slk_arena_init(&arena, SLK_LINK_ARENA_MAX);
    SLK_TRY(take_token(w, diag));
    SLK_TRY(fill_register(&in, w, &arena, diag));
    slk_link_call_t call = {.method = "Selkie.WorkerRegister",
                            .in_type = &slk_register_type,
                            .in = &in,
                            .out_type = &slk_registered_type,
                            .out = &out,
                            .arena = &arena,
                            .job = &job};
    err = slk_link_do(&w->link, &call, diag);
    if (err == SLK_ERR_STATE && call.code == SLK_RPC_WRONG_PROTOCOL)
        err = SLK_ERR_UNSUPPORTED;
    SLK_TRY(err);
    err = take_registered(w, &out, diag);
out:
    slk_arena_free(&arena);
    return err;
}

/* Sleep, unless the worker is told to stop meanwhile. */
static void rest(slk_worker_t *w, uint32_t ms)
{
    double until = slk_clock_seconds() + ms / 1000.0;
    slk_worker_lock(w);
    for (double left; !stopping(w) && (left = until - slk_clock_seconds()) > 0;)
        slk_worker_wait(w, left < 0.2 ? (uint32_t)(left * 1000) + 1 : 200);
    slk_worker_unlock(w);
}

/* Errors that no patience mends. */
static bool is_final(slk_err_t err)
{
    return err == SLK_ERR_PERM || err == SLK_ERR_UNSUPPORTED || err == SLK_ERR_BUSY;
}

static slk_err_t register_worker(slk_worker_t *w, slk_diag_t *diag)
{
    uint32_t pause = RETRY_MIN_MS;
    char said[256] = "";
    while (!stopping(w)) {
        slk_err_t err = register_once(w, diag);
        if (err == SLK_OK) {
            slk_log(SLK_LOG_INFO, "worker", "registered with %s as %s (%s)", w->link.base, w->name,
                    w->repo.id);
            slk_worker_lock(w);
            w->connected = w->registered = true;
            w->beats = 0;
            slk_worker_changed(w);
            slk_worker_unlock(w);
            slk_stores_suspect(w->stores, NULL);
            return SLK_OK;
        }
        if (is_final(err)) {
            slk_diag_t why = *diag;
            return slk_fail(diag, err, "%s%s", why.text,
                            err == SLK_ERR_PERM
                                ? "; on the manager's machine, `selkie auth "
                                  "create-token --perm worker` makes one for workers"
                                : "");
        }
        if (strncmp(said, diag->text, sizeof said - 1) != 0 && !stopping(w))
            slk_log(SLK_LOG_WARN, "worker", "not registered with %s yet, trying on: %s",
                    w->link.base, diag->text);
        snprintf(said, sizeof said, "%.255s", diag->text);
        rest(w, pause);
        pause = pause * 2 < w->opts->retry_max_ms ? pause * 2 : w->opts->retry_max_ms;
    }
    return slk_fail(diag, SLK_ERR_CANCELLED, "told to stop");
}

/* --- Beats ---------------------------------------------------------------------------------- */

static void take_orders(slk_worker_t *w, const slk_orders_t *orders,
                        const slk_job_progress_list_t *named)
{
    for (size_t i = 0; i < orders->cancel.count; i++)
        slk_wjobs_cancel(w, orders->cancel.items[i]);
    slk_wjobs_confirm(w, named);
    for (size_t i = 0; i < orders->start.count; i++)
        slk_wjobs_start(w, &orders->start.items[i]);
    slk_worker_lock(w);
    if (w->paused != orders->paused || w->draining != orders->draining)
        slk_log(SLK_LOG_INFO, "worker", "the manager says: %s",
                orders->draining ? "drain"
                : orders->paused ? "pause"
                                 : "go on");
    w->paused = orders->paused;
    w->draining = orders->draining;
    w->beats++;
    slk_worker_changed(w);
    slk_worker_unlock(w);
}

/* One beat. *busy: orders came. job cancels it. */
static slk_err_t beat(slk_worker_t *w, bool leaving, const slk_job_t *job, bool *busy,
                      int64_t *code, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_orders_t orders = {0};
    slk_err_t err;
    slk_arena_init(&arena, SLK_LINK_ARENA_MAX);
    slk_beat_t in = {.worker = bytes_of(w->repo.id),
                     .session = bytes_of(w->session),
                     .free_memory = slk_machine_free_memory(),
                     .load_millis = slk_machine_load_millis(),
                     .leaving = leaving,
                     .wait_ms = leaving ? 0 : w->beat_ms};
    *busy = false;
    *code = 0;
    /* first the jobs, then the space: what is said to be taken off, is */
    SLK_TRY(slk_wjobs_progress(&in.jobs, w, &arena, diag));
    SLK_TRY(slk_stores_report(&in.stores, w->stores, &arena, diag));
    slk_link_call_t call = {.method = "Selkie.WorkerBeat",
                            .in_type = &slk_beat_type,
                            .in = &in,
                            .out_type = &slk_orders_type,
                            .out = &orders,
                            .arena = &arena,
                            .wait_ms = (uint32_t)in.wait_ms,
                            .limit_ms = leaving ? LEAVE_MS : 0,
                            .job = job};
    err = slk_link_do(&w->link, &call, diag);
    *code = call.code;
    SLK_TRY(err);
    *busy = orders.start.count || orders.cancel.count;
    if (!leaving)
        take_orders(w, &orders, &in.jobs);
out:
    slk_arena_free(&arena);
    return err;
}

static void disconnected(slk_worker_t *w, const char *why)
{
    slk_worker_lock(w);
    bool was = w->connected;
    w->connected = false;
    slk_worker_unlock(w);
    if (was)
        slk_log(SLK_LOG_WARN, "worker", "the manager does not answer, jobs go on: %s", why);
}

static void reconnected(slk_worker_t *w)
{
    slk_worker_lock(w);
    bool was = w->connected;
    w->connected = true;
    slk_worker_unlock(w);
    if (!was)
        slk_log(SLK_LOG_INFO, "worker", "the manager answers again");
}

/* Beat until told to stop. */
static slk_err_t talk(slk_worker_t *w, slk_diag_t *diag)
{
    slk_job_t job = {.cancel = w->stop};
    uint32_t pause = RETRY_MIN_MS;
    slk_err_t err = register_worker(w, diag);
    while (err == SLK_OK && !stopping(w)) {
        bool busy;
        int64_t code;
        double began = slk_clock_seconds();
        (void)slk_wjobs_reap(w, false, 0);
        slk_processors_end_idle(w, IDLE_SECONDS);
        slk_err_t how = beat(w, false, &job, &busy, &code, diag);
        if (stopping(w))
            break;
        if (how == SLK_OK) {
            reconnected(w);
            pause = RETRY_MIN_MS;
            double took = (slk_clock_seconds() - began) * 1000;
            if (!busy && took < w->beat_ms)
                rest(w, (uint32_t)(w->beat_ms - took));
            continue;
        }
        if (code == SLK_RPC_UNKNOWN_SESSION || code == SLK_RPC_WRONG_PROTOCOL ||
            how == SLK_ERR_PERM) {
            slk_log(SLK_LOG_INFO, "worker", "registering again: %s", diag->text);
            err = register_worker(w, diag);
            continue;
        }
        disconnected(w, diag->text);
        rest(w, pause);
        pause = pause * 2 < w->opts->retry_max_ms ? pause * 2 : w->opts->retry_max_ms;
    }
    return stopping(w) ? SLK_OK : err;
}

/* --- Start and end -------------------------------------------------------------------------- */

static slk_err_t set_up(slk_worker_t *w, slk_diag_t *diag)
{
    const slk_worker_opts_t *opts = w->opts;
    char path[SLK_WORKER_PATH_MAX];
    bool changed;
    slk_err_t err;
    SLK_TRY(slk_worker_repo_open(&w->repo, opts->repo, diag));
    SLK_TRY(slk_storage_id_new(w->session, diag));
    if (opts->name)
        snprintf(w->name, sizeof w->name, "%s", opts->name);
    else if (gethostname(w->name, sizeof w->name - 1) != 0)
        snprintf(w->name, sizeof w->name, "worker-%.8s", w->repo.id);
    snprintf(w->version, sizeof w->version, "%s", opts->version ? opts->version : "selkie");
    w->memory = opts->memory ? opts->memory : slk_machine_memory();
    w->numa_nodes = slk_machine_numa_nodes();
    SLK_TRY(slk_cores_init(&w->cores, opts->cpus, diag));
    SLK_TRY(slk_local_paths_new(&w->paths, diag));
    SLK_TRY(slk_sector_locks_new(&w->locks, diag));
    SLK_TRY(slk_http_client_new(&w->client,
                                &(slk_http_client_opts_t){.answer_max = SLK_LINK_ARENA_MAX}, diag));
    SLK_TRY(slk_link_init(&w->link, w->client, opts->manager, diag));
    SLK_TRY(slk_worker_repo_path(path, w->repo.dir, "storage.json", diag));
    SLK_TRY(slk_stores_new(&w->stores, w->paths, path, opts->trash_grace_s, diag));
    SLK_TRY(slk_stores_reload(w->stores, true, &changed, diag));
    SLK_TRY(slk_worker_serve(w, diag));
    SLK_TRY(slk_declarer_start(w, diag));
    SLK_TRY(slk_wjobs_restore(w, diag));
out:
    return err;
}

/* Jobs end (PC1 by its checkpoint), results are reported if that is quick, the manager hears of it. */
static void leave(slk_worker_t *w)
{
    slk_diag_t diag;
    bool busy;
    int64_t code;
    slk_worker_lock(w);
    bool told = w->connected;
    w->leaving = true;
    slk_worker_unlock(w);
    slk_log(SLK_LOG_INFO, "worker", "stopping");
    slk_wjobs_stop(w);
    if (told && beat(w, true, NULL, &busy, &code, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, "worker", "the manager was not told: %s", diag.text);
    if (!slk_wjobs_reap(w, true, w->opts->stop_s)) {
        atomic_store(&w->no_calls, true);
        slk_http_client_stop(w->client);
        if (!slk_wjobs_reap(w, true, 15))
            slk_log(SLK_LOG_ERROR, "worker", "jobs do not end; their processors are left");
    }
    atomic_store(&w->no_calls, true);
    slk_http_client_stop(w->client);
}

static void tear_down(slk_worker_t *w)
{
    slk_declarer_stop(w);
    slk_processors_end_idle(w, 0);
    slk_worker_end_serving(w);
    slk_stores_free(w->stores);
    slk_http_client_free(w->client);
    slk_sector_locks_free(w->locks);
    slk_local_paths_free(w->paths);
    slk_cores_fini(&w->cores);
    slk_worker_repo_close(&w->repo);
    if (w->link.client)
        slk_link_fini(&w->link);
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->mutex);
}

slk_err_t slk_worker_run(const slk_worker_opts_t *given, const atomic_bool *stop, slk_diag_t *diag)
{
    slk_worker_opts_t opts = *given;
    pthread_condattr_t attr;
    slk_err_t err = check_opts(&opts, diag);
    if (err != SLK_OK)
        return err;
    opts.listen = opts.listen ? opts.listen : "127.0.0.1";
    opts.trash_grace_s = opts.trash_grace_s ? opts.trash_grace_s : 86400;
    opts.stop_s = opts.stop_s ? opts.stop_s : 60;
    opts.retry_max_ms = opts.retry_max_ms ? opts.retry_max_ms : 30000;
    slk_worker_t *w = calloc(1, sizeof *w);
    if (!w)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    w->own_grace = given->trash_grace_s;
    w->opts = &opts;
    w->stop = stop;
    w->repo.lock = -1;
    w->started = slk_clock_seconds();
    w->beat_ms = 3000;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->cond, &attr);
    pthread_condattr_destroy(&attr);
    err = set_up(w, diag);
    if (err == SLK_OK)
        err = talk(w, diag);
    if (w->client)
        leave(w);
    bool left = w->jobs != NULL;
    if (!left) { /* else their threads still use all this: the process is about to end */
        tear_down(w);
        free(w);
    }
    slk_log(SLK_LOG_INFO, "worker", "stopped");
    return err;
}
