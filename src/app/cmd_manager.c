#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/repo.h"
#include "app/roles.h"
#include "app/show.h"

#include "base/assert.h"
#include "base/log.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static slk_err_t manager_dir(char *out, size_t cap, slk_app_t *app, const slk_args_t *args)
{
    return slk_repo_dir(out, cap, args->opt[SLK_OPT_REPO].text, "manager", &app->diag);
}

static slk_err_t run_init(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    uint64_t miner;
    const slk_manager_setup_t setup = {.miner = args->opt[SLK_OPT_MINER].num,
                                       .create = args->opt[SLK_OPT_CREATE_MINER].given,
                                       .owner = args->opt[SLK_OPT_OWNER].text,
                                       .listen = args->opt[SLK_OPT_LISTEN].text,
                                       .api_info = args->opt[SLK_OPT_API_INFO].text,
                                       .sector_sz = args->opt[SLK_OPT_SIZE].size->bytes};
    if (setup.create == args->opt[SLK_OPT_MINER].given)
        return slk_app_usage(app, "name the miner with --miner f0..., or have one made: --create");
    SLK_TRY(manager_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_app_job(app, args, NULL));
    SLK_TRY(slk_manager_setup(dir, &setup, &miner, &app->job, &app->diag));
    slk_result_text(app, "manager", dir);
    slk_result_num(app, "miner", miner);
out:
    return err;
}

static slk_err_t run_run(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    slk_manager_role_t role = {.listen = args->opt[SLK_OPT_LISTEN].text,
                               .api_info = args->opt[SLK_OPT_API_INFO].text,
                               .version = SLK_VERSION};
    slk_log_level_t level = SLK_LOG_INFO;
    slk_log_level_from_name(&level, args->opt[SLK_OPT_LOG_LEVEL].text);
    SLK_TRY(manager_dir(dir, sizeof dir, app, args));
    const char *format = args->opt[SLK_OPT_LOG_FORMAT].text;
    slk_log_init(format ? !strcmp(format, "json") : slk_manager_logs_json(dir), level);
    SLK_TRY(slk_app_job(app, args, NULL));
    role.reload = slk_app_reload();
    err = slk_manager_role(dir, &role, &app->job, &app->diag);
out:
    return err;
}

static slk_err_t run_stop(slk_app_t *app, const slk_args_t *args)
{
    json_t *nothing;
    slk_err_t err = slk_manager_call(app, args, "Filecoin.Shutdown", NULL, &nothing);
    if (err != SLK_OK)
        return err;
    json_decref(nothing);
    slk_result_json(app, "stopping", json_true());
    return SLK_OK;
}

static slk_err_t run_info(slk_app_t *app, const slk_args_t *args)
{
    return slk_manager_call(app, args, "Selkie.Summary", NULL, &app->result);
}

/* --- Tables ---------------------------------------------------------------------------------------- */

static const slk_opt_use_t init_opts[] = {
    {SLK_OPT_MINER, SLK_OPTIONAL, NULL, "the miner to work for"},
    {SLK_OPT_CREATE_MINER, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_OWNER, SLK_OPTIONAL, NULL,
     "of a miner that is made; by default the node's default key"},
    {SLK_OPT_SIZE, SLK_OPTIONAL, "32GiB", "of the sectors of a miner that is made"},
    {SLK_OPT_LISTEN, SLK_OPTIONAL, NULL, "where operators and workers reach it"},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL,
     "the chain node, kept in the configuration; instead of FULLNODE_API_INFO"},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t run_opts[] = {
    {SLK_OPT_LISTEN, SLK_OPTIONAL, NULL, "instead of ListenAddress of the configuration"},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL,
     "the chain node, instead of ApiInfo of the configuration and of FULLNODE_API_INFO"},
    {SLK_OPT_LOG_FORMAT, SLK_OPTIONAL, NULL, "instead of Format of the configuration"},
    {SLK_OPT_LOG_LEVEL, SLK_OPTIONAL, "info", NULL},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t ask_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_manager_commands[] = {
    {.noun = "manager",
     .verb = "init",
     .summary = "make the manager of a miner",
     .details =
         "Writes manager/config.toml below the repo, with every setting and its meaning, or adds "
         "another miner to it. With --create the miner is made on chain first, by a message that "
         "its owner pays.",
     .opts = init_opts,
     .opt_cnt = SLK_COUNT(init_opts),
     .json = "manager: its folder\nminer: id",
     .examples = "manager init --miner f01000\nmanager init --create --size 32GiB --owner f3...",
     .run = run_init},
    {.noun = "manager",
     .verb = "run",
     .summary = "take the sectors of the miners through their lives until SIGTERM",
     .details =
         "Follows the chain, decides what each sector does next, gives jobs to workers, sends "
         "messages. Everything is in its database before it happens: a manager that is killed goes "
         "on where it was. SIGHUP reads the configuration again.",
     .opts = run_opts,
     .opt_cnt = SLK_COUNT(run_opts),
     .examples = "manager run\nmanager run --listen 0.0.0.0:2345 --log-format json",
     .run = run_run},
    {.noun = "manager",
     .verb = "stop",
     .summary = "end a running manager",
     .opts = ask_opts,
     .opt_cnt = SLK_COUNT(ask_opts),
     .json = "stopping: true",
     .examples = "manager stop",
     .run = run_stop},
    {.noun = "manager",
     .verb = "info",
     .summary = "how the manager is",
     .opts = ask_opts,
     .opt_cnt = SLK_COUNT(ask_opts),
     .json = "version: of the program\n"
             "miners: ids\n"
             "sectors: how many are staging, sealing, proving, failed, ending\n"
             "height: of the chain\n"
             "following: whether a node is in reach\n"
             "trouble: with it, or null\n"
             "uptime_seconds: since its start",
     .examples = "manager info",
     .run = run_info,
     .show = slk_show_manager},
    {0},
};
