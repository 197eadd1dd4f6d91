/* Fetching by a manifest: several files at a time, each resumed and checked. */
#include "storage/fetch_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/work.h"
#include "crypto/sha256/sha256.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK        ((size_t)1024 * 1024)
#define THREADS_MAX  16u
#define ASK_AGAIN_MS 100u /* doubling up to 2 s */

/* --- The manifest -------------------------------------------------------------------------- */

typedef struct {
    slk_http_answer_t answer;
    char *text;
    size_t len;
    bool plain;
} ask_t;

static slk_err_t take_text(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    ask_t *ask = ctx;
    if (strncmp(ask->answer.content_type, SLK_MANIFEST_TYPE, sizeof SLK_MANIFEST_TYPE - 1) != 0) {
        ask->plain = true; /* the thing itself: a node that knows no manifests */
        return SLK_ERR_UNSUPPORTED;
    }
    if (len > SLK_MANIFEST_TEXT_MAX - ask->len)
        return slk_fail(diag, SLK_ERR_FORMAT, "a manifest longer than %d bytes",
                        SLK_MANIFEST_TEXT_MAX);
    memcpy(ask->text + ask->len, bytes, len);
    ask->len += len;
    return SLK_OK;
}

/* One request; *waiting: the source is still computing, *done bytes by now. */
static slk_err_t ask_once(slk_fetching_t *f, const char *url, slk_manifest_t *manifest, bool *plain,
                          bool *waiting, uint64_t *done, slk_diag_t *diag)
{
    ask_t ask = {.text = malloc(SLK_MANIFEST_TEXT_MAX)};
    json_t *json = NULL;
    *waiting = false;
    if (!ask.text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a manifest");
    const slk_http_call_t call = {.method = "GET",
                                  .url = url,
                                  .token = f->source->token,
                                  .repeatable = true,
                                  .low_speed_s = f->what->stall_s,
                                  .job = f->job,
                                  .sink = take_text,
                                  .sink_ctx = &ask};
    slk_err_t err = slk_http_do(f->client, &call, &ask.answer, diag);
    *plain = ask.plain;
    if (ask.plain) {
        err = SLK_OK;
        goto out;
    }
    if (err == SLK_OK)
        err = slk_fetch_status(f, ask.answer.status, diag);
    if (err != SLK_OK)
        goto out;
    if (ask.answer.status == 202) {
        json = json_loadb(ask.text, ask.len, 0, NULL);
        *waiting = true;
        *done = (uint64_t)json_integer_value(json_object_get(json, "Done"));
        goto out;
    }
    SLK_TRY(slk_sector_manifest_parse(manifest, ask.text, ask.len, f->shown, diag));
    if (manifest->type != f->what->type || !slk_sector_id_eq(&manifest->sector, &f->what->sector))
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: the manifest is of something else", f->shown);
out:
    json_decref(json);
    slk_http_answer_free(&ask.answer);
    free(ask.text);
    return err;
}

static slk_err_t ask_manifest(slk_fetching_t *f, slk_manifest_t *manifest, bool *plain,
                              slk_diag_t *diag)
{
    char url[2048];
    uint64_t done = 0, last = UINT64_MAX;
    double patience = 10.0 * (f->what->stall_s ? f->what->stall_s : 60), since = 0;
    uint32_t pause = ASK_AGAIN_MS;
    bool waiting;
    int n = snprintf(url, sizeof url, "%s?manifest=1", f->source->url);
    if (n < 0 || (size_t)n >= sizeof url)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: URL too long", f->shown);
    for (;;) {
        slk_err_t err = ask_once(f, url, manifest, plain, &waiting, &done, diag);
        if (err != SLK_OK || !waiting)
            return err;
        double now = slk_clock_seconds();
        if (done != last)
            since = now;
        last = done;
        if (now - since > patience)
            return slk_fail(diag, SLK_ERR_TIMEOUT,
                            "%s: has been computing digests for %.0f s without getting further",
                            f->shown, now - since);
        err = slk_fetch_pause(f, pause, diag);
        if (err != SLK_OK)
            return err;
        pause = pause < 2000 ? 2 * pause : pause;
    }
}

/* --- What is staged ------------------------------------------------------------------------ */

static bool in_manifest(void *ctx, const char *name)
{
    const slk_manifest_t *m = ctx;
    for (size_t i = 0; i < m->cnt; i++) {
        if (!strcmp(m->files[i].name, name))
            return true;
    }
    return false;
}

/* Keep what is staged when it is of the same, else begin anew. */
static slk_err_t prepare(slk_fetching_t *f, slk_manifest_t *manifest, slk_diag_t *diag)
{
    slk_manifest_t before = {0};
    char *note = NULL, *text = NULL;
    size_t note_len, len;
    slk_err_t err;
    SLK_TRY(slk_staging_note_read(&note, &note_len, f->staging, diag));
    bool same = note && slk_sector_manifest_parse(&before, note, note_len, "", NULL) == SLK_OK &&
                slk_manifest_eq(&before, manifest);
    if (!same) {
        SLK_TRY(slk_staging_clear(f->staging, diag));
        SLK_TRY(slk_manifest_text(&text, &len, manifest, diag));
        SLK_TRY(slk_staging_note_write(f->staging, text, len, diag));
    }
    err = slk_staging_prune(f->staging, in_manifest, manifest, diag);
out:
    slk_manifest_free(&before);
    free(note);
    free(text);
    return err;
}

/* --- One file ------------------------------------------------------------------------------ */

typedef struct {
    slk_fetching_t *f;
    const slk_manifest_t *manifest;
    slk_work_t work;
    atomic_size_t next;
} files_t;

typedef struct {
    files_t *all;
    const slk_manifest_file_t *file;
    int fd;
    uint64_t have;
    slk_sha256_t sha; /* of the first `have` bytes */
    slk_http_answer_t answer;
    bool begun;
} file_t;

/* A thread that leaves because another one failed has met nothing itself. */
static slk_err_t our_fault(files_t *all, slk_err_t err)
{
    if (err != SLK_OK && err != SLK_ERR_CANCELLED)
        atomic_store(&all->f->ours, true);
    return err;
}

static slk_err_t start_over(file_t *t, slk_diag_t *diag)
{
    slk_progress_add(slk_job_progress(t->all->f->job), -t->have);
    t->have = 0;
    slk_sha256_init(&t->sha);
    return ftruncate(t->fd, 0)
               ? our_fault(t->all, slk_dir_fail(diag, "shorten", &t->all->f->staging->fetching,
                                                t->file->name))
               : SLK_OK;
}

/* Digest of what an earlier attempt left. */
static slk_err_t read_staged(file_t *t, slk_diag_t *diag)
{
    struct stat st;
    slk_err_t err = SLK_OK;
    uint8_t *block = malloc(BLOCK);
    if (!block)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to read what is staged");
    slk_sha256_init(&t->sha);
    if (fstat(t->fd, &st)) {
        err = slk_dir_fail(diag, "stat", &t->all->f->staging->fetching, t->file->name);
        goto out;
    }
    uint64_t len = (uint64_t)st.st_size;
    if (len > t->file->size)
        len = 0;
    while (t->have < len) {
        size_t some = len - t->have < BLOCK ? (size_t)(len - t->have) : BLOCK;
        if (slk_work_stopped(&t->all->work)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        SLK_TRY(slk_pread_all(t->fd, block, some, t->have, t->file->name, diag));
        slk_sha256_update(&t->sha, block, some);
        t->have += some;
    }
    if (ftruncate(t->fd, (off_t)len))
        err = slk_dir_fail(diag, "shorten", &t->all->f->staging->fetching, t->file->name);
out:
    free(block);
    return our_fault(t->all, err);
}

static slk_err_t take_bytes(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    file_t *t = ctx;
    slk_fetching_t *f = t->all->f;
    uint64_t from = 0, total;
    slk_err_t err;
    if (slk_work_stopped(&t->all->work))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    if (!t->begun) {
        t->begun = true;
        bool part = t->answer.content_range[0];
        if (part && (!slk_fetch_range(&from, &total, t->answer.content_range) || from != t->have ||
                     total != t->file->size))
            return slk_fail(diag, SLK_ERR_IO, "%s/%s: answers with another range", f->shown,
                            t->file->name);
        err = part ? SLK_OK : start_over(t, diag);
        if (err != SLK_OK)
            return err;
    }
    if (len > t->file->size - t->have)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%s/%s: longer than the %" PRIu64 " bytes of its manifest", f->shown,
                        t->file->name, t->file->size);
    err = our_fault(t->all,
                    slk_pwrite_all(t->fd, bytes, len, t->have, f->staging->fetching.path, diag));
    if (err != SLK_OK)
        return err;
    slk_sha256_update(&t->sha, bytes, len);
    t->have += len;
    atomic_fetch_add(&f->received, len);
    slk_progress_add(slk_job_progress(f->job), len);
    return SLK_OK;
}

static slk_err_t get_rest(file_t *t, slk_diag_t *diag)
{
    const slk_fetching_t *f = t->all->f;
    char url[2048], range[64];
    const char *headers[] = {range, NULL};
    snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", t->have);
    int n = snprintf(url, sizeof url, "%s%s%s", f->source->url, t->file->name[0] ? "/" : "",
                     t->file->name);
    if (n < 0 || (size_t)n >= sizeof url)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: URL too long", f->shown);
    const slk_http_call_t call = {.method = "GET",
                                  .url = url,
                                  .token = f->source->token,
                                  .headers = headers,
                                  .repeatable = true,
                                  .low_speed_s = f->what->stall_s,
                                  .job = f->job,
                                  .sink = take_bytes,
                                  .sink_ctx = t};
    t->begun = false;
    slk_err_t err = slk_http_do(f->client, &call, &t->answer, diag);
    if (err == SLK_OK)
        err = slk_fetch_status(f, t->answer.status, diag);
    slk_http_answer_free(&t->answer);
    t->answer = (slk_http_answer_t){0};
    if (err == SLK_OK && t->have < t->file->size)
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s/%s: ends after %" PRIu64 " of %" PRIu64 " bytes",
                       f->shown, t->file->name, t->have, t->file->size);
    return err;
}

