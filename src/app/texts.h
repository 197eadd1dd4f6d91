#ifndef SLK_APP_TEXTS_H
#define SLK_APP_TEXTS_H

/* What help and man pages both say of the program as a whole. */

#include <stddef.h>

typedef struct {
    const char *name, *text;
} slk_text_row_t;

extern const char slk_text_summary[];
extern const char slk_text_about[];
extern const slk_text_row_t slk_text_statuses[3];
extern const slk_text_row_t slk_text_environment[9];

/* Values of SELKIE_CPU, "name (needs)" joined by ", ". */
void slk_text_cpus(char *out, size_t cap);

#endif /* SLK_APP_TEXTS_H */
