/* One child process, and the thread that starts it, carries lines to and fro, and sees it end. */
#include "base/assert.h"
#include "worker/isolation.h"
#include "worker/processor_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS      200
#define GIVE_UP      10.0 /* seconds after SIGKILL */
#define CLOSED       3.0  /* seconds without standard output */
#define READ_SZ      65536u
#define LOG_LINE_MAX 4096u
#define TAIL_KEEP    (2 * SLK_PROCESSOR_STDERR_MAX)

void slk_child_wake(slk_child_t *child)
{
    uint64_t one = 1;
    ssize_t ignored = write(child->wake, &one, sizeof one);
    (void)ignored;
}

static void log_line(const slk_processor_t *p, const char *line)
{
    if (p->kind.log)
        p->kind.log(p->kind.log_ctx, p->kind.stage, line);
}

/* --- The end of calls ------------------------------------------------------------------------- */

static void unlink_pending(slk_child_t *child, slk_pending_t *pending)
{
    slk_pending_t **at = &child->pending;
    while (*at != pending)
        at = &(*at)->next;
    *at = pending->next;
}

static void finish_call(slk_child_t *child, slk_pending_t *pending, slk_processor_end_t end,
                        slk_err_t err)
{
    slk_processor_result_t *result = &pending->result;
    unlink_pending(child, pending);
    result->end = end;
    pending->err = err;
    if (err != SLK_OK) {
        size_t len = child->tail.len;
        size_t keep = len < SLK_PROCESSOR_STDERR_MAX ? len : SLK_PROCESSOR_STDERR_MAX;
        result->stderr_tail = malloc(keep + 1);
        if (result->stderr_tail) {
            if (keep)
                memcpy(result->stderr_tail, child->tail.bytes + len - keep, keep);
            result->stderr_tail[keep] = '\0';
            result->stderr_len = keep;
        }
    }
    pending->done = true;
    pthread_cond_broadcast(&child->owner->changed);
}

