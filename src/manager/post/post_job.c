#include "manager/post/post_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Asking workers for proofs, and taking what they answer. */

enum { PRIORITY = 1 << 20 }; /* above all sealing */

/* --- Sectors of a partition -------------------------------------------------------------------- */

slk_err_t slk_post_to_prove(slk_bitfield_t *out, const slk_api_partition_t *partition,
                            slk_arena_t *arena)
{
    slk_err_t err =
        slk_bitfield_difference(out, &partition->live_sectors, &partition->faulty_sectors, arena);
    return err == SLK_OK ? slk_bitfield_union(out, out, &partition->recovering_sectors, arena)
                         : err;
}

static bool is_update(const slk_sector_on_chain_info_t *info)
{
    return slk_cid_defined(&info->sector_key_cid);
}

slk_err_t slk_post_has_files(slk_post_turn_t *t, uint64_t number, bool update,
                             slk_storage_holder_t **holders, size_t *cnt, bool *has,
                             slk_diag_t *diag)
{
    const slk_sector_id_t sector = {t->miner, number};
    const slk_file_types_t types =
        update ? SLK_FT_UPDATE | SLK_FT_UPDATE_CACHE : SLK_FT_SEALED | SLK_FT_CACHE;
    slk_err_t err = slk_storage_find(t->db, &sector, types, holders, cnt, diag);
    *has = false;
    for (size_t i = 0; err == SLK_OK && i < *cnt; i++)
        *has |= ((*holders)[i].types & types) == types;
    return err;
}

/* What the chain knows of these. */
static slk_err_t sector_infos(slk_post_turn_t *t, const slk_bitfield_t *set, slk_api_sectors_t *out,
                              slk_diag_t *diag)
{
    slk_err_t err =
        slk_api_StateMinerSectors(&t->api, &t->address, set, &t->net.key, t->arena, out, diag);
    if (err == SLK_OK && out->v.count != slk_bitfield_count(set))
        err = slk_fail(diag, SLK_ERR_FORMAT,
                       "StateMinerSectors answered %zu sectors instead of %" PRIu64, out->v.count,
                       slk_bitfield_count(set));
    return err;
}

/* --- Sectors that are left out ----------------------------------------------------------------- */

static slk_err_t leave_out(slk_post_turn_t *t, slk_post_row_t *row, uint64_t number,
                           const char *why, json_t *reasons, slk_diag_t *diag)
{
    char name[24];
    snprintf(name, sizeof name, "%" PRIu64, number);
    json_object_set_new(reasons, name, json_string(why));
    slk_log_sector(SLK_LOG_WARN, "post", t->miner, number,
                   "left out of the proof of deadline %" PRIu64 ", partition %" PRIu64 ": %s",
                   row->window.index, row->partition, why);
    slk_err_t err = slk_bitfield_set(&row->skipped, &row->skipped, number, t->arena);
    return err == SLK_OK ? err : slk_fail(diag, err, "no memory for skipped sectors");
}

static json_t *reasons_of(const slk_post_row_t *row)
{
    json_t *reasons = row->reasons ? json_loads(row->reasons, 0, NULL) : NULL;
    if (!json_is_object(reasons)) {
        json_decref(reasons);
        reasons = json_object();
    }
    return reasons;
}

static slk_err_t keep_reasons(slk_post_turn_t *t, slk_post_row_t *row, const json_t *reasons,
                              slk_diag_t *diag)
{
    char *text = slk_json_dump(reasons, JSON_COMPACT | JSON_SORT_KEYS);
    row->reasons = text ? slk_arena_text(t->arena, text, strlen(text)) : NULL;
    free(text);
    return row->reasons ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
}

/* --- Asking ------------------------------------------------------------------------------------ */

static json_t *holders_json(const slk_storage_holder_t *holders, size_t cnt)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cnt; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "Store", holders[i].store, "URL", holders[i].url));
    return list;
}

