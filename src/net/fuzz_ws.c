/* Frames and handshakes of a websocket, from memory. Byte 0: bit 0 the side, bit 1 handshake
 * instead of frames, the rest how much one read gives. */
#include "base/assert.h"
#include "net/ws_frames.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096

typedef struct {
    const uint8_t *data;
    size_t left, step;
} input_t;

static ssize_t read_some(void *ctx, void *bytes, size_t len)
{
    input_t *in = ctx;
    size_t n = len < in->step ? len : in->step;
    n = n < in->left ? n : in->left;
    if (!n)
        return -1;
    memcpy(bytes, in->data, n);
    in->data += n;
    in->left -= n;
    return (ssize_t)n;
}

static ssize_t write_all(void *ctx, const void *bytes, size_t len)
{
    (void)ctx;
    (void)bytes;
    return (ssize_t)len;
}

static void take(void *ctx, char *text, size_t len)
{
    (void)ctx;
    SLK_ASSERT(len <= MESSAGE_MAX && text[len] == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    input_t in = {data + 1, size - 1, (size_t)(data[0] >> 2) + 1};
    if (data[0] & 2) {
        size_t used;
        int status;
        static const char key[] = "RvWYVcWsms+5wug+tx0cEg==";
        if (slk_ws_check_answer((const char *)in.data, in.left, key, &used, &status, NULL) ==
            SLK_OK)
            SLK_ASSERT(used <= in.left && (!used || status == 101));
        return 0;
    }
    const slk_ws_frames_opts_t opts = {.client = data[0] & 1,
                                       .message_max = MESSAGE_MAX,
                                       .recv = read_some,
                                       .send = write_all,
                                       .message = take,
                                       .ctx = &in};
    slk_ws_frames_t *frames;
    const char *why;
    if (slk_ws_frames_new(&frames, &opts, NULL) != SLK_OK)
        return 0;
    while (slk_ws_frames_read(frames, &why) && slk_ws_frames_write(frames, &why) && in.left)
        continue;
    slk_ws_frames_free(frames);
    return 0;
}
