#include "manager/config.h"

#include "base/assert.h"
#include "codec/address.h"
#include "config/table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- What texts must look like --------------------------------------------------------------- */

static bool is_listen(const char *text, const char **expected)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    *expected = "an address and a port, such as \"127.0.0.1:2345\" or \"[::1]:2345\"";
    if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    bool brackets = *text == '[' && colon[-1] == ']';
    return !*end && port <= 65535 && (brackets || !memchr(text, ':', (size_t)(colon - text)));
}

static bool is_address(const char *text, const char **expected)
{
    slk_address_t address;
    *expected = "the addresses of senders, such as [\"t3abc...\", \"t01005\"]";
    return *text && slk_address_from_text(&address, text, NULL) == SLK_OK;
}

/* --- Keys ------------------------------------------------------------------------------------ */

#define HOUR_MS      INT64_C(3600000)
#define GLOBAL(name) SLK_KEY_FIELD(slk_manager_config_t, name)
#define MINER(name)  SLK_KEY_FIELD(slk_miner_config_t, name)

/* Of the whole manager: taken over at its next start. */
static const slk_key_t global_rows[] = {
    {"API", "ListenAddress", SLK_KEY_TEXT, GLOBAL(listen_address), "\"127.0.0.1:2345\"",
     .doc = "Where the manager listens: for the command line and for workers. Workers on other "
            "machines need an address that they can reach.",
     .check = is_listen, .fixed = true},
    {"API", "TLSCert", SLK_KEY_TEXT, GLOBAL(tls_cert), "\"\"",
     .doc = "File with the certificate chain (PEM) to serve HTTPS with; empty: HTTP, which is for "
            "one machine or a network of your own.",
     .fixed = true},
    {"API", "TLSKey", SLK_KEY_TEXT, GLOBAL(tls_key), "\"\"",
     .doc = "File with the private key (PEM) that belongs to TLSCert.", .fixed = true},
    {"Chain", "ApiInfo", SLK_KEY_TEXT, GLOBAL(api_info), "\"\"",
     .doc = "The chain node, as Lotus writes it: \"token:/ip4/127.0.0.1/tcp/1234/http\"; several, "
            "separated by commas, are used in this order while the ones before do not answer. "
            "Empty: the environment variable FULLNODE_API_INFO.",
     .fixed = true},
    {"Chain", "OwnNonces", SLK_KEY_BOOL, GLOBAL(own_nonces), "false",
     .doc = "Choose the nonces of messages here and not at the node. Needed with several nodes; "
            "then nobody else may send from these addresses.",
     .fixed = true},
    {"Database", "URL", SLK_KEY_TEXT, GLOBAL(database), "\"\"",
     .doc = "File of the SQLite database, or \"postgresql://user@host/name\". Empty: selkie.db "
            "beside this file.",
     .fixed = true},
    {"Workers", "BeatInterval", SLK_KEY_DURATION, GLOBAL(beat_ms), "\"3s\"",
     .doc = "How often workers report.", .min = 200, .max = 60000, .fixed = true},
    {"Workers", "LeaseDuration", SLK_KEY_DURATION, GLOBAL(lease_ms), "\"1m\"",
     .doc = "How long a job stays with a worker that does not report. Then another one may take "
            "it. At least three times BeatInterval.",
     .min = 1000, .max = 24 * HOUR_MS, .fixed = true},
    {"Storage", "TrashGrace", SLK_KEY_DURATION, GLOBAL(trash_grace_ms), "\"72h\"",
     .doc = "Removed files of sectors stay in the trash of their path for so long, unless space is "
            "needed.",
     .max = 10000 * HOUR_MS, .fixed = true},
    {"Pieces", "Store", SLK_KEY_TEXT, GLOBAL(piece_store), "\"\"",
     .doc = "Folder for the data of pieces. Empty: the folder pieces beside this file.",
     .fixed = true},
    {"Logging", "Format", SLK_KEY_TEXT, GLOBAL(log_format), "\"text\"",
     .doc = "Form of the log's lines.", .choices = "text|json", .fixed = true},
};

/* Who a [[Miners]] is. */
static const slk_key_t identity_rows[] = {
    {"", "Actor", SLK_KEY_ACTOR, MINER(actor), NULL, .doc = "Id address of the miner actor."},
    {"", "Enabled", SLK_KEY_BOOL, MINER(enabled), "true",
     .doc = "False: its sectors stay known, nothing is sealed."},
};

