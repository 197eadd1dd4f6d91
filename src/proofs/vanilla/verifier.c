#include "proofs/vanilla/verifier.h"

#include "base/assert.h"
#include "crypto/fr/fr.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/label.h"
#include "crypto/sha256/sha256.h"
#include "proofs/vanilla/node_memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_CNT                                                                                   \
    (SLK_COLUMN_CNT + 1) /* Poseidon paths of a record: its columns, then tree_r_last */
#define SLOTS_MAX (UINT64_C(1) << 16)
#define SLOTS_MIN (UINT64_C(1) << 8)

struct slk_verifier {
    const slk_graph_t *graph;
    const slk_porep_t *porep;
    const slk_vanilla_public_t *pub;
    slk_vanilla_layout_t lay;
    slk_node_memory_t *memory;
    slk_node_t *columns; /* SLK_COLUMN_CNT * layers nodes a record */
    slk_node_t *hashes;  /* PATH_CNT nodes a record */
    slk_node_t pairs[2 * SLK_VERIFY_BATCH_MAX];
};

/* The batch at hand. */
typedef struct {
    slk_verifier_t *v;
    const uint64_t *challenges;
    const uint8_t *records;
    size_t cnt;
    uint64_t first;
    slk_diag_t *diag;
} batch_t;

slk_err_t slk_verifier_new(slk_verifier_t **out, const slk_graph_t *graph, const slk_porep_t *porep,
                           const slk_vanilla_public_t *pub, uint64_t record_cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *out = NULL;
    slk_verifier_t *v = calloc(1, sizeof *v);
    if (!v)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
    v->graph = graph;
    v->porep = porep;
    v->pub = pub;
    slk_vanilla_layout(&v->lay, porep);
    v->columns = calloc(SLK_VERIFY_BATCH_MAX * SLK_COLUMN_CNT * v->lay.layers, SLK_NODE_SZ);
    v->hashes = calloc(SLK_VERIFY_BATCH_MAX * PATH_CNT, SLK_NODE_SZ);
    if (!v->columns || !v->hashes) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
        goto out;
    }
    uint64_t slots = SLOTS_MIN;
    while (slots < SLOTS_MAX && slots < 2 * PATH_CNT * record_cnt)
        slots *= 2;
    SLK_TRY(slk_node_memory_new(&v->memory, slots, SLK_VERIFY_BATCH_MAX * PATH_CNT, diag));
    *out = v;
    v = NULL;
out:
    slk_verifier_free(v);
    return err;
}

void slk_verifier_free(slk_verifier_t *v)
{
    if (!v)
        return;
    slk_node_memory_free(v->memory);
    free(v->columns);
    free(v->hashes);
    free(v);
}

/* --- Sentences ------------------------------------------------------------------------------ */

static const uint8_t *record_at(const batch_t *b, size_t i)
{
    return b->records + i * b->v->lay.size;
}

/* Always false: the answer. */
SLK_PRINTF(3, 4) static bool no(const batch_t *b, size_t i, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    slk_fail(b->diag, SLK_OK, "vanilla proof %" PRIu64 ", challenge %" PRIu64 ": %s", b->first + i,
             b->challenges[i], text);
    return false;
}

typedef struct {
    char s[64];
} name_t;

/* Whose column or path: SLK_COLUMN_CNT means the tree_r_last path. */
static name_t path_name(const uint8_t *record, uint32_t path)
{
    name_t name;
    if (path == SLK_COLUMN_CNT) {
        snprintf(name.s, sizeof name.s, "tree_r_last path");
    } else if (path == 0) {
        snprintf(name.s, sizeof name.s, "column of the challenge");
    } else {
        bool drg = path <= SLK_DRG_CNT;
        snprintf(name.s, sizeof name.s, "column of %s parent %" PRIu32 " (node %" PRIu64 ")",
                 drg ? "DRG" : "expander", drg ? path : path - SLK_DRG_CNT,
                 slk_record_node(record, path));
    }
    return name;
}

/* The part of a record that holds the byte at `offset`, behind the parents. */
static name_t part_name(const slk_vanilla_layout_t *lay, const uint8_t *record, size_t offset)
{
    if (offset >= lay->leaf_r)
        return path_name(record, SLK_COLUMN_CNT);
    if (offset >= lay->columns)
        return path_name(record, (uint32_t)((offset - lay->columns) / lay->column_sz));
    return (name_t){"tree_d path"};
}

