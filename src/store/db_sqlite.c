#include "base/assert.h"
#include "base/file.h"
#include "store/db_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_MS = 10000 };

struct slk_db_conn {
    sqlite3 *handle;
    char *path;
};

struct slk_db_stmt {
    sqlite3_stmt *handle;
    slk_db_conn_t *conn;
};

/* --- Errors -------------------------------------------------------------------------------- */

static const struct {
    int code;
    slk_err_t err;
    const char *remedy;
} code_rows[] = {
    {SQLITE_BUSY, SLK_ERR_BUSY, "another process or thread holds it; try again or stop that one"},
    {SQLITE_LOCKED, SLK_ERR_BUSY, "another process or thread holds it; try again or stop that one"},
    {SQLITE_FULL, SLK_ERR_NOSPACE, "free space on that file system; nothing was changed"},
    {SQLITE_NOMEM, SLK_ERR_NOMEM, "free memory"},
    {SQLITE_READONLY, SLK_ERR_PERM,
     "check owner, permissions and mount options of file and folder"},
    {SQLITE_PERM, SLK_ERR_PERM, "check owner and permissions of file and folder"},
    {SQLITE_CANTOPEN, SLK_ERR_NOTFOUND, "check that its folder exists and can be written"},
    {SQLITE_NOTADB, SLK_ERR_FORMAT, "this file is no SQLite database; name another"},
    {SQLITE_CORRUPT, SLK_ERR_FORMAT, "the file is damaged; restore a backup"},
    {SQLITE_CONSTRAINT, SLK_ERR_MISMATCH, "the row contradicts others of the database"},
    {SQLITE_MISMATCH, SLK_ERR_MISMATCH, "a value has not its column's type"},
    {SQLITE_TOOBIG, SLK_ERR_LENGTH, "a value is too long for the database"},
    {SQLITE_IOERR, SLK_ERR_IO, "look at the system's log (dmesg) for trouble with that device"},
};

static slk_err_t fail_sqlite(slk_db_conn_t *conn, const char *doing, slk_diag_t *diag)
{
    int code = sqlite3_extended_errcode(conn->handle);
    int num = sqlite3_system_errno(conn->handle);
    if ((code & 0xff) == SQLITE_IOERR && (num == ENOSPC || num == EDQUOT || num == EFBIG))
        code = SQLITE_FULL;
    for (size_t i = 0; i < SLK_COUNT(code_rows); i++)
        if (code_rows[i].code == (code & 0xff))
            return slk_fail(diag, code_rows[i].err, "database %s: cannot %s: %s; %s", conn->path,
                            doing, sqlite3_errmsg(conn->handle), code_rows[i].remedy);
    return slk_fail(diag, SLK_ERR_IO, "database %s: cannot %s: %s (code %d)", conn->path, doing,
                    sqlite3_errmsg(conn->handle), code);
}

/* --- Connection ---------------------------------------------------------------------------- */

static void sqlite_close(slk_db_conn_t *conn)
{
    int code = sqlite3_close(conn->handle);
    SLK_ASSERT(code == SQLITE_OK);
    free(conn->path);
    free(conn);
}

