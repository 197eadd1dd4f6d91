#ifndef SLK_STORE_DB_H
#define SLK_STORE_DB_H

/* SQL databases behind one interface, with two engines (store/db_engine.h): SQLite, a file in the
 * program (store/db_sqlite.c), and PostgreSQL, a server that several managers share
 * (store/db_postgresql.c; 12 or later. YugabyteDB speaks the same protocol, but nothing here was tried
 * with it).
 *
 * SQL is written once for all engines:
 *   - parameters are ?1, ?2, ... and one may be used several times;
 *   - what engines spell differently stands in braces and is replaced before the statement is used:
 *       {i64}     64-bit integer column         {blob}    bytes column
 *       {serial}  column of ascending row numbers, primary key
 *       {strict}  behind the closing parenthesis of CREATE TABLE
 *     a brace that stands for nothing of these is a bug of the caller and asserts;
 *   - text is UTF-8 without zero bytes; INSERT ... ON CONFLICT ... DO and RETURNING may be used;
 *   - a parameter is a 64-bit integer, text or bytes, and nothing converts one into another;
 *   - the order of texts (ORDER BY, <) is the engine's own; that of numbers and bytes is not;
 *   - numbers of a {serial} column ascend with gaps; transactions at the same time may commit in
 *     another order than that of their numbers. A number given by hand is not counted: a column has
 *     either all its numbers from the engine or none.
 *
 * Threads: a slk_db_t is one connection and belongs to one thread at a time; it has no lock. A thread
 * that needs the database opens its own. Connections of any number of threads and processes may be
 * open on one database: they wait for each other's transactions up to the busy time-out.
 *
 * Durable: what a committed transaction wrote is on the disk before the call returns (SQLite: WAL,
 * synchronous=FULL; PostgreSQL: synchronous_commit is not off, a server with fsync off is refused)
 * and survives kill -9 and loss of power.
 *
 * PostgreSQL alone: a connection that broke is made anew at its next use outside of a transaction.
 * What was asked for when it broke is done again where nothing can have been done yet: a read once, a
 * transaction before its commit up to the busy time-out. Otherwise it is SLK_ERR_IO, with the words
 * "it is not known whether" where it was a commit or a writing statement outside of a transaction:
 * such a one is never repeated here, and who asked must look first. All transactions, and statements
 * outside of one, are serializable. An answer is held in memory as a whole: use LIMIT. A pooler in
 * between must give each connection a session of its own (PgBouncer: pool_mode=session).
 *
 * Errors: SLK_ERR_BUSY another connection held the database too long; SLK_ERR_NOSPACE disk full;
 * SLK_ERR_MISMATCH a constraint (unique, foreign key, check) refused the row; SLK_ERR_FORMAT no
 * database or a damaged one; SLK_ERR_IO, SLK_ERR_PERM, SLK_ERR_NOTFOUND as for files: a server that
 * cannot be reached, a user who may not, a database that is not there. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct slk_db slk_db_t;

/* Open the database at `where`: a path or sqlite:PATH, which is created where there is none, or
 * postgresql://user@host:port/database?options, the URL of libpq (several hosts, sslmode, ...), which
 * must exist. A password is better in the file that libpq reads (~/.pgpass) than in the URL; there @,
 * / and ? are written %40, %2F, %3F. Where the URL says nothing else, of several hosts the one that
 * takes writes is used, a host that does not answer is given up after 10 s, and a connection that
 * answers no more after 30 s. */
SLK_CHECK_RESULT slk_err_t slk_db_open(slk_db_t **db, const char *where, slk_diag_t *diag);

/* NULL is a no-op. No rows may be open and no transaction running. */
void slk_db_close(slk_db_t *db);

/* How messages name it: the path, or the URL without password and options. */
const char *slk_db_name(const slk_db_t *db);

/* How long to wait for other connections' transactions; 10000 after opening. PostgreSQL: for each
 * lock, and how long a transaction that another one made impossible, or whose connection broke before
 * its commit, is tried again. */
void slk_db_set_busy_ms(slk_db_t *db, int ms);

/* --- Values -------------------------------------------------------------------------------- */

typedef enum { SLK_VAL_NULL, SLK_VAL_I64, SLK_VAL_TEXT, SLK_VAL_BLOB } slk_val_type_t;

/* A parameter; text and bytes are borrowed for the call. */
typedef struct {
    slk_val_type_t type;
    int64_t num;
    const void *bytes;
    size_t len;
} slk_val_t;

