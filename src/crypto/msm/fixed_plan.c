#include "crypto/msm/fixed_plan.h"

#include <string.h>

/* Scalars above r/2 are taken as minus their negative, which leaves 254 bits, and with the carry of the last
 * full window the digit above them stays within half a window for all sizes in use. */
#define SCALAR_BITS 255u

fixed_plan_t slk_fixed_plan(uint64_t expected)
{
    fixed_plan_t best = {0};
    uint64_t least = UINT64_MAX;
    for (unsigned bits = FIXED_BITS_MIN; bits <= FIXED_BITS_MAX; bits++) {
        fixed_plan_t plan = {bits, (SCALAR_BITS + bits - 1) / bits, 1u << (bits - 1)};
        uint64_t cost = plan.windows * (expected + plan.half);
        if (cost < least) {
            least = cost;
            best = plan;
        }
    }
    return best;
}

static void words_of(uint64_t out[5], const slk_fr_t *scalar)
{
    slk_node_t node;
    slk_fr_to_node(&node, scalar);
    memcpy(out, node.b, sizeof node.b);
    out[4] = 0;
}

static bool above_half(const uint64_t s[5])
{
    static const uint64_t half[4] = {0x7fffffff80000000, 0xa9ded2017fff2dff, 0x199cec0404d0ec02,
                                     0x39f6d3a994cebea4}; /* (r - 1) / 2 */
    for (unsigned i = 4; i-- > 0;) {
        if (s[i] != half[i])
            return s[i] > half[i];
    }
    return false;
}

bool slk_fixed_digits(int16_t digits[FIXED_WINDOWS_MAX], const fixed_plan_t *plan,
                      const slk_fr_t *scalar)
{
    uint64_t s[5];
    words_of(s, scalar);
    bool negative = above_half(s);
    if (negative) {
        slk_fr_t zero = {{0}}, minus;
        slk_fr_sub(&minus, &zero, scalar);
        words_of(s, &minus);
    }
    int32_t carry = 0;
    for (unsigned w = 0; w < plan->windows; w++) {
        unsigned bit = w * plan->bits, word = bit / 64, shift = bit % 64;
        uint64_t v = s[word] >> shift;
        if (shift)
            v |= s[word + 1] << (64 - shift);
        int32_t digit = (int32_t)(v & (2 * (uint64_t)plan->half - 1)) + carry;
        carry = digit > (int32_t)plan->half;
        digits[w] = (int16_t)(digit - carry * 2 * (int32_t)plan->half);
    }
    return negative;
}
