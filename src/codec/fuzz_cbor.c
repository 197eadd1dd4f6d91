/* Any bytes as one CBOR item: what is taken is taken as a whole, what is refused gets a sentence. */
#include "base/assert.h"
#include "codec/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_diag_t diag = {""};
    slk_cbor_t r = slk_cbor_reader(data, size, &diag);
    slk_bytes_t span;
    while (slk_cbor_peek(&r) != SLK_CBOR_NOTHING) {
        const uint8_t *at = r.at;
        if (slk_cbor_item(&r, &span) != SLK_OK) {
            SLK_ASSERT(diag.text[0]);
            return 0;
        }
        SLK_ASSERT(span.b == at && span.len == (size_t)(r.at - at) && span.len);
    }
    return 0;
}
