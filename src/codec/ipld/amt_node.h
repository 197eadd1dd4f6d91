#ifndef SLK_CODEC_IPLD_AMT_NODE_H
#define SLK_CODEC_IPLD_AMT_NODE_H

/* Nodes of an AMT in memory and as CBOR; for amt.c alone. */

#include "codec/ipld/amt.h"

typedef struct slk_amt_node slk_amt_node_t;

typedef struct {
    slk_cid_t cid;         /* undefined or out of date where dirty */
    slk_amt_node_t *child; /* NULL: not loaded */
    bool dirty;            /* child was changed since its block was written */
} slk_amt_link_t;

typedef struct {
    const uint8_t *b; /* in the node's block, or on the heap where owned */
    uint32_t len;
    bool owned;
} slk_amt_value_t;

/* 2^bit_width slots, of values in a leaf and of links in all others. */
struct slk_amt_node {
    uint64_t present[4]; /* bit i of the four together: slot i is set */
    uint8_t *block;      /* what values point into; NULL in a node that was not read */
    bool leaf;
    union {
        slk_amt_link_t *links;
        slk_amt_value_t *values;
    };
};

static inline bool slk_amt_node_has(const slk_amt_node_t *node, unsigned slot)
{
    return node->present[slot / 64] >> slot % 64 & 1;
}

/* Number of slots that are set. */
unsigned slk_amt_node_count(const slk_amt_node_t *node);

/* A node with nothing set; NULL when out of memory. */
slk_amt_node_t *slk_amt_node_new(unsigned bit_width, bool leaf);

/* Free it with all children that are loaded. */
void slk_amt_node_free(slk_amt_node_t *node, unsigned bit_width);

/* Set or replace the value of a leaf's slot by a copy. False: out of memory, nothing changed. */
bool slk_amt_node_put_value(slk_amt_node_t *node, unsigned slot, slk_bytes_t value);

/* Empty a slot with what hangs on it. */
void slk_amt_node_clear(slk_amt_node_t *node, unsigned bit_width, unsigned slot);

/* Read a node. Values point into the reader's bytes: the caller gives node->block the memory. */
SLK_CHECK_RESULT slk_err_t slk_amt_node_read(slk_amt_node_t **node, slk_cbor_t *in,
                                             unsigned bit_width, bool leaf, bool may_be_empty);

/* Append its CBOR; all links must be up to date. */
void slk_amt_node_write(slk_buf_t *out, const slk_amt_node_t *node, unsigned bit_width);

#endif /* SLK_CODEC_IPLD_AMT_NODE_H */
