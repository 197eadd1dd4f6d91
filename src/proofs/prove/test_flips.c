/* One flipped bit, at many random places: of the assignment, and of the parameters. Whatever is flipped, no
 * wrong proof leaves. With the argument `slow` 200 places each, else a few. */

#include "proofs/prove/test_window.h"

#include "base/bytes.h"
#include "proofs/groth16/prove.h"

static unsigned flips = 6;

/* The n-th number drawn from a name. */
static uint64_t draw(const char *name, unsigned n)
{
    char text[64];
    snprintf(text, sizeof text, "%s %u", name, n);
    slk_node_t node = test_bytes32(text);
    return slk_load_le64(node.b);
}

/* --- The assignment -------------------------------------------------------------------------- */

#define PLACES   2u
#define SIBLINGS 16u

typedef struct {
    slk_circuit_t circuit;
    slk_density_t density;
    slk_part_t all;
    slk_params_t params;
    slk_post_unit_t units[PLACES];
    uint64_t leaves[PLACES][SLK_POST_CHALLENGES_MAX];
    slk_node_t paths[PLACES][SLK_POST_CHALLENGES_MAX * SIBLINGS];
    slk_witness_t witness;
    slk_region_t a, b;
} partition_t;

static void places_of(partition_t *p, const record_t *r)
{
    size_t nodes = 1 + p->circuit.tree.siblings;
    assert_int_equal(p->circuit.units, PLACES);
    assert_true(nodes <= SIBLINGS && p->circuit.challenges <= SLK_POST_CHALLENGES_MAX);
    for (size_t i = 0; i < PLACES; i++) {
        const slk_post_vanilla_t *proof = &r->proofs[i];
        slk_node_t *to = p->paths[i];
        p->units[i] =
            (slk_post_unit_t){proof->comm_c, proof->comm_r_last, proof->comm_r, p->leaves[i], to};
        for (uint32_t k = 0; k < p->circuit.challenges; k++, to += nodes) {
            slk_post_path_t path;
            slk_post_vanilla_path(&path, r->post.size, proof, k);
            p->leaves[i][k] = path.leaf;
            to[0] = path.value;
            memcpy(to + 1, path.siblings, path.sibling_cnt * sizeof *to);
        }
    }
}

static void partition_make(partition_t *p, const record_t *r)
{
    slk_diag_t diag;
    char path[4096];
    path_of(path, sizeof path);
    assert_ok(slk_circuit_init(&p->circuit, SLK_CIRCUIT_WINDOW, r->post.size, &diag), diag);
    assert_ok(slk_density_init(&p->density, &p->circuit, &diag), diag);
    p->all = slk_circuit_part(&p->circuit, p->circuit.units);
    assert_ok(slk_params_open(&p->params, path, NULL, &diag), diag);
    places_of(p, r);
    assert_ok(slk_witness_init(&p->witness, &p->circuit, &diag), diag);
}

static void partition_drop(partition_t *p)
{
    slk_witness_fini(&p->witness);
    slk_params_fini(&p->params);
    slk_density_fini(&p->density);
}

/* The assignment as it should be, and the values of its rows. */
static void assign(partition_t *p)
{
    slk_diag_t diag;
    uint64_t bytes = slk_prove_domain(&p->all) * sizeof(slk_fr_t);
    assert_ok(slk_region_anon(&p->a, bytes, &diag), diag);
    assert_ok(slk_region_anon(&p->b, bytes, &diag), diag);
    assert_ok(slk_post_witness(&p->witness, (slk_row_values_t){(void *)p->a.ptr, (void *)p->b.ptr},
                               &p->circuit, p->units, NULL, &diag),
              diag);
}

