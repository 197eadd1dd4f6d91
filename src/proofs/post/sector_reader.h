#ifndef SLK_PROOFS_POST_SECTOR_READER_H
#define SLK_PROOFS_POST_SECTOR_READER_H

/* One sealed sector as a source of inclusion proofs. Source: spec/proofs-vanilla-2.md 8.2, 9.3. */

#include "proofs/post/path_bytes.h"
#include "proofs/vanilla/vanilla_files.h"

typedef struct {
    slk_vanilla_files_t *files; /* NULL: closed */
    slk_node_t comm_c, comm_r_last;
} slk_sector_reader_t;

/* Open the files of a sector, compare comm_r with p_aux and the trees' roots with comm_r_last.
 * watch is told of every system call. After an error nothing is open. */
SLK_CHECK_RESULT slk_err_t slk_sector_reader_open(slk_sector_reader_t *out, const slk_size_t *size,
                                                  const char *cache, const char *sealed,
                                                  const slk_node_t *comm_r,
                                                  const slk_io_watch_t *watch, slk_diag_t *diag);

/* The inclusion proof of a leaf, checked, slk_post_path_sz bytes. SLK_ERR_DIGEST: it does not lead
 * to comm_r_last. Any number of threads at a time. */
SLK_CHECK_RESULT slk_err_t slk_sector_reader_path(uint8_t *out, const slk_sector_reader_t *reader,
                                                  uint64_t leaf, slk_diag_t *diag);

/* May wait for a disk, too; harmless on a closed one. */
void slk_sector_reader_close(slk_sector_reader_t *reader);

#endif /* SLK_PROOFS_POST_SECTOR_READER_H */
