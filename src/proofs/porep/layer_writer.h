#ifndef SLK_PROOFS_POREP_LAYER_WRITER_H
#define SLK_PROOFS_POREP_LAYER_WRITER_H

/* Puts labels on the disk while they are being made, on a thread of its own: follows a counter of
 * finished labels, hashes them, writes them to the layer's file, and now and then makes a
 * checkpoint: sync the file, then tell how far it is good. */

#include "crypto/sha256/sha256.h"
#include "selkie/err.h"
#include "selkie/proof_types.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Called after labels [0, nodes) are on the disk; prefix_sha256 is of their bytes. */
typedef slk_err_t slk_checkpoint_fn_t(void *ctx, uint64_t nodes, const slk_node_t *prefix_sha256,
                                      slk_diag_t *diag);

typedef struct {
    /* Set by the caller before start. */
    int fd;
    const char *path;
    const slk_node_t *labels;
    bool mapped;    /* labels are a shared map of fd: no writes needed, only sync */
    double seconds; /* at most this much work between two checkpoints */
    slk_checkpoint_fn_t *checkpoint; /* NULL: none within the layer */
    void *ctx;
    slk_sha256_t sha; /* state after the first `hashed` labels */
    uint64_t hashed;
    /* Shared with the thread that labels. */
    _Atomic uint64_t done; /* labels finished; see slk_label_layer */
    atomic_bool stop;      /* set here on failure: the labelling should end */
    /* Own. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending; /* under lock: write what is done, and leave */
    slk_err_t err;
    slk_diag_t diag;
} slk_layer_writer_t;

SLK_CHECK_RESULT slk_err_t slk_layer_writer_start(slk_layer_writer_t *writer, slk_diag_t *diag);

/* Write and sync all labels that are done, make a last checkpoint if checkpoint is set and the
 * layer is not complete (nodes: its size), end the thread. *sha256 (may be NULL): digest of the
 * labels on the disk. */
SLK_CHECK_RESULT slk_err_t slk_layer_writer_finish(slk_layer_writer_t *writer, uint64_t nodes,
                                                   slk_node_t *sha256, slk_diag_t *diag);

#endif /* SLK_PROOFS_POREP_LAYER_WRITER_H */
