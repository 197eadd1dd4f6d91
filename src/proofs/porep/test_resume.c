/* PC1 killed, interrupted, damaged, short of space: it goes on, or says what is wrong, and harms
 * nothing.
 *
 * test_resume [KILLS]: with an argument only the kill test runs, with that many kills. */
#include "proofs/porep/test_life.h"

#include "proofs/porep/record.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static int kills_wanted = 8;

typedef struct {
    json_t *vector;
    slk_porep_t porep;
    slk_node_t ticket;
    uint64_t miner, number;
} case_t;

static void case_open(case_t *c, const char *name)
{
    char file[64];
    slk_diag_t diag;
    snprintf(file, sizeof file, "seal/%s.json", name);
    c->vector = test_vectors(file);
    c->ticket = node_from_hex(text_of(c->vector, "ticket"));
    c->miner = strtoull(text_of(c->vector, "miner"), NULL, 10);
    c->number = strtoull(text_of(c->vector, "sector"), NULL, 10);
    assert_ok(slk_porep_registered(&c->porep, slk_size_by_name(text_of(c->vector, "size")),
                                   text_of(c->vector, "feature"), &diag),
              diag);
}

static void case_begin(case_t *c, life_t *life, const char *name)
{
    case_open(c, name);
    life_begin_in(life, NULL, &c->porep, c->miner, c->number, 2);
}

static void case_end(case_t *c, life_t *life)
{
    json_decref(c->vector);
    life_end(life);
}

static uint64_t random_state = 88172645463325252u;
static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

/* --- Kills ------------------------------------------------------------------------------------ */

/* What the child does: test_resume pc1 DIR THREADS ram|disk. */
static int pc1_child(const char *dir, const char *threads, const char *layers)
{
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    case_open(&c, "8m-cc-v1_1");
    life_begin_in(&life, dir, &c.porep, c.miner, c.number, (unsigned)atoi(threads));
    slk_pc1_options_t options = {.checkpoint_seconds = 0.1,
                                 .layers =
                                     strcmp(layers, "ram") == 0 ? SLK_LAYERS_RAM : SLK_LAYERS_DISK};
    slk_err_t err = slk_seal_pc1(&pc1, &life.sector, &c.ticket, &options, &life.job, &life.diag);
    if (err != SLK_OK)
        fprintf(stderr, "PC1 after a kill: %s\n", life.diag.text);
    slk_pool_free(life.job.pool);
    json_decref(c.vector);
    return err == SLK_OK ? 0 : 2;
}

/* PC1 in a process of its own, killed after `usec` microseconds. True when it finished before. */
static bool pc1_killed_after(const life_t *where, const char *threads, const char *layers,
                             uint64_t usec)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        execl("/proc/self/exe", "test_resume", "pc1", where->dir, threads, layers, (char *)NULL);
        _exit(3);
    }
    struct timespec pause = {(time_t)(usec / 1000000), (long)(usec % 1000000) * 1000};
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

static void test_kills(void **state)
{
    (void)state;
    int kills = 0, lives = 0, resumed = 0;
    while (kills < kills_wanted || !resumed) {
        case_t c;
        life_t life;
        case_begin(&c, &life, "8m-cc-v1_1");
        const char *layers = random_below(2) ? "ram" : "disk";
        char threads[2] = {(char)('1' + random_below(3)), 0};
        uint64_t longest = 700000;
        while (!pc1_killed_after(&life, threads, layers, 1000 + random_below(longest))) {
            longest += 20000; /* a slow machine must get on between two kills, too */
            char path[512];
            life_path(path, &life, SLK_CHECKPOINT_NAME);
            kills++;
            resumed += access(path, F_OK) == 0;
        }
        check_files(&life, json_object_get(c.vector, "files_after_pc1"));
        check_file(life.sealed,
                   json_object_get(json_object_get(c.vector, "sector_files"), "unsealed"));
        slk_pc1_t pc1;
        assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag),
                  life.diag);
        assert_int_equal(pc1.labels_resumed_from, 2 * c.porep.size->nodes);
        case_end(&c, &life);
        lives++;
    }
    print_message("%d kills in %d lives, %d with a checkpoint to go on from\n", kills, lives,
                  resumed);
}

/* --- Cancel and resume -------------------------------------------------------------------------
 */

