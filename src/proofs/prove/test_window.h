#ifndef SLK_PROOFS_PROVE_TEST_WINDOW_H
#define SLK_PROOFS_PROVE_TEST_WINDOW_H

/* What tests of the prover share: parameters of WindowPoSt over 2KiB sectors, made here, and recorded vanilla
 * proofs of three sectors. */

#include "test_util.h"

#include "base/assert.h"
#include "proofs/groth16/setup.h"
#include "selkie/prove.h"
#include "selkie/verify.h"

#include <fcntl.h>
#include <unistd.h>

static char dir[64];

static inline void rows_of(void *ctx, uint32_t unit, slk_row_fn_t *fn, void *fn_ctx)
{
    if (unit == SLK_SETUP_HEAD)
        slk_rows_head(ctx, fn, fn_ctx);
    else
        slk_rows_unit(ctx, unit, fn, fn_ctx);
}

static inline void path_of(char *path, size_t cap)
{
    char id[SLK_CACHE_ID_SZ];
    slk_diag_t diag;
    slk_circuit_cache_id(id, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"));
    assert_ok(slk_params_path(path, cap, dir, id, SLK_PARAMS_KEY, &diag), diag);
}

static inline int make_params(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_density_t density;
    slk_rows_t *rows;
    char path[4096];
    test_tmp_dir(dir);
    path_of(path, sizeof path);
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"), &diag),
              diag);
    assert_ok(slk_density_init(&density, &circuit, &diag), diag);
    assert_ok(slk_rows_open(&rows, &circuit, &diag), diag);
    slk_setup_source_t source = {circuit.head, circuit.unit, circuit.units,
                                 &density,     rows_of,      rows};
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_ok(slk_setup_write(fd, path, &source, NULL, NULL, &diag), diag);
    close(fd);
    slk_rows_close(rows);
    slk_density_fini(&density);
    return 0;
}

static inline int drop_params(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

/* --- Recorded vanilla proofs ------------------------------------------------------------------ */

#define SECTORS 3u

typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    slk_post_public_t pub[SECTORS];
    slk_post_vanilla_t proofs[SECTORS];
    uint8_t *bytes[SECTORS];
} record_t;

static inline void record_load(record_t *r)
{
    slk_diag_t diag;
    json_t *json = test_vectors("post/window-3.json");
    assert_ok(
        slk_post_make(&r->post, slk_size_by_name("2KiB"), SLK_POST_WINDOW, SLK_API_V1_2, &diag),
        diag);
    r->randomness = node_from_hex(json_string_value(json_object_get(json, "randomness")));
    size_t len = slk_post_vanilla_sz(r->post.size, r->post.challenges);
    for (size_t i = 0; i < SECTORS; i++) {
        json_t *row = json_array_get(json_object_get(json, "sectors"), i);
        json_t *replica = json_array_get(json_object_get(json, "replicas"), i);
        r->bytes[i] = malloc(len);
        assert_non_null(r->bytes[i]);
        assert_true(
            slk_hex_decode(r->bytes[i], len, json_string_value(json_object_get(row, "vanilla"))));
        assert_ok(slk_post_vanilla_parse(&r->proofs[i], r->post.size, r->bytes[i], len, &diag),
                  diag);
        r->pub[i].sector = r->proofs[i].sector;
        r->pub[i].comm_r = node_from_hex(json_string_value(json_object_get(replica, "comm_r")));
    }
    json_decref(json);
}

static inline void record_free(record_t *r)
{
    for (size_t i = 0; i < SECTORS; i++)
        free(r->bytes[i]);
}

static inline slk_prover_t *prover_open(void)
{
    slk_diag_t diag;
    slk_prover_t *prover;
    assert_ok(
        slk_prover_open(&prover, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"), dir, NULL, &diag),
        diag);
    return prover;
}

static inline bool verifies(const record_t *r, const uint8_t *proof, size_t partitions)
{
    slk_diag_t diag;
    bool ok;
    assert_ok(slk_post_verify(&ok, &r->post, &r->randomness, r->pub, SECTORS, proof,
                              partitions * SLK_GROTH16_PROOF_SZ, dir, NULL, &diag),
              diag);
    return ok;
}

#endif /* SLK_PROOFS_PROVE_TEST_WINDOW_H */
