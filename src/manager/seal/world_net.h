#ifndef SLK_MANAGER_SEAL_WORLD_NET_H
#define SLK_MANAGER_SEAL_WORLD_NET_H

/* What a network goes by, from its node's StateGetNetworkParams. */

#include "codec/policy.h"
#include "selkie/err.h"

#include <jansson.h>

/* The row of codec/policy.h by name, chain id or block delay; on top what the node says itself. A node of the
 * development network tells all that its scaled proving period changes (SelkieDevnetPolicy), and how fast its
 * epochs pass (SelkieDevnetBlockMillis). *block_ms: ms of an epoch; *scaled: epochs pass at another speed
 * than the time stamps of blocks. SLK_ERR_FORMAT: it is no such answer. */
SLK_CHECK_RESULT slk_err_t slk_world_policy(slk_policy_t *policy, int64_t *block_ms, bool *scaled,
                                            const json_t *params, slk_diag_t *diag);

#endif /* SLK_MANAGER_SEAL_WORLD_NET_H */
