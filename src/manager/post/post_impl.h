#ifndef SLK_MANAGER_POST_POST_IMPL_H
#define SLK_MANAGER_POST_POST_IMPL_H

/* Shared by post_runner.c (the thread, what is to be done), post_job.c (asking and taking proofs) and
 * post_message.c (sending). */

#include "manager/post/check.h"
#include "manager/post/post_runner.h"
#include "manager/post/post_store.h"
#include "manager/storage/storage_index.h"

/* One miner at one head. Functions give errors of memory and of our database, and those of the node: all mean
 * that it is looked at again later. */
typedef struct {
    const slk_runner_opts_t *opts;
    const slk_job_t *job; /* cancels at the end */
    slk_post_checks_t *checks;
    slk_db_t *db;
    slk_world_t world;
    slk_api_t api;
    slk_miner_config_t config;
    uint64_t miner;
    slk_address_t address;
    int64_t now_ms;
    slk_world_net_t net;
    slk_api_deadline_info_t info;
    slk_api_miner_info_t actor;
    slk_post_rules_t rules;
    slk_arena_t *arena;
    bool again; /* there is more to do at this head */
} slk_post_turn_t;

/* One window of it. Lists by partition, all of partitions.count. */
typedef struct {
    slk_post_window_t window;
    slk_node_t randomness; /* at Challenge */
    slk_api_partition_list_t partitions;
    slk_bitfield_t posted;
    slk_post_row_t *rows;  /* state NONE: not stored */
    slk_job_view_t *views; /* of the rows' jobs */
    slk_post_fact_t *facts;
    slk_post_action_t *actions;
    uint32_t batches;
} slk_post_look_t;

/* Found, or a failed call: the world's answer as an error. */
SLK_CHECK_RESULT slk_err_t slk_post_found(slk_look_t look, slk_diag_t *diag);

/* Sectors that a proof of the partition is about: live and not faulty, or recovering. */
SLK_CHECK_RESULT slk_err_t slk_post_to_prove(slk_bitfield_t *out,
                                             const slk_api_partition_t *partition,
                                             slk_arena_t *arena);

/* Is there a path with all that proving this sector needs? *update: of its update. */
SLK_CHECK_RESULT slk_err_t slk_post_has_files(slk_post_turn_t *t, uint64_t number, bool update,
                                              slk_storage_holder_t **holders, size_t *cnt,
                                              bool *has, slk_diag_t *diag);

/* Carry out ASK and ANEW, TAKE (which may ask again at once), for partition i. */
SLK_CHECK_RESULT slk_err_t slk_post_ask(slk_post_turn_t *t, slk_post_look_t *look, size_t i,
                                        slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_post_take(slk_post_turn_t *t, slk_post_look_t *look, size_t i,
                                         slk_diag_t *diag);

/* One message for the partitions whose action is SEND in this batch. */
SLK_CHECK_RESULT slk_err_t slk_post_send(slk_post_turn_t *t, slk_post_look_t *look, uint32_t batch,
                                         slk_diag_t *diag);

/* Declare recovered what can be read again in the deadline of this window. */
SLK_CHECK_RESULT slk_err_t slk_post_recover(slk_post_turn_t *t, const slk_post_window_t *window,
                                            slk_diag_t *diag);

/* The row as it is now, in a transaction of its own; the job `drop` (NULL: none) is wanted no more. */
SLK_CHECK_RESULT slk_err_t slk_post_store_row(slk_post_turn_t *t, const slk_post_row_t *row,
                                              const char *drop, slk_diag_t *diag);

#endif /* SLK_MANAGER_POST_POST_IMPL_H */
