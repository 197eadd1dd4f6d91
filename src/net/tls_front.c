#include "net/tls_front.h"

#include "net/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES  16384 /* the most that a TLS record holds */
#define ROUNDS        64    /* buffers moved before the other connections have their turn */
#define EVENTS        64
#define TICK_MS       500
#define STALL_MS      10000 /* for the last bytes of a connection whose server side has closed */
#define LAST_BYTES_MS 1000

typedef struct {
    char bytes[BUFFER_BYTES];
    size_t begin, end;
    bool eof; /* nothing will be read into it any more */
} pipe_t;

typedef struct conn {
    struct conn *prev, *next, *next_dead;
    SSL *ssl;
    int net, app; /* app: -1 before the handshake is done */
    struct sockaddr_storage addr;
    socklen_t addr_len;
    pipe_t up, down; /* from the client, to the client */
    bool want_write; /* OpenSSL waits until the network takes bytes */
    bool told, dead, again;
    uint32_t net_interest, app_interest;
    uint64_t deadline_ms; /* 0: none */
} conn_t;

struct slk_tls_front {
    SSL_CTX *ctx;
    struct MHD_Daemon *daemon;
    int listen_fd, epoll, wake;
    uint32_t connections_max, handshake_ms, cnt;
    pthread_t thread;
    bool running, again, accepting;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards quiet, and the daemon against being called after it */
    bool quiet;
    conn_t *all, *dead;
};

/* --- One connection ------------------------------------------------------------------------ */

static void set_interest(slk_tls_front_t *f, conn_t *c, bool app, uint32_t want)
{
    uint32_t *have = app ? &c->app_interest : &c->net_interest;
    int fd = app ? c->app : c->net;
    if (fd < 0 || *have == want)
        return;
    /* The lowest bit tells the two sockets of a connection apart. */
    struct epoll_event event = {.events = want, .data.u64 = (uintptr_t)c | app};
    epoll_ctl(f->epoll, EPOLL_CTL_MOD, fd, &event);
    *have = want;
}

static bool watch_fd(slk_tls_front_t *f, conn_t *c, bool app)
{
    struct epoll_event event = {.events = 0, .data.u64 = (uintptr_t)c | app};
    return epoll_ctl(f->epoll, EPOLL_CTL_ADD, app ? c->app : c->net, &event) == 0;
}

/* Close it; freed when the present events are done. */
static void bury(slk_tls_front_t *f, conn_t *c)
{
    if (c->dead)
        return;
    c->dead = true;
    if (c->app >= 0)
        close(c->app);
    close(c->net);
    if (c->prev)
        c->prev->next = c->next;
    else
        f->all = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->next_dead = f->dead;
    f->dead = c;
    f->cnt--;
}

/* True when OpenSSL only waits for the network; false when the connection is over or broken. */
static bool would_block(conn_t *c, int rc)
{
    int error = SSL_get_error(c->ssl, rc);
    c->want_write |= error == SSL_ERROR_WANT_WRITE;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* The handshake is done: give the plain side to the daemon. */
static bool connect_app(slk_tls_front_t *f, conn_t *c)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return false;
    c->app = pair[0];
    c->deadline_ms = 0;
    bool ok = watch_fd(f, c, true);
    pthread_mutex_lock(&f->lock);
    if (!ok || f->quiet) {
        close(pair[1]);
        ok = false;
    } else {
        /* Closes the socket itself when it cannot take it. */
        ok = MHD_add_connection(f->daemon, pair[1], (struct sockaddr *)&c->addr, c->addr_len) ==
             MHD_YES;
    }
    pthread_mutex_unlock(&f->lock);
    return ok;
}

/* Client to daemon. False: broken. *moved: try again. */
static bool move_up(conn_t *c, bool *moved)
{
    pipe_t *p = &c->up;
    if (p->begin == p->end && !p->eof) {
        ERR_clear_error();
        int n = SSL_read(c->ssl, p->bytes, sizeof p->bytes);
        p->begin = 0;
        p->end = n > 0 ? (size_t)n : 0;
        if (n <= 0 && !would_block(c, n)) {
            p->eof = true;
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_ZERO_RETURN)
                return false;
        }
    }
    if (p->begin < p->end) {
        ssize_t n = send(c->app, p->bytes + p->begin, p->end - p->begin, MSG_NOSIGNAL);
        if (n > 0) {
            p->begin += (size_t)n;
            *moved = true;
        } else if (errno != EAGAIN) { /* the daemon reads no more; it may still write */
            p->begin = p->end;
            p->eof = true;
        }
    }
    if (p->eof && p->begin == p->end && !c->told) {
        shutdown(c->app, SHUT_WR);
        c->told = true;
    }
    return true;
}

