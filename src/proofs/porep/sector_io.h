#ifndef SLK_PROOFS_POREP_SECTOR_IO_H
#define SLK_PROOFS_POREP_SECTOR_IO_H

/* What the steps of a sector share: paths, digests of files, auxiliary files, the data. */

#include "proofs/porep/record.h"
#include "proofs/types/cache_names.h"
#include "selkie/seal.h"

#define SLK_PATH_SZ 4096

/* Name of the sealed file's row in a record. */
#define SLK_SEALED_ROW "sealed"

/* <cache>/name. */
SLK_CHECK_RESULT slk_err_t slk_cache_path(char out[SLK_PATH_SZ], const slk_sector_t *sector,
                                          const char *name, slk_diag_t *diag);

/* SHA-256 of a file of exactly `bytes` bytes. Adds bytes to the progress; leaves early when
 * cancelled. */
SLK_CHECK_RESULT slk_err_t slk_digest_file(slk_node_t *out, const char *path, const char *what,
                                           uint64_t bytes, const slk_job_t *job, slk_diag_t *diag);

/* A file and the record's row it must match. */
typedef struct {
    char path[SLK_PATH_SZ];
    const slk_record_file_t *row;
} slk_digest_check_t;

/* Compare files with their rows, several at once on the pool. SLK_ERR_STATE missing,
 * SLK_ERR_LENGTH, SLK_ERR_DIGEST. Shows the progress stage given. */
SLK_CHECK_RESULT slk_err_t slk_digest_check(const slk_digest_check_t *files, size_t cnt,
                                            const char *stage, const slk_job_t *job,
                                            slk_diag_t *diag);

/* p_aux: comm_c || comm_r_last. SLK_ERR_FIELD when one is no field element. */
SLK_CHECK_RESULT slk_err_t slk_p_aux_read(slk_node_t *comm_c, slk_node_t *comm_r_last,
                                          const char *path, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_p_aux_write(const char *path, const slk_node_t *comm_c,
                                           const slk_node_t *comm_r_last, slk_diag_t *diag);

/* t_aux for a cache folder named `cache`. */
SLK_CHECK_RESULT slk_err_t slk_t_aux_write(const char *path, const slk_porep_t *porep,
                                           const char *cache, slk_diag_t *diag);
/* Read and compare with what the size demands; stored folder names are ignored. SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_t_aux_check(const char *path, const slk_porep_t *porep,
                                           slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_t_aux_parse(const uint8_t *buf, size_t len, const char *path,
                                           const slk_porep_t *porep, slk_diag_t *diag);

/* pc1out.json, as the reference serialises it; porep->registered >= 0. */
SLK_CHECK_RESULT slk_err_t slk_pc1out_write(const char *path, const slk_porep_t *porep,
                                            const char *cache, const slk_node_t *comm_d,
                                            slk_diag_t *diag);

/* Build tree_d of the first sector-size bytes of fd (data_len bytes long, zeros behind) into path;
 * fd -1: all zeros. *sha256: digest of the file. SLK_ERR_FIELD: a node of the data is no field
 * element. */
SLK_CHECK_RESULT slk_err_t slk_tree_d_build(slk_node_t *comm_d, slk_node_t *sha256,
                                            const char *path, const slk_size_t *size, int fd,
                                            uint64_t data_len, const char *data_path,
                                            const slk_job_t *job, slk_diag_t *diag);

/* Write path as a copy of the first `bytes` bytes of fd (data_len long, zeros behind; -1: all
 * zeros), sharing blocks where the file system can. */
SLK_CHECK_RESULT slk_err_t slk_copy_data(const char *path, int fd, uint64_t data_len,
                                         const char *data_path, uint64_t bytes,
                                         const slk_job_t *job, slk_diag_t *diag);

/* SLK_ERR_STATE when the record says that the sector was sealed and its layers were dropped since. */
SLK_CHECK_RESULT slk_err_t slk_not_finalized(const slk_sector_t *sector, const slk_record_t *record,
                                             slk_diag_t *diag);

/* Where a result for `path` goes: links followed, so that they stay. SLK_ERR_INPUT: something else
 * than a regular file has that name, or it is a file of the sector itself. */
SLK_CHECK_RESULT slk_err_t slk_result_path(char out[SLK_PATH_SZ], const slk_sector_t *sector,
                                           const char *path, slk_diag_t *diag);

/* Read the last node (the root) of a tree file of exactly `nodes` nodes. */
SLK_CHECK_RESULT slk_err_t slk_tree_root_read(slk_node_t *root, const char *path, const char *what,
                                              uint64_t nodes, slk_diag_t *diag);

#endif /* SLK_PROOFS_POREP_SECTOR_IO_H */
