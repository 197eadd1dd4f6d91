#include "codec/ipld/hamt.h"

#include "base/assert.h"
#include "codec/ipld/hamt_node.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BITS (8 * SHA256_DIGEST_LENGTH)

struct slk_hamt {
    slk_blockstore_t store;
    unsigned bit_width;
    slk_hamt_node_t *root;
    unsigned walks;    /* foreach calls under way */
    bool half_changed; /* an error came between two steps that belong together */
};

/* --- Hashes ----------------------------------------------------------------------------------- */

typedef struct {
    uint8_t b[SHA256_DIGEST_LENGTH];
} hash_t;

/* Fetched once: the library's search for an algorithm costs more than hashing a key. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    SLK_ASSERT(sha256);
}

static hash_t hash_of(slk_bytes_t key)
{
    hash_t hash;
    pthread_once(&sha256_once, fetch_sha256);
    SLK_ASSERT(EVP_Digest(key.b, key.len, hash.b, NULL, sha256, NULL));
    return hash;
}

/* The slot in a node of this depth; the last has what bits are left. */
static unsigned slot_at(const slk_hamt_t *hamt, const hash_t *hash, unsigned depth)
{
    unsigned from = depth * hamt->bit_width, to = from + hamt->bit_width, slot = 0;
    for (unsigned bit = from; bit < to && bit < HASH_BITS; bit++)
        slot = slot << 1 | (hash->b[bit / 8] >> (7 - bit % 8) & 1);
    return slot;
}

static slk_err_t check_depth(const slk_hamt_t *hamt, unsigned depth, slk_diag_t *diag)
{
    if (depth * hamt->bit_width < HASH_BITS)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_FORMAT, "HAMT: %u levels, more than a hash has bits for", depth);
}

/* --- Making and loading ----------------------------------------------------------------------- */

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a HAMT node");
}

static slk_err_t check_call(const slk_hamt_t *hamt, slk_diag_t *diag)
{
    if (hamt->half_changed)
        return slk_fail(diag, SLK_ERR_STATE, "HAMT: an error before left the tree half changed");
    return SLK_OK;
}

static slk_err_t check_key(const slk_hamt_t *hamt, slk_bytes_t key, slk_diag_t *diag)
{
    if (key.len > SLK_HAMT_KEY_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "HAMT: a key of %zu bytes, at most %zu may be",
                        key.len, SLK_HAMT_KEY_MAX);
    return check_call(hamt, diag);
}

static slk_hamt_t *make(const slk_blockstore_t *store, unsigned bit_width)
{
    SLK_ASSERT(bit_width >= 1 && bit_width <= SLK_HAMT_BIT_WIDTH_MAX);
    slk_hamt_t *hamt = calloc(1, sizeof *hamt);
    if (!hamt)
        return NULL;
    hamt->store = *store;
    hamt->bit_width = bit_width;
    return hamt;
}

slk_err_t slk_hamt_new(slk_hamt_t **out, const slk_blockstore_t *store, unsigned bit_width)
{
    slk_hamt_t *hamt = make(store, bit_width);
    if (!hamt)
        return SLK_ERR_NOMEM;
    hamt->root = slk_hamt_node_new();
    if (!hamt->root) {
        free(hamt);
        return SLK_ERR_NOMEM;
    }
    *out = hamt;
    return SLK_OK;
}

void slk_hamt_free(slk_hamt_t *hamt)
{
    if (!hamt)
        return;
    slk_hamt_node_free(hamt->root);
    free(hamt);
}

static slk_err_t load_node(const slk_hamt_t *hamt, slk_hamt_node_t **node, const slk_cid_t *cid,
                           bool is_root, slk_diag_t *diag)
{
    uint8_t *block;
    size_t len;
    slk_err_t err = slk_block_get(&hamt->store, &block, &len, cid, diag);
    if (err != SLK_OK)
        return err;
    err = slk_hamt_node_read(node, (slk_bytes_t){block, len}, hamt->bit_width, is_root, diag);
    free(block);
    return err;
}

slk_err_t slk_hamt_load(slk_hamt_t **out, const slk_blockstore_t *store, unsigned bit_width,
                        const slk_cid_t *root, slk_diag_t *diag)
{
    slk_hamt_t *hamt = make(store, bit_width);
    if (!hamt)
        return no_memory(diag);
    slk_err_t err = load_node(hamt, &hamt->root, root, true, diag);
    if (err == SLK_OK)
        *out = hamt;
    else
        slk_hamt_free(hamt);
    return err;
}

