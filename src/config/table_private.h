#ifndef SLK_TABLE_PRIVATE_H
#define SLK_TABLE_PRIVATE_H

/* Shared by table*.c. */

#include "config/table.h"

/* Put a value into a row's field. *expected, when it does not fit: what would; in `room` or constant. */
#define SLK_EXPECTED_TEXT 256
bool slk_key_set(const slk_key_t *row, void *config, const slk_toml_t *value,
                 char expected[SLK_EXPECTED_TEXT]);

/* The value as it stands in a file. */
void slk_key_text(slk_buf_t *out, const slk_key_t *row, const void *config);

/* "a duration from 1s to 24h" */
void slk_key_expected(const slk_key_t *row, char expected[SLK_EXPECTED_TEXT]);

static inline void *slk_key_field(const slk_key_t *row, const void *config)
{
    return (char *)(uintptr_t)config + row->offset;
}

#endif /* SLK_TABLE_PRIVATE_H */
