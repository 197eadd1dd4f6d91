/* FIN: keep what proving needs, drop the rest. */
#include "base/assert.h"
#include "base/file.h"
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

/* What must stay has to be there before anything goes. */
static slk_err_t check_kept(const slk_sector_t *sector, slk_diag_t *diag)
{
    const slk_size_t *size = sector->porep.size;
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    slk_node_t comm_c, comm_r_last;
    slk_err_t err;
    SLK_TRY(need_file(sector->sealed, "the sealed file", size->bytes, diag));
    SLK_TRY(slk_cache_path(path, sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_p_aux_read(&comm_c, &comm_r_last, path, diag));
    for (uint32_t t = 0; t < size->trees; t++) {
        slk_tree_r_last_name(name, size, t);
        SLK_TRY(slk_cache_path(path, sector, name, diag));
        SLK_TRY(need_file(path, "tree_r_last", size->tree_r_nodes * 32, diag));
    }
out:
    return err;
}

/* The record first forgets what is about to go: a kill in between leaves files too many, never rows
 * too many. */
static slk_err_t forget(const slk_sector_t *sector, slk_diag_t *diag)
{
    slk_record_t record;
    bool found;
    slk_err_t err = slk_record_load(&record, &found, sector, diag);
    if (err != SLK_OK || !found)
        return err;
    for (size_t i = record.file_cnt; i-- > 0;) {
        if (is_dropped(record.files[i].name))
            slk_record_drop_file(&record, record.files[i].name);
    }
    err = slk_record_save(&record, sector, diag);
    slk_record_fini(&record);
    return err;
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

slk_err_t slk_seal_finalize(const slk_sector_t *sector, bool keep_unsealed, slk_name_fn_t *removed,
                            void *ctx, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    int lock = -1, cnt = 0;
    struct dirent **names = NULL;
    slk_err_t err;
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(check_kept(sector, diag));
    SLK_TRY(forget(sector, diag));
    cnt = scandir(sector->cache, &names, NULL, alphasort);
    if (cnt < 0) {
        err = slk_fail_errno(diag, "list", sector->cache);
        goto out;
    }
    for (int i = 0; i < cnt; i++) {
        if (!is_dropped(names[i]->d_name))
            continue;
        SLK_TRY(slk_cache_path(path, sector, names[i]->d_name, diag));
        SLK_TRY(drop(path, removed, ctx, diag));
    }
    if (!keep_unsealed)
        SLK_TRY(drop(sector->unsealed, removed, ctx, diag));
    SLK_TRY(slk_cache_path(path, sector, SLK_P_AUX_NAME, diag));
    err = slk_sync_parent(path, diag);
out:
    for (int i = 0; i < cnt; i++)
        free(names[i]);
    free(names);
    if (lock >= 0)
        close(lock);
    return err;
}
