/* WDP: the window proof of the sectors of a partition. */
#include "worker/post_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "selkie/verify.h"
#include "worker/params.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOLDERS_MAX 16u /* of a sector; more are not asked */
#define WHY_MAX     600 /* bytes of a reason */
#define LOGGED_MAX  20u /* skipped sectors that the log names */
#define STAGE       "window_post"

typedef struct {
    slk_attempt_t *attempt;
    slk_vanilla_run_t run;
    uint64_t *numbers; /* ascending */
    uint64_t *leaves;
    slk_post_public_t *pub;
} wdp_t;

static void wdp_free(wdp_t *p)
{
    for (size_t i = 0; p->run.sectors && i < p->run.cnt; i++) {
        free(p->run.sectors[i].holders);
        free(p->run.sectors[i].proof);
    }
    free(p->run.sectors);
    free(p->numbers);
    free(p->leaves);
    free(p->pub);
}

/* --- Parameters ------------------------------------------------------------------------------- */

static slk_err_t read_ms(uint32_t *out, const json_t *params, const char *name, uint32_t preset,
                         slk_diag_t *diag)
{
    const json_t *value = json_object_get(params, name);
    uint64_t ms = 0;
    if (value && !slk_json_u64(value, &ms))
        return slk_fail(diag, SLK_ERR_INPUT, "Params.%s: expected a number of milliseconds", name);
    if (ms > SLK_VANILLA_MAX_MS)
        ms = SLK_VANILLA_MAX_MS;
    *out = ms ? (uint32_t)ms : preset;
    return SLK_OK;
}

/* "cache"|"update-cache" and "sealed"|"update", both of one kind. */
static bool read_kind(bool *update, const json_t *row)
{
    const char *cache = json_string_value(json_object_get(row, "Cache")),
               *sealed = json_string_value(json_object_get(row, "Sealed"));
    cache = cache ? cache : "cache";
    sealed = sealed ? sealed : "sealed";
    *update = !strcmp(cache, "update-cache");
    return !strcmp(cache, *update ? "update-cache" : "cache") &&
           !strcmp(sealed, *update ? "update" : "sealed");
}

static bool read_holder(slk_vanilla_holder_t *holder, const slk_worker_t *w, const json_t *row)
{
    const char *store = json_string_value(json_object_get(row, "Store")),
               *url = json_string_value(json_object_get(row, "URL"));
    slk_local_view_t view;
    slk_diag_t why;
    if (!store || strlen(store) >= sizeof holder->store || !slk_storage_id_ok(store))
        return false;
    if (url && *url && (strlen(url) >= sizeof holder->url || strncmp(url, "http", 4) != 0))
        return false;
    strcpy(holder->store, store);
    snprintf(holder->url, sizeof holder->url, "%s", url ? url : "");
    for (size_t len = strlen(holder->url); len && holder->url[len - 1] == '/'; len--)
        holder->url[len - 1] = 0;
    holder->own = slk_local_view(&view, w->paths, store, &why) == SLK_OK;
    return true;
}

/* Own paths come first. */
static slk_err_t read_holders(slk_vanilla_sector_t *s, const slk_worker_t *w, const json_t *row,
                              slk_diag_t *diag)
{
    const json_t *list = json_object_get(row, "Holders");
    size_t cnt = json_array_size(list) < HOLDERS_MAX ? json_array_size(list) : HOLDERS_MAX;
    s->holders = calloc(cnt + 1, sizeof *s->holders);
    if (!s->holders)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the sectors of a proof");
    for (int own = 1; own >= 0; own--)
        for (size_t i = 0; i < cnt; i++) {
            slk_vanilla_holder_t *holder = &s->holders[s->holder_cnt];
            if (!read_holder(holder, w, json_array_get(list, i)))
                return slk_fail(diag, SLK_ERR_INPUT,
                                "Params.Sectors: sector %" PRIu64
                                ": Holders: expected {\"Store\": ID, \"URL\": http...}",
                                s->ask.sector.number);
            s->holder_cnt += holder->own == (own == 1);
        }
    return SLK_OK;
}

