/* Stages that make a sector: tree_d, pc1, pc2, c1, c2, unseal, finalize. */
#include "app/processor_task.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/region.h"
#include "codec/base64.h"
#include "proofs/porep/record.h"
#include "proofs/porep/sector_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_MAX (UINT32_C(64) << 20)
#define PC1OUT_MAX (UINT32_C(1) << 20)

/* Optional members of "selkie". */
static slk_err_t our_text(const char **out, const slk_task_t *task, const char *name,
                          slk_diag_t *diag)
{
    *out = NULL;
    return json_object_get(task->ours, name) ? slk_task_text(out, task->ours, name, diag) : SLK_OK;
}

static void put(slk_buf_t *out, const char *text)
{
    slk_buf_put(out, text, strlen(text));
}

/* --- What the cache folder says --------------------------------------------------------------- */

/* The record as plain JSON, of whatever sector it is; NULL: none, or none that can be read, of which
 * the stage itself will tell. */
static json_t *read_record(const char *cache)
{
    char path[SLK_PATH_SZ], *text;
    size_t len;
    json_t *record = NULL;
    if (slk_path_join(path, sizeof path, cache, SLK_RECORD_NAME, NULL) == SLK_OK &&
        slk_read_file(&text, &len, path, RECORD_MAX, NULL) == SLK_OK) {
        record = json_loadb(text, len, 0, NULL);
        free(text);
    }
    return record;
}

/* A number, also when it is a text. */
static bool number_of(uint64_t *out, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text)
        return slk_span_u64(out, (slk_span_t){text, strlen(text)});
    *out = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* s-t01000-1 at the end of a path. */
static bool name_of(slk_sector_t *sector, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int end = 0;
    return sscanf(name, "s-t0%" SCNu64 "-%" SCNu64 "%n", &sector->miner, &sector->number, &end) ==
               2 &&
           !name[end];
}

/* A task of pc2 does not say which sector it is of: its record does, or the member "selkie", or the
 * name of the sealed file. */
static bool identify(slk_sector_t *sector, const slk_task_t *task)
{
    json_t *record = read_record(sector->cache);
    bool found = record && number_of(&sector->miner, json_object_get(record, "miner")) &&
                 number_of(&sector->number, json_object_get(record, "sector"));
    json_decref(record);
    if (!found && task->ours)
        found = slk_task_sector(sector, task->ours, NULL) == SLK_OK;
    if (!found)
        found = name_of(sector, sector->sealed);
    if (!found)
        sector->miner = sector->number = 0;
    return found;
}

/* --- tree_d ----------------------------------------------------------------------------------- */

slk_err_t slk_stage_tree_d(const slk_task_t *task, slk_diag_t *diag)
{
    char name[SLK_CACHE_NAME_SZ], path[SLK_PATH_SZ];
    const char *staged, *cache;
    slk_porep_t porep;
    slk_node_t comm_d, sha256;
    int lock = -1, fd = -1;
    uint64_t len = 0;
    bool found;
    slk_err_t err;
    SLK_TRY(slk_task_porep(&porep, task->json, "registered_proof", diag));
    SLK_TRY(slk_task_text(&staged, task->json, "staged_file", diag));
    SLK_TRY(slk_task_text(&cache, task->json, "cache_dir", diag));
    SLK_TRY(slk_make_dirs(cache, diag));
    SLK_TRY(slk_lock_dir(&lock, cache, diag));
    json_t *record = read_record(cache);
    bool begun = json_object_get(record, "ticket") != NULL;
    json_decref(record);
    if (begun) /* by PC1, which made tree_d and has its digest */
        goto done;
    slk_tree_d_name(name);
    SLK_TRY(slk_path_join(path, sizeof path, cache, name, diag));
    SLK_TRY(slk_file_len(&found, &len, staged, diag));
    if (found)
        SLK_TRY(slk_open_read(&fd, NULL, staged, "staged file", SLK_ANY_LEN, diag));
    if (len > porep.size->bytes) /* a trailer of Lotus */
        len = porep.size->bytes;
    SLK_TRY(
        slk_tree_d_build(&comm_d, &sha256, path, porep.size, fd, len, staged, &task->job, diag));
done:
    put(task->output, "true");
out:
    if (fd >= 0)
        close(fd);
    if (lock >= 0)
        close(lock);
    return err;
}

