/* PC2: one pass over the layers gives tree_c, the replica and tree_r_last.
 *
 * The data comes from the leaves of tree_d, whose root vouches for them, so that PC2 can be
 * repeated at any time whatever the sealed file holds. A slab of all layers is read, then hashed
 * chunk by chunk on all threads; beside the chunks run the SHA-256 streams that compare each layer
 * with its recorded digest. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/work.h"
#include "crypto/fr/fr.h"
#include "crypto/merkle/tree_file.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/sha256.h"
#include "proofs/porep/sector_io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    slk_new_file_t file;
    slk_tree_file_t tree;
    char path[SLK_PATH_SZ];
    slk_node_t sha256;
} out_tree_t;

typedef struct {
    const slk_sector_t *sector;
    const slk_size_t *size;
    slk_work_t work;
    slk_record_t record;
    slk_node_t comm_d;
    int tree_d_fd;
    char tree_d_path[SLK_PATH_SZ];
    struct {
        int fd;
        char path[SLK_PATH_SZ];
        const slk_record_file_t *row; /* NULL: nobody vouches for it */
        slk_sha256_t sha;
    } layers[SLK_LAYERS_MAX];
    slk_new_file_t sealed;
    slk_sha256_t sealed_sha;
    slk_node_t sealed_sha256;
    out_tree_t c[SLK_TREES_MAX], r[SLK_TREES_MAX];
    slk_tree_file_t d; /* hashed only to compare its root */
    /* The present slab: nodes [slab_first, slab_first + slab_nodes). */
    uint64_t chunk_nodes, slab_max, slab_first, slab_nodes;
    slk_node_t *labels[SLK_LAYERS_MAX]; /* slab_max nodes each */
    slk_node_t *data;
    slk_node_t *replica, *replica_before; /* this slab's, and the last one's until it is hashed */
    uint64_t before_nodes;
} pc2_t;

static slk_progress_t *progress_of(const pc2_t *p)
{
    return slk_job_progress(p->work.job);
}
static slk_pool_t *pool_of(const pc2_t *p)
{
    return slk_job_pool(p->work.job);
}

/* --- Files ------------------------------------------------------------------------------------ */

static slk_err_t open_inputs(pc2_t *p, slk_diag_t *diag)
{
    char name[SLK_CACHE_NAME_SZ];
    slk_err_t err;
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(p->tree_d_path, p->sector, name, diag));
    SLK_TRY(slk_tree_root_read(&p->comm_d, p->tree_d_path, "tree_d", 2 * p->size->nodes - 1, diag));
    if (p->record.has_ticket && !slk_node_eq(&p->comm_d, &p->record.comm_d)) {
        err =
            slk_fail(diag, SLK_ERR_MISMATCH,
                     "%s: root is %s, PC1 recorded comm_d %s; the file was changed: remove it and "
                     "run PC1 again",
                     p->tree_d_path, slk_node_hex(&p->comm_d).s, slk_node_hex(&p->record.comm_d).s);
        goto out;
    }
    SLK_TRY(slk_open_read(&p->tree_d_fd, NULL, p->tree_d_path, "tree_d", SLK_ANY_LEN, diag));
    for (uint32_t i = 0; i < p->size->layers; i++) {
        slk_layer_name(name, i + 1);
        SLK_TRY(slk_cache_path(p->layers[i].path, p->sector, name, diag));
        SLK_TRY(slk_open_read(&p->layers[i].fd, NULL, p->layers[i].path, "layer", p->size->bytes,
                              diag));
        p->layers[i].row = slk_record_file(&p->record, name);
        slk_sha256_init(&p->layers[i].sha);
    }
out:
    return err;
}

static slk_err_t open_tree(out_tree_t *out, const pc2_t *p, const char *name, unsigned first_row,
                           slk_diag_t *diag)
{
    uint64_t bytes = slk_tree_file_nodes(8, p->size->tree_leaves, first_row) * 32;
    slk_err_t err;
    SLK_TRY(slk_cache_path(out->path, p->sector, name, diag));
    SLK_TRY(slk_new_file_open(&out->file, out->path, bytes, diag));
    SLK_TRY(slk_tree_file_init(&out->tree, slk_tree_hash_poseidon8, 8, p->size->tree_leaves,
                               first_row, out->file.fd, out->path, diag));
out:
    return err;
}

