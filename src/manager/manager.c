#include "manager/manager_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "chain/message_store.h"
#include "manager/intake.h"
#include "manager/post/post_store.h"
#include "manager/runner_impl.h"
#include "net/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX   ((size_t)64 << 20)
#define KEEPER_MS   5000
#define PLEDGE_STEP 16 /* sectors of one autopledge at a time */

/* --- Configuration -------------------------------------------------------------------------------- */

bool slk_manager_miner(slk_manager_t *m, uint64_t actor, slk_miner_config_t *out)
{
    pthread_rwlock_rdlock(&m->config_lock);
    const slk_miner_config_t *config = slk_config_miner(m->config, actor);
    if (config)
        *out = *config;
    pthread_rwlock_unlock(&m->config_lock);
    return config;
}

size_t slk_manager_miners(slk_manager_t *m, uint64_t *out, size_t max)
{
    pthread_rwlock_rdlock(&m->config_lock);
    size_t cnt = m->config->miner_cnt < max ? m->config->miner_cnt : max;
    for (size_t i = 0; i < cnt; i++)
        out[i] = m->config->miners[i].actor;
    pthread_rwlock_unlock(&m->config_lock);
    return cnt;
}

static bool miner_config(void *ctx, uint64_t actor, slk_miner_config_t *out)
{
    return slk_manager_miner(ctx, actor, out);
}

static size_t miner_list(void *ctx, uint64_t *out, size_t max)
{
    return slk_manager_miners(ctx, out, max);
}

static slk_err_t load_config(slk_manager_config_t **out, const char *dir, slk_diag_t *diag)
{
    char path[PATH_MAX];
    slk_manager_config_t *config = calloc(1, sizeof *config);
    *out = NULL;
    if (!config)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = slk_path_join(path, sizeof path, dir, "config.toml", diag);
    if (err == SLK_OK)
        err = slk_config_load(config, path, diag);
    if (err != SLK_OK) {
        free(config);
        return err;
    }
    *out = config;
    return SLK_OK;
}

slk_err_t slk_manager_reload(slk_manager_t *m, slk_diag_t *diag)
{
    slk_manager_config_t *wanted;
    char fixed[1024];
    slk_err_t err = load_config(&wanted, m->dir, diag);
    if (err != SLK_OK)
        return err;
    pthread_rwlock_wrlock(&m->config_lock);
    slk_config_fixed_changes(fixed, sizeof fixed, m->config, wanted);
    /* Miners' settings are looked up each time they are used; the rest is for the next start. */
    m->config->defaults = wanted->defaults;
    memcpy(m->config->miners, wanted->miners, sizeof m->config->miners);
    m->config->miner_cnt = wanted->miner_cnt;
    pthread_rwlock_unlock(&m->config_lock);
    free(wanted);
    if (*fixed)
        slk_log(SLK_LOG_WARN, "manager", "these settings change at the next start only: %s", fixed);
    slk_log(SLK_LOG_INFO, "manager", "the configuration was read again");
    slk_runner_wake(m->runner);
    slk_poster_wake(m->poster);
    return SLK_OK;
}

/* --- What wakes sectors ------------------------------------------------------------------------------- */

static slk_err_t on_head(void *ctx, slk_db_t *db, slk_change_type_t type, const slk_head_t *head,
                         slk_diag_t *diag)
{
    slk_manager_t *m = ctx;
    int64_t now = slk_runner_now();
    slk_err_t err = type == SLK_CHANGE_REVERT
                        ? slk_sector_wake_reverted(db, now, NULL, diag)
                        : slk_sector_wake_epoch(db, head->height, now, NULL, diag);
    if (m->runner)
        slk_runner_wake(m->runner);
    slk_poster_wake(m->poster);
    return err;
}

static slk_err_t on_final_message(void *ctx, slk_db_t *db, const slk_message_row_t *row,
                                  slk_diag_t *diag)
{
    slk_manager_t *m = ctx;
    slk_err_t err = slk_sector_wake_message(db, row->key, slk_runner_now(), NULL, diag);
    slk_log(row->state == SLK_MESSAGE_DONE ? SLK_LOG_INFO : SLK_LOG_WARN, "message",
            "%s: %s, exit code %" PRId64 "%s%s", row->key, slk_message_state_text(row->state),
            row->exit_code, *row->error ? ": " : "", row->error);
    if (m->runner)
        slk_runner_wake(m->runner);
    slk_poster_wake(m->poster);
    return err;
}