/* Flip a bit of one variable: an input other than ONE, one that is a bit, or one that is a field element. */
static void flip_variable(slk_witness_t *w, unsigned n)
{
    uint64_t at = draw("variable", n);
    unsigned bit = (unsigned)(draw("bit", n) % 64);
    uint64_t *word;
    switch (n % 3) {
    case 0:
        word = (uint64_t *)&w->input[1 + at % (w->input_cnt - 1)];
        break;
    case 1:
        for (at %= w->aux_cnt; w->is_wide[at / 64] >> at % 64 & 1;)
            at = (at + 1) % w->aux_cnt;
        w->bit[at / 64] ^= UINT64_C(1) << at % 64;
        return;
    default:
        word = (uint64_t *)&w->wide[at % w->wide_cnt];
    }
    /* Of the low words, so that it stays a field element. */
    word[at / 7 % 3] ^= UINT64_C(1) << bit;
}

static void test_witness(void **state)
{
    (void)state;
    static partition_t p;
    record_t r;
    slk_diag_t diag;
    uint8_t proof[SLK_GROTH16_PROOF_SZ];
    record_load(&r);
    partition_make(&p, &r);
    for (unsigned n = 0; n <= flips; n++) {
        assign(&p);
        if (n < flips)
            flip_variable(&p.witness, n);
        slk_err_t check =
            slk_witness_check(&p.witness, (slk_row_values_t){NULL, NULL}, &p.circuit, NULL, &diag);
        slk_err_t err = slk_groth16_prove(proof, &p.params, &p.density, &p.witness, &p.a, &p.b,
                                          NULL, NULL, &diag);
        slk_err_t want = n < flips ? SLK_ERR_PROOF : SLK_OK;
        if (check != want || err != want)
            fail_msg("flip %u: constraints %d, prover %d: %s", n, check, err, diag.text);
    }
    partition_drop(&p);
    record_free(&r);
}

/* --- Parameters -------------------------------------------------------------------------------- */

static void flip_file(int fd, off_t at, unsigned bit)
{
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* A flipped bit that no proof meets leaves it right; any other is reported. */
static void test_params(void **state)
{
    (void)state;
    record_t r;
    char path[4096];
    uint8_t proof[2 * SLK_GROTH16_PROOF_SZ];
    slk_diag_t diag;
    unsigned refused = 0;
    record_load(&r);
    path_of(path, sizeof path);
    int fd = open(path, O_RDWR);
    off_t len = lseek(fd, 0, SEEK_END);
    slk_prover_t *prover = prover_open();
    assert_ok(slk_prove_post(proof + SLK_GROTH16_PROOF_SZ, prover, &r.post, &r.randomness,
                             r.pub + 2, r.proofs + 2, 1, 1, NULL, &diag),
              diag);
    slk_prover_free(prover);
    for (unsigned n = 0; n < flips; n++) {
        off_t at = (off_t)(draw("byte of parameters", n) % (uint64_t)len);
        unsigned bit = n % 8;
        flip_file(fd, at, bit);
        slk_err_t err = slk_prover_open(&prover, SLK_CIRCUIT_WINDOW, r.post.size, dir, NULL, &diag);
        if (err == SLK_OK) {
            err = slk_prove_post(proof, prover, &r.post, &r.randomness, r.pub, r.proofs, 2, 0, NULL,
                                 &diag);
            slk_prover_free(prover);
        }
        flip_file(fd, at, bit);
        refused += err != SLK_OK;
        if (err == SLK_OK)
            assert_true(verifies(&r, proof, 2));
        else if (err != SLK_ERR_PROOF && err != SLK_ERR_FORMAT && err != SLK_ERR_LENGTH)
            fail_msg("flip %u at byte %lld: %d %s", n, (long long)at, err, diag.text);
        else if (!strstr(diag.text, "params"))
            fail_msg("flip %u at byte %lld: nothing said of parameters: %s", n, (long long)at,
                     diag.text);
    }
    assert_true(refused > flips / 2);
    close(fd);
    record_free(&r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_witness),
        cmocka_unit_test(test_params),
    };
    if (argc > 1 && !strcmp(argv[1], "slow"))
        flips = 200;
    return cmocka_run_group_tests(tests, make_params, drop_params);
}
