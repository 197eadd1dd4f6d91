#include "chain/message_store.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char *const first[] = {
    "CREATE TABLE message ("
    "id {serial}, key TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL, sender {blob} NOT NULL, recipient "
    "{blob} NOT NULL, "
    "value TEXT NOT NULL, method {i64} NOT NULL, params {blob} NOT NULL, mode {i64} NOT NULL, "
    "max_fee TEXT NOT NULL, confidence {i64} NOT NULL, stuck_epochs {i64} NOT NULL, "
    "state TEXT NOT NULL, node TEXT, signer {blob}, nonce {i64}, gas_limit {i64}, fee_cap TEXT, "
    "premium TEXT, cid {blob}, attempts {i64}, acknowledged {i64}, uncertain {i64}, "
    "at_limit {i64}, bump {i64}, pushed {i64}, looked {i64}, other {i64}, landed_cid {blob}, "
    "landed_tipset {blob}, landed_height {i64}, exit_code {i64}, gas_used {i64}, result {blob}, "
    "tries {i64}, retry_ms {i64}, error TEXT, error_code {i64}, created_ms {i64} NOT NULL, "
    "changed_ms {i64} NOT NULL) {strict}",
    "CREATE UNIQUE INDEX message_own_nonce ON message (signer, nonce) WHERE mode = 0",
    "CREATE INDEX message_nonce ON message (signer, nonce)",
    "CREATE INDEX message_state ON message (state)",
    "CREATE TABLE message_attempt (message {i64} NOT NULL REFERENCES message (id), "
    "attempt {i64} NOT NULL, cid {blob} NOT NULL, signed {blob} NOT NULL, fee_cap TEXT NOT NULL, "
    "premium TEXT NOT NULL, PRIMARY KEY (message, attempt)) {strict}",
    "CREATE INDEX message_attempt_cid ON message_attempt (cid)",
    NULL};
static const slk_migration_t migrations[] = {{1, "messages and their attempts", first, NULL}};

slk_err_t slk_message_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "message", migrations, SLK_COUNT(migrations), diag);
}

#define UNFINISHED "state IN ('Queued', 'Signed', 'Handing', 'Pending', 'Landed')"

/* --- Columns <-> members ------------------------------------------------------------------- */

typedef enum { I64, U64, BOOL, MODE, STATE, TEXT, ADDRESS, BIGINT, CID, TIPSET, BYTES } kind_t;

#define MEMBER(kind, name, member)                                                                 \
    {                                                                                              \
        kind, name, offsetof(slk_message_row_t, member)                                            \
    }

/* In the order of SELECT. The first WANTED are written once, the others by slk_message_save. */
enum { WANTED = 12 };
static const struct {
    kind_t kind;
    const char *name;
    size_t offset;
} columns[] = {
    MEMBER(I64, "id", id),
    MEMBER(TEXT, "key", key),
    MEMBER(TEXT, "uuid", uuid),
    MEMBER(ADDRESS, "sender", from),
    MEMBER(ADDRESS, "recipient", to),
    MEMBER(BIGINT, "value", value),
    MEMBER(U64, "method", method),
    MEMBER(BYTES, "params", params),
    MEMBER(MODE, "mode", mode),
    MEMBER(BIGINT, "max_fee", max_fee),
    MEMBER(I64, "confidence", confidence),
    MEMBER(I64, "stuck_epochs", stuck_epochs),
    MEMBER(STATE, "state", state),
    MEMBER(TEXT, "node", node),
    MEMBER(ADDRESS, "signer", signer),
    MEMBER(U64, "nonce", nonce),
    MEMBER(I64, "gas_limit", gas.gas_limit),
    MEMBER(BIGINT, "fee_cap", gas.fee_cap),
    MEMBER(BIGINT, "premium", gas.premium),
    MEMBER(CID, "cid", cid),
    MEMBER(I64, "attempts", attempts),
    MEMBER(BOOL, "acknowledged", acknowledged),
    MEMBER(BOOL, "uncertain", uncertain),
    MEMBER(BOOL, "at_limit", at_limit),
    MEMBER(BOOL, "bump", bump),
    MEMBER(I64, "pushed", pushed),
    MEMBER(I64, "looked", looked),
    MEMBER(I64, "other", other),
    MEMBER(CID, "landed_cid", landed_cid),
    MEMBER(TIPSET, "landed_tipset", landed_tipset),
    MEMBER(I64, "landed_height", landed_height),
    MEMBER(I64, "exit_code", exit_code),
    MEMBER(I64, "gas_used", gas_used),
    MEMBER(BYTES, "result", result),
    MEMBER(I64, "tries", tries),
    MEMBER(I64, "retry_ms", retry_ms),
    MEMBER(TEXT, "error", error),
    MEMBER(I64, "error_code", error_code),
};
_Static_assert(offsetof(slk_message_row_t, params_len) ==
                       offsetof(slk_message_row_t, params) + sizeof(uint8_t *) &&
                   offsetof(slk_message_row_t, result_len) ==
                       offsetof(slk_message_row_t, result) + sizeof(uint8_t *),
               "a length follows its bytes");