/* --- Checks --------------------------------------------------------------------------------- */

/* Challenge, parents, and that every node is a field element: what follows may rely on it. */
static bool check_head(const batch_t *b, size_t i)
{
    const slk_vanilla_layout_t *lay = &b->v->lay;
    const uint8_t *record = record_at(b, i);
    uint64_t challenge = slk_record_challenge(record);
    uint32_t parents[1][SLK_PARENT_CNT];
    if (challenge != b->challenges[i])
        return no(b, i, "it is a proof of challenge %" PRIu64, challenge);
    if (challenge == 0 || challenge >= b->v->porep->size->nodes)
        return no(b, i, "expected a challenge from 1 to %" PRIu64, b->v->porep->size->nodes - 1);
    slk_graph_parents(b->v->graph, challenge, 1, parents);
    for (uint32_t p = 0; p < SLK_PARENT_CNT; p++) {
        if (slk_record_parent(record, p) != parents[0][p])
            return no(b, i, "parent %" PRIu32 " is node %" PRIu64 ", expected node %" PRIu32, p + 1,
                      slk_record_parent(record, p), parents[0][p]);
    }
    for (size_t at = lay->leaf_d; at < lay->size; at += SLK_NODE_SZ) {
        const slk_node_t *node = (const slk_node_t *)(record + at);
        if (!slk_node_is_canonical(node))
            return no(b, i, "%s: %s is not below the field's modulus", part_name(lay, record, at).s,
                      slk_node_hex(node).s);
    }
    return true;
}

static bool check_tree_d(const batch_t *b)
{
    slk_verifier_t *v = b->v;
    const slk_vanilla_layout_t *lay = &v->lay;
    for (size_t i = 0; i < b->cnt; i++)
        v->hashes[i] = *slk_record_leaf_d(lay, record_at(b, i));
    for (uint32_t row = 0; row < lay->d_levels; row++) {
        for (size_t i = 0; i < b->cnt; i++) {
            uint32_t pos = b->challenges[i] >> row & 1;
            v->pairs[2 * i + pos] = v->hashes[i];
            v->pairs[2 * i + (pos ^ 1)] = slk_record_leaf_d(lay, record_at(b, i))[1 + row];
        }
        slk_sha256_pairs(v->hashes, v->pairs, b->cnt);
    }
    for (size_t i = 0; i < b->cnt; i++) {
        if (!slk_node_eq(&v->hashes[i], &v->pub->comm_d))
            return no(b, i, "tree_d path leads to %s, expected comm_d %s",
                      slk_node_hex(&v->hashes[i]).s, slk_node_hex(&v->pub->comm_d).s);
    }
    return true;
}

static bool check_columns(const batch_t *b)
{
    slk_verifier_t *v = b->v;
    const slk_vanilla_layout_t *lay = &v->lay;
    slk_node_t *to = v->columns;
    for (size_t i = 0; i < b->cnt; i++) {
        for (uint32_t c = 0; c < SLK_COLUMN_CNT; c++, to += lay->layers)
            memcpy(to, slk_record_column(lay, record_at(b, i), c), lay->layers * sizeof *to);
    }
    size_t cnt = b->cnt * SLK_COLUMN_CNT;
    size_t hashed = slk_poseidon_rows(v->hashes, v->columns, cnt, lay->layers);
    SLK_ASSERT(hashed == cnt * lay->layers);
    for (size_t k = 0; k < cnt; k++) {
        const uint8_t *record = record_at(b, k / SLK_COLUMN_CNT);
        uint32_t c = k % SLK_COLUMN_CNT;
        const slk_node_t *leaf = slk_record_column(lay, record, c) + lay->layers;
        if (!slk_node_eq(&v->hashes[k], leaf))
            return no(b, k / SLK_COLUMN_CNT,
                      "%s: its labels hash to %s, expected its leaf of tree_c %s",
                      path_name(record, c).s, slk_node_hex(&v->hashes[k]).s, slk_node_hex(leaf).s);
    }
    return true;
}

/* First node of Poseidon path k: a leaf, its siblings follow. */
static const slk_node_t *path_leaf(const slk_vanilla_layout_t *lay, const uint8_t *record,
                                   uint32_t k)
{
    return k < SLK_COLUMN_CNT ? slk_record_column(lay, record, k) + lay->layers
                              : slk_record_leaf_r(lay, record);
}

