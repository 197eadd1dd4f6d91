#include "net/jsonrpc_client.h"

#include "base/assert.h"
#include "net/jsonrpc_answer.h"

#include <string.h>

void slk_rpc_answer_free(slk_rpc_answer_t *a)
{
    json_decref(a->root);
    *a = (slk_rpc_answer_t){.outcome = a->outcome, .status = a->status};
}

slk_err_t slk_rpc_answer_check(const slk_rpc_answer_t *a, const char *method, slk_diag_t *diag)
{
    if (!a->failed)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_STATE, "%s: %s (code %lld)", method, a->message,
                    (long long)a->code);
}

slk_err_t slk_rpc_answer_read(slk_rpc_answer_t *a, json_t *root, const char *method,
                              slk_diag_t *diag)
{
    json_t *error = json_object_get(root, "error");
    a->root = root;
    if (!json_is_object(root) || (error && !json_is_object(error) && !json_is_null(error)))
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: the answer is no JSON-RPC answer", method);
    if (json_is_object(error)) {
        const char *message = json_string_value(json_object_get(error, "message"));
        a->failed = true;
        a->code = json_integer_value(json_object_get(error, "code"));
        a->message = message ? message : "";
        a->data = json_object_get(error, "data");
        return SLK_OK;
    }
    a->result = json_object_get(root, "result");
    if (!a->result)
        a->result = json_null(); /* a method without result; immortal, so not owned */
    return SLK_OK;
}

bool slk_rpc_write_request(slk_text_t *out, uint64_t id, const char *method, const char *params)
{
    slk_text_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":", (unsigned long long)id);
    slk_json_quote(out, method, strlen(method));
    slk_text_str(out, ",\"params\":");
    slk_text_str(out, params ? params : "[]");
    return slk_text_str(out, "}");
}

/* What a status says when the body is no JSON-RPC answer. */
static slk_err_t judge_status(int status, const char *method, slk_diag_t *diag)
{
    static const struct {
        int status;
        slk_err_t err;
        const char *text;
    } rows[] = {
        {401, SLK_ERR_PERM, "the server does not accept the token"},
        {403, SLK_ERR_PERM, "the token does not have the right"},
        {404, SLK_ERR_NOTFOUND, "the server has no such path: is it the API's address?"},
        {413, SLK_ERR_LENGTH, "the request is too long for the server"},
        {200, SLK_ERR_FORMAT, "the answer is no JSON-RPC answer: is it the API's address?"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (rows[i].status == status)
            return slk_fail(diag, rows[i].err, "%s: %s (HTTP status %d)", method, rows[i].text,
                            status);
    return slk_fail(diag, SLK_ERR_IO, "%s: HTTP status %d", method, status);
}

slk_err_t slk_rpc_http(slk_http_client_t *client, const slk_rpc_http_call_t *call,
                       slk_rpc_answer_t *answer, slk_diag_t *diag)
{
    *answer = (slk_rpc_answer_t){0};
    slk_text_t body = {0};
    slk_http_answer_t http = {0};
    slk_err_t err = SLK_OK;
    if (!slk_rpc_write_request(&body, 1, call->method, call->params)) {
        slk_text_free(&body);
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", call->method);
    }
    const slk_http_call_t spec = {.method = "POST",
                                  .url = call->url,
                                  .token = call->token,
                                  .content_type = "application/json",
                                  .body = body.data,
                                  .body_len = body.len,
                                  .repeatable = call->repeatable,
                                  .total_ms = call->total_ms,
                                  .low_speed_s = call->low_speed_s,
                                  .job = call->job};
    err = slk_http_do(client, &spec, &http, diag);
    answer->outcome = http.outcome;
    answer->status = http.status;
    if (err != SLK_OK)
        goto out;
    json_t *root = http.body_len ? slk_json_parse(http.body, http.body_len, NULL) : NULL;
    bool is_answer =
        http.status == 200 ? json_is_object(root) : json_is_object(json_object_get(root, "error"));
    if (is_answer) {
        err = slk_rpc_answer_read(answer, root, call->method, diag);
    } else {
        json_decref(root);
        err = judge_status(http.status, call->method, diag);
    }
out:
    slk_http_answer_free(&http);
    slk_text_free(&body);
    return err;
}
