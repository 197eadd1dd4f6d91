#ifndef SLK_PROOFS_VANILLA_LAYOUT_H
#define SLK_PROOFS_VANILLA_LAYOUT_H

/* Where the parts of a proof record lie. Source: spec/proofs-vanilla-2.md 7.6.
 *
 *   0              u64 challenge
 *   8              u64 x 14 parents: 6 DRG, 8 expander
 *   leaf_d         leaf of tree_d, then d_levels siblings
 *   columns        15 blocks of column_sz bytes, of the challenge and of its parents:
 *                      L labels, layer 1 first; leaf_c; sibling_cnt siblings of tree_c
 *   leaf_r         replica node, then sibling_cnt siblings of tree_r_last
 *
 * The siblings of a path go bottom up, level by level, in each by increasing position with the
 * path's own position left out. Levels: octary rows of the base tree, then one of the sub and one
 * of the top tree where the sector size has them. */

#include "base/bytes.h"
#include "selkie/proof_types.h"

#include <stddef.h>

#define SLK_PATH_LEVELS_MAX 11u /* 9 rows of a base tree, sub, top */
#define SLK_COLUMN_CNT      15u /* of the challenge and of its parents */
#define SLK_LABEL_PARENTS   37u /* parents in a label's message, repeated ones included */

typedef struct {
    uint32_t arity;
    uint32_t shift;   /* position of leaf v at this level: (v >> shift) mod arity */
    uint32_t sibling; /* index of the level's first sibling in the path */
} slk_path_level_t;

typedef struct {
    uint32_t layers;
    uint32_t d_levels;
    uint32_t base_levels; /* first of level[]: those of the base tree */
    uint32_t level_cnt;
    uint32_t sibling_cnt;
    slk_path_level_t level[SLK_PATH_LEVELS_MAX];
    size_t leaf_d, columns, column_sz, leaf_r, size;
} slk_vanilla_layout_t;

void slk_vanilla_layout(slk_vanilla_layout_t *out, const slk_porep_t *porep);

static inline uint32_t slk_path_position(const slk_path_level_t *level, uint64_t leaf)
{
    return (uint32_t)(leaf >> level->shift) & (level->arity - 1);
}

static inline uint64_t slk_record_challenge(const uint8_t *record)
{
    return slk_load_le64(record);
}
static inline uint64_t slk_record_parent(const uint8_t *record, uint32_t i)
{
    return slk_load_le64(record + 8 + 8 * i);
}

/* Node that column i belongs to: the challenge, then the parents. */
static inline uint64_t slk_record_node(const uint8_t *record, uint32_t i)
{
    return slk_load_le64(record + 8 * i);
}

/* Leaf of tree_d; its siblings follow. */
static inline const slk_node_t *slk_record_leaf_d(const slk_vanilla_layout_t *lay,
                                                  const uint8_t *record)
{
    return (const slk_node_t *)(record + lay->leaf_d);
}

/* Labels of column i; leaf_c is [L], the siblings follow. */
static inline const slk_node_t *slk_record_column(const slk_vanilla_layout_t *lay,
                                                  const uint8_t *record, uint32_t i)
{
    return (const slk_node_t *)(record + lay->columns + i * lay->column_sz);
}

/* Leaf of tree_r_last; its siblings follow. */
static inline const slk_node_t *slk_record_leaf_r(const slk_vanilla_layout_t *lay,
                                                  const uint8_t *record)
{
    return (const slk_node_t *)(record + lay->leaf_r);
}

/* The parent labels in the message of the challenge's label of `layer`, from the columns. */
void slk_record_label_parents(const slk_vanilla_layout_t *lay, const uint8_t *record,
                              uint32_t layer, slk_node_t out[SLK_LABEL_PARENTS]);

#endif /* SLK_PROOFS_VANILLA_LAYOUT_H */
