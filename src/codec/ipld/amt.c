#include "codec/ipld/amt.h"

#include "base/assert.h"
#include "codec/ipld/amt_node.h"

#include <inttypes.h>
#include <stdlib.h>

#define V0_BIT_WIDTH 3
#define LEVELS_MAX   64 /* at bit width 1 */

struct slk_amt {
    slk_blockstore_t store;
    slk_amt_version_t version;
    unsigned bit_width, height;
    uint64_t count;
    slk_amt_node_t *root;
    unsigned walks;    /* foreach calls under way */
    bool half_changed; /* an error came between two steps that belong together */
};

/* --- Numbers ---------------------------------------------------------------------------------- */

/* How far the indices of two neighbouring slots lie apart at a height: 2^result. */
static unsigned shift_at(const slk_amt_t *amt, unsigned height)
{
    return amt->bit_width * height;
}

static unsigned slot_at(const slk_amt_t *amt, unsigned height, uint64_t index)
{
    return (unsigned)(index >> shift_at(amt, height)) & ((1u << amt->bit_width) - 1);
}

/* Whether a tree of this height has a place for the index. */
static bool reaches(const slk_amt_t *amt, unsigned height, uint64_t index)
{
    unsigned bits = shift_at(amt, height + 1);
    return bits >= 64 || index >> bits == 0;
}

static slk_err_t check_call(const slk_amt_t *amt, uint64_t index, slk_diag_t *diag)
{
    if (amt->half_changed)
        return slk_fail(diag, SLK_ERR_STATE, "AMT: an error before left the tree half changed");
    if (index > SLK_AMT_INDEX_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "AMT: index %" PRIu64 " is above %" PRIu64, index,
                        SLK_AMT_INDEX_MAX);
    return SLK_OK;
}

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for an AMT node");
}

/* --- Making and loading ----------------------------------------------------------------------- */

static slk_amt_t *make(const slk_blockstore_t *store, slk_amt_version_t version, unsigned bit_width)
{
    SLK_ASSERT(bit_width >= 1 && bit_width <= SLK_AMT_BIT_WIDTH_MAX);
    SLK_ASSERT(version == SLK_AMT_V3 || bit_width == V0_BIT_WIDTH);
    slk_amt_t *amt = calloc(1, sizeof *amt);
    if (!amt)
        return NULL;
    amt->store = *store;
    amt->version = version;
    amt->bit_width = bit_width;
    return amt;
}

slk_err_t slk_amt_new(slk_amt_t **out, const slk_blockstore_t *store, slk_amt_version_t version,
                      unsigned bit_width)
{
    slk_amt_t *amt = make(store, version, bit_width);
    if (!amt)
        return SLK_ERR_NOMEM;
    amt->root = slk_amt_node_new(bit_width, true);
    if (!amt->root) {
        free(amt);
        return SLK_ERR_NOMEM;
    }
    *out = amt;
    return SLK_OK;
}

void slk_amt_free(slk_amt_t *amt)
{
    if (!amt)
        return;
    slk_amt_node_free(amt->root, amt->bit_width);
    free(amt);
}

/* The numbers before the root's node. */
static slk_err_t read_numbers(slk_amt_t *amt, slk_cbor_t *in)
{
    uint64_t bit_width = amt->bit_width, height;
    slk_err_t err;
    SLK_TRY(slk_cbor_tuple(in, amt->version == SLK_AMT_V0 ? 3 : 4));
    if (amt->version == SLK_AMT_V3)
        SLK_TRY(slk_cbor_uint(in, &bit_width));
    SLK_TRY(slk_cbor_uint(in, &height));
    SLK_TRY(slk_cbor_uint(in, &amt->count));
    if (bit_width != amt->bit_width)
        return slk_fail(in->diag, SLK_ERR_FORMAT, "AMT root: bit width %" PRIu64 ", expected %u",
                        bit_width, amt->bit_width);
    if (height >= LEVELS_MAX || shift_at(amt, (unsigned)height) >= 64)
        return slk_fail(in->diag, SLK_ERR_FORMAT, "AMT root: no index needs a height of %" PRIu64,
                        height);
    amt->height = (unsigned)height;
    if (amt->count && !reaches(amt, amt->height, amt->count - 1))
        return slk_fail(in->diag, SLK_ERR_FORMAT,
                        "AMT root: %" PRIu64 " values do not fit a height of %u", amt->count,
                        amt->height);
out:
    return err;
}

