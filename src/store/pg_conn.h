#ifndef SLK_STORE_PG_CONN_H
#define SLK_STORE_PG_CONN_H

/* A connection to PostgreSQL that can be made anew, and what its errors mean. For
 * store/db_postgresql.c. */

#include "store/db_engine.h"

#include <libpq-fe.h>

struct slk_db_conn {
    PGconn *handle;
    char *url, *name;
    int busy_ms, busy_set; /* wanted, and what the server was told */
    bool drop;             /* connect anew before the next use */
    bool in_transaction;
    uint64_t generation; /* of the connection: statements are prepared once in each */
    uint64_t statements; /* names of prepared statements given */
    int64_t changed;     /* rows, by the last statement */
};

/* Fill conn and connect. On error nothing is left. */
SLK_CHECK_RESULT slk_err_t slk_pg_connect(slk_db_conn_t *conn, const char *url, slk_diag_t *diag);
void slk_pg_disconnect(slk_db_conn_t *conn);

/* Outside of a transaction, before anything is sent: a connection that is known to be broken, or was
 * closed by the server while nobody used it, is made anew; the busy time-out is told. */
SLK_CHECK_RESULT slk_err_t slk_pg_ready(slk_db_conn_t *conn, slk_diag_t *diag);

bool slk_pg_lost(const slk_db_conn_t *conn);

/* Or said good-bye while nobody listened, or is to be dropped? */
bool slk_pg_closed(slk_db_conn_t *conn);

/* The error of a result, which is freed. doing: "write", "commit", ... *again as in db_engine.h.
 * unknown: if the connection broke, what was sent may have been carried out. */
slk_err_t slk_pg_fail(slk_db_conn_t *conn, PGresult *res, const char *doing, bool unknown,
                      bool *again, slk_diag_t *diag);

/* True when a prepared statement has to be prepared again: the server forgot it, or a table that it
 * reads was changed. */
bool slk_pg_stale(const PGresult *res);

#endif /* SLK_STORE_PG_CONN_H */
