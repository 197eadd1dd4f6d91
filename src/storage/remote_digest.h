#ifndef SLK_STORAGE_REMOTE_DIGEST_H
#define SLK_STORAGE_REMOTE_DIGEST_H

/* Manifests with digests, computed by threads in the background while clients ask again. */

#include "storage/digest.h"
#include "storage/manifest.h"

typedef struct slk_remote_digests slk_remote_digests_t;

SLK_CHECK_RESULT slk_err_t slk_remote_digests_new(slk_remote_digests_t **rd, unsigned threads,
                                                  slk_diag_t *diag);
/* Stops what is being computed. No call may be running. NULL is a no-op. */
void slk_remote_digests_free(slk_remote_digests_t *rd);

/* The manifest of an entry of the storage path `root`. Waits up to wait_ms for the digests; when
 * they are not there by then, *manifest stays empty and *done of *total bytes have been read. */
SLK_CHECK_RESULT slk_err_t slk_remote_manifest(slk_manifest_t *manifest, uint64_t *done,
                                               uint64_t *total, slk_remote_digests_t *rd,
                                               const char *root, slk_file_types_t type,
                                               const slk_sector_id_t *sector, uint32_t wait_ms,
                                               slk_diag_t *diag);

#endif /* SLK_STORAGE_REMOTE_DIGEST_H */
