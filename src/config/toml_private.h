#ifndef SLK_TOML_PRIVATE_H
#define SLK_TOML_PRIVATE_H

/* The reader's state. Only within toml*.c. */

#include "config/toml.h"

typedef struct {
    const char *at, *end, *name;
    slk_arena_t *arena;
    slk_diag_t *diag;
    uint32_t line;
    unsigned depth;
} slk_toml_reader_t;

/* A sentence with file and line. */
slk_err_t slk_toml_fail(const slk_toml_reader_t *r, const char *fmt, ...) SLK_PRINTF(2, 3);

static inline bool slk_toml_is(const slk_toml_reader_t *r, char c)
{
    return r->at < r->end && *r->at == c;
}

/* Blanks and tabs. */
void slk_toml_blanks(slk_toml_reader_t *r);
/* A line's end; *there false when there is none. */
slk_err_t slk_toml_newline(slk_toml_reader_t *r, bool *there);
/* Blanks, comments and line ends. */
slk_err_t slk_toml_space(slk_toml_reader_t *r);
/* Key and value into a table: `a.b = 1`. */
slk_err_t slk_toml_pair(slk_toml_reader_t *r, slk_toml_t *table);
/* A new value at the end of a table (key) or an array (NULL). */
slk_err_t slk_toml_add(slk_toml_reader_t *r, slk_toml_t *into, const char *key, slk_toml_t **made);

/* toml_value.c */
slk_err_t slk_toml_value(slk_toml_reader_t *r, slk_toml_t *value);
slk_err_t slk_toml_string(slk_toml_reader_t *r, bool in_key, const char **text, size_t *len);

/* flags */
#define SLK_TOML_HEADER 1 /* a [header] defined it */
#define SLK_TOML_DOTTED 2 /* dotted keys defined it */
#define SLK_TOML_CLOSED 4 /* inline: nothing is added to it any more */
#define SLK_TOML_TABLES 8 /* an array of [[headers]] */

#endif /* SLK_TOML_PRIVATE_H */
