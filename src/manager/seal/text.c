#include "manager/seal/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

slk_span_text_t slk_span_text(int64_t ms)
{
    slk_span_text_t out;
    const int64_t s = ms > 0 ? (ms + 500) / 1000 : 0, min = s / 60, h = min / 60;
    if (s < 100)
        snprintf(out.s, sizeof out.s, "%" PRId64 " s", s);
    else if (min < 60)
        snprintf(out.s, sizeof out.s, "%" PRId64 " min", (s + 30) / 60);
    else if (h < 24)
        snprintf(out.s, sizeof out.s, "%" PRId64 " h %" PRId64 " min", h, min % 60);
    else
        snprintf(out.s, sizeof out.s, "%" PRId64 " d %" PRId64 " h", h / 24, h % 24);
    return out;
}

slk_span_text_t slk_time_text(int64_t ms, int64_t now_ms)
{
    slk_span_text_t out;
    struct tm at;
    const time_t s = (time_t)(ms / 1000);
    const int64_t away = ms > now_ms ? ms - now_ms : now_ms - ms;
    if (!gmtime_r(&s, &at) ||
        !strftime(out.s, sizeof out.s,
                  away < 12 * INT64_C(3600000) ? "%H:%M:%S UTC" : "%Y-%m-%d %H:%M:%S UTC", &at))
        snprintf(out.s, sizeof out.s, "%" PRId64 " ms", ms);
    return out;
}
