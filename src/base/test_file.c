/* Files: exact reads and writes, files that appear only when complete, full disks, folders, locks,
 * memory. */
#include "base/assert.h"
#include "base/file.h"
#include "base/region.h"
#include "test_util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

/* Path of a file in the test's folder; good until the fourth call after it. */
static const char *in_dir(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void assert_content(const char *path, const char *want)
{
    char *got;
    size_t len;
    slk_diag_t diag;
    assert_ok(slk_read_file(&got, &len, path, 1000, &diag), diag);
    assert_int_equal(len, strlen(want));
    assert_string_equal(got, want);
    free(got);
}

/* --- Whole reads and writes ----------------------------------------------------------------- */

static void reads_are_exact_or_an_error(void **state)
{
    (void)state;
    slk_diag_t diag;
    const char *path = in_dir("numbers");
    assert_ok(slk_write_file(path, "0123456789", 10, &diag), diag);
    int fd;
    uint64_t len;
    assert_ok(slk_open_read(&fd, &len, path, "numbers", 10, &diag), diag);
    assert_int_equal(len, 10);
    char buf[11] = "";
    assert_ok(slk_pread_all(fd, buf, 4, 6, path, &diag), diag);
    assert_string_equal(buf, "6789");
    assert_err(SLK_ERR_LENGTH, slk_pread_all(fd, buf, 5, 6, path, &diag));
    assert_non_null(strstr(diag.text, path));
    assert_non_null(strstr(diag.text, "byte 10"));
    assert_ok(slk_pread_all(fd, buf, 0, 100, path, &diag), diag);
    assert_err(SLK_ERR_IO, slk_pwrite_all(fd, "x", 1, 0, path, &diag)); /* opened for reading */
    close(fd);

    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(slk_pwrite_all(fd, "AB", 2, 9, path, &diag), diag);
    close(fd);
    assert_content(path, "012345678AB");
}

static void open_read_checks_what_it_opens(void **state)
{
    (void)state;
    slk_diag_t diag;
    int fd = -1;
    uint64_t len;
    const char *path = in_dir("tree");
    assert_err(SLK_ERR_STATE, slk_open_read(&fd, NULL, path, "tree_d", SLK_ANY_LEN, &diag));
    assert_non_null(strstr(diag.text, "tree_d"));
    assert_non_null(strstr(diag.text, path));
    assert_ok(slk_write_file(path, "12345", 5, &diag), diag);
    assert_err(SLK_ERR_LENGTH, slk_open_read(&fd, NULL, path, "tree_d", 6, &diag));
    assert_non_null(strstr(diag.text, "has 5 bytes, expected 6"));
    assert_err(SLK_ERR_INPUT, slk_open_read(&fd, NULL, dir, "tree_d", SLK_ANY_LEN, &diag));
    assert_ok(slk_open_read(&fd, &len, path, "tree_d", SLK_ANY_LEN, &diag), diag);
    assert_int_equal(len, 5);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

static void small_files_are_bounded(void **state)
{
    (void)state;
    slk_diag_t diag;
    char *buf = NULL;
    size_t len;
    const char *path = in_dir("small");
    assert_err(SLK_ERR_NOTFOUND, slk_read_file(&buf, &len, path, 10, &diag));
    assert_ok(slk_write_file(path, "0123456789", 10, &diag), diag);
    assert_ok(slk_read_file(&buf, &len, path, 10, &diag), diag);
    assert_int_equal(len, 10);
    assert_int_equal(buf[10], 0);
    free(buf);
    assert_err(SLK_ERR_LENGTH, slk_read_file(&buf, &len, path, 9, &diag));
    assert_ok(slk_write_file(path, "", 0, &diag), diag);
    assert_content(path, "");
}

/* A pipe delivers in parts; only its end may shorten the result. */
static void reads_from_a_pipe_are_joined(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 10; i++) {
            usleep(1000);
            if (write(ends[1], "ab", 2) != 2)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    char buf[32] = "";
    size_t len;
    slk_diag_t diag;
    assert_ok(slk_read_upto(ends[0], buf, 15, &len, "pipe", &diag), diag);
    assert_int_equal(len, 15);
    assert_ok(slk_read_upto(ends[0], buf, sizeof buf, &len, "pipe", &diag), diag);
    assert_int_equal(len, 5);
    assert_memory_equal(buf, "babab", 5);
    assert_ok(slk_read_upto(ends[0], buf, sizeof buf, &len, "pipe", &diag), diag);
    assert_int_equal(len, 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- New files ------------------------------------------------------------------------------ */

static void a_new_file_appears_at_commit(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    const char *path = in_dir("new");
    assert_ok(slk_write_file(path, "old", 3, &diag), diag);
    assert_ok(slk_new_file_open(&file, path, 1 << 20, &diag), diag);
    struct stat st;
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_size, 1 << 20);
    assert_true(st.st_blocks * 512 >= 1 << 20); /* the space is ours */
    assert_int_equal(ftruncate(file.fd, 0), 0);
    assert_ok(slk_write_all(file.fd, "new!", 4, file.tmp, &diag), diag);
    assert_content(path, "old");
    assert_ok(slk_new_file_commit(&file, &diag), diag);
    assert_content(path, "new!");
    assert_false(exists(file.tmp));
    slk_new_file_abort(&file); /* harmless now */
    assert_content(path, "new!");
}

static void an_aborted_file_leaves_nothing(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_new_file_abort(&file);
    const char *path = in_dir("aborted");
    assert_ok(slk_new_file_open(&file, path, 4096, &diag), diag);
    assert_true(exists(file.tmp));
    slk_new_file_abort(&file);
    assert_false(exists(file.tmp));
    assert_false(exists(path));
    slk_new_file_abort(&file);
}

/* What a killed process left behind is replaced, and is no longer written to by whoever still holds
 * it. */
static void a_left_over_temporary_file_is_replaced(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_new_file_t dead = SLK_NEW_FILE_INIT, file = SLK_NEW_FILE_INIT;
    const char *path = in_dir("again");
    assert_ok(slk_new_file_open(&dead, path, 4096, &diag), diag);
    assert_ok(slk_new_file_open(&file, path, 0, &diag), diag);
    assert_ok(slk_pwrite_all(dead.fd, "dead", 4, 0, dead.tmp, &diag), diag);
    assert_ok(slk_write_all(file.fd, "alive", 5, file.tmp, &diag), diag);
    assert_ok(slk_new_file_commit(&file, &diag), diag);
    assert_content(path, "alive");
    slk_new_file_abort(&dead);
    assert_content(path, "alive");
}

static void a_new_file_needs_its_folder(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    assert_err(SLK_ERR_NOTFOUND, slk_new_file_open(&file, in_dir("none/x"), 0, &diag));
    assert_int_equal(file.fd, -1);
    char path[5000];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    assert_err(SLK_ERR_INPUT, slk_new_file_open(&file, path, 0, &diag));
    slk_new_file_abort(&file);
}

/* --- No space ------------------------------------------------------------------------------- */

static void check_no_space(const char *path)
{
    static char big[1 << 20];
    slk_diag_t diag;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    assert_ok(slk_write_file(path, "precious", 8, &diag), diag);
    assert_err(SLK_ERR_NOSPACE, slk_new_file_open(&file, path, sizeof big, &diag));
    assert_non_null(strstr(diag.text, path));
    assert_false(exists(file.tmp));
    assert_err(SLK_ERR_NOSPACE, slk_write_file(path, big, sizeof big, &diag));
    assert_false(exists(file.tmp));
    assert_content(path, "precious");
}

static void a_limit_on_file_sizes_is_an_error(void **state)
{
    (void)state;
    struct rlimit old, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 1 << 16;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_no_space(in_dir("limited"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    const char *mnt = in_dir("small-disk");
    assert_int_equal(mkdir(mnt, 0755), 0);
    /* A mount of our own, which goes with this process whatever happens. */
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", mnt, "tmpfs", 0, "size=64k")) {
        print_message("cannot mount a small tmpfs (%s): a full disk was not tested\n",
                      strerror(errno));
        skip();
    }
    check_no_space(in_dir("small-disk/file"));
    assert_int_equal(umount(mnt), 0);
}

/* --- Folders, paths, locks ------------------------------------------------------------------ */

static void folders_are_made(void **state)
{
    (void)state;
    slk_diag_t diag;
    assert_ok(slk_make_dirs(in_dir("a/b//c/"), &diag), diag);
    assert_ok(slk_make_dirs(in_dir("a/b/c"), &diag), diag);
    assert_true(exists(in_dir("a/b/c")));
    assert_ok(slk_write_file(in_dir("a/file"), "", 0, &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_make_dirs(in_dir("a/file"), &diag));
    assert_non_null(strstr(diag.text, "a/file"));
    assert_err(SLK_ERR_NOTFOUND, slk_make_dirs(in_dir("a/file/below"), &diag));
}

static void paths(void **state)
{
    (void)state;
    slk_diag_t diag;
    char path[8];
    bool found;
    uint64_t len;
    assert_ok(slk_path_join(path, sizeof path, "abc", "def", &diag), diag);
    assert_string_equal(path, "abc/def");
    assert_err(SLK_ERR_INPUT, slk_path_join(path, sizeof path, "abc", "defg", &diag));
    assert_ok(slk_file_len(&found, &len, in_dir("nothing"), &diag), diag);
    assert_false(found);
    assert_ok(slk_write_file(in_dir("three"), "123", 3, &diag), diag);
    assert_ok(slk_file_len(&found, &len, in_dir("three"), &diag), diag);
    assert_true(found);
    assert_int_equal(len, 3);
    assert_err(SLK_ERR_INPUT, slk_file_len(&found, &len, dir, &diag));
    assert_ok(slk_sync_parent(in_dir("three"), &diag), diag);
    assert_ok(slk_sync_parent("/x", &diag), diag);
    assert_ok(slk_sync_parent("relative", &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_sync_parent(in_dir("no/such"), &diag));
}

/* Exit status of a child that tries to take the lock: the error's number, negated. */
static int lock_in_child(const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd;
        slk_diag_t diag;
        slk_err_t err = slk_lock_dir(&fd, path, &diag);
        _exit(err == SLK_ERR_BUSY && !strstr(diag.text, path) ? 100 : -err);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    slk_diag_t diag;
    int fd, other;
    assert_err(SLK_ERR_NOTFOUND, slk_lock_dir(&fd, in_dir("no-such-folder"), &diag));
    assert_int_equal(lock_in_child(dir), 0);
    assert_ok(slk_lock_dir(&fd, dir, &diag), diag);
    assert_int_equal(lock_in_child(dir), -SLK_ERR_BUSY);
    assert_err(SLK_ERR_BUSY, slk_lock_dir(&other, dir, &diag)); /* nor twice in one process */
    assert_int_equal(other, -1);
    close(fd);
    assert_int_equal(lock_in_child(dir), 0);
}

/* --- Memory --------------------------------------------------------------------------------- */

static void regions(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_region_t region;
    static const uint64_t lens[] = {1, 4096, (2 << 20) + 1};
    for (size_t i = 0; i < SLK_COUNT(lens); i++) {
        assert_ok(slk_region_anon(&region, lens[i], &diag), diag);
        assert_int_equal(region.len, lens[i]);
        assert_int_equal(region.ptr[0], 0);
        assert_int_equal(region.ptr[lens[i] - 1], 0);
        memset(region.ptr, 1, lens[i]);
        slk_region_free(&region);
        assert_null(region.ptr);
    }
    slk_region_free(&region);
    assert_err(SLK_ERR_NOMEM, slk_region_anon(&region, UINT64_C(1) << 62, &diag));
    slk_region_free(&region);

    const char *path = in_dir("mapped");
    assert_ok(slk_write_file(path, "map me", 6, &diag), diag);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(slk_region_file(&region, fd, 6, true, path, &diag), diag);
    assert_memory_equal(region.ptr, "map me", 6);
    region.ptr[0] = 't';
    slk_region_free(&region);
    close(fd);
    assert_content(path, "tap me");
    assert_err(SLK_ERR_IO, slk_region_file(&region, -1, 6, false, path, &diag));
    assert_in_range(slk_memory_available(), 1 << 20, UINT64_C(1) << 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_exact_or_an_error),
        cmocka_unit_test(open_read_checks_what_it_opens),
        cmocka_unit_test(small_files_are_bounded),
        cmocka_unit_test(reads_from_a_pipe_are_joined),
        cmocka_unit_test(a_new_file_appears_at_commit),
        cmocka_unit_test(an_aborted_file_leaves_nothing),
        cmocka_unit_test(a_left_over_temporary_file_is_replaced),
        cmocka_unit_test(a_new_file_needs_its_folder),
        cmocka_unit_test(a_limit_on_file_sizes_is_an_error),
        cmocka_unit_test(folders_are_made),
        cmocka_unit_test(paths),
        cmocka_unit_test(one_process_at_a_time),
        cmocka_unit_test(regions),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
