/* Gathering data: WaitDeals, AddPiece, Packing (spec 1.4, 1.5). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include <stdlib.h>
#include <string.h>

/* --- WaitDeals ----------------------------------------------------------------------------- */

/* The last moment to begin sealing, so that this piece's deal is active in time. Of several pieces the
 * earliest counts. */
static bool piece_safe_ms(slk_turn_t *t, const slk_sector_piece_t *piece, int64_t *ms)
{
    const int64_t buffer = t->world->config->start_epoch_sealing_buffer;
    const slk_piece_deal_info_t *info = piece->deal_info;
    int64_t epoch = slk_piece_start(piece);
    const slk_verified_allocation_key_t *key =
        info->piece_activation_manifest ? info->piece_activation_manifest->verified_allocation_key
                                        : NULL;
    *ms = INT64_MAX;
    if (!epoch && !key)
        return true;
    if (!slk_turn_net(t))
        return false;
    if (key) {
        slk_allocation_t allocation;
        bool there;
        if (!slk_turn_look(
                t,
                t->ops->allocation(t->ctx, key->client, key->id, t->arena, &allocation, &t->said),
                &there))
            return false;
        if (there && (!epoch || allocation.expiration < epoch))
            epoch = allocation.expiration;
    }
    if (epoch)
        *ms = slk_turn_epoch_ms(t, epoch - buffer);
    return true;
}

static bool seal_time(slk_turn_t *t, int64_t *ms, bool *by_deal)
{
    const slk_sector_info_t *s = t->sector;
    *ms = s->creation_time * 1000 + t->world->config->wait_deals_delay_ms;
    *by_deal = false;
    for (size_t i = 0; i < s->pieces.count; i++) {
        int64_t safe;
        if (!s->pieces.items[i].deal_info)
            continue;
        if (!piece_safe_ms(t, &s->pieces.items[i], &safe))
            return false;
        if (safe < *ms) {
            *ms = safe;
            *by_deal = true;
        }
    }
    return true;
}

void slk_decide_wait_deals(slk_turn_t *t)
{
    const slk_sector_info_t *s = t->sector;
    const uint64_t used = slk_sector_used(&s->pieces), size = t->porep.size->bytes;
    const size_t cnt = slk_sector_data_cnt(&s->pieces);
    int64_t at;
    bool by_deal;
    if (s->assigned.count) {
        slk_turn_event(t, SLK_EVENT_ADD_PIECE, "%zu pieces are to be written", s->assigned.count);
        return;
    }
    if (s->start_packing) {
        slk_turn_event(t, SLK_EVENT_START_PACKING, "sealing was asked for");
        return;
    }
    if (cnt >= slk_policy_max_deals(size)) {
        slk_turn_event(t, SLK_EVENT_START_PACKING, "it has as many deals as a sector may have, %zu",
                       cnt);
        return;
    }
    if (used >= size) {
        slk_turn_event(t, SLK_EVENT_START_PACKING, "it is full");
        return;
    }
    if (!s->creation_time || !cnt) {
        slk_turn_wait(t, 0, 0, "takes pieces; none is there yet");
        return;
    }
    if (!seal_time(t, &at, &by_deal))
        return;
    if (t->world->now_ms >= at) {
        slk_turn_event(t, SLK_EVENT_START_PACKING,
                       by_deal ? "a deal begins so soon that it has to be sealed now"
                               : "it has waited for deals as long as WaitDealsDelay says");
        return;
    }
    slk_turn_wait(t, at, 0,
                  "takes pieces: %zu with %" PRIu64 " of %" PRIu64
                  " bytes are there; is sealed at %s at the latest%s",
                  cnt, used, size, slk_time_text(at, t->world->now_ms).s,
                  by_deal ? ", because of a deal that begins" : "");
}

/* --- AddPiece ------------------------------------------------------------------------------ */

static json_t *piece_json(const slk_sector_piece_t *piece, bool with_source)
{
    json_t *json = json_object();
    json_object_set_new(json, "Size", json_integer((json_int_t)piece->piece.size));
    json_object_set_new(json, "PieceCID", json_string(slk_cid_text(&piece->piece.piece_cid).s));
    if (with_source && piece->source.len) {
        json_object_set_new(json, "Source",
                            json_stringn((const char *)piece->source.b, piece->source.len));
        json_object_set_new(json, "PayloadSize", json_integer((json_int_t)piece->payload_size));
    }
    return json;
}

