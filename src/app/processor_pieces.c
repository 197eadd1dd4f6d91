/* add_pieces: the data of a sector, padded, from files, from URLs, or zeros. */
#include "app/processor_task.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "net/http_client.h"
#include "selkie/piece.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_MS 5000

/* One entry of `pieces`. */
typedef struct {
    const char *url, *local; /* both NULL: pledge, zeros */
    uint64_t payload, padded;
    bool has_commitment; /* ours: what it has to be */
    slk_node_t commitment;
} piece_t;

/* --- The data of a piece ---------------------------------------------------------------------- */

/* Exactly `left` bytes of a descriptor. */
typedef struct {
    int fd;
    const char *path;
    uint64_t left;
    const slk_job_t *job;
} source_t;

static slk_err_t read_source(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    source_t *source = ctx;
    size_t want = source->left < cap ? (size_t)source->left : cap;
    *len = 0;
    if (!want)
        return SLK_OK;
    slk_err_t err = slk_read_upto_job(source->fd, buf, want, len, source->path, source->job, diag);
    source->left -= *len;
    if (err == SLK_OK && *len < want)
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: ends %" PRIu64 " bytes before the payload_size of the task",
                       source->path, source->left);
    return err;
}

static slk_err_t open_local(source_t *source, const char *path, slk_diag_t *diag)
{
    source->path = path;
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    return source->fd < 0 ? slk_fail_errno(diag, "open", path) : SLK_OK;
}

/* --- URLs ------------------------------------------------------------------------------------- */

/* A thread that fetches a URL into a pipe. */
typedef struct {
    const char *url;
    const slk_job_t *job;
    int fd; /* end of the pipe to write to */
    pthread_t thread;
    slk_err_t err;
    slk_diag_t diag;
} fetch_t;

static slk_err_t to_pipe(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    const fetch_t *fetch = ctx;
    return slk_write_all(fetch->fd, bytes, len, "the pipe of a piece", diag);
}

static slk_err_t get(fetch_t *fetch, slk_http_client_t *client, const char *url, const char *token,
                     slk_http_answer_t *answer)
{
    static const char *const headers[] = {"X-VENUS-API-NAMESPACE: v1.IMarket", NULL};
    return slk_http_do(client,
                       &(slk_http_call_t){.method = "GET",
                                          .url = url,
                                          .token = token,
                                          .headers = token ? headers : NULL,
                                          .repeatable = true,
                                          .job = fetch->job,
                                          .sink = to_pipe,
                                          .sink_ctx = fetch},
                       answer, &fetch->diag);
}

/* The URL itself is asked without a token. Where it redirects to, once, gets the token: that is how
 * a piece store names the market that has the data. */
static void *run_fetch(void *ctx)
{
    fetch_t *fetch = ctx;
    slk_err_t err;
    slk_http_client_t *client = NULL;
    slk_http_answer_t answer = {0}, second = {0};
    SLK_TRY(slk_http_client_new(&client, &(slk_http_client_opts_t){.connect_ms = CONNECT_MS},
                                &fetch->diag));
    SLK_TRY(get(fetch, client, fetch->url, NULL, &answer));
    int status = answer.status;
    if (status / 100 == 3 && *answer.location) {
        const char *token = getenv("PIECE_FETCHER_TOKEN");
        SLK_TRY(get(fetch, client, answer.location, token && *token ? token : NULL, &second));
        status = second.status;
    }
    if (status / 100 != 2)
        err =
            slk_fail(&fetch->diag, SLK_ERR_NOTFOUND, "%.300s: HTTP status %d", fetch->url, status);
out:
    fetch->err = err;
    slk_http_answer_free(&answer);
    slk_http_answer_free(&second);
    slk_http_client_free(client);
    close(fetch->fd);
    return NULL;
}

static slk_err_t start_fetch(fetch_t *fetch, source_t *source, slk_diag_t *diag)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return slk_fail(diag, SLK_ERR_IO, "cannot make a pipe: %s", strerror(errno));
    fetch->fd = ends[1];
    source->fd = ends[0];
    source->path = fetch->url;
    int rc = pthread_create(&fetch->thread, NULL, run_fetch, fetch);
    if (!rc)
        return SLK_OK;
    close(ends[1]);
    return slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
}

