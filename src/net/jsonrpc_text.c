#include "net/jsonrpc_text.h"

#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/* --- Reading JSON -------------------------------------------------------------------------- */

/* What jansson takes, at most, for an object, an array, and one more value in either. A text may
 * cost COST_FACTOR times its length and COST_FREE, never more than COST_MAX. */
#define COST_OBJECT ((uint64_t)320)
#define COST_ARRAY  ((uint64_t)144)
#define COST_VALUE  ((uint64_t)80)
#define COST_FACTOR ((uint64_t)40)
#define COST_FREE   ((uint64_t)4 << 20)
#define COST_MAX    ((uint64_t)2 << 30)

static uint64_t cost_of(const char *text, size_t len)
{
    uint64_t cost = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        cost += c == '{' ? COST_OBJECT : c == '[' ? COST_ARRAY : c == ',' ? COST_VALUE : 0;
    }
    return cost;
}

json_t *slk_json_parse(const char *text, size_t len, slk_diag_t *diag)
{
    uint64_t limit = COST_FREE + COST_FACTOR * len, cost = cost_of(text, len);
    if (cost > (limit < COST_MAX ? limit : COST_MAX)) {
        slk_fail(diag, SLK_ERR_LENGTH,
                 "JSON of %zu bytes: it would take more memory than allowed, with all its lists",
                 len);
        return NULL;
    }
    json_error_t error;
    json_t *value = slk_json_load(text, len, JSON_DECODE_ANY, &error);
    if (!value)
        slk_fail(diag, SLK_ERR_FORMAT, "JSON: line %d, column %d: malformed", error.line,
                 error.column);
    return value;
}

/* --- Writing JSON -------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at text, 0 when it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *text, size_t left)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t len;
    } rows[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last)
            continue;
        size_t len = rows[i].len;
        if (len > left || (len > 1 && (text[1] < rows[i].low || text[1] > rows[i].high)))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return len;
    }
    return 0;
}

void slk_json_quote(slk_text_t *buf, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    slk_text_add(buf, "\"", 1);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_len(p + i, len - i);
        unsigned char c = p[i];
        if (n == 0)
            slk_text_str(buf, "\\ufffd");
        else if (c == '"' || c == '\\')
            slk_text_printf(buf, "\\%c", c);
        else if (c == '\n')
            slk_text_str(buf, "\\n");
        else if (c < 0x20 || c == '<' || c == '>' || c == '&') /* as Lotus' encoder */
            slk_text_printf(buf, "\\u%04x", c);
        else
            slk_text_add(buf, p + i, n);
        i += n ? n : 1;
    }
    slk_text_add(buf, "\"", 1);
}

static int append(const char *bytes, size_t len, void *ctx)
{
    return slk_text_add(ctx, bytes, len) ? 0 : -1;
}

void slk_json_write(slk_text_t *buf, const json_t *value)
{
    const size_t before = buf->len;
    if (json_dump_callback(value, append, buf, JSON_COMPACT | JSON_ENCODE_ANY))
        buf->failed = true;
    else if (buf->len > before)
        buf->len = before + slk_json_unmark(buf->data + before, buf->len - before);
}

int slk_rpc_status(int64_t code)
{
    switch (code) {
    case SLK_RPC_INVALID:
        return 400;
    case SLK_RPC_PARSE:
    case SLK_RPC_NO_METHOD:
    case SLK_RPC_PARAM_COUNT:
        return 500;
    default:
        return 200;
    }
}

/* --- Requests and answers ------------------------------------------------------------------ */

/* Names of Go's types, as they appear in Lotus' messages. */
static const char *go_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "map[string]interface {}";
    case JSON_ARRAY:
        return "[]interface {}";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    case JSON_STRING:
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_NULL:
        break;
    }
    return "interface {}";
}

static const char *json_type_name(const json_t *value)
{
    return slk_json_digits(value)   ? "number"
           : json_is_object(value)  ? "object"
           : json_is_string(value)  ? "string"
           : json_is_boolean(value) ? "bool"
                                    : "number";
}

static bool bad(slk_rpc_request_t *req, int64_t code, const char *text, const char *more,
                const char *end)
{
    req->code = code;
    snprintf(req->message, sizeof req->message, "%s%s%s", text, more, end);
    return false;
}

static bool read_id(slk_rpc_request_t *req, const json_t *id)
{
    if (!id || json_is_null(id))
        return true;
    if (!json_is_string(id) && !json_is_number(id) && !slk_json_digits(id))
        return bad(req, SLK_RPC_PARSE, "failed to parse ID: invalid id type: ", go_type(id), "");
    slk_text_t text = {0};
    if (json_is_string(id))
        slk_json_quote(&text, json_string_value(id), json_string_length(id));
    else
        slk_json_write(&text, id);
    req->id = slk_text_take(&text, NULL);
    return req->id || bad(req, SLK_RPC_ERROR, "out of memory", "", "");
}

bool slk_rpc_request_read(slk_rpc_request_t *req, json_t *item)
{
    *req = (slk_rpc_request_t){0};
    json_t *method = json_object_get(item, "method"), *params = json_object_get(item, "params");
    if (!json_is_object(item) || (method && !json_is_string(method) && !json_is_null(method)))
        return bad(req, SLK_RPC_PARSE, "Parse error", "", "");
    if (!read_id(req, json_object_get(item, "id")))
        return false;
    req->method = json_is_string(method) ? json_string_value(method) : "";
    if (params && !json_is_null(params) && !json_is_array(params))
        return bad(req, SLK_RPC_PARSE, "unmarshaling param array: json: cannot unmarshal ",
                   json_type_name(params), " into Go value of type []jsonrpc.param");
    req->params = json_is_array(params) ? params : NULL;
    return true;
}

void slk_rpc_request_free(slk_rpc_request_t *req)
{
    free(req->id);
    *req = (slk_rpc_request_t){0};
}

void slk_rpc_write_error(slk_text_t *out, const char *id, int64_t code, const char *message,
                         const json_t *meta, const json_t *data)
{
    slk_text_printf(out, "{\"error\":{\"code\":%lld,\"message\":", (long long)code);
    slk_json_quote(out, message, strlen(message));
    if (meta) {
        slk_text_str(out, ",\"meta\":");
        slk_json_write(out, meta);
    }
    if (data) {
        slk_text_str(out, ",\"data\":");
        slk_json_write(out, data);
    }
    slk_text_str(out, "},\"id\":");
    slk_text_str(out, id ? id : "null");
    slk_text_str(out, ",\"jsonrpc\":\"2.0\"}\n");
}

void slk_rpc_write_result(slk_text_t *out, const char *id, const char *json, size_t len)
{
    slk_text_str(out, "{\"id\":");
    slk_text_str(out, id);
    slk_text_str(out, ",\"jsonrpc\":\"2.0\",\"result\":");
    slk_text_add(out, json, len);
    slk_text_str(out, "}\n");
}
