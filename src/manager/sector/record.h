#ifndef SLK_MANAGER_SECTOR_RECORD_H
#define SLK_MANAGER_SECTOR_RECORD_H

/* What the manager knows of a sector: Lotus' SectorInfo (spec lotus-miner.md 7.3) by its names, and a few
 * fields of ours behind them. JSON in the database; memory is the arena's it was read into. */

#include "codec/actors/market.h"
#include "codec/actors/miner.h"
#include "manager/sector/state.h"

#define SLK_DEAL_SCHEDULE_ROWS(F, T)                                                               \
    F(T, I64, start_epoch, "StartEpoch")                                                           \
    F(T, I64, end_epoch, "EndEpoch")
SLK_RECORD(slk_deal_schedule, SLK_DEAL_SCHEDULE_ROWS);

/* Of a market deal: publish_cid, deal_id, deal_proposal. Without a deal: piece_activation_manifest. */
#define SLK_PIECE_DEAL_INFO_ROWS(F, T)                                                             \
    F(T, OPT_CID, publish_cid, "PublishCid")                                                       \
    F(T, U64, deal_id, "DealID")                                                                   \
    F(T, OPT, deal_proposal, "DealProposal", slk_deal_proposal)                                    \
    F(T, RECORD, deal_schedule, "DealSchedule", slk_deal_schedule)                                 \
    F(T, OPT, piece_activation_manifest, "PieceActivationManifest", slk_piece_activation_manifest) \
    F(T, BOOL, keep_unsealed, "KeepUnsealed")
SLK_RECORD(slk_piece_deal_info, SLK_PIECE_DEAL_INFO_ROWS);

#define SLK_SEALED_PIECE_ROWS(F, T)                                                                \
    F(T, U64, size, "Size") /* padded */                                                           \
    F(T, CID, piece_cid, "PieceCID")
SLK_RECORD(slk_sealed_piece, SLK_SEALED_PIECE_ROWS);

/* deal_info NULL: a filler of zeros. source: where its bytes come from, a URL or an absolute path of the
 * piece store; payload_size of them are there, zeros behind (ours; Lotus streams them). */
#define SLK_SECTOR_PIECE_ROWS(F, T)                                                                \
    F(T, RECORD, piece, "Piece", slk_sealed_piece)                                                 \
    F(T, OPT, deal_info, "DealInfo", slk_piece_deal_info)                                          \
    F(T, TEXT, source, "Source")                                                                   \
    F(T, U64, payload_size, "PayloadSize")
SLK_RECORD(slk_sector_piece, SLK_SECTOR_PIECE_ROWS);

#define SLK_SECTOR_INFO_ROWS(F, T)                                                                 \
    F(T, TEXT, state_name, "State")                                                                \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, I64, sector_type, "SectorType")     /* registered seal proof */                           \
    F(T, I64, creation_time, "CreationTime") /* seconds since 1970, of the first piece */          \
    F(T, LIST, pieces, "Pieces", slk_sector_piece)                                                 \
    F(T, HASH, ticket_value, "TicketValue")                                                        \
    F(T, I64, ticket_epoch, "TicketEpoch") /* 0: no ticket yet */                                  \
    F(T, BYTES, pre_commit1_out, "PreCommit1Out")                                                  \
    F(T, U64, pre_commit1_fails, "PreCommit1Fails")                                                \
    F(T, OPT_CID, comm_d, "CommD")                                                                 \
    F(T, OPT_CID, comm_r, "CommR")                                                                 \
    F(T, U64, pre_commit2_fails, "PreCommit2Fails")                                                \
    F(T, BIGINT, pre_commit_deposit, "PreCommitDeposit")                                           \
    F(T, OPT_CID, pre_commit_message, "PreCommitMessage")                                          \
    F(T, BYTES, pre_commit_tipset, "PreCommitTipSet") /* block CIDs one behind the other */        \
    F(T, HASH, seed_value, "SeedValue")                                                            \
    F(T, I64, seed_epoch, "SeedEpoch") /* 0: no seed yet */                                        \
    F(T, BYTES, proof, "Proof")                                                                    \
    F(T, OPT_CID, commit_message, "CommitMessage")                                                 \
    F(T, U64, invalid_proofs, "InvalidProofs")                                                     \
    F(T, BOOL, cc_update, "CCUpdate")                                                              \
    F(T, LIST, cc_pieces, "CCPieces", slk_sector_piece)                                            \
    F(T, OPT_CID, update_sealed, "UpdateSealed")                                                   \
    F(T, OPT_CID, update_unsealed, "UpdateUnsealed")                                               \
    F(T, BYTES, replica_update_proof, "ReplicaUpdateProof")                                        \
    F(T, OPT_CID, replica_update_message, "ReplicaUpdateMessage")                                  \
    F(T, OPT_CID, fault_report_msg, "FaultReportMsg")                                              \
    F(T, TEXT, return_state, "Return")                                                             \
    F(T, OPT_CID, terminate_message, "TerminateMessage")                                           \
    F(T, I64, terminated_at, "TerminatedAt")                                                       \
    F(T, TEXT, last_err, "LastErr")                                                                \
    /* Ours. */                                                                                    \
    F(T, U64, miner, "Miner")                                                                      \
    F(T, U64, visit, "Visit")          /* counts entries into states: names what a state began */  \
    F(T, I64, entered_ms, "EnteredMs") /* when the present state was entered, ms since 1970 */     \
    F(T, LIST, assigned, "Assigned", slk_sector_piece) /* pieces to be written yet */              \
    F(T, BOOL, start_packing, "StartPacking")          /* asked for while pieces are written */    \
    F(T, BOOL, finalized, "Finalized") /* files are in long-term storage, before proof or after */ \
    F(T, TEXT, pre_commit_key, "PreCommitKey") /* chain/message_store.h: key of the message */     \
    F(T, TEXT, commit_key, "CommitKey")                                                            \
    F(T, TEXT, terminate_key, "TerminateKey")
SLK_RECORD(slk_sector_info, SLK_SECTOR_INFO_ROWS);

/* The state of state_name; a record always has one of the table. */
slk_sector_state_t slk_sector_state(const slk_sector_info_t *sector);

/* The record as compact JSON, addresses as of the main network; to be freed. */
SLK_CHECK_RESULT slk_err_t slk_sector_info_to_text(char **text, const slk_sector_info_t *sector,
                                                   slk_diag_t *diag);

/* Read it. SLK_ERR_FORMAT: no such record, or State or Return name no state. */
SLK_CHECK_RESULT slk_err_t slk_sector_info_from_text(slk_sector_info_t *sector, const char *text,
                                                     size_t len, slk_arena_t *arena,
                                                     slk_diag_t *diag);

/* A copy of text (NULL: empty) that a record and a database can hold: UTF-8, other bytes become '?', cut at
 * a character to at most max bytes; a zero byte behind it. NULL: the arena is full. */
const char *slk_sector_text(slk_arena_t *arena, const char *text, size_t max);
#define SLK_SECTOR_TEXT_MAX ((size_t)8000) /* of LastErr, and of a message in the log, as Lotus */

#endif /* SLK_MANAGER_SECTOR_RECORD_H */
