/* Blocks in memory and in the database: what is put is there, what is committed survives, and the cache keeps its
 * limit. */

#include "devnet/chain/block_db.h"

#include "test_util.h"

static char dir[64], path[128];
static slk_db_t *db;
static slk_block_db_t *blocks;

static void open_db(size_t cache)
{
    slk_diag_t diag;
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_ok(slk_block_db_new(&blocks, db, cache, &diag), diag);
}

static void close_db(void)
{
    slk_block_db_free(blocks);
    slk_db_close(db);
}

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    snprintf(path, sizeof path, "%s/chain.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

static size_t block_of(uint8_t out[512], unsigned n)
{
    memset(out, (int)n, 512);
    memcpy(out, &n, sizeof n);
    return 256 + n % 256;
}

static slk_cid_t put(unsigned n)
{
    uint8_t bytes[512];
    slk_diag_t diag;
    slk_cid_t cid;
    slk_blockstore_t store = slk_block_db_store(blocks);
    size_t len = block_of(bytes, n);
    assert_ok(slk_block_put(&store, &cid, bytes, len, &diag), diag);
    return cid;
}

static void assert_there(unsigned n, bool want)
{
    uint8_t bytes[512], *got = NULL;
    slk_diag_t diag;
    bool has;
    size_t len = block_of(bytes, n), got_len;
    slk_cid_t cid = slk_cid_of_cbor(bytes, len);
    slk_blockstore_t store = slk_block_db_store(blocks);
    slk_err_t err = slk_block_get(&store, &got, &got_len, &cid, &diag);
    assert_int_equal(err, want ? SLK_OK : SLK_ERR_NOTFOUND);
    if (want) {
        assert_int_equal(got_len, len);
        assert_memory_equal(got, bytes, len);
    }
    free(got);
    assert_ok(slk_block_has(&store, &has, &cid, &diag), diag);
    assert_int_equal(has, want);
}

static void put_and_committed(void **state)
{
    (void)state;
    slk_diag_t diag;
    open_db(1 << 20);
    for (unsigned n = 0; n < 3000; n++)
        put(n);
    assert_int_equal(slk_block_db_stat(blocks).pending_cnt, 3000);
    assert_there(77, true);
    assert_there(3000, false);
    assert_ok(slk_block_db_commit(blocks, NULL, NULL, &diag), diag);
    assert_int_equal(slk_block_db_stat(blocks).pending_cnt, 0);
    put(3001);
    assert_there(3001, true);
    close_db(); /* 3001 was not committed */
    open_db(20000);
    for (unsigned n = 0; n < 3000; n++)
        assert_there(n, true);
    assert_there(3001, false);
    slk_block_db_stat_t stat = slk_block_db_stat(blocks);
    assert_true(stat.cached_bytes <= 20000 && stat.cached_cnt > 10);
    assert_int_equal(stat.reads, 3000);
    close_db();
}

static slk_err_t fail_after_insert(slk_db_t *d, void *ctx, slk_diag_t *diag)
{
    (void)d;
    return *(bool *)ctx ? slk_fail(diag, SLK_ERR_IO, "no") : SLK_OK;
}

static void all_or_nothing(void **state)
{
    (void)state;
    slk_diag_t diag;
    bool fail = true;
    open_db(1 << 20);
    put(5001);
    assert_err(SLK_ERR_IO, slk_block_db_commit(blocks, fail_after_insert, &fail, &diag));
    assert_there(5001, true);
    close_db();
    open_db(1 << 20);
    assert_there(5001, false);
    put(5002);
    assert_err(SLK_ERR_IO, slk_block_db_commit(blocks, fail_after_insert, &fail, &diag));
    fail = false;
    assert_ok(slk_block_db_commit(blocks, fail_after_insert, &fail, &diag), diag);
    close_db();
    open_db(1 << 20);
    assert_there(5002, true);
    close_db();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_and_committed),
        cmocka_unit_test(all_or_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
