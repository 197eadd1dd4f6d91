#ifndef SLK_CHAIN_TEST_NODE_SIMULATED_H
#define SLK_CHAIN_TEST_NODE_SIMULATED_H

/* Simulated nodes for tests: real HTTP and websockets, a made-up chain behind them that obeys the
 * test. All nodes of one sim_t have the same chain; each can be told to misbehave. */

#include "test_util.h"

#include "base/assert.h"
#include "chain/api.h"
#include "crypto/keys/key.h"
#include "net/jsonrpc_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { SIM_TIPSETS = 2000, SIM_POOL = 64, SIM_NODES = 2 };

typedef struct {
    slk_cid_t cid;
    int parent;
    int64_t height;
    json_t *messages; /* SignedMessages with their CIDs */
} sim_tipset_t;

typedef struct sim sim_t;

typedef struct {
    sim_t *sim;
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    atomic_bool drop;    /* cut every connection instead of answering */
    atomic_bool deaf;    /* act, then cut */
    atomic_int lose;     /* answers of MpoolPushMessage that are lost after it acted */
    atomic_int delay_ms; /* before an answer */
    atomic_int behind;   /* tipsets that it lacks */
    atomic_uint calls;   /* of all methods */
    atomic_uint pushes;  /* MpoolPush, MpoolPushMessage */
    int64_t api_version;
    const char *genesis; /* another network's */
    slk_rpc_channel_t *channel;
} sim_node_t;

struct sim {
    pthread_mutex_t lock;
    sim_tipset_t tipsets[SIM_TIPSETS];
    int cnt, head;
    json_t *pool;     /* SignedMessages */
    json_t *uuids;    /* MsgUuid -> SignedMessage that was pushed */
    slk_key_t wallet; /* of every node; type 0: none */
    int exit_code;    /* of every message */
    const char *ret;  /* what it returns, base64; NULL: something */
    slk_token_key_t key;
    sim_node_t nodes[SIM_NODES];
};

/* --- The chain ----------------------------------------------------------------------------- */

static json_t *sim_link(const slk_cid_t *cid)
{
    return json_pack("{s:s}", "/", slk_cid_text(cid).s);
}

static json_t *sim_tipset_json(const sim_t *sim, int at)
{
    const sim_tipset_t *t = &sim->tipsets[at];
    json_t *parents = json_array();
    if (t->parent >= 0)
        json_array_append_new(parents, sim_link(&sim->tipsets[t->parent].cid));
    json_t *block =
        json_pack("{s:I,s:I,s:o,s:s}", "Height", (json_int_t)t->height, "Timestamp",
                  (json_int_t)(1700000000 + t->height), "Parents", parents, "ParentBaseFee", "100");
    return json_pack("{s:[o],s:[o],s:I}", "Cids", sim_link(&t->cid), "Blocks", block, "Height",
                     (json_int_t)t->height);
}

/* A tipset on parent, `nulls` epochs left out. Its messages are what the pool has. */
static int sim_grow(sim_t *sim, int parent, int nulls)
{
    SLK_ASSERT(sim->cnt < SIM_TIPSETS);
    uint32_t name = (uint32_t)sim->cnt;
    sim_tipset_t *t = &sim->tipsets[sim->cnt];
    *t = (sim_tipset_t){.cid = slk_cid_of_cbor(&name, sizeof name),
                        .parent = parent,
                        .height = parent < 0 ? 0 : sim->tipsets[parent].height + 1 + nulls};
    t->messages = sim->pool ? sim->pool : json_array();
    sim->pool = json_array();
    return sim->cnt++;
}

static int sim_find(const sim_t *sim, const json_t *key)
{
    slk_cid_t cid;
    const char *text = json_string_value(json_object_get(json_array_get(key, 0), "/"));
    if (!text)
        return sim->head;
    if (slk_cid_from_text(&cid, text, NULL) == SLK_OK)
        for (int i = 0; i < sim->cnt; i++)
            if (slk_cid_eq(&sim->tipsets[i].cid, &cid))
                return i;
    return -1;
}

static int sim_at(const sim_t *sim, int at, int64_t height)
{
    while (sim->tipsets[at].height > height)
        at = sim->tipsets[at].parent;
    return at;
}

static int sim_head_of(const sim_node_t *node)
{
    int at = node->sim->head;
    for (int i = atomic_load(&node->behind); i > 0 && node->sim->tipsets[at].parent >= 0; i--)
        at = node->sim->tipsets[at].parent;
    return at;
}

