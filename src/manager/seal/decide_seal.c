/* Ticket, PC1, PC2 and what they fail of (spec 1.6). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "base/bytes.h"

#include <string.h>

/* --- GetTicket ----------------------------------------------------------------------------- */

/* No ticket can be had, as its pre-commit came to nothing: what remains is the end. */
static void no_ticket(slk_turn_t *t, const char *how, int64_t epoch)
{
    const bool sent = t->sector->commit_key.len || slk_cid_defined(&t->sector->commit_message);
    slk_turn_event(t, sent ? SLK_EVENT_COMMIT_FAILED : SLK_EVENT_REMOVE,
                   "it was pre-committed, %s epoch %" PRId64, how, epoch);
}

static void take_ticket(slk_turn_t *t, int64_t epoch)
{
    slk_node_t value;
    /* A record with ticket epoch 0 has none; a negative one stands for the same block. */
    if (epoch == 0)
        epoch = -1;
    if (!slk_turn_look(t, t->ops->ticket(t->ctx, t->sector->miner, epoch, &value, &t->said), NULL))
        return;
    slk_event_t *event = slk_turn_event(t, SLK_EVENT_TICKET, "ticket of epoch %" PRId64, epoch);
    event->hash = value;
    event->epoch = epoch;
}

void slk_decide_get_ticket(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there, allocated = false;
    if (!slk_turn_net(t) || !slk_turn_pre_commit(t, &there, &info))
        return;
    if (there) {
        const int64_t last = info.pre_commit_epoch + t->net.policy.max_prove_commit_duration;
        if (t->net.height > last)
            no_ticket(t, "and had to be proven by", last);
        else
            take_ticket(t, info.info.seal_rand_epoch);
        return;
    }
    if (!slk_turn_allocated(t, &allocated))
        return;
    if (allocated)
        no_ticket(t, "which expired before", t->net.height);
    else
        take_ticket(t, t->net.height - t->net.policy.seal_lookback);
}

/* --- Deadlines ----------------------------------------------------------------------------- */

/* What is to be kept, as times by which this task has to be done: the pre-commit lands before the ticket is
 * too old, and what the pieces promise is proven before it begins. Steps in between take what they take at
 * the least. */
typedef struct {
    int64_t task_ms; /* at the least */
    int64_t ticket_ms, deal_ms;
} seal_deadline_t;

/* A ticket that no new one could do better than is not given up for what was measured once. */
static bool new_ticket_helps(const slk_turn_t *t, int64_t pc1, int64_t pc2)
{
    const slk_policy_t *p = &t->net.policy;
    const int64_t epochs = p->max_precommit_lookback - p->seal_lookback - SLK_LANDING_EPOCHS;
    return pc1 + pc2 <= epochs * t->net.block_ms;
}

static bool seal_deadline(slk_turn_t *t, slk_task_t task, seal_deadline_t *out)
{
    int64_t pc1, pc2, c1, c2, cutoff;
    if (!slk_turn_net(t) || !slk_turn_least(t, SLK_TASK_PC1, &pc1) ||
        !slk_turn_least(t, SLK_TASK_PC2, &pc2) || !slk_turn_least(t, SLK_TASK_C1, &c1) ||
        !slk_turn_least(t, SLK_TASK_C2, &c2) || !slk_piece_cutoff(t, &cutoff))
        return false;
    const slk_policy_t *p = &t->net.policy;
    if (!new_ticket_helps(t, pc1, pc2))
        pc1 = pc2 = 0;
    const int64_t after = task == SLK_TASK_PC1 ? pc2 : 0;
    *out = (seal_deadline_t){
        .task_ms = task == SLK_TASK_PC1 ? pc1 : pc2,
        .ticket_ms = slk_turn_epoch_ms(t, t->sector->ticket_epoch + p->max_precommit_lookback -
                                              SLK_LANDING_EPOCHS) -
                     after,
        .deal_ms = INT64_MAX,
    };
    if (cutoff != SLK_BATCH_NO_CUTOFF)
        out->deal_ms =
            slk_turn_epoch_ms(t, cutoff - p->precommit_challenge_delay - SLK_LANDING_EPOCHS) -
            after - c1 - c2;
    return true;
}

/* Is its age without meaning, because the sector is pre-committed with it? A pre-commit with another ticket
 * makes this one useless: false, decided. */
static bool ticket_is_used(slk_turn_t *t, slk_event_type_t too_old, bool *used)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there;
    if (!slk_turn_pre_commit(t, &there, &info))
        return false;
    *used =
        there && t->net.height <= info.pre_commit_epoch + t->net.policy.max_prove_commit_duration;
    if (!*used || info.info.seal_rand_epoch == t->sector->ticket_epoch)
        return true;
    slk_turn_event(t, too_old,
                   "it is pre-committed with the ticket of epoch %" PRId64
                   ", not with that of %" PRId64,
                   info.info.seal_rand_epoch, t->sector->ticket_epoch);
    return false;
}

