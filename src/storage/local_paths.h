#ifndef SLK_STORAGE_LOCAL_PATHS_H
#define SLK_STORAGE_LOCAL_PATHS_H

/* The storage paths of a node: which there are, what lies in them, how much space is really free.
 *
 * Space is promised once: a job reserves before it starts, and what is available is
 *
 *   free space of the file system - what reservations have outstanding
 *   outstanding = reserved - what of these files is on the disk by now
 *
 * and with MaxStorage also at most MaxStorage - usage - outstanding. All functions are thread-safe;
 * promises of other processes on the same disk are not known here. Which sector lies where is asked
 * of the disk each time: there is no index that could be wrong.
 *
 * A disk that hangs holds up the thread that asks it, and shows as such in slk_local_view. */

#include "selkie/job.h"
#include "storage/path_meta.h"

#define SLK_ROOT_MAX        1024 /* of a storage path, with the NUL */
#define SLK_SECTOR_PATH_MAX 1280 /* of a file or folder of a sector */

typedef struct slk_local_paths slk_local_paths_t;

SLK_CHECK_RESULT slk_err_t slk_local_paths_new(slk_local_paths_t **paths, slk_diag_t *diag);
/* All reservations must have been released. NULL is a no-op. */
void slk_local_paths_free(slk_local_paths_t *paths);

/* --- Making, attaching, detaching ---------------------------------------------------------- */

/* Make the folder `root` a storage path: sectorstore.json and the folders of the types. A fresh ID
 * is put into meta when it has none. SLK_ERR_STATE when root is one already: its ID is known to
 * others. */
SLK_CHECK_RESULT slk_err_t slk_local_init(const char *root, slk_path_meta_t *meta,
                                          slk_diag_t *diag);

/* Attach a path: read its sectorstore.json, make missing folders, try whether it can be written.
 * id receives its ID. Attaching the same again reads the file anew. SLK_ERR_MISMATCH: another
 * attached path has this ID. root is absolute. */
SLK_CHECK_RESULT slk_err_t slk_local_attach(char id[SLK_STORAGE_ID_MAX], slk_local_paths_t *paths,
                                            const char *root, slk_diag_t *diag);

/* Forget a path; its files stay. SLK_ERR_NOTFOUND, SLK_ERR_BUSY while space in it is reserved. */
SLK_CHECK_RESULT slk_err_t slk_local_detach(slk_local_paths_t *paths, const char *id,
                                            slk_diag_t *diag);

/* --- What there is ------------------------------------------------------------------------- */

typedef struct {
    char id[SLK_STORAGE_ID_MAX];
    char root[SLK_ROOT_MAX];
    uint64_t weight;
    bool can_seal, can_store, can_final;
    /* The last trouble and when it was (slk_clock_seconds), until a health check succeeds. */
    char error[512];
    double error_at;
    double checked_at;     /* last health check that came back; 0: none */
    double checking_since; /* a health check is under way since; 0: none */
    uint32_t reservations; /* outstanding ones */
} slk_local_view_t;

/* The attached paths, in the order they came. *views is malloc'ed. */
SLK_CHECK_RESULT slk_err_t slk_local_list(slk_local_view_t **views, size_t *cnt,
                                          slk_local_paths_t *paths, slk_diag_t *diag);

/* One path. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_local_view(slk_local_view_t *view, slk_local_paths_t *paths,
                                          const char *id, slk_diag_t *diag);

/* Copy of a path's sectorstore.json as attached. To be freed. */
SLK_CHECK_RESULT slk_err_t slk_local_meta(slk_path_meta_t *meta, slk_local_paths_t *paths,
                                          const char *id, slk_diag_t *diag);

/* Write a changed sectorstore.json, which must keep the ID, and use it from now on. */
SLK_CHECK_RESULT slk_err_t slk_local_set_meta(slk_local_paths_t *paths, const slk_path_meta_t *meta,
                                              slk_diag_t *diag);

typedef struct {
    slk_file_types_t type;         /* one */
    const char *name;              /* of the entry */
    const slk_sector_id_t *sector; /* NULL: the entry is no file of a sector, and `why` says so */
    const char *why;
} slk_found_t;

/* Tell of each entry in the folders of a path ("redeclare"). Staging places are skipped. An entry
 * that does not belong there, or is of the wrong kind (a symbolic link, a file where a folder
 * should be), is told too and stops nothing. `found` other than SLK_OK ends the scan. */
SLK_CHECK_RESULT slk_err_t slk_local_scan(slk_local_paths_t *paths, const char *id,
                                          slk_err_t (*found)(void *ctx, const slk_found_t *found,
                                                             slk_diag_t *diag),
                                          void *ctx, slk_diag_t *diag);

