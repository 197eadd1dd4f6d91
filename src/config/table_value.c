/* One value: from TOML into a field, and back into text. */

#include "base/assert.h"
#include "codec/fil.h"
#include "config/table_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_MS 30000

/* --- Durations ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"ms", 1}, {"m", 60000}, {"s", 1000}};

bool slk_duration_parse(int64_t *ms, const char *text)
{
    int64_t sum = 0;
    const char *at = text;
    if (!*at)
        return false;
    while (*at) {
        int64_t number = 0, part;
        const char *start = at;
        for (; isdigit((unsigned char)*at); at++) {
            if (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, *at - '0', &number))
                return false;
        }
        size_t unit = 0;
        while (unit < SLK_COUNT(units) && strncmp(at, units[unit].name, strlen(units[unit].name)))
            unit++;
        if (at == start || unit == SLK_COUNT(units) ||
            __builtin_mul_overflow(number, units[unit].ms, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
        at += strlen(units[unit].name);
    }
    *ms = sum;
    return true;
}

char *slk_duration_text(char out[SLK_DURATION_TEXT], int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } parts[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t len = 0;
    SLK_ASSERT(ms >= 0);
    for (size_t i = 0; i < SLK_COUNT(parts); i++) {
        if (ms / parts[i].ms)
            len += (size_t)snprintf(out + len, SLK_DURATION_TEXT - len, "%" PRId64 "%s",
                                    ms / parts[i].ms, parts[i].name);
        ms %= parts[i].ms;
    }
    if (!len)
        strcpy(out, "0s");
    return out;
}

/* --- What is expected ------------------------------------------------------------------------ */

static void limit_text(char out[SLK_DURATION_TEXT], const slk_key_t *row, int64_t value)
{
    if (row->kind == SLK_KEY_DURATION)
        slk_duration_text(out, value);
    else if (row->kind == SLK_KEY_EPOCHS)
        slk_duration_text(out, value * EPOCH_MS);
    else
        snprintf(out, SLK_DURATION_TEXT, "%" PRId64, value);
}

void slk_key_expected(const slk_key_t *row, char expected[SLK_EXPECTED_TEXT])
{
    static const char *const kinds[] = {
        [SLK_KEY_BOOL] = "true or false",
        [SLK_KEY_U64] = "a whole number",
        [SLK_KEY_I64] = "a whole number",
        [SLK_KEY_TEXT] = "a text",
        [SLK_KEY_TEXTS] = "a list of texts",
        [SLK_KEY_DURATION] = "a duration such as \"1h30m\"",
        [SLK_KEY_EPOCHS] = "a duration such as \"12h\"",
        [SLK_KEY_AMOUNT] = "an amount such as \"0.05 FIL\"",
        [SLK_KEY_ACTOR] = "an actor such as \"t01000\"",
    };
    size_t len = (size_t)snprintf(expected, SLK_EXPECTED_TEXT, "%s", kinds[row->kind]);
    bool limits = row->min || row->max;
    char low[SLK_DURATION_TEXT], high[SLK_DURATION_TEXT];
    limit_text(low, row, row->min);
    limit_text(high, row, row->max);
    if (row->choices) {
        len = (size_t)snprintf(expected, SLK_EXPECTED_TEXT, "one of");
        for (const char *at = row->choices; *at && len < SLK_EXPECTED_TEXT;) {
            size_t word = strcspn(at, "|");
            len += (size_t)snprintf(expected + len, SLK_EXPECTED_TEXT - len, " \"%.*s\"", (int)word,
                                    at);
            at += word + (at[word] == '|');
        }
    } else if (row->kind == SLK_KEY_TEXTS) {
        snprintf(expected, SLK_EXPECTED_TEXT, "a list of at most %zu texts", row->cnt);
    } else if (limits && row->max) {
        snprintf(expected + len, SLK_EXPECTED_TEXT - len, " from %s to %s", low, high);
    } else if (limits) {
        snprintf(expected + len, SLK_EXPECTED_TEXT - len, " of at least %s", low);
    }
}

/* --- Into the field -------------------------------------------------------------------------- */

static bool in_range(const slk_key_t *row, int64_t value)
{
    if (!row->min && !row->max)
        return value >= 0;
    return value >= row->min && (!row->max || value <= row->max);
}

static bool choice_ok(const char *choices, const char *text)
{
    while (*choices) {
        size_t word = strcspn(choices, "|");
        if (strlen(text) == word && !memcmp(choices, text, word))
            return true;
        choices += word + (choices[word] == '|');
    }
    return false;
}

static bool text_ok(const slk_key_t *row, const slk_toml_t *value, size_t cap,
                    char expected[SLK_EXPECTED_TEXT])
{
    const char *wanted = NULL;
    if (value->kind != SLK_TOML_STRING)
        return false;
    if (value->len >= cap) {
        snprintf(expected, SLK_EXPECTED_TEXT, "a text of at most %zu bytes", cap - 1);
        return false;
    }
    if (strlen(value->text) != value->len) {
        snprintf(expected, SLK_EXPECTED_TEXT, "a text without zero bytes");
        return false;
    }
    if (row->choices)
        return choice_ok(row->choices, value->text);
    if (row->check && !row->check(value->text, &wanted)) {
        snprintf(expected, SLK_EXPECTED_TEXT, "%s", wanted);
        return false;
    }
    return true;
}

