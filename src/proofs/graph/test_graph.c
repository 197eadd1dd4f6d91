/* Seeds, permutation and parents against spec/proofs-vanilla.md 3.5, and against a plain
 * transcription of sections 3.2 and 3.3. `test_graph bench` prints the time a node takes. */
#include "proofs/graph/graph_impl.h"

#include "base/assert.h"
#include "crypto/chacha/chacha.h"
#include "test_util.h"

static const slk_cpu_t back_ends[] = {SLK_CPU_PORTABLE, SLK_CPU_AVX2, SLK_CPU_AVX512};

static slk_graph_t *graph_of(int registered)
{
    slk_porep_t porep;
    slk_graph_t *graph;
    slk_diag_t diag;
    assert_ok(slk_porep_by_id(&porep, registered, &diag), diag);
    assert_ok(slk_graph_new(&graph, &porep, &diag), diag);
    return graph;
}

/* --- Transcription of the specification ------------------------------------------------------ */

static uint64_t plain_draw(uint64_t *pos, const uint8_t key[32])
{
    static const uint8_t nonce[12];
    uint8_t bytes[8];
    slk_chacha_stream(bytes, 8, *pos, key, nonce, 8);
    *pos += 8;
    return slk_load_le64(bytes);
}

static uint64_t plain_perm(uint64_t x, uint64_t size, const uint64_t key[4])
{
    unsigned h = 1;
    while (UINT64_C(1) << 2 * h < size)
        h++;
    uint64_t mask = (UINT64_C(1) << h) - 1;
    do {
        uint64_t l = x >> h & mask, r = x & mask;
        for (unsigned k = 0; k < 3; k++) {
            uint64_t next = l ^ (slk_feistel_round(r, key[k]) & mask);
            l = r;
            r = next;
        }
        x = l << h | r;
    } while (x >= size);
    return x;
}

static void plain_parents(const slk_porep_t *porep, uint64_t v, uint32_t row[SLK_PARENT_CNT])
{
    uint32_t seed[7];
    uint64_t feistel_key[4], pos = 0, m = 5 * v, nb = 0;
    uint8_t key[32];
    slk_graph_seeds(porep, seed, feistel_key);
    memcpy(key, seed, 28);
    slk_store_le32(key + 28, (uint32_t)v);
    bool v1_0 = porep->version == SLK_API_V1_0;
    memset(row, 0, SLK_DRG_CNT * 4);
    while (v >= 2 && UINT64_C(1) << nb < m)
        nb++;
    for (unsigned j = 0; v >= 2 && j < 5; j++) {
        uint64_t b = plain_draw(&pos, key) % nb + 1;
        uint64_t hi = m < UINT64_C(1) << b ? m : UINT64_C(1) << b;
        uint64_t lo = hi / 2 < 2 ? 2 : hi / 2;
        uint64_t d = lo + plain_draw(&pos, key) % (hi - lo + 1);
        uint64_t p = (m - d) / 5;
        row[v1_0 ? j : j + 1] = (uint32_t)(p == v ? v - 1 : p);
    }
    if (v >= 2)
        row[v1_0 ? 5 : 0] = (uint32_t)(v - 1);
    for (unsigned i = 0; i < SLK_EXP_CNT; i++) {
        uint64_t t = plain_perm(8 * v + i, 8 * porep->size->nodes, feistel_key);
        row[SLK_DRG_CNT + i] = v1_0 ? (uint32_t)t / 8 : (uint32_t)(t / 8);
    }
}

/* --- Known answers --------------------------------------------------------------------------- */

static void seeds(void **state)
{
    (void)state;
    static const struct {
        int registered;
        const char *drg_seed;
        uint64_t key[4];
    } rows[] = {
        {5,
         "3be68542ec229705b99be29c2106b0e4222ccd1d0311398ea4d22d7d",
         {0x90b15b1c4509e47a, 0xdc5378c03df3f21b, 0xfa76fc24deb9d7ac, 0xcdec5e11f7b30a54}},
        {0,
         "623f03efd4cbc4f029203ee913d026a4e2d9913025a8aed04fec97a0",
         {0x8fb5fa185a23bce6, 0xd567abafe374f26e, 0xa2f3f4da23359acc, 0xcbf4931c8d02e1a5}},
        {8,
         "ba0350183955dc9f07e73503f5c63ff1bd9c22501363983de241f74a",
         {0x35a20d6c881b3e73, 0x11063648dc13a120, 0xa8c1ad029b31fcb5, 0xd299d840a5770469}},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_porep_t porep;
        slk_diag_t diag;
        uint32_t drg_seed[7];
        uint64_t key[4];
        uint8_t want[28];
        assert_ok(slk_porep_by_id(&porep, rows[i].registered, &diag), diag);
        slk_graph_seeds(&porep, drg_seed, key);
        assert_true(slk_hex_decode(want, 28, rows[i].drg_seed));
        assert_memory_equal(drg_seed, want, 28);
        assert_memory_equal(key, rows[i].key, 32);
    }
}

