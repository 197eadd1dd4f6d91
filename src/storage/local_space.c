/* Space and health of storage paths. */
#include "storage/local_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "storage/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STAT_KEPT_S 5.0 /* as in Lotus: statfs and usage are asked again after this */

/* --- What is on the disk ------------------------------------------------------------------- */

/* Bytes of a sector's file and of its staged twin. */
static uint64_t on_disk(const slk_dir_t *root, slk_file_types_t type, const slk_sector_id_t *sector)
{
    slk_dir_t folder = SLK_DIR_NONE, staged = SLK_DIR_NONE;
    char name[SLK_SECTOR_NAME_MAX];
    uint64_t bytes = 0;
    slk_sector_name(name, sector);
    if (slk_dir_sub(&folder, root, slk_file_type_name(type), false, NULL) == SLK_OK) {
        bytes = slk_dir_used(&folder, name);
        if (slk_dir_sub(&staged, &folder, "fetching", false, NULL) == SLK_OK)
            bytes += slk_dir_used(&staged, name);
    }
    slk_dir_close(&staged);
    slk_dir_close(&folder);
    return bytes;
}

/* The most that reservations before `end` have promised to this file. */
static uint64_t promised(const slk_local_path_t *path, const slk_reservation_t *end,
                         const slk_sector_id_t *sector, unsigned type)
{
    uint64_t most = 0;
    for (const slk_reservation_t *r = path->first; r != end; r = r->next) {
        if (slk_sector_id_eq(&r->sector, sector) && r->bytes[type] > most)
            most = r->bytes[type];
    }
    return most;
}

static uint64_t over(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What the reservations may still write; with root as the disk is now, else as it was seen when
 * usage was measured. */
static uint64_t outstanding(slk_local_path_t *path, const slk_dir_t *root, bool note)
{
    uint64_t sum = 0;
    for (slk_reservation_t *r = path->first; r; r = r->next) {
        for (unsigned t = 0; t < SLK_FT_CNT; t++) {
            if (!(r->types & SLK_FT_AT(t)))
                continue;
            uint64_t there = root ? on_disk(root, SLK_FT_AT(t), &r->sector) : r->seen[t];
            if (note)
                r->seen[t] = there;
            /* A second reservation of one file counts as far as it goes beyond the first. */
            uint64_t before = promised(path, r, &r->sector, t);
            sum += over(r->bytes[t], before > there ? before : there);
        }
    }
    return sum;
}

/* Space held. Reservations are looked at before the free space: what is written in between counts
 * twice rather than not at all. What is in the trash counts as free: it goes when it is needed. */
static slk_err_t measure(slk_local_path_t *path, const slk_dir_t *root, slk_diag_t *diag)
{
    struct statvfs fs;
    double now = slk_clock_seconds();
    slk_path_stat_t stat = {0};
    pthread_mutex_lock(&path->paths->lock);
    stat.max = path->meta.max_storage;
    pthread_mutex_unlock(&path->paths->lock);
    bool usage = stat.max && (path->used_at == 0 || now - path->used_at > STAT_KEPT_S);
    stat.reserved = outstanding(path, root, usage);
    if (fstatvfs(root->fd, &fs))
        return slk_fail_errno(diag, "ask for the free space of", path->root);
    stat.capacity = (uint64_t)fs.f_blocks * fs.f_frsize;
    stat.fs_available = (uint64_t)fs.f_bavail * fs.f_frsize;
    stat.trash = slk_dir_used(root, "trash");
    stat.available = over(stat.fs_available + stat.trash, stat.reserved);
    if (usage) {
        path->used = slk_dir_used(root, ".");
        path->used_at = now;
    }
    if (stat.max) {
        stat.used = path->used;
        uint64_t left =
            over(over(stat.max, over(stat.used, stat.trash)), outstanding(path, NULL, false));
        stat.available = left < stat.available ? left : stat.available;
    }
    path->stat = stat;
    path->stat_at = now;
    return SLK_OK;
}

slk_err_t slk_local_stat(slk_path_stat_t *stat, slk_local_paths_t *paths, const char *id,
                         slk_diag_t *diag)
{
    slk_local_path_t *path;
    slk_dir_t root = SLK_DIR_NONE;
    slk_err_t err = slk_local_take(&path, paths, id, diag);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&path->space);
    if (path->stat_at == 0 || slk_clock_seconds() - path->stat_at > STAT_KEPT_S) {
        err = slk_dir_open(&root, path->root, diag);
        if (err == SLK_OK)
            err = measure(path, &root, diag);
    }
    *stat = path->stat;
    pthread_mutex_unlock(&path->space);
    slk_dir_close(&root);
    slk_local_give(path);
    return err;
}

