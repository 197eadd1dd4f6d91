/* Unseal: data[v] = sealed[v] - label(L, v), the labels computed again; nothing leaves before
 * comm_d is right. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/region.h"
#include "base/work.h"
#include "crypto/fr/fr.h"
#include "crypto/merkle/tree_file.h"
#include "proofs/porep/labels.h"
#include "proofs/porep/sector_io.h"
#include "selkie/fr32.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const slk_sector_t *sector;
    const slk_size_t *size;
    slk_work_t work;
    slk_record_t record;
    /* The last layer's labels: in memory, or a mapped file. */
    slk_region_t labels, other;
    int sealed_fd;
    slk_tree_file_t tree; /* only for its root */
    slk_new_file_t out;
    uint64_t offset, length; /* raw bytes wanted */
} unseal_t;

/* --- Labels ----------------------------------------------------------------------------------- */

/* Use the last layer's file if PC1's record vouches for it; whatever is wrong with it, the labels
 * can be computed. */
static slk_err_t labels_from_file(unseal_t *u, bool *used, slk_diag_t *diag)
{
    slk_digest_check_t check;
    char name[SLK_CACHE_NAME_SZ];
    bool found;
    uint64_t len;
    int fd = -1;
    slk_err_t err;
    *used = false;
    slk_layer_name(name, u->size->layers);
    check.row = slk_record_file(&u->record, name);
    SLK_TRY(slk_cache_path(check.path, u->sector, name, diag));
    SLK_TRY(slk_file_len(&found, &len, check.path, diag));
    if (!check.row || !found)
        goto out;
    err = slk_digest_check(&check, 1, "checking the last layer", u->work.job, diag);
    if (err != SLK_OK) {
        err = err == SLK_ERR_CANCELLED ? err : SLK_OK;
        goto out;
    }
    SLK_TRY(slk_open_read(&fd, NULL, check.path, "layer", u->size->bytes, diag));
    SLK_TRY(slk_region_file(&u->labels, fd, u->size->bytes, false, check.path, diag));
    *used = true;
out:
    if (fd >= 0)
        close(fd);
    return err;
}

/* A mapped file without a name, in the folder of the output. */
static slk_err_t scratch_map(slk_region_t *region, const char *out_path, uint64_t bytes,
                             slk_diag_t *diag)
{
    char path[SLK_PATH_SZ + 16];
    snprintf(path, sizeof path, "%s.labels-XXXXXX", out_path);
    int fd = mkstemp(path);
    if (fd < 0)
        return slk_fail_errno(diag, "create", path);
    unlink(path);
    int rc = posix_fallocate(fd, 0, (off_t)bytes);
    slk_err_t err;
    if (rc) {
        errno = rc;
        err = slk_fail_errno(diag, "reserve space for", path);
    } else {
        err = slk_region_file(region, fd, bytes, true, path, diag);
    }
    close(fd);
    return err;
}

static slk_err_t compute_labels(unseal_t *u, const slk_node_t *replica_id,
                                const slk_pc1_options_t *options, const char *out_path,
                                slk_diag_t *diag)
{
    const slk_job_t *job = u->work.job;
    slk_labeler_t labeler = {.porep = &u->sector->porep, .replica_id = *replica_id, .job = job};
    slk_graph_t *graph = NULL;
    slk_parent_cache_t *cache = NULL;
    _Atomic uint64_t done;
    const atomic_bool stop = false;
    bool in_ram = slk_layers_in_ram(options->layers, u->size->bytes);
    slk_err_t err;
    SLK_TRY(slk_graph_new(&graph, &u->sector->porep, diag));
    SLK_TRY(slk_labeler_cache(&cache, graph, options->parent_cache_dir, job, diag));
    labeler.graph = graph;
    labeler.cache = cache;
    slk_region_t *regions[2] = {&u->labels, &u->other};
    for (int i = 0; i < 2; i++) {
        if (in_ram)
            SLK_TRY(slk_region_anon(regions[i], u->size->bytes, diag));
        else
            SLK_TRY(scratch_map(regions[i], out_path, u->size->bytes, diag));
    }
    for (uint32_t layer = 1; layer <= u->size->layers; layer++) {
        char stage[64];
        slk_region_t swap = u->other;
        u->other = u->labels;
        u->labels = swap;
        snprintf(stage, sizeof stage, "unseal layer %" PRIu32 " of %" PRIu32, layer,
                 u->size->layers);
        slk_progress_begin(slk_job_progress(job), stage, "labels", u->size->nodes, 0);
        SLK_TRY(slk_label_layer(&labeler, layer, (slk_node_t *)u->labels.ptr,
                                layer > 1 ? (const slk_node_t *)u->other.ptr : NULL, 0, &done,
                                &stop, diag));
        slk_progress_end(slk_job_progress(job));
        if (atomic_load(&done) != u->size->nodes) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted; nothing was written");
            goto out;
        }
    }
    slk_region_free(&u->other);
