#include "chain/api.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The table ----------------------------------------------------------------------------- */

#define TYPE_ADDRESS    &slk_api_address_type
#define TYPE_CID        &slk_api_cid_type
#define TYPE_TIPSET     &slk_tipset_cids_type
#define TYPE_I64        &slk_api_i64_type
#define TYPE_U64        &slk_api_u64_type
#define TYPE_BOOL       &slk_api_flag_type
#define TYPE_DOUBLE     &slk_api_real_type
#define TYPE_TEXT       &slk_api_text_type
#define TYPE_BYTES      &slk_api_bytes_type
#define TYPE_BITFIELD   &slk_api_bitfield_type
#define TYPE_MESSAGE    &slk_message_type
#define TYPE_SIGNED     &slk_signed_message_type
#define TYPE_SPEC       &slk_message_send_spec_type
#define TYPE_PRE_COMMIT &slk_sector_pre_commit_info_type
#define TYPE_TEMPLATE   &slk_block_template_type
#define TYPE_BLOCK      &slk_block_msg_type
#define TYPE_SIGNATURE  &slk_api_signature_type
#define TYPE_IDS        &slk_api_ids_type

#define TYPES_0()
#define TYPES_1(A)          TYPE_##A
#define TYPES_2(A, B)       TYPE_##A, TYPE_##B
#define TYPES_3(A, B, C)    TYPE_##A, TYPE_##B, TYPE_##C
#define TYPES_4(A, B, C, D) TYPE_##A, TYPE_##B, TYPE_##C, TYPE_##D
#define TYPES(...)          SLK_API_PASTE(TYPES_, SLK_API_COUNT(__VA_ARGS__))(__VA_ARGS__)

const slk_api_method_t slk_api_methods[] = {
#define SLK_X(name_, kind_, result_, ...)                                                          \
    {.name = #name_,                                                                               \
     .kind = SLK_CALL_##kind_,                                                                     \
     .result = &result_##_type,                                                                    \
     .param_cnt = SLK_API_COUNT(__VA_ARGS__),                                                      \
     .params = {TYPES(__VA_ARGS__)}},
    SLK_API_METHODS(SLK_X)
#undef SLK_X
};
const size_t slk_api_method_cnt = SLK_COUNT(slk_api_methods);

enum {
#define SLK_X(name, ...) METHOD_##name,
    SLK_API_METHODS(SLK_X)
#undef SLK_X
};

/* --- One call ------------------------------------------------------------------------------ */

/* A parameter: a record of its type, a tipset key, or null. */
typedef struct {
    const void *record;
    const slk_tipset_key_t *tipset;
} arg_t;

static slk_err_t arg_to_json(json_t **json, const slk_api_t *api, const slk_type_t *type,
                             const arg_t *arg, slk_diag_t *diag)
{
    if (type == TYPE_TIPSET)
        *json = arg->tipset ? slk_tipset_key_to_json(arg->tipset) : json_null();
    else if (arg->record)
        return slk_record_to_json(json, type, arg->record, api->network, diag);
    else
        *json = json_null();
    return *json ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a call's parameters");
}

static slk_err_t write_params(char **text, const slk_api_t *api, const slk_api_method_t *method,
                              const arg_t *args, slk_diag_t *diag)
{
    json_t *list = json_array(), *json = NULL;
    slk_err_t err = list ? SLK_OK : SLK_ERR_NOMEM;
    for (unsigned i = 0; err == SLK_OK && i < method->param_cnt; i++) {
        err = arg_to_json(&json, api, method->params[i], &args[i], diag);
        if (err == SLK_OK && json_array_append_new(list, json) != 0)
            err = SLK_ERR_NOMEM;
    }
    *text = err == SLK_OK ? slk_json_dump(list, JSON_COMPACT) : NULL;
    if (err == SLK_ERR_NOMEM || (err == SLK_OK && !*text))
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a call's parameters");
    json_decref(list);
    return err;
}

