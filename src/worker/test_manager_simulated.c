#include "worker/test_manager_simulated.h"

#include "codec/base64.h"
#include "selkie/job.h"

#include <inttypes.h>
#include <time.h>

static slk_diag_t diag;

/* Mutex held. */
static uint64_t draw(sim_t *sim)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return sim->random;
}

uint64_t sim_random(sim_t *sim)
{
    pthread_mutex_lock(&sim->mutex);
    uint64_t drawn = draw(sim);
    pthread_mutex_unlock(&sim->mutex);
    return drawn;
}

size_t sim_stores(sim_t *sim)
{
    pthread_mutex_lock(&sim->mutex);
    size_t cnt = json_array_size(sim->workers[0].stores);
    pthread_mutex_unlock(&sim->mutex);
    return cnt;
}

bool sim_leaving(sim_t *sim)
{
    pthread_mutex_lock(&sim->mutex);
    bool leaving = sim->workers[0].leaving;
    pthread_mutex_unlock(&sim->mutex);
    return leaving;
}

static void sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static const char *text(const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    return value ? value : "";
}

static uint64_t number(const json_t *json, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(json, name));
}

static sim_worker_t *find_worker(sim_t *sim, const char *id)
{
    for (size_t i = 0; i < sim->worker_cnt; i++)
        if (!strcmp(sim->workers[i].id, id))
            return &sim->workers[i];
    return NULL;
}

static sim_job_t *find_job(sim_t *sim, uint64_t id)
{
    return id >= 1 && id <= sim->job_cnt ? &sim->jobs[id - 1] : NULL;
}

/* Answer, or lose the answer. Mutex held. */
static void answer(sim_t *sim, slk_rpc_call_t *call, json_t *result)
{
    if (draw(sim) % 100 < sim->lose_percent) {
        json_decref(result);
        slk_rpc_drop(call);
    } else
        slk_rpc_answer(call, result);
}

/* --- Registering ---------------------------------------------------------------------------- */

static void put_stores(sim_worker_t *worker, const json_t *in)
{
    json_decref(worker->stores);
    worker->stores = json_deep_copy(json_object_get(in, "Stores"));
}

static void worker_register(slk_rpc_call_t *call, void *ctx)
{
    sim_t *sim = ctx;
    const json_t *in = slk_rpc_param(call, 0);
    char key[128];
    pthread_mutex_lock(&sim->mutex);
    if (number(in, "Protocol") != sim->protocol) {
        slk_rpc_fail(call, 1002, "the worker speaks protocol %" PRIu64 ", this manager %" PRIu64,
                     number(in, "Protocol"), sim->protocol);
        goto out;
    }
    sim_worker_t *worker = find_worker(sim, text(in, "Worker"));
    if (!worker)
        worker = &sim->workers[sim->worker_cnt++];
    snprintf(worker->id, sizeof worker->id, "%s", text(in, "Worker"));
    snprintf(worker->session, sizeof worker->session, "%s", text(in, "Session"));
    snprintf(worker->url, sizeof worker->url, "%s", text(in, "URL"));
    snprintf(worker->name, sizeof worker->name, "%s", text(in, "Name"));
    json_decref(worker->tasks);
    worker->tasks = json_deep_copy(json_object_get(in, "Tasks"));
    put_stores(worker, in);
    worker->registered++;
    worker->leaving = false;
    slk_base64_encode(key, sim->transfer.bytes, sim->transfer.len);
    pthread_cond_broadcast(&sim->cond);
    answer(sim, call,
           json_pack("{sI,ss,sI,sI,ss,sI}", "Protocol", (json_int_t)sim->protocol, "Version",
                     "simulated", "BeatMs", (json_int_t)sim->beat_ms, "LeaseMs",
                     (json_int_t)sim->lease_ms, "TransferKey", key, "ClockMs", (json_int_t)0));
out:
    pthread_mutex_unlock(&sim->mutex);
}

/* --- Beats ---------------------------------------------------------------------------------- */

static void expire(sim_t *sim)
{
    for (size_t i = 0; i < sim->job_cnt; i++) {
        sim_job_t *job = &sim->jobs[i];
        if (job->state == SIM_RUNNING &&
            slk_clock_seconds() - job->seen > (double)sim->lease_ms / 1000)
            job->state = SIM_QUEUED;
    }
}

