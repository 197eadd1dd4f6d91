#include "manager/api.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "manager/intake.h"
#include "manager/runner_impl.h"
#include "manager/sector/numbers.h"
#include "manager/storage/storage_index.h"
#include "net/http_client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE          512
#define REAL_BLOCK_MS 30000 /* of real networks */
#define LOG_MAX       8200
#define ARENA_MAX     ((size_t)256 << 20)

/* --- Words ------------------------------------------------------------------------------------------ */

static json_t *cid_json(const slk_cid_t *cid)
{
    return cid->len ? json_string(slk_cid_text(cid).s) : json_null();
}

/* The 32 bytes that a commitment's CID ends with, in hex as the command line has them. */
static json_t *comm_json(const slk_cid_t *cid)
{
    slk_node_t node;
    char text[SLK_CID_STR_SZ];
    slk_diag_t ignored;
    if (!cid->len)
        return json_null();
    snprintf(text, sizeof text, "%s", slk_cid_text(cid).s);
    if (slk_cid_parse(&node, SLK_CID_SEALED, text, &ignored) != SLK_OK &&
        slk_cid_parse(&node, SLK_CID_UNSEALED, text, &ignored) != SLK_OK)
        return json_string(text);
    return json_string(slk_node_hex(&node).s);
}

static json_t *randomness_json(const slk_node_t *value, int64_t epoch)
{
    return epoch
               ? json_pack("{s:s, s:I}", "value", slk_node_hex(value).s, "epoch", (json_int_t)epoch)
               : json_null();
}

static bool has_data(const slk_sector_piece_t *piece)
{
    return piece->deal_info;
}

static size_t data_pieces(const slk_sector_info_t *info)
{
    size_t cnt = info->assigned.count;
    for (size_t i = 0; i < info->pieces.count; i++)
        cnt += has_data(&info->pieces.items[i]);
    return cnt;
}

static json_t *pieces_json(const slk_sector_piece_list_t *pieces, bool written)
{
    json_t *list = json_array();
    for (size_t i = 0; i < pieces->count; i++) {
        const slk_sector_piece_t *piece = &pieces->items[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:b, s:b}", "cid",
                                              cid_json(&piece->piece.piece_cid), "size",
                                              (json_int_t)piece->piece.size, "data",
                                              has_data(piece), "written", written));
    }
    return list;
}

/* --- What a sector waits for ---------------------------------------------------------------------------- */

/* What is told of the chain is old while no node answers. */
static void say_chain_is_away(slk_manager_t *m, const slk_sector_row_t *row, char *out, size_t cap)
{
    char why[512];
    slk_chain_status_t status;
    const slk_state_class_t class = slk_sector_state_class(row->state);
    slk_chain_status(m->chain, &status);
    if (status.following || class == SLK_CLASS_PROVING || row->state == SLK_STATE_REMOVED)
        return;
    snprintf(why, sizeof why, "%s", out);
    snprintf(out, cap, "the chain cannot be asked, it is tried again: %.300s%s%s",
             *status.trouble ? status.trouble : "no node answers", *why ? "; before: " : "", why);
}

/* The message that a state waits for; NULL: none. */
static const slk_bytes_t *awaited_message(const slk_sector_row_t *row)
{
    switch ((int)row->state) {
    case SLK_STATE_PRE_COMMIT_WAIT:
    case SLK_STATE_PRE_COMMIT_BATCH_WAIT:
        return &row->info->pre_commit_key;
    case SLK_STATE_COMMIT_WAIT:
    case SLK_STATE_COMMIT_AGGREGATE_WAIT:
        return &row->info->commit_key;
    case SLK_STATE_TERMINATE_WAIT:
        return &row->info->terminate_key;
    default:
        return NULL;
    }
}

