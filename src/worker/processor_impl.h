#ifndef SLK_WORKER_PROCESSOR_IMPL_H
#define SLK_WORKER_PROCESSOR_IMPL_H

/* What processor.c (calls) and processor_child.c (the child and the thread that looks after it)
 * share. All of a child is guarded by the processor's lock, but for what its thread alone uses. */

#include "worker/lines.h"
#include "worker/oom.h"
#include "worker/processor.h"
#include "worker/processor_line.h"
#include "worker/spawn.h"

#include <pthread.h>

/* A call in a child; on the stack of the thread that waits for it. */
typedef struct slk_pending slk_pending_t;
struct slk_pending {
    slk_pending_t *next;
    uint64_t id;
    bool only_start; /* done when the child is ready */
    bool done;       /* the rest below is set */
    slk_err_t err;
    slk_diag_t diag;
    slk_processor_result_t result;
    slk_progress_view_t view; /* newest */
    uint64_t views;           /* how many came */
    double began, changed;    /* of the call; of its progress */
    double cancelled;         /* when it was asked to stop; 0: not */
};

typedef enum {
    SLK_CHILD_STARTING,
    SLK_CHILD_READY,
    SLK_CHILD_ENDING /* takes no calls any more */
} slk_child_state_t;

typedef struct slk_child {
    slk_processor_t *owner; /* NULL: left behind, because SIGKILL does not end it */
    slk_child_state_t state;
    bool was_ready;
    slk_spawned_t proc;
    int wake; /* eventfd: look at the rest of this */
    bool ours;
    slk_pending_t *pending;
    uint64_t dropped; /* requests whose answer nobody waits for */
    slk_buf_t queue;  /* to be written, from queue_at on */
    size_t queue_at;
    double started, last_byte;
    double out_ended; /* when its standard output ended; 0: not yet */
    /* Of the end: why it was asked for, when, and how the calls in it end. */
    slk_processor_end_t end;
    slk_diag_t why;
    double kill_at;  /* 0: never */
    double given_up; /* when SIGKILL was sent; 0: not yet */
    /* The thread's own. */
    slk_oom_cnt_t oom;
    slk_lines_t out_lines, err_lines;
    slk_buf_t tail; /* of standard error */
    char last_line[256];
} slk_child_t;

struct slk_processor {
    slk_processor_kind_t kind; /* strings are ours */
    char path[4096];
    char **argv, **env;
    bool has_cpus;
    cpu_set_t cpus;
    unsigned index;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    slk_child_t *child; /* NULL: none */
    unsigned threads;   /* that look after children, those left behind not counted */
    unsigned calls;
    uint64_t next_id;
};

/* Start the thread that starts a child. Under the lock. */
SLK_CHECK_RESULT slk_err_t slk_child_start(slk_processor_t *p, slk_diag_t *diag);

/* Wake the thread; under the lock. */
void slk_child_wake(slk_child_t *child);

/* Under the lock: no more calls; SIGTERM now, SIGKILL after seconds (0: at once). */
void slk_child_stop(slk_child_t *child, slk_processor_end_t end, double seconds, const char *why);

#endif /* SLK_WORKER_PROCESSOR_IMPL_H */
