#ifndef SLK_PROOFS_R1CS_POSEIDON_ROWS_H
#define SLK_PROOFS_R1CS_POSEIDON_ROWS_H

/* The constraints of one Poseidon hash as a template: made once, then copied with other variables.
 *
 * Keys of its terms: 0 is ONE, 1 .. arity the preimage, SLK_AUX + i the i-th variable that the hash
 * allocates. */

#include "proofs/r1cs/coef.h"
#include "proofs/r1cs/rows.h"

typedef struct {
    uint16_t cnt[3]; /* terms of A, B, C */
} slk_poseidon_row_t;

typedef struct {
    unsigned arity, rows;
    slk_poseidon_row_t *row;
    slk_term_t *term;
} slk_poseidon_rows_t;

SLK_CHECK_RESULT slk_err_t slk_poseidon_rows_init(slk_poseidon_rows_t *out, unsigned arity,
                                                  bool custom, slk_coefs_t *coefs,
                                                  slk_diag_t *diag);
void slk_poseidon_rows_fini(slk_poseidon_rows_t *rows);

#endif /* SLK_PROOFS_R1CS_POSEIDON_ROWS_H */
