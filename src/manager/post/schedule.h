#ifndef SLK_MANAGER_POST_SCHEDULE_H
#define SLK_MANAGER_POST_SCHEDULE_H

/* When window proofs are asked for and sent: what is to be done now for the partitions of one deadline, as a
 * function of the head, of what the chain says and of what is stored. It has no memory, so it may be asked at
 * any time and again after a crash. Source: spec lotus-miner.md 4.1, 4.2; damocles.md 8.4.
 *
 *   Challenge --confidence--> ask workers ... proven ... Open --confidence--> send ... landed ... Close
 *
 * A partition goes its own way; only messages are shared, and one that failed makes its partitions go alone
 * from then on, so that a bad partition never holds back the others.
 *
 * A message has one proof, over the sectors of all its partitions in ascending order, cut into parts of as many
 * sectors as a partition has. So proofs of several partitions are one only where they follow each other in
 * that order and each but the last is of a whole partition; others have messages of their own. */

#include "chain/api_types.h"
#include "chain/message.h"
#include "manager/job/job_store.h"

#define SLK_POST_WHY_MAX 256

/* --- Windows ----------------------------------------------------------------------------------- */

typedef struct {
    uint64_t index;
    int64_t period_start, open, close, challenge, fault_cutoff; /* epochs; close is outside */
} slk_post_window_t;

/* The window of the deadline that comes `ahead` after the present one; the present one for 0. */
slk_post_window_t slk_post_window(const slk_api_deadline_info_t *info, uint64_t ahead);

/* Waits, in epochs, and sizes of messages. */
typedef struct {
    int64_t challenge_confidence; /* on top of Challenge before its randomness is used */
    int64_t submit_confidence;    /* behind Open before the first message */
    int64_t message_confidence;   /* on top of a message's receipt */
    int64_t gather;               /* behind Open + submit_confidence a message waits for others */
    uint64_t max_partitions;      /* of a message */
} slk_post_rules_t;

typedef struct {
    int64_t challenge_confidence, submit_confidence, message_confidence;
    uint64_t max_partitions; /* of a message; 0: as the network has it */
} slk_post_wishes_t;

/* Wishes as far as the network's windows leave room for them: no confidence takes more than half of the time
 * between Challenge and Open, or an eighth of the window. partition_sectors: most that a partition has. */
slk_post_rules_t slk_post_rules(const slk_post_wishes_t *wishes,
                                const slk_api_deadline_info_t *info, uint64_t partition_sectors);

/* --- Partitions -------------------------------------------------------------------------------- */

/* Of a stored row. Name in the database; what people read. */
#define SLK_POST_STATES(X)                                                                         \
    X(NONE, "none", "nothing was asked for yet")                                                   \
    X(ASKED, "asked", "a worker is to prove it")                                                   \
    X(EMPTY, "empty", "none of its sectors can be read")                                           \
    X(PROVEN, "proven", "proven, not sent")                                                        \
    X(SENT, "sent", "its message is on the way")                                                   \
    X(DONE, "done", "its message has landed")                                                      \
    X(MISSED, "missed", "the deadline closed without its proof")

typedef enum {
#define SLK_X(id, name, text) SLK_POST_##id,
    SLK_POST_STATES(SLK_X)
#undef SLK_X
        SLK_POST_STATE_CNT
} slk_post_state_t;

const char *slk_post_state_name(slk_post_state_t state);
const char *slk_post_state_text(slk_post_state_t state);
bool slk_post_state_from_name(slk_post_state_t *state, const char *name);

typedef struct {
    uint64_t index;
    uint64_t to_prove; /* sectors: live and not faulty, or recovering */
    uint64_t skipped;  /* of these those known to be unreadable */
    bool posted;       /* the chain has a proof of it in this window */
    slk_post_state_t state;
    bool stale; /* what is stored is for other randomness than the chain's of now */
    int64_t tries, sends, retry_epoch;
    bool full;                   /* PROVEN: the proof has as many sectors as a partition can have */
    uint64_t first, last;        /* PROVEN: lowest and highest sector of the proof */
    slk_job_state_t job;         /* ASKED */
    slk_message_state_t message; /* SENT; SLK_MESSAGE_STATE_CNT: there is none */
} slk_post_fact_t;

typedef enum {
    SLK_POST_DO_WAIT,
    SLK_POST_DO_ASK,    /* a new job, without the skipped sectors; an old one is not wanted */
    SLK_POST_DO_ANEW,   /* the same, and all sectors are tried again */
    SLK_POST_DO_TAKE,   /* the job has ended well: take what it says */
    SLK_POST_DO_EMPTY,  /* nothing can be read; pause until retry_epoch */
    SLK_POST_DO_SEND,   /* with all others of the same batch */
    SLK_POST_DO_RESEND, /* the message came to nothing: proven again; not before retry_epoch */
    SLK_POST_DO_DONE,
    SLK_POST_DO_MISSED
} slk_post_do_t;

typedef struct {
    slk_post_do_t what;
    uint32_t batch; /* SEND: from 0 */
    int64_t delay;  /* ASK, ANEW: epochs to wait */
    int64_t retry_epoch;
    char why[SLK_POST_WHY_MAX]; /* for people */
} slk_post_action_t;

/* facts: partitions of one deadline, ascending by index; out: of the same number. *batches: how many
 * messages. */
void slk_post_schedule(slk_post_action_t *out, uint32_t *batches, const slk_post_window_t *window,
                       const slk_post_rules_t *rules, int64_t head, const slk_post_fact_t *facts,
                       size_t cnt);

/* --- Recoveries -------------------------------------------------------------------------------- */

/* A deadline whose faults may be declared recovered now: not after its cutoff, with room for the message to
 * land. */
bool slk_post_may_recover(const slk_post_window_t *window, int64_t head);

#endif /* SLK_MANAGER_POST_SCHEDULE_H */
