#include "test_util.h"

#include "base/assert.h"
#include "codec/multiaddr.h"

static slk_diag_t diag;

static void assert_hex(const void *bytes, size_t len, const char *hex)
{
    char text[512] = "";
    for (size_t i = 0; i < len; i++)
        sprintf(text + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
    assert_string_equal(text, hex);
}

/* The peer id of the recorded genesis miner, as StateMinerInfo shows it and as ChangePeerID-1 sets it. */
#define PEER     "12D3KooWT2n7JbCGGrDhcg29kmrVq3GdmP4BUuKo4F4sz5FaqDPm"
#define PEER_HEX "002408011220ffc4b79f42b3f4086de14916a9d400d0f610ded7658338e1d0bdd7946d1d47a8"

static void test_peer_id(void **state)
{
    (void)state;
    uint8_t id[SLK_PEER_ID_MAX];
    size_t len;
    assert_ok(slk_peer_id_from_text(id, &len, PEER, &diag), diag);
    assert_hex(id, len, PEER_HEX);
    static const char *const wrong[] = {
        "",    "12D3KooW", "nonsense0",
        "QmQ", PEER "1",   "bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s"};
    for (size_t i = 0; i < SLK_COUNT(wrong); i++)
        assert_int_equal(slk_peer_id_from_text(id, &len, wrong[i], &diag), SLK_ERR_INPUT);
}

/* Bytes by the protocols' numbers in the multicodec table. */
static void test_multiaddr(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
        size_t peer;
    } rows[] = {
        {"/ip4/127.0.0.1/tcp/1234", "047f0000010604d2", 8},
        {"/ip4/1.2.3.4/udp/4001/quic-v1", "040102030491020fa1cd03", 11},
        {"/ip6/2001:db8::1/tcp/80", "2920010db8000000000000000000000001060050", 20},
        {"/dns4/miner.example.org/tcp/443/wss", "36116d696e65722e6578616d706c652e6f72670601bbde03",
         24},
        {"/ip4/127.0.0.1/tcp/1234/p2p/" PEER, "047f0000010604d2a50326" PEER_HEX, 8},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_buf_t buf = {0};
        char text[SLK_MULTIADDR_TEXT_SZ];
        size_t peer = 0;
        slk_buf_put_byte(&buf, 0xaa);
        assert_ok(slk_multiaddr_from_text(&buf, &peer, rows[i].text, &diag), diag);
        assert_hex(buf.bytes + 1, buf.len - 1, rows[i].hex);
        assert_int_equal(peer, rows[i].peer);
        assert_ok(slk_multiaddr_to_text(text, buf.bytes + 1, buf.len - 1, &diag), diag);
        assert_string_equal(text, rows[i].text);
        for (size_t cut = 1; cut < buf.len - 1; cut++)
            if (slk_multiaddr_to_text(text, buf.bytes + 1, cut, NULL) == SLK_OK)
                assert_memory_equal(text, rows[i].text, strlen(text));
        slk_buf_free(&buf);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "/",
                                        "ip4/1.2.3.4",
                                        "/ip4",
                                        "/ip4/1.2.3",
                                        "/ip4/1.2.3.4/",
                                        "/ip4/1.2.3.4//tcp/1",
                                        "/ip4/1.2.3.4/tcp/65536",
                                        "/ip4/1.2.3.4/tcp/-1",
                                        "/tcp/ 1",
                                        "/p2p/12D3",
                                        "/carrier-pigeon/1"};
    slk_buf_t buf = {0};
    size_t peer;
    for (size_t i = 0; i < SLK_COUNT(wrong); i++) {
        assert_int_equal(slk_multiaddr_from_text(&buf, &peer, wrong[i], &diag), SLK_ERR_INPUT);
        assert_int_equal(buf.len, 0);
    }
    slk_buf_free(&buf);
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"", 0},           {"\x04\x7f", 2}, {"\x7e\x01", 2},
               {"\x36\x02/a", 4}, {"\x36\x00", 2}, {"\x84\x00\x01\x02\x03\x04", 6}};
    char text[SLK_MULTIADDR_TEXT_SZ];
    for (size_t i = 0; i < SLK_COUNT(bad); i++)
        assert_int_equal(slk_multiaddr_to_text(text, bad[i].bytes, bad[i].len, &diag),
                         SLK_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_id),
        cmocka_unit_test(test_multiaddr),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
