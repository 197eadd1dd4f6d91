#include "manager/api.h"

#include "base/assert.h"
#include "codec/bitfield.h"
#include "manager/intake.h"
#include "manager/runner_impl.h"
#include "manager/sector/numbers.h"
#include "net/http_client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What operators change: pledges, pieces, events, numbers, batches. */

#define ARENA_MAX ((size_t)64 << 20)

/* --- Pledge ------------------------------------------------------------------------------------------ */

static json_t *pledge_many(slk_manager_t *m, slk_rpc_call_t *call, uint64_t miner, uint64_t cnt)
{
    slk_diag_t diag = {0};
    json_t *list = NULL;
    if (!cnt || cnt > SLK_PLEDGE_MAX) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "expected 1 to %u sectors at a time, found %" PRIu64,
                     SLK_PLEDGE_MAX, cnt);
        return NULL;
    }
    uint64_t *numbers = calloc((size_t)cnt, sizeof *numbers);
    slk_err_t err = numbers ? slk_manager_pledge(m, miner, (size_t)cnt, numbers, &diag)
                            : slk_fail(&diag, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK) {
        list = json_array();
        for (uint64_t i = 0; i < cnt; i++)
            json_array_append_new(list, json_integer((json_int_t)numbers[i]));
    } else {
        slk_api_fail(call, err, &diag);
    }
    free(numbers);
    return list;
}

void slk_manager_rpc_pledge(slk_rpc_call_t *call, void *ctx)
{
    uint64_t cnt, miner;
    if (!slk_api_number(call, 0, &cnt) || !slk_api_miner(ctx, call, 1, &miner))
        return;
    json_t *list = pledge_many(ctx, call, miner, cnt);
    if (list)
        slk_rpc_answer(call, json_pack("{s:o, s:I}", "sectors", list, "miner", (json_int_t)miner));
}

void slk_manager_rpc_pledge_sector(slk_rpc_call_t *call, void *ctx)
{
    uint64_t miner;
    if (!slk_api_miner(ctx, call, 0, &miner))
        return;
    json_t *list = pledge_many(ctx, call, miner, 1);
    if (list)
        slk_rpc_answer(call, json_pack("{s:I, s:O}", "Miner", (json_int_t)miner, "Number",
                                       json_array_get(list, 0)));
    json_decref(list);
}

/* --- Pieces ------------------------------------------------------------------------------------------- */

typedef struct {
    const char *source;
    uint64_t padded, miner;
    bool keep_unsealed;
} piece_want_t;

static slk_err_t write_sink(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    const int *fd = ctx;
    const char *from = bytes;
    while (len) {
        ssize_t wrote = write(*fd, from, len);
        if (wrote < 0)
            return slk_fail_errno(diag, "write", "the piece store");
        from += wrote;
        len -= (size_t)wrote;
    }
    return SLK_OK;
}

/* An unnamed file of the store's folder with what the URL gives. */
static slk_err_t download(int *fd, const char *dir, const char *url, slk_diag_t *diag)
{
    slk_http_client_t *client = NULL;
    slk_http_answer_t answer = {0};
    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0)
        return slk_fail_errno(diag, "create a file in", dir);
    slk_err_t err = slk_http_client_new(&client, &(slk_http_client_opts_t){0}, diag);
    const slk_http_call_t call = {
        .method = "GET", .url = url, .repeatable = true, .sink = write_sink, .sink_ctx = fd};
    if (err == SLK_OK)
        err = slk_http_do(client, &call, &answer, diag);
    if (err == SLK_OK && answer.status != 200)
        err = slk_fail(diag, SLK_ERR_IO, "%.200s: HTTP status %d", url, answer.status);
    if (err == SLK_OK && lseek(*fd, 0, SEEK_SET) != 0)
        err = slk_fail_errno(diag, "read", url);
    slk_http_answer_free(&answer);
    slk_http_client_free(client);
    return err;
}

