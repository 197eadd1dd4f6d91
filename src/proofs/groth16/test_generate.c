/* Files of a key for a real circuit: the 2KiB WindowPoSt. */

#include "base/file.h"
#include "proofs/groth16/params.h"
#include "selkie/setup.h"
#include "test_util.h"

#include <blake2.h>
#include <dirent.h>
#include <unistd.h>

static char dir[64];
static const slk_size_t *size;
static slk_setup_files_t made;

static int setup(void **state)
{
    (void)state;
    slk_diag_t diag;
    test_tmp_dir(dir);
    size = slk_size_by_name("2KiB");
    assert_ok(slk_setup_make(&made, dir, SLK_CIRCUIT_WINDOW, size, false, NULL, &diag), diag);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

static unsigned files_in(const char *path)
{
    unsigned cnt = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        cnt += e->d_name[0] != '.';
    closedir(d);
    return cnt;
}

static char *read_all(const char *path, size_t *len)
{
    char *bytes;
    slk_diag_t diag;
    assert_ok(slk_read_file(&bytes, len, path, UINT64_C(1) << 24, &diag), diag);
    return bytes;
}

/* Counts and length are those of the file that the reference makes. */
static void test_counts(void **state)
{
    (void)state;
    static const uint32_t want[SLK_ARRAY_CNT] = {32767, 22128, 16793, 16029, 16029};
    slk_params_t params;
    slk_diag_t diag;
    size_t len;
    assert_true(made.made);
    assert_non_null(strstr(
        made.params, "/v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-"
                     "0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0.params"));
    assert_ok(slk_params_open(&params, made.params, NULL, &diag), diag);
    assert_int_equal(params.region.len, 11501496);
    assert_int_equal(params.vk->ic_cnt, 23);
    for (unsigned i = 0; i < SLK_ARRAY_CNT; i++)
        assert_int_equal(params.arrays[i].cnt, want[i]);
    char *vk = read_all(made.vk, &len);
    assert_int_equal(len, 3076);
    assert_memory_equal(vk, params.region.ptr, len);
    free(vk);
    slk_params_fini(&params);
    assert_int_equal(files_in(dir), 4);
}

static void digest_line(char out[512], const char *path)
{
    uint8_t digest[64];
    size_t len;
    char *bytes = read_all(path, &len);
    assert_int_equal(blake2b(digest, bytes, NULL, sizeof digest, len, 0), 0);
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    snprintf(out + 128, 512 - 128, "  %s\n", strrchr(path, '/') + 1);
    free(bytes);
}

static void path_of(char out[4096], const char *ending)
{
    snprintf(out, 4096, "%.*s%s", (int)(strlen(made.vk) - 2), made.vk, ending);
}

static void test_beside(void **state)
{
    (void)state;
    char path[4096], line[512], want[1024];
    size_t len;
    digest_line(want, made.params);
    digest_line(line, made.vk);
    strcat(want, line);
    path_of(path, "b2sum");
    char *text = read_all(path, &len);
    assert_string_equal(text, want);
    free(text);
    path_of(path, "meta");
    text = read_all(path, &len);
    assert_string_equal(text, "{\"sector_size\":2048}");
    free(text);
}

/* What is there is kept; a verifying key that is missing or another's comes back. */
static void test_kept(void **state)
{
    (void)state;
    slk_setup_files_t again;
    slk_diag_t diag;
    size_t len, vk_len;
    char *vk = read_all(made.vk, &vk_len);
    for (unsigned how = 0; how < 3; how++) {
        if (how == 1)
            assert_int_equal(unlink(made.vk), 0);
        if (how == 2) {
            vk[100] ^= 1;
            assert_ok(slk_write_file(made.vk, vk, vk_len, &diag), diag);
            vk[100] ^= 1;
        }
        assert_ok(slk_setup_make(&again, dir, SLK_CIRCUIT_WINDOW, size, false, NULL, &diag), diag);
        assert_false(again.made);
        assert_string_equal(again.params, made.params);
        char *found = read_all(made.vk, &len);
        assert_int_equal(len, vk_len);
        assert_memory_equal(found, vk, len);
        free(found);
    }
    free(vk);
}

static void test_refused(void **state)
{
    (void)state;
    slk_setup_files_t files;
    slk_diag_t diag;
    char other[128];
    int fd;
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    assert_true(slk_size_mainnet(slk_size_by_name("32GiB")));
    assert_false(slk_size_mainnet(slk_size_by_name("512MiB")));
    assert_err(SLK_ERR_INPUT, slk_setup_make(&files, dir, SLK_CIRCUIT_WINNING,
                                             slk_size_by_name("64GiB"), false, NULL, &diag));
    assert_ok(slk_lock_dir(&fd, dir, &diag), diag);
    assert_err(SLK_ERR_BUSY,
               slk_setup_make(&files, dir, SLK_CIRCUIT_WINDOW, size, false, NULL, &diag));
    close(fd);
    snprintf(other, sizeof other, "%s/other/folder", dir);
    assert_err(SLK_ERR_CANCELLED,
               slk_setup_make(&files, other, SLK_CIRCUIT_WINDOW, size, false, &job, &diag));
    assert_int_equal(files_in(other), 0);
    assert_false(files.made);

    /* the parameters of another circuit under this one's name */
    char name[4096], *bytes;
    size_t len;
    bytes = read_all(made.params, &len);
    char id[SLK_CACHE_ID_SZ];
    slk_circuit_cache_id(id, SLK_CIRCUIT_WINNING, size);
    assert_ok(slk_params_path(name, sizeof name, other, id, SLK_PARAMS_KEY, &diag), diag);
    assert_ok(slk_write_file(name, bytes, len, &diag), diag);
    assert_err(SLK_ERR_MISMATCH,
               slk_setup_make(&files, other, SLK_CIRCUIT_WINNING, size, false, NULL, &diag));
    assert_int_equal(files_in(other), 1);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
