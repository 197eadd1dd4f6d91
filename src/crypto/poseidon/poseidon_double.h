/* Factors as doubles: without integer instructions for 52-bit factors, two fused multiply-adds that
 * round towards zero split a product at bit 52. Both results are read as the integers that their
 * bits are: for 0 <= a*b < 2^104, fma(a, b, 2^104) has h = floor(a*b / 2^52) in its lowest bits,
 * and fma(a, b, 2^104 + 2^52 - that) = 2^52 + (a*b - h * 2^52) is exact. */

#define BITS_2_52                                                                                  \
    UINT64_C(                                                                                      \
        0x4330000000000000) /* of 2^52 as double: the integer below it goes into its low bits */
#define BITS_2_104 UINT64_C(0x4670000000000000)

#define MAC_LO_BIAS BITS_2_52
#define MAC_HI_BIAS BITS_2_104