out:
    slk_parent_cache_close(cache);
    slk_graph_free(graph);
    return err;
}

/* --- Decoding --------------------------------------------------------------------------------- */

/* Write the part of a chunk's raw bytes [at, at + len) that is wanted. */
static slk_err_t write_wanted(unseal_t *u, const uint8_t *raw, uint64_t at, uint64_t len,
                              slk_diag_t *diag)
{
    uint64_t begin = at > u->offset ? at : u->offset;
    uint64_t end = at + len < u->offset + u->length ? at + len : u->offset + u->length;
    if (begin >= end)
        return SLK_OK;
    return slk_pwrite_all(u->out.fd, raw + (begin - at), end - begin, begin - u->offset, u->out.tmp,
                          diag);
}

static slk_err_t decode_chunk(unseal_t *u, uint64_t i, slk_node_t *data, slk_diag_t *diag)
{
    uint64_t cnt = u->tree.chunk_leaves, first = i * cnt, groups = cnt * 32 / 128;
    slk_err_t err =
        slk_pread_all(u->sealed_fd, data, cnt * 32, first * 32, u->sector->sealed, diag);
    if (err != SLK_OK)
        return err;
    size_t good = slk_node_sub_many(data, data, (const slk_node_t *)u->labels.ptr + first, cnt);
    if (good != cnt)
        return slk_fail(diag, SLK_ERR_FIELD,
                        "%s: node %" PRIu64
                        " is not below the field's modulus; the file is damaged: restore it",
                        u->sector->sealed, first + good);
    err = slk_tree_file_chunk(&u->tree, i, data, data + cnt, diag);
    if (err != SLK_OK)
        return err;
    slk_fr32_unpad((uint8_t *)data, (const uint8_t *)data, groups);
    return write_wanted(u, (const uint8_t *)data, first / 4 * 127, groups * 127, diag);
}

static void decode_some(void *ctx, uint64_t begin, uint64_t end)
{
    unseal_t *u = ctx;
    slk_diag_t diag;
    slk_node_t *data = malloc(2 * u->tree.chunk_leaves * sizeof *data);
    if (!data) {
        slk_work_fail(&u->work, SLK_ERR_NOMEM, NULL);
        return;
    }
    for (uint64_t i = begin; i < end && !slk_work_stopped(&u->work); i++) {
        slk_err_t err = decode_chunk(u, i, data, &diag);
        if (err != SLK_OK)
            slk_work_fail(&u->work, err, &diag);
        slk_progress_add(slk_job_progress(u->work.job), u->tree.chunk_leaves * 32);
    }
    free(data);
}

