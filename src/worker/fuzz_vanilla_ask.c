/* Bodies of requests for vanilla proofs: read without harm, and what was read is written and read again as it
 * was. */
#include "worker/post_impl.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_vanilla_ask_t ask, again;
    slk_diag_t diag;
    if (slk_vanilla_ask_parse(&ask, (const char *)data, size, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
        return 0;
    }
    SLK_ASSERT(ask.leaf_cnt == ask.post.challenges && ask.leaf_cnt <= SLK_POST_CHALLENGES_MAX);
    for (uint32_t i = 0; i < ask.leaf_cnt; i++)
        SLK_ASSERT(ask.leaves[i] < ask.post.size->nodes);
    char *text = slk_vanilla_ask_text(&ask);
    SLK_ASSERT(text && slk_vanilla_ask_parse(&again, text, strlen(text), &diag) == SLK_OK);
    SLK_ASSERT(slk_sector_id_eq(&ask.sector, &again.sector) && ask.update == again.update &&
               ask.post.registered == again.post.registered &&
               !memcmp(&ask.comm_r, &again.comm_r, sizeof ask.comm_r) &&
               !memcmp(ask.leaves, again.leaves, ask.leaf_cnt * sizeof *ask.leaves));
    free(text);
    return 0;
}
