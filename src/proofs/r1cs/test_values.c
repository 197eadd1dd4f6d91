/* Values of the gadgets one by one: truth tables, SHA-256 and Poseidon against the plain functions,
 * insertion. */

#include "test_util.h"

#include "crypto/poseidon/poseidon.h"
#include "proofs/r1cs/circuit.h"
#include "proofs/r1cs/witness_cs.h"
#include "proofs/vanilla/vanilla_layout.h"

#include "proofs/r1cs/gadgets.inc"

#define CAP (1u << 20)

/* A back end with room for CAP variables and rows. */
typedef struct {
    cs_t cs;
    uint64_t bit[CAP / 64], is_wide[CAP / 64];
    slk_fr_t wide[CAP], input[8], a[CAP], b[CAP];
} room_t;

static room_t *room_new(void)
{
    room_t *room = calloc(1, sizeof *room);
    assert_non_null(room);
    witness_init(&room->cs);
    room->cs.bit = room->bit;
    room->cs.is_wide = room->is_wide;
    room->cs.wide = room->wide;
    room->cs.input = room->input;
    room->cs.a = room->a;
    room->cs.b = room->b;
    return room;
}

static size_t room_rows(const room_t *room)
{
    return (size_t)(room->cs.a - room->a);
}

static num_t num_of(const slk_node_t *node)
{
    num_t x;
    assert_true(slk_fr_from_node(&x, node));
    return x;
}

static slk_node_t node_of(num_t x)
{
    slk_node_t node;
    slk_fr_to_node(&node, &x);
    return node;
}

/* --- Booleans
 * ------------------------------------------------------------------------------------- */

/* Kind k: 0, 1, a variable of 0 or 1, a negation that is 0 or 1. */
static bool_t bool_of_kind(unsigned k)
{
    return (bool_t)(k < 2 ? 2 | k : k < 4 ? k & 1 : 4 | (k & 1));
}

static void test_booleans(void **state)
{
    (void)state;
    room_t *room = room_new();
    cs_t *cs = &room->cs;
    for (unsigned n = 0; n < 6 * 6 * 6; n++) {
        bool_t x = bool_of_kind(n % 6), y = bool_of_kind(n / 6 % 6), z = bool_of_kind(n / 36);
        assert_int_equal(bool_not(x) & 1, !(x & 1));
        assert_int_equal(bool_xor(cs, x, y) & 1, (x ^ y) & 1);
        assert_int_equal(bool_and(cs, x, y) & 1, x & y & 1);
        assert_int_equal(bool_ch(cs, x, y, z) & 1, (x & 1 ? y : z) & 1);
        assert_int_equal(bool_maj(cs, x, y, z) & 1, (x & 1) + (y & 1) + (z & 1) > 1);
    }
    free(room);
}

/* Whole words and bit by bit must leave the same. */
static void test_words(void **state)
{
    (void)state;
    room_t *fast = room_new(), *slow = room_new();
    uint32_t noise[6 * 64];
    test_data((uint8_t *)noise, sizeof noise, "words");
    for (unsigned n = 0; n < 64; n++) {
        const uint32_t *r = noise + 6 * n;
        word_t x = {r[0], 0, r[1]}, y = {r[2], 0, r[3]}, z = {r[4], 0, r[5]}, out, p, q, s;
        if (n & 1)
            y = word_shr(&y, 1 + n % 31);
        assert_true(word_xor_fast(&fast->cs, &out, &x, &y));
        y.constant = 0; /* the others take variables alone */
        assert_true(word_ch_fast(&fast->cs, &p, &x, &y, &z));
        assert_true(word_maj_fast(&fast->cs, &q, &x, &y, &z));
        if (n & 1)
            y.constant = ~(UINT32_MAX >> (1 + n % 31));
        s = word_const(0);
        for (unsigned i = 0; i < 32; i++)
            word_set(&s, i, bool_xor(&slow->cs, word_get(&x, i), word_get(&y, i)));
        assert_memory_equal(&s, &out, sizeof s);
        y.constant = 0;
        for (unsigned i = 0; i < 32; i++)
            word_set(&s, i, bool_ch(&slow->cs, word_get(&x, i), word_get(&y, i), word_get(&z, i)));
        assert_memory_equal(&s, &p, sizeof s);
        for (unsigned i = 0; i < 32; i++)
            word_set(&s, i, bool_maj(&slow->cs, word_get(&x, i), word_get(&y, i), word_get(&z, i)));
        assert_memory_equal(&s, &q, sizeof s);
    }
    aux_close(&fast->cs);
    aux_close(&slow->cs);
    assert_int_equal(room_rows(fast), room_rows(slow));
    assert_memory_equal(fast->a, slow->a, room_rows(fast) * sizeof *fast->a);
    assert_memory_equal(fast->b, slow->b, room_rows(fast) * sizeof *fast->b);
    assert_memory_equal(fast->bit, slow->bit, sizeof fast->bit);
    free(fast);
    free(slow);
}

