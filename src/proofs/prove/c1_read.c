#include "proofs/prove/c1_read.h"

#include "base/assert.h"
#include "proofs/vanilla/vanilla_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Tokens ----------------------------------------------------------------------------------- */

typedef struct {
    const char *begin, *at, *end;
    const char *wanted; /* the first thing that was not there; NULL: all was well */
    const slk_vanilla_layout_t *lay;
    slk_vanilla_public_t *pub;
    bool have_roots; /* comm_c and comm_r_last of pub are known */
} in_t;

static void fail(in_t *in, const char *wanted)
{
    if (!in->wanted)
        in->wanted = wanted;
}

static void skip_blanks(in_t *in)
{
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

/* JSON text without blanks; in the input they may be anywhere outside strings. */
static void get_text(in_t *in, const char *text)
{
    bool string = false;
    const char *at = in->at;
    for (const char *c = text; *c && !in->wanted; c++) {
        if (!string)
            skip_blanks(in);
        if (in->at == in->end || *in->at != *c) {
            in->at = at;
            fail(in, text);
            return;
        }
        string ^= *c == '"';
        in->at++;
    }
}

/* A number up to max, without sign, fraction, exponent, leading zeros. */
static uint64_t get_number(in_t *in, uint64_t max)
{
    uint64_t v = 0;
    skip_blanks(in);
    const char *at = in->at;
    for (; !in->wanted && in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        unsigned digit = (unsigned)(*in->at - '0');
        if ((v == 0 && in->at > at) || digit > max || v > (max - digit) / 10) {
            in->at = at;
            fail(in, max == 255 ? "a byte" : "a smaller number");
            return 0;
        }
        v = v * 10 + digit;
    }
    if (in->at == at)
        fail(in, "a number");
    return v;
}

static void get_node(in_t *in, slk_node_t *out)
{
    for (unsigned i = 0; i < SLK_NODE_SZ && !in->wanted; i++) {
        get_text(in, i ? "," : "[");
        out->b[i] = (uint8_t)get_number(in, 255);
    }
    get_text(in, "]");
}

static void get_nodes(in_t *in, slk_node_t *out, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt && !in->wanted; i++) {
        get_text(in, i ? "," : "[");
        get_node(in, &out[i]);
    }
    get_text(in, "]");
}

/* A node that is known already. */
static void match_node(in_t *in, const slk_node_t *want, const char *what)
{
    slk_node_t node;
    skip_blanks(in);
    const char *at = in->at;
    get_node(in, &node);
    if (!in->wanted && !slk_node_eq(&node, want)) {
        in->at = at;
        fail(in, what);
    }
}

static void match_number(in_t *in, uint64_t want, const char *what)
{
    skip_blanks(in);
    const char *at = in->at;
    if (get_number(in, INT64_MAX) != want && !in->wanted) {
        in->at = at;
        fail(in, what);
    }
}

/* --- Merkle proofs ---------------------------------------------------------------------------- */

/* One level; its part of the leaf's number. */
static uint64_t get_step(in_t *in, slk_node_t *siblings, uint32_t cnt)
{
    get_text(in, "{\"hashes\":");
    get_nodes(in, siblings, cnt);
    get_text(in, ",\"index\":");
    uint64_t position = get_number(in, cnt);
    get_text(in, "}");
    return position;
}

static uint64_t get_levels(in_t *in, slk_node_t *siblings, uint32_t first, uint32_t end)
{
    uint64_t leaf = 0;
    get_text(in, "{\"path\":[");
    for (uint32_t l = first; l < end && !in->wanted; l++) {
        const slk_path_level_t *level = &in->lay->level[l];
        if (l > first)
            get_text(in, ",");
        leaf |= get_step(in, siblings + level->sibling, level->arity - 1) << level->shift;
    }
    get_text(in, "]}");
    return leaf;
}

/* The root of the first proof counts, the others have to be the same. */
static void get_root_leaf(in_t *in, slk_node_t *root, bool known, slk_node_t *leaf)
{
    get_text(in, "\"root\":");
    if (known)
        match_node(in, root, "the same root as before");
    else
        get_node(in, root);
    get_text(in, ",\"leaf\":");
    get_node(in, leaf);
}

