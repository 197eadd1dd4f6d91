#include "chain/nodes.h"

#include "base/assert.h"
#include "chain/node_health.h"
#include "net/api_info.h"
#include "net/http_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 5, PAUSE_MS = 200, PAUSE_MAX_MS = 5000, CHECK_MS = 20000, SURVEY_MS = 5000 };

/* Lotus compares major and minor of the version it was built with; within a major one all that is used
 * here is the same. 131840 is 2.3.0. */
#define API_MAJOR 2

typedef struct {
    char name[SLK_NODE_NAME_MAX];
    char url[SLK_API_URL_MAX], ws_url[SLK_API_URL_MAX], token[1024];
    slk_node_health_t health;
    bool checked;
    char why[512]; /* last trouble */
} node_t;

struct slk_nodes {
    slk_http_client_t *http;
    uint32_t limit_ms;    /* 0: none */
    pthread_mutex_t lock; /* everything below */
    node_t nodes[SLK_NODES_MAX];
    size_t cnt;
    int present;
    slk_tipset_key_t genesis; /* len 0: not known yet */
};

static const struct {
    uint32_t ms;
    bool repeat;
} classes[] = {
#define SLK_X(name, ms, repeat) {ms, repeat},
    SLK_CALL_CLASSES(SLK_X)
#undef SLK_X
};

static int64_t now_ms(void)
{
    return (int64_t)(slk_clock_seconds() * 1000);
}

/* False when cancelled. */
static bool pause_ms(int64_t ms, const slk_job_t *job)
{
    int64_t end = now_ms() + ms;
    while (!slk_job_cancelled(job) && now_ms() < end) {
        struct timespec slice = {.tv_nsec = 20000000};
        nanosleep(&slice, NULL);
    }
    return !slk_job_cancelled(job);
}

/* --- Life ---------------------------------------------------------------------------------- */

slk_err_t slk_nodes_new(slk_nodes_t **out, const char *api_info, slk_diag_t *diag)
{
    slk_nodes_t *nodes = calloc(1, sizeof *nodes);
    slk_api_info_t *infos = calloc(SLK_API_INFO_MAX, sizeof *infos);
    slk_err_t err = SLK_OK;
    size_t cnt = 0;
    *out = NULL;
    if (!nodes || !infos) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of nodes");
        goto out;
    }
    SLK_TRY(slk_api_info_parse(infos, &cnt, api_info, diag));
    SLK_TRY(slk_http_client_new(&nodes->http, NULL, diag));
    pthread_mutex_init(&nodes->lock, NULL);
    nodes->present = -1;
    for (size_t i = 0; i < cnt && i < SLK_NODES_MAX; i++) {
        node_t *node = &nodes->nodes[nodes->cnt++];
        char name[SLK_API_URL_MAX];
        slk_api_info_name(name, &infos[i]);
        snprintf(node->name, sizeof node->name, "%.*s", (int)sizeof node->name - 1, name);
        slk_api_info_url(node->url, &infos[i], false, "v1");
        slk_api_info_url(node->ws_url, &infos[i], true, "v1");
        memcpy(node->token, infos[i].token, sizeof node->token);
        slk_node_health_init(&node->health);
    }
    *out = nodes;
    nodes = NULL;
out:
    free(infos);
    free(nodes);
    return err;
}

void slk_nodes_free(slk_nodes_t *nodes)
{
    if (!nodes)
        return;
    slk_http_client_free(nodes->http);
    pthread_mutex_destroy(&nodes->lock);
    free(nodes);
}

void slk_nodes_stop(slk_nodes_t *nodes)
{
    slk_http_client_stop(nodes->http);
}

void slk_nodes_expect(slk_nodes_t *nodes, const slk_tipset_key_t *genesis)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->genesis = *genesis;
    pthread_mutex_unlock(&nodes->lock);
}

void slk_nodes_limit(slk_nodes_t *nodes, uint32_t ms)
{
    nodes->limit_ms = ms;
}

static uint32_t time_limit(const slk_nodes_t *nodes, uint32_t ms)
{
    return ms && nodes->limit_ms && nodes->limit_ms < ms ? nodes->limit_ms : ms;
}

