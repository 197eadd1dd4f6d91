#ifndef SLK_PROOFS_VANILLA_FILES_H
#define SLK_PROOFS_VANILLA_FILES_H

/* The files of a sealed sector as sources of nodes.
 *
 * Sectors up to SLK_MAP_MAX are mapped: their synthetic sets read every node hundreds of times.
 * Files of larger sectors are read with pread, which reports a failing disk as an error where a map
 * would end the process. */

#include "base/region.h"
#include "proofs/vanilla/vanilla_layout.h"
#include "selkie/vanilla.h"

#define SLK_MAP_MAX (UINT64_C(1) << 30)

/* Told around each system call that may wait for a disk; an error of `before` is returned instead
 * of the call. */
typedef struct {
    slk_err_t (*before)(const char *path, slk_diag_t *diag);
    void (*after)(void);
} slk_io_watch_t;

typedef struct {
    int fd;     /* -1: closed */
    char *path; /* owned */
    slk_region_t map;
    const slk_io_watch_t *watch; /* borrowed, NULL: nobody watches */
} slk_node_file_t;

/* cnt nodes from node `first` on. SLK_ERR_FORMAT, with file and offset: a node that is no field
 * element. */
SLK_CHECK_RESULT slk_err_t slk_node_file_read(const slk_node_file_t *file, slk_node_t *out,
                                              uint64_t first, size_t cnt, slk_diag_t *diag);

/* What lies above the base trees of a compound tree: no file holds it. */
typedef struct {
    slk_node_t base[SLK_TREES_MAX]; /* roots of the base trees */
    slk_node_t sub[2];              /* roots of the sub trees, where there is a top tree */
} slk_upper_t;

struct slk_vanilla_files {
    slk_porep_t porep;
    slk_vanilla_layout_t lay;
    char *cache;
    slk_node_file_t tree_d, replica;
    slk_node_file_t layers[SLK_LAYERS_MAX];
    slk_node_file_t tree_c[SLK_TREES_MAX], tree_r[SLK_TREES_MAX];
    slk_upper_t upper_c, upper_r;
    /* Rows 1..discard of tree_r_last over the whole sector, one row after the other; empty: they
     * are made again from the replica for each challenge. */
    slk_region_t r_rows;
    const slk_io_watch_t *watch;
};

/* Open the files that a proof of spacetime needs: replica and tree_r_last, none of them mapped.
 * Errors as for slk_vanilla_files_open; the other files stay closed. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_files_open_replica(
    slk_vanilla_files_t **out, const slk_size_t *size, const char *cache, const char *replica,
    const slk_node_t *comm_r_last, const slk_io_watch_t *watch, slk_diag_t *diag);

/* Nodes of the rows below `row` in a tree of `leaves` leaves: the row's place in a complete tree's
 * file. */
static inline uint64_t slk_oct_row(uint64_t leaves, uint32_t row)
{
    return (8 * leaves - (8 * leaves >> (3 * row))) / 7;
}

static inline uint64_t slk_bin_row(uint64_t leaves, uint32_t row)
{
    return 2 * leaves - (2 * leaves >> row);
}

/* Build the record of one challenge. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_prove_one(uint8_t *record, const slk_vanilla_files_t *files,
                                                 const slk_graph_t *graph, uint64_t challenge,
                                                 slk_diag_t *diag);

/* A leaf of tree_r_last and the siblings of its path: 1 + lay.sibling_cnt nodes. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_tree_r_path(slk_node_t *leaf,
                                                   const slk_vanilla_files_t *files, uint64_t node,
                                                   slk_diag_t *diag);

/* Make files->r_rows, for runs over so many challenges that this is cheaper. Nothing for sectors
 * above SLK_MAP_MAX, where the rows would not fit in memory. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_files_rebuild_rows(slk_vanilla_files_t *files,
                                                          const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_PROOFS_VANILLA_FILES_H */
