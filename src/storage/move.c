#include "storage/move.h"

#include "base/assert.h"
#include "storage/copy.h"
#include "storage/manifest.h"
#include "storage/staging.h"
#include "storage/trash.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const slk_move_t *what;
    const slk_job_t *job;
    slk_moved_t *moved;
    slk_dir_t root, from; /* the source's root and folder of the type */
    slk_staging_t to;
    slk_diag_t *diag;
} move_t;

/* The name of a file for messages. */
typedef struct {
    char s[SLK_SECTOR_PATH_MAX + SLK_CACHE_FILE_MAX + SLK_SECTOR_NAME_MAX];
} shown_t;

static shown_t shown(const slk_dir_t *folder, const slk_manifest_t *m, size_t i)
{
    shown_t out;
    char name[SLK_SECTOR_NAME_MAX];
    snprintf(out.s, sizeof out.s, "%s/%s%s%s", folder->path, slk_sector_name(name, &m->sector),
             m->files[i].name[0] ? "/" : "", m->files[i].name);
    return out;
}

static bool same_place(const slk_dir_t *a, const slk_dir_t *b)
{
    struct stat x, y;
    return !fstat(a->fd, &x) && !fstat(b->fd, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* --- Copy ---------------------------------------------------------------------------------- */

static slk_err_t copy_file(move_t *m, const slk_manifest_t *list, size_t i)
{
    int from = -1, to = -1;
    slk_copied_t copied;
    shown_t from_name = shown(&m->from, list, i), to_name = shown(&m->to.fetching, list, i);
    slk_err_t err;
    SLK_TRY(slk_manifest_open(&from, &m->from, list, i, O_RDONLY, m->diag));
    posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
    SLK_TRY(slk_staging_file(&to, &m->to, list->files[i].name, m->diag));
    err = slk_copy_verified(&copied, from, from_name.s, to, to_name.s, m->job, m->diag);
    m->moved->bytes += copied.bytes;
    m->moved->reused += copied.reused;
out:
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return err;
}

static bool in_list(void *ctx, const char *name)
{
    const slk_manifest_t *list = ctx;
    for (size_t i = 0; i < list->cnt; i++) {
        if (!strcmp(list->files[i].name, name))
            return true;
    }
    return false;
}

static slk_err_t copy_tree(move_t *m, slk_manifest_t *list)
{
    slk_manifest_t again = {0};
    slk_err_t err;
    char stage[64];
    snprintf(stage, sizeof stage, "copy %s", slk_file_type_name(m->what->type));
    slk_progress_begin(slk_job_progress(m->job), stage, "B", 2 * slk_manifest_bytes(list), 0);
    SLK_TRY(slk_staging_prune(&m->to, in_list, list, m->diag));
    for (size_t i = 0; i < list->cnt; i++)
        SLK_TRY(copy_file(m, list, i));
    SLK_TRY(slk_manifest_scan(&again, &m->from, m->what->type, &m->what->sector, m->diag));
    if (!slk_manifest_same_sizes(list, &again)) {
        err = slk_fail(m->diag, SLK_ERR_BUSY,
                       "%s/%s: files came or went while it was copied; stop what works on it and "
                       "repeat",
                       m->from.path, m->to.name);
        goto out;
    }
    SLK_TRY(slk_staging_commit(&m->to, m->diag));
    m->moved->how = SLK_MOVED_COPY;
out:
    slk_progress_end(slk_job_progress(m->job));
    slk_manifest_free(&again);
    if (err == SLK_ERR_DIGEST)
        (void)!slk_staging_clear(&m->to, NULL);
    return err;
}

/* --- Both places have one ------------------------------------------------------------------ */

static slk_err_t compare_file(move_t *m, const slk_manifest_t *list, size_t i, bool *equal)
{
    int from = -1, to = -1;
    shown_t from_name = shown(&m->from, list, i), to_name = shown(&m->to.folder, list, i);
    slk_err_t err;
    SLK_TRY(slk_manifest_open(&from, &m->from, list, i, O_RDONLY, m->diag));
    SLK_TRY(slk_manifest_open(&to, &m->to.folder, list, i, O_RDONLY, m->diag));
    err = slk_compare_files(equal, from, from_name.s, to, to_name.s, list->files[i].size, m->job,
                            m->diag);
out:
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return err;
}

static slk_err_t compare_trees(move_t *m, const slk_manifest_t *list)
{
    slk_manifest_t there = {0};
    slk_err_t err;
    SLK_TRY(slk_manifest_scan(&there, &m->to.folder, m->what->type, &m->what->sector, m->diag));
    bool equal = slk_manifest_same_sizes(list, &there);
    slk_progress_begin(slk_job_progress(m->job), "compare", "B", 2 * slk_manifest_bytes(list), 0);
    for (size_t i = 0; equal && i < list->cnt; i++)
        SLK_TRY(compare_file(m, list, i, &equal));
    if (!equal)
        err =
            slk_fail(m->diag, SLK_ERR_MISMATCH,
                     "%s/%s and %s/%s differ: find out which one belongs to the sector and remove "
                     "the other",
                     m->from.path, m->to.name, m->to.folder.path, m->to.name);
    m->moved->how = SLK_MOVED_BEFORE;
    m->moved->bytes = m->moved->reused = slk_manifest_bytes(list);
out:
    slk_progress_end(slk_job_progress(m->job));
    slk_manifest_free(&there);
    return err;
}

/* --- The whole ----------------------------------------------------------------------------- */

static slk_err_t retire_source(const move_t *m)
{
    char why[SLK_STORAGE_ID_MAX + SLK_ROOT_MAX + 32];
    snprintf(why, sizeof why, "moved to %s (%s)", m->what->to_id, m->what->to);
    return slk_trash_put(NULL, m->what->from, m->what->type, &m->what->sector, why, 0, m->diag);
}

static slk_err_t rename_tree(move_t *m)
{
    slk_err_t err = slk_dir_sync_tree(&m->from, m->to.name, m->diag);
    if (err == SLK_OK)
        err = slk_dir_rename(&m->from, m->to.name, &m->to.folder, m->to.name, m->diag);
    if (err != SLK_OK)
        return err;
    m->moved->how = SLK_MOVED_RENAME;
    return slk_staging_clear(&m->to, m->diag); /* what an attempt to copy left */
}

/* The destination is locked; the source is there. */
static slk_err_t move_tree(move_t *m, slk_manifest_t *list)
{
    slk_entry_t there;
    slk_err_t err = slk_staging_target(&there, &m->to, m->diag);
    if (err != SLK_OK)
        return err;
    if (there != SLK_ENTRY_NONE) {
        err = compare_trees(m, list);
    } else {
        err = SLK_ERR_UNSUPPORTED;
        if (!m->what->copy && !m->what->no_rename)
            err = rename_tree(m);
        if (err == SLK_ERR_UNSUPPORTED)
            err = copy_tree(m, list);
    }
    if (err != SLK_OK || m->what->copy || m->moved->how == SLK_MOVED_RENAME)
        return err;
    return retire_source(m);
}

static slk_err_t open_both(move_t *m)
{
    const slk_move_t *w = m->what;
    slk_dir_t to = SLK_DIR_NONE;
    slk_err_t err;
    SLK_TRY(slk_dir_open(&m->root, w->from, m->diag));
    SLK_TRY(slk_dir_open(&to, w->to, m->diag));
    if (same_place(&m->root, &to)) {
        m->moved->how = SLK_MOVED_SAME;
        goto out;
    }
    SLK_TRY(slk_staging_open(&m->to, w->to, w->type, &w->sector, m->diag));
    SLK_TRY(slk_dir_sub(&m->from, &m->root, slk_file_type_name(w->type), true, m->diag));
    if (same_place(&m->from, &m->to.folder))
        m->moved->how = SLK_MOVED_SAME;
out:
    slk_dir_close(&to);
    return err;
}

static slk_err_t move(move_t *m)
{
    slk_manifest_t list = {0};
    slk_entry_t there;
    slk_diag_t why;
    slk_err_t err = open_both(m);
    if (err != SLK_OK || m->moved->how == SLK_MOVED_SAME)
        return err;
    err = slk_manifest_scan(&list, &m->from, m->what->type, &m->what->sector, &why);
    if (err == SLK_OK)
        err = move_tree(m, &list);
    else if (err != SLK_ERR_NOTFOUND)
        slk_fail(m->diag, err, "%s", why.text);
    else {
        err = slk_staging_target(&there, &m->to, m->diag);
        if (err == SLK_OK && there == SLK_ENTRY_NONE)
            err = slk_fail(m->diag, SLK_ERR_NOTFOUND, "%s/%s: neither there nor in %s",
                           m->from.path, m->to.name, m->to.folder.path);
        m->moved->how = SLK_MOVED_BEFORE;
    }
    slk_manifest_free(&list);
    return err;
}

slk_err_t slk_sector_move(slk_moved_t *moved, const slk_move_t *what, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_moved_t own;
    move_t m = {.what = what,
                .job = job,
                .moved = moved ? moved : &own,
                .root = SLK_DIR_NONE,
                .from = SLK_DIR_NONE,
                .diag = diag};
    slk_staging_none(&m.to);
    *m.moved = (slk_moved_t){.how = SLK_MOVED_COPY};
    if (!strcmp(what->from_id, what->to_id)) {
        m.moved->how = SLK_MOVED_SAME;
        return SLK_OK;
    }
    slk_err_t err = move(&m);
    slk_staging_close(&m.to);
    slk_dir_close(&m.from);
    slk_dir_close(&m.root);
    return err;
}
