#ifndef SLK_STORAGE_STAGING_H
#define SLK_STORAGE_STAGING_H

/* The place where a sector's file or folder is put together before it gets its name.
 *
 *   <root>/<type>/fetching/<name>        the file, or the folder with its files
 *   <root>/<type>/fetching/<name>.from   what it is of (a fetch's manifest)
 *   <root>/<type>/fetching/<name>.lock   locked by whoever works on it, in any process
 */

#include "storage/dir.h"

typedef struct {
    slk_dir_t root, folder, fetching;
    slk_dir_t files; /* the staged folder; of a type that is one */
    slk_file_types_t type;
    char name[SLK_SECTOR_NAME_MAX], lock_name[SLK_SECTOR_NAME_MAX + 8],
        note_name[SLK_SECTOR_NAME_MAX + 8];
    int lock;
} slk_staging_t;

/* Open and lock. SLK_ERR_BUSY: somebody works on it. */
SLK_CHECK_RESULT slk_err_t slk_staging_open(slk_staging_t *st, const char *root,
                                            slk_file_types_t type, const slk_sector_id_t *sector,
                                            slk_diag_t *diag);
/* Unlock; what is staged stays. Harmless on a zeroed one with slk_staging_none. */
void slk_staging_close(slk_staging_t *st);
void slk_staging_none(slk_staging_t *st);

/* What stands under the final name. */
SLK_CHECK_RESULT slk_err_t slk_staging_target(slk_entry_t *entry, const slk_staging_t *st,
                                              slk_diag_t *diag);

/* Open a staged file for reading and writing, made when missing; name "" for the types that are one
 * file. */
SLK_CHECK_RESULT slk_err_t slk_staging_file(int *fd, slk_staging_t *st, const char *name,
                                            slk_diag_t *diag);

/* Of a folder: remove staged entries for which `keep` is false. */
SLK_CHECK_RESULT slk_err_t slk_staging_prune(slk_staging_t *st,
                                             bool (*keep)(void *ctx, const char *name), void *ctx,
                                             slk_diag_t *diag);

/* Remove all that is staged, and the note. */
SLK_CHECK_RESULT slk_err_t slk_staging_clear(slk_staging_t *st, slk_diag_t *diag);

/* The note: malloc'ed, NULL when there is none. */
SLK_CHECK_RESULT slk_err_t slk_staging_note_read(char **text, size_t *len, const slk_staging_t *st,
                                                 slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_staging_note_write(const slk_staging_t *st, const char *text,
                                                  size_t len, slk_diag_t *diag);

/* Sync all that is staged and give it its name. SLK_ERR_STATE: there is something of that name. */
SLK_CHECK_RESULT slk_err_t slk_staging_commit(slk_staging_t *st, slk_diag_t *diag);

#endif /* SLK_STORAGE_STAGING_H */
