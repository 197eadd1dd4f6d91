/* Vanilla proofs that other workers read. */
#include "worker/post_impl.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS_MAX        48u    /* at the same time */
#define SOURCE_CALLS_MAX 6u     /* of these to one path of a worker */
#define RETRY_MS         20000u /* a worker that starts again comes back within this */
#define PAUSE_MS         250u
#define CONNECT_MS       5000u
#define SLACK_MS         3000u      /* of the way there and back */
#define ANSWER_MAX       (1u << 20) /* bytes; a vanilla proof of 64GiB has 30 KiB */

/* A path of another worker. When it leaves one request without an answer, and gave none to another one
 * meanwhile, the sectors that are left in it are not asked for: each would take as long. */
typedef struct {
    const slk_vanilla_holder_t *holder;
    unsigned calls;
    double last_good;
    bool dead;
    char why[512];
} source_t;

typedef struct {
    slk_vanilla_sector_t *sector;
    source_t *source;
    bool taken;
} item_t;

typedef struct {
    slk_vanilla_run_t *run;
    slk_http_client_t *client;
    char token[SLK_TOKEN_TEXT_MAX];
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t cond;
    item_t *items;
    size_t cnt, left; /* left: not taken yet */
    source_t *sources;
    size_t source_cnt;
    slk_err_t err;
    slk_diag_t diag;
} pull_t;

/* --- One answer ------------------------------------------------------------------------------- */

typedef enum { GOOD, WRONG, ABSENT, AGAIN, SILENT } verdict_t;

/* Bytes up to the length that the proof must have. */
typedef struct {
    uint8_t *bytes;
    size_t len, want;
} sink_t;

static slk_err_t take_bytes(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    sink_t *sink = ctx;
    if (len > sink->want - sink->len)
        return slk_fail(diag, SLK_ERR_LENGTH, "more than %zu bytes, a vanilla proof has no more",
                        sink->want);
    memcpy(sink->bytes + sink->len, bytes, len);
    sink->len += len;
    return SLK_OK;
}

/* Whether these are the leaves and paths of this sector: nobody else's word is taken for it. */
static slk_err_t check(const slk_vanilla_run_t *run, const slk_vanilla_sector_t *s,
                       const sink_t *sink, slk_diag_t *diag)
{
    slk_post_vanilla_t proof;
    slk_post_t alone = run->post; /* its place alone makes up a partition */
    slk_post_public_t pub = {s->ask.sector.number, s->ask.comm_r};
    slk_job_t job = {.cancel = run->job ? run->job->cancel : NULL};
    bool ok = false;
    if (sink->len != sink->want)
        return slk_fail(diag, SLK_ERR_LENGTH, "%zu bytes, a vanilla proof has %zu", sink->len,
                        sink->want);
    slk_err_t err = slk_post_vanilla_parse(&proof, run->post.size, sink->bytes, sink->len, diag);
    if (err != SLK_OK)
        return err;
    alone.sectors = 1;
    err = slk_post_vanilla_verify(&ok, &alone, &run->randomness, &pub, &proof, 1, s->position, &job,
                                  diag);
    return err == SLK_OK && !ok ? SLK_ERR_MISMATCH : err;
}

static verdict_t judge(const slk_http_answer_t *answer)
{
    switch (answer->status) {
    case 404:
        return ABSENT;
    case 401: /* it has not heard of a new key */
    case 503:
        return AGAIN;
    case 504:
        return SILENT;
    default:
        return WRONG;
    }
}

/* The sentence of an answer, which is text of somebody else. */
static void say_answer(slk_diag_t *why, const char *base, const slk_http_answer_t *answer)
{
    char text[400];
    size_t len = 0;
    for (size_t i = 0; i < answer->body_len && len + 1 < sizeof text; i++)
        if (answer->body[i] >= ' ' && answer->body[i] <= '~')
            text[len++] = answer->body[i];
    text[len] = 0;
    snprintf(why->text, sizeof why->text, "%s: status %d: %s", base, answer->status, text);
}

