#ifndef SLK_PROOFS_VANILLA_CHALLENGE_H
#define SLK_PROOFS_VANILLA_CHALLENGE_H

/* Internal part of challenge.c, apart so that the reference's test with a set of 21 can be run. */

#include "selkie/proof_types.h"

/* Positions first, first + 1, ... of the selection from a synthetic set of set_cnt challenges. */
void slk_synth_select(uint64_t *out, const slk_node_t *replica_id, const slk_node_t *seed,
                      uint64_t set_cnt, uint64_t first, uint64_t cnt);

#endif /* SLK_PROOFS_VANILLA_CHALLENGE_H */