static void sim_change(json_t *list, bool first, const sim_t *sim, const char *type, int at)
{
    json_t *change = json_pack("{s:s,s:o}", "Type", type, "Val", sim_tipset_json(sim, at));
    if (first)
        json_array_insert_new(list, 0, change);
    else
        json_array_append_new(list, change);
}

static json_t *sim_path(const sim_t *sim, int from, int to)
{
    json_t *down = json_array(), *up = json_array();
    while (from != to) {
        if (sim->tipsets[from].height >= sim->tipsets[to].height) {
            sim_change(down, false, sim, "revert", from);
            from = sim->tipsets[from].parent;
        } else {
            sim_change(up, true, sim, "apply", to);
            to = sim->tipsets[to].parent;
        }
    }
    json_array_extend(down, up);
    json_decref(up);
    return down;
}

/* Make another tipset the head, and tell who listens. */
static void sim_set_head(sim_t *sim, int at)
{
    pthread_mutex_lock(&sim->lock);
    json_t *path = sim_path(sim, sim->head, at);
    sim->head = at;
    char *text = json_dumps(path, JSON_COMPACT);
    for (int n = 0; n < SIM_NODES; n++)
        if (sim->nodes[n].channel)
            slk_rpc_channel_send(sim->nodes[n].channel, text, strlen(text));
    free(text);
    json_decref(path);
    pthread_mutex_unlock(&sim->lock);
}

static void sim_mine(sim_t *sim, int nulls)
{
    pthread_mutex_lock(&sim->lock);
    int at = sim_grow(sim, sim->head, nulls);
    pthread_mutex_unlock(&sim->lock);
    sim_set_head(sim, at);
}

/* --- Methods ------------------------------------------------------------------------------- */

static void sim_answer(slk_rpc_call_t *call, sim_node_t *node, json_t *result)
{
    pthread_mutex_unlock(&node->sim->lock);
    int delay = atomic_load(&node->delay_ms);
    for (int i = 0; i < delay && !slk_rpc_gone(call); i += 5)
        usleep(5000);
    if (atomic_load(&node->deaf)) {
        json_decref(result);
        slk_rpc_drop(call);
    } else if (result) {
        slk_rpc_answer(call, result);
    } else {
        slk_rpc_fail(call, 1, "simulated: not found");
    }
}

static void m_version(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node,
               json_pack("{s:s,s:I,s:i,s:s}", "Version", "simulated", "APIVersion",
                         (json_int_t)node->api_version, "BlockDelay", 1, "Agent", "simulated"));
}

static void m_genesis(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    json_t *genesis = sim_tipset_json(node->sim, 0);
    if (node->genesis) {
        slk_cid_t other = slk_cid_of_cbor(node->genesis, strlen(node->genesis));
        json_array_set_new(json_object_get(genesis, "Cids"), 0, sim_link(&other));
    }
    sim_answer(call, node, genesis);
}

static void m_network_name(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, json_string("simulated"));
}

static void m_head(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, sim_tipset_json(node->sim, sim_head_of(node)));
}

static void m_path(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    int from = sim_find(node->sim, slk_rpc_param(call, 0));
    int to = sim_find(node->sim, slk_rpc_param(call, 1));
    sim_answer(call, node, from < 0 || to < 0 ? NULL : sim_path(node->sim, from, to));
}

static void m_by_height(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    int at = sim_find(node->sim, slk_rpc_param(call, 1));
    if (at >= 0)
        at = sim_at(node->sim, at, json_integer_value(slk_rpc_param(call, 0)));
    sim_answer(call, node, at < 0 ? NULL : sim_tipset_json(node->sim, at));
}

static void m_notify(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    json_t *first = json_array();
    pthread_mutex_lock(&node->sim->lock);
    sim_change(first, false, node->sim, "current", node->sim->head);
    char *text = json_dumps(first, JSON_COMPACT);
    if (node->channel)
        slk_rpc_channel_close(node->channel);
    node->channel = slk_rpc_channel_open(call, NULL, NULL);
    if (node->channel)
        slk_rpc_channel_send(node->channel, text, strlen(text));
    pthread_mutex_unlock(&node->sim->lock);
    free(text);
    json_decref(first);
}

/* Messages of ancestors of `at` (its own are not executed yet) by this sender. */
static json_int_t sim_nonce(const sim_t *sim, int at, const char *from)
{
    json_int_t nonce = 0;
    size_t i;
    json_t *message;
    for (at = sim->tipsets[at].parent; at >= 0; at = sim->tipsets[at].parent)
        json_array_foreach(sim->tipsets[at].messages, i, message) nonce += !strcmp(
            json_string_value(json_object_get(json_object_get(message, "Message"), "From")), from);
    return nonce;
}

