/* Termination, and what happens to sectors whose deals or proofs are gone (spec 1.2, 1.10). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "codec/bitfield.h"

#include <string.h>

/* --- Terminating ---------------------------------------------------------------------------- */

static bool own_message(slk_turn_t *t, slk_turn_message_t *message)
{
    return slk_turn_message(t, t->sector->terminate_key, &t->sector->terminate_message, message);
}

/* Is the sector one of those that are proven? False: decided. */
static bool look_live(slk_turn_t *t, bool *live)
{
    const slk_sector_info_t *s = t->sector;
    slk_api_sector_location_t at;
    slk_api_partitions_t partitions;
    bool there;
    *live = false;
    if (!slk_turn_look(t, t->ops->location(t->ctx, s->miner, s->sector_number, &at, &t->said),
                       &there))
        return false;
    if (!there)
        return true;
    if (!slk_turn_look(
            t, t->ops->partitions(t->ctx, s->miner, at.deadline, t->arena, &partitions, &t->said),
            &there))
        return false;
    *live = there && at.partition < partitions.v.count &&
            slk_bitfield_contains(&partitions.v.items[at.partition].live_sectors, s->sector_number);
    return true;
}

static void not_on_chain(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there;
    if (!slk_turn_pre_commit(t, &there, &info))
        return;
    if (there)
        slk_turn_event(t, SLK_EVENT_TERMINATE_FAILED,
                       "it is pre-committed since epoch %" PRId64
                       " and not proven: there is nothing to terminate yet",
                       info.pre_commit_epoch);
    else
        slk_turn_event(t, SLK_EVENT_REMOVE, "it is not on chain");
}