void slk_child_stop(slk_child_t *child, slk_processor_end_t end, double seconds, const char *why)
{
    if (child->state == SLK_CHILD_ENDING) {
        double kill_at = slk_clock_seconds() + seconds;
        if (kill_at < child->kill_at)
            child->kill_at = kill_at;
    } else {
        child->state = SLK_CHILD_ENDING;
        child->end = end;
        slk_fail(&child->why, SLK_OK, "%s", why);
        child->kill_at = slk_clock_seconds() + seconds;
        if (seconds > 0 && child->proc.pid)
            slk_spawned_kill(&child->proc, SIGTERM);
    }
    slk_child_wake(child);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static slk_pending_t *find_pending(slk_child_t *child, uint64_t id)
{
    slk_pending_t *pending = child->pending;
    while (pending && (pending->id != id || pending->only_start))
        pending = pending->next;
    return pending;
}

static void take_output(slk_child_t *child, slk_pending_t *pending, slk_span_t output)
{
    char *text = malloc(output.len + 1);
    slk_err_t err = SLK_OK;
    if (text) {
        memcpy(text, output.at, output.len);
        text[output.len] = '\0';
        pending->result.output = text;
        pending->result.output_len = output.len;
    } else {
        err = slk_fail(&pending->diag, SLK_ERR_NOMEM, "no memory for an answer of %zu bytes",
                       output.len);
    }
    finish_call(child, pending, err == SLK_OK ? SLK_PROCESSOR_DONE : SLK_PROCESSOR_REFUSED, err);
}

/* It ends its tasks because of SIGTERM, from here or from somebody else, and no caller wanted that. */
static void take_ending(slk_child_t *child, slk_pending_t *pending, const char *said)
{
    bool asked = child->state == SLK_CHILD_ENDING;
    slk_processor_end_t end = asked ? child->end : SLK_PROCESSOR_DIED;
    slk_err_t err = end == SLK_PROCESSOR_HUNG ? SLK_ERR_TIMEOUT : SLK_ERR_IO;
    slk_fail(&pending->diag, err, "%s processor (pid %d) %s; it says: %.900s",
             child->owner->kind.stage, (int)child->proc.pid,
             asked ? child->why.text : "was told to end by somebody else", said);
    finish_call(child, pending, end, err);
}

static void take_error(slk_child_t *child, slk_pending_t *pending,
                       const slk_processor_answer_t *answer)
{
    if (answer->err == SLK_ERR_CANCELLED && !pending->cancelled) {
        take_ending(child, pending, answer->err_msg.text);
        return;
    }
    pending->diag = answer->err_msg;
    finish_call(child, pending,
                answer->err == SLK_ERR_CANCELLED ? SLK_PROCESSOR_CANCELLED : SLK_PROCESSOR_REFUSED,
                answer->err);
}

static void take_progress(slk_child_t *child, slk_pending_t *pending,
                          const slk_progress_view_t *view)
{
    slk_progress_view_t *now = &pending->view;
    if (pending->views && now->done == view->done && now->total == view->total &&
        strcmp(now->stage, view->stage) == 0)
        return;
    *now = *view;
    pending->views++;
    pending->changed = slk_clock_seconds();
    pthread_cond_broadcast(&child->owner->changed);
}

/* Under the lock. False: nothing that is known here. */
static bool take_answer(slk_child_t *child, const slk_processor_answer_t *answer)
{
    slk_pending_t *pending = find_pending(child, answer->id);
    switch (answer->kind) {
    case SLK_PROCESSOR_HELLO:
        child->ours = answer->protocol == SLK_PROCESSOR_PROTOCOL;
        return true;
    case SLK_PROCESSOR_PROGRESS:
        if (pending)
            take_progress(child, pending, &answer->view);
        return true;
    case SLK_PROCESSOR_OUTPUT:
        if (pending)
            take_output(child, pending, answer->output);
        break;
    case SLK_PROCESSOR_ERROR:
        if (pending)
            take_error(child, pending, answer);
        break;
    }
    return pending || child->dropped;
}

/* The first line. Blanks at its end do not count, as for damocles' worker. */
static bool is_ready_line(const slk_child_t *child, const char *text, size_t len)
{
    const char *stage = child->owner->kind.stage;
    size_t stage_len = strlen(stage), want = stage_len + strlen(SLK_PROCESSOR_READY);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\r' || text[len - 1] == '\t'))
        len--;
    return len == want && memcmp(text, stage, stage_len) == 0 &&
           memcmp(text + stage_len, SLK_PROCESSOR_READY, len - stage_len) == 0;
}

static void become_ready(slk_child_t *child)
{
    child->state = SLK_CHILD_READY;
    child->was_ready = true;
    child->last_byte = slk_clock_seconds();
    for (slk_pending_t *at = child->pending, *next; at; at = next) {
        next = at->next;
        at->began = at->changed = child->last_byte;
        if (at->only_start)
            finish_call(child, at, SLK_PROCESSOR_DONE, SLK_OK);
    }
}

static void on_out_line(void *ctx, char *text, size_t len, bool too_long)
{
    slk_child_t *child = ctx;
    slk_processor_t *p = child->owner;
    slk_processor_answer_t *answer = NULL;
    bool known = false;
    if (!p)
        return;
    if (!too_long) {
        answer = malloc(sizeof *answer);
        bool parsed = answer && slk_processor_answer_parse(answer, text, len, NULL) == SLK_OK;
        pthread_mutex_lock(&p->lock);
        if (child->state == SLK_CHILD_STARTING && is_ready_line(child, text, len)) {
            become_ready(child);
            known = true;
        } else {
            known = parsed && take_answer(child, answer);
        }
        pthread_mutex_unlock(&p->lock);
        free(answer);
    }
    if (!known && len) {
        char shown[256];
        snprintf(shown, sizeof shown, "on its standard output, no answer%s: %.*s",
                 too_long ? " but a line too long" : "", (int)(len < 100 ? len : 100), text);
        log_line(p, shown);
    }
}

static void on_err_line(void *ctx, char *text, size_t len, bool too_long)
{
    slk_child_t *child = ctx;
    char line[LOG_LINE_MAX];
    (void)too_long;
    while (len && (unsigned char)text[len - 1] <= ' ')
        len--;
    if (!len || !child->owner)
        return;
    snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line), text);
    snprintf(child->last_line, sizeof child->last_line, "%.*s",
             (int)(len < sizeof child->last_line ? len : sizeof child->last_line), text);
    log_line(child->owner, line);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void keep_tail(slk_child_t *child, const char *bytes, size_t len)
{
    slk_buf_t *tail = &child->tail;
    slk_buf_put(tail, bytes, len);
    if (tail->failed)
        slk_buf_free(tail);
    if (tail->len > TAIL_KEEP) {
        memmove(tail->bytes, tail->bytes + tail->len - SLK_PROCESSOR_STDERR_MAX,
                SLK_PROCESSOR_STDERR_MAX);
        tail->len = SLK_PROCESSOR_STDERR_MAX;
    }
}

