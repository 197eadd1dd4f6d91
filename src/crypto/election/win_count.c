#include "crypto/election/win_count.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/economics/fixed.h"

#include <blake2.h>
#include <math.h>

#define EXPECTED_LEADERS 5u

static slk_node_t hash(const void *vrf_proof, size_t len)
{
    slk_node_t out;
    SLK_ASSERT(blake2b(out.b, vrf_proof, NULL, sizeof out.b, len, 0) == 0);
    return out;
}

/* The smallest j with hash >= 1 - (Poisson probability of at most j wins), all in Q.256. */
unsigned slk_win_count(const void *vrf_proof, size_t len, const slk_bigint_t *miner_power,
                       const slk_bigint_t *network_power)
{
    if (slk_bigint_sign(miner_power) <= 0 || slk_bigint_sign(network_power) <= 0)
        return 0;
    slk_node_t digest = hash(vrf_proof, len);
    mpz_t drawn, rate, probability, tail, view;
    mpz_inits(drawn, rate, probability, tail, NULL);
    mpz_import(drawn, sizeof digest.b, 1, 1, 1, 0, digest.b);

    mpz_mul_ui(rate, slk_bigint_view(view, miner_power), EXPECTED_LEADERS);
    mpz_mul_2exp(rate, rate, SLK_Q256);
    mpz_fdiv_q(rate, rate, slk_bigint_view(view, network_power));
    slk_q_expneg(probability, rate, SLK_Q256);
    mpz_set_ui(tail, 1);
    mpz_mul_2exp(tail, tail, SLK_Q256);
    mpz_sub(tail, tail, probability);

    unsigned wins = 0;
    while (mpz_cmp(drawn, tail) < 0 && wins < SLK_WIN_COUNT_MAX) {
        wins++;
        mpz_fdiv_q_ui(probability, probability, wins);
        mpz_mul(probability, probability, rate);
        mpz_fdiv_q_2exp(probability, probability, SLK_Q256);
        mpz_sub(tail, tail, probability);
    }
    mpz_clears(drawn, rate, probability, tail, NULL);
    return wins;
}

double slk_ticket_quality(const void *vrf_proof, size_t len)
{
    slk_node_t digest = hash(vrf_proof, len);
    /* The fraction rounded once to the nearest double: its first 64 bits that are not zero, the last
     * of them set when anything follows. */
    size_t at = 0;
    while (at < 24 && digest.b[at] == 0)
        at++;
    uint64_t top = slk_load_be64(digest.b + at);
    for (size_t i = at + 8; i < sizeof digest.b; i++)
        top |= digest.b[i] != 0;
    return 1 - ldexp((double)top, -8 * (int)(at + 8));
}

int slk_ticket_cmp(const void *a, size_t a_len, const void *b, size_t b_len)
{
    slk_node_t ha = hash(a, a_len), hb = hash(b, b_len);
    return memcmp(ha.b, hb.b, sizeof ha.b);
}
