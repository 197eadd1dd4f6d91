#include "worker/json_span.h"

#include "base/assert.h"

#include <string.h>

#define NESTING_MAX 128u

typedef struct {
    const char *text, *at, *end;
    slk_diag_t *diag;
} scan_t;

static slk_err_t expected(const scan_t *s, const char *what)
{
    if (s->at == s->end)
        return slk_fail(s->diag, SLK_ERR_FORMAT, "JSON ends at byte %zu, expected %s",
                        (size_t)(s->end - s->text), what);
    return slk_fail(s->diag, SLK_ERR_FORMAT, "JSON, byte %zu: expected %s",
                    (size_t)(s->at - s->text), what);
}

static void skip_blanks(scan_t *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(scan_t *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* --- Scalars -------------------------------------------------------------------------------- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static slk_err_t skip_escape(scan_t *s)
{
    if (s->at == s->end || !*s->at || !strchr("\"\\/bfnrtu", *s->at))
        return expected(s, "an escape");
    if (*s->at++ != 'u')
        return SLK_OK;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->end || !is_hex(*s->at))
            return expected(s, "four hexadecimal digits");
    }
    return SLK_OK;
}

static slk_err_t skip_string(scan_t *s)
{
    if (!take(s, '"'))
        return expected(s, "a string");
    while (s->at < s->end && *s->at != '"') {
        unsigned char c = (unsigned char)*s->at;
        if (c < ' ')
            return expected(s, "no control character");
        s->at++;
        slk_err_t err = c == '\\' ? skip_escape(s) : SLK_OK;
        if (err != SLK_OK)
            return err;
    }
    return take(s, '"') ? SLK_OK : expected(s, "the string's end");
}

static slk_err_t skip_digits(scan_t *s)
{
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first ? SLK_OK : expected(s, "a digit");
}

static slk_err_t skip_number(scan_t *s)
{
    slk_err_t err;
    take(s, '-');
    if (!take(s, '0'))
        SLK_TRY(skip_digits(s));
    if (take(s, '.'))
        SLK_TRY(skip_digits(s));
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        SLK_TRY(skip_digits(s));
    }
    err = SLK_OK;
out:
    return err;
}

static slk_err_t skip_literal(scan_t *s)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < SLK_COUNT(literals); i++) {
        size_t len = strlen(literals[i]);
        if ((size_t)(s->end - s->at) >= len && memcmp(s->at, literals[i], len) == 0) {
            s->at += len;
            return SLK_OK;
        }
    }
    return expected(s, "a value");
}

static slk_err_t skip_scalar(scan_t *s)
{
    if (s->at < s->end && *s->at == '"')
        return skip_string(s);
    if (s->at < s->end && (*s->at == '-' || (*s->at >= '0' && *s->at <= '9')))
        return skip_number(s);
    return skip_literal(s);
}

/* --- Values --------------------------------------------------------------------------------- */

/* Name and colon of a member. */
static slk_err_t skip_name(scan_t *s, slk_span_t *name)
{
    skip_blanks(s);
    const char *first = s->at;
    slk_err_t err = skip_string(s);
    if (err != SLK_OK)
        return err;
    if (name)
        *name = (slk_span_t){first + 1, (size_t)(s->at - first) - 2};
    skip_blanks(s);
    return take(s, ':') ? SLK_OK : expected(s, "':'");
}

/* Which containers are open: a bit for each, set for an object. */
typedef struct {
    uint64_t object[NESTING_MAX / 64];
    unsigned depth;
} nest_t;

static bool in_object(const nest_t *nest)
{
    unsigned at = nest->depth - 1;
    return nest->object[at / 64] >> (at % 64) & 1;
}

/* Behind the opening bracket; *empty: it is closed again already. */
static slk_err_t open_container(scan_t *s, nest_t *nest, bool object, bool *empty)
{
    unsigned at = nest->depth;
    if (at == NESTING_MAX)
        return expected(s, "less nesting");
    nest->object[at / 64] &= ~(UINT64_C(1) << (at % 64));
    nest->object[at / 64] |= (uint64_t)object << (at % 64);
    nest->depth++;
    skip_blanks(s);
    *empty = take(s, object ? '}' : ']');
    if (*empty)
        nest->depth--;
    return !*empty && object ? skip_name(s, NULL) : SLK_OK;
}

