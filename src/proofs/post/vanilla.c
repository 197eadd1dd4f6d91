/* Vanilla proofs of many sectors, some of whose disks may be dead.
 *
 * The caller's thread watches a clock; workers, detached threads, read. Everything that a worker
 * touches belongs to the run, which lives until the caller and all workers have left it. A worker
 * takes tasks (open a sector, prove one leaf, close a sector's files) until there is none for it.
 * Around each system call it notes path and time; the caller looks at these notes:
 *
 *   after slow_seconds   the worker no longer counts as active, another may take its place
 *   after read_seconds   its sector fails, and perhaps the folder (give_up_folder)
 *
 * All of run_t is guarded by its lock but where said. No lock is held during a system call on a
 * sector's file. */

#include "proofs/post/sector_reader.h"

#include "base/assert.h"
#include "base/file.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READERS_DEFAULT 16u
#define READERS_MAX     256u
#define WORKERS_MAX     1024u /* those that disks hold included */
#define FOLDER_SLOW_MIN 4u    /* workers that may wait for one folder, with few readers */
#define READ_SECONDS    60.0
#define SECTOR_SECONDS  300.0
#define SLOW_SECONDS    1.0
#define TICK_SECONDS    0.05
#define STILL_SECONDS   0.3 /* between two looks at the clock: the process was stopped or starved */
#define STACK_SZ        (512u * 1024u)

/* Sectors whose sealed files lie in one folder: most probably on one disk. */
typedef struct {
    char *path;
    unsigned slow;        /* workers that wait for it and are not given up */
    double last_finished; /* when a sector of it was done */
} folder_t;

typedef enum { QUEUED, OPENING, OPEN, CLOSED } state_t; /* CLOSED: the outcome is known */

typedef struct {
    uint64_t number;
    slk_node_t comm_r;
    char *cache, *sealed;
    uint64_t *leaves;
    uint32_t leaf_cnt;
    folder_t *folder;
    state_t state;
    uint32_t users;      /* workers with a task of it */
    uint32_t next, done; /* leaves begun and proven */
    double started, ended;
    slk_sector_reader_t reader; /* written by the opener alone, read by others once OPEN */
    uint8_t *proof;             /* written by workers without the lock, each its own path */
    slk_err_t err;
    char *why;
} sector_t;

typedef struct run run_t;

typedef struct worker {
    struct worker *next;
    run_t *run;
    sector_t *sector; /* of the present task */
    const char *path; /* of the present system call; NULL: none */
    double since;     /* its beginning */
    bool slow, lost;  /* past slow_seconds, past read_seconds */
} worker_t;

struct run {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the caller: something changed */
    unsigned refs;       /* workers, and the caller */
    const slk_size_t *size;
    size_t path_sz;
    size_t cnt, open_cnt; /* sectors; those without an outcome */
    size_t head, tail;    /* before head all are CLOSED, from tail on all QUEUED or CLOSED */
    size_t to_close;      /* sectors whose files nobody uses any more */
    sector_t *sectors;
    folder_t *folders;
    size_t folder_cnt;
    unsigned readers, active, worker_cnt; /* active: workers that are not slow */
    double read_seconds, sector_seconds, slow_seconds;
    worker_t *workers;
    unsigned stuck; /* workers whose read was given up */
    bool no_thread; /* the system gave us none */
};

static atomic_uint held;
static _Thread_local worker_t *self;

unsigned slk_post_held(void)
{
    return atomic_load_explicit(&held, memory_order_acquire);
}

/* --- Outcomes ------------------------------------------------------------------------------- */

/* Whether files of a closed sector can be closed now. */
static bool is_left(const sector_t *s)
{
    return s->state == CLOSED && !s->users && s->reader.files;
}

static void close_sector(run_t *run, sector_t *s, slk_err_t err, const char *why)
{
    if (s->state == CLOSED)
        return;
    s->err = err;
    s->why = err == SLK_OK ? NULL : strdup(why);
    s->ended = slk_clock_seconds();
    s->state = CLOSED;
    if (err == SLK_OK)
        s->folder->last_finished = s->ended;
    run->open_cnt--;
    run->to_close += is_left(s);
    while (run->head < run->cnt && run->sectors[run->head].state == CLOSED)
        run->head++;
    pthread_cond_signal(&run->wake);
}

