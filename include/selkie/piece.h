#ifndef SELKIE_PIECE_H
#define SELKIE_PIECE_H

/* Pieces: commitments (CommP), their place in a sector, comm_d of a sector from its pieces.
 * Sizes named `padded` count fr32-padded bytes: powers of two, at least 128.
 * Source: spec/proofs-vanilla.md sections 5.2 and 6. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

#define SLK_PIECE_MIN_PADDED UINT64_C(128)
#define SLK_PIECE_MAX_PADDED (UINT64_C(64) << 30)

typedef struct {
    slk_node_t comm_p;
    uint64_t padded;
} slk_piece_t;

/* Commitment of `padded` zero bytes. padded: a power of two >= 32; else asserts. */
SLK_API void slk_piece_zero(slk_node_t *out, uint64_t padded);

/* Smallest padded piece size that holds raw bytes of data, at least 128; 0 above the maximum. */
SLK_API uint64_t slk_piece_padded_for(uint64_t raw);

/* Deliver up to cap bytes into buf: *len = 0 only at the end of the data. */
typedef slk_err_t slk_read_fn_t(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag);

typedef struct {
    slk_piece_t piece;
    uint64_t raw; /* bytes of data that were read */
} slk_commp_t;

/* CommP of all the data that read delivers, zero-extended to `padded` bytes of padded size, or to
 * the smallest size that holds it when padded is 0. Streams: needs about 4 MiB whatever the size, 1
 * MiB a thread more with many (at most 72 MiB); all threads of job->pool hash. read is called from
 * the calling thread only, also while the others hash: neither read nor sink may run loops on
 * job->pool.
 *
 * sink (may be NULL) receives the padded bytes in order, each byte once, exactly padded bytes in
 * all when padded was given, else up to the end of the data's last 128-byte group; from the calling
 * thread.
 *
 * SLK_ERR_INPUT: padded is neither 0 nor a power of two from the minimum to the maximum above.
 * SLK_ERR_LENGTH: more data than fits. SLK_ERR_CANCELLED. An error of read or sink is returned as
 * it is. No data at all is an empty piece of zeros. */
typedef slk_err_t slk_write_fn_t(void *ctx, const uint8_t *buf, size_t len, slk_diag_t *diag);
SLK_API SLK_CHECK_RESULT slk_err_t slk_commp(slk_commp_t *out, uint64_t padded, slk_read_fn_t *read,
                                             void *read_ctx, slk_write_fn_t *sink, void *sink_ctx,
                                             const slk_job_t *job, slk_diag_t *diag);

/* The same for a file descriptor, from its present position to its end; path is for messages. A
 * regular file that is too long is refused before anything is read. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_commp_fd(slk_commp_t *out, uint64_t padded, int fd,
                                                const char *path, const slk_job_t *job,
                                                slk_diag_t *diag);

/* Where a piece goes behind `used` padded bytes: the next multiple of its size, a power of two. */
SLK_API uint64_t slk_piece_offset(uint64_t used, uint64_t padded);

/* The zero pieces that fill [from, to), as Lotus cuts them: one for each set bit of the gap,
 * smallest first. to: the offset of a piece larger than the gap, or a sector's size, so that each
 * lies at a multiple of its own size (else asserts). Writes at most 64 rows, returns how many. */
SLK_API unsigned slk_piece_fill(slk_piece_t out[64], uint64_t from, uint64_t to);

/* comm_d of a sector that holds these pieces in this order at the offsets above, the rest zeros.
 * No pieces: committed capacity. SLK_ERR_INPUT: a size that is no power of two or below 128, a
 * commitment of 32 zero bytes; SLK_ERR_LENGTH: they do not fit. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_piece_comm_d(slk_node_t *out, uint64_t sector_bytes,
                                                    const slk_piece_t *pieces, size_t piece_cnt,
                                                    slk_diag_t *diag);

#endif /* SELKIE_PIECE_H */
