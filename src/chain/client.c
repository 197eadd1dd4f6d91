#include "chain/client.h"

#include "base/assert.h"
#include "codec/json.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 2000, LISTENERS = 16, SURVEY_EVERY_MS = 15000, VALUE_MS = 200, CONNECT_MS = 5000 };
enum { CHANGES_MAX = 4000, ASKS_MAX = 2000, ARENA_MAX = 1 << 20 };

struct slk_chain {
    slk_chain_opts_t opts; /* strings are not kept */
    slk_head_listener_t listeners[LISTENERS];
    slk_nodes_t *nodes;
    atomic_bool end;
    slk_job_t job;
    pthread_t thread, sender_thread;

    /* The second thread's own. */
    slk_db_t *sender_db;
    slk_sender_node_t sender;
    slk_sender_memory_t memory;

    /* The first thread's own. */
    slk_db_t *db;
    slk_follow_t follow;
    slk_rpc_ws_t *ws;
    slk_rpc_sub_t *sub;
    slk_node_place_t place; /* the node of ws, or that was polled */
    int64_t surveyed_ms, polled_ms, ws_retry_ms;
    bool genesis_checked;

    pthread_mutex_t lock; /* below */
    pthread_cond_t wake;
    bool woken;            /* for the second thread */
    bool ready;            /* network is known */
    slk_network_t network; /* letter of its addresses */
    slk_chain_status_t status;
};

static int64_t clock_ms(void)
{
    return (int64_t)(slk_clock_seconds() * 1000);
}

static int64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Status -------------------------------------------------------------------------------- */

static void set_trouble(slk_chain_t *chain, char trouble[512], slk_err_t err, const char *text)
{
    pthread_mutex_lock(&chain->lock);
    bool changed = strncmp(trouble, text, 511) != 0;
    memccpy(trouble, text, 0, 511);
    pthread_mutex_unlock(&chain->lock);
    if (changed && chain->opts.log)
        chain->opts.log(chain->opts.log_ctx, err, *text ? text : "the trouble is over");
}

void slk_chain_status(slk_chain_t *chain, slk_chain_status_t *status)
{
    pthread_mutex_lock(&chain->lock);
    *status = chain->status;
    pthread_mutex_unlock(&chain->lock);
}

slk_nodes_t *slk_chain_nodes(slk_chain_t *chain)
{
    return chain->nodes;
}

void slk_chain_wake(slk_chain_t *chain)
{
    pthread_mutex_lock(&chain->lock);
    chain->woken = true;
    pthread_cond_broadcast(&chain->wake);
    pthread_mutex_unlock(&chain->lock);
}

static void note_step(slk_chain_t *chain, const slk_change_t *step)
{
    const slk_head_t *head = slk_follow_head(&chain->follow);
    pthread_mutex_lock(&chain->lock);
    chain->status.applied += step->type == SLK_CHANGE_APPLY;
    chain->status.reverted += step->type == SLK_CHANGE_REVERT;
    if (!chain->follow.step_cnt) {
        chain->status.head = head ? *head : (slk_head_t){.height = -1};
        chain->woken = true;
        pthread_cond_broadcast(&chain->wake);
    }
    pthread_mutex_unlock(&chain->lock);
}

/* --- Following ----------------------------------------------------------------------------- */

/* Messages learn of reverts like any other listener. */
static slk_err_t messages_step(void *ctx, slk_db_t *db, slk_change_type_t type,
                               const slk_head_t *head, slk_diag_t *diag)
{
    (void)ctx;
    return type == SLK_CHANGE_REVERT ? slk_message_revert_all(db, head->height, unix_ms(), diag)
                                     : SLK_OK;
}

/* Store all steps. After an error the follower starts again from what is stored. */
static slk_err_t store_steps(slk_chain_t *chain, slk_diag_t *diag)
{
    slk_change_t step;
    slk_err_t err = SLK_OK;
    while (err == SLK_OK && slk_follow_take(&chain->follow, &step)) {
        err =
            slk_head_store(chain->db, &step, chain->listeners, chain->opts.listener_cnt + 1, diag);
        if (err == SLK_OK)
            note_step(chain, &step);
    }
    if (err == SLK_OK && chain->follow.full)
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory following the chain");
    if (err != SLK_OK) {
        slk_follow_fini(&chain->follow);
        slk_err_t again = slk_head_load(chain->db, &chain->follow, NULL);
        if (again != SLK_OK)
            chain->follow.ask.type = SLK_ASK_NOBODY;
    }
    return err;
}