static atomic_bool cancel;
static void cancel_soon(int sig)
{
    (void)sig;
    atomic_store(&cancel, true);
}

/* Interrupt PC1 until it stops inside a layer; leaves a checkpoint with nodes > 0. */
static void interrupt(life_t *life, const case_t *c)
{
    slk_pc1_t pc1;
    slk_checkpoint_t checkpoint = {0};
    bool found = false;
    signal(SIGALRM, cancel_soon);
    life->job.cancel = &cancel;
    for (useconds_t usec = 30000; !found || !checkpoint.nodes; usec += 10000) {
        atomic_store(&cancel, false);
        ualarm(usec, 0);
        assert_err(SLK_ERR_CANCELLED,
                   slk_seal_pc1(&pc1, &life->sector, &c->ticket, NULL, &life->job, &life->diag));
        assert_ok(slk_checkpoint_load(&checkpoint, &found, &life->sector, &life->diag), life->diag);
    }
    life->job.cancel = NULL;
}

static void test_interrupt(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    case_begin(&c, &life, "8m-cc-v1_1");
    interrupt(&life, &c);
    /* Another ticket is refused, and nothing is harmed by the attempt. */
    slk_node_t other = c.ticket;
    other.b[3] ^= 1;
    assert_err(SLK_ERR_MISMATCH,
               slk_seal_pc1(&pc1, &life.sector, &other, NULL, &life.job, &life.diag));
    assert_non_null(strstr(life.diag.text, "ticket"));
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    assert_true(pc1.labels_resumed_from > 0);
    assert_true(pc1.labels_resumed_from < 2 * c.porep.size->nodes);
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    case_end(&c, &life);
}

static void test_damaged_checkpoint(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    slk_checkpoint_t checkpoint;
    bool found;
    char part[512], path[512], name[64];
    case_begin(&c, &life, "8m-cc-v1_1");
    interrupt(&life, &c);
    assert_ok(slk_checkpoint_load(&checkpoint, &found, &life.sector, &life.diag), life.diag);
    snprintf(name, sizeof name, "sc-02-data-layer-%u.dat.part", checkpoint.layer);
    life_path(part, &life, name);
    flip_bit(part, 32 * (long)(checkpoint.nodes / 2));
    assert_err(SLK_ERR_DIGEST,
               slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
    assert_non_null(strstr(life.diag.text, part));
    flip_bit(part, 32 * (long)(checkpoint.nodes / 2));
    life_path(path, &life, SLK_CHECKPOINT_NAME);
    flip_bit(path, 40);
    slk_err_t err = slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag);
    assert_true(err == SLK_ERR_DIGEST || err == SLK_ERR_FORMAT);
    assert_non_null(strstr(life.diag.text, SLK_CHECKPOINT_NAME));
    flip_bit(path, 40);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    case_end(&c, &life);
}

/* --- Damaged files ------------------------------------------------------------------------------
 */

static void seal_2k(case_t *c, life_t *life)
{
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    case_begin(c, life, "2k-cc-v1_1");
    assert_ok(slk_seal_pc1(&pc1, &life->sector, &c->ticket, NULL, &life->job, &life->diag),
              life->diag);
    assert_ok(slk_seal_pc2(&pc2, &life->sector, NULL, &life->job, &life->diag), life->diag);
    assert_true(life_is_sound(life));
}

static void test_damaged_layers(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    char path[512];
    case_begin(&c, &life, "2k-cc-v1_1");
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    static const char *const names[] = {"sc-02-data-layer-1.dat", "sc-02-data-layer-2.dat",
                                        "sc-02-data-tree-d.dat"};
    for (size_t i = 0; i < 3; i++) {
        life_path(path, &life, names[i]);
        for (long at = 0; at < 2048; at += 333) {
            flip_bit(path, at);
            assert_err(SLK_ERR_DIGEST,
                       slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
            assert_non_null(strstr(life.diag.text, path));
            slk_err_t err = slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag);
            assert_true(err == SLK_ERR_DIGEST || err == SLK_ERR_FIELD);
            assert_non_null(strstr(life.diag.text, path));
            flip_bit(path, at);
        }
        /* Truncated: a clear refusal; removed: made again, and only that. */
        assert_int_equal(truncate(path, 1024), 0);
        assert_err(SLK_ERR_LENGTH,
                   slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
        assert_err(SLK_ERR_LENGTH, slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag));
        assert_non_null(strstr(life.diag.text, path));
        unlink(path);
        assert_err(SLK_ERR_STATE, slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag));
        assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag),
                  life.diag);
        assert_int_equal(pc1.labels_resumed_from, i < 2 ? 64 : 128);
        check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    }
    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    check_files(&life, json_object_get(c.vector, "files_after_pc2"));
    case_end(&c, &life);
}

