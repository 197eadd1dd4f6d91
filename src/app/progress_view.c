#include "app/progress_view.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_PERIOD  0.1  /* seconds between two drawings */
#define LINE_PERIOD 10.0 /* seconds between two lines */

struct slk_progress_view_thread {
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;

    /* of the thread alone */
    slk_progress_t *progress;
    FILE *out;
    bool terminal;
    slk_progress_view_t shown; /* the state last seen */
    bool closed;               /* the last line of that stage was written */
    bool drawn;                /* a bar stands in the present line */
    double next_line;
};

static unsigned columns(FILE *out)
{
    struct winsize size;
    /* the last column stays empty: some terminals wrap when it is filled */
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col - 1u;
    return 79;
}

static void erase(slk_progress_view_thread_t *view)
{
    if (view->drawn)
        fputs("\r\033[K", view->out);
    view->drawn = false;
}

static void close_stage(slk_progress_view_thread_t *view, const slk_progress_view_t *stage)
{
    char text[320];
    slk_progress_last(text, sizeof text, stage);
    erase(view);
    if (stage->done || stage->total) /* there was something to do */
        fprintf(view->out, "%s\n", text);
    view->closed = true;
}

/* The stage last seen is over although its end was not: it ended when the next one began. */
static void close_missed(slk_progress_view_thread_t *view, const slk_progress_view_t *next)
{
    slk_progress_view_t stage = view->shown;
    stage.ended = next->started;
    if (stage.total)
        stage.done = stage.total;
    close_stage(view, &stage);
}

static void step(slk_progress_view_thread_t *view)
{
    slk_progress_view_t now;
    slk_progress_view(view->progress, &now);
    if (!now.serial)
        return;
    if (now.serial != view->shown.serial) {
        if (view->shown.serial && !view->closed)
            close_missed(view, &now);
        view->closed = false;
        view->next_line = now.started + LINE_PERIOD;
    }
    view->shown = now;
    if (view->closed)
        return;

    double clock = slk_clock_seconds();
    char text[320];
    if (now.ended > 0) {
        close_stage(view, &now);
    } else if (view->terminal) {
        unsigned width = columns(view->out);
        slk_progress_bar(text, sizeof text, &now, clock,
                         width < sizeof text ? width : sizeof text - 1);
        fprintf(view->out, "\r%s\033[K", text);
        view->drawn = true;
    } else if (clock >= view->next_line) {
        slk_progress_line(text, sizeof text, &now, clock);
        fprintf(view->out, "%s\n", text);
        view->next_line += LINE_PERIOD;
    }
    fflush(view->out);
}

static void *run(void *arg)
{
    slk_progress_view_thread_t *view = arg;
    pthread_mutex_lock(&view->lock);
    while (!view->stop) {
        pthread_mutex_unlock(&view->lock);
        step(view);
        pthread_mutex_lock(&view->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(BAR_PERIOD * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (!view->stop)
            pthread_cond_timedwait(&view->wake, &view->lock, &until);
    }
    pthread_mutex_unlock(&view->lock);
    step(view);
    erase(view); /* a stage that was left in the middle; an error message follows in its place */
    fflush(view->out);
    return NULL;
}

slk_err_t slk_progress_view_start(slk_progress_view_thread_t **out, slk_progress_t *progress,
                                  FILE *file, slk_diag_t *diag)
{
    slk_progress_view_thread_t *view = calloc(1, sizeof *view);
    if (!view)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    view->progress = progress;
    view->out = file;
    const char *term = getenv("TERM");
    view->terminal = isatty(fileno(file)) && !(term && strcmp(term, "dumb") == 0);

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&view->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&view->lock, NULL);
    int rc = pthread_create(&view->thread, NULL, run, view);
    if (rc != 0) {
        pthread_mutex_destroy(&view->lock);
        pthread_cond_destroy(&view->wake);
        free(view);
        return slk_fail(diag, SLK_ERR_NOMEM, "cannot start the thread that shows progress: %s",
                        strerror(rc));
    }
    *out = view;
    return SLK_OK;
}

void slk_progress_view_stop(slk_progress_view_thread_t *view)
{
    if (!view)
        return;
    pthread_mutex_lock(&view->lock);
    view->stop = true;
    pthread_cond_signal(&view->wake);
    pthread_mutex_unlock(&view->lock);
    pthread_join(view->thread, NULL);
    pthread_mutex_destroy(&view->lock);
    pthread_cond_destroy(&view->wake);
    free(view);
}
