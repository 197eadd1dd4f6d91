/* JSON of one vanilla proof, as serde_json writes it: spec/proofs-vanilla-2.md 8.5. */

#include "proofs/vanilla/vanilla_layout.h"
#include "selkie/vanilla.h"

#include "base/assert.h"

#define BUFFER_SZ (UINT32_C(1) << 15)
#define NODE_MAX  (1 + 4 * SLK_NODE_SZ) /* "[255,255,...,255]" */

typedef struct {
    char *at;
    slk_err_t err; /* the first of write; then nothing more is written */
    slk_text_fn_t *write;
    void *ctx;
    slk_diag_t *diag;
    const slk_vanilla_layout_t *lay;
    char buf[BUFFER_SZ];
} out_t;

/* --- Text ----------------------------------------------------------------------------------- */

static void flush(out_t *out)
{
    if (out->err == SLK_OK && out->at != out->buf)
        out->err = out->write(out->ctx, out->buf, (size_t)(out->at - out->buf), out->diag);
    out->at = out->buf;
}

static char *reserve(out_t *out, size_t len)
{
    if (len > (size_t)(out->buf + BUFFER_SZ - out->at))
        flush(out);
    return out->at;
}

static void put_text(out_t *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(reserve(out, len), text, len);
    out->at += len;
}

static void put_u64(out_t *out, uint64_t number)
{
    char digits[20], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    size_t len = (size_t)(digits + sizeof digits - first);
    memcpy(reserve(out, len), first, len);
    out->at += len;
}

/* A byte as decimal digits and a comma: four characters are stored, len of them count. */
typedef struct {
    char text[4];
    uint8_t len;
} decimal_t;

#define D1(n)                                                                                      \
    {                                                                                              \
        {'0' + (n) % 10, ','}, 2                                                                   \
    }
#define D2(n)                                                                                      \
    {                                                                                              \
        {'0' + (n) / 10, '0' + (n) % 10, ','}, 3                                                   \
    }
#define D3(n)                                                                                      \
    {                                                                                              \
        {'0' + (n) / 100, '0' + (n) / 10 % 10, '0' + (n) % 10, ','}, 4                             \
    }
#define TEN(D, n)                                                                                  \
    D(n), D(n + 1), D(n + 2), D(n + 3), D(n + 4), D(n + 5), D(n + 6), D(n + 7), D(n + 8), D(n + 9)
#define HUNDRED(n)                                                                                 \
    TEN(D3, n), TEN(D3, n + 10), TEN(D3, n + 20), TEN(D3, n + 30), TEN(D3, n + 40),                \
        TEN(D3, n + 50), TEN(D3, n + 60), TEN(D3, n + 70), TEN(D3, n + 80), TEN(D3, n + 90)

static const decimal_t decimal[] = {
    TEN(D1, 0),   TEN(D2, 10),  TEN(D2, 20),  TEN(D2, 30),  TEN(D2, 40),  TEN(D2, 50),
    TEN(D2, 60),  TEN(D2, 70),  TEN(D2, 80),  TEN(D2, 90),  HUNDRED(100), TEN(D3, 200),
    TEN(D3, 210), TEN(D3, 220), TEN(D3, 230), TEN(D3, 240), D3(250),      D3(251),
    D3(252),      D3(253),      D3(254),      D3(255),
};
_Static_assert(SLK_COUNT(decimal) == 256, "one row a byte");

static void put_node(out_t *out, const slk_node_t *node)
{
    char *at = reserve(out, NODE_MAX);
    *at++ = '[';
    for (uint32_t i = 0; i < SLK_NODE_SZ; i++) {
        const decimal_t *d = &decimal[node->b[i]];
        memcpy(at, d->text, 4);
        at += d->len;
    }
    at[-1] = ']'; /* over the last comma */
    out->at = at;
}

static void put_nodes(out_t *out, const slk_node_t *nodes, uint32_t cnt)
{
    put_text(out, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        if (i)
            put_text(out, ",");
        put_node(out, &nodes[i]);
    }
    put_text(out, "]");
}

/* --- Merkle proofs -------------------------------------------------------------------------- */

static void put_step(out_t *out, const slk_node_t *siblings, uint32_t cnt, uint32_t position)
{
    put_text(out, "{\"hashes\":");
    put_nodes(out, siblings, cnt);
    put_text(out, ",\"index\":");
    put_u64(out, position);
    put_text(out, "}");
}

/* Levels [first, end) of an octree path as {"path":[..]}. */
static void put_levels(out_t *out, const slk_node_t *siblings, uint64_t leaf, uint32_t first,
                       uint32_t end)
{
    put_text(out, "{\"path\":[");
    for (uint32_t l = first; l < end; l++) {
        const slk_path_level_t *level = &out->lay->level[l];
        if (l > first)
            put_text(out, ",");
        put_step(out, siblings + level->sibling, level->arity - 1, slk_path_position(level, leaf));
    }
    put_text(out, "]}");
}

static void put_root_leaf(out_t *out, const slk_node_t *root, const slk_node_t *leaf)
{
    put_text(out, "\"root\":");
    put_node(out, root);
    put_text(out, ",\"leaf\":");
    put_node(out, leaf);
}

