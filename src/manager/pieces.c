#include "manager/pieces.h"

#include "base/assert.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Data on its way through the commitment into a file. */
typedef struct {
    int from, to;
    const char *from_path, *to_path;
    const slk_job_t *job;
} copy_t;

static slk_err_t read_and_keep(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    copy_t *copy = ctx;
    slk_err_t err = slk_read_upto_job(copy->from, buf, cap, len, copy->from_path, copy->job, diag);
    if (err == SLK_OK && *len)
        err = slk_write_all(copy->to, buf, *len, copy->to_path, diag);
    return err;
}

/* A name of its own, since two may be putting the same data. */
static slk_err_t open_new(slk_new_file_t *file, char *path, size_t cap, const char *dir,
                          slk_diag_t *diag)
{
    static _Atomic unsigned count;
    char name[64];
    snprintf(name, sizeof name, ".new-%ld-%u", (long)getpid(), count++);
    slk_err_t err = slk_path_join(path, cap, dir, name, diag);
    return err == SLK_OK ? slk_new_file_open(file, path, 0, diag) : err;
}

slk_err_t slk_pieces_put(slk_stored_piece_t *out, const char *dir, int fd, const char *path,
                         uint64_t padded, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_commp_t commp;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    char fresh[4096], final[4096];
    bool found;
    uint64_t len;
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(open_new(&file, fresh, sizeof fresh, dir, diag));
    copy_t copy = {fd, file.fd, path, fresh, job};
    SLK_TRY(slk_commp(&commp, padded, read_and_keep, &copy, NULL, NULL, job, diag));
    if (!commp.raw) {
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: is empty, a piece needs data", path);
        goto out;
    }
    *out = (slk_stored_piece_t){.piece = commp.piece, .raw = commp.raw};
    slk_cid_format(out->cid, SLK_CID_UNSEALED, &commp.piece.comm_p);
    SLK_TRY(slk_path_join(final, sizeof final, dir, out->cid, diag));
    SLK_TRY(slk_file_len(&found, &len, final, diag));
    if (found && len >= commp.raw)
        goto out;
    SLK_TRY(slk_new_file_commit(&file, diag));
    if (rename(fresh, final) != 0)
        err = slk_fail_errno(diag, "rename", final);
    else
        err = slk_sync_parent(final, diag);
out:
    slk_new_file_abort(&file);
    return err;
}

/* --- HTTP ------------------------------------------------------------------------------------- */

static bool is_name(const char *rest)
{
    return *rest && *rest != '.' && !strchr(rest, '/');
}

static void serve(slk_http_request_t *req, void *ctx)
{
    const char *dir = ctx, *rest = slk_http_rest(req);
    char name[SLK_CID_STR_SZ + 8], path[4096];
    struct stat st;
    if (!slk_http_perms(req)) {
        slk_http_reply(req, 401, "text/plain", "the piece store wants a token\n", 30);
        return;
    }
    if (!is_name(rest) || strlen(rest) >= SLK_CID_STR_SZ) {
        slk_http_reply(req, 404, "text/plain", "no such piece\n", 14);
        return;
    }
    snprintf(name, sizeof name, "%s", rest);
    if (snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path && lstat(path, &st) != 0)
        snprintf(name, sizeof name, "%s.car", rest);
    slk_http_reply_file(req, dir, name, "application/octet-stream");
}

slk_http_route_t slk_pieces_route(const char *dir)
{
    return (slk_http_route_t){.methods = SLK_HTTP_GET | SLK_HTTP_HEAD,
                              .path = "/piecestore/",
                              .prefix = true,
                              .handler = serve,
                              .ctx = (void *)(uintptr_t)dir};
}
