#include "storage/path_meta.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define META_MAX (1024 * 1024) /* bytes of a sectorstore.json or storage.json */

/* --- Lists of names ------------------------------------------------------------------------ */

void slk_names_free(slk_names_t *names)
{
    for (size_t i = 0; i < names->cnt; i++)
        free(names->at[i]);
    free(names->at);
    *names = (slk_names_t){0};
}

slk_err_t slk_names_set(slk_names_t *names, const char *const *texts, size_t cnt, slk_diag_t *diag)
{
    slk_names_t copy = {.at = calloc(cnt ? cnt : 1, sizeof *copy.at)};
    for (; copy.at && copy.cnt < cnt; copy.cnt++) {
        copy.at[copy.cnt] = strdup(texts[copy.cnt]);
        if (!copy.at[copy.cnt])
            break;
    }
    if (!copy.at || copy.cnt < cnt) {
        slk_names_free(&copy);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a list of %zu names", cnt);
    }
    slk_names_free(names);
    *names = copy;
    return SLK_OK;
}

bool slk_names_have(const slk_names_t *names, const char *text)
{
    for (size_t i = 0; i < names->cnt; i++) {
        if (!strcmp(names->at[i], text))
            return true;
    }
    return false;
}

static bool names_eq(const slk_names_t *a, const slk_names_t *b)
{
    if (a->cnt != b->cnt)
        return false;
    for (size_t i = 0; i < a->cnt; i++) {
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    }
    return true;
}

/* --- The keys ------------------------------------------------------------------------------ */

typedef enum { KEY_ID, KEY_NUMBER, KEY_BOOL, KEY_NAMES, KEY_MINERS } key_kind_t;

/* In Lotus' order; CanFinal comes last. */
static const struct {
    const char *name;
    key_kind_t kind;
    size_t offset;
} keys[] = {
    {"ID", KEY_ID, offsetof(slk_path_meta_t, id)},
    {"Weight", KEY_NUMBER, offsetof(slk_path_meta_t, weight)},
    {"CanSeal", KEY_BOOL, offsetof(slk_path_meta_t, can_seal)},
    {"CanStore", KEY_BOOL, offsetof(slk_path_meta_t, can_store)},
    {"MaxStorage", KEY_NUMBER, offsetof(slk_path_meta_t, max_storage)},
    {"Groups", KEY_NAMES, offsetof(slk_path_meta_t, groups)},
    {"AllowTo", KEY_NAMES, offsetof(slk_path_meta_t, allow_to)},
    {"AllowTypes", KEY_NAMES, offsetof(slk_path_meta_t, allow_types)},
    {"DenyTypes", KEY_NAMES, offsetof(slk_path_meta_t, deny_types)},
    {"AllowMiners", KEY_MINERS, offsetof(slk_path_meta_t, allow_miners)},
    {"DenyMiners", KEY_MINERS, offsetof(slk_path_meta_t, deny_miners)},
    {"CanFinal", KEY_BOOL, offsetof(slk_path_meta_t, can_final)},
};
#define KEY_CAN_FINAL (SLK_COUNT(keys) - 1)

static const char *kind_text(key_kind_t kind)
{
    static const char *const texts[] = {
        [KEY_ID] = "a text of letters, digits, '-' and '_'",
        [KEY_NUMBER] = "a whole number from 0 to 9223372036854775807",
        [KEY_BOOL] = "true or false",
        [KEY_NAMES] = "a list of texts or null",
        [KEY_MINERS] = "a list of miner addresses such as \"f01000\", or null",
    };
    return texts[kind];
}

