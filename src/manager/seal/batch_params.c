#include "manager/seal/batch_impl.h"

#include "codec/actors/miner.h"
#include "codec/actors/verifreg.h"

#include <stdlib.h>
#include <string.h>

/* --- Pre-commit ---------------------------------------------------------------------------- */

/* Of committed capacity; two proving periods less than what was asked for, as expirations are rounded up. */
static int64_t capacity_lifetime(const slk_policy_t *policy, int64_t lifetime)
{
    if (lifetime == 0)
        lifetime = policy->max_sector_extension;
    if (lifetime < policy->min_sector_expiration)
        return policy->min_sector_expiration;
    if (lifetime > policy->max_sector_extension)
        return policy->max_sector_extension;
    return lifetime - 2 * policy->proving_period;
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

int64_t slk_batch_expiration(const slk_sector_info_t *sector, const slk_policy_t *policy,
                             int64_t height, int64_t lifetime)
{
    int64_t end = 0;
    for (size_t i = 0; i < sector->pieces.count; i++) {
        const int64_t deal = slk_piece_end(&sector->pieces.items[i]);
        if (deal > height && deal > end)
            end = deal;
    }
    if (!end)
        end = height + capacity_lifetime(policy, lifetime);
    end = at_least(end, height + policy->min_sector_expiration + policy->proving_period);
    end = at_least(end, sector->ticket_epoch + policy->max_precommit_lookback +
                            policy->max_prove_commit_duration + policy->min_sector_expiration);
    const int64_t most = height + policy->max_sector_extension;
    return end < most ? end : most;
}

bool slk_batch_pre_commit(slk_making_t *m, slk_member_t *member)
{
    const slk_sector_info_t *s = member->sector;
    const slk_world_t *w = m->world;
    member->pre_commit = (slk_sector_pre_commit_info_t){
        .seal_proof = s->sector_type,
        .sector_number = s->sector_number,
        .sealed_cid = s->comm_r,
        .seal_rand_epoch = s->ticket_epoch,
        .expiration = slk_batch_expiration(s, &m->net.policy, m->net.height,
                                           w->config->committed_capacity_lifetime_epochs),
    };
    if (slk_sector_data_cnt(&s->pieces))
        member->pre_commit.unsealed_cid = s->comm_d;
    return slk_making_look(
        m, w->ops->deposit(w->ctx, m->miner, &member->pre_commit, &member->money, &m->said), NULL);
}

/* --- Prove-commit -------------------------------------------------------------------------- */

static bool exclude_commit(slk_making_t *m, slk_member_t *member)
{
    slk_making_exclude(m, member, SLK_EVENT_COMMIT_FAILED);
    return true;
}

/* Is the allocation one that this sector may claim? Excludes the member where it is not. */
static bool check_allocation(slk_making_t *m, slk_member_t *member,
                             const slk_piece_activation_manifest_t *piece, int64_t expiration)
{
    const slk_world_t *w = m->world;
    const slk_verified_allocation_key_t *key = piece->verified_allocation_key;
    slk_allocation_t a;
    bool there;
    if (!slk_making_look(
            m, w->ops->allocation(w->ctx, key->client, key->id, m->arena, &a, &m->said), &there))
        return false;
    const int64_t term = expiration - m->net.height;
    if (!there)
        slk_fail(&m->said, SLK_ERR_STATE,
                 "allocation %" PRIu64 " of client f0%" PRIu64 " is not there", key->id,
                 key->client);
    else if (a.provider != m->miner || a.size != piece->size)
        slk_fail(&m->said, SLK_ERR_STATE,
                 "allocation %" PRIu64 " of client f0%" PRIu64 " is for another provider or size",
                 key->id, key->client);
    else if (term < a.term_min || term > a.term_max)
        slk_fail(&m->said, SLK_ERR_STATE,
                 "allocation %" PRIu64 " of client f0%" PRIu64 " wants a term of %" PRId64
                 " to %" PRId64 " epochs, the sector has %" PRId64,
                 key->id, key->client, a.term_min, a.term_max, term);
    else
        return true;
    return exclude_commit(m, member);
}

/* A deal of the market: the actor is notified by the deal's number. */
static bool market_piece(slk_making_t *m, slk_member_t *member, const slk_sector_piece_t *piece,
                         slk_piece_activation_manifest_t *out)
{
    const slk_world_t *w = m->world;
    const uint64_t id = piece->deal_info->deal_id;
    slk_market_deal_t deal;
    slk_buf_t number = {0};
    uint64_t allocation = 0, client = 0;
    bool there;
    if (!slk_making_look(m, w->ops->deal(w->ctx, id, m->arena, &deal, &m->said), &there))
        return false;
    if (!there) {
        slk_fail(&m->said, SLK_ERR_STATE, "deal %" PRIu64 " is not on chain", id);
        return exclude_commit(m, member);
    }
    if (!slk_making_look(m, w->ops->deal_allocation(w->ctx, id, &allocation, &m->said), &there))
        return false;
    if (there && slk_address_to_id(&deal.proposal.client, &client)) {
        slk_verified_allocation_key_t *key = slk_arena_alloc(m->arena, sizeof *key);
        if (!key) {
            slk_making_no_memory(m);
            return false;
        }
        *key = (slk_verified_allocation_key_t){client, allocation};
        out->verified_allocation_key = key;
    }
    slk_data_activation_notification_t *notify = slk_arena_alloc(m->arena, sizeof *notify);
    slk_cbor_put_uint(&number, id);
    const void *payload = number.failed ? NULL : slk_arena_copy(m->arena, number.bytes, number.len);
    if (notify && payload) {
        notify->address = slk_address_id(SLK_ID_MARKET);
        notify->payload = (slk_bytes_t){payload, number.len};
        out->notify = (slk_data_activation_notification_list_t){notify, 1};
    } else {
        slk_making_no_memory(m);
    }
    slk_buf_free(&number);
    return notify && payload;
}

static bool list_pieces(slk_making_t *m, slk_member_t *member, int64_t expiration,
                        uint64_t *verified)
{
    const slk_sector_piece_list_t *pieces = &member->sector->pieces;
    slk_piece_activation_manifest_t *items =
        slk_arena_array(m->arena, pieces->count + 1, sizeof *items);
    size_t cnt = 0;
    if (!items) {
        slk_making_no_memory(m);
        return false;
    }
    for (size_t i = 0; i < pieces->count && !member->out; i++) {
        const slk_sector_piece_t *piece = &pieces->items[i];
        if (!piece->deal_info)
            continue;
        slk_piece_activation_manifest_t *out = &items[cnt++];
        if (slk_piece_is_market(piece)) {
            *out = (slk_piece_activation_manifest_t){.cid = piece->piece.piece_cid,
                                                     .size = piece->piece.size};
            if (!market_piece(m, member, piece, out))
                return false;
        } else {
            *out = *piece->deal_info->piece_activation_manifest;
        }
        if (member->out || !out->verified_allocation_key)
            continue;
        if (!check_allocation(m, member, out, expiration))
            return false;
        *verified += out->size;
    }
    member->activation = (slk_sector_activation_manifest_t){
        .sector_number = member->sector->sector_number, .pieces = {items, cnt}};
    return true;
}

bool slk_batch_commit(slk_making_t *m, slk_member_t *member)
{
    const slk_sector_info_t *s = member->sector;
    const slk_world_t *w = m->world;
    slk_sector_pre_commit_on_chain_info_t info;
    slk_bigint_t pledge;
    uint64_t verified = 0;
    bool there;
    if (!slk_making_look(
            m, w->ops->pre_commit(w->ctx, m->miner, s->sector_number, m->arena, &info, &m->said),
            &there))
        return false;
    if (!there) {
        slk_fail(&m->said, SLK_ERR_STATE, "its pre-commit is not on chain");
        return exclude_commit(m, member);
    }
    if (!list_pieces(m, member, info.info.expiration, &verified))
        return false;
    if (member->out)
        return true;
    if (!slk_making_look(m,
                         w->ops->pledge(w->ctx, info.info.expiration - m->net.height,
                                        m->info.sector_size, verified, &pledge, &m->said),
                         NULL))
        return false;
    member->money =
        slk_bigint_max((slk_bigint_t){0}, slk_bigint_sub(pledge, info.pre_commit_deposit));
    return true;
}

/* --- Termination --------------------------------------------------------------------------- */

/* Deadlines that may not be changed now: the present and the next one; also the one before, as its proofs are
 * not settled, where there are enough others. */
static bool is_held_back(const slk_api_deadline_info_t *now, uint64_t deadline)
{
    const uint64_t all = now->wpost_period_deadlines ? now->wpost_period_deadlines : 48;
    const uint64_t ahead = (deadline + all - now->index % all) % all;
    return ahead < 2 || (all > 4 && ahead == all - 1);
}

static bool is_live(slk_making_t *m, const slk_member_t *member, bool *live)
{
    const slk_world_t *w = m->world;
    slk_api_partitions_t partitions;
    bool there;
    if (!slk_making_look(m,
                         w->ops->partitions(w->ctx, m->miner, member->at.deadline, m->arena,
                                            &partitions, &m->said),
                         &there))
        return false;
    *live = there && member->at.partition < partitions.v.count &&
            slk_bitfield_contains(&partitions.v.items[member->at.partition].live_sectors,
                                  member->sector->sector_number);
    return true;
}

bool slk_batch_terminate(slk_making_t *m, slk_member_t *member)
{
    const slk_world_t *w = m->world;
    slk_api_deadline_info_t now;
    bool there, live;
    if (!slk_making_look(m, w->ops->deadline(w->ctx, m->miner, &now, &m->said), NULL) ||
        !slk_making_look(m,
                         w->ops->location(w->ctx, m->miner, member->sector->sector_number,
                                          &member->at, &m->said),
                         &there))
        return false;
    if (!there) {
        slk_fail(&m->said, SLK_ERR_STATE, "it is in no partition");
        slk_making_exclude(m, member, SLK_EVENT_TERMINATE_FAILED);
        return true;
    }
    if (!is_live(m, member, &live))
        return false;
    if (!live) {
        slk_fail(&m->said, SLK_ERR_STATE, "it is not proven any more");
        slk_making_exclude(m, member, SLK_EVENT_TERMINATING);
        return true;
    }
    if (is_held_back(&now, member->at.deadline)) {
        const int64_t at = m->net.head_ms + (now.close - m->net.height) * m->net.block_ms;
        member->out = true;
        if (!m->out->until_ms || at < m->out->until_ms)
            m->out->until_ms = at;
    }
    return true;
}

/* --- Parameters ---------------------------------------------------------------------------- */

static bool encode(slk_making_t *m, const slk_type_t *type, const void *record, slk_bytes_t *out)
{
    slk_buf_t buf = {0};
    slk_diag_t why;
    bool ok = slk_record_encode(&buf, type, record, &why) == SLK_OK && !buf.failed;
    const void *copy = ok ? slk_arena_copy(m->arena, buf.bytes, buf.len) : NULL;
    if (copy)
        *out = (slk_bytes_t){copy, buf.len};
    else if (ok || buf.failed)
        slk_making_no_memory(m);
    else
        m->err = slk_fail(m->diag, SLK_ERR_FORMAT, "parameters of a batch: %.1400s", why.text);
    slk_buf_free(&buf);
    return copy != NULL;
}

static bool pre_commit_params(slk_making_t *m, slk_member_t *const *members, size_t cnt,
                              slk_bytes_t *params)
{
    slk_sector_pre_commit_info_t *items = slk_arena_array(m->arena, cnt, sizeof *items);
    if (!items) {
        slk_making_no_memory(m);
        return false;
    }
    for (size_t i = 0; i < cnt; i++)
        items[i] = members[i]->pre_commit;
    const slk_pre_commit_sector_batch2_params_t all = {.sectors = {items, cnt}};
    return encode(m, &slk_pre_commit_sector_batch2_params_type, &all, params);
}

static bool commit_params(slk_making_t *m, slk_member_t *const *members, size_t cnt,
                          slk_bytes_t *params)
{
    slk_sector_activation_manifest_t *items = slk_arena_array(m->arena, cnt, sizeof *items);
    slk_bytes_t *proofs = slk_arena_array(m->arena, cnt, sizeof *proofs);
    if (!items || !proofs) {
        slk_making_no_memory(m);
        return false;
    }
    for (size_t i = 0; i < cnt; i++) {
        items[i] = members[i]->activation;
        proofs[i] = members[i]->sector->proof;
    }
    const slk_prove_commit_sectors3_params_t all = {
        .sector_activations = {items, cnt},
        .sector_proofs = {proofs, cnt},
        .require_activation_success = m->world->config->require_activation_success,
        .require_notification_success = m->world->config->require_notification_success,
    };
    return encode(m, &slk_prove_commit_sectors3_params_type, &all, params);
}

static int by_place(const void *a, const void *b)
{
    const slk_member_t *x = *(slk_member_t *const *)a, *y = *(slk_member_t *const *)b;
    if (x->at.deadline != y->at.deadline)
        return x->at.deadline < y->at.deadline ? -1 : 1;
    return x->at.partition < y->at.partition ? -1 : x->at.partition > y->at.partition;
}

/* One declaration a partition. */
static bool terminate_params(slk_making_t *m, slk_member_t *const *members, size_t cnt,
                             slk_bytes_t *params)
{
    slk_sector_declaration_t *items = slk_arena_array(m->arena, cnt, sizeof *items);
    const slk_member_t **order = slk_arena_array(m->arena, cnt, sizeof *order);
    uint64_t *numbers = slk_arena_array(m->arena, cnt, sizeof *numbers);
    size_t declared = 0;
    if (!items || !order || !numbers) {
        slk_making_no_memory(m);
        return false;
    }
    for (size_t i = 0; i < cnt; i++)
        order[i] = members[i];
    qsort(order, cnt, sizeof *order, by_place);
    for (size_t i = 0, end; i < cnt; i = end) {
        slk_sector_declaration_t *to = &items[declared++];
        *to = (slk_sector_declaration_t){.deadline = order[i]->at.deadline,
                                         .partition = order[i]->at.partition};
        for (end = i; end < cnt && order[end]->at.deadline == to->deadline &&
                      order[end]->at.partition == to->partition;
             end++)
            numbers[end] = order[end]->sector->sector_number;
        if (slk_bitfield_from_bits(&to->sectors, numbers + i, end - i, m->arena) != SLK_OK) {
            slk_making_no_memory(m);
            return false;
        }
    }
    const slk_terminate_sectors_params_t all = {.terminations = {items, declared}};
    return encode(m, &slk_terminate_sectors_params_type, &all, params);
}

bool slk_batch_params(slk_making_t *m, slk_member_t *const *members, size_t cnt,
                      slk_bytes_t *params)
{
    static bool (*const by_kind[SLK_BATCH_CNT])(slk_making_t *, slk_member_t *const *, size_t,
                                                slk_bytes_t *) = {
        [SLK_BATCH_PRE_COMMIT] = pre_commit_params,
        [SLK_BATCH_COMMIT] = commit_params,
        [SLK_BATCH_TERMINATE] = terminate_params,
    };
    return by_kind[m->kind](m, members, cnt, params);
}
