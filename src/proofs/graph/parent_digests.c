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

/* Groups of five: 2KiB, 8MiB, 512MiB, 32GiB, 64GiB. */
static const char *const digests[20] = {
    /* v1 */
    [0] = "3da49221e2ed55371b86d0bf3d6526fcf128af61bed904f966428db1b531750d", /* PC */
    [1] = "a76604f2f59f2744c7151653bbb1d8596b6b57d295e6fa6c1f0c41d725b502ce", /* PC */
    [2] = "3adcc092423aa76d6a7184016893406da44dd974b219a89cd3ece25e4e3018f5", /* PC */
    [3] = "3c4f9841fcc75aed8c695800e58d08480629f25af3a2aefd81904181d75cc0b6", /* PC */
    [4] = "2778a732ad46a7dc18e0564dfdf59fd321dcde74ab476fd6d3c4e6735d7cd89c", /* PC */
    /* v1_1 */
    [5] = "840057702eea7652cf97e04306c30fe57174714d90de156a25eddd6075c25b97", /* PC */
    [6] = "03cd13565ded97c240a5f52e54295ad127bd0461b57904cb3a4d79b097bbecab", /* PC */
    [7] = "b5877d1963793efebc261fd8fde4dd6bc59e6b5c7abf52617a4ee023b8dc173a", /* PC */
    [8] = "93deeac5e3052b6927467d4b2641bb782f05491de18d510147c93eeedd8672da", /* PC */
    [9] = "2698b74eb2606b55b98d8b095e18b6320b47f46e00075956d48640ccd1641b03", /* PC */
    /* synth */
    [10] = "0c9ac05c2f3221deff12ab7b098acc90d974c3db61925b8429537e06c6062621", /* CF */
    [11] = "e1638d25de578d6aced310f722ed05acd71d35f7f5dd2f1f21c14ed827f27a20", /* CF */
    [12] = "c7d1435d6b7c6fecee0bbbf6fbe8c5e126ada634be10cb14be9d1106f4974e89", /* C */
    [13] = "d7306193a8d12ef8668dd9cc8ab1a32f3d3c248e706aa0a2ccc863a4b5633fb8", /* C */
    [14] = "386a753d8936b204020be7721ceb382b6cb6e35d72d97d172e7e40b6b6053750", /* C */
    /* ni */
    [15] = "3f5bf8010fc1cefce85a00045fad10a7abe09ab9e97d5ad9d1a08ff834ac5590", /* CF */
    [16] = "091d3efd426387d9a4fb672cf0cb9360506eef66ae13ea03e7ec653ab315e6cb", /* CF */
    [17] = "e38005bf62aeb2715029b0df8cd1784d97fbceedd8f0933b5b83907170fbd60c", /* C */
    [18] = "375b4a611d0983cd3dcf467802ea585e345c5e751d2e3081683365ce1ae2c3df", /* C */
    [19] = "f1f5c0d997248a2b671046c11de40a47fe24ec4afa8b306797c972d393e4b298", /* C */
};

bool slk_parent_digest(slk_node_t *out, const slk_porep_t *porep)
{
    int id = porep->registered;
    if (id < 0 || id >= (int)SLK_COUNT(digests) || !digests[id])
        return false;
    SLK_ASSERT(slk_hex_decode(out->b, sizeof out->b, digests[id]));
    return true;
}
