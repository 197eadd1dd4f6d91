/* Blocks that miners bring (lotus:chain/consensus, texts included). */

#include "devnet/chain/mining.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "crypto/election/randomness.h"
#include "crypto/election/win_count.h"
#include "crypto/keys/signature.h"
#include "crypto/keys/vrf.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/chain/draft.h"
#include "devnet/chain/mining_state.h"
#include "devnet/chain/submit.h"
#include "selkie/verify.h"

#include <inttypes.h>
#include <string.h>

#define CHECK_LIMIT   ((size_t)1 << 30)
#define WINNING_KINDS 5 /* registered winning PoSt types; window ones follow in groups of as many */

/* --- Form, place, time ------------------------------------------------------------------------ */

static slk_err_t check_form(slk_submit_t *s)
{
    const slk_block_header_t *h = s->header;
    const char *wrong = NULL;
    if (!h->election_proof)
        wrong = "block cannot have nil election proof";
    else if (!h->ticket)
        wrong = "block cannot have nil ticket";
    else if (!h->block_sig.type)
        wrong = "block had nil signature";
    else if (!h->bls_aggregate.type)
        wrong = "block had nil bls aggregate signature";
    else if (!slk_address_to_id(&h->miner, &s->miner))
        wrong = "block had non-ID miner address";
    if (wrong)
        return slk_fail(s->diag, SLK_ERR_INPUT, "incoming header failed basic sanity checks: %s",
                        wrong);
    return SLK_OK;
}

static slk_err_t load_base(slk_submit_t *s)
{
    slk_diag_t why;
    const slk_tipset_cids_t parents = {s->header->parents};
    slk_err_t err = slk_chain_tip(&s->base, s->chain, &parents, &why);
    if (err == SLK_ERR_NOTFOUND || err == SLK_ERR_INPUT)
        return slk_fail(s->diag, SLK_ERR_INPUT, "load parent tipset failed: %s", why.text);
    if (err != SLK_OK)
        return slk_fail(s->diag, err, "%s", why.text);
    return slk_lookback(&s->lookback, &s->root, s->chain, s->base, s->header->height, s->diag);
}

static slk_err_t check_time(slk_submit_t *s, int64_t now)
{
    const slk_block_header_t *h = s->header;
    const uint64_t want = slk_draft_timestamp(s->chain, h->height);
    if (h->height <= s->base->height)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "block height not greater than parent height: %" PRId64 " != %" PRId64,
                        h->height, s->base->height);
    if (h->timestamp != want)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "block has wrong timestamp: %" PRIu64 " != %" PRIu64, h->timestamp, want);
    if (h->height > now + 1)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "block was from the future (now=%" PRIu64 ", blk=%" PRIu64 ")",
                        slk_draft_timestamp(s->chain, now), h->timestamp);
    if (h->height < s->head->height - SLK_CHAIN_FINALITY)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "block of epoch %" PRId64 " is more than %d epochs below the head",
                        h->height, SLK_CHAIN_FINALITY);
    return SLK_OK;
}

/* --- What follows from the parent ------------------------------------------------------------- */

static slk_err_t check_parent(const slk_submit_t *s)
{
    const slk_block_header_t *h = s->header;
    const slk_tip_t *base = s->base;
    if (slk_bigint_cmp(&h->parent_weight, &base->weight) != 0)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "parent weight different: %s (header) != %s (computed)",
                        slk_bigint_text(&h->parent_weight).s, slk_bigint_text(&base->weight).s);
    if (slk_bigint_cmp(&h->parent_base_fee, &base->base_fee) != 0)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "base fee doesn't match: %s (header) != %s (computed)",
                        slk_bigint_text(&h->parent_base_fee).s, slk_bigint_text(&base->base_fee).s);
    if (!slk_cid_eq(&h->parent_state_root, &base->state))
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "parent state root did not match computed state (%s != %s)",
                        slk_cid_text(&h->parent_state_root).s, slk_cid_text(&base->state).s);
    if (!slk_cid_eq(&h->parent_message_receipts, &base->receipts))
        return slk_fail(
            s->diag, SLK_ERR_INPUT, "parent receipts root did not match computed value (%s != %s)",
            slk_cid_text(&h->parent_message_receipts).s, slk_cid_text(&base->receipts).s);
    return SLK_OK;
}

