#include "crypto/merkle/tree_file.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/sha256.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

size_t slk_tree_hash_sha256(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    slk_sha256_pairs(out, in, cnt);
    return cnt * 2;
}

size_t slk_tree_hash_poseidon8(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    return slk_poseidon_rows(out, in, cnt, SLK_POSEIDON_8);
}

uint64_t slk_tree_file_nodes(unsigned arity, uint64_t leaves, unsigned first_row)
{
    uint64_t nodes = 0, width = leaves;
    for (unsigned row = 0;; row++, width /= arity) {
        if (row >= first_row)
            nodes += width;
        if (width == 1)
            return nodes;
    }
}

slk_err_t slk_tree_file_init(slk_tree_file_t *tree, slk_tree_hash_t *hash, unsigned arity,
                             uint64_t leaves, unsigned first_row, int fd, const char *path,
                             slk_diag_t *diag)
{
    memset(tree, 0, sizeof *tree);
    tree->hash = hash;
    tree->arity = arity;
    tree->leaves = leaves;
    tree->first_row = first_row;
    tree->fd = fd;
    tree->path = path;
    tree->chunk_leaves = 1;
    tree->chunk_rows = 1;
    tree->rows = 1;
    for (uint64_t width = 1; width < leaves; width *= arity) {
        tree->rows++;
        if (tree->chunk_leaves * arity <= SLK_TREE_CHUNK_MAX) {
            tree->chunk_leaves *= arity;
            tree->chunk_rows++;
        }
    }
    SLK_ASSERT(slk_tree_file_nodes(arity, leaves, tree->rows - 1) == 1 && first_row < tree->rows);
    tree->chunk_cnt = leaves / tree->chunk_leaves;
    tree->chunk_roots = malloc(tree->chunk_cnt * sizeof(slk_node_t));
    if (!tree->chunk_roots)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory for the upper rows of a tree", path);
    return SLK_OK;
}

void slk_tree_file_fini(slk_tree_file_t *tree)
{
    free(tree->chunk_roots);
    tree->chunk_roots = NULL;
}

uint64_t slk_tree_file_offset(const slk_tree_file_t *tree, unsigned row, uint64_t index)
{
    uint64_t node = index, width = tree->leaves;
    for (unsigned r = 0; r < row; r++, width /= tree->arity) {
        if (r >= tree->first_row)
            node += width;
    }
    return node * sizeof(slk_node_t);
}

static slk_err_t tree_compare(slk_tree_file_t *tree, unsigned row, uint64_t index,
                              const slk_node_t *nodes, uint64_t cnt, slk_diag_t *diag)
{
    slk_node_t buf[128];
    for (uint64_t i = 0; i < cnt; i += SLK_COUNT(buf)) {
        uint64_t n = cnt - i < SLK_COUNT(buf) ? cnt - i : SLK_COUNT(buf);
        slk_err_t err = slk_pread_all(tree->fd, buf, n * sizeof *buf,
                                      slk_tree_file_offset(tree, row, index + i), tree->path, diag);
        if (err != SLK_OK)
            return err;
        for (uint64_t k = 0; k < n; k++) {
            if (!slk_node_eq(&buf[k], &nodes[i + k]))
                return slk_fail(
                    diag, SLK_ERR_DIGEST,
                    "%s: node %" PRIu64
                    " of row %u is %s, expected %s from the rows below; the file is damaged: "
                    "remove it and run again the step that makes it",
                    tree->path, index + i + k, row, slk_node_hex(&buf[k]).s,
                    slk_node_hex(&nodes[i + k]).s);
        }
    }
    return SLK_OK;
}

static slk_err_t tree_write(slk_tree_file_t *tree, unsigned row, uint64_t index,
                            const slk_node_t *nodes, uint64_t cnt, slk_diag_t *diag)
{
    if (tree->fd < 0 || row < tree->first_row)
        return SLK_OK;
    if (tree->verify)
        return tree_compare(tree, row, index, nodes, cnt, diag);
    return slk_pwrite_all(tree->fd, nodes, cnt * sizeof *nodes,
                          slk_tree_file_offset(tree, row, index), tree->path, diag);
}

slk_err_t slk_tree_file_chunk(slk_tree_file_t *tree, uint64_t i, const slk_node_t *leaves,
                              slk_node_t *scratch, slk_diag_t *diag)
{
    const slk_node_t *below = leaves;
    uint64_t width = tree->chunk_leaves;
    slk_err_t err = tree_write(tree, 0, i * width, leaves, width, diag);
    for (unsigned row = 1; err == SLK_OK && row < tree->chunk_rows; row++) {
        width /= tree->arity;
        size_t want = width * tree->arity;
        size_t good = tree->hash(scratch, below, width);
        if (good != want)
            return slk_fail(
                diag, SLK_ERR_FIELD,
                "%s: leaf %" PRIu64
                " is not below the field's modulus; the data it is made from is damaged",
                tree->path, i * tree->chunk_leaves + good);
        err = tree_write(tree, row, i * width, scratch, width, diag);
        below = scratch;
        scratch += width;
    }
    tree->chunk_roots[i] = below[0];
    return err;
}

slk_err_t slk_tree_file_finish(slk_tree_file_t *tree, slk_node_t *root, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    uint64_t width = tree->chunk_cnt;
    for (unsigned row = tree->chunk_rows; err == SLK_OK && row < tree->rows; row++) {
        width /= tree->arity;
        SLK_ASSERT(tree->hash(tree->chunk_roots, tree->chunk_roots, width) == width * tree->arity);
        err = tree_write(tree, row, 0, tree->chunk_roots, width, diag);
    }
    *root = tree->chunk_roots[0];
    return err;
}

bool slk_tree_compound_root(slk_node_t *out, const slk_size_t *size, const slk_node_t *roots)
{
    slk_node_t row[SLK_TREES_MAX];
    memcpy(row, roots, size->trees * sizeof *row);
    const uint32_t arities[2] = {size->sub, size->top};
    uint32_t width = size->trees;
    for (int i = 0; i < 2; i++) {
        if (!arities[i])
            continue;
        width /= arities[i];
        if (slk_poseidon_rows(row, row, width, arities[i]) != (size_t)width * arities[i])
            return false;
    }
    *out = row[0];
    return slk_node_is_canonical(out);
}
