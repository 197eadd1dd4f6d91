/* Exported keys, JSON or its hex: what is read is written and read again as the same. */
#include "crypto/keys/key_text.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_key_t key, again;
    slk_diag_t diag = {""};
    if (slk_key_import(&key, (const char *)data, size, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
        return 0;
    }
    char text[SLK_KEY_EXPORT_SZ];
    slk_key_export(text, &key);
    SLK_ASSERT(slk_key_import(&again, text, strlen(text), &diag) == SLK_OK);
    SLK_ASSERT(key.type == again.type && memcmp(key.secret, again.secret, sizeof key.secret) == 0);
    return 0;
}
