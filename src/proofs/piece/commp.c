/* CommP of a stream. The data passes in chunks; all threads pad and hash the tasks of one chunk
 * while the calling thread, as the first thing it does in that loop, hands the chunk before to the
 * sink and reads the one behind. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"
#include "proofs/piece/subtree.h"
#include "selkie/fr32.h"
#include "selkie/piece.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A task fits into the second-level cache; a chunk has a few tasks for each thread. */
#define TASK_LEVEL  12u
#define TASK_NODES  ((size_t)1 << TASK_LEVEL)
#define TASK_PADDED (TASK_NODES * SLK_NODE_SZ)
#define TASK_RAW    (TASK_PADDED / 128 * 127)
#define TASKS_MIN   8u
#define TASKS_MAX   128u

typedef struct {
    slk_read_fn_t *read;
    void *read_ctx;
    slk_write_fn_t *sink;
    void *sink_ctx;
    const slk_job_t *job;
    slk_diag_t *diag;
    const char *name; /* of the data, in messages */
    uint64_t limit;   /* bytes of data that fit */
    uint64_t padded;  /* of the piece; 0 while it is not known */

    uint64_t raw;         /* bytes of data read */
    bool end;             /* there are no more */
    uint64_t done, total; /* progress; total 0: unknown */

    /* Chunks 0, 2, 4 ... are in place 0, the others in place 1. */
    size_t tasks; /* of a full chunk */
    uint8_t *memory;
    uint8_t *data[2];
    size_t data_len[2];
    uint8_t *leaves[2]; /* padded; both the same when there is no sink */
    slk_node_t *rows;   /* TASK_NODES / 2 for each task */
    slk_node_t *roots;  /* one for each task, and one */

    /* The present loop. The last two belong to the caller's thread. */
    unsigned place;
    unsigned task_level; /* of the trees over one task: lower in a piece smaller than that */
    pthread_t caller;
    bool moved;
    slk_err_t move_err;
} commp_t;

static slk_err_t check_cancel(const commp_t *c)
{
    if (!slk_job_cancelled(c->job))
        return SLK_OK;
    return slk_fail(c->diag, SLK_ERR_CANCELLED, "%s: CommP interrupted after %" PRIu64 " bytes",
                    c->name, c->raw);
}

static void count(commp_t *c, uint64_t bytes)
{
    c->done += bytes;
    if (c->job)
        slk_progress_add(c->job->progress, bytes);
}

static slk_err_t too_long(commp_t *c)
{
    return slk_fail(c->diag, SLK_ERR_LENGTH,
                    "%s: more than the %" PRIu64 " bytes of data that fit into a piece of %" PRIu64
                    " padded bytes; %s",
                    c->name, c->limit, slk_fr32_padded(c->limit),
                    c->limit < slk_fr32_unpadded(SLK_PIECE_MAX_PADDED)
                        ? "choose a larger piece size"
                        : "that is the largest piece: split the data");
}

/* Fill a place from the reader, completely unless the data ends. */
static slk_err_t fill(commp_t *c, unsigned place)
{
    size_t cap = c->tasks * TASK_RAW, len = 0;
    slk_err_t err = SLK_OK;
    while (!c->end && len < cap) {
        SLK_TRY(check_cancel(c));
        uint64_t room = c->limit - c->raw;
        size_t want = cap - len < room ? cap - len : (size_t)room;
        uint8_t surplus;
        size_t got;
        SLK_TRY(c->read(c->read_ctx, want ? c->data[place] + len : &surplus, want ? want : 1, &got,
                        c->diag));
        SLK_ASSERT(got <= (want ? want : 1));
        if (got && !want) {
            err = too_long(c);
            goto out;
        }
        c->end = got == 0;
        len += got;
        c->raw += got;
    }
out:
    c->data_len[place] = len;
    return err;
}

static uint64_t padded_len(uint64_t raw)
{
    return (raw + 126) / 127 * 128;
}

static slk_err_t give(commp_t *c, unsigned place)
{
    size_t len = padded_len(c->data_len[place]);
    return c->sink && len ? c->sink(c->sink_ctx, c->leaves[place], len, c->diag) : SLK_OK;
}

