#ifndef SLK_MANAGER_JOB_JOB_ROWS_H
#define SLK_MANAGER_JOB_JOB_ROWS_H

/* What the two sources of the job store share: job_store.c changes rows, job_rows.c reads them. */

#include "manager/job/job_store.h"

/* SLK_JOB_NONE for another text. */
slk_job_state_t slk_job_state_from(const char *name);

/* One line more in the story of a job. */
SLK_CHECK_RESULT slk_err_t slk_job_event(slk_db_t *db, int64_t id, const char *what,
                                         const char *worker, const char *text, int64_t now_ms,
                                         slk_diag_t *diag);

/* The first column of each row; at most max. */
SLK_CHECK_RESULT slk_err_t slk_job_ids(slk_db_t *db, const char *sql, const slk_val_t *vals,
                                       size_t val_cnt, int64_t *ids, size_t max, size_t *cnt,
                                       slk_diag_t *diag);

#endif /* SLK_MANAGER_JOB_JOB_ROWS_H */
