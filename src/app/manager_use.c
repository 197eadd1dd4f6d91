#include "app/manager_use.h"

#include "app/repo.h"
#include "base/assert.h"
#include "base/file.h"
#include "net/api_info.h"
#include "net/jsonrpc_client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST 4096u

slk_err_t slk_manager_info(char *out, size_t cap, const char *manager_dir, slk_diag_t *diag)
{
    slk_err_t err;
    char path[PATH_MAX];
    char *token = NULL, *address = NULL;
    size_t len;
    SLK_TRY(slk_path_join(path, sizeof path, manager_dir, "token", diag));
    SLK_TRY(slk_read_file(&token, &len, path, FILE_MOST, diag));
    SLK_TRY(slk_path_join(path, sizeof path, manager_dir, "api", diag));
    SLK_TRY(slk_read_file(&address, &len, path, FILE_MOST, diag));
    token[strcspn(token, "\r\n")] = 0;
    address[strcspn(address, "\r\n")] = 0;
    if ((size_t)snprintf(out, cap, "%s:%s", token, address) >= cap)
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: longer than any token and address", manager_dir);
out:
    if (err != SLK_OK && err != SLK_ERR_LENGTH)
        err = slk_fail(diag, SLK_ERR_NOTFOUND,
                       "no manager runs in %s; start it with `selkie manager run`, or say where it "
                       "is with --repo, --api-info or MINER_API_INFO",
                       manager_dir);
    free(token);
    free(address);
    return err;
}

static slk_err_t call_info(const char *text, const char *method, json_t *params,
                           const slk_job_t *job, json_t **result, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_info_t infos[SLK_API_INFO_MAX];
    char url[SLK_API_URL_MAX];
    slk_rpc_answer_t answer = {0};
    slk_http_client_t *client = NULL;
    size_t cnt;
    char *body = params ? json_dumps(params, JSON_COMPACT) : NULL;
    *result = NULL;
    SLK_TRY(slk_api_info_parse(infos, &cnt, text, diag));
    slk_api_info_url(url, &infos[0], false, "v0");
    SLK_TRY(slk_http_client_new(&client, &(slk_http_client_opts_t){0}, diag));
    SLK_TRY(slk_rpc_http(client,
                         &(slk_rpc_http_call_t){.url = url,
                                                .token = *infos[0].token ? infos[0].token : NULL,
                                                .method = method,
                                                .params = body,
                                                .job = job},
                         &answer, diag));
    SLK_TRY(slk_rpc_answer_check(&answer, method, diag));
    *result = json_incref(answer.result);
out:
    slk_rpc_answer_free(&answer);
    slk_http_client_free(client);
    free(body);
    return err;
}

slk_err_t slk_manager_call_at(const char *manager_dir, const char *method, json_t *params,
                              const slk_job_t *job, json_t **result, slk_diag_t *diag)
{
    char info[2 * FILE_MOST + 2];
    slk_err_t err = slk_manager_info(info, sizeof info, manager_dir, diag);
    if (err == SLK_OK)
        err = call_info(info, method, params, job, result, diag);
    json_decref(params);
    explicit_bzero(info, sizeof info);
    return err;
}

slk_err_t slk_manager_call(slk_app_t *app, const slk_args_t *args, const char *method,
                           json_t *params, json_t **result)
{
    char dir[PATH_MAX];
    const char *named = args->opt[SLK_OPT_API_INFO].text;
    slk_err_t err = slk_app_job(app, args, NULL);
    if (!named && !args->opt[SLK_OPT_REPO].given && getenv("MINER_API_INFO"))
        named = getenv("MINER_API_INFO");
    if (err == SLK_OK && named) {
        err = call_info(named, method, params, &app->job, result, &app->diag);
        json_decref(params);
        return err;
    }
    if (err == SLK_OK)
        err = slk_repo_dir(dir, sizeof dir, args->opt[SLK_OPT_REPO].text, "manager", &app->diag);
    if (err != SLK_OK) {
        json_decref(params);
        return err;
    }
    return slk_manager_call_at(dir, method, params, &app->job, result, &app->diag);
}