static slk_err_t call_node(slk_chain_t *chain, const char *method, json_t *params,
                           slk_node_answer_t *answer, slk_diag_t *diag)
{
    char *text = params ? slk_json_dump(params, JSON_COMPACT) : NULL;
    json_decref(params);
    slk_node_call_t call = {
        .method = method, .kind = SLK_CALL_SLOW, .params = text, .job = &chain->job};
    slk_err_t err = slk_nodes_call(chain->nodes, &call, answer, diag);
    free(text);
    return err;
}

static json_t *params_of(const slk_ask_t *ask)
{
    json_t *to = slk_tipset_key_to_json(&ask->to);
    if (ask->type == SLK_ASK_PATH)
        return json_pack("[o,o]", slk_tipset_key_to_json(&ask->from), to);
    return json_pack("[I,o]", (json_int_t)ask->height, to);
}

static slk_err_t answer_path(slk_chain_t *chain, const json_t *result, slk_diag_t *diag)
{
    slk_change_t *changes = NULL;
    size_t cnt;
    slk_err_t err = slk_changes_from_json(&changes, &cnt, CHANGES_MAX, result, diag);
    if (err == SLK_OK)
        slk_follow_path(&chain->follow, changes, cnt);
    else if (err != SLK_ERR_NOMEM)
        slk_follow_unknown(&chain->follow);
    free(changes);
    return err;
}

static slk_err_t answer_head(slk_chain_t *chain, const json_t *result, bool is_head,
                             slk_diag_t *diag)
{
    slk_change_t told = {.type = SLK_CHANGE_CURRENT};
    slk_err_t err = slk_head_from_json(&told.head, result, diag);
    if (err != SLK_OK)
        slk_follow_unknown(&chain->follow);
    else if (is_head)
        slk_follow_told(&chain->follow, &told, 1);
    else
        slk_follow_tipset(&chain->follow, &told.head);
    return err;
}

/* Answer what the follower asks until it asks no more. Calls go to any node: an answer that does not
 * fit is noticed. */
static slk_err_t serve(slk_chain_t *chain, slk_diag_t *diag)
{
    slk_err_t err = store_steps(chain, diag);
    for (int i = 0; err == SLK_OK && i < ASKS_MAX; i++) {
        slk_ask_t ask = chain->follow.ask;
        if (ask.type == SLK_ASK_NOTHING)
            return SLK_OK;
        if (ask.type == SLK_ASK_NOBODY)
            return slk_fail(diag, SLK_ERR_MISMATCH, "%s", chain->follow.why);
        static const char *const methods[] = {[SLK_ASK_HEAD] = "Filecoin.ChainHead",
                                              [SLK_ASK_PATH] = "Filecoin.ChainGetPath",
                                              [SLK_ASK_TIPSET] = "Filecoin.ChainGetTipSetByHeight"};
        slk_node_answer_t answer = {0};
        err = call_node(chain, methods[ask.type], ask.type == SLK_ASK_HEAD ? NULL : params_of(&ask),
                        &answer, diag);
        if (err == SLK_OK && answer.rpc.failed)
            slk_follow_unknown(&chain->follow);
        else if (err == SLK_OK && ask.type == SLK_ASK_PATH)
            err = answer_path(chain, answer.rpc.result, diag);
        else if (err == SLK_OK)
            err = answer_head(chain, answer.rpc.result, ask.type == SLK_ASK_HEAD, diag);
        slk_node_answer_free(&answer);
        if (err == SLK_OK)
            err = store_steps(chain, diag);
    }
    return err;
}

/* --- Where news come from ------------------------------------------------------------------ */

static void drop_websocket(slk_chain_t *chain)
{
    slk_rpc_sub_free(chain->sub);
    chain->sub = NULL;
    if (chain->ws) {
        slk_rpc_ws_stop(chain->ws);
        slk_rpc_ws_free(chain->ws);
    }
    chain->ws = NULL;
    pthread_mutex_lock(&chain->lock);
    chain->status.websocket = false;
    pthread_mutex_unlock(&chain->lock);
}