SLK_PRINTF(4, 5)
static void close_sector_saying(run_t *run, sector_t *s, slk_err_t err, const char *fmt, ...)
{
    slk_diag_t diag;
    va_list args;
    va_start(args, fmt);
    vsnprintf(diag.text, sizeof diag.text, fmt, args);
    va_end(args);
    close_sector(run, s, err, diag.text);
}

static void close_all(run_t *run, slk_err_t err, const char *why)
{
    for (size_t i = run->head; i < run->cnt; i++)
        close_sector(run, &run->sectors[i], err, why);
}

static void run_free(run_t *run)
{
    for (size_t i = 0; run->sectors && i < run->cnt; i++) {
        sector_t *s = &run->sectors[i];
        slk_sector_reader_close(&s->reader);
        free(s->cache);
        free(s->sealed);
        free(s->leaves);
        free(s->proof);
        free(s->why);
    }
    for (size_t i = 0; i < run->folder_cnt; i++)
        free(run->folders[i].path);
    free(run->folders);
    free(run->sectors);
    pthread_cond_destroy(&run->wake);
    pthread_mutex_destroy(&run->lock);
    free(run);
}

/* Unlocks; frees the run when nobody is left in it. */
static void run_leave(run_t *run)
{
    bool last = --run->refs == 0;
    pthread_cond_signal(&run->wake);
    pthread_mutex_unlock(&run->lock);
    if (last)
        run_free(run);
}

/* --- Workers -------------------------------------------------------------------------------- */

static slk_err_t io_before(const char *path, slk_diag_t *diag)
{
    worker_t *w = self;
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&w->run->lock);
    if (w->sector->state == CLOSED) {
        err = slk_fail(diag, SLK_ERR_CANCELLED, "%s: not read any more", path);
    } else {
        w->path = path;
        w->since = slk_clock_seconds();
    }
    pthread_mutex_unlock(&w->run->lock);
    return err;
}

static void io_done(worker_t *w)
{
    w->path = NULL;
    w->run->active += w->slow;
    w->sector->folder->slow -= w->slow && !w->lost;
    w->run->stuck -= w->lost;
    w->slow = w->lost = false;
}

static void io_after(void)
{
    pthread_mutex_lock(&self->run->lock);
    io_done(self);
    pthread_mutex_unlock(&self->run->lock);
}

static const slk_io_watch_t watch = {io_before, io_after};

typedef enum { TASK_OPEN, TASK_LEAF, TASK_CLOSE } task_t;

/* The next task for anybody; leaves of begun sectors come before new sectors. NULL: there is none
 * now. */
static sector_t *find_task(run_t *run, task_t *task)
{
    for (size_t i = 0; run->to_close && i < run->cnt; i++) {
        if (is_left(&run->sectors[i])) {
            *task = TASK_CLOSE;
            return &run->sectors[i];
        }
    }
    unsigned slow_max = run->readers > FOLDER_SLOW_MIN ? run->readers : FOLDER_SLOW_MIN;
    sector_t *fresh = NULL;
    for (size_t i = run->head; i < run->cnt; i++) {
        sector_t *s = &run->sectors[i];
        if (s->state == OPEN && s->next < s->leaf_cnt && s->folder->slow < slow_max) {
            *task = TASK_LEAF;
            return s;
        }
        if (!fresh && s->state == QUEUED && s->folder->slow < slow_max)
            fresh = s;
        if (fresh && i >= run->tail)
            break;
    }
    *task = TASK_OPEN;
    return fresh;
}

static slk_err_t open_task(run_t *run, sector_t *s, slk_diag_t *diag)
{
    slk_vanilla_layout_t lay;
    size_t len = slk_post_vanilla_sz(run->size, s->leaf_cnt);
    uint8_t *proof = malloc(len);
    if (!proof)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a vanilla proof of %zu bytes", len);
    slk_sector_reader_t reader;
    slk_err_t err =
        slk_sector_reader_open(&reader, run->size, s->cache, s->sealed, &s->comm_r, &watch, diag);
    if (err != SLK_OK) {
        free(proof);
        return err;
    }
    slk_post_layout(&lay, run->size);
    slk_post_head_write(proof, &lay, s->number, s->leaf_cnt, &s->comm_r, &reader.comm_c,
                        &reader.comm_r_last);
    pthread_mutex_lock(&run->lock);
    s->reader = reader;
    s->proof = proof;
    if (s->state == OPENING)
        s->state = OPEN;
    pthread_cond_signal(&run->wake);
    pthread_mutex_unlock(&run->lock);
    return SLK_OK;
}

