#include "manager/seal/world_net.h"

#include "base/assert.h"

#include <string.h>

static const char *const known[] = {"mainnet", "calibrationnet", "butterflynet", "2k"};

/* The network that these numbers come nearest to. */
static const slk_policy_t *nearest(const char *name, uint64_t chain_id, uint64_t delay)
{
    const slk_policy_t *by_delay = slk_policy_by_name("mainnet");
    const slk_policy_t *p = slk_policy_by_name(name);
    if (p)
        return p;
    for (size_t i = 0; i < SLK_COUNT(known); i++) {
        p = slk_policy_by_name(known[i]);
        if (chain_id && p->eip155 == chain_id)
            return p;
        if (p->block_delay_s == delay)
            by_delay = p;
    }
    return by_delay;
}

static void take_i64(int64_t *out, const json_t *from, const char *name)
{
    const json_t *value = json_object_get(from, name);
    if (json_is_integer(value) && json_integer_value(value) > 0)
        *out = json_integer_value(value);
}

static void take_devnet(slk_policy_t *p, const json_t *from)
{
    int64_t deadlines = p->deadlines;
    take_i64(&p->proving_period, from, "WPoStProvingPeriod");
    take_i64(&deadlines, from, "WPoStPeriodDeadlines");
    take_i64(&p->challenge_window, from, "WPoStChallengeWindow");
    take_i64(&p->challenge_lookback, from, "WPoStChallengeLookback");
    take_i64(&p->fault_declaration_cutoff, from, "FaultDeclarationCutoff");
    take_i64(&p->dispute_window, from, "WPoStDisputeWindow");
    take_i64(&p->fault_max_age, from, "FaultMaxAge");
    take_i64(&p->min_sector_expiration, from, "MinSectorExpiration");
    take_i64(&p->max_sector_extension, from, "MaxSectorExpirationExtension");
    take_i64(&p->max_prove_commit_duration, from, "MaxProveCommitDuration");
    p->deadlines = (uint32_t)deadlines;
}

slk_err_t slk_world_policy(slk_policy_t *policy, int64_t *block_ms, bool *scaled,
                           const json_t *params, slk_diag_t *diag)
{
    enum { ACTOR_DAYS = 30 * 2880 };
    const char *name = json_string_value(json_object_get(params, "NetworkName"));
    int64_t delay = 0, challenge = 0, chain_id = 0;
    take_i64(&delay, params, "BlockDelaySecs");
    take_i64(&challenge, params, "PreCommitChallengeDelay");
    take_i64(&chain_id, params, "Eip155ChainID");
    if (!name || !delay || !challenge)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "StateGetNetworkParams: NetworkName, BlockDelaySecs or "
                        "PreCommitChallengeDelay is missing");
    *policy = *nearest(name, (uint64_t)chain_id, (uint64_t)delay);
    policy->precommit_challenge_delay = challenge;
    policy->max_prove_commit_duration = ACTOR_DAYS + challenge;
    policy->block_delay_s = (uint32_t)delay;
    take_devnet(policy, json_object_get(params, "SelkieDevnetPolicy"));
    *block_ms = delay * 1000;
    take_i64(block_ms, params, "SelkieDevnetBlockMillis");
    *scaled = *block_ms != delay * 1000;
    return SLK_OK;
}
