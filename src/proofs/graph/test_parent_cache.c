/* Parent cache files: names, creation, and what happens to a file that is not what it should be. */
#include "proofs/graph/graph_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "test_util.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#define MAX_SZ (UINT64_C(16) << 20)

/* A graph, an empty folder, and where the graph's cache would be in it. */
typedef struct {
    slk_graph_t *graph;
    char dir[64], path[256], tmp[300];
} place_t;

static void place_name(place_t *p)
{
    char name[96];
    slk_parent_cache_name(&p->graph->porep, name);
    snprintf(p->path, sizeof p->path, "%s/%s", p->dir, name);
    snprintf(p->tmp, sizeof p->tmp, "%s.selkie-tmp", p->path);
}

static place_t place_new(int registered)
{
    place_t p;
    slk_porep_t porep;
    slk_diag_t diag;
    assert_ok(slk_porep_by_id(&porep, registered, &diag), diag);
    assert_ok(slk_graph_new(&p.graph, &porep, &diag), diag);
    test_tmp_dir(p.dir);
    place_name(&p);
    return p;
}

static void place_free(place_t *p)
{
    slk_graph_free(p->graph);
    test_rm_dir(p->dir);
}

static unsigned entries(const char *path)
{
    unsigned cnt = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        cnt += entry->d_name[0] != '.';
    closedir(dir);
    return cnt;
}

static void put(const char *path, const void *buf, size_t len)
{
    slk_diag_t diag;
    assert_ok(slk_write_file(path, buf, len, &diag), diag);
}

/* Open in a mode that must work, close; whether there was a cache. */
static bool opens(const place_t *p, slk_parent_cache_mode_t mode)
{
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    assert_ok(slk_parent_cache_open(&cache, p->dir, p->graph, mode, NULL, &diag), diag);
    bool there = cache != NULL;
    slk_parent_cache_close(cache);
    return there;
}

/* Open must fail in both modes, say why, and leave the file as it is. */
static void refused(const place_t *p, slk_err_t want, const char *sentence)
{
    char *before, *after;
    size_t before_len, after_len;
    slk_diag_t diag;
    assert_ok(slk_read_file(&before, &before_len, p->path, MAX_SZ, &diag), diag);
    for (int mode = SLK_PARENT_CACHE_IF_PRESENT; mode <= SLK_PARENT_CACHE_CREATE; mode++) {
        slk_parent_cache_t *cache;
        assert_err(want, slk_parent_cache_open(&cache, p->dir, p->graph,
                                               (slk_parent_cache_mode_t)mode, NULL, &diag));
        assert_null(cache);
        assert_non_null(strstr(diag.text, p->path));
        assert_non_null(strstr(diag.text, sentence));
    }
    assert_int_equal(entries(p->dir), 1);
    assert_ok(slk_read_file(&after, &after_len, p->path, MAX_SZ, &diag), diag);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, after_len);
    free(before);
    free(after);
}

/* --- Names ----------------------------------------------------------------------------------- */

static void names_are_the_reference_s(void **state)
{
    (void)state;
    static const char *const names[20] = {
        [0] = "3f0eef38bb48af1f48ad65e14eb85b4ebfc167cec18cd81764f6d998836c9899",
        [1] = "dcdabb0fbe4364bf0ac28b6a18c66de246409fa1a9020a00f33fb3e3053da6dc",
        [2] = "2aa9c77c3e58259481351cc4be2079cc71e1c9af39700866545c043bfa30fb42",
        [3] = "e1fa5d5b811ddbd118be3412c4a8c329156b8b8acc72632bca459455b5a05a13",
        [4] = "8a99e8d6b6be7ab87a56b632e6739ff201c23ea14e99737c74690f0e265574d6",
        [5] = "494d91dc80f2df5272c4b9e129bc7ade9405225993af9fe34e6542a39a47554b",
        [6] = "5eed212119fd91aa6220a27f31a8966444a9381842bceb3a1ea61525bd47a5b5",
        [7] = "7ba215a1d2345774ab90b8cb1158d296e409d6068819d7b8c7baf0b25d63dc34",
        [8] = "21981246c370f9d76c7a77ab273d94bde0ceb4e938292334960bce05585dc117",
        [9] = "4905486b7af19558ac3649bc6261411858b6add534438878c4ee3b29d8b9de0b",
        [10] = "1aa0c04f9b6b2ba6ece696274b0f0b53438c9acd1ae1b3943d837bacb65ad66b",
        [13] = "716c0c62d7111a1f43ddbc54102052f151fdf2162ba7605786aa51c495aa6e65",
        [14] = "4dd21860b4d7f1e3ec09fdf61f75022a1d179d5b47bbf340f93fb6f61cced893",
        [15] = "896a357165f80a0aedd30a419e412a4ef3e8d95718896655dd42fd415eab41a2",
        [18] = "e6ed6d53a2e35ffd6bf01b8a00fe56067c8df7b23c2c016363e452cad2621344",
        [19] = "26a594a55cf444adc848b9682e1486b8d0bfa7846ee3f20cb6e754afe2778941",
    };
    for (int id = 0; id < 20; id++) {
        slk_porep_t porep;
        slk_diag_t diag;
        char got[96], want[96];
        if (!names[id])
            continue;
        assert_ok(slk_porep_by_id(&porep, id, &diag), diag);
        slk_parent_cache_name(&porep, got);
        snprintf(want, sizeof want, "v28-sdr-parent-%s.cache", names[id]);
        assert_string_equal(got, want);
    }
}

