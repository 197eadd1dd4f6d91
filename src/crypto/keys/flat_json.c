#include "crypto/keys/flat_json.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
    const char *at, *end;
} cursor_t;

static void skip_space(cursor_t *in)
{
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r'))
        in->at++;
}

static bool take(cursor_t *in, char c)
{
    skip_space(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool take_string(cursor_t *in, const char **text, size_t *len)
{
    if (!take(in, '"'))
        return false;
    *text = in->at;
    while (in->at < in->end && *in->at >= ' ' && *in->at < 0x7f && *in->at != '"' &&
           *in->at != '\\')
        in->at++;
    *len = (size_t)(in->at - *text);
    return in->at < in->end && *in->at++ == '"';
}

static bool take_number(cursor_t *in, const char **text, size_t *len)
{
    skip_space(in);
    *text = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    *len = (size_t)(in->at - *text);
    return *len > 0 && (*len == 1 || **text != '0');
}

static slk_flat_field_t *field_named(slk_flat_field_t *fields, size_t cnt, const char *name,
                                     size_t len)
{
    for (size_t i = 0; i < cnt; i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            return &fields[i];
    return NULL;
}

static slk_err_t read_member(cursor_t *in, slk_flat_field_t *fields, size_t cnt, const char *what,
                             slk_diag_t *diag)
{
    const char *name;
    size_t len;
    if (!take_string(in, &name, &len) || !take(in, ':'))
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: not a JSON object of plain members", what);
    slk_flat_field_t *field = field_named(fields, cnt, name, len);
    if (!field)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: a member that does not belong there", what);
    if (field->text)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is there twice", what, field->name);
    bool good = field->number ? take_number(in, &field->text, &field->len)
                              : take_string(in, &field->text, &field->len);
    if (!good)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is not a %s", what, field->name,
                        field->number ? "whole number" : "plain string");
    return SLK_OK;
}

slk_err_t slk_flat_json(slk_flat_field_t *fields, size_t cnt, const char *text, size_t len,
                        const char *what, slk_diag_t *diag)
{
    cursor_t in = {text, text + len};
    for (size_t i = 0; i < cnt; i++)
        fields[i].text = NULL;
    if (!take(&in, '{'))
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: does not begin with '{'", what);
    if (!take(&in, '}')) {
        do {
            slk_err_t err = read_member(&in, fields, cnt, what, diag);
            if (err != SLK_OK)
                return err;
        } while (take(&in, ','));
        if (!take(&in, '}'))
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: the object does not end with '}'", what);
    }
    skip_space(&in);
    if (in.at != in.end)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: bytes behind the object", what);
    for (size_t i = 0; i < cnt; i++)
        if (!fields[i].text && !fields[i].optional)
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is missing", what, fields[i].name);
    return SLK_OK;
}

bool slk_flat_is(const slk_flat_field_t *field, const char *text)
{
    return field->text && field->len == strlen(text) && memcmp(field->text, text, field->len) == 0;
}

slk_err_t slk_flat_number(const slk_flat_field_t *field, uint64_t max, uint64_t *out,
                          const char *what, slk_diag_t *diag)
{
    uint64_t value = 0;
    for (size_t i = 0; i < field->len; i++) {
        uint64_t digit = (uint64_t)(field->text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is too large", what, field->name);
        value = 10 * value + digit;
    }
    if (value > max)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is %" PRIu64 ", at most %" PRIu64 " is read",
                        what, field->name, value, max);
    *out = value;
    return SLK_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

slk_err_t slk_flat_hex(const slk_flat_field_t *field, void *out, size_t len, const char *what,
                       slk_diag_t *diag)
{
    uint8_t *bytes = out;
    if (field->len != 2 * len)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s has %zu characters, not %zu of hex", what,
                        field->name, field->len, 2 * len);
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(field->text[2 * i]), low = hex_digit(field->text[2 * i + 1]);
        if (high < 0 || low < 0)
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is not hex", what, field->name);
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return SLK_OK;
}
