#include "crypto/msm/field_avx2.h"

#define FIELD  blst_fp2
#define AFFINE blst_p2_affine
#define F(op)  blst_fp2_##op
#define N      2
#define PAIRS  slk_msm_g2_pairs_avx2

#include "crypto/msm/pairs_vec.h"
