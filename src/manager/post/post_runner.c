#include "manager/post/post_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "chain/message_store.h"
#include "crypto/election/randomness.h"
#include "manager/runner_impl.h"
#include "net/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS      10000 /* without a wake */
#define TROUBLE_MS   1000
#define LASTS_MS     3000 /* a trouble that is told */
#define PASS_ROOM    ((size_t)1 << 30)
#define WINDOWS_MAX  16
#define KEEP_PERIODS 10 /* how long rows stay */

/* What troubles a miner now. */
typedef struct {
    uint64_t miner;
    char text[512];
    int64_t since_ms;
    bool told;
} trouble_t;

struct slk_poster {
    slk_runner_opts_t opts;
    slk_runner_t *runner;
    slk_post_checks_t *checks;
    char *database;
    atomic_bool stop;
    slk_job_t job;

    pthread_mutex_t lock;
    pthread_cond_t something;
    uint64_t wakes;
    trouble_t troubles[SLK_CONFIG_MINERS_MAX];
    size_t trouble_cnt;

    pthread_t thread;
    bool runs;
};

slk_err_t slk_post_found(slk_look_t look, slk_diag_t *diag)
{
    if (look == SLK_LOOK_FOUND)
        return SLK_OK;
    return look == SLK_LOOK_NONE ? slk_fail(diag, SLK_ERR_NOTFOUND, "the node knows nothing of it")
                                 : SLK_ERR_IO;
}

/* --- Looking ----------------------------------------------------------------------------------- */

static slk_err_t take_randomness(slk_post_turn_t *t, slk_post_look_t *look, slk_diag_t *diag)
{
    uint8_t entropy[SLK_ENTROPY_MAX];
    const slk_bytes_t with = {entropy, slk_miner_entropy(entropy, t->miner)};
    slk_api_bytes_t drawn;
    slk_err_t err =
        slk_api_StateGetRandomnessFromBeacon(&t->api, SLK_TAG_WINDOW_POST, look->window.challenge,
                                             with, &t->net.key, t->arena, &drawn, diag);
    if (err == SLK_OK && drawn.v.len != sizeof look->randomness.b)
        err = slk_fail(diag, SLK_ERR_FORMAT, "randomness of %zu bytes instead of 32", drawn.v.len);
    if (err == SLK_OK)
        memcpy(look->randomness.b, drawn.v.b, sizeof look->randomness.b);
    return err;
}

/* Partitions that have a proof in the window that is open. */
static slk_err_t take_posted(slk_post_turn_t *t, slk_post_look_t *look, slk_diag_t *diag)
{
    slk_api_deadlines_t deadlines;
    if (t->net.height < look->window.open || t->net.height >= look->window.close)
        return SLK_OK;
    slk_err_t err =
        slk_api_StateMinerDeadlines(&t->api, &t->address, &t->net.key, t->arena, &deadlines, diag);
    if (err == SLK_OK && look->window.index >= deadlines.v.count)
        err = slk_fail(diag, SLK_ERR_FORMAT, "StateMinerDeadlines answered %zu deadlines",
                       deadlines.v.count);
    if (err == SLK_OK)
        look->posted = deadlines.v.items[look->window.index].post_submissions;
    return err;
}

/* Stored rows at the places of their partitions. */
static slk_err_t take_rows(slk_post_turn_t *t, slk_post_look_t *look, slk_diag_t *diag)
{
    slk_err_t err;
    const size_t all = look->partitions.count;
    slk_post_row_t *stored;
    size_t cnt;
    look->rows = slk_arena_array(t->arena, all + 1, sizeof *look->rows);
    look->views = slk_arena_array(t->arena, all + 1, sizeof *look->views);
    look->facts = slk_arena_array(t->arena, all + 1, sizeof *look->facts);
    look->actions = slk_arena_array(t->arena, all + 1, sizeof *look->actions);
    if (!look->rows || !look->views || !look->facts || !look->actions) {
        look->views = NULL;
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu partitions", all);
    }
    memset(look->views, 0, (all + 1) * sizeof *look->views);
    for (size_t i = 0; i < all; i++)
        look->rows[i] = (slk_post_row_t){.miner = t->miner, .window = look->window, .partition = i};
    SLK_TRY(slk_post_load(t->db, t->miner, look->window.open, t->arena, &stored, &cnt, diag));
    for (size_t i = 0; i < cnt; i++) {
        if (stored[i].partition >= all)
            continue;
        const int64_t cutoff = look->window.fault_cutoff;
        look->rows[stored[i].partition] = stored[i];
        look->rows[stored[i].partition].window.fault_cutoff = cutoff;
    }
out:
    return err;
}