static uint64_t get_binary_proof(in_t *in, slk_node_t *root, bool known, slk_node_t *leaf)
{
    uint64_t node = 0;
    get_text(in, "{\"data\":{\"Single\":{");
    get_root_leaf(in, root, known, leaf);
    get_text(in, ",\"path\":{\"path\":[");
    for (uint32_t row = 0; row < in->lay->d_levels && !in->wanted; row++) {
        if (row)
            get_text(in, ",");
        node |= get_step(in, leaf + 1 + row, 1) << row;
    }
    get_text(in, "]}}}}");
    return node;
}

static uint64_t get_oct_proof(in_t *in, slk_node_t *root, bool known, slk_node_t *leaf)
{
    static const char *const kind[] = {
        "{\"data\":{\"Single\":{",
        "{\"data\":{\"Sub\":{\"base_proof\":", "{\"data\":{\"Top\":{\"base_proof\":"};
    static const char *const member[] = {NULL, ",\"sub_proof\":", ",\"top_proof\":"};
    uint32_t base = in->lay->base_levels, upper = in->lay->level_cnt - base;
    uint64_t node;
    get_text(in, kind[upper]);
    if (!upper) {
        get_root_leaf(in, root, known, leaf);
        get_text(in, ",\"path\":");
        node = get_levels(in, leaf + 1, 0, base);
    } else {
        node = get_levels(in, leaf + 1, 0, base);
        for (uint32_t i = 1; i <= upper; i++) {
            get_text(in, member[i]);
            node |= get_levels(in, leaf + 1, base + i - 1, base + i);
        }
        get_text(in, ",");
        get_root_leaf(in, root, known, leaf);
    }
    get_text(in, "}}}");
    return node;
}

/* --- A record --------------------------------------------------------------------------------- */

static void get_column(in_t *in, uint8_t *record, uint32_t i)
{
    slk_node_t *column = (slk_node_t *)(record + in->lay->columns + i * in->lay->column_sz);
    get_text(in, "{\"column\":{\"index\":");
    uint64_t node = get_number(in, INT64_MAX);
    slk_store_le64(record + 8 * i, node);
    get_text(in, ",\"rows\":");
    get_nodes(in, column, in->lay->layers);
    get_text(in, ",\"_h\":null},\"inclusion_proof\":");
    if (get_oct_proof(in, &in->pub->comm_c, in->have_roots, column + in->lay->layers) != node)
        fail(in, "before this a path to the node that the column names");
    in->have_roots = true;
    get_text(in, "}");
}

static void get_columns(in_t *in, uint8_t *record, uint32_t first, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt && !in->wanted; i++) {
        get_text(in, i ? "," : "[");
        get_column(in, record, first + i);
    }
    get_text(in, "]");
}

/* All of it follows from the columns. */
static void match_label(in_t *in, const uint8_t *record, uint32_t layer)
{
    slk_node_t parents[SLK_LABEL_PARENTS];
    slk_record_label_parents(in->lay, record, layer, parents);
    get_text(in, "{\"parents\":");
    for (uint32_t i = 0; i < SLK_LABEL_PARENTS && !in->wanted; i++) {
        get_text(in, i ? "," : "[");
        match_node(in, &parents[i], "the label of that parent's column");
    }
    get_text(in, "],\"layer_index\":");
    match_number(in, layer, "the number of the layer");
    get_text(in, ",\"node\":");
    match_number(in, slk_record_challenge(record), "the challenge");
    get_text(in, "}");
}

static void get_record(in_t *in, uint8_t *record)
{
    const slk_vanilla_layout_t *lay = in->lay;
    bool known = in->have_roots;
    get_text(in, "{\"comm_d_proofs\":");
    uint64_t d = get_binary_proof(in, &in->pub->comm_d, known, (void *)(record + lay->leaf_d));
    get_text(in, ",\"comm_r_last_proof\":");
    uint64_t r = get_oct_proof(in, &in->pub->comm_r_last, known, (void *)(record + lay->leaf_r));
    get_text(in, ",\"replica_column_proofs\":{\"c_x\":");
    get_column(in, record, 0);
    if (d != slk_record_challenge(record) || r != d)
        fail(in, "before this three paths to the same challenge");
    get_text(in, ",\"drg_parents\":");
    get_columns(in, record, 1, SLK_DRG_CNT);
    get_text(in, ",\"exp_parents\":");
    get_columns(in, record, 1 + SLK_DRG_CNT, SLK_EXP_CNT);
    get_text(in, "},\"labeling_proofs\":[");
    for (uint32_t layer = 1; layer <= lay->layers && !in->wanted; layer++) {
        if (layer > 1)
            get_text(in, ",");
        match_label(in, record, layer);
    }
    get_text(in, "],\"encoding_proof\":");
    if (!in->wanted)
        match_label(in, record, lay->layers);
    get_text(in, "}");
}

