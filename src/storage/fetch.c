#include "storage/fetch_impl.h"

#include "base/assert.h"
#include "net/download_get.h"
#include "net/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND_WORTH (64 * 1024) /* bytes that make a round count as progress */

slk_err_t slk_fetch_status(const slk_fetching_t *f, int status, slk_diag_t *diag)
{
    if (status >= 200 && status < 300)
        return SLK_OK;
    if (status == 404)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "%s: not there any more (404)", f->shown);
    if (status == 401 || status == 403)
        return slk_fail(diag, SLK_ERR_PERM,
                        "%s: refuses the token (%d); it needs the admin right there", f->shown,
                        status);
    return slk_fail(diag, SLK_ERR_IO, "%s: answers with status %d", f->shown, status);
}

slk_err_t slk_fetch_check_len(const slk_fetching_t *f, uint64_t len, slk_diag_t *diag)
{
    uint64_t want = f->what->sector_sz;
    slk_file_types_t type = f->what->type;
    bool exact = type & (SLK_FT_SEALED | SLK_FT_UPDATE);
    if (!want || !(exact || type == SLK_FT_UNSEALED) || (exact ? len == want : len >= want))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_LENGTH,
                    "%s: %" PRIu64 " bytes, expected %s%" PRIu64 "; that copy is not whole",
                    f->shown, len, exact ? "" : "at least ", want);
}

bool slk_fetch_range(uint64_t *from, uint64_t *total, const char *text)
{
    uint64_t last;
    return sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, from, &last, total) == 3 &&
           last >= *from && last < *total;
}

