#include "worker/processor_line.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536u /* bytes of an err_msg that are looked at */

/* --- Writing -------------------------------------------------------------------------------- */

void slk_json_putf(slk_buf_t *buf, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    SLK_ASSERT(n >= 0 && (size_t)n < sizeof text);
    slk_buf_put(buf, text, (size_t)n);
}

static void put(slk_buf_t *buf, const char *text)
{
    slk_buf_put(buf, text, strlen(text));
}

/* Bytes of the UTF-8 character at text, 0 if it is none. */
static size_t utf8_len(const unsigned char *p)
{
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return len > 1 && bad ? 0 : len;
}

void slk_json_put_text(slk_buf_t *buf, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    slk_buf_put_byte(buf, '"');
    while (*p) {
        size_t len = utf8_len(p);
        if (*p == '"' || *p == '\\')
            slk_buf_put_byte(buf, '\\');
        if (len == 0)
            slk_buf_put_byte(buf, '?');
        else if (*p < ' ')
            slk_json_putf(buf, "\\u%04x", *p);
        else
            slk_buf_put(buf, p, len);
        p += len ? len : 1;
    }
    slk_buf_put_byte(buf, '"');
}

void slk_processor_put_request(slk_buf_t *buf, uint64_t id, const char *task, size_t len)
{
    slk_json_putf(buf, "{\"id\":%" PRIu64 ",\"task\":", id);
    uint8_t *at = slk_buf_extend(buf, len);
    for (size_t i = 0; at && i < len; i++)
        at[i] = (uint8_t)(task[i] == '\n' || task[i] == '\r' ? ' ' : task[i]);
    put(buf, "}\n");
}

void slk_processor_put_cancel(slk_buf_t *buf, uint64_t id)
{
    slk_json_putf(buf, "{\"cancel\":%" PRIu64 "}\n", id);
}

void slk_processor_put_output(slk_buf_t *buf, uint64_t id, const char *output, size_t len)
{
    slk_json_putf(buf, "{\"id\":%" PRIu64 ",\"err_msg\":null,\"output\":", id);
    slk_buf_put(buf, output, len);
    put(buf, "}\n");
}

void slk_processor_put_error(slk_buf_t *buf, uint64_t id, slk_err_t err, const char *text,
                             bool ours)
{
    slk_json_putf(buf, "{\"id\":%" PRIu64 ",\"err_msg\":", id);
    slk_json_put_text(buf, text);
    put(buf, ",\"output\":null");
    if (ours)
        slk_json_putf(buf, ",\"err_code\":%d", (int)err);
    put(buf, "}\n");
}

void slk_processor_put_progress(slk_buf_t *buf, uint64_t id, const slk_progress_view_t *view)
{
    slk_json_putf(buf, "{\"progress\":{\"id\":%" PRIu64 ",\"stage\":", id);
    slk_json_put_text(buf, view->stage);
    slk_json_putf(buf,
                  ",\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"resumed\":%" PRIu64 ",\"unit\":",
                  view->done, view->total, view->resumed);
    slk_json_put_text(buf, view->unit);
    put(buf, "}}\n");
}

void slk_processor_put_hello(slk_buf_t *buf)
{
    slk_json_putf(buf, "{\"selkie\":{\"protocol\":%d}}\n", SLK_PROCESSOR_PROTOCOL);
}

/* --- Requests ------------------------------------------------------------------------------- */

slk_err_t slk_processor_request_parse(slk_processor_request_t *out, const char *line, size_t len,
                                      slk_diag_t *diag)
{
    static const char *const names[] = {"id", "task", "cancel"};
    enum { ID, TASK, CANCEL, CNT };
    slk_span_t value[CNT];
    *out = (slk_processor_request_t){0};
    slk_err_t err = slk_span_members(value, names, CNT, line, len, diag);
    out->has_id = slk_span_u64(&out->id, value[ID]);
    if (err != SLK_OK)
        return err;
    if (value[CANCEL].len && !value[ID].len) {
        out->cancel = slk_span_u64(&out->id, value[CANCEL]);
        return out->cancel
                   ? SLK_OK
                   : slk_fail(diag, SLK_ERR_FORMAT, "cancel: expected the number of a request");
    }
    if (!out->has_id)
        return slk_fail(diag, SLK_ERR_FORMAT, "request: field id: expected a number below 2^64");
    if (!value[TASK].len || *value[TASK].at != '{')
        return slk_fail(diag, SLK_ERR_FORMAT, "request: field task: expected an object");
    out->task = value[TASK];
    return SLK_OK;
}

/* --- Answers -------------------------------------------------------------------------------- */

