/* The sentences for people. */

#include "base/assert.h"
#include "manager/sched/sched.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const whys[SLK_SCHED_WHY_CNT] = {
#define SLK_X(id, name) [SLK_SCHED_##id] = (name),
    SLK_SCHED_WHYS(SLK_X)
#undef SLK_X
};

const char *slk_sched_why_name(slk_sched_why_t why)
{
    SLK_ASSERT(why < SLK_SCHED_WHY_CNT);
    return whys[why];
}

const char *slk_sched_use_name(slk_sched_use_t use)
{
    static const char *const names[] = {"existing", "make", "fetch"};
    SLK_ASSERT(use < SLK_COUNT(names));
    return names[use];
}

#define SIZE_TEXT 32

static char *size_text(char out[SIZE_TEXT], int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)(bytes > 0 ? bytes : 0);
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < SLK_COUNT(units); unit++)
        value /= 1024;
    snprintf(out, SIZE_TEXT,
             value < 10 && unit && value != (double)(int)value ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return out;
}

/* What an explanation needs to become a sentence. */
typedef struct {
    char *out;
    const slk_sched_explain_t *why;
    const slk_sched_job_t *job;
    const char *task, *worker, *store, *type; /* type: a, where it is one */
    const char *use;                          /* of the paths that the task fills */
    char until[128];                          /* " until job 7 ends in ~3 min" */
} words_t;

__attribute__((format(printf, 2, 3))) static void say(const words_t *words, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t len = strlen(words->out);
    vsnprintf(words->out + len, SLK_SCHED_TEXT - len, fmt, args);
    va_end(args);
}

static void say_nothing_to_do(const words_t *words)
{
    char a[SLK_ETA_TEXT], b[SLK_ETA_TEXT];
    const slk_sched_explain_t *why = words->why;
    if (why->why == SLK_SCHED_LATER)
        say(words, "is tried again in %s", slk_eta_text(a, why->a));
    else if (why->a <= 0)
        say(words, "its deadline has passed");
    else
        say(words, "cannot end before its deadline: %s are left, the quickest one took %s",
            slk_eta_text(a, why->a), slk_eta_text(b, why->b));
}

static void say_sector(const words_t *words)
{
    say(words, "worker %s has the sector's files for job %" PRId64, words->worker,
        words->why->other);
}

static void say_no_task(const words_t *words)
{
    const slk_sched_explain_t *why = words->why;
    if (why->why == SLK_SCHED_NO_WORKER)
        say(words, "no worker is connected");
    else if (why->a > 0)
        say(words, "the workers that take %s are paused or draining (%" PRId64 ")", words->task,
            why->a);
    else
        say(words, "no connected worker takes %s for miner t0%" PRIu64, words->task,
            words->job->miner);
}

static const char *state_text(int64_t state)
{
    static const char *const texts[] = {
        "is not known",           "is not connected",         "is paused",      "is draining",
        "does not take the task", "has a path with an error", "is about to end"};
    return state >= 0 && (size_t)state < SLK_COUNT(texts) ? texts[state] : "gets nothing";
}

static void say_only(const words_t *words)
{
    if (words->why->worker == SLK_SCHED_NONE)
        say(words, "is for worker %.64s alone, which is not known",
            words->job->only_worker ? words->job->only_worker : "?");
    else if (words->job->only_worker)
        say(words, "is for worker %s alone, which %s", words->worker, state_text(words->why->a));
    else
        say(words, "worker %s %s", words->worker, state_text(words->why->a));
}

static void say_holder(const words_t *words)
{
    const slk_sched_explain_t *why = words->why;
    if (why->worker == SLK_SCHED_NONE)
        say(words, "its file %s is in path %s, which no worker has attached", words->type,
            words->store);
    else if (why->b == 5)
        say(words,
            "its file %s is at worker %s in a path that reports an error or nothing at all%s%s",
            words->type, words->worker, why->store == SLK_SCHED_NONE ? "" : ": ",
            why->store == SLK_SCHED_NONE ? "" : words->store);
    else
        say(words, "the worker with its file %s, %s, %s%s%s", words->type, words->worker,
            state_text(why->b), why->b == 4 ? " " : "", why->b == 4 ? words->task : "");
}

static void say_paths(const words_t *words)
{
    char a[SIZE_TEXT], b[SIZE_TEXT];
    const slk_sched_explain_t *why = words->why;
    if (why->why == SLK_SCHED_NO_FILE)
        say(words, "its file %s is nowhere: no path that was ever declared has it", words->type);
    else if (why->why == SLK_SCHED_NO_ROUTE)
        say(words, "Groups and AllowTo let its file %s go to no %s path of a worker that takes %s",
            words->type, words->use, words->task);
    else if (why->why == SLK_SCHED_NO_PATH)
        say(words, "no worker that takes %s has a %s path that takes %s of miner t0%" PRIu64,
            words->task, words->use, words->type, words->job->miner);
    else
        say(words, "needs %s in a %s path; most free: %s in %s at %s", size_text(a, why->a),
            words->use, size_text(b, why->b), words->store, words->worker);
}

