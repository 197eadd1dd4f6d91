/* The parent's side, with shell scripts as processors that do what processors should not. */
#include "test_util.h"

#include "worker/processor.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#define READY "echo x processor ready; "
#define HELLO READY "echo '{\"selkie\":{\"protocol\":1}}'; "
/* "id" of the line that was read into $l */
#define ID "${l#*:}; i=${i%%,*}; "

static char logged[16384];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void log_line(void *ctx, const char *stage, const char *line)
{
    (void)ctx;
    pthread_mutex_lock(&log_lock);
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof logged - len, "%s: %.200s\n", stage, line);
    pthread_mutex_unlock(&log_lock);
}

static slk_processor_t *processor;
static slk_processor_result_t result;
static slk_diag_t diag;

static void begin_kind(const char *script, slk_processor_kind_t kind)
{
    const char *const args[] = {"-c", script, NULL};
    kind.stage = "x";
    kind.program = "/bin/sh";
    kind.args = args;
    kind.log = log_line;
    *logged = '\0';
    assert_ok(slk_processor_new(&processor, &kind, &diag), diag);
}

static void begin(const char *script)
{
    begin_kind(script, (slk_processor_kind_t){.grace_seconds = 5});
}

static slk_err_t call(const char *task)
{
    slk_processor_result_fini(&result);
    return slk_processor_call(
        processor, &(slk_processor_call_t){.task = task, .task_len = strlen(task)}, &result, &diag);
}

static void end(void)
{
    slk_processor_result_fini(&result);
    slk_processor_free(processor);
    processor = NULL;
}

static void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text ? text : "(nothing)");
}

/* --- Answers -------------------------------------------------------------------------------- */

static void test_answer(void **state)
{
    (void)state;
    begin(READY "while read -r l; do i=" ID
                "echo '{\"id\":'$i',\"err_msg\":null,\"output\":['$i', 1 ]}'; done");
    assert_int_equal(slk_processor_pid(processor), 0);
    assert_ok(slk_processor_start(processor, &diag), diag);
    assert_ok(slk_processor_start(processor, &diag), diag); /* is ready already */
    int pid = slk_processor_pid(processor);
    assert_true(pid > 0);
    assert_ok(call("{}"), diag);
    assert_string_equal(result.output, "[2, 1 ]");
    assert_int_equal(result.output_len, 7);
    assert_int_equal(result.end, SLK_PROCESSOR_DONE);
    assert_ok(call(" {\n} "), diag);
    assert_string_equal(result.output, "[3, 1 ]");
    assert_int_equal(slk_processor_pid(processor), pid);
    assert_err(SLK_ERR_INPUT, call("[]"));
    assert_err(SLK_ERR_INPUT, call("{"));
    end();
    assert_int_equal(kill(pid, 0), -1);
}

static void test_refused(void **state)
{
    (void)state;
    begin(READY "while read -r l; do i=" ID "echo said before >&2; "
                "echo '{\"id\":'$i',\"err_msg\":\"no space\",\"output\":null,\"err_code\":-3}'; "
                "done");
    assert_err(SLK_ERR_NOSPACE, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_REFUSED);
    assert_string_equal(diag.text, "no space");
    end();
    assert_has(logged, "x: said before");
}

typedef struct {
    const char *task;
    slk_err_t err;
    char output[64];
} caller_t;

static void *run_caller(void *ctx)
{
    caller_t *caller = ctx;
    slk_processor_result_t own;
    slk_diag_t own_diag;
    caller->err = slk_processor_call(
        processor, &(slk_processor_call_t){.task = caller->task, .task_len = strlen(caller->task)},
        &own, &own_diag);
    snprintf(caller->output, sizeof caller->output, "%s", own.output ? own.output : "");
    slk_processor_result_fini(&own);
    return NULL;
}

/* The second request is answered first, each with its own task. */
static void test_out_of_order(void **state)
{
    (void)state;
    caller_t callers[3] = {{.task = "{\"n\":1}"}, {.task = "{\"n\":2}"}, {.task = "{\"n\":3}"}};
    pthread_t threads[3];
    begin_kind(READY "read -r a; read -r b; read -r c; for l in \"$c\" \"$a\" \"$b\"; do i=" ID
                     "t=${l#*task\\\":}; echo '{\"id\":'$i',\"output\":'$t; done; read -r l",
               (slk_processor_kind_t){.concurrent = 3});
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, run_caller, &callers[i]);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].err, SLK_OK);
        assert_string_equal(callers[i].output, callers[i].task);
    }
    end();
}

