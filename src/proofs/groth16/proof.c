#include "proofs/groth16/proof.h"

#include "base/assert.h"
#include "proofs/groth16/point.h"

#define A_AT 0u
#define B_AT SLK_G1_PACKED_SZ
#define C_AT (SLK_G1_PACKED_SZ + SLK_G2_PACKED_SZ)
_Static_assert(C_AT + SLK_G1_PACKED_SZ == SLK_GROTH16_PROOF_SZ, "A, B, C and nothing else");

slk_err_t slk_proof_read(slk_proof_t *out, const uint8_t bytes[SLK_GROTH16_PROOF_SZ], size_t idx,
                         slk_diag_t *diag)
{
    const struct {
        const char *name;
        unsigned at;
        slk_point_t point;
    } rows[] = {
        {"A", A_AT, slk_g1_read_packed(&out->a, bytes + A_AT)},
        {"B", B_AT, slk_g2_read_packed(&out->b, bytes + B_AT)},
        {"C", C_AT, slk_g1_read_packed(&out->c, bytes + C_AT)},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (rows[i].point != SLK_POINT_OK)
            return slk_fail(diag, SLK_ERR_FORMAT, "proof %zu: point %s at byte %zu %s", idx,
                            rows[i].name, idx * SLK_GROTH16_PROOF_SZ + rows[i].at,
                            slk_point_text(rows[i].point));
    }
    return SLK_OK;
}

void slk_proof_write(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_proof_t *proof)
{
    blst_p1_affine_compress(out + A_AT, &proof->a);
    blst_p2_affine_compress(out + B_AT, &proof->b);
    blst_p1_affine_compress(out + C_AT, &proof->c);
}

slk_err_t slk_proofs_check_len(size_t proofs_len, size_t cnt, slk_diag_t *diag)
{
    if (proofs_len % SLK_GROTH16_PROOF_SZ || proofs_len / SLK_GROTH16_PROOF_SZ != cnt)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%zu bytes of proof, expected %zu proofs of %u bytes each", proofs_len, cnt,
                        SLK_GROTH16_PROOF_SZ);
    return SLK_OK;
}

slk_err_t slk_groth16_check_proofs(const void *proofs, size_t proofs_len, size_t cnt,
                                   slk_diag_t *diag)
{
    slk_err_t err = slk_proofs_check_len(proofs_len, cnt, diag);
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        slk_proof_t proof;
        err = slk_proof_read(&proof, (const uint8_t *)proofs + i * SLK_GROTH16_PROOF_SZ, i, diag);
    }
    return err;
}
