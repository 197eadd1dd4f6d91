/* Proof records from a sector's files: spec/proofs-vanilla-2.md 8.1, 8.2. */

#include "proofs/vanilla/fault.h"
#include "proofs/vanilla/vanilla_files.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon.h"

#define DISCARD_MAX 2u
#define SEGMENT_MAX 512u /* leaves under one stored node of tree_r_last: 8^(DISCARD_MAX + 1) */

/* The group without its member at position pos. */
static void put_siblings(slk_node_t *out, const slk_node_t *group, uint32_t arity, uint32_t pos)
{
    memcpy(out, group, pos * sizeof *out);
    memcpy(out + pos, group + pos + 1, (arity - 1 - pos) * sizeof *out);
}

/* Siblings above the base trees. */
static void put_upper(slk_node_t *path, const slk_vanilla_files_t *files, const slk_upper_t *upper,
                      uint64_t node)
{
    const slk_size_t *size = files->porep.size;
    const slk_path_level_t *level = &files->lay.level[files->lay.base_levels];
    if (size->sub) {
        uint64_t tree = node / size->tree_leaves;
        put_siblings(path + level->sibling, upper->base + tree / size->sub * size->sub, size->sub,
                     slk_path_position(level, node));
        level++;
    }
    if (size->top)
        put_siblings(path + level->sibling, upper->sub, size->top, slk_path_position(level, node));
}

static slk_err_t put_tree_d(slk_node_t *leaf, const slk_vanilla_files_t *files, uint64_t node,
                            slk_diag_t *diag)
{
    uint64_t nodes = files->porep.size->nodes;
    slk_err_t err = slk_node_file_read(&files->tree_d, leaf, node, 1, diag);
    for (uint32_t row = 0; err == SLK_OK && row < files->lay.d_levels; row++)
        err = slk_node_file_read(&files->tree_d, leaf + 1 + row,
                                 slk_bin_row(nodes, row) + ((node >> row) ^ 1), 1, diag);
    return err;
}

/* Labels, leaf_c and tree_c path of a node. */
static slk_err_t put_column(slk_node_t *out, const slk_vanilla_files_t *files, uint64_t node,
                            slk_diag_t *diag)
{
    const slk_vanilla_layout_t *lay = &files->lay;
    const slk_size_t *size = files->porep.size;
    const slk_node_file_t *tree = &files->tree_c[node / size->tree_leaves];
    uint64_t local = node % size->tree_leaves;
    slk_node_t *leaf = out + lay->layers, *path = leaf + 1, group[8];
    slk_err_t err = SLK_OK;
    for (uint32_t l = 0; l < lay->layers; l++)
        SLK_TRY(slk_node_file_read(&files->layers[l], &out[l], node, 1, diag));
    for (uint32_t row = 0; row < lay->base_levels; row++) {
        uint32_t pos = slk_path_position(&lay->level[row], node);
        uint64_t first = slk_oct_row(size->tree_leaves, row) + (local >> 3 * (row + 1)) * 8;
        SLK_TRY(slk_node_file_read(tree, group, first, 8, diag));
        if (row == 0)
            *leaf = group[pos];
        put_siblings(path + lay->level[row].sibling, group, 8, pos);
    }
    put_upper(path, files, &files->upper_c, node);
out:
    return err;
}

/* Rows 1..discard above a segment of leaves, one after the other. */
static void rebuild_segment(slk_node_t *rows, const slk_node_t *leaves, uint32_t discard)
{
    const slk_node_t *below = leaves;
    size_t cnt = (size_t)1 << 3 * discard;
    for (uint32_t row = 1; row <= discard; row++, cnt /= 8) {
        size_t hashed = slk_poseidon_rows(rows, below, cnt, 8);
        SLK_ASSERT(hashed == 8 * cnt); /* the leaves were checked when they were read */
        below = rows;
        rows += cnt;
    }
}

/* Part of a row of tree_r_last over the whole sector, from node `first` of the row on. */
typedef struct {
    const slk_node_t *nodes;
    uint64_t first;
} row_part_t;