typedef struct {
    uint8_t *bytes;
    size_t len;
} owned_t;

static size_t text_room(const char *name)
{
    return strcmp(name, "key") == 0    ? SLK_MESSAGE_KEY_MAX + 1
           : strcmp(name, "uuid") == 0 ? sizeof((slk_message_row_t *)0)->uuid
           : strcmp(name, "node") == 0 ? sizeof((slk_message_row_t *)0)->node
                                       : sizeof((slk_message_row_t *)0)->error;
}

static slk_err_t read_bytes(owned_t *to, const void *bytes, size_t len, slk_diag_t *diag)
{
    if (!bytes)
        return SLK_OK;
    to->bytes = malloc(len ? len : 1);
    if (!to->bytes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a message");
    memcpy(to->bytes, bytes, len);
    to->len = len;
    return SLK_OK;
}

static slk_err_t read_column(slk_db_rows_t *rows, int i, slk_message_row_t *row, slk_diag_t *diag)
{
    char *at = (char *)row + columns[i].offset;
    size_t len = 0;
    const void *blob = NULL;
    const char *text = NULL;
    if (slk_db_rows_is_null(rows, i))
        return SLK_OK;
    switch (columns[i].kind) {
    case I64:
        *(int64_t *)at = slk_db_rows_i64(rows, i);
        return SLK_OK;
    case U64:
        *(uint64_t *)at = (uint64_t)slk_db_rows_i64(rows, i);
        return SLK_OK;
    case BOOL:
        *(bool *)at = slk_db_rows_i64(rows, i) != 0;
        return SLK_OK;
    case MODE:
        *(slk_nonce_mode_t *)at = slk_db_rows_i64(rows, i) ? SLK_NODE_NONCE : SLK_OWN_NONCE;
        return SLK_OK;
    case STATE:
        text = slk_db_rows_text(rows, i, NULL);
        return slk_message_state_from_text((slk_message_state_t *)at, text)
                   ? SLK_OK
                   : slk_fail(diag, SLK_ERR_FORMAT, "message %lld: unknown state %.40s",
                              (long long)row->id, text);
    case TEXT:
        snprintf(at, text_room(columns[i].name), "%s", slk_db_rows_text(rows, i, NULL));
        return SLK_OK;
    case BIGINT:
        return slk_bigint_from_text((slk_bigint_t *)at, slk_db_rows_text(rows, i, NULL), diag);
    case ADDRESS:
        blob = slk_db_rows_blob(rows, i, &len);
        return slk_address_from_bytes((slk_address_t *)at, blob, len, diag);
    case CID:
        blob = slk_db_rows_blob(rows, i, &len);
        return slk_cid_from_bytes((slk_cid_t *)at, blob, len, diag);
    case TIPSET:
        blob = slk_db_rows_blob(rows, i, &len);
        return slk_tipset_key_from_bytes((slk_tipset_key_t *)at, blob, len, diag);
    case BYTES:
        blob = slk_db_rows_blob(rows, i, &len);
        return read_bytes((owned_t *)at, blob, len, diag);
    }
    return SLK_OK;
}

/* Undefined addresses, CIDs and keys, and the nonce where there is none yet, are null. Big integers
 * need room for their text. */
static slk_val_t value_of(const slk_message_row_t *row, size_t i, slk_bigint_text_t *room)
{
    const char *at = (const char *)row + columns[i].offset;
    switch (columns[i].kind) {
    case I64:
        return slk_val_i64(*(const int64_t *)at);
    case U64:
        if (&row->nonce == (const uint64_t *)at && !row->has_nonce)
            return slk_val_null();
        return slk_val_i64((int64_t) * (const uint64_t *)at);
    case BOOL:
        return slk_val_i64(*(const bool *)at);
    case MODE:
        return slk_val_i64(*(const slk_nonce_mode_t *)at == SLK_NODE_NONCE);
    case STATE:
        return slk_val_text(slk_message_state_text(*(const slk_message_state_t *)at));
    case TEXT:
        return slk_val_text(at);
    case BIGINT:
        *room = slk_bigint_text((const slk_bigint_t *)at);
        return slk_val_text(room->s);
    case ADDRESS: {
        const slk_address_t *address = (const slk_address_t *)at;
        return address->len ? slk_val_blob(address->b, address->len) : slk_val_null();
    }
    case CID: {
        const slk_cid_t *cid = (const slk_cid_t *)at;
        return cid->len ? slk_val_blob(cid->b, cid->len) : slk_val_null();
    }
    case TIPSET: {
        const slk_tipset_key_t *key = (const slk_tipset_key_t *)at;
        return key->len ? slk_val_blob(key->b, key->len) : slk_val_null();
    }
    case BYTES: {
        const owned_t *owned = (const owned_t *)at;
        return slk_val_blob(owned->bytes, owned->len);
    }
    }
    return slk_val_null();
}

/* --- Reading ------------------------------------------------------------------------------- */

static slk_err_t load_where(slk_db_t *db, const char *where, slk_val_t val, const char *what,
                            slk_message_row_t *row, slk_diag_t *diag)
{
    char sql[2048] = "SELECT ";
    for (size_t i = 0; i < SLK_COUNT(columns); i++) {
        strcat(sql, i ? ", " : "");
        strcat(sql, columns[i].name);
    }
    strcat(sql, " FROM message WHERE ");
    strcat(sql, where);
    *row = (slk_message_row_t){0};
    slk_db_rows_t *rows = NULL;
    bool more = false;
    slk_err_t err = slk_db_query(&rows, db, sql, &val, 1, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "no message %s in %s", what, slk_db_name(db));
        goto out;
    }
    for (size_t i = 0; i < SLK_COUNT(columns); i++)
        SLK_TRY(read_column(rows, (int)i, row, diag));
    row->has_nonce = row->attempts > 0;
out:
    slk_db_rows_close(rows);
    if (err != SLK_OK)
        slk_message_row_free(row);
    return err;
}

