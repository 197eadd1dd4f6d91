#include "manager/job/token_store.h"

#include "base/assert.h"
#include "base/log.h"
#include "net/net.h"
#include "store/migrate.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_MS 10000

static const char *const first[] = {"CREATE TABLE token (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
                                    "perms {i64} NOT NULL, created_ms {i64} "
                                    "NOT NULL, revoked_ms {i64} NOT NULL) {strict}",
                                    NULL};
static const slk_migration_t migrations[] = {{1, "tokens that were given out", first, NULL}};

typedef char token_id_t[SLK_TOKEN_ID_MAX];

struct slk_token_store {
    slk_token_key_t key;
    pthread_mutex_t lock;
    slk_db_t *db;
    token_id_t *good; /* sorted */
    size_t cnt;
    pthread_mutex_t list_lock; /* guards good and cnt: held for moments, after lock */
    pthread_cond_t end;        /* with list_lock */
    bool ending, has_thread;
    pthread_t thread;
};

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* With the lock. */
static slk_err_t refresh(slk_token_store_t *s, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    token_id_t *list = NULL;
    size_t cnt = 0;
    bool more = true;
    slk_err_t err = SLK_OK;
    SLK_TRY(
        slk_db_query(&rows, s->db, "SELECT id FROM token WHERE revoked_ms = 0", SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        token_id_t *grown = realloc(list, (cnt + 1) * sizeof *list);
        if (!grown) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the tokens");
            goto out;
        }
        list = grown;
        snprintf(list[cnt++], sizeof *list, "%s", slk_db_rows_text(rows, 0, NULL));
    }
    if (cnt)
        qsort(list, cnt, sizeof *list, by_id);
    pthread_mutex_lock(&s->list_lock);
    free(s->good);
    s->good = list;
    s->cnt = cnt;
    pthread_mutex_unlock(&s->list_lock);
    list = NULL;
out:
    slk_db_rows_close(rows);
    free(list);
    return err;
}

/* Reads again what other processes may have revoked, so that nobody who asks has to wait for the
 * database. One that cannot be read now leaves what was known: workers go on. */
static void *run(void *ctx)
{
    slk_token_store_t *s = ctx;
    pthread_mutex_lock(&s->list_lock);
    while (!s->ending) {
        const struct timespec until = slk_net_after_ms(REFRESH_MS);
        while (!s->ending && !pthread_cond_timedwait(&s->end, &s->list_lock, &until))
            ;
        pthread_mutex_unlock(&s->list_lock);
        pthread_mutex_lock(&s->lock);
        slk_diag_t diag;
        if (refresh(s, &diag) != SLK_OK)
            slk_log(SLK_LOG_WARN, "tokens", "%s", diag.text);
        pthread_mutex_unlock(&s->lock);
        pthread_mutex_lock(&s->list_lock);
    }
    pthread_mutex_unlock(&s->list_lock);
    return NULL;
}

slk_err_t slk_token_store_open(slk_token_store_t **out, const char *where,
                               const slk_token_key_t *key, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_token_store_t *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the tokens");
    s->key = *key;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->list_lock, NULL);
    slk_net_cond_init(&s->end);
    SLK_TRY(slk_db_open(&s->db, where, diag));
    SLK_TRY(slk_db_migrate(s->db, "token", migrations, SLK_COUNT(migrations), diag));
    SLK_TRY(refresh(s, diag));
    if (slk_net_thread(&s->thread, run, s)) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "the thread that reads tokens cannot be started");
        goto out;
    }
    s->has_thread = true;
    *out = s;
    return SLK_OK;
out:
    slk_token_store_close(s);
    return err;
}

void slk_token_store_close(slk_token_store_t *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->list_lock);
    s->ending = true;
    pthread_cond_signal(&s->end);
    pthread_mutex_unlock(&s->list_lock);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    slk_db_close(s->db);
    slk_token_key_wipe(&s->key);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->list_lock);
    pthread_cond_destroy(&s->end);
    free(s->good);
    free(s);
}

