#ifndef SLK_MANAGER_SECTOR_SECTOR_STORE_H
#define SLK_MANAGER_SECTOR_SECTOR_STORE_H

/* The tables `sector` (a record, and when to look at it again), `sector_log` (its story) and
 * `sector_message` (which messages concern it); numbers.h has the tables of numbers, which are made
 * together with these.
 *
 * A row has a version, which counts up with whatever happens to the sector: a step, a decision that is
 * stored, a wake. Whoever decides loads a row, thinks without a transaction, and stores with the version
 * that he loaded: if anything happened meanwhile that is SLK_ERR_STATE, nothing is stored, and the sector,
 * still due, is decided on anew. So no wake is lost to a decision made from an older world.
 *
 * Functions that write without a transaction of the caller's are one of their own; those that must be in one
 * assert it. Connections as in store/db.h. Records and texts given back lie in the caller's arena; one of
 * SLK_SECTOR_ROOM bytes holds any record. */

#include "manager/sector/event.h"
#include "manager/sector/step.h"
#include "store/db.h"

#define SLK_SECTOR_ROOM        ((size_t)32 << 20)
#define SLK_SECTOR_ANY_VERSION INT64_C(0) /* versions begin at 1 */
#define SLK_SECTOR_ANY_MINER   UINT64_MAX
#define SLK_SECTOR_NEVER       INT64_MAX /* due_ms of a sector at rest */
#define SLK_SECTOR_NO_BATCH    (-1)
#define SLK_SECTOR_WHY_MAX     512 /* with its zero */
#define SLK_SECTOR_JOB_MAX     121 /* a job's key with its zero (job_store.h) */
/* However long a wait is said to be, the sector is looked at again after this: 30 minutes. */
#define SLK_SECTOR_LOOK_AGAIN_MS INT64_C(1800000)

SLK_CHECK_RESULT slk_err_t slk_sector_migrate(slk_db_t *db, slk_diag_t *diag);

/* --- Rows ------------------------------------------------------------------------------------------ */

typedef struct {
    uint64_t miner, number;
    slk_sector_state_t state;
    uint64_t visit;
    int64_t version;
    int64_t created_ms, updated_ms;

    /* What was decided last; a step into a state begins anew with nothing of it. */
    int64_t due_ms;                    /* decide at this time; SLK_SECTOR_NEVER: at rest */
    int64_t wait_epoch;                /* or when the head has this height; 0: not by height */
    char wait_job[SLK_SECTOR_JOB_MAX]; /* or when this job ended; empty: no job */
    int batch;                    /* candidate of this slk_batch_kind_t, or SLK_SECTOR_NO_BATCH */
    int64_t batch_cutoff;         /* epoch by which the batch's message must be on chain */
    int64_t batch_since_ms;       /* candidate since */
    int64_t trouble;              /* decisions with trouble one behind the other */
    char why[SLK_SECTOR_WHY_MAX]; /* for people; empty: nothing decided yet */

    slk_sector_info_t *info; /* in the arena; NULL where it was not asked for */
} slk_sector_row_t;

/* SLK_ERR_NOTFOUND: no such sector. arena NULL: without the record. */
SLK_CHECK_RESULT slk_err_t slk_sector_load(slk_db_t *db, uint64_t miner, uint64_t number,
                                           slk_arena_t *arena, slk_sector_row_t *row,
                                           slk_diag_t *diag);

/* Which sectors to list. Zeroed: all of all states of miner 0; see slk_sector_filter_all. */
typedef struct {
    uint64_t miner;             /* SLK_SECTOR_ANY_MINER: of all */
    bool states[SLK_STATE_CNT]; /* none set: all states */
    bool candidates;            /* only of batch kind `batch` */
    int batch;
} slk_sector_filter_t;

static inline slk_sector_filter_t slk_sector_filter_all(void)
{
    return (slk_sector_filter_t){.miner = SLK_SECTOR_ANY_MINER};
}

/* Sets the states of a class. */
void slk_sector_filter_class(slk_sector_filter_t *filter, slk_state_class_t class);

/* Rows in the order of miner and number, at most max, behind the sector *after (NULL: from the first).
 * Rows without records where arena is NULL; with one a page should be short. */
