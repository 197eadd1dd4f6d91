#include "app/app.h"
#include "app/manager_use.h"
#include "app/nouns.h"
#include "app/repo.h"
#include "app/show.h"

#include "base/assert.h"
#include "worker/worker.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static slk_err_t worker_dir(char *out, size_t cap, slk_app_t *app, const slk_args_t *args)
{
    return slk_repo_dir(out, cap, args->opt[SLK_OPT_REPO].text, "worker", &app->diag);
}

/* Paths are named as seen from here, kept absolute. */
static slk_err_t absolute(char out[PATH_MAX], slk_app_t *app, const char *path)
{
    char here[PATH_MAX];
    if (*path == '/' || !getcwd(here, sizeof here))
        return (size_t)snprintf(out, PATH_MAX, "%s", path) < PATH_MAX
                   ? SLK_OK
                   : slk_fail(&app->diag, SLK_ERR_LENGTH, "the path is too long");
    return (size_t)snprintf(out, PATH_MAX, "%s/%s", here, path) < PATH_MAX
               ? SLK_OK
               : slk_fail(&app->diag, SLK_ERR_LENGTH, "the path is too long");
}

static slk_err_t init(slk_app_t *app, const slk_args_t *args, bool store)
{
    slk_err_t err;
    char dir[PATH_MAX], root[PATH_MAX], id[SLK_STORAGE_ID_MAX];
    slk_path_meta_t meta = {.weight = args->opt[SLK_OPT_WEIGHT].num,
                            .max_storage = args->opt[SLK_OPT_MAX_STORAGE].num,
                            .can_seal = !store || args->opt[SLK_OPT_CAN_SEAL].given,
                            .can_store = store || args->opt[SLK_OPT_CAN_STORE].given};
    meta.can_final = meta.can_store;
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(absolute(root, app, args->words[0]));
    SLK_TRY(slk_worker_path_init(id, dir, root, store, &meta, &app->diag));
    slk_result_text(app, "id", id);
    slk_result_text(app, "path", root);
out:
    return err;
}

static slk_err_t run_seal_init(slk_app_t *app, const slk_args_t *args)
{
    return init(app, args, false);
}

static slk_err_t run_file_init(slk_app_t *app, const slk_args_t *args)
{
    return init(app, args, true);
}

static slk_err_t run_attach(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX], root[PATH_MAX], id[SLK_STORAGE_ID_MAX];
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(absolute(root, app, args->words[0]));
    SLK_TRY(slk_worker_path_attach(id, dir, root, &app->diag));
    slk_result_text(app, "id", id);
    slk_result_text(app, "path", root);
out:
    return err;
}

static slk_err_t run_detach(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_worker_path_detach(dir, args->words[0], &app->diag));
    slk_result_text(app, "detached", args->words[0]);
out:
    return err;
}

static slk_err_t run_redeclare(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char dir[PATH_MAX];
    json_t *nothing = NULL;
    SLK_TRY(worker_dir(dir, sizeof dir, app, args));
    SLK_TRY(slk_manager_call_at(dir, "Selkie.WorkerReload", NULL, NULL, &nothing, &app->diag));
    slk_result_json(app, "reloading", json_true());
out:
    json_decref(nothing);
    return err;
}

static slk_err_t run_list(slk_app_t *app, const slk_args_t *args)
{
    return slk_manager_call(app, args, "Selkie.StorageList", NULL, &app->result);
}

static slk_err_t run_find(slk_app_t *app, const slk_args_t *args)
{
    slk_value_t number;
    const slk_value_t *miner = &args->opt[SLK_OPT_MINER];
    if (!slk_value_parse(&number, SLK_ARG_NUMBER, NULL, args->words[0]) || number.num > INT64_MAX)
        return slk_app_usage(app, "expected a sector number, found %.60s", args->words[0]);
    return slk_manager_call(
        app, args, "Selkie.StorageFind",
        json_pack("[I, o]", (json_int_t)number.num,
                  miner->given ? json_integer((json_int_t)miner->num) : json_null()),
        &app->result);
}

static slk_err_t run_forget(slk_app_t *app, const slk_args_t *args)
{
    return slk_manager_call(app, args, "Selkie.StorageForget", json_pack("[s]", args->words[0]),
                            &app->result);
}

/* --- Tables ---------------------------------------------------------------------------------------- */

