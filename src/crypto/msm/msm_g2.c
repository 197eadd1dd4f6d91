#define FIELD      blst_fp2
#define AFFINE     blst_p2_affine
#define POINT      blst_p2
#define F(op)      blst_fp2_##op
#define P(op)      blst_p2_##op
#define NAME(x)    slk_msm_g2##x
#define PAIRS_FN   msm_g2_pairs_fn_t
#define PAIRS_FAST slk_msm_g2_pairs

#define GROUP ((msm_group_t){sizeof(AFFINE), 1})

#include "crypto/msm/msm_impl.h"