typedef struct {
    uint64_t miner, number;
} slk_sector_ref_t;
SLK_CHECK_RESULT slk_err_t slk_sector_list(slk_db_t *db, const slk_sector_filter_t *filter,
                                           const slk_sector_ref_t *after, size_t max,
                                           slk_arena_t *arena, slk_sector_row_t *rows, size_t *cnt,
                                           slk_diag_t *diag);

/* How many there are in each state. */
SLK_CHECK_RESULT slk_err_t slk_sector_counts(slk_db_t *db, uint64_t miner,
                                             uint64_t counts[SLK_STATE_CNT], slk_diag_t *diag);

/* Miners that have or had sectors, ascending, at most max. */
SLK_CHECK_RESULT slk_err_t slk_sector_miners(slk_db_t *db, uint64_t *miners, size_t max,
                                             size_t *cnt, slk_diag_t *diag);

/* --- Whose turn it is ------------------------------------------------------------------------------ */

/* Sectors due at now_ms, at most max: those that are being sealed and have deals, then the others being
 * sealed, then failed ones, then the rest; among these miners in turn, and of a miner who is due longest. */
SLK_CHECK_RESULT slk_err_t slk_sector_due(slk_db_t *db, int64_t now_ms, slk_sector_ref_t *refs,
                                          size_t max, size_t *cnt, slk_diag_t *diag);

/* When the next one becomes due by time; SLK_SECTOR_NEVER: none. */
SLK_CHECK_RESULT slk_err_t slk_sector_next_due(slk_db_t *db, int64_t *due_ms, slk_diag_t *diag);

/* --- Steps ----------------------------------------------------------------------------------------- */

/* What a step did, for hooks: called in its transaction, in order, after a step that entered a state (also
 * the same again). An error of a hook makes the step fail. */
typedef struct {
    const slk_event_t *event;
    const slk_sector_info_t *before,
        *after; /* before: of state SLK_STATE_UNDEFINED where it was made */
    int64_t now_ms;
} slk_sector_change_t;

typedef slk_err_t slk_sector_hook_fn_t(slk_db_t *db, const slk_sector_change_t *change, void *ctx,
                                       slk_diag_t *diag);
typedef struct {
    slk_sector_hook_fn_t *fn;
    void *ctx;
} slk_sector_hook_t;
typedef struct {
    const slk_sector_hook_t *rows;
    size_t cnt;
} slk_sector_hooks_t;

typedef struct {
    slk_step_t step;
    slk_sector_state_t from, to;
    uint64_t visit;  /* after the step */
    int64_t version; /* after the step */
    slk_sector_info_t *info;
    slk_diag_t why; /* REFUSED: the sentence that was logged */
} slk_sector_outcome_t;

/* A new sector from SLK_EVENT_START, _START_CC or _RECEIVE, whose number becomes one of ours (numbers.h);
 * due at once. In the transaction in which the number was allocated. SLK_ERR_MISMATCH: there is such a
 * sector already. SLK_ERR_INPUT: the event is refused; nothing was made. hooks may be NULL. */
SLK_CHECK_RESULT slk_err_t slk_sector_create(slk_db_t *db, const slk_event_t *event, int64_t now_ms,
                                             const slk_sector_hooks_t *hooks, slk_arena_t *arena,
                                             slk_sector_outcome_t *outcome, slk_diag_t *diag);

/* Load, step, store, log, call the hooks: in the caller's transaction. Taken, also where nothing changed:
 * due at once. Refused or ignored: there is an entry in the log, and the row stays as it was, also due if it
 * was: whoever decided on such an event must store a wait, with trouble. SLK_ERR_NOTFOUND; SLK_ERR_STATE:
 * another version than the expected one (SLK_SECTOR_ANY_VERSION: any). hooks may be NULL. */
SLK_CHECK_RESULT slk_err_t slk_sector_store_step(slk_db_t *db, uint64_t miner, uint64_t number,
                                                 int64_t expected_version, const slk_event_t *event,
                                                 int64_t now_ms, const slk_sector_hooks_t *hooks,
                                                 slk_arena_t *arena, slk_sector_outcome_t *outcome,
                                                 slk_diag_t *diag);

/* --- Decisions that are no step -------------------------------------------------------------------- */

/* Whatever of these comes first wakes the sector; messages of its record do as well. Nothing of them:
 * SLK_SECTOR_LOOK_AGAIN_MS does. */
