/* AMTs whose blocks are hostile: no crash, no endless walk; what loads is written as it was. */
#include "codec/ipld/amt.h"
#include "codec/ipld/fuzz_blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    unsigned visits;
    uint64_t last;
} visits_t;

static slk_err_t visit(void *ctx, uint64_t index, slk_bytes_t value, bool *stop, slk_diag_t *diag)
{
    (void)diag;
    visits_t *visits = ctx;
    SLK_ASSERT(value.len && (visits->visits == 0 || index > visits->last));
    visits->last = index;
    *stop = ++visits->visits == FUZZ_VISITS_MAX;
    return SLK_OK;
}

static void change(slk_amt_t *amt, uint64_t index, slk_diag_t *diag)
{
    static const uint8_t one = 1;
    slk_bytes_t value;
    bool found;
    slk_cid_t root;
    if (slk_amt_set(amt, index, (slk_bytes_t){&one, 1}, diag) == SLK_OK) {
        slk_err_t err = slk_amt_get(amt, &value, index, diag);
        SLK_ASSERT(err == SLK_OK && value.len == 1 && *value.b == 1);
        if (slk_amt_delete(amt, index, &found, diag) == SLK_OK)
            SLK_ASSERT(found);
    }
    slk_err_t err = slk_amt_flush(amt, &root, diag);
    SLK_ASSERT(err == SLK_OK || err == SLK_ERR_STATE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_blocks_t f;
    if (size < 1 || !fuzz_blocks_split(&f, data + 1, size - 1))
        return 0;
    slk_amt_version_t version = data[0] & 8 ? SLK_AMT_V0 : SLK_AMT_V3;
    unsigned width = version == SLK_AMT_V0 ? 3 : 1 + (data[0] & 7);
    slk_blockstore_t store = {&f, fuzz_get, fuzz_put, NULL};
    slk_cid_t root = fuzz_root(), again;
    slk_diag_t diag = {""};
    slk_amt_t *amt;
    if (slk_amt_load(&amt, &store, version, width, &root, &diag) != SLK_OK) {
        SLK_ASSERT(diag.text[0]);
        return 0;
    }
    slk_err_t err = slk_amt_flush(amt, &again, &diag);
    SLK_ASSERT(err == SLK_OK);
    fuzz_same_root(&f);
    visits_t visits = {0};
    err = slk_amt_foreach(amt, 0, visit, &visits, &diag);
    uint64_t from = visits.last;
    bool found;
    if (err == SLK_OK && slk_amt_first(amt, &from, &found, &diag) == SLK_OK)
        SLK_ASSERT(found == (visits.visits != 0));
    visits = (visits_t){0};
    err = slk_amt_foreach(amt, UINT64_MAX / 3, visit, &visits, &diag);
    change(amt, from, &diag);
    change(amt, 1000003, &diag);
    change(amt, SLK_AMT_INDEX_MAX, &diag);
    slk_amt_free(amt);
    free(f.last_block);
    return 0;
}
