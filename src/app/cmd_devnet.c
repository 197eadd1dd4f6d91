#include "app/app.h"
#include "app/devnet_run.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/repo.h"

#include "base/assert.h"
#include "devnet/api/control.h"
#include "net/api_info.h"
#include "net/jsonrpc_client.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL_MS 0 /* mining takes as long as it takes */
#define ASK_MS  5000
#define LOOK_MS 200

/* --- The folder --------------------------------------------------------------------------------------------- */

static slk_err_t devnet_dir(char *out, size_t cap, slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err = slk_repo_dir(out, cap, args->opt[SLK_OPT_REPO].text, "devnet", &app->diag);
    return err == SLK_ERR_INPUT ? slk_app_usage(app, "which folder? Give --repo or set SELKIE_PATH")
                                : err;
}

/* --- run ---------------------------------------------------------------------------------------------------- */

/* "1s", "250ms", "0.5". */
static bool parse_duration(const char *text, uint32_t *ms)
{
    char *end;
    const double value = strtod(text, &end);
    const double unit = !strcmp(end, "ms") ? 1 : !strcmp(end, "s") || !*end ? 1000 : 0;
    if (end == text || !unit || !(value * unit >= 1 && value * unit <= 3600e3))
        return false;
    *ms = (uint32_t)llround(value * unit);
    return true;
}

/* "4x10": deadlines and epochs of a window. */
static bool parse_period(const char *text, uint32_t *deadlines, int64_t *window)
{
    char *end;
    const unsigned long many = strtoul(text, &end, 10);
    if (end == text || *end != 'x')
        return false;
    text = end + 1;
    const unsigned long epochs = strtoul(text, &end, 10);
    if (end == text || *end || many < 3 || many > 48 || epochs < 4 || epochs > 60)
        return false;
    *deadlines = (uint32_t)many;
    *window = (int64_t)epochs;
    return true;
}

static slk_err_t read_options(slk_devnet_run_t *run, char *host, size_t host_cap, slk_app_t *app,
                              const slk_args_t *args)
{
    const char *block_time = args->opt[SLK_OPT_BLOCK_TIME].text;
    const char *listen_on = args->opt[SLK_OPT_LISTEN].text;
    const char *period = args->opt[SLK_OPT_PROVING_PERIOD].text;
    const slk_value_t *threads = &args->opt[SLK_OPT_THREADS];
    const uint64_t nulls = args->opt[SLK_OPT_NULL_ROUNDS].num;
    if (nulls > 99)
        return slk_app_usage(app, "--null-rounds: expected 0 to 99, found %" PRIu64, nulls);
    *run = (slk_devnet_run_t){.address = host,
                              .seed = args->opt[SLK_OPT_DEVNET_SEED].num,
                              .genesis_time = args->opt[SLK_OPT_GENESIS_TIME].num,
                              .null_percent = (unsigned)nulls,
                              .sector_size = args->opt[SLK_OPT_SIZE].size->bytes,
                              .optimistic = args->opt[SLK_OPT_OPTIMISTIC].given,
                              .paused = args->opt[SLK_OPT_PAUSED].given,
                              .threads = threads->given ? (unsigned)threads->num : 0};
    if (!parse_duration(block_time, &run->block_ms))
        return slk_app_usage(app, "--block-time: expected a time as 1s or 250ms, found %.60s",
                             block_time);
    if (!slk_listen_parse(listen_on, host, host_cap, &run->port))
        return slk_app_usage(app, "--listen: expected ADDRESS:PORT, found %.60s", listen_on);
    if (!*host)
        run->address = NULL;
    if (period && !parse_period(period, &run->deadlines, &run->window))
        return slk_app_usage(app,
                             "--proving-period: expected 3 to 48 deadlines and 4 to 60 epochs a "
                             "window, as 4x10, found %.60s",
                             period);
    return SLK_OK;
}

static slk_err_t run_run(slk_app_t *app, const slk_args_t *args)
{
    char dir[4096], host[64];
    slk_devnet_run_t run;
    slk_err_t err = read_options(&run, host, sizeof host, app, args);
    if (err == SLK_OK)
        err = devnet_dir(dir, sizeof dir, app, args);
    if (err == SLK_OK)
        err = slk_app_job(app, args, NULL);
    if (err != SLK_OK)
        return err;
    run.dir = dir;
    return slk_devnet_run(&run, &app->job, &app->diag);
}

/* --- Those that speak with a running one ---------------------------------------------------------------------- */

