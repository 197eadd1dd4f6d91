#ifndef SLK_PROOFS_GROTH16_PROOF_H
#define SLK_PROOFS_GROTH16_PROOF_H

/* The three points of a proof and their bytes. */

#include "selkie/groth16.h"

#include <blst.h>

typedef struct {
    blst_p1_affine a, c;
    blst_p2_affine b;
} slk_proof_t;

/* Every point fully checked. SLK_ERR_FORMAT; in messages the bytes are those of proof idx. */
SLK_CHECK_RESULT slk_err_t slk_proof_read(slk_proof_t *out,
                                          const uint8_t bytes[SLK_GROTH16_PROOF_SZ], size_t idx,
                                          slk_diag_t *diag);
void slk_proof_write(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_proof_t *proof);

/* Exactly cnt proofs long? SLK_ERR_LENGTH. */
SLK_CHECK_RESULT slk_err_t slk_proofs_check_len(size_t proofs_len, size_t cnt, slk_diag_t *diag);

#endif /* SLK_PROOFS_GROTH16_PROOF_H */
