#ifndef SLK_MANAGER_SEAL_TEXT_H
#define SLK_MANAGER_SEAL_TEXT_H

/* Times and spans for people. */

#include <stdint.h>

typedef struct {
    char s[40];
} slk_span_text_t;

/* "25 s", "3 min", "2 h 5 min", "3 d 4 h"; of what is over "0 s". */
slk_span_text_t slk_span_text(int64_t ms);

/* "14:05:10 UTC", with the date when it is more than half a day away. ms since 1970. */
slk_span_text_t slk_time_text(int64_t ms, int64_t now_ms);

#endif /* SLK_MANAGER_SEAL_TEXT_H */