static void m_actor(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    int at = sim_find(node->sim, slk_rpc_param(call, 1));
    const slk_cid_t *code = &node->sim->tipsets[0].cid;
    sim_answer(call, node,
               at < 0
                   ? NULL
                   : json_pack("{s:o,s:o,s:I,s:s,s:n}", "Code", sim_link(code), "Head",
                               sim_link(code), "Nonce",
                               sim_nonce(node->sim, at, json_string_value(slk_rpc_param(call, 0))),
                               "Balance", "1000000000000000000", "DelegatedAddress"));
}

static void m_nonce(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_t *sim = node->sim;
    int next = sim_grow(sim, sim->head, 0); /* what a tipset with the pool would give */
    json_int_t nonce = 0;
    const char *from = json_string_value(slk_rpc_param(call, 0));
    sim_tipset_t *t = &sim->tipsets[next];
    nonce = sim_nonce(sim, next, from) + (json_int_t)json_array_size(t->messages);
    json_decref(sim->pool);
    sim->pool = t->messages;
    sim->cnt--;
    sim_answer(call, node, json_integer(nonce));
}

static void m_estimate(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    json_t *message = json_deep_copy(slk_rpc_param(call, 0));
    if (json_integer_value(json_object_get(message, "Method")) == 666) {
        json_decref(message);
        slk_rpc_fail(call, 3,
                     "message execution failed (exit=[ErrIllegalArgument(16)], simulated)");
        return;
    }
    json_object_set_new(message, "GasLimit", json_integer(1000000));
    json_object_set_new(message, "GasFeeCap", json_string("200000"));
    json_object_set_new(message, "GasPremium", json_string("100000"));
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, message);
}

static slk_cid_t sim_message_cid(const json_t *json)
{
    slk_arena_t arena;
    slk_signed_message_t message;
    slk_cid_t cid = {0};
    slk_arena_init(&arena, 1 << 20);
    if (slk_record_from_json(&message, &slk_signed_message_type, json, &arena, NULL) != SLK_OK ||
        slk_signed_message_cid(&cid, &message, NULL) != SLK_OK)
        cid = (slk_cid_t){0}; /* nothing that a pool would take */
    slk_arena_free(&arena);
    return cid;
}

/* In the head or an ancestor. */
static bool sim_included(const sim_t *sim, const slk_cid_t *cid)
{
    size_t i;
    json_t *message;
    for (int at = sim->head; at >= 0; at = sim->tipsets[at].parent)
        json_array_foreach(sim->tipsets[at].messages, i, message)
        {
            slk_cid_t other = sim_message_cid(message);
            if (slk_cid_eq(&other, cid))
                return true;
        }
    return false;
}

static void m_push(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    slk_cid_t cid = sim_message_cid(slk_rpc_param(call, 0));
    bool known = false;
    size_t i;
    json_t *pending;
    atomic_fetch_add(&node->pushes, 1);
    pthread_mutex_lock(&node->sim->lock);
    json_array_foreach(node->sim->pool, i, pending)
    {
        slk_cid_t other = sim_message_cid(pending);
        known = known || slk_cid_eq(&other, &cid);
    }
    if (!known && sim_included(node->sim, &cid)) {
        pthread_mutex_unlock(&node->sim->lock);
        slk_rpc_fail(call, 1, "simulated: message nonce too low");
        return;
    }
    if (!known)
        json_array_append(node->sim->pool, slk_rpc_param(call, 0));
    if (known) {
        pthread_mutex_unlock(&node->sim->lock);
        slk_rpc_fail(call, 1, "simulated: message with nonce already exists");
        return;
    }
    sim_answer(call, node, sim_link(&cid));
}

/* The SignedMessage of a Message by the wallet's key; NULL without one. */
static json_t *sim_sign(const sim_t *sim, const json_t *message)
{
    slk_arena_t arena;
    slk_signed_message_t out = {0};
    slk_cid_t cid;
    slk_key_sig_t sig;
    json_t *json = NULL;
    slk_arena_init(&arena, 1 << 20);
    if (sim->wallet.type &&
        slk_record_from_json(&out.message, &slk_message_type, message, &arena, NULL) == SLK_OK &&
        slk_message_cid(&cid, &out.message, NULL) == SLK_OK &&
        slk_key_sign(&sig, &sim->wallet, cid.b, cid.len, NULL) == SLK_OK) {
        out.signature =
            (slk_signature_t){.type = (uint8_t)sig.type, .data = {.b = sig.b, .len = sig.len}};
        if (slk_record_to_json(&json, &slk_signed_message_type, &out, SLK_TESTNET, NULL) != SLK_OK)
            json = NULL;
    }
    slk_arena_free(&arena);
    return json;
}

