/* ChainNotify and MpoolSub: one listener of the chain, and one of the pool, hands each change to all channels. */

#include "devnet/api/channels.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

struct slk_notify {
    slk_devnet_t *net;
    pthread_mutex_t lock;             /* of what follows */
    slk_tip_t *head;                  /* that the channels were told of last */
    slk_listener_t *heads, *messages; /* of ChainNotify, of MpoolSub */
    bool closed;
    uint64_t subscription;
};

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

static void head_changed(void *ctx, const slk_step_t *steps, size_t cnt)
{
    slk_notify_t *notify = ctx;
    char *text = changes_text(steps, cnt, notify->net->policy.letter);
    pthread_mutex_lock(&notify->lock);
    slk_tip_t *head = slk_chain_head(notify->net->chain);
    slk_tip_unref(notify->head);
    notify->head = head;
    slk_channels_tell(&notify->heads, text);
    pthread_mutex_unlock(&notify->lock);
    free(text);
}

/* Who misses one for want of memory is told no more. */
static void pool_changed(void *ctx, const slk_signed_message_t *message, bool removed)
{
    slk_notify_t *notify = ctx;
    json_t *json = NULL;
    char *text = NULL;
    pthread_mutex_lock(&notify->lock);
    if (notify->messages) {
        if (slk_record_to_json(&json, &slk_signed_message_type, message, notify->net->policy.letter,
                               NULL) == SLK_OK)
            json = json_pack("{s:i, s:o}", "Type", (int)removed, "Message", json);
        text = json ? slk_json_dump(json, JSON_COMPACT) : NULL;
        slk_channels_tell(&notify->messages, text);
    }
    pthread_mutex_unlock(&notify->lock);
    json_decref(json);
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
    slk_mpool_listen(net->pool, pool_changed, notify);
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
    slk_channels_tell(&notify->heads, NULL);
    slk_channels_tell(&notify->messages, NULL);
    pthread_mutex_unlock(&notify->lock);
}

void slk_notify_drop(slk_notify_t *notify)
{
    pthread_mutex_lock(&notify->lock);
    slk_channels_tell(&notify->heads, NULL);
    slk_channels_tell(&notify->messages, NULL);
    pthread_mutex_unlock(&notify->lock);
}

void slk_notify_free(slk_notify_t *notify)
{
    if (!notify)
        return;
    if (notify->subscription)
        slk_chain_unsubscribe(notify->net->chain, notify->subscription);
    slk_mpool_listen(notify->net->pool, NULL, NULL);
    slk_tip_unref(notify->head);
    pthread_mutex_destroy(&notify->lock);
    free(notify);
}

/* --- The method ---------------------------------------------------------------------------------------------- */

/* With the lock held. */
static slk_err_t check_open(slk_ask_t *ask)
{
    return ask->net->notify->closed ? slk_ask_fail(ask, SLK_RPC_ERROR, "the network ends") : SLK_OK;
}

static slk_err_t chain_notify(slk_ask_t *ask)
{
    slk_notify_t *notify = ask->net->notify;
    pthread_mutex_lock(&notify->lock);
    slk_err_t err = check_open(ask);
    char *text = err == SLK_OK ? current_text(notify->head, slk_ask_network(ask)) : NULL;
    if (err == SLK_OK)
        err = text ? slk_channels_add(&notify->heads, ask, text)
                   : slk_fail(&ask->diag, SLK_ERR_NOMEM, "no memory for a listener");
    pthread_mutex_unlock(&notify->lock);
    free(text);
    return err;
}

static slk_err_t mpool_sub(slk_ask_t *ask)
{
    slk_notify_t *notify = ask->net->notify;
    pthread_mutex_lock(&notify->lock);
    slk_err_t err = check_open(ask);
    if (err == SLK_OK)
        err = slk_channels_add(&notify->messages, ask, NULL);
    pthread_mutex_unlock(&notify->lock);
    return err;
}

const slk_ask_method_t slk_ask_notify[] = {
    {"Filecoin.ChainNotify", SLK_PERM_READ, SLK_V01, SLK_RPC_CHANNEL, "", chain_notify},
    {"Filecoin.MpoolSub", SLK_PERM_READ, SLK_V01, SLK_RPC_CHANNEL, "", mpool_sub},
    {0},
};
