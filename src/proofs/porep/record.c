#include "proofs/porep/record.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION      1
#define FILE_MAX     (UINT64_C(16) << 20) /* a record with SLK_SECTOR_PIECES_MAX pieces stays below */
#define SEAL_IT_ANEW "restore the file, or remove the sector's cache folder and seal it anew"

/* --- JSON with a digest of itself ----------------------------------------------------------- */

static slk_err_t object_digest(slk_node_t *out, json_t *object, slk_diag_t *diag)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to write JSON");
    slk_sha256(out, text, strlen(text));
    free(text);
    return SLK_OK;
}

/* Takes object. */
static slk_err_t object_save(json_t *object, const char *path, slk_diag_t *diag)
{
    slk_node_t digest;
    char *text = NULL;
    slk_err_t err =
        object ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", path);
    if (err != SLK_OK)
        return err;
    SLK_TRY(object_digest(&digest, object, diag));
    if (!json_object_set_new(object, "digest", json_string(slk_node_hex(&digest).s)))
        text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", path);
        goto out;
    }
    err = slk_write_file(path, text, strlen(text), diag);
out:
    free(text);
    json_decref(object);
    return err;
}

static slk_err_t object_parse(json_t **out, const char *text, size_t len, const char *path,
                              slk_diag_t *diag)
{
    json_error_t error;
    slk_node_t digest;
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: not a JSON object (%s, line %d); " SEAL_IT_ANEW,
                        path, error.text, error.line);
    }
    char noted[65] = "";
    const char *member = json_string_value(json_object_get(object, "digest"));
    if (member && strlen(member) == 64)
        memcpy(noted, member, 65);
    json_object_del(object, "digest");
    slk_err_t err = object_digest(&digest, object, diag);
    if (err == SLK_OK && strcmp(noted, slk_node_hex(&digest).s) != 0)
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: field digest is %s, its content has %s; the file was changed or "
                       "damaged: " SEAL_IT_ANEW,
                       path, *noted ? noted : "missing", slk_node_hex(&digest).s);
    json_t *version = json_object_get(object, "version");
    if (err == SLK_OK && json_integer_value(version) != VERSION)
        err =
            slk_fail(diag, SLK_ERR_FORMAT,
                     "%s: field version: expected %d; use the selkie that wrote it", path, VERSION);
    if (err != SLK_OK) {
        json_decref(object);
        return err;
    }
    *out = object;
    return SLK_OK;
}

/* --- Typed members -------------------------------------------------------------------------- */

/* A value below 2^64 is kept as decimal text: JSON integers end at 2^63 - 1 here. */
static json_t *json_u64(uint64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, v);
    return json_string(text);
}

static bool get_u64(uint64_t *out, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text || !*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0;
}

static json_t *json_node(const slk_node_t *node)
{
    return json_string(slk_node_hex(node).s);
}

static bool get_node(slk_node_t *out, const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == 64 && slk_hex_decode(out, 32, text);
}

static slk_err_t bad_field(slk_diag_t *diag, const char *path, const char *field,
                           const char *expected)
{
    return slk_fail(diag, SLK_ERR_FORMAT, "%s: field %s: expected %s; " SEAL_IT_ANEW, path, field,
                    expected);
}

/* --- Sector record -------------------------------------------------------------------------- */

void slk_record_fini(slk_record_t *record)
{
    free(record->pieces);
    memset(record, 0, sizeof *record);
}

uint64_t slk_record_used(const slk_record_t *record)
{
    uint64_t used = 0;
    for (size_t i = 0; i < record->piece_cnt; i++)
        used = slk_piece_offset(used, record->pieces[i].padded) + record->pieces[i].padded;
    return used;
}

const slk_record_file_t *slk_record_file(const slk_record_t *record, const char *name)
{
    for (size_t i = 0; i < record->file_cnt; i++) {
        if (strcmp(record->files[i].name, name) == 0)
            return &record->files[i];
    }
    return NULL;
}

void slk_record_set_file(slk_record_t *record, const char *name, uint64_t bytes,
                         const slk_node_t *sha256)
{
    slk_record_drop_file(record, name);
    SLK_ASSERT(record->file_cnt < SLK_RECORD_FILES_MAX);
    slk_record_file_t *row = &record->files[record->file_cnt++];
    snprintf(row->name, sizeof row->name, "%s", name);
    row->bytes = bytes;
    row->sha256 = *sha256;
}