/* --- Reservations -------------------------------------------------------------------------- */

/* Space held. Of the trash goes what the free space beside it lacks, oldest first. */
static slk_err_t make_room(slk_local_path_t *path, const slk_dir_t *root, uint64_t need,
                           slk_diag_t *diag)
{
    slk_err_t err = measure(path, root, diag);
    const uint64_t beside = over(path->stat.available, path->stat.trash);
    if (err != SLK_OK || need <= beside || need > path->stat.available)
        return err;
    const slk_trash_purge_t purge = {.grace_s = UINT64_MAX, .want = need - beside};
    SLK_TRY(slk_trash_purge(NULL, path->root, &purge, NULL, diag));
    path->used_at = 0;
    err = measure(path, root, diag);
out:
    return err;
}

/* Space held. */
static slk_err_t reserve(slk_local_path_t *path, slk_reservation_t *r, slk_diag_t *diag)
{
    slk_dir_t root;
    uint64_t need = 0;
    char name[SLK_SECTOR_NAME_MAX], types[SLK_FILE_TYPES_TEXT];
    slk_err_t err = slk_dir_open(&root, path->root, diag);
    if (err != SLK_OK)
        return err;
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        if (!(r->types & SLK_FT_AT(t)))
            continue;
        r->seen[t] = on_disk(&root, SLK_FT_AT(t), &r->sector);
        uint64_t before = promised(path, NULL, &r->sector, t);
        need += over(r->bytes[t], before > r->seen[t] ? before : r->seen[t]);
    }
    err = make_room(path, &root, need, diag);
    slk_dir_close(&root);
    if (err != SLK_OK)
        return err;
    if (need > path->stat.available)
        return slk_fail(diag, SLK_ERR_NOSPACE,
                        "%s (%s): %s of %s need %" PRIu64 " bytes, %" PRIu64
                        " are available (%" PRIu64 " free, %" PRIu64
                        " reserved, MaxStorage %" PRIu64
                        "); move sectors away or attach another disk",
                        path->root, path->id, slk_file_types_text(types, r->types),
                        slk_sector_name(name, &r->sector), need, path->stat.available,
                        path->stat.fs_available, path->stat.reserved, path->stat.max);
    r->next = path->first;
    if (r->next)
        r->next->prev = r;
    path->first = r;
    path->stat_at = 0;
    return SLK_OK;
}

slk_err_t slk_local_reserve(slk_reservation_t **reservation, slk_local_paths_t *paths,
                            const char *id, const slk_sector_id_t *sector, slk_file_types_t types,
                            slk_space_t table, uint64_t sector_sz, slk_diag_t *diag)
{
    slk_local_path_t *path;
    *reservation = NULL;
    slk_err_t err = slk_local_take(&path, paths, id, diag);
    if (err != SLK_OK)
        return err;
    slk_reservation_t *r = calloc(1, sizeof *r);
    if (!r) {
        slk_local_give(path);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a reservation");
    }
    *r = (slk_reservation_t){.path = path, .sector = *sector, .types = types};
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        if (types & SLK_FT_AT(t))
            r->bytes[t] = slk_file_space(SLK_FT_AT(t), sector_sz, table);
    }
    pthread_mutex_lock(&path->space);
    err = reserve(path, r, diag);
    pthread_mutex_unlock(&path->space);
    pthread_mutex_lock(&paths->lock);
    path->refs--;
    path->reservations += err == SLK_OK;
    pthread_mutex_unlock(&paths->lock);
    if (err == SLK_OK)
        *reservation = r;
    else
        free(r);
    return err;
}