/* Behind a value: close what ends here, up to the next value or the end of all. */
static slk_err_t close_containers(scan_t *s, nest_t *nest)
{
    while (nest->depth) {
        bool object = in_object(nest);
        skip_blanks(s);
        if (take(s, ','))
            return object ? skip_name(s, NULL) : SLK_OK;
        if (!take(s, object ? '}' : ']'))
            return expected(s, object ? "',' or '}'" : "',' or ']'");
        nest->depth--;
    }
    return SLK_OK;
}

static slk_err_t skip_value(scan_t *s, slk_span_t *out)
{
    nest_t nest = {0};
    slk_err_t err;
    skip_blanks(s);
    const char *first = s->at;
    do {
        bool empty = true;
        skip_blanks(s);
        if (take(s, '{'))
            SLK_TRY(open_container(s, &nest, true, &empty));
        else if (take(s, '['))
            SLK_TRY(open_container(s, &nest, false, &empty));
        else
            SLK_TRY(skip_scalar(s));
        if (empty)
            SLK_TRY(close_containers(s, &nest));
    } while (nest.depth);
    *out = (slk_span_t){first, (size_t)(s->at - first)};
    err = SLK_OK;
out:
    return err;
}

static slk_err_t at_end(scan_t *s)
{
    skip_blanks(s);
    return s->at == s->end ? SLK_OK : expected(s, "the end");
}

slk_err_t slk_span_value(slk_span_t *out, const char *text, size_t len, slk_diag_t *diag)
{
    scan_t s = {text, text, text + len, diag};
    *out = (slk_span_t){0};
    slk_err_t err = skip_value(&s, out);
    return err == SLK_OK ? at_end(&s) : err;
}

/* Take a member's value if it is one of the names. */
static slk_err_t take_member(scan_t *s, slk_span_t *out, const char *const *names, size_t cnt)
{
    slk_span_t name, value;
    slk_err_t err = skip_name(s, &name);
    if (err == SLK_OK)
        err = skip_value(s, &value);
    for (size_t i = 0; err == SLK_OK && i < cnt; i++) {
        if (name.len != strlen(names[i]) || memcmp(name.at, names[i], name.len) != 0)
            continue;
        if (out[i].len)
            return slk_fail(s->diag, SLK_ERR_FORMAT, "JSON, byte %zu: %s comes twice",
                            (size_t)(name.at - s->text), names[i]);
        out[i] = value;
    }
    return err;
}

slk_err_t slk_span_members(slk_span_t *out, const char *const *names, size_t cnt, const char *text,
                           size_t len, slk_diag_t *diag)
{
    scan_t s = {text, text, text + len, diag};
    slk_err_t err = SLK_OK;
    memset(out, 0, cnt * sizeof *out);
    skip_blanks(&s);
    if (!take(&s, '{'))
        return expected(&s, "an object");
    skip_blanks(&s);
    if (take(&s, '}'))
        return at_end(&s);
    do {
        SLK_TRY(take_member(&s, out, names, cnt));
        skip_blanks(&s);
    } while (take(&s, ','));
    err = take(&s, '}') ? at_end(&s) : expected(&s, "',' or '}'");
out:
    return err;
}

bool slk_span_u64(uint64_t *out, slk_span_t span)
{
    uint64_t v = 0;
    for (size_t i = 0; i < span.len; i++) {
        char c = span.at[i];
        if (c < '0' || c > '9' || v > (UINT64_MAX - (uint64_t)(c - '0')) / 10)
            return false;
        v = v * 10 + (uint64_t)(c - '0');
    }
    *out = v;
    return span.len > 0;
}

bool slk_span_is(slk_span_t span, const char *literal)
{
    return span.len == strlen(literal) && memcmp(span.at, literal, span.len) == 0;
}
