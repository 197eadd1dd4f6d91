#include "store/db.h"

#include "base/assert.h"
#include "store/db_engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { BUSY_MS = 10000, CACHE_MAX = 256, AGAIN_MIN = 3, PAUSE_MAX_MS = 200 };

/* A prepared statement, kept under the text it was made from. */
struct slk_db_rows {
    slk_db_t *db;
    slk_db_stmt_t *stmt;
    char *sql; /* as the caller wrote it */
    bool open; /* in the hands of a caller */
    slk_db_rows_t *next;
};

struct slk_db {
    const slk_db_engine_t *engine;
    slk_db_conn_t *conn;
    int busy_ms;
    slk_db_rows_t *cache; /* most recently used first */
    size_t cached;
    bool in_transaction;
    slk_err_t failed; /* of the transaction: its first statement that failed */
    bool again;       /* and whether all of it may succeed when it is done once more */
};

/* --- Opening ------------------------------------------------------------------------------- */

static const struct {
    const char *scheme;
    const slk_db_engine_t *engine;
    bool whole; /* the engine wants the scheme too */
} schemes[] = {
    {"sqlite:", &slk_db_sqlite, false},
    {"postgresql://", &slk_db_postgresql, true},
    {"postgres://", &slk_db_postgresql, true},
};

slk_err_t slk_db_open(slk_db_t **db, const char *where, slk_diag_t *diag)
{
    *db = NULL;
    const slk_db_engine_t *engine = NULL;
    for (size_t i = 0; !engine && i < SLK_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncmp(where, schemes[i].scheme, len) == 0) {
            engine = schemes[i].engine;
            where += schemes[i].whole ? 0 : len;
        }
    }
    const char *slashes = strstr(where, "://");
    if (!engine && slashes) /* the rest of it may hold a password */
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "database %.*s://...: known are paths (SQLite) and postgresql:// URLs",
                        (int)(slashes - where), where);
    if (!engine)
        engine = &slk_db_sqlite;
    if (!*where)
        return slk_fail(diag, SLK_ERR_INPUT, "database: the path is empty; name a file");

    slk_db_t *opened = calloc(1, sizeof *opened);
    if (!opened)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory opening a database");
    opened->engine = engine;
    slk_err_t err = engine->open(&opened->conn, where, diag);
    if (err != SLK_OK) {
        free(opened);
        return err;
    }
    slk_db_set_busy_ms(opened, BUSY_MS);
    *db = opened;
    return SLK_OK;
}

static void drop_statement(slk_db_rows_t *rows)
{
    rows->db->engine->finalize(rows->stmt);
    free(rows->sql);
    free(rows);
}

void slk_db_close(slk_db_t *db)
{
    if (!db)
        return;
    SLK_ASSERT(!db->in_transaction);
    while (db->cache) {
        slk_db_rows_t *rows = db->cache;
        SLK_ASSERT(!rows->open);
        db->cache = rows->next;
        drop_statement(rows);
    }
    db->engine->close(db->conn);
    free(db);
}

const char *slk_db_name(const slk_db_t *db)
{
    return db->engine->name(db->conn);
}

void slk_db_set_busy_ms(slk_db_t *db, int ms)
{
    db->busy_ms = ms;
    db->engine->set_busy_ms(db->conn, ms);
}

/* --- Once more ----------------------------------------------------------------------------- */

typedef struct {
    int tries;
    int64_t end_ms;
} tries_t;

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait a random while, longer each time, so that those in each other's way get out of it. False when
 * the busy time-out has passed. */
static bool pause_before_again(slk_db_t *db, tries_t *tries)
{
    if (tries->tries == 0)
        tries->end_ms = clock_ms() + db->busy_ms;
    else if (tries->tries >= AGAIN_MIN && clock_ms() >= tries->end_ms)
        return false;
    int shift = tries->tries < 8 ? tries->tries : 8;
    int64_t longest = (int64_t)1000000 << shift;
    if (longest > (int64_t)PAUSE_MAX_MS * 1000000)
        longest = (int64_t)PAUSE_MAX_MS * 1000000;
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        random = (uint32_t)clock_ms() * 2654435761u;
    struct timespec pause = {.tv_nsec = (long)(longest * random >> 32)};
    nanosleep(&pause, NULL);
    tries->tries++;
    return true;
}

/* A statement gave err. */
static slk_err_t note(slk_db_t *db, slk_err_t err, bool again)
{
    if (err != SLK_OK && db->in_transaction) {
        db->failed = db->failed != SLK_OK ? db->failed : err;
        db->again |= again;
    }
    return err;
}

/* --- Values -------------------------------------------------------------------------------- */

slk_val_t slk_val_null(void)
{
    return (slk_val_t){.type = SLK_VAL_NULL};
}

