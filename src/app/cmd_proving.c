#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/show.h"

#include "base/assert.h"

/* Window proofs as the chain and the manager see them; layouts as lotus-miner's (spec lotus-miner.md 5.3). */

static slk_err_t ask(slk_app_t *app, const slk_args_t *args, const char *method, json_t *params)
{
    return slk_manager_call(app, args, method, params, &app->result);
}

static json_t *of_miner(const slk_args_t *args)
{
    const slk_value_t *miner = &args->opt[SLK_OPT_MINER];
    return miner->given ? json_pack("[I]", (json_int_t)miner->num) : NULL;
}

static slk_err_t run_info(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.ProvingInfo", of_miner(args));
}

static slk_err_t run_deadlines(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.ProvingDeadlines", of_miner(args));
}

static slk_err_t run_deadline(slk_app_t *app, const slk_args_t *args)
{
    slk_value_t index;
    const slk_value_t *miner = &args->opt[SLK_OPT_MINER];
    if (!slk_value_parse(&index, SLK_ARG_NUMBER, NULL, args->words[0]) || index.num > INT64_MAX)
        return slk_app_usage(app, "expected a deadline's number, found %.60s", args->words[0]);
    json_t *params = json_pack("[I]", (json_int_t)index.num);
    if (miner->given)
        json_array_append_new(params, json_integer((json_int_t)miner->num));
    return ask(app, args, "Selkie.ProvingDeadline", params);
}

static slk_err_t run_partitions(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.ProvingPartitions", of_miner(args));
}

static slk_err_t run_faults(slk_app_t *app, const slk_args_t *args)
{
    return ask(app, args, "Selkie.ProvingFaults", of_miner(args));
}

/* --- For people -------------------------------------------------------------------------------------- */

static long long number(const json_t *from, const char *name)
{
    return (long long)json_integer_value(json_object_get(from, name));
}

/* "123 (12 epochs ago)" */
static void epoch_line(FILE *out, const char *title, const json_t *from, const char *name)
{
    const long long at = number(from, name), now = number(from, "epoch");
    fprintf(out, "%-28s%lld", title, at);
    if (at == now)
        fprintf(out, " (now)\n");
    else
        fprintf(out, at > now ? " (in %lld epochs)\n" : " (%lld epochs ago)\n",
                at > now ? at - now : now - at);
}

static void show_info(const json_t *result, FILE *out)
{
    const long long sectors = number(result, "sectors"), faults = number(result, "faults");
    const char *trouble = json_string_value(json_object_get(result, "trouble"));
    fprintf(out, "%-28sf0%lld\n", "Miner:", number(result, "miner"));
    fprintf(out, "%-28s%lld\n", "Current Epoch:", number(result, "epoch"));
    fprintf(out, "%-28s%lld\n", "Proving Period Boundary:", number(result, "period_boundary"));
    epoch_line(out, "Proving Period Start:", result, "period_start");
    epoch_line(out, "Next Period Start:", result, "next_period_start");
    fprintf(out, "\n%-28s%lld (%.2f%%)\n", "Faults:", faults,
            sectors ? 100 * (double)faults / (double)sectors : 0);
    fprintf(out, "%-28s%lld\n", "Recovering:", number(result, "recovering"));
    fprintf(out, "%-28s%lld of %lld\n", "Deadline Index:", number(result, "deadline"),
            number(result, "deadlines"));
    fprintf(out, "%-28s%lld\n", "Deadline Sectors:", number(result, "deadline_sectors"));
    epoch_line(out, "Deadline Open:", result, "open");
    epoch_line(out, "Deadline Close:", result, "close");
    epoch_line(out, "Deadline Challenge:", result, "challenge");
    epoch_line(out, "Deadline FaultCutoff:", result, "fault_cutoff");
    if (!json_is_true(json_object_get(result, "proven_here")))
        fprintf(out, "\nThis manager does not prove this miner: [Proving] Enabled is false.\n");
    if (trouble)
        fprintf(out, "\nTrouble: %s\n", trouble);
}

static void sectors_and_faults(char *out, size_t cap, const json_t *row)
{
    snprintf(out, cap, "%lld (%lld)", number(row, "sectors"), number(row, "faults"));
}

static void current(char *out, size_t cap, const json_t *value)
{
    snprintf(out, cap, "%s", json_is_true(value) ? "(current)" : " ");
}

static void show_deadlines(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"deadline", "deadline", NULL, true},
        {"open", "open", NULL, true},
        {"partitions", "partitions", NULL, true},
        {"sectors (faults)", NULL, sectors_and_faults, true},
        {"proven partitions", "proven_partitions", NULL, true},
        {"", "current", current, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no deadlines");
}

static void how_many(char *out, size_t cap, const json_t *value)
{
    snprintf(out, cap, "%zu", json_array_size(value));
}

static const slk_show_column_t partition_columns[] = {
    {"deadline", "deadline", NULL, true},
    {"partition", "partition", NULL, true},
    {"sectors", "sectors", NULL, true},
    {"live", "live", NULL, true},
    {"active", "active", NULL, true},
    {"faulty", "faulty", NULL, true},
    {"recovering", "recovering", NULL, true},
    {"on chain", "posted", NULL, false},
    {"here", "state", NULL, false},
    {"left out", "skipped", how_many, true},
    {"took", "proving_seconds", slk_show_seconds, true},
    {"why", "why", NULL, false},
};

