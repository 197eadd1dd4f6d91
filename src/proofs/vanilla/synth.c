/* The synthetic proofs file: spec/proofs-vanilla-2.md 7.6. */

#include "proofs/vanilla/fault.h"
#include "proofs/vanilla/vanilla_files.h"
#include "proofs/vanilla/verifier.h"

#include "base/assert.h"
#include "base/file.h"
#include "proofs/types/cache_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_SZ (3 * SLK_NODE_SZ) /* comm_d, comm_c, comm_r_last */
#define BATCH     SLK_VERIFY_BATCH_MAX

static void put_header(uint8_t out[HEADER_SZ], const slk_vanilla_public_t *pub)
{
    memcpy(out, pub->comm_d.b, SLK_NODE_SZ);
    memcpy(out + SLK_NODE_SZ, pub->comm_c.b, SLK_NODE_SZ);
    memcpy(out + 2 * SLK_NODE_SZ, pub->comm_r_last.b, SLK_NODE_SZ);
}

/* --- Write ---------------------------------------------------------------------------------- */

typedef struct {
    slk_vanilla_files_t *files;
    const slk_graph_t *graph;
    const slk_vanilla_public_t *pub;
    const slk_job_t *job;
    slk_new_file_t file;
    slk_verifier_set_t set;
    slk_fault_t fault;
} write_t;

static slk_err_t write_batch(write_t *run, uint8_t *records, uint64_t first, uint64_t cnt,
                             slk_diag_t *diag)
{
    uint64_t challenges[BATCH];
    size_t record_sz = run->files->lay.size;
    slk_err_t err = SLK_OK;
    slk_synth_challenges(challenges, &run->files->porep, &run->pub->replica_id, &run->pub->comm_r,
                         first, cnt);
    for (uint64_t i = 0; i < cnt; i++)
        SLK_TRY(slk_vanilla_prove_one(records + i * record_sz, run->files, run->graph,
                                      challenges[i], diag));
    slk_diag_t why;
    slk_verifier_t *verifier = slk_verifier_take(&run->set);
    bool ok = slk_verifier_run(verifier, challenges, records, cnt, first, &why);
    slk_verifier_give(&run->set, verifier);
    if (!ok) {
        err = slk_fail(diag, SLK_ERR_PROOF,
                       "%s: a synthetic proof made from this sector's files does not verify: %s; a "
                       "file of the "
                       "sector is damaged: make them again",
                       run->files->cache, why.text);
        goto out;
    }
    SLK_TRY(slk_pwrite_all(run->file.fd, records, cnt * record_sz, HEADER_SZ + first * record_sz,
                           run->file.tmp, diag));
out:
    return err;
}

static void write_range(void *ctx, uint64_t begin, uint64_t end)
{
    write_t *run = ctx;
    slk_diag_t diag;
    if (slk_fault_before(&run->fault, begin))
        return;
    slk_err_t err;
    uint8_t *records = malloc((end - begin) * run->files->lay.size);
    if (!records)
        err = slk_fail(&diag, SLK_ERR_NOMEM, "no memory for synthetic proofs");
    else if (slk_job_cancelled(run->job))
        err = slk_fail(&diag, SLK_ERR_CANCELLED, "interrupted while making synthetic proofs");
    else
        err = write_batch(run, records, begin, end - begin, &diag);
    free(records);
    if (err != SLK_OK)
        slk_fault_put(&run->fault, begin, err, &diag);
    else if (run->job)
        slk_progress_add(run->job->progress, end - begin);
}

