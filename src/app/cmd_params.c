#include "app/app.h"
#include "app/cmd_params_files.h"
#include "app/cmd_params_list.h"
#include "app/nouns.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/r1cs.h"
#include "selkie/setup.h"

#include <stdlib.h>
#include <string.h>

static slk_circuit_kind_t circuit_of(const slk_args_t *args)
{
    unsigned kind = 0;
    while (strcmp(slk_circuit_name((slk_circuit_kind_t)kind), args->opt[SLK_OPT_CIRCUIT].text) != 0)
        kind++;
    return (slk_circuit_kind_t)kind;
}

static json_t *counts_json(const slk_r1cs_counts_t *counts, const slk_node_t *sha256)
{
    return json_pack("{s:I, s:I, s:I, s:s}", "constraints", (json_int_t)counts->constraints, "aux",
                     (json_int_t)counts->aux, "inputs", (json_int_t)counts->inputs, "sha256",
                     slk_node_hex(sha256).s);
}

static slk_err_t run_r1cs(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    char id[SLK_CACHE_ID_SZ];
    const slk_size_t *size = slk_size_by_name(args->opt[SLK_OPT_ANY_SIZE].text);
    slk_circuit_kind_t kind = circuit_of(args);
    slk_r1cs_digest_t *digest = calloc(1, sizeof *digest);
    if (!digest)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_app_job(app, args, "nothing was written, run it again"));
    SLK_TRY(slk_r1cs_digest(digest, kind, size, &app->job, &app->diag));
    slk_circuit_cache_id(id, kind, size);
    slk_result_text(app, "size", size->name);
    slk_result_text(app, "circuit", slk_circuit_name(kind));
    slk_result_node(app, "sha256", &digest->sha256);
    slk_result_num(app, "constraints", digest->counts.constraints);
    slk_result_num(app, "aux", digest->counts.aux);
    slk_result_num(app, "inputs", digest->counts.inputs);
    slk_result_json(app, "terms",
                    json_pack("{s:I, s:I, s:I}", "a", (json_int_t)digest->terms[0], "b",
                              (json_int_t)digest->terms[1], "c", (json_int_t)digest->terms[2]));
    slk_result_text(app, "cache_identifier", id);
    json_t *list = json_array();
    for (unsigned i = 0; i < digest->checkpoint_cnt; i++)
        json_array_append_new(
            list, counts_json(&digest->checkpoint[i].counts, &digest->checkpoint[i].sha256));
    slk_result_json(app, "checkpoints", list);
out:
    free(digest);
    return err;
}

static slk_err_t generate_one(slk_app_t *app, slk_circuit_kind_t kind, const slk_size_t *size,
                              bool mainnet)
{
    slk_setup_files_t files;
    double start = slk_clock_seconds();
    slk_err_t err = slk_setup_make(&files, NULL, kind, size, mainnet, &app->job, &app->diag);
    if (err == SLK_OK)
        json_array_append_new(app->result, json_pack("{s:s, s:o, s:o, s:b, s:f}", "circuit",
                                                     slk_circuit_name(kind), "params",
                                                     slk_json_text(files.params), "vk",
                                                     slk_json_text(files.vk), "made", files.made,
                                                     "seconds", slk_clock_seconds() - start));
    return err;
}

static slk_err_t run_generate(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    const char *which = args->opt[SLK_OPT_ANY_CIRCUIT].text;
    const slk_size_t *size = args->opt[SLK_OPT_SIZE].size;
    bool mainnet = args->opt[SLK_OPT_MAINNET].given;
    if (slk_size_mainnet(size) && !mainnet)
        return slk_app_usage(app,
                             "parameters of %s made here prove nothing on a real network: fetch "
                             "those of the ceremony, or add --yes-this-is-not-a-ceremony",
                             size->name);
    SLK_TRY(slk_app_job(app, args, "complete files stay, run it again for the others"));
    app->result = json_array();
    for (unsigned kind = 0; kind < SLK_CIRCUIT_CNT; kind++) {
        const char *name = slk_circuit_name((slk_circuit_kind_t)kind);
        if (strcmp(which, "all") == 0 || strcmp(which, name) == 0)
            SLK_TRY(generate_one(app, (slk_circuit_kind_t)kind, size, mainnet));
    }
out:
    return err;
}

