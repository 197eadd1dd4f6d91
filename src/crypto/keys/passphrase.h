#ifndef SLK_CRYPTO_KEYS_PASSPHRASE_H
#define SLK_CRYPTO_KEYS_PASSPHRASE_H

/* Where the keystore's passphrase comes from. */

#include "crypto/keys/key_file.h"

#define SLK_PASSPHRASE_MAX 1024 /* bytes */

/* Ask a person: write the answer and its length; SLK_ERR_CANCELLED when there is nobody. */
typedef slk_err_t (*slk_ask_t)(void *user, const char *question, char *answer, size_t cap,
                               size_t *len, slk_diag_t *diag);

/* The first that is set is taken: a file (its first line; mode 0600, or 0400), an environment variable
 * (emptied in the process after it was read), a question. */
typedef struct {
    const char *file, *variable;
    slk_ask_t ask;
    void *user;
} slk_passphrase_source_t;

/* Wipe it after use. */
typedef struct {
    char text[SLK_PASSPHRASE_MAX + 2];
    size_t len;
} slk_passphrase_buf_t;

/* SLK_ERR_INPUT: no source, or an empty passphrase. SLK_ERR_LENGTH: too long. Call it before threads
 * are started: it may change the environment. */
SLK_CHECK_RESULT slk_err_t slk_passphrase_get(slk_passphrase_buf_t *out,
                                              const slk_passphrase_source_t *source,
                                              const char *question, slk_diag_t *diag);

/* A question on the terminal (/dev/tty) without echo: an slk_ask_t; user is not used. */
slk_err_t slk_ask_terminal(void *user, const char *question, char *answer, size_t cap, size_t *len,
                           slk_diag_t *diag);

static inline slk_passphrase_t slk_passphrase_of(const slk_passphrase_buf_t *buf)
{
    return (slk_passphrase_t){buf->text, buf->len};
}

#endif /* SLK_CRYPTO_KEYS_PASSPHRASE_H */
