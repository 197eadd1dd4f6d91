#include "app/app.h"
#include "app/nouns.h"
#include "app/repo.h"

#include "base/assert.h"
#include "base/file.h"
#include "manager/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static slk_err_t config_file(char out[PATH_MAX], slk_app_t *app, const slk_args_t *args)
{
    char dir[PATH_MAX];
    if (args->word_cnt)
        return (size_t)snprintf(out, PATH_MAX, "%s", args->words[0]) < PATH_MAX
                   ? SLK_OK
                   : slk_fail(&app->diag, SLK_ERR_LENGTH, "the path is too long");
    slk_err_t err =
        slk_repo_dir(dir, sizeof dir, args->opt[SLK_OPT_REPO].text, "manager", &app->diag);
    return err == SLK_OK ? slk_path_join(out, PATH_MAX, dir, "config.toml", &app->diag) : err;
}

static slk_err_t show(slk_app_t *app, const slk_manager_config_t *config)
{
    char *text = slk_config_text(config);
    if (!text)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    slk_result_text(app, "config", text);
    free(text);
    return SLK_OK;
}

static slk_err_t with_config(slk_app_t *app, const slk_args_t *args, bool read, bool print)
{
    slk_err_t err = SLK_OK;
    char path[PATH_MAX];
    slk_manager_config_t *config = calloc(1, sizeof *config);
    if (!config)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    if (read) {
        SLK_TRY(config_file(path, app, args));
        SLK_TRY(slk_config_load(config, path, &app->diag));
    } else {
        slk_config_defaults(config);
    }
    if (print && !args->opt[SLK_OPT_JSON].given) {
        /* Nothing but the text, so that it can be written to a file. */
        char *text = slk_config_text(config);
        fputs(text ? text : "", stdout);
        free(text);
    } else if (print) {
        SLK_TRY(show(app, config));
    } else {
        slk_result_text(app, "file", path);
        slk_result_num(app, "miners", config->miner_cnt);
        slk_result_json(app, "ok", json_true());
    }
out:
    free(config);
    return err;
}

static slk_err_t run_default(slk_app_t *app, const slk_args_t *args)
{
    return with_config(app, args, false, true);
}

static slk_err_t run_check(slk_app_t *app, const slk_args_t *args)
{
    return with_config(app, args, true, false);
}

static slk_err_t run_show(slk_app_t *app, const slk_args_t *args)
{
    return with_config(app, args, true, true);
}

/* --- Tables ---------------------------------------------------------------------------------------- */

static const slk_opt_use_t opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t default_opts[] = {
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define FILE_WORD                                                                                  \
    {                                                                                              \
        "FILE", "instead of manager/config.toml of the repo", SLK_ARG_FILE, NULL, 0, 1             \
    }

const slk_command_t slk_config_commands[] = {
    {.noun = "config",
     .verb = "default",
     .summary = "print the manager's configuration with every key and its meaning",
     .opts = default_opts,
     .opt_cnt = SLK_COUNT(default_opts),
     .json = "config: the file's text",
     .examples = "config default",
     .run = run_default},
    {.noun = "config",
     .verb = "check",
     .summary = "is a configuration right?",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .words = FILE_WORD,
     .json = "file: that was read\nminers: how many it has\nok: true",
     .examples = "config check\nconfig check /tmp/new.toml",
     .run = run_check},
    {.noun = "config",
     .verb = "show",
     .summary = "print a configuration with what it leaves at the default",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .words = FILE_WORD,
     .json = "config: the file's text",
     .examples = "config show",
     .run = run_show},
    {0},
};
