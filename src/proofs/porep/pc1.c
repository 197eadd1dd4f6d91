/* PC1: tree_d and the labels of all layers, resumable at any point.
 *
 * What is on the disk at any moment, and in which order it gets there:
 *   1. tree_d (renamed into place), then the record with ticket, comm_d, replica_id and the
 *      digest of tree_d;
 *   2. for each layer: <layer>.part grows; at a checkpoint it is synced, then
 *      selkie-checkpoint.json says how far it is good and what its digest is; a complete layer is
 *      synced and renamed to its final name, then the checkpoint moves to the next layer;
 *   3. pc1out.json, the record with the layers' digests; the checkpoint goes.
 * A kill between any two steps leaves a state from which the next call goes on. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/region.h"
#include "proofs/porep/labels.h"
#include "proofs/porep/layer_writer.h"
#include "proofs/porep/sector_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CHECKPOINT_SECONDS 30.0
#define SAMPLE_LABELS      4096 /* of a layer file that no record of ours vouches for */
#define TRAILER_MAX        (UINT64_C(16) << 20)

/* Where labels of a layer lie while PC1 needs them. */
typedef struct {
    slk_region_t region;
    int fd; /* -1 unless mapped */
} layer_t;

typedef struct {
    const slk_sector_t *sector;
    const slk_size_t *size;
    const slk_job_t *job;
    double seconds;
    bool in_ram;
    slk_record_t record;
    slk_checkpoint_t checkpoint;
    bool has_checkpoint;
    slk_node_t layer_sha256[SLK_LAYERS_MAX];
    bool known[SLK_LAYERS_MAX]; /* layer_sha256 is recorded */
    bool there[SLK_LAYERS_MAX]; /* the layer's file is complete and good */
    slk_labeler_t labeler;
    slk_graph_t *graph;
    const char *cache_dir; /* NULL: the default */
    slk_parent_cache_t *cache;
    layer_t cur, prev;
    uint32_t prev_layer; /* which layer prev holds; 0: none */
    uint64_t kept;       /* labels_resumed_from */
} pc1_t;

static slk_progress_t *progress_of(const pc1_t *p)
{
    return slk_job_progress(p->job);
}

static void layer_drop(layer_t *layer)
{
    slk_region_free(&layer->region);
    if (layer->fd >= 0)
        close(layer->fd);
    layer->fd = -1;
}

static slk_err_t layer_path(char out[SLK_PATH_SZ], const pc1_t *p, uint32_t layer,
                            const char *suffix, slk_diag_t *diag)
{
    char name[SLK_CACHE_NAME_SZ + 8];
    slk_layer_name(name, layer);
    strcat(name, suffix);
    return slk_cache_path(out, p->sector, name, diag);
}

/* --- The unsealed file ---------------------------------------------------------------------- */

/* Bytes behind the sector's size may be Lotus' trailer: RLE+ of the allocated ranges and LE32 of
 * its length. */
static slk_err_t check_trailer(int fd, uint64_t len, const pc1_t *p, slk_diag_t *diag)
{
    uint64_t extra = len - p->size->bytes;
    uint8_t tail[4];
    if (extra >= sizeof tail && extra <= TRAILER_MAX) {
        slk_err_t err =
            slk_pread_all(fd, tail, sizeof tail, len - sizeof tail, p->sector->unsealed, diag);
        if (err != SLK_OK)
            return err;
        if (slk_load_le32(tail) == extra - sizeof tail)
            return SLK_OK;
    }
    return slk_fail(diag, SLK_ERR_LENGTH,
                    "%s: %" PRIu64 " bytes, a %s sector has %" PRIu64
                    " (a Lotus trailer would be accepted); give the --size it was made for",
                    p->sector->unsealed, len, p->size->name, p->size->bytes);
}

/* Open the unsealed file, creating one of zeros for committed capacity; pad it to the sector's
 * size. */
