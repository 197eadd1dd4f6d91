#include "app/run_all.h"

#include "app/children.h"
#include "app/manager_use.h"
#include "app/roles.h"
#include "base/assert.h"
#include "base/file.h"
#include "worker/worker.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS     300
#define START_S     60 /* for a role to answer */
#define STOP_S      30
#define FILE_MAX    ((size_t)1 << 16)
#define SECTORS_MAX (SLK_RUN_PLEDGE_MAX + 1)

typedef enum { DEVNET, MANAGER, WORKER, ROLE_CNT } role_t;

typedef struct {
    uint64_t number;
    char state[48];
    double began;
    double took;   /* seconds until Proving; 0: not yet */
    bool windowed; /* was in a window proof that has landed */
    bool old;      /* of an earlier run: its story so far was told then */
    size_t told;   /* entries of its log */
} sector_t;

typedef struct {
    const slk_run_all_t *opts;
    const slk_job_t *job;
    slk_role_t roles[ROLE_CNT];
    bool own_chain;
    char manager_dir[PATH_MAX], worker_dir[PATH_MAX], devnet_dir[PATH_MAX];
    char devnet_listen[64], manager_listen[256], info[8192];
    char period[16]; /* of the development network; empty: as the network has it */
    uint64_t miner;
    sector_t sectors[SECTORS_MAX];
    size_t sector_cnt;
    int lock_fd;
} run_t;

/* --- Speaking -------------------------------------------------------------------------------------- */

static void say(const run_t *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const run_t *run, const char *fmt, ...)
{
    va_list args;
    if (run->opts->quiet)
        return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static slk_err_t check_cancel(const run_t *run, slk_diag_t *diag)
{
    return slk_job_cancelled(run->job) ? slk_fail(diag, SLK_ERR_CANCELLED, "told to end") : SLK_OK;
}

/* --- Ports ------------------------------------------------------------------------------------------- */

/* A port that is free now. */
static slk_err_t free_port(uint16_t *port, slk_diag_t *diag)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    slk_err_t err = SLK_OK;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        err = slk_fail_errno(diag, "find", "a free port");
    if (fd >= 0)
        close(fd);
    *port = ntohs(at.sin_port);
    return err;
}

/* Windows of a period that is scaled so that the first one comes within minutes. A network keeps the period
 * that it began with. */
#define SCALED_PERIOD "4x20"
static void choose_period(run_t *run, json_t *kept)
{
    const char *period = json_string_value(json_object_get(kept, "proving_period"));
    if (!period)
        period = run->opts->until_windowed && !json_object_get(kept, "devnet") ? SCALED_PERIOD : "";
    snprintf(run->period, sizeof run->period, "%s", period);
    json_object_set_new(kept, "proving_period", json_string(run->period));
}

/* The addresses stay over runs, so that what others were told stays true: <repo>/run.json. */
static slk_err_t choose_ports(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    char path[PATH_MAX], *text = NULL;
    size_t len;
    uint16_t port;
    json_t *kept = NULL;
    SLK_TRY(slk_path_join(path, sizeof path, run->opts->repo, "run.json", diag));
    if (access(path, F_OK) == 0) {
        SLK_TRY(slk_read_file(&text, &len, path, FILE_MAX, diag));
        kept = json_loadb(text, len, 0, NULL);
    }
    if (!json_is_object(kept)) {
        json_decref(kept);
        kept = json_object();
    }
    const char *devnet = json_string_value(json_object_get(kept, "devnet"));
    const char *manager = json_string_value(json_object_get(kept, "manager"));
    if (devnet) {
        snprintf(run->devnet_listen, sizeof run->devnet_listen, "%s", devnet);
    } else {
        SLK_TRY(free_port(&port, diag));
        snprintf(run->devnet_listen, sizeof run->devnet_listen, "127.0.0.1:%u", port);
    }
    const char *colon = run->opts->listen ? strrchr(run->opts->listen, ':') : NULL;
    if (run->opts->listen && !(colon && !strcmp(colon, ":0"))) {
        snprintf(run->manager_listen, sizeof run->manager_listen, "%s", run->opts->listen);
    } else if (manager && !run->opts->listen) {
        snprintf(run->manager_listen, sizeof run->manager_listen, "%s", manager);
    } else {
        SLK_TRY(free_port(&port, diag));
        snprintf(run->manager_listen, sizeof run->manager_listen, "127.0.0.1:%u", port);
    }
    choose_period(run, kept);
    json_object_set_new(kept, "devnet", json_string(run->devnet_listen));
    json_object_set_new(kept, "manager", json_string(run->manager_listen));
    free(text);
    text = json_dumps(kept, JSON_INDENT(2));
    err = text ? slk_write_file(path, text, strlen(text), diag)
               : slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
out:
    free(text);
    json_decref(kept);
    return err;
}

