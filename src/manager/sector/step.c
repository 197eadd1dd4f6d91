#include "manager/sector/step.h"

#include "manager/sector/step_table.h"

#include <string.h>

static slk_err_t no_memory(slk_diag_t *why)
{
    return slk_fail(why, SLK_ERR_NOMEM, "no memory for a sector's record");
}

/* --- What events write, member by member --------------------------------------------------------- */

typedef enum {
    WRITE_COPY,  /* the event's member as it is */
    WRITE_GIVEN, /* a CID, where the event has one */
    WRITE_BYTES, /* a copy of bytes */
    WRITE_KEY,   /* a copy of the message's key */
    WRITE_ERR,   /* a copy of the text */
    WRITE_ZERO,
    WRITE_TRUE,
    WRITE_COUNT /* one more */
} write_t;

#define SIZE(member) sizeof(((slk_sector_info_t *)0)->member)
/* Zero, and an error where the members' sizes differ. */
#define SAME(from, to) (0 * sizeof(char[sizeof(((slk_event_t *)0)->from) == SIZE(to) ? 1 : -1]))
#define PUT(event_, what_, from_, to_, same_)                                                      \
    {.event = SLK_EVENT_##event_,                                                                  \
     .what = WRITE_##what_,                                                                        \
     .from = (uint16_t)(offsetof(slk_event_t, from_) + (same_)),                                   \
     .to = offsetof(slk_sector_info_t, to_),                                                       \
     .size = SIZE(to_)},
#define COPY(event, from, to) PUT(event, COPY, from, to, SAME(from, to))
#define GIVEN(event, to)      PUT(event, GIVEN, cid, to, SAME(cid, to))
#define BYTES(event, to)      PUT(event, BYTES, bytes, to, SAME(bytes, to))
#define KEY(event, to)        PUT(event, KEY, key, to, 0)
#define ERR(event)            PUT(event, ERR, text, last_err, 0)
#define ZERO(event, to)       PUT(event, ZERO, type, to, 0)
#define TRUE(event, to)       PUT(event, TRUE, type, to, 0)
#define COUNT(event, to)      PUT(event, COUNT, type, to, 0)

