/* What miners ask for, and blocks of their templates. */

#include "devnet/chain/mining.h"

#include "base/assert.h"
#include "crypto/election/beacon.h"
#include "crypto/election/randomness.h"
#include "devnet/chain/draft.h"
#include "devnet/chain/mining_state.h"

#include <inttypes.h>
#include <string.h>

/* --- MinerGetBaseInfo ------------------------------------------------------------------------- */

static slk_err_t last_entry(slk_beacon_entry_t *entry, const slk_tip_t *base, slk_arena_t *arena,
                            slk_diag_t *diag)
{
    const slk_beacon_entry_list_t *list = &base->tipset.blocks.items[0].beacon_entries;
    if (!list->count)
        return slk_chain_beacon_entry(entry, base->height, arena, diag);
    *entry = list->items[list->count - 1];
    entry->data.b = slk_arena_copy(arena, entry->data.b, entry->data.len);
    return entry->data.b ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a beacon entry");
}

/* Of a miner that the lookback state does not have: whether it is there now. */
static slk_err_t must_exist(slk_chain_t *chain, const slk_address_t *miner, const slk_tip_t *base,
                            slk_diag_t *diag)
{
    slk_actor_state_t actor;
    bool found;
    slk_err_t err =
        slk_chain_actor(&actor, NULL, &found, chain, slk_tip_parent_state(base), miner, diag);
    if (err == SLK_OK && !found)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "loading miner in current state: actor not found");
    return err;
}

static slk_err_t fill_power(slk_mining_base_info_t *info, slk_chain_t *chain, const slk_cid_t *root,
                            const slk_address_t *miner, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_power_state_t power;
    slk_power_claim_t claim = {0};
    bool found;
    slk_err_t err = slk_mining_claim(&power, &claim, &found, chain, root, miner, arena, diag);
    if (err == SLK_OK) {
        info->miner_power = found ? claim.quality_adj_power : slk_bigint_u64(0);
        info->network_power = power.total_quality_adj_power;
    }
    return err;
}

static slk_err_t resolve_worker(slk_address_t *key, slk_chain_t *chain, const slk_cid_t *root,
                                const slk_address_t *worker, slk_diag_t *diag)
{
    bool found;
    slk_err_t err = slk_chain_account_key(key, &found, chain, root, worker, diag);
    if (err == SLK_OK && !found)
        return slk_fail(diag, SLK_ERR_INPUT, "resolving worker address: worker %s is no account",
                        slk_address_text(worker, slk_chain_policy(chain)->letter).s);
    return err;
}

slk_err_t slk_mining_base_info(slk_mining_base_info_t *info, bool *is, slk_chain_t *chain,
                               const slk_address_t *miner, int64_t round, const slk_tip_t *base,
                               slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *lookback = NULL;
    slk_cid_t root;
    slk_miner_state_t state;
    slk_miner_info_t miner_info;
    uint64_t id;
    *info = (slk_mining_base_info_t){0};
    *is = false;
    if (round <= base->height || !slk_address_to_id(miner, &id))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a block at epoch %" PRId64 " on a tipset at %" PRId64
                        ": the miner must be an ID address, the epoch above",
                        round, base->height);
    SLK_TRY(last_entry(&info->prev_beacon_entry, base, arena, diag));
    SLK_TRY(slk_lookback(&lookback, &root, chain, base, round, diag));
    SLK_TRY(slk_draft_beacon(&info->beacon_entries, base->height, round, arena, diag));
    SLK_TRY(slk_mining_miner(&state, &miner_info, is, chain, &root, miner, arena, diag));
    if (!*is) {
        err = must_exist(chain, miner, base, diag);
        goto out;
    }
    const slk_bytes_t data = info->beacon_entries.items[info->beacon_entries.count - 1].data;
    const slk_node_t drawn = slk_draw_miner(data.b, data.len, SLK_TAG_WINNING_POST, round, id);
    SLK_TRY(slk_mining_sectors(&info->sectors, chain, &state, id, &drawn, arena, diag));
    *is = info->sectors.count > 0;
    if (!*is)
        goto out;
    SLK_TRY(fill_power(info, chain, &root, miner, arena, diag));
    SLK_TRY(resolve_worker(&info->worker_key, chain, slk_tip_parent_state(base), &miner_info.worker,
                           diag));
    info->sector_size = miner_info.sector_size;
    SLK_TRY(
        slk_mining_eligible(&info->eligible_for_mining, chain, miner, base, lookback, arena, diag));
out:
    slk_tip_unref(lookback);
    return err;
}

/* --- MinerCreateBlock ------------------------------------------------------------------------- */

static slk_err_t worker_of(slk_address_t *worker, slk_chain_t *chain, const slk_address_t *miner,
                           const slk_tip_t *base, int64_t round, slk_arena_t *arena,
                           slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *lookback = NULL;
    slk_cid_t root;
    slk_miner_state_t state;
    slk_miner_info_t info;
    bool found;
    SLK_TRY(slk_lookback(&lookback, &root, chain, base, round, diag));
    SLK_TRY(slk_mining_miner(&state, &info, &found, chain, &root, miner, arena, diag));
    if (found)
        SLK_TRY(resolve_worker(worker, chain, &root, &info.worker, diag));
    else
        err = slk_fail(diag, SLK_ERR_INPUT, "failed to get miner worker: actor not found");
out:
    slk_tip_unref(lookback);
    return err;
}

static slk_err_t sign(slk_block_header_t *header, slk_signer_t signer, const slk_address_t *worker,
                      slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    slk_key_sig_t sig;
    SLK_TRY(slk_block_unsigned(&buf, header, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    const slk_sign_request_t request = {SLK_SIGN_BLOCK, buf.bytes, buf.len, NULL, 0};
    SLK_TRY(slk_signer_sign(signer, worker, &request, &sig, diag));
    const uint8_t *bytes = slk_arena_copy(arena, sig.b, sig.len);
    header->block_sig = (slk_signature_t){(uint8_t)sig.type, {bytes, sig.len}};
    if (!bytes)
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a signature");
out:
    slk_buf_free(&buf);
    return err;
}

slk_err_t slk_mining_create_block(slk_block_msg_t *block, slk_chain_t *chain,
                                  const slk_block_template_t *form, slk_signer_t signer,
                                  slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *parent = NULL;
    slk_address_t worker;
    const slk_tipset_cids_t parents = {form->parents};
    *block = (slk_block_msg_t){.header = {.miner = form->miner,
                                          .ticket = form->ticket,
                                          .election_proof = form->eproof,
                                          .beacon_entries = form->beacon_values,
                                          .win_post_proof = form->winning_post_proof}};
    SLK_TRY(slk_chain_tip(&parent, chain, &parents, diag));
    if (form->epoch <= parent->height) {
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "block height not greater than parent height: %" PRId64 " != %" PRId64,
                       form->epoch, parent->height);
        goto out;
    }
    SLK_TRY(worker_of(&worker, chain, &form->miner, parent, form->epoch, arena, diag));
    SLK_TRY(slk_draft_fill(&block->header, &block->bls_messages, &block->secpk_messages, chain,
                           parent, form->epoch, form->messages.items, sizeof *form->messages.items,
                           form->messages.count, arena, diag));
    block->header.timestamp = form->timestamp;
    SLK_TRY(sign(&block->header, signer, &worker, arena, diag));
out:
    slk_tip_unref(parent);
    return err;
}
