#include "app/processor_serve.h"

#include "base/assert.h"
#include "worker/isolation.h"
#include "worker/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS      1000
#define STOP_SECONDS 60.0
#define RUNNING_MAX  256u
#define READ_SZ      65536u

typedef struct server server_t;

/* A request that is being worked on. */
typedef struct request {
    struct request *next;
    server_t *server;
    uint64_t id;
    char *text; /* of the task */
    size_t len;
    atomic_bool cancel;
    slk_progress_t *progress;
} request_t;

struct server {
    slk_serve_t opts;
    bool ours; /* progress is wanted */
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a request */
    request_t *running;   /* under lock */
    unsigned running_cnt;
    pthread_mutex_t out; /* a line on standard output is written in one piece */
    bool out_failed;     /* under out */
    slk_lines_t lines;
};

/* --- Signals -------------------------------------------------------------------------------- */

static int signal_fd = -1; /* eventfd */

static void on_signal(int number)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t ignored = write(signal_fd, &one, sizeof one);
    (void)ignored;
    (void)number;
    errno = saved;
}

static slk_err_t catch_signals(slk_diag_t *diag)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signal_fd < 0)
        return slk_fail(diag, SLK_ERR_IO, "cannot make an eventfd: %s", strerror(errno));
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return SLK_OK;
}

/* --- Answers -------------------------------------------------------------------------------- */

static void note(const server_t *server, uint64_t id, const char *what, const char *more)
{
    fprintf(stderr, "selkie processor %s: request %" PRIu64 ": %s%s%s\n", server->opts.stage->name,
            id, what, *more ? ": " : "", more);
}

/* A line that cannot be written has no reader: the parent is gone, which ends this, too. */
static void send_lines(server_t *server, slk_buf_t *buf)
{
    pthread_mutex_lock(&server->out);
    const uint8_t *at = buf->bytes, *end = at + buf->len;
    while (!server->out_failed && at < end) {
        ssize_t n = write(STDOUT_FILENO, at, (size_t)(end - at));
        if (n > 0)
            at += n;
        else if (errno != EINTR)
            server->out_failed = true;
    }
    pthread_mutex_unlock(&server->out);
}

static void send_error(server_t *server, uint64_t id, slk_err_t err, const char *text)
{
    slk_buf_t line = {0};
    note(server, id, "failed", text);
    slk_processor_put_error(&line, id, err, text, server->ours);
    send_lines(server, &line);
    slk_buf_free(&line);
}

static void answer(request_t *request, slk_err_t err, const slk_buf_t *output,
                   const slk_diag_t *diag)
{
    server_t *server = request->server;
    slk_buf_t line = {0};
    if (err == SLK_ERR_CANCELLED) {
        char text[sizeof diag->text + 16];
        snprintf(text, sizeof text, "cancelled%s%s", *diag->text ? ": " : "", diag->text);
        send_error(server, request->id, err, text);
        return;
    }
    if (err != SLK_OK) {
        send_error(server, request->id, err, *diag->text ? diag->text : slk_err_text(err));
        return;
    }
    slk_processor_put_output(&line, request->id, (const char *)output->bytes, output->len);
    if (line.failed) {
        send_error(server, request->id, SLK_ERR_NOMEM, "out of memory");
    } else if (line.len > SLK_PROCESSOR_LINE_MAX) {
        send_error(server, request->id, SLK_ERR_LENGTH,
                   "the output is too long for a line; ask for it as a file");
    } else {
        send_lines(server, &line);
        note(server, request->id, "done", "");
    }
    slk_buf_free(&line);
}

/* --- Requests ------------------------------------------------------------------------------- */

static void unlink_request(request_t *request)
{
    server_t *server = request->server;
    pthread_mutex_lock(&server->lock);
    request_t **at = &server->running;
    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    server->running_cnt--;
    pthread_cond_signal(&server->ended);
    pthread_mutex_unlock(&server->lock);
}

