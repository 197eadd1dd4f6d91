/* Digests of parent caches that are computed and hashed, but never stored. Without arguments: those
 * of 2KiB and 8MiB sectors. With registered proofs as arguments: those; 32 and 64 GiB take minutes
 * each. */
#include "proofs/graph/graph_impl.h"

#include "base/assert.h"
#include "test_util.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>

#define SLOT_ROWS 8192u
#define SLOT_CNT  4u

/* One thread computes rows, another hashes them, in turns over a few slots. */
typedef struct {
    const slk_graph_t *graph;
    uint32_t (*slots[SLOT_CNT])[SLK_PARENT_CNT];
    sem_t empty, full;
} stream_t;

static uint64_t slot_rows(const slk_graph_t *graph, uint64_t first)
{
    uint64_t left = graph->porep.size->nodes - first;
    return left < SLOT_ROWS ? left : SLOT_ROWS;
}

static void *compute(void *arg)
{
    stream_t *s = arg;
    for (uint64_t first = 0, n = 0; first < s->graph->porep.size->nodes; first += SLOT_ROWS, n++) {
        sem_wait(&s->empty);
        slk_graph_parents(s->graph, first, slot_rows(s->graph, first), s->slots[n % SLOT_CNT]);
        sem_post(&s->full);
    }
    return NULL;
}

static void digest_of(slk_node_t *out, const slk_graph_t *graph)
{
    stream_t s = {.graph = graph};
    pthread_t thread;
    slk_sha256_t sha;
    sem_init(&s.empty, 0, SLOT_CNT);
    sem_init(&s.full, 0, 0);
    for (unsigned i = 0; i < SLOT_CNT; i++) {
        s.slots[i] = malloc(SLOT_ROWS * sizeof *s.slots[i]);
        assert_non_null(s.slots[i]);
    }
    assert_int_equal(pthread_create(&thread, NULL, compute, &s), 0);
    slk_sha256_init(&sha);
    for (uint64_t first = 0, n = 0; first < graph->porep.size->nodes; first += SLOT_ROWS, n++) {
        sem_wait(&s.full);
        slk_sha256_update(&sha, s.slots[n % SLOT_CNT], slot_rows(graph, first) * SLK_PARENT_ROW_SZ);
        sem_post(&s.empty);
    }
    slk_sha256_final(&sha, out);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < SLOT_CNT; i++)
        free(s.slots[i]);
    sem_destroy(&s.empty);
    sem_destroy(&s.full);
}

static const char *const *chosen; /* registered proofs as text, ends with NULL */

static void digests_are_the_known_ones(void **state)
{
    (void)state;
    for (const char *const *id = chosen; *id; id++) {
        slk_porep_t porep;
        slk_graph_t *graph;
        slk_diag_t diag;
        slk_node_t got, known;
        assert_ok(slk_porep_by_id(&porep, atoi(*id), &diag), diag);
        assert_ok(slk_graph_new(&graph, &porep, &diag), diag);
        double start = slk_clock_seconds();
        digest_of(&got, graph);
        bool is_known = slk_parent_digest(&known, &porep);
        print_message("%s %s %s %s, %.1f s\n", *id, slk_porep_registered_name(porep.registered),
                      slk_node_hex(&got).s, is_known ? "known" : "not known",
                      slk_clock_seconds() - start);
        fflush(stdout);
        slk_graph_free(graph);
        if (is_known)
            assert_node_hex(&got, slk_node_hex(&known).s);
    }
}

int main(int argc, char **argv)
{
    static const char *const quick[] = {"0", "1", "5", "6", "10", "11", "15", "16", NULL};
    chosen = argc > 1 ? (const char *const *)argv + 1 : quick;
    const struct CMUnitTest tests[] = {cmocka_unit_test(digests_are_the_known_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
