#include "cluster/task.h"

#include "base/assert.h"

#include <string.h>

const slk_task_row_t slk_tasks[SLK_TASK_CNT] = {
#define SLK_X(id, name, type, order, needs, makes, fetch, heavy)                                   \
    {name, type, order, needs, makes, fetch, heavy},
    SLK_TASKS(SLK_X)
#undef SLK_X
};

static const char *const failures[SLK_FAILURE_CNT] = {
#define SLK_X(id, name) name,
    SLK_FAILURES(SLK_X)
#undef SLK_X
};

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && !memcmp(name, text, len);
}

bool slk_task_from_text(slk_task_t *task, const char *text, size_t len)
{
    for (unsigned i = 0; i < SLK_TASK_CNT; i++)
        if (same(slk_tasks[i].name, text, len) || same(slk_tasks[i].type, text, len)) {
            *task = (slk_task_t)i;
            return true;
        }
    return false;
}

bool slk_task_from_name(slk_task_t *task, const char *name)
{
    return slk_task_from_text(task, name, strlen(name));
}

const char *slk_failure_name(slk_failure_t failure)
{
    SLK_ASSERT((unsigned)failure < SLK_FAILURE_CNT);
    return failures[failure];
}

bool slk_failure_from_text(slk_failure_t *failure, const char *text, size_t len)
{
    for (unsigned i = 0; i < SLK_FAILURE_CNT; i++)
        if (same(failures[i], text, len)) {
            *failure = (slk_failure_t)i;
            return true;
        }
    return false;
}

bool slk_failure_from_name(slk_failure_t *failure, const char *name)
{
    return slk_failure_from_text(failure, name, strlen(name));
}
