#include "crypto/digest/file_digest.h"

#include "base/assert.h"
#include "base/file.h"

#include <blake2.h>
#include <stdlib.h>

#define READ_SZ (1u << 20)

_Static_assert(SLK_FILE_DIGEST_SZ == BLAKE2B_OUTBYTES, "the whole digest");

slk_err_t slk_file_digest(uint8_t out[SLK_FILE_DIGEST_SZ], int fd, uint64_t len, const char *path,
                          const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    blake2b_state hash;
    uint8_t *buf = malloc(READ_SZ);
    if (!buf)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory for its digest", path);
    blake2b_init(&hash, SLK_FILE_DIGEST_SZ);
    for (uint64_t at = 0; at < len; at += READ_SZ) {
        size_t some = len - at < READ_SZ ? (size_t)(len - at) : READ_SZ;
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "%s: interrupted", path);
            goto out;
        }
        SLK_TRY(slk_pread_all(fd, buf, some, at, path, diag));
        blake2b_update(&hash, buf, some);
        slk_progress_add(slk_job_progress(job), some);
    }
    blake2b_final(&hash, out, SLK_FILE_DIGEST_SZ);
out:
    free(buf);
    return err;
}
