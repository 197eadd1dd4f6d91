#ifndef SLK_PROOFS_GROTH16_POINT_H
#define SLK_PROOFS_GROTH16_POINT_H

/* Points of BLS12-381 as bytes: big-endian coordinates, those of G2 as c1 | c0, flags in the
 * first byte: 0x80 compressed, 0x40 identity, 0x20 the larger y. Readers accept exactly one
 * encoding of each point, and the identity never: no file and no proof may hold it. */

#include <blst.h>
#include <stdbool.h>
#include <stdint.h>

#define SLK_G1_SZ        96u
#define SLK_G2_SZ        192u
#define SLK_G1_PACKED_SZ 48u
#define SLK_G2_PACKED_SZ 96u

typedef enum {
    SLK_POINT_OK,
    SLK_POINT_FLAGS,
    SLK_POINT_IDENTITY,
    SLK_POINT_MODULUS,
    SLK_POINT_CURVE,
    SLK_POINT_SUBGROUP
} slk_point_t;

/* "is not on the curve" */
const char *slk_point_text(slk_point_t point);

/* The subgroup is checked where asked for: it costs far more than the rest. */
slk_point_t slk_g1_read(blst_p1_affine *out, const uint8_t bytes[SLK_G1_SZ], bool subgroup);
slk_point_t slk_g2_read(blst_p2_affine *out, const uint8_t bytes[SLK_G2_SZ], bool subgroup);

/* Compressed; the subgroup is always checked. */
slk_point_t slk_g1_read_packed(blst_p1_affine *out, const uint8_t bytes[SLK_G1_PACKED_SZ]);
slk_point_t slk_g2_read_packed(blst_p2_affine *out, const uint8_t bytes[SLK_G2_PACKED_SZ]);

#endif /* SLK_PROOFS_GROTH16_POINT_H */
