#include "app/show.h"

#include "base/assert.h"

#include <stdint.h>
#include <string.h>

#define LINE_MAX_LEN 1024u

static const json_t *get(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static const char *word(const json_t *object, const char *name)
{
    const char *text = json_string_value(get(object, name));
    return text ? text : "";
}

/* "name   value"; left out when there is none. */
static void line(FILE *out, const json_t *object, const char *name, const char *title,
                 slk_show_text_t *text)
{
    char value[LINE_MAX_LEN] = "";
    text(value, sizeof value, get(object, name));
    if (*value)
        fprintf(out, "%-18s %s\n", title, value);
}

/* --- Sectors ---------------------------------------------------------------------------------------- */

static bool is_done(const json_t *row)
{
    const char *state = word(row, "state");
    return !strcmp(state, "Proving") || !strcmp(state, "Available") || !strcmp(state, "Removed");
}

static void sector_eta(char *out, size_t cap, const json_t *row)
{
    if (!is_done(row))
        slk_show_seconds(out, cap, get(row, "eta_seconds"));
}

static void sector_wait(char *out, size_t cap, const json_t *row)
{
    if (!is_done(row))
        slk_show_plain(out, cap, get(row, "waiting_for"));
}

static void count(char *out, size_t cap, const json_t *value)
{
    if (json_integer_value(value))
        slk_show_plain(out, cap, value);
}

void slk_show_sectors(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"sector", "sector", NULL, true},        {"miner", "miner", slk_show_miner, false},
        {"state", "state", NULL, false},         {"on chain", "on_chain", NULL, false},
        {"active", "active", NULL, false},       {"expires", "expiration", NULL, true},
        {"pieces", "deals", count, true},        {"to go", NULL, sector_eta, true},
        {"waits for", NULL, sector_wait, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no sectors");
}

static void randomness(FILE *out, const json_t *object, const char *name)
{
    const json_t *value = get(object, name);
    if (json_is_object(value))
        fprintf(out, "%-18s %s of epoch %lld\n", name, word(value, "value"),
                (long long)json_integer_value(get(value, "epoch")));
}

/* What an event said of itself: {"User":{...}} as "name value, ..." */
static void log_detail(char *out, size_t cap, const json_t *value)
{
    const char *text = json_string_value(value), *name;
    json_t *all = text && *text == '{' ? json_loads(text, 0, NULL) : NULL, *field;
    size_t used = 0;
    if (!json_is_object(json_object_get(all, "User"))) {
        slk_show_plain(out, cap, value);
        json_decref(all);
        return;
    }
    json_object_foreach(json_object_get(all, "User"), name, field)
    {
        char one[256] = "";
        slk_show_plain(one, sizeof one, field);
        if (*one && used + strlen(name) + strlen(one) + 8 < cap)
            used +=
                (size_t)snprintf(out + used, cap - used, "%s%s %s", used ? ", " : "", name, one);
    }
    json_decref(all);
}

/* The event, or what kind of entry it is instead. */
static void log_event(char *out, size_t cap, const json_t *row)
{
    snprintf(out, cap, "%s", *word(row, "event") ? word(row, "event") : word(row, "kind"));
}

static void log_state(char *out, size_t cap, const json_t *row)
{
    const char *from = word(row, "from"), *to = word(row, "to");
    if (strcmp(from, to) != 0)
        snprintf(out, cap, "%s", to);
}

static void show_log(const json_t *log, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"time (UTC)", "time", slk_show_time, false},
        {"event", NULL, log_event, false},
        {"new state", NULL, log_state, false},
        {"detail", "detail", log_detail, false},
    };
    fprintf(out, "log\n");
    slk_show_table(out, "  ", log, columns, SLK_COUNT(columns), "nothing yet");
}

static void show_parts(const json_t *result, FILE *out)
{
    static const slk_show_column_t pieces[] = {
        {"piece", "cid", NULL, false},
        {"size", "size", slk_show_bytes, true},
        {"data", "data", NULL, false},
        {"written", "written", NULL, false},
    };
    static const slk_show_column_t files[] = {
        {"file", "type", NULL, false},       {"worker", "worker", NULL, false},
        {"path", "path", NULL, false},       {"storage path", "store", NULL, false},
        {"primary", "primary", NULL, false},
    };
    fprintf(out, "pieces\n");
    slk_show_table(out, "  ", get(result, "pieces"), pieces, SLK_COUNT(pieces), "none yet");
    fprintf(out, "files\n");
    slk_show_table(out, "  ", get(result, "files"), files, SLK_COUNT(files), "none declared");
}