static slk_err_t open_outputs(pc2_t *p, slk_diag_t *diag)
{
    char name[SLK_CACHE_NAME_SZ];
    slk_err_t err;
    SLK_TRY(slk_new_file_open(&p->sealed, p->sector->sealed, p->size->bytes, diag));
    slk_sha256_init(&p->sealed_sha);
    for (uint32_t t = 0; t < p->size->trees; t++) {
        slk_tree_c_name(name, p->size, t);
        SLK_TRY(open_tree(&p->c[t], p, name, 0, diag));
        slk_tree_r_last_name(name, p->size, t);
        SLK_TRY(open_tree(&p->r[t], p, name, p->size->discard + 1, diag));
    }
    SLK_TRY(slk_tree_file_init(&p->d, slk_tree_hash_sha256, 2, p->size->nodes, 0, -1,
                               p->tree_d_path, diag));
    p->chunk_nodes = p->c[0].tree.chunk_leaves;
    SLK_ASSERT(p->d.chunk_leaves >= p->chunk_nodes);
out:
    return err;
}

static slk_err_t alloc_slab(pc2_t *p, slk_diag_t *diag)
{
    uint64_t chunks = p->size->nodes / p->chunk_nodes, want = 2 * slk_pool_threads(pool_of(p));
    /* tree_d's chunks may span several of ours (test sizes): a slab holds whole ones. */
    uint64_t unit = p->d.chunk_leaves / p->chunk_nodes;
    want = (want + unit - 1) / unit * unit;
    p->slab_max = (want < chunks ? want : chunks) * p->chunk_nodes;
    bool ok = true;
    for (uint32_t i = 0; i < p->size->layers; i++)
        ok = (p->labels[i] = malloc(p->slab_max * 32)) && ok;
    ok = (p->data = malloc(p->slab_max * 32)) && ok;
    ok = (p->replica = malloc(p->slab_max * 32)) && ok;
    ok = (p->replica_before = malloc(p->slab_max * 32)) && ok;
    return ok ? SLK_OK
              : slk_fail(diag, SLK_ERR_NOMEM,
                         "no memory for PC2: %" PRIu64 " bytes are needed; use fewer threads",
                         (p->size->layers + 3) * p->slab_max * 32);
}

static void pc2_free(pc2_t *p)
{
    for (uint32_t i = 0; i < SLK_LAYERS_MAX; i++) {
        if (p->layers[i].fd >= 0)
            close(p->layers[i].fd);
        free(p->labels[i]);
    }
    for (uint32_t t = 0; t < SLK_TREES_MAX; t++) {
        slk_tree_file_fini(&p->c[t].tree);
        slk_tree_file_fini(&p->r[t].tree);
        slk_new_file_abort(&p->c[t].file);
        slk_new_file_abort(&p->r[t].file);
    }
    slk_tree_file_fini(&p->d);
    slk_new_file_abort(&p->sealed);
    if (p->tree_d_fd >= 0)
        close(p->tree_d_fd);
    free(p->data);
    free(p->replica);
    free(p->replica_before);
    slk_record_fini(&p->record);
    free(p);
}

/* --- The pass --------------------------------------------------------------------------------- */

/* Tasks of reading: tree_d's leaves, then the layers. */
static void read_some(void *ctx, uint64_t begin, uint64_t end)
{
    pc2_t *p = ctx;
    uint64_t at = p->slab_first * 32, len = p->slab_nodes * 32;
    for (uint64_t i = begin; i < end; i++) {
        slk_diag_t diag;
        slk_err_t err = i ? slk_pread_all(p->layers[i - 1].fd, p->labels[i - 1], len, at,
                                          p->layers[i - 1].path, &diag)
                          : slk_pread_all(p->tree_d_fd, p->data, len, at, p->tree_d_path, &diag);
        if (err != SLK_OK)
            slk_work_fail(&p->work, err, &diag);
        /* The next slab comes from the disk while this one is hashed. */
        posix_fadvise(i ? p->layers[i - 1].fd : p->tree_d_fd, (off_t)(at + len),
                      (off_t)(p->slab_max * 32), POSIX_FADV_WILLNEED);
    }
}

