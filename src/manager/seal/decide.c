#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 1000, PAUSE_MAX_MS = 300000, PAUSE_DOUBLINGS = 9 };

int64_t slk_decide_pause_ms(unsigned troubles)
{
    const int64_t ms = (int64_t)PAUSE_MS
                       << (troubles < PAUSE_DOUBLINGS ? troubles : PAUSE_DOUBLINGS);
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* --- Decisions ----------------------------------------------------------------------------- */

void slk_turn_no_memory(slk_turn_t *t)
{
    t->err = slk_fail(t->diag, SLK_ERR_NOMEM,
                      "no memory for what sector t0%" PRIu64 "-%" PRIu64 " has to do next",
                      t->sector->miner, t->sector->sector_number);
}

static void explain(slk_turn_t *t, slk_decide_kind_t kind, const char *fmt, va_list args)
{
    t->out->kind = kind;
    vsnprintf(t->out->why, sizeof t->out->why, fmt, args);
}

#define EXPLAIN(t, kind, fmt)                                                                      \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        explain(t, kind, fmt, args);                                                               \
        va_end(args);                                                                              \
    } while (0)

slk_event_t *slk_turn_event(slk_turn_t *t, slk_event_type_t type, const char *fmt, ...)
{
    EXPLAIN(t, SLK_DECIDE_EVENT, fmt);
    t->out->event = (slk_event_t){.type = type};
    if (*t->out->why) {
        t->out->event.text = slk_arena_text(t->arena, t->out->why, strlen(t->out->why));
        if (!t->out->event.text)
            slk_turn_no_memory(t);
    }
    return &t->out->event;
}

void slk_turn_wait(slk_turn_t *t, int64_t until_ms, int64_t until_epoch, const char *fmt, ...)
{
    EXPLAIN(t, SLK_DECIDE_WAIT, fmt);
    t->out->until_ms = until_ms;
    t->out->until_epoch = until_epoch;
}

void slk_turn_trouble(slk_turn_t *t, const char *fmt, ...)
{
    EXPLAIN(t, SLK_DECIDE_WAIT, fmt);
    t->out->trouble = true;
    t->out->until_ms = t->world->now_ms + slk_decide_pause_ms(t->world->troubles);
}

void slk_turn_rest(slk_turn_t *t, const char *fmt, ...)
{
    EXPLAIN(t, SLK_DECIDE_REST, fmt);
}

void slk_turn_batch(slk_turn_t *t, slk_batch_kind_t kind, int64_t cutoff, const char *fmt, ...)
{
    EXPLAIN(t, SLK_DECIDE_BATCH, fmt);
    t->out->batch = kind;
    t->out->batch_cutoff = cutoff;
}

/* --- Looking ------------------------------------------------------------------------------- */

bool slk_turn_look(slk_turn_t *t, slk_look_t look, bool *there)
{
    if (look == SLK_LOOK_BROKEN) {
        t->err = slk_fail(t->diag, SLK_ERR_IO, "%.1500s", t->said.text);
        return false;
    }
    if (look == SLK_LOOK_TROUBLE || (look == SLK_LOOK_NONE && !there)) {
        slk_turn_trouble(t, "%.450s; is tried again", t->said.text);
        return false;
    }
    if (there)
        *there = look == SLK_LOOK_FOUND;
    return true;
}

bool slk_turn_net(slk_turn_t *t)
{
    if (!t->has_net)
        t->has_net = slk_turn_look(t, t->ops->net(t->ctx, &t->net, &t->said), NULL);
    return t->has_net;
}

int64_t slk_turn_epoch_ms(const slk_turn_t *t, int64_t epoch)
{
    return t->net.head_ms + (epoch - t->net.height) * t->net.block_ms;
}

bool slk_turn_pre_commit(slk_turn_t *t, bool *there, slk_sector_pre_commit_on_chain_info_t *out)
{
    return slk_turn_look(t,
                         t->ops->pre_commit(t->ctx, t->sector->miner, t->sector->sector_number,
                                            t->arena, out, &t->said),
                         there);
}

bool slk_turn_on_chain(slk_turn_t *t, bool *there, slk_sector_on_chain_info_t *out)
{
    return slk_turn_look(t,
                         t->ops->on_chain(t->ctx, t->sector->miner, t->sector->sector_number,
                                          t->arena, out, &t->said),
                         there);
}

bool slk_turn_allocated(slk_turn_t *t, bool *allocated)
{
    return slk_turn_look(
        t, t->ops->allocated(t->ctx, t->sector->miner, t->sector->sector_number, &t->said),
        allocated);
}

