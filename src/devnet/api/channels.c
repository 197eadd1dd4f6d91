#include "devnet/api/channels.h"

#include <stdlib.h>
#include <string.h>

/* One client. `ended` is set by the server; who next goes through the list takes it out. */
struct slk_listener {
    slk_listener_t *next;
    slk_rpc_channel_t *channel;
    atomic_bool ended;
};

static void on_end(void *ctx)
{
    slk_listener_t *listener = ctx;
    atomic_store(&listener->ended, true);
}

slk_err_t slk_channels_add(slk_listener_t **list, slk_ask_t *ask, const char *first)
{
    slk_listener_t *listener = calloc(1, sizeof *listener);
    if (!listener)
        return slk_fail(&ask->diag, SLK_ERR_NOMEM, "no memory for a listener");
    listener->channel = slk_rpc_channel_open(ask->rpc, on_end, listener);
    if (!listener->channel) {
        free(listener);
        return slk_fail(&ask->diag, SLK_ERR_STATE, "no channel could be opened");
    }
    ask->answered = true;
    if (first)
        slk_rpc_channel_send(listener->channel, first, strlen(first));
    listener->next = *list;
    *list = listener;
    return SLK_OK;
}

void slk_channels_tell(slk_listener_t **list, const char *text)
{
    for (slk_listener_t **at = list; *at;) {
        slk_listener_t *listener = *at;
        if (text && !atomic_load(&listener->ended) &&
            slk_rpc_channel_send(listener->channel, text, strlen(text))) {
            at = &listener->next;
            continue;
        }
        *at = listener->next;
        slk_rpc_channel_close(listener->channel);
        free(listener);
    }
}
