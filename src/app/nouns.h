#ifndef SLK_APP_NOUNS_H
#define SLK_APP_NOUNS_H

/* The command tables, one a noun; each ends with an empty row. */

#include "app/command.h"

extern const slk_command_t slk_run_commands[];
extern const slk_command_t slk_manager_commands[];
extern const slk_command_t slk_worker_commands[];
extern const slk_command_t slk_sectors_commands[];
extern const slk_command_t slk_sealing_commands[];
extern const slk_command_t slk_proving_commands[];
extern const slk_command_t slk_store_commands[];
extern const slk_command_t slk_auth_commands[];
extern const slk_command_t slk_config_commands[];
extern const slk_command_t slk_seal_commands[];
extern const slk_command_t slk_piece_commands[];
extern const slk_command_t slk_post_commands[];
extern const slk_command_t slk_params_commands[];
extern const slk_command_t slk_chain_commands[];
extern const slk_command_t slk_message_commands[];
extern const slk_command_t slk_wallet_commands[];
extern const slk_command_t slk_devnet_commands[];
extern const slk_command_t slk_actor_commands[];
extern const slk_command_t slk_processor_commands[];
extern const slk_command_t slk_bench_commands[];
extern const slk_command_t slk_completion_commands[];
extern const slk_command_t slk_help_commands[];

/* `wallet send`, which sends as the commands of cmd_actor.c do. */
slk_run_fn_t slk_run_wallet_send;

#endif /* SLK_APP_NOUNS_H */