void slk_node_answer_free(slk_node_answer_t *answer)
{
    slk_rpc_answer_free(&answer->rpc);
}

/* --- One call to one node ------------------------------------------------------------------ */

static void note_failed(slk_nodes_t *nodes, node_t *node, const slk_diag_t *why)
{
    pthread_mutex_lock(&nodes->lock);
    slk_node_failed(&node->health, now_ms());
    snprintf(node->why, sizeof node->why, "%.*s", (int)sizeof node->why - 1, why->text);
    pthread_mutex_unlock(&nodes->lock);
}

static void note_refused(slk_nodes_t *nodes, node_t *node, const slk_diag_t *why)
{
    pthread_mutex_lock(&nodes->lock);
    node->health.refused = true;
    snprintf(node->why, sizeof node->why, "%.*s", (int)sizeof node->why - 1, why->text);
    pthread_mutex_unlock(&nodes->lock);
}

static void note_answered(slk_nodes_t *nodes, node_t *node)
{
    pthread_mutex_lock(&nodes->lock);
    slk_node_succeeded(&node->health);
    pthread_mutex_unlock(&nodes->lock);
}

/* name, url and token of a node never change: they are read without the lock. */
static slk_err_t ask(slk_nodes_t *nodes, node_t *node, const slk_node_call_t *call, uint32_t ms,
                     slk_node_answer_t *answer, slk_diag_t *diag)
{
    slk_diag_t why = {0};
    slk_rpc_answer_free(&answer->rpc);
    answer->rpc = (slk_rpc_answer_t){0};
    snprintf(answer->node, sizeof answer->node, "%s", node->name);
    slk_rpc_http_call_t http = {.url = node->url,
                                .token = node->token,
                                .method = call->method,
                                .params = call->params,
                                .repeatable = classes[call->kind].repeat,
                                .total_ms = time_limit(nodes, ms),
                                .low_speed_s = UINT32_MAX,
                                .job = call->job};
    slk_err_t err = slk_rpc_http(nodes->http, &http, &answer->rpc, &why);
    if (err == SLK_OK) {
        note_answered(nodes, node);
        return SLK_OK;
    }
    slk_fail(diag, err, "node %s: %.1200s", node->name, why.text);
    if (err != SLK_ERR_CANCELLED)
        note_failed(nodes, node, &why);
    return err;
}

/* --- Checking a node ----------------------------------------------------------------------- */

static slk_err_t check_version(const slk_node_answer_t *answer, slk_diag_t *diag)
{
    json_t *version = json_object_get(answer->rpc.result, "APIVersion");
    json_int_t number = json_integer_value(version);
    if (!json_is_integer(version) || number >> 16 != API_MAJOR)
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "node %s: API version %lld.%lld, selkie speaks %d.x; use a node of another "
                        "version",
                        answer->node, (long long)(number >> 16), (long long)(number >> 8 & 255),
                        API_MAJOR);
    return SLK_OK;
}

static slk_err_t check_genesis(slk_nodes_t *nodes, const slk_node_answer_t *answer,
                               slk_diag_t *diag)
{
    slk_head_t genesis;
    slk_err_t err = slk_head_from_json(&genesis, answer->rpc.result, diag);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&nodes->lock);
    if (!nodes->genesis.len)
        nodes->genesis = genesis.key;
    bool same = slk_tipset_key_eq(&nodes->genesis, &genesis.key);
    pthread_mutex_unlock(&nodes->lock);
    if (!same)
        return slk_fail(diag, SLK_ERR_MISMATCH,
                        "node %s: its chain begins with another genesis: it belongs to another "
                        "network than the others or than this database",
                        answer->node);
    return SLK_OK;
}

