#ifndef SLK_CRYPTO_MSM_PAIRS_H
#define SLK_CRYPTO_MSM_PAIRS_H

/* Lists of additions of affine points, points[left] += points[right], no point in two of them. */

#include <blst.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t left, right;
} msm_pair_t;

#define MSM_PAIR_DOUBLING UINT32_C(0x80000000) /* in right, while a list is worked on */

#endif /* SLK_CRYPTO_MSM_PAIRS_H */
