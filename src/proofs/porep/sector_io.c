#include "proofs/porep/sector_io.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/work.h"
#include "crypto/merkle/tree_file.h"
#include "crypto/sha256/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_BUF (UINT64_C(4) << 20)

slk_err_t slk_cache_path(char out[SLK_PATH_SZ], const slk_sector_t *sector, const char *name,
                         slk_diag_t *diag)
{
    return slk_path_join(out, SLK_PATH_SZ, sector->cache, name, diag);
}

/* --- Digests -------------------------------------------------------------------------------- */

slk_err_t slk_digest_file(slk_node_t *out, const char *path, const char *what, uint64_t bytes,
                          const slk_job_t *job, slk_diag_t *diag)
{
    int fd = -1;
    uint8_t *buf = NULL;
    slk_err_t err;
    SLK_TRY(slk_open_read(&fd, NULL, path, what, bytes, diag));
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    buf = malloc(IO_BUF);
    if (!buf) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", path);
        goto out;
    }
    slk_sha256_t sha;
    slk_sha256_init(&sha);
    for (uint64_t at = 0; at < bytes;) {
        uint64_t len = bytes - at < IO_BUF ? bytes - at : IO_BUF;
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        SLK_TRY(slk_pread_all(fd, buf, len, at, path, diag));
        slk_sha256_update(&sha, buf, len);
        slk_progress_add(slk_job_progress(job), len);
        at += len;
    }
    slk_sha256_final(&sha, out);
out:
    free(buf);
    if (fd >= 0)
        close(fd);
    return err;
}

typedef struct {
    slk_work_t work;
    const slk_digest_check_t *files;
} digest_checks_t;

static void digest_check_some(void *ctx, uint64_t begin, uint64_t end)
{
    digest_checks_t *checks = ctx;
    for (uint64_t i = begin; i < end && !slk_work_stopped(&checks->work); i++) {
        const slk_digest_check_t *file = &checks->files[i];
        slk_diag_t diag;
        slk_node_t found;
        slk_err_t err = slk_digest_file(&found, file->path, file->row->name, file->row->bytes,
                                        checks->work.job, &diag);
        if (err == SLK_OK && !slk_node_eq(&found, &file->row->sha256))
            err = slk_fail(
                &diag, SLK_ERR_DIGEST,
                "%s: SHA-256 is %s, recorded was %s; the file was changed or damaged: remove it "
                "and run again the step that makes it",
                file->path, slk_node_hex(&found).s, slk_node_hex(&file->row->sha256).s);
        if (err != SLK_OK)
            slk_work_fail(&checks->work, err, &diag);
    }
}

slk_err_t slk_digest_check(const slk_digest_check_t *files, size_t cnt, const char *stage,
                           const slk_job_t *job, slk_diag_t *diag)
{
    digest_checks_t checks = {.files = files};
    uint64_t total = 0;
    for (size_t i = 0; i < cnt; i++)
        total += files[i].row->bytes;
    slk_work_init(&checks.work, job);
    slk_progress_begin(slk_job_progress(job), stage, "B", total, 0);
    slk_pool_for(slk_job_pool(job), cnt, 1, digest_check_some, &checks);
    slk_progress_end(slk_job_progress(job));
    return slk_work_finish(&checks.work, diag);
}

/* --- p_aux, t_aux, pc1out.json --------------------------------------------------------------- */

slk_err_t slk_p_aux_read(slk_node_t *comm_c, slk_node_t *comm_r_last, const char *path,
                         slk_diag_t *diag)
{
    int fd = -1;
    slk_node_t both[2];
    slk_err_t err;
    SLK_TRY(slk_open_read(&fd, NULL, path, "p_aux", sizeof both, diag));
    SLK_TRY(slk_pread_all(fd, both, sizeof both, 0, path, diag));
    for (int i = 0; i < 2; i++) {
        if (!slk_node_is_canonical(&both[i])) {
            err = slk_fail(diag, SLK_ERR_FIELD,
                           "%s: field %s is %s, not below the field's modulus; the file is "
                           "damaged: run PC2 again",
                           path, i ? "comm_r_last" : "comm_c", slk_node_hex(&both[i]).s);
            goto out;
        }
    }
    *comm_c = both[0];
    *comm_r_last = both[1];
out:
    if (fd >= 0)
        close(fd);
    return err;
}

