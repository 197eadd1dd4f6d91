#define FIELD      blst_fp
#define AFFINE     blst_p1_affine
#define POINT      blst_p1
#define F(op)      blst_fp_##op
#define P(op)      blst_p1_##op
#define NAME(x)    slk_fixed_g1##x
#define PAIRS_FN   msm_g1_pairs_fn_t
#define PAIRS_FAST slk_msm_g1_pairs

#include "crypto/msm/fixed_impl.h"
