/* Files of a key made here. */
#include "selkie/setup.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/digest/file_digest.h"
#include "proofs/groth16/params.h"
#include "proofs/groth16/prove.h"
#include "proofs/groth16/setup.h"

#include <blake2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    slk_circuit_t circuit;
    slk_density_t density;
    slk_rows_t *rows;
    slk_part_t all;
    char digests[4096], meta[4096];
    slk_setup_files_t *files;
    const slk_job_t *job;
    slk_diag_t *diag;
} generate_t;

bool slk_size_mainnet(const slk_size_t *size)
{
    return size->bytes >= UINT64_C(32) << 30;
}

static void rows_of(void *ctx, uint32_t unit, slk_row_fn_t *fn, void *fn_ctx)
{
    generate_t *g = ctx;
    if (unit == SLK_SETUP_HEAD)
        slk_rows_head(g->rows, fn, fn_ctx);
    else
        slk_rows_unit(g->rows, unit, fn, fn_ctx);
}

/* --- Contents --------------------------------------------------------------------------------- */

/* Without progress: the bar counts points. */
static slk_err_t digest_of(uint8_t out[BLAKE2B_OUTBYTES], int fd, uint64_t len, const char *path,
                           const generate_t *g)
{
    const slk_job_t quiet = {.cancel = g->job ? g->job->cancel : NULL};
    return slk_file_digest(out, fd, len, path, &quiet, g->diag);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Two lines as b2sum prints them. */
static slk_err_t write_digests(const generate_t *g, const uint8_t params[BLAKE2B_OUTBYTES],
                               const uint8_t vk[BLAKE2B_OUTBYTES])
{
    char text[1024], hex[2][2 * BLAKE2B_OUTBYTES + 1];
    slk_hex_encode(hex[0], params, BLAKE2B_OUTBYTES);
    slk_hex_encode(hex[1], vk, BLAKE2B_OUTBYTES);
    int len = snprintf(text, sizeof text, "%s  %s\n%s  %s\n", hex[0], base_name(g->files->params),
                       hex[1], base_name(g->files->vk));
    SLK_ASSERT(len > 0 && (size_t)len < sizeof text);
    return slk_write_file(g->digests, text, (size_t)len, g->diag);
}

static slk_err_t write_meta(const generate_t *g)
{
    char text[64];
    int len = snprintf(text, sizeof text, "{\"sector_size\":%" PRIu64 "}", g->circuit.size->bytes);
    return slk_write_file(g->meta, text, (size_t)len, g->diag);
}

/* The head of the new parameters, read back and checked. */
static slk_err_t read_head(uint8_t **out, uint64_t *len, int fd, const generate_t *g)
{
    slk_err_t err;
    slk_vk_t *vk = NULL;
    *len = slk_vk_sz((uint32_t)g->all.inputs);
    *out = malloc(*len);
    if (!*out)
        return slk_fail(g->diag, SLK_ERR_NOMEM, "%s: no memory for its head", g->files->params);
    SLK_TRY(slk_pread_all(fd, *out, *len, 0, g->files->params, g->diag));
    SLK_TRY(slk_vk_parse(&vk, *out, *len, g->files->params, g->job, g->diag));
out:
    slk_vk_free(vk);
    return err;
}

static slk_err_t make_files(generate_t *g)
{
    slk_err_t err;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    uint8_t *vk = NULL, digest[2][BLAKE2B_OUTBYTES];
    uint64_t vk_len;
    blake2b_state hash;
    const slk_setup_source_t source = {.head = g->circuit.head,
                                       .unit = g->circuit.unit,
                                       .units = g->circuit.units,
                                       .density = &g->density,
                                       .rows = rows_of,
                                       .ctx = g};
    uint64_t len = slk_setup_len(&source);
    SLK_TRY(slk_new_file_open(&file, g->files->params, len, g->diag));
    SLK_TRY(slk_setup_write(file.fd, g->files->params, &source, NULL, g->job, g->diag));
    SLK_TRY(read_head(&vk, &vk_len, file.fd, g));
    SLK_TRY(digest_of(digest[0], file.fd, len, g->files->params, g));
    blake2b_init(&hash, BLAKE2B_OUTBYTES);
    blake2b_update(&hash, vk, vk_len);
    blake2b_final(&hash, digest[1], BLAKE2B_OUTBYTES);
    SLK_TRY(slk_write_file(g->files->vk, vk, vk_len, g->diag));
    SLK_TRY(write_digests(g, digest[0], digest[1]));
    SLK_TRY(write_meta(g));
    SLK_TRY(slk_new_file_commit(&file, g->diag));
    g->files->made = true;
out:
    slk_new_file_abort(&file);
    free(vk);
    return err;
}

/* --- What is there ---------------------------------------------------------------------------- */

/* The .vk of parameters that are there. */
static slk_err_t keep_vk(const generate_t *g, const slk_params_t *params)
{
    slk_err_t err;
    char *found = NULL;
    size_t found_len = 0, len = (size_t)slk_vk_sz(params->vk->ic_cnt);
    bool there;
    uint64_t there_len;
    SLK_TRY(slk_file_len(&there, &there_len, g->files->vk, g->diag));
    if (there && there_len == len)
        SLK_TRY(slk_read_file(&found, &found_len, g->files->vk, len, g->diag));
    if (found_len != len || memcmp(found, params->region.ptr, len) != 0)
        SLK_TRY(slk_write_file(g->files->vk, params->region.ptr, len, g->diag));
out:
    free(found);
    return err;
}

static slk_err_t keep_files(const generate_t *g, bool *kept)
{
    slk_err_t err;
    slk_params_t params = {0};
    uint64_t len;
    SLK_TRY(slk_file_len(kept, &len, g->files->params, g->diag));
    if (!*kept)
        return SLK_OK;
    SLK_TRY(slk_params_open(&params, g->files->params, g->job, g->diag));
    SLK_TRY(slk_params_fit(&params, &g->all, &g->density, g->files->params, g->diag));
    SLK_TRY(keep_vk(g, &params));
out:
    slk_params_fini(&params);
    return err;
}

/* --- The whole -------------------------------------------------------------------------------- */

static slk_err_t lock(int *fd, const char *dir, slk_diag_t *diag)
{
    slk_err_t err = slk_make_dirs(dir, diag);
    if (err == SLK_OK)
        err = slk_lock_dir(fd, dir, diag);
    if (err == SLK_ERR_BUSY)
        return slk_fail(diag, err,
                        "%s: another process makes parameters there; wait for it or stop it first",
                        dir);
    return err;
}

static slk_err_t name_files(generate_t *g, const char *dir)
{
    slk_err_t err;
    char id[SLK_CACHE_ID_SZ];
    slk_diag_t *diag = g->diag;
    slk_circuit_cache_id(id, g->circuit.kind, g->circuit.size);
    SLK_TRY(
        slk_params_path(g->files->params, sizeof g->files->params, dir, id, SLK_PARAMS_KEY, diag));
    SLK_TRY(slk_params_path(g->files->vk, sizeof g->files->vk, dir, id, SLK_PARAMS_VK, diag));
    SLK_TRY(slk_params_path(g->meta, sizeof g->meta, dir, id, SLK_PARAMS_META, diag));
    SLK_TRY(slk_params_path(g->digests, sizeof g->digests, dir, id, SLK_PARAMS_DIGESTS, diag));
out:
    return err;
}

slk_err_t slk_setup_make(slk_setup_files_t *out, const char *dir, slk_circuit_kind_t kind,
                         const slk_size_t *size, bool mainnet, const slk_job_t *job,
                         slk_diag_t *diag)
{
    slk_err_t err;
    int fd = -1;
    bool kept;
    char chosen[4096];
    *out = (slk_setup_files_t){0};
    if (slk_size_mainnet(size) && !mainnet)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "parameters made here for %s would let whoever made them prove anything; "
                        "fetch those of the ceremony, or say --yes-this-is-not-a-ceremony",
                        size->name);
    generate_t *g = calloc(1, sizeof *g);
    if (!g)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    g->files = out, g->job = job, g->diag = diag;
    SLK_TRY(slk_circuit_init(&g->circuit, kind, size, diag));
    g->all = slk_circuit_part(&g->circuit, g->circuit.units);
    if (!dir) {
        SLK_TRY(slk_params_dir(chosen, sizeof chosen, diag));
        dir = chosen;
    }
    SLK_TRY(name_files(g, dir));
    SLK_TRY(slk_density_init(&g->density, &g->circuit, diag));
    SLK_TRY(slk_rows_open(&g->rows, &g->circuit, diag));
    SLK_TRY(lock(&fd, dir, diag));
    SLK_TRY(keep_files(g, &kept));
    if (!kept)
        SLK_TRY(make_files(g));
out:
    if (fd >= 0)
        close(fd);
    slk_rows_close(g->rows);
    slk_density_fini(&g->density);
    free(g);
    return err;
}
