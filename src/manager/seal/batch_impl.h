#ifndef SLK_MANAGER_SEAL_BATCH_IMPL_H
#define SLK_MANAGER_SEAL_BATCH_IMPL_H

/* What the parts of batch_message.c share: who of a batch can go, with what, paid by whom. */

#include "base/assert.h"
#include "manager/seal/batch_message.h"
#include "manager/seal/pieces.h"

#include <inttypes.h>

/* One sector of the batch. */
typedef struct {
    size_t index; /* among those given */
    const slk_sector_info_t *sector;
    bool out;           /* has its step already, or has to wait: not in the message */
    slk_bigint_t money; /* attoFIL for the deposit, or for the pledge beyond the deposit */
    union {
        slk_sector_pre_commit_info_t pre_commit;
        slk_sector_activation_manifest_t activation;
        slk_api_sector_location_t at; /* of a termination */
    };
} slk_member_t;

/* A message being made. As with slk_turn_t: false means that it is settled (trouble or an error). */
typedef struct {
    const slk_world_t *world;
    slk_batch_kind_t kind;
    uint64_t miner;
    slk_world_net_t net;
    slk_api_miner_info_t info; /* of the miner */
    slk_arena_t *arena;
    slk_batch_message_t *out;
    slk_member_t *members;
    size_t member_cnt;
    slk_err_t err;
    slk_diag_t *diag;
    slk_diag_t said;
} slk_making_t;

/* As slk_turn_look. */
bool slk_making_look(slk_making_t *m, slk_look_t look, bool *there);
void slk_making_no_memory(slk_making_t *m);
/* This one does not go: its event, with m->said as the reason. */
void slk_making_exclude(slk_making_t *m, slk_member_t *member, slk_event_type_t type);

/* Prepare each member, or exclude it. */
bool slk_batch_pre_commit(slk_making_t *m, slk_member_t *member);
bool slk_batch_commit(slk_making_t *m, slk_member_t *member);
bool slk_batch_terminate(slk_making_t *m, slk_member_t *member);

/* Parameters of these members as CBOR in the arena. */
bool slk_batch_params(slk_making_t *m, slk_member_t *const *members, size_t cnt,
                      slk_bytes_t *params);

/* Of `amount` what has to be sent with the message: spec lotus-miner.md 1.7, collateralSendAmount. */
bool slk_batch_collateral(slk_making_t *m, slk_bigint_t amount, slk_bigint_t *send);
/* Who sends, having `funds` if somebody has: spec 4.3. */
bool slk_batch_sender(slk_making_t *m, const slk_bigint_t *funds, slk_address_t *from);

/* Until when a sector that is pre-committed now is promised: pure. The numbers of spec 1.6, but never above
 * what the actor takes at this height. */
int64_t slk_batch_expiration(const slk_sector_info_t *sector, const slk_policy_t *policy,
                             int64_t height, int64_t lifetime);

#endif /* SLK_MANAGER_SEAL_BATCH_IMPL_H */
