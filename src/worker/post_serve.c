/* POST /remote/vanilla/single: the vanilla proof of a sector in own paths. */
#include "worker/post_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READS_MAX 96u  /* at a time; the server has more threads, for files */
#define HELD_MAX  512u /* threads that disks hold */
#define REST_S    30.0 /* a path that left a read unanswered is left alone for so long */
#define CHECK_S   5.0  /* a health check that takes longer hangs */
#define PATHS_MAX 64   /* whose silence is remembered */
#define LOOK_MS   100u /* whether somebody still waits */

/* Reads of a path. */
typedef struct {
    char id[SLK_STORAGE_ID_MAX];
    double silent_at, good_at; /* slk_clock_seconds; 0: never */
} habit_t;

struct slk_vanilla_server {
    slk_worker_t *w;
    pthread_mutex_t mutex;
    unsigned reads;
    habit_t habits[PATHS_MAX];
};

slk_err_t slk_vanilla_server_new(slk_vanilla_server_t **server, slk_worker_t *w, slk_diag_t *diag)
{
    slk_vanilla_server_t *v = *server = calloc(1, sizeof *v);
    if (!v)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory to serve vanilla proofs");
    v->w = w;
    pthread_mutex_init(&v->mutex, NULL);
    return SLK_OK;
}

