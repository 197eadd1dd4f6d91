#ifndef SLK_APP_CMD_INPUTS_H
#define SLK_APP_CMD_INPUTS_H

/* `selkie seal inputs`: the public inputs that a PoRep proof is verified with; `selkie seal
 * verify`: that. */

#include "app/app.h"

slk_err_t slk_run_seal_inputs(slk_app_t *app, const slk_args_t *args);
slk_err_t slk_run_seal_verify(slk_app_t *app, const slk_args_t *args);

#endif /* SLK_APP_CMD_INPUTS_H */