/* Before its first use. SLK_ERR_MISMATCH: it is of no use, for ever. */
static slk_err_t check_node(slk_nodes_t *nodes, node_t *node, const slk_job_t *job,
                            slk_diag_t *diag)
{
    slk_node_answer_t answer = {0};
    slk_node_call_t call = {.method = "Filecoin.Version", .kind = SLK_CALL_READ, .job = job};
    slk_diag_t why = {0};
    pthread_mutex_lock(&nodes->lock);
    bool checked = node->checked;
    pthread_mutex_unlock(&nodes->lock);
    if (checked)
        return SLK_OK;
    slk_err_t err = SLK_OK;
    SLK_TRY(ask(nodes, node, &call, CHECK_MS, &answer, &why));
    SLK_TRY(slk_node_answer_check(&answer, "Version", &why));
    SLK_TRY(check_version(&answer, &why));
    call.method = "Filecoin.ChainGetGenesis";
    SLK_TRY(ask(nodes, node, &call, CHECK_MS, &answer, &why));
    SLK_TRY(slk_node_answer_check(&answer, "ChainGetGenesis", &why));
    SLK_TRY(check_genesis(nodes, &answer, &why));
    pthread_mutex_lock(&nodes->lock);
    node->checked = true;
    pthread_mutex_unlock(&nodes->lock);
out:
    slk_node_answer_free(&answer);
    if (err == SLK_ERR_MISMATCH)
        note_refused(nodes, node, &why);
    else if (err == SLK_ERR_STATE || err == SLK_ERR_FORMAT)
        note_failed(nodes, node, &why);
    if (err != SLK_OK && diag)
        *diag = why;
    return err;
}

/* --- Choosing ------------------------------------------------------------------------------ */

static node_t *choose(slk_nodes_t *nodes, const char *name, int64_t *wait)
{
    node_t *chosen = NULL;
    slk_node_health_t health[SLK_NODES_MAX];
    *wait = -1;
    pthread_mutex_lock(&nodes->lock);
    for (size_t i = 0; i < nodes->cnt; i++) {
        health[i] = nodes->nodes[i].health;
        if (name && strcmp(nodes->nodes[i].name, name) == 0) {
            *wait = health[i].refused ? -1 : health[i].retry_ms - now_ms();
            *wait = *wait < 0 && !health[i].refused ? 0 : *wait;
            chosen = *wait == 0 ? &nodes->nodes[i] : NULL;
        }
    }
    if (!name) {
        int best = slk_node_choose(health, nodes->cnt, nodes->present, now_ms(), wait);
        if (best >= 0) {
            nodes->present = best;
            chosen = &nodes->nodes[best];
        }
    }
    pthread_mutex_unlock(&nodes->lock);
    return chosen;
}

static bool has_name(const slk_nodes_t *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->cnt; i++)
        if (strcmp(nodes->nodes[i].name, name) == 0)
            return true;
    return false;
}

/* Nobody can be asked, now or ever: say of each why. */
static slk_err_t fail_nobody(slk_nodes_t *nodes, slk_err_t err, slk_diag_t *diag)
{
    char text[1024] = "";
    pthread_mutex_lock(&nodes->lock);
    for (size_t i = 0; i < nodes->cnt; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s: %s", i ? "; " : "", nodes->nodes[i].name,
                 nodes->nodes[i].why);
    }
    pthread_mutex_unlock(&nodes->lock);
    return slk_fail(diag, err, "no usable node: %s", text);
}

/* A node that is checked. */
static slk_err_t take_node(slk_nodes_t *nodes, const char *name, const slk_job_t *job,
                           node_t **node, slk_diag_t *diag)
{
    slk_err_t err = SLK_ERR_IO;
    for (size_t i = 0; i <= nodes->cnt; i++) {
        int64_t wait;
        *node = choose(nodes, name, &wait);
        if (!*node && i > 0 && wait >= 0)
            return err; /* what the last of them said */
        if (!*node)
            return fail_nobody(nodes, wait < 0 ? SLK_ERR_MISMATCH : SLK_ERR_IO, diag);
        err = check_node(nodes, *node, job, diag);
        if (err == SLK_OK || err == SLK_ERR_CANCELLED)
            return err;
    }
    return err;
}

/* --- Calls --------------------------------------------------------------------------------- */

static bool worth_repeating(slk_err_t err, const slk_node_call_t *call,
                            const slk_node_answer_t *answer)
{
    if (err == SLK_ERR_CANCELLED || err == SLK_ERR_MISMATCH || err == SLK_ERR_NOMEM)
        return false;
    return classes[call->kind].repeat || answer->rpc.outcome == SLK_HTTP_NOT_SENT;
}

