#ifndef SLK_WORKER_SPAWN_H
#define SLK_WORKER_SPAWN_H

/* Start a program with pipes at its three standard descriptors. */

#include "selkie/err.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    const char *path; /* file */
    char *const *argv, *const *envp;
    bool has_cpus;
    cpu_set_t cpus; /* to run on */
} slk_spawn_t;

/* All descriptors close on exec; out and err do not block when read, in does not when written. */
typedef struct {
    pid_t pid;
    int pidfd; /* readable when it has ended; -1: the kernel has none */
    int in, out, err;
} slk_spawned_t;

/* The child is in a session and process group of its own, all signals have their defaults and none
 * is blocked; it gets SIGTERM when the *thread* that called ends. Only async-signal-safe calls are
 * made between fork and exec, so that the process may have any threads. SLK_ERR_NOTFOUND, PERM, IO:
 * also what exec says. */
SLK_CHECK_RESULT slk_err_t slk_spawn(slk_spawned_t *out, const slk_spawn_t *spawn,
                                     slk_diag_t *diag);

/* Send a signal to the child and all that it started in its group. */
void slk_spawned_kill(const slk_spawned_t *child, int signal);

/* Whether it has ended; then *status is that of waitpid(). Not to be called again after that. */
bool slk_spawned_ended(const slk_spawned_t *child, int *status);

/* Close the descriptors that are open. */
void slk_spawned_close(slk_spawned_t *child);

/* The file that a name means: itself with a '/' in it, else looked for in PATH. SLK_ERR_NOTFOUND,
 * SLK_ERR_LENGTH. */
SLK_CHECK_RESULT slk_err_t slk_find_program(char out[4096], const char *name, slk_diag_t *diag);

#endif /* SLK_WORKER_SPAWN_H */
