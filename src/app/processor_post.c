/* window_post and winning_post. */
#include "app/processor_task.h"

#include "base/assert.h"
#include "base/file.h"
#include "codec/base64.h"
#include "selkie/post.h"
#include "selkie/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLICAS_MAX 262144u
#define VANILLA_MAX  (UINT64_C(8) << 30) /* bytes of a file of vanilla proofs */

typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    slk_post_replica_t *replicas; /* ascending by sector */
    size_t cnt;
    uint64_t *leaves;
    slk_post_outcome_t *outcomes;
    uint8_t *given; /* vanilla proofs that came with the task */
    slk_post_public_t *pub;
    slk_post_vanilla_t *proofs;
    uint8_t *proof;
} post_task_t;

static void post_fini(post_task_t *p)
{
    if (p->outcomes)
        slk_post_outcomes_fini(p->outcomes, p->cnt);
    free(p->outcomes);
    free(p->replicas);
    free(p->leaves);
    free(p->given);
    free(p->pub);
    free(p->proofs);
    free(p->proof);
}

/* --- The task --------------------------------------------------------------------------------- */

/* "StackedDrgWindow32GiBV1_2" and the like; V1 has no leaves of its own, V1_2 is the actors' V1_1. */
static slk_err_t read_type(slk_post_t *out, const json_t *task, slk_post_kind_t kind,
                           slk_diag_t *diag)
{
    const char *text, *word = kind == SLK_POST_WINDOW ? "Window" : "Winning";
    slk_err_t err = slk_task_text(&text, task, "proof_type", diag);
    if (err != SLK_OK)
        return err;
    const slk_size_t *size;
    for (unsigned i = 0; (size = slk_size_at(i)); i++) {
        char old[64], grind[80];
        snprintf(old, sizeof old, "StackedDrg%s%sV1", word, size->name);
        snprintf(grind, sizeof grind, "%s_2", old);
        if (strcmp(text, old) == 0)
            return slk_post_make(out, size, kind, SLK_API_V1_0, diag);
        if (kind == SLK_POST_WINDOW && strcmp(text, grind) == 0)
            return slk_post_make(out, size, kind, SLK_API_V1_2, diag);
    }
    return slk_fail(diag, SLK_ERR_INPUT,
                    "task: field proof_type: expected StackedDrg%s<size>V1%s, found %.80s", word,
                    kind == SLK_POST_WINDOW ? " or V1_2" : "", text);
}

static int by_sector(const void *a, const void *b)
{
    const slk_post_replica_t *x = a, *y = b;
    return x->sector < y->sector ? -1 : x->sector > y->sector;
}

static slk_err_t read_replicas(post_task_t *p, const json_t *task, slk_diag_t *diag)
{
    const json_t *list, *row;
    size_t i;
    slk_err_t err;
    SLK_TRY(slk_task_array(&list, task, "replicas", diag));
    p->cnt = json_array_size(list);
    if (!p->cnt || p->cnt > REPLICAS_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "task: field replicas: %zu, expected 1 to %u", p->cnt,
                        REPLICAS_MAX);
    p->replicas = calloc(p->cnt, sizeof *p->replicas);
    if (!p->replicas)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    json_array_foreach(list, i, row)
    {
        slk_post_replica_t *replica = &p->replicas[i];
        SLK_TRY(slk_task_u64(&replica->sector, row, "sector_id", diag));
        SLK_TRY(slk_task_node(&replica->comm_r, row, "comm_r", diag));
        SLK_TRY(slk_task_text(&replica->cache, row, "cache_dir", diag));
        SLK_TRY(slk_task_text(&replica->sealed, row, "sealed_file", diag));
    }
    qsort(p->replicas, p->cnt, sizeof *p->replicas, by_sector);
    for (i = 1; i < p->cnt; i++) {
        if (p->replicas[i].sector == p->replicas[i - 1].sector)
            err = slk_fail(diag, SLK_ERR_INPUT, "task: field replicas: sector %" PRIu64 " twice",
                           p->replicas[i].sector);
    }
out:
    return err;
}

