#ifndef SLK_APP_PARAMS_CHECK_H
#define SLK_APP_PARAMS_CHECK_H

/* Whether parameter files are what they should be, by their digests. What a file should be says
 * the list of published files, or for one that was made here the .b2sum file beside it. */

#include "proofs/groth16/manifest.h"
#include "selkie/job.h"

typedef enum {
    SLK_FILE_PUBLISHED, /* right: as published */
    SLK_FILE_MADE,      /* right: as it was made here */
    SLK_FILE_WRONG,     /* damaged, cut off, or another file */
    SLK_FILE_FOREIGN,   /* no digest of it is known */
    SLK_FILE_MISSING,
    SLK_FILE_ERROR /* could not be read */
} slk_file_state_t;

typedef struct {
    char path[4096];
    const slk_manifest_row_t *row; /* borrowed; NULL: not a published name */
    bool remembered;               /* set by the caller: it was right before, do not read it */
    slk_file_state_t state;
    uint64_t len;
    char expected[144], found[144]; /* digests in hex, or "N bytes"; "": none */
    slk_diag_t diag;                /* why it is not right */
} slk_params_check_t;

/* The name behind the last slash. */
const char *slk_base_name(const char *path);

/* Set path and row; state is that of a file nobody looked at yet, MISSING or ERROR. */
void slk_params_check_init(slk_params_check_t *check, const char *path,
                           const slk_manifest_t *manifest);

/* Read all that are there and not remembered, several at the same time on the job's threads, which
 * are the limit, and set their state. Progress: bytes, as stage `stage`. SLK_ERR_CANCELLED;
 * whatever is wrong with a file is in its state. */
SLK_CHECK_RESULT slk_err_t slk_params_check(slk_params_check_t *checks, size_t cnt,
                                            const char *stage, const slk_job_t *job,
                                            slk_diag_t *diag);

#endif /* SLK_APP_PARAMS_CHECK_H */
