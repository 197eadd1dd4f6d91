#include "storage/tar.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 512u

/* Offsets and widths of ustar (POSIX.1-2017, pax). */
enum { NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, MTIME = 136, SUM = 148, KIND = 156 };
enum { MAGIC = 257, PREFIX = 345, NAME_SZ = 100, SIZE_SZ = 12 };

static uint64_t padding(uint64_t size)
{
    return -size % BLOCK;
}

static unsigned checksum(const uint8_t block[BLOCK])
{
    unsigned sum = 8 * ' ';
    for (unsigned i = 0; i < BLOCK; i++)
        sum += i >= SUM && i < SUM + 8 ? 0 : block[i];
    return sum;
}

/* --- Writing ------------------------------------------------------------------------------- */

typedef struct {
    int fd;
    uint64_t start; /* of its header */
    uint64_t size;
    time_t mtime;
} part_t;

struct slk_tar {
    slk_manifest_t list;
    part_t *parts;
    uint64_t len;
};

slk_err_t slk_tar_new(slk_tar_t **tar, const slk_dir_t *folder, slk_file_types_t type,
                      const slk_sector_id_t *sector, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tar_t *t = *tar = calloc(1, sizeof *t);
    if (!t)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for an archive");
    SLK_TRY(slk_manifest_scan(&t->list, folder, type, sector, diag));
    t->parts = calloc(t->list.cnt + 1, sizeof *t->parts);
    if (!t->parts) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for an archive");
        goto out;
    }
    for (size_t i = 0; i < t->list.cnt; i++)
        t->parts[i].fd = -1;
    for (size_t i = 0; i < t->list.cnt; i++) {
        struct stat st;
        part_t *part = &t->parts[i];
        SLK_TRY(slk_manifest_open(&part->fd, folder, &t->list, i, O_RDONLY, diag));
        if (fstat(part->fd, &st)) {
            err = slk_dir_fail(diag, "stat", folder, t->list.files[i].name);
            goto out;
        }
        part->start = t->len;
        part->size = (uint64_t)st.st_size;
        part->mtime = st.st_mtime;
        t->len += BLOCK + part->size + padding(part->size);
    }
    t->parts[t->list.cnt].start = t->len;
    t->len += 2 * BLOCK;
out:
    if (err != SLK_OK) {
        slk_tar_free(t);
        *tar = NULL;
    }
    return err;
}

void slk_tar_free(slk_tar_t *tar)
{
    if (!tar)
        return;
    for (size_t i = 0; tar->parts && i < tar->list.cnt; i++) {
        if (tar->parts[i].fd >= 0)
            close(tar->parts[i].fd);
    }
    free(tar->parts);
    slk_manifest_free(&tar->list);
    free(tar);
}

uint64_t slk_tar_len(const slk_tar_t *tar)
{
    return tar->len;
}

static void write_size(uint8_t *field, uint64_t size)
{
    if (size < UINT64_C(1) << 33) {
        snprintf((char *)field, SIZE_SZ, "%011" PRIo64, size);
        return;
    }
    memset(field, 0, SIZE_SZ);
    field[0] = 0x80;
    slk_store_be64(field + SIZE_SZ - 8, size);
}

static void write_header(uint8_t block[BLOCK], const char *name, const part_t *part)
{
    memset(block, 0, BLOCK);
    memcpy(block + NAME, name, strnlen(name, NAME_SZ));
    memcpy(block + MODE, "0000644", 8);
    memcpy(block + UID, "0000000", 8);
    memcpy(block + GID, "0000000", 8);
    write_size(block + SIZE, part->size);
    snprintf((char *)block + MTIME, 12, "%011" PRIo64,
             (uint64_t)part->mtime & ((UINT64_C(1) << 33) - 1));
    block[KIND] = '0';
    memcpy(block + MAGIC, part->size < UINT64_C(1) << 33 ? "ustar\00000" : "ustar  ", 8);
    snprintf((char *)block + SUM, 8, "%06o", checksum(block));
    block[SUM + 7] = ' ';
}

static size_t take(char *buf, size_t cap, const uint8_t *from, uint64_t at, uint64_t end)
{
    size_t len = end - at < cap ? (size_t)(end - at) : cap;
    if (from)
        memcpy(buf, from + at, len);
    else
        memset(buf, 0, len);
    return len;
}

