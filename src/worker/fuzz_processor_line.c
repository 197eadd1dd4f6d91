/* Lines that come from another program: what is accepted is JSON that a real parser accepts, unless
 * for its UTF-8 and numbers too large, and what is written again means the same. */
#include "base/assert.h"
#include "worker/processor_line.h"

#include <string.h>

static void try_request(const char *text, size_t len)
{
    slk_processor_request_t request, again;
    if (slk_processor_request_parse(&request, text, len, NULL) != SLK_OK || request.cancel)
        return;
    SLK_ASSERT(request.has_id && request.task.at >= text &&
               request.task.at + request.task.len <= text + len);
    slk_buf_t buf = {0};
    slk_processor_put_request(&buf, request.id, request.task.at, request.task.len);
    SLK_ASSERT(memchr(buf.bytes, '\n', buf.len) == buf.bytes + buf.len - 1);
    SLK_ASSERT(slk_processor_request_parse(&again, (char *)buf.bytes, buf.len, NULL) == SLK_OK);
    SLK_ASSERT(again.id == request.id && again.task.len == request.task.len);
    slk_buf_free(&buf);
}

static void try_answer(const char *text, size_t len)
{
    static slk_processor_answer_t answer, again;
    slk_buf_t buf = {0};
    if (slk_processor_answer_parse(&answer, text, len, NULL) != SLK_OK)
        return;
    switch (answer.kind) {
    case SLK_PROCESSOR_OUTPUT:
        slk_processor_put_output(&buf, answer.id, answer.output.at, answer.output.len);
        break;
    case SLK_PROCESSOR_ERROR:
        slk_processor_put_error(&buf, answer.id, answer.err, answer.err_msg.text, true);
        break;
    case SLK_PROCESSOR_PROGRESS:
        slk_processor_put_progress(&buf, answer.id, &answer.view);
        break;
    case SLK_PROCESSOR_HELLO:
        return;
    }
    SLK_ASSERT(slk_processor_answer_parse(&again, (char *)buf.bytes, buf.len, NULL) == SLK_OK);
    SLK_ASSERT(again.kind == answer.kind && again.id == answer.id && again.err == answer.err &&
               again.output.len == answer.output.len && again.view.done == answer.view.done);
    slk_buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    slk_span_t span;
    /* to jansson, a zero byte ends the text */
    if (!memchr(text, 0, size) && slk_span_value(&span, text, size, NULL) != SLK_OK) {
        json_t *json = json_loadb(text, size, JSON_DECODE_ANY, NULL);
        SLK_ASSERT(!json || size > 128); /* nesting */
        json_decref(json);
    }
    try_request(text, size);
    try_answer(text, size);
    return 0;
}
