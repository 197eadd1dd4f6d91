#ifndef SLK_APP_PROGRESS_VIEW_H
#define SLK_APP_PROGRESS_VIEW_H

/* Shows the progress of a computation on standard error, from a thread of its own.
 *
 * On a terminal: one line a stage, redrawn, which stays with time and speed when the stage ends.
 * Elsewhere: a line every 10 seconds and one at each stage's end. The cursor and all other state of
 * the terminal are left alone. */

#include "selkie/job.h"

#include <stdio.h>

typedef struct slk_progress_view_thread slk_progress_view_thread_t;

/* Watch progress, borrowed until stop, and write to out. */
SLK_CHECK_RESULT slk_err_t slk_progress_view_start(slk_progress_view_thread_t **view,
                                                   slk_progress_t *progress, FILE *out,
                                                   slk_diag_t *diag);

/* Show the last state and end the thread; frees it. NULL is a no-op. */
void slk_progress_view_stop(slk_progress_view_thread_t *view);

/* --- The lines, without end of line ---------------------------------------------------------- */

/* A running stage on a terminal of that many columns: never wider, however long its name. */
void slk_progress_bar(char *out, size_t cap, const slk_progress_view_t *view, double now,
                      unsigned width);

/* A running stage as a sentence. */
void slk_progress_line(char *out, size_t cap, const slk_progress_view_t *view, double now);

/* A stage that ended. */
void slk_progress_last(char *out, size_t cap, const slk_progress_view_t *view);

/* --- Amounts -------------------------------------------------------------------------------- */

/* "1.50 MiB", "12.3 k labels"; unit "B" counts in 1024s, all others in 1000s. */
void slk_format_amount(char *out, size_t cap, double amount, const char *unit);

/* "41.3 ms", "2.71 s", "12.3 s", "3:07", "2:03:07" */
void slk_format_seconds(char *out, size_t cap, double seconds);

#endif /* SLK_APP_PROGRESS_VIEW_H */