static slk_err_t check_beacon(slk_submit_t *s)
{
    slk_beacon_entry_list_t want;
    const slk_beacon_entry_list_t *got = &s->header->beacon_entries;
    slk_err_t err = slk_draft_beacon(&want, s->base->height, s->header->height, &s->arena, s->diag);
    if (err != SLK_OK)
        return err;
    bool same = got->count == want.count;
    for (size_t i = 0; same && i < want.count; i++) {
        const slk_beacon_entry_t *a = &got->items[i], *b = &want.items[i];
        same = a->round == b->round && a->data.len == b->data.len &&
               memcmp(a->data.b, b->data.b, b->data.len) == 0;
    }
    s->beacon = want.items[want.count - 1].data;
    if (!same)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "failed to validate blocks random beacon values: expected the %zu entries "
                        "from round %" PRIu64 " on",
                        want.count, want.items[0].round);
    return SLK_OK;
}

/* --- The miner -------------------------------------------------------------------------------- */

static slk_err_t load_miner(slk_submit_t *s)
{
    slk_err_t err;
    slk_power_state_t power;
    slk_power_claim_t claim;
    slk_miner_info_t info;
    bool found;
    SLK_TRY(slk_mining_claim(&power, &claim, &found, s->chain, slk_tip_parent_state(s->base),
                             &s->header->miner, &s->arena, s->diag));
    if (!found)
        return slk_fail(s->diag, SLK_ERR_INPUT, "minerIsValid failed: miner isn't valid");
    SLK_TRY(slk_mining_miner(&s->state, &info, &found, s->chain, &s->root, &s->header->miner,
                             &s->arena, s->diag));
    if (found)
        SLK_TRY(
            slk_chain_account_key(&s->worker, &found, s->chain, &s->root, &info.worker, s->diag));
    if (!found)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "GetMinerWorkerRaw failed: actor not found in the lookback state");
    s->winning_post = info.window_post_proof_type % WINNING_KINDS;
out:
    return err;
}

static slk_err_t check_wins(const slk_submit_t *s)
{
    slk_power_state_t power;
    slk_power_claim_t claim = {0};
    bool found;
    slk_arena_t *arena = (slk_arena_t *)&s->arena;
    const slk_election_proof_t *e = s->header->election_proof;
    slk_err_t err = slk_mining_claim(&power, &claim, &found, s->chain, &s->root, &s->header->miner,
                                     arena, s->diag);
    if (err != SLK_OK)
        return err;
    const slk_bigint_t mine = found ? claim.quality_adj_power : slk_bigint_u64(0);
    const int64_t wins =
        slk_win_count(e->vrf_proof.b, e->vrf_proof.len, &mine, &power.total_quality_adj_power);
    if (e->win_count != wins)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "miner claims wrong number of wins: miner: %" PRId64 ", computed: %" PRId64,
                        e->win_count, wins);
    return SLK_OK;
}

static slk_err_t check_winner(slk_submit_t *s)
{
    bool eligible;
    const slk_block_header_t *h = s->header;
    const slk_bytes_t proof = h->election_proof->vrf_proof;
    if (h->election_proof->win_count < 1)
        return slk_fail(s->diag, SLK_ERR_INPUT, "block is not claiming to be a winner");
    slk_err_t err = slk_mining_eligible(&eligible, s->chain, &h->miner, s->base, s->lookback,
                                        &s->arena, s->diag);
    if (err != SLK_OK)
        return err;
    if (!eligible)
        return slk_fail(s->diag, SLK_ERR_INPUT, "block's miner is ineligible to mine");
    const slk_node_t input = slk_election_input(s->beacon.b, s->beacon.len, h->height, s->miner);
    if (!slk_vrf_verify(&s->worker, &input, proof.b, proof.len))
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "validating block election proof failed: vrf was invalid");
    return check_wins(s);
}

static slk_err_t check_ticket(const slk_submit_t *s)
{
    const slk_bytes_t before = s->base->tipset.blocks.items[0].ticket->vrf_proof;
    const slk_bytes_t proof = s->header->ticket->vrf_proof;
    const slk_node_t input = slk_ticket_input(s->beacon.b, s->beacon.len, s->header->height,
                                              s->miner, before.b, before.len);
    if (!slk_vrf_verify(&s->worker, &input, proof.b, proof.len))
        return slk_fail(s->diag, SLK_ERR_INPUT, "validating block tickets failed: vrf was invalid");
    return SLK_OK;
}

