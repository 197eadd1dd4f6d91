#ifndef SLK_CRYPTO_ELECTION_RANDOMNESS_H
#define SLK_CRYPTO_ELECTION_RANDOMNESS_H

/* The chain's randomness (chain.md 5):
 *
 *   draw = blake2b-256( i64be(tag) || blake2b-256(base) || i64be(epoch) || entropy )
 *
 *   base     from tickets: VRFProof of the min-ticket block of the tipset at the epoch, or of the next
 *            later one; from the beacon: Data of the epoch's beacon entry
 *   entropy  CBOR of the miner's ID address; nothing for SLK_TAG_POST_COMMIT
 *
 * Window and winning PoSt use a draw with its two top bits cleared: slk_post_randomness of
 * selkie/post.h. Seal ticket and seed are used whole. Pure functions, any thread. */

#include "selkie/proof_types.h"

#include "codec/address.h"

#include <stdint.h>

typedef enum {
    SLK_TAG_TICKET = 1,              /* beacon, round - 1; entropy with the parent's ticket */
    SLK_TAG_ELECTION = 2,            /* beacon, round */
    SLK_TAG_WINNING_POST = 3,        /* beacon, round */
    SLK_TAG_WINDOW_POST = 4,         /* beacon, dl.Challenge */
    SLK_TAG_SEAL = 5,                /* tickets, SealRandEpoch */
    SLK_TAG_SEAL_SEED = 6,           /* beacon, PreCommitEpoch + PreCommitChallengeDelay */
    SLK_TAG_DEADLINE_ASSIGNMENT = 7, /* beacon */
    SLK_TAG_MARKET_CRON = 8,         /* beacon */
    SLK_TAG_POST_COMMIT = 9          /* tickets, no entropy */
} slk_tag_t;

/* Bytes that the miner's ID address has at most in CBOR. */
#define SLK_ENTROPY_MAX 16

/* Write the entropy of miner f0<id>; returns its length. */
size_t slk_miner_entropy(uint8_t out[SLK_ENTROPY_MAX], uint64_t miner);

slk_node_t slk_draw(const void *base, size_t base_len, slk_tag_t tag, int64_t epoch,
                    const void *entropy, size_t entropy_len);

/* The same of a base that is hashed already, as StateGetRandomnessDigestFrom... answers it. */
slk_node_t slk_draw_from_digest(const slk_node_t *base_digest, slk_tag_t tag, int64_t epoch,
                                const void *entropy, size_t entropy_len);
slk_node_t slk_draw_digest(const void *base, size_t base_len);

/* draw with the entropy of a miner. */
slk_node_t slk_draw_miner(const void *base, size_t base_len, slk_tag_t tag, int64_t epoch,
                          uint64_t miner);

/* What the worker signs for a block of `round` (chain.md 6.3). beacon: Data of the round's entry.
 * parent_ticket: VRFProof of the min-ticket block of the parent tipset, at most 96 bytes. */
slk_node_t slk_ticket_input(const void *beacon, size_t beacon_len, int64_t round, uint64_t miner,
                            const void *parent_ticket, size_t parent_ticket_len);
slk_node_t slk_election_input(const void *beacon, size_t beacon_len, int64_t round, uint64_t miner);

#endif /* SLK_CRYPTO_ELECTION_RANDOMNESS_H */