slk_err_t slk_amt_load(slk_amt_t **out, const slk_blockstore_t *store, slk_amt_version_t version,
                       unsigned bit_width, const slk_cid_t *root, slk_diag_t *diag)
{
    uint8_t *block = NULL;
    size_t len;
    slk_amt_t *amt = make(store, version, bit_width);
    if (!amt)
        return no_memory(diag);
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_block_get(store, &block, &len, root, diag));
    slk_cbor_t in = slk_cbor_reader(block, len, diag);
    SLK_TRY(read_numbers(amt, &in));
    SLK_TRY(slk_amt_node_read(&amt->root, &in, bit_width, amt->height == 0, amt->height == 0));
    amt->root->block = block;
    block = NULL;
    SLK_TRY(slk_cbor_end(&in));
    if ((amt->count == 0) != (slk_amt_node_count(amt->root) == 0))
        err = slk_fail(diag, SLK_ERR_FORMAT, "AMT root: says %" PRIu64 " values over %u slots",
                       amt->count, slk_amt_node_count(amt->root));
out:
    free(block);
    if (err == SLK_OK)
        *out = amt;
    else
        slk_amt_free(amt);
    return err;
}

/* Read the block of a link as a node of the given height. */
static slk_err_t load_node(const slk_amt_t *amt, slk_amt_node_t **out, const slk_cid_t *cid,
                           unsigned height, slk_diag_t *diag)
{
    slk_amt_node_t *node = NULL;
    uint8_t *block = NULL;
    size_t len;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_block_get(&amt->store, &block, &len, cid, diag));
    slk_cbor_t in = slk_cbor_reader(block, len, diag);
    SLK_TRY(slk_amt_node_read(&node, &in, amt->bit_width, height == 0, false));
    node->block = block;
    block = NULL;
    SLK_TRY(slk_cbor_end(&in));
    *out = node;
    node = NULL;
out:
    free(block);
    slk_amt_node_free(node, amt->bit_width);
    return err;
}

/* The child of a slot that is set, loaded and kept if it was not. */
static slk_err_t child_of(const slk_amt_t *amt, slk_amt_node_t **child, slk_amt_node_t *node,
                          unsigned slot, unsigned height, slk_diag_t *diag)
{
    slk_amt_link_t *link = &node->links[slot];
    slk_err_t err = SLK_OK;
    if (!link->child)
        err = load_node(amt, &link->child, &link->cid, height - 1, diag);
    *child = link->child;
    return err;
}

/* --- One value -------------------------------------------------------------------------------- */

/* The nodes from the root, path[height], down to the leaf, path[0]. */
typedef slk_amt_node_t *path_t[LEVELS_MAX];

/* Load them. *found: the index is set; without it the lower part of the path is NULL. */
static slk_err_t walk_down(const slk_amt_t *amt, path_t path, bool *found, uint64_t index,
                           slk_diag_t *diag)
{
    *found = false;
    for (unsigned i = 0; i <= amt->height; i++)
        path[i] = NULL;
    if (!reaches(amt, amt->height, index))
        return SLK_OK;
    slk_amt_node_t *node = amt->root;
    for (unsigned height = amt->height;; height--) {
        path[height] = node;
        unsigned slot = slot_at(amt, height, index);
        if (!slk_amt_node_has(node, slot))
            return SLK_OK;
        *found = height == 0;
        if (height == 0)
            return SLK_OK;
        slk_err_t err = child_of(amt, &node, node, slot, height, diag);
        if (err != SLK_OK)
            return err;
    }
}

