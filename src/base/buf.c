#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

uint8_t *slk_buf_extend(slk_buf_t *buf, size_t len)
{
    if (buf->failed)
        return NULL;
    if (len > buf->cap - buf->len) {
        size_t cap = buf->cap ? buf->cap : FIRST_CAP;
        while (cap - buf->len < len && cap <= SIZE_MAX / 2)
            cap *= 2;
        uint8_t *bytes = cap - buf->len < len ? NULL : realloc(buf->bytes, cap);
        if (!bytes) {
            buf->failed = true;
            return NULL;
        }
        buf->bytes = bytes;
        buf->cap = cap;
    }
    uint8_t *at = buf->bytes + buf->len;
    buf->len += len;
    return at;
}

void slk_buf_put(slk_buf_t *buf, const void *bytes, size_t len)
{
    if (!len)
        return;
    uint8_t *at = slk_buf_extend(buf, len);
    if (at)
        memcpy(at, bytes, len);
}

void slk_buf_put_byte(slk_buf_t *buf, uint8_t byte)
{
    slk_buf_put(buf, &byte, 1);
}

slk_err_t slk_buf_check(const slk_buf_t *buf, slk_diag_t *diag)
{
    if (buf->failed)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a buffer of more than %zu bytes",
                        buf->cap);
    return SLK_OK;
}

void slk_buf_clear(slk_buf_t *buf)
{
    buf->len = 0;
    buf->failed = false;
}

void slk_buf_free(slk_buf_t *buf)
{
    free(buf->bytes);
    *buf = (slk_buf_t){0};
}
