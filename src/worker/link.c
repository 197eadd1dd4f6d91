#include "worker/link.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/sha256/sha256.h"
#include "net/jsonrpc_client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALL_MS 30000u

slk_err_t slk_link_init(slk_link_t *link, slk_http_client_t *client, const char *url,
                        slk_diag_t *diag)
{
    const char *host = NULL;
    memset(link, 0, sizeof *link);
    pthread_mutex_init(&link->mutex, NULL);
    if (!strncmp(url, "http://", 7))
        host = url + 7;
    else if (!strncmp(url, "https://", 8))
        host = url + 8;
    if (!host || !*host || *host == '/' || strlen(url) >= sizeof link->url)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "manager '%s': expected an address as http://host:port/rpc/v0", url);
    size_t len = (size_t)(host - url) + strcspn(host, "/");
    link->client = client;
    memcpy(link->base, url, len);
    if (url[len] && url[len + 1])
        strcpy(link->url, url);
    else
        snprintf(link->url, sizeof link->url, "%.*s/rpc/v0", (int)len, url);
    return SLK_OK;
}

void slk_link_fini(slk_link_t *link)
{
    explicit_bzero(link->token, sizeof link->token);
    pthread_mutex_destroy(&link->mutex);
}

slk_err_t slk_link_set_token(slk_link_t *link, const char *token, slk_diag_t *diag)
{
    if (strlen(token) >= sizeof link->token)
        return slk_fail(diag, SLK_ERR_INPUT, "the token for the manager is longer than %zu bytes",
                        sizeof link->token - 1);
    pthread_mutex_lock(&link->mutex);
    strcpy(link->token, token);
    pthread_mutex_unlock(&link->mutex);
    return SLK_OK;
}

void slk_link_token(slk_link_t *link, char out[SLK_LINK_TOKEN_MAX])
{
    pthread_mutex_lock(&link->mutex);
    strcpy(out, link->token);
    pthread_mutex_unlock(&link->mutex);
}

/* --- Calls ---------------------------------------------------------------------------------- */

static slk_err_t take_answer(slk_link_call_t *call, const slk_rpc_answer_t *answer,
                             slk_diag_t *diag)
{
    slk_diag_t why;
    if (answer->failed) {
        call->code = answer->code;
        if (!strncmp(answer->message, "missing permission", 18)) /* as Lotus says it */
            return slk_fail(diag, SLK_ERR_PERM, "%s: the manager answers: %s", call->method,
                            answer->message);
        return slk_fail(diag, SLK_ERR_STATE, "%s: the manager answers: %s", call->method,
                        answer->message);
    }
    if (call->flag) {
        if (!json_is_boolean(answer->result))
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: the manager's answer is not true or false",
                            call->method);
        *call->flag = json_is_true(answer->result);
    }
    if (!call->out_type)
        return SLK_OK;
    slk_err_t err =
        slk_record_from_json(call->out, call->out_type, answer->result, call->arena, &why);
    return err == SLK_OK
               ? SLK_OK
               : slk_fail(diag, err, "%s: the manager's answer: %s", call->method, why.text);
}

slk_err_t slk_link_do(slk_link_t *link, slk_link_call_t *call, slk_diag_t *diag)
{
    slk_rpc_answer_t answer = {0};
    json_t *json = NULL;
    char *text = NULL, token[SLK_LINK_TOKEN_MAX];
    slk_err_t err;
    call->code = 0;
    slk_link_token(link, token);
    SLK_TRY(slk_record_to_json(&json, call->in_type, call->in, SLK_TESTNET, diag));
    json_t *params = json_array();
    if (params && json_array_append(params, json) == 0)
        text = slk_json_dump(params, JSON_COMPACT);
    json_decref(params);
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", call->method);
        goto out;
    }
    slk_rpc_http_call_t rpc = {.url = link->url,
                               .token = token,
                               .method = call->method,
                               .params = text,
                               .repeatable = true,
                               .total_ms =
                                   call->limit_ms ? call->limit_ms : CALL_MS + call->wait_ms,
                               .low_speed_s = (CALL_MS + call->wait_ms) / 1000,
                               .job = call->job};
    SLK_TRY(slk_rpc_http(link->client, &rpc, &answer, diag));
    err = take_answer(call, &answer, diag);
