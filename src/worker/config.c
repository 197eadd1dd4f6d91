/* config.toml of a worker: one table of keys. */
#include "worker/worker.h"

#include "base/arena.h"
#include "base/assert.h"
#include "config/table.h"
#include "worker/repo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { TEXT, TOKEN_FILE, U64, U32, U16, UINT, BOOL, SECONDS, HOURS, TEXTS } kind_t;

typedef struct {
    const char *key;
    kind_t kind;
    size_t at;
} row_t;

#define AT(member)        offsetof(slk_worker_opts_t, member)
#define PROCESSOR(member) offsetof(slk_processor_kind_t, member)

static const row_t keys[] = {
    {"Name", TEXT, AT(name)},
    {"Manager", TEXT, AT(manager)},
    {"TokenFile", TEXT, AT(token_file)},
    {"Listen", TEXT, AT(listen)},
    {"Port", U16, AT(port)},
    {"URL", TEXT, AT(url)},
    {"CPUs", TEXT, AT(cpus)},
    {"Memory", U64, AT(memory)},
    {"ParamsDir", TEXT, AT(params_dir)},
    {"PieceTokenFile", TOKEN_FILE, AT(piece_token)},
    {"Program", TEXT, AT(program)},
    {"NoDefault", BOOL, AT(no_default)},
    {"FetchParallel", UINT, AT(fetch_parallel)},
    {"TrashGraceHours", HOURS, AT(trash_grace_s)},
    {"StopSeconds", U32, AT(stop_s)},
};

static const row_t processor_keys[] = {
    {"Program", TEXT, PROCESSOR(program)},
    {"Args", TEXTS, PROCESSOR(args)},
    {"Envs", TEXTS, PROCESSOR(envs)},
    {"ClearEnv", BOOL, PROCESSOR(clear_env)},
    {"CPUs", TEXT, PROCESSOR(cpus)},
    {"Cgroup", TEXT, PROCESSOR(cgroup)},
    {"CgroupCPUs", TEXT, PROCESSOR(cgroup_cpus)},
    {"NUMANode", TEXT, PROCESSOR(numa_node)},
    {"ReadySeconds", SECONDS, PROCESSOR(ready_seconds)},
    {"QuietSeconds", SECONDS, PROCESSOR(quiet_seconds)},
    {"StallSeconds", SECONDS, PROCESSOR(stall_seconds)},
    {"TotalSeconds", SECONDS, PROCESSOR(total_seconds)},
    {"GraceSeconds", SECONDS, PROCESSOR(grace_seconds)},
};

/* What is being read, for messages and memory. */
typedef struct {
    const char *file;
    char where[64]; /* "Processors.c2." */
    slk_arena_t *arena;
    slk_diag_t *diag;
} reader_t;

static slk_err_t wrong(const reader_t *r, const char *key, const char *expected)
{
    return slk_fail(r->diag, SLK_ERR_FORMAT, "%s: %s%s: expected %s", r->file, r->where, key,
                    expected);
}

static char *copy(const reader_t *r, const char *text)
{
    return slk_arena_text(r->arena, text, strlen(text));
}

static slk_err_t no_memory(const reader_t *r)
{
    return slk_fail(r->diag, SLK_ERR_NOMEM, "%s: out of memory", r->file);
}

/* --- Values --------------------------------------------------------------------------------- */

static slk_err_t read_texts(const reader_t *r, const char *key, const char *const **out,
                            const json_t *value)
{
    size_t cnt = json_array_size(value);
    if (!json_is_array(value))
        return wrong(r, key, "a list of texts");
    const char **list = slk_arena_array(r->arena, cnt + 1, sizeof *list);
    if (!list)
        return no_memory(r);
    for (size_t i = 0; i < cnt; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text)
            return wrong(r, key, "a list of texts");
        if (!(list[i] = copy(r, text)))
            return no_memory(r);
    }
    *out = list;
    return SLK_OK;
}

static slk_err_t read_text(const reader_t *r, const char *key, const char **out,
                           const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text || !*text)
        return wrong(r, key, "a text");
    *out = copy(r, text);
    return *out ? SLK_OK : no_memory(r);
}

