#ifndef SLK_CODEC_BIGINT_H
#define SLK_CODEC_BIGINT_H

/* Big integers of the chain (amounts in attoFIL, power, weights), by value and without heap.
 *
 * From outside at most 127 bytes of magnitude come in (the codec's limit of 128 with the sign). Here
 * there is room for 144 bytes, so that any two of them can be added and any one multiplied by 64 bits.
 * A result of more bits than SLK_BIGINT_BITS is a bug of the caller and aborts: before he multiplies
 * two numbers from outside he checks them against what an amount can be. {0} is zero. */

#include "codec/cbor.h"

#include <gmp.h>

#define SLK_BIGINT_LIMBS     18
#define SLK_BIGINT_BITS      (64 * SLK_BIGINT_LIMBS)
#define SLK_BIGINT_BYTES_MAX 128 /* CBOR form: sign and magnitude */
#define SLK_BIGINT_TEXT_SZ   352

typedef struct {
    int32_t size; /* limbs in use, negative for a negative number */
    mp_limb_t limb[SLK_BIGINT_LIMBS];
} slk_bigint_t;

slk_bigint_t slk_bigint_u64(uint64_t v);
slk_bigint_t slk_bigint_i64(int64_t v);

slk_bigint_t slk_bigint_add(slk_bigint_t a, slk_bigint_t b);
slk_bigint_t slk_bigint_sub(slk_bigint_t a, slk_bigint_t b);
slk_bigint_t slk_bigint_neg(slk_bigint_t a);
slk_bigint_t slk_bigint_mul(slk_bigint_t a, slk_bigint_t b);

/* Quotients, b != 0: rounded down, and towards zero. The remainder is a - b * quotient; with b > 0
 * that of the first is what the actors' modulus is. */
slk_bigint_t slk_bigint_div_floor(slk_bigint_t a, slk_bigint_t b);
slk_bigint_t slk_bigint_div_trunc(slk_bigint_t a, slk_bigint_t b);

/* a * 2^bits, and a / 2^bits rounded down. */
slk_bigint_t slk_bigint_shl(slk_bigint_t a, unsigned bits);
slk_bigint_t slk_bigint_shr(slk_bigint_t a, unsigned bits);

/* <0, 0, >0. */
int slk_bigint_cmp(const slk_bigint_t *a, const slk_bigint_t *b);

static inline int slk_bigint_sign(const slk_bigint_t *a)
{
    return (a->size > 0) - (a->size < 0);
}

static inline slk_bigint_t slk_bigint_min(slk_bigint_t a, slk_bigint_t b)
{
    return slk_bigint_cmp(&a, &b) < 0 ? a : b;
}

static inline slk_bigint_t slk_bigint_max(slk_bigint_t a, slk_bigint_t b)
{
    return slk_bigint_cmp(&a, &b) > 0 ? a : b;
}

/* Bits of the magnitude; 0 for zero. */
unsigned slk_bigint_bit_length(const slk_bigint_t *a);

/* False where the number does not fit; *v is then left as it was. */
bool slk_bigint_to_u64(const slk_bigint_t *a, uint64_t *v);
bool slk_bigint_to_i64(const slk_bigint_t *a, int64_t *v);

/* To and from GMP. The view borrows a and must not be changed or cleared. From: false when the number
 * has more than SLK_BIGINT_BITS. */
mpz_srcptr slk_bigint_view(mpz_t view, const slk_bigint_t *a);
bool slk_bigint_from_mpz(slk_bigint_t *a, mpz_srcptr z);

/* The magnitude, big-endian without leading zeros, as the sign is plus. SLK_ERR_FORMAT: more than 127
 * bytes. */
SLK_CHECK_RESULT slk_err_t slk_bigint_from_be(slk_bigint_t *a, const void *bytes, size_t len,
                                              slk_diag_t *diag);

/* The bytes of CBOR: none for zero, 00 or 01 for the sign and the magnitude without leading zeros.
 * SLK_ERR_FORMAT: anything else. To: SLK_ERR_LENGTH when the number has more than 127 bytes. */
SLK_CHECK_RESULT slk_err_t slk_bigint_from_bytes(slk_bigint_t *a, const void *bytes, size_t len,
                                                 slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_bigint_to_bytes(uint8_t out[SLK_BIGINT_BYTES_MAX], size_t *len,
                                               const slk_bigint_t *a, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_cbor_bigint(slk_cbor_t *r, slk_bigint_t *a);
SLK_CHECK_RESULT slk_err_t slk_cbor_put_bigint(slk_buf_t *buf, const slk_bigint_t *a,
                                               slk_diag_t *diag);

/* Decimal text with '-' for negative ones, without leading zeros or '+'. SLK_ERR_FORMAT: anything
 * else, or a number of more than 127 bytes. */
SLK_CHECK_RESULT slk_err_t slk_bigint_from_text(slk_bigint_t *a, const char *text,
                                                slk_diag_t *diag);
void slk_bigint_to_text(char out[SLK_BIGINT_TEXT_SZ], const slk_bigint_t *a);

/* The same for messages: slk_bigint_text(&a).s */
typedef struct {
    char s[SLK_BIGINT_TEXT_SZ];
} slk_bigint_text_t;
slk_bigint_text_t slk_bigint_text(const slk_bigint_t *a);

#endif /* SLK_CODEC_BIGINT_H */