void slk_show_sector(const json_t *result, FILE *out)
{
    static const char *const plain[] = {"comm_d", "comm_r", "precommit_message", "commit_message"};
    char eta[64] = "";
    fprintf(out, "%-18s %lld of f0%lld\n", "sector",
            (long long)json_integer_value(get(result, "sector")),
            (long long)json_integer_value(get(result, "miner")));
    fprintf(out, "%-18s %s: %s\n", "state", word(result, "state"), word(result, "what"));
    sector_eta(eta, sizeof eta, result);
    if (!is_done(result))
        line(out, result, "waiting_for", "waits for", slk_show_plain);
    if (*eta)
        fprintf(out, "%-18s %s\n", "to go", eta);
    line(out, result, "last_error", "last error", slk_show_plain);
    if (json_integer_value(get(result, "retries")))
        line(out, result, "retries", "retries", slk_show_plain);
    randomness(out, result, "ticket");
    randomness(out, result, "seed");
    for (size_t i = 0; i < SLK_COUNT(plain); i++)
        line(out, result, plain[i], plain[i], slk_show_plain);
    if (*word(result, "proof"))
        fprintf(out, "%-18s %zu bytes, %.32s...\n", "proof", strlen(word(result, "proof")) / 2,
                word(result, "proof"));
    if (json_is_integer(get(result, "deadline")))
        fprintf(out, "%-18s %lld, partition %lld\n", "deadline",
                (long long)json_integer_value(get(result, "deadline")),
                (long long)json_integer_value(get(result, "partition")));
    show_parts(result, out);
    if (get(result, "log"))
        show_log(get(result, "log"), out);
}

void slk_show_pledged(const json_t *result, FILE *out)
{
    line(out, result, "sectors", "sectors", slk_show_words);
    line(out, result, "miner", "miner", slk_show_miner);
}

void slk_show_batches(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"kind", "kind", NULL, false},
        {"miner", "miner", slk_show_miner, false},
        {"sectors", "sectors", slk_show_words, false},
        {"sent", "why", NULL, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "nothing waits to be sent");
}

/* [[0, 3], [7, 7]]: "0-3 7" */
static void ranges(char *out, size_t cap, const json_t *value)
{
    size_t i, used = 0;
    json_t *range;
    json_array_foreach((json_t *)(uintptr_t)value, i, range)
    {
        long long from = (long long)json_integer_value(json_array_get(range, 0));
        long long to = (long long)json_integer_value(json_array_get(range, 1));
        if (used + 64 > cap) {
            snprintf(out + used, cap - used, " ... %zu ranges in all", json_array_size(value));
            return;
        }
        used += (size_t)snprintf(out + used, cap - used, "%s%lld", i ? " " : "", from);
        if (to != from)
            used += (size_t)snprintf(out + used, cap - used, "-%lld", to);
    }
}

void slk_show_numbers(const json_t *result, FILE *out)
{
    const char *name;
    json_t *value;
    line(out, result, "next", "next", slk_show_plain);
    line(out, result, "allocated", "allocated", ranges);
    line(out, result, "in_use", "in use", ranges);
    json_object_foreach((json_t *)(uintptr_t)get(result, "reserved"), name, value)
    {
        char text[LINE_MAX_LEN] = "";
        ranges(text, sizeof text, value);
        fprintf(out, "%-18s %s (%s)\n", "reserved", text, name);
    }
}

/* --- Jobs and workers ---------------------------------------------------------------------------------- */

static void job_what(char *out, size_t cap, const json_t *row)
{
    slk_show_plain(out, cap, get(row, *word(row, "stage") ? "stage" : "waiting_for"));
}

void slk_show_jobs(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"job", "id", NULL, true},
        {"sector", "sector", NULL, false},
        {"task", "task", NULL, false},
        {"state", "state", NULL, false},
        {"worker", "worker", NULL, false},
        {"started (UTC)", "started", slk_show_time, false},
        {"done", "progress", slk_show_share, true},
        {"to go", "eta_seconds", slk_show_seconds, true},
        {"what", NULL, job_what, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "nothing to do");
}