slk_val_t slk_val_null(void);
slk_val_t slk_val_i64(int64_t num);
slk_val_t slk_val_text(const char *text); /* NULL gives null */
slk_val_t slk_val_blob(const void *bytes, size_t len);

/* The parameters ?1, ?2, ... of a statement as two arguments: slk_db_run(db, sql, SLK_VALS(a, b), ...) */
#define SLK_VALS(...)                                                                              \
    (const slk_val_t[]){__VA_ARGS__}, sizeof((const slk_val_t[]){__VA_ARGS__}) / sizeof(slk_val_t)
#define SLK_NO_VALS NULL, 0

/* --- Statements ---------------------------------------------------------------------------- */

/* Run a statement that gives no rows. *changed (may be NULL): rows inserted, updated or deleted.
 * Outside of a transaction it is one of its own. Statements are prepared once a connection. */
SLK_CHECK_RESULT slk_err_t slk_db_run(slk_db_t *db, const char *sql, const slk_val_t *vals,
                                      size_t cnt, int64_t *changed, slk_diag_t *diag);

typedef struct slk_db_rows slk_db_rows_t;

/* Begin a statement that gives rows. On SLK_OK the rows must be closed, before the transaction that
 * they were opened in ends. One text may be open several times at once. */
SLK_CHECK_RESULT slk_err_t slk_db_query(slk_db_rows_t **rows, slk_db_t *db, const char *sql,
                                        const slk_val_t *vals, size_t cnt, slk_diag_t *diag);

/* Go to the next row. *more = false: there is none. */
SLK_CHECK_RESULT slk_err_t slk_db_rows_next(slk_db_rows_t *rows, bool *more, slk_diag_t *diag);

/* NULL is a no-op. */
void slk_db_rows_close(slk_db_rows_t *rows);

/* Columns of the present row, from 0. What is given back lives until the next slk_db_rows_next or
 * slk_db_rows_close. A null is 0, or NULL with length 0; another type than the one asked for asserts:
 * tables are typed. Text ends with a zero byte. len may be NULL. An empty blob is not NULL. */
bool slk_db_rows_is_null(slk_db_rows_t *rows, int col);
int64_t slk_db_rows_i64(slk_db_rows_t *rows, int col);
const char *slk_db_rows_text(slk_db_rows_t *rows, int col, size_t *len);
const void *slk_db_rows_blob(slk_db_rows_t *rows, int col, size_t *len);

/* The first column of the first row as a number. *found = false where there is no row or it is null.
 */
SLK_CHECK_RESULT slk_err_t slk_db_get_i64(slk_db_t *db, const char *sql, const slk_val_t *vals,
                                          size_t cnt, bool *found, int64_t *num, slk_diag_t *diag);

/* --- Transactions -------------------------------------------------------------------------- */

/* Call fn in a transaction that has the right to write from its beginning, so that it does not fail
 * half way because of another writer. SLK_OK of fn commits; anything else rolls everything back and
 * is returned. A statement that failed makes the transaction fail, whatever fn gives back. fn may be
 * called again after a roll-back (an engine may ask for it): it must change nothing but the database
 * and what it sets anew in each call. No transaction inside another: that asserts. */
typedef slk_err_t slk_db_fn_t(slk_db_t *db, void *ctx, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_db_transact(slk_db_t *db, slk_db_fn_t *fn, void *ctx,
                                           slk_diag_t *diag);

/* True inside of slk_db_transact: for functions that must be part of their caller's transaction. */
bool slk_db_in_transaction(const slk_db_t *db);

/* A consistent copy of the whole database while it is in use, at a path where nothing is; complete
 * and on the disk on SLK_OK, removed otherwise. Not in a transaction. Of a server's database
 * SLK_ERR_UNSUPPORTED: its own tools (pg_dump) copy it. */
SLK_CHECK_RESULT slk_err_t slk_db_backup(slk_db_t *db, const char *path, slk_diag_t *diag);
bool slk_db_has_backup(const slk_db_t *db);

/* Between the two one process at a time creates and changes tables, in any number of transactions;
 * others wait up to the busy time-out. For store/migrate.c. A file needs no such lock: nothing is
 * held there. */
SLK_CHECK_RESULT slk_err_t slk_db_lock_schema(slk_db_t *db, slk_diag_t *diag);
void slk_db_unlock_schema(slk_db_t *db);

#endif /* SLK_STORE_DB_H */
