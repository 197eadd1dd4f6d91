/* C2: the proof of a sealed sector from what C1 left. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/region.h"
#include "proofs/prove/c1_read.h"
#include "proofs/prove/partitions.h"
#include "selkie/verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static slk_err_t read_c1(slk_c1_text_t *c1, const char *path, slk_diag_t *diag)
{
    slk_err_t err;
    int fd = -1;
    uint64_t len;
    slk_region_t region = {0};
    *c1 = (slk_c1_text_t){0};
    SLK_TRY(slk_open_read(&fd, &len, path, "output of C1", SLK_ANY_LEN, diag));
    if (!len) {
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: is empty; run C1 again", path);
        goto out;
    }
    SLK_TRY(slk_region_file(&region, fd, len, false, path, diag));
    SLK_TRY(slk_c1_read(c1, (const char *)region.ptr, len, path, diag));
out:
    slk_region_free(&region);
    if (fd >= 0)
        close(fd);
    return err;
}

/* The document is of this sector. */
static slk_err_t check_sector(const slk_c1_text_t *c1, const char *path, uint64_t miner,
                              uint64_t sector, slk_diag_t *diag)
{
    slk_node_t replica_id;
    slk_replica_id(&replica_id, &c1->porep, miner, sector, &c1->ticket, &c1->pub.comm_d);
    if (slk_node_eq(&replica_id, &c1->pub.replica_id))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_MISMATCH,
                    "%s: replica_id is %s, that of sector %" PRIu64 " of miner f0%" PRIu64
                    " is %s; give the miner and the sector that C1 was run for",
                    path, slk_node_hex(&c1->pub.replica_id).s, sector, miner,
                    slk_node_hex(&replica_id).s);
}

/* The records answer the challenges, all of them. */
static slk_err_t check_records(const slk_c1_text_t *c1, const char *path, const slk_job_t *job,
                               slk_diag_t *diag)
{
    slk_err_t err;
    bool ok = true;
    const slk_porep_t *porep = &c1->porep;
    slk_graph_t *graph = NULL;
    size_t each = porep->challenges * slk_vanilla_record_sz(porep);
    uint64_t *challenges = calloc(porep->challenges, sizeof *challenges);
    if (!challenges)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_graph_new(&graph, porep, diag));
    for (uint32_t k = 0; ok && k < porep->partitions; k++) {
        slk_diag_t why = {""};
        slk_challenges(challenges, porep, &c1->pub.replica_id, &c1->pub.comm_r, &c1->seed, k);
        SLK_TRY(slk_vanilla_verify(&ok, graph, porep, &c1->pub, challenges, c1->records + k * each,
                                   porep->challenges, job, diag));
        if (!ok) {
            if (diag)
                why = *diag;
            err = slk_fail(diag, SLK_ERR_PROOF, "%s: partition %" PRIu32 ": %s; run C1 again", path,
                           k, why.text);
        }
    }
out:
    slk_graph_free(graph);
    free(challenges);
    return err;
}

static slk_seal_claim_t claim_of(const slk_c1_text_t *c1, uint64_t miner, uint64_t sector)
{
    return (slk_seal_claim_t){.porep = c1->porep,
                              .miner = miner,
                              .sector = sector,
                              .ticket = c1->ticket,
                              .seed = c1->seed,
                              .comm_d = c1->pub.comm_d,
                              .comm_r = c1->pub.comm_r};
}

/* All partitions as the chain will verify them. */
static slk_err_t check_proof(const slk_c2_t *c2, const slk_seal_claim_t *claim, const char *dir,
                             const slk_job_t *job, slk_diag_t *diag)
{
    bool ok;
    slk_diag_t why = {""};
    slk_err_t err = slk_seal_verify(&ok, claim, c2->proof, c2->len, dir, job, &why);
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    if (!ok)
        return slk_fail(diag, SLK_ERR_PROOF,
                        "the proof does not verify with the .vk file (%s): it is that of other "
                        "parameters; remove it, or check both with selkie params verify",
                        why.text);
    return SLK_OK;
}

/* --- Partitions ------------------------------------------------------------------------------- */

typedef struct {
    const slk_prover_t *prover;
    const slk_c1_text_t *c1;
    const slk_node_t *inputs; /* of all partitions */
    slk_prove_part_t *parts;
    pthread_mutex_t lock; /* guards parts */
} sector_t;

