/* Any bytes as the output of C1: what is accepted gives records whose JSON is accepted again. */

#include "base/assert.h"
#include "proofs/prove/c1_read.h"

#include <string.h>

static slk_err_t count(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    (void)diag;
    SLK_ASSERT(memchr(text, 0, len) == NULL);
    *(size_t *)ctx += len;
    return SLK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_c1_text_t c1;
    slk_diag_t diag = {""};
    if (slk_c1_read(&c1, (const char *)data, size, "fuzz", &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0] && !c1.records);
        return 0;
    }
    const slk_porep_t *porep = &c1.porep;
    size_t written = 0, sz = slk_vanilla_record_sz(porep);
    for (size_t i = 0; i < (size_t)porep->partitions * porep->challenges; i++)
        SLK_ASSERT(slk_vanilla_json(porep, &c1.pub, c1.records + i * sz, count, &written, &diag) ==
                   SLK_OK);
    SLK_ASSERT(written <= size); /* the text without its blanks, and without its ends */
    slk_c1_text_fini(&c1);
    return 0;
}
