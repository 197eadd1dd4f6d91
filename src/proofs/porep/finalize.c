/* FIN: keep what proving needs, drop the rest. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/merkle/tree_file.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/porep/sector_io.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What goes: the reference's clear_cache and clear_synthetic_proofs, and what is ours. */
static const char *const dropped[] = {
    "sc-02-data-tree-d.dat", "sc-02-data-tree-c*.dat",
    "sc-02-data-layer*.dat", "sc-02-data-layer*.dat.part",
    SLK_SYNTH_NAME,          SLK_CHECKPOINT_NAME,
    "pc1out.json",           "*.selkie-tmp",
};

static bool is_dropped(const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(dropped); i++) {
        if (fnmatch(dropped[i], name, 0) == 0)
            return true;
    }
    return false;
}

static slk_err_t need_file(const char *path, const char *what, uint64_t bytes, slk_diag_t *diag)
{
    int fd;
    slk_err_t err = slk_open_read(&fd, NULL, path, what, bytes, diag);
    if (err == SLK_OK)
        close(fd);
    return err;
}

/* p_aux and tree_r_last cannot be made again once the layers are gone. */
static slk_err_t check_roots(const slk_sector_t *sector, const slk_record_t *record,
                             const slk_node_t *comm_c, const slk_node_t *comm_r_last,
                             slk_diag_t *diag)
{
    const slk_size_t *size = sector->porep.size;
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_node_t roots[SLK_TREES_MAX], root;
    slk_err_t err;
    SLK_TRY(slk_cache_path(path, sector, SLK_P_AUX_NAME, diag));
    SLK_ASSERT(slk_poseidon_pair(&root, comm_c, comm_r_last));
    if (record->has_comm_r && !slk_node_eq(&root, &record->comm_r)) {
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: gives comm_r %s, PC2 recorded %s; the file was changed or damaged: "
                       "remove it and run PC2 again; nothing was removed",
                       path, slk_node_hex(&root).s, slk_node_hex(&record->comm_r).s);
        goto out;
    }
    for (uint32_t t = 0; t < size->trees; t++) {
        slk_digest_check_t check;
        slk_tree_r_last_name(name, size, t);
        SLK_TRY(slk_cache_path(check.path, sector, name, diag));
        SLK_TRY(slk_tree_root_read(&roots[t], check.path, "tree_r_last", size->tree_r_nodes, diag));
        check.row = slk_record_file(record, name);
        if (check.row)
            SLK_TRY(slk_digest_check(&check, 1, "checking tree_r_last", NULL, diag));
    }
    if (!slk_tree_compound_root(&root, size, roots) || !slk_node_eq(&root, comm_r_last))
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: field comm_r_last is %s, the roots of tree_r_last do not give that; "
                       "run PC2 again; nothing was removed",
                       path, slk_node_hex(comm_r_last).s);
out:
    return err;
}

/* What must stay has to be there, and right, before anything goes. */
static slk_err_t check_kept(const slk_sector_t *sector, const slk_record_t *record,
                            slk_diag_t *diag)
{
    const slk_size_t *size = sector->porep.size;
    char path[SLK_PATH_SZ];
    slk_node_t comm_c, comm_r_last;
    slk_err_t err;
    SLK_TRY(need_file(sector->sealed, "the sealed file", size->bytes, diag));
    SLK_TRY(slk_cache_path(path, sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_p_aux_read(&comm_c, &comm_r_last, path, diag));
    err = check_roots(sector, record, &comm_c, &comm_r_last, diag);
out:
    return err;
}

/* The record first forgets what is about to go: a kill in between leaves files too many, never rows
 * too many. */
static slk_err_t forget(slk_record_t *record, const slk_sector_t *sector, slk_diag_t *diag)
{
    size_t before = record->file_cnt;
    for (size_t i = record->file_cnt; i-- > 0;) {
        if (is_dropped(record->files[i].name))
            slk_record_drop_file(record, record->files[i].name);
    }
    return record->file_cnt < before ? slk_record_save(record, sector, diag) : SLK_OK;
}

static slk_err_t drop(const char *path, slk_name_fn_t *removed, void *ctx, slk_diag_t *diag)
{
    if (unlink(path) == 0) {
        if (removed)
            removed(ctx, path);
        return SLK_OK;
    }
    return errno == ENOENT ? SLK_OK : slk_fail_errno(diag, "remove", path);
}

/* Drop what may go; of files with a row in `except`, none. */
static slk_err_t drop_names(const slk_sector_t *sector, struct dirent **names, int cnt,
                            const slk_record_t *except, slk_name_fn_t *removed, void *ctx,
                            slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    slk_err_t err = SLK_OK;
    for (int i = 0; err == SLK_OK && i < cnt; i++) {
        const char *name = names[i]->d_name;
        if (!is_dropped(name) || (except && slk_record_file(except, name)))
            continue;
        err = slk_cache_path(path, sector, name, diag);
        if (err == SLK_OK)
            err = drop(path, removed, ctx, diag);
    }
    return err;
}

slk_err_t slk_seal_finalize(const slk_sector_t *sector, bool keep_unsealed, slk_name_fn_t *removed,
                            void *ctx, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    int lock = -1, cnt = 0;
    struct dirent **names = NULL;
    slk_record_t record = {0};
    bool recorded;
    slk_err_t err;
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&record, &recorded, sector, diag));
    SLK_TRY(check_kept(sector, &record, diag));
    cnt = scandir(sector->cache, &names, NULL, alphasort);
    if (cnt < 0) {
        err = slk_fail_errno(diag, "list", sector->cache);
        goto out;
    }
    /* What no row vouches for goes first: it makes room for the new record on a full disk. */
    SLK_TRY(drop_names(sector, names, cnt, &record, removed, ctx, diag));
    if (recorded)
        SLK_TRY(forget(&record, sector, diag));
    SLK_TRY(drop_names(sector, names, cnt, NULL, removed, ctx, diag));
    if (!keep_unsealed)
        SLK_TRY(drop(sector->unsealed, removed, ctx, diag));
    SLK_TRY(slk_cache_path(path, sector, SLK_P_AUX_NAME, diag));
    err = slk_sync_parent(path, diag);
out:
    for (int i = 0; i < cnt; i++)
        free(names[i]);
    free(names);
    slk_record_fini(&record);
    if (lock >= 0)
        close(lock);
    return err;
}
