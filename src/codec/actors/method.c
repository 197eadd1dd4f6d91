#include "codec/actors/method.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/actors/method_table.h"

#include <blake2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Memory that the parameters of one message may take. */
#define PARAMS_ROOM ((size_t)64 << 20)

#define NAME(kind, name) [SLK_ACTOR_##kind] = (name),
static const char *const names[SLK_ACTOR_COUNT] = {SLK_ACTOR_LIST(NAME)};
#undef NAME

static const char *const devnet_codes[SLK_ACTOR_COUNT] = {
    [SLK_ACTOR_SYSTEM] = "bafk2bzacedced5maxljwmavukjvtnmknpzoullfcwk3upaz5x5hvvdl2pk24e",
    [SLK_ACTOR_INIT] = "bafk2bzaced23vlf6nemlulavy2ouxuvudxe3jbu4klc74tcgruafrqu2fnt3c",
    [SLK_ACTOR_REWARD] = "bafk2bzacedchalmz2omgitfunbqg5opzcvrlvju77k6dr5zt2poyy7jjzkvwa",
    [SLK_ACTOR_CRON] = "bafk2bzacedrv5m6tczd6dz6ly3zmenkljnokovduvgkbmgxvsawbalerciieg",
    [SLK_ACTOR_POWER] = "bafk2bzacebydegz3ap6xgejojdu3usfddhyrj476f25ooahgcqko6d7djynas",
    [SLK_ACTOR_MARKET] = "bafk2bzacecjrg6jueodndhwtkaa3n2v2tkjakmzu4c57hrhg5ige4d4kjggcg",
    [SLK_ACTOR_VERIFREG] = "bafk2bzaceccqnqgyehy72nkmujvpyibikslvpyxfhpqivzjmbkmdbme5xzm2u",
    [SLK_ACTOR_DATACAP] = "bafk2bzaceamho7atkl2a7c3m3t24v6tf3wzceaewp3ph6rjmwza3xdy3gmqb6",
    [SLK_ACTOR_EAM] = "bafk2bzaceaxpy4ilqlibpgytnt5ucmju2ooi3bqwca6dngwy6hlzmshyjpafw",
    [SLK_ACTOR_ACCOUNT] = "bafk2bzacedpmhtrp2kdjoga2phrbi3f7z7wn25s3tluxoagcu7hsg2ppktxbw",
    [SLK_ACTOR_MULTISIG] = "bafk2bzacecquc4zxikmjfwsiyzx4tbxlsvauf53c7spf3hdz6jwmkczyqwbrg",
    [SLK_ACTOR_MINER] = "bafk2bzacedhvcxgdz2w75izwa5s5dwvsrxsnzkjcbpbresziyrrjrsvjzwvxe",
    [SLK_ACTOR_PAYCH] = "bafk2bzacecf3jaqzs757hmyxpthnj7vaxr2z6h5v6yubptvqasgabxiubeoim",
    [SLK_ACTOR_ETHACCOUNT] = "bafk2bzacedsbwrrjywdmxeluuzwfhmam2jmrm6ivj72ggw6qaijcx7ilw5fvk",
    [SLK_ACTOR_EVM] = "bafk2bzacec273j42hyrcaeqms6xuuezkozjhptmyniwtr7y4jzjdoflccn2is",
    [SLK_ACTOR_PLACEHOLDER] = "bafk2bzacedfvut2myeleyq67fljcrw4kkmn5pb5dpyozovj7jpoez5irnc3ro",
};

const char *slk_actor_name(slk_actor_kind_t kind)
{
    SLK_ASSERT(kind < SLK_ACTOR_COUNT);
    return names[kind];
}

bool slk_actor_from_name(slk_actor_kind_t *kind, const char *name)
{
    for (slk_actor_kind_t k = 0; k < SLK_ACTOR_COUNT; k++) {
        if (strcmp(names[k], name) == 0) {
            *kind = k;
            return true;
        }
    }
    return false;
}

slk_cid_t slk_actor_devnet_code(slk_actor_kind_t kind)
{
    SLK_ASSERT(kind < SLK_ACTOR_COUNT);
    slk_cid_t cid;
    SLK_ASSERT(slk_cid_from_text(&cid, devnet_codes[kind], NULL) == SLK_OK);
    return cid;
}

/* Asked at each call of an actor. */
static slk_cid_t parsed_codes[SLK_ACTOR_COUNT];
static pthread_once_t parsed_once = PTHREAD_ONCE_INIT;

static void parse_codes(void)
{
    for (slk_actor_kind_t k = 0; k < SLK_ACTOR_COUNT; k++)
        parsed_codes[k] = slk_actor_devnet_code(k);
}

bool slk_actor_from_devnet_code(slk_actor_kind_t *kind, const slk_cid_t *code)
{
    pthread_once(&parsed_once, parse_codes);
    for (slk_actor_kind_t k = 0; k < SLK_ACTOR_COUNT; k++) {
        if (slk_cid_eq(&parsed_codes[k], code)) {
            *kind = k;
            return true;
        }
    }
    return false;
}

