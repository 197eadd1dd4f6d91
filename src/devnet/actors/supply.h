#ifndef SLK_DEVNET_ACTORS_SUPPLY_H
#define SLK_DEVNET_ACTORS_SUPPLY_H

/* FIL in circulation, as the machine of a tipset sees it: computed from the state before the
 * tipset's messages at the tipset's epoch, and what StateVMCirculatingSupplyInternal answers
 * (lotus:chain/stmgr/supply.go; spec chain.md 4.3). The vesting schedule is mainnet's, from
 * epoch -6 on, as in lotus' 2k network; it does not shrink with a scaled proving period. */

#include "codec/bigint.h"
#include "devnet/vm/state_tree.h"

/* Names as Lotus' without "Fil"; attoFIL. */
typedef struct {
    slk_bigint_t vested, mined, burnt, locked, circulating, reserve_disbursed;
} slk_supply_t;

/* SLK_ERR_STATE: the state has no reward, power, burnt or reserve actor. */
SLK_CHECK_RESULT slk_err_t slk_circulating_supply(slk_supply_t *supply, slk_state_tree_t *tree,
                                                  const slk_blockstore_t *store, int64_t epoch,
                                                  slk_diag_t *diag);

#endif /* SLK_DEVNET_ACTORS_SUPPLY_H */
