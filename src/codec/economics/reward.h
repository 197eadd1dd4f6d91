#ifndef SLK_CODEC_ECONOMICS_REWARD_H
#define SLK_CODEC_ECONOMICS_REWARD_H

/* The reward actor's arithmetic: baseline power and block reward, epoch by epoch (chain.md 4.3).
 *
 * Half the rewards follow time alone, half how far the network's power keeps up with a baseline that
 * triples each year. Powers are raw bytes, amounts attoFIL. */

#include "codec/economics/filter.h"

/* The reward actor's state, with the names of its fields. */
typedef struct {
    mpz_t cumsum_baseline, cumsum_realized; /* byte-epochs */
    int64_t effective_network_time;
    mpz_t effective_baseline_power;
    mpz_t this_epoch_reward;
    slk_filter_t this_epoch_reward_smoothed;
    mpz_t this_epoch_baseline_power;
    int64_t epoch;
    mpz_t total_storage_power_reward;
    mpz_t simple_total, baseline_total;
} slk_reward_numbers_t;

/* The state of epoch 0 for a network with this raw power. Give back with slk_reward_clear. */
void slk_reward_init(slk_reward_numbers_t *state, mpz_srcptr realized_power);
void slk_reward_clear(slk_reward_numbers_t *state);

/* Method 4, called at the end of a tipset's epoch: null epochs since the last call are made up for. */
void slk_reward_update(slk_reward_numbers_t *state, int64_t epoch, mpz_srcptr realized_power);

/* What a block with win_count > 0 earns, without gas. */
void slk_reward_of_block(mpz_t out, const slk_reward_numbers_t *state, unsigned win_count);

/* The baseline power one epoch after `power`. May be the same object. */
void slk_baseline_next(mpz_t out, mpz_srcptr power);

#endif /* SLK_CODEC_ECONOMICS_REWARD_H */