bool slk_hamt_is_empty(const slk_hamt_t *hamt)
{
    return hamt->root->pointer_cnt == 0;
}

/* The node of a link, loaded and kept if it was not. */
static slk_err_t child_of(const slk_hamt_t *hamt, slk_hamt_pointer_t *pointer, slk_diag_t *diag)
{
    if (pointer->child)
        return SLK_OK;
    return load_node(hamt, &pointer->child, &pointer->cid, false, diag);
}

/* --- One entry -------------------------------------------------------------------------------- */

/* Whether a bucket has the key; *at: its place, or the one it would have. */
static bool in_bucket(const slk_hamt_pointer_t *bucket, slk_bytes_t key, unsigned *at)
{
    for (*at = 0; *at < bucket->entry_cnt; ++*at) {
        int order = slk_hamt_key_cmp(slk_hamt_entry_key(bucket->entries[*at]), key);
        if (order >= 0)
            return order == 0;
    }
    return false;
}

slk_err_t slk_hamt_get(slk_hamt_t *hamt, slk_bytes_t *value, slk_bytes_t key, slk_diag_t *diag)
{
    *value = (slk_bytes_t){0};
    slk_err_t err = check_key(hamt, key, diag);
    hash_t hash = hash_of(key);
    slk_hamt_node_t *node = hamt->root;
    for (unsigned depth = 0; err == SLK_OK; depth++) {
        unsigned at;
        err = check_depth(hamt, depth, diag);
        if (err != SLK_OK || !slk_hamt_node_find(node, slot_at(hamt, &hash, depth), &at))
            break;
        slk_hamt_pointer_t *pointer = &node->pointers[at];
        if (pointer->entry_cnt) {
            if (in_bucket(pointer, key, &at))
                *value = slk_hamt_entry_value(pointer->entries[at]);
            break;
        }
        err = child_of(hamt, pointer, diag);
        node = pointer->child;
    }
    return err;
}

/* What became of the entry that was to be set. */
typedef enum { ADDED, REPLACED, KEPT_OLD } outcome_t;

/* What is to be set. The tree takes the entry, unless there is an error or the outcome is
 * KEPT_OLD. */
typedef struct {
    slk_hamt_entry_t *entry;
    hash_t hash; /* of its key */
    bool keep_old;
    outcome_t outcome;
} change_t;

static slk_err_t set_below(slk_hamt_t *hamt, slk_hamt_node_t *node, unsigned depth,
                           change_t *change, slk_diag_t *diag);

/* Turn a full bucket into a link to a node that has its entries. */
static slk_err_t split(slk_hamt_t *hamt, slk_hamt_pointer_t *bucket, unsigned depth,
                       slk_diag_t *diag)
{
    slk_hamt_node_t *node = slk_hamt_node_new();
    if (!node)
        return no_memory(diag);
    slk_err_t err = SLK_OK;
    while (bucket->entry_cnt && err == SLK_OK) {
        slk_hamt_entry_t *entry = bucket->entries[bucket->entry_cnt - 1];
        change_t change = {.entry = entry, .hash = hash_of(slk_hamt_entry_key(entry))};
        err = set_below(hamt, node, depth + 1, &change, diag);
        bucket->entry_cnt -= err == SLK_OK;
    }
    if (err == SLK_OK)
        *bucket = (slk_hamt_pointer_t){.child = node, .dirty = true};
    else
        slk_hamt_node_free(node);
    return err;
}

static slk_err_t set_in_bucket(slk_hamt_t *hamt, slk_hamt_pointer_t *bucket, unsigned depth,
                               change_t *change, slk_diag_t *diag)
{
    unsigned at;
    if (in_bucket(bucket, slk_hamt_entry_key(change->entry), &at)) {
        change->outcome = change->keep_old ? KEPT_OLD : REPLACED;
        if (!change->keep_old) {
            free(bucket->entries[at]);
            bucket->entries[at] = change->entry;
        }
        return SLK_OK;
    }
    if (bucket->entry_cnt == SLK_HAMT_BUCKET_MAX) {
        slk_err_t err = split(hamt, bucket, depth, diag);
        return err == SLK_OK ? set_below(hamt, bucket->child, depth + 1, change, diag) : err;
    }
    memmove(bucket->entries + at + 1, bucket->entries + at,
            (bucket->entry_cnt - at) * sizeof(slk_hamt_entry_t *));
    bucket->entries[at] = change->entry;
    bucket->entry_cnt++;
    change->outcome = ADDED;
    return SLK_OK;
}

