#ifndef SLK_CODEC_IPLD_TEST_TREE_H
#define SLK_CODEC_IPLD_TEST_TREE_H

/* What the tests of the trees share. */

#include "test_util.h"

#include "codec/ipld/blockstore.h"

/* A value: a CBOR byte string of this text. */
#define TREE_BYTES(text) tree_bytes(&(tree_room_t){{0}}, (const uint8_t *)(text), sizeof(text) - 1)

typedef struct {
    uint8_t b[64];
} tree_room_t;

static inline slk_bytes_t tree_bytes(tree_room_t *room, const uint8_t *bytes, size_t len)
{
    assert_true(len < 24);
    room->b[0] = (uint8_t)(0x40 | len);
    memcpy(room->b + 1, bytes, len);
    return (slk_bytes_t){room->b, len + 1};
}

/* The bytes of a hex text in a room of the caller's. */
static inline slk_bytes_t tree_hex(uint8_t *room, size_t cap, const char *hex)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= cap && slk_hex_decode(room, len, hex));
    return (slk_bytes_t){room, len};
}

static inline void assert_cid(const slk_cid_t *cid, const char *text)
{
    assert_string_equal(slk_cid_text(cid).s, text);
}

static inline slk_cid_t tree_put(slk_memory_store_t *memory, slk_bytes_t block)
{
    slk_blockstore_t blocks = slk_memory_store_blocks(memory);
    slk_diag_t diag = {""};
    slk_cid_t cid;
    assert_ok(slk_block_put(&blocks, &cid, block.b, block.len, &diag), diag);
    return cid;
}

/* xorshift64: the same numbers in every run. */
static inline uint64_t tree_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif /* SLK_CODEC_IPLD_TEST_TREE_H */