/* --- pc1 -------------------------------------------------------------------------------------- */

typedef struct {
    slk_piece_t *pieces;
    size_t cnt;
    size_t
        data_cnt; /* of them without zeros at the end, which PC1 adds itself; 0: committed capacity */
    slk_node_t comm_d;
} pieces_t;

static slk_err_t read_pieces(pieces_t *out, const json_t *task, uint64_t sector_bytes,
                             slk_diag_t *diag)
{
    const json_t *list;
    slk_err_t err = slk_task_array(&list, task, "piece_infos", diag);
    if (err != SLK_OK)
        return err;
    out->cnt = json_array_size(list);
    if (out->cnt > SLK_SECTOR_PIECES_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "task: field piece_infos: %zu, at most %u", out->cnt,
                        SLK_SECTOR_PIECES_MAX);
    out->pieces = calloc(out->cnt + 1, sizeof *out->pieces);
    if (!out->pieces)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < out->cnt; i++) {
        const json_t *row = json_array_get(list, i);
        slk_piece_t *piece = &out->pieces[i];
        slk_node_t zero;
        SLK_TRY(slk_task_node(&piece->comm_p, row, "commitment", diag));
        SLK_TRY(slk_task_padded(&piece->padded, row, "size", diag));
        slk_piece_zero(&zero, piece->padded);
        if (memcmp(&zero, &piece->comm_p, sizeof zero) != 0)
            out->data_cnt = i + 1;
    }
    err = slk_piece_comm_d(&out->comm_d, sector_bytes, out->pieces, out->cnt, diag);
out:
    return err;
}

/* Note the pieces of a sector that is begun with this task, so that PC1 compares comm_d before it
 * spends hours. */
static slk_err_t note_pieces(const slk_sector_t *sector, const pieces_t *pieces, slk_diag_t *diag)
{
    int lock = -1;
    slk_record_t record = {0};
    slk_err_t err;
    SLK_TRY(slk_make_dirs(sector->cache, diag));
    SLK_TRY(slk_lock_dir(&lock, sector->cache, diag));
    SLK_TRY(slk_record_load(&record, NULL, sector, diag));
    if (record.has_ticket && memcmp(&record.comm_d, &pieces->comm_d, sizeof pieces->comm_d) != 0) {
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "task: piece_infos give another comm_d than that with which PC1 of this "
                       "sector was begun in %s",
                       sector->cache);
        goto out;
    }
    if (record.has_ticket || record.piece_cnt || !pieces->data_cnt)
        goto out;
    record.pieces = calloc(pieces->data_cnt, sizeof *record.pieces);
    if (!record.pieces) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    memcpy(record.pieces, pieces->pieces, pieces->data_cnt * sizeof *record.pieces);
    record.piece_cnt = pieces->data_cnt;
    err = slk_record_save(&record, sector, diag);
out:
    slk_record_fini(&record);
    if (lock >= 0)
        close(lock);
    return err;
}

static slk_err_t read_options(slk_pc1_options_t *out, const slk_task_t *task, slk_diag_t *diag)
{
    static const char *const words[] = {"auto", "ram", "disk"};
    static const slk_layers_t layers[] = {SLK_LAYERS_AUTO, SLK_LAYERS_RAM, SLK_LAYERS_DISK};
    const char *word;
    slk_err_t err;
    *out = (slk_pc1_options_t){0};
    const json_t *seconds = json_object_get(task->ours, "checkpoint_seconds");
    if (seconds && (!json_is_number(seconds) || json_number_value(seconds) <= 0))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "task: field checkpoint_seconds: expected a number above 0");
    out->checkpoint_seconds = json_number_value(seconds);
    SLK_TRY(our_text(&out->parent_cache_dir, task, "parent_cache", diag));
    SLK_TRY(our_text(&word, task, "layers", diag));
    for (size_t i = 0; word && i < SLK_COUNT(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            out->layers = layers[i];
            goto out;
        }
    }
    if (word)
        err = slk_fail(diag, SLK_ERR_INPUT, "task: field layers: expected auto, ram or disk");
