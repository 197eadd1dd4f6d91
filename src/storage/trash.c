#include "storage/trash.h"

#include "base/assert.h"
#include "base/file.h"
#include "storage/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHY         "why.json"
#define WHY_MAX     (64 * 1024)
#define DOOMED      ".purge-" /* front of the name of an entry that is being deleted */
#define SAME_SECOND 100000u

/* --- Names of entries ---------------------------------------------------------------------- */

static void entry_time(char out[32], time_t at)
{
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(out, 32, "%Y%m%dT%H%M%S", &tm);
}

static bool digits(const char *text, size_t cnt)
{
    return strspn(text, "0123456789") >= cnt;
}

/* "20260131T235959-0" */
static bool entry_parse(time_t *at, const char *name)
{
    struct tm tm = {0};
    size_t len = strlen(name);
    if (len < 17 || len >= SLK_TRASH_NAME_MAX || !digits(name, 8) || name[8] != 'T' ||
        !digits(name + 9, 6) || name[15] != '-' || !digits(name + 16, len - 16))
        return false;
    if (sscanf(name, "%4d%2d%2dT%2d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *at = timegm(&tm);
    return true;
}

static slk_err_t open_trash(slk_dir_t *trash, const char *root, bool create, slk_diag_t *diag)
{
    slk_dir_t dir;
    trash->fd = -1;
    slk_err_t err = slk_dir_open(&dir, root, diag);
    if (err == SLK_OK)
        err = slk_dir_sub(trash, &dir, "trash", create, diag);
    slk_dir_close(&dir);
    return err;
}

/* --- In ------------------------------------------------------------------------------------ */

static slk_err_t new_entry(slk_dir_t *entry, char name[SLK_TRASH_NAME_MAX], const slk_dir_t *trash,
                           time_t now, slk_diag_t *diag)
{
    char at[32];
    entry_time(at, now);
    for (unsigned i = 0; i < SAME_SECOND; i++) {
        snprintf(name, SLK_TRASH_NAME_MAX, "%.15s-%u", at, i);
        if (mkdirat(trash->fd, name, 0755) == 0)
            return slk_dir_sub(entry, trash, name, false, diag);
        if (errno != EEXIST)
            break;
    }
    return slk_dir_fail(diag, "create folder", trash, name);
}

static slk_err_t write_why(const slk_dir_t *entry, const slk_trash_item_t *item, slk_diag_t *diag)
{
    char sector[SLK_SECTOR_NAME_MAX], at[32];
    struct tm tm;
    int fd = -1;
    gmtime_r(&item->at, &tm);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
    /* A text that is no UTF-8 cannot be in JSON; the entry is more important. */
    json_t *why = json_string(item->why);
    json_t *json =
        json_pack("{s:s,s:s,s:o,s:s,s:I}", "Sector", slk_sector_name(sector, &item->sector), "Type",
                  slk_file_type_name(item->type), "Why", why ? why : json_string("(not UTF-8)"),
                  "At", at, "Bytes", (json_int_t)item->bytes);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for " WHY);
    slk_err_t err = slk_dir_file(&fd, entry, WHY, O_WRONLY | O_CREAT | O_EXCL, diag);
    if (err == SLK_OK)
        err = slk_write_all(fd, text, strlen(text), entry->path, diag);
    if (err == SLK_OK && fsync(fd))
        err = slk_dir_fail(diag, "sync", entry, WHY);
    if (fd >= 0)
        close(fd);
    free(text);
    return err;
}

static slk_err_t put(char name[SLK_TRASH_NAME_MAX], slk_dir_t *from, const char *file,
                     const slk_dir_t *trash, const slk_trash_item_t *item, slk_diag_t *diag)
{
    slk_dir_t entry = SLK_DIR_NONE, to = SLK_DIR_NONE;
    slk_err_t err;
    SLK_TRY(new_entry(&entry, name, trash, item->at, diag));
    SLK_TRY(write_why(&entry, item, diag));
    SLK_TRY(slk_dir_sub(&to, &entry, slk_file_type_name(item->type), true, diag));
    SLK_TRY(slk_dir_sync(&entry, diag));
    SLK_TRY(slk_dir_sync(trash, diag));
    err = slk_dir_rename(from, file, &to, file, diag);
    if (err == SLK_ERR_UNSUPPORTED)
        err = slk_fail(diag, err,
                       "%s: is another file system than %s: nothing can be removed there by a "
                       "rename; attach it as a storage path of its own",
                       from->path, trash->path);
out:
    slk_dir_close(&to);
    slk_dir_close(&entry);
    return err;
}

slk_err_t slk_trash_put(char entry[SLK_TRASH_NAME_MAX], const char *root, slk_file_types_t type,
                        const slk_sector_id_t *sector, const char *why, time_t now,
                        slk_diag_t *diag)
{
    slk_dir_t dir = SLK_DIR_NONE, from = SLK_DIR_NONE, trash = SLK_DIR_NONE;
    slk_entry_t kind;
    char file[SLK_SECTOR_NAME_MAX], name[SLK_TRASH_NAME_MAX] = "";
    slk_trash_item_t item = {.type = type, .sector = *sector, .at = now ? now : time(NULL)};
    slk_err_t err;
    slk_sector_name(file, sector);
    snprintf(item.why, sizeof item.why, "%s", why);
    SLK_TRY(slk_dir_open(&dir, root, diag));
    err = slk_dir_sub(&from, &dir, slk_file_type_name(type), false, diag);
    if (err == SLK_ERR_NOTFOUND) {
        err = SLK_OK;
        goto out;
    }
    if (err != SLK_OK)
        goto out;
    SLK_TRY(slk_dir_entry(&kind, NULL, &from, file, diag));
    if (kind == SLK_ENTRY_NONE)
        goto out;
    item.bytes = slk_dir_used(&from, file);
    SLK_TRY(slk_dir_sub(&trash, &dir, "trash", true, diag));
    err = put(name, &from, file, &trash, &item, diag);
out:
    slk_dir_close(&trash);
    slk_dir_close(&from);
    slk_dir_close(&dir);
    if (entry)
        strcpy(entry, err == SLK_OK ? name : "");
    return err;
}

/* --- What is there ------------------------------------------------------------------------- */

static slk_err_t read_small(char *buf, size_t cap, size_t *len, const slk_dir_t *dir,
                            const char *name, slk_diag_t *diag)
{
    int fd;
    slk_err_t err = slk_dir_file(&fd, dir, name, O_RDONLY, diag);
    if (err != SLK_OK)
        return err;
    err = slk_read_upto(fd, buf, cap, len, dir->path, diag);
    close(fd);
    return err;
}

/* False: nothing of ours, or an entry that got no file. */
static bool read_item(slk_trash_item_t *item, const slk_dir_t *trash, const char *name)
{
    slk_dir_t entry = SLK_DIR_NONE, folder = SLK_DIR_NONE;
    slk_entry_t kind = SLK_ENTRY_NONE;
    size_t len;
    char *text = malloc(WHY_MAX);
    const char *type = "", *sector = "", *why = "";
    json_int_t bytes = 0;
    json_t *json = NULL;
    if (text && slk_dir_sub(&entry, trash, name, false, NULL) == SLK_OK &&
        read_small(text, WHY_MAX, &len, &entry, WHY, NULL) == SLK_OK)
        json = json_loadb(text, len, 0, NULL);
    if (json && json_unpack(json, "{s:s,s:s,s:s,s:I}", "Sector", &sector, "Type", &type, "Why",
                            &why, "Bytes", &bytes) == 0) {
        item->type = slk_file_type_from_name(type, strlen(type));
        item->bytes = (uint64_t)bytes;
        snprintf(item->why, sizeof item->why, "%s", why);
        strcpy(item->entry, name);
        if (item->type && slk_sector_name_parse(&item->sector, sector, strlen(sector)) &&
            slk_dir_sub(&folder, &entry, type, false, NULL) == SLK_OK)
            (void)!slk_dir_entry(&kind, NULL, &folder, sector, NULL);
    }
    json_decref(json);
    free(text);
    slk_dir_close(&folder);
    slk_dir_close(&entry);
    return kind != SLK_ENTRY_NONE;
}

typedef struct {
    slk_trash_item_t *items;
    size_t cnt, cap;
    bool all; /* also entries without a file, with type 0 */
} list_t;

static slk_err_t add_item(void *ctx, const slk_dir_t *trash, const char *name, slk_diag_t *diag)
{
    list_t *list = ctx;
    slk_trash_item_t item = {0};
    if (!entry_parse(&item.at, name))
        return SLK_OK;
    if (!read_item(&item, trash, name)) {
        if (!list->all)
            return SLK_OK;
        item.type = 0;
        item.bytes = 0;
        strcpy(item.entry, name);
    }
    if (list->cnt == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        slk_trash_item_t *items = realloc(list->items, cap * sizeof *items);
        if (!items)
            return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to list it", trash->path);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->cnt++] = item;
    return SLK_OK;
}

static int by_age(const void *x, const void *y)
{
    const slk_trash_item_t *a = x, *b = y;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    size_t la = strlen(a->entry), lb = strlen(b->entry);
    return la != lb ? (la > lb) - (la < lb) : strcmp(a->entry, b->entry);
}

static slk_err_t list_items(list_t *list, const slk_dir_t *trash, slk_diag_t *diag)
{
    slk_err_t err = slk_dir_each(trash, add_item, list, diag);
    if (err == SLK_OK && list->cnt)
        qsort(list->items, list->cnt, sizeof *list->items, by_age);
    if (err != SLK_OK) {
        free(list->items);
        *list = (list_t){0};
    }
    return err;
}

slk_err_t slk_trash_list(slk_trash_item_t **items, size_t *cnt, const char *root, slk_diag_t *diag)
{
    slk_dir_t trash;
    list_t list = {0};
    slk_err_t err = open_trash(&trash, root, false, diag);
    if (err == SLK_OK)
        err = list_items(&list, &trash, diag);
    else if (err == SLK_ERR_NOTFOUND)
        err = SLK_OK; /* nothing was ever removed */
    slk_dir_close(&trash);
    *items = list.items;
    *cnt = list.cnt;
    return err;
}

/* --- Out ----------------------------------------------------------------------------------- */

slk_err_t slk_trash_restore(const char *root, const char *name, slk_diag_t *diag)
{
    slk_dir_t dir = SLK_DIR_NONE, trash = SLK_DIR_NONE, entry = SLK_DIR_NONE, from = SLK_DIR_NONE,
              to = SLK_DIR_NONE;
    slk_trash_item_t item;
    char file[SLK_SECTOR_NAME_MAX];
    slk_err_t err;
    SLK_TRY(slk_dir_open(&dir, root, diag));
    SLK_TRY(slk_dir_sub(&trash, &dir, "trash", false, diag));
    if (!entry_parse(&item.at, name) || !read_item(&item, &trash, name)) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "%s/%s: no such entry", trash.path, name);
        goto out;
    }
    slk_sector_name(file, &item.sector);
    SLK_TRY(slk_dir_sub(&entry, &trash, name, false, diag));
    SLK_TRY(slk_dir_sub(&from, &entry, slk_file_type_name(item.type), false, diag));
    SLK_TRY(slk_dir_sub(&to, &dir, slk_file_type_name(item.type), true, diag));
    err = slk_dir_rename(&from, file, &to, file, diag);
    if (err == SLK_ERR_STATE)
        err = slk_fail(diag, err,
                       "%s/%s: there is a new one by now; remove that first, the restored one "
                       "would replace it",
                       to.path, file);
    if (err == SLK_OK)
        (void)!slk_dir_remove(&trash, name, NULL, NULL); /* an empty one goes with the next purge */
out:
    slk_dir_close(&to);
    slk_dir_close(&from);
    slk_dir_close(&entry);
    slk_dir_close(&trash);
    slk_dir_close(&dir);
    return err;
}

static slk_err_t doom(const slk_dir_t *trash, const slk_trash_item_t *item, const slk_job_t *job,
                      slk_diag_t *diag)
{
    char doomed[SLK_TRASH_NAME_MAX + 16];
    snprintf(doomed, sizeof doomed, DOOMED "%s", item->entry);
    slk_err_t err = slk_dir_rename(trash, item->entry, trash, doomed, diag);
    return err == SLK_OK ? slk_dir_remove(trash, doomed, job, diag) : err;
}

static slk_err_t remove_doomed(void *ctx, const slk_dir_t *trash, const char *name,
                               slk_diag_t *diag)
{
    time_t at;
    if (strncmp(name, DOOMED, sizeof DOOMED - 1) != 0 ||
        !entry_parse(&at, name + sizeof DOOMED - 1))
        return SLK_OK;
    return slk_dir_remove(trash, name, ctx, diag);
}

slk_err_t slk_trash_purge(uint64_t *freed, const char *root, const slk_trash_purge_t *purge,
                          const slk_job_t *job, slk_diag_t *diag)
{
    enum { EMPTY_S = 3600 }; /* an entry without a file may be one that somebody just makes */
    slk_dir_t trash;
    list_t list = {.all = true};
    uint64_t bytes = 0;
    time_t now = purge->now ? purge->now : time(NULL);
    slk_err_t err = open_trash(&trash, root, false, diag);
    if (freed)
        *freed = 0;
    if (err == SLK_ERR_NOTFOUND)
        return SLK_OK;
    if (err == SLK_OK)
        err = slk_dir_each(&trash, remove_doomed, (void *)(uintptr_t)job, diag);
    if (err == SLK_OK)
        err = list_items(&list, &trash, diag);
    for (size_t i = 0; err == SLK_OK && i < list.cnt; i++) {
        const slk_trash_item_t *item = &list.items[i];
        bool old = now > item->at && (uint64_t)(now - item->at) > purge->grace_s;
        bool goes = item->type ? old || bytes < purge->want : old && now - item->at > EMPTY_S;
        if (!goes)
            continue;
        err = doom(&trash, item, job, diag);
        if (err == SLK_OK)
            bytes += item->bytes;
    }
    free(list.items);
    slk_dir_close(&trash);
    if (freed)
        *freed = bytes;
    return err;
}
