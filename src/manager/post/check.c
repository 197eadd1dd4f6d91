#include "manager/post/check.h"

#include "base/assert.h"
#include "base/log.h"
#include "manager/runner_impl.h"
#include "net/http_client.h"
#include "net/net.h"
#include "selkie/cid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { CHECKS_MAX = 4096, CONNECT_MS = 5000, SLACK_MS = 3000 };

typedef struct {
    slk_post_check_t want;
    enum { FREE, QUEUED, RUNNING, ENDED } state;
    slk_post_checked_t result;
    int64_t until_ms;
} entry_t;

struct slk_post_checks {
    const slk_token_key_t *key;
    void (*done)(void *ctx);
    void *ctx;
    slk_http_client_t *client;
    atomic_bool stop;
    slk_job_t job;
    pthread_mutex_t lock;
    pthread_cond_t something;
    entry_t *entries;
    pthread_t thread;
    bool runs;
};

/* --- One check --------------------------------------------------------------------------------- */

static json_t *body_of(const slk_post_check_t *want, const slk_post_t *post, const uint64_t *leaves)
{
    char cid[SLK_CID_STR_SZ];
    json_t *list = json_array();
    slk_cid_format(cid, SLK_CID_SEALED, &want->comm_r);
    for (uint32_t i = 0; i < post->challenges; i++)
        json_array_append_new(list, json_integer((json_int_t)leaves[i]));
    /* Registered seal proofs V1_1 are 5 to 9 in the order of the sizes, as each five kinds of PoSt proofs. */
    return json_pack("{s:I, s:{s:i, s:I, s:{s:s}, s:o, s:b}, s:i}", "Miner",
                     (json_int_t)want->miner, "Sector", "SealProof", 5 + want->registered % 5,
                     "SectorNumber", (json_int_t)want->number, "SealedCID", "/", cid, "Challenge",
                     list, "Update", (int)want->update, "ProofType", want->registered);
}

static slk_err_t verify(const slk_post_check_t *want, const slk_post_t *post,
                        const slk_node_t *randomness, const slk_http_answer_t *answer,
                        const slk_job_t *job, slk_diag_t *diag)
{
    slk_post_vanilla_t proof;
    slk_post_t alone = *post; /* its place alone makes up a partition */
    const slk_post_public_t pub = {want->number, want->comm_r};
    bool ok = false;
    alone.sectors = 1;
    slk_err_t err = slk_post_vanilla_parse(&proof, post->size, (const uint8_t *)answer->body,
                                           answer->body_len, diag);
    if (err == SLK_OK)
        err = slk_post_vanilla_verify(&ok, &alone, randomness, &pub, &proof, 1, 0, job, diag);
    return err == SLK_OK && !ok ? SLK_ERR_MISMATCH : err;
}

static slk_err_t ask_holder(slk_post_checks_t *c, const slk_post_check_t *want, size_t holder,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_post_t post;
    slk_node_t randomness;
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    char url[768], token[SLK_TOKEN_TEXT_MAX], *text = NULL;
    json_t *body = NULL;
    slk_http_answer_t answer = {0};
    SLK_TRY(slk_post_by_id(&post, want->registered, diag));
    if (getrandom(randomness.b, sizeof randomness.b, 0) != (ssize_t)sizeof randomness.b)
        return slk_fail(diag, SLK_ERR_IO, "the system gives no random numbers");
    slk_post_randomness(&randomness);
    slk_post_leaves(leaves, &post, &randomness, want->number, 0);
    body = body_of(want, &post, leaves);
    text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    snprintf(url, sizeof url, "%s/vanilla/single?store=%s&read_ms=%u&sector_ms=%u",
             want->holders[holder].url, want->holders[holder].store, want->read_ms,
             want->sector_ms);
    slk_token_new(token, c->key, slk_perms_upto(SLK_PERM_ADMIN));
    const slk_http_call_t call = {.method = "POST",
                                  .url = url,
                                  .token = token,
                                  .content_type = "application/json",
                                  .body = text,
                                  .body_len = strlen(text),
                                  .repeatable = true,
                                  .total_ms = want->sector_ms + SLACK_MS,
                                  .low_speed_s = UINT32_MAX,
                                  .job = &c->job};
    SLK_TRY(slk_http_do(c->client, &call, &answer, diag));
    if (answer.status != 200)
        err = slk_fail(diag, SLK_ERR_IO, "%s: status %d: %.300s", want->holders[holder].url,
                       answer.status, answer.body ? answer.body : "");
    else
        err = verify(want, &post, &randomness, &answer, &c->job, diag);
out:
    explicit_bzero(token, sizeof token);
    slk_http_answer_free(&answer);
    json_decref(body);
    free(text);
    return err;
}