/* --- The document ----------------------------------------------------------------------------- */

static void get_proof_name(in_t *in, slk_c1_text_t *out)
{
    char name[64];
    size_t len = 0;
    get_text(in, "{\"registered_proof\":\"");
    const char *at = in->at;
    while (!in->wanted && in->at < in->end && *in->at != '"' && len + 1 < sizeof name)
        name[len++] = *in->at++;
    name[len] = 0;
    for (int id = 0; slk_porep_registered_name(id); id++) {
        if (strcmp(name, slk_porep_registered_name(id)) == 0) {
            slk_diag_t diag;
            SLK_ASSERT(slk_porep_by_id(&out->porep, id, &diag) == SLK_OK);
            get_text(in, "\"");
            return;
        }
    }
    in->at = at;
    fail(in, "the name of a registered proof");
}

static void get_records(in_t *in, slk_c1_text_t *out)
{
    uint8_t *record = out->records;
    for (uint32_t k = 0; k < out->porep.partitions; k++) {
        get_text(in, k ? ",[" : "[");
        for (uint32_t i = 0; i < out->porep.challenges && !in->wanted; i++) {
            if (i)
                get_text(in, ",");
            get_record(in, record);
            record += in->lay->size;
        }
        get_text(in, "]");
    }
}

static void get_rest(in_t *in, slk_c1_text_t *out)
{
    get_text(in, "]},\"comm_r\":");
    get_node(in, &out->pub.comm_r);
    get_text(in, ",\"comm_d\":");
    match_node(in, &out->pub.comm_d, "the root of the proofs of comm_d");
    get_text(in, ",\"replica_id\":");
    get_node(in, &out->pub.replica_id);
    get_text(in, ",\"seed\":");
    get_node(in, &out->seed);
    get_text(in, ",\"ticket\":");
    get_node(in, &out->ticket);
    get_text(in, "}");
    skip_blanks(in);
    if (in->at < in->end)
        fail(in, "the end");
}

static slk_err_t malformed(const in_t *in, const char *name, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_FORMAT,
                    "%s: byte %" PRIu64 ": expected %s; this is not what C1 wrote, run C1 again",
                    name, (uint64_t)(in->at - in->begin), in->wanted);
}

slk_err_t slk_c1_read(slk_c1_text_t *out, const char *text, uint64_t len, const char *name,
                      slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_vanilla_layout_t lay;
    char shape[40], member[80];
    *out = (slk_c1_text_t){0};
    in_t in = {.begin = text, .at = text, .end = text + len, .lay = &lay, .pub = &out->pub};
    get_proof_name(&in, out);
    if (in.wanted)
        return malformed(&in, name, diag);
    if (out->porep.feature == SLK_FEATURE_NI)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: of a non-interactive sector, whose proof is an aggregate of %" PRIu32
                        " partitions; this version cannot aggregate",
                        name, out->porep.partitions);
    slk_vanilla_layout(&lay, &out->porep);
    out->records = calloc((size_t)out->porep.partitions * out->porep.challenges, lay.size);
    if (!out->records)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the vanilla proofs of %s", name);
    slk_porep_shape_name(&out->porep, shape);
    snprintf(member, sizeof member, ",\"vanilla_proofs\":{\"%s\":[", shape);
    get_text(&in, member);
    get_records(&in, out);
    get_rest(&in, out);
    if (in.wanted)
        err = malformed(&in, name, diag);
    if (err != SLK_OK)
        slk_c1_text_fini(out);
    return err;
}

void slk_c1_text_fini(slk_c1_text_t *c1)
{
    free(c1->records);
    c1->records = NULL;
}
