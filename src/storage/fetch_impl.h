#ifndef SLK_STORAGE_FETCH_IMPL_H
#define SLK_STORAGE_FETCH_IMPL_H

/* What the files of fetch share: one attempt with one source. */

#include "storage/fetch.h"
#include "storage/manifest.h"
#include "storage/staging.h"

typedef struct {
    const slk_fetch_t *what;
    const slk_fetch_source_t *source;
    char shown[512]; /* the URL for messages */
    slk_http_client_t *client;
    const slk_job_t *job;
    slk_staging_t *staging;
    slk_fetched_t *fetched;
    atomic_ullong received;
    uint64_t staged;  /* bytes that the last attempt left for the next */
    atomic_bool ours; /* the failure is this machine's: no other source will do better */
} slk_fetching_t;

/* The error of an answer that is no 2xx; SLK_OK for one that is. */
slk_err_t slk_fetch_status(const slk_fetching_t *f, int status, slk_diag_t *diag);

/* A length that the type cannot have. */
slk_err_t slk_fetch_check_len(const slk_fetching_t *f, uint64_t len, slk_diag_t *diag);

/* "bytes 5-99/100" -> 5, 100. False: another text. */
bool slk_fetch_range(uint64_t *from, uint64_t *total, const char *text);

/* Sleep; SLK_ERR_CANCELLED. */
SLK_CHECK_RESULT slk_err_t slk_fetch_pause(const slk_fetching_t *f, uint32_t ms, slk_diag_t *diag);

/* fetch_files.c: stage all by a manifest. *plain: the source has none. */
SLK_CHECK_RESULT slk_err_t slk_fetch_by_manifest(slk_fetching_t *f, bool *plain, slk_diag_t *diag);

/* fetch_plain.c: stage all as Lotus' nodes give it. */
SLK_CHECK_RESULT slk_err_t slk_fetch_plain(slk_fetching_t *f, slk_diag_t *diag);

#endif /* SLK_STORAGE_FETCH_IMPL_H */