static slk_err_t fetch_file(files_t *all, size_t i, slk_diag_t *diag)
{
    file_t t = {.all = all, .file = &all->manifest->files[i], .fd = -1};
    slk_node_t found;
    slk_err_t err = our_fault(all, slk_staging_file(&t.fd, all->f->staging, t.file->name, diag));
    if (err != SLK_OK)
        return err;
    SLK_TRY(read_staged(&t, diag));
    for (bool resumed = t.have > 0;; resumed = false) {
        if (t.have < t.file->size)
            SLK_TRY(get_rest(&t, diag));
        slk_sha256_final(&t.sha, &found);
        if (slk_node_eq(&found, &t.file->sha256))
            break;
        SLK_TRY(start_over(&t, diag));
        /* After a loss of power a staged file may hold what was never sent: fetch it once more. */
        if (!resumed) {
            err = slk_fail(diag, SLK_ERR_DIGEST,
                           "%s/%s: SHA-256 %s, the manifest says %s; that copy, or the way to it, "
                           "is damaged",
                           all->f->shown, t.file->name, slk_node_hex(&found).s,
                           slk_node_hex(&t.file->sha256).s);
            goto out;
        }
    }
    if (fsync(t.fd))
        err = our_fault(all, slk_dir_fail(diag, "sync", &all->f->staging->fetching, t.file->name));
out:
    close(t.fd);
    return err;
}

