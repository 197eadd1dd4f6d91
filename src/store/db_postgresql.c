#include "base/assert.h"
#include "store/pg_conn.h"
#include "store/pg_text.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of types, as in the server's catalogue pg_type; they never change. */
enum {
    T_BOOL = 16,
    T_BYTEA = 17,
    T_NAME = 19,
    T_INT8 = 20,
    T_INT2 = 21,
    T_INT4 = 23,
    T_TEXT = 25,
    T_BPCHAR = 1042,
    T_VARCHAR = 1043,
    T_NUMERIC = 1700
};

/* Any number: all programs that share a database take the same. */
#define SCHEMA_LOCK "8315178135917946220"

enum { VALUE_MAX = 1 << 30 }; /* bytes of one value that the server takes */

/* Prepared when it is first used in a connection, as then the types of its parameters are known. */
struct slk_db_stmt {
    slk_db_conn_t *conn;
    char *sql;
    char name[24];
    size_t cnt;          /* parameters */
    Oid *types;          /* prepared with these; 0: the server found one, all values were null */
    const char **values; /* and what a start needs */
    int *lens, *formats;
    uint64_t *nums;
    uint64_t generation; /* of the connection that it is prepared in; 0: in none */
    PGresult *res;
    int row;
};

/* --- Connection ---------------------------------------------------------------------------- */

static slk_err_t pg_open(slk_db_conn_t **out, const char *where, slk_diag_t *diag)
{
    slk_db_conn_t *conn = calloc(1, sizeof *conn);
    if (!conn)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory opening a database");
    slk_err_t err = slk_pg_connect(conn, where, diag);
    if (err != SLK_OK)
        free(conn);
    else
        *out = conn;
    return err;
}

static void pg_close(slk_db_conn_t *conn)
{
    slk_pg_disconnect(conn);
    free(conn);
}

static const char *pg_name(const slk_db_conn_t *conn)
{
    return conn->name;
}

static void pg_set_busy_ms(slk_db_conn_t *conn, int ms)
{
    conn->busy_ms =
        ms; /* told at the next use outside of a transaction, which could take it back */
}

/* --- Statements ---------------------------------------------------------------------------- */

static void pg_reset(slk_db_stmt_t *stmt)
{
    PQclear(stmt->res);
    stmt->res = NULL;
    stmt->row = -1;
}

/* In a transaction that failed the server refuses, and the name is used up. */
static void forget(slk_db_stmt_t *stmt)
{
    slk_db_conn_t *conn = stmt->conn;
    if (stmt->generation == conn->generation && !conn->drop && !slk_pg_lost(conn)) {
        char sql[40];
        snprintf(sql, sizeof sql, "DEALLOCATE %s", stmt->name);
        PQclear(PQexec(conn->handle, sql));
    }
    stmt->generation = 0;
}

static void free_statement(slk_db_stmt_t *stmt)
{
    free(stmt->sql);
    free(stmt->types);
    free(stmt->values);
    free(stmt->lens);
    free(stmt->formats);
    free(stmt->nums);
    free(stmt);
}

static void pg_finalize(slk_db_stmt_t *stmt)
{
    pg_reset(stmt);
    forget(stmt);
    free_statement(stmt);
}

static slk_err_t pg_prepare(slk_db_stmt_t **out, slk_db_conn_t *conn, const char *sql,
                            slk_diag_t *diag)
{
    slk_db_stmt_t *stmt = calloc(1, sizeof *stmt);
    char *copy = strdup(sql);
    if (!stmt || !copy) {
        free(stmt);
        free(copy);
        return slk_fail(diag, SLK_ERR_NOMEM, "database %s: out of memory", conn->name);
    }
    size_t cnt = slk_pg_params(copy), room = cnt ? cnt : 1;
    *stmt = (slk_db_stmt_t){.conn = conn,
                            .sql = copy,
                            .cnt = cnt,
                            .types = calloc(room, sizeof(Oid)),
                            .values = calloc(room, sizeof(char *)),
                            .lens = calloc(room, sizeof(int)),
                            .formats = calloc(room, sizeof(int)),
                            .nums = calloc(room, sizeof(uint64_t)),
                            .row = -1};
    if (!stmt->types || !stmt->values || !stmt->lens || !stmt->formats || !stmt->nums) {
        free_statement(stmt);
        return slk_fail(diag, SLK_ERR_NOMEM, "database %s: out of memory", conn->name);
    }
    *out = stmt;
    return SLK_OK;
}

