#ifndef SLK_NET_TOKEN_H
#define SLK_NET_TOKEN_H

/* Bearer tokens as Lotus makes them: JWT with HS256 over {"Allow":["read",...]}, without expiry. A token
 * of ours may also have "ID" and "Name", so that it can be listed and revoked by whoever keeps the list.
 *
 * A token is a secret: no function here puts one, or a part of one, into a message. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Rights. What a caller may do is a set of them; each includes nothing of the others, so a token of
 * level "sign" carries read, write and sign. */
#define SLK_PERM_NONE  0u
#define SLK_PERM_READ  1u
#define SLK_PERM_WRITE 2u
#define SLK_PERM_SIGN  4u
#define SLK_PERM_ADMIN 8u
#define SLK_PERM_WORKER                                                                            \
    16u /* ours: what a worker asks of its manager; in no level, includes nothing */
#define SLK_PERM_CNT 5
typedef uint32_t slk_perms_t;

/* Name of one right ("sign"); it must be one. */
const char *slk_perm_name(slk_perms_t perm);

/* The right of that name, SLK_PERM_NONE for another text. */
slk_perms_t slk_perm_from_name(const char *name);

/* The rights that a token of this level carries: it and all below it; "worker" is that alone. */
slk_perms_t slk_perms_upto(slk_perms_t level);

#define SLK_TOKEN_KEY_MAX  256
#define SLK_TOKEN_TEXT_MAX 1024 /* longer ones are refused unread */

/* The secret that signs tokens. */
typedef struct {
    uint8_t bytes[SLK_TOKEN_KEY_MAX];
    uint32_t len; /* at least 16 */
} slk_token_key_t;

/* 32 fresh random bytes. */
SLK_CHECK_RESULT slk_err_t slk_token_key_new(slk_token_key_t *key, slk_diag_t *diag);

/* Read the key of a file, or make key and file (mode 0600, complete or not there at all; of
 * several processes that do this at once, one makes it and all read the same). The file is JSON as
 * in Lotus' keystore: {"Type":"jwt-hmac-secret","PrivateKey":base64}. */
SLK_CHECK_RESULT slk_err_t slk_token_key_load(slk_token_key_t *key, const char *path,
                                              slk_diag_t *diag);

/* Overwrite the secret. */
void slk_token_key_wipe(slk_token_key_t *key);

/* Text of a token with these rights, NUL-terminated. */
void slk_token_new(char out[SLK_TOKEN_TEXT_MAX], const slk_token_key_t *key, slk_perms_t perms);

#define SLK_TOKEN_ID_MAX   40 /* with the NUL */
#define SLK_TOKEN_NAME_MAX 64

/* What a token says. */
typedef struct {
    slk_perms_t perms;
    char id[SLK_TOKEN_ID_MAX];     /* [0-9A-Za-z-]; empty: none, as of Lotus */
    char name[SLK_TOKEN_NAME_MAX]; /* UTF-8, for people; goes with an id only */
} slk_token_claims_t;

/* Text of a token with an id. SLK_ERR_INPUT: the id has other characters, the name is no UTF-8. */
SLK_CHECK_RESULT slk_err_t slk_token_sign(char out[SLK_TOKEN_TEXT_MAX], const slk_token_key_t *key,
                                          const slk_token_claims_t *claims, slk_diag_t *diag);

/* As slk_token_verify, with all that the token says. */
SLK_CHECK_RESULT slk_err_t slk_token_read(slk_token_claims_t *claims, const slk_token_key_t *key,
                                          const char *text, size_t len, slk_diag_t *diag);

/* Check a token and give its rights (unknown names in it count for nothing). SLK_ERR_PERM with the
 * text that Lotus gives ("jwt: malformed token", "jwt: HMAC verification failed"). Time does not
 * depend on how much of the signature agrees. Thread-safe. */
SLK_CHECK_RESULT slk_err_t slk_token_verify(slk_perms_t *perms, const slk_token_key_t *key,
                                            const char *text, size_t len, slk_diag_t *diag);

#endif /* SLK_NET_TOKEN_H */
