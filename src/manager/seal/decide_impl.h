#ifndef SLK_MANAGER_SEAL_DECIDE_IMPL_H
#define SLK_MANAGER_SEAL_DECIDE_IMPL_H

/* What the functions of the states share (manager/seal/decide_*.c).
 *
 * A turn is one decision being made. Whoever has decided, or cannot go on (trouble outside, an error), writes
 * that into the turn and returns false; callers return as well:
 *
 *     bool there;
 *     if (!slk_turn_look(t, t->ops->pre_commit(t->ctx, ..., &t->said), &there))
 *         return; */

#include "base/assert.h"
#include "manager/seal/decide.h"
#include "manager/seal/pieces.h"

#include <inttypes.h>

#define SLK_TURN_FIRST      0  /* of `tries`: none failed before */
#define SLK_SEED_CONFIDENCE 6  /* epochs, InteractivePoRepConfidence */
#define SLK_LANDING_EPOCHS  10 /* what a message takes at the least until it is on chain */

typedef struct {
    const slk_world_t *world;
    const slk_world_ops_t *ops;
    void *ctx;
    const slk_sector_info_t *sector;
    slk_sector_state_t state;
    slk_porep_t porep;
    slk_arena_t *arena;
    slk_decision_t *out;
    slk_err_t err;
    slk_diag_t *diag;
    slk_diag_t said; /* of the last look */
    bool has_net;
    slk_world_net_t net; /* after slk_turn_net */
    slk_message_row_t row;
    json_t *results; /* of jobs, given back at the end */
} slk_turn_t;

typedef void slk_state_fn_t(slk_turn_t *t);

/* --- Decisions ----------------------------------------------------------------------------- */

/* An event with a reason; other fields are set by the caller afterwards. */
slk_event_t *slk_turn_event(slk_turn_t *t, slk_event_type_t type, const char *fmt, ...)
    SLK_PRINTF(3, 4);
/* Wait until a time or an epoch, whichever is first; 0: not by that. Both 0: until something happens. */
void slk_turn_wait(slk_turn_t *t, int64_t until_ms, int64_t until_epoch, const char *fmt, ...)
    SLK_PRINTF(4, 5);
/* Wait, because something outside is wrong, with a pause that grows. */
void slk_turn_trouble(slk_turn_t *t, const char *fmt, ...) SLK_PRINTF(2, 3);
void slk_turn_rest(slk_turn_t *t, const char *fmt, ...) SLK_PRINTF(2, 3);
void slk_turn_batch(slk_turn_t *t, slk_batch_kind_t kind, int64_t cutoff, const char *fmt, ...)
    SLK_PRINTF(4, 5);
void slk_turn_no_memory(slk_turn_t *t);

/* --- Looking ------------------------------------------------------------------------------- */

/* False: decided already, as the look met trouble. *there may be NULL: then NONE is trouble as well. */
bool slk_turn_look(slk_turn_t *t, slk_look_t look, bool *there);
/* Fill t->net. */
bool slk_turn_net(slk_turn_t *t);
/* When this epoch begins, ms since 1970; after slk_turn_net. */
int64_t slk_turn_epoch_ms(const slk_turn_t *t, int64_t epoch);
bool slk_turn_pre_commit(slk_turn_t *t, bool *there, slk_sector_pre_commit_on_chain_info_t *out);
bool slk_turn_on_chain(slk_turn_t *t, bool *there, slk_sector_on_chain_info_t *out);
bool slk_turn_allocated(slk_turn_t *t, bool *allocated);

/* Where it was decided to wait, for a job or a batch too: look again after so many epochs at the latest, as
 * the chain may change. After slk_turn_net; nothing otherwise. */
void slk_turn_look_again(slk_turn_t *t, int64_t epochs);

/* After a failure: false, and a decision to wait, until retry_cooldown_ms have passed since the state was
 * entered. next: what is done then. */
bool slk_turn_cooled(slk_turn_t *t, const char *next);
/* The record's last error as a text; "" where there is none. */
const char *slk_turn_last_err(slk_turn_t *t);
/* [{"Size","PieceCID"}] for a job. */
json_t *slk_turn_pieces_json(const slk_sector_piece_list_t *pieces);

/* --- Jobs (decide_job.c) ------------------------------------------------------------------- */

typedef struct {
    slk_task_t task;
    const char *suffix;        /* of the key behind the task's name; NULL: none */
    json_t *params;            /* taken over */
    int64_t deadline_ms;       /* 0: none */
    const char *only_worker;   /* NULL: any */
    slk_event_type_t failed;   /* the event when it failed for good */
    slk_event_type_t on_input; /* when its input was found damaged */
} slk_turn_job_t;

/* True: it is done, *view holds its result (borrowed from the turn). False: decided: a JOB, which may be
 * there already and is waited for, or the event of its failure. A failure that says nothing about the sector
 * (worker gone, no space) leads to the next try, with a growing pause. */
bool slk_turn_job(slk_turn_t *t, slk_turn_job_t *job, slk_job_view_t *view);

/* The last try of a task in a visit; view->state is SLK_JOB_NONE where there is none. */
bool slk_turn_last_try(slk_turn_t *t, slk_task_t task, const char *suffix, uint64_t visit,
                       unsigned *tries, slk_job_view_t *view);

/* Can it be done by the deadline, if it takes least_ms from where it stands? Where not, said tells. False:
 * decided. */
