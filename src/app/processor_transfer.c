/* transfer: copy or link files and folders; stores are known to the parent alone, paths are
 * absolute. */
#include "app/processor_task.h"

#include "base/assert.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP     (UINT32_C(8) << 20)
#define DEPTH    32u
#define COPY_END ".selkie-tmp"

typedef struct {
    const char *src, *dest;
    bool link;
} route_t;

/* --- Files ------------------------------------------------------------------------------------ */

/* Bytes of an open file, at most STEP; 0 at its end. */
static ssize_t copy_some(int from, int to, char *buf)
{
    ssize_t n = copy_file_range(from, NULL, to, NULL, STEP, 0);
    if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
        return n;
    n = read(from, buf, STEP);
    for (ssize_t at = 0; at < n;) {
        ssize_t done = write(to, buf + at, (size_t)(n - at));
        if (done < 0)
            return -1;
        at += done;
    }
    return n;
}

static slk_err_t copy_file(const char *src, const char *dest, const slk_job_t *job,
                           slk_diag_t *diag)
{
    uint64_t len, done = 0;
    int from = -1;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    char *buf = malloc(STEP);
    slk_err_t err;
    if (!buf)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_open_read(&from, &len, src, "source", SLK_ANY_LEN, diag));
    SLK_TRY(slk_new_file_open(&file, dest, 0, diag));
    slk_progress_begin(slk_job_progress(job), "copy", "B", len, 0);
    for (ssize_t n = 1; n;) {
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted; nothing is at %s", dest);
            goto out;
        }
        n = copy_some(from, file.fd, buf);
        if (n < 0 && errno != EINTR) {
            err = slk_fail_errno(diag, "copy to", dest);
            goto out;
        }
        done += n > 0 ? (uint64_t)n : 0;
        slk_progress_add(slk_job_progress(job), n > 0 ? (uint64_t)n : 0);
    }
    slk_progress_end(slk_job_progress(job));
    if (done != len) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: changed while it was copied: %" PRIu64 " of %" PRIu64 " bytes", src,
                       done, len);
        goto out;
    }
    err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    free(buf);
    if (from >= 0)
        close(from);
    return err;
}

/* --- Folders ---------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static slk_err_t remove_tree(const char *path, slk_diag_t *diag)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return slk_fail_errno(diag, "remove", path);
    return SLK_OK;
}

static slk_err_t copy_tree(const char *src, const char *dest, unsigned depth, const slk_job_t *job,
                           slk_diag_t *diag)
{
    slk_err_t err;
    struct dirent *entry;
    DIR *dir = NULL;
    if (depth == DEPTH)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: more than %u folders deep", src, DEPTH);
    SLK_TRY(slk_make_dirs(dest, diag));
    dir = opendir(src);
    if (!dir) {
        err = slk_fail_errno(diag, "list", src);
        goto out;
    }
    while ((entry = readdir(dir))) {
        char from[4096], to[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        SLK_TRY(slk_path_join(from, sizeof from, src, entry->d_name, diag));
        SLK_TRY(slk_path_join(to, sizeof to, dest, entry->d_name, diag));
        if (stat(from, &st)) {
            err = slk_fail_errno(diag, "stat", from);
            goto out;
        }
        SLK_TRY(S_ISDIR(st.st_mode) ? copy_tree(from, to, depth + 1, job, diag)
                                    : copy_file(from, to, job, diag));
    }
    err = slk_sync_parent(dest, diag);
out:
    if (dir)
        closedir(dir);
    return err;
}

/* --- Routes ----------------------------------------------------------------------------------- */

static slk_err_t make_parent(const char *path, slk_diag_t *diag)
{
    char parent[4096];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == parent)
        return SLK_OK;
    *slash = '\0';
    return slk_make_dirs(parent, diag);
}

/* Put what is complete beside the destination in its place. A folder cannot be replaced in one step:
 * the old one goes first. */
static slk_err_t put_in_place(const char *made, const char *dest, bool dir, slk_diag_t *diag)
{
    slk_err_t err = dir ? remove_tree(dest, diag) : SLK_OK;
    if (err == SLK_OK && rename(made, dest))
        err = slk_fail_errno(diag, "rename into place", dest);
    return err == SLK_OK ? slk_sync_parent(dest, diag) : err;
}

static slk_err_t do_link(const route_t *route, bool dir, slk_diag_t *diag)
{
    char made[4200];
    struct stat st;
    snprintf(made, sizeof made, "%s" COPY_END, route->dest);
    if ((unlink(made) && errno != ENOENT) || symlink(route->src, made))
        return slk_fail_errno(diag, "link", made);
    bool folder = dir && lstat(route->dest, &st) == 0 && S_ISDIR(st.st_mode);
    return put_in_place(made, route->dest, folder, diag);
}

static slk_err_t do_route(const route_t *route, const slk_job_t *job, slk_diag_t *diag)
{
    struct stat src, dest;
    char made[4200];
    slk_err_t err;
    if (stat(route->src, &src))
        return slk_fail_errno(diag, "find source", route->src);
    bool dir = S_ISDIR(src.st_mode), exists = stat(route->dest, &dest) == 0;
    if (exists && S_ISDIR(dest.st_mode) != dir)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: is %sa folder, the source %s is %s", route->dest,
                        dir ? "not " : "", route->src, dir ? "one" : "none");
    if (exists && src.st_dev == dest.st_dev && src.st_ino == dest.st_ino)
        return SLK_OK;
    SLK_TRY(make_parent(route->dest, diag));
    if (route->link)
        return do_link(route, dir, diag);
    if (!dir)
        return copy_file(route->src, route->dest, job, diag);
    snprintf(made, sizeof made, "%s" COPY_END, route->dest);
    SLK_TRY(remove_tree(made, diag));
    SLK_TRY(copy_tree(route->src, made, 0, job, diag));
    err = put_in_place(made, route->dest, true, diag);
out:
    return err;
}

static slk_err_t read_end(const char **out, const json_t *row, const char *name, slk_diag_t *diag)
{
    slk_err_t err = slk_task_text(out, json_object_get(row, name), "uri", diag);
    if (err == SLK_OK && (**out != '/' || strlen(*out) > 4000))
        err =
            slk_fail(diag, SLK_ERR_INPUT, "task: field uri of %s: expected an absolute path", name);
    return err;
}

slk_err_t slk_stage_transfer(const slk_task_t *task, slk_diag_t *diag)
{
    const json_t *list, *row;
    size_t i;
    slk_err_t err;
    SLK_TRY(slk_task_array(&list, task->json, "routes", diag));
    json_array_foreach(list, i, row)
    {
        const json_t *opt = json_object_get(row, "opt");
        route_t route = {.link = json_is_true(json_object_get(opt, "allow_link"))};
        SLK_TRY(read_end(&route.src, row, "src", diag));
        SLK_TRY(read_end(&route.dest, row, "dest", diag));
        SLK_TRY(do_route(&route, &task->job, diag));
    }
    slk_buf_put(task->output, "true", 4);
out:
    return err;
}
