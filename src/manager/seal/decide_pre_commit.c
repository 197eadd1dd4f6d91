/* The pre-commit, from its batch to the seed, and what it fails of (spec 1.2, 1.6). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include <string.h>

enum { EPOCHS_BETWEEN = 20 }; /* looks at one that waits for its batch */

static bool own_message(slk_turn_t *t, slk_turn_message_t *message)
{
    return slk_turn_message(t, t->sector->pre_commit_key, &t->sector->pre_commit_message, message);
}

static void landed(slk_turn_t *t, const slk_tipset_key_t *tipset, const slk_cid_t *cid)
{
    slk_event_t *event = slk_turn_event(t, SLK_EVENT_PRE_COMMIT_LANDED, "%.500s", t->said.text);
    const void *copy = slk_arena_copy(t->arena, tipset->b, tipset->len);
    if (!copy) {
        slk_turn_no_memory(t);
        return;
    }
    event->bytes = (slk_bytes_t){copy, tipset->len};
    if (cid)
        event->cid = *cid;
}

/* --- SubmitPreCommitBatch ------------------------------------------------------------------- */

void slk_decide_pre_committing(slk_turn_t *t)
{
    slk_turn_event(t, SLK_EVENT_PRE_COMMIT_BATCH, "its pre-commit goes into a batch");
}

/* A message of an earlier visit that still may land is the message: a second one is not sent. */
static bool still_on_its_way(slk_turn_t *t)
{
    slk_turn_message_t message;
    if (!own_message(t, &message))
        return true;
    if (message.state != SLK_SENT_UNDERWAY || !t->sector->pre_commit_key.len)
        return false;
    slk_event_t *event = slk_turn_event(t, SLK_EVENT_PRE_COMMIT_BATCH_SENT, "%.500s", t->said.text);
    event->key = slk_arena_text(t->arena, (const char *)t->sector->pre_commit_key.b,
                                t->sector->pre_commit_key.len);
    event->cid = t->sector->pre_commit_message;
    event->amount = t->sector->pre_commit_deposit;
    if (!event->key)
        slk_turn_no_memory(t);
    return true;
}

static const struct {
    slk_check_t check;
    slk_event_type_t event;
} ticket_checks[] = {
    {SLK_CHECK_BAD_COMM_D, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED},
    {SLK_CHECK_EXPIRED_TICKET, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED},
    {SLK_CHECK_BAD_TICKET, SLK_EVENT_SEAL_PRE_COMMIT1_FAILED},
};

/* What both SubmitPreCommitBatch and PreCommitFailed do when the check says no; false: something else. */
static bool react(slk_turn_t *t, slk_check_t check, slk_sector_state_t back)
{
    if (slk_turn_deals(t, check, back))
        return true;
    for (size_t i = 0; i < SLK_COUNT(ticket_checks); i++) {
        if (ticket_checks[i].check != check)
            continue;
        slk_turn_event(t, ticket_checks[i].event, "%.500s", t->said.text);
        return true;
    }
    if (check != SLK_CHECK_NUMBER_ALLOCATED && check != SLK_CHECK_INVALID_PIECE)
        return false;
    slk_turn_wait(t, 0, 0, "%.400s: a person has to decide (update-state, remove)", t->said.text);
    return true;
}

void slk_decide_submit_pre_commit(slk_turn_t *t)
{
    slk_check_t check;
    int64_t pieces;
    if (still_on_its_way(t) || !slk_check_pre_commit(t, &check) ||
        react(t, check, SLK_STATE_PRE_COMMITTING))
        return;
    if (check == SLK_CHECK_PRE_COMMIT_ON_CHAIN) {
        landed(t, &t->net.key, NULL);
        return;
    }
    if (!slk_piece_cutoff(t, &pieces))
        return;
    const int64_t ticket = t->sector->ticket_epoch + t->net.policy.max_precommit_lookback;
    const int64_t cutoff = pieces < ticket ? pieces : ticket;
    slk_turn_batch(t, SLK_BATCH_PRE_COMMIT, cutoff,
                   "waits for its batch of pre-commits; has to be on chain by epoch %" PRId64
                   ", in about %s",
                   cutoff, slk_span_text(slk_turn_epoch_ms(t, cutoff) - t->world->now_ms).s);
    slk_turn_look_again(t, EPOCHS_BETWEEN);
}

