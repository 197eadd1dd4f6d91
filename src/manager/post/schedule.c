#include "manager/post/schedule.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NETWORK_PARTITIONS = 3, NETWORK_SECTORS = 25000, SENDS_OF_A_PROOF = 3, DOUBLINGS = 6 };

static const struct {
    const char *name, *text;
} states[SLK_POST_STATE_CNT] = {
#define SLK_X(id, name, text) {name, text},
    SLK_POST_STATES(SLK_X)
#undef SLK_X
};

const char *slk_post_state_name(slk_post_state_t state)
{
    SLK_ASSERT((unsigned)state < SLK_POST_STATE_CNT);
    return states[state].name;
}

const char *slk_post_state_text(slk_post_state_t state)
{
    SLK_ASSERT((unsigned)state < SLK_POST_STATE_CNT);
    return states[state].text;
}

bool slk_post_state_from_name(slk_post_state_t *state, const char *name)
{
    for (unsigned i = 0; i < SLK_POST_STATE_CNT; i++)
        if (!strcmp(states[i].name, name)) {
            *state = (slk_post_state_t)i;
            return true;
        }
    return false;
}

/* --- Windows ----------------------------------------------------------------------------------- */

slk_post_window_t slk_post_window(const slk_api_deadline_info_t *info, uint64_t ahead)
{
    const uint64_t all = info->wpost_period_deadlines ? info->wpost_period_deadlines : 1;
    const int64_t shift = (int64_t)ahead * info->wpost_challenge_window;
    const uint64_t periods = (info->index + ahead) / all;
    return (slk_post_window_t){
        .index = (info->index + ahead) % all,
        .period_start = info->period_start + (int64_t)periods * info->wpost_proving_period,
        .open = info->open + shift,
        .close = info->close + shift,
        .challenge = info->challenge + shift,
        .fault_cutoff = info->fault_cutoff + shift,
    };
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

slk_post_rules_t slk_post_rules(const slk_post_wishes_t *wishes,
                                const slk_api_deadline_info_t *info, uint64_t partition_sectors)
{
    const int64_t window = info->wpost_challenge_window;
    uint64_t partitions = partition_sectors ? NETWORK_SECTORS / partition_sectors : 1;
    if (partitions > NETWORK_PARTITIONS)
        partitions = NETWORK_PARTITIONS;
    if (wishes->max_partitions && wishes->max_partitions < partitions)
        partitions = wishes->max_partitions;
    return (slk_post_rules_t){
        .challenge_confidence =
            most(1, least(wishes->challenge_confidence, info->wpost_challenge_lookback / 2)),
        .submit_confidence = least(wishes->submit_confidence, window / 8),
        .message_confidence = most(1, least(wishes->message_confidence, window / 4)),
        .gather = window / 8,
        .max_partitions = partitions ? partitions : 1,
    };
}

/* --- One partition ----------------------------------------------------------------------------- */

typedef struct {
    const slk_post_window_t *window;
    const slk_post_rules_t *rules;
    int64_t head;
} now_t;

static void say(slk_post_action_t *out, slk_post_do_t what, const char *fmt, ...) SLK_PRINTF(3, 4);
static void say(slk_post_action_t *out, slk_post_do_t what, const char *fmt, ...)
{
    va_list args;
    out->what = what;
    va_start(args, fmt);
    vsnprintf(out->why, sizeof out->why, fmt, args);
    va_end(args);
}

/* Epochs to pause after so many failures: 0, 1, 2, 4, ... but never long for the window. */
static int64_t pause_after(const now_t *now, int64_t failures)
{
    const int64_t window = now->window->close - now->window->open;
    if (failures <= 0)
        return 0;
    return least(INT64_C(1) << least(failures - 1, DOUBLINGS), most(1, window / 8));
}

/* A message that is sent now is executed in the next tipset at the earliest. */
static bool can_land(const now_t *now)
{
    return now->head + 1 < now->window->close;
}

static void ask(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f,
                slk_post_do_t what, const char *why)
{
    if (!can_land(now)) {
        say(out, SLK_POST_DO_WAIT, "too late for this deadline, which closes at epoch %" PRId64,
            now->window->close);
        return;
    }
    say(out, what, "%s", why);
    out->delay = pause_after(now, f->tries);
}

static void when_nothing(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    if (f->skipped < f->to_prove) {
        ask(out, now, f, SLK_POST_DO_ASK, "asked for");
        return;
    }
    const int64_t window = now->window->close - now->window->open;
    say(out, SLK_POST_DO_EMPTY, "none of its %" PRIu64 " sectors can be read", f->to_prove);
    out->retry_epoch = now->head + most(1, window / 6);
}

static void when_asked(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    if (f->job == SLK_JOB_QUEUED)
        say(out, SLK_POST_DO_WAIT, "waits for a worker that proves it");
    else if (f->job == SLK_JOB_RUNNING)
        say(out, SLK_POST_DO_WAIT, "a worker is proving it");
    else if (f->job == SLK_JOB_DONE)
        say(out, SLK_POST_DO_TAKE, "the worker has answered");
    else
        ask(out, now, f, SLK_POST_DO_ASK, "the last try failed");
}

static void when_empty(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    if (now->head >= f->retry_epoch)
        ask(out, now, f, SLK_POST_DO_ANEW, "looking again whether its sectors can be read");
    else
        say(out, SLK_POST_DO_WAIT, "none of its sectors can be read; tried again at epoch %" PRId64,
            f->retry_epoch);
}

static void when_proven(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    const int64_t first = now->window->open + now->rules->submit_confidence;
    if (f->sends >= SENDS_OF_A_PROOF && f->sends % SENDS_OF_A_PROOF == 0 && f->retry_epoch) {
        ask(out, now, f, SLK_POST_DO_ASK, "its messages failed; proven anew");
        return;
    }
    if (now->head < first || now->head < f->retry_epoch)
        say(out, SLK_POST_DO_WAIT, "proven; is sent at epoch %" PRId64,
            most(first, f->retry_epoch));
    else if (!can_land(now))
        say(out, SLK_POST_DO_WAIT, "proven, but too late for a message");
    else
        say(out, SLK_POST_DO_SEND, "proven; is sent now");
}

static void when_sent(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    if (f->message == SLK_MESSAGE_DONE)
        say(out, SLK_POST_DO_DONE, "its message has landed");
    else if (f->message == SLK_MESSAGE_STATE_CNT || slk_message_state_final(f->message)) {
        say(out, SLK_POST_DO_RESEND, "its message came to nothing%s%s",
            f->message == SLK_MESSAGE_STATE_CNT ? "" : ": ",
            f->message == SLK_MESSAGE_STATE_CNT ? "" : slk_message_state_what(f->message));
        out->retry_epoch = now->head + pause_after(now, f->sends);
    } else
        say(out, SLK_POST_DO_WAIT, "its message is %s",
            f->message == SLK_MESSAGE_LANDED ? "on chain and waits for confidence"
                                             : "on its way to the chain");
}

/* Of an unfinished one whose deadline has closed. */
static void when_closed(slk_post_action_t *out, const slk_post_fact_t *f)
{
    const bool moving = f->state == SLK_POST_SENT && f->message != SLK_MESSAGE_STATE_CNT &&
                        !slk_message_state_final(f->message);
    if (f->state == SLK_POST_SENT && f->message == SLK_MESSAGE_DONE)
        say(out, SLK_POST_DO_DONE, "its message has landed");
    else if (f->state == SLK_POST_DONE || f->state == SLK_POST_MISSED || !f->to_prove)
        say(out, SLK_POST_DO_WAIT, "the deadline is closed");
    else if (moving)
        say(out, SLK_POST_DO_WAIT, "the deadline is closed; its message is not yet final");
    else
        say(out, SLK_POST_DO_MISSED, "the deadline closed without its proof (%s)",
            slk_post_state_text(f->state));
}

typedef void state_fn_t(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f);

/* DONE was dealt with before; MISSED is none of a window that is open (a reorganization took the head back). */
static state_fn_t *const by_state[SLK_POST_STATE_CNT] = {
    [SLK_POST_NONE] = when_nothing,  [SLK_POST_ASKED] = when_asked, [SLK_POST_EMPTY] = when_empty,
    [SLK_POST_PROVEN] = when_proven, [SLK_POST_SENT] = when_sent,   [SLK_POST_DONE] = when_nothing,
    [SLK_POST_MISSED] = when_nothing};

static void one(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *f)
{
    const slk_post_window_t *w = now->window;
    const int64_t begin = w->challenge + now->rules->challenge_confidence;
    *out = (slk_post_action_t){.what = SLK_POST_DO_WAIT};
    if (now->head >= w->close) {
        when_closed(out, f);
    } else if (!f->to_prove) {
        say(out, SLK_POST_DO_WAIT, "has no sectors to prove");
    } else if (now->head < begin) {
        say(out, SLK_POST_DO_WAIT, "begins at epoch %" PRId64, begin);
    } else if (f->state == SLK_POST_DONE) {
        if (f->posted)
            say(out, SLK_POST_DO_WAIT, "its message has landed");
        else /* a reorganization deeper than the message's confidence */
            say(out, SLK_POST_DO_RESEND, "the chain has lost its proof");
    } else if (f->posted && f->state != SLK_POST_SENT) {
        say(out, SLK_POST_DO_DONE, "the chain has a proof of it that was not sent from here");
    } else if (f->stale && !f->posted && f->state != SLK_POST_NONE) {
        ask(out, now, f, SLK_POST_DO_ANEW, "the chain's randomness has changed");
        out->delay = 0;
    } else {
        by_state[f->state](out, now, f);
    }
}

/* --- All of a deadline ------------------------------------------------------------------------- */

/* May it still join a message soon? */
static bool is_coming(const slk_post_action_t *action, const slk_post_fact_t *f)
{
    return action->what == SLK_POST_DO_ASK || action->what == SLK_POST_DO_ANEW ||
           action->what == SLK_POST_DO_TAKE ||
           (action->what == SLK_POST_DO_WAIT && f->state == SLK_POST_ASKED);
}

/* Those to be sent: in the order of their indices, as many at a time as may be joined; those whose message
 * failed before alone; the last message waits a little for those that are being proven. */
static uint32_t gather(slk_post_action_t *out, const now_t *now, const slk_post_fact_t *facts,
                       size_t cnt)
{
    const slk_post_rules_t *rules = now->rules;
    const slk_post_fact_t *last = NULL;
    uint32_t batches = 0;
    uint64_t in_batch = 0, coming = 0;
    size_t first = 0;
    for (size_t i = 0; i < cnt; i++) {
        coming += is_coming(&out[i], &facts[i]);
        if (out[i].what == SLK_POST_DO_SEND && facts[i].sends)
            out[i].batch = batches++;
    }
    for (size_t i = 0; i < cnt; i++) {
        if (out[i].what != SLK_POST_DO_SEND || facts[i].sends)
            continue;
        const bool joins =
            last && in_batch < rules->max_partitions && last->full && last->last < facts[i].first;
        if (!joins) {
            first = i;
            in_batch = 0;
            batches++;
        }
        out[i].batch = batches - 1;
        in_batch++;
        last = &facts[i];
    }
    const int64_t until = now->window->open + rules->submit_confidence + rules->gather;
    if (!last || !coming || now->head >= until || in_batch == rules->max_partitions || !last->full)
        return batches;
    for (size_t i = first; i < cnt; i++)
        if (out[i].what == SLK_POST_DO_SEND && !facts[i].sends)
            say(&out[i], SLK_POST_DO_WAIT,
                "proven; waits until epoch %" PRId64 " for %" PRIu64
                " others that are being proven",
                until, coming);
    return batches - 1;
}

void slk_post_schedule(slk_post_action_t *out, uint32_t *batches, const slk_post_window_t *window,
                       const slk_post_rules_t *rules, int64_t head, const slk_post_fact_t *facts,
                       size_t cnt)
{
    const now_t now = {window, rules, head};
    for (size_t i = 0; i < cnt; i++)
        one(&out[i], &now, &facts[i]);
    *batches = gather(out, &now, facts, cnt);
}

bool slk_post_may_recover(const slk_post_window_t *window, int64_t head)
{
    return head + 1 < window->fault_cutoff;
}
