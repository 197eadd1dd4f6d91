#ifndef SLK_CRYPTO_FIXED_PLAN_H
#define SLK_CRYPTO_FIXED_PLAN_H

/* What the fixed-base multiplications of G1 and G2 share: sizes, and scalars in signed digits. */

#include "crypto/fr/fr.h"

#define FIXED_BITS_MIN    4u
#define FIXED_BITS_MAX    14u
#define FIXED_WINDOWS_MAX 64u

typedef struct {
    unsigned bits, windows;
    uint32_t half; /* digits are -half .. half; rows of a window */
} fixed_plan_t;

/* The sizes with the fewest additions for that many multiples. */
fixed_plan_t slk_fixed_plan(uint64_t expected);

/* scalar = sum of digits[i] * 2^(bits * i), or its negative: the result says which (true: negative). */
bool slk_fixed_digits(int16_t digits[FIXED_WINDOWS_MAX], const fixed_plan_t *plan,
                      const slk_fr_t *scalar);

#endif /* SLK_CRYPTO_FIXED_PLAN_H */
