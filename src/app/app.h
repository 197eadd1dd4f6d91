#ifndef SLK_APP_APP_H
#define SLK_APP_APP_H

/* What a running command has: a job to give to the library, a place for its result and its error.
 *
 * A command returns SLK_OK with app->result set, or an error with app->diag set. It prints nothing
 * itself: the result is shown as JSON or for people by whoever called it, and only after success.
 */

#include "app/command.h"
#include "app/progress_view.h"
#include "selkie/job.h"
#include "selkie/prove.h"

struct slk_app {
    slk_diag_t diag;
    bool usage;     /* the error is the caller's wrong usage: status 2 */
    bool answer_no; /* the result is a "no": printed, but status 1 */
    json_t *result; /* owned; object or array */
    slk_job_t job;  /* filled by slk_app_job */
    slk_progress_view_thread_t *view;
    const char *go_on; /* after an interruption: what to do, a sentence */
};

/* Threads (--threads), progress (unless --json or --quiet) and cancelling by SIGINT and SIGTERM.
 * From here on the first signal sets job.cancel, the second ends the process. go_on: what to tell
 * after an interruption. */
SLK_CHECK_RESULT slk_err_t slk_app_job(slk_app_t *app, const slk_args_t *args, const char *go_on);

/* For roles, which read their settings again at SIGHUP: set from here on at each of them. */
atomic_bool *slk_app_reload(void);

/* Report wrong usage: `return slk_app_usage(app, ...)`. */
slk_err_t slk_app_usage(slk_app_t *app, const char *fmt, ...) SLK_PRINTF(2, 3);

/* What a command that proves says after an interruption. */
#define SLK_PROOF_GO_ON                                                                            \
    "no proof was written, run it again; of several partitions those that were finished are kept"

#define SLK_PROOF_FILE_MAX (16u << 20) /* proof files; a proof has 192 bytes a partition */

/* The result of a command that verifies: the field "valid". A "no" becomes the answer, and
 * app->diag is shown on standard error. */
void slk_app_verdict(slk_app_t *app, const slk_args_t *args, bool valid);
/* The same of what the file at path says; the reason is given with its name. */
void slk_app_verdict_of(slk_app_t *app, const slk_args_t *args, const char *path, bool valid);

/* What --memory allows, and beside --out the file that keeps partitions until the proof is
 * complete: "<out>.partial", whose path is written to partial. Refused when --out could not be
 * written, before anything is computed for it. */
SLK_CHECK_RESULT slk_err_t slk_app_limits(slk_prove_limits_t *out, char *partial, size_t cap,
                                          slk_app_t *app, const slk_args_t *args);

/* The result of a command that proves: len bytes of proof, SLK_GROTH16_PROOF_SZ a partition, are
 * written to --out; fields "proof", "partitions", "seconds". began: slk_clock_seconds(). partial is
 * removed then. */
SLK_CHECK_RESULT slk_err_t slk_app_proof(slk_app_t *app, const slk_args_t *args,
                                         const uint8_t *proof, size_t len, double began,
                                         const char *partial);

/* The whole program; returns the exit status. */
int slk_app_main(int argc, char **argv);

/* --- Results -------------------------------------------------------------------------------- */

/* Text as JSON; bytes that are no UTF-8 are replaced. */
json_t *slk_json_text(const char *text);

/* Add a field to app->result, which becomes an object with the first. */
void slk_result_text(slk_app_t *app, const char *name, const char *text);
void slk_result_node(slk_app_t *app, const char *name, const slk_node_t *node);
void slk_result_num(slk_app_t *app, const char *name, uint64_t num);
void slk_result_json(slk_app_t *app, const char *name, json_t *value); /* takes value */

/* Print app->result as one line of JSON, or for people. */
void slk_result_print(const json_t *result, bool as_json, FILE *out);

#endif /* SLK_APP_APP_H */