static slk_err_t on_job_end(void *ctx, slk_db_t *db, const slk_job_view_t *job, int64_t now_ms,
                            slk_diag_t *diag)
{
    (void)ctx;
    if (job->state == SLK_JOB_FAILED)
        slk_log_sector(SLK_LOG_WARN, "job", job->miner, job->number, "%s failed at %s (%s): %s",
                       slk_tasks[job->task].name, *job->worker ? job->worker : "no worker",
                       slk_failure_name(job->failure), job->error);
    return slk_sector_wake_job(db, job->key, now_ms, NULL, diag);
}

static void on_job_change(void *ctx, uint64_t miner, uint64_t number)
{
    slk_manager_t *m = ctx;
    (void)miner;
    if (number == SLK_JOB_NO_SECTOR)
        slk_poster_wake(m->poster);
    else if (m->runner)
        slk_runner_wake(m->runner);
}

static void on_chain_log(void *ctx, slk_err_t err, const char *text)
{
    (void)ctx;
    slk_log(err == SLK_OK ? SLK_LOG_INFO : SLK_LOG_WARN, "chain", "%s", text);
}

/* --- Pledges ------------------------------------------------------------------------------------------ */

slk_api_t slk_manager_node(slk_manager_t *m)
{
    return (slk_api_t){.nodes = slk_chain_nodes(m->chain), .network = SLK_TESTNET};
}

slk_err_t slk_manager_pledge(slk_manager_t *m, uint64_t miner, size_t cnt, uint64_t *numbers,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_t *db = NULL;
    slk_arena_t arena;
    slk_intake_t intake;
    slk_miner_config_t config;
    const slk_api_t api = slk_manager_node(m);
    slk_arena_init(&arena, ARENA_MAX);
    if (!slk_manager_miner(m, miner, &config)) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "miner f0%" PRIu64 " is not in the configuration",
                       miner);
        goto out;
    }
    SLK_TRY(slk_intake_begin(&intake, &api, &config, &arena, diag));
    SLK_TRY(slk_db_open(&db, m->database, diag));
    SLK_TRY(slk_intake_pledge(db, &intake, cnt, slk_runner_now(), numbers, diag));
    slk_runner_wake(m->runner);
    for (size_t i = 0; i < cnt; i++)
        slk_log_sector(SLK_LOG_INFO, "sector", miner, numbers[i], "pledged");
out:
    slk_db_close(db);
    slk_arena_free(&arena);
    return err;
}

/* Begin so many that the wanted number is on its way. */
static slk_err_t autopledge(slk_manager_t *m, const slk_miner_config_t *config, slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_t *db = NULL;
    uint64_t sealing, numbers[PLEDGE_STEP];
    SLK_TRY(slk_db_open(&db, m->database, diag));
    SLK_TRY(slk_intake_sealing(db, config->actor, &sealing, diag));
    if (sealing >= config->autopledge)
        goto out;
    uint64_t cnt = config->autopledge - sealing;
    err = slk_manager_pledge(m, config->actor, cnt < PLEDGE_STEP ? (size_t)cnt : PLEDGE_STEP,
                             numbers, diag);
out:
    slk_db_close(db);
    return err;
}

/* The chain is followed again: nobody has to sit out the pause that its absence brought him. */
static void watch_chain(slk_manager_t *m, bool *followed)
{
    slk_chain_status_t status;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_chain_status(m->chain, &status);
    if (status.following && !*followed) {
        slk_err_t err = slk_db_open(&db, m->database, &diag);
        if (err == SLK_OK)
            err = slk_sector_wake_troubled(db, slk_runner_now(), NULL, &diag);
        if (err != SLK_OK)
            slk_log(SLK_LOG_ERROR, "manager", "waking sectors: %s", diag.text);
        slk_db_close(db);
        slk_runner_wake(m->runner);
    }
    *followed = status.following;
}

static void *keeper(void *arg)
{
    slk_manager_t *m = arg;
    uint64_t miners[SLK_CONFIG_MINERS_MAX];
    bool followed = false;
    while (!atomic_load(&m->stop)) {
        size_t cnt = slk_manager_miners(m, miners, SLK_CONFIG_MINERS_MAX);
        for (size_t i = 0; i < cnt && !atomic_load(&m->stop); i++) {
            slk_miner_config_t config;
            slk_diag_t diag = {0};
            if (slk_manager_miner(m, miners[i], &config) && config.enabled && config.autopledge &&
                autopledge(m, &config, &diag) != SLK_OK)
                slk_log(SLK_LOG_WARN, "manager", "autopledge of f0%" PRIu64 ": %s", miners[i],
                        diag.text);
        }
        for (int waited = 0; waited < KEEPER_MS && !atomic_load(&m->stop); waited += 100) {
            nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
            watch_chain(m, &followed);
        }
    }
    return NULL;
}