static slk_err_t message_state(slk_post_turn_t *t, const char *key, slk_message_state_t *state,
                               slk_diag_t *diag)
{
    slk_message_row_t row;
    slk_err_t err = slk_message_find(t->db, key, &row, diag);
    *state = SLK_MESSAGE_STATE_CNT;
    if (err == SLK_ERR_NOTFOUND)
        return SLK_OK;
    if (err != SLK_OK)
        return err;
    *state = row.state;
    slk_message_row_free(&row);
    return SLK_OK;
}

static slk_err_t take_fact(slk_post_turn_t *t, slk_post_look_t *look, size_t i, slk_diag_t *diag)
{
    slk_err_t err;
    const slk_post_row_t *row = &look->rows[i];
    slk_post_fact_t *fact = &look->facts[i];
    slk_bitfield_t set;
    SLK_TRY(slk_post_to_prove(&set, &look->partitions.items[i], t->arena));
    *fact = (slk_post_fact_t){
        .index = i,
        .to_prove = slk_bitfield_count(&set),
        .posted = slk_bitfield_contains(&look->posted, i),
        .state = row->state,
        .stale = row->state != SLK_POST_NONE && !slk_node_eq(&row->randomness, &look->randomness),
        .tries = row->tries,
        .sends = row->sends,
        .retry_epoch = row->retry_epoch,
        .message = SLK_MESSAGE_STATE_CNT,
        .full = slk_bitfield_count(&row->asked) == t->actor.window_post_partition_sectors,
    };
    SLK_TRY(slk_bitfield_intersection(&set, &set, &row->skipped, t->arena));
    fact->skipped = slk_bitfield_count(&set);
    slk_bitfield_first(&row->asked, &fact->first);
    slk_bitfield_last(&row->asked, &fact->last);
    if (row->state == SLK_POST_ASKED) {
        SLK_TRY(slk_job_find(t->db, row->job, &look->views[i], diag));
        fact->job = look->views[i].state;
    } else if (row->state == SLK_POST_SENT)
        SLK_TRY(message_state(t, row->message, &fact->message, diag));
out:
    return err;
}

static void look_free(slk_post_look_t *look)
{
    for (size_t i = 0; look->views && i < look->partitions.count; i++)
        json_decref(look->views[i].result);
}

/* --- Doing ------------------------------------------------------------------------------------- */

/* What is only noted in the row. */
static slk_err_t note(slk_post_turn_t *t, slk_post_look_t *look, size_t i, slk_diag_t *diag)
{
    slk_post_row_t *row = &look->rows[i];
    const slk_post_action_t *action = &look->actions[i];
    char old[sizeof row->job] = "";
    bool changed = true;
    if (action->what == SLK_POST_DO_WAIT) {
        changed = row->state != SLK_POST_NONE && strcmp(row->why, action->why) != 0;
    } else if (action->what == SLK_POST_DO_RESEND) {
        slk_log(SLK_LOG_WARN, "post", "f0%" PRIu64 ", deadline %" PRIu64 ", partition %zu: %s (%s)",
                t->miner, look->window.index, i, action->why, row->message);
        row->state = SLK_POST_PROVEN;
        row->sends++;
        row->retry_epoch = action->retry_epoch;
    } else {
        if (row->state == SLK_POST_ASKED)
            snprintf(old, sizeof old, "%s", row->job);
        if (action->what == SLK_POST_DO_DONE && row->state != SLK_POST_SENT)
            row->asked = (slk_bitfield_t){0}; /* by somebody else: not known of which sectors */
        if (action->what == SLK_POST_DO_DONE)
            row->done_ms = t->now_ms;
        row->state = action->what == SLK_POST_DO_DONE     ? SLK_POST_DONE
                     : action->what == SLK_POST_DO_MISSED ? SLK_POST_MISSED
                                                          : SLK_POST_EMPTY;
        row->retry_epoch = action->retry_epoch;
        row->randomness = look->randomness;
    }
    if (!changed)
        return SLK_OK;
    snprintf(row->why, sizeof row->why, "%s", action->why);
    return slk_post_store_row(t, row, old, diag);
}

static slk_err_t act(slk_post_turn_t *t, slk_post_look_t *look, size_t i, slk_diag_t *diag)
{
    const slk_post_do_t what = look->actions[i].what;
    if (what == SLK_POST_DO_ASK || what == SLK_POST_DO_ANEW)
        return slk_post_ask(t, look, i, diag);
    if (what == SLK_POST_DO_TAKE)
        return slk_post_take(t, look, i, diag);
    return what == SLK_POST_DO_SEND ? SLK_OK : note(t, look, i, diag);
}

