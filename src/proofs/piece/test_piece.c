#include "test_util.h"

#include "selkie/piece.h"

static const uint64_t KiB = 1024, MiB = 1024 * 1024, GiB = 1024 * 1024 * 1024;

/* A random number below cnt, the same in every run. */
static uint64_t draw(uint64_t cnt)
{
    static uint64_t calls;
    char name[32];
    snprintf(name, sizeof name, "piece test %llu", (unsigned long long)calls++);
    slk_node_t node = test_bytes32(name);
    return slk_load_le64(node.b) % cnt;
}

static slk_node_t join(const slk_node_t *left, const slk_node_t *right)
{
    uint8_t pair[64];
    slk_node_t out;
    memcpy(pair, left, 32);
    memcpy(pair + 32, right, 32);
    slk_sha256(&out, pair, 64);
    out.b[31] &= 0x3f;
    return out;
}

/* Root of the tree over cnt nodes, a power of two. */
static slk_node_t naive_root(const slk_node_t *nodes, uint64_t cnt)
{
    if (cnt == 1)
        return nodes[0];
    slk_node_t left = naive_root(nodes, cnt / 2), right = naive_root(nodes + cnt / 2, cnt / 2);
    return join(&left, &right);
}

/* Spec 5.2. */
static void zero_pieces(void **state)
{
    (void)state;
    const struct {
        uint64_t padded;
        const char *hex;
    } rows[] = {{32, "0000000000000000000000000000000000000000000000000000000000000000"},
                {128, "3731bb99ac689f66eef5973e4a94da188f4ddcae580724fc6f3fd60dfd488333"},
                {2 * KiB, "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833"},
                {8 * MiB, "65f29e5d98d246c38b388cfc06db1f6b021303c5a289000bdce832a9c3ec421c"},
                {512 * MiB, "39560e7b13a93b07a243fd2720ffa7cb3e1d2e505ab3629e79f46313512cda06"},
                {32 * GiB, "077e5fde35c50a9303a55009e3498a4ebedff39c42b710b730d8ec7ac7afa63e"},
                {64 * GiB, "e64005a6bfe3777953b8ad6ef93f0fca1049b2041654f2a411f7702799cece02"}};
    slk_node_t node;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        slk_piece_zero(&node, rows[i].padded);
        assert_node_hex(&node, rows[i].hex);
        if (rows[i].padded < 2 * KiB)
            continue;
        slk_diag_t diag;
        assert_ok(slk_piece_comm_d(&node, rows[i].padded, NULL, 0, &diag), diag);
        assert_node_hex(&node, rows[i].hex);
    }
    slk_piece_zero(&node, UINT64_C(1) << 63);
    assert_false(slk_node_is_zero(&node));
}

