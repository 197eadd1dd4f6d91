#include "crypto/election/beacon.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <blake2.h>

#define MOCK_AHEAD 100

const slk_drand_t slk_drand_quicknet = {.period = 3, .genesis = 1692803367};

uint64_t slk_drand_round(const slk_drand_t *drand, int64_t epoch, uint64_t genesis_time,
                         uint64_t block_delay)
{
    SLK_ASSERT(drand->period > 0);
    /* Wide, as none of the three is checked here. */
    __int128 time = (__int128)epoch * block_delay + genesis_time - block_delay;
    if (time < drand->genesis)
        return 1;
    return (uint64_t)((time - drand->genesis) / drand->period) + 1;
}

uint64_t slk_mock_round(int64_t epoch)
{
    SLK_ASSERT(epoch >= -MOCK_AHEAD);
    return (uint64_t)epoch + MOCK_AHEAD;
}

slk_node_t slk_mock_entry(uint64_t round)
{
    uint8_t round_be[8];
    slk_store_be64(round_be, round);
    slk_node_t out;
    SLK_ASSERT(blake2b(out.b, round_be, NULL, sizeof out.b, sizeof round_be, 0) == 0);
    return out;
}