void slk_vanilla_server_free(slk_vanilla_server_t *server)
{
    if (!server)
        return;
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

/* --- Paths that hang -------------------------------------------------------------------------- */

/* Mutex held. NULL: too many paths. */
static habit_t *habit_of(slk_vanilla_server_t *v, const char *id)
{
    for (size_t i = 0; i < PATHS_MAX; i++) {
        habit_t *habit = &v->habits[i];
        if (!habit->id[0])
            snprintf(habit->id, sizeof habit->id, "%s", id);
        if (!strcmp(habit->id, id))
            return habit;
    }
    return NULL;
}

/* For how long a path has been silent, when it is to be left alone; else 0. */
static double silent_for(slk_vanilla_server_t *v, const char *id)
{
    double now = slk_clock_seconds();
    pthread_mutex_lock(&v->mutex);
    const habit_t *habit = habit_of(v, id);
    bool rests = habit && habit->silent_at > 0 && now - habit->silent_at < REST_S;
    double since = rests ? now - habit->silent_at + 0.001 : 0;
    pthread_mutex_unlock(&v->mutex);
    return since;
}

static void note_end(slk_vanilla_server_t *v, const char *id, slk_err_t err, double begin)
{
    pthread_mutex_lock(&v->mutex);
    habit_t *habit = habit_of(v, id);
    if (habit && err == SLK_OK) {
        habit->good_at = slk_clock_seconds();
        habit->silent_at = 0;
    } else if (habit && err == SLK_ERR_TIMEOUT && habit->good_at < begin) {
        habit->silent_at = slk_clock_seconds();
    }
    pthread_mutex_unlock(&v->mutex);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* A request; its reading is done by a thread of its own, so that the handler can see whether anybody still
 * waits. */
typedef struct {
    slk_vanilla_server_t *server;
    slk_vanilla_ask_t ask;
    char store[SLK_STORAGE_ID_MAX]; /* to look in first; "": any */
    uint32_t read_ms, sector_ms;
    atomic_bool cancel;
    atomic_bool over;
    slk_err_t err;
    slk_diag_t why;
    slk_post_outcome_t outcome;
} request_t;

/* One path, and that of the cache. SLK_ERR_NOTFOUND: the files are not there. */
static slk_err_t read_path(request_t *r, const slk_local_view_t *view,
                           const slk_local_view_t *cache_view, double until, slk_diag_t *why)
{
    char sealed[SLK_SECTOR_PATH_MAX], cache[SLK_SECTOR_PATH_MAX];
    double begin = slk_clock_seconds(), silent = silent_for(r->server, view->id);
    slk_post_limits_t limits = {.readers = r->ask.leaf_cnt,
                                .read_seconds = r->read_ms / 1000.0,
                                .sector_seconds = until - begin};
    slk_job_t job = {.cancel = &r->cancel};
    if (silent > 0)
        return slk_fail(why, SLK_ERR_TIMEOUT,
                        "path %s (%s): not tried; a read there got no answer %.0f s ago", view->id,
                        view->root, silent);
    if (limits.sector_seconds <= 0)
        return slk_fail(why, SLK_ERR_TIMEOUT, "path %s (%s): no time is left to look there",
                        view->id, view->root);
    slk_err_t err = slk_vanilla_files(sealed, cache, view->root, cache_view->root, &r->ask, why);
    if (err != SLK_OK)
        return err;
    slk_post_replica_t replica = {.sector = r->ask.sector.number,
                                  .comm_r = r->ask.comm_r,
                                  .cache = cache,
                                  .sealed = sealed,
                                  .leaves = r->ask.leaves,
                                  .leaf_cnt = r->ask.leaf_cnt};
    err = slk_post_vanilla(&r->outcome, &r->ask.post, &replica, 1, &limits, &job, why);
    if (err != SLK_OK)
        return err;
    note_end(r->server, view->id, r->outcome.err, begin);
    if (r->outcome.err == SLK_OK)
        return SLK_OK;
    err = slk_fail(why, r->outcome.err, "%.1000s",
                   r->outcome.why ? r->outcome.why : slk_err_text(r->outcome.err));
    slk_post_outcomes_fini(&r->outcome, 1);
    return err == SLK_ERR_STATE   ? SLK_ERR_NOTFOUND
           : err == SLK_ERR_INPUT ? SLK_ERR_FORMAT /* of a file, not of the request */
                                  : err;
}

/* A reason beats that there is nothing. */
static void try_path(request_t *r, const slk_local_view_t *view, const slk_local_view_t *cache,
                     double until)
{
    slk_diag_t why;
    slk_err_t err = read_path(r, view, cache, until, &why);
    if (err != SLK_OK && r->err != SLK_ERR_NOTFOUND)
        return;
    r->err = err;
    r->why = err != SLK_OK && err != SLK_ERR_NOTFOUND ? why : r->why;
}

static bool hangs(const slk_local_view_t *view)
{
    return view->checking_since > 0 && slk_clock_seconds() - view->checking_since > CHECK_S;
}

/* The path that was asked for, then the others, for files move, then two of them at a time: sealed file and
 * cache may lie apart. On the off chance nobody waits for a disk. */
static void look_everywhere(request_t *r, const slk_local_view_t *views, size_t cnt, double until)
{
    for (size_t i = 0; i < cnt; i++)
        if (r->store[0] && !strcmp(views[i].id, r->store))
            try_path(r, &views[i], &views[i], until);
    for (size_t i = 0; i < cnt && r->err != SLK_OK; i++)
        if (strcmp(views[i].id, r->store) != 0 && (!r->store[0] || !hangs(&views[i])))
            try_path(r, &views[i], &views[i], until);
    for (size_t i = 0; i < cnt * cnt && r->err == SLK_ERR_NOTFOUND; i++) {
        const slk_local_view_t *sealed = &views[i / cnt], *cache = &views[i % cnt];
        if (sealed != cache && !hangs(sealed) && !hangs(cache))
            try_path(r, sealed, cache, until);
    }
}

static void read_paths(request_t *r)
{
    slk_local_view_t *views = NULL;
    size_t cnt = 0;
    double until = slk_clock_seconds() + r->sector_ms / 1000.0;
    r->err = slk_local_list(&views, &cnt, r->server->w->paths, &r->why);
    if (r->err != SLK_OK)
        return;
    r->err = slk_fail(&r->why, SLK_ERR_NOTFOUND,
                      "no path of this worker holds sector t0%" PRIu64 "-%" PRIu64,
                      r->ask.sector.miner, r->ask.sector.number);
    look_everywhere(r, views, cnt, until);
    free(views);
}

static void *read_main(void *arg)
{
    request_t *r = arg;
    read_paths(r);
    atomic_store(&r->over, true);
    return NULL;
}

static void pause_ms(uint32_t ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static slk_err_t read_watched(request_t *r, slk_http_request_t *req)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, read_main, r) != 0)
        return slk_fail(&r->why, SLK_ERR_BUSY, "the system gives no thread to read with");
    for (uint32_t ms = 1; !atomic_load(&r->over); ms = ms < LOOK_MS ? 2 * ms : LOOK_MS) {
        if (slk_http_gone(req))
            atomic_store(&r->cancel, true);
        pause_ms(ms);
    }
    pthread_join(thread, NULL);
    return r->err;
}

/* --- The request ------------------------------------------------------------------------------ */