/* --- SHA-256, Poseidon
 * ----------------------------------------------------------------------------- */

static void test_sha256(void **state)
{
    (void)state;
    uint8_t data[4 * 64];
    word_t msg[96], out[8];
    slk_node_t want;
    test_data(data, sizeof data, "sha");
    for (unsigned cnt = 0; cnt <= 64; cnt++) {
        room_t *room = room_new();
        for (unsigned i = 0; i < cnt; i++) {
            msg[i] = word_const(slk_load_be32(data + 4 * i));
            if (i % 3) /* constants among the variables */
                new_bits(&room->cs, msg[i].v, 32), msg[i].constant = i % 3 == 1 ? 0 : 0xff00f0;
        }
        sha256(&room->cs, msg, cnt, out);
        slk_sha256(&want, data, 4 * cnt);
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(out[i].v, slk_load_be32(want.b + 4 * i));
        free(room);
    }
}

static void test_poseidon(void **state)
{
    (void)state;
    static const unsigned aritys[] = {2, 4, 8, 11};
    slk_node_t node[11], want, got;
    num_t in[11];
    test_data((uint8_t *)node, sizeof node, "poseidon");
    room_t *room = room_new();
    for (unsigned i = 0; i < 11; i++) {
        node[i].b[31] &= 0x3f;
        in[i] = num_of(&node[i]);
    }
    for (unsigned i = 0; i < SLK_COUNT(aritys); i++) {
        size_t rows = room_rows(room);
        got = node_of(cs_poseidon(&room->cs, in, aritys[i], false));
        slk_poseidon_rows(&want, node, 1, aritys[i]);
        assert_memory_equal(&got, &want, sizeof got);
        assert_int_equal(room_rows(room) - rows, slk_neptune_rows(slk_neptune(aritys[i])));
    }
    got = node_of(cs_poseidon(&room->cs, in, 2, true));
    assert_true(slk_poseidon_pair_custom(&want, &node[0], &node[1]));
    assert_memory_equal(&got, &want, sizeof got);
    free(room);
}

/* --- Insertion, tree D
 * ----------------------------------------------------------------------------- */

static void test_insert(void **state)
{
    (void)state;
    room_t *room = room_new();
    for (unsigned log = 1; log <= 3; log++) {
        unsigned arity = 1u << log;
        for (unsigned at = 0; at < arity; at++) {
            num_t sibling[7], out[8], x, want;
            bool_t bit[3];
            slk_fr_from_u64(&x, 1000);
            for (unsigned i = 0; i + 1 < arity; i++)
                slk_fr_from_u64(&sibling[i], i);
            for (unsigned i = 0; i < log; i++)
                bit[i] = at >> i & 1;
            insert(&room->cs, out, x, bit, sibling, arity);
            for (unsigned i = 0; i < arity; i++) {
                slk_fr_from_u64(&want, i == at ? 1000 : i < at ? i : i - 1);
                assert_true(slk_fr_eq(&out[i], &want));
            }
        }
    }
    free(room);
}

