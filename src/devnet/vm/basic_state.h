#ifndef SLK_DEVNET_VM_BASIC_STATE_H
#define SLK_DEVNET_VM_BASIC_STATE_H

/* State of the actors that the machine itself looks into: init's map of addresses, the keys of accounts; and of
 * system and cron. As in the real chain's state (StateReadState shows it). */

#include "codec/ipld/blockstore.h"
#include "codec/record.h"

#define SLK_SYSTEM_STATE_ROWS(F, T) F(T, CID, builtin_actors, "BuiltinActors")
SLK_RECORD(slk_system_state, SLK_SYSTEM_STATE_ROWS);

/* AddressMap: HAMT of bit width 5, address bytes to id. */
#define SLK_INIT_STATE_ROWS(F, T)                                                                  \
    F(T, CID, address_map, "AddressMap")                                                           \
    F(T, U64, next_id, "NextID")                                                                   \
    F(T, TEXT, network_name, "NetworkName")
SLK_RECORD(slk_init_state, SLK_INIT_STATE_ROWS);

#define SLK_ACCOUNT_STATE_ROWS(F, T) F(T, ADDRESS, address, "Address")
SLK_RECORD(slk_account_state, SLK_ACCOUNT_STATE_ROWS);

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