static slk_err_t open_data(int *fd, const pc1_t *p, slk_diag_t *diag)
{
    const char *path = p->sector->unsealed;
    bool found;
    uint64_t len, used = slk_record_used(&p->record);
    slk_err_t err;
    *fd = -1;
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (!found && used) {
        err = slk_fail(diag, SLK_ERR_STATE,
                       "%s: missing, but %zu pieces were added to this sector; restore it, or add "
                       "them again after "
                       "removing %s/" SLK_RECORD_NAME,
                       path, p->record.piece_cnt, p->sector->cache);
        goto out;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    /* A file that needs no padding may well be read-only. */
    if (*fd < 0 && (errno == EACCES || errno == EROFS) && len >= p->size->bytes)
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) {
        err = slk_fail_errno(diag, "open", path);
        goto out;
    }
    /* A killed add-piece left the sector as it was before. */
    if (p->record.adding && len > used) {
        if (ftruncate(*fd, (off_t)used)) {
            err = slk_fail_errno(diag, "set the length of", path);
            goto out;
        }
        len = used;
    }
    if (len > p->size->bytes)
        SLK_TRY(check_trailer(*fd, len, p, diag));
    if (len < used || len % SLK_PIECE_MIN_PADDED) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes: expected a multiple of 128, at least the %" PRIu64
                       " of its pieces; the file is truncated: restore it or add the pieces again",
                       path, len, used);
        if (len <= p->size->bytes)
            goto out;
        err = SLK_OK;
    }
    if (len < p->size->bytes && (ftruncate(*fd, (off_t)p->size->bytes) || fsync(*fd)))
        err = slk_fail_errno(diag, "pad", path);
    if (err == SLK_OK && !found)
        err = slk_sync_parent(path, diag);
out:
    if (err != SLK_OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return err;
}

/* --- tree_d, replica_id, the copy that PC2 of the reference encodes --------------------------- */

static slk_err_t check_pieces(const pc1_t *p, const slk_node_t *comm_d, slk_diag_t *diag)
{
    slk_node_t want;
    if (!p->record.piece_cnt)
        return SLK_OK;
    slk_err_t err =
        slk_piece_comm_d(&want, p->size->bytes, p->record.pieces, p->record.piece_cnt, diag);
    if (err == SLK_OK && !slk_node_eq(&want, comm_d))
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: comm_d is %s, the pieces added give %s; the file was changed: add the "
                       "pieces again",
                       p->sector->unsealed, slk_node_hex(comm_d).s, slk_node_hex(&want).s);
    return err;
}

/* The sealed file of a sector that another program sealed must never be overwritten. */
static slk_err_t check_not_sealed(const pc1_t *p, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    bool sealed, p_aux;
    uint64_t len;
    slk_err_t err;
    SLK_TRY(slk_cache_path(path, p->sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_file_len(&p_aux, &len, path, diag));
    SLK_TRY(slk_file_len(&sealed, &len, p->sector->sealed, diag));
    if (sealed && p_aux)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "%s and %s exist, and no record of selkie says what they are: the sector "
                       "seems to be sealed "
                       "already; move both away to seal it anew",
                       p->sector->sealed, path);
out:
    return err;
}

static slk_err_t make_tree_d(pc1_t *p, const slk_node_t *ticket, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_node_t comm_d, sha256;
    int fd = -1;
    slk_err_t err;
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(path, p->sector, name, diag));
    SLK_TRY(open_data(&fd, p, diag));
    SLK_TRY(slk_tree_d_build(&comm_d, &sha256, path, p->size, fd, p->size->bytes,
                             p->sector->unsealed, p->job, diag));
    SLK_TRY(check_pieces(p, &comm_d, diag));
    if (p->record.has_ticket && !slk_node_eq(&comm_d, &p->record.comm_d)) {
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: comm_d is %s, PC1 of this sector was begun with %s; restore the file "
                       "or begin anew in "
                       "another folder",
                       p->sector->unsealed, slk_node_hex(&comm_d).s,
                       slk_node_hex(&p->record.comm_d).s);
        goto out;
    }
    if (!p->record.has_comm_r)
        SLK_TRY(slk_copy_data(p->sector->sealed, fd, p->size->bytes, p->sector->unsealed,
                              p->size->bytes, p->job, diag));
    p->record.adding = false;
    p->record.has_ticket = true;
    p->record.ticket = *ticket;
    p->record.comm_d = comm_d;
    slk_replica_id(&p->record.replica_id, &p->sector->porep, p->sector->miner, p->sector->number,
                   ticket, &comm_d);
    slk_record_set_file(&p->record, name, (2 * p->size->nodes - 1) * 32, &sha256);
    err = slk_record_save(&p->record, p->sector, diag);
out:
    if (fd >= 0)
        close(fd);
    return err;
}

