#ifndef SLK_DEVNET_MINER_DEADLINE_H
#define SLK_DEVNET_MINER_DEADLINE_H

/* A deadline: partitions that are proven in one challenge window (spec chain.md 3.3, 9.2; the same
 * rules as builtin-actors v18). Proofs: deadline_post.h.
 *
 * Functions change the struct and the trees below it; slk_deadlines_put stores the struct. After an
 * error neither is to be used. */

#include "devnet/actors/miner/deadline_info.h"
#include "devnet/actors/miner/partition.h"
#include "devnet/actors/miner/sector_map.h"

/* --- All of a miner -------------------------------------------------------------------------------- */

/* As many empty ones as the network has; their root. */
slk_exit_t slk_deadlines_new(slk_rt_t *rt, slk_cid_t *root);

slk_exit_t slk_deadlines_load(slk_rt_t *rt, slk_deadlines_t *deadlines, const slk_cid_t *root);
slk_exit_t slk_deadlines_save(slk_rt_t *rt, const slk_deadlines_t *deadlines, slk_cid_t *root);

/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: there is no such deadline. */
slk_exit_t slk_deadlines_get(slk_rt_t *rt, const slk_deadlines_t *deadlines, uint64_t index,
                             slk_deadline_t *deadline);
slk_exit_t slk_deadlines_put(slk_rt_t *rt, slk_deadlines_t *deadlines, uint64_t index,
                             const slk_deadline_t *deadline);

/* Where a sector is. */
slk_exit_t slk_deadlines_find(slk_rt_t *rt, const slk_deadlines_t *deadlines, uint64_t sector,
                              uint64_t *deadline, uint64_t *partition, bool *found);

/* --- One ------------------------------------------------------------------------------------------- */

slk_exit_t slk_deadline_new(slk_rt_t *rt, slk_deadline_t *deadline);

/* SLK_EXIT_USR_NOT_FOUND "no partition 3". */
slk_exit_t slk_deadline_partition(slk_rt_t *rt, const slk_deadline_t *deadline, uint64_t index,
                                  slk_partition_t *part);

/* Partitions in which sectors end at this epoch. */
slk_exit_t slk_deadline_add_expirations(const slk_proving_t *on, slk_deadline_t *deadline,
                                        int64_t epoch, const slk_bitfield_t *partitions);

/* Add sectors, filling up the last partition first. The deadline is not open. proven: with power at
 * once; new_fees: their daily fees are new to the deadline. */
slk_exit_t slk_deadline_add_sectors(const slk_proving_t *on, slk_deadline_t *deadline,
                                    uint64_t partition_size, bool proven, bool new_fees,
                                    slk_sector_refs_t sectors, slk_power_pair_t *power,
                                    slk_bigint_t *daily_fee);

/* End live sectors at `epoch`. power_lost: of active ones. */
slk_exit_t slk_deadline_terminate(const slk_proving_t *on, slk_deadline_t *deadline, int64_t epoch,
                                  const slk_partition_map_t *sectors, slk_power_pair_t *power_lost);

/* Declared faults. power_delta: of the miner's claim. */
slk_exit_t slk_deadline_record_faults(const slk_proving_t *on, slk_deadline_t *deadline,
                                      int64_t fault_expiration, const slk_partition_map_t *sectors,
                                      slk_power_pair_t *power_delta);

slk_exit_t slk_deadline_declare_recovered(const slk_proving_t *on, slk_deadline_t *deadline,
                                          const slk_partition_map_t *sectors);

/* End sectors whose time has come, in all partitions; popped: their sum. */
slk_exit_t slk_deadline_pop_expired(const slk_proving_t *on, slk_deadline_t *deadline,
                                    int64_t until, slk_expiration_set_t *popped);

/* Take sectors that ended early out, up to the limits of a message together with what the list has.
 * *more: some are left. */
slk_exit_t slk_deadline_pop_terminations(slk_rt_t *rt, slk_deadline_t *deadline,
                                         slk_terminations_t *list, bool *more);

/* Remove partitions, close up the others, add the live sectors of the removed ones again; dead: the
 * other sectors of them. SLK_EXIT_USR_ILLEGAL_ARGUMENT: there are faults, unproven sectors or
 * terminations at work in them, or no such partition. */
slk_exit_t slk_deadline_compact(const slk_proving_t *on, slk_deadline_t *deadline,
                                uint64_t partition_size, const slk_bitfield_t *partitions,
                                slk_bitfield_t *dead);

/* --- Assignment ------------------------------------------------------------------------------------ */

/* Where new sectors go, one after the other (spec chain.md 4.4). counts: of all deadlines; those that
 * are not usable take none. out[i]: the deadline of sector i. SLK_EXIT_USR_ILLEGAL_STATE: all are
 * full. */
typedef struct {
    bool usable;
    uint64_t live, total;
} slk_deadline_count_t;
slk_exit_t slk_assign_deadlines(slk_rt_t *rt, uint64_t partition_size, slk_deadline_count_t *counts,
                                size_t cnt, size_t sector_cnt, size_t *out);

#endif /* SLK_DEVNET_MINER_DEADLINE_H */