static void padded_sizes(void **state)
{
    (void)state;
    const uint64_t rows[][2] = {{0, 128},
                                {1, 128},
                                {127, 128},
                                {128, 256},
                                {254, 256},
                                {255, 512},
                                {2032, 2 * KiB},
                                {2033, 4 * KiB},
                                {UINT64_C(34091302912), 32 * GiB},
                                {UINT64_C(34091302913), 64 * GiB},
                                {UINT64_C(68182605824), 64 * GiB},
                                {UINT64_C(68182605825), 0},
                                {UINT64_MAX, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(slk_piece_padded_for(rows[i][0]) == rows[i][1]);
}

/* The rows of spec 6.3 with sizes that pieces can have: (written, size, bytes before it), unpadded.
 */
static void offsets(void **state)
{
    (void)state;
    const uint64_t rows[][3] = {{0, 127, 0},     {127, 127, 0},   {127, 254, 127},
                                {127, 508, 381}, {254, 508, 254}, {635, 1016, 381},
                                {508, 508, 0},   {1016, 508, 0},  {1143, 254, 127}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t used = rows[i][0] / 127 * 128, padded = rows[i][1] / 127 * 128;
        assert_true(slk_piece_offset(used, padded) == used + rows[i][2] / 127 * 128);
    }
    assert_true(slk_piece_offset(32 * GiB + 128, 16 * GiB) == 48 * GiB);
}

static void fill_as_lotus(void **state)
{
    (void)state;
    slk_piece_t got[64];
    static const uint64_t want[] = {128, 512, 1024};
    assert_int_equal(slk_piece_fill(got, 384, 2048), 3);
    for (unsigned i = 0; i < 3; i++) {
        slk_node_t zero;
        slk_piece_zero(&zero, want[i]);
        assert_true(got[i].padded == want[i]);
        assert_memory_equal(&got[i].comm_p, &zero, 32);
    }
    assert_int_equal(slk_piece_fill(got, 2048, 2048), 0);
    assert_int_equal(slk_piece_fill(got, 0, 64 * GiB), 1);
    assert_true(got[0].padded == 64 * GiB);
    assert_int_equal(slk_piece_fill(got, 128, 64 * GiB), 29);
}

/* Against the greedy way: while there is a gap, the largest aligned power of two that fits. */
static void fill_brute_force(void **state)
{
    (void)state;
    for (uint64_t to = 128; to <= 8192; to *= 2) {
        for (uint64_t from = 0; from <= to; from += 128) {
            slk_piece_t got[64];
            unsigned cnt = slk_piece_fill(got, from, to), i = 0;
            for (uint64_t at = from; at < to; i++) {
                uint64_t sz = 128;
                while (at % (2 * sz) == 0 && at + 2 * sz <= to)
                    sz *= 2;
                assert_true(i < cnt);
                assert_true(got[i].padded == sz);
                at += sz;
            }
            assert_int_equal(cnt, i);
        }
    }
}

static slk_piece_t named_piece(const char *hex, uint64_t padded)
{
    slk_piece_t piece = {node_from_hex(hex), padded};
    return piece;
}

/* Spec 6.11. The reference does not extend [A, B] and [B] to the sector; that is done here by hand.
 */
static void comm_d_spec(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_node_t got, want, zero;
    slk_piece_t list[3] = {
        named_piece("95e4bac791e3f6774a5e4dedecbf867092b4e26f182c1a488cc2b4abc857a732", 128),
        named_piece("8052b52c862e3ff360b88a0066848d5c7c3f0b8b724d738d269f7bab6d14f00d", 512),
        named_piece("9c20cc77815058365f279f86647b5926b1fc7164dea3974bcd02da843da83e23", 256)};
    assert_ok(slk_piece_comm_d(&got, 2048, list, 3, &diag), diag);
    assert_node_hex(&got, "0e4702c6dcd02c1f35dc242421956c1aebf4a8081ca84f1c523ba3766350b10f");

    want = node_from_hex("2227f75a9c73cdd1fde9c86369e2ab43b265192b3aaea03b93a5710998507318");
    assert_ok(slk_piece_comm_d(&got, 1024, list, 2, &diag), diag);
    assert_memory_equal(&got, &want, 32);
    slk_piece_zero(&zero, 1024);
    want = join(&want, &zero);
    assert_ok(slk_piece_comm_d(&got, 2048, list, 2, &diag), diag);
    assert_memory_equal(&got, &want, 32);

    slk_piece_zero(&zero, 512);
    want = join(&list[1].comm_p, &zero);
    slk_piece_zero(&zero, 1024);
    want = join(&want, &zero);
    assert_ok(slk_piece_comm_d(&got, 2048, list + 1, 1, &diag), diag);
    assert_memory_equal(&got, &want, 32);

    assert_ok(slk_piece_comm_d(&got, 512, list + 1, 1, &diag), diag);
    assert_memory_equal(&got, &list[1].comm_p, 32);
}

/* Random piece lists in small sectors against the tree over all the leaves. */
static void comm_d_naive(void **state)
{
    (void)state;
    enum { NODES = 512 };
    static slk_node_t leaves[NODES];
    for (unsigned round = 0; round < 200; round++) {
        uint64_t sector = UINT64_C(128) << draw(8), used = 0;
        slk_piece_t pieces[NODES / 4];
        size_t cnt = 0;
        memset(leaves, 0, sizeof leaves);
        for (unsigned tries = 0; tries < 1 + round % 20; tries++) {
            uint64_t padded = UINT64_C(128) << draw(5), at = (used + padded - 1) / padded * padded;
            if (at + padded > sector)
                continue;
            test_data(leaves[at / 32].b, padded, "leaves");
            leaves[at / 32].b[0] ^= (uint8_t)draw(256);
            pieces[cnt].comm_p = naive_root(&leaves[at / 32], padded / 32);
            pieces[cnt++].padded = padded;
            used = at + padded;
        }
        slk_diag_t diag;
        slk_node_t got, want = naive_root(leaves, sector / 32);
        assert_ok(slk_piece_comm_d(&got, sector, pieces, cnt, &diag), diag);
        assert_memory_equal(&got, &want, 32);
    }
}

/* 64 GiB with few pieces: only arithmetic. */
static void comm_d_large(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_node_t got, want, zero;
    slk_piece_t a = {test_bytes32("a"), 128}, b = {test_bytes32("b"), 32 * GiB};
    slk_piece_t list[] = {a, b};
    assert_ok(slk_piece_comm_d(&got, 64 * GiB, list, 2, &diag), diag);
    want = a.comm_p;
    for (uint64_t sz = 128; sz < 32 * GiB; sz *= 2) {
        slk_piece_zero(&zero, sz);
        want = join(&want, &zero);
    }
    want = join(&want, &b.comm_p);
    assert_memory_equal(&got, &want, 32);

    /* At its very end: only a piece of its own size before it makes 128 bytes land there. */
    slk_piece_t ends[32];
    unsigned cnt = 0;
    for (uint64_t sz = 32 * GiB; sz >= 128; sz /= 2) {
        ends[cnt].comm_p = test_bytes32("big");
        ends[cnt++].padded = sz;
    }
    ends[cnt++] = a;
    want = a.comm_p;
    for (unsigned i = cnt - 1; i-- > 0;)
        want = join(&ends[i].comm_p, &want);
    assert_ok(slk_piece_comm_d(&got, 64 * GiB, ends, cnt, &diag), diag);
    assert_memory_equal(&got, &want, 32);
}

static void comm_d_refused(void **state)
{
    (void)state;
    slk_node_t p = test_bytes32("p"), zero = {{0}};
    const struct {
        uint64_t sector;
        slk_piece_t pieces[3];
        size_t cnt;
        slk_err_t want;
        const char *says;
    } rows[] = {
        {2048, {{p, 64}}, 1, SLK_ERR_INPUT, "piece 1 of 1: padded size 64"},
        {2048, {{p, 0}}, 1, SLK_ERR_INPUT, "padded size 0"},
        {2048, {{p, 128}, {p, 127}}, 2, SLK_ERR_INPUT, "piece 2 of 2: padded size 127"},
        {2048, {{p, 384}}, 1, SLK_ERR_INPUT, "padded size 384"},
        {2048, {{zero, 128}}, 1, SLK_ERR_INPUT, "3731bb99ac689f66"},
        {2048, {{p, 4096}}, 1, SLK_ERR_LENGTH, "do not fit into a sector of 2048"},
        {2048, {{p, UINT64_C(1) << 63}}, 1, SLK_ERR_LENGTH, "do not fit"},
        {2048, {{p, 2048}, {p, 128}}, 2, SLK_ERR_LENGTH, "piece 2 of 2"},
        {2048, {{p, 128}, {p, 1024}, {p, 1024}}, 3, SLK_ERR_LENGTH, "piece 3 of 3"},
        {2048, {{p, 128}, {p, 2048}}, 2, SLK_ERR_LENGTH, "behind 128 used"},
        {2047, {{p, 128}}, 1, SLK_ERR_INPUT, "sector size 2047"},
        {64, {{p, 128}}, 0, SLK_ERR_INPUT, "sector size 64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        slk_diag_t diag = {""};
        slk_node_t out;
        assert_err(rows[i].want,
                   slk_piece_comm_d(&out, rows[i].sector, rows[i].pieces, rows[i].cnt, &diag));
        if (!strstr(diag.text, rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", diag.text, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_pieces),      cmocka_unit_test(padded_sizes),
        cmocka_unit_test(offsets),          cmocka_unit_test(fill_as_lotus),
        cmocka_unit_test(fill_brute_force), cmocka_unit_test(comm_d_spec),
        cmocka_unit_test(comm_d_naive),     cmocka_unit_test(comm_d_large),
        cmocka_unit_test(comm_d_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
