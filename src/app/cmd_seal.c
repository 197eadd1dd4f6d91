#include "app/bench.h"
#include "app/cmd_inputs.h"
#include "app/nouns.h"
#include "app/sector_args.h"

#include "base/assert.h"
#include "selkie/cid.h"
#include "selkie/prove.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char again[] = "run the same command again to go on";
static const char nothing[] = "the sector is as it was, run the same command again";

static slk_err_t open_sector(slk_sector_args_t *out, slk_app_t *app, const slk_args_t *args,
                             bool create, const char *go_on)
{
    slk_err_t err = slk_sector_args(out, args, create, &app->diag);
    return err == SLK_OK ? slk_app_job(app, args, go_on) : err;
}

static const slk_node_t *node_of(const slk_args_t *args, slk_opt_id_t id)
{
    return args->opt[id].given ? &args->opt[id].node : NULL;
}

static void result_cid(slk_app_t *app, const char *name, slk_cid_kind_t kind,
                       const slk_node_t *comm)
{
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, kind, comm);
    slk_result_text(app, name, cid);
}

/* --- Steps ---------------------------------------------------------------------------------- */

static json_t *pieces_json(const slk_add_piece_t *added)
{
    json_t *list = json_array();
    uint64_t used = 0;
    for (size_t i = 0; i < added->piece_cnt; i++) {
        const slk_piece_t *piece = &added->pieces[i];
        char cid[SLK_CID_STR_SZ];
        slk_cid_format(cid, SLK_CID_UNSEALED, &piece->comm_p);
        uint64_t offset = slk_piece_offset(used, piece->padded);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "piece_cid", cid, "offset",
                                              (json_int_t)offset, "padded_size",
                                              (json_int_t)piece->padded));
        used = offset + piece->padded;
    }
    return list;
}

static slk_err_t run_add_piece(slk_app_t *app, const slk_args_t *args)
{
    const char *path = args->words[0];
    const slk_value_t *limit = &args->opt[SLK_OPT_LIMIT];
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (standard)
        path = "standard input";
    if (fd < 0)
        return slk_fail_errno(&app->diag, "open", path);
    slk_err_t err;
    slk_sector_args_t sector;
    slk_add_piece_t added = {0};
    SLK_TRY(open_sector(&sector, app, args, true, nothing));
    SLK_TRY(slk_seal_add_piece(&added, &sector.sector, fd, path,
                               limit->given ? limit->num : UINT64_MAX,
                               args->opt[SLK_OPT_PIECE_SIZE].num, &app->job, &app->diag));
    result_cid(app, "piece_cid", SLK_CID_UNSEALED, &added.piece.comm_p);
    slk_result_num(app, "offset", added.offset);
    slk_result_num(app, "padded_size", added.piece.padded);
    slk_result_num(app, "raw_size", added.raw);
    slk_result_json(app, "pieces", pieces_json(&added));
out:
    slk_add_piece_fini(&added);
    if (!standard)
        close(fd);
    return err;
}

static slk_err_t run_pc1(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    slk_pc1_t pc1;
    slk_pc1_options_t options = slk_label_args(args);
    SLK_TRY(open_sector(&sector, app, args, true, again));
    SLK_TRY(slk_seal_pc1(&pc1, &sector.sector, &args->opt[SLK_OPT_TICKET].node, &options, &app->job,
                         &app->diag));
    slk_result_node(app, "comm_d", &pc1.comm_d);
    slk_result_node(app, "replica_id", &pc1.replica_id);
    slk_result_num(app, "labels_resumed_from", pc1.labels_resumed_from);
out:
    return err;
}

static slk_err_t run_pc2(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    slk_pc2_t pc2;
    SLK_TRY(open_sector(&sector, app, args, false, again));
    SLK_TRY(
        slk_seal_pc2(&pc2, &sector.sector, node_of(args, SLK_OPT_TICKET), &app->job, &app->diag));
    slk_result_node(app, "comm_d", &pc2.comm_d);
    slk_result_node(app, "comm_r", &pc2.comm_r);
    result_cid(app, "unsealed_cid", SLK_CID_UNSEALED, &pc2.comm_d);
    result_cid(app, "sealed_cid", SLK_CID_SEALED, &pc2.comm_r);
out:
    return err;
}

