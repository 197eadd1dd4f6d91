#ifndef SLK_MANAGER_SECTOR_EVENT_H
#define SLK_MANAGER_SECTOR_EVENT_H

/* What happens to a sector, by Lotus' names of events (spec lotus-miner.md 1.2). */

#include "manager/sector/record.h"

/* Identifier, Lotus' name. Append only. */
#define SLK_SECTOR_EVENTS(X)                                                                       \
    /* Every state takes these. */                                                                 \
    X(RESTART, "SectorRestart")                                                                    \
    X(FATAL_ERROR, "SectorFatalError")                                                             \
    X(FORCE_STATE, "SectorForceState") /* state */                                                 \
    X(TERMINATE, "SectorTerminate")                                                                \
    X(REMOVE, "SectorRemove")                                                                      \
    /* Sealing. */                                                                                 \
    X(START, "SectorStart")            /* miner, number, sector_type */                            \
    X(START_CC, "SectorStartCC")       /* miner, number, sector_type */                            \
    X(ADD_PIECE, "SectorAddPiece")     /* pieces: to be written */                                 \
    X(PIECE_ADDED, "SectorPieceAdded") /* pieces: written, fillers before them included */         \
    X(ADD_PIECE_FAILED, "SectorAddPieceFailed")                                                    \
    X(START_PACKING, "SectorStartPacking")                                                         \
    X(PACKED, "SectorPacked") /* pieces: fillers */                                                \
    X(TICKET, "SectorTicket") /* hash, epoch */                                                    \
    X(OLD_TICKET, "SectorOldTicket")                                                               \
    X(PRE_COMMIT1, "SectorPreCommit1") /* bytes: PreCommit1Out */                                  \
    X(PRE_COMMIT2, "SectorPreCommit2") /* comm_d, comm_r */                                        \
    X(PRE_COMMIT_BATCH, "SectorPreCommitBatch")                                                    \
    X(PRE_COMMIT_BATCH_SENT, "SectorPreCommitBatchSent") /* key, cid if known; amount: deposit */  \
    X(PRE_COMMITTED, "SectorPreCommitted")               /* key, cid if known; amount */           \
    X(PRE_COMMIT_LANDED, "SectorPreCommitLanded") /* bytes: tipset; cid of what landed or none */  \
    X(SEED_READY, "SectorSeedReady")              /* hash, epoch */                                \
    X(COMMITTED, "SectorCommitted")               /* bytes: proof */                               \
    X(PROOF_READY, "SectorProofReady")            /* bytes: proof; files are finalized next */     \
    X(COMMIT_AGGREGATE_SENT, "SectorCommitAggregateSent") /* key, cid if known */                  \
    X(COMMIT_SUBMITTED, "SectorCommitSubmitted")          /* key, cid if known */                  \
    X(SUBMIT_COMMIT_AGGREGATE, "SectorSubmitCommitAggregate")                                      \
    X(PROVING, "SectorProving") /* cid of what landed or none */                                   \
    X(FINALIZED, "SectorFinalized")                                                                \
    X(FINALIZED_AVAILABLE, "SectorFinalizedAvailable")                                             \
    X(RETRY_FINALIZE, "SectorRetryFinalize")                                                       \
    X(FINALIZE_FAILED, "SectorFinalizeFailed")                                                     \
    /* Failures and new tries; text says why. */                                                   \
    X(SEAL_PRE_COMMIT1_FAILED, "SectorSealPreCommit1Failed")                                       \
    X(SEAL_PRE_COMMIT2_FAILED, "SectorSealPreCommit2Failed")                                       \
    X(CHAIN_PRE_COMMIT_FAILED, "SectorChainPreCommitFailed")                                       \
    X(COMPUTE_PROOF_FAILED, "SectorComputeProofFailed")                                            \
    X(REMOTE_COMMIT1_FAILED, "SectorRemoteCommit1Failed")                                          \
    X(REMOTE_COMMIT2_FAILED, "SectorRemoteCommit2Failed")                                          \
    X(COMMIT_FAILED, "SectorCommitFailed")                                                         \
    X(DEALS_EXPIRED, "SectorDealsExpired")                                                         \
    X(TICKET_EXPIRED, "SectorTicketExpired")                                                       \
    X(INVALID_DEAL_IDS, "SectorInvalidDealIDs") /* state: where to return to */                    \
    X(UPDATE_DEAL_IDS, "SectorUpdateDealIDs")   /* pieces: all, with new deals */                  \
    X(RETRY_WAIT_DEALS, "SectorRetryWaitDeals")                                                    \
    X(RETRY_SEAL_PRE_COMMIT1, "SectorRetrySealPreCommit1")                                         \
    X(RETRY_SEAL_PRE_COMMIT2, "SectorRetrySealPreCommit2")                                         \
    X(RETRY_PRE_COMMIT, "SectorRetryPreCommit")                                                    \
    X(RETRY_PRE_COMMIT_WAIT, "SectorRetryPreCommitWait")                                           \
    X(RETRY_WAIT_SEED, "SectorRetryWaitSeed")                                                      \
    X(RETRY_COMPUTE_PROOF, "SectorRetryComputeProof")                                              \
    X(RETRY_INVALID_PROOF, "SectorRetryInvalidProof")                                              \
    X(RETRY_COMMIT_WAIT, "SectorRetryCommitWait")                                                  \
    X(RETRY_SUBMIT_COMMIT, "SectorRetrySubmitCommit")                                              \
    /* Proving and the way out. */                                                                 \
    X(FAULTY, "SectorFaulty")                                                                      \
    X(FAULT_REPORTED, "SectorFaultReported") /* cid */                                             \
    X(FAULTED_FINAL, "SectorFaultedFinal")                                                         \
    X(TERMINATING, "SectorTerminating") /* key, cid; neither: it is dead already */                \
    X(TERMINATED, "SectorTerminated")   /* epoch */                                                \
    X(TERMINATE_FAILED, "SectorTerminateFailed")                                                   \
    X(REMOVED, "SectorRemoved")                                                                    \
    X(REMOVE_FAILED, "SectorRemoveFailed")                                                         \
    /* Replica update. */                                                                          \
    X(MARK_FOR_UPDATE, "SectorMarkForUpdate")                                                      \
    X(START_CC_UPDATE, "SectorStartCCUpdate")                                                      \
    X(REPLICA_UPDATE, "SectorReplicaUpdate") /* comm_r: UpdateSealed, comm_d: UpdateUnsealed */    \
    X(UPDATE_REPLICA_FAILED, "SectorUpdateReplicaFailed")                                          \
    X(PROVE_REPLICA_UPDATE, "SectorProveReplicaUpdate") /* bytes: proof */                         \
    X(PROVE_REPLICA_UPDATE_FAILED, "SectorProveReplicaUpdateFailed")                               \
    X(REPLICA_UPDATE_SUBMITTED, "SectorReplicaUpdateSubmitted") /* cid */                          \
    X(SUBMIT_REPLICA_UPDATE_FAILED, "SectorSubmitReplicaUpdateFailed")                             \
    X(DEADLINE_IMMUTABLE, "SectorDeadlineImmutable")                                               \
    X(DEADLINE_MUTABLE, "SectorDeadlineMutable")                                                   \
    X(REPLICA_UPDATE_LANDED, "SectorReplicaUpdateLanded")                                          \
    X(UPDATE_ACTIVE, "SectorUpdateActive")                                                         \
    X(KEY_RELEASED, "SectorKeyReleased")                                                           \
    X(RELEASE_KEY_FAILED, "SectorReleaseKeyFailed")                                                \
    X(ABORT_UPGRADE, "SectorAbortUpgrade")                                                         \
    X(REVERT_UPGRADE_TO_PROVING, "SectorRevertUpgradeToProving")                                   \
    X(RETRY_SUBMIT_REPLICA_UPDATE, "SectorRetrySubmitReplicaUpdate")                               \
    X(RETRY_SUBMIT_REPLICA_UPDATE_WAIT, "SectorRetrySubmitReplicaUpdateWait")                      \
    X(RETRY_REPLICA_UPDATE, "SectorRetryReplicaUpdate")                                            \
    X(RETRY_PROVE_REPLICA_UPDATE, "SectorRetryProveReplicaUpdate")                                 \
    X(RECEIVE, "SectorReceive") /* record: replaces the whole, goes on in its Return */            \
    X(RECEIVED, "SectorReceived")