/* column hashes and tree_c of a chunk; leaves and scratch have room for a chunk each. */
static slk_err_t hash_columns(pc2_t *p, uint64_t chunk, uint64_t at, slk_node_t *leaves,
                              slk_node_t *scratch, slk_diag_t *diag)
{
    const slk_node_t *rows[SLK_LAYERS_MAX];
    unsigned bad_layer = 0;
    for (uint32_t i = 0; i < p->size->layers; i++)
        rows[i] = p->labels[i] + at;
    size_t good = slk_poseidon_columns(leaves, rows, p->chunk_nodes, p->size->layers, &bad_layer);
    if (good != p->chunk_nodes)
        return slk_fail(diag, SLK_ERR_FIELD,
                        "%s: label %" PRIu64
                        " is not below the field's modulus; the file is damaged: remove it and run "
                        "PC1 again",
                        p->layers[bad_layer].path, p->slab_first + at + good);
    uint64_t per_tree = p->size->tree_leaves / p->chunk_nodes;
    return slk_tree_file_chunk(&p->c[chunk / per_tree].tree, chunk % per_tree, leaves, scratch,
                               diag);
}

/* Encode a chunk, write it, tree_r_last of it. */
static slk_err_t encode(pc2_t *p, uint64_t chunk, uint64_t at, slk_node_t *scratch,
                        slk_diag_t *diag)
{
    slk_node_t *replica = p->replica + at;
    uint64_t per_tree = p->size->tree_leaves / p->chunk_nodes;
    size_t good = slk_node_add_many(replica, p->labels[p->size->layers - 1] + at, p->data + at,
                                    p->chunk_nodes);
    if (good != p->chunk_nodes)
        return slk_fail(
            diag, SLK_ERR_FIELD,
            "%s: node %" PRIu64
            " or the label for it is not below the field's modulus; the file is damaged: "
            "remove it and run PC1 again",
            p->tree_d_path, p->slab_first + at + good);
    slk_err_t err = slk_pwrite_all(p->sealed.fd, replica, p->chunk_nodes * 32,
                                   (p->slab_first + at) * 32, p->sealed.tmp, diag);
    if (err == SLK_OK)
        err = slk_tree_file_chunk(&p->r[chunk / per_tree].tree, chunk % per_tree, replica, scratch,
                                  diag);
    return err;
}

static void do_chunk(pc2_t *p, uint64_t local)
{
    uint64_t at = local * p->chunk_nodes, chunk = p->slab_first / p->chunk_nodes + local;
    uint64_t unit = p->d.chunk_leaves / p->chunk_nodes;
    slk_diag_t diag;
    slk_node_t *leaves = malloc(2 * p->d.chunk_leaves * sizeof *leaves);
    if (!leaves) {
        slk_work_fail(&p->work, SLK_ERR_NOMEM, NULL);
        return;
    }
    slk_node_t *scratch = leaves + p->d.chunk_leaves;
    slk_err_t err = hash_columns(p, chunk, at, leaves, scratch, &diag);
    if (err == SLK_OK)
        err = encode(p, chunk, at, scratch, &diag);
    if (err == SLK_OK && chunk % unit == 0)
        err = slk_tree_file_chunk(&p->d, chunk / unit, p->data + at, scratch, &diag);
    if (err != SLK_OK)
        slk_work_fail(&p->work, err, &diag);
    free(leaves);
    slk_progress_add(progress_of(p), p->chunk_nodes);
}

/* Tasks of hashing: one SHA-256 stream a layer, the replica of the last slab, then the chunks. */
static void hash_some(void *ctx, uint64_t begin, uint64_t end)
{
    pc2_t *p = ctx;
    for (uint64_t i = begin; i < end && !slk_work_stopped(&p->work); i++) {
        if (i < p->size->layers) {
            if (p->layers[i].row)
                slk_sha256_update(&p->layers[i].sha, p->labels[i], p->slab_nodes * 32);
        } else if (i == p->size->layers) {
            slk_sha256_update(&p->sealed_sha, p->replica_before, p->before_nodes * 32);
        } else {
            do_chunk(p, i - p->size->layers - 1);
        }
    }
}

