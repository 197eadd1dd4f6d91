#include "config/table.h"

#include "base/assert.h"
#include "base/file.h"
#include "config/table_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_TEXT 192
#define DOC_COLS  100

/* "Sealing.MaxSealingSectors" */
static void full_name(char out[PATH_TEXT], const char *prefix, const char *section,
                      const char *name)
{
    snprintf(out, PATH_TEXT, "%s%s%s%s", prefix, section, *section && *name ? "." : "", name);
}

/* --- Defaults -------------------------------------------------------------------------------- */

static void set_default(const slk_key_t *row, void *config)
{
    char text[1024], expected[SLK_EXPECTED_TEXT];
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    slk_arena_init(&arena, sizeof(text) * 64);
    int len = snprintf(text, sizeof(text), "value = %s\n", row->fallback);
    SLK_ASSERT(len > 0 && (size_t)len < sizeof(text));
    bool read = slk_toml_read(&root, &arena, text, (size_t)len, row->name, &diag) == SLK_OK &&
                slk_key_set(row, config, root->first, expected);
    SLK_ASSERT(read);
    slk_arena_free(&arena);
}

void slk_keys_defaults(const slk_keys_t *keys, void *config)
{
    for (size_t i = 0; i < keys->cnt; i++) {
        if (keys->rows[i].fallback)
            set_default(&keys->rows[i], config);
    }
}

/* --- The nearest known key ------------------------------------------------------------------- */

#define WORD_MAX 64

/* How many letters to change, add or leave out; case does not count. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t best = diagonal + !same;
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
        }
    }
    return row[b_len];
}

typedef struct {
    char name[PATH_TEXT];
    size_t distance;
} nearest_t;

static void nearer(nearest_t *nearest, const char *key, const char *known, size_t extra,
                   const char *prefix, const char *section, const char *name)
{
    size_t far = distance(key, known);
    if (far > strlen(key) / 3 + 1 || far + extra >= nearest->distance)
        return;
    nearest->distance = far + extra;
    full_name(nearest->name, prefix, section, name);
}

static slk_err_t unknown(const slk_keys_t *keys, const slk_toml_t *value, const char *name,
                         const char *at, const char *path, const char *const *others,
                         slk_diag_t *diag)
{
    nearest_t nearest = {.distance = SIZE_MAX};
    char shown[PATH_TEXT];
    for (size_t i = 0; i < keys->cnt; i++) {
        const slk_key_t *row = &keys->rows[i];
        /* A key of this section is nearer than the same word in another one. */
        size_t extra = strcmp(row->section, path) ? 1 : 0;
        nearer(&nearest, value->key, row->name, extra, at, row->section, row->name);
        if (!*path && *row->section)
            nearer(&nearest, value->key, row->section, 0, at, row->section, "");
    }
    for (size_t i = 0; others && others[i] && !*path; i++)
        nearer(&nearest, value->key, others[i], 0, at, others[i], "");
    full_name(shown, at, path, value->key);
    return slk_fail(diag, SLK_ERR_FORMAT, "%s:%" PRIu32 ": %.100s is not known%s%s%s", name,
                    value->line, shown, *nearest.name ? "; is " : ": see `selkie config default`",
                    nearest.name, *nearest.name ? " meant?" : "");
}

/* --- Reading --------------------------------------------------------------------------------- */

typedef struct {
    const slk_keys_t *keys;
    void *config;
    const char *name, *at;
    const char *const *others;
    slk_diag_t *diag;
    uint8_t given[512]; /* by row */
} reading_t;

/* What stands in the file, shortened. */
static void found_text(char out[96], const slk_toml_t *value)
{
    if (value->kind == SLK_TOML_STRING)
        snprintf(out, 96, value->len > 60 ? "\"%.60s...\"" : "\"%.60s\"", value->text);
    else if (value->kind == SLK_TOML_INTEGER)
        snprintf(out, 96, "%" PRId64, value->integer);
    else if (value->kind == SLK_TOML_BOOL)
        snprintf(out, 96, "%s", value->truth ? "true" : "false");
    else
        snprintf(out, 96, "%s", slk_toml_kind_text((slk_toml_kind_t)value->kind));
}

static slk_err_t take(reading_t *reading, size_t row, const slk_toml_t *value)
{
    char expected[SLK_EXPECTED_TEXT], found[96], shown[PATH_TEXT];
    const slk_key_t *key = &reading->keys->rows[row];
    reading->given[row] = 1;
    if (slk_key_set(key, reading->config, value, expected))
        return SLK_OK;
    found_text(found, value);
    full_name(shown, reading->at, key->section, key->name);
    return slk_fail(reading->diag, SLK_ERR_FORMAT, "%s:%" PRIu32 ": %s: expected %s; found %s",
                    reading->name, value->line, shown, expected, found);
}

static bool leads_to(const char *section, const char *path)
{
    size_t len = strlen(path);
    return !strncmp(section, path, len) && (!section[len] || section[len] == '.');
}

