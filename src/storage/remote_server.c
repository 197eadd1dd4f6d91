#include "storage/remote_server.h"

#include "base/assert.h"
#include "storage/dir.h"
#include "storage/remote_digest.h"
#include "storage/remote_path.h"
#include "storage/tar.h"
#include "storage/trash.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/remote/"

struct slk_remote_server {
    slk_remote_opts_t opts;
    slk_remote_digests_t *digests;
};

slk_err_t slk_remote_server_new(slk_remote_server_t **remote, const slk_remote_opts_t *opts,
                                slk_diag_t *diag)
{
    slk_remote_server_t *r = *remote = calloc(1, sizeof *r);
    if (!r)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to serve storage paths");
    r->opts = *opts;
    if (!r->opts.lock_wait_ms)
        r->opts.lock_wait_ms = 10000;
    if (!r->opts.digest_wait_ms)
        r->opts.digest_wait_ms = 10000;
    if (!r->opts.digest_threads)
        r->opts.digest_threads = 2;
    slk_err_t err = slk_remote_digests_new(&r->digests, r->opts.digest_threads, diag);
    if (err != SLK_OK) {
        free(r);
        *remote = NULL;
    }
    return err;
}

void slk_remote_server_free(slk_remote_server_t *remote)
{
    if (!remote)
        return;
    slk_remote_digests_free(remote->digests);
    free(remote);
}

/* --- Answers ------------------------------------------------------------------------------- */

static void reply_text(slk_http_request_t *req, int status, const char *text)
{
    char line[sizeof(slk_diag_t) + 16];
    int len = snprintf(line, sizeof line, "%d %s\n", status, text);
    slk_http_reply(req, status, "text/plain; charset=utf-8", line,
                   len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

static void reply_err(slk_http_request_t *req, slk_err_t err, const slk_diag_t *diag)
{
    reply_text(req, err == SLK_ERR_NOTFOUND ? 404 : err == SLK_ERR_BUSY ? 409 : 500, diag->text);
}

static void reply_json(slk_http_request_t *req, int status, const char *type, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text)
        slk_http_reply_take(req, status, type, text, strlen(text));
}

/* --- Reading ------------------------------------------------------------------------------- */

static size_t read_tar(void *ctx, uint64_t pos, char *buf, size_t cap)
{
    return slk_tar_read(ctx, pos, buf, cap);
}

static void free_tar(void *ctx)
{
    slk_tar_free(ctx);
}

static void get_folder(slk_http_request_t *req, const slk_remote_path_t *path, const char *root)
{
    slk_dir_t dir, folder = SLK_DIR_NONE;
    slk_tar_t *tar = NULL;
    slk_diag_t diag = {0};
    if (slk_http_header(req, "Range")) {
        reply_text(req, 416, "a folder has no ranges; ask for its files");
        return;
    }
    slk_err_t err = slk_dir_open(&dir, root, &diag);
    if (err == SLK_OK)
        err = slk_dir_sub(&folder, &dir, slk_file_type_name(path->type), false, &diag);
    if (err == SLK_OK)
        err = slk_tar_new(&tar, &folder, path->type, &path->sector, &diag);
    slk_dir_close(&folder);
    slk_dir_close(&dir);
    if (err != SLK_OK)
        reply_err(req, err, &diag);
    else
        slk_http_reply_stream(req, 200, "application/x-tar", slk_tar_len(tar), read_tar, free_tar,
                              tar);
}

static void get_manifest(slk_remote_server_t *r, slk_http_request_t *req,
                         const slk_remote_path_t *path, const char *root)
{
    slk_manifest_t manifest;
    slk_diag_t diag = {0};
    uint64_t done, total;
    char *text;
    size_t len;
    slk_err_t err = slk_remote_manifest(&manifest, &done, &total, r->digests, root, path->type,
                                        &path->sector, r->opts.digest_wait_ms, &diag);
    if (err != SLK_OK) {
        reply_err(req, err, &diag);
        return;
    }
    if (!manifest.files) {
        reply_json(req, 202, SLK_MANIFEST_TYPE,
                   json_pack("{s:I,s:I}", "Done", (json_int_t)done, "Total", (json_int_t)total));
        slk_http_reply_header(req, "Retry-After", "2");
        return;
    }
    err = slk_manifest_text(&text, &len, &manifest, &diag);
    slk_manifest_free(&manifest);
    if (err != SLK_OK)
        reply_err(req, err, &diag);
    else
        slk_http_reply_take(req, 200, SLK_MANIFEST_TYPE, text, len);
}

static void get_sector(slk_remote_server_t *r, slk_http_request_t *req,
                       const slk_remote_path_t *path)
{
    char id[SLK_STORAGE_ID_MAX], file[SLK_SECTOR_PATH_MAX], rel[256], name[SLK_SECTOR_NAME_MAX];
    slk_local_view_t view;
    slk_diag_t diag = {0};
    slk_err_t err = slk_local_find(id, file, r->opts.paths, &path->sector, path->type, &diag);
    if (err == SLK_OK)
        err = slk_local_view(&view, r->opts.paths, id, &diag);
    if (err != SLK_OK) {
        reply_err(req, err, &diag);
        return;
    }
    snprintf(rel, sizeof rel, "%s/%s%s%s", slk_file_type_name(path->type),
             slk_sector_name(name, &path->sector), path->file[0] ? "/" : "", path->file);
    if (path->kind == SLK_REMOTE_SECTOR && slk_http_arg(req, "manifest"))
        get_manifest(r, req, path, view.root);
    else if (path->kind == SLK_REMOTE_SECTOR && slk_file_type_is_folder(path->type))
        get_folder(req, path, view.root);
    else
        slk_http_reply_file(req, view.root, rel, "application/octet-stream");
}

static void get_stat(slk_remote_server_t *r, slk_http_request_t *req, const char *id)
{
    slk_path_stat_t s;
    slk_diag_t diag = {0};
    slk_err_t err = slk_local_stat(&s, r->opts.paths, id, &diag);
    if (err != SLK_OK) {
        reply_err(req, err, &diag);
        return;
    }
    reply_json(req, 200, "application/json",
               json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "Capacity", (json_int_t)s.capacity,
                         "Available", (json_int_t)s.available, "FSAvailable",
                         (json_int_t)s.fs_available, "Reserved", (json_int_t)s.reserved, "Max",
                         (json_int_t)s.max, "Used", (json_int_t)s.used));
}

