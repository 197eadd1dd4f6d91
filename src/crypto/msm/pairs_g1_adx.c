#include "crypto/msm/msm_pairs.h"

/* Additions on G1 with 64-bit words: what pairs_impl.h does with calls of blst, with products in line that leave out
 * the last subtraction. BMI2 and ADX, which blst's products take, too, where the CPU has them.
 *
 * Numbers are in blst's form. p < 0.102 R, R = 2^384: of factors below 2p, a product without its last subtraction is
 * below 4p p/R + p < 1.41p, so that products and differences go into products as they are, and only coordinates
 * take one subtraction more. A row of a product fits in seven words, without a last carry. */

#define INLINE static inline __attribute__((always_inline))

/* What is added after a subtraction without and with a borrow. */
static const blst_fp add_back[2] = {
    {{0}},
    {{UINT64_C(0xb9feffffffffaaab), UINT64_C(0x1eabfffeb153ffff), UINT64_C(0x6730d2a0f6b0f624),
      UINT64_C(0x64774b84f38512bf), UINT64_C(0x4b1ba7b6434bacd7), UINT64_C(0x1a0111ea397fe69a)}}};
/* p and -1/p mod 2^64 */
static const uint64_t modulus[7] = {UINT64_C(0xb9feffffffffaaab), UINT64_C(0x1eabfffeb153ffff),
                                    UINT64_C(0x6730d2a0f6b0f624), UINT64_C(0x64774b84f38512bf),
                                    UINT64_C(0x4b1ba7b6434bacd7), UINT64_C(0x1a0111ea397fe69a),
                                    UINT64_C(0x89f3fffcfffcfffd)};

/* Rows of a product, in assembler: compilers do not keep two carries alive. t0 is the lowest word. */
#define MADD(word, low, high)                                                                      \
    "mulxq " #word "*8(%[a]), %[lo], %[hi]\n adoxq %[lo], %[" #low "]\n"                           \
    "adcxq %[hi], %[" #high "]\n"
#define ROW_FIRST(t0, t1, t2, t3, t4, t5, t6)                                                      \
    "movq (%[b]), %%rdx\n"                                                                         \
    "mulxq (%[a]), %[" #t0 "], %[" #t1 "]\n"                                                       \
    "mulxq 1*8(%[a]), %[lo], %[" #t2 "]\n addq %[lo], %[" #t1 "]\n"                                \
    "mulxq 2*8(%[a]), %[lo], %[" #t3 "]\n adcq %[lo], %[" #t2 "]\n"                                \
    "mulxq 3*8(%[a]), %[lo], %[" #t4 "]\n adcq %[lo], %[" #t3 "]\n"                                \
    "mulxq 4*8(%[a]), %[lo], %[" #t5 "]\n adcq %[lo], %[" #t4 "]\n"                                \
    "mulxq 5*8(%[a]), %[lo], %[" #t6 "]\n adcq %[lo], %[" #t5 "]\n"                                \
    "adcq $0, %[" #t6 "]\n"
#define ROW(word, t0, t1, t2, t3, t4, t5, t6)                                                      \
    "movq " #word "*8(%[b]), %%rdx\n xorl %k[" #t6 "], %k[" #t6 "]\n" MADD(0, t0, t1)              \
        MADD(1, t1, t2) MADD(2, t2, t3) MADD(3, t3, t4) MADD(4, t4, t5)                            \
            MADD(5, t5, t6) "movl $0, %%edx\n adoxq %%rdx, %[" #t6 "]\n"
/* Add the multiple of p that makes t0 zero. */
#define FOLD(word, low, high)                                                                      \
    "mulxq " #word "*8(%[p]), %[lo], %[hi]\n adcxq %[lo], %[" #low "]\n"                           \
    "adoxq %[hi], %[" #high "]\n"
#define ROW_FOLD(t0, t1, t2, t3, t4, t5, t6)                                                       \
    "movq 6*8(%[p]), %%rdx\n imulq %[" #t0 "], %%rdx\n xorl %k[lo], %k[lo]\n" FOLD(0, t0, t1)      \
        FOLD(1, t1, t2) FOLD(2, t2, t3) FOLD(3, t3, t4) FOLD(4, t4, t5)                            \
            FOLD(5, t5, t6) "movl $0, %%edx\n adcxq %%rdx, %[" #t6 "]\n"
#define BOTH(word, ...) ROW(word, __VA_ARGS__) ROW_FOLD(__VA_ARGS__)

/* ab/R, below 1.41p for factors below 2p. What it reads is said by "memory": with operands for it, a build without
 * optimisation has too few registers. */
INLINE void mul(blst_fp *out, const blst_fp *a, const blst_fp *b)
{
    uint64_t w0, w1, w2, w3, w4, w5, w6, lo, hi;
    __asm__(ROW_FIRST(t0, t1, t2, t3, t4, t5, t6) ROW_FOLD(t0, t1, t2, t3, t4, t5, t6)
                BOTH(1, t1, t2, t3, t4, t5, t6, t0) BOTH(2, t2, t3, t4, t5, t6, t0, t1)
                    BOTH(3, t3, t4, t5, t6, t0, t1, t2) BOTH(4, t4, t5, t6, t0, t1, t2, t3)
                        BOTH(5, t5, t6, t0, t1, t2, t3, t4)
            : [t0] "=&r"(w1), [t1] "=&r"(w2), [t2] "=&r"(w3), [t3] "=&r"(w4), [t4] "=&r"(w5),
              [t5] "=&r"(w6), [t6] "=&r"(w0), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), [b] "r"(b->l), [p] "r"(modulus)
            : "rdx", "cc", "memory");
    out->l[0] = w0;
    out->l[1] = w1;
    out->l[2] = w2;
    out->l[3] = w3;
    out->l[4] = w4;
    out->l[5] = w5;
}

