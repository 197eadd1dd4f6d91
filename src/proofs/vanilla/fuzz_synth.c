/* A record as it may lie in a damaged synthetic proofs file. Of all records for one challenge the
 * verifier may accept a single one, and the JSON of any is well-formed. Input: record of a 2KiB
 * sector, then 32 bits: which bit to flip in an accepted record. */

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/vanilla.h"

#include <jansson.h>
#include <stdlib.h>

#define TEXT_MAX 200000u

/* The sector of tests/vectors/seal/2k-cc-synth.json. */
static const char *const sector[] = {
    "63c9d9d86de1913858dc4cb6a45030abc39f7918f800ced53311ff46aff5511a", /* replica_id */
    "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833", /* comm_d */
    "408ca01ab1dc3c28203b6cbf62c4af8bdbb63656e2051f609eb81b9e84fe3e0e", /* comm_c */
    "43c5566143b04478e4c4db2318a9f8b66dea5b666fb112394796166169699e55", /* comm_r_last */
    "aef7b7f6d7a75ca6109345160580fcf29c48f4d8471229fa373c260d34ca7254", /* comm_r */
};

typedef struct {
    size_t len;
    char text[TEXT_MAX];
} text_t;

static slk_err_t add(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    (void)diag;
    text_t *t = ctx;
    SLK_ASSERT(len <= TEXT_MAX - t->len);
    memcpy(t->text + t->len, text, len);
    t->len += len;
    return SLK_OK;
}

static bool verify(const slk_graph_t *graph, const slk_porep_t *porep,
                   const slk_vanilla_public_t *pub, uint64_t challenge, const uint8_t *record)
{
    bool ok;
    slk_diag_t diag = {""};
    slk_err_t err = slk_vanilla_verify(&ok, graph, porep, pub, &challenge, record, 1, NULL, &diag);
    SLK_ASSERT(err == SLK_OK);
    SLK_ASSERT(ok || diag.text[0]);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static slk_porep_t porep;
    static slk_graph_t *graph;
    static slk_vanilla_public_t pub;
    static text_t text;
    if (!graph) {
        slk_node_t *nodes[] = {&pub.replica_id, &pub.comm_d, &pub.comm_c, &pub.comm_r_last,
                               &pub.comm_r};
        for (size_t i = 0; i < SLK_COUNT(nodes); i++)
            SLK_ASSERT(slk_hex_decode(nodes[i]->b, 32, sector[i]));
        SLK_ASSERT(slk_porep_by_id(&porep, 10, NULL) == SLK_OK);
        SLK_ASSERT(slk_graph_new(&graph, &porep, NULL) == SLK_OK);
    }
    size_t record_sz = slk_vanilla_record_sz(&porep);
    if (size != record_sz + 4)
        return 0;
    uint8_t *record = malloc(record_sz);
    SLK_ASSERT(record);
    memcpy(record, data, record_sz);

    text.len = 0;
    SLK_ASSERT(slk_vanilla_json(&porep, &pub, record, add, &text, NULL) == SLK_OK);
    /* Numbers of a damaged record may pass the signed 64 bits that jansson reads. */
    json_t *json = json_loadb(text.text, text.len, JSON_DECODE_INT_AS_REAL, NULL);
    SLK_ASSERT(json);
    json_decref(json);

    uint64_t challenge = slk_load_le64(record);
    if (verify(graph, &porep, &pub, challenge, record)) {
        uint64_t bit = slk_load_le32(data + record_sz) % (8 * record_sz);
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        SLK_ASSERT(!verify(graph, &porep, &pub, challenge, record));
    }
    free(record);
    return 0;
}