/* --- PreCommitBatchWait --------------------------------------------------------------------- */

void slk_decide_pre_commit_wait(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    slk_turn_message_t message;
    bool there;
    if (!own_message(t, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY) {
        slk_turn_wait(t, 0, message.until_epoch, "pre-commit: %.450s", t->said.text);
    } else if (message.state == SLK_SENT_OK) {
        const slk_diag_t no = {"the message succeeded, but the pre-commit is not on chain"};
        if (!slk_turn_pre_commit(t, &there, &info))
            return;
        if (there) {
            slk_fail(&t->said, SLK_OK, "its pre-commit is on chain since epoch %" PRId64,
                     info.pre_commit_epoch);
            landed(t, &message.tipset, &message.cid);
        } else {
            slk_turn_event(t, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED, "%.500s", no.text);
        }
    } else if (message.state == SLK_SENT_FAILED && slk_exit_is_passing(message.exit_code)) {
        slk_turn_event(t, SLK_EVENT_RETRY_PRE_COMMIT, "%.500s", t->said.text);
    } else {
        slk_turn_event(t, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED, "%.500s", t->said.text);
    }
}

/* --- WaitSeed ------------------------------------------------------------------------------- */

void slk_decide_wait_seed(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    slk_node_t seed;
    bool there;
    if (!slk_turn_net(t) || !slk_turn_pre_commit(t, &there, &info))
        return;
    if (!there) {
        slk_turn_event(t, SLK_EVENT_CHAIN_PRE_COMMIT_FAILED,
                       "its pre-commit is not on chain at epoch %" PRId64, t->net.height);
        return;
    }
    const int64_t epoch = info.pre_commit_epoch + t->net.policy.precommit_challenge_delay;
    const int64_t sure = epoch + SLK_SEED_CONFIDENCE;
    if (t->net.height < sure) {
        slk_turn_wait(t, 0, sure,
                      "waits for the seed: of epoch %" PRId64 ", drawn at %" PRId64 ", in about %s",
                      epoch, sure, slk_span_text(slk_turn_epoch_ms(t, sure) - t->world->now_ms).s);
        return;
    }
    if (!slk_turn_look(t, t->ops->seed(t->ctx, t->sector->miner, epoch, &seed, &t->said), NULL))
        return;
    slk_event_t *event = slk_turn_event(t, SLK_EVENT_SEED_READY, "seed of epoch %" PRId64, epoch);
    event->hash = seed;
    event->epoch = epoch;
}

/* --- PreCommitFailed ------------------------------------------------------------------------ */

/* The pre-commit is there after all. */
static void is_there(slk_turn_t *t, const slk_sector_pre_commit_on_chain_info_t *info)
{
    const slk_sector_info_t *s = t->sector;
    if (!s->pre_commit_key.len && !slk_cid_defined(&s->pre_commit_message)) {
        landed(t, &t->net.key, NULL);
    } else if (!slk_cid_eq(&info->info.sealed_cid, &s->comm_r)) {
        slk_turn_wait(t, 0, 0,
                      "it is pre-committed with CommR %s, but has %s: a person has to decide",
                      slk_cid_text(&info->info.sealed_cid).s, slk_cid_text(&s->comm_r).s);
    } else if (slk_turn_cooled(t, "waits for the seed")) {
        slk_turn_event(t, SLK_EVENT_RETRY_WAIT_SEED, "its pre-commit is on chain");
    }
}

void slk_decide_pre_commit_failed(slk_turn_t *t)
{
    slk_sector_pre_commit_on_chain_info_t info;
    slk_turn_message_t message;
    slk_check_t check;
    bool there;
    if (!own_message(t, &message))
        return;
    if (message.state == SLK_SENT_UNDERWAY) {
        slk_turn_event(t, SLK_EVENT_RETRY_PRE_COMMIT_WAIT, "%.500s", t->said.text);
        return;
    }
    if (!slk_check_pre_commit(t, &check) || react(t, check, SLK_STATE_PRE_COMMIT_FAILED) ||
        !slk_turn_pre_commit(t, &there, &info))
        return;
    if (there)
        is_there(t, &info);
    else if (slk_turn_cooled(t, "is pre-committed again"))
        slk_turn_event(t, SLK_EVENT_RETRY_PRE_COMMIT, "is pre-committed again");
}
