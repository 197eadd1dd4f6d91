/* Lines of processors in damocles' form, spans of JSON, lines out of bytes. */
#include "test_util.h"

#include "worker/isolation.h"
#include "worker/lines.h"
#include "worker/processor_line.h"

/* --- Spans ---------------------------------------------------------------------------------- */

static const char *const good[] = {
    "0",
    "-1.5e+10",
    "\"\\u00e4\\\"\"",
    "true",
    "null",
    "[]",
    "{}",
    "[[],{},[1,2,{\"a\":[{}]}]]",
    " { \"a\" : [ 1 , 2 ] , \"b\" : { } } ",
};

static const char *const bad[] = {
    "",        " ",        "01",          "1.",         "-",     "+1",   "1e",   "\"a",
    "\"\n\"",  "\"\\x\"",  "\"\\u12g4\"", "tru",        "nulls", "[1,]", "[1",   "[1}",
    "{\"a\"}", "{\"a\":}", "{a:1}",       "{\"a\":1,}", "1 2",   "{}}",  "[[1]", "{\"a\":1]",
};

static void test_values(void **state)
{
    (void)state;
    slk_span_t span;
    slk_diag_t diag;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(slk_span_value(&span, good[i], strlen(good[i]), &diag), diag);
        json_t *json = json_loadb(span.at, span.len, JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        json_decref(json);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (slk_span_value(&span, bad[i], strlen(bad[i]), &diag) != SLK_ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_nesting(void **state)
{
    (void)state;
    char text[260];
    slk_span_t span;
    memset(text, '[', 128);
    memset(text + 128, ']', 128);
    assert_err(SLK_OK, slk_span_value(&span, text, 256, NULL));
    memset(text, '[', 129);
    memset(text + 129, ']', 129);
    assert_err(SLK_ERR_FORMAT, slk_span_value(&span, text, 258, NULL));
}

static void test_members(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const char text[] = "{\"x\":{\"a\":1},\"b\": [1, 2] ,\"a\":\"t\"}";
    slk_span_t span[2];
    uint64_t num;
    assert_err(SLK_OK, slk_span_members(span, names, 2, text, strlen(text), NULL));
    assert_true(slk_span_is(span[0], "\"t\""));
    assert_true(slk_span_is(span[1], "[1, 2]"));
    assert_err(SLK_OK, slk_span_members(span, names, 2, "{}", 2, NULL));
    assert_int_equal(span[0].len + span[1].len, 0);
    assert_err(SLK_ERR_FORMAT, slk_span_members(span, names, 2, "[]", 2, NULL));
    assert_err(SLK_ERR_FORMAT, slk_span_members(span, names, 2, "{\"a\":1,\"a\":1}", 13, NULL));
    /* what came before the error */
    assert_err(SLK_ERR_FORMAT, slk_span_members(span, names, 2, "{\"a\":12,\"b\":!}", 14, NULL));
    assert_true(slk_span_u64(&num, span[0]));
    assert_int_equal(num, 12);
    assert_false(slk_span_u64(&num, (slk_span_t){"18446744073709551616", 20}));
    assert_true(slk_span_u64(&num, (slk_span_t){"18446744073709551615", 20}));
    assert_true(num == UINT64_MAX);
}

/* --- Requests -------------------------------------------------------------------------------- */

static slk_err_t request(slk_processor_request_t *out, const char *text)
{
    return slk_processor_request_parse(out, text, strlen(text), NULL);
}

static void test_requests(void **state)
{
    (void)state;
    slk_processor_request_t r;
    /* as damocles' worker writes it */
    assert_err(SLK_OK,
               request(&r, "{\"id\":1,\"task\":{\"registered_proof\":\"StackedDrg32GiBV1_1\","
                           "\"staged_file\":\"/a/b\",\"cache_dir\":\"/c\"}}"));
    assert_true(r.has_id && !r.cancel && r.id == 1);
    assert_memory_equal(r.task.at, "{\"registered_proof\"", 19);
    assert_int_equal(r.task.at[r.task.len - 1], '}');
    assert_err(SLK_OK, request(&r, "{\"task\":{},\"id\":18446744073709551615,\"other\":[]}"));
    assert_true(r.id == UINT64_MAX);
    assert_err(SLK_OK, request(&r, "{\"cancel\":3}"));
    assert_true(r.cancel && r.id == 3 && !r.task.len);

    static const char *const wrong[] = {"{\"id\":5}", "{\"id\":5,\"task\":null}",
                                        "{\"id\":5,\"task\":[]}", "{\"id\":5,\"task\":{}",
                                        "{\"id\":5,\"task\":{},}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_err(SLK_ERR_FORMAT, request(&r, wrong[i]));
        assert_true(r.has_id && r.id == 5);
    }
    assert_err(SLK_ERR_FORMAT, request(&r, "{\"id\":-1,\"task\":{}}"));
    assert_false(r.has_id);
    assert_err(SLK_ERR_FORMAT, request(&r, "{\"cancel\":\"x\"}"));
    assert_err(SLK_ERR_FORMAT, request(&r, "[]"));
}

static void assert_buf(slk_buf_t *buf, const char *want)
{
    slk_buf_put_byte(buf, 0);
    assert_false(buf->failed);
    assert_string_equal((char *)buf->bytes, want);
    slk_buf_free(buf);
}

static void test_request_text(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    slk_processor_put_request(&buf, 7, "{\n\"a\":1}", 8);
    slk_processor_put_cancel(&buf, 7);
    assert_buf(&buf, "{\"id\":7,\"task\":{ \"a\":1}}\n{\"cancel\":7}\n");
}

/* --- Answers --------------------------------------------------------------------------------- */

static slk_err_t parse(slk_processor_answer_t *out, const char *text)
{
    return slk_processor_answer_parse(out, text, strlen(text), NULL);
}

static void test_answers(void **state)
{
    (void)state;
    slk_processor_answer_t a;
    assert_err(SLK_OK, parse(&a, "{\"id\":2,\"err_msg\":null,\"output\":{\"proof\":[1,2]}}"));
    assert_int_equal(a.kind, SLK_PROCESSOR_OUTPUT);
    assert_int_equal(a.id, 2);
    assert_true(slk_span_is(a.output, "{\"proof\":[1,2]}"));
    assert_err(SLK_OK, parse(&a, "{\"id\":2,\"output\":true}"));
    assert_true(slk_span_is(a.output, "true"));
    /* damocles' processors know no err_code */
    assert_err(SLK_OK, parse(&a, "{\"id\":3,\"err_msg\":\"no \\\"file\\\"\",\"output\":null}"));
    assert_int_equal(a.kind, SLK_PROCESSOR_ERROR);
    assert_int_equal(a.err, SLK_ERR_STATE);
    assert_string_equal(a.err_msg.text, "no \"file\"");
    assert_err(SLK_OK, parse(&a, "{\"id\":3,\"err_msg\":\"full\",\"err_code\":-3}"));
    assert_int_equal(a.err, SLK_ERR_NOSPACE);
    assert_err(SLK_OK, parse(&a, "{\"id\":3,\"err_msg\":\"full\",\"err_code\":-3000}"));
    assert_int_equal(a.err, SLK_ERR_STATE);
    assert_err(SLK_OK, parse(&a, "{\"id\":3,\"err_msg\":\"full\",\"err_code\":0}"));
    assert_int_equal(a.err, SLK_ERR_STATE);
    assert_err(SLK_ERR_FORMAT, parse(&a, "{\"id\":3,\"err_msg\":null,\"output\":null}"));
    assert_err(SLK_ERR_FORMAT, parse(&a, "{\"id\":3,\"err_msg\":5,\"output\":null}"));
    assert_err(SLK_ERR_FORMAT, parse(&a, "{\"output\":1}"));
    assert_err(SLK_ERR_FORMAT, parse(&a, "pc1 processor ready"));
    assert_err(SLK_OK, parse(&a, "{\"selkie\":{\"protocol\":1}}"));
    assert_int_equal(a.kind, SLK_PROCESSOR_HELLO);
    assert_int_equal(a.protocol, 1);
}

static void test_answer_text(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    slk_processor_put_output(&buf, 1, "[]", 2);
    slk_processor_put_error(&buf, 2, SLK_ERR_NOSPACE, "a \"b\"\n\xff\xc3\xa4\xed\xa0\x80", true);
    slk_processor_put_error(&buf, 3, SLK_ERR_NOSPACE, "", false);
    slk_processor_put_hello(&buf);
    assert_buf(&buf, "{\"id\":1,\"err_msg\":null,\"output\":[]}\n"
                     "{\"id\":2,\"err_msg\":\"a \\\"b\\\"\\u000a?\xc3\xa4???\",\"output\":null,"
                     "\"err_code\":-3}\n"
                     "{\"id\":3,\"err_msg\":\"\",\"output\":null}\n"
                     "{\"selkie\":{\"protocol\":1}}\n");
}

static void test_progress(void **state)
{
    (void)state;
    slk_processor_answer_t a;
    slk_buf_t buf = {0};
    slk_progress_view_t view = {"PC1 layer 3 of 11", "labels", 5, 9, 2, 0, 0, 0};
    slk_processor_put_progress(&buf, 4, &view);
    assert_err(SLK_OK, slk_processor_answer_parse(&a, (char *)buf.bytes, buf.len, NULL));
    assert_int_equal(a.kind, SLK_PROCESSOR_PROGRESS);
    assert_int_equal(a.id, 4);
    assert_string_equal(a.view.stage, view.stage);
    assert_string_equal(a.view.unit, view.unit);
    assert_int_equal(a.view.done, 5);
    assert_int_equal(a.view.total, 9);
    assert_int_equal(a.view.resumed, 2);
    assert_buf(&buf, "{\"progress\":{\"id\":4,\"stage\":\"PC1 layer 3 of 11\",\"done\":5,"
                     "\"total\":9,\"resumed\":2,\"unit\":\"labels\"}}\n");
    assert_err(SLK_ERR_FORMAT, parse(&a, "{\"progress\":{\"id\":4}}"));
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void gather(void *ctx, char *text, size_t len, bool too_long)
{
    char *out = ctx;
    sprintf(out + strlen(out), "%s%.*s|", too_long ? "!" : "", (int)len, text);
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] = "one\n\ntwo and more\nthree\nfo";
    for (size_t step = 1; step < sizeof text; step++) {
        slk_lines_t lines = {.max = 6};
        char out[128] = "";
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t left = sizeof text - 1 - at;
            slk_lines_feed(&lines, text + at, left < step ? left : step, gather, out);
        }
        slk_lines_end(&lines, gather, out);
        slk_lines_free(&lines);
        /* of the line that is too long, some first bytes */
        char *cut = strchr(out, '!');
        assert_non_null(cut);
        char *end = strchr(cut, '|');
        assert_memory_equal(cut, "!two an", 4);
        memmove(cut + 1, end, strlen(end) + 1);
        assert_string_equal(out, "one||!|three|fo|");
    }
}

/* --- CPU sets --------------------------------------------------------------------------------- */

static void test_cpus(void **state)
{
    (void)state;
    cpu_set_t set;
    slk_diag_t diag;
    assert_ok(slk_cpu_list_parse(&set, "0-2,7", "cpus", &diag), diag);
    assert_int_equal(CPU_COUNT(&set), 4);
    assert_true(CPU_ISSET(0, &set) && CPU_ISSET(2, &set) && CPU_ISSET(7, &set));
    static const char *const wrong[] = {
        "", ",", "1,", "2-1", "a", "1-", "-1", "1 2", "1;2", "1024", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_err(SLK_ERR_INPUT, slk_cpu_list_parse(&set, wrong[i], "cpus", &diag));
    assert_non_null(strstr(diag.text, "cpus '9999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),       cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_members),      cmocka_unit_test(test_requests),
        cmocka_unit_test(test_request_text), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answer_text),  cmocka_unit_test(test_progress),
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_cpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
