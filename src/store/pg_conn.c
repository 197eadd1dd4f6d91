#include "store/pg_conn.h"

#include "base/assert.h"
#include "store/pg_text.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Errors -------------------------------------------------------------------------------- */

/* SQLSTATE, or its beginning (appendix A of PostgreSQL's manual); the first that fits. */
static const struct {
    const char *state;
    slk_err_t err;
    bool again; /* it is undone, and may succeed if it is done again */
    bool drop;  /* this connection is of no more use */
    const char *remedy;
} state_rows[] = {
    {"40003", SLK_ERR_IO, false, true, "it is not known whether it was done; look first"},
    {"08007", SLK_ERR_IO, false, true, "it is not known whether it was done; look first"},
    {"40", SLK_ERR_BUSY, true, false, "other transactions were in its way; try again"},
    {"55P03", SLK_ERR_BUSY, false, false,
     "another process or thread holds it; try again or stop that one"},
    {"55006", SLK_ERR_BUSY, false, false,
     "another process or thread holds it; try again or stop that one"},
    {"57014", SLK_ERR_BUSY, false, false,
     "it took longer than the server allows (statement_timeout), or somebody stopped it"},
    {"53300", SLK_ERR_BUSY, false, false,
     "the server has too many connections; raise max_connections or close some"},
    {"53100", SLK_ERR_NOSPACE, false, false,
     "free space on the server's file system; nothing was changed"},
    {"53200", SLK_ERR_NOMEM, false, false, "free memory on the server"},
    {"23", SLK_ERR_MISMATCH, false, false, "the row contradicts others of the database"},
    {"42804", SLK_ERR_MISMATCH, false, false, "a value has not its column's type"},
    {"42883", SLK_ERR_MISMATCH, false, false, "a value has not its column's type"},
    {"22021", SLK_ERR_INPUT, false, false, "a text is not UTF-8"},
    {"22", SLK_ERR_MISMATCH, false, false, "a value does not fit its column"},
    {"25006", SLK_ERR_PERM, true, true,
     "this server takes no writes (a stand-by?); name the others in the URL too"},
    {"28", SLK_ERR_PERM, false, false, "check user, password and the server's pg_hba.conf"},
    {"42501", SLK_ERR_PERM, false, false, "grant this user the right, or use the owner"},
    {"3D000", SLK_ERR_NOTFOUND, false, false, "create it (createdb) or name another"},
    {"54", SLK_ERR_LENGTH, false, false, "a value or statement is too long for the database"},
    {"0A", SLK_ERR_UNSUPPORTED, false, false, "use PostgreSQL 12 or later"},
    {"57P03", SLK_ERR_IO, false, true, "the server starts or stops; try again"},
    {"57P", SLK_ERR_IO, true, true, "the server ended the connection; try again"},
    {"25P03", SLK_ERR_IO, true, true, "the server ended a transaction that stood still"},
    {"08", SLK_ERR_IO, true, true, "look at the network and the server"},
    {"XX001", SLK_ERR_FORMAT, false, false, "the database is damaged; restore a backup"},
    {"XX002", SLK_ERR_FORMAT, false, false, "the database is damaged; restore a backup"},
    {"58", SLK_ERR_IO, false, false, "look at the logs of the server and its system"},
};

static size_t row_of(const char *state)
{
    size_t i = 0;
    while (i < SLK_COUNT(state_rows) &&
           strncmp(state, state_rows[i].state, strlen(state_rows[i].state)) != 0)
        i++;
    return i;
}

/* libpq's sentences in one line, without the lines that say where in the server's source it was. */
static void one_line(char *out, size_t cap, const char *text)
{
    size_t len = 0;
    out[0] = 0;
    while (*text) {
        text += strspn(text, " \t");
        size_t line = strcspn(text, "\n");
        bool wanted = line && strncmp(text, "LOCATION:", 9) != 0;
        if (wanted && len < cap)
            len +=
                (size_t)snprintf(out + len, cap - len, "%s%.*s", len ? "; " : "", (int)line, text);
        text += line + (text[line] == '\n');
    }
}

