#ifndef SLK_APP_CMD_PARAMS_FILES_H
#define SLK_APP_CMD_PARAMS_FILES_H

/* `selkie params fetch` and `selkie params verify`, and what they share. */

#include "app/app.h"
#include "app/params_check.h"

slk_err_t slk_run_params_fetch(slk_app_t *app, const slk_args_t *args);
slk_err_t slk_run_params_verify(slk_app_t *app, const slk_args_t *args);

/* The list of --manifest, or the published one. */
SLK_CHECK_RESULT slk_err_t slk_params_manifest(slk_manifest_t *out, const slk_args_t *args,
                                               slk_diag_t *diag);

/* --dir, or what FIL_PROOFS_PARAMETER_CACHE says. */
SLK_CHECK_RESULT slk_err_t slk_params_folder(char *out, size_t cap, const slk_args_t *args,
                                             slk_diag_t *diag);

/* Whether --size and --circuit name these; an option that was not given names all. */
bool slk_params_wants_size(const slk_args_t *args, const slk_size_t *size);
bool slk_params_wants_circuit(const slk_args_t *args, const char *circuit);

/* Show why a file is not right, on standard error, under the progress. */
void slk_params_complain(slk_app_t *app, const slk_args_t *args, const char *why);

#endif /* SLK_APP_CMD_PARAMS_FILES_H */
