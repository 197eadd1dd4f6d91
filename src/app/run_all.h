#ifndef SLK_APP_RUN_ALL_H
#define SLK_APP_RUN_ALL_H

/* `selkie run`: the roles of one machine as processes of their own, started in order, watched, ended in
 * order; and the sectors of one call followed to their goal. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

#include <jansson.h>

#define SLK_RUN_PLEDGE_MAX 100u

typedef struct {
    const char *repo; /* absolute */
    const slk_size_t *size;
    uint64_t pledge;    /* committed-capacity sectors; unfinished ones of earlier runs count */
    const char *piece;  /* absolute path of a file to seal as well; NULL: none */
    bool until_proving; /* end when all of these are Proving; else at the signal */
    bool
        until_windowed; /* with until_proving: when all were in a window proof that has landed, too */
    const char *listen;     /* NULL: the port of the run before, or any free one */
    const char *block_time; /* of the development network */
    bool quiet;
} slk_run_all_t;

/* *result: fields as the command's table says. SLK_ERR_CANCELLED: told to end before the goal;
 * SLK_ERR_STATE: a sector or a role got nowhere. Whatever is returned, the roles have ended. */
SLK_CHECK_RESULT slk_err_t slk_run_all(const slk_run_all_t *run, const slk_job_t *job,
                                       json_t **result, slk_diag_t *diag);

#endif /* SLK_APP_RUN_ALL_H */
