#include "proofs/r1cs/coef.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

#define VALUE_SLOTS (2 * SLK_COEFS_MAX)
#define SUM_SLOTS   (1u << 15)

static uint32_t mix(uint64_t x)
{
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(x >> 32) ^ (uint32_t)(x >> 56);
}

static uint32_t value_slot(const slk_node_t *value)
{
    uint64_t x = 0;
    for (int i = 0; i < 4; i++)
        x = (x ^ slk_load_le64(value->b + 8 * i)) * UINT64_C(0xff51afd7ed558ccd) ^ x >> 29;
    return mix(x) % VALUE_SLOTS;
}

/* The slot that holds the value, or the empty one where it belongs. */
static uint32_t *find(slk_coefs_t *coefs, const slk_node_t *value)
{
    uint32_t at = value_slot(value);
    while (coefs->by_value[at] && !slk_node_eq(&coefs->v[coefs->by_value[at] - 1].le, value))
        at = (at + 1) % VALUE_SLOTS;
    return &coefs->by_value[at];
}

uint32_t slk_coef_node(slk_coefs_t *coefs, const slk_node_t *value)
{
    uint32_t *slot = find(coefs, value);
    if (!*slot) {
        SLK_ASSERT(coefs->cnt < SLK_COEFS_MAX);
        slk_coef_t *coef = &coefs->v[coefs->cnt++];
        SLK_ASSERT(slk_fr_from_node(&coef->fr, value));
        coef->le = *value;
        *slot = coefs->cnt;
    }
    return *slot - 1;
}

uint32_t slk_coef(slk_coefs_t *coefs, const slk_fr_t *value)
{
    slk_node_t node;
    slk_fr_to_node(&node, value);
    return slk_coef_node(coefs, &node);
}

uint32_t slk_coef_int(slk_coefs_t *coefs, int value)
{
    switch (value) {
    case 1:
        return SLK_COEF_POW(0);
    case -1:
        return SLK_COEF_NEG(0);
    case 2:
        return SLK_COEF_POW(1);
    case -2:
        return SLK_COEF_NEG(1);
    default:
        break;
    }
    slk_fr_t fr, zero = {{0}};
    slk_fr_from_u64(&fr, (uint64_t)llabs(value));
    if (value < 0)
        slk_fr_sub(&fr, &zero, &fr);
    return slk_coef(coefs, &fr);
}

uint32_t slk_coef_sum(slk_coefs_t *coefs, uint32_t a, uint32_t b)
{
    slk_coef_sum_t *sum = &coefs->sums[mix((uint64_t)a << 32 | b) % SUM_SLOTS];
    if (sum->a != a || sum->b != b) {
        slk_fr_t fr;
        slk_fr_add(&fr, &coefs->v[a].fr, &coefs->v[b].fr);
        *sum = (slk_coef_sum_t){a, b, slk_coef(coefs, &fr)};
    }
    return sum->code;
}

/* The coefficients with fixed numbers: 2^k, -2^k, 0. */
static void fixed(slk_coefs_t *coefs)
{
    slk_fr_t pow, neg, zero = {{0}};
    slk_fr_from_u64(&pow, 1);
    coefs->cnt = SLK_COEF_ZERO + 1;
    for (uint32_t k = 0; k <= SLK_COEF_NEG(0); k++) {
        bool last = k == SLK_COEF_NEG(0); /* the zero */
        uint32_t codes[2] = {last ? SLK_COEF_ZERO : SLK_COEF_POW(k),
                             last ? SLK_COEF_ZERO : SLK_COEF_NEG(k)};
        slk_fr_sub(&neg, &zero, &pow);
        for (int sign = 0; sign < 2; sign++) {
            slk_coef_t *coef = &coefs->v[codes[sign]];
            coef->fr = last ? zero : sign ? neg : pow;
            slk_fr_to_node(&coef->le, &coef->fr);
            *find(coefs, &coef->le) = codes[sign] + 1;
        }
        slk_fr_add(&pow, &pow, &pow);
    }
}

slk_err_t slk_coefs_init(slk_coefs_t *out, slk_diag_t *diag)
{
    *out = (slk_coefs_t){.v = calloc(SLK_COEFS_MAX, sizeof *out->v),
                         .by_value = calloc(VALUE_SLOTS, sizeof *out->by_value),
                         .sums = malloc(SUM_SLOTS * sizeof *out->sums)};
    if (!out->v || !out->by_value || !out->sums) {
        slk_coefs_fini(out);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the coefficients of a circuit");
    }
    for (uint32_t i = 0; i < SUM_SLOTS; i++)
        out->sums[i].a = UINT32_MAX;
    fixed(out);
    return SLK_OK;
}

void slk_coefs_fini(slk_coefs_t *coefs)
{
    free(coefs->v);
    free(coefs->by_value);
    free(coefs->sums);
    *coefs = (slk_coefs_t){0};
}
