#ifndef SLK_APP_CHILDREN_H
#define SLK_APP_CHILDREN_H

/* The processes of `selkie run`: each is this program with other arguments, writes its log into a file, and
 * is started again when it ends without having been told to. One thread. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SLK_CHILD_ARGS_MAX 24

typedef struct {
    const char *name;                     /* "manager" */
    const char *args[SLK_CHILD_ARGS_MAX]; /* without the program, NULL at the end; borrowed */
    char log[4096];                       /* both its outputs are appended here */
    pid_t pid;                            /* 0: not running */
    int64_t started_ms, again_ms;         /* monotonic; again_ms: when it is started again */
    unsigned deaths; /* in a row, each soon after the start and by its own fault */
} slk_role_t;

/* Start it. What it wrote before stays in its log. */
SLK_CHECK_RESULT slk_err_t slk_role_start(slk_role_t *child, slk_diag_t *diag);

/* Has it ended? Then it is started again, after a pause that doubles up to 10 s; how it ended is told once
 * in `why` (else empty). SLK_ERR_STATE: it ended ten times in a row soon after its start; the sentence names
 * its log. */
SLK_CHECK_RESULT slk_err_t slk_role_watch(slk_role_t *child, char why[256], slk_diag_t *diag);

/* Tell it to end, and wait; killed after so many seconds. Harmless when it does not run. */
void slk_role_stop(slk_role_t *child, unsigned seconds);

/* Run this program with these arguments to its end, its error output being ours. SLK_ERR_STATE: its
 * status was not 0. cancelled by a signal to our group as well. */
SLK_CHECK_RESULT slk_err_t slk_program_call(const char *const *args, slk_diag_t *diag);

#endif /* SLK_APP_CHILDREN_H */
