#include "worker/lines.h"

#include <string.h>

#define KEEP  (UINT32_C(1) << 20) /* bytes of memory that are kept between lines */
#define SHOWN 200u                /* bytes of a line too long that are kept to be shown */

static void end_line(slk_lines_t *lines, slk_line_fn_t *fn, void *ctx)
{
    char none[1] = "";
    fn(ctx, lines->buf.len ? (char *)lines->buf.bytes : none, lines->buf.len, lines->skipping);
    lines->skipping = false;
    if (lines->buf.cap > KEEP || lines->buf.failed)
        slk_buf_free(&lines->buf);
    else
        slk_buf_clear(&lines->buf);
}

static void add(slk_lines_t *lines, const char *bytes, size_t len)
{
    if (lines->skipping)
        return;
    if (len <= lines->max - lines->buf.len) {
        slk_buf_put(&lines->buf, bytes, len);
        lines->skipping = lines->buf.failed;
        return;
    }
    lines->skipping = true;
    if (lines->buf.len > SHOWN)
        lines->buf.len = SHOWN;
    else
        slk_buf_put(&lines->buf, bytes, len < SHOWN ? len : SHOWN);
}

void slk_lines_feed(slk_lines_t *lines, const char *bytes, size_t len, slk_line_fn_t *fn, void *ctx)
{
    while (len) {
        const char *nl = memchr(bytes, '\n', len);
        size_t n = nl ? (size_t)(nl - bytes) : len;
        add(lines, bytes, n);
        if (!nl)
            return;
        end_line(lines, fn, ctx);
        bytes += n + 1;
        len -= n + 1;
    }
}

void slk_lines_end(slk_lines_t *lines, slk_line_fn_t *fn, void *ctx)
{
    if (lines->buf.len || lines->skipping)
        end_line(lines, fn, ctx);
}

void slk_lines_free(slk_lines_t *lines)
{
    slk_buf_free(&lines->buf);
    lines->skipping = false;
}
