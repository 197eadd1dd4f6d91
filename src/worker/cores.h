#ifndef SLK_WORKER_CORES_H
#define SLK_WORKER_CORES_H

/* The CPUs that jobs share: each job gets those that the fewest others have. Any thread. */

#include "worker/isolation.h"

#include <pthread.h>
#include <stdint.h>

typedef struct {
    pthread_mutex_t mutex;
    unsigned cnt; /* of CPUs */
    uint16_t cpu[CPU_SETSIZE];
    uint16_t users[CPU_SETSIZE]; /* jobs that have cpu[i] */
} slk_cores_t;

/* A share of them: give it back by slk_cores_give. */
typedef struct {
    unsigned cnt;               /* CPUs; 0: nothing was taken */
    char text[6 * CPU_SETSIZE]; /* "0-3,8", as the kernel writes sets */
    uint16_t at[CPU_SETSIZE];   /* indices into cpu[] */
} slk_core_share_t;

/* list: "0-7"; NULL: all that this process may use. SLK_ERR_INPUT: malformed, or none of them may be
 * used. */
SLK_CHECK_RESULT slk_err_t slk_cores_init(slk_cores_t *cores, const char *list, slk_diag_t *diag);
void slk_cores_fini(slk_cores_t *cores);

/* `want` CPUs, 0 or too many: all. Those with the fewest users, of these the lowest in one row. */
void slk_cores_take(slk_core_share_t *share, slk_cores_t *cores, unsigned want);
void slk_cores_give(slk_core_share_t *share, slk_cores_t *cores);

#endif /* SLK_WORKER_CORES_H */
