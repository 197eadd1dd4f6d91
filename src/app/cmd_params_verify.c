#include "app/cmd_params_files.h"

#include "base/assert.h"
#include "base/file.h"
#include "proofs/groth16/points.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Shared with fetch ---------------------------------------------------------------------- */

slk_err_t slk_params_manifest(slk_manifest_t *out, const slk_args_t *args, slk_diag_t *diag)
{
    const char *path = args->opt[SLK_OPT_MANIFEST].text;
    char *text;
    size_t len;
    if (!path)
        return slk_manifest_published(out, diag);
    slk_err_t err = slk_read_file(&text, &len, path, SLK_MANIFEST_MAX, diag);
    if (err != SLK_OK)
        return err;
    err = slk_manifest_parse(out, text, len, path, diag);
    free(text);
    return err;
}

slk_err_t slk_params_folder(char *out, size_t cap, const slk_args_t *args, slk_diag_t *diag)
{
    const char *dir = args->opt[SLK_OPT_DIR].text;
    if (!dir)
        return slk_params_dir(out, cap, diag);
    int len = snprintf(out, cap, "%s", dir);
    return len < 0 || (size_t)len >= cap
               ? slk_fail(diag, SLK_ERR_LENGTH, "--dir: the path is too long")
               : SLK_OK;
}

static bool wants(const slk_args_t *args, slk_opt_id_t id, const char *word)
{
    const slk_value_t *value = &args->opt[id];
    return !value->text || (word && slk_value_has(value, slk_opts[id].choices, word));
}

bool slk_params_wants_size(const slk_args_t *args, const slk_size_t *size)
{
    return wants(args, SLK_OPT_SIZES, size ? size->name : NULL);
}

bool slk_params_wants_circuit(const slk_args_t *args, const char *circuit)
{
    return wants(args, SLK_OPT_CIRCUITS, circuit);
}

void slk_params_complain(slk_app_t *app, const slk_args_t *args, const char *why)
{
    char title[64];
    slk_progress_view_stop(app->view);
    app->view = NULL;
    slk_command_title(title, args->command);
    fprintf(stderr, "%s: %s\n", title, why);
}

/* --- Which files ---------------------------------------------------------------------------- */

typedef struct {
    slk_params_check_t *rows;
    size_t cnt;
} files_t;

static slk_err_t add_file(files_t *files, const char *path, const slk_manifest_t *manifest,
                          slk_diag_t *diag)
{
    slk_params_check_t *rows = realloc(files->rows, (files->cnt + 1) * sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    files->rows = rows;
    if (strlen(path) >= sizeof rows->path)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: path too long", path);
    slk_params_check_init(&rows[files->cnt++], path, manifest);
    return SLK_OK;
}

static int is_params(const struct dirent *entry)
{
    return slk_params_name_valid(entry->d_name);
}

static slk_err_t add_folder(files_t *files, const char *dir, const slk_args_t *args,
                            const slk_manifest_t *manifest, slk_diag_t *diag)
{
    struct dirent **entries;
    slk_err_t err = SLK_OK;
    int cnt = scandir(dir, &entries, is_params, alphasort);
    if (cnt < 0)
        return slk_fail_errno(diag, "read the folder", dir);
    for (int i = 0; i < cnt; i++) {
        const char *circuit, *name = entries[i]->d_name;
        const slk_size_t *size;
        char path[4096];
        slk_params_name_circuit(&circuit, &size, name);
        if (err == SLK_OK && slk_params_wants_circuit(args, circuit) &&
            slk_params_wants_size(args, size)) {
            err = slk_path_join(path, sizeof path, dir, name, diag);
            if (err == SLK_OK)
                err = add_file(files, path, manifest, diag);
        }
        free(entries[i]);
    }
    free(entries);
    if (err == SLK_OK && !files->cnt)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: no such parameter files are there; selkie params fetch gets them",
                        dir);
    return err;
}

/* --- Points --------------------------------------------------------------------------------- */

static slk_err_t points_of(const char *path, const slk_job_t *job, slk_diag_t *diag)
{
    slk_params_t params;
    slk_err_t err = slk_params_open(&params, path, job, diag);
    if (err != SLK_OK)
        return err;
    slk_progress_begin(slk_job_progress(job), "points", "points", slk_params_point_cnt(&params), 0);
    err = slk_params_check_points(&params, path, job, diag);
    slk_progress_end(slk_job_progress(job));
    slk_params_fini(&params);
    return err;
}

