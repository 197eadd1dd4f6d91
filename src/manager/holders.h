#ifndef SLK_MANAGER_HOLDERS_H
#define SLK_MANAGER_HOLDERS_H

/* The index of storage (manager/storage/storage_index.h) as decisions look at it: slk_world_ops_t.holders with
 * a connection to the database as context. Workers are named by their UUID. */

#include "manager/seal/world.h"

slk_look_t slk_manager_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                               slk_world_holders_t *out, slk_diag_t *diag);

#endif /* SLK_MANAGER_HOLDERS_H */
