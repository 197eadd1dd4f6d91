#include "worker/repo.h"

#include "base/assert.h"
#include "base/file.h"
#include "codec/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

slk_err_t slk_worker_repo_path(char out[SLK_WORKER_PATH_MAX], const char *dir, const char *name,
                               slk_diag_t *diag)
{
    return slk_path_join(out, SLK_WORKER_PATH_MAX, dir, name, diag);
}

/* The id in worker.json, or a new one. */
static slk_err_t identity(slk_worker_repo_t *repo, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX], *text = NULL;
    size_t len;
    json_t *json = NULL;
    slk_err_t err;
    SLK_TRY(slk_worker_repo_path(path, repo->dir, "worker.json", diag));
    if (access(path, F_OK) != 0) {
        char line[SLK_STORAGE_ID_MAX + 16];
        SLK_TRY(slk_storage_id_new(repo->id, diag));
        int n = snprintf(line, sizeof line, "{\"ID\":\"%s\"}\n", repo->id);
        err = slk_write_file(path, line, (size_t)n, diag);
        goto out;
    }
    SLK_TRY(slk_read_file(&text, &len, path, 4096, diag));
    json = slk_json_load(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(json, "ID"));
    if (!id || !slk_storage_id_ok(id) || strlen(id) >= sizeof repo->id) {
        err =
            slk_fail(diag, SLK_ERR_FORMAT,
                     "%s: expected {\"ID\": UUID}; a copy of the file, or removing it (the worker "
                     "is then a new one to its manager), helps",
                     path);
        goto out;
    }
    strcpy(repo->id, id);
out:
    json_decref(json);
    free(text);
    return err;
}

slk_err_t slk_worker_repo_open(slk_worker_repo_t *repo, const char *dir, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    slk_err_t err;
    *repo = (slk_worker_repo_t){.lock = -1};
    SLK_TRY(slk_make_dirs(dir, diag));
    char *real = realpath(dir, NULL);
    if (!real)
        return slk_fail_errno(diag, "resolve", dir);
    size_t len = strlen(real);
    if (len < sizeof repo->dir)
        memcpy(repo->dir, real, len + 1);
    free(real);
    if (len >= sizeof repo->dir)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: the path is longer than %zu bytes", dir,
                        sizeof repo->dir - 1);
    err = slk_lock_dir(&repo->lock, repo->dir, diag);
    if (err == SLK_ERR_BUSY)
        return slk_fail(diag, SLK_ERR_BUSY,
                        "%s: another worker runs here; a worker needs a folder of its own "
                        "(--repo), or stop the other",
                        repo->dir);
    SLK_TRY(err);
    SLK_TRY(identity(repo, diag));
    SLK_TRY(slk_worker_repo_path(path, repo->dir, "jobs", diag));
    SLK_TRY(slk_make_dirs(path, diag));
    return SLK_OK;
out:
    slk_worker_repo_close(repo);
    return err;
}

void slk_worker_repo_close(slk_worker_repo_t *repo)
{
    if (repo->dir[0] && repo->lock >= 0)
        close(repo->lock);
    repo->lock = -1;
}

slk_err_t slk_worker_write_secret(const char *path, const char *text, slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_err_t err;
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    if (fchmod(file.fd, 0600) != 0) {
        err = slk_fail_errno(diag, "set the mode of", path);
        goto out;
    }
    SLK_TRY(slk_write_all(file.fd, text, strlen(text), path, diag));
    err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    return err;
}

slk_err_t slk_worker_read_token(char *out, size_t cap, const char *path, slk_diag_t *diag)
{
    char *text;
    size_t len;
    slk_err_t err = slk_read_file(&text, &len, path, 4096, diag);
    if (err != SLK_OK)
        return err;
    size_t n = strcspn(text, "\r\n");
    if (n == 0 || n >= cap)
        err = slk_fail(diag, SLK_ERR_FORMAT,
                       "%s: expected one line with a token, at most %zu characters", path, cap - 1);
    else {
        memcpy(out, text, n);
        out[n] = 0;
    }
    free(text);
    return err;
}
