#include "worker/test_worker_run.h"

#include "base/file.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;
static slk_diag_t diag;

/* --- The process ------------------------------------------------------------------------------ */

static atomic_bool stop, reload;

static void on_signal(int sig)
{
    atomic_store(sig == SIGHUP ? &reload : &stop, true);
}

int node_main(const char *repo)
{
    slk_worker_config_t config;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    slk_err_t err = slk_worker_config_load(&config, repo, &diag);
    if (err == SLK_OK) {
        config.opts.repo = repo;
        config.opts.retry_max_ms = 500;
        config.opts.reload = &reload;
        err = slk_worker_run(&config.opts, &stop, &diag);
        slk_worker_config_free(&config);
    }
    if (err != SLK_OK)
        fprintf(stderr, "ended: %s\n", diag.text);
    return err == SLK_OK ? 0 : -err;
}

/* --- For tests -------------------------------------------------------------------------------- */

static void sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(slk_write_file(path, text, strlen(text), &diag), diag);
}

/* JSON as TOML: strings and numbers are written the same. */
static void put_toml(FILE *out, json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        fputs("{", out);
        bool first = true;
        json_object_foreach(value, name, item)
        {
            fprintf(out, "%s\"%s\" = ", first ? "" : ", ", name);
            put_toml(out, item);
            first = false;
        }
        fputs("}", out);
    } else if (json_is_array(value)) {
        fputs("[", out);
        json_array_foreach(value, i, item)
        {
            put_toml(out, item);
            fputs(", ", out);
        }
        fputs("]", out);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        fputs(text, out);
        free(text);
    }
}

void write_settings(const char *repo, const char *text)
{
    char path[512];
    const char *name;
    json_t *item, *settings = json_loads(text, 0, NULL);
    assert_non_null(settings);
    snprintf(path, sizeof path, "%s/config.toml", repo);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    json_object_foreach(settings, name, item)
    {
        fprintf(out, "%s = ", name);
        put_toml(out, item);
        fputs("\n", out);
    }
    fclose(out);
    json_decref(settings);
}

void node_make(node_t *node, const char *dir, const char *name, const sim_t *sim, const char *more)
{
    char config[8192];
    memset(node, 0, sizeof *node);
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->repo, sizeof node->repo, "%s/%s", dir, name);
    snprintf(node->log, sizeof node->log, "%s/%s.log", dir, name);
    snprintf(node->seal_root, sizeof node->seal_root, "%s/%s-seal", dir, name);
    snprintf(node->store_root, sizeof node->store_root, "%s/%s-store", dir, name);
    assert_ok(slk_make_dirs(node->repo, &diag), diag);
    write_text(node->repo, "manager-token", sim->token);
    snprintf(config, sizeof config,
             "{\"Name\":\"%s\",\"Manager\":\"%s/rpc/v0\",\"TokenFile\":\"%s/manager-token\","
             "\"Program\":\"%s\",\"StopSeconds\":10%s%s}",
             name, sim->url, node->repo, SLK_BINARY, more ? "," : "", more ? more : "");
    write_settings(node->repo, config);
    assert_ok(slk_worker_path_init(node->seal, node->repo, node->seal_root, false, NULL, &diag),
              diag);
    assert_ok(slk_worker_path_init(node->store, node->repo, node->store_root, true, NULL, &diag),
              diag);
}

void node_start(node_t *node)
{
    posix_spawn_file_actions_t actions;
    char *args[] = {"worker", "worker", node->repo, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, node->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int rc = posix_spawn(&node->pid, "/proc/self/exe", &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc)
        fail_msg("cannot start a worker: %s", strerror(rc));
}

void node_start_known(node_t *node, sim_t *sim)
{
    node_start(node);
    snprintf(node->id, sizeof node->id, "%s", sim_wait_worker(sim, node->name, 20));
}

void node_kill(node_t *node)
{
    kill(node->pid, SIGKILL);
    waitpid(node->pid, NULL, 0);
    node->pid = 0;
}

int node_wait(node_t *node, double seconds)
{
    double until = slk_clock_seconds() + seconds;
    int status;
    while (slk_clock_seconds() < until) {
        if (waitpid(node->pid, &status, WNOHANG) == node->pid) {
            node->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        sleep_ms(10);
    }
    node_kill(node);
    return -1;
}

int node_end(node_t *node, double seconds)
{
    kill(node->pid, SIGTERM);
    return node_wait(node, seconds);
}

const char *node_log(const node_t *node)
{
    static char text[1 << 20];
    FILE *file = fopen(node->log, "rb");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = 0;
    if (file)
        fclose(file);
    return text;
}

void node_file(char out[512], const char *root, const char *type, uint64_t miner, uint64_t number)
{
    snprintf(out, 512, "%s/%s/s-t0%" PRIu64 "-%" PRIu64, root, type, miner, number);
}

bool node_has(const char *root, const char *type, uint64_t miner, uint64_t number)
{
    char path[512];
    node_file(path, root, type, miner, number);
    return access(path, F_OK) == 0;
}

json_t *file_row(const char *type, const char *use, const char *store)
{
    return json_pack("{ss,ss,ss,ss,s[],sb}", "Type", type, "Use", use, "Store", store, "From", "",
                     "Sources", "Move", 0);
}
