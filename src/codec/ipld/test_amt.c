#include "codec/ipld/amt.h"
#include "codec/ipld/test_tree.h"

#include <time.h>

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

static slk_amt_t *make(slk_amt_version_t version, unsigned bit_width)
{
    slk_amt_t *amt;
    assert_ok(slk_amt_new(&amt, &blocks, version, bit_width), diag);
    return amt;
}

static void set(slk_amt_t *amt, uint64_t index, slk_bytes_t value)
{
    assert_ok(slk_amt_set(amt, index, value, &diag), diag);
}

static void unset(slk_amt_t *amt, uint64_t index, bool want)
{
    bool found;
    assert_ok(slk_amt_delete(amt, index, &found, &diag), diag);
    assert_int_equal(found, want);
}

static void assert_value(slk_amt_t *amt, uint64_t index, slk_bytes_t want)
{
    slk_bytes_t value;
    assert_ok(slk_amt_get(amt, &value, index, &diag), diag);
    assert_int_equal(value.len, want.len);
    if (want.len)
        assert_memory_equal(value.b, want.b, want.len);
}

static slk_cid_t flush(slk_amt_t *amt)
{
    slk_cid_t root;
    assert_ok(slk_amt_flush(amt, &root, &diag), diag);
    return root;
}

static void assert_root(slk_amt_t *amt, const char *want)
{
    slk_cid_t root = flush(amt);
    assert_cid(&root, want);
}

static slk_amt_t *load(slk_amt_version_t version, unsigned bit_width, slk_cid_t root)
{
    slk_amt_t *amt;
    assert_ok(slk_amt_load(&amt, &blocks, version, bit_width, &root, &diag), diag);
    return amt;
}

/* --- Known answers ---------------------------------------------------------------------------- */

/* Trees of a recorded chain. */
static void recorded_roots(void **state)
{
    (void)state;
    json_t *list = test_vectors("ipld/roots.json");
    size_t i, k, trees = 0;
    json_t *tree, *entry;
    json_array_foreach(list, i, tree)
    {
        if (strcmp(json_string_value(json_object_get(tree, "kind")), "amt") != 0)
            continue;
        slk_amt_version_t version =
            json_integer_value(json_object_get(tree, "version")) ? SLK_AMT_V3 : SLK_AMT_V0;
        unsigned width = (unsigned)json_integer_value(json_object_get(tree, "bit_width"));
        slk_amt_t *amt = make(version, width);
        json_array_foreach(json_object_get(tree, "entries"), k, entry)
        {
            uint8_t room[1024];
            set(amt, (uint64_t)json_integer_value(json_array_get(entry, 0)),
                tree_hex(room, sizeof room, json_string_value(json_array_get(entry, 1))));
        }
        slk_cid_t root = flush(amt);
        const char *want = json_string_value(json_object_get(tree, "root"));
        if (strcmp(slk_cid_text(&root).s, want) != 0)
            fail_msg("%s: %s, expected %s", json_string_value(json_object_get(tree, "note")),
                     slk_cid_text(&root).s, want);
        slk_amt_free(amt);
        trees++;
    }
    assert_true(trees > 10);
    json_decref(list);
}

