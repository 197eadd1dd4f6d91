#include "codec/ipld/hamt.h"
#include "codec/ipld/test_tree.h"

static slk_memory_store_t *memory;
static slk_blockstore_t blocks;
static slk_diag_t diag;

static int set_up(void **state)
{
    (void)state;
    memory = slk_memory_store_new();
    assert_non_null(memory);
    blocks = slk_memory_store_blocks(memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    slk_memory_store_free(memory);
    return 0;
}

static slk_hamt_t *make(unsigned bit_width)
{
    slk_hamt_t *hamt;
    assert_ok(slk_hamt_new(&hamt, &blocks, bit_width), diag);
    return hamt;
}

static slk_hamt_t *load(unsigned bit_width, slk_cid_t root)
{
    slk_hamt_t *hamt;
    assert_ok(slk_hamt_load(&hamt, &blocks, bit_width, &root, &diag), diag);
    return hamt;
}

static void set(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t value)
{
    assert_ok(slk_hamt_set(hamt, key, value, &diag), diag);
}

static void unset(slk_hamt_t *hamt, slk_bytes_t key, bool want)
{
    bool found;
    assert_ok(slk_hamt_delete(hamt, key, &found, &diag), diag);
    assert_int_equal(found, want);
}

static void assert_value(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t want)
{
    slk_bytes_t value;
    assert_ok(slk_hamt_get(hamt, &value, key, &diag), diag);
    assert_int_equal(value.len, want.len);
    if (want.len)
        assert_memory_equal(value.b, want.b, want.len);
}

static slk_cid_t flush(slk_hamt_t *hamt)
{
    slk_cid_t root;
    assert_ok(slk_hamt_flush(hamt, &root, &diag), diag);
    return root;
}

static void assert_root(slk_hamt_t *hamt, const char *want)
{
    slk_cid_t root = flush(hamt);
    assert_cid(&root, want);
}

static slk_bytes_t text(const char *s)
{
    return (slk_bytes_t){(const uint8_t *)s, strlen(s)};
}

/* --- Known answers ---------------------------------------------------------------------------- */

static void recorded_roots(void **state)
{
    (void)state;
    json_t *list = test_vectors("ipld/roots.json");
    size_t i, k, trees = 0;
    json_t *tree, *entry;
    json_array_foreach(list, i, tree)
    {
        if (strcmp(json_string_value(json_object_get(tree, "kind")), "hamt") != 0)
            continue;
        slk_hamt_t *hamt = make((unsigned)json_integer_value(json_object_get(tree, "bit_width")));
        json_array_foreach(json_object_get(tree, "entries"), k, entry)
        {
            uint8_t key[64], value[1024];
            set(hamt, tree_hex(key, sizeof key, json_string_value(json_array_get(entry, 0))),
                tree_hex(value, sizeof value, json_string_value(json_array_get(entry, 1))));
        }
        slk_cid_t root = flush(hamt);
        const char *want = json_string_value(json_object_get(tree, "root"));
        if (strcmp(slk_cid_text(&root).s, want) != 0)
            fail_msg("%s: %s, expected %s", json_string_value(json_object_get(tree, "note")),
                     slk_cid_text(&root).s, want);
        slk_hamt_free(hamt);
        trees++;
    }
    assert_int_equal(trees, 5);
    json_decref(list);
}

/* A decimal number as text, and as CBOR bytes of that text. */
typedef struct {
    char text[24];
    tree_room_t room;
    slk_bytes_t key, value;
} decimal_t;

static void decimal(decimal_t *d, unsigned n)
{
    int len = snprintf(d->text, sizeof d->text, "%u", n);
    d->key = (slk_bytes_t){(const uint8_t *)d->text, (size_t)len};
    d->value = tree_bytes(&d->room, d->key.b, d->key.len);
}

/* Roots in the tests of ref-fvm, ipld/hamt/tests/hamt_tests.rs (Apache-2.0 and MIT). Bit width 8
 * where nothing else is said. */
static void published_roots(void **state)
{
    (void)state;
    slk_hamt_t *hamt = make(8);
    assert_root(hamt, "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
    bool added;
    slk_bytes_t animal = text("favorite-animal");
    assert_ok(slk_hamt_set_if_absent(hamt, animal, TREE_BYTES("owl bear"), &added, &diag), diag);
    assert_true(added);
    assert_ok(slk_hamt_set_if_absent(hamt, animal, TREE_BYTES("bright green bear"), &added, &diag),
              diag);
    assert_false(added);
    assert_root(hamt, "bafy2bzaced2tgnlsq4n2ioe6ldy75fw3vlrrkyfv4bq6didbwoob2552zvpuk");
    slk_hamt_free(hamt);

    hamt = make(8);
    set(hamt, text("foo"), TREE_BYTES("cat dog bear"));
    set(hamt, text("bar"), TREE_BYTES("cat dog"));
    set(hamt, text("baz"), TREE_BYTES("cat"));
    slk_cid_t root = flush(hamt);
    assert_cid(&root, "bafy2bzacebql36crv4odvxzstx2ubaczmawy2tlljxezvorcsoqeyyojxkrom");
    slk_hamt_free(hamt);
    hamt = load(8, root);
    unset(hamt, text("foo"), true);
    unset(hamt, text("nonexistent"), false);
    assert_root(hamt, "bafy2bzaced7up7wkm7cirieh5bs4iyula5inrprihmjzozmku3ywvekzzmlyi");
    slk_hamt_free(hamt);

    hamt = make(8);
    set(hamt, (slk_bytes_t){(const uint8_t *)"", 1}, TREE_BYTES("Test data"));
    assert_root(hamt, "bafy2bzaceb2hikcc6tfuuuuehjstbiq356oruwx6ejyse77zupq445unranv6");
    slk_hamt_free(hamt);

    hamt = make(1);
    decimal_t d;
    for (unsigned i = 0; i < 30; i++) {
        decimal(&d, i);
        set(hamt, d.key, TREE_BYTES("filler"));
    }
    assert_root(hamt, "bafy2bzacebjilcrsqa4uyxuh36gllup4rlgnvwgeywdm5yqq2ks4jrsj756qq");
    set(hamt, animal, TREE_BYTES("bright green bear"));
    assert_root(hamt, "bafy2bzacea7biyabzk7v7le2rrlec5tesjbdnymh5sk4lfprxibg4rtudwtku");
    slk_hamt_free(hamt);
}

static void published_deletions(void **state)
{
    (void)state;
    decimal_t d;
    slk_hamt_t *hamt = make(5);
    for (unsigned i = 0; i < 400; i++) {
        if (i == 200)
            assert_root(hamt, "bafy2bzaceczhz54xmmz3xqnbmvxfbaty3qprr6dq7xh5vzwqbirlsnbd36z7a");
        decimal(&d, i);
        set(hamt, d.key, d.value);
    }
    assert_root(hamt, "bafy2bzacecxcp736xkl2mcyjlors3tug6vdlbispbzxvb75xlrhthiw2xwxvw");
    for (unsigned i = 200; i < 400; i++) {
        decimal(&d, i);
        unset(hamt, d.key, true);
    }
    assert_root(hamt, "bafy2bzaceczhz54xmmz3xqnbmvxfbaty3qprr6dq7xh5vzwqbirlsnbd36z7a");
    for (unsigned i = 0; i < 200; i++) {
        decimal(&d, i);
        assert_value(hamt, d.key, d.value);
        unset(hamt, d.key, true);
    }
    assert_true(slk_hamt_is_empty(hamt));
    assert_root(hamt, "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
    slk_hamt_free(hamt);

    /* Keys whose order in a bucket differs from that of their hashes. */
    hamt = make(5);
    slk_hamt_key_room_t room;
    for (uint64_t i = 100; i < 195; i++)
        set(hamt, slk_hamt_key_uint(&room, i), (slk_bytes_t){(const uint8_t[]){0x18, 42}, 2});
    slk_cid_t root = flush(hamt);
    assert_cid(&root, "bafy2bzacebqox3gtng4ytexyacr6zmaliyins3llnhbnfbcrqmhzuhmuuawqk");
    slk_hamt_free(hamt);
    hamt = load(5, root);
    unset(hamt, slk_hamt_key_uint(&room, 104), true);
    unset(hamt, slk_hamt_key_uint(&room, 108), true);
    assert_root(hamt, "bafy2bzacedlyeuub3mo4aweqs7zyxrbldsq2u4a2taswubudgupglu2j4eru6");
    slk_hamt_free(hamt);
}

static void keys(void **state)
{
    (void)state;
    slk_hamt_key_room_t room;
    static const struct {
        int64_t value;
        const char *hex;
    } ints[] = {{0, "00"},
                {-1, "01"},
                {1, "02"},
                {101, "ca01"},
                {-64, "7f"},
                {64, "8001"},
                {INT64_MAX, "feffffffffffffffff01"},
                {INT64_MIN, "ffffffffffffffffff01"}};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        slk_bytes_t key = slk_hamt_key_int(&room, ints[i].value);
        char hex[24];
        slk_hex_encode(hex, key.b, key.len);
        assert_string_equal(hex, ints[i].hex);
        int64_t back;
        assert_true(slk_hamt_int_of_key(&back, key));
        assert_true(back == ints[i].value);
    }
    uint64_t value;
    assert_true(slk_hamt_uint_of_key(&value, slk_hamt_key_uint(&room, UINT64_MAX)));
    assert_true(value == UINT64_MAX);
    static const char *const wrong[] = {
        "", "80", "8000", "0100", "ffffffffffffffffff02", "8080808080808080808001"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bytes[16];
        assert_false(slk_hamt_uint_of_key(&value, tree_hex(bytes, sizeof bytes, wrong[i])));
    }
}

/* --- Against a plain model -------------------------------------------------------------------- */

#define MODEL_SZ 500

typedef struct {
    const uint64_t *values;
    bool seen[MODEL_SZ];
    unsigned count;
} model_walk_t;

static slk_err_t see(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop, slk_diag_t *d)
{
    (void)stop;
    (void)d;
    model_walk_t *walk = ctx;
    uint64_t index, got;
    assert_true(slk_hamt_uint_of_key(&index, key));
    slk_cbor_t r = slk_cbor_reader(value.b, value.len, NULL);
    assert_ok(slk_cbor_uint(&r, &got), diag);
    assert_true(index < MODEL_SZ && !walk->seen[index]);
    assert_int_equal(got, walk->values[index]);
    walk->seen[index] = true;
    walk->count++;
    return SLK_OK;
}

static void check_model(slk_hamt_t *hamt, const uint64_t *values)
{
    unsigned want = 0;
    for (unsigned i = 0; i < MODEL_SZ; i++)
        want += values[i] != 0;
    model_walk_t walk = {.values = values};
    assert_ok(slk_hamt_foreach(hamt, see, &walk, &diag), diag);
    assert_int_equal(walk.count, want);
}

static slk_bytes_t number(slk_buf_t *buf, uint64_t v)
{
    slk_buf_clear(buf);
    slk_cbor_put_uint(buf, v);
    return (slk_bytes_t){buf->bytes, buf->len};
}

static slk_cid_t afresh(unsigned bit_width, const uint64_t *values)
{
    slk_hamt_t *hamt = make(bit_width);
    slk_hamt_key_room_t room;
    slk_buf_t buf = {0};
    for (unsigned i = MODEL_SZ; i-- > 0;)
        if (values[i])
            set(hamt, slk_hamt_key_uint(&room, i), number(&buf, values[i]));
    slk_cid_t root = flush(hamt);
    slk_buf_free(&buf);
    slk_hamt_free(hamt);
    return root;
}

static void one_model(unsigned bit_width, uint64_t seed)
{
    uint64_t values[MODEL_SZ] = {0};
    slk_hamt_key_room_t room;
    slk_buf_t buf = {0};
    slk_hamt_t *hamt = make(bit_width);
    for (unsigned step = 1; step <= 2000; step++) {
        uint64_t r = tree_random(&seed);
        unsigned i = (unsigned)(r >> 8) % (step < 600 ? MODEL_SZ : MODEL_SZ / 3);
        bool sets = (r & 3) < (step < 600 ? 3 : step < 1200 ? 1 : 2);
        slk_bytes_t key = slk_hamt_key_uint(&room, i);
        if (sets) {
            values[i] = r >> 32 | 1;
            set(hamt, key, number(&buf, values[i]));
        } else {
            unset(hamt, key, values[i] != 0);
            values[i] = 0;
        }
        if (step % 250)
            continue;
        check_model(hamt, values);
        slk_cid_t root = flush(hamt), again = afresh(bit_width, values);
        assert_true(slk_cid_eq(&root, &again));
        if (step % 500 == 0) {
            slk_hamt_free(hamt);
            hamt = load(bit_width, root);
            check_model(hamt, values);
            for (unsigned k = 0; k < MODEL_SZ; k++)
                assert_value(hamt, slk_hamt_key_uint(&room, k),
                             values[k] ? number(&buf, values[k]) : (slk_bytes_t){0});
        }
    }
    for (unsigned i = 0; i < MODEL_SZ; i++)
        unset(hamt, slk_hamt_key_uint(&room, i), values[i] != 0);
    assert_root(hamt, "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
    slk_hamt_free(hamt);
    slk_buf_free(&buf);
}

static void any_order(void **state)
{
    (void)state;
    for (unsigned width = 1; width <= 8; width++)
        one_model(width, 4000 + width);
}

/* --- Trees that are not ones ------------------------------------------------------------------ */

static void refused(unsigned bit_width, const char *hex, const char *sentence)
{
    uint8_t room[256];
    slk_cid_t root = tree_put(memory, tree_hex(room, sizeof room, hex));
    slk_hamt_t *hamt;
    assert_err(SLK_ERR_FORMAT, slk_hamt_load(&hamt, &blocks, bit_width, &root, &diag));
    if (!strstr(diag.text, sentence))
        fail_msg("%s: %s", hex, diag.text);
}

static void malformed_roots(void **state)
{
    (void)state;
    refused(5, "83408000", "array of 3");
    refused(5, "82410080", "begins with zeros");
    refused(5, "82410180", "0 pointers, but the bitmap has 1 bits");
    refused(5, "8240818182410005", "1 pointers, but the bitmap has 0 bits");
    refused(5, "82450100000000818182410005", "bit 32 of the bitmap");
    refused(5, "8241018180", "a bucket of 0");
    refused(5, "824101818482410001824101018241020182410301", "a bucket of 4");
    refused(5, "82410181828241010182410001", "do not ascend");
    refused(5, "82410181828241010182410101", "do not ascend");
    refused(5, "82410181818241010000", "follow the end");
    refused(5,
            "82410181d82a5827000155a0e40220"
            "0000000000000000000000000000000000000000000000000000000000000000",
            "not to dag-cbor");
}

/* Chains of nodes with one link each: longer than a hash has bits for, or ending in too few
 * entries. */
static void long_chains(void **state)
{
    (void)state;
    uint8_t room[64];
    slk_cid_t below = tree_put(memory, tree_hex(room, sizeof room, "8241038281824100018182410101"));
    slk_buf_t buf = {0};
    for (unsigned depth = 0; depth < 60; depth++) {
        slk_buf_clear(&buf);
        slk_cbor_put_array(&buf, 2);
        slk_cbor_put_bytes(&buf, "\x01", 1);
        slk_cbor_put_array(&buf, 1);
        slk_cbor_put_cid(&buf, &below);
        below = tree_put(memory, (slk_bytes_t){buf.bytes, buf.len});
        slk_hamt_t *hamt = load(5, below);
        model_walk_t walk = {0};
        assert_err(SLK_ERR_FORMAT, slk_hamt_foreach(hamt, see, &walk, &diag));
        if (depth + 1 > 52) /* levels of 5 bits */
            assert_non_null(strstr(diag.text, "more than a hash has bits for"));
        else
            assert_non_null(strstr(diag.text, "would fit in a bucket"));
        slk_hamt_free(hamt);
    }
    slk_buf_free(&buf);
}

static void missing_block(void **state)
{
    (void)state;
    decimal_t d;
    slk_hamt_t *hamt = make(5);
    for (unsigned i = 0; i < 300; i++) {
        decimal(&d, i);
        set(hamt, d.key, d.value);
    }
    slk_cid_t root = flush(hamt);
    slk_hamt_free(hamt);
    slk_memory_store_t *poor = slk_memory_store_new();
    slk_blockstore_t few = slk_memory_store_blocks(poor);
    uint8_t *bytes;
    size_t len;
    assert_ok(slk_block_get(&blocks, &bytes, &len, &root, &diag), diag);
    tree_put(poor, (slk_bytes_t){bytes, len});
    free(bytes);
    assert_ok(slk_hamt_load(&hamt, &few, 5, &root, &diag), diag);
    decimal(&d, 17);
    slk_bytes_t value;
    bool found, has;
    assert_err(SLK_ERR_NOTFOUND, slk_hamt_get(hamt, &value, d.key, &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_hamt_set(hamt, d.key, d.value, &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_hamt_delete(hamt, d.key, &found, &diag));
    slk_cid_t again = flush(hamt);
    assert_true(slk_cid_eq(&again, &root));
    assert_ok(slk_block_has(&few, &has, &root, &diag), diag);
    assert_true(has);
    root.b[37] ^= 1;
    few.has = NULL;
    assert_ok(slk_block_has(&few, &has, &root, &diag), diag);
    assert_false(has);
    slk_hamt_free(hamt);
    slk_memory_store_free(poor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recorded_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_deletions, set_up, tear_down),
        cmocka_unit_test(keys),
        cmocka_unit_test_setup_teardown(any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_chains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_block, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
