/* Messages and receipts: in blocks, by CID, as trees. */

#include "devnet/chain/chain_impl.h"

#include "codec/ipld/object.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 3u /* of the old arrays */

/* --- Trees ------------------------------------------------------------------------------------ */

static slk_err_t write_cid(slk_buf_t *buf, const void *items, size_t i, slk_diag_t *diag)
{
    (void)diag;
    slk_cbor_put_cid(buf, (const slk_cid_t *)items + i);
    return SLK_OK;
}

static slk_err_t write_receipt(slk_buf_t *buf, const void *items, size_t i, slk_diag_t *diag)
{
    return slk_record_encode(buf, &slk_receipt_type, (const slk_receipt_t *)items + i, diag);
}

static slk_err_t cid_root(slk_cid_t *root, const slk_blockstore_t *store,
                          const slk_cid_list_t *cids, slk_diag_t *diag)
{
    return slk_object_put_list(root, store, SLK_AMT_V0, WIDTH, write_cid, cids->items, cids->count,
                               diag);
}

slk_err_t slk_message_root(slk_cid_t *root, const slk_blockstore_t *store,
                           const slk_cid_list_t *bls, const slk_cid_list_t *secpk, slk_diag_t *diag)
{
    slk_err_t err;
    slk_msg_meta_t meta;
    SLK_TRY(cid_root(&meta.bls_messages, store, bls, diag));
    SLK_TRY(cid_root(&meta.secpk_messages, store, secpk, diag));
    SLK_TRY(slk_object_put(root, &slk_msg_meta_type, &meta, store, diag));
out:
    return err;
}

slk_err_t slk_receipt_root(slk_cid_t *root, const slk_blockstore_t *store,
                           const slk_receipt_t *receipts, size_t cnt, slk_diag_t *diag)
{
    return slk_object_put_list(root, store, SLK_AMT_V0, WIDTH, write_receipt, receipts, cnt, diag);
}

typedef struct {
    void *items;
    size_t cnt, cap;
    slk_arena_t *arena;
} rows_t;

static slk_err_t take_cid(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                          slk_diag_t *diag)
{
    rows_t *rows = ctx;
    slk_cbor_t in = slk_cbor_reader(value.b, value.len, diag);
    (void)index;
    *stop = rows->cnt == rows->cap;
    return *stop ? SLK_OK : slk_cbor_cid(&in, (slk_cid_t *)rows->items + rows->cnt++);
}

static slk_err_t take_receipt(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                              slk_diag_t *diag)
{
    rows_t *rows = ctx;
    (void)index;
    *stop = rows->cnt == rows->cap;
    return *stop ? SLK_OK
                 : slk_record_decode((slk_receipt_t *)rows->items + rows->cnt++, &slk_receipt_type,
                                     value.b, value.len, rows->arena, diag);
}

static slk_err_t read_tree(void **items, size_t *cnt, size_t size, slk_chain_t *c,
                           const slk_cid_t *root, slk_amt_visit_t take, slk_arena_t *arena,
                           slk_diag_t *diag)
{
    slk_err_t err;
    slk_amt_t *amt = NULL;
    SLK_TRY(slk_amt_load(&amt, &c->store, SLK_AMT_V0, WIDTH, root, diag));
    rows_t rows = {.cap = slk_amt_count(amt), .arena = arena};
    rows.items = slk_arena_array(arena, rows.cap, size);
    if (!rows.items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for the list %s", slk_cid_text(root).s);
        goto out;
    }
    SLK_TRY(slk_amt_foreach(amt, 0, take, &rows, diag));
    *items = rows.items;
    *cnt = rows.cnt;
out:
    slk_amt_free(amt);
    return err;
}

slk_err_t slk_chain_receipts(slk_receipt_list_t *receipts, slk_chain_t *c, const slk_cid_t *root,
                             slk_arena_t *arena, slk_diag_t *diag)
{
    void *items = NULL;
    *receipts = (slk_receipt_list_t){0};
    slk_err_t err = read_tree(&items, &receipts->count, sizeof(slk_receipt_t), c, root,
                              take_receipt, arena, diag);
    receipts->items = items;
    return err;
}

/* --- One message ------------------------------------------------------------------------------ */

slk_err_t slk_message_len(size_t *len, const slk_message_t *message, bool bls, slk_diag_t *diag)
{
    slk_buf_t buf = {0};
    slk_err_t err = slk_record_encode(&buf, &slk_message_type, message, diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, diag);
    /* The signed one: the head of a pair, and 66 bytes behind the head of their string. */
    *len = buf.len + (bls ? 0 : 1 + 2 + 66);
    slk_buf_free(&buf);
    return err;
}

static slk_err_t decode(slk_chain_message_t *message, const uint8_t *bytes, size_t len,
                        slk_arena_t *arena, slk_diag_t *diag)
{
    slk_signed_message_t pair;
    message->len = len;
    if (!len || bytes[0] != 0x82)
        return slk_record_decode(&message->message, &slk_message_type, bytes, len, arena, diag);
    slk_err_t err = slk_record_decode(&pair, &slk_signed_message_type, bytes, len, arena, diag);
    message->message = pair.message;
    message->signature = pair.signature;
    return err;
}

