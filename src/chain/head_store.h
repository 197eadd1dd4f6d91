#ifndef SLK_CHAIN_HEAD_STORE_H
#define SLK_CHAIN_HEAD_STORE_H

/* The tables `chain_head` (the tipsets applied and not reverted, at most SLK_FOLLOW_WINDOW) and
 * `chain_network` (which network they belong to): the memory of chain/head_follow.h.
 *
 * A step is stored and told to the listeners in one transaction. Whoever keeps his own state in the
 * same database thereby sees each apply and each revert exactly once, in order, whatever crashes. */

#include "chain/head_follow.h"
#include "store/db.h"

SLK_CHECK_RESULT slk_err_t slk_head_migrate(slk_db_t *db, slk_diag_t *diag);

/* Somebody who is told of every step. Other than SLK_OK rolls the step back. */
typedef struct {
    slk_err_t (*step)(void *ctx, slk_db_t *db, slk_change_type_t type, const slk_head_t *head,
                      slk_diag_t *diag);
    void *ctx;
} slk_head_listener_t;

/* Start a follower from what is stored. */
SLK_CHECK_RESULT slk_err_t slk_head_load(slk_db_t *db, slk_follow_t *follow, slk_diag_t *diag);

/* Store one step and tell the listeners, in a transaction of its own. */
SLK_CHECK_RESULT slk_err_t slk_head_store(slk_db_t *db, const slk_change_t *step,
                                          const slk_head_listener_t *listeners, size_t cnt,
                                          slk_diag_t *diag);

/* The genesis that this database belongs to: stored at the first call, compared later.
 * SLK_ERR_MISMATCH: another network. */
SLK_CHECK_RESULT slk_err_t slk_head_check_genesis(slk_db_t *db, const slk_tipset_key_t *genesis,
                                                  const char *network, slk_diag_t *diag);

/* Is this tipset one of those applied and not reverted? */
SLK_CHECK_RESULT slk_err_t slk_head_applied(slk_db_t *db, const slk_head_t *head, bool *applied,
                                            slk_diag_t *diag);

/* That genesis; length 0 before it is known. */
SLK_CHECK_RESULT slk_err_t slk_head_genesis(slk_db_t *db, slk_tipset_key_t *genesis,
                                            slk_diag_t *diag);

#endif /* SLK_CHAIN_HEAD_STORE_H */
