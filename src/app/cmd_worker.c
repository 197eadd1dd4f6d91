#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/repo.h"
#include "app/roles.h"
#include "app/show.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "net/api_info.h"
#include "worker/worker.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INFO_MAX 8192

static slk_err_t worker_dir(char *out, size_t cap, slk_app_t *app, const slk_args_t *args)
{
    return slk_repo_dir(out, cap, args->opt[SLK_OPT_REPO].text, "worker", &app->diag);
}

/* --- init ------------------------------------------------------------------------------------------ */

static slk_err_t run_init(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    slk_worker_setup_t setup = {.manager = args->opt[SLK_OPT_MANAGER_INFO].text,
                                .name = args->opt[SLK_OPT_NAME].text,
                                .listen = args->opt[SLK_OPT_LISTEN].text};
    if (!setup.manager)
        setup.manager = getenv("MINER_API_INFO");
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_worker_setup(dir, &setup, &app->diag));
    slk_result_text(app, "worker", dir);
out:
    return err;
}

/* --- run ------------------------------------------------------------------------------------------- */

static slk_err_t run_run(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    slk_worker_role_t role = {.manager = args->opt[SLK_OPT_MANAGER_INFO].text,
                              .name = args->opt[SLK_OPT_NAME].text,
                              .listen = args->opt[SLK_OPT_LISTEN].text,
                              .version = SLK_VERSION};
    slk_log_level_t level = SLK_LOG_INFO;
    slk_log_level_from_name(&level, args->opt[SLK_OPT_LOG_LEVEL].text);
    slk_log_init(!strcmp(args->opt[SLK_OPT_LOG_FORMAT].text, "json"), level);
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_app_job(app, args, NULL));
    role.reload = slk_app_reload();
    err = slk_worker_role(dir, &role, &app->job, &app->diag);
out:
    return err;
}

/* --- info, stop ------------------------------------------------------------------------------------- */

static slk_err_t run_info(slk_app_t *app, const slk_args_t *args)
{
    char dir[PATH_MAX];
    slk_err_t err = worker_dir(dir, sizeof dir, app, args);
    return err == SLK_OK ? slk_worker_info(&app->result, dir, &app->diag) : err;
}

static slk_err_t run_stop(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    json_t *nothing = NULL;
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_manager_call_at(dir, "Selkie.WorkerStop", NULL, NULL, &nothing, &app->diag));
    slk_result_json(app, "stopping", json_true());
out:
    json_decref(nothing);
    return err;
}

/* --- drain, pause, resume: the manager does these ------------------------------------------------------ */

static slk_err_t order(slk_app_t *app, const slk_args_t *args, const char *method)
{
    return slk_manager_call(app, args, method, json_pack("[s]", args->words[0]), &app->result);
}

static slk_err_t run_drain(slk_app_t *app, const slk_args_t *args)
{
    return order(app, args, "Selkie.WorkerDrain");
}

static slk_err_t run_pause(slk_app_t *app, const slk_args_t *args)
{
    return order(app, args, "Selkie.WorkerPause");
}

static slk_err_t run_resume(slk_app_t *app, const slk_args_t *args)
{
    return order(app, args, "Selkie.WorkerResume");
}

static slk_err_t run_forget(slk_app_t *app, const slk_args_t *args)
{
    return order(app, args, "Selkie.WorkerForget");
}

/* --- Tables ---------------------------------------------------------------------------------------- */

