#include "devnet/api/ask_params.h"

#include "base/assert.h"
#include "codec/json.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the node names a kind of parameter in its errors, the JSON it wants, and how we read it. */
typedef enum { AS_RECORD, AS_TEXT, AS_NUMBER, AS_BOOL, AS_BYTES, AS_TIPSET, AS_ANY } form_t;

static const struct {
    char letter;
    form_t form;
    bool null; /* may be null */
    const char *go;
    const slk_type_t *type;
    size_t offset; /* in slk_arg_t; 0 (`json`): a record of its own */
} kinds[] = {
    {'a', AS_RECORD, false, "*address.Address", &slk_api_address_type,
     offsetof(slk_arg_t, address)},
    {'c', AS_RECORD, false, "*cid.Cid", &slk_api_cid_type, offsetof(slk_arg_t, cid)},
    {'b', AS_BOOL, false, "*bool", NULL, 0},
    {'d', AS_NUMBER, false, "*float64", NULL, 0},
    {'s', AS_TEXT, false, "*string", NULL, 0},
    {'x', AS_BYTES, true, "*[]uint8", &slk_api_bytes_type, offsetof(slk_arg_t, bytes)},
    {'i', AS_NUMBER, false, "*abi.ChainEpoch", NULL, 0},
    {'u', AS_NUMBER, false, "*uint64", NULL, 0},
    {'j', AS_ANY, true, "*interface {}", NULL, 0},
    {'f', AS_RECORD, true, "**bitfield.BitField", &slk_api_bitfield_type,
     offsetof(slk_arg_t, bits)},
    {'g', AS_RECORD, false, "**crypto.Signature", &slk_api_signature_type,
     offsetof(slk_arg_t, signature)},
    {'n', AS_RECORD, true, "*[]abi.DealID", &slk_api_ids_type, offsetof(slk_arg_t, numbers)},
    {'T', AS_TIPSET, true, "*types.TipSetKey", &slk_tipset_cids_type, 0},
    {'K', AS_TIPSET, true, "*types.TipSetKey", &slk_tipset_cids_type, 0},
    {'L', AS_TIPSET, true, "*types.TipSetKey", &slk_tipset_cids_type, 0},
    {'m', AS_RECORD, false, "**types.Message", &slk_message_type, 0},
    {'M', AS_RECORD, false, "**types.SignedMessage", &slk_signed_message_type, 0},
    {'S', AS_RECORD, true, "**api.MessageSendSpec", &slk_message_send_spec_type, 0},
    {'p', AS_RECORD, false, "*miner.SectorPreCommitInfo", &slk_sector_pre_commit_info_type, 0},
    {'t', AS_RECORD, false, "**api.BlockTemplate", &slk_block_template_type, 0},
    {'B', AS_RECORD, false, "**types.BlockMsg", &slk_block_msg_type, 0},
};

static size_t kind_of(char letter)
{
    for (size_t i = 0; i < SLK_COUNT(kinds); i++)
        if (kinds[i].letter == letter)
            return i;
    SLK_ASSERT(!"a letter without kind");
    return 0;
}

/* --- What is wrong, in the node's words ------------------------------------------------------------------- */

static const char *json_word(const json_t *json)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "bool",
        [JSON_FALSE] = "bool",     [JSON_NULL] = "null"};
    return slk_json_digits(json) ? "number" : words[json_typeof(json)];
}

static const char *address_trouble(const char *text)
{
    const size_t len = strlen(text);
    if (len < 3)
        return "invalid address length";
    if (text[0] != SLK_MAINNET && text[0] != SLK_TESTNET)
        return "unknown address network";
    if (text[1] < '0' || text[1] > '4')
        return "unknown address protocol";
    return text[1] == '0' ? "invalid address payload" : "invalid address checksum";
}

/* One that the type does not hold. */
static void refuse_number(slk_ask_t *ask, const char *go, const json_t *json)
{
    const char *digits = slk_json_digits(json);
    char *text = digits ? NULL : json_dumps(json, JSON_ENCODE_ANY);
    slk_rpc_fail_param(ask->rpc, go,
                       "json: cannot unmarshal number %.100s into Go value of type %s",
                       digits ? digits
                       : text ? text
                              : "",
                       go + strspn(go, "*"));
    free(text);
}

