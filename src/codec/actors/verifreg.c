#include "codec/actors/verifreg.h"

SLK_RECORD_TYPE(slk_verifier_params, "VerifierParams", TUPLE, SLK_VERIFIER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_remove_data_cap_request, "RemoveDataCapRequest", TUPLE,
                SLK_REMOVE_DATA_CAP_REQUEST_ROWS);
SLK_RECORD_TYPE(slk_remove_data_cap_params, "RemoveDataCapParams", TUPLE,
                SLK_REMOVE_DATA_CAP_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_remove_data_cap_return, "RemoveDataCapReturn", TUPLE,
                SLK_REMOVE_DATA_CAP_RETURN_ROWS);
SLK_RECORD_TYPE(slk_remove_expired_allocations_params, "RemoveExpiredAllocationsParams", TUPLE,
                SLK_REMOVE_EXPIRED_ALLOCATIONS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_remove_expired_allocations_return, "RemoveExpiredAllocationsReturn", TUPLE,
                SLK_REMOVE_EXPIRED_ALLOCATIONS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_allocation_claim, "AllocationClaim", TUPLE, SLK_ALLOCATION_CLAIM_ROWS);
SLK_RECORD_TYPE(slk_sector_allocation_claims, "SectorAllocationClaims", TUPLE,
                SLK_SECTOR_ALLOCATION_CLAIMS_ROWS);
SLK_RECORD_TYPE(slk_claim_allocations_params, "ClaimAllocationsParams", TUPLE,
                SLK_CLAIM_ALLOCATIONS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_claim_summary, "SectorClaimSummary", FLAT,
                SLK_SECTOR_CLAIM_SUMMARY_ROWS);
SLK_RECORD_TYPE(slk_claim_allocations_return, "ClaimAllocationsReturn", TUPLE,
                SLK_CLAIM_ALLOCATIONS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_allocation, "Allocation", TUPLE, SLK_ALLOCATION_ROWS);
SLK_RECORD_TYPE(slk_claim, "Claim", TUPLE, SLK_CLAIM_ROWS);
SLK_RECORD_TYPE(slk_claims_params, "GetClaimsParams", TUPLE, SLK_CLAIMS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_get_claims_return, "GetClaimsReturn", TUPLE, SLK_GET_CLAIMS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_remove_expired_claims_return, "RemoveExpiredClaimsReturn", TUPLE,
                SLK_REMOVE_EXPIRED_CLAIMS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_claim_term, "ClaimTerm", TUPLE, SLK_CLAIM_TERM_ROWS);
SLK_RECORD_TYPE(slk_extend_claim_terms_params, "ExtendClaimTermsParams", TUPLE,
                SLK_EXTEND_CLAIM_TERMS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_universal_receiver_params, "UniversalReceiverParams", TUPLE,
                SLK_UNIVERSAL_RECEIVER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_transfer_params, "TransferParams", TUPLE, SLK_TRANSFER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_transfer_return, "TransferReturn", TUPLE, SLK_TRANSFER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_allocation_request, "AllocationRequest", TUPLE, SLK_ALLOCATION_REQUEST_ROWS);
SLK_RECORD_TYPE(slk_claim_extension_request, "ClaimExtensionRequest", TUPLE,
                SLK_CLAIM_EXTENSION_REQUEST_ROWS);
SLK_RECORD_TYPE(slk_allocation_requests, "AllocationRequests", TUPLE, SLK_ALLOCATION_REQUESTS_ROWS);
SLK_RECORD_TYPE(slk_allocations_response, "AllocationsResponse", TUPLE,
                SLK_ALLOCATIONS_RESPONSE_ROWS);
SLK_RECORD_TYPE(slk_verifreg_state, "State", TUPLE, SLK_VERIFREG_STATE_ROWS);
