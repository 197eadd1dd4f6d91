/* Is what the sector is about to claim still so? (spec 1.6) */

#include "manager/seal/decide_impl.h"

#include "codec/address.h"

#include <string.h>

#define SAY(t, ...) (void)slk_fail(&(t)->said, SLK_ERR_STATE, __VA_ARGS__)

/* --- Pieces -------------------------------------------------------------------------------- */

static bool check_market(slk_turn_t *t, const slk_sector_piece_t *piece, slk_check_t *check)
{
    const slk_piece_deal_info_t *info = piece->deal_info;
    slk_market_deal_t deal;
    uint64_t provider;
    bool there;
    if (!slk_turn_look(t, t->ops->deal(t->ctx, info->deal_id, t->arena, &deal, &t->said), &there))
        return false;
    if (!there) {
        *check = SLK_CHECK_INVALID_DEALS;
        SAY(t, "deal %" PRIu64 " is not on chain", info->deal_id);
        return true;
    }
    if (!slk_address_to_id(&deal.proposal.provider, &provider) || provider != t->sector->miner ||
        !slk_cid_eq(&deal.proposal.piece_cid, &piece->piece.piece_cid) ||
        deal.proposal.piece_size != piece->piece.size) {
        *check = SLK_CHECK_INVALID_DEALS;
        SAY(t, "deal %" PRIu64 " is on chain for another provider or another piece", info->deal_id);
    } else if (t->net.height >= deal.proposal.start_epoch) {
        *check = SLK_CHECK_EXPIRED_DEALS;
        SAY(t, "deal %" PRIu64 " should have begun at epoch %" PRId64 ", it is %" PRId64,
            info->deal_id, deal.proposal.start_epoch, t->net.height);
    }
    return true;
}

static bool check_manifest(slk_turn_t *t, const slk_sector_piece_t *piece, slk_check_t *check)
{
    const slk_verified_allocation_key_t *key =
        piece->deal_info->piece_activation_manifest->verified_allocation_key;
    slk_allocation_t allocation;
    bool there;
    if (!key)
        return true;
    if (!slk_turn_look(
            t, t->ops->allocation(t->ctx, key->client, key->id, t->arena, &allocation, &t->said),
            &there))
        return false;
    if (!there)
        return true;
    if (allocation.provider != t->sector->miner || allocation.size < piece->piece.size) {
        *check = SLK_CHECK_INVALID_DEALS;
        SAY(t,
            "allocation %" PRIu64 " of client f0%" PRIu64
            " is for another provider or a smaller piece",
            key->id, key->client);
    } else if (t->net.height >= allocation.expiration) {
        *check = SLK_CHECK_EXPIRED_DEALS;
        SAY(t, "allocation %" PRIu64 " of client f0%" PRIu64 " expired at epoch %" PRId64, key->id,
            key->client, allocation.expiration);
    }
    return true;
}

static bool check_filler(slk_turn_t *t, const slk_sector_piece_t *piece, slk_check_t *check)
{
    slk_node_t zero;
    slk_piece_zero(&zero, piece->piece.size);
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &zero);
    if (!slk_cid_eq(&cid, &piece->piece.piece_cid)) {
        *check = SLK_CHECK_INVALID_PIECE;
        SAY(t, "piece %s is a filler, but not of zeros", slk_cid_text(&piece->piece.piece_cid).s);
    }
    return true;
}

static bool check_piece(slk_turn_t *t, const slk_sector_piece_t *piece, uint64_t offset,
                        slk_check_t *check)
{
    const uint64_t size = piece->piece.size;
    if (size < SLK_PIECE_MIN_PADDED || (size & (size - 1)) || offset % size) {
        *check = SLK_CHECK_INVALID_PIECE;
        SAY(t, "piece %s of %" PRIu64 " bytes cannot lie at offset %" PRIu64,
            slk_cid_text(&piece->piece.piece_cid).s, size, offset);
        return true;
    }
    if (!piece->deal_info)
        return check_filler(t, piece, check);
    return slk_piece_is_market(piece) ? check_market(t, piece, check)
                                      : check_manifest(t, piece, check);
}

