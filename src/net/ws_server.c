#include "net/http_private.h"
#include "net/ws_frames.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE   ((size_t)1 << 20)   /* of one socket before the others have their turn */
#define FRAMES_AT_ONCE ((size_t)256 << 10) /* bytes handed to the framer ahead of the socket */
#define EVENTS         64

typedef struct out {
    struct out *next;
    size_t len;
    char text[];
} out_t;

struct slk_ws {
    atomic_uint refs;
    slk_ws_loop_t *loop;  /* valid while !closed */
    pthread_mutex_t lock; /* guards the next group; taken before the loop's lock */
    out_t *first, **last;
    size_t waiting;        /* bytes between first and last */
    size_t framed;         /* bytes in the framer, as of the last look */
    bool closed;           /* nothing is queued any more */
    bool cut;              /* close now */
    uint16_t close_status; /* close after what is queued; 0: no */
    bool dirty;            /* in the loop's list of sockets to look at */
    slk_ws_t *next_dirty;

    /* The rest belongs to the loop's thread. */
    atomic_bool paused;
    int fd;
    struct MHD_UpgradeResponseHandle *urh;
    slk_ws_frames_t *frames;
    const slk_ws_events_t *events;
    void *ctx;
    slk_ws_t *prev, *next;
    uint32_t interest; /* epoll's */
    size_t budget;     /* bytes to read in this turn */
    uint64_t in_seen, in_ms, out_seen, out_ms, ping_ms, drain_ms;
    bool started;
};

struct slk_ws_loop {
    uint32_t queue_max, ping_interval_ms, silence_ms;
    uint64_t message_max;
    int epoll, wake;
    pthread_t thread;
    pthread_mutex_t lock; /* guards dirty, stopping, stop_ms */
    slk_ws_t *dirty;
    bool stopping, running;
    uint64_t stop_ms;
    slk_ws_t *all; /* the thread's own */
};

/* --- References and queues: any thread ----------------------------------------------------- */

slk_ws_t *slk_ws_ref(slk_ws_t *ws)
{
    atomic_fetch_add(&ws->refs, 1);
    return ws;
}

void slk_ws_unref(slk_ws_t *ws)
{
    if (!ws || atomic_fetch_sub(&ws->refs, 1) != 1)
        return;
    while (ws->first) {
        out_t *out = ws->first;
        ws->first = out->next;
        free(out);
    }
    pthread_mutex_destroy(&ws->lock);
    free(ws);
}

static void wake(slk_ws_loop_t *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake, &one, sizeof one);
    (void)n; /* full means that it is awake already */
}

/* Have the loop look at ws; with ws->lock held, and not closed. */
static void mark_dirty(slk_ws_t *ws)
{
    if (ws->dirty)
        return;
    ws->dirty = true;
    slk_ws_ref(ws);
    pthread_mutex_lock(&ws->loop->lock);
    bool first = !ws->loop->dirty;
    ws->next_dirty = ws->loop->dirty;
    ws->loop->dirty = ws;
    pthread_mutex_unlock(&ws->loop->lock);
    if (first)
        wake(ws->loop);
}

bool slk_ws_send(slk_ws_t *ws, const char *text, size_t len)
{
    out_t *out = malloc(sizeof *out + len);
    if (!out)
        return false;
    out->next = NULL;
    out->len = len;
    memcpy(out->text, text, len);
    pthread_mutex_lock(&ws->lock);
    bool ok = !ws->closed && !ws->close_status && !ws->cut;
    if (ok && ws->waiting + ws->framed > ws->loop->queue_max) {
        ok = false;
        ws->cut = true;
        mark_dirty(ws);
    }
    if (ok) {
        *ws->last = out;
        ws->last = &out->next;
        ws->waiting += len;
        mark_dirty(ws);
    }
    pthread_mutex_unlock(&ws->lock);
    if (!ok)
        free(out);
    return ok;
}

void slk_ws_close(slk_ws_t *ws, uint16_t status)
{
    pthread_mutex_lock(&ws->lock);
    if (!ws->closed && !ws->close_status) {
        ws->close_status = status;
        mark_dirty(ws);
    }
    pthread_mutex_unlock(&ws->lock);
}