static void permutation(void **state)
{
    (void)state;
    static const uint64_t key[4] = {1, 2, 3, 4};
    static const struct {
        uint64_t size, image[6];
    } rows[] = {
        {8192, {2318, 4282, 2919, 8170, 6644, 2655}},
        {192, {148, 34, 25, 183, 20, 97}},
    };
    assert_int_equal(slk_feistel_round(1, 2), 0x94e75c9cad6c7744);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        uint64_t size = rows[i].size;
        slk_feistel_t feistel;
        slk_diag_t diag;
        assert_ok(slk_feistel_new(&feistel, size, key, &diag), diag);
        for (uint64_t x = 0; x < 6; x++)
            assert_int_equal(slk_feistel_permute(&feistel, x), rows[i].image[x]);
        uint8_t hit[8192] = {0};
        for (uint64_t x = 0; x < size; x++) {
            uint64_t y = slk_feistel_permute(&feistel, x);
            assert_int_equal(y, plain_perm(x, size, key));
            assert_true(y < size && !hit[y]++);
        }
        slk_feistel_free(&feistel);
    }
}

static void parents(void **state)
{
    (void)state;
    enum { BASE = 1, EXP = 2, BOTH = 3 };
    static const struct {
        int registered;
        uint64_t node;
        int part;
        uint32_t row[SLK_PARENT_CNT];
    } rows[] = {
        {5, 0, BOTH, {0, 0, 0, 0, 0, 0, 4, 9, 60, 1, 14, 26, 26, 4}},
        {5, 1, BOTH, {0, 0, 0, 0, 0, 0, 6, 12, 35, 43, 23, 34, 58, 2}},
        {5, 2, BOTH, {1, 1, 1, 0, 1, 0, 30, 28, 55, 63, 63, 36, 37, 36}},
        {5, 63, BOTH, {62, 15, 42, 62, 61, 62, 0, 15, 30, 30, 28, 42, 49, 38}},
        {0, 2, BOTH, {0, 1, 1, 1, 1, 1, 32, 49, 26, 57, 3, 4, 47, 63}},
        {0, 63, BOTH, {62, 61, 56, 62, 37, 62, 49, 37, 35, 41, 52, 50, 54, 5}},
        {8, 2, BASE, {1, 1, 0, 1, 0, 0}},
        {8,
         1073741823,
         BOTH,
         {1073741822, 1073258530, 440642413, 663190843, 1073741654, 1073741786, 307718517,
          715446084, 558280128, 265147410, 110937796, 626719228, 201839602, 653041812}},
        {8,
         0,
         EXP,
         {0, 0, 0, 0, 0, 0, 1054240739, 227529229, 985834481, 197966932, 410367906, 165888503,
          1030207780, 74357301}},
        {3,
         1073741823,
         BASE,
         {1073717791, 1073729651, 356271464, 1073741667, 1073518238, 1073741822}},
        {3,
         0,
         EXP,
         {0, 0, 0, 0, 0, 0, 193218719, 107884067, 84734002, 52940790, 506733982, 222475650,
          192156281, 396327662}},
        {13,
         0,
         EXP,
         {0, 0, 0, 0, 0, 0, 823434336, 921644375, 80572046, 237311875, 173910141, 510327036,
          392619132, 875016918}},
    };
    slk_graph_t *graph = NULL;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (!graph || graph->porep.registered != rows[i].registered) {
            slk_graph_free(graph);
            graph = graph_of(rows[i].registered);
        }
        uint32_t row[1][SLK_PARENT_CNT];
        slk_graph_parents(graph, rows[i].node, 1, row);
        if (rows[i].part & BASE)
            assert_memory_equal(row[0], rows[i].row, SLK_DRG_CNT * 4);
        if (rows[i].part & EXP)
            assert_memory_equal(row[0] + SLK_DRG_CNT, rows[i].row + SLK_DRG_CNT, SLK_EXP_CNT * 4);
    }
    slk_graph_free(graph);
}

/* --- Against the transcription --------------------------------------------------------------- */

