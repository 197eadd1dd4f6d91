#ifndef SLK_PROOFS_POST_PATH_BYTES_H
#define SLK_PROOFS_POST_PATH_BYTES_H

/* Bytes of a vanilla proof, written and read. Source: spec/proofs-vanilla-2.md 8.3, 8.4, 9.3.
 *
 * A Merkle path is u32 kind (0 one tree, 1 with a sub tree, 2 with sub and top tree), then
 *   kind 0:    root, leaf, elements of the base tree
 *   kind 1, 2: elements of the base tree, of the sub tree, of the top tree, root, leaf
 * where elements are u64 count and for each level u64 number of siblings, the siblings, u64 own
 * position. */

#include "proofs/vanilla/vanilla_layout.h"
#include "selkie/post.h"

#define SLK_POST_HEAD_SZ 56u /* what stands before the paths */
#define SLK_POST_TAIL_SZ 64u /* comm_c, comm_r_last */

/* Levels of a path of this size; the parts of a PoRep's record are not meant. */
void slk_post_layout(slk_vanilla_layout_t *out, const slk_size_t *size);

/* Bytes of one Merkle path. */
size_t slk_post_path_sz(const slk_vanilla_layout_t *lay);

/* value: the leaf's value, its siblings follow. */
void slk_post_path_write(uint8_t *out, const slk_vanilla_layout_t *lay, uint64_t leaf,
                         const slk_node_t *value, const slk_node_t *root);

/* All but the paths. */
void slk_post_head_write(uint8_t *out, const slk_vanilla_layout_t *lay, uint64_t sector,
                         uint32_t cnt, const slk_node_t *comm_r, const slk_node_t *comm_c,
                         const slk_node_t *comm_r_last);

/* Hash cnt <= SLK_POST_CHALLENGES_MAX paths: node i becomes the root of path i. hashes holds the
 * leaves' values; siblings[i] and leaves[i] belong to path i. All nodes are canonical. */
void slk_post_climb(slk_node_t *hashes, const slk_vanilla_layout_t *lay, const uint64_t *leaves,
                    const slk_node_t *const *siblings, uint32_t cnt);

#endif /* SLK_PROOFS_POST_PATH_BYTES_H */