/* What the caller's thread does beside hashing: give the chunk before, read the one behind. */
static void move_other(commp_t *c)
{
    c->moved = true;
    c->move_err = give(c, !c->place);
    if (c->move_err == SLK_OK)
        c->move_err = fill(c, !c->place);
}

static void hash_task(commp_t *c, size_t task)
{
    size_t len = c->data_len[c->place] - task * TASK_RAW;
    if (len > TASK_RAW)
        len = TASK_RAW;
    const uint8_t *data = c->data[c->place] + task * TASK_RAW;
    uint8_t *leaves = c->leaves[c->place] + task * TASK_PADDED;
    size_t groups = len / 127, rest = len % 127;
    slk_fr32_pad(leaves, data, groups);
    if (rest) {
        uint8_t last[127] = {0};
        memcpy(last, data + groups * 127, rest);
        slk_fr32_pad(leaves + groups * 128, last, 1);
        groups++;
    }
    slk_node_t *row = c->rows + task * (TASK_NODES / 2);
    slk_sha256_pairs(row, (const slk_node_t *)leaves, groups * 2);
    slk_subtree_reduce(row, groups * 2, 1, c->task_level);
    c->roots[task] = row[0];
}

static void hash_tasks(void *ctx, uint64_t begin, uint64_t end)
{
    commp_t *c = ctx;
    if (pthread_equal(pthread_self(), c->caller) && !c->moved)
        move_other(c);
    for (uint64_t task = begin; task < end; task++)
        hash_task(c, task);
}

/* Hash the chunk in the present place into the stack, and see to the other place. */
static slk_err_t hash_chunk(commp_t *c, slk_subtree_stack_t *stack)
{
    unsigned level = TASK_LEVEL + slk_subtree_level(c->tasks * SLK_NODE_SZ);
    if (c->padded && slk_subtree_level(c->padded) < level)
        level = slk_subtree_level(c->padded);
    c->task_level = level < TASK_LEVEL ? level : TASK_LEVEL;
    c->moved = false;
    size_t len = c->data_len[c->place], tasks = (len + TASK_RAW - 1) / TASK_RAW;
    slk_pool_for(slk_job_pool(c->job), tasks, 1, hash_tasks, c);
    if (!c->moved)
        move_other(c);
    if (c->move_err != SLK_OK)
        return c->move_err;
    slk_subtree_reduce(c->roots, tasks, c->task_level, level);
    slk_subtree_push(stack, &c->roots[0], level);
    count(c, len);
    return SLK_OK;
}

/* The sink gets zeros for what the data does not fill. */
static slk_err_t give_zeros(commp_t *c)
{
    uint64_t left = c->padded - padded_len(c->raw);
    size_t cap = c->tasks * TASK_PADDED;
    slk_err_t err = SLK_OK;
    memset(c->leaves[0], 0, left < cap ? left : cap);
    while (left) {
        size_t len = left < cap ? left : cap;
        SLK_TRY(check_cancel(c));
        SLK_TRY(c->sink(c->sink_ctx, c->leaves[0], len, c->diag));
        count(c, slk_fr32_unpadded(len));
        left -= len;
    }
out:
    return err;
}

static slk_err_t allocate(commp_t *c)
{
    size_t want = 2 * (size_t)slk_pool_threads(slk_job_pool(c->job));
    c->tasks = TASKS_MIN;
    while (c->tasks < want && c->tasks < TASKS_MAX)
        c->tasks *= 2;
    while (c->tasks > 1 && c->limit <= c->tasks / 2 * TASK_RAW)
        c->tasks /= 2;

    size_t data = c->tasks * TASK_RAW, leaves = c->tasks * TASK_PADDED, places = c->sink ? 2 : 1;
    size_t rows = leaves / 2, roots = (c->tasks + 1) * SLK_NODE_SZ;
    c->memory = malloc(places * leaves + rows + 2 * data + roots);
    if (!c->memory)
        return slk_fail(c->diag, SLK_ERR_NOMEM, "%s: no memory for CommP, %zu bytes", c->name,
                        places * leaves + rows + 2 * data + roots);
    uint8_t *p = c->memory;
    c->leaves[0] = p;
    c->leaves[1] = p + (places - 1) * leaves;
    p += places * leaves;
    c->rows = (slk_node_t *)p;
    p += rows;
    c->roots = (slk_node_t *)p;
    p += roots;
    c->data[0] = p;
    c->data[1] = p + data;
    return SLK_OK;
}

