#include "storage/remote_path.h"

#include <string.h>

static slk_remote_kind_t parse(slk_remote_path_t *path, const char *text)
{
    size_t len = strcspn(text, "/");
    const char *rest = text + len;
    if (*rest++ != '/')
        return SLK_REMOTE_BAD;
    if (len == 4 && !memcmp(text, "stat", 4)) {
        if (!slk_storage_id_ok(rest))
            return SLK_REMOTE_BAD;
        strcpy(path->id, rest);
        return SLK_REMOTE_STAT;
    }
    path->type = slk_file_type_from_name(text, len);
    len = strcspn(rest, "/");
    if (!path->type || !slk_sector_name_parse(&path->sector, rest, len))
        return SLK_REMOTE_BAD;
    rest += len;
    if (!*rest)
        return SLK_REMOTE_SECTOR;
    len = strlen(++rest);
    if (!slk_file_type_is_folder(path->type) || !slk_cache_file_ok(rest, len))
        return SLK_REMOTE_BAD;
    memcpy(path->file, rest, len + 1);
    return SLK_REMOTE_FILE;
}

slk_remote_kind_t slk_remote_path_parse(slk_remote_path_t *path, const char *text)
{
    *path = (slk_remote_path_t){0};
    path->kind = parse(path, text);
    return path->kind;
}