/* --api-info, else token and api of the folder, else FULLNODE_API_INFO. */
static slk_err_t find_node(slk_api_info_t *info, slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_api_info_t list[SLK_API_INFO_MAX];
    char dir[4096], text[8192];
    slk_diag_t ignored;
    size_t cnt = 0;
    const char *named = args->opt[SLK_OPT_API_INFO].text;
    SLK_TRY(devnet_dir(dir, sizeof dir, app, args));
    if (!named && slk_manager_info(text, sizeof text, dir, &ignored) == SLK_OK)
        named = text;
    if (!named && (!(named = getenv("FULLNODE_API_INFO")) || !*named)) {
        err = slk_fail(&app->diag, SLK_ERR_NOTFOUND,
                       "no development network runs in %s; start it with `selkie devnet run`, "
                       "or name it with --api-info",
                       dir);
        goto out;
    }
    SLK_TRY(slk_api_info_parse(list, &cnt, named, &app->diag));
    *info = list[0];
out:
    return err;
}

/* Call a method; the result becomes the command's, a value that is no object under `name`. Takes params. */
static slk_err_t call_at(slk_app_t *app, const slk_api_info_t *info, const char *method,
                         json_t *params, const char *name)
{
    slk_err_t err;
    char url[SLK_API_URL_MAX];
    slk_rpc_answer_t answer = {0};
    slk_http_client_t *client = NULL;
    char *text = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    SLK_TRY(slk_http_client_new(&client, &(slk_http_client_opts_t){0}, &app->diag));
    slk_api_info_url(url, info, false, "v1");
    SLK_TRY(slk_rpc_http(client,
                         &(slk_rpc_http_call_t){.url = url,
                                                .token = *info->token ? info->token : NULL,
                                                .method = method,
                                                .params = text,
                                                .total_ms = CALL_MS,
                                                .job = &app->job},
                         &answer, &app->diag));
    SLK_TRY(slk_rpc_answer_check(&answer, method, &app->diag));
    if (json_is_object(answer.result))
        app->result = json_incref(answer.result);
    else if (json_is_null(answer.result))
        slk_result_json(app, "done", json_true());
    else
        slk_result_json(app, name, json_incref(answer.result));
out:
    slk_rpc_answer_free(&answer);
    slk_http_client_free(client);
    free(text);
    return err;
}

static slk_err_t call(slk_app_t *app, const slk_args_t *args, const char *method, json_t *params,
                      const char *name)
{
    slk_api_info_t info;
    slk_err_t err = find_node(&info, app, args);
    if (err == SLK_OK)
        err = slk_app_job(app, args, NULL);
    if (err == SLK_OK)
        return call_at(app, &info, method, params, name);
    json_decref(params);
    return err;
}

/* --- mine ---------------------------------------------------------------------------------------------------------- */

/* Asks how far it is while the call that mines has no answer yet. */
typedef struct {
    const slk_api_info_t *info;
    slk_progress_t *progress;
    uint64_t seen; /* epochs */
    atomic_bool end;
} watch_t;

static void saw(watch_t *watch, uint64_t mined)
{
    if (mined > watch->seen)
        slk_progress_add(watch->progress, mined - watch->seen);
    watch->seen = mined;
}

static void look(watch_t *watch, slk_http_client_t *client)
{
    char url[SLK_API_URL_MAX];
    slk_rpc_answer_t answer;
    slk_diag_t unused;
    slk_api_info_url(url, watch->info, false, "v1");
    const slk_rpc_http_call_t ask = {.url = url,
                                     .token = *watch->info->token ? watch->info->token : NULL,
                                     .method = SLK_CONTROL "Status",
                                     .params = "[]",
                                     .total_ms = ASK_MS};
    if (slk_rpc_http(client, &ask, &answer, &unused) == SLK_OK) {
        const json_int_t mined = json_integer_value(json_object_get(answer.result, "mined"));
        if (mined > 0)
            saw(watch, (uint64_t)mined);
    }
    slk_rpc_answer_free(&answer);
}

static void *watch_mining(void *ctx)
{
    watch_t *watch = ctx;
    slk_http_client_t *client;
    slk_diag_t unused;
    if (slk_http_client_new(&client, &(slk_http_client_opts_t){0}, &unused) != SLK_OK)
        return NULL;
    while (!atomic_load(&watch->end)) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        if (!atomic_load(&watch->end))
            look(watch, client);
    }
    slk_http_client_free(client);
    return NULL;
}

static bool parse_count(const char *text, uint64_t *n)
{
    char *end;
    *n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *n <= INT32_MAX;
}

