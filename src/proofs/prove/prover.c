#include "proofs/prove/prover.h"

#include "base/assert.h"
#include "base/region.h"
#include "crypto/msm/msm.h"
#include "proofs/prove/partitions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NTT_SZ (UINT64_C(1) << 20) /* a thread's, and the tables: crypto/fft/fft.h */

slk_err_t slk_prover_open(slk_prover_t **out, slk_circuit_kind_t kind, const slk_size_t *size,
                          const char *dir, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    char id[SLK_CACHE_ID_SZ], path[4096];
    *out = NULL;
    slk_prover_t *prover = calloc(1, sizeof *prover);
    if (!prover)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a prover");
    slk_circuit_cache_id(id, kind, size);
    SLK_TRY(slk_params_path(path, sizeof path, dir, id, SLK_PARAMS_KEY, diag));
    err = slk_params_open(&prover->params, path, job, diag);
    if (err == SLK_ERR_STATE)
        slk_fail(diag, err,
                 "%s is not there; make it with selkie params generate, fetch it with selkie "
                 "params fetch, or set FIL_PROOFS_PARAMETER_CACHE to its folder",
                 path);
    if (err != SLK_OK)
        goto out;
    SLK_TRY(slk_circuit_init(&prover->circuit, kind, size, diag));
    SLK_TRY(slk_density_init(&prover->density, &prover->circuit, diag));
    prover->all = slk_circuit_part(&prover->circuit, prover->circuit.units);
    SLK_TRY(slk_params_fit(&prover->params, &prover->all, &prover->density, path, diag));
    *out = prover;
    return SLK_OK;
out:
    slk_prover_free(prover);
    return err;
}

void slk_prover_free(slk_prover_t *prover)
{
    if (!prover)
        return;
    slk_params_fini(&prover->params);
    slk_density_fini(&prover->density);
    free(prover);
}

uint64_t slk_prover_memory(const slk_prover_t *prover, unsigned threads)
{
    const slk_part_t *all = &prover->all;
    uint64_t domain = slk_prove_domain(all), chunk = slk_prove_chunk_bytes(domain);
    uint64_t witness = all->inputs * 32 + all->aux / 4 + all->wide * 32;
    uint64_t quotient = 96 * domain + (threads + 1) * NTT_SZ;
    uint64_t g1 = 32 * domain + slk_msm_g1_memory(domain, threads, 0) + chunk;
    uint64_t g2 = slk_msm_g2_memory(all->wide, threads, 0) + chunk;
    uint64_t most = quotient > g1 ? quotient : g1;
    return witness + (most > g2 ? most : g2);
}

/* --- One partition ---------------------------------------------------------------------------- */

/* Assignment and row values of a partition. */
typedef struct {
    slk_witness_t witness;
    slk_region_t a, b;
} partition_t;

static void partition_fini(partition_t *part)
{
    slk_witness_fini(&part->witness);
    slk_region_free(&part->a);
    slk_region_free(&part->b);
}

static slk_err_t partition_init(partition_t *part, const slk_prover_t *prover, const slk_job_t *job,
                                slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t bytes = slk_prove_domain(&prover->all) * sizeof(slk_fr_t);
    uint64_t need = slk_prover_memory(prover, slk_pool_threads(slk_job_pool(job)));
    uint64_t have = slk_memory_available();
    *part = (partition_t){0};
    if (need > have)
        return slk_fail(diag, SLK_ERR_NOMEM,
                        "the proof of a partition of %s %s takes %" PRIu64
                        " MiB of memory, %" PRIu64
                        " MiB are available; end other programs or use a machine with more",
                        slk_circuit_name(prover->circuit.kind), prover->circuit.size->name,
                        (need >> 20) + 1, have >> 20);
    SLK_TRY(slk_witness_init(&part->witness, &prover->circuit, diag));
    SLK_TRY(slk_region_anon(&part->a, bytes, diag));
    SLK_TRY(slk_region_anon(&part->b, bytes, diag));
out:
    if (err != SLK_OK)
        partition_fini(part);
    return err;
}

static slk_row_values_t values_of(const partition_t *part)
{
    return (slk_row_values_t){(void *)part->a.ptr, (void *)part->b.ptr};
}

static slk_prove_time_t *times_of(const slk_prove_options_t *options)
{
    return options ? options->times : NULL;
}

slk_err_t slk_prove_porep_with(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover,
                               const slk_porep_t *porep, const slk_vanilla_public_t *pub,
                               const uint8_t *records, const slk_prove_options_t *options,
                               const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    partition_t part;
    slk_prove_time_t began = slk_prove_clock();
    SLK_ASSERT(prover->circuit.kind == SLK_CIRCUIT_POREP && prover->circuit.size == porep->size);
    SLK_TRY(partition_init(&part, prover, job, diag));
    SLK_TRY(slk_porep_witness(&part.witness, values_of(&part), &prover->circuit, porep, pub,
                              records, job, diag));
    slk_prove_spent(times_of(options), SLK_PROVE_WITNESS, began);
    SLK_TRY(slk_groth16_prove(out, &prover->params, &prover->density, &part.witness, &part.a,
                              &part.b, options, job, diag));
out:
    partition_fini(&part);
    return err;
}

slk_err_t slk_prove_porep(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover,
                          const slk_porep_t *porep, const slk_vanilla_public_t *pub,
                          const uint8_t *records, const slk_job_t *job, slk_diag_t *diag)
{
    return slk_prove_porep_with(out, prover, porep, pub, records, NULL, job, diag);
}

/* --- PoSt ------------------------------------------------------------------------------------- */