static slk_err_t give_leaves(post_task_t *p, slk_diag_t *diag)
{
    size_t cnt;
    slk_err_t err;
    uint64_t *sectors = calloc(2 * p->cnt, sizeof *sectors);
    p->leaves = calloc(p->cnt, p->post.challenges * sizeof *p->leaves);
    if (!sectors || !p->leaves) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < p->cnt; i++)
        sectors[i] = p->replicas[i].sector;
    SLK_TRY(slk_post_sector_challenges(sectors + p->cnt, p->leaves, &cnt, &p->post, &p->randomness,
                                       sectors, p->cnt, diag));
    SLK_ASSERT(cnt == p->cnt);
    for (size_t i = 0; i < cnt; i++) {
        p->replicas[i].leaves = p->leaves + i * p->post.challenges;
        p->replicas[i].leaf_cnt = p->post.challenges;
    }
out:
    free(sectors);
    return err;
}

/* --- Proofs ----------------------------------------------------------------------------------- */

/* Parse the vanilla proofs; *faults: how many sectors have none, each told on standard error. */
static slk_err_t take_vanilla(post_task_t *p, size_t *faults, slk_diag_t *diag)
{
    *faults = 0;
    p->pub = calloc(p->cnt, sizeof *p->pub);
    p->proofs = calloc(p->cnt, sizeof *p->proofs);
    if (!p->pub || !p->proofs)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_post_outcome_t *outcome = &p->outcomes[i];
        p->pub[i] = (slk_post_public_t){p->replicas[i].sector, p->replicas[i].comm_r};
        if (outcome->err != SLK_OK) {
            const char *why = outcome->why ? outcome->why : slk_err_text(outcome->err);
            fprintf(stderr, "sector %" PRIu64 ": %s\n", p->replicas[i].sector, why);
            (*faults)++;
            if (diag)
                slk_fail(diag, outcome->err, "sector %" PRIu64 ": %s", p->replicas[i].sector, why);
            continue;
        }
        slk_err_t err =
            slk_post_vanilla_parse(&p->proofs[i], p->post.size, outcome->proof, outcome->len, diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

/* The file of "selkie": {"vanilla_path"}: the proofs of all sectors back to back, by ascending number. The
 * leaves are not looked at: a proof of others does not verify. */
static slk_err_t take_given(post_task_t *p, const char *path, slk_diag_t *diag)
{
    size_t each = slk_post_vanilla_sz(p->post.size, p->post.challenges);
    uint64_t len;
    int fd = -1;
    slk_err_t err;
    SLK_TRY(slk_open_read(&fd, &len, path, "the file of vanilla proofs", SLK_ANY_LEN, diag));
    p->cnt = (size_t)(len / each);
    if (!p->cnt || len % each || len > VANILLA_MAX || p->cnt > REPLICAS_MAX) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, expected vanilla proofs of %zu bytes each", path,
                       len, each);
        goto out;
    }
    p->given = malloc((size_t)len);
    p->pub = calloc(p->cnt, sizeof *p->pub);
    p->proofs = calloc(p->cnt, sizeof *p->proofs);
    if (!p->given || !p->pub || !p->proofs) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for %zu vanilla proofs", p->cnt);
        goto out;
    }
    SLK_TRY(slk_pread_all(fd, p->given, (size_t)len, 0, path, diag));
    for (size_t i = 0; i < p->cnt; i++) {
        SLK_TRY(
            slk_post_vanilla_parse(&p->proofs[i], p->post.size, p->given + i * each, each, diag));
        p->pub[i] = (slk_post_public_t){p->proofs[i].sector, p->proofs[i].comm_r};
        if (i && p->pub[i].sector <= p->pub[i - 1].sector) {
            err = slk_fail(diag, SLK_ERR_FORMAT,
                           "%s: sector %" PRIu64 " behind %" PRIu64 ", expected ascending numbers",
                           path, p->pub[i].sector, p->pub[i - 1].sector);
            goto out;
        }
    }
out:
    if (fd >= 0)
        close(fd);
    return err;
}

