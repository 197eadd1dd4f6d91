#ifndef SLK_PROOFS_R1CS_WITNESS_H
#define SLK_PROOFS_R1CS_WITNESS_H

/* The assignment of a circuit, and what its rows evaluate to. See circuit.h for how it is made. */

#include "proofs/r1cs/circuit.h"
#include "selkie/vanilla.h"

/* Bits are kept as bits: variable i is wide[number of is_wide bits before i] where is_wide has bit
 * i, else bit i of `bit`. Where is_wide has a bit, `bit` has none. Bit i of such a map is bit i %
 * 64 of word i / 64. */
typedef struct {
    uint64_t input_cnt, aux_cnt, wide_cnt;
    slk_fr_t *input; /* ONE first */
    uint64_t *bit, *is_wide;
    slk_fr_t *wide;
    /* Wide variables before each block of SLK_WITNESS_BLOCK variables. */
    uint32_t *rank;
} slk_witness_t;

#define SLK_WITNESS_BLOCK 512u

/* Memory for the assignment of a circuit: a quarter of a byte a bit, 32 bytes a wide variable. */
SLK_CHECK_RESULT slk_err_t slk_witness_init(slk_witness_t *out, const slk_circuit_t *circuit,
                                            slk_diag_t *diag);
void slk_witness_fini(slk_witness_t *witness);

/* Where the first wide variable from variable i on lies, which is that of i if i is wide. */
static inline const slk_fr_t *slk_witness_wide(const slk_witness_t *w, uint64_t i)
{
    uint64_t word = i / SLK_WITNESS_BLOCK * (SLK_WITNESS_BLOCK / 64), rank;
    rank = w->rank[i / SLK_WITNESS_BLOCK];
    for (; word < i / 64; word++)
        rank += (uint64_t)__builtin_popcountll(w->is_wide[word]);
    if (i % 64)
        rank += (uint64_t)__builtin_popcountll(w->is_wide[word] << (64 - i % 64));
    return &w->wide[rank];
}

/* Variables [first, first + cnt) as field elements. */
void slk_witness_aux(slk_fr_t *out, const slk_witness_t *witness, uint64_t first, uint64_t cnt);

/* A and B of every row, those of Groth16 for the inputs behind the others: rows + inputs of them.
 * Both NULL: not wanted. C of a row is their product. */
typedef struct {
    slk_fr_t *a, *b;
} slk_row_values_t;

/* The assignment of a PoRep partition from its circuit->units records, back to back
 * (selkie/vanilla.h). Units are made on all threads of job->pool. SLK_ERR_PROOF: a constraint does
 * not hold; diag names record and path. */
SLK_CHECK_RESULT slk_err_t slk_porep_witness(slk_witness_t *out, slk_row_values_t values,
                                             const slk_circuit_t *circuit, const slk_porep_t *porep,
                                             const slk_vanilla_public_t *pub,
                                             const uint8_t *records, const slk_job_t *job,
                                             slk_diag_t *diag);

/* What one unit of a PoSt proves: a sector and paths of its challenges in tree_r_last. */
typedef struct {
    slk_node_t comm_c, comm_r_last, comm_r;
    const uint64_t *challenges; /* leaves: circuit->challenges of them */
    const slk_node_t
        *paths; /* of each challenge the leaf and its tree.siblings siblings, bottom up */
} slk_post_unit_t;

/* The assignment of a PoSt partition from its circuit->units units. Otherwise as slk_porep_witness.
 */
SLK_CHECK_RESULT slk_err_t slk_post_witness(slk_witness_t *out, slk_row_values_t values,
                                            const slk_circuit_t *circuit,
                                            const slk_post_unit_t *units, const slk_job_t *job,
                                            slk_diag_t *diag);

/* Check every constraint, and the row values unless they are NULL. SLK_ERR_PROOF: diag names the
 * row. For tests and for finding out why a proof fails: the prover does not need it. */
SLK_CHECK_RESULT slk_err_t slk_witness_check(const slk_witness_t *witness, slk_row_values_t values,
                                             const slk_circuit_t *circuit, const slk_job_t *job,
                                             slk_diag_t *diag);

#endif /* SLK_PROOFS_R1CS_WITNESS_H */
