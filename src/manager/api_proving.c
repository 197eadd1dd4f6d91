#include "manager/api.h"

#include "base/assert.h"
#include "codec/json.h"
#include "manager/post/post_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What operators see of window proofs: the chain's deadlines and partitions, and what is being done about
 * them here. */

#define ARENA_MAX ((size_t)512 << 20)

typedef struct {
    slk_manager_t *m;
    slk_api_t api;
    uint64_t miner;
    slk_address_t address;
    slk_arena_t arena;
    slk_db_t *db;
    slk_api_deadline_info_t info;
    slk_diag_t diag;
} ask_t;

/* False: answered with what is wrong. To be ended in any case. */
static bool begin(ask_t *a, slk_manager_t *m, slk_rpc_call_t *call, size_t miner_param)
{
    *a = (ask_t){.m = m, .api = slk_manager_node(m)};
    slk_arena_init(&a->arena, ARENA_MAX);
    if (!slk_api_miner(m, call, miner_param, &a->miner))
        return false;
    a->address = slk_address_id(a->miner);
    slk_err_t err = slk_db_open(&a->db, m->database, &a->diag);
    if (err == SLK_OK)
        err = slk_api_StateMinerProvingDeadline(&a->api, &a->address, NULL, &a->arena, &a->info,
                                                &a->diag);
    if (err != SLK_OK)
        slk_api_fail(call, err, &a->diag);
    return err == SLK_OK;
}

static void end(ask_t *a, slk_rpc_call_t *call, slk_err_t err, json_t *answer)
{
    if (err == SLK_OK && !answer)
        err = slk_fail(&a->diag, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK) {
        slk_rpc_answer(call, answer);
    } else {
        slk_api_fail(call, err, &a->diag);
        json_decref(answer);
    }
}

static void fini(ask_t *a)
{
    slk_db_close(a->db);
    slk_arena_free(&a->arena);
}

static slk_err_t partitions_of(ask_t *a, uint64_t deadline, slk_api_partitions_t *out)
{
    return slk_api_StateMinerPartitions(&a->api, &a->address, deadline, NULL, &a->arena, out,
                                        &a->diag);
}

static slk_err_t deadlines_of(ask_t *a, slk_api_deadlines_t *out)
{
    return slk_api_StateMinerDeadlines(&a->api, &a->address, NULL, &a->arena, out, &a->diag);
}

/* The window of a deadline that is open or comes next. */
static slk_post_window_t window_of(const ask_t *a, uint64_t deadline)
{
    const uint64_t all = a->info.wpost_period_deadlines;
    return slk_post_window(&a->info, (deadline + all - a->info.index) % all);
}

/* --- Sums -------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t all, live, active, faulty, recovering;
} sums_t;

static void add(sums_t *sums, const slk_api_partition_t *partition)
{
    sums->all += slk_bitfield_count(&partition->all_sectors);
    sums->live += slk_bitfield_count(&partition->live_sectors);
    sums->active += slk_bitfield_count(&partition->active_sectors);
    sums->faulty += slk_bitfield_count(&partition->faulty_sectors);
    sums->recovering += slk_bitfield_count(&partition->recovering_sectors);
}

/* --- proving info ------------------------------------------------------------------------------------ */

void slk_manager_rpc_proving_info(slk_rpc_call_t *call, void *ctx)
{
    ask_t a;
    slk_err_t err = SLK_OK;
    json_t *answer = NULL;
    sums_t sums = {0}, here = {0};
    char trouble[512];
    slk_miner_config_t config;
    if (!begin(&a, ctx, call, 0)) {
        fini(&a);
        return;
    }
    for (uint64_t d = 0; err == SLK_OK && d < a.info.wpost_period_deadlines; d++) {
        slk_api_partitions_t list;
        err = partitions_of(&a, d, &list);
        for (size_t i = 0; err == SLK_OK && i < list.v.count; i++) {
            add(&sums, &list.v.items[i]);
            if (d == a.info.index)
                add(&here, &list.v.items[i]);
        }
    }
    const slk_api_deadline_info_t *i = &a.info;
    slk_poster_trouble(a.m->poster, a.miner, trouble, sizeof trouble);
    const bool on = slk_manager_miner(a.m, a.miner, &config) && config.proving;
    answer = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
        "miner", (json_int_t)a.miner, "epoch", (json_int_t)i->current_epoch, "period_boundary",
        (json_int_t)(i->period_start % i->wpost_proving_period), "period_start",
        (json_int_t)i->period_start, "next_period_start",
        (json_int_t)(i->period_start + i->wpost_proving_period), "sectors", (json_int_t)sums.live,
        "faults", (json_int_t)sums.faulty, "recovering", (json_int_t)sums.recovering, "deadline",
        (json_int_t)i->index, "deadlines", (json_int_t)i->wpost_period_deadlines,
        "deadline_sectors", (json_int_t)here.live, "open", (json_int_t)i->open, "close",
        (json_int_t)i->close, "challenge", (json_int_t)i->challenge, "fault_cutoff",
        (json_int_t)i->fault_cutoff, "proven_here", on, "trouble", slk_api_text(trouble));
    end(&a, call, err, answer);
    fini(&a);
}