static slk_err_t read_sector(slk_vanilla_sector_t *s, const wdp_t *p, const json_t *row,
                             slk_diag_t *diag)
{
    slk_diag_t why;
    s->ask.post = p->run.post;
    s->ask.sector.miner = p->attempt->job->a.miner;
    if (!slk_json_u64(json_object_get(row, "Number"), &s->ask.sector.number) ||
        s->ask.sector.number > INT64_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "Params.Sectors: Number: expected 0 to 2^63 - 1");
    if (slk_param_node(&s->ask.comm_r, row, "CommR", &why) != SLK_OK)
        return slk_fail(diag, SLK_ERR_INPUT, "sector %" PRIu64 ": %s", s->ask.sector.number,
                        why.text);
    if (!read_kind(&s->ask.update, row))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "Params.Sectors: sector %" PRIu64
                        ": Cache and Sealed: expected cache and sealed, or update-cache and update",
                        s->ask.sector.number);
    return read_holders(s, p->run.w, row, diag);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const slk_vanilla_sector_t *)a)->ask.sector.number,
             y = ((const slk_vanilla_sector_t *)b)->ask.sector.number;
    return x < y ? -1 : x > y;
}

/* A sector that stands for skipped ones comes several times: the proof has it once, as nodes do. */
static slk_err_t sort_once(slk_vanilla_run_t *run, slk_diag_t *diag)
{
    size_t cnt = 0;
    qsort(run->sectors, run->cnt, sizeof *run->sectors, by_number);
    for (size_t i = 0; i < run->cnt; i++) {
        slk_vanilla_sector_t *s = &run->sectors[i], *last = cnt ? &run->sectors[cnt - 1] : NULL;
        if (!last || last->ask.sector.number != s->ask.sector.number) {
            if (&run->sectors[cnt] != s) {
                run->sectors[cnt] = *s;
                s->holders = NULL;
            }
            cnt++;
            continue;
        }
        bool same = !memcmp(&last->ask.comm_r, &s->ask.comm_r, sizeof s->ask.comm_r) &&
                    last->ask.update == s->ask.update;
        free(s->holders);
        s->holders = NULL;
        if (!same)
            return slk_fail(diag, SLK_ERR_INPUT,
                            "Params.Sectors: sector %" PRIu64 " twice, with different files",
                            s->ask.sector.number);
    }
    run->cnt = cnt;
    return SLK_OK;
}

static slk_err_t read_sectors(wdp_t *p, const json_t *params, slk_diag_t *diag)
{
    slk_vanilla_run_t *run = &p->run;
    const json_t *list = json_object_get(params, "Sectors"), *row;
    size_t i, cnt = json_array_size(list);
    slk_err_t err = SLK_OK;
    if (!cnt || cnt > run->post.sectors)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "Params.Sectors: %zu, expected an array of 1 to %" PRIu32
                        ", the sectors of a partition",
                        cnt, run->post.sectors);
    run->sectors = calloc(cnt, sizeof *run->sectors);
    if (!run->sectors)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for %zu sectors", cnt);
    run->cnt = cnt;
    json_array_foreach(list, i, row) SLK_TRY(read_sector(&run->sectors[i], p, row, diag));
    err = sort_once(run, diag);
out:
    return err;
}

static slk_err_t give_leaves(wdp_t *p, slk_diag_t *diag)
{
    slk_vanilla_run_t *run = &p->run;
    size_t cnt, each = run->post.challenges;
    slk_err_t err;
    uint64_t *sorted = calloc(run->cnt, sizeof *sorted);
    p->numbers = calloc(run->cnt, sizeof *p->numbers);
    p->leaves = calloc(run->cnt, each * sizeof *p->leaves);
    p->pub = calloc(run->cnt, sizeof *p->pub);
    if (!sorted || !p->numbers || !p->leaves || !p->pub) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for %zu sectors", run->cnt);
        goto out;
    }
    for (size_t i = 0; i < run->cnt; i++)
        p->numbers[i] = run->sectors[i].ask.sector.number;
    SLK_TRY(slk_post_sector_challenges(sorted, p->leaves, &cnt, &run->post, &run->randomness,
                                       p->numbers, run->cnt, diag));
    SLK_ASSERT(cnt == run->cnt);
    for (size_t i = 0; i < cnt; i++) {
        slk_vanilla_sector_t *s = &run->sectors[i];
        s->position = (uint32_t)i;
        s->ask.leaf_cnt = run->post.challenges;
        memcpy(s->ask.leaves, p->leaves + i * each, each * sizeof *p->leaves);
        p->pub[i] = (slk_post_public_t){s->ask.sector.number, s->ask.comm_r};
    }
out:
    free(sorted);
    return err;
}

