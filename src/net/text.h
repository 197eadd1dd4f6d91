#ifndef SLK_NET_TEXT_H
#define SLK_NET_TEXT_H

/* Text that grows, up to a limit. The first failure sticks: append at will, look at `failed`
 * once. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *data; /* malloc'ed; NULL while empty */
    size_t len, cap;
    size_t max;  /* bytes it may hold; 0: no limit */
    bool failed; /* out of memory or over max; nothing is appended any more */
} slk_text_t;

/* All return false once failed. */
bool slk_text_add(slk_text_t *buf, const void *bytes, size_t len);
bool slk_text_str(slk_text_t *buf, const char *text);
bool slk_text_printf(slk_text_t *buf, const char *fmt, ...) SLK_PRINTF(2, 3);

/* A zero byte behind the content, not counted. The content, or NULL when failed: then freed. The
 * buffer is empty afterwards; free() what was returned. */
char *slk_text_take(slk_text_t *buf, size_t *len);

/* Harmless on a zeroed one. */
void slk_text_free(slk_text_t *buf);

#endif /* SLK_NET_TEXT_H */
