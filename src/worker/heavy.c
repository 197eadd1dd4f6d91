/* PC1, PC2, C1, C2: what processors are asked, and whether their answers are right. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/base64.h"
#include "crypto/poseidon/poseidon.h"
#include "selkie/seal.h"
#include "selkie/verify.h"
#include "storage/trash.h"
#include "worker/params.h"
#include "worker/processor_line.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(type) slk_file_type_index(SLK_FT_##type)

enum { CLEARINGS_MAX = 16 }; /* damaged files of one sector that PC1 makes anew */

static const char *proof_name(const slk_attempt_t *attempt)
{
    return slk_porep_registered_name(attempt->porep.registered);
}

static json_t *prover(const slk_attempt_t *attempt)
{
    slk_node_t id;
    slk_prover_id(&id, attempt->job->a.miner);
    return slk_json_of_node(&id);
}

static void put_hex(slk_attempt_t *attempt, const char *name, const slk_node_t *node)
{
    json_object_set_new(attempt->result, name, json_string(slk_node_hex(node).s));
}

/* The sector's files; unsealed lies beside sealed when the job does not name it. */
static slk_err_t paths(slk_attempt_t *attempt, slk_sector_t *sector, slk_diag_t *diag)
{
    slk_file_types_t need = SLK_FT_SEALED | SLK_FT_CACHE;
    slk_local_view_t view;
    if ((attempt->has & need) != need)
        return slk_fail(diag, SLK_ERR_INPUT, "the job does not name its sealed file and its cache");
    if (!(attempt->has & SLK_FT_UNSEALED)) {
        slk_err_t err = slk_local_view(&view, attempt->w->paths, attempt->store[AT(SEALED)], diag);
        if (err == SLK_OK)
            err = slk_sector_path(attempt->path[AT(UNSEALED)], view.root, SLK_FT_UNSEALED,
                                  &attempt->job->sector, diag);
        if (err != SLK_OK)
            return err;
    }
    *sector = (slk_sector_t){.porep = attempt->porep,
                             .miner = attempt->job->a.miner,
                             .number = attempt->job->a.number,
                             .cache = attempt->path[AT(CACHE)],
                             .sealed = attempt->path[AT(SEALED)],
                             .unsealed = attempt->path[AT(UNSEALED)]};
    return SLK_OK;
}

static void made_both(slk_attempt_t *attempt)
{
    if (access(attempt->path[AT(SEALED)], F_OK) == 0)
        slk_attempt_made(attempt, SLK_FT_SEALED, attempt->store[AT(SEALED)]);
    if (access(attempt->path[AT(CACHE)], F_OK) == 0)
        slk_attempt_made(attempt, SLK_FT_CACHE, attempt->store[AT(CACHE)]);
}

/* --- PC1 ------------------------------------------------------------------------------------ */

static json_t *piece_infos(const slk_piece_t *pieces, size_t cnt)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cnt; i++)
        json_array_append_new(list, json_pack("{so,sI}", "commitment",
                                              slk_json_of_node(&pieces[i].comm_p), "size",
                                              (json_int_t)slk_unpadded(pieces[i].padded)));
    return list;
}

