/* Paths of requests: what is accepted is exactly what can be put together from its parts, so that
 * nothing else of the request gets into a path. */
#include "base/assert.h"
#include "storage/remote_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_remote_path_t path;
    char name[SLK_SECTOR_NAME_MAX], again[1024];
    if (size > 512)
        return 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    slk_remote_kind_t kind = slk_remote_path_parse(&path, text);
    if (kind == SLK_REMOTE_STAT) {
        snprintf(again, sizeof again, "stat/%s", path.id);
        SLK_ASSERT(!strcmp(again, text) && !strchr(path.id, '.') && !strchr(path.id, '/'));
    } else if (kind != SLK_REMOTE_BAD) {
        snprintf(again, sizeof again, "%s/%s%s%s", slk_file_type_name(path.type),
                 slk_sector_name(name, &path.sector), kind == SLK_REMOTE_FILE ? "/" : "",
                 path.file);
        SLK_ASSERT(!strcmp(again, text));
        SLK_ASSERT(!strchr(path.file, '/') && path.file[0] != '.');
    }
    free(text);
    return 0;
}