/* A verbose message of a failed connect has the SQLSTATE between a colon, two blanks and a colon. */
static bool state_of_message(char state[6], const char *text)
{
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  ")) {
        const char *code = at + 3;
        if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[5] == ':') {
            memcpy(state, code, 5);
            state[5] = 0;
            return true;
        }
    }
    return false;
}

static slk_err_t fail_connect(slk_db_conn_t *conn, slk_diag_t *diag)
{
    char text[800], state[6] = "";
    one_line(text, sizeof text, PQerrorMessage(conn->handle));
    size_t row = SLK_COUNT(state_rows);
    if (state_of_message(state, PQerrorMessage(conn->handle)))
        row = row_of(state);
    conn->drop = true;
    if (row < SLK_COUNT(state_rows))
        return slk_fail(diag, state_rows[row].err, "database %s: cannot connect: %s; %s",
                        conn->name, text, state_rows[row].remedy);
    return slk_fail(diag, SLK_ERR_IO, "database %s: cannot connect: %s", conn->name, text);
}

bool slk_pg_lost(const slk_db_conn_t *conn)
{
    return PQstatus(conn->handle) != CONNECTION_OK;
}

bool slk_pg_stale(const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *where = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    return state && (strcmp(state, "26000") == 0 || (strcmp(state, "0A000") == 0 && where &&
                                                     strcmp(where, "RevalidateCachedQuery") == 0));
}

static slk_err_t fail_lost(slk_db_conn_t *conn, const char *doing, bool unknown, bool *again,
                           slk_diag_t *diag)
{
    char text[600];
    one_line(text, sizeof text, PQerrorMessage(conn->handle));
    conn->drop = true;
    *again = !unknown;
    const char *what = unknown ? "it is not known whether it was done; look before it is repeated"
                       : conn->in_transaction ? "nothing of the transaction was done"
                                              : "nothing was changed";
    return slk_fail(diag, SLK_ERR_IO, "database %s: the connection broke at: %s: %s; %s",
                    conn->name, doing, text, what);
}

slk_err_t slk_pg_fail(slk_db_conn_t *conn, PGresult *res, const char *doing, bool unknown,
                      bool *again, slk_diag_t *diag)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    slk_err_t err;
    if (slk_pg_lost(conn) || !state) {
        err = fail_lost(conn, doing, unknown && slk_pg_lost(conn), again, diag);
        PQclear(res);
        return err;
    }
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    size_t row = row_of(state);
    bool known = row < SLK_COUNT(state_rows);
    *again = (known && state_rows[row].again) || slk_pg_stale(res);
    conn->drop |= known && state_rows[row].drop;
    err = slk_fail(diag, known ? state_rows[row].err : SLK_ERR_IO,
                   "database %s: cannot %s: %.500s%s%.300s (SQLSTATE %s)%s%s", conn->name, doing,
                   text ? text : "", detail ? "; " : "", detail ? detail : "", state,
                   known ? "; " : "", known ? state_rows[row].remedy : "");
    PQclear(res);
    return err;
}

/* --- Connecting ---------------------------------------------------------------------------- */

/* Of interest is only what a server says to somebody who asked for nothing before it hangs up. */
static void take_notice(void *arg, const PGresult *res)
{
    slk_db_conn_t *conn = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        conn->drop = true;
}

/* lock_timeout 0 would be for ever. */
static int lock_ms(const slk_db_conn_t *conn)
{
    return conn->busy_ms > 0 ? conn->busy_ms : 1;
}

