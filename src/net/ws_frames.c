#include "net/ws_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

/* Each ping makes a pong that waits; a peer that pings and does not read must not fill our
 * memory. */
#define QUEUED_FRAMES_MAX ((size_t)1 << 16)

struct slk_ws_frames {
    slk_ws_frames_opts_t opts;
    wslay_event_context_ptr wslay;
    slk_text_t message; /* gathered so far */
    bool control, last; /* of the frame that comes in */
    bool lost;          /* the transport failed or a message cannot be gathered */
    slk_text_t early;
    size_t early_used;
    uint64_t in, out;
};

static ssize_t take_early(slk_ws_frames_t *f, uint8_t *bytes, size_t len)
{
    size_t left = f->early.len - f->early_used;
    size_t n = left < len ? left : len;
    memcpy(bytes, f->early.data + f->early_used, n);
    f->early_used += n;
    if (f->early_used == f->early.len) {
        slk_text_free(&f->early);
        f->early_used = 0;
    }
    return (ssize_t)n;
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *bytes, size_t len, int flags,
                       void *ctx)
{
    (void)flags;
    slk_ws_frames_t *f = ctx;
    ssize_t n = f->early.len ? take_early(f, bytes, len) : f->opts.recv(f->opts.ctx, bytes, len);
    if (n > 0) {
        f->in += (uint64_t)n;
        return n;
    }
    f->lost |= n < 0;
    wslay_event_set_error(wslay, n < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags,
                       void *ctx)
{
    (void)flags;
    slk_ws_frames_t *f = ctx;
    ssize_t n = f->opts.send(f->opts.ctx, bytes, len);
    if (n > 0) {
        f->out += (uint64_t)n;
        return n;
    }
    f->lost |= n < 0;
    wslay_event_set_error(wslay, n < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *bytes, size_t len, void *ctx)
{
    (void)ctx;
    if (getrandom(bytes, len, 0) == (ssize_t)len)
        return 0;
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_frame(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_start_arg *arg, void *ctx)
{
    (void)wslay;
    slk_ws_frames_t *f = ctx;
    f->control = wslay_is_ctrl_frame(arg->opcode);
    f->last = arg->fin;
}

/* wslay looks at the length of each frame; the sum is looked at here. */
static void on_chunk(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_chunk_arg *arg, void *ctx)
{
    slk_ws_frames_t *f = ctx;
    if (f->control || slk_text_add(&f->message, arg->data, arg->data_length))
        return;
    wslay_event_shutdown_read(wslay);
    wslay_event_queue_close(wslay, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
}

static void on_frame_end(wslay_event_context_ptr wslay, void *ctx)
{
    (void)wslay;
    slk_ws_frames_t *f = ctx;
    size_t len = 0;
    if (f->control || !f->last || f->message.failed)
        return;
    char *text = slk_text_take(&f->message, &len);
    if (text)
        f->opts.message(f->opts.ctx, text, len);
    else
        f->lost = true;
}

slk_err_t slk_ws_frames_new(slk_ws_frames_t **out, const slk_ws_frames_opts_t *opts,
                            slk_diag_t *diag)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_chunk_callback = on_chunk,
        .on_frame_recv_end_callback = on_frame_end,
    };
    slk_ws_frames_t *f = *out = calloc(1, sizeof *f);
    if (!f)
        return slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
    f->opts = *opts;
    f->message.max = opts->message_max;
    int rc = opts->client ? wslay_event_context_client_init(&f->wslay, &callbacks, f)
                          : wslay_event_context_server_init(&f->wslay, &callbacks, f);
    if (rc) {
        free(f);
        *out = NULL;
        return slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
    }
    wslay_event_config_set_no_buffering(f->wslay, 1);
    wslay_event_config_set_max_recv_msg_length(f->wslay, opts->message_max);
    return SLK_OK;
}

void slk_ws_frames_free(slk_ws_frames_t *f)
{
    if (!f)
        return;
    wslay_event_context_free(f->wslay);
    slk_text_free(&f->message);
    slk_text_free(&f->early);
    free(f);
}

slk_err_t slk_ws_frames_early(slk_ws_frames_t *f, const void *bytes, size_t len)
{
    return !len || slk_text_add(&f->early, bytes, len) ? SLK_OK : SLK_ERR_NOMEM;
}

/* Status of the close frame that went, for the sentence that says why. */
static const char *reason_of(uint16_t status)
{
    switch (status) {
    case WSLAY_CODE_PROTOCOL_ERROR:
        return "a malformed frame";
    case WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA:
        return "a text that is no UTF-8";
    case WSLAY_CODE_MESSAGE_TOO_BIG:
        return "a message over the limit";
    default:
        return "closed";
    }
}

/* False once the socket is to be closed. */
static bool check(slk_ws_frames_t *f, const char **why)
{
    if (f->lost) {
        *why = "connection lost";
        return false;
    }
    if (wslay_event_get_queued_msg_count(f->wslay) > QUEUED_FRAMES_MAX) {
        *why = "too many frames wait for a reader that does not read";
        return false;
    }
    if (wslay_event_get_close_received(f->wslay) && !wslay_event_want_write(f->wslay)) {
        *why = "closed by the other side";
        return false;
    }
    if (wslay_event_get_close_sent(f->wslay) && !wslay_event_get_read_enabled(f->wslay)) {
        *why = reason_of(wslay_event_get_status_code_sent(f->wslay));
        return false;
    }
    return true;
}

bool slk_ws_frames_read(slk_ws_frames_t *f, const char **why)
{
    if (wslay_event_want_read(f->wslay) && wslay_event_recv(f->wslay))
        f->lost = true;
    return check(f, why);
}

bool slk_ws_frames_write(slk_ws_frames_t *f, const char **why)
{
    if (wslay_event_want_write(f->wslay) && wslay_event_send(f->wslay))
        f->lost = true;
    return check(f, why);
}

static bool queue(slk_ws_frames_t *f, uint8_t opcode, const char *bytes, size_t len)
{
    struct wslay_event_msg msg = {
        .opcode = opcode, .msg = (const uint8_t *)bytes, .msg_length = len};
    return wslay_event_queue_msg(f->wslay, &msg) == 0;
}

bool slk_ws_frames_text(slk_ws_frames_t *f, const char *text, size_t len)
{
    return queue(f, WSLAY_TEXT_FRAME, text, len);
}

bool slk_ws_frames_ping(slk_ws_frames_t *f)
{
    return queue(f, WSLAY_PING, NULL, 0);
}

void slk_ws_frames_close(slk_ws_frames_t *f, uint16_t status)
{
    wslay_event_queue_close(f->wslay, status, NULL, 0);
}

bool slk_ws_frames_pending(const slk_ws_frames_t *f)
{
    return wslay_event_want_write(f->wslay) != 0;
}

size_t slk_ws_frames_queued(const slk_ws_frames_t *f)
{
    return wslay_event_get_queued_msg_length(f->wslay);
}

uint64_t slk_ws_frames_in(const slk_ws_frames_t *f)
{
    return f->in;
}

uint64_t slk_ws_frames_out(const slk_ws_frames_t *f)
{
    return f->out;
}
