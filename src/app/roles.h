#ifndef SLK_APP_ROLES_H
#define SLK_APP_ROLES_H

/* The roles of a node of the cluster as the program starts them, apart from their command lines. */

#include "selkie/err.h"
#include "selkie/job.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* --- Worker ---------------------------------------------------------------------------------- */

typedef struct {
    const char *manager;       /* TOKEN:ADDRESS; NULL: the manager below the same repo */
    const char *name, *listen; /* NULL: default */
} slk_worker_setup_t;

/* Make the folder of a worker: config.toml, and the manager's address and token in files of their own (the token's of mode 0600). Again: changes
 * what is named. */
SLK_CHECK_RESULT slk_err_t slk_worker_setup(const char *dir, const slk_worker_setup_t *setup,
                                            slk_diag_t *diag);

typedef struct {
    const char *manager, *name, *listen; /* over those of the folder */
    const char *version;                 /* of the program, for people */
    atomic_bool *reload;
} slk_worker_role_t;

/* Run until the job is cancelled. */
SLK_CHECK_RESULT slk_err_t slk_worker_role(const char *dir, const slk_worker_role_t *role,
                                           const slk_job_t *job, slk_diag_t *diag);

/* --- Manager --------------------------------------------------------------------------------- */

typedef struct {
    uint64_t miner;     /* id; not used where create is */
    bool create;        /* make a miner on chain, owned by `owner` */
    const char *owner;  /* NULL: the node's default address */
    const char *listen; /* NULL: default */
    const char
        *api_info; /* of the node, kept in the configuration when named; NULL: FULLNODE_API_INFO */
    uint64_t sector_sz; /* of a miner that is made */
    /* For development networks: batches go out as soon as there is something to send. */
    bool hasty;
} slk_manager_setup_t;

/* Make the folder of a manager and its config.toml, or add the miner to the one that is there. *miner: its
 * id. */
SLK_CHECK_RESULT slk_err_t slk_manager_setup(const char *dir, const slk_manager_setup_t *setup,
                                             uint64_t *miner, const slk_job_t *job,
                                             slk_diag_t *diag);

/* Does the configuration in this folder want the log as JSON? Not when it cannot be read. */
bool slk_manager_logs_json(const char *dir);

/* Miners of the configuration in this folder; 0 where there is none. */
SLK_CHECK_RESULT slk_err_t slk_manager_miner_cnt(const char *dir, size_t *cnt, slk_diag_t *diag);

typedef struct {
    const char *listen, *api_info, *version;
    atomic_bool *reload; /* read the configuration again when it becomes true */
} slk_manager_role_t;

/* Run until the job is cancelled, or until it is told to end. */
SLK_CHECK_RESULT slk_err_t slk_manager_role(const char *dir, const slk_manager_role_t *role,
                                            const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_APP_ROLES_H */
