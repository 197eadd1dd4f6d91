#include "codec/actors/multisig.h"

SLK_RECORD_TYPE(slk_multisig_constructor_params, "ConstructorParams", TUPLE,
                SLK_MULTISIG_CONSTRUCTOR_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_propose_params, "ProposeParams", TUPLE, SLK_PROPOSE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_propose_return, "ProposeReturn", TUPLE, SLK_PROPOSE_RETURN_ROWS);
SLK_RECORD_TYPE(slk_proposal_hash_data, "ProposalHashData", TUPLE, SLK_PROPOSAL_HASH_DATA_ROWS);
SLK_RECORD_TYPE(slk_txn_id_params, "TxnIDParams", TUPLE, SLK_TXN_ID_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_approve_return, "ApproveReturn", TUPLE, SLK_APPROVE_RETURN_ROWS);
SLK_RECORD_TYPE(slk_add_signer_params, "AddSignerParams", TUPLE, SLK_ADD_SIGNER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_remove_signer_params, "RemoveSignerParams", TUPLE,
                SLK_REMOVE_SIGNER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_swap_signer_params, "SwapSignerParams", TUPLE, SLK_SWAP_SIGNER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_change_num_approvals_params, "ChangeNumApprovalsThresholdParams", TUPLE,
                SLK_CHANGE_NUM_APPROVALS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_lock_balance_params, "LockBalanceParams", TUPLE, SLK_LOCK_BALANCE_PARAMS_ROWS);