static void test_garbage(void **state)
{
    (void)state;
    begin("echo hello; " READY "echo \"{\"; echo; head -c 70000 /dev/zero; echo; read -r l; "
          "echo '{\"id\":99,\"err_msg\":null,\"output\":1}'; "
          "echo '{\"id\":1,\"err_msg\":null,\"output\":1}'; read -r l");
    assert_ok(call("{}"), diag);
    assert_string_equal(result.output, "1");
    end();
    assert_has(logged, "no answer: hello");
    assert_has(logged, "no answer: {\n");
    assert_has(logged, "no answer: {\"id\":99");
}

/* More than pipes hold, in both directions. */
static void test_large(void **state)
{
    (void)state;
    enum { SZ = 5000000 };
    char *task = malloc(SZ + 16);
    size_t len = (size_t)sprintf(task, "{\"n\":\"");
    memset(task + len, 'a', SZ);
    strcpy(task + len + SZ, "\"}");
    begin(READY "n=$(head -n 1 | wc -c); printf '{\"id\":1,\"output\":[%d,\"' $n; "
                "head -c 3000000 /dev/zero | tr '\\0' b; echo '\"]}'; sleep 100");
    assert_ok(call(task), diag);
    assert_int_equal(result.output_len, 3000000 + strlen("[5000025,\"\"]"));
    assert_memory_equal(result.output, "[5000025,\"bbb", 13);
    free(task);
    end();
}

/* --- Ends ----------------------------------------------------------------------------------- */

static void test_crash(void **state)
{
    (void)state;
    begin(READY "read -r l; echo 'about to crash' >&2; kill -SEGV $$");
    assert_err(SLK_ERR_IO, call("{}"));
    int first = result.signal;
    assert_int_equal(result.end, SLK_PROCESSOR_DIED);
    assert_int_equal(first, SIGSEGV);
    assert_int_equal(result.exit_status, -1);
    assert_false(result.oom);
    assert_string_equal(result.stderr_tail, "about to crash\n");
    assert_has(diag.text, "x processor (pid ");
    assert_has(diag.text, ") was killed by signal 11 (Segmentation fault); the last that it said: "
                          "about to crash");
    assert_int_equal(slk_processor_pid(processor), 0);
    /* the next call has another child */
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_DIED);
    end();
}

static void test_exit(void **state)
{
    (void)state;
    begin(READY "read -r l; exit 3");
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.exit_status, 3);
    assert_int_equal(result.signal, 0);
    assert_has(diag.text, "ended with status 3");
    end();
    /* an answer just before the end counts, also without a line's end */
    begin(READY "read -r l; printf '{\"id\":1,\"output\":5}'");
    assert_ok(call("{}"), diag);
    assert_string_equal(result.output, "5");
    end();
}

/* Without standard output there is no answer to wait for. */
static void test_mute(void **state)
{
    (void)state;
    begin(READY "read -r l; exec >&-; sleep 100");
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_DIED);
    assert_has(diag.text, "closed its standard output, and was killed by signal 15");
    end();
}

static void test_stderr(void **state)
{
    (void)state;
    begin(READY "read -r l; i=0; head -c 300000 /dev/zero | tr '\\0' e >&2; echo >&2; "
                "echo 'the end' >&2; exit 1");
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.stderr_len, SLK_PROCESSOR_STDERR_MAX);
    assert_string_equal(result.stderr_tail + result.stderr_len - 10, "e\nthe end\n");
    assert_has(diag.text, "said: the end");
    end();
}

static void test_not_started(void **state)
{
    (void)state;
    slk_processor_kind_t kind = {.stage = "x", .program = "/nowhere/program"};
    assert_err(SLK_ERR_NOTFOUND, slk_processor_new(&processor, &kind, &diag));
    kind.program = "no-such-program-of-selkie";
    assert_err(SLK_ERR_NOTFOUND, slk_processor_new(&processor, &kind, &diag));
    kind.program = "/bin/sh";
    kind.cpus = "1-";
    assert_err(SLK_ERR_INPUT, slk_processor_new(&processor, &kind, &diag));

    begin("echo 'no such model' >&2; exit 7");
    assert_err(SLK_ERR_IO, slk_processor_start(processor, &diag));
    assert_has(diag.text, "ended with status 7; the last that it said: no such model");
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_NOT_STARTED);
    assert_int_equal(result.exit_status, 7);
    end();

    begin_kind("sleep 100", (slk_processor_kind_t){.ready_seconds = 0.3});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_NOT_STARTED);
    assert_has(diag.text, "was not ready after 0 s");
    end();

    kind = (slk_processor_kind_t){.stage = "x", .program = "/etc/passwd"};
    assert_err(SLK_ERR_PERM, slk_processor_new(&processor, &kind, &diag));
}

