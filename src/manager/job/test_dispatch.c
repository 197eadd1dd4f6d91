/* The dispatcher over real HTTP and a real database, with simulated workers. */
#include "manager/job/test_worker_simulated.h"

#include "base/file.h"
#include "codec/base64.h"
#include "manager/storage/storage_index.h"
#include "net/net.h"

#include <stdatomic.h>
#include <time.h>

#define BEAT  200
#define LEASE 700

typedef struct {
    char dir[64];
    sim_server_t s;
    sim_worker_t a, b;
    atomic_int ended, changed;
} fixture_t;

static slk_err_t on_ended(void *ctx, slk_db_t *db, const slk_job_view_t *job, int64_t now_ms,
                          slk_diag_t *diag)
{
    fixture_t *f = ctx;
    (void)now_ms;
    (void)diag;
    assert_true(slk_db_in_transaction(db));
    assert_true(job->state == SLK_JOB_DONE || job->state == SLK_JOB_FAILED);
    atomic_fetch_add(&f->ended, 1);
    return SLK_OK;
}

static void on_changed(void *ctx, uint64_t miner, uint64_t number)
{
    fixture_t *f = ctx;
    (void)number;
    assert_int_equal(miner, 1000);
    atomic_fetch_add(&f->changed, 1);
}

static void start(fixture_t *f)
{
    slk_job_hooks_t hooks = {on_ended, on_changed, f};
    sim_server_start(&f->s, f->dir, BEAT, LEASE, &hooks);
    f->a.port = f->b.port = f->s.port;
    f->a.token = f->b.token = f->s.token;
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);
    test_tmp_dir(f->dir);
    sim_worker_init(&f->a, 1, 0, NULL);
    sim_worker_init(&f->b, 2, 0, NULL);
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    sim_worker_free(&f->a);
    sim_worker_free(&f->b);
    sim_server_stop(&f->s);
    test_rm_dir(f->dir);
    free(f);
    return 0;
}

static void register_ok(sim_worker_t *w)
{
    json_t *answer = sim_register(w, NULL);
    if (!answer)
        fail_msg("register: %s", sim_diag.text);
    assert_int_equal(json_integer_value(json_object_get(answer, "BeatMs")), BEAT);
    json_decref(answer);
}

/* Beat until a job comes; its id and lease. */
static void take(sim_worker_t *w, json_int_t *id, json_int_t *lease)
{
    for (int i = 0; i < 100; i++) {
        json_t *orders = sim_beat(w, "[]", BEAT, NULL);
        if (!orders)
            fail_msg("beat: %s", sim_diag.text);
        const size_t cnt = sim_started(orders);
        if (cnt) {
            *id = sim_start(orders, 0, "ID");
            *lease = sim_start(orders, 0, "Lease");
        }
        json_decref(orders);
        if (cnt)
            return;
    }
    fail_msg("no job came to %s", w->name);
}

static void expect_state(fixture_t *f, int64_t id, slk_job_state_t state)
{
    slk_job_view_t view = sim_view(&f->s, id);
    json_decref(view.result);
    assert_int_equal(view.state, state);
}

static bool cancelled(json_t *orders, json_int_t id)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(orders, "Cancel"), i,
                       item) if (json_integer_value(item) == id) return true;
    return false;
}

/* --- The usual way ---------------------------------------------------------------------------- */