/* --- Roles -------------------------------------------------------------------------------------------- */

static slk_err_t prepare_role(run_t *run, role_t role, const char *name, slk_diag_t *diag)
{
    char folder[PATH_MAX], file[64];
    slk_role_t *child = &run->roles[role];
    slk_err_t err = slk_path_join(folder, sizeof folder, run->opts->repo, "log", diag);
    child->name = name;
    snprintf(file, sizeof file, "%s.log", name);
    if (err == SLK_OK)
        err = slk_make_dirs(folder, diag);
    return err == SLK_OK ? slk_path_join(child->log, sizeof child->log, folder, file, diag) : err;
}

/* Start those again that ended. */
static slk_err_t watch(run_t *run, slk_diag_t *diag)
{
    for (role_t role = 0; role < ROLE_CNT; role++) {
        char why[256];
        if (!run->roles[role].name)
            continue;
        slk_err_t err = slk_role_watch(&run->roles[role], why, diag);
        if (*why)
            say(run, "%s; it is started again (log: %s)", why, run->roles[role].log);
        if (err != SLK_OK)
            return err;
    }
    return check_cancel(run, diag);
}

/* Wait until ready(run) says yes. */
static slk_err_t wait_for(run_t *run, role_t role, bool (*ready)(run_t *run), slk_diag_t *diag)
{
    for (double until = slk_clock_seconds() + START_S; !ready(run); pause_ms(50)) {
        slk_err_t err = watch(run, diag);
        if (err != SLK_OK)
            return err;
        if (slk_clock_seconds() > until)
            return slk_fail(diag, SLK_ERR_TIMEOUT, "the %s does not answer; see %s",
                            run->roles[role].name, run->roles[role].log);
    }
    return SLK_OK;
}

static bool devnet_ready(run_t *run)
{
    slk_diag_t ignored;
    json_t *result = NULL;
    char info[8192];
    if (slk_manager_info(info, sizeof info, run->devnet_dir, &ignored) != SLK_OK)
        return false;
    bool ok = slk_manager_call_at(run->devnet_dir, "Filecoin.ChainHead", NULL, run->job, &result,
                                  &ignored) == SLK_OK;
    json_decref(result);
    if (ok)
        snprintf(run->info, sizeof run->info, "%s", info);
    explicit_bzero(info, sizeof info);
    return ok;
}

static bool manager_ready(run_t *run)
{
    slk_diag_t ignored;
    json_t *result = NULL;
    bool ok = slk_manager_call_at(run->manager_dir, "Selkie.Summary", NULL, run->job, &result,
                                  &ignored) == SLK_OK;
    ok = ok && json_is_true(json_object_get(result, "following"));
    json_decref(result);
    return ok;
}

static bool worker_ready(run_t *run)
{
    slk_diag_t ignored;
    size_t i;
    json_t *row, *result = NULL;
    bool alive = false;
    if (slk_manager_call_at(run->manager_dir, "Selkie.Workers", NULL, run->job, &result,
                            &ignored) == SLK_OK)
        json_array_foreach(result, i, row) alive |=
            !strcmp("active", json_string_value(json_object_get(row, "state")));
    json_decref(result);
    return alive;
}

