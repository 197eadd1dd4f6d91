/* Randomness, beacon and elections against a recorded chain. */
#include "codec/bigint.h"
#include "crypto/election/beacon.h"
#include "crypto/election/randomness.h"
#include "crypto/election/win_count.h"
#include "selkie/post.h"

#include "base/assert.h"
#include "test_util.h"

#include <openssl/evp.h>

#define MINER 1000u

static const char *text_of(json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    if (!text)
        fail_msg("no text in field %s", field);
    return text;
}

/* Hex of a field; returns its bytes' number. */
static size_t hex_of(uint8_t *out, size_t cap, json_t *object, const char *field)
{
    const char *text = text_of(object, field);
    size_t len = strlen(text) / 2;
    assert_true(len <= cap && slk_hex_decode(out, len, text));
    return len;
}

static slk_node_t node_of_base64(const char *text)
{
    uint8_t out[36];
    assert_int_equal(strlen(text), 44);
    assert_int_equal(EVP_DecodeBlock(out, (const uint8_t *)text, 44), 33);
    slk_node_t node;
    memcpy(node.b, out, 32);
    return node;
}

static void test_draw(void **state)
{
    (void)state;
    static const uint8_t zero[32];
    uint8_t entropy[SLK_ENTROPY_MAX];
    size_t len = slk_miner_entropy(entropy, MINER);
    assert_int_equal(len, 4);
    assert_memory_equal(entropy, "\x43\x00\xe8\x07", 4);
    slk_node_t got = slk_draw(zero, sizeof zero, SLK_TAG_SEAL, 100, entropy, len);
    assert_node_hex(&got, "05db55c433cab37a5de5c8b043f262b7cdfe517f0b470d1699e7bcf9570f8a72");
    got = slk_draw_miner(zero, sizeof zero, SLK_TAG_SEAL, 100, MINER);
    assert_node_hex(&got, "05db55c433cab37a5de5c8b043f262b7cdfe517f0b470d1699e7bcf9570f8a72");
    assert_int_equal(slk_miner_entropy(entropy, INT64_MAX), 11);
}

static void test_rounds(void **state)
{
    (void)state;
    slk_node_t entry = slk_mock_entry(100);
    assert_node_hex(&entry, "512142f42a91998094dcf07b4bb4e80bfb86ef39361579acd1e1e9b4170ba5f2");
    assert_int_equal(slk_mock_round(0), 100);
    const slk_drand_t *q = &slk_drand_quicknet;
    /* Genesis with the first round: epoch 0 is one delay before it. */
    assert_int_equal(slk_drand_round(q, 0, 1692803367, 30), 1);
    assert_int_equal(slk_drand_round(q, 1, 1692803367, 30), 1);
    assert_int_equal(slk_drand_round(q, 2, 1692803367, 30), 11);
    assert_int_equal(slk_drand_round(q, 3, 1692803369, 4), 4);
    /* Mainnet: Unix time of epoch 0 is 1598306400. */
    assert_int_equal(slk_drand_round(q, 5000000, 1598306400, 30),
                     (1748306370 - 1692803367) / 3 + 1);
    assert_int_equal(slk_drand_round(q, -5, 1000, 30), 1);
}

/* All blocks: beacon, inputs of the VRFs, winning PoSt randomness, win count. */
static void test_blocks(void **state)
{
    (void)state;
    json_t *blocks = test_vectors("lotus-rpc/blocks.json"), *block;
    size_t i;
    slk_diag_t diag = {""};
    json_array_foreach(blocks, i, block)
    {
        json_t *beacon = json_object_get(block, "beacon"),
               *ticket = json_object_get(block, "ticket");
        json_t *election = json_object_get(block, "election");
        json_t *winning = json_object_get(block, "winning_post");
        int64_t height = json_integer_value(json_object_get(block, "height"));
        uint8_t data[64], entropy[128], proof[96];

        size_t data_len = hex_of(data, sizeof data, beacon, "data_hex");
        slk_node_t entry = slk_mock_entry(slk_mock_round(height));
        assert_int_equal(data_len, 32);
        assert_memory_equal(data, entry.b, 32);

        size_t entropy_len = hex_of(entropy, sizeof entropy, ticket, "entropy_hex");
        slk_node_t got =
            slk_ticket_input(data, data_len, height, MINER, entropy + 4, entropy_len - 4);
        assert_node_hex(&got, text_of(ticket, "vrf_input_hex"));
        got = slk_election_input(data, data_len, height, MINER);
        assert_node_hex(&got, text_of(election, "vrf_input_hex"));
        got = slk_draw_miner(data, data_len, SLK_TAG_WINNING_POST, height, MINER);
        assert_node_hex(&got, text_of(winning, "randomness_hex"));
        slk_post_randomness(&got);
        assert_node_hex(&got, text_of(winning, "randomness_masked_hex"));

        slk_bigint_t miner, network;
        assert_ok(slk_bigint_from_text(&miner, text_of(election, "miner_power"), &diag), diag);
        assert_ok(slk_bigint_from_text(&network, text_of(election, "network_power"), &diag), diag);
        size_t len = hex_of(proof, sizeof proof, election, "vrf_proof_hex");
        assert_int_equal(slk_win_count(proof, len, &miner, &network),
                         json_integer_value(json_object_get(election, "win_count")));
    }
    assert_int_equal(json_array_size(blocks), 14);
    json_decref(blocks);
}