void slk_record_drop_file(slk_record_t *record, const char *name)
{
    const slk_record_file_t *row = slk_record_file(record, name);
    if (row)
        record->files[row - record->files] = record->files[--record->file_cnt];
}

/* The sector's identity: members and what they must be. */
typedef struct {
    char porep_id[65], miner[24], number[24];
    struct {
        const char *name, *value;
    } rows[5];
} identity_t;

static void identity_of(identity_t *id, const slk_sector_t *sector)
{
    slk_hex_encode(id->porep_id, sector->porep.porep_id, 32);
    snprintf(id->miner, sizeof id->miner, "%" PRIu64, sector->miner);
    snprintf(id->number, sizeof id->number, "%" PRIu64, sector->number);
    id->rows[0].name = "size", id->rows[0].value = sector->porep.size->name;
    id->rows[1].name = "porep", id->rows[1].value = slk_porep_variant(&sector->porep);
    id->rows[2].name = "porep_id", id->rows[2].value = id->porep_id;
    id->rows[3].name = "miner", id->rows[3].value = id->miner;
    id->rows[4].name = "sector", id->rows[4].value = id->number;
}

static slk_err_t check_identity(const json_t *object, const char *path, const slk_sector_t *sector,
                                slk_diag_t *diag)
{
    identity_t id;
    identity_of(&id, sector);
    for (size_t i = 0; i < SLK_COUNT(id.rows); i++) {
        const char *noted = json_string_value(json_object_get(object, id.rows[i].name));
        if (!noted)
            return bad_field(diag, path, id.rows[i].name, "text");
        if (strcmp(noted, id.rows[i].value) != 0)
            return slk_fail(diag, SLK_ERR_MISMATCH,
                            "%s: the files here belong to another sector: field %s is %s, this "
                            "command says %s; "
                            "use the sector's own values or another folder",
                            path, id.rows[i].name, noted, id.rows[i].value);
    }
    return SLK_OK;
}

static slk_err_t parse_pieces(slk_record_t *record, const json_t *pieces, const char *path,
                              const slk_sector_t *sector, slk_diag_t *diag)
{
    size_t cnt = json_array_size(pieces);
    if (!json_is_array(pieces) || cnt > SLK_SECTOR_PIECES_MAX)
        return bad_field(diag, path, "pieces", "an array of at most 65536 pieces");
    if (!cnt)
        return SLK_OK;
    record->pieces = calloc(cnt, sizeof *record->pieces);
    if (!record->pieces)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory for %zu pieces", path, cnt);
    uint64_t used = 0;
    for (size_t i = 0; i < cnt; i++) {
        slk_piece_t *piece = &record->pieces[i];
        const json_t *row = json_array_get(pieces, i);
        if (!get_node(&piece->comm_p, json_object_get(row, "comm_p")))
            return bad_field(diag, path, "pieces[].comm_p", "32 bytes of hex");
        if (!get_u64(&piece->padded, json_object_get(row, "padded_size")) ||
            piece->padded < SLK_PIECE_MIN_PADDED || piece->padded > sector->porep.size->bytes ||
            (piece->padded & (piece->padded - 1)))
            return bad_field(diag, path, "pieces[].padded_size",
                             "a power of two from 128 to the sector's size");
        used = slk_piece_offset(used, piece->padded) + piece->padded;
        if (used > sector->porep.size->bytes)
            return bad_field(diag, path, "pieces", "no more than the sector holds");
    }
    record->piece_cnt = cnt;
    return SLK_OK;
}

static slk_err_t parse_files(slk_record_t *record, const json_t *files, const char *path,
                             slk_diag_t *diag)
{
    const char *name;
    json_t *row;
    if (!json_is_object(files) || json_object_size(files) > SLK_RECORD_FILES_MAX)
        return bad_field(diag, path, "files", "an object of at most 64 files");
    json_object_foreach((json_t *)files, name, row)
    {
        slk_record_file_t file;
        if (strlen(name) >= sizeof file.name || strchr(name, '/'))
            return bad_field(diag, path, "files", "plain file names");
        if (!get_u64(&file.bytes, json_object_get(row, "bytes")) ||
            !get_node(&file.sha256, json_object_get(row, "sha256")))
            return bad_field(diag, path, "files[]", "bytes and sha256");
        slk_record_set_file(record, name, file.bytes, &file.sha256);
    }
    return SLK_OK;
}

