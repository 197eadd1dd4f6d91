/* The keystore's files: what parses formats to a text that parses to the same. Nothing is decrypted:
 * that costs what the file asks for, within the limits of the reader. */
#include "crypto/keys/key_file.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_key_file_t file, again;
    slk_diag_t diag = {""};
    if (slk_key_file_parse(&file, (const char *)data, size, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
        return 0;
    }
    char text[SLK_KEY_FILE_SZ];
    slk_key_file_format(text, &file);
    SLK_ASSERT(slk_key_file_parse(&again, text, strlen(text), &diag) == SLK_OK);
    SLK_ASSERT(memcmp(&file, &again, sizeof file) == 0);
    slk_key_t key;
    if (!file.encrypted && slk_key_file_open(&key, &file, (slk_passphrase_t){0}, &diag) == SLK_OK)
        SLK_ASSERT(memcmp(key.secret, file.secret, sizeof key.secret) == 0);
    return 0;
}
