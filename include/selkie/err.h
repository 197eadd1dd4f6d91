#ifndef SELKIE_ERR_H
#define SELKIE_ERR_H

/* Errors of libselkie_proofs.
 *
 * Three kinds, never mixed: a bug of the caller aborts (SLK_ASSERT, in release builds too); trouble
 * with the world or the input is a slk_err_t, with a sentence in a slk_diag_t; the answer of a
 * verifier is a `bool *ok`, so that "not valid" is no error. */

#include <stddef.h>

#if defined(__GNUC__)
#define SLK_API          __attribute__((visibility("default")))
#define SLK_CHECK_RESULT __attribute__((warn_unused_result))
#define SLK_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SLK_API
#define SLK_CHECK_RESULT
#define SLK_PRINTF(f, a)
#endif

/* One row an error: number, name, text. Append only: the numbers reach other programs. */
#define SLK_ERR_LIST(X)                                                                            \
    X(0, OK, "ok")                                                                                 \
    X(-1, NOMEM, "out of memory")                                                                  \
    X(-2, IO, "input or output failed")                                                            \
    X(-3, NOSPACE, "no space left on the device or quota")                                         \
    X(-4, NOTFOUND, "file or folder not found")                                                    \
    X(-5, PERM, "permission denied")                                                               \
    X(-6, BUSY, "in use by another process")                                                       \
    X(-7, INPUT, "an argument is not acceptable")                                                  \
    X(-8, FORMAT, "malformed content")                                                             \
    X(-9, LENGTH, "wrong length")                                                                  \
    X(-10, DIGEST, "content differs from its recorded digest")                                     \
    X(-11, MISMATCH, "belongs to other inputs")                                                    \
    X(-12, FIELD, "not a canonical field element")                                                 \
    X(-13, UNSUPPORTED, "not available on this machine")                                           \
    X(-14, CANCELLED, "interrupted")                                                               \
    X(-15, PROOF, "a proof made here failed its own check")                                        \
    X(-16, STATE, "files are missing or not in the state this step needs")                         \
    X(-17, TIMEOUT, "no answer in time")

typedef enum {
#define SLK_ERR_ENUM(num, name, text) SLK_ERR_##name = (num),
    SLK_ERR_LIST(SLK_ERR_ENUM)
#undef SLK_ERR_ENUM
        SLK_OK = 0
} slk_err_t;

/* A sentence for the person who has to act: which file and field, what was expected, what was
 * found, what to do. Empty after success. */
typedef struct {
    char text[1536];
} slk_diag_t;

/* Text of the class of an error; never NULL. */
SLK_API const char *slk_err_text(slk_err_t err);

/* Write a printf-style sentence to diag (NULL: dropped) and return err, for `return slk_fail(...)`.
 */
SLK_API slk_err_t slk_fail(slk_diag_t *diag, slk_err_t err, const char *fmt, ...) SLK_PRINTF(3, 4);

/* The same for a failed system call on a file: appends the text of errno, and what to do where that
 * is known (no space, no permission, not found). The class follows errno. */
SLK_API slk_err_t slk_fail_errno(slk_diag_t *diag, const char *doing, const char *path);

#endif /* SELKIE_ERR_H */