/* Roots in the tests of ref-fvm, ipld/amt/tests/amt_tests.rs (Apache-2.0 and MIT); bit width 3. */
static void published_roots(void **state)
{
    (void)state;
    slk_bytes_t foo = TREE_BYTES("foo"), cat = TREE_BYTES("cat"), dog = TREE_BYTES("dog");
    slk_amt_t *amt = make(SLK_AMT_V3, 3);
    assert_root(amt, "bafy2bzacedijw74yui7otvo63nfl3hdq2vdzuy7wx2tnptwed6zml4vvz7wee");
    set(amt, 100000, foo);
    unset(amt, 100000, true);
    assert_root(amt, "bafy2bzacedijw74yui7otvo63nfl3hdq2vdzuy7wx2tnptwed6zml4vvz7wee");
    set(amt, 2, foo);
    assert_root(amt, "bafy2bzacedv5uu5za6oqtnozjvju5lhbgaybayzhw4txiojw7hd47ktgbv5wc");
    set(amt, 11, TREE_BYTES("bar"));
    set(amt, 79, TREE_BYTES("baz"));
    assert_root(amt, "bafy2bzacecughjbclx3lbqwibrwc6pe7nttlc3qewedsrayghsvh5j5lpofiq");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V0, 3);
    set(amt, 2, foo);
    assert_root(amt, "bafy2bzaceansvim5z2rzifilsbzsjuoul2adx7iad7x3b4paj3qsexqf6ovxk");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    slk_bytes_t up = TREE_BYTES("what is up");
    set(amt, SLK_AMT_INDEX_MAX, up);
    assert_int_equal(slk_amt_height(amt), 21);
    assert_err(SLK_ERR_INPUT, slk_amt_set(amt, SLK_AMT_INDEX_MAX + 1, up, &diag));
    set(amt, SLK_AMT_INDEX_MAX - 1, up);
    assert_root(amt, "bafy2bzacecl3zuubhdvkojg6uhbu4mebaehx554q6algfjitqiivvnrqprkxo");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    for (uint64_t i = 0; i < 4; i++)
        set(amt, i, cat);
    unset(amt, 1, true);
    unset(amt, 1, false);
    assert_int_equal(slk_amt_count(amt), 3);
    unset(amt, 0, true);
    unset(amt, 2, true);
    unset(amt, 3, true);
    set(amt, 23, dog);
    set(amt, 24, dog);
    unset(amt, 23, true);
    assert_root(amt, "bafy2bzacebnnxpurpb3zqqr22i7ch4uruz6hgykn3ryzoo4hh3ox2m2kufsvg");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    set(amt, 0, cat);
    set(amt, 27, cat);
    assert_int_equal(slk_amt_height(amt), 1);
    unset(amt, 27, true);
    assert_root(amt, "bafy2bzacecmxrjeri2ojuy3riae2mpbnztx2hqggqgkcrxao2nwpga77j2vqe");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    set(amt, 1, TREE_BYTES("thing"));
    set(amt, 37, TREE_BYTES("other"));
    slk_cid_t root = flush(amt);
    slk_amt_free(amt);
    amt = load(SLK_AMT_V3, 3, root);
    unset(amt, 37, true);
    assert_int_equal(slk_amt_height(amt), 0);
    assert_root(amt, "bafy2bzacebmkyah6kppbszluix3g332hntzx6wfdcqcr5hjdsaxri5jhgrdmo");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    for (uint64_t i = 0; i < 5000; i++)
        set(amt, i, TREE_BYTES("foo foo bar"));
    assert_root(amt, "bafy2bzacecfquuqzqzlox25aynodzw2qhxijdzfvno6tibyes3kb6nd3f7uxa");
    slk_amt_free(amt);

    amt = make(SLK_AMT_V3, 3);
    for (uint64_t i = 2; i < 10000; i += 3)
        set(amt, i, TREE_BYTES("value"));
    assert_root(amt, "bafy2bzaceanqxtbsuyhqgxubiq6vshtbhktmzp2if4g6kxzttxmzkdxmtipcm");
    slk_amt_free(amt);
}

/* --- Against a plain model -------------------------------------------------------------------- */

#define MODEL_SZ 600

typedef struct {
    uint64_t next; /* where the model is to be asked next */
    const uint64_t *values;
    uint64_t spread;
    unsigned seen;
} model_walk_t;

static slk_err_t see(void *ctx, uint64_t index, slk_bytes_t value, bool *stop, slk_diag_t *d)
{
    (void)stop;
    (void)d;
    model_walk_t *walk = ctx;
    while (walk->values[walk->next] == 0)
        walk->next++;
    assert_int_equal(index, walk->next * walk->spread);
    slk_cbor_t r = slk_cbor_reader(value.b, value.len, NULL);
    uint64_t got;
    assert_ok(slk_cbor_uint(&r, &got), diag);
    assert_int_equal(got, walk->values[walk->next]);
    walk->next++;
    walk->seen++;
    return SLK_OK;
}

static void check_model(slk_amt_t *amt, const uint64_t *values, uint64_t spread, uint64_t from)
{
    unsigned want = 0, first = MODEL_SZ;
    for (unsigned i = MODEL_SZ; i-- > 0;) {
        want += i >= from && values[i];
        first = values[i] ? i : first;
    }
    model_walk_t walk = {from, values, spread, 0};
    assert_ok(slk_amt_foreach(amt, from * spread, see, &walk, &diag), diag);
    assert_int_equal(walk.seen, want);
    uint64_t index;
    bool found;
    assert_ok(slk_amt_first(amt, &index, &found, &diag), diag);
    assert_int_equal(found, first < MODEL_SZ);
    if (found)
        assert_int_equal(index, first * spread);
}

static slk_bytes_t number(slk_buf_t *buf, uint64_t v)
{
    slk_buf_clear(buf);
    slk_cbor_put_uint(buf, v);
    return (slk_bytes_t){buf->bytes, buf->len};
}

