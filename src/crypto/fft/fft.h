#ifndef SLK_CRYPTO_FFT_H
#define SLK_CRYPTO_FFT_H

/* Number-theoretic transforms over the scalar field of BLS12-381, and the quotient of a QAP.
 *
 * A domain of n = 2^log_n points is {omega^i}, omega = ROOT^(2^(32 - log_n)), ROOT the root of
 * order 2^32 of spec/proofs-snark.md section 0; its coset is {7 * omega^i}. Data are arrays of n
 * slk_fr_t, in place, reduced on entry and on exit.
 *
 * Layers are done in passes over tiles that fit the second-level cache, a pass being one trip
 * through memory. The twiddle factors of a tile are made where they are used, from tables of
 * about 2 sqrt(n) powers: a domain of 2^27 points holds 0.8 MiB, and a transform needs 0.7 MiB a
 * thread.
 *
 * Back ends by selkie/cpu.h, chosen when a domain is made; all give the same numbers. */

#include "base/region.h"
#include "crypto/fr/fr.h"
#include "selkie/cpu.h"
#include "selkie/job.h"

enum { SLK_NTT_LOG_MAX = 32 };

/* Read-only once made: any number of threads may use one. */
typedef struct slk_ntt slk_ntt_t;

/* log_n above SLK_NTT_LOG_MAX asserts. */
SLK_CHECK_RESULT slk_err_t slk_ntt_new(slk_ntt_t **ntt, unsigned log_n, slk_diag_t *diag);
void slk_ntt_free(slk_ntt_t *ntt);
uint64_t slk_ntt_size(const slk_ntt_t *ntt);

/* The smallest log_n with 2^log_n >= cnt. */
unsigned slk_ntt_log(uint64_t cnt);

/* Natural order in and out. forward: coefficients to values at omega^i, or on the coset at
 * 7 * omega^i. inverse: back. On the job's pool (one loop at a time, see slk_pool_for);
 * SLK_ERR_CANCELLED leaves the data undefined. Passes add the elements they have done to the
 * present stage of the job's progress. */
SLK_CHECK_RESULT slk_err_t slk_ntt_forward(const slk_ntt_t *ntt, slk_fr_t *a, bool coset,
                                           const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_ntt_inverse(const slk_ntt_t *ntt, slk_fr_t *a, bool coset,
                                           const slk_job_t *job, slk_diag_t *diag);

/* The same without bit reversal and without the factor 1/n, of `cnt` arrays at once (at most 3),
 * which share their twiddle factors: values in natural order to n * coefficients in bit-reversed
 * order, and coefficients in bit-reversed order to values in natural order. */
SLK_CHECK_RESULT slk_err_t slk_ntt_inverse_reversed(const slk_ntt_t *ntt, slk_fr_t *const *a,
                                                    unsigned cnt, const slk_job_t *job,
                                                    slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_ntt_forward_reversed(const slk_ntt_t *ntt, slk_fr_t *const *a,
                                                    unsigned cnt, bool coset, const slk_job_t *job,
                                                    slk_diag_t *diag);

/* Values of a, b, c at omega^i (n of each) to the coefficients of h = (a*b - c) / (x^n - 1),
 * natural order, in a: n - 1 of them, and a[n - 1], which is 0 exactly when a*b = c on the
 * domain. b and c are used up and freed, b before the last transform. The job's progress shows one
 * stage, "QAP". Memory: the three arrays and 0.7 MiB a thread.
 *
 * Six transforms: a*b = c + h (x^n - 1), so that modulo x^n - 7^n, which a*b has the values of on
 * the coset, a*b is c + h (7^n - 1), all of n coefficients: those of h are a difference of two
 * others, and c is not needed on the coset. */
SLK_CHECK_RESULT slk_err_t slk_qap_h(slk_region_t *a, slk_region_t *b, slk_region_t *c,
                                     const slk_ntt_t *ntt, const slk_job_t *job, slk_diag_t *diag);

/* The back ends this build holds, best first, ending with SLK_CPU_PORTABLE. */
const slk_cpu_t *slk_ntt_backends(void);

/* Figures for `selkie bench ntt`: the fastest of `rounds` runs, in seconds of the job's clock. */
typedef struct {
    double forward, inverse; /* natural order in and out */
    double forward_reversed, inverse_reversed;
    double qap;          /* slk_qap_h, 6 transforms; 0 unless asked for */
    double butterfly_ns; /* (forward_reversed + inverse_reversed) / (n * log_n) */
    double fr_mul_ns;    /* slk_fr_mul, independent ones, in the same run, one thread */
} slk_ntt_figures_t;

SLK_CHECK_RESULT slk_err_t slk_ntt_bench(slk_ntt_figures_t *out, unsigned log_n, unsigned rounds,
                                         bool qap, const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_CRYPTO_FFT_H */
