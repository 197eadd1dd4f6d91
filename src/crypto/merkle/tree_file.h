#ifndef SLK_CRYPTO_MERKLE_TREE_FILE_H
#define SLK_CRYPTO_MERKLE_TREE_FILE_H

/* Merkle trees in files: rows concatenated bottom up, root last (spec/proofs-vanilla.md 5.1). A
 * tree is built from chunks of leaves in any order, on any number of threads: a chunk's subtree is
 * hashed in memory and its rows are written to their places; the few rows above the chunks come at
 * the end. */

#include "selkie/err.h"
#include "selkie/proof_types.h"

#include <stdbool.h>
#include <stddef.h>

/* Hash cnt rows of `arity` nodes; cnt * arity, or the index of the first bad input node. */
typedef size_t slk_tree_hash_t(slk_node_t *out, const slk_node_t *in, size_t cnt);

/* The two hashes in use: trunc254 SHA-256 of pairs (tree_d) and Poseidon of eight (tree_c,
 * tree_r_last). */
size_t slk_tree_hash_sha256(slk_node_t *out, const slk_node_t *in, size_t cnt);
size_t slk_tree_hash_poseidon8(slk_node_t *out, const slk_node_t *in, size_t cnt);

#define SLK_TREE_CHUNK_MAX 32768u /* leaves; 2^15 = 8^5 */

typedef struct {
    slk_tree_hash_t *hash;
    unsigned arity;      /* power of two */
    unsigned rows;       /* leaves and root included */
    uint64_t leaves;     /* arity^(rows-1) */
    unsigned first_row;  /* lowest row that the file keeps */
    unsigned chunk_rows; /* rows of a chunk's subtree, its root included */
    uint64_t chunk_leaves;
    uint64_t chunk_cnt;
    slk_node_t *chunk_roots; /* chunk_cnt nodes */
    int fd;                  /* borrowed; -1: nothing is written, only the root is wanted */
    bool verify;             /* set after init: compare the file's rows instead of writing them */
    const char *path;        /* borrowed */
} slk_tree_file_t;

/* Nodes and bytes of a file that keeps rows first_row and up. */
uint64_t slk_tree_file_nodes(unsigned arity, uint64_t leaves, unsigned first_row);

/* Begin a tree of `leaves` (a power of arity). SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_tree_file_init(slk_tree_file_t *tree, slk_tree_hash_t *hash,
                                              unsigned arity, uint64_t leaves, unsigned first_row,
                                              int fd, const char *path, slk_diag_t *diag);
void slk_tree_file_fini(slk_tree_file_t *tree);

/* Nodes of scratch that slk_tree_file_chunk needs behind the leaves. */
static inline size_t slk_tree_file_scratch(const slk_tree_file_t *tree)
{
    return tree->chunk_leaves;
}

/* With `verify`, a row that differs is SLK_ERR_DIGEST, naming the file and node.
 *
 * Hash and write chunk i. leaves: chunk_leaves nodes, left as they are; scratch: see above.
 * Thread-safe for different chunks. SLK_ERR_FIELD: a leaf is no field element. */
SLK_CHECK_RESULT slk_err_t slk_tree_file_chunk(slk_tree_file_t *tree, uint64_t i,
                                               const slk_node_t *leaves, slk_node_t *scratch,
                                               slk_diag_t *diag);

/* After all chunks: hash and write the rows above, give the root. */
SLK_CHECK_RESULT slk_err_t slk_tree_file_finish(slk_tree_file_t *tree, slk_node_t *root,
                                                slk_diag_t *diag);

/* Byte offset in the file of node `index` of `row` >= first_row. */
uint64_t slk_tree_file_offset(const slk_tree_file_t *tree, unsigned row, uint64_t index);

/* Root of a compound tree from its base trees' roots (spec/proofs-vanilla.md 5.3): T = sub * top of
 * them in order. False when a root is no field element. */
bool slk_tree_compound_root(slk_node_t *out, const slk_size_t *size, const slk_node_t *roots);

#endif /* SLK_CRYPTO_MERKLE_TREE_FILE_H */
