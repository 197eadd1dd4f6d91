#include "storage/test_storage.h"
#include "storage/trash.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>

typedef struct {
    char dir[64];
    char seal[SLK_ROOT_MAX], store[SLK_ROOT_MAX];
    char seal_id[SLK_STORAGE_ID_MAX], store_id[SLK_STORAGE_ID_MAX];
    slk_local_paths_t *paths;
} fixture_t;

static void attach(fixture_t *f, const char *root, const char *want)
{
    char id[SLK_STORAGE_ID_MAX];
    assert_ok(slk_local_attach(id, f->paths, root, &diag), diag);
    assert_string_equal(id, want);
}

static int setup(void **state)
{
    static fixture_t f;
    memset(&f, 0, sizeof f);
    test_tmp_dir(f.dir);
    make_path(f.seal, f.seal_id, f.dir, "seal", true, false);
    make_path(f.store, f.store_id, f.dir, "store", false, true);
    assert_ok(slk_local_paths_new(&f.paths, &diag), diag);
    attach(&f, f.seal, f.seal_id);
    attach(&f, f.store, f.store_id);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    slk_local_paths_free(f->paths);
    test_rm_dir(f->dir);
    return 0;
}

static void set_max(fixture_t *f, const char *id, uint64_t max)
{
    slk_path_meta_t meta;
    assert_ok(slk_local_meta(&meta, f->paths, id, &diag), diag);
    meta.max_storage = max;
    assert_ok(slk_local_set_meta(f->paths, &meta, &diag), diag);
    slk_path_meta_free(&meta);
}

/* --- Attaching ----------------------------------------------------------------------------- */

