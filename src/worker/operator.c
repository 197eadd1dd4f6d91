/* What operators do with the paths of a worker, and how they see what it does. */
#include "worker/worker.h"

#include "base/assert.h"
#include "base/file.h"
#include "net/jsonrpc_client.h"
#include "worker/repo.h"
#include "worker/stores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 10000u

/* --- storage.json --------------------------------------------------------------------------- */

/* The list, which nobody else changes until the lock is given back. */
static slk_err_t open_list(slk_names_t *list, char file[SLK_WORKER_PATH_MAX], int *lock,
                           const char *repo, slk_diag_t *diag)
{
    char jobs[SLK_WORKER_PATH_MAX];
    slk_err_t err;
    memset(list, 0, sizeof *list);
    *lock = -1;
    SLK_TRY(slk_worker_repo_path(jobs, repo, "jobs", diag));
    SLK_TRY(slk_make_dirs(jobs, diag));
    SLK_TRY(slk_lock_dir(lock, jobs, diag));
    SLK_TRY(slk_worker_repo_path(file, repo, "storage.json", diag));
    err = slk_storage_list_read(list, file, diag);
out:
    return err;
}

static void close_list(slk_names_t *list, int lock)
{
    slk_names_free(list);
    if (lock >= 0)
        close(lock);
}

static slk_err_t resolve(char out[SLK_ROOT_MAX], const char *root, slk_diag_t *diag)
{
    char *real = realpath(root, NULL);
    if (!real)
        return slk_fail_errno(diag, "find", root);
    size_t len = strlen(real);
    if (len < SLK_ROOT_MAX)
        memcpy(out, real, len + 1);
    free(real);
    return len < SLK_ROOT_MAX ? SLK_OK
                              : slk_fail(diag, SLK_ERR_LENGTH, "%s: the path is too long", root);
}

slk_err_t slk_worker_path_attach(char id[SLK_STORAGE_ID_MAX], const char *repo, const char *root,
                                 slk_diag_t *diag)
{
    char file[SLK_WORKER_PATH_MAX], real[SLK_ROOT_MAX];
    slk_names_t list = {0};
    slk_path_meta_t meta = {0};
    const char **all = NULL;
    int lock = -1;
    slk_err_t err;
    SLK_TRY(resolve(real, root, diag));
    SLK_TRY(slk_path_meta_read(&meta, real, diag));
    strcpy(id, meta.id);
    SLK_TRY(open_list(&list, file, &lock, repo, diag));
    if (slk_names_have(&list, real))
        goto out;
    all = calloc(list.cnt + 1, sizeof *all);
    if (!all) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of paths");
        goto out;
    }
    for (size_t i = 0; i < list.cnt; i++)
        all[i] = list.at[i];
    all[list.cnt] = real;
    slk_names_t more = {0};
    SLK_TRY(slk_names_set(&more, all, list.cnt + 1, diag));
    err = slk_storage_list_write(&more, file, diag);
    slk_names_free(&more);
out:
    free(all);
    slk_path_meta_free(&meta);
    close_list(&list, lock);
    return err;
}

slk_err_t slk_worker_path_init(char id[SLK_STORAGE_ID_MAX], const char *repo, const char *root,
                               bool store, slk_path_meta_t *meta, slk_diag_t *diag)
{
    char real[SLK_ROOT_MAX];
    slk_path_meta_t fresh = {0};
    slk_err_t err;
    SLK_TRY(slk_make_dirs(root, diag));
    SLK_TRY(resolve(real, root, diag));
    if (!meta) {
        SLK_TRY(slk_path_meta_new(&fresh, diag));
        fresh.can_seal = !store;
        fresh.can_store = fresh.can_final = store;
        meta = &fresh;
    }
    SLK_TRY(slk_local_init(real, meta, diag));
    err = slk_worker_path_attach(id, repo, real, diag);
out:
    slk_path_meta_free(&fresh);
    return err;
}

/* Whether a path of the list is meant by its root or its ID. */
static bool is_meant(const char *root, const char *root_or_id, const char *real)
{
    slk_path_meta_t meta = {0};
    bool meant = !strcmp(root, root_or_id) || !strcmp(root, real);
    if (!meant && slk_storage_id_ok(root_or_id) && slk_path_meta_read(&meta, root, NULL) == SLK_OK)
        meant = !strcmp(meta.id, root_or_id);
    slk_path_meta_free(&meta);
    return meant;
}

