#ifndef SLK_CHAIN_API_H
#define SLK_CHAIN_API_H

/* Typed calls of the Lotus API, made from one table:
 *
 *     slk_api_miner_info_t info;
 *     err = slk_api_StateMinerInfo(&api, &miner, NULL, &arena, &info, diag);
 *
 * A row: method, kind of call (chain/nodes.h), result record, kinds of the parameters in order.
 * Parameters by kind:
 *     ADDRESS CID          const slk_address_t *, const slk_cid_t *
 *     TIPSET               const slk_tipset_key_t *; NULL: null, the head
 *     I64 U64 BOOL DOUBLE  by value
 *     TEXT BYTES           slk_bytes_t
 *     BITFIELD             const slk_bitfield_t *; NULL: null
 *     MESSAGE SIGNED SPEC PRE_COMMIT TEMPLATE BLOCK SIGNATURE IDS   records; SPEC may be NULL
 * The result is what codec/record.h reads; its memory is the arena's, whose limit bounds it. Where a
 * method may answer null the record is an slk_api_opt_...: v is NULL then.
 *
 * Errors as slk_nodes_call, SLK_ERR_FORMAT for answers of another form; an error that the node answered
 * is that of slk_node_answer_check, and api->last, when given, tells its code. */

#include "chain/api_types.h"
#include "chain/nodes.h"

/* What became of a call; kept for callers who must know. */
typedef struct {
    slk_http_outcome_t outcome;
    bool answered; /* a node answered, with a result or an error */
    int64_t code;  /* of an error answer; 0: none */
    char text[1024];
    char node[SLK_NODE_NAME_MAX];
} slk_api_last_t;

typedef struct {
    slk_nodes_t *nodes;
    slk_network_t network; /* letter with which addresses are written; nodes read both */
    const char *node;      /* only this one; NULL: any */
    const slk_job_t *job;  /* may be NULL */
    slk_api_last_t *last;  /* may be NULL */
} slk_api_t;

