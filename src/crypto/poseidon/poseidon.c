#include "crypto/poseidon/poseidon.h"

#include "base/assert.h"
#include "base/cpu.h"
#include "crypto/poseidon/poseidon_impl.h"

#include <pthread.h>
#include <stdatomic.h>

/* Forms by the limbs that kernels want. */
typedef enum { FORM_64, FORM_52, FORM_52_REAL, FORM_CNT } form_kind_t;

/* Best first. */
#if defined(__x86_64__)
#define BACKENDS_X86(X)                                                                            \
    X(IFMA, FORM_52, slk_poseidon_ifma)                                                            \
    X(AVX512, FORM_52_REAL, slk_poseidon_avx512)                                                   \
    X(AVX2, FORM_52_REAL, slk_poseidon_avx2)
#else
#define BACKENDS_X86(X)
#endif
#define BACKENDS(X) BACKENDS_X86(X) X(PORTABLE, FORM_64, slk_poseidon_portable)

static const slk_cpu_t backends[] = {
#define BACKEND_CPU(id, form, kernel) SLK_CPU_##id,
    BACKENDS(BACKEND_CPU)
#undef BACKEND_CPU
};

static const struct {
    form_kind_t form;
    slk_poseidon_kernel_t *kernel;
} rows[SLK_CPU_CNT] = {
#define BACKEND_ROW(id, form, kernel) [SLK_CPU_##id] = {form, kernel},
    BACKENDS(BACKEND_ROW)
#undef BACKEND_ROW
};

/* Forms are derived at first use, each once. */
typedef struct {
    _Atomic bool ready; /* written with lock held, behind form */
    slk_poseidon_form_t form;
} form_slot_t;

static form_slot_t slots[SLK_POSEIDON_T_MAX + 1][FORM_CNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const slk_poseidon_form_t *form(unsigned t, form_kind_t kind)
{
    SLK_ASSERT(t <= SLK_POSEIDON_T_MAX && slk_poseidon_rp(t));
    form_slot_t *slot = &slots[t][kind];
    if (!atomic_load_explicit(&slot->ready, memory_order_acquire)) {
        pthread_mutex_lock(&lock);
        if (!atomic_load_explicit(&slot->ready, memory_order_relaxed)) {
            slk_poseidon_form(&slot->form, t, kind == FORM_64 ? 64 : 52);
            if (kind == FORM_52_REAL)
                slk_poseidon_form_real(&slot->form);
            atomic_store_explicit(&slot->ready, true, memory_order_release);
        }
        pthread_mutex_unlock(&lock);
    }
    return &slot->form;
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
    slk_cpu_t row = slk_cpu_pick(backends);
    size_t done = rows[row].kernel(out, form(arity + 1, rows[row].form), tag, in, stride, cnt);
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