slk_err_t slk_message_load(slk_db_t *db, int64_t id, slk_message_row_t *row, slk_diag_t *diag)
{
    char what[32];
    snprintf(what, sizeof what, "%lld", (long long)id);
    return load_where(db, "id = ?1", slk_val_i64(id), what, row, diag);
}

slk_err_t slk_message_find(slk_db_t *db, const char *key, slk_message_row_t *row, slk_diag_t *diag)
{
    return load_where(db, "key = ?1", slk_val_text(key), key, row, diag);
}

slk_err_t slk_message_find_cid(slk_db_t *db, const slk_cid_t *cid, slk_message_row_t *row,
                               slk_diag_t *diag)
{
    return load_where(
        db, "landed_cid = ?1 OR id = (SELECT message FROM message_attempt WHERE cid = ?1)",
        slk_val_blob(cid->b, cid->len), slk_cid_text(cid).s, row, diag);
}

slk_err_t slk_message_ids(slk_db_t *db, bool unfinished, int64_t after, int64_t *ids, size_t max,
                          size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    *cnt = 0;
    slk_err_t err = slk_db_query(
        &rows, db,
        unfinished ? "SELECT id FROM message WHERE id > ?1 AND " UNFINISHED " ORDER BY id LIMIT ?2"
                   : "SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2",
        SLK_VALS(slk_val_i64(after), slk_val_i64((int64_t)max)), diag);
    if (err != SLK_OK)
        return err;
    while ((err = slk_db_rows_next(rows, &more, diag)) == SLK_OK && more && *cnt < max)
        ids[(*cnt)++] = slk_db_rows_i64(rows, 0);
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_message_attempt(slk_db_t *db, int64_t id, int64_t attempt, uint8_t **bytes,
                              size_t *len, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    owned_t owned = {0};
    slk_err_t err = slk_db_query(
        &rows, db, "SELECT signed FROM message_attempt WHERE message = ?1 AND attempt = ?2",
        SLK_VALS(slk_val_i64(id), slk_val_i64(attempt)), diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "message %lld has no attempt %lld in %s",
                       (long long)id, (long long)attempt, slk_db_name(db));
        goto out;
    }
    size_t size;
    const void *blob = slk_db_rows_blob(rows, 0, &size);
    SLK_TRY(read_bytes(&owned, blob, size, diag));
out:
    slk_db_rows_close(rows);
    *bytes = owned.bytes;
    *len = owned.len;
    return err;
}

