#include "codec/ipld/hamt_node.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define DAG_CBOR_AT   1 /* byte of a CID's codec */
#define BITMAP_MAX    32
#define POINTERS_STEP 8 /* room grows by as many */

/* --- In memory -------------------------------------------------------------------------------- */

bool slk_hamt_node_find(const slk_hamt_node_t *node, unsigned slot, unsigned *at)
{
    unsigned below = 0;
    for (unsigned i = 0; i < slot / 64; i++)
        below += (unsigned)__builtin_popcountll(node->present[i]);
    uint64_t word = node->present[slot / 64];
    *at = below + (unsigned)__builtin_popcountll(word & (((uint64_t)1 << slot % 64) - 1));
    return word >> slot % 64 & 1;
}

int slk_hamt_key_cmp(slk_bytes_t a, slk_bytes_t b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.b, b.b, len) : 0;
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

slk_hamt_entry_t *slk_hamt_entry_new(slk_bytes_t key, slk_bytes_t value)
{
    SLK_ASSERT(key.len <= SLK_HAMT_KEY_MAX && value.len && value.len < SLK_BLOCK_MAX);
    slk_hamt_entry_t *entry = malloc(sizeof *entry + key.len + value.len);
    if (!entry)
        return NULL;
    entry->key_len = (uint32_t)key.len;
    entry->len = (uint32_t)value.len;
    if (key.len)
        memcpy(entry->bytes, key.b, key.len);
    memcpy(entry->bytes + key.len, value.b, value.len);
    return entry;
}

slk_hamt_node_t *slk_hamt_node_new(void)
{
    return calloc(1, sizeof(slk_hamt_node_t));
}

void slk_hamt_node_free(slk_hamt_node_t *node)
{
    if (!node)
        return;
    for (unsigned i = 0; i < node->pointer_cnt; i++) {
        slk_hamt_pointer_t *pointer = &node->pointers[i];
        for (unsigned k = 0; k < pointer->entry_cnt; k++)
            free(pointer->entries[k]);
        slk_hamt_node_free(pointer->child);
    }
    free(node->pointers);
    free(node);
}

bool slk_hamt_node_insert(slk_hamt_node_t *node, unsigned slot, slk_hamt_entry_t *entry)
{
    unsigned at;
    bool there = slk_hamt_node_find(node, slot, &at);
    SLK_ASSERT(!there);
    if (node->pointer_cnt % POINTERS_STEP == 0) {
        size_t room = node->pointer_cnt + POINTERS_STEP;
        slk_hamt_pointer_t *more = realloc(node->pointers, room * sizeof *more);
        if (!more)
            return false;
        node->pointers = more;
    }
    slk_hamt_pointer_t *pointer = &node->pointers[at];
    memmove(pointer + 1, pointer, (node->pointer_cnt - at) * sizeof *pointer);
    *pointer = (slk_hamt_pointer_t){.entry_cnt = 1, .entries = {entry}};
    node->pointer_cnt++;
    node->present[slot / 64] |= (uint64_t)1 << slot % 64;
    return true;
}

void slk_hamt_node_remove(slk_hamt_node_t *node, unsigned slot)
{
    unsigned at;
    bool there = slk_hamt_node_find(node, slot, &at);
    SLK_ASSERT(there);
    node->pointer_cnt--;
    slk_hamt_pointer_t *pointer = &node->pointers[at];
    memmove(pointer, pointer + 1, (node->pointer_cnt - at) * sizeof *pointer);
    node->present[slot / 64] &= ~((uint64_t)1 << slot % 64);
}

unsigned slk_hamt_node_fits_bucket(const slk_hamt_node_t *node)
{
    unsigned entries = 0;
    for (unsigned i = 0; i < node->pointer_cnt; i++) {
        if (node->pointers[i].entry_cnt == 0)
            return 0;
        entries += node->pointers[i].entry_cnt;
    }
    return entries <= SLK_HAMT_BUCKET_MAX ? entries : 0;
}

/* --- CBOR ------------------------------------------------------------------------------------- */

static slk_err_t read_bitmap(slk_cbor_t *in, slk_hamt_node_t *node, unsigned bit_width)
{
    slk_bytes_t map;
    slk_err_t err = slk_cbor_bytes(in, &map, BITMAP_MAX);
    if (err != SLK_OK)
        return err;
    if (map.len && map.b[0] == 0)
        return slk_fail(in->diag, SLK_ERR_FORMAT, "HAMT node: a bitmap that begins with zeros");
    for (size_t i = 0; i < map.len; i++)
        node->present[i / 8] |= (uint64_t)map.b[map.len - 1 - i] << 8 * (i % 8);
    unsigned slots = 1u << bit_width;
    for (unsigned slot = slots; slot < 8 * BITMAP_MAX; slot++)
        if (node->present[slot / 64] >> slot % 64 & 1)
            return slk_fail(in->diag, SLK_ERR_FORMAT,
                            "HAMT node: bit %u of the bitmap, but bit width %u has %u slots", slot,
                            bit_width, slots);
    return SLK_OK;
}

static slk_err_t read_entry(slk_cbor_t *in, slk_hamt_entry_t **entry)
{
    slk_bytes_t key, value;
    slk_err_t err;
    SLK_TRY(slk_cbor_tuple(in, 2));
    SLK_TRY(slk_cbor_bytes(in, &key, SLK_HAMT_KEY_MAX));
    SLK_TRY(slk_cbor_item(in, &value));
    *entry = slk_hamt_entry_new(key, value);
    if (!*entry)
        err = slk_fail(in->diag, SLK_ERR_NOMEM, "no memory for an entry of a HAMT");
out:
    return err;
}

