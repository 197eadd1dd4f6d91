#ifndef SLK_BASE_BYTES_H
#define SLK_BASE_BYTES_H

/* Integers in memory and hex text. */

#include "selkie/proof_types.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t slk_load_be32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline void slk_store_be32(void *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static inline void slk_store_be64(void *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

static inline uint64_t slk_load_be64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static inline uint32_t slk_load_le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline uint64_t slk_load_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline void slk_store_le32(void *p, uint32_t v)
{
    memcpy(p, &v, 4);
}
static inline void slk_store_le64(void *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are little-endian and mapped as they are");

/* out: 2 * len characters and a NUL. */
void slk_hex_encode(char *out, const void *in, size_t len);

/* text: exactly 2 * len hex digits, either case. False otherwise; out is then undefined. */
bool slk_hex_decode(void *out, size_t len, const char *text);

static inline bool slk_node_eq(const slk_node_t *a, const slk_node_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Below the modulus of the BLS12-381 scalar field. */
bool slk_node_is_canonical(const slk_node_t *node);

static inline bool slk_node_is_zero(const slk_node_t *node)
{
    static const slk_node_t zero;
    return slk_node_eq(node, &zero);
}

/* Hex text of a node, for messages: slk_node_hex(&n).s */
typedef struct {
    char s[65];
} slk_node_hex_t;
slk_node_hex_t slk_node_hex(const slk_node_t *node);

#endif /* SLK_BASE_BYTES_H */
