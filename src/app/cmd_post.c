#include "app/app.h"
#include "app/nouns.h"
#include "app/replica_list.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"
#include "selkie/post.h"
#include "selkie/prove.h"
#include "selkie/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The proof that --kind and --size name; window in the version that the network takes. */
static slk_err_t post_of(slk_post_t *out, const slk_args_t *args, slk_diag_t *diag)
{
    static const struct {
        slk_post_kind_t kind;
        slk_api_version_t version;
    } rows[] = {{SLK_POST_WINDOW, SLK_API_V1_2}, {SLK_POST_WINNING, SLK_API_V1_0}};
    uint64_t row = args->opt[SLK_OPT_POST_KIND].num; /* position in the set of --kind */
    return slk_post_make(out, args->opt[SLK_OPT_SIZE].size, rows[row].kind, rows[row].version,
                         diag);
}

static slk_node_t randomness_of(const slk_args_t *args)
{
    slk_node_t randomness = args->opt[SLK_OPT_RANDOMNESS].node;
    slk_post_randomness(&randomness);
    return randomness;
}

/* --- challenges ----------------------------------------------------------------------------- */

/* "1,2,3" into an array to be freed. */
static slk_err_t parse_sectors(uint64_t **out, size_t *cnt, const char *text, slk_app_t *app)
{
    size_t max = 1;
    for (const char *p = text; *p; p++)
        max += *p == ',';
    uint64_t *list = calloc(max, sizeof *list);
    if (!list)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    *cnt = 0;
    for (const char *p = text; *cnt < max; p += strcspn(p, ",") + 1) {
        char word[24];
        slk_value_t value;
        size_t len = strcspn(p, ",");
        snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word), p);
        /* The chain's numbers end at 2^63 - 1, and so do JSON's here. */
        if (len >= sizeof word || !slk_value_parse(&value, SLK_ARG_NUMBER, NULL, word) ||
            value.num > INT64_MAX) {
            free(list);
            return slk_app_usage(app,
                                 "--sectors: '%s', number %zu of the list: expected a sector "
                                 "number, at most 9223372036854775807",
                                 word, *cnt + 1);
        }
        list[(*cnt)++] = value.num;
    }
    *out = list;
    return SLK_OK;
}

/* Leaves of each sector, as an array of numbers or in one line. */
static void put_leaves(slk_app_t *app, bool json, uint64_t sector, const uint64_t *leaves,
                       uint32_t cnt)
{
    if (json) {
        json_t *list = json_array();
        for (uint32_t i = 0; i < cnt; i++)
            json_array_append_new(list, json_integer((json_int_t)leaves[i]));
        json_array_append_new(
            app->result, json_pack("{s:I, s:o}", "sector", (json_int_t)sector, "challenges", list));
        return;
    }
    char name[24], line[24 * SLK_POST_CHALLENGES_MAX];
    size_t used = 0;
    snprintf(name, sizeof name, "%" PRIu64, sector);
    for (uint32_t i = 0; i < cnt; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%" PRIu64, i ? " " : "",
                                 leaves[i]);
    slk_result_text(app, name, line);
}

static slk_err_t run_challenges(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_post_t post;
    uint64_t *sectors = NULL, *sorted = NULL, *leaves = NULL;
    size_t cnt;
    slk_node_t randomness = randomness_of(args);
    SLK_TRY(post_of(&post, args, &app->diag));
    SLK_TRY(parse_sectors(&sectors, &cnt, args->opt[SLK_OPT_SECTORS].text, app));
    sorted = calloc(cnt, sizeof *sorted);
    leaves = calloc(cnt, post.challenges * sizeof *leaves);
    if (!sorted || !leaves) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(slk_post_sector_challenges(sorted, leaves, &cnt, &post, &randomness, sectors, cnt,
                                       &app->diag));
    bool json = args->opt[SLK_OPT_JSON].given;
    if (json)
        app->result = json_array();
    for (size_t i = 0; i < cnt; i++)
        put_leaves(app, json, sorted[i], leaves + i * post.challenges, post.challenges);
out:
    free(sectors);
    free(sorted);
    free(leaves);
    return err;
}

/* --- vanilla -------------------------------------------------------------------------------- */