/* False: decided. *deadline_ms is what the job gets. */
static bool in_time(slk_turn_t *t, slk_task_t task, slk_event_type_t too_old,
                    slk_event_type_t too_late, int64_t *deadline_ms)
{
    seal_deadline_t due;
    bool used, can;
    if (!seal_deadline(t, task, &due) || !ticket_is_used(t, too_old, &used))
        return false;
    const int64_t age = t->net.height - t->sector->ticket_epoch;
    if (!used && age > t->net.policy.max_precommit_lookback) {
        slk_turn_event(t, too_old,
                       "its ticket of epoch %" PRId64 " is %" PRId64 " epochs old, %" PRId64
                       " are allowed",
                       t->sector->ticket_epoch, age, t->net.policy.max_precommit_lookback);
        return false;
    }
    if (!used) {
        if (!slk_turn_can_make(t, task, due.task_ms, due.ticket_ms, &can))
            return false;
        if (!can) {
            slk_turn_event(t, too_old, "%.300s: its ticket would be too old", t->said.text);
            return false;
        }
    }
    if (due.deal_ms != INT64_MAX) {
        if (!slk_turn_can_make(t, task, due.task_ms, due.deal_ms, &can))
            return false;
        if (!can) {
            slk_turn_event(t, too_late, "%.300s: a deal would begin before it is proven",
                           t->said.text);
            return false;
        }
    }
    *deadline_ms = used || due.deal_ms < due.ticket_ms ? due.deal_ms : due.ticket_ms;
    if (*deadline_ms == INT64_MAX)
        *deadline_ms = 0;
    return true;
}

enum { EPOCHS_BETWEEN = 20 }; /* looks at a job that may become impossible */

/* --- PC1 ----------------------------------------------------------------------------------- */

/* False: decided. */
static bool pieces_are_good(slk_turn_t *t)
{
    slk_check_t check;
    if (!slk_check_pieces(t, &check))
        return false;
    if (check == SLK_CHECK_OK)
        return true;
    if (!slk_turn_deals(t, check, SLK_STATE_PRE_COMMIT1))
        slk_turn_wait(t, 0, 0, "%.400s: it cannot be sealed, remove it", t->said.text);
    return false;
}

static bool is_comm_d(slk_turn_t *t, const slk_node_t *comm_d)
{
    slk_node_t want;
    return slk_sector_comm_d(&want, &t->sector->pieces, t->porep.size->bytes, &t->said) == SLK_OK &&
           slk_node_eq(&want, comm_d);
}

static void pc1_done(slk_turn_t *t, const slk_job_view_t *view)
{
    const char *out = slk_job_result_text(view, "Out");
    slk_node_t comm_d;
    if (!out || !*out || !slk_job_result_node(view, "CommD", &comm_d)) {
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
                       "PC1 of worker %s gave a result without Out and CommD", view->worker);
    } else if (!is_comm_d(t, &comm_d)) {
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
                       "PC1 of worker %s gave CommD %s, which is not that of the pieces",
                       view->worker, slk_node_hex(&comm_d).s);
    } else {
        const size_t len = strlen(out);
        const char *copy = slk_arena_text(t->arena, out, len);
        if (!copy) {
            slk_turn_no_memory(t);
            return;
        }
        slk_turn_event(t, SLK_EVENT_PRE_COMMIT1, "PC1 is done")->bytes =
            (slk_bytes_t){(const uint8_t *)copy, len};
    }
}

/* Cancelled when its ticket would have been too old: the scheduler gave it up for want of workers, which says
 * nothing about PC1. Only where a new ticket gives more time. False: decided. */
static bool is_not_given_up(slk_turn_t *t, const slk_job_view_t *view)
{
    seal_deadline_t due;
    int64_t typical;
    bool used;
    if (view->state != SLK_JOB_FAILED || view->failure != SLK_FAILURE_CANCELLED ||
        !view->deadline_ms)
        return true;
    if (!seal_deadline(t, SLK_TASK_PC1, &due) || !slk_turn_typical(t, SLK_TASK_PC1, &typical) ||
        !ticket_is_used(t, SLK_EVENT_OLD_TICKET, &used))
        return false;
    const int64_t newer = t->net.height - t->net.policy.seal_lookback - t->sector->ticket_epoch;
    if (used || due.deal_ms < due.ticket_ms || newer < EPOCHS_BETWEEN ||
        view->ended_ms + typical < view->deadline_ms)
        return true;
    slk_turn_event(t, SLK_EVENT_OLD_TICKET, "PC1 was given up: %.400s", view->error);
    return false;
}