/* What our promises need of a session, in one turn: set it, and see what the server is. */
static slk_err_t set_up(slk_db_conn_t *conn, slk_diag_t *diag)
{
    char sql[512];
    bool again;
    const char *version = PQparameterStatus(conn->handle, "server_version");
    const char *encoding = PQparameterStatus(conn->handle, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "database %s: its encoding is %s, expected UTF8; create another one "
                        "(createdb -E UTF8 -T template0)",
                        conn->name, encoding ? encoding : "unknown");
    snprintf(sql, sizeof sql,
             "SELECT current_setting('fsync'), "
             "set_config('default_transaction_isolation', 'serializable', false), "
             "set_config('standard_conforming_strings', 'on', false), "
             "set_config('lock_timeout', '%d', false), "
             "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
             "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)",
             lock_ms(conn));
    PGresult *res = PQexec(conn->handle, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return slk_pg_fail(conn, res, "prepare the session", false, &again, diag);
    conn->busy_set = lock_ms(conn);
    bool fsync_on = strcmp(PQgetvalue(res, 0, 0), "on") == 0;
    PQclear(res);
    /* YugabyteDB keeps its rows elsewhere; the setting says nothing there. */
    if (!fsync_on && !(version && strstr(version, "-YB-")))
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "database %s: the server runs with fsync=off and would lose what was "
                        "committed; turn it on in postgresql.conf",
                        conn->name);
    return SLK_OK;
}

static slk_err_t connect_now(slk_db_conn_t *conn, slk_diag_t *diag)
{
    PQreset(conn->handle);
    conn->generation++;
    if (slk_pg_lost(conn))
        return fail_connect(conn, diag);
    slk_err_t err = set_up(conn, diag);
    conn->drop = err != SLK_OK;
    return err;
}

slk_err_t slk_pg_connect(slk_db_conn_t *conn, const char *url, slk_diag_t *diag)
{
    /* What stands before the URL is what holds where it says nothing. */
    static const char *const keys[] = {"fallback_application_name", "connect_timeout",
                                       "keepalives_idle",           "keepalives_interval",
                                       "keepalives_count",          "tcp_user_timeout",
                                       "target_session_attrs",      "dbname",
                                       "client_encoding",           NULL};
    const char *vals[] = {"selkie", "10", "10", "5", "4", "30000", "read-write", url, "UTF8", NULL};
    slk_err_t err = SLK_OK;
    *conn = (slk_db_conn_t){0};
    SLK_TRY(slk_pg_name(&conn->name, url, diag));
    conn->url = strdup(url);
    /* Begun and then made anew, because only an error of the second try can be told to name its
     * SQLSTATE. */
    conn->handle = PQconnectStartParams(keys, vals, 1);
    if (!conn->url || !conn->handle) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "database %s: out of memory", conn->name);
        goto out;
    }
    PQsetErrorVerbosity(conn->handle, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn->handle, take_notice, conn);
    SLK_TRY(connect_now(conn, diag));
out:
    if (err != SLK_OK)
        slk_pg_disconnect(conn);
    return err;
}

void slk_pg_disconnect(slk_db_conn_t *conn)
{
    PQfinish(conn->handle);
    free(conn->url);
    free(conn->name);
    *conn = (slk_db_conn_t){0};
}

bool slk_pg_closed(slk_db_conn_t *conn)
{
    struct pollfd poller = {.fd = PQsocket(conn->handle), .events = POLLIN};
    for (int i = 0; i < 4 && !slk_pg_lost(conn) && !conn->drop && poll(&poller, 1, 0) > 0; i++) {
        if (!PQconsumeInput(conn->handle))
            return true;
        PQisBusy(conn->handle); /* reads what came */
    }
    return slk_pg_lost(conn) || conn->drop;
}

slk_err_t slk_pg_ready(slk_db_conn_t *conn, slk_diag_t *diag)
{
    SLK_ASSERT(!conn->in_transaction);
    if (slk_pg_closed(conn))
        return connect_now(conn, diag);
    if (conn->busy_set == lock_ms(conn))
        return SLK_OK;
    char sql[64];
    bool again;
    snprintf(sql, sizeof sql, "SET lock_timeout = %d", lock_ms(conn));
    PGresult *res = PQexec(conn->handle, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        return slk_pg_fail(conn, res, "set the busy time-out", false, &again, diag);
    PQclear(res);
    conn->busy_set = lock_ms(conn);
    return SLK_OK;
}
