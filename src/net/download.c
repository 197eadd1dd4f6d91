#include "net/download.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/digest/file_digest.h"
#include "net/download_get.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define PARALLEL_MAX 64u
#define PAUSE_MAX    60.0
#define GAIN_MIN     (64u << 10) /* a round that brought less was idle */
#define PATH_SZ      4096u
#define WHY_SZ       400u

/* A mirror of one file, as far as it is known. */
typedef struct {
    bool out;         /* not to be asked again */
    char why[WHY_SZ]; /* its latest failure */
} mirror_t;

typedef struct {
    const slk_download_t *file;
    const slk_download_limits_t *limits;
    const slk_job_t *job;
    slk_diag_t *diag;
    char part[PATH_SZ];
    slk_get_file_t get;
    mirror_t *mirrors;
    slk_err_t last; /* class of the latest failure of a mirror */
} fetch_t;

/* --- The part ------------------------------------------------------------------------------- */

static slk_err_t part_path(char out[PATH_SZ], const char *path, slk_diag_t *diag)
{
    int len = snprintf(out, PATH_SZ, "%s.part", path);
    if (len < 0 || (size_t)len >= PATH_SZ)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    return SLK_OK;
}

static slk_err_t empty_part(fetch_t *fetch)
{
    slk_progress_add(slk_job_progress(fetch->job), (uint64_t)0 - fetch->get.have);
    fetch->get.have = 0;
    return ftruncate(fetch->get.fd, 0) ? slk_fail_errno(fetch->diag, "shorten", fetch->part)
                                       : SLK_OK;
}

static slk_err_t open_part(fetch_t *fetch)
{
    struct stat st;
    slk_err_t err = part_path(fetch->part, fetch->file->path, fetch->diag);
    if (err != SLK_OK)
        return err;
    fetch->get.fd = open(fetch->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fetch->get.fd < 0)
        return slk_fail_errno(fetch->diag, "create", fetch->part);
    if (fstat(fetch->get.fd, &st))
        return slk_fail_errno(fetch->diag, "stat", fetch->part);
    if (!S_ISREG(st.st_mode))
        return slk_fail(fetch->diag, SLK_ERR_INPUT, "%s: not a regular file", fetch->part);
    fetch->get.have = (uint64_t)st.st_size;
    return fetch->get.have > fetch->file->len ? empty_part(fetch) : SLK_OK;
}

/* The whole is there: is it the right one? */
static slk_err_t check_part(bool *right, fetch_t *fetch)
{
    uint8_t digest[SLK_FILE_DIGEST_SZ];
    const slk_job_t quiet = {.cancel = fetch->job ? fetch->job->cancel : NULL};
    slk_err_t err =
        slk_file_digest(digest, fetch->get.fd, fetch->get.have, fetch->part, &quiet, fetch->diag);
    *right = err == SLK_OK && memcmp(digest, fetch->file->digest, fetch->file->digest_sz) == 0;
    if (err == SLK_OK && !*right) {
        char want[2 * SLK_FILE_DIGEST_SZ + 1], got[2 * SLK_FILE_DIGEST_SZ + 1];
        slk_hex_encode(want, fetch->file->digest, fetch->file->digest_sz);
        slk_hex_encode(got, digest, fetch->file->digest_sz);
        slk_fail(fetch->diag, SLK_ERR_DIGEST, "sent bytes with digest %s, expected %s", got, want);
    }
    return err;
}

static slk_err_t name_part(const fetch_t *fetch)
{
    if (fsync(fetch->get.fd))
        return slk_fail_errno(fetch->diag, "sync", fetch->part);
    if (rename(fetch->part, fetch->file->path))
        return slk_fail_errno(fetch->diag, "rename into place", fetch->file->path);
    return slk_sync_parent(fetch->file->path, fetch->diag);
}

/* --- Mirrors -------------------------------------------------------------------------------- */

