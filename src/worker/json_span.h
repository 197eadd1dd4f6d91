#ifndef SLK_WORKER_JSON_SPAN_H
#define SLK_WORKER_JSON_SPAN_H

/* Parts of a JSON text, found without building anything: lines of processors carry outputs of C1,
 * of which a tree of values would take ten times the text.
 *
 * A span points into the text and lives as long as that. Grammar of RFC 8259; nesting to 128; that
 * strings are UTF-8 is not looked at. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One JSON value without blanks around it; len 0: there is none. */
typedef struct {
    const char *at;
    size_t len;
} slk_span_t;

/* Check one value that fills text, blanks around it allowed. SLK_ERR_FORMAT: diag names the byte
 * and what was expected. */
SLK_CHECK_RESULT slk_err_t slk_span_value(slk_span_t *out, const char *text, size_t len,
                                          slk_diag_t *diag);

/* Find members of an object by name: out[i] is the value of names[i], len 0 when it is not there,
 * others are skipped. The whole text is checked. SLK_ERR_FORMAT: no object, malformed, or one of
 * the names comes twice; out then has what came before the error. Names are compared as written:
 * one with an escape is another name. */
SLK_CHECK_RESULT slk_err_t slk_span_members(slk_span_t *out, const char *const *names, size_t cnt,
                                            const char *text, size_t len, slk_diag_t *diag);

/* Decimal digits below 2^64, no sign. */
bool slk_span_u64(uint64_t *out, slk_span_t span);

/* Whether the value is this literal: "null", "true" ... */
bool slk_span_is(slk_span_t span, const char *literal);

#endif /* SLK_WORKER_JSON_SPAN_H */
