/* Vanilla proofs of a run: holder by holder, own paths and other workers at the same time. */
#include "worker/post_impl.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define READERS     32u  /* as many as Lotus' --post-parallel-reads */
#define HELD_MAX    256u /* threads that disks hold, above which one that hangs gets no more */
#define HUNG_S      60.0 /* a health check that takes longer */
#define ASK_HUNG_S  5.0  /* the same of a path that is only asked on the off chance */
#define NO_PATH_WHY "no path is known to hold it"

slk_err_t slk_vanilla_files(char sealed[SLK_SECTOR_PATH_MAX], char cache[SLK_SECTOR_PATH_MAX],
                            const char *sealed_root, const char *cache_root,
                            const slk_vanilla_ask_t *ask, slk_diag_t *diag)
{
    slk_err_t err = slk_sector_path(
        sealed, sealed_root, ask->update ? SLK_FT_UPDATE : SLK_FT_SEALED, &ask->sector, diag);
    if (err == SLK_OK)
        err = slk_sector_path(cache, cache_root, ask->update ? SLK_FT_UPDATE_CACHE : SLK_FT_CACHE,
                              &ask->sector, diag);
    return err;
}

/* What was found wrong first counts, but for a file that is just not there. */
void slk_vanilla_failed(slk_vanilla_sector_t *sector, bool absent, const char *why)
{
    if (sector->why.text[0] && !sector->absent)
        return;
    if (sector->why.text[0] && absent)
        return;
    sector->absent = absent;
    snprintf(sector->why.text, sizeof sector->why.text, "%s", why);
}

/* --- Own paths ------------------------------------------------------------------------------- */

/* Sectors that are read in one call. */
typedef struct {
    slk_vanilla_sector_t **sectors;
    slk_local_view_t *views; /* of the paths */
    slk_post_replica_t *replicas;
    slk_post_outcome_t *outcomes;
    size_t cnt;
} batch_t;

