#ifndef SLK_STORAGE_FINALIZE_PLAN_H
#define SLK_STORAGE_FINALIZE_PLAN_H

/* What FinalizeSector has to do, from where the files of a sector are: pure.
 *
 * The same question may be asked any number of times, before and after any part of the answer was
 * done: what is in its final place is not touched again, whoever put it there. */

#include "storage/file_type.h"

/* One storage path that has a type. A path mounted by several nodes is one holder (one ID);
 * repeated IDs count once. */
typedef struct {
    const char *id;
    bool can_seal, can_store, can_final;
    bool primary;
    bool stale; /* another holder has a better one: it is none, but for being dropped */
} slk_holder_t;

typedef struct {
    const slk_holder_t *at;
    size_t cnt;
} slk_holders_t;

typedef struct {
    slk_file_types_t type;
    size_t holder; /* index into the holders of the type */
} slk_finalize_drop_t;

typedef struct {
    slk_file_types_t absent;  /* nobody has it: left out, which is no error */
    slk_file_types_t settled; /* a final path has it */
    slk_file_types_t move;    /* to be moved to a final path, after trimming */
    bool trim;                /* FIN has to run: something is moved */
    /* Copies to be dropped, in the order of types and holders; at most drop_max are written, all
     * are counted. For each its type's files are safe elsewhere or not needed. */
    size_t drop_cnt;
    bool complete; /* nothing to do any more */
} slk_finalize_plan_t;

/* Plan for types (of Lotus: unsealed, sealed, cache; of a snapped sector also update and
 * update-cache). holders: SLK_FT_CNT lists, by slk_file_type_index.
 *
 * - A type that a CanFinal path holds is settled; its copies on paths that are not CanFinal are
 *   dropped, but only when a final holder is primary: without one nothing is known to be whole.
 * - A stale copy settles nothing; it is dropped as soon as its type is settled.
 * - A type in `move` loses no copy yet; what is left over is dropped by the plan after the move.
 * - keep_unsealed false: unsealed is not moved, and each of its copies is dropped. */
void slk_finalize_plan(slk_finalize_plan_t *plan, slk_finalize_drop_t *drops, size_t drop_max,
                       slk_file_types_t types, const slk_holders_t holders[SLK_FT_CNT],
                       bool keep_unsealed);

#endif /* SLK_STORAGE_FINALIZE_PLAN_H */