/* {"PC1": 2}: "PC1 2, ..." */
static void tasks(char *out, size_t cap, const json_t *value)
{
    const char *name;
    json_t *limit;
    size_t used = 0;
    json_object_foreach((json_t *)(uintptr_t)value, name, limit)
    {
        if (used + strlen(name) + 24 < cap)
            used += (size_t)snprintf(out + used, cap - used, "%s%s %lld", used ? ", " : "", name,
                                     (long long)json_integer_value(limit));
    }
}

static void how_many(char *out, size_t cap, const json_t *value)
{
    snprintf(out, cap, "%zu", json_array_size(value));
}

static void heard(char *out, size_t cap, const json_t *value)
{
    char ago[64] = "";
    slk_show_seconds(ago, sizeof ago, value);
    snprintf(out, cap, "%s%s", *ago ? ago : "never", *ago ? " ago" : "");
}

void slk_show_workers(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"worker", "name", NULL, false},
        {"state", "state", NULL, false},
        {"heard", "last_seen_seconds", heard, false},
        {"jobs", "jobs", how_many, true},
        {"cores", "cores", NULL, true},
        {"memory", "memory", slk_show_bytes, true},
        {"free", "free_memory", slk_show_bytes, true},
        {"id", "id", NULL, false},
        {"tasks, so many at a time", "tasks", tasks, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no worker has registered yet");
}

static void diag_sector(char *out, size_t cap, const json_t *value)
{
    snprintf(out, cap, "t0%lld-%lld", (long long)json_integer_value(get(value, "Miner")),
             (long long)json_integer_value(get(value, "Number")));
}

void slk_show_sched_diag(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"job", "SchedId", NULL, true},       {"sector", "Sector", diag_sector, false},
        {"task", "TaskType", NULL, false},    {"priority", "Priority", NULL, true},
        {"why it waits", "Why", NULL, false},
    };
    const json_t *waiting = get(get(result, "SchedInfo"), "Requests");
    fprintf(out, "%zu running, %zu waiting; %lld workers, %lld storage paths\n",
            json_object_size(get(result, "CallToWork")), json_array_size(waiting),
            (long long)json_integer_value(get(result, "Workers")),
            (long long)json_integer_value(get(result, "Paths")));
    fprintf(out, "%lld rounds of the scheduler, the last took %.1f ms\n",
            (long long)json_integer_value(get(result, "Rounds")),
            json_number_value(get(result, "RoundMs")));
    if (json_array_size(waiting))
        slk_show_table(out, "", waiting, columns, SLK_COUNT(columns), "");
}

/* Done of Total. */
static void job_share(char *out, size_t cap, const json_t *row)
{
    const double total = json_number_value(get(row, "Total"));
    if (total > 0)
        snprintf(out, cap, "%.0f %%", 100 * json_number_value(get(row, "Done")) / total);
}

static void worker_state(char *out, size_t cap, const json_t *row)
{
    snprintf(out, cap, "%s%s%s%s", json_is_true(get(row, "Connected")) ? "connected" : "not heard",
             json_is_true(get(row, "Paused")) ? ", paused" : "",
             json_is_true(get(row, "Draining")) ? ", draining" : "",
             json_is_true(get(row, "Leaving")) ? ", leaving" : "");
}

void slk_show_worker(const json_t *result, FILE *out)
{
    static const slk_show_column_t jobs[] = {
        {"job", "ID", NULL, true},
        {"task", "Task", NULL, false},
        {"miner", "Miner", slk_show_miner, false},
        {"sector", "Number", NULL, true},
        {"state", "State", NULL, false},
        {"runs", "Seconds", slk_show_seconds, true},
        {"done", NULL, job_share, true},
        {"CPUs", "CPUs", NULL, false},
        {"what", "Stage", NULL, false},
    };
    static const slk_show_column_t stores[] = {
        {"path", "Path", NULL, false},
        {"seal", "CanSeal", NULL, false},
        {"store", "CanStore", NULL, false},
        {"available", "Available", slk_show_bytes, true},
        {"size", "Capacity", slk_show_bytes, true},
        {"id", "ID", NULL, false},
        {"trouble", "Err", NULL, false},
    };
    char state[LINE_MAX_LEN];
    worker_state(state, sizeof state, result);
    line(out, result, "Name", "worker", slk_show_plain);
    line(out, result, "Worker", "id", slk_show_plain);
    fprintf(out, "%-18s %s, %s\n", "manager", word(result, "Manager"), state);
    line(out, result, "URL", "files at", slk_show_plain);
    line(out, result, "Uptime", "up", slk_show_seconds);
    line(out, result, "Cores", "cores", slk_show_plain);
    line(out, result, "Memory", "memory", slk_show_bytes);
    line(out, result, "FreeMemory", "free memory", slk_show_bytes);
    fprintf(out, "jobs\n");
    slk_show_table(out, "  ", get(result, "Jobs"), jobs, SLK_COUNT(jobs), "none");
    fprintf(out, "storage paths\n");
    slk_show_table(out, "  ", get(result, "Stores"), stores, SLK_COUNT(stores), "none");
}