static slk_err_t pass(pc2_t *p, slk_diag_t *diag)
{
    slk_progress_begin(progress_of(p), "PC2 tree_c, replica, tree_r_last", "columns",
                       p->size->nodes, 0);
    for (p->slab_first = 0; p->slab_first < p->size->nodes; p->slab_first += p->slab_nodes) {
        uint64_t left = p->size->nodes - p->slab_first;
        p->slab_nodes = left < p->slab_max ? left : p->slab_max;
        slk_pool_for(pool_of(p), p->size->layers + 1, 1, read_some, p);
        if (slk_work_stopped(&p->work))
            break;
        slk_pool_for(pool_of(p), p->size->layers + 1 + p->slab_nodes / p->chunk_nodes, 1, hash_some,
                     p);
        slk_node_t *swap = p->replica_before;
        p->replica_before = p->replica;
        p->before_nodes = p->slab_nodes;
        p->replica = swap;
        if (slk_work_stopped(&p->work))
            break;
    }
    slk_sha256_update(&p->sealed_sha, p->replica_before, p->before_nodes * 32);
    slk_sha256_final(&p->sealed_sha, &p->sealed_sha256);
    slk_progress_end(progress_of(p));
    return slk_work_finish(&p->work, diag);
}

/* --- Results ---------------------------------------------------------------------------------- */

static slk_err_t check_inputs(pc2_t *p, slk_diag_t *diag)
{
    slk_node_t found;
    slk_err_t err = slk_tree_file_finish(&p->d, &found, diag);
    if (err == SLK_OK && !slk_node_eq(&found, &p->comm_d))
        return slk_fail(diag, SLK_ERR_DIGEST,
                        "%s: its leaves hash to %s, its root is %s; the file is damaged: remove it "
                        "and run PC1 again",
                        p->tree_d_path, slk_node_hex(&found).s, slk_node_hex(&p->comm_d).s);
    for (uint32_t i = 0; err == SLK_OK && i < p->size->layers; i++) {
        if (!p->layers[i].row)
            continue;
        slk_sha256_final(&p->layers[i].sha, &found);
        if (!slk_node_eq(&found, &p->layers[i].row->sha256))
            return slk_fail(diag, SLK_ERR_DIGEST,
                            "%s: SHA-256 is %s, PC1 recorded %s; the file was changed or damaged: "
                            "remove it and run "
                            "PC1 again, which makes only this layer",
                            p->layers[i].path, slk_node_hex(&found).s,
                            slk_node_hex(&p->layers[i].row->sha256).s);
    }
    return err;
}

static void digest_trees(void *ctx, uint64_t begin, uint64_t end)
{
    pc2_t *p = ctx;
    for (uint64_t i = begin; i < end && !slk_work_stopped(&p->work); i++) {
        out_tree_t *out = i % 2 ? &p->r[i / 2] : &p->c[i / 2];
        uint64_t bytes = slk_tree_file_nodes(8, out->tree.leaves, out->tree.first_row) * 32;
        slk_diag_t diag;
        slk_err_t err =
            slk_digest_file(&out->sha256, out->file.tmp, "tree", bytes, p->work.job, &diag);
        if (err != SLK_OK)
            slk_work_fail(&p->work, err, &diag);
    }
}

static slk_err_t finish_trees(pc2_t *p, slk_pc2_t *out, slk_diag_t *diag)
{
    slk_node_t roots_c[SLK_TREES_MAX], roots_r[SLK_TREES_MAX];
    const slk_job_t *job = p->work.job;
    uint64_t total = 0;
    for (uint32_t t = 0; t < p->size->trees; t++) {
        slk_err_t err = slk_tree_file_finish(&p->c[t].tree, &roots_c[t], diag);
        if (err == SLK_OK)
            err = slk_tree_file_finish(&p->r[t].tree, &roots_r[t], diag);
        if (err != SLK_OK)
            return err;
        total += (p->size->tree_nodes + p->size->tree_r_nodes) * 32;
    }
    SLK_ASSERT(slk_tree_compound_root(&out->comm_c, p->size, roots_c));
    SLK_ASSERT(slk_tree_compound_root(&out->comm_r_last, p->size, roots_r));
    SLK_ASSERT(slk_poseidon_pair(&out->comm_r, &out->comm_c, &out->comm_r_last));
    slk_work_init(&p->work, job);
    slk_progress_begin(progress_of(p), "digests of the trees", "B", total, 0);
    slk_pool_for(pool_of(p), 2 * p->size->trees, 1, digest_trees, p);
    slk_progress_end(progress_of(p));
    return slk_work_finish(&p->work, diag);
}

