/* A list of parameter files, and the same bytes as lines of b2sum. No name that is accepted leads
 * out of its folder, no CID out of its URL. */

#include "base/assert.h"
#include "proofs/groth16/manifest.h"

#include <ctype.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_manifest_t list;
    slk_diag_t diag = {""};
    uint8_t digest[64];
    slk_err_t err = slk_manifest_parse(&list, (const char *)data, size, "list", &diag);
    SLK_ASSERT((err == SLK_OK) == !diag.text[0]);
    SLK_ASSERT((err == SLK_OK) == (list.cnt > 0));
    for (size_t i = 0; i < list.cnt; i++) {
        const slk_manifest_row_t *row = &list.rows[i];
        SLK_ASSERT(slk_manifest_find(&list, row->name) == row);
        SLK_ASSERT(!strchr(row->name, '/') && row->name[0] != '.' && row->cid[0]);
        for (const char *p = row->cid; *p; p++)
            SLK_ASSERT(isalnum((unsigned char)*p));
        SLK_ASSERT(slk_params_name_kind(row->name));
    }
    slk_manifest_fini(&list);
    (void)slk_b2sum_find(digest, (const char *)data, size, "v28-x.params");
    return 0;
}