slk_err_t slk_chain_message(slk_chain_message_t *message, slk_chain_t *c, const slk_cid_t *cid,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    uint8_t *bytes = NULL;
    size_t len;
    *message = (slk_chain_message_t){.cid = *cid};
    slk_err_t err = slk_block_get(&c->store, &bytes, &len, cid, diag);
    if (err == SLK_OK)
        err = decode(message, bytes, len, arena, diag);
    free(bytes);
    if (err == SLK_ERR_NOTFOUND || err == SLK_ERR_FORMAT)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "ipld: could not find %s", slk_cid_text(cid).s);
    return err;
}

slk_err_t slk_chain_put_message(slk_chain_t *c, const slk_signed_message_t *message,
                                slk_diag_t *diag)
{
    slk_err_t err;
    slk_cid_t cid;
    SLK_TRY(slk_object_put(&cid, &slk_message_type, &message->message, &c->store, diag));
    if (message->signature.type != SLK_SIGNATURE_BLS)
        SLK_TRY(slk_object_put(&cid, &slk_signed_message_type, message, &c->store, diag));
out:
    return err;
}

slk_err_t slk_chain_block(slk_block_header_t *header, slk_chain_t *c, const slk_cid_t *cid,
                          slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = slk_object_get(header, &slk_block_header_type, &c->store, cid, arena, diag);
    if (err == SLK_ERR_NOTFOUND || err == SLK_ERR_FORMAT)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "ipld: could not find %s", slk_cid_text(cid).s);
    return err;
}

/* --- Messages of a block ---------------------------------------------------------------------- */

static slk_err_t add_messages(slk_chain_message_list_t *list, slk_chain_t *c,
                              const slk_cid_list_t *cids, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < cids->count; i++)
        SLK_TRY(slk_chain_message(&list->items[list->count++], c, &cids->items[i], arena, diag));
out:
    return err;
}

slk_err_t slk_chain_block_messages(slk_chain_message_list_t *list, slk_chain_t *c,
                                   const slk_block_header_t *block, slk_arena_t *arena,
                                   slk_diag_t *diag)
{
    slk_err_t err;
    slk_msg_meta_t meta;
    slk_cid_list_t bls, secpk;
    void *items = NULL;
    *list = (slk_chain_message_list_t){0};
    SLK_TRY(slk_object_get(&meta, &slk_msg_meta_type, &c->store, &block->messages, arena, diag));
    SLK_TRY(read_tree(&items, &bls.count, sizeof(slk_cid_t), c, &meta.bls_messages, take_cid, arena,
                      diag));
    bls.items = items;
    SLK_TRY(read_tree(&items, &secpk.count, sizeof(slk_cid_t), c, &meta.secpk_messages, take_cid,
                      arena, diag));
    secpk.items = items;
    list->items = slk_arena_array(arena, bls.count + secpk.count, sizeof *list->items);
    if (!list->items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
        goto out;
    }
    SLK_TRY(add_messages(list, c, &bls, arena, diag));
    SLK_TRY(add_messages(list, c, &secpk, arena, diag));
out:
    return err;
}

/* --- Messages of a tipset --------------------------------------------------------------------- */

/* The next nonce of a sender, in a table of open addressing. */
typedef struct {
    const slk_address_t *sender;
    uint64_t nonce;
} next_t;

static next_t *next_of(next_t *table, size_t slots, const slk_address_t *sender)
{
    size_t hash = 0;
    for (size_t i = 0; i < sender->len; i++)
        hash = hash * 31 + sender->b[i];
    for (size_t i = hash & (slots - 1);; i = (i + 1) & (slots - 1))
        if (!table[i].sender || slk_address_eq(table[i].sender, sender))
            return &table[i];
}

/* Keep what is run: of each sender the messages whose nonces follow each other. What another block
 * has already brought, as it is or replaced, is left out. */
static slk_err_t keep_runnable(slk_chain_message_list_t *list, slk_arena_t *arena, slk_diag_t *diag)
{
    size_t slots = 16, kept = 0;
    while (slots < 2 * list->count)
        slots *= 2;
    next_t *table = slk_arena_array(arena, slots, sizeof *table);
    if (!table)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a tipset");
    for (size_t i = 0; i < list->count; i++) {
        const slk_chain_message_t m = list->items[i];
        next_t *next = next_of(table, slots, &m.message.from);
        if (next->sender && next->nonce != m.message.nonce)
            continue;
        list->items[kept] = m;
        next->sender = &list->items[kept++].message.from;
        next->nonce = m.message.nonce + 1;
    }
    list->count = kept;
    return SLK_OK;
}

slk_err_t slk_chain_messages(slk_chain_message_list_t *list, slk_chain_t *c, const slk_tip_t *tip,
                             slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const slk_block_header_list_t *blocks = &tip->tipset.blocks;
    slk_chain_message_list_t *parts = slk_arena_array(arena, blocks->count, sizeof *parts);
    size_t cnt = 0;
    *list = (slk_chain_message_list_t){0};
    if (!parts)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a tipset");
    for (size_t i = 0; i < blocks->count; i++) {
        SLK_TRY(slk_chain_block_messages(&parts[i], c, &blocks->items[i], arena, diag));
        cnt += parts[i].count;
    }
    list->items = slk_arena_array(arena, cnt, sizeof *list->items);
    if (!list->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a tipset");
    for (size_t i = 0; i < blocks->count; i++)
        for (size_t k = 0; k < parts[i].count; k++) {
            list->items[list->count] = parts[i].items[k];
            list->items[list->count++].block = i;
        }
    SLK_TRY(keep_runnable(list, arena, diag));
out:
    return err;
}
