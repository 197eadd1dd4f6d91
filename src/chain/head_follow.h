#ifndef SLK_CHAIN_HEAD_FOLLOW_H
#define SLK_CHAIN_HEAD_FOLLOW_H

/* Following the head of a chain: what a node tells becomes steps, `revert` and `apply` of one tipset
 * each, in which every apply's parents are the tipset before it and every revert is the last one
 * applied. A state machine without I/O; chain/head_store.h keeps its memory, chain/client.h runs it.
 *
 *     told (ChainNotify frame, polled head)
 *        |-- fits behind our head ------------------------> steps
 *        '-- does not --> ask PATH (ours -> the node's) --> steps, in pieces of SLK_FOLLOW_PIECE
 *                           '-- the node does not know our head
 *                                 --> ask TIPSET at heights of ours, going back,
 *                                     until one is ours too --> reverts down to it --> ask PATH
 *
 * Memory: the last SLK_FOLLOW_WINDOW tipsets applied and not reverted. When the node's chain has none
 * of them (another network, a chain that began anew, a fork beyond finality) the follower is lost and
 * stays so: nobody may act on a chain that contradicts the one he acted on before. */

#include "chain/head.h"

#define SLK_FOLLOW_WINDOW 1000 /* more than finality, 900 epochs */
#define SLK_FOLLOW_PIECE  200  /* epochs that one PATH climbs */

typedef enum { SLK_CHANGE_CURRENT, SLK_CHANGE_REVERT, SLK_CHANGE_APPLY } slk_change_type_t;

typedef struct {
    slk_change_type_t type;
    slk_head_t head;
} slk_change_t;

/* Read an array of {"Type": "current" | "revert" | "apply", "Val": tipset}, null as an empty one;
 * at most max. *changes is to be freed. */
SLK_CHECK_RESULT slk_err_t slk_changes_from_json(slk_change_t **changes, size_t *cnt, size_t max,
                                                 const json_t *json, slk_diag_t *diag);

/* What the follower needs to know from the node next. */
typedef enum {
    SLK_ASK_NOTHING,
    SLK_ASK_HEAD,   /* ChainHead, to slk_follow_told as CURRENT */
    SLK_ASK_PATH,   /* ChainGetPath(from, to), to slk_follow_path */
    SLK_ASK_TIPSET, /* ChainGetTipSetByHeight(height, to), to slk_follow_tipset */
    SLK_ASK_NOBODY  /* lost: see slk_follow_t.why */
} slk_ask_type_t;

typedef struct {
    slk_ask_type_t type;
    slk_tipset_key_t from, to;
    int64_t height;
} slk_ask_t;

typedef struct {
    slk_head_t *window; /* oldest first */
    size_t cnt;
    bool cut;                  /* older ones were dropped from the window */
    bool started;              /* position is set */
    slk_tipset_key_t position; /* our head; parents of the last revert when the window is empty */

    bool have_target; /* the node's head, while ours is another */
    slk_head_t target;
    slk_head_t stage; /* the tipset on the way to it that PATH climbs to */
    bool stale;       /* the node's head changed to one it did not name */
    slk_ask_t ask;
    bool going_back;    /* TIPSET is compared with window[back], else it becomes the stage */
    size_t back, reach; /* and how far the next comparison goes back */
    unsigned fruitless; /* asks in a row that brought no step */

    slk_change_t *steps; /* not yet taken; REVERT and APPLY only */
    size_t step_cnt, step_cap;
    bool full; /* memory was short and a step is missing: start again from what was stored */
    char why[256];
} slk_follow_t;

/* window: what was applied before, oldest first, at most SLK_FOLLOW_WINDOW; copied. Without one the
 * first head told is applied as the beginning. `cut` as it was. SLK_ERR_NOMEM; SLK_ERR_FORMAT where
 * the entries are no chain. */
SLK_CHECK_RESULT slk_err_t slk_follow_init(slk_follow_t *follow, const slk_head_t *window,
                                           size_t cnt, bool cut, slk_diag_t *diag);
void slk_follow_fini(slk_follow_t *follow);

/* What a node tells by itself: the changes of a frame, or its head as one CURRENT. */
void slk_follow_told(slk_follow_t *follow, const slk_change_t *changes, size_t cnt);

/* Answers to slk_follow_t.ask; they must be of that type. */
void slk_follow_path(slk_follow_t *follow, const slk_change_t *changes, size_t cnt);
void slk_follow_tipset(slk_follow_t *follow, const slk_head_t *head);

/* The ask was answered with an error that says that the node does not know one of the tipsets, or
 * any error that repeating may not cure. (Time-outs and the like are the caller's to repeat.) */
void slk_follow_unknown(slk_follow_t *follow);

/* Forget what this node told and asked; the memory stays. Ask the next one for its head. */
void slk_follow_reset(slk_follow_t *follow);

/* The next step, in order; false when there is none. Window and position already contain it. */
bool slk_follow_take(slk_follow_t *follow, slk_change_t *step);

/* Our head; NULL before the first and while the window is empty. */
const slk_head_t *slk_follow_head(const slk_follow_t *follow);

#endif /* SLK_CHAIN_HEAD_FOLLOW_H */