/* What another program finds in place before PC1: tree_d, an empty sealed file, the data. */
static slk_err_t prepare_foreign(slk_attempt_t *attempt, const slk_sector_t *sector,
                                 char data[SLK_WORKER_PATH_MAX], slk_diag_t *diag)
{
    json_t *output = NULL;
    slk_err_t err;
    snprintf(data, SLK_WORKER_PATH_MAX, "%s", sector->unsealed);
    int fd = open(sector->sealed, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return slk_fail_errno(diag, "create", sector->sealed);
    close(fd);
    if (access(sector->unsealed, F_OK) != 0) { /* zeros without room for them */
        slk_job_dir_file(data, &attempt->job->dir, "zeros");
        fd = open(data, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0 || ftruncate(fd, (off_t)sector->porep.size->bytes) != 0) {
            err = slk_fail_errno(diag, "create", data);
            if (fd >= 0)
                close(fd);
            return err;
        }
        close(fd);
    }
    SLK_TRY(slk_make_dirs(sector->cache, diag));
    err = slk_attempt_call(attempt, "tree_d",
                           json_pack("{ss,ss,ss}", "registered_proof", proof_name(attempt),
                                     "staged_file", data, "cache_dir", sector->cache),
                           &output, diag);
out:
    json_decref(output);
    return err;
}

static slk_err_t take_pc1(slk_attempt_t *attempt, json_t *output, const slk_piece_t *pieces,
                          size_t cnt, const slk_node_t *ticket, slk_diag_t *diag)
{
    slk_node_t comm_d, want, replica_id;
    slk_err_t err;
    SLK_TRY(slk_output_node(&comm_d, output, "comm_d", diag));
    SLK_TRY(slk_piece_comm_d(&want, attempt->porep.size->bytes, pieces, cnt, diag));
    if (memcmp(&comm_d, &want, sizeof want) != 0) {
        err = slk_fail(diag, SLK_ERR_MISMATCH, "PC1: comm_d is %s, the pieces give %s",
                       slk_node_hex(&comm_d).s, slk_node_hex(&want).s);
        goto out;
    }
    slk_replica_id(&replica_id, &attempt->porep, attempt->job->a.miner, attempt->job->a.number,
                   ticket, &comm_d);
    const json_t *resumed =
        json_object_get(json_object_get(output, "selkie"), "labels_resumed_from");
    json_object_set_new(attempt->result, "LabelsResumedFrom",
                        json_integer(json_integer_value(resumed)));
    json_object_del(output, "selkie");
    put_hex(attempt, "CommD", &comm_d);
    put_hex(attempt, "ReplicaID", &replica_id);
    char *text = json_dumps(output, JSON_COMPACT);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the result");
    json_object_set_new(attempt->result, "Out", json_string(text));
    free(text);
out:
    return err;
}

static bool is_useless(slk_err_t err)
{
    return err == SLK_ERR_DIGEST || err == SLK_ERR_MISMATCH || err == SLK_ERR_LENGTH ||
           err == SLK_ERR_FORMAT || err == SLK_ERR_FIELD;
}

/* Both files into the trash of their paths: PC1 begins anew. */
static slk_err_t trash_both(slk_attempt_t *attempt, const char *why, slk_diag_t *diag)
{
    static const slk_file_types_t types[] = {SLK_FT_SEALED, SLK_FT_CACHE};
    for (size_t i = 0; i < SLK_COUNT(types); i++) {
        slk_local_view_t view;
        char entry[SLK_TRASH_NAME_MAX];
        slk_err_t err = slk_local_view(&view, attempt->w->paths,
                                       attempt->store[slk_file_type_index(types[i])], diag);
        if (err == SLK_OK)
            err = slk_trash_put(entry, view.root, types[i], &attempt->job->sector, why, 0, diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

/* What an earlier PC1 left cannot be gone on with, as its sentence about a file of the sector says: a damaged
 * file is removed, which PC1 then makes alone; of what was begun with another ticket, all. False: the error
 * is another one. */
static bool clear_the_way(slk_attempt_t *attempt, const slk_sector_t *sector, slk_err_t err,
                          const slk_diag_t *why)
{
    slk_diag_t problem;
    char path[SLK_SECTOR_PATH_MAX + 256];
    const char *end = strstr(why->text, ": ");
    const size_t cache = strlen(sector->cache);
    const bool in_cache = !strncmp(why->text, sector->cache, cache) && why->text[cache] == '/';
    if (!is_useless(err) || !end || (size_t)(end - why->text) >= sizeof path)
        return false;
    snprintf(path, sizeof path, "%.*s", (int)(end - why->text), why->text);
    if (!in_cache && strcmp(path, sector->sealed) != 0)
        return false;
    slk_log_sector(SLK_LOG_WARN, "worker", sector->miner, sector->number,
                   "PC1: what was there is not gone on with: %.900s", why->text);
    if (in_cache && (err == SLK_ERR_DIGEST || err == SLK_ERR_LENGTH))
        err = unlink(path) == 0 ? SLK_OK : slk_fail_errno(&problem, "remove", path);
    else
        err = trash_both(attempt, "of another ticket, or damaged", &problem);
    if (err != SLK_OK)
        slk_log_sector(SLK_LOG_WARN, "worker", sector->miner, sector->number, "PC1: %s",
                       problem.text);
    return err == SLK_OK;
}

/* One try. */
static slk_err_t run_pc1(slk_attempt_t *attempt, const slk_sector_t *sector,
                         const slk_node_t *ticket, const slk_piece_t *pieces, size_t cnt,
                         slk_diag_t *diag)
{
    slk_err_t err;
    char data[SLK_WORKER_PATH_MAX];
    json_t *output = NULL;
    snprintf(data, sizeof data, "%s", sector->unsealed);
    if (slk_stage_is_foreign(attempt->w, "pc1"))
        SLK_TRY(prepare_foreign(attempt, sector, data, diag));
    json_t *task =
        json_pack("{ss,ss,ss,ss,so,sI,so,so,s{}}", "registered_proof", proof_name(attempt),
                  "cache_path", sector->cache, "in_path", data, "out_path", sector->sealed,
                  "prover_id", prover(attempt), "sector_id", (json_int_t)sector->number, "ticket",
                  slk_json_of_node(ticket), "piece_infos", piece_infos(pieces, cnt), "selkie");
    SLK_TRY(slk_attempt_call(attempt, "pc1", task, &output, diag));
    err = take_pc1(attempt, output, pieces, cnt, ticket, diag);
out:
    json_decref(output);
    return err;
}

slk_err_t slk_do_pc1(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_sector_t sector;
    slk_node_t ticket;
    slk_piece_t *pieces = NULL;
    size_t cnt = 0;
    slk_err_t err;
    SLK_TRY(slk_param_node(&ticket, attempt->params, "Ticket", diag));
    SLK_TRY(slk_param_pieces(&pieces, &cnt, attempt->params, "Pieces", diag));
    SLK_TRY(paths(attempt, &sector, diag));
    err = run_pc1(attempt, &sector, &ticket, pieces, cnt, diag);
    for (unsigned tries = 0; tries < CLEARINGS_MAX && !attempt->failure_set &&
                             clear_the_way(attempt, &sector, err, diag);
         tries++)
        err = run_pc1(attempt, &sector, &ticket, pieces, cnt, diag);
out:
    if (attempt->has & SLK_FT_SEALED && attempt->has & SLK_FT_CACHE)
        made_both(attempt); /* also what a next try goes on with */
    free(pieces);
    return err;
}

/* --- PC2 ------------------------------------------------------------------------------------ */

/* What PC1 left, or what ours needs of it. */
static json_t *pc1out(const slk_attempt_t *attempt, const char *cache)
{
    char path[SLK_SECTOR_PATH_MAX + 16], *text = NULL;
    size_t len;
    json_t *json = NULL;
    snprintf(path, sizeof path, "%s/pc1out.json", cache);
    if (access(path, F_OK) == 0 && slk_read_file(&text, &len, path, 1 << 20, NULL) == SLK_OK)
        json = json_loadb(text, len, 0, NULL);
    free(text);
    return json ? json : json_pack("{ss}", "registered_proof", proof_name(attempt));
}

static void note_problem(void *ctx, const char *sentence)
{
    slk_diag_t *first = ctx;
    if (!first->text[0])
        snprintf(first->text, sizeof first->text, "%s", sentence);
}

/* p_aux holds comm_c and comm_r_last: comm_r follows, and the roots of the trees are compared. */
static slk_err_t check_pc2(slk_attempt_t *attempt, const slk_sector_t *sector,
                           const slk_node_t *comm_r, slk_diag_t *diag)
{
    char path[SLK_SECTOR_PATH_MAX + 16];
    char *aux = NULL;
    size_t len;
    slk_node_t pair[2], want;
    slk_diag_t problem = {""};
    slk_err_t err;
    snprintf(path, sizeof path, "%s/p_aux", sector->cache);
    SLK_TRY(slk_read_file(&aux, &len, path, 4096, diag));
    if (len != sizeof pair) {
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: %zu bytes, expected %zu", path, len, sizeof pair);
        goto out;
    }
    memcpy(pair, aux, sizeof pair);
    if (!slk_poseidon_pair(&want, &pair[0], &pair[1]) || memcmp(&want, comm_r, sizeof want) != 0) {
        err = slk_fail(diag, SLK_ERR_MISMATCH, "PC2: comm_r is %s, %s gives %s",
                       slk_node_hex(comm_r).s, path, slk_node_hex(&want).s);
        goto out;
    }
    SLK_TRY(slk_seal_check(sector, true, note_problem, &problem, &attempt->slk_job, diag));
    if (problem.text[0])
        err = slk_fail(diag, SLK_ERR_MISMATCH, "PC2 left files that are not right: %.1400s",
                       problem.text);
out:
    free(aux);
    return err;
}

slk_err_t slk_do_pc2(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_sector_t sector;
    slk_node_t ticket, comm_d, comm_r;
    json_t *output = NULL;
    slk_err_t err;
    SLK_TRY(slk_param_node(&ticket, attempt->params, "Ticket", diag));
    SLK_TRY(paths(attempt, &sector, diag));
    json_t *task = json_pack("{so,ss,ss,s{so,so,sI}}", "pc1out", pc1out(attempt, sector.cache),
                             "cache_dir", sector.cache, "sealed_file", sector.sealed, "selkie",
                             "ticket", slk_json_of_node(&ticket), "prover_id", prover(attempt),
                             "sector_id", (json_int_t)sector.number);
    SLK_TRY(slk_attempt_call(attempt, "pc2", task, &output, diag));
    SLK_TRY(slk_output_node(&comm_d, output, "comm_d", diag));
    SLK_TRY(slk_output_node(&comm_r, output, "comm_r", diag));
    slk_attempt_stage(attempt, "check");
    SLK_TRY(check_pc2(attempt, &sector, &comm_r, diag));
    put_hex(attempt, "CommD", &comm_d);
    put_hex(attempt, "CommR", &comm_r);
    made_both(attempt);
out:
    json_decref(output);
    return err;
}

/* --- C1 ------------------------------------------------------------------------------------- */

/* Ticket, seed and commitments of a claim, from the parameters. */
static slk_err_t read_claim(slk_seal_claim_t *claim, const slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_err_t err;
    *claim = (slk_seal_claim_t){
        .porep = attempt->porep, .miner = attempt->job->a.miner, .sector = attempt->job->a.number};
    SLK_TRY(slk_param_node(&claim->ticket, attempt->params, "Ticket", diag));
    SLK_TRY(slk_param_node(&claim->seed, attempt->params, "Seed", diag));
    SLK_TRY(slk_param_node(&claim->comm_d, attempt->params, "CommD", diag));
    SLK_TRY(slk_param_node(&claim->comm_r, attempt->params, "CommR", diag));
out:
    return err;
}

/* The output of a program that puts it into its answer. */
static slk_err_t write_output(const char *path, const json_t *output, slk_diag_t *diag)
{
    char *text = json_dumps(output, JSON_COMPACT);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the output of C1");
    slk_err_t err = slk_write_file(path, text, strlen(text), diag);
    free(text);
    return err;
}

slk_err_t slk_do_c1(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_sector_t sector;
    slk_seal_claim_t claim;
    char path[SLK_WORKER_PATH_MAX];
    json_t *output = NULL;
    slk_err_t err;
    slk_job_dir_file(path, &attempt->job->dir, "output.json");
    SLK_TRY(read_claim(&claim, attempt, diag));
    SLK_TRY(paths(attempt, &sector, diag));
    json_t *task = json_pack(
        "{ss,ss,ss,so,sI,so,so,s{so,so},s{ss}}", "registered_proof", proof_name(attempt),
        "cache_path", sector.cache, "replica_path", sector.sealed, "prover_id", prover(attempt),
        "sector_id", (json_int_t)sector.number, "ticket", slk_json_of_node(&claim.ticket), "seed",
        slk_json_of_node(&claim.seed), "pre_commit", "comm_r", slk_json_of_node(&claim.comm_r),
        "comm_d", slk_json_of_node(&claim.comm_d), "selkie", "output_path", path);
    SLK_TRY(slk_attempt_call(attempt, "c1", task, &output, diag));
    const json_t *ours = json_object_get(output, "selkie");
    if (!ours)
        SLK_TRY(write_output(path, output, diag));
    json_object_set_new(
        attempt->result, "Challenges",
        json_integer((json_int_t)attempt->porep.challenges * attempt->porep.partitions));
    json_object_set_new(attempt->result, "Partitions", json_integer(attempt->porep.partitions));
    attempt->has_output = true;
out:
    json_decref(output);
    return err;
}

/* --- C2 ------------------------------------------------------------------------------------- */

static slk_err_t bring_c1(slk_attempt_t *attempt, char path[SLK_WORKER_PATH_MAX], slk_diag_t *diag)
{
    const json_t *id = json_object_get(attempt->params, "C1");
    slk_job_dir_file(path, &attempt->job->dir, "c1.json");
    if (!json_is_integer(id) || json_integer_value(id) < 0)
        return slk_fail(diag, SLK_ERR_INPUT, "Params.C1: expected the id of a C1 job");
    if (access(path, F_OK) == 0)
        return SLK_OK;
    slk_attempt_stage(attempt, "fetch the output of C1");
    slk_err_t err = slk_link_get_output(&attempt->w->link, (uint64_t)json_integer_value(id), path,
                                        &attempt->slk_job, diag);
    if (err == SLK_ERR_NOTFOUND)
        return slk_attempt_fail(attempt, SLK_FAILURE_INPUT, err);
    if (err == SLK_ERR_NOSPACE || err == SLK_ERR_CANCELLED || err == SLK_OK)
        return err;
    return slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY, err);
}

/* {"proof":[numbers]} */
static slk_err_t read_proof(uint8_t **proof, size_t *len, const json_t *output, slk_diag_t *diag)
{
    const json_t *list = json_object_get(output, "proof");
    *len = json_array_size(list);
    *proof = malloc(*len + 1);
    if (!*proof)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the proof");
    bool ok = *len > 0;
    for (size_t i = 0; i < *len; i++) {
        const json_t *byte = json_array_get(list, i);
        ok = ok && json_is_integer(byte) && json_integer_value(byte) >= 0 &&
             json_integer_value(byte) <= 255;
        (*proof)[i] = (uint8_t)json_integer_value(byte);
    }
    return ok ? SLK_OK
              : slk_fail(diag, SLK_ERR_FORMAT,
                         "c2: its output: proof: expected numbers from 0 to 255");
}

/* Nobody is told of a proof that the chain would refuse. */
static slk_err_t take_proof(slk_attempt_t *attempt, const slk_seal_claim_t *claim,
                            const json_t *output, slk_diag_t *diag)
{
    uint8_t *proof = NULL;
    size_t len;
    char *text = NULL;
    bool ok = false;
    slk_diag_t why = {""};
    slk_err_t err;
    SLK_TRY(read_proof(&proof, &len, output, diag));
    SLK_TRY(slk_seal_verify(&ok, claim, proof, len, attempt->w->opts->params_dir, &attempt->slk_job,
                            &why));
    if (!ok) {
        err = slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT,
                               slk_fail(diag, SLK_ERR_PROOF,
                                        "C2 made a proof that does not verify: %.1000s", why.text));
        goto out;
    }
    text = malloc(SLK_BASE64_LEN(len) + 1);
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the proof");
        goto out;
    }
    slk_base64_encode(text, proof, len);
    json_object_set_new(attempt->result, "Proof", json_string(text));
out:
    if (err != SLK_OK && why.text[0] && ok)
        slk_fail(diag, err, "%s", why.text);
    free(text);
    free(proof);
    return err;
}

slk_err_t slk_do_c2(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_seal_claim_t claim;
    char c1[SLK_WORKER_PATH_MAX], partial[SLK_WORKER_PATH_MAX], *text = NULL;
    size_t len;
    json_t *output = NULL, *inlined = NULL;
    slk_err_t err;
    SLK_TRY(read_claim(&claim, attempt, diag));
    SLK_TRY(bring_c1(attempt, c1, diag));
    slk_job_dir_file(partial, &attempt->job->dir, "partial");
    json_t *task =
        json_pack("{so,sI,sI,s{ss,ss}}", "prover_id", prover(attempt), "sector_id",
                  (json_int_t)attempt->job->a.number, "miner_id", (json_int_t)attempt->job->a.miner,
                  "selkie", "c1out_path", c1, "partial_path", partial);
    if (slk_stage_is_foreign(attempt->w, "c2")) {
        SLK_TRY(slk_read_file(&text, &len, c1, SLK_PROCESSOR_LINE_MAX, diag));
        inlined = json_loadb(text, len, 0, NULL);
        if (!inlined || json_object_set_new(task, "c1out", inlined) != 0) {
            json_decref(task);
            err = slk_fail(diag, SLK_ERR_FORMAT, "%s: the output of C1 is no JSON object", c1);
            goto out;
        }
    }
    SLK_TRY(slk_attempt_call(attempt, "c2", task, &output, diag));
    slk_attempt_stage(attempt, "verify");
    err = take_proof(attempt, &claim, output, diag);
out:
    json_decref(output);
    free(text);
    return err;
}
