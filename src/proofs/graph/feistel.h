#ifndef SLK_PROOFS_GRAPH_FEISTEL_H
#define SLK_PROOFS_GRAPH_FEISTEL_H

/* The permutation of [0, E) behind the expander parents: three Feistel rounds on two halves of h
 * bits, repeated until the result is below E. Its round function sees only h bits and a key, so
 * that three tables of 2^h entries replace BLAKE2b. */

#include "selkie/err.h"

#include <stdint.h>

typedef struct {
    uint64_t limit;   /* E / 2^h: a result is below E when its left half is below this */
    unsigned half;    /* h */
    uint32_t mask;    /* 2^h - 1 */
    uint32_t *tab[3]; /* tab[k][r] = F(r, key[k]); one allocation at tab[0] */
} slk_feistel_t;

/* F(r, key): the first eight bytes, big-endian, of BLAKE2b-512(BE64(r) || BE64(key)), before the
 * mask. */
uint64_t slk_feistel_round(uint64_t r, uint64_t key);

/* Tables for E = size, a multiple of 2^h. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_feistel_new(slk_feistel_t *feistel, uint64_t size,
                                           const uint64_t key[4], slk_diag_t *diag);
void slk_feistel_free(slk_feistel_t *feistel);

/* The image of one x < E. */
uint64_t slk_feistel_permute(const slk_feistel_t *feistel, uint64_t x);

#endif /* SLK_PROOFS_GRAPH_FEISTEL_H */