static slk_err_t start_devnet(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    if (!run->own_chain) {
        snprintf(run->info, sizeof run->info, "%s", getenv("FULLNODE_API_INFO"));
        return SLK_OK;
    }
    SLK_TRY(prepare_role(run, DEVNET, "devnet", diag));
    const char *const args[] = {"devnet",
                                "run",
                                "--repo",
                                run->opts->repo,
                                "--size",
                                run->opts->size->name,
                                "--block-time",
                                run->opts->block_time,
                                "--listen",
                                run->devnet_listen,
                                *run->period ? "--proving-period" : NULL,
                                run->period,
                                NULL};
    memcpy(run->roles[DEVNET].args, args, sizeof args);
    say(run, "Starting a development network at %s, one block every %s", run->devnet_listen,
        run->opts->block_time);
    SLK_TRY(slk_role_start(&run->roles[DEVNET], diag));
    SLK_TRY(wait_for(run, DEVNET, devnet_ready, diag));
    setenv("FULLNODE_API_INFO", run->info, 1);
out:
    return err;
}

static slk_err_t start_manager(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    size_t miners;
    SLK_TRY(slk_manager_miner_cnt(run->manager_dir, &miners, diag));
    if (!miners) {
        const slk_manager_setup_t setup = {.create = true,
                                           .sector_sz = run->opts->size->bytes,
                                           .listen = run->manager_listen,
                                           .hasty = true};
        say(run, "Making a miner with sectors of %s on chain", run->opts->size->name);
        SLK_TRY(slk_manager_setup(run->manager_dir, &setup, &run->miner, run->job, diag));
        say(run, "It is f0%" PRIu64, run->miner);
    }
    SLK_TRY(prepare_role(run, MANAGER, "manager", diag));
    const char *const args[] = {"manager",           "run", "--repo", run->opts->repo, "--listen",
                                run->manager_listen, NULL};
    memcpy(run->roles[MANAGER].args, args, sizeof args);
    say(run, "Starting the manager at %s", run->manager_listen);
    SLK_TRY(slk_role_start(&run->roles[MANAGER], diag));
    SLK_TRY(wait_for(run, MANAGER, manager_ready, diag));
out:
    return err;
}

/* A path for sealing and storage, <repo>/storage, at the first run. */
static slk_err_t make_storage(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    char root[PATH_MAX], id[SLK_STORAGE_ID_MAX];
    json_t *list = NULL;
    slk_path_meta_t meta = {.weight = 10, .can_seal = true, .can_store = true, .can_final = true};
    SLK_TRY(slk_make_dirs(run->worker_dir, diag));
    SLK_TRY(slk_worker_path_list(&list, run->worker_dir, diag));
    if (json_array_size(list))
        goto out;
    SLK_TRY(slk_path_join(root, sizeof root, run->opts->repo, "storage", diag));
    SLK_TRY(slk_worker_path_init(id, run->worker_dir, root, true, &meta, diag));
    say(run, "Sectors are kept in %s", root);
out:
    json_decref(list);
    return err;
}

static slk_err_t start_worker(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    SLK_TRY(make_storage(run, diag));
    SLK_TRY(prepare_role(run, WORKER, "worker", diag));
    const char *const args[] = {"worker", "run", "--repo", run->opts->repo, NULL};
    memcpy(run->roles[WORKER].args, args, sizeof args);
    say(run, "Starting a worker");
    SLK_TRY(slk_role_start(&run->roles[WORKER], diag));
    SLK_TRY(wait_for(run, WORKER, worker_ready, diag));
out:
    return err;
}

static void stop_roles(run_t *run)
{
    static const role_t order[] = {WORKER, MANAGER, DEVNET};
    for (size_t i = 0; i < SLK_COUNT(order); i++)
        slk_role_stop(&run->roles[order[i]], STOP_S);
}

/* Proof parameters of the sizes that may be made here. */
static slk_err_t make_parameters(run_t *run, slk_diag_t *diag)
{
    static const char *const circuits[] = {"porep", "window"};
    slk_err_t err = SLK_OK;
    if (run->opts->size->bytes > UINT64_C(8) << 20)
        return SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(circuits); i++) {
        const char *const args[] = {"params",
                                    "generate",
                                    "--size",
                                    run->opts->size->name,
                                    "--circuit",
                                    circuits[i],
                                    run->opts->quiet ? "--quiet" : NULL,
                                    NULL};
        err = slk_program_call(args, diag);
    }
    return err;
}

/* --- Sectors ------------------------------------------------------------------------------------------- */