static slk_err_t check_signature(const slk_submit_t *s)
{
    slk_buf_t buf = {0};
    bool ok = false;
    slk_err_t err = slk_block_unsigned(&buf, s->header, s->diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, s->diag);
    if (err == SLK_OK)
        err = slk_signature_verify(&ok, &s->worker, &s->header->block_sig, buf.bytes, buf.len,
                                   s->diag);
    slk_buf_free(&buf);
    if (err == SLK_OK && !ok)
        return slk_fail(s->diag, SLK_ERR_INPUT,
                        "check block signature failed: block signature verification failed");
    return err;
}

/* --- Winning PoSt ----------------------------------------------------------------------------- */

static slk_err_t verify_post(bool *ok, slk_submit_t *s, const slk_challenged_sector_t *sector,
                             const slk_node_t *drawn)
{
    slk_post_t post;
    slk_node_t randomness = *drawn;
    slk_post_public_t pub = {.sector = sector->sector_number};
    const slk_post_proof_t *proof = &s->header->win_post_proof.items[0];
    slk_post_randomness(&randomness);
    slk_err_t err = slk_post_by_id(&post, (int)s->winning_post, s->diag);
    if (err == SLK_OK)
        err = slk_cid_to_commitment(&pub.comm_r, SLK_CID_SEALED, &sector->sealed_cid, s->diag);
    if (err == SLK_OK)
        err = slk_post_verify(ok, &post, &randomness, &pub, 1, proof->proof_bytes.b,
                              proof->proof_bytes.len, s->chain->params_dir, s->chain->job, s->diag);
    return err;
}

static slk_err_t check_post(slk_submit_t *s)
{
    bool ok = false;
    slk_challenged_sector_list_t sectors;
    const slk_post_proof_list_t *proofs = &s->header->win_post_proof;
    const slk_node_t drawn = slk_draw_miner(s->beacon.b, s->beacon.len, SLK_TAG_WINNING_POST,
                                            s->header->height, s->miner);
    slk_err_t err =
        slk_mining_sectors(&sectors, s->chain, &s->state, s->miner, &drawn, &s->arena, s->diag);
    if (err == SLK_OK && sectors.count && proofs->count == 1 &&
        proofs->items[0].post_proof == s->winning_post)
        err = verify_post(&ok, s, &sectors.items[0], &drawn);
    if (err == SLK_ERR_INPUT || err == SLK_ERR_FIELD || err == SLK_ERR_LENGTH)
        err = SLK_OK;
    if (err == SLK_OK && !ok)
        return slk_fail(s->diag, SLK_ERR_INPUT, "invalid election post: winning post was invalid");
    return err;
}

/* --- All -------------------------------------------------------------------------------------- */

static slk_err_t check_all(slk_submit_t *s, int64_t now)
{
    slk_err_t err;
    SLK_TRY(check_form(s));
    SLK_TRY(load_base(s));
    SLK_TRY(check_time(s, now));
    SLK_TRY(check_parent(s));
    SLK_TRY(check_beacon(s));
    SLK_TRY(load_miner(s));
    SLK_TRY(check_winner(s));
    SLK_TRY(check_signature(s));
    SLK_TRY(check_ticket(s));
    SLK_TRY(slk_submit_messages(s));
    SLK_TRY(check_post(s));
out:
    return err;
}

static slk_err_t is_known(bool *known, slk_chain_t *chain, const slk_block_header_t *header,
                          slk_diag_t *diag)
{
    slk_cid_t cid;
    slk_err_t err = slk_block_cid(&cid, header, diag);
    return err == SLK_OK ? slk_block_has(&chain->store, known, &cid, diag) : err;
}

slk_err_t slk_mining_submit(slk_chain_t *chain, slk_producer_t *producer,
                            const slk_block_msg_t *block, slk_diag_t *diag)
{
    slk_err_t err;
    bool known;
    slk_submit_t s = {.chain = chain, .block = block, .header = &block->header, .diag = diag};
    slk_arena_init(&s.arena, CHECK_LIMIT);
    slk_chain_lock(chain);
    s.head = slk_chain_head(chain);
    int64_t now = s.head->height;
    if (producer && slk_producer_epoch(producer) > now)
        now = slk_producer_epoch(producer);
    SLK_TRY(is_known(&known, chain, s.header, diag));
    if (known)
        goto out;
    SLK_TRY(check_all(&s, now));
    SLK_TRY(slk_submit_join(&s));
out:
    slk_chain_unlock(chain);
    slk_tip_unref(s.head);
    slk_tip_unref(s.base);
    slk_tip_unref(s.lookback);
    slk_arena_free(&s.arena);
    return err;
}
