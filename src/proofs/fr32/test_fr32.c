#include "test_util.h"

#include "selkie/fr32.h"

/* The definition, bit by bit: bit i of the data is bit i / 254 * 256 + i % 254 of the padded bytes.
 */
static void move_bits(uint8_t *padded, uint8_t *raw, size_t groups, bool pad)
{
    memset(pad ? padded : raw, 0, pad ? groups * 128 : groups * 127);
    for (size_t i = 0; i < groups * 127 * 8; i++) {
        size_t j = i / 254 * 256 + i % 254;
        if (pad)
            padded[j / 8] |= (uint8_t)((raw[i / 8] >> i % 8 & 1) << j % 8);
        else
            raw[i / 8] |= (uint8_t)((padded[j / 8] >> j % 8 & 1) << i % 8);
    }
}

static void pad_vectors(void **state)
{
    (void)state;
    uint8_t raw[2032], padded[2048];
    test_data(raw, 127, "commp 127");
    slk_fr32_pad(padded, raw, 1);
    char hex[257];
    slk_hex_encode(hex, padded, 128);
    assert_string_equal(hex, "08b9b42196d79afb7d6a4e33646b9b9075d4d8bba90c83946c2a1b1e503a302e"
                             "7c63f40a9266e673bef4fcc46b392cad280fd924415f4e32f9efbcf07012b00f"
                             "2cd6de163fa25ce7017dae6825e8ea841742420fafb642db3b62467e3a0bc92d"
                             "8a9eeefb4c8d739b45e5880a8f0dcd4361bd2fb5712c3f9f1595d1cfd8344e01");
    for (unsigned i = 0; i < 2032; i++)
        raw[i] = (uint8_t)(7 * i + 3);
    slk_fr32_pad(padded, raw, 16);
    slk_node_t node;
    slk_sha256(&node, padded, 2048);
    assert_node_hex(&node, "13196841114ce267338aa6edc6b7a77db25bbf372b95add3975056573547aba6");
    memcpy(&node, padded + 3 * 32, 32);
    assert_node_hex(&node, "e7a86a2ceeaf7133f5b6783afcbd7f01c3844608ca8b4d0fd1925416d8995b1d");
}

/* Each single bit of a group at its place; catches what random data would hide. */
static void pad_single_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 127 * 8; i++) {
        uint8_t raw[127] = {0}, back[127], padded[128], want[128];
        raw[i / 8] = (uint8_t)(1u << i % 8);
        move_bits(want, raw, 1, true);
        slk_fr32_pad(padded, raw, 1);
        assert_memory_equal(padded, want, 128);
        slk_fr32_unpad(back, padded, 1);
        assert_memory_equal(back, raw, 127);
    }
}

/* Buffers of exactly the right size, so that sanitizers see a byte too many, at odd addresses too.
 */
static void round_trips(void **state)
{
    (void)state;
    for (size_t groups = 0; groups < 40; groups++) {
        size_t raw_sz = groups * 127, padded_sz = groups * 128, shift = groups % 9;
        uint8_t *raw = malloc(raw_sz + shift + 1), *padded = malloc(padded_sz + shift + 1);
        uint8_t *want = malloc(padded_sz + 1), *back = malloc(raw_sz + 1);
        assert_true(raw && padded && want && back);
        char name[32];
        snprintf(name, sizeof name, "fr32 %zu", groups);
        test_data(raw + shift + 1, raw_sz, name);
        move_bits(want, raw + shift + 1, groups, true);
        slk_fr32_pad(padded + shift + 1, raw + shift + 1, groups);
        assert_memory_equal(padded + shift + 1, want, padded_sz);
        slk_fr32_unpad(back + 1, padded + shift + 1, groups);
        assert_memory_equal(back + 1, raw + shift + 1, raw_sz);
        slk_fr32_unpad(padded + shift + 1, padded + shift + 1, groups);
        assert_memory_equal(padded + shift + 1, raw + shift + 1, raw_sz);
        free(raw);
        free(padded);
        free(want);
        free(back);
    }
}

/* The two top bits of a node do not leak into the data. */
static void unpad_drops_top_bits(void **state)
{
    (void)state;
    uint8_t padded[1024], raw[1016], want[1016];
    test_data(padded, sizeof padded, "fr32 any bytes");
    move_bits(padded, want, 8, false);
    slk_fr32_unpad(raw, padded, 8);
    assert_memory_equal(raw, want, sizeof raw);
    memset(padded, 0, sizeof padded);
    for (size_t i = 31; i < sizeof padded; i += 32)
        padded[i] = 0xc0;
    memset(want, 0, sizeof want);
    slk_fr32_unpad(raw, padded, 8);
    assert_memory_equal(raw, want, sizeof raw);
}

static void sizes(void **state)
{
    (void)state;
    assert_true(slk_fr32_padded(127) == 128 && slk_fr32_unpadded(128) == 127);
    assert_true(slk_fr32_padded(UINT64_C(68182605824)) == UINT64_C(64) << 30);
    assert_true(slk_fr32_unpadded(UINT64_C(64) << 30) == UINT64_C(68182605824));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pad_vectors), cmocka_unit_test(pad_single_bits),
        cmocka_unit_test(round_trips), cmocka_unit_test(unpad_drops_top_bits),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
