/* Constraints of the gadgets one by one: digests and counts of spec/proofs-snark.md 2 and 9.2. */

#include "test_util.h"

#include "proofs/r1cs/circuit.h"
#include "proofs/r1cs/shape_cs.h"
#include "proofs/vanilla/vanilla_layout.h"

#include "proofs/r1cs/gadgets.inc"

#include "proofs/r1cs/circuits.inc"

/* --- Digest: spec 9.1, written again -------------------------------------------------------------
 */

typedef struct {
    cs_t *cs;
    slk_sha256_t sha;
    uint64_t rows;
} stream_t;

static void stream_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    stream_t *s = ctx;
    for (unsigned k = 0; k < 3; k++) {
        uint8_t word[4];
        slk_store_le32(word, (uint32_t)row->lc[k].cnt);
        slk_sha256_update(&s->sha, word, 4);
        for (size_t i = 0; i < row->lc[k].cnt; i++) {
            const slk_term_t *term = &row->lc[k].term[i];
            if (i)
                assert_true(term[-1].key < term->key);
            assert_false(slk_node_is_zero(&coefs->v[term->coef].le));
            slk_store_le32(word, term->key);
            slk_sha256_update(&s->sha, word, 4);
            slk_sha256_update(&s->sha, coefs->v[term->coef].le.b, 32);
        }
    }
    s->rows++;
}

static cs_t *begin(stream_t *s)
{
    static const unsigned aritys[3] = {2, 8, 11};
    slk_diag_t diag;
    memset(s, 0, sizeof *s);
    assert_ok(shape_new(&s->cs, aritys, &diag), diag);
    assert_ok(slk_poseidon_rows_init(&s->cs->custom, 2, true, &s->cs->coefs, &diag), diag);
    slk_sha256_init(&s->sha);
    s->cs->fn = stream_row;
    s->cs->ctx = s;
    return s->cs;
}

/* Arity 4 instead of 11. */
static cs_t *begin4(stream_t *s)
{
    slk_diag_t diag;
    begin(s);
    slk_poseidon_rows_fini(&s->cs->hash[2]);
    assert_ok(slk_poseidon_rows_init(&s->cs->hash[2], 4, false, &s->cs->coefs, &diag), diag);
    return s->cs;
}

/* rows, inputs 0: not stated. digest NULL: likewise. */
static void end(stream_t *s, const char *digest, uint64_t rows, uint32_t inputs)
{
    slk_node_t node;
    uint8_t trailer[24];
    slk_store_le64(trailer, s->cs->inputs);
    slk_store_le64(trailer + 8, s->cs->aux);
    slk_store_le64(trailer + 16, s->rows);
    slk_sha256_update(&s->sha, trailer, sizeof trailer);
    slk_sha256_final(&s->sha, &node);
    assert_int_equal(s->rows, s->cs->rows);
    if (rows)
        assert_int_equal(s->rows, rows);
    if (inputs)
        assert_int_equal(s->cs->inputs, inputs);
    if (digest)
        assert_node_hex(&node, digest);
    shape_fini(s->cs);
}

static void alloc(cs_t *cs, num_t *out, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        out[i] = cs_alloc(cs, NULL);
}

/* Words of allocated bits, in the order of the message: most significant first. */
static void alloc_words(cs_t *cs, word_t *out, unsigned cnt)
{
    for (unsigned i = 0; i < 32 * cnt; i++)
        word_set(&out[i / 32], 31 - i % 32, cs_bit(cs, 0));
}

static slk_tree_shape_t tree_of(unsigned base_rows, unsigned sub, unsigned top)
{
    slk_tree_shape_t tree = {0};
    while (tree.rows < base_rows)
        tree.log[tree.rows++] = 3;
    if (sub)
        tree.log[tree.rows++] = (uint8_t)__builtin_ctz(sub);
    if (top)
        tree.log[tree.rows++] = (uint8_t)__builtin_ctz(top);
    return tree;
}

/* --- Numbers, insertion, Poseidon
 * ----------------------------------------------------------------- */

static void test_bits255(void **state)
{
    (void)state;
    stream_t s;
    str_t bits;
    cs_t *cs = begin(&s);
    cs_bits255(cs, cs_alloc(cs, NULL), &bits);
    end(&s, "5e0a85ae649ee0a518e2c434606b1d5805411ba5c3c684887a023ee1da8f002d", 256, 1);
}

