/* Archives from other nodes: names stay plain, sizes are kept, pieces of any size read the same. The
 * first byte is the size of the pieces. */
#include "base/assert.h"
#include "storage/tar.h"

#include <string.h>

typedef struct {
    uint64_t left, files, bytes;
    bool open;
} seen_t;

static slk_err_t on_begin(void *ctx, const char *name, uint64_t size, slk_diag_t *diag)
{
    seen_t *s = ctx;
    (void)diag;
    SLK_ASSERT(!s->open && slk_cache_file_ok(name, strlen(name)));
    s->open = true;
    s->left = size;
    s->files++;
    return SLK_OK;
}

static slk_err_t on_data(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    seen_t *s = ctx;
    (void)bytes;
    (void)diag;
    SLK_ASSERT(s->open && len <= s->left);
    s->left -= len;
    s->bytes += len;
    return SLK_OK;
}

static slk_err_t on_end(void *ctx, slk_diag_t *diag)
{
    seen_t *s = ctx;
    (void)diag;
    SLK_ASSERT(s->open && !s->left);
    s->open = false;
    return SLK_OK;
}

static slk_err_t run(seen_t *s, const uint8_t *data, size_t size, size_t piece, bool *complete)
{
    slk_untar_t untar;
    slk_err_t err = SLK_OK;
    const slk_untar_events_t on = {.begin = on_begin, .data = on_data, .end = on_end, .ctx = s};
    *s = (seen_t){0};
    slk_untar_init(&untar, &on, "fuzz");
    for (size_t at = 0; err == SLK_OK && at < size; at += piece)
        err = slk_untar_feed(&untar, data + at, size - at < piece ? size - at : piece, NULL);
    *complete = slk_untar_complete(&untar);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen_t a, b;
    bool x, y;
    if (!size)
        return 0;
    slk_err_t one = run(&a, data + 1, size - 1, size, &x);
    slk_err_t two = run(&b, data + 1, size - 1, data[0] + 1u, &y);
    SLK_ASSERT(one == two && a.files == b.files && (one != SLK_OK || x == y));
    return 0;
}