static slk_err_t vk_points_of(const char *path, const slk_job_t *job, slk_diag_t *diag)
{
    slk_vk_t *vk;
    slk_err_t err = slk_vk_read(&vk, path, job, diag);
    if (err == SLK_OK)
        slk_vk_free(vk);
    return err;
}

/* Also of files whose digest is not known, which is where it matters. */
static slk_err_t check_points(files_t *files, const slk_job_t *job, slk_diag_t *diag)
{
    static const struct {
        const char *kind;
        slk_err_t (*check)(const char *path, const slk_job_t *job, slk_diag_t *diag);
    } kinds[] = {{"params", points_of}, {"vk", vk_points_of}};
    for (size_t i = 0; i < files->cnt; i++) {
        slk_params_check_t *row = &files->rows[i];
        const char *kind = slk_params_name_kind(row->path);
        for (size_t k = 0; kind && k < SLK_COUNT(kinds); k++) {
            if (strcmp(kind, kinds[k].kind) != 0 || row->state == SLK_FILE_MISSING ||
                row->state == SLK_FILE_ERROR || row->state == SLK_FILE_WRONG)
                continue;
            slk_diag_t why = {""};
            slk_err_t err = kinds[k].check(row->path, job, &why);
            if (err == SLK_ERR_CANCELLED || err == SLK_ERR_NOMEM)
                return slk_fail(diag, err, "%s", why.text);
            if (err != SLK_OK) {
                row->state = SLK_FILE_WRONG;
                row->diag = why;
            }
        }
    }
    return SLK_OK;
}

/* --- The command ---------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text && *text ? slk_json_text(text) : json_null();
}

static void report(slk_app_t *app, const slk_args_t *args, const slk_params_check_t *row)
{
    const char *circuit;
    const slk_size_t *size;
    bool ok = row->state == SLK_FILE_PUBLISHED || row->state == SLK_FILE_MADE;
    slk_params_name_circuit(&circuit, &size, slk_base_name(row->path));
    const char *origin = row->state == SLK_FILE_PUBLISHED ? "published"
                         : row->state == SLK_FILE_MADE    ? "made here"
                                                          : NULL;
    json_array_append_new(
        app->result,
        json_pack("{s:o, s:b, s:s?, s:s?, s:s?, s:o, s:o}", "file", slk_json_text(row->path), "ok",
                  ok, "circuit", circuit, "size", size ? size->name : NULL, "origin", origin,
                  "expected", text_or_null(row->expected), "found", text_or_null(row->found)));
    if (!ok) {
        app->answer_no = true;
        slk_params_complain(app, args, row->diag.text);
    }
}

slk_err_t slk_run_params_verify(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[4096];
    files_t files = {0};
    slk_manifest_t manifest = {0};
    bool chosen = args->opt[SLK_OPT_SIZES].given || args->opt[SLK_OPT_CIRCUITS].given ||
                  args->opt[SLK_OPT_DIR].given;
    if (args->word_cnt && chosen)
        return slk_app_usage(app, "either files are named, or --size, --circuit and --dir");
    SLK_TRY(slk_params_manifest(&manifest, args, &app->diag));
    for (size_t i = 0; i < args->word_cnt; i++)
        SLK_TRY(add_file(&files, args->words[i], &manifest, &app->diag));
    if (!args->word_cnt) {
        SLK_TRY(slk_params_folder(dir, sizeof dir, args, &app->diag));
        SLK_TRY(add_folder(&files, dir, args, &manifest, &app->diag));
    }
    SLK_TRY(slk_app_job(app, args, "nothing was changed, run it again"));
    SLK_TRY(slk_params_check(files.rows, files.cnt, "digests", &app->job, &app->diag));
    if (args->opt[SLK_OPT_POINTS].given)
        SLK_TRY(check_points(&files, &app->job, &app->diag));
    app->result = json_array();
    for (size_t i = 0; i < files.cnt; i++)
        report(app, args, &files.rows[i]);
out:
    free(files.rows);
    slk_manifest_fini(&manifest);
    return err;
}
