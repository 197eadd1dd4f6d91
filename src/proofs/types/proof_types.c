#include "selkie/proof_types.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/sha256/sha256.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A row states what cannot be derived; the rest follows: spec/proofs-vanilla.md 0.1, 0.3 */
/* clang-format off */
#define OCT_NODES(rows) (((UINT64_C(1) << (3 * (rows))) - 1) / 7)
#define SIZE_ROW(label, size, layer_cnt, sub_arity, top_arity, row_cnt, drop, small, is_published)               \
    {                                                                                              \
        .name = label, .bytes = (size), .nodes = (size) / 32, .layers = layer_cnt,                 \
        .sub = sub_arity, .top = top_arity,                                                        \
        .trees = ((sub_arity) ? (sub_arity) : 1) * ((top_arity) ? (top_arity) : 1),                \
        .tree_leaves = UINT64_C(1) << (3 * ((row_cnt) - 1)), .tree_rows = row_cnt,                 \
        .tree_nodes = OCT_NODES(row_cnt), .discard = drop,                                         \
        .tree_r_nodes = OCT_NODES((row_cnt) - (drop) - 1), .challenges = (small) ? 2 : 176,        \
        .partitions = (small) ? 1 : 10, .ni_challenges = (small) ? 26 : 2253,                      \
        .ni_partitions = (small) ? 13 : 126, .published = is_published,                            \
    }
#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)

static const slk_size_t sizes[] = {
    /*       name      bytes     layers sub top rows discard small published */
    SIZE_ROW("2KiB",   KIB(2),   2,     0,  0,  3,   1,      true,  true),
    SIZE_ROW("4KiB",   KIB(4),   2,     2,  0,  3,   1,      true,  false),
    SIZE_ROW("16KiB",  KIB(16),  2,     8,  0,  3,   1,      true,  false),
    SIZE_ROW("32KiB",  KIB(32),  2,     8,  2,  3,   1,      true,  false),
    SIZE_ROW("8MiB",   MIB(8),   2,     0,  0,  7,   2,      true,  true),
    SIZE_ROW("16MiB",  MIB(16),  2,     2,  0,  7,   2,      true,  false),
    SIZE_ROW("512MiB", MIB(512), 2,     0,  0,  9,   2,      true,  true),
    SIZE_ROW("1GiB",   GIB(1),   2,     2,  0,  9,   2,      true,  false),
    SIZE_ROW("32GiB",  GIB(32),  11,    8,  0,  10,  2,      false, true),
    SIZE_ROW("64GiB",  GIB(64),  11,    8,  2,  10,  2,      false, true),
};
/* clang-format on */

const slk_size_t *slk_size_at(unsigned i)
{
    return i < SLK_COUNT(sizes) ? &sizes[i] : NULL;
}

const slk_size_t *slk_size_by_name(const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(sizes); i++) {
        if (strcmp(sizes[i].name, name) == 0)
            return &sizes[i];
    }
    return NULL;
}

const slk_size_t *slk_size_by_bytes(uint64_t bytes)
{
    for (size_t i = 0; i < SLK_COUNT(sizes); i++) {
        if (sizes[i].bytes == bytes)
            return &sizes[i];
    }
    return NULL;
}

/* Registered proofs come in groups of five sizes, one group a variant. */
#define PUBLISHED_CNT 5
static const char *const published[PUBLISHED_CNT] = {"2KiB", "8MiB", "512MiB", "32GiB", "64GiB"};
static const struct {
    const char *variant;
    slk_api_version_t version;
    slk_feature_t feature;
} variants[] = {
    {"v1", SLK_API_V1_0, SLK_FEATURE_NONE},
    {"v1_1", SLK_API_V1_1, SLK_FEATURE_NONE},
    {"synth", SLK_API_V1_2, SLK_FEATURE_SYNTH},
    {"ni", SLK_API_V1_2, SLK_FEATURE_NI},
};

