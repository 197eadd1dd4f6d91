#ifndef SLK_CHAIN_API_TYPES_H
#define SLK_CHAIN_API_TYPES_H

/* What the node's API answers and takes beside the chain's own objects (codec/chain, codec/actors).
 * Source: spec chain.md 7.4 and the recordings of a node. */

#include "codec/actors/market.h"
#include "codec/actors/miner_state.h"
#include "codec/actors/verifreg.h"
#include "codec/chain/receipt.h"

/* Single values: the record is the value alone. */
#define SLK_API_ONE(X)                                                                             \
    X(u64, U64)                                                                                    \
    X(i64, I64)                                                                                    \
    X(flag, BOOL)                                                                                  \
    X(text, TEXT)                                                                                  \
    X(bytes, BYTES)                                                                                \
    X(bigint, BIGINT)                                                                              \
    X(opt_bigint, OPT_BIGINT)                                                                      \
    X(address, ADDRESS)                                                                            \
    X(addresses, ARRAY_ADDRESS)                                                                    \
    X(cid, CID)                                                                                    \
    X(any, ANY)                                                                                    \
    X(hash, HASH)                                                                                  \
    X(real, DOUBLE)                                                                                \
    X(signature, SIGNATURE)                                                                        \
    X(bitfield, BITFIELD)                                                                          \
    X(ids, ARRAY_U64)
#define SLK_X(name, kind)                                                                          \
    typedef struct {                                                                               \
        SLK_C_##kind() v;                                                                          \
    } slk_api_##name##_t;                                                                          \
    extern const slk_type_t slk_api_##name##_type;
SLK_API_ONE(SLK_X)
#undef SLK_X

/* A record or null (NULL), and lists of records. */
#define SLK_API_OPT(X)                                                                             \
    X(lookup, slk_msg_lookup)                                                                      \
    X(sector, slk_sector_on_chain_info)                                                            \
    X(pre_commit, slk_sector_pre_commit_on_chain_info)                                             \
    X(base_info, slk_mining_base_info)                                                             \
    X(allocation, slk_allocation)                                                                  \
    X(claim, slk_claim)
#define SLK_X(name, prefix)                                                                        \
    typedef struct {                                                                               \
        prefix##_t *v;                                                                             \
    } slk_api_opt_##name##_t;                                                                      \
    extern const slk_type_t slk_api_opt_##name##_type;
SLK_API_OPT(SLK_X)
#undef SLK_X

#define SLK_API_VERSION_ROWS(F, T)                                                                 \
    F(T, TEXT, version, "Version")                                                                 \
    F(T, U64, api_version, "APIVersion")                                                           \
    F(T, U64, block_delay, "BlockDelay")                                                           \
    F(T, TEXT, agent, "Agent")
SLK_RECORD(slk_api_node_version, SLK_API_VERSION_ROWS);

#define SLK_API_NETWORK_PARAMS_ROWS(F, T)                                                          \
    F(T, TEXT, network_name, "NetworkName")                                                        \
    F(T, U64, block_delay_secs, "BlockDelaySecs")                                                  \
    F(T, BIGINT, consensus_miner_min_power, "ConsensusMinerMinPower")                              \
    F(T, I64, pre_commit_challenge_delay, "PreCommitChallengeDelay")                               \
    F(T, ANY, fork_upgrade_params, "ForkUpgradeParams")                                            \
    F(T, U64, eip155_chain_id, "Eip155ChainID")                                                    \
    F(T, U64, genesis_timestamp, "GenesisTimestamp")
SLK_RECORD(slk_api_network_params, SLK_API_NETWORK_PARAMS_ROWS);

#define SLK_API_DEADLINE_INFO_ROWS(F, T)                                                           \
    F(T, I64, current_epoch, "CurrentEpoch")                                                       \
    F(T, I64, period_start, "PeriodStart")                                                         \
    F(T, U64, index, "Index")                                                                      \
    F(T, I64, open, "Open")                                                                        \
    F(T, I64, close, "Close")                                                                      \
    F(T, I64, challenge, "Challenge")                                                              \
    F(T, I64, fault_cutoff, "FaultCutoff")                                                         \
    F(T, U64, wpost_period_deadlines, "WPoStPeriodDeadlines")                                      \
    F(T, I64, wpost_proving_period, "WPoStProvingPeriod")                                          \
    F(T, I64, wpost_challenge_window, "WPoStChallengeWindow")                                      \
    F(T, I64, wpost_challenge_lookback, "WPoStChallengeLookback")                                  \
    F(T, I64, fault_declaration_cutoff, "FaultDeclarationCutoff")
SLK_RECORD(slk_api_deadline_info, SLK_API_DEADLINE_INFO_ROWS);

#define SLK_API_DEADLINE_ROWS(F, T)                                                                \
    F(T, BITFIELD, post_submissions, "PostSubmissions")                                            \
    F(T, U64, disputable_proof_count, "DisputableProofCount")                                      \
    F(T, BIGINT, daily_fee, "DailyFee")
SLK_RECORD(slk_api_deadline, SLK_API_DEADLINE_ROWS);