/* The ticket of the genesis block, which counts for all epochs before the first: in block 1 it is the
 * parent's. */
static size_t genesis_ticket(uint8_t out[96])
{
    json_t *blocks = test_vectors("lotus-rpc/blocks.json");
    uint8_t entropy[128];
    size_t len = hex_of(entropy, sizeof entropy,
                        json_object_get(json_array_get(blocks, 0), "ticket"), "entropy_hex");
    memcpy(out, entropy + 4, len - 4);
    json_decref(blocks);
    return len - 4;
}

static void test_node_answers(void **state)
{
    (void)state;
    uint8_t base[96];
    size_t base_len = genesis_ticket(base);
    json_t *json = test_vectors("lotus-rpc/StateGetRandomnessFromBeacon.json"), *call;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(json, "calls"), i, call)
    {
        json_t *params = json_object_get(json_object_get(call, "request"), "params");
        json_t *result = json_object_get(json_object_get(call, "response"), "result");
        if (!result)
            continue;
        int64_t epoch = json_integer_value(json_array_get(params, 1));
        slk_tag_t tag = (slk_tag_t)json_integer_value(json_array_get(params, 0));
        slk_node_t entry = slk_mock_entry(slk_mock_round(epoch));
        slk_node_t got = slk_draw_miner(entry.b, 32, tag, epoch, MINER);
        slk_node_t want = node_of_base64(json_string_value(result));
        assert_memory_equal(got.b, want.b, 32);
        seen++;
    }
    assert_int_equal(seen, 3);
    json_decref(json);

    /* Digest and drawings of one ticket, and a negative epoch. */
    json = test_vectors("lotus-rpc/StateGetRandomnessDigestFromTickets.json");
    call = json_array_get(json_object_get(json, "calls"), 0);
    slk_node_t digest = node_of_base64(text_of(json_object_get(call, "response"), "result"));
    json_decref(json);
    static const char *const want[] = {"ocjldQUW06/dX3H3b0PHStCmXQzRG8BSiVyMn55NnEI=",
                                       "SrQnie4IhLe+MFzsw/87GcMziiyZzNQzajpBf2mOlcU=",
                                       "YTfJwMNO1s4Y/qCQSBI5TQcmwolLGmtE2MUMrzyy5fU="};
    json = test_vectors("lotus-rpc/StateGetRandomnessFromTickets.json");
    uint8_t entropy[SLK_ENTROPY_MAX];
    size_t entropy_len = slk_miner_entropy(entropy, MINER);
    slk_node_t got[] = {slk_draw_from_digest(&digest, SLK_TAG_SEAL, 18, entropy, entropy_len),
                        slk_draw_from_digest(&digest, SLK_TAG_POST_COMMIT, 18, NULL, 0),
                        slk_draw_miner(base, base_len, SLK_TAG_SEAL, -10, MINER)};
    for (i = 0; i < SLK_COUNT(want); i++) {
        call = json_array_get(json_object_get(json, "calls"), i);
        assert_string_equal(text_of(json_object_get(call, "response"), "result"), want[i]);
        slk_node_t node = node_of_base64(want[i]);
        assert_memory_equal(got[i].b, node.b, 32);
    }
    json_decref(json);

    json = test_vectors("lotus-rpc/StateGetRandomnessDigestFromBeacon.json");
    call = json_array_get(json_object_get(json, "calls"), 0);
    slk_node_t node = node_of_base64(text_of(json_object_get(call, "response"), "result"));
    slk_node_t entry = slk_mock_entry(slk_mock_round(18));
    digest = slk_draw_digest(entry.b, 32);
    assert_memory_equal(node.b, digest.b, 32);
    json_decref(json);

    json = test_vectors("lotus-rpc/StateGetBeaconEntry.json");
    call = json_array_get(json_object_get(json, "calls"), 0);
    json_t *result = json_object_get(json_object_get(call, "response"), "result");
    assert_int_equal(json_integer_value(json_object_get(result, "Round")), slk_mock_round(18));
    node = node_of_base64(text_of(result, "Data"));
    assert_memory_equal(node.b, entry.b, 32);
    json_decref(json);
}