static slk_err_t write_proof(slk_app_t *app, const slk_args_t *args, uint64_t sector,
                             const slk_post_outcome_t *proof)
{
    char name[64], path[4096];
    slk_node_t digest;
    slk_err_t err;
    snprintf(name, sizeof name, "%s-%" PRIu64 ".vanilla", args->opt[SLK_OPT_POST_KIND].text,
             sector);
    SLK_TRY(slk_path_join(path, sizeof path, args->opt[SLK_OPT_OUT].text, name, &app->diag));
    SLK_TRY(slk_write_file(path, proof->proof, proof->len, &app->diag));
    slk_sha256(&digest, proof->proof, proof->len);
    json_array_append_new(app->result, json_pack("{s:I, s:s, s:s}", "sector", (json_int_t)sector,
                                                 "file", path, "sha256", slk_node_hex(&digest).s));
out:
    return err;
}

/* Name every sector that failed; the error is the first one's. */
static slk_err_t report(slk_app_t *app, const slk_replica_list_t *list,
                        const slk_post_outcome_t *outcomes)
{
    slk_err_t err = SLK_OK;
    size_t failed = 0, first = 0;
    for (size_t i = list->cnt; i-- > 0;) {
        if (outcomes[i].err != SLK_OK) {
            failed++;
            first = i;
        }
    }
    if (!failed)
        return SLK_OK;
    err = outcomes[first].err;
    if (failed == 1)
        return slk_fail(&app->diag, err, "sector %" PRIu64 ": %s", list->rows[first].sector,
                        outcomes[first].why ? outcomes[first].why : slk_err_text(err));
    slk_progress_view_stop(app->view);
    app->view = NULL;
    for (size_t i = first; i < list->cnt; i++) {
        if (outcomes[i].err != SLK_OK)
            fprintf(stderr, "selkie post vanilla: sector %" PRIu64 ": %s\n", list->rows[i].sector,
                    outcomes[i].why ? outcomes[i].why : slk_err_text(outcomes[i].err));
    }
    return slk_fail(&app->diag, err,
                    "%zu of %zu sectors failed; the proofs of the others are written", failed,
                    list->cnt);
}

/* Give each row of the list its leaves. Arrays to be freed. */
static slk_err_t give_leaves(slk_replica_list_t *list, uint64_t **leaves, const slk_post_t *post,
                             const slk_node_t *randomness, slk_diag_t *diag)
{
    size_t cnt;
    slk_err_t err = SLK_ERR_NOMEM;
    uint64_t *sectors = calloc(2 * list->cnt, sizeof *sectors);
    *leaves = calloc(list->cnt, post->challenges * sizeof **leaves);
    if (!sectors || !*leaves) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < list->cnt; i++)
        sectors[i] = list->rows[i].sector;
    SLK_TRY(slk_post_sector_challenges(sectors + list->cnt, *leaves, &cnt, post, randomness,
                                       sectors, list->cnt, diag));
    SLK_ASSERT(cnt == list->cnt); /* the list is ascending and has each sector once */
    for (size_t i = 0; i < cnt; i++) {
        list->rows[i].leaves = *leaves + i * post->challenges;
        list->rows[i].leaf_cnt = post->challenges;
    }
out:
    free(sectors);
    return err;
}

/* The sectors of --replicas and their vanilla proofs. */
typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    slk_replica_list_t list;
    uint64_t *leaves;
    slk_post_outcome_t *outcomes;
} sectors_t;

static void sectors_fini(sectors_t *sectors)
{
    if (sectors->outcomes)
        slk_post_outcomes_fini(sectors->outcomes, sectors->list.cnt);
    free(sectors->outcomes);
    free(sectors->leaves);
    slk_replica_list_fini(&sectors->list);
}

/* All but the reading. */
static slk_err_t sectors_init(sectors_t *out, slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    *out = (sectors_t){.randomness = randomness_of(args)};
    SLK_TRY(post_of(&out->post, args, &app->diag));
    SLK_TRY(slk_replica_list_read(&out->list, args->opt[SLK_OPT_REPLICAS].text, true, &app->diag));
    SLK_TRY(give_leaves(&out->list, &out->leaves, &out->post, &out->randomness, &app->diag));
    out->outcomes = calloc(out->list.cnt, sizeof *out->outcomes);
    if (!out->outcomes)
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
out:
    return err;
}