static slk_err_t commp_run(slk_commp_t *out, commp_t *c)
{
    slk_err_t err;
    uint64_t asked = c->padded;
    slk_progress_t *progress = slk_job_progress(c->job);
    slk_subtree_stack_t stack;
    stack.leaves = 0;
    c->caller = pthread_self();
    slk_progress_begin(progress, "CommP", "B", c->total, 0);
    SLK_TRY(allocate(c));
    SLK_TRY(fill(c, 0));
    if (!asked && c->end)
        c->padded = slk_piece_padded_for(c->raw);
    for (; c->data_len[c->place]; c->place = !c->place)
        SLK_TRY(hash_chunk(c, &stack));
    SLK_TRY(give(c, !c->place));
    if (!c->padded)
        c->padded = slk_piece_padded_for(c->raw);
    if (asked && c->sink)
        SLK_TRY(give_zeros(c));
    if (c->total > c->done)
        count(c, c->total - c->done);
    slk_subtree_root(&out->piece.comm_p, &stack, slk_subtree_level(c->padded));
    out->piece.padded = c->padded;
    out->raw = c->raw;
out:
    slk_progress_end(progress);
    free(c->memory);
    return err;
}

static slk_err_t check_padded(uint64_t padded, const char *name, slk_diag_t *diag)
{
    if (!padded || (!(padded & (padded - 1)) && padded >= SLK_PIECE_MIN_PADDED &&
                    padded <= SLK_PIECE_MAX_PADDED))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT,
                    "%s: piece size %" PRIu64 ": expected a power of two from %" PRIu64
                    " to %" PRIu64 " padded bytes",
                    name, padded, SLK_PIECE_MIN_PADDED, SLK_PIECE_MAX_PADDED);
}

slk_err_t slk_commp(slk_commp_t *out, uint64_t padded, slk_read_fn_t *read, void *read_ctx,
                    slk_write_fn_t *sink, void *sink_ctx, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = check_padded(padded, "the data", diag);
    if (err != SLK_OK)
        return err;
    commp_t c = {.read = read,
                 .read_ctx = read_ctx,
                 .sink = sink,
                 .sink_ctx = sink_ctx,
                 .job = job,
                 .diag = diag,
                 .name = "the data",
                 .limit = slk_fr32_unpadded(padded ? padded : SLK_PIECE_MAX_PADDED),
                 .padded = padded,
                 .total = slk_fr32_unpadded(padded)};
    return commp_run(out, &c);
}

typedef struct {
    int fd;
    const char *path;
    const slk_job_t *job;
} fd_source_t;

static slk_err_t fd_read(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    const fd_source_t *source = ctx;
    return slk_read_upto_job(source->fd, buf, cap, len, source->path, source->job, diag);
}

slk_err_t slk_commp_fd(slk_commp_t *out, uint64_t padded, int fd, const char *path,
                       const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = check_padded(padded, path, diag);
    if (err != SLK_OK)
        return err;
    fd_source_t source = {fd, path, job};
    commp_t c = {.read = fd_read,
                 .read_ctx = &source,
                 .job = job,
                 .diag = diag,
                 .name = path,
                 .limit = slk_fr32_unpadded(padded ? padded : SLK_PIECE_MAX_PADDED),
                 .padded = padded};
    /* A file says beforehand how long it is: no hour of hashing before it turns out too long. */
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && at >= 0 && st.st_size > at) {
        c.total = (uint64_t)(st.st_size - at);
        if (c.total > c.limit)
            return too_long(&c);
        (void)posix_fadvise(fd, at, 0, POSIX_FADV_SEQUENTIAL);
    }
    return commp_run(out, &c);
}
