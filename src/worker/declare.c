/* Keeps the list of paths as storage.json has it, and tells the manager what lies in them, when that may be
 * news to it. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <string.h>

#define PART_SECTORS 2000
#define SCAN_MAX     ((size_t)256 << 20) /* bytes of the files of one path */

static slk_err_t send_part(slk_worker_t *w, const char *id, bool first, bool last,
                           const slk_declared_t *sectors, size_t cnt, slk_diag_t *diag)
{
    slk_job_t stop = {.cancel = &w->no_calls};
    slk_declare_t part = {
        .worker = {(const uint8_t *)w->repo.id, strlen(w->repo.id)},
        .store = {(const uint8_t *)id, strlen(id)},
        .first = first,
        .last = last,
        .sectors = {(slk_declared_t *)sectors, cnt},
    };
    slk_link_call_t call = {
        .method = "Selkie.StorageDeclare", .in_type = &slk_declare_type, .in = &part, .job = &stop};
    return slk_link_do(&w->link, &call, diag);
}

/* The first part goes before the look, so that what comes and goes meanwhile is not mistaken. */
static slk_err_t declare(slk_worker_t *w, const char *id, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_declared_list_t all = {0};
    slk_err_t err;
    slk_arena_init(&arena, SCAN_MAX);
    SLK_TRY(send_part(w, id, true, false, NULL, 0, diag));
    SLK_TRY(slk_stores_scan(&all, w->stores, id, &arena, diag));
    for (size_t at = 0; at == 0 || at < all.count; at += PART_SECTORS) {
        size_t left = all.count - at, cnt = left < PART_SECTORS ? left : PART_SECTORS;
        SLK_TRY(send_part(w, id, false, cnt == left, all.items + at, cnt, diag));
    }
    slk_log(SLK_LOG_INFO, "worker", "path %s declared: files of %zu sectors", id, all.count);
out:
    slk_arena_free(&arena);
    return err;
}

static void look_after_paths(slk_worker_t *w)
{
    slk_diag_t diag;
    bool changed;
    slk_worker_lock(w);
    bool asked = w->reload;
    w->reload = false;
    slk_worker_unlock(w);
    asked = (w->opts->reload && atomic_exchange(w->opts->reload, false)) || asked;
    if (slk_stores_reload(w->stores, asked, &changed, &diag) != SLK_OK)
        slk_log(SLK_LOG_ERROR, "worker", "%s", diag.text);
    if (asked)
        slk_stores_suspect(w->stores, NULL);
}

static void declare_suspects(slk_worker_t *w)
{
    char id[SLK_STORAGE_ID_MAX];
    slk_diag_t diag;
    slk_err_t err = SLK_OK;
    while (err == SLK_OK && slk_stores_next_suspect(id, w->stores)) {
        err = declare(w, id, &diag);
        if (err != SLK_OK) { /* with the next beat */
            slk_stores_suspect(w->stores, id);
            slk_log(SLK_LOG_WARN, "worker", "path %s is not declared yet: %s", id, diag.text);
        }
    }
}

/* A disk that hangs holds up this thread alone. */
static void *declarer(void *arg)
{
    slk_worker_t *w = arg;
    unsigned seen = 0;
    slk_worker_lock(w);
    while (!w->declarer_stop) {
        bool known = w->beats && w->beats != seen;
        seen = w->beats;
        slk_worker_unlock(w);
        look_after_paths(w);
        if (known)
            declare_suspects(w);
        slk_worker_lock(w);
        if (!w->declarer_stop && w->beats == seen && !w->reload)
            slk_worker_wait(w, 1000);
    }
    slk_worker_unlock(w);
    return NULL;
}

slk_err_t slk_declarer_start(slk_worker_t *w, slk_diag_t *diag)
{
    w->declarer_stop = false;
    if (pthread_create(&w->declarer, NULL, declarer, w) != 0)
        return slk_fail(diag, SLK_ERR_NOMEM, "no thread to be had");
    w->declarer_runs = true;
    return SLK_OK;
}

void slk_declarer_stop(slk_worker_t *w)
{
    if (!w->declarer_runs)
        return;
    slk_worker_lock(w);
    w->declarer_stop = true;
    slk_worker_changed(w);
    slk_worker_unlock(w);
    pthread_join(w->declarer, NULL);
    w->declarer_runs = false;
}