static void test_life(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    const int64_t want = sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    register_ok(&f->a);
    take(&f->a, &id, &lease);
    assert_int_equal(id, want);
    assert_int_equal(lease, 1);
    json_t *orders = sim_beat_job(&f->a, id, lease, 0);
    assert_int_equal(sim_started(orders), 0);
    assert_int_equal(json_array_size(json_object_get(orders, "Cancel")), 0);
    json_decref(orders);
    expect_state(f, id, SLK_JOB_RUNNING);
    /* Promised space is on record while it runs. */
    json_t *storage = NULL;
    assert_ok(slk_dispatch_storage(f->s.dispatch, &storage, &sim_diag), sim_diag);
    json_t *path = json_array_get(storage, 0);
    assert_string_equal(json_string_value(json_object_get(path, "ID")), "path-1");
    /* sealed 1.0 and cache 14.1 sectors of 2 KiB */
    assert_int_equal(json_integer_value(json_object_get(path, "Reserved")), 2048 + 2048 * 141 / 10);
    assert_true(json_is_true(json_object_get(path, "Usable")));
    json_decref(storage);
    /* Another worker cannot end it, nor the right one under another lease. */
    assert_int_equal(sim_done(&f->b, id, lease, "{}", "[]", NULL), 0);
    assert_int_equal(sim_done(&f->a, id, lease + 1, "{}", "[]", NULL), 0);
    const char *made =
        "[{\"Type\":\"sealed\",\"Store\":\"path-1\"},{\"Type\":\"cache\",\"Store\":\"path-1\"}]";
    assert_int_equal(sim_done(&f->a, id, lease, "{\"CommD\":\"00\"}", made, NULL), 1);
    assert_int_equal(sim_done(&f->a, id, lease, "{\"CommD\":\"00\"}", made, NULL), 1); /* again */
    assert_int_equal(atomic_load(&f->ended), 1);
    assert_true(atomic_load(&f->changed) >= 2);
    slk_job_view_t view = sim_view(&f->s, id);
    assert_int_equal(view.state, SLK_JOB_DONE);
    assert_string_equal(view.worker, "w1");
    assert_string_equal(json_string_value(json_object_get(view.result, "CommD")), "00");
    json_decref(view.result);
    assert_ok(slk_dispatch_storage(f->s.dispatch, &storage, &sim_diag), sim_diag);
    path = json_array_get(storage, 0);
    assert_int_equal(json_integer_value(json_object_get(path, "Reserved")), 0);
    assert_int_equal(json_integer_value(json_object_get(path, "Sectors")), 1);
    json_decref(storage);
    /* Its next step goes to where the files are, although another is free. */
    register_ok(&f->b);
    sim_add(&f->s, "k2", 5, SLK_TASK_PC2);
    take(&f->a, &id, &lease);
    orders = sim_beat_job(&f->a, id, lease, 0);
    json_decref(orders);
    assert_int_equal(sim_failed(&f->a, id, lease, "input"), 1);
    expect_state(f, id, SLK_JOB_FAILED);
    assert_int_equal(atomic_load(&f->ended), 2);
}

/* An answer that never arrived is said again. */
static void test_lost_answer(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease, id2, lease2;
    register_ok(&f->a);
    sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    take(&f->a, &id, &lease);
    take(&f->a, &id2, &lease2);
    assert_int_equal(id, id2);
    assert_int_equal(lease, lease2);
}

/* --- Leases ----------------------------------------------------------------------------------- */

static void test_expiry_and_fencing(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease, id2, lease2;
    register_ok(&f->a);
    sim_add(&f->s, "k1", 5, SLK_TASK_C2);
    take(&f->a, &id, &lease);
    /* It is silent; the other gets the job after the lease. */
    const uint64_t began = slk_net_now_ms();
    register_ok(&f->b);
    take(&f->b, &id2, &lease2);
    assert_true(slk_net_now_ms() - began > LEASE / 2);
    assert_int_equal(id2, id);
    assert_int_equal(lease2, lease + 1);
    /* The first one comes back: it is told, and its result is not taken. */
    json_t *orders = sim_beat_job(&f->a, id, lease, 0);
    assert_true(cancelled(orders, id));
    json_decref(orders);
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 0);
    expect_state(f, id, SLK_JOB_RUNNING);
    assert_int_equal(sim_done(&f->b, id, lease2, "{}", "[]", NULL), 1);
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 0);
    slk_job_view_t view = sim_view(&f->s, id);
    assert_string_equal(view.worker, "w2");
    assert_int_equal(view.tries, 2);
    json_decref(view.result);
}