static verdict_t ask_once(pull_t *pull, item_t *item, sink_t *sink, slk_diag_t *why)
{
    const slk_vanilla_run_t *run = pull->run;
    const slk_vanilla_holder_t *holder = item->source->holder;
    char url[640], *body = slk_vanilla_ask_text(&item->sector->ask);
    verdict_t verdict = WRONG;
    slk_diag_t diag = {""};
    if (!body) {
        snprintf(why->text, sizeof why->text, "out of memory for a request");
        return WRONG;
    }
    snprintf(url, sizeof url, "%s/vanilla/single?store=%s&read_ms=%u&sector_ms=%u", holder->url,
             holder->store, run->read_ms, run->sector_ms);
    sink->len = 0;
    slk_http_call_t call = {.method = "POST",
                            .url = url,
                            .token = pull->token,
                            .content_type = "application/json",
                            .body = body,
                            .body_len = strlen(body),
                            .repeatable = true,
                            .total_ms = run->sector_ms + SLACK_MS,
                            .low_speed_s = UINT32_MAX,
                            .job = run->job,
                            .sink = take_bytes,
                            .sink_ctx = sink};
    slk_http_answer_t answer = {0};
    slk_err_t err = slk_http_do(pull->client, &call, &answer, &diag);
    if (err != SLK_OK) {
        verdict = err == SLK_ERR_TIMEOUT && answer.outcome != SLK_HTTP_NOT_SENT ? SILENT
                  : err == SLK_ERR_LENGTH                                       ? WRONG
                                                                                : AGAIN;
        snprintf(why->text, sizeof why->text, "%s: %.1000s", holder->url, diag.text);
    } else if (answer.status != 200) {
        verdict = judge(&answer);
        say_answer(why, holder->url, &answer);
    } else if (check(run, item->sector, sink, &diag) == SLK_OK) {
        verdict = GOOD;
    } else {
        snprintf(why->text, sizeof why->text, "%s gave a wrong vanilla proof: %.1000s", holder->url,
                 diag.text);
    }
    slk_http_answer_free(&answer);
    free(body);
    return verdict;
}

/* --- The calls -------------------------------------------------------------------------------- */