/* A copy of the data that vanished is made again, unless PC2 has already replaced it. */
static slk_err_t keep_copy(pc1_t *p, slk_diag_t *diag)
{
    bool found;
    uint64_t len;
    slk_err_t err = slk_file_len(&found, &len, p->sector->sealed, diag);
    if (err != SLK_OK || p->record.has_comm_r || (found && len == p->size->bytes))
        return err;
    int fd;
    err = open_data(&fd, p, diag);
    if (err == SLK_OK) {
        err = slk_copy_data(p->sector->sealed, fd, p->size->bytes, p->sector->unsealed,
                            p->size->bytes, p->job, diag);
        close(fd);
    }
    return err;
}

/* --- What an earlier run left ----------------------------------------------------------------- */

static slk_err_t check_ticket(const pc1_t *p, const slk_node_t *ticket, slk_diag_t *diag)
{
    if (p->record.has_ticket && !slk_node_eq(&p->record.ticket, ticket))
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "%s/" SLK_RECORD_NAME ": PC1 of this sector was begun with ticket %s, not "
                        "%s; use that ticket, or remove the cache "
                        "folder and seal it anew",
                        p->sector->cache, slk_node_hex(&p->record.ticket).s,
                        slk_node_hex(ticket).s);
    return SLK_OK;
}

/* Digests that the record (PC1 complete) or the checkpoint (under way) vouch for. */
static slk_err_t collect_known(pc1_t *p, slk_diag_t *diag)
{
    for (uint32_t i = 0; i < p->size->layers; i++) {
        char name[SLK_CACHE_NAME_SZ];
        slk_layer_name(name, i + 1);
        const slk_record_file_t *row = slk_record_file(&p->record, name);
        if (row) {
            p->known[i] = true;
            p->layer_sha256[i] = row->sha256;
        }
    }
    slk_err_t err = slk_checkpoint_load(&p->checkpoint, &p->has_checkpoint, p->sector, diag);
    if (err != SLK_OK || !p->has_checkpoint)
        return err;
    if (!p->record.has_ticket || !slk_node_eq(&p->checkpoint.replica_id, &p->record.replica_id))
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "%s/" SLK_CHECKPOINT_NAME
                        ": field replica_id is %s, this sector's is %s; remove the cache "
                        "folder and seal it anew",
                        p->sector->cache, slk_node_hex(&p->checkpoint.replica_id).s,
                        p->record.has_ticket ? slk_node_hex(&p->record.replica_id).s
                                             : "not recorded");
    for (uint32_t i = 0; i + 1 < p->checkpoint.layer; i++) {
        p->known[i] = true;
        p->layer_sha256[i] = p->checkpoint.layer_sha256[i];
    }
    return SLK_OK;
}

/* Compare with their digests: tree_d, and the layers that are there and vouched for. */
static slk_err_t check_known(pc1_t *p, slk_diag_t *diag)
{
    size_t cnt = 0;
    slk_record_file_t rows[SLK_LAYERS_MAX];
    slk_digest_check_t *checks = calloc(SLK_LAYERS_MAX + 1, sizeof *checks);
    if (!checks)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to check files");
    slk_err_t err = SLK_OK;
    bool found;
    uint64_t len;
    char name[SLK_CACHE_NAME_SZ];
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(checks[cnt].path, p->sector, name, diag));
    SLK_TRY(slk_file_len(&found, &len, checks[cnt].path, diag));
    if (!found)
        slk_record_drop_file(&p->record, name);
    checks[cnt].row = slk_record_file(&p->record, name);
    if (checks[cnt].row)
        cnt++;
    for (uint32_t i = 0; i < p->size->layers; i++) {
        SLK_TRY(layer_path(checks[cnt].path, p, i + 1, "", diag));
        SLK_TRY(slk_file_len(&found, &len, checks[cnt].path, diag));
        p->there[i] = found && p->known[i];
        if (!p->there[i])
            continue;
        slk_layer_name(rows[i].name, i + 1);
        rows[i].bytes = p->size->bytes;
        rows[i].sha256 = p->layer_sha256[i];
        checks[cnt++].row = &rows[i];
    }
    err = slk_digest_check(checks, cnt, "checking earlier work", p->job, diag);
out:
    free(checks);
    return err;
}

/* --- A layer's memory ------------------------------------------------------------------------- */

