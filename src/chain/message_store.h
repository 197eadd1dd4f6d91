#ifndef SLK_CHAIN_MESSAGE_STORE_H
#define SLK_CHAIN_MESSAGE_STORE_H

/* The tables `message` and `message_attempt`.
 *
 * Whoever wants a message sent calls slk_message_add in the transaction that makes him want it: the
 * row then exists exactly when his own state says so, and its key makes that harmless to repeat. The
 * sender (chain/sender.h) alone moves rows on. Connections as in store/db.h. */

#include "chain/message.h"
#include "store/db.h"

SLK_CHECK_RESULT slk_err_t slk_message_migrate(slk_db_t *db, slk_diag_t *diag);

/* Add a message, or find it: a key that is there already with the same content gives its id again.
 * SLK_ERR_MISMATCH: the key stands for another message, or an unfinished message of this sender is
 * sent in the other nonce mode. SLK_ERR_INPUT: out of range. */
SLK_CHECK_RESULT slk_err_t slk_message_add(slk_db_t *db, const slk_message_want_t *want,
                                           int64_t now_ms, int64_t *id, slk_diag_t *diag);

/* Load a row; free it with slk_message_row_free. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_message_load(slk_db_t *db, int64_t id, slk_message_row_t *row,
                                            slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_message_find(slk_db_t *db, const char *key, slk_message_row_t *row,
                                            slk_diag_t *diag);
/* By the CID of any attempt or of what landed. */
SLK_CHECK_RESULT slk_err_t slk_message_find_cid(slk_db_t *db, const slk_cid_t *cid,
                                                slk_message_row_t *row, slk_diag_t *diag);

/* Ids in ascending order, above `after`: of unfinished messages, or of all. At most max. */
SLK_CHECK_RESULT slk_err_t slk_message_ids(slk_db_t *db, bool unfinished, int64_t after,
                                           int64_t *ids, size_t max, size_t *cnt, slk_diag_t *diag);

/* Write back what the machine changes; bytes (NULL: none): a new attempt's SignedMessage. In a
 * transaction. SLK_ERR_MISMATCH: the nonce belongs to another row. */
SLK_CHECK_RESULT slk_err_t slk_message_save(slk_db_t *db, const slk_message_row_t *row,
                                            const void *bytes, size_t len, int64_t now_ms,
                                            slk_diag_t *diag);

/* The SignedMessage of an attempt, 1 the first; to be freed. */
SLK_CHECK_RESULT slk_err_t slk_message_attempt(slk_db_t *db, int64_t id, int64_t attempt,
                                               uint8_t **bytes, size_t *len, slk_diag_t *diag);
/* CIDs of the attempts, newest first; at most SLK_MESSAGE_ATTEMPTS_MAX. */
SLK_CHECK_RESULT slk_err_t slk_message_cids(slk_db_t *db, int64_t id, slk_cid_t *cids, size_t *cnt,
                                            slk_diag_t *diag);

/* The largest nonce that any row of this signer has. */
SLK_CHECK_RESULT slk_err_t slk_message_last_nonce(slk_db_t *db, const slk_address_t *signer,
                                                  bool *found, uint64_t *nonce, slk_diag_t *diag);

/* Ask for a higher fee now, up to max_fee (NULL: as it was). With max_fee, one that no pool has taken yet may
 * cost so much from its next try on. SLK_ERR_STATE: not in a pool, or over. */
SLK_CHECK_RESULT slk_err_t slk_message_replace(slk_db_t *db, int64_t id,
                                               const slk_bigint_t *max_fee, slk_diag_t *diag);

/* Take back a message of which nothing has left: it becomes Refused. SLK_ERR_STATE otherwise. */
SLK_CHECK_RESULT slk_err_t slk_message_cancel(slk_db_t *db, int64_t id, slk_diag_t *diag);

/* A tipset of this height was reverted: what had landed in it has not. In the transaction of the
 * revert. */
SLK_CHECK_RESULT slk_err_t slk_message_revert_all(slk_db_t *db, int64_t height, int64_t now_ms,
                                                  slk_diag_t *diag);

#endif /* SLK_CHAIN_MESSAGE_STORE_H */
