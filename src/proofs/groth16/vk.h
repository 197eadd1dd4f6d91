#ifndef SLK_PROOFS_GROTH16_VK_H
#define SLK_PROOFS_GROTH16_VK_H

/* Inside of a verifying key. The prover takes its points from here; the rest is what
 * verification needs of them again and again. */

#include "proofs/groth16/pairing.h"
#include "selkie/groth16.h"

#define SLK_VK_HEAD_SZ 868u /* six points and the count */

static inline uint64_t slk_vk_sz(uint32_t ic_cnt)
{
    return SLK_VK_HEAD_SZ + UINT64_C(96) * ic_cnt;
}

struct slk_vk {
    blst_p1_affine alpha_g1, beta_g1, delta_g1;
    blst_p2_affine beta_g2, gamma_g2, delta_g2;
    blst_fp12 alpha_beta;                   /* Miller loop of alpha_g1 and beta_g2 */
    slk_lines_t beta, neg_gamma, neg_delta; /* of G2 */
    uint32_t ic_cnt;
    blst_p1_affine ic[];
};

/* slk_vk_parse of the first slk_vk_sz(n) bytes; what follows is not looked at. */
SLK_CHECK_RESULT slk_err_t slk_vk_parse_head(slk_vk_t **out, const uint8_t *bytes, uint64_t len,
                                             const char *name, const slk_job_t *job,
                                             slk_diag_t *diag);

/* slk_vk_sz(vk->ic_cnt) bytes: what slk_vk_parse reads. */
void slk_vk_write(uint8_t *out, const slk_vk_t *vk);

#endif /* SLK_PROOFS_GROTH16_VK_H */