bool slk_storage_id_ok(const char *text)
{
    size_t len = strlen(text);
    return len && len < SLK_STORAGE_ID_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

/* "f01000" or "t01000" */
static bool miner_from_text(uint64_t *miner, const char *text)
{
    char *end;
    if ((text[0] != 'f' && text[0] != 't') || text[1] != '0' || text[2] < '0' || text[2] > '9')
        return false;
    errno = 0;
    *miner = strtoull(text + 2, &end, 10);
    return !errno && !*end;
}

/* --- Reading ------------------------------------------------------------------------------- */

static bool read_names(slk_names_t *names, const json_t *json, bool miners)
{
    uint64_t miner;
    size_t cnt = json_array_size(json);
    names->at = calloc(cnt ? cnt : 1, sizeof *names->at);
    for (size_t i = 0; names->at && i < cnt; i++) {
        const json_t *item = json_array_get(json, i);
        char number[32];
        const char *text = json_string_value(item);
        if (miners && json_is_integer(item) && json_integer_value(item) >= 0) {
            snprintf(number, sizeof number, "f0%" PRIu64, (uint64_t)json_integer_value(item));
            text = number;
        }
        if (!text || (miners && !miner_from_text(&miner, text)))
            return false;
        names->at[i] = strdup(text);
        if (!names->at[i])
            return false;
        names->cnt++;
    }
    return names->at != NULL;
}

/* An absent or null value is the zero of its kind, as with Go. */
static bool read_value(slk_path_meta_t *meta, size_t key, const json_t *json)
{
    void *field = (char *)meta + keys[key].offset;
    if (!json || json_is_null(json))
        return keys[key].kind != KEY_ID;
    switch (keys[key].kind) {
    case KEY_ID:
        if (!json_is_string(json) || json_string_length(json) != strlen(json_string_value(json)) ||
            !slk_storage_id_ok(json_string_value(json)))
            return false;
        strcpy(field, json_string_value(json));
        return true;
    case KEY_NUMBER:
        *(uint64_t *)field = (uint64_t)json_integer_value(json);
        return json_is_integer(json) && json_integer_value(json) >= 0;
    case KEY_BOOL:
        *(bool *)field = json_is_true(json);
        return json_is_boolean(json);
    case KEY_NAMES:
    case KEY_MINERS:
        return json_is_array(json) && read_names(field, json, keys[key].kind == KEY_MINERS);
    }
    return false;
}

/* meta is zeroed; keeps no reference to json. */
static slk_err_t decode(slk_path_meta_t *meta, const json_t *json, const char *name,
                        slk_diag_t *diag)
{
    for (size_t i = 0; i < SLK_COUNT(keys); i++) {
        const json_t *value = json_object_get(json, keys[i].name);
        if (!read_value(meta, i, value)) {
            char *found = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
            slk_err_t err = slk_fail(diag, SLK_ERR_FORMAT,
                                     "%s: %s: expected %s, found %.200s; correct the file", name,
                                     keys[i].name, kind_text(keys[i].kind),
                                     found   ? found
                                     : value ? "something else"
                                             : "nothing");
            free(found);
            return err;
        }
        if (i == KEY_CAN_FINAL && (!value || json_is_null(value)))
            meta->can_final = meta->can_store;
    }
    return SLK_OK;
}

static slk_err_t load_object(json_t **json, const char *text, size_t len, const char *name,
                             slk_diag_t *diag)
{
    json_error_t error;
    *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!*json)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: line %d: not JSON: %s; correct the file", name,
                        error.line, error.text);
    if (!json_is_object(*json)) {
        json_decref(*json);
        *json = NULL;
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: expected a JSON object, found something else",
                        name);
    }
    return SLK_OK;
}

slk_err_t slk_path_meta_parse(slk_path_meta_t *meta, const char *text, size_t len, const char *name,
                              slk_diag_t *diag)
{
    memset(meta, 0, sizeof *meta);
    slk_err_t err = load_object(&meta->kept, text, len, name, diag);
    return err == SLK_OK ? decode(meta, meta->kept, name, diag) : err;
}

/* --- Writing ------------------------------------------------------------------------------- */

