#include "net/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for len bytes more and a zero byte. */
static bool reserve(slk_text_t *buf, size_t len)
{
    if (buf->failed)
        return false;
    if (len >= SIZE_MAX / 4 - buf->len || (buf->max && len > buf->max - buf->len)) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + len + 1;
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : 256;
    while (cap < need)
        cap *= 2;
    char *data = realloc(buf->data, cap);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool slk_text_add(slk_text_t *buf, const void *bytes, size_t len)
{
    if (!reserve(buf, len))
        return false;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    return true;
}

bool slk_text_str(slk_text_t *buf, const char *text)
{
    return slk_text_add(buf, text, strlen(text));
}

bool slk_text_printf(slk_text_t *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    bool ok = n >= 0 && reserve(buf, (size_t)n);
    if (ok) {
        vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
    return ok;
}

char *slk_text_take(slk_text_t *buf, size_t *len)
{
    if (!reserve(buf, 0)) {
        slk_text_free(buf);
        return NULL;
    }
    buf->data[buf->len] = 0;
    char *data = buf->data;
    if (len)
        *len = buf->len;
    *buf = (slk_text_t){.max = buf->max};
    return data;
}

void slk_text_free(slk_text_t *buf)
{
    free(buf->data);
    *buf = (slk_text_t){.max = buf->max};
}
