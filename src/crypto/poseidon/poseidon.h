#ifndef SLK_CRYPTO_POSEIDON_H
#define SLK_CRYPTO_POSEIDON_H

/* Poseidon over the BLS12-381 scalar field (neptune, strength Standard): tree_c, tree_r_last,
 * comm_r.
 *
 * Width t = arity + 1; state[0] = domain tag, state[1..] = preimage; digest = state[1] after 8 full
 * and 55, 56, 57, 57 partial rounds for arity 2, 4, 8, 11. Source: spec/proofs-vanilla.md
 * section 2. Back ends by selkie/cpu.h; all give the same bytes. Thread-safe, no heap after the
 * first call of an arity. */

#include "selkie/cpu.h"
#include "selkie/proof_types.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    SLK_POSEIDON_2 = 2,
    SLK_POSEIDON_4 = 4,
    SLK_POSEIDON_8 = 8,
    SLK_POSEIDON_11 = 11
} slk_poseidon_arity_t;

/* out[i] = H(in[i*arity], ..., in[i*arity + arity-1]) with the Merkle tag 2^arity - 1, i < cnt. All
 * nodes are canonical; out may be in itself (row over row), no other overlap. Returns cnt * arity,
 * or the index of the first input node that is not below r (out is then undefined). Any other arity
 * asserts. */
size_t slk_poseidon_rows(slk_node_t *out, const slk_node_t *in, size_t cnt, unsigned arity);

/* Column hashes: out[i] = H(layers[0][i], ..., layers[arity-1][i]), i < cnt. Returns cnt, or the
 * first i with a node that is not below r; *bad_layer (may be NULL) tells which layer. */
size_t slk_poseidon_columns(slk_node_t *out, const slk_node_t *const *layers, size_t cnt,
                            unsigned arity, unsigned *bad_layer);

/* H2(a, b) with the Merkle tag: comm_r = H2(comm_c, comm_r_last). False when an input is not below
 * r. */
bool slk_poseidon_pair(slk_node_t *out, const slk_node_t *a, const slk_node_t *b);

/* H2 with the tag 2^40 (HashType::Custom(1)): randomness of SnapDeals. */
bool slk_poseidon_pair_custom(slk_node_t *out, const slk_node_t *a, const slk_node_t *b);

/* The back ends this build holds, best first, ending with SLK_CPU_PORTABLE: for slk_cpu_pick,
 * benchmarks, tests. */
const slk_cpu_t *slk_poseidon_backends(void);

#endif /* SLK_CRYPTO_POSEIDON_H */
