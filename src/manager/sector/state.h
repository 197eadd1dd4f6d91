#ifndef SLK_MANAGER_SECTOR_STATE_H
#define SLK_MANAGER_SECTOR_STATE_H

/* The states of a sector, by Lotus' names and meaning (spec lotus-miner.md 1.2). */

#include <stdbool.h>

typedef enum {
    SLK_CLASS_STAGING, /* gathering data */
    SLK_CLASS_SEALING,
    SLK_CLASS_PROVING,
    SLK_CLASS_FAILED, /* waits for a new try or for a person */
    SLK_CLASS_ENDING, /* on the way out, or out */
    SLK_CLASS_CNT
} slk_state_class_t;

/* Identifier, Lotus' name, class, what goes on. Append only. */
#define SLK_SECTOR_STATES(X)                                                                       \
    X(UNDEFINED, "", STAGING, "just made")                                                         \
    X(EMPTY, "Empty", STAGING, "takes pieces")                                                     \
    X(WAIT_DEALS, "WaitDeals", STAGING, "takes pieces")                                            \
    X(ADD_PIECE, "AddPiece", STAGING, "pieces are being written")                                  \
    X(PACKING, "Packing", SEALING, "is padded with zero pieces")                                   \
    X(GET_TICKET, "GetTicket", SEALING, "asks the chain for its ticket")                           \
    X(PRE_COMMIT1, "PreCommit1", SEALING, "PC1: labels are computed")                              \
    X(PRE_COMMIT2, "PreCommit2", SEALING, "PC2: trees and replica are computed")                   \
    X(PRE_COMMITTING, "PreCommitting", SEALING, "the pre-commit message is prepared")              \
    X(SUBMIT_PRE_COMMIT_BATCH, "SubmitPreCommitBatch", SEALING,                                    \
      "waits to be sent in a batch of pre-commits")                                                \
    X(PRE_COMMIT_WAIT, "PreCommitWait", SEALING, "the pre-commit message is on its way")           \
    X(PRE_COMMIT_BATCH_WAIT, "PreCommitBatchWait", SEALING,                                        \
      "the pre-commit message is on its way")                                                      \
    X(WAIT_SEED, "WaitSeed", SEALING, "waits for the seed")                                        \
    X(COMMITTING, "Committing", SEALING, "C1 and C2: the proof is computed")                       \
    X(COMMIT_FINALIZE, "CommitFinalize", SEALING, "files move to long-term storage")               \
    X(SUBMIT_COMMIT, "SubmitCommit", SEALING, "the prove-commit message is prepared")              \
    X(SUBMIT_COMMIT_AGGREGATE, "SubmitCommitAggregate", SEALING,                                   \
      "waits to be sent in a batch of prove-commits")                                              \
    X(COMMIT_WAIT, "CommitWait", SEALING, "the prove-commit message is on its way")                \
    X(COMMIT_AGGREGATE_WAIT, "CommitAggregateWait", SEALING,                                       \
      "the prove-commit message is on its way")                                                    \
    X(FINALIZE_SECTOR, "FinalizeSector", SEALING, "files move to long-term storage")               \
    X(PROVING, "Proving", PROVING, "sealed and on chain")                                          \
    X(AVAILABLE, "Available", PROVING, "sealed and on chain, may take deals by replica update")    \
    X(ADD_PIECE_FAILED, "AddPieceFailed", FAILED, "a piece could not be written")                  \
    X(SEAL_PRE_COMMIT1_FAILED, "SealPreCommit1Failed", FAILED, "PC1 failed")                       \
    X(SEAL_PRE_COMMIT2_FAILED, "SealPreCommit2Failed", FAILED, "PC2 failed")                       \
    X(PRE_COMMIT_FAILED, "PreCommitFailed", FAILED, "the pre-commit was not accepted")             \
    X(COMPUTE_PROOF_FAILED, "ComputeProofFailed", FAILED, "C1 or C2 failed")                       \
    X(REMOTE_COMMIT_FAILED, "RemoteCommitFailed", FAILED, "a remote prover failed")                \
    X(COMMIT_FAILED, "CommitFailed", FAILED, "the prove-commit was not accepted")                  \
    X(COMMIT_FINALIZE_FAILED, "CommitFinalizeFailed", FAILED, "files could not be moved")          \
    X(FINALIZE_FAILED, "FinalizeFailed", FAILED, "files could not be moved")                       \
    X(PACKING_FAILED, "PackingFailed", FAILED, "padding failed")                                   \
    X(DEALS_EXPIRED, "DealsExpired", FAILED, "a deal should have begun")                           \
    X(RECOVER_DEAL_IDS, "RecoverDealIDs", FAILED, "a deal is looked for again")                    \
    X(FAULTY, "Faulty", FAILED, "was found faulty")                                                \
    X(FAULT_REPORTED, "FaultReported", FAILED, "its fault was reported")                           \
    X(FAULTED_FINAL, "FaultedFinal", FAILED, "its fault is final")                                 \
    X(FAILED_UNRECOVERABLE, "FailedUnrecoverable", FAILED, "cannot go on")                         \
    X(TERMINATING, "Terminating", ENDING, "waits to be sent in a batch of terminations")           \
    X(TERMINATE_WAIT, "TerminateWait", ENDING, "the termination is on its way")                    \
    X(TERMINATE_FINALITY, "TerminateFinality", ENDING, "the termination becomes final")            \
    X(TERMINATE_FAILED, "TerminateFailed", FAILED, "the termination failed")                       \
    X(REMOVING, "Removing", ENDING, "its files are removed")                                       \
    X(REMOVE_FAILED, "RemoveFailed", FAILED, "files could not be removed")                         \
    X(REMOVED, "Removed", ENDING, "gone")                                                          \
    X(SNAP_DEALS_WAIT_DEALS, "SnapDealsWaitDeals", STAGING, "takes pieces for a replica update")   \
    X(SNAP_DEALS_ADD_PIECE, "SnapDealsAddPiece", STAGING, "pieces are being written")              \
    X(SNAP_DEALS_PACKING, "SnapDealsPacking", SEALING, "is padded with zero pieces")               \
    X(UPDATE_REPLICA, "UpdateReplica", SEALING, "RU: the new replica is computed")                 \
    X(PROVE_REPLICA_UPDATE, "ProveReplicaUpdate", SEALING, "PR1 and PR2: the proof is computed")   \
    X(SUBMIT_REPLICA_UPDATE, "SubmitReplicaUpdate", SEALING, "the update is sent")                 \
    X(WAIT_MUTABLE, "WaitMutable", SEALING, "waits until its deadline may be changed")             \
    X(REPLICA_UPDATE_WAIT, "ReplicaUpdateWait", SEALING, "the update is on its way")               \
    X(UPDATE_ACTIVATING, "UpdateActivating", PROVING, "the update becomes final")                  \
    X(RELEASE_SECTOR_KEY, "ReleaseSectorKey", PROVING, "the old replica is removed")               \
    X(FINALIZE_REPLICA_UPDATE, "FinalizeReplicaUpdate", SEALING,                                   \
      "files move to long-term storage")                                                           \
    X(SNAP_DEALS_ADD_PIECE_FAILED, "SnapDealsAddPieceFailed", FAILED,                              \
      "a piece could not be written")                                                              \
    X(SNAP_DEALS_DEALS_EXPIRED, "SnapDealsDealsExpired", FAILED, "a deal should have begun")       \
    X(SNAP_DEALS_RECOVER_DEAL_IDS, "SnapDealsRecoverDealIDs", FAILED,                              \
      "a deal is looked for again")                                                                \
    X(REPLICA_UPDATE_FAILED, "ReplicaUpdateFailed", FAILED, "the replica update failed")           \
    X(RELEASE_SECTOR_KEY_FAILED, "ReleaseSectorKeyFailed", FAILED,                                 \
      "the old replica could not be removed")                                                      \
    X(FINALIZE_REPLICA_UPDATE_FAILED, "FinalizeReplicaUpdateFailed", FAILED,                       \
      "files could not be moved")                                                                  \
    X(ABORT_UPGRADE, "AbortUpgrade", SEALING, "the replica update is undone")                      \
    X(RECEIVE_SECTOR, "ReceiveSector", SEALING, "comes from another machine")

typedef enum {
#define SLK_X(id, name, class, what) SLK_STATE_##id,
    SLK_SECTOR_STATES(SLK_X)
#undef SLK_X
        SLK_STATE_CNT
} slk_sector_state_t;

const char *slk_sector_state_name(slk_sector_state_t state);
slk_state_class_t slk_sector_state_class(slk_sector_state_t state);
const char *slk_sector_state_what(slk_sector_state_t state);
const char *slk_state_class_name(slk_state_class_t class); /* "sealing" */
/* False: no such name. "" is SLK_STATE_UNDEFINED. */
bool slk_sector_state_from_name(slk_sector_state_t *state, const char *name);

#endif /* SLK_MANAGER_SECTOR_STATE_H */