/* How the message is now, which the sector is told only when it ended. */
static void say_message(const slk_manager_t *m, slk_db_t *db, const slk_sector_row_t *row,
                        char *out, size_t cap)
{
    slk_diag_t ignored;
    slk_message_row_t message = {0};
    char key[SLK_MESSAGE_KEY_MAX + 1];
    const slk_bytes_t *awaited = row->info ? awaited_message(row) : NULL;
    if (!awaited || !awaited->len || awaited->len >= sizeof key)
        return;
    snprintf(key, sizeof key, "%.*s", (int)awaited->len, (const char *)awaited->b);
    if (slk_message_find(db, key, &message, &ignored) != SLK_OK)
        return;
    if (message.state == SLK_MESSAGE_LANDED)
        snprintf(out, cap,
                 "its message landed at epoch %" PRId64 " with exit code %" PRId64
                 "; sure at epoch %" PRId64,
                 message.landed_height, message.exit_code,
                 message.landed_height + message.confidence);
    else
        snprintf(out, cap, "its message is %s: %s%s%s%.300s", slk_message_state_text(message.state),
                 slk_message_state_what(message.state),
                 message.at_limit ? ", its fee is at its limit" : "", *message.error ? "; " : "",
                 message.error);
    size_t len = strlen(out);
    if (message.at_limit || strstr(message.error, "fee cap too low"))
        snprintf(out + len, cap - len,
                 "; `selkie message replace --store %s --max-fee FIL %s` lets it cost more",
                 m->database, key);
    slk_message_row_free(&message);
}

/* One sentence: of a job, what its worker does or why none has it; of a batch, when it goes. */
static void waiting_for(slk_manager_t *m, slk_db_t *db, const slk_sector_row_t *row, char *out,
                        size_t cap)
{
    slk_job_view_t job = {0};
    slk_diag_t ignored;
    char why[512];
    snprintf(out, cap, "%s", row->why);
    if (row->batch != SLK_SECTOR_NO_BATCH) {
        slk_runner_batch_why(m->runner, row->miner, (slk_batch_kind_t)row->batch, why, sizeof why);
        if (*why)
            snprintf(out, cap, "%s", why);
    }
    if (!*row->wait_job || slk_job_find(db, row->wait_job, &job, &ignored) != SLK_OK) {
        say_message(m, db, row, out, cap);
        say_chain_is_away(m, row, out, cap);
        return;
    }
    const char *task = slk_tasks[job.task].name;
    if (job.state == SLK_JOB_RUNNING && job.total)
        snprintf(out, cap, "%s at %s: %s, %" PRIu64 " %%", task, job.worker, job.stage,
                 job.done * 100 / job.total);
    else if (job.state == SLK_JOB_RUNNING)
        snprintf(out, cap, "%s at %s%s%s", task, job.worker, *job.stage ? ": " : "", job.stage);
    else if (job.state == SLK_JOB_QUEUED) {
        slk_dispatch_why(m->dispatch, job.id, why, sizeof why);
        snprintf(out, cap, "%s waits for a worker: %s", task, *why ? why : "about to be given out");
    }
    json_decref(job.result);
}

/* A node that is away is not asked: each question would take its time-out, for every row of a list. */
static bool is_following(slk_manager_t *m)
{
    slk_chain_status_t status;
    slk_chain_status(m->chain, &status);
    return status.following;
}

/* How long an epoch takes: asked once. */
static int64_t block_ms(slk_manager_t *m)
{
    int64_t ms = atomic_load(&m->block_ms);
    slk_arena_t arena;
    slk_diag_t ignored;
    slk_api_network_params_t params;
    const slk_api_t api = slk_manager_node(m);
    if (ms || !is_following(m))
        return ms ? ms : REAL_BLOCK_MS;
    slk_arena_init(&arena, (size_t)1 << 20);
    if (slk_api_StateGetNetworkParams(&api, &arena, &params, &ignored) == SLK_OK) {
        ms = params.block_delay_secs ? (int64_t)params.block_delay_secs * 1000 : 1000;
        atomic_store(&m->block_ms, ms);
    }
    slk_arena_free(&arena);
    return ms ? ms : REAL_BLOCK_MS;
}

static json_t *eta_json(slk_manager_t *m, slk_db_t *db, const slk_sector_row_t *row)
{
    int64_t seconds;
    return slk_sector_eta(db, row, row->info->sector_type, block_ms(m), slk_runner_now(), &seconds)
               ? json_integer((json_int_t)seconds)
               : json_null();
}

/* --- The chain's view of all sectors ----------------------------------------------------------------------- */

/* Of one miner: numbers to expirations, and which are active. Not known where the node did not answer. */
typedef struct {
    uint64_t miner;
    bool known, active_known;
    slk_api_sectors_t all, active;
} on_chain_t;

