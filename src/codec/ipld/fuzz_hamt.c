/* HAMTs whose blocks are hostile: no crash, no endless walk; what loads is written as it was. */
#include "codec/ipld/fuzz_blocks.h"
#include "codec/ipld/hamt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    unsigned visits;
    uint8_t key[64]; /* the last that fits */
    size_t key_len;
} visits_t;

static slk_err_t visit(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop, slk_diag_t *diag)
{
    (void)diag;
    visits_t *visits = ctx;
    SLK_ASSERT(value.len);
    if (key.len <= sizeof visits->key) {
        memcpy(visits->key, key.b, key.len);
        visits->key_len = key.len;
    }
    *stop = ++visits->visits == FUZZ_VISITS_MAX;
    return SLK_OK;
}

static void change(slk_hamt_t *hamt, slk_bytes_t key, slk_diag_t *diag)
{
    static const uint8_t one = 1;
    slk_bytes_t value;
    bool found;
    slk_cid_t root;
    if (slk_hamt_set(hamt, key, (slk_bytes_t){&one, 1}, diag) == SLK_OK) {
        slk_err_t err = slk_hamt_get(hamt, &value, key, diag);
        SLK_ASSERT(err == SLK_OK && value.len == 1 && *value.b == 1);
        if (slk_hamt_delete(hamt, key, &found, diag) == SLK_OK)
            SLK_ASSERT(found);
    }
    slk_err_t err = slk_hamt_flush(hamt, &root, diag);
    SLK_ASSERT(err == SLK_OK || err == SLK_ERR_STATE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_blocks_t f;
    if (size < 1 || !fuzz_blocks_split(&f, data + 1, size - 1))
        return 0;
    slk_blockstore_t store = {&f, fuzz_get, fuzz_put, NULL};
    slk_cid_t root = fuzz_root(), again;
    slk_diag_t diag = {""};
    slk_hamt_t *hamt;
    if (slk_hamt_load(&hamt, &store, 1 + (data[0] & 7), &root, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
        return 0;
    }
    slk_err_t err = slk_hamt_flush(hamt, &again, &diag);
    SLK_ASSERT(err == SLK_OK);
    fuzz_same_root(&f);
    visits_t visits = {.key_len = 0};
    if (slk_hamt_foreach(hamt, visit, &visits, &diag) == SLK_OK)
        SLK_ASSERT(slk_hamt_is_empty(hamt) == (visits.visits == 0));
    change(hamt, (slk_bytes_t){visits.key, visits.key_len}, &diag);
    slk_hamt_key_room_t room;
    for (uint64_t i = 0; i < 8; i++)
        change(hamt, slk_hamt_key_uint(&room, i), &diag);
    slk_hamt_free(hamt);
    free(f.last_block);
    return 0;
}