static void test_init(void **state)
{
    fixture_t *f = *state;
    slk_path_meta_t meta;
    for (unsigned i = 0; i < SLK_FT_CNT; i++)
        assert_true(exists(fmt("%s/%s", f->seal, slk_file_type_name(SLK_FT_AT(i)))));
    assert_ok(slk_path_meta_new(&meta, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_local_init(f->seal, &meta, &diag));
    slk_path_meta_free(&meta);
    assert_ok(slk_path_meta_read(&meta, f->seal, &diag), diag);
    assert_string_equal(meta.id, f->seal_id);
    slk_path_meta_free(&meta);
}

static void test_attach(void **state)
{
    fixture_t *f = *state;
    char id[SLK_STORAGE_ID_MAX], other[SLK_ROOT_MAX];
    slk_local_view_t *views;
    size_t cnt;
    attach(f, f->seal, f->seal_id); /* again: harmless */
    attach(f, fmt("%s/", f->seal), f->seal_id);
    assert_ok(slk_local_list(&views, &cnt, f->paths, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_string_equal(views[0].root, f->seal);
    assert_true(views[0].can_seal && !views[0].can_store && !views[0].error[0]);
    assert_true(views[1].can_final && views[1].checked_at > 0);
    free(views);
    assert_err(SLK_ERR_INPUT, slk_local_attach(id, f->paths, "relative/path", &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_local_attach(id, f->paths, f->dir, &diag));
    assert_non_null(strstr(diag.text, "sectorstore.json"));
    /* A copy of a path, ID and all. */
    snprintf(other, sizeof other, "%s/copy", f->dir);
    assert_ok(slk_make_dirs(other, &diag), diag);
    assert_int_equal(system(fmt("cp %s/sectorstore.json %s/", f->seal, other)), 0);
    assert_err(SLK_ERR_MISMATCH, slk_local_attach(id, f->paths, other, &diag));
    assert_non_null(strstr(diag.text, f->seal));
    assert_ok(slk_local_detach(f->paths, f->seal_id, &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_local_detach(f->paths, f->seal_id, &diag));
    attach(f, other, f->seal_id);
}

static void test_symlinked_type(void **state)
{
    fixture_t *f = *state;
    char root[SLK_ROOT_MAX], id[SLK_STORAGE_ID_MAX];
    make_path(root, id, f->dir, "linked", true, true);
    assert_int_equal(rmdir(fmt("%s/sealed", root)), 0);
    assert_int_equal(symlink(f->store, fmt("%s/sealed", root)), 0);
    assert_err(SLK_ERR_STATE, slk_local_attach(id, f->paths, root, &diag));
    assert_non_null(strstr(diag.text, "symbolic link"));
}

/* --- Scan and find ------------------------------------------------------------------------- */

typedef struct {
    unsigned good, odd;
    slk_file_types_t types;
    char names[512];
} scanned_t;

static slk_err_t on_found(void *ctx, const slk_found_t *found, slk_diag_t *d)
{
    scanned_t *s = ctx;
    (void)d;
    if (found->sector) {
        s->good++;
        s->types |= found->type;
        assert_null(found->why);
    } else {
        s->odd++;
        assert_non_null(found->why);
        strcat(strcat(s->names, found->name), " ");
    }
    return SLK_OK;
}

static void test_scan(void **state)
{
    fixture_t *f = *state;
    scanned_t s = {0};
    char id[SLK_STORAGE_ID_MAX], path[SLK_SECTOR_PATH_MAX];
    put_file(fmt("%s/sealed/s-t01000-1", f->store), 2048, "a");
    put_file(fmt("%s/sealed/fetching/s-t01000-2", f->store), 2048, "a");
    put_file(fmt("%s/sealed/lost+found", f->store), 1, "a");
    put_file(fmt("%s/cache/s-t01000-3", f->store), 1, "a"); /* a file, not a folder */
    put_file(fmt("%s/update-cache/s-t01000-1/p_aux", f->store), 64, "a");
    assert_int_equal(symlink("/etc/passwd", fmt("%s/update/s-t01000-4", f->store)), 0);
    assert_ok(slk_local_scan(f->paths, f->store_id, on_found, &s, &diag), diag);
    assert_int_equal(s.good, 2);
    assert_int_equal(s.types, SLK_FT_SEALED | SLK_FT_UPDATE_CACHE);
    assert_int_equal(s.odd, 3);
    assert_true(strstr(s.names, "lost+found ") && strstr(s.names, "s-t01000-3 ") &&
                strstr(s.names, "s-t01000-4 "));

    assert_ok(slk_local_find(id, path, f->paths, &sector1, SLK_FT_SEALED, &diag), diag);
    assert_string_equal(id, f->store_id);
    assert_string_equal(path, fmt("%s/sealed/s-t01000-1", f->store));
    assert_err(SLK_ERR_NOTFOUND,
               slk_local_find(id, path, f->paths, &sector2, SLK_FT_SEALED, &diag));
    assert_false(
        slk_local_has(f->paths, f->store_id, &(slk_sector_id_t){1000, 4}, SLK_FT_UPDATE, path));
    assert_false(
        slk_local_has(f->paths, f->store_id, &(slk_sector_id_t){1000, 3}, SLK_FT_CACHE, path));
}

/* --- Space --------------------------------------------------------------------------------- */

#define MIB UINT64_C(1048576)

static slk_err_t reserve(fixture_t *f, slk_reservation_t **r, const slk_sector_id_t *sector,
                         slk_file_types_t types)
{
    return slk_local_reserve(r, f->paths, f->store_id, sector, types, SLK_SPACE_SEALING, MIB,
                             &diag);
}

static void test_reserve(void **state)
{
    fixture_t *f = *state;
    slk_reservation_t *a, *b, *c;
    slk_path_stat_t s;
    set_max(f, f->store_id, 3 * MIB);
    assert_ok(reserve(f, &a, &sector1, SLK_FT_SEALED | SLK_FT_UNSEALED), diag);
    assert_ok(slk_local_stat(&s, f->paths, f->store_id, &diag), diag);
    assert_true(s.reserved == 2 * MIB && s.max == 3 * MIB && s.available < MIB);
    assert_true(s.capacity >= s.fs_available && s.fs_available >= s.available);
    assert_err(SLK_ERR_NOSPACE, reserve(f, &b, &sector2, SLK_FT_SEALED));
    assert_null(b);
    assert_non_null(strstr(diag.text, "1048576 bytes"));
    /* The same file is promised once, however often it is asked for. */
    assert_ok(reserve(f, &b, &sector1, SLK_FT_SEALED), diag);
    slk_local_release(b);
    /* What is written under a promise turns from reserved to used: the sum stays. */
    put_file(fmt("%s/sealed/fetching/s-t01000-1", f->store), MIB / 2, "half");
    assert_ok(reserve(f, &b, &sector1, SLK_FT_SEALED), diag);
    assert_ok(slk_local_stat(&s, f->paths, f->store_id, &diag), diag);
    assert_true(s.reserved > MIB && s.reserved <= 2 * MIB - MIB / 2 && s.used >= MIB / 2);
    assert_err(SLK_ERR_NOSPACE, reserve(f, &c, &sector2, SLK_FT_SEALED));
    assert_err(SLK_ERR_BUSY, slk_local_detach(f->paths, f->store_id, &diag));
    slk_local_release(a);
    slk_local_release(b);
    assert_ok(reserve(f, &c, &sector2, SLK_FT_SEALED), diag);
    slk_local_release(c);
    slk_local_release(NULL);
}

typedef struct {
    fixture_t *f;
    atomic_uint got, number;
    slk_reservation_t *held[32];
} race_t;

static void *race(void *ctx)
{
    race_t *r = ctx;
    slk_diag_t why;
    for (int i = 0; i < 8; i++) {
        unsigned n = atomic_fetch_add(&r->number, 1);
        const slk_sector_id_t sector = {1000, 100 + n};
        if (slk_local_reserve(&r->held[n], r->f->paths, r->f->store_id, &sector, SLK_FT_SEALED,
                              SLK_SPACE_SEALING, MIB, &why) == SLK_OK)
            atomic_fetch_add(&r->got, 1);
    }
    return NULL;
}

/* Of 32 askers for 1 MiB each, exactly as many get it as there is room for. */
static void test_reserve_threads(void **state)
{
    fixture_t *f = *state;
    race_t r = {.f = f};
    pthread_t threads[4];
    slk_path_stat_t s;
    set_max(f, f->store_id, 10 * MIB + MIB / 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &r), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.got, 10);
    assert_ok(slk_local_stat(&s, f->paths, f->store_id, &diag), diag);
    assert_true(s.reserved == 10 * MIB);
    for (size_t i = 0; i < 32; i++)
        slk_local_release(r.held[i]);
    assert_ok(slk_local_stat(&s, f->paths, f->store_id, &diag), diag);
    assert_true(s.reserved == 0);
}

static void test_acquire(void **state)
{
    fixture_t *f = *state;
    slk_acquired_t got;
    slk_acquire_t want = {.sector = sector1,
                          .existing = SLK_FT_UNSEALED,
                          .allocate = SLK_FT_SEALED | SLK_FT_CACHE,
                          .use = SLK_PATH_SEALING,
                          .sector_sz = 2048};
    assert_err(SLK_ERR_NOTFOUND, slk_local_acquire(&got, f->paths, &want, &diag));
    put_file(fmt("%s/unsealed/s-t01000-1", f->store), 2048, "u");
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_int_equal(got.types, 7);
    assert_string_equal(got.path[0], fmt("%s/unsealed/s-t01000-1", f->store));
    assert_string_equal(got.path[1], fmt("%s/sealed/s-t01000-1", f->seal));
    assert_string_equal(got.path[2], fmt("%s/cache/s-t01000-1", f->seal));
    assert_string_equal(got.id[2], f->seal_id);
    assert_true(!got.reservations[0] && got.reservations[1] && got.reservations[2]);
    assert_err(SLK_ERR_BUSY, slk_local_detach(f->paths, f->seal_id, &diag));
    slk_local_acquired_free(&got);

    want.use = SLK_PATH_FINAL;
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_string_equal(got.id[1], f->store_id);
    slk_local_acquired_free(&got);

    slk_local_note_error(f->paths, f->store_id, "bad sectors");
    assert_err(SLK_ERR_NOSPACE, slk_local_acquire(&got, f->paths, &want, &diag));
    assert_non_null(strstr(diag.text, "has errors"));
    assert_non_null(strstr(diag.text, "CanFinal")); /* and why the other one is none */
    assert_ok(slk_local_check(f->paths, f->store_id, &diag), diag);
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    slk_local_acquired_free(&got);
}

static void test_acquire_choice(void **state)
{
    fixture_t *f = *state;
    char root[SLK_ROOT_MAX], id[SLK_STORAGE_ID_MAX];
    slk_path_meta_t meta;
    slk_acquired_t got;
    slk_acquire_t want = {.sector = sector1,
                          .allocate = SLK_FT_SEALED | SLK_FT_CACHE,
                          .use = SLK_PATH_SEALING,
                          .sector_sz = MIB};
    make_path(root, id, f->dir, "seal2", true, false);
    attach(f, root, id);
    assert_ok(slk_local_meta(&meta, f->paths, id, &diag), diag);
    meta.weight = 1000;
    assert_ok(slk_local_set_meta(f->paths, &meta, &diag), diag);
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_string_equal(got.id[1], id);
    slk_local_acquired_free(&got);
    /* A type that lies elsewhere already stays there. */
    put_file(fmt("%s/sealed/s-t01000-1", f->seal), 1, "s");
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_string_equal(got.id[1], f->seal_id);
    assert_string_equal(got.id[2], id);
    slk_local_acquired_free(&got);
    /* The best has room for the sealed file alone: each type goes where it can. */
    want.sector = sector2;
    meta.max_storage = 2 * MIB;
    assert_ok(slk_local_set_meta(f->paths, &meta, &diag), diag);
    set_max(f, f->seal_id, 0);
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_string_equal(got.id[2], f->seal_id);
    slk_local_acquired_free(&got);
    const char *const deny[] = {"t01000"};
    assert_ok(slk_names_set(&meta.deny_miners, deny, 1, &diag), diag);
    meta.max_storage = 0;
    assert_ok(slk_local_set_meta(f->paths, &meta, &diag), diag);
    want.allocate = SLK_FT_SEALED;
    assert_ok(slk_local_acquire(&got, f->paths, &want, &diag), diag);
    assert_string_equal(got.id[1], f->seal_id);
    slk_local_acquired_free(&got);
    slk_path_meta_free(&meta);
}

/* The trash counts as free, and its oldest goes when the space is wanted. */
static void test_trash_gives_way(void **state)
{
    fixture_t *f = *state;
    slk_path_stat_t stat;
    slk_reservation_t *r;
    slk_trash_item_t *items;
    size_t cnt;
    char text[] = "old";
    for (unsigned i = 0; i < 2; i++) {
        const slk_sector_id_t *sector = i ? &sector2 : &sector1;
        char name[SLK_SECTOR_NAME_MAX];
        slk_sector_name(name, sector);
        put_file(fmt("%s/sealed/%s", f->seal, name), 100 * 1024, text);
        assert_ok(slk_trash_put(NULL, f->seal, SLK_FT_SEALED, sector, "removed", 1000 + i, &diag),
                  diag);
    }
    set_max(f, f->seal_id, 400 * 1024);
    assert_ok(slk_local_reserve(&r, f->paths, f->seal_id, &sector1, SLK_FT_SEALED,
                                SLK_SPACE_SEALING, 64 * 1024, &diag),
              diag);
    assert_ok(slk_local_stat(&stat, f->paths, f->seal_id, &diag), diag);
    slk_local_release(r);
    assert_true(stat.trash >= 200 * 1024);
    assert_ok(slk_local_reserve(&r, f->paths, f->seal_id, &sector1, SLK_FT_SEALED,
                                SLK_SPACE_SEALING, 200 * 1024, &diag),
              diag);
    slk_local_release(r);
    assert_ok(slk_trash_list(&items, &cnt, f->seal, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_int_equal(items[0].sector.number, sector2.number);
    free(items);
    assert_err(SLK_ERR_NOSPACE, slk_local_reserve(&r, f->paths, f->seal_id, &sector1, SLK_FT_SEALED,
                                                  SLK_SPACE_SEALING, 512 * 1024, &diag));
    assert_ok(slk_trash_list(&items, &cnt, f->seal, &diag), diag);
    assert_int_equal(cnt, 1); /* nothing goes for what does not fit anyway */
    free(items);
}

/* --- Health -------------------------------------------------------------------------------- */

static void test_check(void **state)
{
    fixture_t *f = *state;
    slk_local_view_t view;
    assert_ok(slk_local_check(f->paths, f->store_id, &diag), diag);
    assert_int_equal(system(fmt("test -z \"$(ls -A %s | grep selkie-check)\"", f->store)), 0);
    /* As when the disk is not mounted any more. */
    assert_int_equal(rename(fmt("%s", f->store), fmt("%s.away", f->store)), 0);
    assert_ok(slk_make_dirs(f->store, &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_local_check(f->paths, f->store_id, &diag));
    assert_non_null(strstr(diag.text, "mounted"));
    assert_ok(slk_local_view(&view, f->paths, f->store_id, &diag), diag);
    assert_non_null(strstr(view.error, "mounted"));
    assert_true(view.error_at > 0);
    assert_int_equal(rmdir(f->store), 0);
    assert_int_equal(rename(fmt("%s.away", f->store), f->store), 0);
    assert_ok(slk_local_check(f->paths, f->store_id, &diag), diag);
    assert_ok(slk_local_view(&view, f->paths, f->store_id, &diag), diag);
    assert_string_equal(view.error, "");
}

/* A disk of 1 MiB that is full; skipped where mounting is not allowed. */
static void test_full_disk(void **state)
{
    fixture_t *f = *state;
    char root[SLK_ROOT_MAX], id[SLK_STORAGE_ID_MAX];
    slk_reservation_t *r;
    slk_path_meta_t meta;
    snprintf(root, sizeof root, "%s/small", f->dir);
    assert_ok(slk_make_dirs(root, &diag), diag);
    if (mount("tmpfs", root, "tmpfs", 0, "size=1m"))
        skip();
    assert_ok(slk_path_meta_new(&meta, &diag), diag);
    assert_ok(slk_local_init(root, &meta, &diag), diag);
    assert_ok(slk_local_attach(id, f->paths, root, &diag), diag);
    assert_err(SLK_ERR_NOSPACE, slk_local_reserve(&r, f->paths, id, &sector1, SLK_FT_SEALED,
                                                  SLK_SPACE_SEALING, 2 * MIB, &diag));
    assert_ok(slk_local_reserve(&r, f->paths, id, &sector1, SLK_FT_SEALED, SLK_SPACE_SEALING,
                                MIB / 2, &diag),
              diag);
    slk_local_release(r);
    assert_int_equal(system(fmt("dd if=/dev/zero of=%s/fill bs=4k 2>/dev/null; true", root)), 0);
    assert_err(SLK_ERR_NOSPACE, slk_local_check(f->paths, id, &diag));
    assert_int_equal(unlink(fmt("%s/fill", root)), 0);
    assert_ok(slk_local_check(f->paths, id, &diag), diag);
    assert_int_equal(umount2(root, MNT_DETACH), 0);
    slk_path_meta_free(&meta);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_init),      TEST(test_attach),          TEST(test_symlinked_type),
        TEST(test_scan),      TEST(test_reserve),         TEST(test_reserve_threads),
        TEST(test_acquire),   TEST(test_acquire_choice),  TEST(test_check),
        TEST(test_full_disk), TEST(test_trash_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