/* One line when the last partition has come to its end. */
static void tell_end(const slk_post_turn_t *t, const slk_post_look_t *look)
{
    uint64_t sectors = 0, skipped = 0;
    size_t done = 0, missed = 0;
    bool now = false;
    for (size_t i = 0; i < look->partitions.count; i++) {
        const slk_post_row_t *row = &look->rows[i];
        if (!look->facts[i].to_prove && row->state == SLK_POST_NONE)
            continue;
        if (row->state != SLK_POST_DONE && row->state != SLK_POST_MISSED)
            return;
        now |= look->facts[i].state != row->state;
        done += row->state == SLK_POST_DONE;
        missed += row->state == SLK_POST_MISSED;
        sectors += row->state == SLK_POST_DONE ? slk_bitfield_count(&row->asked) : 0;
        skipped += slk_bitfield_count(&row->skipped);
    }
    if (!now)
        return;
    const int64_t left = look->window.close - t->net.height;
    char when[64];
    snprintf(when, sizeof when,
             left > 0 ? "%" PRId64 " epochs before it closes" : "after it closed", left);
    slk_log(missed ? SLK_LOG_ERROR : SLK_LOG_INFO, "post",
            "f0%" PRIu64 ", deadline %" PRIu64 " (epochs %" PRId64 " to %" PRId64
            "): %zu partitions proven with %" PRIu64 " sectors, %" PRIu64
            " sectors left out, %zu partitions missed; settled %s",
            t->miner, look->window.index, look->window.open, look->window.close, done, sectors,
            skipped, missed, when);
}

static slk_err_t work(slk_post_turn_t *t, slk_post_look_t *look, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const size_t cnt = look->partitions.count;
    slk_post_schedule(look->actions, &look->batches, &look->window, &t->rules, t->net.height,
                      look->facts, cnt);
    /* One that cannot be helped now does not hold up the others. */
    for (size_t i = 0; i < cnt; i++) {
        slk_diag_t why = {0};
        slk_err_t one = act(t, look, i, &why);
        if (one != SLK_OK)
            err = slk_fail(diag, one, "partition %zu: %.1500s", i, why.text);
    }
    for (uint32_t b = 0; b < look->batches; b++) {
        slk_diag_t why = {0};
        slk_err_t one = slk_post_send(t, look, b, &why);
        if (one != SLK_OK)
            err = slk_fail(diag, one, "sending: %.1500s", why.text);
    }
    tell_end(t, look);
    return err;
}

/* A window from its challenge to its close. */
static slk_err_t do_window(slk_post_turn_t *t, const slk_post_window_t *window, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_partitions_t partitions;
    slk_post_look_t look = {.window = *window};
    if (t->net.height < window->challenge + t->rules.challenge_confidence)
        return SLK_OK;
    SLK_TRY(slk_post_found(t->world.ops->partitions(t->world.ctx, t->miner, window->index, t->arena,
                                                    &partitions, diag),
                           diag));
    look.partitions = partitions.v;
    if (!look.partitions.count)
        goto out;
    SLK_TRY(take_randomness(t, &look, diag));
    SLK_TRY(take_posted(t, &look, diag));
    SLK_TRY(take_rows(t, &look, diag));
    for (size_t i = 0; i < look.partitions.count; i++)
        SLK_TRY(take_fact(t, &look, i, diag));
    err = work(t, &look, diag);
out:
    look_free(&look);
    return err;
}

/* Rows of windows that have closed meanwhile. */
static slk_err_t do_closed(slk_post_turn_t *t, const slk_post_window_t *window, slk_diag_t *diag)
{
    slk_err_t err;
    slk_post_row_t *rows;
    size_t cnt;
    slk_post_look_t look = {.window = *window};
    SLK_TRY(slk_post_load(t->db, t->miner, window->open, t->arena, &rows, &cnt, diag));
    look.partitions.count = cnt ? (size_t)rows[cnt - 1].partition + 1 : 0;
    SLK_TRY(take_rows(t, &look, diag));
    for (size_t i = 0; i < look.partitions.count; i++) {
        const slk_post_row_t *row = &look.rows[i];
        look.facts[i] = (slk_post_fact_t){.index = i,
                                          .to_prove = row->state != SLK_POST_NONE,
                                          .state = row->state,
                                          .message = SLK_MESSAGE_STATE_CNT};
        look.randomness = row->randomness;
        if (row->state == SLK_POST_SENT)
            SLK_TRY(message_state(t, row->message, &look.facts[i].message, diag));
    }
    err = work(t, &look, diag);
out:
    look_free(&look);
    return err;
}

