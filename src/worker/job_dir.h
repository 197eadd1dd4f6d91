#ifndef SLK_WORKER_JOB_DIR_H
#define SLK_WORKER_JOB_DIR_H

/* What of a job is on the disk: <repo>/jobs/<id>/
 *
 *   assignment.json   as it came; without it the folder counts for nothing
 *   fetched.json      {"sealed": URL it came from}: which source may be told to remove its copy
 *   result.json       {"Done": slk_job_done} or {"Failed": slk_job_failed}: the job has ended
 *   output.json       of C1, to be uploaded
 *   and what the task needs meanwhile
 *
 * Every file is complete or not there. */

#include "cluster/protocol.h"
#include "worker/repo.h"

typedef struct {
    char path[SLK_WORKER_PATH_MAX];
} slk_job_dir_t;

/* How a job ended: what is to be told to the manager. */
typedef struct {
    bool failed;
    slk_job_done_t done;      /* when !failed */
    slk_job_failed_t failure; /* when failed */
} slk_job_end_t;

/* The folder of a job of this repo (its dir); nothing is made. */
SLK_CHECK_RESULT slk_err_t slk_job_dir(slk_job_dir_t *dir, const char *repo, uint64_t id,
                                       slk_diag_t *diag);

/* Ids of the jobs that are there, in ascending order; folders without assignment are removed.
 * *ids is malloc'ed. */
SLK_CHECK_RESULT slk_err_t slk_job_dir_list(uint64_t **ids, size_t *cnt, const char *repo,
                                            slk_diag_t *diag);

/* Path of a file in it. Asserts that it fits. */
void slk_job_dir_file(char out[SLK_WORKER_PATH_MAX], const slk_job_dir_t *dir, const char *name);

SLK_CHECK_RESULT slk_err_t slk_job_dir_begin(const slk_job_dir_t *dir,
                                             const slk_assignment_t *assignment, slk_diag_t *diag);
/* SLK_ERR_FORMAT names the file. */
SLK_CHECK_RESULT slk_err_t slk_job_dir_load(slk_assignment_t *assignment, const slk_job_dir_t *dir,
                                            slk_arena_t *arena, slk_diag_t *diag);

SLK_CHECK_RESULT slk_err_t slk_job_dir_end(const slk_job_dir_t *dir, const slk_job_end_t *end,
                                           slk_diag_t *diag);
/* *found false: it has not ended. */
SLK_CHECK_RESULT slk_err_t slk_job_dir_load_end(bool *found, slk_job_end_t *end,
                                                const slk_job_dir_t *dir, slk_arena_t *arena,
                                                slk_diag_t *diag);

/* Where a file was fetched from: noted before its source is told to remove it. */
SLK_CHECK_RESULT slk_err_t slk_job_dir_note_fetched(const slk_job_dir_t *dir, const char *type,
                                                    const char *url, slk_diag_t *diag);
/* False: not noted. */
bool slk_job_dir_fetched(char *url, size_t cap, const slk_job_dir_t *dir, const char *type);

/* Remove it, the assignment first, so that what a kill leaves is no job. */
SLK_CHECK_RESULT slk_err_t slk_job_dir_remove(const slk_job_dir_t *dir, slk_diag_t *diag);

/* JSON text of a record into the arena, and back. */
SLK_CHECK_RESULT slk_err_t slk_record_text(slk_bytes_t *text, const slk_type_t *type,
                                           const void *record, slk_arena_t *arena,
                                           slk_diag_t *diag);

#endif /* SLK_WORKER_JOB_DIR_H */
