/* Check the files of a sector against each other and against what was recorded of them. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/work.h"
#include "crypto/merkle/tree_file.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/porep/sector_io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const slk_sector_t *sector;
    const slk_size_t *size;
    const slk_job_t *job;
    bool quick;
    slk_name_fn_t *problem;
    void *ctx;
    slk_record_t record;
    slk_node_t comm_c, comm_r_last;
    bool has_p_aux;
    bool finalized; /* neither layers, tree_c nor tree_d are there, as after finalize */
} check_t;

/* Pass on what a check found; only trouble that is no finding about the files stays an error. */
static slk_err_t found_problem(check_t *c, slk_err_t err, const slk_diag_t *diag, slk_diag_t *out)
{
    if (err == SLK_ERR_CANCELLED || err == SLK_ERR_NOMEM) {
        if (out)
            *out = *diag;
        return err;
    }
    if (err != SLK_OK)
        c->problem(c->ctx, diag->text);
    return SLK_OK;
}

static bool exists(const char *path)
{
    bool found = false;
    uint64_t len;
    return slk_file_len(&found, &len, path, NULL) == SLK_OK && found;
}

/* --- Trees hashed again from their leaves -------------------------------------------------------
 */

typedef struct {
    slk_work_t work;
    slk_tree_file_t tree;
    int leaves_fd;
    uint64_t leaves_at; /* byte offset of the first leaf */
    const char *leaves_path;
} rehash_t;

static void rehash_some(void *ctx, uint64_t begin, uint64_t end)
{
    rehash_t *r = ctx;
    slk_diag_t diag;
    uint64_t cnt = r->tree.chunk_leaves;
    slk_node_t *leaves = malloc(2 * cnt * sizeof *leaves);
    if (!leaves)
        slk_work_fail(&r->work, SLK_ERR_NOMEM, NULL);
    for (uint64_t i = begin; leaves && i < end && !slk_work_stopped(&r->work); i++) {
        slk_err_t err = slk_pread_all(r->leaves_fd, leaves, cnt * 32, r->leaves_at + i * cnt * 32,
                                      r->leaves_path, &diag);
        if (err == SLK_OK)
            err = slk_tree_file_chunk(&r->tree, i, leaves, leaves + cnt, &diag);
        if (err != SLK_OK)
            slk_work_fail(&r->work, err, &diag);
        slk_progress_add(slk_job_progress(r->work.job), cnt);
    }
    free(leaves);
}

static slk_err_t rehash_run(check_t *c, rehash_t *r, const char *stage, uint64_t leaf_cnt,
                            slk_diag_t *diag)
{
    slk_progress_t *progress = slk_job_progress(c->job);
    slk_work_init(&r->work, c->job);
    slk_progress_begin(progress, stage, "leaves", leaf_cnt, 0);
    slk_pool_for(slk_job_pool(c->job), r->tree.chunk_cnt, 1, rehash_some, r);
    slk_progress_end(progress);
    return slk_work_finish(&r->work, diag);
}

/* Compare a tree file with the tree over leaves that lie in leaves_path (NULL: in the file itself).
 */
static slk_err_t rehash(check_t *c, const char *path, slk_tree_hash_t *hash, unsigned arity,
                        uint64_t leaf_cnt, unsigned first_row, const char *leaves_path,
                        uint64_t leaves_at, slk_diag_t *diag)
{
    rehash_t r = {
        .leaves_fd = -1, .leaves_at = leaves_at, .leaves_path = leaves_path ? leaves_path : path};
    int fd = -1;
    slk_node_t root;
    slk_err_t err;
    SLK_TRY(slk_open_read(&fd, NULL, path, "tree",
                          slk_tree_file_nodes(arity, leaf_cnt, first_row) * 32, diag));
    SLK_TRY(slk_open_read(&r.leaves_fd, NULL, r.leaves_path, "leaves", SLK_ANY_LEN, diag));
    SLK_TRY(slk_tree_file_init(&r.tree, hash, arity, leaf_cnt, first_row, fd, path, diag));
    r.tree.verify = true;
    SLK_TRY(rehash_run(c, &r, "hashing a tree again", leaf_cnt, diag));
    err = slk_tree_file_finish(&r.tree, &root, diag);
out:
    slk_tree_file_fini(&r.tree);
    if (fd >= 0)
        close(fd);
    if (r.leaves_fd >= 0)
        close(r.leaves_fd);
    return err;
}