static void reply_text(slk_http_request_t *req, int status, const char *text)
{
    char line[sizeof(slk_diag_t) + 16];
    int len = snprintf(line, sizeof line, "%d %s\n", status, text);
    slk_http_reply(req, status, "text/plain; charset=utf-8", line,
                   len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

static int status_of(slk_err_t err)
{
    switch ((int)err) {
    case SLK_ERR_INPUT:
        return 400;
    case SLK_ERR_NOTFOUND:
        return 404;
    case SLK_ERR_BUSY:
    case SLK_ERR_CANCELLED:
    case SLK_ERR_NOMEM:
        return 503;
    case SLK_ERR_TIMEOUT:
        return 504;
    default:
        return 500;
    }
}

/* Ours, beyond what Lotus sends. */
static slk_err_t read_ms(uint32_t *out, const slk_http_request_t *req, const char *name,
                         uint32_t preset, slk_diag_t *diag)
{
    const char *text = slk_http_arg(req, name);
    *out = preset;
    if (!text)
        return SLK_OK;
    size_t len = strlen(text);
    if (!len || len > 7 || strspn(text, "0123456789") != len || strtoul(text, NULL, 10) == 0 ||
        strtoul(text, NULL, 10) > SLK_VANILLA_MAX_MS)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: expected 1 to %u ms", name, SLK_VANILLA_MAX_MS);
    *out = (uint32_t)strtoul(text, NULL, 10);
    return SLK_OK;
}

static slk_err_t read_request(request_t *r, const slk_http_request_t *req)
{
    size_t len;
    const char *body = slk_http_body(req, &len), *store = slk_http_arg(req, "store");
    slk_err_t err;
    SLK_TRY(read_ms(&r->read_ms, req, "read_ms", SLK_VANILLA_READ_MS, &r->why));
    SLK_TRY(read_ms(&r->sector_ms, req, "sector_ms", SLK_VANILLA_SECTOR_MS, &r->why));
    if (store && *store) {
        if (strlen(store) >= sizeof r->store || !slk_storage_id_ok(store))
            return slk_fail(&r->why, SLK_ERR_INPUT, "store: expected the ID of a path");
        strcpy(r->store, store);
    }
    err = slk_vanilla_ask_parse(&r->ask, body ? body : "", len, &r->why);
out:
    return err;
}

/* A place among the reads; false: there is none. */
static bool enter(slk_vanilla_server_t *v, slk_diag_t *why)
{
    bool may = slk_post_held() < HELD_MAX;
    pthread_mutex_lock(&v->mutex);
    may = may && v->reads < READS_MAX;
    v->reads += may;
    pthread_mutex_unlock(&v->mutex);
    if (!may)
        (void)slk_fail(why, SLK_ERR_BUSY, "too many reads are under way, or held by disks");
    return may;
}

static void leave(slk_vanilla_server_t *v)
{
    pthread_mutex_lock(&v->mutex);
    v->reads--;
    pthread_mutex_unlock(&v->mutex);
}

static void handle(slk_http_request_t *req, void *ctx)
{
    slk_vanilla_server_t *v = ctx;
    request_t r = {.server = v};
    slk_err_t err = read_request(&r, req);
    if (err == SLK_OK && !enter(v, &r.why)) {
        err = SLK_ERR_BUSY;
    } else if (err == SLK_OK) {
        err = read_watched(&r, req);
        leave(v);
    }
    if (err == SLK_OK) {
        slk_http_reply(req, 200, "application/octet-stream", r.outcome.proof, r.outcome.len);
    } else {
        if (err != SLK_ERR_INPUT && err != SLK_ERR_CANCELLED)
            slk_log_sector(SLK_LOG_WARN, "worker", r.ask.sector.miner, r.ask.sector.number,
                           "%s asks for a vanilla proof: %s", slk_http_peer(req), r.why.text);
        reply_text(req, status_of(err), r.why.text);
    }
    slk_post_outcomes_fini(&r.outcome, 1);
}

slk_http_route_t slk_vanilla_route(slk_vanilla_server_t *server)
{
    return (slk_http_route_t){.methods = SLK_HTTP_POST,
                              .path = SLK_VANILLA_ROUTE,
                              .need = SLK_PERM_ADMIN,
                              .body_max = SLK_VANILLA_BODY_MAX,
                              .handler = handle,
                              .ctx = server};
}