static slk_err_t read_params(wdp_t *p, slk_diag_t *diag)
{
    const json_t *params = p->attempt->params;
    uint64_t type;
    slk_err_t err;
    p->run.w = p->attempt->w;
    p->run.job = &p->attempt->slk_job;
    if (!slk_json_u64(json_object_get(params, "PoStProof"), &type) || type > INT16_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "Params.PoStProof: expected a registered PoSt proof");
    SLK_TRY(slk_post_by_id(&p->run.post, (int)type, diag));
    if (p->run.post.kind != SLK_POST_WINDOW)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "Params.PoStProof: %d is a winning proof, expected one of windows",
                        p->run.post.registered);
    SLK_TRY(slk_param_node(&p->run.randomness, params, "Randomness", diag));
    slk_post_randomness(&p->run.randomness);
    SLK_TRY(read_ms(&p->run.read_ms, params, "ReadTimeoutMs", SLK_VANILLA_READ_MS, diag));
    SLK_TRY(read_ms(&p->run.sector_ms, params, "SectorTimeoutMs", SLK_VANILLA_SECTOR_MS, diag));
    SLK_TRY(read_sectors(p, params, diag));
    err = give_leaves(p, diag);
out:
    return err;
}

/* --- What could not be read ------------------------------------------------------------------- */

static slk_err_t skip(json_t *skipped, uint64_t number, const char *why, slk_diag_t *diag)
{
    char text[WHY_MAX];
    size_t len = 0;
    for (; why[len] && len + 1 < sizeof text; len++)
        text[len] = why[len] >= ' ' && why[len] <= '~' ? why[len] : '?';
    text[len] = 0;
    if (json_array_append_new(skipped,
                              json_pack("{sI,ss}", "Number", (json_int_t)number, "Why", text)) != 0)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for skipped sectors");
    return SLK_OK;
}

static slk_err_t put_skipped(const wdp_t *p, json_t *skipped, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < p->run.cnt; i++) {
        const slk_vanilla_sector_t *s = &p->run.sectors[i];
        if (s->proof)
            continue;
        err = skip(skipped, s->ask.sector.number, s->why.text, diag);
        if (json_array_size(skipped) <= LOGGED_MAX)
            slk_log_sector(SLK_LOG_WARN, "worker", s->ask.sector.miner, s->ask.sector.number,
                           "WDP: not to be proven: %.1000s", s->why.text);
    }
    if (json_array_size(skipped) > LOGGED_MAX)
        slk_log(SLK_LOG_WARN, "worker", "WDP: %zu of %zu sectors cannot be proven",
                json_array_size(skipped), p->run.cnt);
    return err;
}

/* --- The proof -------------------------------------------------------------------------------- */

/* What other programs take: files on this machine. */
static slk_err_t put_replicas(const wdp_t *p, json_t *task, slk_diag_t *diag)
{
    json_t *list = json_array();
    json_object_set_new(task, "replicas", list);
    for (size_t i = 0; i < p->run.cnt; i++) {
        const slk_vanilla_sector_t *s = &p->run.sectors[i];
        if (!s->sealed[0])
            return slk_attempt_fail(
                p->attempt, SLK_FAILURE_PERMANENT,
                slk_fail(diag, SLK_ERR_UNSUPPORTED,
                         "sector %" PRIu64 " lies at another worker, and the program configured "
                         "for " STAGE " takes files of this machine only: configure none, or give "
                         "this worker no WDP",
                         s->ask.sector.number));
        json_array_append_new(list, json_pack("{sI,so,ss,ss}", "sector_id",
                                              (json_int_t)s->ask.sector.number, "comm_r",
                                              slk_json_of_node(&s->ask.comm_r), "cache_dir",
                                              s->cache, "sealed_file", s->sealed));
    }
    return SLK_OK;
}

/* What ours takes: the vanilla proofs in a file. */
static slk_err_t write_vanilla(const wdp_t *p, char path[SLK_WORKER_PATH_MAX], slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_err_t err;
    slk_job_dir_file(path, &p->attempt->job->dir, "vanilla.bin");
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    for (size_t i = 0; i < p->run.cnt; i++)
        SLK_TRY(slk_write_all(file.fd, p->run.sectors[i].proof, p->run.sectors[i].len, path, diag));
    err = slk_new_file_commit(&file, diag);
out:
    slk_new_file_abort(&file);
    return err;
}

