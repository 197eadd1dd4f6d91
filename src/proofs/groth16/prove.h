#ifndef SLK_PROOFS_GROTH16_PROVE_H
#define SLK_PROOFS_GROTH16_PROVE_H

/* One Groth16 proof from an assignment and its row values. Source: spec/proofs-snark.md 1.5.
 *
 * Memory above the assignment: 96 bytes for each row of the domain until the quotient is known,
 * then 32 bytes, 33 MiB of scalars and points, and what the multi-scalar multiplication at work
 * takes (crypto/msm/msm.h). Parameters are read through their map, array by array, front to back,
 * and what was read is released; points that meet a scalar 0 are skipped. A point is checked to be
 * canonical and on the curve; what else may be wrong with parameters shows when the proof is
 * verified, which it always is. */

#include "proofs/groth16/params.h"
#include "proofs/r1cs/witness.h"

/* What a proof consists of, in this order but for the points, which are read all along. */
typedef enum {
    SLK_PROVE_WITNESS,
    SLK_PROVE_QUOTIENT,
    SLK_PROVE_POINTS, /* bytes of the file to points, scalars laid beside them */
    SLK_PROVE_H,      /* sums, in the order of slk_array_id_t */
    SLK_PROVE_L,
    SLK_PROVE_A,
    SLK_PROVE_B_G1,
    SLK_PROVE_B_G2,
    SLK_PROVE_VERIFY,
    SLK_PROVE_STAGE_CNT
} slk_prove_stage_t;

/* "witness" */
const char *slk_prove_stage_name(slk_prove_stage_t stage);

/* Seconds; cpu: of the whole process. */
typedef struct {
    double wall, cpu;
} slk_prove_time_t;

slk_prove_time_t slk_prove_clock(void);
/* Add what went by since `since` to times[stage]; times NULL is a no-op. */
void slk_prove_spent(slk_prove_time_t *times, slk_prove_stage_t stage, slk_prove_time_t since);

/* For tests and measurements; NULL everywhere else. */
typedef struct {
    const slk_fr_t *r, *s;   /* NULL: drawn from the system's random numbers */
    uint64_t chunk;          /* variables read at once, a multiple of 128; 0: the default */
    slk_prove_time_t *times; /* SLK_PROVE_STAGE_CNT of them, added to; NULL: not wanted */
} slk_prove_options_t;

/* The parameters belong to a circuit with these counts? SLK_ERR_MISMATCH. rows: those for the
 * inputs not counted. name: what messages call the parameters. */
SLK_CHECK_RESULT slk_err_t slk_params_fit(const slk_params_t *params, const slk_part_t *all,
                                          const slk_density_t *density, const char *name,
                                          slk_diag_t *diag);

/* Elements of the domain for these rows and inputs. */
uint64_t slk_prove_domain(const slk_part_t *all);

/* Bytes of scalars and points that are read at a time, 33 MiB at most. */
uint64_t slk_prove_chunk_bytes(uint64_t domain);

/* a and b: of slk_prove_domain elements each, in front the values of all rows, behind them zeros.
 * They are used up and freed whatever the outcome. params fit. SLK_ERR_PROOF: the proof made does
 * not verify, so that the assignment or the parameters are wrong; SLK_ERR_FORMAT: a malformed
 * point; SLK_ERR_NOMEM, SLK_ERR_IO (no random numbers), SLK_ERR_CANCELLED. */
SLK_CHECK_RESULT slk_err_t slk_groth16_prove(uint8_t out[SLK_GROTH16_PROOF_SZ],
                                             const slk_params_t *params,
                                             const slk_density_t *density,
                                             const slk_witness_t *witness, slk_region_t *a,
                                             slk_region_t *b, const slk_prove_options_t *options,
                                             const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_PROOFS_GROTH16_PROVE_H */
