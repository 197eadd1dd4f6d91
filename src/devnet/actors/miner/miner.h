#ifndef SLK_DEVNET_MINER_MINER_H
#define SLK_DEVNET_MINER_MINER_H

/* What the methods of the miner actor share: its state, who may call, deadlines of now, calls to the
 * power actor, events. Money: money.h. */

#include "codec/actors/miner.h"
#include "codec/actors/power.h"
#include "devnet/actors/miner/deadline.h"

#define SLK_SECTOR_NUMBER_MAX ((uint64_t)INT64_MAX)

/* --- State ------------------------------------------------------------------------------------------- */

slk_exit_t slk_miner_load(slk_rt_t *rt, slk_miner_state_t *st);
slk_exit_t slk_miner_save(slk_rt_t *rt, const slk_miner_state_t *st);
slk_exit_t slk_miner_load_info(slk_rt_t *rt, const slk_miner_state_t *st, slk_miner_info_t *info);
slk_exit_t slk_miner_save_info(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info);

/* State and info at once, and SLK_EXIT_USR_FORBIDDEN unless the caller is owner, worker or a control
 * address. */
slk_exit_t slk_miner_load_controlled(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info);
slk_exit_t slk_miner_require_controller(slk_rt_t *rt, const slk_miner_info_t *info);

/* A consensus fault was reported within the last `finality` epochs. */
bool slk_miner_fault_active(const slk_miner_info_t *info, int64_t now);

/* A proposed worker whose time has come takes over; info and, where it changed, *st. */
slk_exit_t slk_miner_process_worker(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info);

/* Mark sector numbers as used for ever. SLK_EXIT_USR_ILLEGAL_ARGUMENT where some are already, unless
 * they may be. */
slk_exit_t slk_miner_allocate_numbers(slk_rt_t *rt, slk_miner_state_t *st,
                                      const slk_bitfield_t *numbers, bool may_be_used);

/* --- Deadlines --------------------------------------------------------------------------------------- */

/* The deadline that is open now. */
slk_deadline_info_t slk_miner_deadline(slk_rt_t *rt, const slk_miner_state_t *st);
/* How expirations of a deadline's sectors are rounded. */
slk_quant_t slk_miner_quant(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline);
/* How clean-ups of pre-commits are rounded. */
slk_quant_t slk_miner_quant_every_deadline(slk_rt_t *rt, const slk_miner_state_t *st);
bool slk_miner_deadline_is_mutable(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline);

/* Put newly proven sectors, in any order, into deadlines, without power until their first window
 * PoSt. Sorts the list. */
slk_exit_t slk_miner_assign_sectors(slk_rt_t *rt, slk_miner_state_t *st,
                                    const slk_miner_info_t *info,
                                    slk_sector_on_chain_info_list_t sectors);
/* The same into one deadline; SLK_EXIT_USR_ILLEGAL_ARGUMENT: it is not mutable. */
slk_exit_t slk_miner_assign_to_deadline(slk_rt_t *rt, slk_miner_state_t *st,
                                        const slk_miner_info_t *info, uint64_t deadline,
                                        slk_sector_on_chain_info_list_t sectors);

/* Store sectors by number; new ones, or over those that are there. */
slk_exit_t slk_miner_put_sectors(slk_rt_t *rt, slk_miner_state_t *st,
                                 slk_sector_on_chain_info_list_t sectors);

/* Live, not faulty and, if asked for, proven. SLK_EXIT_USR_NOT_FOUND: not in this partition. */
slk_exit_t slk_miner_sector_active(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline,
                                   uint64_t partition, uint64_t sector, bool require_proven,
                                   bool *active);

/* The lifetime that a sector asks for (actor: validate_expiration): after its activation, not shorter
 * than the least, not longer than the most. */
slk_exit_t slk_miner_check_expiration(slk_rt_t *rt, int64_t activation, int64_t expiration,
                                      int64_t seal_proof);

/* --- Proof types ------------------------------------------------------------------------------------- */

/* Window PoSts that a miner of this network may use. */
bool slk_window_post_allowed(const slk_policy_t *policy, int64_t post_proof);

/* "StackedDRGWindow2KiBV1P1", "Invalid(17)", as in the real actors' texts. */
typedef struct {
    char s[48];
} slk_proof_name_t;
slk_proof_name_t slk_post_proof_name(int64_t post_proof);

/* The most partitions of which all sectors are loaded in one message. */
uint64_t slk_miner_partitions_max(slk_rt_t *rt, const slk_miner_info_t *info);

/* --- Others ------------------------------------------------------------------------------------------ */

/* Power actor: UpdateClaimedPower, unless zero; EnrollCronEvent. */
slk_exit_t slk_miner_update_power(slk_rt_t *rt, const slk_power_pair_t *delta);
typedef enum { SLK_CRON_PROVING_DEADLINE = 1, SLK_CRON_EARLY_TERMINATIONS = 2 } slk_cron_event_t;
slk_exit_t slk_miner_enroll_cron(slk_rt_t *rt, int64_t epoch, slk_cron_event_t event);

/* An event with the number of a sector: "sector-precommitted", "sector-terminated". */
slk_exit_t slk_miner_sector_event(slk_rt_t *rt, const char *type, uint64_t sector);

/* Early terminations have to be worked off: no withdrawal, no compaction. */
static inline bool slk_miner_has_terminations(const slk_miner_state_t *st)
{
    return !slk_bitfield_is_empty(&st->early_terminations);
}

/* Work off early terminations up to the limits of a message: fees, pledge, deals, events. Loads and
 * saves state. *more: some are left. */
slk_exit_t slk_miner_process_terminations(slk_rt_t *rt, const slk_filter_estimate_t *reward,
                                          const slk_filter_estimate_t *power, bool *more);

/* --- Methods (miner.c has the table) ------------------------------------------------------------------- */

slk_actor_fn_t slk_miner_submit_windowed_post, slk_miner_dispute_windowed_post,
    slk_miner_declare_faults, slk_miner_declare_faults_recovered, slk_miner_terminate_sectors,
    slk_miner_extend_sector_expiration2, slk_miner_compact_partitions,
    slk_miner_compact_sector_numbers, slk_miner_check_sector_proven,
    slk_miner_on_deferred_cron_event, slk_miner_report_consensus_fault;

#endif /* SLK_DEVNET_MINER_MINER_H */
