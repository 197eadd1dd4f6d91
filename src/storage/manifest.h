#ifndef SLK_STORAGE_MANIFEST_H
#define SLK_STORAGE_MANIFEST_H

/* The list of files of one type of a sector, with their digests: what a node sends to another that
 * fetches, and what lies beside a file on its way.
 *
 *   {"Type":"cache","Sector":"s-t01000-5","Folder":true,"Files":[
 *     {"Name":"p_aux","Size":64,"SHA256":"<64 hex digits>"}, ...]}
 *
 * Sorted by name. Of a file instead of a folder there is one entry with the name "". */

#include "selkie/err.h"
#include "selkie/proof_types.h"
#include "storage/file_type.h"

#define SLK_MANIFEST_FILES_MAX 256
#define SLK_MANIFEST_TEXT_MAX  (128 * 1024)
#define SLK_CACHE_FILE_MAX     128 /* name of a file in a cache folder, with the NUL */
#define SLK_MANIFEST_TYPE      "application/vnd.selkie.manifest+json"

typedef struct {
    char name[SLK_CACHE_FILE_MAX];
    uint64_t size;
    slk_node_t sha256;
} slk_manifest_file_t;

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t type;
    size_t cnt;
    slk_manifest_file_t *files; /* malloc'ed */
} slk_manifest_t;

/* A name that a file in a cache folder may have: letters, digits, '.', '_', '-'; not beginning with
 * a dot; shorter than SLK_CACHE_FILE_MAX. */
bool slk_cache_file_ok(const char *text, size_t len);

/* Read one; `name` is what messages call it. SLK_ERR_FORMAT. Free also after errors. */
SLK_CHECK_RESULT slk_err_t slk_sector_manifest_parse(slk_manifest_t *manifest, const char *text,
                                                     size_t len, const char *name,
                                                     slk_diag_t *diag);

/* Write one; malloc'ed. */
SLK_CHECK_RESULT slk_err_t slk_manifest_text(char **text, size_t *len,
                                             const slk_manifest_t *manifest, slk_diag_t *diag);

/* Sum of the sizes. */
uint64_t slk_manifest_bytes(const slk_manifest_t *manifest);
bool slk_manifest_same_sizes(const slk_manifest_t *a, const slk_manifest_t *b);
bool slk_manifest_eq(const slk_manifest_t *a, const slk_manifest_t *b);
void slk_manifest_free(slk_manifest_t *manifest);

/* --- From the disk ------------------------------------------------------------------------- */

typedef struct slk_dir slk_dir_t;

/* List the files of a sector's entry in the folder of its type: names and sizes, no digests.
 * SLK_ERR_NOTFOUND; SLK_ERR_STATE: something in it is no regular file, or has an odd name. */
SLK_CHECK_RESULT slk_err_t slk_manifest_scan(slk_manifest_t *manifest, const slk_dir_t *folder,
                                             slk_file_types_t type, const slk_sector_id_t *sector,
                                             slk_diag_t *diag);

/* Open file i of it. */
SLK_CHECK_RESULT slk_err_t slk_manifest_open(int *fd, const slk_dir_t *folder,
                                             const slk_manifest_t *manifest, size_t i, int flags,
                                             slk_diag_t *diag);

#endif /* SLK_STORAGE_MANIFEST_H */
