#include "storage/manifest.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "storage/dir.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool slk_cache_file_ok(const char *text, size_t len)
{
    if (!len || len >= SLK_CACHE_FILE_MAX || text[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

void slk_manifest_free(slk_manifest_t *manifest)
{
    free(manifest->files);
    *manifest = (slk_manifest_t){0};
}

uint64_t slk_manifest_bytes(const slk_manifest_t *manifest)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < manifest->cnt; i++)
        sum += manifest->files[i].size;
    return sum;
}

bool slk_manifest_same_sizes(const slk_manifest_t *a, const slk_manifest_t *b)
{
    if (!slk_sector_id_eq(&a->sector, &b->sector) || a->type != b->type || a->cnt != b->cnt)
        return false;
    for (size_t i = 0; i < a->cnt; i++) {
        if (strcmp(a->files[i].name, b->files[i].name) != 0 || a->files[i].size != b->files[i].size)
            return false;
    }
    return true;
}

bool slk_manifest_eq(const slk_manifest_t *a, const slk_manifest_t *b)
{
    if (!slk_manifest_same_sizes(a, b))
        return false;
    for (size_t i = 0; i < a->cnt; i++) {
        if (!slk_node_eq(&a->files[i].sha256, &b->files[i].sha256))
            return false;
    }
    return true;
}

/* --- Text ---------------------------------------------------------------------------------- */

static slk_err_t bad(slk_diag_t *diag, const char *name, const char *what)
{
    return slk_fail(diag, SLK_ERR_FORMAT, "%s: manifest: %s", name, what);
}

static slk_err_t read_file(slk_manifest_t *m, const json_t *item, const char *name,
                           slk_diag_t *diag)
{
    slk_manifest_file_t *file = &m->files[m->cnt];
    const json_t *file_name = json_object_get(item, "Name"), *size = json_object_get(item, "Size");
    const char *text = json_string_value(file_name);
    const char *sha = json_string_value(json_object_get(item, "SHA256"));
    size_t len = json_string_length(file_name);
    bool folder = slk_file_type_is_folder(m->type);
    if (!text || (folder ? !slk_cache_file_ok(text, len) : len != 0))
        return bad(diag, name, "Name: expected the plain name of a file");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return bad(diag, name, "Size: expected a length in bytes");
    if (!sha || strlen(sha) != 64 || !slk_hex_decode(file->sha256.b, 32, sha))
        return bad(diag, name, "SHA256: expected 64 hex digits");
    memcpy(file->name, text, len + 1);
    file->size = (uint64_t)json_integer_value(size);
    if (m->cnt && strcmp(m->files[m->cnt - 1].name, file->name) >= 0)
        return bad(diag, name, "Files: not sorted by name, or one twice");
    m->cnt++;
    return SLK_OK;
}

static slk_err_t read_manifest(slk_manifest_t *m, const json_t *json, const char *name,
                               slk_diag_t *diag)
{
    const char *type = json_string_value(json_object_get(json, "Type"));
    const char *sector = json_string_value(json_object_get(json, "Sector"));
    const json_t *files = json_object_get(json, "Files"), *item;
    uint64_t sum = 0;
    size_t i;
    m->type = type ? slk_file_type_from_name(type, strlen(type)) : 0;
    if (!m->type)
        return bad(diag, name, "Type: expected the type of a sector's file");
    if (!sector || !slk_sector_name_parse(&m->sector, sector, strlen(sector)))
        return bad(diag, name, "Sector: expected s-t0<miner>-<number>");
    size_t cnt = json_array_size(files);
    if (!json_is_array(files) || cnt > SLK_MANIFEST_FILES_MAX ||
        (!slk_file_type_is_folder(m->type) && cnt != 1))
        return bad(diag, name, "Files: expected a list of at most 256, of one for a plain file");
    m->files = calloc(cnt + 1, sizeof *m->files);
    if (!m->files)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory for its manifest", name);
    json_array_foreach(files, i, item)
    {
        slk_err_t err = read_file(m, item, name, diag);
        if (err != SLK_OK)
            return err;
        sum += m->files[i].size;
        if (sum > INT64_MAX)
            return bad(diag, name, "Size: more than any disk holds");
    }
    return SLK_OK;
}

slk_err_t slk_sector_manifest_parse(slk_manifest_t *manifest, const char *text, size_t len,
                                    const char *name, slk_diag_t *diag)
{
    json_error_t error;
    *manifest = (slk_manifest_t){0};
    if (len > SLK_MANIFEST_TEXT_MAX)
        return bad(diag, name, "too long");
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: manifest: not JSON: %s", name, error.text);
    slk_err_t err = read_manifest(manifest, json, name, diag);
    json_decref(json);
    return err;
}

slk_err_t slk_manifest_text(char **text, size_t *len, const slk_manifest_t *manifest,
                            slk_diag_t *diag)
{
    char sector[SLK_SECTOR_NAME_MAX], sha[65];
    json_t *files = json_array();
    for (size_t i = 0; i < manifest->cnt; i++) {
        const slk_manifest_file_t *file = &manifest->files[i];
        slk_hex_encode(sha, file->sha256.b, 32);
        json_array_append_new(files, json_pack("{s:s,s:I,s:s}", "Name", file->name, "Size",
                                               (json_int_t)file->size, "SHA256", sha));
    }
    bool whole = json_array_size(files) == manifest->cnt;
    json_t *json = json_pack("{s:s,s:s,s:o}", "Type", slk_file_type_name(manifest->type), "Sector",
                             slk_sector_name(sector, &manifest->sector), "Files", files);
    *text = json && whole ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!*text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a manifest");
    *len = strlen(*text);
    return SLK_OK;
}

/* --- From the disk ------------------------------------------------------------------------- */

static slk_err_t add_file(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    slk_manifest_t *m = ctx;
    struct stat st;
    slk_entry_t entry;
    slk_err_t err = slk_dir_entry(&entry, &st, dir, name, diag);
    if (err != SLK_OK || entry == SLK_ENTRY_NONE)
        return err;
    if (entry != SLK_ENTRY_FILE || !slk_cache_file_ok(name, strlen(name)))
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s/%s: does not belong in the folder of a sector's cache (%s); remove it",
                        dir->path, name,
                        entry == SLK_ENTRY_FILE ? "odd name" : "not a regular file");
    if (m->cnt == SLK_MANIFEST_FILES_MAX)
        return slk_fail(diag, SLK_ERR_STATE, "%s: more than %d files, too many for a cache",
                        dir->path, SLK_MANIFEST_FILES_MAX);
    memcpy(m->files[m->cnt].name, name, strlen(name) + 1);
    m->files[m->cnt++].size = (uint64_t)st.st_size;
    return SLK_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const slk_manifest_file_t *)a)->name, ((const slk_manifest_file_t *)b)->name);
}