static void m_sign(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, sim_sign(node->sim, slk_rpc_param(call, 1)));
}

/* Nonce, gas and signature by the node; one MsgUuid gives one message. */
static void m_push_message(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    sim_t *sim = node->sim;
    const char *uuid = json_string_value(json_object_get(slk_rpc_param(call, 1), "MsgUuid"));
    atomic_fetch_add(&node->pushes, 1);
    pthread_mutex_lock(&sim->lock);
    json_t *signed_message = uuid ? json_incref(json_object_get(sim->uuids, uuid)) : NULL;
    if (!signed_message) {
        json_t *message = json_deep_copy(slk_rpc_param(call, 0));
        const char *from = json_string_value(json_object_get(message, "From"));
        json_object_set_new(message, "Nonce",
                            json_integer(sim_nonce(sim, sim->head, from ? from : "") +
                                         (json_int_t)json_array_size(sim->pool)));
        json_object_set_new(message, "GasLimit", json_integer(1000000));
        json_object_set_new(message, "GasFeeCap", json_string("200000"));
        json_object_set_new(message, "GasPremium", json_string("100000"));
        signed_message = sim_sign(sim, message);
        json_decref(message);
        if (signed_message) {
            json_array_append(sim->pool, signed_message);
            if (uuid)
                json_object_set(sim->uuids, uuid, signed_message);
        }
    }
    if (atomic_load(&node->lose) > 0) {
        atomic_fetch_sub(&node->lose, 1);
        pthread_mutex_unlock(&sim->lock);
        json_decref(signed_message);
        slk_rpc_drop(call);
        return;
    }
    sim_answer(call, node, signed_message);
}

static void m_search(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    sim_t *sim = node->sim;
    slk_cid_t cid = {0};
    json_t *found = NULL, *message;
    size_t i;
    const char *text = json_string_value(json_object_get(slk_rpc_param(call, 1), "/"));
    SLK_ASSERT(slk_cid_from_text(&cid, text ? text : "", NULL) == SLK_OK);
    pthread_mutex_lock(&sim->lock);
    int at = sim_find(sim, slk_rpc_param(call, 0));
    for (int child = at; !found && child > 0; child = sim->tipsets[child].parent) {
        const sim_tipset_t *t = &sim->tipsets[sim->tipsets[child].parent];
        json_array_foreach(t->messages, i, message)
        {
            slk_cid_t other = sim_message_cid(message);
            if (slk_cid_eq(&other, &cid))
                found = json_pack("{s:o,s:{s:i,s:s,s:i,s:n},s:n,s:[o],s:I}", "Message",
                                  sim_link(&cid), "Receipt", "ExitCode", sim->exit_code, "Return",
                                  sim->ret ? sim->ret : "gYIB", "GasUsed", 800000, "EventsRoot",
                                  "ReturnDec", "TipSet", sim_link(&sim->tipsets[child].cid),
                                  "Height", (json_int_t)sim->tipsets[child].height);
        }
    }
    bool known = found != NULL;
    json_array_foreach(sim->pool, i, message)
    {
        slk_cid_t other = sim_message_cid(message);
        known = known || slk_cid_eq(&other, &cid);
    }
    for (int t = 0; t < sim->cnt; t++)
        json_array_foreach(sim->tipsets[t].messages, i, message)
        {
            slk_cid_t other = sim_message_cid(message);
            known = known || slk_cid_eq(&other, &cid);
        }
    if (!known) {
        pthread_mutex_unlock(&sim->lock);
        slk_rpc_fail(call, 1, "simulated: failed to load message: ipld: could not find it");
        return;
    }
    sim_answer(call, node, found ? found : json_null());
}

static void m_pending(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, json_deep_copy(node->sim->pool));
}

static void m_lookup_id(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    const char *address = json_string_value(slk_rpc_param(call, 0));
    bool is_id = address && address[0] && address[1] == '0';
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, json_string(is_id ? address : "t0100"));
}

static void m_params(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node,
               json_pack("{s:s,s:i}", "NetworkName", "simulated", "BlockDelaySecs", 30));
}

static void m_sync_state(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    pthread_mutex_lock(&node->sim->lock);
    sim_answer(call, node, json_pack("{s:n,s:i}", "ActiveSyncs", "VMApplied", 5));
}

static bool sim_before(slk_rpc_call_t *call, void *ctx)
{
    sim_node_t *node = ctx;
    atomic_fetch_add(&node->calls, 1);
    if (!atomic_load(&node->drop))
        return true;
    slk_rpc_drop(call);
    return false;
}

