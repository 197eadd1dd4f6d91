#ifndef SLK_PROOFS_VANILLA_FAULT_H
#define SLK_PROOFS_VANILLA_FAULT_H

/* The first trouble of a parallel loop, "first" by position so that the answer does not depend on
 * threads. */

#include "selkie/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    pthread_mutex_t lock;
    bool found;
    uint64_t at;   /* position of the trouble */
    slk_err_t err; /* SLK_OK: the answer of a verifier is no */
    slk_diag_t diag;
} slk_fault_t;

static inline void slk_fault_init(slk_fault_t *fault)
{
    pthread_mutex_init(&fault->lock, NULL);
    fault->found = false;
    fault->err = SLK_OK;
    fault->diag.text[0] = 0;
}

static inline void slk_fault_fini(slk_fault_t *fault)
{
    pthread_mutex_destroy(&fault->lock);
}

static inline void slk_fault_put(slk_fault_t *fault, uint64_t at, slk_err_t err,
                                 const slk_diag_t *diag)
{
    pthread_mutex_lock(&fault->lock);
    if (!fault->found || at < fault->at) {
        fault->found = true;
        fault->at = at;
        fault->err = err;
        fault->diag = *diag;
    }
    pthread_mutex_unlock(&fault->lock);
}

/* Whether work at this position is in vain because of trouble before it. */
static inline bool slk_fault_before(slk_fault_t *fault, uint64_t at)
{
    pthread_mutex_lock(&fault->lock);
    bool before = fault->found && fault->at < at;
    pthread_mutex_unlock(&fault->lock);
    return before;
}

#endif /* SLK_PROOFS_VANILLA_FAULT_H */
