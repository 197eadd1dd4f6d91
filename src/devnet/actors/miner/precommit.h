#ifndef SLK_DEVNET_MINER_PRECOMMIT_H
#define SLK_DEVNET_MINER_PRECOMMIT_H

/* Pre-committed sectors: a HAMT by sector number, and the queue of those to clean up (spec
 * chain.md 3.3, 9.2). What cron does when their time is over is slk_miner_clean_up_precommits in
 * money.h. */

#include "devnet/actors/miner/money.h"

/* The longest time from a pre-commit to its proof; 0: no such seal may be pre-committed here. */
int64_t slk_max_prove_commit(const slk_policy_t *policy, int64_t seal_proof);

/* What a seal's number says; false where there is no such seal. */
bool slk_seal_porep(int64_t seal_proof, slk_porep_t *porep);

/* Numbers seen so far, to find one that comes twice. Zeroed, it is empty. */
typedef struct {
    uint64_t *numbers; /* ascending */
    size_t cnt, cap;
} slk_number_set_t;
/* *added false: it was there. */
slk_exit_t slk_number_set_add(slk_rt_t *rt, slk_number_set_t *set, uint64_t number, bool *added);

/* Store pre-commits. SLK_EXIT_USR_ILLEGAL_STATE: one is there already. */
slk_exit_t slk_precommits_put(slk_rt_t *rt, slk_miner_state_t *st,
                              const slk_sector_pre_commit_on_chain_info_t *infos, size_t cnt);

/* Those of these numbers; found[i] tells of infos[i]. */
slk_exit_t slk_precommits_find(slk_rt_t *rt, const slk_miner_state_t *st, const uint64_t *sectors,
                               size_t cnt, slk_sector_pre_commit_on_chain_info_t *infos,
                               bool *found);

/* SLK_EXIT_USR_ILLEGAL_STATE: one is not there. */
slk_exit_t slk_precommits_delete(slk_rt_t *rt, slk_miner_state_t *st, const uint64_t *sectors,
                                 size_t cnt);

/* Have these cleaned up at an epoch, rounded up to the end of a deadline. */
slk_exit_t slk_precommits_clean_up_at(slk_rt_t *rt, slk_miner_state_t *st, int64_t epoch,
                                      const slk_bitfield_t *sectors);

/* CIDs of a sealed and of an unsealed sector. */
bool slk_is_sealed_cid(const slk_cid_t *cid);
bool slk_is_unsealed_cid(const slk_cid_t *cid);

/* The CommD that a pre-commit declares; none: that of zeros. SLK_EXIT_USR_ILLEGAL_ARGUMENT:
 * neither a CommD nor none, or no such seal. */
slk_exit_t slk_declared_comm_d(slk_rt_t *rt, const slk_cid_t *unsealed, int64_t seal_proof,
                               slk_node_t *comm_d);

/* Have the power actor call at the end of the open deadline, where cron rested so far. */
slk_exit_t slk_miner_start_cron(slk_rt_t *rt, const slk_miner_state_t *st);

slk_actor_fn_t slk_miner_pre_commit_sector_batch2;

#endif /* SLK_DEVNET_MINER_PRECOMMIT_H */
