#include "proofs/graph/feistel.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <blake2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (UINT64_C(2) << 20)

uint64_t slk_feistel_round(uint64_t r, uint64_t key)
{
    uint8_t msg[16], digest[64];
    slk_store_be64(msg, r);
    slk_store_be64(msg + 8, key);
    blake2b_state state;
    SLK_ASSERT(blake2b_init(&state, sizeof digest) == 0);
    SLK_ASSERT(blake2b_update(&state, msg, sizeof msg) == 0);
    SLK_ASSERT(blake2b_final(&state, digest, sizeof digest) == 0);
    return slk_load_be64(digest);
}

slk_err_t slk_feistel_new(slk_feistel_t *feistel, uint64_t size, const uint64_t key[4],
                          slk_diag_t *diag)
{
    unsigned half = 1;
    while (UINT64_C(1) << 2 * half < size)
        half++;
    uint64_t cnt = UINT64_C(1) << half;
    SLK_ASSERT(size % cnt == 0 && half < 32);
    feistel->half = half;
    feistel->mask = (uint32_t)(cnt - 1);
    feistel->limit = size >> half;

    /* The big tables are read at random: on one huge page where the system has one to give. */
    size_t bytes = 3 * cnt * sizeof(uint32_t);
    bool big = bytes > HUGE_PAGE / 2;
    uint32_t *tab =
        big ? aligned_alloc(HUGE_PAGE, HUGE_PAGE * (1 + (bytes - 1) / HUGE_PAGE)) : malloc(bytes);
    if (!tab)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu bytes of graph tables", bytes);
    if (big)
        madvise(tab, bytes, MADV_HUGEPAGE);
    for (unsigned k = 0; k < 3; k++) {
        feistel->tab[k] = tab + k * cnt;
        for (uint64_t r = 0; r < cnt; r++)
            feistel->tab[k][r] = (uint32_t)slk_feistel_round(r, key[k]) & feistel->mask;
    }
    return SLK_OK;
}

void slk_feistel_free(slk_feistel_t *feistel)
{
    free(feistel->tab[0]);
    feistel->tab[0] = NULL;
}

uint64_t slk_feistel_permute(const slk_feistel_t *f, uint64_t x)
{
    uint32_t l = (uint32_t)(x >> f->half), r = (uint32_t)x & f->mask;
    do {
        uint32_t a = l ^ f->tab[0][r];
        l = r ^ f->tab[1][a];
        r = a ^ f->tab[2][l];
    } while (l >= f->limit);
    return (uint64_t)l << f->half | r;
}
