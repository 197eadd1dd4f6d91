#ifndef SELKIE_GRAPH_H
#define SELKIE_GRAPH_H

/* The graph under the labels: 6 base parents (DRG) and 8 expander parents (Feistel) of every node,
 * and the file that keeps them (parent cache). Source: spec/proofs-vanilla.md section 3.
 *
 * A graph is read-only after slk_graph_new and may be used by any number of threads. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

#define SLK_PARENT_ROW_SZ (SLK_PARENT_CNT * 4u) /* bytes of a node in the parent cache */

typedef struct slk_graph slk_graph_t;

/* Graph of a PoRep. Holds tables of 12 * 2^h bytes (1.5 MiB for 32 and 64 GiB). */
SLK_API SLK_CHECK_RESULT slk_err_t slk_graph_new(slk_graph_t **out, const slk_porep_t *porep,
                                                 slk_diag_t *diag);
SLK_API void slk_graph_free(slk_graph_t *graph);

/* Parents of nodes [first, first + cnt): cnt rows of 14, base parents first, in the order of the
 * reference. first + cnt <= N, else asserts. Computes; reads no file. */
SLK_API void slk_graph_parents(const slk_graph_t *graph, uint64_t first, uint64_t cnt,
                               uint32_t (*rows)[SLK_PARENT_CNT]);

/* --- Parent cache --------------------------------------------------------------------------- */

/* File name of the reference for this graph, "v28-sdr-parent-<hex>.cache". */
SLK_API void slk_parent_cache_name(const slk_porep_t *porep, char out[96]);

/* Folder for these files: FIL_PROOFS_PARENT_CACHE, else FIL_PROOFS_CACHE_DIR with
 * "filecoin-parents" appended, else /var/tmp/filecoin-parents. *chosen tells whether the
 * environment named it. SLK_ERR_LENGTH: longer than cap. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_parent_cache_dir(char *out, size_t cap, bool *chosen,
                                                        slk_diag_t *diag);

/* A parent cache file, mapped read-only; any number of processes may share one. */
typedef struct slk_parent_cache slk_parent_cache_t;

typedef enum {
    SLK_PARENT_CACHE_IF_PRESENT, /* no file: *out = NULL and SLK_OK */
    SLK_PARENT_CACHE_CREATE      /* no file: make it */
} slk_parent_cache_mode_t;

/* Open the cache of a graph in dir. The whole file is checked against the known SHA-256 of its
 * graph before it is used (all registered proofs have one; other graphs: SLK_ERR_UNSUPPORTED).
 *
 * Creating writes to a temporary name, checks the digest, then renames; two creators at once both
 * succeed. SLK_ERR_LENGTH, SLK_ERR_DIGEST: the file is truncated or damaged; it is left as it is.
 */
SLK_API SLK_CHECK_RESULT slk_err_t slk_parent_cache_open(slk_parent_cache_t **out, const char *dir,
                                                         const slk_graph_t *graph,
                                                         slk_parent_cache_mode_t mode,
                                                         const slk_job_t *job, slk_diag_t *diag);
SLK_API void slk_parent_cache_close(slk_parent_cache_t *cache);

/* Rows of nodes [first, first + cnt), borrowed from the map. 32-bit little-endian, as the file. */
SLK_API const uint32_t (*slk_parent_cache_rows(const slk_parent_cache_t *cache,
                                               uint64_t first))[SLK_PARENT_CNT];

#endif /* SELKIE_GRAPH_H */