static const slk_rpc_method_t sim_methods[] = {
    {"Filecoin.Version", SLK_PERM_READ, 0, 0, 0, m_version},
    {"Filecoin.ChainGetGenesis", SLK_PERM_READ, 0, 0, 0, m_genesis},
    {"Filecoin.StateNetworkName", SLK_PERM_READ, 0, 0, 0, m_network_name},
    {"Filecoin.ChainHead", SLK_PERM_READ, 0, 0, 0, m_head},
    {"Filecoin.ChainGetPath", SLK_PERM_READ, 2, 2, 0, m_path},
    {"Filecoin.ChainGetTipSetByHeight", SLK_PERM_READ, 2, 2, 0, m_by_height},
    {"Filecoin.ChainNotify", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, m_notify},
    {"Filecoin.StateGetActor", SLK_PERM_READ, 2, 2, 0, m_actor},
    {"Filecoin.MpoolGetNonce", SLK_PERM_READ, 1, 1, 0, m_nonce},
    {"Filecoin.GasEstimateMessageGas", SLK_PERM_READ, 3, 3, 0, m_estimate},
    {"Filecoin.MpoolPush", SLK_PERM_WRITE, 1, 1, 0, m_push},
    {"Filecoin.MpoolPushMessage", SLK_PERM_SIGN, 2, 2, 0, m_push_message},
    {"Filecoin.WalletSignMessage", SLK_PERM_SIGN, 2, 2, 0, m_sign},
    {"Filecoin.StateSearchMsg", SLK_PERM_READ, 4, 4, 0, m_search},
    {"Filecoin.MpoolPending", SLK_PERM_READ, 1, 1, 0, m_pending},
    {"Filecoin.StateLookupID", SLK_PERM_READ, 2, 2, 0, m_lookup_id},
    {"Filecoin.StateGetNetworkParams", SLK_PERM_READ, 0, 0, 0, m_params},
    {"Filecoin.SyncState", SLK_PERM_READ, 0, 0, 0, m_sync_state},
#ifdef SIM_MORE_METHODS /* rows that a test has */
    SIM_MORE_METHODS
#endif
};

/* --- Life ---------------------------------------------------------------------------------- */

static void sim_start_node(sim_t *sim, int n)
{
    slk_diag_t diag;
    sim_node_t *node = &sim->nodes[n];
    node->sim = sim;
    if (!node->api_version)
        node->api_version = 131840;
    slk_rpc_api_opts_t api = {.methods = sim_methods,
                              .method_cnt = SLK_COUNT(sim_methods),
                              .ctx = node,
                              .before = sim_before};
    assert_ok(slk_rpc_api_new(&node->api, &api, &diag), diag);
    slk_http_route_t route = slk_rpc_route("/rpc/v1", node->api);
    slk_http_server_opts_t opts = {
        .routes = &route, .route_cnt = 1, .key = &sim->key, .anonymous = SLK_PERM_READ};
    assert_ok(slk_http_server_new(&node->server, &opts, &diag), diag);
}

static sim_t *sim_new(void)
{
    sim_t *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    pthread_mutex_init(&sim->lock, NULL);
    memset(sim->key.bytes, 7, 32);
    sim->key.len = 32;
    sim->pool = json_array();
    sim->uuids = json_object();
    sim->head = sim_grow(sim, -1, 0);
    return sim;
}

static void sim_free(sim_t *sim)
{
    for (int n = 0; n < SIM_NODES; n++) {
        if (sim->nodes[n].channel)
            slk_rpc_channel_close(sim->nodes[n].channel);
        if (sim->nodes[n].server)
            slk_http_server_free(sim->nodes[n].server, 100);
        slk_rpc_api_free(sim->nodes[n].api);
    }
    for (int i = 0; i < sim->cnt; i++)
        json_decref(sim->tipsets[i].messages);
    json_decref(sim->pool);
    json_decref(sim->uuids);
    pthread_mutex_destroy(&sim->lock);
    free(sim);
}

/* API_INFO of the nodes up to cnt, with a token of these rights (0: none). */
static void sim_api_info(const sim_t *sim, int cnt, slk_perms_t perms, char out[1024])
{
    char token[SLK_TOKEN_TEXT_MAX] = "";
    if (perms)
        slk_token_new(token, &sim->key, perms);
    out[0] = 0;
    for (int n = 0; n < cnt; n++)
        sprintf(out + strlen(out), "%s%s%shttp://127.0.0.1:%u", n ? "," : "", token,
                *token ? ":" : "", (unsigned)slk_http_server_port(sim->nodes[n].server));
}

#endif /* SLK_CHAIN_TEST_NODE_SIMULATED_H */
