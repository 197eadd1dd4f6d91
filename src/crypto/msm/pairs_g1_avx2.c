#include "crypto/msm/field_avx2.h"

#define FIELD  blst_fp
#define AFFINE blst_p1_affine
#define F(op)  blst_fp_##op
#define N      1
#define PAIRS  slk_msm_g1_pairs_avx2

#include "crypto/msm/pairs_vec.h"
