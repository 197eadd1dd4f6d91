#ifndef SLK_DEVNET_API_MINER_VIEW_H
#define SLK_DEVNET_API_MINER_VIEW_H

/* A miner's state as the API looks at it: read only, outside of the machine. What is read lies in ask->arena. */

#include "codec/actors/miner_state.h"
#include "codec/ipld/amt.h"
#include "codec/ipld/hamt.h"
#include "codec/ipld/object.h"
#include "devnet/actors/state_map.h"
#include "devnet/api/ask.h"

/* --- Objects ------------------------------------------------------------------------------------------------- */

/* The block of a CID as a record. */
SLK_CHECK_RESULT slk_err_t slk_view_object(slk_ask_t *ask, const slk_cid_t *cid,
                                           const slk_type_t *type, void *record);

/* State of one of the actors that every network has, before the messages of a tipset. */
SLK_CHECK_RESULT slk_err_t slk_view_singleton(slk_ask_t *ask, const slk_tip_t *tip, uint64_t id,
                                              const slk_type_t *type, void *state);

/* An entry of a map or an array; *found. */
SLK_CHECK_RESULT slk_err_t slk_view_map_get(slk_ask_t *ask, const slk_cid_t *root, unsigned width,
                                            slk_bytes_t key, const slk_type_t *type, void *record,
                                            bool *found);
SLK_CHECK_RESULT slk_err_t slk_view_array_get(slk_ask_t *ask, const slk_cid_t *root, unsigned width,
                                              uint64_t index, const slk_type_t *type, void *record,
                                              bool *found);
SLK_CHECK_RESULT slk_err_t slk_view_map_each(slk_ask_t *ask, const slk_cid_t *root, unsigned width,
                                             slk_hamt_visit_t visit, void *ctx);
SLK_CHECK_RESULT slk_err_t slk_view_array_each(slk_ask_t *ask, const slk_cid_t *root,
                                               unsigned width, slk_amt_visit_t visit, void *ctx);
/* How many are in an array. */
SLK_CHECK_RESULT slk_err_t slk_view_array_count(slk_ask_t *ask, const slk_cid_t *root,
                                                unsigned width, uint64_t *cnt);

/* --- Miners ---------------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t id;
    slk_actor_state_t actor;
    slk_miner_state_t state;
    const slk_tip_t *tip; /* before whose messages it is */
} slk_view_miner_t;

/* Errors are the node's: "failed to load miner actor: actor not found", "... actor code is not miner". */
SLK_CHECK_RESULT slk_err_t slk_view_miner(slk_ask_t *ask, const slk_tip_t *tip,
                                          const slk_address_t *address, slk_view_miner_t *miner);
SLK_CHECK_RESULT slk_err_t slk_view_miner_info(slk_ask_t *ask, const slk_view_miner_t *miner,
                                               slk_miner_info_t *info);

/* A deadline by number; "invalid deadline 48". */
SLK_CHECK_RESULT slk_err_t slk_view_deadline(slk_ask_t *ask, const slk_view_miner_t *miner,
                                             uint64_t index, slk_deadline_t *deadline);

/* Called for all partitions of all deadlines in order, or those of one deadline. */
typedef slk_err_t slk_view_partition_fn_t(void *ctx, slk_ask_t *ask, uint64_t deadline,
                                          uint64_t index, const slk_partition_t *partition,
                                          bool *stop);
SLK_CHECK_RESULT slk_err_t slk_view_partitions(slk_ask_t *ask, const slk_deadline_t *deadline,
                                               uint64_t number, slk_view_partition_fn_t *fn,
                                               void *ctx, bool *stop);
SLK_CHECK_RESULT slk_err_t slk_view_all_partitions(slk_ask_t *ask, const slk_view_miner_t *miner,
                                                   slk_view_partition_fn_t *fn, void *ctx);

/* All but the terminated; of those, the ones with power. */
SLK_CHECK_RESULT slk_err_t slk_view_live(slk_ask_t *ask, const slk_partition_t *partition,
                                         slk_bitfield_t *live);
SLK_CHECK_RESULT slk_err_t slk_view_active(slk_ask_t *ask, const slk_partition_t *partition,
                                           slk_bitfield_t *active);

/* Sets that are joined when all are there: one by one would copy the sum each time. */
typedef struct {
    slk_bitfield_t *items;
    size_t cnt, cap;
} slk_view_sets_t;
SLK_CHECK_RESULT slk_err_t slk_view_sets_add(slk_ask_t *ask, slk_view_sets_t *sets,
                                             const slk_bitfield_t *set);
SLK_CHECK_RESULT slk_err_t slk_view_sets_union(slk_ask_t *ask, const slk_view_sets_t *sets,
                                               slk_bitfield_t *out);

#endif /* SLK_DEVNET_API_MINER_VIEW_H */
