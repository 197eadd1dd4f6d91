#include "manager/sector/event.h"

#include "base/assert.h"

#include <string.h>

static const char *const names[SLK_EVENT_CNT] = {
#define SLK_X(id, name) [SLK_EVENT_##id] = (name),
    SLK_SECTOR_EVENTS(SLK_X)
#undef SLK_X
};

const char *slk_event_name(slk_event_type_t type)
{
    SLK_ASSERT(type < SLK_EVENT_CNT);
    return names[type];
}

bool slk_event_from_name(slk_event_type_t *type, const char *name)
{
    for (unsigned e = 0; e < SLK_EVENT_CNT; e++) {
        if (strcmp(names[e], name) != 0)
            continue;
        *type = (slk_event_type_t)e;
        return true;
    }
    return false;
}