/* --- proving deadlines ------------------------------------------------------------------------------- */

void slk_manager_rpc_proving_deadlines(slk_rpc_call_t *call, void *ctx)
{
    ask_t a;
    slk_api_deadlines_t deadlines;
    json_t *rows = json_array();
    if (!begin(&a, ctx, call, 0)) {
        json_decref(rows);
        fini(&a);
        return;
    }
    slk_err_t err = deadlines_of(&a, &deadlines);
    for (uint64_t d = 0; err == SLK_OK && d < deadlines.v.count; d++) {
        slk_api_partitions_t list;
        sums_t sums = {0};
        err = partitions_of(&a, d, &list);
        for (size_t i = 0; err == SLK_OK && i < list.v.count; i++)
            add(&sums, &list.v.items[i]);
        if (err != SLK_OK)
            break;
        const slk_post_window_t w = window_of(&a, d);
        json_array_append_new(
            rows, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "deadline", (json_int_t)d,
                            "open", (json_int_t)w.open, "partitions", (json_int_t)list.v.count,
                            "sectors", (json_int_t)sums.all, "faults", (json_int_t)sums.faulty,
                            "recovering", (json_int_t)sums.recovering, "proven_partitions",
                            (json_int_t)slk_bitfield_count(&deadlines.v.items[d].post_submissions),
                            "current", d == a.info.index));
    }
    end(&a, call, err, rows);
    fini(&a);
}

/* --- Partitions -------------------------------------------------------------------------------------- */

static json_t *skipped_json(const slk_post_row_t *row)
{
    json_t *list = json_array(), *why, *reasons = json_loads(row->reasons, 0, NULL);
    const char *number;
    json_object_foreach(reasons, number, why)
    {
        if (slk_bitfield_contains(&row->skipped, strtoull(number, NULL, 10)))
            json_array_append_new(list,
                                  json_pack("{s:I, s:O}", "sector",
                                            (json_int_t)strtoull(number, NULL, 10), "why", why));
    }
    json_decref(reasons);
    return list;
}

/* What is, or was last, done for it here. */
static void put_work(json_t *to, const slk_post_row_t *row)
{
    const int64_t took = row && row->proven_ms && row->proven_ms > row->asked_ms
                             ? row->proven_ms - row->asked_ms
                             : 0;
    json_object_set_new(to, "state", json_string(row ? slk_post_state_name(row->state) : "none"));
    json_object_set_new(to, "why",
                        json_string(!row        ? "its turn has not come yet"
                                    : *row->why ? row->why
                                                : slk_post_state_text(row->state)));
    json_object_set_new(to, "open", row ? json_integer(row->window.open) : json_null());
    json_object_set_new(to, "proven_sectors",
                        row && row->state != SLK_POST_EMPTY
                            ? json_integer((json_int_t)slk_bitfield_count(&row->asked))
                            : json_null());
    json_object_set_new(to, "skipped", row ? skipped_json(row) : json_array());
    json_object_set_new(to, "jobs", json_integer(row ? row->jobs : 0));
    json_object_set_new(to, "failed_messages", json_integer(row ? row->sends : 0));
    json_object_set_new(to, "proving_seconds", took ? json_real((double)took / 1000) : json_null());
    json_object_set_new(to, "message", slk_api_text(row ? row->message : NULL));
}

static json_t *partition_json(uint64_t deadline, size_t index, const slk_api_partition_t *partition,
                              bool posted, const slk_post_row_t *row)
{
    sums_t sums = {0};
    add(&sums, partition);
    json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "deadline",
                            (json_int_t)deadline, "partition", (json_int_t)index, "sectors",
                            (json_int_t)sums.all, "live", (json_int_t)sums.live, "active",
                            (json_int_t)sums.active, "faulty", (json_int_t)sums.faulty,
                            "recovering", (json_int_t)sums.recovering, "posted", posted);
    if (out)
        put_work(out, row);
    return out;
}

/* Rows of the window that is open or comes next, else those of the one before. */
static slk_err_t rows_of(ask_t *a, uint64_t deadline, slk_post_row_t **rows, size_t *cnt)
{
    const slk_post_window_t w = window_of(a, deadline);
    slk_err_t err = slk_post_load(a->db, a->miner, w.open, &a->arena, rows, cnt, &a->diag);
    if (err == SLK_OK && !*cnt)
        err = slk_post_load(a->db, a->miner, w.open - a->info.wpost_proving_period, &a->arena, rows,
                            cnt, &a->diag);
    return err;
}

static slk_err_t add_partitions(ask_t *a, uint64_t deadline, const slk_bitfield_t *posted,
                                json_t *to)
{
    slk_api_partitions_t list;
    slk_post_row_t *rows;
    size_t cnt;
    slk_err_t err = partitions_of(a, deadline, &list);
    if (err == SLK_OK && list.v.count)
        err = rows_of(a, deadline, &rows, &cnt);
    for (size_t i = 0; err == SLK_OK && i < list.v.count; i++) {
        const slk_post_row_t *row = NULL;
        for (size_t r = 0; r < cnt && !row; r++)
            row = rows[r].partition == i ? &rows[r] : NULL;
        json_array_append_new(to, partition_json(deadline, i, &list.v.items[i],
                                                 slk_bitfield_contains(posted, i), row));
    }
    return err;
}

