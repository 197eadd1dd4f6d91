#include "app/cmd_params_list.h"

#include "base/assert.h"
#include "base/file.h"
#include "proofs/groth16/manifest.h"
#include "selkie/groth16.h"
#include "selkie/r1cs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *dir, *circuit, *size; /* circuit and size NULL: of none that we know */
    char id[SLK_CACHE_ID_SZ];
    bool always; /* a row even without files */
} row_t;

static slk_err_t add_row(slk_app_t *app, const row_t *row)
{
    static const struct {
        slk_params_kind_t kind;
        const char *present, *bytes;
    } files[] = {{SLK_PARAMS_KEY, "params", "params_size"}, {SLK_PARAMS_VK, "vk", "vk_size"}};
    bool any = false;
    json_t *json = json_pack("{s:s?, s:s?}", "circuit", row->circuit, "size", row->size);
    for (size_t i = 0; i < SLK_COUNT(files); i++) {
        char path[4096];
        bool found;
        uint64_t len;
        slk_err_t err =
            slk_params_path(path, sizeof path, row->dir, row->id, files[i].kind, &app->diag);
        if (err == SLK_OK)
            err = slk_file_len(&found, &len, path, &app->diag);
        if (err != SLK_OK) {
            json_decref(json);
            return err;
        }
        any = any || found;
        json_object_set_new(json, files[i].present, json_boolean(found));
        json_object_set_new(json, files[i].bytes,
                            found ? json_integer((json_int_t)len) : json_null());
    }
    json_object_set_new(json, "cache_identifier", json_string(row->id));
    if (any || row->always)
        json_array_append_new(app->result, json);
    else
        json_decref(json);
    return SLK_OK;
}

static slk_err_t add_known(slk_app_t *app, const char *dir)
{
    const slk_size_t *size;
    for (unsigned i = 0; (size = slk_size_at(i)); i++) {
        for (int kind = 0; kind < SLK_CIRCUIT_CNT; kind++) {
            row_t row = {.dir = dir,
                         .circuit = slk_circuit_name((slk_circuit_kind_t)kind),
                         .size = size->name,
                         .always = size->published};
            slk_circuit_cache_id(row.id, (slk_circuit_kind_t)kind, size);
            slk_err_t err = add_row(app, &row);
            if (err != SLK_OK)
                return err;
        }
    }
    return SLK_OK;
}

/* The identifier in the name of a parameter file; false: it is the name of something else. */
static bool parse_name(char id[SLK_CACHE_ID_SZ], const char *name)
{
    const char *dot = strrchr(name, '.');
    if (strncmp(name, "v28-", 4) != 0 || !dot || dot < name + 4 ||
        (strcmp(dot, ".params") != 0 && strcmp(dot, ".vk") != 0))
        return false;
    size_t len = (size_t)(dot - name) - 4;
    if (len >= SLK_CACHE_ID_SZ)
        return false;
    memcpy(id, name + 4, len);
    id[len] = '\0';
    char path[4096]; /* only characters that an identifier may have */
    return slk_params_path(path, sizeof path, ".", id, SLK_PARAMS_VK, NULL) == SLK_OK;
}

static int may_be_params(const struct dirent *entry)
{
    char id[SLK_CACHE_ID_SZ];
    return parse_name(id, entry->d_name);
}

static bool listed(const json_t *rows, const char *id)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "cache_identifier")), id) == 0)
            return true;
    }
    return false;
}

/* Files of circuits that this program does not prove. */
static slk_err_t add_others(slk_app_t *app, const char *dir)
{
    struct dirent **entries;
    slk_err_t err = SLK_OK;
    int cnt = scandir(dir, &entries, may_be_params, alphasort);
    if (cnt < 0)
        return errno == ENOENT ? SLK_OK : slk_fail_errno(&app->diag, "read the folder", dir);
    for (int i = 0; i < cnt; i++) {
        row_t row = {.dir = dir};
        const slk_size_t *size;
        slk_params_name_circuit(&row.circuit, &size, entries[i]->d_name);
        row.size = size ? size->name : NULL;
        if (err == SLK_OK && parse_name(row.id, entries[i]->d_name) && !listed(app->result, row.id))
            err = add_row(app, &row);
        free(entries[i]);
    }
    free(entries);
    return err;
}

slk_err_t slk_run_params_list(slk_app_t *app, const slk_args_t *args)
{
    (void)args;
    slk_err_t err;
    char dir[4096];
    app->result = json_array();
    SLK_TRY(slk_params_dir(dir, sizeof dir, &app->diag));
    SLK_TRY(add_known(app, dir));
    SLK_TRY(add_others(app, dir));
out:
    return err;
}