static const slk_opt_use_t generate_opts[] = {
    {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL},    {SLK_OPT_ANY_CIRCUIT, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_MAINNET, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t fetch_opts[] = {
    {SLK_OPT_SIZES, SLK_OPTIONAL, NULL, "sector sizes to prove; by default none, only to verify"},
    {SLK_OPT_CIRCUITS, SLK_OPTIONAL, "porep,winning,window,update,aggregation", NULL},
    {SLK_OPT_VK_ONLY, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_MIRRORS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_MANIFEST, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_DIR, SLK_OPTIONAL, NULL, "folder, instead of FIL_PROOFS_PARAMETER_CACHE"},
    {SLK_OPT_PARALLEL, SLK_OPTIONAL, "3", NULL},
    {SLK_OPT_STALL_TIMEOUT, SLK_OPTIONAL, "60", NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t verify_opts[] = {
    {SLK_OPT_SIZES, SLK_OPTIONAL, NULL, "sector sizes; by default all, and files of none"},
    {SLK_OPT_CIRCUITS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_POINTS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_MANIFEST, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_DIR, SLK_OPTIONAL, NULL, "folder, instead of FIL_PROOFS_PARAMETER_CACHE"},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t r1cs_opts[] = {
    {SLK_OPT_ANY_SIZE, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_CIRCUIT, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t list_opts[] = {
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_params_commands[] = {
    {.noun = "params",
     .verb = "fetch",
     .summary = "get the published parameter files",
     .details =
         "As lotus fetch-params does: the verifying keys of all sizes, and of the sizes named with "
         "--size the parameters and those of aggregation. Their names, CIDs and digests are those "
         "that rust-fil-proofs publishes. Mirrors are --mirror, else IPFS_GATEWAY, else the "
         "public gateway of Filecoin; each is asked for what another did not give.\n\n"
         "A file gets its name only when it is complete and its digest is right; until then it is "
         "a .part file, from which an interrupted or killed fetch goes on. Right files are kept "
         "and read only once; one that is damaged is replaced, one that was made here is not. "
         "All of 32GiB take 143 GB.",
     .opts = fetch_opts,
     .opt_cnt = SLK_COUNT(fetch_opts),
     .json = "file: its path\n"
             "circuit: which proof's, or null\n"
             "size: sector size, or null\n"
             "state: fetched, present, or made here",
     .examples = "params fetch\nparams fetch --size 32GiB --circuit porep,window,winning",
     .run = slk_run_params_fetch},
    {.noun = "params",
     .verb = "generate",
     .summary = "make parameters for development",
     .details =
         "Whoever makes parameters could keep their secrets and prove anything, so that no real "
         "network accepts these; the secrets are drawn at random and wiped. Files appear in "
         "FIL_PROOFS_PARAMETER_CACHE with the names of rust-fil-proofs, which can use them, and "
         "their digests beside them in a .b2sum file, for b2sum -c. Parameters that are there are "
         "kept.",
     .opts = generate_opts,
     .opt_cnt = SLK_COUNT(generate_opts),
     .json = "circuit: which proof's\n"
             "params: file of the parameters\n"
             "vk: file of the verifying key\n"
             "made: false when the parameters were there\n"
             "seconds: time it took",
     .examples = "params generate --size 2KiB --circuit all",
     .run = run_generate},
    {.noun = "params",
     .verb = "list",
     .summary = "show which parameter files are there",
     .details =
         "Every circuit of the sector sizes in use is shown, with files or without; further "
         "ones when they have a file in FIL_PROOFS_PARAMETER_CACHE. To verify a proof either "
         "file will do, to make one the params are needed. The files are not read.",
     .opts = list_opts,
     .opt_cnt = SLK_COUNT(list_opts),
     .json = "circuit: which proof's, null when it is not known\n"
             "size: sector size, or null\n"
             "params: whether the parameters are there\n"
             "params_size: bytes of that file, or null\n"
             "vk: whether the verifying key is there as a file of its own\n"
             "vk_size: bytes of that file, or null\n"
             "cache_identifier: the files are v28-, this, and .params or .vk",
     .examples = "params list --json",
     .run = slk_run_params_list},
    {.noun = "params",
     .verb = "r1cs",
     .summary = "digest of the constraints of a circuit",
     .details = "All constraints are made and hashed, in the format slk-r1cs-1. Two programs with "
                "the same digest can use the same parameters. Takes some MiB of memory; seconds, "
                "for 32GiB and 64GiB up to minutes.",
     .opts = r1cs_opts,
     .opt_cnt = SLK_COUNT(r1cs_opts),
     .json = "size, circuit: as asked for\n"
             "sha256: the digest\n"
             "constraints: number of constraints, without those of Groth16 for the inputs\n"
             "aux: number of auxiliary variables\n"
             "inputs: number of inputs, the constant 1 included\n"
             "terms: number of terms on each side of the constraints: a, b, c\n"
             "cache_identifier: what names the circuit's parameter files\n"
             "checkpoints: the digest so far after 1, 2, 4, 8 ... constraints: constraints, aux, "
             "inputs, sha256",
     .examples = "params r1cs --size 32GiB --circuit winning --json",
     .run = run_r1cs},
    {.noun = "params",
     .verb = "verify",
     .summary = "check the digests of parameter files",
     .details =
         "Reads files in full and compares their BLAKE2b digests: with those of the published "
         "files, or for files that were made here with the .b2sum file beside them. Without FILE "
         "all that are in FIL_PROOFS_PARAMETER_CACHE. A file whose digest is not known is not "
         "right either.",
     .opts = verify_opts,
     .opt_cnt = SLK_COUNT(verify_opts),
     .words = {"FILE", "parameters or verifying keys", SLK_ARG_FILE, NULL, 0, 256},
     .json = "file: its path\n"
             "ok: whether it is right\n"
             "circuit: which proof's, or null\n"
             "size: sector size, or null\n"
             "origin: published, made here, or null when it is not right\n"
             "expected: its digest as it should be, or its length, or null\n"
             "found: the same as it is",
     .examples = "params verify\nparams verify --size 32GiB --circuit porep",
     .run = slk_run_params_verify},
    {0},
};
