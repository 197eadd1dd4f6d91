#include "app/send_message.h"

#include "app/wallet_signer.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "chain/client.h"
#include "codec/actors/exit_code.h"
#include "codec/fil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 50, POLL_MS = 500, STUCK_EPOCHS = 20, PUSHES = 3, NO_NODE_SECONDS = 10 };
enum { CONFIDENCE_MAX = 900, SAME_MAX = 1000 };

/* --- Temporary databases ------------------------------------------------------------------- */

typedef struct {
    char dir[256]; /* empty: the caller's own database */
    char path[4096];
} place_t;

static slk_err_t make_place(place_t *place, const char *store, slk_diag_t *diag)
{
    const char *tmp = getenv("TMPDIR");
    *place = (place_t){0};
    if (store) {
        if ((size_t)snprintf(place->path, sizeof place->path, "%s", store) >= sizeof place->path)
            return slk_fail(diag, SLK_ERR_LENGTH, "the path of the database is too long");
        return SLK_OK;
    }
    int len =
        snprintf(place->dir, sizeof place->dir, "%s/selkie-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (len < 0 || (size_t)len >= sizeof place->dir || !mkdtemp(place->dir)) {
        slk_err_t err = slk_fail_errno(diag, "make a temporary folder", place->dir);
        place->dir[0] = 0;
        return err;
    }
    snprintf(place->path, sizeof place->path, "%s/messages.db", place->dir);
    return SLK_OK;
}

static void drop_place(const place_t *place)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[sizeof place->path + 8];
    if (!*place->dir)
        return;
    for (size_t i = 0; i < SLK_COUNT(ends); i++) {
        snprintf(path, sizeof path, "%s%s", place->path, ends[i]);
        unlink(path);
    }
    rmdir(place->dir);
}

/* --- The row ------------------------------------------------------------------------------- */

static int64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

slk_err_t slk_send_check(const slk_send_use_t *use, slk_diag_t *diag)
{
    slk_bigint_t fee;
    if (use->confidence < 1 || use->confidence > CONFIDENCE_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "--confidence %llu: expected 1 to %d",
                        (unsigned long long)use->confidence, CONFIDENCE_MAX);
    if (!use->wallet.at_node && !use->store)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s needs --store FILE, where a signed message is kept so that it is never "
                        "signed twice",
                        use->wallet.signer ? "a signer" : "--keystore");
    if (!use->max_fee)
        return SLK_OK;
    slk_err_t err = slk_fil_parse(&fee, use->max_fee, diag);
    if (err == SLK_OK && slk_bigint_sign(&fee) <= 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "--max-fee %.60s: expected more than 0", use->max_fee);
    return err;
}

/* The same words of the same sender have the same beginning of a key. */
static slk_err_t content_name(char out[24], const slk_message_want_t *want, slk_diag_t *diag)
{
    slk_message_t message = {.to = want->to,
                             .from = want->from,
                             .value = want->value,
                             .nonce = want->mode,
                             .method = want->method,
                             .params = {.b = want->params, .len = want->params_len}};
    slk_cid_t cid;
    slk_err_t err = slk_message_cid(&cid, &message, diag);
    if (err != SLK_OK)
        return err;
    slk_cid_text_t text = slk_cid_text(&cid);
    snprintf(out, 24, "%s", text.s + strlen(text.s) - 20);
    return SLK_OK;
}

/* An unfinished message that says the same, or a new one. */
static slk_err_t add_row(slk_db_t *db, slk_message_want_t *want, const char *name, int64_t *id,
                         slk_diag_t *diag)
{
    char content[24], key[SLK_MESSAGE_KEY_MAX + 1];
    slk_err_t err = content_name(content, want, diag);
    for (int i = 1; err == SLK_OK && i < SAME_MAX; i++) {
        slk_message_row_t row = {0};
        snprintf(key, sizeof key, "%.60s/%s/%d", name, content, i);
        err = slk_message_find(db, key, &row, diag);
        if (err == SLK_ERR_NOTFOUND) {
            want->key = key;
            return slk_message_add(db, want, unix_ms(), id, diag);
        }
        bool final = slk_message_state_final(row.state);
        *id = row.id;
        slk_message_row_free(&row);
        if (err == SLK_OK && !final)
            return SLK_OK;
    }
    return err != SLK_OK ? err
                         : slk_fail(diag, SLK_ERR_STATE,
                                    "%s has %d messages like this one; use a new database",
                                    slk_db_name(db), SAME_MAX);
}

/* --- Waiting ------------------------------------------------------------------------------- */

typedef struct {
    const slk_send_use_t *use;
    slk_chain_t *chain;
    slk_db_t *db;
    int64_t id;
    double began;
    slk_message_row_t *row;
} wait_t;

/* Nothing is outside, and nobody is sending it at this moment. */
static bool nothing_left(const slk_message_row_t *row)
{
    return row->state == SLK_MESSAGE_QUEUED ||
           (row->state == SLK_MESSAGE_HANDING && !row->uncertain && *row->error &&
            row->retry_ms > unix_ms());
}

