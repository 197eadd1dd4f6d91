#ifndef SLK_PROOFS_PROVE_C1_READ_H
#define SLK_PROOFS_PROVE_C1_READ_H

/* The JSON that C1 leaves, read back into records. Source: spec/proofs-vanilla-2.md 8.5.
 *
 * Members have to be in the order in which the reference writes them; blanks between tokens are
 * allowed. Nothing is built but the records: text is read once, front to back. What the text says
 * twice (positions and node numbers, roots, labels of parents) must agree. Nothing is hashed:
 * slk_vanilla_verify is still to come. */

#include "selkie/vanilla.h"

typedef struct {
    slk_porep_t porep;
    slk_vanilla_public_t pub;
    slk_node_t seed, ticket;
    uint8_t *records; /* of all partitions, back to back */
} slk_c1_text_t;

/* name: what messages call the text. SLK_ERR_FORMAT: diag names the byte and what was expected;
 * SLK_ERR_INPUT: of a non-interactive sector; SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_c1_read(slk_c1_text_t *out, const char *text, uint64_t len,
                                       const char *name, slk_diag_t *diag);
void slk_c1_text_fini(slk_c1_text_t *c1);

#endif /* SLK_PROOFS_PROVE_C1_READ_H */
