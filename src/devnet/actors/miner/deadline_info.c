#include "devnet/actors/miner/deadline_info.h"

slk_deadline_info_t slk_deadline_info(const slk_policy_t *policy, int64_t period_start,
                                      uint64_t index, int64_t now)
{
    slk_deadline_info_t info = {.now = now, .period_start = period_start, .index = index};
    if (index >= policy->deadlines) {
        info.open = info.close = info.challenge = period_start + policy->proving_period;
        return info;
    }
    info.open = period_start + (int64_t)index * policy->challenge_window;
    info.close = info.open + policy->challenge_window;
    info.challenge = info.open - policy->challenge_lookback;
    info.fault_cutoff = info.open - policy->fault_declaration_cutoff;
    return info;
}

slk_deadline_info_t slk_deadline_current(const slk_policy_t *policy, int64_t seed, int64_t now)
{
    int64_t start = slk_quant_down((slk_quant_t){policy->proving_period, seed}, now);
    uint64_t index = (uint64_t)((now - start) / policy->challenge_window);
    return slk_deadline_info(policy, start, index, now);
}

slk_deadline_info_t slk_deadline_next_not_elapsed(const slk_policy_t *policy,
                                                  slk_deadline_info_t info)
{
    if (info.now < info.close)
        return info;
    int64_t periods = 1 + (info.now - info.close) / policy->proving_period;
    return slk_deadline_info(policy, info.period_start + policy->proving_period * periods,
                             info.index, info.now);
}

slk_quant_t slk_deadline_quant(const slk_policy_t *policy, const slk_deadline_info_t *info)
{
    return (slk_quant_t){policy->proving_period, slk_deadline_last(info)};
}

static slk_deadline_info_t next(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                                int64_t now)
{
    return slk_deadline_next_not_elapsed(policy,
                                         slk_deadline_info(policy, period_start, index, now));
}

bool slk_deadline_is_mutable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                             int64_t now)
{
    return now < next(policy, period_start, index, now).open - policy->challenge_window;
}

bool slk_deadline_is_disputable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                                int64_t now)
{
    if (period_start > now)
        return false;
    slk_deadline_info_t info = next(policy, period_start, index, now);
    return !slk_deadline_is_open(&info) &&
           now < info.close - policy->proving_period + policy->dispute_window;
}

bool slk_deadline_is_compactable(const slk_policy_t *policy, int64_t period_start, uint64_t index,
                                 int64_t now)
{
    return slk_deadline_is_mutable(policy, period_start, index, now) &&
           !slk_deadline_is_disputable(policy, period_start, index, now);
}
