#ifndef SLK_STORAGE_PATH_META_H
#define SLK_STORAGE_PATH_META_H

/* `sectorstore.json`, which says what a storage path is for, and `storage.json`, the list of the
 * paths of a node. Both as Lotus writes them, byte for byte, so that either program can take over
 * the other's disks.
 *
 * Beyond Lotus there is CanFinal: this path is where a sector comes to rest. A gateway's buffer has
 * CanStore without CanFinal. Absent it is what CanStore is, and it is written only when it was
 * there or differs.
 *
 * Keys that are not ours (damocles keeps Name, Meta, Strict, ReadOnly, Plugin in a file of the same
 * name) are kept as they are. A known key of a wrong kind is an error that names file and key:
 * guessing at one would put sectors where nobody wanted them. */

#include "selkie/err.h"
#include "storage/file_type.h"

#include <jansson.h>

#define SLK_STORAGE_ID_MAX 128 /* with the NUL; a UUID as Lotus and we make it has 36 characters */

#define SLK_PATH_META_FILE "sectorstore.json"

/* A list of texts on the heap. */
typedef struct {
    char **at;
    size_t cnt;
} slk_names_t;

/* Replace a list by copies. */
SLK_CHECK_RESULT slk_err_t slk_names_set(slk_names_t *names, const char *const *texts, size_t cnt,
                                         slk_diag_t *diag);
bool slk_names_have(const slk_names_t *names, const char *text);
void slk_names_free(slk_names_t *names);

typedef struct {
    char id[SLK_STORAGE_ID_MAX]; /* [A-Za-z0-9_-]+, in practice a UUID */
    uint64_t weight;             /* higher is preferred */
    bool can_seal, can_store, can_final;
    uint64_t max_storage; /* bytes; 0: no limit */
    slk_names_t groups, allow_to;
    slk_names_t allow_types, deny_types;   /* names; unknown ones match nothing */
    slk_names_t allow_miners, deny_miners; /* "f01000" or "t01000" */
    json_t *kept;                          /* the object that was read; NULL */
} slk_path_meta_t;

/* A new path's: fresh ID, weight 10; to be freed. */
SLK_CHECK_RESULT slk_err_t slk_path_meta_new(slk_path_meta_t *meta, slk_diag_t *diag);

/* Read the text of a sectorstore.json; `name` is what messages call it. damocles' numbers in
 * AllowMiners and DenyMiners count as "f0<number>". meta is freed by the caller also after errors.
 * SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_path_meta_parse(slk_path_meta_t *meta, const char *text, size_t len,
                                               const char *name, slk_diag_t *diag);

/* The text to write, malloc'ed. A value that was not changed stays as it was written. */
SLK_CHECK_RESULT slk_err_t slk_path_meta_text(char **text, size_t *len, const slk_path_meta_t *meta,
                                              slk_diag_t *diag);

/* Of the folder `root`. Written completely or not at all. Read: SLK_ERR_NOTFOUND when root has no
 * such file. */
SLK_CHECK_RESULT slk_err_t slk_path_meta_read(slk_path_meta_t *meta, const char *root,
                                              slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_path_meta_write(const slk_path_meta_t *meta, const char *root,
                                               slk_diag_t *diag);

/* Harmless on a zeroed one. */
void slk_path_meta_free(slk_path_meta_t *meta);

/* Of these types, those the path may take: AllowTypes without DenyTypes. A list of unknown names
 * alone allows nothing (with Lotus it allows everything). */
slk_file_types_t slk_path_meta_types(const slk_path_meta_t *meta, slk_file_types_t types);

/* A miner that DenyMiners names may not, one that a non-empty AllowMiners does not name neither. */
bool slk_path_meta_miner_ok(const slk_path_meta_t *meta, uint64_t miner);

/* The data of a path with this AllowTo may go to a path of these groups (empty AllowTo: anywhere). */
bool slk_path_meta_may_go(const slk_path_meta_t *from, const slk_path_meta_t *to);

/* A random UUID, version 4. */
SLK_CHECK_RESULT slk_err_t slk_storage_id_new(char out[SLK_STORAGE_ID_MAX], slk_diag_t *diag);

/* A text that may be a storage ID. */
bool slk_storage_id_ok(const char *text);

/* --- storage.json -------------------------------------------------------------------------- */

/* The paths in a storage.json; an absent file is an empty list. */
SLK_CHECK_RESULT slk_err_t slk_storage_list_read(slk_names_t *paths, const char *file,
                                                 slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_storage_list_write(const slk_names_t *paths, const char *file,
                                                  slk_diag_t *diag);

#endif /* SLK_STORAGE_PATH_META_H */