/* What to do about a message that is still on its way. */
static slk_err_t where_it_is(const wait_t *wait, slk_err_t err, const char *why, slk_diag_t *diag)
{
    const slk_message_row_t *row = wait->row;
    char again[300] = "";
    if (wait->use->store)
        snprintf(again, sizeof again, "; give the same command again to go on with it");
    else if (slk_cid_defined(&row->cid))
        snprintf(again, sizeof again, "; ask for it with selkie message wait %s",
                 slk_cid_text(&row->cid).s);
    else
        snprintf(again, sizeof again, "; look for it with selkie message pending --from %s",
                 slk_address_text(&row->from, SLK_MAINNET).s);
    return slk_fail(diag, err, "%s: the message is %s (%s)%s", why,
                    slk_message_state_text(row->state), slk_message_state_what(row->state), again);
}

/* Trouble that waiting does not cure: said at once while nothing has left. */
static slk_err_t look_for_trouble(const wait_t *wait, slk_diag_t *diag)
{
    const slk_message_row_t *row = wait->row;
    if (nothing_left(row) && *row->error)
        return slk_fail(diag, SLK_ERR_STATE, "%s", row->error);
    if (row->state == SLK_MESSAGE_SIGNED && row->tries >= PUSHES)
        return where_it_is(wait, SLK_ERR_STATE, row->error, diag);
    if (row->state != SLK_MESSAGE_QUEUED || slk_clock_seconds() < wait->began + NO_NODE_SECONDS)
        return SLK_OK;
    slk_chain_status_t status;
    slk_chain_status(wait->chain, &status);
    const char *trouble = *status.trouble ? status.trouble : status.message_trouble;
    return *trouble ? slk_fail(diag, SLK_ERR_STATE, "%s", trouble) : SLK_OK;
}

static slk_err_t wait_for(const wait_t *wait, slk_diag_t *diag)
{
    slk_message_row_t *row = wait->row;
    const slk_send_use_t *use = wait->use;
    for (;;) {
        slk_message_row_free(row);
        slk_err_t err = slk_message_load(wait->db, wait->id, row, diag);
        if (err != SLK_OK || slk_message_state_final(row->state) ||
            (use->no_wait && row->acknowledged))
            return err;
        err = look_for_trouble(wait, diag);
        if (err != SLK_OK)
            return err;
        if (slk_job_cancelled(use->wallet.use->job))
            return where_it_is(wait, SLK_ERR_CANCELLED, "interrupted", diag);
        if (use->timeout > 0 && slk_clock_seconds() >= wait->began + use->timeout)
            return where_it_is(wait, SLK_ERR_TIMEOUT, "not done in time", diag);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
}

/* Refuse a message of which nothing has left, as the database has it now. */
static slk_err_t refuse_row(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const slk_message_row_t *seen = ctx;
    slk_message_row_t row;
    slk_err_t err = slk_message_load(db, seen->id, &row, diag);
    if (err != SLK_OK)
        return err;
    bool same = row.state == seen->state && row.tries == seen->tries && !row.uncertain;
    if (row.state == SLK_MESSAGE_QUEUED || (same && nothing_left(seen))) {
        row.state = SLK_MESSAGE_REFUSED;
        err = slk_message_save(db, &row, NULL, 0, unix_ms(), diag);
    }
    slk_message_row_free(&row);
    return err;
}

static slk_err_t say_refused(const slk_message_row_t *row, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_STATE, "%s",
                    *row->error ? row->error : slk_message_state_what(row->state));
}

/* --- Sending ------------------------------------------------------------------------------- */

static slk_err_t open_signer(slk_wallet_signer_t *wallet, slk_signer_t *signer,
                             const slk_send_use_t *use, const slk_address_t *from, slk_diag_t *diag)
{
    bool has = false;
    char name[SLK_WALLET_SIGNER_NAME];
    *signer = (slk_signer_t){0};
    if (use->wallet.at_node)
        return SLK_OK;
    slk_err_t err = slk_wallet_signer_open(wallet, &use->wallet, diag);
    if (err != SLK_OK)
        return err;
    *signer = slk_wallet_signer(wallet);
    slk_wallet_signer_name(name, wallet);
    err = slk_signer_has(*signer, from, &has, diag);
    if (err == SLK_OK && !has)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "%s has no key of %s, which has to sign this", name,
                       slk_address_text(from, SLK_MAINNET).s);
    return err;
}

static slk_err_t fill_want(slk_message_want_t *want, const slk_send_use_t *use,
                           const slk_send_call_t *call, slk_diag_t *diag)
{
    *want = (slk_message_want_t){.from = call->from,
                                 .to = call->to,
                                 .value = call->value,
                                 .method = call->method,
                                 .params = call->params.b,
                                 .params_len = call->params.len,
                                 .mode = use->wallet.at_node ? SLK_NODE_NONCE : SLK_OWN_NONCE,
                                 .confidence = (int64_t)use->confidence,
                                 .stuck_epochs = STUCK_EPOCHS};
    return use->max_fee ? slk_fil_parse(&want->max_fee, use->max_fee, diag) : SLK_OK;
}