/* Fill prev with a finished layer from its file. */
static slk_err_t load_prev(pc1_t *p, uint32_t layer, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    slk_err_t err;
    if (p->prev_layer == layer)
        return SLK_OK;
    layer_drop(&p->prev);
    p->prev_layer = 0;
    SLK_TRY(layer_path(path, p, layer, "", diag));
    SLK_TRY(slk_open_read(&p->prev.fd, NULL, path, "layer", p->size->bytes, diag));
    if (!p->in_ram) {
        SLK_TRY(slk_region_file(&p->prev.region, p->prev.fd, p->size->bytes, false, path, diag));
    } else {
        SLK_TRY(slk_region_anon(&p->prev.region, p->size->bytes, diag));
        SLK_TRY(slk_pread_all(p->prev.fd, p->prev.region.ptr, p->size->bytes, 0, path, diag));
        close(p->prev.fd);
        p->prev.fd = -1;
    }
    p->prev_layer = layer;
out:
    return err;
}

static slk_err_t open_cur(pc1_t *p, int fd, const char *path, slk_diag_t *diag)
{
    if (!p->in_ram) {
        slk_region_free(&p->cur.region);
        return slk_region_file(&p->cur.region, fd, p->size->bytes, true, path, diag);
    }
    return p->cur.region.ptr ? SLK_OK : slk_region_anon(&p->cur.region, p->size->bytes, diag);
}

/* Bring back the first `nodes` labels of an unfinished layer; *sha is their hash so far. */
static slk_err_t load_part(pc1_t *p, int fd, const char *path, uint64_t nodes, slk_sha256_t *sha,
                           slk_diag_t *diag)
{
    enum { STEP = 1 << 20 };
    slk_err_t err = SLK_OK;
    for (uint64_t at = 0; err == SLK_OK && at < nodes * 32; at += STEP) {
        uint64_t len = nodes * 32 - at < STEP ? nodes * 32 - at : STEP;
        if (p->in_ram)
            err = slk_pread_all(fd, p->cur.region.ptr + at, len, at, path, diag);
        if (err == SLK_OK)
            slk_sha256_update(sha, p->cur.region.ptr + at, len);
    }
    if (err != SLK_OK)
        return err;
    slk_sha256_t copy = *sha;
    slk_node_t digest;
    slk_sha256_final(&copy, &digest);
    if (!slk_node_eq(&digest, &p->checkpoint.prefix_sha256))
        return slk_fail(diag, SLK_ERR_DIGEST,
                        "%s: SHA-256 of the first %" PRIu64
                        " labels is %s, the checkpoint has %s; the file was changed or "
                        "damaged: remove it and %s/" SLK_CHECKPOINT_NAME
                        " to compute this layer from its start",
                        path, nodes, slk_node_hex(&digest).s,
                        slk_node_hex(&p->checkpoint.prefix_sha256).s, p->sector->cache);
    return SLK_OK;
}

/* --- Layers ----------------------------------------------------------------------------------- */

static slk_err_t note_checkpoint(void *ctx, uint64_t nodes, const slk_node_t *prefix,
                                 slk_diag_t *diag)
{
    pc1_t *p = ctx;
    slk_checkpoint_t next = p->checkpoint;
    next.nodes = nodes;
    next.prefix_sha256 = *prefix;
    return slk_checkpoint_save(&next, p->sector, diag);
}

/* Name the layer that is being worked on, with all below it complete. */
static slk_err_t begin_checkpoint(pc1_t *p, uint32_t layer, slk_diag_t *diag)
{
    slk_sha256_t empty;
    slk_sha256_init(&empty);
    memset(&p->checkpoint, 0, sizeof p->checkpoint);
    p->checkpoint.replica_id = p->record.replica_id;
    p->checkpoint.layer = layer;
    memcpy(p->checkpoint.layer_sha256, p->layer_sha256, (layer - 1) * sizeof(slk_node_t));
    slk_sha256_final(&empty, &p->checkpoint.prefix_sha256);
    p->has_checkpoint = true;
    return slk_checkpoint_save(&p->checkpoint, p->sector, diag);
}

