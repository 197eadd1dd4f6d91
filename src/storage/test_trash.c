#include "storage/test_storage.h"

#include "storage/trash.h"

#define T0 ((time_t)1900000000) /* 2030-03-17T17:46:40Z */

static char dir[64], root[SLK_ROOT_MAX], id[SLK_STORAGE_ID_MAX];

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    make_path(root, id, dir, "path", true, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

static void put(char entry[SLK_TRASH_NAME_MAX], const slk_sector_id_t *sector,
                slk_file_types_t type, time_t at)
{
    assert_ok(slk_trash_put(entry, root, type, sector, "a test", at, &diag), diag);
}

static size_t count(void)
{
    slk_trash_item_t *items;
    size_t cnt;
    assert_ok(slk_trash_list(&items, &cnt, root, &diag), diag);
    free(items);
    return cnt;
}

static void test_put_restore(void **state)
{
    char entry[SLK_TRASH_NAME_MAX], second[SLK_TRASH_NAME_MAX], *why;
    slk_trash_item_t *items;
    size_t cnt, len;
    (void)state;
    assert_int_equal(count(), 0);
    put(entry, &sector1, SLK_FT_SEALED, T0); /* nothing there: no error, no entry */
    assert_string_equal(entry, "");
    put_file(fmt("%s/sealed/s-t01000-1", root), 5000, "s");
    put_cache(root, "s-t01000-1");
    put(entry, &sector1, SLK_FT_SEALED, T0);
    assert_string_equal(entry, "20300317T174640-0");
    put(second, &sector1, SLK_FT_CACHE, T0);
    assert_string_equal(second, "20300317T174640-1");
    assert_false(exists(fmt("%s/sealed/s-t01000-1", root)));
    assert_true(file_is(fmt("%s/trash/%s/sealed/s-t01000-1", root, entry), 5000, "s"));
    assert_ok(slk_read_file(&why, &len, fmt("%s/trash/%s/why.json", root, entry), 4096, &diag),
              diag);
    assert_non_null(strstr(why, "\"At\": \"2030-03-17T17:46:40Z\""));
    assert_non_null(strstr(why, "\"Why\": \"a test\""));
    free(why);
    assert_ok(slk_trash_list(&items, &cnt, root, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_true(items[0].type == SLK_FT_SEALED && slk_sector_id_eq(&items[0].sector, &sector1) &&
                items[0].at == T0 && items[0].bytes >= 5000);
    free(items);

    put_file(fmt("%s/sealed/s-t01000-1", root), 6000, "new");
    assert_err(SLK_ERR_STATE, slk_trash_restore(root, entry, &diag));
    assert_true(file_is(fmt("%s/sealed/s-t01000-1", root), 6000, "new"));
    assert_int_equal(unlink(fmt("%s/sealed/s-t01000-1", root)), 0);
    assert_ok(slk_trash_restore(root, entry, &diag), diag);
    assert_true(file_is(fmt("%s/sealed/s-t01000-1", root), 5000, "s"));
    assert_false(exists(fmt("%s/trash/%s", root, entry)));
    assert_ok(slk_trash_restore(root, second, &diag), diag);
    assert_true(cache_is_whole(root, "s-t01000-1"));
    assert_int_equal(count(), 0);
    assert_err(SLK_ERR_NOTFOUND, slk_trash_restore(root, entry, &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_trash_restore(root, "../../sealed", &diag));
}

static void test_purge(void **state)
{
    char e[3][SLK_TRASH_NAME_MAX];
    uint64_t freed;
    slk_trash_purge_t purge = {.grace_s = 3600, .now = T0 + 5000};
    (void)state;
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    for (unsigned i = 0; i < 3; i++) {
        put_file(fmt("%s/sealed/s-t01000-1", root), 100000, "s");
        put(e[i], &sector1, SLK_FT_SEALED, T0 + 1000 * i);
    }
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    assert_int_equal(count(), 1); /* of 5,000, 4,000 and 3,000 s */
    assert_true(freed >= 200000 && exists(fmt("%s/trash/%s", root, e[2])));
    purge.grace_s = 1000000;
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    assert_true(freed == 0 && count() == 1);
    /* On demand: the oldest first, as many as are needed. */
    for (unsigned i = 0; i < 2; i++) {
        put_file(fmt("%s/sealed/s-t01000-1", root), 100000, "s");
        put(e[i], &sector1, SLK_FT_SEALED, T0 + 3000 + i);
    }
    purge.want = 150000;
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    assert_true(freed >= 200000 && freed < 300000);
    assert_int_equal(count(), 1);
    assert_true(exists(fmt("%s/trash/%s/sealed/s-t01000-1", root, e[1])));
}

/* What a kill left: an entry without a file, and one in the midst of being deleted. */
static void test_leftovers(void **state)
{
    slk_trash_purge_t purge = {.grace_s = 3600, .now = T0 + 100};
    uint64_t freed;
    (void)state;
    assert_ok(slk_make_dirs(fmt("%s/trash/20300317T174640-0/sealed", root), &diag), diag);
    put_file(fmt("%s/trash/.purge-20300317T174640-1/cache/s-t01000-1/p_aux", root), 64, "p");
    put_file(fmt("%s/trash/notes/mine", root), 64, "p");
    assert_int_equal(count(), 0);
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    assert_true(exists(fmt("%s/trash/20300317T174640-0", root))); /* may be just being made */
    assert_false(exists(fmt("%s/trash/.purge-20300317T174640-1", root)));
    purge.now = T0 + 3601;
    assert_ok(slk_trash_purge(&freed, root, &purge, NULL, &diag), diag);
    assert_false(exists(fmt("%s/trash/20300317T174640-0", root)));
    assert_true(exists(fmt("%s/trash/notes/mine", root)));
}

/* Links in what is purged are removed, not followed; a link in place of the trash is refused. */
static void test_links(void **state)
{
    char entry[SLK_TRASH_NAME_MAX], outside[SLK_ROOT_MAX];
    slk_trash_purge_t purge = {.grace_s = 1, .now = T0 + 100};
    (void)state;
    snprintf(outside, sizeof outside, "%s/outside", dir);
    put_file(fmt("%s/precious", outside), 100, "p");
    put_cache(root, "s-t01000-1");
    assert_int_equal(symlink(outside, fmt("%s/cache/s-t01000-1/link", root)), 0);
    put(entry, &sector1, SLK_FT_CACHE, T0);
    assert_ok(slk_trash_purge(NULL, root, &purge, NULL, &diag), diag);
    assert_int_equal(count(), 0);
    assert_true(file_is(fmt("%s/precious", outside), 100, "p"));

    assert_int_equal(rmdir(fmt("%s/trash", root)), 0);
    assert_int_equal(symlink(outside, fmt("%s/trash", root)), 0);
    put_file(fmt("%s/sealed/s-t01000-1", root), 100, "s");
    assert_err(SLK_ERR_STATE,
               slk_trash_put(NULL, root, SLK_FT_SEALED, &sector1, "a test", T0, &diag));
    assert_true(file_is(fmt("%s/sealed/s-t01000-1", root), 100, "s"));
    assert_err(SLK_ERR_STATE, slk_trash_purge(NULL, root, &purge, NULL, &diag));
    assert_true(exists(fmt("%s/precious", outside)));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_put_restore),
        TEST(test_purge),
        TEST(test_leftovers),
        TEST(test_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