static slk_err_t run_c1(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    slk_c1_t c1;
    SLK_TRY(
        open_sector(&sector, app, args, false, "nothing was written, run the same command again"));
    SLK_TRY(slk_seal_c1(&c1, &sector.sector, &args->opt[SLK_OPT_TICKET].node,
                        &args->opt[SLK_OPT_SEED].node, args->opt[SLK_OPT_OUT].text, &app->job,
                        &app->diag));
    slk_result_num(app, "challenges", c1.challenges);
    slk_result_num(app, "partitions", c1.partitions);
    slk_result_node(app, "comm_d", &c1.comm_d);
    slk_result_node(app, "comm_r", &c1.comm_r);
    slk_result_node(app, "replica_id", &c1.replica_id);
    slk_result_text(app, "out", args->opt[SLK_OPT_OUT].text);
out:
    return err;
}

/* Where the time went; all zero when every partition was there already. */
static json_t *parts_json(const slk_c2_t *c2)
{
    json_t *list = json_array();
    double all = 0;
    for (unsigned i = 0; i < SLK_PROVE_PARTS; i++)
        all += c2->parts[i].wall;
    for (unsigned i = 0; i < SLK_PROVE_PARTS; i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "part", c2->parts[i].name,
                                              "seconds", c2->parts[i].wall, "share",
                                              all > 0 ? c2->parts[i].wall / all : 0));
    return list;
}

static slk_err_t run_c2(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_c2_t c2 = {0};
    slk_prove_limits_t limits;
    char partial[4096];
    double began = slk_clock_seconds();
    SLK_TRY(slk_app_limits(&limits, partial, sizeof partial, app, args));
    SLK_TRY(slk_app_job(app, args, SLK_PROOF_GO_ON));
    SLK_TRY(slk_seal_c2(&c2, args->opt[SLK_OPT_IN].text, args->opt[SLK_OPT_MINER].num,
                        args->opt[SLK_OPT_SECTOR].num, NULL, &limits, &app->job, &app->diag));
    SLK_TRY(slk_app_proof(app, args, c2.proof, c2.len, began, partial));
    slk_result_json(app, "parts", parts_json(&c2));
out:
    slk_c2_fini(&c2);
    return err;
}

static slk_err_t run_unseal(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    uint64_t bytes;
    slk_pc1_options_t options = slk_label_args(args);
    const slk_value_t *length = &args->opt[SLK_OPT_LENGTH];
    SLK_TRY(
        open_sector(&sector, app, args, false, "nothing was written, run the same command again"));
    SLK_TRY(slk_seal_unseal(&bytes, &sector.sector, &args->opt[SLK_OPT_TICKET].node,
                            &args->opt[SLK_OPT_COMM_D].node, args->opt[SLK_OPT_OUT].text,
                            args->opt[SLK_OPT_OFFSET].num, length->given ? length->num : UINT64_MAX,
                            &options, &app->job, &app->diag));
    slk_result_num(app, "bytes", bytes);
    slk_result_text(app, "out", args->opt[SLK_OPT_OUT].text);
out:
    return err;
}

/* --- Files ---------------------------------------------------------------------------------- */

static void append_name(void *ctx, const char *name)
{
    json_array_append_new(ctx, json_string(name));
}

static slk_err_t run_finalize(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    json_t *removed = json_array();
    SLK_TRY(open_sector(&sector, app, args, false, again));
    SLK_TRY(slk_seal_finalize(&sector.sector, args->opt[SLK_OPT_KEEP_UNSEALED].given, append_name,
                              removed, &app->diag));
    slk_result_json(app, "removed", json_incref(removed));
out:
    json_decref(removed);
    return err;
}

static slk_err_t run_check(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_args_t sector;
    json_t *problems = json_array();
    SLK_TRY(open_sector(&sector, app, args, false, "nothing was changed, run it again"));
    SLK_TRY(slk_seal_check(&sector.sector, args->opt[SLK_OPT_QUICK].given, append_name, problems,
                           &app->job, &app->diag));
    app->answer_no = json_array_size(problems) > 0;
    slk_result_json(app, "ok", json_boolean(!app->answer_no));
    slk_result_json(app, "problems", json_incref(problems));
out:
    json_decref(problems);
    return err;
}