static const slk_opt_use_t init_opts[] = {
    {SLK_OPT_MANAGER_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_NAME, SLK_OPTIONAL, NULL, "how it is called in lists; by default the host's name"},
    {SLK_OPT_LISTEN, SLK_OPTIONAL, NULL, "where other workers fetch sector files from it"},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t run_opts[] = {
    {SLK_OPT_MANAGER_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_NAME, SLK_OPTIONAL, NULL, "how it is called in lists; by default the host's name"},
    {SLK_OPT_LISTEN, SLK_OPTIONAL, NULL, "where other workers fetch sector files from it"},
    {SLK_OPT_LOG_FORMAT, SLK_OPTIONAL, "text", NULL},
    {SLK_OPT_LOG_LEVEL, SLK_OPTIONAL, "info", NULL},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t here_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t order_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define WORKER_WORD                                                                                \
    {                                                                                              \
        "WORKER", "its name or UUID", SLK_ARG_TEXT, NULL, 1, 1                                     \
    }

const slk_command_t slk_worker_commands[] = {
    {.noun = "worker",
     .verb = "init",
     .summary = "make this machine a worker of a manager",
     .details =
         "Stores the manager's address and the token, and makes worker/ below the repo. A token "
         "for "
         "workers alone: selkie auth create-token --perm worker. Storage paths are made by selkie "
         "store seal-init and file-init. On the manager's own machine nothing has to be named.",
     .opts = init_opts,
     .opt_cnt = SLK_COUNT(init_opts),
     .json = "worker: its folder",
     .examples = "worker init --manager TOKEN:/ip4/10.0.0.1/tcp/2345/http --listen 10.0.0.2:3456",
     .run = run_init},
    {.noun = "worker",
     .verb = "run",
     .summary = "work for the manager until SIGTERM",
     .details = "Takes jobs, does the heavy ones in processes of their own, and keeps what is "
                "finished until "
                "the manager has it. Without a manager in reach it goes on with what it has and "
                "tries again."
                "\n\n"
                "SIGTERM lets running jobs write their checkpoints; SIGHUP reads the storage paths "
                "again. A "
                "worker that is killed loses no more than the work since the last checkpoint.",
     .opts = run_opts,
     .opt_cnt = SLK_COUNT(run_opts),
     .examples = "worker run\nworker run --name rack3 --log-format json",
     .run = run_run},
    {.noun = "worker",
     .verb = "info",
     .summary = "what the worker of this repo does",
     .opts = here_opts,
     .opt_cnt = SLK_COUNT(here_opts),
     .json = "Worker: UUID\n"
             "Name: as in lists\n"
             "Session: UUID, new at each start\n"
             "Manager: whom it works for\n"
             "Connected: whether the manager hears it\n"
             "Paused, Draining, Leaving: what it was told\n"
             "Version: of the program\n"
             "URL: where its files are\n"
             "Uptime: seconds\n"
             "Cores: of the machine\n"
             "Memory: bytes\n"
             "FreeMemory: bytes that it could give to jobs\n"
             "Jobs: [{ID, Task, Miner, Number, State, Stage, Done, Total, Seconds, Pid, CPUs, "
             "Error, ...}]\n"
             "Stores: its paths, as `store list` has them",
     .examples = "worker info --json",
     .run = run_info,
     .show = slk_show_worker},
    {.noun = "worker",
     .verb = "stop",
     .summary = "end the worker of this repo",
     .opts = here_opts,
     .opt_cnt = SLK_COUNT(here_opts),
     .json = "stopping: true",
     .examples = "worker stop",
     .run = run_stop},
    {.noun = "worker",
     .verb = "drain",
     .summary = "give a worker no new sectors; those it has it finishes",
     .opts = order_opts,
     .opt_cnt = SLK_COUNT(order_opts),
     .words = WORKER_WORD,
     .json = "worker: as it was named\nstate: draining",
     .examples = "worker drain rack3",
     .run = run_drain},
    {.noun = "worker",
     .verb = "pause",
     .summary = "give a worker nothing new at all",
     .opts = order_opts,
     .opt_cnt = SLK_COUNT(order_opts),
     .words = WORKER_WORD,
     .json = "worker: as it was named\nstate: paused",
     .examples = "worker pause rack3",
     .run = run_pause},
    {.noun = "worker",
     .verb = "resume",
     .summary = "end a pause or a drain",
     .opts = order_opts,
     .opt_cnt = SLK_COUNT(order_opts),
     .words = WORKER_WORD,
     .json = "worker: as it was named\nstate: active",
     .examples = "worker resume rack3",
     .run = run_resume},
    {.noun = "worker",
     .verb = "forget",
     .summary = "take a worker that is gone for good off the lists",
     .details = "What its paths hold stays known. If it comes back it registers anew.",
     .opts = order_opts,
     .opt_cnt = SLK_COUNT(order_opts),
     .words = WORKER_WORD,
     .json = "forgotten: as it was named",
     .examples = "worker forget rack3",
     .run = run_forget},
    {0},
};
