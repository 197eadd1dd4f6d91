#include "app/roles.h"

#include "app/actor_calls.h"
#include "app/node_calls_impl.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "manager/manager.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* --- Setting up -------------------------------------------------------------------------------------- */

static slk_err_t config_path(char out[PATH_MAX], const char *dir, slk_diag_t *diag)
{
    return slk_path_join(out, PATH_MAX, dir, "config.toml", diag);
}

/* The configuration that is there, or the default one. */
static slk_err_t load(slk_manager_config_t *config, const char *dir, bool *found, slk_diag_t *diag)
{
    char path[PATH_MAX];
    uint64_t len;
    slk_err_t err = config_path(path, dir, diag);
    if (err == SLK_OK)
        err = slk_file_len(found, &len, path, diag);
    if (err == SLK_OK && *found)
        return slk_config_load(config, path, diag);
    slk_config_defaults(config);
    return err;
}

slk_err_t slk_manager_miner_cnt(const char *dir, size_t *cnt, slk_diag_t *diag)
{
    bool found;
    slk_manager_config_t *config = calloc(1, sizeof *config);
    if (!config)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = load(config, dir, &found, diag);
    *cnt = err == SLK_OK && found ? config->miner_cnt : 0;
    free(config);
    return err;
}

bool slk_manager_logs_json(const char *dir)
{
    bool found, json = false;
    slk_diag_t ignored;
    slk_manager_config_t *config = calloc(1, sizeof *config);
    if (config && load(config, dir, &found, &ignored) == SLK_OK)
        json = !strcmp(config->log_format, "json");
    free(config);
    return json;
}

/* A miner of the node's default address, or of another one of its wallet. */
static slk_err_t create_miner(const slk_manager_setup_t *setup, uint64_t *miner,
                              const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    const char *info = setup->api_info ? setup->api_info : getenv("FULLNODE_API_INFO");
    slk_node_use_t node = {.api_info = info, .job = job};
    slk_actor_use_t use = {
        .wallet = {.use = &node, .at_node = true}, .confidence = 3, .timeout = 600};
    slk_node_talk_t talk = {0};
    slk_api_address_t owner;
    slk_address_t id;
    slk_address_text_t text;
    json_t *result = NULL;
    bool failed = false;
    if (!info || !*info)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "which chain node? Set FULLNODE_API_INFO, or give --api-info");
    slk_actor_new_t want = {.owner = setup->owner, .size = setup->sector_sz};
    if (!want.owner) {
        SLK_TRY(slk_node_talk_open(&talk, &node, diag));
        SLK_TRY(slk_api_WalletDefaultAddress(&talk.api, &talk.arena, &owner, diag));
        text = slk_address_text(&owner.v, talk.api.network);
        want.owner = text.s;
    }
    use.from = want.owner;
    SLK_TRY(slk_actor_create(&use, &want, &result, &failed, diag));
    const char *made = json_string_value(json_object_get(result, "id"));
    if (failed || !made || slk_address_from_text(&id, made, diag) != SLK_OK ||
        !slk_address_to_id(&id, miner))
        err = slk_fail(diag, SLK_ERR_STATE, "the miner was not made: %s",
                       *diag->text ? diag->text : "the answer names no id");
out:
    json_decref(result);
    slk_node_talk_close(&talk);
    return err;
}

/* What is worth saying in a new file; the values of a development network that wait for nothing. */
static void fill_in(slk_manager_config_t *config, const slk_manager_setup_t *setup)
{
    if (setup->listen)
        snprintf(config->listen_address, sizeof config->listen_address, "%s", setup->listen);
    if (setup->api_info)
        snprintf(config->api_info, sizeof config->api_info, "%s", setup->api_info);
    if (!setup->hasty)
        return;
    config->defaults.pre_commit_batch_wait_ms = 1000;
    config->defaults.commit_batch_wait_ms = 1000;
    config->defaults.terminate_batch_wait_ms = 1000;
    config->defaults.wait_deals_delay_ms = 2000;
    config->defaults.retry_cooldown_ms = 2000;
}

static slk_err_t write_config(const slk_manager_config_t *config, const char *dir, slk_diag_t *diag)
{
    char path[PATH_MAX];
    char *text = slk_config_text(config);
    slk_err_t err = config_path(path, dir, diag);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    mode_t before = umask(0077); /* ApiInfo has a token */
    if (err == SLK_OK)
        err = slk_write_file(path, text, strlen(text), diag);
    umask(before);
    free(text);
    return err;
}

slk_err_t slk_manager_setup(const char *dir, const slk_manager_setup_t *setup, uint64_t *miner,
                            const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    bool found;
    slk_manager_config_t *config = calloc(1, sizeof *config);
    if (!config)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(load(config, dir, &found, diag));
    fill_in(config, setup);
    *miner = setup->miner;
    if (setup->create)
        SLK_TRY(create_miner(setup, miner, job, diag));
    if (!slk_config_miner(config, *miner)) {
        if (config->miner_cnt == SLK_CONFIG_MINERS_MAX) {
            err = slk_fail(diag, SLK_ERR_LENGTH, "a manager has at most %d miners",
                           SLK_CONFIG_MINERS_MAX);
            goto out;
        }
        slk_miner_config_t *row = &config->miners[config->miner_cnt++];
        *row = config->defaults;
        row->actor = *miner;
        row->enabled = true;
    }
    SLK_TRY(write_config(config, dir, diag));
out:
    free(config);
    return err;
}

/* --- Running ------------------------------------------------------------------------------------------ */

slk_err_t slk_manager_role(const char *dir, const slk_manager_role_t *role, const slk_job_t *job,
                           slk_diag_t *diag)
{
    slk_manager_t *manager;
    const slk_manager_opts_t opts = {
        .dir = dir, .version = role->version, .listen = role->listen, .api_info = role->api_info};
    slk_err_t err = slk_manager_open(&manager, &opts, diag);
    if (err != SLK_OK)
        return err;
    slk_log(SLK_LOG_INFO, "manager", "serving at %s, folder %s", slk_manager_address(manager), dir);
    while (!slk_job_cancelled(job) && !slk_manager_is_told_to_end(manager)) {
        slk_diag_t why = {0};
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
        if (role->reload && atomic_exchange(role->reload, false) &&
            slk_manager_reload(manager, &why) != SLK_OK)
            slk_log(SLK_LOG_ERROR, "manager", "the configuration stays as it was: %s", why.text);
    }
    slk_log(SLK_LOG_INFO, "manager", "stopping");
    slk_manager_close(manager);
    return SLK_OK;
}
