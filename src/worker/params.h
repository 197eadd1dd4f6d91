#ifndef SLK_WORKER_PARAMS_H
#define SLK_WORKER_PARAMS_H

/* Parameters of tasks as jobs have them (cluster/task.h: hex, CIDs as text, padded sizes) and as
 * processors have them (spec/damocles.md 6.2: arrays of numbers, sizes without padding). */

#include "selkie/piece.h"

#include <jansson.h>

/* All: SLK_ERR_INPUT (job's) or SLK_ERR_FORMAT (processor's) with the member's name. */

/* 32 bytes of hex. */
SLK_CHECK_RESULT slk_err_t slk_param_node(slk_node_t *out, const json_t *params, const char *name,
                                          slk_diag_t *diag);
/* {"Size": padded, "PieceCID": text or {"/": text}}. */
SLK_CHECK_RESULT slk_err_t slk_param_piece(slk_piece_t *out, const json_t *row, slk_diag_t *diag);
/* An array of them, malloc'ed; one that is missing is empty. */
SLK_CHECK_RESULT slk_err_t slk_param_pieces(slk_piece_t **out, size_t *cnt, const json_t *params,
                                            const char *name, slk_diag_t *diag);

/* An array of 32 numbers; NULL: out of memory. */
json_t *slk_json_of_node(const slk_node_t *node);
SLK_CHECK_RESULT slk_err_t slk_output_node(slk_node_t *out, const json_t *output, const char *name,
                                           slk_diag_t *diag);
/* {"Size","PieceCID"}. */
json_t *slk_json_of_piece(const slk_piece_t *piece);

/* Bytes without padding of a padded size, and back; 0: none such. */
uint64_t slk_unpadded(uint64_t padded);
uint64_t slk_padded(uint64_t unpadded);

#endif /* SLK_WORKER_PARAMS_H */
