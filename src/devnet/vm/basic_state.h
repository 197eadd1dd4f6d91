#ifndef SLK_DEVNET_VM_BASIC_STATE_H
#define SLK_DEVNET_VM_BASIC_STATE_H

/* State of system and cron, as in the real chain's state (StateReadState shows it), and the map of init, which the
 * machine itself changes when it makes an account. Init's AddressMap: HAMT of bit width 5, address bytes to id. */

#include "codec/actors/account.h"
#include "codec/actors/init.h"
#include "codec/ipld/blockstore.h"

#define SLK_SYSTEM_STATE_ROWS(F, T) F(T, CID, builtin_actors, "BuiltinActors")
SLK_RECORD(slk_system_state, SLK_SYSTEM_STATE_ROWS);

#define SLK_CRON_ENTRY_ROWS(F, T)                                                                  \
    F(T, ADDRESS, receiver, "Receiver")                                                            \
    F(T, U64, method, "MethodNum")
SLK_RECORD(slk_cron_entry, SLK_CRON_ENTRY_ROWS);
#define SLK_CRON_STATE_ROWS(F, T) F(T, LIST, entries, "Entries", slk_cron_entry)
SLK_RECORD(slk_cron_state, SLK_CRON_STATE_ROWS);

#define SLK_FIRST_USER_ID  100u
#define SLK_FIRST_MINER_ID 1000u

/* A new entry of the init actor's map: address to its next id, which *state counts up. */
SLK_CHECK_RESULT slk_err_t slk_init_map_address(slk_init_state_t *state, uint64_t *id,
                                                const slk_address_t *address,
                                                const slk_blockstore_t *store, slk_diag_t *diag);

#endif /* SLK_DEVNET_VM_BASIC_STATE_H */