static slk_err_t sectors_read(sectors_t *sectors, slk_app_t *app, const slk_args_t *args,
                              slk_diag_t *diag)
{
    /* Whoever bounds the threads and says nothing about readers means these: they do the hashing,
     * too. */
    slk_opt_id_t readers = args->opt[SLK_OPT_THREADS].given && !args->opt[SLK_OPT_READERS].given
                               ? SLK_OPT_THREADS
                               : SLK_OPT_READERS;
    slk_post_limits_t limits = {.readers = (unsigned)args->opt[readers].num,
                                .read_seconds = args->opt[SLK_OPT_READ_TIMEOUT].seconds,
                                .sector_seconds = args->opt[SLK_OPT_SECTOR_TIMEOUT].seconds};
    return slk_post_vanilla(sectors->outcomes, &sectors->post, sectors->list.rows,
                            sectors->list.cnt, &limits, &app->job, diag);
}

static slk_err_t run_vanilla(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    sectors_t sectors;
    slk_diag_t stopped;
    SLK_TRY(sectors_init(&sectors, app, args));
    SLK_TRY(slk_make_dirs(args->opt[SLK_OPT_OUT].text, &app->diag));
    SLK_TRY(slk_app_job(app, args, "the proofs finished before are written, run it again"));
    app->result = json_array();
    slk_err_t ended = sectors_read(&sectors, app, args, &stopped);
    for (size_t i = 0; i < sectors.list.cnt; i++) {
        if (sectors.outcomes[i].err == SLK_OK)
            SLK_TRY(write_proof(app, args, sectors.list.rows[i].sector, &sectors.outcomes[i]));
    }
    if (ended == SLK_OK)
        err = report(app, &sectors.list, sectors.outcomes);
    else
        err = slk_fail(&app->diag, ended, "%s", stopped.text);
out:
    sectors_fini(&sectors);
    return err;
}

/* --- prove ---------------------------------------------------------------------------------- */

/* Sectors whose vanilla proof is there. */
typedef struct {
    slk_post_public_t *pub;
    slk_post_vanilla_t *proofs;
    size_t cnt;
    json_t *faults; /* numbers of the others */
} good_t;

static slk_err_t pick_good(good_t *out, const sectors_t *sectors, slk_app_t *app)
{
    size_t cnt = sectors->list.cnt;
    const slk_post_outcome_t *last = NULL;
    *out =
        (good_t){calloc(cnt, sizeof *out->pub), calloc(cnt, sizeof *out->proofs), 0, json_array()};
    if (!out->pub || !out->proofs)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < cnt; i++) {
        const slk_post_outcome_t *outcome = &sectors->outcomes[i];
        const slk_post_replica_t *row = &sectors->list.rows[i];
        if (outcome->err != SLK_OK) {
            last = outcome;
            json_array_append_new(out->faults, json_integer((json_int_t)row->sector));
            if (cnt > 1)
                fprintf(stderr, "selkie post prove: sector %" PRIu64 ": %s\n", row->sector,
                        outcome->why ? outcome->why : slk_err_text(outcome->err));
            continue;
        }
        slk_err_t err = slk_post_vanilla_parse(&out->proofs[out->cnt], sectors->post.size,
                                               outcome->proof, outcome->len, &app->diag);
        if (err != SLK_OK)
            return err;
        out->pub[out->cnt++] = (slk_post_public_t){row->sector, row->comm_r};
    }
    if (out->cnt)
        return SLK_OK;
    if (cnt == 1)
        return slk_fail(&app->diag, last->err, "sector %" PRIu64 ": %s",
                        sectors->list.rows[0].sector,
                        last->why ? last->why : slk_err_text(last->err));
    return slk_fail(&app->diag, last->err, "none of the %zu sectors can be proven", cnt);
}

static void good_fini(good_t *good)
{
    free(good->pub);
    free(good->proofs);
    json_decref(good->faults);
}

/* All partitions, and a check of the whole as the chain will do it. */
static slk_err_t prove_all(uint8_t *proof, const sectors_t *sectors, const good_t *good,
                           const slk_prover_t *prover, const slk_prove_limits_t *limits,
                           slk_app_t *app)
{
    slk_err_t err;
    bool valid;
    const slk_post_t *post = &sectors->post;
    uint32_t partitions = slk_post_partition_cnt(post, good->cnt);
    SLK_TRY(slk_prove_post_all(proof, prover, post, &sectors->randomness, good->pub, good->proofs,
                               good->cnt, limits, &app->job, &app->diag));
    SLK_TRY(slk_post_verify(&valid, post, &sectors->randomness, good->pub, good->cnt, proof,
                            (size_t)partitions * SLK_GROTH16_PROOF_SZ, NULL, &app->job,
                            &app->diag));
    if (!valid) {
        slk_diag_t why = app->diag;
        err = slk_fail(&app->diag, SLK_ERR_PROOF,
                       "the proof does not verify with the .vk file (%s): it is that of other "
                       "parameters; remove it, or check both with selkie params verify",
                       why.text);
    }
out:
    return err;
}

