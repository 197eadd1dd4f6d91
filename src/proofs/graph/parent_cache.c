#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/region.h"
#include "base/work.h"
#include "crypto/sha256/sha256.h"
#include "proofs/graph/graph_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WRITE_ROWS   UINT64_C(1024)      /* rows a thread computes before it writes them */
#define CHECK_CHUNK  (UINT64_C(4) << 20) /* bytes hashed between two looks at the cancel flag */
#define LOCK_POLL_MS 50

struct slk_parent_cache {
    slk_region_t map;
    uint64_t nodes;
};

/* --- Name and folder ------------------------------------------------------------------------- */

void slk_parent_cache_name(const slk_porep_t *porep, char out[96])
{
    char text[160];
    uint32_t drg_seed[7];
    uint64_t feistel_key[4];
    uint8_t nodes[4];
    slk_node_t digest;
    slk_sha256_t sha;

    SLK_ASSERT(porep->size->nodes <= UINT32_MAX);
    slk_graph_seeds(porep, drg_seed, feistel_key);
    slk_store_le32(nodes, (uint32_t)porep->size->nodes);
    int len =
        snprintf(text, sizeof text,
                 "poseidon_hasher"
                 "stacked_graph::StackedGraph{expansion_degree: 8 base_graph: "
                 "drgraph::BucketGraph{size: %" PRIu64 "; degree: 6; hasher: poseidon_hasher} }",
                 porep->size->nodes);
    SLK_ASSERT(len > 0 && (size_t)len < sizeof text);
    slk_sha256_init(&sha);
    slk_sha256_update(&sha, text, (size_t)len);
    slk_sha256_update(&sha, feistel_key, sizeof feistel_key);
    slk_sha256_update(&sha, nodes, sizeof nodes);
    slk_sha256_final(&sha, &digest);
    snprintf(out, 96, "v28-sdr-parent-%s.cache", slk_node_hex(&digest).s);
}

slk_err_t slk_parent_cache_dir(char *out, size_t cap, bool *chosen, slk_diag_t *diag)
{
    const char *own = getenv("FIL_PROOFS_PARENT_CACHE");
    const char *common = getenv("FIL_PROOFS_CACHE_DIR");
    const char *head = "/var/tmp/", *tail = "filecoin-parents";
    *chosen = true;
    if (own && *own) {
        head = own;
        tail = "";
    } else if (common && *common) {
        head = common; /* the reference puts no separator between */
    } else {
        *chosen = false;
    }
    int len = snprintf(out, cap, "%s%s", head, tail);
    if (len < 0 || (size_t)len >= cap)
        return slk_fail(
            diag, SLK_ERR_LENGTH,
            "the folder for parent caches has a path of %d bytes, at most %zu are possible; "
            "set FIL_PROOFS_PARENT_CACHE to a shorter one",
            len, cap ? cap - 1 : 0);
    return SLK_OK;
}

/* --- Checking -------------------------------------------------------------------------------- */

/* What one open works on. */
typedef struct {
    const slk_graph_t *graph;
    const slk_job_t *job;
    char path[4096];
    uint64_t len;
    slk_node_t known; /* the digest a good file has */
} task_t;

static slk_progress_t *progress_of(const task_t *task)
{
    return slk_job_progress(task->job);
}

