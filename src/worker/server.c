/* The server of a worker: its files for peers, its state for operators. */
#include "worker/post_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "codec/json.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_GRACE_MS 2000u

/* --- Methods -------------------------------------------------------------------------------- */

static json_t *job_json(slk_wjob_t *job)
{
    static const char *const states[] = {"held", "waiting", "running", "ended"};
    slk_progress_view_t view = job->view;
    if (!job->in_processor)
        slk_progress_view(job->progress, &view);
    if (job->state != SLK_WJOB_RUNNING)
        view = (slk_progress_view_t){0};
    return json_pack("{sI,sI,ss,sI,sI,ss,ss,ss,sI,sI,sI,si,ss,ss}", "ID", (json_int_t)job->a.id,
                     "Lease", (json_int_t)job->lease, "Task", slk_tasks[job->task].name, "Miner",
                     (json_int_t)job->sector.miner, "Number", (json_int_t)job->sector.number,
                     "State", job->unwanted ? "dropped" : states[job->state], "Stage", view.stage,
                     "Unit", view.unit, "Done", (json_int_t)view.done, "Total",
                     (json_int_t)view.total, "Seconds",
                     (json_int_t)(job->started > 0 ? slk_clock_seconds() - job->started : 0), "Pid",
                     job->pid, "CPUs", job->pid ? job->cpus : "", "Error", job->error);
}

static json_t *stores_json(slk_worker_t *w)
{
    slk_store_report_list_t reports;
    slk_arena_t arena;
    slk_diag_t diag;
    json_t *list = json_array();
    slk_arena_init(&arena, SLK_LINK_ARENA_MAX);
    if (slk_stores_report(&reports, w->stores, &arena, &diag) == SLK_OK)
        for (size_t i = 0; i < reports.count; i++) {
            json_t *row = NULL;
            if (slk_record_to_json(&row, &slk_store_report_type, &reports.items[i], SLK_TESTNET,
                                   &diag) == SLK_OK)
                json_array_append_new(list, row);
        }
    slk_arena_free(&arena);
    return list;
}

json_t *slk_worker_info_json(slk_worker_t *w)
{
    json_t *jobs = json_array(), *stores = stores_json(w);
    slk_worker_lock(w);
    for (slk_wjob_t *job = w->jobs; job; job = job->next)
        if (!job->over)
            json_array_append_new(jobs, job_json(job));
    json_t *info = json_pack(
        "{ss,ss,ss,ss,sb,sb,sb,sb,ss,ss,sI,sI,sI,sI,so,so}", "Worker", w->repo.id, "Name", w->name,
        "Session", w->session, "Manager", w->link.url, "Connected", w->connected, "Paused",
        w->paused, "Draining", w->draining, "Leaving", w->leaving, "Version", w->version, "URL",
        w->url, "Uptime", (json_int_t)(slk_clock_seconds() - w->started), "Cores",
        (json_int_t)w->cores.cnt, "Memory", (json_int_t)w->memory, "FreeMemory",
        (json_int_t)slk_machine_free_memory(), "Jobs", jobs, "Stores", stores);
    slk_worker_unlock(w);
    return info;
}

static void rpc_info(slk_rpc_call_t *call, void *ctx)
{
    slk_rpc_answer(call, slk_worker_info_json(ctx));
}

static void rpc_reload(slk_rpc_call_t *call, void *ctx)
{
    slk_worker_t *w = ctx;
    slk_worker_lock(w);
    w->reload = true;
    slk_worker_changed(w);
    slk_worker_unlock(w);
    slk_rpc_answer(call, json_true());
}

static void rpc_stop(slk_rpc_call_t *call, void *ctx)
{
    slk_worker_t *w = ctx;
    slk_log(SLK_LOG_INFO, "worker", "told to stop over the API");
    atomic_store(&w->stop_here, true);
    slk_rpc_answer(call, json_true());
}

static const slk_rpc_method_t methods[] = {
    {"Selkie.WorkerInfo", SLK_PERM_READ, 0, 0, 0, rpc_info},
    {"Selkie.WorkerReload", SLK_PERM_ADMIN, 0, 0, 0, rpc_reload},
    {"Selkie.WorkerStop", SLK_PERM_ADMIN, 0, 0, 0, rpc_stop},
};

/* --- The server ----------------------------------------------------------------------------- */

static void removed(void *ctx, const char *id, const slk_sector_id_t *sector, slk_file_types_t type)
{
    slk_worker_t *w = ctx;
    slk_log_sector(SLK_LOG_INFO, "worker", sector->miner, sector->number,
                   "%s of path %s went to the trash: a peer has fetched it",
                   slk_file_type_name(type), id);
    slk_stores_suspect(w->stores, id);
}

static slk_err_t listen_with(slk_worker_t *w, const slk_token_key_t *key, uint16_t port,
                             slk_diag_t *diag)
{
    slk_http_route_t routes[] = {slk_vanilla_route(w->vanilla), slk_remote_route(w->remote),
                                 slk_rpc_route("/rpc/v0", w->api)};
    slk_http_server_opts_t opts = {.address = w->opts->listen,
                                   .port = port,
                                   .routes = routes,
                                   .route_cnt = SLK_COUNT(routes),
                                   .key = key};
    slk_err_t err = slk_http_server_new(&w->server, &opts, diag);
    if (err == SLK_OK)
        w->port = slk_http_server_port(w->server);
    return err;
}

