#define FIELD      blst_fp2
#define AFFINE     blst_p2_affine
#define F(op)      blst_fp2_##op
#define PAIRS_FN   msm_g2_pairs_fn_t
#define PAIRS_FAST slk_msm_g2_pairs
#define PAIRS_AVX2 slk_msm_g2_pairs_avx2

#include "crypto/msm/test_pairs_impl.h"