bool slk_actor_of_singleton(slk_actor_kind_t *kind, const slk_address_t *address)
{
    static const struct {
        uint64_t id;
        slk_actor_kind_t kind;
    } rows[] = {
        {SLK_ID_SYSTEM, SLK_ACTOR_SYSTEM},     {SLK_ID_INIT, SLK_ACTOR_INIT},
        {SLK_ID_REWARD, SLK_ACTOR_REWARD},     {SLK_ID_CRON, SLK_ACTOR_CRON},
        {SLK_ID_POWER, SLK_ACTOR_POWER},       {SLK_ID_MARKET, SLK_ACTOR_MARKET},
        {SLK_ID_VERIFREG, SLK_ACTOR_VERIFREG}, {SLK_ID_DATACAP, SLK_ACTOR_DATACAP},
        {SLK_ID_EAM, SLK_ACTOR_EAM},
    };
    uint64_t id;
    if (!slk_address_to_id(address, &id))
        return false;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (rows[i].id == id) {
            *kind = rows[i].kind;
            return true;
        }
    }
    return false;
}

const slk_method_t *slk_actor_methods(slk_actor_kind_t kind, size_t *count)
{
    SLK_ASSERT(kind < SLK_ACTOR_COUNT);
    *count = slk_method_tables[kind].count;
    return slk_method_tables[kind].methods;
}

static const slk_method_t send_method = {.number = 0, .name = "Send"};

const slk_method_t *slk_method_by_number(slk_actor_kind_t kind, uint64_t number)
{
    size_t count;
    const slk_method_t *methods = slk_actor_methods(kind, &count);
    if (number == 0)
        return &send_method;
    for (size_t i = 0; i < count; i++)
        if (methods[i].number == number)
            return &methods[i];
    return NULL;
}

const slk_method_t *slk_method_by_name(slk_actor_kind_t kind, const char *name)
{
    size_t count;
    const slk_method_t *methods = slk_actor_methods(kind, &count);
    if (strcmp(name, send_method.name) == 0)
        return &send_method;
    for (size_t i = 0; i < count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

uint64_t slk_frc42_number(const char *name)
{
    char text[256];
    uint8_t digest[64];
    int len = snprintf(text, sizeof text, "1|%s", name);
    SLK_ASSERT(len > 0 && (size_t)len < sizeof text);
    SLK_ASSERT(blake2b(digest, text, NULL, sizeof digest, (size_t)len, 0) == 0);
    for (size_t i = 0; i < sizeof digest; i += 4) {
        uint32_t number = slk_load_be32(digest + i);
        if (number >= 1u << 24)
            return number;
    }
    SLK_ASSERT(!"a name whose digest is all small numbers");
}

static slk_err_t to_json(json_t **json, const char *what, const slk_method_t *method,
                         const slk_type_t *type, slk_bytes_t bytes, slk_network_t network,
                         slk_diag_t *diag)
{
    if (!type && bytes.len)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s of %s: %zu bytes, the method has none", what,
                        method->name, bytes.len);
    if (!type) {
        *json = json_null();
        return SLK_OK;
    }
    slk_arena_t arena;
    slk_arena_init(&arena, PARAMS_ROOM);
    void *record = slk_arena_alloc(&arena, type->size);
    slk_err_t err = record ? slk_record_decode(record, type, bytes.b, bytes.len, &arena, diag)
                           : slk_fail(diag, SLK_ERR_NOMEM, "no memory for %s", type->name);
    if (err == SLK_OK)
        err = slk_record_to_json(json, type, record, network, diag);
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_method_params_to_json(json_t **json, const slk_method_t *method, slk_bytes_t params,
                                    slk_network_t network, slk_diag_t *diag)
{
    return to_json(json, "parameters", method, method->params, params, network, diag);
}

slk_err_t slk_method_return_to_json(json_t **json, const slk_method_t *method, slk_bytes_t ret,
                                    slk_network_t network, slk_diag_t *diag)
{
    return to_json(json, "return", method, method->ret, ret, network, diag);
}

slk_err_t slk_method_params_from_json(slk_buf_t *out, const slk_method_t *method,
                                      const json_t *json, slk_diag_t *diag)
{
    const slk_type_t *type = method->params;
    if (!type)
        return !json || json_is_null(json)
                   ? SLK_OK
                   : slk_fail(diag, SLK_ERR_FORMAT, "%s has no parameters, expected null",
                              method->name);
    slk_arena_t arena;
    slk_arena_init(&arena, PARAMS_ROOM);
    void *record = slk_arena_alloc(&arena, type->size);
    slk_err_t err = record ? slk_record_from_json(record, type, json, &arena, diag)
                           : slk_fail(diag, SLK_ERR_NOMEM, "no memory for %s", type->name);
    if (err == SLK_OK)
        err = slk_record_encode(out, type, record, diag);
    slk_arena_free(&arena);
    return err;
}
