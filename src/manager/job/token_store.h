#ifndef SLK_MANAGER_JOB_TOKEN_STORE_H
#define SLK_MANAGER_JOB_TOKEN_STORE_H

/* The tokens that were given out, and which of them are still good: table `token`. The text of a
 * token is given once and kept nowhere.
 *
 * A token with an id is good while its row is there and not revoked; one without an id (made by
 * Lotus, or by this program before it had a database) is good for ever: it ends with the key
 * that signed it. */

#include "net/token.h"
#include "store/db.h"

#include <jansson.h>

typedef struct slk_token_store slk_token_store_t;

/* Open the database at `where` (store/db.h). key is copied. */
SLK_CHECK_RESULT slk_err_t slk_token_store_open(slk_token_store_t **store, const char *where,
                                                const slk_token_key_t *key, slk_diag_t *diag);
/* After the HTTP server that asks it. NULL is a no-op. */
void slk_token_store_close(slk_token_store_t *store);

/* Make a token; its row is on the disk before. name: for people, need not be the only one. out is a
 * secret. id (may be NULL) is what revokes it. */
SLK_CHECK_RESULT slk_err_t slk_token_store_make(slk_token_store_t *store, const char *name,
                                                slk_perms_t perms, int64_t now_ms,
                                                char out[SLK_TOKEN_TEXT_MAX],
                                                char id[SLK_TOKEN_ID_MAX], slk_diag_t *diag);

/* From now on it is refused; twice is once. By its id. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_token_store_revoke(slk_token_store_t *store, const char *id,
                                                  int64_t now_ms, slk_diag_t *diag);

/* [{"ID","Name","Allow":[...],"Created": ms,"Revoked": ms or null}], oldest first; the caller's. */
SLK_CHECK_RESULT slk_err_t slk_token_store_list(slk_token_store_t *store, json_t **list,
                                                slk_diag_t *diag);

/* For slk_http_server_opts_t.token_ok, ctx the store: from memory, any thread. What another process
 * revoked is known after at most ten seconds. */
bool slk_token_store_ok(void *ctx, const slk_token_claims_t *claims);

#endif /* SLK_MANAGER_JOB_TOKEN_STORE_H */
