#ifndef SLK_CODEC_ECONOMICS_QUALITY_H
#define SLK_CODEC_ECONOMICS_QUALITY_H

/* Quality-adjusted power of a sector (chain.md 4.3).
 *
 * size: of the sector in bytes, > 0. epochs: Expiration - PowerBaseEpoch, > 0. verified_weight: bytes
 * of verified deals times epochs, NULL for none. Outputs are initialised mpz_t, not the same object as
 * an input. */

#include <gmp.h>
#include <stdint.h>

/* Quality as a whole number of 2^-20: 2^20 without deals, 10 * 2^20 full of verified ones. */
void slk_quality(mpz_t out, uint64_t size, int64_t epochs, mpz_srcptr verified_weight);

/* Bytes of quality-adjusted power. */
void slk_qa_power(mpz_t out, uint64_t size, int64_t epochs, mpz_srcptr verified_weight);

/* The most a sector can have: what a precommit's deposit is for. */
void slk_qa_power_max(mpz_t out, uint64_t size);

#endif /* SLK_CODEC_ECONOMICS_QUALITY_H */
