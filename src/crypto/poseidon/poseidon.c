#include "crypto/poseidon/poseidon.h"

#include "base/assert.h"
#include "base/cpu.h"
#include "crypto/poseidon/poseidon_impl.h"

#include <pthread.h>

/* Best first. */
static const struct {
    slk_cpu_t cpu;
    unsigned bits; /* of the form's limbs */
    slk_poseidon_kernel_t *kernel;
} rows[] = {
#if defined(__x86_64__)
    {SLK_CPU_IFMA, 52, slk_poseidon_ifma},
#endif
    {SLK_CPU_PORTABLE, 64, slk_poseidon_portable},
};
static const slk_cpu_t backends[] = {
#if defined(__x86_64__)
    SLK_CPU_IFMA,
#endif
    SLK_CPU_PORTABLE,
};
_Static_assert(SLK_COUNT(rows) == SLK_COUNT(backends), "one list");

/* Forms by width and limbs, derived at first use. */
static slk_poseidon_form_t forms[SLK_POSEIDON_T_MAX + 1][2];
static pthread_once_t once[SLK_POSEIDON_T_MAX + 1][2];

#define ONCE(t, bits)                                                                              \
    static void derive_##t##_##bits(void)                                                          \
    {                                                                                              \
        slk_poseidon_form(&forms[t][bits == 64], t, bits);                                         \
    }
ONCE(3, 52)
ONCE(3, 64)
ONCE(5, 52)
ONCE(5, 64)
ONCE(9, 52)
ONCE(9, 64)
ONCE(12, 52)
ONCE(12, 64)

static const slk_poseidon_form_t *form(unsigned t, unsigned bits)
{
    static void (*const derive[SLK_POSEIDON_T_MAX + 1][2])(void) = {
        [3] = {derive_3_52, derive_3_64},
        [5] = {derive_5_52, derive_5_64},
        [9] = {derive_9_52, derive_9_64},
        [12] = {derive_12_52, derive_12_64},
    };
    SLK_ASSERT(t <= SLK_POSEIDON_T_MAX && derive[t][0]);
    pthread_once(&once[t][bits == 64], derive[t][bits == 64]);
    return &forms[t][bits == 64];
}

/* The first node that is not below r, from preimage i on; there is one. */
static size_t find_bad(const slk_node_t *const *in, size_t stride, size_t i, unsigned arity,
                       unsigned *bad)
{
    slk_fr_t ignored;
    for (;; i++)
        for (unsigned j = 0; j < arity; j++)
            if (!slk_fr_from_node(&ignored, &in[j][i * stride])) {
                *bad = j;
                return i;
            }
}

static size_t hash(slk_node_t *out, const slk_node_t *const *in, size_t stride, size_t cnt,
                   unsigned arity, uint64_t tag, unsigned *bad)
{
    slk_cpu_t cpu = slk_cpu_pick(backends);
    size_t row = 0;
    while (rows[row].cpu != cpu)
        row++;
    size_t done = rows[row].kernel(out, form(arity + 1, rows[row].bits), tag, in, stride, cnt);
    return done < cnt ? find_bad(in, stride, done, arity, bad) : cnt;
}

size_t slk_poseidon_rows(slk_node_t *out, const slk_node_t *in, size_t cnt, unsigned arity)
{
    const slk_node_t *columns[SLK_POSEIDON_T_MAX];
    unsigned bad = 0;
    SLK_ASSERT(arity < SLK_POSEIDON_T_MAX);
    for (unsigned j = 0; j < arity; j++)
        columns[j] = in + j;
    size_t done = hash(out, columns, arity, cnt, arity, (UINT64_C(1) << arity) - 1, &bad);
    return done * arity + bad;
}

size_t slk_poseidon_columns(slk_node_t *out, const slk_node_t *const *layers, size_t cnt,
                            unsigned arity, unsigned *bad_layer)
{
    unsigned bad = 0;
    size_t done = hash(out, layers, 1, cnt, arity, (UINT64_C(1) << arity) - 1, &bad);
    if (done < cnt && bad_layer)
        *bad_layer = bad;
    return done;
}

static bool pair(slk_node_t *out, const slk_node_t *a, const slk_node_t *b, uint64_t tag)
{
    const slk_node_t *const in[2] = {a, b};
    unsigned bad;
    return hash(out, in, 1, 1, 2, tag, &bad) == 1;
}

bool slk_poseidon_pair(slk_node_t *out, const slk_node_t *a, const slk_node_t *b)
{
    return pair(out, a, b, 3);
}

bool slk_poseidon_pair_custom(slk_node_t *out, const slk_node_t *a, const slk_node_t *b)
{
    return pair(out, a, b, UINT64_C(1) << 40);
}

const slk_cpu_t *slk_poseidon_backends(void)
{
    return backends;
}
