#include "crypto/msm/msm_pairs.h"

#include "base/cpu.h"

#include <pthread.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>

static const slk_cpu_t rows[] = {SLK_CPU_IFMA, SLK_CPU_AVX512, SLK_CPU_AVX2, SLK_CPU_PORTABLE};
/* Without IFMA the wider registers gain nothing over AVX2 here. */
static msm_g1_pairs_fn_t *const g1[SLK_CPU_CNT] = {[SLK_CPU_IFMA] = slk_msm_g1_pairs_ifma,
                                                   [SLK_CPU_AVX512] = slk_msm_g1_pairs_avx2,
                                                   [SLK_CPU_AVX2] = slk_msm_g1_pairs_avx2};
static msm_g2_pairs_fn_t *const g2[SLK_CPU_CNT] = {[SLK_CPU_IFMA] = slk_msm_g2_pairs_ifma,
                                                   [SLK_CPU_AVX512] = slk_msm_g2_pairs_avx2,
                                                   [SLK_CPU_AVX2] = slk_msm_g2_pairs_avx2};

/* Not a choice of its own: it is what blst itself does with the CPU's products, in line. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_adx;

static void detect(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        has_adx = (b & bit_ADX) && (b & bit_BMI2);
}

static msm_g1_pairs_fn_t *g1_plain(void)
{
    pthread_once(&once, detect);
    return has_adx ? slk_msm_g1_pairs_adx : NULL;
}
#else
static const slk_cpu_t rows[] = {SLK_CPU_PORTABLE};
static msm_g1_pairs_fn_t *const g1[SLK_CPU_CNT];
static msm_g2_pairs_fn_t *const g2[SLK_CPU_CNT];

static msm_g1_pairs_fn_t *g1_plain(void)
{
    return NULL;
}
#endif

msm_g1_pairs_fn_t *slk_msm_g1_pairs(void)
{
    msm_g1_pairs_fn_t *fn = g1[slk_cpu_pick(rows)];
    return fn ? fn : g1_plain();
}

msm_g2_pairs_fn_t *slk_msm_g2_pairs(void)
{
    return g2[slk_cpu_pick(rows)];
}
