#include "app/app.h"
#include "app/nouns.h"
#include "app/replica_list.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"
#include "selkie/post.h"
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
        if (len >= sizeof word || !slk_value_parse(&value, SLK_KIND_NUMBER, NULL, word)) {
            free(list);
            return slk_app_usage(
                app, "--sectors: '%s', number %zu of the list: expected a sector number", word,
                *cnt + 1);
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

static slk_err_t run_vanilla(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_post_t post;
    slk_replica_list_t list = {0};
    uint64_t *leaves = NULL;
    slk_post_outcome_t *outcomes = NULL;
    slk_node_t randomness = randomness_of(args);
    /* Whoever bounds the threads and says nothing about readers means these: they do the hashing,
     * too. */
    slk_opt_id_t readers = args->opt[SLK_OPT_THREADS].given && !args->opt[SLK_OPT_READERS].given
                               ? SLK_OPT_THREADS
                               : SLK_OPT_READERS;
    slk_post_limits_t limits = {.readers = (unsigned)args->opt[readers].num,
                                .read_seconds = args->opt[SLK_OPT_READ_TIMEOUT].seconds,
                                .sector_seconds = args->opt[SLK_OPT_SECTOR_TIMEOUT].seconds};
    SLK_TRY(post_of(&post, args, &app->diag));
    SLK_TRY(slk_replica_list_read(&list, args->opt[SLK_OPT_REPLICAS].text, true, &app->diag));
    SLK_TRY(slk_make_dirs(args->opt[SLK_OPT_OUT].text, &app->diag));
    SLK_TRY(give_leaves(&list, &leaves, &post, &randomness, &app->diag));
    SLK_TRY(slk_app_job(app, args, "the proofs finished before are written, run it again"));
    outcomes = calloc(list.cnt, sizeof *outcomes);
    if (!outcomes) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    app->result = json_array();
    slk_diag_t stopped;
    slk_err_t ended =
        slk_post_vanilla(outcomes, &post, list.rows, list.cnt, &limits, &app->job, &stopped);
    for (size_t i = 0; i < list.cnt; i++) {
        if (outcomes[i].err == SLK_OK)
            SLK_TRY(write_proof(app, args, list.rows[i].sector, &outcomes[i]));
    }
    if (ended == SLK_OK)
        err = report(app, &list, outcomes);
    else
        err = slk_fail(&app->diag, ended, "%s", stopped.text);
out:
    if (outcomes)
        slk_post_outcomes_fini(outcomes, list.cnt);
    free(outcomes);
    free(leaves);
    slk_replica_list_fini(&list);
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
    slk_app_verdict(app, args, valid);
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
     .verb = "verify",
     .summary = "check a proof of spacetime",
     .details = "Only the proof, the list and the verifying key of size and kind are read. Of the "
                "list, sector and comm_r count; its order does not, and a sector named twice "
                "counts once. Exit status 1 when the proof is not valid, and when it could not be "
                "checked.",
     .opts = verify_opts,
     .opt_cnt = SLK_COUNT(verify_opts),
     .words = {"PROOF", "the proof as it goes to the chain, 192 bytes a partition", SLK_KIND_FILE,
               NULL, 1, 1},
     .json = "valid: whether the proof is right",
     .examples = "post verify " POST_EXAMPLE " --replicas replicas.json proof.bin",
     .run = run_verify},
    {0},
};