static void wait_state(fixture_t *f, int64_t id, slk_job_state_t state)
{
    for (int i = 0; i < 200; i++) {
        slk_job_view_t view = sim_view(&f->s, id);
        json_decref(view.result);
        if (view.state == state)
            return;
        usleep(20000);
    }
    expect_state(f, id, state);
}

/* Late, but nobody took it: it goes on under the same lease, and what was promised is promised
 * again. */
static void test_late_worker_goes_on(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    register_ok(&f->a);
    sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    take(&f->a, &id, &lease);
    wait_state(f, id, SLK_JOB_QUEUED);
    json_t *orders = sim_beat_job(&f->a, id, lease, 0), *storage = NULL;
    assert_false(cancelled(orders, id));
    json_decref(orders);
    expect_state(f, id, SLK_JOB_RUNNING);
    assert_ok(slk_dispatch_storage(f->s.dispatch, &storage, &sim_diag), sim_diag);
    assert_true(json_integer_value(json_object_get(json_array_get(storage, 0), "Reserved")) > 0);
    json_decref(storage);
    /* Later still, and with the result alone. */
    wait_state(f, id, SLK_JOB_QUEUED);
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 1);
    expect_state(f, id, SLK_JOB_DONE);
}

/* --- A manager that is started anew ----------------------------------------------------------- */

static void test_restart(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    int64_t code = 0;
    char jobs[160];
    register_ok(&f->a);
    sim_add(&f->s, "k1", 5, SLK_TASK_C2);
    take(&f->a, &id, &lease);
    sim_server_stop(&f->s);
    start(f);
    snprintf(jobs, sizeof jobs, "[{\"ID\":%lld,\"Lease\":%lld}]", (long long)id, (long long)lease);
    assert_null(sim_beat(&f->a, jobs, 0, &code));
    assert_int_equal(code, SLK_RPC_UNKNOWN_SESSION);
    register_ok(&f->a);
    json_t *orders = sim_beat_job(&f->a, id, lease, 0);
    assert_int_equal(json_array_size(json_object_get(orders, "Cancel")), 0);
    assert_int_equal(sim_started(orders), 0);
    json_decref(orders);
    assert_int_equal(sim_done(&f->a, id, lease, "{\"Proof\":\"\"}", "[]", NULL), 1);
    sim_server_stop(&f->s);
    start(f);
    /* The answer was lost with the manager: saying it again, also before registering, is
     * harmless. */
    assert_int_equal(sim_done(&f->a, id, lease, "{\"Proof\":\"\"}", "[]", NULL), 1);
    assert_int_equal(atomic_load(&f->ended), 1);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    fixture_t *f = *state;
    int64_t code = 0;
    char token[SLK_TOKEN_TEXT_MAX];
    assert_null(sim_beat(&f->a, "[]", 0, &code));
    assert_int_equal(code, SLK_RPC_UNKNOWN_SESSION);
    assert_null(sim_call(&f->a, "Selkie.WorkerRegister", &code,
                         "[{\"Protocol\":2,\"Version\":\"9\",\"Name\":\"new\"}]"));
    assert_int_equal(code, SLK_RPC_WRONG_PROTOCOL);
    assert_non_null(strstr(sim_diag.text, "the manager is older"));
    assert_null(sim_call(&f->a, "Selkie.WorkerRegister", &code, "[{\"Protocol\":0}]"));
    assert_int_equal(code, SLK_RPC_WRONG_PROTOCOL);
    assert_non_null(strstr(sim_diag.text, "the worker is older"));
    assert_null(sim_call(&f->a, "Selkie.WorkerRegister", &code, "[{\"Protocol\":1}]"));
    assert_int_equal(code, SLK_RPC_PARSE);
    assert_null(sim_call(&f->a, "Selkie.JobDone", &code, "[{\"ID\":1,\"Lease\":1}]"));
    assert_int_equal(code, SLK_RPC_PARSE);
    assert_int_equal(sim_done(&f->a, 77, 1, "{}", "[]", NULL), 0);
    assert_null(
        sim_call(&f->a, "Selkie.JobFailed", &code, "[{\"ID\":1,\"Lease\":1,\"Class\":\"odd\"}]"));
    assert_int_equal(code, SLK_RPC_PARSE);
    assert_null(sim_call(&f->a, "Selkie.StorageDeclare", &code,
                         "[{\"Worker\":\"%s\",\"Store\":\"path-1\",\"First\":true,\"Last\":true}]",
                         f->a.id));
    assert_int_equal(code, SLK_RPC_ERROR);
    /* Rights: none of Lotus' but admin lets a caller in, and a worker may nothing else. */
    slk_token_new(token, &f->s.key, SLK_PERM_READ | SLK_PERM_WRITE | SLK_PERM_SIGN);
    f->a.token = token;
    assert_null(sim_register(&f->a, &code));
    assert_int_equal(code, SLK_RPC_ERROR);
    assert_non_null(strstr(sim_diag.text, "need 'worker'"));
    slk_token_new(token, &f->s.key, slk_perms_upto(SLK_PERM_ADMIN));
    register_ok(&f->a);
    /* One that was taken back is none. */
    f->a.token = f->s.token;
    register_ok(&f->a);
    assert_ok(slk_token_store_revoke(f->s.tokens, f->s.token_id, 9, &sim_diag), sim_diag);
    assert_null(sim_register(&f->a, &code));
    assert_int_equal(code, 0);
    assert_err(SLK_ERR_NOTFOUND, slk_token_store_revoke(f->s.tokens, "nobody", 9, &sim_diag));
    json_t *list = NULL;
    assert_ok(slk_token_store_list(f->s.tokens, &list, &sim_diag), sim_diag);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "Revoked")), 9);
    json_decref(list);
}

