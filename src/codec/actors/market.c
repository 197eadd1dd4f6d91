#include "codec/actors/market.h"

SLK_RECORD_TYPE(slk_deal_proposal, "DealProposal", TUPLE, SLK_DEAL_PROPOSAL_ROWS);
SLK_RECORD_TYPE(slk_client_deal_proposal, "ClientDealProposal", TUPLE,
                SLK_CLIENT_DEAL_PROPOSAL_ROWS);
SLK_RECORD_TYPE(slk_deal_state, "DealState", TUPLE, SLK_DEAL_STATE_ROWS);
SLK_RECORD_TYPE(slk_market_deal, "MarketDeal", OBJECT, SLK_MARKET_DEAL_ROWS);
SLK_RECORD_TYPE(slk_market_withdraw_balance_params, "WithdrawBalanceParams", TUPLE,
                SLK_MARKET_WITHDRAW_BALANCE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_publish_storage_deals_params, "PublishStorageDealsParams", TUPLE,
                SLK_PUBLISH_STORAGE_DEALS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_publish_storage_deals_return, "PublishStorageDealsReturn", TUPLE,
                SLK_PUBLISH_STORAGE_DEALS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_on_miner_sectors_terminate_params, "OnMinerSectorsTerminateParams", TUPLE,
                SLK_ON_MINER_SECTORS_TERMINATE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_get_balance_return, "GetBalanceReturn", TUPLE, SLK_GET_BALANCE_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_deal_data_commitment_return, "GetDealDataCommitmentReturn", TUPLE,
                SLK_GET_DEAL_DATA_COMMITMENT_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_deal_term_return, "GetDealTermReturn", TUPLE,
                SLK_GET_DEAL_TERM_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_deal_activation_return, "GetDealActivationReturn", TUPLE,
                SLK_GET_DEAL_ACTIVATION_RETURN_ROWS);
SLK_RECORD_TYPE(slk_deal_settlement_summary, "DealSettlementSummary", TUPLE,
                SLK_DEAL_SETTLEMENT_SUMMARY_ROWS);
SLK_RECORD_TYPE(slk_settle_deal_payments_return, "SettleDealPaymentsReturn", TUPLE,
                SLK_SETTLE_DEAL_PAYMENTS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_piece_change, "PieceChange", TUPLE, SLK_PIECE_CHANGE_ROWS);
SLK_RECORD_TYPE(slk_sector_changes, "SectorChanges", TUPLE, SLK_SECTOR_CHANGES_ROWS);
SLK_RECORD_TYPE(slk_sector_content_changed_params, "SectorContentChangedParams", BARE,
                SLK_SECTOR_CONTENT_CHANGED_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_return, "SectorReturn", BARE, SLK_SECTOR_RETURN_ROWS);
SLK_RECORD_TYPE(slk_sector_content_changed_return, "SectorContentChangedReturn", BARE,
                SLK_SECTOR_CONTENT_CHANGED_RETURN_ROWS);
SLK_RECORD_TYPE(slk_market_state, "State", TUPLE, SLK_MARKET_STATE_ROWS);
