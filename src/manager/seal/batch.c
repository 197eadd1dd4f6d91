#include "manager/seal/batch.h"

#include "base/assert.h"
#include "manager/seal/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[SLK_BATCH_CNT] = {
    [SLK_BATCH_PRE_COMMIT] = "pre-commit",
    [SLK_BATCH_COMMIT] = "prove-commit",
    [SLK_BATCH_TERMINATE] = "termination",
};

const char *slk_batch_kind_name(slk_batch_kind_t kind)
{
    return names[kind];
}

/* The actor's parameters have at most 8192 elements in a list. */
enum { LIST_MAX = 8192 };

static size_t limit(uint64_t most)
{
    return most == 0 ? 1 : most > LIST_MAX ? LIST_MAX : (size_t)most;
}

void slk_batch_rules(slk_batch_rules_t *rules, slk_batch_kind_t kind,
                     const slk_miner_config_t *config)
{
    const slk_batch_rules_t all[SLK_BATCH_CNT] = {
        [SLK_BATCH_PRE_COMMIT] = {.max = limit(config->max_pre_commit_batch),
                                  .min = 1,
                                  .wait_ms = config->pre_commit_batch_wait_ms,
                                  .slack_ms = config->pre_commit_batch_slack_ms},
        [SLK_BATCH_COMMIT] = {.max = limit(config->max_commit_batch),
                              .min = 1,
                              .wait_ms = config->commit_batch_wait_ms,
                              .slack_ms = config->commit_batch_slack_ms},
        [SLK_BATCH_TERMINATE] = {.max = limit(config->terminate_batch_max),
                                 .min = limit(config->terminate_batch_min),
                                 .wait_ms = config->terminate_batch_wait_ms},
    };
    *rules = all[kind];
    if (rules->min > rules->max)
        rules->min = rules->max;
}

/* --- Choosing ------------------------------------------------------------------------------ */

static int by_urgency(const void *a, const void *b)
{
    const slk_batch_candidate_t *x = *(const slk_batch_candidate_t *const *)a;
    const slk_batch_candidate_t *y = *(const slk_batch_candidate_t *const *)b;
    if (x->cutoff != y->cutoff)
        return x->cutoff < y->cutoff ? -1 : 1;
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int by_number(const void *a, const void *b)
{
    const slk_batch_candidate_t *x = *(const slk_batch_candidate_t *const *)a;
    const slk_batch_candidate_t *y = *(const slk_batch_candidate_t *const *)b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Without memory the first ones are taken, which is as good a batch. */
static void choose(slk_batch_plan_t *plan, size_t *chosen, const slk_batch_candidate_t *candidates,
                   size_t cnt, size_t max)
{
    const slk_batch_candidate_t **order = calloc(cnt, sizeof *order);
    plan->cnt = cnt < max ? cnt : max;
    plan->rest = cnt - plan->cnt;
    if (order) {
        for (size_t i = 0; i < cnt; i++)
            order[i] = &candidates[i];
        qsort(order, cnt, sizeof *order, by_urgency);
        qsort(order, plan->cnt, sizeof *order, by_number);
    }
    for (size_t i = 0; i < plan->cnt; i++)
        chosen[i] = order ? (size_t)(order[i] - candidates) : i;
    free(order);
}

/* --- When ---------------------------------------------------------------------------------- */

static int64_t epoch_ms(const slk_batch_clock_t *clock, int64_t epoch)
{
    return clock->head_ms + (epoch - clock->height) * clock->block_ms;
}

/* The time to send: the oldest has waited long enough, or a cutoff comes near. */
static int64_t due(slk_batch_plan_t *plan, const slk_batch_rules_t *rules,
                   const slk_batch_candidate_t *candidates, size_t cnt,
                   const slk_batch_clock_t *clock)
{
    int64_t since = candidates[0].since_ms, cutoff = candidates[0].cutoff;
    for (size_t i = 1; i < cnt; i++) {
        since = candidates[i].since_ms < since ? candidates[i].since_ms : since;
        cutoff = candidates[i].cutoff < cutoff ? candidates[i].cutoff : cutoff;
    }
    int64_t at = since + rules->wait_ms;
    if (cutoff == SLK_BATCH_NO_CUTOFF)
        return at;
    const int64_t last = epoch_ms(clock, cutoff) - rules->slack_ms;
    if (last < at) {
        plan->until_epoch = cutoff;
        at = last;
    }
    return at;
}

static void tell_wait(slk_batch_plan_t *plan, const slk_batch_rules_t *rules, slk_batch_kind_t kind,
                      size_t cnt, const slk_batch_clock_t *clock)
{
    char cutoff[64] = "";
    if (plan->until_epoch)
        snprintf(cutoff, sizeof cutoff, ", as epoch %" PRId64 " comes near", plan->until_epoch);
    snprintf(plan->why, sizeof plan->why,
             "in a batch of %zu %s%s; sent when %zu are there, or at %s, in about %s%s", cnt,
             names[kind], cnt == 1 ? "" : "s", rules->max,
             slk_time_text(plan->until_ms, clock->now_ms).s,
             slk_span_text(plan->until_ms - clock->now_ms).s, cutoff);
}

void slk_batch_plan(slk_batch_plan_t *plan, size_t *chosen, const slk_batch_rules_t *rules,
                    slk_batch_kind_t kind, const slk_batch_candidate_t *candidates, size_t cnt,
                    const slk_batch_clock_t *clock, bool flush)
{
    SLK_ASSERT(cnt > 0 && rules->max > 0);
    *plan = (slk_batch_plan_t){0};
    const int64_t at = due(plan, rules, candidates, cnt, clock);
    const bool full = cnt >= rules->max, late = clock->now_ms >= at;
    plan->send = flush || full || (late && cnt >= rules->min);
    if (plan->send) {
        choose(plan, chosen, candidates, cnt, rules->max);
        snprintf(plan->why, sizeof plan->why, "%zu %s%s sent: %s", plan->cnt, names[kind],
                 plan->cnt == 1 ? " is" : "s are",
                 flush               ? "it was asked for"
                 : full              ? "a message holds no more"
                 : plan->until_epoch ? "a deadline comes near"
                                     : "the oldest has waited long enough");
        return;
    }
    /* Too few: look again after the same time. */
    plan->until_ms = late ? clock->now_ms + (rules->wait_ms > 0 ? rules->wait_ms : 1000) : at;
    if (late)
        snprintf(plan->why, sizeof plan->why,
                 "in a batch of %zu %ss; fewer than %zu are not sent by themselves", cnt,
                 names[kind], rules->min);
    else
        tell_wait(plan, rules, kind, cnt, clock);
}