/* --- Time ----------------------------------------------------------------------------------- */

static void test_quiet(void **state)
{
    (void)state;
    begin_kind(HELLO "read -r l; sleep 100", (slk_processor_kind_t){.quiet_seconds = 0.5});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_HUNG);
    assert_int_equal(result.signal, SIGKILL);
    assert_has(diag.text, "said nothing for");
    end();
}

static void test_total(void **state)
{
    (void)state;
    begin_kind(READY "read -r l; sleep 100",
               (slk_processor_kind_t){.total_seconds = 0.5, .grace_seconds = 5});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_HUNG);
    assert_int_equal(result.signal, SIGTERM);
    end();
}

/* One of ours makes its checkpoint first, and says that its task was cancelled: not by the caller. */
static void test_told_to_end(void **state)
{
    (void)state;
    static const char script[] =
        "trap 'echo \"{\\\"id\\\":1,\\\"err_msg\\\":\\\"cancelled\\\",\\\"err_code\\\":-14}\"; "
        "exit 0' "
        "TERM; " HELLO "read -r l; while :; do sleep 0.1; done";
    begin_kind(script, (slk_processor_kind_t){.total_seconds = 0.5, .grace_seconds = 5});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_HUNG);
    assert_has(diag.text, "a task took more than 0 s; it says: cancelled");
    end();
    begin("(sleep 0.3; kill -TERM $$) & " HELLO
          "trap 'echo \"{\\\"id\\\":1,\\\"err_msg\\\":\\\"c\\\","
          "\\\"err_code\\\":-14}\"; exit 0' TERM; read -r l; while :; do sleep 0.1; done");
    assert_err(SLK_ERR_IO, call("{}"));
    assert_int_equal(result.end, SLK_PROCESSOR_DIED);
    assert_has(diag.text, "was told to end by somebody else; it says: c");
    end();
}

#define PROGRESS(n)                                                                                \
    "echo '{\"progress\":{\"id\":1,\"stage\":\"layer 1\",\"done\":" #n                             \
    ",\"total\":9,\"unit\":\"labels\"}}'; sleep 0.3; "

static void note_progress(void *ctx, const slk_progress_view_t *view)
{
    char *text = ctx;
    sprintf(text + strlen(text), "%s %d/%d %s;", view->stage, (int)view->done, (int)view->total,
            view->unit);
}

static void test_progress(void **state)
{
    (void)state;
    char seen[512] = "";
    begin(HELLO "read -r l; " PROGRESS(3) PROGRESS(3) PROGRESS(4) "echo '{\"id\":1,\"output\":1}'; "
                                                                  "read -r l");
    slk_processor_call_t with = {
        .task = "{}", .task_len = 2, .progress = note_progress, .progress_ctx = seen};
    assert_ok(slk_processor_call(processor, &with, &result, &diag), diag);
    assert_string_equal(seen, "layer 1 3/9 labels;layer 1 4/9 labels;");
    end();
    begin_kind(HELLO "read -r l; while :; do " PROGRESS(3) " done",
               (slk_processor_kind_t){.stall_seconds = 1, .grace_seconds = 5});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    assert_has(diag.text, "stood still for 1 s in layer 1");
    end();
}

/* --- Cancelling ----------------------------------------------------------------------------- */

static atomic_bool cancel_flag;

static void *cancel_soon(void *ctx)
{
    (void)ctx;
    usleep(300000);
    atomic_store(&cancel_flag, true);
    return NULL;
}

static slk_err_t call_cancelled(void)
{
    pthread_t thread;
    slk_processor_call_t with = {.task = "{}", .task_len = 2, .cancel = &cancel_flag};
    atomic_store(&cancel_flag, false);
    slk_processor_result_fini(&result);
    pthread_create(&thread, NULL, cancel_soon, NULL);
    slk_err_t err = slk_processor_call(processor, &with, &result, &diag);
    pthread_join(thread, NULL);
    assert_int_equal(result.end, SLK_PROCESSOR_CANCELLED);
    return err;
}