static const struct {
    uint8_t event, what;
    uint16_t from, to, size;
} writes[] = {
    /* clang-format off */
    ERR(FATAL_ERROR)
    COPY(START, miner, miner)
    COPY(START, number, sector_number)
    COPY(START, sector_type, sector_type)
    COPY(START_CC, miner, miner)
    COPY(START_CC, number, sector_number)
    COPY(START_CC, sector_type, sector_type)
    ERR(ADD_PIECE_FAILED)
    COPY(TICKET, hash, ticket_value)
    COPY(TICKET, epoch, ticket_epoch)
    BYTES(PRE_COMMIT1, pre_commit1_out)
    ZERO(PRE_COMMIT1, pre_commit2_fails)
    ZERO(PRE_COMMIT1, finalized)
    COPY(PRE_COMMIT2, comm_d, comm_d)
    COPY(PRE_COMMIT2, comm_r, comm_r)
    ZERO(PRE_COMMIT2, finalized)
    COPY(PRE_COMMIT_BATCH_SENT, cid, pre_commit_message)
    KEY(PRE_COMMIT_BATCH_SENT, pre_commit_key)
    COPY(PRE_COMMIT_BATCH_SENT, amount, pre_commit_deposit)
    COPY(PRE_COMMITTED, cid, pre_commit_message)
    KEY(PRE_COMMITTED, pre_commit_key)
    COPY(PRE_COMMITTED, amount, pre_commit_deposit)
    BYTES(PRE_COMMIT_LANDED, pre_commit_tipset)
    GIVEN(PRE_COMMIT_LANDED, pre_commit_message)
    COPY(SEED_READY, hash, seed_value)
    COPY(SEED_READY, epoch, seed_epoch)
    BYTES(COMMITTED, proof)
    BYTES(PROOF_READY, proof)
    COPY(COMMIT_AGGREGATE_SENT, cid, commit_message)
    KEY(COMMIT_AGGREGATE_SENT, commit_key)
    COPY(COMMIT_SUBMITTED, cid, commit_message)
    KEY(COMMIT_SUBMITTED, commit_key)
    GIVEN(PROVING, commit_message)
    TRUE(FINALIZED, finalized)
    TRUE(FINALIZED_AVAILABLE, finalized)
    ERR(FINALIZE_FAILED)

    ERR(SEAL_PRE_COMMIT1_FAILED)
    ZERO(SEAL_PRE_COMMIT1_FAILED, invalid_proofs)
    ZERO(SEAL_PRE_COMMIT1_FAILED, pre_commit2_fails)
    COUNT(SEAL_PRE_COMMIT1_FAILED, pre_commit1_fails)
    ERR(SEAL_PRE_COMMIT2_FAILED)
    ZERO(SEAL_PRE_COMMIT2_FAILED, invalid_proofs)
    COUNT(SEAL_PRE_COMMIT2_FAILED, pre_commit2_fails)
    ERR(CHAIN_PRE_COMMIT_FAILED)
    ERR(COMPUTE_PROOF_FAILED)
    ERR(REMOTE_COMMIT1_FAILED)
    ERR(REMOTE_COMMIT2_FAILED)
    ERR(COMMIT_FAILED)
    ERR(DEALS_EXPIRED)
    ERR(TICKET_EXPIRED)
    ERR(INVALID_DEAL_IDS)
    COUNT(RETRY_COMPUTE_PROOF, invalid_proofs)
    COUNT(RETRY_INVALID_PROOF, invalid_proofs)

    COPY(FAULT_REPORTED, cid, fault_report_msg)
    COPY(TERMINATING, cid, terminate_message)
    KEY(TERMINATING, terminate_key)
    COPY(TERMINATED, epoch, terminated_at)
    ERR(TERMINATE_FAILED)
    ERR(REMOVE_FAILED)

    COPY(REPLICA_UPDATE, comm_r, update_sealed)
    COPY(REPLICA_UPDATE, comm_d, update_unsealed)
    ZERO(REPLICA_UPDATE, finalized)
    ERR(UPDATE_REPLICA_FAILED)
    BYTES(PROVE_REPLICA_UPDATE, replica_update_proof)
    ERR(PROVE_REPLICA_UPDATE_FAILED)
    COPY(REPLICA_UPDATE_SUBMITTED, cid, replica_update_message)
    ERR(SUBMIT_REPLICA_UPDATE_FAILED)
    ERR(RELEASE_KEY_FAILED)
    ERR(ABORT_UPGRADE)
    ZERO(REVERT_UPGRADE_TO_PROVING, cc_update)
    ZERO(REVERT_UPGRADE_TO_PROVING, update_sealed)
    ZERO(REVERT_UPGRADE_TO_PROVING, update_unsealed)
    ZERO(REVERT_UPGRADE_TO_PROVING, replica_update_proof)
    ZERO(REVERT_UPGRADE_TO_PROVING, replica_update_message)
    ZERO(REVERT_UPGRADE_TO_PROVING, creation_time)
    ZERO(REVERT_UPGRADE_TO_PROVING, assigned)
    ZERO(REVERT_UPGRADE_TO_PROVING, start_packing)
    TRUE(REVERT_UPGRADE_TO_PROVING, finalized)
    TRUE(START_CC_UPDATE, cc_update)
    ZERO(START_CC_UPDATE, creation_time)
    ZERO(START_CC_UPDATE, start_packing)
    /* clang-format on */
};

static slk_err_t copy_text(slk_bytes_t *to, const char *text, slk_arena_t *arena, slk_diag_t *why)
{
    const char *copy = slk_sector_text(arena, text, SLK_SECTOR_TEXT_MAX);
    if (!copy)
        return no_memory(why);
    *to = (slk_bytes_t){(const uint8_t *)copy, strlen(copy)};
    return SLK_OK;
}

static slk_err_t copy_bytes(slk_bytes_t *to, slk_bytes_t from, slk_arena_t *arena, slk_diag_t *why)
{
    const void *copy = slk_arena_copy(arena, from.len ? from.b : (const uint8_t *)"", from.len);
    if (!copy)
        return no_memory(why);
    *to = (slk_bytes_t){copy, from.len};
    return SLK_OK;
}

