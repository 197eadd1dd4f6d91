/* The input as decimal text, as an amount of FIL and as the bytes of a big integer. */
#include "base/assert.h"
#include "codec/fil.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_diag_t diag = {""};
    slk_bigint_t a, b;
    char *text = malloc(size + 1), fil[SLK_FIL_TEXT_SZ];
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (slk_bigint_from_text(&a, text, &diag) == SLK_OK)
        SLK_ASSERT(strcmp(slk_bigint_text(&a).s, text) == 0);
    else
        SLK_ASSERT(diag.text[0]);
    if (slk_fil_parse(&a, text, &diag) == SLK_OK) {
        slk_fil_format(fil, &a);
        SLK_ASSERT(slk_fil_parse(&b, fil, &diag) == SLK_OK && slk_bigint_cmp(&a, &b) == 0);
    }
    free(text);
    if (slk_bigint_from_bytes(&a, data, size, &diag) == SLK_OK) {
        uint8_t bytes[SLK_BIGINT_BYTES_MAX];
        size_t len;
        SLK_ASSERT(slk_bigint_to_bytes(bytes, &len, &a, NULL) == SLK_OK && len == size);
        SLK_ASSERT(memcmp(bytes, data, len) == 0);
        slk_bigint_t square = slk_bigint_mul(a, slk_bigint_u64(UINT64_MAX));
        b = slk_bigint_div_floor(square, slk_bigint_u64(UINT64_MAX));
        SLK_ASSERT(slk_bigint_cmp(&a, &b) == 0);
    }
    return 0;
}
