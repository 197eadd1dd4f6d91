#ifndef SLK_PROOFS_VERIFY_TEST_CLAIMS_H
#define SLK_PROOFS_VERIFY_TEST_CLAIMS_H

/* What the recorded cases of tests/vectors claim, and their proofs. */

#include "base/assert.h"
#include "selkie/verify.h"
#include "test_util.h"

static inline const char *member(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (!text)
        fail_msg("no text '%s'", name);
    return text;
}

static inline slk_seal_claim_t seal_claim(uint8_t proof[192], json_t **json, const char *name)
{
    char file[64];
    slk_diag_t diag;
    snprintf(file, sizeof file, "seal/%s.json", name);
    *json = test_vectors(file);
    slk_seal_claim_t claim = {.miner = strtoull(member(*json, "miner"), NULL, 10),
                              .sector = strtoull(member(*json, "sector"), NULL, 10),
                              .ticket = node_from_hex(member(*json, "ticket")),
                              .seed = node_from_hex(member(*json, "seed")),
                              .comm_d = node_from_hex(member(*json, "comm_d")),
                              .comm_r = node_from_hex(member(*json, "comm_r"))};
    assert_ok(slk_porep_registered(&claim.porep, slk_size_by_name(member(*json, "size")),
                                   member(*json, "feature"), &diag),
              diag);
    if (json_object_get(*json, "proof"))
        assert_true(slk_hex_decode(proof, 192, member(*json, "proof")));
    return claim;
}

typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    slk_post_public_t pub[4];
    size_t cnt, len;
    uint8_t proof[384];
} post_claim_t;

static inline post_claim_t post_claim(const char *name)
{
    char file[64];
    slk_diag_t diag;
    snprintf(file, sizeof file, "post/%s.json", name);
    json_t *json = test_vectors(file), *replicas = json_object_get(json, "replicas");
    bool window = !strcmp(member(json, "kind"), "window");
    post_claim_t c = {.randomness = node_from_hex(member(json, "randomness")),
                      .cnt = json_array_size(replicas),
                      .len = strlen(member(json, "proof")) / 2};
    assert_ok(slk_post_make(&c.post, slk_size_by_name("2KiB"),
                            window ? SLK_POST_WINDOW : SLK_POST_WINNING,
                            window ? SLK_API_V1_2 : SLK_API_V1_0, &diag),
              diag);
    assert_true(c.cnt < SLK_COUNT(c.pub) && c.len <= sizeof c.proof);
    for (size_t i = 0; i < c.cnt; i++) {
        json_t *row = json_array_get(replicas, i);
        c.pub[i].sector = (uint64_t)json_integer_value(json_object_get(row, "sector"));
        c.pub[i].comm_r = node_from_hex(member(row, "comm_r"));
    }
    assert_true(slk_hex_decode(c.proof, c.len, member(json, "proof")));
    json_decref(json);
    return c;
}

#endif /* SLK_PROOFS_VERIFY_TEST_CLAIMS_H */
