#include "selkie/graph.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cpu.h"
#include "crypto/sha256/sha256.h"
#include "proofs/graph/graph_impl.h"

#include <stdlib.h>

static void domain_seed(slk_node_t *out, const char *tag, const uint8_t porep_id[32])
{
    slk_sha256_t sha;
    slk_sha256_init(&sha);
    slk_sha256_update(&sha, tag, strlen(tag));
    slk_sha256_update(&sha, porep_id, 32);
    slk_sha256_final(&sha, out);
}

void slk_graph_seeds(const slk_porep_t *porep, uint32_t drg_seed[7], uint64_t feistel_key[4])
{
    slk_node_t seed;
    domain_seed(&seed, "Filecoin_DRSample", porep->porep_id);
    memcpy(drg_seed, seed.b, 28);
    domain_seed(&seed, "Filecoin_Feistel", porep->porep_id);
    memcpy(feistel_key, seed.b, 32);
}

slk_err_t slk_graph_new(slk_graph_t **out, const slk_porep_t *porep, slk_diag_t *diag)
{
    *out = NULL;
    slk_graph_t *graph = calloc(1, sizeof *graph);
    if (!graph)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a graph");
    graph->porep = *porep;
    graph->expander_mask = porep->version == SLK_API_V1_0 ? UINT32_MAX : UINT64_MAX;
    slk_graph_seeds(porep, graph->drg_seed, graph->feistel_key);
    for (unsigned b = 1; b <= SLK_BUCKETS_MAX; b++) {
        slk_bucket_t *bucket = &graph->buckets[b];
        uint64_t hi = UINT64_C(1) << b;
        bucket->lo = hi / 2 < 2 ? 2 : hi / 2;
        bucket->span = hi - bucket->lo + 1;
        bucket->recip = UINT64_MAX / bucket->span;
    }
    slk_err_t err = slk_feistel_new(&graph->feistel, porep->size->nodes * SLK_EXP_CNT,
                                    graph->feistel_key, diag);
    if (err != SLK_OK) {
        free(graph);
        return err;
    }
    *out = graph;
    return SLK_OK;
}

void slk_graph_free(slk_graph_t *graph)
{
    if (!graph)
        return;
    slk_feistel_free(&graph->feistel);
    free(graph);
}

/* --- Base parents ---------------------------------------------------------------------------- */

static slk_draws_fn_t *pick_draws(void)
{
#if defined(__x86_64__)
    static const slk_cpu_t rows[] = {SLK_CPU_AVX512, SLK_CPU_AVX2, SLK_CPU_PORTABLE};
    static slk_draws_fn_t *const fns[SLK_CPU_CNT] = {
        [SLK_CPU_AVX512] = slk_draws_avx512,
        [SLK_CPU_AVX2] = slk_draws_avx2,
        [SLK_CPU_PORTABLE] = slk_draws_portable,
    };
    return fns[slk_cpu_pick(rows)];
#else
    return slk_draws_portable;
#endif
}

/* Number of buckets of a node v >= 2: ceil(log2(5v)), and 5v is no power of two. */
static unsigned bucket_cnt(uint64_t node)
{
    return 64 - (unsigned)__builtin_clzll(5 * node - 1);
}

