#ifndef SLK_CODEC_JSON_H
#define SLK_CODEC_JSON_H

/* Integers of JSON beyond 64 signed bits, which Lotus has (uint64) and jansson has no value for. One
 * that was read is the object {"/int": "18446744073709551615"} in memory, exact and of any size, and an
 * integer again in the text that is written; code that looks for something else finds an object and
 * refuses it by its own words. */

#include "selkie/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* json_loadb and json_dumps for text that may have such integers; flags as theirs, dump with
 * JSON_COMPACT. NULL as theirs. error may be NULL. */
json_t *slk_json_load(const char *text, size_t len, size_t flags, json_error_t *error);
char *slk_json_dump(const json_t *json, size_t flags);

/* In what json_dumps wrote with JSON_COMPACT, in place; the new length. No zero byte is added. */
size_t slk_json_unmark(char *text, size_t len);

/* The digits, with their sign, of an integer beyond 64 signed bits; NULL: it is none. Borrowed. */
const char *slk_json_digits(const json_t *json);

/* An integer from 0 to 2^64 - 1. False: it is none. */
bool slk_json_u64(const json_t *json, uint64_t *v);
/* NULL: out of memory. */
json_t *slk_json_of_u64(uint64_t v);

#endif /* SLK_CODEC_JSON_H */
