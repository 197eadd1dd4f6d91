#include "manager/sim_simulated.h"

#include <time.h>

/* Lives of sectors under a deterministic simulation (sim_simulated.h).
 *
 *   test_lives_simulated              a few seeds, quick
 *   test_lives_simulated SEED LIVES   that many lives from this seed on, in worlds of at most WORLD
 *   SIM_TELL=1                        every step on stderr */

enum { WORLD = 100 };

static uint64_t first_seed = 1;
static size_t lives = 1000;

static void report(const sim_counts_t *c, double seconds)
{
    print_message("%zu lives in %.1f s: %" PRIu64 " Proving, %" PRIu64 " Available, %" PRIu64
                  " Removed; %" PRIu64 " by an operator, %" PRIu64 " expired pre-commits, %" PRIu64
                  " deposits lost\n",
                  lives, seconds, c->proving, c->available, c->removed, c->by_person, c->expired,
                  c->lost_deposits);
    print_message("%" PRIu64 " steps, %" PRIu64 " decisions (%" PRIu64 " outdated), %" PRIu64
                  " epochs, %" PRIu64 " deaths of the manager\n",
                  c->steps, c->decisions, c->stale_stores, c->epochs, c->deaths);
    print_message("%" PRIu64 " jobs, %" PRIu64 " tries, %" PRIu64 " lost leases, %" PRIu64
                  " refused results, %" PRIu64 " rounds, %" PRIu64 " assignments\n",
                  c->jobs, c->tries, c->lost_leases, c->refused_results, c->rounds, c->assignments);
    print_message("%" PRIu64 " messages, %" PRIu64 " executed, %" PRIu64 " failed, %" PRIu64
                  " reorganisations, %" PRIu64 " messages reverted\n",
                  c->messages, c->landed, c->failed_messages, c->reorgs, c->reverted);
    for (slk_sector_state_t s = 0; s < SLK_STATE_CNT; s++)
        if (c->states[s] && slk_sector_state_class(s) == SLK_CLASS_FAILED)
            print_message("  %-24s %8" PRIu64 "\n", slk_sector_state_name(s), c->states[s]);
}

static void all_lives_end_well(void **state)
{
    static sim_counts_t counts;
    struct timespec from, to;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t done = 0; done < lives; done += WORLD) {
        const size_t left = lives - done;
        sim_run(first_seed + done / WORLD, left < WORLD ? left : WORLD, getenv("SIM_TELL") != NULL,
                &counts);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    report(&counts, (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
    assert_true(counts.proving + counts.available + counts.removed == lives);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        lives = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_lives_end_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