static void folder_follows_the_environment(void **state)
{
    (void)state;
    char dir[64];
    bool chosen;
    slk_diag_t diag;
    unsetenv("FIL_PROOFS_PARENT_CACHE");
    unsetenv("FIL_PROOFS_CACHE_DIR");
    assert_ok(slk_parent_cache_dir(dir, sizeof dir, &chosen, &diag), diag);
    assert_string_equal(dir, "/var/tmp/filecoin-parents");
    assert_false(chosen);
    setenv("FIL_PROOFS_CACHE_DIR", "/data/cache-", 1);
    assert_ok(slk_parent_cache_dir(dir, sizeof dir, &chosen, &diag), diag);
    assert_string_equal(dir, "/data/cache-filecoin-parents");
    assert_true(chosen);
    setenv("FIL_PROOFS_PARENT_CACHE", "/data/parents", 1);
    assert_ok(slk_parent_cache_dir(dir, sizeof dir, &chosen, &diag), diag);
    assert_string_equal(dir, "/data/parents");
    assert_true(chosen);
    assert_err(SLK_ERR_LENGTH, slk_parent_cache_dir(dir, strlen("/data/parents"), &chosen, &diag));
    unsetenv("FIL_PROOFS_PARENT_CACHE");
    unsetenv("FIL_PROOFS_CACHE_DIR");
}

/* --- Creation -------------------------------------------------------------------------------- */

static void created_as_the_reference_does(void **state)
{
    (void)state;
    static const struct {
        int registered;
        unsigned threads;
    } rows[] = {{0, 1}, {5, 3}, {6, 4}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        place_t p = place_new(rows[i].registered);
        uint64_t nodes = p.graph->porep.size->nodes;
        slk_job_t job = {.progress = slk_progress_new()};
        slk_progress_view_t view;
        slk_parent_cache_t *cache, *second;
        slk_diag_t diag;
        assert_ok(slk_pool_new(&job.pool, rows[i].threads, &diag), diag);
        assert_ok(
            slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, &job, &diag),
            diag);
        slk_progress_view(job.progress, &view);
        assert_string_equal(view.stage, "checking parent cache");
        assert_int_equal(view.serial, 2);
        assert_int_equal(view.done, nodes * SLK_PARENT_ROW_SZ);
        assert_int_equal(view.total, view.done);
        assert_int_equal(entries(p.dir), 1);

        uint32_t want[7][SLK_PARENT_CNT];
        slk_graph_parents(p.graph, nodes / 3, 7, want);
        assert_memory_equal(slk_parent_cache_rows(cache, nodes / 3), want, sizeof want);
        char *text;
        size_t len;
        slk_node_t digest, known;
        assert_ok(slk_read_file(&text, &len, p.path, MAX_SZ, &diag), diag);
        assert_int_equal(len, nodes * SLK_PARENT_ROW_SZ);
        slk_sha256(&digest, text, len);
        assert_true(slk_parent_digest(&known, &p.graph->porep));
        assert_memory_equal(&digest, &known, sizeof known);
        free(text);

        assert_ok(slk_parent_cache_open(&second, p.dir, p.graph, SLK_PARENT_CACHE_IF_PRESENT, NULL,
                                        &diag),
                  diag);
        assert_memory_equal(slk_parent_cache_rows(second, 0), slk_parent_cache_rows(cache, 0), len);
        slk_parent_cache_close(second);
        slk_parent_cache_close(cache);
        slk_pool_free(job.pool);
        slk_progress_free(job.progress);
        place_free(&p);
    }
}

static void absent_is_no_error_unless_asked_for(void **state)
{
    (void)state;
    place_t p = place_new(5);
    assert_false(opens(&p, SLK_PARENT_CACHE_IF_PRESENT));
    assert_int_equal(entries(p.dir), 0);
    strcat(p.dir, "/a/b");
    place_name(&p);
    assert_false(opens(&p, SLK_PARENT_CACHE_IF_PRESENT));
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    *strstr(p.dir, "/a/b") = 0;
    place_free(&p);
}

