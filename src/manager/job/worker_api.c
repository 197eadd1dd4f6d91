#include "manager/job/worker_api.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"
#include "manager/job/dispatch_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- RPC -------------------------------------------------------------------------------------- */

#define MEMORY_MAX ((size_t)256 << 20) /* of one call */

static bool may(slk_rpc_call_t *call)
{
    if (slk_rpc_perms(call) & (SLK_PERM_WORKER | SLK_PERM_ADMIN))
        return true;
    slk_rpc_fail(call, SLK_RPC_ERROR, "missing permission to invoke '%s' (need 'worker')",
                 slk_rpc_method(call));
    return false;
}

/* The one parameter as a record; false: an error is set. */
static bool read_param(slk_rpc_call_t *call, void *record, const slk_type_t *type,
                       slk_arena_t *arena)
{
    slk_diag_t diag;
    slk_arena_init(arena, MEMORY_MAX);
    if (!may(call))
        return false;
    json_t *param = slk_rpc_param(call, 0);
    if (!json_is_object(param)) {
        slk_rpc_fail_param(call, type->name, "expected an object");
        return false;
    }
    if (slk_record_from_json(record, type, param, arena, &diag) == SLK_OK)
        return true;
    slk_rpc_fail_param(call, type->name, "%s", diag.text);
    return false;
}

static void refuse(slk_rpc_call_t *call, const slk_refusal_t *no)
{
    slk_rpc_fail(call, no->code, "%s", no->text);
}

static void worker_register(slk_rpc_call_t *call, void *ctx)
{
    slk_arena_t arena;
    slk_register_t worker;
    slk_registered_t answer;
    slk_refusal_t no;
    slk_diag_t diag;
    char key[SLK_TOKEN_KEY_MAX * 2];
    json_t *json = NULL;
    if (read_param(call, &worker, &slk_register_type, &arena)) {
        if (!slk_dispatch_register(ctx, &worker, &answer, key, &no))
            refuse(call, &no);
        else if (slk_record_to_json(&json, &slk_registered_type, &answer, SLK_TESTNET, &diag) ==
                 SLK_OK)
            slk_rpc_answer(call, json);
        else
            slk_rpc_fail(call, SLK_RPC_ERROR, "%s", diag.text);
    }
    explicit_bzero(key, sizeof key);
    slk_arena_free(&arena);
}

static bool call_gone(void *ctx)
{
    return slk_rpc_gone(ctx);
}

static void worker_beat(slk_rpc_call_t *call, void *ctx)
{
    slk_arena_t arena;
    slk_beat_t beat;
    slk_refusal_t no;
    char *orders = NULL;
    size_t len = 0;
    if (read_param(call, &beat, &slk_beat_type, &arena)) {
        if (slk_dispatch_beat(ctx, &beat, call_gone, call, &orders, &len, &no))
            slk_rpc_answer_take(call, orders, len);
        else
            refuse(call, &no);
    }
    slk_arena_free(&arena);
}

static void job_done(slk_rpc_call_t *call, void *ctx)
{
    slk_arena_t arena;
    slk_job_done_t done;
    slk_refusal_t no;
    bool taken;
    if (read_param(call, &done, &slk_job_done_type, &arena)) {
        if (slk_dispatch_done(ctx, &done, &taken, &no))
            slk_rpc_answer(call, json_boolean(taken));
        else
            refuse(call, &no);
    }
    slk_arena_free(&arena);
}

static void job_failed(slk_rpc_call_t *call, void *ctx)
{
    slk_arena_t arena;
    slk_job_failed_t failed;
    slk_refusal_t no;
    bool taken;
    if (read_param(call, &failed, &slk_job_failed_type, &arena)) {
        if (slk_dispatch_failed(ctx, &failed, &taken, &no))
            slk_rpc_answer(call, json_boolean(taken));
        else
            refuse(call, &no);
    }
    slk_arena_free(&arena);
}

static void storage_declare(slk_rpc_call_t *call, void *ctx)
{
    slk_arena_t arena;
    slk_declare_t part;
    slk_refusal_t no;
    if (read_param(call, &part, &slk_declare_type, &arena) &&
        !slk_dispatch_declare(ctx, &part, &no))
        refuse(call, &no);
    slk_arena_free(&arena);
}

/* The right is looked at in the methods: "worker" or "admin", of which none includes the other.
 * Beats are not SLK_RPC_WAITS: the dispatcher bounds those that wait, and one too many is
 * answered instead of refused. */
const slk_rpc_method_t slk_worker_api[SLK_WORKER_API_METHODS] = {
    {"Selkie.WorkerRegister", SLK_PERM_NONE, 1, 1, 0, worker_register},
    {"Selkie.WorkerBeat", SLK_PERM_NONE, 1, 1, 0, worker_beat},
    {"Selkie.JobDone", SLK_PERM_NONE, 1, 1, 0, job_done},
    {"Selkie.JobFailed", SLK_PERM_NONE, 1, 1, 0, job_failed},
    {"Selkie.StorageDeclare", SLK_PERM_NONE, 1, 1, 0, storage_declare},
};

/* --- Outputs ---------------------------------------------------------------------------------- */