/* --- One piece -------------------------------------------------------------------------------- */

typedef struct {
    int fd;
    const char *path;
    uint64_t at;
} staged_t;

static slk_err_t write_staged(void *ctx, const uint8_t *buf, size_t len, slk_diag_t *diag)
{
    staged_t *staged = ctx;
    slk_err_t err = slk_pwrite_all(staged->fd, buf, len, staged->at, staged->path, diag);
    staged->at += len;
    return err;
}

static slk_err_t stage_data(slk_node_t *comm_p, const piece_t *piece, staged_t *staged,
                            const slk_job_t *job, slk_diag_t *diag)
{
    slk_commp_t commp;
    source_t source = {.fd = -1, .left = piece->payload, .job = job};
    fetch_t fetch = {.url = piece->url, .job = job};
    bool fetching = false;
    slk_err_t err;
    if (piece->url) {
        SLK_TRY(start_fetch(&fetch, &source, diag));
        fetching = true;
    } else {
        SLK_TRY(open_local(&source, piece->local, diag));
    }
    SLK_TRY(
        slk_commp(&commp, piece->padded, read_source, &source, write_staged, staged, job, diag));
    *comm_p = commp.piece.comm_p;
out:
    if (source.fd >= 0)
        close(source.fd); /* ends a fetch that has more */
    if (fetching) {
        pthread_join(fetch.thread, NULL);
        /* The data that was read is all that counts, or it is missing because of this. */
        if (err == SLK_ERR_LENGTH && fetch.err != SLK_OK)
            err = slk_fail(diag, fetch.err, "%s", fetch.diag.text);
    }
    return err;
}

static slk_err_t stage_piece(slk_node_t *comm_p, const piece_t *piece, staged_t *staged,
                             const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    if (piece->url || piece->local) {
        err = stage_data(comm_p, piece, staged, job, diag);
    } else {
        slk_piece_zero(comm_p, piece->padded);
        staged->at += piece->padded;
        if (ftruncate(staged->fd, (off_t)staged->at))
            err = slk_fail_errno(diag, "extend", staged->path);
    }
    if (err == SLK_OK && piece->has_commitment &&
        memcmp(comm_p, &piece->commitment, sizeof *comm_p) != 0)
        err = slk_fail(diag, SLK_ERR_DIGEST, "%.300s: comm_p is %s, expected %s",
                       piece->url     ? piece->url
                       : piece->local ? piece->local
                                      : "pledge",
                       slk_node_hex(comm_p).s, slk_node_hex(&piece->commitment).s);
    return err;
}

/* --- The task --------------------------------------------------------------------------------- */

static slk_err_t read_piece(piece_t *out, const json_t *row, slk_diag_t *diag)
{
    slk_err_t err;
    const json_t *file = json_object_get(row, "piece_file");
    const char *word = json_string_value(file);
    *out = (piece_t){.url = json_string_value(json_object_get(file, "url")),
                     .local = json_string_value(json_object_get(file, "local")),
                     .has_commitment = json_object_get(row, "commitment") != NULL};
    bool pledge = word && strcmp(word, "pledge") == 0;
    if (!out->url == !out->local && !pledge)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "task: field piece_file: expected {\"url\":...}, {\"local\":...} or "
                        "\"pledge\"");
    SLK_TRY(slk_task_padded(&out->padded, row, "piece_size", diag));
    SLK_TRY(slk_task_u64(&out->payload, row, "payload_size", diag));
    if (out->payload > out->padded / 128 * 127) {
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "task: field payload_size: %" PRIu64 " bytes do not fit piece_size",
                       out->payload);
        goto out;
    }
    if (out->has_commitment)
        err = slk_task_node(&out->commitment, row, "commitment", diag);
out:
    return err;
}

