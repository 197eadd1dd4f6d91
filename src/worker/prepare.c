/* The files of a job: found, given space, fetched from peers or moved between own paths. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "storage/fetch.h"
#include "storage/move.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 16

typedef enum { EXISTING, MAKE, FETCH } use_t;

/* A row of the assignment, read. */
typedef struct {
    slk_file_types_t type;
    use_t use;
    char store[SLK_STORAGE_ID_MAX], from[SLK_STORAGE_ID_MAX];
    const slk_job_file_t *row;
    slk_local_view_t view; /* of store */
} file_t;

static slk_err_t malformed(slk_attempt_t *attempt, const char *what, slk_bytes_t text,
                           slk_diag_t *diag)
{
    return slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT,
                            slk_fail(diag, SLK_ERR_INPUT,
                                     "job %" PRIu64 ": Files: %s '%.*s' is not known",
                                     attempt->job->a.id, what, (int)(text.len < 80 ? text.len : 80),
                                     (const char *)text.b));
}

static bool copy_id(char out[SLK_STORAGE_ID_MAX], slk_bytes_t text)
{
    if (text.len >= SLK_STORAGE_ID_MAX)
        return false;
    memcpy(out, text.b, text.len);
    out[text.len] = 0;
    return text.len == 0 || slk_storage_id_ok(out);
}

static slk_err_t read_row(file_t *file, slk_attempt_t *attempt, const slk_job_file_t *row,
                          slk_diag_t *diag)
{
    static const char *const uses[] = {"existing", "make", "fetch"};
    file->row = row;
    file->type = slk_file_type_from_name((const char *)row->type.b, row->type.len);
    if (!file->type)
        return malformed(attempt, "type", row->type, diag);
    unsigned use = 0;
    while (use < SLK_COUNT(uses) &&
           (row->use.len != strlen(uses[use]) || memcmp(row->use.b, uses[use], row->use.len) != 0))
        use++;
    if (use == SLK_COUNT(uses))
        return malformed(attempt, "use", row->use, diag);
    file->use = (use_t)use;
    if (!copy_id(file->store, row->store) || !file->store[0])
        return malformed(attempt, "path", row->store, diag);
    if (!copy_id(file->from, row->from))
        return malformed(attempt, "path", row->from, diag);
    slk_err_t err = slk_local_view(&file->view, attempt->w->paths, file->store, diag);
    if (err != SLK_OK)
        return slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY,
                                slk_fail(diag, SLK_ERR_NOTFOUND,
                                         "path %s is not attached to this worker (any more)",
                                         file->store));
    return SLK_OK;
}

/* --- Space ---------------------------------------------------------------------------------- */

/* Types that a task makes larger than they are. */
static slk_file_types_t grows(slk_task_t task)
{
    return task == SLK_TASK_AP                            ? SLK_FT_UNSEALED
           : task == SLK_TASK_PC1 || task == SLK_TASK_PC2 ? SLK_FT_SEALED | SLK_FT_CACHE
                                                          : 0;
}

static slk_err_t reserve(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    slk_task_t task = attempt->job->task;
    if (file->use == EXISTING && !(file->type & grows(task)))
        return SLK_OK;
    if (attempt->reservation_cnt == SLK_COUNT(attempt->reservations))
        return malformed(attempt, "one file more, of type", file->row->type, diag);
    slk_space_t table = task == SLK_TASK_GET ? SLK_SPACE_FINALIZED : SLK_SPACE_SEALING;
    slk_err_t err = slk_local_reserve(&attempt->reservations[attempt->reservation_cnt],
                                      attempt->w->paths, file->store, &attempt->job->sector,
                                      file->type, table, attempt->porep.size->bytes, diag);
    if (err == SLK_OK)
        attempt->reservation_cnt++;
    return err;
}

/* --- Files ---------------------------------------------------------------------------------- */