/* A wrong clock harms nothing and is told. */
static void test_wrong_clock(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    json_t *workers = NULL;
    register_ok(&f->a); /* its clock says 1970 */
    sim_add(&f->s, "k1", 5, SLK_TASK_C2);
    take(&f->a, &id, &lease);
    assert_ok(slk_dispatch_workers(f->s.dispatch, &workers, &sim_diag), sim_diag);
    json_t *w = json_array_get(workers, 0);
    assert_true(json_integer_value(json_object_get(w, "ClockSkewMs")) < -1000000000000);
    assert_string_equal(json_string_value(json_object_get(w, "State")), "active");
    assert_int_equal(json_array_size(json_object_get(w, "Jobs")), 1);
    json_decref(workers);
}

/* --- Operators -------------------------------------------------------------------------------- */

static void test_wishes(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    json_t *orders, *diagram = NULL;
    char why[512] = "";
    register_ok(&f->a);
    assert_ok(slk_dispatch_wish(f->s.dispatch, "w1", SLK_WORKER_PAUSED, &sim_diag), sim_diag);
    assert_err(SLK_ERR_NOTFOUND,
               slk_dispatch_wish(f->s.dispatch, "w9", SLK_WORKER_PAUSED, &sim_diag));
    const int64_t job = sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    orders = sim_beat(&f->a, "[]", BEAT, NULL);
    assert_true(json_is_true(json_object_get(orders, "Paused")));
    assert_int_equal(sim_started(orders), 0);
    json_decref(orders);
    for (int i = 0; i < 100 && !*why; i++) {
        usleep(20000);
        slk_dispatch_why(f->s.dispatch, job, why, sizeof why);
    }
    assert_non_null(strstr(why, "paused"));
    json_t *answers = NULL;
    assert_ok(slk_dispatch_ask(f->s.dispatch, job, &answers, &sim_diag), sim_diag);
    assert_int_equal(json_array_size(answers), 1);
    assert_non_null(
        strstr(json_string_value(json_object_get(json_array_get(answers, 0), "Reason")), "paused"));
    json_decref(answers);
    assert_err(SLK_ERR_NOTFOUND, slk_dispatch_ask(f->s.dispatch, job + 1, &answers, &sim_diag));
    assert_ok(slk_dispatch_sched_diag(f->s.dispatch, &diagram, &sim_diag), sim_diag);
    json_t *requests = json_object_get(json_object_get(diagram, "SchedInfo"), "Requests");
    assert_int_equal(json_array_size(requests), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(requests, 0), "Why")),
                        why);
    json_decref(diagram);
    assert_ok(slk_dispatch_wish(f->s.dispatch, f->a.id, SLK_WORKER_ACTIVE, &sim_diag), sim_diag);
    take(&f->a, &id, &lease);
    assert_int_equal(id, job);
    /* Aborted while it runs: the worker hears of it at once, although its beat waits. */
    assert_ok(slk_dispatch_abort(f->s.dispatch, id, "a test says so", &sim_diag), sim_diag);
    assert_err(SLK_ERR_STATE, slk_dispatch_abort(f->s.dispatch, id, "again", &sim_diag));
    assert_err(SLK_ERR_NOTFOUND, slk_dispatch_abort(f->s.dispatch, 4711, "none", &sim_diag));
    orders = sim_beat_job(&f->a, id, lease, BEAT);
    assert_true(cancelled(orders, id));
    json_decref(orders);
    slk_job_view_t view = sim_view(&f->s, id);
    /* As long as it has not let go, nobody else gets the sector's files. */
    register_ok(&f->b);
    const int64_t again = sim_add(&f->s, "again", view.number, SLK_TASK_PC1);
    for (int i = 0; i < 4; i++) {
        json_decref(sim_beat_job(&f->a, id, lease, 0));
        orders = sim_beat(&f->b, "[]", BEAT, NULL);
        assert_int_equal(sim_started(orders), 0);
        json_decref(orders);
    }
    slk_dispatch_why(f->s.dispatch, again, why, sizeof why);
    assert_non_null(strstr(why, "has the sector's files"));
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 0);
    json_decref(sim_beat(&f->a, "[]", 0, NULL));
    wait_state(f, again, SLK_JOB_RUNNING);
    assert_int_equal(view.failure, SLK_FAILURE_CANCELLED);
    assert_string_equal(view.error, "a test says so");
    assert_int_equal(atomic_load(&f->ended), 1);
}

