#include "app/node_use.h"

#include <stdlib.h>

slk_err_t slk_node_use(slk_node_use_t *use, slk_app_t *app, const slk_args_t *args)
{
    const char *info = args->opt[SLK_OPT_API_INFO].text;
    if (!info || !*info)
        info = getenv("FULLNODE_API_INFO");
    if (!info || !*info)
        return slk_app_usage(app, "which node? Give --api-info or set FULLNODE_API_INFO to "
                                  "TOKEN:ADDRESS, as `lotus auth api-info --perm sign` prints it");
    slk_err_t err = slk_app_job(app, args, "nothing was changed");
    *use = (slk_node_use_t){.api_info = info, .job = &app->job};
    return err;
}

const char *slk_signer_use(const slk_args_t *args, bool env)
{
    const char *info = args->opt[SLK_OPT_SIGNER].text;
    if (!info && env)
        info = getenv("WALLET_API_INFO");
    return info && *info ? info : NULL;
}

slk_err_t slk_node_usage(slk_app_t *app, slk_err_t err)
{
    if (err == SLK_ERR_INPUT)
        app->usage = true;
    return err;
}
