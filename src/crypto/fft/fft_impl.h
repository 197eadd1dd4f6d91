#ifndef SLK_CRYPTO_FFT_IMPL_H
#define SLK_CRYPTO_FFT_IMPL_H

/* Between the transforms and their back ends.
 *
 * A tile holds 2^k vectors of SLK_NTT_LANES elements, in a form of the back end's own;
 * transforms run along the vectors, lane by lane. Layer l of a tile, l < k, has 2^l twiddle
 * factors, in tw[2^l + j]: rows[2^l + j] times the 2^(k-1-l)-th power of the tile's root, each
 * lane its own. */

#include "crypto/fft/fft.h"

enum { SLK_NTT_LANES = 8, SLK_NTT_TILE_LOG = 10 };

/* Where element j of lane l is: base[l * lane + j * element]. */
typedef struct {
    size_t lane, element;
} slk_ntt_stride_t;

typedef struct {
    size_t vector; /* bytes of a vector */
    size_t row;    /* bytes of an entry of rows */
    void (*load)(void *tile, const slk_fr_t *base, slk_ntt_stride_t stride, size_t cnt);
    void (*store)(slk_fr_t *base, slk_ntt_stride_t stride, const void *tile, size_t cnt);
    void (*make_rows)(void *rows, const slk_fr_t *w, size_t cnt);
    void (*twiddles)(void *tw, const void *rows, const slk_fr_t *roots, unsigned k);
    /* Coefficients modulo x^(2^k) - c to values in bit-reversed order, layers 0, 1, ..; and the
     * transform of bit-reversed input to natural order: layers are as wide as their number of
     * factors. */
    void (*down)(void *tile, const void *tw, unsigned k);
    void (*up)(void *tile, const void *tw, unsigned k);
    /* a[i] *= b[i]; a[i] = a[i] * b[i] * ab + c[i] * k: i < cnt, a multiple of the lanes. */
    void (*product)(slk_fr_t *a, const slk_fr_t *b, size_t cnt);
    void (*join)(slk_fr_t *a, const slk_fr_t *b, const slk_fr_t *c, size_t cnt, const slk_fr_t *ab,
                 const slk_fr_t *k);
    /* a[i] *= start[i] for the first 4 vectors, then each 4 by the start before times step. cnt: a
     * multiple of 32. */
    void (*scale)(slk_fr_t *a, size_t cnt, const slk_fr_t *start, const slk_fr_t *step);
} slk_ntt_kernel_t;

enum { SLK_NTT_SCALE = 4 * SLK_NTT_LANES };

extern const slk_ntt_kernel_t slk_ntt_portable, slk_ntt_ifma, slk_ntt_avx512, slk_ntt_avx2;

/* --- Inside a domain ------------------------------------------------------------------------- */

enum { SLK_NTT_PASSES = 5 };

typedef struct {
    unsigned k, log_stride; /* layers; log2 of the distance of a tile's elements */
} slk_ntt_pass_t;

struct slk_ntt {
    unsigned log_n, low_bits;
    const slk_ntt_kernel_t *kernel;
    slk_fr_t *low, *high;                /* omega^i, i < 2^low_bits; omega^(i << low_bits) */
    void *down_rows, *up_rows;           /* of omega^-1, of omega */
    slk_ntt_pass_t pass[SLK_NTT_PASSES]; /* from the smallest stride up */
    unsigned passes;                     /* 0: too small for tiles */
    slk_fr_t inverse_n;
};

void slk_ntt_pow(slk_fr_t *out, const slk_fr_t *a, uint64_t exponent);
void slk_ntt_coset(slk_fr_t *generator, slk_fr_t *inverse);

/* Natural to bit-reversed order and back, in place. */
SLK_CHECK_RESULT slk_err_t slk_ntt_reverse(slk_fr_t *a, unsigned log_n, const slk_job_t *job,
                                           slk_diag_t *diag);
/* a[i] *= first * ratio^i. */
SLK_CHECK_RESULT slk_err_t slk_ntt_scale(const slk_ntt_t *ntt, slk_fr_t *a, const slk_fr_t *first,
                                         const slk_fr_t *ratio, const slk_job_t *job,
                                         slk_diag_t *diag);

#endif /* SLK_CRYPTO_FFT_IMPL_H */