uint64_t slk_amt_count(const slk_amt_t *amt)
{
    return amt->count;
}

unsigned slk_amt_height(const slk_amt_t *amt)
{
    return amt->height;
}

slk_err_t slk_amt_get(slk_amt_t *amt, slk_bytes_t *value, uint64_t index, slk_diag_t *diag)
{
    path_t path;
    bool found;
    *value = (slk_bytes_t){0};
    slk_err_t err = check_call(amt, index, diag);
    if (err == SLK_OK)
        err = walk_down(amt, path, &found, index, diag);
    if (err == SLK_OK && found) {
        const slk_amt_value_t *slot = &path[0]->values[slot_at(amt, 0, index)];
        *value = (slk_bytes_t){slot->b, slot->len};
    }
    return err;
}

/* Put nodes above the root until the tree has a place for the index. */
static slk_err_t grow(slk_amt_t *amt, uint64_t index, slk_diag_t *diag)
{
    while (!reaches(amt, amt->height, index)) {
        slk_amt_node_t *above = slk_amt_node_new(amt->bit_width, false);
        if (!above)
            return no_memory(diag);
        if (slk_amt_node_count(amt->root)) {
            above->links[0] = (slk_amt_link_t){.child = amt->root, .dirty = true};
            above->present[0] = 1;
        } else {
            slk_amt_node_free(amt->root, amt->bit_width);
        }
        amt->root = above;
        amt->height++;
    }
    return SLK_OK;
}

/* Set a value whose path is loaded as far as there is one. */
static slk_err_t put(slk_amt_t *amt, uint64_t index, slk_bytes_t value, slk_diag_t *diag)
{
    slk_err_t err = grow(amt, index, diag);
    if (err != SLK_OK)
        return err;
    slk_amt_node_t *node = amt->root;
    for (unsigned height = amt->height; height; height--) {
        unsigned slot = slot_at(amt, height, index);
        slk_amt_link_t *link = &node->links[slot];
        if (!slk_amt_node_has(node, slot)) {
            link->child = slk_amt_node_new(amt->bit_width, height == 1);
            if (!link->child)
                return no_memory(diag);
            node->present[slot / 64] |= (uint64_t)1 << slot % 64;
        }
        link->dirty = true;
        node = link->child;
    }
    return slk_amt_node_put_value(node, slot_at(amt, 0, index), value) ? SLK_OK : no_memory(diag);
}

slk_err_t slk_amt_set(slk_amt_t *amt, uint64_t index, slk_bytes_t value, slk_diag_t *diag)
{
    SLK_ASSERT(!amt->walks);
    path_t path;
    bool found;
    slk_err_t err;
    SLK_TRY(check_call(amt, index, diag));
    SLK_TRY(walk_down(amt, path, &found, index, diag));
    err = put(amt, index, value, diag);
    amt->half_changed = err != SLK_OK;
    amt->count += err == SLK_OK && !found;
out:
    return err;
}

slk_err_t slk_amt_set_batch(slk_amt_t *amt, uint64_t first, const slk_bytes_t *values, size_t cnt,
                            slk_diag_t *diag)
{
    if (cnt && (first > SLK_AMT_INDEX_MAX || cnt - 1 > SLK_AMT_INDEX_MAX - first))
        return slk_fail(diag, SLK_ERR_INPUT, "AMT: %zu values from %" PRIu64 " on are too many",
                        cnt, first);
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < cnt && err == SLK_OK; i++)
        err = slk_amt_set(amt, first + i, values[i], diag);
    return err;
}

/* Make the tree as low as it can be: a root with nothing but its first child is replaced by
 * that. */
