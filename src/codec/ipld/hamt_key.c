#include "codec/ipld/hamt.h"

/* LEB128 of all 64 bits, unlike the 63 of codec/varint.h: zigzag uses the highest bit too. */

slk_bytes_t slk_hamt_key_uint(slk_hamt_key_room_t *room, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        room->b[len++] = (uint8_t)(value | 0x80);
    room->b[len++] = (uint8_t)value;
    return (slk_bytes_t){room->b, len};
}

slk_bytes_t slk_hamt_key_int(slk_hamt_key_room_t *room, int64_t value)
{
    uint64_t twice = (uint64_t)value << 1;
    return slk_hamt_key_uint(room, value < 0 ? ~twice : twice);
}

bool slk_hamt_uint_of_key(uint64_t *value, slk_bytes_t key)
{
    uint64_t v = 0;
    if (key.len == 0 || key.len > sizeof(slk_hamt_key_room_t))
        return false;
    for (size_t i = 0; i < key.len; i++) {
        bool last = i + 1 == key.len;
        if ((key.b[i] < 0x80) != last || (last && i && key.b[i] == 0) || (i == 9 && key.b[i] > 1))
            return false;
        v |= (uint64_t)(key.b[i] & 0x7f) << 7 * i;
    }
    *value = v;
    return true;
}

bool slk_hamt_int_of_key(int64_t *value, slk_bytes_t key)
{
    uint64_t v;
    if (!slk_hamt_uint_of_key(&v, key))
        return false;
    *value = (int64_t)(v & 1 ? ~(v >> 1) : v >> 1);
    return true;
}