/* Proof of tree_d: leaf, siblings behind it. */
static void put_binary_proof(out_t *out, const slk_node_t *root, const slk_node_t *leaf,
                             uint64_t node)
{
    put_text(out, "{\"data\":{\"Single\":{");
    put_root_leaf(out, root, leaf);
    put_text(out, ",\"path\":{\"path\":[");
    for (uint32_t row = 0; row < out->lay->d_levels; row++) {
        if (row)
            put_text(out, ",");
        put_step(out, leaf + 1 + row, 1, (uint32_t)(node >> row) & 1);
    }
    put_text(out, "]}}}}");
}

/* Proof of tree_c or tree_r_last; the shape decides kind and order of the members. */
static void put_oct_proof(out_t *out, const slk_node_t *root, const slk_node_t *leaf, uint64_t node)
{
    static const char *const kind[] = {
        "{\"data\":{\"Single\":{",
        "{\"data\":{\"Sub\":{\"base_proof\":", "{\"data\":{\"Top\":{\"base_proof\":"};
    static const char *const member[] = {NULL, ",\"sub_proof\":", ",\"top_proof\":"};
    uint32_t base = out->lay->base_levels, upper = out->lay->level_cnt - base;
    put_text(out, kind[upper]);
    if (!upper) {
        put_root_leaf(out, root, leaf);
        put_text(out, ",\"path\":");
        put_levels(out, leaf + 1, node, 0, base);
    } else {
        put_levels(out, leaf + 1, node, 0, base);
        for (uint32_t i = 1; i <= upper; i++) {
            put_text(out, member[i]);
            put_levels(out, leaf + 1, node, base + i - 1, base + i);
        }
        put_text(out, ",");
        put_root_leaf(out, root, leaf);
    }
    put_text(out, "}}}");
}

/* --- The proof ------------------------------------------------------------------------------ */

static void put_column(out_t *out, const uint8_t *record, uint32_t i, const slk_node_t *comm_c)
{
    const slk_node_t *column = slk_record_column(out->lay, record, i);
    put_text(out, "{\"column\":{\"index\":");
    put_u64(out, slk_record_node(record, i));
    put_text(out, ",\"rows\":");
    put_nodes(out, column, out->lay->layers);
    put_text(out, ",\"_h\":null},\"inclusion_proof\":");
    put_oct_proof(out, comm_c, column + out->lay->layers, slk_record_node(record, i));
    put_text(out, "}");
}

static void put_columns(out_t *out, const uint8_t *record, uint32_t first, uint32_t cnt,
                        const slk_node_t *comm_c)
{
    put_text(out, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        if (i)
            put_text(out, ",");
        put_column(out, record, first + i, comm_c);
    }
    put_text(out, "]");
}

static void put_label(out_t *out, const uint8_t *record, uint32_t layer)
{
    slk_node_t parents[SLK_LABEL_PARENTS];
    slk_record_label_parents(out->lay, record, layer, parents);
    put_text(out, "{\"parents\":");
    put_nodes(out, parents, SLK_LABEL_PARENTS);
    put_text(out, ",\"layer_index\":");
    put_u64(out, layer);
    put_text(out, ",\"node\":");
    put_u64(out, slk_record_challenge(record));
    put_text(out, "}");
}

slk_err_t slk_vanilla_json(const slk_porep_t *porep, const slk_vanilla_public_t *pub,
                           const uint8_t *record, slk_text_fn_t *write, void *ctx, slk_diag_t *diag)
{
    slk_vanilla_layout_t lay;
    slk_vanilla_layout(&lay, porep);
    out_t out;
    out.at = out.buf;
    out.err = SLK_OK;
    out.write = write;
    out.ctx = ctx;
    out.diag = diag;
    out.lay = &lay;
    uint64_t challenge = slk_record_challenge(record);

    put_text(&out, "{\"comm_d_proofs\":");
    put_binary_proof(&out, &pub->comm_d, slk_record_leaf_d(&lay, record), challenge);
    put_text(&out, ",\"comm_r_last_proof\":");
    put_oct_proof(&out, &pub->comm_r_last, slk_record_leaf_r(&lay, record), challenge);
    put_text(&out, ",\"replica_column_proofs\":{\"c_x\":");
    put_column(&out, record, 0, &pub->comm_c);
    put_text(&out, ",\"drg_parents\":");
    put_columns(&out, record, 1, SLK_DRG_CNT, &pub->comm_c);
    put_text(&out, ",\"exp_parents\":");
    put_columns(&out, record, 1 + SLK_DRG_CNT, SLK_EXP_CNT, &pub->comm_c);
    put_text(&out, "},\"labeling_proofs\":[");
    for (uint32_t layer = 1; layer <= lay.layers; layer++) {
        if (layer > 1)
            put_text(&out, ",");
        put_label(&out, record, layer);
    }
    put_text(&out, "],\"encoding_proof\":");
    put_label(&out, record, lay.layers);
    put_text(&out, "}");
    flush(&out);
    return out.err;
}
