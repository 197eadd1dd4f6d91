/* The reader of t_aux, which the sector's maker wrote. */

#include "proofs/vanilla/vanilla_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t discard = 0;
    (void)slk_t_aux_discard(&discard, data, size);
    return 0;
}
