/* Public inputs: spec/proofs-snark.md 3.2 and 4. */
#include "selkie/r1cs.h"

#include "base/assert.h"
#include "base/bytes.h"

#define INPUTS_HEAD      3u
#define INPUTS_CHALLENGE (SLK_PARENT_CNT + 4u)

size_t slk_porep_input_cnt(const slk_porep_t *porep)
{
    return INPUTS_HEAD + (size_t)porep->challenges * INPUTS_CHALLENGE;
}

static slk_node_t *put(slk_node_t *out, uint64_t v)
{
    *out = (slk_node_t){{0}};
    slk_store_le64(out->b, v);
    return out + 1;
}

void slk_porep_inputs(slk_node_t *out, const slk_porep_t *porep, const slk_graph_t *graph,
                      const slk_node_t *replica_id, const slk_node_t *comm_d,
                      const slk_node_t *comm_r, const uint64_t *challenges)
{
    *out++ = *replica_id;
    *out++ = *comm_d;
    *out++ = *comm_r;
    for (uint32_t i = 0; i < porep->challenges; i++) {
        uint32_t parents[1][SLK_PARENT_CNT];
        slk_graph_parents(graph, challenges[i], 1, parents);
        out = put(out, challenges[i]); /* path of tree_d */
        for (unsigned k = 0; k < SLK_PARENT_CNT; k++)
            out = put(out, parents[0][k]);
        out = put(out, challenges[i]); /* the number in the labels */
        out = put(out, challenges[i]); /* path of tree_r_last */
        out = put(out, challenges[i]); /* path of tree_c */
    }
}

size_t slk_post_input_cnt(const slk_post_t *post)
{
    return (size_t)slk_post_place_cnt(post) * (1 + slk_post_place_paths(post));
}

void slk_post_inputs(slk_node_t *out, const slk_post_t *post, const slk_node_t *randomness,
                     const slk_post_public_t *pub, size_t cnt, uint32_t partition)
{
    SLK_ASSERT(cnt && partition < slk_post_partition_cnt(post, cnt));
    size_t first = (size_t)partition * post->sectors;
    size_t here = cnt - first < post->sectors ? cnt - first : post->sectors;
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    for (uint32_t i = 0; i < slk_post_place_cnt(post); i++) {
        slk_post_place_t place = slk_post_place(post, here, i);
        const slk_post_public_t *sector = &pub[first + place.sector];
        slk_post_leaves(leaves, post, randomness, sector->sector, first + place.sector);
        *out++ = sector->comm_r;
        for (uint32_t k = 0; k < slk_post_place_paths(post); k++)
            out = put(out, leaves[place.first + k]);
    }
}
