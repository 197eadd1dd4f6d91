#ifndef SLK_CODEC_ECONOMICS_VESTING_H
#define SLK_CODEC_ECONOMICS_VESTING_H

/* A miner's vesting funds: block rewards become free day by day over 180 days, at epochs rounded up to
 * half days from the start of its proving period (chain.md 4.3). Amounts are attoFIL. */

#include "selkie/err.h"

#include <gmp.h>
#include <stdint.h>

typedef struct {
    int64_t epoch; /* free once this epoch is past */
    mpz_t amount;  /* >= 0 */
} slk_vesting_t;

/* Ascending epochs, none twice: at most 361 of rewards of one miner. Zero it to begin with. */
typedef struct {
    slk_vesting_t *entries;
    size_t cnt, cap;
} slk_vesting_table_t;

void slk_vesting_clear(slk_vesting_table_t *table);

/* Append an entry later than all others, as when reading a stored table. */
SLK_CHECK_RESULT slk_err_t slk_vesting_append(slk_vesting_table_t *table, int64_t epoch,
                                              mpz_srcptr amount, slk_diag_t *diag);

/* Lock `amount` > 0 at epoch `now`. period_start: ProvingPeriodStart of the miner. On SLK_ERR_NOMEM
 * the table is as before. Call slk_vesting_unlock first, as the actor does. */
SLK_CHECK_RESULT slk_err_t slk_vesting_lock(slk_vesting_table_t *table, int64_t now,
                                            mpz_srcptr amount, int64_t period_start,
                                            slk_diag_t *diag);

/* The same where a day has another number of epochs, >= 2: networks with a scaled proving period. */
SLK_CHECK_RESULT slk_err_t slk_vesting_lock_days(slk_vesting_table_t *table, int64_t now,
                                                 mpz_srcptr amount, int64_t period_start,
                                                 int64_t day, slk_diag_t *diag);

/* Remove what is free at epoch `now`; out: its sum. */
void slk_vesting_unlock(mpz_t out, slk_vesting_table_t *table, int64_t now);

/* After slk_vesting_unlock: take up to `target` out of what is still locked, the earliest first, to
 * pay fees; out: what was found. */
void slk_vesting_seize(mpz_t out, slk_vesting_table_t *table, mpz_srcptr target);

#endif /* SLK_CODEC_ECONOMICS_VESTING_H */
