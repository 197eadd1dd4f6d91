#include "worker/job_dir.h"

#include "base/assert.h"
#include "base/file.h"
#include "codec/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_FILE_MAX (64u << 20) /* bytes of a JSON file of ours */

void slk_job_dir_file(char out[SLK_WORKER_PATH_MAX], const slk_job_dir_t *dir, const char *name)
{
    int n = snprintf(out, SLK_WORKER_PATH_MAX, "%s/%s", dir->path, name);
    SLK_ASSERT(n > 0 && n < SLK_WORKER_PATH_MAX);
}

slk_err_t slk_job_dir(slk_job_dir_t *dir, const char *repo, uint64_t id, slk_diag_t *diag)
{
    /* room for the names of files in it */
    int n = snprintf(dir->path, sizeof dir->path, "%s/jobs/%llu", repo, (unsigned long long)id);
    if (n < 0 || (size_t)n + 64 > sizeof dir->path)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: the path is too long", repo);
    return SLK_OK;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* A decimal number as slk_job_dir writes it. */
static bool parse_id(uint64_t *id, const char *name)
{
    char again[24];
    char *end;
    errno = 0;
    *id = strtoull(name, &end, 10);
    if (errno || *end || end == name)
        return false;
    snprintf(again, sizeof again, "%llu", (unsigned long long)*id);
    return !strcmp(again, name);
}

slk_err_t slk_job_dir_list(uint64_t **ids, size_t *cnt, const char *repo, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX], file[SLK_WORKER_PATH_MAX];
    size_t room = 0;
    slk_err_t err;
    *ids = NULL;
    *cnt = 0;
    SLK_TRY(slk_worker_repo_path(path, repo, "jobs", diag));
    DIR *folder = opendir(path);
    if (!folder)
        return slk_fail_errno(diag, "open", path);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        slk_job_dir_t dir;
        uint64_t id;
        if (!parse_id(&id, entry->d_name))
            continue;
        err = slk_job_dir(&dir, repo, id, diag);
        if (err != SLK_OK)
            break;
        slk_job_dir_file(file, &dir, "assignment.json");
        if (access(file, F_OK) != 0) {
            err = slk_job_dir_remove(&dir, diag);
            if (err != SLK_OK)
                break;
            continue;
        }
        if (*cnt == room) {
            room = room ? 2 * room : 16;
            uint64_t *more = realloc(*ids, room * sizeof *more);
            if (!more) {
                err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of jobs");
                break;
            }
            *ids = more;
        }
        (*ids)[(*cnt)++] = id;
    }
    closedir(folder);
    if (*cnt)
        qsort(*ids, *cnt, sizeof **ids, ascending);
out:
    if (err != SLK_OK) {
        free(*ids);
        *ids = NULL;
    }
    return err;
}

/* --- JSON files ----------------------------------------------------------------------------- */

slk_err_t slk_record_text(slk_bytes_t *text, const slk_type_t *type, const void *record,
                          slk_arena_t *arena, slk_diag_t *diag)
{
    json_t *json;
    slk_err_t err = slk_record_to_json(&json, type, record, SLK_TESTNET, diag);
    if (err != SLK_OK)
        return err;
    char *dump = slk_json_dump(json, JSON_COMPACT);
    json_decref(json);
    char *copy = dump ? slk_arena_text(arena, dump, strlen(dump)) : NULL;
    if (copy)
        *text = (slk_bytes_t){(const uint8_t *)copy, strlen(copy)};
    else
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a message");
    free(dump);
    return err;
}