/* Run a task of w->sector; called and left with the lock held. */
static void run_task(worker_t *w, task_t task)
{
    run_t *run = w->run;
    sector_t *s = w->sector;
    slk_diag_t diag;
    slk_err_t err = SLK_OK;
    uint32_t leaf = s->next;
    if (task == TASK_CLOSE) {
        slk_sector_reader_t reader = s->reader;
        s->reader.files = NULL;
        run->to_close--;
        w->path = s->sealed;
        w->since = slk_clock_seconds();
        pthread_mutex_unlock(&run->lock);
        slk_sector_reader_close(&reader);
        pthread_mutex_lock(&run->lock);
        io_done(w);
        return;
    }
    s->users++;
    if (task == TASK_OPEN) {
        s->state = OPENING;
        s->started = slk_clock_seconds();
        size_t behind = (size_t)(s - run->sectors) + 1;
        run->tail = behind > run->tail ? behind : run->tail;
    } else {
        s->next++;
    }
    pthread_mutex_unlock(&run->lock);
    if (task == TASK_OPEN)
        err = open_task(run, s, &diag);
    else
        err = slk_sector_reader_path(s->proof + SLK_POST_HEAD_SZ + leaf * run->path_sz, &s->reader,
                                     s->leaves[leaf], &diag);
    pthread_mutex_lock(&run->lock);
    s->users--;
    run->to_close += is_left(s);
    if (err != SLK_OK)
        close_sector(run, s, err, diag.text);
    else if (task == TASK_LEAF && ++s->done == s->leaf_cnt)
        close_sector(run, s, SLK_OK, NULL);
}

static void *worker_main(void *arg)
{
    worker_t *w = self = arg;
    run_t *run = w->run;
    task_t task;
    pthread_mutex_lock(&run->lock);
    /* More than `readers` are active when a slow one came back: it leaves. */
    while (run->active <= run->readers && (w->sector = find_task(run, &task)))
        run_task(w, task);
    worker_t **at = &run->workers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free(w);
    run->active--;
    run->worker_cnt--;
    run_leave(run);
    atomic_fetch_sub_explicit(&held, 1, memory_order_release);
    return NULL;
}

static bool worker_start(run_t *run)
{
    pthread_t id;
    pthread_attr_t attr;
    worker_t *w = calloc(1, sizeof *w);
    if (!w)
        return false;
    w->run = run;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_SZ);
    atomic_fetch_add_explicit(&held, 1, memory_order_relaxed);
    int failed = pthread_create(&id, &attr, worker_main, w); /* waits for the lock, which we hold */
    pthread_attr_destroy(&attr);
    if (failed) {
        atomic_fetch_sub_explicit(&held, 1, memory_order_relaxed);
        free(w);
        return false;
    }
    w->next = run->workers;
    run->workers = w;
    run->refs++;
    run->active++;
    run->worker_cnt++;
    return true;
}

/* --- The caller's thread -------------------------------------------------------------------- */

/* A read below this folder, begun at `since`, was not answered. If no sector there was finished
 * meanwhile, the disk is taken for dead: each of its other sectors would cost the same time. */
static void give_up_folder(run_t *run, folder_t *folder, double since)
{
    if (folder->last_finished >= since)
        return;
    for (size_t i = run->head; i < run->cnt; i++) {
        sector_t *s = &run->sectors[i];
        if (s->state == QUEUED && s->folder == folder)
            close_sector_saying(
                run, s, SLK_ERR_TIMEOUT,
                "%s: not tried; reads of other sectors of %s got no answer for %g s, "
                "and none was finished meanwhile: check the disk",
                s->sealed, folder->path, run->read_seconds);
    }
}

static void look_at_workers(run_t *run, double now)
{
    for (worker_t *w = run->workers; w; w = w->next) {
        if (!w->path)
            continue;
        if (!w->slow && now - w->since >= run->slow_seconds) {
            w->slow = true;
            run->active--;
            w->sector->folder->slow++;
        }
        if (w->slow && !w->lost && now - w->since >= run->read_seconds) {
            w->lost = true;
            run->stuck++;
            w->sector->folder->slow--;
            close_sector_saying(
                run, w->sector, SLK_ERR_TIMEOUT,
                "%s: no answer for %g s; the disk or the server that holds it does not respond",
                w->path, run->read_seconds);
            give_up_folder(run, w->sector->folder, w->since);
        }
    }
}