slk_err_t slk_p_aux_write(const char *path, const slk_node_t *comm_c, const slk_node_t *comm_r_last,
                          slk_diag_t *diag)
{
    slk_node_t both[2] = {*comm_c, *comm_r_last};
    return slk_write_file(path, both, sizeof both, diag);
}

/* One StoreConfig of t_aux and pc1out.json. */
typedef struct {
    char id[16];
    uint64_t nodes, discard;
} store_config_t;

/* Layers 1 .. L, then tree_d, tree_r_last, tree_c: the order of t_aux. Returns their number. */
static size_t store_configs(store_config_t out[SLK_LAYERS_MAX + 3], const slk_size_t *size)
{
    size_t cnt = 0;
    for (uint32_t layer = 1; layer <= size->layers; layer++) {
        snprintf(out[cnt].id, sizeof out[cnt].id, "layer-%" PRIu32, layer);
        out[cnt].nodes = size->nodes;
        out[cnt++].discard = 0;
    }
    out[cnt++] = (store_config_t){"tree-d", 2 * size->nodes - 1, 0};
    out[cnt++] = (store_config_t){"tree-r-last", size->tree_nodes, size->discard};
    out[cnt++] = (store_config_t){"tree-c", size->tree_nodes, 0};
    return cnt;
}

slk_err_t slk_t_aux_write(const char *path, const slk_porep_t *porep, const char *cache,
                          slk_diag_t *diag)
{
    store_config_t configs[SLK_LAYERS_MAX + 3];
    size_t cnt = store_configs(configs, porep->size), dir_len = strlen(cache);
    uint8_t *buf = malloc(8 + cnt * (33 + dir_len + sizeof configs[0].id)), *p = buf;
    if (!buf)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", path);
    slk_store_le64(p, porep->size->layers);
    p += 8;
    for (size_t i = 0; i < cnt; i++) {
        size_t id_len = strlen(configs[i].id);
        slk_store_le64(p, dir_len);
        memcpy(p + 8, cache, dir_len);
        p += 8 + dir_len;
        slk_store_le64(p, id_len);
        memcpy(p + 8, configs[i].id, id_len);
        p += 8 + id_len;
        *p++ = 1;
        slk_store_le64(p, configs[i].nodes);
        slk_store_le64(p + 8, configs[i].discard);
        p += 16;
    }
    slk_err_t err = slk_write_file(path, buf, (size_t)(p - buf), diag);
    free(buf);
    return err;
}

/* Reader of bincode with a limit. */
typedef struct {
    const uint8_t *p, *end;
} cursor_t;

static bool take_u64(cursor_t *c, uint64_t *v)
{
    if (c->end - c->p < 8)
        return false;
    *v = slk_load_le64(c->p);
    c->p += 8;
    return true;
}

static bool take_text(cursor_t *c, const uint8_t **text, uint64_t *len)
{
    if (!take_u64(c, len) || *len > (uint64_t)(c->end - c->p))
        return false;
    *text = c->p;
    c->p += *len;
    return true;
}

