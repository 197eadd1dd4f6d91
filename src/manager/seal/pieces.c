#include "manager/seal/pieces.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t slk_sector_used(const slk_sector_piece_list_t *pieces)
{
    uint64_t used = 0;
    for (size_t i = 0; i < pieces->count; i++)
        used += pieces->items[i].piece.size;
    return used;
}

size_t slk_sector_data_cnt(const slk_sector_piece_list_t *pieces)
{
    size_t cnt = 0;
    for (size_t i = 0; i < pieces->count; i++)
        cnt += pieces->items[i].deal_info != NULL;
    return cnt;
}

static slk_sector_piece_t filler(const slk_piece_t *zero)
{
    return (slk_sector_piece_t){
        .piece = {.size = zero->padded,
                  .piece_cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &zero->comm_p)}};
}

static void put_fillers(slk_sector_piece_list_t *out, uint64_t from, uint64_t to)
{
    slk_piece_t zeros[64];
    const unsigned cnt = slk_piece_fill(zeros, from, to);
    for (unsigned i = 0; i < cnt; i++)
        out->items[out->count++] = filler(&zeros[i]);
}

static bool is_piece_size(uint64_t size)
{
    return size >= SLK_PIECE_MIN_PADDED && size <= SLK_PIECE_MAX_PADDED && (size & (size - 1)) == 0;
}

slk_err_t slk_sector_layout(slk_sector_piece_list_t *out, uint64_t used,
                            const slk_sector_piece_list_t *add, uint64_t sector_size,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    *out = (slk_sector_piece_list_t){0};
    out->items = slk_arena_array(arena, add->count * 65, sizeof *out->items);
    if (!out->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the layout of %zu pieces", add->count);
    for (size_t i = 0; i < add->count; i++) {
        const slk_sector_piece_t *piece = &add->items[i];
        if (!is_piece_size(piece->piece.size))
            return slk_fail(diag, SLK_ERR_INPUT,
                            "piece %s has the size %" PRIu64
                            ", which is no power of two from 128 on",
                            slk_cid_text(&piece->piece.piece_cid).s, piece->piece.size);
        const uint64_t at = slk_piece_offset(used, piece->piece.size);
        if (at > sector_size || piece->piece.size > sector_size - at)
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "piece %s of %" PRIu64 " bytes does not fit: %" PRIu64 " of %" PRIu64
                            " bytes are used",
                            slk_cid_text(&piece->piece.piece_cid).s, piece->piece.size, used,
                            sector_size);
        put_fillers(out, used, at);
        out->items[out->count++] = *piece;
        used = at + piece->piece.size;
    }
    return SLK_OK;
}

slk_err_t slk_sector_fill(slk_sector_piece_list_t *out, uint64_t used, uint64_t sector_size,
                          slk_arena_t *arena, slk_diag_t *diag)
{
    *out = (slk_sector_piece_list_t){0};
    if (used > sector_size || used % SLK_PIECE_MIN_PADDED)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "its pieces have %" PRIu64 " bytes, the sector %" PRIu64, used,
                        sector_size);
    out->items = slk_arena_array(arena, 64, sizeof *out->items);
    if (!out->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for fillers");
    put_fillers(out, used, sector_size);
    return SLK_OK;
}

slk_err_t slk_sector_comm_d(slk_node_t *out, const slk_sector_piece_list_t *pieces,
                            uint64_t sector_size, slk_diag_t *diag)
{
    slk_piece_t *rows = calloc(pieces->count + 1, sizeof *rows);
    slk_err_t err = rows ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for pieces");
    for (size_t i = 0; err == SLK_OK && i < pieces->count; i++) {
        rows[i].padded = pieces->items[i].piece.size;
        err = slk_cid_to_commitment(&rows[i].comm_p, SLK_CID_UNSEALED,
                                    &pieces->items[i].piece.piece_cid, diag);
    }
    if (err == SLK_OK)
        err = slk_piece_comm_d(out, sector_size, rows, pieces->count, diag);
    free(rows);
    return err;
}

bool slk_piece_is_market(const slk_sector_piece_t *piece)
{
    return piece->deal_info && !piece->deal_info->piece_activation_manifest;
}

int64_t slk_piece_start(const slk_sector_piece_t *piece)
{
    if (!piece->deal_info)
        return 0;
    if (piece->deal_info->deal_proposal)
        return piece->deal_info->deal_proposal->start_epoch;
    return piece->deal_info->deal_schedule.start_epoch;
}

int64_t slk_piece_end(const slk_sector_piece_t *piece)
{
    if (!piece->deal_info)
        return 0;
    if (piece->deal_info->deal_proposal)
        return piece->deal_info->deal_proposal->end_epoch;
    return piece->deal_info->deal_schedule.end_epoch;
}