slk_err_t slk_send_message(const slk_send_use_t *use, const slk_send_call_t *call,
                           slk_message_row_t *row, slk_diag_t *diag)
{
    slk_wallet_signer_t wallet = {0};
    place_t place = {0};
    slk_message_want_t want;
    wait_t wait = {.use = use, .row = row, .began = slk_clock_seconds()};
    slk_chain_opts_t opts = {.api_info = use->wallet.use->api_info, .poll_ms = POLL_MS};
    slk_err_t err = SLK_OK;
    *row = (slk_message_row_t){0};
    SLK_TRY(open_signer(&wallet, &opts.signer, use, &call->from, diag));
    SLK_TRY(make_place(&place, use->store, diag));
    SLK_TRY(fill_want(&want, use, call, diag));
    SLK_TRY(slk_db_open(&wait.db, place.path, diag));
    SLK_TRY(slk_message_migrate(wait.db, diag));
    SLK_TRY(add_row(wait.db, &want, call->name, &wait.id, diag));
    opts.database = place.path;
    SLK_TRY(slk_chain_start(&wait.chain, &opts, diag));
    err = wait_for(&wait, diag);
    slk_chain_stop(wait.chain);
    /* Whoever opens the database next must not send what the user was told had failed. */
    slk_diag_t unused;
    if (err != SLK_OK && err != SLK_ERR_TIMEOUT && err != SLK_ERR_CANCELLED && nothing_left(row) &&
        slk_db_transact(wait.db, refuse_row, row, &unused) != SLK_OK)
        err = slk_fail(diag, err, "%s", unused.text);
    if (err == SLK_OK && (row->state == SLK_MESSAGE_REFUSED || row->state == SLK_MESSAGE_REPLACED))
        err = say_refused(row, diag);
out:
    slk_db_close(wait.db);
    drop_place(&place);
    slk_wallet_signer_close(&wallet);
    return err;
}

/* --- Results ------------------------------------------------------------------------------- */

static json_t *hex_json(const void *bytes, size_t len)
{
    char *hex = malloc(2 * len + 1);
    if (!hex)
        return json_string("");
    slk_hex_encode(hex, bytes, len);
    json_t *json = json_string(hex);
    free(hex);
    return json;
}

static json_t *fil_json(const slk_bigint_t *atto)
{
    char text[SLK_FIL_TEXT_SZ];
    slk_fil_format(text, atto);
    return json_string(text);
}

json_t *slk_send_json(const slk_send_call_t *call, slk_network_t network)
{
    json_t *json = json_object();
    slk_json_set(json, "sent", json_false());
    slk_json_set(json, "method", json_string(call->name));
    slk_json_set(json, "method_number", json_integer((json_int_t)call->method));
    slk_json_set(json, "from", json_string(slk_address_text(&call->from, network).s));
    slk_json_set(json, "to", json_string(slk_address_text(&call->to, network).s));
    slk_json_set(json, "value", fil_json(&call->value));
    slk_json_set(json, "params", hex_json(call->params.b, call->params.len));
    return json;
}

void slk_send_add_row(json_t *json, const slk_message_row_t *row)
{
    bool landed = slk_cid_defined(&row->landed_cid);
    const slk_cid_t *cid = landed ? &row->landed_cid : &row->cid;
    slk_json_set(json, "sent", json_true());
    slk_json_set(json, "cid", json_string(slk_cid_text(cid).s));
    slk_json_set(json, "state", json_string(slk_message_state_text(row->state)));
    if (!landed)
        return;
    slk_json_set(json, "height", json_integer(row->landed_height));
    slk_json_set(json, "gas_used", json_integer(row->gas_used));
    slk_json_set(json, "exit_code", json_integer(row->exit_code));
    slk_json_set(json, "exit", json_string(slk_exit_text(row->exit_code)));
}

slk_err_t slk_send_estimate(slk_node_talk_t *talk, const slk_send_call_t *call, json_t *json,
                            slk_diag_t *diag)
{
    slk_message_t answer, message = {.to = call->to,
                                     .from = call->from,
                                     .value = call->value,
                                     .method = call->method,
                                     .params = call->params};
    slk_err_t err = slk_api_GasEstimateMessageGas(&talk->api, &message, NULL, NULL, &talk->arena,
                                                  &answer, diag);
    if (err != SLK_OK)
        return err;
    slk_gas_t gas = {.gas_limit = answer.gas_limit, .fee_cap = answer.gas_fee_cap};
    slk_bigint_t cost = slk_gas_max_cost(&gas);
    slk_json_set(json, "gas_limit", json_integer(answer.gas_limit));
    slk_json_set(json, "cost", fil_json(&cost));
    slk_json_set(json, "note", json_string("pass --really-do-it to send it"));
    return SLK_OK;
}
