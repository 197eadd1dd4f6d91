#include "codec/bigint.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define LIMBS         SLK_BIGINT_LIMBS
#define MAGNITUDE_MAX (SLK_BIGINT_BYTES_MAX - 1u) /* bytes, from outside */
#define DIGITS_MAX    306u                        /* that 127 bytes can have */

_Static_assert(sizeof(mp_limb_t) == 8 && GMP_NUMB_BITS == 64, "limbs of 64 bits");

static mp_size_t limbs(const slk_bigint_t *a)
{
    return a->size < 0 ? -a->size : a->size;
}

/* Limbs at p without zeros at the top, with a sign. */
static slk_bigint_t make(const mp_limb_t *p, mp_size_t n, bool negative)
{
    while (n && p[n - 1] == 0)
        n--;
    SLK_ASSERT(n <= LIMBS);
    slk_bigint_t a = {.size = (int32_t)(negative ? -n : n)};
    memcpy(a.limb, p, (size_t)n * sizeof *p);
    return a;
}

slk_bigint_t slk_bigint_u64(uint64_t v)
{
    return (slk_bigint_t){.size = v != 0, .limb = {v}};
}

slk_bigint_t slk_bigint_i64(int64_t v)
{
    return v < 0 ? slk_bigint_neg(slk_bigint_u64(-(uint64_t)v)) : slk_bigint_u64((uint64_t)v);
}

slk_bigint_t slk_bigint_neg(slk_bigint_t a)
{
    a.size = -a.size;
    return a;
}

static int cmp_magnitude(const slk_bigint_t *a, const slk_bigint_t *b)
{
    mp_size_t an = limbs(a), bn = limbs(b);
    if (an != bn)
        return an < bn ? -1 : 1;
    return an ? mpn_cmp(a->limb, b->limb, an) : 0;
}

int slk_bigint_cmp(const slk_bigint_t *a, const slk_bigint_t *b)
{
    if (slk_bigint_sign(a) != slk_bigint_sign(b))
        return slk_bigint_sign(a) - slk_bigint_sign(b);
    return a->size < 0 ? cmp_magnitude(b, a) : cmp_magnitude(a, b);
}

slk_bigint_t slk_bigint_add(slk_bigint_t a, slk_bigint_t b)
{
    if (cmp_magnitude(&a, &b) < 0) {
        slk_bigint_t t = a;
        a = b;
        b = t;
    }
    if (b.size == 0)
        return a;
    mp_limb_t sum[LIMBS + 1];
    mp_size_t an = limbs(&a), bn = limbs(&b);
    if ((a.size < 0) == (b.size < 0)) {
        sum[an] = mpn_add(sum, a.limb, an, b.limb, bn);
        return make(sum, an + 1, a.size < 0);
    }
    mpn_sub(sum, a.limb, an, b.limb, bn);
    return make(sum, an, a.size < 0);
}

slk_bigint_t slk_bigint_sub(slk_bigint_t a, slk_bigint_t b)
{
    return slk_bigint_add(a, slk_bigint_neg(b));
}

slk_bigint_t slk_bigint_mul(slk_bigint_t a, slk_bigint_t b)
{
    mp_limb_t product[2 * LIMBS];
    mp_size_t an = limbs(&a), bn = limbs(&b);
    if (an == 0 || bn == 0)
        return (slk_bigint_t){0};
    if (an >= bn)
        mpn_mul(product, a.limb, an, b.limb, bn);
    else
        mpn_mul(product, b.limb, bn, a.limb, an);
    return make(product, an + bn, (a.size < 0) != (b.size < 0));
}