static const slk_opt_use_t seal_opts[] = {
    {SLK_OPT_CAN_STORE, SLK_OPTIONAL, NULL, "also for long-term storage"},
    {SLK_OPT_WEIGHT, SLK_OPTIONAL, "10", NULL},
    {SLK_OPT_MAX_STORAGE, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t file_opts[] = {
    {SLK_OPT_CAN_SEAL, SLK_OPTIONAL, NULL, "also for sealing"},
    {SLK_OPT_WEIGHT, SLK_OPTIONAL, "10", NULL},
    {SLK_OPT_MAX_STORAGE, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t here_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t forget_opts[] = {
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t ask_opts[] = {
    {SLK_OPT_MINER, SLK_OPTIONAL, NULL, "of several miners, this one"},
    {SLK_OPT_REPO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, "the manager, instead of MINER_API_INFO"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define PATH_WORD                                                                                  \
    {                                                                                              \
        "PATH", "folder", SLK_ARG_DIR, NULL, 1, 1                                                  \
    }

const slk_command_t slk_store_commands[] = {
    {.noun = "store",
     .verb = "seal-init",
     .summary = "make a folder a path for sealing, of this worker",
     .details =
         "Writes Lotus' sectorstore.json and the folders of a storage path, and attaches it. The "
         "worker of the repo takes it into use within seconds.",
     .opts = seal_opts,
     .opt_cnt = SLK_COUNT(seal_opts),
     .words = PATH_WORD,
     .json = "id: UUID of the path\npath: absolute",
     .examples = "store seal-init /nvme/seal\nstore seal-init --store /data",
     .run = run_seal_init},
    {.noun = "store",
     .verb = "file-init",
     .summary = "make a folder a path for long-term storage, of this worker",
     .opts = file_opts,
     .opt_cnt = SLK_COUNT(file_opts),
     .words = PATH_WORD,
     .json = "id: UUID of the path\npath: absolute",
     .examples = "store file-init /mnt/disk1",
     .run = run_file_init},
    {.noun = "store",
     .verb = "attach",
     .summary = "use a storage path that exists, as one of lotus-miner",
     .opts = here_opts,
     .opt_cnt = SLK_COUNT(here_opts),
     .words = PATH_WORD,
     .json = "id: UUID of the path\npath: absolute",
     .examples = "store attach /mnt/disk1",
     .run = run_attach},
    {.noun = "store",
     .verb = "detach",
     .summary = "use a storage path no more; its files stay",
     .opts = here_opts,
     .opt_cnt = SLK_COUNT(here_opts),
     .words = {"PATH", "folder, or the path's UUID", SLK_ARG_DIR, NULL, 1, 1},
     .json = "detached: as it was named",
     .examples = "store detach /mnt/disk1",
     .run = run_detach},
    {.noun = "store",
     .verb = "redeclare",
     .summary = "look again which files lie in the worker's paths",
     .opts = here_opts,
     .opt_cnt = SLK_COUNT(here_opts),
     .json = "reloading: true",
     .examples = "store redeclare",
     .run = run_redeclare},
    {.noun = "store",
     .verb = "list",
     .summary = "all storage paths of the cluster",
     .opts = ask_opts,
     .opt_cnt = SLK_COUNT(ask_opts),
     .json = "ID: UUID of the path\n"
             "Weight: preferred when higher\n"
             "MaxStorage: bytes that are used at most, 0: no limit\n"
             "Groups: and AllowTo, AllowTypes, DenyTypes, AllowMiners, DenyMiners, as in "
             "sectorstore.json\n"
             "CanSeal: for sealing\n"
             "CanStore: for long-term storage\n"
             "CanFinal: where sectors stay\n"
             "URLs: [{Worker, URL, Path}] of the workers that have it\n"
             "Capacity: bytes\n"
             "Available: bytes\n"
             "Used: bytes\n"
             "Reserved: bytes promised to running jobs\n"
             "Sectors: how many have files there\n"
             "Usable: whether jobs may use it now\n"
             "Err: what is wrong with it, or empty",
     .examples = "store list",
     .run = run_list,
     .show = slk_show_stores},
    {.noun = "store",
     .verb = "forget",
     .summary = "take a path that no worker has any more off the lists",
     .details = "What it held counts as lost from then on. Attach it again, anywhere, and it is "
                "known again.",
     .opts = forget_opts,
     .opt_cnt = SLK_COUNT(forget_opts),
     .words = {"ID", "UUID of the path", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "forgotten: the id",
     .examples = "store forget 76f1988b-ef30-4d7e-b3ec-9a627f4ba5a8",
     .run = run_forget},
    {.noun = "store",
     .verb = "find",
     .summary = "where the files of a sector are",
     .opts = ask_opts,
     .opt_cnt = SLK_COUNT(ask_opts),
     .words = {"SECTOR", "its number", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "type: unsealed, sealed, cache ...\n"
             "store: UUID of the path\n"
             "worker: name of one that has it, or null\n"
             "path: its folder there, or null\n"
             "worker_id: UUID\n"
             "url: where it can be fetched\n"
             "primary: whether it is the copy that counts",
     .examples = "store find 5",
     .run = run_find,
     .show = slk_show_found},
    {0},
};
