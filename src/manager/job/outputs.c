#include "manager/job/dispatch_impl.h"

#include "base/log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void slk_output_path(const slk_dispatch_t *d, char out[SLK_OUTPUT_PATH_MAX], int64_t job,
                     int64_t lease)
{
    snprintf(out, SLK_OUTPUT_PATH_MAX, "%s/%lld-%lld", d->output_dir, (long long)job,
             (long long)lease);
}

bool slk_output_there(const slk_dispatch_t *d, int64_t job, int64_t lease)
{
    char path[SLK_OUTPUT_PATH_MAX];
    slk_output_path(d, path, job, lease);
    return !access(path, R_OK);
}

void slk_output_remove(const slk_dispatch_t *d, int64_t job, int64_t keep_lease)
{
    DIR *dir = opendir(d->output_dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[SLK_OUTPUT_PATH_MAX];
        char *end = NULL;
        const long long id = strtoll(entry->d_name, &end, 10);
        if (end == entry->d_name || *end != '-' || id != job ||
            strtoll(end + 1, NULL, 10) == keep_lease)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", d->output_dir, entry->d_name) < (int)sizeof path &&
            unlink(path))
            slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "%s cannot be removed", path);
    }
    if (dir)
        closedir(dir);
}

slk_err_t slk_output_sweep(const slk_dispatch_t *d, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    struct dirent *entry;
    DIR *dir = opendir(d->output_dir);
    if (!dir)
        return slk_fail_errno(diag, "read the folder", d->output_dir);
    while (err == SLK_OK && (entry = readdir(dir))) {
        char path[SLK_OUTPUT_PATH_MAX];
        char *end = NULL;
        bool found = false;
        int64_t one;
        const long long id = strtoll(entry->d_name, &end, 10);
        if (end == entry->d_name || *end != '-' ||
            snprintf(path, sizeof path, "%s/%s", d->output_dir, entry->d_name) >= (int)sizeof path)
            continue;
        strtoll(end + 1, &end, 10);
        if (!*end)
            err = slk_db_get_i64(d->db, "SELECT id FROM job WHERE id = ?1",
                                 SLK_VALS(slk_val_i64(id)), &found, &one, diag);
        if (err == SLK_OK && !found && unlink(path))
            err = slk_fail_errno(diag, "remove", path);
    }
    closedir(dir);
    return err;
}
