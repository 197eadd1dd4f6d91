#include "codec/ipld/amt_node.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define DAG_CBOR_AT 1 /* byte of a CID's codec */

static unsigned width(unsigned bit_width)
{
    return 1u << bit_width;
}

/* Bytes of the bitmap. */
static size_t bitmap_len(unsigned bit_width)
{
    return bit_width <= 3 ? 1 : (size_t)1 << (bit_width - 3);
}

unsigned slk_amt_node_count(const slk_amt_node_t *node)
{
    unsigned cnt = 0;
    for (size_t i = 0; i < SLK_COUNT(node->present); i++)
        cnt += (unsigned)__builtin_popcountll(node->present[i]);
    return cnt;
}

slk_amt_node_t *slk_amt_node_new(unsigned bit_width, bool leaf)
{
    slk_amt_node_t *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->leaf = leaf;
    void *slots = calloc(width(bit_width), leaf ? sizeof *node->values : sizeof *node->links);
    if (leaf)
        node->values = slots;
    else
        node->links = slots;
    if (slots)
        return node;
    free(node);
    return NULL;
}

void slk_amt_node_clear(slk_amt_node_t *node, unsigned bit_width, unsigned slot)
{
    node->present[slot / 64] &= ~((uint64_t)1 << slot % 64);
    if (node->leaf) {
        if (node->values[slot].owned)
            free((void *)node->values[slot].b);
        node->values[slot] = (slk_amt_value_t){0};
    } else {
        slk_amt_node_free(node->links[slot].child, bit_width);
        node->links[slot] = (slk_amt_link_t){0};
    }
}

void slk_amt_node_free(slk_amt_node_t *node, unsigned bit_width)
{
    if (!node)
        return;
    for (unsigned i = 0; i < width(bit_width); i++)
        slk_amt_node_clear(node, bit_width, i);
    if (node->leaf)
        free(node->values);
    else
        free(node->links);
    free(node->block);
    free(node);
}

bool slk_amt_node_put_value(slk_amt_node_t *node, unsigned slot, slk_bytes_t value)
{
    SLK_ASSERT(node->leaf && value.len && value.len < SLK_BLOCK_MAX);
    uint8_t *copy = malloc(value.len);
    if (!copy)
        return false;
    memcpy(copy, value.b, value.len);
    if (node->values[slot].owned)
        free((void *)node->values[slot].b);
    node->values[slot] = (slk_amt_value_t){copy, (uint32_t)value.len, true};
    node->present[slot / 64] |= (uint64_t)1 << slot % 64;
    return true;
}

/* --- CBOR ------------------------------------------------------------------------------------- */

static slk_err_t read_bitmap(slk_cbor_t *in, uint64_t present[4], unsigned bit_width)
{
    slk_bytes_t map;
    slk_err_t err = slk_cbor_bytes(in, &map, bitmap_len(bit_width));
    if (err != SLK_OK)
        return err;
    if (map.len != bitmap_len(bit_width))
        return slk_fail(in->diag, SLK_ERR_FORMAT,
                        "AMT node: a bitmap of %zu bytes, expected %zu for bit width %u", map.len,
                        bitmap_len(bit_width), bit_width);
    memset(present, 0, 4 * sizeof *present);
    for (size_t i = 0; i < map.len; i++)
        present[i / 8] |= (uint64_t)map.b[i] << 8 * (i % 8);
    if (bit_width < 3 && present[0] >> width(bit_width))
        return slk_fail(in->diag, SLK_ERR_FORMAT, "AMT node: bitmap 0x%02x has more than %u bits",
                        map.b[0], width(bit_width));
    return SLK_OK;
}

