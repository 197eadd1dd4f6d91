#include "proofs/vanilla/vanilla_layout.h"

#include "base/assert.h"
#include "selkie/vanilla.h"

static void add_level(slk_vanilla_layout_t *out, uint32_t arity, uint32_t *shift)
{
    SLK_ASSERT(out->level_cnt < SLK_PATH_LEVELS_MAX);
    out->level[out->level_cnt++] =
        (slk_path_level_t){.arity = arity, .shift = *shift, .sibling = out->sibling_cnt};
    out->sibling_cnt += arity - 1;
    *shift += (uint32_t)__builtin_ctz(arity);
}

void slk_vanilla_layout(slk_vanilla_layout_t *out, const slk_porep_t *porep)
{
    const slk_size_t *size = porep->size;
    memset(out, 0, sizeof *out);
    out->layers = size->layers;
    out->d_levels = (uint32_t)__builtin_ctzll(size->nodes);
    out->base_levels = size->tree_rows - 1;
    uint32_t shift = 0;
    for (uint32_t i = 0; i < out->base_levels; i++)
        add_level(out, 8, &shift);
    if (size->sub)
        add_level(out, size->sub, &shift);
    if (size->top)
        add_level(out, size->top, &shift);

    out->leaf_d = 8 + 8 * SLK_PARENT_CNT;
    out->columns = out->leaf_d + SLK_NODE_SZ * (1 + out->d_levels);
    out->column_sz = SLK_NODE_SZ * (out->layers + 1 + out->sibling_cnt);
    out->leaf_r = out->columns + SLK_COLUMN_CNT * out->column_sz;
    out->size = out->leaf_r + SLK_NODE_SZ * (1 + out->sibling_cnt);
}

size_t slk_vanilla_record_sz(const slk_porep_t *porep)
{
    slk_vanilla_layout_t lay;
    slk_vanilla_layout(&lay, porep);
    return lay.size;
}

void slk_record_label_parents(const slk_vanilla_layout_t *lay, const uint8_t *record,
                              uint32_t layer, slk_node_t out[SLK_LABEL_PARENTS])
{
    SLK_ASSERT(layer >= 1 && layer <= lay->layers);
    uint32_t cycle = layer == 1 ? SLK_DRG_CNT : SLK_PARENT_CNT;
    for (uint32_t i = 0; i < cycle; i++)
        out[i] = slk_record_column(lay, record, 1 + i)[i < SLK_DRG_CNT ? layer - 1 : layer - 2];
    for (uint32_t i = cycle; i < SLK_LABEL_PARENTS; i++)
        out[i] = out[i - cycle];
}