#define SLK_API_METHODS(X)                                                                         \
    X(Version, READ, slk_api_node_version)                                                         \
    X(Session, READ, slk_api_text)                                                                 \
    X(ID, READ, slk_api_text)                                                                      \
    X(AuthVerify, READ, slk_api_any, TEXT)                                                         \
    X(ChainHead, READ, slk_tipset)                                                                 \
    X(ChainGetGenesis, READ, slk_tipset)                                                           \
    X(ChainGetTipSet, READ, slk_tipset, TIPSET)                                                    \
    X(ChainGetTipSetByHeight, SLOW, slk_tipset, I64, TIPSET)                                       \
    X(ChainGetTipSetAfterHeight, SLOW, slk_tipset, I64, TIPSET)                                    \
    X(ChainGetBlock, READ, slk_block_header, CID)                                                  \
    X(ChainGetBlockMessages, READ, slk_block_messages, CID)                                        \
    X(ChainGetMessage, READ, slk_message, CID)                                                     \
    X(ChainGetMessagesInTipset, READ, slk_api_tipset_messages, TIPSET)                             \
    X(ChainGetParentMessages, READ, slk_api_tipset_messages, CID)                                  \
    X(ChainGetParentReceipts, READ, slk_api_receipts, CID)                                         \
    X(ChainTipSetWeight, READ, slk_api_bigint, TIPSET)                                             \
    X(StateNetworkName, READ, slk_api_text)                                                        \
    X(StateNetworkVersion, READ, slk_api_u64, TIPSET)                                              \
    X(StateGetNetworkParams, READ, slk_api_network_params)                                         \
    X(StateGetActor, READ, slk_actor_state, ADDRESS, TIPSET)                                       \
    X(StateReadState, READ, slk_api_actor_content, ADDRESS, TIPSET)                                \
    X(StateLookupID, READ, slk_api_address, ADDRESS, TIPSET)                                       \
    X(StateAccountKey, READ, slk_api_address, ADDRESS, TIPSET)                                     \
    X(StateLookupRobustAddress, READ, slk_api_address, ADDRESS, TIPSET)                            \
    X(StateMinerInfo, READ, slk_api_miner_info, ADDRESS, TIPSET)                                   \
    X(StateMinerProvingDeadline, READ, slk_api_deadline_info, ADDRESS, TIPSET)                     \
    X(StateMinerDeadlines, READ, slk_api_deadlines, ADDRESS, TIPSET)                               \
    X(StateMinerPartitions, READ, slk_api_partitions, ADDRESS, U64, TIPSET)                        \
    X(StateMinerSectors, SLOW, slk_api_sectors, ADDRESS, BITFIELD, TIPSET)                         \
    X(StateMinerActiveSectors, SLOW, slk_api_sectors, ADDRESS, TIPSET)                             \
    X(StateSectorGetInfo, READ, slk_api_opt_sector, ADDRESS, U64, TIPSET)                          \
    X(StateSectorPreCommitInfo, READ, slk_api_opt_pre_commit, ADDRESS, U64, TIPSET)                \
    X(StateSectorPartition, SLOW, slk_api_sector_location, ADDRESS, U64, TIPSET)                   \
    X(StateSectorExpiration, SLOW, slk_api_sector_expiration, ADDRESS, U64, TIPSET)                \
    X(StateMinerSectorAllocated, READ, slk_api_flag, ADDRESS, U64, TIPSET)                         \
    X(StateMinerAllocated, READ, slk_api_bitfield, ADDRESS, TIPSET)                                \
    X(StateMinerPower, READ, slk_api_miner_power, ADDRESS, TIPSET)                                 \
    X(StateMinerFaults, SLOW, slk_api_bitfield, ADDRESS, TIPSET)                                   \
    X(StateMinerRecoveries, SLOW, slk_api_bitfield, ADDRESS, TIPSET)                               \
    X(StateMinerSectorCount, SLOW, slk_api_sector_count, ADDRESS, TIPSET)                          \
    X(StateMinerPreCommitDepositForPower, READ, slk_api_bigint, ADDRESS, PRE_COMMIT, TIPSET)       \
    X(StateMinerInitialPledgeCollateral, READ, slk_api_bigint, ADDRESS, PRE_COMMIT, TIPSET)        \
    X(StateMinerInitialPledgeForSector, READ, slk_api_bigint, I64, U64, U64, TIPSET)               \
    X(StateMinerAvailableBalance, READ, slk_api_bigint, ADDRESS, TIPSET)                           \
    X(StateMinerCreationDeposit, READ, slk_api_bigint, TIPSET)                                     \
    X(StateGetRandomnessFromTickets, READ, slk_api_bytes, I64, I64, BYTES, TIPSET)                 \
    X(StateGetRandomnessFromBeacon, READ, slk_api_bytes, I64, I64, BYTES, TIPSET)                  \
    X(StateGetRandomnessDigestFromBeacon, READ, slk_api_bytes, I64, TIPSET)                        \
    X(StateGetBeaconEntry, WAIT, slk_beacon_entry, I64)                                            \
    X(StateWaitMsg, WAIT, slk_msg_lookup, CID, U64, I64, BOOL)                                     \
    X(StateSearchMsg, SLOW, slk_api_opt_lookup, TIPSET, CID, I64, BOOL)                            \
    X(StateCall, SLOW, slk_api_invocation, MESSAGE, TIPSET)                                        \
    X(StateComputeDataCID, SLOW, slk_api_cid, ADDRESS, I64, IDS, TIPSET)                           \
    X(StateMarketStorageDeal, READ, slk_market_deal, U64, TIPSET)                                  \
    X(StateMarketBalance, READ, slk_api_market_balance, ADDRESS, TIPSET)                           \
    X(StateDealProviderCollateralBounds, READ, slk_api_bounds, U64, BOOL, TIPSET)                  \
    X(StateGetAllocation, READ, slk_api_opt_allocation, ADDRESS, U64, TIPSET)                      \
    X(StateGetAllocationForPendingDeal, READ, slk_api_opt_allocation, U64, TIPSET)                 \
    X(StateGetAllocationIdForPendingDeal, READ, slk_api_u64, U64, TIPSET)                          \
    X(StateGetClaim, READ, slk_api_opt_claim, ADDRESS, U64, TIPSET)                                \
    X(StateVerifiedClientStatus, READ, slk_api_opt_bigint, ADDRESS, TIPSET)                        \
    X(StateListMiners, SLOW, slk_api_addresses, TIPSET)                                            \
    X(GasEstimateMessageGas, SLOW, slk_message, MESSAGE, SPEC, TIPSET)                             \
    X(GasEstimateGasLimit, SLOW, slk_api_i64, MESSAGE, TIPSET)                                     \
    X(GasEstimateFeeCap, READ, slk_api_bigint, MESSAGE, I64, TIPSET)                               \
    X(GasEstimateGasPremium, READ, slk_api_bigint, U64, ADDRESS, I64, TIPSET)                      \
    X(MpoolPushMessage, HAND, slk_signed_message, MESSAGE, SPEC)                                   \
    X(MpoolPush, PUSH, slk_api_cid, SIGNED)                                                        \
    X(MpoolGetNonce, READ, slk_api_u64, ADDRESS)                                                   \
    X(MpoolPending, READ, slk_api_messages, TIPSET)                                                \
    X(MpoolSelect, READ, slk_api_messages, TIPSET, DOUBLE)                                         \
    X(WalletHas, READ, slk_api_flag, ADDRESS)                                                      \
    X(WalletBalance, READ, slk_api_bigint, ADDRESS)                                                \
    X(WalletList, READ, slk_api_addresses)                                                         \
    X(WalletDefaultAddress, READ, slk_api_address)                                                 \
    X(WalletNew, PUSH, slk_api_address, TEXT)                                                      \
    X(WalletSign, READ, slk_api_signature, ADDRESS, BYTES)                                         \
    X(WalletSignMessage, READ, slk_signed_message, ADDRESS, MESSAGE)                               \
    X(WalletVerify, READ, slk_api_flag, ADDRESS, BYTES, SIGNATURE)                                 \
    X(MinerGetBaseInfo, SLOW, slk_api_opt_base_info, ADDRESS, I64, TIPSET)                         \
    X(MinerCreateBlock, SLOW, slk_block_msg, TEMPLATE)                                             \
    X(SyncSubmitBlock, SLOW, slk_api_any, BLOCK)                                                   \
    X(SyncState, READ, slk_api_sync_state)

