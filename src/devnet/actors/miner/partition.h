#ifndef SLK_DEVNET_MINER_PARTITION_H
#define SLK_DEVNET_MINER_PARTITION_H

/* A partition of a deadline: sectors that are proven together (spec chain.md 3.3; the same rules as
 * builtin-actors v18).
 *
 *   sectors     all, terminated ones included, until compaction
 *   unproven    never proven yet: no power
 *   faults      no power; recoveries: those of them that the next proof is to bring back
 *   terminated
 *
 * Live: not terminated. Active: live, neither faulty nor unproven: these have power. Functions change
 * the struct and the trees below it; who called them stores the struct. After an error the struct is
 * not to be used. */

#include "devnet/actors/miner/expiration_queue.h"

/* What all that work on a deadline's partitions need. */
typedef struct {
    slk_rt_t *rt;
    slk_sectors_t *sectors; /* the miner's or a snapshot of them */
    uint64_t sector_size;
    slk_quant_t quant; /* of the deadline's expirations */
} slk_proving_t;

slk_exit_t slk_partition_new(slk_rt_t *rt, slk_partition_t *part);

slk_exit_t slk_partition_live(slk_rt_t *rt, const slk_partition_t *part, slk_bitfield_t *out);
slk_exit_t slk_partition_active(slk_rt_t *rt, const slk_partition_t *part, slk_bitfield_t *out);
slk_power_pair_t slk_partition_active_power(const slk_partition_t *part);

/* New sectors. proven: with power at once, as when they are moved here. */
slk_exit_t slk_partition_add(const slk_proving_t *on, slk_partition_t *part, bool proven,
                             slk_sector_refs_t sectors, slk_power_pair_t *power,
                             slk_bigint_t *daily_fee);

typedef struct {
    slk_bitfield_t new_faults;
    slk_power_pair_t power_delta; /* of the miner's claim */
    slk_power_pair_t new_faulty_power, retracted_recovery_power;
} slk_faults_t;

/* Declared faults. Terminated and faulty ones are passed over, recoveries are withdrawn.
 * SLK_EXIT_USR_ILLEGAL_ARGUMENT: not all are of this partition. */
slk_exit_t slk_partition_record_faults(const slk_proving_t *on, slk_partition_t *part,
                                       const slk_bitfield_t *numbers, int64_t fault_expiration,
                                       slk_faults_t *out);

/* Those that a proof leaves out; the same but for texts. */
slk_exit_t slk_partition_record_skipped(const slk_proving_t *on, slk_partition_t *part,
                                        const slk_bitfield_t *skipped, int64_t fault_expiration,
                                        slk_faults_t *out);

/* Declared recoveries become healthy, as a proof says. */
slk_exit_t slk_partition_recover(const slk_proving_t *on, slk_partition_t *part,
                                 slk_power_pair_t *power);

/* Unproven ones have been proven; what power that gives. */
slk_power_pair_t slk_partition_activate_unproven(slk_partition_t *part);

/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: not all are of this partition. Healthy and recovering ones are passed
 * over. */
slk_exit_t slk_partition_declare_recovered(const slk_proving_t *on, slk_partition_t *part,
                                           const slk_bitfield_t *numbers);

/* Change active sectors for others, or for themselves with other power, expiration or pledge. Deltas:
 * new minus old. */
slk_exit_t slk_partition_replace(const slk_proving_t *on, slk_partition_t *part,
                                 slk_sector_refs_t old, slk_sector_refs_t sectors,
                                 slk_power_pair_t *power_delta, slk_bigint_t *pledge_delta,
                                 slk_bigint_t *fee_delta);

/* End live sectors at `epoch`, early. removed: what the queue had of them, less the power of unproven
 * ones. SLK_EXIT_USR_ILLEGAL_ARGUMENT: not all live. */
slk_exit_t slk_partition_terminate(const slk_proving_t *on, slk_partition_t *part, int64_t epoch,
                                   const slk_bitfield_t *numbers, slk_expiration_set_t *removed,
                                   slk_power_pair_t *removed_unproven);

/* End sectors whose time has come. After the deadline's end was processed: no sector is unproven or
 * recovering. */
slk_exit_t slk_partition_pop_expired(const slk_proving_t *on, slk_partition_t *part, int64_t until,
                                     slk_expiration_set_t *popped);

/* It was not proven in time: all are faulty. */
slk_exit_t slk_partition_missed_post(const slk_proving_t *on, slk_partition_t *part,
                                     int64_t fault_expiration, slk_power_pair_t *power_delta,
                                     slk_power_pair_t *new_faulty_power);

/* Sectors that ended early and whose fee is due, by the epoch at which they ended, ascending. */
typedef struct {
    int64_t epoch;
    slk_bitfield_t sectors;
} slk_ended_t;
typedef struct {
    slk_ended_t *ended;
    size_t cnt;
    uint64_t partitions, sectors; /* worked on */
} slk_terminations_t;

/* Take up to max_sectors of those out of the partition and add them to the list. *more: some are left. */
slk_exit_t slk_partition_pop_terminations(slk_rt_t *rt, slk_partition_t *part, uint64_t max_sectors,
                                          slk_terminations_t *list, bool *more);

/* SLK_EXIT_USR_ILLEGAL_STATE: sets or powers contradict each other. */
slk_exit_t slk_partition_check(slk_rt_t *rt, const slk_partition_t *part);

#endif /* SLK_DEVNET_MINER_PARTITION_H */
