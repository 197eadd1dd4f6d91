/* A vanilla proof as it may come from another program. Whatever is accepted has only this form:
 * written again it is the same bytes. Input: which sector size (its place in the table), then the
 * proof. */

#include "base/assert.h"
#include "proofs/post/path_bytes.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const slk_size_t *sector_size;
    slk_post_vanilla_t proof;
    slk_post_path_t path;
    slk_vanilla_layout_t lay;
    slk_diag_t diag = {""};
    if (!size || !(sector_size = slk_size_at(data[0])))
        return 0;
    size_t len = size - 1;
    uint8_t *bytes = malloc(len + 1), *again = calloc(1, len + 1);
    SLK_ASSERT(bytes && again);
    memcpy(bytes, data + 1, len);
    if (slk_post_vanilla_parse(&proof, sector_size, bytes, len, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
    } else {
        SLK_ASSERT(len == slk_post_vanilla_sz(sector_size, proof.cnt));
        slk_post_layout(&lay, sector_size);
        slk_post_head_write(again, &lay, proof.sector, proof.cnt, &proof.comm_r, &proof.comm_c,
                            &proof.comm_r_last);
        for (uint32_t n = 0; n < proof.cnt; n++) {
            slk_post_vanilla_path(&path, sector_size, &proof, n);
            slk_node_t nodes[1 + SLK_POST_SIBLINGS_MAX];
            nodes[0] = path.value;
            memcpy(nodes + 1, path.siblings, path.sibling_cnt * sizeof *nodes);
            SLK_ASSERT(path.leaf < sector_size->nodes);
            slk_post_path_write(again + SLK_POST_HEAD_SZ + n * slk_post_path_sz(&lay), &lay,
                                path.leaf, nodes, &path.root);
        }
        SLK_ASSERT(memcmp(again, bytes, len) == 0);
    }
    free(bytes);
    free(again);
    return 0;
}