/* Where those that are in the file already end: sizes in the member "existing" of "selkie". */
static slk_err_t read_used(uint64_t *used, const slk_task_t *task, slk_diag_t *diag)
{
    const json_t *list = json_object_get(task->ours, "existing"), *row;
    size_t i;
    *used = 0;
    json_array_foreach(list, i, row)
    {
        uint64_t padded;
        slk_err_t err = slk_task_padded(&padded, row, "size", diag);
        if (err != SLK_OK)
            return err;
        *used = slk_piece_offset(*used, padded) + padded;
    }
    return SLK_OK;
}

static void put_info(slk_buf_t *out, bool first, const slk_node_t *comm_p, uint64_t padded)
{
    slk_put_node(out, first ? "[{\"commitment\":" : ",{\"commitment\":", comm_p);
    slk_json_putf(out, ",\"size\":%" PRIu64 "}", padded / 128 * 127);
}

static slk_err_t stage_all(const slk_task_t *task, const json_t *list, staged_t *staged,
                           uint64_t sector_bytes, slk_diag_t *diag)
{
    slk_node_t comm_p;
    const json_t *row;
    size_t i;
    slk_err_t err = SLK_OK;
    json_array_foreach(list, i, row)
    {
        piece_t piece;
        SLK_TRY(read_piece(&piece, row, diag));
        staged->at = slk_piece_offset(staged->at, piece.padded);
        if (staged->at + piece.padded > sector_bytes) {
            err = slk_fail(diag, SLK_ERR_LENGTH,
                           "task: piece %zu does not fit: the sector has %" PRIu64
                           " bytes, %" PRIu64 " are taken",
                           i + 1, sector_bytes, staged->at);
            goto out;
        }
        SLK_TRY(stage_piece(&comm_p, &piece, staged, &task->job, diag));
        put_info(task->output, i == 0, &comm_p, piece.padded);
    }
    if (i == 0 && staged->at == 0) { /* committed capacity */
        slk_piece_zero(&comm_p, sector_bytes);
        put_info(task->output, true, &comm_p, sector_bytes);
        staged->at = sector_bytes;
    } else if (i == 0) {
        slk_buf_put(task->output, "[", 1);
    }
    slk_buf_put(task->output, "]", 1);
    if (ftruncate(staged->fd, (off_t)staged->at) || fsync(staged->fd))
        err = slk_fail_errno(diag, "write", staged->path);
out:
    return err;
}

/* Behind what is there: a kill leaves more than the next call knows of, which it cuts off. */
static slk_err_t append_all(const slk_task_t *task, const json_t *list, const char *path,
                            uint64_t used, uint64_t sector_bytes, slk_diag_t *diag)
{
    struct stat st;
    slk_err_t err;
    staged_t staged = {open(path, O_RDWR | O_CLOEXEC), path, used};
    if (staged.fd < 0)
        return slk_fail_errno(diag, "open", path);
    if (fstat(staged.fd, &st))
        err = slk_fail_errno(diag, "stat", path);
    else if ((uint64_t)st.st_size < used)
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, the pieces that are in it take %" PRIu64
                       "; it is truncated",
                       path, (uint64_t)st.st_size, used);
    else if (ftruncate(staged.fd, (off_t)used))
        err = slk_fail_errno(diag, "cut", path);
    else
        err = stage_all(task, list, &staged, sector_bytes, diag);
    close(staged.fd);
    return err;
}

slk_err_t slk_stage_add_pieces(const slk_task_t *task, slk_diag_t *diag)
{
    slk_porep_t porep;
    const char *path;
    const json_t *list;
    uint64_t used;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_err_t err;
    SLK_TRY(slk_task_porep(&porep, task->json, "seal_proof_type", diag));
    SLK_TRY(slk_task_text(&path, task->json, "staged_filepath", diag));
    SLK_TRY(slk_task_array(&list, task->json, "pieces", diag));
    SLK_TRY(read_used(&used, task, diag));
    if (used)
        return append_all(task, list, path, used, porep.size->bytes, diag);
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    staged_t staged = {file.fd, path, 0};
    SLK_TRY(stage_all(task, list, &staged, porep.size->bytes, diag));
    err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    return err;
}
