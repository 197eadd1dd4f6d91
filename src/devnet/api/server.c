/* The server in front of a development network: routes, tables of methods, the files `token` and `api`. */

#include "devnet/api/ask.h"

#include "base/assert.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRACE_MS 2000

static bool before(slk_rpc_call_t *call, void *ctx)
{
    slk_devnet_api_t *api = ctx;
    return slk_fault_before(&api->net->fault, call);
}

/* --- Methods ------------------------------------------------------------------------------------------------- */

static slk_err_t make_api(slk_devnet_api_t *api, slk_devnet_t *net, unsigned version,
                          slk_diag_t *diag)
{
    size_t cap = 0;
    api->net = net;
    api->version = version;
    for (size_t g = 0; g < slk_ask_group_cnt; g++)
        for (const slk_ask_method_t *m = slk_ask_groups[g]; m->name; m++)
            cap++;
    api->methods = calloc(cap, sizeof *api->methods);
    if (!api->methods)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the table of methods");
    for (size_t g = 0; g < slk_ask_group_cnt; g++)
        for (const slk_ask_method_t *m = slk_ask_groups[g]; m->name; m++)
            if (m->apis & (1u << version))
                api->methods[api->method_cnt++] =
                    (slk_rpc_method_t){.name = m->name,
                                       .need = m->need,
                                       .params_min = (uint8_t)strlen(m->params),
                                       .params_max = (uint8_t)strlen(m->params),
                                       .flags = m->flags,
                                       .fn = slk_ask_serve};
    return slk_rpc_api_new(
        &api->api,
        &(slk_rpc_api_opts_t){
            .methods = api->methods, .method_cnt = api->method_cnt, .ctx = api, .before = before},
        diag);
}

/* --- Health -------------------------------------------------------------------------------------------------- */

static void live(slk_http_request_t *req, void *ctx)
{
    slk_devnet_t *net = ctx;
    if (atomic_load(&net->fault.down_until) > slk_net_now_ms())
        slk_http_drop(req);
    else
        slk_http_reply(req, 200, NULL, NULL, 0);
}

/* Ready while blocks can be made. */
static void ready(slk_http_request_t *req, void *ctx)
{
    slk_devnet_t *net = ctx;
    if (slk_producer_status(net->producer).stopped)
        slk_http_reply(req, 503, NULL, NULL, 0);
    else
        live(req, ctx);
}

/* --- Files ---------------------------------------------------------------------------------------------------- */

static slk_err_t write_secret(const char *dir, const char *name, const char *text, slk_diag_t *diag)
{
    slk_err_t err;
    char path[4096];
    mode_t mask = umask(077);
    SLK_TRY(slk_path_join(path, sizeof path, dir, name, diag));
    SLK_TRY(slk_write_file(path, text, strlen(text), diag));
out:
    umask(mask);
    return err;
}

static slk_err_t tell_address(slk_devnet_t *net, const char *address, slk_diag_t *diag)
{
    slk_err_t err;
    char token[SLK_TOKEN_TEXT_MAX], place[128];
    const bool any = !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
    const char *host = any ? "127.0.0.1" : address;
    slk_token_new(token, &net->key, slk_perms_upto(SLK_PERM_ADMIN));
    snprintf(place, sizeof place, "/%s/%s/tcp/%u/http", strchr(host, ':') ? "ip6" : "ip4", host,
             net->port);
    snprintf(net->api_info, sizeof net->api_info, "%s:%s", token, place);
    SLK_TRY(write_secret(net->dir, "token", token, diag));
    SLK_TRY(write_secret(net->dir, "api", place, diag));
out:
    explicit_bzero(token, sizeof token);
    return err;
}

/* --- Life ------------------------------------------------------------------------------------------------------ */

slk_err_t slk_devnet_serve(slk_devnet_t *net, const slk_devnet_options_t *options, slk_diag_t *diag)
{
    slk_err_t err;
    char path[4096];
    static const char *const paths[SLK_DEVNET_APIS] = {"/rpc/v0", "/rpc/v1", "/rpc/v2"};
    const char *address = options->address ? options->address : "127.0.0.1";
    slk_http_route_t routes[SLK_DEVNET_APIS + 2];
    SLK_TRY(slk_path_join(path, sizeof path, net->dir, "jwt-secret", diag));
    SLK_TRY(slk_token_key_load(&net->key, path, diag));
    for (unsigned i = 0; i < SLK_DEVNET_APIS; i++) {
        SLK_TRY(make_api(&net->apis[i], net, i, diag));
        routes[i] = slk_rpc_route(paths[i], net->apis[i].api);
    }
    routes[SLK_DEVNET_APIS] = (slk_http_route_t){.methods = SLK_HTTP_GET,
                                                 .path = "/health/livez",
                                                 .open = true,
                                                 .handler = live,
                                                 .ctx = net};
    routes[SLK_DEVNET_APIS + 1] = (slk_http_route_t){.methods = SLK_HTTP_GET,
                                                     .path = "/health/readyz",
                                                     .open = true,
                                                     .handler = ready,
                                                     .ctx = net};
    SLK_TRY(slk_http_server_new(&net->server,
                                &(slk_http_server_opts_t){.address = address,
                                                          .port = options->port,
                                                          .routes = routes,
                                                          .route_cnt = SLK_COUNT(routes),
                                                          .key = &net->key,
                                                          .anonymous = SLK_PERM_READ},
                                diag));
    net->port = slk_http_server_port(net->server);
    SLK_TRY(tell_address(net, address, diag));
out:
    return err;
}

void slk_devnet_unserve(slk_devnet_t *net)
{
    char path[4096];
    if (net->notify)
        slk_notify_cut(net->notify);
    slk_http_server_free(net->server, GRACE_MS);
    for (unsigned i = 0; i < SLK_DEVNET_APIS; i++) {
        slk_rpc_api_free(net->apis[i].api);
        free(net->apis[i].methods);
    }
    if (net->server && slk_path_join(path, sizeof path, net->dir, "api", NULL) == SLK_OK)
        unlink(path);
}
