#ifndef SLK_NET_DOWNLOAD_H
#define SLK_NET_DOWNLOAD_H

/* Large files over HTTP from several mirrors that have the same bytes, known by their digest.
 *
 * A file on its way is PATH.part; bytes are appended to it, so that its length tells how far it
 * is, also after the process was killed. It gets its name only when complete, with the right
 * digest and on the disk. Mirrors are tried in their order, each for what is still missing, and
 * all again after a pause that doubles up to a minute. One that answers "not found", has a file of
 * another length or sent wrong bytes is not asked again. */

#include "selkie/job.h"

#define SLK_DOWNLOAD_ANY_LEN UINT64_MAX

typedef struct {
    const char *path;        /* final name */
    const char *const *urls; /* http or https, at least one */
    size_t url_cnt;
    uint64_t len;          /* SLK_DOWNLOAD_ANY_LEN: as the mirror says */
    const uint8_t *digest; /* front of the file's BLAKE2b-512 */
    size_t digest_sz;      /* 16 to 64 */
} slk_download_t;

/* Zero: the default. */
typedef struct {
    unsigned parallel; /* files at the same time; default 3 */
    unsigned rounds; /* in a row with less than 64 KiB from all mirrors, then give up; default 6 */
    double stall_seconds; /* a mirror is left when it sends less than 1 KiB/s that long; 60 */
    double pause_seconds; /* first pause between rounds; default 1 */
} slk_download_limits_t;

typedef struct {
    slk_err_t err;
    slk_diag_t diag;
} slk_download_outcome_t;

/* Fetch cnt files; outcomes[i] tells about files[i]. One that fails does not stop the others. All
 * are in one folder, which exists and which the caller has locked; before anything is asked for,
 * its free space is compared with what is missing (SLK_ERR_NOSPACE for all). The job's progress
 * counts bytes, those of .part files resumed; its pool is not used.
 *
 * SLK_OK: all are there, else the first error: SLK_ERR_CANCELLED, SLK_ERR_NOSPACE, SLK_ERR_PERM
 * and others of files; SLK_ERR_DIGEST: the mirrors have other bytes; SLK_ERR_NOTFOUND: none of
 * them has it; SLK_ERR_TIMEOUT: none gave it all. The part stays for the next call, but for one
 * with a wrong digest. */
SLK_CHECK_RESULT slk_err_t slk_download(slk_download_outcome_t *outcomes,
                                        const slk_download_t *files, size_t cnt,
                                        const slk_download_limits_t *limits, const slk_job_t *job,
                                        slk_diag_t *diag);

#endif /* SLK_NET_DOWNLOAD_H */