/* Host and port of a URL; false: it has none. */
static bool split_url(const char *url, char host[256], char port[8])
{
    const char *at = url ? strstr(url, "://") : NULL;
    const bool tls = url && !strncmp(url, "https:", 6);
    if (!at)
        return false;
    at += 3;
    const bool six = *at == '[';
    const size_t len = six ? strcspn(++at, "]") : strcspn(at, ":/");
    const char *rest = at + len + (six && at[len] == ']');
    snprintf(host, 256, "%.*s", (int)(len < 255 ? len : 255), at);
    const size_t digits = *rest == ':' ? strspn(rest + 1, "0123456789") : 0;
    if (digits)
        snprintf(port, 8, "%.*s", (int)(digits < 7 ? digits : 7), rest + 1);
    else
        strcpy(port, tls ? "443" : "80");
    return *host;
}

/* The address of this machine from which the manager is reached, as Lotus finds it; nothing is sent. False: no way
 * there. */
static bool own_address(const slk_worker_t *w, char out[256])
{
    char host[256], port[8];
    const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    bool ok = false;
    if (!split_url(w->opts->manager, host, port) || getaddrinfo(host, port, &want, &list) != 0)
        return false;
    for (const struct addrinfo *at = list; at && !ok; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        ok = connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
             getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
             getnameinfo((struct sockaddr *)&own, len, out, 256, NULL, 0, NI_NUMERICHOST) == 0;
        close(fd);
    }
    freeaddrinfo(list);
    return ok;
}

/* By which others find this machine: what was given, where it listens, or for all addresses the one towards the
 * manager. */
static void find_url(slk_worker_t *w)
{
    char host[256] = "127.0.0.1";
    const char *listen = w->opts->listen;
    if (listen && strcmp(listen, "0.0.0.0") != 0 && strcmp(listen, "::") != 0)
        snprintf(host, sizeof host, "%s", listen);
    else if (listen && !own_address(w, host) && gethostname(host, sizeof host) != 0)
        strcpy(host, "127.0.0.1");
    host[sizeof host - 1] = 0;
    if (w->opts->url)
        snprintf(w->url, sizeof w->url, "%s", w->opts->url);
    else
        snprintf(w->url, sizeof w->url, strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u", host,
                 w->port);
    snprintf(w->remote_url, sizeof w->remote_url, "%s/remote", w->url);
}

slk_err_t slk_worker_serve(slk_worker_t *w, slk_diag_t *diag)
{
    slk_token_key_t none;
    slk_err_t err;
    slk_remote_opts_t remote = {
        .paths = w->paths, .locks = w->locks, .removed = removed, .removed_ctx = w};
    slk_rpc_api_opts_t api = {.methods = methods, .method_cnt = SLK_COUNT(methods), .ctx = w};
    SLK_TRY(slk_vanilla_server_new(&w->vanilla, w, diag));
    SLK_TRY(slk_remote_server_new(&w->remote, &remote, diag));
    SLK_TRY(slk_rpc_api_new(&w->api, &api, diag));
    SLK_TRY(
        slk_token_key_new(&none, diag)); /* nobody has a token before the manager's key is here */
    SLK_TRY(listen_with(w, &none, w->opts->port, diag));
    find_url(w);
out:
    return err;
}

/* Where operators find it: as in a Lotus repository. */
static void write_api(slk_worker_t *w)
{
    char path[SLK_WORKER_PATH_MAX], token[SLK_TOKEN_TEXT_MAX], address[320];
    slk_diag_t diag;
    const char *listen = w->opts->listen;
    bool any = !listen || !strcmp(listen, "0.0.0.0") || !strcmp(listen, "::");
    slk_token_new(token, &w->key, slk_perms_upto(SLK_PERM_ADMIN));
    snprintf(address, sizeof address,
             strchr(any ? "" : listen, ':') ? "http://[%s]:%u\n" : "http://%s:%u\n",
             any ? "127.0.0.1" : listen, w->port);
    if (slk_worker_repo_path(path, w->repo.dir, "token", &diag) != SLK_OK ||
        slk_worker_write_secret(path, token, &diag) != SLK_OK ||
        slk_worker_repo_path(path, w->repo.dir, "api", &diag) != SLK_OK ||
        slk_worker_write_secret(path, address, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, "worker", "operators do not find this worker: %s", diag.text);
}

slk_err_t slk_worker_use_key(slk_worker_t *w, const slk_token_key_t *key, slk_diag_t *diag)
{
    bool same = w->has_key && w->key.len == key->len && !memcmp(w->key.bytes, key->bytes, key->len);
    if (same)
        return SLK_OK;
    slk_http_server_free(w->server, STOP_GRACE_MS);
    w->server = NULL;
    slk_err_t err = listen_with(w, key, w->port, diag);
    if (err != SLK_OK)
        return err;
    slk_worker_lock(w);
    w->key = *key;
    w->has_key = true;
    slk_worker_unlock(w);
    write_api(w);
    return SLK_OK;
}

void slk_worker_end_serving(slk_worker_t *w)
{
    char path[SLK_WORKER_PATH_MAX];
    slk_http_server_free(w->server, STOP_GRACE_MS);
    slk_vanilla_server_free(w->vanilla);
    slk_remote_server_free(w->remote);
    slk_rpc_api_free(w->api);
    w->server = NULL;
    w->vanilla = NULL;
    w->remote = NULL;
    w->api = NULL;
    if (w->has_key) {
        if (slk_worker_repo_path(path, w->repo.dir, "api", NULL) == SLK_OK)
            unlink(path);
        if (slk_worker_repo_path(path, w->repo.dir, "token", NULL) == SLK_OK)
            unlink(path);
    }
    slk_token_key_wipe(&w->key);
}
