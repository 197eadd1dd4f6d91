#include "chain/head_follow.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRUITLESS_MAX 4

slk_err_t slk_changes_from_json(slk_change_t **changes, size_t *cnt, size_t max, const json_t *json,
                                slk_diag_t *diag)
{
    static const char *const types[] = {"current", "revert", "apply"};
    *changes = NULL;
    *cnt = json_array_size(json);
    if (!json_is_array(json) && !json_is_null(json))
        return slk_fail(diag, SLK_ERR_FORMAT, "head changes: not an array");
    if (*cnt > max)
        return slk_fail(diag, SLK_ERR_LENGTH, "head changes: %zu, at most %zu are taken", *cnt,
                        max);
    slk_change_t *list = calloc(*cnt ? *cnt : 1, sizeof *list);
    if (!list)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for %zu head changes", *cnt);
    for (size_t i = 0; i < *cnt; i++) {
        const json_t *item = json_array_get(json, i);
        const char *type = json_string_value(json_object_get(item, "Type"));
        size_t t = 0;
        while (t < SLK_COUNT(types) && (!type || strcmp(type, types[t]) != 0))
            t++;
        slk_err_t err = SLK_OK;
        if (t == SLK_COUNT(types))
            err = slk_fail(diag, SLK_ERR_FORMAT, "head change: unknown Type %.40s",
                           type ? type : "(none)");
        else
            err = slk_head_from_json(&list[i].head, json_object_get(item, "Val"), diag);
        if (err != SLK_OK) {
            free(list);
            return err;
        }
        list[i].type = (slk_change_type_t)t;
    }
    *changes = list;
    return SLK_OK;
}

/* --- Memory -------------------------------------------------------------------------------- */

slk_err_t slk_follow_init(slk_follow_t *follow, const slk_head_t *window, size_t cnt, bool cut,
                          slk_diag_t *diag)
{
    SLK_ASSERT(cnt <= SLK_FOLLOW_WINDOW);
    *follow = (slk_follow_t){.cut = cut};
    for (size_t i = 1; i < cnt; i++)
        if (!slk_tipset_key_eq(&window[i].parents, &window[i - 1].key))
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "stored chain: the tipset at %s is no child of the one before it",
                            slk_head_text(&window[i]).s);
    follow->window = malloc((SLK_FOLLOW_WINDOW + 1) * sizeof *follow->window);
    if (!follow->window)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the followed chain");
    if (cnt) {
        memcpy(follow->window, window, cnt * sizeof *window);
        follow->position = window[cnt - 1].key;
        follow->started = true;
    }
    follow->cnt = cnt;
    return SLK_OK;
}

void slk_follow_fini(slk_follow_t *follow)
{
    free(follow->window);
    free(follow->steps);
    *follow = (slk_follow_t){0};
}

const slk_head_t *slk_follow_head(const slk_follow_t *follow)
{
    return follow->cnt ? &follow->window[follow->cnt - 1] : NULL;
}

bool slk_follow_take(slk_follow_t *follow, slk_change_t *step)
{
    if (!follow->step_cnt)
        return false;
    *step = follow->steps[0];
    follow->step_cnt--;
    memmove(follow->steps, follow->steps + 1, follow->step_cnt * sizeof *follow->steps);
    return true;
}

/* --- Steps --------------------------------------------------------------------------------- */

static void add_step(slk_follow_t *follow, slk_change_type_t type, const slk_head_t *head)
{
    if (follow->step_cnt == follow->step_cap) {
        size_t cap = follow->step_cap ? 2 * follow->step_cap : 16;
        slk_change_t *grown = realloc(follow->steps, cap * sizeof *grown);
        if (!grown) {
            follow->full = true;
            return;
        }
        follow->steps = grown;
        follow->step_cap = cap;
    }
    follow->steps[follow->step_cnt++] = (slk_change_t){.type = type, .head = *head};
    follow->fruitless = 0;
}

/* Below the tipset where we began, nobody was told of an apply: nobody is told of the revert. */
static void revert(slk_follow_t *follow, const slk_head_t *head)
{
    if (follow->cnt) {
        add_step(follow, SLK_CHANGE_REVERT, &follow->window[follow->cnt - 1]);
        follow->cnt--;
    }
    follow->position = head->parents;
}

