/* Check of the vanilla proofs of a partition: spec/proofs-vanilla-2.md 9.5. */

#include "proofs/post/path_bytes.h"
#include "proofs/vanilla/fault.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const slk_post_t *post;
    const slk_node_t *randomness;
    const slk_post_public_t *pub;
    const slk_post_vanilla_t *proofs;
    uint64_t first; /* position of the partition's first sector in the whole proof */
    const slk_job_t *job;
    slk_vanilla_layout_t lay;
    slk_fault_t fault;
} verify_t;

/* Always false: the answer. */
SLK_PRINTF(3, 4)
static bool no(const slk_post_vanilla_t *proof, slk_diag_t *diag, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    slk_fail(diag, SLK_OK, "vanilla proof of sector %" PRIu64 ": %s", proof->sector, text);
    return false;
}

static bool check_head(const verify_t *v, size_t i, slk_diag_t *diag)
{
    const slk_post_vanilla_t *proof = &v->proofs[i];
    slk_node_t comm_r;
    if (proof->sector != v->pub[i].sector)
        return no(proof, diag, "expected the one of sector %" PRIu64, v->pub[i].sector);
    if (proof->cnt != v->post->challenges)
        return no(proof, diag, "%" PRIu32 " inclusion proofs, expected %" PRIu32, proof->cnt,
                  v->post->challenges);
    if (!slk_node_eq(&proof->comm_r, &v->pub[i].comm_r))
        return no(proof, diag, "comm_r is %s, expected %s", slk_node_hex(&proof->comm_r).s,
                  slk_node_hex(&v->pub[i].comm_r).s);
    bool canonical = slk_poseidon_pair(&comm_r, &proof->comm_c, &proof->comm_r_last);
    if (!canonical || !slk_node_eq(&comm_r, &proof->comm_r))
        return no(proof, diag, "comm_c and comm_r_last do not make its comm_r %s",
                  slk_node_hex(&proof->comm_r).s);
    return true;
}

/* paths: scratch for all of a sector. */
static bool check_paths(const verify_t *v, size_t i, slk_post_path_t *paths, slk_diag_t *diag)
{
    const slk_post_vanilla_t *proof = &v->proofs[i];
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    const slk_node_t *siblings[SLK_POST_CHALLENGES_MAX];
    slk_node_t hashes[SLK_POST_CHALLENGES_MAX];
    slk_post_leaves(leaves, v->post, v->randomness, proof->sector, v->first + i);
    for (uint32_t n = 0; n < proof->cnt; n++) {
        slk_post_vanilla_path(&paths[n], v->post->size, proof, n);
        if (paths[n].leaf != leaves[n])
            return no(proof, diag,
                      "inclusion proof %" PRIu32 " is of leaf %" PRIu64 ", expected leaf %" PRIu64,
                      n, paths[n].leaf, leaves[n]);
        if (!slk_node_eq(&paths[n].root, &proof->comm_r_last))
            return no(proof, diag,
                      "inclusion proof %" PRIu32 " has root %s, expected comm_r_last %s", n,
                      slk_node_hex(&paths[n].root).s, slk_node_hex(&proof->comm_r_last).s);
        siblings[n] = paths[n].siblings;
        hashes[n] = paths[n].value;
    }
    slk_post_climb(hashes, &v->lay, leaves, siblings, proof->cnt);
    for (uint32_t n = 0; n < proof->cnt; n++) {
        if (!slk_node_eq(&hashes[n], &proof->comm_r_last))
            return no(proof, diag,
                      "inclusion proof %" PRIu32 " leads to %s, expected comm_r_last %s", n,
                      slk_node_hex(&hashes[n]).s, slk_node_hex(&proof->comm_r_last).s);
    }
    return true;
}

static void verify_range(void *ctx, uint64_t begin, uint64_t end)
{
    verify_t *v = ctx;
    slk_diag_t diag = {""};
    slk_post_path_t *paths = calloc(v->post->challenges, sizeof *paths);
    for (uint64_t i = begin; i < end && !slk_fault_before(&v->fault, i); i++) {
        slk_err_t err = SLK_OK;
        bool ok = false;
        if (!paths)
            err = slk_fail(&diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
        else if (slk_job_cancelled(v->job))
            err = slk_fail(&diag, SLK_ERR_CANCELLED, "interrupted while verifying vanilla proofs");
        else
            ok = check_head(v, i, &diag) && check_paths(v, i, paths, &diag);
        if (!ok) {
            slk_fault_put(&v->fault, i, err, &diag);
            break;
        }
    }
    free(paths);
}

slk_err_t slk_post_vanilla_verify(bool *ok, const slk_post_t *post, const slk_node_t *randomness,
                                  const slk_post_public_t *pub, const slk_post_vanilla_t *proofs,
                                  size_t cnt, uint32_t partition, const slk_job_t *job,
                                  slk_diag_t *diag)
{
    *ok = false;
    if (!slk_node_is_canonical(randomness))
        return slk_fail(
            diag, SLK_ERR_FIELD,
            "randomness %s is not below the field's modulus; clear its two top bits first",
            slk_node_hex(randomness).s);
    if (cnt < 1 || cnt > post->sectors)
        return slk_fail(diag, SLK_ERR_INPUT, "%zu sectors in a partition, expected 1 to %" PRIu32,
                        cnt, post->sectors);
    verify_t v = {.post = post,
                  .randomness = randomness,
                  .pub = pub,
                  .proofs = proofs,
                  .job = job,
                  .first = (uint64_t)partition * post->sectors};
    slk_post_layout(&v.lay, post->size);
    slk_fault_init(&v.fault);
    slk_pool_for(slk_job_pool(job), cnt, 4, verify_range, &v);
    slk_fault_fini(&v.fault);
    *ok = !v.fault.found;
    return v.fault.found ? slk_fail(diag, v.fault.err, "%s", v.fault.diag.text) : SLK_OK;
}