/* Ask one mirror. SLK_OK with *done or without; else an error of our own side. */
static slk_err_t ask(bool *done, fetch_t *fetch, size_t i)
{
    mirror_t *mirror = &fetch->mirrors[i];
    uint64_t from = fetch->get.have;
    bool right = false;
    slk_err_t err;
    fetch->get.len = fetch->file->len;
    slk_get_t got = from == fetch->file->len
                        ? SLK_GET_DONE
                        : slk_get_rest(&fetch->get, fetch->file->urls[i], &err, fetch->diag);
    if (got == SLK_GET_FAILED)
        return err;
    if (got == SLK_GET_DONE) {
        err = check_part(&right, fetch);
        if (err != SLK_OK)
            return err;
        if (right) {
            *done = true;
            return SLK_OK;
        }
        /* Whose bytes were wrong is certain only when they are all of one mirror. */
        if (from == 0)
            got = SLK_GET_REFUSED;
        err = empty_part(fetch);
        if (err != SLK_OK)
            return err;
        fetch->last = SLK_ERR_DIGEST;
        char shown[WHY_SZ], why[WHY_SZ];
        slk_url_show(shown, sizeof shown, fetch->file->urls[i]);
        snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, fetch->diag->text);
        slk_fail(fetch->diag, SLK_ERR_DIGEST, "%s: %s", shown, why);
    } else {
        fetch->last = err;
    }
    mirror->out = got == SLK_GET_REFUSED;
    snprintf(mirror->why, WHY_SZ, "%.*s", (int)WHY_SZ - 1, fetch->diag->text);
    return SLK_OK;
}

static slk_err_t give_up(fetch_t *fetch)
{
    char all[sizeof fetch->diag->text] = "";
    for (size_t i = 0; i < fetch->file->url_cnt; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? "; " : "", fetch->mirrors[i].why);
    }
    slk_err_t err = fetch->last == SLK_ERR_DIGEST || fetch->last == SLK_ERR_NOTFOUND ||
                            fetch->last == SLK_ERR_LENGTH || fetch->last == SLK_ERR_INPUT
                        ? fetch->last
                        : SLK_ERR_TIMEOUT;
    return slk_fail(fetch->diag, err, "%s: no mirror gave it: %s", fetch->file->path, all);
}

