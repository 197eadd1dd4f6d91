#ifndef SLK_APP_MANAGER_USE_H
#define SLK_APP_MANAGER_USE_H

/* Calls of a running manager, for the commands that an operator gives. */

#include "app/app.h"

/* Where the manager is: --api-info, else MINER_API_INFO, else the files api and token that it keeps in
 * manager/ below --repo. The result of method(params) is a new reference; params is taken (NULL: none).
 * SLK_ERR_NOTFOUND: no manager is running there. */
SLK_CHECK_RESULT slk_err_t slk_manager_call(slk_app_t *app, const slk_args_t *args,
                                            const char *method, json_t *params, json_t **result);

/* The same, of a manager whose folder is known and no command line. */
SLK_CHECK_RESULT slk_err_t slk_manager_call_at(const char *manager_dir, const char *method,
                                               json_t *params, const slk_job_t *job,
                                               json_t **result, slk_diag_t *diag);

/* TOKEN:ADDRESS of the role (manager, worker, devnet) that keeps its files in this folder; a secret. */
SLK_CHECK_RESULT slk_err_t slk_manager_info(char *out, size_t cap, const char *manager_dir,
                                            slk_diag_t *diag);

#endif /* SLK_APP_MANAGER_USE_H */
