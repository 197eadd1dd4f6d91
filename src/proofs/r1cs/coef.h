#ifndef SLK_PROOFS_R1CS_COEF_H
#define SLK_PROOFS_R1CS_COEF_H

/* Coefficients of constraints, as small numbers.
 *
 * A circuit has hundreds of millions of terms but only some thousand different coefficients: powers
 * of two and their negatives, sums of a few of them, and the constants of Poseidon. A term holds
 * the number of its coefficient in this pool. Equal values have equal numbers. A pool belongs to
 * one thread. */

#include "crypto/fr/fr.h"
#include "selkie/proof_types.h"

#define SLK_COEF_POW(k) (k)          /* 2^k, k < 255 */
#define SLK_COEF_NEG(k) (256u + (k)) /* -2^k */
#define SLK_COEF_ZERO   512u
#define SLK_COEFS_MAX   (1u << 16)

typedef struct {
    slk_fr_t fr;
    slk_node_t le; /* canonical */
} slk_coef_t;

typedef struct {
    uint32_t a, b, code; /* a = UINT32_MAX: empty */
} slk_coef_sum_t;

typedef struct {
    slk_coef_t *v;
    uint32_t cnt;
    uint32_t *by_value;   /* hash slots: number + 1, 0 is empty */
    slk_coef_sum_t *sums; /* cache of sums, one entry a slot */
} slk_coefs_t;

SLK_CHECK_RESULT slk_err_t slk_coefs_init(slk_coefs_t *out, slk_diag_t *diag);
void slk_coefs_fini(slk_coefs_t *coefs);

/* The number of a value, given in Montgomery form or as a canonical node. */
uint32_t slk_coef(slk_coefs_t *coefs, const slk_fr_t *value);
uint32_t slk_coef_node(slk_coefs_t *coefs, const slk_node_t *value);

/* The number of a small integer. */
uint32_t slk_coef_int(slk_coefs_t *coefs, int value);

/* The number of the sum of two coefficients. */
uint32_t slk_coef_sum(slk_coefs_t *coefs, uint32_t a, uint32_t b);

#endif /* SLK_PROOFS_R1CS_COEF_H */