static void look_at_sectors(run_t *run, double now)
{
    for (size_t i = run->head; i < run->tail; i++) {
        sector_t *s = &run->sectors[i];
        if ((s->state == OPENING || s->state == OPEN) && now - s->started >= run->sector_seconds)
            close_sector_saying(run, s, SLK_ERR_TIMEOUT,
                                "%s: %" PRIu32 " of %" PRIu32
                                " leaves proven in %g s, the limit for a sector; "
                                "the disk is too slow or does not respond",
                                s->sealed, s->done, s->leaf_cnt, run->sector_seconds);
    }
}

/* Time in which the whole process stood still, or got no CPU, says nothing about disks. */
static void forgive(run_t *run, double seconds)
{
    for (worker_t *w = run->workers; w; w = w->next)
        w->since += seconds;
    for (size_t i = run->head; i < run->tail; i++) {
        sector_t *s = &run->sectors[i];
        if (s->state == OPENING || s->state == OPEN)
            s->started += seconds;
    }
}

static void start_workers(run_t *run)
{
    task_t task;
    unsigned pending = 0; /* started here: they have not taken their tasks yet */
    size_t useful = run->to_close + (run->cnt - run->tail);
    for (size_t i = run->head; i < run->tail && useful < run->readers; i++) {
        const sector_t *s = &run->sectors[i];
        useful += s->state == OPEN ? s->leaf_cnt - s->next : s->state == QUEUED;
    }
    while (run->active < run->readers && run->worker_cnt < WORKERS_MAX && pending < useful &&
           find_task(run, &task)) {
        if (!worker_start(run)) {
            run->no_thread = true;
            break;
        }
        run->no_thread = false;
        pending++;
    }
    if (run->active || !run->open_cnt)
        return;
    if (run->no_thread)
        close_all(run, SLK_ERR_NOMEM, "the system gives no more threads to read sectors with");
    else if (run->worker_cnt >= WORKERS_MAX && run->stuck == run->worker_cnt)
        close_all(run, SLK_ERR_TIMEOUT,
                  "not tried; too many reads of other sectors get no answer: check the disks");
}

/* Whether nothing is left to wait for: all outcomes known, and no worker that is not held by a
 * disk. */
static bool is_over(const run_t *run)
{
    return !run->open_cnt && !run->active && (!run->to_close || run->no_thread);
}

static void watch_run(run_t *run, const slk_post_limits_t *limits, const slk_job_t *job)
{
    double begun = slk_clock_seconds(), last = begun;
    slk_progress_t *progress = slk_job_progress(job);
    size_t shown = 0;
    slk_progress_begin(progress, "vanilla proofs", "sectors", run->cnt, 0);
    for (;;) {
        double now = slk_clock_seconds();
        if (now - last > STILL_SECONDS)
            forgive(run, now - last);
        last = now;
        look_at_workers(run, now);
        look_at_sectors(run, now);
        if (run->open_cnt && slk_job_cancelled(job))
            close_all(run, SLK_ERR_CANCELLED, "interrupted before its vanilla proof was finished");
        if (limits->total_seconds > 0 && now - begun >= limits->total_seconds)
            close_all(run, SLK_ERR_TIMEOUT, "not finished within the time for all sectors");
        start_workers(run);
        slk_progress_add(progress, run->cnt - run->open_cnt - shown);
        shown = run->cnt - run->open_cnt;
        if (is_over(run))
            break;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(TICK_SECONDS * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&run->wake, &run->lock, &until);
    }
    slk_progress_end(progress);
}

/* --- Beginning and end ---------------------------------------------------------------------- */

/* The folder of a sealed file; equal ones lie in one array, found by comparing. */
static folder_t *folder_of(run_t *run, const char *sealed)
{
    const char *slash = strrchr(sealed, '/');
    size_t len = slash ? (size_t)(slash - sealed) : 0;
    for (size_t i = run->folder_cnt; i-- > 0;) {
        if (strlen(run->folders[i].path) == len && memcmp(run->folders[i].path, sealed, len) == 0)
            return &run->folders[i];
    }
    folder_t *folder = &run->folders[run->folder_cnt];
    folder->path = strndup(sealed, len);
    folder->last_finished = -1;
    if (!folder->path)
        return NULL;
    run->folder_cnt++;
    return folder;
}