static slk_err_t write_members(slk_sector_info_t *sector, const slk_event_t *event,
                               slk_arena_t *arena, slk_diag_t *why)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < SLK_COUNT(writes); i++) {
        const char *from = (const char *)event + writes[i].from;
        char *to = (char *)sector + writes[i].to;
        if (writes[i].event != event->type)
            continue;
        switch ((write_t)writes[i].what) {
        case WRITE_COPY:
            memcpy(to, from, writes[i].size);
            break;
        case WRITE_GIVEN:
            if (slk_cid_defined(&event->cid))
                memcpy(to, from, writes[i].size);
            break;
        case WRITE_BYTES:
            SLK_TRY(copy_bytes((slk_bytes_t *)(void *)to, event->bytes, arena, why));
            break;
        case WRITE_KEY:
            SLK_TRY(copy_text((slk_bytes_t *)(void *)to, event->key, arena, why));
            break;
        case WRITE_ERR:
            SLK_TRY(copy_text((slk_bytes_t *)(void *)to, event->text, arena, why));
            break;
        case WRITE_ZERO:
            memset(to, 0, writes[i].size);
            break;
        case WRITE_TRUE:
            *(bool *)to = true;
            break;
        case WRITE_COUNT:
            ++*(uint64_t *)(void *)to;
            break;
        }
    }
out:
    return err;
}

/* --- What events do to pieces, and the few that need more than a row ------------------------------- */

/* list and then more, whose content is copied, as a new list: the former record keeps its own. */
static slk_err_t append(slk_sector_piece_list_t *list, const slk_sector_piece_list_t *more,
                        slk_arena_t *arena, slk_diag_t *why)
{
    size_t count = list->count + more->count;
    slk_err_t err = SLK_OK;
    if (!more->count)
        return SLK_OK;
    slk_sector_piece_t *items = slk_arena_array(arena, count, sizeof *items);
    if (!items)
        return no_memory(why);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    for (size_t i = 0; err == SLK_OK && i < more->count; i++)
        err = slk_record_copy(&items[list->count + i], &slk_sector_piece_type, &more->items[i],
                              arena, why);
    *list = (slk_sector_piece_list_t){items, count};
    return err;
}

static bool bytes_eq(slk_bytes_t a, slk_bytes_t b)
{
    return a.len == b.len && (!a.len || memcmp(a.b, b.b, a.len) == 0);
}

static bool same_data(const slk_sector_piece_t *a, const slk_sector_piece_t *b)
{
    return a->piece.size == b->piece.size && slk_cid_eq(&a->piece.piece_cid, &b->piece.piece_cid);
}

static bool same_piece(const slk_sector_piece_t *a, const slk_sector_piece_t *b)
{
    return same_data(a, b) && !a->deal_info == !b->deal_info && bytes_eq(a->source, b->source);
}

/* Each piece that was written is one less to be written. */
static slk_err_t unassign(slk_sector_info_t *sector, const slk_sector_piece_list_t *written,
                          slk_arena_t *arena, slk_diag_t *why)
{
    const slk_sector_piece_list_t all = sector->assigned;
    if (!all.count)
        return SLK_OK;
    slk_sector_piece_t *left = slk_arena_array(arena, all.count, sizeof *left);
    bool *gone = slk_arena_array(arena, all.count, sizeof *gone);
    size_t count = 0;
    if (!left || !gone)
        return no_memory(why);
    for (size_t w = 0; w < written->count; w++)
        for (size_t a = 0; a < all.count; a++)
            if (!gone[a] && same_piece(&all.items[a], &written->items[w])) {
                gone[a] = true;
                break;
            }
    for (size_t a = 0; a < all.count; a++)
        if (!gone[a])
            left[count++] = all.items[a];
    sector->assigned = (slk_sector_piece_list_t){count ? left : NULL, count};
    return SLK_OK;
}

typedef struct {
    slk_sector_info_t *sector;
    const slk_event_t *event;
    bool enters;
    int64_t now_ms;
    slk_arena_t *arena;
    slk_diag_t *why;
} apply_t;

static slk_err_t add_piece(apply_t *a)
{
    if (!a->sector->creation_time)
        a->sector->creation_time = a->now_ms / 1000;
    return append(&a->sector->assigned, &a->event->pieces, a->arena, a->why);
}

static slk_err_t piece_added(apply_t *a)
{
    slk_err_t err = unassign(a->sector, &a->event->pieces, a->arena, a->why);
    return err == SLK_OK ? append(&a->sector->pieces, &a->event->pieces, a->arena, a->why) : err;
}

static slk_err_t start_packing(apply_t *a)
{
    a->sector->start_packing = !a->enters;
    return SLK_OK;
}

/* Pieces that were still assigned are rejected: the sector is full of zeros now. */
static slk_err_t packed(apply_t *a)
{
    a->sector->assigned = (slk_sector_piece_list_t){0};
    return append(&a->sector->pieces, &a->event->pieces, a->arena, a->why);
}