static slk_err_t pause_some(const fetch_t *fetch, double seconds)
{
    for (double end = slk_clock_seconds() + seconds; slk_clock_seconds() < end;) {
        if (slk_job_cancelled(fetch->job))
            return slk_fail(fetch->diag, SLK_ERR_CANCELLED, "%s: interrupted", fetch->file->path);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return SLK_OK;
}

/* Mirror after mirror, round after round, until the part is right. */
static slk_err_t ask_all(fetch_t *fetch)
{
    double pause = fetch->limits->pause_seconds;
    unsigned wrong = 0; /* digests */
    for (unsigned idle = 0; idle < fetch->limits->rounds;) {
        uint64_t before = fetch->get.have;
        bool done = false, any = false;
        for (size_t i = 0; i < fetch->file->url_cnt; i++) {
            if (fetch->mirrors[i].out)
                continue;
            slk_err_t err = ask(&done, fetch, i);
            if (err != SLK_OK || done)
                return err;
            wrong += fetch->last == SLK_ERR_DIGEST;
            any = any || !fetch->mirrors[i].out;
            if (fetch->last == SLK_ERR_DIGEST && !fetch->mirrors[i].out)
                i--; /* from its first byte on, now */
        }
        if (!any || wrong > fetch->limits->rounds + fetch->file->url_cnt)
            break;
        bool gained = fetch->get.have >= before + GAIN_MIN;
        idle = gained ? 0 : idle + 1;
        pause = gained ? fetch->limits->pause_seconds : pause;
        if (idle == fetch->limits->rounds)
            break;
        slk_err_t err = pause_some(fetch, pause);
        if (err != SLK_OK)
            return err;
        pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
    }
    return give_up(fetch);
}

static slk_err_t fetch_file(const slk_download_t *file, const slk_download_limits_t *limits,
                            const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    SLK_ASSERT(file->url_cnt && file->digest_sz >= 16 && file->digest_sz <= SLK_FILE_DIGEST_SZ);
    fetch_t fetch = {
        .file = file,
        .limits = limits,
        .job = job,
        .diag = diag,
        .get = {.fd = -1, .path = file->path, .stall_seconds = limits->stall_seconds, .job = job}};
    fetch.mirrors = calloc(file->url_cnt, sizeof *fetch.mirrors);
    if (!fetch.mirrors)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", file->path);
    SLK_TRY(open_part(&fetch));
    err = ask_all(&fetch);
    if (err == SLK_OK)
        err = name_part(&fetch);
    else if (!fetch.get.have)
        unlink(fetch.part);
out:
    if (fetch.get.fd >= 0)
        close(fetch.get.fd);
    free(fetch.mirrors);
    return err;
}

/* --- Many files ------------------------------------------------------------------------------ */

typedef struct {
    slk_download_outcome_t *outcomes;
    const slk_download_t *files;
    size_t cnt;
    slk_download_limits_t limits;
    const slk_job_t *job;
    atomic_size_t next;
} queue_t;

static void *work(void *ctx)
{
    queue_t *queue = ctx;
    for (size_t i; (i = atomic_fetch_add(&queue->next, 1)) < queue->cnt;)
        queue->outcomes[i].err =
            fetch_file(&queue->files[i], &queue->limits, queue->job, &queue->outcomes[i].diag);
    return NULL;
}

/* Bytes of some files together; those of unknown length count as far as they are there. */
typedef struct {
    uint64_t total, there;
    uint64_t held; /* on the disk, with what is reserved for the rest */
} sums_t;

static slk_err_t sum_up(sums_t *sums, const slk_download_t *files, size_t cnt, slk_diag_t *diag)
{
    *sums = (sums_t){0};
    for (size_t i = 0; i < cnt; i++) {
        char part[PATH_SZ];
        struct stat st = {0};
        slk_err_t err = part_path(part, files[i].path, diag);
        if (err != SLK_OK)
            return err;
        if (stat(part, &st) && errno != ENOENT)
            return slk_fail_errno(diag, "stat", part);
        uint64_t have = (uint64_t)st.st_size <= files[i].len ? (uint64_t)st.st_size : 0;
        uint64_t held = (uint64_t)st.st_blocks * 512, len = files[i].len;
        len = len == SLK_DOWNLOAD_ANY_LEN ? have : len;
        sums->total += len;
        sums->there += have;
        sums->held += held < have ? have : held < len ? held : len;
    }
    return SLK_OK;
}

static slk_err_t check_space(const char *path, uint64_t missing, slk_diag_t *diag)
{
    char dir[PATH_SZ];
    struct statvfs fs;
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 0;
    if (len >= (int)sizeof dir)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    snprintf(dir, sizeof dir, "%.*s", slash ? (len ? len : 1) : 1, slash ? path : ".");
    if (statvfs(dir, &fs))
        return slk_fail_errno(diag, "look at the free space of", dir);
    uint64_t space = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (missing > space)
        return slk_fail(diag, SLK_ERR_NOSPACE,
                        "%s: %" PRIu64 " bytes are to be fetched, but only %" PRIu64
                        " are free; make space or choose another folder",
                        dir, missing, space);
    return SLK_OK;
}

static void run(queue_t *queue)
{
    pthread_t threads[PARALLEL_MAX];
    unsigned want = queue->limits.parallel, begun = 0;
    if (want > queue->cnt)
        want = (unsigned)queue->cnt;
    while (begun + 1 < want && pthread_create(&threads[begun], NULL, work, queue) == 0)
        begun++;
    work(queue);
    for (unsigned i = 0; i < begun; i++)
        pthread_join(threads[i], NULL);
}

slk_err_t slk_download(slk_download_outcome_t *outcomes, const slk_download_t *files, size_t cnt,
                       const slk_download_limits_t *limits, const slk_job_t *job, slk_diag_t *diag)
{
    slk_download_limits_t use = limits ? *limits : (slk_download_limits_t){0};
    sums_t sums;
    use.parallel = use.parallel ? use.parallel : 3;
    use.parallel = use.parallel < PARALLEL_MAX ? use.parallel : PARALLEL_MAX;
    use.rounds = use.rounds ? use.rounds : 6;
    use.stall_seconds = use.stall_seconds > 0 ? use.stall_seconds : 60;
    use.pause_seconds = use.pause_seconds > 0 ? use.pause_seconds : 1;
    if (!cnt)
        return SLK_OK;
    slk_diag_t why = {""};
    slk_err_t err = sum_up(&sums, files, cnt, &why);
    if (err == SLK_OK)
        err = check_space(files[0].path, sums.total - sums.held, &why);
    for (size_t i = 0; i < cnt; i++)
        outcomes[i] = (slk_download_outcome_t){.err = err, .diag = why};
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    queue_t queue = {.outcomes = outcomes, .files = files, .cnt = cnt, .limits = use, .job = job};
    slk_progress_begin(slk_job_progress(job), "fetch", "B", sums.total, sums.there);
    run(&queue);
    slk_progress_end(slk_job_progress(job));
    for (size_t i = cnt; i-- > 0;) {
        if (outcomes[i].err != SLK_OK) {
            err = outcomes[i].err;
            if (diag)
                *diag = outcomes[i].diag;
        }
    }
    return err;
}
