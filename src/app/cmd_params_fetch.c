#include "app/cmd_params_files.h"
#include "app/params_record.h"

#include "base/assert.h"
#include "base/file.h"
#include "net/download.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATEWAY     "https://proofs.filecoin.io/ipfs/"
#define MIRRORS_MAX 16u
#define URL_SZ      2048u

/* What is wanted, and how far it is. */
typedef struct {
    slk_app_t *app;
    const slk_args_t *args;
    char dir[4096], mirror_text[8192];
    const char *mirrors[MIRRORS_MAX];
    size_t mirror_cnt;
    slk_manifest_t manifest;
    json_t *record;
    slk_params_check_t *rows;
    bool *fetched;
    size_t cnt;
} plan_t;

/* --- What, and from where ------------------------------------------------------------------- */

static slk_err_t split_mirrors(plan_t *plan)
{
    const char *text = plan->args->opt[SLK_OPT_MIRRORS].text, *gateway = getenv("IPFS_GATEWAY");
    if (!text)
        text = gateway && *gateway ? gateway : GATEWAY;
    if (strlen(text) >= sizeof plan->mirror_text)
        return slk_app_usage(plan->app, "the list of mirrors is too long");
    strcpy(plan->mirror_text, text);
    char *save = NULL;
    for (char *at = strtok_r(plan->mirror_text, ", ", &save); at;
         at = strtok_r(NULL, ", ", &save)) {
        if (plan->mirror_cnt == MIRRORS_MAX)
            return slk_app_usage(plan->app, "more than %u mirrors", MIRRORS_MAX);
        if (strncmp(at, "http://", 7) != 0 && strncmp(at, "https://", 8) != 0)
            return slk_app_usage(plan->app,
                                 "mirror '%.100s': expected a URL with http:// or https://", at);
        plan->mirrors[plan->mirror_cnt++] = at;
    }
    return plan->mirror_cnt ? SLK_OK : slk_app_usage(plan->app, "no mirror is named");
}

/* As Lotus: verifying keys of all sizes, the rest only of sizes that were asked for; the
 * parameters of aggregation, which are of no size, with any of these. */
static bool wanted(const plan_t *plan, const slk_manifest_row_t *row)
{
    const slk_args_t *args = plan->args;
    bool ours =
        row->circuit || args->opt[SLK_OPT_CIRCUITS].given; /* of --manifest, others may be */
    if (ours && !slk_params_wants_circuit(args, row->circuit))
        return false;
    if (strcmp(slk_params_name_kind(row->name), "vk") == 0)
        return true;
    if (args->opt[SLK_OPT_VK_ONLY].given || !args->opt[SLK_OPT_SIZES].given)
        return false;
    return !row->size || slk_params_wants_size(args, row->size);
}

static slk_err_t choose(plan_t *plan)
{
    plan->rows = calloc(plan->manifest.cnt, sizeof *plan->rows);
    plan->fetched = calloc(plan->manifest.cnt, sizeof *plan->fetched);
    if (!plan->rows || !plan->fetched)
        return slk_fail(&plan->app->diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < plan->manifest.cnt; i++) {
        const slk_manifest_row_t *row = &plan->manifest.rows[i];
        char path[4096];
        if (!wanted(plan, row))
            continue;
        slk_err_t err = slk_path_join(path, sizeof path, plan->dir, row->name, &plan->app->diag);
        if (err != SLK_OK)
            return err;
        slk_params_check_t *check = &plan->rows[plan->cnt++];
        slk_params_check_init(check, path, &plan->manifest);
        check->remembered =
            check->state == SLK_FILE_FOREIGN && slk_params_record_knows(plan->record, check);
    }
    if (!plan->cnt)
        return slk_fail(&plan->app->diag, SLK_ERR_NOTFOUND,
                        "the list of files has none of these sizes and circuits");
    return SLK_OK;
}

/* --- Fetching ------------------------------------------------------------------------------- */

/* A mirror's URL of a file: with {name} replaced, or with the CID behind it. */
static void url_of(char out[URL_SZ], const char *mirror, const slk_manifest_row_t *row)
{
    static const char mark[] = "{name}";
    const char *at = strstr(mirror, mark);
    size_t len = strlen(mirror);
    if (at)
        snprintf(out, URL_SZ, "%.*s%s%s", (int)(at - mirror), mirror, row->name, at + strlen(mark));
    else
        snprintf(out, URL_SZ, "%s%s%s", mirror, mirror[len - 1] == '/' ? "" : "/", row->cid);
}

typedef struct {
    slk_download_t *files;
    slk_download_outcome_t *outcomes;
    slk_params_check_t **rows;
    size_t cnt;
    char (*urls)[URL_SZ];
    const char **lists;
} batch_t;

static bool batch_init(batch_t *batch, const plan_t *plan)
{
    batch->files = calloc(plan->cnt, sizeof *batch->files);
    batch->outcomes = calloc(plan->cnt, sizeof *batch->outcomes);
    batch->rows = calloc(plan->cnt, sizeof *batch->rows);
    batch->urls = calloc(plan->cnt * plan->mirror_cnt, sizeof *batch->urls);
    batch->lists = calloc(plan->cnt * plan->mirror_cnt, sizeof *batch->lists);
    return batch->files && batch->outcomes && batch->rows && batch->urls && batch->lists;
}

static void batch_fini(batch_t *batch)
{
    free(batch->files);
    free(batch->outcomes);
    free(batch->rows);
    free(batch->urls);
    free(batch->lists);
}

