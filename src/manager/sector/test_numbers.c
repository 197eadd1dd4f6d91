#include "manager/sector/numbers.h"
#include "manager/sector/sector_store.h"
#include "manager/sector/test_sector.h"
#include "store/test_engines.h"

static slk_diag_t diag;
static const slk_bitfield_t nothing;

typedef struct {
    char dir[64];
    slk_db_t *db;
    slk_arena_t arena;
} place_t;

static place_t place(void)
{
    place_t p = {0};
    char where[TEST_WHERE];
    test_new(p.dir);
    test_where(where, p.dir);
    assert_ok(slk_db_open(&p.db, where, &diag), diag);
    assert_ok(slk_sector_migrate(p.db, &diag), diag);
    slk_arena_init(&p.arena, (size_t)64 << 20);
    return p;
}

static void leave(place_t *p)
{
    slk_arena_free(&p->arena);
    slk_db_close(p->db);
    test_rm_dir(p->dir);
}

/* "0-2 5 7-9" */
static slk_bitfield_t set_of(place_t *p, const char *text)
{
    slk_bitfield_t set = {0}, run;
    for (const char *at = text; *at;) {
        char *end;
        uint64_t first = strtoull(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        assert_ok(slk_bitfield_from_range(&run, first, last - first + 1, &p->arena), diag);
        assert_ok(slk_bitfield_union(&set, &set, &run, &p->arena), diag);
        at = *end ? end + 1 : end;
    }
    return set;
}

static void expect_set(place_t *p, const slk_bitfield_t *set, const char *text)
{
    slk_bitfield_t want = set_of(p, text);
    assert_true(slk_bitfield_equal(set, &want));
}

typedef struct {
    uint64_t miner, min, number;
    const slk_bitfield_t *chain;
    slk_err_t then;
} taking_t;

static slk_err_t take_fn(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    taking_t *t = ctx;
    slk_err_t err = slk_numbers_allocate(db, t->miner, t->min, t->chain, &t->number, d);
    return err == SLK_OK ? t->then : err;
}

static slk_err_t claim_fn(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    const taking_t *t = ctx;
    return slk_numbers_claim(db, t->miner, t->number, d);
}

static uint64_t take(place_t *p, uint64_t miner, uint64_t min, const char *chain)
{
    slk_bitfield_t set = set_of(p, chain);
    taking_t t = {.miner = miner, .min = min, .chain = &set, .number = UINT64_MAX};
    assert_ok(slk_db_transact(p->db, take_fn, &t, &diag), diag);
    return t.number;
}

static slk_numbers_meta_t meta(place_t *p, uint64_t miner, const char *chain)
{
    slk_numbers_meta_t m;
    slk_bitfield_t set = set_of(p, chain);
    assert_ok(slk_numbers_meta(p->db, miner, 0, &set, &p->arena, &m, &diag), diag);
    return m;
}

static void test_allocate(void **unused)
{
    (void)unused;
    place_t p = place();
    assert_int_equal(take(&p, 1000, 0, ""), 0);
    assert_int_equal(take(&p, 1000, 0, ""), 1);
    assert_int_equal(take(&p, 1001, 0, ""), 0); /* each miner its own */
    assert_int_equal(take(&p, 1000, 0, "2-3 5"), 4);
    assert_int_equal(take(&p, 1000, 0, "2-3 5"), 6);
    /* What the chain lost by a reorganization was ours all the same; what others had there is free. */
    assert_int_equal(take(&p, 1000, 0, ""), 2);
    assert_int_equal(take(&p, 1000, 100, "100-199"), 200);
    assert_int_equal(take(&p, 1000, 0, ""), 3);
    assert_int_equal(take(&p, 1000, 0, ""), 5);
    assert_int_equal(take(&p, 1000, 0, ""), 7);

    /* Rolled back: as if nothing had been. */
    taking_t t = {.miner = 1000, .chain = &nothing, .then = SLK_ERR_CANCELLED};
    assert_err(SLK_ERR_CANCELLED, slk_db_transact(p.db, take_fn, &t, &diag));
    assert_int_equal(t.number, 8);
    assert_int_equal(take(&p, 1000, 0, ""), 8);

    /* An imported one, twice. */
    t = (taking_t){.miner = 1000, .number = 10};
    assert_ok(slk_db_transact(p.db, claim_fn, &t, &diag), diag);
    assert_ok(slk_db_transact(p.db, claim_fn, &t, &diag), diag);
    slk_numbers_meta_t m = meta(&p, 1000, "9 50");
    expect_set(&p, &m.allocated, "0-8 10 200");
    expect_set(&p, &m.reserved, "");
    expect_set(&p, &m.in_use, "0-10 50 200");
    assert_int_equal(m.next, 11);

    /* The end of all numbers. */
    slk_bitfield_t all = set_of(&p, "0-9223372036854775807");
    t = (taking_t){.miner = 1002, .chain = &all};
    assert_err(SLK_ERR_NOSPACE, slk_db_transact(p.db, take_fn, &t, &diag));
    all = set_of(&p, "0-9223372036854775806");
    assert_ok(slk_db_transact(p.db, take_fn, &t, &diag), diag);
    assert_int_equal(t.number, INT64_MAX);
    leave(&p);
}

static slk_err_t reserve(place_t *p, const char *name, const char *numbers, bool force)
{
    slk_bitfield_t set = set_of(p, numbers);
    return slk_numbers_reserve(p->db, 1000, name, &set, force, &diag);
}

static void test_reserve(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "", "with space", "a/b", "\xc3\xa4",
        "0123456789012345678901234567890123456789012345678901234567890123x"};
    place_t p = place();
    for (size_t i = 0; i < SLK_COUNT(bad); i++)
        assert_err(SLK_ERR_INPUT, reserve(&p, bad[i], "1", false));
    assert_int_equal(take(&p, 1000, 0, ""), 0);
    assert_ok(reserve(&p, "from-damocles", "2-4", false), diag);
    assert_int_equal(take(&p, 1000, 0, ""), 1);
    assert_int_equal(take(&p, 1000, 0, ""), 5);

    assert_err(SLK_ERR_MISMATCH, reserve(&p, "from-damocles", "90", false));
    assert_non_null(strstr(diag.text, "there is a reservation \"from-damocles\" already"));
    assert_err(SLK_ERR_MISMATCH, reserve(&p, "b", "4-10", false));
    assert_non_null(strstr(diag.text, "number 5 belongs to a sector of ours"));
    assert_err(SLK_ERR_MISMATCH, reserve(&p, "b", "3 8", false));
    assert_non_null(strstr(diag.text, "number 3 is reserved already"));
    assert_ok(reserve(&p, "b", "3-6", true), diag);

    slk_number_reservation_t *list;
    size_t cnt;
    assert_ok(slk_numbers_reservations(p.db, 1000, &p.arena, &list, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_string_equal(list[0].name, "b");
    expect_set(&p, &list[0].numbers, "3-6");
    expect_set(&p, &list[1].numbers, "2-4");
    assert_ok(slk_numbers_reservations(p.db, 1001, &p.arena, &list, &cnt, &diag), diag);
    assert_int_equal(cnt, 0);

    /* Overlapping ones: what the other still holds is held. */
    assert_ok(slk_numbers_free(p.db, 1000, "from-damocles", &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_numbers_free(p.db, 1000, "from-damocles", &diag));
    assert_err(SLK_ERR_INPUT, slk_numbers_free(p.db, 1000, "", &diag)); /* that of our own */
    slk_numbers_meta_t m = meta(&p, 1000, "");
    expect_set(&p, &m.reserved, "3-6");
    assert_int_equal(take(&p, 1000, 0, ""), 2);

    slk_bitfield_t chosen, chain = set_of(&p, "8-9");
    assert_ok(
        slk_numbers_reserve_count(p.db, 1000, "count", 7, 4, &chain, &p.arena, &chosen, &diag),
        diag);
    expect_set(&p, &chosen, "7 10-12");
    assert_int_equal(take(&p, 1000, 0, ""), 8); /* as nothing was said of the chain now */
    assert_err(SLK_ERR_NOSPACE, slk_numbers_reserve_count(p.db, 1000, "more", INT64_MAX - 1, 3,
                                                          &chain, &p.arena, &chosen, &diag));
    leave(&p);
}

/* A set that is too wild to be kept is refused, and nothing is lost. */
static void test_too_many_gaps(void **unused)
{
    (void)unused;
    enum { BITS = 70000 };
    place_t p = place();
    uint64_t *bits = slk_arena_array(&p.arena, BITS, sizeof *bits);
    slk_bitfield_t set;
    assert_non_null(bits);
    for (uint64_t i = 0; i < BITS; i++)
        bits[i] = 40 * i;
    assert_ok(slk_bitfield_from_bits(&set, bits, BITS, &p.arena), diag);
    assert_err(SLK_ERR_LENGTH, slk_numbers_reserve(p.db, 1000, "wild", &set, false, &diag));
    assert_int_equal(take(&p, 1000, 0, ""), 0);
    leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allocate),
                                       cmocka_unit_test(test_reserve),
                                       cmocka_unit_test(test_too_many_gaps)};
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
