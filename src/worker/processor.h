#ifndef SLK_WORKER_PROCESSOR_H
#define SLK_WORKER_PROCESSOR_H

/* Heavy tasks in child processes: the parent's side of processor_line.h.
 *
 * A processor stands for one kind of task. Its child is started with the first call and serves any
 * number of calls, several at the same time up to `concurrent`. When it crashes, is killed or hangs,
 * every call in it fails with a sentence and the last of its standard error, and the next call
 * starts a new child: nothing of this reaches the caller's process.
 *
 * The child gets the three standard descriptors and no other, a session of its own, default signal
 * handlers, and SIGTERM when its parent dies. It is the first that the kernel kills when memory runs
 * out. Standard error is kept and given to `log` line by line; so are lines on standard output that
 * are none of the protocol.
 *
 * Threads: all functions may be called by any thread at any time, but for slk_processor_free. */

#include "selkie/job.h"

typedef struct slk_processor slk_processor_t;

/* A line of the child, or what happened to it; called from another thread. */
typedef void slk_processor_log_fn_t(void *ctx, const char *stage, const char *line);

/* What to run and how. Zero: the default. All is copied. */
typedef struct {
    const char *stage;       /* "pc1"; see spec/damocles.md 6.2 */
    const char *program;     /* file, looked for in PATH without '/'; NULL: this program */
    const char *const *args; /* behind the program, NULL at the end; NULL: "processor", stage */
    const char *const *envs; /* "NAME=value", NULL at the end, over what is inherited */
    bool clear_env;          /* inherit no environment */
    const char *cpus;        /* "0-7,16" that the child may run on; NULL: all of this process */
    const char *cgroup;      /* group below which it makes one of its own, as "vc-worker" */
    const char *cgroup_cpus; /* CPUs of that; needed with cgroup */
    const char *numa_node;   /* whose memory it prefers: "0"; NULL: none */
    unsigned concurrent;     /* calls at the same time; default 1 */
    double ready_seconds;    /* from start to its first line; default 30 */
    double quiet_seconds;    /* without a byte from it while it works, when it is one that tells
                                * its progress; default 120 */
    double stall_seconds;    /* in which the progress of a call stands still; default: any */
    double total_seconds;    /* of one call; default: any */
    double grace_seconds;    /* from SIGTERM to SIGKILL, for a checkpoint; default 60 */
    slk_processor_log_fn_t *log;
    void *log_ctx;
} slk_processor_kind_t;

/* Check and copy; nothing is started. SLK_ERR_INPUT: a malformed CPU set; SLK_ERR_NOTFOUND: no such
 * program; SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_processor_new(slk_processor_t **out,
                                             const slk_processor_kind_t *kind, slk_diag_t *diag);

/* End the child: SIGTERM, and SIGKILL after the grace. No call may be running. NULL is a no-op. */
void slk_processor_free(slk_processor_t *processor);

/* Start the child now, unless it runs, and wait until it is ready. Errors as of a call. */
SLK_CHECK_RESULT slk_err_t slk_processor_start(slk_processor_t *processor, slk_diag_t *diag);

/* Pid of the running child, 0: none. */
int slk_processor_pid(slk_processor_t *processor);

/* --- Calls ---------------------------------------------------------------------------------- */

/* How a call ended. */
typedef enum {
    SLK_PROCESSOR_DONE,        /* with output */
    SLK_PROCESSOR_REFUSED,     /* the processor answered with an error */
    SLK_PROCESSOR_NOT_STARTED, /* no child, or it was not ready in time; not a byte was sent */
    SLK_PROCESSOR_DIED,        /* it ended with the call in it */
    SLK_PROCESSOR_HUNG,        /* it was ended because it said nothing, or took too long */
    SLK_PROCESSOR_CANCELLED
} slk_processor_end_t;

typedef struct {
    slk_processor_end_t end;
    char *output; /* JSON, NUL-terminated; NULL unless DONE */
    size_t output_len;
    int exit_status;   /* DIED, HUNG: of the child, -1 when a signal ended it */
    int signal;        /* that signal, else 0 */
    bool oom;          /* the kernel killed it for its memory */
    char *stderr_tail; /* last of the child's standard error, at most
                              * SLK_PROCESSOR_STDERR_MAX bytes, NUL-terminated; NULL with DONE */
    size_t stderr_len;
} slk_processor_result_t;

#define SLK_PROCESSOR_STDERR_MAX 65536u

/* Called by the thread that calls, once for each change of the progress. */
typedef void slk_processor_progress_fn_t(void *ctx, const slk_progress_view_t *view);

typedef struct {
    const char *task; /* a JSON object; spec/damocles.md 6.2 and `selkie help processor` */
    size_t task_len;
    slk_processor_progress_fn_t *progress; /* may be NULL */
    void *progress_ctx;
    const atomic_bool *cancel; /* may be NULL */
} slk_processor_call_t;

/* Do one task; blocks, first for a free place of `concurrent`. SLK_OK: DONE. REFUSED: the error
 * that the processor names, SLK_ERR_STATE of one that names none. DIED: SLK_ERR_IO, SLK_ERR_NOMEM
 * where memory was the reason; HUNG: SLK_ERR_TIMEOUT; CANCELLED: SLK_ERR_CANCELLED: what the task
 * can be resumed from is on the disk, unless the grace was not enough. NOT_STARTED: SLK_ERR_IO,
 * SLK_ERR_TIMEOUT. SLK_ERR_INPUT: the task is no JSON object, or too long for a line.
 *
 * Cancelling one of several calls: a processor of ours is told so; of another the answer is not
 * waited for, and it is ended when no call is left in it. Free the result in any case. */
SLK_CHECK_RESULT slk_err_t slk_processor_call(slk_processor_t *processor,
                                              const slk_processor_call_t *call,
                                              slk_processor_result_t *result, slk_diag_t *diag);
void slk_processor_result_fini(slk_processor_result_t *result);

#endif /* SLK_WORKER_PROCESSOR_H */
