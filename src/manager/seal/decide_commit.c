/* The proof and the prove-commit, and what they fail of (spec 1.2, 1.6). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "base/bytes.h"
#include "codec/base64.h"
#include "selkie/groth16.h"

#include <string.h>

enum {
    SEED_WATCH = 20, /* epochs after the seed in which each head is looked at for another one */
    COMPUTE_TRIES = 1
};

static bool own_message(slk_turn_t *t, slk_turn_message_t *message)
{
    return slk_turn_message(t, t->sector->commit_key, &t->sector->commit_message, message);
}

/* --- Committing: seed and time -------------------------------------------------------------- */

/* Another seed since the chain was reorganised: the proof is begun anew. False: decided. */
static bool same_seed(slk_turn_t *t)
{
    slk_check_t check;
    slk_sector_pre_commit_on_chain_info_t info;
    slk_node_t seed;
    bool there;
    if (!slk_check_commit(t, false, &check))
        return false;
    if (check == SLK_CHECK_OK)
        return true;
    if (check != SLK_CHECK_BAD_SEED) {
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED, "%.500s", t->said.text);
        return false;
    }
    if (!slk_turn_pre_commit(t, &there, &info))
        return false;
    const int64_t epoch =
        there ? info.pre_commit_epoch + t->net.policy.precommit_challenge_delay : INT64_MAX;
    if (!there || t->net.height < epoch + SLK_SEED_CONFIDENCE) {
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED, "%.500s", t->said.text);
        return false;
    }
    slk_diag_t why = t->said;
    if (!slk_turn_look(t, t->ops->seed(t->ctx, t->sector->miner, epoch, &seed, &t->said), NULL))
        return false;
    slk_event_t *event = slk_turn_event(t, SLK_EVENT_SEED_READY, "%.500s", why.text);
    event->hash = seed;
    event->epoch = epoch;
    return false;
}

/* The pre-commit expires, deals begin: a proof that is too late for that is not begun. False: decided. */
static bool commit_in_time(slk_turn_t *t, slk_task_t task, int64_t *deadline_ms)
{
    slk_sector_pre_commit_on_chain_info_t info;
    int64_t cutoff, least, c2 = 0;
    bool there, can;
    if (!slk_turn_net(t) || !slk_turn_pre_commit(t, &there, &info) ||
        !slk_piece_chain_cutoff(t, &cutoff) || !slk_turn_least(t, task, &least) ||
        (task == SLK_TASK_C1 && !slk_turn_least(t, SLK_TASK_C2, &c2)))
        return false;
    const int64_t last =
        there ? info.pre_commit_epoch + t->net.policy.max_prove_commit_duration : t->net.height;
    const int64_t until = cutoff < last ? cutoff : last;
    *deadline_ms = slk_turn_epoch_ms(t, until - SLK_LANDING_EPOCHS) - c2;
    if (!slk_turn_can_make(t, task, least, *deadline_ms, &can))
        return false;
    if (!can)
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED,
                       "%.300s: it has to be proven on chain by epoch %" PRId64, t->said.text,
                       until);
    return can;
}

/* --- Committing: C1, C2 --------------------------------------------------------------------- */

static bool node_hex(slk_turn_t *t, slk_cid_kind_t kind, const slk_cid_t *cid, slk_node_hex_t *hex)
{
    slk_node_t node;
    if (slk_cid_to_commitment(&node, kind, cid, &t->said) != SLK_OK) {
        slk_turn_event(t, SLK_EVENT_COMPUTE_PROOF_FAILED, "CommD or CommR: %.400s", t->said.text);
        return false;
    }
    *hex = slk_node_hex(&node);
    return true;
}

static json_t *proof_params(slk_turn_t *t, json_t *extra)
{
    slk_node_hex_t comm_d, comm_r;
    if (!node_hex(t, SLK_CID_UNSEALED, &t->sector->comm_d, &comm_d) ||
        !node_hex(t, SLK_CID_SEALED, &t->sector->comm_r, &comm_r)) {
        json_decref(extra);
        return NULL;
    }
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s}", "Ticket", slk_node_hex(&t->sector->ticket_value).s, "Seed",
        slk_node_hex(&t->sector->seed_value).s, "CommD", comm_d.s, "CommR", comm_r.s);
    json_object_update(json, extra);
    json_decref(extra);
    return json;
}

