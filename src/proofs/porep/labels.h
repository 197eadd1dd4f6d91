#ifndef SLK_PROOFS_POREP_LABELS_H
#define SLK_PROOFS_POREP_LABELS_H

/* Labels of whole layers: parents come from a mapped parent cache or from a helper thread that
 * computes them ahead; the calling thread does nothing but hash. */

#include "selkie/graph.h"
#include "selkie/job.h"
#include "selkie/seal.h"

typedef struct {
    const slk_graph_t *graph;
    const slk_parent_cache_t *cache; /* NULL: compute the parents */
    const slk_porep_t *porep;
    slk_node_t replica_id;
    const slk_job_t *job;
} slk_labeler_t;

/* Compute labels [first, N) of a layer into labels (N nodes, [0, first) done); prev: the layer
 * before, NULL for layer 1. *done grows (release) as labels become final; *stop, set by another
 * thread, ends the work early with SLK_OK and *done < N, as does cancelling. Adds to the progress
 * of job. SLK_ERR_FORMAT: a parent cache with impossible rows. */
SLK_CHECK_RESULT slk_err_t slk_label_layer(const slk_labeler_t *labeler, uint32_t layer,
                                           slk_node_t *labels, const slk_node_t *prev,
                                           uint64_t first, _Atomic uint64_t *done,
                                           const atomic_bool *stop, slk_diag_t *diag);

/* Whether label `node` of a layer is what its parents say; layers' contents as above. */
bool slk_label_holds(const slk_labeler_t *labeler, uint32_t layer, const slk_node_t *labels,
                     const slk_node_t *prev, uint64_t node);

/* Open the parent cache as the options say: dir given or named by the environment: made when
 * missing; else used when present. *cache = NULL: compute. */
SLK_CHECK_RESULT slk_err_t slk_labeler_cache(slk_parent_cache_t **cache, const slk_graph_t *graph,
                                             const char *dir, const slk_job_t *job,
                                             slk_diag_t *diag);

/* Whether two layers of `bytes` each go into RAM. */
bool slk_layers_in_ram(slk_layers_t layers, uint64_t bytes);

#endif /* SLK_PROOFS_POREP_LABELS_H */
