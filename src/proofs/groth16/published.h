#ifndef SLK_PROOFS_GROTH16_PUBLISHED_H
#define SLK_PROOFS_GROTH16_PUBLISHED_H

/* The published parameter files, as text; proofs/groth16/manifest.h makes something usable of it. */

#include <stddef.h>
#include <stdint.h>

#define SLK_PUBLISHED_CNT 45u

typedef struct {
    const char *name, *circuit, *size; /* size NULL: of no sector size */
    const char *cid;                   /* under which IPFS gateways have it */
    const char *digest;                /* first 16 bytes of BLAKE2b-512, hex */
    uint64_t bytes;                    /* 0: not known */
} slk_published_t;

extern const slk_published_t slk_published[SLK_PUBLISHED_CNT];

#endif /* SLK_PROOFS_GROTH16_PUBLISHED_H */
