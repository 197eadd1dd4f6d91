#ifndef SLK_CODEC_ACTORS_VERIFREG_H
#define SLK_CODEC_ACTORS_VERIFREG_H

/* The verified registry, f06, and the transfers of data cap, f07, that make allocations. Clients and
 * providers are actor ids. */

#include "codec/actors/values.h"

#define SLK_VERIFIER_PARAMS_ROWS(F, T)                                                             \
    F(T, ADDRESS, address, "Address")                                                              \
    F(T, BIGINT, allowance, "Allowance") /* bytes */
SLK_RECORD(slk_verifier_params, SLK_VERIFIER_PARAMS_ROWS);

#define SLK_REMOVE_DATA_CAP_REQUEST_ROWS(F, T)                                                     \
    F(T, ADDRESS, verifier, "Verifier")                                                            \
    F(T, SIGNATURE, verifier_signature, "VerifierSignature")
SLK_RECORD(slk_remove_data_cap_request, SLK_REMOVE_DATA_CAP_REQUEST_ROWS);

#define SLK_REMOVE_DATA_CAP_PARAMS_ROWS(F, T)                                                      \
    F(T, ADDRESS, verified_client_to_remove, "VerifiedClientToRemove")                             \
    F(T, BIGINT, data_cap_amount_to_remove, "DataCapAmountToRemove")                               \
    F(T, RECORD, verifier_request1, "VerifierRequest1", slk_remove_data_cap_request)               \
    F(T, RECORD, verifier_request2, "VerifierRequest2", slk_remove_data_cap_request)
SLK_RECORD(slk_remove_data_cap_params, SLK_REMOVE_DATA_CAP_PARAMS_ROWS);
#define SLK_REMOVE_DATA_CAP_RETURN_ROWS(F, T)                                                      \
    F(T, ADDRESS, verified_client, "VerifiedClient")                                               \
    F(T, BIGINT, data_cap_removed, "DataCapRemoved")
SLK_RECORD(slk_remove_data_cap_return, SLK_REMOVE_DATA_CAP_RETURN_ROWS);

#define SLK_REMOVE_EXPIRED_ALLOCATIONS_PARAMS_ROWS(F, T)                                           \
    F(T, U64, client, "Client")                                                                    \
    F(T, LIST_U64, allocation_ids, "AllocationIds") /* none: all that have expired */
SLK_RECORD(slk_remove_expired_allocations_params, SLK_REMOVE_EXPIRED_ALLOCATIONS_PARAMS_ROWS);
#define SLK_REMOVE_EXPIRED_ALLOCATIONS_RETURN_ROWS(F, T)                                           \
    F(T, LIST_U64, considered, "Considered")                                                       \
    F(T, RECORD, results, "Results", slk_batch_return)                                             \
    F(T, BIGINT, data_cap_recovered, "DataCapRecovered")
SLK_RECORD(slk_remove_expired_allocations_return, SLK_REMOVE_EXPIRED_ALLOCATIONS_RETURN_ROWS);

#define SLK_ALLOCATION_CLAIM_ROWS(F, T)                                                            \
    F(T, U64, client, "Client")                                                                    \
    F(T, U64, allocation_id, "AllocationId")                                                       \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")
SLK_RECORD(slk_allocation_claim, SLK_ALLOCATION_CLAIM_ROWS);
#define SLK_SECTOR_ALLOCATION_CLAIMS_ROWS(F, T)                                                    \
    F(T, U64, sector, "Sector")                                                                    \
    F(T, I64, expiry, "SectorExpiry")                                                              \
    F(T, LIST, claims, "Claims", slk_allocation_claim)
SLK_RECORD(slk_sector_allocation_claims, SLK_SECTOR_ALLOCATION_CLAIMS_ROWS);
#define SLK_CLAIM_ALLOCATIONS_PARAMS_ROWS(F, T)                                                    \
    F(T, LIST, sectors, "Sectors", slk_sector_allocation_claims)                                   \
    F(T, BOOL, all_or_nothing, "AllOrNothing")
SLK_RECORD(slk_claim_allocations_params, SLK_CLAIM_ALLOCATIONS_PARAMS_ROWS);
/* Space claimed by each sector that succeeded. */
#define SLK_SECTOR_CLAIM_SUMMARY_ROWS(F, T) F(T, BIGINT, claimed_space, "ClaimedSpace")
SLK_RECORD(slk_sector_claim_summary, SLK_SECTOR_CLAIM_SUMMARY_ROWS);
#define SLK_CLAIM_ALLOCATIONS_RETURN_ROWS(F, T)                                                    \
    F(T, RECORD, sector_results, "SectorResults", slk_batch_return)                                \
    F(T, LIST, sector_claims, "SectorClaims", slk_sector_claim_summary)
SLK_RECORD(slk_claim_allocations_return, SLK_CLAIM_ALLOCATIONS_RETURN_ROWS);

#define SLK_ALLOCATION_ROWS(F, T)                                                                  \
    F(T, U64, client, "Client")                                                                    \
    F(T, U64, provider, "Provider")                                                                \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")                                                                        \
    F(T, I64, term_min, "TermMin")                                                                 \
    F(T, I64, term_max, "TermMax")                                                                 \
    F(T, I64, expiration, "Expiration")
SLK_RECORD(slk_allocation, SLK_ALLOCATION_ROWS);

#define SLK_CLAIM_ROWS(F, T)                                                                       \
    F(T, U64, provider, "Provider")                                                                \
    F(T, U64, client, "Client")                                                                    \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")                                                                        \
    F(T, I64, term_min, "TermMin")                                                                 \
    F(T, I64, term_max, "TermMax")                                                                 \
    F(T, I64, term_start, "TermStart")                                                             \
    F(T, U64, sector, "Sector")
