/* Bytes of one or more proofs: whatever is accepted is the only spelling of its points. */

#include "base/assert.h"
#include "proofs/groth16/proof.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_diag_t diag = {""};
    size_t cnt = size / SLK_GROTH16_PROOF_SZ;
    slk_err_t err = slk_groth16_check_proofs(data, size, cnt, &diag);
    SLK_ASSERT((err == SLK_OK) == !diag.text[0]);
    for (size_t i = 0; err == SLK_OK && i < cnt; i++) {
        slk_proof_t proof;
        uint8_t again[SLK_GROTH16_PROOF_SZ];
        SLK_ASSERT(slk_proof_read(&proof, data + i * sizeof again, i, NULL) == SLK_OK);
        slk_proof_write(again, &proof);
        SLK_ASSERT(memcmp(again, data + i * sizeof again, sizeof again) == 0);
    }
    return 0;
}