/* --- Opening ------------------------------------------------------------------------------------------- */

static slk_err_t set_paths(slk_manager_t *m, const slk_manager_opts_t *opts, slk_diag_t *diag)
{
    slk_err_t err;
    snprintf(m->version, sizeof m->version, "%s", opts->version);
    SLK_TRY(slk_path_join(m->dir, sizeof m->dir, opts->dir, "", diag));
    for (size_t len = strlen(m->dir); len > 1 && m->dir[len - 1] == '/'; len--)
        m->dir[len - 1] = 0;
    if (*m->config->database)
        snprintf(m->database, sizeof m->database, "%s", m->config->database);
    else
        SLK_TRY(slk_path_join(m->database, sizeof m->database, m->dir, "selkie.db", diag));
    if (*m->config->piece_store)
        snprintf(m->pieces, sizeof m->pieces, "%s", m->config->piece_store);
    else
        SLK_TRY(slk_path_join(m->pieces, sizeof m->pieces, m->dir, "pieces", diag));
    SLK_TRY(slk_path_join(m->output, sizeof m->output, m->dir, "output", diag));
    SLK_TRY(slk_make_dirs(m->pieces, diag));
out:
    return err;
}

static slk_err_t open_database(slk_manager_t *m, slk_diag_t *diag)
{
    slk_db_t *db;
    slk_err_t err = slk_db_open(&db, m->database, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_sector_migrate(db, diag));
    SLK_TRY(slk_job_migrate(db, diag));
    SLK_TRY(slk_post_migrate(db, diag));
    SLK_TRY(slk_message_migrate(db, diag));
    SLK_TRY(slk_head_migrate(db, diag));
out:
    slk_db_close(db);
    return err;
}

static slk_err_t open_secrets(slk_manager_t *m, slk_diag_t *diag)
{
    char path[PATH_MAX];
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, m->dir, "jwt-secret", diag));
    SLK_TRY(slk_token_key_load(&m->key, path, diag));
    SLK_TRY(slk_path_join(path, sizeof path, m->dir, "transfer-secret", diag));
    SLK_TRY(slk_token_key_load(&m->transfer_key, path, diag));
    SLK_TRY(slk_token_store_open(&m->tokens, m->database, &m->key, diag));
out:
    return err;
}

static slk_err_t open_chain(slk_manager_t *m, const slk_manager_opts_t *opts, slk_diag_t *diag)
{
    const char *info = opts->api_info;
    if (!info && *m->config->api_info)
        info = m->config->api_info;
    if (!info)
        info = getenv("FULLNODE_API_INFO");
    if (!info || !*info)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "which chain node? Set ApiInfo in [Chain] of %s/config.toml, or "
                        "FULLNODE_API_INFO, to TOKEN:ADDRESS",
                        m->dir);
    const slk_head_listener_t listener = {on_head, m};
    const slk_chain_opts_t chain = {.api_info = info,
                                    .database = m->database,
                                    .signer = opts->signer,
                                    .listeners = &listener,
                                    .listener_cnt = 1,
                                    .final = on_final_message,
                                    .final_ctx = m,
                                    .log = on_chain_log};
    return slk_chain_start(&m->chain, &chain, diag);
}

static slk_err_t open_dispatch(slk_manager_t *m, slk_diag_t *diag)
{
    const slk_dispatch_opts_t opts = {
        .database = m->database,
        .output_dir = m->output,
        .transfer_key = &m->transfer_key,
        .version = m->version,
        .beat_ms = m->config->beat_ms,
        .lease_ms = m->config->lease_ms,
        .trash_grace_ms = m->config->trash_grace_ms,
        .hooks = {.ended = on_job_end, .changed = on_job_change, .ctx = m},
    };
    return slk_dispatch_open(&m->dispatch, &opts, diag);
}

static slk_err_t open_runner(slk_manager_t *m, const slk_manager_opts_t *opts, slk_diag_t *diag)
{
    const slk_runner_opts_t runner = {.database = m->database,
                                      .chain = m->chain,
                                      .dispatch = m->dispatch,
                                      .signer = opts->signer,
                                      .nonces =
                                          m->config->own_nonces ? SLK_OWN_NONCE : SLK_NODE_NONCE,
                                      .params_dir = opts->params_dir,
                                      .config = miner_config,
                                      .miners = miner_list,
                                      .config_ctx = m};
    slk_runner_t *started;
    slk_poster_t *poster = NULL;
    slk_err_t err = slk_runner_start(&started, &runner, diag);
    atomic_store(&m->runner, err == SLK_OK ? started : NULL);
    if (err == SLK_OK)
        err = slk_poster_start(&poster, &runner, started, &m->transfer_key, diag);
    atomic_store(&m->poster, poster);
    return err;
}