static slk_err_t lower(slk_amt_t *amt, slk_diag_t *diag)
{
    if (amt->height && slk_amt_node_count(amt->root) == 0) {
        slk_amt_node_t *leaf = slk_amt_node_new(amt->bit_width, true);
        if (!leaf)
            return no_memory(diag);
        slk_amt_node_free(amt->root, amt->bit_width);
        amt->root = leaf;
        amt->height = 0;
    }
    while (amt->height && slk_amt_node_has(amt->root, 0) && slk_amt_node_count(amt->root) == 1) {
        slk_amt_node_t *child;
        slk_err_t err = child_of(amt, &child, amt->root, 0, amt->height, diag);
        if (err != SLK_OK)
            return err;
        amt->root->links[0].child = NULL;
        slk_amt_node_free(amt->root, amt->bit_width);
        amt->root = child;
        amt->height--;
    }
    return SLK_OK;
}

slk_err_t slk_amt_delete(slk_amt_t *amt, uint64_t index, bool *found, slk_diag_t *diag)
{
    SLK_ASSERT(!amt->walks);
    path_t path;
    bool there = false;
    slk_err_t err;
    SLK_TRY(check_call(amt, index, diag));
    SLK_TRY(walk_down(amt, path, &there, index, diag));
    if (!there)
        goto out;
    if (amt->count == 0) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "AMT: more values than the root says");
        goto out;
    }
    slk_amt_node_clear(path[0], amt->bit_width, slot_at(amt, 0, index));
    for (unsigned height = 1; height <= amt->height; height++) {
        unsigned slot = slot_at(amt, height, index);
        if (slk_amt_node_count(path[height - 1]) == 0)
            slk_amt_node_clear(path[height], amt->bit_width, slot);
        else
            path[height]->links[slot].dirty = true;
    }
    amt->count--;
    err = lower(amt, diag);
    amt->half_changed = err != SLK_OK;
out:
    if (found)
        *found = there;
    return err;
}

slk_err_t slk_amt_delete_batch(slk_amt_t *amt, const uint64_t *indices, size_t cnt, bool strict,
                               bool *changed, slk_diag_t *diag)
{
    bool any = false;
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        bool found;
        err = slk_amt_delete(amt, indices[i], &found, diag);
        any |= found;
        if (err == SLK_OK && strict && !found)
            err = slk_fail(diag, SLK_ERR_INPUT, "AMT: index %" PRIu64 " is not set", indices[i]);
    }
    if (changed)
        *changed = any;
    return err;
}

/* --- All values ------------------------------------------------------------------------------- */

typedef struct {
    const slk_amt_t *amt;
    uint64_t from;
    slk_amt_visit_t visit;
    void *ctx;
    bool stop;
    slk_diag_t *diag;
} walk_t;

static slk_err_t walk_leaf(walk_t *walk, const slk_amt_node_t *node, uint64_t base)
{
    slk_err_t err = SLK_OK;
    for (unsigned slot = 0; slot < 1u << walk->amt->bit_width && err == SLK_OK && !walk->stop;
         slot++) {
        if (!slk_amt_node_has(node, slot) || base + slot < walk->from)
            continue;
        if (base + slot > SLK_AMT_INDEX_MAX)
            return slk_fail(walk->diag, SLK_ERR_FORMAT, "AMT: a value at index %" PRIu64,
                            base + slot);
        slk_bytes_t value = {node->values[slot].b, node->values[slot].len};
        err = walk->visit(walk->ctx, base + slot, value, &walk->stop, walk->diag);
    }
    return err;
}