static void test_sha_pair(void **state)
{
    (void)state;
    slk_node_t node[2], want, got;
    room_t *room = room_new();
    test_data((uint8_t *)node, sizeof node, "pair");
    node[0].b[31] &= 0x3f, node[1].b[31] &= 0x3f;
    num_t pair[2] = {num_of(&node[0]), num_of(&node[1])};
    got = node_of(sha_pair(&room->cs, pair));
    slk_sha256_pairs(&want, node, 1);
    assert_memory_equal(&got, &want, sizeof got);
    free(room);
}

/* The leaf at index 5 of a tree of 8, in tree D and in a tree of arities 2, 4. */
static void test_por(void **state)
{
    (void)state;
    slk_node_t leaf[8], row[8], path[4];
    room_t *room = room_new();
    test_data((uint8_t *)leaf, sizeof leaf, "por");
    for (unsigned i = 0; i < 8; i++)
        leaf[i].b[31] &= 0x3f;
    slk_tree_shape_t sha = {.sha = true, .rows = 3, .log = {1, 1, 1}};
    slk_sha256_pairs(row, leaf, 4);
    path[0] = leaf[4], path[1] = row[3];
    slk_sha256_pairs(row, row, 2);
    path[2] = row[0];
    slk_sha256_pairs(row, row, 1);
    por(&room->cs, &sha, num_of(&leaf[5]), path, 5, num_of(&row[0]), "sha");

    slk_tree_shape_t poseidon = {.rows = 2, .log = {1, 2}};
    slk_poseidon_rows(row, leaf, 4, 2);
    path[0] = leaf[4], path[1] = row[0], path[2] = row[1], path[3] = row[3];
    slk_poseidon_rows(row, row, 1, 4);
    por(&room->cs, &poseidon, num_of(&leaf[5]), path, 5, num_of(&row[0]), "poseidon");
    assert_null(room->cs.failed);
    num_t five;
    slk_fr_from_u64(&five, 5);
    assert_true(slk_fr_eq(&room->input[0], &five) && slk_fr_eq(&room->input[1], &five));

    por(&room->cs, &poseidon, num_of(&leaf[5]), path, 4, num_of(&row[0]), "elsewhere");
    assert_string_equal(room->cs.failed, "elsewhere");
    free(room);
}

/* replica_id || layer || node || 0^20 || 37 parents */
static void test_label(void **state)
{
    (void)state;
    const uint64_t number = UINT64_C(0x123456789a);
    slk_node_t node[15], want, got;
    uint8_t msg[64 + 32 * LABEL_PARENTS] = {0};
    str_t bits[15];
    bool_t number_bits[64];
    room_t *room = room_new();
    test_data((uint8_t *)node, sizeof node, "label");
    for (unsigned i = 0; i < 15; i++) {
        node[i].b[31] &= 0x3f;
        cs_bits255(&room->cs, num_of(&node[i]), &bits[i]);
    }
    for (unsigned i = 0; i < 64; i++)
        number_bits[i] = cs_bit(&room->cs, number >> i & 1);
    memcpy(msg, &node[14], 32);
    slk_store_be32(msg + 32, 7);
    slk_store_be64(msg + 36, number);
    for (unsigned i = 0; i < LABEL_PARENTS; i++)
        memcpy(msg + 64 + 32 * i, &node[i % 14], 32);
    slk_sha256(&want, msg, sizeof msg);
    slk_trunc254(&want);
    got = node_of(create_label(&room->cs, &bits[14], 7, number_bits, bits, 14));
    assert_memory_equal(&got, &want, sizeof got);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_booleans), cmocka_unit_test(test_words),
        cmocka_unit_test(test_sha256),   cmocka_unit_test(test_poseidon),
        cmocka_unit_test(test_insert),   cmocka_unit_test(test_sha_pair),
        cmocka_unit_test(test_por),      cmocka_unit_test(test_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