static json_t *names_json(const slk_names_t *names)
{
    if (!names->cnt)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; i < names->cnt; i++)
        json_array_append_new(array, json_string(names->at[i]));
    if (json_array_size(array) == names->cnt)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *value_json(const slk_path_meta_t *meta, size_t key)
{
    const void *field = (const char *)meta + keys[key].offset;
    switch (keys[key].kind) {
    case KEY_ID:
        return json_string(field);
    case KEY_NUMBER:
        return json_integer((json_int_t) * (const uint64_t *)field);
    case KEY_BOOL:
        return json_boolean(*(const bool *)field);
    case KEY_NAMES:
    case KEY_MINERS:
        return names_json(field);
    }
    return NULL;
}

static bool value_eq(const slk_path_meta_t *a, const slk_path_meta_t *b, size_t key)
{
    const void *x = (const char *)a + keys[key].offset, *y = (const char *)b + keys[key].offset;
    switch (keys[key].kind) {
    case KEY_ID:
        return !strcmp(x, y);
    case KEY_NUMBER:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    case KEY_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case KEY_NAMES:
    case KEY_MINERS:
        return names_eq(x, y);
    }
    return false;
}

/* True when json has been made what meta says. */
static bool update(json_t *json, const slk_path_meta_t *meta)
{
    slk_path_meta_t before = {0};
    bool known = meta->kept && decode(&before, meta->kept, "", NULL) == SLK_OK, ok = true;
    for (size_t i = 0; ok && i < SLK_COUNT(keys); i++) {
        bool there = json_object_get(json, keys[i].name) != NULL;
        if (there && known && value_eq(meta, &before, i))
            continue;
        if (i == KEY_CAN_FINAL && !there && meta->can_final == meta->can_store)
            continue;
        ok = json_object_set_new(json, keys[i].name, value_json(meta, i)) == 0;
    }
    slk_path_meta_free(&before);
    return ok;
}

slk_err_t slk_path_meta_text(char **text, size_t *len, const slk_path_meta_t *meta,
                             slk_diag_t *diag)
{
    SLK_ASSERT(slk_storage_id_ok(meta->id));
    if (meta->weight > INT64_MAX || meta->max_storage > INT64_MAX)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: Weight and MaxStorage may not be above 9223372036854775807", meta->id);
    json_t *json = meta->kept ? json_copy(meta->kept) : json_object();
    *text = json && update(json, meta) ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!*text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to write " SLK_PATH_META_FILE);
    *len = strlen(*text);
    return SLK_OK;
}

slk_err_t slk_path_meta_read(slk_path_meta_t *meta, const char *root, slk_diag_t *diag)
{
    char file[4096], *text = NULL;
    size_t len = 0;
    memset(meta, 0, sizeof *meta);
    slk_err_t err = slk_path_join(file, sizeof file, root, SLK_PATH_META_FILE, diag);
    if (err == SLK_OK)
        err = slk_read_file(&text, &len, file, META_MAX, diag);
    if (err == SLK_OK)
        err = slk_path_meta_parse(meta, text, len, file, diag);
    free(text);
    return err;
}

slk_err_t slk_path_meta_write(const slk_path_meta_t *meta, const char *root, slk_diag_t *diag)
{
    char file[4096], *text = NULL;
    size_t len = 0;
    slk_err_t err = slk_path_join(file, sizeof file, root, SLK_PATH_META_FILE, diag);
    if (err == SLK_OK)
        err = slk_path_meta_text(&text, &len, meta, diag);
    if (err == SLK_OK)
        err = slk_write_file(file, text, len, diag);
    free(text);
    return err;
}

void slk_path_meta_free(slk_path_meta_t *meta)
{
    slk_names_t *const lists[] = {&meta->groups,     &meta->allow_to,     &meta->allow_types,
                                  &meta->deny_types, &meta->allow_miners, &meta->deny_miners};
    for (size_t i = 0; i < SLK_COUNT(lists); i++)
        slk_names_free(lists[i]);
    json_decref(meta->kept);
    meta->kept = NULL;
}

slk_err_t slk_storage_id_new(char out[SLK_STORAGE_ID_MAX], slk_diag_t *diag)
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return slk_fail_errno(diag, "read random bytes for", "a storage ID");
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, SLK_STORAGE_ID_MAX,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return SLK_OK;
}

