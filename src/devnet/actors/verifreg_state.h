#ifndef SLK_DEVNET_ACTORS_VERIFREG_STATE_H
#define SLK_DEVNET_ACTORS_VERIFREG_STATE_H

/* The verified registry's state, for its files (builtin-actors v18; spec chain.md 3.5, 4.1):
 *
 *   verifreg             verifiers, clients, the table of methods
 *   verifreg_allocation  allocations by transfers of data cap, their end
 *   verifreg_claim       claims of providers
 *
 * Allocations: HAMT from client's id to a HAMT from allocation's id; claims: from provider's id
 * to one from the id that was the allocation's. */

#include "codec/actors/verifreg.h"
#include "devnet/actors/batch.h"
#include "devnet/actors/state_map.h"

/* An entry of a map of maps. */
slk_exit_t slk_verifreg_get(slk_rt_t *rt, const slk_cid_t *root, uint64_t owner, uint64_t id,
                            void *record, const slk_type_t *type, bool *found);
slk_exit_t slk_verifreg_put(slk_rt_t *rt, slk_cid_t *root, uint64_t owner, uint64_t id,
                            const void *record, const slk_type_t *type);
slk_exit_t slk_verifreg_remove(slk_rt_t *rt, slk_cid_t *root, uint64_t owner, uint64_t id);
/* Ids of an owner, in the order of the map. */
slk_exit_t slk_verifreg_ids(slk_rt_t *rt, const slk_cid_t *root, uint64_t owner,
                            slk_numbers_t *ids);

slk_exit_t slk_verifreg_allocation_event(slk_rt_t *rt, const char *type, uint64_t id,
                                         const slk_allocation_t *allocation);
slk_exit_t slk_verifreg_claim_event(slk_rt_t *rt, const char *type, uint64_t id,
                                    const slk_claim_t *claim);

/* Calls of the data cap actor, in bytes. */
slk_exit_t slk_datacap_balance(slk_rt_t *rt, uint64_t owner, slk_bigint_t *bytes);
slk_exit_t slk_datacap_mint(slk_rt_t *rt, uint64_t to, slk_bigint_t bytes);
slk_exit_t slk_datacap_burn(slk_rt_t *rt, slk_bigint_t bytes); /* of the registry's own */
slk_exit_t slk_datacap_transfer(slk_rt_t *rt, uint64_t to, slk_bigint_t bytes);

slk_actor_fn_t slk_verifreg_receive, slk_verifreg_remove_expired_allocations,
    slk_verifreg_claim_allocations, slk_verifreg_get_claims, slk_verifreg_extend_claim_terms,
    slk_verifreg_remove_expired_claims;

#endif /* SLK_DEVNET_ACTORS_VERIFREG_STATE_H */
