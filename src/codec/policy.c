#include "codec/policy.h"

#include "base/assert.h"

#include <string.h>

#define DAY INT64_C(2880)
#define KiB (UINT64_C(1) << 10)
#define MiB (UINT64_C(1) << 20)
#define GiB (UINT64_C(1) << 30)
#define TiB (UINT64_C(1) << 40)

/* What all networks share. */
#define SHARED                                                                                     \
    .proving_period = DAY, .challenge_window = 60, .challenge_lookback = 20,                       \
    .fault_declaration_cutoff = 70, .deadlines = 48, .dispute_window = 1800,                       \
    .chain_commit_max_age = 60, .fault_max_age = 42 * DAY, .partitions_per_deadline = 3000,        \
    .partitions_per_message = 3, .declarations_per_message = 3000, .sectors_per_message = 25000,   \
    .finality = 900, .seal_lookback = 900, .max_precommit_lookback = DAY + 900,                    \
    .max_ni_lookback = 180 * DAY, .expired_precommit_delay = 960, .worker_key_change_delay = 900,  \
    .min_sector_expiration = 180 * DAY, .max_sector_extension = 1278 * DAY,                        \
    .max_sector_lifetime = 5 * (int64_t)SLK_EPOCHS_IN_YEAR, .end_of_life_claim_drop = 30 * DAY,    \
    .min_deal_duration = 180 * DAY, .max_deal_duration = 1278 * DAY,                               \
    .deal_updates_interval = 30 * DAY, .min_allocation_term = 180 * DAY,                           \
    .max_allocation_term = 5 * (int64_t)SLK_EPOCHS_IN_YEAR, .max_allocation_expiration = 60 * DAY

static const slk_policy_t networks[] = {
    {.name = "mainnet",
     .letter = SLK_MAINNET,
     .eip155 = 314,
     .block_delay_s = 30,
     .propagation_delay_s = 10,
     .equivocation_delay_s = 2,
     .precommit_challenge_delay = 150,
     .max_prove_commit_duration = 30 * DAY + 150,
     .consensus_min_power = 10 * TiB,
     .creation_deposit_power = TiB,
     .min_verified_allocation = MiB,
     .sector_sizes = 32 * GiB + 64 * GiB,
     SHARED},
    {.name = "calibrationnet",
     .letter = SLK_TESTNET,
     .eip155 = 314159,
     .block_delay_s = 30,
     .propagation_delay_s = 10,
     .equivocation_delay_s = 2,
     .precommit_challenge_delay = 150,
     .max_prove_commit_duration = 30 * DAY + 150,
     .consensus_min_power = 32 * GiB,
     .creation_deposit_power = 32 * GiB / 10,
     .min_verified_allocation = MiB,
     .sector_sizes = 32 * GiB + 64 * GiB,
     SHARED},
    {.name = "butterflynet",
     .letter = SLK_TESTNET,
     .eip155 = 3141592,
     .block_delay_s = 30,
     .propagation_delay_s = 6,
     .equivocation_delay_s = 2,
     .precommit_challenge_delay = 150,
     .max_prove_commit_duration = 30 * DAY + 150,
     .consensus_min_power = 2 * GiB,
     .creation_deposit_power = 2 * GiB / 10,
     .min_verified_allocation = MiB,
     .sector_sizes = 512 * MiB + 32 * GiB + 64 * GiB,
     SHARED},
    {.name = "2k",
     .letter = SLK_TESTNET,
     .eip155 = 31415926,
     .block_delay_s = 4,
     .propagation_delay_s = 1,
     .equivocation_delay_s = 0,
     .precommit_challenge_delay = 10,
     .max_prove_commit_duration = 30 * DAY + 10,
     .consensus_min_power = 2 * KiB,
     .creation_deposit_power = 2 * KiB / 10,
     .min_verified_allocation = 256,
     .sector_sizes = 2 * KiB + 8 * MiB,
     SHARED},
};

const slk_policy_t *slk_policy_by_name(const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(networks); i++)
        if (!strcmp(networks[i].name, name))
            return &networks[i];
    return NULL;
}

slk_policy_t slk_policy_scaled(const slk_policy_t *policy, uint32_t deadlines, int64_t window)
{
    SLK_ASSERT(deadlines >= 3 && deadlines <= 48 && window >= 4);
    slk_policy_t p = *policy;
    const int64_t period = deadlines * window, old_window = policy->challenge_window;
    int64_t *const in_windows[] = {&p.challenge_lookback, &p.fault_declaration_cutoff,
                                   &p.chain_commit_max_age, &p.expired_precommit_delay};
    int64_t *const in_periods[] = {
        &p.fault_max_age,       &p.min_sector_expiration,    &p.max_sector_extension,
        &p.max_sector_lifetime, &p.end_of_life_claim_drop,   &p.min_deal_duration,
        &p.max_deal_duration,   &p.deal_updates_interval,    &p.min_allocation_term,
        &p.max_allocation_term, &p.max_allocation_expiration};
    p.challenge_window = window;
    p.deadlines = deadlines;
    p.proving_period = period;
    for (size_t i = 0; i < SLK_COUNT(in_windows); i++)
        *in_windows[i] = (*in_windows[i] * window + old_window - 1) / old_window;
    /* Between its closing and the window before its next opening a deadline is first disputable, then its
     * partitions may be compacted; both keep their share of that time. */
    p.dispute_window =
        p.dispute_window * (deadlines - 2) * window / ((policy->deadlines - 2) * old_window);
    for (size_t i = 0; i < SLK_COUNT(in_periods); i++)
        *in_periods[i] =
            (*in_periods[i] + policy->proving_period - 1) / policy->proving_period * period;
    /* Days behind the delay. Longer than a sector may be promised for, and none could be pre-committed. */
    p.max_prove_commit_duration =
        (policy->max_prove_commit_duration - p.precommit_challenge_delay) / policy->proving_period *
            period +
        p.precommit_challenge_delay;
    return p;
}

uint64_t slk_policy_max_deals(uint64_t sector_size)
{
    uint64_t by_size = sector_size / (128 * MiB);
    return by_size > 256 ? by_size : 256;
}
