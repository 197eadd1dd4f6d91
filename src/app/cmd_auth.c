#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/repo.h"
#include "app/show.h"

#include "base/assert.h"

#include <limits.h>
#include <string.h>

/* A token of the right and name that the options say. */
static slk_err_t make_token(slk_app_t *app, const slk_args_t *args, json_t **made)
{
    const char *name = args->opt[SLK_OPT_NAME].text, *right = args->opt[SLK_OPT_PERM].text;
    return slk_manager_call(app, args, "Selkie.TokenNew",
                            json_pack("[s, s]", name ? name : right, right), made);
}

static slk_err_t run_create(slk_app_t *app, const slk_args_t *args)
{
    return make_token(app, args, &app->result);
}

static slk_err_t run_list(slk_app_t *app, const slk_args_t *args)
{
    return slk_manager_call(app, args, "Selkie.TokenList", NULL, &app->result);
}

static slk_err_t run_revoke(slk_app_t *app, const slk_args_t *args)
{
    return slk_manager_call(app, args, "Selkie.TokenRevoke", json_pack("[s]", args->words[0]),
                            &app->result);
}

static slk_err_t run_api_info(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX], info[8192], line[8300];
    json_t *made = NULL;
    SLK_TRY(slk_repo_dir(dir, sizeof dir, args->opt[SLK_OPT_REPO].text, "manager", &app->diag));
    SLK_TRY(slk_manager_info(info, sizeof info, dir, &app->diag));
    SLK_TRY(make_token(app, args, &made));
    const char *address = strchr(info, ':');
    SLK_ASSERT(address);
    snprintf(line, sizeof line, "%s%s", json_string_value(json_object_get(made, "token")), address);
    slk_result_text(app, "MINER_API_INFO", line);
out:
    json_decref(made);
    explicit_bzero(info, sizeof info);
    explicit_bzero(line, sizeof line);
    return err;
}

/* --- Tables ---------------------------------------------------------------------------------------- */

#define TO_MANAGER                                                                                 \
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},                                                      \
        {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},          \
    {                                                                                              \
        SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL                                                     \
    }

static const slk_opt_use_t make_opts[] = {
    {SLK_OPT_PERM, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_NAME, SLK_OPTIONAL, NULL, NULL}, TO_MANAGER};
static const slk_opt_use_t info_opts[] = {{SLK_OPT_PERM, SLK_OPTIONAL, "admin", NULL},
                                          {SLK_OPT_NAME, SLK_OPTIONAL, NULL, NULL},
                                          TO_MANAGER};
static const slk_opt_use_t plain_opts[] = {TO_MANAGER};

const slk_command_t slk_auth_commands[] = {
    {.noun = "auth",
     .verb = "create-token",
     .summary = "make a token for the manager's API",
     .details =
         "A right includes those before it: read, write, sign, admin. The right worker includes "
         "nothing else: with it a program can take jobs and report them. The token is shown once "
         "and kept nowhere.",
     .opts = make_opts,
     .opt_cnt = SLK_COUNT(make_opts),
     .json = "token: a secret\nid: that revokes it",
     .examples = "auth create-token --perm worker --name rack3",
     .run = run_create},
    {.noun = "auth",
     .verb = "api-info",
     .summary = "what other programs need to reach the manager",
     .opts = info_opts,
     .opt_cnt = SLK_COUNT(info_opts),
     .json = "MINER_API_INFO: TOKEN:ADDRESS, with a new token",
     .examples = "auth api-info\nauth api-info --perm worker",
     .run = run_api_info,
     .show = slk_show_api_info},
    {.noun = "auth",
     .verb = "list",
     .summary = "the tokens that were made",
     .opts = plain_opts,
     .opt_cnt = SLK_COUNT(plain_opts),
     .json = "ID: that revokes it\n"
             "Name: as it was given\n"
             "Allow: rights\n"
             "Created: ms since 1970\n"
             "Revoked: the same, or null",
     .examples = "auth list",
     .run = run_list,
     .show = slk_show_tokens},
    {.noun = "auth",
     .verb = "revoke",
     .summary = "refuse a token from now on",
     .opts = plain_opts,
     .opt_cnt = SLK_COUNT(plain_opts),
     .words = {"ID", "of the token, as auth list shows it", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "revoked: the id",
     .examples = "auth revoke 4a1f09c2",
     .run = run_revoke},
    {0},
};