static bool sector_init(run_t *run, sector_t *s, const slk_post_replica_t *replica)
{
    SLK_ASSERT(replica->leaf_cnt >= 1 && replica->leaf_cnt <= SLK_POST_CHALLENGES_MAX);
    s->number = replica->sector;
    s->comm_r = replica->comm_r;
    s->cache = strdup(replica->cache);
    s->sealed = strdup(replica->sealed);
    s->leaves = calloc(replica->leaf_cnt, sizeof *s->leaves);
    s->leaf_cnt = replica->leaf_cnt;
    s->folder = folder_of(run, replica->sealed);
    if (!s->cache || !s->sealed || !s->leaves || !s->folder)
        return false;
    memcpy(s->leaves, replica->leaves, replica->leaf_cnt * sizeof *s->leaves);
    return true;
}

static double or_default(double value, double preset)
{
    return value > 0 ? value : preset;
}

static run_t *run_new(const slk_size_t *size, const slk_post_replica_t *replicas, size_t cnt,
                      const slk_post_limits_t *limits)
{
    slk_vanilla_layout_t lay;
    pthread_condattr_t attr;
    run_t *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    slk_post_layout(&lay, size);
    pthread_mutex_init(&run->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&run->wake, &attr);
    pthread_condattr_destroy(&attr);
    run->refs = 1;
    run->size = size;
    run->path_sz = slk_post_path_sz(&lay);
    run->cnt = run->open_cnt = cnt;
    run->readers = limits->readers ? limits->readers : READERS_DEFAULT;
    run->readers = run->readers > READERS_MAX ? READERS_MAX : run->readers;
    run->read_seconds = or_default(limits->read_seconds, READ_SECONDS);
    run->sector_seconds = or_default(limits->sector_seconds, SECTOR_SECONDS);
    run->slow_seconds = fmin(SLOW_SECONDS, run->read_seconds / 4);
    run->sectors = calloc(cnt, sizeof *run->sectors);
    run->folders = calloc(cnt, sizeof *run->folders);
    bool good = run->sectors && run->folders;
    for (size_t i = 0; good && i < cnt; i++)
        good = sector_init(run, &run->sectors[i], &replicas[i]);
    if (good)
        return run;
    run_free(run);
    return NULL;
}

/* Hand the outcomes over. A proof in which an abandoned worker may still write stays with the run.
 */
static void take_outcomes(slk_post_outcome_t *outcomes, run_t *run)
{
    for (size_t i = 0; i < run->cnt; i++) {
        sector_t *s = &run->sectors[i];
        outcomes[i] = (slk_post_outcome_t){
            .err = s->err, .why = s->why, .seconds = s->started > 0 ? s->ended - s->started : 0};
        s->why = NULL;
        if (s->err != SLK_OK)
            continue;
        SLK_ASSERT(!s->users);
        outcomes[i].proof = s->proof;
        outcomes[i].len = slk_post_vanilla_sz(run->size, s->leaf_cnt);
        s->proof = NULL;
    }
}

slk_err_t slk_post_vanilla(slk_post_outcome_t *outcomes, const slk_post_t *post,
                           const slk_post_replica_t *replicas, size_t cnt,
                           const slk_post_limits_t *limits, const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_post_limits_t presets;
    if (!limits)
        limits = &presets;
    memset(outcomes, 0, cnt * sizeof *outcomes);
    if (!cnt)
        return SLK_OK;
    run_t *run = run_new(post->size, replicas, cnt, limits);
    if (!run) {
        for (size_t i = 0; i < cnt; i++)
            outcomes[i].err = SLK_ERR_NOMEM;
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to read %zu sectors", cnt);
    }
    pthread_mutex_lock(&run->lock);
    watch_run(run, limits, job);
    take_outcomes(outcomes, run);
    run_leave(run);
    if (slk_job_cancelled(job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted while making vanilla proofs");
    return SLK_OK;
}

void slk_post_outcomes_fini(slk_post_outcome_t *outcomes, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        free(outcomes[i].why);
        free(outcomes[i].proof);
        outcomes[i] = (slk_post_outcome_t){0};
    }
}
