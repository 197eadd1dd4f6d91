#ifndef SLK_DEVNET_ACTORS_STATE_MAP_H
#define SLK_DEVNET_ACTORS_STATE_MAP_H

/* Maps (HAMT) and arrays (AMT v3) of records in the state of the actor that runs, one entry a
 * call: each loads the way to its entry, and one that changes something writes it again and
 * replaces the root.
 *
 * An undefined root (len 0) is an empty tree: such is the inner tree of a key that was not
 * there. Records that are read borrow from slk_rt_arena. Codes: SLK_EXIT_OK,
 * SLK_EXIT_SYS_OUT_OF_GAS, SLK_EXIT_FATAL. */

#include "codec/ipld/amt.h"
#include "codec/ipld/hamt.h"
#include "devnet/vm/runtime.h"

/* Of all maps but the cron queue of power, the balances of the market and the data cap. */
#define SLK_MAP_WIDTH 5u

/* A link as a value. */
#define SLK_LINK_ROWS(F, T) F(T, CID, to, "")
SLK_RECORD(slk_link, SLK_LINK_ROWS);

/* *found (NULL allowed for get: then it must be there) tells whether the key is there. */
slk_exit_t slk_state_map_get(slk_rt_t *rt, const slk_cid_t *root, unsigned width, slk_bytes_t key,
                             void *record, const slk_type_t *type, bool *found);
slk_exit_t slk_state_map_set(slk_rt_t *rt, slk_cid_t *root, unsigned width, slk_bytes_t key,
                             const void *record, const slk_type_t *type);
/* *empty (NULL allowed): nothing is left. */
slk_exit_t slk_state_map_delete(slk_rt_t *rt, slk_cid_t *root, unsigned width, slk_bytes_t key,
                                bool *found, bool *empty);
slk_exit_t slk_state_map_foreach(slk_rt_t *rt, const slk_cid_t *root, unsigned width,
                                 slk_hamt_visit_t visit, void *ctx);

slk_exit_t slk_state_array_get(slk_rt_t *rt, const slk_cid_t *root, unsigned width, uint64_t index,
                               void *record, const slk_type_t *type, bool *found);
slk_exit_t slk_state_array_set(slk_rt_t *rt, slk_cid_t *root, unsigned width, uint64_t index,
                               const void *record, const slk_type_t *type);
/* Behind the last one, as the count says. */
slk_exit_t slk_state_array_append(slk_rt_t *rt, slk_cid_t *root, unsigned width, const void *record,
                                  const slk_type_t *type);
slk_exit_t slk_state_array_delete(slk_rt_t *rt, slk_cid_t *root, unsigned width, uint64_t index,
                                  bool *found);
slk_exit_t slk_state_array_foreach(slk_rt_t *rt, const slk_cid_t *root, unsigned width,
                                   slk_amt_visit_t visit, void *ctx);

/* Keys. */
static inline slk_bytes_t slk_state_key(const slk_address_t *address)
{
    return (slk_bytes_t){address->b, address->len};
}

#endif /* SLK_DEVNET_ACTORS_STATE_MAP_H */