/* a - b, plus p if that is negative; b up to p */
INLINE void sub(blst_fp *out, const blst_fp *a, const blst_fp *b)
{
    uint64_t w0 = a->l[0], w1 = a->l[1], w2 = a->l[2], w3 = a->l[3], w4 = a->l[4], w5 = a->l[5];
    uint64_t row;
    __asm__("subq (%[b]), %[w0]\n sbbq 1*8(%[b]), %[w1]\n sbbq 2*8(%[b]), %[w2]\n"
            "sbbq 3*8(%[b]), %[w3]\n sbbq 4*8(%[b]), %[w4]\n sbbq 5*8(%[b]), %[w5]\n"
            "sbbq %[row], %[row]\n andl $6*8, %k[row]\n"
            "addq (%[table],%[row]), %[w0]\n adcq 1*8(%[table],%[row]), %[w1]\n"
            "adcq 2*8(%[table],%[row]), %[w2]\n adcq 3*8(%[table],%[row]), %[w3]\n"
            "adcq 4*8(%[table],%[row]), %[w4]\n adcq 5*8(%[table],%[row]), %[w5]\n"
            : [w0] "+&r"(w0), [w1] "+&r"(w1), [w2] "+&r"(w2), [w3] "+&r"(w3), [w4] "+&r"(w4),
              [w5] "+&r"(w5), [row] "=&r"(row)
            : [b] "r"(b->l), [table] "r"(add_back), "m"(add_back), "m"(*b)
            : "cc");
    out->l[0] = w0;
    out->l[1] = w1;
    out->l[2] = w2;
    out->l[3] = w3;
    out->l[4] = w4;
    out->l[5] = w5;
}

/* Below 2p to below p. */
INLINE void reduce(blst_fp *a)
{
    sub(a, a, &add_back[1]);
}

INLINE bool zero(const blst_fp *a)
{
    return !(a->l[0] | a->l[1] | a->l[2] | a->l[3] | a->l[4] | a->l[5]);
}

/* y, or p - y in scratch */
INLINE const blst_fp *signed_y(const blst_p1_affine *point, bool negative, blst_fp *scratch)
{
    if (!negative)
        return &point->y;
    sub(scratch, &add_back[1], &point->y);
    return scratch;
}

/* The sum, with the inverse of the denominator x_right - x_left. */
INLINE void pair_sum(const msm_pair_t *pair, const blst_fp *inverse)
{
    const blst_p1_affine *left = pair->left, *right = pair->right;
    blst_p1_affine *out = pair->out;
    blst_fp minus_left, minus_right, slope, x, t;
    const blst_fp *yl = signed_y(left, pair->flags & MSM_LEFT_NEGATIVE, &minus_left),
                  *yr = signed_y(right, pair->flags & MSM_RIGHT_NEGATIVE, &minus_right);
    sub(&t, yr, yl);
    mul(&slope, &t, inverse);
    mul(&x, &slope, &slope);
    sub(&x, &x, &left->x);
    sub(&x, &x, &right->x);
    reduce(&x);
    sub(&t, &left->x, &x);
    mul(&t, &t, &slope);
    sub(&t, &t, yl);
    sub(&out->y, &t, &add_back[1]);
    out->x = x;
}

uint32_t slk_msm_g1_pairs_adx(msm_pair_t *pairs, uint32_t cnt, void *scratch)
{
    blst_fp *prefix = scratch, *diffs = prefix + MSM_PAIRS, acc;
    uint16_t order[MSM_PAIRS]; /* of the pairs that are done here */
    uint32_t live = 0, left = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        const blst_p1_affine *l = pairs[i].left, *r = pairs[i].right;
        sub(&diffs[live], &r->x, &l->x);
        if (zero(&diffs[live]) || zero(&l->x) || zero(&r->x))
            continue;
        if (live)
            mul(&prefix[live], &prefix[live - 1], &diffs[live]);
        else
            prefix[0] = diffs[0];
        order[live++] = (uint16_t)i;
    }
    if (live) {
        acc = prefix[live - 1];
        reduce(&acc);
        blst_fp_inverse(&acc, &acc);
    }
    for (uint32_t k = live; k-- > 1;) {
        blst_fp inverse;
        mul(&inverse, &acc, &prefix[k - 1]);
        mul(&acc, &acc, &diffs[k]);
        pair_sum(&pairs[order[k]], &inverse);
    }
    if (live)
        pair_sum(&pairs[order[0]], &acc);
    for (uint32_t i = 0, k = 0; i < cnt; i++) {
        if (k < live && order[k] == i)
            k++;
        else
            pairs[left++] = pairs[i];
    }
    return left;
}
