/* AP: the data of pieces behind those that are there. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "worker/params.h"
#include "worker/piece_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A row of Existing or Add. */
typedef struct {
    slk_piece_t piece;
    const char *source;                  /* NULL: zeros */
    uint64_t payload;                    /* 0: not said */
    char file[SLK_SECTOR_PATH_MAX + 64]; /* where a source's data was fetched to; "" */
} row_t;

typedef struct {
    row_t *rows;
    size_t cnt, existing;
} rows_t;

static slk_err_t read_rows(rows_t *all, const json_t *params, const char *name, slk_diag_t *diag)
{
    const json_t *list = json_object_get(params, name);
    size_t cnt = json_array_size(list);
    if (list && !json_is_null(list) && !json_is_array(list))
        return slk_fail(diag, SLK_ERR_INPUT, "Params.%s: expected an array of pieces", name);
    row_t *rows = realloc(all->rows, (all->cnt + cnt + 1) * sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for pieces");
    all->rows = rows;
    for (size_t i = 0; i < cnt; i++) {
        const json_t *json = json_array_get(list, i);
        row_t *row = &rows[all->cnt];
        memset(row, 0, sizeof *row);
        slk_err_t err = slk_param_piece(&row->piece, json, diag);
        if (err != SLK_OK)
            return err;
        row->source = json_string_value(json_object_get(json, "Source"));
        if (row->source && !row->source[0])
            row->source = NULL;
        json_int_t payload = json_integer_value(json_object_get(json, "PayloadSize"));
        if (payload < 0 || (uint64_t)payload > slk_unpadded(row->piece.padded))
            return slk_fail(diag, SLK_ERR_INPUT, "Params.%s: PayloadSize does not fit Size", name);
        row->payload = (uint64_t)payload;
        all->cnt++;
    }
    return SLK_OK;
}

/* --- Sources -------------------------------------------------------------------------------- */

static bool is_url(const char *source)
{
    return !strncmp(source, "http://", 7) || !strncmp(source, "https://", 8);
}

/* The manager's own piece store takes the worker's token; nobody else hears of it. */
static const char *token_for(slk_worker_t *w, const char *url, char own[SLK_LINK_TOKEN_MAX])
{
    size_t len = strlen(w->link.base);
    if (strncmp(url, w->link.base, len) != 0 || url[len] != '/')
        return w->opts->piece_token;
    slk_link_token(&w->link, own);
    return own;
}

/* "manager:/piecestore/..." is a path of the manager that this worker knows. */
static const char *url_of(char *out, size_t cap, const slk_worker_t *w, const char *source)
{
    if (strncmp(source, "manager:/", 9) != 0)
        return source;
    snprintf(out, cap, "%s%s", w->link.base, source + 8);
    return out;
}

static slk_err_t bring_source(slk_attempt_t *attempt, row_t *row, size_t at, const char *root,
                              slk_diag_t *diag)
{
    struct stat st;
    char room[1024];
    const char *file = row->source;
    const char *url = url_of(room, sizeof room, attempt->w, row->source);
    if (is_url(url)) {
        char name[SLK_SECTOR_NAME_MAX], dir[SLK_SECTOR_PATH_MAX], token[SLK_LINK_TOKEN_MAX];
        snprintf(dir, sizeof dir, "%s/piece/fetching", root);
        slk_err_t err = slk_make_dirs(dir, diag);
        if (err != SLK_OK)
            return err;
        snprintf(row->file, sizeof row->file, "%s/%s.%zu", dir,
                 slk_sector_name(name, &attempt->job->sector), at);
        slk_piece_source_t source = {.url = url,
                                     .token = token_for(attempt->w, url, token),
                                     .market = attempt->w->opts->piece_token,
                                     .len = row->payload,
                                     .len_max = slk_unpadded(row->piece.padded)};
        err = slk_piece_fetch(row->file, &source, attempt->w->client, &attempt->slk_job, diag);
        if (err != SLK_OK && err != SLK_ERR_NOSPACE && err != SLK_ERR_CANCELLED &&
            err != SLK_ERR_LENGTH)
            (void)slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY, err);
        if (err != SLK_OK)
            return err;
        file = row->file;
    }
    if (row->payload)
        return SLK_OK;
    if (stat(file, &st) != 0)
        return slk_attempt_fail(attempt, SLK_FAILURE_INPUT, slk_fail_errno(diag, "find", file));
    row->payload = (uint64_t)st.st_size;
    if (row->payload > slk_unpadded(row->piece.padded))
        return slk_fail(diag, SLK_ERR_LENGTH, "%.300s: %" PRIu64 " bytes do not fit the piece",
                        row->source, row->payload);
    return SLK_OK;
}

static void drop_sources(const rows_t *all)
{
    for (size_t i = 0; i < all->cnt; i++)
        if (all->rows[i].file[0])
            unlink(all->rows[i].file);
}

/* --- The task of the processor -------------------------------------------------------------- */