/* What others find us by: the address, and a token for who may read the folder. */
static slk_err_t write_files(slk_manager_t *m, slk_diag_t *diag)
{
    char path[PATH_MAX], token[SLK_TOKEN_TEXT_MAX], api[512], host[256];
    slk_err_t err;
    const char *colon = strrchr(m->address, ':');
    snprintf(host, sizeof host, "%.*s", (int)(colon - m->address), m->address);
    bool any = !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
    bool six = strchr(host, ':') && !any;
    snprintf(api, sizeof api, "/%s/%s/tcp/%s/%s", six ? "ip6" : "ip4", any ? "127.0.0.1" : host,
             colon + 1, *m->config->tls_cert ? "https" : "http");
    slk_token_new(token, &m->key, slk_perms_upto(SLK_PERM_ADMIN));
    mode_t before = umask(0077);
    SLK_TRY(slk_path_join(path, sizeof path, m->dir, "token", diag));
    SLK_TRY(slk_write_file(path, token, strlen(token), diag));
    SLK_TRY(slk_path_join(path, sizeof path, m->dir, "api", diag));
    SLK_TRY(slk_write_file(path, api, strlen(api), diag));
out:
    umask(before);
    explicit_bzero(token, sizeof token);
    return err;
}

static void remove_files(const slk_manager_t *m)
{
    char path[PATH_MAX];
    slk_diag_t ignored;
    if (slk_path_join(path, sizeof path, m->dir, "api", &ignored) == SLK_OK)
        unlink(path);
}

slk_err_t slk_manager_open(slk_manager_t **out, const slk_manager_opts_t *opts, slk_diag_t *diag)
{
    slk_err_t err;
    slk_manager_t *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    m->lock_fd = -1;
    m->started_ms = slk_runner_now();
    pthread_rwlock_init(&m->config_lock, NULL);
    SLK_TRY(load_config(&m->config, opts->dir, diag));
    SLK_TRY(set_paths(m, opts, diag));
    err = slk_lock_dir(&m->lock_fd, m->dir, diag);
    if (err == SLK_ERR_BUSY)
        slk_fail(diag, err, "%s: another manager runs there", m->dir);
    if (err != SLK_OK)
        goto out;
    SLK_TRY(open_database(m, diag));
    SLK_TRY(open_secrets(m, diag));
    SLK_TRY(open_dispatch(m, diag));
    SLK_TRY(open_chain(m, opts, diag));
    SLK_TRY(open_runner(m, opts, diag));
    SLK_TRY(slk_manager_serve(m, m->config, opts->listen, diag));
    SLK_TRY(write_files(m, diag));
    int rc = slk_net_thread(&m->keeper, keeper, m);
    if (rc != 0) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
        goto out;
    }
    m->keeper_runs = true;
    *out = m;
    return SLK_OK;
out:
    slk_manager_close(m);
    return err;
}

void slk_manager_close(slk_manager_t *m)
{
    if (!m)
        return;
    atomic_store(&m->stop, true);
    if (m->lock_fd >= 0)
        remove_files(m);
    if (m->keeper_runs)
        pthread_join(m->keeper, NULL);
    if (m->dispatch)
        slk_dispatch_stop(m->dispatch);
    slk_http_server_free(m->server, 2000);
    slk_rpc_api_free(m->api);
    slk_runner_stop(m->runner);
    slk_poster_stop(m->poster);
    slk_chain_stop(m->chain);
    slk_dispatch_close(m->dispatch);
    slk_poster_free(m->poster);
    slk_runner_free(m->runner);
    slk_token_store_close(m->tokens);
    slk_token_key_wipe(&m->key);
    slk_token_key_wipe(&m->transfer_key);
    if (m->lock_fd >= 0)
        close(m->lock_fd);
    pthread_rwlock_destroy(&m->config_lock);
    free(m->config);
    free(m);
}

bool slk_manager_is_told_to_end(const slk_manager_t *m)
{
    return atomic_load(&m->told_to_end);
}

const char *slk_manager_address(const slk_manager_t *m)
{
    return m->address;
}
