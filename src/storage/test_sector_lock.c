#include "test_util.h"

#include "storage/sector_lock.h"

#include <pthread.h>
#include <stdatomic.h>

static slk_diag_t diag;
static const slk_sector_id_t one = {1000, 1}, two = {1000, 2};

#define TRY_LOCK(lock, sector, r, w)                                                               \
    slk_sector_lock(lock, locks, sector, r, w, "job A", 0, NULL, &diag)

static void test_exclusion(void **state)
{
    slk_sector_locks_t *locks;
    slk_sector_lock_t *a, *b, *c, *d;
    (void)state;
    assert_ok(slk_sector_locks_new(&locks, &diag), diag);
    assert_ok(TRY_LOCK(&a, &one, SLK_FT_SEALED | SLK_FT_CACHE, 0), diag);
    assert_ok(TRY_LOCK(&b, &one, SLK_FT_SEALED, SLK_FT_UNSEALED), diag);
    assert_err(SLK_ERR_BUSY, TRY_LOCK(&c, &one, 0, SLK_FT_CACHE));
    assert_non_null(strstr(diag.text, "job A"));
    assert_non_null(strstr(diag.text, "s-t01000-1"));
    assert_null(c);
    assert_err(SLK_ERR_BUSY, TRY_LOCK(&c, &one, SLK_FT_UNSEALED, 0));
    assert_ok(TRY_LOCK(&d, &two, 0, SLK_FT_ALL), diag);
    slk_sector_unlock(locks, a);
    assert_ok(TRY_LOCK(&c, &one, 0, SLK_FT_CACHE), diag);
    assert_err(SLK_ERR_BUSY, TRY_LOCK(&a, &one, 0, SLK_FT_SEALED)); /* b still reads */
    slk_sector_unlock(locks, b);
    slk_sector_unlock(locks, c);
    slk_sector_unlock(locks, d);
    slk_sector_unlock(locks, NULL);
    slk_sector_locks_free(locks);
}

static void test_timeout_and_cancel(void **state)
{
    slk_sector_locks_t *locks;
    slk_sector_lock_t *a, *b;
    atomic_bool cancel = true;
    const slk_job_t job = {.cancel = &cancel};
    (void)state;
    assert_ok(slk_sector_locks_new(&locks, &diag), diag);
    assert_ok(TRY_LOCK(&a, &one, 0, SLK_FT_CACHE), diag);
    double start = slk_clock_seconds();
    assert_err(SLK_ERR_BUSY,
               slk_sector_lock(&b, locks, &one, SLK_FT_CACHE, 0, "B", 100, NULL, &diag));
    assert_true(slk_clock_seconds() - start >= 0.1);
    assert_err(SLK_ERR_CANCELLED, slk_sector_lock(&b, locks, &one, SLK_FT_CACHE, 0, "B",
                                                  SLK_LOCK_FOREVER, &job, &diag));
    slk_sector_unlock(locks, a);
    assert_ok(TRY_LOCK(&a, &one, 0, SLK_FT_CACHE), diag); /* those that gave up left nothing */
    slk_sector_unlock(locks, a);
    slk_sector_locks_free(locks);
}

typedef struct {
    slk_sector_locks_t *locks;
    atomic_int writers, readers, worst, turns;
    atomic_bool bad;
} crowd_t;

static void *crowd(void *ctx)
{
    crowd_t *c = ctx;
    for (int i = 0; i < 300; i++) {
        int turn = atomic_fetch_add(&c->turns, 1);
        slk_sector_lock_t *lock;
        bool write = turn % 5 == 0;
        if (slk_sector_lock(&lock, c->locks, &one, write ? 0 : SLK_FT_CACHE,
                            write ? SLK_FT_CACHE : 0, "crowd", SLK_LOCK_FOREVER, NULL,
                            NULL) != SLK_OK)
            abort();
        int w = atomic_fetch_add(write ? &c->writers : &c->readers, 1);
        if ((write && (w || atomic_load(&c->readers))) || (!write && atomic_load(&c->writers)))
            atomic_store(&c->bad, true);
        atomic_fetch_sub(write ? &c->writers : &c->readers, 1);
        slk_sector_unlock(c->locks, lock);
    }
    return NULL;
}

static void test_threads(void **state)
{
    crowd_t c = {0};
    pthread_t threads[6];
    (void)state;
    assert_ok(slk_sector_locks_new(&c.locks, &diag), diag);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd, &c), 0);
    for (size_t i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    assert_false(c.bad);
    assert_int_equal(c.turns, 1800);
    slk_sector_locks_free(c.locks);
}

static void *write_later(void *ctx)
{
    crowd_t *c = ctx;
    slk_sector_lock_t *lock;
    if (slk_sector_lock(&lock, c->locks, &one, 0, SLK_FT_CACHE, "writer", SLK_LOCK_FOREVER, NULL,
                        NULL) != SLK_OK)
        abort();
    slk_sector_unlock(c->locks, lock);
    return NULL;
}

static void show(void *ctx, const slk_sector_lock_view_t *view)
{
    *(unsigned *)ctx += view->waiting && !strcmp(view->owner, "writer");
}

/* A reader that comes after a waiting writer waits behind it. */
static void test_order(void **state)
{
    crowd_t c = {0};
    pthread_t thread;
    slk_sector_lock_t *reader, *late;
    unsigned waiting = 0;
    (void)state;
    assert_ok(slk_sector_locks_new(&c.locks, &diag), diag);
    slk_sector_locks_t *locks = c.locks;
    assert_ok(TRY_LOCK(&reader, &one, SLK_FT_CACHE, 0), diag);
    assert_int_equal(pthread_create(&thread, NULL, write_later, &c), 0);
    while (!waiting) {
        usleep(1000);
        slk_sector_locks_each(locks, show, &waiting);
    }
    assert_err(SLK_ERR_BUSY, TRY_LOCK(&late, &one, SLK_FT_CACHE, 0));
    assert_non_null(strstr(diag.text, "asked for before by writer"));
    slk_sector_unlock(locks, reader);
    pthread_join(thread, NULL);
    assert_ok(TRY_LOCK(&late, &one, SLK_FT_CACHE, 0), diag);
    slk_sector_unlock(locks, late);
    slk_sector_locks_free(locks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exclusion),
        cmocka_unit_test(test_timeout_and_cancel),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