/* Siblings in rows 0..discard, which the tree_r_last files do not keep. */
static slk_err_t put_discarded(slk_node_t *leaf, const slk_vanilla_files_t *files, uint64_t node,
                               slk_diag_t *diag)
{
    const slk_vanilla_layout_t *lay = &files->lay;
    const slk_size_t *size = files->porep.size;
    const slk_node_t *kept = (const slk_node_t *)files->r_rows.ptr;
    slk_node_t leaves[SEGMENT_MAX], rows[SEGMENT_MAX / 7];
    /* Where the rows were kept, the eight leaves around the node are enough; else its whole segment
     * is read. */
    uint64_t cnt = kept ? 8 : UINT64_C(1) << 3 * (size->discard + 1);
    row_part_t part[DISCARD_MAX + 1] = {{leaves, node / cnt * cnt}};
    slk_err_t err = slk_node_file_read(&files->replica, leaves, part[0].first, cnt, diag);
    if (err != SLK_OK)
        return err;
    if (!kept)
        rebuild_segment(rows, leaves, size->discard);
    const slk_node_t *next = kept ? kept : rows;
    for (uint32_t row = 1; row <= size->discard; row++) {
        part[row] = (row_part_t){next, kept ? 0 : part[0].first >> 3 * row};
        next += (kept ? size->nodes : cnt) >> 3 * row;
    }
    *leaf = leaves[node - part[0].first];
    for (uint32_t row = 0; row <= size->discard; row++) {
        uint64_t group = (node >> 3 * (row + 1)) * 8;
        put_siblings(leaf + 1 + lay->level[row].sibling,
                     part[row].nodes + (group - part[row].first), 8,
                     slk_path_position(&lay->level[row], node));
    }
    return SLK_OK;
}

slk_err_t slk_vanilla_tree_r_path(slk_node_t *leaf, const slk_vanilla_files_t *files, uint64_t node,
                                  slk_diag_t *diag)
{
    const slk_vanilla_layout_t *lay = &files->lay;
    const slk_size_t *size = files->porep.size;
    const slk_node_file_t *tree = &files->tree_r[node / size->tree_leaves];
    uint64_t local = node % size->tree_leaves,
             dropped = slk_oct_row(size->tree_leaves, size->discard + 1);
    slk_node_t *path = leaf + 1, group[8];
    slk_err_t err = put_discarded(leaf, files, node, diag);
    for (uint32_t row = size->discard + 1; err == SLK_OK && row < lay->base_levels; row++) {
        uint64_t first =
            slk_oct_row(size->tree_leaves, row) - dropped + (local >> 3 * (row + 1)) * 8;
        err = slk_node_file_read(tree, group, first, 8, diag);
        put_siblings(path + lay->level[row].sibling, group, 8,
                     slk_path_position(&lay->level[row], node));
    }
    put_upper(path, files, &files->upper_r, node);
    return err;
}

slk_err_t slk_vanilla_prove_one(uint8_t *record, const slk_vanilla_files_t *files,
                                const slk_graph_t *graph, uint64_t challenge, slk_diag_t *diag)
{
    const slk_vanilla_layout_t *lay = &files->lay;
    SLK_ASSERT(challenge > 0 && challenge < files->porep.size->nodes);
    uint32_t parents[1][SLK_PARENT_CNT];
    slk_graph_parents(graph, challenge, 1, parents);
    slk_store_le64(record, challenge);
    for (uint32_t i = 0; i < SLK_PARENT_CNT; i++)
        slk_store_le64(record + 8 + 8 * i, parents[0][i]);
    slk_err_t err = SLK_OK;
    SLK_TRY(put_tree_d((slk_node_t *)(record + lay->leaf_d), files, challenge, diag));
    for (uint32_t i = 0; i < SLK_COLUMN_CNT; i++)
        SLK_TRY(put_column((slk_node_t *)(record + lay->columns + i * lay->column_sz), files,
                           slk_record_node(record, i), diag));
    SLK_TRY(slk_vanilla_tree_r_path((slk_node_t *)(record + lay->leaf_r), files, challenge, diag));
out:
    return err;
}

