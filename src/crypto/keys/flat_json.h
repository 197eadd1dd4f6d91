#ifndef SLK_CRYPTO_KEYS_FLAT_JSON_H
#define SLK_CRYPTO_KEYS_FLAT_JSON_H

/* A reader of JSON objects of plain strings and whole numbers, as key files are. It points into the
 * caller's text and copies nothing, so that a secret stays where it can be wiped. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *name; /* expected member; set by the caller */
    bool number;      /* a whole number without sign, else a string */
    bool optional;
    const char *text; /* what was read, NULL: absent; not NUL-terminated */
    size_t len;
} slk_flat_field_t;

/* Read an object of these members in any order, with white space around it, and nothing else. Strings
 * are printable ASCII without escapes. SLK_ERR_FORMAT otherwise; what: names the text in messages,
 * which show no value. */
SLK_CHECK_RESULT slk_err_t slk_flat_json(slk_flat_field_t *fields, size_t cnt, const char *text,
                                         size_t len, const char *what, slk_diag_t *diag);

/* The field's text is this. */
bool slk_flat_is(const slk_flat_field_t *field, const char *text);

/* The number of a number field. SLK_ERR_FORMAT above max. */
SLK_CHECK_RESULT slk_err_t slk_flat_number(const slk_flat_field_t *field, uint64_t max,
                                           uint64_t *out, const char *what, slk_diag_t *diag);

/* The len bytes of a field in hex. SLK_ERR_FORMAT otherwise. */
SLK_CHECK_RESULT slk_err_t slk_flat_hex(const slk_flat_field_t *field, void *out, size_t len,
                                        const char *what, slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_FLAT_JSON_H */