void slk_decide_pre_commit1(slk_turn_t *t)
{
    unsigned tries;
    slk_job_view_t view;
    int64_t deadline_ms = 0;
    if (!t->sector->ticket_epoch) {
        slk_turn_event(t, SLK_EVENT_OLD_TICKET, "it has no ticket");
        return;
    }
    if (!slk_turn_last_try(t, SLK_TASK_PC1, NULL, t->sector->visit, &tries, &view))
        return;
    if (view.state == SLK_JOB_DONE) {
        pc1_done(t, &view);
        return;
    }
    if ((view.state == SLK_JOB_NONE && !pieces_are_good(t)) ||
        !in_time(t, SLK_TASK_PC1, SLK_EVENT_OLD_TICKET, SLK_EVENT_DEALS_EXPIRED, &deadline_ms) ||
        !is_not_given_up(t, &view))
        return;
    slk_turn_job_t job = {
        .task = SLK_TASK_PC1,
        .params = json_pack("{s:s, s:o}", "Ticket", slk_node_hex(&t->sector->ticket_value).s,
                            "Pieces", slk_turn_pieces_json(&t->sector->pieces)),
        .deadline_ms = deadline_ms,
        .failed = SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
        .on_input = SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
    };
    if (slk_turn_job(t, &job, &view))
        pc1_done(t, &view);
    slk_turn_look_again(t, EPOCHS_BETWEEN);
}

/* --- PC2 ----------------------------------------------------------------------------------- */

static void pc2_done(slk_turn_t *t, const slk_job_view_t *view)
{
    slk_node_t comm_d, comm_r;
    if (!slk_job_result_node(view, "CommD", &comm_d) ||
        !slk_job_result_node(view, "CommR", &comm_r)) {
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT2_FAILED,
                       "PC2 of worker %s gave a result without CommD and CommR", view->worker);
    } else if (!is_comm_d(t, &comm_d)) {
        slk_turn_event(t, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
                       "PC2 of worker %s gave CommD %s, which is not that of the pieces",
                       view->worker, slk_node_hex(&comm_d).s);
    } else {
        slk_event_t *event = slk_turn_event(t, SLK_EVENT_PRE_COMMIT2, "PC2 is done");
        event->comm_d = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_d);
        event->comm_r = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r);
    }
}

void slk_decide_pre_commit2(slk_turn_t *t)
{
    unsigned tries;
    slk_job_view_t view;
    int64_t deadline_ms = 0;
    if (!slk_turn_last_try(t, SLK_TASK_PC2, NULL, t->sector->visit, &tries, &view))
        return;
    if (view.state == SLK_JOB_DONE) {
        pc2_done(t, &view);
        return;
    }
    /* The way to a new ticket, or out, leads through PC1. */
    if (!in_time(t, SLK_TASK_PC2, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED,
                 SLK_EVENT_SEAL_PRE_COMMIT1_FAILED, &deadline_ms))
        return;
    slk_turn_job_t job = {
        .task = SLK_TASK_PC2,
        .params = json_pack("{s:s}", "Ticket", slk_node_hex(&t->sector->ticket_value).s),
        .deadline_ms = deadline_ms,
        .failed = SLK_EVENT_SEAL_PRE_COMMIT2_FAILED,
        .on_input = SLK_EVENT_SEAL_PRE_COMMIT2_FAILED,
    };
    if (slk_turn_job(t, &job, &view))
        pc2_done(t, &view);
    slk_turn_look_again(t, EPOCHS_BETWEEN);
}

/* --- Failures ------------------------------------------------------------------------------ */

enum { PC1_TRIES = 3, PC2_TRIES = 3 };

/* Not as Lotus, which removes the sector: what fails again and again is a worker or a disk, and deposits and
 * data are not thrown away by a machine (spec section 10). */
void slk_decide_pre_commit1_failed(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    bool there;
    if (t->sector->pre_commit1_fails <= PC1_TRIES) {
        if (slk_turn_cooled(t, "PC1 is done again"))
            slk_turn_event(t, SLK_EVENT_RETRY_SEAL_PRE_COMMIT1, "PC1 is done again");
        return;
    }
    if (!slk_turn_pre_commit(t, &there, &info))
        return;
    slk_turn_wait(t, 0, 0,
                  "PC1 failed %" PRIu64 " times%s: a person has to decide (`selkie sectors "
                  "update-state --really-do-it %" PRIu64 " PreCommit1` does it once more, `selkie "
                  "sectors remove --really-do-it %" PRIu64 "` gives it up); %.200s",
                  t->sector->pre_commit1_fails, there ? ", and a deposit is at stake" : "",
                  t->sector->sector_number, t->sector->sector_number, slk_turn_last_err(t));
}

void slk_decide_pre_commit2_failed(slk_turn_t *t)
{
    unsigned tries;
    slk_job_view_t view;
    if (!slk_turn_cooled(t, "is tried again") ||
        !slk_turn_last_try(t, SLK_TASK_PC2, NULL, t->sector->visit - 1, &tries, &view))
        return;
    if (view.state == SLK_JOB_FAILED && view.failure == SLK_FAILURE_INPUT)
        slk_turn_event(t, SLK_EVENT_RETRY_SEAL_PRE_COMMIT1,
                       "PC1 is done again, as what it left is damaged");
    else if (t->sector->pre_commit2_fails > PC2_TRIES)
        slk_turn_event(t, SLK_EVENT_RETRY_SEAL_PRE_COMMIT1,
                       "PC1 is done again, as PC2 failed %" PRIu64 " times",
                       t->sector->pre_commit2_fails);
    else
        slk_turn_event(t, SLK_EVENT_RETRY_SEAL_PRE_COMMIT2, "PC2 is done again");
}
