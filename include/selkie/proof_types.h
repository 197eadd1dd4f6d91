#ifndef SELKIE_PROOF_TYPES_H
#define SELKIE_PROOF_TYPES_H

/* Sector sizes, PoRep variants and everything that follows from them: one table.
 * Source: spec/proofs-vanilla.md section 0. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

/* 32 bytes of a tree, label, commitment, ticket ...: canonical little-endian where a field element.
 */
typedef struct {
    uint8_t b[32];
} slk_node_t;

#define SLK_NODE_SZ    32u
#define SLK_LAYERS_MAX 11u
#define SLK_DRG_CNT    6u  /* base parents of a node, same layer */
#define SLK_EXP_CNT    8u  /* expander parents, layer before */
#define SLK_PARENT_CNT 14u /* both */
#define SLK_TREES_MAX  16u /* base trees of the widest compound tree */

/* What a sector size decides. */
typedef struct {
    const char *name;     /* "32GiB" */
    uint64_t bytes;       /* padded size of the sector */
    uint64_t nodes;       /* N = bytes / 32 */
    uint32_t layers;      /* L */
    uint32_t sub, top;    /* arities above the octary base trees, 0: no such row */
    uint32_t trees;       /* T: base trees, max(1,sub) * max(1,top) */
    uint64_t tree_leaves; /* B: leaves of one base tree, N / T */
    uint32_t tree_rows;   /* rows of one base tree, leaves and root included */
    uint64_t tree_nodes;  /* nodes of one base tree */
    uint32_t discard; /* rows above the leaves that tree_r_last files leave out, with the leaves */
    uint64_t tree_r_nodes; /* nodes that one tree_r_last file keeps */
    uint32_t challenges;   /* minimum number, interactive and synthetic */
    uint32_t partitions;
    uint32_t ni_challenges;
    uint32_t ni_partitions;
    bool published; /* one of the five sizes with registered proofs; else a test size */
} slk_size_t;

/* The size with this name (exactly as in the table, also test sizes); NULL if there is none. */
SLK_API const slk_size_t *slk_size_by_name(const char *name);
SLK_API const slk_size_t *slk_size_by_bytes(uint64_t bytes);

/* Row i of the table, smallest first; NULL behind the last. */
SLK_API const slk_size_t *slk_size_at(unsigned i);

/* The graph's version: V1_0 has the predecessor last and cuts expander indices to 32 bits. */
typedef enum { SLK_API_V1_0 = 0, SLK_API_V1_1 = 1, SLK_API_V1_2 = 2 } slk_api_version_t;

/* How challenges are drawn. */
typedef enum {
    SLK_FEATURE_NONE = 0,  /* interactive */
    SLK_FEATURE_SYNTH = 1, /* synthetic */
    SLK_FEATURE_NI = 2     /* non-interactive */
} slk_feature_t;

/* A proof of replication as the library computes it. */
typedef struct {
    const slk_size_t *size;
    slk_api_version_t version;
    slk_feature_t feature;
    uint8_t porep_id[32];
    int registered; /* registered seal proof 0..19, or -1 for test parameters */
    uint32_t partitions;
    uint32_t challenges; /* of one partition */
} slk_porep_t;

/* Names of the variants on the command line: "v1", "v1_1", "synth", "ni".
 * SLK_ERR_INPUT: unknown variant, or a size without registered proofs. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_porep_registered(slk_porep_t *out, const slk_size_t *size,
                                                        const char *variant, slk_diag_t *diag);

/* By registered seal proof number 0..19. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_porep_by_id(slk_porep_t *out, int registered,
                                                   slk_diag_t *diag);

/* Any size with any porep_id, for tests. */
SLK_API void slk_porep_custom(slk_porep_t *out, const slk_size_t *size, slk_api_version_t version,
                              slk_feature_t feature, const uint8_t porep_id[32]);

/* Command-line name of the variant of a registered proof ("v1_1"); "custom" otherwise. */
SLK_API const char *slk_porep_variant(const slk_porep_t *porep);

/* Name in the reference's JSON ("StackedDrg2KiBV1_1_Feat_SyntheticPoRep") by number; NULL if
 * unknown. */
SLK_API const char *slk_porep_registered_name(int registered);

/* Name of the tree shape in the reference's JSON: "StackedDrg<size>V1" whatever the variant. */
SLK_API void slk_porep_shape_name(const slk_porep_t *porep, char out[40]);

/* prover_id: the payload of the miner's ID address (unsigned LEB128), zero filled. */
SLK_API void slk_prover_id(slk_node_t *out, uint64_t miner);

/* replica_id = trunc254(SHA-256(prover_id || BE64(sector) || ticket || comm_d || porep_id)). */
SLK_API void slk_replica_id(slk_node_t *out, const slk_porep_t *porep, uint64_t miner,
                            uint64_t sector, const slk_node_t *ticket, const slk_node_t *comm_d);

#endif /* SELKIE_PROOF_TYPES_H */
