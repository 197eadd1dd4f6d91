#include "net/http_server.h"

#include "base/assert.h"
#include "net/http_private.h"
#include "net/net.h"
#include "net/tls_front.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUED_REQUESTS 65536
#define STOP_STEP_US    5000

/* --- Options ------------------------------------------------------------------------------- */

static void set_defaults(slk_http_server_opts_t *o)
{
    const struct {
        uint32_t *field, value;
    } rows[] = {
        {&o->header_max, 32 << 10},      {&o->request_s, 20},          {&o->idle_s, 120},
        {&o->connections_max, 2048},     {&o->io_threads, 2},          {&o->handler_threads, 256},
        {&o->ws_message_max, 100 << 20}, {&o->ws_queue_max, 64 << 20}, {&o->ws_ping_ms, 5000},
        {&o->ws_silence_ms, 30000},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (!*rows[i].field)
            *rows[i].field = rows[i].value;
    if (!o->address)
        o->address = "127.0.0.1";
    if (!o->body_max)
        o->body_max = 1 << 20;
    if (!o->bodies_max)
        o->bodies_max = (uint64_t)1 << 30;
}

static slk_err_t copy_opts(slk_http_server_t *s, const slk_http_server_opts_t *opts,
                           slk_diag_t *diag)
{
    s->opts = *opts;
    set_defaults(&s->opts);
    s->routes = calloc(opts->route_cnt ? opts->route_cnt : 1, sizeof *s->routes);
    if (!s->routes)
        return slk_fail(diag, SLK_ERR_NOMEM, "HTTP server: out of memory");
    if (opts->route_cnt)
        memcpy(s->routes, opts->routes, opts->route_cnt * sizeof *s->routes);
    s->opts.routes = s->routes;
    if (opts->key) {
        s->key = *opts->key;
        s->has_key = true;
        s->opts.key = NULL;
    }
    if (!opts->tls_cert != !opts->tls_key)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "HTTP server: TLS needs a certificate and a key file, only one is given");
    return SLK_OK;
}

/* --- Listening ----------------------------------------------------------------------------- */

static slk_err_t open_socket(int *out, slk_http_server_t *s, slk_diag_t *diag)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)s->opts.port);
    int rc = getaddrinfo(s->opts.address, port, &hints, &list);
    if (rc)
        return slk_fail(diag, SLK_ERR_INPUT, "HTTP server: address %s: %s", s->opts.address,
                        gai_strerror(rc));
    int one = 1, fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 1024)) {
            int saved = errno;
            close(fd);
            fd = -1;
            errno = saved;
        }
    }
    int saved = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return slk_fail(diag, saved == EADDRINUSE ? SLK_ERR_BUSY : SLK_ERR_IO,
                        "HTTP server: cannot listen on %s port %s: %s", s->opts.address, port,
                        strerror(saved));
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    getsockname(fd, (struct sockaddr *)&addr, &len);
    s->port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                               : ((struct sockaddr_in *)&addr)->sin_port);
    *out = fd;
    return SLK_OK;
}

static void conn_add(slk_http_server_t *s, struct MHD_Connection *mhd, void **socket_context)
{
    slk_http_conn_t *c = calloc(1, sizeof *c);
    if (!c)
        return; /* its requests are refused */
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c->fd = info->connect_fd;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *addr = info->client_addr;
    socklen_t len =
        addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(addr, len, c->peer, sizeof c->peer, NULL, 0, NI_NUMERICHOST))
        c->peer[0] = 0;
    slk_http_conn_phase(c, SLK_CONN_IDLE, (uint64_t)s->opts.idle_s * 1000);
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    pthread_mutex_unlock(&s->lock);
    *socket_context = c;
}

static void conn_remove(slk_http_server_t *s, slk_http_conn_t *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&s->lock);
    free(c);
}

/* Called before the socket is closed. */
static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_add(ctx, mhd, socket_context);
    } else if (*socket_context) {
        conn_remove(ctx, *socket_context);
        *socket_context = NULL;
    }
}