static void test_cancel(void **state)
{
    (void)state;
    /* one that has work to do at SIGTERM */
    begin("trap 'echo a checkpoint >&2; exit 0' TERM; " READY
          "read -r l; while :; do sleep 0.1; done");
    assert_err(SLK_ERR_CANCELLED, call_cancelled());
    assert_has(result.stderr_tail, "a checkpoint");
    end();
    /* one that does not listen */
    begin_kind("trap '' TERM; " READY "read -r l; while :; do sleep 0.1; done",
               (slk_processor_kind_t){.grace_seconds = 0.5});
    double began = slk_clock_seconds();
    assert_err(SLK_ERR_CANCELLED, call_cancelled());
    assert_int_equal(result.signal, SIGKILL);
    assert_true(slk_clock_seconds() - began >= 0.5);
    end();
    /* one of ours is asked, and goes on to live */
    begin(HELLO "while read -r l; do case $l in *cancel*) "
                "echo '{\"id\":'${l#*:}',\"err_msg\":\"cancelled\",\"err_code\":-14}' | tr -d '}' "
                "| sed 's/$/}/';; esac; done");
    assert_err(SLK_ERR_CANCELLED, call_cancelled());
    int pid = slk_processor_pid(processor);
    assert_true(pid > 0);
    assert_err(SLK_ERR_CANCELLED, call_cancelled());
    assert_int_equal(slk_processor_pid(processor), pid);
    end();
}

/* --- Surroundings ---------------------------------------------------------------------------- */

/* No descriptor of the parent, not even one without O_CLOEXEC; signals as a new program has them;
 * the CPUs asked for; the first to be killed for memory. */
static void test_surroundings(void **state)
{
    (void)state;
    int null = open("/dev/null", O_RDONLY), fd = fcntl(null, F_DUPFD, 77);
    close(null);
    assert_true(fd >= 77);
    const char *const envs[] = {"A=1 2", "B=3", NULL};
    signal(SIGPIPE, SIG_IGN);
    begin_kind(READY "read -r l; s=/proc/$$/status; "
                     "f=$(echo /proc/$$/fd/*); f=$(echo $f | sed 's,/proc/[0-9]*/fd/,,g'); "
                     "printf '{\"id\":1,\"output\":[\"%s\",\"%s\",\"%s\",\"%s\",\"%s %s\",%s]}\\n' "
                     "\"$f\" \"$(sed -n 's/^Cpus_allowed_list:\\t//p' $s)\" "
                     "\"$(sed -n 's/^SigIgn:\\t//p' $s)\" \"$(sed -n 's/^SigBlk:\\t//p' $s)\" "
                     "\"$A\" \"$B$VC_CG_NAME$SELKIE_PROCESSOR_PROGRESS\" "
                     "$(cat /proc/$$/oom_score_adj); read -r l",
               (slk_processor_kind_t){.cpus = "0", .envs = envs});
    assert_ok(call("{}"), diag);
    json_t *got = json_loads(result.output, 0, NULL);
    const char *fds = json_string_value(json_array_get(got, 0));
    /* Signals 32 and 33 are the C library's own; programs that make starts have them ignored. */
    const unsigned long long own = 0x180000000ull;
    /* a shell has the folder open that it lists */
    if (strcmp(fds, "0 1 2") != 0 && strcmp(fds, "0 1 2 3") != 0)
        fail_msg("descriptors: %s", fds);
    assert_string_equal(json_string_value(json_array_get(got, 1)), "0");
    for (size_t i = 2; i < 4; i++)
        assert_int_equal(strtoull(json_string_value(json_array_get(got, i)), NULL, 16) & ~own, 0);
    assert_string_equal(json_string_value(json_array_get(got, 4)), "1 2 31");
    assert_true(json_integer_value(json_array_get(got, 5)) >= 500);
    json_decref(got);
    close(fd);
    signal(SIGPIPE, SIG_DFL);
    end();
}

/* What a child started goes with it. */
static void test_group(void **state)
{
    (void)state;
    begin_kind(READY "sleep 1000 & echo $! >&2; read -r l; wait",
               (slk_processor_kind_t){.total_seconds = 0.3, .grace_seconds = 5});
    assert_err(SLK_ERR_TIMEOUT, call("{}"));
    int pid = atoi(result.stderr_tail);
    assert_true(pid > 0);
    for (int i = 0; i < 50 && kill(pid, 0) == 0; i++) {
        char path[64], text[128] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *file = fopen(path, "r");
        if (!file || !fgets(text, sizeof text, file) || strstr(text, ") Z "))
            pid = 0; /* waits for nobody but init */
        if (file)
            fclose(file);
        if (!pid)
            break;
        usleep(20000);
    }
    assert_true(pid == 0 || kill(pid, 0) != 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_order), cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_large),        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_mute),         cmocka_unit_test(test_exit),
        cmocka_unit_test(test_stderr),       cmocka_unit_test(test_not_started),
        cmocka_unit_test(test_quiet),        cmocka_unit_test(test_total),
        cmocka_unit_test(test_told_to_end),  cmocka_unit_test(test_progress),
        cmocka_unit_test(test_cancel),       cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