void slk_turn_look_again(slk_turn_t *t, int64_t epochs)
{
    slk_decision_t *out = t->out;
    if (t->err != SLK_OK || !t->has_net || out->trouble || out->kind == SLK_DECIDE_EVENT ||
        out->kind == SLK_DECIDE_REST)
        return;
    const int64_t at = t->net.height + epochs;
    if (!out->until_epoch || at < out->until_epoch)
        out->until_epoch = at;
}

const char *slk_turn_last_err(slk_turn_t *t)
{
    const slk_bytes_t *text = &t->sector->last_err;
    const char *copy = text->len ? slk_arena_text(t->arena, (const char *)text->b, text->len) : "";
    return copy ? copy : "";
}

bool slk_turn_cooled(slk_turn_t *t, const char *next)
{
    const int64_t until = t->sector->entered_ms + t->world->config->retry_cooldown_ms;
    if (t->world->now_ms >= until)
        return true;
    const char *last = slk_turn_last_err(t);
    slk_turn_wait(t, until, 0, "%.300s%s%s at %s, in about %s", last, *last ? "; " : "", next,
                  slk_time_text(until, t->world->now_ms).s,
                  slk_span_text(until - t->world->now_ms).s);
    return false;
}

/* --- The table ----------------------------------------------------------------------------- */

static void none_yet(slk_turn_t *t)
{
    slk_turn_rest(t, "waits for the event that makes it");
}

static void rest(slk_turn_t *t)
{
    slk_turn_rest(t, "nothing to do: %s", slk_sector_state_what(t->state));
}

static void no_updates(slk_turn_t *t)
{
    slk_turn_wait(
        t, 0, 0,
        "replica updates are not available yet; send SectorAbortUpgrade to let the sector "
        "be as it was");
}

static void no_receiving(slk_turn_t *t)
{
    slk_turn_wait(t, 0, 0, "sectors of other machines cannot be received yet; remove it");
}

static void for_people(slk_turn_t *t)
{
    slk_turn_rest(t, "%s: a person has to decide (update-state, terminate, remove)",
                  slk_sector_state_what(t->state));
}