static slk_err_t start_daemon(slk_http_server_t *s, int fd, slk_diag_t *diag)
{
    const slk_http_server_opts_t *o = &s->opts;
    bool tls = s->tls != NULL;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
                     MHD_USE_ITC | (tls ? MHD_USE_NO_LISTEN_SOCKET : 0);
    struct MHD_OptionItem items[16];
    unsigned n = 0;
#define ITEM(option, number, pointer)                                                              \
    items[n++] = (struct MHD_OptionItem){(option), (intptr_t)(number), (pointer)}
    /* Buffers for the answer's headers and a body's next piece come out of the same pool. */
    ITEM(MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->header_max + (32 << 10), NULL);
    ITEM(MHD_OPTION_CONNECTION_MEMORY_INCREMENT, 16 << 10, NULL);
    ITEM(MHD_OPTION_CONNECTION_LIMIT, o->connections_max, NULL);
    ITEM(MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->per_address_max, NULL);
    ITEM(MHD_OPTION_CONNECTION_TIMEOUT, o->idle_s, NULL);
    ITEM(MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL);
    if (o->io_threads > 1 && !tls)
        ITEM(MHD_OPTION_THREAD_POOL_SIZE, o->io_threads, NULL);
    if (!tls)
        ITEM(MHD_OPTION_LISTEN_SOCKET, fd, NULL);
    ITEM(MHD_OPTION_END, 0, NULL);
#undef ITEM
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, slk_http_on_access, s, MHD_OPTION_URI_LOG_CALLBACK, slk_http_on_uri,
        s, MHD_OPTION_NOTIFY_COMPLETED, slk_http_on_done, s, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        return slk_fail(diag, SLK_ERR_IO, "HTTP server on %s port %u: cannot start", o->address,
                        (unsigned)s->port);
    }
    if (!tls)
        return SLK_OK;
    s->tls_fd = fd;
    return slk_tls_front_start(s->tls, fd, s->daemon, diag);
}

slk_err_t slk_http_server_new(slk_http_server_t **out, const slk_http_server_opts_t *opts,
                              slk_diag_t *diag)
{
    int fd = -1;
    slk_err_t err = SLK_OK;
    *out = NULL;
    slk_net_init();
    slk_http_server_t *s = calloc(1, sizeof *s);
    if (!s)
        return slk_fail(diag, SLK_ERR_NOMEM, "HTTP server: out of memory");
    pthread_mutex_init(&s->lock, NULL);
    slk_net_cond_init(&s->watch_wake);
    s->tls_fd = -1;
    SLK_TRY(copy_opts(s, opts, diag));
    if (s->opts.tls_cert)
        SLK_TRY(slk_tls_front_new(&s->tls, s->opts.tls_cert, s->opts.tls_key,
                                  s->opts.connections_max, s->opts.request_s * 1000, diag));
    SLK_TRY(slk_workers_new(&s->workers, s->opts.handler_threads, QUEUED_REQUESTS, diag));
    SLK_TRY(slk_ws_loop_new(&s->ws, &s->opts, diag));
    SLK_TRY(slk_http_watch_start(s, diag));
    SLK_TRY(open_socket(&fd, s, diag));
    SLK_TRY(start_daemon(s, fd, diag));
    *out = s;
    return SLK_OK;
out:
    slk_http_server_free(s, 0);
    return err;
}

uint16_t slk_http_server_port(const slk_http_server_t *s)
{
    return s->port;
}

void slk_http_server_free(slk_http_server_t *s, uint32_t grace_ms)
{
    if (!s)
        return;
    uint64_t until = slk_net_now_ms() + grace_ms;
    atomic_store(&s->stopping, true);
    slk_tls_front_quiesce(s->tls);
    int fd = s->tls ? s->tls_fd : s->daemon ? MHD_quiesce_daemon(s->daemon) : -1;
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    while (slk_http_watch_active(s) && slk_net_now_ms() < until)
        usleep(STOP_STEP_US);
    uint64_t now = slk_net_now_ms();
    slk_ws_loop_stop(s->ws, now < until ? (uint32_t)(until - now) : 0);
    /* Requests come until the daemon has stopped, which it must not with handlers at work. */
    slk_workers_stop(s->workers);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    slk_workers_free(s->workers);
    slk_tls_front_free(s->tls);
    slk_ws_loop_free(s->ws);
    if (fd >= 0)
        close(fd);
    slk_http_watch_stop(s);
    slk_token_key_wipe(&s->key);
    free(s->routes);
    pthread_cond_destroy(&s->watch_wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