static bool set_texts(const slk_key_t *row, char *field, const slk_toml_t *value,
                      char expected[SLK_EXPECTED_TEXT])
{
    size_t each = row->size / row->cnt, cnt = 0;
    if (value->kind != SLK_TOML_ARRAY || value->cnt > row->cnt)
        return false;
    for (const slk_toml_t *at = value->first; at; at = at->next) {
        if (!text_ok(row, at, each, expected))
            return false;
        if (!at->len) { /* an empty one ends the list */
            snprintf(expected, SLK_EXPECTED_TEXT, "texts that are not empty");
            return false;
        }
    }
    memset(field, 0, row->size);
    for (const slk_toml_t *at = value->first; at; at = at->next)
        memcpy(field + each * cnt++, at->text, at->len);
    return true;
}

static bool set_number(const slk_key_t *row, void *field, const slk_toml_t *value)
{
    int64_t number;
    if (row->kind == SLK_KEY_DURATION || row->kind == SLK_KEY_EPOCHS) {
        if (value->kind != SLK_TOML_STRING || strlen(value->text) != value->len ||
            !slk_duration_parse(&number, value->text))
            return false;
        number /= row->kind == SLK_KEY_EPOCHS ? EPOCH_MS : 1;
    } else if (value->kind != SLK_TOML_INTEGER) {
        return false;
    } else {
        number = value->integer;
    }
    if (!in_range(row, number) || (row->size == 4 && (uint64_t)number > UINT32_MAX))
        return false;
    if (row->size == 4)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(int64_t *)field = number;
    return true;
}

static bool set_actor(uint64_t *field, const slk_toml_t *value)
{
    if (value->kind == SLK_TOML_INTEGER && value->integer >= 0) {
        *field = (uint64_t)value->integer;
        return true;
    }
    if (value->kind != SLK_TOML_STRING || value->len < 3 || value->len > 22 ||
        (value->text[0] != 't' && value->text[0] != 'f') || value->text[1] != '0')
        return false;
    uint64_t id = 0;
    for (size_t i = 2; i < value->len; i++) {
        if (!isdigit((unsigned char)value->text[i]) || __builtin_mul_overflow(id, 10, &id) ||
            __builtin_add_overflow(id, (uint64_t)(value->text[i] - '0'), &id))
            return false;
    }
    *field = id;
    return true;
}

static bool set_amount(slk_bigint_t *field, const slk_toml_t *value)
{
    slk_bigint_t amount;
    if (value->kind != SLK_TOML_STRING || strlen(value->text) != value->len ||
        slk_fil_parse(&amount, value->text, NULL) != SLK_OK || slk_bigint_sign(&amount) < 0)
        return false;
    *field = amount;
    return true;
}

bool slk_key_set(const slk_key_t *row, void *config, const slk_toml_t *value,
                 char expected[SLK_EXPECTED_TEXT])
{
    void *field = slk_key_field(row, config);
    slk_key_expected(row, expected);
    switch (row->kind) {
    case SLK_KEY_BOOL:
        if (value->kind != SLK_TOML_BOOL)
            return false;
        *(bool *)field = value->truth;
        return true;
    case SLK_KEY_TEXT:
        if (!text_ok(row, value, row->size, expected))
            return false;
        memset(field, 0, row->size);
        memcpy(field, value->text, value->len);
        return true;
    case SLK_KEY_TEXTS:
        return set_texts(row, field, value, expected);
    case SLK_KEY_AMOUNT:
        return set_amount(field, value);
    case SLK_KEY_ACTOR:
        return set_actor(field, value);
    case SLK_KEY_U64:
    case SLK_KEY_I64:
    case SLK_KEY_DURATION:
    case SLK_KEY_EPOCHS:
        break;
    }
    return set_number(row, field, value);
}

/* --- Into text ------------------------------------------------------------------------------- */

static void put(slk_buf_t *out, const char *text)
{
    slk_buf_put(out, text, strlen(text));
}

static void put_quoted(slk_buf_t *out, const char *text)
{
    put(out, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[8] = {(char)c};
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            snprintf(escaped, sizeof(escaped), "\\u%04X", c);
        put(out, escaped);
    }
    put(out, "\"");
}

static void put_texts(slk_buf_t *out, const slk_key_t *row, const char *field)
{
    size_t each = row->size / row->cnt;
    put(out, "[");
    for (size_t i = 0; i < row->cnt && field[i * each]; i++) {
        put(out, i ? ", " : "");
        put_quoted(out, field + i * each);
    }
    put(out, "]");
}

void slk_key_text(slk_buf_t *out, const slk_key_t *row, const void *config)
{
    const void *field = slk_key_field(row, config);
    char text[SLK_FIL_TEXT_SZ], inner[SLK_DURATION_TEXT];
    int64_t number = 0;
    if (row->size == 4)
        number = *(const uint32_t *)field;
    else if (row->size == 8)
        number = *(const int64_t *)field;
    switch (row->kind) {
    case SLK_KEY_BOOL:
        put(out, *(const bool *)field ? "true" : "false");
        return;
    case SLK_KEY_TEXT:
        put_quoted(out, field);
        return;
    case SLK_KEY_TEXTS:
        put_texts(out, row, field);
        return;
    case SLK_KEY_AMOUNT:
        slk_fil_format(text, field);
        put_quoted(out, text);
        return;
    case SLK_KEY_ACTOR:
        snprintf(text, sizeof(text), "\"t0%" PRIu64 "\"", (uint64_t)number);
        break;
    case SLK_KEY_DURATION:
        snprintf(text, sizeof(text), "\"%s\"", slk_duration_text(inner, number));
        break;
    case SLK_KEY_EPOCHS:
        snprintf(text, sizeof(text), "\"%s\"", slk_duration_text(inner, number * EPOCH_MS));
        break;
    case SLK_KEY_U64:
    case SLK_KEY_I64:
        snprintf(text, sizeof(text), "%" PRId64, number);
        break;
    }
    put(out, text);
}