size_t slk_tar_read(slk_tar_t *tar, uint64_t pos, char *buf, size_t cap)
{
    uint8_t header[BLOCK];
    size_t i = 0;
    if (pos >= tar->len)
        return 0;
    while (i < tar->list.cnt && pos >= tar->parts[i + 1].start)
        i++;
    const part_t *part = &tar->parts[i];
    pos -= part->start;
    if (i == tar->list.cnt)
        return take(buf, cap, NULL, pos, 2 * BLOCK);
    if (pos < BLOCK) {
        write_header(header, tar->list.files[i].name, part);
        return take(buf, cap, header, pos, BLOCK);
    }
    pos -= BLOCK;
    if (pos >= part->size)
        return take(buf, cap, NULL, pos, part->size + padding(part->size));
    size_t len = part->size - pos < cap ? (size_t)(part->size - pos) : cap;
    ssize_t n;
    do {
        n = pread(part->fd, buf, len, (off_t)pos);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* --- Reading ------------------------------------------------------------------------------- */

void slk_untar_init(slk_untar_t *untar, const slk_untar_events_t *on, const char *name)
{
    *untar = (slk_untar_t){.on = *on, .name = name, .pax_size = UINT64_MAX};
}

bool slk_untar_complete(const slk_untar_t *untar)
{
    return untar->zeros >= 2 && !untar->in_file;
}

static slk_err_t bad(const slk_untar_t *u, const char *what, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_FORMAT, "%s: archive: %s", u->name, what);
}

static bool read_octal(uint64_t *out, const uint8_t *field, size_t len)
{
    size_t i = 0;
    *out = 0;
    while (i < len && field[i] == ' ')
        i++;
    size_t first = i;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        *out = *out << 3 | (uint64_t)(field[i] - '0'); /* 12 digits at most */
    return i > first && (i == len || field[i] == 0 || field[i] == ' ');
}

static bool read_size(uint64_t *out, const uint8_t *field)
{
    if (!(field[0] & 0x80))
        return read_octal(out, field, SIZE_SZ);
    for (unsigned i = 1; i < SIZE_SZ - 8; i++) {
        if (field[i])
            return false;
    }
    *out = slk_load_be64(field + SIZE_SZ - 8);
    return field[0] == 0x80 && *out <= INT64_MAX;
}

/* Records "<length> <key>=<value>\n"; the length counts itself. Of interest is the size alone. */
static slk_err_t read_pax(slk_untar_t *u, slk_diag_t *diag)
{
    for (size_t at = 0; at < u->pax_len;) {
        uint64_t len = 0, size = 0;
        size_t i = at;
        for (; i < u->pax_len && u->pax[i] >= '0' && u->pax[i] <= '9' && len < 10000; i++)
            len = len * 10 + (uint64_t)(u->pax[i] - '0');
        if (i == at || i >= u->pax_len || u->pax[i] != ' ' || len > u->pax_len - at ||
            len < i - at + 2 || u->pax[at + len - 1] != '\n')
            return bad(u, "a pax header is malformed", diag);
        const char *record = (const char *)u->pax + i + 1;
        size_t record_len = len - (i + 1 - at) - 1;
        if (record_len >= 5 && !memcmp(record, "path=", 5))
            return bad(u, "a name longer than any of a cache", diag);
        if (record_len > 5 && !memcmp(record, "size=", 5)) {
            for (size_t k = 5; k < record_len; k++) {
                if (record[k] < '0' || record[k] > '9' || size > INT64_MAX / 16)
                    return bad(u, "a pax header's size is malformed", diag);
                size = size * 10 + (uint64_t)(record[k] - '0');
            }
            u->pax_size = size;
        }
        at += len;
    }
    return SLK_OK;
}

static slk_err_t begin_file(slk_untar_t *u, uint64_t size, slk_diag_t *diag)
{
    char name[NAME_SZ + 1];
    memcpy(name, u->block + NAME, NAME_SZ);
    name[NAME_SZ] = 0;
    if (u->block[PREFIX] || !slk_cache_file_ok(name, strlen(name)))
        return bad(u, "a file with a name that no file of a cache has", diag);
    if (++u->files > SLK_MANIFEST_FILES_MAX)
        return bad(u, "too many files", diag);
    if (u->pax_size != UINT64_MAX)
        size = u->pax_size;
    u->pax_size = UINT64_MAX;
    u->left = size;
    u->pad = padding(size);
    u->in_file = true;
    slk_err_t err = u->on.begin(u->on.ctx, name, size, diag);
    if (err != SLK_OK || size)
        return err;
    u->in_file = false;
    return u->on.end(u->on.ctx, diag);
}

static slk_err_t read_header(slk_untar_t *u, slk_diag_t *diag)
{
    static const uint8_t zero[BLOCK];
    uint64_t sum, size;
    if (!memcmp(u->block, zero, BLOCK)) {
        u->zeros++;
        return SLK_OK;
    }
    if (u->zeros)
        return bad(u, "goes on behind its end", diag);
    if (!read_octal(&sum, u->block + SUM, 8) || sum != checksum(u->block))
        return bad(u, "a header's checksum is wrong", diag);
    if (!read_size(&size, u->block + SIZE))
        return bad(u, "a header's size is malformed", diag);
    switch (u->block[KIND]) {
    case '0':
    case 0:
        return begin_file(u, size, diag);
    case 'x':
        if (size > sizeof u->pax)
            return bad(u, "a pax header is too long", diag);
        u->left = size;
        u->pad = padding(size);
        u->pax_len = 0;
        u->in_pax = true;
        return SLK_OK;
    default:
        return bad(u, "something that is no regular file", diag);
    }
}

/* Bytes of a file or of a pax header. */
static slk_err_t feed_content(slk_untar_t *u, const uint8_t *bytes, size_t len, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    u->left -= len;
    if (u->in_pax) {
        memcpy(u->pax + u->pax_len, bytes, len);
        u->pax_len += len;
        if (u->left)
            return SLK_OK;
        u->in_pax = false;
        return read_pax(u, diag);
    }
    err = u->on.data(u->on.ctx, bytes, len, diag);
    if (err != SLK_OK || u->left)
        return err;
    u->in_file = false;
    return u->on.end(u->on.ctx, diag);
}

slk_err_t slk_untar_feed(slk_untar_t *u, const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *p = bytes;
    slk_err_t err = SLK_OK;
    while (err == SLK_OK && len) {
        size_t some;
        if (u->left) {
            some = len < u->left ? len : (size_t)u->left;
            err = feed_content(u, p, some, diag);
        } else if (u->pad) {
            some = len < u->pad ? len : (size_t)u->pad;
            u->pad -= some;
        } else {
            some = len < BLOCK - u->fill ? len : BLOCK - u->fill;
            memcpy(u->block + u->fill, p, some);
            u->fill += some;
            if (u->fill == BLOCK) {
                u->fill = 0;
                err = read_header(u, diag);
            }
        }
        p += some;
        len -= some;
    }
    return err;
}