static slk_err_t one_number(slk_app_t *app, const slk_args_t *args, uint64_t *n)
{
    if (!parse_count(args->words[0], n))
        return slk_app_usage(app, "expected a number of epochs, found %.60s", args->words[0]);
    return SLK_OK;
}

static slk_err_t run_mine(slk_app_t *app, const slk_args_t *args)
{
    uint64_t n;
    pthread_t thread;
    slk_api_info_t info;
    slk_err_t err = one_number(app, args, &n);
    if (err == SLK_OK)
        err = find_node(&info, app, args);
    if (err == SLK_OK)
        err = slk_app_job(app, args, "what was mined stays");
    if (err != SLK_OK)
        return err;
    watch_t watch = {.info = &info, .progress = app->job.progress};
    slk_progress_begin(watch.progress, "mine", "epochs", n, 0);
    const bool watched = watch.progress && pthread_create(&thread, NULL, watch_mining, &watch) == 0;
    err = call_at(app, &info, SLK_CONTROL "Mine", json_pack("[I]", (json_int_t)n), "height");
    atomic_store(&watch.end, true);
    if (watched)
        pthread_join(thread, NULL);
    if (err == SLK_OK)
        saw(&watch, n);
    slk_progress_end(watch.progress);
    return err;
}

static slk_err_t run_reorg(slk_app_t *app, const slk_args_t *args)
{
    uint64_t n;
    slk_err_t err = one_number(app, args, &n);
    return err == SLK_OK
               ? call(app, args, SLK_CONTROL "Reorg",
                      json_pack("[I, s]", (json_int_t)n, args->opt[SLK_OPT_REORG_MESSAGES].text),
                      "height")
               : err;
}

static slk_err_t run_pause(slk_app_t *app, const slk_args_t *args)
{
    return call(app, args, SLK_CONTROL "Pause", json_array(), "done");
}

static slk_err_t run_resume(slk_app_t *app, const slk_args_t *args)
{
    return call(app, args, SLK_CONTROL "Resume", json_array(), "done");
}

static slk_err_t run_status(slk_app_t *app, const slk_args_t *args)
{
    return call(app, args, SLK_CONTROL "Status", json_array(), "status");
}

static const struct {
    const char *word, *method;
    size_t numbers;
} faults[] = {
    {"down", SLK_CONTROL "Down", 1},       {"slow", SLK_CONTROL "Slow", 2},
    {"lose", SLK_CONTROL "Lose", 1},       {"fail", SLK_CONTROL "Fail", 1},
    {"null", SLK_CONTROL "NullRounds", 1}, {"rewind", SLK_CONTROL "Rewind", 1},
};

static slk_err_t run_fault(slk_app_t *app, const slk_args_t *args)
{
    for (size_t i = 0; i < SLK_COUNT(faults); i++) {
        if (strcmp(args->words[0], faults[i].word))
            continue;
        if (args->word_cnt != faults[i].numbers + 1)
            return slk_app_usage(app, "%s wants %zu number%s", faults[i].word, faults[i].numbers,
                                 faults[i].numbers == 1 ? "" : "s");
        json_t *params = json_array();
        for (size_t k = 1; k < args->word_cnt; k++) {
            uint64_t n;
            if (!parse_count(args->words[k], &n)) {
                json_decref(params);
                return slk_app_usage(app, "expected a number, found %.60s", args->words[k]);
            }
            json_array_append_new(params, json_integer((json_int_t)n));
        }
        return call(app, args, faults[i].method, params, "height");
    }
    return slk_app_usage(app, "expected down, slow, lose, fail, null or rewind, found %.60s",
                         args->words[0]);
}

/* --- Tables -------------------------------------------------------------------------------------------------------- */

