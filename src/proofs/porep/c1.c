/* C1: vanilla proofs of all challenges, checked, as the reference's JSON. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/porep/sector_io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const slk_sector_t *sector;
    const slk_job_t *job;
    slk_record_t record;
    slk_vanilla_public_t pub;
    slk_node_t ticket, seed;
    slk_graph_t *graph;
    slk_vanilla_files_t *files; /* NULL for synthetic */
    uint8_t *records;           /* of one partition */
    uint64_t *challenges;
    FILE *out;
    const char *out_path;
} c1_t;

static slk_err_t put_text(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    c1_t *c = ctx;
    return fwrite(text, 1, len, c->out) == len ? SLK_OK
                                               : slk_fail_errno(diag, "write", c->out_path);
}

static void put_node(FILE *f, const char *name, const slk_node_t *node)
{
    fprintf(f, ",\"%s\":[", name);
    for (int i = 0; i < 32; i++)
        fprintf(f, "%s%u", i ? "," : "", node->b[i]);
    fputc(']', f);
}

/* comm_d: from tree_d where it is, else (synthetic, finalized) from the record or the synthetic
 * file's header. */
static slk_err_t find_comm_d(c1_t *c, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], name[SLK_CACHE_NAME_SZ];
    bool found;
    uint64_t len;
    int fd;
    slk_err_t err;
    slk_tree_d_name(name);
    SLK_TRY(slk_cache_path(path, c->sector, name, diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (found || c->sector->porep.feature != SLK_FEATURE_SYNTH)
        return slk_tree_root_read(&c->pub.comm_d, path, "tree_d",
                                  2 * c->sector->porep.size->nodes - 1, diag);
    if (c->record.has_ticket) {
        c->pub.comm_d = c->record.comm_d;
        return SLK_OK;
    }
    SLK_TRY(slk_cache_path(path, c->sector, SLK_SYNTH_NAME, diag));
    SLK_TRY(slk_open_read(&fd, NULL, path, "synthetic proofs file", SLK_ANY_LEN, diag));
    err = slk_pread_all(fd, &c->pub.comm_d, 32, 0, path, diag);
    close(fd);
out:
    return err;
}

static slk_err_t check_inputs(c1_t *c, slk_diag_t *diag)
{
    char path[SLK_PATH_SZ];
    bool found;
    uint64_t len;
    slk_err_t err;
    if (c->sector->porep.feature == SLK_FEATURE_NI && slk_node_is_zero(&c->seed))
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "seed: 32 zero bytes are refused by C2; a non-interactive proof takes any other value");
    if (c->record.has_ticket && !slk_node_eq(&c->record.ticket, &c->ticket))
        return slk_fail(
            diag, SLK_ERR_MISMATCH,
            "%s/" SLK_RECORD_NAME ": field ticket is %s, not %s; give the ticket of PC1",
            c->sector->cache, slk_node_hex(&c->record.ticket).s, slk_node_hex(&c->ticket).s);
    SLK_TRY(slk_cache_path(path, c->sector, SLK_P_AUX_NAME, diag));
    SLK_TRY(slk_p_aux_read(&c->pub.comm_c, &c->pub.comm_r_last, path, diag));
    SLK_ASSERT(slk_poseidon_pair(&c->pub.comm_r, &c->pub.comm_c, &c->pub.comm_r_last));
    if (c->record.has_comm_r && !slk_node_eq(&c->record.comm_r, &c->pub.comm_r)) {
        err = slk_fail(diag, SLK_ERR_DIGEST,
                       "%s: gives comm_r %s, PC2 recorded %s; the file was changed or damaged: "
                       "remove it and run PC2 again",
                       path, slk_node_hex(&c->pub.comm_r).s, slk_node_hex(&c->record.comm_r).s);
        goto out;
    }
    SLK_TRY(slk_cache_path(path, c->sector, SLK_T_AUX_NAME, diag));
    SLK_TRY(slk_file_len(&found, &len, path, diag));
    if (found)
        SLK_TRY(slk_t_aux_check(path, &c->sector->porep, diag));
    SLK_TRY(find_comm_d(c, diag));
    slk_replica_id(&c->pub.replica_id, &c->sector->porep, c->sector->miner, c->sector->number,
                   &c->ticket, &c->pub.comm_d);
    if (c->record.has_ticket && !slk_node_eq(&c->record.comm_d, &c->pub.comm_d))
        err =
            slk_fail(diag, SLK_ERR_MISMATCH,
                     "tree_d gives comm_d %s, PC1 recorded %s; the file was changed: run PC1 again",
                     slk_node_hex(&c->pub.comm_d).s, slk_node_hex(&c->record.comm_d).s);
out:
    return err;
}

