#include "storage/finalize_plan.h"

#include <string.h>

/* The first holder with the ID of holder i: one path, whatever the number of nodes that mount it. */
static bool is_repeated(const slk_holders_t *holders, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!strcmp(holders->at[k].id, holders->at[i].id))
            return true;
    }
    return false;
}

/* Several nodes may tell of one path with different flags while a change is on its way: what any
 * says of CanFinal counts, since it protects. */
static bool is_final(const slk_holders_t *holders, size_t i)
{
    for (size_t k = 0; k < holders->cnt; k++) {
        if (holders->at[k].can_final && !strcmp(holders->at[k].id, holders->at[i].id))
            return true;
    }
    return false;
}

static void add_drop(slk_finalize_plan_t *plan, slk_finalize_drop_t *drops, size_t drop_max,
                     slk_file_types_t type, size_t holder)
{
    if (plan->drop_cnt < drop_max)
        drops[plan->drop_cnt] = (slk_finalize_drop_t){.type = type, .holder = holder};
    plan->drop_cnt++;
}

void slk_finalize_plan(slk_finalize_plan_t *plan, slk_finalize_drop_t *drops, size_t drop_max,
                       slk_file_types_t types, const slk_holders_t holders[SLK_FT_CNT],
                       bool keep_unsealed)
{
    *plan = (slk_finalize_plan_t){0};
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        slk_file_types_t type = SLK_FT_AT(t);
        const slk_holders_t *h = &holders[t];
        bool final = false, safe = false;
        if (!(types & type))
            continue;
        for (size_t i = 0; i < h->cnt; i++) {
            final |= h->at[i].can_final && !h->at[i].stale;
            safe |= h->at[i].can_final && h->at[i].primary && !h->at[i].stale;
        }
        bool needed = type != SLK_FT_UNSEALED || keep_unsealed;
        if (!h->cnt)
            plan->absent |= type;
        else if (needed && final)
            plan->settled |= type;
        else if (needed)
            plan->move |= type;
        for (size_t i = 0; i < h->cnt; i++) {
            if (!is_repeated(h, i) && (!needed || (safe && (h->at[i].stale || !is_final(h, i)))))
                add_drop(plan, drops, drop_max, type, i);
        }
    }
    plan->trim = plan->move != 0;
    plan->complete = !plan->move && !plan->drop_cnt;
}
