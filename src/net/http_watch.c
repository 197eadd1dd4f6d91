#include "net/http_private.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define TICK_MS 500

void slk_http_conn_phase(slk_http_conn_t *conn, slk_conn_phase_t phase, uint64_t limit_ms)
{
    atomic_store(&conn->deadline_ms, limit_ms ? slk_net_now_ms() + limit_ms : 0);
    atomic_store(&conn->phase, phase);
}

/* Under the lock, so that the socket is not closed and its number not used again meanwhile. */
static void look_at(slk_http_conn_t *conn, uint64_t now)
{
    slk_conn_phase_t phase = atomic_load(&conn->phase);
    uint64_t deadline = atomic_load(&conn->deadline_ms);
    if (phase == SLK_CONN_UPGRADED)
        return;
    if (deadline && now > deadline)
        shutdown(conn->fd, SHUT_RDWR);
    if (phase == SLK_CONN_RUNNING && !atomic_load(&conn->gone)) {
        struct pollfd fd = {.fd = conn->fd, .events = POLLRDHUP};
        if (poll(&fd, 1, 0) > 0)
            atomic_store(&conn->gone, true);
    }
}

static void *watch(void *ctx)
{
    slk_http_server_t *s = ctx;
    pthread_mutex_lock(&s->lock);
    while (!s->watch_end) {
        uint64_t now = slk_net_now_ms();
        for (slk_http_conn_t *c = s->conns; c; c = c->next)
            look_at(c, now);
        struct timespec until = slk_net_after_ms(TICK_MS);
        while (!s->watch_end && pthread_cond_timedwait(&s->watch_wake, &s->lock, &until) == 0)
            continue;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

slk_err_t slk_http_watch_start(slk_http_server_t *s, slk_diag_t *diag)
{
    int rc = slk_net_thread(&s->watcher, watch, s);
    if (rc) {
        errno = rc;
        return slk_fail_errno(diag, "start a thread for", "the HTTP server");
    }
    s->watching = true;
    return SLK_OK;
}

void slk_http_watch_stop(slk_http_server_t *s)
{
    if (!s->watching)
        return;
    pthread_mutex_lock(&s->lock);
    s->watch_end = true;
    pthread_cond_signal(&s->watch_wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->watcher, NULL);
    s->watching = false;
}

unsigned slk_http_watch_active(slk_http_server_t *s)
{
    unsigned cnt = 0;
    pthread_mutex_lock(&s->lock);
    for (slk_http_conn_t *c = s->conns; c; c = c->next) {
        slk_conn_phase_t phase = atomic_load(&c->phase);
        cnt += phase == SLK_CONN_RUNNING || phase == SLK_CONN_SENDING;
    }
    pthread_mutex_unlock(&s->lock);
    return cnt;
}
