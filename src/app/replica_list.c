#include "app/replica_list.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u << 20)

typedef struct {
    const char *path;
    slk_diag_t *diag;
} file_t;

static slk_err_t bad_field(const file_t *file, size_t entry, const char *field,
                           const char *expected, const json_t *found)
{
    char *text = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    slk_err_t err =
        slk_fail(file->diag, SLK_ERR_FORMAT, "%s: entry %zu, \"%s\": expected %s, found %.200s",
                 file->path, entry + 1, field, expected, text ? text : "nothing");
    free(text);
    return err;
}

static slk_err_t take_path(const char **out, const file_t *file, size_t entry, const char *field,
                           const char *expected, const json_t *object)
{
    const json_t *value = json_object_get(object, field);
    *out = json_string_value(value);
    if (!*out || !**out)
        return bad_field(file, entry, field, expected, value);
    return SLK_OK;
}

static slk_err_t take_row(slk_post_replica_t *out, const file_t *file, size_t entry,
                          bool with_files, const json_t *object)
{
    slk_err_t err = SLK_OK;
    if (!json_is_object(object))
        return slk_fail(file->diag, SLK_ERR_FORMAT,
                        "%s: entry %zu: expected an object with sector, comm_r, cache and sealed",
                        file->path, entry + 1);
    const json_t *sector = json_object_get(object, "sector"),
                 *comm_r = json_object_get(object, "comm_r");
    if (!json_is_integer(sector) || json_integer_value(sector) < 0)
        return bad_field(file, entry, "sector", "a sector number", sector);
    out->sector = (uint64_t)json_integer_value(sector);
    const char *hex = json_string_value(comm_r);
    if (!hex || !slk_hex_decode(out->comm_r.b, sizeof out->comm_r.b, hex) ||
        slk_node_is_zero(&out->comm_r))
        return bad_field(file, entry, "comm_r", "32 bytes in hex (64 digits), not all zero",
                         comm_r);
    if (with_files) {
        SLK_TRY(take_path(&out->cache, file, entry, "cache", "the name of a folder", object));
        SLK_TRY(take_path(&out->sealed, file, entry, "sealed", "the name of a file", object));
    }
out:
    return err;
}

static int by_sector(const void *a, const void *b)
{
    const slk_post_replica_t *x = a, *y = b;
    return x->sector < y->sector ? -1 : x->sector > y->sector;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static slk_err_t drop_repeated(slk_replica_list_t *list, const file_t *file)
{
    size_t kept = 1;
    for (size_t i = 1; i < list->cnt; i++) {
        const slk_post_replica_t *last = &list->rows[kept - 1], *row = &list->rows[i];
        if (row->sector != last->sector) {
            list->rows[kept++] = *row;
        } else if (!slk_node_eq(&row->comm_r, &last->comm_r) ||
                   !same_text(row->cache, last->cache) || !same_text(row->sealed, last->sealed)) {
            return slk_fail(file->diag, SLK_ERR_FORMAT,
                            "%s: two entries of sector %" PRIu64 " differ; leave one of them out",
                            file->path, row->sector);
        }
    }
    list->cnt = kept;
    return SLK_OK;
}

slk_err_t slk_replica_list_read(slk_replica_list_t *out, const char *path, bool with_files,
                                slk_diag_t *diag)
{
    char *text;
    size_t len;
    slk_err_t err = slk_read_file(&text, &len, path, FILE_MAX, diag);
    if (err != SLK_OK)
        return err;
    err = slk_replica_list_parse(out, text, len, path, with_files, diag);
    free(text);
    return err;
}

slk_err_t slk_replica_list_parse(slk_replica_list_t *out, const char *text, size_t len,
                                 const char *path, bool with_files, slk_diag_t *diag)
{
    file_t file = {path, diag};
    slk_replica_list_t list = {0};
    json_error_t error;
    slk_err_t err;
    list.json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!list.json) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: line %d, column %d: %s", path, error.line,
                       error.column, error.text);
        goto out;
    }
    list.cnt = json_array_size(list.json);
    if (!list.cnt) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: expected an array of at least one replica", path);
        goto out;
    }
    list.rows = calloc(list.cnt, sizeof *list.rows);
    if (!list.rows) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", path);
        goto out;
    }
    for (size_t i = 0; i < list.cnt; i++)
        SLK_TRY(take_row(&list.rows[i], &file, i, with_files, json_array_get(list.json, i)));
    qsort(list.rows, list.cnt, sizeof *list.rows, by_sector);
    SLK_TRY(drop_repeated(&list, &file));
    *out = list;
    list = (slk_replica_list_t){0};
out:
    slk_replica_list_fini(&list);
    return err;
}

void slk_replica_list_fini(slk_replica_list_t *list)
{
    free(list->rows);
    json_decref(list->json);
    *list = (slk_replica_list_t){0};
}
