#ifndef SLK_CONFIG_TOML_H
#define SLK_CONFIG_TOML_H

/* TOML 1.0 as a tree of values that know their lines.
 *
 * All of the language is read: strings of four kinds, numbers, dates (kept as text), arrays, inline tables,
 * headers, dotted keys, with its rules about what may be defined twice. Limits: SLK_TOML_MAX bytes, arrays
 * and tables in each other SLK_TOML_DEPTH deep, SLK_TOML_KEYS keys in a table. Memory is the arena's, about
 * forty times the length at the worst. Pure. */

#include "base/arena.h"
#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SLK_TOML_MAX   ((size_t)1 << 20)
#define SLK_TOML_DEPTH 32
#define SLK_TOML_KEYS  1024

typedef enum {
    SLK_TOML_TABLE,
    SLK_TOML_ARRAY,
    SLK_TOML_STRING,
    SLK_TOML_INTEGER,
    SLK_TOML_FLOAT,
    SLK_TOML_BOOL,
    SLK_TOML_DATE /* date, time or both */
} slk_toml_kind_t;

typedef struct slk_toml slk_toml_t;

struct slk_toml {
    const char *key;   /* of a table's member, decoded; has no NUL inside */
    slk_toml_t *first; /* TABLE, ARRAY: members in the order of the file */
    slk_toml_t *next;
    union {
        int64_t integer;
        double number;
        bool truth;
        struct {
            const char *text; /* STRING decoded, DATE as written; a NUL behind it */
            size_t len;
        };
        struct {
            slk_toml_t *last; /* TABLE, ARRAY */
            uint32_t cnt;
        };
    };
    uint32_t line; /* of the key, or of the value in an array; from 1 */
    uint8_t kind;  /* slk_toml_kind_t */
    uint8_t flags; /* the reader's */
};

/* Read a text. *root is a table that lives in the arena. name: what messages call the file:
 * "config.toml:12: ...". SLK_ERR_FORMAT, SLK_ERR_LENGTH (too long), SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_toml_read(const slk_toml_t **root, slk_arena_t *arena,
                                         const char *text, size_t len, const char *name,
                                         slk_diag_t *diag);

/* Of an arena that is large enough for every text. */
#define SLK_TOML_ARENA (SLK_TOML_MAX * 64)

/* The member of a table, or NULL. */
const slk_toml_t *slk_toml_get(const slk_toml_t *table, const char *key);

/* "a table", "a whole number". */
const char *slk_toml_kind_text(slk_toml_kind_t kind);

#endif /* SLK_CONFIG_TOML_H */