/* --- Tables --------------------------------------------------------------------------------- */

#define POREP_OF_SECTOR                                                                            \
    "proof: old graph, interactive, synthetic, non-interactive; a sector that was begun keeps "    \
    "its own"
#define SECTOR_OPTS                                                                                \
    {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL},                                                      \
        {SLK_OPT_POREP, SLK_OPTIONAL, "v1_1", POREP_OF_SECTOR},                                    \
        {SLK_OPT_MINER, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_SECTOR, SLK_REQUIRED, NULL, NULL},     \
    {                                                                                              \
        SLK_OPT_DIR, SLK_REQUIRED, NULL, NULL                                                      \
    }
#define SHOW_OPTS                                                                                  \
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},         \
    {                                                                                              \
        SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL                                                    \
    }

static const slk_opt_use_t add_piece_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_PIECE_SIZE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_LIMIT, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t pc1_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_TICKET, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_CHECKPOINT, SLK_OPTIONAL, "30", NULL},
    {SLK_OPT_LAYERS, SLK_OPTIONAL, "auto", NULL},
    {SLK_OPT_PARENTS, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t pc2_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_TICKET, SLK_OPTIONAL, NULL,
     "sealing randomness, 32 bytes; only for a synthetic sector whose PC1 another program made"},
    SHOW_OPTS,
};
static const slk_opt_use_t c1_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_TICKET, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_SEED, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_OUT, SLK_REQUIRED, NULL, NULL},
    SHOW_OPTS,
};
#define CLAIM_OPTS                                                                                 \
    {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_POREP, SLK_OPTIONAL, "v1_1", NULL},         \
        {SLK_OPT_MINER, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_SECTOR, SLK_REQUIRED, NULL, NULL},     \
        {SLK_OPT_TICKET, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_SEED, SLK_REQUIRED, NULL, NULL},      \
        {SLK_OPT_COMM_D, SLK_REQUIRED, NULL, NULL},                                                \
    {                                                                                              \
        SLK_OPT_COMM_R, SLK_REQUIRED, NULL, NULL                                                   \
    }