slk_err_t slk_fetch_pause(const slk_fetching_t *f, uint32_t ms, slk_diag_t *diag)
{
    double end = slk_clock_seconds() + ms / 1e3;
    while (slk_clock_seconds() < end) {
        if (slk_job_cancelled(f->job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        nanosleep(&(struct timespec){.tv_nsec = ms < 50 ? ms * 1000000L : 50000000}, NULL);
    }
    return SLK_OK;
}

/* --- Sources in turn ----------------------------------------------------------------------- */

static slk_err_t attempt(slk_fetching_t *f, slk_diag_t *diag)
{
    bool plain = false;
    slk_url_show(f->shown, sizeof f->shown, f->source->url);
    f->fetched->bytes = 0;
    f->staged = 0;
    slk_err_t err = slk_fetch_by_manifest(f, &plain, diag);
    if (err == SLK_OK && plain)
        err = slk_fetch_plain(f, diag);
    if (err != SLK_OK)
        return err;
    f->fetched->verified = !plain;
    err = slk_staging_commit(f->staging, diag);
    if (err != SLK_OK)
        atomic_store(&f->ours, true);
    return err;
}

static bool ends_all(const slk_fetching_t *f, slk_err_t err)
{
    return err == SLK_OK || err == SLK_ERR_NOSPACE || err == SLK_ERR_CANCELLED ||
           err == SLK_ERR_NOMEM || atomic_load(&f->ours);
}

/* What a source failed with that asking again will not change. */
static bool is_lasting(slk_err_t err)
{
    return err == SLK_ERR_NOTFOUND || err == SLK_ERR_PERM || err == SLK_ERR_DIGEST ||
           err == SLK_ERR_FORMAT || err == SLK_ERR_INPUT;
}

/* One round; *left: sources that may be asked again; *most grows to the most bytes staged. A failure to fetch says more than a refusal. */
static slk_err_t one_round(slk_fetching_t *f, bool *out, size_t *left, uint64_t *most,
                           slk_diag_t *diag)
{
    slk_err_t kept = SLK_ERR_NOTFOUND;
    *left = 0;
    for (size_t i = 0; i < f->what->source_cnt; i++) {
        slk_diag_t why = {0};
        if (out[i])
            continue;
        f->source = &f->what->sources[i];
        f->fetched->source = i;
        slk_err_t err = slk_job_cancelled(f->job) ? slk_fail(&why, SLK_ERR_CANCELLED, "interrupted")
                                                  : attempt(f, &why);
        out[i] = is_lasting(err);
        *most = f->staged > *most ? f->staged : *most;
        *left += !out[i];
        if (ends_all(f, err)) {
            *left = 0;
            return err == SLK_OK ? err : slk_fail(diag, err, "%s", why.text);
        }
        if (kept == SLK_ERR_NOTFOUND || err != SLK_ERR_NOTFOUND) {
            kept = err;
            slk_fail(diag, err, "%s", why.text);
        }
    }
    return kept;
}

static slk_err_t all_rounds(slk_fetching_t *f, bool *out, slk_diag_t *diag)
{
    unsigned rounds = f->what->rounds ? f->what->rounds : 3, idle = 0;
    uint32_t pause = f->what->pause_ms ? f->what->pause_ms : 1000;
    uint64_t most = 0; /* bytes ever staged: what does not grow for long never ends */
    size_t left;
    for (;;) {
        uint64_t best = most;
        slk_err_t err = one_round(f, out, &left, &most, diag);
        idle = most < best + ROUND_WORTH ? idle + 1 : 0;
        if (!left || idle == rounds)
            return err;
        slk_diag_t why;
        slk_err_t paused = slk_fetch_pause(f, pause, &why);
        if (paused != SLK_OK)
            return slk_fail(diag, paused, "%s", why.text);
        pause = pause < 30000 ? pause * 2 : pause;
    }
}

slk_err_t slk_sector_fetch(slk_fetched_t *fetched, const slk_fetch_t *fetch,
                           slk_http_client_t *client, const slk_job_t *job, slk_diag_t *diag)
{
    slk_fetched_t own;
    slk_staging_t staging;
    slk_entry_t there;
    slk_fetching_t f = {.what = fetch,
                        .client = client,
                        .job = job,
                        .staging = &staging,
                        .fetched = fetched ? fetched : &own};
    *f.fetched = (slk_fetched_t){0};
    bool *out = calloc(fetch->source_cnt + 1, sizeof *out);
    if (!out)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to fetch a sector");
    slk_err_t err = slk_staging_open(&staging, fetch->to, fetch->type, &fetch->sector, diag);
    if (err == SLK_OK)
        err = slk_staging_target(&there, &staging, diag);
    if (err == SLK_OK && there != SLK_ENTRY_NONE) {
        f.fetched->before = true;
        err = slk_staging_clear(&staging, diag);
    } else if (err == SLK_OK && !fetch->source_cnt) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "%s: %s: no node has it", staging.name,
                       slk_file_type_name(fetch->type));
    } else if (err == SLK_OK) {
        err = all_rounds(&f, out, diag);
    }
    f.fetched->received = atomic_load(&f.received);
    slk_progress_end(slk_job_progress(job));
    slk_staging_close(&staging);
    free(out);
    return err;
}

/* --- Removing ------------------------------------------------------------------------------ */

slk_err_t slk_remote_delete(const slk_fetch_source_t *source, const char *const *keep,
                            size_t keep_cnt, slk_http_client_t *client, const slk_job_t *job,
                            slk_diag_t *diag)
{
    slk_fetching_t f = {.source = source};
    slk_text_t url = {0};
    slk_http_answer_t answer = {0};
    slk_url_show(f.shown, sizeof f.shown, source->url);
    slk_text_str(&url, source->url);
    for (size_t i = 0; i < keep_cnt; i++)
        slk_text_printf(&url, "%s%s", i ? "." : "?keep=", keep[i]);
    char *text = slk_text_take(&url, NULL);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a request");
    const slk_http_call_t call = {
        .method = "DELETE", .url = text, .token = source->token, .repeatable = true, .job = job};
    slk_err_t err = slk_http_do(client, &call, &answer, diag);
    if (err == SLK_OK)
        err = slk_fetch_status(&f, answer.status, diag);
    slk_http_answer_free(&answer);
    free(text);
    return err;
}
