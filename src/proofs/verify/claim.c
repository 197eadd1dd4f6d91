#include "selkie/verify.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/groth16.h"
#include "selkie/r1cs.h"
#include "selkie/vanilla.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* what: "comm_d", "comm_r of sector 7" */
static slk_err_t check_comm(const slk_node_t *comm, const char *what, slk_diag_t *diag)
{
    if (slk_node_is_zero(comm))
        return slk_fail(diag, SLK_ERR_FIELD,
                        "%s is all zero, which is the commitment of no sector; give the sector's",
                        what);
    if (!slk_node_is_canonical(comm))
        return slk_fail(diag, SLK_ERR_FIELD,
                        "%s %s: not below the modulus of the field, so it is the commitment of no "
                        "sector; is it complete and in the byte order of the files?",
                        what, slk_node_hex(comm).s);
    return SLK_OK;
}

/* The proofs of partition_cnt partitions under the key of a circuit. */
static slk_err_t verify(bool *ok, slk_circuit_kind_t kind, const slk_size_t *size,
                        const void *proof, size_t len, uint32_t partition_cnt,
                        const slk_node_t *inputs, size_t input_cnt, const char *dir,
                        const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_vk_t *vk = NULL;
    char id[SLK_CACHE_ID_SZ];
    slk_circuit_cache_id(id, kind, size);
    SLK_TRY(slk_vk_find(&vk, dir, id, job, diag));
    SLK_TRY(slk_groth16_verify(ok, vk, proof, len, partition_cnt, inputs, input_cnt, job, diag));
out:
    slk_vk_free(vk);
    return err;
}

/* --- Proofs of replication ------------------------------------------------------------------ */

slk_err_t slk_seal_inputs(slk_node_t **out, const slk_seal_claim_t *claim, slk_diag_t *diag)
{
    slk_err_t err;
    slk_graph_t *graph = NULL;
    slk_node_t replica_id, *inputs = NULL;
    uint64_t *challenges = NULL;
    const slk_porep_t *porep = &claim->porep;
    size_t each = slk_porep_input_cnt(porep);
    SLK_TRY(check_comm(&claim->comm_d, "comm_d", diag));
    SLK_TRY(check_comm(&claim->comm_r, "comm_r", diag));
    inputs = calloc(porep->partitions, each * sizeof *inputs);
    challenges = calloc(porep->challenges, sizeof *challenges);
    if (!inputs || !challenges) {
        err = slk_fail(diag, SLK_ERR_NOMEM,
                       "no memory for the public inputs of %" PRIu32 " partitions",
                       porep->partitions);
        goto out;
    }
    SLK_TRY(slk_graph_new(&graph, porep, diag));
    slk_replica_id(&replica_id, porep, claim->miner, claim->sector, &claim->ticket, &claim->comm_d);
    for (uint32_t k = 0; k < porep->partitions; k++) {
        slk_challenges(challenges, porep, &replica_id, &claim->comm_r, &claim->seed, k);
        slk_porep_inputs(inputs + k * each, porep, graph, &replica_id, &claim->comm_d,
                         &claim->comm_r, challenges);
    }
    *out = inputs;
    inputs = NULL;
out:
    slk_graph_free(graph);
    free(inputs);
    free(challenges);
    return err;
}

slk_err_t slk_seal_verify(bool *ok, const slk_seal_claim_t *claim, const void *proof, size_t len,
                          const char *dir, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_t *inputs = NULL;
    const slk_porep_t *porep = &claim->porep;
    *ok = false;
    if (porep->feature == SLK_FEATURE_NI)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "the proof of a non-interactive sector is an aggregate of its %" PRIu32
                        " partitions, which this version cannot verify",
                        porep->partitions);
    SLK_TRY(slk_seal_inputs(&inputs, claim, diag));
    SLK_TRY(verify(ok, SLK_CIRCUIT_POREP, porep->size, proof, len, porep->partitions, inputs,
                   porep->partitions * slk_porep_input_cnt(porep), dir, job, diag));
out:
    free(inputs);
    return err;
}

/* --- Proofs of spacetime -------------------------------------------------------------------- */

static slk_err_t check_sectors(const slk_post_t *post, const slk_post_public_t *pub, size_t cnt,
                               slk_diag_t *diag)
{
    if (!cnt)
        return slk_fail(diag, SLK_ERR_INPUT, "no sectors: expected at least one");
    if (post->kind == SLK_POST_WINNING && cnt != 1)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a winning proof is of one sector, found %zu; give the one that the "
                        "lottery picked",
                        cnt);
    for (size_t i = 0; i < cnt; i++) {
        char what[48];
        snprintf(what, sizeof what, "comm_r of sector %" PRIu64, pub[i].sector);
        slk_err_t err = check_comm(&pub[i].comm_r, what, diag);
        if (err != SLK_OK)
            return err;
        if (i && pub[i].sector <= pub[i - 1].sector)
            return slk_fail(diag, SLK_ERR_INPUT,
                            "sector %" PRIu64 " follows sector %" PRIu64
                            ": expected ascending numbers, each once",
                            pub[i].sector, pub[i - 1].sector);
    }
    return SLK_OK;
}

slk_err_t slk_post_verify(bool *ok, const slk_post_t *post, const slk_node_t *randomness,
                          const slk_post_public_t *pub, size_t cnt, const void *proof, size_t len,
                          const char *dir, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_t *inputs = NULL;
    *ok = false;
    if (!slk_node_is_canonical(randomness))
        return slk_fail(
            diag, SLK_ERR_FIELD,
            "randomness %s is not below the field's modulus; clear its two top bits first",
            slk_node_hex(randomness).s);
    SLK_TRY(check_sectors(post, pub, cnt, diag));
    size_t each = slk_post_input_cnt(post);
    uint32_t partition_cnt = slk_post_partition_cnt(post, cnt);
    inputs = calloc(partition_cnt, each * sizeof *inputs);
    if (!inputs) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for the public inputs of %zu sectors", cnt);
        goto out;
    }
    for (uint32_t k = 0; k < partition_cnt; k++)
        slk_post_inputs(inputs + k * each, post, randomness, pub, cnt, k);
    SLK_TRY(verify(ok, post->kind == SLK_POST_WINNING ? SLK_CIRCUIT_WINNING : SLK_CIRCUIT_WINDOW,
                   post->size, proof, len, partition_cnt, inputs, partition_cnt * each, dir, job,
                   diag));
out:
    free(inputs);
    return err;
}