/* The sector as the task names it; *has false: nobody has its files. */
static slk_err_t sector_json(slk_post_turn_t *t, const slk_sector_on_chain_info_t *info,
                             json_t **out, bool *has, slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_t comm_r;
    char hex[2 * sizeof comm_r + 1];
    slk_storage_holder_t *holders = NULL;
    size_t cnt = 0;
    const bool update = is_update(info);
    SLK_TRY(slk_post_has_files(t, info->sector_number, update, &holders, &cnt, has, diag));
    if (!*has)
        goto out;
    SLK_TRY(slk_cid_to_commitment(&comm_r, SLK_CID_SEALED, &info->sealed_cid, diag));
    slk_hex_encode(hex, comm_r.b, sizeof comm_r.b);
    *out = json_pack("{s:I, s:s, s:s, s:s, s:o}", "Number", (json_int_t)info->sector_number,
                     "CommR", hex, "Cache", update ? "update-cache" : "cache", "Sealed",
                     update ? "update" : "sealed", "Holders", holders_json(holders, cnt));
    if (!*out)
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
out:
    free(holders);
    return err;
}

/* Sectors of `ask` that somebody has; the others are left out. */
static slk_err_t choose(slk_post_turn_t *t, slk_post_row_t *row, const slk_bitfield_t *ask,
                        json_t *sectors, int64_t *seal_proof, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_sectors_t infos;
    json_t *reasons = reasons_of(row);
    SLK_TRY(sector_infos(t, ask, &infos, diag));
    row->asked = (slk_bitfield_t){0};
    uint64_t *numbers = slk_arena_array(t->arena, infos.v.count + 1, sizeof *numbers);
    size_t cnt = 0;
    if (!numbers) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < infos.v.count; i++) {
        const slk_sector_on_chain_info_t *info = &infos.v.items[i];
        json_t *one = NULL;
        bool has = false;
        SLK_TRY(sector_json(t, info, &one, &has, diag));
        if (!has) {
            SLK_TRY(leave_out(t, row, info->sector_number, "no storage path has its files", reasons,
                              diag));
            continue;
        }
        json_array_append_new(sectors, one);
        *seal_proof = info->seal_proof;
        numbers[cnt++] = info->sector_number;
    }
    SLK_TRY(slk_bitfield_from_bits(&row->asked, numbers, cnt, t->arena));
    err = keep_reasons(t, row, reasons, diag);
out:
    json_decref(reasons);
    return err;
}

typedef struct {
    slk_post_turn_t *t;
    const slk_post_row_t *row;
    const slk_job_want_t *want;
    const char *drop;
} store_t;

static slk_err_t store(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const store_t *s = ctx;
    int64_t id;
    slk_err_t err = slk_post_put(db, s->row, diag);
    if (err == SLK_OK && s->drop && *s->drop)
        err = slk_job_drop_key(db, s->drop, s->t->now_ms, diag);
    if (err == SLK_OK && s->want)
        err = slk_job_add(db, s->want, s->t->now_ms, &id, diag);
    return err;
}

slk_err_t slk_post_store_row(slk_post_turn_t *t, const slk_post_row_t *row, const char *drop,
                             slk_diag_t *diag)
{
    store_t s = {.t = t, .row = row, .drop = drop};
    slk_err_t err = slk_db_transact(t->db, store, &s, diag);
    if (err == SLK_OK && drop && *drop)
        slk_dispatch_wake(t->opts->dispatch);
    return err;
}

/* When the window closes, ms since 1970. */
static int64_t close_ms(const slk_post_turn_t *t, const slk_post_window_t *window)
{
    return t->net.head_ms + (window->close - t->net.height) * t->net.block_ms;
}

static int64_t shorter(int64_t wish, int64_t left)
{
    const int64_t share = left / 4;
    return share > 0 && share < wish ? share : wish;
}

static json_t *params_json(const slk_post_turn_t *t, const slk_post_look_t *look,
                           const slk_post_row_t *row, json_t *sectors)
{
    char hex[2 * sizeof row->randomness.b + 1];
    const int64_t left = close_ms(t, &look->window) - t->now_ms;
    slk_hex_encode(hex, row->randomness.b, sizeof row->randomness.b);
    return json_pack("{s:s, s:I, s:I, s:O, s:I, s:I}", "Randomness", hex, "PoStProof",
                     (json_int_t)t->actor.window_post_proof_type, "Partition",
                     (json_int_t)row->partition, "Sectors", sectors, "ReadTimeoutMs",
                     (json_int_t)shorter(t->config.post_read_timeout_ms, left), "SectorTimeoutMs",
                     (json_int_t)shorter(t->config.post_sector_timeout_ms, left));
}

