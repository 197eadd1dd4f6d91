#include "app/actor_calls_impl.h"

#include "base/assert.h"
#include "codec/fil.h"
#include "codec/multiaddr.h"

#include <stdlib.h>
#include <string.h>

#define MASK_LAST_MAX ((uint64_t)1 << 60) /* a miner with higher numbers is not to be bricked */

static bool same(const slk_address_t *a, const slk_address_t *b)
{
    return slk_address_eq(a, b);
}

static slk_address_text_t text_of(const slk_miner_talk_t *miner, const slk_address_t *address)
{
    return slk_address_text(address, miner->talk.api.network);
}

/* An amount of at least `least` attoFIL. */
static slk_err_t read_amount(slk_bigint_t *amount, const char *text, int least, slk_diag_t *diag)
{
    slk_bigint_t low = slk_bigint_i64(least);
    slk_err_t err = slk_fil_parse(amount, text, diag);
    if (err == SLK_OK && slk_bigint_cmp(amount, &low) < 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "'%.60s': expected an amount %s", text,
                       least ? "above 0" : "of at least 0");
    return err;
}

/* Who sends what any controller may: --from, or the worker. */
static slk_err_t controller(slk_miner_talk_t *miner, slk_address_t *from, slk_diag_t *diag)
{
    const slk_api_miner_info_t *info = &miner->info;
    *from = info->worker;
    if (!miner->use->from)
        return SLK_OK;
    slk_err_t err = slk_resolve_id(&miner->talk, miner->use->from, from, diag);
    bool may = same(from, &info->owner) || same(from, &info->worker);
    for (size_t i = 0; i < info->control_addresses.count; i++)
        may = may || same(from, &info->control_addresses.items[i]);
    if (err == SLK_OK && !may)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "%.130s (%s) is neither owner, worker nor control address of %s",
                       miner->use->from, text_of(miner, from).s, text_of(miner, &miner->id).s);
    return err;
}

/* Send without looking at what comes back beyond the exit code. */
static slk_err_t send_plain(slk_miner_talk_t *miner, const slk_address_t *from,
                            const slk_bigint_t *value, const char *method, const void *params,
                            json_t *json, bool *failed, slk_diag_t *diag)
{
    slk_message_row_t row;
    slk_err_t err = slk_miner_send(miner, from, value, method, params, &row, json, failed, diag);
    slk_message_row_free(&row);
    return err;
}

/* --- Where the miner is -------------------------------------------------------------------- */

static slk_err_t read_addrs(slk_bytes_list_t *list, slk_buf_t *buf, char *const *texts, size_t cnt,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    list->items = slk_arena_array(arena, cnt, sizeof *list->items);
    if (!list->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < cnt; i++) {
        size_t peer;
        slk_buf_clear(buf);
        slk_err_t err = slk_multiaddr_from_text(buf, &peer, texts[i], diag);
        if (err != SLK_OK)
            return err;
        if (!peer)
            return slk_fail(diag, SLK_ERR_INPUT, "'%.200s': nothing before /p2p", texts[i]);
        list->items[i] = (slk_bytes_t){slk_arena_copy(arena, buf->bytes, peer), peer};
        if (!list->items[i].b)
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    }
    list->count = cnt;
    return SLK_OK;
}

slk_err_t slk_actor_set_addrs(const slk_actor_use_t *use, char *const *texts, size_t cnt,
                              SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_change_multiaddrs_params_t params = {0};
    slk_buf_t buf = {0};
    slk_address_t from;
    slk_arena_t arena;
    slk_err_t err;
    slk_arena_init(&arena, 1 << 20);
    miner = (slk_miner_talk_t){0};
    SLK_TRY(read_addrs(&params.new_multiaddrs, &buf, texts, cnt, &arena, diag));
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    SLK_TRY(controller(&miner, &from, diag));
    *result = json_object();
    err = send_plain(&miner, &from, NULL, "ChangeMultiaddrs", &params, *result, failed, diag);
out:
    slk_buf_free(&buf);
    slk_arena_free(&arena);
    slk_miner_talk_close(&miner);
    return err;
}