static void *run_request(void *ctx)
{
    request_t *request = ctx;
    const slk_serve_t *opts = &request->server->opts;
    slk_diag_t diag = {""};
    slk_buf_t output = {0};
    slk_pool_t *pool = NULL;
    slk_task_t task = {.text = {request->text, request->len},
                       .limits = {.memory = opts->memory},
                       .output = &output};
    slk_err_t err;
    SLK_TRY(slk_task_read(&task, opts->stage, &diag));
    SLK_TRY(slk_pool_new(&pool, opts->threads, &diag));
    task.job = (slk_job_t){.pool = pool, .progress = request->progress, .cancel = &request->cancel};
    SLK_TRY(opts->stage->run(&task, &diag));
    err = slk_buf_check(&output, &diag);
out:
    answer(request, err, &output, &diag);
    unlink_request(request);
    slk_pool_free(pool);
    json_decref(task.json);
    slk_buf_free(&output);
    slk_progress_free(request->progress);
    free(request->text);
    free(request);
    return NULL;
}

/* Under the lock. NULL: there is none. */
static request_t *find_running(const server_t *server, uint64_t id)
{
    request_t *request = server->running;
    while (request && request->id != id)
        request = request->next;
    return request;
}

static slk_err_t start_thread(request_t *request, slk_diag_t *diag)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, &attr, run_request, request);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc ? slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc)) : SLK_OK;
}

/* Under the lock. */
static slk_err_t begin(server_t *server, const slk_processor_request_t *asked, slk_diag_t *diag)
{
    if (find_running(server, asked->id))
        return slk_fail(diag, SLK_ERR_BUSY, "a request with this id is being worked on");
    if (server->running_cnt >= RUNNING_MAX)
        return slk_fail(diag, SLK_ERR_BUSY, "%u requests are being worked on, no more are taken",
                        RUNNING_MAX);
    request_t *request = calloc(1, sizeof *request);
    char *text = malloc(asked->task.len);
    slk_progress_t *progress = slk_progress_new();
    slk_err_t err =
        request && text && progress ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK) {
        memcpy(text, asked->task.at, asked->task.len);
        *request = (request_t){.next = server->running,
                               .server = server,
                               .id = asked->id,
                               .text = text,
                               .len = asked->task.len,
                               .progress = progress};
        err = start_thread(request, diag);
    }
    if (err != SLK_OK) {
        slk_progress_free(progress);
        free(text);
        free(request);
        return err;
    }
    server->running = request;
    server->running_cnt++;
    return SLK_OK;
}

static void on_line(void *ctx, char *text, size_t len, bool too_long)
{
    server_t *server = ctx;
    slk_processor_request_t asked = {0};
    slk_diag_t diag = {""};
    size_t blanks = 0;
    while (blanks < len && (text[blanks] == ' ' || text[blanks] == '\t' || text[blanks] == '\r'))
        blanks++;
    if (blanks == len)
        return;
    slk_err_t err = slk_processor_request_parse(&asked, text, len, &diag);
    if (too_long)
        err = slk_fail(&diag, SLK_ERR_LENGTH, "a line of more than %u bytes, or no memory for it",
                       SLK_PROCESSOR_LINE_MAX);
    pthread_mutex_lock(&server->lock);
    if (err == SLK_OK && asked.cancel) {
        request_t *request = find_running(server, asked.id);
        if (request)
            atomic_store(&request->cancel, true);
    } else if (err == SLK_OK) {
        err = begin(server, &asked, &diag);
    }
    pthread_mutex_unlock(&server->lock);
    if (err != SLK_OK && asked.has_id)
        send_error(server, asked.id, err, diag.text);
    else if (err != SLK_OK)
        fprintf(stderr, "selkie processor %s: a line that is no request: %s\n",
                server->opts.stage->name, diag.text);
}

/* --- Progress ------------------------------------------------------------------------------- */

static void send_progress(server_t *server)
{
    slk_buf_t lines = {0};
    pthread_mutex_lock(&server->lock);
    for (request_t *at = server->running; at; at = at->next) {
        slk_progress_view_t view;
        slk_progress_view(at->progress, &view);
        slk_processor_put_progress(&lines, at->id, &view);
    }
    pthread_mutex_unlock(&server->lock);
    if (lines.len && !lines.failed)
        send_lines(server, &lines);
    slk_buf_free(&lines);
}

