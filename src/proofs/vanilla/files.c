#include "proofs/vanilla/vanilla_files.h"

#include "base/assert.h"
#include "base/file.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/types/cache_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- One file ------------------------------------------------------------------------------- */

slk_err_t slk_node_file_read(const slk_node_file_t *file, slk_node_t *out, uint64_t first,
                             size_t cnt, slk_diag_t *diag)
{
    size_t len = cnt * SLK_NODE_SZ;
    if (file->map.ptr) {
        SLK_ASSERT((first + cnt) * SLK_NODE_SZ <= file->map.len);
        memcpy(out, file->map.ptr + first * SLK_NODE_SZ, len);
    } else {
        slk_err_t err = file->watch ? file->watch->before(file->path, diag) : SLK_OK;
        if (err == SLK_OK) {
            err = slk_pread_all(file->fd, out, len, first * SLK_NODE_SZ, file->path, diag);
            if (file->watch)
                file->watch->after();
        }
        if (err != SLK_OK)
            return err;
    }
    for (size_t i = 0; i < cnt; i++) {
        if (!slk_node_is_canonical(&out[i]))
            return slk_fail(
                diag, SLK_ERR_FORMAT,
                "%s: the 32 bytes at offset %" PRIu64 " are %s, not below the field's modulus; the "
                "file is damaged: restore it, or remove it and run again the step that makes it",
                file->path, (first + i) * SLK_NODE_SZ, slk_node_hex(&out[i]).s);
    }
    return SLK_OK;
}

static slk_err_t file_open(slk_node_file_t *file, const char *path, const char *what,
                           uint64_t nodes, bool map, const slk_io_watch_t *watch, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    file->watch = watch;
    file->path = strdup(path);
    if (!file->path)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to open it", path);
    if (watch)
        SLK_TRY(watch->before(file->path, diag));
    err = slk_open_read(&file->fd, NULL, path, what, nodes * SLK_NODE_SZ, diag);
    if (watch)
        watch->after();
    if (err == SLK_OK && map)
        err = slk_region_file(&file->map, file->fd, nodes * SLK_NODE_SZ, false, path, diag);
out:
    return err;
}

static void file_close(slk_node_file_t *file)
{
    slk_region_free(&file->map);
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    free(file->path);
    file->path = NULL;
}

/* --- All files ------------------------------------------------------------------------------ */

/* tree_r_last and the sealed file: what is read long after the others are gone. */
static slk_err_t open_replica(slk_vanilla_files_t *files, const char *replica, bool map,
                              slk_diag_t *diag)
{
    const slk_size_t *size = files->porep.size;
    char name[SLK_CACHE_NAME_SZ], path[4096], what[64];
    slk_err_t err = SLK_OK;
    /* Its length follows a setting of the reference (FIL_PROOFS_ROWS_TO_DISCARD): name the value.
     */
    snprintf(what, sizeof what, "tree_r_last (rows_to_discard %" PRIu32 ")", size->discard);
    for (uint32_t t = 0; t < size->trees; t++) {
        slk_tree_r_last_name(name, size, t);
        SLK_TRY(slk_path_join(path, sizeof path, files->cache, name, diag));
        SLK_TRY(
            file_open(&files->tree_r[t], path, what, size->tree_r_nodes, map, files->watch, diag));
    }
    SLK_TRY(file_open(&files->replica, replica, "the sealed file", size->nodes, map, files->watch,
                      diag));
out:
    return err;
}

static slk_err_t open_all(slk_vanilla_files_t *files, const char *replica, slk_diag_t *diag)
{
    const slk_size_t *size = files->porep.size;
    bool map = size->bytes <= SLK_MAP_MAX;
    char name[SLK_CACHE_NAME_SZ], path[4096], what[64];
    slk_err_t err = SLK_OK;

    slk_tree_d_name(name);
    SLK_TRY(slk_path_join(path, sizeof path, files->cache, name, diag));
    SLK_TRY(file_open(&files->tree_d, path, "tree_d", 2 * size->nodes - 1, map, NULL, diag));
    for (uint32_t l = 0; l < size->layers; l++) {
        slk_layer_name(name, l + 1);
        snprintf(what, sizeof what, "layer %" PRIu32, l + 1);
        SLK_TRY(slk_path_join(path, sizeof path, files->cache, name, diag));
        SLK_TRY(file_open(&files->layers[l], path, what, size->nodes, map, NULL, diag));
    }
    for (uint32_t t = 0; t < size->trees; t++) {
        slk_tree_c_name(name, size, t);
        SLK_TRY(slk_path_join(path, sizeof path, files->cache, name, diag));
        SLK_TRY(file_open(&files->tree_c[t], path, "tree_c", size->tree_nodes, map, NULL, diag));
    }
    SLK_TRY(open_replica(files, replica, map, diag));
out:
    return err;
}

