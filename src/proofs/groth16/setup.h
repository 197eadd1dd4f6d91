#ifndef SLK_PROOFS_GROTH16_SETUP_H
#define SLK_PROOFS_GROTH16_SETUP_H

/* The key of a circuit from secrets: the contents of a .params file. Source: spec/proofs-snark.md 1.4.
 *
 * Constraints are streamed unit by unit and points are written as they come, each at its place. Memory: 32 bytes
 * a row and 96 a variable of the head and one unit, 14 MiB of points on their way, and tables of multiples
 * (crypto/msm/fixed_base.h), 50 MiB and 2.1 MiB a thread at most. */

#include "proofs/r1cs/circuit.h"

/* Where constraints come from: those of slk_circuit_t, or of a test. As there, a unit's constraints refer to
 * itself and to the head only. */
typedef struct {
    slk_part_t head, unit; /* head: ONE included */
    uint32_t units;
    const slk_density_t *density;
    /* Rows of a unit, or with SLK_SETUP_HEAD of the head, in order. */
    void (*rows)(void *ctx, uint32_t unit, slk_row_fn_t *fn, void *fn_ctx);
    void *ctx;
} slk_setup_source_t;

#define SLK_SETUP_HEAD UINT32_MAX

/* Whoever knows one of these can prove anything. Generators are the standard ones. */
typedef struct {
    slk_fr_t alpha, beta, gamma, delta, tau;
} slk_toxic_t;

/* Bytes of the file. */
uint64_t slk_setup_len(const slk_setup_source_t *source);

/* Write the file. toxic: for tests, NULL: drawn from the system's random numbers and wiped afterwards, like all
 * memory that held what follows from it. SLK_ERR_INPUT: a variable without constraints, or too many of them;
 * SLK_ERR_NOMEM, SLK_ERR_IO, SLK_ERR_NOSPACE, SLK_ERR_CANCELLED. */
SLK_CHECK_RESULT slk_err_t slk_setup_write(int fd, const char *path,
                                           const slk_setup_source_t *source,
                                           const slk_toxic_t *toxic, const slk_job_t *job,
                                           slk_diag_t *diag);

#endif /* SLK_PROOFS_GROTH16_SETUP_H */
