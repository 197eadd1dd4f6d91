/* Lines, keys, headers: what belongs to which table. */

#include "config/toml.h"

#include "base/assert.h"
#include "config/toml_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

slk_err_t slk_toml_fail(const slk_toml_reader_t *r, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return slk_fail(r->diag, SLK_ERR_FORMAT, "%s:%" PRIu32 ": %s", r->name, r->line, text);
}

const char *slk_toml_kind_text(slk_toml_kind_t kind)
{
    static const char *const texts[] = {"a table",  "a list",        "a text", "a whole number",
                                        "a number", "true or false", "a date"};
    SLK_ASSERT((size_t)kind < SLK_COUNT(texts));
    return texts[kind];
}

const slk_toml_t *slk_toml_get(const slk_toml_t *table, const char *key)
{
    const slk_toml_t *at = table->kind == SLK_TOML_TABLE ? table->first : NULL;
    while (at && strcmp(at->key, key) != 0)
        at = at->next;
    return at;
}

slk_err_t slk_toml_add(slk_toml_reader_t *r, slk_toml_t *into, const char *key, slk_toml_t **made)
{
    slk_toml_t *value = slk_arena_alloc(r->arena, sizeof(*value));
    if (!value)
        return slk_fail(r->diag, SLK_ERR_NOMEM, "%s: no memory to read it", r->name);
    if (key && into->cnt == SLK_TOML_KEYS)
        return slk_toml_fail(r, "a table has at most %d keys", SLK_TOML_KEYS);
    value->key = key;
    value->line = r->line;
    if (into->last)
        into->last->next = value;
    else
        into->first = value;
    into->last = value;
    into->cnt++;
    *made = value;
    return SLK_OK;
}

/* --- Space ----------------------------------------------------------------------------------- */

