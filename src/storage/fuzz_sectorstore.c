/* sectorstore.json: what is read can be written, and is then the same. */
#include "base/assert.h"
#include "storage/path_meta.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_path_meta_t meta, again;
    char *text, *text2;
    size_t len, len2;
    if (size > 65536)
        return 0;
    if (slk_path_meta_parse(&meta, (const char *)data, size, "fuzz", NULL) == SLK_OK) {
        SLK_ASSERT(slk_storage_id_ok(meta.id));
        SLK_ASSERT(!(slk_path_meta_types(&meta, SLK_FT_SEALED) & ~SLK_FT_SEALED));
        (void)slk_path_meta_miner_ok(&meta, 1000);
        (void)slk_path_meta_may_go(&meta, &meta);
        if (slk_path_meta_text(&text, &len, &meta, NULL) == SLK_OK) {
            SLK_ASSERT(slk_path_meta_parse(&again, text, len, "fuzz", NULL) == SLK_OK);
            SLK_ASSERT(slk_path_meta_text(&text2, &len2, &again, NULL) == SLK_OK);
            SLK_ASSERT(len == len2 && !memcmp(text, text2, len));
            SLK_ASSERT(again.can_final == meta.can_final && again.weight == meta.weight);
            slk_path_meta_free(&again);
            free(text2);
            free(text);
        }
    }
    slk_path_meta_free(&meta);
    return 0;
}
