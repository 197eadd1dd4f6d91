/* Values: strings, numbers, dates, arrays, inline tables. */

#include "base/assert.h"
#include "config/toml_private.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Strings --------------------------------------------------------------------------------- */

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((len == 2 ? 0xc0 : len == 3 ? 0xe0 : 0xf0) | c);
    return len;
}

static slk_err_t read_hex(slk_toml_reader_t *r, unsigned digits, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++, r->at++) {
        if (r->at == r->end || !isxdigit((unsigned char)*r->at))
            return slk_toml_fail(r, "a character by number has %u digits of 0-9, A-F", digits);
        char c = *r->at;
        *value = *value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (*value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
        return slk_toml_fail(r, "there is no character %X", (unsigned)*value);
    return SLK_OK;
}

/* What stands behind a backslash. */
static slk_err_t escape(slk_toml_reader_t *r, bool lines, char *out, size_t *len)
{
    static const char names[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
    char c = r->at < r->end ? *r->at : '\0';
    const char *known = c ? strchr(names, c) : NULL;
    if (known) {
        out[(*len)++] = meant[known - names];
        r->at++;
        return SLK_OK;
    }
    if (c == 'u' || c == 'U') {
        uint32_t value;
        r->at++;
        slk_err_t err = read_hex(r, c == 'u' ? 4 : 8, &value);
        if (err == SLK_OK)
            *len += put_utf8(out + *len, value);
        return err;
    }
    if (lines && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
        /* The line goes on with the next character that is no space. */
        bool there, any = false;
        for (;;) {
            slk_toml_blanks(r);
            slk_err_t err = slk_toml_newline(r, &there);
            if (err != SLK_OK)
                return err;
            if (!there)
                break;
            any = true;
        }
        return any ? SLK_OK : slk_toml_fail(r, "a backslash before a space that ends no line");
    }
    return c > ' ' ? slk_toml_fail(
                         r, "\\%c is not known; known are \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX", c)
                   : slk_toml_fail(r, "a backslash ends the text");
}

static size_t count_quotes(const slk_toml_reader_t *r, char quote)
{
    size_t cnt = 0;
    while (cnt < 5 && (size_t)(r->end - r->at) > cnt && r->at[cnt] == quote)
        cnt++;
    return cnt;
}

/* The end of the text, if it is here; up to two quotes before the last three belong to it. */
static bool closes(slk_toml_reader_t *r, char quote, bool lines, char *out, size_t *len)
{
    size_t cnt = count_quotes(r, quote);
    if (!lines && cnt) {
        r->at++;
        return true;
    }
    if (cnt < 3)
        return false;
    memset(out + *len, quote, cnt - 3);
    *len += cnt - 3;
    r->at += cnt;
    return true;
}

slk_err_t slk_toml_string(slk_toml_reader_t *r, bool in_key, const char **text, size_t *len)
{
    char quote = *r->at;
    size_t quotes = count_quotes(r, quote);
    bool lines = quotes >= 3 && !in_key, there;
    uint32_t first = r->line;
    slk_err_t err;
    r->at += lines ? 3 : 1;
    if (lines)
        SLK_TRY(slk_toml_newline(r, &there)); /* directly behind the quotes it does not count */
    /* Decoded it is not longer than written. */
    const char *stop = r->at;
    while (stop < r->end &&
           (lines ? r->end - stop < 3 || memcmp(stop, (char[]){quote, quote, quote}, 3) != 0
                  : *stop != quote && *stop != '\n'))
        stop += quote == '"' && *stop == '\\' && r->end - stop > 1 ? 2 : 1;
    char *out = slk_arena_alloc(r->arena, (size_t)(stop - r->at) + 8);
    if (!out)
        return slk_fail(r->diag, SLK_ERR_NOMEM, "%s: no memory to read it", r->name);
    for (*len = 0; !closes(r, quote, lines, out, len);) {
        unsigned char c = r->at < r->end ? (unsigned char)*r->at : '\n';
        if (r->at == r->end || (!lines && (c == '\n' || c == '\r'))) {
            r->line = first;
            return slk_toml_fail(r, "a text without its closing %s",
                                 lines ? (quote == '"' ? "\"\"\"" : "'''")
                                       : (quote == '"' ? "\"" : "'"));
        }
        if (c == '\n' || c == '\r') {
            SLK_TRY(slk_toml_newline(r, &there));
            out[(*len)++] = '\n';
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return slk_toml_fail(r, "a control character (byte %d) in a text", c);
        } else if (c == '\\' && quote == '"') {
            r->at++;
            SLK_TRY(escape(r, lines, out, len));
        } else {
            out[(*len)++] = *r->at++;
        }
    }
    *text = out;
    err = SLK_OK;
out:
    return err;
}

/* --- Numbers and dates ----------------------------------------------------------------------- */

/* Does the text look like the pattern: '0' is a digit, anything else itself. */
static bool like(const char *text, size_t len, const char *pattern)
{
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
            return false;
    }
    return true;
}

static int two(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

static bool is_day(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = two(text) * 100 + two(text + 2), month = two(text + 5), day = two(text + 8);
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

/* A time of day, with what a date may have behind it. */
static bool is_time(const char *text, size_t len, bool zone)
{
    if (len < 8 || !like(text, 8, "00:00:00") || two(text) > 23 || two(text + 3) > 59 ||
        two(text + 6) > 60)
        return false;
    size_t at = 8;
    if (at < len && text[at] == '.') {
        size_t start = ++at;
        while (at < len && isdigit((unsigned char)text[at]))
            at++;
        if (at == start)
            return false;
    }
    if (at == len || !zone)
        return at == len;
    if (text[at] == 'Z' || text[at] == 'z')
        return at + 1 == len;
    return (text[at] == '+' || text[at] == '-') && len - at == 6 &&
           like(text + at + 1, 5, "00:00") && two(text + at + 1) < 24 && two(text + at + 4) < 60;
}

static bool is_date(const char *text, size_t len)
{
    if (len < 10 || !like(text, 10, "0000-00-00"))
        return is_time(text, len, false);
    if (!is_day(text))
        return false;
    return len == 10 || ((text[10] == 'T' || text[10] == 't' || text[10] == ' ') &&
                         is_time(text + 11, len - 11, true));
}

/* Digits of a base, with single '_' between them, without leading zeros where the base is 10. Copied without
 * the '_'. */
static bool digits(const char *text, size_t len, unsigned base, bool leading, char *out)
{
    if (!len || (leading && len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned value = isdigit(c) ? c - 48u : isxdigit(c) ? (c | 32u) - 87u : 99;
        if (c == '_' && i && i + 1 < len && text[i - 1] != '_')
            continue;
        if (value >= base)
            return false;
        *out++ = (char)c;
    }
    *out = '\0';
    return true;
}

static slk_err_t read_integer(slk_toml_reader_t *r, slk_toml_t *value, const char *text, size_t len)
{
    static const struct {
        char letter;
        int base;
    } bases[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    char plain[128];
    int base = 10;
    bool minus = *text == '-', sign = minus || *text == '+';
    const char *start = text + sign;
    for (size_t i = 0; i < SLK_COUNT(bases) && !sign && len > 2; i++) {
        if (text[0] == '0' && text[1] == bases[i].letter)
            base = bases[i].base;
    }
    start += base == 10 ? 0 : 2;
    size_t left = len - (size_t)(start - text);
    if (left >= sizeof(plain) - 1 || !digits(start, left, (unsigned)base, base == 10, plain + 1))
        return slk_toml_fail(r, "'%.*s' is no value: a text needs quotes", len < 60 ? (int)len : 60,
                             text);
    plain[0] = minus ? '-' : '+';
    errno = 0;
    value->kind = SLK_TOML_INTEGER;
    value->integer = strtoll(plain, NULL, base);
    return errno ? slk_toml_fail(r, "%.*s is out of range (64 bits)", (int)len, text) : SLK_OK;
}

/* integer part, then fraction, exponent or both. */
static bool read_float(slk_toml_t *value, const char *text, size_t len)
{
    char plain[128];
    size_t sign = *text == '-' || *text == '+', at = sign;
    if (len - sign == 3 && (!memcmp(text + sign, "inf", 3) || !memcmp(text + sign, "nan", 3))) {
        value->number = text[sign] == 'i' ? (double)INFINITY : (double)NAN;
        value->number = *text == '-' ? -value->number : value->number;
        value->kind = SLK_TOML_FLOAT;
        return true;
    }
    if (len + 2 > sizeof(plain))
        return false;
    plain[0] = *text == '-' ? '-' : '+';
    size_t start = at;
    while (at < len && (isdigit((unsigned char)text[at]) || text[at] == '_'))
        at++;
    if (at == len || !digits(text + start, at - start, 10, true, plain + 1))
        return false;
    if (text[at] == '.') {
        start = ++at;
        while (at < len && (isdigit((unsigned char)text[at]) || text[at] == '_'))
            at++;
        strcat(plain, ".");
        if (!digits(text + start, at - start, 10, false, plain + strlen(plain)))
            return false;
    }
    if (at < len) {
        if (text[at] != 'e' && text[at] != 'E')
            return false;
        at++;
        strcat(plain, at < len && text[at] == '-' ? "e-" : "e");
        at += at < len && (text[at] == '-' || text[at] == '+');
        if (!digits(text + at, len - at, 10, false, plain + strlen(plain)))
            return false;
    }
    value->kind = SLK_TOML_FLOAT;
    value->number = strtod(plain, NULL);
    return true;
}

static slk_err_t read_plain(slk_toml_reader_t *r, slk_toml_t *value)
{
    const char *text = r->at;
    while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-_.:", *r->at)))
        r->at++;
    size_t len = (size_t)(r->at - text);
    /* A date and a time may have a space between them. */
    if (len == 10 && like(text, 10, "0000-00-00") && r->end - r->at > 3 && *r->at == ' ' &&
        like(r->at + 1, 2, "00")) {
        for (r->at++;
             r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-_.:", *r->at));)
            r->at++;
        len = (size_t)(r->at - text);
    }
    if (!len)
        return slk_toml_fail(r, "expected a value");
    if ((len == 4 && !memcmp(text, "true", 4)) || (len == 5 && !memcmp(text, "false", 5))) {
        value->kind = SLK_TOML_BOOL;
        value->truth = len == 4;
        return SLK_OK;
    }
    if (is_date(text, len)) {
        value->kind = SLK_TOML_DATE;
        value->text = slk_arena_text(r->arena, text, len);
        value->len = len;
        return value->text ? SLK_OK
                           : slk_fail(r->diag, SLK_ERR_NOMEM, "%s: no memory to read it", r->name);
    }
    return read_float(value, text, len) ? SLK_OK : read_integer(r, value, text, len);
}

/* --- Arrays and inline tables ---------------------------------------------------------------- */

static slk_err_t read_array(slk_toml_reader_t *r, slk_toml_t *value)
{
    slk_toml_t *element;
    slk_err_t err;
    uint32_t first = r->line;
    value->kind = SLK_TOML_ARRAY;
    for (bool comma = true;;) {
        SLK_TRY(slk_toml_space(r));
        if (slk_toml_is(r, ']'))
            break;
        if (r->at == r->end) {
            r->line = first;
            return slk_toml_fail(r, "a list without its closing ]");
        }
        if (!comma)
            return slk_toml_fail(r, "expected ',' or ']' in a list");
        SLK_TRY(slk_toml_add(r, value, NULL, &element));
        SLK_TRY(slk_toml_value(r, element));
        SLK_TRY(slk_toml_space(r));
        comma = slk_toml_is(r, ',');
        r->at += comma;
    }
    r->at++;
out:
    return err;
}

/* All tables that dotted keys made in it are closed with it. */
static void close_table(slk_toml_t *table)
{
    table->flags |= SLK_TOML_CLOSED;
    for (slk_toml_t *at = table->first; at; at = at->next) {
        if (at->kind == SLK_TOML_TABLE)
            close_table(at);
    }
}

static slk_err_t read_inline(slk_toml_reader_t *r, slk_toml_t *value)
{
    slk_err_t err = SLK_OK;
    value->kind = SLK_TOML_TABLE;
    slk_toml_blanks(r);
    while (!slk_toml_is(r, '}') || value->cnt) {
        SLK_TRY(slk_toml_pair(r, value));
        slk_toml_blanks(r);
        if (slk_toml_is(r, '}'))
            break;
        if (!slk_toml_is(r, ','))
            return slk_toml_fail(r, "expected ',' or '}' in a table");
        r->at++;
        slk_toml_blanks(r);
    }
    r->at++;
    close_table(value);
out:
    return err;
}

slk_err_t slk_toml_value(slk_toml_reader_t *r, slk_toml_t *value)
{
    char c = r->at < r->end ? *r->at : '\0';
    value->line = r->line;
    if (c == '"' || c == '\'') {
        value->kind = SLK_TOML_STRING;
        return slk_toml_string(r, false, &value->text, &value->len);
    }
    if (c != '[' && c != '{')
        return read_plain(r, value);
    if (++r->depth > SLK_TOML_DEPTH)
        return slk_toml_fail(r, "lists and tables deeper than %d", SLK_TOML_DEPTH);
    r->at++;
    slk_err_t err = c == '[' ? read_array(r, value) : read_inline(r, value);
    r->depth--;
    return err;
}