static void test_insert(void **state)
{
    (void)state;
    static const struct {
        unsigned arity, rows;
        const char *digest;
    } rows[] = {
        {2, 2, "2df7d630c19430cb3382bd0f99023db0e51e46ed855d9d4cbfa1bc591793ddc6"},
        {4, 8, "53ad6d044e60cd16b10e04a4aed0d9011d98fced07acfba415a552f3ee2fe71e"},
        {8, 22, "62f397c5821cfee192eb28e0caea5279ba302fb2f47907e3054c6fc28ef8980c"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        stream_t s;
        num_t sibling[7], x, out[8];
        bool_t bit[3];
        unsigned log = (unsigned)__builtin_ctz(rows[i].arity);
        cs_t *cs = begin(&s);
        alloc(cs, sibling, rows[i].arity - 1);
        x = cs_alloc(cs, NULL);
        for (unsigned k = 0; k < log; k++)
            bit[k] = cs_bit(cs, 0);
        insert(cs, out, x, bit, sibling, rows[i].arity);
        end(&s, rows[i].digest, rows[i].rows + log, 1);
    }
}

static void test_poseidon(void **state)
{
    (void)state;
    static const struct {
        unsigned arity, rows;
        bool custom;
        const char *digest;
    } rows[] = {
        {2, 311, false, "96942f92c0269f74b3448653a1ef9cfca5f678ea30347e503440b6bbe0e1f6eb"},
        {4, 377, false, NULL},
        {8, 505, false, "4430a9cd610b41182996e2ae73e99490d68bf3ce49dd4defe5fa7e1520e935cb"},
        {11, 598, false, "58dcdd37a7c08234236e1f373828747a5d388eb6bcc97af9cc9e399192e489bc"},
        {2, 311, true, "86bf2b45bfac8d3102bfe7e04dd5adb7335545c79ee765e182c383071e76d466"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        stream_t s;
        num_t in[11];
        cs_t *cs = rows[i].arity == 4 ? begin4(&s) : begin(&s);
        alloc(cs, in, rows[i].arity);
        num_t out = cs_poseidon(cs, in, rows[i].arity, rows[i].custom);
        assert_int_equal(out, SLK_AUX | (cs->aux - 1));
        assert_int_equal(cs->aux, rows[i].arity + rows[i].rows);
        assert_int_equal(cs->wide, cs->aux);
        end(&s, rows[i].digest, rows[i].rows, 1);
    }
}

/* --- SHA-256
 * -------------------------------------------------------------------------------------- */

static void test_sha256(void **state)
{
    (void)state;
    stream_t s;
    word_t msg[32], out[8];
    cs_t *cs = begin(&s);
    alloc_words(cs, msg, 16);
    for (unsigned i = 0; i < 8; i++)
        out[i] = word_const(sha_init[i]);
    sha_compress(cs, msg, out);
    end(&s, "63280ae198f4f65ba94f9f03cbcab7b7df36fa3a7a01741f0a38dc1524926cad", 25840 + 512, 1);

    cs = begin(&s);
    alloc_words(cs, msg, 16);
    sha256(cs, msg, 16, out);
    end(&s, "f524aedf263115c772840279ff4e2a25ba8cd8c4cecef3de33dce1aaf2d7d9f4", 44874 + 512, 1);

    /* a constant message: no constraint, and its digest */
    slk_node_t want;
    cs = begin(&s);
    for (unsigned i = 0; i < 16; i++)
        msg[i] = word_const(0x61626364);
    sha256(cs, msg, 16, out);
    slk_sha256(&want, "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd", 64);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t v;
        assert_true(word_is_const(&out[i], &v));
        assert_int_equal(v, slk_load_be32(want.b + 4 * i));
    }
    assert_int_equal(cs->aux, 0);
    end(&s, NULL, 0, 1);

    num_t pair[2];
    cs = begin(&s);
    alloc(cs, pair, 2);
    sha_pair(cs, pair);
    end(&s, "e771b56028f22b3451fcaab5ef6498fa9b8e427cb77395cdfab5ba082fe0b7fd", 45379, 1);
}

/* Folding of constants: every combination of 0, 1, a variable and a negation gives at most the
 * stated number of constraints; what they say is checked by the digests above and by the values in
 * test_values.c. */
static void test_folding(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 64; n++) {
        stream_t s;
        cs_t *cs = begin(&s);
        bool_t v[3];
        unsigned vars = 0;
        for (unsigned i = 0; i < 3; i++) {
            unsigned kind = n >> 2 * i & 3;
            v[i] = kind < 2 ? bool_const(kind) : (bool_t)cs->aux++ | (kind == 2 ? 0 : BOOL_NOT);
            vars += kind >= 2;
        }
        uint64_t before = cs->rows;
        bool_ch(cs, v[0], v[1], v[2]);
        uint64_t ch = cs->rows - before;
        bool_maj(cs, v[0], v[1], v[2]);
        uint64_t maj = cs->rows - before - ch;
        bool x = !bool_is_const(v[0]), y = !bool_is_const(v[1]), z = !bool_is_const(v[2]);
        assert_int_equal(maj, vars == 3 ? 2 : vars == 2 ? 1 : 0);
        /* x ? y : z: x = 0 is z; x = 1 is free but where y and z are both variables */
        bool want = x ? vars >= 2 : v[0] == BOOL_1 && y && z;
        assert_int_equal(ch, want);
        end(&s, NULL, 0, 1);
    }
}

/* --- Trees, labels
 * -------------------------------------------------------------------------------- */

