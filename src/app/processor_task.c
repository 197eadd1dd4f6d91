#include "app/processor_task.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX (UINT32_C(16) << 20) /* bytes of a task that becomes a tree of values */

/* --- Stages --------------------------------------------------------------------------------- */

static const char *const c2_fields[] = {"prover_id", "sector_id", "miner_id", "selkie", NULL};

static const slk_stage_t stages[] = {
    {"add_pieces", slk_stage_add_pieces, false, NULL},
    {"tree_d", slk_stage_tree_d, false, NULL},
    {"pc1", slk_stage_pc1, false, NULL},
    {"pc2", slk_stage_pc2, false, NULL},
    {"c1", slk_stage_c1, false, NULL},
    {"c2", slk_stage_c2, true, c2_fields},
    {"unseal", slk_stage_unseal, false, NULL},
    {"finalize", slk_stage_finalize, false, NULL},
    {"transfer", slk_stage_transfer, false, NULL},
    {"window_post", slk_stage_window_post, false, NULL},
    {"winning_post", slk_stage_winning_post, false, NULL},
};

const slk_stage_t *slk_stage_find(const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(stages); i++) {
        if (strcmp(stages[i].name, name) == 0)
            return &stages[i];
    }
    return NULL;
}

/* --- The whole ------------------------------------------------------------------------------ */

static slk_err_t load(json_t **out, slk_span_t span, slk_diag_t *diag)
{
    json_error_t error;
    if (span.len > TEXT_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH, "task: %zu bytes, at most %u were expected", span.len,
                        TEXT_MAX);
    *out = json_loadb(span.at, span.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    return *out ? SLK_OK : slk_fail(diag, SLK_ERR_FORMAT, "task: %s", error.text);
}

slk_err_t slk_task_read(slk_task_t *task, const slk_stage_t *stage, slk_diag_t *diag)
{
    enum { FIELDS_MAX = 8 };
    slk_span_t span[FIELDS_MAX];
    size_t cnt = 0;
    slk_err_t err;
    if (!stage->large) {
        SLK_TRY(load(&task->json, task->text, diag));
        task->ours = json_object_get(task->json, "selkie");
        goto out;
    }
    while (stage->fields[cnt])
        cnt++;
    SLK_ASSERT(cnt <= FIELDS_MAX);
    SLK_TRY(slk_span_members(span, stage->fields, cnt, task->text.at, task->text.len, diag));
    task->json = json_object();
    for (size_t i = 0; i < cnt; i++) {
        json_t *value;
        if (!span[i].len)
            continue;
        SLK_TRY(load(&value, span[i], diag));
        json_object_set_new(task->json, stage->fields[i], value);
    }
    task->ours = json_object_get(task->json, "selkie");
out:
    return err;
}

/* --- Members -------------------------------------------------------------------------------- */

static slk_err_t expected(slk_diag_t *diag, const char *name, const json_t *found, const char *what)
{
    char *shown = found ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    slk_err_t err = slk_fail(diag, SLK_ERR_INPUT, "task: field %s: expected %s, found %.100s", name,
                             what, shown ? shown : "nothing");
    free(shown);
    return err;
}

slk_err_t slk_task_text(const char **out, const json_t *object, const char *name, slk_diag_t *diag)
{
    const json_t *value = json_object_get(object, name);
    *out = json_string_value(value);
    return *out && **out ? SLK_OK : expected(diag, name, value, "a text");
}

slk_err_t slk_task_u64(uint64_t *out, const json_t *object, const char *name, slk_diag_t *diag)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return expected(diag, name, value, "a number from 0 to 9223372036854775807");
    *out = (uint64_t)json_integer_value(value);
    return SLK_OK;
}

slk_err_t slk_task_node(slk_node_t *out, const json_t *object, const char *name, slk_diag_t *diag)
{
    const json_t *value = json_object_get(object, name);
    bool ok = json_array_size(value) == SLK_NODE_SZ;
    for (size_t i = 0; ok && i < SLK_NODE_SZ; i++) {
        const json_t *byte = json_array_get(value, i);
        ok = json_is_integer(byte) && json_integer_value(byte) >= 0 &&
             json_integer_value(byte) <= 255;
        out->b[i] = (uint8_t)json_integer_value(byte);
    }
    return ok ? SLK_OK : expected(diag, name, value, "an array of 32 numbers from 0 to 255");
}

slk_err_t slk_task_array(const json_t **out, const json_t *object, const char *name,
                         slk_diag_t *diag)
{
    *out = json_object_get(object, name);
    return json_is_array(*out) ? SLK_OK : expected(diag, name, *out, "an array");
}

slk_err_t slk_task_porep(slk_porep_t *out, const json_t *object, const char *name, slk_diag_t *diag)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value), *known;
    for (int i = 0; text && (known = slk_porep_registered_name(i)); i++) {
        if (strcmp(known, text) == 0)
            return slk_porep_by_id(out, i, diag);
    }
    return expected(diag, name, value, "the name of a seal proof as StackedDrg32GiBV1_1");
}

/* The miner whose address payload, filled with zeros, this is. */
static slk_err_t miner_of(uint64_t *miner, const json_t *object, slk_diag_t *diag)
{
    slk_node_t id, same;
    slk_err_t err = slk_task_node(&id, object, "prover_id", diag);
    if (err != SLK_OK)
        return err;
    *miner = 0;
    for (unsigned i = 0, shift = 0; i < 10; i++, shift += 7) {
        *miner |= (uint64_t)(id.b[i] & 127) << shift;
        if (id.b[i] < 128)
            break;
    }
    slk_prover_id(&same, *miner);
    if (memcmp(&id, &same, sizeof id) == 0)
        return SLK_OK;
    return expected(diag, "prover_id", json_object_get(object, "prover_id"),
                    "the number of a miner as unsigned LEB128, filled with zeros");
}

slk_err_t slk_task_sector(slk_sector_t *out, const json_t *object, slk_diag_t *diag)
{
    slk_err_t err = miner_of(&out->miner, object, diag);
    return err == SLK_OK ? slk_task_u64(&out->number, object, "sector_id", diag) : err;
}

slk_err_t slk_task_padded(uint64_t *out, const json_t *object, const char *name, slk_diag_t *diag)
{
    uint64_t bytes = 0;
    slk_err_t err = slk_task_u64(&bytes, object, name, diag);
    if (err != SLK_OK)
        return err;
    *out = bytes / 127 * 128;
    if (bytes % 127 == 0 && *out >= SLK_PIECE_MIN_PADDED && *out <= SLK_PIECE_MAX_PADDED &&
        (*out & (*out - 1)) == 0)
        return SLK_OK;
    return expected(diag, name, json_object_get(object, name),
                    "127/128 of a power of two, at least 127");
}

void slk_put_node(slk_buf_t *out, const char *before, const slk_node_t *node)
{
    slk_buf_put(out, before, strlen(before));
    for (unsigned i = 0; i < SLK_NODE_SZ; i++)
        slk_json_putf(out, "%c%u", i ? ',' : '[', node->b[i]);
    slk_buf_put_byte(out, ']');
}
