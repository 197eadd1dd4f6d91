#ifndef SLK_WORKER_TEST_WORKER_LIFE_H
#define SLK_WORKER_TEST_WORKER_LIFE_H

/* The recorded lives of sectors as jobs for workers, and what tests of workers begin and end with. */

#include "worker/test_worker_run.h"

#include "base/file.h"
#include "selkie/piece.h"
#include "worker/params.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>

static slk_diag_t diag;
static char dir[64];
static sim_t sim;
static node_t a, b;

static inline int setup(void **state)
{
    (void)state;
    char cache[96];
    test_tmp_dir(dir);
    snprintf(cache, sizeof cache, "%s/parents", dir);
    setenv("FIL_PROOFS_PARENT_CACHE", cache, 1);
    sim_init(&sim);
    snprintf(sim.piece_dir, sizeof sim.piece_dir, "%s/pieces", dir);
    mkdir(sim.piece_dir, 0755);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    if (a.pid)
        node_kill(&a);
    if (b.pid)
        node_kill(&b);
    sim_free(&sim);
    test_rm_dir(dir);
    return 0;
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static inline const char *result_text(json_t *end, const char *name)
{
    const char *value = json_string_value(json_object_get(json_object_get(end, "Result"), name));
    if (!value)
        fail_msg("no %s in the result", name);
    return value;
}

static inline const char *failure(json_t *end, const char *part)
{
    assert_has(json_string_value(json_object_get(end, "Error")), part);
    return json_string_value(json_object_get(end, "Class"));
}

/* --- The steps of a sector -------------------------------------------------------------------- */

typedef struct {
    json_t *vector;
    const char *ticket, *seed, *comm_d, *comm_r;
    uint64_t miner, number;
} life_t;

static inline life_t life_of(const char *name, uint64_t number)
{
    char file[64];
    snprintf(file, sizeof file, "seal/%s.json", name);
    life_t life = {.vector = test_vectors(file)};
    life.ticket = json_string_value(json_object_get(life.vector, "ticket"));
    life.seed = json_string_value(json_object_get(life.vector, "seed"));
    life.comm_d = json_string_value(json_object_get(life.vector, "comm_d"));
    life.comm_r = json_string_value(json_object_get(life.vector, "comm_r"));
    const json_t *miner = json_object_get(life.vector, "miner");
    life.miner = json_is_string(miner) ? strtoull(json_string_value(miner), NULL, 10)
                                       : (uint64_t)json_integer_value(miner);
    const json_t *sector = json_object_get(life.vector, "sector");
    life.number = json_is_string(sector) ? strtoull(json_string_value(sector), NULL, 10)
                                         : (uint64_t)json_integer_value(sector);
    if (number)
        life.number = number;
    return life;
}

static inline json_t *both(const char *use, const char *store)
{
    return json_pack("[o,o]", file_row("sealed", use, store), file_row("cache", use, store));
}

static inline json_t *whole_piece(const life_t *life)
{
    slk_piece_t piece = {.padded = 2048, .comm_p = node_from_hex(life->comm_d)};
    return slk_json_of_piece(&piece);
}

static inline uint64_t add_pc1(const life_t *life, const node_t *node, const char *unsealed)
{
    json_t *files = both("make", node->seal);
    if (unsealed)
        json_array_append_new(files, file_row("unsealed", "existing", unsealed));
    return sim_add(&sim, node->id, "PC1", life->miner, life->number,
                   json_pack("{ss,s[o]}", "Ticket", life->ticket, "Pieces", whole_piece(life)),
                   files);
}

static inline uint64_t add_pc2(const life_t *life, const node_t *node)
{
    return sim_add(&sim, node->id, "PC2", life->miner, life->number,
                   json_pack("{ss}", "Ticket", life->ticket), both("existing", node->seal));
}

static inline json_t *claim(const life_t *life)
{
    return json_pack("{ss,ss,ss,ss}", "Ticket", life->ticket, "Seed", life->seed, "CommD",
                     life->comm_d, "CommR", life->comm_r);
}

static inline uint64_t add_c1(const life_t *life, const node_t *node)
{
    return sim_add(&sim, node->id, "C1", life->miner, life->number, claim(life),
                   both("existing", node->seal));
}

/* PC1, PC2: files in node's path for sealing. */
static inline void seal(const life_t *life, const node_t *node, const char *unsealed)
{
    json_t *end = sim_wait(&sim, add_pc1(life, node, unsealed), SIM_DONE, 30);
    assert_string_equal(result_text(end, "CommD"), life->comm_d);
    end = sim_wait(&sim, add_pc2(life, node), SIM_DONE, 30);
    if (life->number == (uint64_t)json_integer_value(json_object_get(life->vector, "sector")))
        assert_string_equal(result_text(end, "CommR"), life->comm_r);
}

/* What C1 put out is the recorded one. */
static inline void check_c1(const life_t *life, uint64_t id)
{
    slk_node_t digest;
    json_t *end = sim_wait(&sim, id, SIM_DONE, 30);
    assert_true(json_integer_value(json_object_get(json_object_get(end, "Result"), "Partitions")) >
                0);
    slk_sha256(&digest, sim.jobs[id - 1].output, sim.jobs[id - 1].output_len);
    assert_node_hex(&digest, json_string_value(json_object_get(life->vector, "c1out_sha256")));
}

static inline void write_data(const char *path, const char *name, size_t len)
{
    uint8_t data[2032];
    test_data(data, len, name);
    assert_ok(slk_write_file(path, data, len, &diag), diag);
}

/* The argument "worker" makes a worker of the program; "only NAME" runs one test, "slow" those others. */
#define TEST_WORKER_MAIN(quick, slow)                                                              \
    do {                                                                                           \
        if (argc == 3 && !strcmp(argv[1], "worker"))                                               \
            return node_main(argv[2]);                                                             \
        signal(SIGPIPE, SIG_IGN);                                                                  \
        if (argc == 3)                                                                             \
            cmocka_set_test_filter(argv[2]);                                                       \
        if (argc >= 2 && !strcmp(argv[1], "slow"))                                                 \
            return cmocka_run_group_tests(slow, NULL, NULL);                                       \
        return cmocka_run_group_tests(quick, NULL, NULL);                                          \
    } while (0)

#endif /* SLK_WORKER_TEST_WORKER_LIFE_H */