/* Set an entry in the tree under a node. */
static slk_err_t set_below(slk_hamt_t *hamt, slk_hamt_node_t *node, unsigned depth,
                           change_t *change, slk_diag_t *diag)
{
    slk_err_t err = check_depth(hamt, depth, diag);
    if (err != SLK_OK)
        return err;
    unsigned slot = slot_at(hamt, &change->hash, depth), at;
    if (!slk_hamt_node_find(node, slot, &at)) {
        change->outcome = ADDED;
        return slk_hamt_node_insert(node, slot, change->entry) ? SLK_OK : no_memory(diag);
    }
    slk_hamt_pointer_t *pointer = &node->pointers[at];
    if (pointer->entry_cnt)
        return set_in_bucket(hamt, pointer, depth, change, diag);
    SLK_TRY(child_of(hamt, pointer, diag));
    SLK_TRY(set_below(hamt, pointer->child, depth + 1, change, diag));
    pointer->dirty |= change->outcome != KEPT_OLD;
out:
    return err;
}

static slk_err_t set(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t value, bool keep_old,
                     outcome_t *outcome, slk_diag_t *diag)
{
    SLK_ASSERT(!hamt->walks);
    /* Loads the nodes on the way, so that a block that is missing changes nothing. */
    slk_bytes_t old;
    slk_err_t err = slk_hamt_get(hamt, &old, key, diag);
    if (err != SLK_OK)
        return err;
    change_t change = {slk_hamt_entry_new(key, value), hash_of(key), keep_old, KEPT_OLD};
    if (!change.entry)
        return no_memory(diag);
    err = set_below(hamt, hamt->root, 0, &change, diag);
    hamt->half_changed = err != SLK_OK;
    if (err != SLK_OK || change.outcome == KEPT_OLD)
        free(change.entry);
    *outcome = change.outcome;
    return err;
}

slk_err_t slk_hamt_set(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t value, slk_diag_t *diag)
{
    outcome_t outcome;
    return set(hamt, key, value, false, &outcome, diag);
}

slk_err_t slk_hamt_set_if_absent(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t value, bool *added,
                                 slk_diag_t *diag)
{
    outcome_t outcome = KEPT_OLD;
    slk_err_t err = set(hamt, key, value, true, &outcome, diag);
    *added = outcome == ADDED;
    return err;
}

/* Turn a link whose node would fit in a bucket into that. */
static void collapse(slk_hamt_pointer_t *link)
{
    slk_hamt_node_t *node = link->child;
    if (!slk_hamt_node_fits_bucket(node))
        return;
    slk_hamt_pointer_t bucket = {0};
    for (unsigned i = 0; i < node->pointer_cnt; i++) {
        for (unsigned k = 0; k < node->pointers[i].entry_cnt; k++) {
            slk_hamt_entry_t *entry = node->pointers[i].entries[k];
            unsigned at;
            in_bucket(&bucket, slk_hamt_entry_key(entry), &at);
            memmove(bucket.entries + at + 1, bucket.entries + at,
                    (bucket.entry_cnt - at) * sizeof(slk_hamt_entry_t *));
            bucket.entries[at] = entry;
            bucket.entry_cnt++;
        }
        node->pointers[i].entry_cnt = 0;
    }
    slk_hamt_node_free(node);
    *link = bucket;
}

static slk_err_t delete_below(slk_hamt_t *hamt, slk_hamt_node_t *node, unsigned depth,
                              slk_bytes_t key, const hash_t *hash, bool *found, slk_diag_t *diag)
{
    slk_err_t err = check_depth(hamt, depth, diag);
    unsigned slot = slot_at(hamt, hash, depth), at;
    if (err != SLK_OK || !slk_hamt_node_find(node, slot, &at))
        return err;
    slk_hamt_pointer_t *pointer = &node->pointers[at];
    if (pointer->entry_cnt == 0) {
        SLK_TRY(child_of(hamt, pointer, diag));
        SLK_TRY(delete_below(hamt, pointer->child, depth + 1, key, hash, found, diag));
        if (*found) {
            pointer->dirty = true;
            collapse(pointer);
        }
    } else if (in_bucket(pointer, key, &at)) {
        *found = true;
        free(pointer->entries[at]);
        pointer->entry_cnt--;
        memmove(pointer->entries + at, pointer->entries + at + 1,
                (pointer->entry_cnt - at) * sizeof(slk_hamt_entry_t *));
        if (pointer->entry_cnt == 0)
            slk_hamt_node_remove(node, slot);
    }
out:
    return err;
}