/* --- One miner --------------------------------------------------------------------------------- */

static slk_err_t get_ready(slk_post_turn_t *t, slk_diag_t *diag)
{
    const slk_world_ops_t *ops = t->world.ops;
    slk_err_t err;
    SLK_TRY(slk_post_found(ops->net(t->world.ctx, &t->net, diag), diag));
    SLK_TRY(slk_post_found(ops->deadline(t->world.ctx, t->miner, &t->info, diag), diag));
    SLK_TRY(
        slk_post_found(ops->miner_info(t->world.ctx, t->miner, t->arena, &t->actor, diag), diag));
    if (t->info.wpost_challenge_window < 1 || !t->info.wpost_period_deadlines)
        err = slk_fail(diag, SLK_ERR_FORMAT, "StateMinerProvingDeadline answered no windows");
    const slk_post_wishes_t wishes = {
        .challenge_confidence = t->config.challenge_confidence,
        .submit_confidence = t->config.submit_confidence,
        .message_confidence = t->config.message_confidence,
        .max_partitions = t->config.max_partitions_per_post_message,
    };
    t->rules = slk_post_rules(&wishes, &t->info, t->actor.window_post_partition_sectors);
out:
    return err;
}

static slk_err_t do_miner(slk_post_turn_t *t, slk_diag_t *diag)
{
    slk_err_t err, worst = SLK_OK;
    slk_post_window_t closed[WINDOWS_MAX];
    size_t closed_cnt;
    SLK_TRY(get_ready(t, diag));
    SLK_TRY(slk_post_unfinished(t->db, t->miner, t->net.height, closed, WINDOWS_MAX, &closed_cnt,
                                diag));
    for (size_t i = 0; i < closed_cnt; i++)
        SLK_TRY(do_closed(t, &closed[i], diag));
    /* The next one's challenge is drawn while the present one is open. */
    for (uint64_t ahead = 0; ahead <= 2; ahead++) {
        const slk_post_window_t window = slk_post_window(&t->info, ahead);
        slk_diag_t why = {0};
        err = ahead < 2                                      ? do_window(t, &window, &why)
              : slk_post_may_recover(&window, t->net.height) ? slk_post_recover(t, &window, &why)
                                                             : SLK_OK;
        if (err != SLK_OK)
            worst = slk_fail(diag, err, "deadline %" PRIu64 ": %.1800s", window.index, why.text);
    }
    const int64_t keep = KEEP_PERIODS * t->info.wpost_proving_period;
    err = slk_post_purge(t->db, t->miner, t->net.height - keep, diag);
out:
    return err != SLK_OK ? err : worst;
}

/* --- The thread -------------------------------------------------------------------------------- */

/* Keep what troubles a miner; tell it once, when it lasts. */
static void trouble(slk_poster_t *p, uint64_t miner, const char *text)
{
    bool fresh = false;
    size_t i = 0;
    pthread_mutex_lock(&p->lock);
    while (i < p->trouble_cnt && p->troubles[i].miner != miner)
        i++;
    if (i == p->trouble_cnt && i < SLK_CONFIG_MINERS_MAX)
        p->troubles[p->trouble_cnt++] = (trouble_t){.miner = miner};
    if (i < p->trouble_cnt) {
        trouble_t *now = &p->troubles[i];
        const bool same = *text && !strncmp(now->text, text, sizeof now->text - 1);
        const int64_t now_ms = slk_runner_now();
        if (!same)
            *now = (trouble_t){.miner = miner, .since_ms = now_ms};
        fresh = same && !now->told && now_ms - now->since_ms > LASTS_MS;
        now->told |= fresh;
        snprintf(now->text, sizeof now->text, "%s", text);
    }
    pthread_mutex_unlock(&p->lock);
    if (fresh)
        slk_log(SLK_LOG_WARN, "post", "miner f0%" PRIu64 ": %s; is tried again", miner, text);
}

void slk_poster_trouble(slk_poster_t *p, uint64_t miner, char *out, size_t cap)
{
    *out = 0;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->trouble_cnt; i++)
        if (p->troubles[i].miner == miner)
            snprintf(out, cap, "%s", p->troubles[i].text);
    pthread_mutex_unlock(&p->lock);
}

