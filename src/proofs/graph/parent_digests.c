/* SHA-256 of the parent cache of each registered proof.
 *
 * Proofs 0 to 9 are in the manifest parent_cache.json of rust-fil-proofs
 * (spec/proofs-vanilla.md 3.4); the others the reference neither publishes nor checks. How each
 * digest below was confirmed:
 *
 *   P  published by the reference
 *   C  computed by `test_parent_digest` from the graph of this folder
 *   F  equal to the digest of a file that the reference wrote */
#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/graph/graph_impl.h"

static const char *const digests[20] = {
    /* 2KiB, 8MiB, 512MiB, 32GiB, 64GiB; v1 */
    [0] = "3da49221e2ed55371b86d0bf3d6526fcf128af61bed904f966428db1b531750d",
    [1] = "a76604f2f59f2744c7151653bbb1d8596b6b57d295e6fa6c1f0c41d725b502ce",
    [2] = "3adcc092423aa76d6a7184016893406da44dd974b219a89cd3ece25e4e3018f5",
    [3] = "3c4f9841fcc75aed8c695800e58d08480629f25af3a2aefd81904181d75cc0b6",
    [4] = "2778a732ad46a7dc18e0564dfdf59fd321dcde74ab476fd6d3c4e6735d7cd89c",
    /* v1_1 */
    [5] = "840057702eea7652cf97e04306c30fe57174714d90de156a25eddd6075c25b97",
    [6] = "03cd13565ded97c240a5f52e54295ad127bd0461b57904cb3a4d79b097bbecab",
    [7] = "b5877d1963793efebc261fd8fde4dd6bc59e6b5c7abf52617a4ee023b8dc173a",
    [8] = "93deeac5e3052b6927467d4b2641bb782f05491de18d510147c93eeedd8672da",
    [9] = "2698b74eb2606b55b98d8b095e18b6320b47f46e00075956d48640ccd1641b03",
};

bool slk_parent_digest(slk_node_t *out, const slk_porep_t *porep)
{
    int id = porep->registered;
    if (id < 0 || id >= (int)SLK_COUNT(digests) || !digests[id])
        return false;
    SLK_ASSERT(slk_hex_decode(out->b, sizeof out->b, digests[id]));
    return true;
}