out:
    return err;
}

/* What PC1 left as the reference's output, and what is ours behind it. */
static slk_err_t put_pc1out(const slk_task_t *task, const char *cache, const slk_pc1_t *pc1,
                            slk_diag_t *diag)
{
    char path[SLK_PATH_SZ], *text = NULL;
    size_t len;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, cache, "pc1out.json", diag));
    SLK_TRY(slk_read_file(&text, &len, path, PC1OUT_MAX, diag));
    if (!task->ours) {
        slk_buf_put(task->output, text, len);
        goto out;
    }
    SLK_ASSERT(len && text[len - 1] == '}');
    slk_buf_put(task->output, text, len - 1);
    slk_json_putf(task->output, ",\"selkie\":{\"labels_resumed_from\":%" PRIu64,
                  pc1->labels_resumed_from);
    slk_put_node(task->output, ",\"replica_id\":", &pc1->replica_id);
    put(task->output, "}}");
out:
    free(text);
    return err;
}

slk_err_t slk_stage_pc1(const slk_task_t *task, slk_diag_t *diag)
{
    slk_sector_t sector = {0};
    slk_pc1_options_t options;
    slk_pc1_t pc1;
    slk_node_t ticket;
    pieces_t pieces = {0};
    slk_err_t err;
    SLK_TRY(slk_task_porep(&sector.porep, task->json, "registered_proof", diag));
    SLK_TRY(slk_task_text(&sector.cache, task->json, "cache_path", diag));
    SLK_TRY(slk_task_text(&sector.unsealed, task->json, "in_path", diag));
    SLK_TRY(slk_task_text(&sector.sealed, task->json, "out_path", diag));
    SLK_TRY(slk_task_sector(&sector, task->json, diag));
    SLK_TRY(slk_task_node(&ticket, task->json, "ticket", diag));
    SLK_TRY(read_pieces(&pieces, task->json, sector.porep.size->bytes, diag));
    SLK_TRY(read_options(&options, task, diag));
    SLK_TRY(note_pieces(&sector, &pieces, diag));
    SLK_TRY(slk_seal_pc1(&pc1, &sector, &ticket, &options, &task->job, diag));
    if (memcmp(&pc1.comm_d, &pieces.comm_d, sizeof pc1.comm_d) != 0) {
        err =
            slk_fail(diag, SLK_ERR_MISMATCH,
                     "%s: its comm_d is not the one that task's piece_infos give", sector.unsealed);
        goto out;
    }
    err = put_pc1out(task, sector.cache, &pc1, diag);
out:
    free(pieces.pieces);
    return err;
}

/* --- pc2 -------------------------------------------------------------------------------------- */

/* The ticket that Lotus adds to PC1's output, or that of "selkie". */
static slk_err_t find_ticket(slk_node_t *out, bool *found, const slk_task_t *task,
                             const json_t *pc1out, slk_diag_t *diag)
{
    const char *text = json_string_value(json_object_get(pc1out, "_lotus_SealRandomness"));
    uint8_t bytes[SLK_BASE64_ROOM(44)];
    size_t len;
    *found = true;
    if (json_object_get(task->ours, "ticket"))
        return slk_task_node(out, task->ours, "ticket", diag);
    *found = text && strlen(text) == 44 && slk_base64_decode(bytes, &len, text, 44) &&
             len == sizeof *out;
    if (*found)
        memcpy(out, bytes, sizeof *out);
    return SLK_OK;
}