/* --- Storage ------------------------------------------------------------------------------------------- */

static void store_path(char *out, size_t cap, const json_t *row)
{
    const json_t *url = json_array_get(get(row, "URLs"), 0);
    snprintf(out, cap, "%s", word(url, "Path"));
}

static void store_use(char *out, size_t cap, const json_t *row)
{
    snprintf(out, cap, "%s%s%s", json_is_true(get(row, "CanSeal")) ? "seal" : "",
             json_is_true(get(row, "CanSeal")) && json_is_true(get(row, "CanStore")) ? " " : "",
             json_is_true(get(row, "CanStore")) ? "store" : "");
}

void slk_show_stores(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"path", NULL, store_path, false},
        {"use", NULL, store_use, false},
        {"weight", "Weight", NULL, true},
        {"available", "Available", slk_show_bytes, true},
        {"reserved", "Reserved", slk_show_bytes, true},
        {"size", "Capacity", slk_show_bytes, true},
        {"sectors", "Sectors", NULL, true},
        {"id", "ID", NULL, false},
        {"trouble", "Err", NULL, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no storage paths");
}

void slk_show_found(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"file", "type", NULL, false},       {"worker", "worker", NULL, false},
        {"path", "path", NULL, false},       {"storage path", "store", NULL, false},
        {"primary", "primary", NULL, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no files of it are declared");
}

/* --- The manager ---------------------------------------------------------------------------------------- */

static void miners(char *out, size_t cap, const json_t *value)
{
    size_t i, used = 0;
    json_t *miner;
    json_array_foreach((json_t *)(uintptr_t)value, i, miner)
    {
        if (used + 32 < cap)
            used += (size_t)snprintf(out + used, cap - used, "%sf0%lld", i ? " " : "",
                                     (long long)json_integer_value(miner));
    }
}

static void classes(char *out, size_t cap, const json_t *value)
{
    const char *name;
    json_t *cnt;
    size_t used = 0;
    json_object_foreach((json_t *)(uintptr_t)value, name, cnt)
    {
        if (used + strlen(name) + 32 < cap)
            used += (size_t)snprintf(out + used, cap - used, "%s%lld %s", used ? ", " : "",
                                     (long long)json_integer_value(cnt), name);
    }
}

void slk_show_manager(const json_t *result, FILE *out)
{
    line(out, result, "version", "version", slk_show_plain);
    line(out, result, "miners", "miners", miners);
    line(out, result, "sectors", "sectors", classes);
    line(out, result, "height", "height", slk_show_plain);
    line(out, result, "following", "follows the chain", slk_show_plain);
    line(out, result, "trouble", "trouble", slk_show_plain);
    line(out, result, "uptime_seconds", "up", slk_show_seconds);
}

/* The sentence stands alone in the last line. */
void slk_show_run(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"sector", "sector", NULL, true},
        {"state", "state", NULL, false},
        {"took", "seconds", slk_show_seconds, true},
    };
    line(out, result, "repo", "repo", slk_show_plain);
    line(out, result, "miner", "miner", slk_show_miner);
    line(out, result, "manager", "manager", slk_show_plain);
    slk_show_table(out, "", get(result, "sectors"), columns, SLK_COUNT(columns), "no sectors");
    fprintf(out, "%s\n", word(result, "summary"));
}

/* NAME=TOKEN:ADDRESS, as a shell takes it. */
void slk_show_api_info(const json_t *result, FILE *out)
{
    fprintf(out, "MINER_API_INFO=%s\n", word(result, "MINER_API_INFO"));
}

void slk_show_tokens(const json_t *result, FILE *out)
{
    static const slk_show_column_t columns[] = {
        {"id", "ID", NULL, false},
        {"name", "Name", NULL, false},
        {"allows", "Allow", slk_show_words, false},
        {"created (UTC)", "Created", slk_show_time_ms, false},
        {"revoked (UTC)", "Revoked", slk_show_time_ms, false},
    };
    slk_show_table(out, "", result, columns, SLK_COUNT(columns), "no tokens were made");
}
