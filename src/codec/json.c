#include "codec/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME  "/int"
#define BEGIN "{\"" NAME "\":\""
#define END   "\"}"
/* What a mark adds to the digits. */
#define MORE (sizeof BEGIN - 1 + sizeof END - 1)

/* --- Numbers in a text ----------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t number_len(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (is_digit(text[n]) || strchr("+-.eE", text[n])) && text[n])
        n++;
    return n;
}

/* An integer that int64_t does not hold, written as JSON wants it. */
static bool is_large(const char *text, size_t len)
{
    static const char *const most = "9223372036854775807", *const least = "9223372036854775808";
    const bool minus = len && *text == '-';
    const char *digits = text + minus;
    size_t cnt = len - minus;
    for (size_t i = 0; i < cnt; i++)
        if (!is_digit(digits[i]))
            return false;
    if (cnt != strlen(most))
        return cnt > strlen(most) && *digits != '0';
    return memcmp(digits, minus ? least : most, cnt) > 0;
}

/* Where the next string or number begins; len: nowhere. */
static size_t skip_to_value(const char *text, size_t at, size_t len)
{
    while (at < len && text[at] != '"' && text[at] != '-' && !is_digit(text[at]))
        at++;
    return at;
}

static size_t skip_string(const char *text, size_t at, size_t len)
{
    for (at++; at < len && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < len ? at + 1 : len;
}

/* The next large integer from `at` on, and its length; len: none. */
static size_t find_large(const char *text, size_t at, size_t len, size_t *digits)
{
    while ((at = skip_to_value(text, at, len)) < len) {
        if (text[at] == '"') {
            at = skip_string(text, at, len);
            continue;
        }
        *digits = number_len(text + at, len - at);
        if (is_large(text + at, *digits))
            return at;
        at += *digits;
    }
    return len;
}

/* --- Reading and writing --------------------------------------------------------------------------- */

/* A copy with marks; NULL: out of memory. */
static char *mark(const char *text, size_t len, size_t cnt, size_t *out_len)
{
    size_t at = 0, digits = 0;
    char *out = malloc(len + cnt * MORE + 1), *to = out;
    if (!out)
        return NULL;
    for (;;) {
        const size_t next = find_large(text, at, len, &digits);
        memcpy(to, text + at, next - at);
        to += next - at;
        if (next == len)
            break;
        to = stpcpy(to, BEGIN);
        memcpy(to, text + next, digits);
        to = stpcpy(to + digits, END);
        at = next + digits;
    }
    *out_len = (size_t)(to - out);
    return out;
}

json_t *slk_json_load(const char *text, size_t len, size_t flags, json_error_t *error)
{
    size_t cnt = 0, digits = 0;
    for (size_t at = 0; (at = find_large(text, at, len, &digits)) < len; at += digits)
        cnt++;
    if (!cnt)
        return json_loadb(text, len, flags, error);
    char *marked = mark(text, len, cnt, &len);
    json_t *json = marked ? json_loadb(marked, len, flags, error) : NULL;
    if (!marked && error)
        *error = (json_error_t){.text = "out of memory"};
    free(marked);
    return json;
}

static bool marked_at(const char *text, size_t len, size_t *digits)
{
    const size_t begin = sizeof BEGIN - 1, end = sizeof END - 1;
    if (len <= begin || memcmp(text, BEGIN, begin))
        return false;
    *digits = number_len(text + begin, len - begin);
    return is_large(text + begin, *digits) && len - begin - *digits >= end &&
           !memcmp(text + begin + *digits, END, end);
}

size_t slk_json_unmark(char *text, size_t len)
{
    size_t to = 0, from = 0, digits;
    for (size_t at = 0; at < len; at++) {
        const char *brace = memchr(text + at, '{', len - at);
        if (!brace)
            break;
        at = (size_t)(brace - text);
        if (!marked_at(brace, len - at, &digits))
            continue;
        memmove(text + to, text + from, at - from);
        to += at - from;
        memmove(text + to, brace + sizeof BEGIN - 1, digits);
        to += digits;
        from = at + digits + MORE;
        at = from - 1;
    }
    memmove(text + to, text + from, len - from);
    return to + len - from;
}

char *slk_json_dump(const json_t *json, size_t flags)
{
    char *text = json_dumps(json, flags);
    if (text)
        text[slk_json_unmark(text, strlen(text))] = 0;
    return text;
}

/* --- Values ---------------------------------------------------------------------------------------- */

const char *slk_json_digits(const json_t *json)
{
    const json_t *digits = json_object_size(json) == 1 ? json_object_get(json, NAME) : NULL;
    const char *text = json_string_value(digits);
    return text && is_large(text, json_string_length(digits)) ? text : NULL;
}

bool slk_json_u64(const json_t *json, uint64_t *v)
{
    char *end;
    const char *digits = slk_json_digits(json);
    if (!digits) {
        *v = (uint64_t)json_integer_value(json);
        return json_is_integer(json) && json_integer_value(json) >= 0;
    }
    errno = 0;
    *v = strtoull(digits, &end, 10);
    return *digits != '-' && !errno && !*end;
}

json_t *slk_json_of_u64(uint64_t v)
{
    char digits[24];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_pack("{s:s}", NAME, digits);
}
