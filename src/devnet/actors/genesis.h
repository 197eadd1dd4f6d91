#ifndef SLK_DEVNET_ACTORS_GENESIS_H
#define SLK_DEVNET_ACTORS_GENESIS_H

/* The state that a network begins with (lotus:chain/gen/genesis; spec chain.md 9.1, 9.4):
 * system, init, reward with 1.1e9 FIL, cron, power, market, verified registry, data cap, burnt
 * funds, the reserve with what is left of 2e9 FIL, and accounts with ids from 100.
 *
 * It is the state of epoch 0, whose tipset is not executed: cron runs first at the end of epoch
 * 1.
 *
 * Otherwise than lotus' genesis: no miner with presealed sectors (a built-in producer makes
 * blocks; ids of miners and later accounts still begin at 1000), no Ethereum address manager,
 * and the reserve is an account that nobody has a key of. */

#include "codec/address.h"
#include "codec/bigint.h"
#include "codec/ipld/blockstore.h"
#include "codec/policy.h"

typedef struct {
    slk_address_t address; /* a key address */
    slk_bigint_t balance;  /* attoFIL */
} slk_genesis_account_t;

#define SLK_GENESIS_ACCOUNTS_MAX 800 /* ids below those of miners */

typedef struct {
    const char *network_name;              /* what StateNetworkName answers */
    const slk_genesis_account_t *accounts; /* the i-th gets id 100 + i */
    size_t account_cnt;
    slk_address_t verifreg_root; /* key of f080, which makes verifiers; undefined: nobody has it */
} slk_genesis_t;

/* Store the state and tell its root. SLK_ERR_INPUT: too many accounts, one that is no key or is
 * there twice, balances that are negative or more than there is. */
SLK_CHECK_RESULT slk_err_t slk_genesis_state(slk_cid_t *root, const slk_genesis_t *genesis,
                                             const slk_blockstore_t *store, slk_diag_t *diag);

#endif /* SLK_DEVNET_ACTORS_GENESIS_H */
