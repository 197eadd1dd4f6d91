#ifndef SLK_PROOFS_GROTH16_PARAMS_H
#define SLK_PROOFS_GROTH16_PARAMS_H

/* A .params file: where its arrays lie. Points of arrays are not looked at here. */

#include "base/region.h"
#include "proofs/groth16/vk.h"

typedef enum {
    SLK_ARRAY_H,    /* G1: tau^i t(tau) / delta, one less than the domain */
    SLK_ARRAY_L,    /* G1: one for each auxiliary variable */
    SLK_ARRAY_A,    /* G1: inputs, then the auxiliary variables that occur on side A */
    SLK_ARRAY_B_G1, /* the variables that occur on side B: inputs, then auxiliary ones */
    SLK_ARRAY_B_G2, /* the same in G2 */
    SLK_ARRAY_CNT
} slk_array_id_t;

typedef struct {
    const uint8_t *points; /* borrowed from the file's bytes; not aligned */
    uint64_t offset;       /* of the first point in the file */
    uint32_t cnt;
    uint32_t point_sz; /* 96 or 192 */
} slk_array_t;

typedef struct {
    slk_vk_t *vk;
    slk_array_t arrays[SLK_ARRAY_CNT];
    slk_region_t region; /* the mapped file; empty after slk_params_parse */
    char *name;          /* what messages call the file; own copy */
} slk_params_t;

/* "b_g2" */
const char *slk_array_name(slk_array_id_t id);

/* From bytes that live longer than *out: head and counts; the arrays must fill the bytes exactly
 * and agree with each other. slk_params_fini on success. */
SLK_CHECK_RESULT slk_err_t slk_params_parse(slk_params_t *out, const uint8_t *bytes, uint64_t len,
                                            const char *name, const slk_job_t *job,
                                            slk_diag_t *diag);

/* Map the file and do the same. */
SLK_CHECK_RESULT slk_err_t slk_params_open(slk_params_t *out, const char *path,
                                           const slk_job_t *job, slk_diag_t *diag);
void slk_params_fini(slk_params_t *params);

#endif /* SLK_PROOFS_GROTH16_PARAMS_H */