/* Read the base roots, make the nodes above, compare the root. */
static slk_err_t open_upper(slk_upper_t *upper, const slk_size_t *size,
                            const slk_node_file_t *trees, uint64_t nodes, const char *what,
                            const slk_node_t *expect, slk_diag_t *diag)
{
    slk_node_t row[SLK_TREES_MAX];
    uint32_t cnt = size->trees;
    for (uint32_t t = 0; t < cnt; t++) {
        slk_err_t err = slk_node_file_read(&trees[t], &upper->base[t], nodes - 1, 1, diag);
        if (err != SLK_OK)
            return err;
    }
    memcpy(row, upper->base, sizeof row);
    if (size->sub) {
        cnt /= size->sub;
        SLK_ASSERT(slk_poseidon_rows(row, row, cnt, size->sub) == (size_t)cnt * size->sub);
    }
    if (size->top) {
        memcpy(upper->sub, row, sizeof upper->sub);
        SLK_ASSERT(slk_poseidon_rows(row, row, 1, size->top) == size->top);
    }
    if (!slk_node_eq(&row[0], expect))
        return slk_fail(
            diag, SLK_ERR_MISMATCH,
            "%s%s: its root is %s, expected %s; the file belongs to another sector or is damaged: "
            "remove it and run again the step that makes it",
            trees[0].path, cnt == size->trees ? "" : " and the files beside it",
            slk_node_hex(&row[0]).s, what);
    return SLK_OK;
}

static slk_err_t check_root_r(slk_vanilla_files_t *files, const slk_node_t *comm_r_last,
                              slk_diag_t *diag)
{
    const slk_size_t *size = files->porep.size;
    char what[96];
    snprintf(what, sizeof what, "comm_r_last %s", slk_node_hex(comm_r_last).s);
    return open_upper(&files->upper_r, size, files->tree_r, size->tree_r_nodes, what, comm_r_last,
                      diag);
}

static slk_err_t check_roots(slk_vanilla_files_t *files, const slk_vanilla_public_t *pub,
                             slk_diag_t *diag)
{
    const slk_size_t *size = files->porep.size;
    slk_err_t err = SLK_OK;
    char what[96];
    slk_node_t root;
    SLK_TRY(slk_node_file_read(&files->tree_d, &root, 2 * size->nodes - 2, 1, diag));
    if (!slk_node_eq(&root, &pub->comm_d)) {
        err = slk_fail(
            diag, SLK_ERR_MISMATCH,
            "%s: its root is %s, expected comm_d %s; the file belongs to other data or is damaged: "
            "run PC1 again",
            files->tree_d.path, slk_node_hex(&root).s, slk_node_hex(&pub->comm_d).s);
        goto out;
    }
    snprintf(what, sizeof what, "comm_c %s", slk_node_hex(&pub->comm_c).s);
    SLK_TRY(open_upper(&files->upper_c, size, files->tree_c, size->tree_nodes, what, &pub->comm_c,
                       diag));
    SLK_TRY(check_root_r(files, &pub->comm_r_last, diag));
out:
    return err;
}

static slk_err_t files_new(slk_vanilla_files_t **out, const slk_porep_t *porep, const char *cache,
                           slk_diag_t *diag)
{
    slk_vanilla_files_t *files = calloc(1, sizeof *files);
    char *copy = strdup(cache);
    *out = NULL;
    if (!files || !copy) {
        free(files);
        free(copy);
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to open the sector's files", cache);
    }
    files->porep = *porep;
    files->cache = copy;
    slk_vanilla_layout(&files->lay, porep);
    files->tree_d.fd = files->replica.fd = -1;
    for (uint32_t i = 0; i < SLK_LAYERS_MAX; i++)
        files->layers[i].fd = -1;
    for (uint32_t i = 0; i < SLK_TREES_MAX; i++)
        files->tree_c[i].fd = files->tree_r[i].fd = -1;
    *out = files;
    return SLK_OK;
}

slk_err_t slk_vanilla_files_open(slk_vanilla_files_t **out, const slk_porep_t *porep,
                                 const char *cache, const char *replica,
                                 const slk_vanilla_public_t *pub, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_vanilla_files_t *files;
    *out = NULL;
    SLK_TRY(files_new(&files, porep, cache, diag));
    SLK_TRY(open_all(files, replica, diag));
    SLK_TRY(check_roots(files, pub, diag));
    *out = files;
    files = NULL;
out:
    slk_vanilla_files_close(files);
    return err;
}

slk_err_t slk_vanilla_files_open_replica(slk_vanilla_files_t **out, const slk_size_t *size,
                                         const char *cache, const char *replica,
                                         const slk_node_t *comm_r_last, const slk_io_watch_t *watch,
                                         slk_diag_t *diag)
{
    static const uint8_t no_id[32];
    slk_err_t err = SLK_OK;
    slk_porep_t porep;
    slk_vanilla_files_t *files;
    *out = NULL;
    slk_porep_custom(&porep, size, SLK_API_V1_1, SLK_FEATURE_NONE, no_id);
    SLK_TRY(files_new(&files, &porep, cache, diag));
    files->watch = watch;
    SLK_TRY(open_replica(files, replica, false, diag));
    SLK_TRY(check_root_r(files, comm_r_last, diag));
    *out = files;
    files = NULL;
out:
    slk_vanilla_files_close(files);
    return err;
}

void slk_vanilla_files_close(slk_vanilla_files_t *files)
{
    if (!files)
        return;
    file_close(&files->tree_d);
    file_close(&files->replica);
    for (uint32_t i = 0; i < SLK_LAYERS_MAX; i++)
        file_close(&files->layers[i]);
    for (uint32_t i = 0; i < SLK_TREES_MAX; i++) {
        file_close(&files->tree_c[i]);
        file_close(&files->tree_r[i]);
    }
    slk_region_free(&files->r_rows);
    free(files->cache);
    free(files);
}