/* Subscribe at the node that is best now; on failure polling goes on and this is tried again later. */
static void try_websocket(slk_chain_t *chain)
{
    slk_diag_t why = {0};
    slk_rpc_answer_t answer = {0};
    slk_rpc_ws_opts_t opts = {.url = chain->place.ws_url, .token = chain->place.token};
    chain->ws_retry_ms = clock_ms() + SURVEY_EVERY_MS;
    slk_err_t err = slk_rpc_ws_new(&chain->ws, &opts, &why);
    if (err == SLK_OK)
        err = slk_rpc_ws_wait(chain->ws, CONNECT_MS, &chain->job, &why);
    if (err == SLK_OK)
        err = slk_rpc_ws_subscribe(&chain->sub, chain->ws, "Filecoin.ChainNotify", "[]", CONNECT_MS,
                                   &chain->job, &answer, &why);
    slk_rpc_answer_free(&answer);
    if (err != SLK_OK || !chain->sub) {
        drop_websocket(chain);
        return;
    }
    pthread_mutex_lock(&chain->lock);
    chain->status.websocket = true;
    pthread_mutex_unlock(&chain->lock);
}

/* Take what the subscription has, waiting a little. Its end is no trouble: polling goes on. */
static slk_err_t take_news(slk_chain_t *chain, uint32_t wait_ms, slk_diag_t *diag)
{
    json_t *value = NULL;
    slk_change_t *changes = NULL;
    size_t cnt = 0;
    slk_err_t err = slk_rpc_sub_next(chain->sub, &value, wait_ms, &chain->job, diag);
    if (err == SLK_ERR_TIMEOUT)
        return SLK_OK;
    if (err != SLK_OK) {
        drop_websocket(chain);
        return err == SLK_ERR_CANCELLED ? err : SLK_OK;
    }
    err = slk_changes_from_json(&changes, &cnt, CHANGES_MAX, value, diag);
    json_decref(value);
    if (err == SLK_OK && cnt) {
        slk_nodes_saw(chain->nodes, chain->place.name, changes[cnt - 1].head.height);
        slk_follow_told(&chain->follow, changes, cnt);
    }
    free(changes);
    return err == SLK_OK ? serve(chain, diag) : err;
}

static slk_err_t poll_head(slk_chain_t *chain, slk_diag_t *diag)
{
    slk_node_answer_t answer = {0};
    chain->polled_ms = clock_ms();
    slk_err_t err = call_node(chain, "Filecoin.ChainHead", NULL, &answer, diag);
    if (err == SLK_OK)
        err = slk_node_answer_check(&answer, "ChainHead", diag);
    if (err == SLK_OK)
        err = answer_head(chain, answer.rpc.result, true, diag);
    slk_node_answer_free(&answer);
    return err == SLK_OK ? serve(chain, diag) : err;
}

/* A better node may have appeared; a websocket to another one than the chosen is given up. */
static slk_err_t choose_node(slk_chain_t *chain, slk_diag_t *diag)
{
    int64_t now = clock_ms();
    if (now >= chain->surveyed_ms + SURVEY_EVERY_MS) {
        slk_nodes_survey(chain->nodes, &chain->job);
        chain->surveyed_ms = clock_ms();
    }
    slk_node_place_t place;
    slk_err_t err = slk_nodes_place(chain->nodes, &chain->job, &place, diag);
    if (err != SLK_OK)
        return err;
    if (strcmp(place.name, chain->place.name) != 0) {
        drop_websocket(chain);
        slk_follow_reset(&chain->follow);
        chain->ws_retry_ms = 0;
        chain->place = place;
        pthread_mutex_lock(&chain->lock);
        memcpy(chain->status.node, place.name, sizeof chain->status.node);
        pthread_mutex_unlock(&chain->lock);
        if (chain->opts.log)
            chain->opts.log(chain->opts.log_ctx, SLK_OK, place.name);
    }
    return SLK_OK;
}

