#ifndef SLK_STORE_DB_ENGINE_H
#define SLK_STORE_DB_ENGINE_H

/* What an engine gives to store/db.c, which alone calls it: SQL in the engine's own words,
 * parameters counted, transactions not nested. */

#include "store/db.h"

typedef struct slk_db_conn slk_db_conn_t; /* the engine's connection */
typedef struct slk_db_stmt slk_db_stmt_t; /* the engine's prepared statement, idle or with rows */

typedef struct {
    /* Replacements of {i64}, {blob}, {serial}, {strict} in this order. */
    const char *words[4];

    slk_err_t (*open)(slk_db_conn_t **conn, const char *where, slk_diag_t *diag);
    void (*close)(slk_db_conn_t *conn);
    const char *(*name)(const slk_db_conn_t *conn); /* for messages: without password */
    void (*set_busy_ms)(slk_db_conn_t *conn, int ms);

    slk_err_t (*prepare)(slk_db_stmt_t **stmt, slk_db_conn_t *conn, const char *sql,
                         slk_diag_t *diag);
    void (*finalize)(slk_db_stmt_t *stmt);

    /* Bind all parameters and be ready for the first step. cnt is the number the SQL names.
     * *again on an error, here and below: nothing was changed, and it may succeed when it is done
     * once more; in a transaction that is all of it. */
    slk_err_t (*start)(slk_db_stmt_t *stmt, const slk_val_t *vals, size_t cnt, bool *again,
                       slk_diag_t *diag);
    slk_err_t (*step)(slk_db_stmt_t *stmt, bool *row, slk_diag_t *diag);
    /* Back to idle, parameters dropped. */
    void (*reset)(slk_db_stmt_t *stmt);
    int64_t (*changed)(slk_db_conn_t *conn);

    bool (*is_null)(slk_db_stmt_t *stmt, int col);
    int64_t (*i64)(slk_db_stmt_t *stmt, int col);
    const char *(*text)(slk_db_stmt_t *stmt, int col, size_t *len);
    const void *(*blob)(slk_db_stmt_t *stmt, int col, size_t *len);

    /* *again: only worth it after a transaction that began and failed. */
    slk_err_t (*begin)(slk_db_conn_t *conn, bool *again, slk_diag_t *diag);
    slk_err_t (*commit)(slk_db_conn_t *conn, bool *again, slk_diag_t *diag);
    void (*rollback)(slk_db_conn_t *conn);

    /* NULL: this engine's databases are copied with other tools. */
    slk_err_t (*backup)(slk_db_conn_t *conn, const char *path, slk_diag_t *diag);

    /* One at a time changes tables. *again: another does so now. NULL: not needed. */
    slk_err_t (*lock_schema)(slk_db_conn_t *conn, bool *again, slk_diag_t *diag);
    void (*unlock_schema)(slk_db_conn_t *conn);
} slk_db_engine_t;

extern const slk_db_engine_t slk_db_sqlite;
extern const slk_db_engine_t slk_db_postgresql;

#endif /* SLK_STORE_DB_ENGINE_H */