static slk_err_t open_source(int *fd, slk_manager_t *m, const char *source, slk_diag_t *diag)
{
    *fd = -1;
    if (!strncmp(source, "http://", 7) || !strncmp(source, "https://", 8))
        return download(fd, m->pieces, source, diag);
    if (*source != '/')
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%.200s: expected an absolute path on the manager's machine, or a URL",
                        source);
    *fd = open(source, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? slk_fail_errno(diag, "open", source) : SLK_OK;
}

static slk_err_t put_piece(slk_manager_t *m, const piece_want_t *want, json_t **answer,
                           slk_diag_t *diag)
{
    slk_err_t err;
    int fd = -1;
    slk_db_t *db = NULL;
    slk_arena_t arena;
    slk_intake_t intake;
    slk_stored_piece_t piece;
    slk_miner_config_t config;
    char source[512];
    uint64_t number;
    const slk_api_t api = slk_manager_node(m);
    slk_arena_init(&arena, ARENA_MAX);
    if (!slk_manager_miner(m, want->miner, &config)) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "miner f0%" PRIu64 " is not in the configuration",
                       want->miner);
        goto out;
    }
    SLK_TRY(slk_intake_begin(&intake, &api, &config, &arena, diag));
    SLK_TRY(open_source(&fd, m, want->source, diag));
    SLK_TRY(slk_pieces_put(&piece, m->pieces, fd, want->source, want->padded, NULL, diag));
    /* Workers read it from the manager by whatever address they know it. */
    snprintf(source, sizeof source, "manager:/piecestore/%s", piece.cid);
    SLK_TRY(slk_db_open(&db, m->database, diag));
    SLK_TRY(slk_intake_piece(db, &intake, &piece, source, want->keep_unsealed, slk_runner_now(),
                             &number, diag));
    slk_runner_wake(m->runner);
    *answer = json_pack("{s:I, s:I, s:s, s:I, s:I}", "sector", (json_int_t)number, "miner",
                        (json_int_t)want->miner, "piece_cid", piece.cid, "piece_size",
                        (json_int_t)piece.piece.padded, "raw_size", (json_int_t)piece.raw);
out:
    if (fd >= 0)
        close(fd);
    slk_db_close(db);
    slk_arena_free(&arena);
    return err;
}

void slk_manager_rpc_add_piece(slk_rpc_call_t *call, void *ctx)
{
    slk_diag_t diag = {0};
    json_t *answer = NULL;
    const json_t *param = slk_rpc_param(call, 0), *miner = json_object_get(param, "Miner");
    piece_want_t want = {
        .source = json_string_value(json_object_get(param, "Source")),
        .padded = (uint64_t)json_integer_value(json_object_get(param, "Size")),
        .keep_unsealed = json_is_true(json_object_get(param, "KeepUnsealed")),
    };
    if (!want.source) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "Source: expected a path or a URL");
        return;
    }
    if (json_is_integer(miner))
        want.miner = (uint64_t)json_integer_value(miner);
    else if (!slk_api_miner(ctx, call, 1, &want.miner))
        return;
    slk_err_t err = put_piece(ctx, &want, &answer, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, answer);
    else
        slk_api_fail(call, err, &diag);
}

/* --- Events from a person -------------------------------------------------------------------------------- */

static void send_event(slk_manager_t *m, slk_rpc_call_t *call, const slk_event_t *event, bool lotus)
{
    uint64_t miner, number;
    slk_sector_outcome_t outcome;
    if (!slk_api_number(call, 0, &number) || !slk_api_miner(m, call, lotus ? 9 : 1, &miner) ||
        !slk_api_event(m, call, miner, number, event, &outcome))
        return;
    slk_rpc_answer(call, lotus ? json_null()
                               : json_pack("{s:I, s:s}", "sector", (json_int_t)number, "state",
                                           slk_sector_state_name(outcome.to)));
}

static void force_state(slk_manager_t *m, slk_rpc_call_t *call, size_t param, bool lotus)
{
    slk_event_t event = {.type = SLK_EVENT_FORCE_STATE, .text = "asked for by an operator"};
    const char *name = slk_api_word(call, param);
    if (!name)
        return;
    if (!*name || !slk_sector_state_from_name(&event.state, name)) {
        slk_rpc_fail(call, SLK_RPC_ERROR,
                     "%.60s: no such state; they are named as in Lotus, PreCommit1, Proving", name);
        return;
    }
    send_event(m, call, &event, lotus);
}