static slk_err_t read_secret(const reader_t *r, const char *key, const char **out,
                             const json_t *value)
{
    char token[1024];
    const char *file;
    slk_err_t err = read_text(r, key, &file, value);
    if (err == SLK_OK)
        err = slk_worker_read_token(token, sizeof token, file, r->diag);
    if (err == SLK_OK && !(*out = copy(r, token)))
        err = no_memory(r);
    return err;
}

static slk_err_t read_number(const reader_t *r, const char *key, uint64_t max, uint64_t *out,
                             const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) <= max) {
        *out = (uint64_t)json_integer_value(value);
        return SLK_OK;
    }
    char text[64];
    snprintf(text, sizeof text, "a whole number from 0 to %" PRIu64, max);
    return wrong(r, key, text);
}

static slk_err_t read_value(const reader_t *r, const row_t *key, void *base, const json_t *value)
{
    void *at = (char *)base + key->at;
    uint64_t number = 0;
    slk_err_t err = SLK_OK;
    switch (key->kind) {
    case TEXT:
        return read_text(r, key->key, at, value);
    case TOKEN_FILE:
        return read_secret(r, key->key, at, value);
    case TEXTS:
        return read_texts(r, key->key, at, value);
    case BOOL:
        if (!json_is_boolean(value))
            return wrong(r, key->key, "true or false");
        *(bool *)at = json_is_true(value);
        return SLK_OK;
    case SECONDS:
        if (!json_is_number(value) || !(json_number_value(value) > 0))
            return wrong(r, key->key, "a number of seconds above 0");
        *(double *)at = json_number_value(value);
        return SLK_OK;
    case U64:
        err = read_number(r, key->key, INT64_MAX, &number, value);
        *(uint64_t *)at = number;
        return err;
    case HOURS:
        err = read_number(r, key->key, 1000000, &number, value);
        *(uint64_t *)at = number ? number * 3600 : 1;
        return err;
    case U32:
    case UINT:
        err = read_number(r, key->key, UINT32_MAX, &number, value);
        *(uint32_t *)at = (uint32_t)number;
        return err;
    case U16:
        err = read_number(r, key->key, UINT16_MAX, &number, value);
        *(uint16_t *)at = (uint16_t)number;
        return err;
    }
    return err;
}

/* *found false: no key of this name. */
static slk_err_t read_key(const reader_t *r, const row_t *table, size_t cnt, void *base,
                          const char *name, const json_t *value, bool *found)
{
    for (size_t i = 0; i < cnt; i++)
        if (!strcmp(table[i].key, name)) {
            *found = true;
            return read_value(r, &table[i], base, value);
        }
    *found = false;
    return SLK_OK;
}

/* --- Lists ---------------------------------------------------------------------------------- */

static slk_err_t read_tasks(const reader_t *r, slk_worker_opts_t *opts, json_t *value)
{
    slk_worker_limit_t *limits = slk_arena_array(r->arena, json_object_size(value), sizeof *limits);
    const char *task;
    json_t *limit;
    uint64_t number = 0;
    if (!json_is_object(value))
        return wrong(r, "Tasks", "a table as [Tasks] with PC1 = 2");
    if (!limits)
        return no_memory(r);
    opts->limits = limits;
    json_object_foreach(value, task, limit)
    {
        slk_err_t err = read_number(r, task, 10000, &number, limit);
        if (err != SLK_OK)
            return err;
        limits[opts->limit_cnt++] = (slk_worker_limit_t){copy(r, task), (unsigned)number};
    }
    return SLK_OK;
}

static slk_err_t read_miners(const reader_t *r, slk_worker_opts_t *opts, const json_t *value)
{
    uint64_t *miners = slk_arena_array(r->arena, json_array_size(value), sizeof *miners);
    if (!json_is_array(value))
        return wrong(r, "Miners", "a list of numbers of miners");
    if (!miners)
        return no_memory(r);
    opts->miners = miners;
    for (size_t i = 0; i < json_array_size(value); i++) {
        slk_err_t err = read_number(r, "Miners", INT64_MAX, &miners[i], json_array_get(value, i));
        if (err != SLK_OK)
            return err;
        opts->miner_cnt++;
    }
    return SLK_OK;
}

