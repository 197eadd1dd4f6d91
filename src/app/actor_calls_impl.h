#ifndef SLK_APP_ACTOR_CALLS_IMPL_H
#define SLK_APP_ACTOR_CALLS_IMPL_H

/* Shared by actor_*.c. */

#include "app/actor_calls.h"
#include "app/send_message.h"
#include "codec/actors/miner.h"

/* A miner, as the node shows it now. */
typedef struct {
    const slk_actor_use_t *use;
    slk_node_talk_t talk;
    slk_address_t id;
    slk_api_miner_info_t info;
} slk_miner_talk_t;

/* In place; close it in any case. */
SLK_CHECK_RESULT slk_err_t slk_miner_talk_open(slk_miner_talk_t *miner, const slk_actor_use_t *use,
                                               slk_diag_t *diag);
void slk_miner_talk_close(slk_miner_talk_t *miner);

/* The id of an address that a user wrote; the key address behind one that has to sign. */
SLK_CHECK_RESULT slk_err_t slk_resolve_id(slk_node_talk_t *talk, const char *text,
                                          slk_address_t *id, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_resolve_key(slk_node_talk_t *talk, const slk_address_t *address,
                                           slk_address_t *key, slk_diag_t *diag);

json_t *slk_address_json(const slk_address_t *address, slk_network_t network); /* null: undefined */
/* "name" in FIL and "name_atto". */
void slk_amount_json(json_t *json, const char *name, const slk_bigint_t *atto);

/* Send (or only say what would be sent), and say what became of it. json: fields that stand in front. */
SLK_CHECK_RESULT slk_err_t slk_actor_send(slk_node_talk_t *talk, const slk_actor_use_t *use,
                                          const slk_send_call_t *call, slk_message_row_t *row,
                                          json_t *json, bool *failed, slk_diag_t *diag);

/* Call a method of the miner by name, from the address that stands for `from`. */
SLK_CHECK_RESULT slk_err_t slk_miner_send(slk_miner_talk_t *miner, const slk_address_t *from,
                                          const slk_bigint_t *value, const char *method,
                                          const void *params, slk_message_row_t *row, json_t *json,
                                          bool *failed, slk_diag_t *diag);

/* The balances that only the miner's state has. SLK_ERR_STATE: the node does not show states. */
typedef struct {
    slk_bigint_t balance, locked, deposits, pledge, fee_debt;
} slk_miner_funds_t;
SLK_CHECK_RESULT slk_err_t slk_miner_funds(slk_miner_talk_t *miner, slk_miner_funds_t *funds,
                                           slk_diag_t *diag);

#endif /* SLK_APP_ACTOR_CALLS_IMPL_H */
