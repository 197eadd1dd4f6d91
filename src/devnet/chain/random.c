/* The chain's randomness as seen from a tipset (spec chain.md 5). */

#include "devnet/chain/chain_impl.h"

#include "crypto/election/beacon.h"
#include "crypto/election/randomness.h"

/* The mock beacon's entry of an epoch is known from its number alone, also that of epoch 0, whose
 * block carries none. */
static void beacon_digest(slk_node_t *out, int64_t epoch)
{
    const slk_node_t data = slk_mock_entry(slk_mock_round(epoch));
    *out = slk_draw_digest(data.b, sizeof data.b);
}

slk_err_t slk_chain_digest(slk_node_t *out, slk_chain_t *c, const slk_tip_t *from, bool beacon,
                           int64_t epoch, slk_diag_t *diag)
{
    slk_tip_t *tip;
    if (epoch > from->height)
        return slk_fail(diag, SLK_ERR_INPUT, "cannot draw randomness from the future");
    if (epoch < 0)
        epoch = 0;
    if (beacon) {
        beacon_digest(out, epoch);
        return SLK_OK;
    }
    slk_err_t err = slk_chain_at(&tip, c, from, epoch, true, diag);
    if (err != SLK_OK)
        return err;
    const slk_bytes_t proof = tip->tipset.blocks.items[0].ticket->vrf_proof;
    *out = slk_draw_digest(proof.b, proof.len);
    slk_tip_unref(tip);
    return SLK_OK;
}

slk_err_t slk_chain_draw(slk_node_t *out, slk_chain_t *c, const slk_tip_t *from, bool beacon,
                         int64_t tag, int64_t epoch, const void *entropy, size_t len,
                         slk_diag_t *diag)
{
    slk_node_t digest;
    slk_err_t err = slk_chain_digest(&digest, c, from, beacon, epoch, diag);
    if (err == SLK_OK)
        *out = slk_draw_from_digest(&digest, (slk_tag_t)tag, epoch, entropy, len);
    return err;
}

slk_err_t slk_chain_beacon_entry(slk_beacon_entry_t *entry, int64_t epoch, slk_arena_t *arena,
                                 slk_diag_t *diag)
{
    const uint64_t round = slk_mock_round(epoch);
    const slk_node_t data = slk_mock_entry(round);
    uint8_t *bytes = slk_arena_copy(arena, data.b, sizeof data.b);
    if (!bytes)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a beacon entry");
    *entry = (slk_beacon_entry_t){round, {bytes, sizeof data.b}};
    return SLK_OK;
}
