#ifndef SLK_PROOFS_R1CS_CIRCUIT_H
#define SLK_PROOFS_R1CS_CIRCUIT_H

/* Circuits: what they are made of, their constraints as a stream, their witness.
 *
 * Each circuit is described once, in circuits.inc over gadgets.inc, and that text is compiled
 * twice:
 *
 *   rows.c     over shape_cs.h: variables are numbers; every constraint goes to a function. This is
 * what digests and key generation read. witness.c  over witness_cs.h: variables are their values;
 * 32 bits of SHA-256 are one word and one step. Neither variable numbers nor linear combinations
 * exist there. It writes the assignment and, where wanted, what A and B of every row evaluate to; C
 * is their product, in every row of a valid witness.
 *
 * So there is no matrix to keep, to load or to multiply with: 32 GiB PoRep has 722 million terms,
 * and the witness of one row costs less than reading its terms would.
 *
 * A circuit is a head and then `units` units: the challenges of a PoRep partition, the sectors of a
 * PoSt. All units are alike; a unit refers to itself and to the head only. Its first row, input and
 * variable follow from its number, so that units can be made in any order and in parallel, and
 * nothing as large as a circuit is ever held.
 *
 * 98.7 % of a PoRep's variables are bits. The witness keeps a bit as a bit: 130 million variables
 * of 32 GiB take 90 MB instead of 4.2 GB. */

#include "proofs/r1cs/rows.h"
#include "selkie/r1cs.h"

#define SLK_PATH_BITS_MAX 64u
#define SLK_WINNING_CNT   66u /* challenges of a WinningPoSt; one a unit */
#define SLK_WINDOW_CNT    10u /* challenges of a sector in a WindowPoSt */

typedef struct {
    bool sha; /* tree D; else Poseidon */
    unsigned rows, siblings;
    uint8_t log[SLK_PATH_BITS_MAX]; /* of each row's arity, leaves first */
} slk_tree_shape_t;

typedef struct {
    uint64_t rows, inputs, aux;
    uint64_t wide; /* auxiliary variables that are no bits */
} slk_part_t;

typedef struct {
    slk_circuit_kind_t kind;
    const slk_size_t *size;
    uint32_t layers;
    uint32_t units, challenges; /* challenges of one unit */
    slk_tree_shape_t tree_d, tree;
    slk_part_t head, unit; /* head: ONE included */
} slk_circuit_t;

SLK_CHECK_RESULT slk_err_t slk_circuit_init(slk_circuit_t *out, slk_circuit_kind_t kind,
                                            const slk_size_t *size, slk_diag_t *diag);

/* Head and units [0, units) together. */
slk_part_t slk_circuit_part(const slk_circuit_t *circuit, uint64_t units);

/* --- Constraints ------------------------------------------------------------------------------ */

/* A maker of constraints; for one thread. */
typedef struct slk_rows slk_rows_t;

SLK_CHECK_RESULT slk_err_t slk_rows_open(slk_rows_t **out, const slk_circuit_t *circuit,
                                         slk_diag_t *diag);
void slk_rows_close(slk_rows_t *rows);

/* The constraints of the head, of one unit. fn NULL: only count. The rows of Groth16 for the
 * inputs, <I_i> . <0> = <0> behind all others, are not among them. */
void slk_rows_head(slk_rows_t *rows, slk_row_fn_t *fn, void *ctx);
void slk_rows_unit(slk_rows_t *rows, uint32_t unit, slk_row_fn_t *fn, void *ctx);

/* What has been counted since the start of the circuit, or would have been if units before this one
 * had been made: also within a call, from fn. */
slk_part_t slk_rows_at(const slk_rows_t *rows);

/* --- Densities -------------------------------------------------------------------------------- */

/* Which variables have a non-zero coefficient on the side A, B of some row: bit i % 64 of word i
 * / 64. All inputs are in A, by the rows that Groth16 adds. From one unit: quick at any size. */
typedef struct {
    uint64_t *a_aux, *b_aux, *b_input;
    uint64_t a_aux_cnt, b_aux_cnt, b_input_cnt; /* bits set */
} slk_density_t;

SLK_CHECK_RESULT slk_err_t slk_density_init(slk_density_t *out, const slk_circuit_t *circuit,
                                            slk_diag_t *diag);
void slk_density_fini(slk_density_t *density);

#endif /* SLK_PROOFS_R1CS_CIRCUIT_H */