/* True: done. */
static bool proof_job(slk_turn_t *t, slk_task_t task, json_t *extra, slk_job_view_t *view)
{
    unsigned tries;
    int64_t deadline_ms = 0;
    json_t *params = NULL;
    if (slk_turn_last_try(t, task, NULL, t->sector->visit, &tries, view)) {
        if (view->state == SLK_JOB_DONE) {
            json_decref(extra);
            return true;
        }
        if (commit_in_time(t, task, &deadline_ms)) {
            params = proof_params(t, extra);
            extra = NULL;
        }
    }
    json_decref(extra);
    if (!params)
        return false;
    slk_turn_job_t job = {
        .task = task,
        .params = params,
        .deadline_ms = deadline_ms,
        .failed = SLK_EVENT_COMPUTE_PROOF_FAILED,
        .on_input = SLK_EVENT_COMPUTE_PROOF_FAILED,
    };
    return slk_turn_job(t, &job, view);
}

/* The proof of a result, in the arena. False: decided. */
static bool read_proof(slk_turn_t *t, const slk_job_view_t *view, slk_bytes_t *proof)
{
    const char *text = slk_job_result_text(view, "Proof");
    const size_t want = (size_t)t->porep.partitions * SLK_GROTH16_PROOF_SZ;
    const size_t len = text ? strlen(text) : 0;
    uint8_t *bytes = slk_arena_alloc(t->arena, SLK_BASE64_ROOM(len) + 1);
    size_t got = 0;
    if (!bytes) {
        slk_turn_no_memory(t);
        return false;
    }
    if (!text || !slk_base64_decode(bytes, &got, text, len) || got != want) {
        slk_turn_event(t, SLK_EVENT_COMPUTE_PROOF_FAILED,
                       "C2 of worker %s gave %zu bytes of proof, expected are %zu", view->worker,
                       got, want);
        return false;
    }
    *proof = (slk_bytes_t){bytes, got};
    return true;
}

static void proved(slk_turn_t *t, const slk_job_view_t *view)
{
    slk_sector_pre_commit_on_chain_info_t info;
    slk_bytes_t proof;
    bool there, ok;
    if (!read_proof(t, view, &proof) || !slk_turn_pre_commit(t, &there, &info))
        return;
    SLK_ASSERT(there); /* same_seed saw it at this head */
    if (!slk_check_proof(t, &info.info.sealed_cid, proof, &ok))
        return;
    if (!ok) {
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED,
                       "the proof of worker %s does not hold, it is not sent: %.300s", view->worker,
                       t->said.text);
        return;
    }
    const bool early = t->world->config->finalize_early;
    slk_turn_event(t, early ? SLK_EVENT_PROOF_READY : SLK_EVENT_COMMITTED,
                   "C2 is done and its proof holds")
        ->bytes = proof;
}

/* While a proof is computed, or waits to be sent, the seed may change: look at each head at first, later at
 * few. */
static void watch_seed(slk_turn_t *t)
{
    slk_turn_look_again(t, t->net.height < t->sector->seed_epoch + SEED_WATCH ? 1 : SEED_WATCH);
}

void slk_decide_committing(slk_turn_t *t)
{
    slk_turn_message_t message;
    slk_job_view_t c1, c2;
    if (!own_message(t, &message))
        return;
    /* What is on its way or through already is waited for, not made again. */
    if ((message.state == SLK_SENT_UNDERWAY && t->sector->commit_key.len) ||
        message.state == SLK_SENT_OK) {
        slk_sector_on_chain_info_t info;
        bool there = true;
        if (message.state == SLK_SENT_OK && !slk_turn_on_chain(t, &there, &info))
            return;
        if (there) {
            slk_turn_event(t, SLK_EVENT_RETRY_COMMIT_WAIT, "its prove-commit was sent before");
            return;
        }
    }
    if (!same_seed(t))
        return;
    if (proof_job(t, SLK_TASK_C1, NULL, &c1) &&
        proof_job(t, SLK_TASK_C2, json_pack("{s:I}", "C1", (json_int_t)c1.id), &c2))
        proved(t, &c2);
    watch_seed(t);
}