slk_err_t slk_t_aux_parse(const uint8_t *buf, size_t len, const char *path,
                          const slk_porep_t *porep, slk_diag_t *diag)
{
    static const char remedy[] = "run PC2 again, or remove the file";
    store_config_t configs[SLK_LAYERS_MAX + 3];
    size_t cnt = store_configs(configs, porep->size);
    cursor_t c = {buf, buf + len};
    uint64_t layers, id_len, dir_len, nodes = 0, discard;
    const uint8_t *id, *dir;
    if (!take_u64(&c, &layers) || layers != porep->size->layers)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: t_aux: expected %" PRIu32 " layers; %s", path,
                        porep->size->layers, remedy);
    for (size_t i = 0; i < cnt; i++) {
        const char *name = configs[i].id;
        bool ok = take_text(&c, &dir, &dir_len) && take_text(&c, &id, &id_len) && c.p < c.end;
        if (!ok || id_len != strlen(name) || memcmp(id, name, id_len) != 0)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "%s: t_aux: expected the entry of %s at byte %td; %s", path, name,
                            c.p - buf, remedy);
        uint8_t has_nodes = *c.p++;
        ok = has_nodes <= 1 && (!has_nodes || take_u64(&c, &nodes)) && take_u64(&c, &discard);
        if (!ok || (has_nodes && nodes != configs[i].nodes) || discard != configs[i].discard)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "%s: t_aux: entry of %s: expected %" PRIu64 " nodes and %" PRIu64
                            " discarded rows; %s",
                            path, name, configs[i].nodes, configs[i].discard, remedy);
    }
    if (c.p != c.end)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: t_aux: %td bytes too many; %s", path,
                        c.end - c.p, remedy);
    return SLK_OK;
}

slk_err_t slk_t_aux_check(const char *path, const slk_porep_t *porep, slk_diag_t *diag)
{
    char *buf = NULL;
    size_t len = 0;
    slk_err_t err = slk_read_file(&buf, &len, path, 1 << 20, diag);
    if (err == SLK_OK)
        err = slk_t_aux_parse((const uint8_t *)buf, len, path, porep, diag);
    free(buf);
    return err;
}

/* A JSON string as serde_json writes it: only quote, backslash and control characters are escaped.
 */
static void put_json_text(FILE *f, const char *text)
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else if (*p < 32 && short_form[*p])
            fprintf(f, "\\%c", short_form[*p]);
        else if (*p < 32)
            fprintf(f, "\\u%04x", *p);
        else
            fputc(*p, f);
    }
    fputc('"', f);
}

static void put_store_config(FILE *f, const store_config_t *config, const char *cache)
{
    fputs("{\"path\":", f);
    put_json_text(f, cache);
    fprintf(f, ",\"id\":\"%s\",\"size\":%" PRIu64 ",\"rows_to_discard\":%" PRIu64 "}", config->id,
            config->nodes, config->discard);
}

static bool file_holds(const char *path, const char *text, size_t len)
{
    char *old = NULL;
    size_t old_len = 0;
    slk_diag_t unused;
    bool same = slk_read_file(&old, &old_len, path, 1 << 20, &unused) == SLK_OK && old_len == len &&
                memcmp(old, text, len) == 0;
    free(old);
    return same;
}

slk_err_t slk_pc1out_write(const char *path, const slk_porep_t *porep, const char *cache,
                           const slk_node_t *comm_d, slk_diag_t *diag)
{
    store_config_t configs[SLK_LAYERS_MAX + 3];
    store_configs(configs, porep->size);
    char shape[40], *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", path);
    slk_porep_shape_name(porep, shape);
    fprintf(f, "{\"registered_proof\":\"%s\",\"labels\":{\"%s\":{\"labels\":[",
            slk_porep_registered_name(porep->registered), shape);
    for (uint32_t i = 0; i < porep->size->layers; i++) {
        if (i)
            fputc(',', f);
        put_store_config(f, &configs[i], cache);
    }
    fputs("],\"_h\":null}},\"config\":", f);
    put_store_config(f, &configs[porep->size->layers], cache);
    for (int i = 0; i < 32; i++)
        fprintf(f, "%s%u", i ? "," : ",\"comm_d\":[", comm_d->b[i]);
    fputs("]}", f);
    bool ok = !ferror(f);
    ok = fclose(f) == 0 && ok;
    slk_err_t err = SLK_OK;
    if (!ok)
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to write it", path);
    else if (!file_holds(path, text, len))
        err = slk_write_file(path, text, len, diag);
    free(text);
    return err;
}

