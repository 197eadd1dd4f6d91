#include "storage/remote_digest.h"

#include "base/assert.h"
#include "storage/dir.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct task {
    struct task *next;
    slk_remote_digests_t *rd;
    slk_progress_t *progress;
    char root[SLK_ROOT_MAX];
    slk_manifest_t manifest;
    uint64_t total;
    unsigned refs; /* the thread and those who wait */
    bool done;
    slk_err_t err;
    slk_diag_t diag;
} task_t;

struct slk_remote_digests {
    pthread_mutex_t lock; /* guards all but what a running task's thread fills */
    pthread_cond_t changed;
    slk_digests_t *digests;
    task_t *first;
    unsigned running, threads;
    atomic_bool stop;
};

slk_err_t slk_remote_digests_new(slk_remote_digests_t **rd, unsigned threads, slk_diag_t *diag)
{
    pthread_condattr_t attr;
    slk_remote_digests_t *r = *rd = calloc(1, sizeof *r);
    if (!r)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a table of digests");
    slk_err_t err = slk_digests_new(&r->digests, diag);
    if (err != SLK_OK) {
        free(r);
        *rd = NULL;
        return err;
    }
    r->threads = threads;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    return SLK_OK;
}

void slk_remote_digests_free(slk_remote_digests_t *rd)
{
    if (!rd)
        return;
    atomic_store(&rd->stop, true);
    pthread_mutex_lock(&rd->lock);
    while (rd->running)
        pthread_cond_wait(&rd->changed, &rd->lock);
    pthread_mutex_unlock(&rd->lock);
    pthread_cond_destroy(&rd->changed);
    pthread_mutex_destroy(&rd->lock);
    slk_digests_free(rd->digests);
    free(rd);
}

/* --- Tasks --------------------------------------------------------------------------------- */

/* Lock held. */
static void give_back(task_t *task)
{
    if (--task->refs)
        return;
    slk_progress_free(task->progress);
    slk_manifest_free(&task->manifest);
    free(task);
}

/* Fill in the digests of a list; `job` NULL: only those that are known, *all false when one is not. */
static slk_err_t fill(slk_manifest_t *m, slk_digests_t *digests, const char *root, bool compute,
                      bool *all, const slk_job_t *job, slk_diag_t *diag)
{
    slk_dir_t dir = SLK_DIR_NONE, folder = SLK_DIR_NONE;
    slk_err_t err;
    int fd = -1;
    *all = true;
    SLK_TRY(slk_dir_open(&dir, root, diag));
    SLK_TRY(slk_dir_sub(&folder, &dir, slk_file_type_name(m->type), false, diag));
    for (size_t i = 0; *all && i < m->cnt; i++) {
        struct stat st;
        SLK_TRY(slk_manifest_open(&fd, &folder, m, i, O_RDONLY, diag));
        if (compute) {
            SLK_TRY(
                slk_digest_sector_file(&m->files[i].sha256, digests, fd, folder.path, job, diag));
        }
        if (fstat(fd, &st)) {
            err = slk_dir_fail(diag, "stat", &folder, m->files[i].name);
            goto out;
        }
        *all = slk_digest_known(&m->files[i].sha256, digests, &st) || compute;
        if ((uint64_t)st.st_size != m->files[i].size) {
            err = slk_fail(diag, SLK_ERR_BUSY, "%s: a file changed while it was read", folder.path);
            goto out;
        }
        close(fd);
        fd = -1;
    }
out:
    if (fd >= 0)
        close(fd);
    slk_dir_close(&folder);
    slk_dir_close(&dir);
    return err;
}

static void *run(void *ctx)
{
    task_t *task = ctx;
    slk_remote_digests_t *rd = task->rd;
    const slk_job_t job = {.progress = task->progress, .cancel = &rd->stop};
    bool all;
    slk_progress_begin(task->progress, "digests", "B", task->total, 0);
    slk_err_t err = fill(&task->manifest, rd->digests, task->root, true, &all, &job, &task->diag);
    pthread_mutex_lock(&rd->lock);
    task->err = err;
    task->done = true;
    task_t **link = &rd->first;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    give_back(task);
    rd->running--;
    pthread_cond_broadcast(&rd->changed);
    pthread_mutex_unlock(&rd->lock);
    return NULL;
}