/* Children that create the same file begin together; all succeed and one file is there. */
static void many_creators_at_once(void **state)
{
    (void)state;
    enum { CREATORS = 4 };
    place_t p = place_new(6);
    int start[2];
    pid_t pids[CREATORS];
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < CREATORS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            slk_parent_cache_t *cache;
            slk_diag_t diag;
            char c;
            close(start[1]);
            (void)!read(start[0], &c, 1); /* until the parent closes its end */
            slk_err_t err =
                slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, NULL, &diag);
            if (err != SLK_OK)
                fprintf(stderr, "creator %d: %s\n", i, diag.text);
            _exit(err == SLK_OK && cache ? 0 : 1);
        }
        assert_true(pids[i] > 0);
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < CREATORS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(entries(p.dir), 1);
    assert_true(opens(&p, SLK_PARENT_CACHE_IF_PRESENT));
    place_free(&p);
}

/* Killed at any moment: the final name has nothing or all, and the next creator is not disturbed.
 */
static void killed_creators(void **state)
{
    (void)state;
    place_t p = place_new(6);
    unsigned unfinished = 0;
    for (int i = 0; i < 12; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            /* SIGPROF ends it after so much CPU time, however busy the machine is. */
            struct itimerval timer = {.it_value.tv_usec = 1000 + i * 3000};
            slk_parent_cache_t *cache;
            slk_diag_t diag;
            setitimer(ITIMER_PROF, &timer, NULL);
            _exit(slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, NULL,
                                        &diag));
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        if (opens(&p, SLK_PARENT_CACHE_IF_PRESENT))
            unlink(p.path);
        else
            unfinished++;
        assert_true(entries(p.dir) <= 1);
    }
    assert_true(unfinished > 0);
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_int_equal(entries(p.dir), 1);
    place_free(&p);
}

static void left_overs_are_used_or_removed(void **state)
{
    (void)state;
    static const char junk[10000] = "junk";
    place_t p = place_new(5);
    put(p.tmp, junk, sizeof junk);
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_int_equal(entries(p.dir), 1);

    put(p.tmp, junk, sizeof junk);
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_int_equal(entries(p.dir), 1);

    put(p.tmp, junk, sizeof junk);
    int holder = open(p.tmp, O_RDONLY);
    assert_int_equal(flock(holder, LOCK_EX), 0);
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_int_equal(entries(p.dir), 2);
    close(holder);
    place_free(&p);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    static const char junk[100];
    place_t p = place_new(5);
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    assert_err(SLK_ERR_CANCELLED,
               slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, &job, &diag));
    assert_int_equal(entries(p.dir), 0);

    /* While another one is at work: its file stays. */
    put(p.tmp, junk, sizeof junk);
    int holder = open(p.tmp, O_RDONLY);
    assert_int_equal(flock(holder, LOCK_EX), 0);
    assert_err(SLK_ERR_CANCELLED,
               slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, &job, &diag));
    assert_int_equal(entries(p.dir), 1);
    close(holder);

    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_err(SLK_ERR_CANCELLED, slk_parent_cache_open(&cache, p.dir, p.graph,
                                                        SLK_PARENT_CACHE_IF_PRESENT, &job, &diag));
    assert_true(opens(&p, SLK_PARENT_CACHE_IF_PRESENT));
    place_free(&p);
}

static void no_space_is_told_before_the_work(void **state)
{
    (void)state;
    place_t p = place_new(6);
    slk_job_t job = {.progress = slk_progress_new()};
    slk_progress_view_t view;
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    struct rlimit old, low;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    slk_err_t err =
        slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, &job, &diag);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(err, SLK_ERR_NOSPACE);
    assert_non_null(strstr(diag.text, p.path));
    assert_non_null(strstr(diag.text, "14680064 bytes"));
    slk_progress_view(job.progress, &view);
    assert_int_equal(view.serial, 0);
    assert_int_equal(entries(p.dir), 0);
    slk_progress_free(job.progress);
    place_free(&p);
}

/* --- Files that are not what they should be -------------------------------------------------- */

