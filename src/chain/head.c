#include "chain/head.h"

#include <stdio.h>
#include <string.h>

bool slk_tipset_key_eq(const slk_tipset_key_t *a, const slk_tipset_key_t *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

/* Length of the CID at the beginning of bytes, from its varints; 0 when it is no whole one. */
static size_t cid_length(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    uint64_t value = 0;
    for (int field = 0; field < 4; field++) { /* version, codec, hash, digest length */
        unsigned shift = 0;
        value = 0;
        do {
            if (at >= len || shift > 28)
                return 0;
            value |= (uint64_t)(bytes[at] & 0x7f) << shift;
            shift += 7;
        } while (bytes[at++] & 0x80);
    }
    return value && value <= len - at ? at + (size_t)value : 0;
}

static slk_err_t add_cid(slk_tipset_key_t *key, const slk_cid_t *cid, slk_diag_t *diag)
{
    if (cid->len > sizeof key->b - key->len)
        return slk_fail(diag, SLK_ERR_FORMAT, "tipset key: more than %d blocks",
                        SLK_TIPSET_BLOCKS_MAX);
    memcpy(key->b + key->len, cid->b, cid->len);
    key->len = (uint16_t)(key->len + cid->len);
    return SLK_OK;
}

slk_err_t slk_tipset_key_from_bytes(slk_tipset_key_t *key, const void *bytes, size_t len,
                                    slk_diag_t *diag)
{
    const uint8_t *at = bytes;
    *key = (slk_tipset_key_t){0};
    if (!len)
        return slk_fail(diag, SLK_ERR_FORMAT, "tipset key: no blocks");
    while (len) {
        slk_cid_t cid;
        size_t one = cid_length(at, len);
        if (!one)
            return slk_fail(diag, SLK_ERR_FORMAT, "tipset key: not a row of CIDs");
        slk_err_t err = slk_cid_from_bytes(&cid, at, one, diag);
        if (err == SLK_OK)
            err = add_cid(key, &cid, diag);
        if (err != SLK_OK)
            return err;
        at += one;
        len -= one;
    }
    return SLK_OK;
}

slk_err_t slk_tipset_key_from_json(slk_tipset_key_t *key, const json_t *json, slk_diag_t *diag)
{
    *key = (slk_tipset_key_t){0};
    size_t cnt = json_array_size(json);
    if (!cnt || cnt > SLK_TIPSET_BLOCKS_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "tipset key: %zu blocks, expected 1 to %d", cnt,
                        SLK_TIPSET_BLOCKS_MAX);
    for (size_t i = 0; i < cnt; i++) {
        const char *text = json_string_value(json_object_get(json_array_get(json, i), "/"));
        slk_cid_t cid;
        if (!text)
            return slk_fail(diag, SLK_ERR_FORMAT, "tipset key: block %zu is no {\"/\": CID}", i);
        slk_err_t err = slk_cid_from_text(&cid, text, diag);
        if (err == SLK_OK)
            err = add_cid(key, &cid, diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

json_t *slk_tipset_key_to_json(const slk_tipset_key_t *key)
{
    json_t *json = json_array();
    for (size_t at = 0; json && at < key->len;) {
        slk_cid_t cid = {0};
        size_t one = cid_length(key->b + at, key->len - at);
        if (!one || slk_cid_from_bytes(&cid, key->b + at, one, NULL) != SLK_OK) {
            json_decref(json);
            return NULL;
        }
        json_t *link = json_pack("{s:s}", "/", slk_cid_text(&cid).s);
        if (!link || json_array_append_new(json, link) != 0) {
            json_decref(json);
            return NULL;
        }
        at += one;
    }
    return json;
}

static slk_err_t read_block(slk_head_t *head, const json_t *block, bool first, slk_diag_t *diag)
{
    const json_t *height = json_object_get(block, "Height");
    const json_t *timestamp = json_object_get(block, "Timestamp");
    const json_t *parents = json_object_get(block, "Parents");
    const char *base_fee = json_string_value(json_object_get(block, "ParentBaseFee"));
    if (!json_is_integer(height) || !json_is_integer(timestamp) || !base_fee)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "tipset: a block without Height, Timestamp or ParentBaseFee");
    if (json_integer_value(height) != head->height)
        return slk_fail(diag, SLK_ERR_FORMAT, "tipset: a block of height %lld in one of %lld",
                        (long long)json_integer_value(height), (long long)head->height);
    slk_tipset_key_t key = {0};
    if (json_array_size(parents) || head->height != 0) {
        slk_err_t err = slk_tipset_key_from_json(&key, parents, diag);
        if (err != SLK_OK)
            return err;
    }
    if (!first)
        return slk_tipset_key_eq(&key, &head->parents)
                   ? SLK_OK
                   : slk_fail(diag, SLK_ERR_FORMAT, "tipset: blocks of different parents");
    head->parents = key;
    head->timestamp = json_integer_value(timestamp);
    return slk_bigint_from_text(&head->base_fee, base_fee, diag);
}

slk_err_t slk_head_from_json(slk_head_t *head, const json_t *json, slk_diag_t *diag)
{
    *head = (slk_head_t){0};
    const json_t *height = json_object_get(json, "Height");
    const json_t *cids = json_object_get(json, "Cids");
    const json_t *blocks = json_object_get(json, "Blocks");
    if (!json_is_integer(height) || json_integer_value(height) < 0)
        return slk_fail(diag, SLK_ERR_FORMAT, "tipset: no Height");
    head->height = json_integer_value(height);
    slk_err_t err = slk_tipset_key_from_json(&head->key, cids, diag);
    if (err == SLK_OK && json_array_size(blocks) != json_array_size(cids))
        err = slk_fail(diag, SLK_ERR_FORMAT, "tipset: %zu blocks and %zu CIDs",
                       json_array_size(blocks), json_array_size(cids));
    for (size_t i = 0; err == SLK_OK && i < json_array_size(blocks); i++)
        err = read_block(head, json_array_get(blocks, i), i == 0, diag);
    return err;
}

slk_head_text_t slk_head_text(const slk_head_t *head)
{
    slk_head_text_t text;
    slk_cid_t cid = {0};
    size_t one = cid_length(head->key.b, head->key.len);
    if (!one || slk_cid_from_bytes(&cid, head->key.b, one, NULL) != SLK_OK)
        cid = (slk_cid_t){0};
    snprintf(text.s, sizeof text.s, "height %lld (%s)", (long long)head->height,
             slk_cid_text(&cid).s);
    return text;
}
