/* The layers of a tile, two at a time: a template, included once in a source that has defined
 *
 *   vec_t                        a vector of a tile
 *   row_t                        an entry of rows
 *   pair(x, y, w)                x, y = x + w y, x - w y
 *   quad(u0, u1, u2, u3, w, wa, wb)  pair(u0, u1, w), pair(u2, u3, w), pair(u0, u2, wa),
 *                                pair(u1, u3, wb)
 *   mul_row(out, a, row)         out = a * row
 *   square(out, a)
 *   roots_in(out, roots)         lanes of roots, in the form of twiddle factors */

static void tile_down(void *data, const void *twiddles, unsigned k)
{
    vec_t *tile = data;
    const vec_t *tw = twiddles;
    unsigned layer = k & 1;
    if (layer)
        for (size_t half = (size_t)1 << (k - 1), i = 0; i < half; i++)
            pair(&tile[i], &tile[i + half], &tw[1]);
    for (; layer < k; layer += 2) {
        size_t blocks = (size_t)1 << layer, q = (size_t)1 << (k - layer - 2);
        for (size_t b = 0; b < blocks; b++)
            for (vec_t *u = tile + b * 4 * q, *end = u + q; u < end; u++)
                quad(u, u + 2 * q, u + q, u + 3 * q, &tw[blocks + b], &tw[2 * (blocks + b)],
                     &tw[2 * (blocks + b) + 1]);
    }
}

static void tile_up(void *data, const void *twiddles, unsigned k)
{
    vec_t *tile = data;
    const vec_t *tw = twiddles;
    size_t cnt = (size_t)1 << k;
    unsigned layer = k & 1;
    if (layer)
        for (size_t i = 0; i < cnt; i += 2)
            pair(&tile[i], &tile[i + 1], &tw[1]);
    for (; layer < k; layer += 2) {
        size_t h = (size_t)1 << layer;
        for (size_t b = 0; b < cnt; b += 4 * h)
            for (size_t r = 0; r < h; r++) {
                vec_t *u = tile + b + r;
                quad(u, u + h, u + 2 * h, u + 3 * h, &tw[h + r], &tw[2 * h + r], &tw[3 * h + r]);
            }
    }
}

static void tile_twiddles(void *out, const void *rows, const slk_fr_t *roots, unsigned k)
{
    vec_t *tw = out, root;
    const row_t *row = rows;
    roots_in(&root, roots);
    for (unsigned layer = k; layer-- > 0;) {
        size_t cnt = (size_t)1 << layer;
        tw[cnt] = root;
        for (size_t j = cnt + 1; j < 2 * cnt; j++)
            mul_row(&tw[j], &root, &row[j]);
        square(&root, &root);
    }
}