/* --- SubmitCommitAggregate ------------------------------------------------------------------ */

void slk_decide_submit_commit(slk_turn_t *t)
{
    slk_turn_event(t, SLK_EVENT_SUBMIT_COMMIT_AGGREGATE, "its prove-commit goes into a batch");
}

static bool still_on_its_way(slk_turn_t *t)
{
    slk_turn_message_t message;
    slk_sector_on_chain_info_t info;
    bool there = true;
    if (!own_message(t, &message))
        return true;
    if (!t->sector->commit_key.len ||
        (message.state != SLK_SENT_UNDERWAY && message.state != SLK_SENT_OK))
        return false;
    if (message.state == SLK_SENT_OK && !slk_turn_on_chain(t, &there, &info))
        return true;
    if (!there)
        return false;
    slk_event_t *event =
        slk_turn_event(t, SLK_EVENT_COMMIT_AGGREGATE_SENT, "its prove-commit was sent before");
    event->key =
        slk_arena_text(t->arena, (const char *)t->sector->commit_key.b, t->sector->commit_key.len);
    event->cid = t->sector->commit_message;
    if (!event->key)
        slk_turn_no_memory(t);
    return true;
}

void slk_decide_submit_aggregate(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    slk_check_t check;
    int64_t cutoff;
    bool there;
    if (still_on_its_way(t) || !slk_check_commit(t, true, &check))
        return;
    if (check != SLK_CHECK_OK) {
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED, "%.500s", t->said.text);
        return;
    }
    if (!slk_turn_pre_commit(t, &there, &info) || !slk_piece_cutoff(t, &cutoff))
        return;
    const int64_t last = info.pre_commit_epoch + t->net.policy.max_prove_commit_duration;
    if (last < cutoff)
        cutoff = last;
    slk_turn_batch(t, SLK_BATCH_COMMIT, cutoff,
                   "waits for its batch of prove-commits; has to be on chain by epoch %" PRId64
                   ", in about %s",
                   cutoff, slk_span_text(slk_turn_epoch_ms(t, cutoff) - t->world->now_ms).s);
    watch_seed(t);
}

/* --- CommitAggregateWait -------------------------------------------------------------------- */

void slk_decide_commit_wait(slk_turn_t *t)
{
    slk_sector_on_chain_info_t info;
    slk_turn_message_t message;
    bool there;
    if (!own_message(t, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY) {
        slk_turn_wait(t, 0, message.until_epoch, "prove-commit: %.450s", t->said.text);
    } else if (message.state == SLK_SENT_OK) {
        if (!slk_turn_on_chain(t, &there, &info))
            return;
        if (there)
            slk_turn_event(t, SLK_EVENT_PROVING, "it is on chain, until epoch %" PRId64,
                           info.expiration)
                ->cid = message.cid;
        else
            slk_turn_event(t, SLK_EVENT_COMMIT_FAILED,
                           "the message succeeded at epoch %" PRId64
                           ", but this sector is not on chain",
                           message.height);
    } else if (message.state == SLK_SENT_FAILED && slk_exit_is_passing(message.exit_code)) {
        slk_turn_event(t, SLK_EVENT_RETRY_SUBMIT_COMMIT, "%.500s", t->said.text);
    } else if (message.state == SLK_SENT_NOT) {
        /* Nothing of it was executed: the proof is as good as before. */
        slk_diag_t why = t->said;
        if (slk_turn_cooled(t, "is sent again"))
            slk_turn_event(t, SLK_EVENT_RETRY_SUBMIT_COMMIT, "%.500s", why.text);
    } else {
        slk_turn_event(t, SLK_EVENT_COMMIT_FAILED, "%.500s", t->said.text);
    }
}

/* --- Failures ------------------------------------------------------------------------------- */

void slk_decide_compute_proof_failed(slk_turn_t *t)
{
    if (!slk_turn_cooled(t, "is proved again"))
        return;
    if (t->sector->invalid_proofs > COMPUTE_TRIES)
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED, "consecutive compute fails");
    else
        slk_turn_event(t, SLK_EVENT_RETRY_COMPUTE_PROOF, "is proved again");
}