static slk_err_t write_all(write_t *run, slk_diag_t *diag)
{
    slk_pool_t *pool = slk_job_pool(run->job);
    const slk_porep_t *porep = &run->files->porep;
    slk_err_t err = slk_vanilla_files_rebuild_rows(run->files, run->job, diag);
    if (err == SLK_OK)
        err = slk_verifier_set_init(&run->set, slk_pool_threads(pool), run->graph, porep, run->pub,
                                    slk_synth_cnt(porep), diag);
    if (err != SLK_OK)
        return err;
    slk_fault_init(&run->fault);
    slk_pool_for(pool, slk_synth_cnt(porep), BATCH, write_range, run);
    slk_fault_fini(&run->fault);
    slk_verifier_set_fini(&run->set);
    return run->fault.found ? slk_fail(diag, run->fault.err, "%s", run->fault.diag.text) : SLK_OK;
}

slk_err_t slk_synth_write(slk_vanilla_files_t *files, const slk_graph_t *graph,
                          const slk_vanilla_public_t *pub, const slk_job_t *job, slk_diag_t *diag)
{
    write_t run = {
        .files = files, .graph = graph, .pub = pub, .job = job, .file = SLK_NEW_FILE_INIT};
    slk_progress_t *progress = slk_job_progress(job);
    uint64_t cnt = slk_synth_cnt(&files->porep);
    uint8_t header[HEADER_SZ];
    char path[4096];
    slk_diag_t why;
    if (!slk_verify_public(pub, &why))
        return slk_fail(diag, SLK_ERR_MISMATCH, "%s: %s", files->cache, why.text);
    slk_err_t err = slk_path_join(path, sizeof path, files->cache, SLK_SYNTH_NAME, diag);
    if (err != SLK_OK)
        return err;
    slk_progress_begin(progress, "synthetic proofs", "proofs", cnt, 0);
    SLK_TRY(slk_new_file_open(&run.file, path, HEADER_SZ + cnt * files->lay.size, diag));
    put_header(header, pub);
    SLK_TRY(slk_pwrite_all(run.file.fd, header, HEADER_SZ, 0, run.file.tmp, diag));
    SLK_TRY(write_all(&run, diag));
    SLK_TRY(slk_new_file_commit(&run.file, diag));
out:
    slk_new_file_abort(&run.file);
    slk_progress_end(progress);
    return err;
}

/* --- Read ----------------------------------------------------------------------------------- */

slk_err_t slk_synth_read(uint8_t *records, const slk_porep_t *porep, const char *cache,
                         const slk_vanilla_public_t *pub, const slk_node_t *seed, uint32_t k,
                         slk_diag_t *diag)
{
    size_t record_sz = slk_vanilla_record_sz(porep);
    uint8_t want[HEADER_SZ], found[HEADER_SZ];
    char path[4096];
    int fd = -1;
    slk_err_t err = slk_path_join(path, sizeof path, cache, SLK_SYNTH_NAME, diag);
    if (err != SLK_OK)
        return err;
    uint64_t *indexes = calloc(porep->challenges, sizeof *indexes);
    if (!indexes)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", path);
    SLK_TRY(slk_open_read(&fd, NULL, path, "the file of synthetic proofs",
                          HEADER_SZ + slk_synth_cnt(porep) * record_sz, diag));
    SLK_TRY(slk_pread_all(fd, found, HEADER_SZ, 0, path, diag));
    put_header(want, pub);
    static const char *const names[] = {"comm_d", "comm_c", "comm_r_last"};
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        const slk_node_t *have = (const slk_node_t *)found + i,
                         *expect = (const slk_node_t *)want + i;
        if (!slk_node_eq(have, expect)) {
            err = slk_fail(
                diag, SLK_ERR_MISMATCH,
                "%s: its header has %s %s, expected %s; the file belongs to another sector or is "
                "damaged: run PC2 again",
                path, names[i], slk_node_hex(have).s, slk_node_hex(expect).s);
            goto out;
        }
    }
    slk_synth_indexes(indexes, porep, &pub->replica_id, seed, k);
    for (uint32_t i = 0; i < porep->challenges; i++)
        SLK_TRY(slk_pread_all(fd, records + i * record_sz, record_sz,
                              HEADER_SZ + indexes[i] * record_sz, path, diag));
out:
    free(indexes);
    if (fd >= 0)
        close(fd);
    return err;
}
