#ifndef SLK_APP_PROCESSOR_SERVE_H
#define SLK_APP_PROCESSOR_SERVE_H

/* A processor's side of worker/processor_line.h: reads requests from standard input, does each on a
 * thread of its own, answers on standard output, says everything else on standard error.
 *
 * It ends when standard input ends, when the process that started it is gone, at SIGTERM and at
 * SIGINT: what is running is cancelled (PC1 makes a checkpoint first) and answered as such. What does
 * not stop within a minute then is left as it is. */

#include "app/processor_task.h"

typedef struct {
    const slk_stage_t *stage;
    unsigned threads; /* of each task; 0: all CPUs */
    uint64_t memory;  /* of the proofs of one task; 0: half of what is available */
} slk_serve_t;

SLK_CHECK_RESULT slk_err_t slk_processor_serve(const slk_serve_t *serve, slk_diag_t *diag);

#endif /* SLK_APP_PROCESSOR_SERVE_H */