/* How sealing is done: for all miners, and for each one that says otherwise. */
static const slk_key_t policy_rows[] = {
    {"Sealing", "MaxWaitDealsSectors", SLK_KEY_U64, MINER(max_wait_deals_sectors), "2",
     .doc = "So many sectors at most wait for more pieces. 0: no limit."},
    {"Sealing", "MaxSealingSectors", SLK_KEY_U64, MINER(max_sealing_sectors), "0",
     .doc = "So many sectors at most are being sealed, failed ones included: no new one begins "
            "beyond it. 0: no limit."},
    {"Sealing", "WaitDealsDelay", SLK_KEY_DURATION, MINER(wait_deals_delay_ms), "\"6h\"",
     .doc = "A sector that has pieces and room for more is sealed after this time at the latest.",
     .max = 10000 * HOUR_MS},
    {"Sealing", "AlwaysKeepUnsealedCopy", SLK_KEY_BOOL, MINER(always_keep_unsealed_copy), "true",
     .doc = "Keep the data of pieces beside the sealed sector, so that it can be read at once."},
    {"Sealing", "FinalizeEarly", SLK_KEY_BOOL, MINER(finalize_early), "false",
     .doc = "Move a sector to long-term storage before its proof is on the chain: frees the "
            "sealing path sooner."},
    {"Sealing", "MakeCCSectorsAvailable", SLK_KEY_BOOL, MINER(make_cc_sectors_available), "false",
     .doc = "Offer proven sectors without data for updates with data."},
    {"Sealing", "UseSyntheticPoRep", SLK_KEY_BOOL, MINER(use_synthetic_porep), "false",
     .doc =
         "Seal with synthetic challenges: the layers of a sector can go before its seed is known."},
    {"Sealing", "CommittedCapacitySectorLifetime", SLK_KEY_EPOCHS,
     MINER(committed_capacity_lifetime_epochs), "\"12960h\"",
     .doc = "How long sectors without data are promised for, in epochs of 30 seconds. 0s: as long "
            "as the network lets.",
     .max = 2880 * 5000},
    {"Sealing", "Autopledge", SLK_KEY_U64, MINER(autopledge), "0",
     .doc = "So many sectors without data are always being sealed. 0: none by itself; see `selkie "
            "sectors pledge`.",
     .max = 100000},
    {"Sealing", "MinSectorNumber", SLK_KEY_U64, MINER(min_number), "0",
     .doc = "Numbers below are not used: they belong to another system that seals for the same "
            "miner."},
    {"Sealing", "CollateralFromMinerBalance", SLK_KEY_BOOL, MINER(collateral_from_miner_balance),
     "false",
     .doc = "Pay deposits and pledges from the miner actor's available balance instead of sending "
            "them along."},
    {"Sealing", "AvailableBalanceBuffer", SLK_KEY_AMOUNT, MINER(available_balance_buffer),
     "\"0 FIL\"", .doc = "Leave so much of the available balance untouched."},
    {"Sealing", "DisableCollateralFallback", SLK_KEY_BOOL, MINER(disable_collateral_fallback),
     "false",
     .doc =
         "With CollateralFromMinerBalance: send nothing along even when the balance is too small."},
    {"Sealing", "MaxPreCommitBatch", SLK_KEY_U64, MINER(max_pre_commit_batch), "256",
     .doc = "So many pre-commits at most in one message.", .min = 1, .max = 256},
    {"Sealing", "PreCommitBatchWait", SLK_KEY_DURATION, MINER(pre_commit_batch_wait_ms), "\"24h\"",
     .doc = "A pre-commit waits for others for so long at most.", .max = 24 * HOUR_MS},
    {"Sealing", "PreCommitBatchSlack", SLK_KEY_DURATION, MINER(pre_commit_batch_slack_ms), "\"3h\"",
     .doc = "A batch is sent so long before the first of its tickets or deals gets too old.",
     .max = 1000 * HOUR_MS},
    {"Sealing", "MaxCommitBatch", SLK_KEY_U64, MINER(max_commit_batch), "819",
     .doc = "So many proofs at most in one message.", .min = 1, .max = 819},
    {"Sealing", "CommitBatchWait", SLK_KEY_DURATION, MINER(commit_batch_wait_ms), "\"24h\"",
     .doc = "A proof waits for others for so long at most.", .max = 1000 * HOUR_MS},
    {"Sealing", "CommitBatchSlack", SLK_KEY_DURATION, MINER(commit_batch_slack_ms), "\"1h\"",
     .doc = "A batch is sent so long before the first of its pre-commits expires or deals start.",
     .max = 1000 * HOUR_MS},
    {"Sealing", "TerminateBatchMin", SLK_KEY_U64, MINER(terminate_batch_min), "1",
     .doc = "Terminations wait until there are so many, or for TerminateBatchWait.", .min = 1,
     .max = 10000},
    {"Sealing", "TerminateBatchMax", SLK_KEY_U64, MINER(terminate_batch_max), "100",
     .doc = "So many terminations at most in one message.", .min = 1, .max = 10000},
    {"Sealing", "TerminateBatchWait", SLK_KEY_DURATION, MINER(terminate_batch_wait_ms), "\"5m\"",
     .doc = "A termination waits for others for so long at most.", .max = 1000 * HOUR_MS},
    {"Sealing", "RequireActivationSuccess", SLK_KEY_BOOL, MINER(require_activation_success),
     "false",
     .doc = "A message of several sectors fails as a whole when one of them cannot be activated."},
    {"Sealing", "RequireNotificationSuccess", SLK_KEY_BOOL, MINER(require_notification_success),
     "false",
     .doc =
         "A message fails as a whole when an actor that is to be notified of new data rejects it."},
    {"Sealing", "MessageConfidence", SLK_KEY_I64, MINER(message_confidence), "5",
     .doc = "A message counts as executed when so many epochs have passed since.", .min = 1,
     .max = 900},
    {"Sealing", "RetryCooldown", SLK_KEY_DURATION, MINER(retry_cooldown_ms), "\"1m\"",
     .doc = "Time between a failure and the next try.", .min = 100, .max = 24 * HOUR_MS},
    {"Dealmaking", "StartEpochSealingBuffer", SLK_KEY_I64, MINER(start_epoch_sealing_buffer), "480",
     .doc = "A sector with a deal is sealed so many epochs before the deal starts, whether it is "
            "full or not.",
     .max = 1000000},
    {"Proving", "Enabled", SLK_KEY_BOOL, MINER(proving), "true",
     .doc = "Prove the sectors of this miner in each deadline. False: another system does."},
    {"Proving", "ChallengeConfidence", SLK_KEY_I64, MINER(challenge_confidence), "10",
     .doc = "So many epochs on top of a deadline's challenge before its randomness is used. Less "
            "where a network's windows are short.",
     .min = 1, .max = 15},
    {"Proving", "SubmitConfidence", SLK_KEY_I64, MINER(submit_confidence), "4",
     .doc = "So many epochs after a deadline has opened its first message is sent. Less where a "
            "network's windows are short.",
     .min = 0, .max = 30},
    {"Proving", "MaxPartitionsPerPoStMessage", SLK_KEY_U64, MINER(max_partitions_per_post_message),
     "0", .doc = "So many partitions at most in one message. 0: as many as the network takes.",
     .max = 100},
    {"Proving", "ReadTimeout", SLK_KEY_DURATION, MINER(post_read_timeout_ms), "\"1m\"",
     .doc = "One read of a file may take so long when a sector is proven.", .min = 100,
     .max = HOUR_MS},
    {"Proving", "SectorTimeout", SLK_KEY_DURATION, MINER(post_sector_timeout_ms), "\"5m\"",
     .doc = "A sector whose files cannot be read within this time is left out of the proof, and "
            "becomes faulty.",
     .min = 100, .max = HOUR_MS},
    {"Fees", "MaxWindowPoStGasFee", SLK_KEY_AMOUNT, MINER(max_window_post_gas_fee), "\"5 FIL\"",
     .doc = "Most that the gas of a window proof's message may cost."},
    {"Fees", "MaxTerminateGasFee", SLK_KEY_AMOUNT, MINER(max_terminate_gas_fee), "\"0.5 FIL\"",
     .doc = "Most that the gas of a termination may cost."},
    {"Fees.MaxPreCommitBatchGasFee", "Base", SLK_KEY_AMOUNT,
     MINER(max_pre_commit_batch_gas_fee.base), "\"0 FIL\"",
     .doc = "Most that the gas of a pre-commit message may cost: this, and PerSector for each "
            "sector."},
    {"Fees.MaxPreCommitBatchGasFee", "PerSector", SLK_KEY_AMOUNT,
     MINER(max_pre_commit_batch_gas_fee.per_sector), "\"0.02 FIL\"", .doc = "See Base."},
    {"Fees.MaxCommitBatchGasFee", "Base", SLK_KEY_AMOUNT, MINER(max_commit_batch_gas_fee.base),
     "\"0 FIL\"",
     .doc = "Most that the gas of a message with proofs may cost: this, and PerSector for each "
            "sector."},
    {"Fees.MaxCommitBatchGasFee", "PerSector", SLK_KEY_AMOUNT,
     MINER(max_commit_batch_gas_fee.per_sector), "\"0.03 FIL\"", .doc = "See Base."},
    {"Addresses", "PreCommitControl", SLK_KEY_TEXTS, MINER(pre_commit_control), "[]",
     .doc = "Addresses to send pre-commits from, in this order: the first one that has enough. "
            "They must be control addresses of the miner, its worker or its owner.",
     .cnt = SLK_CONFIG_SENDERS_MAX, .check = is_address},
    {"Addresses", "CommitControl", SLK_KEY_TEXTS, MINER(commit_control), "[]",
     .doc = "The same for messages with proofs.", .cnt = SLK_CONFIG_SENDERS_MAX,
     .check = is_address},
    {"Addresses", "TerminateControl", SLK_KEY_TEXTS, MINER(terminate_control), "[]",
     .doc = "The same for terminations.", .cnt = SLK_CONFIG_SENDERS_MAX, .check = is_address},
    {"Addresses", "DisableOwnerFallback", SLK_KEY_BOOL, MINER(disable_owner_fallback), "false",
     .doc = "Never send from the owner's address when the others have too little."},
    {"Addresses", "DisableWorkerFallback", SLK_KEY_BOOL, MINER(disable_worker_fallback), "false",
     .doc = "Never send from the worker's address when the control addresses have too little."},
};

