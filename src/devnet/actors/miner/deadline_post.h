#ifndef SLK_DEVNET_MINER_DEADLINE_POST_H
#define SLK_DEVNET_MINER_DEADLINE_POST_H

/* Window PoSts of a deadline: what a proof changes, what the lack of one does, proofs that may be
 * disputed. */

#include "codec/actors/miner.h"
#include "devnet/actors/miner/deadline.h"

/* A proof that was accepted unverified; a row of OptimisticPoStSubmissions. */
#define SLK_WINDOWED_POST_ROWS(F, T)                                                               \
    F(T, BITFIELD, partitions, "Partitions")                                                       \
    F(T, LIST, proofs, "Proofs", slk_post_proof)
SLK_RECORD(slk_windowed_post, SLK_WINDOWED_POST_ROWS);

typedef struct {
    slk_power_pair_t power_delta, recovered_power;
    slk_bitfield_t sectors, ignored; /* of the proven partitions; ignored: of them, not proven */
    slk_bitfield_t partitions;
} slk_post_result_t;

/* Take partitions as proven; the proof itself is the caller's to verify. */
slk_exit_t slk_deadline_record_proven(const slk_proving_t *on, slk_deadline_t *deadline,
                                      int64_t fault_expiration,
                                      const slk_post_partition_list_t *posts,
                                      slk_post_result_t *out);

/* Keep a proof that was not verified. */
slk_exit_t slk_deadline_keep_post(slk_rt_t *rt, slk_deadline_t *deadline,
                                  const slk_windowed_post_t *post);

/* Remove a proof from the snapshot of the last window. SLK_EXIT_USR_ILLEGAL_ARGUMENT: none has this
 * index. */
slk_exit_t slk_deadline_take_post(slk_rt_t *rt, slk_deadline_t *deadline, uint64_t index,
                                  slk_windowed_post_t *post);

/* What a disputed proof claimed to prove, from the snapshot. */
typedef struct {
    slk_bitfield_t sectors, ignored;
    slk_partition_map_t disputed;
    slk_power_pair_t power;
} slk_dispute_t;
slk_exit_t slk_deadline_dispute(slk_rt_t *rt, const slk_deadline_t *deadline,
                                const slk_bitfield_t *partitions, slk_dispute_t *out);

/* Whether its end has to be processed at all. */
bool slk_deadline_is_live(const slk_deadline_t *deadline);

/* The window has closed: partitions without a proof are faulty, proofs become disputable. sectors: the
 * root of the miner's, for the snapshot. power_delta: of the miner's claim. */
slk_exit_t slk_deadline_end(const slk_proving_t *on, slk_deadline_t *deadline,
                            int64_t fault_expiration, const slk_cid_t *sectors,
                            slk_power_pair_t *power_delta);

#endif /* SLK_DEVNET_MINER_DEADLINE_POST_H */
