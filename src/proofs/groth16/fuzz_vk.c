/* A .vk file, and the same bytes as a .params file: whatever is accepted is the only spelling of
 * what was read. */

#include "base/assert.h"
#include "proofs/groth16/params.h"

#include <stdlib.h>
#include <string.h>

static void check_same(const slk_vk_t *vk, const uint8_t *data)
{
    uint64_t sz = slk_vk_sz(vk->ic_cnt);
    uint8_t *again = malloc(sz);
    SLK_ASSERT(again);
    slk_vk_write(again, vk);
    SLK_ASSERT(memcmp(again, data, sz) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_vk_t *vk;
    slk_params_t params;
    slk_diag_t diag = {""};
    slk_err_t err = slk_vk_parse(&vk, data, size, "input", NULL, &diag);
    SLK_ASSERT((err == SLK_OK) == (vk != NULL) && (err == SLK_OK || diag.text[0]));
    if (vk) {
        SLK_ASSERT(slk_vk_sz(vk->ic_cnt) == size);
        check_same(vk, data);
        slk_vk_free(vk);
        return 0;
    }
    diag.text[0] = 0;
    if (slk_params_parse(&params, data, size, "input", NULL, &diag) == SLK_OK) {
        const slk_array_t *last = &params.arrays[SLK_ARRAY_B_G2];
        SLK_ASSERT(last->offset + (uint64_t)last->cnt * last->point_sz == size);
        check_same(params.vk, data);
    } else {
        SLK_ASSERT(diag.text[0]);
    }
    slk_params_fini(&params);
    return 0;
}