static slk_err_t make_task(const wdp_t *p, json_t **task, slk_diag_t *diag)
{
    char type[80], path[SLK_WORKER_PATH_MAX];
    snprintf(type, sizeof type, "StackedDrgWindow%sV1%s", p->run.post.size->name,
             p->run.post.version == SLK_API_V1_2 ? "_2" : "");
    *task = json_pack("{sI,ss,s[],so}", "miner_id", (json_int_t)p->attempt->job->a.miner,
                      "proof_type", type, "replicas", "seed", slk_json_of_node(&p->run.randomness));
    if (!*task)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the task");
    if (slk_stage_is_foreign(p->run.w, STAGE))
        return put_replicas(p, *task, diag);
    slk_err_t err = write_vanilla(p, path, diag);
    if (err == SLK_OK)
        json_object_set_new(*task, "selkie", json_pack("{ss}", "vanilla_path", path));
    return err;
}

/* {"proofs":[base64...]}: malloc'ed, back to back. */
static slk_err_t read_proofs(uint8_t **proof, size_t *len, const json_t *output, slk_diag_t *diag)
{
    const json_t *list = json_object_get(output, "proofs"), *row;
    size_t i, room = 1, got;
    json_array_foreach(list, i, row) room += SLK_BASE64_ROOM(json_string_length(row));
    *len = 0;
    *proof = malloc(room);
    if (!*proof)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the proof");
    json_array_foreach(list, i, row)
    {
        if (!json_is_string(row) || !slk_base64_decode(*proof + *len, &got, json_string_value(row),
                                                       json_string_length(row)))
            return slk_fail(diag, SLK_ERR_FORMAT,
                            STAGE ": its output: proofs: expected texts of base64");
        *len += got;
    }
    return SLK_OK;
}

/* Nobody is told of a proof that the chain would refuse. */
static slk_err_t verify(const wdp_t *p, const uint8_t *proof, size_t len, slk_diag_t *diag)
{
    bool ok = false;
    slk_diag_t why = {""};
    slk_attempt_stage(p->attempt, "verify");
    slk_err_t err = slk_post_verify(&ok, &p->run.post, &p->run.randomness, p->pub, p->run.cnt,
                                    proof, len, p->run.w->opts->params_dir, p->run.job, &why);
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    if (!ok)
        return slk_attempt_fail(p->attempt, SLK_FAILURE_PERMANENT,
                                slk_fail(diag, SLK_ERR_PROOF,
                                         STAGE " made a proof that does not verify: %s", why.text));
    return SLK_OK;
}

static slk_err_t take_output(const wdp_t *p, const json_t *output, json_t *skipped,
                             slk_diag_t *diag)
{
    const json_t *faults = json_object_get(output, "faults"), *row;
    uint8_t *proof = NULL;
    char *text = NULL;
    size_t i, len = 0;
    slk_err_t err = SLK_OK;
    json_array_foreach(faults, i, row) if (json_is_integer(row))
        SLK_TRY(skip(skipped, (uint64_t)json_integer_value(row),
                     "the processor " STAGE " could not read it", diag));
    if (json_array_size(skipped))
        goto out;
    SLK_TRY(read_proofs(&proof, &len, output, diag));
    SLK_TRY(verify(p, proof, len, diag));
    text = malloc(SLK_BASE64_LEN(len) + 1);
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the proof");
        goto out;
    }
    slk_base64_encode(text, proof, len);
    json_object_set_new(p->attempt->result, "Proof", json_string(text));
out:
    free(proof);
    free(text);
    return err;
}

slk_err_t slk_do_wdp(slk_attempt_t *attempt, slk_diag_t *diag)
{
    wdp_t p = {.attempt = attempt};
    json_t *task = NULL, *output = NULL, *skipped = json_array();
    slk_err_t err;
    json_object_set_new(attempt->result, "Proof", json_string(""));
    json_object_set(attempt->result, "Skipped", skipped);
    SLK_TRY(read_params(&p, diag));
    slk_attempt_stage(attempt, "vanilla proofs");
    SLK_TRY(slk_vanilla_read(&p.run, diag));
    SLK_TRY(put_skipped(&p, skipped, diag));
    if (json_array_size(skipped))
        goto out;
    SLK_TRY(make_task(&p, &task, diag));
    json_t *given = task;
    task = NULL;
    SLK_TRY(slk_attempt_call(attempt, STAGE, given, &output, diag));
    err = take_output(&p, output, skipped, diag);
out:
    json_decref(task);
    json_decref(output);
    json_decref(skipped);
    wdp_free(&p);
    return err;
}