static slk_err_t prove(post_task_t *p, size_t *len, const slk_task_t *task, slk_diag_t *diag)
{
    bool valid;
    slk_prover_t *prover = NULL;
    slk_circuit_kind_t circuit =
        p->post.kind == SLK_POST_WINNING ? SLK_CIRCUIT_WINNING : SLK_CIRCUIT_WINDOW;
    slk_err_t err;
    *len = (size_t)slk_post_partition_cnt(&p->post, p->cnt) * SLK_GROTH16_PROOF_SZ;
    p->proof = malloc(*len);
    if (!p->proof)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_prover_open(&prover, circuit, p->post.size, NULL, &task->job, diag));
    SLK_TRY(slk_prove_post_all(p->proof, prover, &p->post, &p->randomness, p->pub, p->proofs,
                               p->cnt, &task->limits, &task->job, diag));
    slk_diag_t why = {""};
    SLK_TRY(slk_post_verify(&valid, &p->post, &p->randomness, p->pub, p->cnt, p->proof, *len, NULL,
                            &task->job, &why));
    if (!valid)
        err = slk_fail(diag, SLK_ERR_PROOF,
                       "the proof does not verify with the .vk file (%s): it is that of other "
                       "parameters",
                       why.text);
out:
    slk_prover_free(prover);
    return err;
}

static slk_err_t put_proof(slk_buf_t *out, const post_task_t *p, size_t len, slk_diag_t *diag)
{
    char *text = malloc(SLK_BASE64_LEN(len) + 1);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    slk_base64_encode(text, p->proof, len);
    slk_buf_put(out, "{\"proofs\":[\"", 12);
    slk_buf_put(out, text, SLK_BASE64_LEN(len));
    slk_buf_put(out, "\"]", 2);
    if (p->post.kind == SLK_POST_WINDOW)
        slk_buf_put(out, ",\"faults\":[]", 12);
    if (p->given)
        slk_json_putf(out, ",\"selkie\":{\"sectors\":%zu}", p->cnt);
    slk_buf_put(out, "}", 1);
    free(text);
    return SLK_OK;
}

static void put_faults(slk_buf_t *out, const post_task_t *p)
{
    bool first = true;
    slk_json_putf(out, "{\"proofs\":[],\"faults\":[");
    for (size_t i = 0; i < p->cnt; i++) {
        if (p->outcomes[i].err == SLK_OK)
            continue;
        slk_json_putf(out, "%s%" PRIu64, first ? "" : ",", p->replicas[i].sector);
        first = false;
    }
    slk_json_putf(out, "]}");
}

/* Read the vanilla proofs of the replicas. */
static slk_err_t read_vanilla(post_task_t *p, const slk_task_t *task, size_t *faults,
                              slk_diag_t *diag)
{
    slk_err_t err;
    SLK_TRY(read_replicas(p, task->json, diag));
    if (p->post.kind == SLK_POST_WINNING && p->cnt != 1)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "task: field replicas: %zu, a winning proof is of one sector", p->cnt);
    SLK_TRY(give_leaves(p, diag));
    p->outcomes = calloc(p->cnt, sizeof *p->outcomes);
    if (!p->outcomes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_post_vanilla(p->outcomes, &p->post, p->replicas, p->cnt, &(slk_post_limits_t){0},
                             &task->job, diag));
    err = take_vanilla(p, faults, diag);
out:
    return err;
}

static slk_err_t run_post(const slk_task_t *task, slk_post_kind_t kind, slk_diag_t *diag)
{
    post_task_t p = {0};
    size_t faults = 0, len;
    const char *given = NULL;
    slk_err_t err;
    SLK_TRY(read_type(&p.post, task->json, kind, diag));
    SLK_TRY(slk_task_node(&p.randomness, task->json, "seed", diag));
    slk_post_randomness(&p.randomness);
    if (kind == SLK_POST_WINDOW && json_object_get(task->ours, "vanilla_path")) {
        SLK_TRY(slk_task_text(&given, task->ours, "vanilla_path", diag));
        SLK_TRY(take_given(&p, given, diag));
    } else {
        SLK_TRY(read_vanilla(&p, task, &faults, diag));
    }
    if (faults && kind == SLK_POST_WINDOW) {
        put_faults(task->output, &p);
    } else if (faults) {
        err = p.outcomes[0].err; /* diag says why */
    } else {
        SLK_TRY(prove(&p, &len, task, diag));
        err = put_proof(task->output, &p, len, diag);
    }
out:
    post_fini(&p);
    return err;
}

slk_err_t slk_stage_window_post(const slk_task_t *task, slk_diag_t *diag)
{
    return run_post(task, SLK_POST_WINDOW, diag);
}

slk_err_t slk_stage_winning_post(const slk_task_t *task, slk_diag_t *diag)
{
    return run_post(task, SLK_POST_WINNING, diag);
}