slk_err_t slk_worker_path_detach(const char *repo, const char *root_or_id, slk_diag_t *diag)
{
    char file[SLK_WORKER_PATH_MAX], real[SLK_ROOT_MAX] = "";
    slk_names_t list = {0}, rest = {0};
    const char **left = NULL;
    size_t cnt = 0;
    int lock = -1;
    slk_err_t err;
    if (resolve(real, root_or_id, NULL) != SLK_OK)
        real[0] = 0;
    SLK_TRY(open_list(&list, file, &lock, repo, diag));
    left = calloc(list.cnt + 1, sizeof *left);
    if (!left) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of paths");
        goto out;
    }
    for (size_t i = 0; i < list.cnt; i++)
        if (!is_meant(list.at[i], root_or_id, real))
            left[cnt++] = list.at[i];
    if (cnt == list.cnt) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "%s: no path of this folder or ID is attached",
                       root_or_id);
        goto out;
    }
    SLK_TRY(slk_names_set(&rest, left, cnt, diag));
    err = slk_storage_list_write(&rest, file, diag);
out:
    free(left);
    slk_names_free(&rest);
    close_list(&list, lock);
    return err;
}

/* --- The list ------------------------------------------------------------------------------- */

static json_t *path_json(const char *root, slk_local_paths_t *paths)
{
    char id[SLK_STORAGE_ID_MAX] = "";
    slk_path_meta_t meta = {0};
    slk_path_stat_t stat = {0};
    slk_diag_t diag = {""};
    slk_err_t err = slk_local_attach(id, paths, root, &diag);
    if (err == SLK_OK)
        err = slk_local_stat(&stat, paths, id, &diag);
    if (err == SLK_OK)
        err = slk_local_meta(&meta, paths, id, &diag);
    json_t *row =
        json_pack("{ss,ss,sI,sb,sb,sb,sI,sI,sI,ss}", "ID", id, "Path", root, "Weight",
                  (json_int_t)meta.weight, "CanSeal", meta.can_seal, "CanStore", meta.can_store,
                  "CanFinal", meta.can_final, "Capacity", (json_int_t)stat.capacity, "Available",
                  (json_int_t)stat.available, "Used",
                  (json_int_t)(stat.max ? stat.used
                                        : stat.capacity - (stat.fs_available < stat.capacity
                                                               ? stat.fs_available
                                                               : stat.capacity)),
                  "Err", err == SLK_OK ? "" : diag.text);
    slk_path_meta_free(&meta);
    return row;
}

slk_err_t slk_worker_path_list(json_t **out, const char *repo, slk_diag_t *diag)
{
    char file[SLK_WORKER_PATH_MAX];
    slk_names_t list = {0};
    slk_local_paths_t *paths = NULL;
    slk_err_t err;
    *out = json_array();
    SLK_TRY(slk_worker_repo_path(file, repo, "storage.json", diag));
    SLK_TRY(slk_storage_list_read(&list, file, diag));
    SLK_TRY(slk_local_paths_new(&paths, diag));
    for (size_t i = 0; i < list.cnt; i++)
        json_array_append_new(*out, path_json(list.at[i], paths));
out:
    slk_local_paths_free(paths);
    slk_names_free(&list);
    if (err != SLK_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return err;
}

/* --- A running one -------------------------------------------------------------------------- */

/* A file of one line that a running worker keeps. */
static slk_err_t read_line(char *out, size_t cap, const char *repo, const char *name,
                           slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    slk_err_t err = slk_worker_repo_path(path, repo, name, diag);
    if (err != SLK_OK)
        return err;
    if (access(path, F_OK) != 0)
        return slk_fail(diag, SLK_ERR_STATE, "%s: no worker runs here that its manager knows",
                        repo);
    return slk_worker_read_token(out, cap, path, diag);
}

slk_err_t slk_worker_info(json_t **info, const char *repo, slk_diag_t *diag)
{
    char token[1024], api[512], url[600];
    slk_http_client_t *client = NULL;
    slk_rpc_answer_t answer = {0};
    slk_err_t err;
    *info = NULL;
    SLK_TRY(read_line(token, sizeof token, repo, "token", diag));
    SLK_TRY(read_line(api, sizeof api, repo, "api", diag));
    snprintf(url, sizeof url, "%s/rpc/v0", api);
    SLK_TRY(slk_http_client_new(&client, NULL, diag));
    slk_rpc_http_call_t call = {.url = url,
                                .token = token,
                                .method = "Selkie.WorkerInfo",
                                .repeatable = true,
                                .total_ms = ANSWER_MS};
    err = slk_rpc_http(client, &call, &answer, diag);
    if (err == SLK_ERR_IO && answer.outcome == SLK_HTTP_NOT_SENT)
        err = slk_fail(diag, SLK_ERR_STATE, "%s: no worker runs here (it was killed)", repo);
    SLK_TRY(err);
    SLK_TRY(slk_rpc_answer_check(&answer, call.method, diag));
    *info = json_incref(answer.result);
out:
    slk_rpc_answer_free(&answer);
    slk_http_client_free(client);
    return err;
}