static json_t *assignment(const sim_job_t *job)
{
    return json_pack("{sI,sI,ss,sI,sI,sI,sI,sI,sO,sO}", "ID", (json_int_t)job->id, "Lease",
                     (json_int_t)job->lease, "Task", job->task, "Miner", (json_int_t)job->miner,
                     "Number", (json_int_t)job->number, "SealProof", (json_int_t)job->seal_proof,
                     "Threads", (json_int_t)job->threads, "Memory", (json_int_t)0, "Params",
                     job->params, "Files", job->files);
}

static void renew(sim_t *sim, const sim_worker_t *worker, const json_t *row, json_t *cancel,
                  bool *named)
{
    sim_job_t *job = find_job(sim, number(row, "ID"));
    bool same = job && job->lease == number(row, "Lease") && !strcmp(job->worker, worker->id);
    if (!same || (job->state != SIM_RUNNING && job->state != SIM_QUEUED)) {
        /* its end may be on its way, or its answer was lost */
        if (!job || !same || job->state == SIM_DROPPED)
            json_array_append_new(cancel, json_integer((json_int_t)number(row, "ID")));
        return;
    }
    job->state = SIM_RUNNING;
    job->seen = slk_clock_seconds();
    job->reserved = json_is_true(json_object_get(row, "Reserved"));
    snprintf(job->stage, sizeof job->stage, "%s", text(row, "Stage"));
    named[job->id - 1] = true;
}

/* Jobs for this worker, and those that it does not know to be its own. */
static json_t *give(sim_t *sim, sim_worker_t *worker, const bool *named)
{
    json_t *start = json_array();
    for (size_t i = 0; i < sim->job_cnt; i++) {
        sim_job_t *job = &sim->jobs[i];
        bool mine = !strcmp(job->worker, worker->id);
        if (job->state == SIM_RUNNING && mine && !named[i])
            json_array_append_new(start, assignment(job));
        if (job->state != SIM_QUEUED || worker->leaving ||
            (job->want[0] && strcmp(job->want, worker->id) != 0))
            continue;
        job->state = SIM_RUNNING;
        job->lease++;
        job->starts++;
        job->seen = slk_clock_seconds();
        snprintf(job->worker, sizeof job->worker, "%s", worker->id);
        json_array_append_new(start, assignment(job));
    }
    return start;
}

static void worker_beat(slk_rpc_call_t *call, void *ctx)
{
    sim_t *sim = ctx;
    const json_t *in = slk_rpc_param(call, 0), *row;
    bool named[SIM_JOBS_MAX] = {false};
    json_t *cancel = json_array(), *start = NULL;
    double until = slk_clock_seconds() + (double)number(in, "WaitMs") / 1000;
    size_t i;
    pthread_mutex_lock(&sim->mutex);
    sim_worker_t *worker = find_worker(sim, text(in, "Worker"));
    if (!worker || strcmp(worker->session, text(in, "Session")) != 0) {
        slk_rpc_fail(call, 1001, "unknown session");
        json_decref(cancel);
        goto out;
    }
    put_stores(worker, in);
    worker->leaving = json_is_true(json_object_get(in, "Leaving"));
    json_array_foreach(json_object_get(in, "Jobs"), i, row) renew(sim, worker, row, cancel, named);
    for (;;) {
        expire(sim);
        start = give(sim, worker, named);
        if (json_array_size(start) || json_array_size(cancel) || sim->stopping ||
            slk_clock_seconds() >= until)
            break;
        json_decref(start);
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 50000000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&sim->cond, &sim->mutex, &t);
    }
    worker->beats++;
    pthread_cond_broadcast(&sim->cond);
    answer(
        sim, call,
        json_pack("{so,so,sb,sb}", "Start", start, "Cancel", cancel, "Paused", 0, "Draining", 0));
out:
    pthread_mutex_unlock(&sim->mutex);
}

/* --- Ends ----------------------------------------------------------------------------------- */

static void key_of(char out[256], uint64_t miner, uint64_t sector, const char *type,
                   const char *store)
{
    snprintf(out, 256, "%" PRIu64 "/%" PRIu64 "/%s/%s", miner, sector, type, store);
}

