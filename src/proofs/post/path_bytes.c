#include "proofs/post/path_bytes.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon.h"

#include <inttypes.h>

void slk_post_layout(slk_vanilla_layout_t *out, const slk_size_t *size)
{
    static const uint8_t no_id[32];
    slk_porep_t porep;
    slk_porep_custom(&porep, size, SLK_API_V1_1, SLK_FEATURE_NONE, no_id);
    slk_vanilla_layout(out, &porep);
    SLK_ASSERT(out->sibling_cnt <= SLK_POST_SIBLINGS_MAX);
}

/* Parts of a path: base tree, sub tree, top tree; the levels of part p end before end[p]. */
static uint32_t parts(uint32_t end[3], const slk_vanilla_layout_t *lay)
{
    uint32_t cnt = 1 + lay->level_cnt - lay->base_levels;
    for (uint32_t p = 0; p < cnt; p++)
        end[p] = lay->base_levels + p;
    return cnt;
}

size_t slk_post_path_sz(const slk_vanilla_layout_t *lay)
{
    uint32_t end[3];
    return 4 + 2 * SLK_NODE_SZ + 8 * parts(end, lay) + 16 * lay->level_cnt +
           SLK_NODE_SZ * lay->sibling_cnt;
}

size_t slk_post_vanilla_sz(const slk_size_t *size, uint32_t cnt)
{
    slk_vanilla_layout_t lay;
    slk_post_layout(&lay, size);
    return SLK_POST_HEAD_SZ + cnt * slk_post_path_sz(&lay) + SLK_POST_TAIL_SZ;
}

/* --- Writing -------------------------------------------------------------------------------- */

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    slk_store_le64(p, v);
    return p + 8;
}

static uint8_t *put_nodes(uint8_t *p, const slk_node_t *nodes, size_t cnt)
{
    memcpy(p, nodes, cnt * SLK_NODE_SZ);
    return p + cnt * SLK_NODE_SZ;
}

void slk_post_path_write(uint8_t *out, const slk_vanilla_layout_t *lay, uint64_t leaf,
                         const slk_node_t *value, const slk_node_t *root)
{
    uint32_t end[3], cnt = parts(end, lay), l = 0;
    slk_store_le32(out, cnt - 1);
    uint8_t *p = out + 4;
    if (cnt == 1)
        p = put_nodes(put_nodes(p, root, 1), value, 1);
    for (uint32_t part = 0; part < cnt; part++) {
        p = put64(p, end[part] - l);
        for (; l < end[part]; l++) {
            const slk_path_level_t *level = &lay->level[l];
            p = put64(p, level->arity - 1);
            p = put_nodes(p, value + 1 + level->sibling, level->arity - 1);
            p = put64(p, slk_path_position(level, leaf));
        }
    }
    if (cnt > 1)
        p = put_nodes(put_nodes(p, root, 1), value, 1);
    SLK_ASSERT((size_t)(p - out) == slk_post_path_sz(lay));
}

void slk_post_head_write(uint8_t *out, const slk_vanilla_layout_t *lay, uint64_t sector,
                         uint32_t cnt, const slk_node_t *comm_r, const slk_node_t *comm_c,
                         const slk_node_t *comm_r_last)
{
    put64(put64(put_nodes(put64(out, sector), comm_r, 1), 1), cnt);
    put_nodes(put_nodes(out + SLK_POST_HEAD_SZ + cnt * slk_post_path_sz(lay), comm_c, 1),
              comm_r_last, 1);
}

/* --- Reading -------------------------------------------------------------------------------- */

/* Bytes being read; the length was checked before. */
typedef struct {
    const uint8_t *start, *p;
    slk_diag_t *diag;
} reader_t;

static slk_err_t expect(reader_t *r, uint64_t found, uint64_t expected, unsigned width,
                        const char *what)
{
    if (found != expected)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "vanilla proof, byte %zu: %s is %" PRIu64 ", expected %" PRIu64
                        "; it is damaged or of another sector size",
                        (size_t)(r->p - r->start), what, found, expected);
    r->p += width;
    return SLK_OK;
}

static slk_err_t expect64(reader_t *r, uint64_t expected, const char *what)
{
    return expect(r, slk_load_le64(r->p), expected, 8, what);
}

/* Canonical nodes, copied to out unless that is NULL. */
static slk_err_t take_nodes(reader_t *r, slk_node_t *out, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++, r->p += SLK_NODE_SZ) {
        slk_node_t node;
        memcpy(node.b, r->p, SLK_NODE_SZ);
        if (!slk_node_is_canonical(&node))
            return slk_fail(r->diag, SLK_ERR_FORMAT,
                            "vanilla proof, byte %zu: %s is not below the field's modulus",
                            (size_t)(r->p - r->start), slk_node_hex(&node).s);
        if (out)
            out[i] = node;
    }
    return SLK_OK;
}