static const slk_opt_use_t run_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_SIZE, SLK_OPTIONAL, "2KiB", "size of the miners' sectors, besides 2KiB and 8MiB"},
    {SLK_OPT_BLOCK_TIME, SLK_OPTIONAL, "1s", NULL},
    {SLK_OPT_LISTEN, SLK_OPTIONAL, "127.0.0.1:1234", NULL},
    {SLK_OPT_DEVNET_SEED, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_GENESIS_TIME, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_NULL_ROUNDS, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_PROVING_PERIOD, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_OPTIMISTIC, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_PAUSED, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t call_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the development network, instead of that of --repo"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t reorg_opts[] = {
    {SLK_OPT_REORG_MESSAGES, SLK_OPTIONAL, "again", NULL},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the development network, instead of that of --repo"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_devnet_commands[] = {
    {.noun = "devnet",
     .verb = "run",
     .summary = "run a development network",
     .details =
         "One process: a chain with the real actors' rules, which verifies proofs and signatures, "
         "and the Lotus API in front of it. Its first line on standard output is "
         "FULLNODE_API_INFO=TOKEN:ADDRESS; the folder also has them as files, token and api. The "
         "wallet's default address has 50,000,000 FIL.\n\n"
         "State is kept in devnet/ below --repo and survives a kill at any time; it has to be "
         "started again with the same --seed and --proving-period. SIGTERM ends it. With equal "
         "--seed and --genesis-time, equal commands and messages at equal heights give equal "
         "blocks.\n\n"
         "With a shorter proving period all that is counted in days is shorter as well: a "
         "pre-commit lasts 30 proving periods, a sector 180 or more.\n\n"
         "The blocks of the built-in producer have no proofs: no other node would take them.",
     .opts = run_opts,
     .opt_cnt = SLK_COUNT(run_opts),
     .examples = "devnet run --repo /tmp/net --block-time 250ms\n"
                 "devnet run --proving-period 4x20 --listen 127.0.0.1:0",
     .run = run_run},
    {.noun = "devnet",
     .verb = "mine",
     .summary = "go on by some epochs at once, also when paused",
     .details =
         "Everything else is answered meanwhile. `selkie devnet pause` ends it, as does the end of "
         "this command; the epochs that were mined stay.",
     .opts = call_opts,
     .opt_cnt = SLK_COUNT(call_opts),
     .words = {"EPOCHS", "how many", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "height: of the new head",
     .examples = "devnet mine 100",
     .run = run_mine},
    {.noun = "devnet",
     .verb = "reorg",
     .summary = "replace the last tipsets by others",
     .details = "Reverts so many tipsets and makes one more in their place; who follows the chain "
                "sees one change of the head.",
     .opts = reorg_opts,
     .opt_cnt = SLK_COUNT(reorg_opts),
     .words = {"TIPSETS", "how many to revert", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "height: of the new head",
     .examples = "devnet reorg 3\ndevnet reorg 5 --messages lose",
     .run = run_reorg},
    {.noun = "devnet",
     .verb = "pause",
     .summary = "make no blocks until it is resumed; ends a command that mines",
     .opts = call_opts,
     .opt_cnt = SLK_COUNT(call_opts),
     .json = "done: true",
     .examples = "devnet pause",
     .run = run_pause},
    {.noun = "devnet",
     .verb = "resume",
     .summary = "make blocks again",
     .opts = call_opts,
     .opt_cnt = SLK_COUNT(call_opts),
     .json = "done: true",
     .examples = "devnet resume",
     .run = run_resume},
    {.noun = "devnet",
     .verb = "status",
     .summary = "where the development network is",
     .opts = call_opts,
     .opt_cnt = SLK_COUNT(call_opts),
     .json = "network: its name\n"
             "height: of the head\n"
             "epoch: of its clock\n"
             "block_ms: time between blocks\n"
             "null_probability: of an epoch to be empty\n"
             "paused: whether blocks are made\n"
             "external: whether only miners make blocks\n"
             "stopped: no block can be made\n"
             "why: the reason of that\n"
             "branch: forced reorgs so far\n"
             "mined: epochs so far, of a command that mines\n"
             "to_mine: epochs it was told; 0: there is none\n"
             "pending: messages not on the chain yet\n"
             "executed: tipsets since the start\n"
             "execute_seconds: of them together\n"
             "proving_period: epochs\n"
             "deadlines: of a proving period\n"
             "faults: trouble that is on",
     .examples = "devnet status --json",
     .run = run_status},
    {.noun = "devnet",
     .verb = "fault",
     .summary = "make trouble that clients have to live with",
     .details = "down SECONDS: connections are cut and nothing is answered. slow MS SECONDS: every "
                "call takes that much longer. lose N: the next N messages that are pushed are "
                "forgotten. fail N: the next N calls are answered with an error. null N: the next "
                "N epochs have no block. rewind N: the head goes back by N tipsets.",
     .opts = call_opts,
     .opt_cnt = SLK_COUNT(call_opts),
     .words = {"WHAT", "down, slow, lose, fail, null or rewind, and its numbers", SLK_ARG_TEXT,
               NULL, 1, 3},
     .json = "done: true\n"
             "height: of the head, after rewind",
     .examples = "devnet fault down 10\ndevnet fault slow 2000 60\ndevnet fault rewind 2",
     .run = run_fault},
    {0},
};