static slk_err_t read_processors(reader_t *r, slk_worker_opts_t *opts, json_t *value)
{
    slk_processor_kind_t *kinds = slk_arena_array(r->arena, json_object_size(value), sizeof *kinds);
    const char *stage, *name;
    json_t *row, *member;
    if (!json_is_object(value))
        return wrong(r, "Processors", "tables as [Processors.c2]");
    if (!kinds)
        return no_memory(r);
    opts->processors = kinds;
    json_object_foreach(value, stage, row)
    {
        slk_processor_kind_t *kind = &kinds[opts->processor_cnt++];
        kind->stage = copy(r, stage);
        snprintf(r->where, sizeof r->where, "Processors.%.40s.", stage);
        if (!json_is_object(row))
            return wrong(r, "", "a table");
        json_object_foreach(row, name, member)
        {
            bool found;
            slk_err_t err =
                read_key(r, processor_keys, SLK_COUNT(processor_keys), kind, name, member, &found);
            if (err != SLK_OK)
                return err;
            if (!found)
                return wrong(r, name, "no key of this name");
        }
        r->where[0] = 0;
    }
    return SLK_OK;
}

/* --- The file ------------------------------------------------------------------------------- */

static slk_err_t read_all(reader_t *r, slk_worker_opts_t *opts, json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        bool found;
        slk_err_t err = read_key(r, keys, SLK_COUNT(keys), opts, name, value, &found);
        if (err == SLK_OK && !found) {
            if (!strcmp(name, "Tasks"))
                err = read_tasks(r, opts, value);
            else if (!strcmp(name, "Miners"))
                err = read_miners(r, opts, value);
            else if (!strcmp(name, "Processors"))
                err = read_processors(r, opts, value);
            else
                err = wrong(r, name, "no key of this name");
        }
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

/* Values as the readers above take them; their kinds are the same in both. */
static json_t *json_of(const slk_toml_t *value)
{
    json_t *json = NULL;
    switch ((slk_toml_kind_t)value->kind) {
    case SLK_TOML_TABLE:
        json = json_object();
        for (const slk_toml_t *at = value->first; at; at = at->next)
            json_object_set_new(json, at->key, json_of(at));
        return json;
    case SLK_TOML_ARRAY:
        json = json_array();
        for (const slk_toml_t *at = value->first; at; at = at->next)
            json_array_append_new(json, json_of(at));
        return json;
    case SLK_TOML_STRING:
    case SLK_TOML_DATE:
        json = json_stringn(value->text, value->len);
        return json ? json : json_null();
    case SLK_TOML_INTEGER:
        return json_integer((json_int_t)value->integer);
    case SLK_TOML_FLOAT:
        return json_real(value->number);
    case SLK_TOML_BOOL:
        return json_boolean(value->truth);
    }
    return NULL;
}

slk_err_t slk_worker_config_load(slk_worker_config_t *config, const char *repo, slk_diag_t *diag)
{
    char path[SLK_WORKER_PATH_MAX];
    const slk_toml_t *root;
    json_t *json = NULL;
    slk_err_t err;
    memset(config, 0, sizeof *config);
    slk_arena_t *arena = calloc(1, sizeof *arena);
    if (!arena)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_arena_init(arena, SLK_TOML_ARENA);
    config->memory = arena;
    SLK_TRY(slk_worker_repo_path(path, repo, "config.toml", diag));
    if (access(path, F_OK) != 0)
        goto out;
    SLK_TRY(slk_config_file(&root, arena, path, diag));
    reader_t reader = {.file = path, .arena = arena, .diag = diag};
    json = json_of(root);
    err = json ? read_all(&reader, &config->opts, json) : no_memory(&reader);
out:
    json_decref(json);
    if (err != SLK_OK)
        slk_worker_config_free(config);
    return err;
}

void slk_worker_config_free(slk_worker_config_t *config)
{
    if (config->memory)
        slk_arena_free(config->memory);
    free(config->memory);
    memset(config, 0, sizeof *config);
}
