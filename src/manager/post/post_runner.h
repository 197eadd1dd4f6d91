#ifndef SLK_MANAGER_POST_POST_RUNNER_H
#define SLK_MANAGER_POST_POST_RUNNER_H

/* Proves the sectors of all miners in their deadlines: one thread of its own, beside those that seal, so that
 * no amount of sealing work keeps it waiting. At each new head it looks at the deadline that is open and at the
 * next one, asks manager/post/schedule.h what is to be done, and does it:
 *
 *   a job "WDP" for each partition -> its proof, verified here again -> SubmitWindowedPoSt -> landed
 *
 * and declares faults recovered that can be read again (two deadlines ahead; check.h). What was done is a row in
 * post_partition (post_store.h), written in the transaction that adds the job or the message: kill -9 at any
 * time loses nothing, and the next start goes on with what is proven. A miner is proven where [Proving]
 * Enabled holds; whether it is sealed for does not matter. */

#include "manager/runner.h"
#include "net/token.h"

typedef struct slk_poster slk_poster_t;

/* runner: for worlds (slk_runner_world); it must live longer, as transfer_key, that of the workers. The others as
 * in slk_runner_opts_t. */
SLK_CHECK_RESULT slk_err_t slk_poster_start(slk_poster_t **poster, const slk_runner_opts_t *opts,
                                            slk_runner_t *runner,
                                            const slk_token_key_t *transfer_key, slk_diag_t *diag);
/* After slk_runner_stop, which ends calls of nodes that wait. Wakes do nothing from now on. NULL is a no-op. */
void slk_poster_stop(slk_poster_t *poster);
/* When nobody is left who could wake it. NULL is a no-op. */
void slk_poster_free(slk_poster_t *poster);

/* A head, a job of no sector, or a message has changed. Any thread, also inside of transactions. NULL is a
 * no-op. */
void slk_poster_wake(slk_poster_t *poster);

/* What troubles the proving of a miner as a whole; "" where nothing does. Any thread. */
void slk_poster_trouble(slk_poster_t *poster, uint64_t miner, char *out, size_t cap);

#endif /* SLK_MANAGER_POST_POST_RUNNER_H */