static void pause_ms(uint32_t ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Mutex held. */
static bool is_dead(pull_t *pull, const item_t *item)
{
    (void)pull;
    return item->source->dead;
}

static void ask(pull_t *pull, item_t *item)
{
    slk_vanilla_run_t *run = pull->run;
    slk_vanilla_sector_t *s = item->sector;
    uint32_t patience = run->sector_ms < RETRY_MS ? run->sector_ms : RETRY_MS;
    double begin = slk_clock_seconds();
    size_t want = slk_post_vanilla_sz(run->post.size, run->post.challenges);
    sink_t sink = {.bytes = malloc(want), .want = want};
    verdict_t verdict = WRONG;
    slk_diag_t why = {""};
    bool on = sink.bytes != NULL;
    while (on) {
        verdict = ask_once(pull, item, &sink, &why);
        on = verdict == AGAIN && slk_clock_seconds() - begin < patience / 1000.0 &&
             !slk_job_cancelled(run->job);
        if (on)
            pause_ms(PAUSE_MS);
        pthread_mutex_lock(&pull->mutex);
        on = on && !is_dead(pull, item);
        pthread_mutex_unlock(&pull->mutex);
    }
    pthread_mutex_lock(&pull->mutex);
    if (!sink.bytes) {
        pull->err = slk_fail(&pull->diag, SLK_ERR_NOMEM, "out of memory for vanilla proofs");
    } else if (verdict == GOOD) {
        s->proof = sink.bytes;
        s->len = sink.len;
        sink.bytes = NULL;
    } else {
        slk_vanilla_failed(s, verdict == ABSENT, why.text);
    }
    if (verdict == GOOD || verdict == ABSENT || verdict == WRONG) {
        item->source->last_good = slk_clock_seconds();
    } else if (item->source->last_good < begin && !item->source->dead) {
        item->source->dead = true;
        snprintf(item->source->why, sizeof item->source->why, "not asked for: %.480s", why.text);
    }
    pthread_mutex_unlock(&pull->mutex);
    free(sink.bytes);
}

/* The next one to ask for; waits while all that are left are with sources that have enough to do. Mutex held.
 */
static item_t *next_item(pull_t *pull)
{
    while (pull->left) {
        bool cancelled = slk_job_cancelled(pull->run->job);
        for (size_t i = 0; i < pull->cnt; i++) {
            item_t *item = &pull->items[i];
            if (item->taken)
                continue;
            if (cancelled || is_dead(pull, item)) {
                slk_vanilla_failed(item->sector, false,
                                   cancelled ? "interrupted" : item->source->why);
                item->taken = true;
                pull->left--;
                continue;
            }
            if (item->source->calls >= SOURCE_CALLS_MAX)
                continue;
            item->taken = true;
            item->source->calls++;
            pull->left--;
            return item;
        }
        if (pull->left)
            pthread_cond_wait(&pull->cond, &pull->mutex);
    }
    pthread_cond_broadcast(&pull->cond);
    return NULL;
}

static void *call_main(void *arg)
{
    pull_t *pull = arg;
    item_t *item;
    pthread_mutex_lock(&pull->mutex);
    while ((item = next_item(pull))) {
        pthread_mutex_unlock(&pull->mutex);
        ask(pull, item);
        pthread_mutex_lock(&pull->mutex);
        item->source->calls--;
        pthread_cond_broadcast(&pull->cond);
    }
    pthread_mutex_unlock(&pull->mutex);
    return NULL;
}

/* --- The whole -------------------------------------------------------------------------------- */

static source_t *source_of(pull_t *pull, const slk_vanilla_holder_t *holder)
{
    for (size_t i = 0; i < pull->source_cnt; i++)
        if (!strcmp(pull->sources[i].holder->url, holder->url) &&
            !strcmp(pull->sources[i].holder->store, holder->store))
            return &pull->sources[i];
    source_t *source = &pull->sources[pull->source_cnt++];
    *source = (source_t){.holder = holder};
    return source;
}

/* Those whose holder of this turn is another worker. */
static void gather(pull_t *pull, size_t turn)
{
    const slk_worker_t *w = pull->run->w;
    slk_diag_t why;
    for (size_t i = 0; i < pull->run->cnt; i++) {
        slk_vanilla_sector_t *s = &pull->run->sectors[i];
        if (turn >= s->holder_cnt || s->holders[turn].own || s->proof)
            continue;
        const slk_vanilla_holder_t *holder = &s->holders[turn];
        if (!holder->url[0] || !strcmp(holder->url, w->remote_url)) {
            snprintf(why.text, sizeof why.text, "path %s is not attached to worker %s (any more)",
                     holder->store, holder->url[0] ? w->name : "that is known");
            slk_vanilla_failed(s, true, why.text);
            continue;
        }
        pull->items[pull->cnt++] = (item_t){.sector = s, .source = source_of(pull, holder)};
    }
    pull->left = pull->cnt;
}

static slk_err_t start(pull_t *pull, slk_diag_t *diag)
{
    slk_http_client_opts_t opts = {
        .connect_ms = CONNECT_MS, .answer_max = ANSWER_MAX, .idle_max = CALLS_MAX};
    slk_worker_t *w = pull->run->w;
    slk_worker_lock(w);
    slk_token_new(pull->token, &w->key, slk_perms_upto(SLK_PERM_ADMIN));
    slk_worker_unlock(w);
    return slk_http_client_new(&pull->client, &opts, diag);
}

slk_err_t slk_vanilla_remote(slk_vanilla_run_t *run, size_t turn, slk_diag_t *diag)
{
    pull_t pull = {.run = run};
    pthread_t threads[CALLS_MAX];
    unsigned cnt = 0;
    slk_err_t err = SLK_OK;
    pthread_mutex_init(&pull.mutex, NULL);
    pthread_cond_init(&pull.cond, NULL);
    pull.items = calloc(run->cnt + 1, sizeof *pull.items);
    pull.sources = calloc(run->cnt + 1, sizeof *pull.sources);
    if (!pull.items || !pull.sources) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory to ask other workers");
        goto out;
    }
    gather(&pull, turn);
    if (!pull.cnt)
        goto out;
    SLK_TRY(start(&pull, diag));
    while (cnt + 1 < CALLS_MAX && cnt + 1 < pull.cnt &&
           pthread_create(&threads[cnt], NULL, call_main, &pull) == 0)
        cnt++;
    call_main(&pull);
    for (unsigned i = 0; i < cnt; i++)
        pthread_join(threads[i], NULL);
    if (pull.err != SLK_OK)
        err = slk_fail(diag, pull.err, "%s", pull.diag.text);
out:
    slk_http_client_free(pull.client);
    pthread_cond_destroy(&pull.cond);
    pthread_mutex_destroy(&pull.mutex);
    free(pull.items);
    free(pull.sources);
    return err;
}
