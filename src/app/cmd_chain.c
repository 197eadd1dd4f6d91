#include "app/app.h"
#include "app/node_calls.h"
#include "app/node_use.h"
#include "app/nouns.h"

#include "base/assert.h"

static slk_err_t run_head(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    slk_err_t err = slk_node_use(&use, app, args);
    return err == SLK_OK ? slk_node_chain_head(&use, &app->result, &app->diag) : err;
}

static slk_err_t run_sync(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    bool synced = false;
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_chain_sync(&use, &synced, &app->result, &app->diag);
    app->answer_no = err == SLK_OK && !synced;
    return err;
}

static slk_err_t run_get(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_chain_get(&use, args->words[0], &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_actor(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_chain_actor(&use, args->words[0], &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static const slk_opt_use_t node_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_chain_commands[] = {
    {.noun = "chain",
     .verb = "head",
     .summary = "show the head of the chain",
     .details = "Of several nodes the one that answers and is not behind the others is asked.",
     .opts = node_opts,
     .opt_cnt = SLK_COUNT(node_opts),
     .json = "network: the network's name\n"
             "node: which node answered\n"
             "height: epoch of the head\n"
             "tipset: CIDs of its blocks\n"
             "miners: who made them\n"
             "timestamp: seconds since 1970\n"
             "base_fee: attoFIL a unit of gas\n"
             "age_seconds: how long ago that was",
     .examples = "chain head\nchain head --api-info /ip4/127.0.0.1/tcp/1234/http --json",
     .run = run_head},
    {.noun = "chain",
     .verb = "sync",
     .summary = "is the node at the head of its network?",
     .details = "Status 1 when its head is more than five epochs old.",
     .opts = node_opts,
     .opt_cnt = SLK_COUNT(node_opts),
     .json = "network: the network's name\n"
             "node: which node answered\n"
             "height: epoch of the head\n"
             "tipset: CIDs of its blocks\n"
             "miners: who made them\n"
             "timestamp: seconds since 1970\n"
             "base_fee: attoFIL a unit of gas\n"
             "age_seconds: how long ago that was\n"
             "synced: whether the head is fresh\n"
             "epochs_behind: epochs since the head, by the clock\n"
             "syncs: what the node fetches: stage, height, target",
     .examples = "chain sync",
     .run = run_sync},
    {.noun = "chain",
     .verb = "get",
     .summary = "show a tipset, a block or a message",
     .details = "In the form in which the node's API shows it.",
     .opts = node_opts,
     .opt_cnt = SLK_COUNT(node_opts),
     .words = {"WHAT", "an epoch (an empty one gives the tipset before it), or a CID", SLK_ARG_TEXT,
               NULL, 1, 1},
     .json = "Height: and other fields, as the node names them",
     .examples = "chain get 4210000\nchain get bafy2bzace...",
     .run = run_get},
    {.noun = "chain",
     .verb = "actor",
     .summary = "show an actor: id, balance, nonce",
     .opts = node_opts,
     .opt_cnt = SLK_COUNT(node_opts),
     .words = {"ADDRESS", "f01000, f3..., with f or t", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "address: as asked for\n"
             "id: its ID address\n"
             "balance: in FIL\n"
             "balance_atto: the same in attoFIL\n"
             "nonce: messages it has sent\n"
             "code: what kind of actor it is\n"
             "head: its state",
     .examples = "chain actor f01000",
     .run = run_actor},
    {0},
};
