#include "proofs/groth16/point.h"

#include "base/assert.h"

#define FLAG_COMPRESSED 0x80u
#define FLAG_IDENTITY   0x40u
#define FLAG_LARGER     0x20u

const char *slk_point_text(slk_point_t point)
{
    static const char *const texts[] = {
        [SLK_POINT_OK] = "is right",
        [SLK_POINT_FLAGS] = "has wrong flag bits",
        [SLK_POINT_IDENTITY] = "is the identity",
        [SLK_POINT_MODULUS] = "has a coordinate that is not below the field's modulus",
        [SLK_POINT_CURVE] = "is not on the curve",
        [SLK_POINT_SUBGROUP] = "is not in the subgroup of prime order",
    };
    SLK_ASSERT((size_t)point < SLK_COUNT(texts));
    return texts[point];
}

/* What the first byte alone tells. blst looks at the rest of an identity, which makes no
 * difference here. */
static slk_point_t check_flags(uint8_t first, unsigned want)
{
    if ((first & FLAG_COMPRESSED) != want)
        return SLK_POINT_FLAGS;
    if (first & FLAG_IDENTITY)
        return first & FLAG_LARGER ? SLK_POINT_FLAGS : SLK_POINT_IDENTITY;
    return !want && (first & FLAG_LARGER) ? SLK_POINT_FLAGS : SLK_POINT_OK;
}

static slk_point_t from_blst(BLST_ERROR err)
{
    if (err == BLST_SUCCESS)
        return SLK_POINT_OK;
    if (err == BLST_POINT_NOT_ON_CURVE)
        return SLK_POINT_CURVE;
    /* A bad encoding can be nothing else: the flags are known to be right. */
    return err == BLST_POINT_NOT_IN_GROUP ? SLK_POINT_SUBGROUP : SLK_POINT_MODULUS;
}

slk_point_t slk_g1_read(blst_p1_affine *out, const uint8_t bytes[SLK_G1_SZ], bool subgroup)
{
    slk_point_t point = check_flags(bytes[0], 0);
    if (point == SLK_POINT_OK)
        point = from_blst(blst_p1_deserialize(out, bytes));
    if (point == SLK_POINT_OK && subgroup && !blst_p1_affine_in_g1(out))
        point = SLK_POINT_SUBGROUP;
    return point;
}

slk_point_t slk_g2_read(blst_p2_affine *out, const uint8_t bytes[SLK_G2_SZ], bool subgroup)
{
    slk_point_t point = check_flags(bytes[0], 0);
    if (point == SLK_POINT_OK)
        point = from_blst(blst_p2_deserialize(out, bytes));
    if (point == SLK_POINT_OK && subgroup && !blst_p2_affine_in_g2(out))
        point = SLK_POINT_SUBGROUP;
    return point;
}

slk_point_t slk_g1_read_packed(blst_p1_affine *out, const uint8_t bytes[SLK_G1_PACKED_SZ])
{
    slk_point_t point = check_flags(bytes[0], FLAG_COMPRESSED);
    if (point == SLK_POINT_OK)
        point = from_blst(blst_p1_uncompress(out, bytes));
    if (point == SLK_POINT_OK && !blst_p1_affine_in_g1(out))
        point = SLK_POINT_SUBGROUP;
    return point;
}

slk_point_t slk_g2_read_packed(blst_p2_affine *out, const uint8_t bytes[SLK_G2_PACKED_SZ])
{
    slk_point_t point = check_flags(bytes[0], FLAG_COMPRESSED);
    if (point == SLK_POINT_OK)
        point = from_blst(blst_p2_uncompress(out, bytes));
    if (point == SLK_POINT_OK && !blst_p2_affine_in_g2(out))
        point = SLK_POINT_SUBGROUP;
    return point;
}