static const slk_opt_use_t inputs_opts[] = {
    CLAIM_OPTS,
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t verify_opts[] = {
    CLAIM_OPTS,
    SHOW_OPTS,
};
static const slk_opt_use_t c2_opts[] = {
    {SLK_OPT_MINER, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_SECTOR, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_IN, SLK_REQUIRED, NULL, "the JSON that seal c1 wrote"},
    {SLK_OPT_OUT, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_MEMORY, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t unseal_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_TICKET, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_COMM_D, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_OUT, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_OFFSET, SLK_OPTIONAL, "0", NULL},
    {SLK_OPT_LENGTH, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_LAYERS, SLK_OPTIONAL, "auto", NULL},
    {SLK_OPT_PARENTS, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t finalize_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_KEEP_UNSEALED, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t check_opts[] = {
    SECTOR_OPTS,
    {SLK_OPT_QUICK, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};
static const slk_opt_use_t bench_opts[] = {
    {SLK_OPT_SIZE, SLK_OPTIONAL, "2KiB", NULL},
    {SLK_OPT_POREP, SLK_OPTIONAL, "v1_1", NULL},
    {SLK_OPT_MINER, SLK_OPTIONAL, "1000", NULL},
    {SLK_OPT_SECTOR, SLK_OPTIONAL, "1", NULL},
    {SLK_OPT_DIR, SLK_OPTIONAL, ".",
     "folder in which a temporary one is made, and removed at the end"},
    {SLK_OPT_LAYERS, SLK_OPTIONAL, "auto", NULL},
    {SLK_OPT_PARENTS, SLK_OPTIONAL, NULL, NULL},
    SHOW_OPTS,
};

#define SECTOR_EXAMPLE "--size 32GiB --miner f01000 --sector 1 --dir /sealing"

const slk_command_t slk_seal_commands[] = {
    {.noun = "seal",
     .verb = "add-piece",
     .summary = "append a piece to the unsealed sector",
     .details = "The piece is aligned to a multiple of its size. It counts only when it is "
                "complete: an interrupted call leaves the sector as it was.",
     .opts = add_piece_opts,
     .opt_cnt = SLK_COUNT(add_piece_opts),
     .words = {"FILE", "the data as it is, without padding; - for standard input", SLK_ARG_FILE,
               NULL, 1, 1},
     .json = "piece_cid: commitment of the piece\n"
             "offset: its place in the unsealed file\n"
             "padded_size: bytes of the padded piece\n"
             "raw_size: bytes of data that were read\n"
             "pieces: all pieces of the sector so far: piece_cid, offset, padded_size",
     .examples = "seal add-piece " SECTOR_EXAMPLE " video.car",
     .run = run_add_piece},
    {.noun = "seal",
     .verb = "pc1",
     .summary = "compute tree_d and the labels of all layers",
     .details = "Without an unsealed file the sector becomes one of committed capacity, all zeros. "
                "What an earlier call with the same ticket and pieces left is taken up where it "
                "stopped, or checked and reported again if it is complete; that of other inputs is "
                "refused.\n\n"
                "Writes pc1out.json into the cache folder. Needs memory for two layers, or with "
                "--layers disk hardly any.",
     .opts = pc1_opts,
     .opt_cnt = SLK_COUNT(pc1_opts),
     .json = "comm_d: commitment of the unsealed sector\n"
             "replica_id: what the labels depend on: miner, sector, ticket, comm_d, variant\n"
             "labels_resumed_from: labels over all layers that were kept from an earlier run",
     .examples = "seal pc1 " SECTOR_EXAMPLE " --ticket 6e7a...",
     .run = run_pc1},
    {.noun = "seal",
     .verb = "pc2",
     .summary = "compute tree_c, the sealed file, tree_r_last and comm_r",
     .details = "Synthetic sectors also get the file of their synthetic proofs. Needs about 64 "
                "MiB of memory a thread whatever the size of the sector.",
     .opts = pc2_opts,
     .opt_cnt = SLK_COUNT(pc2_opts),
     .json = "comm_d: commitment of the unsealed sector\n"
             "comm_r: commitment of the sealed sector\n"
             "unsealed_cid: comm_d as a CID\n"
             "sealed_cid: comm_r as a CID",
     .examples = "seal pc2 " SECTOR_EXAMPLE,
     .run = run_pc2},
    {.noun = "seal",
     .verb = "c1",
     .summary = "make the vanilla proofs for the challenges",
     .details = "Every proof is checked before anything is written. The file is the JSON of the "
                "reference, byte for byte. A non-interactive sector takes any seed but zero.",
     .opts = c1_opts,
     .opt_cnt = SLK_COUNT(c1_opts),
     .json = "challenges: number of challenges in all partitions\n"
             "partitions: number of partitions\n"
             "comm_d: commitment of the unsealed sector\n"
             "comm_r: commitment of the sealed sector\n"
             "replica_id: what the labels depend on\n"
             "out: the file",
     .examples = "seal c1 " SECTOR_EXAMPLE " --ticket 6e7a... --seed 01b2... --out c1.json",
     .run = run_c1},
    {.noun = "seal",
     .verb = "c2",
     .summary = "make the proof that goes to the chain",
     .details =
         "From the output of c1, the reference's or ours, and the parameters of its size in "
         "the parameter cache, which are mapped, not loaded; no file of the sector is read. "
         "Vanilla proofs are checked before, every partition and the whole proof "
         "afterwards.\n\n"
         "One partition is proven at a time for every eight threads, with --memory as many as "
         "fit into it, a thread or more for each. When there are several, finished ones are kept "
         "in OUT.partial until the proof is written: the same command goes on with those that are "
         "missing, after it has verified these.\n\n"
         "A partition takes 0.4 GiB of memory for sectors of 2KiB and 8MiB, 0.8 GiB for 512MiB, "
         "12.1 GiB for 32GiB and 64GiB, whose proofs have 10 partitions; by default half of what "
         "is available is used, the rest caches the parameters. Non-interactive sectors need an "
         "aggregate, which this version does not make.",
     .opts = c2_opts,
     .opt_cnt = SLK_COUNT(c2_opts),
     .json = "proof: the proof, hex\n"
             "partitions: number of partitions\n"
             "seconds: time it took\n"
             "parts: part, seconds, share; of all partitions together",
     .examples = "seal c2 --miner f01000 --sector 1 --in c1.json --out proof.bin",
     .run = run_c2},
    {.noun = "seal",
     .verb = "verify",
     .summary = "check the proof of a sealed sector",
     .details = "Only the proof and the verifying key of the sector's size are read. Exit status 1 "
                "when the proof is not valid, and when it could not be checked.",
     .opts = verify_opts,
     .opt_cnt = SLK_COUNT(verify_opts),
     .words = {"PROOF", "the proof as it goes to the chain, 192 bytes a partition", SLK_ARG_FILE,
               NULL, 1, 1},
     .json = "valid: whether the proof is right",
     .examples =
         "seal verify --size 32GiB --miner f01000 --sector 1 --ticket 6e7a... --seed 01b2... "
         "--comm-d 82a3... --comm-r d9fa... proof.bin",
     .run = slk_run_seal_verify},
    {.noun = "seal",
     .verb = "inputs",
     .summary = "show the public inputs that a proof is verified with",
     .details = "They follow from the options alone; no file is read. A non-interactive sector's "
                "do not depend on the seed.",
     .opts = inputs_opts,
     .opt_cnt = SLK_COUNT(inputs_opts),
     .json = "public_inputs_le: of each partition, its inputs, 32 bytes little-endian hex",
     .examples =
         "seal inputs --size 32GiB --miner f01000 --sector 1 --ticket 6e7a... --seed 01b2... "
         "--comm-d 82a3... --comm-r d9fa... --json",
     .run = slk_run_seal_inputs},
    {.noun = "seal",
     .verb = "unseal",
     .summary = "get the data back from the sealed file",
     .details = "The whole sector is decoded and its commitment compared with --comm-d; only then "
                "the file appears. The labels are computed again, which takes as long as pc1, "
                "unless the last layer is still in the cache folder.",
     .opts = unseal_opts,
     .opt_cnt = SLK_COUNT(unseal_opts),
     .json = "bytes: number of bytes written\n"
             "out: the file",
     .examples = "seal unseal " SECTOR_EXAMPLE
                 " --ticket 6e7a... --comm-d 82a3... --out video.car --length 5000",
     .run = run_unseal},
    {.noun = "seal",
     .verb = "finalize",
     .summary = "remove what a proven sector does not need",
     .details = "Layers, tree_d, tree_c, synthetic proofs and the unsealed file go; the sealed "
                "file, p_aux, t_aux and tree_r_last stay. Harmless when run again.",
     .opts = finalize_opts,
     .opt_cnt = SLK_COUNT(finalize_opts),
     .json = "removed: the files that were removed",
     .examples = "seal finalize " SECTOR_EXAMPLE " --keep-unsealed",
     .run = run_finalize},
    {.noun = "seal",
     .verb = "check",
     .summary = "check whether the files of a sector are complete and consistent",
     .details = "Compares sizes, recorded digests, roots and commitments. Exit status 1 when "
                "something is wrong.",
     .opts = check_opts,
     .opt_cnt = SLK_COUNT(check_opts),
     .json = "ok: whether all is well\n"
             "problems: sentences, one a finding",
     .examples = "seal check " SECTOR_EXAMPLE,
     .run = run_check},
    {.noun = "seal",
     .verb = "bench",
     .summary = "measure add-piece to c1 of one sector, and c2",
     .details = "Seals derived data in a temporary folder. Without parameters for its size there "
                "is no c2; bench c2 tells more of it.",
     .opts = bench_opts,
     .opt_cnt = SLK_COUNT(bench_opts),
     .json = SLK_FIGURE_FIELDS,
     .examples = "seal bench --size 8MiB --dir /sealing",
     .run = slk_run_seal_bench},
    {0},
};