static void apply(slk_follow_t *follow, const slk_head_t *head)
{
    add_step(follow, SLK_CHANGE_APPLY, head);
    follow->window[follow->cnt++] = *head;
    if (follow->cnt > SLK_FOLLOW_WINDOW) {
        follow->cnt--;
        memmove(follow->window, follow->window + 1, follow->cnt * sizeof *follow->window);
        follow->cut = true;
    }
    follow->position = head->key;
    follow->started = true;
}

/* Would these changes, reverts first, lead on from where we are? */
static bool fits(const slk_follow_t *follow, const slk_change_t *changes, size_t cnt)
{
    const slk_tipset_key_t *position = &follow->position;
    size_t left = follow->cnt;
    bool applied = false;
    if (!follow->started)
        return false;
    for (size_t i = 0; i < cnt; i++) {
        const slk_head_t *head = &changes[i].head;
        switch (changes[i].type) {
        case SLK_CHANGE_CURRENT:
            return false;
        case SLK_CHANGE_REVERT:
            if (applied || !slk_tipset_key_eq(&head->key, position) || (!left && follow->cut))
                return false;
            left -= left > 0;
            position = &head->parents;
            break;
        case SLK_CHANGE_APPLY:
            if (!slk_tipset_key_eq(&head->parents, position))
                return false;
            if (!applied && left && head->height <= follow->window[left - 1].height)
                return false;
            if (applied && head->height <= changes[i - 1].head.height)
                return false;
            applied = true;
            position = &head->key;
            break;
        }
    }
    return true;
}

static void go(slk_follow_t *follow, const slk_change_t *changes, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        if (changes[i].type == SLK_CHANGE_REVERT)
            revert(follow, &changes[i].head);
        else
            apply(follow, &changes[i].head);
    }
}

/* --- Asking -------------------------------------------------------------------------------- */

static void ask_nothing(slk_follow_t *follow)
{
    follow->ask = (slk_ask_t){.type = SLK_ASK_NOTHING};
    follow->have_target = false;
    follow->going_back = false;
}

static void ask_path(slk_follow_t *follow, const slk_head_t *to)
{
    follow->stage = *to;
    follow->going_back = false;
    follow->ask = (slk_ask_t){.type = SLK_ASK_PATH, .from = follow->position, .to = to->key};
}

static void ask_tipset(slk_follow_t *follow, int64_t height)
{
    follow->ask = (slk_ask_t){.type = SLK_ASK_TIPSET, .to = follow->target.key, .height = height};
}

static bool in_window(const slk_follow_t *follow, const slk_tipset_key_t *key)
{
    for (size_t i = follow->cnt; i-- > 0;)
        if (slk_tipset_key_eq(&follow->window[i].key, key))
            return true;
    return false;
}

/* The next thing to do on the way to the target. */
static void climb(slk_follow_t *follow)
{
    const slk_head_t *head = slk_follow_head(follow), *target = &follow->target;
    bool child = slk_tipset_key_eq(&target->parents, &follow->position);
    if (follow->started && child && head && target->height <= head->height)
        follow->fruitless = FRUITLESS_MAX; /* no tipset that can be: leave it */
    else if (!follow->started || child)
        apply(follow, target);
    if (slk_tipset_key_eq(&target->key, &follow->position) ||
        follow->fruitless++ >= FRUITLESS_MAX) {
        ask_nothing(follow);
        follow->fruitless = 0;
        if (follow->stale)
            follow->ask.type = SLK_ASK_HEAD;
        follow->stale = false;
        return;
    }
    if (head && target->height - head->height > SLK_FOLLOW_PIECE) {
        follow->going_back = false;
        ask_tipset(follow, head->height + SLK_FOLLOW_PIECE);
    } else {
        ask_path(follow, target);
    }
}

static void set_target(slk_follow_t *follow, const slk_head_t *head)
{
    follow->target = *head;
    follow->have_target = true;
    follow->stale = false;
}

