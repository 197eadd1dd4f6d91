#ifndef SLK_PROOFS_GROTH16_PAIRING_H
#define SLK_PROOFS_GROTH16_PAIRING_H

/* Products of pairings where most points of G2 are known beforehand.
 *
 * The lines of a Miller loop depend on the point of G2 alone: they are computed once for a key.
 * All pairs of a product share the squarings of one loop, which blst offers only without stored
 * lines. Values are those of Miller loops: compare them after the final exponentiation
 * (blst_fp12_finalverify). */

#include <blst.h>
#include <stdbool.h>
#include <stddef.h>

#define SLK_LINES 68u

typedef struct {
    blst_fp6 line[SLK_LINES];
} slk_lines_t;

typedef struct {
    const slk_lines_t *q;
    blst_p1_affine p; /* the identity: the pair counts as one */
} slk_pair_t;

/* q is not the identity. */
void slk_lines(slk_lines_t *out, const blst_p2_affine *q);

/* Product over cnt pairs; of none it is one. pairs is scratch afterwards. */
void slk_miller(blst_fp12 *out, slk_pair_t *pairs, size_t cnt);

#endif /* SLK_PROOFS_GROTH16_PAIRING_H */
