/* ChainNotify: one listener of the chain hands each change of the head to all channels. */

#include "devnet/api/ask.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/* One client. `ended` is set by the server; who next goes through the list takes it out. */
typedef struct listener {
    struct listener *next;
    slk_rpc_channel_t *channel;
    atomic_bool ended;
} listener_t;

struct slk_notify {
    slk_devnet_t *net;
    pthread_mutex_t lock; /* of what follows */
    slk_tip_t *head;      /* that the channels were told of last */
    listener_t *first;
    bool closed;
    uint64_t subscription;
};

static void on_end(void *ctx)
{
    listener_t *listener = ctx;
    atomic_store(&listener->ended, true);
}

/* --- Values ------------------------------------------------------------------------------------------------- */

static bool append(json_t *list, const char *type, const slk_tip_t *tip, slk_network_t network)
{
    json_t *val = NULL;
    if (slk_record_to_json(&val, &slk_tipset_type, &tip->tipset, network, NULL) != SLK_OK)
        return false;
    json_t *change = json_pack("{s:s, s:o}", "Type", type, "Val", val);
    return change && !json_array_append_new(list, change);
}

static char *changes_text(const slk_step_t *steps, size_t cnt, slk_network_t network)
{
    json_t *list = json_array();
    bool ok = list;
    for (size_t i = 0; ok && i < cnt; i++)
        ok = append(list, steps[i].revert ? "revert" : "apply", steps[i].tip, network);
    char *text = ok ? slk_json_dump(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static char *current_text(const slk_tip_t *head, slk_network_t network)
{
    json_t *list = json_array();
    char *text =
        list && append(list, "current", head, network) ? slk_json_dump(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* --- The list ------------------------------------------------------------------------------------------------ */

/* Text to all; who is gone, or could not be told, leaves. text NULL: all leave. */
static void tell(slk_notify_t *notify, const char *text)
{
    for (listener_t **at = &notify->first; *at;) {
        listener_t *listener = *at;
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

static void head_changed(void *ctx, const slk_step_t *steps, size_t cnt)
{
    slk_notify_t *notify = ctx;
    char *text = changes_text(steps, cnt, notify->net->policy.letter);
    pthread_mutex_lock(&notify->lock);
    slk_tip_t *head = slk_chain_head(notify->net->chain);
    slk_tip_unref(notify->head);
    notify->head = head;
    tell(notify, text);
    pthread_mutex_unlock(&notify->lock);
    free(text);
}

slk_err_t slk_notify_new(slk_notify_t **out, slk_devnet_t *net, slk_diag_t *diag)
{
    slk_tip_t *head = NULL;
    slk_notify_t *notify = calloc(1, sizeof *notify);
    if (!notify)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for listeners");
    notify->net = net;
    SLK_ASSERT(pthread_mutex_init(&notify->lock, NULL) == 0);
    *out = notify;
    notify->subscription = slk_chain_subscribe(net->chain, head_changed, notify, &head);
    pthread_mutex_lock(&notify->lock);
    if (notify->head) /* it changed already */
        slk_tip_unref(head);
    else
        notify->head = head;
    pthread_mutex_unlock(&notify->lock);
    return notify->subscription ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for listeners");
}

void slk_notify_cut(slk_notify_t *notify)
{
    pthread_mutex_lock(&notify->lock);
    notify->closed = true;
    tell(notify, NULL);
    pthread_mutex_unlock(&notify->lock);
}

void slk_notify_drop(slk_notify_t *notify)
{
    pthread_mutex_lock(&notify->lock);
    tell(notify, NULL);
    pthread_mutex_unlock(&notify->lock);
}

void slk_notify_free(slk_notify_t *notify)
{
    if (!notify)
        return;
    if (notify->subscription)
        slk_chain_unsubscribe(notify->net->chain, notify->subscription);
    slk_tip_unref(notify->head);
    pthread_mutex_destroy(&notify->lock);
    free(notify);
}

/* --- The method ---------------------------------------------------------------------------------------------- */

static slk_err_t chain_notify(slk_ask_t *ask)
{
    slk_notify_t *notify = ask->net->notify;
    listener_t *listener = calloc(1, sizeof *listener);
    if (!listener)
        return slk_fail(&ask->diag, SLK_ERR_NOMEM, "no memory for a listener");
    pthread_mutex_lock(&notify->lock);
    char *text = notify->closed ? NULL : current_text(notify->head, slk_ask_network(ask));
    listener->channel = text ? slk_rpc_channel_open(ask->rpc, on_end, listener) : NULL;
    ask->answered = listener->channel;
    if (listener->channel) {
        slk_rpc_channel_send(listener->channel, text, strlen(text));
        listener->next = notify->first;
        notify->first = listener;
    }
    pthread_mutex_unlock(&notify->lock);
    free(text);
    if (ask->answered)
        return SLK_OK;
    free(listener);
    return slk_fail(&ask->diag, SLK_ERR_STATE, "no channel could be opened");
}

const slk_ask_method_t slk_ask_notify[] = {
    {"Filecoin.ChainNotify", SLK_PERM_READ, SLK_V01, SLK_RPC_CHANNEL, "", chain_notify},
    {0},
};
