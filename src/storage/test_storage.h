#ifndef SLK_STORAGE_TEST_STORAGE_H
#define SLK_STORAGE_TEST_STORAGE_H

/* What the tests of storage paths share: files of sectors, made and compared. */

#include "test_util.h"

#include "base/file.h"
#include "storage/local_paths.h"

#include <sys/stat.h>

static slk_diag_t diag;
static const slk_sector_id_t sector1 = {1000, 1}, sector2 = {1000, 2};

/* printf into one of a few static buffers. */
__attribute__((format(printf, 1, 2))) static inline const char *fmt(const char *format, ...)
{
    static char texts[8][2048];
    static unsigned next;
    char *text = texts[next++ % 8];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof texts[0], format, args);
    va_end(args);
    return text;
}

static inline bool exists(const char *path)
{
    struct stat st;
    return !lstat(path, &st);
}

/* Bytes that `name` determines; with long runs of zeros, as sectors have. */
static inline void test_bytes(uint8_t *out, size_t len, const char *name)
{
    uint64_t x = 88172645463325252u;
    for (const char *p = name; *p; p++)
        x = (x ^ (uint8_t)*p) * 1099511628211u | 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = i / 600000 % 3 == 1 ? 0 : (uint8_t)(x >> 32);
    }
}

static inline void put_file(const char *path, size_t len, const char *name)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    test_bytes(bytes, len, name);
    assert_ok(slk_make_dirs(fmt("%.*s", (int)(strrchr(path, '/') - path), path), &diag), diag);
    assert_ok(slk_write_file(path, bytes, len, &diag), diag);
    free(bytes);
}

static inline bool file_is(const char *path, size_t len, const char *name)
{
    char *found;
    size_t found_len;
    uint8_t *want = malloc(len + 1);
    assert_non_null(want);
    if (slk_read_file(&found, &found_len, path, (size_t)1 << 30, &diag) != SLK_OK) {
        free(want);
        return false;
    }
    test_bytes(want, len, name);
    bool same = found_len == len && !memcmp(found, want, len);
    free(found);
    free(want);
    return same;
}

/* A cache of a small sector: three files. */
static inline void put_cache(const char *root, const char *sector)
{
    put_file(fmt("%s/cache/%s/p_aux", root, sector), 64, "p_aux");
    put_file(fmt("%s/cache/%s/t_aux", root, sector), 10240, "t_aux");
    put_file(fmt("%s/cache/%s/sc-02-data-tree-r-last.dat", root, sector), 2500000, "tree");
}

static inline bool cache_is_whole(const char *root, const char *sector)
{
    return file_is(fmt("%s/cache/%s/p_aux", root, sector), 64, "p_aux") &&
           file_is(fmt("%s/cache/%s/t_aux", root, sector), 10240, "t_aux") &&
           file_is(fmt("%s/cache/%s/sc-02-data-tree-r-last.dat", root, sector), 2500000, "tree");
}

/* Make <dir>/<name> a storage path. */
static inline void make_path(char root[SLK_ROOT_MAX], char id[SLK_STORAGE_ID_MAX], const char *dir,
                             const char *name, bool can_seal, bool can_store)
{
    slk_path_meta_t meta;
    snprintf(root, SLK_ROOT_MAX, "%s/%s", dir, name);
    assert_ok(slk_path_meta_new(&meta, &diag), diag);
    meta.can_seal = can_seal;
    meta.can_store = meta.can_final = can_store;
    assert_ok(slk_local_init(root, &meta, &diag), diag);
    strcpy(id, meta.id);
    slk_path_meta_free(&meta);
}

#endif /* SLK_STORAGE_TEST_STORAGE_H */