static slk_err_t read_bucket(slk_cbor_t *in, slk_hamt_pointer_t *pointer)
{
    size_t cnt;
    slk_err_t err = slk_cbor_array(in, &cnt);
    if (err != SLK_OK)
        return err;
    if (cnt == 0 || cnt > SLK_HAMT_BUCKET_MAX)
        return slk_fail(in->diag, SLK_ERR_FORMAT, "HAMT node: a bucket of %zu, expected 1 to %u",
                        cnt, SLK_HAMT_BUCKET_MAX);
    for (size_t i = 0; i < cnt; i++) {
        err = read_entry(in, &pointer->entries[i]);
        if (err != SLK_OK)
            return err;
        pointer->entry_cnt++;
        if (i && slk_hamt_key_cmp(slk_hamt_entry_key(pointer->entries[i - 1]),
                                  slk_hamt_entry_key(pointer->entries[i])) >= 0)
            return slk_fail(in->diag, SLK_ERR_FORMAT,
                            "HAMT node: the keys of a bucket do not ascend");
    }
    return SLK_OK;
}

static slk_err_t read_pointer(slk_cbor_t *in, slk_hamt_pointer_t *pointer)
{
    if (slk_cbor_peek(in) != SLK_CBOR_TAG)
        return read_bucket(in, pointer);
    slk_err_t err = slk_cbor_cid(in, &pointer->cid);
    if (err == SLK_OK && pointer->cid.b[DAG_CBOR_AT] != SLK_CODEC_DAG_CBOR)
        err = slk_fail(in->diag, SLK_ERR_FORMAT, "HAMT node: link %s is not to dag-cbor",
                       slk_cid_text(&pointer->cid).s);
    return err;
}

static slk_err_t read_pointers(slk_cbor_t *in, slk_hamt_node_t *node)
{
    size_t cnt, bits = 0;
    slk_err_t err = slk_cbor_array(in, &cnt);
    if (err != SLK_OK)
        return err;
    for (size_t i = 0; i < SLK_COUNT(node->present); i++)
        bits += (size_t)__builtin_popcountll(node->present[i]);
    if (cnt != bits)
        return slk_fail(in->diag, SLK_ERR_FORMAT,
                        "HAMT node: %zu pointers, but the bitmap has %zu bits", cnt, bits);
    size_t room = (cnt + POINTERS_STEP - 1) / POINTERS_STEP * POINTERS_STEP;
    node->pointers = calloc(room ? room : 1, sizeof *node->pointers);
    if (!node->pointers)
        return slk_fail(in->diag, SLK_ERR_NOMEM, "no memory for a HAMT node");
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        node->pointer_cnt++;
        err = read_pointer(in, &node->pointers[i]);
    }
    return err;
}

slk_err_t slk_hamt_node_read(slk_hamt_node_t **out, slk_bytes_t block, unsigned bit_width,
                             bool is_root, slk_diag_t *diag)
{
    slk_cbor_t in = slk_cbor_reader(block.b, block.len, diag);
    slk_hamt_node_t *node = slk_hamt_node_new();
    if (!node)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a HAMT node");
    slk_err_t err;
    SLK_TRY(slk_cbor_tuple(&in, 2));
    SLK_TRY(read_bitmap(&in, node, bit_width));
    SLK_TRY(read_pointers(&in, node));
    SLK_TRY(slk_cbor_end(&in));
    if (!is_root && (node->pointer_cnt == 0 || slk_hamt_node_fits_bucket(node)))
        err =
            slk_fail(diag, SLK_ERR_FORMAT, "HAMT node: what a link leads to would fit in a bucket");
out:
    if (err == SLK_OK)
        *out = node;
    else
        slk_hamt_node_free(node);
    return err;
}

void slk_hamt_node_write(slk_buf_t *out, const slk_hamt_node_t *node)
{
    uint8_t bitmap[BITMAP_MAX];
    size_t zeros = 0;
    for (size_t i = 0; i < BITMAP_MAX; i++)
        bitmap[BITMAP_MAX - 1 - i] = (uint8_t)(node->present[i / 8] >> 8 * (i % 8));
    while (zeros < BITMAP_MAX && bitmap[zeros] == 0)
        zeros++;
    slk_cbor_put_array(out, 2);
    slk_cbor_put_bytes(out, bitmap + zeros, BITMAP_MAX - zeros);
    slk_cbor_put_array(out, node->pointer_cnt);
    for (unsigned i = 0; i < node->pointer_cnt; i++) {
        const slk_hamt_pointer_t *pointer = &node->pointers[i];
        if (pointer->entry_cnt == 0) {
            SLK_ASSERT(!pointer->dirty);
            slk_cbor_put_cid(out, &pointer->cid);
            continue;
        }
        slk_cbor_put_array(out, pointer->entry_cnt);
        for (unsigned k = 0; k < pointer->entry_cnt; k++) {
            slk_bytes_t key = slk_hamt_entry_key(pointer->entries[k]);
            slk_bytes_t value = slk_hamt_entry_value(pointer->entries[k]);
            slk_cbor_put_array(out, 2);
            slk_cbor_put_bytes(out, key.b, key.len);
            slk_buf_put(out, value.b, value.len);
        }
    }
}
