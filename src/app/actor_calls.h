#ifndef SLK_APP_ACTOR_CALLS_H
#define SLK_APP_ACTOR_CALLS_H

/* What the commands `actor` ask of a node and send to it. Apart from the commands for the reason of
 * node_calls.h. Words, methods and checks before sending are those of lotus-miner. */

#include "app/wallet_calls.h"

typedef struct {
    slk_wallet_use_t wallet; /* .use: the node, always there */
    const char *store, *max_fee;
    uint64_t confidence;
    double timeout;
    bool no_wait;
    bool dry;          /* say what would be sent; send nothing */
    const char *actor; /* the miner; not read by create */
    const char *from;  /* sender instead of the usual one; NULL: that */
} slk_actor_use_t;

/* Are the options for sending in range? SLK_ERR_INPUT. */
SLK_CHECK_RESULT slk_err_t slk_actor_check(const slk_actor_use_t *use, slk_diag_t *diag);

/* *result: see the tables of cmd_actor.c. *failed: a message was executed with another exit code than 0;
 * diag says which. SLK_ERR_INPUT: an argument; SLK_ERR_STATE: the miner or the node says no. */
#define SLK_ACTOR_OUT json_t **result, bool *failed, slk_diag_t *diag

SLK_CHECK_RESULT slk_err_t slk_actor_info(const slk_actor_use_t *use, json_t **result,
                                          slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_actor_control_list(const slk_actor_use_t *use, json_t **result,
                                                  slk_diag_t *diag);

typedef struct {
    const char *owner, *worker; /* worker NULL: the owner */
    const char *peer_id;        /* NULL: none yet */
    uint64_t size;              /* bytes of a sector */
} slk_actor_new_t;
/* The sender is use->from, or the owner. */
SLK_CHECK_RESULT slk_err_t slk_actor_create(const slk_actor_use_t *use, const slk_actor_new_t *what,
                                            SLK_ACTOR_OUT);

/* texts: multiaddrs; none: unset. */
SLK_CHECK_RESULT slk_err_t slk_actor_set_addrs(const slk_actor_use_t *use, char *const *texts,
                                               size_t cnt, SLK_ACTOR_OUT);
SLK_CHECK_RESULT slk_err_t slk_actor_set_peer_id(const slk_actor_use_t *use, const char *text,
                                                 SLK_ACTOR_OUT);
/* sender: the present owner (NULL: he) proposes, the new one confirms. */
SLK_CHECK_RESULT slk_err_t slk_actor_set_owner(const slk_actor_use_t *use, const char *owner,
                                               const char *sender, SLK_ACTOR_OUT);
SLK_CHECK_RESULT slk_err_t slk_actor_control_set(const slk_actor_use_t *use, char *const *texts,
                                                 size_t cnt, SLK_ACTOR_OUT);
SLK_CHECK_RESULT slk_err_t slk_actor_propose_worker(const slk_actor_use_t *use, const char *worker,
                                                    SLK_ACTOR_OUT);
SLK_CHECK_RESULT slk_err_t slk_actor_confirm_worker(const slk_actor_use_t *use, const char *worker,
                                                    SLK_ACTOR_OUT);

/* amount NULL: all there is; all that is owed. */
SLK_CHECK_RESULT slk_err_t slk_actor_withdraw(const slk_actor_use_t *use, const char *amount,
                                              bool by_beneficiary, SLK_ACTOR_OUT);
SLK_CHECK_RESULT slk_err_t slk_actor_repay_debt(const slk_actor_use_t *use, const char *amount,
                                                SLK_ACTOR_OUT);

/* Numbers below n, or all but so many below the highest that was ever used. */
SLK_CHECK_RESULT slk_err_t slk_actor_compact(const slk_actor_use_t *use, bool last_offset,
                                             uint64_t n, SLK_ACTOR_OUT);

SLK_CHECK_RESULT slk_err_t slk_actor_set_beneficiary(const slk_actor_use_t *use,
                                                     const char *beneficiary, const char *quota,
                                                     const char *expiration, bool overwrite,
                                                     SLK_ACTOR_OUT);
/* nominee: the new beneficiary says yes, else the present one. */
SLK_CHECK_RESULT slk_err_t slk_actor_confirm_beneficiary(const slk_actor_use_t *use, bool nominee,
                                                         SLK_ACTOR_OUT);

/* Move an amount to an address, as people write both. The sender is use->from, or the default key. Not a matter of
 * miners, but sent as the messages above. */
SLK_CHECK_RESULT slk_err_t slk_wallet_send(const slk_actor_use_t *use, const char *to,
                                           const char *amount, SLK_ACTOR_OUT);

#endif /* SLK_APP_ACTOR_CALLS_H */