/* One read. False: nothing there, or the end, and then *fd is closed. */
static bool read_some(slk_child_t *child, int *fd, char *buf)
{
    ssize_t n = *fd < 0 ? -1 : read(*fd, buf, READ_SZ);
    if (n < 0 && *fd >= 0 && errno == EINTR)
        return true;
    if (n == 0) {
        close(*fd);
        *fd = -1;
    }
    if (n <= 0)
        return false;
    if (fd == &child->proc.err) {
        pthread_mutex_lock(&child->owner->lock);
        keep_tail(child, buf, (size_t)n);
        child->last_byte = slk_clock_seconds();
        pthread_mutex_unlock(&child->owner->lock);
        slk_lines_feed(&child->err_lines, buf, (size_t)n, on_err_line, child);
    } else {
        pthread_mutex_lock(&child->owner->lock);
        child->last_byte = slk_clock_seconds();
        pthread_mutex_unlock(&child->owner->lock);
        slk_lines_feed(&child->out_lines, buf, (size_t)n, on_out_line, child);
    }
    return true;
}

/* Under the lock. */
static void write_queue(slk_child_t *child)
{
    while (child->proc.in >= 0 && child->queue_at < child->queue.len) {
        ssize_t n = write(child->proc.in, child->queue.bytes + child->queue_at,
                          child->queue.len - child->queue_at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) { /* it reads no more: it has ended, or is going to be found out */
            close(child->proc.in);
            child->proc.in = -1;
            return;
        }
        child->queue_at += (size_t)n;
        child->last_byte = slk_clock_seconds();
    }
    if (child->queue.len) {
        slk_buf_free(&child->queue);
        child->queue_at = 0;
    }
}

/* --- Time ------------------------------------------------------------------------------------- */