/* After PC2 each flipped bit is found by check, with and without a record. */
static void test_check_finds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool without_record; /* found by hashing again even if nothing was recorded */
    } rows[] = {
        {"sc-02-data-layer-1.dat", false},
        {"sc-02-data-tree-d.dat", true},
        {"sc-02-data-tree-c.dat", true},
        {"sc-02-data-tree-r-last.dat", true},
        {"p_aux", true},
        {"t_aux", true},
        {"../sealed", true},
    };
    case_t c;
    life_t life;
    char path[512], record[512];
    seal_2k(&c, &life);
    life_path(record, &life, SLK_RECORD_NAME);
    for (int recorded = 1; recorded >= 0; recorded--) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            life_path(path, &life, rows[i].name);
            /* The last 16 bytes of t_aux are numbers; its paths are not ours to judge. */
            long at = strcmp(rows[i].name, "t_aux") == 0 ? -3 : 17;
            flip_bit(path, at);
            if (life_is_sound(&life) && (recorded || rows[i].without_record))
                fail_msg("a flipped bit in %s was not found (recorded %d)", path, recorded);
            flip_bit(path, at);
            assert_true(life_is_sound(&life));
        }
        if (recorded)
            assert_int_equal(unlink(record), 0);
    }
    case_end(&c, &life);
}

static void test_c1_refuses(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_c1_t c1;
    char path[512], out[512];
    seal_2k(&c, &life);
    slk_node_t seed = node_from_hex(text_of(c.vector, "seed")), other = c.ticket;
    snprintf(out, sizeof out, "%s/c1out.json", life.dir);
    other.b[0] ^= 1;
    assert_err(SLK_ERR_MISMATCH,
               slk_seal_c1(&c1, &life.sector, &other, &seed, out, &life.job, &life.diag));
    static const char *const names[] = {"sc-02-data-layer-1.dat",
                                        "sc-02-data-tree-c.dat",
                                        "sc-02-data-tree-r-last.dat",
                                        "sc-02-data-tree-d.dat",
                                        "p_aux",
                                        "../sealed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        life_path(path, &life, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - 32), 0);
        if (slk_seal_c1(&c1, &life.sector, &c.ticket, &seed, out, &life.job, &life.diag) == SLK_OK)
            fail_msg("C1 took a truncated %s", path);
        assert_int_equal(access(out, F_OK), -1);
        /* Bring it back: zeros now, which is damage of another kind. */
        assert_int_equal(truncate(path, st.st_size), 0);
        if (slk_seal_c1(&c1, &life.sector, &c.ticket, &seed, out, &life.job, &life.diag) ==
                SLK_OK &&
            strcmp(names[i], "sc-02-data-layer-1.dat") != 0 && strcmp(names[i], "../sealed") != 0)
            fail_msg("C1 took a damaged %s", path);
        unlink(out);
        case_end(&c, &life);
        seal_2k(&c, &life);
        snprintf(out, sizeof out, "%s/c1out.json", life.dir);
    }
    case_end(&c, &life);
}

/* --- Others at work, no space, foreign layers
 * ----------------------------------------------------- */