static void check_range(const slk_graph_t *graph, uint64_t first, uint64_t cnt)
{
    uint32_t got[200][SLK_PARENT_CNT], want[SLK_PARENT_CNT];
    assert_true(cnt <= SLK_COUNT(got));
    slk_graph_parents(graph, first, cnt, got);
    for (uint64_t i = 0; i < cnt; i++) {
        plain_parents(&graph->porep, first + i, want);
        assert_memory_equal(got[i], want, sizeof want);
    }
}

/* Both versions at small, one-walk (16MiB, 64GiB) and large sizes; batches that begin anywhere,
 * cross a change of the number of buckets, and end at the last node; all back ends. */
static void parents_follow_the_specification(void **state)
{
    (void)state;
    static const char *const sizes[] = {"2KiB", "32KiB", "16MiB", "32GiB", "64GiB"};
    slk_diag_t diag;
    for (size_t i = 0; i < 2 * SLK_COUNT(sizes); i++) {
        slk_node_t id = test_bytes32("some porep_id");
        slk_porep_t porep;
        slk_graph_t *graph;
        slk_porep_custom(&porep, slk_size_by_name(sizes[i / 2]),
                         i % 2 ? SLK_API_V1_0 : SLK_API_V1_1, SLK_FEATURE_NONE, id.b);
        assert_ok(slk_graph_new(&graph, &porep, &diag), diag);
        uint64_t nodes = porep.size->nodes;
        for (size_t b = 0; b < SLK_COUNT(back_ends); b++) {
            if (!slk_cpu_has(back_ends[b])) {
                print_message("not run: %s, this CPU lacks it\n", slk_cpu_name(back_ends[b]));
                continue;
            }
            assert_ok(slk_cpu_select(slk_cpu_name(back_ends[b]), &diag), diag);
            check_range(graph, 0, 64);
            check_range(graph, 1, 63);
            check_range(graph, nodes - 3, 3);
            check_range(graph, nodes, 0);
            for (unsigned bits = 7; UINT64_C(1) << bits < 5 * nodes; bits++) {
                uint64_t change = (UINT64_C(1) << bits) / 5;
                check_range(graph, change - 1, 4);
            }
            check_range(graph, nodes / 5, nodes < 1000 ? 7 : 199);
        }
        slk_graph_free(graph);
    }
    assert_ok(slk_cpu_select("auto", &diag), diag);
}

static void remainders_are_exact(void **state)
{
    (void)state;
    static const uint64_t near[] = {0, 1, 2, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
    for (uint64_t bits = 0; bits < 64; bits++) {
        for (int step = -2; step <= 2; step++) {
            uint64_t m = (UINT64_C(1) << bits) + (uint64_t)step;
            if (!m || m > UINT64_C(1) << 63)
                continue;
            uint64_t recip = UINT64_MAX / m, x = 88172645463325252;
            for (unsigned i = 0; i < 400; i++) {
                x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                uint64_t try = i < 6 ? near[i] : i < 100 ? x / m * m - i % 2 : x;
                assert_int_equal(slk_mod(try, m, recip), try % m);
            }
        }
    }
}

static void bench(void)
{
    static const int ids[] = {5, 6, 8, 9};
    enum { ROWS = 4096 };
    uint32_t(*rows)[SLK_PARENT_CNT] = calloc(ROWS, sizeof *rows);
    slk_diag_t diag;
    for (size_t i = 0; i < SLK_COUNT(ids); i++) {
        slk_graph_t *graph = graph_of(ids[i]);
        uint64_t nodes = graph->porep.size->nodes, cnt = nodes < ROWS ? nodes : ROWS;
        for (size_t b = 0; b < SLK_COUNT(back_ends); b++) {
            if (slk_cpu_select(slk_cpu_name(back_ends[b]), &diag) != SLK_OK)
                continue;
            double best = 1;
            for (uint64_t rep = 0; rep < 200; rep++) {
                double start = slk_clock_seconds();
                slk_graph_parents(graph, (nodes - cnt) / 200 * rep, cnt, rows);
                double took = (slk_clock_seconds() - start) / (double)cnt;
                best = took < best ? took : best;
            }
            printf("%-7s %-9s %5.1f ns a node\n", graph->porep.size->name,
                   slk_cpu_name(back_ends[b]), best * 1e9);
        }
        slk_graph_free(graph);
    }
    free(rows);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bench") == 0) {
        bench();
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds),
        cmocka_unit_test(permutation),
        cmocka_unit_test(parents),
        cmocka_unit_test(parents_follow_the_specification),
        cmocka_unit_test(remainders_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