static slk_err_t prove_part(void *ctx, uint8_t out[SLK_GROTH16_PROOF_SZ], uint32_t k,
                            const slk_job_t *job, slk_diag_t *diag)
{
    sector_t *sector = ctx;
    const slk_c1_text_t *c1 = sector->c1;
    slk_prove_time_t times[SLK_PROVE_STAGE_CNT] = {{0}};
    size_t each = c1->porep.challenges * slk_vanilla_record_sz(&c1->porep);
    slk_err_t err =
        slk_prove_porep_with(out, sector->prover, &c1->porep, &c1->pub, c1->records + k * each,
                             &(slk_prove_options_t){.times = times}, job, diag);
    pthread_mutex_lock(&sector->lock);
    for (unsigned i = 0; i < SLK_PROVE_STAGE_CNT; i++) {
        sector->parts[i].wall += times[i].wall;
        sector->parts[i].cpu += times[i].cpu;
    }
    pthread_mutex_unlock(&sector->lock);
    return err;
}

static void part_inputs(void *ctx, slk_node_t *out, uint32_t k)
{
    const sector_t *sector = ctx;
    size_t cnt = slk_porep_input_cnt(&sector->c1->porep);
    memcpy(out, sector->inputs + k * cnt, cnt * sizeof *out);
}

static slk_err_t prove_sector(slk_c2_t *out, sector_t *sector, const slk_seal_claim_t *claim,
                              const slk_prove_limits_t *limits, const slk_job_t *job,
                              slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_t *inputs = NULL;
    const slk_porep_t *porep = &sector->c1->porep;
    slk_partitions_t partitions = {.prover = sector->prover,
                                   .cnt = porep->partitions,
                                   .prove = prove_part,
                                   .inputs = part_inputs,
                                   .ctx = sector};
    pthread_mutex_init(&sector->lock, NULL);
    _Static_assert(SLK_PROVE_PARTS == SLK_PROVE_STAGE_CNT, "a row for each stage");
    for (unsigned i = 0; i < SLK_PROVE_PARTS; i++)
        out->parts[i].name = slk_prove_stage_name((slk_prove_stage_t)i);
    SLK_TRY(slk_seal_inputs(&inputs, claim, diag));
    sector->inputs = inputs;
    SLK_ASSERT(slk_vk_input_cnt(sector->prover->params.vk) == slk_porep_input_cnt(porep));
    out->partitions = porep->partitions;
    out->len = (size_t)out->partitions * SLK_GROTH16_PROOF_SZ;
    out->proof = malloc(out->len);
    if (!out->proof) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    SLK_TRY(slk_prove_partitions(out->proof, &partitions, limits, job, diag));
out:
    pthread_mutex_destroy(&sector->lock);
    free(inputs);
    return err;
}

slk_err_t slk_seal_c2(slk_c2_t *out, const char *c1_path, uint64_t miner, uint64_t number,
                      const char *dir, const slk_prove_limits_t *limits, const slk_job_t *job,
                      slk_diag_t *diag)
{
    slk_err_t err;
    slk_c1_text_t c1;
    slk_prover_t *prover = NULL;
    *out = (slk_c2_t){0};
    SLK_TRY(read_c1(&c1, c1_path, diag));
    SLK_TRY(check_sector(&c1, c1_path, miner, number, diag));
    SLK_TRY(check_records(&c1, c1_path, job, diag));
    SLK_TRY(slk_prover_open(&prover, SLK_CIRCUIT_POREP, c1.porep.size, dir, job, diag));
    slk_seal_claim_t claim = claim_of(&c1, miner, number);
    sector_t sector = {.prover = prover, .c1 = &c1, .parts = out->parts};
    SLK_TRY(prove_sector(out, &sector, &claim, limits, job, diag));
    SLK_TRY(check_proof(out, &claim, dir, job, diag));
out:
    if (err != SLK_OK)
        slk_c2_fini(out);
    slk_prover_free(prover);
    slk_c1_text_fini(&c1);
    return err;
}

void slk_c2_fini(slk_c2_t *c2)
{
    free(c2->proof);
    *c2 = (slk_c2_t){0};
}