static slk_err_t check_genesis(slk_chain_t *chain, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_node_answer_t answer = {0};
    slk_api_text_t name;
    slk_head_t genesis;
    char network[128];
    slk_err_t err = SLK_OK;
    slk_arena_init(&arena, ARENA_MAX);
    SLK_TRY(call_node(chain, "Filecoin.ChainGetGenesis", NULL, &answer, diag));
    SLK_TRY(slk_node_answer_check(&answer, "ChainGetGenesis", diag));
    SLK_TRY(slk_head_from_json(&genesis, answer.rpc.result, diag));
    slk_api_t api = {.nodes = chain->nodes, .network = SLK_TESTNET, .job = &chain->job};
    SLK_TRY(slk_api_StateNetworkName(&api, &arena, &name, diag));
    snprintf(network, sizeof network, "%.*s", (int)(name.v.len < 100 ? name.v.len : 100),
             (const char *)name.v.b);
    SLK_TRY(slk_head_check_genesis(chain->db, &genesis.key, network, diag));
    slk_nodes_expect(chain->nodes, &genesis.key);
    chain->genesis_checked = true;
    pthread_mutex_lock(&chain->lock);
    chain->network = strcmp(network, "mainnet") == 0 ? SLK_MAINNET : SLK_TESTNET;
    chain->ready = true;
    pthread_mutex_unlock(&chain->lock);
out:
    slk_node_answer_free(&answer);
    slk_arena_free(&arena);
    return err;
}

/* --- The thread ---------------------------------------------------------------------------- */

static slk_err_t keep_up(slk_chain_t *chain, slk_diag_t *diag)
{
    uint32_t poll = chain->opts.poll_ms ? chain->opts.poll_ms : POLL_MS;
    slk_err_t err = choose_node(chain, diag);
    if (err == SLK_OK && !chain->genesis_checked)
        err = check_genesis(chain, diag);
    if (err != SLK_OK)
        return err;
    if (!chain->ws && !chain->opts.no_websocket && clock_ms() >= chain->ws_retry_ms)
        try_websocket(chain);
    if (chain->sub)
        err = take_news(chain, poll < VALUE_MS ? poll : VALUE_MS, diag);
    /* Also beside a websocket, which may be silent for other reasons than a silent chain. */
    if (err == SLK_OK && clock_ms() >= chain->polled_ms + (chain->sub ? 10 * poll : poll))
        err = poll_head(chain, diag);
    return err;
}

/* Until the time is over; news for the second thread end its rest. */
static void rest(slk_chain_t *chain, uint32_t ms, bool for_news)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&chain->lock);
    while (!(for_news && chain->woken) && !atomic_load(&chain->end) &&
           pthread_cond_timedwait(&chain->wake, &chain->lock, &until) == 0) {
    }
    if (for_news)
        chain->woken = false;
    pthread_mutex_unlock(&chain->lock);
}

static void *run(void *ctx)
{
    slk_chain_t *chain = ctx;
    uint32_t poll = chain->opts.poll_ms ? chain->opts.poll_ms : POLL_MS;
    while (!atomic_load(&chain->end)) {
        slk_diag_t diag = {0};
        slk_err_t err = keep_up(chain, &diag);
        if (atomic_load(&chain->end))
            break;
        pthread_mutex_lock(&chain->lock);
        chain->status.following = err == SLK_OK;
        chain->status.lost = chain->follow.ask.type == SLK_ASK_NOBODY;
        pthread_mutex_unlock(&chain->lock);
        set_trouble(chain, chain->status.trouble, err, err == SLK_OK ? "" : diag.text);
        if (err != SLK_OK || !chain->sub)
            rest(chain, err != SLK_OK && poll < 500 ? 500 : poll, false);
    }
    drop_websocket(chain);
    return NULL;
}

/* --- The second thread --------------------------------------------------------------------- */

static slk_err_t still_applied(void *ctx, slk_db_t *db, const slk_head_t *head, bool *still,
                               slk_diag_t *diag)
{
    (void)ctx;
    return slk_head_applied(db, head, still, diag);
}

static slk_err_t move_messages(slk_chain_t *chain, slk_diag_t *diag)
{
    slk_sender_opts_t opts = {.ops = &slk_sender_node_ops,
                              .ctx = &chain->sender,
                              .memory = &chain->memory,
                              .still = still_applied,
                              .final = chain->opts.final,
                              .final_ctx = chain->opts.final_ctx};
    pthread_mutex_lock(&chain->lock);
    slk_head_t head = chain->status.head;
    bool busy = chain->ready && chain->status.following && head.height >= 0;
    chain->sender.api.network = chain->network;
    pthread_mutex_unlock(&chain->lock);
    slk_err_t err = SLK_OK;
    for (int i = 0; err == SLK_OK && busy && i < 8; i++)
        err = slk_sender_turn(&opts, chain->sender_db, &head, unix_ms(), &busy, diag);
    return err;
}

