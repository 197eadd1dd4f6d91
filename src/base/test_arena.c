#include "base/arena.h"
#include "test_util.h"

#include <stdint.h>
#include <string.h>

static void pieces_are_apart_and_zeroed(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_arena_init(&arena, 1 << 20);
    unsigned char *piece[100];
    for (unsigned i = 0; i < 100; ++i) {
        piece[i] = slk_arena_alloc(&arena, i * 37);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        for (unsigned j = 0; j < i * 37; ++j)
            assert_int_equal(piece[i][j], 0);
        memset(piece[i], (int)i, i * 37);
    }
    for (unsigned i = 0; i < 100; ++i)
        for (unsigned j = 0; j < i * 37; ++j)
            assert_int_equal(piece[i][j], i);
    slk_arena_free(&arena);
    assert_int_equal(arena.used, 0);
}

static void the_limit_holds(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_arena_init(&arena, 1000);
    assert_null(slk_arena_alloc(&arena, 1001));
    assert_null(slk_arena_alloc(&arena, SIZE_MAX));
    assert_null(slk_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_non_null(slk_arena_alloc(&arena, 900));
    assert_null(slk_arena_alloc(&arena, 200));
    assert_string_equal(slk_arena_text(&arena, "abcd", 3), "abc");
    slk_arena_free(&arena);
    assert_non_null(slk_arena_alloc(&arena, 900));
    slk_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_apart_and_zeroed),
        cmocka_unit_test(the_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