/* Give the files their names. p_aux comes last: where it is, the others are. */
static slk_err_t commit(pc2_t *p, const slk_pc2_t *out, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_err_t err;
    for (uint32_t t = 0; t < p->size->trees; t++) {
        SLK_TRY(slk_new_file_commit(&p->c[t].file, diag));
        SLK_TRY(slk_new_file_commit(&p->r[t].file, diag));
        slk_tree_c_name(name, p->size, t);
        slk_record_set_file(&p->record, name, p->size->tree_nodes * 32, &p->c[t].sha256);
        slk_tree_r_last_name(name, p->size, t);
        slk_record_set_file(&p->record, name, p->size->tree_r_nodes * 32, &p->r[t].sha256);
    }
    SLK_TRY(slk_new_file_commit(&p->sealed, diag));
    slk_record_set_file(&p->record, SLK_SEALED_ROW, p->size->bytes, &p->sealed_sha256);
    SLK_TRY(slk_cache_path(path, p->sector, SLK_T_AUX_NAME, diag));
    SLK_TRY(slk_t_aux_write(path, &p->sector->porep, p->sector->cache, diag));
    SLK_TRY(slk_cache_path(path, p->sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_p_aux_write(path, &out->comm_c, &out->comm_r_last, diag));
    p->record.has_comm_r = true;
    p->record.comm_r = out->comm_r;
    err = slk_record_save(&p->record, p->sector, diag);
out:
    return err;
}

static slk_err_t make_all(pc2_t *p, slk_pc2_t *out, slk_diag_t *diag)
{
    slk_err_t err;
    SLK_TRY(open_outputs(p, diag));
    SLK_TRY(alloc_slab(p, diag));
    slk_work_init(&p->work, p->work.job);
    SLK_TRY(pass(p, diag));
    SLK_TRY(check_inputs(p, diag));
    SLK_TRY(finish_trees(p, out, diag));
    out->comm_d = p->comm_d;
    err = commit(p, out, diag);
out:
    return err;
}

/* --- An earlier result ------------------------------------------------------------------------ */

/* Files of PC2 that the record lists, with their rows; *all: every one exists. */
static slk_err_t earlier_files(pc2_t *p, slk_digest_check_t *checks, size_t *cnt, bool *all,
                               slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    char name[SLK_CACHE_NAME_SZ];
    *cnt = 0;
    *all = p->record.has_comm_r;
    for (uint32_t i = 0; i < 2 * p->size->trees + 1; i++) {
        slk_digest_check_t *check = &checks[*cnt];
        bool found;
        uint64_t len;
        if (i == 2 * p->size->trees) {
            strcpy(name, SLK_SEALED_ROW);
            snprintf(check->path, sizeof check->path, "%s", p->sector->sealed);
        } else {
            if (i % 2)
                slk_tree_r_last_name(name, p->size, i / 2);
            else
                slk_tree_c_name(name, p->size, i / 2);
            SLK_TRY(slk_cache_path(check->path, p->sector, name, diag));
        }
        SLK_TRY(slk_file_len(&found, &len, check->path, diag));
        check->row = slk_record_file(&p->record, name);
        *all = *all && found && check->row;
        (*cnt)++;
    }
out:
    return err;
}

/* *done: PC2 was complete, its files are as recorded, out is filled from p_aux. */
static slk_err_t check_earlier(pc2_t *p, bool *done, slk_pc2_t *out, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    bool all, found;
    uint64_t len;
    size_t cnt;
    slk_err_t err;
    *done = false;
    slk_digest_check_t *checks = calloc(2 * SLK_TREES_MAX + 1, sizeof *checks);
    if (!checks)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to check files");
    SLK_TRY(slk_cache_path(path, p->sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    SLK_TRY(earlier_files(p, checks, &cnt, &all, diag));
    if (!all || !found)
        goto out;
    SLK_TRY(slk_digest_check(checks, cnt, "checking earlier work", p->work.job, diag));
    SLK_TRY(slk_p_aux_read(&out->comm_c, &out->comm_r_last, path, diag));
    SLK_ASSERT(slk_poseidon_pair(&out->comm_r, &out->comm_c, &out->comm_r_last));
    if (!slk_node_eq(&out->comm_r, &p->record.comm_r)) {
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: gives comm_r %s, recorded was %s; the file was changed: remove it and "
                       "run PC2 again",
                       path, slk_node_hex(&out->comm_r).s, slk_node_hex(&p->record.comm_r).s);
        goto out;
    }
    SLK_TRY(slk_cache_path(path, p->sector, SLK_T_AUX_NAME, diag));
    slk_diag_t unused;
    if (slk_t_aux_check(path, &p->sector->porep, &unused) != SLK_OK)
        SLK_TRY(slk_t_aux_write(path, &p->sector->porep, p->sector->cache, diag));
    out->comm_d = p->record.comm_d;
    *done = p->record.has_ticket;
out:
    free(checks);
    return err;
}

/* --- Synthetic proofs ------------------------------------------------------------------------- */

static slk_err_t find_replica_id(slk_node_t *out, const pc2_t *p, const slk_node_t *ticket,
                                 const slk_node_t *comm_d, slk_diag_t *diag)
{
    if (p->record.has_ticket && (!ticket || slk_node_eq(ticket, &p->record.ticket))) {
        *out = p->record.replica_id;
        return SLK_OK;
    }
    if (p->record.has_ticket)
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "%s/" SLK_RECORD_NAME ": field ticket is %s, not %s", p->sector->cache,
                        slk_node_hex(&p->record.ticket).s, slk_node_hex(ticket).s);
    if (!ticket)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: synthetic proofs need the ticket, and no record of PC1 is there (it "
                        "ran in another "
                        "program): give --ticket",
                        p->sector->cache);
    slk_replica_id(out, &p->sector->porep, p->sector->miner, p->sector->number, ticket, comm_d);
    return SLK_OK;
}

static slk_err_t make_synthetic(const pc2_t *p, const slk_node_t *replica_id, const slk_pc2_t *pc2,
                                bool again, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    bool found;
    uint64_t len;
    slk_graph_t *graph = NULL;
    slk_vanilla_files_t *files = NULL;
    slk_vanilla_public_t pub = {*replica_id, pc2->comm_d, pc2->comm_c, pc2->comm_r_last,
                                pc2->comm_r};
    uint64_t want =
        96 + slk_synth_cnt(&p->sector->porep) * slk_vanilla_record_sz(&p->sector->porep);
    slk_err_t err;
    SLK_TRY(slk_cache_path(path, p->sector, SLK_SYNTH_NAME, diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (found && len == want && !again)
        goto out;
    SLK_TRY(slk_graph_new(&graph, &p->sector->porep, diag));
    SLK_TRY(slk_vanilla_files_open(&files, &p->sector->porep, p->sector->cache, p->sector->sealed,
                                   &pub, diag));
    SLK_TRY(slk_synth_write(files, graph, &pub, p->work.job, diag));
out:
    slk_vanilla_files_close(files);
    slk_graph_free(graph);
    return err;
}

slk_err_t slk_seal_pc2(slk_pc2_t *out, const slk_sector_t *sector, const slk_node_t *ticket,
                       const slk_job_t *job, slk_diag_t *diag)
{
    int lock = -1;
    bool done;
    slk_node_t replica_id;
    slk_err_t err;
    pc2_t *p = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for PC2");
    p->sector = sector;
    p->size = sector->porep.size;
    p->work.job = job;
    p->tree_d_fd = p->sealed.fd = -1;
    for (uint32_t i = 0; i < SLK_TREES_MAX; i++)
        p->c[i].file.fd = p->r[i].file.fd = -1;
    for (uint32_t i = 0; i < SLK_LAYERS_MAX; i++)
        p->layers[i].fd = -1;
    bool synth = sector->porep.feature == SLK_FEATURE_SYNTH;
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&p->record, NULL, sector, diag));
    SLK_TRY(slk_not_finalized(sector, &p->record, diag));
    if (ticket && p->record.has_ticket)
        SLK_TRY(find_replica_id(&replica_id, p, ticket, &p->record.comm_d, diag));
    SLK_TRY(check_earlier(p, &done, out, diag));
    if (!done) {
        SLK_TRY(open_inputs(p, diag));
        if (synth)
            SLK_TRY(find_replica_id(&replica_id, p, ticket, &p->comm_d, diag));
        SLK_TRY(make_all(p, out, diag));
    }
    if (synth) {
        SLK_TRY(find_replica_id(&replica_id, p, ticket, &out->comm_d, diag));
        SLK_TRY(make_synthetic(p, &replica_id, out, !done, diag));
    }
out:
    pc2_free(p);
    if (lock >= 0)
        close(lock);
    return err;
}
