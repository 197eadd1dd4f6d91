#include "app/progress_view.h"
#include "test_util.h"

static void test_amounts(void **state)
{
    (void)state;
    static const struct {
        double amount;
        const char *unit, *text;
    } rows[] = {
        {0, "B", "0 B"},
        {127, "B", "127 B"},
        {1023, "B", "1023 B"},
        {1024, "B", "1.00 KiB"},
        {1536, "B", "1.50 KiB"},
        {10240, "B", "10.0 KiB"},
        {102400, "B", "100 KiB"},
        {1048575, "B", "1.00 MiB"}, /* and not 1024 KiB */
        {68719476736.0, "B", "64.0 GiB"},
        {999, "labels", "999 labels"},
        {1000, "labels", "1.00 k labels"},
        {262144, "labels", "262 k labels"},
        {999999, "labels", "1.00 M labels"},
        {2.5, "hashes", "2.50 hashes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        slk_format_amount(text, sizeof text, rows[i].amount, rows[i].unit);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0.0123, "12.3 ms"}, {1.234, "1.23 s"},   {12.34, "12.3 s"},
                {59.96, "1:00"},     {3599.6, "1:00:00"}, {7387, "2:03:07"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        slk_format_seconds(text, sizeof text, rows[i].seconds);
        assert_string_equal(text, rows[i].text);
    }
}

static slk_progress_view_t labels(uint64_t done, uint64_t resumed, double ended)
{
    slk_progress_view_t view = {.stage = "PC1 layer 1 of 2",
                                .unit = "labels",
                                .done = done,
                                .total = 200000,
                                .resumed = resumed,
                                .serial = 1,
                                .started = 100,
                                .ended = ended};
    return view;
}

static void test_lines(void **state)
{
    (void)state;
    char text[320];
    slk_progress_view_t view = labels(50000, 0, 0);
    slk_progress_line(text, sizeof text, &view, 110);
    assert_string_equal(
        text,
        "PC1 layer 1 of 2: 50.0 k labels, 25 % of 200 k labels, 5.00 k labels/s, time left 30.0 s");

    /* what was there before is not speed, and not part of what the time left is reckoned from */
    view = labels(150000, 100000, 0);
    slk_progress_line(text, sizeof text, &view, 110);
    assert_string_equal(
        text,
        "PC1 layer 1 of 2: 150 k labels, 75 % of 200 k labels, 5.00 k labels/s, time left 10.0 s");
    view = labels(100000, 100000, 0);
    slk_progress_line(text, sizeof text, &view, 110);
    assert_string_equal(text, "PC1 layer 1 of 2: 100 k labels, 50 % of 200 k labels");

    view = labels(200000, 100000, 110);
    slk_progress_last(text, sizeof text, &view);
    assert_string_equal(
        text,
        "PC1 layer 1 of 2: 200 k labels (100 k labels were there) in 10.0 s, 10.0 k labels/s");
    view = labels(200000, 0, 120);
    slk_progress_last(text, sizeof text, &view);
    assert_string_equal(text, "PC1 layer 1 of 2: 200 k labels in 20.0 s, 10.0 k labels/s");
    view = labels(50000, 0, 120); /* it was left before its end */
    slk_progress_last(text, sizeof text, &view);
    assert_string_equal(
        text, "PC1 layer 1 of 2: 50.0 k labels of 200 k labels in 20.0 s, 2.50 k labels/s");
}

static void test_bar(void **state)
{
    (void)state;
    char text[320];
    slk_progress_view_t view = labels(100000, 0, 0);
    slk_progress_bar(text, sizeof text, &view, 110, 100);
    assert_string_equal(
        text,
        "PC1 layer 1 of 2 [===============>              ]  50 %  10.0 k labels/s  ETA 10.0 s");
    for (unsigned width = 1; width < 120; width++) {
        slk_progress_bar(text, sizeof text, &view, 110, width);
        assert_true(strlen(text) <= width);
    }
    slk_progress_bar(text, sizeof text, &view, 110, 60);
    assert_string_equal(text, "PC1 layer 1 of 2  50 %  10.0 k labels/s  ETA 10.0 s");

    view.total = 0; /* not known */
    slk_progress_bar(text, sizeof text, &view, 110, 100);
    assert_string_equal(text, "PC1 layer 1 of 2 100 k labels  10.0 k labels/s");
}

/* Stages through the thread, to a file: one line each, also for one whose end was not seen. */
static void test_thread(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_progress_view_thread_t *view;
    slk_progress_t *progress = slk_progress_new();
    FILE *file = tmpfile();
    assert_non_null(progress);
    assert_non_null(file);
    assert_ok(slk_progress_view_start(&view, progress, file, &diag), diag);
    slk_progress_begin(progress, "one", "B", 2048, 0);
    slk_progress_add(progress, 1024);
    usleep(300000);
    slk_progress_begin(progress, "two", "hashes", 10, 0);
    usleep(300000);
    slk_progress_add(progress, 10);
    slk_progress_end(progress);
    usleep(300000);
    slk_progress_begin(progress, "left in the middle", "hashes", 10, 0);
    usleep(150000);
    slk_progress_view_stop(view);
    slk_progress_view_stop(NULL);
    slk_progress_free(progress);
    char text[1024];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *second = strchr(text, '\n');
    assert_non_null(second);
    assert_memory_equal(text, "one: 2.00 KiB in ", 17);
    assert_memory_equal(second + 1, "two: 10 hashes in ", 18);
    assert_string_equal(strchr(second + 1, '\n'), "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts), cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_bar),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