/* --- The checks ---------------------------------------------------------------------------------
 */

static slk_err_t check_digest(check_t *c, const char *path, const char *row_name, bool *recorded,
                              slk_diag_t *diag)
{
    slk_digest_check_t check;
    check.row = slk_record_file(&c->record, row_name);
    *recorded = check.row != NULL;
    if (!check.row || c->quick)
        return SLK_OK;
    char stage[96];
    snprintf(stage, sizeof stage, "checking %s", row_name);
    snprintf(check.path, sizeof check.path, "%s", path);
    return slk_digest_check(&check, 1, stage, c->job, diag);
}

static slk_err_t check_aux(check_t *c, slk_diag_t *out)
{
    char path[SLK_PATH_SZ];
    slk_diag_t diag;
    slk_node_t comm_r;
    slk_err_t err = slk_cache_path(path, c->sector, SLK_P_AUX_NAME, &diag);
    if (err == SLK_OK)
        err = slk_p_aux_read(&c->comm_c, &c->comm_r_last, path, &diag);
    c->has_p_aux = err == SLK_OK;
    if (err == SLK_OK) {
        SLK_ASSERT(slk_poseidon_pair(&comm_r, &c->comm_c, &c->comm_r_last));
        if (c->record.has_comm_r && !slk_node_eq(&comm_r, &c->record.comm_r))
            err = slk_fail(&diag, SLK_ERR_MISMATCH,
                           "%s: gives comm_r %s, PC2 recorded %s; run PC2 again", path,
                           slk_node_hex(&comm_r).s, slk_node_hex(&c->record.comm_r).s);
    }
    err = found_problem(c, err, &diag, out);
    if (err == SLK_OK)
        err = slk_cache_path(path, c->sector, SLK_T_AUX_NAME, out);
    if (err == SLK_OK)
        err = found_problem(c, slk_t_aux_check(path, &c->sector->porep, &diag), &diag, out);
    return err;
}

static slk_err_t check_sealed(check_t *c, bool *recorded, slk_diag_t *out)
{
    slk_diag_t diag;
    int fd;
    slk_err_t err =
        slk_open_read(&fd, NULL, c->sector->sealed, "the sealed file", c->size->bytes, &diag);
    *recorded = true;
    if (err == SLK_OK) {
        close(fd);
        err = check_digest(c, c->sector->sealed, SLK_SEALED_ROW, recorded, &diag);
    }
    return found_problem(c, err, &diag, out);
}

/* Root over the data in the unsealed file. */
static slk_err_t unsealed_root(check_t *c, slk_node_t *root, slk_diag_t *diag)
{
    rehash_t r = {.leaves_fd = -1, .leaves_path = c->sector->unsealed};
    slk_err_t err;
    SLK_TRY(
        slk_open_read(&r.leaves_fd, NULL, r.leaves_path, "the unsealed file", SLK_ANY_LEN, diag));
    SLK_TRY(slk_tree_file_init(&r.tree, slk_tree_hash_sha256, 2, c->size->nodes, 0, -1,
                               r.leaves_path, diag));
    SLK_TRY(rehash_run(c, &r, "hashing the data again", c->size->nodes, diag));
    err = slk_tree_file_finish(&r.tree, root, diag);
out:
    slk_tree_file_fini(&r.tree);
    if (r.leaves_fd >= 0)
        close(r.leaves_fd);
    return err;
}

/* The unsealed file against what PC1 recorded; where there is no record, against tree_d. */
static slk_err_t check_data(check_t *c, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_node_t want = c->record.comm_d, root;
    slk_diag_t unused;
    slk_err_t err;
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(path, c->sector, name, diag));
    if (!c->record.has_ticket &&
        slk_tree_root_read(&want, path, "tree_d", 2 * c->size->nodes - 1, &unused) != SLK_OK)
        goto out;
    SLK_TRY(unsealed_root(c, &root, diag));
    if (!slk_node_eq(&root, &want))
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: its data has comm_d %s, the sector was sealed with %s; the file was "
                       "changed or damaged: remove it, or unseal the sector to get the data back",
                       c->sector->unsealed, slk_node_hex(&root).s, slk_node_hex(&want).s);
