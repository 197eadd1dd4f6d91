#ifndef SLK_CODEC_ACTORS_MARKET_H
#define SLK_CODEC_ACTORS_MARKET_H

/* The built-in market, f05 (spec chain.md 3.5), and the notification of sectors' content, which other
 * receivers take too. */

#include "codec/actors/values.h"

#define SLK_DEAL_PROPOSAL_ROWS(F, T)                                                               \
    F(T, CID, piece_cid, "PieceCID")                                                               \
    F(T, U64, piece_size, "PieceSize") /* padded */                                                \
    F(T, BOOL, verified_deal, "VerifiedDeal")                                                      \
    F(T, ADDRESS, client, "Client")                                                                \
    F(T, ADDRESS, provider, "Provider")                                                            \
    F(T, LABEL, label, "Label")                                                                    \
    F(T, I64, start_epoch, "StartEpoch")                                                           \
    F(T, I64, end_epoch, "EndEpoch")                                                               \
    F(T, BIGINT, storage_price_per_epoch, "StoragePricePerEpoch")                                  \
    F(T, BIGINT, provider_collateral, "ProviderCollateral")                                        \
    F(T, BIGINT, client_collateral, "ClientCollateral")
SLK_RECORD(slk_deal_proposal, SLK_DEAL_PROPOSAL_ROWS);

#define SLK_CLIENT_DEAL_PROPOSAL_ROWS(F, T)                                                        \
    F(T, RECORD, proposal, "Proposal", slk_deal_proposal)                                          \
    F(T, SIGNATURE, client_signature, "ClientSignature") /* over the proposal's CBOR as sent */
SLK_RECORD(slk_client_deal_proposal, SLK_CLIENT_DEAL_PROPOSAL_ROWS);

#define SLK_DEAL_STATE_ROWS(F, T)                                                                  \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, I64, sector_start_epoch, "SectorStartEpoch") /* -1: not activated */                      \
    F(T, I64, last_updated_epoch, "LastUpdatedEpoch") /* -1: never */                              \
    F(T, I64, slash_epoch, "SlashEpoch")              /* -1: never */
SLK_RECORD(slk_deal_state, SLK_DEAL_STATE_ROWS);

/* What StateMarketStorageDeal answers. */
#define SLK_MARKET_DEAL_ROWS(F, T)                                                                 \
    F(T, RECORD, proposal, "Proposal", slk_deal_proposal)                                          \
    F(T, RECORD, state, "State", slk_deal_state)
SLK_RECORD(slk_market_deal, SLK_MARKET_DEAL_ROWS);

#define SLK_MARKET_WITHDRAW_BALANCE_PARAMS_ROWS(F, T)                                              \
    F(T, ADDRESS, provider_or_client_address, "ProviderOrClientAddress")                           \
    F(T, BIGINT, amount, "Amount")
SLK_RECORD(slk_market_withdraw_balance_params, SLK_MARKET_WITHDRAW_BALANCE_PARAMS_ROWS);

#define SLK_PUBLISH_STORAGE_DEALS_PARAMS_ROWS(F, T)                                                \
    F(T, LIST, deals, "Deals", slk_client_deal_proposal)
SLK_RECORD(slk_publish_storage_deals_params, SLK_PUBLISH_STORAGE_DEALS_PARAMS_ROWS);

#define SLK_PUBLISH_STORAGE_DEALS_RETURN_ROWS(F, T)                                                \
    F(T, LIST_U64, ids, "IDs")                                                                     \
    F(T, BITFIELD, valid_deals, "ValidDeals") /* indexes of those that got the ids */
SLK_RECORD(slk_publish_storage_deals_return, SLK_PUBLISH_STORAGE_DEALS_RETURN_ROWS);

#define SLK_ON_MINER_SECTORS_TERMINATE_PARAMS_ROWS(F, T)                                           \
    F(T, I64, epoch, "Epoch")                                                                      \
    F(T, BITFIELD, sectors, "Sectors")
SLK_RECORD(slk_on_miner_sectors_terminate_params, SLK_ON_MINER_SECTORS_TERMINATE_PARAMS_ROWS);

#define SLK_GET_BALANCE_RETURN_ROWS(F, T)                                                          \
    F(T, BIGINT, balance, "Balance")                                                               \
    F(T, BIGINT, locked, "Locked")
SLK_RECORD(slk_get_balance_return, SLK_GET_BALANCE_RETURN_ROWS);