void slk_porep_custom(slk_porep_t *out, const slk_size_t *size, slk_api_version_t version,
                      slk_feature_t feature, const uint8_t porep_id[32])
{
    memset(out, 0, sizeof *out);
    out->size = size;
    out->version = version;
    out->feature = feature;
    memcpy(out->porep_id, porep_id, 32);
    out->registered = -1;
    bool ni = feature == SLK_FEATURE_NI;
    out->partitions = ni ? size->ni_partitions : size->partitions;
    uint32_t min = ni ? size->ni_challenges : size->challenges;
    out->challenges = (min + out->partitions - 1) / out->partitions;
}

slk_err_t slk_porep_by_id(slk_porep_t *out, int registered, slk_diag_t *diag)
{
    if (registered < 0 || registered >= (int)(PUBLISHED_CNT * SLK_COUNT(variants)))
        return slk_fail(diag, SLK_ERR_INPUT, "registered seal proof %d: expected 0 to %d",
                        registered, (int)(PUBLISHED_CNT * SLK_COUNT(variants)) - 1);
    uint8_t porep_id[32] = {0};
    slk_store_le64(porep_id, (uint64_t)registered);
    int group = registered / PUBLISHED_CNT;
    slk_porep_custom(out, slk_size_by_name(published[registered % PUBLISHED_CNT]),
                     variants[group].version, variants[group].feature, porep_id);
    out->registered = registered;
    return SLK_OK;
}

slk_err_t slk_porep_registered(slk_porep_t *out, const slk_size_t *size, const char *variant,
                               slk_diag_t *diag)
{
    for (size_t group = 0; group < SLK_COUNT(variants); group++) {
        if (strcmp(variants[group].variant, variant) != 0)
            continue;
        for (int i = 0; i < PUBLISHED_CNT; i++) {
            if (strcmp(published[i], size->name) == 0)
                return slk_porep_by_id(out, (int)group * PUBLISHED_CNT + i, diag);
        }
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "sector size %s is a test size without registered proofs; expected one of 2KiB, 8MiB, "
            "512MiB, 32GiB, 64GiB",
            size->name);
    }
    return slk_fail(diag, SLK_ERR_INPUT, "PoRep variant %s: expected one of v1, v1_1, synth, ni",
                    variant);
}

const char *slk_porep_variant(const slk_porep_t *porep)
{
    return porep->registered < 0 ? "custom" : variants[porep->registered / PUBLISHED_CNT].variant;
}

const char *slk_porep_registered_name(int registered)
{
#define NAMES(suffix)                                                                              \
    "StackedDrg2KiB" suffix, "StackedDrg8MiB" suffix, "StackedDrg512MiB" suffix,                   \
        "StackedDrg32GiB" suffix, "StackedDrg64GiB" suffix
    static const char *const names[] = {NAMES("V1"), NAMES("V1_1"),
                                        NAMES("V1_1_Feat_SyntheticPoRep"),
                                        NAMES("V1_2_Feat_NonInteractivePoRep")};
#undef NAMES
    return registered >= 0 && (size_t)registered < SLK_COUNT(names) ? names[registered] : NULL;
}

void slk_porep_shape_name(const slk_porep_t *porep, char out[40])
{
    snprintf(out, 40, "StackedDrg%sV1", porep->size->name);
}

void slk_prover_id(slk_node_t *out, uint64_t miner)
{
    memset(out, 0, sizeof *out);
    for (uint8_t *p = out->b;; p++) {
        *p = miner & 0x7f;
        miner >>= 7;
        if (!miner)
            return;
        *p |= 0x80;
    }
}

void slk_replica_id(slk_node_t *out, const slk_porep_t *porep, uint64_t miner, uint64_t sector,
                    const slk_node_t *ticket, const slk_node_t *comm_d)
{
    uint8_t msg[136];
    slk_node_t prover;
    slk_prover_id(&prover, miner);
    memcpy(msg, prover.b, 32);
    slk_store_be64(msg + 32, sector);
    memcpy(msg + 40, ticket->b, 32);
    memcpy(msg + 72, comm_d->b, 32);
    memcpy(msg + 104, porep->porep_id, 32);
    slk_sha256(out, msg, sizeof msg);
    slk_trunc254(out);
}
