#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/show.h"

#include "base/assert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The manager's answer becomes the command's. */
static slk_err_t ask(slk_app_t *app, const slk_args_t *args, const char *method, json_t *params)
{
    return slk_manager_call(app, args, method, params, &app->result);
}

static json_t *miner_param(const slk_args_t *args)
{
    const slk_value_t *miner = &args->opt[SLK_OPT_MINER];
    return miner->given ? json_integer((json_int_t)miner->num) : json_null();
}

static slk_err_t sector_number(slk_app_t *app, const slk_args_t *args, json_t **number)
{
    slk_value_t value;
    if (!slk_value_parse(&value, SLK_ARG_NUMBER, NULL, args->words[0]) || value.num > INT64_MAX)
        return slk_app_usage(app, "expected a sector number, found %.60s", args->words[0]);
    *number = json_integer((json_int_t)value.num);
    return SLK_OK;
}

/* method(number, miner) */
static slk_err_t ask_of_one(slk_app_t *app, const slk_args_t *args, const char *method)
{
    json_t *number = NULL;
    slk_err_t err = sector_number(app, args, &number);
    return err == SLK_OK ? ask(app, args, method, json_pack("[o, o]", number, miner_param(args)))
                         : err;
}

static slk_err_t really(slk_app_t *app, const slk_args_t *args, const char *what)
{
    if (args->opt[SLK_OPT_REALLY].given)
        return SLK_OK;
    return slk_app_usage(app, "this %s; say --really-do-it if that is meant", what);
}

static slk_err_t run_pledge(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.SectorsPledge",
               json_pack("[I, o]", (json_int_t)args->opt[SLK_OPT_COUNT].num, miner_param(args)));
}

static json_t *words_of(const char *text)
{
    json_t *list = json_array();
    while (text && *text) {
        size_t len = strcspn(text, ",");
        json_array_append_new(list, json_stringn(text, len));
        text += len + (text[len] == ',');
    }
    return list;
}

static slk_err_t run_list(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.SectorsList",
               json_pack("[{s:o, s:o}]", "States", words_of(args->opt[SLK_OPT_STATES].text),
                         "Miner", miner_param(args)));
}

static slk_err_t run_status(slk_app_t *app, const slk_args_t *args)
{
    json_t *number = NULL;
    slk_err_t err = sector_number(app, args, &number);
    return err == SLK_OK ? ask(app, args, "Selkie.SectorsStatus",
                               json_pack("[o, o, b]", number, miner_param(args),
                                         args->opt[SLK_OPT_LOG].given))
                         : err;
}

static slk_err_t run_add_piece(slk_app_t *app, const slk_args_t *args)
{
    char path[PATH_MAX];
    const char *source = args->words[0];
    const slk_value_t *padded = &args->opt[SLK_OPT_PIECE_SIZE];
    if (!strstr(source, "://")) {
        if (!realpath(source, path))
            return slk_fail_errno(&app->diag, "find", source);
        source = path;
    }
    return ask(app, args, "Selkie.SectorsAddPiece",
               json_pack("[{s:s, s:I, s:b, s:o}]", "Source", source, "Size",
                         (json_int_t)padded->num, "KeepUnsealed",
                         args->opt[SLK_OPT_KEEP_UNSEALED].given, "Miner", miner_param(args)));
}

static slk_err_t run_seal(slk_app_t *app, const slk_args_t *args)
{
    return ask_of_one(app, args, "Selkie.SectorsSeal");
}

static slk_err_t run_update_state(slk_app_t *app, const slk_args_t *args)
{
    json_t *number = NULL;
    slk_err_t err = really(
        app, args, "puts a sector into a state without any check of whether it belongs there");
    if (err == SLK_OK)
        err = sector_number(app, args, &number);
    return err == SLK_OK ? ask(app, args, "Selkie.SectorsUpdateState",
                               json_pack("[o, o, s]", number, miner_param(args), args->words[1]))
                         : err;
}

static slk_err_t run_remove(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err = really(app, args, "removes a sector and all its files");
    return err == SLK_OK ? ask_of_one(app, args, "Selkie.SectorsRemove") : err;
}

static slk_err_t run_terminate(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err = really(app, args, "terminates a sector on chain, which costs a fee");
    return err == SLK_OK ? ask_of_one(app, args, "Selkie.SectorsTerminate") : err;
}