/* --- Space ------------------------------------------------------------------------------------ */

/* Room for one and a half: the second waits until the first has ended, whatever the reports say. */
static void test_space(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease, id2, lease2;
    f->a.available = 45000; /* PC1 takes 2048 + 28876 */
    register_ok(&f->a);
    sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    sim_add(&f->s, "k2", 6, SLK_TASK_PC1);
    take(&f->a, &id, &lease);
    char jobs[160];
    snprintf(jobs, sizeof jobs, "[{\"ID\":%lld,\"Lease\":%lld}]", (long long)id, (long long)lease);
    for (int i = 0; i < 4; i++) { /* not taken off by the worker: the manager does */
        json_t *orders = sim_beat(&f->a, jobs, BEAT, NULL);
        assert_int_equal(sim_started(orders), 0);
        json_decref(orders);
    }
    f->a.available = 45000 - 30924; /* taken off by the worker */
    for (int i = 0; i < 4; i++) {
        json_t *orders = sim_beat_job(&f->a, id, lease, BEAT);
        assert_int_equal(sim_started(orders), 0);
        json_decref(orders);
    }
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 1);
    f->a.available = 40000;
    take(&f->a, &id2, &lease2);
    assert_true(id2 != id);
}

/* One path at two workers: what one of them was promised is not there for the other, whose
 * reports cannot know of it. */
