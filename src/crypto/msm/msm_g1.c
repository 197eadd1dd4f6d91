#define FIELD   blst_fp
#define AFFINE  blst_p1_affine
#define POINT   blst_p1
#define F(op)   blst_fp_##op
#define P(op)   blst_p1_##op
#define NAME(x) slk_msm_g1##x

#include "base/cpu.h"
#include "crypto/msm/msm_pairs.h"

static msm_g1_pairs_fn_t *pairs_fast(void)
{
#if defined(__x86_64__)
    static const slk_cpu_t rows[] = {SLK_CPU_IFMA, SLK_CPU_PORTABLE};
    if (slk_cpu_pick(rows) == SLK_CPU_IFMA)
        return slk_msm_g1_pairs_ifma;
#endif
    return NULL;
}

#define PAIRS_FAST pairs_fast()

#include "crypto/msm/msm_impl.h"
