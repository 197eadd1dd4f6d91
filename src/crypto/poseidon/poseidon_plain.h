#ifndef SLK_CRYPTO_POSEIDON_PLAIN_H
#define SLK_CRYPTO_POSEIDON_PLAIN_H

/* The constants that define Poseidon: spec/proofs-vanilla.md 2.1 and 2.2. Kernels use forms derived
 * from them (poseidon_form.h). */

#include "crypto/fr/fr.h"

#define SLK_POSEIDON_T_MAX  12u /* width t = arity + 1 */
#define SLK_POSEIDON_RF     8u /* full rounds, half of them before and half after the partial ones */
#define SLK_POSEIDON_RP_MAX 57u

typedef struct {
    unsigned t, rp;
    slk_fr_t rc[SLK_POSEIDON_RF + SLK_POSEIDON_RP_MAX][SLK_POSEIDON_T_MAX];
} slk_poseidon_plain_t;

/* Partial rounds of width t; 0 if there is no such width. */
unsigned slk_poseidon_rp(unsigned t);

/* Round constants by the Grain LFSR. */
void slk_poseidon_plain(slk_poseidon_plain_t *out, unsigned t);

/* The matrix is M[i][j] = 1/(i + j + t). out = L * M[i][j], an integer, with L = lcm(t..3t-2). */
uint64_t slk_poseidon_matrix(unsigned t, unsigned i, unsigned j);
uint64_t slk_poseidon_matrix_scale(unsigned t);

#endif /* SLK_CRYPTO_POSEIDON_PLAIN_H */
