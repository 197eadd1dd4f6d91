#ifndef SLK_CRYPTO_FR_H
#define SLK_CRYPTO_FR_H

/* The scalar field of BLS12-381, r =
 * 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001.
 *
 * slk_fr_t holds x * 2^256 mod r (Montgomery), always below r: the same layout as blst_fr. Files
 * and hashes hold slk_node_t: canonical little-endian. Not constant time: sector data is public. */

#include "selkie/proof_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t l[4];
} slk_fr_t;

/* False (and *out = 0) when the node is not below r. */
bool slk_fr_from_node(slk_fr_t *out, const slk_node_t *node);
void slk_fr_to_node(slk_node_t *out, const slk_fr_t *a);
void slk_fr_from_u64(slk_fr_t *out, uint64_t v);

/* out may alias the operands. */
void slk_fr_add(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b);
void slk_fr_sub(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b);
void slk_fr_mul(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b);
void slk_fr_sqr(slk_fr_t *out, const slk_fr_t *a);
/* 1/a; a = 0 asserts. */
void slk_fr_inv(slk_fr_t *out, const slk_fr_t *a);
bool slk_fr_eq(const slk_fr_t *a, const slk_fr_t *b);

/* Canonical nodes, element by element, without Montgomery form: out[i] = a[i] + b[i] (encode),
 * a[i] - b[i] (decode), mod r. out may be a or b. Returns cnt, or the first i where an operand is
 * not below r (elements from i on are then undefined). */
size_t slk_node_add_many(slk_node_t *out, const slk_node_t *a, const slk_node_t *b, size_t cnt);
size_t slk_node_sub_many(slk_node_t *out, const slk_node_t *a, const slk_node_t *b, size_t cnt);

#endif /* SLK_CRYPTO_FR_H */
