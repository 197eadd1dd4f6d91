/* Bitfields as RLE+ and as JSON. */

#include "base/assert.h"
#include "codec/bitfield.h"
#include "codec/json.h"

#include <string.h>

#define SHORT_MIN    2  /* lengths of the form 01 + 4 bits */
#define LONG_MIN     16 /* lengths of the form 00 + varint */
#define VARINT_BYTES 10 /* 7 bits each: any uint64_t */

/* --- Reading bits, lowest of each byte first; behind the end all are zero --------------------- */

typedef struct {
    const uint8_t *bytes;
    size_t len, bit; /* bytes there are, bits read */
} bits_in_t;

static unsigned peek(const bits_in_t *in, unsigned cnt)
{
    unsigned window = 0;
    for (size_t i = 0; i < 2; i++) {
        size_t at = in->bit / 8 + i;
        window |= at < in->len ? (unsigned)in->bytes[at] << (8 * i) : 0;
    }
    return (window >> in->bit % 8) & ((1U << cnt) - 1);
}

static unsigned take(bits_in_t *in, unsigned cnt)
{
    unsigned value = peek(in, cnt);
    in->bit += cnt;
    return value;
}

/* Whether a one is still to come. The last byte is not zero, which was checked first. */
static bool has_more(const bits_in_t *in)
{
    size_t at = in->bit / 8;
    return at + 1 < in->len || (at < in->len && in->bytes[at] >> in->bit % 8);
}

/* The reason why the next run is refused, NULL if it was read. */
static const char *take_varint(bits_in_t *in, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        unsigned byte = take(in, 8);
        if (i == VARINT_BYTES - 1 && byte > 1)
            return "a run length above 2^64";
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (byte == 0 && i)
            return "a run length with a varint that is cut off or longer than needed";
        *out = value;
        return NULL;
    }
    return "a run length above 2^64";
}

static const char *take_run(bits_in_t *in, uint64_t *len)
{
    if (take(in, 1)) {
        *len = 1;
        return NULL;
    }
    if (take(in, 1)) {
        *len = take(in, 4);
        return *len < SHORT_MIN ? "a run of length 0 or 1 in the short form" : NULL;
    }
    const char *wrong = take_varint(in, len);
    if (wrong)
        return wrong;
    return *len < LONG_MIN ? "a run below 16 in the long form" : NULL;
}

/* --- RLE+ ------------------------------------------------------------------------------------- */

/* Read all runs; those of ones go to out, unless that is NULL. What is wrong, or NULL. */
static const char *read_runs(slk_bit_run_t *out, size_t *run_cnt, const uint8_t *bytes, size_t len)
{
    *run_cnt = 0;
    if (len == 0)
        return NULL;
    if (bytes[len - 1] == 0)
        return "a last byte 0";
    bits_in_t in = {bytes, len, 0};
    if (take(&in, 2) != 0)
        return "a version other than 0";
    bool ones = take(&in, 1);
    uint64_t at = 0;
    while (has_more(&in)) {
        uint64_t run;
        const char *wrong = take_run(&in, &run);
        if (wrong)
            return wrong;
        if (run > UINT64_MAX - at)
            return "bits above 2^64 - 2";
        if (ones && out)
            out[*run_cnt] = (slk_bit_run_t){at, at + run};
        *run_cnt += ones;
        at += run;
        ones = !ones;
    }
    return ones ? "no run of ones at the end" : NULL;
}

slk_err_t slk_bitfield_decode(slk_bitfield_t *out, const void *bytes, size_t len,
                              slk_arena_t *arena, slk_diag_t *diag)
{
    if (len > SLK_BITFIELD_ENCODED_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "bitfield: %zu bytes of RLE+, at most %zu may be",
                        len, SLK_BITFIELD_ENCODED_MAX);
    size_t cnt;
    const char *wrong = read_runs(NULL, &cnt, bytes, len);
    if (wrong)
        return slk_fail(diag, SLK_ERR_FORMAT, "bitfield: the RLE+ of %zu bytes has %s", len, wrong);
    slk_bit_run_t *runs = slk_arena_array(arena, cnt, sizeof *runs);
    if (!runs)
        return slk_fail(diag, SLK_ERR_NOMEM, "bitfield: no memory for %zu runs", cnt);
    read_runs(runs, &cnt, bytes, len);
    *out = (slk_bitfield_t){runs, cnt};
    return SLK_OK;
}

/* Bits written; with bytes NULL only counted. The bytes are zero before. */
typedef struct {
    uint8_t *bytes;
    size_t bit, ones_end; /* all bits; up to the last that is a one */
} bits_out_t;

static void put(bits_out_t *out, unsigned value, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (!(value >> i & 1))
            continue;
        size_t at = out->bit + i;
        if (out->bytes)
            out->bytes[at / 8] = (uint8_t)(out->bytes[at / 8] | 1u << at % 8);
        out->ones_end = at + 1;
    }
    out->bit += cnt;
}

static void put_run(bits_out_t *out, uint64_t len)
{
    if (len == 1) {
        put(out, 1, 1);
    } else if (len < LONG_MIN) {
        put(out, 2, 2);
        put(out, (unsigned)len, 4);
    } else {
        put(out, 0, 2);
        for (; len >= 0x80; len >>= 7)
            put(out, (unsigned)(len & 0x7f) | 0x80, 8);
        put(out, (unsigned)len, 8);
    }
}