static slk_err_t batch_init(batch_t *batch, size_t max, slk_diag_t *diag)
{
    *batch =
        (batch_t){calloc(max, sizeof *batch->sectors), calloc(max, sizeof *batch->views),
                  calloc(max, sizeof *batch->replicas), calloc(max, sizeof *batch->outcomes), 0};
    if (!batch->sectors || !batch->views || !batch->replicas || !batch->outcomes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory to read %zu sectors", max);
    return SLK_OK;
}

static void batch_free(batch_t *batch)
{
    free(batch->sectors);
    free(batch->views);
    free(batch->replicas);
    free(batch->outcomes);
}

/* With the folder of `cache`, in most cases the same path. Only memory is looked at. */
static void batch_add(batch_t *batch, slk_vanilla_sector_t *s, const slk_local_view_t *view,
                      const slk_local_view_t *cache)
{
    slk_diag_t diag;
    double now = slk_clock_seconds();
    if (slk_post_held() > HELD_MAX && view->checking_since > 0 &&
        now - view->checking_since > HUNG_S) {
        snprintf(diag.text, sizeof diag.text,
                 "path %s (%s): does not respond; a check of it got no answer for %.0f s", view->id,
                 view->root, now - view->checking_since);
        slk_vanilla_failed(s, false, diag.text);
        return;
    }
    if (slk_vanilla_files(s->sealed, s->cache, view->root, cache->root, &s->ask, &diag) != SLK_OK) {
        slk_vanilla_failed(s, false, diag.text);
        return;
    }
    batch->replicas[batch->cnt] = (slk_post_replica_t){.sector = s->ask.sector.number,
                                                       .comm_r = s->ask.comm_r,
                                                       .cache = s->cache,
                                                       .sealed = s->sealed,
                                                       .leaves = s->ask.leaves,
                                                       .leaf_cnt = s->ask.leaf_cnt};
    batch->views[batch->cnt] = *view;
    batch->sectors[batch->cnt++] = s;
}

/* Trouble with the path itself may be why. */
static void say_why(slk_vanilla_sector_t *s, const slk_post_outcome_t *outcome,
                    const slk_local_view_t *view)
{
    bool absent = outcome->err == SLK_ERR_NOTFOUND || outcome->err == SLK_ERR_STATE;
    const char *why = outcome->why ? outcome->why : slk_err_text(outcome->err);
    slk_diag_t diag;
    double hung = view->checking_since > 0 ? slk_clock_seconds() - view->checking_since : 0;
    if (view->error[0])
        snprintf(diag.text, sizeof diag.text, "%.700s (path %s: %.300s)", why, view->id,
                 view->error);
    else if (hung > ASK_HUNG_S)
        snprintf(diag.text, sizeof diag.text,
                 "%.700s (path %s: a check of it got no answer for %.0f s)", why, view->id, hung);
    else
        snprintf(diag.text, sizeof diag.text, "%.1000s", why);
    slk_vanilla_failed(s, absent, diag.text);
}

static slk_err_t batch_read(batch_t *batch, const slk_vanilla_run_t *run, slk_diag_t *diag)
{
    slk_post_limits_t limits = {.readers = READERS,
                                .read_seconds = run->read_ms / 1000.0,
                                .sector_seconds = run->sector_ms / 1000.0};
    if (!batch->cnt)
        return SLK_OK;
    slk_err_t err = slk_post_vanilla(batch->outcomes, &run->post, batch->replicas, batch->cnt,
                                     &limits, run->job, diag);
    for (size_t i = 0; i < batch->cnt; i++) {
        slk_vanilla_sector_t *s = batch->sectors[i];
        slk_post_outcome_t *outcome = &batch->outcomes[i];
        if (outcome->err == SLK_OK) {
            s->proof = outcome->proof;
            s->len = outcome->len;
            outcome->proof = NULL;
            continue;
        }
        s->sealed[0] = s->cache[0] = 0;
        say_why(s, outcome, &batch->views[i]);
        if (outcome->err == SLK_ERR_NOMEM && err == SLK_OK) /* ours, not the sector's */
            err = slk_fail(diag, SLK_ERR_NOMEM, "sector %" PRIu64 ": %s", s->ask.sector.number,
                           s->why.text);
    }
    slk_post_outcomes_fini(batch->outcomes, batch->cnt);
    return err;
}

static slk_err_t read_own(slk_vanilla_run_t *run, size_t turn, slk_diag_t *diag)
{
    batch_t batch;
    slk_local_view_t view;
    slk_diag_t why;
    slk_err_t err;
    SLK_TRY(batch_init(&batch, run->cnt, diag));
    for (size_t i = 0; i < run->cnt; i++) {
        slk_vanilla_sector_t *s = &run->sectors[i];
        /* Sectors of other workers are being written by threads that ask these. */
        if (turn >= s->holder_cnt || !s->holders[turn].own || s->proof)
            continue;
        if (slk_local_view(&view, run->w->paths, s->holders[turn].store, &why) == SLK_OK)
            batch_add(&batch, s, &view, &view);
        else
            slk_vanilla_failed(s, true, why.text);
    }
    err = batch_read(&batch, run, diag);
out:
    batch_free(&batch);
    return err;
}

static bool has_holder(const slk_vanilla_sector_t *s, const char *store)
{
    for (size_t i = 0; i < s->holder_cnt; i++)
        if (s->holders[i].own && !strcmp(s->holders[i].store, store))
            return true;
    return false;
}

/* Files move: what was not found may lie in another path of ours by now. */
static slk_err_t read_elsewhere(slk_vanilla_run_t *run, slk_diag_t *diag)
{
    slk_local_view_t *views = NULL;
    size_t cnt = 0;
    slk_err_t err = slk_local_list(&views, &cnt, run->w->paths, diag);
    for (size_t v = 0; err == SLK_OK && v < cnt; v++) {
        batch_t batch;
        if (views[v].checking_since > 0 &&
            slk_clock_seconds() - views[v].checking_since > ASK_HUNG_S)
            continue;
        err = batch_init(&batch, run->cnt, diag);
        for (size_t i = 0; err == SLK_OK && i < run->cnt; i++)
            if (!run->sectors[i].proof && !has_holder(&run->sectors[i], views[v].id))
                batch_add(&batch, &run->sectors[i], &views[v], &views[v]);
        if (err == SLK_OK)
            err = batch_read(&batch, run, diag);
        batch_free(&batch);
    }
    free(views);
    return err;
}

/* Sealed file and cache may lie in two paths: holder `sealed` and holder `cache` of a sector. */
static slk_err_t read_split(slk_vanilla_run_t *run, size_t sealed, size_t cache, slk_diag_t *diag)
{
    batch_t batch;
    slk_local_view_t view[2];
    slk_diag_t why;
    slk_err_t err;
    SLK_TRY(batch_init(&batch, run->cnt, diag));
    for (size_t i = 0; i < run->cnt; i++) {
        slk_vanilla_sector_t *s = &run->sectors[i];
        if (!s->proof && s->absent && sealed < s->holder_cnt && cache < s->holder_cnt &&
            s->holders[sealed].own && s->holders[cache].own &&
            slk_local_view(&view[0], run->w->paths, s->holders[sealed].store, &why) == SLK_OK &&
            slk_local_view(&view[1], run->w->paths, s->holders[cache].store, &why) == SLK_OK)
            batch_add(&batch, s, &view[0], &view[1]);
    }
    err = batch_read(&batch, run, diag);
out:
    batch_free(&batch);
    return err;
}

/* --- All ------------------------------------------------------------------------------------- */

/* The others, while own paths are read. */
typedef struct {
    slk_vanilla_run_t *run;
    size_t turn;
    slk_err_t err;
    slk_diag_t diag;
} others_t;

static void *read_others(void *arg)
{
    others_t *others = arg;
    others->err = slk_vanilla_remote(others->run, others->turn, &others->diag);
    return NULL;
}

static slk_err_t read_turn(slk_vanilla_run_t *run, size_t turn, slk_diag_t *diag)
{
    others_t others = {.run = run, .turn = turn};
    pthread_t thread;
    bool beside = pthread_create(&thread, NULL, read_others, &others) == 0;
    slk_err_t err = read_own(run, turn, diag);
    if (beside)
        pthread_join(thread, NULL);
    else
        read_others(&others);
    if (err == SLK_OK && others.err != SLK_OK)
        err = slk_fail(diag, others.err, "%s", others.diag.text);
    return err;
}

static size_t missing_cnt(const slk_vanilla_run_t *run)
{
    size_t cnt = 0;
    for (size_t i = 0; i < run->cnt; i++)
        cnt += !run->sectors[i].proof;
    return cnt;
}

slk_err_t slk_vanilla_read(slk_vanilla_run_t *run, slk_diag_t *diag)
{
    size_t turns = 0, missing;
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < run->cnt; i++) {
        slk_vanilla_sector_t *s = &run->sectors[i];
        turns = s->holder_cnt > turns ? s->holder_cnt : turns;
        if (!s->holder_cnt)
            slk_vanilla_failed(s, true, NO_PATH_WHY);
    }
    for (size_t turn = 0; err == SLK_OK && turn < turns; turn++)
        err = read_turn(run, turn, diag);
    missing = missing_cnt(run);
    for (size_t i = 0; missing && i < turns; i++)
        for (size_t j = 0; err == SLK_OK && j < turns; j++)
            if (i != j)
                err = read_split(run, i, j, diag);
    missing = missing_cnt(run);
    if (err == SLK_OK && missing)
        err = read_elsewhere(run, diag);
    if (err == SLK_OK && slk_job_cancelled(run->job))
        err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted while sectors were read");
    return err;
}