static const slk_keys_t globals = {global_rows, SLK_COUNT(global_rows)};
static const slk_keys_t identity = {identity_rows, SLK_COUNT(identity_rows)};
static const slk_keys_t policy = {policy_rows, SLK_COUNT(policy_rows)};

/* All keys of the file but the miners', in one table: the policy's rows are those of `defaults`. */
typedef struct {
    slk_key_t rows[SLK_COUNT(global_rows) + SLK_COUNT(policy_rows)];
    slk_keys_t keys;
} all_keys_t;

static const slk_keys_t *all_keys(all_keys_t *all)
{
    size_t cnt = 0;
    for (size_t i = 0; i < globals.cnt; i++)
        all->rows[cnt++] = global_rows[i];
    for (size_t i = 0; i < policy.cnt; i++) {
        all->rows[cnt] = policy_rows[i];
        all->rows[cnt++].offset += offsetof(slk_manager_config_t, defaults);
    }
    all->keys = (slk_keys_t){all->rows, cnt};
    return &all->keys;
}

/* All keys of a [[Miners]]. */
typedef struct {
    slk_key_t rows[SLK_COUNT(identity_rows) + SLK_COUNT(policy_rows)];
    slk_keys_t keys;
} miner_keys_t;

static const slk_keys_t *miner_keys(miner_keys_t *all)
{
    memcpy(all->rows, identity_rows, sizeof(identity_rows));
    memcpy(all->rows + identity.cnt, policy_rows, sizeof(policy_rows));
    all->keys = (slk_keys_t){all->rows, identity.cnt + policy.cnt};
    return &all->keys;
}

