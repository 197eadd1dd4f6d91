#ifndef SLK_PROOFS_VANILLA_VERIFIER_H
#define SLK_PROOFS_VANILLA_VERIFIER_H

/* Verification of proof records in batches, each thread with its own verifier: scratch memory, and
 * a memory of the tree nodes hashed before. Source: spec/proofs-vanilla-2.md 8.6. */

#include "proofs/vanilla/vanilla_layout.h"
#include "selkie/vanilla.h"

#include <pthread.h>

#define SLK_VERIFY_BATCH_MAX 32u /* records at a time */

/* --- One thread ----------------------------------------------------------------------------- */

typedef struct slk_verifier slk_verifier_t;

/* graph, porep and pub are borrowed. record_cnt: about how many records will be verified, for the
 * size of the memory of nodes (at most 20 MiB). */
SLK_CHECK_RESULT slk_err_t slk_verifier_new(slk_verifier_t **out, const slk_graph_t *graph,
                                            const slk_porep_t *porep,
                                            const slk_vanilla_public_t *pub, uint64_t record_cnt,
                                            slk_diag_t *diag);
void slk_verifier_free(slk_verifier_t *verifier);

/* Whether cnt <= SLK_VERIFY_BATCH_MAX records answer their challenges; `first` is the number of the
 * first of them in the sentence. Does not look at comm_r. */
bool slk_verifier_run(slk_verifier_t *verifier, const uint64_t *challenges, const uint8_t *records,
                      size_t cnt, uint64_t first, slk_diag_t *diag);

/* --- A set for the threads of a pool --------------------------------------------------------- */

typedef struct {
    pthread_mutex_t lock;
    slk_verifier_t **idle; /* stack */
    unsigned cnt, idle_cnt;
} slk_verifier_set_t;

/* cnt verifiers that share the work on record_cnt records. After an error the set needs no fini. */
SLK_CHECK_RESULT slk_err_t slk_verifier_set_init(slk_verifier_set_t *set, unsigned cnt,
                                                 const slk_graph_t *graph, const slk_porep_t *porep,
                                                 const slk_vanilla_public_t *pub,
                                                 uint64_t record_cnt, slk_diag_t *diag);
void slk_verifier_set_fini(slk_verifier_set_t *set);

/* Borrow one; there are as many as threads, so there always is one. */
slk_verifier_t *slk_verifier_take(slk_verifier_set_t *set);
void slk_verifier_give(slk_verifier_set_t *set, slk_verifier_t *verifier);

/* --- Commitments ---------------------------------------------------------------------------- */

/* Whether all are canonical and comm_r is the hash of comm_c and comm_r_last. */
bool slk_verify_public(const slk_vanilla_public_t *pub, slk_diag_t *diag);

#endif /* SLK_PROOFS_VANILLA_VERIFIER_H */