slk_err_t slk_stage_pc2(const slk_task_t *task, slk_diag_t *diag)
{
    slk_sector_t sector = {0};
    slk_pc2_t pc2;
    slk_node_t ticket;
    bool has_ticket;
    char path[SLK_PATH_SZ];
    slk_err_t err;
    const json_t *pc1out = json_object_get(task->json, "pc1out");
    SLK_TRY(slk_task_porep(&sector.porep, pc1out, "registered_proof", diag));
    SLK_TRY(slk_task_text(&sector.cache, task->json, "cache_dir", diag));
    SLK_TRY(slk_task_text(&sector.sealed, task->json, "sealed_file", diag));
    SLK_TRY(find_ticket(&ticket, &has_ticket, task, pc1out, diag));
    sector.unsealed = sector.sealed;
    bool known = identify(&sector, task);
    if (!known && sector.porep.feature == SLK_FEATURE_SYNTH) {
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "%s: which sector is it? Synthetic proofs depend on that, and neither a "
                       "record of PC1 nor the name of the file says it",
                       sector.sealed);
        goto out;
    }
    SLK_TRY(slk_seal_pc2(&pc2, &sector, has_ticket ? &ticket : NULL, &task->job, diag));
    if (!known && slk_path_join(path, sizeof path, sector.cache, SLK_RECORD_NAME, NULL) == SLK_OK)
        unlink(path); /* of a sector that it is not */
    slk_json_putf(task->output, "{\"registered_proof\":\"%s\"",
                  slk_porep_registered_name(sector.porep.registered));
    slk_put_node(task->output, ",\"comm_r\":", &pc2.comm_r);
    slk_put_node(task->output, ",\"comm_d\":", &pc2.comm_d);
    put(task->output, "}");
out:
    return err;
}

/* --- c1 --------------------------------------------------------------------------------------- */

/* pre_commit, where it is given, is of this sector. */
static slk_err_t check_pre_commit(const json_t *task, const slk_c1_t *c1, slk_diag_t *diag)
{
    const json_t *given = json_object_get(task, "pre_commit");
    slk_node_t comm_r, comm_d;
    slk_err_t err = SLK_OK;
    if (!given)
        return SLK_OK;
    SLK_TRY(slk_task_node(&comm_r, given, "comm_r", diag));
    SLK_TRY(slk_task_node(&comm_d, given, "comm_d", diag));
    if (memcmp(&comm_r, &c1->comm_r, sizeof comm_r) != 0 ||
        memcmp(&comm_d, &c1->comm_d, sizeof comm_d) != 0)
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "task: pre_commit has other commitments than the files of the sector");
out:
    return err;
}

/* A file into the output. */
static slk_err_t put_file(slk_buf_t *out, const char *path, slk_diag_t *diag)
{
    uint64_t len;
    slk_region_t region = {0};
    int fd = -1;
    slk_err_t err;
    SLK_TRY(slk_open_read(&fd, &len, path, "output of C1", SLK_ANY_LEN, diag));
    if (len > SLK_PROCESSOR_LINE_MAX) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "the output of C1 has %" PRIu64
                       " bytes, too many for a line; ask for a file with output_path",
                       len);
        goto out;
    }
    SLK_TRY(slk_region_file(&region, fd, len, false, path, diag));
    slk_buf_put(out, region.ptr, len);
out:
    slk_region_free(&region);
    if (fd >= 0)
        close(fd);
    return err;
}

static void put_c1(const slk_task_t *task, const slk_c1_t *c1, const char *path)
{
    put(task->output, "{\"selkie\":{\"path\":");
    slk_json_put_text(task->output, path);
    slk_json_putf(task->output, ",\"challenges\":%" PRIu32 ",\"partitions\":%" PRIu32,
                  c1->challenges, c1->partitions);
    slk_put_node(task->output, ",\"comm_r\":", &c1->comm_r);
    slk_put_node(task->output, ",\"comm_d\":", &c1->comm_d);
    slk_put_node(task->output, ",\"replica_id\":", &c1->replica_id);
    put(task->output, "}}");
}