/* --- Reading --------------------------------------------------------------------------------- */

void slk_config_defaults(slk_manager_config_t *config)
{
    all_keys_t all;
    memset(config, 0, sizeof(*config));
    slk_keys_defaults(all_keys(&all), config);
    slk_keys_defaults(&identity, &config->defaults);
}

/* What no single key can tell. */
static slk_err_t check_policy(const slk_miner_config_t *miner, const char *name, const char *at,
                              uint32_t line, slk_diag_t *diag)
{
    if (miner->terminate_batch_min > miner->terminate_batch_max)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "%s:%" PRIu32 ": %sSealing.TerminateBatchMin: expected at most "
                        "TerminateBatchMax, which is %" PRIu64 "; found %" PRIu64,
                        name, line, at, miner->terminate_batch_max, miner->terminate_batch_min);
    return SLK_OK;
}

static slk_err_t check_globals(const slk_manager_config_t *config, const char *name,
                               slk_diag_t *diag)
{
    if (!*config->tls_cert != !*config->tls_key)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: API.%s is given without API.%s", name,
                        *config->tls_cert ? "TLSCert" : "TLSKey",
                        *config->tls_cert ? "TLSKey" : "TLSCert");
    if (config->lease_ms < 3 * config->beat_ms)
        return slk_fail(
            diag, SLK_ERR_FORMAT,
            "%s: Workers.LeaseDuration: expected at least three times BeatInterval, %" PRId64
            " ms; found %" PRId64 " ms",
            name, 3 * config->beat_ms, config->lease_ms);
    return SLK_OK;
}