static slk_err_t write_json(const char *path, json_t *json, slk_diag_t *diag)
{
    char *text = json ? slk_json_dump(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for %s", path);
    slk_err_t err = slk_write_file(path, text, strlen(text), diag);
    free(text);
    return err;
}

static slk_err_t read_json(json_t **json, const char *path, slk_diag_t *diag)
{
    char *text;
    size_t len;
    json_error_t error;
    *json = NULL;
    slk_err_t err = slk_read_file(&text, &len, path, JOB_FILE_MAX, diag);
    if (err != SLK_OK)
        return err;
    *json = slk_json_load(text, len, 0, &error);
    free(text);
    return *json ? SLK_OK : slk_fail(diag, SLK_ERR_FORMAT, "%s: %s", path, error.text);
}

static slk_err_t read_record(void *record, const slk_type_t *type, const json_t *json,
                             const char *path, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_diag_t why;
    slk_err_t err = slk_record_from_json(record, type, json, arena, &why);
    return err == SLK_OK ? SLK_OK : slk_fail(diag, err, "%s: %s", path, why.text);
}

slk_err_t slk_job_dir_begin(const slk_job_dir_t *dir, const slk_assignment_t *assignment,
                            slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    json_t *json;
    slk_err_t err;
    SLK_TRY(slk_make_dirs(dir->path, diag));
    SLK_TRY(slk_sync_parent(dir->path, diag));
    slk_job_dir_file(path, dir, "assignment.json");
    SLK_TRY(slk_record_to_json(&json, &slk_assignment_type, assignment, SLK_TESTNET, diag));
    err = write_json(path, json, diag);
out:
    return err;
}

slk_err_t slk_job_dir_load(slk_assignment_t *assignment, const slk_job_dir_t *dir,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    json_t *json;
    slk_job_dir_file(path, dir, "assignment.json");
    slk_err_t err = read_json(&json, path, diag);
    if (err == SLK_OK)
        err = read_record(assignment, &slk_assignment_type, json, path, arena, diag);
    json_decref(json);
    return err;
}

slk_err_t slk_job_dir_end(const slk_job_dir_t *dir, const slk_job_end_t *end, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    json_t *json = NULL;
    slk_job_dir_file(path, dir, "result.json");
    slk_err_t err =
        end->failed
            ? slk_record_to_json(&json, &slk_job_failed_type, &end->failure, SLK_TESTNET, diag)
            : slk_record_to_json(&json, &slk_job_done_type, &end->done, SLK_TESTNET, diag);
    if (err != SLK_OK)
        return err;
    return write_json(path, json_pack("{so}", end->failed ? "Failed" : "Done", json), diag);
}

slk_err_t slk_job_dir_load_end(bool *found, slk_job_end_t *end, const slk_job_dir_t *dir,
                               slk_arena_t *arena, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    json_t *json;
    slk_job_dir_file(path, dir, "result.json");
    *found = access(path, F_OK) == 0;
    if (!*found)
        return SLK_OK;
    memset(end, 0, sizeof *end);
    slk_err_t err = read_json(&json, path, diag);
    if (err != SLK_OK)
        return err;
    const json_t *failed = json_object_get(json, "Failed"), *done = json_object_get(json, "Done");
    end->failed = failed != NULL;
    if (failed)
        err = read_record(&end->failure, &slk_job_failed_type, failed, path, arena, diag);
    else if (done)
        err = read_record(&end->done, &slk_job_done_type, done, path, arena, diag);
    else
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: expected \"Done\" or \"Failed\"", path);
    json_decref(json);
    return err;
}

/* --- Sources -------------------------------------------------------------------------------- */

slk_err_t slk_job_dir_note_fetched(const slk_job_dir_t *dir, const char *type, const char *url,
                                   slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    json_t *json = NULL;
    slk_job_dir_file(path, dir, "fetched.json");
    if (access(path, F_OK) == 0) {
        slk_err_t err = read_json(&json, path, diag);
        if (err != SLK_OK)
            return err;
    } else
        json = json_object();
    if (json_object_set_new(json, type, json_string(url)) != 0) {
        json_decref(json);
        json = NULL;
    }
    return write_json(path, json, diag);
}

bool slk_job_dir_fetched(char *url, size_t cap, const slk_job_dir_t *dir, const char *type)
{
    char path[SLK_WORKER_PATH_MAX];
    slk_diag_t diag;
    json_t *json;
    slk_job_dir_file(path, dir, "fetched.json");
    if (access(path, F_OK) != 0 || read_json(&json, path, &diag) != SLK_OK)
        return false;
    const char *text = json_string_value(json_object_get(json, type));
    bool found = text && strlen(text) < cap;
    if (found)
        strcpy(url, text);
    json_decref(json);
    return found;
}

/* --- Removal -------------------------------------------------------------------------------- */

slk_err_t slk_job_dir_remove(const slk_job_dir_t *dir, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    slk_job_dir_file(path, dir, "assignment.json");
    if (unlink(path) != 0 && errno != ENOENT)
        return slk_fail_errno(diag, "remove", path);
    DIR *folder = opendir(dir->path);
    if (!folder)
        return errno == ENOENT ? SLK_OK : slk_fail_errno(diag, "open", dir->path);
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    if (rmdir(dir->path) != 0 && errno != ENOENT)
        return slk_fail_errno(diag, "remove", dir->path);
    return SLK_OK;
}