void slk_ws_cut(slk_ws_t *ws)
{
    pthread_mutex_lock(&ws->lock);
    if (!ws->closed && !ws->cut) {
        ws->cut = true;
        mark_dirty(ws);
    }
    pthread_mutex_unlock(&ws->lock);
}

void slk_ws_pause(slk_ws_t *ws, bool pause)
{
    if (atomic_exchange(&ws->paused, pause) == pause)
        return;
    pthread_mutex_lock(&ws->lock);
    if (!ws->closed)
        mark_dirty(ws);
    pthread_mutex_unlock(&ws->lock);
}

/* --- The socket: the loop's thread --------------------------------------------------------- */

static ssize_t sock_recv(void *ctx, void *bytes, size_t len)
{
    slk_ws_t *ws = ctx;
    if (atomic_load(&ws->paused) || !ws->budget)
        return 0;
    ssize_t n = recv(ws->fd, bytes, len, MSG_DONTWAIT);
    if (n > 0) {
        ws->budget -= (size_t)n < ws->budget ? (size_t)n : ws->budget;
        return n;
    }
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static ssize_t sock_send(void *ctx, const void *bytes, size_t len)
{
    slk_ws_t *ws = ctx;
    ssize_t n = send(ws->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static void on_message(void *ctx, char *text, size_t len)
{
    slk_ws_t *ws = ctx;
    ws->events->message(ws->ctx, ws, text, len);
}

static void close_socket(slk_ws_loop_t *loop, slk_ws_t *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->closed = true;
    pthread_mutex_unlock(&ws->lock);
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, ws->fd, NULL);
    MHD_upgrade_action(ws->urh, MHD_UPGRADE_ACTION_CLOSE);
    if (ws->prev)
        ws->prev->next = ws->next;
    else
        loop->all = ws->next;
    if (ws->next)
        ws->next->prev = ws->prev;
    slk_ws_frames_free(ws->frames);
    ws->frames = NULL;
    ws->events->closed(ws->ctx, ws);
    slk_ws_unref(ws);
}

/* Hand queued messages to the framer, some at a time; *left: there are more. */
static bool feed(slk_ws_t *ws, bool *left)
{
    bool ok = true;
    pthread_mutex_lock(&ws->lock);
    while (ok && ws->first && slk_ws_frames_queued(ws->frames) < FRAMES_AT_ONCE) {
        out_t *out = ws->first;
        ws->first = out->next;
        if (!ws->first)
            ws->last = &ws->first;
        ws->waiting -= out->len;
        ok = slk_ws_frames_text(ws->frames, out->text, out->len);
        free(out);
    }
    if (ws->close_status && !ws->first && ok) {
        slk_ws_frames_close(ws->frames, ws->close_status);
        ws->drain_ms = ws->drain_ms ? ws->drain_ms : slk_net_now_ms();
    }
    ok = ok && !ws->cut;
    ws->framed = slk_ws_frames_queued(ws->frames);
    *left = ws->first != NULL;
    pthread_mutex_unlock(&ws->lock);
    return ok;
}

/* Read and write what is possible. False: the socket is gone. */
static bool pump(slk_ws_loop_t *loop, slk_ws_t *ws, bool readable)
{
    const char *why;
    bool ok = true;
    ws->budget = READ_AT_ONCE;
    if (readable)
        ok = slk_ws_frames_read(ws->frames, &why);
    for (bool left = true; ok && left;) {
        ok = feed(ws, &left) && slk_ws_frames_write(ws->frames, &why);
        left = left && ok && !slk_ws_frames_pending(ws->frames);
    }
    if (!ok) {
        close_socket(loop, ws);
        return false;
    }
    uint32_t want = (atomic_load(&ws->paused) ? 0u : (uint32_t)EPOLLIN) |
                    (slk_ws_frames_pending(ws->frames) ? (uint32_t)EPOLLOUT : 0u);
    if (want != ws->interest) {
        struct epoll_event event = {.events = want, .data.ptr = ws};
        epoll_ctl(loop->epoll, EPOLL_CTL_MOD, ws->fd, &event);
        ws->interest = want;
    }
    return true;
}

static void start_socket(slk_ws_loop_t *loop, slk_ws_t *ws)
{
    ws->started = true;
    ws->next = loop->all;
    if (ws->next)
        ws->next->prev = ws;
    loop->all = ws;
    slk_ws_ref(ws);
    ws->in_ms = ws->out_ms = ws->ping_ms = slk_net_now_ms();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = ws};
    ws->interest = EPOLLIN;
    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, ws->fd, &event);
    ws->events->opened(ws->ctx, ws);
}

