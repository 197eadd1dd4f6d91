#ifndef SLK_DEVNET_ACTORS_FIRST_STATE_H
#define SLK_DEVNET_ACTORS_FIRST_STATE_H

/* States of the actors that a network begins with, as their constructors make them. Each stores its
 * blocks and tells the root. */

#include "codec/address.h"
#include "codec/ipld/blockstore.h"

#define SLK_EXPECTED_LEADERS 5u /* blocks of an epoch that rewards count on */

SLK_CHECK_RESULT slk_err_t slk_first_system_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                  slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_cron_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_reward_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                  slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_power_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                 slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_market_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                  slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_verifreg_state(slk_cid_t *head, const slk_address_t *root_key,
                                                    const slk_blockstore_t *store,
                                                    slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_first_datacap_state(slk_cid_t *head, const slk_blockstore_t *store,
                                                   slk_diag_t *diag);

/* Empty trees, for those above. */
SLK_CHECK_RESULT slk_err_t slk_empty_map(slk_cid_t *root, unsigned width,
                                         const slk_blockstore_t *store, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_empty_array(slk_cid_t *root, unsigned width,
                                           const slk_blockstore_t *store, slk_diag_t *diag);

#endif /* SLK_DEVNET_ACTORS_FIRST_STATE_H */
