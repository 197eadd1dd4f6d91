#ifndef SLK_PROOFS_R1CS_NEPTUNE_H
#define SLK_PROOFS_R1CS_NEPTUNE_H

/* The constants of Poseidon in the form that the circuits use: round keys moved behind the s-boxes
 * and compressed in the partial rounds, matrices of the partial rounds sparse. Fixed by the set-up,
 * so that the forms of crypto/poseidon, which are faster for hashing, do not serve here. Source:
 * spec/proofs-snark.md 2.5. */

#include "crypto/poseidon/poseidon_plain.h"

#define SLK_NEPTUNE_T      SLK_POSEIDON_T_MAX
#define SLK_NEPTUNE_KEYS   (8 * SLK_NEPTUNE_T + SLK_POSEIDON_RP_MAX)
#define SLK_NEPTUNE_HALF   (SLK_POSEIDON_RF / 2)
#define SLK_NEPTUNE_ARITYS 4u

typedef struct {
    unsigned t, rp;
    slk_fr_t key[SLK_NEPTUNE_KEYS];
    slk_fr_t matrix[SLK_NEPTUNE_T][SLK_NEPTUNE_T];
    slk_fr_t pre_sparse[SLK_NEPTUNE_T][SLK_NEPTUNE_T];
    struct {
        slk_fr_t w_hat[SLK_NEPTUNE_T]; /* first column */
        slk_fr_t v[SLK_NEPTUNE_T];     /* first row behind its first element */
    } sparse[SLK_POSEIDON_RP_MAX];
    slk_fr_t first[2]; /* element 0 behind the first s-box: Merkle tag, tag 2^40 */
} slk_neptune_t;

/* The constants of an arity (2, 4, 8 or 11), made once a process. */
const slk_neptune_t *slk_neptune(unsigned arity);

/* Position of an arity among the four. */
unsigned slk_neptune_index(unsigned arity);

/* Constraints, and variables, that one hash adds. */
static inline unsigned slk_neptune_rows(const slk_neptune_t *k)
{
    return 3 * (k->t - 1) + 4 * (7 * k->t + k->rp) + 1;
}

#endif /* SLK_PROOFS_R1CS_NEPTUNE_H */
