#ifndef SLK_STORAGE_REMOTE_PATH_H
#define SLK_STORAGE_REMOTE_PATH_H

/* What of a request's path stands behind /remote/, decoded. Pure. */

#include "storage/manifest.h"
#include "storage/path_meta.h"

typedef enum {
    SLK_REMOTE_BAD,
    SLK_REMOTE_STAT,   /* stat/<id> */
    SLK_REMOTE_SECTOR, /* <type>/<name> */
    SLK_REMOTE_FILE    /* <type>/<name>/<file>: cache and update-cache only */
} slk_remote_kind_t;

typedef struct {
    slk_remote_kind_t kind;
    slk_file_types_t type;
    slk_sector_id_t sector;
    char file[SLK_CACHE_FILE_MAX];
    char id[SLK_STORAGE_ID_MAX];
} slk_remote_path_t;

/* Read one. Exactly these forms; whatever else is SLK_REMOTE_BAD. What is accepted can be put
 * together into a path again without a byte of the request: nothing in it leads out of a root. */
slk_remote_kind_t slk_remote_path_parse(slk_remote_path_t *path, const char *text);

#endif /* SLK_STORAGE_REMOTE_PATH_H */