static slk_err_t update_deal_ids(apply_t *a)
{
    a->sector->pieces = (slk_sector_piece_list_t){0};
    return append(&a->sector->pieces, &a->event->pieces, a->arena, a->why);
}

static slk_err_t invalid_deal_ids(apply_t *a)
{
    const char *name = slk_sector_state_name(a->event->state);
    a->sector->return_state = (slk_bytes_t){(const uint8_t *)name, strlen(name)};
    return SLK_OK;
}

static slk_err_t start_cc_update(apply_t *a)
{
    a->sector->cc_pieces = a->sector->pieces;
    a->sector->pieces = (slk_sector_piece_list_t){0};
    return SLK_OK;
}

static slk_err_t revert_upgrade(apply_t *a)
{
    a->sector->pieces = a->sector->cc_pieces;
    a->sector->cc_pieces = (slk_sector_piece_list_t){0};
    return SLK_OK;
}

static slk_err_t receive(apply_t *a)
{
    uint64_t visit = a->sector->visit;
    slk_err_t err =
        slk_record_copy(a->sector, &slk_sector_info_type, a->event->record, a->arena, a->why);
    a->sector->visit = visit;
    return err;
}

static slk_err_t (*const specials[SLK_EVENT_CNT])(apply_t *a) = {
    [SLK_EVENT_ADD_PIECE] = add_piece,
    [SLK_EVENT_PIECE_ADDED] = piece_added,
    [SLK_EVENT_START_PACKING] = start_packing,
    [SLK_EVENT_PACKED] = packed,
    [SLK_EVENT_UPDATE_DEAL_IDS] = update_deal_ids,
    [SLK_EVENT_INVALID_DEAL_IDS] = invalid_deal_ids,
    [SLK_EVENT_START_CC_UPDATE] = start_cc_update,
    [SLK_EVENT_REVERT_UPGRADE_TO_PROVING] = revert_upgrade,
    [SLK_EVENT_RECEIVE] = receive,
};

/* --- What an event must bring ---------------------------------------------------------------------- */

static const char *refuse_state(const slk_sector_info_t *sector, const slk_event_t *event)
{
    (void)sector;
    return event->state > SLK_STATE_UNDEFINED && event->state < SLK_STATE_CNT
               ? NULL
               : "it names no state that a sector can be in";
}

static const char *refuse_start(const slk_sector_info_t *sector, const slk_event_t *event)
{
    (void)sector;
    return event->miner <= INT64_MAX && event->number <= INT64_MAX
               ? NULL
               : "miner and number must be below 2^63";
}

static const char *refuse_receive(const slk_sector_info_t *sector, const slk_event_t *event)
{
    static const slk_sector_state_t states[] = {SLK_STATE_PACKING,        SLK_STATE_GET_TICKET,
                                                SLK_STATE_PRE_COMMITTING, SLK_STATE_SUBMIT_COMMIT,
                                                SLK_STATE_PROVING,        SLK_STATE_AVAILABLE};
    (void)sector;
    if (!event->record)
        return "it brings no record";
    if (event->record->miner > INT64_MAX || event->record->sector_number > INT64_MAX)
        return "miner and number must be below 2^63";
    for (size_t i = 0; i < SLK_COUNT(states); i++) {
        const char *name = slk_sector_state_name(states[i]);
        if (bytes_eq(event->record->return_state,
                     (slk_bytes_t){(const uint8_t *)name, strlen(name)}))
            return NULL;
    }
    return "Return of its record must be Packing, GetTicket, PreCommitting, SubmitCommit, Proving "
           "or "
           "Available";
}

static const char *refuse_update(const slk_sector_info_t *sector, const slk_event_t *event)
{
    bool same = event->pieces.count == sector->pieces.count;
    for (size_t i = 0; same && i < sector->pieces.count; i++)
        same = same_data(&event->pieces.items[i], &sector->pieces.items[i]);
    return same ? NULL : "its pieces are not those of the sector";
}

static const char *refuse_commitments(const slk_sector_info_t *sector, const slk_event_t *event)
{
    (void)sector;
    return slk_cid_defined(&event->comm_d) && slk_cid_defined(&event->comm_r)
               ? NULL
               : "it brings no CommD or no CommR";
}

static const char *refuse_proof(const slk_sector_info_t *sector, const slk_event_t *event)
{
    (void)sector;
    return event->bytes.len ? NULL : "it brings no proof";
}