slk_err_t slk_message_cids(slk_db_t *db, int64_t id, slk_cid_t *cids, size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    *cnt = 0;
    slk_err_t err = slk_db_query(
        &rows, db, "SELECT cid FROM message_attempt WHERE message = ?1 ORDER BY attempt DESC",
        SLK_VALS(slk_val_i64(id)), diag);
    if (err != SLK_OK)
        return err;
    while ((err = slk_db_rows_next(rows, &more, diag)) == SLK_OK && more &&
           *cnt < SLK_MESSAGE_ATTEMPTS_MAX) {
        size_t len;
        const void *blob = slk_db_rows_blob(rows, 0, &len);
        SLK_TRY(slk_cid_from_bytes(&cids[*cnt], blob, len, diag));
        (*cnt)++;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_message_last_nonce(slk_db_t *db, const slk_address_t *signer, bool *found,
                                 uint64_t *nonce, slk_diag_t *diag)
{
    int64_t num = 0;
    slk_err_t err =
        slk_db_get_i64(db, "SELECT max(nonce) FROM message WHERE signer = ?1",
                       SLK_VALS(slk_val_blob(signer->b, signer->len)), found, &num, diag);
    *nonce = (uint64_t)num;
    return err;
}

/* --- Adding -------------------------------------------------------------------------------- */

static slk_err_t check_want(const slk_message_want_t *want, slk_diag_t *diag)
{
    size_t key = strlen(want->key);
    if (!key || key > SLK_MESSAGE_KEY_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "message: a key of %zu characters, expected 1 to %d",
                        key, SLK_MESSAGE_KEY_MAX);
    if (!slk_address_defined(&want->from) || !slk_address_defined(&want->to))
        return slk_fail(diag, SLK_ERR_INPUT, "message %s: sender or recipient is missing",
                        want->key);
    if (slk_bigint_sign(&want->value) < 0 || slk_bigint_sign(&want->max_fee) < 0)
        return slk_fail(diag, SLK_ERR_INPUT, "message %s: a negative amount", want->key);
    if (want->params_len > SLK_MESSAGE_PARAMS_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH, "message %s: %zu bytes of parameters, at most %d",
                        want->key, want->params_len, SLK_MESSAGE_PARAMS_MAX);
    if (want->confidence < 1 || want->confidence > 900 || want->stuck_epochs < 0)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "message %s: confidence %lld, expected 1 to 900 epochs", want->key,
                        (long long)want->confidence);
    return SLK_OK;
}

/* The same key once more: only for the same message. Limits may differ, the first ones hold. */
static slk_err_t same_message(slk_db_t *db, const slk_message_want_t *want, int64_t *id,
                              slk_diag_t *diag)
{
    slk_message_row_t row;
    slk_err_t err = slk_message_find(db, want->key, &row, diag);
    if (err != SLK_OK)
        return err;
    bool same = slk_address_eq(&row.from, &want->from) && slk_address_eq(&row.to, &want->to) &&
                slk_bigint_cmp(&row.value, &want->value) == 0 && row.method == want->method &&
                row.params_len == want->params_len &&
                (!row.params_len || memcmp(row.params, want->params, row.params_len) == 0);
    *id = row.id;
    if (!same)
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "message %s: this key stands for another message (%s); nothing was added",
                       want->key, slk_message_state_text(row.state));
    slk_message_row_free(&row);
    return err;
}

