#ifndef SLK_CRYPTO_SHA256_LABEL_H
#define SLK_CRYPTO_SHA256_LABEL_H

/* The inner loop of PC1: labels of consecutive nodes of one layer. Source:
 * spec/proofs-vanilla.md 4.2.
 *
 * label(l, v) = trunc254(SHA-256(replica_id || BE32(l) || BE64(v) || 20 zero bytes || 37 parent
 * labels)): 20 compressions, each label needing the one before it. The 37 parents repeat with a
 * period of 7 blocks (3 on layer 1), so schedules are expanded once and used again; block 0 does
 * not depend on labels. */

#include "selkie/proof_types.h"

typedef struct {
    const slk_node_t *replica_id;
    uint32_t layer;                         /* from 1 */
    slk_node_t *labels;                     /* this layer, N nodes; [0, first) are done */
    const slk_node_t *prev;                 /* the layer before, N nodes; NULL when layer is 1 */
    const uint32_t (*rows)[SLK_PARENT_CNT]; /* parents of node first, first + 1, ...: cnt rows */
    uint64_t first, cnt;                    /* nodes to label now */
} slk_label_run_t;

/* Compute labels [first, first + cnt). Every row's indices must be inside the layer and, for base
 * parents of node v > 0, below v: the caller checks them (a row from a file is not trusted).
 * Thread-safe: one run writes only its own range. No heap. */
void slk_label_run(const slk_label_run_t *run);

/* One label from parents given as 37 nodes in message order (none: node 0). For verifiers. */
void slk_label_one(slk_node_t *out, const slk_node_t *replica_id, uint32_t layer, uint64_t node,
                   const slk_node_t *parents, size_t parent_cnt);

#endif /* SLK_CRYPTO_SHA256_LABEL_H */