slk_val_t slk_val_i64(int64_t num)
{
    return (slk_val_t){.type = SLK_VAL_I64, .num = num};
}

slk_val_t slk_val_text(const char *text)
{
    if (!text)
        return slk_val_null();
    return (slk_val_t){.type = SLK_VAL_TEXT, .bytes = text, .len = strlen(text)};
}

slk_val_t slk_val_blob(const void *bytes, size_t len)
{
    return (slk_val_t){.type = SLK_VAL_BLOB, .bytes = bytes ? bytes : "", .len = len};
}

/* --- Statements ---------------------------------------------------------------------------- */

/* The words in braces replaced by the engine's. Braces inside of SQL literals do not occur. */
static char *translate(const slk_db_engine_t *engine, const char *sql)
{
    static const char *const words[] = {"{i64}", "{blob}", "{serial}", "{strict}"};
    size_t longest = 0, braces = 0;
    for (size_t i = 0; i < SLK_COUNT(words); i++)
        if (strlen(engine->words[i]) > longest)
            longest = strlen(engine->words[i]);
    for (const char *at = sql; *at; at++)
        braces += *at == '{';
    char *out = malloc(strlen(sql) + braces * longest + 1), *to = out;
    if (!out)
        return NULL;
    while (*sql) {
        if (*sql != '{') {
            *to++ = *sql++;
            continue;
        }
        size_t i = 0;
        while (i < SLK_COUNT(words) && strncmp(sql, words[i], strlen(words[i])) != 0)
            i++;
        SLK_ASSERT(i < SLK_COUNT(words));
        to = stpcpy(to, engine->words[i]);
        sql += strlen(words[i]);
    }
    *to = 0;
    return out;
}

/* Forget the statement that was not used for the longest time. */
static void shrink_cache(slk_db_t *db)
{
    slk_db_rows_t **oldest = NULL;
    for (slk_db_rows_t **at = &db->cache; *at; at = &(*at)->next)
        if (!(*at)->open)
            oldest = at;
    if (oldest) {
        slk_db_rows_t *rows = *oldest;
        *oldest = rows->next;
        drop_statement(rows);
        db->cached--;
    }
}

static slk_err_t prepare(slk_db_rows_t **out, slk_db_t *db, const char *sql, slk_diag_t *diag)
{
    for (slk_db_rows_t **at = &db->cache; *at; at = &(*at)->next) {
        slk_db_rows_t *rows = *at;
        if (rows->open || strcmp(rows->sql, sql) != 0)
            continue;
        *at = rows->next;
        rows->next = db->cache;
        db->cache = *out = rows;
        return SLK_OK;
    }
    if (db->cached >= CACHE_MAX)
        shrink_cache(db);
    slk_db_rows_t *rows = calloc(1, sizeof *rows);
    char *copy = strdup(sql), *translated = translate(db->engine, sql);
    slk_err_t err = SLK_OK;
    if (!rows || !copy || !translated)
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", slk_db_name(db));
    else
        err = db->engine->prepare(&rows->stmt, db->conn, translated, diag);
    free(translated);
    if (err != SLK_OK) {
        free(copy);
        free(rows);
        return err;
    }
    rows->db = db;
    rows->sql = copy;
    rows->next = db->cache;
    db->cache = *out = rows;
    db->cached++;
    return SLK_OK;
}

slk_err_t slk_db_query(slk_db_rows_t **out, slk_db_t *db, const char *sql, const slk_val_t *vals,
                       size_t cnt, slk_diag_t *diag)
{
    *out = NULL;
    slk_db_rows_t *rows = NULL;
    slk_err_t err = prepare(&rows, db, sql, diag);
    if (err != SLK_OK)
        return note(db, err, false);
    bool again = false;
    tries_t tries = {0};
    do {
        err = db->engine->start(rows->stmt, vals, cnt, &again, diag);
        if (err != SLK_OK)
            db->engine->reset(rows->stmt);
    } while (err != SLK_OK && again && !db->in_transaction && pause_before_again(db, &tries));
    if (err == SLK_OK && tries.tries && diag)
        diag->text[0] = 0;
    if (err != SLK_OK)
        return note(db, err, again);
    rows->open = true;
    *out = rows;
    return SLK_OK;
}

slk_err_t slk_db_rows_next(slk_db_rows_t *rows, bool *more, slk_diag_t *diag)
{
    SLK_ASSERT(rows->open);
    *more = false;
    return note(rows->db, rows->db->engine->step(rows->stmt, more, diag), false);
}

void slk_db_rows_close(slk_db_rows_t *rows)
{
    if (!rows)
        return;
    SLK_ASSERT(rows->open);
    rows->db->engine->reset(rows->stmt);
    rows->open = false;
}

