#ifndef SLK_MANAGER_SEAL_PIECES_H
#define SLK_MANAGER_SEAL_PIECES_H

/* The pieces of a sector: how they lie, what they commit to. The layout is that of slk_seal_add_piece: each
 * piece at a multiple of its size, zero pieces before it where that leaves a gap. Pure. */

#include "manager/sector/record.h"
#include "selkie/piece.h"

/* Padded bytes of all. */
uint64_t slk_sector_used(const slk_sector_piece_list_t *pieces);

/* Those that are no fillers. */
size_t slk_sector_data_cnt(const slk_sector_piece_list_t *pieces);

/* What is written behind `used` bytes to add these pieces: the pieces with fillers between them, in order.
 * SLK_ERR_INPUT: a size that no piece has; SLK_ERR_LENGTH: they do not fit into sector_size. */
SLK_CHECK_RESULT slk_err_t slk_sector_layout(slk_sector_piece_list_t *out, uint64_t used,
                                             const slk_sector_piece_list_t *add,
                                             uint64_t sector_size, slk_arena_t *arena,
                                             slk_diag_t *diag);

/* The zero pieces that fill [used, sector_size): of an empty sector a single one. */
SLK_CHECK_RESULT slk_err_t slk_sector_fill(slk_sector_piece_list_t *out, uint64_t used,
                                           uint64_t sector_size, slk_arena_t *arena,
                                           slk_diag_t *diag);

/* CommD of the pieces. Errors: those of slk_piece_comm_d, SLK_ERR_FORMAT: a CID that is no piece's. */
SLK_CHECK_RESULT slk_err_t slk_sector_comm_d(slk_node_t *out, const slk_sector_piece_list_t *pieces,
                                             uint64_t sector_size, slk_diag_t *diag);

/* When a piece's deal begins and ends; 0: it has none. */
int64_t slk_piece_start(const slk_sector_piece_t *piece);
int64_t slk_piece_end(const slk_sector_piece_t *piece);

/* A deal of the built-in market; false: data with a manifest, or a filler. */
bool slk_piece_is_market(const slk_sector_piece_t *piece);

#endif /* SLK_MANAGER_SEAL_PIECES_H */