static slk_err_t call(run_t *run, const char *method, json_t *params, json_t **result,
                      slk_diag_t *diag)
{
    return slk_manager_call_at(run->manager_dir, method, params, run->job, result, diag);
}

static void add_sector(run_t *run, uint64_t number)
{
    for (size_t i = 0; i < run->sector_cnt; i++)
        if (run->sectors[i].number == number)
            return;
    if (run->sector_cnt < SECTORS_MAX)
        run->sectors[run->sector_cnt++] =
            (sector_t){.number = number, .began = slk_clock_seconds()};
}

static bool is_over(const char *state)
{
    return !strcmp(state, "Proving") || !strcmp(state, "Available") || !strcmp(state, "Removed") ||
           !strcmp(state, "Removing") || !strncmp(state, "Terminat", 8);
}

/* Unfinished sectors of earlier runs count, those with data do not. */
static slk_err_t find_unfinished(run_t *run, uint64_t *cnt, slk_diag_t *diag)
{
    size_t i;
    json_t *row, *list = NULL;
    slk_err_t err = call(run, "Selkie.SectorsList", NULL, &list, diag);
    *cnt = 0;
    json_array_foreach(list, i, row)
    {
        if (is_over(json_string_value(json_object_get(row, "state"))))
            continue;
        add_sector(run, (uint64_t)json_integer_value(json_object_get(row, "sector")));
        run->sectors[run->sector_cnt - 1].old = true;
        *cnt += !json_integer_value(json_object_get(row, "deals"));
    }
    json_decref(list);
    return err;
}

static slk_err_t pledge(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t unfinished = 0;
    size_t i;
    json_t *number, *result = NULL;
    SLK_TRY(find_unfinished(run, &unfinished, diag));
    if (run->sector_cnt)
        say(run, "%zu sectors of an earlier run go on", run->sector_cnt);
    if (run->opts->pledge > unfinished) {
        SLK_TRY(call(run, "Selkie.SectorsPledge",
                     json_pack("[I]", (json_int_t)(run->opts->pledge - unfinished)), &result,
                     diag));
        json_array_foreach(json_object_get(result, "sectors"), i, number)
        {
            add_sector(run, (uint64_t)json_integer_value(number));
            say(run, "Sector %lld: pledged", (long long)json_integer_value(number));
        }
    }
    if (run->opts->piece) {
        json_decref(result);
        SLK_TRY(call(run, "Selkie.SectorsAddPiece",
                     json_pack("[{s:s}]", "Source", run->opts->piece), &result, diag));
        uint64_t with = (uint64_t)json_integer_value(json_object_get(result, "sector"));
        add_sector(run, with);
        say(run, "Sector %" PRIu64 ": takes %s (%s)", with, run->opts->piece,
            json_string_value(json_object_get(result, "piece_cid")));
    }
out:
    json_decref(result);
    return err;
}

static sector_t *sector_of(run_t *run, uint64_t number)
{
    for (size_t i = 0; i < run->sector_cnt; i++)
        if (run->sectors[i].number == number)
            return &run->sectors[i];
    return NULL;
}

/* The states that it went through since the last look, but for the present one. */
static void tell_passed(run_t *run, sector_t *sector, bool live)
{
    json_t *status = NULL;
    slk_diag_t ignored;
    if (call(run, "Selkie.SectorsStatus", json_pack("[I, n, b]", (json_int_t)sector->number, true),
             &status, &ignored) != SLK_OK)
        return;
    const json_t *log = json_object_get(status, "log");
    const double first = json_number_value(json_object_get(json_array_get(log, 0), "time"));
    for (size_t i = sector->told; i < json_array_size(log) && !sector->old; i++) {
        const json_t *entry = json_array_get(log, i);
        const char *from = json_string_value(json_object_get(entry, "from"));
        const char *to = json_string_value(json_object_get(entry, "to"));
        if (from && to && strcmp(from, to) != 0 && i + 1 < json_array_size(log))
            say(run, "%s%6.1f s  sector %" PRIu64 ": %s", live ? "\r\033[K" : "",
                json_number_value(json_object_get(entry, "time")) - first, sector->number, to);
    }
    sector->told = json_array_size(log);
    sector->old = false;
    json_decref(status);
}

