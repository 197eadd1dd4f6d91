#include "app/app.h"
#include "app/nouns.h"
#include "app/repo.h"
#include "app/run_all.h"
#include "app/show.h"

#include "base/assert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static slk_err_t run_run(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char repo[PATH_MAX], piece[PATH_MAX];
    const slk_value_t *until = &args->opt[SLK_OPT_UNTIL];
    slk_run_all_t run = {.repo = repo,
                         .size = args->opt[SLK_OPT_SIZE].size,
                         .pledge = args->opt[SLK_OPT_PLEDGE].num,
                         .until_proving = until->given,
                         .until_windowed = until->given && until->num == 1,
                         .listen = args->opt[SLK_OPT_LISTEN].text,
                         .block_time = args->opt[SLK_OPT_BLOCK_TIME].text,
                         .quiet = args->opt[SLK_OPT_QUIET].given || args->opt[SLK_OPT_JSON].given};
    SLK_TRY(slk_repo_dir(repo, sizeof repo, args->opt[SLK_OPT_REPO].text, "", &app->diag));
    if (args->opt[SLK_OPT_PIECE].text) {
        if (!realpath(args->opt[SLK_OPT_PIECE].text, piece)) {
            err = slk_fail_errno(&app->diag, "find", args->opt[SLK_OPT_PIECE].text);
            goto out;
        }
        run.piece = piece;
    }
    if (run.pledge > SLK_RUN_PLEDGE_MAX)
        return slk_app_usage(app, "--pledge: at most %u at a time", SLK_RUN_PLEDGE_MAX);
    if (run.until_proving && !run.pledge && !run.piece)
        return slk_app_usage(app, "--until: nothing to wait for; say --pledge N or --piece FILE");
    SLK_TRY(slk_app_job(app, args, "what was sealed so far stays, the same command goes on"));
    err = slk_run_all(&run, &app->job, &app->result, &app->diag);
out:
    return err;
}

static const slk_opt_use_t opts[] = {
    {SLK_OPT_SIZE, SLK_OPTIONAL, "2KiB", "of the sectors, on the development network"},
    {SLK_OPT_PLEDGE, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_PIECE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_UNTIL, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_LISTEN, SLK_OPTIONAL, NULL, "where the manager is reached; port 0: any free one"},
    {SLK_OPT_BLOCK_TIME, SLK_OPTIONAL, "1s", "of the development network"},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_run_commands[] = {
    {.noun = "run",
     .summary = "everything on one machine: development network, manager, worker",
     .details = "Starts the three roles as processes of their own on loopback, with a miner that "
                "it makes and a "
                "storage path below the repo, and ends them in the right order at SIGTERM. One "
                "that dies is started "
                "again. Their logs are in log/ below the repo. The next run goes on where this one "
                "was.\n\n"
                "With FULLNODE_API_INFO set the chain is that node's, and no development network "
                "is started: a "
                "miner is made there by the node's default address unless manager/config.toml "
                "names one.\n\n"
                "With --until windowed at the first run the development network has a proving "
                "period of 4 windows of 20 epochs, so that each sector is proven within minutes; "
                "it keeps it.\n\n"
                "Proof parameters of the sizes 2KiB and 8MiB are made at the first run; for real "
                "sizes fetch them "
                "with selkie params fetch.",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "repo: its folder\n"
             "miner: id\n"
             "manager: address of its API\n"
             "sectors: [{sector, state, seconds, windowed}] that were sealed in this run\n"
             "summary: one sentence",
     .examples = "run\nrun --pledge 2 --until proving\nrun --piece /data/file --until proving "
                 "--repo /tmp/try",
     .run = run_run,
     .show = slk_show_run},
    {0},
};