static slk_err_t run_prove(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    sectors_t sectors;
    good_t good = {0};
    slk_prover_t *prover = NULL;
    slk_prove_limits_t limits;
    uint8_t *proof = NULL;
    char partial[4096];
    double began = slk_clock_seconds();
    SLK_TRY(sectors_init(&sectors, app, args));
    SLK_TRY(slk_app_limits(&limits, partial, sizeof partial, app, args));
    bool winning = sectors.post.kind == SLK_POST_WINNING;
    if (winning && sectors.list.cnt != 1) {
        err = slk_fail(&app->diag, SLK_ERR_INPUT,
                       "%s: %zu sectors, a winning proof is of one; give the one that the lottery "
                       "picked",
                       args->opt[SLK_OPT_REPLICAS].text, sectors.list.cnt);
        goto out;
    }
    SLK_TRY(slk_app_job(app, args, SLK_PROOF_GO_ON));
    SLK_TRY(slk_prover_open(&prover, winning ? SLK_CIRCUIT_WINNING : SLK_CIRCUIT_WINDOW,
                            sectors.post.size, NULL, &app->job, &app->diag));
    SLK_TRY(sectors_read(&sectors, app, args, &app->diag));
    SLK_TRY(pick_good(&good, &sectors, app));
    uint32_t partitions = slk_post_partition_cnt(&sectors.post, good.cnt);
    proof = malloc((size_t)partitions * SLK_GROTH16_PROOF_SZ);
    if (!proof) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(prove_all(proof, &sectors, &good, prover, &limits, app));
    SLK_TRY(
        slk_app_proof(app, args, proof, (size_t)partitions * SLK_GROTH16_PROOF_SZ, began, partial));
    app->answer_no = json_array_size(good.faults) > 0;
    slk_result_json(app, "faults", json_incref(good.faults));
out:
    free(proof);
    slk_prover_free(prover);
    good_fini(&good);
    sectors_fini(&sectors);
    return err;
}

/* --- verify --------------------------------------------------------------------------------- */

static slk_err_t run_verify(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_post_t post;
    slk_replica_list_t list = {0};
    slk_post_public_t *pub = NULL;
    char *proof = NULL;
    size_t len;
    bool valid;
    slk_node_t randomness = randomness_of(args);
    SLK_TRY(post_of(&post, args, &app->diag));
    SLK_TRY(slk_replica_list_read(&list, args->opt[SLK_OPT_REPLICAS].text, false, &app->diag));
    SLK_TRY(slk_read_file(&proof, &len, args->words[0], SLK_PROOF_FILE_MAX, &app->diag));
    SLK_TRY(slk_app_job(app, args, "run it again"));
    pub = calloc(list.cnt, sizeof *pub);
    if (!pub) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < list.cnt; i++)
        pub[i] = (slk_post_public_t){list.rows[i].sector, list.rows[i].comm_r};
    SLK_TRY(slk_post_verify(&valid, &post, &randomness, pub, list.cnt, proof, len, NULL, &app->job,
                            &app->diag));
    slk_app_verdict_of(app, args, args->words[0], valid);
out:
    free(pub);
    free(proof);
    slk_replica_list_fini(&list);
    return err;
}

/* --- Tables --------------------------------------------------------------------------------- */

#define POST_OPTS                                                                                  \
    {SLK_OPT_POST_KIND, SLK_REQUIRED, NULL, NULL}, {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL},       \
        {SLK_OPT_MINER, SLK_OPTIONAL, NULL,                                                        \
         "the miner's ID address: f01000, t01000 or 1000; leaves do not depend on it"},            \
    {                                                                                              \
        SLK_OPT_RANDOMNESS, SLK_REQUIRED, NULL, NULL                                               \
    }