slk_err_t slk_manifest_scan(slk_manifest_t *manifest, const slk_dir_t *folder,
                            slk_file_types_t type, const slk_sector_id_t *sector, slk_diag_t *diag)
{
    char name[SLK_SECTOR_NAME_MAX];
    struct stat st;
    slk_entry_t entry;
    slk_dir_t dir = SLK_DIR_NONE;
    *manifest = (slk_manifest_t){.sector = *sector, .type = type};
    slk_sector_name(name, sector);
    slk_err_t err = slk_dir_entry(&entry, &st, folder, name, diag);
    if (err != SLK_OK)
        return err;
    if (entry == SLK_ENTRY_NONE)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "%s/%s: not there", folder->path, name);
    bool is_folder = slk_file_type_is_folder(type);
    if (entry != (is_folder ? SLK_ENTRY_FOLDER : SLK_ENTRY_FILE))
        return slk_fail(diag, SLK_ERR_STATE, "%s/%s: expected a %s, found something else",
                        folder->path, name, is_folder ? "folder" : "regular file");
    manifest->files = calloc(is_folder ? SLK_MANIFEST_FILES_MAX : 1, sizeof *manifest->files);
    if (!manifest->files)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a list of files");
    if (is_folder) {
        err = slk_dir_sub(&dir, folder, name, false, diag);
        if (err == SLK_OK)
            err = slk_dir_each(&dir, add_file, manifest, diag);
        slk_dir_close(&dir);
        qsort(manifest->files, manifest->cnt, sizeof *manifest->files, by_name);
    } else {
        manifest->files[0].size = (uint64_t)st.st_size;
        manifest->cnt = 1;
    }
    if (err != SLK_OK)
        slk_manifest_free(manifest);
    return err;
}

slk_err_t slk_manifest_open(int *fd, const slk_dir_t *folder, const slk_manifest_t *manifest,
                            size_t i, int flags, slk_diag_t *diag)
{
    char name[SLK_SECTOR_NAME_MAX];
    slk_dir_t dir;
    slk_sector_name(name, &manifest->sector);
    *fd = -1;
    if (!slk_file_type_is_folder(manifest->type))
        return slk_dir_file(fd, folder, name, flags, diag);
    slk_err_t err = slk_dir_sub(&dir, folder, name, false, diag);
    if (err == SLK_OK)
        err = slk_dir_file(fd, &dir, manifest->files[i].name, flags, diag);
    slk_dir_close(&dir);
    return err;
}