/* The number of bytes it takes. */
static size_t write_runs(uint8_t *bytes, const slk_bitfield_t *set)
{
    bits_out_t out = {.bytes = bytes};
    uint64_t at = 0;
    for (size_t i = 0; i < set->run_cnt; i++) {
        if (i == 0)
            put(&out, set->runs[0].start == 0 ? 4 : 0, 3);
        if (set->runs[i].start > at)
            put_run(&out, set->runs[i].start - at);
        put_run(&out, set->runs[i].end - set->runs[i].start);
        at = set->runs[i].end;
    }
    return (out.ones_end + 7) / 8;
}

static slk_err_t check_len(size_t len, const slk_bitfield_t *set, slk_diag_t *diag)
{
    if (len <= SLK_BITFIELD_ENCODED_MAX)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_LENGTH, "bitfield: %zu runs take %zu bytes, at most %zu fit",
                    set->run_cnt, len, SLK_BITFIELD_ENCODED_MAX);
}

slk_err_t slk_bitfield_encode(const uint8_t **bytes, size_t *len, const slk_bitfield_t *set,
                              slk_arena_t *arena, slk_diag_t *diag)
{
    size_t need = write_runs(NULL, set);
    slk_err_t err = check_len(need, set, diag);
    if (err != SLK_OK)
        return err;
    uint8_t *out = slk_arena_alloc(arena, need);
    if (!out)
        return slk_fail(diag, SLK_ERR_NOMEM, "bitfield: no memory for %zu bytes", need);
    write_runs(out, set);
    *bytes = out;
    *len = need;
    return SLK_OK;
}

/* Append zeros, as bytes or as a CBOR byte string, and write the runs over them. */
static slk_err_t put_runs(slk_buf_t *out, const slk_bitfield_t *set, bool as_cbor, slk_diag_t *diag)
{
    static const uint8_t zeros[SLK_BITFIELD_ENCODED_MAX];
    size_t len = write_runs(NULL, set);
    slk_err_t err = check_len(len, set, diag);
    if (err != SLK_OK)
        return err;
    if (as_cbor)
        slk_cbor_put_bytes(out, zeros, len);
    else
        slk_buf_put(out, zeros, len);
    err = slk_buf_check(out, diag);
    if (err == SLK_OK && len)
        write_runs(out->bytes + out->len - len, set);
    return err;
}

slk_err_t slk_bitfield_put(slk_buf_t *out, const slk_bitfield_t *set, slk_diag_t *diag)
{
    return put_runs(out, set, false, diag);
}

slk_err_t slk_cbor_put_bitfield(slk_buf_t *out, const slk_bitfield_t *set, slk_diag_t *diag)
{
    return put_runs(out, set, true, diag);
}

slk_err_t slk_cbor_bitfield(slk_cbor_t *r, slk_bitfield_t *out, slk_arena_t *arena)
{
    slk_bytes_t bytes;
    slk_err_t err = slk_cbor_bytes(r, &bytes, SLK_BITFIELD_ENCODED_MAX);
    return err == SLK_OK ? slk_bitfield_decode(out, bytes.b, bytes.len, arena, r->diag) : err;
}

/* --- JSON ------------------------------------------------------------------------------------- */

slk_err_t slk_bitfield_from_json(slk_bitfield_t *out, const json_t *json, slk_arena_t *arena,
                                 slk_diag_t *diag)
{
    if (!json_is_array(json))
        return slk_fail(diag, SLK_ERR_FORMAT, "bitfield: JSON is not a list of run lengths");
    size_t cnt = json_array_size(json);
    slk_bit_run_t *runs = slk_arena_array(arena, cnt / 2, sizeof *runs);
    if (!runs)
        return slk_fail(diag, SLK_ERR_NOMEM, "bitfield: no memory for %zu runs", cnt / 2);
    uint64_t at = 0;
    for (size_t i = 0; i < cnt; i++) {
        uint64_t len;
        if (!slk_json_u64(json_array_get(json, i), &len) || len < (i != 0))
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "bitfield: JSON run length number %zu is not an integer of at least %d",
                            i, i != 0);
        if (len > UINT64_MAX - at)
            return slk_fail(diag, SLK_ERR_FORMAT, "bitfield: JSON has bits above 2^64 - 2");
        if (i % 2)
            runs[i / 2] = (slk_bit_run_t){at, at + len};
        at += len;
    }
    *out = (slk_bitfield_t){runs, cnt / 2};
    return SLK_OK;
}

static bool append(json_t *list, uint64_t len)
{
    return json_array_append_new(list, slk_json_of_u64(len)) == 0;
}

json_t *slk_bitfield_to_json(const slk_bitfield_t *set)
{
    json_t *list = json_array();
    bool ok = list && (set->run_cnt || append(list, 0));
    uint64_t at = 0;
    for (size_t i = 0; ok && i < set->run_cnt; i++) {
        ok = append(list, set->runs[i].start - at) &&
             append(list, set->runs[i].end - set->runs[i].start);
        at = set->runs[i].end;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}
