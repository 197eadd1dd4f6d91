#include "manager/sector/numbers.h"

#include "base/assert.h"

#include <string.h>

/* The table sector_number has a set of each miner and name; the empty name is that of our own numbers. */

/* A set takes 16 bytes a run and has at most 4 runs a byte of SLK_BITFIELD_ENCODED_MAX. */
#define ROOM ((size_t)64 << 20)

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for sets of sector numbers");
}

/* --- Sets in the table ----------------------------------------------------------------------------- */

static slk_err_t load_set(slk_db_t *db, uint64_t miner, const char *name, slk_arena_t *arena,
                          slk_bitfield_t *set, bool *found, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    size_t len;
    *set = (slk_bitfield_t){0};
    slk_err_t err =
        slk_db_query(&rows, db, "SELECT bits FROM sector_number WHERE miner = ?1 AND name = ?2",
                     SLK_VALS(slk_val_i64((int64_t)miner), slk_val_text(name)), diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_db_rows_next(rows, found, diag));
    if (*found) {
        const void *bits = slk_db_rows_blob(rows, 0, &len);
        SLK_TRY(slk_bitfield_decode(set, bits, len, arena, diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t store_set(slk_db_t *db, uint64_t miner, const char *name,
                           const slk_bitfield_t *set, slk_arena_t *arena, slk_diag_t *diag)
{
    const uint8_t *bytes;
    size_t len;
    slk_err_t err = slk_bitfield_encode(&bytes, &len, set, arena, diag);
    if (err != SLK_OK)
        return err;
    return slk_db_run(db,
                      "INSERT INTO sector_number (miner, name, bits) VALUES (?1, ?2, ?3) "
                      "ON CONFLICT (miner, name) DO UPDATE SET bits = excluded.bits",
                      SLK_VALS(slk_val_i64((int64_t)miner), slk_val_text(name),
                               slk_val_blob(len ? (const void *)bytes : "", len)),
                      NULL, diag);
}

slk_err_t slk_numbers_reservations(slk_db_t *db, uint64_t miner, slk_arena_t *arena,
                                   slk_number_reservation_t **list, size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    int64_t all = 0;
    bool found, more = false;
    size_t len;
    *cnt = 0;
    slk_err_t err =
        slk_db_get_i64(db, "SELECT count(*) FROM sector_number WHERE miner = ?1 AND name <> ''",
                       SLK_VALS(slk_val_i64((int64_t)miner)), &found, &all, diag);
    if (err != SLK_OK)
        return err;
    *list = slk_arena_array(arena, (size_t)all + 1, sizeof **list);
    if (!*list)
        return no_memory(diag);
    err = slk_db_query(
        &rows, db,
        "SELECT name, bits FROM sector_number WHERE miner = ?1 AND name <> '' ORDER BY name",
        SLK_VALS(slk_val_i64((int64_t)miner)), diag);
    if (err != SLK_OK)
        return err;
    while (*cnt < (size_t)all) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        slk_number_reservation_t *row = &(*list)[*cnt];
        const char *name = slk_db_rows_text(rows, 0, &len);
        row->name = slk_arena_text(arena, name, len);
        if (!row->name) {
            err = no_memory(diag);
            goto out;
        }
        const void *bits = slk_db_rows_blob(rows, 1, &len);
        SLK_TRY(slk_bitfield_decode(&row->numbers, bits, len, arena, diag));
        ++*cnt;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t load_reserved(slk_db_t *db, uint64_t miner, slk_arena_t *arena,
                               slk_bitfield_t *reserved, slk_diag_t *diag)
{
    slk_number_reservation_t *list;
    size_t cnt;
    *reserved = (slk_bitfield_t){0};
    slk_err_t err = slk_numbers_reservations(db, miner, arena, &list, &cnt, diag);
    for (size_t i = 0; err == SLK_OK && i < cnt; i++)
        err = slk_bitfield_union(reserved, reserved, &list[i].numbers, arena);
    return err == SLK_ERR_NOMEM ? no_memory(diag) : err;
}

/* --- Free numbers ---------------------------------------------------------------------------------- */

/* The lowest number from min on that is not in the set; none: SLK_BIT_MAX or more. */
static uint64_t lowest_free(const slk_bitfield_t *set, uint64_t min)
{
    for (size_t i = 0; i < set->run_cnt && set->runs[i].start <= min; i++)
        if (set->runs[i].end > min)
            min = set->runs[i].end;
    return min;
}

slk_err_t slk_numbers_meta(slk_db_t *db, uint64_t miner, uint64_t min, const slk_bitfield_t *chain,
                           slk_arena_t *arena, slk_numbers_meta_t *meta, slk_diag_t *diag)
{
    bool found;
    slk_err_t err = SLK_OK;
    SLK_TRY(load_set(db, miner, "", arena, &meta->allocated, &found, diag));
    SLK_TRY(load_reserved(db, miner, arena, &meta->reserved, diag));
    SLK_TRY(slk_bitfield_union(&meta->in_use, &meta->allocated, &meta->reserved, arena));
    SLK_TRY(slk_bitfield_union(&meta->in_use, &meta->in_use, chain, arena));
    meta->next = lowest_free(&meta->in_use, min);
out:
    return err == SLK_ERR_NOMEM ? no_memory(diag) : err;
}

/* One more of our own. */
static slk_err_t add_own(slk_db_t *db, uint64_t miner, const slk_bitfield_t *own, uint64_t number,
                         slk_arena_t *arena, slk_diag_t *diag)
{
    slk_bitfield_t more;
    slk_err_t err = slk_bitfield_set(&more, own, number, arena);
    if (err == SLK_ERR_NOMEM)
        return no_memory(diag);
    return err == SLK_OK ? store_set(db, miner, "", &more, arena, diag) : err;
}

slk_err_t slk_numbers_allocate(slk_db_t *db, uint64_t miner, uint64_t min,
                               const slk_bitfield_t *chain, uint64_t *number, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_numbers_meta_t meta;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    slk_arena_init(&arena, ROOM);
    SLK_TRY(slk_numbers_meta(db, miner, min, chain, &arena, &meta, diag));
    if (meta.next > INT64_MAX) {
        err = slk_fail(diag, SLK_ERR_NOSPACE,
                       "f0%llu: no sector number from %llu on is free; free a reservation or lower "
                       "the least number",
                       (unsigned long long)miner, (unsigned long long)min);
        goto out;
    }
    SLK_TRY(add_own(db, miner, &meta.allocated, meta.next, &arena, diag));
    *number = meta.next;
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_numbers_claim(slk_db_t *db, uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_bitfield_t own;
    bool found;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db) && number <= INT64_MAX);
    slk_arena_init(&arena, ROOM);
    SLK_TRY(load_set(db, miner, "", &arena, &own, &found, diag));
    if (!slk_bitfield_contains(&own, number))
        SLK_TRY(add_own(db, miner, &own, number, &arena, diag));
out:
    slk_arena_free(&arena);
    return err;
}

/* --- Reservations ---------------------------------------------------------------------------------- */

static slk_err_t check_name(const char *name, slk_diag_t *diag)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(name);
    if (len && len <= SLK_NUMBER_NAME_MAX && strspn(name, allowed) == len)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT,
                    "a reservation's name has 1 to %d letters, digits, _ and -; found \"%.80s\"",
                    SLK_NUMBER_NAME_MAX, name);
}

typedef struct {
    uint64_t miner;
    const char *name;
    const slk_bitfield_t *numbers; /* NULL: the cnt lowest free ones */
    uint64_t min, cnt;
    const slk_bitfield_t *chain;
    bool force;
    slk_arena_t *arena;
    slk_bitfield_t *chosen;
} reserving_t;

/* cnt numbers from min on that are not in the set. */
static slk_err_t choose(const slk_bitfield_t *in_use, uint64_t min, uint64_t cnt,
                        slk_bitfield_t *chosen, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_bitfield_t all, free_ones;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_bitfield_from_range(&all, min, (uint64_t)INT64_MAX - min + 1, arena));
    SLK_TRY(slk_bitfield_difference(&free_ones, &all, in_use, arena));
    err = slk_bitfield_slice(chosen, &free_ones, 0, cnt, arena);
    if (err == SLK_ERR_INPUT)
        err = slk_fail(diag, SLK_ERR_NOSPACE, "fewer than %llu sector numbers are free",
                       (unsigned long long)cnt);
out:
    return err == SLK_ERR_NOMEM ? no_memory(diag) : err;
}

static slk_err_t check_free(const reserving_t *r, const slk_bitfield_t *numbers,
                            const slk_numbers_meta_t *meta, slk_diag_t *diag)
{
    const struct {
        const slk_bitfield_t *set;
        const char *what;
    } sets[] = {{&meta->allocated, "belongs to a sector of ours"},
                {&meta->reserved, "is reserved already"}};
    for (size_t i = 0; !r->force && i < SLK_COUNT(sets); i++) {
        slk_bitfield_t both;
        uint64_t first;
        slk_err_t err = slk_bitfield_intersection(&both, numbers, sets[i].set, r->arena);
        if (err != SLK_OK)
            return no_memory(diag);
        if (slk_bitfield_first(&both, &first))
            return slk_fail(
                diag, SLK_ERR_MISMATCH, "f0%llu: number %llu %s; nothing was reserved as \"%s\"",
                (unsigned long long)r->miner, (unsigned long long)first, sets[i].what, r->name);
    }
    return SLK_OK;
}

static slk_err_t reserve(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    static const slk_bitfield_t none = {0};
    const reserving_t *r = ctx;
    slk_numbers_meta_t meta;
    slk_bitfield_t set;
    uint64_t last;
    bool found;
    slk_err_t err = SLK_OK;
    SLK_TRY(load_set(db, r->miner, r->name, r->arena, &set, &found, diag));
    if (found)
        return slk_fail(diag, SLK_ERR_MISMATCH, "f0%llu: there is a reservation \"%s\" already",
                        (unsigned long long)r->miner, r->name);
    SLK_TRY(slk_numbers_meta(db, r->miner, 0, r->chain ? r->chain : &none, r->arena, &meta, diag));
    if (r->numbers)
        set = *r->numbers;
    else
        SLK_TRY(choose(&meta.in_use, r->min, r->cnt, &set, r->arena, diag));
    if (slk_bitfield_last(&set, &last) && last > INT64_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "sector number %llu: must be below 2^63",
                        (unsigned long long)last);
    SLK_TRY(check_free(r, &set, &meta, diag));
    SLK_TRY(store_set(db, r->miner, r->name, &set, r->arena, diag));
    if (r->chosen)
        *r->chosen = set;
out:
    return err;
}

static slk_err_t run_reserve(slk_db_t *db, reserving_t *r, slk_diag_t *diag)
{
    slk_err_t err = check_name(r->name, diag);
    if (err != SLK_OK)
        return err;
    return slk_db_in_transaction(db) ? reserve(db, r, diag) : slk_db_transact(db, reserve, r, diag);
}

slk_err_t slk_numbers_reserve(slk_db_t *db, uint64_t miner, const char *name,
                              const slk_bitfield_t *numbers, bool force, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_arena_init(&arena, ROOM);
    reserving_t r = {
        .miner = miner, .name = name, .numbers = numbers, .force = force, .arena = &arena};
    slk_err_t err = run_reserve(db, &r, diag);
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_numbers_reserve_count(slk_db_t *db, uint64_t miner, const char *name, uint64_t min,
                                    uint64_t cnt, const slk_bitfield_t *chain, slk_arena_t *arena,
                                    slk_bitfield_t *numbers, slk_diag_t *diag)
{
    reserving_t r = {.miner = miner,
                     .name = name,
                     .min = min,
                     .cnt = cnt,
                     .chain = chain,
                     .arena = arena,
                     .chosen = numbers};
    if (min > INT64_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "sector number %llu: must be below 2^63",
                        (unsigned long long)min);
    return run_reserve(db, &r, diag);
}

slk_err_t slk_numbers_free(slk_db_t *db, uint64_t miner, const char *name, slk_diag_t *diag)
{
    int64_t changed = 0;
    slk_err_t err = check_name(name, diag);
    if (err != SLK_OK)
        return err;
    err = slk_db_run(db, "DELETE FROM sector_number WHERE miner = ?1 AND name = ?2",
                     SLK_VALS(slk_val_i64((int64_t)miner), slk_val_text(name)), &changed, diag);
    if (err == SLK_OK && !changed)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "f0%llu has no reservation \"%s\"",
                       (unsigned long long)miner, name);
    return err;
}
