#ifndef SLK_WORKER_ISOLATION_H
#define SLK_WORKER_ISOLATION_H

/* Where a processor runs: CPUs, cgroup, NUMA node. Source: spec/damocles.md 6.3.
 *
 * damocles' variables, which a processor applies to itself when it starts, so that any processor
 * under any parent understands them:
 *   VC_CG_NAME                  cgroup to make and to join, "vc-worker/sub-pc1-4711-0"
 *   VC_CG_CPUSET                its CPUs, "0-7,16"
 *   VENUS_WORKER_NUMA_PREFERRED node whose memory is used first
 * and ours, which needs no rights:
 *   SELKIE_PROCESSOR_CPUS       CPUs to run on */

#include "selkie/err.h"

#include <sched.h>
#include <stdbool.h>

#define SLK_ENV_CGROUP      "VC_CG_NAME"
#define SLK_ENV_CGROUP_CPUS "VC_CG_CPUSET"
#define SLK_ENV_NUMA        "VENUS_WORKER_NUMA_PREFERRED"
#define SLK_ENV_CPUS        "SELKIE_PROCESSOR_CPUS"

/* "0-3,8" as the kernel writes CPU sets. SLK_ERR_INPUT: malformed, empty, a CPU of CPU_SETSIZE or
 * above; what: the text's name in the message. */
SLK_CHECK_RESULT slk_err_t slk_cpu_list_parse(cpu_set_t *out, const char *text, const char *what,
                                              slk_diag_t *diag);

/* A cgroup that this process made and joined. */
typedef struct {
    char dir[4096]; /* "": none */
} slk_cgroup_t;

/* Make the cgroup `name` of the cpuset controller, version 1 or 2, give it the CPUs, and move this
 * process into it. name: folders below the root of cgroups, no "..". SLK_ERR_INPUT, PERM, IO,
 * UNSUPPORTED: no such controller; then nothing has changed. */
SLK_CHECK_RESULT slk_err_t slk_cgroup_join(slk_cgroup_t *out, const char *name, const char *cpus,
                                           slk_diag_t *diag);

/* Room for the name of a cgroup. */
#define SLK_CGROUP_NAME_SZ 1280u

/* Remove one of this name in which there is no process any more. What fails is left to the system. */
void slk_cgroup_remove(const char *name);

/* Leave it for its parent and remove it; harmless on a zeroed one. What fails is left to the system. */
void slk_cgroup_leave(slk_cgroup_t *cgroup);

/* Prefer the memory of a node for all that this thread and those it makes allocate from now on. */
SLK_CHECK_RESULT slk_err_t slk_numa_prefer(const char *node, slk_diag_t *diag);

/* All of the variables above that are set. What is not allowed or not possible here is told with a
 * warning and left out; a malformed one is SLK_ERR_INPUT. */
typedef void slk_warn_fn_t(const char *text);
SLK_CHECK_RESULT slk_err_t slk_isolate_from_env(slk_cgroup_t *out, slk_warn_fn_t *warn,
                                                slk_diag_t *diag);

#endif /* SLK_WORKER_ISOLATION_H */