slk_err_t slk_record_parse(slk_record_t *record, const char *text, size_t len, const char *path,
                           const slk_sector_t *sector, slk_diag_t *diag)
{
    json_t *object = NULL;
    slk_err_t err;
    memset(record, 0, sizeof *record);
    SLK_TRY(object_parse(&object, text, len, path, diag));
    SLK_TRY(check_identity(object, path, sector, diag));
    SLK_TRY(parse_pieces(record, json_object_get(object, "pieces"), path, sector, diag));
    SLK_TRY(parse_files(record, json_object_get(object, "files"), path, diag));
    if (json_object_get(object, "ticket")) {
        record->has_ticket = true;
        if (!get_node(&record->ticket, json_object_get(object, "ticket")) ||
            !get_node(&record->comm_d, json_object_get(object, "comm_d")) ||
            !get_node(&record->replica_id, json_object_get(object, "replica_id")))
            err = bad_field(diag, path, "ticket, comm_d, replica_id", "32 bytes of hex each");
    }
    record->adding = json_is_true(json_object_get(object, "adding"));
    if (json_object_get(object, "comm_r")) {
        record->has_comm_r = true;
        if (err == SLK_OK && !get_node(&record->comm_r, json_object_get(object, "comm_r")))
            err = bad_field(diag, path, "comm_r", "32 bytes of hex");
    }
out:
    json_decref(object);
    if (err != SLK_OK)
        slk_record_fini(record);
    return err;
}

/* Text of one of the two files; *text = NULL when there is none. */
static slk_err_t load_text(char **text, size_t *len, char path[4096], const slk_sector_t *sector,
                           const char *name, slk_diag_t *diag)
{
    bool found;
    uint64_t bytes;
    slk_err_t err;
    *text = NULL;
    SLK_TRY(slk_path_join(path, 4096, sector->cache, name, diag));
    SLK_TRY(slk_file_len(&found, &bytes, path, diag));
    if (found)
        err = slk_read_file(text, len, path, FILE_MAX, diag);
out:
    return err;
}

slk_err_t slk_record_load(slk_record_t *record, bool *found, const slk_sector_t *sector,
                          slk_diag_t *diag)
{
    char path[4096], *text;
    size_t len = 0;
    memset(record, 0, sizeof *record);
    slk_err_t err = load_text(&text, &len, path, sector, SLK_RECORD_NAME, diag);
    if (found)
        *found = text != NULL;
    if (err == SLK_OK && text)
        err = slk_record_parse(record, text, len, path, sector, diag);
    free(text);
    return err;
}

slk_err_t slk_record_variant(char variant[16], bool *found, const slk_sector_t *sector,
                             slk_diag_t *diag)
{
    char path[4096], *text;
    size_t len = 0;
    json_t *object = NULL;
    slk_diag_t why;
    *found = false;
    slk_err_t err = load_text(&text, &len, path, sector, SLK_RECORD_NAME, diag);
    if (err == SLK_OK && text && object_parse(&object, text, len, path, &why) == SLK_OK) {
        const char *noted = json_string_value(json_object_get(object, "porep"));
        *found = noted && snprintf(variant, 16, "%s", noted) < 16;
        json_decref(object);
    }
    free(text);
    return err;
}

slk_err_t slk_record_save(const slk_record_t *record, const slk_sector_t *sector, slk_diag_t *diag)
{
    char path[4096];
    identity_t id;
    slk_err_t err = slk_path_join(path, sizeof path, sector->cache, SLK_RECORD_NAME, diag);
    if (err != SLK_OK)
        return err;
    identity_of(&id, sector);
    json_t *object = json_pack("{s:i, s:[], s:{}}", "version", VERSION, "pieces", "files");
    bool ok = object != NULL;
    for (size_t i = 0; ok && i < SLK_COUNT(id.rows); i++)
        ok = !json_object_set_new(object, id.rows[i].name, json_string(id.rows[i].value));
    for (size_t i = 0; ok && i < record->piece_cnt; i++)
        ok = !json_array_append_new(json_object_get(object, "pieces"),
                                    json_pack("{s:o, s:o}", "comm_p",
                                              json_node(&record->pieces[i].comm_p), "padded_size",
                                              json_u64(record->pieces[i].padded)));
    for (size_t i = 0; ok && i < record->file_cnt; i++)
        ok = !json_object_set_new(json_object_get(object, "files"), record->files[i].name,
                                  json_pack("{s:o, s:o}", "bytes", json_u64(record->files[i].bytes),
                                            "sha256", json_node(&record->files[i].sha256)));
    if (ok && record->has_ticket)
        ok = !json_object_set_new(object, "ticket", json_node(&record->ticket)) &&
             !json_object_set_new(object, "comm_d", json_node(&record->comm_d)) &&
             !json_object_set_new(object, "replica_id", json_node(&record->replica_id));
    if (ok && record->adding)
        ok = !json_object_set_new(object, "adding", json_true());
    if (ok && record->has_comm_r)
        ok = !json_object_set_new(object, "comm_r", json_node(&record->comm_r));
    if (!ok) {
        json_decref(object);
        object = NULL;
    }
    return object_save(object, path, diag);
}

