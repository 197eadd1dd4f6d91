#ifndef SLK_MANAGER_JOB_REGISTRY_H
#define SLK_MANAGER_JOB_REGISTRY_H

/* The table `worker`: who has ever registered, and what an operator said about it. Whether one
 * is alive is known to the dispatcher alone, by its own clock. Connections as in store/db.h. */

#include "cluster/protocol.h"
#include "store/db.h"

SLK_CHECK_RESULT slk_err_t slk_registry_migrate(slk_db_t *db, slk_diag_t *diag);

/* What an operator wants of a worker. Paused: nothing new, what runs goes on and waits stay its
 * own. Draining: the same, until it has nothing left; then it may be stopped. */
typedef enum { SLK_WORKER_ACTIVE, SLK_WORKER_PAUSED, SLK_WORKER_DRAINING } slk_worker_wish_t;

const char *slk_worker_wish_name(slk_worker_wish_t wish); /* "active" */

typedef struct {
    char id[64], name[128], url[512], version[64];
    char *tasks;  /* JSON of slk_register's Tasks */
    char *miners; /* JSON list of numbers */
    uint64_t cores, memory, numa_nodes;
    slk_worker_wish_t wish;
    int64_t first_ms, registered_ms, seen_ms; /* seen: as last written, at least when it died */
    int64_t skew_ms;                          /* its clock less ours, when it registered */
} slk_registry_row_t;

/* Write a registration. skew_ms: its clock less ours. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_registry_put(slk_db_t *db, const slk_register_t *worker,
                                            int64_t now_ms, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_registry_seen(slk_db_t *db, const char *id, int64_t now_ms,
                                             slk_diag_t *diag);
/* SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_registry_wish(slk_db_t *db, const char *id, slk_worker_wish_t wish,
                                             slk_diag_t *diag);
/* Forget a worker that is gone for good. */
SLK_CHECK_RESULT slk_err_t slk_registry_forget(slk_db_t *db, const char *id, slk_diag_t *diag);

/* All, by name. Free with slk_registry_free. */
SLK_CHECK_RESULT slk_err_t slk_registry_list(slk_db_t *db, slk_registry_row_t **rows, size_t *cnt,
                                             slk_diag_t *diag);
void slk_registry_free(slk_registry_row_t *rows, size_t cnt);

#endif /* SLK_MANAGER_JOB_REGISTRY_H */