typedef struct {
    bool rest;                     /* nothing to do: only a wake or an event */
    int64_t until_ms, until_epoch; /* 0: not by this */
    const char *job;               /* key; NULL: none */
    int batch;                     /* slk_batch_kind_t, or SLK_SECTOR_NO_BATCH */
    int64_t batch_cutoff;
    bool trouble;    /* not before until_ms and slk_sector_back_off_ms, which grows */
    const char *why; /* cut to SLK_SECTOR_WHY_MAX */
} slk_sector_wait_t;

static inline slk_sector_wait_t slk_sector_wait_none(void)
{
    return (slk_sector_wait_t){.batch = SLK_SECTOR_NO_BATCH};
}

/* How long to leave a sector alone after `trouble` decisions with trouble, the first is 1: from 5 s doubling
 * to 10 minutes, and up to a quarter more by its number, so that they do not all come at once. */
int64_t slk_sector_back_off_ms(int64_t trouble, uint64_t number);

/* Of a candidate that is one again in the same visit, batch_since_ms stays. Errors as
 * slk_sector_store_step. */
SLK_CHECK_RESULT slk_err_t slk_sector_store_wait(slk_db_t *db, uint64_t miner, uint64_t number,
                                                 int64_t expected_version,
                                                 const slk_sector_wait_t *wait, int64_t now_ms,
                                                 slk_diag_t *diag);

/* --- Wakes ----------------------------------------------------------------------------------------- */

/* Due now. *woken (may be NULL): how many. All count the version up, also of sectors due already. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake(slk_db_t *db, uint64_t miner, uint64_t number,
                                           int64_t now_ms, int64_t *woken, slk_diag_t *diag);
/* The head has this height: who waits for it or less. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake_epoch(slk_db_t *db, int64_t epoch, int64_t now_ms,
                                                 int64_t *woken, slk_diag_t *diag);
/* The head went back: who waits for any height. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake_reverted(slk_db_t *db, int64_t now_ms, int64_t *woken,
                                                    slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_sector_wake_job(slk_db_t *db, const char *key, int64_t now_ms,
                                               int64_t *woken, slk_diag_t *diag);
/* A message moved: whose record has or had its key. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake_message(slk_db_t *db, const char *key, int64_t now_ms,
                                                   int64_t *woken, slk_diag_t *diag);
/* What troubled them is over, as a node that answers again: those who back off, and as if for the first
 * time. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake_troubled(slk_db_t *db, int64_t now_ms, int64_t *woken,
                                                    slk_diag_t *diag);
/* After a start: all that are not at rest, or all; trouble is counted anew. */
SLK_CHECK_RESULT slk_err_t slk_sector_wake_all(slk_db_t *db, bool also_resting, int64_t now_ms,
                                               int64_t *woken, slk_diag_t *diag);

/* --- The log --------------------------------------------------------------------------------------- */

typedef struct {
    int64_t id; /* ascends within a sector */
    uint64_t miner, number;
    int64_t at_ms;
    const char
        *kind; /* "event;sealing.SectorTicket", "error;refused", "truncate", or a note's own */
    const char *event; /* Lotus' name; empty: none */
    slk_sector_state_t from, to;
    const char *message; /* {"User":{fields of the event}}, cut to 8000 bytes as Lotus does */
    const char *trace;   /* the event's text */
} slk_sector_log_t;

/* A sector's entries behind id `after` (0: from the first), oldest first, or before it (0: from the last),
 * newest first; at most max. *entries lies in the arena. */
SLK_CHECK_RESULT slk_err_t slk_sector_log_load(slk_db_t *db, uint64_t miner, uint64_t number,
                                               int64_t after, bool newest_first, size_t max,
                                               slk_arena_t *arena, slk_sector_log_t **entries,
                                               size_t *cnt, slk_diag_t *diag);

/* An entry that is no event. Above 8000 entries the middle goes, as Lotus does: 2000 oldest stay, an entry
 * "truncate", and the newest 2000. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_sector_log_note(slk_db_t *db, uint64_t miner, uint64_t number,
                                               const char *kind, const char *message,
                                               int64_t now_ms, slk_diag_t *diag);

#endif /* SLK_MANAGER_SECTOR_SECTOR_STORE_H */
