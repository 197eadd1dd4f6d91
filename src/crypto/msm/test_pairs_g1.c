#define FIELD      blst_fp
#define AFFINE     blst_p1_affine
#define F(op)      blst_fp_##op
#define PAIRS_FN   msm_g1_pairs_fn_t
#define PAIRS_FAST slk_msm_g1_pairs
#define PAIRS_AVX2 slk_msm_g1_pairs_avx2

#include "crypto/msm/test_pairs_impl.h"