static void put_files(sim_t *sim, const sim_job_t *job, const json_t *list, bool there)
{
    const json_t *row;
    size_t i;
    char key[256];
    json_array_foreach(list, i, row)
    {
        key_of(key, job->miner, job->number, text(row, "Type"), text(row, "Store"));
        if (there)
            json_object_set_new(sim->index, key, json_integer(++sim->generation));
        else
            json_object_del(sim->index, key);
    }
}

static void end(slk_rpc_call_t *call, sim_t *sim, sim_state_t how)
{
    const json_t *in = slk_rpc_param(call, 0);
    pthread_mutex_lock(&sim->mutex);
    sim_job_t *job = find_job(sim, number(in, "ID"));
    bool same =
        job && job->lease == number(in, "Lease") && !strcmp(job->worker, text(in, "Worker"));
    bool open = same && (job->state == SIM_RUNNING || job->state == SIM_QUEUED);
    bool again = same && job->state == how;
    if (open && how == SIM_DONE && !strcmp(job->task, "C1") && !job->output) {
        slk_rpc_fail(call, 1004, "send the output first");
        pthread_mutex_unlock(&sim->mutex);
        return;
    }
    if (open) {
        job->state = how;
        job->ends++;
        job->end = json_deep_copy(in);
        put_files(sim, job, json_object_get(in, "Made"), true);
        put_files(sim, job, json_object_get(in, "Gone"), false);
    }
    if (!open && !again)
        sim->stale++;
    pthread_cond_broadcast(&sim->cond);
    answer(sim, call, json_boolean(open || again));
    pthread_mutex_unlock(&sim->mutex);
}

static void job_done(slk_rpc_call_t *call, void *ctx)
{
    end(call, ctx, SIM_DONE);
}

static void job_failed(slk_rpc_call_t *call, void *ctx)
{
    end(call, ctx, SIM_FAILED);
}

/* --- Declarations ---------------------------------------------------------------------------- */

static void declare(slk_rpc_call_t *call, void *ctx)
{
    static const char *const types[] = {"unsealed", "sealed",       "cache",
                                        "update",   "update-cache", "piece"};
    sim_t *sim = ctx;
    const json_t *in = slk_rpc_param(call, 0), *row;
    const char *store = text(in, "Store"), *key;
    char mark[256], name[256];
    json_t *value;
    size_t i;
    void *next;
    pthread_mutex_lock(&sim->mutex);
    snprintf(mark, sizeof mark, "declaring/%s", store);
    if (json_is_true(json_object_get(in, "First")))
        json_object_set_new(sim->index, mark, json_integer(++sim->generation));
    json_array_foreach(json_object_get(in, "Sectors"), i,
                       row) for (unsigned t = 0; t < 6; t++) if (number(row, "Types") & 1u << t)
    {
        key_of(name, number(row, "Miner"), number(row, "Number"), types[t], store);
        json_object_set_new(sim->index, name, json_integer(++sim->generation));
    }
    if (json_is_true(json_object_get(in, "Last"))) {
        json_int_t began = json_integer_value(json_object_get(sim->index, mark));
        json_object_foreach_safe(sim->index, next, key, value)
        {
            size_t len = strlen(key), tail = strlen(store);
            if (len > tail && !strcmp(key + len - tail, store) && json_integer_value(value) < began)
                json_object_del(sim->index, key);
        }
    }
    pthread_cond_broadcast(&sim->cond);
    answer(sim, call, json_null());
    pthread_mutex_unlock(&sim->mutex);
}

/* --- Outputs and pieces ---------------------------------------------------------------------- */

static void output(slk_http_request_t *req, void *ctx)
{
    sim_t *sim = ctx;
    char want[96];
    size_t len;
    const char *body = slk_http_body(req, &len);
    pthread_mutex_lock(&sim->mutex);
    sim_job_t *job = find_job(sim, strtoull(slk_http_rest(req), NULL, 10));
    if (!strcmp(slk_http_method(req), "GET")) {
        if (job && job->output)
            slk_http_reply(req, 200, "application/octet-stream", job->output, job->output_len);
        else
            slk_http_reply(req, 404, NULL, "", 0);
        goto out;
    }
    slk_node_t digest;
    slk_sha256(&digest, body, len);
    snprintf(want, sizeof want, "sha-256=%s", slk_node_hex(&digest).s);
    const char *given = slk_http_header(req, "Digest"), *lease = slk_http_arg(req, "lease");
    if (!given || strcmp(given, want) != 0)
        slk_http_reply(req, 400, NULL, "digest", 6);
    else if (!job || !lease || strtoull(lease, NULL, 10) != job->lease)
        slk_http_reply(req, 409, NULL, "lease", 5);
    else {
        free(job->output);
        job->output = malloc(len + 1);
        memcpy(job->output, body, len);
        job->output_len = len;
        slk_http_reply(req, 200, NULL, "", 0);
    }
out:
    pthread_mutex_unlock(&sim->mutex);
}