/* A string into out, cut to cap - 1 bytes. */
static slk_err_t read_text(char *out, size_t cap, slk_span_t span, const char *name,
                           slk_diag_t *diag)
{
    json_error_t error;
    if (!span.len || *span.at != '"')
        return slk_fail(diag, SLK_ERR_FORMAT, "field %s: expected a text", name);
    if (span.len > TEXT_MAX) {
        snprintf(out, cap, "(a text of %zu bytes)", span.len);
        return SLK_OK;
    }
    json_t *text = json_loadb(span.at, span.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!text)
        return slk_fail(diag, SLK_ERR_FORMAT, "field %s: %s", name, error.text);
    snprintf(out, cap, "%s", json_string_value(text));
    json_decref(text);
    return SLK_OK;
}

static slk_err_t read_u64(uint64_t *out, slk_span_t span, const char *name, slk_diag_t *diag)
{
    return slk_span_u64(out, span)
               ? SLK_OK
               : slk_fail(diag, SLK_ERR_FORMAT, "field %s: expected a number below 2^64", name);
}

static slk_err_t read_progress(slk_processor_answer_t *out, slk_span_t text, slk_diag_t *diag)
{
    static const char *const names[] = {"id", "stage", "done", "total", "resumed", "unit"};
    enum { ID, STAGE, DONE, TOTAL, RESUMED, UNIT, CNT };
    slk_span_t value[CNT];
    slk_progress_view_t *view = &out->view;
    slk_err_t err;
    out->kind = SLK_PROCESSOR_PROGRESS;
    SLK_TRY(slk_span_members(value, names, CNT, text.at, text.len, diag));
    SLK_TRY(read_u64(&out->id, value[ID], names[ID], diag));
    SLK_TRY(read_u64(&view->done, value[DONE], names[DONE], diag));
    SLK_TRY(read_u64(&view->total, value[TOTAL], names[TOTAL], diag));
    if (value[RESUMED].len)
        SLK_TRY(read_u64(&view->resumed, value[RESUMED], names[RESUMED], diag));
    SLK_TRY(read_text(view->stage, sizeof view->stage, value[STAGE], names[STAGE], diag));
    SLK_TRY(read_text(view->unit, sizeof view->unit, value[UNIT], names[UNIT], diag));
out:
    return err;
}

static slk_err_t read_hello(slk_processor_answer_t *out, slk_span_t text, slk_diag_t *diag)
{
    static const char *const names[] = {"protocol"};
    slk_span_t value;
    out->kind = SLK_PROCESSOR_HELLO;
    slk_err_t err = slk_span_members(&value, names, 1, text.at, text.len, diag);
    return err == SLK_OK ? read_u64(&out->protocol, value, names[0], diag) : err;
}

static bool is_null(slk_span_t span)
{
    return !span.len || slk_span_is(span, "null");
}

/* err_code if it is one of ours. */
static slk_err_t error_code(slk_span_t span)
{
    uint64_t code;
    if (span.len < 2 || *span.at != '-' ||
        !slk_span_u64(&code, (slk_span_t){span.at + 1, span.len - 1}))
        return SLK_ERR_STATE;
#define KNOWN(num, name, text)                                                                     \
    if ((num) < 0 && code == (uint64_t) - (num))                                                   \
        return SLK_ERR_##name;
    SLK_ERR_LIST(KNOWN)
#undef KNOWN
    return SLK_ERR_STATE;
}

slk_err_t slk_processor_answer_parse(slk_processor_answer_t *out, const char *line, size_t len,
                                     slk_diag_t *diag)
{
    static const char *const names[] = {"id",       "err_msg",  "output",
                                        "err_code", "progress", "selkie"};
    enum { ID, ERR_MSG, OUTPUT, ERR_CODE, PROGRESS, HELLO, CNT };
    slk_span_t value[CNT];
    slk_err_t err;
    *out = (slk_processor_answer_t){0};
    SLK_TRY(slk_span_members(value, names, CNT, line, len, diag));
    if (!value[ID].len && value[PROGRESS].len)
        return read_progress(out, value[PROGRESS], diag);
    if (!value[ID].len && value[HELLO].len)
        return read_hello(out, value[HELLO], diag);
    SLK_TRY(read_u64(&out->id, value[ID], names[ID], diag));
    if (!is_null(value[ERR_MSG])) {
        out->kind = SLK_PROCESSOR_ERROR;
        out->err = error_code(value[ERR_CODE]);
        return read_text(out->err_msg.text, sizeof out->err_msg.text, value[ERR_MSG],
                         names[ERR_MSG], diag);
    }
    if (is_null(value[OUTPUT]))
        return slk_fail(diag, SLK_ERR_FORMAT, "answer: neither err_msg nor output");
    out->kind = SLK_PROCESSOR_OUTPUT;
    out->output = value[OUTPUT];
out:
    return err;
}
