#ifndef SLK_WORKER_PROCESSOR_LINE_H
#define SLK_WORKER_PROCESSOR_LINE_H

/* The lines that a processor and its parent exchange: damocles' protocol, and what selkie adds to
 * it. Source: spec/damocles.md 6.1.
 *
 *   to the processor     {"id":1,"task":{...}}                     ids are the parent's, any u64
 *                        {"cancel":1}                              ours
 *   from the processor   pc1 processor ready                       first line
 *                        {"id":1,"err_msg":null,"output":{...}}    in any order
 *                        {"id":1,"err_msg":"...","output":null,"err_code":-3}
 *                        {"progress":{"id":1,"stage":"..","done":1,"total":2,"unit":".."}}   ours
 *                        {"selkie":{"protocol":1}}                 ours, second line
 *
 * Ours is spoken only with SLK_PROCESSOR_ENV_PROGRESS=1 in the processor's environment; err_code is
 * the slk_err_t. Other programs skip members that they do not know. */

#include "base/buf.h"
#include "selkie/job.h"
#include "worker/json_span.h"

#include <jansson.h>

#define SLK_PROCESSOR_LINE_MAX     (UINT32_C(256) << 20) /* bytes of a line */
#define SLK_PROCESSOR_PROTOCOL     1
#define SLK_PROCESSOR_ENV_PROGRESS "SELKIE_PROCESSOR_PROGRESS"

/* What damocles' stages are called, and ours: "pc1". */
#define SLK_PROCESSOR_READY " processor ready" /* behind the stage's name */

/* --- To the processor ----------------------------------------------------------------------- */

typedef struct {
    bool has_id; /* valid after errors, too */
    bool cancel;
    uint64_t id;
    slk_span_t task; /* an object; len 0 with cancel */
} slk_processor_request_t;

/* SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_processor_request_parse(slk_processor_request_t *out,
                                                       const char *line, size_t len,
                                                       slk_diag_t *diag);

/* Append a line, '\n' included. task: a JSON object; its line ends become blanks. */
void slk_processor_put_request(slk_buf_t *buf, uint64_t id, const char *task, size_t len);
void slk_processor_put_cancel(slk_buf_t *buf, uint64_t id);

/* --- From the processor --------------------------------------------------------------------- */

typedef enum {
    SLK_PROCESSOR_OUTPUT,
    SLK_PROCESSOR_ERROR,
    SLK_PROCESSOR_PROGRESS,
    SLK_PROCESSOR_HELLO
} slk_processor_answer_kind_t;

typedef struct {
    slk_processor_answer_kind_t kind;
    uint64_t id;              /* but for HELLO */
    slk_span_t output;        /* OUTPUT: any value but null */
    slk_err_t err;            /* ERROR: err_code, SLK_ERR_STATE without */
    slk_diag_t err_msg;       /* ERROR; cut where it is too long */
    slk_progress_view_t view; /* PROGRESS: stage, unit, done, total, resumed; the rest is 0 */
    uint64_t protocol;        /* HELLO */
} slk_processor_answer_t;

/* SLK_ERR_FORMAT; SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_processor_answer_parse(slk_processor_answer_t *out, const char *line,
                                                      size_t len, slk_diag_t *diag);

/* Append a line, '\n' included. output: JSON. */
void slk_processor_put_output(slk_buf_t *buf, uint64_t id, const char *output, size_t len);
/* ours: with err_code. text that is no UTF-8 is shown with '?'. */
void slk_processor_put_error(slk_buf_t *buf, uint64_t id, slk_err_t err, const char *text,
                             bool ours);
void slk_processor_put_progress(slk_buf_t *buf, uint64_t id, const slk_progress_view_t *view);
void slk_processor_put_hello(slk_buf_t *buf);

/* Append a text as a JSON string, as above. */
void slk_json_put_text(slk_buf_t *buf, const char *text);

/* Append printf-style text of up to 256 bytes. */
void slk_json_putf(slk_buf_t *buf, const char *fmt, ...) SLK_PRINTF(2, 3);

#endif /* SLK_WORKER_PROCESSOR_LINE_H */