static void keep(const slk_api_t *api, const slk_node_answer_t *answer, slk_err_t err)
{
    if (!api->last)
        return;
    *api->last = (slk_api_last_t){.outcome = answer->rpc.outcome, .answered = err == SLK_OK};
    snprintf(api->last->node, sizeof api->last->node, "%s", answer->node);
    if (err == SLK_OK && answer->rpc.failed) {
        api->last->code = answer->rpc.code;
        snprintf(api->last->text, sizeof api->last->text, "%s", answer->rpc.message);
    }
}

static slk_err_t call(const slk_api_t *api, unsigned which, const arg_t *args, slk_arena_t *arena,
                      void *out, slk_diag_t *diag)
{
    const slk_api_method_t *method = &slk_api_methods[which];
    char name[64], *params = NULL;
    slk_node_answer_t answer = {0};
    slk_diag_t why = {0};
    slk_err_t err = SLK_OK;
    snprintf(name, sizeof name, "Filecoin.%s", method->name);
    SLK_TRY(write_params(&params, api, method, args, diag));
    slk_node_call_t node_call = {
        .method = name, .kind = method->kind, .params = params, .node = api->node, .job = api->job};
    err = slk_nodes_call(api->nodes, &node_call, &answer, diag);
    keep(api, &answer, err);
    SLK_TRY(err);
    SLK_TRY(slk_node_answer_check(&answer, method->name, diag));
    err = slk_record_from_json(out, method->result, answer.rpc.result, arena, &why);
    if (err != SLK_OK)
        slk_fail(diag, err, "%s: the answer of node %s: %.1200s", method->name, answer.node,
                 why.text);
out:
    free(params);
    slk_node_answer_free(&answer);
    return err;
}

/* --- The functions ------------------------------------------------------------------------- */

#define ARG_ADDRESS(p)                                                                             \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_CID(p)                                                                                 \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_TIPSET(p)                                                                              \
    {                                                                                              \
        .tipset = p                                                                                \
    }
#define ARG_I64(p)                                                                                 \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_U64(p)                                                                                 \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_BOOL(p)                                                                                \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_DOUBLE(p)                                                                              \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_TEXT(p)                                                                                \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_BYTES(p)                                                                               \
    {                                                                                              \
        .record = &p                                                                               \
    }
#define ARG_BITFIELD(p)                                                                            \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_MESSAGE(p)                                                                             \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_SIGNED(p)                                                                              \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_SPEC(p)                                                                                \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_PRE_COMMIT(p)                                                                          \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_TEMPLATE(p)                                                                            \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_BLOCK(p)                                                                               \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_SIGNATURE(p)                                                                           \
    {                                                                                              \
        .record = p                                                                                \
    }
#define ARG_IDS(p)                                                                                 \
    {                                                                                              \
        .record = p                                                                                \
    }

#define ARGS_0()                                                                                   \
    {                                                                                              \
    }
#define ARGS_1(A)          ARG_##A(p0)
#define ARGS_2(A, B)       ARG_##A(p0), ARG_##B(p1)
#define ARGS_3(A, B, C)    ARG_##A(p0), ARG_##B(p1), ARG_##C(p2)
#define ARGS_4(A, B, C, D) ARG_##A(p0), ARG_##B(p1), ARG_##C(p2), ARG_##D(p3)
#define ARGS(...)          SLK_API_PASTE(ARGS_, SLK_API_COUNT(__VA_ARGS__))(__VA_ARGS__)

#define SLK_X(name, kind, result, ...)                                                             \
    slk_err_t slk_api_##name(const slk_api_t *api, SLK_API_PARAMS(__VA_ARGS__) slk_arena_t *arena, \
                             result##_t *out, slk_diag_t *diag)                                    \
    {                                                                                              \
        const arg_t args[] = {ARGS(__VA_ARGS__)};                                                  \
        return call(api, METHOD_##name, args, arena, out, diag);                                   \
    }
SLK_API_METHODS(SLK_X)
#undef SLK_X