static slk_err_t add_job(slk_post_turn_t *t, slk_post_look_t *look, slk_post_row_t *row,
                         json_t *sectors, int64_t seal_proof, int64_t delay, const char *drop,
                         slk_diag_t *diag)
{
    json_t *params = params_json(t, look, row, sectors);
    if (!params)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    snprintf(row->job, sizeof row->job,
             "t0%" PRIu64 "/window-post/%" PRIu64 "/%" PRId64 "/%" PRIu64 "/%" PRId64, t->miner,
             look->window.index, look->window.open, row->partition, row->jobs);
    const slk_job_want_t want = {
        .key = row->job,
        .miner = t->miner,
        .number = SLK_JOB_NO_SECTOR,
        .task = SLK_TASK_WDP,
        .seal_proof = seal_proof,
        .params = params,
        .priority = PRIORITY,
        .deadline_ms = close_ms(t, &look->window),
        .not_before_ms = delay ? t->now_ms + delay * t->net.block_ms : 0,
    };
    store_t s = {.t = t, .row = row, .want = &want, .drop = drop};
    slk_err_t err = slk_db_transact(t->db, store, &s, diag);
    json_decref(params);
    if (err == SLK_OK)
        slk_dispatch_wake(t->opts->dispatch);
    return err;
}

slk_err_t slk_post_ask(slk_post_turn_t *t, slk_post_look_t *look, size_t i, slk_diag_t *diag)
{
    slk_err_t err;
    slk_post_row_t *row = &look->rows[i];
    const slk_post_action_t *action = &look->actions[i];
    char old[sizeof row->job];
    slk_bitfield_t ask;
    int64_t seal_proof = 0;
    json_t *sectors = json_array();
    snprintf(old, sizeof old, "%s", row->job);
    if (action->what == SLK_POST_DO_ANEW) {
        row->skipped = (slk_bitfield_t){0};
        row->reasons = NULL;
    }
    if (row->state == SLK_POST_ASKED && look->views[i].state == SLK_JOB_FAILED)
        row->tries++;
    row->randomness = look->randomness;
    row->window = look->window;
    row->proof = (slk_bytes_t){0};
    row->message[0] = 0;
    row->retry_epoch = 0;
    row->job[0] = 0;
    SLK_TRY(slk_post_to_prove(&ask, &look->partitions.items[i], t->arena));
    SLK_TRY(slk_bitfield_difference(&ask, &ask, &row->skipped, t->arena));
    if (!slk_bitfield_is_empty(&ask))
        SLK_TRY(choose(t, row, &ask, sectors, &seal_proof, diag));
    row->jobs++;
    row->asked_ms = t->now_ms;
    if (json_array_size(sectors)) {
        row->state = SLK_POST_ASKED;
        snprintf(row->why, sizeof row->why, "%s", action->why);
        err = add_job(t, look, row, sectors, seal_proof, action->delay, old, diag);
        goto out;
    }
    row->state = SLK_POST_EMPTY;
    row->retry_epoch = t->net.height + 1 + (look->window.close - look->window.open) / 6;
    snprintf(row->why, sizeof row->why, "none of its sectors can be read");
    err = slk_post_store_row(t, row, old, diag);
out:
    json_decref(sectors);
    return err;
}

/* --- Taking ------------------------------------------------------------------------------------ */

/* Of what the worker could not read; *any: something was left out. */
static slk_err_t take_skipped(slk_post_turn_t *t, slk_post_row_t *row, const json_t *list,
                              bool *any, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    size_t at;
    json_t *one, *reasons = reasons_of(row);
    *any = false;
    json_array_foreach(list, at, one)
    {
        uint64_t number;
        const char *why = json_string_value(json_object_get(one, "Why"));
        if (!slk_json_u64(json_object_get(one, "Number"), &number) ||
            !slk_bitfield_contains(&row->asked, number))
            continue;
        *any = true;
        SLK_TRY(leave_out(t, row, number, why ? why : "cannot be read", reasons, diag));
    }
    err = keep_reasons(t, row, reasons, diag);
out:
    json_decref(reasons);
    return err;
}