static const slk_opt_use_t challenges_opts[] = {
    POST_OPTS,
    {SLK_OPT_SECTORS, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_THREADS, SLK_HIDDEN, NULL,
     NULL}, /* taken by all post commands; nothing to share here */
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t vanilla_opts[] = {
    POST_OPTS,
    {SLK_OPT_REPLICAS, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_OUT, SLK_REQUIRED, NULL,
     "folder for the proofs, one file a sector; created when missing"},
    {SLK_OPT_READERS, SLK_OPTIONAL, "16", NULL},
    {SLK_OPT_READ_TIMEOUT, SLK_OPTIONAL, "60", NULL},
    {SLK_OPT_SECTOR_TIMEOUT, SLK_OPTIONAL, "300", NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, "number of readers, when --readers is not given"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t prove_opts[] = {
    POST_OPTS,
    {SLK_OPT_REPLICAS, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_OUT, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_READERS, SLK_OPTIONAL, "16", NULL},
    {SLK_OPT_READ_TIMEOUT, SLK_OPTIONAL, "60", NULL},
    {SLK_OPT_SECTOR_TIMEOUT, SLK_OPTIONAL, "300", NULL},
    {SLK_OPT_MEMORY, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t verify_opts[] = {
    POST_OPTS,
    {SLK_OPT_REPLICAS, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

#define POST_EXAMPLE "--kind window --size 32GiB --miner f01000 --randomness 6e7a..."

const slk_command_t slk_post_commands[] = {
    {.noun = "post",
     .verb = "challenges",
     .summary = "tell which leaves of the sectors are challenged",
     .details = "The two top bits of the randomness are cleared first, as every node does.",
     .opts = challenges_opts,
     .opt_cnt = SLK_COUNT(challenges_opts),
     .json = "sector: number of the sector; the array is ascending and has each once\n"
             "challenges: leaves of tree_r_last",
     .examples = "post challenges " POST_EXAMPLE " --sectors 1,2,3",
     .run = run_challenges},
    {.noun = "post",
     .verb = "vanilla",
     .summary = "make the vanilla proofs of sectors from their sealed files",
     .details = "Every proof is checked before it is written. A sector whose files are missing, "
                "damaged or not "
                "readable in time fails alone: it is named on standard error, the status becomes "
                "1, and the "
                "proofs of the others are written all the same.\n\n"
                "The list of replicas is a JSON array of objects: sector (number), comm_r (hex), "
                "cache (the folder "
                "with p_aux and tree_r_last), sealed (the file).",
     .opts = vanilla_opts,
     .opt_cnt = SLK_COUNT(vanilla_opts),
     .json = "sector: number of the sector\n"
             "file: the proof, in the reference's bytes\n"
             "sha256: digest of the file",
     .examples = "post vanilla " POST_EXAMPLE " --replicas replicas.json --out proofs",
     .run = run_vanilla},
    {.noun = "post",
     .verb = "prove",
     .summary = "make a proof of spacetime of sectors from their sealed files",
     .details =
         "Writes the proof as it goes to the chain, 192 bytes a partition, after checking "
         "it. One partition is proven at a time for every eight threads, with --memory as many "
         "as fit into it, a thread or more for each. A window partition of 32GiB sectors takes "
         "15.8 GiB of memory, 0.2 GiB of "
         "512MiB and less; a winning proof 0.3 GiB at most. The parameters are mapped from "
         "the parameter cache."
         "\n\n"
         "When there are several partitions, finished ones are kept in OUT.partial until "
         "the proof is written: the same command goes on with those that are missing, "
         "after it has verified these."
         "\n\n"
         "Sectors whose files are missing, damaged or not readable in time are named on "
         "standard error and left out: the proof is that of the others, and the status "
         "becomes 1. The list of replicas is that of post vanilla; a winning proof takes "
         "one sector.",
     .opts = prove_opts,
     .opt_cnt = SLK_COUNT(prove_opts),
     .json = "proof: the proof, hex\n"
             "partitions: number of partitions\n"
             "seconds: time it took\n"
             "faults: numbers of the sectors that are not in the proof",
     .examples = "post prove " POST_EXAMPLE " --replicas replicas.json --out proof.bin",
     .run = run_prove},
    {.noun = "post",
     .verb = "verify",
     .summary = "check a proof of spacetime",
     .details = "Only the proof, the list and the verifying key of size and kind are read. Of the "
                "list, sector and comm_r count; its order does not, and a sector named twice "
                "counts once. Exit status 1 when the proof is not valid, and when it could not be "
                "checked.",
     .opts = verify_opts,
     .opt_cnt = SLK_COUNT(verify_opts),
     .words = {"PROOF", "the proof as it goes to the chain, 192 bytes a partition", SLK_ARG_FILE,
               NULL, 1, 1},
     .json = "valid: whether the proof is right",
     .examples = "post verify " POST_EXAMPLE " --replicas replicas.json proof.bin",
     .run = run_verify},
    {0},
};
