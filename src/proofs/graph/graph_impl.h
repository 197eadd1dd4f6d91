#ifndef SLK_PROOFS_GRAPH_IMPL_H
#define SLK_PROOFS_GRAPH_IMPL_H

/* What the files of this folder and their tests share. Source: spec/proofs-vanilla.md section 3. */

#include "proofs/graph/feistel.h"
#include "selkie/graph.h"

#include <stdint.h>

/* --- Random draws of the base parents -------------------------------------------------------- */

#define SLK_DRAW_CNT   10u /* numbers a node draws: bucket and distance of five parents */
#define SLK_DRAW_BATCH 64u /* nodes at a time; a multiple of every back end's lanes */

/* draws[j][i] = number j of node first + i: 64-bit words of the ChaCha8 stream with key
 * seed || LE32(first + i). Writes for i < SLK_DRAW_BATCH, at least cnt of them. */
typedef void slk_draws_fn_t(uint64_t draws[SLK_DRAW_CNT][SLK_DRAW_BATCH], const uint32_t seed[7],
                            uint32_t first, uint32_t cnt);
slk_draws_fn_t slk_draws_portable, slk_draws_avx2, slk_draws_avx512;

/* --- Graph ----------------------------------------------------------------------------------- */

#define SLK_BUCKETS_MAX 34u /* bit length of 5N - 1 for N = 2^31 */

/* Distances of bucket b, when it is not a node's last one: lo + x mod span. */
typedef struct {
    uint64_t lo, span, recip;
} slk_bucket_t;

struct slk_graph {
    slk_porep_t porep;
    uint32_t drg_seed[7];
    uint64_t feistel_key[4];
    uint64_t expander_mask; /* bits of an expander index that survive: 32 in V1_0, else all */
    slk_bucket_t buckets[SLK_BUCKETS_MAX + 1];
    slk_feistel_t feistel;
};

/* The seeds alone: SHA-256 of a tag and the porep_id. */
void slk_graph_seeds(const slk_porep_t *porep, uint32_t drg_seed[7], uint64_t feistel_key[4]);

/* x mod m for any x and m > 0, given recip = UINT64_MAX / m. Since 2^64/m - 1 <= recip <= 2^64/m,
 * the estimate x * recip >> 64 is the quotient or one less: one subtraction corrects the rest. */
static inline uint64_t slk_mod(uint64_t x, uint64_t m, uint64_t recip)
{
    uint64_t q = (uint64_t)((unsigned __int128)x * recip >> 64);
    uint64_t rest = x - q * m;
    return rest >= m ? rest - m : rest;
}

/* --- Parent cache ---------------------------------------------------------------------------- */

/* SHA-256 of the parent cache of a registered proof; false when none is known. */
bool slk_parent_digest(slk_node_t *out, const slk_porep_t *porep);

#endif /* SLK_PROOFS_GRAPH_IMPL_H */