static Oid type_of(const slk_val_t *val)
{
    static const Oid types[] = {[SLK_VAL_NULL] = 0,
                                [SLK_VAL_I64] = T_INT8,
                                [SLK_VAL_TEXT] = T_TEXT,
                                [SLK_VAL_BLOB] = T_BYTEA};
    return types[val->type];
}

/* Prepared in this connection for values of these types? The server's guess of a type is good for
 * null alone: it could be a smaller integer than ours. */
static bool is_prepared(const slk_db_stmt_t *stmt, const slk_val_t *vals)
{
    if (stmt->generation != stmt->conn->generation)
        return false;
    for (size_t i = 0; i < stmt->cnt; i++)
        if (vals[i].type != SLK_VAL_NULL && type_of(&vals[i]) != stmt->types[i])
            return false;
    return true;
}

static slk_err_t send_prepare(slk_db_stmt_t *stmt, const slk_val_t *vals, bool *again,
                              slk_diag_t *diag)
{
    slk_db_conn_t *conn = stmt->conn;
    forget(stmt);
    for (size_t i = 0; i < stmt->cnt; i++)
        if (vals[i].type != SLK_VAL_NULL)
            stmt->types[i] = type_of(&vals[i]);
    snprintf(stmt->name, sizeof stmt->name, "s%llu", (unsigned long long)++conn->statements);
    PGresult *res = PQprepare(conn->handle, stmt->name, stmt->sql, (int)stmt->cnt, stmt->types);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        memset(stmt->types, 0, stmt->cnt * sizeof *stmt->types); /* they may be what was wrong */
        return slk_pg_fail(conn, res, "prepare a statement", false, again, diag);
    }
    PQclear(res);
    stmt->generation = conn->generation;
    return SLK_OK;
}

static slk_err_t bind(slk_db_stmt_t *stmt, const slk_val_t *vals, slk_diag_t *diag)
{
    for (size_t i = 0; i < stmt->cnt; i++) {
        stmt->formats[i] = 1;
        stmt->nums[i] = htobe64((uint64_t)vals[i].num);
        stmt->values[i] = vals[i].bytes;
        stmt->lens[i] = (int)vals[i].len;
        if (vals[i].type == SLK_VAL_NULL) {
            stmt->values[i] = NULL;
        } else if (vals[i].type == SLK_VAL_I64) {
            stmt->values[i] = (const char *)&stmt->nums[i];
            stmt->lens[i] = sizeof stmt->nums[i];
        } else if (vals[i].len >= VALUE_MAX) {
            return slk_fail(diag, SLK_ERR_LENGTH, "database %s: a value of %zu bytes, at most %d",
                            stmt->conn->name, vals[i].len, VALUE_MAX - 1);
        }
    }
    return SLK_OK;
}

static slk_err_t start_once(slk_db_stmt_t *stmt, const slk_val_t *vals, bool *again,
                            slk_diag_t *diag)
{
    slk_db_conn_t *conn = stmt->conn;
    bool reads = strncmp(stmt->sql, "SELECT", 6) == 0;
    slk_err_t err = SLK_OK;
    *again = false;
    if (!conn->in_transaction)
        SLK_TRY(slk_pg_ready(conn, diag));
    else if (slk_pg_lost(conn))
        return slk_pg_fail(conn, NULL, "go on", false, again, diag);
    if (!is_prepared(stmt, vals))
        SLK_TRY(send_prepare(stmt, vals, again, diag));
    PGresult *res = PQexecPrepared(conn->handle, stmt->name, (int)stmt->cnt, stmt->values,
                                   stmt->lens, stmt->formats, 1);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        if (slk_pg_stale(res))
            forget(stmt);
        return slk_pg_fail(conn, res, reads ? "read" : "write", !reads && !conn->in_transaction,
                           again, diag);
    }
    stmt->res = res;
    stmt->row = -1;
    conn->changed = strtoll(PQcmdTuples(res), NULL, 10);
