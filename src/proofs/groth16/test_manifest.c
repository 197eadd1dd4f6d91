/* Lists of parameter files, and digests beside them. */
#include "proofs/groth16/manifest.h"
#include "proofs/groth16/params.h"
#include "test_util.h"

static void test_published(void **state)
{
    (void)state;
    slk_manifest_t list;
    slk_diag_t diag = {""};
    assert_ok(slk_manifest_published(&list, &diag), diag);
    assert_int_equal(list.cnt, 45);
    const slk_size_t *size;
    unsigned found = 0;
    for (unsigned i = 0; (size = slk_size_at(i)); i++) {
        for (int kind = 0; size->published && kind < SLK_CIRCUIT_CNT; kind++) {
            char id[SLK_CACHE_ID_SZ], name[SLK_MANIFEST_NAME_SZ];
            slk_circuit_cache_id(id, (slk_circuit_kind_t)kind, size);
            const char *const kinds[] = {"params", "vk"};
            for (size_t k = 0; k < 2; k++) {
                snprintf(name, sizeof name, "v28-%s.%s", id, kinds[k]);
                const slk_manifest_row_t *row = slk_manifest_find(&list, name);
                assert_non_null(row);
                assert_string_equal(row->circuit, slk_circuit_name((slk_circuit_kind_t)kind));
                assert_ptr_equal(row->size, size);
                found++;
            }
        }
    }
    assert_true(found >= 30);
    for (size_t i = 0; i < list.cnt; i++) {
        assert_true(slk_params_name_valid(list.rows[i].name));
        assert_ptr_equal(slk_manifest_find(&list, list.rows[i].name), &list.rows[i]);
        assert_int_equal(strlen(list.rows[i].cid), 46);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(list.rows[i].cid, list.rows[k].cid);
            assert_memory_not_equal(list.rows[i].digest, list.rows[k].digest, 16);
        }
    }
    assert_null(slk_manifest_find(&list, "v28-none.vk"));
    slk_manifest_fini(&list);
}

#define CID    "\"cid\":\"QmWceMgnWYLopMuM4AoGMvGEau7tNe5UK83XFjH5V9B17h\""
#define DIGEST "\"digest\":\"434fb1338ecfaf0f59256f30dde4968f\""

static void test_parse(void **state)
{
    (void)state;
    static const char good[] = "{\"v28-a.params\":{" CID "," DIGEST ",\"sector_size\":2048},"
                               "\"v28-b.vk\":{" CID "," DIGEST ",\"bytes\":17,\"other\":null}}";
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{",
        "{\"a.vk\":3}",
        "{\"a.vk\":{" CID "}}",
        "{\"a.vk\":{" DIGEST "}}",
        "{\"a.vk\":{" CID ",\"digest\":\"434f\"}}",
        "{\"a.vk\":{" CID ",\"digest\":\"434fb1338ecfaf0f59256f30dde4968g\"}}",
        "{\"a.vk\":{\"cid\":\"\"," DIGEST "}}",
        "{\"a.vk\":{\"cid\":\"Qm/../x\"," DIGEST "}}",
        "{\"a.vk\":{\"cid\":\"Qm?x=1\"," DIGEST "}}",
        "{\"a.vk\":{" CID "," DIGEST ",\"bytes\":-1}}",
        "{\"a.vk\":{" CID "," DIGEST ",\"bytes\":99999999999999}}",
        "{\"a.vk\":{" CID "," DIGEST ",\"sector_size\":\"2KiB\"}}",
        "{\"a.vk\":{" CID "," DIGEST "},\"a.vk\":{" CID "," DIGEST "}}",
        "{\"../a.vk\":{" CID "," DIGEST "}}",
        "{\"/etc/a.vk\":{" CID "," DIGEST "}}",
        "{\"b/a.vk\":{" CID "," DIGEST "}}",
        "{\".vk\":{" CID "," DIGEST "}}",
        "{\"..vk\":{" CID "," DIGEST "}}",
        "{\"a.b2sum\":{" CID "," DIGEST "}}",
        "{\"a\":{" CID "," DIGEST "}}",
        "{\"a\\u0000.vk\":{" CID "," DIGEST "}}",
        "{\"a b.vk\":{" CID "," DIGEST "}}",
    };
    slk_manifest_t list;
    slk_diag_t diag = {""};
    assert_ok(slk_manifest_parse(&list, good, strlen(good), "good", &diag), diag);
    assert_int_equal(list.cnt, 2);
    const slk_manifest_row_t *row = slk_manifest_find(&list, "v28-a.params");
    assert_int_equal(row->digest[0], 0x43);
    assert_string_equal(row->size->name, "2KiB");
    assert_null(row->circuit);
    assert_true(row->len == UINT64_MAX);
    assert_int_equal(slk_manifest_find(&list, "v28-b.vk")->len, 17);
    slk_manifest_fini(&list);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (slk_manifest_parse(&list, bad[i], strlen(bad[i]), "bad", &diag) != SLK_ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(diag.text, "bad"));
    }
    char *huge = calloc(1, SLK_MANIFEST_MAX + 1);
    assert_err(SLK_ERR_LENGTH,
               slk_manifest_parse(&list, huge, SLK_MANIFEST_MAX + 1, "huge", &diag));
    free(huge);
}

static void test_circuit(void **state)
{
    (void)state;
    const char *circuit;
    const slk_size_t *size;
    char id[SLK_CACHE_ID_SZ], name[SLK_MANIFEST_NAME_SZ];
    slk_circuit_cache_id(id, SLK_CIRCUIT_WINDOW, slk_size_by_name("4KiB")); /* not published */
    snprintf(name, sizeof name, "v28-%s.params", id);
    slk_params_name_circuit(&circuit, &size, name);
    assert_string_equal(circuit, "window");
    assert_string_equal(size->name, "4KiB");
    slk_params_name_circuit(&circuit, &size, "v28-fil-inner-product-v1.srs");
    assert_string_equal(circuit, "aggregation");
    assert_null(size);
    slk_params_name_circuit(&circuit, &size, "v27-x.params");
    assert_null(circuit);
}

static void test_b2sum(void **state)
{
    (void)state;
    char text[700], one[129], two[129];
    uint8_t out[64];
    memset(one, '1', 128), memset(two, '2', 128);
    one[128] = two[128] = 0;
    int len = snprintf(text, sizeof text, "%s  a.params\nrubbish\n\n%s *a.vk", one, two);
    assert_true(slk_b2sum_find(out, text, (size_t)len, "a.params"));
    assert_int_equal(out[63], 0x11);
    assert_true(slk_b2sum_find(out, text, (size_t)len, "a.vk"));
    assert_int_equal(out[0], 0x22);
    assert_false(slk_b2sum_find(out, text, (size_t)len - 1, "a.vk"));
    assert_false(slk_b2sum_find(out, text, (size_t)len, "b.vk"));
    assert_false(slk_b2sum_find(out, text, (size_t)len, ".params"));
    assert_false(slk_b2sum_find(out, text, 0, "a.vk"));
    text[5] = 'x';
    assert_false(slk_b2sum_find(out, text, (size_t)len, "a.params"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_circuit),
        cmocka_unit_test(test_b2sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
