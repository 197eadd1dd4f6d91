#ifndef SLK_DEVNET_MINER_DEADLINE_INFO_H
#define SLK_DEVNET_MINER_DEADLINE_INFO_H

/* Times of a miner's deadlines (spec chain.md 4.4), from the network's numbers: a deadline opens once
 * a proving period and stays open for one challenge window. All times are epochs. */

#include "codec/policy.h"
#include "devnet/actors/miner/quantize.h"

#include <stdbool.h>

/* One opening of a deadline as seen at epoch `now`. With index = policy->deadlines, the moment after
 * the last one: open = close = challenge. */
typedef struct {
    int64_t now, period_start;
    uint64_t index;
    int64_t open, close;  /* [open, close) */
    int64_t challenge;    /* the proof's randomness is of this epoch */
    int64_t fault_cutoff; /* declarations are late from here on */
} slk_deadline_info_t;

slk_deadline_info_t slk_deadline_info(const slk_policy_t *policy, int64_t period_start,
                                      uint64_t index, int64_t now);

/* The deadline that is open at `now`. seed: any start of a period of the miner, past or future, as
 * its ProvingPeriodStart is, which does not move while its cron rests. */
slk_deadline_info_t slk_deadline_current(const slk_policy_t *policy, int64_t seed, int64_t now);

/* The same deadline, whole periods later, until it has not closed at `now`. */
slk_deadline_info_t slk_deadline_next_not_elapsed(const slk_policy_t *policy,
                                                  slk_deadline_info_t info);

static inline bool slk_deadline_is_open(const slk_deadline_info_t *info)
{
    return info->now >= info->open && info->now < info->close;
}

/* The last epoch at which it is open; cron closes it in this epoch's tick. */
static inline int64_t slk_deadline_last(const slk_deadline_info_t *info)
{
    return info->close - 1;
}

/* How expirations of its sectors are rounded. */
slk_quant_t slk_deadline_quant(const slk_policy_t *policy, const slk_deadline_info_t *info);

/* Sectors may be added, moved and terminated: it is neither open nor the next to open. */
bool slk_deadline_is_mutable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                             int64_t now);

/* Proofs that were accepted unverified when it was last open may be disputed. */
bool slk_deadline_is_disputable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                                int64_t now);

/* Its partitions may be compacted: mutable and not disputable. */
bool slk_deadline_is_compactable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                                 int64_t now);

#endif /* SLK_DEVNET_MINER_DEADLINE_INFO_H */