static void piece(slk_http_request_t *req, void *ctx)
{
    const sim_t *sim = ctx;
    slk_http_reply_file(req, sim->piece_dir, slk_http_rest(req), "application/octet-stream");
}

/* --- The server ------------------------------------------------------------------------------ */

static const slk_rpc_method_t methods[] = {
    {"Selkie.WorkerRegister", SLK_PERM_WRITE, 1, 1, 0, worker_register},
    {"Selkie.WorkerBeat", SLK_PERM_WRITE, 1, 1, SLK_RPC_WAITS, worker_beat},
    {"Selkie.JobDone", SLK_PERM_WRITE, 1, 1, 0, job_done},
    {"Selkie.JobFailed", SLK_PERM_WRITE, 1, 1, 0, job_failed},
    {"Selkie.StorageDeclare", SLK_PERM_WRITE, 1, 1, 0, declare},
};

void sim_up(sim_t *sim)
{
    slk_http_route_t routes[] = {
        slk_rpc_route("/rpc/v0", sim->api),
        {.methods = SLK_HTTP_GET | SLK_HTTP_PUT,
         .path = "/jobs/",
         .prefix = true,
         .need = SLK_PERM_WRITE,
         .body_max = 64 << 20,
         .handler = output,
         .ctx = sim},
        {.methods = SLK_HTTP_GET,
         .path = "/piecestore/",
         .prefix = true,
         .need = SLK_PERM_READ,
         .handler = piece,
         .ctx = sim},
    };
    slk_http_server_opts_t opts = {
        .port = sim->port, .routes = routes, .route_cnt = 3, .key = &sim->key};
    sim->stopping = false;
    assert_ok(slk_http_server_new(&sim->server, &opts, &diag), diag);
    sim->port = slk_http_server_port(sim->server);
    snprintf(sim->url, sizeof sim->url, "http://127.0.0.1:%u", sim->port);
}

void sim_down(sim_t *sim)
{
    pthread_mutex_lock(&sim->mutex);
    sim->stopping = true;
    pthread_cond_broadcast(&sim->cond);
    pthread_mutex_unlock(&sim->mutex);
    slk_http_server_free(sim->server, 100);
    sim->server = NULL;
}

void sim_init(sim_t *sim)
{
    memset(sim, 0, sizeof *sim);
    pthread_mutex_init(&sim->mutex, NULL);
    pthread_cond_init(&sim->cond, NULL);
    slk_rpc_api_opts_t opts = {
        .methods = methods, .method_cnt = sizeof methods / sizeof *methods, .ctx = sim};
    assert_ok(slk_rpc_api_new(&sim->api, &opts, &diag), diag);
    assert_ok(slk_token_key_new(&sim->key, &diag), diag);
    assert_ok(slk_token_key_new(&sim->transfer, &diag), diag);
    slk_token_new(sim->token, &sim->key, slk_perms_upto(SLK_PERM_WRITE));
    sim->index = json_object();
    sim->beat_ms = 200;
    sim->lease_ms = 5000;
    sim->protocol = 1;
    sim->seal_proof = 5;
    sim->random = 88172645463325252u;
    sim_up(sim);
}

void sim_free(sim_t *sim)
{
    sim_down(sim);
    slk_rpc_api_free(sim->api);
    for (size_t i = 0; i < sim->job_cnt; i++) {
        json_decref(sim->jobs[i].params);
        json_decref(sim->jobs[i].files);
        json_decref(sim->jobs[i].end);
        free(sim->jobs[i].output);
    }
    for (size_t i = 0; i < sim->worker_cnt; i++) {
        json_decref(sim->workers[i].stores);
        json_decref(sim->workers[i].tasks);
    }
    json_decref(sim->index);
    pthread_cond_destroy(&sim->cond);
    pthread_mutex_destroy(&sim->mutex);
}

/* --- For tests -------------------------------------------------------------------------------- */