static slk_err_t decode(unseal_t *u, const slk_node_t *comm_d, slk_diag_t *diag)
{
    const slk_job_t *job = u->work.job;
    slk_node_t root;
    slk_err_t err;
    SLK_TRY(slk_tree_file_init(&u->tree, slk_tree_hash_sha256, 2, u->size->nodes, 0, -1,
                               u->sector->sealed, diag));
    slk_work_init(&u->work, job);
    slk_progress_begin(slk_job_progress(job), "unseal", "B", u->size->bytes, 0);
    slk_pool_for(slk_job_pool(job), u->tree.chunk_cnt, 1, decode_some, u);
    slk_progress_end(slk_job_progress(job));
    SLK_TRY(slk_work_finish(&u->work, diag));
    SLK_TRY(slk_tree_file_finish(&u->tree, &root, diag));
    if (!slk_node_eq(&root, comm_d))
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: decodes to data with comm_d %s, not %s; check --ticket, --miner, "
                       "--sector, --porep and "
                       "--comm-d, or the file is damaged; nothing was written",
                       u->sector->sealed, slk_node_hex(&root).s, slk_node_hex(comm_d).s);
out:
    return err;
}

/* --- The whole -------------------------------------------------------------------------------- */

static slk_err_t check_range(unseal_t *u, uint64_t offset, uint64_t length, slk_diag_t *diag)
{
    uint64_t raw = slk_fr32_unpadded(u->size->bytes);
    if (offset > raw || (length != UINT64_MAX && length > raw - offset))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "offset %" PRIu64 ", length %" PRIu64 ": a %s sector holds %" PRIu64
                        " bytes of data",
                        offset, length, u->size->name, raw);
    u->offset = offset;
    u->length = length == UINT64_MAX ? raw - offset : length;
    return SLK_OK;
}

slk_err_t slk_seal_unseal(uint64_t *bytes, const slk_sector_t *sector, const slk_node_t *ticket,
                          const slk_node_t *comm_d, const char *out_path, uint64_t offset,
                          uint64_t length, const slk_pc1_options_t *options, const slk_job_t *job,
                          slk_diag_t *diag)
{
    static const slk_pc1_options_t defaults;
    char result[SLK_PATH_SZ];
    int lock = -1;
    bool from_file = false;
    slk_node_t replica_id;
    slk_err_t err;
    unseal_t *u = calloc(1, sizeof *u);
    if (!u)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to unseal");
    u->sector = sector;
    u->size = sector->porep.size;
    u->work.job = job;
    u->sealed_fd = u->out.fd = -1;
    if (!options)
        options = &defaults;
    SLK_TRY(check_range(u, offset, length, diag));
    SLK_TRY(slk_result_path(result, sector, out_path, diag));
    SLK_TRY(
        slk_open_read(&u->sealed_fd, NULL, sector->sealed, "sealed file", u->size->bytes, diag));
    slk_replica_id(&replica_id, &sector->porep, sector->miner, sector->number, ticket, comm_d);
    /* Of the cache folder nothing is needed; if it is there, it may save the labels. */
    slk_err_t locked = slk_lock_dir(&lock, sector->cache, diag);
    if (locked == SLK_ERR_BUSY) {
        err = locked;
        goto out;
    }
    if (locked == SLK_OK && slk_record_load(&u->record, NULL, sector, NULL) == SLK_OK &&
        u->record.has_ticket && slk_node_eq(&u->record.replica_id, &replica_id))
        SLK_TRY(labels_from_file(u, &from_file, diag));
    SLK_TRY(slk_new_file_open(&u->out, result, 0, diag));
    if (!from_file)
        SLK_TRY(compute_labels(u, &replica_id, options, result, diag));
    SLK_TRY(decode(u, comm_d, diag));
    if (ftruncate(u->out.fd, (off_t)u->length)) {
        err = slk_fail_errno(diag, "set the length of", out_path);
        goto out;
    }
    SLK_TRY(slk_new_file_commit(&u->out, diag));
    *bytes = u->length;
out:
    slk_region_free(&u->labels);
    slk_region_free(&u->other);
    slk_tree_file_fini(&u->tree);
    slk_new_file_abort(&u->out);
    slk_record_fini(&u->record);
    if (u->sealed_fd >= 0)
        close(u->sealed_fd);
    free(u);
    if (lock >= 0)
        close(lock);
    return err;
}
