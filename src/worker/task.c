/* An attempt at a job: locks, files, the task, and how it failed. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "codec/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is written while others may not look at it, and who does it. */
static const struct {
    slk_task_fn_t *run;
    slk_file_types_t writes;
    bool input; /* files that are not as they should be are the earlier task's doing */
} tasks[SLK_TASK_CNT] = {
    [SLK_TASK_AP] = {slk_do_ap, SLK_FT_UNSEALED, false},
    [SLK_TASK_PC1] = {slk_do_pc1, SLK_FT_SEALED | SLK_FT_CACHE, false},
    [SLK_TASK_PC2] = {slk_do_pc2, SLK_FT_SEALED | SLK_FT_CACHE, true},
    [SLK_TASK_C1] = {slk_do_c1, 0, true},
    [SLK_TASK_C2] = {slk_do_c2, 0, false},
    [SLK_TASK_FIN] = {slk_do_fin, SLK_FT_SEALED | SLK_FT_CACHE | SLK_FT_UNSEALED, true},
    [SLK_TASK_GET] = {slk_do_get, 0, false},
    [SLK_TASK_RM] = {slk_do_rm, SLK_FT_ALL, false},
    [SLK_TASK_WDP] = {slk_do_wdp, 0, false},
};

slk_err_t slk_attempt_fail(slk_attempt_t *attempt, slk_failure_t failure, slk_err_t err)
{
    attempt->failure = failure;
    attempt->failure_set = true;
    return err;
}

/* --- What was made -------------------------------------------------------------------------- */

static slk_bytes_t bytes_of(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

/* A copy that lives as long as the job. */
static slk_bytes_t keep(slk_attempt_t *attempt, const char *text)
{
    char *copy = slk_arena_text(&attempt->job->arena, text, strlen(text));
    return bytes_of(copy ? copy : "");
}

static bool same(const slk_held_file_t *file, const char *type, const char *store)
{
    return file->type.len == strlen(type) && !memcmp(file->type.b, type, file->type.len) &&
           file->store.len == strlen(store) && !memcmp(file->store.b, store, file->store.len);
}

void slk_attempt_made(slk_attempt_t *attempt, slk_file_types_t type, const char *store)
{
    const char *name = slk_file_type_name(type);
    for (size_t i = 0; i < attempt->made_cnt; i++)
        if (same(&attempt->made[i], name, store))
            return;
    SLK_ASSERT(attempt->made_cnt < SLK_COUNT(attempt->made));
    attempt->made[attempt->made_cnt++] = (slk_held_file_t){bytes_of(name), keep(attempt, store)};
}

void slk_attempt_gone(slk_attempt_t *attempt, slk_file_types_t type, const char *store)
{
    const char *name = slk_file_type_name(type);
    for (size_t i = 0; i < attempt->gone_cnt; i++)
        if (same(&attempt->gone[i], name, store))
            return;
    if (attempt->gone_cnt == attempt->gone_room) {
        size_t room = attempt->gone_room ? 2 * attempt->gone_room : 8;
        slk_held_file_t *gone = realloc(attempt->gone, room * sizeof *gone);
        if (!gone) { /* the next declaration tells it */
            slk_stores_suspect(attempt->w->stores, NULL);
            return;
        }
        attempt->gone = gone;
        attempt->gone_room = room;
    }
    attempt->gone[attempt->gone_cnt++] = (slk_held_file_t){bytes_of(name), keep(attempt, store)};
}

void slk_attempt_stage(slk_attempt_t *attempt, const char *stage)
{
    slk_worker_lock(attempt->w);
    attempt->job->in_processor = false;
    slk_worker_unlock(attempt->w);
    slk_progress_begin(attempt->job->progress, stage, "", 0, 0);
}

/* --- How it failed -------------------------------------------------------------------------- */

static slk_failure_t classify(const slk_attempt_t *attempt, slk_err_t err)
{
    bool input = tasks[attempt->job->task].input;
    switch ((int)err) {
    case SLK_ERR_NOSPACE:
        return SLK_FAILURE_NO_SPACE;
    case SLK_ERR_CANCELLED:
        return SLK_FAILURE_RESTARTED;
    case SLK_ERR_FORMAT:
    case SLK_ERR_MISMATCH:
    case SLK_ERR_DIGEST:
    case SLK_ERR_LENGTH:
    case SLK_ERR_FIELD:
        return SLK_FAILURE_INPUT;
    case SLK_ERR_STATE:
    case SLK_ERR_PROOF:
        return input ? SLK_FAILURE_INPUT : SLK_FAILURE_PERMANENT;
    case SLK_ERR_INPUT:
    case SLK_ERR_UNSUPPORTED:
    case SLK_ERR_PERM:
        return SLK_FAILURE_PERMANENT;
    default:
        return SLK_FAILURE_TEMPORARY;
    }
}

/* --- The attempt ---------------------------------------------------------------------------- */

static slk_err_t read_params(slk_attempt_t *attempt, slk_diag_t *diag)
{
    const slk_assignment_t *a = &attempt->job->a;
    slk_diag_t why;
    json_error_t error;
    if (a->params.len)
        attempt->params = slk_json_load((const char *)a->params.b, a->params.len, 0, &error);
    else
        attempt->params = json_object();
    attempt->result = json_object();
    if (!json_is_object(attempt->params) || !attempt->result)
        return slk_attempt_fail(
            attempt, SLK_FAILURE_PERMANENT,
            slk_fail(diag, SLK_ERR_INPUT, "job %" PRIu64 ": Params: expected an object", a->id));
    if (attempt->job->task == SLK_TASK_WDP) /* is of no one sector */
        return SLK_OK;
    if (a->seal_proof < INT16_MIN || a->seal_proof > INT16_MAX ||
        slk_porep_by_id(&attempt->porep, (int)a->seal_proof, &why) != SLK_OK)
        return slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT,
                                slk_fail(diag, SLK_ERR_INPUT,
                                         "job %" PRIu64 ": SealProof: %" PRId64
                                         " is no registered seal proof",
                                         a->id, a->seal_proof));
    return SLK_OK;
}

