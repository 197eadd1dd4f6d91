/* A buffer that grows, is cleared, and that remembers where memory was not to be had. */
#include "base/buf.h"

#include "test_util.h"

static void grows(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    slk_diag_t diag;
    for (unsigned i = 0; i < 5000; i++) {
        slk_buf_put_byte(&buf, (uint8_t)i);
        slk_buf_put(&buf, "xy", i % 3);
    }
    assert_ok(slk_buf_check(&buf, &diag), diag);
    assert_int_equal(buf.len, 5000 + 4999);
    size_t at = 0;
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(buf.bytes[at], (uint8_t)i);
        at += 1 + i % 3;
    }
    memset(slk_buf_extend(&buf, 100000), 7, 100000);
    assert_int_equal(buf.bytes[buf.len - 1], 7);
    slk_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    slk_buf_put(&buf, NULL, 0);
    assert_ok(slk_buf_check(&buf, &diag), diag);
    slk_buf_free(&buf);
    assert_null(buf.bytes);
}

static void without_memory(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    slk_diag_t diag;
    slk_buf_put(&buf, "abc", 3);
    assert_null(slk_buf_extend(&buf, SIZE_MAX - 8));
    slk_buf_put_byte(&buf, 1);
    assert_int_equal(buf.len, 3);
    assert_err(SLK_ERR_NOMEM, slk_buf_check(&buf, &diag));
    slk_buf_clear(&buf);
    slk_buf_put_byte(&buf, 1);
    assert_ok(slk_buf_check(&buf, &diag), diag);
    slk_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grows), cmocka_unit_test(without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
