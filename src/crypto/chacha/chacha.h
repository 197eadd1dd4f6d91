#ifndef SLK_CRYPTO_CHACHA_H
#define SLK_CRYPTO_CHACHA_H

/* ChaCha keystreams: 8 rounds for the DRG graph, 20 rounds (RFC 8439) for synthetic challenges. */

#include <stddef.h>
#include <stdint.h>

/* Block `counter` (32 bits) of the RFC 8439 layout: 256-bit key, 96-bit nonce. rounds: 8 or 20.
 * With a 64-bit counter and a zero 64-bit nonce (rand_chacha), pass the counter's high half as
 * nonce word 0. */
void slk_chacha_block(uint8_t out[64], const uint8_t key[32], uint32_t counter,
                      const uint8_t nonce[12], unsigned rounds);

/* len keystream bytes from byte `offset` of the stream that starts at counter 0. */
void slk_chacha_stream(uint8_t *out, size_t len, uint64_t offset, const uint8_t key[32],
                       const uint8_t nonce[12], unsigned rounds);

#endif /* SLK_CRYPTO_CHACHA_H */