SLK_PRINTF(4, 5)
static void stop_as(slk_child_t *child, slk_processor_end_t end, double seconds, const char *fmt,
                    ...)
{
    char why[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    slk_child_stop(child, end, seconds, why);
}

static void look_at_calls(slk_child_t *child, double now)
{
    const slk_processor_kind_t *kind = &child->owner->kind;
    for (slk_pending_t *at = child->pending; at; at = at->next) {
        if (kind->total_seconds > 0 && now - at->began > kind->total_seconds)
            stop_as(child, SLK_PROCESSOR_HUNG, kind->grace_seconds,
                    "was ended: a task took more than %.0f s", kind->total_seconds);
        else if (kind->stall_seconds > 0 && now - at->changed > kind->stall_seconds)
            stop_as(child, SLK_PROCESSOR_HUNG, kind->grace_seconds,
                    "was ended: a task stood still for %.0f s%s%s", kind->stall_seconds,
                    *at->view.stage ? " in " : "", at->view.stage);
        else if (at->cancelled && now - at->cancelled > kind->grace_seconds)
            stop_as(child, SLK_PROCESSOR_CANCELLED, 0,
                    "was ended: a cancelled task did not end within %.0f s", kind->grace_seconds);
        if (child->state == SLK_CHILD_ENDING)
            return;
    }
}

/* Under the lock: is it time for something? */
static void look_at_clock(slk_child_t *child)
{
    const slk_processor_kind_t *kind = &child->owner->kind;
    double now = slk_clock_seconds();
    if (child->state == SLK_CHILD_STARTING && now - child->started > kind->ready_seconds)
        stop_as(child, SLK_PROCESSOR_NOT_STARTED, 0, "was not ready after %.0f s",
                kind->ready_seconds);
    if (child->state == SLK_CHILD_READY && child->ours && child->pending &&
        now - child->last_byte > kind->quiet_seconds)
        stop_as(child, SLK_PROCESSOR_HUNG, 0, "was ended: it said nothing for %.0f s",
                kind->quiet_seconds);
    if (child->state == SLK_CHILD_READY)
        look_at_calls(child, now);
    if (child->proc.out < 0 && !child->out_ended)
        child->out_ended = now;
    /* Of one that ends, the kernel closes the descriptors first. */
    if (child->state != SLK_CHILD_ENDING && child->out_ended && now - child->out_ended > CLOSED)
        stop_as(child, SLK_PROCESSOR_DIED, 5, "closed its standard output");
    if (child->state == SLK_CHILD_ENDING && !child->given_up && now >= child->kill_at) {
        child->given_up = now;
        slk_spawned_kill(&child->proc, SIGKILL);
    }
}

/* --- The end ---------------------------------------------------------------------------------- */

/* "ended with status 3" */
static void tell_status(char *out, size_t cap, const slk_processor_result_t *end)
{
    if (end->signal)
        snprintf(out, cap, "was killed by signal %d (%s)%s", end->signal, strsignal(end->signal),
                 end->oom ? ", by the kernel, which had no memory left" : "");
    else
        snprintf(out, cap, "ended with status %d", end->exit_status);
}

/* The error that a call gets which the child's end left without an answer. */
static slk_err_t error_of(slk_processor_end_t end, const slk_processor_result_t *how,
                          const slk_child_t *child)
{
    if (how->oom)
        return SLK_ERR_NOMEM;
    if (end == SLK_PROCESSOR_CANCELLED)
        return SLK_ERR_CANCELLED;
    if (end == SLK_PROCESSOR_HUNG)
        return SLK_ERR_TIMEOUT;
    return end == SLK_PROCESSOR_NOT_STARTED && child->given_up ? SLK_ERR_TIMEOUT : SLK_ERR_IO;
}

/* Fail all that is left. how: NULL: it does not end. Under the lock. */
static void fail_calls(slk_child_t *child, const slk_processor_result_t *how)
{
    slk_processor_t *p = child->owner;
    bool asked = child->state == SLK_CHILD_ENDING;
    char status[160] = "does not end, not even by SIGKILL: it waits for a device";
    if (how)
        tell_status(status, sizeof status, how);
    while (child->pending) {
        slk_pending_t *at = child->pending;
        slk_processor_end_t end = !child->was_ready ? SLK_PROCESSOR_NOT_STARTED
                                  : asked           ? child->end
                                                    : SLK_PROCESSOR_DIED;
        if (at->cancelled)
            end = SLK_PROCESSOR_CANCELLED;
        if (how) {
            at->result.exit_status = how->exit_status;
            at->result.signal = how->signal;
            at->result.oom = how->oom;
        }
        slk_err_t err = error_of(end, how ? how : &at->result, child);
        slk_fail(&at->diag, err, "%s processor (pid %d) %s%s%s%s%s", p->kind.stage,
                 (int)child->proc.pid, asked ? child->why.text : status, asked ? ", and " : "",
                 asked ? status : "", *child->last_line ? "; the last that it said: " : "",
                 child->last_line);
        finish_call(child, at, end, err);
    }
}

static void leave_processor(slk_child_t *child)
{
    slk_processor_t *p = child->owner;
    p->child = NULL;
    p->threads--;
    child->owner = NULL;
    pthread_cond_broadcast(&p->changed);
}

/* As damocles' worker names them. */
static void cgroup_name(char out[SLK_CGROUP_NAME_SZ], const slk_processor_t *p)
{
    snprintf(out, SLK_CGROUP_NAME_SZ, "%.1000s/sub-%.100s-%d-%u", p->kind.cgroup, p->kind.stage,
             (int)getpid(), p->index);
}

/* It has ended: take what it left, tell the calls. */
static void reap(slk_child_t *child, int status, char *buf)
{
    slk_processor_t *p = child->owner;
    slk_processor_result_t how = {.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                  .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    while (read_some(child, &child->proc.err, buf))
        ;
    while (read_some(child, &child->proc.out, buf))
        ;
    slk_lines_end(&child->err_lines, on_err_line, child);
    slk_lines_end(&child->out_lines, on_out_line, child);
    pthread_mutex_lock(&p->lock);
    how.oom = how.signal == SIGKILL && !child->given_up && slk_oom_since(&child->oom);
    if (child->state != SLK_CHILD_ENDING) {
        char text[256], line[320];
        tell_status(text, sizeof text, &how);
        snprintf(line, sizeof line, "processor (pid %d) %s", (int)child->proc.pid, text);
        pthread_mutex_unlock(&p->lock);
        log_line(p, line);
        pthread_mutex_lock(&p->lock);
    }
    fail_calls(child, &how);
    if (p->kind.cgroup) { /* one that was killed could not */
        char name[SLK_CGROUP_NAME_SZ];
        cgroup_name(name, p);
        slk_cgroup_remove(name);
    }
    leave_processor(child);
    pthread_mutex_unlock(&p->lock);
}

static void free_child(slk_child_t *child)
{
    slk_spawned_close(&child->proc);
    close(child->wake);
    slk_buf_free(&child->queue);
    slk_buf_free(&child->tail);
    slk_lines_free(&child->out_lines);
    slk_lines_free(&child->err_lines);
    free(child);
}

/* --- The thread ------------------------------------------------------------------------------- */

/* What is added to the environment; lines into a list that ends with NULL. */
static void add_env(char text[4][SLK_CGROUP_NAME_SZ + 64], const char *list[8],
                    const slk_processor_t *p)
{
    unsigned cnt = 0;
    snprintf(text[cnt++], sizeof text[0], SLK_PROCESSOR_ENV_PROGRESS "=1");
    if (p->kind.cgroup) {
        char name[SLK_CGROUP_NAME_SZ];
        cgroup_name(name, p);
        snprintf(text[cnt++], sizeof text[0], SLK_ENV_CGROUP "=%s", name);
        snprintf(text[cnt++], sizeof text[0], SLK_ENV_CGROUP_CPUS "=%.1000s", p->kind.cgroup_cpus);
    }
    if (p->kind.numa_node)
        snprintf(text[cnt++], sizeof text[0], SLK_ENV_NUMA "=%.100s", p->kind.numa_node);
    for (unsigned i = 0; i < cnt; i++)
        list[i] = text[i];
    list[cnt] = NULL;
}

/* The environment: the later of two settings of a name counts. */
static const char **make_env(const slk_processor_t *p, const char *const *extra)
{
    size_t cnt = 0, out_cnt = 0;
    while (p->env[cnt])
        cnt++;
    const char **out = calloc(cnt + 8, sizeof *out);
    for (size_t i = 0; out && i < cnt + 8; i++) {
        const char *line = i < cnt ? p->env[i] : *extra;
        if (!line)
            break;
        extra += i >= cnt;
        size_t at = 0, name = strcspn(line, "=") + 1;
        while (at < out_cnt && strncmp(out[at], line, name) != 0)
            at++;
        out[at] = line;
        out_cnt += at == out_cnt;
    }
    return out;
}

static slk_err_t start(slk_child_t *child, slk_diag_t *diag)
{
    const slk_processor_t *p = child->owner;
    char text[4][SLK_CGROUP_NAME_SZ + 64];
    const char *extra[8];
    slk_spawned_t proc;
    add_env(text, extra, p);
    const char **env = make_env(p, extra);
    if (!env)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = slk_spawn(&proc,
                              &(slk_spawn_t){.path = p->path,
                                             .argv = p->argv,
                                             .envp = (char *const *)env,
                                             .has_cpus = p->has_cpus,
                                             .cpus = p->cpus},
                              diag);
    free(env);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&child->owner->lock);
    child->proc = proc;
    child->oom = slk_oom_cnt();
    child->started = child->last_byte = slk_clock_seconds();
    if (child->state == SLK_CHILD_ENDING)
        slk_spawned_kill(&child->proc, SIGTERM);
    pthread_mutex_unlock(&child->owner->lock);
    return SLK_OK;
}

static void fail_start(slk_child_t *child, slk_err_t err, const slk_diag_t *why)
{
    slk_processor_t *p = child->owner;
    pthread_mutex_lock(&p->lock);
    while (child->pending) {
        slk_pending_t *at = child->pending;
        slk_fail(&at->diag, err, "%s processor: %s", p->kind.stage, why->text);
        finish_call(child, at, SLK_PROCESSOR_NOT_STARTED, err);
    }
    leave_processor(child);
    pthread_mutex_unlock(&p->lock);
}

/* Wait for bytes, for the end, for something to do. */
static void wait_for(slk_child_t *child)
{
    bool writes = child->proc.in >= 0 && child->queue_at < child->queue.len &&
                  child->state != SLK_CHILD_STARTING;
    struct pollfd fds[] = {
        {child->proc.out, POLLIN, 0},
        {child->proc.err, POLLIN, 0},
        {child->proc.pidfd, POLLIN, 0},
        {child->wake, POLLIN, 0},
        {writes ? child->proc.in : -1, POLLOUT, 0},
    };
    pthread_mutex_unlock(&child->owner->lock);
    poll(fds, SLK_COUNT(fds), TICK_MS);
    uint64_t unused;
    while (read(child->wake, &unused, sizeof unused) > 0)
        ;
    pthread_mutex_lock(&child->owner->lock);
}

/* Until the child has ended, or cannot be ended. */
static void look_after(slk_child_t *child, char *buf)
{
    slk_processor_t *p = child->owner;
    int status;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        wait_for(child);
        look_at_clock(child);
        if (child->state != SLK_CHILD_STARTING)
            write_queue(child);
        bool give_up = child->given_up && slk_clock_seconds() - child->given_up > GIVE_UP;
        pthread_mutex_unlock(&p->lock);
        if (slk_spawned_ended(&child->proc, &status)) {
            reap(child, status, buf);
            return;
        }
        if (give_up)
            break;
        read_some(child, &child->proc.err, buf);
        read_some(child, &child->proc.out, buf);
    }
    pthread_mutex_lock(&p->lock);
    fail_calls(child, NULL);
    leave_processor(child);
    pthread_mutex_unlock(&p->lock);
    while (!slk_spawned_ended(&child->proc, &status))
        poll(&(struct pollfd){child->proc.pidfd, POLLIN, 0}, 1, 5000);
}

