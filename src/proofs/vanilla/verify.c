#include "proofs/vanilla/fault.h"
#include "proofs/vanilla/verifier.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon.h"

#include <stdlib.h>

slk_err_t slk_verifier_set_init(slk_verifier_set_t *set, unsigned cnt, const slk_graph_t *graph,
                                const slk_porep_t *porep, const slk_vanilla_public_t *pub,
                                uint64_t record_cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    pthread_mutex_init(&set->lock, NULL);
    set->cnt = cnt;
    set->idle_cnt = 0;
    set->idle = calloc(cnt, sizeof *set->idle);
    if (!set->idle) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
        goto out;
    }
    for (; set->idle_cnt < cnt; set->idle_cnt++)
        SLK_TRY(
            slk_verifier_new(&set->idle[set->idle_cnt], graph, porep, pub, record_cnt / cnt, diag));
out:
    if (err != SLK_OK)
        slk_verifier_set_fini(set);
    return err;
}

void slk_verifier_set_fini(slk_verifier_set_t *set)
{
    while (set->idle_cnt)
        slk_verifier_free(set->idle[--set->idle_cnt]);
    free(set->idle);
    pthread_mutex_destroy(&set->lock);
}

slk_verifier_t *slk_verifier_take(slk_verifier_set_t *set)
{
    pthread_mutex_lock(&set->lock);
    SLK_ASSERT(set->idle_cnt);
    slk_verifier_t *verifier = set->idle[--set->idle_cnt];
    pthread_mutex_unlock(&set->lock);
    return verifier;
}

void slk_verifier_give(slk_verifier_set_t *set, slk_verifier_t *verifier)
{
    pthread_mutex_lock(&set->lock);
    SLK_ASSERT(set->idle_cnt < set->cnt);
    set->idle[set->idle_cnt++] = verifier;
    pthread_mutex_unlock(&set->lock);
}

bool slk_verify_public(const slk_vanilla_public_t *pub, slk_diag_t *diag)
{
    const struct {
        const char *name;
        const slk_node_t *node;
    } rows[] = {{"comm_d", &pub->comm_d},
                {"comm_c", &pub->comm_c},
                {"comm_r_last", &pub->comm_r_last},
                {"comm_r", &pub->comm_r},
                {"replica_id", &pub->replica_id}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (!slk_node_is_canonical(rows[i].node)) {
            slk_fail(diag, SLK_OK, "%s: %s is not below the field's modulus", rows[i].name,
                     slk_node_hex(rows[i].node).s);
            return false;
        }
    }
    slk_node_t comm_r;
    bool hashed = slk_poseidon_pair(&comm_r, &pub->comm_c, &pub->comm_r_last);
    SLK_ASSERT(hashed);
    if (slk_node_eq(&comm_r, &pub->comm_r))
        return true;
    slk_fail(diag, SLK_OK, "comm_c and comm_r_last hash to %s, expected comm_r %s",
             slk_node_hex(&comm_r).s, slk_node_hex(&pub->comm_r).s);
    return false;
}

typedef struct {
    slk_verifier_set_t set;
    const uint64_t *challenges;
    const uint8_t *records;
    size_t record_sz;
    const slk_job_t *job;
    slk_fault_t fault;
} verify_t;

static void verify_range(void *ctx, uint64_t begin, uint64_t end)
{
    verify_t *run = ctx;
    slk_diag_t diag;
    if (slk_fault_before(&run->fault, begin))
        return;
    if (slk_job_cancelled(run->job)) {
        slk_err_t err =
            slk_fail(&diag, SLK_ERR_CANCELLED, "interrupted while verifying vanilla proofs");
        slk_fault_put(&run->fault, begin, err, &diag);
        return;
    }
    slk_verifier_t *verifier = slk_verifier_take(&run->set);
    if (!slk_verifier_run(verifier, run->challenges + begin, run->records + begin * run->record_sz,
                          end - begin, begin, &diag))
        slk_fault_put(&run->fault, begin, SLK_OK, &diag);
    slk_verifier_give(&run->set, verifier);
}

slk_err_t slk_vanilla_verify(bool *ok, const slk_graph_t *graph, const slk_porep_t *porep,
                             const slk_vanilla_public_t *pub, const uint64_t *challenges,
                             const uint8_t *records, size_t cnt, const slk_job_t *job,
                             slk_diag_t *diag)
{
    *ok = false;
    if (!slk_verify_public(pub, diag))
        return SLK_OK;
    slk_pool_t *pool = slk_job_pool(job);
    unsigned threads = slk_pool_threads(pool);
    /* Full batches where there are many records, a share for each thread where there are few. */
    uint64_t grain = (cnt + 2 * threads - 1) / (2 * threads);
    grain = grain > SLK_VERIFY_BATCH_MAX ? SLK_VERIFY_BATCH_MAX : grain ? grain : 1;
    verify_t run = {.challenges = challenges,
                    .records = records,
                    .record_sz = slk_vanilla_record_sz(porep),
                    .job = job};
    slk_err_t err = slk_verifier_set_init(&run.set, threads, graph, porep, pub, cnt, diag);
    if (err != SLK_OK)
        return err;
    slk_fault_init(&run.fault);
    slk_pool_for(pool, cnt, grain, verify_range, &run);
    slk_fault_fini(&run.fault);
    slk_verifier_set_fini(&run.set);
    *ok = !run.fault.found;
    return run.fault.found ? slk_fail(diag, run.fault.err, "%s", run.fault.diag.text) : SLK_OK;
}
