#ifndef SLK_STORAGE_TAR_H
#define SLK_STORAGE_TAR_H

/* Flat tar archives of cache folders, as Lotus nodes exchange them.
 *
 * Writing: ustar headers; lengths of 8 GiB and more in base 256, as GNU tar and Go read them.
 * Reading: a stream in pieces of any size; regular files alone, pax headers for their length. */

#include "storage/dir.h"
#include "storage/manifest.h"

/* --- Writing ------------------------------------------------------------------------------- */

typedef struct slk_tar slk_tar_t;

/* The archive of a sector's folder; `folder` is that of the type. Files are opened now, so that it
 * stays readable when the folder goes. */
SLK_CHECK_RESULT slk_err_t slk_tar_new(slk_tar_t **tar, const slk_dir_t *folder,
                                       slk_file_types_t type, const slk_sector_id_t *sector,
                                       slk_diag_t *diag);
void slk_tar_free(slk_tar_t *tar);
uint64_t slk_tar_len(const slk_tar_t *tar);
/* Up to cap bytes at pos; 0: a file could not be read, or is shorter by now. */
size_t slk_tar_read(slk_tar_t *tar, uint64_t pos, char *buf, size_t cap);

/* --- Reading ------------------------------------------------------------------------------- */

/* What comes out, in this order for each file; other than SLK_OK ends it. Names are of
 * slk_cache_file_ok. */
typedef struct {
    slk_err_t (*begin)(void *ctx, const char *name, uint64_t size, slk_diag_t *diag);
    slk_err_t (*data)(void *ctx, const void *bytes, size_t len, slk_diag_t *diag);
    slk_err_t (*end)(void *ctx, slk_diag_t *diag);
    void *ctx;
} slk_untar_events_t;

typedef struct {
    slk_untar_events_t on;
    const char *name; /* of the stream, for messages */
    uint8_t block[512];
    size_t fill;
    uint64_t left;     /* bytes of the present file */
    uint64_t pad;      /* to skip behind it */
    uint64_t pax_size; /* of the next file; UINT64_MAX: as its header says */
    uint8_t pax[4096];
    size_t pax_len;
    unsigned zeros, files;
    bool in_file, in_pax;
} slk_untar_t;

void slk_untar_init(slk_untar_t *untar, const slk_untar_events_t *on, const char *name);

/* The next bytes. SLK_ERR_FORMAT, or what an event gave. */
SLK_CHECK_RESULT slk_err_t slk_untar_feed(slk_untar_t *untar, const void *bytes, size_t len,
                                          slk_diag_t *diag);

/* True when the archive's end was seen. */
bool slk_untar_complete(const slk_untar_t *untar);

#endif /* SLK_STORAGE_TAR_H */