static void reply(slk_http_request_t *req, int status, const char *text)
{
    slk_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

static bool read_number(const char **at, int64_t *out)
{
    char *end = NULL;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *out = strtoll(*at, &end, 10);
    *at = end;
    return !errno;
}

/* "ID/output" */
static bool read_rest(const char *rest, int64_t *job)
{
    return read_number(&rest, job) && !strcmp(rest, "/output");
}

/* Copies what came to where it will be, as far as its digest is right. */
static slk_err_t keep(slk_http_request_t *req, const char *path, const char *want, slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_sha256_t sha;
    slk_err_t err = SLK_OK;
    slk_node_t sum;
    uint64_t len = 0;
    const int fd = slk_http_body_file(req, &len);
    char *buf = malloc(1 << 20);
    if (!buf)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for an output");
    slk_sha256_init(&sha);
    SLK_TRY(slk_new_file_open(&file, path, len, diag));
    for (uint64_t at = 0; at < len;) {
        const size_t n = len - at < 1 << 20 ? (size_t)(len - at) : (size_t)1 << 20;
        SLK_TRY(slk_pread_all(fd, buf, n, at, "the body", diag));
        slk_sha256_update(&sha, buf, n);
        SLK_TRY(slk_write_all(file.fd, buf, n, file.tmp, diag));
        at += n;
    }
    slk_sha256_final(&sha, &sum);
    if (strcasecmp(slk_node_hex(&sum).s, want))
        err = slk_fail(diag, SLK_ERR_DIGEST, "the body has sha-256 %s, the header says %s",
                       slk_node_hex(&sum).s, want);
    else
        err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    free(buf);
    return err;
}

static void put_output(slk_dispatch_t *d, slk_http_request_t *req, int64_t job)
{
    const char *arg = slk_http_arg(req, "lease"), *digest = slk_http_header(req, "Digest");
    char path[SLK_OUTPUT_PATH_MAX];
    int64_t lease = 0;
    slk_diag_t diag;
    if (!arg || !read_number(&arg, &lease) || *arg || lease <= 0) {
        reply(req, 400, "lease: expected the number of the job's lease\n");
        return;
    }
    if (!digest || strncasecmp(digest, "sha-256=", 8) || strlen(digest + 8) != 64) {
        reply(req, 400, "header Digest: expected sha-256= and 64 hex digits\n");
        return;
    }
    pthread_mutex_lock(&d->lock);
    const slk_pic_job_t *row = slk_pic_job(&d->pic, job);
    const bool wanted = row && row->lease == lease && slk_task_has_output(row->task);
    pthread_mutex_unlock(&d->lock);
    slk_output_path(d, path, job, lease);
    if (!wanted) {
        reply(req, access(path, R_OK) ? 409 : 200,
              access(path, R_OK) ? "this job does not want an output under this lease\n" : "");
        return;
    }
    /* A worker that repeats itself: two must not write the same file. */
    pthread_mutex_lock(&d->output_lock);
    slk_err_t err = keep(req, path, digest + 8, &diag);
    pthread_mutex_unlock(&d->output_lock);
    if (err == SLK_OK)
        reply(req, 200, "");
    else
        reply(req, err == SLK_ERR_DIGEST ? 422 : err == SLK_ERR_NOSPACE ? 507 : 500, diag.text);
}

static void get_output(slk_dispatch_t *d, slk_http_request_t *req, int64_t job)
{
    slk_job_view_t view;
    slk_diag_t diag;
    char name[64];
    pthread_mutex_lock(&d->db_lock);
    slk_err_t err = slk_job_find_id(d->db, job, &view, &diag);
    pthread_mutex_unlock(&d->db_lock);
    if (err != SLK_OK) {
        reply(req, 500, diag.text);
        return;
    }
    json_decref(view.result);
    if (view.state != SLK_JOB_DONE || !slk_task_has_output(view.task)) {
        reply(req, 404, "this job has no output\n");
        return;
    }
    snprintf(name, sizeof name, "%lld-%lld", (long long)job, (long long)view.lease);
    slk_http_reply_file(req, d->output_dir, name, "application/octet-stream");
}

static void output(slk_http_request_t *req, void *ctx)
{
    int64_t job = 0;
    if (!(slk_http_perms(req) & (SLK_PERM_WORKER | SLK_PERM_ADMIN))) {
        reply(req, 403, "this needs a token with the right \"worker\"\n");
        return;
    }
    if (!read_rest(slk_http_rest(req), &job)) {
        reply(req, 404, "expected /jobs/ID/output\n");
        return;
    }
    if (!strcmp(slk_http_method(req), "PUT"))
        put_output(ctx, req, job);
    else
        get_output(ctx, req, job);
}

slk_http_route_t slk_worker_output_route(slk_dispatch_t *dispatch)
{
    return (slk_http_route_t){.methods = SLK_HTTP_GET | SLK_HTTP_HEAD | SLK_HTTP_PUT,
                              .path = "/jobs/",
                              .prefix = true,
                              .body_max = SLK_JOB_OUTPUT_MAX,
                              .body_dir = dispatch->output_dir,
                              .handler = output,
                              .ctx = dispatch};
}