slk_err_t slk_hamt_delete(slk_hamt_t *hamt, slk_bytes_t key, bool *found, slk_diag_t *diag)
{
    SLK_ASSERT(!hamt->walks);
    bool there = false;
    slk_err_t err = check_key(hamt, key, diag);
    if (err == SLK_OK) {
        hash_t hash = hash_of(key);
        err = delete_below(hamt, hamt->root, 0, key, &hash, &there, diag);
    }
    if (found)
        *found = there;
    return err;
}

/* --- All entries ------------------------------------------------------------------------------ */

typedef struct {
    const slk_hamt_t *hamt;
    slk_hamt_visit_t visit;
    void *ctx;
    bool stop;
    slk_diag_t *diag;
} walk_t;

static slk_err_t walk_bucket(walk_t *walk, const slk_hamt_pointer_t *bucket)
{
    slk_err_t err = SLK_OK;
    for (unsigned i = 0; i < bucket->entry_cnt && err == SLK_OK && !walk->stop; i++)
        err = walk->visit(walk->ctx, slk_hamt_entry_key(bucket->entries[i]),
                          slk_hamt_entry_value(bucket->entries[i]), &walk->stop, walk->diag);
    return err;
}

static slk_err_t walk_node(walk_t *walk, const slk_hamt_node_t *node, unsigned depth)
{
    slk_err_t err = check_depth(walk->hamt, depth, walk->diag);
    for (unsigned i = 0; i < node->pointer_cnt && err == SLK_OK && !walk->stop; i++) {
        const slk_hamt_pointer_t *pointer = &node->pointers[i];
        if (pointer->entry_cnt) {
            err = walk_bucket(walk, pointer);
            continue;
        }
        slk_hamt_node_t *child = pointer->child, *own = NULL;
        if (!child) {
            err = load_node(walk->hamt, &own, &pointer->cid, false, walk->diag);
            child = own;
        }
        if (err == SLK_OK) {
            err = walk_node(walk, child, depth + 1);
            slk_hamt_node_free(own);
        }
    }
    return err;
}

slk_err_t slk_hamt_foreach(slk_hamt_t *hamt, slk_hamt_visit_t visit, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = check_call(hamt, diag);
    if (err != SLK_OK)
        return err;
    walk_t walk = {hamt, visit, ctx, false, diag};
    hamt->walks++;
    err = walk_node(&walk, hamt->root, 0);
    hamt->walks--;
    return err;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static slk_err_t put_node(const slk_hamt_t *hamt, slk_cid_t *cid, const slk_hamt_node_t *node,
                          slk_buf_t *buf, slk_diag_t *diag)
{
    slk_buf_clear(buf);
    slk_hamt_node_write(buf, node);
    slk_err_t err = slk_buf_check(buf, diag);
    return err == SLK_OK ? slk_block_put(&hamt->store, cid, buf->bytes, buf->len, diag) : err;
}

/* Write the changed nodes below a node, the lowest first. */
static slk_err_t write_below(const slk_hamt_t *hamt, slk_hamt_node_t *node, slk_buf_t *buf,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (unsigned i = 0; i < node->pointer_cnt; i++) {
        slk_hamt_pointer_t *pointer = &node->pointers[i];
        if (!pointer->dirty)
            continue;
        SLK_TRY(write_below(hamt, pointer->child, buf, diag));
        SLK_TRY(put_node(hamt, &pointer->cid, pointer->child, buf, diag));
        pointer->dirty = false;
    }
out:
    return err;
}

slk_err_t slk_hamt_flush(slk_hamt_t *hamt, slk_cid_t *root, slk_diag_t *diag)
{
    SLK_ASSERT(!hamt->walks);
    slk_buf_t buf = {0};
    slk_err_t err;
    SLK_TRY(check_call(hamt, diag));
    SLK_TRY(write_below(hamt, hamt->root, &buf, diag));
    SLK_TRY(put_node(hamt, root, hamt->root, &buf, diag));
out:
    slk_buf_free(&buf);
    return err;
}
