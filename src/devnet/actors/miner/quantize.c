#include "devnet/actors/miner/quantize.h"

/* As the actor, whose quotients and remainders are those of C: an epoch below the offset is rounded
 * towards zero units, which is up. */
int64_t slk_quant_up(slk_quant_t quant, int64_t epoch)
{
    int64_t offset = quant.offset % quant.unit, from = epoch - offset;
    int64_t units = from / quant.unit;
    if (from % quant.unit != 0 && from >= 0)
        units++;
    return quant.unit * units + offset;
}

int64_t slk_quant_down(slk_quant_t quant, int64_t epoch)
{
    int64_t up = slk_quant_up(quant, epoch);
    return up == epoch ? up : up - quant.unit;
}