void slk_manager_rpc_update_state(slk_rpc_call_t *call, void *ctx)
{
    force_state(ctx, call, 2, false);
}

void slk_manager_rpc_lotus_update(slk_rpc_call_t *call, void *ctx)
{
    force_state(ctx, call, 1, true);
}

#define SEND(name, what, is_lotus)                                                                 \
    void slk_manager_rpc_##name(slk_rpc_call_t *call, void *ctx)                                   \
    {                                                                                              \
        send_event(ctx, call,                                                                      \
                   &(slk_event_t){.type = SLK_EVENT_##what, .text = "asked for by an operator"},   \
                   is_lotus);                                                                      \
    }
SEND(remove, REMOVE, false)
SEND(terminate, TERMINATE, false)
SEND(seal, START_PACKING, false)
SEND(lotus_remove, REMOVE, true)
SEND(lotus_terminate, TERMINATE, true)
SEND(lotus_start, START_PACKING, true)

/* --- Numbers ------------------------------------------------------------------------------------------- */

/* [[from, to], ...], both ends included, from run lengths. */
static json_t *ranges_json(const slk_bitfield_t *bits)
{
    json_t *list = json_array();
    for (size_t i = 0; i < bits->run_cnt; i++)
        json_array_append_new(list, json_pack("[I, I]", (json_int_t)bits->runs[i].start,
                                              (json_int_t)(bits->runs[i].end - 1)));
    return list;
}

typedef struct {
    uint64_t miner, min, cnt;
    const char *verb, *name;
    slk_bitfield_t chain;
    slk_arena_t *arena;
    json_t *answer;
} numbers_t;

static slk_err_t numbers_meta(slk_db_t *db, numbers_t *n, slk_diag_t *diag)
{
    slk_err_t err;
    slk_numbers_meta_t meta;
    slk_number_reservation_t *rows;
    size_t cnt;
    SLK_TRY(slk_numbers_meta(db, n->miner, n->min, &n->chain, n->arena, &meta, diag));
    SLK_TRY(slk_numbers_reservations(db, n->miner, n->arena, &rows, &cnt, diag));
    json_t *reserved = json_object();
    for (size_t i = 0; i < cnt; i++)
        json_object_set_new(reserved, rows[i].name, ranges_json(&rows[i].numbers));
    json_decref(n->answer);
    n->answer = json_pack("{s:I, s:o, s:o, s:o}", "next", (json_int_t)meta.next, "allocated",
                          ranges_json(&meta.allocated), "in_use", ranges_json(&meta.in_use),
                          "reserved", reserved);
out:
    return err;
}

static slk_err_t numbers_do(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    numbers_t *n = ctx;
    slk_bitfield_t made;
    slk_err_t err = SLK_OK;
    if (!strcmp(n->verb, "reserve"))
        err = slk_numbers_reserve_count(db, n->miner, n->name, n->min, n->cnt, &n->chain, n->arena,
                                        &made, diag);
    else if (!strcmp(n->verb, "free"))
        err = slk_numbers_free(db, n->miner, n->name, diag);
    else if (strcmp(n->verb, "info") != 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "%.60s: expected info, reserve or free", n->verb);
    return err == SLK_OK ? numbers_meta(db, n, diag) : err;
}

void slk_manager_rpc_numbers(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    slk_api_bitfield_t chain;
    slk_miner_config_t config;
    const slk_api_t api = slk_manager_node(m);
    numbers_t n = {.arena = &arena};
    n.verb = slk_api_word(call, 0);
    n.name = n.verb ? slk_api_word(call, 1) : NULL;
    if (!n.name || !slk_api_number(call, 2, &n.cnt) || !slk_api_miner(m, call, 3, &n.miner))
        return;
    if (slk_manager_miner(m, n.miner, &config))
        n.min = config.min_number;
    slk_arena_init(&arena, ARENA_MAX);
    const slk_address_t miner = slk_address_id(n.miner);
    SLK_TRY(slk_api_StateMinerAllocated(&api, &miner, NULL, &arena, &chain, &diag));
    n.chain = chain.v;
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    SLK_TRY(slk_db_transact(db, numbers_do, &n, &diag));
    slk_rpc_answer(call, json_incref(n.answer));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(n.answer);
    slk_db_close(db);
    slk_arena_free(&arena);
}

/* --- Batches -------------------------------------------------------------------------------------------- */

static const char *const kind_words[SLK_BATCH_CNT] = {
    [SLK_BATCH_PRE_COMMIT] = "precommit",
    [SLK_BATCH_COMMIT] = "commit",
    [SLK_BATCH_TERMINATE] = "terminate",
};

static slk_err_t candidates(slk_db_t *db, uint64_t miner, slk_batch_kind_t kind, json_t *list,
                            slk_diag_t *diag)
{
    slk_sector_filter_t filter = {.miner = miner, .candidates = true, .batch = (int)kind};
    size_t cnt = 0;
    slk_sector_row_t *rows = calloc(4096, sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = slk_sector_list(db, &filter, NULL, 4096, NULL, rows, &cnt, diag);
    for (size_t i = 0; i < cnt && err == SLK_OK; i++)
        json_array_append_new(list, json_integer((json_int_t)rows[i].number));
    free(rows);
    return err;
}

void slk_manager_rpc_batching(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err = SLK_OK;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    uint64_t miners[SLK_CONFIG_MINERS_MAX], only;
    json_t *list = json_array();
    const char *flush = slk_api_word(call, 0);
    size_t cnt = slk_manager_miners(m, miners, SLK_CONFIG_MINERS_MAX);
    if (!flush)
        goto out;
    if (json_is_integer(slk_rpc_param(call, 1))) {
        if (!slk_api_number(call, 1, &only))
            goto out;
        miners[0] = only;
        cnt = 1;
    }
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    for (size_t i = 0; i < cnt; i++)
        for (slk_batch_kind_t kind = 0; kind < SLK_BATCH_CNT; kind++) {
            char why[512];
            json_t *numbers = json_array();
            SLK_TRY(candidates(db, miners[i], kind, numbers, &diag));
            bool sends = !strcmp(flush, kind_words[kind]) && json_array_size(numbers);
            if (sends)
                slk_runner_flush(m->runner, miners[i], kind);
            slk_runner_batch_why(m->runner, miners[i], kind, why, sizeof why);
            if (!json_array_size(numbers)) {
                json_decref(numbers);
                continue;
            }
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:o, s:s}", "kind", kind_words[kind],
                                            "miner", (json_int_t)miners[i], "sectors", numbers,
                                            "why", sends ? "is being sent now" : why));
        }
    slk_rpc_answer(call, json_incref(list));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(list);
    slk_db_close(db);
}

