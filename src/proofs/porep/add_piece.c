/* AP: append pieces to the unsealed file. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "proofs/porep/sector_io.h"
#include "selkie/fr32.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Data of a descriptor, at most `left` bytes. */
typedef struct {
    int fd;
    const char *path;
    uint64_t left;
    const slk_job_t *job;
} source_t;

static slk_err_t source_read(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    source_t *source = ctx;
    if (cap > source->left)
        cap = (size_t)source->left;
    slk_err_t err = slk_read_upto_job(source->fd, buf, cap, len, source->path, source->job, diag);
    source->left -= *len;
    return err;
}

/* Padded bytes into a file from an offset on. */
typedef struct {
    int fd;
    const char *path;
    uint64_t at;
} target_t;

static slk_err_t target_write(void *ctx, const uint8_t *buf, size_t len, slk_diag_t *diag)
{
    target_t *target = ctx;
    slk_err_t err = slk_pwrite_all(target->fd, buf, len, target->at, target->path, diag);
    target->at += len;
    return err;
}

/* Bytes left in a regular file, cut to limit; *known = false for pipes and the like. */
static slk_err_t source_len(uint64_t *len, bool *known, int fd, const char *path, uint64_t limit,
                            slk_diag_t *diag)
{
    struct stat st;
    *known = false;
    *len = 0;
    if (fstat(fd, &st))
        return slk_fail_errno(diag, "stat", path);
    if (S_ISDIR(st.st_mode))
        return slk_fail(diag, SLK_ERR_INPUT, "%s: is a folder; give a file", path);
    off_t at = S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    if (at < 0)
        return SLK_OK;
    *known = true;
    *len = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
    if (*len > limit)
        *len = limit;
    return SLK_OK;
}

static slk_err_t check_room(const slk_sector_t *sector, uint64_t used, uint64_t padded,
                            slk_diag_t *diag)
{
    uint64_t size = sector->porep.size->bytes;
    if (padded < SLK_PIECE_MIN_PADDED || (padded & (padded - 1)) || padded > SLK_PIECE_MAX_PADDED)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "piece size %" PRIu64 ": expected a power of two from 128 to %" PRIu64
                        " padded bytes",
                        padded, size);
    if (slk_piece_offset(used, padded) + padded > size)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "a piece of %" PRIu64
                        " padded bytes does not fit: the sector holds %" PRIu64 ", %" PRIu64
                        " are used, and a piece begins at a multiple of its size; use another "
                        "sector or a smaller piece",
                        padded, size, used);
    return SLK_OK;
}

/* Append bytes [0, len) of from to `to` at an offset. */
static slk_err_t append_copy(int to, uint64_t at, const char *to_path, int from, uint64_t len,
                             const char *from_path, slk_diag_t *diag)
{
    enum { STEP = 1 << 20 };
    uint8_t *buf = malloc(STEP);
    slk_err_t err = buf ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory to copy a piece");
    for (uint64_t done = 0; err == SLK_OK && done < len;) {
        uint64_t n = len - done < STEP ? len - done : STEP;
        err = slk_pread_all(from, buf, n, done, from_path, diag);
        if (err == SLK_OK)
            err = slk_pwrite_all(to, buf, n, at + done, to_path, diag);
        done += n;
    }
    free(buf);
    return err;
}

/* Data of unknown length behind other pieces: its place depends on its size, so it is staged in a
 * file first. */
static slk_err_t add_staged(slk_commp_t *out, uint64_t *offset, const slk_sector_t *sector, int fd,
                            uint64_t used, source_t *source, const slk_job_t *job, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    slk_new_file_t stage = SLK_NEW_FILE_INIT;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, sector->cache, "piece", diag));
    SLK_TRY(slk_new_file_open(&stage, path, 0, diag));
    target_t target = {stage.fd, stage.tmp, 0};
    SLK_TRY(slk_commp(out, 0, source_read, source, target_write, &target, job, diag));
    SLK_TRY(check_room(sector, used, out->piece.padded, diag));
    *offset = slk_piece_offset(used, out->piece.padded);
    SLK_TRY(append_copy(fd, *offset, sector->unsealed, stage.fd, target.at, stage.tmp, diag));
out:
    slk_new_file_abort(&stage);
    return err;
}

/* Write the piece behind `used` bytes; the file's content below stays. */
static slk_err_t add_data(slk_add_piece_t *out, const slk_sector_t *sector, int fd, uint64_t used,
                          source_t *source, uint64_t padded, const slk_job_t *job, slk_diag_t *diag)
{
    uint64_t raw;
    bool known;
    slk_commp_t commp;
    slk_err_t err;
    SLK_TRY(source_len(&raw, &known, source->fd, source->path, source->left, diag));
    if (!padded && known) {
        padded = slk_piece_padded_for(raw);
        if (!padded) {
            err = slk_fail(diag, SLK_ERR_LENGTH, "%s: %" PRIu64 " bytes fit into no sector",
                           source->path, raw);
            goto out;
        }
    }
    if (padded)
        SLK_TRY(check_room(sector, used, padded, diag));
    if (known && slk_piece_padded_for(raw) > padded) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, a piece of %" PRIu64 " padded bytes holds %" PRIu64
                       "; give --piece-size %" PRIu64 " or more",
                       source->path, raw, padded, slk_fr32_unpadded(padded),
                       slk_piece_padded_for(raw));
        goto out;
    }
    /* What an interrupted call may have left behind `used` must not end up in the gap before the
     * piece. */
    if (ftruncate(fd, (off_t)used)) {
        err = slk_fail_errno(diag, "set the length of", sector->unsealed);
        goto out;
    }
    if (padded || !used) {
        out->offset = padded ? slk_piece_offset(used, padded) : 0;
        target_t target = {fd, sector->unsealed, out->offset};
        SLK_TRY(slk_commp(&commp, padded, source_read, source, target_write, &target, job, diag));
        SLK_TRY(check_room(sector, used, commp.piece.padded, diag));
    } else {
        SLK_TRY(add_staged(&commp, &out->offset, sector, fd, used, source, job, diag));
    }
    if (ftruncate(fd, (off_t)(out->offset + commp.piece.padded)) || fsync(fd)) {
        err = slk_fail_errno(diag, "write", sector->unsealed);
        goto out;
    }
    out->piece = commp.piece;
    out->raw = commp.raw;
    err = slk_sync_parent(sector->unsealed, diag);