static void say_room(const words_t *words)
{
    char a[SIZE_TEXT], b[SIZE_TEXT];
    const slk_sched_explain_t *why = words->why;
    if (why->why == SLK_SCHED_TOO_BIG)
        say(words, "needs %s of memory; worker %s has %s", size_text(a, why->a), words->worker,
            size_text(b, why->b));
    else if (why->why == SLK_SCHED_LIMIT)
        say(words, "worker %s has its %" PRId64 " %s already%s", words->worker, why->a, words->task,
            words->until);
    else if (why->why == SLK_SCHED_CORES && !why->a)
        say(words, "worker %s has no core left%s", words->worker, words->until);
    else if (why->why == SLK_SCHED_CORES)
        say(words, "worker %s has only %" PRId64 " cores left%s", words->worker, why->a,
            words->until);
    else
        say(words, "worker %s has only %s of memory left%s", words->worker, size_text(a, why->a),
            words->until);
}

static void say_choice(const words_t *words)
{
    char a[SLK_ETA_TEXT], b[SLK_ETA_TEXT];
    const slk_sched_explain_t *why = words->why;
    if (why->why == SLK_SCHED_KEPT)
        say(words,
            "worker %s is kept free for job %" PRId64 ", which has waited too long or is due",
            words->worker, why->other);
    else if (why->why == SLK_SCHED_NEARER)
        say(words,
            "worker %s has its files and has room in %s; to fetch them to another one takes %s",
            words->worker, slk_eta_text(a, why->a), slk_eta_text(b, why->b));
    else
        say(words, "worker %s would need %s, the deadline is in %s; quicker workers have no room",
            words->worker, slk_eta_text(b, why->b), slk_eta_text(a, why->a));
}

static void (*const sayers[SLK_SCHED_WHY_CNT])(const words_t *words) = {
    [SLK_SCHED_LATER] = say_nothing_to_do, [SLK_SCHED_HOPELESS] = say_nothing_to_do,
    [SLK_SCHED_SECTOR] = say_sector,       [SLK_SCHED_NO_WORKER] = say_no_task,
    [SLK_SCHED_NO_TASK] = say_no_task,     [SLK_SCHED_ONLY_WORKER] = say_only,
    [SLK_SCHED_HOLDER] = say_holder,       [SLK_SCHED_NO_FILE] = say_paths,
    [SLK_SCHED_NO_ROUTE] = say_paths,      [SLK_SCHED_NO_PATH] = say_paths,
    [SLK_SCHED_SPACE] = say_paths,         [SLK_SCHED_TOO_BIG] = say_room,
    [SLK_SCHED_LIMIT] = say_room,          [SLK_SCHED_CORES] = say_room,
    [SLK_SCHED_MEMORY] = say_room,         [SLK_SCHED_KEPT] = say_choice,
    [SLK_SCHED_NEARER] = say_choice,       [SLK_SCHED_TOO_SLOW] = say_choice,
};

char *slk_sched_text(char out[SLK_SCHED_TEXT], const slk_sched_snapshot_t *in, uint32_t job,
                     const slk_sched_explain_t *why)
{
    char eta[SLK_ETA_TEXT];
    SLK_ASSERT(job < in->job_cnt && why->why < SLK_SCHED_WHY_CNT);
    words_t words = {
        .out = out,
        .why = why,
        .job = &in->jobs[job],
        .task = slk_tasks[in->jobs[job].task].name,
        .worker = why->worker == SLK_SCHED_NONE ? "(none)" : in->workers[why->worker].name,
        .store = why->store == SLK_SCHED_NONE ? "(none)" : in->stores[why->store].id,
        .type = why->a > 0 && why->a <= SLK_FT_PIECE && !(why->a & (why->a - 1))
                    ? slk_file_type_name((slk_file_types_t)why->a)
                    : "(none)",
        .use = slk_task_files[in->jobs[job].task].use == SLK_PATH_SEALING ? "sealing" : "storage"};
    *out = 0;
    if (why->why == SLK_SCHED_ASSIGNED) {
        say(&words, "goes to worker %s", words.worker);
        return out;
    }
    if (why->other && why->b != SLK_ETA_UNKNOWN)
        snprintf(words.until, sizeof(words.until), " until job %" PRId64 " ends in %s", why->other,
                 slk_eta_text(eta, why->b));
    else if (why->other)
        snprintf(words.until, sizeof(words.until), " until job %" PRId64 " ends", why->other);
    if (why->ahead)
        say(&words, "waits behind %" PRIu32 " %s job%s; ", why->ahead, words.task,
            why->ahead == 1 ? "" : "s");
    sayers[why->why](&words);
    return out;
}