static slk_err_t read_table(reading_t *reading, const slk_toml_t *table, const char *path)
{
    const slk_keys_t *keys = reading->keys;
    for (const slk_toml_t *value = table->first; value; value = value->next) {
        char inner[PATH_TEXT];
        size_t row = 0, section = 0;
        bool other = false;
        slk_err_t err;
        full_name(inner, "", path, value->key);
        while (row < keys->cnt &&
               (strcmp(keys->rows[row].section, path) || strcmp(keys->rows[row].name, value->key)))
            row++;
        while (section < keys->cnt && !leads_to(keys->rows[section].section, inner))
            section++;
        for (size_t i = 0; reading->others && reading->others[i] && !*path; i++)
            other |= !strcmp(reading->others[i], value->key);
        if (other)
            continue;
        if (row < keys->cnt)
            err = take(reading, row, value);
        else if (section == keys->cnt || strlen(inner) + 1 == PATH_TEXT)
            err = unknown(keys, value, reading->name, reading->at, path, reading->others,
                          reading->diag);
        else if (value->kind != SLK_TOML_TABLE)
            err = slk_fail(reading->diag, SLK_ERR_FORMAT,
                           "%s:%" PRIu32 ": %s%s: expected a table, as in [%s%s]; found %s",
                           reading->name, value->line, reading->at, inner, reading->at, inner,
                           slk_toml_kind_text((slk_toml_kind_t)value->kind));
        else
            err = read_table(reading, value, inner);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

slk_err_t slk_keys_read(const slk_keys_t *keys, void *config, const slk_toml_t *table,
                        const char *name, const char *at, const char *const *others,
                        slk_diag_t *diag)
{
    reading_t reading = {
        .keys = keys, .config = config, .name = name, .at = at, .others = others, .diag = diag};
    SLK_ASSERT(keys->cnt <= sizeof(reading.given));
    slk_err_t err = read_table(&reading, table, "");
    for (size_t i = 0; i < keys->cnt && err == SLK_OK; i++) {
        char shown[PATH_TEXT], expected[SLK_EXPECTED_TEXT];
        if (keys->rows[i].fallback || reading.given[i])
            continue;
        full_name(shown, at, keys->rows[i].section, keys->rows[i].name);
        slk_key_expected(&keys->rows[i], expected);
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s:%" PRIu32 ": %s is missing; expected %s", name,
                       table->line ? table->line : 1, shown, expected);
    }
    return err;
}

slk_err_t slk_config_file(const slk_toml_t **root, slk_arena_t *arena, const char *path,
                          slk_diag_t *diag)
{
    char *text = NULL;
    size_t len;
    slk_err_t err = slk_read_file(&text, &len, path, SLK_TOML_MAX, diag);
    if (err == SLK_OK)
        err = slk_toml_read(root, arena, text, len, path, diag);
    free(text);
    return err;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void put(slk_buf_t *out, const char *text)
{
    slk_buf_put(out, text, strlen(text));
}

static void put_doc(slk_buf_t *out, const char *doc)
{
    while (*doc) {
        size_t len = strlen(doc), cut = len;
        if (len > DOC_COLS - 2) {
            for (cut = DOC_COLS - 2; cut && doc[cut] != ' '; cut--)
                ;
            cut = cut ? cut : DOC_COLS - 2;
        }
        put(out, "# ");
        slk_buf_put(out, doc, cut);
        put(out, "\n");
        doc += cut + (doc[cut] == ' ');
    }
}

static void put_kind(slk_buf_t *out, const slk_key_t *row)
{
    char line[SLK_EXPECTED_TEXT + 512], expected[SLK_EXPECTED_TEXT];
    slk_key_expected(row, expected);
    if (row->fallback)
        snprintf(line, sizeof(line), "%c%s. Default: %s.%s", toupper((unsigned char)expected[0]),
                 expected + 1, row->fallback, row->fixed ? " Changes need a restart." : "");
    else
        snprintf(line, sizeof(line), "%c%s. Must be given.", toupper((unsigned char)expected[0]),
                 expected + 1);
    put_doc(out, line);
}

static bool differs(const slk_key_t *row, const void *a, const void *b)
{
    slk_buf_t x = {0}, y = {0};
    slk_key_text(&x, row, a);
    slk_key_text(&y, row, b);
    bool same = !x.failed && !y.failed && x.len == y.len && !memcmp(x.bytes, y.bytes, x.len);
    slk_buf_free(&x);
    slk_buf_free(&y);
    return !same;
}

/* Does the row's value differ from another configuration, or from its default. */
static bool differs_from(const slk_key_t *row, const void *config, const void *base)
{
    if (base)
        return differs(row, config, base);
    if (!row->fallback)
        return true;
    /* A struct that has this field alone would do; the table does not know its size. */
    void *fallback = calloc(1, row->offset + row->size);
    if (!fallback)
        return true;
    set_default(row, fallback);
    bool differ = differs(row, config, fallback);
    free(fallback);
    return differ;
}

void slk_keys_text(slk_buf_t *out, const slk_keys_t *keys, const void *config, const void *base,
                   const char *prefix, slk_keys_style_t style)
{
    const char *section = "";
    for (size_t i = 0; i < keys->cnt; i++) {
        const slk_key_t *row = &keys->rows[i];
        bool differ = differs_from(row, config, base);
        if (style == SLK_KEYS_DIFFERENT && !differ)
            continue;
        if (strcmp(section, row->section) != 0) {
            put(out, out->len ? "\n[" : "[");
            put(out, prefix);
            put(out, row->section);
            put(out, "]\n");
            section = row->section;
        }
        if (style == SLK_KEYS_DOCUMENTED) {
            put(out, "\n");
            put_doc(out, row->doc);
            put_kind(out, row);
            put(out, differ ? "" : "#");
        }
        put(out, row->name);
        put(out, " = ");
        slk_key_text(out, row, config);
        put(out, "\n");
    }
}

void slk_keys_changes(char *out, size_t cap, const slk_keys_t *keys, const void *now,
                      const void *wanted, const char *prefix, bool fixed)
{
    for (size_t i = 0; i < keys->cnt; i++) {
        const slk_key_t *row = &keys->rows[i];
        char shown[PATH_TEXT];
        size_t len = strlen(out);
        if ((fixed && !row->fixed) || !differs(row, now, wanted))
            continue;
        full_name(shown, prefix, row->section, row->name);
        snprintf(out + len, cap - len, "%s%s", len ? ", " : "", shown);
    }
}