void slk_toml_blanks(slk_toml_reader_t *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

slk_err_t slk_toml_newline(slk_toml_reader_t *r, bool *there)
{
    *there = slk_toml_is(r, '\n');
    if (slk_toml_is(r, '\r')) {
        if (r->end - r->at < 2 || r->at[1] != '\n')
            return slk_toml_fail(r, "a carriage return stands without a newline");
        r->at++;
        *there = true;
    }
    if (*there) {
        r->at++;
        r->line++;
    }
    return SLK_OK;
}

static slk_err_t comment(slk_toml_reader_t *r)
{
    if (!slk_toml_is(r, '#'))
        return SLK_OK;
    for (; r->at < r->end && *r->at != '\n'; r->at++) {
        unsigned char c = (unsigned char)*r->at;
        if (c == '\r' && r->end - r->at > 1 && r->at[1] == '\n')
            break;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return slk_toml_fail(r, "a control character (byte %d) in a comment", c);
    }
    return SLK_OK;
}

slk_err_t slk_toml_space(slk_toml_reader_t *r)
{
    bool more = true;
    while (more) {
        slk_toml_blanks(r);
        slk_err_t err = comment(r);
        if (err == SLK_OK)
            err = slk_toml_newline(r, &more);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

/* --- Keys ------------------------------------------------------------------------------------ */

static bool bare(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* One part of a key, and whether a dot follows. */
static slk_err_t key_part(slk_toml_reader_t *r, const char **key, bool *dot)
{
    slk_err_t err;
    size_t len;
    slk_toml_blanks(r);
    if (slk_toml_is(r, '"') || slk_toml_is(r, '\'')) {
        err = slk_toml_string(r, true, key, &len);
        if (err == SLK_OK && strlen(*key) != len)
            err = slk_toml_fail(r, "a key with a zero byte");
        if (err != SLK_OK)
            return err;
    } else {
        const char *start = r->at;
        while (r->at < r->end && bare(*r->at))
            r->at++;
        if (r->at == start)
            return slk_toml_fail(r,
                                 r->at<r->end && * r->at> ' ' ? "expected a key; found '%c'"
                                                              : "expected a key; the line ends",
                                 r->at < r->end ? *r->at : ' ');
        *key = slk_arena_text(r->arena, start, (size_t)(r->at - start));
        if (!*key)
            return slk_fail(r->diag, SLK_ERR_NOMEM, "%s: no memory to read it", r->name);
    }
    slk_toml_blanks(r);
    *dot = slk_toml_is(r, '.');
    r->at += *dot;
    return SLK_OK;
}

static slk_toml_t *member(slk_toml_t *table, const char *key)
{
    slk_toml_t *at = table->first;
    while (at && strcmp(at->key, key) != 0)
        at = at->next;
    return at;
}

slk_err_t slk_toml_pair(slk_toml_reader_t *r, slk_toml_t *table)
{
    const char *key;
    bool dot;
    slk_toml_t *value;
    slk_err_t err;
    unsigned depth = 0;
    for (;;) {
        SLK_TRY(key_part(r, &key, &dot));
        slk_toml_t *there = member(table, key);
        if (!dot && there)
            return slk_toml_fail(r, "%s is there already (line %" PRIu32 ")", key, there->line);
        if (!dot)
            break;
        if (++depth + r->depth > SLK_TOML_DEPTH)
            return slk_toml_fail(r, "tables deeper than %d", SLK_TOML_DEPTH);
        if (there && (there->kind != SLK_TOML_TABLE || !(there->flags & SLK_TOML_DOTTED)))
            return slk_toml_fail(r, "%s is there already (line %" PRIu32 ") and cannot be added to",
                                 key, there->line);
        if (!there) {
            SLK_TRY(slk_toml_add(r, table, key, &there));
            there->kind = SLK_TOML_TABLE;
            there->flags = SLK_TOML_DOTTED;
        }
        table = there;
    }
    if (!slk_toml_is(r, '='))
        return slk_toml_fail(r, "expected '=' after %s", key);
    r->at++;
    slk_toml_blanks(r);
    SLK_TRY(slk_toml_add(r, table, key, &value));
    err = slk_toml_value(r, value);
out:
    return err;
}

/* --- Headers --------------------------------------------------------------------------------- */

/* A table on the way to the last part of a header. */
static slk_err_t pass(slk_toml_reader_t *r, slk_toml_t **table, const char *key)
{
    slk_toml_t *there = member(*table, key);
    if (!there) {
        slk_err_t err = slk_toml_add(r, *table, key, &there);
        if (err != SLK_OK)
            return err;
        there->kind = SLK_TOML_TABLE;
    }
    if (there->kind == SLK_TOML_ARRAY && there->flags & SLK_TOML_TABLES)
        there = there->last;
    if (there->kind != SLK_TOML_TABLE || there->flags & SLK_TOML_CLOSED)
        return slk_toml_fail(r, "%s is there already (line %" PRIu32 ") and cannot be added to",
                             key, there->line);
    *table = there;
    return SLK_OK;
}

static slk_err_t open_table(slk_toml_reader_t *r, slk_toml_t **table, const char *key)
{
    slk_toml_t *there = member(*table, key);
    slk_err_t err = SLK_OK;
    if (!there) {
        err = slk_toml_add(r, *table, key, &there);
        if (err != SLK_OK)
            return err;
        there->kind = SLK_TOML_TABLE;
    } else if (there->kind != SLK_TOML_TABLE || there->flags) {
        return slk_toml_fail(r, "%s is there already (line %" PRIu32 ")", key, there->line);
    }
    there->line = r->line;
    there->flags |= SLK_TOML_HEADER;
    *table = there;
    return SLK_OK;
}

static slk_err_t open_element(slk_toml_reader_t *r, slk_toml_t **table, const char *key)
{
    slk_toml_t *there = member(*table, key), *element;
    slk_err_t err;
    if (!there) {
        SLK_TRY(slk_toml_add(r, *table, key, &there));
        there->kind = SLK_TOML_ARRAY;
        there->flags = SLK_TOML_TABLES;
    }
    if (!(there->flags & SLK_TOML_TABLES))
        return slk_toml_fail(r, "%s is there already (line %" PRIu32 ") and is no list of tables",
                             key, there->line);
    SLK_TRY(slk_toml_add(r, there, NULL, &element));
    element->kind = SLK_TOML_TABLE;
    element->flags = SLK_TOML_HEADER;
    *table = element;
out:
    return err;
}

static slk_err_t header(slk_toml_reader_t *r, slk_toml_t *root, slk_toml_t **table)
{
    bool list = r->end - r->at > 1 && r->at[1] == '[', dot;
    const char *key;
    slk_err_t err;
    r->at += list ? 2 : 1;
    *table = root;
    for (unsigned depth = 1;; depth++) {
        SLK_TRY(key_part(r, &key, &dot));
        if (depth > SLK_TOML_DEPTH)
            return slk_toml_fail(r, "tables deeper than %d", SLK_TOML_DEPTH);
        if (!dot)
            break;
        SLK_TRY(pass(r, table, key));
    }
    SLK_TRY(list ? open_element(r, table, key) : open_table(r, table, key));
    for (int i = 0; i < (list ? 2 : 1); i++) {
        if (!slk_toml_is(r, ']'))
            return slk_toml_fail(r, "expected '%s' after [%s%s", list ? "]]" : "]", list ? "[" : "",
                                 key);
        r->at++;
    }
out:
    return err;
}

/* --- The whole ------------------------------------------------------------------------------- */

/* Length of a character of UTF-8; 0: none. */
static size_t character(const unsigned char *at, size_t left)
{
    size_t len = *at < 0x80   ? 1
                 : *at < 0xc2 ? 0
                 : *at < 0xe0 ? 2
                 : *at < 0xf0 ? 3
                 : *at < 0xf5 ? 4
                              : 0;
    if (len > left || (len == 3 && *at == 0xe0 && at[1] < 0xa0) ||
        (len == 3 && *at == 0xed && at[1] > 0x9f) || (len == 4 && *at == 0xf0 && at[1] < 0x90) ||
        (len == 4 && *at == 0xf4 && at[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

static slk_err_t check_bytes(slk_toml_reader_t *r)
{
    slk_toml_reader_t where = *r;
    while (where.at < where.end) {
        size_t len = character((const unsigned char *)where.at, (size_t)(where.end - where.at));
        if (!len || !*where.at)
            return slk_toml_fail(&where, "byte %d is not text (UTF-8)", (unsigned char)*where.at);
        where.line += *where.at == '\n';
        where.at += len;
    }
    return SLK_OK;
}

static slk_err_t line_end(slk_toml_reader_t *r)
{
    bool there;
    slk_toml_blanks(r);
    slk_err_t err = comment(r);
    if (err == SLK_OK)
        err = slk_toml_newline(r, &there);
    if (err == SLK_OK && !there && r->at < r->end)
        return slk_toml_fail(r, "expected the end of the line; found '%.*s'",
                             (int)character((const unsigned char *)r->at, (size_t)(r->end - r->at)),
                             r->at);
    return err;
}

slk_err_t slk_toml_read(const slk_toml_t **out, slk_arena_t *arena, const char *text, size_t len,
                        const char *name, slk_diag_t *diag)
{
    text = len ? text : "";
    slk_toml_reader_t r = {
        .at = text, .end = text + len, .name = name, .arena = arena, .diag = diag, .line = 1};
    slk_toml_t *root = slk_arena_alloc(arena, sizeof(*root)), *table = root;
    slk_err_t err;
    if (len > SLK_TOML_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: has %zu bytes; at most %zu are read", name, len,
                        SLK_TOML_MAX);
    if (!root)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", name);
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.at += 3;
    SLK_TRY(check_bytes(&r));
    for (;;) {
        SLK_TRY(slk_toml_space(&r));
        if (r.at == r.end)
            break;
        SLK_TRY(slk_toml_is(&r, '[') ? header(&r, root, &table) : slk_toml_pair(&r, table));
        SLK_TRY(line_end(&r));
    }
    *out = root;
out:
    return err;
}