/* Open <layer>.part: the one a checkpoint speaks of, or a new one. */
static slk_err_t open_part(int *fd, uint64_t *first, const pc1_t *p, uint32_t layer,
                           const char *path, slk_diag_t *diag)
{
    bool resume = p->has_checkpoint && p->checkpoint.layer == layer && p->checkpoint.nodes;
    *first = 0;
    if (resume) {
        slk_err_t err = slk_open_read(fd, NULL, path, "unfinished layer", SLK_ANY_LEN, diag);
        if (err == SLK_OK) {
            close(*fd);
            *first = p->checkpoint.nodes;
        } else if (err != SLK_ERR_STATE) {
            return err;
        }
    }
    if (!*first && unlink(path) && errno != ENOENT)
        return slk_fail_errno(diag, "replace", path);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0)
        return slk_fail_errno(diag, "open", path);
    int rc = posix_fallocate(*fd, 0, (off_t)p->size->bytes);
    if (rc) {
        errno = rc;
        slk_err_t err = slk_fail_errno(diag, "reserve space for", path);
        close(*fd);
        if (!*first)
            unlink(path);
        return err;
    }
    return SLK_OK;
}

static slk_err_t finish_layer(pc1_t *p, uint32_t layer, const char *part, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    slk_err_t err = layer_path(path, p, layer, "", diag);
    if (err == SLK_OK && rename(part, path))
        err = slk_fail_errno(diag, "rename into place", path);
    if (err == SLK_OK)
        err = slk_sync_parent(path, diag);
    return err;
}

/* Label a layer from `first` on, its file growing behind. */
static slk_err_t run_layer(pc1_t *p, uint32_t layer, uint64_t first, int fd, const char *path,
                           const slk_sha256_t *sha, bool checkpoints, slk_diag_t *diag)
{
    slk_layer_writer_t *writer = calloc(1, sizeof *writer);
    if (!writer)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a layer's writer");
    writer->fd = fd;
    writer->path = path;
    writer->labels = (const slk_node_t *)p->cur.region.ptr;
    writer->mapped = !p->in_ram;
    writer->seconds = p->seconds;
    writer->checkpoint = checkpoints ? note_checkpoint : NULL;
    writer->ctx = p;
    writer->sha = *sha;
    writer->hashed = first;
    slk_node_t digest;
    slk_diag_t second;
    slk_err_t err;
    SLK_TRY(slk_layer_writer_start(writer, diag));
    err = slk_label_layer(&p->labeler, layer, (slk_node_t *)p->cur.region.ptr,
                          layer > 1 ? (const slk_node_t *)p->prev.region.ptr : NULL, first,
                          &writer->done, &writer->stop, diag);
    bool complete = atomic_load(&writer->done) == p->size->nodes;
    slk_err_t writer_err = slk_layer_writer_finish(writer, p->size->nodes, &digest, &second);
    if (err == SLK_OK && writer_err != SLK_OK) {
        err = writer_err;
        if (diag)
            *diag = second;
    }
    if (err == SLK_OK && !complete)
        err = slk_fail(diag, SLK_ERR_CANCELLED,
                       "interrupted in layer %" PRIu32
                       "; a checkpoint is on the disk: run the same command again to go on",
                       layer);
    if (err == SLK_OK && p->known[layer - 1] && !slk_node_eq(&digest, &p->layer_sha256[layer - 1]))
        err = slk_fail(
            diag, SLK_ERR_DIGEST,
            "layer %" PRIu32
            " computed again has SHA-256 %s, recorded was %s: the memory or CPU of this machine "
            "made a mistake, now or then; test it, then remove the cache folder and seal the "
            "sector anew",
            layer, slk_node_hex(&digest).s, slk_node_hex(&p->layer_sha256[layer - 1]).s);
    p->layer_sha256[layer - 1] = digest;
out:
    free(writer);
    return err;
}

