#include "app/children.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS    10000 /* an end earlier than that after the start counts as a failed start */
#define DEATHS_MAX 10

extern char **environ;

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Signals at their defaults, none blocked: whatever our own threads have set. */
static void plain_signals(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
}

/* log NULL: our outputs, results dropped. A group of its own keeps the terminal's signals for us, who end
 * the roles in the right order. */
static int spawn(pid_t *pid, const char *const *args, const char *log)
{
    char *argv[SLK_CHILD_ARGS_MAX + 2] = {(char *)(uintptr_t) "selkie"};
    size_t cnt = 0;
    for (; args[cnt]; cnt++) {
        SLK_ASSERT(cnt < SLK_CHILD_ARGS_MAX);
        argv[cnt + 1] = (char *)(uintptr_t)args[cnt];
    }
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&files);
    plain_signals(&attr);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (log) {
        flags |= POSIX_SPAWN_SETPGROUP;
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND,
                                         0600);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    }
    posix_spawnattr_setflags(&attr, flags);
    int rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return rc;
}

slk_err_t slk_role_start(slk_role_t *child, slk_diag_t *diag)
{
    int rc = spawn(&child->pid, child->args, child->log);
    if (rc != 0) {
        child->pid = 0;
        return slk_fail(diag, SLK_ERR_IO, "cannot start the %s: %s", child->name, strerror(rc));
    }
    child->started_ms = clock_ms();
    child->again_ms = 0;
    return SLK_OK;
}

static void tell_status(char *out, size_t cap, const char *name, int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, cap, "the %s was ended by signal %d (%s)", name, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, cap, "the %s ended with status %d", name, WEXITSTATUS(status));
}

slk_err_t slk_role_watch(slk_role_t *child, char why[256], slk_diag_t *diag)
{
    int status;
    int64_t now = clock_ms();
    why[0] = 0;
    if (!child->pid)
        return child->again_ms && now >= child->again_ms ? slk_role_start(child, diag) : SLK_OK;
    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return SLK_OK;
    child->pid = 0;
    tell_status(why, 256, child->name, status);
    /* Who was killed from outside is not at fault. */
    bool killed =
        WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
    child->deaths = killed ? 0 : now - child->started_ms < SOON_MS ? child->deaths + 1 : 1;
    if (child->deaths >= DEATHS_MAX)
        return slk_fail(diag, SLK_ERR_STATE, "%s, for the %uth time soon after its start; see %s",
                        why, child->deaths, child->log);
    int64_t pause = (int64_t)100 << (child->deaths < 7 ? child->deaths : 7);
    child->again_ms = now + (pause < 10000 ? pause : 10000);
    return SLK_OK;
}

void slk_role_stop(slk_role_t *child, unsigned seconds)
{
    int64_t until = clock_ms() + (int64_t)seconds * 1000;
    if (!child->pid)
        return;
    kill(child->pid, SIGTERM);
    while (waitpid(child->pid, NULL, WNOHANG) == 0) {
        if (clock_ms() >= until)
            kill(child->pid, SIGKILL);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
    child->pid = 0;
    child->again_ms = 0;
}

slk_err_t slk_program_call(const char *const *args, slk_diag_t *diag)
{
    pid_t pid;
    int status = 0, rc = spawn(&pid, args, NULL);
    if (rc != 0)
        return slk_fail(diag, SLK_ERR_IO, "cannot start selkie %s: %s", args[0], strerror(rc));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return SLK_OK;
    char what[64], why[256];
    snprintf(what, sizeof what, "selkie %s %s", args[0], args[1] ? args[1] : "");
    tell_status(why, sizeof why, what, status);
    return slk_fail(diag, SLK_ERR_STATE, "%s", why);
}