out:
    slk_rpc_answer_free(&answer);
    json_decref(json);
    free(text);
    return err;
}

/* --- Outputs -------------------------------------------------------------------------------- */

static slk_err_t put(slk_link_t *link, const char *url, const void *bytes, size_t len,
                     const slk_job_t *job, slk_diag_t *diag)
{
    slk_http_answer_t answer = {0};
    slk_node_t digest;
    char header[96], token[SLK_LINK_TOKEN_MAX];
    slk_link_token(link, token);
    slk_sha256(&digest, bytes, len);
    snprintf(header, sizeof header, "Digest: sha-256=%s", slk_node_hex(&digest).s);
    const char *headers[] = {header, NULL};
    slk_http_call_t call = {.method = "PUT",
                            .url = url,
                            .token = token,
                            .content_type = "application/octet-stream",
                            .body = bytes,
                            .body_len = len,
                            .headers = headers,
                            .repeatable = true,
                            .job = job};
    slk_err_t err = slk_http_do(link->client, &call, &answer, diag);
    if (err == SLK_OK && answer.status / 100 != 2) {
        err = answer.status == 409 || answer.status == 404 || answer.status == 410
                  ? SLK_ERR_MISMATCH
              : answer.status == 401 || answer.status == 403 ? SLK_ERR_PERM
                                                             : SLK_ERR_IO;
        slk_fail(diag, err, "PUT %s: the manager answers with status %d: %.200s", url,
                 answer.status, answer.body ? answer.body : "");
    }
    slk_http_answer_free(&answer);
    return err;
}

slk_err_t slk_link_put_output(slk_link_t *link, uint64_t id, uint64_t lease, const char *path,
                              const slk_job_t *job, slk_diag_t *diag)
{
    char url[1200];
    struct stat st;
    slk_err_t err;
    void *map = MAP_FAILED;
    snprintf(url, sizeof url, "%.767s/jobs/%" PRIu64 "/output?lease=%" PRIu64, link->base, id,
             lease);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        err = slk_fail_errno(diag, "open", path);
        goto out;
    }
    if (st.st_size == 0 || (uint64_t)st.st_size > SLK_JOB_OUTPUT_MAX) {
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: %jd bytes, expected 1 to %" PRIu64, path,
                       (intmax_t)st.st_size, SLK_JOB_OUTPUT_MAX);
        goto out;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        err = slk_fail_errno(diag, "map", path);
    else
        err = put(link, url, map, (size_t)st.st_size, job, diag);
out:
    if (map != MAP_FAILED)
        munmap(map, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return err;
}

typedef struct {
    int fd;
    const char *path;
    uint64_t len;
} sink_t;

static slk_err_t sink(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    sink_t *s = ctx;
    s->len += len;
    if (s->len > SLK_JOB_OUTPUT_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: the manager sends more than %" PRIu64 " bytes",
                        s->path, SLK_JOB_OUTPUT_MAX);
    return slk_write_all(s->fd, bytes, len, s->path, diag);
}

slk_err_t slk_link_get_output(slk_link_t *link, uint64_t id, const char *path, const slk_job_t *job,
                              slk_diag_t *diag)
{
    char url[1100];
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_http_answer_t answer = {0};
    char token[SLK_LINK_TOKEN_MAX];
    slk_err_t err;
    slk_link_token(link, token);
    snprintf(url, sizeof url, "%.767s/jobs/%" PRIu64 "/output", link->base, id);
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    sink_t to = {.fd = file.fd, .path = path};
    slk_http_call_t call = {.method = "GET",
                            .url = url,
                            .token = token,
                            .repeatable = true,
                            .job = job,
                            .sink = sink,
                            .sink_ctx = &to};
    SLK_TRY(slk_http_do(link->client, &call, &answer, diag));
    if (answer.status != 200) {
        err = answer.status == 404                           ? SLK_ERR_NOTFOUND
              : answer.status == 401 || answer.status == 403 ? SLK_ERR_PERM
                                                             : SLK_ERR_IO;
        slk_fail(diag, err, "GET %s: the manager answers with status %d: %.200s", url,
                 answer.status, answer.body ? answer.body : "");
        goto out;
    }
    err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    slk_http_answer_free(&answer);
    return err;
}