/* The ID of the first attached path that holds this type (one) of this sector, and the absolute
 * path of the file or folder. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_local_find(char id[SLK_STORAGE_ID_MAX],
                                          char path[SLK_SECTOR_PATH_MAX], slk_local_paths_t *paths,
                                          const slk_sector_id_t *sector, slk_file_types_t type,
                                          slk_diag_t *diag);

/* True when the path `id` holds it; then *path is filled. */
bool slk_local_has(slk_local_paths_t *paths, const char *id, const slk_sector_id_t *sector,
                   slk_file_types_t type, char path[SLK_SECTOR_PATH_MAX]);

/* --- Space and health ---------------------------------------------------------------------- */

/* Lotus' FsStat; bytes. */
typedef struct {
    uint64_t capacity;
    uint64_t available;    /* to reserve now: what is in the trash goes when it is needed */
    uint64_t fs_available; /* of the file system, whatever is reserved */
    uint64_t reserved;     /* outstanding */
    uint64_t trash;        /* on the disk */
    uint64_t max, used;    /* MaxStorage and usage; 0 without that limit */
} slk_path_stat_t;

/* At most 5 s old. */
SLK_CHECK_RESULT slk_err_t slk_local_stat(slk_path_stat_t *stat, slk_local_paths_t *paths,
                                          const char *id, slk_diag_t *diag);

/* Write a small file, sync, read it back, remove it: a disk with errors or one that was remounted
 * read-only shows here before a job meets it. The outcome is kept for slk_local_view; a path whose
 * last check failed gets no new files. May hang as long as the disk does: a thread per path. */
SLK_CHECK_RESULT slk_err_t slk_local_check(slk_local_paths_t *paths, const char *id,
                                           slk_diag_t *diag);

/* Note trouble that a job met in a path; it gets no new files until a check succeeds. */
void slk_local_note_error(slk_local_paths_t *paths, const char *id, const char *what);

typedef struct slk_reservation slk_reservation_t;

/* Promise the space that these types may take (a table's, times sector_sz) less what of them is on
 * the disk. SLK_ERR_NOSPACE says how much is available, SLK_ERR_NOTFOUND. Two reservations of the
 * same file count as the larger one. */
SLK_CHECK_RESULT slk_err_t slk_local_reserve(slk_reservation_t **reservation,
                                             slk_local_paths_t *paths, const char *id,
                                             const slk_sector_id_t *sector, slk_file_types_t types,
                                             slk_space_t table, uint64_t sector_sz,
                                             slk_diag_t *diag);

/* Give back the promise; the files stay. NULL is a no-op. */
void slk_local_release(slk_reservation_t *reservation);

/* --- Acquiring ----------------------------------------------------------------------------- */

/* What new files are for. */
typedef enum {
    SLK_PATH_SEALING, /* CanSeal */
    SLK_PATH_STORAGE, /* CanStore */
    SLK_PATH_FINAL    /* CanFinal */
} slk_path_use_t;

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t existing; /* must be there */
    slk_file_types_t allocate; /* will be written; one that is there already is used again */
    slk_path_use_t use;        /* of allocated ones */
    slk_space_t table;
    uint64_t sector_sz;
} slk_acquire_t;

typedef struct {
    slk_file_types_t types;                     /* of which the two below are filled */
    char path[SLK_FT_CNT][SLK_SECTOR_PATH_MAX]; /* by slk_file_type_index */
    char id[SLK_FT_CNT][SLK_STORAGE_ID_MAX];
    slk_reservation_t *reservations[SLK_FT_CNT]; /* of the allocated ones */
} slk_acquired_t;

/* Absolute paths for the files of a sector, with space reserved for the allocated ones: all in the
 * best path that has room for all, else each in its best. Best is the largest available * weight
 * among those that are for this use, may take miner and type, and are well. Nothing is created.
 * SLK_ERR_NOTFOUND: an existing type is not here; SLK_ERR_NOSPACE: no path for new files, with the
 * reason for each path. Take locks before (sector_lock.h). */
SLK_CHECK_RESULT slk_err_t slk_local_acquire(slk_acquired_t *acquired, slk_local_paths_t *paths,
                                             const slk_acquire_t *want, slk_diag_t *diag);

/* Release the reservations. Harmless on a zeroed one. */
void slk_local_acquired_free(slk_acquired_t *acquired);

/* --- Names --------------------------------------------------------------------------------- */

/* <root>/<type>/s-t0<miner>-<number> */
SLK_CHECK_RESULT slk_err_t slk_sector_path(char out[SLK_SECTOR_PATH_MAX], const char *root,
                                           slk_file_types_t type, const slk_sector_id_t *sector,
                                           slk_diag_t *diag);

#endif /* SLK_STORAGE_LOCAL_PATHS_H */