#define SLK_API_PARTITION_ROWS(F, T)                                                               \
    F(T, BITFIELD, all_sectors, "AllSectors")                                                      \
    F(T, BITFIELD, faulty_sectors, "FaultySectors")                                                \
    F(T, BITFIELD, recovering_sectors, "RecoveringSectors")                                        \
    F(T, BITFIELD, live_sectors, "LiveSectors")                                                    \
    F(T, BITFIELD, active_sectors, "ActiveSectors")
SLK_RECORD(slk_api_partition, SLK_API_PARTITION_ROWS);

#define SLK_API_CLAIM_ROWS(F, T)                                                                   \
    F(T, BIGINT, raw_byte_power, "RawBytePower")                                                   \
    F(T, BIGINT, quality_adj_power, "QualityAdjPower")
SLK_RECORD(slk_api_claim, SLK_API_CLAIM_ROWS);

#define SLK_API_MINER_POWER_ROWS(F, T)                                                             \
    F(T, RECORD, miner_power, "MinerPower", slk_api_claim)                                         \
    F(T, RECORD, total_power, "TotalPower", slk_api_claim)                                         \
    F(T, BOOL, has_min_power, "HasMinPower")
SLK_RECORD(slk_api_miner_power, SLK_API_MINER_POWER_ROWS);

#define SLK_API_SECTOR_LOCATION_ROWS(F, T)                                                         \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, U64, partition, "Partition")
SLK_RECORD(slk_api_sector_location, SLK_API_SECTOR_LOCATION_ROWS);

#define SLK_API_SECTOR_EXPIRATION_ROWS(F, T)                                                       \
    F(T, I64, on_time, "OnTime") /* 0: not so */                                                   \
    F(T, I64, early, "Early")
SLK_RECORD(slk_api_sector_expiration, SLK_API_SECTOR_EXPIRATION_ROWS);

#define SLK_API_SECTOR_COUNT_ROWS(F, T)                                                            \
    F(T, U64, live, "Live")                                                                        \
    F(T, U64, active, "Active")                                                                    \
    F(T, U64, faulty, "Faulty")
SLK_RECORD(slk_api_sector_count, SLK_API_SECTOR_COUNT_ROWS);

#define SLK_API_MARKET_BALANCE_ROWS(F, T)                                                          \
    F(T, BIGINT, escrow, "Escrow")                                                                 \
    F(T, BIGINT, locked, "Locked")
SLK_RECORD(slk_api_market_balance, SLK_API_MARKET_BALANCE_ROWS);

#define SLK_API_BOUNDS_ROWS(F, T)                                                                  \
    F(T, BIGINT, min, "Min")                                                                       \
    F(T, BIGINT, max, "Max")
SLK_RECORD(slk_api_bounds, SLK_API_BOUNDS_ROWS);

/* What StateCall answers, without its traces. */
#define SLK_API_INVOCATION_ROWS(F, T)                                                              \
    F(T, CID, msg_cid, "MsgCid")                                                                   \
    F(T, OPT, msg_rct, "MsgRct", slk_receipt)                                                      \
    F(T, TEXT, error, "Error")
SLK_RECORD(slk_api_invocation, SLK_API_INVOCATION_ROWS);

/* The state of an actor as the node reads it; its fields depend on the actor. */
#define SLK_API_ACTOR_CONTENT_ROWS(F, T)                                                           \
    F(T, BIGINT, balance, "Balance")                                                               \
    F(T, CID, code, "Code")                                                                        \
    F(T, ANY, state, "State")
SLK_RECORD(slk_api_actor_content, SLK_API_ACTOR_CONTENT_ROWS);

#define SLK_API_ACTIVE_SYNC_ROWS(F, T)                                                             \
    F(T, U64, worker_id, "WorkerID")                                                               \
    F(T, OPT, base, "Base", slk_tipset)                                                            \
    F(T, OPT, target, "Target", slk_tipset)                                                        \
    F(T, I64, stage, "Stage") /* 5: complete, 6: failed */                                         \
    F(T, I64, height, "Height")                                                                    \
    F(T, TEXT, start, "Start")                                                                     \
    F(T, TEXT, end, "End")                                                                         \
    F(T, TEXT, message, "Message")
SLK_RECORD(slk_api_active_sync, SLK_API_ACTIVE_SYNC_ROWS);

#define SLK_API_SYNC_STATE_ROWS(F, T)                                                              \
    F(T, ARRAY, active_syncs, "ActiveSyncs", slk_api_active_sync)                                  \
    F(T, U64, vm_applied, "VMApplied")
SLK_RECORD(slk_api_sync_state, SLK_API_SYNC_STATE_ROWS);

#define SLK_API_LIST(X)                                                                            \
    X(sectors, slk_sector_on_chain_info)                                                           \
    X(deadlines, slk_api_deadline)                                                                 \
    X(partitions, slk_api_partition)                                                               \
    X(messages, slk_signed_message)                                                                \
    X(tipset_messages, slk_message_of_tipset)                                                      \
    X(receipts, slk_receipt)
#define SLK_X(name, prefix)                                                                        \
    typedef struct {                                                                               \
        prefix##_list_t v;                                                                         \
    } slk_api_##name##_t;                                                                          \
    extern const slk_type_t slk_api_##name##_type;
SLK_API_LIST(SLK_X)
#undef SLK_X

#endif /* SLK_CHAIN_API_TYPES_H */