static void test_busy(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    int lock;
    case_begin(&c, &life, "2k-cc-v1_1");
    assert_ok(slk_make_dirs(life.cache, &life.diag), life.diag);
    assert_ok(slk_lock_dir(&lock, life.cache, &life.diag), life.diag);
    assert_err(SLK_ERR_BUSY,
               slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
    assert_non_null(strstr(life.diag.text, "another process"));
    close(lock);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    case_end(&c, &life);
}

static void test_no_space(void **state)
{
    (void)state;
    char dir[64];
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    case_open(&c, "8m-cc-v1_1");
    test_tmp_dir(dir);
    /* Room for the data, tree_d and one layer; then for two; then for all. */
    if (mount("none", dir, "tmpfs", 0, "size=36m")) {
        print_message("no tmpfs can be mounted here (%s): the test of a full disk did not run\n",
                      strerror(errno));
        test_rm_dir(dir);
        json_decref(c.vector);
        skip();
    }
    life_begin_in(&life, dir, &c.porep, c.miner, c.number, 2);
    assert_err(SLK_ERR_NOSPACE,
               slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
    assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=44m"), 0);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    assert_err(SLK_ERR_NOSPACE, slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag));
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=80m"), 0);
    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    check_files(&life, json_object_get(c.vector, "files_after_pc2"));
    /* Nothing left to write: the reports of what is complete need no writable disk. */
    assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=80m"), 0);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    assert_true(life_is_sound(&life));
    /* finalize makes room, so it has to work without any. */
    assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=80m"), 0);
    char filler[128];
    static const uint8_t page[4096];
    snprintf(filler, sizeof filler, "%s/filler", dir);
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    while (write(fd, page, sizeof page) == sizeof page)
        ;
    close(fd);
    assert_ok(slk_seal_finalize(&life.sector, false, NULL, NULL, &life.diag), life.diag);
    assert_true(life_is_sound(&life));
    slk_pool_free(life.job.pool);
    json_decref(c.vector);
    assert_int_equal(umount(dir), 0);
    test_rm_dir(dir);
}

/* Layers that another program left, without any record of ours. */
static void test_foreign_layers(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    char path[512], layer2[512];
    case_begin(&c, &life, "8m-cc-v1_1");
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    life_path(path, &life, SLK_RECORD_NAME);
    life_path(layer2, &life, "sc-02-data-layer-2.dat");
    unlink(path);
    unlink(layer2);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    assert_int_equal(pc1.labels_resumed_from, c.porep.size->nodes);
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    /* Of another ticket: node 0 tells. */
    unlink(path);
    slk_node_t other = c.ticket;
    other.b[5] ^= 8;
    assert_err(SLK_ERR_MISMATCH,
               slk_seal_pc1(&pc1, &life.sector, &other, NULL, &life.job, &life.diag));
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    case_end(&c, &life);
}

static void test_wrong_sizes(void **state)
{
    (void)state;
    case_t c;
    life_t life;
    slk_pc1_t pc1;
    case_begin(&c, &life, "2k-cc-v1_1");
    static const struct {
        size_t len;
        slk_err_t want;
    } rows[] = {{100, SLK_ERR_LENGTH}, {2049, SLK_ERR_LENGTH}, {4096, SLK_ERR_LENGTH}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *zeros = calloc(1, rows[i].len);
        assert_ok(slk_write_file(life.unsealed, zeros, rows[i].len, &life.diag), life.diag);
        free(zeros);
        assert_err(rows[i].want,
                   slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
        assert_non_null(strstr(life.diag.text, life.unsealed));
    }
    /* Not padded data: the top bits are set. */
    uint8_t ones[2048];
    memset(ones, 0xff, sizeof ones);
    assert_ok(slk_write_file(life.unsealed, ones, sizeof ones, &life.diag), life.diag);
    assert_err(SLK_ERR_FIELD,
               slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag));
    /* A Lotus trailer is no error: RLE+ and its length in 4 bytes. */
    uint8_t trailed[2048 + 3 + 4] = {0};
    trailed[2048 + 3] = 3;
    assert_ok(slk_write_file(life.unsealed, trailed, sizeof trailed, &life.diag), life.diag);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &c.ticket, NULL, &life.job, &life.diag), life.diag);
    check_files(&life, json_object_get(c.vector, "files_after_pc1"));
    case_end(&c, &life);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_damaged_checkpoint),
        cmocka_unit_test(test_damaged_layers),
        cmocka_unit_test(test_check_finds),
        cmocka_unit_test(test_c1_refuses),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_foreign_layers),
        cmocka_unit_test(test_wrong_sizes),
    };
    if (argc == 5 && strcmp(argv[1], "pc1") == 0)
        return pc1_child(argv[2], argv[3], argv[4]);
    const struct CMUnitTest kills_only[] = {cmocka_unit_test(test_kills)};
    if (argc > 1) {
        kills_wanted = atoi(argv[1]);
        random_state ^= (uint64_t)time(NULL) << 20;
        return cmocka_run_group_tests(kills_only, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