out:
    return err;
}

/* Outside of a transaction, a connection that broke before anything was done is made anew once; if
 * that does not help, it is told and not waited for. */
static slk_err_t pg_start(slk_db_stmt_t *stmt, const slk_val_t *vals, size_t cnt, bool *again,
                          slk_diag_t *diag)
{
    slk_db_conn_t *conn = stmt->conn;
    *again = false;
    SLK_ASSERT(cnt == stmt->cnt);
    slk_err_t err = bind(stmt, vals, diag);
    if (err != SLK_OK)
        return err;
    err = start_once(stmt, vals, again, diag);
    if (err == SLK_OK || !conn->drop || conn->in_transaction)
        return err;
    if (*again)
        err = start_once(stmt, vals, again, diag);
    if (err == SLK_OK && diag)
        diag->text[0] = 0;
    if (conn->drop)
        *again = false;
    return err;
}

static slk_err_t pg_step(slk_db_stmt_t *stmt, bool *row, slk_diag_t *diag)
{
    *row = stmt->row + 1 < PQntuples(stmt->res);
    if (!*row)
        return SLK_OK;
    stmt->row++;
    for (int col = 0; col < PQnfields(stmt->res); col++) {
        int64_t num;
        if (PQftype(stmt->res, col) == T_NUMERIC && !PQgetisnull(stmt->res, stmt->row, col) &&
            !slk_pg_numeric(&num, (const uint8_t *)PQgetvalue(stmt->res, stmt->row, col),
                            (size_t)PQgetlength(stmt->res, stmt->row, col)))
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "database %s: column %s is no whole number of 64 bits",
                            stmt->conn->name, PQfname(stmt->res, col));
    }
    return SLK_OK;
}

static int64_t pg_changed(slk_db_conn_t *conn)
{
    return conn->changed;
}

/* --- Columns ------------------------------------------------------------------------------- */

static bool pg_is_null(slk_db_stmt_t *stmt, int col)
{
    SLK_ASSERT(stmt->res && stmt->row >= 0 && col >= 0 && col < PQnfields(stmt->res));
    return PQgetisnull(stmt->res, stmt->row, col);
}

static int64_t pg_i64(slk_db_stmt_t *stmt, int col)
{
    if (pg_is_null(stmt, col))
        return 0;
    Oid type = PQftype(stmt->res, col);
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(stmt->res, stmt->row, col);
    size_t len = (size_t)PQgetlength(stmt->res, stmt->row, col);
    int64_t num = 0;
    if (type == T_NUMERIC) {
        bool ok = slk_pg_numeric(&num, bytes, len);
        SLK_ASSERT(ok); /* pg_step looked */
        return num;
    }
    SLK_ASSERT(len && len <= 8 &&
               (type == T_INT8 || type == T_INT4 || type == T_INT2 || type == T_BOOL));
    uint64_t bits = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++)
        bits = bits << 8 | bytes[i];
    return (int64_t)bits;
}

static const void *bytes_of(slk_db_stmt_t *stmt, int col, size_t *len)
{
    *len = (size_t)PQgetlength(stmt->res, stmt->row, col);
    return PQgetvalue(stmt->res, stmt->row, col); /* libpq puts a zero byte behind each value */
}

static const char *pg_text(slk_db_stmt_t *stmt, int col, size_t *len)
{
    *len = 0;
    if (pg_is_null(stmt, col))
        return NULL;
    Oid type = PQftype(stmt->res, col);
    SLK_ASSERT(type == T_TEXT || type == T_VARCHAR || type == T_BPCHAR || type == T_NAME);
    return bytes_of(stmt, col, len);
}

static const void *pg_blob(slk_db_stmt_t *stmt, int col, size_t *len)
{
    *len = 0;
    if (pg_is_null(stmt, col))
        return NULL;
    SLK_ASSERT(PQftype(stmt->res, col) == T_BYTEA);
    return bytes_of(stmt, col, len);
}

