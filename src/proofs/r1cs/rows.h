#ifndef SLK_PROOFS_R1CS_ROWS_H
#define SLK_PROOFS_R1CS_ROWS_H

/* A constraint <A> . <B> = <C> as it goes to a consumer. */

#include "proofs/r1cs/coef.h"

#define SLK_AUX UINT32_C(0x80000000)

/* key: input i is i, auxiliary variable i is SLK_AUX | i. As one 64-bit integer it sorts by key. */
typedef struct {
    uint32_t coef, key;
} slk_term_t;

/* Terms sorted by key, no key twice, no zero coefficient. */
typedef struct {
    const slk_term_t *term;
    size_t cnt;
} slk_lc_t;

typedef struct {
    slk_lc_t lc[3]; /* A, B, C */
} slk_row_t;

/* Receives constraints in order; row and coefs are borrowed for the call. */
typedef void slk_row_fn_t(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs);

#endif /* SLK_PROOFS_R1CS_ROWS_H */
