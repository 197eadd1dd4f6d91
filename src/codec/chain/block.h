#ifndef SLK_CODEC_CHAIN_BLOCK_H
#define SLK_CODEC_CHAIN_BLOCK_H

/* Block headers and what is in them (spec chain.md 6.4). */

#include "codec/chain/message.h"

#define SLK_TICKET_ROWS(F, T) F(T, BYTES, vrf_proof, "VRFProof")
SLK_RECORD(slk_ticket, SLK_TICKET_ROWS);

#define SLK_ELECTION_PROOF_ROWS(F, T)                                                              \
    F(T, I64, win_count, "WinCount")                                                               \
    F(T, BYTES, vrf_proof, "VRFProof")
SLK_RECORD(slk_election_proof, SLK_ELECTION_PROOF_ROWS);

#define SLK_BEACON_ENTRY_ROWS(F, T)                                                                \
    F(T, U64, round, "Round")                                                                      \
    F(T, BYTES, data, "Data")
SLK_RECORD(slk_beacon_entry, SLK_BEACON_ENTRY_ROWS);

#define SLK_POST_PROOF_ROWS(F, T)                                                                  \
    F(T, I64, post_proof, "PoStProof") /* a number of spec chain.md 4.2 */                         \
    F(T, BYTES, proof_bytes, "ProofBytes")
SLK_RECORD(slk_post_proof, SLK_POST_PROOF_ROWS);

#define SLK_BLOCK_HEADER_ROWS(F, T)                                                                \
    F(T, ADDRESS, miner, "Miner")                                                                  \
    F(T, OPT, ticket, "Ticket", slk_ticket)                                                        \
    F(T, OPT, election_proof, "ElectionProof", slk_election_proof)                                 \
    F(T, LIST, beacon_entries, "BeaconEntries", slk_beacon_entry)                                  \
    F(T, LIST, win_post_proof, "WinPoStProof", slk_post_proof)                                     \
    F(T, LIST_CID, parents, "Parents")                                                             \
    F(T, BIGINT, parent_weight, "ParentWeight")                                                    \
    F(T, I64, height, "Height")                                                                    \
    F(T, CID, parent_state_root, "ParentStateRoot")                                                \
    F(T, CID, parent_message_receipts, "ParentMessageReceipts")                                    \
    F(T, CID, messages, "Messages") /* of a slk_msg_meta_t */                                      \
    F(T, OPT_SIGNATURE, bls_aggregate, "BLSAggregate")                                             \
    F(T, U64, timestamp, "Timestamp") /* seconds since 1970 */                                     \
    F(T, OPT_SIGNATURE, block_sig, "BlockSig")                                                     \
    F(T, U64, fork_signaling, "ForkSignaling")                                                     \
    F(T, BIGINT, parent_base_fee, "ParentBaseFee")
SLK_RECORD(slk_block_header, SLK_BLOCK_HEADER_ROWS);

SLK_CHECK_RESULT slk_err_t slk_block_cid(slk_cid_t *cid, const slk_block_header_t *header,
                                         slk_diag_t *diag);

/* Append what the worker signs: the header's CBOR with BlockSig null. */
SLK_CHECK_RESULT slk_err_t slk_block_unsigned(slk_buf_t *out, const slk_block_header_t *header,
                                              slk_diag_t *diag);

/* What Messages of a header names: the roots of two AMTs of CIDs. */
#define SLK_MSG_META_ROWS(F, T)                                                                    \
    F(T, CID, bls_messages, "BlsMessages")                                                         \
    F(T, CID, secpk_messages, "SecpkMessages")
SLK_RECORD(slk_msg_meta, SLK_MSG_META_ROWS);

/* A block on its way through the network, and what MinerCreateBlock answers. */
#define SLK_BLOCK_MSG_ROWS(F, T)                                                                   \
    F(T, RECORD, header, "Header", slk_block_header)                                               \
    F(T, LIST_CID, bls_messages, "BlsMessages")                                                    \
    F(T, LIST_CID, secpk_messages, "SecpkMessages")
SLK_RECORD(slk_block_msg, SLK_BLOCK_MSG_ROWS);

/* What ChainGetBlockMessages answers. */
#define SLK_BLOCK_MESSAGES_ROWS(F, T)                                                              \
    F(T, ARRAY, bls_messages, "BlsMessages", slk_message)                                          \
    F(T, ARRAY, secpk_messages, "SecpkMessages", slk_signed_message)                               \
    F(T, ARRAY_CID, cids, "Cids")
SLK_RECORD(slk_block_messages, SLK_BLOCK_MESSAGES_ROWS);

/* What MinerCreateBlock is asked with. */
#define SLK_BLOCK_TEMPLATE_ROWS(F, T)                                                              \
    F(T, ADDRESS, miner, "Miner")                                                                  \
    F(T, ARRAY_CID, parents, "Parents")                                                            \
    F(T, OPT, ticket, "Ticket", slk_ticket)                                                        \
    F(T, OPT, eproof, "Eproof", slk_election_proof)                                                \
    F(T, LIST, beacon_values, "BeaconValues", slk_beacon_entry)                                    \
    F(T, LIST, messages, "Messages", slk_signed_message)                                           \
    F(T, I64, epoch, "Epoch")                                                                      \
    F(T, U64, timestamp, "Timestamp")                                                              \
    F(T, LIST, winning_post_proof, "WinningPoStProof", slk_post_proof)
SLK_RECORD(slk_block_template, SLK_BLOCK_TEMPLATE_ROWS);

/* One sector as PoSt challenges it. */
#define SLK_CHALLENGED_SECTOR_ROWS(F, T)                                                           \
    F(T, I64, seal_proof, "SealProof")                                                             \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, OPT_CID, sector_key, "SectorKey")                                                         \
    F(T, CID, sealed_cid, "SealedCID")
SLK_RECORD(slk_challenged_sector, SLK_CHALLENGED_SECTOR_ROWS);

/* What MinerGetBaseInfo answers. */
#define SLK_MINING_BASE_INFO_ROWS(F, T)                                                            \
    F(T, BIGINT, miner_power, "MinerPower")                                                        \
    F(T, BIGINT, network_power, "NetworkPower")                                                    \
    F(T, LIST, sectors, "Sectors", slk_challenged_sector)                                          \
    F(T, ADDRESS, worker_key, "WorkerKey")                                                         \
    F(T, U64, sector_size, "SectorSize")                                                           \
    F(T, RECORD, prev_beacon_entry, "PrevBeaconEntry", slk_beacon_entry)                           \
    F(T, LIST, beacon_entries, "BeaconEntries", slk_beacon_entry)                                  \
    F(T, BOOL, eligible_for_mining, "EligibleForMining")
SLK_RECORD(slk_mining_base_info, SLK_MINING_BASE_INFO_ROWS);

#endif /* SLK_CODEC_CHAIN_BLOCK_H */
