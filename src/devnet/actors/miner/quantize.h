#ifndef SLK_DEVNET_MINER_QUANTIZE_H
#define SLK_DEVNET_MINER_QUANTIZE_H

/* Rounding of epochs, so that queues by epoch have few entries (spec chain.md 4.4). */

#include <stdint.h>

/* Multiples of unit > 0, moved by offset mod unit. */
typedef struct {
    int64_t unit, offset;
} slk_quant_t;

#define SLK_QUANT_NONE ((slk_quant_t){1, 0})

int64_t slk_quant_up(slk_quant_t quant, int64_t epoch);
int64_t slk_quant_down(slk_quant_t quant, int64_t epoch);

#endif /* SLK_DEVNET_MINER_QUANTIZE_H */