slk_err_t slk_stage_c1(const slk_task_t *task, slk_diag_t *diag)
{
    slk_sector_t sector = {0};
    slk_node_t ticket, seed;
    slk_c1_t c1;
    char temporary[SLK_PATH_SZ], name[64];
    const char *path;
    bool kept = false;
    slk_err_t err;
    temporary[0] = '\0';
    SLK_TRY(slk_task_porep(&sector.porep, task->json, "registered_proof", diag));
    SLK_TRY(slk_task_text(&sector.cache, task->json, "cache_path", diag));
    SLK_TRY(slk_task_text(&sector.sealed, task->json, "replica_path", diag));
    SLK_TRY(slk_task_sector(&sector, task->json, diag));
    SLK_TRY(slk_task_node(&ticket, task->json, "ticket", diag));
    SLK_TRY(slk_task_node(&seed, task->json, "seed", diag));
    SLK_TRY(our_text(&path, task, "output_path", diag));
    sector.unsealed = sector.sealed;
    kept = path != NULL;
    if (!kept) {
        static atomic_uint made;
        snprintf(name, sizeof name, "c1out-%d-%u.selkie-tmp", (int)getpid(),
                 atomic_fetch_add(&made, 1));
        SLK_TRY(slk_path_join(temporary, sizeof temporary, sector.cache, name, diag));
        path = temporary;
    }
    SLK_TRY(slk_seal_c1(&c1, &sector, &ticket, &seed, path, &task->job, diag));
    SLK_TRY(check_pre_commit(task->json, &c1, diag));
    if (kept)
        put_c1(task, &c1, path);
    else
        err = put_file(task->output, path, diag);
out:
    if (*temporary)
        unlink(temporary);
    return err;
}

/* --- c2 --------------------------------------------------------------------------------------- */

/* The text as a file in memory, whose name goes to path. */
static slk_err_t text_file(int *fd, char path[64], slk_span_t text, slk_diag_t *diag)
{
    *fd = memfd_create("c1out", MFD_CLOEXEC);
    if (*fd < 0)
        return slk_fail(diag, SLK_ERR_NOMEM, "c1out: %s", strerror(errno));
    snprintf(path, 64, "/proc/self/fd/%d", *fd);
    return slk_write_all(*fd, text.at, text.len, "c1out", diag);
}

/* Messages call the file by the name that the task has for it. */
static void rename_in(slk_diag_t *diag, const char *path, const char *name)
{
    slk_diag_t text = *diag;
    size_t len = strlen(path);
    if (strncmp(text.text, path, len) == 0)
        slk_fail(diag, SLK_OK, "%s%s", name, text.text + len);
}

static slk_err_t check_miner(const slk_sector_t *sector, const json_t *task, slk_diag_t *diag)
{
    uint64_t miner;
    if (!json_object_get(task, "miner_id"))
        return SLK_OK;
    slk_err_t err = slk_task_u64(&miner, task, "miner_id", diag);
    if (err == SLK_OK && miner != sector->miner)
        err = slk_fail(diag, SLK_ERR_INPUT,
                       "task: prover_id is that of miner %" PRIu64 ", miner_id is %" PRIu64,
                       sector->miner, miner);
    return err;
}