/* Lock held. NULL: no thread is free. Takes over the list when it starts one. */
static task_t *find_or_start(slk_remote_digests_t *rd, const char *root, slk_manifest_t *list)
{
    pthread_t thread;
    pthread_attr_t attr;
    for (task_t *task = rd->first; task; task = task->next) {
        if (!strcmp(task->root, root) && task->manifest.type == list->type &&
            slk_sector_id_eq(&task->manifest.sector, &list->sector)) {
            task->refs++;
            return task;
        }
    }
    task_t *task = rd->running < rd->threads ? calloc(1, sizeof *task) : NULL;
    if (!task)
        return NULL;
    strncpy(task->root, root, sizeof task->root - 1);
    task->rd = rd;
    task->progress = slk_progress_new();
    task->manifest = *list;
    task->total = slk_manifest_bytes(list);
    task->refs = 2;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    bool started = task->progress && pthread_create(&thread, &attr, run, task) == 0;
    pthread_attr_destroy(&attr);
    if (!started) {
        slk_progress_free(task->progress);
        free(task);
        return NULL;
    }
    *list = (slk_manifest_t){0};
    task->next = rd->first;
    rd->first = task;
    rd->running++;
    return task;
}

static struct timespec in_ms(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Lock held. Takes the manifest of a task that is done, when nobody else waits for it. */
static slk_err_t take_result(slk_manifest_t *manifest, const task_t *task, slk_diag_t *diag)
{
    if (task->err != SLK_OK)
        return slk_fail(diag, task->err, "%s", task->diag.text);
    *manifest = task->manifest;
    manifest->files = malloc((manifest->cnt + 1) * sizeof *manifest->files);
    if (!manifest->files) {
        *manifest = (slk_manifest_t){0};
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a manifest");
    }
    memcpy(manifest->files, task->manifest.files, manifest->cnt * sizeof *manifest->files);
    return SLK_OK;
}

slk_err_t slk_remote_manifest(slk_manifest_t *manifest, uint64_t *done, uint64_t *total,
                              slk_remote_digests_t *rd, const char *root, slk_file_types_t type,
                              const slk_sector_id_t *sector, uint32_t wait_ms, slk_diag_t *diag)
{
    slk_dir_t dir = SLK_DIR_NONE, folder = SLK_DIR_NONE;
    slk_manifest_t list = {0};
    bool all = false;
    slk_err_t err;
    *manifest = list;
    *done = 0;
    SLK_TRY(slk_dir_open(&dir, root, diag));
    SLK_TRY(slk_dir_sub(&folder, &dir, slk_file_type_name(type), false, diag));
    SLK_TRY(slk_manifest_scan(&list, &folder, type, sector, diag));
    *total = slk_manifest_bytes(&list);
    SLK_TRY(fill(&list, rd->digests, root, false, &all, NULL, diag));
    if (all) {
        *manifest = list;
        list = (slk_manifest_t){0};
        goto out;
    }
    struct timespec end = in_ms(wait_ms);
    pthread_mutex_lock(&rd->lock);
    task_t *task = find_or_start(rd, root, &list);
    while (task && !task->done && pthread_cond_timedwait(&rd->changed, &rd->lock, &end) == 0)
        ;
    if (task && task->done) {
        err = take_result(manifest, task, diag);
    } else if (task) {
        slk_progress_view_t view;
        slk_progress_view(task->progress, &view);
        *done = view.done;
        *total = task->total;
    }
    if (task)
        give_back(task);
    pthread_mutex_unlock(&rd->lock);
out:
    slk_manifest_free(&list);
    slk_dir_close(&folder);
    slk_dir_close(&dir);
    return err;
}