/* Map a file of the right length and compare its digest. fresh: we have just made it. */
static slk_err_t map_checked(slk_parent_cache_t *cache, const task_t *task, int fd, bool fresh,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_sha256_t sha;
    slk_node_t found;
    SLK_TRY(slk_region_file(&cache->map, fd, task->len, false, task->path, diag));
    madvise(cache->map.ptr, cache->map.mapped, MADV_SEQUENTIAL); /* PC1 reads it in order, too */
    slk_progress_begin(progress_of(task), "checking parent cache", "B", task->len, 0);
    slk_sha256_init(&sha);
    for (uint64_t at = 0; at < task->len;) {
        uint64_t left = task->len - at, take = left < CHECK_CHUNK ? left : CHECK_CHUNK;
        if (slk_job_cancelled(task->job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        slk_sha256_update(&sha, cache->map.ptr + at, take);
        slk_progress_add(progress_of(task), take);
        at += take;
    }
    slk_progress_end(progress_of(task));
    slk_sha256_final(&sha, &found);
    if (!slk_node_eq(&found, &task->known))
        err = slk_fail(
            diag, SLK_ERR_DIGEST, "%s: the parent cache has SHA-256 %s, expected %s; %s",
            task->path, slk_node_hex(&found).s, slk_node_hex(&task->known).s,
            fresh ? "it was just made and read back wrong: test memory and disk of this machine"
                  : "it is damaged, or another program has not finished it yet: if none is at "
                    "work on it, delete it and run again");
out:
    if (err != SLK_OK)
        slk_region_free(&cache->map);
    return err;
}

static slk_err_t open_existing(slk_parent_cache_t *cache, const task_t *task, bool *found,
                               slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    struct stat st;
    *found = false;
    int fd = open(task->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return SLK_OK;
    if (fd < 0)
        return slk_fail_errno(diag, "open parent cache", task->path);
    if (fstat(fd, &st))
        err = slk_fail_errno(diag, "stat", task->path);
    else if (!S_ISREG(st.st_mode))
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: the parent cache is not a regular file; remove it",
                       task->path);
    else if ((uint64_t)st.st_size != task->len)
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: the parent cache has %" PRIu64 " bytes, expected %" PRIu64
                       "; it is cut off or of another graph: delete it and run again",
                       task->path, (uint64_t)st.st_size, task->len);
    else
        err = map_checked(cache, task, fd, false, diag);
    close(fd);
    *found = err == SLK_OK;
    return err;
}

/* --- Creating -------------------------------------------------------------------------------- */

/* Creators of one file take turns by a lock on its temporary file, which has a fixed name: one that
 * was killed leaves no lock, and its file is used again by the next. Whoever gets the lock must
 * look whether the name still leads to the file that was locked, and whether the cache has appeared
 * meanwhile. */
typedef struct {
    slk_new_file_t file;
    int lock; /* a duplicate of file.fd: holds the lock until the file has its final name */
} claim_t;

#define CLAIM_INIT                                                                                 \
    {                                                                                              \
        .file = SLK_NEW_FILE_INIT, .lock = -1                                                      \
    }

static bool leads_to(const char *path, int fd)
{
    struct stat named, opened;
    return stat(path, &named) == 0 && fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

static slk_err_t wait_for_lock(int fd, const char *path, const task_t *task, slk_diag_t *diag)
{
    bool waited = false;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return slk_fail_errno(diag, "lock", path);
        if (slk_job_cancelled(task->job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        if (!waited)
            slk_progress_begin(progress_of(task), "parent cache: another process makes it", "B", 0,
                               0);
        waited = true;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
    }
    if (waited)
        slk_progress_end(progress_of(task));
    return SLK_OK;
}

static void release(claim_t *claim)
{
    slk_new_file_abort(&claim->file);
    if (claim->lock >= 0)
        close(claim->lock);
    claim->lock = -1;
}

/* Get the right to make the cache, or find it made: *present. */
static slk_err_t acquire(claim_t *claim, const task_t *task, bool *present, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_new_file_t *file = &claim->file;
    *present = false;
    file->path = task->path;
    snprintf(file->tmp, sizeof file->tmp, "%s.selkie-tmp", task->path);
    for (;;) {
        int fd = open(file->tmp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return slk_fail_errno(diag, "create", file->tmp);
        err = wait_for_lock(fd, file->tmp, task, diag);
        if (err == SLK_OK && leads_to(file->tmp, fd)) {
            file->fd = fd; /* ours now: release() removes it */
            break;
        }
        close(fd);
        if (err != SLK_OK)
            return err;
    }
    claim->lock = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    if (claim->lock < 0)
        return slk_fail_errno(diag, "lock", file->tmp);
    uint64_t len;
    return slk_file_len(present, &len, task->path, diag);
}

/* Empty the file and give it its length and blocks, so that a full disk is noticed before the work.
 */
static slk_err_t reserve(const claim_t *claim, const task_t *task, slk_diag_t *diag)
{
    char doing[64];
    int rc;
    if (ftruncate(claim->file.fd, 0))
        return slk_fail_errno(diag, "empty", claim->file.tmp);
    do
        rc = posix_fallocate(claim->file.fd, 0, (off_t)task->len);
    while (rc == EINTR && !slk_job_cancelled(task->job));
    if (!rc)
        return SLK_OK;
    if (rc == EINTR)
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    snprintf(doing, sizeof doing, "reserve %" PRIu64 " bytes for", task->len);
    errno = rc;
    return slk_fail_errno(diag, doing, task->path);
}

typedef struct {
    const task_t *task;
    const slk_new_file_t *file;
    slk_work_t work;
} fill_t;

static void fill_rows(void *ctx, uint64_t begin, uint64_t end)
{
    fill_t *fill = ctx;
    uint32_t rows[WRITE_ROWS][SLK_PARENT_CNT];
    slk_diag_t diag;
    if (slk_work_stopped(&fill->work))
        return;
    slk_graph_parents(fill->task->graph, begin, end - begin, rows);
    slk_err_t err = slk_pwrite_all(fill->file->fd, rows, (end - begin) * SLK_PARENT_ROW_SZ,
                                   begin * SLK_PARENT_ROW_SZ, fill->file->tmp, &diag);
    if (err != SLK_OK)
        slk_work_fail(&fill->work, err, &diag);
    slk_progress_add(progress_of(fill->task), (end - begin) * SLK_PARENT_ROW_SZ);
}

static slk_err_t create(slk_parent_cache_t *cache, const task_t *task, bool *present,
                        slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    claim_t claim = CLAIM_INIT;
    fill_t fill = {.task = task, .file = &claim.file};
    SLK_TRY(acquire(&claim, task, present, diag));
    if (*present)
        goto out;
    SLK_TRY(reserve(&claim, task, diag));
    slk_progress_begin(progress_of(task), "parent cache", "B", task->len, 0);
    slk_work_init(&fill.work, task->job);
    slk_pool_for(slk_job_pool(task->job), cache->nodes, WRITE_ROWS, fill_rows, &fill);
    SLK_TRY(slk_work_finish(&fill.work, diag));
    slk_progress_end(progress_of(task));
    SLK_TRY(map_checked(cache, task, claim.file.fd, true, diag));
    SLK_TRY(slk_new_file_commit(&claim.file, diag));
out:
    release(&claim);
    return err;
}

/* The cache is there: a temporary file that nobody holds is the left-over of a killed creator. */
static void sweep(const task_t *task)
{
    char tmp[sizeof task->path + 64];
    snprintf(tmp, sizeof tmp, "%s.selkie-tmp", task->path);
    int fd = open(tmp, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && leads_to(tmp, fd))
        unlink(tmp);
    close(fd);
}

/* --- Opening --------------------------------------------------------------------------------- */

static slk_err_t open_or_create(slk_parent_cache_t *cache, const task_t *task,
                                slk_parent_cache_mode_t mode, bool *found, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (;;) {
        SLK_TRY(open_existing(cache, task, found, diag));
        if (*found) {
            if (mode == SLK_PARENT_CACHE_CREATE)
                sweep(task);
            break;
        }
        if (mode != SLK_PARENT_CACHE_CREATE)
            break;
        bool present;
        SLK_TRY(create(cache, task, &present, diag));
        if (!present) {
            *found = true;
            break;
        }
    }
out:
    return err;
}

static slk_err_t task_init(task_t *task, const char *dir, const slk_graph_t *graph,
                           slk_parent_cache_mode_t mode, const slk_job_t *job, bool *known,
                           slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    char name[96];
    task->graph = graph;
    task->job = job;
    task->len = graph->porep.size->nodes * SLK_PARENT_ROW_SZ;
    slk_parent_cache_name(&graph->porep, name);
    SLK_TRY(slk_path_join(task->path, sizeof task->path, dir, name, diag));
    *known = slk_parent_digest(&task->known, &graph->porep);
    if (*known && mode == SLK_PARENT_CACHE_CREATE)
        SLK_TRY(slk_make_dirs(dir, diag));
out:
    return err;
}

static slk_err_t no_digest(const task_t *task, slk_parent_cache_mode_t mode, slk_diag_t *diag)
{
    if (mode == SLK_PARENT_CACHE_IF_PRESENT && access(task->path, F_OK) && errno == ENOENT)
        return SLK_OK;
    return slk_fail(
        diag, SLK_ERR_UNSUPPORTED,
        "%s: no digest is known for the parent cache of this graph, so that it can be neither "
        "checked nor made; run without a parent cache",
        task->path);
}

slk_err_t slk_parent_cache_open(slk_parent_cache_t **out, const char *dir, const slk_graph_t *graph,
                                slk_parent_cache_mode_t mode, const slk_job_t *job,
                                slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_parent_cache_t *cache = NULL;
    task_t *task = malloc(sizeof *task);
    bool known, found;
    *out = NULL;
    if (!task || !(cache = calloc(1, sizeof *cache))) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory to open a parent cache");
        goto out;
    }
    cache->nodes = graph->porep.size->nodes;
    SLK_TRY(task_init(task, dir, graph, mode, job, &known, diag));
    if (!known) {
        err = no_digest(task, mode, diag);
        goto out;
    }
    SLK_TRY(open_or_create(cache, task, mode, &found, diag));
    if (found) {
        *out = cache;
        cache = NULL;
    }
out:
    slk_parent_cache_close(cache);
    free(task);
    return err;
}

void slk_parent_cache_close(slk_parent_cache_t *cache)
{
    if (!cache)
        return;
    slk_region_free(&cache->map);
    free(cache);
}

const uint32_t (*slk_parent_cache_rows(const slk_parent_cache_t *cache,
                                       uint64_t first))[SLK_PARENT_CNT]
{
    SLK_ASSERT(first <= cache->nodes);
    return (const uint32_t(*)[SLK_PARENT_CNT])cache->map.ptr + first;
}
