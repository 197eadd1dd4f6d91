#include "devnet/actors/state_map.h"

#include "base/assert.h"

SLK_RECORD_TYPE(slk_link, "Cid", BARE, SLK_LINK_ROWS);

static slk_err_t decode(slk_rt_t *rt, void *record, const slk_type_t *type, slk_bytes_t value)
{
    void *copy = slk_arena_copy(slk_rt_arena(rt), value.b, value.len);
    if (!copy)
        return slk_fail(slk_rt_diag(rt), SLK_ERR_NOMEM, "no memory for an entry of state");
    return slk_record_decode(record, type, copy, value.len, slk_rt_arena(rt), slk_rt_diag(rt));
}

static slk_err_t encode(slk_rt_t *rt, slk_buf_t *buf, const void *record, const slk_type_t *type)
{
    slk_err_t err = slk_record_encode(buf, type, record, slk_rt_diag(rt));
    return err == SLK_OK ? slk_buf_check(buf, slk_rt_diag(rt)) : err;
}

/* --- Maps ------------------------------------------------------------------------------------- */

static slk_err_t open_map(slk_rt_t *rt, slk_hamt_t **map, const slk_cid_t *root, unsigned width)
{
    if (!root->len)
        return slk_hamt_new(map, slk_rt_store(rt), width);
    return slk_hamt_load(map, slk_rt_store(rt), width, root, slk_rt_diag(rt));
}

slk_exit_t slk_state_map_get(slk_rt_t *rt, const slk_cid_t *root, unsigned width, slk_bytes_t key,
                             void *record, const slk_type_t *type, bool *found)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    slk_bytes_t value;
    SLK_TRY(open_map(rt, &map, root, width));
    SLK_TRY(slk_hamt_get(map, &value, key, slk_rt_diag(rt)));
    if (found)
        *found = value.b != NULL;
    else if (!value.b)
        SLK_TRY(slk_fail(slk_rt_diag(rt), SLK_ERR_NOTFOUND, "state: an entry of %s is missing",
                         type->name));
    if (value.b && record)
        SLK_TRY(decode(rt, record, type, value));
out:
    slk_hamt_free(map);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_state_map_set(slk_rt_t *rt, slk_cid_t *root, unsigned width, slk_bytes_t key,
                             const void *record, const slk_type_t *type)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    slk_buf_t buf = {0};
    SLK_TRY(encode(rt, &buf, record, type));
    SLK_TRY(open_map(rt, &map, root, width));
    SLK_TRY(slk_hamt_set(map, key, (slk_bytes_t){buf.bytes, buf.len}, slk_rt_diag(rt)));
    SLK_TRY(slk_hamt_flush(map, root, slk_rt_diag(rt)));
out:
    slk_hamt_free(map);
    slk_buf_free(&buf);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_state_map_delete(slk_rt_t *rt, slk_cid_t *root, unsigned width, slk_bytes_t key,
                                bool *found, bool *empty)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    bool was;
    SLK_TRY(open_map(rt, &map, root, width));
    SLK_TRY(slk_hamt_delete(map, key, &was, slk_rt_diag(rt)));
    if (was)
        SLK_TRY(slk_hamt_flush(map, root, slk_rt_diag(rt)));
    if (found)
        *found = was;
    if (empty)
        *empty = slk_hamt_is_empty(map);
out:
    slk_hamt_free(map);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_state_map_foreach(slk_rt_t *rt, const slk_cid_t *root, unsigned width,
                                 slk_hamt_visit_t visit, void *ctx)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    SLK_TRY(open_map(rt, &map, root, width));
    SLK_TRY(slk_hamt_foreach(map, visit, ctx, slk_rt_diag(rt)));
out:
    slk_hamt_free(map);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

/* --- Arrays ----------------------------------------------------------------------------------- */

static slk_err_t open_array(slk_rt_t *rt, slk_amt_t **array, const slk_cid_t *root, unsigned width)
{
    if (!root->len)
        return slk_amt_new(array, slk_rt_store(rt), SLK_AMT_V3, width);
    return slk_amt_load(array, slk_rt_store(rt), SLK_AMT_V3, width, root, slk_rt_diag(rt));
}

slk_exit_t slk_state_array_get(slk_rt_t *rt, const slk_cid_t *root, unsigned width, uint64_t index,
                               void *record, const slk_type_t *type, bool *found)
{
    slk_err_t err;
    slk_amt_t *array = NULL;
    slk_bytes_t value;
    *found = false;
    if (index > SLK_AMT_INDEX_MAX)
        return SLK_EXIT_OK;
    SLK_TRY(open_array(rt, &array, root, width));
    SLK_TRY(slk_amt_get(array, &value, index, slk_rt_diag(rt)));
    *found = value.b != NULL;
    if (*found)
        SLK_TRY(decode(rt, record, type, value));
out:
    slk_amt_free(array);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

static slk_exit_t put(slk_rt_t *rt, slk_cid_t *root, unsigned width, const uint64_t *index,
                      const void *record, const slk_type_t *type)
{
    slk_err_t err;
    slk_amt_t *array = NULL;
    slk_buf_t buf = {0};
    SLK_TRY(encode(rt, &buf, record, type));
    SLK_TRY(open_array(rt, &array, root, width));
    SLK_TRY(slk_amt_set(array, index ? *index : slk_amt_count(array),
                        (slk_bytes_t){buf.bytes, buf.len}, slk_rt_diag(rt)));
    SLK_TRY(slk_amt_flush(array, root, slk_rt_diag(rt)));
out:
    slk_amt_free(array);
    slk_buf_free(&buf);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_state_array_set(slk_rt_t *rt, slk_cid_t *root, unsigned width, uint64_t index,
                               const void *record, const slk_type_t *type)
{
    return put(rt, root, width, &index, record, type);
}

slk_exit_t slk_state_array_append(slk_rt_t *rt, slk_cid_t *root, unsigned width, const void *record,
                                  const slk_type_t *type)
{
    return put(rt, root, width, NULL, record, type);
}

slk_exit_t slk_state_array_delete(slk_rt_t *rt, slk_cid_t *root, unsigned width, uint64_t index,
                                  bool *found)
{
    slk_err_t err;
    slk_amt_t *array = NULL;
    bool was;
    SLK_TRY(open_array(rt, &array, root, width));
    SLK_TRY(slk_amt_delete(array, index, &was, slk_rt_diag(rt)));
    if (was)
        SLK_TRY(slk_amt_flush(array, root, slk_rt_diag(rt)));
    if (found)
        *found = was;
out:
    slk_amt_free(array);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_state_array_foreach(slk_rt_t *rt, const slk_cid_t *root, unsigned width,
                                   slk_amt_visit_t visit, void *ctx)
{
    slk_err_t err;
    slk_amt_t *array = NULL;
    SLK_TRY(open_array(rt, &array, root, width));
    SLK_TRY(slk_amt_foreach(array, 0, visit, ctx, slk_rt_diag(rt)));
out:
    slk_amt_free(array);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}