static slk_err_t run_numbers(slk_app_t *app, const slk_args_t *args)
{
    static const char *const verbs[] = {"info", "reserve", "free"};
    const size_t words[] = {0, 2, 1};
    const char *verb = args->word_cnt ? args->words[0] : "info";
    size_t i = 0;
    while (i < SLK_COUNT(verbs) && strcmp(verb, verbs[i]) != 0)
        i++;
    if (i == SLK_COUNT(verbs) || (args->word_cnt ? args->word_cnt - 1 : 0) != words[i])
        return slk_app_usage(app, "expected info, reserve NAME COUNT, or free NAME");
    slk_value_t count = {0};
    if (i == 1 && !slk_value_parse(&count, SLK_ARG_NUMBER, NULL, args->words[2]))
        return slk_app_usage(app, "expected how many numbers, found %.60s", args->words[2]);
    json_t *params = json_pack("[s, s, I, o]", verb, args->word_cnt > 1 ? args->words[1] : "",
                               (json_int_t)count.num, miner_param(args));
    return ask(app, args, "Selkie.SectorsNumbers", params);
}

static slk_err_t run_batching(slk_app_t *app, const slk_args_t *args)
{
    const char *flush = args->opt[SLK_OPT_FLUSH].text;
    return ask(app, args, "Selkie.Batching",
               json_pack("[s, o]", flush ? flush : "", miner_param(args)));
}

/* --- Tables ---------------------------------------------------------------------------------------- */

#define TO_MANAGER                                                                                 \
    {SLK_OPT_MINER, SLK_OPTIONAL, NULL, "of several miners, this one"},                            \
        {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},                                                  \
        {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},          \
    {                                                                                              \
        SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL                                                     \
    }

static const slk_opt_use_t pledge_opts[] = {{SLK_OPT_COUNT, SLK_OPTIONAL, "1", NULL}, TO_MANAGER};
static const slk_opt_use_t list_opts[] = {{SLK_OPT_STATES, SLK_OPTIONAL, NULL, NULL}, TO_MANAGER};
static const slk_opt_use_t status_opts[] = {{SLK_OPT_LOG, SLK_OPTIONAL, NULL, NULL}, TO_MANAGER};
static const slk_opt_use_t piece_opts[] = {
    {SLK_OPT_PIECE_SIZE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_KEEP_UNSEALED, SLK_OPTIONAL, NULL, "keep the unsealed file when the sector is proven"},
    TO_MANAGER};
static const slk_opt_use_t plain_opts[] = {TO_MANAGER};
static const slk_opt_use_t really_opts[] = {{SLK_OPT_REALLY, SLK_OPTIONAL, NULL, "yes, I mean it"},
                                            TO_MANAGER};
static const slk_opt_use_t batch_opts[] = {{SLK_OPT_FLUSH, SLK_OPTIONAL, NULL, NULL}, TO_MANAGER};

#define SECTOR_WORD                                                                                \
    {                                                                                              \
        "SECTOR", "its number", SLK_ARG_TEXT, NULL, 1, 1                                           \
    }