/* Nodes first >= 2 and on, cnt <= SLK_DRAW_BATCH, all with nb buckets. */
static void base_parents(const slk_graph_t *graph, uint64_t first, uint32_t cnt, unsigned nb,
                         slk_draws_fn_t *draw, uint32_t (*rows)[SLK_PARENT_CNT])
{
    const uint64_t nb_recip = UINT64_MAX / nb;
    const bool last = graph->porep.version == SLK_API_V1_0;
    const unsigned pred_at = last ? SLK_DRG_CNT - 1 : 0, other_at = last ? 0 : 1;
    uint64_t draws[SLK_DRAW_CNT][SLK_DRAW_BATCH];

    draw(draws, graph->drg_seed, (uint32_t)first, cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        uint64_t node = first + i, m = 5 * node;
        rows[i][pred_at] = (uint32_t)(node - 1);
        for (unsigned j = 0; j < SLK_DRG_CNT - 1; j++) {
            unsigned b = (unsigned)slk_mod(draws[2 * j][i], nb, nb_recip) + 1;
            uint64_t x = draws[2 * j + 1][i], distance;
            if (b < nb) {
                const slk_bucket_t *bucket = &graph->buckets[b];
                distance = bucket->lo + slk_mod(x, bucket->span, bucket->recip);
            } else { /* the last bucket ends at m, whatever its power of two */
                distance = m / 2 + x % (m - m / 2 + 1);
            }
            /* A distance of 2 or more leads below the node itself. */
            rows[i][other_at + j] = (uint32_t)((m - distance) / 5);
        }
    }
}

/* --- Expander parents ------------------------------------------------------------------------ */

/* Nodes first and on, cnt <= SLK_DRAW_BATCH. All walks of the batch go one step at a time, and
 * those that left the graph stay for the next: no branch depends on a walk, and many look-ups are
 * under way at once. */
static void expander_parents(const slk_graph_t *graph, uint64_t first, uint32_t cnt,
                             uint32_t (*rows)[SLK_PARENT_CNT])
{
    const slk_feistel_t *f = &graph->feistel;
    const uint32_t *restrict t0 = f->tab[0], *restrict t1 = f->tab[1], *restrict t2 = f->tab[2];
    const uint64_t mask = graph->expander_mask;
    const unsigned half = f->half;
    const uint32_t limit = (uint32_t)f->limit;
    uint32_t *restrict cells = rows[0];
    uint32_t left[SLK_DRAW_BATCH * SLK_EXP_CNT], right[SLK_DRAW_BATCH * SLK_EXP_CNT];
    uint16_t cell[SLK_DRAW_BATCH * SLK_EXP_CNT];

    uint32_t walks = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        for (uint32_t k = 0; k < SLK_EXP_CNT; k++, walks++) {
            uint64_t x = (first + i) * SLK_EXP_CNT + k;
            left[walks] = (uint32_t)(x >> half);
            right[walks] = (uint32_t)x & f->mask;
            cell[walks] = (uint16_t)(i * SLK_PARENT_CNT + SLK_DRG_CNT + k);
        }
    }
    while (walks) {
        uint32_t kept = 0;
        for (uint32_t w = 0; w < walks; w++) {
            uint32_t a = left[w] ^ t0[right[w]];
            uint32_t l = right[w] ^ t1[a];
            uint32_t r = a ^ t2[l];
            cells[cell[w]] = (uint32_t)((((uint64_t)l << half | r) & mask) / SLK_EXP_CNT);
            left[kept] = l;
            right[kept] = r;
            cell[kept] = cell[w];
            kept += l >= limit;
        }
        walks = kept;
    }
}

void slk_graph_parents(const slk_graph_t *graph, uint64_t first, uint64_t cnt,
                       uint32_t (*rows)[SLK_PARENT_CNT])
{
    const uint64_t nodes = graph->porep.size->nodes;
    SLK_ASSERT(first <= nodes && cnt <= nodes - first);
    slk_draws_fn_t *draw = pick_draws();
    while (cnt) {
        uint32_t run = cnt < SLK_DRAW_BATCH ? (uint32_t)cnt : SLK_DRAW_BATCH;
        if (first < 2) {
            run = 1;
            memset(rows[0], 0, SLK_DRG_CNT * sizeof(uint32_t));
        } else {
            unsigned nb = bucket_cnt(first);
            uint64_t same =
                (UINT64_C(1) << nb) / 5 - first + 1; /* nodes from first on with nb buckets */
            if (run > same)
                run = (uint32_t)same;
            base_parents(graph, first, run, nb, draw, rows);
        }
        expander_parents(graph, first, run, rows);
        first += run;
        cnt -= run;
        rows += run;
    }
}