/* --- Transactions -------------------------------------------------------------------------- */

/* A connection that turns out to be broken here is made anew at once: nothing was asked for yet. */
static slk_err_t pg_begin(slk_db_conn_t *conn, bool *again, slk_diag_t *diag)
{
    for (int i = 0;; i++) {
        slk_err_t err = slk_pg_ready(conn, diag);
        *again = err == SLK_ERR_IO || err == SLK_ERR_BUSY;
        if (err != SLK_OK)
            return err;
        PGresult *res = PQexec(conn->handle, "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE");
        if (PQresultStatus(res) == PGRES_COMMAND_OK) {
            PQclear(res);
            conn->in_transaction = true;
            return SLK_OK;
        }
        if (i || !slk_pg_lost(conn))
            return slk_pg_fail(conn, res, "begin a transaction", false, again, diag);
        PQclear(res);
    }
}

static slk_err_t pg_commit(slk_db_conn_t *conn, bool *again, slk_diag_t *diag)
{
    *again = false;
    if (slk_pg_closed(conn)) /* before it was asked for: it cannot have happened */
        return slk_pg_fail(conn, NULL, "commit", false, again, diag);
    PGresult *res = PQexec(conn->handle, "COMMIT");
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        return slk_pg_fail(conn, res, "commit", true, again, diag);
    bool done = strcmp(PQcmdStatus(res), "COMMIT") == 0;
    PQclear(res);
    if (!done)
        return slk_fail(diag, SLK_ERR_STATE,
                        "database %s: the server rolled the transaction back instead of "
                        "committing it",
                        conn->name);
    conn->in_transaction = false;
    return SLK_OK;
}

/* A connection in which that does not work is dropped, and the server rolls back by itself. */
static void pg_rollback(slk_db_conn_t *conn)
{
    conn->in_transaction = false;
    if (slk_pg_lost(conn) || conn->drop) {
        conn->drop = true;
        return;
    }
    if (PQtransactionStatus(conn->handle) == PQTRANS_IDLE)
        return;
    PGresult *res = PQexec(conn->handle, "ROLLBACK");
    conn->drop = PQresultStatus(res) != PGRES_COMMAND_OK;
    PQclear(res);
}

/* --- Changing tables ------------------------------------------------------------------------ */

/* Of the session: given back by the server if we die. Asked for again and again instead of waited
 * for, as lock_timeout would otherwise have two meanings. */
static slk_err_t pg_lock_schema(slk_db_conn_t *conn, bool *again, slk_diag_t *diag)
{
    *again = false;
    slk_err_t err = slk_pg_ready(conn, diag);
    if (err != SLK_OK)
        return err;
    PGresult *res = PQexec(conn->handle, "SELECT pg_try_advisory_lock(" SCHEMA_LOCK ")");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return slk_pg_fail(conn, res, "lock its tables", false, again, diag);
    bool locked = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    PQclear(res);
    *again = !locked;
    return locked ? SLK_OK
                  : slk_fail(diag, SLK_ERR_BUSY,
                             "database %s: another process is creating or changing its tables; "
                             "try again when it is done",
                             conn->name);
}

static void pg_unlock_schema(slk_db_conn_t *conn)
{
    if (!conn->drop && !slk_pg_lost(conn))
        PQclear(PQexec(conn->handle, "SELECT pg_advisory_unlock(" SCHEMA_LOCK ")"));
}

const slk_db_engine_t slk_db_postgresql = {
    .words = {"BIGINT", "BYTEA", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", ""},
    .open = pg_open,
    .close = pg_close,
    .name = pg_name,
    .set_busy_ms = pg_set_busy_ms,
    .prepare = pg_prepare,
    .finalize = pg_finalize,
    .start = pg_start,
    .step = pg_step,
    .reset = pg_reset,
    .changed = pg_changed,
    .is_null = pg_is_null,
    .i64 = pg_i64,
    .text = pg_text,
    .blob = pg_blob,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .lock_schema = pg_lock_schema,
    .unlock_schema = pg_unlock_schema,
};