static void look_at_dirty(slk_ws_loop_t *loop)
{
    pthread_mutex_lock(&loop->lock);
    slk_ws_t *list = loop->dirty;
    loop->dirty = NULL;
    pthread_mutex_unlock(&loop->lock);
    while (list) {
        slk_ws_t *ws = list;
        pthread_mutex_lock(&ws->lock);
        list = ws->next_dirty;
        ws->dirty = false;
        bool closed = ws->closed;
        pthread_mutex_unlock(&ws->lock);
        bool fresh = !ws->started;
        if (fresh)
            start_socket(loop, ws);
        if (!closed)
            pump(loop, ws, fresh); /* fresh: bytes may have come with the handshake */
        slk_ws_unref(ws);
    }
}

/* Pings, silence, stalls. */
static void tick(slk_ws_loop_t *loop, slk_ws_t *ws, uint64_t now)
{
    uint64_t in = slk_ws_frames_in(ws->frames), out = slk_ws_frames_out(ws->frames);
    if (in != ws->in_seen || atomic_load(&ws->paused))
        ws->in_ms = now;
    if (out != ws->out_seen || !slk_ws_frames_pending(ws->frames))
        ws->out_ms = now;
    ws->in_seen = in;
    ws->out_seen = out;
    if (now - ws->in_ms > loop->silence_ms || now - ws->out_ms > loop->silence_ms ||
        (ws->drain_ms && now - ws->drain_ms > loop->silence_ms)) {
        close_socket(loop, ws);
        return;
    }
    if (now - ws->ping_ms >= loop->ping_interval_ms) {
        ws->ping_ms = now;
        if (!ws->drain_ms)
            slk_ws_frames_ping(ws->frames);
        pump(loop, ws, false);
    }
}

static bool stopping(slk_ws_loop_t *loop, uint64_t *until)
{
    pthread_mutex_lock(&loop->lock);
    bool stop = loop->stopping;
    *until = loop->stop_ms;
    pthread_mutex_unlock(&loop->lock);
    return stop;
}

static uint32_t tick_ms(const slk_ws_loop_t *loop)
{
    uint32_t ms = loop->ping_interval_ms / 4;
    return ms < 10 ? 10 : ms > 500 ? 500 : ms;
}