out:
    return err;
}

static slk_err_t open_unsealed(int *fd, const slk_sector_t *sector, bool recorded, size_t pieces,
                               slk_diag_t *diag)
{
    *fd = open(sector->unsealed, O_RDWR | O_CLOEXEC | (pieces ? 0 : O_CREAT), 0644);
    if (*fd < 0 && errno == ENOENT && pieces)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: missing, but %zu pieces were added to this sector; restore it, or "
                        "remove %s/" SLK_RECORD_NAME " and add them again",
                        sector->unsealed, pieces, sector->cache);
    if (*fd < 0)
        return slk_fail_errno(diag, "open", sector->unsealed);
    struct stat st;
    if (fstat(*fd, &st))
        return slk_fail_errno(diag, "stat", sector->unsealed);
    if (!S_ISREG(st.st_mode))
        return slk_fail(diag, SLK_ERR_INPUT, "%s: not a regular file", sector->unsealed);
    if (st.st_size && !recorded)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: has data, but %s/" SLK_RECORD_NAME
                        " that lists its pieces is missing; seal it as it is with pc1, or remove "
                        "it to begin anew",
                        sector->unsealed, sector->cache);
    return SLK_OK;
}

/* The sector as it was. Where that fails, the mark in the record makes the next call do it. */
static void undo(slk_record_t *record, const slk_sector_t *sector, int fd, uint64_t used)
{
    slk_diag_t ignored;
    record->adding = ftruncate(fd, (off_t)used) != 0;
    if (!record->adding && slk_record_save(record, sector, &ignored) != SLK_OK)
        record->adding = true;
}

slk_err_t slk_seal_add_piece(slk_add_piece_t *out, const slk_sector_t *sector, int fd,
                             const char *path, uint64_t raw_limit, uint64_t padded,
                             const slk_job_t *job, slk_diag_t *diag)
{
    slk_record_t record = {0};
    int lock = -1, file = -1;
    uint64_t used = 0;
    bool found, touched = false;
    slk_err_t err;
    memset(out, 0, sizeof *out);
    SLK_TRY(slk_make_dirs(sector->cache, diag));
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&record, &found, sector, diag));
    if (record.has_ticket) {
        err = slk_fail(diag, SLK_ERR_STATE,
                       "%s: PC1 of this sector was already begun; its pieces can no longer change: "
                       "use another sector",
                       sector->cache);
        goto out;
    }
    SLK_TRY(open_unsealed(&file, sector, found, record.piece_cnt, diag));
    if (record.piece_cnt == SLK_SECTOR_PIECES_MAX) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "the sector already has %u pieces, the most selkie keeps",
                       SLK_SECTOR_PIECES_MAX);
        goto out;
    }
    used = slk_record_used(&record);
    uint64_t len;
    SLK_TRY(slk_file_len(&found, &len, sector->unsealed, diag));
    if (len < used) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, its pieces take %" PRIu64
                       "; restore it, or remove it and %s/" SLK_RECORD_NAME
                       " and add the pieces again",
                       sector->unsealed, len, used, sector->cache);
        goto out;
    }
    source_t source = {fd, path, raw_limit, job};
    record.adding = true;
    SLK_TRY(slk_record_save(&record, sector, diag));
    touched = true;
    SLK_TRY(add_data(out, sector, file, used, &source, padded, job, diag));
    slk_piece_t *pieces = realloc(record.pieces, (record.piece_cnt + 1) * sizeof *pieces);
    if (!pieces) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for the list of pieces");
        goto out;
    }
    record.pieces = pieces;
    record.pieces[record.piece_cnt++] = out->piece;
    /* From here on the record decides; what it does not list is cut off by the next call. */
    touched = false;
    record.adding = false;
    SLK_TRY(slk_record_save(&record, sector, diag));
    out->pieces = record.pieces;
    out->piece_cnt = record.piece_cnt;
    record.pieces = NULL;
out:
    if (touched)
        undo(&record, sector, file, used);
    if (file >= 0)
        close(file);
    if (lock >= 0)
        close(lock);
    slk_record_fini(&record);
    return err;
}

void slk_add_piece_fini(slk_add_piece_t *out)
{
    free(out->pieces);
    out->pieces = NULL;
    out->piece_cnt = 0;
}