void slk_local_release(slk_reservation_t *r)
{
    if (!r)
        return;
    slk_local_path_t *path = r->path;
    pthread_mutex_lock(&path->space);
    *(r->prev ? &r->prev->next : &path->first) = r->next;
    if (r->next)
        r->next->prev = r->prev;
    path->stat_at = 0;
    path->used_at = 0; /* what was written under the promise is usage now */
    pthread_mutex_unlock(&path->space);
    pthread_mutex_lock(&path->paths->lock);
    path->reservations--;
    pthread_mutex_unlock(&path->paths->lock);
    free(r);
}

/* --- Health -------------------------------------------------------------------------------- */

/* An unmounted disk leaves an empty folder of the disk below, which can be written very well. */
static slk_err_t check_mounted(const slk_local_path_t *path, slk_diag_t *diag)
{
    slk_path_meta_t meta;
    slk_err_t err = slk_path_meta_read(&meta, path->root, diag);
    if (err == SLK_ERR_NOTFOUND)
        err = slk_fail(diag, err, "%s: " SLK_PATH_META_FILE " is gone: is the disk mounted?",
                       path->root);
    else if (err == SLK_OK && strcmp(meta.id, path->id) != 0)
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "%s: the disk mounted here has the ID %s, not %s; mount the right one, or "
                       "detach and attach",
                       path->root, meta.id, path->id);
    slk_path_meta_free(&meta);
    return err;
}

/* Contents that differ from one check to the next, so that no old ones pass for them. */
static void fill(uint8_t bytes[4096])
{
    uint64_t x = (uint64_t)(slk_clock_seconds() * 1e9) | 1;
    for (size_t i = 0; i < 4096; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(bytes + i, &x, 8);
    }
}

static slk_err_t check_write(const slk_local_path_t *path, slk_diag_t *diag)
{
    slk_dir_t root = SLK_DIR_NONE;
    int fd = -1;
    char name[64], shown[SLK_SECTOR_PATH_MAX + 64];
    uint8_t wrote[4096], found[4096];
    slk_err_t err;
    fill(wrote);
    snprintf(name, sizeof name, ".selkie-check-%ld-%016" PRIx64, (long)getpid(),
             *(const uint64_t *)(const void *)(wrote + 8));
    SLK_TRY(slk_dir_open(&root, path->root, diag));
    snprintf(shown, sizeof shown, "%s/%s", path->root, name);
    SLK_TRY(slk_dir_file(&fd, &root, name, O_RDWR | O_CREAT | O_EXCL, diag));
    SLK_TRY(slk_pwrite_all(fd, wrote, sizeof wrote, 0, shown, diag));
    if (fsync(fd)) {
        err = slk_fail_errno(diag, "sync", shown);
        goto out;
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    SLK_TRY(slk_pread_all(fd, found, sizeof found, 0, shown, diag));
    if (memcmp(wrote, found, sizeof wrote) != 0)
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: the disk gives other bytes than were written: take it out of use",
                       path->root);
out:
    if (fd >= 0) {
        close(fd);
        unlinkat(root.fd, name, 0);
    }
    slk_dir_close(&root);
    return err;
}

slk_err_t slk_local_check(slk_local_paths_t *paths, const char *id, slk_diag_t *diag)
{
    slk_local_path_t *path;
    slk_diag_t why = {0};
    slk_err_t err = slk_local_take(&path, paths, id, diag);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&paths->lock);
    bool other = path->checking_since > 0;
    if (!other)
        path->checking_since = slk_clock_seconds();
    pthread_mutex_unlock(&paths->lock);
    if (other) {
        slk_local_give(path);
        return slk_fail(diag, SLK_ERR_BUSY, "%s: another health check is under way", path->root);
    }
    err = check_mounted(path, &why);
    if (err == SLK_OK)
        err = check_write(path, &why);
    pthread_mutex_lock(&paths->lock);
    path->checking_since = 0;
    path->checked_at = slk_clock_seconds();
    if (err != SLK_OK)
        path->error_at = path->checked_at;
    snprintf(path->error, sizeof path->error, "%.*s", (int)sizeof path->error - 1,
             err == SLK_OK ? "" : why.text);
    path->refs--;
    pthread_mutex_unlock(&paths->lock);
    return err == SLK_OK ? err : slk_fail(diag, err, "%s", why.text);
}
