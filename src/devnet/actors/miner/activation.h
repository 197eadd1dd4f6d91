#ifndef SLK_DEVNET_MINER_ACTIVATION_H
#define SLK_DEVNET_MINER_ACTIVATION_H

/* What proofs of new sectors and of new data in old ones share: the pieces' CommD, claims of
 * verified allocations, notifications, events, results sector by sector (spec chain.md 9.2). */

#include "codec/actors/miner.h"
#include "devnet/actors/miner/money.h"

#define SLK_SNARK_PACK_V2 1 /* the one type of aggregates that is accepted */

/* One sector of a message. Each stage passes over those that failed before it. */
typedef struct {
    uint64_t sector;
    int64_t expiration, seal_proof;
    slk_piece_activation_manifest_list_t pieces;
    const slk_cid_t
        *declared;   /* CID that the pieces have to have, undefined: of zeros. NULL: none */
    slk_exit_t code; /* of the first stage that failed */
    slk_bigint_t unverified_space, verified_space; /* bytes, by slk_activate_data */
} slk_activation_t;

typedef struct {
    slk_activation_t *items;
    size_t cnt;
} slk_activations_t;

/* How many have not failed. */
size_t slk_activations_left(const slk_activations_t *list);

/* The CommD of a sector of these pieces; of none, that of zeros. SLK_EXIT_USR_ILLEGAL_ARGUMENT. */
slk_exit_t slk_pieces_comm_d(slk_rt_t *rt, int64_t seal_proof,
                             const slk_piece_activation_manifest_list_t *pieces,
                             slk_node_t *comm_d);

/* Check what is declared, and claim the verified allocations; those whose claims fail fail.
 * whole: all or none. SLK_EXIT_USR_ILLEGAL_ARGUMENT: another CommD than declared, or none is
 * left. */
slk_exit_t slk_activate_data(slk_rt_t *rt, slk_activations_t *list, bool whole);

/* Tell actors of the pieces that they asked to be told of; a call each. required: they have to
 * accept all. Codes: SLK_EXIT_MINER_NOTIFICATION_... */
slk_exit_t slk_notify_data_consumers(slk_rt_t *rt, const slk_activations_t *list, bool required);

/* "sector-activated" or "sector-updated". unsealed undefined: null. */
slk_exit_t slk_activation_event(slk_rt_t *rt, const char *type, uint64_t sector,
                                const slk_cid_t *unsealed,
                                const slk_piece_activation_manifest_list_t *pieces);

/* What the chain drew for this miner's seals: the ticket, and the interactive seed. */
slk_exit_t slk_seal_ticket(slk_rt_t *rt, int64_t epoch, slk_node_t *ticket);
slk_exit_t slk_seal_seed(slk_rt_t *rt, int64_t epoch, slk_node_t *seed);

/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: too few or too many sectors for an aggregate, too many bytes. */
slk_exit_t slk_check_aggregate(slk_rt_t *rt, slk_bytes_t proof, size_t sector_cnt,
                               bool interactive);
/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: it does not prove these, all of them. */
slk_exit_t slk_verify_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                int64_t aggregate_type, slk_bytes_t proof);

/* A sector that begins now: weights, pledge, fee. */
slk_sector_on_chain_info_t slk_new_sector(const slk_miner_network_t *network,
                                          const slk_miner_info_t *info,
                                          const slk_activation_t *activation,
                                          const slk_cid_t *sealed);
/* SLK_EXIT_USR_INSUFFICIENT_FUNDS unless the unlocked balance covers what is added to the
 * pledge. */
slk_exit_t slk_miner_lock_pledge(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta);

/* Return how each fared. */
slk_exit_t slk_return_activations(slk_rt_t *rt, const slk_activations_t *list);

slk_actor_fn_t slk_miner_prove_commit_sectors3, slk_miner_prove_commit_sectors_ni,
    slk_miner_prove_replica_updates3;

#endif /* SLK_DEVNET_MINER_ACTIVATION_H */
