#ifndef SLK_NET_BUF_H
#define SLK_NET_BUF_H

/* A growing run of bytes. The first failure sticks: append at will, look at `failed` once. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *data; /* malloc'ed; NULL while empty */
    size_t len, cap;
    size_t max;  /* bytes it may hold; 0: no limit */
    bool failed; /* out of memory or over max; nothing is appended any more */
} slk_buf_t;

/* All return false once failed. */
bool slk_buf_add(slk_buf_t *buf, const void *bytes, size_t len);
bool slk_buf_text(slk_buf_t *buf, const char *text);
bool slk_buf_printf(slk_buf_t *buf, const char *fmt, ...) SLK_PRINTF(2, 3);

/* A zero byte behind the content, not counted. The content, or NULL when failed: then freed. The buffer is
 * empty afterwards; free() what was returned. */
char *slk_buf_take(slk_buf_t *buf, size_t *len);

/* Harmless on a zeroed one. */
void slk_buf_free(slk_buf_t *buf);

#endif /* SLK_NET_BUF_H */