static slk_err_t refuse(slk_ask_t *ask, size_t kind, const json_t *json)
{
    const char *go = kinds[kind].go;
    if (kinds[kind].letter == 'a' && json_is_string(json))
        slk_rpc_fail_param(ask->rpc, go, "%s", address_trouble(json_string_value(json)));
    else if (kinds[kind].letter == 'c' && json_is_object(json))
        slk_rpc_fail_param(ask->rpc, go, "invalid cid: %s", ask->diag.text);
    else if (ask->diag.text[0] && kinds[kind].letter != 'a')
        slk_rpc_fail_param(ask->rpc, go, "%s", ask->diag.text);
    else if (kinds[kind].form == AS_NUMBER && !strcmp(json_word(json), "number"))
        refuse_number(ask, go, json);
    else
        slk_rpc_fail_param(ask->rpc, go, "json: cannot unmarshal %s into Go value of type %s",
                           json_word(json),
                           kinds[kind].letter == 'a' ? "string" : go + strspn(go, "*"));
    ask->answered = true;
    return SLK_ERR_FORMAT;
}

/* --- Reading ------------------------------------------------------------------------------------------------- */

static bool read_number(slk_arg_t *arg, char letter, const json_t *json)
{
    const char *digits = slk_json_digits(json);
    arg->real = digits ? strtod(digits, NULL) : json_number_value(json);
    arg->i = json_integer_value(json);
    if (letter == 'd')
        return digits || json_is_number(json);
    return letter == 'i' ? json_is_integer(json) : slk_json_u64(json, &arg->u);
}

static slk_err_t read_record(slk_ask_t *ask, slk_arg_t *arg, size_t kind)
{
    void *record = (char *)arg + kinds[kind].offset;
    if (json_is_null(arg->json) && kinds[kind].null)
        return SLK_OK;
    if (!kinds[kind].offset) {
        record = arg->record = slk_arena_alloc(&ask->arena, kinds[kind].type->size);
        if (!record)
            return slk_fail(&ask->diag, SLK_ERR_NOMEM, "the parameters are too large");
    }
    if (json_is_null(arg->json) && !kinds[kind].null)
        return refuse(ask, kind, arg->json);
    slk_err_t err =
        slk_record_from_json(record, kinds[kind].type, arg->json, &ask->arena, &ask->diag);
    return err == SLK_OK ? SLK_OK : refuse(ask, kind, arg->json);
}

static slk_err_t read_tipset(slk_ask_t *ask, slk_arg_t *arg, size_t kind)
{
    slk_tipset_cids_t key;
    slk_err_t err =
        slk_record_from_json(&key, &slk_tipset_cids_type, arg->json, &ask->arena, &ask->diag);
    if (err != SLK_OK)
        return refuse(ask, kind, arg->json);
    if (!key.cids.count && kinds[kind].letter == 'T') {
        arg->tip = slk_chain_head(ask->chain);
        return SLK_OK;
    }
    err = slk_chain_tip(&arg->tip, ask->chain, &key, &ask->diag);
    return kinds[kind].letter == 'L' ? slk_ask_wrap(ask, err, "loading tipset key") : err;
}

/* Keys of tipsets are looked up when all else has been read. */
static slk_err_t read_param(slk_ask_t *ask, slk_arg_t *arg, size_t kind)
{
    switch (kinds[kind].form) {
    case AS_RECORD:
    case AS_BYTES:
        return read_record(ask, arg, kind);
    case AS_TEXT:
        arg->bytes = (slk_bytes_t){(const uint8_t *)json_string_value(arg->json),
                                   json_string_length(arg->json)};
        return json_is_string(arg->json) ? SLK_OK : refuse(ask, kind, arg->json);
    case AS_NUMBER:
        return read_number(arg, kinds[kind].letter, arg->json) ? SLK_OK
                                                               : refuse(ask, kind, arg->json);
    case AS_BOOL:
        arg->flag = json_is_true(arg->json);
        return json_is_boolean(arg->json) ? SLK_OK : refuse(ask, kind, arg->json);
    case AS_TIPSET:
    case AS_ANY:
        break;
    }
    return SLK_OK;
}

slk_err_t slk_ask_read_params(slk_ask_t *ask, const char *letters)
{
    const size_t cnt = strlen(letters);
    slk_err_t err = SLK_OK;
    SLK_ASSERT(cnt <= SLK_ASK_ARGS_MAX);
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        ask->args[i].json = slk_rpc_param(ask->rpc, i);
        err = read_param(ask, &ask->args[i], kind_of(letters[i]));
    }
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        const size_t kind = kind_of(letters[i]);
        if (kinds[kind].form == AS_TIPSET)
            err = read_tipset(ask, &ask->args[i], kind);
    }
    return err;
}