static slk_post_checked_t check(slk_post_checks_t *c, const slk_post_check_t *want)
{
    slk_diag_t why = {.text = "no worker that has its files is here"};
    for (size_t i = 0; i < SLK_POST_CHECK_HOLDERS && *want->holders[i].url; i++) {
        if (atomic_load(&c->stop))
            return SLK_POST_UNCHECKED;
        if (ask_holder(c, want, i, &why) == SLK_OK)
            return SLK_POST_READABLE;
    }
    if (!atomic_load(&c->stop))
        slk_log_sector(SLK_LOG_WARN, "post", want->miner, want->number,
                       "faulty, and not to be declared recovered: %.900s", why.text);
    return SLK_POST_UNREADABLE;
}

/* --- The thread -------------------------------------------------------------------------------- */

static entry_t *next_queued(slk_post_checks_t *c)
{
    for (size_t i = 0; i < CHECKS_MAX; i++)
        if (c->entries[i].state == QUEUED)
            return &c->entries[i];
    return NULL;
}

static void *checks_main(void *arg)
{
    slk_post_checks_t *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!atomic_load(&c->stop)) {
        entry_t *entry = next_queued(c);
        if (!entry) {
            pthread_cond_wait(&c->something, &c->lock);
            continue;
        }
        entry->state = RUNNING;
        const slk_post_check_t want = entry->want;
        pthread_mutex_unlock(&c->lock);
        const slk_post_checked_t result = check(c, &want);
        const int64_t now = slk_runner_now();
        pthread_mutex_lock(&c->lock);
        entry->state = ENDED;
        entry->result = result;
        entry->until_ms = now + want.again_ms;
        pthread_mutex_unlock(&c->lock);
        c->done(c->ctx);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* The sector's entry, else one that is free or over; NULL: all are in use. */
static entry_t *entry_of(slk_post_checks_t *c, const slk_post_check_t *want, int64_t now_ms)
{
    entry_t *spare = NULL;
    for (size_t i = 0; i < CHECKS_MAX; i++) {
        entry_t *e = &c->entries[i];
        const bool over = e->state == ENDED && e->until_ms <= now_ms;
        if (e->state != FREE && e->want.miner == want->miner && e->want.number == want->number) {
            if (over)
                e->state = FREE;
            return e;
        }
        if (!spare && (e->state == FREE || over))
            spare = e;
    }
    if (spare)
        spare->state = FREE;
    return spare;
}

slk_post_checked_t slk_post_check(slk_post_checks_t *c, const slk_post_check_t *want,
                                  int64_t now_ms)
{
    slk_post_checked_t result = SLK_POST_UNCHECKED;
    pthread_mutex_lock(&c->lock);
    entry_t *entry = entry_of(c, want, now_ms);
    if (entry && entry->state == FREE) {
        *entry = (entry_t){.want = *want, .state = QUEUED};
        pthread_cond_signal(&c->something);
    } else if (entry && entry->state == ENDED) {
        result = entry->result;
    }
    pthread_mutex_unlock(&c->lock);
    return result;
}

slk_err_t slk_post_checks_new(slk_post_checks_t **out, const slk_token_key_t *transfer_key,
                              void (*done)(void *ctx), void *ctx, slk_diag_t *diag)
{
    slk_post_checks_t *c = calloc(1, sizeof *c);
    const slk_http_client_opts_t opts = {.connect_ms = CONNECT_MS, .answer_max = 1u << 20};
    *out = NULL;
    if (!c)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    c->key = transfer_key;
    c->done = done;
    c->ctx = ctx;
    c->job.cancel = &c->stop;
    pthread_mutex_init(&c->lock, NULL);
    slk_net_cond_init(&c->something);
    c->entries = calloc(CHECKS_MAX, sizeof *c->entries);
    slk_err_t err = c->entries ? slk_http_client_new(&c->client, &opts, diag)
                               : slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK && slk_net_thread(&c->thread, checks_main, c) != 0)
        err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread");
    else
        c->runs = err == SLK_OK;
    if (err != SLK_OK) {
        slk_post_checks_free(c);
        return err;
    }
    *out = c;
    return SLK_OK;
}

void slk_post_checks_free(slk_post_checks_t *c)
{
    if (!c)
        return;
    atomic_store(&c->stop, true);
    if (c->client)
        slk_http_client_stop(c->client);
    pthread_mutex_lock(&c->lock);
    pthread_cond_broadcast(&c->something);
    pthread_mutex_unlock(&c->lock);
    if (c->runs)
        pthread_join(c->thread, NULL);
    slk_http_client_free(c->client);
    pthread_cond_destroy(&c->something);
    pthread_mutex_destroy(&c->lock);
    free(c->entries);
    free(c);
}
