#include "app/roles.h"

#include "app/manager_use.h"
#include "base/assert.h"
#include "base/file.h"
#include "net/api_info.h"
#include "worker/worker.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INFO_MAX 8192

/* --- Setting up -------------------------------------------------------------------------------------- */

static slk_err_t split_listen(const char *text, char *host, size_t cap, uint16_t *port,
                              slk_diag_t *diag)
{
    if (slk_listen_parse(text, host, cap, port))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT, "%.60s: expected ADDRESS:PORT, as 10.0.0.2:3456", text);
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

/* Whom to work for, beside the settings: an operator's file is not written again. */
static slk_err_t keep_manager(const char *dir, const char *text, slk_diag_t *diag)
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
    SLK_TRY(slk_path_join(path, sizeof path, dir, "manager-url", diag));
    err = slk_write_file(path, url, strlen(url), diag);
out:
    explicit_bzero(&info, sizeof info);
    return err;
}

/* A first config.toml, with what there is to set. */
static slk_err_t write_config(const char *path, const slk_worker_setup_t *setup, slk_diag_t *diag)
{
    static const char rest[] =
        "\n# URL = \"http://10.0.0.2:3456\"   # where others reach it, when not by Listen and "
        "Port\n"
        "# CPUs = \"0-31\"                   # that jobs share; default: all\n"
        "# Memory = 274877906944             # bytes for jobs; default: the machine's\n"
        "# ParamsDir = \"/var/tmp/filecoin-proof-parameters\"\n"
        "# Miners = [1000]                   # take jobs of these alone\n"
        "# NoDefault = true                  # take only the tasks that are named\n"
        "# FetchParallel = 4\n"
        "# TrashGraceHours = 24\n"
        "# StopSeconds = 60\n"
        "\n# [Tasks]                           # jobs of a task at a time\n"
        "# PC1 = 4\n"
        "# C2 = 1\n"
        "\n# [Processors.pc1]                  # another program, or where it runs\n"
        "# Program = \"/usr/local/bin/damocles-worker\"\n"
        "# Args = [\"processor\", \"pc1\"]\n"
        "# CPUs = \"0-15\"\n";
    char text[4096], host[256] = "127.0.0.1";
    uint16_t port = 0;
    slk_err_t err = SLK_OK;
    if (setup->listen)
        err = split_listen(setup->listen, host, sizeof host, &port, diag);
    if (err != SLK_OK)
        return err;
    if (setup->name && strpbrk(setup->name, "\"\\\n"))
        return slk_fail(diag, SLK_ERR_INPUT, "%.60s: a name without quotes and backslashes",
                        setup->name);
    int len =
        snprintf(text, sizeof text,
                 "# Settings of a worker; all may be left out.\n%sName = \"%s\"\n%sListen = "
                 "\"%s\"   # where other workers fetch sector files from it\n%sPort = %u\n%s",
                 setup->name ? "" : "# ", setup->name ? setup->name : "the host's",
                 setup->listen ? "" : "# ", host, setup->listen ? "" : "# ", (unsigned)port, rest);
    SLK_ASSERT(len > 0 && (size_t)len < sizeof text);
    return slk_write_file(path, text, (size_t)len, diag);
}

slk_err_t slk_worker_setup(const char *dir, const slk_worker_setup_t *setup, slk_diag_t *diag)
{
    slk_err_t err;
    char path[PATH_MAX];
    bool found;
    uint64_t len;
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(slk_path_join(path, sizeof path, dir, "config.toml", diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (found && (setup->name || setup->listen)) {
        err = slk_fail(diag, SLK_ERR_STATE, "%s is there: set Name, Listen and Port in it", path);
        goto out;
    }
    if (!found)
        SLK_TRY(write_config(path, setup, diag));
    if (setup->manager)
        SLK_TRY(keep_manager(dir, setup->manager, diag));
out:
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

/* The manager that `worker init` was told. Without, nothing is changed. */
static slk_err_t find_kept(char *url, size_t cap, char *token_file, const char *dir, bool *found,
                           slk_diag_t *diag)
{
    char path[PATH_MAX], *text = NULL;
    size_t len;
    uint64_t size;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, dir, "manager-url", diag));
    SLK_TRY(slk_file_len(found, &size, path, diag));
    if (!*found)
        goto out;
    SLK_TRY(slk_read_file(&text, &len, path, cap - 1, diag));
    snprintf(url, cap, "%s", text);
    SLK_TRY(slk_path_join(token_file, PATH_MAX, dir, "manager-token", diag));
out:
    free(text);
    return err;
}

slk_err_t slk_worker_role(const char *dir, const slk_worker_role_t *role, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_err_t err;
    slk_worker_config_t config = {0};
    slk_api_info_t manager = {0};
    char info[INFO_MAX], url[SLK_API_URL_MAX], token_file[PATH_MAX], host[256];
    bool kept = false;
    const char *named = role->manager;
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(slk_worker_config_load(&config, dir, diag));
    slk_worker_opts_t opts = config.opts;
    opts.repo = dir;
    opts.reload = role->reload;
    opts.version = role->version;
    if (!named && !opts.manager)
        SLK_TRY(find_kept(url, sizeof url, token_file, dir, &kept, diag));
    if (kept) {
        opts.manager = url;
        opts.token_file = token_file;
    }
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
