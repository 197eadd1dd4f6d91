#ifndef SLK_CRYPTO_ELECTION_WIN_COUNT_H
#define SLK_CRYPTO_ELECTION_WIN_COUNT_H

/* How often a miner wins an epoch, and how good its ticket is (chain.md 6.3). Any thread. */

#include "codec/bigint.h"

#include <stddef.h>

#define SLK_WIN_COUNT_MAX 15

/* WinCount of an election proof's VRFProof. Powers are quality-adjusted, of the lookback state; 0 when
 * either is not above zero. */
unsigned slk_win_count(const void *vrf_proof, size_t len, const slk_bigint_t *miner_power,
                       const slk_bigint_t *network_power);

/* 1 - blake2b-256(VRFProof) / 2^256, for MpoolSelect. */
double slk_ticket_quality(const void *vrf_proof, size_t len);

/* Order of tickets by blake2b-256 of their VRFProof: <0, 0, >0. The smallest is the min ticket. */
int slk_ticket_cmp(const void *a, size_t a_len, const void *b, size_t b_len);

#endif /* SLK_CRYPTO_ELECTION_WIN_COUNT_H */