slk_err_t slk_path_meta_new(slk_path_meta_t *meta, slk_diag_t *diag)
{
    memset(meta, 0, sizeof *meta);
    meta->weight = 10;
    return slk_storage_id_new(meta->id, diag);
}

/* --- What a path may take ------------------------------------------------------------------ */

static slk_file_types_t names_types(const slk_names_t *names)
{
    slk_file_types_t types = 0;
    for (size_t i = 0; i < names->cnt; i++)
        types |= slk_file_type_from_name(names->at[i], strlen(names->at[i]));
    return types;
}

slk_file_types_t slk_path_meta_types(const slk_path_meta_t *meta, slk_file_types_t types)
{
    if (meta->allow_types.cnt)
        types &= names_types(&meta->allow_types);
    return types & ~names_types(&meta->deny_types);
}

static bool names_miner(const slk_names_t *names, uint64_t miner)
{
    uint64_t one;
    for (size_t i = 0; i < names->cnt; i++) {
        if (miner_from_text(&one, names->at[i]) && one == miner)
            return true;
    }
    return false;
}

bool slk_path_meta_miner_ok(const slk_path_meta_t *meta, uint64_t miner)
{
    return !names_miner(&meta->deny_miners, miner) &&
           (!meta->allow_miners.cnt || names_miner(&meta->allow_miners, miner));
}

bool slk_path_meta_may_go(const slk_path_meta_t *from, const slk_path_meta_t *to)
{
    for (size_t i = 0; i < from->allow_to.cnt; i++) {
        if (slk_names_have(&to->groups, from->allow_to.at[i]))
            return true;
    }
    return !from->allow_to.cnt;
}

/* --- storage.json -------------------------------------------------------------------------- */

slk_err_t slk_storage_list_read(slk_names_t *paths, const char *file, slk_diag_t *diag)
{
    char *text = NULL;
    size_t len = 0, i;
    json_t *json = NULL, *item;
    slk_names_t list = {0};
    *paths = list;
    slk_err_t err = slk_read_file(&text, &len, file, META_MAX, diag);
    if (err == SLK_ERR_NOTFOUND) {
        if (diag)
            diag->text[0] = 0;
        return SLK_OK;
    }
    if (err == SLK_OK)
        err = load_object(&json, text, len, file, diag);
    const json_t *array = json_object_get(json, "StoragePaths");
    if (err == SLK_OK && array && !json_is_null(array) && !json_is_array(array))
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: StoragePaths: expected a list", file);
    if (err == SLK_OK)
        list.at = calloc(json_array_size(array) + 1, sizeof *list.at);
    if (err == SLK_OK && !list.at)
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", file);
    json_array_foreach(array, i, item)
    {
        const char *path = json_string_value(json_object_get(item, "Path"));
        if (err != SLK_OK)
            break;
        if (!path || path[0] != '/')
            err =
                slk_fail(diag, SLK_ERR_FORMAT,
                         "%s: StoragePaths[%zu].Path: expected an absolute path, found \"%.200s\"",
                         file, i, path ? path : "");
        else if (!(list.at[list.cnt] = strdup(path)))
            err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", file);
        else
            list.cnt++;
    }
    if (err == SLK_OK)
        *paths = list;
    else
        slk_names_free(&list);
    json_decref(json);
    free(text);
    return err;
}

slk_err_t slk_storage_list_write(const slk_names_t *paths, const char *file, slk_diag_t *diag)
{
    json_t *array = json_array(), *json = json_object();
    for (size_t i = 0; i < paths->cnt; i++)
        json_array_append_new(array, json_pack("{s:s}", "Path", paths->at[i]));
    bool ok = json_array_size(array) == paths->cnt;
    ok &= json_object_set_new(json, "StoragePaths", array) == 0;
    char *text = ok ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", file);
    slk_err_t err = slk_write_file(file, text, strlen(text), diag);
    free(text);
    return err;
}
