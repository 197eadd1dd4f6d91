#include "proofs/types/cache_names.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>

#define STORE "sc-02-data-" /* 02: version of the store format */

void slk_layer_name(char out[SLK_CACHE_NAME_SZ], uint32_t layer)
{
    SLK_ASSERT(layer >= 1 && layer <= SLK_LAYERS_MAX);
    snprintf(out, SLK_CACHE_NAME_SZ, STORE "layer-%" PRIu32 ".dat", layer);
}

void slk_tree_d_name(char out[SLK_CACHE_NAME_SZ])
{
    snprintf(out, SLK_CACHE_NAME_SZ, STORE "tree-d.dat");
}

static void base_tree_name(char *out, const slk_size_t *size, const char *tree, uint32_t t)
{
    SLK_ASSERT(t < size->trees);
    if (size->trees == 1)
        snprintf(out, SLK_CACHE_NAME_SZ, STORE "%s.dat", tree);
    else
        snprintf(out, SLK_CACHE_NAME_SZ, STORE "%s-%" PRIu32 ".dat", tree, t);
}

void slk_tree_c_name(char out[SLK_CACHE_NAME_SZ], const slk_size_t *size, uint32_t t)
{
    base_tree_name(out, size, "tree-c", t);
}

void slk_tree_r_last_name(char out[SLK_CACHE_NAME_SZ], const slk_size_t *size, uint32_t t)
{
    base_tree_name(out, size, "tree-r-last", t);
}
