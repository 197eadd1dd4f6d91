#ifndef SLK_DEVNET_VM_STATE_TREE_H
#define SLK_DEVNET_VM_STATE_TREE_H

/* The actors of one state of the chain: a HAMT from id to actor behind a state root [5, actors, info]
 * (spec chain.md 1.5), with changes kept in memory until they are flushed.
 *
 * Changes can be undone back to a mark, as nested calls need it: an actor's own state is only a link to
 * immutable blocks, so that undoing is putting old entries back. One thread at a time. */

#include "codec/chain/receipt.h"
#include "codec/ipld/blockstore.h"

typedef struct slk_state_tree slk_state_tree_t;

/* The empty tree; its init actor is still to be made. */
SLK_CHECK_RESULT slk_err_t slk_state_tree_new(slk_state_tree_t **tree,
                                              const slk_blockstore_t *store, slk_diag_t *diag);
/* The tree of a root. SLK_ERR_NOTFOUND, SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_state_tree_load(slk_state_tree_t **tree,
                                               const slk_blockstore_t *store, const slk_cid_t *root,
                                               slk_diag_t *diag);
void slk_state_tree_free(slk_state_tree_t *tree); /* NULL allowed */

/* The actor; *found false: there is none. */
SLK_CHECK_RESULT slk_err_t slk_state_tree_get(slk_state_tree_t *tree, uint64_t id,
                                              slk_actor_state_t *actor, bool *found,
                                              slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_state_tree_set(slk_state_tree_t *tree, uint64_t id,
                                              const slk_actor_state_t *actor, slk_diag_t *diag);

/* The id behind an address of any protocol, by the init actor's map. An ID address is its id, whether
 * there is such an actor or not. *found false: the address is not known. */
SLK_CHECK_RESULT slk_err_t slk_state_tree_resolve(slk_state_tree_t *tree,
                                                  const slk_address_t *address, uint64_t *id,
                                                  bool *found, slk_diag_t *diag);

/* A point to come back to; marks nest. */
size_t slk_state_tree_mark(const slk_state_tree_t *tree);
void slk_state_tree_undo(slk_state_tree_t *tree, size_t mark);

/* Forget what could be undone, when a message is over. */
void slk_state_tree_settle(slk_state_tree_t *tree);

/* Write the actors that changed and tell the root. The tree can be used on. */
SLK_CHECK_RESULT slk_err_t slk_state_tree_flush(slk_state_tree_t *tree, slk_cid_t *root,
                                                slk_diag_t *diag);

/* Show all actors, in no order that means something. */
typedef slk_err_t (*slk_actor_visit_t)(void *ctx, uint64_t id, const slk_actor_state_t *actor,
                                       slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_state_tree_foreach(slk_state_tree_t *tree, slk_actor_visit_t visit,
                                                  void *ctx, slk_diag_t *diag);

#endif /* SLK_DEVNET_VM_STATE_TREE_H */
