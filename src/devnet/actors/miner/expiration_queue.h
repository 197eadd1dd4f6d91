#ifndef SLK_DEVNET_MINER_EXPIRATION_QUEUE_H
#define SLK_DEVNET_MINER_EXPIRATION_QUEUE_H

/* When the sectors of a partition end: AMT[epoch] of ExpirationSet, epochs rounded up to the deadline's
 * last ones.
 *
 * A sector is in one set. On time: at the end of its life, with its pledge, its power active or faulty.
 * Early: where it is faulty for so long that it ends before; its power is faulty, its pledge is kept
 * apart for the termination fee. DailyFee of all of a set is its FeeDeduction. The same rules as
 * builtin-actors v18.
 *
 * Lists of sectors: slk_sector_refs_t. Errors: SLK_EXIT_USR_ILLEGAL_STATE where sectors are not in the
 * queue as they should be, or a sum would fall below zero. */

#include "devnet/actors/miner/quantize.h"
#include "devnet/actors/miner/sectors.h"

typedef struct {
    slk_rt_t *rt;
    slk_amt_t *amt;
    slk_quant_t quant;
    uint64_t sector_size;
} slk_expirations_t;

/* Zeroed before; close allowed also where open failed. */
slk_exit_t slk_expirations_open(slk_expirations_t *queue, slk_rt_t *rt, const slk_cid_t *root,
                                slk_quant_t quant, uint64_t sector_size);
void slk_expirations_close(slk_expirations_t *queue);
slk_exit_t slk_expirations_flush(slk_expirations_t *queue, slk_cid_t *root);

/* Sums over sectors. */
typedef struct {
    slk_bitfield_t sectors;
    slk_power_pair_t power;
    slk_bigint_t pledge, daily_fee;
} slk_sector_sums_t;

/* Active sectors, each at its own expiration. */
slk_exit_t slk_expirations_add_active(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                      slk_sector_sums_t *added);

/* These, not faulty until now, are faulty: they end early at `epoch`, unless their own end comes first.
 * power: of them all. */
slk_exit_t slk_expirations_fault(slk_expirations_t *queue, int64_t epoch, slk_sector_refs_t sectors,
                                 slk_power_pair_t *power);

/* The same for all sectors. */
slk_exit_t slk_expirations_fault_all(slk_expirations_t *queue, int64_t epoch);

/* Faulty sectors are active again and end on time. */
slk_exit_t slk_expirations_recover(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                   slk_power_pair_t *power);

/* Take out `old`, active ones, and put in `sectors`, which may be the same with other numbers. */
slk_exit_t slk_expirations_replace(slk_expirations_t *queue, slk_sector_refs_t old,
                                   slk_sector_refs_t sectors, slk_sector_sums_t *removed,
                                   slk_sector_sums_t *added);

/* Take out sectors, active or not. removed: what the queue had of them; recovering: power of those that
 * are in `recoveries`. */
slk_exit_t slk_expirations_remove(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                  const slk_bitfield_t *faults, const slk_bitfield_t *recoveries,
                                  slk_expiration_set_t *removed, slk_power_pair_t *recovering);

/* Take out all entries up to an epoch; popped: their sum. */
slk_exit_t slk_expirations_pop(slk_expirations_t *queue, int64_t until,
                               slk_expiration_set_t *popped);

#endif /* SLK_DEVNET_MINER_EXPIRATION_QUEUE_H */
