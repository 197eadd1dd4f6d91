#ifndef SLK_CRYPTO_ELECTION_BEACON_H
#define SLK_CRYPTO_ELECTION_BEACON_H

/* Beacon rounds of epochs (chain.md 5). Pure functions, any thread. */

#include "selkie/proof_types.h"

#include <stdint.h>

/* A drand chain: seconds between rounds, Unix time of round 1. */
typedef struct {
    uint64_t period, genesis;
} slk_drand_t;

/* Quicknet, which all networks use now. */
extern const slk_drand_t slk_drand_quicknet;

/* MaxBeaconRoundForEpoch of a chain whose genesis block has this Unix time, with block_delay seconds
 * an epoch: the last round that was out one block delay before the epoch; 1 before drand began. */
uint64_t slk_drand_round(const slk_drand_t *drand, int64_t epoch, uint64_t genesis_time,
                         uint64_t block_delay);

/* The mock beacon of development chains: round of an epoch >= -100, Data of a round's entry. The
 * genesis block's entry is not one of it: round 0, 32 zero bytes. */
uint64_t slk_mock_round(int64_t epoch);
slk_node_t slk_mock_entry(uint64_t round);

#endif /* SLK_CRYPTO_ELECTION_BEACON_H */