static slk_err_t make_layer(pc1_t *p, uint32_t layer, slk_diag_t *diag)
{
    char part[SLK_PATH_SZ], stage[64];
    uint64_t first = 0;
    slk_sha256_t sha;
    slk_err_t err;
    /* A hole below layers that are complete is filled without checkpoints: they speak of the
     * topmost. */
    bool checkpoints = !p->known[layer - 1];
    slk_sha256_init(&sha);
    if (layer > 1)
        SLK_TRY(load_prev(p, layer - 1, diag));
    SLK_TRY(layer_path(part, p, layer, ".part", diag));
    SLK_TRY(open_part(&p->cur.fd, &first, p, layer, part, diag));
    SLK_TRY(open_cur(p, p->cur.fd, part, diag));
    if (first)
        SLK_TRY(load_part(p, p->cur.fd, part, first, &sha, diag));
    else if (checkpoints)
        SLK_TRY(begin_checkpoint(p, layer, diag));
    p->kept += first;
    snprintf(stage, sizeof stage, "PC1 layer %" PRIu32 " of %" PRIu32, layer, p->size->layers);
    slk_progress_begin(progress_of(p), stage, "labels", p->size->nodes, first);
    SLK_TRY(run_layer(p, layer, first, p->cur.fd, part, &sha, checkpoints, diag));
    slk_progress_end(progress_of(p));
    SLK_TRY(finish_layer(p, layer, part, diag));
    p->known[layer - 1] = p->there[layer - 1] = true;
    if (p->in_ram) {
        close(p->cur.fd);
        p->cur.fd = -1;
    }
    layer_t swap = p->prev;
    p->prev = p->cur;
    p->prev_layer = layer;
    p->cur = swap;
    if (!p->in_ram)
        layer_drop(&p->cur);
out:
    return err;
}

/* A complete layer file that nobody vouches for (another program's, or ours from just before a
 * kill): accept it when node 0, the last node and a random sample are right and no node is zero, as
 * it would be after a crash. */
