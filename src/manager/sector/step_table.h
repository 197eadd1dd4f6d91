#ifndef SLK_MANAGER_SECTOR_STEP_TABLE_H
#define SLK_MANAGER_SECTOR_STEP_TABLE_H

/* The transitions as data; for step.c. Source: spec lotus-miner.md 1.2. */

#include "base/assert.h"
#include "manager/sector/step.h"

/* An edge: one of these, or the next state + 1. */
enum {
    SLK_EDGE_NONE = 0,
    SLK_EDGE_KEEP = 253,   /* writes into the record and enters nothing */
    SLK_EDGE_RETURN = 254, /* to the state that the record names in Return */
    SLK_EDGE_NAMED = 255   /* to the state that the event names */
};
_Static_assert((int)SLK_STATE_CNT < (int)SLK_EDGE_KEEP, "states do not fit into an edge");

extern const uint8_t slk_step_edges[SLK_STATE_CNT][SLK_EVENT_CNT];
/* What every state takes. */
extern const uint8_t slk_step_everywhere[SLK_EVENT_CNT];

/* Of both tables. */
uint8_t slk_step_edge(slk_sector_state_t from, slk_event_type_t event);

/* Where there is no edge: is the event dropped without a word? */
bool slk_step_ignores(slk_sector_state_t from, slk_event_type_t event);

#endif /* SLK_MANAGER_SECTOR_STEP_TABLE_H */
