#include "base/log.h"

#include "test_util.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child that runs fn writes to standard error. */
static char *written_by(void (*fn)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], text + len, 65535 - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return text;
}

static void write_text(void)
{
    slk_log(SLK_LOG_DEBUG, "manager", "not shown");
    slk_log(SLK_LOG_INFO, "manager", "two\nlines %d", 7);
    slk_log_sector(SLK_LOG_WARN, "worker", 1000, 5, "hot");
}

static void write_json(void)
{
    slk_log_init(true, SLK_LOG_DEBUG);
    char much[4000];
    memset(much, '"', sizeof much - 1);
    much[sizeof much - 1] = 0;
    slk_log_sector(SLK_LOG_DEBUG, "manager", 1000, 5, "%s", much);
    slk_log(SLK_LOG_ERROR, "manager", "b\xff");
}

static void test_text(void **state)
{
    (void)state;
    char *text = written_by(write_text);
    char *second = strchr(text, '\n') + 1;
    assert_non_null(strstr(text, "Z INFO  manager: two lines 7\n"));
    assert_non_null(strstr(second, "Z WARN  worker t01000-5: hot\n"));
    assert_null(strstr(text, "not shown"));
    free(text);
}

static void test_json(void **state)
{
    (void)state;
    char *text = written_by(write_json);
    char *second = strchr(text, '\n') + 1;
    json_t *row = json_loadb(text, (size_t)(second - text), 0, NULL);
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "sector")), "t01000-5");
    assert_string_equal(json_string_value(json_object_get(row, "level")), "debug");
    assert_int_equal(strlen(json_string_value(json_object_get(row, "message"))), 3999);
    json_decref(row);
    row = json_loads(second, 0, NULL);
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "level")), "error");
    json_decref(row);
    free(text);
}

static void test_levels(void **state)
{
    (void)state;
    slk_log_level_t level;
    assert_true(slk_log_level_from_name(&level, "warn") && level == SLK_LOG_WARN);
    assert_false(slk_log_level_from_name(&level, "loud"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
