/* RLE+: what is read is written as it was, and the algebra of two sets holds. Input: length of the
 * first set (1 byte), its RLE+, the rest is the second's. */
#include "base/assert.h"
#include "codec/bitfield.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_one(slk_bitfield_t *set, const uint8_t *data, size_t len, slk_arena_t *arena)
{
    slk_diag_t diag = {""};
    size_t used = arena->used;
    if (slk_bitfield_decode(set, data, len, arena, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0] && arena->used == used);
        return false;
    }
    SLK_ASSERT(arena->used - used <= 64 * len + 16);
    slk_buf_t again = {0};
    slk_err_t err = slk_bitfield_put(&again, set, &diag);
    SLK_ASSERT(err == SLK_OK && again.len == len && (!len || memcmp(again.bytes, data, len) == 0));
    const uint8_t *bytes;
    size_t bytes_len;
    err = slk_bitfield_encode(&bytes, &bytes_len, set, arena, &diag);
    SLK_ASSERT(err == SLK_OK && bytes_len == len && (!len || memcmp(bytes, data, len) == 0));
    slk_buf_free(&again);
    json_t *json = slk_bitfield_to_json(set);
    if (json) {
        slk_bitfield_t back;
        err = slk_bitfield_from_json(&back, json, arena, &diag);
        SLK_ASSERT(err == SLK_OK && slk_bitfield_equal(&back, set));
        json_decref(json);
    }
    return true;
}

static void algebra(const slk_bitfield_t *a, const slk_bitfield_t *b, slk_arena_t *arena)
{
    slk_bitfield_t both, either, rest, back, cut, empty = {0};
    slk_err_t err = slk_bitfield_union(&either, a, b, arena);
    SLK_ASSERT(err == SLK_OK);
    err = slk_bitfield_intersection(&both, a, b, arena);
    SLK_ASSERT(err == SLK_OK);
    err = slk_bitfield_difference(&rest, a, b, arena);
    SLK_ASSERT(err == SLK_OK);
    err = slk_bitfield_cut(&cut, a, b, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_count(&cut) == slk_bitfield_count(&rest));
    err = slk_bitfield_cut(&cut, a, a, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_equal(&cut, &empty));
    SLK_ASSERT(slk_bitfield_count(&either) + slk_bitfield_count(&both) ==
               slk_bitfield_count(a) + slk_bitfield_count(b));
    SLK_ASSERT(slk_bitfield_is_subset(a, &either) && slk_bitfield_is_subset(&both, b));
    SLK_ASSERT(slk_bitfield_intersects(a, b) == !slk_bitfield_is_empty(&both));
    SLK_ASSERT(!slk_bitfield_intersects(&rest, b));
    err = slk_bitfield_union(&back, &rest, &both, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_equal(&back, a));
    err = slk_bitfield_union_all(&back, (slk_bitfield_t[]){*b, rest, *a}, 3, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_equal(&back, &either));
    uint64_t half = slk_bitfield_count(a) / 2;
    slk_bitfield_t low, high;
    err = slk_bitfield_slice(&low, a, 0, half, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_count(&low) == half);
    err = slk_bitfield_slice_upto(&high, a, half, UINT64_MAX, arena);
    SLK_ASSERT(err == SLK_OK && !slk_bitfield_intersects(&low, &high));
    err = slk_bitfield_union(&back, &low, &high, arena);
    SLK_ASSERT(err == SLK_OK && slk_bitfield_equal(&back, a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t len = data[0] < size ? data[0] : size - 1;
    slk_arena_t arena;
    slk_arena_init(&arena, (size_t)16 << 20);
    slk_bitfield_t a, b;
    if (read_one(&a, data + 1, len, &arena) && read_one(&b, data + 1 + len, size - 1 - len, &arena))
        algebra(&a, &b, &arena);
    slk_arena_free(&arena);
    return 0;
}