bool slk_check_pieces(slk_turn_t *t, slk_check_t *check)
{
    const slk_sector_piece_list_t *pieces = &t->sector->pieces;
    uint64_t offset = 0;
    *check = SLK_CHECK_OK;
    if (!slk_turn_net(t))
        return false;
    for (size_t i = 0; *check == SLK_CHECK_OK && i < pieces->count; i++) {
        if (!check_piece(t, &pieces->items[i], offset, check))
            return false;
        offset += pieces->items[i].piece.size;
    }
    if (*check == SLK_CHECK_OK && offset != t->porep.size->bytes) {
        *check = SLK_CHECK_INVALID_PIECE;
        SAY(t, "its pieces have %" PRIu64 " bytes, the sector %" PRIu64, offset,
            t->porep.size->bytes);
    }
    return true;
}

bool slk_turn_deals(slk_turn_t *t, slk_check_t check, slk_sector_state_t back)
{
    if (check == SLK_CHECK_INVALID_DEALS)
        slk_turn_event(t, SLK_EVENT_INVALID_DEAL_IDS, "%.500s", t->said.text)->state = back;
    else if (check == SLK_CHECK_EXPIRED_DEALS)
        slk_turn_event(t, SLK_EVENT_DEALS_EXPIRED, "%.500s", t->said.text);
    return check == SLK_CHECK_INVALID_DEALS || check == SLK_CHECK_EXPIRED_DEALS;
}

static bool cutoff_of(slk_turn_t *t, bool promised, int64_t *epoch)
{
    *epoch = SLK_BATCH_NO_CUTOFF;
    for (size_t i = 0; i < t->sector->pieces.count; i++) {
        const slk_sector_piece_t *piece = &t->sector->pieces.items[i];
        const slk_piece_deal_info_t *info = piece->deal_info;
        const int64_t start = promised || slk_piece_is_market(piece) ? slk_piece_start(piece) : 0;
        if (start && start < *epoch)
            *epoch = start;
        if (!info || !info->piece_activation_manifest ||
            !info->piece_activation_manifest->verified_allocation_key)
            continue;
        const slk_verified_allocation_key_t *key =
            info->piece_activation_manifest->verified_allocation_key;
        slk_allocation_t allocation;
        bool there;
        if (!slk_turn_look(
                t,
                t->ops->allocation(t->ctx, key->client, key->id, t->arena, &allocation, &t->said),
                &there))
            return false;
        if (there && allocation.expiration < *epoch)
            *epoch = allocation.expiration;
    }
    return true;
}

bool slk_piece_cutoff(slk_turn_t *t, int64_t *epoch)
{
    return cutoff_of(t, true, epoch);
}

bool slk_piece_chain_cutoff(slk_turn_t *t, int64_t *epoch)
{
    return cutoff_of(t, false, epoch);
}

/* --- Before the pre-commit ----------------------------------------------------------------- */

static bool comm_d_differs(slk_turn_t *t)
{
    slk_node_t comm_d;
    if (slk_sector_comm_d(&comm_d, &t->sector->pieces, t->porep.size->bytes, &t->said) != SLK_OK)
        return true;
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_d);
    if (slk_cid_eq(&cid, &t->sector->comm_d))
        return false;
    SAY(t, "its CommD is %s, its pieces have %s", slk_cid_text(&t->sector->comm_d).s,
        slk_cid_text(&cid).s);
    return true;
}

bool slk_check_pre_commit(slk_turn_t *t, slk_check_t *check)
{
    const slk_sector_info_t *s = t->sector;
    slk_sector_pre_commit_on_chain_info_t info;
    bool there, allocated;
    if (!slk_check_pieces(t, check))
        return false;
    if (*check != SLK_CHECK_OK)
        return true;
    if (comm_d_differs(t)) {
        *check = SLK_CHECK_BAD_COMM_D;
        return true;
    }
    if (!slk_turn_pre_commit(t, &there, &info))
        return false;
    if (there) {
        const bool same = info.info.seal_rand_epoch == s->ticket_epoch;
        *check = same ? SLK_CHECK_PRE_COMMIT_ON_CHAIN : SLK_CHECK_BAD_TICKET;
        SAY(t,
            same ? "its pre-commit is on chain since epoch %" PRId64
                 : "it is pre-committed since epoch %" PRId64
                   " with another ticket, of epoch %" PRId64 " instead of %" PRId64,
            info.pre_commit_epoch, info.info.seal_rand_epoch, s->ticket_epoch);
        return true;
    }
    if (!slk_turn_allocated(t, &allocated))
        return false;
    if (allocated) {
        *check = SLK_CHECK_NUMBER_ALLOCATED;
        SAY(t, "number %" PRIu64 " was used on chain before, and there is no pre-commit of it",
            s->sector_number);
    } else if (s->ticket_epoch < t->net.height - t->net.policy.max_precommit_lookback) {
        *check = SLK_CHECK_EXPIRED_TICKET;
        SAY(t, "its ticket of epoch %" PRId64 " expired at epoch %" PRId64 ", it is %" PRId64,
            s->ticket_epoch, s->ticket_epoch + t->net.policy.max_precommit_lookback, t->net.height);
    }
    return true;
}

