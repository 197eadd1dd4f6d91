#include "codec/economics/quality.h"

#include "base/assert.h"

#define BASE_MULTIPLIER     10u
#define VERIFIED_MULTIPLIER 100u
#define PRECISION_BITS      20u

void slk_quality(mpz_t out, uint64_t size, int64_t epochs, mpz_srcptr verified_weight)
{
    SLK_ASSERT(size > 0 && epochs > 0);
    mpz_t spacetime;
    mpz_init_set_ui(spacetime, size);
    mpz_mul_si(spacetime, spacetime, epochs);
    /* (spacetime - verified) * base + verified * multiplier */
    mpz_mul_ui(out, spacetime, BASE_MULTIPLIER);
    if (verified_weight)
        mpz_addmul_ui(out, verified_weight, VERIFIED_MULTIPLIER - BASE_MULTIPLIER);
    mpz_mul_2exp(out, out, PRECISION_BITS);
    mpz_fdiv_q(out, out, spacetime);
    mpz_fdiv_q_ui(out, out, BASE_MULTIPLIER);
    mpz_clear(spacetime);
}

void slk_qa_power(mpz_t out, uint64_t size, int64_t epochs, mpz_srcptr verified_weight)
{
    slk_quality(out, size, epochs, verified_weight);
    mpz_mul_ui(out, out, size);
    mpz_fdiv_q_2exp(out, out, PRECISION_BITS);
}

void slk_qa_power_max(mpz_t out, uint64_t size)
{
    mpz_set_ui(out, size);
    mpz_mul_ui(out, out, VERIFIED_MULTIPLIER / BASE_MULTIPLIER);
}
