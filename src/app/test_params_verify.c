/* `selkie params verify`, on parameters made here. */
#include "app/test_run.h"

#include <fcntl.h>

#define FLIPS 200u

static char params[256], vk[256]; /* names in the folder "made" */

static int make(void **state)
{
    test_dir_setup(state);
    setenv("FIL_PROOFS_PARAMETER_CACHE", "made", 1);
    sh("\"$S\" params generate --json --size 2KiB --circuit window");
    assert_status(0);
    json_t *json = test_json(), *row = json_array_get(json, 0);
    snprintf(params, sizeof params, "%s", text_of(row, "params"));
    snprintf(vk, sizeof vk, "%s", text_of(row, "vk"));
    json_decref(json);
    return 0;
}

/* The row of a file whose path ends so. */
static json_t *row_of(json_t *rows, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *file = text_of(row, "file");
        if (strlen(file) >= strlen(name) && strcmp(file + strlen(file) - strlen(name), name) == 0)
            return row;
    }
    fail_msg("no row of %s in %s", name, last.out);
    return NULL;
}

/* JSON on standard output, reasons on standard error. */
static json_t *rows_and_reasons(void)
{
    char *save = strdup(last.err);
    last.err[0] = '\0';
    json_t *rows = test_json();
    strcpy(last.err, save);
    free(save);
    return rows;
}

static void test_right(void **state)
{
    (void)state;
    static const char *const calls[] = {"", "--size 2KiB --circuit window,porep", "--threads 1",
                                        "--dir made --points"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        sh("\"$S\" params verify --json %s", calls[i]);
        assert_status(0);
        json_t *rows = test_json();
        assert_int_equal(json_array_size(rows), 2);
        json_t *row = row_of(rows, params);
        assert_true(json_is_true(json_object_get(row, "ok")));
        assert_string_equal(text_of(row, "origin"), "made here");
        assert_string_equal(text_of(row, "circuit"), "window");
        assert_string_equal(text_of(row, "size"), "2KiB");
        assert_string_equal(text_of(row, "expected"), text_of(row, "found"));
        json_decref(rows);
    }
    sh("\"$S\" params verify '%s'", vk);
    assert_status(0);
    assert_has(last.out, "made here");
}

/* A .b2sum line of which only the end is wrong. */
static void test_last_digit(void **state)
{
    (void)state;
    char path[256], digit;
    const char *name = strrchr(params, '/') + 1;
    sh("rm -rf bad; cp -r made bad");
    snprintf(path, sizeof path, "%s/bad/%.*s.b2sum", test_dir, (int)(strlen(name) - 7), name);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &digit, 1, 127), 1); /* of the first line, the parameters' */
    digit = digit == '0' ? '1' : '0';
    assert_int_equal(pwrite(fd, &digit, 1, 127), 1);
    close(fd);
    sh("\"$S\" params verify --json --dir bad");
    assert_status(1);
    json_t *rows = rows_and_reasons(), *row = row_of(rows, strrchr(params, '/'));
    const char *found = text_of(row, "found"), *expected = text_of(row, "expected");
    assert_int_equal(strlen(found), 128);
    assert_memory_equal(found, expected, 127);
    assert_int_not_equal(found[127], expected[127]);
    json_decref(rows);
}

/* A byte of a file, changed by xor. */
static void flip(int fd, uint64_t bit)
{
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
}

/* Each bit is one of its own part of the file. */
static void test_flipped_bits(void **state)
{
    (void)state;
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", test_dir, params);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    uint64_t bits = (uint64_t)st.st_size * 8, part = bits / FLIPS;
    for (unsigned i = 0; i < FLIPS; i++) {
        uint64_t random;
        test_data((uint8_t *)&random, sizeof random, (char[]){'b', 'i', 't', (char)i, 0});
        uint64_t bit = i * part + random % part;
        flip(fd, bit);
        sh("\"$S\" params verify --quiet '%s' '%s'", params, vk);
        if (last.status != 1 || !strstr(last.err, params) || strstr(last.err, vk))
            fail_msg("bit %llu: status %d, %s", (unsigned long long)bit, last.status, last.err);
        flip(fd, bit);
    }
    close(fd);
    sh("\"$S\" params verify --quiet '%s'", params);
    assert_status(0);
}

