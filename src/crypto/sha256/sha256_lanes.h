/* SHA-256 in lanes: word i of many messages in one vector. A template, included once in a source
 * that has defined, for its instructions: vec_t                      a word of every message v_add,
 * v_xor3, v_shr, v_ror, v_ch v_maj(a, b, c, &bc), v_xor(a, b)   bc is b ^ c, to become a ^ b, where
 * that helps v_word(x), v_load(p), v_store(p, v)   x in all lanes; the lanes in memory */

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE vec_t v_sigma0(vec_t x)
{
    return v_xor3(v_ror(x, 7), v_ror(x, 18), v_shr(x, 3));
}
LANES_INLINE vec_t v_sigma1(vec_t x)
{
    return v_xor3(v_ror(x, 17), v_ror(x, 19), v_shr(x, 10));
}
LANES_INLINE vec_t v_sum0(vec_t x)
{
    return v_xor3(v_ror(x, 2), v_ror(x, 13), v_ror(x, 22));
}
LANES_INLINE vec_t v_sum1(vec_t x)
{
    return v_xor3(v_ror(x, 6), v_ror(x, 11), v_ror(x, 25));
}

#define LANES_ROUND(a, b, c, d, e, f, g, h, wk)                                                    \
    do {                                                                                           \
        h = v_add(v_add(h, wk), v_add(v_sum1(e), v_ch(e, f, g)));                                  \
        d = v_add(d, h);                                                                           \
        h = v_add(h, v_add(v_sum0(a), v_maj(a, b, c, &bc)));                                       \
    } while (0)

/* 8 rounds; the names end where they began. */
#define LANES_ROUNDS8(WK, t)                                                                       \
    do {                                                                                           \
        LANES_ROUND(a, b, c, d, e, f, g, h, WK(t));                                                \
        LANES_ROUND(h, a, b, c, d, e, f, g, WK((t) + 1));                                          \
        LANES_ROUND(g, h, a, b, c, d, e, f, WK((t) + 2));                                          \
        LANES_ROUND(f, g, h, a, b, c, d, e, WK((t) + 3));                                          \
        LANES_ROUND(e, f, g, h, a, b, c, d, WK((t) + 4));                                          \
        LANES_ROUND(d, e, f, g, h, a, b, c, WK((t) + 5));                                          \
        LANES_ROUND(c, d, e, f, g, h, a, b, WK((t) + 6));                                          \
        LANES_ROUND(b, c, d, e, f, g, h, a, WK((t) + 7));                                          \
    } while (0)

#define LANES_OPEN(s)                                                                              \
    vec_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];          \
    vec_t bc = v_xor(b, c)

#define LANES_CLOSE(s)                                                                             \
    do {                                                                                           \
        s[0] = v_add(s[0], a), s[1] = v_add(s[1], b);                                              \
        s[2] = v_add(s[2], c), s[3] = v_add(s[3], d);                                              \
        s[4] = v_add(s[4], e), s[5] = v_add(s[5], f);                                              \
        s[6] = v_add(s[6], g), s[7] = v_add(s[7], h);                                              \
    } while (0)

/* Word j of the next 16. */
#define LANES_EXPAND(w, j)                                                                         \
    (w[j] = v_add(v_add(w[j], v_sigma1(w[((j) + 14) & 15])),                                       \
                  v_add(w[((j) + 9) & 15], v_sigma0(w[((j) + 1) & 15]))))

LANES_INLINE void lanes_block(vec_t s[8], vec_t w[16])
{
    LANES_OPEN(s);
#define LANES_WK(j) v_add(w[j], v_word(slk_sha256_k[j]))
    LANES_ROUNDS8(LANES_WK, 0);
    LANES_ROUNDS8(LANES_WK, 8);
#undef LANES_WK
#define LANES_WK(j) v_add(LANES_EXPAND(w, j), v_word(slk_sha256_k[t + (j)]))
    for (int t = 16; t < 64; t += 16) {
        LANES_ROUNDS8(LANES_WK, 0);
        LANES_ROUNDS8(LANES_WK, 8);
    }
#undef LANES_WK
    LANES_CLOSE(s);
}

/* A block whose W + K is the same in all lanes. */
LANES_INLINE void lanes_block_same(vec_t s[8], const uint32_t wk[64])
{
    LANES_OPEN(s);
#define LANES_WK(j) v_word(wk[t + (j)])
    for (int t = 0; t < 64; t += 8)
        LANES_ROUNDS8(LANES_WK, 0);
#undef LANES_WK
    LANES_CLOSE(s);
}

#undef LANES_ROUND
#undef LANES_ROUNDS8
#undef LANES_OPEN
#undef LANES_CLOSE
