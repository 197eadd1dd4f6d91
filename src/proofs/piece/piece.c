#include "selkie/piece.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/piece/subtree.h"
#include "selkie/fr32.h"

#include <inttypes.h>

static bool is_power_of_two(uint64_t v)
{
    return v && !(v & (v - 1));
}

void slk_piece_zero(slk_node_t *out, uint64_t padded)
{
    SLK_ASSERT(is_power_of_two(padded) && padded >= SLK_NODE_SZ);
    *out = *slk_subtree_zero(slk_subtree_level(padded));
}

uint64_t slk_piece_padded_for(uint64_t raw)
{
    if (raw > slk_fr32_unpadded(SLK_PIECE_MAX_PADDED))
        return 0;
    uint64_t padded = SLK_PIECE_MIN_PADDED;
    while (slk_fr32_unpadded(padded) < raw)
        padded *= 2;
    return padded;
}

uint64_t slk_piece_offset(uint64_t used, uint64_t padded)
{
    SLK_ASSERT(is_power_of_two(padded));
    return (used + padded - 1) & ~(padded - 1);
}

unsigned slk_piece_fill(slk_piece_t out[64], uint64_t from, uint64_t to)
{
    SLK_ASSERT(from <= to);
    unsigned cnt = 0;
    for (uint64_t gap = to - from; gap; gap &= gap - 1) {
        slk_piece_t *piece = &out[cnt++];
        piece->padded = gap & -gap;
        SLK_ASSERT(piece->padded >= SLK_PIECE_MIN_PADDED && from % piece->padded == 0);
        slk_piece_zero(&piece->comm_p, piece->padded);
        from += piece->padded;
    }
    return cnt;
}

/* Zero pieces from the end of what is there up to an offset. */
static void push_zeros(slk_subtree_stack_t *stack, uint64_t to)
{
    slk_piece_t fill[64];
    unsigned cnt = slk_piece_fill(fill, stack->leaves * SLK_NODE_SZ, to);
    for (unsigned i = 0; i < cnt; i++)
        slk_subtree_push(stack, &fill[i].comm_p, slk_subtree_level(fill[i].padded));
}

slk_err_t slk_piece_comm_d(slk_node_t *out, uint64_t sector_bytes, const slk_piece_t *pieces,
                           size_t piece_cnt, slk_diag_t *diag)
{
    if (!is_power_of_two(sector_bytes) || sector_bytes < SLK_PIECE_MIN_PADDED)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "sector size %" PRIu64 ": expected a power of two, at least %" PRIu64,
                        sector_bytes, SLK_PIECE_MIN_PADDED);
    slk_subtree_stack_t stack;
    stack.leaves = 0;
    for (size_t i = 0; i < piece_cnt; i++) {
        uint64_t padded = pieces[i].padded;
        if (!is_power_of_two(padded) || padded < SLK_PIECE_MIN_PADDED)
            return slk_fail(diag, SLK_ERR_INPUT,
                            "piece %zu of %zu: padded size %" PRIu64
                            ", expected a power of two, at least %" PRIu64
                            "; give the size after fr32 padding",
                            i + 1, piece_cnt, padded, SLK_PIECE_MIN_PADDED);
        if (slk_node_is_zero(&pieces[i].comm_p))
            return slk_fail(
                diag, SLK_ERR_INPUT,
                "piece %zu of %zu: the commitment is 32 zero bytes, which no data has; a piece "
                "of zeros of this size has %s",
                i + 1, piece_cnt, slk_node_hex(slk_subtree_zero(slk_subtree_level(padded))).s);
        uint64_t used = stack.leaves * SLK_NODE_SZ;
        uint64_t offset = padded > sector_bytes ? sector_bytes : slk_piece_offset(used, padded);
        if (padded > sector_bytes - offset)
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "piece %zu of %zu: %" PRIu64 " padded bytes behind %" PRIu64
                            " used ones do not fit into a sector of %" PRIu64
                            "; leave it out, or put larger pieces first",
                            i + 1, piece_cnt, padded, used, sector_bytes);
        push_zeros(&stack, offset);
        slk_subtree_push(&stack, &pieces[i].comm_p, slk_subtree_level(padded));
    }
    slk_subtree_root(out, &stack, slk_subtree_level(sector_bytes));
    return SLK_OK;
}