/* RFC 9562, version 4. */
static slk_err_t random_uuid(char out[37], slk_diag_t *diag)
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != sizeof b)
        return slk_fail_errno(diag, "read", "random numbers");
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        at += (size_t)sprintf(out + at, "%02x", b[i]);
    }
    return SLK_OK;
}

typedef struct {
    const slk_message_want_t *want;
    int64_t now_ms, *id;
} adding_t;

static slk_err_t add(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const adding_t *adding = ctx;
    const slk_message_want_t *want = adding->want;
    bool found;
    int64_t num;
    char uuid[37];
    slk_err_t err = SLK_OK;
    SLK_TRY(random_uuid(uuid, diag));
    SLK_TRY(slk_db_get_i64(db, "SELECT id FROM message WHERE key = ?1",
                           SLK_VALS(slk_val_text(want->key)), &found, &num, diag));
    if (found)
        return same_message(db, want, adding->id, diag);
    SLK_TRY(slk_db_get_i64(
        db, "SELECT id FROM message WHERE sender = ?1 AND mode <> ?2 AND " UNFINISHED " LIMIT 1",
        SLK_VALS(slk_val_blob(want->from.b, want->from.len),
                 slk_val_i64(want->mode == SLK_NODE_NONCE)),
        &found, &num, diag));
    if (found)
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "message %s: message %lld of the same sender is still on its way in the "
                        "other nonce mode; wait until it is done",
                        want->key, (long long)num);
    slk_bigint_t max_fee =
        slk_bigint_sign(&want->max_fee) ? want->max_fee : slk_gas_default_max_fee();
    SLK_TRY(slk_db_run(
        db,
        "INSERT INTO message (key, sender, recipient, value, method, params, mode, max_fee, "
        "confidence, stuck_epochs, state, created_ms, changed_ms, uuid) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'Queued', ?11, ?11, ?12)",
        SLK_VALS(slk_val_text(want->key), slk_val_blob(want->from.b, want->from.len),
                 slk_val_blob(want->to.b, want->to.len),
                 slk_val_text(slk_bigint_text(&want->value).s), slk_val_i64((int64_t)want->method),
                 slk_val_blob(want->params, want->params_len),
                 slk_val_i64(want->mode == SLK_NODE_NONCE),
                 slk_val_text(slk_bigint_text(&max_fee).s), slk_val_i64(want->confidence),
                 slk_val_i64(want->stuck_epochs), slk_val_i64(adding->now_ms), slk_val_text(uuid)),
        NULL, diag));
    SLK_TRY(slk_db_get_i64(db, "SELECT id FROM message WHERE key = ?1",
                           SLK_VALS(slk_val_text(want->key)), &found, adding->id, diag));
out:
    return err;
}

slk_err_t slk_message_add(slk_db_t *db, const slk_message_want_t *want, int64_t now_ms, int64_t *id,
                          slk_diag_t *diag)
{
    adding_t adding = {.want = want, .now_ms = now_ms, .id = id};
    slk_err_t err = check_want(want, diag);
    if (err != SLK_OK)
        return err;
    return slk_db_in_transaction(db) ? add(db, &adding, diag)
                                     : slk_db_transact(db, add, &adding, diag);
}

/* --- Changing ------------------------------------------------------------------------------ */