#define SLK_GET_DEAL_DATA_COMMITMENT_RETURN_ROWS(F, T)                                             \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")
SLK_RECORD(slk_get_deal_data_commitment_return, SLK_GET_DEAL_DATA_COMMITMENT_RETURN_ROWS);

#define SLK_GET_DEAL_TERM_RETURN_ROWS(F, T)                                                        \
    F(T, I64, start, "Start")                                                                      \
    F(T, I64, duration, "Duration")
SLK_RECORD(slk_get_deal_term_return, SLK_GET_DEAL_TERM_RETURN_ROWS);

#define SLK_GET_DEAL_ACTIVATION_RETURN_ROWS(F, T)                                                  \
    F(T, I64, activated, "Activated")   /* -1: not */                                              \
    F(T, I64, terminated, "Terminated") /* -1: not */
SLK_RECORD(slk_get_deal_activation_return, SLK_GET_DEAL_ACTIVATION_RETURN_ROWS);

#define SLK_DEAL_SETTLEMENT_SUMMARY_ROWS(F, T)                                                     \
    F(T, BIGINT, payment, "Payment")                                                               \
    F(T, BOOL, completed, "Completed")
SLK_RECORD(slk_deal_settlement_summary, SLK_DEAL_SETTLEMENT_SUMMARY_ROWS);
#define SLK_SETTLE_DEAL_PAYMENTS_RETURN_ROWS(F, T)                                                 \
    F(T, RECORD, results, "Results", slk_batch_return)                                             \
    F(T, LIST, settlements, "Settlements", slk_deal_settlement_summary)
SLK_RECORD(slk_settle_deal_payments_return, SLK_SETTLE_DEAL_PAYMENTS_RETURN_ROWS);

/* --- Notification of content, sent by miners ----------------------------------------------------------- */

#define SLK_PIECE_CHANGE_ROWS(F, T)                                                                \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")                                                                        \
    F(T, BYTES, payload, "Payload")
SLK_RECORD(slk_piece_change, SLK_PIECE_CHANGE_ROWS);

#define SLK_SECTOR_CHANGES_ROWS(F, T)                                                              \
    F(T, U64, sector, "Sector")                                                                    \
    F(T, I64, minimum_commitment_epoch, "MinimumCommitmentEpoch")                                  \
    F(T, LIST, added, "Added", slk_piece_change)
SLK_RECORD(slk_sector_changes, SLK_SECTOR_CHANGES_ROWS);

/* Lists alone, without an array around them. */
#define SLK_SECTOR_CONTENT_CHANGED_PARAMS_ROWS(F, T) F(T, LIST, sectors, "", slk_sector_changes)
SLK_RECORD(slk_sector_content_changed_params, SLK_SECTOR_CONTENT_CHANGED_PARAMS_ROWS);
#define SLK_SECTOR_RETURN_ROWS(F, T) F(T, LIST_BOOL, added, "") /* accepted, a piece each */
SLK_RECORD(slk_sector_return, SLK_SECTOR_RETURN_ROWS);
#define SLK_SECTOR_CONTENT_CHANGED_RETURN_ROWS(F, T) F(T, LIST, sectors, "", slk_sector_return)
SLK_RECORD(slk_sector_content_changed_return, SLK_SECTOR_CONTENT_CHANGED_RETURN_ROWS);

#define SLK_MARKET_STATE_ROWS(F, T)                                                                \
    F(T, CID, proposals, "Proposals")                                                              \
    F(T, CID, states, "States")                                                                    \
    F(T, CID, pending_proposals, "PendingProposals")                                               \
    F(T, CID, escrow_table, "EscrowTable")                                                         \
    F(T, CID, locked_table, "LockedTable")                                                         \
    F(T, U64, next_id, "NextID")                                                                   \
    F(T, CID, deal_ops_by_epoch, "DealOpsByEpoch")                                                 \
    F(T, I64, last_cron, "LastCron")                                                               \
    F(T, BIGINT, total_client_locked_collateral, "TotalClientLockedCollateral")                    \
    F(T, BIGINT, total_provider_locked_collateral, "TotalProviderLockedCollateral")                \
    F(T, BIGINT, total_client_storage_fee, "TotalClientStorageFee")                                \
    F(T, CID, pending_deal_allocation_ids, "PendingDealAllocationIds")                             \
    F(T, CID, provider_sectors, "ProviderSectors")
SLK_RECORD(slk_market_state, SLK_MARKET_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_MARKET_H */
