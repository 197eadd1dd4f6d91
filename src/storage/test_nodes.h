#ifndef SLK_STORAGE_TEST_NODES_H
#define SLK_STORAGE_TEST_NODES_H

/* Nodes with storage paths that serve their files over HTTP on the loopback, and misbehave on
 * request. */

#include "storage/test_storage.h"

#include "net/http_client.h"
#include "storage/remote_server.h"
#include "storage/tar.h"

#include <fcntl.h>
#include <stdatomic.h>

typedef enum {
    NODE_GOOD,
    NODE_WRONG,     /* one bit of each file is flipped */
    NODE_CUT,       /* no byte of a file beyond `cut` is ever sent */
    NODE_NO_RANGE,  /* answers a range with the whole */
    NODE_LOTUS,     /* knows no manifests: plain files and tars */
    NODE_LOTUS_CUT, /* and each connection breaks after `cut` bytes */
    NODE_BUSY       /* 503 */
} node_mode_t;

typedef struct {
    char root[SLK_ROOT_MAX], id[SLK_STORAGE_ID_MAX];
    slk_local_paths_t *paths;
    slk_sector_locks_t *locks;
    slk_remote_server_t *remote;
    slk_http_route_t route;
    slk_http_server_t *server;
    uint16_t port;
    _Atomic node_mode_t mode;
    uint64_t cut;
    atomic_uint requests, later; /* answered with 202 */
    atomic_uint removed;
} node_t;

static slk_token_key_t node_key;
static char node_token[SLK_TOKEN_TEXT_MAX];

/* --- Misbehaviour -------------------------------------------------------------------------- */

typedef struct {
    int fd;
    slk_tar_t *tar;
    uint64_t from, fail_at, flip_at;
} stream_t;

static inline size_t node_read(void *ctx, uint64_t pos, char *buf, size_t cap)
{
    stream_t *s = ctx;
    pos += s->from;
    if (pos >= s->fail_at)
        return 0;
    if (cap > s->fail_at - pos)
        cap = s->fail_at - pos;
    ssize_t n =
        s->tar ? (ssize_t)slk_tar_read(s->tar, pos, buf, cap) : pread(s->fd, buf, cap, (off_t)pos);
    if (n > 0 && s->flip_at >= pos && s->flip_at < pos + (uint64_t)n)
        buf[s->flip_at - pos] ^= 1;
    return n > 0 ? (size_t)n : 0;
}

static inline void node_done(void *ctx)
{
    stream_t *s = ctx;
    slk_tar_free(s->tar);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static inline void node_misbehave(node_t *n, slk_http_request_t *req, node_mode_t mode)
{
    const char *rest = slk_http_rest(req), *range = slk_http_header(req, "Range");
    stream_t *s = calloc(1, sizeof *s);
    struct stat st;
    slk_dir_t dir, folder;
    char text[2048];
    s->fail_at = mode == NODE_CUT || mode == NODE_LOTUS_CUT ? n->cut : UINT64_MAX;
    s->flip_at = mode == NODE_WRONG ? 20 : UINT64_MAX;
    s->fd = -1;
    if (!strncmp(rest, "cache/", 6) && !strchr(rest + 6, '/')) {
        if (slk_dir_open(&dir, n->root, NULL) || slk_dir_sub(&folder, &dir, "cache", false, NULL) ||
            slk_tar_new(&s->tar, &folder, SLK_FT_CACHE, &sector1, NULL))
            abort();
        slk_dir_close(&folder);
        slk_dir_close(&dir);
        slk_http_reply_stream(req, 200, "application/x-tar", slk_tar_len(s->tar), node_read,
                              node_done, s);
        return;
    }
    snprintf(text, sizeof text, "%s/%s", n->root, rest);
    s->fd = open(text, O_RDONLY);
    if (s->fd < 0 || fstat(s->fd, &st))
        abort();
    s->from = range && mode != NODE_NO_RANGE ? strtoull(range + 6, NULL, 10) : 0;
    s->fail_at += mode == NODE_LOTUS_CUT ? s->from : 0;
    uint64_t size = (uint64_t)st.st_size, from = s->from;
    slk_http_reply_stream(req, from ? 206 : 200, "application/octet-stream", size - from, node_read,
                          node_done, s);
    snprintf(text, sizeof text, "bytes %lu-%lu/%lu", from, size - 1, size);
    if (from)
        slk_http_reply_header(req, "Content-Range", text);
}

static inline void node_handle(slk_http_request_t *req, void *ctx)
{
    node_t *n = ctx;
    node_mode_t mode = n->mode;
    bool asks = slk_http_arg(req, "manifest") != NULL;
    atomic_fetch_add(&n->requests, 1);
    if (mode == NODE_BUSY)
        slk_http_reply(req, 503, NULL, "", 0);
    else if (mode == NODE_GOOD || (asks && mode != NODE_LOTUS && mode != NODE_LOTUS_CUT))
        n->route.handler(req, n->route.ctx);
    else
        node_misbehave(n, req, mode);
}

/* --- Nodes --------------------------------------------------------------------------------- */

static inline void node_finished(void *ctx, const slk_http_done_t *done)
{
    atomic_fetch_add(&((node_t *)ctx)->later, done->status == 202);
}

static inline void node_removed(void *ctx, const char *id, const slk_sector_id_t *sector,
                                slk_file_types_t type)
{
    node_t *n = ctx;
    (void)sector;
    (void)type;
    atomic_fetch_add(&n->removed, !strcmp(id, n->id));
}

static inline void node_start(node_t *n, const char *dir, const char *name, uint32_t digest_wait_ms)
{
    memset(n, 0, sizeof *n);
    make_path(n->root, n->id, dir, name, true, true);
    assert_ok(slk_local_paths_new(&n->paths, &diag), diag);
    assert_ok(slk_local_attach(n->id, n->paths, n->root, &diag), diag);
    assert_ok(slk_sector_locks_new(&n->locks, &diag), diag);
    const slk_remote_opts_t remote = {.paths = n->paths,
                                      .locks = n->locks,
                                      .lock_wait_ms = 50,
                                      .digest_wait_ms = digest_wait_ms,
                                      .removed = node_removed,
                                      .removed_ctx = n};
    assert_ok(slk_remote_server_new(&n->remote, &remote, &diag), diag);
    n->route = slk_remote_route(n->remote);
    slk_http_route_t wrapped = n->route;
    wrapped.handler = node_handle;
    wrapped.ctx = n;
    if (!node_token[0]) {
        assert_ok(slk_token_key_new(&node_key, &diag), diag);
        slk_token_new(node_token, &node_key, slk_perms_upto(SLK_PERM_ADMIN));
    }
    const slk_http_server_opts_t opts = {.routes = &wrapped,
                                         .route_cnt = 1,
                                         .key = &node_key,
                                         .anonymous = SLK_PERM_READ,
                                         .done = node_finished,
                                         .done_ctx = n};
    assert_ok(slk_http_server_new(&n->server, &opts, &diag), diag);
    n->port = slk_http_server_port(n->server);
}

static inline void node_stop(node_t *n)
{
    slk_http_server_free(n->server, 100);
    slk_remote_server_free(n->remote);
    slk_local_paths_free(n->paths);
    slk_sector_locks_free(n->locks);
}

static inline const char *node_url(const node_t *n, const char *rest)
{
    return fmt("http://127.0.0.1:%u/remote/%s", n->port, rest);
}

#endif /* SLK_STORAGE_TEST_NODES_H */
