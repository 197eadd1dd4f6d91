/* Manifests: what is read can be written, and is then the same; names stay plain. */
#include "base/assert.h"
#include "storage/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_manifest_t m, again;
    char *text;
    size_t len;
    if (slk_sector_manifest_parse(&m, (const char *)data, size, "fuzz", NULL) == SLK_OK) {
        SLK_ASSERT(m.cnt <= SLK_MANIFEST_FILES_MAX && slk_manifest_bytes(&m) <= INT64_MAX);
        for (size_t i = 0; i < m.cnt; i++)
            SLK_ASSERT(!strchr(m.files[i].name, '/') && m.files[i].name[0] != '.');
        if (slk_manifest_text(&text, &len, &m, NULL) == SLK_OK) {
            SLK_ASSERT(slk_sector_manifest_parse(&again, text, len, "fuzz", NULL) == SLK_OK);
            SLK_ASSERT(slk_manifest_eq(&m, &again));
            slk_manifest_free(&again);
            free(text);
        }
    }
    slk_manifest_free(&m);
    return 0;
}
