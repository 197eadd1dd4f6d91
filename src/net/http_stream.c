#include "net/http_private.h"

#include <stdlib.h>

struct slk_http_stream {
    slk_http_read_t *read;
    void (*done)(void *ctx);
    void *ctx;
};

void slk_http_stream_free(slk_http_stream_t *stream)
{
    if (!stream)
        return;
    stream->done(stream->ctx);
    free(stream);
}

void slk_http_reply_stream(slk_http_request_t *req, int status, const char *content_type,
                           uint64_t len, slk_http_read_t *read, void (*done)(void *ctx), void *ctx)
{
    slk_http_stream_t *stream = malloc(sizeof *stream);
    if (!stream) {
        done(ctx);
        slk_http_reply(req, 503, NULL, "", 0);
        return;
    }
    *stream = (slk_http_stream_t){.read = read, .done = done, .ctx = ctx};
    slk_http_reply(req, status, content_type, "", 0);
    req->reply.stream = stream;
    req->reply.len = len;
}

static ssize_t on_read(void *ctx, uint64_t pos, char *buf, size_t cap)
{
    const slk_http_stream_t *stream = ctx;
    size_t len = stream->read(stream->ctx, pos, buf, cap);
    return len && len <= cap ? (ssize_t)len : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void on_free(void *ctx)
{
    slk_http_stream_free(ctx);
}

struct MHD_Response *slk_http_stream_response(slk_http_reply_t *reply)
{
    enum { PIECE = 256 * 1024 };
    struct MHD_Response *response =
        MHD_create_response_from_callback(reply->len, PIECE, on_read, reply->stream, on_free);
    if (response)
        reply->stream = NULL;
    return response;
}