/* A tree with the model's values, set from the highest index down. */
static slk_cid_t afresh(slk_amt_version_t version, unsigned bit_width, const uint64_t *values,
                        uint64_t spread)
{
    slk_amt_t *amt = make(version, bit_width);
    slk_buf_t buf = {0};
    for (unsigned i = MODEL_SZ; i-- > 0;)
        if (values[i])
            set(amt, i * spread, number(&buf, values[i]));
    slk_cid_t root = flush(amt);
    slk_buf_free(&buf);
    slk_amt_free(amt);
    return root;
}

static void one_model(slk_amt_version_t version, unsigned bit_width, uint64_t spread, uint64_t seed)
{
    uint64_t values[MODEL_SZ] = {0};
    unsigned count = 0;
    slk_buf_t buf = {0};
    slk_amt_t *amt = make(version, bit_width);
    for (unsigned step = 1; step <= 1500; step++) {
        uint64_t r = tree_random(&seed);
        unsigned i = (unsigned)(r >> 8) % (step < 500 ? MODEL_SZ : MODEL_SZ / 4);
        /* First mostly sets, then mostly deletions, then anything. */
        bool sets = (r & 3) < (step < 500 ? 3 : step < 1000 ? 1 : 2);
        if (sets) {
            count += values[i] == 0;
            values[i] = r >> 32 | 1;
            set(amt, i * spread, number(&buf, values[i]));
        } else {
            unset(amt, i * spread, values[i] != 0);
            count -= values[i] != 0;
            values[i] = 0;
        }
        assert_int_equal(slk_amt_count(amt), count);
        if (step % 250)
            continue;
        check_model(amt, values, spread, i);
        slk_cid_t root = flush(amt), again = afresh(version, bit_width, values, spread);
        assert_true(slk_cid_eq(&root, &again));
        check_model(amt, values, spread, 0);
        if (step % 500 == 0) {
            slk_amt_free(amt);
            amt = load(version, bit_width, root);
            check_model(amt, values, spread, i);
            for (unsigned k = 0; k < MODEL_SZ; k++)
                assert_value(amt, k * spread,
                             values[k] ? number(&buf, values[k]) : (slk_bytes_t){0});
        }
    }
    for (unsigned i = 0; i < MODEL_SZ; i++)
        unset(amt, i * spread, values[i] != 0);
    slk_amt_t *empty = make(version, bit_width);
    slk_cid_t root = flush(amt), nothing = flush(empty);
    assert_true(slk_cid_eq(&root, &nothing));
    slk_amt_free(empty);
    slk_amt_free(amt);
    slk_buf_free(&buf);
}

static void any_order(void **state)
{
    (void)state;
    one_model(SLK_AMT_V0, 3, 1, 77);
    for (unsigned width = 1; width <= 8; width += width < 3 ? 1 : 2) {
        one_model(SLK_AMT_V3, width, 1, 1000 + width);
        one_model(SLK_AMT_V3, width, 30408970127ULL << width, 2000 + width);
    }
}

static void batches(void **state)
{
    (void)state;
    slk_bytes_t values[] = {TREE_BYTES("a"), TREE_BYTES("b"), TREE_BYTES("c")};
    slk_amt_t *amt = make(SLK_AMT_V3, 5);
    assert_ok(slk_amt_set_batch(amt, 30, values, 3, &diag), diag);
    assert_value(amt, 32, values[2]);
    bool changed;
    assert_ok(slk_amt_delete_batch(amt, (uint64_t[]){5, 6}, 2, false, &changed, &diag), diag);
    assert_false(changed);
    assert_err(SLK_ERR_INPUT,
               slk_amt_delete_batch(amt, (uint64_t[]){30, 33}, 2, true, &changed, &diag));
    assert_true(changed);
    assert_int_equal(slk_amt_count(amt), 2);
    assert_err(SLK_ERR_INPUT, slk_amt_set_batch(amt, SLK_AMT_INDEX_MAX, values, 3, &diag));
    slk_amt_free(amt);
}

/* --- Trees that are not ones ------------------------------------------------------------------ */

static void refused(slk_amt_version_t version, unsigned bit_width, const char *hex,
                    const char *sentence)
{
    uint8_t room[256];
    slk_cid_t root = tree_put(memory, tree_hex(room, sizeof room, hex));
    slk_amt_t *amt;
    assert_err(SLK_ERR_FORMAT, slk_amt_load(&amt, &blocks, version, bit_width, &root, &diag));
    if (!strstr(diag.text, sentence))
        fail_msg("%s: %s", hex, diag.text);
}