static void test_shared_space(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    json_t *list = NULL;
    strcpy(f->b.store, "path-1");
    f->a.available = f->b.available = 45000;
    register_ok(&f->a);
    register_ok(&f->b);
    assert_ok(slk_dispatch_wish(f->s.dispatch, "w2", SLK_WORKER_PAUSED, &sim_diag), sim_diag);
    sim_add(&f->s, "k1", 5, SLK_TASK_PC1);
    take(&f->a, &id, &lease);
    f->a.available = 45000 - 30924;
    json_decref(sim_beat_job(&f->a, id, lease, 0));
    json_decref(sim_beat(&f->b, "[]", 0, NULL));
    assert_ok(slk_dispatch_storage(f->s.dispatch, &list, &sim_diag), sim_diag);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "Available")),
                     45000 - 30924);
    json_decref(list);
    /* A path with an error is no path, nor one that nobody reports. */
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", NULL), 1);
    usleep(1100000); /* both silent */
    assert_ok(slk_dispatch_storage(f->s.dispatch, &list, &sim_diag), sim_diag);
    assert_true(json_is_false(json_object_get(json_array_get(list, 0), "Usable")));
    json_decref(list);
}

static slk_err_t add_due(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    int64_t *due = ctx, id;
    slk_job_want_t want = {.key = "due",
                           .miner = 1000,
                           .number = 9,
                           .task = SLK_TASK_C2,
                           .seal_proof = 5,
                           .deadline_ms = *due};
    return slk_job_add(db, &want, 1, &id, diag);
}

/* What cannot be in time any more is stopped, before it starts and while it runs. */
static void test_deadline(void **state)
{
    fixture_t *f = *state;
    slk_db_t *db = NULL;
    json_int_t id, lease;
    slk_job_view_t view;
    int64_t due = (int64_t)time(NULL) * 1000 + 1500;
    assert_ok(slk_db_open(&db, f->s.db, &sim_diag), sim_diag);
    assert_ok(slk_db_transact(db, add_due, &due, &sim_diag), sim_diag);
    slk_dispatch_wake(f->s.dispatch);
    register_ok(&f->a);
    take(&f->a, &id, &lease);
    json_t *orders = NULL;
    for (int i = 0; i < 30; i++) {
        json_decref(orders);
        orders = sim_beat_job(&f->a, id, lease, BEAT);
        if (cancelled(orders, id))
            break;
    }
    assert_true(cancelled(orders, id));
    json_decref(orders);
    assert_ok(slk_job_find(db, "due", &view, &sim_diag), sim_diag);
    assert_int_equal(view.state, SLK_JOB_FAILED);
    assert_int_equal(view.failure, SLK_FAILURE_CANCELLED);
    assert_non_null(strstr(view.error, "deadline"));
    assert_int_equal(atomic_load(&f->ended), 1);
    assert_ok(slk_db_run(db, "DELETE FROM job", SLK_NO_VALS, NULL, &sim_diag), sim_diag);
    due = 1;
    assert_ok(slk_db_transact(db, add_due, &due, &sim_diag), sim_diag);
    slk_dispatch_wake(f->s.dispatch);
    for (int i = 0; i < 100 && atomic_load(&f->ended) < 2; i++)
        usleep(20000);
    assert_int_equal(atomic_load(&f->ended), 2);
    slk_db_close(db);
}

/* --- Files ------------------------------------------------------------------------------------ */

static json_t *declare(sim_worker_t *w, const char *flags, const char *sectors, int64_t *code)
{
    return sim_call(w, "Selkie.StorageDeclare", code,
                    "[{\"Worker\":\"%s\",\"Store\":\"%s\",%s,\"Sectors\":%s}]", w->id, w->store,
                    flags, sectors);
}

static size_t holders(fixture_t *f, uint64_t number, slk_file_types_t types, slk_file_types_t *got)
{
    slk_db_t *db = NULL;
    slk_storage_holder_t *list = NULL;
    size_t cnt = 0;
    const slk_sector_id_t sector = {1000, number};
    assert_ok(slk_db_open(&db, f->s.db, &sim_diag), sim_diag);
    assert_ok(slk_storage_find(db, &sector, types, &list, &cnt, &sim_diag), sim_diag);
    *got = cnt ? list[0].types : 0;
    if (cnt)
        assert_string_equal(list[0].store, "path-1");
    free(list);
    slk_db_close(db);
    return cnt;
}