static json_t *pieces_json(const slk_sector_piece_list_t *pieces, bool with_source)
{
    json_t *list = json_array();
    for (size_t i = 0; i < pieces->count; i++)
        json_array_append_new(list, piece_json(&pieces->items[i], with_source));
    return list;
}

json_t *slk_turn_pieces_json(const slk_sector_piece_list_t *pieces)
{
    return pieces_json(pieces, false);
}

/* Is row i of the result this piece? */
static bool is_row(const json_t *rows, size_t i, const slk_sector_piece_t *piece)
{
    const json_t *row = json_array_get(rows, i);
    const char *cid = json_string_value(json_object_get(row, "PieceCID"));
    return cid && !strcmp(cid, slk_cid_text(&piece->piece.piece_cid).s) &&
           (uint64_t)json_integer_value(json_object_get(row, "Size")) == piece->piece.size;
}

/* What was written: those of `layout` that stand in the result behind the pieces that were there. A piece
 * that was assigned while the job ran is not among them. */
static bool written(slk_turn_t *t, const slk_job_view_t *view, slk_sector_piece_list_t *layout)
{
    const slk_sector_piece_list_t *before = &t->sector->pieces;
    const json_t *rows = json_object_get(view->result, "Pieces");
    const size_t cnt = json_array_size(rows);
    bool same = cnt >= before->count && cnt - before->count <= layout->count;
    for (size_t i = 0; same && i < cnt; i++)
        same = is_row(rows, i,
                      i < before->count ? &before->items[i] : &layout->items[i - before->count]);
    if (!same || cnt == before->count) {
        slk_turn_event(t, SLK_EVENT_ADD_PIECE_FAILED,
                       "worker %s wrote other pieces than it was told to", view->worker);
        return false;
    }
    layout->count = cnt - before->count;
    return true;
}

void slk_decide_add_piece(slk_turn_t *t)
{
    const slk_sector_info_t *s = t->sector;
    slk_sector_piece_list_t layout;
    slk_job_view_t view;
    if (!s->assigned.count) {
        slk_turn_event(t, SLK_EVENT_PIECE_ADDED, "no piece is left to be written");
        return;
    }
    const slk_err_t err = slk_sector_layout(&layout, slk_sector_used(&s->pieces), &s->assigned,
                                            t->porep.size->bytes, t->arena, &t->said);
    if (err == SLK_ERR_NOMEM) {
        slk_turn_no_memory(t);
        return;
    }
    if (err != SLK_OK) {
        slk_turn_event(t, SLK_EVENT_ADD_PIECE_FAILED, "%.500s", t->said.text);
        return;
    }
    slk_turn_job_t job = {
        .task = SLK_TASK_AP,
        .params = json_pack("{s:o, s:o}", "Existing", pieces_json(&s->pieces, false), "Add",
                            pieces_json(&layout, true)),
        .failed = SLK_EVENT_ADD_PIECE_FAILED,
        .on_input = SLK_EVENT_ADD_PIECE_FAILED,
    };
    if (slk_turn_job(t, &job, &view) && written(t, &view, &layout))
        slk_turn_event(t, SLK_EVENT_PIECE_ADDED, "%zu pieces were written, fillers included",
                       layout.count)
            ->pieces = layout;
    /* Data of a client goes before everything else, although the record has none of it yet. */
    t->out->job.priority = 1024;
}

void slk_decide_add_piece_failed(slk_turn_t *t)
{
    if (slk_turn_cooled(t, "writes the piece again"))
        slk_turn_event(t, SLK_EVENT_RETRY_WAIT_DEALS, "is tried again");
}

/* --- Packing ------------------------------------------------------------------------------- */

void slk_decide_packing(slk_turn_t *t)
{
    slk_sector_piece_list_t fillers;
    const uint64_t used = slk_sector_used(&t->sector->pieces), size = t->porep.size->bytes;
    const slk_err_t err = slk_sector_fill(&fillers, used, size, t->arena, &t->said);
    if (err == SLK_ERR_NOMEM)
        slk_turn_no_memory(t);
    else if (err != SLK_OK)
        slk_turn_wait(t, 0, 0, "%.400s: remove it", t->said.text);
    else
        slk_turn_event(t, SLK_EVENT_PACKED,
                       "%" PRIu64 " of %" PRIu64 " bytes are filled with %zu zero pieces",
                       size - used, size, fillers.count)
            ->pieces = fillers;
}
