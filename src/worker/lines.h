#ifndef SLK_WORKER_LINES_H
#define SLK_WORKER_LINES_H

/* Lines out of a stream of bytes, in pieces of any size.
 *
 * Memory follows the longest line that came, up to twice its length, and is given back by a long
 * line's end; a line above the limit is skipped to its end and reported. */

#include "base/buf.h"

/* A line without its '\n'. too_long: of a line above the limit, its first bytes; of one that memory
 * was missing for, too. text is not NUL-terminated and may be changed. */
typedef void slk_line_fn_t(void *ctx, char *text, size_t len, bool too_long);

typedef struct {
    slk_buf_t buf;
    size_t max; /* bytes of a line */
    bool skipping;
} slk_lines_t;

/* Take len bytes, call fn for each line that is complete. */
void slk_lines_feed(slk_lines_t *lines, const char *bytes, size_t len, slk_line_fn_t *fn,
                    void *ctx);

/* What is there without an end becomes a line, at the end of the stream. */
void slk_lines_end(slk_lines_t *lines, slk_line_fn_t *fn, void *ctx);

void slk_lines_free(slk_lines_t *lines);

#endif /* SLK_WORKER_LINES_H */