/* Leaf and root allocated by the gadget, root public. */
static void check_por(const slk_tree_shape_t *tree, const char *digest, uint64_t rows)
{
    stream_t s;
    cs_t *cs = begin4(&s);
    num_t leaf = cs_alloc(cs, NULL);
    num_t got = por_root(cs, tree, leaf, NULL, 0);
    num_t root = cs_alloc(cs, NULL);
    cs_equal(cs, got, root, "");
    cs_inputize(cs, root);
    end(&s, digest, rows, 3);
}

static void test_por(void **state)
{
    (void)state;
    slk_tree_shape_t sha = {.sha = true, .rows = 6, .log = {1, 1, 1, 1, 1, 1}}, tree = sha;
    check_por(&sha, "9b949128c59e03dc39d820a1b921bbfcb2a4cba20466b1cd761e070a9fb9eaea", 272295);
    tree.sha = false;
    check_por(&tree, NULL, 1887);
    tree = (slk_tree_shape_t){.rows = 3, .log = {2, 2, 2}};
    check_por(&tree, NULL, 1164);
    tree = tree_of(2, 0, 0);
    check_por(&tree, "cd08414e09bd823283ea49f8f93108f0baca8e4e356496383010ad5a9fff7d79", 1063);
    tree = tree_of(2, 2, 0);
    check_por(&tree, NULL, 1377);
    tree = tree_of(2, 4, 2);
    check_por(&tree, NULL, 1764);
    tree = tree_of(2, 8, 0);
    check_por(&tree, "4d8a71f6e4a3cb592022f1d6412a32f0f8c089b934031e0393e5cee4f391fb5b", 1593);
    tree = tree_of(2, 8, 2);
    check_por(&tree, "e74f83ea32a79e282aae838c094daadbae9f13a7517a403cbdabdd4da7d9b343", 1907);
}

static void test_label(void **state)
{
    (void)state;
    stream_t s;
    str_t parent[LABEL_PARENTS], id;
    bool_t node[64];
    cs_t *cs = begin(&s);
    for (unsigned i = 0; i < LABEL_PARENTS; i++)
        alloc_words(cs, parent[i].w, 8);
    alloc_words(cs, id.w, 8);
    for (unsigned i = 0; i < 64; i++) /* the recorded digest has 22 in both halves of the number */
        node[i] = bool_const(22u >> i % 32 & 1);
    create_label(cs, &id, 3, node, parent, LABEL_PARENTS);
    end(&s, "e9fde2150686c98493149b5b50ffa1ef6f28903374ff61c10fc256b3b20b684f", 532025, 1);
}

/* --- Circuits of the reference's tests
 * ------------------------------------------------------------- */

static void check_stacked(slk_tree_shape_t tree, unsigned leaves_log, const char *digest,
                          uint64_t rows)
{
    stream_t s;
    porep_head_t head;
    slk_circuit_t circuit = {.layers = 2, .tree = tree, .tree_d = {.sha = true}};
    while (circuit.tree_d.rows < leaves_log)
        circuit.tree_d.log[circuit.tree_d.rows++] = 1;
    cs_t *cs = begin4(&s);
    porep_head(cs, &head, &(porep_head_source_t){0});
    porep_unit(cs, &circuit, &head, &(porep_source_t){0});
    end(&s, digest, rows, 22);
}

static void test_stacked(void **state)
{
    (void)state;
    check_stacked(tree_of(1, 0, 0), 3,
                  "1802615e5784fc96683732869bdaf20e2dcbfc8bff706739e35890d9056edb7e", 1199620);
    check_stacked(tree_of(1, 4, 0), 5, NULL, 1296576);
    check_stacked(tree_of(1, 4, 2), 6,
                  "3db4c903fea0f0b937891da4c622365a13d8bd08b36d5b96ffe035cf888413af", 1346982);
}

static void check_fallback(slk_tree_shape_t tree, unsigned sectors, const char *digest,
                           uint64_t rows, uint32_t inputs)
{
    stream_t s;
    slk_circuit_t circuit = {.tree = tree, .challenges = 5};
    cs_t *cs = begin4(&s);
    for (unsigned i = 0; i < sectors; i++)
        post_unit(cs, &circuit, &(post_source_t){0});
    end(&s, digest, rows, inputs);
}

static void test_fallback(void **state)
{
    (void)state;
    check_fallback(tree_of(2, 0, 0), 3, NULL, 16869, 19);
    check_fallback(tree_of(2, 4, 0), 3, NULL, 22674, 19);
    check_fallback(tree_of(2, 4, 2), 3,
                   "82b35c4fec3ddcf9a884c34f8ef6e04919b930d06638b1b45e38768fdc548214", 27384, 19);
    check_fallback(tree_of(2, 0, 0), 2, NULL, 11246, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits255),  cmocka_unit_test(test_insert),
        cmocka_unit_test(test_poseidon), cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_folding),  cmocka_unit_test(test_por),
        cmocka_unit_test(test_label),    cmocka_unit_test(test_stacked),
        cmocka_unit_test(test_fallback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