slk_err_t slk_actor_set_peer_id(const slk_actor_use_t *use, const char *text, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner = {0};
    uint8_t id[SLK_PEER_ID_MAX];
    size_t len;
    slk_err_t err;
    SLK_TRY(slk_peer_id_from_text(id, &len, text, diag));
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    slk_change_peer_id_params_t params = {.new_id = {.b = id, .len = len}};
    *result = json_object();
    err = send_plain(&miner, &miner.info.worker, NULL, "ChangePeerID", &params, *result, failed,
                     diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

/* --- Owner, worker, control addresses ------------------------------------------------------ */

slk_err_t slk_actor_set_owner(const slk_actor_use_t *use, const char *owner, const char *sender,
                              SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_address_t from;
    slk_value_address_t params;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    from = miner.info.owner;
    SLK_TRY(slk_resolve_id(&miner.talk, owner, &params.value, diag));
    if (sender)
        SLK_TRY(slk_resolve_id(&miner.talk, sender, &from, diag));
    if (!same(&from, &miner.info.owner) && !same(&from, &params.value)) {
        err = slk_fail(diag, SLK_ERR_STATE,
                       "%.130s is neither the present owner, %s, nor the new one", sender,
                       text_of(&miner, &miner.info.owner).s);
        goto out;
    }
    *result = json_object();
    slk_json_set(*result, "new_owner", slk_address_json(&params.value, miner.talk.api.network));
    err = send_plain(&miner, &from, NULL, "ChangeOwnerAddress", &params, *result, failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

static bool listed(const slk_address_t *address, const slk_address_t *list, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        if (same(address, &list[i]))
            return true;
    return false;
}

/* Addresses of one list that the other lacks. */
static json_t *differing(const slk_miner_talk_t *miner, const slk_address_t *a, size_t a_cnt,
                         const slk_address_t *b, size_t b_cnt)
{
    json_t *json = json_array();
    for (size_t i = 0; i < a_cnt; i++)
        if (!listed(&a[i], b, b_cnt))
            json_array_append_new(json, json_string(text_of(miner, &a[i]).s));
    return json;
}

slk_err_t slk_actor_control_set(const slk_actor_use_t *use, char *const *texts, size_t cnt,
                                SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    const slk_address_list_t *now = &miner.info.control_addresses;
    slk_arena_t *arena = &miner.talk.arena;
    slk_address_t *keys = slk_arena_array(arena, cnt, sizeof *keys);
    slk_address_t *old = slk_arena_array(arena, now->count, sizeof *old);
    if (!keys || !old) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < now->count; i++)
        SLK_TRY(slk_resolve_key(&miner.talk, &now->items[i], &old[i], diag));
    for (size_t i = 0; i < cnt; i++) {
        slk_address_t address, id;
        SLK_TRY(slk_resolve_id(&miner.talk, texts[i], &id, diag)); /* it is on the chain */
        SLK_TRY(slk_read_address(&address, texts[i], diag));
        SLK_TRY(slk_resolve_key(&miner.talk, &address, &keys[i], diag));
    }
    slk_change_worker_address_params_t params = {
        .new_worker = miner.info.worker, .new_control_addrs = {.items = keys, .count = cnt}};
    *result = json_object();
    slk_json_set(*result, "remove", differing(&miner, old, now->count, keys, cnt));
    slk_json_set(*result, "add", differing(&miner, keys, cnt, old, now->count));
    err = send_plain(&miner, &miner.info.owner, NULL, "ChangeWorkerAddress", &params, *result,
                     failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

/* What the miner shows in the state that the message made. */
static slk_err_t after(slk_miner_talk_t *miner, const slk_message_row_t *row, slk_diag_t *diag)
{
    return slk_api_StateMinerInfo(&miner->talk.api, &miner->id, &row->landed_tipset,
                                  &miner->talk.arena, &miner->info, diag);
}

static bool executed(const slk_message_row_t *row)
{
    return slk_cid_defined(&row->landed_cid) && row->exit_code == 0;
}

slk_err_t slk_actor_propose_worker(const slk_actor_use_t *use, const char *text, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_message_row_t row = {0};
    slk_change_worker_address_params_t params;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    const slk_api_miner_info_t *info = &miner.info;
    params = (slk_change_worker_address_params_t){.new_control_addrs = info->control_addresses};
    SLK_TRY(slk_resolve_id(&miner.talk, text, &params.new_worker, diag));
    bool pending = slk_address_defined(&info->new_worker);
    if (same(pending ? &info->new_worker : &info->worker, &params.new_worker)) {
        err = slk_fail(diag, SLK_ERR_STATE, "%.130s %s", text,
                       pending ? "is proposed already" : "is the worker already");
        goto out;
    }
    *result = json_object();
    slk_json_set(*result, "new_worker",
                 slk_address_json(&params.new_worker, miner.talk.api.network));
    SLK_TRY(slk_miner_send(&miner, &info->owner, NULL, "ChangeWorkerAddress", &params, &row,
                           *result, failed, diag));
    if (!executed(&row))
        goto out;
    SLK_TRY(after(&miner, &row, diag));
    if (!same(&info->new_worker, &params.new_worker)) {
        err = slk_fail(diag, SLK_ERR_STATE, "the proposal was executed, but the miner shows %s",
                       text_of(&miner, &info->new_worker).s);
        goto out;
    }
    slk_json_set(*result, "worker_change_epoch", json_integer(info->worker_change_epoch));
out:
    slk_message_row_free(&row);
    slk_miner_talk_close(&miner);
    return err;
}

/* May the proposed worker be confirmed now? */
static slk_err_t check_confirm(slk_miner_talk_t *miner, const char *text, slk_diag_t *diag)
{
    slk_address_t worker;
    slk_tipset_t head;
    const slk_api_miner_info_t *info = &miner->info;
    slk_err_t err = slk_resolve_id(&miner->talk, text, &worker, diag);
    if (err != SLK_OK)
        return err;
    if (!slk_address_defined(&info->new_worker))
        return slk_fail(diag, SLK_ERR_STATE, "no change of the worker is proposed");
    if (!same(&info->new_worker, &worker))
        return slk_fail(diag, SLK_ERR_STATE, "%.130s is not the proposed worker, %s", text,
                        text_of(miner, &info->new_worker).s);
    err = slk_api_ChainHead(&miner->talk.api, &miner->talk.arena, &head, diag);
    if (err == SLK_OK && head.height < info->worker_change_epoch)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "the worker cannot be changed before epoch %lld; the chain is at %lld",
                       (long long)info->worker_change_epoch, (long long)head.height);
    return err;
}

slk_err_t slk_actor_confirm_worker(const slk_actor_use_t *use, const char *text, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_message_row_t row = {0};
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    SLK_TRY(check_confirm(&miner, text, diag));
    slk_address_t worker = miner.info.new_worker;
    *result = json_object();
    slk_json_set(*result, "new_worker", slk_address_json(&worker, miner.talk.api.network));
    SLK_TRY(slk_miner_send(&miner, &miner.info.owner, NULL, "ConfirmChangeWorkerAddress", NULL,
                           &row, *result, failed, diag));
    if (!executed(&row))
        goto out;
    SLK_TRY(after(&miner, &row, diag));
    if (!same(&miner.info.worker, &worker))
        err = slk_fail(diag, SLK_ERR_STATE, "the change was executed, but the worker is %s",
                       text_of(&miner, &miner.info.worker).s);
out:
    slk_message_row_free(&row);
    slk_miner_talk_close(&miner);
    return err;
}

/* --- Money --------------------------------------------------------------------------------- */

slk_err_t slk_actor_withdraw(const slk_actor_use_t *use, const char *text, bool by_beneficiary,
                             SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner = {0};
    slk_message_row_t row = {0};
    slk_bigint_t amount = {0};
    slk_api_bigint_t available;
    slk_value_bigint_t got;
    slk_err_t err = text ? read_amount(&amount, text, 0, diag) : SLK_OK;
    SLK_TRY(err);
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    slk_arena_t *arena = &miner.talk.arena;
    SLK_TRY(slk_api_StateMinerAvailableBalance(&miner.talk.api, &miner.id, NULL, arena, &available,
                                               diag));
    if (slk_bigint_cmp(&amount, &available.v) > 0) {
        char have[SLK_FIL_TEXT_SZ];
        slk_fil_format(have, &available.v);
        err = slk_fail(diag, SLK_ERR_STATE, "the miner has only %s to withdraw, not %.60s", have,
                       text);
        goto out;
    }
    if (!slk_bigint_sign(&amount))
        amount = available.v;
    if (!slk_bigint_sign(&amount)) {
        err = slk_fail(diag, SLK_ERR_STATE, "the miner has nothing to withdraw now");
        goto out;
    }
    slk_miner_withdraw_balance_params_t params = {.amount_requested = amount};
    *result = json_object();
    slk_amount_json(*result, "requested", &amount);
    SLK_TRY(slk_miner_send(&miner, by_beneficiary ? &miner.info.beneficiary : &miner.info.owner,
                           NULL, "WithdrawBalance", &params, &row, *result, failed, diag));
    if (!executed(&row))
        goto out;
    SLK_TRY(
        slk_record_decode(&got, &slk_value_bigint_type, row.result, row.result_len, arena, diag));
    slk_amount_json(*result, "withdrawn", &got.value);
out:
    slk_message_row_free(&row);
    slk_miner_talk_close(&miner);
    return err;
}

slk_err_t slk_actor_repay_debt(const slk_actor_use_t *use, const char *text, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner = {0};
    slk_bigint_t amount = {0};
    slk_address_t from;
    slk_err_t err = text ? read_amount(&amount, text, 1, diag) : SLK_OK;
    SLK_TRY(err);
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    SLK_TRY(controller(&miner, &from, diag));
    if (!text) {
        slk_miner_funds_t funds;
        SLK_TRY(slk_miner_funds(&miner, &funds, diag));
        amount = funds.fee_debt;
        if (!slk_bigint_sign(&amount)) {
            err = slk_fail(diag, SLK_ERR_STATE, "the miner has no debt");
            goto out;
        }
    }
    *result = json_object();
    err = send_plain(&miner, &from, &amount, "RepayDebt", NULL, *result, failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

/* --- Beneficiary --------------------------------------------------------------------------- */

static void term_json(json_t *json, const slk_miner_talk_t *miner,
                      const slk_change_beneficiary_params_t *term)
{
    slk_json_set(json, "new_beneficiary",
                 slk_address_json(&term->new_beneficiary, miner->talk.api.network));
    slk_amount_json(json, "quota", &term->new_quota);
    slk_json_set(json, "expiration", json_integer(term->new_expiration));
}

static slk_err_t send_term(slk_miner_talk_t *miner, const slk_address_t *from,
                           const slk_change_beneficiary_params_t *term, SLK_ACTOR_OUT)
{
    slk_message_row_t row = {0};
    *result = json_object();
    term_json(*result, miner, term);
    slk_err_t err =
        slk_miner_send(miner, from, NULL, "ChangeBeneficiary", term, &row, *result, failed, diag);
    if (err == SLK_OK && executed(&row)) {
        err = after(miner, &row, diag);
        slk_json_set(*result, "changed",
                     json_boolean(!miner->info.pending_beneficiary_term &&
                                  same(&miner->info.beneficiary, &term->new_beneficiary)));
    }
    slk_message_row_free(&row);
    return err;
}

static slk_err_t read_epoch(int64_t *epoch, const char *text, slk_diag_t *diag)
{
    char *end;
    *epoch = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || *epoch == INT64_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "'%.60s': expected an epoch", text);
    return SLK_OK;
}

slk_err_t slk_actor_set_beneficiary(const slk_actor_use_t *use, const char *beneficiary,
                                    const char *quota, const char *expiration, bool overwrite,
                                    SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner = {0};
    slk_change_beneficiary_params_t term = {0};
    slk_err_t err;
    SLK_TRY(read_amount(&term.new_quota, quota, 0, diag));
    SLK_TRY(read_epoch(&term.new_expiration, expiration, diag));
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    SLK_TRY(slk_resolve_id(&miner.talk, beneficiary, &term.new_beneficiary, diag));
    const slk_api_miner_info_t *info = &miner.info;
    const slk_pending_beneficiary_change_t *pending = info->pending_beneficiary_term;
    if (same(&info->beneficiary, &info->owner) && same(&term.new_beneficiary, &info->owner)) {
        err = slk_fail(diag, SLK_ERR_STATE, "the owner, %s, is the beneficiary already",
                       text_of(&miner, &info->owner).s);
        goto out;
    }
    if (pending && !overwrite) {
        err = slk_fail(diag, SLK_ERR_STATE,
                       "a change to %s until epoch %lld is proposed already; pass "
                       "--overwrite-pending-change to replace it",
                       text_of(&miner, &pending->new_beneficiary).s,
                       (long long)pending->new_expiration);
        goto out;
    }
    err = send_term(&miner, &info->owner, &term, result, failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

slk_err_t slk_actor_confirm_beneficiary(const slk_actor_use_t *use, bool nominee, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner;
    slk_err_t err;
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    const slk_pending_beneficiary_change_t *pending = miner.info.pending_beneficiary_term;
    if (!pending) {
        err = slk_fail(diag, SLK_ERR_STATE, "no change of the beneficiary is proposed");
        goto out;
    }
    if (nominee ? pending->approved_by_nominee : pending->approved_by_beneficiary) {
        err = slk_fail(diag, SLK_ERR_STATE, "the %s beneficiary has approved the change already",
                       nominee ? "new" : "present");
        goto out;
    }
    slk_change_beneficiary_params_t term = {.new_beneficiary = pending->new_beneficiary,
                                            .new_quota = pending->new_quota,
                                            .new_expiration = pending->new_expiration};
    err = send_term(&miner, nominee ? &term.new_beneficiary : &miner.info.beneficiary, &term,
                    result, failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}

/* --- Sector numbers ------------------------------------------------------------------------ */

/* How many numbers from 0 on to mask. */
static slk_err_t mask_below(slk_miner_talk_t *miner, bool last_offset, uint64_t n, uint64_t *below,
                            slk_diag_t *diag)
{
    slk_api_bitfield_t allocated;
    uint64_t last = 0;
    *below = n;
    if (!last_offset)
        return SLK_OK;
    slk_err_t err = slk_api_StateMinerAllocated(&miner->talk.api, &miner->id, NULL,
                                                &miner->talk.arena, &allocated, diag);
    if (err != SLK_OK)
        return err;
    if (!slk_bitfield_last(&allocated.v, &last) || last <= n || last - n <= 1)
        return slk_fail(diag, SLK_ERR_STATE,
                        "the highest sector number ever used is %llu: nothing lies %llu below it",
                        (unsigned long long)last, (unsigned long long)n);
    if (last > MASK_LAST_MAX)
        return slk_fail(diag, SLK_ERR_STATE,
                        "the highest sector number ever used is %llu: masking up to there would "
                        "leave too few",
                        (unsigned long long)last);
    *below = last - n;
    return SLK_OK;
}

slk_err_t slk_actor_compact(const slk_actor_use_t *use, bool last_offset, uint64_t n, SLK_ACTOR_OUT)
{
    slk_miner_talk_t miner = {0};
    slk_compact_sector_numbers_params_t params = {0};
    uint64_t below;
    slk_err_t err;
    if (!last_offset && (n < 1 || n > MASK_LAST_MAX))
        return slk_fail(diag, SLK_ERR_INPUT, "--mask-upto-n %llu: expected 1 to %llu",
                        (unsigned long long)n, (unsigned long long)MASK_LAST_MAX);
    SLK_TRY(slk_miner_talk_open(&miner, use, diag));
    SLK_TRY(mask_below(&miner, last_offset, n, &below, diag));
    SLK_TRY(slk_bitfield_from_range(&params.mask_sector_numbers, 0, below, &miner.talk.arena));
    *result = json_object();
    slk_json_set(*result, "first_free", json_integer((json_int_t)below));
    err = send_plain(&miner, &miner.info.worker, NULL, "CompactSectorNumbers", &params, *result,
                     failed, diag);
out:
    slk_miner_talk_close(&miner);
    return err;
}
