#ifndef SLK_MANAGER_SEAL_BATCH_H
#define SLK_MANAGER_SEAL_BATCH_H

/* When a batch is sent: pure. Candidates are the sectors of one miner whose decision is BATCH of one kind;
 * what comes out is "send these now" or "look again then". Source: spec lotus-miner.md 1.7, 1.8, 1.10. A
 * wait counts from when the oldest candidate came, so that a restart does not begin it anew. */

#include "manager/config.h"

#include <stddef.h>

typedef enum {
    SLK_BATCH_PRE_COMMIT,
    SLK_BATCH_COMMIT,
    SLK_BATCH_TERMINATE,
    SLK_BATCH_CNT
} slk_batch_kind_t;

const char *slk_batch_kind_name(slk_batch_kind_t kind); /* "pre-commit" */

#define SLK_BATCH_NO_CUTOFF INT64_MAX

typedef struct {
    uint64_t number;
    int64_t since_ms; /* since when it is a candidate */
    int64_t cutoff;   /* epoch by which the message must be on chain; SLK_BATCH_NO_CUTOFF: none */
} slk_batch_candidate_t;

/* From the settings, by slk_batch_rules. */
typedef struct {
    size_t max;       /* send as soon as there are so many, and never more in one message */
    size_t min;       /* of terminations: fewer wait on when wait_ms has passed */
    int64_t wait_ms;  /* the oldest candidate waits no longer */
    int64_t slack_ms; /* send so long before the first cutoff */
} slk_batch_rules_t;

void slk_batch_rules(slk_batch_rules_t *rules, slk_batch_kind_t kind,
                     const slk_miner_config_t *config);

/* The head, and how epochs become time. */
typedef struct {
    int64_t now_ms, height, head_ms, block_ms;
} slk_batch_clock_t;

typedef struct {
    bool send;
    size_t cnt;          /* of chosen, when sent */
    size_t rest;         /* candidates that do not fit: plan again after sending */
    int64_t until_ms;    /* not sent: look again then, or when a candidate comes */
    int64_t until_epoch; /* the cutoff that until_ms comes from; 0: from the wait */
    char why[256];
} slk_batch_plan_t;

/* chosen: room for rules->max indices of candidates, those with the earliest cutoff first chosen, then the
 * oldest; given in ascending order of sector numbers. flush: a person asks to send what is there. cnt > 0.
 */
void slk_batch_plan(slk_batch_plan_t *plan, size_t *chosen, const slk_batch_rules_t *rules,
                    slk_batch_kind_t kind, const slk_batch_candidate_t *candidates, size_t cnt,
                    const slk_batch_clock_t *clock, bool flush);

#endif /* SLK_MANAGER_SEAL_BATCH_H */