/* --- Before the prove-commit --------------------------------------------------------------- */

bool slk_check_proof(slk_turn_t *t, const slk_cid_t *sealed, slk_bytes_t proof, bool *ok)
{
    const slk_sector_info_t *s = t->sector;
    slk_seal_claim_t claim = {.porep = t->porep,
                              .miner = s->miner,
                              .sector = s->sector_number,
                              .ticket = s->ticket_value,
                              .seed = s->seed_value};
    *ok = false;
    if (!proof.len) {
        SAY(t, "it has no proof");
        return true;
    }
    if (slk_cid_to_commitment(&claim.comm_d, SLK_CID_UNSEALED, &s->comm_d, &t->said) != SLK_OK ||
        slk_cid_to_commitment(&claim.comm_r, SLK_CID_SEALED, sealed, &t->said) != SLK_OK)
        return true;
    return slk_turn_look(t, t->ops->verify(t->ctx, &claim, proof.b, proof.len, &t->said), ok);
}

/* Is the seed that of the pre-commit, on the chain as it is now? */
static bool check_seed(slk_turn_t *t, const slk_sector_pre_commit_on_chain_info_t *info,
                       slk_check_t *check)
{
    const slk_sector_info_t *s = t->sector;
    const int64_t epoch = info->pre_commit_epoch + t->net.policy.precommit_challenge_delay;
    slk_node_t seed;
    bool there;
    *check = SLK_CHECK_BAD_SEED;
    if (!s->seed_epoch) {
        SAY(t, "it has no seed yet");
        return true;
    }
    if (epoch != s->seed_epoch) {
        SAY(t, "its seed is that of epoch %" PRId64 ", its pre-commit needs that of %" PRId64,
            s->seed_epoch, epoch);
        return true;
    }
    if (!slk_turn_look(t, t->ops->seed(t->ctx, s->miner, epoch, &seed, &t->said), &there))
        return false;
    if (!there) {
        slk_turn_wait(t, 0, epoch + 1,
                      "the chain went back to epoch %" PRId64 ", before that of its seed, %" PRId64,
                      t->net.height, epoch);
        return false;
    }
    if (memcmp(seed.b, s->seed_value.b, sizeof seed.b) != 0)
        SAY(t, "the seed of epoch %" PRId64 " is another one since the chain was reorganised",
            epoch);
    else
        *check = SLK_CHECK_OK;
    return true;
}

static bool check_gone(slk_turn_t *t, slk_check_t *check)
{
    bool allocated;
    if (!slk_turn_allocated(t, &allocated))
        return false;
    *check = allocated ? SLK_CHECK_PRE_COMMIT_EXPIRED : SLK_CHECK_NO_PRE_COMMIT;
    SAY(t, allocated ? "its pre-commit is not on chain any more, its number is used up"
                     : "its pre-commit is not on chain");
    return true;
}

bool slk_check_commit(slk_turn_t *t, bool with_proof, slk_check_t *check)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there, ok;
    if (!slk_turn_net(t) || !slk_turn_pre_commit(t, &there, &info))
        return false;
    if (!there)
        return check_gone(t, check);
    const int64_t last = info.pre_commit_epoch + t->net.policy.max_prove_commit_duration;
    if (t->net.height > last) {
        *check = SLK_CHECK_PRE_COMMIT_EXPIRED;
        SAY(t,
            "its pre-commit of epoch %" PRId64 " had to be proven by epoch %" PRId64
            ", it is %" PRId64,
            info.pre_commit_epoch, last, t->net.height);
        return true;
    }
    if (!check_seed(t, &info, check))
        return false;
    if (*check == SLK_CHECK_OK && !slk_check_pieces(t, check))
        return false;
    if (*check != SLK_CHECK_OK || !with_proof)
        return true;
    if (!slk_check_proof(t, &info.info.sealed_cid, t->sector->proof, &ok))
        return false;
    if (!ok)
        *check = SLK_CHECK_INVALID_PROOF;
    return true;
}
