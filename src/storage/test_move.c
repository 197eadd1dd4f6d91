#include "storage/test_storage.h"

#include "storage/move.h"
#include "storage/staging.h"
#include "storage/trash.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define NAME "s-t01000-1"

static char dir[64], from[SLK_ROOT_MAX], to[SLK_ROOT_MAX];
static char from_id[SLK_STORAGE_ID_MAX], to_id[SLK_STORAGE_ID_MAX];

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    make_path(from, from_id, dir, "from", true, false);
    make_path(to, to_id, dir, "to", false, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

static slk_err_t move(slk_moved_t *moved, slk_file_types_t type, bool no_rename,
                      const slk_job_t *job)
{
    const slk_move_t what = {.sector = sector1,
                             .type = type,
                             .from = from,
                             .to = to,
                             .from_id = from_id,
                             .to_id = to_id,
                             .no_rename = no_rename};
    return slk_sector_move(moved, &what, job, &diag);
}

static size_t trashed(const char *root)
{
    slk_trash_item_t *items;
    size_t cnt;
    assert_ok(slk_trash_list(&items, &cnt, root, &diag), diag);
    free(items);
    return cnt;
}

static void expect_no_leftovers(void)
{
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        const char *path = fmt("%s/%s/fetching", to, slk_file_type_name(SLK_FT_AT(i)));
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] != '.')
                fail_msg("left: %s/%s", path, e->d_name);
        }
        if (d)
            closedir(d);
    }
}

static void test_rename(void **state)
{
    slk_moved_t m;
    (void)state;
    put_cache(from, NAME);
    assert_ok(move(&m, SLK_FT_CACHE, false, NULL), diag);
    assert_int_equal(m.how, SLK_MOVED_RENAME);
    assert_true(cache_is_whole(to, NAME));
    assert_false(exists(fmt("%s/cache/" NAME, from)));
    assert_ok(move(&m, SLK_FT_CACHE, false, NULL), diag);
    assert_int_equal(m.how, SLK_MOVED_BEFORE);
    assert_true(cache_is_whole(to, NAME));
    expect_no_leftovers();
}

static void test_copy(void **state)
{
    slk_moved_t m;
    struct stat st;
    slk_progress_t *progress = slk_progress_new();
    slk_progress_view_t view;
    const slk_job_t job = {.progress = progress};
    (void)state;
    put_cache(from, NAME);
    put_file(fmt("%s/sealed/" NAME, from), 5000001, "s");
    assert_ok(move(&m, SLK_FT_SEALED, true, &job), diag);
    assert_true(m.how == SLK_MOVED_COPY && m.bytes == 5000001 && m.reused == 0);
    slk_progress_view(progress, &view);
    assert_true(view.done == 2 * 5000001 && view.total == view.done);
    slk_progress_free(progress);
    assert_true(file_is(fmt("%s/sealed/" NAME, to), 5000001, "s"));
    assert_int_equal(stat(fmt("%s/sealed/" NAME, to), &st), 0);
    assert_true(st.st_blocks * 512 < 4800000); /* a third of it is zeros */
    assert_ok(move(&m, SLK_FT_CACHE, true, NULL), diag);
    assert_true(cache_is_whole(to, NAME));
    assert_int_equal(trashed(from), 2);
    assert_int_equal(trashed(to), 0);
    assert_ok(move(&m, SLK_FT_CACHE, true, NULL), diag);
    assert_int_equal(m.how, SLK_MOVED_BEFORE);
    assert_err(SLK_ERR_NOTFOUND, move(&m, SLK_FT_UNSEALED, true, NULL));
    expect_no_leftovers();
}

/* All zeros, as unsealed of committed capacity; empty; and a hole at the end. */
static void test_sparse(void **state)
{
    slk_moved_t m;
    struct stat st;
    (void)state;
    assert_ok(slk_write_file(fmt("%s/unsealed/" NAME, from), "x", 1, &diag), diag);
    assert_int_equal(truncate(fmt("%s/unsealed/" NAME, from), 4000003), 0);
    assert_ok(move(&m, SLK_FT_UNSEALED, true, NULL), diag);
    assert_int_equal(stat(fmt("%s/unsealed/" NAME, to), &st), 0);
    assert_true(st.st_size == 4000003 && st.st_blocks * 512 < 1000000);
    put_file(fmt("%s/piece/" NAME, from), 0, "");
    assert_ok(move(&m, SLK_FT_PIECE, true, NULL), diag);
    assert_true(file_is(fmt("%s/piece/" NAME, to), 0, ""));
}