/* How long to wait for a wake until the next pass. */
static int64_t pass(slk_poster_t *p, slk_db_t *db, slk_world_node_t *world)
{
    uint64_t miners[SLK_CONFIG_MINERS_MAX];
    const slk_runner_opts_t *opts = &p->opts;
    size_t cnt = opts->miners(opts->config_ctx, miners, SLK_CONFIG_MINERS_MAX);
    int64_t wait_ms = LOOK_MS;
    for (size_t i = 0; i < cnt && !atomic_load(&p->stop); i++) {
        slk_arena_t arena;
        slk_diag_t diag = {0};
        slk_post_turn_t t = {
            .opts = opts,
            .job = &p->job,
            .checks = p->checks,
            .db = db,
            .api = {.nodes = slk_chain_nodes(opts->chain), .network = SLK_TESTNET, .job = &p->job},
            .miner = miners[i],
            .address = slk_address_id(miners[i]),
            .now_ms = slk_runner_now(),
            .arena = &arena};
        if (!opts->config(opts->config_ctx, miners[i], &t.config) || !t.config.proving) {
            trouble(p, miners[i], "");
            continue;
        }
        slk_arena_init(&arena, PASS_ROOM);
        t.world = slk_world_node_view(world, &t.config, t.now_ms, 1);
        const slk_err_t err = do_miner(&t, &diag);
        slk_arena_free(&arena);
        if (err != SLK_OK)
            wait_ms = wait_ms < TROUBLE_MS ? wait_ms : TROUBLE_MS;
        else if (t.again)
            wait_ms = 0;
        trouble(p, miners[i], err == SLK_OK || atomic_load(&p->stop) ? "" : diag.text);
    }
    return wait_ms;
}

static bool wait(slk_poster_t *p, uint64_t *seen, int64_t ms)
{
    struct timespec until = slk_net_after_ms((uint64_t)ms);
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop) && p->wakes == *seen)
        if (pthread_cond_timedwait(&p->something, &p->lock, &until) == ETIMEDOUT)
            break;
    *seen = p->wakes;
    pthread_mutex_unlock(&p->lock);
    return !atomic_load(&p->stop);
}

static void *poster_main(void *arg)
{
    slk_poster_t *p = arg;
    slk_db_t *db = NULL;
    slk_world_node_t *world = NULL;
    slk_diag_t diag = {0};
    uint64_t seen = 0;
    int64_t wait_ms;
    slk_err_t err = slk_db_open(&db, p->database, &diag);
    if (err == SLK_OK)
        err = slk_runner_world(p->runner, db, &world, &diag);
    if (err != SLK_OK)
        slk_log(SLK_LOG_ERROR, "post", "nothing can be proven: %s", diag.text);
    else
        do
            wait_ms = pass(p, db, world);
        while (wait(p, &seen, wait_ms));
    slk_world_node_free(world);
    slk_db_close(db);
    return NULL;
}

void slk_poster_wake(slk_poster_t *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->wakes++;
    pthread_cond_broadcast(&p->something);
    pthread_mutex_unlock(&p->lock);
}

static void checked(void *ctx)
{
    slk_poster_wake(ctx);
}

slk_err_t slk_poster_start(slk_poster_t **out, const slk_runner_opts_t *opts, slk_runner_t *runner,
                           const slk_token_key_t *transfer_key, slk_diag_t *diag)
{
    slk_err_t err;
    slk_poster_t *p = calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    p->opts = *opts;
    p->runner = runner;
    p->job.cancel = &p->stop;
    p->database = strdup(opts->database);
    pthread_mutex_init(&p->lock, NULL);
    slk_net_cond_init(&p->something);
    SLK_TRY(slk_post_checks_new(&p->checks, transfer_key, checked, p, diag));
    int rc = p->database ? slk_net_thread(&p->thread, poster_main, p) : ENOMEM;
    if (rc != 0) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
        goto out;
    }
    p->runs = true;
    *out = p;
    return SLK_OK;
out:
    slk_poster_free(p);
    return err;
}

void slk_poster_stop(slk_poster_t *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    slk_poster_wake(p);
    if (p->runs)
        pthread_join(p->thread, NULL);
    p->runs = false;
    slk_post_checks_free(p->checks);
    p->checks = NULL;
}

void slk_poster_free(slk_poster_t *p)
{
    if (!p)
        return;
    slk_poster_stop(p);
    pthread_cond_destroy(&p->something);
    pthread_mutex_destroy(&p->lock);
    free(p->database);
    free(p);
}
