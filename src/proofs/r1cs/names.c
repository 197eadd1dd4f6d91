/* Names of parameter files: spec/proofs-snark.md 6.1. */
#include "selkie/r1cs.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/sha256/sha256.h"

#include <inttypes.h>
#include <stdio.h>

static void porep_id(char *id, size_t cap, const slk_size_t *size, const char *shape)
{
    slk_porep_t porep;
    slk_porep_custom(&porep, size, SLK_API_V1_1, SLK_FEATURE_NONE, (uint8_t[32]){0});
    snprintf(
        id, cap,
        "layered_drgporep::PublicParams{ graph: stacked_graph::StackedGraph{expansion_degree: 8 "
        "base_graph: drgraph::BucketGraph{size: %" PRIu64
        "; degree: 6; hasher: poseidon_hasher} }, challenges: LayerChallenges { layers: %" PRIu32
        ", max_count: %" PRIu32 " }, tree: %s }",
        size->nodes, size->layers, porep.challenges, shape);
}

void slk_circuit_cache_id(char out[SLK_CACHE_ID_SZ], slk_circuit_kind_t kind,
                          const slk_size_t *size)
{
    char shape[64], id[512];
    snprintf(shape, sizeof shape, "merkletree-poseidon_hasher-8-%" PRIu32 "-%" PRIu32, size->sub,
             size->top);
    bool porep = kind == SLK_CIRCUIT_POREP, winning = kind == SLK_CIRCUIT_WINNING;
    if (porep)
        porep_id(id, sizeof id, size, shape);
    else
        snprintf(id, sizeof id,
                 "FallbackPoSt::PublicParams{sector_size: %" PRIu64
                 ", challenge_count: %u, sector_count: %" PRIu32 "}",
                 size->bytes, winning ? 1u : 10u, winning ? 66u : slk_window_sectors(size));
    slk_node_t hash;
    slk_sha256(&hash, id, strlen(id));
    int len = snprintf(out, SLK_CACHE_ID_SZ, "%s-%s%s-%s",
                       porep ? "stacked-proof-of-replication" : "proof-of-spacetime-fallback",
                       shape, porep ? "-sha256_hasher" : "", slk_node_hex(&hash).s);
    SLK_ASSERT(len > 0 && (size_t)len < SLK_CACHE_ID_SZ);
}
