#ifndef SLK_APP_SHOW_H
#define SLK_APP_SHOW_H

/* Answers of a manager or worker for people: the JSON of the command in, lines out. What is null is shown as
 * "-" or left out; times are in UTC. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct {
    const char *title;
    const char *field; /* of the row; NULL: the text is made from the row itself */
    /* NULL: as it is. *out is at first empty. */
    void (*text)(char *out, size_t cap, const json_t *value);
    bool right; /* numbers */
} slk_show_column_t;

/* Rows under their titles; `empty` alone when there are none. */
void slk_show_table(FILE *out, const char *indent, const json_t *rows,
                    const slk_show_column_t *columns, size_t cnt, const char *empty);

/* Texts of values, for columns. */
typedef void slk_show_text_t(char *out, size_t cap, const json_t *value);
slk_show_text_t slk_show_plain;   /* text, number, yes or no */
slk_show_text_t slk_show_miner;   /* f01000 */
slk_show_text_t slk_show_share;   /* 0 to 1: percent */
slk_show_text_t slk_show_seconds; /* "35 s", "12 min", "3.2 h", "4.0 d" */
slk_show_text_t slk_show_bytes;
slk_show_text_t slk_show_time;    /* seconds since 1970 */
slk_show_text_t slk_show_time_ms; /* ms since 1970 */
slk_show_text_t slk_show_words;   /* array of texts and numbers: "a b c" */

/* What commands show, as slk_command_t.show. */
typedef void slk_show_fn_t(const json_t *result, FILE *out);
slk_show_fn_t slk_show_sectors, slk_show_sector, slk_show_pledged, slk_show_batches,
    slk_show_numbers;
slk_show_fn_t slk_show_jobs, slk_show_workers, slk_show_sched_diag, slk_show_worker;
slk_show_fn_t slk_show_stores, slk_show_found, slk_show_manager, slk_show_tokens, slk_show_api_info,
    slk_show_run;

#endif /* SLK_APP_SHOW_H */