void slk_decide_terminating(slk_turn_t *t)
{
    slk_sector_on_chain_info_t info;
    slk_turn_message_t message;
    bool there, live;
    if (!slk_turn_net(t) || !own_message(t, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY && t->sector->terminate_key.len) {
        slk_event_t *event = slk_turn_event(t, SLK_EVENT_TERMINATING, "%.500s", t->said.text);
        event->cid = t->sector->terminate_message;
        event->key = slk_arena_text(t->arena, (const char *)t->sector->terminate_key.b,
                                    t->sector->terminate_key.len);
        if (!event->key)
            slk_turn_no_memory(t);
        return;
    }
    if (!slk_turn_on_chain(t, &there, &info))
        return;
    if (!there)
        not_on_chain(t);
    else if (!look_live(t, &live))
        return;
    else if (!live)
        slk_turn_event(t, SLK_EVENT_TERMINATING, "it is not proven any more");
    else
        slk_turn_batch(t, SLK_BATCH_TERMINATE, SLK_BATCH_NO_CUTOFF,
                       "waits for its batch of terminations");
}

void slk_decide_terminate_wait(slk_turn_t *t)
{
    slk_turn_message_t message;
    if (!slk_turn_net(t) || !own_message(t, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY) {
        slk_turn_wait(t, 0, message.until_epoch, "termination: %.450s", t->said.text);
    } else if (message.state == SLK_SENT_NONE && !t->sector->terminate_key.len) {
        slk_turn_event(t, SLK_EVENT_TERMINATED, "it is not proven any more")->epoch = t->net.height;
    } else if (message.state == SLK_SENT_OK) {
        slk_turn_event(t, SLK_EVENT_TERMINATED, "terminated at epoch %" PRId64, message.height)
            ->epoch = message.height;
    } else {
        slk_turn_event(t, SLK_EVENT_TERMINATE_FAILED, "%.500s", t->said.text);
    }
}

void slk_decide_terminate_finality(slk_turn_t *t)
{
    bool live;
    if (!slk_turn_net(t))
        return;
    const int64_t final = t->sector->terminated_at + t->net.policy.finality;
    if (t->net.height < final) {
        slk_turn_wait(t, 0, final,
                      "terminated at epoch %" PRId64 "; final at %" PRId64 ", in about %s",
                      t->sector->terminated_at, final,
                      slk_span_text(slk_turn_epoch_ms(t, final) - t->world->now_ms).s);
        return;
    }
    if (!look_live(t, &live))
        return;
    if (live)
        slk_turn_event(t, SLK_EVENT_TERMINATE_FAILED,
                       "its termination of epoch %" PRId64 " is not on chain any more",
                       t->sector->terminated_at);
    else
        slk_turn_event(t, SLK_EVENT_REMOVE, "its termination is final");
}

void slk_decide_terminate_failed(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there;
    if (!slk_turn_pre_commit(t, &there, &info))
        return;
    if (there)
        slk_turn_wait(t, 0, 0,
                      "it is pre-committed since epoch %" PRId64
                      ", which cannot be terminated: a person has to decide (update-state, remove)",
                      info.pre_commit_epoch);
    else if (slk_turn_cooled(t, "is terminated again"))
        slk_turn_event(t, SLK_EVENT_TERMINATE, "is terminated again");
}

/* --- Deals ---------------------------------------------------------------------------------- */

void slk_decide_deals_expired(slk_turn_t *t)
{
    slk_sector_on_chain_info_t info;
    bool there;
    if (!slk_turn_on_chain(t, &there, &info))
        return;
    if (there)
        slk_turn_wait(t, 0, 0,
                      "it is on chain although its deals have expired: a person has to decide "
                      "(update-state)");
    else
        slk_turn_event(t, SLK_EVENT_REMOVE, "%.300s%sit is not on chain", slk_turn_last_err(t),
                       *slk_turn_last_err(t) ? "; " : "");
}

static bool bytes_eq(slk_bytes_t a, slk_bytes_t b)
{
    return a.len == b.len && (!a.len || !memcmp(a.b, b.b, a.len));
}

/* The same deal; clients are written by id on chain, and in any way in a proposal. */
static bool same_deal(const slk_deal_proposal_t *a, const slk_deal_proposal_t *b)
{
    return slk_cid_eq(&a->piece_cid, &b->piece_cid) && a->piece_size == b->piece_size &&
           a->verified_deal == b->verified_deal && a->start_epoch == b->start_epoch &&
           a->end_epoch == b->end_epoch && bytes_eq(a->label.data, b->label.data);
}

/* The id that the deal of this piece got; *found false: none. False: decided. */
static bool recover_id(slk_turn_t *t, slk_sector_piece_t *piece, bool *found)
{
    const slk_piece_deal_info_t *info = piece->deal_info;
    slk_publish_storage_deals_return_t published;
    slk_msg_lookup_t lookup;
    slk_market_deal_t deal;
    bool there;
    *found = false;
    if (!info->deal_proposal || !slk_cid_defined(&info->publish_cid))
        return true;
    if (!slk_turn_look(t, t->ops->search(t->ctx, &info->publish_cid, t->arena, &lookup, &t->said),
                       &there))
        return false;
    if (!there || lookup.receipt.exit_code != 0 ||
        slk_record_decode(&published, &slk_publish_storage_deals_return_type, lookup.receipt.ret.b,
                          lookup.receipt.ret.len, t->arena, &t->said) != SLK_OK)
        return true;
    for (size_t i = 0; !*found && i < published.ids.count; i++) {
        const uint64_t id = published.ids.items[i];
        if (!slk_turn_look(t, t->ops->deal(t->ctx, id, t->arena, &deal, &t->said), &there))
            return false;
        if (!there || !same_deal(&deal.proposal, info->deal_proposal))
            continue;
        slk_piece_deal_info_t *copy = slk_arena_copy(t->arena, info, sizeof *info);
        if (!copy) {
            slk_turn_no_memory(t);
            return false;
        }
        copy->deal_id = id;
        piece->deal_info = copy;
        *found = true;
    }
    return true;
}

void slk_decide_recover_deal_ids(slk_turn_t *t)
{
    const slk_sector_piece_list_t *pieces = &t->sector->pieces;
    slk_sector_piece_t *items = slk_arena_array(t->arena, pieces->count + 1, sizeof *items);
    slk_check_t check;
    bool found;
    if (!items) {
        slk_turn_no_memory(t);
        return;
    }
    if (!slk_check_pieces(t, &check))
        return;
    if (check == SLK_CHECK_EXPIRED_DEALS) {
        slk_turn_event(t, SLK_EVENT_REMOVE, "%.500s", t->said.text);
        return;
    }
    for (size_t i = 0; i < pieces->count; i++) {
        items[i] = pieces->items[i];
        if (!slk_piece_is_market(&items[i]) || !items[i].deal_info)
            continue;
        if (!recover_id(t, &items[i], &found))
            return;
        if (!found) {
            slk_turn_event(t, SLK_EVENT_REMOVE,
                           "deal %" PRIu64 " of piece %s cannot be found again",
                           items[i].deal_info->deal_id, slk_cid_text(&items[i].piece.piece_cid).s);
            return;
        }
    }
    const slk_sector_piece_list_t all = {items, pieces->count};
    slk_sector_info_t with = *t->sector;
    const slk_sector_info_t *before = t->sector;
    with.pieces = all;
    t->sector = &with;
    const bool ok = slk_check_pieces(t, &check);
    t->sector = before;
    if (!ok)
        return;
    if (check != SLK_CHECK_OK)
        slk_turn_event(t, SLK_EVENT_REMOVE, "%.500s", t->said.text);
    else
        slk_turn_event(t, SLK_EVENT_UPDATE_DEAL_IDS, "its deals were found again")->pieces = all;
}

/* --- Faults --------------------------------------------------------------------------------- */

void slk_decide_fault_reported(slk_turn_t *t)
{
    static const slk_bytes_t no_key;
    slk_turn_message_t message;
    if (!slk_turn_message(t, no_key, &t->sector->fault_report_msg, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY)
        slk_turn_wait(t, 0, message.until_epoch, "report of its fault: %.450s", t->said.text);
    else if (message.state == SLK_SENT_OK)
        slk_turn_event(t, SLK_EVENT_FAULTED_FINAL, "its fault is reported");
    else
        slk_turn_wait(t, 0, 0, "%.400s: a person has to decide", t->said.text);
}
