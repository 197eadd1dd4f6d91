#ifndef SLK_APP_PROCESSOR_TASK_H
#define SLK_APP_PROCESSOR_TASK_H

/* A task of a processor as it was asked for, and the stages that do one. Source: spec/damocles.md
 * 6.2.
 *
 * Members that the table there names have damocles' names and forms: 32 bytes are 32 numbers, sizes
 * of pieces are bytes without padding. A member "selkie", an object that other programs skip, has
 * what damocles' tasks lack; when it is there, outputs that are objects have one, too. */

#include "selkie/prove.h"
#include "selkie/seal.h"
#include "worker/processor_line.h"

typedef struct {
    slk_span_t text;    /* the object */
    json_t *json;       /* the same, but for what is read from the text alone */
    const json_t *ours; /* member "selkie", NULL: none */
    slk_job_t job;
    slk_prove_limits_t limits;
    slk_buf_t *output; /* JSON goes here */
} slk_task_t;

typedef slk_err_t slk_stage_fn_t(const slk_task_t *task, slk_diag_t *diag);

/* A row of the table in processor_task.c. */
typedef struct {
    const char *name; /* "pc1" */
    slk_stage_fn_t *run;
    bool
        large; /* the task may be as long as a line: only "selkie" and what is named here are read */
    const char *const *fields; /* with large: members that become json, NULL at the end */
} slk_stage_t;

const slk_stage_t *slk_stage_find(const char *name);

/* Read the members of task->text into task->json; json_decref it. */
SLK_CHECK_RESULT slk_err_t slk_task_read(slk_task_t *task, const slk_stage_t *stage,
                                         slk_diag_t *diag);

/* --- Members: SLK_ERR_INPUT with the name and what was expected ------------------------------- */

SLK_CHECK_RESULT slk_err_t slk_task_text(const char **out, const json_t *object, const char *name,
                                         slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_task_u64(uint64_t *out, const json_t *object, const char *name,
                                        slk_diag_t *diag);
/* 32 numbers */
SLK_CHECK_RESULT slk_err_t slk_task_node(slk_node_t *out, const json_t *object, const char *name,
                                         slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_task_array(const json_t **out, const json_t *object,
                                          const char *name, slk_diag_t *diag);
/* "StackedDrg2KiBV1_1" */
SLK_CHECK_RESULT slk_err_t slk_task_porep(slk_porep_t *out, const json_t *object, const char *name,
                                          slk_diag_t *diag);
/* prover_id and sector_id */
SLK_CHECK_RESULT slk_err_t slk_task_sector(slk_sector_t *out, const json_t *object,
                                           slk_diag_t *diag);
/* Bytes without padding as a padded size, a power of two. */
SLK_CHECK_RESULT slk_err_t slk_task_padded(uint64_t *out, const json_t *object, const char *name,
                                           slk_diag_t *diag);

/* Append `before`, then the bytes as an array of numbers. */
void slk_put_node(slk_buf_t *out, const char *before, const slk_node_t *node);

/* --- Stages ----------------------------------------------------------------------------------- */

slk_stage_fn_t slk_stage_add_pieces, slk_stage_tree_d, slk_stage_pc1, slk_stage_pc2, slk_stage_c1,
    slk_stage_c2, slk_stage_unseal, slk_stage_finalize, slk_stage_transfer, slk_stage_window_post,
    slk_stage_winning_post;

#endif /* SLK_APP_PROCESSOR_TASK_H */