uint64_t sim_add(sim_t *sim, const char *worker, const char *task, uint64_t miner, uint64_t sector,
                 json_t *params, json_t *files)
{
    pthread_mutex_lock(&sim->mutex);
    sim_job_t *job = &sim->jobs[sim->job_cnt++];
    *job = (sim_job_t){.id = sim->job_cnt,
                       .miner = miner,
                       .number = sector,
                       .seal_proof = sim->seal_proof,
                       .params = params ? params : json_object(),
                       .files = files ? files : json_array()};
    snprintf(job->task, sizeof job->task, "%s", task);
    snprintf(job->want, sizeof job->want, "%s", worker ? worker : "");
    uint64_t id = job->id;
    pthread_cond_broadcast(&sim->cond);
    pthread_mutex_unlock(&sim->mutex);
    return id;
}

json_t *sim_wait(sim_t *sim, uint64_t id, sim_state_t state, double seconds)
{
    double until = slk_clock_seconds() + seconds;
    sim_job_t *job = &sim->jobs[id - 1];
    pthread_mutex_lock(&sim->mutex);
    while (job->state != SIM_DONE && job->state != SIM_FAILED && slk_clock_seconds() < until) {
        pthread_mutex_unlock(&sim->mutex);
        sleep_ms(10);
        pthread_mutex_lock(&sim->mutex);
    }
    json_t *last = job->end;
    bool right = job->state == state;
    pthread_mutex_unlock(&sim->mutex);
    if (!right) {
        char *shown = last ? json_dumps(last, JSON_COMPACT) : NULL;
        fail_msg("job %" PRIu64 " (%s): state %d, expected %d, stage '%s': %s", id, job->task,
                 job->state, state, job->stage, shown ? shown : "no end");
    }
    return last;
}

bool sim_wait_stage(sim_t *sim, uint64_t id, const char *stage, double seconds)
{
    double until = slk_clock_seconds() + seconds;
    bool is = false, over = false;
    while (!is && !over && slk_clock_seconds() < until) {
        pthread_mutex_lock(&sim->mutex);
        is = !strncmp(sim->jobs[id - 1].stage, stage, strlen(stage));
        over = sim->jobs[id - 1].state >= SIM_DONE;
        pthread_mutex_unlock(&sim->mutex);
        sleep_ms(10);
    }
    return is;
}

const char *sim_wait_worker(sim_t *sim, const char *name, double seconds)
{
    double until = slk_clock_seconds() + seconds;
    unsigned from = UINT32_MAX;
    while (slk_clock_seconds() < until) {
        pthread_mutex_lock(&sim->mutex);
        for (size_t i = 0; i < sim->worker_cnt; i++) {
            const sim_worker_t *worker = &sim->workers[i];
            if (strcmp(worker->name, name) != 0)
                continue;
            if (from == UINT32_MAX)
                from = worker->beats;
            if (worker->beats > from) {
                pthread_mutex_unlock(&sim->mutex);
                return worker->id;
            }
        }
        pthread_mutex_unlock(&sim->mutex);
        sleep_ms(10);
    }
    fail_msg("no beat of worker %s", name);
    return NULL;
}

void sim_give_away(sim_t *sim, uint64_t id)
{
    pthread_mutex_lock(&sim->mutex);
    sim_job_t *job = &sim->jobs[id - 1];
    job->lease++;
    job->state = SIM_RUNNING;
    job->seen = slk_clock_seconds() + 3600;
    strcpy(job->worker, "somebody-else");
    pthread_cond_broadcast(&sim->cond);
    pthread_mutex_unlock(&sim->mutex);
}

bool sim_has(sim_t *sim, uint64_t miner, uint64_t sector, const char *type, const char *store)
{
    char key[256];
    key_of(key, miner, sector, type, store);
    pthread_mutex_lock(&sim->mutex);
    bool has = json_object_get(sim->index, key) != NULL;
    pthread_mutex_unlock(&sim->mutex);
    return has;
}

void sim_wait_has(sim_t *sim, uint64_t miner, uint64_t sector, const char *type, const char *store,
                  bool has)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (sim_has(sim, miner, sector, type, store) == has)
            return;
        sleep_ms(10);
    }
    fail_msg("the manager thinks that %s of %" PRIu64 " is %sin %s", type, sector,
             has ? "not " : "", store);
}
