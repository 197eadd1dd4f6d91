#ifndef SLK_CODEC_ACTORS_MULTISIG_H
#define SLK_CODEC_ACTORS_MULTISIG_H

/* Multisig actors: accounts of several signers. */

#include "codec/actors/values.h"

#define SLK_MULTISIG_CONSTRUCTOR_PARAMS_ROWS(F, T)                                                 \
    F(T, LIST_ADDRESS, signers, "Signers")                                                         \
    F(T, U64, num_approvals_threshold, "NumApprovalsThreshold")                                    \
    F(T, I64, unlock_duration, "UnlockDuration")                                                   \
    F(T, I64, start_epoch, "StartEpoch")
SLK_RECORD(slk_multisig_constructor_params, SLK_MULTISIG_CONSTRUCTOR_PARAMS_ROWS);

#define SLK_PROPOSE_PARAMS_ROWS(F, T)                                                              \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, BIGINT, value, "Value")                                                                   \
    F(T, U64, method, "Method")                                                                    \
    F(T, BYTES, params, "Params")
SLK_RECORD(slk_propose_params, SLK_PROPOSE_PARAMS_ROWS);

#define SLK_PROPOSE_RETURN_ROWS(F, T)                                                              \
    F(T, I64, txn_id, "TxnID")                                                                     \
    F(T, BOOL, applied, "Applied")                                                                 \
    F(T, I64, code, "Code") /* of the transaction, when applied */                                 \
    F(T, BYTES, ret, "Ret")
SLK_RECORD(slk_propose_return, SLK_PROPOSE_RETURN_ROWS);

/* What the proposal's hash, blake2b-256 of the CBOR, is made of. */
#define SLK_PROPOSAL_HASH_DATA_ROWS(F, T)                                                          \
    F(T, OPT_ADDRESS, requester, "Requester") /* who proposed, an ID address */                    \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, BIGINT, value, "Value")                                                                   \
    F(T, U64, method, "Method")                                                                    \
    F(T, BYTES, params, "Params")
SLK_RECORD(slk_proposal_hash_data, SLK_PROPOSAL_HASH_DATA_ROWS);

/* Of Approve and Cancel; without a hash any proposal of that number. */
#define SLK_TXN_ID_PARAMS_ROWS(F, T)                                                               \
    F(T, I64, id, "ID")                                                                            \
    F(T, BYTES, proposal_hash, "ProposalHash")
SLK_RECORD(slk_txn_id_params, SLK_TXN_ID_PARAMS_ROWS);

#define SLK_APPROVE_RETURN_ROWS(F, T)                                                              \
    F(T, BOOL, applied, "Applied")                                                                 \
    F(T, I64, code, "Code")                                                                        \
    F(T, BYTES, ret, "Ret")
SLK_RECORD(slk_approve_return, SLK_APPROVE_RETURN_ROWS);

#define SLK_ADD_SIGNER_PARAMS_ROWS(F, T)                                                           \
    F(T, ADDRESS, signer, "Signer")                                                                \
    F(T, BOOL, increase, "Increase")
SLK_RECORD(slk_add_signer_params, SLK_ADD_SIGNER_PARAMS_ROWS);

#define SLK_REMOVE_SIGNER_PARAMS_ROWS(F, T)                                                        \
    F(T, ADDRESS, signer, "Signer")                                                                \
    F(T, BOOL, decrease, "Decrease")
SLK_RECORD(slk_remove_signer_params, SLK_REMOVE_SIGNER_PARAMS_ROWS);

#define SLK_SWAP_SIGNER_PARAMS_ROWS(F, T)                                                          \
    F(T, ADDRESS, from, "From")                                                                    \
    F(T, ADDRESS, to, "To")
SLK_RECORD(slk_swap_signer_params, SLK_SWAP_SIGNER_PARAMS_ROWS);

#define SLK_CHANGE_NUM_APPROVALS_PARAMS_ROWS(F, T) F(T, U64, new_threshold, "NewThreshold")
SLK_RECORD(slk_change_num_approvals_params, SLK_CHANGE_NUM_APPROVALS_PARAMS_ROWS);

#define SLK_LOCK_BALANCE_PARAMS_ROWS(F, T)                                                         \
    F(T, I64, start_epoch, "StartEpoch")                                                           \
    F(T, I64, unlock_duration, "UnlockDuration")                                                   \
    F(T, BIGINT, amount, "Amount")
SLK_RECORD(slk_lock_balance_params, SLK_LOCK_BALANCE_PARAMS_ROWS);

#endif /* SLK_CODEC_ACTORS_MULTISIG_H */