/* What the job reads and writes of its sector. */
static slk_err_t lock_files(slk_sector_lock_t **lock, slk_attempt_t *attempt, slk_diag_t *diag)
{
    const slk_wjob_t *job = attempt->job;
    slk_file_types_t read = slk_tasks[job->task].needs, write = tasks[job->task].writes;
    char owner[48];
    for (size_t i = 0; i < job->a.files.count; i++) {
        const slk_job_file_t *file = &job->a.files.items[i];
        slk_file_types_t type = slk_file_type_from_name((const char *)file->type.b, file->type.len);
        bool existing = file->use.len == 8 && !memcmp(file->use.b, "existing", 8);
        *(existing ? &read : &write) |= type;
    }
    snprintf(owner, sizeof owner, "%s, job %" PRIu64, slk_tasks[job->task].name, job->a.id);
    slk_attempt_stage(attempt, "waits for the files");
    if (!(read | write))
        return SLK_OK;
    return slk_sector_lock(lock, attempt->w->locks, &job->sector, read, write, owner,
                           SLK_LOCK_FOREVER, &attempt->slk_job, diag);
}

slk_err_t slk_attempt_run(slk_attempt_t *attempt, slk_wjob_t *job, slk_diag_t *diag)
{
    slk_sector_lock_t *lock = NULL;
    slk_err_t err;
    attempt->w = job->worker;
    attempt->job = job;
    attempt->slk_job = (slk_job_t){.progress = job->progress, .cancel = &job->cancel};
    SLK_TRY(read_params(attempt, diag));
    SLK_TRY(lock_files(&lock, attempt, diag));
    SLK_TRY(slk_prepare(attempt, diag));
    err = tasks[job->task].run(attempt, diag);
out:
    slk_sector_unlock(attempt->w->locks, lock);
    for (size_t i = 0; i < attempt->reservation_cnt; i++)
        slk_local_release(attempt->reservations[i]);
    attempt->reservation_cnt = 0;
    if (err != SLK_OK && !attempt->failure_set)
        attempt->failure = classify(attempt, err);
    return err;
}

void slk_attempt_fini(slk_attempt_t *attempt)
{
    json_decref(attempt->params);
    json_decref(attempt->result);
    free(attempt->gone);
    free(attempt->stderr_tail);
}