/* Show the values below a node whose first index is base. */
static slk_err_t walk_node(walk_t *walk, const slk_amt_node_t *node, unsigned height, uint64_t base)
{
    if (height == 0)
        return walk_leaf(walk, node, base);
    const slk_amt_t *amt = walk->amt;
    unsigned shift = shift_at(amt, height);
    slk_err_t err = SLK_OK;
    for (unsigned slot = 0; slot < 1u << amt->bit_width && err == SLK_OK && !walk->stop; slot++) {
        if (!slk_amt_node_has(node, slot))
            continue;
        if (slot > UINT64_MAX >> shift)
            return slk_fail(walk->diag, SLK_ERR_FORMAT, "AMT: a node above index 2^64");
        uint64_t first = base + ((uint64_t)slot << shift);
        if (first + (((uint64_t)1 << shift) - 1) < walk->from)
            continue;
        slk_amt_node_t *child = node->links[slot].child, *own = NULL;
        if (!child) {
            err = load_node(amt, &own, &node->links[slot].cid, height - 1, walk->diag);
            child = own;
        }
        if (err == SLK_OK) {
            err = walk_node(walk, child, height - 1, first);
            slk_amt_node_free(own, amt->bit_width);
        }
    }
    return err;
}

slk_err_t slk_amt_foreach(slk_amt_t *amt, uint64_t from, slk_amt_visit_t visit, void *ctx,
                          slk_diag_t *diag)
{
    slk_err_t err = check_call(amt, 0, diag);
    if (err != SLK_OK)
        return err;
    walk_t walk = {amt, from, visit, ctx, false, diag};
    amt->walks++;
    err = walk_node(&walk, amt->root, amt->height, 0);
    amt->walks--;
    return err;
}

typedef struct {
    uint64_t index;
    bool found;
} first_t;

static slk_err_t take_first(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                            slk_diag_t *diag)
{
    (void)value;
    (void)diag;
    *(first_t *)ctx = (first_t){index, true};
    *stop = true;
    return SLK_OK;
}

slk_err_t slk_amt_first(slk_amt_t *amt, uint64_t *index, bool *found, slk_diag_t *diag)
{
    first_t first = {0};
    slk_err_t err = slk_amt_foreach(amt, 0, take_first, &first, diag);
    *index = first.index;
    *found = first.found;
    return err;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static slk_err_t put_block(const slk_amt_t *amt, slk_cid_t *cid, const slk_buf_t *block,
                           slk_diag_t *diag)
{
    slk_err_t err = slk_buf_check(block, diag);
    return err == SLK_OK ? slk_block_put(&amt->store, cid, block->bytes, block->len, diag) : err;
}

/* Write the changed nodes below a node, the lowest first. */
static slk_err_t write_below(const slk_amt_t *amt, slk_amt_node_t *node, slk_buf_t *buf,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (unsigned slot = 0; !node->leaf && slot < 1u << amt->bit_width && err == SLK_OK; slot++) {
        slk_amt_link_t *link = &node->links[slot];
        if (!link->dirty)
            continue;
        SLK_TRY(write_below(amt, link->child, buf, diag));
        slk_buf_clear(buf);
        slk_amt_node_write(buf, link->child, amt->bit_width);
        SLK_TRY(put_block(amt, &link->cid, buf, diag));
        link->dirty = false;
    }
out:
    return err;
}

slk_err_t slk_amt_flush(slk_amt_t *amt, slk_cid_t *root, slk_diag_t *diag)
{
    SLK_ASSERT(!amt->walks);
    slk_buf_t buf = {0};
    slk_err_t err;
    SLK_TRY(check_call(amt, 0, diag));
    SLK_TRY(write_below(amt, amt->root, &buf, diag));
    slk_buf_clear(&buf);
    slk_cbor_put_array(&buf, amt->version == SLK_AMT_V0 ? 3 : 4);
    if (amt->version == SLK_AMT_V3)
        slk_cbor_put_uint(&buf, amt->bit_width);
    slk_cbor_put_uint(&buf, amt->height);
    slk_cbor_put_uint(&buf, amt->count);
    slk_amt_node_write(&buf, amt->root, amt->bit_width);
    SLK_TRY(put_block(amt, root, &buf, diag));
out:
    slk_buf_free(&buf);
    return err;
}