static void test_same_place(void **state)
{
    slk_moved_t m;
    char alias[SLK_ROOT_MAX];
    (void)state;
    put_cache(from, NAME);
    slk_move_t what = {.sector = sector1,
                       .type = SLK_FT_CACHE,
                       .from = from,
                       .to = to,
                       .from_id = "one",
                       .to_id = "one"};
    assert_ok(slk_sector_move(&m, &what, NULL, &diag), diag);
    assert_int_equal(m.how, SLK_MOVED_SAME);
    assert_true(cache_is_whole(from, NAME) && !exists(fmt("%s/cache/" NAME, to)));
    /* Another name of the same folder, with another ID: told by device and inode. */
    snprintf(alias, sizeof alias, "%s/alias", dir);
    assert_int_equal(symlink(from, alias), 0);
    what.to = alias;
    what.to_id = "two";
    assert_ok(slk_sector_move(&m, &what, NULL, &diag), diag);
    assert_int_equal(m.how, SLK_MOVED_SAME);
    assert_true(cache_is_whole(from, NAME));
    assert_int_equal(trashed(from), 0);
}

static void test_both(void **state)
{
    slk_moved_t m;
    (void)state;
    put_cache(from, NAME);
    put_cache(to, NAME);
    assert_ok(move(&m, SLK_FT_CACHE, false, NULL), diag);
    assert_int_equal(m.how, SLK_MOVED_BEFORE);
    assert_false(exists(fmt("%s/cache/" NAME, from)));
    assert_true(cache_is_whole(to, NAME) && trashed(from) == 1);
    put_cache(from, NAME);
    put_file(fmt("%s/cache/" NAME "/t_aux", from), 10240, "other");
    assert_err(SLK_ERR_MISMATCH, move(&m, SLK_FT_CACHE, false, NULL));
    assert_true(exists(fmt("%s/cache/" NAME "/t_aux", from)) && cache_is_whole(to, NAME));
    put_file(fmt("%s/cache/" NAME "/more", from), 1, "other");
    assert_err(SLK_ERR_MISMATCH, move(&m, SLK_FT_CACHE, false, NULL));
    assert_true(exists(fmt("%s/cache/" NAME, from)) && trashed(from) == 1);
}

/* Interrupted, with damage to what was staged: the damaged part is written again. */
static void test_resume(void **state)
{
    slk_moved_t m;
    atomic_bool cancel = true;
    const slk_job_t job = {.cancel = &cancel};
    char staged[SLK_ROOT_MAX + 64];
    (void)state;
    put_file(fmt("%s/sealed/" NAME, from), 5000001, "s");
    assert_err(SLK_ERR_CANCELLED, move(&m, SLK_FT_SEALED, true, &job));
    assert_true(file_is(fmt("%s/sealed/" NAME, from), 5000001, "s"));
    snprintf(staged, sizeof staged, "%s/sealed/fetching/" NAME, to);
    put_file(staged, 3000000, "s");
    FILE *f = fopen(staged, "r+b");
    assert_non_null(f);
    fseek(f, 2200000, SEEK_SET);
    fputc(0x5a, f);
    fclose(f);
    assert_ok(move(&m, SLK_FT_SEALED, true, NULL), diag);
    assert_true(m.reused > 1500000 && m.reused <= 2200000);
    assert_true(file_is(fmt("%s/sealed/" NAME, to), 5000001, "s"));
    /* Longer than the source, and foreign files in a staged folder. */
    put_cache(from, NAME);
    put_file(fmt("%s/cache/fetching/" NAME "/p_aux", to), 5000, "p_aux");
    put_file(fmt("%s/cache/fetching/" NAME "/foreign", to), 5, "x");
    assert_ok(move(&m, SLK_FT_CACHE, true, NULL), diag);
    assert_true(cache_is_whole(to, NAME) && !exists(fmt("%s/cache/" NAME "/foreign", to)));
    expect_no_leftovers();
}

