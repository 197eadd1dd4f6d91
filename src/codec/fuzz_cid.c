/* CID text of either kind: what parses formats back to the same text. */
#include "base/assert.h"
#include "selkie/cid.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    for (slk_cid_kind_t kind = SLK_CID_UNSEALED; kind <= SLK_CID_SEALED; kind++) {
        slk_node_t comm;
        slk_diag_t diag = {""};
        if (slk_cid_parse(&comm, kind, text, &diag) != SLK_OK) {
            SLK_ASSERT(diag.text[0]);
            continue;
        }
        char again[SLK_CID_STR_SZ];
        slk_cid_format(again, kind, &comm);
        SLK_ASSERT(strcmp(again, text) == 0);
    }
    free(text);
    return 0;
}