static slk_err_t adopt_layer(pc1_t *p, uint32_t layer, bool *adopted, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    bool found;
    uint64_t len;
    slk_err_t err;
    *adopted = false;
    SLK_TRY(layer_path(path, p, layer, "", diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (!found)
        return SLK_OK;
    if (layer > 1)
        SLK_TRY(load_prev(p, layer - 1, diag));
    layer_t held = p->prev;
    p->prev = (layer_t){.fd = -1};
    p->prev_layer = 0;
    err = load_prev(p, layer, diag);
    const slk_node_t *labels = (const slk_node_t *)p->prev.region.ptr;
    const slk_node_t *below = layer > 1 ? (const slk_node_t *)held.region.ptr : NULL;
    uint64_t bad = UINT64_MAX;
    for (uint64_t v = 0; err == SLK_OK && bad == UINT64_MAX && v < p->size->nodes; v++) {
        if (slk_node_is_zero(&labels[v]))
            bad = v;
    }
    for (unsigned i = 0; err == SLK_OK && bad == UINT64_MAX && i < SAMPLE_LABELS; i++) {
        uint64_t v = i == 0 ? 0 : p->size->nodes - 1;
        if (i > 1 && getrandom(&v, sizeof v, 0) != sizeof v)
            v = i;
        v %= p->size->nodes;
        if (!slk_label_holds(&p->labeler, layer, labels, below, v))
            bad = v;
    }
    if (err == SLK_OK && bad != UINT64_MAX)
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: label %" PRIu64
                       " is not what replica_id %s demands: the layer belongs to another sector or "
                       "ticket, or is damaged; remove it and run again",
                       path, bad, slk_node_hex(&p->record.replica_id).s);
    if (err == SLK_OK)
        err =
            slk_digest_file(&p->layer_sha256[layer - 1], path, "layer", p->size->bytes, NULL, diag);
    layer_drop(&held);
    *adopted = err == SLK_OK;
out:
    return err;
}

/* Space for the layers still to come, asked for before hours of work. */
static slk_err_t check_space(const pc1_t *p, slk_diag_t *diag)
{
    struct statvfs fs;
    uint64_t missing = 0;
    for (uint32_t i = 0; i < p->size->layers; i++)
        missing += !p->there[i];
    if (p->has_checkpoint && p->checkpoint.nodes && missing)
        missing--;
    if (statvfs(p->sector->cache, &fs))
        return slk_fail_errno(diag, "look at the file system of", p->sector->cache);
    uint64_t avail = (uint64_t)fs.f_bavail * fs.f_frsize, need = missing * p->size->bytes;
    if (need > avail)
        return slk_fail(diag, SLK_ERR_NOSPACE,
                        "%s: %" PRIu32 " layers are still to be written and need %" PRIu64
                        " bytes, the file system has %" PRIu64
                        " left; free space and run the same command again",
                        p->sector->cache, (uint32_t)missing, need, avail);
    return SLK_OK;
}

static slk_err_t make_layers(pc1_t *p, slk_diag_t *diag)
{
    slk_err_t err;
    SLK_TRY(check_space(p, diag));
    p->labeler = (slk_labeler_t){
        .porep = &p->sector->porep, .replica_id = p->record.replica_id, .job = p->job};
    bool all = true, opened = false;
    for (uint32_t i = 0; i < p->size->layers; i++)
        all = all && p->there[i];
    if (!all) {
        SLK_TRY(slk_graph_new(&p->graph, &p->sector->porep, diag));
        p->labeler.graph = p->graph;
    }
    for (uint32_t layer = 1; layer <= p->size->layers; layer++) {
        bool adopted = false;
        if (!p->there[layer - 1] && !p->known[layer - 1])
            SLK_TRY(adopt_layer(p, layer, &adopted, diag));
        if (p->there[layer - 1] || adopted) {
            p->there[layer - 1] = p->known[layer - 1] = true;
            p->kept += p->size->nodes;
            continue;
        }
        if (!opened)
            SLK_TRY(slk_labeler_cache(&p->cache, p->graph, p->cache_dir, p->job, diag));
        opened = true;
        p->labeler.cache = p->cache;
        SLK_TRY(make_layer(p, layer, diag));
    }
out:
    return err;
}

/* --- The whole -------------------------------------------------------------------------------- */

static slk_err_t finish(pc1_t *p, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_err_t err;
    if (p->sector->porep.registered >= 0) {
        SLK_TRY(slk_cache_path(path, p->sector, "pc1out.json", diag));
        SLK_TRY(
            slk_pc1out_write(path, &p->sector->porep, p->sector->cache, &p->record.comm_d, diag));
    }
    /* Nothing is written when all was there: the report of a complete PC1 works read-only, too. */
    bool changed = false;
    for (uint32_t layer = 1; layer <= p->size->layers; layer++) {
        slk_layer_name(name, layer);
        changed = changed || !slk_record_file(&p->record, name);
        slk_record_set_file(&p->record, name, p->size->bytes, &p->layer_sha256[layer - 1]);
    }
    if (changed)
        SLK_TRY(slk_record_save(&p->record, p->sector, diag));
    if (p->has_checkpoint)
        SLK_TRY(slk_checkpoint_remove(p->sector, diag));
out:
    return err;
}

slk_err_t slk_seal_pc1(slk_pc1_t *out, const slk_sector_t *sector, const slk_node_t *ticket,
                       const slk_pc1_options_t *options, const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_pc1_options_t defaults;
    if (!options)
        options = &defaults;
    int lock = -1;
    slk_err_t err;
    pc1_t *p = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for PC1");
    *p = (pc1_t){.sector = sector,
                 .size = sector->porep.size,
                 .job = job,
                 .seconds = options->checkpoint_seconds > 0 ? options->checkpoint_seconds
                                                            : CHECKPOINT_SECONDS,
                 .cache_dir = options->parent_cache_dir,
                 .in_ram = slk_layers_in_ram(options->layers, sector->porep.size->bytes),
                 .cur = {.fd = -1},
                 .prev = {.fd = -1}};
    SLK_TRY(slk_make_dirs(sector->cache, diag));
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&p->record, NULL, sector, diag));
    SLK_TRY(check_ticket(p, ticket, diag));
    SLK_TRY(slk_not_finalized(sector, &p->record, diag));
    SLK_TRY(collect_known(p, diag));
    SLK_TRY(check_known(p, diag));
    char tree_d[SLK_CACHE_NAME_SZ];
    slk_tree_d_name(tree_d);
    if (!p->record.has_ticket)
        SLK_TRY(check_not_sealed(p, diag));
    if (!slk_record_file(&p->record, tree_d))
        SLK_TRY(make_tree_d(p, ticket, diag));
    SLK_TRY(keep_copy(p, diag));
    SLK_TRY(make_layers(p, diag));
    SLK_TRY(finish(p, diag));
    out->comm_d = p->record.comm_d;
    out->replica_id = p->record.replica_id;
    out->labels_resumed_from = p->kept;
out:
    layer_drop(&p->cur);
    layer_drop(&p->prev);
    slk_parent_cache_close(p->cache);
    slk_graph_free(p->graph);
    slk_record_fini(&p->record);
    free(p);
    if (lock >= 0)
        close(lock);
    return err;
}
