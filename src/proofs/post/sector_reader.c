#include "proofs/post/sector_reader.h"

#include "base/assert.h"
#include "base/file.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/types/cache_names.h"

#include <inttypes.h>
#include <stdlib.h>

static slk_err_t read_p_aux(slk_sector_reader_t *out, const char *cache, const slk_node_t *comm_r,
                            const slk_io_watch_t *watch, slk_diag_t *diag)
{
    char path[4096], *bytes = NULL;
    size_t len;
    slk_node_t made;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, cache, SLK_P_AUX_NAME, diag));
    SLK_TRY(watch->before(path, diag));
    err = slk_read_file(&bytes, &len, path, 2 * SLK_NODE_SZ, diag);
    watch->after();
    if (err != SLK_OK)
        goto out;
    if (len != 2 * SLK_NODE_SZ) {
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: %zu bytes, expected %u: comm_c and comm_r_last",
                       path, len, 2 * SLK_NODE_SZ);
        goto out;
    }
    memcpy(out->comm_c.b, bytes, SLK_NODE_SZ);
    memcpy(out->comm_r_last.b, bytes + SLK_NODE_SZ, SLK_NODE_SZ);
    if (!slk_poseidon_pair(&made, &out->comm_c, &out->comm_r_last)) {
        err = slk_fail(
            diag, SLK_ERR_FORMAT,
            "%s: comm_c or comm_r_last is not below the field's modulus; the file is damaged",
            path);
    } else if (!slk_node_eq(&made, comm_r)) {
        err = slk_fail(
            diag, SLK_ERR_MISMATCH,
            "%s: makes comm_r %s, expected %s; the file belongs to another sector or is damaged",
            path, slk_node_hex(&made).s, slk_node_hex(comm_r).s);
    }
out:
    free(bytes);
    return err;
}

slk_err_t slk_sector_reader_open(slk_sector_reader_t *out, const slk_size_t *size,
                                 const char *cache, const char *sealed, const slk_node_t *comm_r,
                                 const slk_io_watch_t *watch, slk_diag_t *diag)
{
    out->files = NULL;
    slk_err_t err = read_p_aux(out, cache, comm_r, watch, diag);
    if (err != SLK_OK)
        return err;
    return slk_vanilla_files_open_replica(&out->files, size, cache, sealed, &out->comm_r_last,
                                          watch, diag);
}

slk_err_t slk_sector_reader_path(uint8_t *out, const slk_sector_reader_t *reader, uint64_t leaf,
                                 slk_diag_t *diag)
{
    const slk_vanilla_files_t *files = reader->files;
    const slk_size_t *size = files->porep.size;
    slk_node_t nodes[1 + SLK_POST_SIBLINGS_MAX];
    if (leaf >= size->nodes)
        return slk_fail(diag, SLK_ERR_INPUT, "leaf %" PRIu64 " of a sector of %" PRIu64 " leaves",
                        leaf, size->nodes);
    slk_err_t err = slk_vanilla_tree_r_path(nodes, files, leaf, diag);
    if (err != SLK_OK)
        return err;
    const slk_node_t *siblings = nodes + 1;
    slk_node_t root = nodes[0];
    slk_post_climb(&root, &files->lay, &leaf, &siblings, 1);
    if (!slk_node_eq(&root, &reader->comm_r_last)) {
        uint64_t segment = UINT64_C(1) << 3 * (size->discard + 1);
        return slk_fail(diag, SLK_ERR_DIGEST,
                        "%s, bytes %" PRIu64 " to %" PRIu64
                        ", or %s: damaged; the path of leaf %" PRIu64
                        " leads to %s, expected comm_r_last %s",
                        files->replica.path, leaf / segment * segment * SLK_NODE_SZ,
                        (leaf / segment + 1) * segment * SLK_NODE_SZ - 1,
                        files->tree_r[leaf / size->tree_leaves].path, leaf, slk_node_hex(&root).s,
                        slk_node_hex(&reader->comm_r_last).s);
    }
    slk_post_path_write(out, &files->lay, leaf, nodes, &reader->comm_r_last);
    return SLK_OK;
}

void slk_sector_reader_close(slk_sector_reader_t *reader)
{
    slk_vanilla_files_close(reader->files);
    reader->files = NULL;
}
