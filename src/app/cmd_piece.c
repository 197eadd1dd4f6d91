#include "app/app.h"
#include "app/nouns.h"

#include "base/assert.h"
#include "selkie/cid.h"
#include "selkie/piece.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static slk_err_t run_commp(slk_app_t *app, const slk_args_t *args)
{
    const char *path = args->words[0];
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (standard)
        path = "standard input";
    if (fd < 0)
        return slk_fail_errno(&app->diag, "open", path);
    slk_commp_t commp;
    slk_err_t err;
    SLK_TRY(slk_app_job(app, args, "nothing was written, run it again"));
    SLK_TRY(
        slk_commp_fd(&commp, args->opt[SLK_OPT_PIECE_SIZE].num, fd, path, &app->job, &app->diag));
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, SLK_CID_UNSEALED, &commp.piece.comm_p);
    slk_result_node(app, "comm_p", &commp.piece.comm_p);
    slk_result_text(app, "piece_cid", cid);
    slk_result_num(app, "raw_size", commp.raw);
    slk_result_num(app, "padded_size", commp.piece.padded);
out:
    if (!standard)
        close(fd);
    return err;
}

/* "CID:PADDED_SIZE" */
static slk_err_t parse_piece(slk_piece_t *out, const char *word, slk_app_t *app)
{
    const char *colon = strrchr(word, ':');
    slk_value_t size;
    if (!colon)
        return slk_app_usage(app, "'%.200s': expected CID:PADDED_SIZE, such as baga...:2048", word);
    if (!slk_value_parse(&size, SLK_ARG_PADDED, NULL, colon + 1)) {
        char expects[160];
        slk_value_expects(expects, sizeof expects, SLK_ARG_PADDED, NULL);
        return slk_app_usage(app, "'%.200s': the piece's size, behind the colon: expected %s", word,
                             expects);
    }
    out->padded = size.num;
    slk_err_t err = SLK_ERR_NOMEM;
    slk_diag_t diag = {0};
    char *cid = strndup(word, (size_t)(colon - word));
    if (cid)
        err = slk_cid_parse(&out->comm_p, SLK_CID_UNSEALED, cid, &diag);
    if (err == SLK_ERR_FORMAT)
        slk_app_usage(app, "'%.200s': %s", word, diag.text);
    else
        app->diag = diag;
    free(cid);
    return err;
}

static slk_err_t run_commd(slk_app_t *app, const slk_args_t *args)
{
    slk_piece_t *pieces = calloc(args->word_cnt + 1, sizeof *pieces);
    if (!pieces)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err;
    for (size_t i = 0; i < args->word_cnt; i++)
        SLK_TRY(parse_piece(&pieces[i], args->words[i], app));
    slk_node_t comm_d;
    SLK_TRY(slk_piece_comm_d(&comm_d, args->opt[SLK_OPT_SIZE].size->bytes, pieces, args->word_cnt,
                             &app->diag));
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, SLK_CID_UNSEALED, &comm_d);
    slk_result_node(app, "comm_d", &comm_d);
    slk_result_text(app, "unsealed_cid", cid);
out:
    free(pieces);
    return err;
}

static const slk_opt_use_t commp_opts[] = {
    {SLK_OPT_PIECE_SIZE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t commd_opts[] = {
    {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

const slk_command_t slk_piece_commands[] = {
    {.noun = "piece",
     .verb = "commp",
     .summary = "compute the piece commitment (CommP) of a file",
     .details = "The data is padded with zeros to the next power of two of padded size (254 bits "
                "of data in each 256), at least 128. A few MiB of memory suffice whatever its "
                "size.",
     .opts = commp_opts,
     .opt_cnt = SLK_COUNT(commp_opts),
     .words = {"FILE", "the data as it is, without padding; - for standard input", SLK_ARG_FILE,
               NULL, 1, 1},
     .json = "comm_p: the commitment, 32 bytes hex\n"
             "piece_cid: the same as a CID\n"
             "raw_size: bytes of data\n"
             "padded_size: bytes of the padded piece",
     .examples = "piece commp video.car\npiece commp --json - < video.car",
     .run = run_commp},
    {.noun = "piece",
     .verb = "commd",
     .summary = "compute the commitment (CommD) of a sector from its pieces",
     .details = "Each piece goes to the next multiple of its size; gaps and the rest of the "
                "sector are zeros. Without pieces: a sector of committed capacity.",
     .opts = commd_opts,
     .opt_cnt = SLK_COUNT(commd_opts),
     .words = {"CID:PADDED_SIZE", "the pieces in their order", SLK_ARG_TEXT, NULL, 0, 65536},
     .json = "comm_d: the commitment, 32 bytes hex\n"
             "unsealed_cid: the same as a CID",
     .examples = "piece commd --size 32GiB baga6ea4seaq...:16GiB baga6ea4seaq...:1073741824",
     .run = run_commd},
    {0},
};