static void *tell_progress(void *ctx)
{
    server_t *server = ctx;
    for (;;) {
        struct timespec second = {TICK_MS / 1000, 0};
        nanosleep(&second, NULL);
        send_progress(server);
        pthread_mutex_lock(&server->out);
        bool failed = server->out_failed;
        pthread_mutex_unlock(&server->out);
        if (failed)
            return NULL;
    }
}

static slk_err_t start_progress(server_t *server, slk_diag_t *diag)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, tell_progress, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
    pthread_detach(thread);
    return SLK_OK;
}

/* --- The loop ------------------------------------------------------------------------------- */

static void greet(server_t *server)
{
    slk_buf_t line = {0};
    slk_json_putf(&line, "%s" SLK_PROCESSOR_READY "\n", server->opts.stage->name);
    if (server->ours)
        slk_processor_put_hello(&line);
    send_lines(server, &line);
    slk_buf_free(&line);
}

/* Until there is a reason to end; which it is. */
static const char *serve_lines(server_t *server, char *buf, pid_t parent)
{
    for (;;) {
        struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signal_fd, POLLIN, 0}};
        int ready = poll(fds, SLK_COUNT(fds), TICK_MS);
        if (getppid() != parent)
            return "the process that started it is gone";
        if (ready > 0 && fds[1].revents)
            return "a signal asks to end";
        if (ready <= 0 || !fds[0].revents)
            continue;
        ssize_t n = read(STDIN_FILENO, buf, READ_SZ);
        if (n == 0)
            return "standard input has ended";
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return "standard input cannot be read";
        if (n > 0)
            slk_lines_feed(&server->lines, buf, (size_t)n, on_line, server);
    }
}

/* Cancel what runs and wait for it. False: something does not stop. */
static bool stop_all(server_t *server)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)STOP_SECONDS;
    int rc = 0;
    pthread_mutex_lock(&server->lock);
    for (request_t *at = server->running; at; at = at->next)
        atomic_store(&at->cancel, true);
    while (server->running_cnt && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&server->ended, &server->lock, &until);
    bool stopped = !server->running_cnt;
    pthread_mutex_unlock(&server->lock);
    return stopped;
}

static void warn(const char *text)
{
    fprintf(stderr, "selkie processor: %s; goes on without\n", text);
}

static server_t *new_server(const slk_serve_t *serve)
{
    const char *progress = getenv(SLK_PROCESSOR_ENV_PROGRESS);
    pthread_condattr_t attr;
    server_t *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->opts = *serve;
    server->ours = progress && strcmp(progress, "1") == 0;
    server->lines.max = SLK_PROCESSOR_LINE_MAX;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->out, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&server->ended, &attr);
    pthread_condattr_destroy(&attr);
    return server;
}

slk_err_t slk_processor_serve(const slk_serve_t *serve, slk_diag_t *diag)
{
    pid_t parent = getppid();
    slk_cgroup_t cgroup;
    slk_err_t err = slk_isolate_from_env(&cgroup, warn, diag);
    if (err != SLK_OK)
        return err;
    server_t *server = new_server(serve);
    char *buf = malloc(READ_SZ);
    if (!server || !buf) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(catch_signals(diag));
    greet(server);
    if (server->ours)
        SLK_TRY(start_progress(server, diag));
    const char *why = serve_lines(server, buf, parent);
    fprintf(stderr, "selkie processor %s: ends: %s\n", serve->stage->name, why);
    bool stopped = stop_all(server);
    slk_cgroup_leave(&cgroup);
    /* Threads are left: that of the progress, those that a disk holds. They use `server` until the
     * process is gone, and it goes now. */
    if (!stopped)
        fprintf(stderr, "selkie processor %s: a task does not stop\n", serve->stage->name);
    fflush(stderr);
    _exit(stopped ? 0 : 1);
out:
    slk_cgroup_leave(&cgroup);
    free(buf);
    free(server);
    return err;
}
