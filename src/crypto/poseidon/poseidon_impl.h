#ifndef SLK_CRYPTO_POSEIDON_IMPL_H
#define SLK_CRYPTO_POSEIDON_IMPL_H

/* What a back end of Poseidon provides. */

#include "crypto/poseidon/poseidon_form.h"

#include <stddef.h>

/* out[i] = H(in[0][i * stride], ..., in[t-2][i * stride]) with the tag, i < cnt. Nodes of out are
 * written after those of in with the same or a smaller index are read, in groups of at most 8.
 * Returns cnt, or some i such that an input of i or of the 7 behind it is not below r, and none
 * before i. */
typedef size_t slk_poseidon_kernel_t(slk_node_t *out, const slk_poseidon_form_t *form, uint64_t tag,
                                     const slk_node_t *const *in, size_t stride, size_t cnt);

slk_poseidon_kernel_t slk_poseidon_portable; /* 64-bit form */
slk_poseidon_kernel_t slk_poseidon_ifma;     /* 52-bit form */
slk_poseidon_kernel_t slk_poseidon_avx512;   /* 52-bit form, factors real */
slk_poseidon_kernel_t slk_poseidon_avx2;     /* 52-bit form, factors real */

#endif /* SLK_CRYPTO_POSEIDON_IMPL_H */