static slk_err_t take_path(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    unsigned at = slk_file_type_index(file->type);
    if (attempt->has & file->type) /* another copy: of interest to RM and FIN alone */
        return SLK_OK;
    slk_err_t err = slk_sector_path(attempt->path[at], file->view.root, file->type,
                                    &attempt->job->sector, diag);
    strcpy(attempt->store[at], file->store);
    attempt->has |= file->type;
    return err;
}

/* One that is needed and should be there. */
static slk_err_t look(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    slk_task_t task = attempt->job->task;
    char path[SLK_SECTOR_PATH_MAX], name[SLK_SECTOR_NAME_MAX];
    bool needed =
        task != SLK_TASK_RM && (task != SLK_TASK_FIN || (file->type & slk_tasks[task].needs) != 0);
    if (!needed ||
        slk_local_has(attempt->w->paths, file->store, &attempt->job->sector, file->type, path))
        return SLK_OK;
    slk_stores_suspect(attempt->w->stores, file->store);
    slk_err_t err =
        slk_fail(diag, SLK_ERR_STATE, "%s: %s of %s is not there%s%s", file->view.root,
                 slk_file_type_name(file->type), slk_sector_name(name, &attempt->job->sector),
                 file->view.error[0] ? "; the path is ill: " : "", file->view.error);
    return slk_attempt_fail(attempt,
                            file->view.error[0] ? SLK_FAILURE_TEMPORARY : SLK_FAILURE_INPUT, err);
}

/* From another path of this worker. */
static slk_err_t move_here(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    slk_local_view_t from;
    slk_err_t err = slk_local_view(&from, attempt->w->paths, file->from, diag);
    if (err != SLK_OK)
        return slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY, err);
    slk_move_t move = {.sector = attempt->job->sector,
                       .type = file->type,
                       .from = from.root,
                       .to = file->view.root,
                       .from_id = file->from,
                       .to_id = file->store,
                       .copy = !file->row->move};
    slk_moved_t moved;
    err = slk_sector_move(&moved, &move, &attempt->slk_job, diag);
    if (err == SLK_ERR_NOTFOUND) {
        slk_stores_suspect(attempt->w->stores, file->from);
        return slk_attempt_fail(attempt, SLK_FAILURE_INPUT, err);
    }
    if (err != SLK_OK)
        return err;
    slk_attempt_made(attempt, file->type, file->store);
    if (file->row->move && moved.how != SLK_MOVED_SAME)
        slk_attempt_gone(attempt, file->type, file->from);
    return SLK_OK;
}

static slk_err_t fetch_here(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    slk_worker_t *w = attempt->w;
    const slk_file_source_list_t *rows = &file->row->sources;
    slk_fetch_source_t sources[SOURCES_MAX];
    char token[SLK_TOKEN_TEXT_MAX];
    size_t cnt = 0;
    slk_worker_lock(w);
    slk_token_new(token, &w->key, slk_perms_upto(SLK_PERM_ADMIN));
    slk_worker_unlock(w);
    for (; cnt < rows->count && cnt < SOURCES_MAX; cnt++) {
        char *url = slk_arena_text(&attempt->job->arena, (const char *)rows->items[cnt].url.b,
                                   rows->items[cnt].url.len);
        if (!url)
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        sources[cnt] = (slk_fetch_source_t){url, token};
    }
    slk_fetch_t fetch = {.sector = attempt->job->sector,
                         .type = file->type,
                         .to = file->view.root,
                         .sources = sources,
                         .source_cnt = cnt,
                         .sector_sz = attempt->porep.size->bytes,
                         .parallel = w->opts->fetch_parallel};
    slk_fetched_t fetched;
    const double began = slk_clock_seconds();
    slk_err_t err = slk_sector_fetch(&fetched, &fetch, w->client, &attempt->slk_job, diag);
    if (err == SLK_ERR_NOSPACE || err == SLK_ERR_CANCELLED)
        return err;
    if (err != SLK_OK)
        return slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY, err);
    slk_attempt_made(attempt, file->type, file->store);
    attempt->fetched_bytes += fetched.received;
    attempt->fetch_seconds += slk_clock_seconds() - began;
    if (!file->row->move || fetched.before)
        return SLK_OK;
    if (!fetched.verified) {
        slk_log_sector(SLK_LOG_WARN, "worker", attempt->job->a.miner, attempt->job->a.number,
                       "%s stays at its source %s, which gives no digests",
                       slk_file_type_name(file->type), sources[fetched.source].url);
        return SLK_OK;
    }
    return slk_job_dir_note_fetched(&attempt->job->dir, slk_file_type_name(file->type),
                                    sources[fetched.source].url, diag);
}