/* --- Loops ---------------------------------------------------------------------------------- */

typedef struct {
    slk_vanilla_files_t *files;
    const slk_graph_t *graph;
    const uint64_t *challenges;
    uint8_t *records;
    const slk_job_t *job;
    slk_fault_t fault;
} prove_t;

static void prove_range(void *ctx, uint64_t begin, uint64_t end)
{
    prove_t *run = ctx;
    slk_diag_t diag;
    for (uint64_t i = begin; i < end; i++) {
        if (slk_fault_before(&run->fault, i))
            return;
        slk_err_t err;
        if (slk_job_cancelled(run->job))
            err = slk_fail(&diag, SLK_ERR_CANCELLED, "interrupted while making vanilla proofs");
        else
            err = slk_vanilla_prove_one(run->records + i * run->files->lay.size, run->files,
                                        run->graph, run->challenges[i], &diag);
        if (err != SLK_OK) {
            slk_fault_put(&run->fault, i, err, &diag);
            return;
        }
    }
}

slk_err_t slk_vanilla_prove(uint8_t *records, slk_vanilla_files_t *files, const slk_graph_t *graph,
                            const uint64_t *challenges, size_t cnt, const slk_job_t *job,
                            slk_diag_t *diag)
{
    prove_t run = {
        .files = files, .graph = graph, .challenges = challenges, .records = records, .job = job};
    slk_fault_init(&run.fault);
    slk_pool_for(slk_job_pool(job), cnt, 1, prove_range, &run);
    slk_fault_fini(&run.fault);
    return run.fault.found ? slk_fail(diag, run.fault.err, "%s", run.fault.diag.text) : SLK_OK;
}

static void rebuild_range(void *ctx, uint64_t begin, uint64_t end)
{
    prove_t *run = ctx;
    const slk_size_t *size = run->files->porep.size;
    slk_node_t *kept = (slk_node_t *)run->files->r_rows.ptr;
    slk_node_t leaves[SEGMENT_MAX], rows[SEGMENT_MAX / 7];
    slk_diag_t diag;
    uint64_t cnt = UINT64_C(1) << 3 * (size->discard + 1);
    for (uint64_t segment = begin; segment < end && !slk_fault_before(&run->fault, segment);
         segment++) {
        slk_err_t err;
        if (slk_job_cancelled(run->job))
            err = slk_fail(&diag, SLK_ERR_CANCELLED, "interrupted while reading the sealed file");
        else
            err = slk_node_file_read(&run->files->replica, leaves, segment * cnt, cnt, &diag);
        if (err != SLK_OK) {
            slk_fault_put(&run->fault, segment, err, &diag);
            return;
        }
        rebuild_segment(rows, leaves, size->discard);
        const slk_node_t *from = rows;
        slk_node_t *row_start = kept;
        for (uint32_t row = 1; row <= size->discard; row++) {
            uint64_t row_cnt = cnt >> 3 * row;
            memcpy(row_start + segment * row_cnt, from, row_cnt * sizeof *from);
            from += row_cnt;
            row_start += size->nodes >> 3 * row;
        }
    }
}

slk_err_t slk_vanilla_files_rebuild_rows(slk_vanilla_files_t *files, const slk_job_t *job,
                                         slk_diag_t *diag)
{
    const slk_size_t *size = files->porep.size;
    if (size->bytes > SLK_MAP_MAX || files->r_rows.ptr)
        return SLK_OK;
    uint64_t nodes = slk_oct_row(size->nodes, size->discard + 1) - size->nodes;
    slk_err_t err = slk_region_anon(&files->r_rows, nodes * SLK_NODE_SZ, diag);
    if (err != SLK_OK)
        return err;
    prove_t run = {.files = files, .job = job};
    slk_fault_init(&run.fault);
    slk_pool_for(slk_job_pool(job), size->nodes >> 3 * (size->discard + 1), 4, rebuild_range, &run);
    slk_fault_fini(&run.fault);
    if (!run.fault.found)
        return SLK_OK;
    slk_region_free(&files->r_rows);
    return slk_fail(diag, run.fault.err, "%s", run.fault.diag.text);
}