/* Daemon to client. False: broken, or all is said. */
static bool move_down(slk_tls_front_t *f, conn_t *c, bool *moved)
{
    pipe_t *p = &c->down;
    if (p->begin == p->end && !p->eof) {
        ssize_t n = recv(c->app, p->bytes, sizeof p->bytes, 0);
        p->begin = 0;
        p->end = n > 0 ? (size_t)n : 0;
        p->eof = n == 0 || (n < 0 && errno != EAGAIN);
        if (p->eof) {
            epoll_ctl(f->epoll, EPOLL_CTL_DEL, c->app, NULL); /* it would report the end for ever */
            close(c->app);
            c->app = -1;
        }
    }
    if (p->begin < p->end) {
        ERR_clear_error();
        int n = SSL_write(c->ssl, p->bytes + p->begin, (int)(p->end - p->begin));
        if (n > 0) {
            p->begin += (size_t)n;
            *moved = true;
        } else if (!would_block(c, n)) {
            return false;
        }
    }
    if (p->eof && p->begin == p->end) {
        SSL_shutdown(c->ssl);
        return false;
    }
    return true;
}

static void step(slk_tls_front_t *f, conn_t *c)
{
    bool ok = true, moved = true;
    c->again = c->want_write = false;
    if (c->app < 0 && !c->down.eof) {
        ERR_clear_error();
        int rc = SSL_accept(c->ssl);
        ok = rc == 1 ? connect_app(f, c) : would_block(c, rc);
    }
    for (int i = 0; ok && moved && (c->app >= 0 || c->down.eof); i++) {
        if (i == ROUNDS) {
            c->again = f->again = true;
            break;
        }
        moved = false;
        c->want_write = false;
        ok = (c->app < 0 || move_up(c, &moved)) && move_down(f, c, &moved);
    }
    if (!ok) {
        bury(f, c);
        return;
    }
    if (c->down.eof && !c->deadline_ms)
        c->deadline_ms = slk_net_now_ms() + STALL_MS;
    bool reading = c->app < 0 ? !c->down.eof : c->up.begin == c->up.end && !c->up.eof;
    set_interest(f, c, false,
                 (reading ? (uint32_t)EPOLLIN : 0u) | (c->want_write ? (uint32_t)EPOLLOUT : 0u));
    set_interest(f, c, true,
                 (c->down.begin == c->down.end ? (uint32_t)EPOLLIN : 0u) |
                     (c->up.begin < c->up.end ? (uint32_t)EPOLLOUT : 0u));
}

/* --- The thread ---------------------------------------------------------------------------- */

static void take_connection(slk_tls_front_t *f, int fd, const struct sockaddr_storage *addr,
                            socklen_t addr_len)
{
    conn_t *c = f->cnt < f->connections_max ? calloc(1, sizeof *c) : NULL;
    SSL *ssl = c ? SSL_new(f->ctx) : NULL;
    int one = 1;
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        free(c);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->ssl = ssl;
    c->net = fd;
    c->app = -1;
    c->addr = *addr;
    c->addr_len = addr_len;
    c->deadline_ms = slk_net_now_ms() + f->handshake_ms;
    c->next = f->all;
    if (c->next)
        c->next->prev = c;
    f->all = c;
    f->cnt++;
    if (watch_fd(f, c, false))
        step(f, c);
    else
        bury(f, c);
}

static void accept_all(slk_tls_front_t *f)
{
    for (int i = 0; i < EVENTS; i++) {
        struct sockaddr_storage addr;
        socklen_t len = sizeof addr;
        int fd =
            accept4(f->listen_fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(10000); /* until others close some */
            return;
        }
        take_connection(f, fd, &addr, len);
    }
}

/* No more connections, once quiesced; true then. */
static bool check_quiet(slk_tls_front_t *f)
{
    pthread_mutex_lock(&f->lock);
    bool quiet = f->quiet;
    pthread_mutex_unlock(&f->lock);
    if (quiet && f->accepting) {
        epoll_ctl(f->epoll, EPOLL_CTL_DEL, f->listen_fd, NULL);
        f->accepting = false;
    }
    return quiet;
}

static void run_event(slk_tls_front_t *f, const struct epoll_event *event)
{
    uint64_t drop;
    if (event->data.u64 == 0) {
        ssize_t n = read(f->wake, &drop, sizeof drop);
        (void)n;
        return;
    }
    if (event->data.u64 == 1) {
        if (!check_quiet(f))
            accept_all(f);
        return;
    }
    conn_t *c = (conn_t *)(uintptr_t)(event->data.u64 & ~(uint64_t)1);
    if (c->dead)
        return;
    step(f, c);
    /* A client that is gone altogether would be reported again and again. */
    if (!c->dead && !(event->data.u64 & 1) && event->events & (EPOLLHUP | EPOLLERR))
        bury(f, c);
}

