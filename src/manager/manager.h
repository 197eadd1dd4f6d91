#ifndef SLK_MANAGER_MANAGER_H
#define SLK_MANAGER_MANAGER_H

/* The manager: one process that takes the sectors of its miners through their lives.
 *
 *   <dir>/config.toml    settings (manager/config.h)
 *   <dir>/selkie.db      state, unless [Database] names another
 *   <dir>/pieces/        piece store
 *   <dir>/output/        outputs of C1 jobs
 *   <dir>/jwt-secret     signs tokens; <dir>/transfer-secret those between workers
 *   <dir>/token, api     while it runs: an admin token, and its address
 *   <dir>/lock           held while it runs
 *
 *   chain client --heads, final messages--> sector table <--due-- runner --jobs--> dispatcher <--> workers
 *                                               ^
 *   operators --JSON-RPC (manager/api.h)--------'
 *
 * Ends in the order in which nobody waits for somebody who is gone. */

#include "chain/client.h"
#include "manager/config.h"
#include "manager/job/dispatch.h"
#include "manager/runner.h"

typedef struct slk_manager slk_manager_t;

typedef struct {
    const char *dir;
    const char *version;    /* of the program */
    const char *listen;     /* "ADDRESS:PORT", over the configuration's; NULL: that */
    const char *api_info;   /* the node, over the configuration's and FULLNODE_API_INFO */
    slk_signer_t signer;    /* ops NULL: the node's wallet */
    const char *params_dir; /* NULL: default */
} slk_manager_opts_t;

/* Everything runs on SLK_OK. SLK_ERR_BUSY: another manager has the folder, or the port is in use. Nodes need
 * not be there yet. */
SLK_CHECK_RESULT slk_err_t slk_manager_open(slk_manager_t **manager, const slk_manager_opts_t *opts,
                                            slk_diag_t *diag);
/* NULL is a no-op. */
void slk_manager_close(slk_manager_t *manager);

/* Read the configuration again. What cannot change while it runs is told in the log and stays. An error
 * leaves everything as it was. */
SLK_CHECK_RESULT slk_err_t slk_manager_reload(slk_manager_t *manager, slk_diag_t *diag);

/* Somebody asked it to end by Filecoin.Shutdown. */
bool slk_manager_is_told_to_end(const slk_manager_t *manager);

/* "127.0.0.1:2345" */
const char *slk_manager_address(const slk_manager_t *manager);

#endif /* SLK_MANAGER_MANAGER_H */
