#include "devnet/actors/miner/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

slk_exit_t slk_array_load(slk_rt_t *rt, slk_amt_t **amt, unsigned bit_width, const slk_cid_t *root)
{
    *amt = NULL;
    return slk_rt_err(
        rt, slk_amt_load(amt, slk_rt_store(rt), SLK_AMT_V3, bit_width, root, slk_rt_diag(rt)),
        SLK_EXIT_FATAL);
}

slk_exit_t slk_array_get(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, void *record,
                         const slk_type_t *type, bool *found)
{
    slk_bytes_t value;
    *found = false;
    SLK_RT_LIB(slk_amt_get(amt, &value, index, slk_rt_diag(rt)));
    if (!value.b)
        return SLK_EXIT_OK;
    *found = true;
    SLK_RT_LIB(
        slk_record_decode(record, type, value.b, value.len, slk_rt_arena(rt), slk_rt_diag(rt)));
    return SLK_EXIT_OK;
}

slk_exit_t slk_array_set(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, const void *record,
                         const slk_type_t *type)
{
    slk_buf_t buf = {0};
    slk_diag_t *diag = slk_rt_diag(rt);
    slk_err_t err = slk_record_encode(&buf, type, record, diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, diag);
    if (err == SLK_OK)
        err = slk_amt_set(amt, index, (slk_bytes_t){buf.bytes, buf.len}, diag);
    slk_buf_free(&buf);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_array_delete(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, bool *found)
{
    return slk_rt_err(rt, slk_amt_delete(amt, index, found, slk_rt_diag(rt)), SLK_EXIT_FATAL);
}

slk_exit_t slk_array_flush(slk_rt_t *rt, slk_amt_t *amt, slk_cid_t *root)
{
    return slk_rt_err(rt, slk_amt_flush(amt, root, slk_rt_diag(rt)), SLK_EXIT_FATAL);
}

slk_exit_t slk_array_empty(slk_rt_t *rt, unsigned bit_width, slk_cid_t *root)
{
    slk_amt_t *amt = NULL;
    slk_err_t err = slk_amt_new(&amt, slk_rt_store(rt), SLK_AMT_V3, bit_width);
    if (err == SLK_OK)
        err = slk_amt_flush(amt, root, slk_rt_diag(rt));
    slk_amt_free(amt);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

typedef struct {
    slk_rt_t *rt;
    uint64_t until;
    const slk_type_t *type;
    slk_array_entry_t *entries;
    size_t cnt, cap;
} reader_t;

static slk_err_t read_entry(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                            slk_diag_t *diag)
{
    reader_t *reader = ctx;
    slk_arena_t *arena = slk_rt_arena(reader->rt);
    if (index > reader->until) {
        *stop = true;
        return SLK_OK;
    }
    if (reader->cnt == reader->cap) {
        size_t cap = reader->cap ? 2 * reader->cap : 8;
        slk_array_entry_t *entries = slk_arena_array(arena, cap, sizeof *entries);
        if (!entries)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the entries of an array");
        if (reader->cnt)
            memcpy(entries, reader->entries, reader->cnt * sizeof *entries);
        reader->entries = entries;
        reader->cap = cap;
    }
    slk_array_entry_t *entry = &reader->entries[reader->cnt++];
    entry->index = index;
    entry->record = slk_arena_alloc(arena, reader->type->size);
    if (!entry->record)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for an entry of an array");
    return slk_record_decode(entry->record, reader->type, value.b, value.len, arena, diag);
}

slk_exit_t slk_array_entries(slk_rt_t *rt, slk_amt_t *amt, uint64_t until, const slk_type_t *type,
                             slk_array_entry_t **entries, size_t *cnt)
{
    reader_t reader = {.rt = rt, .until = until, .type = type};
    SLK_RT_LIB(slk_amt_foreach(amt, 0, read_entry, &reader, slk_rt_diag(rt)));
    *entries = reader.entries;
    *cnt = reader.cnt;
    return SLK_EXIT_OK;
}

/* --- Sets -------------------------------------------------------------------------------------------- */

/* The library's set functions have no sentence of their own. */
static slk_exit_t set_result(slk_rt_t *rt, slk_err_t err)
{
    if (err == SLK_OK)
        return SLK_EXIT_OK;
    slk_fail(slk_rt_diag(rt), err, "no memory for a set of sectors");
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_union(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                        const slk_bitfield_t *b)
{
    return set_result(rt, slk_bitfield_union(out, a, b, slk_rt_arena(rt)));
}

slk_exit_t slk_rt_intersection(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                               const slk_bitfield_t *b)
{
    return set_result(rt, slk_bitfield_intersection(out, a, b, slk_rt_arena(rt)));
}

slk_exit_t slk_rt_difference(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                             const slk_bitfield_t *b)
{
    return set_result(rt, slk_bitfield_difference(out, a, b, slk_rt_arena(rt)));
}

slk_exit_t slk_rt_set_bit(slk_rt_t *rt, slk_bitfield_t *set, uint64_t bit)
{
    if (bit > SLK_BIT_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "%" PRIu64 " is out of range", bit);
    return set_result(rt, slk_bitfield_set(set, set, bit, slk_rt_arena(rt)));
}

slk_exit_t slk_rt_unset_bit(slk_rt_t *rt, slk_bitfield_t *set, uint64_t bit)
{
    return set_result(rt, slk_bitfield_unset(set, set, bit, slk_rt_arena(rt)));
}

slk_exit_t slk_rt_bits(slk_rt_t *rt, slk_bitfield_t *out, const uint64_t *bits, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        if (bits[i] > SLK_BIT_MAX)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "%" PRIu64 " is out of range",
                                bits[i]);
    return set_result(rt, slk_bitfield_from_bits(out, bits, cnt, slk_rt_arena(rt)));
}

slk_bitfield_text_t slk_bitfield_text(const slk_bitfield_t *set)
{
    slk_bitfield_text_t text;
    int at = snprintf(text.s, sizeof text.s, "BitField { ranges: [");
    for (size_t i = 0; i < set->run_cnt; i++) {
        char run[48];
        int len = snprintf(run, sizeof run, "%s%" PRIu64 "..%" PRIu64, i ? ", " : "",
                           set->runs[i].start, set->runs[i].end);
        if ((size_t)(at + len) + 40 > sizeof text.s) {
            at += snprintf(text.s + at, sizeof text.s - (size_t)at, ", ..");
            break;
        }
        memcpy(text.s + at, run, (size_t)len + 1);
        at += len;
    }
    snprintf(text.s + at, sizeof text.s - (size_t)at, "], set: {}, unset: {} }");
    return text;
}

/* --- Memory ------------------------------------------------------------------------------------------ */

slk_exit_t slk_rt_alloc(slk_rt_t *rt, void *out, size_t cnt, size_t size)
{
    void *bytes = slk_arena_array(slk_rt_arena(rt), cnt, size);
    memcpy(out, &bytes, sizeof bytes);
    if (bytes)
        return SLK_EXIT_OK;
    slk_fail(slk_rt_diag(rt), SLK_ERR_NOMEM, "no memory for %zu objects of %zu bytes", cnt, size);
    return slk_rt_err(rt, SLK_ERR_NOMEM, SLK_EXIT_FATAL);
}