void slk_decide_remote_commit_failed(slk_turn_t *t)
{
    if (slk_turn_cooled(t, "is proved again"))
        slk_turn_event(t, SLK_EVENT_RETRY_COMPUTE_PROOF, "is proved again");
}

/* What the message says; true: decided. */
static bool message_says(slk_turn_t *t)
{
    slk_sector_on_chain_info_t info;
    slk_turn_message_t message;
    bool there;
    if (!own_message(t, &message))
        return true;
    if (message.state == SLK_SENT_UNDERWAY) {
        slk_turn_event(t, SLK_EVENT_RETRY_COMMIT_WAIT, "%.500s", t->said.text);
        return true;
    }
    if (message.state != SLK_SENT_OK)
        return false;
    if (!slk_turn_on_chain(t, &there, &info))
        return true;
    if (there)
        slk_turn_event(t, SLK_EVENT_RETRY_COMMIT_WAIT, "it is on chain");
    return there;
}

/* No proof could be had in time: what is left is to wait for the end, without burning hours for nothing.
 * False: decided. */
static bool time_is_left(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    int64_t c1, c2, until;
    bool there;
    if (!slk_turn_pre_commit(t, &there, &info) || !slk_piece_chain_cutoff(t, &until) ||
        !slk_turn_least(t, SLK_TASK_C1, &c1) || !slk_turn_least(t, SLK_TASK_C2, &c2))
        return false;
    const int64_t last = info.pre_commit_epoch + t->net.policy.max_prove_commit_duration;
    if (last < until)
        until = last;
    if (t->world->now_ms + c1 + c2 <= slk_turn_epoch_ms(t, until - SLK_LANDING_EPOCHS))
        return true;
    slk_turn_wait(t, 0, until + 1,
                  "a proof takes %s here at the least, which is too late: it has to be on chain by "
                  "epoch %" PRId64 ", in about %s",
                  slk_span_text(c1 + c2).s, until,
                  slk_span_text(slk_turn_epoch_ms(t, until) - t->world->now_ms).s);
    return false;
}

static void invalid_proof(slk_turn_t *t)
{
    slk_diag_t why = t->said;
    if (!time_is_left(t) || !slk_turn_cooled(t, "is proved again"))
        return;
    if (t->sector->invalid_proofs > 0)
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED, "consecutive invalid proofs");
    else
        slk_turn_event(t, SLK_EVENT_RETRY_INVALID_PROOF, "%.500s", why.text);
}

void slk_decide_commit_failed(slk_turn_t *t)
{
    slk_check_t check;
    if (message_says(t) || !slk_check_commit(t, true, &check) ||
        slk_turn_deals(t, check, SLK_STATE_COMMIT_FAILED))
        return;
    if (check == SLK_CHECK_BAD_SEED)
        slk_turn_event(t, SLK_EVENT_RETRY_WAIT_SEED, "%.500s", t->said.text);
    else if (check == SLK_CHECK_INVALID_PROOF)
        invalid_proof(t);
    else if (check == SLK_CHECK_NO_PRE_COMMIT)
        slk_turn_event(t, SLK_EVENT_RETRY_PRE_COMMIT, "%.500s", t->said.text);
    else if (check == SLK_CHECK_PRE_COMMIT_EXPIRED)
        slk_turn_event(t, SLK_EVENT_TICKET_EXPIRED, "%.500s", t->said.text);
    else if (check != SLK_CHECK_OK)
        slk_turn_wait(t, 0, 0, "%.400s: a person has to decide (update-state, remove)",
                      t->said.text);
    /* Not as Lotus, which proves again: the proof was just seen to hold. */
    else if (slk_turn_cooled(t, "is sent again"))
        slk_turn_event(t, SLK_EVENT_RETRY_SUBMIT_COMMIT, "its proof holds, it is sent again");
}
