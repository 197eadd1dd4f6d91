#ifndef SLK_DEVNET_CHAIN_OVERLAY_H
#define SLK_DEVNET_CHAIN_OVERLAY_H

/* A store in front of another one: reads what is in either, keeps what is put in memory. For what
 * is tried out and thrown away. One thread. */

#include "codec/ipld/blockstore.h"

typedef struct {
    const slk_blockstore_t *base;
    slk_memory_store_t *memory;
    slk_blockstore_t front; /* of the memory */
    slk_blockstore_t store; /* to be used; valid while this struct stays where it is */
} slk_overlay_t;

SLK_CHECK_RESULT slk_err_t slk_overlay_init(slk_overlay_t *overlay, const slk_blockstore_t *base,
                                            slk_diag_t *diag);
void slk_overlay_free(slk_overlay_t *overlay); /* a zeroed one is fine */

#endif /* SLK_DEVNET_CHAIN_OVERLAY_H */