static void run_events(slk_ws_loop_t *loop, uint32_t timeout_ms)
{
    struct epoll_event events[EVENTS];
    int cnt = epoll_wait(loop->epoll, events, EVENTS, (int)timeout_ms);
    for (int i = 0; i < cnt; i++) {
        slk_ws_t *ws = events[i].data.ptr;
        if (ws) {
            /* One entry a socket, and nobody but this entry closes it in this round. */
            bool broken = (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
            if (broken && atomic_load(&ws->paused))
                close_socket(loop, ws); /* epoll would go on reporting it */
            else
                pump(loop, ws, broken || events[i].events & EPOLLIN);
        } else {
            uint64_t drop;
            ssize_t n = read(loop->wake, &drop, sizeof drop);
            (void)n;
        }
    }
    look_at_dirty(loop);
}

static void *loop_main(void *ctx)
{
    slk_ws_loop_t *loop = ctx;
    uint64_t until = 0, ticked = 0;
    bool closing = false;
    for (;;) {
        run_events(loop, closing ? 10 : tick_ms(loop));
        uint64_t now = slk_net_now_ms();
        bool stop = stopping(loop, &until);
        if (stop && !closing)
            for (slk_ws_t *ws = loop->all; ws; ws = ws->next)
                slk_ws_close(ws, 1001);
        closing = stop;
        if (now - ticked >= tick_ms(loop)) {
            ticked = now;
            for (slk_ws_t *ws = loop->all, *next; ws; ws = next) {
                next = ws->next;
                tick(loop, ws, now);
            }
        }
        if (closing && (!loop->all || now >= until))
            break;
    }
    look_at_dirty(
        loop); /* starts what came last, sends the close frames if that needs no waiting */
    while (loop->all)
        close_socket(loop, loop->all);
    look_at_dirty(loop); /* gives back their references */
    return NULL;
}

/* --- Life ---------------------------------------------------------------------------------- */

slk_err_t slk_ws_loop_new(slk_ws_loop_t **out, const slk_http_server_opts_t *opts, slk_diag_t *diag)
{
    slk_ws_loop_t *loop = *out = calloc(1, sizeof *loop);
    if (!loop)
        return slk_fail(diag, SLK_ERR_NOMEM, "websockets: out of memory");
    loop->queue_max = opts->ws_queue_max;
    loop->message_max = opts->ws_message_max;
    loop->ping_interval_ms = opts->ws_ping_ms;
    loop->silence_ms = opts->ws_silence_ms;
    pthread_mutex_init(&loop->lock, NULL);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN};
    int rc = loop->epoll < 0 || loop->wake < 0 ||
                     epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event)
                 ? errno
                 : 0;
    if (!rc)
        rc = slk_net_thread(&loop->thread, loop_main, loop);
    loop->running = rc == 0;
    return rc ? slk_fail(diag, SLK_ERR_IO, "websockets: cannot start: %s", strerror(rc)) : SLK_OK;
}

void slk_ws_loop_stop(slk_ws_loop_t *loop, uint32_t grace_ms)
{
    if (!loop || !loop->running)
        return;
    pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    loop->stop_ms = slk_net_now_ms() + grace_ms;
    pthread_mutex_unlock(&loop->lock);
    wake(loop);
    pthread_join(loop->thread, NULL);
    loop->running = false;
}

void slk_ws_loop_free(slk_ws_loop_t *loop)
{
    if (!loop)
        return;
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

/* The socket is refused: without the loop's thread nobody would serve it. */
static void refuse(slk_ws_t *ws, struct MHD_UpgradeResponseHandle *urh,
                   const slk_ws_events_t *events, void *ctx)
{
    if (ws) {
        slk_ws_frames_free(ws->frames);
        ws->frames = NULL;
        slk_ws_unref(ws);
    }
    MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
    events->closed(ctx, NULL);
}

void slk_ws_loop_add(slk_ws_loop_t *loop, int fd, struct MHD_UpgradeResponseHandle *urh,
                     const void *early, size_t early_len, const slk_ws_events_t *events, void *ctx)
{
    slk_ws_t *ws = calloc(1, sizeof *ws);
    if (!ws) {
        refuse(NULL, urh, events, ctx);
        return;
    }
    atomic_init(&ws->refs, 1);
    pthread_mutex_init(&ws->lock, NULL);
    ws->last = &ws->first;
    ws->loop = loop;
    ws->fd = fd;
    ws->urh = urh;
    ws->events = events;
    ws->ctx = ctx;
    const slk_ws_frames_opts_t opts = {.message_max = loop->message_max,
                                       .recv = sock_recv,
                                       .send = sock_send,
                                       .message = on_message,
                                       .ctx = ws};
    int one = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* no TCP behind TLS: harmless */
    if (slk_ws_frames_new(&ws->frames, &opts, NULL) != SLK_OK ||
        slk_ws_frames_early(ws->frames, early, early_len) != SLK_OK) {
        refuse(ws, urh, events, ctx);
        return;
    }
    pthread_mutex_lock(&loop->lock);
    bool late = loop->stopping;
    if (!late) {
        /* As mark_dirty does; the socket is nobody else's yet. */
        ws->dirty = true;
        ws->next_dirty = loop->dirty;
        loop->dirty = ws;
    }
    pthread_mutex_unlock(&loop->lock);
    if (late)
        refuse(ws, urh, events, ctx);
    else
        wake(loop);
}
