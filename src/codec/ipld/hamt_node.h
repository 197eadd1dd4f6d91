#ifndef SLK_CODEC_IPLD_HAMT_NODE_H
#define SLK_CODEC_IPLD_HAMT_NODE_H

/* Nodes of a HAMT in memory and as CBOR; for hamt.c alone. */

#include "codec/ipld/hamt.h"

/* A key and its value, on the heap: entries move between buckets of different nodes. */
typedef struct {
    uint32_t key_len, len;
    uint8_t bytes[]; /* key, value */
} slk_hamt_entry_t;

static inline slk_bytes_t slk_hamt_entry_key(const slk_hamt_entry_t *entry)
{
    return (slk_bytes_t){entry->bytes, entry->key_len};
}

static inline slk_bytes_t slk_hamt_entry_value(const slk_hamt_entry_t *entry)
{
    return (slk_bytes_t){entry->bytes + entry->key_len, entry->len};
}

typedef struct slk_hamt_node slk_hamt_node_t;

/* A bucket if entry_cnt > 0, else a link. */
typedef struct {
    unsigned entry_cnt;
    slk_hamt_entry_t *entries[SLK_HAMT_BUCKET_MAX]; /* ascending by key */
    slk_hamt_node_t *child;                         /* NULL: not loaded */
    slk_cid_t cid;                                  /* undefined or out of date where dirty */
    bool dirty; /* child was changed since its block was written */
} slk_hamt_pointer_t;

struct slk_hamt_node {
    uint64_t present[4]; /* bit i of the four together: slot i has a pointer */
    unsigned pointer_cnt;
    slk_hamt_pointer_t *pointers; /* those there are, in the order of their slots */
};

/* Whether a slot has a pointer; *at: its number among the pointers, or the one it would have. */
bool slk_hamt_node_find(const slk_hamt_node_t *node, unsigned slot, unsigned *at);

/* Orders keys as bytes, shorter first where one begins the other: <0, 0, >0. */
int slk_hamt_key_cmp(slk_bytes_t a, slk_bytes_t b);

/* NULL when out of memory. */
slk_hamt_entry_t *slk_hamt_entry_new(slk_bytes_t key, slk_bytes_t value);
slk_hamt_node_t *slk_hamt_node_new(void);

/* Free it with its entries and all children that are loaded. */
void slk_hamt_node_free(slk_hamt_node_t *node);

/* Make an empty slot a bucket of this entry, which the node takes. False: out of memory. */
bool slk_hamt_node_insert(slk_hamt_node_t *node, unsigned slot, slk_hamt_entry_t *entry);

/* Take the pointer of a slot out; what hung on it is the caller's. */
void slk_hamt_node_remove(slk_hamt_node_t *node, unsigned slot);

/* Entries of a node that has no links and so few that they fit in a bucket; 0 for any other. */
unsigned slk_hamt_node_fits_bucket(const slk_hamt_node_t *node);

/* Read the block of a node. */
SLK_CHECK_RESULT slk_err_t slk_hamt_node_read(slk_hamt_node_t **node, slk_bytes_t block,
                                              unsigned bit_width, bool is_root, slk_diag_t *diag);

/* Append its CBOR; all links must be up to date. */
void slk_hamt_node_write(slk_buf_t *out, const slk_hamt_node_t *node);

#endif /* SLK_CODEC_IPLD_HAMT_NODE_H */
