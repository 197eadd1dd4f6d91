#include "crypto/poseidon/poseidon.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon_plain.h"

#include <pthread.h>

static slk_poseidon_plain_t plain[SLK_POSEIDON_T_MAX + 1];
static slk_fr_t matrix[SLK_POSEIDON_T_MAX + 1][SLK_POSEIDON_T_MAX][SLK_POSEIDON_T_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    for (unsigned t = 3; t <= SLK_POSEIDON_T_MAX; t++) {
        if (!slk_poseidon_rp(t))
            continue;
        slk_poseidon_plain(&plain[t], t);
        for (unsigned i = 0; i < t; i++) {
            for (unsigned j = 0; j < t; j++) {
                slk_fr_from_u64(&matrix[t][i][j], i + j + t);
                slk_fr_inv(&matrix[t][i][j], &matrix[t][i][j]);
            }
        }
    }
}

static void sbox(slk_fr_t *a)
{
    slk_fr_t b;
    slk_fr_sqr(&b, a);
    slk_fr_sqr(&b, &b);
    slk_fr_mul(a, a, &b);
}

static void permute(slk_fr_t *s, unsigned t)
{
    const slk_poseidon_plain_t *p = &plain[t];
    for (unsigned k = 0; k < SLK_POSEIDON_RF + p->rp; k++) {
        bool full = k < SLK_POSEIDON_RF / 2 || k >= SLK_POSEIDON_RF / 2 + p->rp;
        slk_fr_t next[SLK_POSEIDON_T_MAX];
        for (unsigned i = 0; i < t; i++) {
            slk_fr_add(&s[i], &s[i], &p->rc[k][i]);
            if (full || i == 0)
                sbox(&s[i]);
        }
        for (unsigned i = 0; i < t; i++) {
            slk_fr_mul(&next[i], &s[0], &matrix[t][i][0]);
            for (unsigned j = 1; j < t; j++) {
                slk_fr_t product;
                slk_fr_mul(&product, &s[j], &matrix[t][i][j]);
                slk_fr_add(&next[i], &next[i], &product);
            }
        }
        for (unsigned i = 0; i < t; i++)
            s[i] = next[i];
    }
}

static size_t hash(slk_node_t *out, const slk_node_t *const *in, size_t stride, size_t cnt,
                   unsigned arity, uint64_t tag, unsigned *bad)
{
    SLK_ASSERT(slk_poseidon_rp(arity + 1));
    pthread_once(&once, prepare);
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_t s[SLK_POSEIDON_T_MAX];
        slk_fr_from_u64(&s[0], tag);
        for (unsigned j = 0; j < arity; j++) {
            if (!slk_fr_from_node(&s[1 + j], &in[j][i * stride])) {
                *bad = j;
                return i;
            }
        }
        permute(s, arity + 1);
        slk_fr_to_node(&out[i], &s[1]);
    }
    return cnt;
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

static const slk_cpu_t backends[] = {SLK_CPU_PORTABLE};

const slk_cpu_t *slk_poseidon_backends(void)
{
    return backends;
}