/* only NULL: of all sectors. Otherwise of these alone, and not which are active: a node has no answer to that
 * which would be shorter than all. */
static void ask_chain(slk_manager_t *m, on_chain_t *chain, uint64_t miner,
                      const slk_bitfield_t *only, slk_arena_t *arena)
{
    slk_diag_t ignored;
    const slk_api_t api = slk_manager_node(m);
    const slk_address_t address = slk_address_id(miner);
    *chain = (on_chain_t){.miner = miner};
    chain->known = is_following(m) && slk_api_StateMinerSectors(&api, &address, only, NULL, arena,
                                                                &chain->all, &ignored) == SLK_OK;
    chain->active_known = chain->known && !only &&
                          slk_api_StateMinerActiveSectors(&api, &address, NULL, arena,
                                                          &chain->active, &ignored) == SLK_OK;
}

/* The node gives them in ascending order. */
static const slk_sector_on_chain_info_t *find_sector(const slk_api_sectors_t *list, uint64_t number)
{
    size_t from = 0, to = list->v.count;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (list->v.items[mid].sector_number < number)
            from = mid + 1;
        else
            to = mid;
    }
    return from < list->v.count && list->v.items[from].sector_number == number
               ? &list->v.items[from]
               : NULL;
}

/* --- List ------------------------------------------------------------------------------------------------- */

static json_t *row_json(slk_manager_t *m, slk_db_t *db, const slk_sector_row_t *row,
                        const on_chain_t *chain)
{
    char why[1024];
    waiting_for(m, db, row, why, sizeof why);
    const slk_sector_on_chain_info_t *info =
        chain->known ? find_sector(&chain->all, row->number) : NULL;
    json_t *expiration = info ? json_integer((json_int_t)info->expiration) : json_null();
    json_t *on_chain = chain->known ? json_boolean(info) : json_null();
    json_t *active =
        chain->active_known ? json_boolean(find_sector(&chain->active, row->number)) : json_null();
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "sector",
                     (json_int_t)row->number, "miner", (json_int_t)row->miner, "state",
                     slk_sector_state_name(row->state), "on_chain", on_chain, "active", active,
                     "expiration", expiration, "deals", (json_int_t)data_pieces(row->info),
                     "comm_r", comm_json(&row->info->comm_r), "waiting_for", slk_api_text(why),
                     "eta_seconds", eta_json(m, db, row));
}

/* Which sectors are asked for: all that the filter lets through, or a page of them. */
typedef struct {
    slk_sector_filter_t filter;
    bool paged, behind; /* after, max count */
    slk_sector_ref_t after;
    size_t max;
} selection_t;

static bool read_classes(slk_rpc_call_t *call, const json_t *names, slk_sector_filter_t *filter)
{
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        slk_state_class_t class = 0;
        const char *text = json_is_string(name) ? json_string_value(name) : "?";
        while (class < SLK_CLASS_CNT && strcmp(text, slk_state_class_name(class)) != 0)
            class ++;
        if (class == SLK_CLASS_CNT) {
            slk_rpc_fail(call, SLK_RPC_ERROR,
                         "%.60s: expected staging, sealing, proving, failed or ending", text);
            return false;
        }
        slk_sector_filter_class(filter, class);
    }
    return true;
}

static bool read_page(slk_rpc_call_t *call, const json_t *want, selection_t *sel)
{
    const json_t *max = json_object_get(want, "Max"), *after = json_object_get(want, "After");
    const json_t *miner = json_object_get(after, "Miner"),
                 *number = json_object_get(after, "Number");
    sel->paged = max && !json_is_null(max);
    sel->behind = after && !json_is_null(after);
    sel->max = json_is_integer(max) && json_integer_value(max) > 0 &&
                       json_integer_value(max) <= (json_int_t)PAGE
                   ? (size_t)json_integer_value(max)
                   : 0;
    if (sel->paged && !sel->max) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "Max: expected 1 to %d", PAGE);
        return false;
    }
    if (!sel->behind)
        return true;
    if (!sel->paged || !json_is_integer(miner) || !json_is_integer(number)) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "After: expected {Miner, Number}, together with Max");
        return false;
    }
    sel->after = (slk_sector_ref_t){(uint64_t)json_integer_value(miner),
                                    (uint64_t)json_integer_value(number)};
    return true;
}

