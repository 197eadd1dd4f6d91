/* Bytes of a multiaddr: what has a text is read back to the same bytes. And texts: no more than that. */
#include "base/assert.h"
#include "codec/multiaddr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SLK_MULTIADDR_TEXT_SZ];
    slk_buf_t buf = {0};
    size_t peer;
    uint8_t id[SLK_PEER_ID_MAX];
    if (slk_multiaddr_to_text(text, data, size, NULL) == SLK_OK) {
        SLK_ASSERT(slk_multiaddr_from_text(&buf, &peer, text, NULL) == SLK_OK);
        SLK_ASSERT(buf.len == size && memcmp(buf.bytes, data, size) == 0 && peer <= size);
    }
    slk_buf_clear(&buf);
    char *copy = malloc(size + 1);
    if (copy) {
        memcpy(copy, data, size);
        copy[size] = 0;
        if (slk_multiaddr_from_text(&buf, &peer, copy, NULL) == SLK_OK)
            SLK_ASSERT(buf.len <= 2 * size && peer <= buf.len);
        if (slk_peer_id_from_text(id, &peer, copy, NULL) == SLK_OK)
            SLK_ASSERT(peer <= sizeof id);
    }
    free(copy);
    slk_buf_free(&buf);
    return 0;
}