/* --- Checkpoint ----------------------------------------------------------------------------- */

slk_err_t slk_checkpoint_parse(slk_checkpoint_t *checkpoint, const char *text, size_t len,
                               const char *path, const slk_sector_t *sector, slk_diag_t *diag)
{
    json_t *object = NULL;
    uint64_t layer = 0;
    slk_err_t err;
    memset(checkpoint, 0, sizeof *checkpoint);
    SLK_TRY(object_parse(&object, text, len, path, diag));
    const json_t *layers = json_object_get(object, "layers_sha256");
    if (!get_node(&checkpoint->replica_id, json_object_get(object, "replica_id")))
        err = bad_field(diag, path, "replica_id", "32 bytes of hex");
    else if (!get_u64(&layer, json_object_get(object, "layer")) || layer < 1 ||
             layer > sector->porep.size->layers + 1)
        err = bad_field(diag, path, "layer", "a layer of this sector size");
    else if (!get_u64(&checkpoint->nodes, json_object_get(object, "nodes")) ||
             checkpoint->nodes >= sector->porep.size->nodes)
        err = bad_field(diag, path, "nodes", "fewer than a layer's nodes");
    else if (!get_node(&checkpoint->prefix_sha256, json_object_get(object, "prefix_sha256")))
        err = bad_field(diag, path, "prefix_sha256", "32 bytes of hex");
    else if (json_array_size(layers) != layer - 1)
        err = bad_field(diag, path, "layers_sha256", "one digest for each finished layer");
    if (err != SLK_OK)
        goto out;
    checkpoint->layer = (uint32_t)layer;
    for (size_t i = 0; i < layer - 1; i++) {
        if (!get_node(&checkpoint->layer_sha256[i], json_array_get(layers, i)))
            err = bad_field(diag, path, "layers_sha256[]", "32 bytes of hex");
    }
out:
    json_decref(object);
    return err;
}

slk_err_t slk_checkpoint_load(slk_checkpoint_t *checkpoint, bool *found, const slk_sector_t *sector,
                              slk_diag_t *diag)
{
    char path[4096], *text;
    size_t len = 0;
    memset(checkpoint, 0, sizeof *checkpoint);
    slk_err_t err = load_text(&text, &len, path, sector, SLK_CHECKPOINT_NAME, diag);
    *found = text != NULL;
    if (err == SLK_OK && text)
        err = slk_checkpoint_parse(checkpoint, text, len, path, sector, diag);
    free(text);
    return err;
}

slk_err_t slk_checkpoint_save(const slk_checkpoint_t *checkpoint, const slk_sector_t *sector,
                              slk_diag_t *diag)
{
    char path[4096];
    slk_err_t err = slk_path_join(path, sizeof path, sector->cache, SLK_CHECKPOINT_NAME, diag);
    if (err != SLK_OK)
        return err;
    json_t *object =
        json_pack("{s:i, s:o, s:o, s:o, s:o, s:[]}", "version", VERSION, "replica_id",
                  json_node(&checkpoint->replica_id), "layer", json_u64(checkpoint->layer), "nodes",
                  json_u64(checkpoint->nodes), "prefix_sha256",
                  json_node(&checkpoint->prefix_sha256), "layers_sha256");
    bool ok = object != NULL;
    for (uint32_t i = 0; ok && i + 1 < checkpoint->layer; i++)
        ok = !json_array_append_new(json_object_get(object, "layers_sha256"),
                                    json_node(&checkpoint->layer_sha256[i]));
    if (!ok) {
        json_decref(object);
        object = NULL;
    }
    return object_save(object, path, diag);
}

slk_err_t slk_checkpoint_remove(const slk_sector_t *sector, slk_diag_t *diag)
{
    char path[4096];
    slk_err_t err = slk_path_join(path, sizeof path, sector->cache, SLK_CHECKPOINT_NAME, diag);
    if (err == SLK_OK && unlink(path) && errno != ENOENT)
        err = slk_fail_errno(diag, "remove", path);
    return err;
}
