#ifndef SLK_MANAGER_JOB_DISPATCH_IMPL_H
#define SLK_MANAGER_JOB_DISPATCH_IMPL_H

/* What the sources of the dispatcher share.
 *
 * Two locks, always in this order: db_lock for the connection and for whatever is to be shown in
 * the picture after it was written; lock for the picture itself, held for moments only. Who
 * holds db_lock alone may read what the picture says of jobs, paths and files, as these change
 * under both. */

#include "manager/job/dispatch.h"
#include "manager/job/picture.h"
#include "manager/sched/sched.h"
#include "net/net.h"

#include <pthread.h>

#define SLK_LOG_DISPATCH "dispatch"

/* A path that is being declared: sector -> what was named. */
typedef struct slk_declaration slk_declaration_t;

struct slk_dispatch {
    slk_dispatch_opts_t opts; /* strings are own */
    slk_token_key_t key;
    char *version, *output_dir;
    uint64_t dead_ms; /* silence after which a worker is dead */

    pthread_mutex_t output_lock; /* held while an output is written: alone, before the others */
    pthread_mutex_t db_lock;
    slk_db_t *db;
    slk_declaration_t *declarations; /* under db_lock */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread has something to do */
    pthread_cond_t news; /* a worker should hear of something */
    slk_picture_t pic;
    slk_eta_t *eta;
    slk_sched_miner_t *served; /* of the last round */
    size_t served_cnt;
    bool stopping;  /* no beat waits any more */
    bool ending;    /* the thread is to end */
    bool woken;     /* somebody wrote into the job table */
    bool dirty;     /* there is a reason to decide anew */
    bool reload;    /* the picture may be wrong */
    uint32_t waits; /* beats that wait */
    uint64_t rounds;
    double round_ms; /* what the last decision took */
    pthread_t thread;
    bool has_thread;
    /* Sectors to tell hooks.changed of when the thread has given its locks back; under db_lock. */
    slk_sector_id_t *changes;
    size_t change_cnt, change_cap;
    uint64_t round_at_ms, decided_at_ms, looked_at_ms, noted_at_ms,
        purged_at_ms; /* the thread's own */
};

int64_t slk_dispatch_now(const slk_dispatch_t *d); /* ms since 1970 */

/* dispatch.c. All with db_lock. */

/* A transaction; trouble makes the picture be read anew. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_transact(slk_dispatch_t *d, slk_db_fn_t *fn, void *ctx,
                                                 slk_diag_t *diag);
/* Have the picture show a job as its row is; stir: a reason to decide anew. */
void slk_dispatch_refresh(slk_dispatch_t *d, int64_t job, bool stir);
/* Something changed: decide soon. With lock. */
void slk_dispatch_stir(slk_dispatch_t *d);
/* Tell hooks.changed: now, with no lock; or, in the dispatcher's thread, when it has given them
 * back. */
void slk_dispatch_changed(slk_dispatch_t *d, uint64_t miner, uint64_t number);
void slk_dispatch_changed_later(slk_dispatch_t *d, uint64_t miner, uint64_t number);

/* dispatch_load.c */
SLK_CHECK_RESULT slk_err_t slk_dispatch_load(slk_dispatch_t *d, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_dispatch_learn(slk_dispatch_t *d, slk_diag_t *diag);

/* dispatch_round.c: with db_lock. */
void slk_dispatch_decide(slk_dispatch_t *d);
/* What may be promised of a path at a worker, by what it reported: with lock. */
void slk_dispatch_free_space(const slk_dispatch_t *d, uint64_t *available, bool *usable);

/* dispatch_declare.c */
void slk_declarations_free(slk_dispatch_t *d);
/* A file came or went by other means while its path may be being declared. With db_lock. */
void slk_declaration_note(slk_dispatch_t *d, const char *store, const slk_sector_id_t *sector,
                          slk_file_types_t type, bool there);

/* outputs.c: files of C1 jobs, "<id>-<lease>" in the output folder. */
#define SLK_OUTPUT_PATH_MAX 4200
void slk_output_path(const slk_dispatch_t *d, char out[SLK_OUTPUT_PATH_MAX], int64_t job,
                     int64_t lease);
bool slk_output_there(const slk_dispatch_t *d, int64_t job, int64_t lease);
/* Remove all of a job; keep_lease >= 0: but this one's. */
void slk_output_remove(const slk_dispatch_t *d, int64_t job, int64_t keep_lease);
/* Remove what belongs to no job any more, and what was being written when the last process
 * ended. */
SLK_CHECK_RESULT slk_err_t slk_output_sweep(const slk_dispatch_t *d, slk_diag_t *diag);

/* --- What workers say: for worker_api.c ------------------------------------------------------- */

/* Why a call is refused: code of cluster/protocol.h or JSON-RPC. */
typedef struct {
    int64_t code;
    char text[sizeof(slk_diag_t)];
} slk_refusal_t;

/* False: *no says why. */
bool slk_dispatch_register(slk_dispatch_t *d, const slk_register_t *worker,
                           slk_registered_t *answer, char key[SLK_TOKEN_KEY_MAX * 2],
                           slk_refusal_t *no);
/* *orders: JSON text, to be freed. gone (may be NULL): the caller waits no more. */
bool slk_dispatch_beat(slk_dispatch_t *d, const slk_beat_t *beat, bool (*gone)(void *ctx),
                       void *ctx, char **orders, size_t *len, slk_refusal_t *no);
bool slk_dispatch_done(slk_dispatch_t *d, const slk_job_done_t *done, bool *taken,
                       slk_refusal_t *no);
bool slk_dispatch_failed(slk_dispatch_t *d, const slk_job_failed_t *failed, bool *taken,
                         slk_refusal_t *no);
bool slk_dispatch_declare(slk_dispatch_t *d, const slk_declare_t *part, slk_refusal_t *no);

/* For these and their like. */
bool slk_refuse(slk_refusal_t *no, int64_t code, const char *fmt, ...) SLK_PRINTF(3, 4);
bool slk_refuse_err(slk_refusal_t *no, slk_err_t err, const slk_diag_t *diag);
/* A text of a record into cap bytes. False: too long, or it holds a zero byte. */
bool slk_text_of(char *out, size_t cap, const slk_bytes_t *text);

#endif /* SLK_MANAGER_JOB_DISPATCH_IMPL_H */
