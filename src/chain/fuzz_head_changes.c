#include "chain/head_follow.h"

#include "base/assert.h"
#include "net/jsonrpc.h"

#include <stdlib.h>

/* Frames of ChainNotify, several in one input (a line each): whatever a node sends, the follower's
 * window stays a chain. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const slk_follow_t *follow)
{
    for (size_t i = 1; i < follow->cnt; i++)
        SLK_ASSERT(slk_tipset_key_eq(&follow->window[i].parents, &follow->window[i - 1].key) &&
                   follow->window[i].height > follow->window[i - 1].height);
}

static void one_frame(slk_follow_t *follow, const char *text, size_t len)
{
    json_t *json = slk_json_parse(text, len, NULL);
    slk_change_t *changes = NULL, step;
    size_t cnt = 0;
    if (json && slk_changes_from_json(&changes, &cnt, 64, json, NULL) == SLK_OK) {
        if (follow->ask.type == SLK_ASK_PATH)
            slk_follow_path(follow, changes, cnt);
        else if (follow->ask.type == SLK_ASK_TIPSET && cnt)
            slk_follow_tipset(follow, &changes[0].head);
        else
            slk_follow_told(follow, changes, cnt);
        check(follow);
        while (slk_follow_take(follow, &step)) {
        }
    } else if (json) {
        slk_follow_unknown(follow);
        check(follow);
    }
    free(changes);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_follow_t follow;
    if (slk_follow_init(&follow, NULL, 0, false, NULL) != SLK_OK)
        return 0;
    const char *text = (const char *)data;
    for (size_t begin = 0, at = 0; at <= size; at++) {
        if (at == size || text[at] == '\n') {
            one_frame(&follow, text + begin, at - begin);
            begin = at + 1;
        }
    }
    slk_follow_fini(&follow);
    return 0;
}