/* Quotient towards zero; *rest: whether there is a remainder. */
static slk_bigint_t divide(const slk_bigint_t *a, const slk_bigint_t *b, bool *rest)
{
    SLK_ASSERT(b->size != 0);
    mp_limb_t quotient[LIMBS + 1], remainder[LIMBS];
    mp_size_t an = limbs(a), bn = limbs(b);
    if (an < bn) {
        *rest = an != 0;
        return (slk_bigint_t){0};
    }
    mpn_tdiv_qr(quotient, remainder, 0, a->limb, an, b->limb, bn);
    *rest = !mpn_zero_p(remainder, bn);
    return make(quotient, an - bn + 1, (a->size < 0) != (b->size < 0));
}

slk_bigint_t slk_bigint_div_trunc(slk_bigint_t a, slk_bigint_t b)
{
    bool rest;
    return divide(&a, &b, &rest);
}

slk_bigint_t slk_bigint_div_floor(slk_bigint_t a, slk_bigint_t b)
{
    bool rest;
    slk_bigint_t q = divide(&a, &b, &rest);
    return rest && (a.size < 0) != (b.size < 0) ? slk_bigint_sub(q, slk_bigint_u64(1)) : q;
}

slk_bigint_t slk_bigint_shl(slk_bigint_t a, unsigned bits)
{
    mp_size_t n = limbs(&a);
    if (n == 0)
        return a;
    SLK_ASSERT(bits < SLK_BIGINT_BITS);
    mp_limb_t out[2 * LIMBS + 1] = {0};
    mp_size_t whole = bits / 64;
    if (bits % 64)
        out[whole + n] = mpn_lshift(out + whole, a.limb, n, bits % 64);
    else
        memcpy(out + whole, a.limb, (size_t)n * sizeof *out);
    return make(out, whole + n + 1, a.size < 0);
}

slk_bigint_t slk_bigint_shr(slk_bigint_t a, unsigned bits)
{
    if (bits >= slk_bigint_bit_length(&a))
        return slk_bigint_i64(a.size < 0 ? -1 : 0);
    return slk_bigint_div_floor(a, slk_bigint_shl(slk_bigint_u64(1), bits));
}

unsigned slk_bigint_bit_length(const slk_bigint_t *a)
{
    mp_size_t n = limbs(a);
    return n ? (unsigned)(64 * n) - (unsigned)__builtin_clzl(a->limb[n - 1]) : 0;
}

bool slk_bigint_to_u64(const slk_bigint_t *a, uint64_t *v)
{
    if (a->size < 0 || a->size > 1)
        return false;
    *v = a->size ? a->limb[0] : 0;
    return true;
}

bool slk_bigint_to_i64(const slk_bigint_t *a, int64_t *v)
{
    if (limbs(a) > 1)
        return false;
    uint64_t m = a->size ? a->limb[0] : 0;
    if (m > (uint64_t)INT64_MAX + (a->size < 0))
        return false;
    *v = (int64_t)(a->size < 0 ? -m : m);
    return true;
}

mpz_srcptr slk_bigint_view(mpz_t view, const slk_bigint_t *a)
{
    return mpz_roinit_n(view, a->limb, a->size);
}

bool slk_bigint_from_mpz(slk_bigint_t *a, mpz_srcptr z)
{
    size_t n = mpz_size(z);
    if (n > LIMBS)
        return false;
    *a = make(mpz_limbs_read(z), (mp_size_t)n, mpz_sgn(z) < 0);
    return true;
}

slk_err_t slk_bigint_from_be(slk_bigint_t *a, const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *in = bytes;
    if (len > MAGNITUDE_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "big integer of %zu bytes, expected at most %u", len,
                        MAGNITUDE_MAX);
    if (len && in[0] == 0)
        return slk_fail(diag, SLK_ERR_FORMAT, "big integer with a leading zero byte");
    mp_limb_t limb[LIMBS] = {0};
    for (size_t i = 0; i < len; i++)
        limb[i / 8] |= (mp_limb_t)in[len - 1 - i] << 8 * (i % 8);
    *a = make(limb, LIMBS, false);
    return SLK_OK;
}

