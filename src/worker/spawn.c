#include "worker/spawn.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* pipe2 with both ends above the standard descriptors, which the child's end is going to replace. */
static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC)) {
        ends[0] = ends[1] = -1;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2)
            continue;
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        close(ends[i]);
        ends[i] = moved;
    }
    return ends[0] >= 0 && ends[1] >= 0;
}

static void close_both(int ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
}

/* --- Between fork and exec ------------------------------------------------------------------ */

/* Nobody else's descriptors: one that was opened without O_CLOEXEC, by whatever library. */
static void close_on_exec(void)
{
    enum { CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h */
    if (syscall(SYS_close_range, 3U, ~0U, CLOEXEC) == 0)
        return;
    for (int fd = 3; fd < 4096; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The kernel had better kill it than the process that can start it again. */
static void prefer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t ignored = write(fd, "500", 3);
        (void)ignored;
        close(fd);
    }
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&action.sa_mask);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void become(const slk_spawn_t *spawn, pid_t parent, int in,
                                             int out, int err, int report)
{
    setsid();
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it ended before the line above */
        _exit(127);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2) {
        close_on_exec();
        prefer_for_oom();
        if (!spawn->has_cpus || sched_setaffinity(0, sizeof spawn->cpus, &spawn->cpus) == 0)
            execve(spawn->path, spawn->argv, spawn->envp);
    }
    int failed = errno;
    ssize_t ignored = write(report, &failed, sizeof failed);
    (void)ignored;
    _exit(127);
}

/* --- The parent ----------------------------------------------------------------------------- */

/* What exec said; the pipe closes without a word when it went well. */
static slk_err_t await_exec(int report, pid_t pid, const slk_spawn_t *spawn, slk_diag_t *diag)
{
    int failed = 0;
    ssize_t n;
    while ((n = read(report, &failed, sizeof failed)) < 0 && errno == EINTR)
        ;
    if (n != sizeof failed)
        return SLK_OK;
    waitpid(pid, NULL, 0);
    errno = failed;
    return slk_fail_errno(diag, "run", spawn->path);
}

static void no_block(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

slk_err_t slk_spawn(slk_spawned_t *out, const slk_spawn_t *spawn, slk_diag_t *diag)
{
    int in[2] = {-1, -1}, back[2] = {-1, -1}, errors[2] = {-1, -1}, report[2] = {-1, -1};
    slk_err_t err = SLK_OK;
    *out = (slk_spawned_t){.pidfd = -1, .in = -1, .out = -1, .err = -1};
    if (!make_pipe(in) || !make_pipe(back) || !make_pipe(errors) || !make_pipe(report)) {
        err = slk_fail_errno(diag, "make pipes for", spawn->path);
        goto out;
    }
    pid_t parent = getpid();
    /* A signal between fork and exec would run a handler of this process in the child. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    out->pid = fork();
    if (out->pid == 0)
        become(spawn, parent, in[0], back[1], errors[1], report[1]);
    int failed = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    if (out->pid < 0) {
        err = slk_fail_errno(diag, "start", spawn->path);
        goto out;
    }
    close(report[1]);
    report[1] = -1;
    SLK_TRY(await_exec(report[0], out->pid, spawn, diag));
    out->pidfd = (int)syscall(SYS_pidfd_open, out->pid, 0);
    out->in = in[1];
    out->out = back[0];
    out->err = errors[0];
    no_block(out->in);
    no_block(out->out);
    no_block(out->err);
    in[1] = back[0] = errors[0] = -1;
out:
    close_both(in);
    close_both(back);
    close_both(errors);
    close_both(report);
    return err;
}

void slk_spawned_kill(const slk_spawned_t *child, int signal)
{
    if (kill(-child->pid, signal))
        kill(child->pid, signal);
}

bool slk_spawned_ended(const slk_spawned_t *child, int *status)
{
    return waitpid(child->pid, status, WNOHANG) == child->pid;
}

void slk_spawned_close(slk_spawned_t *child)
{
    int *const fds[] = {&child->pidfd, &child->in, &child->out, &child->err};
    for (size_t i = 0; i < SLK_COUNT(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

slk_err_t slk_find_program(char out[4096], const char *name, slk_diag_t *diag)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/')) {
        if ((size_t)snprintf(out, 4096, "%s", name) >= 4096)
            return slk_fail(diag, SLK_ERR_LENGTH, "%.100s...: the path is too long", name);
        return access(out, X_OK) ? slk_fail_errno(diag, "run", out) : SLK_OK;
    }
    while (path && *path) {
        size_t len = strcspn(path, ":");
        if (len && (size_t)snprintf(out, 4096, "%.*s/%s", (int)len, path, name) < 4096 &&
            access(out, X_OK) == 0)
            return SLK_OK;
        path += len + (path[len] == ':');
    }
    return slk_fail(diag, SLK_ERR_NOTFOUND, "%.200s: no such program in PATH", name);
}
