/* Notifications of sectors' content (FIP-0076): to the market, or to any actor that was named. */

#include "codec/actors/market.h"
#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/array.h"

#include <inttypes.h>
#include <stdlib.h>

#define SECTOR_CONTENT_CHANGED 2034386435u

/* One piece that one actor is to be told of. */
typedef struct {
    const slk_address_t *to;
    const slk_activation_t *sector;
    slk_piece_change_t change;
    size_t order; /* in the message */
} notice_t;

static int compare_receivers(const slk_address_t *a, const slk_address_t *b)
{
    uint64_t x, y;
    if (slk_address_to_id(a, &x) && slk_address_to_id(b, &y))
        return (x > y) - (x < y);
    return slk_address_cmp(a, b);
}

/* By receiver, then by sector, then as the message has them. */
static int compare_notices(const void *left, const void *right)
{
    const notice_t *a = left, *b = right;
    const int by_receiver = compare_receivers(a->to, b->to);
    if (by_receiver)
        return by_receiver;
    if (a->sector->sector != b->sector->sector)
        return a->sector->sector < b->sector->sector ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static size_t count_notices(const slk_activations_t *list)
{
    size_t cnt = 0;
    for (size_t i = 0; i < list->cnt; i++)
        for (size_t k = 0; k < list->items[i].pieces.count; k++)
            cnt += list->items[i].pieces.items[k].notify.count;
    return cnt;
}

static slk_exit_t collect(slk_rt_t *rt, const slk_activations_t *list, notice_t **notices,
                          size_t *cnt)
{
    *cnt = 0;
    SLK_RT_TRY(slk_rt_alloc(rt, notices, count_notices(list), sizeof **notices));
    for (size_t i = 0; i < list->cnt; i++) {
        const slk_activation_t *one = &list->items[i];
        for (size_t k = 0; one->code == SLK_EXIT_OK && k < one->pieces.count; k++) {
            const slk_piece_activation_manifest_t *piece = &one->pieces.items[k];
            for (size_t n = 0; n < piece->notify.count; n++, ++*cnt)
                (*notices)[*cnt] =
                    (notice_t){&piece->notify.items[n].address,
                               one,
                               {piece->cid, piece->size, piece->notify.items[n].payload},
                               *cnt};
        }
    }
    if (*cnt)
        qsort(*notices, *cnt, sizeof **notices, compare_notices);
    return SLK_EXIT_OK;
}

/* What one receiver is told, from notices that are all for it. */
static slk_exit_t make_params(slk_rt_t *rt, const notice_t *notices, size_t cnt,
                              slk_sector_content_changed_params_t *params)
{
    *params = (slk_sector_content_changed_params_t){0};
    slk_piece_change_t *changes;
    SLK_RT_TRY(slk_rt_alloc(rt, &params->sectors.items, cnt, sizeof *params->sectors.items));
    SLK_RT_TRY(slk_rt_alloc(rt, &changes, cnt, sizeof *changes));
    for (size_t i = 0; i < cnt; i++) {
        changes[i] = notices[i].change;
        if (!i || notices[i].sector->sector != notices[i - 1].sector->sector)
            params->sectors.items[params->sectors.count++] = (slk_sector_changes_t){
                notices[i].sector->sector, notices[i].sector->expiration, {&changes[i], 0}};
        params->sectors.items[params->sectors.count - 1].added.count++;
    }
    return SLK_EXIT_OK;
}

static slk_exit_t check_answer(slk_rt_t *rt, const slk_address_t *to,
                               const slk_sector_changes_list_t *asked,
                               const slk_sector_content_changed_return_t *ret)
{
    if (ret->sectors.count != asked->count)
        return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_RESPONSE_INVALID,
                            "sector change response mismatched sectors");
    for (size_t i = 0; i < asked->count; i++) {
        const slk_sector_changes_t *sector = &asked->items[i];
        const slk_bool_list_t *accepted = &ret->sectors.items[i].added;
        if (accepted->count != sector->added.count)
            return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_RESPONSE_INVALID,
                                "sector change response mismatched pieces for sector %" PRIu64,
                                sector->sector);
        for (size_t k = 0; k < accepted->count; k++)
            if (!accepted->items[k])
                return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_REJECTED,
                                    "sector change rejected by %s for sector %" PRIu64 " piece %s",
                                    slk_address_text(to, SLK_MAINNET).s, sector->sector,
                                    slk_cid_text(&sector->added.items[k].data).s);
    }
    return SLK_EXIT_OK;
}

/* How a call went, where that matters. */
static slk_exit_t check_call(slk_rt_t *rt, const slk_address_t *to,
                             const slk_sector_changes_list_t *asked, slk_exit_t exit,
                             slk_bytes_t bytes)
{
    slk_sector_content_changed_return_t ret;
    if (exit == SLK_EXIT_SYS_INVALID_RECEIVER)
        return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_SEND_FAILED,
                            "send error: there is no actor %s",
                            slk_address_text(to, SLK_MAINNET).s);
    if (exit != SLK_EXIT_OK)
        return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_RECEIVER_ABORTED,
                            "receiver aborted with %d", (int)exit);
    if (!bytes.len)
        return slk_rt_abort(rt, SLK_EXIT_MINER_NOTIFICATION_RESPONSE_INVALID, "no return data");
    SLK_RT_TRY(slk_rt_wrap(
        rt,
        slk_rt_err(rt,
                   slk_record_decode(&ret, &slk_sector_content_changed_return_type, bytes.b,
                                     bytes.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                   SLK_EXIT_MINER_NOTIFICATION_RESPONSE_INVALID),
        "invalid return data serialization"));
    return check_answer(rt, to, asked, &ret);
}

static slk_exit_t notify(slk_rt_t *rt, const notice_t *notices, size_t cnt, bool required)
{
    slk_sector_content_changed_params_t params;
    slk_buf_t buf = {0};
    slk_bytes_t ret = {0};
    slk_exit_t exit, called;
    SLK_RT_TRY(make_params(rt, notices, cnt, &params));
    SLK_RT_GOTO(slk_rt_err(
        rt,
        slk_record_encode(&buf, &slk_sector_content_changed_params_type, &params, slk_rt_diag(rt)),
        SLK_EXIT_FATAL));
    SLK_RT_GOTO(slk_rt_err(rt, slk_buf_check(&buf, slk_rt_diag(rt)), SLK_EXIT_FATAL));
    SLK_RT_GOTO(slk_rt_send(rt, notices->to, SECTOR_CONTENT_CHANGED, buf.bytes, buf.len,
                            slk_bigint_u64(0), &called, &ret));
    if (required)
        exit = check_call(rt, notices->to, &params.sectors, called, ret);
out:
    slk_buf_free(&buf);
    return exit;
}

slk_exit_t slk_notify_data_consumers(slk_rt_t *rt, const slk_activations_t *list, bool required)
{
    notice_t *notices;
    size_t cnt, end;
    SLK_RT_TRY(collect(rt, list, &notices, &cnt));
    for (size_t begin = 0; begin < cnt; begin = end) {
        for (end = begin + 1; end < cnt && !compare_receivers(notices[begin].to, notices[end].to);)
            end++;
        SLK_RT_TRY(notify(rt, notices + begin, end - begin, required));
    }
    return SLK_EXIT_OK;
}