/* Ticket, seed and PoSt randomness of recorded messages. */
static void test_sealing_inputs(void **state)
{
    (void)state;
    uint8_t base[96];
    size_t base_len = genesis_ticket(base), tickets = 0, seeds = 0, posts = 0;
    static const char *const names[] = {"PreCommitSectorBatch2-1", "ProveCommitSectors3-1",
                                        "ProveCommitSectors3-2",   "ProveCommitSectors3-3",
                                        "ProveCommitSectors3-4",   "ProveCommitSectors3-5",
                                        "ProveCommitSectors3-6",   "ProveCommitSectors3-7"};
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", names[i]);
        json_t *json = test_vectors(path), *input;
        size_t k;
        json_array_foreach(json_object_get(json, "inputs"), k, input)
        {
            json_t *epoch = json_object_get(input, "seal_rand_epoch");
            if (json_is_integer(epoch) && json_integer_value(epoch) < 0) {
                slk_node_t got =
                    slk_draw_miner(base, base_len, SLK_TAG_SEAL, json_integer_value(epoch), MINER);
                assert_node_hex(&got, text_of(input, "ticket_hex"));
                tickets++;
            }
            epoch = json_object_get(input, "seed_epoch");
            if (json_is_integer(epoch)) {
                int64_t at = json_integer_value(epoch);
                slk_node_t entry = slk_mock_entry(slk_mock_round(at));
                slk_node_t got = slk_draw_miner(entry.b, 32, SLK_TAG_SEAL_SEED, at, MINER);
                assert_node_hex(&got, text_of(input, "seed_hex"));
                seeds++;
            }
        }
        json_decref(json);
    }
    for (int i = 1; i <= 5; i++) {
        char path[128];
        snprintf(path, sizeof path, "lotus-rpc/messages/SubmitWindowedPoSt-%d.json", i);
        json_t *json = test_vectors(path), *inputs = json_object_get(json, "inputs");
        int64_t at = json_integer_value(json_object_get(inputs, "challenge_epoch"));
        slk_node_t entry = slk_mock_entry(slk_mock_round(at));
        slk_node_t got = slk_draw_miner(entry.b, 32, SLK_TAG_WINDOW_POST, at, MINER);
        assert_node_hex(&got, text_of(inputs, "post_randomness_hex"));
        posts++;
        json_decref(json);
    }
    assert_int_equal(tickets, 3);
    assert_int_equal(seeds, 8);
    assert_int_equal(posts, 5);
}

/* Without power nobody wins; with all of it about five times on average, never more than 15. */
static void test_win_count_range(void **state)
{
    (void)state;
    slk_bigint_t none = slk_bigint_u64(0), one = slk_bigint_u64(1), all = slk_bigint_u64(1000000);
    unsigned sum = 0, small = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(slk_win_count(&i, sizeof i, &none, &all), 0);
        assert_int_equal(slk_win_count(&i, sizeof i, &all, &none), 0);
        unsigned wins = slk_win_count(&i, sizeof i, &all, &all);
        assert_true(wins <= SLK_WIN_COUNT_MAX);
        sum += wins;
        small += slk_win_count(&i, sizeof i, &one, &all);
        /* More power never wins less. */
        slk_bigint_t half = slk_bigint_u64(500000);
        assert_true(slk_win_count(&i, sizeof i, &half, &all) <= wins);
    }
    assert_in_range(sum, 4700, 5300);
    assert_in_range(small, 0, 1);
}

static void test_tickets(void **state)
{
    (void)state;
    double sum = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        double q = slk_ticket_quality(&i, sizeof i);
        assert_true(q >= 0 && q <= 1);
        sum += q;
        uint32_t other = i + 1;
        double r = slk_ticket_quality(&other, sizeof other);
        int cmp = slk_ticket_cmp(&i, sizeof i, &other, sizeof other);
        assert_true((cmp < 0) == (q > r));
    }
    assert_true(sum > 460 && sum < 540);
    /* blake2b-256("abc") = bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319 */
    double hash = (double)0xbddd813c63423973u / 0x1p64;
    assert_true(slk_ticket_quality("abc", 3) == 1 - hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draw),           cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_blocks),         cmocka_unit_test(test_node_answers),
        cmocka_unit_test(test_sealing_inputs), cmocka_unit_test(test_win_count_range),
        cmocka_unit_test(test_tickets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