static slk_state_fn_t *const states[SLK_STATE_CNT] = {
    [SLK_STATE_UNDEFINED] = none_yet,
    [SLK_STATE_EMPTY] = slk_decide_wait_deals,
    [SLK_STATE_WAIT_DEALS] = slk_decide_wait_deals,
    [SLK_STATE_ADD_PIECE] = slk_decide_add_piece,
    [SLK_STATE_PACKING] = slk_decide_packing,
    [SLK_STATE_GET_TICKET] = slk_decide_get_ticket,
    [SLK_STATE_PRE_COMMIT1] = slk_decide_pre_commit1,
    [SLK_STATE_PRE_COMMIT2] = slk_decide_pre_commit2,
    [SLK_STATE_PRE_COMMITTING] = slk_decide_pre_committing,
    [SLK_STATE_SUBMIT_PRE_COMMIT_BATCH] = slk_decide_submit_pre_commit,
    [SLK_STATE_PRE_COMMIT_WAIT] = slk_decide_pre_commit_wait,
    [SLK_STATE_PRE_COMMIT_BATCH_WAIT] = slk_decide_pre_commit_wait,
    [SLK_STATE_WAIT_SEED] = slk_decide_wait_seed,
    [SLK_STATE_COMMITTING] = slk_decide_committing,
    [SLK_STATE_COMMIT_FINALIZE] = slk_decide_finalize,
    [SLK_STATE_SUBMIT_COMMIT] = slk_decide_submit_commit,
    [SLK_STATE_SUBMIT_COMMIT_AGGREGATE] = slk_decide_submit_aggregate,
    [SLK_STATE_COMMIT_WAIT] = slk_decide_commit_wait,
    [SLK_STATE_COMMIT_AGGREGATE_WAIT] = slk_decide_commit_wait,
    [SLK_STATE_FINALIZE_SECTOR] = slk_decide_finalize,
    [SLK_STATE_PROVING] = rest,
    [SLK_STATE_AVAILABLE] = rest,
    [SLK_STATE_ADD_PIECE_FAILED] = slk_decide_add_piece_failed,
    [SLK_STATE_SEAL_PRE_COMMIT1_FAILED] = slk_decide_pre_commit1_failed,
    [SLK_STATE_SEAL_PRE_COMMIT2_FAILED] = slk_decide_pre_commit2_failed,
    [SLK_STATE_PRE_COMMIT_FAILED] = slk_decide_pre_commit_failed,
    [SLK_STATE_COMPUTE_PROOF_FAILED] = slk_decide_compute_proof_failed,
    [SLK_STATE_REMOTE_COMMIT_FAILED] = slk_decide_remote_commit_failed,
    [SLK_STATE_COMMIT_FAILED] = slk_decide_commit_failed,
    [SLK_STATE_COMMIT_FINALIZE_FAILED] = slk_decide_finalize_failed,
    [SLK_STATE_FINALIZE_FAILED] = slk_decide_finalize_failed,
    [SLK_STATE_PACKING_FAILED] = slk_decide_deals_expired,
    [SLK_STATE_DEALS_EXPIRED] = slk_decide_deals_expired,
    [SLK_STATE_RECOVER_DEAL_IDS] = slk_decide_recover_deal_ids,
    [SLK_STATE_FAULTY] = for_people,
    [SLK_STATE_FAULT_REPORTED] = slk_decide_fault_reported,
    [SLK_STATE_FAULTED_FINAL] = for_people,
    [SLK_STATE_FAILED_UNRECOVERABLE] = for_people,
    [SLK_STATE_TERMINATING] = slk_decide_terminating,
    [SLK_STATE_TERMINATE_WAIT] = slk_decide_terminate_wait,
    [SLK_STATE_TERMINATE_FINALITY] = slk_decide_terminate_finality,
    [SLK_STATE_TERMINATE_FAILED] = slk_decide_terminate_failed,
    [SLK_STATE_REMOVING] = slk_decide_removing,
    [SLK_STATE_REMOVE_FAILED] = slk_decide_remove_failed,
    [SLK_STATE_REMOVED] = rest,
    [SLK_STATE_SNAP_DEALS_WAIT_DEALS] = no_updates,
    [SLK_STATE_SNAP_DEALS_ADD_PIECE] = no_updates,
    [SLK_STATE_SNAP_DEALS_PACKING] = no_updates,
    [SLK_STATE_UPDATE_REPLICA] = no_updates,
    [SLK_STATE_PROVE_REPLICA_UPDATE] = no_updates,
    [SLK_STATE_SUBMIT_REPLICA_UPDATE] = no_updates,
    [SLK_STATE_WAIT_MUTABLE] = no_updates,
    [SLK_STATE_REPLICA_UPDATE_WAIT] = no_updates,
    [SLK_STATE_UPDATE_ACTIVATING] = no_updates,
    [SLK_STATE_RELEASE_SECTOR_KEY] = no_updates,
    [SLK_STATE_FINALIZE_REPLICA_UPDATE] = no_updates,
    [SLK_STATE_SNAP_DEALS_ADD_PIECE_FAILED] = no_updates,
    [SLK_STATE_SNAP_DEALS_DEALS_EXPIRED] = no_updates,
    [SLK_STATE_SNAP_DEALS_RECOVER_DEAL_IDS] = no_updates,
    [SLK_STATE_REPLICA_UPDATE_FAILED] = no_updates,
    [SLK_STATE_RELEASE_SECTOR_KEY_FAILED] = no_updates,
    [SLK_STATE_FINALIZE_REPLICA_UPDATE_FAILED] = no_updates,
    [SLK_STATE_ABORT_UPGRADE] = slk_decide_abort_upgrade,
    [SLK_STATE_RECEIVE_SECTOR] = no_receiving,
};

slk_err_t slk_decide(const slk_world_t *world, const slk_sector_info_t *sector, slk_arena_t *arena,
                     slk_decision_t *decision, slk_diag_t *diag)
{
    slk_turn_t t = {.world = world,
                    .ops = world->ops,
                    .ctx = world->ctx,
                    .sector = sector,
                    .state = slk_sector_state(sector),
                    .arena = arena,
                    .out = decision,
                    .diag = diag,
                    .results = json_array()};
    *decision = (slk_decision_t){.kind = SLK_DECIDE_REST, .batch_cutoff = SLK_BATCH_NO_CUTOFF};
    if (slk_porep_by_id(&t.porep, (int)sector->sector_type, &t.said) == SLK_OK)
        states[t.state](&t);
    else
        slk_turn_wait(&t, 0, 0, "%.500s", t.said.text);
    json_decref(t.results);
    slk_message_row_free(&t.row);
    if (t.err != SLK_OK)
        slk_decision_fini(decision);
    return t.err;
}

void slk_decision_fini(slk_decision_t *decision)
{
    json_decref(decision->job.params);
    decision->job.params = NULL;
}