static void test_declare(void **state)
{
    fixture_t *f = *state;
    int64_t code = 0;
    slk_file_types_t got;
    const char *first = "\"First\":true,\"Last\":false", *last = "\"First\":false,\"Last\":true";
    const char *both = "\"First\":true,\"Last\":true";
    register_ok(&f->a);
    register_ok(&f->b);
    assert_null(declare(&f->a, last, "[]", &code));
    assert_int_equal(code, SLK_RPC_STALE);
    json_decref(declare(&f->a, first, "[{\"Miner\":1000,\"Number\":1,\"Types\":6}]", NULL));
    assert_int_equal(holders(f, 1, SLK_FT_ALL, &got), 0); /* not before the end */
    json_decref(declare(&f->a, last, "[{\"Miner\":1000,\"Number\":2,\"Types\":1}]", NULL));
    assert_int_equal(holders(f, 1, SLK_FT_SEALED, &got), 1);
    assert_int_equal(got, SLK_FT_SEALED);
    assert_int_equal(holders(f, 2, SLK_FT_ALL, &got), 1);
    assert_int_equal(got, SLK_FT_UNSEALED);
    /* What is not named any more is gone; what a job made meanwhile is not. */
    json_int_t id, lease;
    sim_add(&f->s, "k1", 3, SLK_TASK_C2);
    for (json_int_t taken = 0; !taken;) {
        json_t *orders = sim_beat(&f->a, "[]", BEAT, NULL);
        taken = sim_started(orders);
        if (taken) {
            id = sim_start(orders, 0, "ID");
            lease = sim_start(orders, 0, "Lease");
        } else if (sim_started(orders = (json_decref(orders), sim_beat(&f->b, "[]", 0, NULL)))) {
            skip(); /* it went to the other one: as good, and not what is looked at here */
        }
        json_decref(orders);
    }
    json_decref(declare(&f->a, first, "[{\"Miner\":1000,\"Number\":1,\"Types\":6}]", NULL));
    assert_int_equal(
        sim_done(&f->a, id, lease, "{}", "[{\"Type\":\"update\",\"Store\":\"path-1\"}]", NULL), 1);
    json_decref(declare(&f->a, last, "[]", NULL));
    assert_int_equal(holders(f, 1, SLK_FT_ALL, &got), 1);
    assert_int_equal(got, 6);
    assert_int_equal(holders(f, 2, SLK_FT_ALL, &got), 0);
    assert_int_equal(holders(f, 3, SLK_FT_ALL, &got), 1);
    /* Another who mounts it too began later: the first one's end means nothing. */
    strcpy(f->b.store, "path-1");
    register_ok(&f->b);
    json_decref(declare(&f->a, first, "[]", NULL));
    json_decref(declare(&f->b, first, "[{\"Miner\":1000,\"Number\":1,\"Types\":6}]", NULL));
    assert_null(declare(&f->a, last, "[]", &code));
    assert_int_equal(code, SLK_RPC_STALE);
    json_decref(declare(&f->b, last, "[]", NULL));
    assert_int_equal(holders(f, 1, SLK_FT_ALL, &got), 1);
    assert_int_equal(holders(f, 3, SLK_FT_ALL, &got), 0);
    json_t *list = NULL;
    assert_ok(slk_dispatch_storage(f->s.dispatch, &list, &sim_diag), sim_diag);
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "URLs")), 2);
    json_decref(list);
    json_decref(declare(&f->a, both, "[]", NULL));
    assert_int_equal(holders(f, 1, SLK_FT_ALL, &got), 0);
    assert_null(declare(&f->a, both, "[{\"Miner\":1000,\"Number\":1,\"Types\":64}]", &code));
    assert_int_equal(code, SLK_RPC_PARSE);
}

/* --- Outputs ---------------------------------------------------------------------------------- */