/* Lotus: [{"Miner","Number"}] of the first miner. */
static void pending(slk_manager_t *m, slk_rpc_call_t *call, slk_batch_kind_t kind)
{
    slk_err_t err;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    uint64_t miner;
    size_t i;
    json_t *number, *numbers = json_array(), *list = json_array();
    if (!slk_api_miner(m, call, 0, &miner)) {
        err = SLK_OK;
        goto out;
    }
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    SLK_TRY(candidates(db, miner, kind, numbers, &diag));
    json_array_foreach(numbers, i, number) json_array_append_new(
        list, json_pack("{s:I, s:O}", "Miner", (json_int_t)miner, "Number", number));
    slk_rpc_answer(call, json_incref(list));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(numbers);
    json_decref(list);
    slk_db_close(db);
}

void slk_manager_rpc_pending_pre_commit(slk_rpc_call_t *call, void *ctx)
{
    pending(ctx, call, SLK_BATCH_PRE_COMMIT);
}

void slk_manager_rpc_pending_commit(slk_rpc_call_t *call, void *ctx)
{
    pending(ctx, call, SLK_BATCH_COMMIT);
}

void slk_manager_rpc_pending_terminate(slk_rpc_call_t *call, void *ctx)
{
    pending(ctx, call, SLK_BATCH_TERMINATE);
}