static void malformed_roots(void **state)
{
    (void)state;
    refused(SLK_AMT_V3, 3, "840400008341008080", "bit width 4, expected 3");
    refused(SLK_AMT_V3, 3, "8300008341008080", "array of 3");
    refused(SLK_AMT_V3, 3, "840316008341008080", "height of 22");
    refused(SLK_AMT_V3, 3, "8403000983410180810a", "9 values do not fit");
    refused(SLK_AMT_V3, 3, "8403000083410180810a", "says 0 values over 1 slots");
    refused(SLK_AMT_V3, 3, "840300018341008080", "says 1 values over 0 slots");
    refused(SLK_AMT_V3, 3, "8403000183410380810a", "1 values in a leaf whose bitmap has 2 bits");
    refused(SLK_AMT_V3, 3, "840301018341008080", "empty");
    refused(SLK_AMT_V3, 3, "8403010183410180810a", "0 links in a node above the leaves");
    refused(SLK_AMT_V3, 3, "8403000183420001808101", "bytes");
    refused(SLK_AMT_V3, 2, "8402000183411080810a", "more than 4 bits");
    refused(SLK_AMT_V3, 3, "8403000183410180810a00", "follow the end");
    refused(SLK_AMT_V3, 3, "84030001834101808161", "cut off");
    refused(SLK_AMT_V0, 3, "8316008341008080", "height of 22");
    refused(SLK_AMT_V3, 3,
            "8403010183410181d82a5827000155a0e40220"
            "000000000000000000000000000000000000000000000000000000000000000080",
            "not to dag-cbor");
}

/* A root whose child is missing: errors, and the tree stays usable. */
static void missing_block(void **state)
{
    (void)state;
    slk_amt_t *amt = make(SLK_AMT_V3, 3);
    set(amt, 1, TREE_BYTES("a"));
    set(amt, 9, TREE_BYTES("b"));
    slk_cid_t root = flush(amt);
    slk_amt_free(amt);

    slk_memory_store_t *poor = slk_memory_store_new();
    slk_blockstore_t few = slk_memory_store_blocks(poor);
    uint8_t *bytes;
    size_t len;
    assert_ok(slk_block_get(&blocks, &bytes, &len, &root, &diag), diag);
    tree_put(poor, (slk_bytes_t){bytes, len});
    free(bytes);
    assert_ok(slk_amt_load(&amt, &few, SLK_AMT_V3, 3, &root, &diag), diag);
    slk_bytes_t value;
    bool found;
    assert_err(SLK_ERR_NOTFOUND, slk_amt_get(amt, &value, 1, &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_amt_set(amt, 10, TREE_BYTES("c"), &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_amt_delete(amt, 9, &found, &diag));
    assert_int_equal(slk_amt_count(amt), 2);
    set(amt, 17, TREE_BYTES("c"));
    unset(amt, 17, true);
    slk_cid_t again = flush(amt);
    assert_true(slk_cid_eq(&again, &root));
    slk_amt_free(amt);
    slk_memory_store_free(poor);
}

/* --- Cost ------------------------------------------------------------------------------------- */

static slk_err_t add_len(void *ctx, uint64_t index, slk_bytes_t value, bool *stop, slk_diag_t *d)
{
    (void)index;
    (void)stop;
    (void)d;
    *(size_t *)ctx += value.len;
    return SLK_OK;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 100,000 sectors: one change touches one path only. */
static void only_what_is_touched(void **state)
{
    (void)state;
    enum { SECTORS = 100000, INFO = 230 };
    uint8_t info[INFO + 2] = {0x58, INFO};
    slk_amt_t *amt = make(SLK_AMT_V3, 5);
    double t0 = seconds();
    for (uint64_t i = 0; i < SECTORS; i++) {
        memcpy(info + 2, &i, sizeof i);
        set(amt, i, (slk_bytes_t){info, sizeof info});
    }
    slk_cid_t root = flush(amt);
    double t1 = seconds();
    slk_amt_free(amt);

    slk_memory_store_stat_t before = slk_memory_store_stat(memory);
    amt = load(SLK_AMT_V3, 5, root);
    set(amt, 77777, (slk_bytes_t){info, sizeof info});
    flush(amt);
    slk_memory_store_stat_t after = slk_memory_store_stat(memory);
    assert_int_equal(after.get_cnt - before.get_cnt, 4);
    assert_int_equal(after.put_cnt - before.put_cnt, 4);

    size_t bytes = 0;
    double t2 = seconds();
    assert_ok(slk_amt_foreach(amt, 0, add_len, &bytes, &diag), diag);
    double t3 = seconds();
    assert_int_equal(bytes, SECTORS * sizeof info);
    print_message("100000 values: set and flush %.3f s, foreach %.3f s\n", t1 - t0, t3 - t2);
    slk_amt_free(amt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recorded_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_is_touched, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