slk_err_t slk_token_store_make(slk_token_store_t *s, const char *name, slk_perms_t perms,
                               int64_t now_ms, char out[SLK_TOKEN_TEXT_MAX],
                               char id[SLK_TOKEN_ID_MAX], slk_diag_t *diag)
{
    slk_token_claims_t claims = {.perms = perms};
    uint8_t bytes[16];
    if (strlen(name) >= sizeof claims.name)
        return slk_fail(diag, SLK_ERR_INPUT, "the name of a token has at most %d bytes",
                        SLK_TOKEN_NAME_MAX - 1);
    strcpy(claims.name, name);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return slk_fail(diag, SLK_ERR_IO, "the system gives no random bytes for a token");
    for (size_t i = 0; i < sizeof bytes; i++)
        sprintf(claims.id + 2 * i, "%02x", bytes[i]);
    slk_err_t err = slk_token_sign(out, &s->key, &claims, diag);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&s->lock);
    err = slk_db_run(
        s->db,
        "INSERT INTO token (id, name, perms, created_ms, revoked_ms) VALUES (?1, ?2, ?3, ?4, 0)",
        SLK_VALS(slk_val_text(claims.id), slk_val_text(name), slk_val_i64(perms),
                 slk_val_i64(now_ms)),
        NULL, diag);
    if (err == SLK_OK)
        err = refresh(s, diag);
    pthread_mutex_unlock(&s->lock);
    if (err != SLK_OK)
        explicit_bzero(out, SLK_TOKEN_TEXT_MAX);
    else if (id)
        strcpy(id, claims.id);
    return err;
}

slk_err_t slk_token_store_revoke(slk_token_store_t *s, const char *id, int64_t now_ms,
                                 slk_diag_t *diag)
{
    bool found = false;
    int64_t revoked = 0;
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&s->lock);
    SLK_TRY(slk_db_run(s->db, "UPDATE token SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms = 0",
                       SLK_VALS(slk_val_text(id), slk_val_i64(now_ms > 0 ? now_ms : 1)), NULL,
                       diag));
    SLK_TRY(slk_db_get_i64(s->db, "SELECT revoked_ms FROM token WHERE id = ?1",
                           SLK_VALS(slk_val_text(id)), &found, &revoked, diag));
    SLK_TRY(refresh(s, diag));
    if (!found)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "no token has the id %s", id);
out:
    pthread_mutex_unlock(&s->lock);
    return err;
}

static json_t *list_row(slk_db_rows_t *rows)
{
    json_t *allow = json_array();
    const slk_perms_t perms = (slk_perms_t)slk_db_rows_i64(rows, 2);
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (perms & 1u << i)
            json_array_append_new(allow, json_string(slk_perm_name(1u << i)));
    const int64_t revoked = slk_db_rows_i64(rows, 4);
    return json_pack("{s:s, s:s, s:o, s:I, s:o}", "ID", slk_db_rows_text(rows, 0, NULL), "Name",
                     slk_db_rows_text(rows, 1, NULL), "Allow", allow, "Created",
                     slk_db_rows_i64(rows, 3), "Revoked",
                     revoked ? json_integer(revoked) : json_null());
}

slk_err_t slk_token_store_list(slk_token_store_t *s, json_t **list, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    *list = json_array();
    pthread_mutex_lock(&s->lock);
    SLK_TRY(slk_db_query(
        &rows, s->db,
        "SELECT id, name, perms, created_ms, revoked_ms FROM token ORDER BY created_ms, id",
        SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        if (json_array_append_new(*list, list_row(rows))) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the tokens");
            goto out;
        }
    }
out:
    slk_db_rows_close(rows);
    pthread_mutex_unlock(&s->lock);
    if (err != SLK_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return err;
}

bool slk_token_store_ok(void *ctx, const slk_token_claims_t *claims)
{
    slk_token_store_t *s = ctx;
    if (!claims->id[0])
        return true;
    pthread_mutex_lock(&s->list_lock);
    bool good = s->cnt && bsearch(claims->id, s->good, s->cnt, sizeof *s->good, by_id);
    pthread_mutex_unlock(&s->list_lock);
    return good;
}