static slk_err_t read_miners(slk_manager_config_t *config, const slk_toml_t *list, const char *name,
                             slk_diag_t *diag)
{
    miner_keys_t keys;
    slk_err_t err = SLK_OK;
    if (list->kind != SLK_TOML_ARRAY)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "%s:%" PRIu32
                        ": Miners: expected tables that begin with [[Miners]]; found %s",
                        name, list->line, slk_toml_kind_text((slk_toml_kind_t)list->kind));
    for (const slk_toml_t *at = list->first; at && err == SLK_OK; at = at->next) {
        if (at->kind != SLK_TOML_TABLE)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "%s:%" PRIu32 ": Miners: expected tables; found %s", name, at->line,
                            slk_toml_kind_text((slk_toml_kind_t)at->kind));
        if (config->miner_cnt == SLK_CONFIG_MINERS_MAX)
            return slk_fail(diag, SLK_ERR_FORMAT, "%s:%" PRIu32 ": at most %d [[Miners]]", name,
                            at->line, SLK_CONFIG_MINERS_MAX);
        slk_miner_config_t *miner = &config->miners[config->miner_cnt];
        *miner = config->defaults;
        err = slk_keys_read(miner_keys(&keys), miner, at, name, "Miners.", NULL, diag);
        if (err == SLK_OK && slk_config_miner(config, miner->actor))
            err = slk_fail(diag, SLK_ERR_FORMAT,
                           "%s:%" PRIu32 ": Miners.Actor: t0%" PRIu64 " is there already", name,
                           at->line, miner->actor);
        if (err == SLK_OK)
            err = check_policy(miner, name, "Miners.", at->line, diag);
        config->miner_cnt += err == SLK_OK;
    }
    return err;
}

slk_err_t slk_config_load(slk_manager_config_t *config, const char *path, slk_diag_t *diag)
{
    static const char *const others[] = {"Miners", NULL};
    slk_err_t err;
    slk_arena_t arena;
    all_keys_t all;
    const slk_toml_t *root, *miners;
    slk_arena_init(&arena, SLK_TOML_ARENA);
    slk_config_defaults(config);
    SLK_TRY(slk_config_file(&root, &arena, path, diag));
    SLK_TRY(slk_keys_read(all_keys(&all), config, root, path, "", others, diag));
    SLK_TRY(check_globals(config, path, diag));
    SLK_TRY(check_policy(&config->defaults, path, "", 1, diag));
    miners = slk_toml_get(root, "Miners");
    if (miners)
        SLK_TRY(read_miners(config, miners, path, diag));
out:
    slk_arena_free(&arena);
    return err;
}

const slk_miner_config_t *slk_config_miner(const slk_manager_config_t *config, uint64_t actor)
{
    for (size_t i = 0; i < config->miner_cnt; i++) {
        if (config->miners[i].actor == actor)
            return &config->miners[i];
    }
    return NULL;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void put(slk_buf_t *out, const char *text)
{
    slk_buf_put(out, text, strlen(text));
}

char *slk_config_text(const slk_manager_config_t *config)
{
    slk_buf_t out = {0};
    all_keys_t all;
    put(&out,
        "# Configuration of a selkie manager (TOML). A key behind a '#' has its default.\n"
        "# Changes of [Sealing], [Dealmaking], [Proving], [Fees], [Addresses] and [[Miners]] are\n"
        "# taken over on SIGHUP, those of other sections at the next start.\n");
    slk_keys_text(&out, all_keys(&all), config, NULL, "", SLK_KEYS_DOCUMENTED);
    put(&out, "\n# Miners that this manager seals for. Each one has the settings above, and says\n"
              "# what is different with it:\n#\n"
              "#     [[Miners]]\n#     Actor = \"t01000\"\n#\n"
              "#     [Miners.Sealing]\n#     Autopledge = 2\n");
    for (size_t i = 0; i < config->miner_cnt; i++) {
        put(&out, "\n[[Miners]]\n");
        slk_keys_text(&out, &identity, &config->miners[i], NULL, "Miners.", SLK_KEYS_DIFFERENT);
        slk_keys_text(&out, &policy, &config->miners[i], &config->defaults, "Miners.",
                      SLK_KEYS_DIFFERENT);
    }
    slk_buf_put_byte(&out, 0);
    if (out.failed)
        slk_buf_free(&out);
    return (char *)out.bytes;
}

void slk_config_fixed_changes(char *out, size_t cap, const slk_manager_config_t *now,
                              const slk_manager_config_t *wanted)
{
    SLK_ASSERT(cap);
    *out = '\0';
    slk_keys_changes(out, cap, &globals, now, wanted, "", true);
}