static void *run_sender(void *ctx)
{
    slk_chain_t *chain = ctx;
    uint32_t poll = chain->opts.poll_ms ? chain->opts.poll_ms : POLL_MS;
    while (!atomic_load(&chain->end)) {
        slk_diag_t diag = {0};
        slk_err_t err = move_messages(chain, &diag);
        if (atomic_load(&chain->end))
            break;
        set_trouble(chain, chain->status.message_trouble, err, err == SLK_OK ? "" : diag.text);
        rest(chain, err != SLK_OK && poll < 500 ? 500 : poll, true);
    }
    return NULL;
}

/* --- Life ---------------------------------------------------------------------------------- */

static void end_thread(slk_chain_t *chain, pthread_t thread)
{
    atomic_store(&chain->end, true);
    slk_chain_wake(chain);
    slk_nodes_stop(chain->nodes);
    pthread_join(thread, NULL);
}

static void free_chain(slk_chain_t *chain)
{
    slk_follow_fini(&chain->follow);
    slk_nodes_free(chain->nodes);
    slk_db_close(chain->sender_db);
    slk_db_close(chain->db);
    pthread_cond_destroy(&chain->wake);
    pthread_mutex_destroy(&chain->lock);
    free(chain);
}

slk_err_t slk_chain_start(slk_chain_t **out, const slk_chain_opts_t *opts, slk_diag_t *diag)
{
    SLK_ASSERT(opts->listener_cnt < LISTENERS);
    slk_err_t err = SLK_OK;
    slk_tipset_key_t genesis;
    pthread_condattr_t attr;
    *out = NULL;
    slk_chain_t *chain = calloc(1, sizeof *chain);
    if (!chain)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a follower of the chain");
    pthread_mutex_init(&chain->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&chain->wake, &attr);
    pthread_condattr_destroy(&attr);
    chain->opts = *opts;
    chain->opts.api_info = chain->opts.database = NULL;
    chain->listeners[0] = (slk_head_listener_t){.step = messages_step};
    for (size_t i = 0; i < opts->listener_cnt; i++)
        chain->listeners[i + 1] = opts->listeners[i];
    chain->job.cancel = &chain->end;
    chain->surveyed_ms = chain->polled_ms = -SURVEY_EVERY_MS;
    SLK_TRY(slk_nodes_new(&chain->nodes, opts->api_info, diag));
    SLK_TRY(slk_db_open(&chain->db, opts->database, diag));
    SLK_TRY(slk_db_open(&chain->sender_db, opts->database, diag));
    SLK_TRY(slk_head_migrate(chain->db, diag));
    SLK_TRY(slk_message_migrate(chain->db, diag));
    SLK_TRY(slk_head_load(chain->db, &chain->follow, diag));
    SLK_TRY(slk_head_genesis(chain->db, &genesis, diag));
    if (genesis.len)
        slk_nodes_expect(chain->nodes, &genesis);
    const slk_head_t *head = slk_follow_head(&chain->follow);
    chain->status.head = head ? *head : (slk_head_t){.height = -1};
    slk_api_t api = {.nodes = chain->nodes, .network = SLK_TESTNET, .job = &chain->job};
    slk_sender_node_init(&chain->sender, &api, opts->signer);
    if (pthread_create(&chain->thread, NULL, run, chain) != 0) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start the thread that follows the chain");
        goto out;
    }
    if (pthread_create(&chain->sender_thread, NULL, run_sender, chain) != 0) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start the thread that sends messages");
        end_thread(chain, chain->thread);
        goto out;
    }
    *out = chain;
    chain = NULL;
out:
    if (chain)
        free_chain(chain);
    return err;
}

void slk_chain_stop(slk_chain_t *chain)
{
    if (!chain)
        return;
    slk_signer_stop(chain->sender.signer);
    end_thread(chain, chain->thread);
    end_thread(chain, chain->sender_thread);
    free_chain(chain);
}