static bool read_selection(slk_rpc_call_t *call, selection_t *sel)
{
    size_t i;
    json_t *name;
    const json_t *want = slk_rpc_param(call, 0);
    const json_t *miner = json_object_get(want, "Miner");
    slk_sector_filter_t *filter = &sel->filter;
    *filter = slk_sector_filter_all();
    if (json_is_integer(miner))
        filter->miner = (uint64_t)json_integer_value(miner);
    if (!read_page(call, want, sel) ||
        !read_classes(call, json_object_get(want, "Classes"), filter))
        return false;
    json_array_foreach(json_object_get(want, "States"), i, name)
    {
        slk_sector_state_t state;
        const char *text = json_string_value(name);
        if (!text || !slk_sector_state_from_name(&state, text)) {
            slk_rpc_fail(call, SLK_RPC_ERROR,
                         "%.60s: no such state; they are named as in Lotus, PreCommit1, Proving",
                         text ? text : "?");
            return false;
        }
        filter->states[state] = true;
    }
    return true;
}

/* Pages of rows, each with an arena of its own; `each` false: stop. */
static slk_err_t walk(slk_db_t *db, const slk_sector_filter_t *filter, bool with_info,
                      bool (*each)(void *ctx, const slk_sector_row_t *row), void *ctx,
                      slk_diag_t *diag)
{
    slk_err_t err;
    slk_sector_ref_t after;
    bool first = true;
    slk_arena_t arena;
    slk_arena_init(&arena, ARENA_MAX);
    slk_sector_row_t *rows = calloc(PAGE, sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t cnt = PAGE; cnt == PAGE;) {
        slk_arena_free(&arena);
        SLK_TRY(slk_sector_list(db, filter, first ? NULL : &after, PAGE, with_info ? &arena : NULL,
                                rows, &cnt, diag));
        for (size_t i = 0; i < cnt; i++)
            if (!each(ctx, &rows[i]))
                goto out;
        if (cnt)
            after = (slk_sector_ref_t){rows[cnt - 1].miner, rows[cnt - 1].number};
        first = false;
    }
out:
    slk_arena_free(&arena);
    free(rows);
    return err;
}

typedef struct {
    slk_manager_t *m;
    slk_db_t *db;
    json_t *list;
    on_chain_t chain;
    slk_arena_t arena; /* of the chain's answers */
} list_t;

static bool add_row(void *ctx, const slk_sector_row_t *row)
{
    list_t *list = ctx;
    if (row->miner != list->chain.miner) {
        slk_arena_free(&list->arena);
        ask_chain(list->m, &list->chain, row->miner, NULL, &list->arena);
    }
    json_array_append_new(list->list, row_json(list->m, list->db, row, &list->chain));
    return true;
}

/* One page: its rows first, since what is asked of the chain is about them alone. */
static slk_err_t add_page(list_t *list, const selection_t *sel, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    size_t cnt = 0;
    uint64_t *numbers = calloc(sel->max, sizeof *numbers);
    slk_sector_row_t *rows = calloc(sel->max, sizeof *rows);
    slk_arena_init(&arena, ARENA_MAX);
    if (!rows || !numbers) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(slk_sector_list(list->db, &sel->filter, sel->behind ? &sel->after : NULL, sel->max,
                            &arena, rows, &cnt, diag));
    for (size_t i = 0, from = 0; i < cnt; i++) {
        slk_bitfield_t only;
        numbers[i - from] = rows[i].number;
        if (i + 1 < cnt && rows[i + 1].miner == rows[i].miner)
            continue;
        slk_arena_free(&list->arena);
        err = slk_bitfield_from_bits(&only, numbers, i + 1 - from, &list->arena);
        if (err != SLK_OK) {
            slk_fail(diag, err, "%s", slk_err_text(err));
            goto out;
        }
        ask_chain(list->m, &list->chain, rows[i].miner, &only, &list->arena);
        for (; from <= i; from++)
            json_array_append_new(list->list,
                                  row_json(list->m, list->db, &rows[from], &list->chain));
    }
out:
    slk_arena_free(&arena);
    free(rows);
    free(numbers);
    return err;
}

