#include "app/app.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "selkie/cpu.h"
#include "selkie/groth16.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* --- Signals -------------------------------------------------------------------------------- */

static atomic_bool cancelled;

static void on_signal(int number)
{
    int saved = errno;
    if (atomic_exchange(&cancelled, true)) {
        signal(number, SIG_DFL);
        raise(number); /* delivered when this handler returns */
    } else if (isatty(STDERR_FILENO)) {
        static const char note[] = "\nselkie: ending; once more to end at once\n";
        ssize_t ignored = write(STDERR_FILENO, note, sizeof note - 1);
        (void)ignored;
    }
    errno = saved;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- A command's surroundings ---------------------------------------------------------------- */

static atomic_bool reload_asked;

static void on_hangup(int number)
{
    (void)number;
    atomic_store(&reload_asked, true);
}

atomic_bool *slk_app_reload(void)
{
    signal(SIGHUP, on_hangup);
    return &reload_asked;
}

slk_err_t slk_app_usage(slk_app_t *app, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(app->diag.text, sizeof app->diag.text, fmt, args);
    va_end(args);
    app->usage = true;
    return SLK_ERR_INPUT;
}

slk_err_t slk_app_job(slk_app_t *app, const slk_args_t *args, const char *go_on)
{
    const slk_value_t *threads = &args->opt[SLK_OPT_THREADS];
    slk_err_t err =
        slk_pool_new(&app->job.pool, threads->given ? (unsigned)threads->num : 0, &app->diag);
    if (err != SLK_OK)
        return err;
    app->go_on = go_on;
    app->job.cancel = &cancelled;
    catch_signals();
    if (args->opt[SLK_OPT_JSON].given || args->opt[SLK_OPT_QUIET].given)
        return SLK_OK;
    app->job.progress = slk_progress_new();
    if (!app->job.progress)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    return slk_progress_view_start(&app->view, app->job.progress, stderr, &app->diag);
}

void slk_app_verdict(slk_app_t *app, const slk_args_t *args, bool valid)
{
    char title[64];
    slk_result_json(app, "valid", json_boolean(valid));
    app->answer_no = !valid;
    if (valid)
        return;
    slk_progress_view_stop(app->view);
    app->view = NULL;
    slk_command_title(title, args->command);
    fprintf(stderr, "%s: %s\n", title, app->diag.text);
}

void slk_app_verdict_of(slk_app_t *app, const slk_args_t *args, const char *path, bool valid)
{
    slk_diag_t why = app->diag;
    if (!valid)
        slk_fail(&app->diag, SLK_OK, "%s: %s", path, why.text);
    slk_app_verdict(app, args, valid);
}

/* Before hours of work: can a file of this name be written? */
static slk_err_t can_write(const char *path, slk_diag_t *diag)
{
    struct stat st;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return slk_fail(diag, SLK_ERR_INPUT, "%s: is a folder; give a file", path);
    slk_err_t err = slk_new_file_open(&file, path, 0, diag);
    slk_new_file_abort(&file);
    return err;
}

slk_err_t slk_app_limits(slk_prove_limits_t *out, char *partial, size_t cap, slk_app_t *app,
                         const slk_args_t *args)
{
    const char *path = args->opt[SLK_OPT_OUT].text;
    const slk_value_t *memory = &args->opt[SLK_OPT_MEMORY];
    if ((size_t)snprintf(partial, cap, "%s.partial", path) >= cap)
        return slk_fail(&app->diag, SLK_ERR_LENGTH, "%s: the path is too long; use a shorter one",
                        path);
    if (memory->given && !memory->num)
        return slk_app_usage(app, "--memory '%s': expected more than 0 bytes", memory->text);
    *out = (slk_prove_limits_t){.memory = memory->given ? memory->num : 0, .partial = partial};
    return can_write(path, &app->diag);
}

slk_err_t slk_app_proof(slk_app_t *app, const slk_args_t *args, const uint8_t *proof, size_t len,
                        double began, const char *partial)
{
    char *hex = malloc(2 * len + 1);
    if (!hex)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    slk_err_t err = slk_write_file(args->opt[SLK_OPT_OUT].text, proof, len, &app->diag);
    if (err == SLK_OK) {
        slk_hex_encode(hex, proof, len);
        slk_result_text(app, "proof", hex);
        slk_result_num(app, "partitions", len / SLK_GROTH16_PROOF_SZ);
        slk_result_json(app, "seconds", json_real(slk_clock_seconds() - began));
        if (len > SLK_GROTH16_PROOF_SZ) /* a single partition is not kept */
            unlink(partial);
    }
    free(hex);
    return err;
}

static void app_fini(slk_app_t *app)
{
    slk_progress_view_stop(app->view);
    slk_progress_free(app->job.progress);
    slk_pool_free(app->job.pool);
    json_decref(app->result);
}

/* --- Running one ---------------------------------------------------------------------------- */

static int run_command(const slk_command_t *command, int argc, char **argv)
{
    slk_app_t app = {0};
    slk_args_t args;
    char title[64];
    int status = STATUS_DONE;
    slk_err_t err = SLK_OK;
    slk_command_title(title, command);
    if (!slk_args_parse(&args, command, argc, argv, &app.diag)) {
        app.usage = true;
        err = SLK_ERR_INPUT;
    } else if (args.help) {
        slk_help_command(stdout, command);
    } else {
        err = slk_cpu_select(NULL, &app.diag);
        if (err == SLK_OK)
            err = command->run(&app, &args);
        slk_progress_view_stop(app.view);
        app.view = NULL;
    }
    if (err != SLK_OK) {
        bool interrupted = err == SLK_ERR_CANCELLED && app.go_on;
        fprintf(stderr, "%s: %s%s%s\n", title, *app.diag.text ? app.diag.text : slk_err_text(err),
                interrupted ? "; " : "", interrupted ? app.go_on : "");
        if (app.usage)
            fprintf(stderr, "see %s --help\n", title);
        status = app.usage ? STATUS_USAGE : STATUS_FAILED;
    } else {
        if (app.result && command->show && !args.opt[SLK_OPT_JSON].given)
            command->show(app.result, stdout);
        else if (app.result)
            slk_result_print(app.result, args.opt[SLK_OPT_JSON].given, stdout);
        if (app.answer_no)
            status = STATUS_FAILED;
    }
    slk_args_fini(&args);
    app_fini(&app);
    return status;
}

static int unknown_word(const char *title, const char *word, const char *const *names, size_t cnt)
{
    const char *near = slk_nearest(word, names, cnt);
    fprintf(stderr, "%s: there is no command '%.100s'%s%s%s\nsee %s --help\n", title, word,
            near ? ", did you mean " : "", near ? near : "", near ? "?" : "", title);
    return STATUS_USAGE;
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_noun(const slk_noun_t *noun, int argc, char **argv)
{
    if (!noun->commands[0].verb)
        return run_command(&noun->commands[0], argc, argv);
    if (argc == 0 || asks_help(argv[0])) {
        slk_help_noun(stdout, noun);
        return STATUS_DONE;
    }
    const slk_command_t *command = slk_command_find(noun, argv[0]);
    if (command)
        return run_command(command, argc - 1, argv + 1);

    const char *names[32];
    char title[64];
    SLK_ASSERT(slk_command_cnt(noun) <= SLK_COUNT(names));
    for (size_t i = 0; i < slk_command_cnt(noun); i++)
        names[i] = noun->commands[i].verb;
    snprintf(title, sizeof title, "selkie %s", noun->name);
    return unknown_word(title, argv[0], names, slk_command_cnt(noun));
}

static int run_program(int argc, char **argv)
{
    if (argc == 0 || asks_help(argv[0])) {
        slk_help_program(stdout);
        return STATUS_DONE;
    }
    if (strcmp(argv[0], "--version") == 0) {
        printf("selkie %s\n", SLK_VERSION);
        return STATUS_DONE;
    }
    const slk_noun_t *noun = slk_noun_find(argv[0]);
    if (noun)
        return run_noun(noun, argc - 1, argv + 1);

    const char *names[32];
    SLK_ASSERT(slk_noun_cnt <= SLK_COUNT(names));
    for (size_t i = 0; i < slk_noun_cnt; i++)
        names[i] = slk_nouns[i].name;
    return unknown_word("selkie", argv[0], names, slk_noun_cnt);
}

/* A closed descriptor 0, 1 or 2 would be given to the next file that is opened, a sector's perhaps,
 * and then written to. Occupy it by something that fails when it is used. */
static void occupy_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            abort();
    }
}

int slk_app_main(int argc, char **argv)
{
    occupy_standard_files();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of writing */
    int status = run_program(argc > 0 ? argc - 1 : 0, argv + (argc > 0));
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0 || failed) {
        fprintf(stderr, "selkie: cannot write standard output: %s\n", strerror(errno));
        status = STATUS_FAILED;
    }
    return status;
}
