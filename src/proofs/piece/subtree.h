#ifndef SLK_PROOFS_PIECE_SUBTREE_H
#define SLK_PROOFS_PIECE_SUBTREE_H

/* Roots of binary SHA-256 trees, whole and growing from the left. A tree of level k has 2^k leaves.
 */

#include "selkie/proof_types.h"

#include <stddef.h>

#define SLK_SUBTREE_LEVELS 59u /* level 58 is 2^63 bytes */

/* Level of the tree over that many bytes: a power of two, at least a node. */
static inline unsigned slk_subtree_level(uint64_t bytes)
{
    return (unsigned)__builtin_ctzll(bytes / SLK_NODE_SZ);
}

/* trunc254(SHA-256(left || right)). out may be either. */
void slk_subtree_join(slk_node_t *out, const slk_node_t *left, const slk_node_t *right);

/* Root of the tree of that level whose leaves are zero. */
const slk_node_t *slk_subtree_zero(unsigned level);

/* Replace nodes[0], the roots of cnt > 0 trees of level `from` side by side, by the root of level
 * `to` over them and zeros. nodes is scratch: cnt rounded up to even. */
void slk_subtree_reduce(slk_node_t *nodes, size_t cnt, unsigned from, unsigned to);

/* A tree that grows to the right by whole subtrees, each at a multiple of its size. */
typedef struct {
    uint64_t leaves; /* so far; bit k set: a finished subtree of level k waits in node[k] */
    slk_node_t node[SLK_SUBTREE_LEVELS];
} slk_subtree_stack_t;

/* Append a subtree; leaves must be a multiple of 2^level. Start with leaves = 0, nodes may be
 * undefined. */
void slk_subtree_push(slk_subtree_stack_t *stack, const slk_node_t *root, unsigned level);

/* Root of the tree of that level, zeros behind what was pushed. The stack keeps its contents. */
void slk_subtree_root(slk_node_t *out, const slk_subtree_stack_t *stack, unsigned level);

#endif /* SLK_PROOFS_PIECE_SUBTREE_H */