static void batch_add(batch_t *batch, const plan_t *plan, slk_params_check_t *row)
{
    const char **list = &batch->lists[batch->cnt * plan->mirror_cnt];
    for (size_t i = 0; i < plan->mirror_cnt; i++) {
        char *url = batch->urls[batch->cnt * plan->mirror_cnt + i];
        url_of(url, plan->mirrors[i], row->row);
        list[i] = url;
    }
    batch->rows[batch->cnt] = row;
    batch->files[batch->cnt++] = (slk_download_t){.path = row->path,
                                                  .urls = list,
                                                  .url_cnt = plan->mirror_cnt,
                                                  .len = row->row->len,
                                                  .digest = row->row->digest,
                                                  .digest_sz = SLK_MANIFEST_DIGEST_SZ};
}

static void note_right(plan_t *plan, slk_params_check_t *row)
{
    row->state = SLK_FILE_PUBLISHED;
    slk_params_record_add(plan->record, row);
}

/* Fetch what is missing or wrong; what was made here is nobody's to replace. */
static slk_err_t fetch_rest(plan_t *plan)
{
    slk_err_t err;
    batch_t batch = {0};
    slk_app_t *app = plan->app;
    const slk_value_t *opt = plan->args->opt;
    const slk_download_limits_t limits = {
        .parallel = (unsigned)opt[SLK_OPT_PARALLEL].num,
        .stall_seconds = opt[SLK_OPT_STALL_TIMEOUT].seconds,
    };
    if (!batch_init(&batch, plan)) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < plan->cnt; i++) {
        if (plan->rows[i].state == SLK_FILE_MISSING || plan->rows[i].state == SLK_FILE_WRONG)
            batch_add(&batch, plan, &plan->rows[i]);
    }
    err = slk_download(batch.outcomes, batch.files, batch.cnt, &limits, &app->job, &app->diag);
    for (size_t i = 0; i < batch.cnt; i++) {
        slk_params_check_t *row = batch.rows[i];
        if (batch.outcomes[i].err == SLK_OK) {
            note_right(plan, row);
            plan->fetched[row - plan->rows] = true;
        } else if (err != SLK_ERR_CANCELLED &&
                   strcmp(batch.outcomes[i].diag.text, app->diag.text) != 0) {
            slk_params_complain(app, plan->args, batch.outcomes[i].diag.text);
        }
    }
out:
    batch_fini(&batch);
    return err;
}

/* Files made here under the name of published ones, if their size was asked for. */
static slk_err_t refuse_made(const plan_t *plan)
{
    for (size_t i = 0; i < plan->cnt; i++) {
        const slk_params_check_t *row = &plan->rows[i];
        if (row->state == SLK_FILE_ERROR)
            return slk_fail(&plan->app->diag, SLK_ERR_IO, "%s", row->diag.text);
        if (row->state == SLK_FILE_MADE && plan->args->opt[SLK_OPT_SIZES].given &&
            slk_params_wants_size(plan->args, row->row->size))
            return slk_fail(&plan->app->diag, SLK_ERR_STATE,
                            "%s: was made here and is not the published file; remove it with its "
                            ".b2sum file, or choose another folder with --dir",
                            row->path);
    }
    return SLK_OK;
}

/* --- The command ---------------------------------------------------------------------------- */

static slk_err_t lock_folder(int *fd, plan_t *plan)
{
    slk_err_t err = slk_make_dirs(plan->dir, &plan->app->diag);
    if (err == SLK_OK)
        err = slk_lock_dir(fd, plan->dir, &plan->app->diag);
    if (err == SLK_ERR_BUSY)
        return slk_fail(&plan->app->diag, err,
                        "%s: another process fetches or makes parameters there; wait for it or "
                        "stop it first",
                        plan->dir);
    return err;
}

static void report(plan_t *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->cnt; i++) {
        const slk_params_check_t *row = &plan->rows[i];
        const char *state = row->state == SLK_FILE_MADE ? "made here"
                            : plan->fetched[i]          ? "fetched"
                                                        : "present";
        const slk_size_t *size = row->row->size;
        json_array_append_new(
            list, json_pack("{s:o, s:s?, s:s?, s:s}", "file", slk_json_text(row->path), "circuit",
                            row->row->circuit, "size", size ? size->name : NULL, "state", state));
    }
    plan->app->result = list;
}

static slk_err_t check_present(plan_t *plan)
{
    slk_err_t err = slk_params_check(plan->rows, plan->cnt, "digests of what is there",
                                     &plan->app->job, &plan->app->diag);
    for (size_t i = 0; err == SLK_OK && i < plan->cnt; i++) {
        if (plan->rows[i].state == SLK_FILE_PUBLISHED && !plan->rows[i].remembered)
            note_right(plan, &plan->rows[i]);
    }
    return err;
}

slk_err_t slk_run_params_fetch(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    int lock = -1;
    plan_t *plan = calloc(1, sizeof *plan);
    if (!plan)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    plan->app = app, plan->args = args;
    SLK_TRY(split_mirrors(plan));
    SLK_TRY(slk_params_manifest(&plan->manifest, args, &app->diag));
    SLK_TRY(slk_params_folder(plan->dir, sizeof plan->dir, args, &app->diag));
    SLK_TRY(slk_app_job(app, args, "what was fetched is kept, run it again for the rest"));
    SLK_TRY(lock_folder(&lock, plan));
    plan->record = slk_params_record_load(plan->dir);
    SLK_TRY(choose(plan));
    SLK_TRY(check_present(plan));
    SLK_TRY(refuse_made(plan));
    err = fetch_rest(plan);
    slk_params_record_save(plan->record, plan->dir);
    if (err == SLK_OK)
        report(plan);
out:
    if (lock >= 0)
        close(lock);
    json_decref(plan->record);
    slk_manifest_fini(&plan->manifest);
    free(plan->rows);
    free(plan->fetched);
    free(plan);
    return err;
}
