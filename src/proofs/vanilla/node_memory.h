#ifndef SLK_PROOFS_VANILLA_NODE_MEMORY_H
#define SLK_PROOFS_VANILLA_NODE_MEMORY_H

/* Hashes of Poseidon tree nodes, each group of children hashed once while it is remembered.
 *
 * A direct-mapped table: a node's place in its tree picks the slot, its children decide whether the
 * slot holds it. Asking many at once keeps the hash's lanes filled: for each node:
 * slk_node_memory_ask;  slk_node_memory_answer;  then read the digests. */

#include "selkie/proof_types.h"

#include "selkie/err.h"

#include <stddef.h>

typedef struct slk_node_memory slk_node_memory_t;

/* slots: a power of two. ask_max: nodes between two answers. */
SLK_CHECK_RESULT slk_err_t slk_node_memory_new(slk_node_memory_t **out, size_t slots,
                                               size_t ask_max, slk_diag_t *diag);
void slk_node_memory_free(slk_node_memory_t *memory);

/* Begin a round of questions; all of one arity, 2, 4 or 8. */
void slk_node_memory_begin(slk_node_memory_t *memory, unsigned arity);

/* Ask for the hash of `arity` canonical children; place: any number that tells the nodes of all
 * trees apart. *digest receives it at slk_node_memory_answer. children may be *digest's neighbours:
 * they are copied. */
void slk_node_memory_ask(slk_node_memory_t *memory, uint64_t place, const slk_node_t *children,
                         slk_node_t *digest);
void slk_node_memory_answer(slk_node_memory_t *memory);

/* Hashes computed so far, for tests. */
size_t slk_node_memory_hashed(const slk_node_memory_t *memory);

#endif /* SLK_PROOFS_VANILLA_NODE_MEMORY_H */