/* NULL, or why a sector whose state takes the event does not take this one. */
static const char *(*const refusals[SLK_EVENT_CNT])(const slk_sector_info_t *,
                                                    const slk_event_t *) = {
    [SLK_EVENT_FORCE_STATE] = refuse_state,
    [SLK_EVENT_INVALID_DEAL_IDS] = refuse_state,
    [SLK_EVENT_START] = refuse_start,
    [SLK_EVENT_START_CC] = refuse_start,
    [SLK_EVENT_RECEIVE] = refuse_receive,
    [SLK_EVENT_UPDATE_DEAL_IDS] = refuse_update,
    [SLK_EVENT_PRE_COMMIT2] = refuse_commitments,
    [SLK_EVENT_REPLICA_UPDATE] = refuse_commitments,
    [SLK_EVENT_COMMITTED] = refuse_proof,
    [SLK_EVENT_PROOF_READY] = refuse_proof,
    [SLK_EVENT_PROVE_REPLICA_UPDATE] = refuse_proof,
};

/* --- The step -------------------------------------------------------------------------------------- */

/* The state that Return names; false: none. */
static bool return_state(const slk_sector_info_t *sector, slk_sector_state_t *to)
{
    slk_sector_info_t named = {.state_name = sector->return_state};
    *to = slk_sector_state(&named);
    return *to != SLK_STATE_UNDEFINED;
}

/* A seed that the sector has already is no news. */
static bool no_news(slk_sector_state_t from, const slk_sector_info_t *sector,
                    const slk_event_t *event)
{
    return from == SLK_STATE_COMMITTING && event->type == SLK_EVENT_SEED_READY &&
           sector->seed_epoch == event->epoch &&
           memcmp(&sector->seed_value, &event->hash, sizeof event->hash) == 0;
}

/* The state that an edge enters; from: none. NULL, or why it cannot. */
static const char *target(uint8_t edge, slk_sector_state_t from, const slk_sector_info_t *sector,
                          const slk_event_t *event, slk_sector_state_t *to)
{
    *to = from;
    if (edge == SLK_EDGE_NAMED)
        *to = event->state;
    else if (edge == SLK_EDGE_RETURN)
        return return_state(sector, to) ? NULL : "its record names no state to return to";
    else if (edge != SLK_EDGE_KEEP)
        *to = (slk_sector_state_t)(edge - 1);
    return NULL;
}

static void enter(slk_sector_info_t *sector, slk_sector_state_t to, uint8_t edge, int64_t now_ms)
{
    const char *name = slk_sector_state_name(to);
    sector->state_name = (slk_bytes_t){(const uint8_t *)name, strlen(name)};
    sector->visit++;
    sector->entered_ms = now_ms;
    if (edge == SLK_EDGE_RETURN)
        sector->return_state = (slk_bytes_t){0};
}

slk_err_t slk_sector_step(slk_sector_info_t *sector, const slk_event_t *event, int64_t now_ms,
                          slk_arena_t *arena, slk_step_t *step, slk_diag_t *why)
{
    slk_sector_state_t from = slk_sector_state(sector), to;
    uint8_t edge = slk_step_edge(from, event->type);
    slk_sector_info_t next = *sector;
    apply_t apply = {&next, event, edge != SLK_EDGE_KEEP, now_ms, arena, why};
    slk_err_t err = SLK_OK;
    const char *refused = NULL;

    *step = SLK_STEP_IGNORED;
    if (edge == SLK_EDGE_NONE ? slk_step_ignores(from, event->type) : no_news(from, sector, event))
        return SLK_OK;
    if (edge == SLK_EDGE_NONE)
        refused = from == SLK_STATE_REMOVED ? "the sector was removed" : "not in this state";
    else if (refusals[event->type])
        refused = refusals[event->type](sector, event);
    if (!refused)
        refused = target(edge, from, sector, event, &to);
    if (refused) {
        *step = SLK_STEP_REFUSED;
        (void)slk_fail(why, SLK_ERR_STATE, "sector %llu in state %s does not take %s: %s",
                       (unsigned long long)sector->sector_number, slk_sector_state_name(from),
                       slk_event_name(event->type), refused);
        return SLK_OK;
    }

    if (specials[event->type])
        SLK_TRY(specials[event->type](&apply));
    SLK_TRY(write_members(&next, event, arena, why));
    if (apply.enters)
        enter(&next, to, edge, now_ms);
    *sector = next;
    *step = SLK_STEP_TAKEN;
out:
    return err;
}
