#include "test_util.h"

#include "crypto/blake2b/blake2b.h"

/* Byte i of a message is 7 i + 3. Digests by another implementation. */
static const struct {
    size_t out_len, len;
    const char *hex;
} rows[] = {
    {64, 0,
     "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb"
     "04b903a685b1448b755d56f701afe9be2ce"},
    {64, 1,
     "4fe4da61bcc756071b226843361d74944c72245d23e8245ea678c13fdcd7fe2ae529cf999ad99cc24f7a73416a18b"
     "a53e76c0afef83b16a568b12fbfc1a2674d"},
    {64, 127,
     "71546bbf9110ad184cc60f2eb120fcfd9b4dbbca7a7f1270045b8a23a6a4f4330f65c1f030dd2f5fabc6c57617242"
     "c37cf427bd90407fac5b9deffd3ae888c39"},
    {64, 128,
     "2d9e329f42afa3601d646692b81c13e87fcaff5bf15972e9813d7373cb6d181f9599f4d513d4af4fd6ebd37497ace"
     "b29aba5ee23ed764d8510b552bd088814fb"},
    {64, 129,
     "47889df9eb4d717afc5019df5c6a83df00a0b8677395e078cd5778ace0f338a618e68b7d9afb065d9e6a01ccd31d1"
     "09447e7fae771c3ee3e105709194122ba2b"},
    {64, 256,
     "91019c558584980249ca43eceed27e19f1c3c24161b93eed1eee2a6a774f60bf8a81b43750870bee1698feac9c533"
     "6ae4d5c842e7ead159bf3916387e8ded9ae"},
    {64, 1000,
     "4bdd2c9cf31d797a81d245c989ffb7515143ca345c66f73087dd5c58bf642bf083ba16894eab79e3b08d5126404d8"
     "33e7510271b50be36a7b7cbbb46f5c89fac"},
    {32, 0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
    {32, 1, "e88bd757ad5b9bedf372d8d3f0cf6c962a469db61a265f6418e1ffed86da29ec"},
    {32, 127, "c9ae3859964b35f04c54b36d33cf299d7290ee621005d28e51598a943560aaaa"},
    {32, 128, "f0501d06597880592bc49234eef100ec1ff349058d0e9d9b753504e24af86dd6"},
    {32, 129, "a34a4e1e03c541dfbf3099c4b6c143c022ced65c28bd7e8a10e0a098461aecf0"},
    {32, 256, "d93ebb9c802f5630ab22516fd82b6c21bc8bd551d531349b715f046ed11ed871"},
    {32, 1000, "d62b6c768ce1afc8367e0498ab2f8e3f7c178c35b1429f14c4604b545d200f52"},
    {20, 0, "3345524abf6bbe1809449224b5972c41790b6cf2"},
    {20, 1, "469faac899f374872debf8316818e61309b0f769"},
    {20, 127, "23ff7f1d4b5e5568040f01adbe04a6b997899d25"},
    {20, 128, "79ae684511c83fdee5f040c77bb7c9a317d3f2de"},
    {20, 129, "b195dc7be88c88574f88d235228691bf35e409ec"},
    {20, 256, "4514db2f29d22e32d1a142894c7285e546dbf121"},
    {20, 1000, "7347a87d12c5b902eefd08b8b5c14816494c2639"},
};

static void check(const char *want, const uint8_t *digest, size_t len)
{
    uint8_t bytes[SLK_BLAKE2B_MAX];
    assert_true(slk_hex_decode(bytes, len, want));
    assert_memory_equal(digest, bytes, len);
}

static void test_known(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 3, 64, 128, 1000};
    uint8_t message[1000], digest[SLK_BLAKE2B_MAX];
    slk_blake2b_t hash;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(7 * i + 3);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
            slk_blake2b_init(&hash, rows[r].out_len);
            for (size_t at = 0; at < rows[r].len; at += steps[s])
                slk_blake2b_update(&hash, message + at,
                                   rows[r].len - at < steps[s] ? rows[r].len - at : steps[s]);
            slk_blake2b_final(&hash, digest);
            check(rows[r].hex, digest, rows[r].out_len);
        }
    }
}

/* The example of RFC 7693. */
static void test_abc(void **state)
{
    (void)state;
    uint8_t digest[SLK_BLAKE2B_MAX];
    slk_blake2b_t hash;
    slk_blake2b_init(&hash, sizeof digest);
    slk_blake2b_update(&hash, "abc", 3);
    slk_blake2b_final(&hash, digest);
    check("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
          digest, sizeof digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_abc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