static void test_locked(void **state)
{
    slk_moved_t m;
    slk_staging_t st;
    (void)state;
    put_cache(from, NAME);
    assert_ok(slk_staging_open(&st, to, SLK_FT_CACHE, &sector1, &diag), diag);
    assert_err(SLK_ERR_BUSY, move(&m, SLK_FT_CACHE, true, NULL));
    assert_true(cache_is_whole(from, NAME));
    slk_staging_close(&st);
    assert_ok(move(&m, SLK_FT_CACHE, true, NULL), diag);
}

static void test_links(void **state)
{
    slk_moved_t m;
    (void)state;
    put_file(fmt("%s/outside", dir), 100, "o");
    assert_int_equal(symlink(fmt("%s/outside", dir), fmt("%s/sealed/" NAME, from)), 0);
    assert_err(SLK_ERR_STATE, move(&m, SLK_FT_SEALED, true, NULL));
    put_cache(from, NAME);
    assert_int_equal(symlink(fmt("%s/outside", dir), fmt("%s/cache/" NAME "/link", from)), 0);
    assert_err(SLK_ERR_STATE, move(&m, SLK_FT_CACHE, true, NULL));
    assert_non_null(strstr(diag.text, "/link"));
    assert_true(cache_is_whole(from, NAME) && file_is(fmt("%s/outside", dir), 100, "o"));
}

/* Killed at any moment: the whole is in one place at least, and another call ends it. */
static void test_kill(void **state)
{
    unsigned killed = 0;
    (void)state;
    put_cache(from, NAME);
    put_file(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", from), 12000000, "big");
    for (unsigned i = 0; i < 25; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            slk_moved_t m;
            _exit(move(&m, SLK_FT_CACHE, true, NULL) == SLK_OK ? 0 : 1);
        }
        usleep(i * i * 60);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed += WIFSIGNALED(status) != 0;
        bool source = exists(fmt("%s/cache/" NAME, from)),
             target = exists(fmt("%s/cache/" NAME, to));
        assert_true(source || target);
        if (source)
            assert_true(
                file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", from), 12000000, "big") &&
                cache_is_whole(from, NAME));
        if (target)
            assert_true(
                file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", to), 12000000, "big") &&
                cache_is_whole(to, NAME));
    }
    assert_true(killed > 3);
    assert_ok(move(NULL, SLK_FT_CACHE, true, NULL), diag);
    assert_true(cache_is_whole(to, NAME) && !exists(fmt("%s/cache/" NAME, from)));
    assert_true(file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", to), 12000000, "big"));
    expect_no_leftovers();
}

/* A full disk: the error says so, the source stays, and with space it goes on where it was. Also two
 * real file systems. Skipped where mounting is not allowed. */
static void test_full_disk(void **state)
{
    slk_moved_t m;
    (void)state;
    put_file(fmt("%s/sealed/" NAME, from), 3000000, "s");
    if (mount("tmpfs", to, "tmpfs", 0, "size=1536k"))
        skip();
    assert_err(SLK_ERR_NOSPACE, move(&m, SLK_FT_SEALED, false, NULL));
    assert_true(file_is(fmt("%s/sealed/" NAME, from), 3000000, "s"));
    assert_false(exists(fmt("%s/sealed/" NAME, to)));
    assert_int_equal(mount("tmpfs", to, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    assert_ok(move(&m, SLK_FT_SEALED, false, NULL), diag);
    assert_true(m.how == SLK_MOVED_COPY && m.reused > 0);
    assert_true(file_is(fmt("%s/sealed/" NAME, to), 3000000, "s"));
    assert_int_equal(trashed(from), 1);
    assert_int_equal(umount2(to, MNT_DETACH), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_rename), TEST(test_copy),      TEST(test_sparse), TEST(test_same_place),
        TEST(test_both),   TEST(test_resume),    TEST(test_locked), TEST(test_links),
        TEST(test_kill),   TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
