#include "proofs/groth16/manifest.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/groth16/published.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ALNUM     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define BYTES_MAX (INT64_C(1) << 42) /* far above every circuit */

const char slk_params_circuits[] = "porep winning window update update-poseidon aggregation";

/* --- Names ---------------------------------------------------------------------------------- */

static const char *const kinds[] = {"params", "vk", "srs"};

const char *slk_params_name_kind(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < SLK_COUNT(kinds); i++) {
        if (strcmp(dot + 1, kinds[i]) == 0)
            return kinds[i];
    }
    return NULL;
}

bool slk_params_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len < SLK_MANIFEST_NAME_SZ && strspn(name, ALNUM "_-.") == len && *name != '.' &&
           slk_params_name_kind(name);
}

static const slk_published_t *published_find(const char *name)
{
    for (size_t i = 0; i < SLK_PUBLISHED_CNT; i++) {
        if (strcmp(slk_published[i].name, name) == 0)
            return &slk_published[i];
    }
    return NULL;
}

void slk_params_name_circuit(const char **circuit, const slk_size_t **size, const char *name)
{
    *circuit = NULL;
    *size = NULL;
    const slk_published_t *known = published_find(name);
    if (known) {
        *circuit = known->circuit;
        *size = known->size ? slk_size_by_name(known->size) : NULL;
        return;
    }
    const char *dot = strrchr(name, '.');
    const slk_size_t *at;
    for (unsigned i = 0; dot && strncmp(name, "v28-", 4) == 0 && (at = slk_size_at(i)); i++) {
        for (int kind = 0; kind < SLK_CIRCUIT_CNT; kind++) {
            char id[SLK_CACHE_ID_SZ];
            slk_circuit_cache_id(id, (slk_circuit_kind_t)kind, at);
            if (strlen(id) == (size_t)(dot - name) - 4 && memcmp(id, name + 4, strlen(id)) == 0) {
                *circuit = slk_circuit_name((slk_circuit_kind_t)kind);
                *size = at;
                return;
            }
        }
    }
}

/* --- Rows ----------------------------------------------------------------------------------- */

slk_err_t slk_manifest_published(slk_manifest_t *out, slk_diag_t *diag)
{
    out->cnt = SLK_PUBLISHED_CNT;
    out->rows = calloc(out->cnt, sizeof *out->rows);
    if (!out->rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < out->cnt; i++) {
        const slk_published_t *from = &slk_published[i];
        slk_manifest_row_t *row = &out->rows[i];
        snprintf(row->name, sizeof row->name, "%s", from->name);
        snprintf(row->cid, sizeof row->cid, "%s", from->cid);
        SLK_ASSERT(slk_hex_decode(row->digest, sizeof row->digest, from->digest));
        row->circuit = from->circuit;
        row->size = from->size ? slk_size_by_name(from->size) : NULL;
        row->len = from->bytes ? from->bytes : UINT64_MAX;
    }
    return SLK_OK;
}

static slk_err_t wrong(slk_diag_t *diag, const char *what, const char *name, const char *expected)
{
    return slk_fail(diag, SLK_ERR_FORMAT, "%s: '%.100s': %s; take a good parameters.json", what,
                    name, expected);
}

static bool whole_number(uint64_t *out, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > BYTES_MAX)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static slk_err_t parse_row(slk_manifest_row_t *row, const char *name, const json_t *json,
                           const char *what, slk_diag_t *diag)
{
    const json_t *cid = json_object_get(json, "cid"), *digest = json_object_get(json, "digest");
    const json_t *sector = json_object_get(json, "sector_size");
    const json_t *bytes = json_object_get(json, "bytes");
    uint64_t sector_bytes = 0;
    if (!slk_params_name_valid(name))
        return wrong(diag, what, name,
                     "expected the name of a file, letters digits _ - and . only, ending in "
                     ".params, .vk or .srs");
    const char *text = json_string_value(cid);
    if (!text || !*text || strlen(text) >= sizeof row->cid ||
        strspn(text, ALNUM) != json_string_length(cid))
        return wrong(diag, what, name, "expected \"cid\", letters and digits only");
    if (!json_is_string(digest) ||
        !slk_hex_decode(row->digest, sizeof row->digest, json_string_value(digest)))
        return wrong(diag, what, name, "expected \"digest\" with 32 hex digits");
    if (sector && !whole_number(&sector_bytes, sector))
        return wrong(diag, what, name, "expected \"sector_size\" to be a number of bytes");
    row->len = UINT64_MAX;
    if (bytes && !whole_number(&row->len, bytes))
        return wrong(diag, what, name, "expected \"bytes\" to be a number of bytes");
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->cid, sizeof row->cid, "%s", text);
    slk_params_name_circuit(&row->circuit, &row->size, name);
    if (!row->size && sector_bytes)
        row->size = slk_size_by_bytes(sector_bytes);
    return SLK_OK;
}

slk_err_t slk_manifest_parse(slk_manifest_t *out, const char *text, size_t len, const char *what,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    json_error_t where;
    const char *name;
    json_t *row;
    *out = (slk_manifest_t){0};
    if (len > SLK_MANIFEST_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%s: %zu bytes, a list of parameter files has at most %u", what, len,
                        SLK_MANIFEST_MAX);
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(json) || json_object_size(json) == 0) {
        err = slk_fail(diag, SLK_ERR_FORMAT,
                       "%s: expected a JSON object of parameter files, as parameters.json is%s%s",
                       what, json ? "" : "; ", json ? "" : where.text);
        goto out;
    }
    out->rows = calloc(json_object_size(json), sizeof *out->rows);
    if (!out->rows) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", what);
        goto out;
    }
    json_object_foreach(json, name, row)
    {
        SLK_TRY(parse_row(&out->rows[out->cnt], name, row, what, diag));
        out->cnt++;
    }
out:
    if (err != SLK_OK)
        slk_manifest_fini(out);
    json_decref(json);
    return err;
}

const slk_manifest_row_t *slk_manifest_find(const slk_manifest_t *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->cnt; i++) {
        if (strcmp(manifest->rows[i].name, name) == 0)
            return &manifest->rows[i];
    }
    return NULL;
}

void slk_manifest_fini(slk_manifest_t *manifest)
{
    free(manifest->rows);
    *manifest = (slk_manifest_t){0};
}

/* --- Digests beside files ------------------------------------------------------------------- */

bool slk_b2sum_find(uint8_t out[64], const char *text, size_t len, const char *name)
{
    enum { HEX = 128, GAP = 2 };
    size_t name_len = strlen(name);
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t line = end ? (size_t)(end - text) : len;
        char hex[HEX + 1];
        if (line == HEX + GAP + name_len && memcmp(text + HEX + GAP, name, name_len) == 0 &&
            text[HEX] == ' ' && (text[HEX + 1] == ' ' || text[HEX + 1] == '*')) {
            memcpy(hex, text, HEX);
            hex[HEX] = '\0';
            if (slk_hex_decode(out, 64, hex))
                return true;
        }
        len -= end ? line + 1 : line;
        text += end ? line + 1 : line;
    }
    return false;
}
