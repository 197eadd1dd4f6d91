#include "manager/sector/state.h"

#include "base/assert.h"

#include <string.h>

static const struct {
    const char *name, *what;
    slk_state_class_t class;
} states[SLK_STATE_CNT] = {
#define SLK_X(id, name_, class_, what_)                                                            \
    [SLK_STATE_##id] = {.name = (name_), .what = (what_), .class = SLK_CLASS_##class_},
    SLK_SECTOR_STATES(SLK_X)
#undef SLK_X
};

static const char *const classes[SLK_CLASS_CNT] = {
    [SLK_CLASS_STAGING] = "staging", [SLK_CLASS_SEALING] = "sealing",
    [SLK_CLASS_PROVING] = "proving", [SLK_CLASS_FAILED] = "failed",
    [SLK_CLASS_ENDING] = "ending",
};

const char *slk_sector_state_name(slk_sector_state_t state)
{
    SLK_ASSERT(state < SLK_STATE_CNT);
    return states[state].name;
}

slk_state_class_t slk_sector_state_class(slk_sector_state_t state)
{
    SLK_ASSERT(state < SLK_STATE_CNT);
    return states[state].class;
}

const char *slk_sector_state_what(slk_sector_state_t state)
{
    SLK_ASSERT(state < SLK_STATE_CNT);
    return states[state].what;
}

const char *slk_state_class_name(slk_state_class_t class)
{
    SLK_ASSERT(class < SLK_CLASS_CNT);
    return classes[class];
}

bool slk_sector_state_from_name(slk_sector_state_t *state, const char *name)
{
    for (unsigned s = 0; s < SLK_STATE_CNT; s++) {
        if (strcmp(states[s].name, name) != 0)
            continue;
        *state = (slk_sector_state_t)s;
        return true;
    }
    return false;
}