SLK_RECORD(slk_claim, SLK_CLAIM_ROWS);

#define SLK_CLAIMS_PARAMS_ROWS(F, T)                                                               \
    F(T, U64, provider, "Provider")                                                                \
    F(T, LIST_U64, claim_ids, "ClaimIds")
SLK_RECORD(slk_claims_params, SLK_CLAIMS_PARAMS_ROWS); /* GetClaims, RemoveExpiredClaims */
#define SLK_GET_CLAIMS_RETURN_ROWS(F, T)                                                           \
    F(T, RECORD, batch_info, "BatchInfo", slk_batch_return)                                        \
    F(T, LIST, claims, "Claims", slk_claim)
SLK_RECORD(slk_get_claims_return, SLK_GET_CLAIMS_RETURN_ROWS);
#define SLK_REMOVE_EXPIRED_CLAIMS_RETURN_ROWS(F, T)                                                \
    F(T, LIST_U64, considered, "Considered")                                                       \
    F(T, RECORD, results, "Results", slk_batch_return)
SLK_RECORD(slk_remove_expired_claims_return, SLK_REMOVE_EXPIRED_CLAIMS_RETURN_ROWS);

#define SLK_CLAIM_TERM_ROWS(F, T)                                                                  \
    F(T, U64, provider, "Provider")                                                                \
    F(T, U64, claim_id, "ClaimId")                                                                 \
    F(T, I64, term_max, "TermMax")
SLK_RECORD(slk_claim_term, SLK_CLAIM_TERM_ROWS);
#define SLK_EXTEND_CLAIM_TERMS_PARAMS_ROWS(F, T) F(T, LIST, terms, "Terms", slk_claim_term)
SLK_RECORD(slk_extend_claim_terms_params, SLK_EXTEND_CLAIM_TERMS_PARAMS_ROWS);

/* --- Transfers of data cap ------------------------------------------------------------------------------ */

#define SLK_UNIVERSAL_RECEIVER_PARAMS_ROWS(F, T)                                                   \
    F(T, U64, type, "Type_")                                                                       \
    F(T, BYTES, payload, "Payload")
SLK_RECORD(slk_universal_receiver_params, SLK_UNIVERSAL_RECEIVER_PARAMS_ROWS);

#define SLK_TRANSFER_PARAMS_ROWS(F, T)                                                             \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, BIGINT, amount, "Amount")             /* bytes * 10^18 */                                 \
    F(T, BYTES, operator_data, "OperatorData") /* of a slk_allocation_requests_t */
SLK_RECORD(slk_transfer_params, SLK_TRANSFER_PARAMS_ROWS);
#define SLK_TRANSFER_RETURN_ROWS(F, T)                                                             \
    F(T, BIGINT, from_balance, "FromBalance")                                                      \
    F(T, BIGINT, to_balance, "ToBalance")                                                          \
    F(T, BYTES, recipient_data, "RecipientData") /* of a slk_allocations_response_t */
SLK_RECORD(slk_transfer_return, SLK_TRANSFER_RETURN_ROWS);

#define SLK_ALLOCATION_REQUEST_ROWS(F, T)                                                          \
    F(T, U64, provider, "Provider")                                                                \
    F(T, CID, data, "Data")                                                                        \
    F(T, U64, size, "Size")                                                                        \
    F(T, I64, term_min, "TermMin")                                                                 \
    F(T, I64, term_max, "TermMax")                                                                 \
    F(T, I64, expiration, "Expiration")
SLK_RECORD(slk_allocation_request, SLK_ALLOCATION_REQUEST_ROWS);
#define SLK_CLAIM_EXTENSION_REQUEST_ROWS(F, T)                                                     \
    F(T, U64, provider, "Provider")                                                                \
    F(T, U64, claim, "Claim")                                                                      \
    F(T, I64, term_max, "TermMax")
SLK_RECORD(slk_claim_extension_request, SLK_CLAIM_EXTENSION_REQUEST_ROWS);
#define SLK_ALLOCATION_REQUESTS_ROWS(F, T)                                                         \
    F(T, LIST, allocations, "Allocations", slk_allocation_request)                                 \
    F(T, LIST, extensions, "Extensions", slk_claim_extension_request)
SLK_RECORD(slk_allocation_requests, SLK_ALLOCATION_REQUESTS_ROWS);
#define SLK_ALLOCATIONS_RESPONSE_ROWS(F, T)                                                        \
    F(T, RECORD, allocation_results, "AllocationResults", slk_batch_return)                        \
    F(T, RECORD, extension_results, "ExtensionResults", slk_batch_return)                          \
    F(T, LIST_U64, new_allocations, "NewAllocations")
SLK_RECORD(slk_allocations_response, SLK_ALLOCATIONS_RESPONSE_ROWS);

#define SLK_VERIFREG_STATE_ROWS(F, T)                                                              \
    F(T, ADDRESS, root_key, "RootKey")                                                             \
    F(T, CID, verifiers, "Verifiers")                                                              \
    F(T, CID, remove_data_cap_proposal_ids, "RemoveDataCapProposalIDs")                            \
    F(T, CID, allocations, "Allocations")                                                          \
    F(T, U64, next_allocation_id, "NextAllocationId")                                              \
    F(T, CID, claims, "Claims")
SLK_RECORD(slk_verifreg_state, SLK_VERIFREG_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_VERIFREG_H */