slk_err_t slk_db_run(slk_db_t *db, const char *sql, const slk_val_t *vals, size_t cnt,
                     int64_t *changed, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    slk_err_t err = slk_db_query(&rows, db, sql, vals, cnt, diag);
    if (err != SLK_OK)
        return err;
    bool more = false;
    err = slk_db_rows_next(rows, &more, diag);
    SLK_ASSERT(err != SLK_OK || !more);
    if (err == SLK_OK && changed)
        *changed = db->engine->changed(db->conn);
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_db_get_i64(slk_db_t *db, const char *sql, const slk_val_t *vals, size_t cnt,
                         bool *found, int64_t *num, slk_diag_t *diag)
{
    *found = false;
    slk_db_rows_t *rows = NULL;
    slk_err_t err = slk_db_query(&rows, db, sql, vals, cnt, diag);
    if (err != SLK_OK)
        return err;
    bool more = false;
    err = slk_db_rows_next(rows, &more, diag);
    if (err == SLK_OK && more && !slk_db_rows_is_null(rows, 0)) {
        *found = true;
        *num = slk_db_rows_i64(rows, 0);
    }
    slk_db_rows_close(rows);
    return err;
}

bool slk_db_rows_is_null(slk_db_rows_t *rows, int col)
{
    return rows->db->engine->is_null(rows->stmt, col);
}

int64_t slk_db_rows_i64(slk_db_rows_t *rows, int col)
{
    return rows->db->engine->i64(rows->stmt, col);
}

const char *slk_db_rows_text(slk_db_rows_t *rows, int col, size_t *len)
{
    size_t unused;
    return rows->db->engine->text(rows->stmt, col, len ? len : &unused);
}

const void *slk_db_rows_blob(slk_db_rows_t *rows, int col, size_t *len)
{
    size_t unused;
    return rows->db->engine->blob(rows->stmt, col, len ? len : &unused);
}

/* --- Transactions -------------------------------------------------------------------------- */

/* *began: fn was called. */
static slk_err_t transact_once(slk_db_t *db, slk_db_fn_t *fn, void *ctx, bool *began, bool *again,
                               slk_diag_t *diag)
{
    slk_err_t err = db->engine->begin(db->conn, again, diag);
    if (err != SLK_OK)
        return err;
    *began = db->in_transaction = true;
    *again = db->again = false;
    db->failed = SLK_OK;
    err = fn(db, ctx, diag);
    for (slk_db_rows_t *rows = db->cache; rows; rows = rows->next)
        SLK_ASSERT(!rows->open);
    if (err == SLK_OK && db->failed != SLK_OK)
        err = slk_fail(diag, db->failed,
                       "database %s: a statement failed, so the transaction was rolled back",
                       slk_db_name(db));
    if (err == SLK_OK)
        err = db->engine->commit(db->conn, again, diag);
    else
        *again = db->again;
    if (err != SLK_OK)
        db->engine->rollback(db->conn);
    db->in_transaction = false;
    return err;
}

slk_err_t slk_db_transact(slk_db_t *db, slk_db_fn_t *fn, void *ctx, slk_diag_t *diag)
{
    SLK_ASSERT(!db->in_transaction);
    tries_t tries = {0};
    bool began = false;
    for (;;) {
        bool again = false;
        slk_err_t err = transact_once(db, fn, ctx, &began, &again, diag);
        if (err == SLK_OK || !again || !began || !pause_before_again(db, &tries))
            return err;
        if (diag)
            diag->text[0] = 0;
    }
}

bool slk_db_in_transaction(const slk_db_t *db)
{
    return db->in_transaction;
}

slk_err_t slk_db_backup(slk_db_t *db, const char *path, slk_diag_t *diag)
{
    SLK_ASSERT(!db->in_transaction);
    if (!db->engine->backup)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "database %s: a server's database is copied with its own tools (pg_dump)",
                        slk_db_name(db));
    return db->engine->backup(db->conn, path, diag);
}

bool slk_db_has_backup(const slk_db_t *db)
{
    return db->engine->backup != NULL;
}

slk_err_t slk_db_lock_schema(slk_db_t *db, slk_diag_t *diag)
{
    SLK_ASSERT(!db->in_transaction);
    if (!db->engine->lock_schema)
        return SLK_OK;
    tries_t tries = {0};
    for (;;) {
        bool again = false;
        slk_err_t err = db->engine->lock_schema(db->conn, &again, diag);
        if (err == SLK_OK || !again || !pause_before_again(db, &tries))
            return err;
        if (diag)
            diag->text[0] = 0;
    }
}

void slk_db_unlock_schema(slk_db_t *db)
{
    if (db->engine->unlock_schema)
        db->engine->unlock_schema(db->conn);
}
