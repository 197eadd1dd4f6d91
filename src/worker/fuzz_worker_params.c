/* Parameters of jobs, as managers send them, and what processors answer: read without harm, and pieces that
 * were read are written again as they were. */
#include "worker/params.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_piece_t *pieces = NULL;
    size_t cnt = 0;
    slk_node_t node;
    slk_diag_t diag;
    json_t *json = slk_json_load((const char *)data, size, 0, NULL);
    if (!json)
        return 0;
    if (slk_param_node(&node, json, "Ticket", &diag) != SLK_OK)
        SLK_ASSERT(strstr(diag.text, "Ticket"));
    if (slk_output_node(&node, json, "comm_r", &diag) == SLK_OK) {
        json_t *again = slk_json_of_node(&node);
        SLK_ASSERT(json_equal(again, json_object_get(json, "comm_r")));
        json_decref(again);
    }
    if (slk_param_pieces(&pieces, &cnt, json, "Pieces", &diag) == SLK_OK)
        for (size_t i = 0; i < cnt; i++) {
            slk_piece_t same;
            json_t *row = slk_json_of_piece(&pieces[i]);
            SLK_ASSERT(slk_param_piece(&same, row, &diag) == SLK_OK);
            SLK_ASSERT(same.padded == pieces[i].padded &&
                       !memcmp(&same.comm_p, &pieces[i].comm_p, sizeof same.comm_p));
            SLK_ASSERT(slk_padded(slk_unpadded(same.padded)) == same.padded);
            json_decref(row);
        }
    free(pieces);
    json_decref(json);
    return 0;
}
