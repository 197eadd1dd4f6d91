#include "crypto/msm/msm_pairs.h"

#include "base/cpu.h"

#include <stddef.h>

#if defined(__x86_64__)
static const slk_cpu_t rows[] = {SLK_CPU_IFMA, SLK_CPU_AVX2, SLK_CPU_PORTABLE};
static msm_g1_pairs_fn_t *const g1[SLK_CPU_CNT] = {
    [SLK_CPU_IFMA] = slk_msm_g1_pairs_ifma, [SLK_CPU_AVX2] = slk_msm_g1_pairs_avx2};
static msm_g2_pairs_fn_t *const g2[SLK_CPU_CNT] = {
    [SLK_CPU_IFMA] = slk_msm_g2_pairs_ifma, [SLK_CPU_AVX2] = slk_msm_g2_pairs_avx2};
#else
static const slk_cpu_t rows[] = {SLK_CPU_PORTABLE};
static msm_g1_pairs_fn_t *const g1[SLK_CPU_CNT];
static msm_g2_pairs_fn_t *const g2[SLK_CPU_CNT];
#endif

msm_g1_pairs_fn_t *slk_msm_g1_pairs(void)
{
    return g1[slk_cpu_pick(rows)];
}

msm_g2_pairs_fn_t *slk_msm_g2_pairs(void)
{
    return g2[slk_cpu_pick(rows)];
}
