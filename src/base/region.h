#ifndef SLK_BASE_REGION_H
#define SLK_BASE_REGION_H

/* Big memory: anonymous (huge pages where the system allows) or a mapped file. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *ptr; /* NULL: empty */
    uint64_t len; /* as asked for */
    uint64_t mapped;
} slk_region_t;

/* Zeroed anonymous memory of len > 0 bytes. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_region_anon(slk_region_t *region, uint64_t len, slk_diag_t *diag);

/* Map [0, len) of fd, shared; writable or read-only. */
SLK_CHECK_RESULT slk_err_t slk_region_file(slk_region_t *region, int fd, uint64_t len,
                                           bool writable, const char *path, slk_diag_t *diag);

/* Unmap; harmless on an empty one. */
void slk_region_free(slk_region_t *region);

/* Bytes of memory the system could give us now (MemAvailable, cut by the cgroup's limit). */
uint64_t slk_memory_available(void);

#endif /* SLK_BASE_REGION_H */
