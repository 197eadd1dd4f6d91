/* The input as the text of an address and as its bytes: what is read is written the same. */
#include "base/assert.h"
#include "codec/address.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_diag_t diag = {""};
    slk_address_t a, b;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (slk_address_from_text(&a, text, &diag) != SLK_OK)
        SLK_ASSERT(diag.text[0]);
    else if (slk_address_defined(&a))
        SLK_ASSERT(strcmp(slk_address_text(&a, (slk_network_t)text[0]).s, text) == 0);
    free(text);
    if (slk_address_from_bytes(&a, data, size, &diag) == SLK_OK) {
        SLK_ASSERT(a.len == size && memcmp(a.b, data, size) == 0);
        SLK_ASSERT(slk_address_from_text(&b, slk_address_text(&a, SLK_MAINNET).s, NULL) == SLK_OK);
        SLK_ASSERT(slk_address_eq(&a, &b));
    }
    return 0;
}