const slk_command_t slk_sectors_commands[] = {
    {.noun = "sectors",
     .verb = "pledge",
     .summary = "seal committed capacity",
     .details = "New sectors of zeros, which the manager takes all the way to Proving. The setting "
                "Autopledge pledges without being asked.",
     .opts = pledge_opts,
     .opt_cnt = SLK_COUNT(pledge_opts),
     .json = "sectors: their numbers\n"
             "miner: id",
     .examples = "sectors pledge\nsectors pledge --count 10 --miner f01000",
     .run = run_pledge,
     .show = slk_show_pledged},
    {.noun = "sectors",
     .verb = "add-piece",
     .summary = "put a file's data into a sector",
     .details =
         "The file, on the manager's machine, is copied into its piece store, or an address that "
         "begins with http:// or https:// is read into it. The piece goes into a sector that still "
         "takes pieces, or into a new one, which is sealed when it is full, when the delay is "
         "over, or at `sectors seal`.",
     .opts = piece_opts,
     .opt_cnt = SLK_COUNT(piece_opts),
     .words = {"SOURCE", "file or URL", SLK_ARG_FILE, NULL, 1, 1},
     .json = "sector: that it goes into\n"
             "miner: id\n"
             "piece_cid: its commitment\n"
             "piece_size: padded\n"
             "raw_size: bytes of data",
     .examples = "sectors add-piece /data/holiday.tar",
     .run = run_add_piece},
    {.noun = "sectors",
     .verb = "seal",
     .summary = "seal a sector now that waits for more pieces",
     .opts = plain_opts,
     .opt_cnt = SLK_COUNT(plain_opts),
     .words = SECTOR_WORD,
     .json = "sector: its number\nstate: that it is in",
     .examples = "sectors seal 5",
     .run = run_seal},
    {.noun = "sectors",
     .verb = "list",
     .summary = "all sectors, their states and what they wait for",
     .opts = list_opts,
     .opt_cnt = SLK_COUNT(list_opts),
     .json = "sector: its number\n"
             "miner: id\n"
             "state: by Lotus' name\n"
             "on_chain: whether the chain knows it, or null without a node\n"
             "active: whether it has power, which its first window proof gives it\n"
             "expiration: epoch, or null\n"
             "deals: pieces with data\n"
             "comm_r: or null\n"
             "waiting_for: a sentence\n"
             "eta_seconds: until it is Proving, or null where that was never measured",
     .examples = "sectors list\nsectors list --states Proving --json",
     .run = run_list,
     .show = slk_show_sectors},
    {.noun = "sectors",
     .verb = "status",
     .summary = "all that is known of a sector",
     .opts = status_opts,
     .opt_cnt = SLK_COUNT(status_opts),
     .words = SECTOR_WORD,
     .json = "sector: its number\n"
             "miner: id\n"
             "state: by Lotus' name\n"
             "what: goes on in that state\n"
             "ticket: {value, epoch} or null\n"
             "seed: {value, epoch} or null\n"
             "comm_d: or null\n"
             "comm_r: or null\n"
             "precommit_message: CID or null\n"
             "commit_message: CID or null\n"
             "proof: hex or null\n"
             "pieces: [{cid, size, data, written}]\n"
             "files: as `store find` has them\n"
             "deadline: or null\n"
             "partition: or null\n"
             "retries: failed steps so far\n"
             "last_error: or null\n"
             "waiting_for: a sentence\n"
             "eta_seconds: or null\n"
             "log: with --log, [{time, kind, event, from, to, detail}]",
     .examples = "sectors status 5\nsectors status --log 5",
     .run = run_status,
     .show = slk_show_sector},
    {.noun = "sectors",
     .verb = "update-state",
     .summary = "put a sector into another state",
     .details = "For what went wrong in a way that the machine knows no way out of. The states are "
                "those of "
                "`sectors list`; what the sector has to do in the new state begins at once.",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = {"SECTOR STATE", "its number, and a state's name", SLK_ARG_TEXT, NULL, 2, 2},
     .json = "sector: its number\nstate: that it is in",
     .examples = "sectors update-state --really-do-it 5 PreCommit1",
     .run = run_update_state},
    {.noun = "sectors",
     .verb = "remove",
     .summary = "give a sector up and remove its files",
     .details =
         "The files go to the trash of their paths first. A sector that is on chain should be "
         "terminated instead, or it becomes faulty.",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = SECTOR_WORD,
     .json = "sector: its number\nstate: that it is in",
     .examples = "sectors remove --really-do-it 5",
     .run = run_remove},
    {.noun = "sectors",
     .verb = "terminate",
     .summary = "end a sector on chain before its time",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = SECTOR_WORD,
     .json = "sector: its number\nstate: that it is in",
     .examples = "sectors terminate --really-do-it 5",
     .run = run_terminate},
    {.noun = "sectors",
     .verb = "numbers",
     .summary = "which sector numbers are used, and reserve some",
     .details =
         "Numbers are given without gaps. Reserved ones are left out, for sectors that come from "
         "another program: reserve NAME COUNT, free NAME.",
     .opts = plain_opts,
     .opt_cnt = SLK_COUNT(plain_opts),
     .words = {"WHAT", "info, reserve NAME COUNT, or free NAME", SLK_ARG_TEXT, NULL, 0, 3},
     .json = "next: the number that comes next\n"
             "allocated: ranges given out, [first, last]\n"
             "in_use: the same with the chain's and the reserved\n"
             "reserved: {name: ranges}",
     .examples = "sectors numbers\nsectors numbers reserve import 100",
     .run = run_numbers,
     .show = slk_show_numbers},
    {.noun = "sectors",
     .verb = "batching",
     .summary = "what waits to be sent in one message",
     .opts = batch_opts,
     .opt_cnt = SLK_COUNT(batch_opts),
     .json = "kind: precommit, commit or terminate\n"
             "miner: id\n"
             "sectors: numbers\n"
             "why: when they are sent, a sentence",
     .examples = "sectors batching\nsectors batching --flush precommit",
     .run = run_batching,
     .show = slk_show_batches},
    {0},
};
