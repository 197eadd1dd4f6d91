/* Kinds, challenges, partitions: spec/proofs-vanilla-2.md 9.1, 9.2, 9.4. */

#include "selkie/post.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/sha256/sha256.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Kinds ---------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [SLK_POST_WINNING] = "winning", [SLK_POST_WINDOW] = "window"};

/* One row a variant; registered numbers follow in the order of the sizes. */
static const struct {
    slk_post_kind_t kind;
    slk_api_version_t version;
    int first_id;
    const char *name[2]; /* around the size */
    uint32_t challenges;
} variants[] = {
    {SLK_POST_WINNING, SLK_API_V1_0, 0, {"StackedDrgWinning", "V1"}, 66},
    {SLK_POST_WINDOW, SLK_API_V1_0, 5, {"StackedDrgWindow", "V1"}, 10},
    {SLK_POST_WINDOW, SLK_API_V1_2, 10, {"StackedDrgWindow", "V1_1"}, 10},
};

/* Sectors of a window partition, where it is not 2. */
static const struct {
    uint64_t bytes;
    uint32_t sectors;
} widths[] = {{UINT64_C(32) << 30, 2349}, {UINT64_C(64) << 30, 2300}};

static uint32_t window_sectors(const slk_size_t *size)
{
    for (size_t i = 0; i < SLK_COUNT(widths); i++) {
        if (widths[i].bytes == size->bytes)
            return widths[i].sectors;
    }
    return 2;
}

/* Place of a size among those with registered proofs. */
static int published_index(const slk_size_t *size)
{
    int index = 0;
    const slk_size_t *row;
    for (unsigned i = 0; (row = slk_size_at(i)) != size; i++)
        index += row->published;
    return index;
}

const char *slk_post_kind_name(slk_post_kind_t kind)
{
    SLK_ASSERT((size_t)kind < SLK_COUNT(kind_names));
    return kind_names[kind];
}

slk_err_t slk_post_make(slk_post_t *out, const slk_size_t *size, slk_post_kind_t kind,
                        slk_api_version_t version, slk_diag_t *diag)
{
    for (size_t i = 0; i < SLK_COUNT(variants); i++) {
        if (variants[i].kind != kind || variants[i].version != version)
            continue;
        *out = (slk_post_t){.size = size,
                            .kind = kind,
                            .version = version,
                            .registered = -1,
                            .sectors = kind == SLK_POST_WINDOW ? window_sectors(size) : 1,
                            .challenges = variants[i].challenges};
        if (size->published) {
            out->registered = variants[i].first_id + published_index(size);
            snprintf(out->name, sizeof out->name, "%s%s%s", variants[i].name[0], size->name,
                     variants[i].name[1]);
        }
        return SLK_OK;
    }
    return slk_fail(diag, SLK_ERR_INPUT, "there is no %s proof of spacetime of version V1_%d_0",
                    slk_post_kind_name(kind), (int)version);
}

slk_err_t slk_post_by_id(slk_post_t *out, int registered, slk_diag_t *diag)
{
    const slk_size_t *size;
    for (size_t i = 0; i < SLK_COUNT(variants); i++) {
        for (unsigned k = 0; (size = slk_size_at(k)); k++) {
            if (size->published && variants[i].first_id + published_index(size) == registered)
                return slk_post_make(out, size, variants[i].kind, variants[i].version, diag);
        }
    }
    return slk_fail(diag, SLK_ERR_INPUT, "there is no registered PoSt proof %d, expected 0 to 14",
                    registered);
}

/* --- Challenges ----------------------------------------------------------------------------- */

void slk_post_randomness(slk_node_t *randomness)
{
    randomness->b[31] &= 0x3f;
}

static uint64_t hash64(const uint8_t *msg, size_t len)
{
    slk_node_t digest;
    slk_sha256(&digest, msg, len);
    return slk_load_le64(digest.b);
}

uint64_t slk_post_winning_sector(const slk_node_t *prover_id, const slk_node_t *randomness,
                                 uint64_t n, uint64_t cnt)
{
    SLK_ASSERT(cnt > 0);
    uint8_t msg[72];
    memcpy(msg, prover_id->b, 32);
    memcpy(msg + 32, randomness->b, 32);
    slk_store_le64(msg + 64, n);
    return hash64(msg, sizeof msg) % cnt;
}

void slk_post_leaves(uint64_t *out, const slk_post_t *post, const slk_node_t *randomness,
                     uint64_t sector, uint64_t position)
{
    uint8_t msg[48];
    bool placed = post->version != SLK_API_V1_2 && post->kind == SLK_POST_WINDOW;
    memcpy(msg, randomness->b, 32);
    slk_store_le64(msg + 32, sector);
    for (uint32_t n = 0; n < post->challenges; n++) {
        slk_store_le64(msg + 40, placed ? position * post->challenges + n : n);
        out[n] = hash64(msg, sizeof msg) % post->size->nodes;
    }
}

typedef struct {
    uint64_t sector, position;
} place_t;

/* By sector, then the last position first. */
static int by_sector(const void *a, const void *b)
{
    const place_t *x = a, *y = b;
    if (x->sector != y->sector)
        return x->sector < y->sector ? -1 : 1;
    return x->position > y->position ? -1 : 1;
}

slk_err_t slk_post_sector_challenges(uint64_t *out_sectors, uint64_t *out_leaves, size_t *out_cnt,
                                     const slk_post_t *post, const slk_node_t *randomness,
                                     const uint64_t *sectors, size_t cnt, slk_diag_t *diag)
{
    *out_cnt = 0;
    if (!slk_node_is_canonical(randomness))
        return slk_fail(
            diag, SLK_ERR_FIELD,
            "randomness %s is not below the field's modulus; clear its two top bits first",
            slk_node_hex(randomness).s);
    if (!cnt)
        return slk_fail(diag, SLK_ERR_INPUT, "no sectors: expected at least one");
    place_t *places = calloc(cnt, sizeof *places);
    if (!places)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu sectors", cnt);
    for (size_t i = 0; i < cnt; i++)
        places[i] = (place_t){sectors[i], i};
    qsort(places, cnt, sizeof *places, by_sector);
    for (size_t i = 0; i < cnt; i++) {
        if (i && places[i].sector == places[i - 1].sector)
            continue;
        out_sectors[*out_cnt] = places[i].sector;
        slk_post_leaves(out_leaves + *out_cnt * post->challenges, post, randomness,
                        places[i].sector, places[i].position);
        ++*out_cnt;
    }
    free(places);
    return SLK_OK;
}

/* --- Partitions ----------------------------------------------------------------------------- */

uint32_t slk_post_partition_cnt(const slk_post_t *post, size_t cnt)
{
    return cnt > post->sectors ? (uint32_t)((cnt + post->sectors - 1) / post->sectors) : 1;
}

uint32_t slk_post_place_cnt(const slk_post_t *post)
{
    return post->kind == SLK_POST_WINNING ? post->challenges : post->sectors;
}

uint32_t slk_post_place_paths(const slk_post_t *post)
{
    return post->kind == SLK_POST_WINNING ? 1 : post->challenges;
}

slk_post_place_t slk_post_place(const slk_post_t *post, size_t cnt, uint32_t i)
{
    SLK_ASSERT(cnt >= 1 && cnt <= post->sectors && i < slk_post_place_cnt(post));
    if (post->kind == SLK_POST_WINNING)
        return (slk_post_place_t){.sector = 0, .first = i};
    bool padding = i >= cnt;
    return (slk_post_place_t){.sector = padding ? cnt - 1 : i, .padding = padding};
}