static slk_err_t prove_partition(c1_t *c, uint32_t k, slk_diag_t *diag)
{
    const slk_porep_t *porep = &c->sector->porep;
    bool ok;
    slk_err_t err;
    slk_challenges(c->challenges, porep, &c->pub.replica_id, &c->pub.comm_r, &c->seed, k);
    if (porep->feature == SLK_FEATURE_SYNTH)
        SLK_TRY(slk_synth_read(c->records, porep, c->sector->cache, &c->pub, &c->seed, k, diag));
    else
        SLK_TRY(slk_vanilla_prove(c->records, c->files, c->graph, c->challenges, porep->challenges,
                                  c->job, diag));
    slk_diag_t why = {{0}};
    SLK_TRY(slk_vanilla_verify(&ok, c->graph, porep, &c->pub, c->challenges, c->records,
                               porep->challenges, c->job, &why));
    if (!ok) {
        err = slk_fail(diag, SLK_ERR_PROOF, "%s: partition %" PRIu32 ": %s; %s", c->sector->cache,
                       k, why.text,
                       porep->feature == SLK_FEATURE_SYNTH
                           ? SLK_SYNTH_NAME " is damaged or of another ticket: remove it and run "
                                            "PC2 again, which makes only this file"
                           : "a file of the sector is damaged or of another ticket: `selkie seal "
                             "check` says which");
        goto out;
    }
    SLK_TRY(put_text(c, k ? ",[" : "[", k ? 2 : 1, diag));
    size_t record_sz = slk_vanilla_record_sz(porep);
    for (uint32_t i = 0; i < porep->challenges; i++) {
        if (i)
            SLK_TRY(put_text(c, ",", 1, diag));
        SLK_TRY(slk_vanilla_json(porep, &c->pub, c->records + i * record_sz, put_text, c, diag));
    }
    SLK_TRY(put_text(c, "]", 1, diag));
    slk_progress_add(slk_job_progress(c->job), porep->challenges);
out:
    return err;
}

static slk_err_t write_all(c1_t *c, slk_diag_t *diag)
{
    const slk_porep_t *porep = &c->sector->porep;
    char shape[40];
    slk_err_t err = SLK_OK;
    slk_porep_shape_name(porep, shape);
    fprintf(c->out, "{\"registered_proof\":\"%s\",\"vanilla_proofs\":{\"%s\":[",
            slk_porep_registered_name(porep->registered), shape);
    slk_progress_begin(slk_job_progress(c->job), "C1", "challenges",
                       (uint64_t)porep->partitions * porep->challenges, 0);
    for (uint32_t k = 0; k < porep->partitions; k++) {
        if (slk_job_cancelled(c->job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted; run the same command again");
            goto out;
        }
        SLK_TRY(prove_partition(c, k, diag));
    }
    slk_progress_end(slk_job_progress(c->job));
    fputs("]}", c->out);
    put_node(c->out, "comm_r", &c->pub.comm_r);
    put_node(c->out, "comm_d", &c->pub.comm_d);
    put_node(c->out, "replica_id", &c->pub.replica_id);
    put_node(c->out, "seed", &c->seed);
    put_node(c->out, "ticket", &c->ticket);
    fputc('}', c->out);
    if (fflush(c->out) || ferror(c->out))
        err = slk_fail_errno(diag, "write", c->out_path);
out:
    return err;
}

slk_err_t slk_seal_c1(slk_c1_t *out, const slk_sector_t *sector, const slk_node_t *ticket,
                      const slk_node_t *seed, const char *out_path, const slk_job_t *job,
                      slk_diag_t *diag)
{
    const slk_porep_t *porep = &sector->porep;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    char result[SLK_PATH_SZ];
    int lock = -1;
    slk_err_t err;
    SLK_ASSERT(porep->registered >= 0);
    c1_t *c = calloc(1, sizeof *c);
    if (!c)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for C1");
    *c = (c1_t){
        .sector = sector, .job = job, .ticket = *ticket, .seed = *seed, .out_path = out_path};
    SLK_TRY(slk_result_path(result, sector, out_path, diag));
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&c->record, NULL, sector, diag));
    SLK_TRY(slk_not_finalized(sector, &c->record, diag));
    SLK_TRY(check_inputs(c, diag));
    SLK_TRY(slk_graph_new(&c->graph, porep, diag));
    if (porep->feature != SLK_FEATURE_SYNTH)
        SLK_TRY(
            slk_vanilla_files_open(&c->files, porep, sector->cache, sector->sealed, &c->pub, diag));
    c->records = malloc(porep->challenges * slk_vanilla_record_sz(porep));
    c->challenges = malloc(porep->challenges * sizeof *c->challenges);
    if (!c->records || !c->challenges) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for C1");
        goto out;
    }
    SLK_TRY(slk_new_file_open(&file, result, 0, diag));
    int fd = dup(file.fd);
    c->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!c->out) {
        err = slk_fail_errno(diag, "write", out_path);
        if (fd >= 0)
            close(fd);
        goto out;
    }
    SLK_TRY(write_all(c, diag));
    SLK_TRY(slk_new_file_commit(&file, diag));
    out->challenges = porep->partitions * porep->challenges;
    out->partitions = porep->partitions;
    out->comm_d = c->pub.comm_d;
    out->comm_r = c->pub.comm_r;
    out->replica_id = c->pub.replica_id;
out:
    if (c->out)
        fclose(c->out);
    slk_new_file_abort(&file);
    slk_vanilla_files_close(c->files);
    slk_graph_free(c->graph);
    free(c->records);
    free(c->challenges);
    slk_record_fini(&c->record);
    free(c);
    if (lock >= 0)
        close(lock);
    return err;
}
