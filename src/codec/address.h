#ifndef SLK_CODEC_ADDRESS_H
#define SLK_CODEC_ADDRESS_H

/* Addresses of actors, by value: a protocol byte and its payload.
 *
 *   0 ID          varint of the actor's id, below 2^63
 *   1 secp256k1   blake2b-160 of the uncompressed public key, 20 bytes
 *   2 actor       blake2b-160 of what made the actor, 20 bytes
 *   3 BLS         the public key, 48 bytes
 *   4 delegated   varint of a namespace, then at most 54 bytes
 *
 * Text: letter of the network, digit of the protocol, body; both letters are read alike. */

#include "base/buf.h"
#include "codec/cbor.h"

#define SLK_ADDRESS_MAX     64  /* bytes */
#define SLK_ADDRESS_TEXT_SZ 120 /* longest text is 115 characters */

typedef struct {
    uint8_t len; /* 0: undefined, text "<empty>" */
    uint8_t b[SLK_ADDRESS_MAX];
} slk_address_t;

typedef enum {
    SLK_ADDRESS_ID,
    SLK_ADDRESS_SECP256K1,
    SLK_ADDRESS_ACTOR,
    SLK_ADDRESS_BLS,
    SLK_ADDRESS_DELEGATED
} slk_address_protocol_t;

/* The letter with which a network writes addresses. */
typedef enum { SLK_MAINNET = 'f', SLK_TESTNET = 't' } slk_network_t;

/* Actors that every network has. */
#define SLK_ID_SYSTEM   0u
#define SLK_ID_INIT     1u
#define SLK_ID_REWARD   2u
#define SLK_ID_CRON     3u
#define SLK_ID_POWER    4u
#define SLK_ID_MARKET   5u
#define SLK_ID_VERIFREG 6u
#define SLK_ID_DATACAP  7u
#define SLK_ID_EAM      10u
#define SLK_ID_RESERVE  90u
#define SLK_ID_BURNT    99u

/* id < 2^63. */
slk_address_t slk_address_id(uint64_t id);
slk_address_t slk_address_secp256k1(const uint8_t key[65]);
slk_address_t slk_address_bls(const uint8_t key[48]);
slk_address_t slk_address_actor(const void *data, size_t len);
/* space < 2^63, len at most 54. */
slk_address_t slk_address_delegated(uint64_t space, const void *sub, size_t len);

static inline bool slk_address_defined(const slk_address_t *a)
{
    return a->len != 0;
}

/* Of a defined one. */
slk_address_protocol_t slk_address_protocol(const slk_address_t *a);

/* The id of an ID address; false for all others. */
bool slk_address_to_id(const slk_address_t *a, uint64_t *id);

/* A secp256k1, BLS or delegated address: one that a message on the wire may come from. */
bool slk_address_is_key(const slk_address_t *a);

bool slk_address_eq(const slk_address_t *a, const slk_address_t *b);
int slk_address_cmp(const slk_address_t *a, const slk_address_t *b);

/* Read all of the bytes. SLK_ERR_FORMAT: an unknown protocol, another length than it has, a varint
 * that is not in its shortest form. */
SLK_CHECK_RESULT slk_err_t slk_address_from_bytes(slk_address_t *a, const void *bytes, size_t len,
                                                  slk_diag_t *diag);

/* Read a text of either network; "<empty>" and "" are the undefined address. SLK_ERR_FORMAT: not
 * that, a wrong checksum, a text that the address does not print as. */
SLK_CHECK_RESULT slk_err_t slk_address_from_text(slk_address_t *a, const char *text,
                                                 slk_diag_t *diag);

void slk_address_to_text(char out[SLK_ADDRESS_TEXT_SZ], const slk_address_t *a,
                         slk_network_t network);

/* The same for messages: slk_address_text(&a, network).s */
typedef struct {
    char s[SLK_ADDRESS_TEXT_SZ];
} slk_address_text_t;
slk_address_text_t slk_address_text(const slk_address_t *a, slk_network_t network);

/* A CBOR byte string. The writer's address is a defined one. */
SLK_CHECK_RESULT slk_err_t slk_cbor_address(slk_cbor_t *r, slk_address_t *a);
void slk_cbor_put_address(slk_buf_t *buf, const slk_address_t *a);

#endif /* SLK_CODEC_ADDRESS_H */