/* A wrong file, made by a shell line in the folder "bad", and what is said of it. */
static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
        bool expected;
    } rows[] = {
        {"truncate -s 3075 \"$K\"", "expected", true},
        {"echo >> \"$K\"", "expected", true},
        {"cp \"$P\" \"$K\"", "expected", true},
        {"truncate -s 0 \"$K\"", "expected", true},
        {"rm \"$K\"", "no such file", false},
        {"rm \"$K\"; mkdir \"$K\"", "not a regular file", false},
        {"sed -i s/^./x/ *.b2sum; dd if=/dev/zero of=\"$K\" bs=1 count=1 conv=notrunc", "published",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sh("rm -rf bad; cp -r made bad; cd bad; P=$(basename '%s'); K=$(basename '%s'); %s; cd ..; "
           "\"$S\" params verify --json bad/\"$K\"",
           params, vk, rows[i].line);
        assert_status(1);
        json_t *json = rows_and_reasons(), *row = json_array_get(json, 0);
        assert_int_equal(json_array_size(json), 1);
        assert_true(json_is_false(json_object_get(row, "ok")));
        assert_true(json_is_null(json_object_get(row, "origin")));
        assert_true(json_is_string(json_object_get(row, "expected")) == rows[i].expected);
        if (rows[i].expected)
            assert_string_not_equal(text_of(row, "expected"), text_of(row, "found"));
        assert_has(last.err, rows[i].says);
        assert_has(last.err, "bad/v28-");
        json_decref(json);
    }
}

static void test_foreign(void **state)
{
    (void)state;
    sh("rm -rf bad; cp -r made bad; echo > bad/v28-other.params; echo > bad/notes.txt; "
       "\"$S\" params verify --json --dir bad");
    assert_status(1);
    json_t *rows = rows_and_reasons();
    assert_int_equal(json_array_size(rows), 3);
    assert_true(json_is_true(json_object_get(row_of(rows, strrchr(vk, '/')), "ok")));
    json_t *row = row_of(rows, "/v28-other.params");
    assert_true(json_is_false(json_object_get(row, "ok")));
    assert_int_equal(strlen(text_of(row, "found")), 32);
    assert_has(last.err, "v28-other.params");
    json_decref(rows);
    sh("\"$S\" params verify --json --dir bad --circuit window");
    assert_status(0);
    sh("\"$S\" params verify --json --dir bad --circuit porep");
    assert_failed(1, "params fetch");
    sh("\"$S\" params verify --json --dir none");
    assert_failed(1, "none");
    sh("\"$S\" params verify --json --dir bad --size 3KiB");
    assert_failed(2, "2KiB");
    sh("\"$S\" params verify --json --size 2KiB x.vk");
    assert_failed(2, "either");
}

/* Digests that were made over wrong points do not help. */
static void test_points(void **state)
{
    (void)state;
    char path[256];
    static const long at[] = {100000, 11000000};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        snprintf(path, sizeof path, "%s/bad/%s", test_dir, strrchr(params, '/') + 1);
        sh("rm -rf bad; cp -r made bad");
        int fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        flip(fd, (uint64_t)at[i] * 8 + 3);
        close(fd);
        sh("cd bad && b2sum *.params *.vk > $(ls *.b2sum).new && mv *.new *.b2sum; cd .. && "
           "\"$S\" params verify --quiet --dir bad");
        assert_status(0);
        sh("\"$S\" params verify --quiet --dir bad --points");
        assert_status(1);
        assert_has(last.err, i ? "of b_g2, at byte" : "of h, at byte");
    }
}

static void test_manifest(void **state)
{
    (void)state;
    sh("D=$(b2sum '%s' | cut -c1-32); mkdir -p other; cp '%s' other/a.vk; cd other; "
       "echo '{\"a.vk\":{\"cid\":\"Qm1\",\"digest\":\"'$D'\"}}' > list; "
       "\"$S\" params verify --json --dir . --manifest list",
       vk, vk);
    assert_status(0);
    json_t *rows = test_json();
    assert_string_equal(text_of(json_array_get(rows, 0), "origin"), "published");
    json_decref(rows);
    sh("echo '{}' > list; \"$S\" params verify --json --manifest list");
    assert_failed(1, "list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),      cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_wrong),      cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_points),     cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_last_digit),
    };
    return cmocka_run_group_tests(tests, make, test_dir_teardown);
}
