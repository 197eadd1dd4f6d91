#ifndef SLK_NET_WS_FRAMES_H
#define SLK_NET_WS_FRAMES_H

/* One websocket's frames (RFC 6455), either side, without socket, thread or clock: bytes go in and
 * out through two functions, whole messages come out of a third. Pings are answered by itself.
 *
 * For one thread. */

#include "net/text.h"
#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct slk_ws_frames slk_ws_frames_t;

typedef struct {
    bool client; /* masks what it sends */
    uint64_t message_max;
    /* Read up to len bytes / write up to len: > 0 done, 0 would block, -1 the connection is
     * over. */
    ssize_t (*recv)(void *ctx, void *bytes, size_t len);
    ssize_t (*send)(void *ctx, const void *bytes, size_t len);
    /* A whole message, text or binary, NUL-terminated; takes it (free). Not to free the frames in
     * it. */
    void (*message)(void *ctx, char *text, size_t len);
    void *ctx;
} slk_ws_frames_opts_t;

SLK_CHECK_RESULT slk_err_t slk_ws_frames_new(slk_ws_frames_t **frames,
                                             const slk_ws_frames_opts_t *opts, slk_diag_t *diag);
void slk_ws_frames_free(slk_ws_frames_t *frames);

/* Bytes that came with the handshake, to be read before those of recv. Copied; once, at the
 * beginning. */
SLK_CHECK_RESULT slk_err_t slk_ws_frames_early(slk_ws_frames_t *frames, const void *bytes,
                                               size_t len);

/* Read what there is / write what can be written. False: the socket is to be closed, `why` says
 * why. A peer that breaks the rules is sent a close frame first, while writing works. */
bool slk_ws_frames_read(slk_ws_frames_t *frames, const char **why);
bool slk_ws_frames_write(slk_ws_frames_t *frames, const char **why);

/* Queue a message, ping, close. False: nothing may be sent any more, or out of memory. */
bool slk_ws_frames_text(slk_ws_frames_t *frames, const char *text, size_t len);
bool slk_ws_frames_ping(slk_ws_frames_t *frames);
void slk_ws_frames_close(slk_ws_frames_t *frames, uint16_t status);

/* Bytes or frames wait to be written. */
bool slk_ws_frames_pending(const slk_ws_frames_t *frames);
/* Bytes of messages queued and not yet written. */
size_t slk_ws_frames_queued(const slk_ws_frames_t *frames);
/* Bytes read and written so far: whoever watches for silence and stalls compares them. */
uint64_t slk_ws_frames_in(const slk_ws_frames_t *frames);
uint64_t slk_ws_frames_out(const slk_ws_frames_t *frames);

/* --- Handshake ----------------------------------------------------------------------------- */

#define SLK_WS_KEY_LEN    24 /* base64 of 16 bytes */
#define SLK_WS_ACCEPT_LEN 28

/* A fresh key; false when the system gives no random bytes. */
bool slk_ws_key_new(char key[SLK_WS_KEY_LEN + 1]);
/* True for base64 of 16 bytes. */
bool slk_ws_key_ok(const char *key);
/* What the server answers to this key. */
void slk_ws_accept(char accept[SLK_WS_ACCEPT_LEN + 1], const char *key);
/* True when a comma-separated header value contains the word, in any case. */
bool slk_ws_has_word(const char *value, const char *word);

/* Look at the beginning of what a server answered. *used: bytes up to the end of the headers, 0
 * when they are not complete yet. *status: of HTTP. SLK_ERR_FORMAT for what is no HTTP answer,
 * SLK_ERR_STATE when the server did not switch to the websocket of this key. */
SLK_CHECK_RESULT slk_err_t slk_ws_check_answer(const char *text, size_t len, const char *key,
                                               size_t *used, int *status, slk_diag_t *diag);

#endif /* SLK_NET_WS_FRAMES_H */