static slk_err_t take_level(reader_t *r, slk_post_path_t *out, const slk_path_level_t *level)
{
    slk_err_t err;
    SLK_TRY(expect64(r, level->arity - 1, "number of siblings"));
    SLK_TRY(take_nodes(r, out->siblings + level->sibling, level->arity - 1));
    uint64_t position = slk_load_le64(r->p);
    if (position >= level->arity)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "vanilla proof, byte %zu: position %" PRIu64 " among %" PRIu32 " nodes",
                        (size_t)(r->p - r->start), position, level->arity);
    out->leaf |= position << level->shift;
    r->p += 8;
out:
    return err;
}

static slk_err_t take_path(reader_t *r, slk_post_path_t *out, const slk_vanilla_layout_t *lay)
{
    uint32_t end[3], cnt = parts(end, lay), l = 0;
    slk_err_t err;
    out->leaf = 0;
    out->sibling_cnt = lay->sibling_cnt;
    SLK_TRY(expect(r, slk_load_le32(r->p), cnt - 1, 4, "kind of the tree"));
    for (uint32_t part = 0; part < cnt; part++) {
        if (cnt == 1) {
            SLK_TRY(take_nodes(r, &out->root, 1));
            SLK_TRY(take_nodes(r, &out->value, 1));
        }
        SLK_TRY(expect64(r, end[part] - l, "number of levels"));
        for (; l < end[part]; l++)
            SLK_TRY(take_level(r, out, &lay->level[l]));
    }
    if (cnt > 1) {
        SLK_TRY(take_nodes(r, &out->root, 1));
        SLK_TRY(take_nodes(r, &out->value, 1));
    }
out:
    return err;
}

slk_err_t slk_post_vanilla_parse(slk_post_vanilla_t *out, const slk_size_t *size,
                                 const uint8_t *bytes, size_t len, slk_diag_t *diag)
{
    slk_vanilla_layout_t lay;
    slk_post_layout(&lay, size);
    size_t path_sz = slk_post_path_sz(&lay), frame = SLK_POST_HEAD_SZ + SLK_POST_TAIL_SZ;
    size_t cnt = len > frame ? (len - frame) / path_sz : 0;
    if (cnt < 1 || cnt > SLK_POST_CHALLENGES_MAX || len != frame + cnt * path_sz)
        return slk_fail(
            diag, SLK_ERR_LENGTH,
            "vanilla proof of a %s sector: %zu bytes, expected %zu and %zu for each of 1 to %u "
            "challenges",
            size->name, len, frame, path_sz, SLK_POST_CHALLENGES_MAX);
    reader_t r = {bytes, bytes, diag};
    slk_post_path_t path;
    slk_err_t err;
    memset(out, 0, sizeof *out);
    out->sector = slk_load_le64(r.p);
    r.p += 8;
    SLK_TRY(take_nodes(&r, &out->comm_r, 1));
    SLK_TRY(expect64(&r, 1, "number of sectors"));
    SLK_TRY(expect64(&r, cnt, "number of inclusion proofs"));
    out->cnt = (uint32_t)cnt;
    out->paths = r.p;
    for (size_t i = 0; i < cnt; i++)
        SLK_TRY(take_path(&r, &path, &lay));
    SLK_TRY(take_nodes(&r, &out->comm_c, 1));
    SLK_TRY(take_nodes(&r, &out->comm_r_last, 1));
out:
    return err;
}

void slk_post_vanilla_path(slk_post_path_t *out, const slk_size_t *size,
                           const slk_post_vanilla_t *proof, uint32_t n)
{
    slk_vanilla_layout_t lay;
    SLK_ASSERT(n < proof->cnt);
    slk_post_layout(&lay, size);
    const uint8_t *start = proof->paths + n * slk_post_path_sz(&lay);
    reader_t r = {start, start, NULL};
    slk_err_t err = take_path(&r, out, &lay);
    SLK_ASSERT(err == SLK_OK); /* was parsed before */
}

/* --- Hashing -------------------------------------------------------------------------------- */

void slk_post_climb(slk_node_t *hashes, const slk_vanilla_layout_t *lay, const uint64_t *leaves,
                    const slk_node_t *const *siblings, uint32_t cnt)
{
    slk_node_t groups[8 * SLK_POST_CHALLENGES_MAX];
    SLK_ASSERT(cnt <= SLK_POST_CHALLENGES_MAX);
    for (uint32_t l = 0; l < lay->level_cnt; l++) {
        const slk_path_level_t *level = &lay->level[l];
        for (uint32_t i = 0; i < cnt; i++) {
            slk_node_t *group = groups + i * level->arity;
            const slk_node_t *from = siblings[i] + level->sibling;
            uint32_t pos = slk_path_position(level, leaves[i]);
            memcpy(group, from, pos * sizeof *group);
            group[pos] = hashes[i];
            memcpy(group + pos + 1, from + pos, (level->arity - 1 - pos) * sizeof *group);
        }
        size_t hashed = slk_poseidon_rows(hashes, groups, cnt, level->arity);
        SLK_ASSERT(hashed == (size_t)cnt * level->arity);
    }
}