/* --- Removing ------------------------------------------------------------------------------ */

/* Is `id` in "a.b.c"? */
static bool is_kept(const char *keep, const char *id)
{
    size_t len = strlen(id);
    while (keep && *keep) {
        size_t part = strcspn(keep, ".");
        if (part == len && !memcmp(keep, id, len))
            return true;
        keep += part + (keep[part] == '.');
    }
    return false;
}

static bool keep_ok(const char *keep)
{
    char id[SLK_STORAGE_ID_MAX];
    while (keep && *keep) {
        size_t part = strcspn(keep, ".");
        if (part >= sizeof id)
            return false;
        memcpy(id, keep, part);
        id[part] = 0;
        if (!slk_storage_id_ok(id))
            return false;
        keep += part + (keep[part] == '.');
    }
    return true;
}

static slk_err_t remove_all(slk_remote_server_t *r, const slk_remote_path_t *path, const char *keep,
                            const char *why, slk_diag_t *diag)
{
    slk_local_view_t *views;
    size_t cnt;
    char file[SLK_SECTOR_PATH_MAX];
    slk_err_t err = slk_local_list(&views, &cnt, r->opts.paths, diag);
    if (err != SLK_OK)
        return err;
    for (size_t i = 0; err == SLK_OK && i < cnt; i++) {
        if (is_kept(keep, views[i].id) ||
            !slk_local_has(r->opts.paths, views[i].id, &path->sector, path->type, file))
            continue;
        err = slk_trash_put(NULL, views[i].root, path->type, &path->sector, why, 0, diag);
        if (err == SLK_OK && r->opts.removed)
            r->opts.removed(r->opts.removed_ctx, views[i].id, &path->sector, path->type);
    }
    free(views);
    return err;
}

static void delete_sector(slk_remote_server_t *r, slk_http_request_t *req,
                          const slk_remote_path_t *path)
{
    slk_sector_lock_t *lock = NULL;
    slk_diag_t diag = {0};
    char why[128];
    const char *keep = slk_http_arg(req, "keep");
    slk_err_t err = SLK_OK;
    if (!keep_ok(keep)) {
        reply_text(req, 400, "keep: expected storage IDs separated by dots; nothing was removed");
        return;
    }
    snprintf(why, sizeof why, "removed at the request of %s", slk_http_peer(req));
    if (r->opts.locks)
        err = slk_sector_lock(&lock, r->opts.locks, &path->sector, 0, path->type, why,
                              r->opts.lock_wait_ms, NULL, &diag);
    if (err == SLK_OK)
        err = remove_all(r, path, keep, why, &diag);
    slk_sector_unlock(r->opts.locks, lock);
    if (err != SLK_OK)
        reply_err(req, err, &diag);
    else
        slk_http_reply(req, 200, NULL, "", 0);
}

/* --- Route --------------------------------------------------------------------------------- */

static void handle(slk_http_request_t *req, void *ctx)
{
    slk_remote_server_t *r = ctx;
    slk_remote_path_t path;
    slk_remote_kind_t kind = slk_remote_path_parse(&path, slk_http_rest(req));
    bool remove = !strcmp(slk_http_method(req), "DELETE");
    if (remove && kind == SLK_REMOTE_SECTOR)
        delete_sector(r, req, &path);
    else if (kind == SLK_REMOTE_BAD || remove)
        reply_text(req, kind == SLK_REMOTE_BAD ? 404 : 405, "no file of a sector");
    else if (kind == SLK_REMOTE_STAT)
        get_stat(r, req, path.id);
    else
        get_sector(r, req, &path);
}

slk_http_route_t slk_remote_route(slk_remote_server_t *remote)
{
    return (slk_http_route_t){.methods = SLK_HTTP_GET | SLK_HTTP_HEAD | SLK_HTTP_DELETE,
                              .path = PREFIX,
                              .prefix = true,
                              .need = SLK_PERM_ADMIN,
                              .body_max = 4096,
                              .handler = handle,
                              .ctx = remote};
}
