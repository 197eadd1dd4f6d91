#ifndef SLK_WORKER_OOM_H
#define SLK_WORKER_OOM_H

/* Whether the kernel killed somebody for memory. */

#include <stdbool.h>
#include <stdint.h>

/* How many it killed so far: in the cgroup of this process and those below, on the machine. 0 where
 * that is not to be read. */
typedef struct {
    uint64_t group, machine;
} slk_oom_cnt_t;

slk_oom_cnt_t slk_oom_cnt(void);

/* Whether one of both grew. */
bool slk_oom_since(const slk_oom_cnt_t *before);

#endif /* SLK_WORKER_OOM_H */