static int output(fixture_t *f, const char *method, json_int_t id, json_int_t lease,
                  const char *body, const char *digest, char *out, size_t cap)
{
    char url[160], header[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/jobs/%lld/output?lease=%lld", f->s.port,
             (long long)id, (long long)lease);
    snprintf(header, sizeof header, "Digest: sha-256=%s", digest);
    const char *headers[] = {header, NULL};
    slk_http_call_t call = {.method = method,
                            .url = url,
                            .token = f->a.token,
                            .body = body,
                            .body_len = body ? strlen(body) : 0,
                            .headers = headers};
    slk_http_answer_t answer;
    assert_ok(slk_http_do(f->a.client, &call, &answer, &sim_diag), sim_diag);
    if (out)
        snprintf(out, cap, "%s", answer.body ? answer.body : "");
    const int status = answer.status;
    slk_http_answer_free(&answer);
    return status;
}

static void test_output(void **state)
{
    fixture_t *f = *state;
    json_int_t id, lease;
    int64_t code = 0;
    char got[64];
    slk_node_t sum;
    slk_sha256(&sum, "[\"proofs\"]", 10);
    const slk_node_hex_t right = slk_node_hex(&sum);
    register_ok(&f->a);
    json_decref(declare(&f->a, "\"First\":true,\"Last\":true",
                        "[{\"Miner\":1000,\"Number\":5,\"Types\":6}]", NULL));
    sim_add(&f->s, "k1", 5, SLK_TASK_C1);
    take(&f->a, &id, &lease);
    assert_int_equal(sim_done(&f->a, id, lease, "{}", "[]", &code), -1);
    assert_int_equal(code, SLK_RPC_NO_OUTPUT);
    assert_int_equal(output(f, "PUT", id, lease, "[\"proofs\"]", "00", NULL, 0), 400);
    assert_int_equal(output(f, "PUT", id, lease, "[\"proof!\"]", right.s, NULL, 0), 422);
    assert_int_equal(output(f, "PUT", id, lease + 1, "[\"proofs\"]", right.s, NULL, 0), 409);
    assert_int_equal(output(f, "PUT", id + 1, lease, "[\"proofs\"]", right.s, NULL, 0), 409);
    assert_int_equal(output(f, "GET", id, lease, NULL, right.s, NULL, 0), 404);
    assert_int_equal(output(f, "PUT", id, lease, "[\"proofs\"]", right.s, NULL, 0), 200);
    assert_int_equal(output(f, "PUT", id, lease, "[\"proofs\"]", right.s, NULL, 0), 200);
    assert_int_equal(sim_done(&f->a, id, lease, "{\"Partitions\":1}", "[]", &code), 1);
    assert_int_equal(output(f, "PUT", id, lease, "[\"proofs\"]", right.s, NULL, 0), 200); /* late */
    assert_int_equal(output(f, "GET", id, lease, NULL, right.s, got, sizeof got), 200);
    assert_string_equal(got, "[\"proofs\"]");
    char token[SLK_TOKEN_TEXT_MAX];
    slk_token_new(token, &f->s.key, SLK_PERM_READ);
    f->a.token = token;
    assert_int_equal(output(f, "GET", id, lease, NULL, right.s, NULL, 0), 403);
    /* With its job the output goes, at the latest when the manager is started anew; others stay. */
    char kept[256], lost[256], half[300];
    snprintf(kept, sizeof kept, "%s/%lld-%lld", f->s.outputs, (long long)id, (long long)lease);
    snprintf(lost, sizeof lost, "%s/4711-1", f->s.outputs);
    snprintf(half, sizeof half, "%s.selkie-tmp", kept);
    assert_ok(slk_write_file(lost, "x", 1, &sim_diag), sim_diag);
    assert_ok(slk_write_file(half, "x", 1, &sim_diag), sim_diag);
    sim_server_stop(&f->s);
    start(f);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(access(lost, F_OK), -1);
    assert_int_equal(access(half, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry_and_fencing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_worker_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wishes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_declare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_output, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