void slk_manager_rpc_sectors_list(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_diag_t diag = {0};
    selection_t sel = {0};
    list_t list = {.m = ctx, .chain = {.miner = UINT64_MAX}};
    if (!read_selection(call, &sel))
        return;
    slk_arena_init(&list.arena, (size_t)2 << 30);
    list.list = json_array();
    SLK_TRY(slk_db_open(&list.db, list.m->database, &diag));
    if (sel.paged)
        SLK_TRY(add_page(&list, &sel, &diag));
    else
        SLK_TRY(walk(list.db, &sel.filter, true, add_row, &list, &diag));
    slk_rpc_answer(call, json_incref(list.list));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    slk_db_close(list.db);
    json_decref(list.list);
    slk_arena_free(&list.arena);
}

static bool add_number(void *ctx, const slk_sector_row_t *row)
{
    json_array_append_new(ctx, json_integer((json_int_t)row->number));
    return true;
}

/* Lotus: numbers of the first miner, all or in states. */
void slk_manager_rpc_sector_numbers(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_sector_filter_t filter = {0};
    size_t i;
    json_t *name, *list;
    if (!slk_api_miner(m, call, 1, &filter.miner))
        return;
    list = json_array();
    json_array_foreach(slk_rpc_param(call, 0), i, name)
    {
        slk_sector_state_t state;
        const char *text = json_string_value(name);
        if (text && slk_sector_state_from_name(&state, text))
            filter.states[state] = true;
    }
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    SLK_TRY(walk(db, &filter, false, add_number, list, &diag));
    slk_rpc_answer(call, json_incref(list));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(list);
    slk_db_close(db);
}

static json_t *counts_json(slk_db_t *db, uint64_t miner, slk_err_t *err, slk_diag_t *diag)
{
    uint64_t counts[SLK_STATE_CNT];
    json_t *object = json_object();
    *err = slk_sector_counts(db, miner, counts, diag);
    for (slk_sector_state_t s = 0; s < SLK_STATE_CNT && *err == SLK_OK; s++)
        if (counts[s])
            json_object_set_new(object, slk_sector_state_name(s),
                                json_integer((json_int_t)counts[s]));
    return object;
}

void slk_manager_rpc_sector_summary(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    json_t *counts = NULL;
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    counts = counts_json(db, SLK_SECTOR_ANY_MINER, &err, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, json_incref(counts));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(counts);
    slk_db_close(db);
}

/* --- Status ----------------------------------------------------------------------------------------------- */

/* None while the index does not answer. */
static json_t *files_json(slk_manager_t *m, slk_db_t *db, uint64_t miner, uint64_t number)
{
    slk_err_t err;
    slk_diag_t ignored;
    json_t *list = slk_api_files(m, db, &(slk_sector_id_t){miner, number}, &err, &ignored);
    return list ? list : json_array();
}

static json_t *log_json(slk_db_t *db, const slk_sector_row_t *row, slk_err_t *err, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_sector_log_t *entries;
    size_t cnt = 0;
    json_t *list = json_array();
    slk_arena_init(&arena, ARENA_MAX);
    *err = slk_sector_log_load(db, row->miner, row->number, 0, false, LOG_MAX, &arena, &entries,
                               &cnt, diag);
    for (size_t i = 0; i < cnt && *err == SLK_OK; i++) {
        const slk_sector_log_t *entry = &entries[i];
        const char *detail = entry->trace && *entry->trace ? entry->trace : entry->message;
        json_array_append_new(
            list, json_pack("{s:f, s:s, s:s, s:s, s:s, s:o}", "time", entry->at_ms / 1000.0, "kind",
                            entry->kind, "event", entry->event ? entry->event : "", "from",
                            slk_sector_state_name(entry->from), "to",
                            slk_sector_state_name(entry->to), "detail", slk_api_text(detail)));
    }
    slk_arena_free(&arena);
    return list;
}

/* CID of the message of this key: the record's, or that of the newest attempt while it is under way. */
static json_t *message_json(slk_db_t *db, const slk_cid_t *cid, slk_bytes_t key)
{
    slk_message_row_t row = {0};
    slk_diag_t ignored;
    char text[SLK_MESSAGE_KEY_MAX + 1];
    if (cid->len || !key.len || key.len >= sizeof text)
        return cid_json(cid);
    snprintf(text, sizeof text, "%.*s", (int)key.len, (const char *)key.b);
    if (slk_message_find(db, text, &row, &ignored) != SLK_OK)
        return json_null();
    json_t *json = cid_json(row.landed_cid.len ? &row.landed_cid : &row.cid);
    slk_message_row_free(&row);
    return json;
}