static slk_err_t read_links(slk_cbor_t *in, slk_amt_node_t *node, size_t cnt, unsigned bit_width)
{
    for (unsigned slot = 0; cnt && slot < width(bit_width); slot++) {
        if (!slk_amt_node_has(node, slot))
            continue;
        slk_cid_t *cid = &node->links[slot].cid;
        slk_err_t err = slk_cbor_cid(in, cid);
        if (err != SLK_OK)
            return err;
        if (cid->b[DAG_CBOR_AT] != SLK_CODEC_DAG_CBOR)
            return slk_fail(in->diag, SLK_ERR_FORMAT, "AMT node: link %s is not to dag-cbor",
                            slk_cid_text(cid).s);
        cnt--;
    }
    return SLK_OK;
}

static slk_err_t read_values(slk_cbor_t *in, slk_amt_node_t *node, size_t cnt, unsigned bit_width)
{
    for (unsigned slot = 0; cnt && slot < width(bit_width); slot++) {
        if (!slk_amt_node_has(node, slot))
            continue;
        slk_bytes_t value;
        slk_err_t err = slk_cbor_item(in, &value);
        if (err != SLK_OK)
            return err;
        node->values[slot] = (slk_amt_value_t){value.b, (uint32_t)value.len, false};
        cnt--;
    }
    return SLK_OK;
}

slk_err_t slk_amt_node_read(slk_amt_node_t **out, slk_cbor_t *in, unsigned bit_width, bool leaf,
                            bool may_be_empty)
{
    uint64_t present[4];
    size_t links, values;
    slk_amt_node_t *node = NULL;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_cbor_tuple(in, 3));
    SLK_TRY(read_bitmap(in, present, bit_width));
    node = slk_amt_node_new(bit_width, leaf);
    if (!node) {
        err = slk_fail(in->diag, SLK_ERR_NOMEM, "no memory for an AMT node");
        goto out;
    }
    memcpy(node->present, present, sizeof present);
    unsigned cnt = slk_amt_node_count(node);
    SLK_TRY(slk_cbor_array(in, &links));
    if (links != (leaf ? 0 : cnt)) {
        err = slk_fail(in->diag, SLK_ERR_FORMAT,
                       "AMT node: %zu links in a %s whose bitmap has %u bits", links,
                       leaf ? "leaf" : "node above the leaves", cnt);
        goto out;
    }
    SLK_TRY(read_links(in, node, links, bit_width));
    SLK_TRY(slk_cbor_array(in, &values));
    if (values != (leaf ? cnt : 0)) {
        err = slk_fail(in->diag, SLK_ERR_FORMAT,
                       "AMT node: %zu values in a %s whose bitmap has %u bits", values,
                       leaf ? "leaf" : "node above the leaves", cnt);
        goto out;
    }
    SLK_TRY(read_values(in, node, values, bit_width));
    if (cnt == 0 && !may_be_empty)
        err = slk_fail(in->diag, SLK_ERR_FORMAT, "AMT node: empty");
out:
    if (err == SLK_OK)
        *out = node;
    else
        slk_amt_node_free(node, bit_width);
    return err;
}

void slk_amt_node_write(slk_buf_t *out, const slk_amt_node_t *node, unsigned bit_width)
{
    unsigned cnt = slk_amt_node_count(node);
    uint8_t bitmap[32];
    for (size_t i = 0; i < sizeof bitmap; i++)
        bitmap[i] = (uint8_t)(node->present[i / 8] >> 8 * (i % 8));
    slk_cbor_put_array(out, 3);
    slk_cbor_put_bytes(out, bitmap, bitmap_len(bit_width));
    slk_cbor_put_array(out, node->leaf ? 0 : cnt);
    for (unsigned slot = 0; !node->leaf && slot < width(bit_width); slot++) {
        if (!slk_amt_node_has(node, slot))
            continue;
        SLK_ASSERT(!node->links[slot].dirty);
        slk_cbor_put_cid(out, &node->links[slot].cid);
    }
    slk_cbor_put_array(out, node->leaf ? cnt : 0);
    for (unsigned slot = 0; node->leaf && slot < width(bit_width); slot++)
        if (slk_amt_node_has(node, slot))
            slk_buf_put(out, node->values[slot].b, node->values[slot].len);
}