static void *run(void *ctx)
{
    slk_child_t *child = ctx;
    slk_diag_t why = {""};
    char *buf = malloc(READ_SZ);
    slk_err_t err = buf ? start(child, &why) : slk_fail(&why, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK)
        look_after(child, buf);
    else
        fail_start(child, err, &why);
    free(buf);
    free_child(child);
    return NULL;
}

slk_err_t slk_child_start(slk_processor_t *p, slk_diag_t *diag)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    slk_child_t *child = calloc(1, sizeof *child);
    if (!child)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    *child = (slk_child_t){.owner = p,
                           .proc = {.pidfd = -1, .in = -1, .out = -1, .err = -1},
                           .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                           .started = slk_clock_seconds(),
                           .out_lines = {.max = SLK_PROCESSOR_LINE_MAX},
                           .err_lines = {.max = LOG_LINE_MAX}};
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    /* Also SIGPIPE, of writing to a child that is gone. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = child->wake < 0 ? errno : pthread_create(&thread, &attr, run, child);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc) {
        if (child->wake >= 0)
            close(child->wake);
        free(child);
        return slk_fail(diag, SLK_ERR_IO, "cannot start a thread for a processor: %s",
                        strerror(rc));
    }
    p->child = child;
    p->threads++;
    return SLK_OK;
}