/* --- The data ------------------------------------------------------------------------------- */

/* Bytes [at, at + len) of the data: zeros where it has none. */
static slk_err_t data_read(int fd, uint64_t data_len, const char *path, void *buf, uint64_t at,
                           uint64_t len, slk_diag_t *diag)
{
    uint64_t have = fd < 0 || at >= data_len ? 0 : data_len - at;
    if (have > len)
        have = len;
    memset((uint8_t *)buf + have, 0, len - have);
    return have ? slk_pread_all(fd, buf, have, at, path, diag) : SLK_OK;
}

typedef struct {
    slk_work_t work;
    slk_tree_file_t tree;
    int fd;
    uint64_t data_len;
    const char *data_path;
} tree_d_t;

static slk_err_t tree_d_chunk(tree_d_t *t, uint64_t i, slk_node_t *leaves, slk_diag_t *diag)
{
    uint64_t cnt = t->tree.chunk_leaves, first = i * cnt;
    slk_err_t err = data_read(t->fd, t->data_len, t->data_path, leaves, first * 32, cnt * 32, diag);
    if (err != SLK_OK)
        return err;
    for (uint64_t k = 0; k < cnt; k++) {
        if (!slk_node_is_canonical(&leaves[k]))
            return slk_fail(diag, SLK_ERR_FIELD,
                            "%s: bytes at offset %" PRIu64
                            " are not below the field's modulus: this is not fr32-padded data; "
                            "write the file with "
                            "add-piece",
                            t->data_path, (first + k) * 32);
    }
    return slk_tree_file_chunk(&t->tree, i, leaves, leaves + cnt, diag);
}

static void tree_d_some(void *ctx, uint64_t begin, uint64_t end)
{
    tree_d_t *t = ctx;
    slk_diag_t diag;
    slk_node_t *leaves =
        malloc((t->tree.chunk_leaves + slk_tree_file_scratch(&t->tree)) * sizeof *leaves);
    if (!leaves) {
        slk_work_fail(&t->work, SLK_ERR_NOMEM, NULL);
        return;
    }
    for (uint64_t i = begin; i < end && !slk_work_stopped(&t->work); i++) {
        slk_err_t err = tree_d_chunk(t, i, leaves, &diag);
        if (err != SLK_OK)
            slk_work_fail(&t->work, err, &diag);
        slk_progress_add(slk_job_progress(t->work.job), t->tree.chunk_leaves * 32);
    }
    free(leaves);
}

slk_err_t slk_tree_d_build(slk_node_t *comm_d, slk_node_t *sha256, const char *path,
                           const slk_size_t *size, int fd, uint64_t data_len, const char *data_path,
                           const slk_job_t *job, slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    tree_d_t t = {.fd = fd, .data_len = data_len, .data_path = data_path};
    uint64_t bytes = (2 * size->nodes - 1) * 32;
    slk_err_t err;
    SLK_TRY(slk_new_file_open(&file, path, bytes, diag));
    SLK_TRY(
        slk_tree_file_init(&t.tree, slk_tree_hash_sha256, 2, size->nodes, 0, file.fd, path, diag));
    slk_work_init(&t.work, job);
    slk_progress_begin(slk_job_progress(job), "tree_d", "B", size->bytes, 0);
    slk_pool_for(slk_job_pool(job), t.tree.chunk_cnt, 1, tree_d_some, &t);
    slk_progress_end(slk_job_progress(job));
    SLK_TRY(slk_work_finish(&t.work, diag));
    SLK_TRY(slk_tree_file_finish(&t.tree, comm_d, diag));
    slk_progress_begin(slk_job_progress(job), "tree_d digest", "B", bytes, 0);
    SLK_TRY(slk_digest_file(sha256, file.tmp, "tree_d", bytes, job, diag));
    slk_progress_end(slk_job_progress(job));
    SLK_TRY(slk_new_file_commit(&file, diag));
out:
    slk_tree_file_fini(&t.tree);
    slk_new_file_abort(&file);
    return err;
}