static bool check_paths(const batch_t *b)
{
    slk_verifier_t *v = b->v;
    const slk_vanilla_layout_t *lay = &v->lay;
    for (size_t k = 0; k < b->cnt * PATH_CNT; k++)
        v->hashes[k] = *path_leaf(lay, record_at(b, k / PATH_CNT), k % PATH_CNT);
    for (uint32_t l = 0; l < lay->level_cnt; l++) {
        const slk_path_level_t *level = &lay->level[l];
        uint32_t shift = level->shift + (uint32_t)__builtin_ctz(level->arity);
        slk_node_memory_begin(v->memory, level->arity);
        for (size_t k = 0; k < b->cnt * PATH_CNT; k++) {
            const uint8_t *record = record_at(b, k / PATH_CNT);
            bool tree_r = k % PATH_CNT == SLK_COLUMN_CNT;
            uint64_t leaf = slk_record_node(record, tree_r ? 0 : k % PATH_CNT);
            const slk_node_t *siblings = path_leaf(lay, record, k % PATH_CNT) + 1 + level->sibling;
            uint32_t pos = slk_path_position(level, leaf);
            slk_node_t group[8];
            memcpy(group, siblings, pos * sizeof *group);
            group[pos] = v->hashes[k];
            memcpy(group + pos + 1, siblings + pos, (level->arity - 1 - pos) * sizeof *group);
            uint64_t place = ((uint64_t)(2 * l + tree_r) << 40) + (leaf >> shift);
            slk_node_memory_ask(v->memory, place, group, &v->hashes[k]);
        }
        slk_node_memory_answer(v->memory);
    }
    for (size_t k = 0; k < b->cnt * PATH_CNT; k++) {
        bool tree_r = k % PATH_CNT == SLK_COLUMN_CNT;
        const slk_node_t *root = tree_r ? &v->pub->comm_r_last : &v->pub->comm_c;
        if (!slk_node_eq(&v->hashes[k], root))
            return no(b, k / PATH_CNT, "%s%s leads to %s, expected %s %s",
                      path_name(record_at(b, k / PATH_CNT), k % PATH_CNT).s,
                      tree_r ? "" : ": tree_c path", slk_node_hex(&v->hashes[k]).s,
                      tree_r ? "comm_r_last" : "comm_c", slk_node_hex(root).s);
    }
    return true;
}

/* Labels of the challenge from its parents' columns, and the replica from the last one. */
static bool check_labels(const batch_t *b, size_t i)
{
    const slk_vanilla_layout_t *lay = &b->v->lay;
    const uint8_t *record = record_at(b, i);
    const slk_node_t *labels = slk_record_column(lay, record, 0);
    slk_node_t parents[SLK_LABEL_PARENTS], label, replica;
    for (uint32_t layer = 1; layer <= lay->layers; layer++) {
        slk_record_label_parents(lay, record, layer, parents);
        slk_label_one(&label, &b->v->pub->replica_id, layer, b->challenges[i], parents,
                      SLK_LABEL_PARENTS);
        if (!slk_node_eq(&label, &labels[layer - 1]))
            return no(b, i,
                      "label of layer %" PRIu32
                      ": its parents make %s, expected %s as in its column "
                      "(other replica_id, or a damaged layer file)",
                      layer, slk_node_hex(&label).s, slk_node_hex(&labels[layer - 1]).s);
    }
    const slk_node_t *leaf_r = slk_record_leaf_r(lay, record);
    size_t added = slk_node_add_many(&replica, &label, slk_record_leaf_d(lay, record), 1);
    SLK_ASSERT(added == 1);
    if (!slk_node_eq(&replica, leaf_r))
        return no(b, i, "encoding: label plus data are %s, expected the replica's node %s",
                  slk_node_hex(&replica).s, slk_node_hex(leaf_r).s);
    return true;
}

bool slk_verifier_run(slk_verifier_t *verifier, const uint64_t *challenges, const uint8_t *records,
                      size_t cnt, uint64_t first, slk_diag_t *diag)
{
    SLK_ASSERT(cnt <= SLK_VERIFY_BATCH_MAX);
    batch_t b = {verifier, challenges, records, cnt, first, diag};
    bool ok = true;
    for (size_t i = 0; ok && i < cnt; i++)
        ok = check_head(&b, i);
    ok = ok && check_tree_d(&b) && check_columns(&b) && check_paths(&b);
    for (size_t i = 0; ok && i < cnt; i++)
        ok = check_labels(&b, i);
    return ok;
}
