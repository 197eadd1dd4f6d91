#include "app/roles.h"

#include "app/manager_use.h"
#include "base/assert.h"
#include "base/file.h"
#include "net/api_info.h"
#include "worker/worker.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define INFO_MAX   8192

/* --- Setting up -------------------------------------------------------------------------------------- */

static slk_err_t read_config(json_t **config, const char *path, slk_diag_t *diag)
{
    char *text = NULL;
    size_t len;
    bool found;
    uint64_t size;
    json_error_t wrong;
    slk_err_t err = slk_file_len(&found, &size, path, diag);
    *config = NULL;
    if (err != SLK_OK)
        return err;
    if (!found) {
        *config = json_object();
        return SLK_OK;
    }
    err = slk_read_file(&text, &len, path, CONFIG_MAX, diag);
    if (err != SLK_OK)
        return err;
    *config = json_loadb(text, len, JSON_REJECT_DUPLICATES, &wrong);
    free(text);
    if (json_is_object(*config))
        return SLK_OK;
    json_decref(*config);
    *config = NULL;
    return slk_fail(diag, SLK_ERR_FORMAT, "%s: expected a JSON object: %s, line %d", path,
                    wrong.text, wrong.line);
}

static slk_err_t write_config(const json_t *config, const char *path, slk_diag_t *diag)
{
    char *text = json_dumps(config, JSON_INDENT(2));
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = slk_write_file(path, text, strlen(text), diag);
    free(text);
    return err;
}

/* "10.0.0.1:3456", "[::]:0" */
static slk_err_t split_listen(const char *text, char *host, size_t cap, uint16_t *port,
                              slk_diag_t *diag)
{
    char *end = NULL;
    const char *colon = strrchr(text, ':');
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || end == colon + 1 || *end || number > UINT16_MAX || (size_t)(colon - text) >= cap)
        return slk_fail(diag, SLK_ERR_INPUT, "%.60s: expected ADDRESS:PORT, as 10.0.0.2:3456",
                        text);
    size_t len = (size_t)(colon - text);
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    snprintf(host, cap, "%.*s", (int)len, text);
    *port = (uint16_t)number;
    return SLK_OK;
}

static slk_err_t one_manager(slk_api_info_t *info, const char *text, slk_diag_t *diag)
{
    slk_api_info_t infos[SLK_API_INFO_MAX];
    size_t cnt;
    slk_err_t err = slk_api_info_parse(infos, &cnt, text, diag);
    if (err == SLK_OK && cnt != 1)
        err = slk_fail(diag, SLK_ERR_INPUT, "a worker has one manager, %zu are named", cnt);
    if (err == SLK_OK)
        *info = infos[0];
    return err;
}

/* The token goes to a file that only we can read; what is on its way there is no other's either. */
static slk_err_t keep_token(const char *path, const char *token, slk_diag_t *diag)
{
    mode_t before = umask(0077);
    slk_err_t err = slk_write_file(path, token, strlen(token), diag);
    umask(before);
    return err;
}

static slk_err_t set_manager(json_t *config, const char *dir, const char *text, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_info_t info;
    char url[SLK_API_URL_MAX], path[PATH_MAX];
    SLK_TRY(one_manager(&info, text, diag));
    if (!*info.token) {
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "the manager is named without a token; expected TOKEN:ADDRESS, as `selkie "
                       "auth api-info --perm worker` prints it on the manager's machine");
        goto out;
    }
    slk_api_info_url(url, &info, false, "v0");
    SLK_TRY(slk_path_join(path, sizeof path, dir, "manager-token", diag));
    SLK_TRY(keep_token(path, info.token, diag));
    json_object_set_new(config, "Manager", json_string(url));
    json_object_set_new(config, "TokenFile", json_string(path));
out:
    explicit_bzero(&info, sizeof info);
    return err;
}

slk_err_t slk_worker_setup(const char *dir, const slk_worker_setup_t *setup, slk_diag_t *diag)
{
    slk_err_t err;
    char path[PATH_MAX], host[256];
    uint16_t port;
    json_t *config = NULL;
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(slk_path_join(path, sizeof path, dir, "config.json", diag));
    SLK_TRY(read_config(&config, path, diag));
    if (setup->manager)
        SLK_TRY(set_manager(config, dir, setup->manager, diag));
    if (setup->name)
        json_object_set_new(config, "Name", json_string(setup->name));
    if (setup->listen) {
        SLK_TRY(split_listen(setup->listen, host, sizeof host, &port, diag));
        json_object_set_new(config, "Listen", json_string(host));
        json_object_set_new(config, "Port", json_integer(port));
    }
    SLK_TRY(write_config(config, path, diag));
out:
    json_decref(config);
    return err;
}

/* --- Running ------------------------------------------------------------------------------------------ */

/* The manager below the same repo, with the token that it keeps there. */
static slk_err_t find_neighbour(char *info, size_t cap, const char *dir, slk_diag_t *diag)
{
    char manager[PATH_MAX];
    const char *slash = strrchr(dir, '/');
    SLK_ASSERT(slash);
    snprintf(manager, sizeof manager, "%.*s/manager", (int)(slash - dir), dir);
    if (slk_manager_info(info, cap, manager, diag) == SLK_OK)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_NOTFOUND,
                    "which manager? None runs in %s; name one with --manager TOKEN:ADDRESS, "
                    "MINER_API_INFO or `selkie worker init`",
                    manager);
}

slk_err_t slk_worker_role(const char *dir, const slk_worker_role_t *role, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_err_t err;
    slk_worker_config_t config = {0};
    slk_api_info_t manager = {0};
    char info[INFO_MAX], url[SLK_API_URL_MAX], host[256];
    const char *named = role->manager;
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(slk_worker_config_load(&config, dir, diag));
    slk_worker_opts_t opts = config.opts;
    opts.repo = dir;
    opts.reload = role->reload;
    opts.version = role->version;
    if (!named && !opts.manager)
        named = getenv("MINER_API_INFO");
    if (!named && !opts.manager) {
        SLK_TRY(find_neighbour(info, sizeof info, dir, diag));
        named = info;
    }
    if (named) {
        SLK_TRY(one_manager(&manager, named, diag));
        slk_api_info_url(url, &manager, false, "v0");
        opts.manager = url;
        opts.token = manager.token;
    }
    if (role->name)
        opts.name = role->name;
    if (role->listen) {
        SLK_TRY(split_listen(role->listen, host, sizeof host, &opts.port, diag));
        opts.listen = host;
    }
    /* The library only reads the flag, which belongs to the signal's handler. */
    err = slk_worker_run(&opts, (atomic_bool *)(uintptr_t)job->cancel, diag);
out:
    explicit_bzero(info, sizeof info);
    explicit_bzero(&manager, sizeof manager);
    slk_worker_config_free(&config);
    return err;
}
