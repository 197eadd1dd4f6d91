#ifndef SLK_CODEC_IPLD_LINK_H
#define SLK_CODEC_IPLD_LINK_H

/* Links between blocks of the chain's state: CIDs of version 1, codec dag-cbor, hash blake2b-256 (spec
 * chain.md 1.2). All of them begin with the same bytes, so that the digest alone stands for the CID. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLK_LINK_CID_SZ  38 /* 01 71 a0e402 20, digest */
#define SLK_LINK_TEXT_SZ 64 /* "bafy2bzace...", NUL included: 63 characters are needed */

typedef struct {
    uint8_t digest[32];
} slk_link_t;

static inline bool slk_link_eq(const slk_link_t *a, const slk_link_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The link to a block: blake2b-256 of its bytes. */
void slk_link_of(slk_link_t *link, const void *block, size_t len);

/* The bytes of the CID, and back: false if they are another kind of CID. */
void slk_link_to_cid(uint8_t cid[SLK_LINK_CID_SZ], const slk_link_t *link);
bool slk_link_from_cid(slk_link_t *link, const void *cid, size_t len);

/* The text "bafy2bzace..."; false if it is no such text. */
void slk_link_format(char text[SLK_LINK_TEXT_SZ], const slk_link_t *link);
bool slk_link_parse(slk_link_t *link, const char *text);

#endif /* SLK_CODEC_IPLD_LINK_H */