out:
    return err;
}

static slk_err_t check_unsealed(check_t *c, slk_diag_t *out)
{
    bool found;
    uint64_t len, used = slk_record_used(&c->record);
    slk_diag_t diag;
    slk_err_t err = slk_file_len(&found, &len, c->sector->unsealed, &diag);
    if (err == SLK_OK && found && (len < used || (c->record.has_ticket && len < c->size->bytes)))
        err = slk_fail(&diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, expected %" PRIu64
                       "; the file is truncated: restore it",
                       c->sector->unsealed, len, c->record.has_ticket ? c->size->bytes : used);
    else if (err == SLK_OK && found && len >= c->size->bytes && !c->quick)
        err = check_data(c, &diag);
    return found_problem(c, err, &diag, out);
}

static slk_err_t check_layers(check_t *c, slk_diag_t *out)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_err_t err = SLK_OK;
    for (uint32_t layer = 1; err == SLK_OK && layer <= c->size->layers; layer++) {
        slk_diag_t diag;
        bool recorded;
        int fd;
        slk_layer_name(name, layer);
        err = slk_cache_path(path, c->sector, name, &diag);
        if (err == SLK_OK)
            err = slk_open_read(&fd, NULL, path, "layer", c->size->bytes, &diag);
        if (err == SLK_OK) {
            close(fd);
            err = check_digest(c, path, name, &recorded, &diag);
        }
        err = found_problem(c, err, &diag, out);
    }
    return err;
}

static slk_err_t check_tree_d(check_t *c, slk_diag_t *out)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_diag_t diag;
    slk_node_t root;
    bool recorded;
    slk_err_t err;
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(path, c->sector, name, &diag));
    SLK_TRY(slk_tree_root_read(&root, path, "tree_d", 2 * c->size->nodes - 1, &diag));
    if (c->record.has_ticket && !slk_node_eq(&root, &c->record.comm_d)) {
        err = slk_fail(&diag, SLK_ERR_MISMATCH,
                       "%s: root is %s, PC1 recorded comm_d %s; remove it and run PC1 again", path,
                       slk_node_hex(&root).s, slk_node_hex(&c->record.comm_d).s);
        goto out;
    }
    SLK_TRY(check_digest(c, path, name, &recorded, &diag));
    if (!recorded && !c->quick)
        err = rehash(c, path, slk_tree_hash_sha256, 2, c->size->nodes, 0, NULL, 0, &diag);
out:
    return found_problem(c, err, &diag, out);
}

/* The base trees of tree_c or tree_r_last, and their common root against p_aux. */
typedef struct {
    const char *what, *field;
    void (*name)(char out[SLK_CACHE_NAME_SZ], const slk_size_t *size, uint32_t t);
    unsigned first_row;
    const slk_node_t *root;
    const char *leaves; /* file that holds row 0; NULL: the tree itself */
} octree_t;

static slk_err_t check_octree(check_t *c, const octree_t *tree, bool leaves_recorded,
                              slk_diag_t *out)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_node_t roots[SLK_TREES_MAX], root;
    uint64_t nodes = slk_tree_file_nodes(8, c->size->tree_leaves, tree->first_row);
    bool all = true;
    slk_diag_t diag;
    slk_err_t err;
    for (uint32_t t = 0; t < c->size->trees; t++) {
        bool recorded = false;
        tree->name(name, c->size, t);
        err = slk_cache_path(path, c->sector, name, &diag);
        if (err == SLK_OK)
            err = slk_tree_root_read(&roots[t], path, tree->what, nodes, &diag);
        all = all && err == SLK_OK;
        if (err == SLK_OK)
            err = check_digest(c, path, name, &recorded, &diag);
        if (err == SLK_OK && !c->quick && !(recorded && leaves_recorded))
            err = rehash(c, path, slk_tree_hash_poseidon8, 8, c->size->tree_leaves, tree->first_row,
                         tree->leaves, tree->leaves ? t * c->size->tree_leaves * 32 : 0, &diag);
        err = found_problem(c, err, &diag, out);
        if (err != SLK_OK)
            return err;
    }
    if (!all || !c->has_p_aux)
        return SLK_OK;
    if (!slk_tree_compound_root(&root, c->size, roots) || !slk_node_eq(&root, tree->root))
        err = slk_fail(&diag, SLK_ERR_MISMATCH,
                       "%s: field %s is %s, the roots of %s do not give that; run PC2 again",
                       SLK_P_AUX_NAME, tree->field, slk_node_hex(tree->root).s, tree->what);
    return found_problem(c, err, &diag, out);
}

