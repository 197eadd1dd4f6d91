#include "codec/actors/exit_code.h"

#include "base/assert.h"

#include <stddef.h>

typedef struct {
    int64_t code;
    const char *name, *text;
} row_t;

static const row_t *find(int64_t code)
{
#define ROW(number, name, text) {(number), #name, (text)},
    static const row_t rows[] = {SLK_EXIT_LIST(ROW)};
#undef ROW
    static const row_t unknown = {0, "UNKNOWN", "an exit code of the actor's own"};
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return &unknown;
}

const char *slk_exit_name(int64_t code)
{
    return find(code)->name;
}

const char *slk_exit_text(int64_t code)
{
    return find(code)->text;
}
