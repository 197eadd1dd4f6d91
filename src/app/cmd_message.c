#include "app/app.h"
#include "app/node_calls.h"
#include "app/node_use.h"
#include "app/nouns.h"

#include "base/assert.h"

static slk_err_t run_pending(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    const char *store = args->opt[SLK_OPT_STORE].text;
    if (store)
        return slk_store_message_pending(store, &app->result, &app->diag);
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err =
            slk_node_message_pending(&use, args->opt[SLK_OPT_FROM].text, &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_replace(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    const char *store = args->opt[SLK_OPT_STORE].text, *fee = args->opt[SLK_OPT_MAX_FEE].text;
    slk_err_t err = SLK_OK;
    if (store) {
        err = slk_store_message_replace(store, args->words[0], fee, &app->result, &app->diag);
        return slk_node_usage(app, err);
    }
    err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_message_replace(&use, args->words[0], fee, &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_wait(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    const slk_value_t *timeout = &args->opt[SLK_OPT_TIMEOUT];
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_message_wait(&use, args->words[0], args->opt[SLK_OPT_CONFIDENCE].num,
                                    timeout->text ? timeout->seconds : 0, &app->result, &app->diag);
    if (err == SLK_OK)
        app->answer_no = json_integer_value(json_object_get(app->result, "exit_code")) != 0;
    return slk_node_usage(app, err);
}

static slk_err_t run_search(slk_app_t *app, const slk_args_t *args)
{
    slk_node_use_t use;
    bool found = false;
    slk_err_t err = slk_node_use(&use, app, args);
    if (err == SLK_OK)
        err = slk_node_message_search(&use, args->words[0], &found, &app->result, &app->diag);
    app->answer_no = err == SLK_OK && !found;
    return slk_node_usage(app, err);
}

static const slk_opt_use_t pending_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_FROM, SLK_OPTIONAL, NULL, "only messages of this sender"},
    {SLK_OPT_STORE, SLK_OPTIONAL, NULL,
     "show the unfinished messages of this database instead of the node's pool"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t replace_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_MAX_FEE, SLK_OPTIONAL, NULL,
     "most that the message may cost; by default 0.07 FIL, with --store what it had"},
    {SLK_OPT_STORE, SLK_OPTIONAL, NULL,
     "let the sender that works on this database do it, instead of the node's wallet"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t wait_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_CONFIDENCE, SLK_OPTIONAL, "5", NULL},
    {SLK_OPT_TIMEOUT, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t search_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define LOOKUP_FIELDS                                                                              \
    "found: whether it is on chain; without, the other fields are missing\n"                       \
    "cid: what landed, which may be a version with another fee\n"                                  \
    "replaced: whether that is another CID than asked for\n"                                       \
    "height: epoch of the tipset that carries the receipt\n"                                       \
    "tipset: CIDs of that tipset's blocks\n"                                                       \
    "exit_code: 0 is success\n"                                                                    \
    "gas_used: units of gas\n"                                                                     \
    "return: what the method returned, hex"

const slk_command_t slk_message_commands[] = {
    {.noun = "message",
     .verb = "pending",
     .summary = "list messages that are not on chain yet",
     .opts = pending_opts,
     .opt_cnt = SLK_COUNT(pending_opts),
     .json = "cid: of the message\n"
             "from: sender\n"
             "nonce: its number among the sender's messages\n"
             "to: receiver\n"
             "method: number of the method\n"
             "value: attoFIL\n"
             "gas_limit: units of gas\n"
             "fee_cap: most it pays a unit, attoFIL\n"
             "premium: what the block's maker gets of that",
     .examples = "message pending --from f3...\nmessage pending --store manager.db",
     .run = run_pending},
    {.noun = "message",
     .verb = "replace",
     .summary = "send a stuck message again with a higher fee",
     .details = "Same sender, nonce, receiver and content; the premium rises by a quarter at "
                "least. Whichever of the two lands, it is executed once.",
     .opts = replace_opts,
     .opt_cnt = SLK_COUNT(replace_opts),
     .words = {"CID", "of the message; with --store also the name that selkie gave it",
               SLK_ARG_TEXT, NULL, 1, 1},
     .json = "cid: of the new message\n"
             "replaces: the CID that was given\n"
             "premium: the new one, attoFIL a unit of gas",
     .examples = "message replace --max-fee 0.5 bafy2bzace...",
     .run = run_replace},
    {.noun = "message",
     .verb = "wait",
     .summary = "wait until a message is on chain and deep enough",
     .details = "Status 1 when it was executed with another exit code than 0. A node that goes "
                "away for up to 15 minutes and reorganisations of the chain are waited out.",
     .opts = wait_opts,
     .opt_cnt = SLK_COUNT(wait_opts),
     .words = {"CID", "of the message", SLK_ARG_TEXT, NULL, 1, 1},
     .json = LOOKUP_FIELDS,
     .examples = "message wait --confidence 10 bafy2bzace...",
     .run = run_wait},
    {.noun = "message",
     .verb = "search",
     .summary = "look whether a message is on chain",
     .details = "Status 1 when it is not. A message that was replaced by the same call with "
                "another fee is found as that.",
     .opts = search_opts,
     .opt_cnt = SLK_COUNT(search_opts),
     .words = {"CID", "of the message", SLK_ARG_TEXT, NULL, 1, 1},
     .json = LOOKUP_FIELDS,
     .examples = "message search bafy2bzace...",
     .run = run_search},
    {0},
};