static slk_err_t check_synthetic(check_t *c, slk_diag_t *out)
{
    char path[SLK_PATH_SZ];
    slk_node_t head[3];
    slk_diag_t diag;
    int fd;
    uint64_t bytes =
        96 + slk_synth_cnt(&c->sector->porep) * slk_vanilla_record_sz(&c->sector->porep);
    slk_err_t err = slk_cache_path(path, c->sector, SLK_SYNTH_NAME, &diag);
    /* finalize drops it, and what is left of the layers after a kill is no reason to miss it */
    if (err != SLK_OK || c->sector->porep.feature != SLK_FEATURE_SYNTH ||
        (c->finalized && !exists(path)))
        return found_problem(c, err, &diag, out);
    err = slk_open_read(&fd, NULL, path, "synthetic proofs", bytes, &diag);
    if (err == SLK_OK) {
        err = slk_pread_all(fd, head, sizeof head, 0, path, &diag);
        close(fd);
    }
    if (err == SLK_OK && c->has_p_aux &&
        (!slk_node_eq(&head[1], &c->comm_c) || !slk_node_eq(&head[2], &c->comm_r_last)))
        err = slk_fail(&diag, SLK_ERR_MISMATCH,
                       "%s: its header names other trees than p_aux; remove it and run PC2 again",
                       path);
    return found_problem(c, err, &diag, out);
}

static bool is_finalized(const check_t *c)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    for (uint32_t i = 0; i < c->size->layers + 1 + c->size->trees; i++) {
        if (i == 0)
            slk_tree_d_name(name);
        else if (i <= c->size->layers)
            slk_layer_name(name, i);
        else
            slk_tree_c_name(name, c->size, i - c->size->layers - 1);
        if (slk_record_file(&c->record, name) ||
            (slk_cache_path(path, c->sector, name, NULL) == SLK_OK && exists(path)))
            return false;
    }
    return true;
}

static slk_err_t check_all(check_t *c, slk_diag_t *diag)
{
    bool sealed_recorded;
    slk_err_t err;
    const octree_t tree_c = {"tree_c", "comm_c", slk_tree_c_name, 0, &c->comm_c, NULL};
    const octree_t tree_r = {"tree_r_last",        "comm_r_last",   slk_tree_r_last_name,
                             c->size->discard + 1, &c->comm_r_last, c->sector->sealed};
    c->finalized = is_finalized(c);
    SLK_TRY(check_aux(c, diag));
    SLK_TRY(check_unsealed(c, diag));
    SLK_TRY(check_sealed(c, &sealed_recorded, diag));
    SLK_TRY(check_octree(c, &tree_r, sealed_recorded, diag));
    SLK_TRY(check_synthetic(c, diag));
    if (c->finalized)
        goto out;
    SLK_TRY(check_tree_d(c, diag));
    SLK_TRY(check_layers(c, diag));
    err = check_octree(c, &tree_c, true, diag);
out:
    return err;
}

slk_err_t slk_seal_check(const slk_sector_t *sector, bool quick, slk_name_fn_t *problem, void *ctx,
                         const slk_job_t *job, slk_diag_t *diag)
{
    int lock = -1;
    slk_diag_t why;
    slk_err_t err;
    check_t *c = calloc(1, sizeof *c);
    if (!c)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to check a sector");
    *c = (check_t){.sector = sector,
                   .size = sector->porep.size,
                   .job = job,
                   .quick = quick,
                   .problem = problem,
                   .ctx = ctx};
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    err = slk_record_load(&c->record, NULL, sector, &why);
    if (err == SLK_ERR_MISMATCH) {
        slk_fail(diag, err, "%s", why.text);
        goto out;
    }
    SLK_TRY(found_problem(c, err, &why, diag));
    err = check_all(c, diag);
out:
    slk_record_fini(&c->record);
    free(c);
    if (lock >= 0)
        close(lock);
    return err;
}