static json_t *piece_json(const row_t *row)
{
    json_t *file = !row->source
                       ? json_string("pledge")
                       : json_pack("{ss}", "local", row->file[0] ? row->file : row->source);
    return json_pack("{so,sI,sI,so}", "piece_file", file, "payload_size",
                     (json_int_t)(row->source ? row->payload : slk_unpadded(row->piece.padded)),
                     "piece_size", (json_int_t)slk_unpadded(row->piece.padded), "commitment",
                     slk_json_of_node(&row->piece.comm_p));
}

static json_t *task_json(const slk_attempt_t *attempt, const rows_t *all, size_t first,
                         const char *staged)
{
    json_t *pieces = json_array(), *existing = json_array();
    for (size_t i = 0; i < all->cnt; i++)
        if (i < first)
            json_array_append_new(
                existing,
                json_pack("{sI}", "size", (json_int_t)slk_unpadded(all->rows[i].piece.padded)));
        else
            json_array_append_new(pieces, piece_json(&all->rows[i]));
    return json_pack("{ss,so,ss,s{so}}", "seal_proof_type",
                     slk_porep_registered_name(attempt->porep.registered), "pieces", pieces,
                     "staged_filepath", staged, "selkie", "existing", existing);
}

/* What the processor says it wrote is what was asked for. */
static slk_err_t check_output(slk_attempt_t *attempt, const rows_t *all, size_t first,
                              const json_t *output, slk_diag_t *diag)
{
    if (json_array_size(output) != all->cnt - first)
        return slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT,
                                slk_fail(diag, SLK_ERR_FORMAT,
                                         "add_pieces: %zu pieces in its output, expected %zu",
                                         json_array_size(output), all->cnt - first));
    for (size_t i = first; i < all->cnt; i++) {
        slk_node_t got;
        slk_err_t err =
            slk_output_node(&got, json_array_get(output, i - first), "commitment", diag);
        if (err != SLK_OK)
            return slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT, err);
        if (memcmp(&got, &all->rows[i].piece.comm_p, sizeof got) != 0)
            return slk_fail(diag, SLK_ERR_DIGEST, "%.300s: comm_p is %s, expected %s",
                            all->rows[i].source ? all->rows[i].source : "zeros",
                            slk_node_hex(&got).s, slk_node_hex(&all->rows[i].piece.comm_p).s);
    }
    return SLK_OK;
}

/* Messages name the file that data was fetched to: say where it came from. */
static void name_sources(const rows_t *all, slk_diag_t *diag)
{
    for (size_t i = 0; i < all->cnt; i++) {
        const row_t *row = &all->rows[i];
        size_t len = strlen(diag->text);
        if (row->file[0] && strstr(diag->text, row->file))
            snprintf(diag->text + len, sizeof diag->text - len, " (from %.300s)", row->source);
    }
}

/* All pieces of the sector with the zeros between them. */
static json_t *result_pieces(const rows_t *all)
{
    json_t *list = json_array();
    uint64_t used = 0;
    for (size_t i = 0; i < all->cnt; i++) {
        slk_piece_t fill[64];
        uint64_t at = slk_piece_offset(used, all->rows[i].piece.padded);
        unsigned cnt = slk_piece_fill(fill, used, at);
        for (unsigned k = 0; k < cnt; k++)
            json_array_append_new(list, slk_json_of_piece(&fill[k]));
        json_array_append_new(list, slk_json_of_piece(&all->rows[i].piece));
        used = at + all->rows[i].piece.padded;
    }
    return list;
}

slk_err_t slk_do_ap(slk_attempt_t *attempt, slk_diag_t *diag)
{
    unsigned at = slk_file_type_index(SLK_FT_UNSEALED);
    rows_t all = {0};
    json_t *output = NULL;
    slk_local_view_t view;
    slk_err_t err;
    if (!(attempt->has & SLK_FT_UNSEALED))
        return slk_fail(diag, SLK_ERR_INPUT, "AP: the job names no place for the unsealed file");
    SLK_TRY(read_rows(&all, attempt->params, "Existing", diag));
    all.existing = all.cnt;
    SLK_TRY(read_rows(&all, attempt->params, "Add", diag));
    /* Another program writes the file anew, with all of its pieces. */
    size_t first = slk_stage_is_foreign(attempt->w, "add_pieces") ? 0 : all.existing;
    SLK_TRY(slk_local_view(&view, attempt->w->paths, attempt->store[at], diag));
    for (size_t i = first; i < all.cnt; i++)
        if (all.rows[i].source)
            SLK_TRY(bring_source(attempt, &all.rows[i], i, view.root, diag));
    SLK_TRY(slk_attempt_call(attempt, "add_pieces",
                             task_json(attempt, &all, first, attempt->path[at]), &output, diag));
    SLK_TRY(check_output(attempt, &all, first, output, diag));
    json_object_set_new(attempt->result, "Pieces", result_pieces(&all));
    slk_attempt_made(attempt, SLK_FT_UNSEALED, attempt->store[at]);
out:
    if (err != SLK_OK)
        name_sources(&all, diag);
    if (err == SLK_OK || err == SLK_ERR_DIGEST || err == SLK_ERR_LENGTH)
        drop_sources(&all);
    json_decref(output);
    free(all.rows);
    return err;
}
