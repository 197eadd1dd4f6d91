/* ChaCha with 20 rounds against RFC 8439, with 8 rounds against the graph's keystream of
 * spec/proofs-vanilla.md 3.5. */
#include "crypto/chacha/chacha.h"

#include "test_util.h"

static void from_hex(uint8_t *out, size_t len, const char *hex)
{
    assert_int_equal(strlen(hex), 2 * len);
    assert_true(slk_hex_decode(out, len, hex));
}

/* RFC 8439 2.3.2 and appendix A.1, vectors 1 to 5. */
static void blocks_of_rfc_8439(void **state)
{
    (void)state;
    static const struct {
        const char *key, *nonce;
        uint32_t counter;
        const char *block;
    } rows[] = {
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "000000090000004a00000000", 1,
         "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
         "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", 0,
         "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
         "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", 1,
         "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
         "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"},
        {"0000000000000000000000000000000000000000000000000000000000000001",
         "000000000000000000000000", 1,
         "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
         "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0"},
        {"00ff000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", 2,
         "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
         "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000002", 0,
         "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
         "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t key[32], nonce[12], want[64], got[64];
        from_hex(key, 32, rows[i].key);
        from_hex(nonce, 12, rows[i].nonce);
        from_hex(want, 64, rows[i].block);
        slk_chacha_block(got, key, rows[i].counter, nonce, 20);
        assert_memory_equal(got, want, 64);
    }
}

/* Key of node 2 of registered proof 5: drg_seed || LE32(2). */
static void keystream_of_the_graph(void **state)
{
    (void)state;
    static const uint8_t nonce[12];
    uint8_t key[32], want[64], got[64];
    from_hex(key, 32, "3be68542ec229705b99be29c2106b0e4222ccd1d0311398ea4d22d7d02000000");
    from_hex(want, 64,
             "385e0aa37bc8143af548fd896b4f77e5e12e75377fcac305f00ec6329a3c435f"
             "7ef823da302909d2d360dd22a6d3ddb79ca0063004740f2e1b016a3b82904694");
    slk_chacha_stream(got, sizeof got, 0, key, nonce, 8);
    assert_memory_equal(got, want, sizeof got);
}

static void parts_of_a_stream_agree_with_its_blocks(void **state)
{
    (void)state;
    uint8_t key[32], nonce[12], blocks[5 * 64], part[5 * 64];
    test_data(key, sizeof key, "chacha key");
    test_data(nonce, sizeof nonce, "chacha nonce");
    for (uint32_t i = 0; i < 5; i++)
        slk_chacha_block(blocks + 64 * i, key, i, nonce, 20);
    for (size_t begin = 0; begin <= sizeof blocks; begin += 13) {
        for (size_t end = begin; end <= sizeof blocks; end += 29) {
            memset(part, 0xee, sizeof part);
            slk_chacha_stream(part, end - begin, begin, key, nonce, 20);
            assert_memory_equal(part, blocks + begin, end - begin);
        }
    }
    slk_chacha_block(blocks, key, UINT32_MAX, nonce, 8);
    slk_chacha_stream(part, 64, UINT64_C(64) * UINT32_MAX, key, nonce, 8);
    assert_memory_equal(part, blocks, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_rfc_8439),
        cmocka_unit_test(keystream_of_the_graph),
        cmocka_unit_test(parts_of_a_stream_agree_with_its_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