static void show_skipped(const json_t *partitions, FILE *out)
{
    size_t i, k;
    json_t *row, *one;
    json_array_foreach((json_t *)(uintptr_t)partitions, i, row)
    {
        json_array_foreach(json_object_get(row, "skipped"), k, one)
        {
            fprintf(out, "left out of deadline %lld, partition %lld: sector %lld: %s\n",
                    number(row, "deadline"), number(row, "partition"), number(one, "sector"),
                    json_string_value(json_object_get(one, "why")));
        }
    }
}

static void show_partitions(const json_t *result, FILE *out)
{
    slk_show_table(out, "", result, partition_columns, SLK_COUNT(partition_columns),
                   "no sectors are on chain");
    show_skipped(result, out);
}

static void show_deadline(const json_t *result, FILE *out)
{
    const json_t *partitions = json_object_get(result, "partitions");
    fprintf(out, "%-28s%lld%s\n", "Deadline Index:", number(result, "deadline"),
            json_is_true(json_object_get(result, "current")) ? " (current)" : "");
    fprintf(out, "%-28s%zu\n", "Partitions:", json_array_size(partitions));
    epoch_line(out, "Deadline Open:", result, "open");
    epoch_line(out, "Deadline Close:", result, "close");
    epoch_line(out, "Deadline Challenge:", result, "challenge");
    epoch_line(out, "Deadline FaultCutoff:", result, "fault_cutoff");
    fputc('\n', out);
    show_partitions(partitions, out);
}

static void show_faults(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"deadline", "deadline", NULL, true},
        {"partition", "partition", NULL, true},
        {"sectors", "sector", NULL, true},
        {"recovering", "recovering", NULL, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no faults");
}

/* --- Tables ------------------------------------------------------------------------------------------ */

static const slk_opt_use_t opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_MINER, SLK_OPTIONAL, NULL, "instead of the first one of the manager"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define PARTITION_JSON                                                                             \
    "deadline: its number\n"                                                                       \
    "partition: its number\n"                                                                      \
    "sectors: ever in it\n"                                                                        \
    "live: not terminated\n"                                                                       \
    "active: with power\n"                                                                         \
    "faulty: without a proof\n"                                                                    \
    "recovering: faulty, declared to be proven next\n"                                             \
    "posted: the chain has a proof in the window that is open\n"                                   \
    "state: none, asked, empty, proven, sent, done or missed; of its last window here\n"           \
    "why: what it waits for, or how it ended, a sentence\n"                                        \
    "open: first epoch of that window, or null\n"                                                  \
    "proven_sectors: in that proof, or null\n"                                                     \
    "skipped: [{sector, why}] left out of it\n"                                                    \
    "jobs: asked of workers for it\n"                                                              \
    "failed_messages: that came to nothing\n"                                                      \
    "proving_seconds: from asking to a proof, or null\n"                                           \
    "message: key of its message, or null"

const slk_command_t slk_proving_commands[] = {
    {.noun = "proving",
     .verb = "info",
     .summary = "where the proving period is, and faults",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "miner: id\n"
             "epoch: of the chain's head\n"
             "period_boundary: epoch in a period at which this miner's begins\n"
             "period_start: epoch\n"
             "next_period_start: epoch\n"
             "sectors: live ones\n"
             "faults: of these\n"
             "recovering: of these\n"
             "deadline: the present one\n"
             "deadlines: of a period\n"
             "deadline_sectors: live ones of the present deadline\n"
             "open: epoch\n"
             "close: epoch\n"
             "challenge: epoch\n"
             "fault_cutoff: epoch\n"
             "proven_here: this manager proves this miner\n"
             "trouble: what keeps it from it, or null",
     .examples = "proving info",
     .run = run_info,
     .show = show_info},
    {.noun = "proving",
     .verb = "deadlines",
     .summary = "all deadlines, with partitions and sectors",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "deadline: its number\n"
             "open: first epoch of the window that is open or comes next\n"
             "partitions: how many\n"
             "sectors: ever in them\n"
             "faults: of these\n"
             "recovering: of these\n"
             "proven_partitions: in the window that is open\n"
             "current: it is the present one",
     .examples = "proving deadlines",
     .run = run_deadlines,
     .show = show_deadlines},
    {.noun = "proving",
     .verb = "deadline",
     .summary = "one deadline and its partitions",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .words = {"DEADLINE", "its number, from 0", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "deadline: its number\n"
             "epoch: of the chain's head\n"
             "open: first epoch of the window that is open or comes next\n"
             "close: epoch\n"
             "challenge: epoch\n"
             "fault_cutoff: epoch\n"
             "current: it is the present one\n"
             "partitions: as of proving partitions",
     .examples = "proving deadline 3",
     .run = run_deadline,
     .show = show_deadline},
    {.noun = "proving",
     .verb = "partitions",
     .summary = "all partitions, and what is done to prove them",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = PARTITION_JSON,
     .examples = "proving partitions",
     .run = run_partitions,
     .show = show_partitions},
    {.noun = "proving",
     .verb = "faults",
     .summary = "sectors without a proof",
     .opts = opts,
     .opt_cnt = SLK_COUNT(opts),
     .json = "deadline: its number\n"
             "partition: its number\n"
             "sector: its number\n"
             "recovering: it is declared to be proven at the next deadline",
     .examples = "proving faults",
     .run = run_faults,
     .show = show_faults},
    {0},
};
