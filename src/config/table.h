#ifndef SLK_CONFIG_TABLE_H
#define SLK_CONFIG_TABLE_H

/* A configuration as a table of keys: one row a key. From the rows come the defaults, the reading of a file,
 * the documented file and the comparison of two configurations; a program adds a row and a field, nothing
 * else.
 *
 *     static const slk_key_t keys[] = {
 *         {"API", "ListenAddress", SLK_KEY_TEXT, SLK_KEY_FIELD(my_config_t, listen), "\"127.0.0.1:2345\"",
 *          .fixed = true, .doc = "Where we listen."},
 *     };
 *
 * A section is a path of TOML tables ("Fees.MaxCommitBatchGasFee"); rows of one section stand together. Texts:
 * "1h30m" for a duration (units d, h, m, s, ms), "0.05 FIL" or "100 attoFIL" for an amount, "t01000" or
 * "f01000" for an actor. */

#include "base/buf.h"
#include "config/toml.h"

#include <stddef.h>

typedef enum {
    SLK_KEY_BOOL,     /* bool */
    SLK_KEY_U64,      /* uint64_t; also of 32 bits by size */
    SLK_KEY_I64,      /* int64_t */
    SLK_KEY_TEXT,     /* char[size] */
    SLK_KEY_TEXTS,    /* char[cnt][size / cnt]; ends with an empty one unless full */
    SLK_KEY_DURATION, /* int64_t, milliseconds */
    SLK_KEY_EPOCHS,   /* int64_t, epochs of 30 s, written as a duration */
    SLK_KEY_AMOUNT,   /* slk_bigint_t, attoFIL */
    SLK_KEY_ACTOR     /* uint64_t, id of an actor */
} slk_key_kind_t;

typedef struct {
    const char *section, *name;
    slk_key_kind_t kind;
    size_t offset, size;  /* of the field */
    const char *fallback; /* default, as it stands in the file; NULL: the key must be given */
    const char *doc;      /* sentences; wrapped when written */
    size_t cnt;           /* TEXTS: how many at most */
    int64_t min,
        max; /* of the field's unit; both 0: no limits but those of the type, and not negative */
    const char *choices; /* TEXT: "text|json" */
    /* TEXT, TEXTS: false, and what was expected instead; NULL: any */
    bool (*check)(const char *text, const char **expected);
    bool fixed; /* a running program cannot take it over */
} slk_key_t;

#define SLK_KEY_FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)

typedef struct {
    const slk_key_t *rows;
    size_t cnt;
} slk_keys_t;

/* Defaults into a struct. Rows without one are left as they are. A default that cannot be read is a bug. */
void slk_keys_defaults(const slk_keys_t *keys, void *config);

/* Take over what the table says. Unknown keys are errors that name the nearest known one; `others` (ending in
 * NULL, may be NULL) are members of the table that somebody else reads. name: of the file. at: where the table
 * stands, "" or "Miners.", for messages. SLK_ERR_FORMAT; the config is then partly written. */
SLK_CHECK_RESULT slk_err_t slk_keys_read(const slk_keys_t *keys, void *config,
                                         const slk_toml_t *table, const char *name, const char *at,
                                         const char *const *others, slk_diag_t *diag);

typedef enum {
    SLK_KEYS_DOCUMENTED, /* all, with their sentences; what equals `base` behind a '#' */
    SLK_KEYS_DIFFERENT   /* only what differs from `base` */
} slk_keys_style_t;

/* Write a configuration as TOML. base: what to compare with (NULL: the defaults). prefix: of the sections,
 * "" or "Miners.". */
void slk_keys_text(slk_buf_t *out, const slk_keys_t *keys, const void *config, const void *base,
                   const char *prefix, slk_keys_style_t style);

/* Append the names of keys that differ to a list "A.B, C.D"; with fixed only those that cannot change while
 * running. prefix as above. */
void slk_keys_changes(char *out, size_t cap, const slk_keys_t *keys, const void *now,
                      const void *wanted, const char *prefix, bool fixed);

/* Milliseconds of "1h30m", "500ms", "0s"; false: not a duration, or more than 292,000 years. */
bool slk_duration_parse(int64_t *ms, const char *text);
/* "1h30m". Returns out. */
#define SLK_DURATION_TEXT 48
char *slk_duration_text(char out[SLK_DURATION_TEXT], int64_t ms);

/* Read a file for slk_keys_read; the tree lives in the arena. SLK_ERR_NOTFOUND when there is none. */
SLK_CHECK_RESULT slk_err_t slk_config_file(const slk_toml_t **root, slk_arena_t *arena,
                                           const char *path, slk_diag_t *diag);

#endif /* SLK_CONFIG_TABLE_H */
