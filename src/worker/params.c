#include "worker/params.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/cid.h"

#include <stdlib.h>

slk_err_t slk_param_node(slk_node_t *out, const json_t *params, const char *name, slk_diag_t *diag)
{
    const char *text = json_string_value(json_object_get(params, name));
    if (!text || strlen(text) != 64 || !slk_hex_decode(out->b, 32, text))
        return slk_fail(diag, SLK_ERR_INPUT, "Params.%s: expected 64 hex digits, found '%.80s'",
                        name, text ? text : "nothing");
    return SLK_OK;
}

slk_err_t slk_param_piece(slk_piece_t *out, const json_t *row, slk_diag_t *diag)
{
    const json_t *cid = json_object_get(row, "PieceCID"), *size = json_object_get(row, "Size");
    const char *text = json_string_value(json_is_object(cid) ? json_object_get(cid, "/") : cid);
    slk_diag_t why;
    if (!json_is_integer(size) || json_integer_value(size) < (json_int_t)SLK_PIECE_MIN_PADDED ||
        json_integer_value(size) > (json_int_t)SLK_PIECE_MAX_PADDED ||
        (json_integer_value(size) & (json_integer_value(size) - 1)) != 0)
        return slk_fail(diag, SLK_ERR_INPUT, "Params: a piece's Size: expected a power of two");
    if (!text || slk_cid_parse(&out->comm_p, SLK_CID_UNSEALED, text, &why) != SLK_OK)
        return slk_fail(diag, SLK_ERR_INPUT, "Params: PieceCID '%.100s': %s", text ? text : "",
                        text ? why.text : "missing");
    out->padded = (uint64_t)json_integer_value(size);
    return SLK_OK;
}

slk_err_t slk_param_pieces(slk_piece_t **out, size_t *cnt, const json_t *params, const char *name,
                           slk_diag_t *diag)
{
    const json_t *list = json_object_get(params, name);
    slk_err_t err = SLK_OK;
    *cnt = 0;
    *out = NULL;
    if (list && !json_is_null(list) && !json_is_array(list))
        return slk_fail(diag, SLK_ERR_INPUT, "Params.%s: expected an array of pieces", name);
    *out = calloc(json_array_size(list) + 1, sizeof **out);
    if (!*out)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for pieces");
    for (size_t i = 0; i < json_array_size(list); i++) {
        SLK_TRY(slk_param_piece(&(*out)[i], json_array_get(list, i), diag));
        (*cnt)++;
    }
out:
    if (err != SLK_OK) {
        free(*out);
        *out = NULL;
    }
    return err;
}

json_t *slk_json_of_node(const slk_node_t *node)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < SLK_NODE_SZ; i++)
        if (json_array_append_new(list, json_integer(node->b[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

slk_err_t slk_output_node(slk_node_t *out, const json_t *output, const char *name, slk_diag_t *diag)
{
    const json_t *list = json_object_get(output, name);
    bool ok = json_array_size(list) == SLK_NODE_SZ;
    for (size_t i = 0; ok && i < SLK_NODE_SZ; i++) {
        const json_t *byte = json_array_get(list, i);
        ok = json_is_integer(byte) && json_integer_value(byte) >= 0 &&
             json_integer_value(byte) <= 255;
        out->b[i] = (uint8_t)json_integer_value(byte);
    }
    return ok ? SLK_OK
              : slk_fail(diag, SLK_ERR_FORMAT,
                         "the processor's output: %s: expected 32 numbers from 0 to 255", name);
}

json_t *slk_json_of_piece(const slk_piece_t *piece)
{
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, SLK_CID_UNSEALED, &piece->comm_p);
    return json_pack("{sI,ss}", "Size", (json_int_t)piece->padded, "PieceCID", cid);
}

uint64_t slk_unpadded(uint64_t padded)
{
    return padded / 128 * 127;
}

uint64_t slk_padded(uint64_t unpadded)
{
    uint64_t padded = unpadded / 127 * 128;
    return unpadded % 127 == 0 && padded && (padded & (padded - 1)) == 0 ? padded : 0;
}
