#ifndef SLK_CODEC_POLICY_H
#define SLK_CODEC_POLICY_H

/* The numbers that a network and its actors go by: one row a network (spec chain.md 4.1), the rest the same
 * everywhere. Epochs unless a name says otherwise. Sectors of a partition: slk_window_sectors (selkie/r1cs.h). */

#include "codec/address.h"
#include "selkie/proof_types.h"

#include <stdbool.h>

#define SLK_EPOCHS_IN_YEAR 1051897

typedef struct {
    const char *name; /* "mainnet", "calibrationnet", "butterflynet", "2k" */
    slk_network_t letter;
    uint64_t eip155;
    uint32_t block_delay_s, propagation_delay_s, equivocation_delay_s;

    int64_t precommit_challenge_delay;
    int64_t max_prove_commit_duration; /* V1_1 and synthetic seals */
    uint64_t consensus_min_power;      /* bytes */
    uint64_t creation_deposit_power;   /* bytes whose deposit a new miner pays */
    uint64_t min_verified_allocation;  /* bytes */
    uint64_t sector_sizes;             /* sum of the sizes in bytes that miners may have */

    /* Proving. */
    int64_t proving_period, challenge_window, challenge_lookback, fault_declaration_cutoff;
    uint32_t deadlines; /* of a period */
    int64_t dispute_window, chain_commit_max_age, fault_max_age;
    uint32_t partitions_per_deadline, partitions_per_message, declarations_per_message;
    uint32_t sectors_per_message;

    /* Window PoSts without recoveries are taken unverified and may be disputed, as on a real network. Without
     * (devnets), a wrong one is refused at once. */
    bool optimistic_post;

    /* Lifetimes. */
    int64_t finality, seal_lookback, max_precommit_lookback, max_ni_lookback;
    int64_t expired_precommit_delay, worker_key_change_delay;
    int64_t min_sector_expiration, max_sector_extension, max_sector_lifetime;
    int64_t end_of_life_claim_drop;

    /* Market and verified registry. */
    int64_t min_deal_duration, max_deal_duration, deal_updates_interval;
    int64_t min_allocation_term, max_allocation_term, max_allocation_expiration;
} slk_policy_t;

/* The row of a network; NULL: not known. Any thread. */
const slk_policy_t *slk_policy_by_name(const char *name);

/* A network for development whose proving period has `deadlines` windows of `window` epochs, 3 to 48 and 4 or
 * more (with fewer windows a deadline would always be its own neighbour, which nothing may change): everything that
 * is counted in windows or proving periods shrinks with them, lifetimes of a sector and of a pre-commit (counted in
 * days) as well; what is counted in epochs for other reasons (finality, lookbacks, precommit delay) stays. */
slk_policy_t slk_policy_scaled(const slk_policy_t *policy, uint32_t deadlines, int64_t window);

/* The deals that a sector may have. */
uint64_t slk_policy_max_deals(uint64_t sector_size);

#endif /* SLK_CODEC_POLICY_H */
