#ifndef SLK_MANAGER_CONFIG_H
#define SLK_MANAGER_CONFIG_H

/* What an operator sets: manager/config.toml below the repo. The keys, their defaults and their texts are
 * one table (manager/config.c), from which `selkie config default` is written. Names are Lotus' where Lotus
 * has them, durations are texts such as "1h30m", amounts "0.05 FIL". */

#include "codec/bigint.h"
#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SLK_CONFIG_TEXT_MAX    512
#define SLK_CONFIG_SENDERS_MAX 16
#define SLK_CONFIG_MINERS_MAX  64

typedef struct {
    slk_bigint_t base, per_sector; /* attoFIL */
} slk_fee_limit_t;

/* [[Miners]]: one of the tenants. A field that is not given has the value of [Sealing], [Proving] or [Fees]. */
typedef struct {
    uint64_t actor; /* id */
    bool enabled;   /* false: known, not sealed for */

    /* Sealing. */
    bool use_synthetic_porep;
    bool finalize_early;
    bool make_cc_sectors_available;
    bool always_keep_unsealed_copy;
    uint64_t max_sealing_sectors, max_wait_deals_sectors;    /* 0: no limit */
    int64_t wait_deals_delay_ms, start_epoch_sealing_buffer; /* the latter in epochs */
    int64_t committed_capacity_lifetime_epochs;              /* 0: the longest there is */
    uint64_t autopledge; /* so many committed-capacity sectors are always being sealed; 0: none */
    uint64_t min_number; /* numbers below are not used */

    /* Batches. */
    uint64_t max_pre_commit_batch, max_commit_batch, terminate_batch_min, terminate_batch_max;
    int64_t pre_commit_batch_wait_ms, pre_commit_batch_slack_ms;
    int64_t commit_batch_wait_ms, commit_batch_slack_ms, terminate_batch_wait_ms;
    bool require_activation_success, require_notification_success;

    /* Money. */
    bool collateral_from_miner_balance, disable_collateral_fallback;
    slk_bigint_t available_balance_buffer;
    slk_fee_limit_t max_pre_commit_batch_gas_fee, max_commit_batch_gas_fee;
    slk_bigint_t max_terminate_gas_fee, max_window_post_gas_fee;

    /* Window proofs. */
    bool proving;
    int64_t challenge_confidence, submit_confidence; /* epochs */
    uint64_t max_partitions_per_post_message;        /* 0: as the network has it */
    int64_t post_read_timeout_ms, post_sector_timeout_ms;

    /* Senders, as texts of addresses; none: the worker, then the owner. */
    char pre_commit_control[SLK_CONFIG_SENDERS_MAX][SLK_CONFIG_TEXT_MAX / 4];
    char commit_control[SLK_CONFIG_SENDERS_MAX][SLK_CONFIG_TEXT_MAX / 4];
    char terminate_control[SLK_CONFIG_SENDERS_MAX][SLK_CONFIG_TEXT_MAX / 4];
    bool disable_owner_fallback, disable_worker_fallback;

    int64_t message_confidence; /* epochs; Lotus' 5 */
    int64_t retry_cooldown_ms;  /* between tries of a failed step; Lotus' 1 minute */
} slk_miner_config_t;

typedef struct {
    /* [API] */
    char listen_address[SLK_CONFIG_TEXT_MAX]; /* "127.0.0.1:2345" */
    char tls_cert[SLK_CONFIG_TEXT_MAX], tls_key[SLK_CONFIG_TEXT_MAX];
    /* [Chain] */
    char api_info[4 * SLK_CONFIG_TEXT_MAX]; /* empty: FULLNODE_API_INFO */
    bool own_nonces; /* choose nonces ourselves instead of by MpoolPushMessage */
    /* [Database] */
    char database[SLK_CONFIG_TEXT_MAX]; /* empty: manager/selkie.db in the repo */
    /* [Workers] */
    int64_t beat_ms, lease_ms; /* the latter is at least three times the former */
    /* [Storage] */
    int64_t trash_grace_ms;
    /* [Pieces] */
    char piece_store[SLK_CONFIG_TEXT_MAX]; /* folder; empty: manager/pieces */
    /* [Logging] */
    char log_format[16]; /* "text", "json" */

    slk_miner_config_t defaults; /* [Sealing], [Dealmaking], [Proving], [Fees], [Addresses] */
    slk_miner_config_t miners[SLK_CONFIG_MINERS_MAX];
    size_t miner_cnt;
} slk_manager_config_t;

/* Read a file; what it does not say is default. Unknown keys, wrong types and values out of range are errors
 * that name file, line, key, what was expected, what was found (SLK_ERR_FORMAT); an unknown key also the
 * nearest known one. After an error the config is not to be used. The file of [[Miners]]:
 *
 *     [[Miners]]                 all of [Sealing], [Dealmaking], [Proving], [Fees], [Addresses] holds
 *     Actor = "t01000"           must be given
 *     Enabled = true
 *     [Miners.Sealing]           what is different for this one
 *     Autopledge = 2
 */
SLK_CHECK_RESULT slk_err_t slk_config_load(slk_manager_config_t *config, const char *path,
                                           slk_diag_t *diag);
void slk_config_defaults(slk_manager_config_t *config);

/* The settings of a miner; NULL: not one of ours. */
const slk_miner_config_t *slk_config_miner(const slk_manager_config_t *config, uint64_t actor);

/* The whole documented file with the values of config, those that are default behind a '#'; reading it gives
 * config again. To be freed; NULL: out of memory. */
char *slk_config_text(const slk_manager_config_t *config);

/* Keys that differ and cannot change while running, separated by ", "; empty: all can be taken over. */
void slk_config_fixed_changes(char *out, size_t cap, const slk_manager_config_t *now,
                              const slk_manager_config_t *wanted);

#endif /* SLK_MANAGER_CONFIG_H */