slk_err_t slk_nodes_call(slk_nodes_t *nodes, const slk_node_call_t *call, slk_node_answer_t *answer,
                         slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    int64_t pause = PAUSE_MS;
    *answer = (slk_node_answer_t){.rpc.outcome = SLK_HTTP_NOT_SENT};
    if (call->node && !has_name(nodes, call->node))
        return slk_fail(diag, SLK_ERR_NOTFOUND,
                        "node %s is not in the list of nodes any more; add it again until what it "
                        "was given is done",
                        call->node);
    for (int i = 0; i < TRIES; i++) {
        node_t *node = NULL;
        if (slk_job_cancelled(call->job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        err = take_node(nodes, call->node, call->job, &node, diag);
        if (err == SLK_OK)
            err = ask(nodes, node, call, classes[call->kind].ms, answer, diag);
        if (err == SLK_OK || !worth_repeating(err, call, answer))
            return err;
        int64_t wait;
        bool another = !call->node && choose(nodes, NULL, &wait) != NULL;
        if (err == SLK_ERR_PERM && !another)
            return err;
        if (i + 1 < TRIES && !another && !pause_ms(pause, call->job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
    return err;
}

slk_err_t slk_node_answer_check(const slk_node_answer_t *answer, const char *method,
                                slk_diag_t *diag)
{
    static const char missing[] = "missing permission to invoke '";
    if (!answer->rpc.failed)
        return SLK_OK;
    const char *need = strstr(answer->rpc.message, "(need '");
    if (strncmp(answer->rpc.message, missing, sizeof missing - 1) == 0 && need) {
        need += strlen("(need '");
        return slk_fail(diag, SLK_ERR_PERM,
                        "%s: the token of node %s lacks the right '%.*s'; make one with it (lotus "
                        "auth create-token --perm %.*s) and put it in FULLNODE_API_INFO",
                        method, answer->node, (int)strcspn(need, "'"), need,
                        (int)strcspn(need, "'"), need);
    }
    return slk_fail(diag, SLK_ERR_STATE, "%s: %.1000s (code %lld, node %s)", method,
                    answer->rpc.message, (long long)answer->rpc.code, answer->node);
}

/* --- Health -------------------------------------------------------------------------------- */

void slk_nodes_saw(slk_nodes_t *nodes, const char *name, int64_t height)
{
    pthread_mutex_lock(&nodes->lock);
    for (size_t i = 0; i < nodes->cnt; i++)
        if (strcmp(nodes->nodes[i].name, name) == 0)
            nodes->nodes[i].health.height = height;
    pthread_mutex_unlock(&nodes->lock);
}

void slk_nodes_survey(slk_nodes_t *nodes, const slk_job_t *job)
{
    for (size_t i = 0; i < nodes->cnt; i++) {
        node_t *node = &nodes->nodes[i];
        slk_node_answer_t answer = {0};
        slk_node_call_t call = {.method = "Filecoin.ChainHead", .kind = SLK_CALL_READ, .job = job};
        slk_head_t head;
        pthread_mutex_lock(&nodes->lock);
        bool due = !node->health.refused && node->health.retry_ms <= now_ms();
        pthread_mutex_unlock(&nodes->lock);
        if (due && check_node(nodes, node, job, NULL) == SLK_OK &&
            ask(nodes, node, &call, SURVEY_MS, &answer, NULL) == SLK_OK && !answer.rpc.failed &&
            slk_head_from_json(&head, answer.rpc.result, NULL) == SLK_OK)
            slk_nodes_saw(nodes, node->name, head.height);
        slk_node_answer_free(&answer);
    }
}

slk_err_t slk_nodes_place(slk_nodes_t *nodes, const slk_job_t *job, slk_node_place_t *place,
                          slk_diag_t *diag)
{
    node_t *node = NULL;
    slk_err_t err = take_node(nodes, NULL, job, &node, diag);
    if (err != SLK_OK)
        return err;
    snprintf(place->name, sizeof place->name, "%s", node->name);
    snprintf(place->ws_url, sizeof place->ws_url, "%s", node->ws_url);
    memcpy(place->token, node->token, sizeof place->token);
    return SLK_OK;
}
