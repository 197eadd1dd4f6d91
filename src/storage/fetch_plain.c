/* Fetching from nodes that give a plain file or a tar, as Lotus' do. */
#include "storage/fetch_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "storage/tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define P_AUX_SZ 64u /* comm_c and comm_r_last */
#define TRIES    3u

typedef struct {
    slk_fetching_t *f;
    int fd;
    uint64_t have;  /* bytes of the present file */
    uint64_t total; /* of a plain file, when a range was answered; 0: not known */
    uint64_t sum;   /* of all files of an archive */
    char name[SLK_CACHE_FILE_MAX];
    bool begun, p_aux;
    slk_untar_t untar;
    slk_http_answer_t answer;
} plain_t;

static slk_err_t our_fault(plain_t *p, slk_err_t err)
{
    if (err != SLK_OK)
        atomic_store(&p->f->ours, true);
    return err;
}

static slk_err_t put_bytes(plain_t *p, const void *bytes, size_t len, slk_diag_t *diag)
{
    slk_err_t err = our_fault(
        p, slk_pwrite_all(p->fd, bytes, len, p->have, p->f->staging->fetching.path, diag));
    p->have += len;
    return err;
}

static void count(plain_t *p, size_t len)
{
    atomic_fetch_add(&p->f->received, len);
    slk_progress_add(slk_job_progress(p->f->job), len);
}

static slk_err_t get(plain_t *p, slk_err_t (*sink)(void *, const void *, size_t, slk_diag_t *),
                     slk_diag_t *diag)
{
    char range[64];
    const char *headers[] = {range, NULL};
    const slk_fetching_t *f = p->f;
    snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", p->have);
    const slk_http_call_t call = {.method = "GET",
                                  .url = f->source->url,
                                  .token = f->source->token,
                                  .headers = p->have ? headers : NULL,
                                  .repeatable = true,
                                  .low_speed_s = f->what->stall_s,
                                  .job = f->job,
                                  .sink = sink,
                                  .sink_ctx = p};
    p->begun = false;
    slk_err_t err = slk_http_do(f->client, &call, &p->answer, diag);
    if (err == SLK_OK)
        err = slk_fetch_status(f, p->answer.status, diag);
    slk_http_answer_free(&p->answer);
    p->answer = (slk_http_answer_t){0};
    return err;
}

/* --- A file -------------------------------------------------------------------------------- */

static slk_err_t take_file(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    plain_t *p = ctx;
    uint64_t from = 0, total = 0;
    if (!p->begun) {
        p->begun = true;
        if (!p->answer.content_range[0]) {
            p->have = 0;
            if (ftruncate(p->fd, 0))
                return our_fault(p, slk_fail_errno(diag, "shorten", p->f->staging->fetching.path));
        } else if (!slk_fetch_range(&from, &total, p->answer.content_range) || from != p->have ||
                   (p->total && total != p->total)) {
            return slk_fail(diag, SLK_ERR_IO, "%s: answers with another range", p->f->shown);
        }
        p->total = total;
    }
    slk_err_t err = put_bytes(p, bytes, len, diag);
    if (err == SLK_OK)
        count(p, len);
    return err;
}

/* A connection that breaks is taken up where it broke, within this call alone: nothing says later
 * whether the file is still the same. */
static slk_err_t get_file(plain_t *p, slk_diag_t *diag)
{
    slk_err_t err = our_fault(p, slk_staging_file(&p->fd, p->f->staging, "", diag));
    if (err != SLK_OK)
        return err;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t before = p->have;
        err = get(p, take_file, diag);
        if (err == SLK_OK || err == SLK_ERR_CANCELLED || atomic_load(&p->f->ours) ||
            p->have <= before)
            break;
    }
    if (err == SLK_OK && (p->total ? p->have != p->total : !p->have))
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: ends after %" PRIu64 " bytes", p->f->shown,
                       p->have);
    if (err == SLK_OK)
        err = slk_fetch_check_len(p->f, p->have, diag);
    p->sum = p->have;
    close(p->fd);
    return err;
}

/* --- A folder ------------------------------------------------------------------------------ */

static slk_err_t begin_file(void *ctx, const char *name, uint64_t size, slk_diag_t *diag)
{
    plain_t *p = ctx;
    const slk_fetch_t *w = p->f->what;
    uint64_t most =
        w->sector_sz ? slk_file_space(w->type, w->sector_sz, SLK_SPACE_SEALING) + 64 * 1024 * 1024
                     : INT64_MAX;
    if (size > most - p->sum)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: more bytes than a sector's %s can have",
                        p->f->shown, slk_file_type_name(w->type));
    if (!strcmp(name, "p_aux") && size != P_AUX_SZ)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: p_aux has %" PRIu64 " bytes, expected %u",
                        p->f->shown, size, P_AUX_SZ);
    p->p_aux |= !strcmp(name, "p_aux");
    p->sum += size;
    p->have = 0;
    snprintf(p->name, sizeof p->name, "%s", name);
    slk_err_t err = our_fault(p, slk_staging_file(&p->fd, p->f->staging, name, diag));
    if (err == SLK_OK && ftruncate(p->fd, 0))
        err = our_fault(p, slk_fail_errno(diag, "shorten", name));
    return err;
}

static slk_err_t file_data(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    return put_bytes(ctx, bytes, len, diag);
}

static slk_err_t end_file(void *ctx, slk_diag_t *diag)
{
    plain_t *p = ctx;
    slk_err_t err = SLK_OK;
    if (fsync(p->fd))
        err = our_fault(p, slk_fail_errno(diag, "sync", p->name));
    close(p->fd);
    p->fd = -1;
    return err;
}

static slk_err_t take_tar(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    plain_t *p = ctx;
    count(p, len);
    return slk_untar_feed(&p->untar, bytes, len, diag);
}

static slk_err_t get_folder(plain_t *p, slk_diag_t *diag)
{
    const slk_untar_events_t on = {
        .begin = begin_file, .data = file_data, .end = end_file, .ctx = p};
    slk_untar_init(&p->untar, &on, p->f->shown);
    slk_err_t err = get(p, take_tar, diag);
    if (p->fd >= 0)
        close(p->fd);
    if (err == SLK_OK && !slk_untar_complete(&p->untar))
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: the archive ends in the middle", p->f->shown);
    if (err == SLK_OK && !p->p_aux)
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: the archive has no p_aux", p->f->shown);
    return err;
}

slk_err_t slk_fetch_plain(slk_fetching_t *f, slk_diag_t *diag)
{
    plain_t p = {.f = f, .fd = -1};
    char stage[64];
    slk_err_t err = our_fault(&p, slk_staging_clear(f->staging, diag));
    if (err != SLK_OK)
        return err;
    snprintf(stage, sizeof stage, "fetch %s", slk_file_type_name(f->what->type));
    slk_progress_begin(slk_job_progress(f->job), stage, "B", 0, 0);
    err = slk_file_type_is_folder(f->what->type) ? get_folder(&p, diag) : get_file(&p, diag);
    f->fetched->bytes = p.sum;
    return err;
}