/* Tell a change of state, and on a terminal what is waited for now. */
static void tell(run_t *run, sector_t *sector, const char *state, const char *waiting, bool live,
                 char *line, size_t cap)
{
    if (strcmp(sector->state, state) != 0) {
        if (!run->opts->quiet)
            tell_passed(run, sector, live);
        say(run, "%s%6.1f s  sector %" PRIu64 ": %s%s%s", live ? "\r\033[K" : "",
            slk_clock_seconds() - sector->began, sector->number, state, *waiting ? ": " : "",
            waiting);
        snprintf(sector->state, sizeof sector->state, "%s", state);
    }
    if (!strcmp(state, "Proving") && !sector->took)
        sector->took = slk_clock_seconds() - sector->began;
    if (live && !is_over(state) && *waiting) {
        size_t used = strlen(line);
        snprintf(line + used, cap - used, "%s%" PRIu64 " %s", used ? " | " : "", sector->number,
                 waiting);
    }
}

/* Look at the sectors once. *left: how many are not Proving yet. */
static slk_err_t look(run_t *run, size_t *left, slk_diag_t *diag)
{
    size_t i;
    json_t *row, *list = NULL;
    char line[512] = "";
    const bool live = !run->opts->quiet && isatty(STDERR_FILENO);
    slk_diag_t away = {0};
    *left = run->sector_cnt;
    if (call(run, "Selkie.SectorsList", NULL, &list, &away) != SLK_OK)
        return check_cancel(run, diag); /* the manager is being started again */
    json_array_foreach(list, i, row)
    {
        sector_t *sector =
            sector_of(run, (uint64_t)json_integer_value(json_object_get(row, "sector")));
        const char *state = json_string_value(json_object_get(row, "state"));
        const char *waiting = json_string_value(json_object_get(row, "waiting_for"));
        if (!sector || !state)
            continue;
        tell(run, sector, state, waiting ? waiting : "", live, line, sizeof line);
        *left -= !strcmp(state, "Proving");
        if (is_over(state) && strcmp(state, "Proving") != 0) {
            slk_err_t err =
                slk_fail(diag, SLK_ERR_STATE, "sector %" PRIu64 " is %s", sector->number, state);
            json_decref(list);
            return err;
        }
    }
    json_decref(list);
    if (live && *line)
        fprintf(stderr, "\r\033[K%.150s", line);
    return SLK_OK;
}

/* Which sectors were in a window proof that has landed. *left: how many were in none. */
static slk_err_t look_windows(run_t *run, size_t *left, slk_diag_t *diag)
{
    size_t i;
    json_t *number, *result = NULL, *numbers = json_array();
    slk_diag_t away = {0};
    *left = 0;
    for (i = 0; i < run->sector_cnt; i++)
        if (!run->sectors[i].windowed) {
            json_array_append_new(numbers, json_integer((json_int_t)run->sectors[i].number));
            ++*left;
        }
    if (!*left) {
        json_decref(numbers);
        return SLK_OK;
    }
    if (call(run, "Selkie.ProvingWindowed", json_pack("[o]", numbers), &result, &away) != SLK_OK)
        return check_cancel(run, diag);
    json_array_foreach(result, i, number)
    {
        sector_t *sector = sector_of(run, (uint64_t)json_integer_value(number));
        if (!sector || sector->windowed)
            continue;
        sector->windowed = true;
        --*left;
        say(run, "%6.1f s  sector %" PRIu64 ": its window proof is on chain",
            slk_clock_seconds() - sector->began, sector->number);
    }
    json_decref(result);
    return SLK_OK;
}

static slk_err_t follow(run_t *run, slk_diag_t *diag)
{
    for (;;) {
        size_t left;
        slk_err_t err = watch(run, diag);
        if (err == SLK_OK)
            err = look(run, &left, diag);
        if (err == SLK_OK && !left && run->opts->until_windowed)
            err = look_windows(run, &left, diag);
        if (err != SLK_OK)
            return err;
        if (!left && run->opts->until_proving)
            return SLK_OK;
        pause_ms(LOOK_MS);
    }
}

/* --- Result --------------------------------------------------------------------------------------------- */

