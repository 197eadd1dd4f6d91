#ifndef SLK_BASE_LOG_H
#define SLK_BASE_LOG_H

/* One line an event on standard error, for people or for machines:
 *
 *   2026-11-21T18:10:00.123Z INFO  manager t01000-5: PreCommit1 -> PreCommit2 (SectorPreCommit1)
 *   {"time":"2026-11-21T18:10:00.123Z","level":"info","component":"manager","sector":"t01000-5","message":"..."}
 *
 * A line is written whole, also from many threads and when the text holds line ends (they become blanks).
 * Secrets are not to be logged: nothing here can tell one. Any thread. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { SLK_LOG_DEBUG, SLK_LOG_INFO, SLK_LOG_WARN, SLK_LOG_ERROR } slk_log_level_t;

/* At the start of a program; text and SLK_LOG_INFO before. */
void slk_log_init(bool json, slk_log_level_t least);
/* "debug", "info", "warn", "error". False: no such level. */
bool slk_log_level_from_name(slk_log_level_t *level, const char *name);

void slk_log(slk_log_level_t level, const char *component, const char *fmt, ...) SLK_PRINTF(3, 4);

/* About one sector; about the miner alone where number is SLK_LOG_NO_SECTOR, which no sector has. */
#define SLK_LOG_NO_SECTOR ((uint64_t)INT64_MAX)
void slk_log_sector(slk_log_level_t level, const char *component, uint64_t miner, uint64_t number,
                    const char *fmt, ...) SLK_PRINTF(5, 6);

#endif /* SLK_BASE_LOG_H */