/* --- What the rows expand to ----------------------------------------------------------------------- */

#define SLK_API_T_ADDRESS    const slk_address_t *
#define SLK_API_T_CID        const slk_cid_t *
#define SLK_API_T_TIPSET     const slk_tipset_key_t *
#define SLK_API_T_I64        int64_t
#define SLK_API_T_U64        uint64_t
#define SLK_API_T_BOOL       bool
#define SLK_API_T_DOUBLE     double
#define SLK_API_T_TEXT       slk_bytes_t
#define SLK_API_T_BYTES      slk_bytes_t
#define SLK_API_T_BITFIELD   const slk_bitfield_t *
#define SLK_API_T_MESSAGE    const slk_message_t *
#define SLK_API_T_SIGNED     const slk_signed_message_t *
#define SLK_API_T_SPEC       const slk_message_send_spec_t *
#define SLK_API_T_PRE_COMMIT const slk_sector_pre_commit_info_t *
#define SLK_API_T_TEMPLATE   const slk_block_template_t *
#define SLK_API_T_BLOCK      const slk_block_msg_t *
#define SLK_API_T_SIGNATURE  const slk_signature_t *
#define SLK_API_T_IDS        const slk_u64_list_t *

#define SLK_API_COUNT(...)                           SLK_API_COUNT_(0, ##__VA_ARGS__, 4, 3, 2, 1, 0)
#define SLK_API_COUNT_(zero, a, b, c, d, count, ...) count
#define SLK_API_PASTE(a, b)                          SLK_API_PASTE_(a, b)
#define SLK_API_PASTE_(a, b)                         a##b

#define SLK_API_PARAMS_0()
#define SLK_API_PARAMS_1(A)       SLK_API_T_##A p0,
#define SLK_API_PARAMS_2(A, B)    SLK_API_T_##A p0, SLK_API_T_##B p1,
#define SLK_API_PARAMS_3(A, B, C) SLK_API_T_##A p0, SLK_API_T_##B p1, SLK_API_T_##C p2,
#define SLK_API_PARAMS_4(A, B, C, D)                                                               \
    SLK_API_T_##A p0, SLK_API_T_##B p1, SLK_API_T_##C p2, SLK_API_T_##D p3,
#define SLK_API_PARAMS(...) SLK_API_PASTE(SLK_API_PARAMS_, SLK_API_COUNT(__VA_ARGS__))(__VA_ARGS__)

#define SLK_X(name, kind, result, ...)                                                             \
    SLK_CHECK_RESULT slk_err_t slk_api_##name(const slk_api_t *api,                                \
                                              SLK_API_PARAMS(__VA_ARGS__) slk_arena_t *arena,      \
                                              result##_t *out, slk_diag_t *diag);
SLK_API_METHODS(SLK_X)
#undef SLK_X

/* --- The table itself, for tests and whoever walks it ------------------------------------------------ */

typedef struct {
    const char *name; /* without "Filecoin." */
    slk_call_class_t kind;
    const slk_type_t *result;
    unsigned param_cnt;
    const slk_type_t *params[4]; /* of a TIPSET slk_tipset_cids_type */
} slk_api_method_t;

extern const slk_api_method_t slk_api_methods[];
extern const size_t slk_api_method_cnt;

#endif /* SLK_CHAIN_API_H */