void slk_follow_told(slk_follow_t *follow, const slk_change_t *changes, size_t cnt)
{
    if (!cnt || follow->ask.type == SLK_ASK_NOBODY)
        return;
    const slk_change_t *last = &changes[cnt - 1];
    bool idle = follow->ask.type == SLK_ASK_NOTHING || follow->ask.type == SLK_ASK_HEAD;
    if (idle && fits(follow, changes, cnt)) {
        go(follow, changes, cnt);
        ask_nothing(follow);
        return;
    }
    /* Steps that do not fit: some got lost, or they are old news of a branch that we have left by another way. Where
     * they end may not be where the node is now, so it is asked. */
    if (last->type == SLK_CHANGE_REVERT || (last->type == SLK_CHANGE_APPLY && follow->started)) {
        follow->stale = true;
        if (idle)
            follow->ask = (slk_ask_t){.type = SLK_ASK_HEAD};
        return;
    }
    /* A node that is behind, or that was set back and not told us: what it has is ours already. */
    if (in_window(follow, &last->head.key)) {
        if (idle)
            ask_nothing(follow);
        return;
    }
    set_target(follow, &last->head);
    if (idle)
        climb(follow);
}

/* --- Answers ------------------------------------------------------------------------------- */

static void lose(slk_follow_t *follow)
{
    follow->ask = (slk_ask_t){.type = SLK_ASK_NOBODY};
    snprintf(
        follow->why, sizeof follow->why,
        "the node's chain, now at height %lld, contains none of the last %zu tipsets that were "
        "acted on (heights %lld to %lld): another network, or a chain that began anew",
        (long long)follow->target.height, follow->cnt, (long long)follow->window[0].height,
        (long long)follow->window[follow->cnt - 1].height);
}

/* Compare further and further back: 0, 1, 3, 7, ... below our head. */
static void compare_next(slk_follow_t *follow)
{
    while (follow->back > 0 && follow->target.height < follow->window[follow->back].height)
        follow->back--;
    ask_tipset(follow, follow->window[follow->back].height);
}

static void go_back(slk_follow_t *follow)
{
    if (!follow->cnt) {
        /* We know a position only: where the first tipset we saw was reverted. Begin anew. */
        follow->started = false;
        climb(follow);
        return;
    }
    follow->going_back = true;
    follow->back = follow->cnt - 1;
    follow->reach = 1;
    compare_next(follow);
}

static void compared(slk_follow_t *follow, bool same)
{
    if (same) {
        while (follow->cnt > follow->back + 1)
            revert(follow, &follow->window[follow->cnt - 1]);
        climb(follow);
    } else if (follow->back > 0) {
        follow->back -= follow->reach < follow->back ? follow->reach : follow->back;
        follow->reach *= 2;
        compare_next(follow);
    } else if (follow->cut) {
        lose(follow);
    } else {
        while (follow->cnt)
            revert(follow, &follow->window[follow->cnt - 1]);
        follow->started = false;
        climb(follow);
    }
}

void slk_follow_path(slk_follow_t *follow, const slk_change_t *changes, size_t cnt)
{
    SLK_ASSERT(follow->ask.type == SLK_ASK_PATH);
    const slk_change_t *last = cnt ? &changes[cnt - 1] : NULL;
    bool arrives = last && (last->type == SLK_CHANGE_APPLY
                                ? slk_tipset_key_eq(&last->head.key, &follow->stage.key)
                                : slk_tipset_key_eq(&last->head.parents, &follow->stage.key));
    if (!arrives || !fits(follow, changes, cnt)) {
        go_back(follow);
        return;
    }
    go(follow, changes, cnt);
    climb(follow);
}

void slk_follow_tipset(slk_follow_t *follow, const slk_head_t *head)
{
    SLK_ASSERT(follow->ask.type == SLK_ASK_TIPSET);
    if (follow->going_back)
        compared(follow, slk_tipset_key_eq(&head->key, &follow->window[follow->back].key));
    else if (head->height > follow->window[follow->cnt - 1].height)
        ask_path(follow, head);
    else
        ask_path(follow, &follow->target);
}

void slk_follow_unknown(slk_follow_t *follow)
{
    switch (follow->ask.type) {
    case SLK_ASK_PATH:
        go_back(follow);
        break;
    case SLK_ASK_TIPSET:
        if (follow->going_back)
            compared(follow, false);
        else
            ask_path(follow, &follow->target);
        break;
    case SLK_ASK_HEAD:
        ask_nothing(follow);
        break;
    case SLK_ASK_NOTHING:
    case SLK_ASK_NOBODY:
        break;
    }
}

void slk_follow_reset(slk_follow_t *follow)
{
    if (follow->ask.type == SLK_ASK_NOBODY)
        return;
    ask_nothing(follow);
    follow->stale = false;
    follow->fruitless = 0;
}