static json_t *proof_json(slk_bytes_t proof)
{
    if (!proof.len)
        return json_null();
    char *hex = malloc(2 * proof.len + 1);
    if (!hex)
        return json_null();
    slk_hex_encode(hex, proof.b, proof.len);
    json_t *json = json_string(hex);
    free(hex);
    return json;
}

static void set_location(slk_manager_t *m, json_t *json, const slk_sector_row_t *row)
{
    slk_arena_t arena;
    slk_diag_t ignored;
    slk_api_sector_location_t at;
    const slk_api_t api = slk_manager_node(m);
    const slk_address_t miner = slk_address_id(row->miner);
    slk_arena_init(&arena, (size_t)1 << 20);
    bool known = slk_sector_state_class(row->state) == SLK_CLASS_PROVING && is_following(m) &&
                 slk_api_StateSectorPartition(&api, &miner, row->number, NULL, &arena, &at,
                                              &ignored) == SLK_OK;
    json_object_set_new(json, "deadline",
                        known ? json_integer((json_int_t)at.deadline) : json_null());
    json_object_set_new(json, "partition",
                        known ? json_integer((json_int_t)at.partition) : json_null());
    slk_arena_free(&arena);
}

static json_t *status_json(slk_manager_t *m, slk_db_t *db, const slk_sector_row_t *row)
{
    const slk_sector_info_t *info = row->info;
    char why[1024], last[1024];
    waiting_for(m, db, row, why, sizeof why);
    snprintf(last, sizeof last, "%.*s", (int)info->last_err.len, (const char *)info->last_err.b);
    json_t *json =
        json_pack("{s:I, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sector",
                  (json_int_t)row->number, "miner", (json_int_t)row->miner, "state",
                  slk_sector_state_name(row->state), "what", slk_sector_state_what(row->state),
                  "ticket", randomness_json(&info->ticket_value, info->ticket_epoch), "seed",
                  randomness_json(&info->seed_value, info->seed_epoch), "comm_d",
                  comm_json(&info->comm_d), "comm_r", comm_json(&info->comm_r), "precommit_message",
                  message_json(db, &info->pre_commit_message, info->pre_commit_key),
                  "commit_message", message_json(db, &info->commit_message, info->commit_key),
                  "proof", proof_json(info->proof));
    json_t *pieces = pieces_json(&info->pieces, true);
    json_t *assigned = pieces_json(&info->assigned, false);
    json_array_extend(pieces, assigned);
    json_decref(assigned);
    json_object_set_new(json, "pieces", pieces);
    json_object_set_new(json, "files", files_json(m, db, row->miner, row->number));
    set_location(m, json, row);
    json_object_set_new(json, "retries",
                        json_integer((json_int_t)(info->invalid_proofs + info->pre_commit1_fails +
                                                  info->pre_commit2_fails)));
    json_object_set_new(json, "last_error", slk_api_text(last));
    json_object_set_new(json, "waiting_for", slk_api_text(why));
    json_object_set_new(json, "eta_seconds", eta_json(m, db, row));
    return json;
}

void slk_manager_rpc_sectors_status(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    slk_sector_row_t row;
    uint64_t miner, number;
    if (!slk_api_number(call, 0, &number) || !slk_api_miner(m, call, 1, &miner))
        return;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    err = slk_sector_load(db, miner, number, &arena, &row, &diag);
    if (err == SLK_ERR_NOTFOUND)
        slk_fail(&diag, err, "miner f0%" PRIu64 " has no sector %" PRIu64 " here", miner, number);
    if (err != SLK_OK)
        goto out;
    json_t *json = status_json(m, db, &row);
    if (json_is_true(slk_rpc_param(call, 2)))
        json_object_set_new(json, "log", log_json(db, &row, &err, &diag));
    if (err == SLK_OK)
        slk_rpc_answer(call, json);
    else
        json_decref(json);
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    slk_arena_free(&arena);
    slk_db_close(db);
}
