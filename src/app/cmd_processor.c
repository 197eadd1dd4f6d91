#include "app/app.h"
#include "app/nouns.h"
#include "app/processor_serve.h"

#include "base/assert.h"

/* Every verb is a stage; the command line gives what all its tasks share. */
static slk_err_t run_processor(slk_app_t *app, const slk_args_t *args)
{
    const slk_value_t *threads = &args->opt[SLK_OPT_THREADS];
    const slk_value_t *memory = &args->opt[SLK_OPT_MEMORY];
    slk_serve_t serve = {.stage = slk_stage_find(args->command->verb),
                         .threads = threads->given ? (unsigned)threads->num : 0,
                         .memory = memory->given ? memory->num : 0};
    SLK_ASSERT(serve.stage);
    if (memory->given && !memory->num)
        return slk_app_usage(app, "--memory '%s': expected more than 0 bytes", memory->text);
    return slk_processor_serve(&serve, &app->diag);
}

static const slk_opt_use_t work_opts[] = {
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, "threads of each task; by default all CPUs"},
};
static const slk_opt_use_t proof_opts[] = {
    {SLK_OPT_MEMORY, SLK_OPTIONAL, NULL,
     "memory for the partitions of one task; by default half of what is available"},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, "threads of each task; by default all CPUs"},
};

#define WORK  .opts = work_opts, .opt_cnt = SLK_COUNT(work_opts), .run = run_processor
#define PROOF .opts = proof_opts, .opt_cnt = SLK_COUNT(proof_opts), .run = run_processor

const slk_command_t slk_processor_commands[] = {
    {.noun = "processor",
     .verb = "add_pieces",
     .summary = "pad pieces and put them into an unsealed file",
     .details =
         "Task: seal_proof_type, pieces [{piece_file, payload_size, piece_size}], "
         "staged_filepath; piece_file is {\"url\"}, {\"local\"} or \"pledge\" (zeros). Output: "
         "[{commitment, size}]. No pieces: committed capacity.\n\n"
         "A piece may have a commitment, which its data must have. The member selkie may have "
         "existing, [{size}]: pieces that are in the file already and stay. A URL is asked without "
         "a token; where it redirects to is sent the one in PIECE_FETCHER_TOKEN.",
     .examples = "processor add_pieces --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "tree_d",
     .summary = "build tree_d of an unsealed file",
     .details = "Task: registered_proof, staged_file, cache_dir. Output: true. pc1 here does not "
                "need it.",
     .examples = "processor tree_d --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "pc1",
     .summary = "compute tree_d and the labels of all layers",
     .details =
         "Task: registered_proof, cache_path, in_path (unsealed), out_path (sealed), prover_id, "
         "sector_id, ticket, piece_infos [{commitment, size}]. Output: that of the reference's "
         "PC1. A task that was interrupted or killed goes on from its checkpoint when it is sent "
         "again.\n\n"
         "The member selkie may have checkpoint_seconds, layers (auto, ram, disk), parent_cache; "
         "the output's then has labels_resumed_from and replica_id.",
     .examples = "processor pc1 --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "pc2",
     .summary = "compute tree_c, the sealed file, tree_r_last and comm_r",
     .details = "Task: pc1out (the output of pc1), cache_dir, sealed_file. Output: "
                "registered_proof, comm_r, comm_d. The member selkie may have ticket, prover_id "
                "and sector_id, for a synthetic sector whose PC1 another program ran.",
     .examples = "processor pc2 --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "c1",
     .summary = "make the vanilla proofs for the challenges",
     .details =
         "Task: registered_proof, cache_path, replica_path (sealed), prover_id, sector_id, "
         "ticket, seed; pre_commit, {comm_r, comm_d}, is compared if given. Output: that of the "
         "reference's C1. With output_path in the member selkie it goes to that file, and the "
         "output is {selkie: {path, challenges, partitions, comm_r, comm_d, replica_id}}.",
     .examples = "processor c1 --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "c2",
     .summary = "make the proof that goes to the chain",
     .details = "Task: c1out (the output of c1), prover_id, sector_id, miner_id. Output: proof. "
                "The member selkie may have c1out_path, a file instead of c1out, and partial_path, "
                "a file that keeps finished partitions of a task that is interrupted.",
     .examples = "processor c2 --threads 8 --memory 64GiB",
     PROOF},
    {.noun = "processor",
     .verb = "unseal",
     .summary = "get the data of a sealed file back",
     .details = "Task: registered_proof, prover_id, sector_id, comm_d, ticket, cache_dir, "
                "sealed_file, unsealed_output, offset, num_bytes, both counted without padding. "
                "Output: number of bytes. The member selkie may have layers and parent_cache.",
     .examples = "processor unseal --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "finalize",
     .summary = "drop what a proven sector does not need",
     .details = "Task: registered_proof, prover_id, sector_id, cache_dir, sealed_file; "
                "unsealed_file is removed if given. Output: {removed: [path]}.",
     .examples = "processor finalize --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "transfer",
     .summary = "copy files and folders, or link to them",
     .details = "Task: stores, routes [{src: {uri}, dest: {uri}, opt: {is_dir, allow_link}}], "
                "absolute paths. Output: true. A copy appears under its name when it is complete "
                "and on the disk.",
     .examples = "processor transfer --threads 8",
     WORK},
    {.noun = "processor",
     .verb = "window_post",
     .summary = "make window proofs of spacetime",
     .details = "Task: miner_id, proof_type, replicas [{sector_id, comm_r, cache_dir, "
                "sealed_file}], seed. Output: proofs [base64], faults [sector]; with faults there "
                "is no proof. With vanilla_path in the member selkie the vanilla proofs of all "
                "sectors are read from that file, back to back and by ascending number, and no "
                "replica; the output has selkie: {sectors}, too.",
     .examples = "processor window_post --threads 8 --memory 64GiB",
     PROOF},
    {.noun = "processor",
     .verb = "winning_post",
     .summary = "make a winning proof of spacetime",
     .details = "Task: as of window_post, with one replica. Output: proofs [base64].",
     .examples = "processor winning_post --threads 8 --memory 64GiB",
     PROOF},
    {0},
};