typedef struct {
    slk_post_unit_t *units;
    uint64_t *leaves;
    slk_node_t *paths; /* of each leaf its value, then the siblings */
} places_t;

static void places_fini(places_t *places)
{
    free(places->units);
    free(places->leaves);
    free(places->paths);
}

static slk_err_t places_init(places_t *places, const slk_circuit_t *circuit, const slk_post_t *post,
                             const slk_post_vanilla_t *proofs, size_t cnt, slk_diag_t *diag)
{
    size_t per = circuit->challenges, all = circuit->units * per;
    size_t nodes = 1 + circuit->tree.siblings;
    *places =
        (places_t){calloc(circuit->units, sizeof *places->units),
                   calloc(all, sizeof *places->leaves), calloc(all * nodes, sizeof *places->paths)};
    if (!places->units || !places->leaves || !places->paths)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu Merkle paths", all);
    for (uint32_t i = 0; i < circuit->units; i++) {
        slk_post_place_t place = slk_post_place(post, cnt, i);
        const slk_post_vanilla_t *proof = &proofs[place.sector];
        uint64_t *leaves = places->leaves + i * per;
        slk_node_t *to = places->paths + i * per * nodes;
        places->units[i] =
            (slk_post_unit_t){proof->comm_c, proof->comm_r_last, proof->comm_r, leaves, to};
        for (uint32_t k = 0; k < per; k++, to += nodes) {
            slk_post_path_t path;
            slk_post_vanilla_path(&path, post->size, proof, place.first + k);
            SLK_ASSERT(path.sibling_cnt + 1 == nodes);
            leaves[k] = path.leaf;
            to[0] = path.value;
            memcpy(to + 1, path.siblings, path.sibling_cnt * sizeof *to);
        }
    }
    return SLK_OK;
}

slk_err_t slk_prove_post_with(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover,
                              const slk_post_t *post, const slk_node_t *randomness,
                              const slk_post_public_t *pub, const slk_post_vanilla_t *proofs,
                              size_t cnt, uint32_t partition, const slk_prove_options_t *options,
                              const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    bool ok;
    places_t places = {0};
    partition_t part = {0};
    const slk_circuit_t *circuit = &prover->circuit;
    SLK_ASSERT(circuit->kind ==
               (post->kind == SLK_POST_WINDOW ? SLK_CIRCUIT_WINDOW : SLK_CIRCUIT_WINNING));
    SLK_ASSERT(circuit->size == post->size && circuit->units == slk_post_place_cnt(post) &&
               circuit->challenges == slk_post_place_paths(post));
    SLK_TRY(slk_post_vanilla_verify(&ok, post, randomness, pub, proofs, cnt, partition, job, diag));
    if (!ok) {
        err = SLK_ERR_PROOF; /* diag names sector and part */
        goto out;
    }
    slk_prove_time_t began = slk_prove_clock();
    SLK_TRY(places_init(&places, circuit, post, proofs, cnt, diag));
    SLK_TRY(partition_init(&part, prover, job, diag));
    SLK_TRY(slk_post_witness(&part.witness, values_of(&part), circuit, places.units, job, diag));
    slk_prove_spent(times_of(options), SLK_PROVE_WITNESS, began);
    SLK_TRY(slk_groth16_prove(out, &prover->params, &prover->density, &part.witness, &part.a,
                              &part.b, options, job, diag));
out:
    places_fini(&places);
    partition_fini(&part);
    return err;
}

slk_err_t slk_prove_post(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover,
                         const slk_post_t *post, const slk_node_t *randomness,
                         const slk_post_public_t *pub, const slk_post_vanilla_t *proofs, size_t cnt,
                         uint32_t partition, const slk_job_t *job, slk_diag_t *diag)
{
    return slk_prove_post_with(out, prover, post, randomness, pub, proofs, cnt, partition, NULL,
                               job, diag);
}

typedef struct {
    const slk_prover_t *prover;
    const slk_post_t *post;
    const slk_node_t *randomness;
    const slk_post_public_t *pub;
    const slk_post_vanilla_t *proofs;
    size_t cnt;
} post_all_t;

static slk_err_t prove_post_part(void *ctx, uint8_t out[SLK_GROTH16_PROOF_SZ], uint32_t k,
                                 const slk_job_t *job, slk_diag_t *diag)
{
    const post_all_t *all = ctx;
    size_t first = (size_t)k * all->post->sectors, cnt = all->cnt - first;
    if (cnt > all->post->sectors)
        cnt = all->post->sectors;
    return slk_prove_post(out, all->prover, all->post, all->randomness, all->pub + first,
                          all->proofs + first, cnt, k, job, diag);
}

static void post_part_inputs(void *ctx, slk_node_t *out, uint32_t k)
{
    const post_all_t *all = ctx;
    slk_post_inputs(out, all->post, all->randomness, all->pub, all->cnt, k);
}

slk_err_t slk_prove_post_all(uint8_t *out, const slk_prover_t *prover, const slk_post_t *post,
                             const slk_node_t *randomness, const slk_post_public_t *pub,
                             const slk_post_vanilla_t *proofs, size_t cnt,
                             const slk_prove_limits_t *limits, const slk_job_t *job,
                             slk_diag_t *diag)
{
    post_all_t all = {prover, post, randomness, pub, proofs, cnt};
    slk_partitions_t partitions = {.prover = prover,
                                   .cnt = slk_post_partition_cnt(post, cnt),
                                   .prove = prove_post_part,
                                   .inputs = post_part_inputs,
                                   .ctx = &all};
    SLK_ASSERT(slk_vk_input_cnt(prover->params.vk) == slk_post_input_cnt(post));
    return slk_prove_partitions(out, &partitions, limits, job, diag);
}
