#include "proofs/groth16/pairing.h"

#include "base/assert.h"

/* The curve's parameter is -z, z = 0xd201000000010000: after the leading bit of z, an addition
 * and this many doublings at a time. */
static const unsigned runs[] = {2, 3, 9, 32, 16};

void slk_lines(slk_lines_t *out, const blst_p2_affine *q)
{
    blst_precompute_lines(out->line, q);
}

/* Multiply by line i of every pair, evaluated at (-2x, 2y). */
static void mul_lines(blst_fp12 *f, const slk_pair_t *pairs, size_t cnt, size_t i)
{
    for (size_t k = 0; k < cnt; k++) {
        const blst_fp6 *line = &pairs[k].q->line[i];
        blst_fp6 at;
        at.fp2[0] = line->fp2[0];
        for (size_t c = 0; c < 2; c++) {
            blst_fp_mul(&at.fp2[1].fp[c], &line->fp2[1].fp[c], &pairs[k].p.x);
            blst_fp_mul(&at.fp2[2].fp[c], &line->fp2[2].fp[c], &pairs[k].p.y);
        }
        blst_fp12_mul_by_xy00z0(f, f, &at);
    }
}

void slk_miller(blst_fp12 *out, slk_pair_t *pairs, size_t cnt)
{
    size_t kept = 0;
    for (size_t k = 0; k < cnt; k++) {
        if (blst_p1_affine_is_inf(&pairs[k].p))
            continue;
        slk_pair_t pair = pairs[k];
        blst_fp_add(&pair.p.x, &pair.p.x, &pair.p.x);
        blst_fp_cneg(&pair.p.x, &pair.p.x, true);
        blst_fp_add(&pair.p.y, &pair.p.y, &pair.p.y);
        pairs[kept++] = pair;
    }

    *out = *blst_fp12_one();
    if (!kept)
        return;
    size_t line = 0;
    mul_lines(out, pairs, kept, line++);
    for (size_t r = 0; r < SLK_COUNT(runs); r++) {
        mul_lines(out, pairs, kept, line++);
        for (unsigned k = 0; k < runs[r]; k++) {
            blst_fp12_sqr(out, out);
            mul_lines(out, pairs, kept, line++);
        }
    }
    SLK_ASSERT(line == SLK_LINES);
    blst_fp12_conjugate(out);
}
