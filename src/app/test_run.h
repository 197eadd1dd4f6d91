#ifndef SLK_APP_TEST_RUN_H
#define SLK_APP_TEST_RUN_H

/* Run the built program in a folder of its own and look at what it printed. */

#include "test_util.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct {
    int status; /* exit status, or 128 + signal */
    char out[1 << 16], err[1 << 14];
} test_run_t;

static char test_dir[64];
static test_run_t last; /* of the latest run */

static inline int test_dir_setup(void **state)
{
    (void)state;
    test_tmp_dir(test_dir);
    return 0;
}

static inline int test_dir_teardown(void **state)
{
    (void)state;
    test_rm_dir(test_dir);
    return 0;
}

static inline void test_read(char *out, size_t cap, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", test_dir, name);
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(out, 1, cap - 1, file) : 0;
    out[len] = '\0';
    if (file)
        fclose(file);
}

/* A shell line in test_dir, in which $S is the program; standard output and error go to `last`. */
SLK_PRINTF(1, 2) static inline int sh(const char *fmt, ...)
{
    static char line[8192], all[8192 + 1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    snprintf(all, sizeof all, "cd '%s' && S='%s' && export S && { %s\n} >.out 2>.err", test_dir,
             SLK_BINARY, line);
    int status = system(all);
    last.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    test_read(last.out, sizeof last.out, ".out");
    test_read(last.err, sizeof last.err, ".err");
    return last.status;
}

/* Expect an exit status; show all when it is another. */
#define assert_status(want)                                                                        \
    do {                                                                                           \
        if (last.status != (want))                                                                 \
            fail_msg("status %d, expected %d\nout: %s\nerr: %s", last.status, (want), last.out,    \
                     last.err);                                                                    \
    } while (0)

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

/* A failure: status, reason on standard error, nothing on standard output. */
static inline void assert_failed(int status, const char *reason)
{
    assert_status(status);
    assert_string_equal(last.out, "");
    assert_has(last.err, reason);
}

/* The only JSON value on standard output, with nothing on standard error; json_decref it. */
static inline json_t *test_json(void)
{
    json_error_t error;
    json_t *json = json_loads(last.out, 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, last.out);
    assert_string_equal(last.err, "");
    return json;
}

static inline const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (!text)
        fail_msg("no text '%s' in: %s", name, last.out);
    return text;
}

static inline uint64_t num_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_integer(value))
        fail_msg("no number '%s' in: %s", name, last.out);
    return (uint64_t)json_integer_value(value);
}

static inline void write_bytes(const char *name, const void *data, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", test_dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

#endif /* SLK_APP_TEST_RUN_H */
