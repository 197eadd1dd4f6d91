#ifndef SLK_STORAGE_LOCAL_IMPL_H
#define SLK_STORAGE_LOCAL_IMPL_H

/* What the files of local_paths share.
 *
 * slk_local_paths_t.lock guards the list and what is marked below; it is never held while a disk is
 * asked. slk_local_path_t.space is one path's, and is: whoever needs both takes `space` first. */

#include "storage/dir.h"
#include "storage/local_paths.h"

#include <pthread.h>

struct slk_reservation {
    slk_reservation_t *prev, *next; /* space */
    struct slk_local_path *path;
    slk_sector_id_t sector;
    slk_file_types_t types;
    uint64_t bytes[SLK_FT_CNT];
    uint64_t seen[SLK_FT_CNT]; /* on the disk when usage was measured; space */
};

typedef struct slk_local_path {
    struct slk_local_path *next; /* lock */
    slk_local_paths_t *paths;
    char id[SLK_STORAGE_ID_MAX], root[SLK_ROOT_MAX];
    dev_t dev;
    ino_t ino;
    unsigned refs, reservations; /* lock */
    slk_path_meta_t meta;        /* lock */
    char error[512];             /* lock, as are the next */
    double error_at, checked_at, checking_since;

    pthread_mutex_t space;
    slk_reservation_t *first; /* space, as are the next */
    slk_path_stat_t stat;
    double stat_at, used_at; /* 0: never */
    uint64_t used;
} slk_local_path_t;

struct slk_local_paths {
    pthread_mutex_t lock;
    slk_local_path_t *first;
};

/* A path by its ID, referenced; give it back. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_local_take(slk_local_path_t **path, slk_local_paths_t *paths,
                                          const char *id, slk_diag_t *diag);
void slk_local_give(slk_local_path_t *path);

/* True when new files may be put there; lock held. */
bool slk_local_is_well(const slk_local_path_t *path, double now);

#endif /* SLK_STORAGE_LOCAL_IMPL_H */