static void damaged_files_are_refused_and_stay(void **state)
{
    (void)state;
    place_t p = place_new(5);
    char *good;
    size_t len;
    slk_diag_t diag;
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    assert_ok(slk_read_file(&good, &len, p.path, MAX_SZ, &diag), diag);

    const size_t lengths[] = {0, 1, len - 1, len - SLK_PARENT_ROW_SZ};
    for (size_t i = 0; i < SLK_COUNT(lengths); i++) {
        put(p.path, good, lengths[i]);
        refused(&p, SLK_ERR_LENGTH, "expected 3584");
    }
    char *longer = calloc(1, len + 1);
    memcpy(longer, good, len);
    put(p.path, longer, len + 1);
    refused(&p, SLK_ERR_LENGTH, "3585 bytes");
    free(longer);

    const size_t places[] = {0, len / 2, len - 1};
    for (size_t i = 0; i < SLK_COUNT(places); i++) {
        good[places[i]] ^= 0x10;
        put(p.path, good, len);
        refused(&p, SLK_ERR_DIGEST,
                "840057702eea7652cf97e04306c30fe57174714d90de156a25eddd6075c25b97");
        good[places[i]] ^= 0x10;
    }
    put(p.path, good, len);
    assert_true(opens(&p, SLK_PARENT_CACHE_CREATE));
    free(good);
    place_free(&p);
}

static void file_of_another_graph(void **state)
{
    (void)state;
    place_t p = place_new(5), other = place_new(0);
    char *text;
    size_t len;
    slk_diag_t diag;
    assert_true(opens(&other, SLK_PARENT_CACHE_CREATE));
    assert_ok(slk_read_file(&text, &len, other.path, MAX_SZ, &diag), diag);
    put(p.path, text, len);
    refused(&p, SLK_ERR_DIGEST, "3da49221e2ed55371b86d0bf3d6526fcf128af61bed904f966428db1b531750d");
    free(text);
    place_free(&p);
    place_free(&other);
}

static void not_even_a_file(void **state)
{
    (void)state;
    place_t p = place_new(5);
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    assert_int_equal(mkdir(p.path, 0755), 0);
    assert_err(SLK_ERR_INPUT,
               slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, NULL, &diag));
    assert_int_equal(rmdir(p.path), 0);
    char file[100];
    snprintf(file, sizeof file, "%s/file", p.dir);
    put(file, "x", 1);
    for (int mode = SLK_PARENT_CACHE_IF_PRESENT; mode <= SLK_PARENT_CACHE_CREATE; mode++) {
        assert_err(SLK_ERR_NOTFOUND,
                   slk_parent_cache_open(&cache, file, p.graph, (slk_parent_cache_mode_t)mode, NULL,
                                         &diag));
        assert_non_null(strstr(diag.text, file));
    }
    place_free(&p);
}

/* As root the test becomes nobody for a moment, since root may read everything. */
static void no_permission(void **state)
{
    (void)state;
    place_t p = place_new(5);
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    bool root = geteuid() == 0;
    if (root && seteuid(65534))
        skip();
    if (!root)
        assert_int_equal(chmod(p.dir, 0), 0);
    slk_err_t present =
        slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_IF_PRESENT, NULL, &diag);
    slk_err_t made =
        slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, NULL, &diag);
    assert_int_equal(root ? seteuid(0) : chmod(p.dir, 0755), 0);
    assert_int_equal(present, SLK_ERR_PERM);
    assert_int_equal(made, SLK_ERR_PERM);
    assert_non_null(strstr(diag.text, p.dir));
    assert_int_equal(entries(p.dir), 0);
    place_free(&p);
}

static void graphs_without_a_digest(void **state)
{
    (void)state;
    place_t p = place_new(5);
    slk_porep_t porep;
    slk_parent_cache_t *cache;
    slk_diag_t diag;
    slk_node_t id = test_bytes32("some porep_id");
    slk_graph_free(p.graph);
    slk_porep_custom(&porep, slk_size_by_name("2KiB"), SLK_API_V1_1, SLK_FEATURE_NONE, id.b);
    assert_ok(slk_graph_new(&p.graph, &porep, &diag), diag);
    place_name(&p);
    assert_false(opens(&p, SLK_PARENT_CACHE_IF_PRESENT));
    assert_err(SLK_ERR_UNSUPPORTED,
               slk_parent_cache_open(&cache, p.dir, p.graph, SLK_PARENT_CACHE_CREATE, NULL, &diag));
    assert_int_equal(entries(p.dir), 0);
    put(p.path, "x", 1);
    refused(&p, SLK_ERR_UNSUPPORTED, "no digest is known");
    place_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_reference_s),
        cmocka_unit_test(folder_follows_the_environment),
        cmocka_unit_test(created_as_the_reference_does),
        cmocka_unit_test(absent_is_no_error_unless_asked_for),
        cmocka_unit_test(many_creators_at_once),
        cmocka_unit_test(killed_creators),
        cmocka_unit_test(left_overs_are_used_or_removed),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(no_space_is_told_before_the_work),
        cmocka_unit_test(damaged_files_are_refused_and_stay),
        cmocka_unit_test(file_of_another_graph),
        cmocka_unit_test(not_even_a_file),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(graphs_without_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
