#include "crypto/fr/fr.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <blst.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

_Static_assert(sizeof(slk_fr_t) == sizeof(blst_fr) && sizeof(limb_t) == 8, "slk_fr_t is blst_fr");

#define BLST(p)       ((blst_fr *)(void *)(p))
#define BLST_CONST(p) ((const blst_fr *)(const void *)(p))

#define R0 UINT64_C(0xffffffff00000001)
#define R1 UINT64_C(0x53bda402fffe5bfe)
#define R2 UINT64_C(0x3339d80809a1d805)
#define R3 UINT64_C(0x73eda753299d7d48)

bool slk_fr_from_node(slk_fr_t *out, const slk_node_t *node)
{
    blst_scalar scalar;
    blst_scalar_from_lendian(&scalar, node->b);
    /* Nearly every node is decided by its top limb. */
    bool ok = slk_load_le64(node->b + 24) < R3 || blst_scalar_fr_check(&scalar);
    if (ok)
        blst_fr_from_scalar(BLST(out), &scalar);
    else
        *out = (slk_fr_t){{0}};
    return ok;
}

void slk_fr_to_node(slk_node_t *out, const slk_fr_t *a)
{
    blst_scalar scalar;
    blst_scalar_from_fr(&scalar, BLST_CONST(a));
    blst_lendian_from_scalar(out->b, &scalar);
}

void slk_fr_from_u64(slk_fr_t *out, uint64_t v)
{
    const uint64_t limbs[4] = {v, 0, 0, 0};
    blst_fr_from_uint64(BLST(out), limbs);
}

void slk_fr_add(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    blst_fr_add(BLST(out), BLST_CONST(a), BLST_CONST(b));
}

void slk_fr_sub(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    blst_fr_sub(BLST(out), BLST_CONST(a), BLST_CONST(b));
}

void slk_fr_mul(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    blst_fr_mul(BLST(out), BLST_CONST(a), BLST_CONST(b));
}

void slk_fr_sqr(slk_fr_t *out, const slk_fr_t *a)
{
    blst_fr_sqr(BLST(out), BLST_CONST(a));
}

void slk_fr_inv(slk_fr_t *out, const slk_fr_t *a)
{
    SLK_ASSERT(a->l[0] | a->l[1] | a->l[2] | a->l[3]);
    blst_fr_eucl_inverse(BLST(out), BLST_CONST(a));
}

bool slk_fr_eq(const slk_fr_t *a, const slk_fr_t *b)
{
    return !((a->l[0] ^ b->l[0]) | (a->l[1] ^ b->l[1]) | (a->l[2] ^ b->l[2]) | (a->l[3] ^ b->l[3]));
}

/* --- Canonical nodes ------------------------------------------------------------------------ */

typedef struct {
    uint64_t l[4];
} limbs_t;

/* out = a + b + carry, a - b - carry over one limb; the new carry. */
#if defined(__x86_64__)
static inline uint8_t limb_add(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned long long v;
    carry = _addcarry_u64(carry, a, b, &v);
    *out = v;
    return carry;
}

static inline uint8_t limb_sub(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned long long v;
    carry = _subborrow_u64(carry, a, b, &v);
    *out = v;
    return carry;
}
#else
static inline uint8_t limb_add(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned __int128 v = (unsigned __int128)a + b + carry;
    *out = (uint64_t)v;
    return (uint8_t)(v >> 64);
}

static inline uint8_t limb_sub(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned __int128 v = (unsigned __int128)a - b - carry;
    *out = (uint64_t)v;
    return (uint8_t)(v >> 64 & 1);
}
#endif

static inline uint8_t limbs_add(limbs_t *out, const limbs_t *a, const limbs_t *b)
{
    uint8_t c = limb_add(0, a->l[0], b->l[0], &out->l[0]);
    c = limb_add(c, a->l[1], b->l[1], &out->l[1]);
    c = limb_add(c, a->l[2], b->l[2], &out->l[2]);
    return limb_add(c, a->l[3], b->l[3], &out->l[3]);
}

static inline uint8_t limbs_sub(limbs_t *out, const limbs_t *a, const limbs_t *b)
{
    uint8_t c = limb_sub(0, a->l[0], b->l[0], &out->l[0]);
    c = limb_sub(c, a->l[1], b->l[1], &out->l[1]);
    c = limb_sub(c, a->l[2], b->l[2], &out->l[2]);
    return limb_sub(c, a->l[3], b->l[3], &out->l[3]);
}

/* All ones or 0. Hidden from the compiler, which would make a branch of it that is taken at random.
 */
static inline uint64_t mask_of(uint8_t carry)
{
    uint64_t mask = -(uint64_t)carry;
    __asm__("" : "+r"(mask));
    return mask;
}

static const limbs_t modulus = {{R0, R1, R2, R3}};

/* The top limb alone decides but for one value in 2^63. */
static inline bool below_modulus(const limbs_t *a)
{
    limbs_t ignored;
    return a->l[3] < R3 || limbs_sub(&ignored, a, &modulus);
}

static inline bool load_pair(limbs_t *a, limbs_t *b, const slk_node_t *na, const slk_node_t *nb)
{
    for (int k = 0; k < 4; k++) {
        a->l[k] = slk_load_le64(na->b + 8 * k);
        b->l[k] = slk_load_le64(nb->b + 8 * k);
    }
    return below_modulus(a) && below_modulus(b);
}

size_t slk_node_add_many(slk_node_t *out, const slk_node_t *a, const slk_node_t *b, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        limbs_t x, y, less;
        if (!load_pair(&x, &y, &a[i], &b[i]))
            return i;
        limbs_add(&x, &x, &y); /* 2r < 2^256: no carry */
        uint64_t keep = mask_of(limbs_sub(&less, &x, &modulus));
        for (int k = 0; k < 4; k++)
            slk_store_le64(out[i].b + 8 * k, (x.l[k] & keep) | (less.l[k] & ~keep));
    }
    return cnt;
}

size_t slk_node_sub_many(slk_node_t *out, const slk_node_t *a, const slk_node_t *b, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        limbs_t x, y;
        if (!load_pair(&x, &y, &a[i], &b[i]))
            return i;
        uint64_t negative = mask_of(limbs_sub(&x, &x, &y));
        for (int k = 0; k < 4; k++)
            y.l[k] = modulus.l[k] & negative;
        limbs_add(&x, &x, &y);
        for (int k = 0; k < 4; k++)
            slk_store_le64(out[i].b + 8 * k, x.l[k]);
    }
    return cnt;
}