void slk_manager_rpc_proving_partitions(slk_rpc_call_t *call, void *ctx)
{
    ask_t a;
    slk_api_deadlines_t deadlines;
    json_t *rows = json_array();
    if (!begin(&a, ctx, call, 0)) {
        json_decref(rows);
        fini(&a);
        return;
    }
    slk_err_t err = deadlines_of(&a, &deadlines);
    for (uint64_t d = 0; err == SLK_OK && d < deadlines.v.count; d++)
        err = add_partitions(&a, d, &deadlines.v.items[d].post_submissions, rows);
    end(&a, call, err, rows);
    fini(&a);
}

void slk_manager_rpc_proving_deadline(slk_rpc_call_t *call, void *ctx)
{
    ask_t a;
    uint64_t deadline;
    slk_api_deadlines_t deadlines;
    json_t *rows = json_array(), *answer = NULL;
    if (!slk_api_number(call, 0, &deadline)) {
        json_decref(rows);
        return;
    }
    if (!begin(&a, ctx, call, 1)) {
        json_decref(rows);
        fini(&a);
        return;
    }
    slk_err_t err = deadlines_of(&a, &deadlines);
    if (err == SLK_OK && deadline >= deadlines.v.count)
        err = slk_fail(&a.diag, SLK_ERR_INPUT,
                       "deadline %" PRIu64 ": there are deadlines 0 to %zu on this network",
                       deadline, deadlines.v.count - 1);
    if (err == SLK_OK)
        err = add_partitions(&a, deadline, &deadlines.v.items[deadline].post_submissions, rows);
    if (err == SLK_OK) {
        const slk_post_window_t w = window_of(&a, deadline);
        answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:O}", "deadline",
                           (json_int_t)deadline, "epoch", (json_int_t)a.info.current_epoch, "open",
                           (json_int_t)w.open, "close", (json_int_t)w.close, "challenge",
                           (json_int_t)w.challenge, "fault_cutoff", (json_int_t)w.fault_cutoff,
                           "current", deadline == a.info.index, "partitions", rows);
    }
    json_decref(rows);
    end(&a, call, err, answer);
    fini(&a);
}

/* --- proving faults ---------------------------------------------------------------------------------- */

static slk_err_t add_faults(ask_t *a, uint64_t deadline, json_t *to)
{
    slk_api_partitions_t list;
    slk_err_t err = partitions_of(a, deadline, &list);
    for (size_t i = 0; err == SLK_OK && i < list.v.count; i++) {
        const slk_api_partition_t *p = &list.v.items[i];
        slk_bit_iter_t it = slk_bitfield_iter(&p->faulty_sectors);
        for (uint64_t number; slk_bit_next(&it, &number);)
            json_array_append_new(
                to, json_pack("{s:I, s:I, s:I, s:b}", "deadline", (json_int_t)deadline, "partition",
                              (json_int_t)i, "sector", (json_int_t)number, "recovering",
                              slk_bitfield_contains(&p->recovering_sectors, number)));
    }
    return err;
}

void slk_manager_rpc_proving_faults(slk_rpc_call_t *call, void *ctx)
{
    ask_t a;
    json_t *rows = json_array();
    slk_err_t err = SLK_OK;
    if (!begin(&a, ctx, call, 0)) {
        json_decref(rows);
        fini(&a);
        return;
    }
    for (uint64_t d = 0; err == SLK_OK && d < a.info.wpost_period_deadlines; d++)
        err = add_faults(&a, d, rows);
    end(&a, call, err, rows);
    fini(&a);
}

/* --- Which sectors were proven ----------------------------------------------------------------------- */

void slk_manager_rpc_proving_windowed(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    slk_db_t *db = NULL;
    slk_arena_t arena;
    slk_bitfield_t proven;
    uint64_t miner;
    size_t i;
    json_t *number, *found = json_array();
    slk_arena_init(&arena, ARENA_MAX);
    if (!slk_api_miner(m, call, 1, &miner)) {
        json_decref(found);
        return;
    }
    slk_err_t err = slk_db_open(&db, m->database, &diag);
    if (err == SLK_OK)
        err = slk_post_windowed(db, miner, &proven, &arena, &diag);
    json_array_foreach((json_t *)(uintptr_t)slk_rpc_param(call, 0), i, number)
    {
        uint64_t n;
        if (err == SLK_OK && slk_json_u64(number, &n) && slk_bitfield_contains(&proven, n))
            json_array_append(found, number);
    }
    slk_db_close(db);
    slk_arena_free(&arena);
    if (err == SLK_OK) {
        slk_rpc_answer(call, found);
    } else {
        slk_api_fail(call, err, &diag);
        json_decref(found);
    }
}