static slk_err_t run_text(slk_db_conn_t *conn, const char *sql, const char *doing, slk_diag_t *diag)
{
    if (sqlite3_exec(conn->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(conn, doing, diag);
    return SLK_OK;
}

static int ask_wal(slk_db_conn_t *conn, bool *wal)
{
    sqlite3_stmt *stmt = NULL;
    *wal = false;
    if (sqlite3_prepare_v2(conn->handle, "PRAGMA journal_mode=WAL", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        *wal = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    return sqlite3_finalize(stmt);
}

/* The WAL is part of the promise of durability: a file system that cannot have one is refused. Several
 * that open a new database at once are in each other's way here, and SQLite does not wait for that. */
static slk_err_t set_wal(slk_db_conn_t *conn, slk_diag_t *diag)
{
    bool wal = false;
    int code = ask_wal(conn, &wal);
    for (int waited = 0; (code & 0xff) == SQLITE_BUSY && waited < OPEN_MS; waited += 10) {
        struct timespec pause = {.tv_nsec = 10000000};
        nanosleep(&pause, NULL);
        code = ask_wal(conn, &wal);
    }
    if (code != SQLITE_OK)
        return fail_sqlite(conn, "open", diag);
    if (!wal)
        return slk_fail(
            diag, SLK_ERR_UNSUPPORTED,
            "database %s: write-ahead log not possible on this file system; put it on a "
            "local one",
            conn->path);
    return SLK_OK;
}

static slk_err_t sqlite_open(slk_db_conn_t **out, const char *where, slk_diag_t *diag)
{
    slk_db_conn_t *conn = calloc(1, sizeof *conn);
    if (conn)
        conn->path = strdup(where);
    if (!conn || !conn->path) {
        free(conn);
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory opening database %s", where);
    }
    slk_err_t err = SLK_OK;
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(where, &conn->handle, flags, NULL) != SQLITE_OK) {
        err = fail_sqlite(conn, "open", diag);
        goto out;
    }
    /* While the journal mode is changed others may be doing the same. */
    sqlite3_busy_timeout(conn->handle, OPEN_MS);
    SLK_TRY(run_text(conn, "SELECT count(*) FROM sqlite_schema", "open", diag));
    SLK_TRY(set_wal(conn, diag));
    SLK_TRY(run_text(conn,
                     "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                     "PRAGMA cell_size_check=ON",
                     "open", diag));
    *out = conn;
out:
    if (err != SLK_OK)
        sqlite_close(conn);
    return err;
}

static const char *sqlite_name(const slk_db_conn_t *conn)
{
    return conn->path;
}

static void sqlite_set_busy_ms(slk_db_conn_t *conn, int ms)
{
    sqlite3_busy_timeout(conn->handle, ms);
}

/* --- Statements ---------------------------------------------------------------------------- */

static slk_err_t sqlite_prepare(slk_db_stmt_t **out, slk_db_conn_t *conn, const char *sql,
                                slk_diag_t *diag)
{
    slk_db_stmt_t *stmt = calloc(1, sizeof *stmt);
    if (!stmt)
        return slk_fail(diag, SLK_ERR_NOMEM, "database %s: out of memory", conn->path);
    const char *tail = NULL;
    if (sqlite3_prepare_v3(conn->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle,
                           &tail) != SQLITE_OK) {
        free(stmt);
        return fail_sqlite(conn, "prepare a statement", diag);
    }
    SLK_ASSERT(stmt->handle && !*tail); /* one statement a call */
    stmt->conn = conn;
    *out = stmt;
    return SLK_OK;
}

static void sqlite_finalize(slk_db_stmt_t *stmt)
{
    sqlite3_finalize(stmt->handle);
    free(stmt);
}

static int bind(sqlite3_stmt *stmt, int idx, const slk_val_t *val)
{
    switch (val->type) {
    case SLK_VAL_I64:
        return sqlite3_bind_int64(stmt, idx, val->num);
    case SLK_VAL_TEXT:
        return sqlite3_bind_text64(stmt, idx, val->bytes, val->len, SQLITE_TRANSIENT, SQLITE_UTF8);
    case SLK_VAL_BLOB:
        return sqlite3_bind_blob64(stmt, idx, val->bytes, val->len, SQLITE_TRANSIENT);
    case SLK_VAL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, idx);
}

static slk_err_t sqlite_start(slk_db_stmt_t *stmt, const slk_val_t *vals, size_t cnt, bool *again,
                              slk_diag_t *diag)
{
    *again = false;
    SLK_ASSERT((size_t)sqlite3_bind_parameter_count(stmt->handle) == cnt);
    for (size_t i = 0; i < cnt; i++)
        if (bind(stmt->handle, (int)i + 1, &vals[i]) != SQLITE_OK)
            return fail_sqlite(stmt->conn, "take a value", diag);
    return SLK_OK;
}

/* What the statement was about to do, from its first word. */
static const char *doing_of(slk_db_stmt_t *stmt)
{
    const char *sql = sqlite3_sql(stmt->handle);
    return sql && (strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "PRAGMA", 6) == 0) ? "read"
                                                                                     : "write";
}

static slk_err_t sqlite_step(slk_db_stmt_t *stmt, bool *row, slk_diag_t *diag)
{
    int code = sqlite3_step(stmt->handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail_sqlite(stmt->conn, doing_of(stmt), diag);
    *row = code == SQLITE_ROW;
    return SLK_OK;
}

static void sqlite_reset(slk_db_stmt_t *stmt)
{
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
}

static int64_t sqlite_changed(slk_db_conn_t *conn)
{
    return sqlite3_changes64(conn->handle);
}

/* --- Columns ------------------------------------------------------------------------------- */

static bool sqlite_is_null(slk_db_stmt_t *stmt, int col)
{
    SLK_ASSERT(col >= 0 && col < sqlite3_column_count(stmt->handle));
    return sqlite3_column_type(stmt->handle, col) == SQLITE_NULL;
}

/* True when there is a value; it must have the type that the caller asks for. */
static bool has(slk_db_stmt_t *stmt, int col, int type)
{
    if (sqlite_is_null(stmt, col))
        return false;
    SLK_ASSERT(sqlite3_column_type(stmt->handle, col) == type);
    return true;
}

static int64_t sqlite_i64(slk_db_stmt_t *stmt, int col)
{
    return has(stmt, col, SQLITE_INTEGER) ? sqlite3_column_int64(stmt->handle, col) : 0;
}

static const char *sqlite_text(slk_db_stmt_t *stmt, int col, size_t *len)
{
    *len = 0;
    if (!has(stmt, col, SQLITE_TEXT))
        return NULL;
    const char *text = (const char *)sqlite3_column_text(stmt->handle, col);
    *len = (size_t)sqlite3_column_bytes(stmt->handle, col);
    return text;
}

static const void *sqlite_blob(slk_db_stmt_t *stmt, int col, size_t *len)
{
    *len = 0;
    if (!has(stmt, col, SQLITE_BLOB))
        return NULL;
    const void *bytes = sqlite3_column_blob(stmt->handle, col);
    *len = (size_t)sqlite3_column_bytes(stmt->handle, col);
    return *len ? bytes : "";
}

/* --- Transactions -------------------------------------------------------------------------- */

static slk_err_t sqlite_begin(slk_db_conn_t *conn, bool *again, slk_diag_t *diag)
{
    *again = false;
    return run_text(conn, "BEGIN IMMEDIATE", "begin a transaction", diag);
}

static slk_err_t sqlite_commit(slk_db_conn_t *conn, bool *again, slk_diag_t *diag)
{
    *again = false; /* the lock was taken at the beginning: nobody can be in the way */
    return run_text(conn, "COMMIT", "commit", diag);
}

/* An error such as a full disk may have ended the transaction already. */
static void sqlite_rollback(slk_db_conn_t *conn)
{
    if (!sqlite3_get_autocommit(conn->handle))
        sqlite3_exec(conn->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* Written beside its place first, so that a copy under its name is whole; never over another one, as
 * several may be at it. */
static slk_err_t sqlite_backup(slk_db_conn_t *conn, const char *path, slk_diag_t *diag)
{
    sqlite3_stmt *stmt = NULL;
    slk_err_t err = SLK_OK;
    int fd = -1;
    char tmp[4096];
    if (access(path, F_OK) == 0)
        return slk_fail(diag, SLK_ERR_STATE, "backup of %s: %s exists; remove or rename it",
                        conn->path, path);
    if (snprintf(tmp, sizeof tmp, "%s.selkie-tmp-%d-%p", path, (int)getpid(), (void *)conn) >=
        (int)sizeof tmp)
        return slk_fail(diag, SLK_ERR_LENGTH, "backup of %s: the path is too long", conn->path);
    unlink(tmp);
    if (sqlite3_prepare_v2(conn->handle, "VACUUM INTO ?1", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_bind_text(stmt, 1, tmp, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_DONE) {
        err = fail_sqlite(conn, "write its backup", diag);
        goto out;
    }
    fd = open(tmp, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        err = slk_fail_errno(diag, "sync", tmp);
        goto out;
    }
    if (link(tmp, path) != 0) {
        err = errno == EEXIST
                  ? slk_fail(diag, SLK_ERR_STATE, "backup of %s: %s exists", conn->path, path)
                  : slk_fail_errno(diag, "finish", path);
        goto out;
    }
    SLK_TRY(slk_sync_parent(path, diag));
out:
    if (fd >= 0)
        close(fd);
    sqlite3_finalize(stmt);
    unlink(tmp);
    return err;
}

const slk_db_engine_t slk_db_sqlite = {
    .words = {"INTEGER", "BLOB", "INTEGER PRIMARY KEY", "STRICT"},
    .open = sqlite_open,
    .close = sqlite_close,
    .name = sqlite_name,
    .set_busy_ms = sqlite_set_busy_ms,
    .prepare = sqlite_prepare,
    .finalize = sqlite_finalize,
    .start = sqlite_start,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .changed = sqlite_changed,
    .is_null = sqlite_is_null,
    .i64 = sqlite_i64,
    .text = sqlite_text,
    .blob = sqlite_blob,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .backup = sqlite_backup,
};