slk_err_t slk_bigint_from_bytes(slk_bigint_t *a, const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *in = bytes;
    *a = (slk_bigint_t){0};
    if (len == 0)
        return SLK_OK;
    if (in[0] > 1)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "big integer with sign byte 0x%02x, expected 00 (plus) or 01 (minus)",
                        in[0]);
    if (len == 1)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "big integer of a sign byte alone: zero has no bytes at all");
    slk_err_t err = slk_bigint_from_be(a, in + 1, len - 1, diag);
    if (err == SLK_OK && in[0])
        a->size = -a->size;
    return err;
}

slk_err_t slk_bigint_to_bytes(uint8_t out[SLK_BIGINT_BYTES_MAX], size_t *len, const slk_bigint_t *a,
                              slk_diag_t *diag)
{
    size_t n = (slk_bigint_bit_length(a) + 7) / 8;
    if (n > MAGNITUDE_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "big integer of %zu bytes, the chain's have at most %u", n, MAGNITUDE_MAX);
    *len = n ? n + 1 : 0;
    out[0] = a->size < 0;
    for (size_t i = 0; i < n; i++)
        out[n - i] = (uint8_t)(a->limb[i / 8] >> 8 * (i % 8));
    return SLK_OK;
}

slk_err_t slk_cbor_bigint(slk_cbor_t *r, slk_bigint_t *a)
{
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r, &span, SLK_BIGINT_BYTES_MAX);
    return err == SLK_OK ? slk_bigint_from_bytes(a, span.b, span.len, r->diag) : err;
}

slk_err_t slk_cbor_put_bigint(slk_buf_t *buf, const slk_bigint_t *a, slk_diag_t *diag)
{
    uint8_t bytes[SLK_BIGINT_BYTES_MAX];
    size_t len;
    slk_err_t err = slk_bigint_to_bytes(bytes, &len, a, diag);
    if (err == SLK_OK)
        slk_cbor_put_bytes(buf, bytes, len);
    return err;
}

slk_err_t slk_bigint_from_text(slk_bigint_t *a, const char *text, slk_diag_t *diag)
{
    bool negative = text[0] == '-';
    const char *first = text + negative;
    unsigned char digits[DIGITS_MAX];
    size_t n = 0;
    for (; n < DIGITS_MAX && first[n] >= '0' && first[n] <= '9'; n++)
        digits[n] = (unsigned char)(first[n] - '0');
    bool zero = n == 1 && digits[0] == 0;
    if (n == 0 || first[n] || (digits[0] == 0 && !zero) || (negative && zero))
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "\"%.80s\" is no decimal integer of at most %u digits", text, DIGITS_MAX);
    *a = (slk_bigint_t){0};
    if (zero)
        return SLK_OK;
    mp_limb_t limb[LIMBS];
    *a = make(limb, mpn_set_str(limb, digits, n, 10), negative);
    if (slk_bigint_bit_length(a) > 8 * MAGNITUDE_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "\"%.80s\" has more than %u bytes", text,
                        MAGNITUDE_MAX);
    return SLK_OK;
}

void slk_bigint_to_text(char out[SLK_BIGINT_TEXT_SZ], const slk_bigint_t *a)
{
    mp_limb_t limb[LIMBS + 1];
    unsigned char digits[SLK_BIGINT_TEXT_SZ];
    mp_size_t n = limbs(a);
    if (n == 0) {
        strcpy(out, "0");
        return;
    }
    memcpy(limb, a->limb, (size_t)n * sizeof *limb);
    size_t len = mpn_get_str(digits, 10, limb, n), at = 0;
    while (at < len - 1 && digits[at] == 0)
        at++;
    if (a->size < 0)
        *out++ = '-';
    for (; at < len; at++)
        *out++ = (char)('0' + digits[at]);
    *out = 0;
}

slk_bigint_text_t slk_bigint_text(const slk_bigint_t *a)
{
    slk_bigint_text_t text;
    slk_bigint_to_text(text.s, a);
    return text;
}
