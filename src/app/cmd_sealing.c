#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/show.h"

#include "base/assert.h"

static slk_err_t ask(slk_app_t *app, const slk_args_t *args, const char *method, json_t *params)
{
    return slk_manager_call(app, args, method, params, &app->result);
}

static slk_err_t run_jobs(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.Jobs", NULL);
}

static slk_err_t run_workers(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.Workers", NULL);
}

static slk_err_t run_sched_diag(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.SchedDiag", NULL);
}

static slk_err_t run_abort(slk_app_t *app, const slk_args_t *args)
{
    slk_value_t id;
    if (!slk_value_parse(&id, SLK_ARG_NUMBER, NULL, args->words[0]) || id.num > INT64_MAX)
        return slk_app_usage(app, "expected a job's number, found %.60s", args->words[0]);
    return ask(app, args, "Selkie.JobAbort", json_pack("[I]", (json_int_t)id.num));
}

/* --- Tables ---------------------------------------------------------------------------------------- */

static const slk_opt_use_t opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_sealing_commands[] = {
    {.noun = "sealing",
     .verb = "jobs",
     .summary = "what the workers do, and what waits for them",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "id: the job's number\n"
             "sector: as t01000-5; of a window proof the miner alone\n"
             "task: AP PC1 PC2 C1 C2 FIN GET RM WDP\n"
             "worker: its name, or null\n"
             "state: queued or running\n"
             "progress: 0 to 1, or null\n"
             "stage: what is being done, or null\n"
             "started: seconds since 1970, or null\n"
             "tries: how often it was begun\n"
             "eta_seconds: or null where nothing was measured yet\n"
             "waiting_for: of a queued one, a sentence",
     .examples = "sealing jobs",
     .run = run_jobs,
     .show = slk_show_jobs},
    {.noun = "sealing",
     .verb = "workers",
     .summary = "the workers, what they can do and how they are",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "id: UUID\n"
             "name: as it calls itself\n"
             "state: active, paused, draining, leaving or dead\n"
             "url: where its files are\n"
             "cores: of its machine\n"
             "memory: bytes\n"
             "free_memory: bytes that it could give to jobs\n"
             "tasks: {task: jobs at a time}\n"
             "jobs: numbers of its jobs\n"
             "stores: UUIDs of its paths\n"
             "last_seen_seconds: ago, or null\n"
             "clock_skew_ms: how far its clock is ahead of the manager's\n"
             "version: of its program",
     .examples = "sealing workers --json",
     .run = run_workers,
     .show = slk_show_workers},
    {.noun = "sealing",
     .verb = "sched-diag",
     .summary = "why each job is where it is",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json =
         "SchedInfo: Requests, the queued jobs with a reason each; OpenWindows, the workers that "
         "may be given more\n"
         "CallToWork: keys of the running ones\n"
         "ReturnedWork: empty, as Waiting and EarlyRet, for programs that read Lotus' answer\n"
         "Rounds: of the scheduler so far\n"
         "RoundMs: that the last one took\n"
         "Workers: that are alive\n"
         "Paths: storage paths that are known",
     .examples = "sealing sched-diag",
     .run = run_sched_diag,
     .show = slk_show_sched_diag},
    {.noun = "sealing",
     .verb = "abort",
     .summary = "stop a job of a worker",
     .details =
         "It counts as failed; what its sector does then is what it does after that failure.",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .words = {"JOB", "its number", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "aborted: its number",
     .examples = "sealing abort 17",
     .run = run_abort},
    {0},
};
