#include "crypto/election/randomness.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <blake2.h>

#define TICKET_MAX 96

slk_node_t slk_draw_digest(const void *base, size_t base_len)
{
    slk_node_t out;
    SLK_ASSERT(blake2b(out.b, base, NULL, sizeof out.b, base_len, 0) == 0);
    return out;
}

slk_node_t slk_draw_from_digest(const slk_node_t *base_digest, slk_tag_t tag, int64_t epoch,
                                const void *entropy, size_t entropy_len)
{
    uint8_t tag_be[8], epoch_be[8];
    slk_store_be64(tag_be, (uint64_t)tag);
    slk_store_be64(epoch_be, (uint64_t)epoch);
    slk_node_t out;
    blake2b_state state;
    SLK_ASSERT(blake2b_init(&state, sizeof out.b) == 0);
    SLK_ASSERT(blake2b_update(&state, tag_be, sizeof tag_be) == 0);
    SLK_ASSERT(blake2b_update(&state, base_digest->b, sizeof base_digest->b) == 0);
    SLK_ASSERT(blake2b_update(&state, epoch_be, sizeof epoch_be) == 0);
    if (entropy_len > 0)
        SLK_ASSERT(blake2b_update(&state, entropy, entropy_len) == 0);
    SLK_ASSERT(blake2b_final(&state, out.b, sizeof out.b) == 0);
    return out;
}

slk_node_t slk_draw(const void *base, size_t base_len, slk_tag_t tag, int64_t epoch,
                    const void *entropy, size_t entropy_len)
{
    slk_node_t digest = slk_draw_digest(base, base_len);
    return slk_draw_from_digest(&digest, tag, epoch, entropy, entropy_len);
}

size_t slk_miner_entropy(uint8_t out[SLK_ENTROPY_MAX], uint64_t miner)
{
    slk_address_t address = slk_address_id(miner);
    SLK_ASSERT(address.len < SLK_ENTROPY_MAX);
    out[0] = (uint8_t)(0x40 | address.len); /* CBOR byte string of less than 24 bytes */
    memcpy(out + 1, address.b, address.len);
    return 1u + address.len;
}

slk_node_t slk_draw_miner(const void *base, size_t base_len, slk_tag_t tag, int64_t epoch,
                          uint64_t miner)
{
    uint8_t entropy[SLK_ENTROPY_MAX];
    size_t len = slk_miner_entropy(entropy, miner);
    return slk_draw(base, base_len, tag, epoch, entropy, len);
}

slk_node_t slk_ticket_input(const void *beacon, size_t beacon_len, int64_t round, uint64_t miner,
                            const void *parent_ticket, size_t parent_ticket_len)
{
    SLK_ASSERT(parent_ticket_len <= TICKET_MAX);
    uint8_t entropy[SLK_ENTROPY_MAX + TICKET_MAX];
    size_t len = slk_miner_entropy(entropy, miner);
    memcpy(entropy + len, parent_ticket, parent_ticket_len);
    return slk_draw(beacon, beacon_len, SLK_TAG_TICKET, round - 1, entropy,
                    len + parent_ticket_len);
}

slk_node_t slk_election_input(const void *beacon, size_t beacon_len, int64_t round, uint64_t miner)
{
    return slk_draw_miner(beacon, beacon_len, SLK_TAG_ELECTION, round, miner);
}