static json_t *summary(run_t *run)
{
    char text[256], proven[64] = "";
    size_t done = 0, windowed = 0;
    double slowest = 0;
    json_t *rows = json_array();
    for (size_t i = 0; i < run->sector_cnt; i++) {
        const sector_t *sector = &run->sectors[i];
        done += sector->took > 0;
        slowest = sector->took > slowest ? sector->took : slowest;
        windowed += sector->windowed;
        json_array_append_new(
            rows, json_pack("{s:I, s:s, s:f, s:b}", "sector", (json_int_t)sector->number, "state",
                            sector->state, "seconds", sector->took, "windowed", sector->windowed));
    }
    if (run->opts->until_windowed)
        snprintf(proven, sizeof proven, ", %zu were in a window proof that landed", windowed);
    snprintf(text, sizeof text,
             "%zu of %zu sectors are Proving, the last after %.0f seconds%s; selkie run goes on "
             "from here",
             done, run->sector_cnt, slowest, proven);
    return json_pack("{s:s, s:I, s:s, s:o, s:s}", "repo", run->opts->repo, "miner",
                     (json_int_t)run->miner, "manager", run->manager_listen, "sectors", rows,
                     "summary", text);
}

static void tell_what_next(const run_t *run)
{
    const char *repo = run->opts->repo;
    say(run, "\nEverything runs. In another terminal:");
    say(run, "  selkie sectors list --repo %s", repo);
    say(run, "  selkie sectors pledge --repo %s", repo);
    say(run, "  selkie sealing jobs --repo %s", repo);
    say(run, "  curl http://%s/metrics", run->manager_listen);
    say(run, "Logs: %s/log. Ctrl-C ends it.\n", repo);
}

static slk_err_t find_miner(run_t *run, slk_diag_t *diag)
{
    json_t *result = NULL;
    slk_err_t err = call(run, "Selkie.Summary", NULL, &result, diag);
    if (err == SLK_OK)
        run->miner =
            (uint64_t)json_integer_value(json_array_get(json_object_get(result, "miners"), 0));
    json_decref(result);
    return err;
}

static slk_err_t run_roles(run_t *run, slk_diag_t *diag)
{
    slk_err_t err;
    SLK_TRY(make_parameters(run, diag));
    SLK_TRY(choose_ports(run, diag));
    SLK_TRY(start_devnet(run, diag));
    SLK_TRY(start_manager(run, diag));
    SLK_TRY(find_miner(run, diag));
    SLK_TRY(start_worker(run, diag));
    if (!run->opts->until_proving)
        tell_what_next(run);
    SLK_TRY(pledge(run, diag));
    SLK_TRY(follow(run, diag));
out:
    return err;
}

slk_err_t slk_run_all(const slk_run_all_t *opts, const slk_job_t *job, json_t **result,
                      slk_diag_t *diag)
{
    slk_err_t err;
    run_t *run = calloc(1, sizeof *run);
    if (!run)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    const char *node = getenv("FULLNODE_API_INFO");
    run->opts = opts;
    run->job = job;
    run->lock_fd = -1;
    run->own_chain = !node || !*node;
    SLK_TRY(slk_make_dirs(opts->repo, diag));
    err = slk_lock_dir(&run->lock_fd, opts->repo, diag);
    if (err == SLK_ERR_BUSY)
        slk_fail(diag, err, "%s: another selkie run has it", opts->repo);
    if (err != SLK_OK)
        goto out;
    SLK_TRY(slk_path_join(run->devnet_dir, PATH_MAX, opts->repo, "devnet", diag));
    SLK_TRY(slk_path_join(run->manager_dir, PATH_MAX, opts->repo, "manager", diag));
    SLK_TRY(slk_path_join(run->worker_dir, PATH_MAX, opts->repo, "worker", diag));
    err = run_roles(run, diag);
    stop_roles(run);
    if (err == SLK_OK || err == SLK_ERR_CANCELLED)
        *result = summary(run);
    /* Ended by the signal that was to end it. */
    if (err == SLK_ERR_CANCELLED && !opts->until_proving)
        err = SLK_OK;
out:
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    explicit_bzero(run->info, sizeof run->info);
    free(run);
    return err;
}