static slk_err_t decode_proof(slk_post_turn_t *t, const json_t *text, slk_bytes_t *out,
                              slk_diag_t *diag)
{
    const char *base64 = json_string_value(text);
    const size_t len = base64 ? strlen(base64) : 0;
    uint8_t *bytes = slk_arena_alloc(t->arena, SLK_BASE64_ROOM(len) + 1);
    if (!bytes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    if (!len || !slk_base64_decode(bytes, &out->len, base64, len) ||
        out->len > SLK_POST_PROOF_MAX) {
        out->len = 0;
        slk_fail(diag, SLK_ERR_FORMAT, "the worker's answer has no proof");
        return SLK_OK;
    }
    out->b = bytes;
    return SLK_OK;
}

/* Does it prove what the chain will check? *ok false: diag says why not. */
static slk_err_t verify(slk_post_turn_t *t, const slk_post_row_t *row, const slk_bytes_t *proof,
                        bool *ok, slk_diag_t *diag)
{
    slk_err_t err;
    slk_post_t post;
    slk_api_sectors_t infos;
    slk_post_public_t *pub = NULL;
    slk_node_t randomness = row->randomness;
    *ok = false;
    SLK_TRY(slk_post_by_id(&post, (int)t->actor.window_post_proof_type, diag));
    SLK_TRY(sector_infos(t, &row->asked, &infos, diag));
    pub = calloc(infos.v.count + 1, sizeof *pub);
    if (!pub) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < infos.v.count; i++) {
        pub[i].sector = infos.v.items[i].sector_number;
        SLK_TRY(slk_cid_to_commitment(&pub[i].comm_r, SLK_CID_SEALED, &infos.v.items[i].sealed_cid,
                                      diag));
    }
    slk_post_randomness(&randomness);
    err = slk_post_verify(ok, &post, &randomness, pub, infos.v.count, proof->b, proof->len,
                          t->opts->params_dir, t->job, diag);
out:
    free(pub);
    return err;
}

/* The proof is here and holds. */
static slk_err_t keep_proof(slk_post_turn_t *t, slk_post_row_t *row, const slk_bytes_t *proof,
                            slk_diag_t *diag)
{
    char old[sizeof row->job];
    snprintf(old, sizeof old, "%s", row->job);
    row->state = SLK_POST_PROVEN;
    row->proof = *proof;
    row->proven_ms = t->now_ms;
    row->retry_epoch = 0;
    row->tries = 0;
    snprintf(row->why, sizeof row->why, "proven");
    t->again = true; /* it may be sent at once */
    return slk_post_store_row(t, row, old, diag);
}

/* The result is of no use: as if the job had failed. */
static slk_err_t reject(slk_post_turn_t *t, slk_post_look_t *look, size_t i, const char *why,
                        slk_diag_t *diag)
{
    slk_post_row_t *row = &look->rows[i];
    slk_log(SLK_LOG_ERROR, "post",
            "f0%" PRIu64 ", deadline %" PRIu64 ", partition %" PRIu64
            ": the answer of worker %s is dropped and asked for again: %s",
            t->miner, row->window.index, row->partition, look->views[i].worker, why);
    row->tries++;
    look->actions[i].what = SLK_POST_DO_ASK;
    look->actions[i].delay = row->tries;
    snprintf(look->actions[i].why, sizeof look->actions[i].why, "the last answer was wrong: %.200s",
             why);
    return slk_post_ask(t, look, i, diag);
}

slk_err_t slk_post_take(slk_post_turn_t *t, slk_post_look_t *look, size_t i, slk_diag_t *diag)
{
    slk_post_row_t *row = &look->rows[i];
    const json_t *result = look->views[i].result;
    const json_t *skipped = json_object_get(result, "Skipped");
    slk_bytes_t proof = {0};
    slk_diag_t why = {0};
    bool any = false, ok = false;
    slk_err_t err = take_skipped(t, row, skipped, &any, diag);
    if (err != SLK_OK)
        return err;
    if (any) { /* without these, at once */
        look->actions[i] = (slk_post_action_t){.what = SLK_POST_DO_ASK};
        snprintf(look->actions[i].why, sizeof look->actions[i].why,
                 "asked for without %" PRIu64 " sectors that cannot be read",
                 slk_bitfield_count(&row->skipped));
        return slk_post_ask(t, look, i, diag);
    }
    err = decode_proof(t, json_object_get(result, "Proof"), &proof, &why);
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    if (!proof.len)
        return reject(t, look, i, why.text, diag);
    err = verify(t, row, &proof, &ok, &why);
    if (err == SLK_ERR_STATE || err == SLK_ERR_NOTFOUND) { /* no verifying key here */
        slk_log(SLK_LOG_WARN, "post",
                "f0%" PRIu64 ", deadline %" PRIu64 ", partition %" PRIu64
                ": the proof was verified by its worker alone: %s",
                t->miner, row->window.index, row->partition, why.text);
        return keep_proof(t, row, &proof, diag);
    }
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    return ok ? keep_proof(t, row, &proof, diag) : reject(t, look, i, why.text, diag);
}
