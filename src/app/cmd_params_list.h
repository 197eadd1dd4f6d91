#ifndef SLK_APP_CMD_PARAMS_LIST_H
#define SLK_APP_CMD_PARAMS_LIST_H

/* `selkie params list`: what the folder of parameters has. */

#include "app/app.h"

slk_err_t slk_run_params_list(slk_app_t *app, const slk_args_t *args);

#endif /* SLK_APP_CMD_PARAMS_LIST_H */