slk_err_t slk_copy_data(const char *path, int fd, uint64_t data_len, const char *data_path,
                        uint64_t bytes, const slk_job_t *job, slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    uint8_t *buf = NULL;
    slk_err_t err;
    if (data_len > bytes)
        data_len = bytes;
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    bool shared = fd >= 0 && ioctl(file.fd, FICLONE, fd) == 0;
    for (uint64_t at = 0; !shared && fd >= 0 && at < data_len;) {
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        off_t from = (off_t)at, to = (off_t)at;
        uint64_t len = data_len - at < IO_BUF ? data_len - at : IO_BUF;
        ssize_t n = copy_file_range(fd, &from, file.fd, &to, len, 0);
        if (n <= 0) {
            if (n < 0 && errno == ENOSPC) {
                err = slk_fail_errno(diag, "write", path);
                goto out;
            }
            if (!buf && !(buf = malloc(IO_BUF))) {
                err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to copy it", data_path);
                goto out;
            }
            SLK_TRY(slk_pread_all(fd, buf, len, at, data_path, diag));
            SLK_TRY(slk_pwrite_all(file.fd, buf, len, at, path, diag));
            n = (ssize_t)len;
        }
        at += (uint64_t)n;
    }
    if (ftruncate(file.fd, (off_t)bytes)) {
        err = slk_fail_errno(diag, "set the length of", path);
        goto out;
    }
    SLK_TRY(slk_new_file_commit(&file, diag));
out:
    free(buf);
    slk_new_file_abort(&file);
    return err;
}

slk_err_t slk_tree_root_read(slk_node_t *root, const char *path, const char *what, uint64_t nodes,
                             slk_diag_t *diag)
{
    int fd;
    slk_err_t err = slk_open_read(&fd, NULL, path, what, nodes * 32, diag);
    if (err != SLK_OK)
        return err;
    err = slk_pread_all(fd, root, 32, (nodes - 1) * 32, path, diag);
    close(fd);
    return err;
}

slk_err_t slk_not_finalized(const slk_sector_t *sector, const slk_record_t *record,
                            slk_diag_t *diag)
{
    char name[SLK_CACHE_NAME_SZ];
    slk_tree_c_name(name, sector->porep.size, 0);
    if (record->has_comm_r && !slk_record_file(record, name))
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: this sector is sealed and finalized: its layers were dropped, and no "
                        "step of sealing is left to do",
                        sector->cache);
    return SLK_OK;
}

/* --- Where results go ------------------------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool is_own_file(const slk_sector_t *sector, const char *path)
{
    static const char *const own[] = {"sc-02-data-*",     SLK_P_AUX_NAME, SLK_T_AUX_NAME,
                                      "pc1out.json",      SLK_SYNTH_NAME, SLK_RECORD_NAME,
                                      SLK_CHECKPOINT_NAME};
    char dir[SLK_PATH_SZ];
    if (same_file(path, sector->sealed) || same_file(path, sector->unsealed))
        return true;
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (!same_file(*dir ? dir : "/", sector->cache))
        return false;
    for (size_t i = 0; i < SLK_COUNT(own); i++) {
        if (fnmatch(own[i], slash ? slash + 1 : path, 0) == 0)
            return true;
    }
    return false;
}

slk_err_t slk_result_path(char out[SLK_PATH_SZ], const slk_sector_t *sector, const char *path,
                          slk_diag_t *diag)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: is %s; give the name of a file, which appears when it is complete",
                        path, S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    char *real = exists ? realpath(path, NULL) : NULL;
    int n = snprintf(out, SLK_PATH_SZ, "%s", real ? real : path);
    free(real);
    if (n < 0 || n >= SLK_PATH_SZ)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    if (is_own_file(sector, out))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: is one of the sector's own files and would be lost; give another name",
                        path);
    return SLK_OK;
}