bool slk_turn_can_make(slk_turn_t *t, slk_task_t task, int64_t least_ms, int64_t deadline_ms,
                       bool *can);
/* What it takes at the least, to give something up for want of time: half of what is usual, since that may
 * have been measured on a bad day. 0 when it is not known. */
bool slk_turn_least(slk_turn_t *t, slk_task_t task, int64_t *ms);
/* What the task takes here, 0 when it is not known. */
bool slk_turn_typical(slk_turn_t *t, slk_task_t task, int64_t *ms);

/* Fields of a result. False: it has no such one; the caller says so. */
bool slk_job_result_node(const slk_job_view_t *view, const char *name, slk_node_t *out);
const char *slk_job_result_text(const slk_job_view_t *view, const char *name);

/* --- Messages (decide_message.c) ------------------------------------------------------------ */

typedef enum {
    SLK_SENT_NONE,     /* neither key nor CID is known */
    SLK_SENT_UNDERWAY, /* said tells where it is */
    SLK_SENT_OK,       /* executed, exit code 0 */
    SLK_SENT_FAILED,   /* executed, another exit code */
    SLK_SENT_NOT       /* it was refused or replaced: it never was executed */
} slk_sent_t;

typedef struct {
    slk_sent_t state;
    int64_t exit_code, height;
    slk_cid_t cid;
    slk_tipset_key_t tipset;
    int64_t until_epoch; /* UNDERWAY: look again then; 0: when it moves */
} slk_turn_message_t;

/* What became of a message of ours, by its key, or of one from before, by its CID. */
bool slk_turn_message(slk_turn_t *t, slk_bytes_t key, const slk_cid_t *cid,
                      slk_turn_message_t *out);
/* Exit codes after which the same again may work: out of gas, too little money for its value. */
bool slk_exit_is_passing(int64_t code);

/* --- Checks (decide_check.c; spec 1.6) ------------------------------------------------------ */

typedef enum {
    SLK_CHECK_OK,
    SLK_CHECK_INVALID_PIECE,
    SLK_CHECK_INVALID_DEALS,
    SLK_CHECK_EXPIRED_DEALS,
    SLK_CHECK_NO_DEALS,
    SLK_CHECK_BAD_COMM_D,
    SLK_CHECK_BAD_TICKET,
    SLK_CHECK_PRE_COMMIT_ON_CHAIN,
    SLK_CHECK_NUMBER_ALLOCATED,
    SLK_CHECK_EXPIRED_TICKET,
    SLK_CHECK_BAD_SEED,
    SLK_CHECK_NO_PRE_COMMIT,
    SLK_CHECK_PRE_COMMIT_EXPIRED,
    SLK_CHECK_INVALID_PROOF
} slk_check_t;

/* False: decided. Else *check, with a sentence in t->said when it is not OK. */
bool slk_check_pieces(slk_turn_t *t, slk_check_t *check);
bool slk_check_pre_commit(slk_turn_t *t, slk_check_t *check);
/* with_proof: that the record's proof holds, too. */
bool slk_check_commit(slk_turn_t *t, bool with_proof, slk_check_t *check);
/* The proof of this sector, bytes as the chain takes it. *ok false: t->said tells. */
bool slk_check_proof(slk_turn_t *t, const slk_cid_t *sealed, slk_bytes_t proof, bool *ok);
/* Deals that are invalid or expired: their event; false: it is something else. back: where to go on when they
 * were found again. */
bool slk_turn_deals(slk_turn_t *t, slk_check_t check, slk_sector_state_t back);
/* The first epoch at which something of the pieces is too late; SLK_BATCH_NO_CUTOFF: nothing is. */
bool slk_piece_cutoff(slk_turn_t *t, int64_t *epoch);
/* The same of what the chain itself insists on. Not the schedule of a piece without a deal: with a deposit on
 * chain its sector is proven late rather than never. */
bool slk_piece_chain_cutoff(slk_turn_t *t, int64_t *epoch);

/* --- The states ---------------------------------------------------------------------------- */

slk_state_fn_t slk_decide_wait_deals, slk_decide_add_piece, slk_decide_add_piece_failed,
    slk_decide_packing;
slk_state_fn_t slk_decide_get_ticket, slk_decide_pre_commit1, slk_decide_pre_commit2,
    slk_decide_pre_commit1_failed, slk_decide_pre_commit2_failed;
slk_state_fn_t slk_decide_pre_committing, slk_decide_submit_pre_commit, slk_decide_pre_commit_wait,
    slk_decide_wait_seed, slk_decide_pre_commit_failed;
slk_state_fn_t slk_decide_committing, slk_decide_submit_commit, slk_decide_submit_aggregate,
    slk_decide_commit_wait, slk_decide_compute_proof_failed, slk_decide_remote_commit_failed,
    slk_decide_commit_failed;
slk_state_fn_t slk_decide_finalize, slk_decide_finalize_failed;
slk_state_fn_t slk_decide_terminating, slk_decide_terminate_wait, slk_decide_terminate_finality,
    slk_decide_terminate_failed, slk_decide_removing, slk_decide_remove_failed;
slk_state_fn_t slk_decide_deals_expired, slk_decide_recover_deal_ids, slk_decide_fault_reported,
    slk_decide_abort_upgrade;

#endif /* SLK_MANAGER_SEAL_DECIDE_IMPL_H */