slk_err_t slk_stage_c2(const slk_task_t *task, slk_diag_t *diag)
{
    static const char *const c1out_name[] = {"c1out"};
    slk_span_t c1out;
    slk_sector_t sector = {0};
    slk_c2_t c2 = {0};
    slk_prove_limits_t limits = task->limits;
    char memory[64];
    const char *path;
    int fd = -1;
    slk_err_t err;
    SLK_TRY(slk_task_sector(&sector, task->json, diag));
    SLK_TRY(check_miner(&sector, task->json, diag));
    SLK_TRY(our_text(&path, task, "c1out_path", diag));
    SLK_TRY(our_text(&limits.partial, task, "partial_path", diag));
    SLK_TRY(slk_span_members(&c1out, c1out_name, 1, task->text.at, task->text.len, diag));
    bool inlined = !path;
    if (inlined && !c1out.len) {
        err = slk_fail(diag, SLK_ERR_INPUT, "task: field c1out: expected the output of C1");
        goto out;
    }
    if (inlined) {
        SLK_TRY(text_file(&fd, memory, c1out, diag));
        path = memory;
    }
    err = slk_seal_c2(&c2, path, sector.miner, sector.number, NULL, &limits, &task->job, diag);
    if (err != SLK_OK) {
        if (inlined)
            rename_in(diag, path, "c1out");
        goto out;
    }
    for (size_t i = 0; i < c2.len; i++)
        slk_json_putf(task->output, "%s%u", i ? "," : "{\"proof\":[", c2.proof[i]);
    put(task->output, "]}");
    if (limits.partial)
        unlink(limits.partial);
out:
    slk_c2_fini(&c2);
    if (fd >= 0)
        close(fd);
    return err;
}

/* --- unseal, finalize --------------------------------------------------------------------------- */

slk_err_t slk_stage_unseal(const slk_task_t *task, slk_diag_t *diag)
{
    slk_sector_t sector = {0};
    slk_pc1_options_t options;
    slk_node_t ticket, comm_d;
    const char *out_path;
    uint64_t offset, length, bytes;
    slk_err_t err;
    SLK_TRY(slk_task_porep(&sector.porep, task->json, "registered_proof", diag));
    SLK_TRY(slk_task_sector(&sector, task->json, diag));
    SLK_TRY(slk_task_node(&comm_d, task->json, "comm_d", diag));
    SLK_TRY(slk_task_node(&ticket, task->json, "ticket", diag));
    SLK_TRY(slk_task_text(&sector.cache, task->json, "cache_dir", diag));
    SLK_TRY(slk_task_text(&sector.sealed, task->json, "sealed_file", diag));
    SLK_TRY(slk_task_text(&out_path, task->json, "unsealed_output", diag));
    SLK_TRY(slk_task_u64(&offset, task->json, "offset", diag));
    SLK_TRY(slk_task_u64(&length, task->json, "num_bytes", diag));
    SLK_TRY(read_options(&options, task, diag));
    sector.unsealed = sector.sealed;
    SLK_TRY(slk_seal_unseal(&bytes, &sector, &ticket, &comm_d, out_path, offset, length, &options,
                            &task->job, diag));
    slk_json_putf(task->output, "%" PRIu64, bytes);
out:
    return err;
}

static void put_removed(void *ctx, const char *name)
{
    slk_buf_t *out = ctx;
    if (out->len && out->bytes[out->len - 1] != '[')
        put(out, ",");
    slk_json_put_text(out, name);
}

slk_err_t slk_stage_finalize(const slk_task_t *task, slk_diag_t *diag)
{
    slk_sector_t sector = {0};
    slk_err_t err;
    bool drop = json_object_get(task->json, "unsealed_file") != NULL;
    SLK_TRY(slk_task_porep(&sector.porep, task->json, "registered_proof", diag));
    SLK_TRY(slk_task_sector(&sector, task->json, diag));
    SLK_TRY(slk_task_text(&sector.cache, task->json, "cache_dir", diag));
    SLK_TRY(slk_task_text(&sector.sealed, task->json, "sealed_file", diag));
    if (drop)
        SLK_TRY(slk_task_text(&sector.unsealed, task->json, "unsealed_file", diag));
    put(task->output, "{\"removed\":[");
    SLK_TRY(slk_seal_finalize(&sector, !drop, put_removed, task->output, diag));
    put(task->output, "]}");
out:
    return err;
}