typedef enum {
#define SLK_X(id, name) SLK_EVENT_##id,
    SLK_SECTOR_EVENTS(SLK_X)
#undef SLK_X
        SLK_EVENT_CNT
} slk_event_type_t;

/* An event and what it brings; which fields count stands beside its name above. Borrowed for the step. */
typedef struct {
    slk_event_type_t type;
    const char *text; /* the reason, for people: the log and LastErr; NULL: none */
    slk_sector_state_t state;
    uint64_t miner, number;
    int64_t sector_type;
    slk_sector_piece_list_t pieces;
    slk_node_t hash;
    int64_t epoch;
    slk_bytes_t bytes;
    slk_cid_t cid; /* undefined: none */
    const char *key;
    slk_cid_t comm_d, comm_r;
    slk_bigint_t amount;
    const slk_sector_info_t *record;
} slk_event_t;

const char *slk_event_name(slk_event_type_t type);
/* {"User":{...}}: what the event brings by Lotus' names, as a sector's log has it; without text, which is the
 * log's trace. The caller owns it. */
SLK_CHECK_RESULT slk_err_t slk_event_to_json(json_t **json, const slk_event_t *event,
                                             slk_diag_t *diag);
/* False: no such name. */
bool slk_event_from_name(slk_event_type_t *type, const char *name);

#endif /* SLK_MANAGER_SECTOR_EVENT_H */