static void free_dead(slk_tls_front_t *f)
{
    while (f->dead) {
        conn_t *c = f->dead;
        f->dead = c->next_dead;
        SSL_free(c->ssl);
        free(c);
    }
}

static void look_at_all(slk_tls_front_t *f, uint64_t now)
{
    for (conn_t *c = f->all, *next; c; c = next) {
        next = c->next;
        if (c->deadline_ms && now > c->deadline_ms)
            bury(f, c);
        else if (c->again)
            step(f, c);
    }
}

static void *front_main(void *ctx)
{
    slk_tls_front_t *f = ctx;
    uint64_t looked = 0, until = 0;
    for (;;) {
        struct epoll_event events[EVENTS];
        bool again = f->again;
        f->again = false;
        int cnt = epoll_wait(f->epoll, events, EVENTS, again ? 0 : TICK_MS);
        for (int i = 0; i < cnt; i++)
            run_event(f, &events[i]);
        check_quiet(f);
        uint64_t now = slk_net_now_ms();
        if (again || now - looked >= TICK_MS) {
            looked = now;
            look_at_all(f, now);
        }
        free_dead(f);
        if (atomic_load(&f->stop)) {
            until = until ? until : now + LAST_BYTES_MS;
            if (!f->all || now >= until)
                break;
        }
    }
    while (f->all)
        bury(f, f->all);
    free_dead(f);
    return NULL;
}

/* --- Life ---------------------------------------------------------------------------------- */

/* A key with a password is refused instead of asking on the terminal. */
static int no_password(char *out, int size, int writing, void *ctx)
{
    (void)out, (void)size, (void)writing, (void)ctx;
    return 0;
}

slk_err_t slk_tls_front_new(slk_tls_front_t **out, const char *cert, const char *key,
                            uint32_t connections_max, uint32_t handshake_ms, slk_diag_t *diag)
{
    *out = NULL;
    slk_tls_front_t *f = calloc(1, sizeof *f);
    if (!f)
        return slk_fail(diag, SLK_ERR_NOMEM, "TLS: out of memory");
    f->epoll = f->wake = -1;
    f->connections_max = connections_max;
    f->handshake_ms = handshake_ms;
    pthread_mutex_init(&f->lock, NULL);
    f->ctx = SSL_CTX_new(TLS_server_method());
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!f->ctx || f->epoll < 0 || f->wake < 0) {
        slk_tls_front_free(f);
        return slk_fail(diag, SLK_ERR_NOMEM, "TLS: out of memory or files");
    }
    SSL_CTX_set_min_proto_version(f->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(f->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(f->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(f->ctx, no_password);
    slk_err_t err = SLK_OK;
    if (SSL_CTX_use_certificate_chain_file(f->ctx, cert) != 1)
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: no readable certificate in PEM form", cert);
    else if (SSL_CTX_use_PrivateKey_file(f->ctx, key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(f->ctx) != 1)
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "%s: no readable private key in PEM form, without password, of the "
                       "certificate in %s",
                       key, cert);
    ERR_clear_error();
    if (err != SLK_OK) {
        slk_tls_front_free(f);
        return err;
    }
    *out = f;
    return SLK_OK;
}

slk_err_t slk_tls_front_start(slk_tls_front_t *f, int listen_fd, struct MHD_Daemon *daemon,
                              slk_diag_t *diag)
{
    f->listen_fd = listen_fd;
    f->daemon = daemon;
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = 0};
    struct epoll_event listening = {.events = EPOLLIN, .data.u64 = 1};
    int rc = epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake, &wake) ||
                     epoll_ctl(f->epoll, EPOLL_CTL_ADD, listen_fd, &listening)
                 ? errno
                 : 0;
    f->accepting = rc == 0;
    if (!rc)
        rc = slk_net_thread(&f->thread, front_main, f);
    f->running = rc == 0;
    return rc ? slk_fail(diag, SLK_ERR_IO, "TLS: cannot start: %s", strerror(rc)) : SLK_OK;
}

static void wake_up(slk_tls_front_t *f)
{
    uint64_t one = 1;
    ssize_t n = write(f->wake, &one, sizeof one);
    (void)n; /* full means that it is awake already */
}

void slk_tls_front_quiesce(slk_tls_front_t *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->quiet = true;
    pthread_mutex_unlock(&f->lock);
    wake_up(f);
}

void slk_tls_front_free(slk_tls_front_t *f)
{
    if (!f)
        return;
    if (f->running) {
        atomic_store(&f->stop, true);
        wake_up(f);
        pthread_join(f->thread, NULL);
    }
    if (f->epoll >= 0)
        close(f->epoll);
    if (f->wake >= 0)
        close(f->wake);
    SSL_CTX_free(f->ctx);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