/* Tell the source of a verified copy to remove its own: all files of the job are here by now. What
 * fails stays there, and a later plan drops it. */
static void remove_source(slk_attempt_t *attempt, const file_t *file)
{
    slk_worker_t *w = attempt->w;
    char url[1024], token[SLK_TOKEN_TEXT_MAX];
    slk_diag_t diag;
    if (!file->row->move ||
        !slk_job_dir_fetched(url, sizeof url, &attempt->job->dir, slk_file_type_name(file->type)))
        return;
    slk_worker_lock(w);
    slk_token_new(token, &w->key, slk_perms_upto(SLK_PERM_ADMIN));
    slk_worker_unlock(w);
    slk_fetch_source_t source = {url, token};
    const char *keep[] = {file->store};
    slk_err_t err = slk_remote_delete(&source, keep, 1, w->client, &attempt->slk_job, &diag);
    if (err != SLK_OK && err != SLK_ERR_NOTFOUND) {
        slk_log_sector(SLK_LOG_WARN, "worker", attempt->job->a.miner, attempt->job->a.number,
                       "%s stays at its source: %s", slk_file_type_name(file->type), diag.text);
        return;
    }
    for (size_t i = 0; i < file->row->sources.count; i++) {
        const slk_file_source_t *row = &file->row->sources.items[i];
        char id[SLK_STORAGE_ID_MAX];
        if (row->url.len == strlen(url) && !memcmp(row->url.b, url, row->url.len) &&
            copy_id(id, row->store) && id[0] && strcmp(id, file->store) != 0)
            slk_attempt_gone(attempt, file->type, id);
    }
}

static slk_err_t bring(slk_attempt_t *attempt, const file_t *file, slk_diag_t *diag)
{
    if (file->use == EXISTING)
        return look(attempt, file, diag);
    if (file->use == MAKE)
        return SLK_OK;
    return file->from[0] ? move_here(attempt, file, diag) : fetch_here(attempt, file, diag);
}

/* What the manager estimates the cost of fetching by. */
static void note_fetched(slk_attempt_t *attempt)
{
    if (attempt->fetched_bytes)
        json_object_set_new(attempt->result, "Fetched",
                            json_pack("{sI,sI}", "Bytes", (json_int_t)attempt->fetched_bytes, "Ms",
                                      (json_int_t)(attempt->fetch_seconds * 1000) + 1));
}

slk_err_t slk_prepare(slk_attempt_t *attempt, slk_diag_t *diag)
{
    const slk_job_file_list_t *rows = &attempt->job->a.files;
    slk_err_t err;
    file_t *files = calloc(rows->count + 1, sizeof *files);
    if (!files)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the files of a job");
    for (size_t i = 0; i < rows->count; i++) {
        SLK_TRY(read_row(&files[i], attempt, &rows->items[i], diag));
        SLK_TRY(take_path(attempt, &files[i], diag));
    }
    for (size_t i = 0; i < rows->count; i++)
        SLK_TRY(reserve(attempt, &files[i], diag));
    slk_worker_lock(attempt->w);
    attempt->job->reserved_at = slk_clock_seconds();
    slk_worker_unlock(attempt->w);
    if (attempt->reservation_cnt)
        slk_stores_poke(attempt->w->stores);
    for (size_t i = 0; i < rows->count; i++)
        SLK_TRY(bring(attempt, &files[i], diag));
    for (size_t i = 0; i < rows->count; i++)
        if (files[i].use == FETCH && !files[i].from[0])
            remove_source(attempt, &files[i]);
    note_fetched(attempt);
out:
    free(files);
    return err;
}
