#include "storage/staging.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NOTE_MAX (256 * 1024)

void slk_staging_none(slk_staging_t *st)
{
    *st = (slk_staging_t){.lock = -1};
    st->root.fd = st->folder.fd = st->fetching.fd = st->files.fd = -1;
}

/* The file of a lock that another one just gave back is gone: then the lock is worth nothing. */
static slk_err_t take_lock(slk_staging_t *st, slk_diag_t *diag)
{
    for (;;) {
        struct stat mine, named;
        slk_err_t err =
            slk_dir_file(&st->lock, &st->fetching, st->lock_name, O_RDWR | O_CREAT, diag);
        if (err != SLK_OK)
            return err;
        if (flock(st->lock, LOCK_EX | LOCK_NB)) {
            err = errno == EWOULDBLOCK
                      ? slk_fail(diag, SLK_ERR_BUSY,
                                 "%s/%s: another move or fetch of it is under way; wait for it or "
                                 "stop it",
                                 st->fetching.path, st->name)
                      : slk_dir_fail(diag, "lock", &st->fetching, st->lock_name);
        } else if (!fstat(st->lock, &mine) &&
                   !fstatat(st->fetching.fd, st->lock_name, &named, AT_SYMLINK_NOFOLLOW) &&
                   mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) {
            return SLK_OK;
        }
        close(st->lock);
        st->lock = -1;
        if (err != SLK_OK)
            return err;
    }
}

slk_err_t slk_staging_open(slk_staging_t *st, const char *root, slk_file_types_t type,
                           const slk_sector_id_t *sector, slk_diag_t *diag)
{
    slk_err_t err;
    slk_staging_none(st);
    st->type = type;
    slk_sector_name(st->name, sector);
    snprintf(st->lock_name, sizeof st->lock_name, "%s.lock", st->name);
    snprintf(st->note_name, sizeof st->note_name, "%s.from", st->name);
    SLK_TRY(slk_dir_open(&st->root, root, diag));
    SLK_TRY(slk_dir_sub(&st->folder, &st->root, slk_file_type_name(type), true, diag));
    SLK_TRY(slk_dir_sub(&st->fetching, &st->folder, "fetching", true, diag));
    err = take_lock(st, diag);
out:
    if (err != SLK_OK)
        slk_staging_close(st);
    return err;
}

void slk_staging_close(slk_staging_t *st)
{
    if (st->lock >= 0) {
        unlinkat(st->fetching.fd, st->lock_name, 0); /* while it is locked: see take_lock */
        close(st->lock);
    }
    slk_dir_close(&st->files);
    slk_dir_close(&st->fetching);
    slk_dir_close(&st->folder);
    slk_dir_close(&st->root);
    slk_staging_none(st);
}

slk_err_t slk_staging_target(slk_entry_t *entry, const slk_staging_t *st, slk_diag_t *diag)
{
    return slk_dir_entry(entry, NULL, &st->folder, st->name, diag);
}

static slk_err_t open_files(slk_staging_t *st, slk_diag_t *diag)
{
    return st->files.fd >= 0 ? SLK_OK
                             : slk_dir_sub(&st->files, &st->fetching, st->name, true, diag);
}

slk_err_t slk_staging_file(int *fd, slk_staging_t *st, const char *name, slk_diag_t *diag)
{
    *fd = -1;
    if (!slk_file_type_is_folder(st->type))
        return slk_dir_file(fd, &st->fetching, st->name, O_RDWR | O_CREAT, diag);
    slk_err_t err = open_files(st, diag);
    return err == SLK_OK ? slk_dir_file(fd, &st->files, name, O_RDWR | O_CREAT, diag) : err;
}

typedef struct {
    bool (*keep)(void *ctx, const char *name);
    void *ctx;
} prune_t;

static slk_err_t prune_entry(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    const prune_t *prune = ctx;
    return prune->keep(prune->ctx, name) ? SLK_OK : slk_dir_remove(dir, name, NULL, diag);
}

slk_err_t slk_staging_prune(slk_staging_t *st, bool (*keep)(void *ctx, const char *name), void *ctx,
                            slk_diag_t *diag)
{
    prune_t prune = {.keep = keep, .ctx = ctx};
    if (!slk_file_type_is_folder(st->type))
        return SLK_OK;
    slk_err_t err = open_files(st, diag);
    return err == SLK_OK ? slk_dir_each(&st->files, prune_entry, &prune, diag) : err;
}

slk_err_t slk_staging_clear(slk_staging_t *st, slk_diag_t *diag)
{
    slk_dir_close(&st->files);
    slk_err_t err = slk_dir_remove(&st->fetching, st->name, NULL, diag);
    return err == SLK_OK ? slk_dir_remove(&st->fetching, st->note_name, NULL, diag) : err;
}

slk_err_t slk_staging_note_read(char **text, size_t *len, const slk_staging_t *st, slk_diag_t *diag)
{
    int fd;
    *text = NULL;
    *len = 0;
    slk_err_t err = slk_dir_file(&fd, &st->fetching, st->note_name, O_RDONLY, diag);
    if (err != SLK_OK)
        return err == SLK_ERR_NOTFOUND ? SLK_OK : err;
    *text = malloc(NOTE_MAX);
    err = *text ? slk_read_upto(fd, *text, NOTE_MAX, len, st->fetching.path, diag)
                : slk_fail(diag, SLK_ERR_NOMEM, "no memory to read %s", st->note_name);
    close(fd);
    return err;
}

slk_err_t slk_staging_note_write(const slk_staging_t *st, const char *text, size_t len,
                                 slk_diag_t *diag)
{
    int fd;
    slk_err_t err = slk_dir_remove(&st->fetching, st->note_name, NULL, diag);
    if (err == SLK_OK)
        err = slk_dir_file(&fd, &st->fetching, st->note_name, O_WRONLY | O_CREAT | O_EXCL, diag);
    if (err != SLK_OK)
        return err;
    err = slk_write_all(fd, text, len, st->fetching.path, diag);
    if (err == SLK_OK && fsync(fd))
        err = slk_dir_fail(diag, "sync", &st->fetching, st->note_name);
    close(fd);
    return err == SLK_OK ? slk_dir_sync(&st->fetching, diag) : err;
}

slk_err_t slk_staging_commit(slk_staging_t *st, slk_diag_t *diag)
{
    slk_err_t err;
    if (slk_file_type_is_folder(st->type))
        SLK_TRY(open_files(st, diag)); /* a folder without files is one, too */
    SLK_TRY(slk_dir_sync_tree(&st->fetching, st->name, diag));
    SLK_TRY(slk_dir_rename(&st->fetching, st->name, &st->folder, st->name, diag));
    slk_dir_close(&st->files);
    err = slk_dir_remove(&st->fetching, st->note_name, NULL, diag);
out:
    return err;
}