/* --- All files ----------------------------------------------------------------------------- */

static void *run(void *ctx)
{
    files_t *all = ctx;
    size_t i;
    while ((i = atomic_fetch_add(&all->next, 1)) < all->manifest->cnt &&
           !slk_work_stopped(&all->work)) {
        slk_diag_t why = {0};
        slk_err_t err = fetch_file(all, i, &why);
        if (err != SLK_OK)
            slk_work_fail(&all->work, err, &why);
    }
    return NULL;
}

static uint64_t staged_bytes(const slk_fetching_t *f, const slk_manifest_t *m)
{
    uint64_t sum = 0;
    struct stat st;
    for (size_t i = 0; i < m->cnt; i++) {
        bool folder = slk_file_type_is_folder(m->type);
        if (!fstatat(folder ? f->staging->files.fd : f->staging->fetching.fd,
                     folder ? m->files[i].name : f->staging->name, &st, AT_SYMLINK_NOFOLLOW) &&
            (uint64_t)st.st_size <= m->files[i].size)
            sum += (uint64_t)st.st_size;
    }
    return sum;
}

static slk_err_t fetch_all(slk_fetching_t *f, const slk_manifest_t *manifest, slk_diag_t *diag)
{
    files_t all = {.f = f, .manifest = manifest};
    pthread_t threads[THREADS_MAX];
    unsigned want = f->what->parallel ? f->what->parallel : 4, cnt = 0;
    char stage[64];
    snprintf(stage, sizeof stage, "fetch %s", slk_file_type_name(f->what->type));
    uint64_t staged = staged_bytes(f, manifest);
    slk_progress_begin(slk_job_progress(f->job), stage, "B", slk_manifest_bytes(manifest), staged);
    slk_work_init(&all.work, f->job);
    if (want > manifest->cnt)
        want = (unsigned)manifest->cnt;
    /* The calling thread is one of them. */
    while (cnt + 1 < want && cnt < THREADS_MAX && !pthread_create(&threads[cnt], NULL, run, &all))
        cnt++;
    run(&all);
    for (unsigned i = 0; i < cnt; i++)
        pthread_join(threads[i], NULL);
    f->fetched->bytes = slk_manifest_bytes(manifest);
    f->staged = staged_bytes(f, manifest);
    return slk_work_finish(&all.work, diag);
}

slk_err_t slk_fetch_by_manifest(slk_fetching_t *f, bool *plain, slk_diag_t *diag)
{
    slk_manifest_t manifest = {0};
    slk_err_t err;
    SLK_TRY(ask_manifest(f, &manifest, plain, diag));
    if (*plain)
        goto out;
    if (!slk_file_type_is_folder(f->what->type))
        SLK_TRY(slk_fetch_check_len(f, manifest.files[0].size, diag));
    err = prepare(f, &manifest, diag);
    if (err != SLK_OK) {
        atomic_store(&f->ours, true);
        goto out;
    }
    err = fetch_all(f, &manifest, diag);
out:
    slk_manifest_free(&manifest);
    return err;
}