slk_err_t slk_message_save(slk_db_t *db, const slk_message_row_t *row, const void *bytes,
                           size_t len, int64_t now_ms, slk_diag_t *diag)
{
    enum { CNT = SLK_COUNT(columns) - WANTED };
    SLK_ASSERT(slk_db_in_transaction(db));
    char sql[2048] = "UPDATE message SET ", part[64];
    slk_val_t vals[CNT + 3];
    slk_bigint_text_t rooms[CNT];
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < CNT; i++) {
        snprintf(part, sizeof part, "%s = ?%zu, ", columns[WANTED + i].name, i + 1);
        strcat(sql, part);
        vals[i] = value_of(row, WANTED + i, &rooms[i]);
    }
    snprintf(part, sizeof part, "changed_ms = ?%d, max_fee = ?%d WHERE id = ?%d", CNT + 1, CNT + 2,
             CNT + 3);
    strcat(sql, part);
    slk_bigint_text_t max_fee = slk_bigint_text(&row->max_fee);
    vals[CNT] = slk_val_i64(now_ms);
    vals[CNT + 1] = slk_val_text(max_fee.s);
    vals[CNT + 2] = slk_val_i64(row->id);
    SLK_TRY(slk_db_run(db, sql, vals, SLK_COUNT(vals), NULL, diag));
    if (bytes)
        SLK_TRY(slk_db_run(
            db,
            "INSERT INTO message_attempt (message, attempt, cid, signed, fee_cap, premium) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            SLK_VALS(slk_val_i64(row->id), slk_val_i64(row->attempts),
                     slk_val_blob(row->cid.b, row->cid.len), slk_val_blob(bytes, len),
                     slk_val_text(slk_bigint_text(&row->gas.fee_cap).s),
                     slk_val_text(slk_bigint_text(&row->gas.premium).s)),
            NULL, diag));
out:
    return err;
}

slk_err_t slk_message_replace(slk_db_t *db, int64_t id, const slk_bigint_t *max_fee,
                              slk_diag_t *diag)
{
    int64_t changed = 0;
    slk_bigint_text_t text;
    if (max_fee)
        text = slk_bigint_text(max_fee);
    slk_err_t err = slk_db_run(
        db,
        "UPDATE message SET bump = 1, at_limit = 0, retry_ms = 0, "
        "max_fee = coalesce(?2, max_fee) "
        "WHERE id = ?1 AND acknowledged = 1 AND state IN ('Signed', 'Pending')",
        SLK_VALS(slk_val_i64(id), slk_val_text(max_fee ? text.s : NULL)), &changed, diag);
    if (err == SLK_OK && !changed && max_fee)
        err = slk_db_run(db,
                         "UPDATE message SET max_fee = ?2, at_limit = 0, retry_ms = 0 "
                         "WHERE id = ?1 AND state IN ('Queued', 'Handing')",
                         SLK_VALS(slk_val_i64(id), slk_val_text(text.s)), &changed, diag);
    if (err == SLK_OK && !changed)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "message %lld is in no pool: there is nothing to replace", (long long)id);
    return err;
}

slk_err_t slk_message_cancel(slk_db_t *db, int64_t id, slk_diag_t *diag)
{
    int64_t changed = 0;
    slk_err_t err = slk_db_run(db,
                               "UPDATE message SET state = 'Refused', error = 'taken back' "
                               "WHERE id = ?1 AND state = 'Queued'",
                               SLK_VALS(slk_val_i64(id)), &changed, diag);
    if (err == SLK_OK && !changed)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "message %lld has left: it can be replaced, not taken back", (long long)id);
    return err;
}

slk_err_t slk_message_revert_all(slk_db_t *db, int64_t height, int64_t now_ms, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    int64_t ids[64], after = 0;
    size_t cnt;
    slk_err_t err = SLK_OK;
    do {
        SLK_TRY(slk_message_ids(db, true, after, ids, SLK_COUNT(ids), &cnt, diag));
        for (size_t i = 0; i < cnt; i++) {
            slk_message_row_t row;
            SLK_TRY(slk_message_load(db, ids[i], &row, diag));
            if (slk_message_reverted(&row, height))
                err = slk_message_save(db, &row, NULL, 0, now_ms, diag);
            slk_message_row_free(&row);
            if (err != SLK_OK)
                goto out;
            after = ids[i];
        }
    } while (cnt == SLK_COUNT(ids));
out:
    return err;
}
